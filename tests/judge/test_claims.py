"""The ledger refuses what its figures cannot carry."""

from __future__ import annotations

from pathlib import Path

import pytest

from journeylib.core.errors import ConfigError
from journeylib.judge.claims import LEDGER, claims_page, usable


@pytest.mark.parametrize("claim", ["trust_fall_51", "trust_fall_61", "trust_fall_139"])
def test_falls_of_trust_are_signs_and_never_multipliers(claim: str) -> None:
    assert usable(claim, "sign_prior").value[0] < 0
    with pytest.raises(ConfigError, match="may not be used as multiplier: a fall of more than"):
        usable(claim, "multiplier")


def test_no_claim_is_ever_a_multiplier_or_a_target() -> None:
    assert not any({"multiplier", "calibration"} & claim.usable_as for claim in LEDGER)


def test_the_two_telkomsel_figures_contradict_each_other_as_the_ledger_says() -> None:
    before, after = usable("telkomsel_self_service", "context").value
    calls = usable("telkomsel_calls", "context").value
    others_fall = 1 - (100 - after) / (100 - before)
    calls_fall = 1 - calls[1] / calls[0]
    assert (round(100 * others_fall), 100 * calls_fall) == (32, 87.5)
    with pytest.raises(ConfigError, match=r"fell by 32 %, calls by 87\.5 %"):
        usable("telkomsel_calls", "calibration")


def test_a_refusal_names_what_is_allowed() -> None:
    with pytest.raises(ConfigError, match="It may be used as: context, hypothesis"):
        usable("tipping_two_minutes", "benchmark")
    with pytest.raises(ConfigError, match="Did you mean 'walmart_calls'"):
        usable("walmart_call", "context")
    with pytest.raises(ConfigError, match="Did you mean 'hypothesis'"):
        usable("walmart_calls", "hypotheses")


def test_ids_are_unique() -> None:
    assert len({claim.claim_id for claim in LEDGER}) == len(LEDGER)


def test_the_page_of_claims_is_the_ledger() -> None:
    page = Path(__file__).resolve().parents[2] / "docs/claims.md"
    assert page.read_text(encoding="utf-8") == claims_page()


def test_every_claim_on_the_page_says_what_it_may_be_used_for() -> None:
    lines = claims_page().splitlines()
    assert sum(line.startswith("- **May be used as:** context") for line in lines) == len(LEDGER)
    assert "- **A percentage of:** not said" in lines
