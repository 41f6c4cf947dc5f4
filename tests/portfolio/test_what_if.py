"""What if, on companies whose truth is known: who is right, what is refused, what is shown."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from journeylib.core import ConfigError, use_language
from journeylib.measures import MeasureSettings
from journeylib.portfolio import PortfolioSettings, QueueRecords, Terms, WhatIf, forecast
from journeylib.portfolio.what_if.queue_forecast import today
from journeylib.portfolio.what_if.queue_inputs import team_inputs
from journeylib.portfolio.what_if.simulated_laws import laws_of, simulated
from tests.portfolio.queue_company import NAME, Company, lived, truth

TERMS = Terms(MeasureSettings(), staff=8)
FIGURES = ("wait", "gives_up", "minutes")


@pytest.fixture(scope="module")
def records() -> QueueRecords:
    return lived(Company(selection=0.6), [0.2] * 13, 4)


@pytest.fixture(scope="module")
def answer(records: QueueRecords) -> WhatIf:
    return forecast(records, {NAME: 0.6}, TERMS, draws=100)


def inside(answer: WhatIf, lived_on: dict[str, float]) -> list[bool]:
    rows = answer.figures.set_index("figure")
    return [bool(rows.loc[f, "lo"] <= lived_on[f] <= rows.loc[f, "hi"]) for f in FIGURES]


def test_today_is_given_back_before_anything_is_said(answer: WhatIf) -> None:
    assert answer.refused is None and list(answer.calibration["holds"]) == [True, True]
    rows = answer.calibration
    assert ((rows["lo"] <= rows["model"]) & (rows["model"] <= rows["hi"])).all()


def test_where_today_is_not_given_back_nothing_is_said(records: QueueRecords) -> None:
    wrong = forecast(records, {NAME: 0.6}, replace(TERMS, staff=12), draws=20)
    assert wrong.figures.empty and wrong.refused is not None
    assert "does not give today back" in wrong.refused and "mean wait" in wrong.refused


@pytest.mark.parametrize("seed", [1, 3])
def test_a_busy_team_of_even_contacts_is_simulated(seed: int) -> None:
    # Erlang-A alone gives today back for 1 of the first 6 seeds; with the simulation all do.
    company = Company(selection=0.6, rate=2.1, varies=0.75)
    lived_on = lived(company, [0.2] * 13 + [0.6] * 6, seed)
    before = replace(
        lived_on,
        contacts=lived_on.contacts[lived_on.contacts["week"] < 13].reset_index(drop=True),
        bots=lived_on.bots[lived_on.bots["week"] < 13].reset_index(drop=True),
        weeks=13,
    )
    team = team_inputs(before, (NAME,), TERMS, 2)
    rough, rows = today(team).wait, before.contacts
    laws = laws_of(rows, float(team.patience[0]))
    assert rough is not None and laws is not None and team.staff is not None
    exact = simulated(today(team), laws, team.staff).wait
    seen = truth(before)["wait"]
    assert exact is not None and abs(exact[0] - seen) < abs(rough[0] - seen) / 2
    answer = forecast(before, {NAME: 0.6}, TERMS, draws=100)
    assert answer.refused is None and "simulated" in answer.text
    assert inside(answer, truth(lived_on, 13)) == [True, True, True]


def test_the_share_of_today_changes_nothing(records: QueueRecords) -> None:
    today = len(records.bots) / (len(records.bots) + int((records.contacts["bot"] != NAME).sum()))
    rows = forecast(records, {NAME: today}, TERMS, draws=20).figures.set_index("figure")
    for figure in FIGURES:
        before = rows.loc[figure, "before"]
        ends = rows.loc[figure, ["no_selection", "full_selection", "expected"]]
        assert ends.tolist() == pytest.approx([before] * 3, rel=1e-4)


def test_giving_contacts_back_makes_more_work(records: QueueRecords) -> None:
    rows = forecast(records, {NAME: 0.0}, TERMS, draws=20).figures.set_index("figure")
    assert rows.loc["minutes", "no_selection"] > rows.loc["minutes", "before"]
    assert rows.loc["bot_contacts", "no_selection"] == 0


def test_what_is_expected_lies_between_both_ends(answer: WhatIf) -> None:
    rows = answer.figures.set_index("figure").loc[list(FIGURES)]
    assert (rows["no_selection"] <= rows["expected"]).all()
    assert (rows["expected"] <= rows["full_selection"]).all()
    assert answer.grade == "C" and answer.after("wait").level == 0.8


def test_mix_and_rate_add_up_to_the_change_of_the_length(answer: WhatIf) -> None:
    rows = answer.figures.set_index("figure")
    for end, part in answer.mix.groupby("end"):
        change = rows.loc["length", end] - rows.loc["length", "before"]
        assert float((part["mix"] + part["rate"]).sum()) == pytest.approx(change, rel=0.02)


def test_the_same_whatever_the_order_of_the_rows(records: QueueRecords, answer: WhatIf) -> None:
    turned = replace(
        records,
        contacts=records.contacts.iloc[::-1].reset_index(drop=True),
        bots=records.bots.iloc[::-1].reset_index(drop=True),
    )
    again = forecast(turned, {NAME: 0.6}, TERMS, draws=100)
    for name in ("figures", "risks", "mix", "segments", "calibration"):
        pd.testing.assert_frame_equal(getattr(again, name), getattr(answer, name), check_exact=True)


def test_small_segments_are_not_shown(records: QueueRecords) -> None:
    rare = records.contacts.copy()
    rare.loc[rare.index[:9], "segment"] = "rare"
    answer = forecast(replace(records, contacts=rare), {NAME: 0.6}, TERMS, draws=20)
    assert list(answer.segments["segment"]) == ["business", "private"]


def money(**candidate: object) -> PortfolioSettings:
    return PortfolioSettings.model_validate(
        {
            "budget": 1000,
            "build": 100,
            "human_minute": 1.0,
            "failed_contact": 0.0,
            "harm": 0.0,
            "run_per_visit": 0.5,
            "candidates": {NAME: candidate},
        }
    )


def test_money_is_minutes_and_what_the_bot_costs(records: QueueRecords) -> None:
    rows = forecast(
        records, {NAME: 0.6}, replace(TERMS, portfolio=money()), draws=20
    ).figures.set_index("figure")
    for end in ("before", "no_selection", "full_selection"):
        exact = rows.loc["minutes", end] + 0.5 * rows.loc["bot_contacts", end]
        assert rows.loc["cost", end] == pytest.approx(exact)


def test_what_is_refused(records: QueueRecords) -> None:
    young = replace(
        records,
        contacts=records.contacts[records.contacts["week"] < 3],
        bots=records.bots[records.bots["week"] < 3],
        weeks=3,
    )
    assert "spans 3 whole weeks" in str(forecast(young, {NAME: 0.6}, TERMS))
    vetoed = replace(TERMS, vetoes={NAME: ("legally_human",)})
    assert "legally human" in str(forecast(records, {NAME: 0.6}, vetoed))
    alone = replace(
        records,
        bots=records.bots.iloc[:0],
        contacts=records.contacts[~records.contacts["after_bot"]],
    )
    assert "no bot has served Billing" in str(forecast(alone, {NAME: 0.6}, TERMS))
    for moves in ({"Biling": 0.6}, {NAME: 1.2}):
        with pytest.raises(ConfigError, match="Billing"):
            forecast(records, moves, TERMS)


def test_a_declared_range_is_an_assumption(records: QueueRecords) -> None:
    alone = replace(
        records,
        bots=records.bots.iloc[:0],
        contacts=records.contacts[~records.contacts["after_bot"]],
    )
    told = replace(TERMS, staff=None, portfolio=money(contained=[0.4, 0.5, 0.6]))
    answer = forecast(alone, {NAME: 0.6}, replace(told, patience_minutes=8.0), draws=20)
    assert answer.refused is None or "not give today back" in answer.refused
    assert answer.grade == "D"


def test_without_waits_in_the_log_only_work_is_told(records: QueueRecords) -> None:
    still = records.contacts.assign(wait_us=0)
    answer = forecast(replace(records, contacts=still), {NAME: 0.6}, TERMS, draws=20)
    assert "wait" not in set(answer.figures["figure"]) and answer.no_waits is not None
    assert answer.after("wait").value is None and answer.after("minutes").value is not None


def test_it_speaks_the_language_in_use(records: QueueRecords) -> None:
    with use_language("de"):
        assert "Was wäre, wenn" in str(forecast(records, {NAME: 0.6}, TERMS, draws=10))


@pytest.mark.slow
def test_intervals_hold_the_truth_whatever_the_bot_prefers() -> None:
    """Four weeks and some 300 bot sessions; the bot takes any, easier, or mostly easy contacts."""
    held = {}
    for selection in (0.0, 0.6, 1.2):
        company = Company(selection=selection)
        lived_on = truth(lived(company, [0.6] * 40, 99))
        answers = [
            forecast(lived(company, [0.04] * 4, seed), {NAME: 0.6}, TERMS, draws=100)
            for seed in range(5)
        ]
        told = [one for one in answers if one.refused is None]
        assert len(told) >= 4
        held[selection] = float(np.mean([inside(one, lived_on) for one in told]))
    assert min(held.values()) >= 0.70 and np.mean(list(held.values())) >= 0.80, held


@pytest.mark.slow
def test_a_share_that_changes_in_week_14_is_predicted_from_the_weeks_before() -> None:
    holds = naive_outside = 0
    for seed in range(20):
        whole = lived(Company(selection=0.6), [0.2] * 13 + [0.6] * 14, 100 + seed)
        before = replace(
            whole,
            contacts=whole.contacts[whole.contacts["week"] < 13].reset_index(drop=True),
            bots=whole.bots[whole.bots["week"] < 13].reset_index(drop=True),
            weeks=13,
        )
        answer, lived_on = forecast(before, {NAME: 0.6}, TERMS, draws=40), truth(whole, 13)
        if answer.refused is None:
            holds += all(inside(answer, lived_on))
            rows = answer.figures.set_index("figure").loc[list(FIGURES)]
            naive_outside += bool((rows["naive"] < rows["lo"]).all())
    assert (holds >= 16, naive_outside >= 16) == (True, True), (holds, naive_outside)
