from __future__ import annotations

import re

import numpy as np
import pytest

from journeylib.core import Estimate, number, percent, use_language
from journeylib.judge.scorecard.observations import Observation
from journeylib.judge.scorecard.reasons import settling_datum, statement
from journeylib.judge.scorecard.scorecard import score_evidence
from journeylib.judge.settings import DEFAULTS

JARGON = re.compile(r"entropy|log-|Jensen|bootstrap|lower CI|coverage|dirichlet|p-value", re.I)
CAUSAL = re.compile(r"\b(cause|causes|will|saves|leads to|because of)\b")


def seen(value: float, lo: float, hi: float, unit: str = "share", grade: str = "C") -> Observation:
    return Observation(value, lo, hi, unit, 412, grade, None, np.array([value]))


def test_a_reason_reads_as_it_should():
    assert statement("containment", seen(0.71, 0.64, 0.77), for_machine=True) == (
        "For a machine: bots already solve 71 % of these contacts without a repeat "
        "(64 to 77 %, 412 customers)."
    )
    assert statement("sentiment_drop", seen(-0.214, -0.3, -0.1, "points"), for_machine=False) == (
        "For a person: feelings fall here: they change by −0.21 on a scale from −1 to 1 "
        "(−0.30 to −0.10, 412 customers)."
    )
    assert statement("complaint_excess", seen(0.041, 0.02, 0.06), for_machine=False) == (
        "For a person: complaints are more frequent than elsewhere, by 4.1 percentage points "
        "(2.0 to 6.0, 412 customers)."
    )


def test_a_reason_is_written_in_the_language_in_use():
    with use_language("de"):
        assert statement("containment", seen(0.712, 0.641, 0.774), for_machine=False) == (
            "Für einen Menschen: Bots lösen nur 71 % dieser Kontakte, ohne dass der Kunde "
            "wiederkommt (64 bis 77 %, 412 Kunden)."
        )
        # nothing is not "only" so much
        nothing = statement("rework", seen(0.0, 0.0, 0.0), for_machine=True)
        assert "nur" not in nothing and "kommen hierher zurück (412 Kunden)" in nothing


def test_every_indicator_has_words_for_both_sides():
    for measure in (name for axis in DEFAULTS.values() for name in axis):
        for side in (True, False):
            text = statement(measure, seen(0.2, 0.1, 0.3), for_machine=side)
            assert "20" in text and "412 customers" in text
            assert "{" not in text
            assert not JARGON.search(text)
            assert not CAUSAL.search(text)


@pytest.mark.parametrize("measure", ["saving", "stakes"])
@pytest.mark.parametrize(
    ("grade", "words"),
    [("A", "(causes|saves)"), ("B", "is estimated"), ("C", "goes with"), ("D", "is assumed")],
)
def test_words_follow_the_grade(measure, grade, words):
    text = statement(measure, seen(0.05, 0.03, 0.07, grade=grade), for_machine=False)
    assert re.search(words, text)
    assert bool(CAUSAL.search(text)) == (grade == "A")


def test_assumed_figures_say_so():
    text = statement("containment", seen(0.5, 0.3, 0.7, grade="D"), for_machine=True)
    assert text.endswith("(assumed, 30 to 70 %, 412 customers).")


def test_numbers_in_reasons_equal_the_evidence(evidence_of, profile):
    measured = {
        "A": profile(fit=0.95, need=0.05) | {"containment": (0.7134, 0.031)},
        "B": profile(fit=0.3, need=0.9) | {"human_request": (0.1412, 0.012)},
    }
    judgement = score_evidence(evidence_of(measured))
    checked = 0
    for row in judgement.scores.to_dict("records"):
        indicators = judgement.indicators[judgement.indicators["touchpoint"] == row["touchpoint"]]
        printed = set()
        for cell in indicators.to_dict("records"):
            share = cell["unit"] == "share"
            value = cell["raw"] * (100 if share else 1)
            decimals = 0 if abs(value) >= 10 else 1 if share else 2
            for x in (cell[end] for end in ("raw", "lo", "hi")):
                said = percent(x, decimals, sign=False) if share and x >= 0 else None
                said = said or number(x * (100 if share else 1), decimals)
                printed.add(said.removeprefix("under "))
            if cell["indicator"] == "vulnerable":
                # Too few of the 412 customers are flagged: a bound of whole per cents is printed.
                assert cell["raw"] * 412 < 10
                printed = printed | {"3", "412"}
        assert 2 <= len(row["reasons"]) <= 8
        for reason in row["reasons"]:
            if reason.startswith("For a "):
                body = re.sub(r"412 customers|where 0 is|from −1 to 1", "", reason)
                found = re.findall(r"−?\d[\d,.]*\d|−?\d", body)
                assert found and set(found) <= printed
                checked += 1
    assert checked >= 6


