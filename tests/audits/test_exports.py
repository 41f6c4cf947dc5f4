"""An export of a known system: recognised, written down, and audited by what was written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import journeylib as jl
from journeylib.audits.config.draft import write_first_config
from journeylib.audits.config.load import load_config
from journeylib.cli.main import main
from journeylib.core.errors import LogError
from journeylib.log.sources.recipes.recipe import find_recipe

T0 = 1_772_438_940


def chat(number: int) -> list[dict[str, object]]:
    """A customer asks and the bot answers; every second one is passed on to an agent."""
    people = {
        "contact": {"id": number, "type": "contact"},
        "bot": {"id": 1, "type": "agent_bot"},
        "agent": {"id": 2, "type": "user"},
        None: None,
    }
    said: list[tuple[int, str | None, str]] = [
        (0, "contact", "Where is my parcel?"), (1, "bot", "It is on its way."),
    ]  # fmt: skip
    if number % 2:
        said += [
            (0, "contact", "A human, please"),
            (2, None, "Conversation was marked open by Bot"),
        ]
        said += [(1, "agent", "I am looking for it.")]
    else:
        said += [(0, "contact", "Thanks, that helped")]
    said += [(2, None, "Conversation was marked resolved by Bot")]
    return [
        {
            "id": number * 100 + place, "content": words, "conversation_id": number,
            "message_type": kind, "content_type": "text", "private": False, "inbox_id": 3,
            "created_at": T0 + number * 90_000 + place * 60, "sender": people[who],
        }
        for place, (kind, who, words) in enumerate(said)
    ]  # fmt: skip


@pytest.fixture
def export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "export"
    folder.mkdir()
    rows = [message for number in range(40) for message in chat(number)]
    text = "\n".join(json.dumps(row) for row in rows)
    (folder / "messages.jsonl").write_text(text, "utf-8")
    return folder


@pytest.mark.slow
def test_init_says_which_recipe_it_took_and_the_audit_runs_by_it(
    export: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", "export", "--out", "chats.yaml"]) == 0
    said = capsys.readouterr().out
    assert "This is an export of Chatwoot; the recipe chatwoot reads it." in said
    assert "200 messages gave 200 events" in said
    config = load_config("chats.yaml")
    assert config.log.recipe == "chatwoot"
    assert [Path(file).name for file in config.log.files] == ["messages.jsonl"]
    handoffs = jl.audit(config).evidence.handoffs
    assert (handoffs.sessions, handoffs.handed_over, handoffs.requests) == (40, 20, 20)
    assert handoffs.wait.value == 180  # from minute one to minute four


def test_the_content_of_a_recipe_is_part_of_what_was_decided(export: Path) -> None:
    write_first_config("export", out="chats.yaml")
    built_in = load_config("chats.yaml")
    mine = Path("mine.sql")
    mine.write_text(find_recipe("chatwoot").text, "utf-8")
    copied = load_config("chats.yaml", overrides=["log.recipe=mine.sql"])
    assert copied.hash() == built_in.hash()
    mine.write_text(find_recipe("chatwoot").text.replace("'Closed'", "'Done'"), "utf-8")
    assert copied.hash() != built_in.hash()


def test_a_recipe_that_is_not_there_is_told(export: Path) -> None:
    write_first_config("export", out="chats.yaml")
    with pytest.raises(LogError, match=r"no recipe 'chatwot'. Did you mean 'chatwoot'"):
        jl.audit("chats.yaml", overrides=["log.recipe=chatwot"])
    with pytest.raises(LogError, match=r"ours.sql cannot be read"):
        jl.audit("chats.yaml", overrides=["log.recipe=ours.sql"])


def test_recipes_are_listed_and_printed_to_be_copied(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recipes"]) == 0
    listed = capsys.readouterr().out
    assert "amazon_connect" in listed and "Zendesk Support: audits" in listed
    assert main(["recipes", "rasa"]) == 0
    assert capsys.readouterr().out == find_recipe("rasa").text
    assert main(["recipes", "raza"]) == 2
