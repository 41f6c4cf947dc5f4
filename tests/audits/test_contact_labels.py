"""Labels of contacts: out as a workbook, back as a file, into an audit, and never into a run."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pandas as pd
import pytest
from openpyxl import Workbook, load_workbook

import journeylib as jl
from journeylib import present as show
from journeylib.audits import save
from journeylib.audits.preparation.contact_labels import RUN_FILES
from journeylib.cli.main import main
from journeylib.core import Estimate

TRACE = "xanthippe"  # in every opening: where it is, an opening is
CONFIG = """\
name: chats
log: {files: chats.csv}
roles:
  customer: client
  touchpoint: step
  timestamp: at
  actor: who
  text: said
  channel: channel
  actor_values: {c: customer, b: bot, h: human}
as_of: 2026-03-01
compare: key_results
"""
TYPES = "service_types:\n  labels: chats-labels.personal.csv\n"
ROUTINE = ("how do I change my address", "where is the price list of the tariff",
           "can I order a second card online")  # fmt: skip
TROUBLE = ("somebody stole my money and I am afraid", "my mother died and you still charge her",
           "I lost my phone and nobody helps me")  # fmt: skip


def write(folder: Path, more: str = "") -> Path:
    """Write 300 chats: every third is about trouble; half of these give up, a third get a human."""
    with (folder / "chats.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["client", "at", "step", "who", "said", "channel"])
        for n in range(300):
            trouble = n % 3 == 0
            words = (TROUBLE if trouble else ROUTINE)[n // 3 % 3]
            end = n // 3 % 6 if trouble else 3
            day, client = f"2026-01-{1 + n % 28:02d}", f"c{n:03d}"
            at = f"{day} {9 + n % 8:02d}"
            said = f"{words} {TRACE} {n}"
            turns = [("b", "Hello"), ("c", said), ("b", "Is that it?" if end < 3 else "Done.")]
            turns += [("h", "I take over")] if end in (4, 5) else []
            turns += [("c", "great, thank you")] if end == 3 else []
            for k, (who, text) in enumerate(turns):
                table.writerow([client, f"{at}:{10 + k}", "Chat", who, text, "chat"])
    path = folder / "chats.yaml"
    path.write_text(CONFIG + more, encoding="utf-8")
    return path


def fill_in(path: Path) -> None:
    book = load_workbook(path)
    for name in ("learn", "measure"):
        sheet = book[name]
        for row in range(2, sheet.max_row + 1):
            words = str(sheet.cell(row, 2).value)
            kind = "emotional" if words.startswith(TROUBLE) else "transactional"
            sheet.cell(row, 3).value = kind
            if sheet.cell(row, 6).value:
                sheet.cell(row, 4).value = kind.upper()
    book.save(path)


def make_run(folder: Path) -> None:
    """Make a folder look like that of a run."""
    for name in RUN_FILES:
        (folder / name).write_text("{}", encoding="utf-8")


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The configuration of a log whose lists were written, filled in and brought back."""
    config = write(tmp_path_factory.mktemp("chats"))
    assert main(["label", str(config)]) == 0
    workbook = config.with_name("chats-labels.personal.xlsx")
    fill_in(workbook)
    assert main(["label", str(config), "--import", str(workbook)]) == 0
    return write(config.parent, TYPES)


@pytest.fixture(scope="module")
def run(labelled: Path) -> jl.Audit:
    return jl.audit(labelled)


@pytest.mark.slow
def test_the_workbook_offers_the_choices_and_says_that_it_is_personal(labelled: Path) -> None:
    path = labelled.with_name("chats-labels.personal.xlsx")
    book = load_workbook(path)
    assert book["about"]["A1"].value.startswith("Personal:")
    for name in ("learn", "measure"):
        (choice,) = book[name].data_validations.dataValidation
        assert choice.formula1 == '"transactional,emotional,unsure"'
        assert str(choice.sqref) == "C2:D101"
    assert path.stat().st_mode & 0o077 == 0
    notes = [cell.value for cell in book["measure"]["F"][1:]]
    assert sum(bool(note) for note in notes) == 50


def test_what_comes_back_is_what_was_said(labelled: Path) -> None:
    path = labelled.with_name("chats-labels.personal.csv")
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 200
    assert all((r["type"] == "emotional") == r["opening"].startswith(TROUBLE) for r in rows)
    assert sum(r["second_type"] == r["type"] for r in rows) == 50
    assert path.stat().st_mode & 0o077 == 0


def test_labels_are_added_to_those_that_are_kept(labelled: Path, tmp_path: Path) -> None:
    kept = labelled.with_name("chats-labels.personal.csv")
    before = kept.read_bytes()
    book = load_workbook(labelled.with_name("chats-labels.personal.xlsx"))
    for name in ("learn", "measure"):
        book[name].delete_rows(4, 200)
    changed = book["learn"]["A2"].value
    book["learn"]["C2"].value = "unsure"
    book.save(tmp_path / "two.xlsx")
    out = tmp_path / "all.csv"
    out.write_bytes(before)
    found = main(
        ["label", str(labelled), "--import", str(tmp_path / "two.xlsx"), "--out", str(out)]
    )
    assert found == 0
    with out.open(encoding="utf-8") as file:
        rows = {row["contact"]: row["type"] for row in csv.DictReader(file)}
    assert len(rows) == 200
    assert rows[changed] == "unsure"
    assert kept.read_bytes() == before


