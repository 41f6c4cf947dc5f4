"""Turn the airline bot's conversations into an event log: ``python examples/airline_bot.py``.

One row per message after the policy text. A message of the bot that calls a tool is an event at
that tool; the tool's answer is an event of the system. Conversations have turns, no times.
"""

from __future__ import annotations

import csv
import gzip
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
SOURCE = HERE / "../../shared/data/tau_bench_airline/gpt-4o-airline.json.gz"
TARGET = HERE / "airline_bot.csv"
COLUMNS = ("conversation", "turn", "touchpoint", "actor", "text", "solved")
TRANSFER = "transfer_to_human_agents"


def events(conversations: list[dict[str, Any]]) -> Iterator[tuple[object, ...]]:
    """Yield one row per message; a transfer is followed by the human who takes over."""
    for number, conversation in enumerate(conversations):
        solved = int(conversation["reward"] == 1)
        for turn, message in enumerate(conversation["traj"]):
            if message["role"] == "system":
                continue
            touchpoint, actor = what_and_who(message)
            text = (message.get("content") or "") if actor in ("user", "assistant") else ""
            yield number, 2 * turn, touchpoint, actor, text, solved
            if touchpoint == TRANSFER and actor == "assistant":
                yield number, 2 * turn + 1, "Human agent", "human", "", solved


def what_and_who(message: dict[str, Any]) -> tuple[str, str]:
    """Name the touchpoint of a message and who acted."""
    role = str(message["role"])
    if role == "tool":
        return "Look-up answer", "system"
    calls = message.get("tool_calls") or []
    if calls:
        return str(calls[0]["function"]["name"]), role
    return ("Customer message" if role == "user" else "Bot message"), role


def main(source: Path = SOURCE, target: Path = TARGET) -> None:
    """Write the event log."""
    with gzip.open(source, "rt", encoding="utf-8") as file:
        conversations = json.load(file)
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(events(conversations))


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:]))