def test_reasons_for_the_verdict_come_first(evidence_of, profile, row_of):
    mixed = profile(fit=0.9, need=0.1) | {"rework": 0.2, "stakes": 0.09}
    judgement = score_evidence(evidence_of({"M": mixed, "H": profile(fit=1, need=0.9)}))
    machine = [r.startswith("For a machine") for r in row_of(judgement, "M")["reasons"]]
    assert machine == sorted(machine, reverse=True) and 2 <= sum(machine) <= 3
    row = row_of(judgement, "H")
    assert row["verdict"] == "human_led"
    sides = [r.split(":")[0] for r in row["reasons"] if r.startswith("For a ")]
    assert sides == sorted(sides, reverse=True) and sides[0] == "For a person"


@pytest.mark.parametrize(
    ("entry", "change", "ending"),
    [
        (-0.8, 1.0, "and it rises here by 1.00: it lies in the matter, not in the service."),
        (-0.8, -0.3, "and it falls here by −0.30: part of it is the service."),
        (-0.8, 0.05, "; here it changes by 0.05, no more than chance: it lies in the matter."),
        (0.2, -1.0, None),
    ],
)
def test_grief_in_the_matter_is_told_apart_from_the_service(
    evidence_of, profile, row_of, entry, change, ending
):
    """Who comes with a bad feeling is told what happens to it; who comes with a good one is not."""
    measured = profile(fit=1, need=0) | {
        "feeling_at_entry": (entry, 0.05),
        "sentiment_drop": (change, 0.05),
    }
    row = row_of(score_evidence(evidence_of({"Bereavement": measured})), "Bereavement")
    told = [reason for reason in row["reasons"] if reason.startswith("Customers come with a")]
    if ending is None:
        assert told == []
    else:
        assert told[0].startswith("Customers come with a feeling of −0.80 (")
        assert told[0].endswith(ending)


def test_a_machine_with_little_to_offer_is_named(evidence_of, profile, row_of):
    row = row_of(score_evidence(evidence_of({"A": profile(fit=0, need=0.5)})), "A")
    assert row["verdict"] == "assist"
    assert row["reasons"][0].startswith("A machine adds little here")


def test_vetoes_are_said_with_their_numbers(evidence_of, profile, row_of):
    measured = profile(fit=1, need=0) | {"vulnerable": (0.101, 0.01)}
    row = row_of(score_evidence(evidence_of({"A": measured})), "A")
    assert row["reasons"][0] == (
        "No automation: 10 % of the customers here are flagged as vulnerable "
        "(8 to 12 %, 412 customers)."
    )
    assert sum("vulnerable" in reason for reason in row["reasons"]) == 1


def test_outcomes_in_other_units_are_not_stakes(evidence_of, profile):
    import pandas as pd

    effect = Estimate(-8.0, "points", -11, -5, n_customers=800)
    cells = {"touchpoint": "A", "outcome": "nps", "grade": "B", "is_moment": True}
    moments = pd.DataFrame([{**cells, "effect": effect}])
    measured = profile(fit=1, need=0) | {"stakes": "no_column"}
    judgement = score_evidence(evidence_of({"A": measured}), moments=moments)
    stakes = judgement.indicators.query("indicator == 'stakes'").iloc[0]
    assert (stakes["missing"], stakes["weight"]) == ("no_column", pytest.approx(0.12))
    assert np.isnan(stakes["score"])


def test_what_would_settle_a_verdict_tells_of_no_few_persons() -> None:
    """Fewer than ten of 288 customers are flagged, and ten of 288 are 3.5 %."""
    draws = np.array([3 / 288])
    few = Observation(3 / 288, 0.0, 0.04, "share", 288, "C", None, draws, within=True)
    said = settling_datum("vulnerable", {"vulnerable": few})
    assert "under 4 % (n\u00a0=\u00a0288)" in said and "1.0" not in said and "1 %" not in said