def test_a_word_that_is_no_type_is_refused_without_naming_a_text(
    labelled: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    book = load_workbook(labelled.with_name("chats-labels.personal.xlsx"))
    book["learn"]["C2"].value = "angry"
    book.save(tmp_path / "wrong.xlsx")
    out = tmp_path / "wrong.csv"
    args = ["label", str(labelled), "--import", str(tmp_path / "wrong.xlsx"), "--out", str(out)]
    assert main(args) == 2
    said = capsys.readouterr().err
    assert "1 labels in the column 'type'" in said
    assert TRACE not in said
    assert not out.exists()
    Workbook().save(tmp_path / "other.xlsx")
    assert main([*args[:3], str(tmp_path / "other.xlsx")]) == 2


@pytest.mark.slow
def test_lists_overwrite_nothing_and_stand_in_no_run(
    labelled: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["label", str(labelled)]) != 0
    assert "is there already" in capsys.readouterr().err
    make_run(tmp_path)
    inside = tmp_path / "tables" / "labels.xlsx"
    assert main(["label", str(labelled), "--out", str(inside)]) != 0
    assert "personal" in capsys.readouterr().err


@pytest.mark.slow
def test_the_audit_says_what_bots_get_and_what_became_of_it(run: jl.Audit) -> None:
    types = run.document["service_types"]
    assert types["answer"] == "estimated"
    assert (types["learned"], types["measured"], types["rated_twice"]) == (100, 100, 50)
    assert types["agreement"]["value"] == 1.0
    shares = {(s["by"], s["name"], s["type"]): s["share"] for s in types["shares"]}
    share = shares["log", "", "emotional"]
    assert share["lo"] <= 1 / 3 <= share["hi"]
    assert shares["touchpoint", "Chat", "emotional"] == share
    assert shares["channel", "chat", "emotional"] == share
    bots = next(b for b in types["bots"] if not b["touchpoint"] and b["type"] == "emotional")
    # Of 100 chats about trouble 51 end with the bot's question, 17 with thanks, 32 at a human.
    # One of the first and two of the second are of the last day: their end is not known yet.
    assert bots["gave_up"]["value"] == pytest.approx(50 / 97, abs=1e-6)
    assert bots["confirmed"]["value"] == pytest.approx(15 / 97, abs=1e-6)
    assert bots["handed_over"]["value"] == pytest.approx(32 / 97, abs=1e-6)
    found = {finding.id: finding for finding in run.findings}
    assert found["service-types-bots"].severity == "high"
    assert found["service-types-bots"].evidence["gave_up"] == bots["gave_up"]


@pytest.mark.slow
def test_what_contacts_are_about_is_told_without_labels(run: jl.Audit, tmp_path: Path) -> None:
    bare = jl.audit(write(tmp_path, "service_types: {}\n"))
    types = bare.document["service_types"]
    assert (types["answer"], types["shares"]) == ("few_labels", [])
    # Six sentences that every part of the customers says: the same groups with labels and without.
    about = types["about"]
    assert about == run.document["service_types"]["about"]
    assert about["answer"] == "topics" and about["agreement"] > 0.4
    names = " ".join(matter["name"] for matter in about["matters"])
    assert "address" in names and "money" in names
    assert sum(matter["share"]["value"] for matter in about["matters"]) == pytest.approx(1)
    found = {finding.id: finding for finding in bare.findings}
    assert found["service-types"].verdict == "not_assessable"
    assert "address" in found["service-types-matters"].text


def _emotional_at_chat(run: jl.Audit) -> Any:
    assert run.service_types is not None
    shares = {(one.by, one.type): one.share for one in run.service_types.shares}
    return shares["touchpoint", "emotional"]


def test_the_dashboard_shows_shares_with_their_interval(run: jl.Audit) -> None:
    figure = cast("Any", show.service_types(run))
    share = _emotional_at_chat(run)
    table = figure.table.set_index(["part", "type"])
    said = table.loc[("Chat", "emotional"), "share"]
    assert said == show.share_interval(share.value, share.lo, share.hi)
    # Log and touchpoint, filled because labels drawn at random correct them.
    assert list(figure.chart.data[0].x) == [share.value, share.value]
    assert list(figure.chart.data[0].marker.symbol) == ["circle", "circle"]
    page = show.touchpoint(run, "Chat").html.replace("\u00a0", " ")
    assert said in page and "33 %" in page  # of those of the bot, 32 of 97 went to a person


def test_a_candidate_says_what_kind_of_contact_a_bot_would_get(run: jl.Audit) -> None:
    row = {"touchpoint": "Chat", "value": Estimate(1.0, "EUR"), "build": 1.0, "drivers": (),
           "selection_frequency": 1.0, "chosen": True, "settled": True, "source": ""}  # fmt: skip
    portfolio = cast("Any", SimpleNamespace(candidates=pd.DataFrame([row]), currency="EUR"))
    shown = cast("Any", show.automation_candidates(replace(run, portfolio=portfolio)))
    kinds = shown.frame.loc[0, "contacts_a_bot_would_get"]
    share = _emotional_at_chat(run)
    assert f"emotional {show.share_interval(share.value, share.lo, share.hi)}" in kinds
    assert "transactional " in kinds


@pytest.mark.slow
def test_a_type_counts_for_a_verdict_only_where_it_has_a_weight(
    run: jl.Audit, labelled: Path
) -> None:
    plain = run.evidence.estimates["measure"].unique()
    assert "emotional" not in plain and "emotional" not in run.config.judge.empathy_need
    weight = ("judge.empathy_need.emotional={weight: 5.0, anchors: [[0, 0], [0.4, 1]]}",)
    heavy = jl.audit(labelled, overrides=weight)
    share = _emotional_at_chat(run)
    assert heavy.evidence.estimate("Chat", "emotional")["value"] == share.value
    drawn = heavy.evidence.draws["emotional"]
    assert drawn.mean() == pytest.approx(share.value, abs=0.02)
    scored = heavy.judgement.indicators
    row = scored[(scored["touchpoint"] == "Chat") & (scored["indicator"] == "emotional")].iloc[0]
    assert row["score"] == pytest.approx(share.value / 0.4)  # about a third of .4
    reasons = " ".join(heavy.judgement.scores.set_index("touchpoint").loc["Chat", "reasons"])
    assert "of contacts are emotional, as their first words tell" in reasons


def test_journeys_of_a_type_remain(run: jl.Audit) -> None:
    upset = run.journeys.of_type("emotional")
    assert len(upset.outline) == 100
    assert upset.code == 'journeys.of_type("emotional")'
    assert len(run.journeys.of_type("emotional", "transactional").outline) == 300
    with pytest.raises(jl.ConfigError, match="Did you mean 'emotional'"):
        run.journeys.of_type("emotionl")


def test_no_opening_enters_a_run(run: jl.Audit, tmp_path: Path) -> None:
    folder = save(run, tmp_path)
    files = [path for path in Path(folder).rglob("*") if path.is_file()]
    assert files
    for path in files:
        assert TRACE.encode() not in path.read_bytes(), path.name


def test_the_labels_are_part_of_what_was_decided(labelled: Path, tmp_path: Path) -> None:
    before = jl.load_config(labelled).hash()
    copy = write(tmp_path, TYPES)
    kept = labelled.with_name("chats-labels.personal.csv").read_text(encoding="utf-8")
    (tmp_path / "chats-labels.personal.csv").write_text(kept, encoding="utf-8")
    assert jl.load_config(copy).hash() == before
    (tmp_path / "chats-labels.personal.csv").write_text(kept.rstrip("\n").rpartition("\n")[0])
    assert jl.load_config(copy).hash() != before


@pytest.mark.slow
def test_labels_of_the_page_are_kept_at_once_and_taken_up_again(tmp_path: Path) -> None:
    pytest.importorskip("anywidget")
    config = write(tmp_path)
    page = show.label_page(config)
    work, told, said = page.labelling, [], {}
    page.send = told.append
    assert work.choices == ("transactional", "emotional", "unsure") and work.all == 200
    for n in range(100):
        said[work.opening] = work.choices[n % 3]
        page._on_message(page, {"type": "say", "choice": work.choices[n % 3]}, None)
    assert told[-1]["opening"] == work.opening and told[-1]["done"] == 100
    assert repr(page) == "100 of 200 labelled"
    last = work.opening
    page._on_message(page, {"type": "say", "choice": "unsure"}, None)
    page._on_message(page, {"type": "undo"}, None)
    assert work.opening == last
    page._on_message(page, {"type": "say", "choice": "grief"}, None)  # is no type
    assert "none of transactional" in told[-1]["progress"] and work.opening == last
    # What is kept is what was said; whoever opens the page again goes on where it stood.
    kept = config.with_name("chats-labels.personal.csv")
    assert kept.stat().st_mode & 0o077 == 0
    with kept.open(encoding="utf-8", newline="") as file:
        assert {row["opening"]: row["type"] for row in csv.DictReader(file)} == said
    again = show.label_page(config)
    assert again.labelling.opening == last and again.labelling.done == 100
    # The state of a widget is saved with its notebook: no opening is in it.
    assert TRACE not in str(again.get_state())
    while again.labelling.opening is not None:
        again.labelling.say("unsure")
    second = show.label_page(config, second=True).labelling
    assert (second.all, second.done) == (50, 0)
    second.say("emotional")
    assert second.done == 1 and again.labelling.done == 200


@pytest.mark.slow
def test_a_page_of_labels_does_not_stand_in_a_run(tmp_path: Path) -> None:
    config = write(tmp_path)
    make_run(tmp_path)
    with pytest.raises(jl.RunError, match="stands in the run"):
        show.label_page(config)
