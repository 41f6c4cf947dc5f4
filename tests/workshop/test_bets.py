"""Ideas of a room become bets that the configuration reads: nothing that people edited changes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

import journeylib as jl
from journeylib.audits import load_config
from journeylib.cli.main import main
from journeylib.workshop.notes.bets import bets_of_notes, write_bets
from journeylib.workshop.notes.notes import Note, Places, write_notes

PLACES = Places({"Chatbot: billing": ("Pay", "chatbot"), "Billing call": ("Pay", "phone")})
OFFER = Note(
    "n-11111111",
    "Offer a person after the second failed answer. Test: half of the customers, four weeks. "
    "Stop if: complaints rise by 2 points. Why: they give up",
    kind="idea",
    touchpoint="Chatbot: billing",
    author="ann",
    votes=5,
)
GERMAN = Note(
    "n-22222222",
    "Rechnung vorher erklären; Versuch: ein Ort; Stopp wenn: mehr Anrufe",
    kind="idea",
    touchpoint="Billing call",
    votes=2,
)
OWNER = Note("n-33333333", "head of billing", kind="owner", touchpoint="Billing call")
FORM = Note("n-44444444", "billing call, many repeats, works council", kind="idea", author="room")
LOST = Note("n-55555555", "Better music", kind="idea", touchpoint="Lift", author="room")
PAIN = Note("n-66666666", "Too long", kind="pain", touchpoint="Billing call", author="room")
ASKED = Note("n-77777777", "What then?", kind="idea", touchpoint="Billing call", author="audit")
NOTES = (PAIN, FORM, GERMAN, OWNER, LOST, OFFER, ASKED)


def test_an_idea_is_a_bet_and_its_parts_are_told_apart() -> None:
    found = bets_of_notes(NOTES, PLACES)
    assert (found.new, found.placeless) == (3, 1)
    offer, german, form = found.bets  # by votes
    assert offer == {
        "name": "offer-a-person-after-the-11111111",
        "touchpoint": "Chatbot: billing",
        "what": "Offer a person after the second failed answer",
        "why": "they give up",
        "smallest_test": "half of the customers, four weeks",
        "stop_if": "complaints rise by 2 points",
        "state": "idea",
    }
    assert german["what"] == "Rechnung vorher erklären"
    assert (german["smallest_test"], german["stop_if"]) == ("ein Ort", "mehr Anrufe")
    # The one owner at the touchpoint answers for it; a row of a form begins with its touchpoint.
    assert german["owner_role"] == form["owner_role"] == "head of billing"
    assert (form["touchpoint"], form["what"]) == ("Billing call", "many repeats, works council")
    assert found.incomplete == (form["name"],)


def test_two_owners_are_nobody() -> None:
    other = Note("n-88888888", "head of service", kind="owner", touchpoint="Billing call")
    found = bets_of_notes((GERMAN, OWNER, other), PLACES)
    assert "owner_role" not in found.bets[0]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "audits" / "shop" / "2026"
    folder.mkdir(parents=True)
    rows = [
        {"touchpoint": name, "stage": stage, "channel": channel}
        for name, (stage, channel) in PLACES.touchpoints.items()
    ]
    (folder / "audit.json").write_text(json.dumps({"touchpoints": rows}), encoding="utf-8")
    return folder


def test_what_people_edited_stays_and_only_new_ideas_are_added(run: Path, tmp_path: Path) -> None:
    file = tmp_path / "bets.yaml"
    with pytest.raises(jl.ConfigError, match="no notes beside 2026"):
        write_bets(run, file)
    write_notes((OFFER,), run.parent / "notes.csv")
    assert write_bets(run, file).new == 1
    edited = "# agreed in June\n" + file.read_text(encoding="utf-8").replace(
        "state: idea", "state: testing"
    )
    file.write_text(edited, encoding="utf-8")
    write_notes((OFFER, GERMAN), run.parent / "notes.csv")
    found = write_bets(run, file)
    assert (len(found.bets), found.new) == (2, 1)
    written = file.read_text(encoding="utf-8")
    assert written.startswith(edited) and len(yaml.safe_load(written)) == 2
    assert write_bets(run, file).new == 0 and file.read_text(encoding="utf-8") == written


def test_the_configuration_reads_the_file(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_notes(NOTES, run.parent / "notes.csv")
    assert main(["notes", "bets", str(run), "--out", str(tmp_path / "bets.yaml")]) == 0
    told = capsys.readouterr()
    assert "of them new: 3" in told.out and "no bets: 1." in told.err
    config = tmp_path / "audit.yaml"
    config.write_text(
        "name: shop\nlog: {files: log.csv}\nbets: bets.yaml\n"
        "roles: {touchpoint: step, customer: who, timestamp: at}\n",
        encoding="utf-8",
    )
    offer = load_config(config).bets[0]
    assert (offer.touchpoint, offer.state) == ("Chatbot: billing", "idea")
    (tmp_path / "bets.yaml").unlink()
    with pytest.raises(jl.ConfigError, match=r"notes bets RUN --out bets\.yaml"):
        load_config(config)


def test_without_an_idea_no_file_is_named(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_notes((OWNER,), run.parent / "notes.csv")
    file = tmp_path / "bets.yaml"
    assert main(["notes", "bets", str(run), "--out", str(file)]) == 0
    told = capsys.readouterr().out
    assert "bets.yaml was not written" in told and "configuration" not in told
    assert not file.exists()
