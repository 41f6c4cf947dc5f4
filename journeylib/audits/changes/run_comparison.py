"""Between two runs of an audit: what is not the same, in the order in which to read it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from journeylib.audits.changes.changes import PARTS
from journeylib.audits.changes.wording import Kind
from journeylib.audits.runs.history import Entry
from journeylib.core import LogError, number, percent

NUMBER_COLUMNS = ("measure", "unit", "before", "before_lo", "before_hi", "n_before",
                  "after", "after_lo", "after_hi", "n_after", "apart")  # fmt: skip
VERDICT_COLUMNS = ("touchpoint", "before", "stability_before", "after", "stability_after",
                   "stands")  # fmt: skip
NAMES = {
    "contained_raw": "Sessions that no human joined (raw containment)",
    "contained_verified": "Verified containment",
    "requests_honoured": "Requests for a human that were honoured",
    "wait_seconds": "Wait for the human (median)",
    "ping_pong": "Conversations passed back and forth",
    "repeat_contact": "Contacts followed by another about the same",
    "open": "Journeys that are still open",
    "loop_rate": "Transitions within a cycle of touchpoints",
    "self_loop_rate": "Transitions from a touchpoint to itself",
    "throughput_seconds": "Length of a journey (median)",
    "journeys_per_customer": "Journeys per customer",
    "steps_per_journey": "Steps per journey",
}  # numbers of the whole log in words
KEYS_NAMED = 6  # settings named in one sentence


@dataclass(frozen=True)
class Between:
    """What is not the same in two runs.

    Attributes
    ----------
    before, after : Entry
    said : tuple of (kind, sentence)
        Data quality, definition, mix, performance, in this order.
    numbers : pandas.DataFrame
        One row per number of the whole log that both runs have, columns `NUMBER_COLUMNS`;
        ``apart`` says that their intervals do not overlap.
    verdicts : pandas.DataFrame
        One row per touchpoint of which the two runs do not say the same, columns
        `VERDICT_COLUMNS`; ``stands`` is the verdict that stands after the second.
    """

    before: Entry
    after: Entry
    said: tuple[tuple[Kind, str], ...]
    numbers: pd.DataFrame
    verdicts: pd.DataFrame

    @property
    def heading(self) -> str:
        """Which runs are compared."""
        one, other = self.before, self.after
        title = other.document["audit"]["title"]
        return (
            f"{title}: the run as of {one.as_of.isoformat()} ({one.run_id}) and the run as of "
            f"{other.as_of.isoformat()} ({other.run_id})"
        )

    @property
    def text(self) -> str:
        """Everything in words and tables, for a terminal."""
        lines = [self.heading, ""]
        lines += [f"  {kind.replace('_', ' '):<13} {said}" for kind, said in self.said]
        if len(self.verdicts):
            lines += ["", "Verdicts that differ:", self.verdicts.to_string(index=False)]
        moved = self.numbers[self.numbers["before"] != self.numbers["after"]]
        if len(moved):
            shown = pd.DataFrame(
                {
                    "": moved["measure"],
                    "before": _amounts(moved, "before"),
                    "after": _amounts(moved, "after"),
                    "customers": moved["n_after"],
                    "apart": moved["apart"].map({True: "yes", False: "no"}),
                }
            )
            lines += ["", "Numbers of the whole log that differ (apart: the intervals do not "
                      "overlap):", shown.to_string(index=False)]  # fmt: skip
        return "\n".join(lines)


def _amounts(rows: pd.DataFrame, column: str) -> list[str]:
    return [
        percent(value) if unit == "share" else f"{number(value, 2)} {unit}"
        for value, unit in zip(rows[column], rows["unit"], strict=True)
    ]


def between(before: Entry, after: Entry) -> Between:
    """Say what is not the same in two runs of one audit.

    Parameters
    ----------
    before, after : Entry
        From `history.find_run`.

    Returns
    -------
    Between

    Raises
    ------
    LogError
        If they are runs of different audits.

    Notes
    -----
    Two runs mostly see the same events: that the intervals of a number overlap says little, and
    that they do not says something only where the definitions are the same. What chance can
    and cannot make is tested between periods that share no event; those sentences stand in the
    second run, and are repeated here where it was compared with the first.
    """
    names = [entry.document["audit"]["name"] for entry in (before, after)]
    if names[0] != names[1]:
        raise LogError(f"these are runs of two audits, '{names[0]}' and '{names[1]}'; name two "
                       "runs of one.")  # fmt: skip
    said = (*_data(before, after), *_definitions(before, after), *_tested(before, after))
    return Between(before, after, tuple(said), _numbers(before, after), _verdicts(before, after))


def _data(before: Entry, after: Entry) -> Iterator[tuple[Kind, str]]:
    old, new = before.document, after.document
    if old["audit"]["log_hash"] == new["audit"]["log_hash"]:
        yield "data_quality", "Both runs saw the same events."
    else:
        counts = [
            f"{new['log'][name]:,} {name} ({_signed(new['log'][name] - old['log'][name])})"
            for name in ("events", "journeys", "customers")
        ]
        yield "data_quality", f"The second run saw {', '.join(counts)}."
    checks = {(row["check"], row["role"]): row for row in old["log"]["quality"]}
    for row in new["log"]["quality"]:
        known = checks.get((row["check"], row["role"]))
        if known is not None and known["severity"] != row["severity"]:
            name = f"{row['check']} {row['role']}".strip().replace("_", " ")
            yield (
                "data_quality",
                f"The check '{name}' is now {row['severity']}, {known['severity']} before: "
                f"{row['text']}",
            )


def _definitions(before: Entry, after: Entry) -> Iterator[tuple[Kind, str]]:
    differing = [
        words
        for name, words in PARTS.items()
        if before.definitions.get(name) != after.definitions.get(name)
    ]
    if not differing:
        yield "definition", "Both runs rest on the same definitions."
        return
    keys = sorted(_changed_keys(_config(before), _config(after)))
    named = ", ".join(keys[:KEYS_NAMED]) + (" …" if len(keys) > KEYS_NAMED else "")
    said = f"Not the same: {'; '.join(differing)}."
    yield "definition", said + (f" Settings that differ: {named}." if keys else "")


def _config(entry: Entry) -> Mapping[str, Any]:
    try:
        content = json.loads((entry.folder / "manifest.json").read_bytes())["config"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return content if isinstance(content, dict) else {}


def _changed_keys(old: Any, new: Any, place: str = "") -> Iterator[str]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in {*old, *new}:
            inner = f"{place}.{key}" if place else str(key)
            yield from _changed_keys(old.get(key), new.get(key), inner)
    elif old != new and place != "as_of":
        yield place


def _tested(before: Entry, after: Entry) -> Iterator[tuple[Kind, str]]:
    comparison = after.document["comparison"]
    if comparison["previous"] != before.run_id:
        yield (
            "performance",
            "The second run was not compared with the first when it ran; what follows shows "
            "totals over mostly the same events, and tests nothing.",
        )
        return
    alarms = [change for change in after.document["changes"] if change["significant"]]
    for change in alarms:
        yield change["kind"], change["text"]
    if not alarms:
        yield "performance", f"Nothing changed by more than chance. {comparison['note']}"


def _numbers(before: Entry, after: Entry) -> pd.DataFrame:
    rows = []
    old, new = dict(_estimates(before)), dict(_estimates(after))
    for name in old:
        one, other = old[name], new.get(name)
        if other is None or one["value"] is None or other["value"] is None:
            continue
        ends = (one["lo"], one["hi"], other["lo"], other["hi"])
        apart = all(end is not None for end in ends) and bool(
            one["hi"] < other["lo"] or other["hi"] < one["lo"]
        )
        said = NAMES.get(name, name.replace("_", " "))
        rows.append(
            (said, one["unit"], one["value"], one["lo"], one["hi"], one["n_customers"],
             other["value"], other["lo"], other["hi"], other["n_customers"], apart)
        )  # fmt: skip
    return pd.DataFrame(rows, columns=list(NUMBER_COLUMNS))


def _estimates(entry: Entry) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for part in (entry.document["handoffs"], entry.document["flow"]):
        for name, value in part.items():
            if isinstance(value, Mapping) and "value" in value:
                yield name, value


def _verdicts(before: Entry, after: Entry) -> pd.DataFrame:
    old = {row["touchpoint"]: row for row in before.document["touchpoints"]}
    rows = []
    for row in after.document["touchpoints"]:
        name = row["touchpoint"]
        known = old.pop(name, None)
        if known is None or known["verdict"] != row["verdict"]:
            rows.append(
                (name, known and known["verdict"], known and known["verdict_stability"],
                 row["verdict"], row["verdict_stability"], after.standing.get(name))
            )  # fmt: skip
    rows += [
        (name, row["verdict"], row["verdict_stability"], None, None, after.standing.get(name))
        for name, row in old.items()
    ]
    return pd.DataFrame(rows, columns=list(VERDICT_COLUMNS))


def _signed(value: int) -> str:
    return f"{value:+,}".replace("-", "−")
