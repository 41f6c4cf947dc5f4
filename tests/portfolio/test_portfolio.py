"""First automations: the choice against enumeration, the value against hand-worked numbers."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import journeylib as jl
from journeylib.core.errors import ConfigError
from journeylib.portfolio.first_automations import portfolio
from journeylib.portfolio.optimisation import Limits, select, selection_frequency, shortfall
from journeylib.portfolio.settings import CandidateSettings, PortfolioSettings
from journeylib.portfolio.value import touchpoint_value

VALUES, COSTS = [100.0, 70, 70, 8, 8, 7], [60.0, 45, 45, 10, 10, 10]


def test_the_published_case_has_its_optimum() -> None:
    chosen = select(VALUES, COSTS, Limits(budget=100))
    assert sum(VALUES[spot] for spot in chosen) == 148
    assert sum(COSTS[spot] for spot in chosen) == 100


def test_nothing_to_choose_from_is_an_empty_choice() -> None:
    assert select([], [], Limits(budget=100)) == ()


def test_fewer_than_three_are_chosen_where_no_more_can_be_paid() -> None:
    assert select([5.0, 4, 3], [60.0, 60, 60], Limits(budget=100)) == (0,)
    assert select([5.0, 4, 3], [600.0, 600, 600], Limits(budget=100)) == ()


def _best(values: list[float], costs: list[float], limits: Limits) -> float:
    """The worth of the best set by trying all of them."""
    n = len(values)
    for fewest in range(min(limits.fewest, n), -1, -1):
        worths = [
            sum(values[i] for i in chosen)
            for size in range(fewest, min(limits.most, n) + 1)
            for chosen in combinations(range(n), size)
            if sum(costs[i] for i in chosen) <= limits.budget
        ]
        if worths:
            return max(worths)
    return 0.0


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.integers(1, 50), st.integers(1, 60)), min_size=1, max_size=7),
    st.integers(10, 150),
)
def test_the_choice_is_that_of_trying_every_set(pairs: list[tuple[int, int]], budget: int) -> None:
    values, costs = [float(v) for v, _ in pairs], [float(c) for _, c in pairs]
    limits = Limits(budget=float(budget))
    chosen = select(values, costs, limits)
    assert sum(costs[i] for i in chosen) <= budget
    assert sum(values[i] for i in chosen) == _best(values, costs, limits)


def test_one_per_stage_and_what_must_come_first_are_kept() -> None:
    limits = Limits(100, fewest=1, groups=["Pay", "Pay", "Use", None, None, None])
    chosen = select(VALUES, COSTS, limits)
    assert len({0, 1} & set(chosen)) <= 1
    after = Limits(100, fewest=1, after={0: [3], 1: [0], 2: [0]})
    # 0 with 3 costs 70; 1 and 2 would need 0 as well.
    assert select(VALUES, COSTS, after) == (0, 3, 4, 5)


def test_who_fears_losses_chooses_what_does_not_lose() -> None:
    # The first is worth 10 on average and loses 100 in one resample of ten.
    draws = np.column_stack([[22.2222] * 9 + [-100.0], [9.0] * 10])
    limits = Limits(budget=1, fewest=1, most=1)
    means = draws.mean(axis=0)
    assert select(means, [1, 1], limits, draws=draws) == (0,)
    assert select(means, [1, 1], limits, draws=draws, risk_aversion=0.25) == (1,)
    assert shortfall(draws[:, 0]) == -100.0


def test_the_frequency_counts_resamples_in_which_it_pays() -> None:
    draws = np.array([[5.0, -1], [5, 1], [-5, 1], [5, -1]])
    found = selection_frequency(draws, [1, 1], Limits(budget=2))
    assert found.tolist() == [0.75, 0.5]


@pytest.mark.parametrize("most_choices", [0, 25_000])
def test_the_frequency_is_that_of_the_choice_in_each_resample(
    most_choices: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("journeylib.portfolio.optimisation.MOST_CHOICES", most_choices)
    rng = np.random.default_rng(3)
    draws, costs = rng.normal(100, 300, (40, 9)), rng.integers(1, 9, 9)
    limits = Limits(15, 3, 4, groups=[*"abcabcab", None], after={1: [0], 4: [2, 3]})
    chosen = np.zeros(9)
    for values in draws:
        chosen[list(select(values, costs, replace(limits, fewest=0)))] += 1
    assert selection_frequency(draws, costs, limits).tolist() == (chosen / 40).tolist()
    assert len(set(chosen)) > 3


COLUMNS = {"customer": "who", "touchpoint": "what", "timestamp": "when"}
MONEY = PortfolioSettings(
    budget=100, build=10.4, horizon_weeks=104, human_minute=1.0, failed_contact=20.0, harm=0.1,
    run_per_visit=0.5,
)  # fmt: skip


@pytest.fixture(scope="module")
def served() -> jl.Journeys:
    """40 customers call once each over ten weeks and are served for ten minutes."""
    start = pd.Timestamp("2026-01-05T09:00Z")
    rows = [
        {
            "who": f"c{i}",
            "what": "Call",
            "when": start + pd.Timedelta(days=70 * i / 39),
            "ends": start + pd.Timedelta(days=70 * i / 39, minutes=10),
            "by": "human",
        }
        for i in range(40)
    ]
    roles = jl.Schema(**COLUMNS, end_timestamp="ends", actor="by")
    return jl.rebuild(jl.read_log(pd.DataFrame(rows), roles))


def test_the_value_is_that_worked_by_hand(served: jl.Journeys) -> None:
    evidence = jl.measure(served)
    said = CandidateSettings(contained=(0.5, 0.5, 0.5))
    value = touchpoint_value(evidence, "Call", said, MONEY, jl.MeasureSettings())
    assert not isinstance(value, str)
    # A contact: 0.5 × 10 min − 0.5 × 2 min − 0.5 to run − 0.5 × 0.1 × 20 of harm; then 10.4/104.
    assert value.gross == pytest.approx(2.5)
    # The call that ends the tenth week is in no whole week.
    calls = evidence.draws["human_visits"][:, 0]
    assert evidence.estimate("Call", "human_visits")["value"] == pytest.approx(3.9)
    assert value.draws == pytest.approx(2.5 * calls - 0.1)
    halved = replace_share(MONEY, 0.5)
    doubled = touchpoint_value(evidence, "Call", said, halved, jl.MeasureSettings())
    assert not isinstance(doubled, str)
    assert doubled.point + 0.1 == pytest.approx(2 * (value.point + 0.1))


def replace_share(money: PortfolioSettings, share: float) -> PortfolioSettings:
    return PortfolioSettings(**{**money.model_dump(), "log_share": share})


def test_without_any_bot_nobody_can_say(served: jl.Journeys) -> None:
    evidence = jl.measure(served)
    told = touchpoint_value(evidence, "Call", CandidateSettings(), MONEY, jl.MeasureSettings())
    assert isinstance(told, str)
    assert "no bot has served it" in told


@pytest.fixture(scope="module")
def judged(served: jl.Journeys) -> tuple[jl.Evidence, object]:
    from journeylib.judge.judgement import judge

    evidence = jl.measure(served)
    return evidence, judge(served, evidence)


def _as(judgement: object, verdict: str, vetoes: tuple[str, ...] = ()) -> object:
    """The judgement, with another verdict for every touchpoint."""
    scores = judgement.scores.assign(  # type: ignore[attr-defined]
        verdict=verdict,
        vetoes=[vetoes] * len(judgement.scores),  # type: ignore[attr-defined]
    )
    return replace(judgement, scores=scores)  # type: ignore[type-var]


def test_no_veto_is_relaxed(served: jl.Journeys, judged: tuple[jl.Evidence, object]) -> None:
    evidence, judgement = judged
    said = {"Call": CandidateSettings(contained=(0.9, 0.9, 0.9))}
    money = PortfolioSettings(**{**MONEY.model_dump(), "candidates": said})
    free = portfolio(served, evidence, _as(judgement, "automate"), money)  # type: ignore[arg-type]
    assert free.chosen == ("Call",)
    assert (free.answer, free.cost) == ("settled", 10.4)
    assert "Only 1 may be chosen" in free.text
    vetoed = _as(judgement, "automate", ("legally_human",))
    none = portfolio(served, evidence, vetoed, money)  # type: ignore[arg-type]
    assert (none.answer, none.chosen, none.worth.value) == ("none", (), None)
    assert none.candidates["why_not"].tolist() == ["vetoed: legally human"]
    fix = portfolio(served, evidence, _as(judgement, "fix_first"), money)  # type: ignore[arg-type]
    assert fix.candidates["why_not"].tolist() == ["verdict: fix first"]


def test_what_does_not_surely_pay_is_left(
    served: jl.Journeys, judged: tuple[jl.Evidence, object]
) -> None:
    evidence, judgement = judged
    said = {"Call": CandidateSettings(contained=(0.1, 0.1, 0.1))}
    money = PortfolioSettings(**{**MONEY.model_dump(), "candidates": said})
    found = portfolio(served, evidence, _as(judgement, "automate"), money)  # type: ignore[arg-type]
    assert found.chosen == ()
    assert found.candidates.loc[0, "lower_quartile"] < 0


def test_a_name_that_is_not_judged_is_refused(
    served: jl.Journeys, judged: tuple[jl.Evidence, object]
) -> None:
    money = PortfolioSettings(**{**MONEY.model_dump(), "candidates": {"Cal": CandidateSettings()}})
    with pytest.raises(ConfigError, match=r"'Cal'.*Did you mean 'Call'"):
        portfolio(served, *judged, money)  # type: ignore[arg-type]
