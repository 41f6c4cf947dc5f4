"""Labelled turns and ratings beside the log: what an audit says of them, and what it keeps."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import journeylib as jl
from journeylib import present as show
from journeylib.audits.preparation.annotations import read_labelled, read_ratings
from journeylib.core.errors import ConfigError, SchemaError
from journeylib.judge import compare_ratings
from journeylib.present.tables import Table

CONFIG = """\
name: small
log: {files: small.csv}
roles:
  customer: client
  touchpoint: step
  timestamp: at
  actor: who
  text: kind
  attributes: [needs]
  actor_values: {c: customer, b: bot, h: human}
as_of: 2026-03-01
"""
ASKS, CALM = "Secret trace: I want to talk to a human", "Secret trace: my bill is here"
RATED = (
    ("Chat", "r1", "worker", 4),
    ("Chat", "r2", "expert", 5),
    ("Call", "r1", "worker", 2),
    ("Call", "r2", "expert", 2),
    ("Rare", "r1", "worker", 1),
)


def rows() -> list[list[str]]:
    """Forty customers chat with a bot; every second asks for a human, half of these get one."""
    found = []
    for number in range(40):
        day, who = f"2026-01-{1 + number % 28:02d}", f"secret-{number}"
        asks = number % 2 == 0
        found.append([who, f"{day} 09:00", "Chat", "b", "Yes?", "no"])
        need = "yes" if asks else "no"
        found.append([who, f"{day} 09:01", "Chat", "c", ASKS if asks else CALM, need])
        if number % 4 == 0:
            found.append([who, f"{day} 09:02", "Call", "h", "Hello", "no"])
    return found


def write(path: Path, header: str, body: list[Any]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header.split(), *body])
    return path


def audit_of(folder: Path, more: str = "") -> jl.Audit:
    write(folder / "small.csv", "client at step who kind needs", rows())
    (folder / "small.yaml").write_text(CONFIG + more, encoding="utf-8")
    return jl.audit(folder / "small.yaml")


def labels(folder: Path) -> Path:
    turns = [(ASKS, "yes"), (ASKS, "yes"), (ASKS, "no"), (CALM, "No"), (CALM, "0")] * 50
    return write(folder / "labels.csv", "text human_request", turns)


def ratings(folder: Path) -> Path:
    return write(folder / "ratings.csv", "touchpoint rater group human_agency", list(RATED))


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> jl.Audit:
    return audit_of(tmp_path_factory.mktemp("bare"))


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> jl.Audit:
    folder = tmp_path_factory.mktemp("full")
    labels(folder)
    ratings(folder)
    said = (
        "measures: {labelled_turns: labels.csv, needs_human: needs}\nratings: {file: ratings.csv}\n"
    )
    return audit_of(folder, said)


@pytest.mark.slow
def test_scores_are_the_same_bytes_with_and_without_ratings(
    bare: jl.Audit, full: jl.Audit, tmp_path: Path
) -> None:
    ratings(tmp_path)
    rated = audit_of(tmp_path, "ratings: {file: ratings.csv}\n")
    for frame in ("scores", "indicators", "sensitivity"):
        one, other = (getattr(a.judgement, frame) for a in (bare, rated))
        pd.testing.assert_frame_equal(one, other, check_exact=True)
    without, beside = dict(bare.document), dict(rated.document)
    assert beside.pop("ratings") is not None
    assert without.pop("ratings") is None
    assert without.pop("audit")["run_id"] != beside.pop("audit")["run_id"]
    assert json.dumps(without) == json.dumps(beside)


@pytest.mark.slow
def test_people_stand_beside_the_log(full: jl.Audit) -> None:
    found = full.document["ratings"]
    people = {row["touchpoint"]: row["human_agency"] for row in found["touchpoints"]}
    assert people == {"Call": 2, "Chat": 4.5, "Rare": None}
    (pair,) = found["groups"]
    assert (pair["group"], pair["other"], pair["touchpoints"]) == ("expert", "worker", 2)
    assert (pair["more"], pair["less"], pair["kappa"]["abstain"]) == (0.5, 0, "n_small")
    assert found["agreement"]["abstain"] == "n_small"
    shown = show.ratings(full)
    assert isinstance(shown, Table)
    assert set(shown.frame["touchpoint"]) == {"Call", "Chat", "Rare"}
    assert "nothing is compared" in shown.note  # verdicts need more evidence than this log has
    assert "too few customers: Rare." in shown.note
    assert "expert want more human than worker at 50 %, less at 0 %" in shown.note


@pytest.mark.slow
def test_people_who_differ_from_the_verdict_are_seen(full: jl.Audit) -> None:
    scores = full.judgement.scores
    judged = scores.assign(verdict=scores["touchpoint"].map({"Chat": "assist", "Call": "automate"}))
    assert full.annotations.ratings is not None
    ratings = compare_ratings(full.annotations.ratings, judged)
    judgement = replace(full.judgement, scores=judged)
    audit = replace(full, judgement=judgement, ratings=ratings)
    assert audit.ratings is not None
    rated = audit.ratings.touchpoints.set_index("touchpoint")
    assert rated.loc["Chat", ["log_level", "difference"]].tolist() == [3, 1.5]
    assert rated["flagged"].to_dict() == {"Call": False, "Chat": True, "Rare": False}
    shown = show.ratings(audit)
    assert isinstance(shown, Table)
    assert shown.frame.loc[0, ["touchpoint", "people_minus_log", "apart_mark"]].tolist() == [
        "Chat",
        "+1.5",
        "▲ apart",
    ]
    assert "apart at 1 of 2 touchpoints" in shown.note


@pytest.mark.slow
def test_detectors_are_checked_and_corrected(full: jl.Audit) -> None:
    (found,) = full.document["detectors"]
    assert (found["detector"], found["n"]) == ("human_request", 250)
    assert found["precision"]["value"] == pytest.approx(2 / 3, abs=1e-6)
    assert found["recall"]["value"] == 1
    assert found["kappa"]["value"] == pytest.approx((0.8 - 0.48) / (1 - 0.48), abs=1e-5)
    # half of the customers' texts ask; one in three of the others would be heard as asking
    assert found["prevalence"]["value"] == 0.5
    assert found["corrected"]["value"] == pytest.approx((0.5 - 1 / 3) / (2 / 3), abs=1e-5)
    shown = show.detectors(full)
    assert isinstance(shown, Table)
    assert list(shown.frame["labelled"]) == [250]


@pytest.mark.slow
def test_labelled_turns_correct_the_scores_and_say_so(bare: jl.Audit, full: jl.Audit) -> None:
    chat = {name: {t["touchpoint"]: t for t in a.document["touchpoints"]}["Chat"]["measures"]
            for name, a in (("bare", bare), ("full", full))}  # fmt: skip
    assert chat["bare"]["human_request"]["value"] == 0.5
    # one text a journey: as the log's share above
    assert chat["full"]["human_request"]["value"] == pytest.approx(0.25, abs=1e-5)
    assert "on 250 labelled turns" in chat["full"]["human_request"]["source"]
    assert chat["full"]["negative"] == chat["bare"]["negative"]  # nobody labelled those
    indicators = full.judgement.indicators.set_index(["touchpoint", "indicator"])
    assert "labelled turns" in indicators.loc[("Chat", "human_request"), "source"]
    assert indicators.loc[("Chat", "rework"), "source"] == ""


@pytest.mark.slow
def test_hand_overs_stand_beside_their_labels(bare: jl.Audit, full: jl.Audit) -> None:
    further = full.document["handoffs"]["further"]
    assert further["escalation_precision"]["value"] == 1
    assert further["escalation_recall"]["value"] == 0.5
    assert further["escalated_late"]["value"] == 0
    assert bare.document["handoffs"]["further"]["escalation_recall"]["abstain"] == "no_column"
    assert "labelled as needing a human" in show.handoff_table(full)._repr_html_()


@pytest.mark.slow
def test_without_either_a_sentence_says_so(bare: jl.Audit) -> None:
    assert bare.document["detectors"] == []
    assert "not checked on this log" in repr(show.detectors(bare))
    assert "No ratings are declared" in repr(show.ratings(bare))


@pytest.mark.slow
def test_no_text_customer_or_rater_is_shown(full: jl.Audit, tmp_path: Path) -> None:
    folder = jl.save(full, tmp_path)
    said = [
        (folder / "audit.json").read_text("utf-8"),
        (folder / "manifest.json").read_text("utf-8"),
        show.detectors(full)._repr_html_(),
        show.ratings(full)._repr_html_(),
        repr(full.annotations),
    ]
    for text in said:
        assert "Secret trace" not in text
        assert "secret-" not in text
        assert '"r1"' not in text
    # The manifest names its inputs, so that a run can be made again; nothing else does.
    assert not any("labels.csv" in text for text in said[:1] + said[2:])


@pytest.mark.slow
def test_the_run_is_named_by_what_the_files_hold(full: jl.Audit, tmp_path: Path) -> None:
    said = (
        "measures: {labelled_turns: labels.csv, needs_human: needs}\nratings: {file: ratings.csv}\n"
    )
    (tmp_path / "small.yaml").write_text(CONFIG + said, encoding="utf-8")
    labels(tmp_path)
    ratings(tmp_path)
    assert jl.load_config(tmp_path / "small.yaml").hash() == full.config_hash
    write(tmp_path / "ratings.csv", "touchpoint rater human_agency", [("Chat", "r1", 1)])
    assert jl.load_config(tmp_path / "small.yaml").hash() != full.config_hash


Reader = Callable[[str | Path], pd.DataFrame]


@pytest.mark.parametrize(
    ("reader", "text", "error", "said"),
    [
        (read_labelled, "text,negative\nsecret,maybe\n", ConfigError, "1 labels 'negative' in t"),
        (read_labelled, "text\nsecret\n", ConfigError, "needs one or more of the columns"),
        (read_labelled, "negative\nyes\n", ConfigError, "needs a column 'text'"),
        (read_labelled, "text,negativ\nsecret,1\n", ConfigError, "Did you mean 'negative'?"),
        (read_labelled, "", ConfigError, "not a table"),
        (read_labelled, 'text,negative\n"secret', ConfigError, "not a table"),
        (read_ratings, "touchpoint,rater,human_agency\nA,secret,much\n", ConfigError,
         "1 ratings 'human_agency' in t.csv are not numbers"),
        (read_ratings, "touchpoint,rater,human_agency\nA,secret,6\n", SchemaError,
         "1 ratings in 'human_agency' are not between 1 and 5"),
        (read_ratings, "touchpoint,rater,human_agency\nA,,3\n", ConfigError,
         "1 rows of t.csv have no rater"),
        (read_ratings, "touchpoint;rater;human_agency\nA;secret;3\nA;secret;4\n", SchemaError,
         "1 rows rate a touchpoint again"),
    ],
)  # fmt: skip
def test_files_that_would_be_misread_are_refused(
    reader: Reader, text: str, error: type[Exception], said: str, tmp_path: Path
) -> None:
    (tmp_path / "t.csv").write_text(text, encoding="utf-8")
    with pytest.raises(error) as caught:
        reader(tmp_path / "t.csv")
    assert said in str(caught.value)
    assert "secret" not in str(caught.value)


def test_labels_may_be_in_german(tmp_path: Path) -> None:
    file = tmp_path / "labels.csv"
    file.write_text("text;negative\na;Ja\nb;nein\nc;\n", encoding="utf-8")
    assert read_labelled(file)["negative"].tolist() == [True, False, pd.NA]


def test_a_file_that_is_not_there_is_said_before_anything_runs(tmp_path: Path) -> None:
    labels(tmp_path)
    with pytest.raises(ConfigError, match=r"Did you mean 'labels\.csv'"):
        audit_of(tmp_path, "measures: {labelled_turns: lables.csv}\n")
