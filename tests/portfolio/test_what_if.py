"""What if, on companies whose truth is known: who is right, what is refused, what is shown."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from journeylib.core import ConfigError, Grade, use_language
from journeylib.measures import MeasureSettings
from journeylib.portfolio import LabResult, PortfolioSettings, QueueRecords, Terms, WhatIf, forecast
from journeylib.portfolio.what_if.queue_forecast import today
from journeylib.portfolio.what_if.queue_inputs import Informs, moved_inputs, team_inputs
from journeylib.portfolio.what_if.simulated_laws import laws_of, simulated
from tests.portfolio.queue_company import MINUTE, NAME, Company, lived, truth

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


@pytest.mark.slow
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
    for end, part in answer.mix[answer.mix["figure"] == "length"].groupby("end"):
        change = rows.loc["length", end] - rows.loc["length", "before"]
        assert float((part["mix"] + part["rate"]).sum()) == pytest.approx(change, rel=0.02)


def four_contacts() -> QueueRecords:
    """Four weeks, in each forty calls of 2 or 10 min and forty chats of 5 min, by one person.

    Long calls come with a feeling of −.8 and are emotional with .9; short ones with .4 and .1;
    chats with 0 and .5.
    """
    rows = []
    for week, number in ((week, number) for week in range(4) for number in range(80)):
        call, long = number < 40, number % 2 == 1
        minutes = (10 if long else 2) if call else 5
        feeling, emotional = ((-0.8, 0.9) if long else (0.4, 0.1)) if call else (0.0, 0.5)
        begin = (week * 7 * 1440 + 540 + number) * MINUTE
        rows.append(
            {"touchpoint": "Call" if call else "Chat", "customer": week * 100 + number,
             "group": number % 64, "week": week, "hour": 9, "begin_us": begin,
             "end_us": begin + minutes * MINUTE, "wait_us": 0, "gave_up": False,
             "came_back": False, "after_bot": False, "bot": "", "resource": "ann", "segment": "",
             "feeling": round(feeling * 1e6), "emotional": round(emotional * 1e6)}
        )  # fmt: skip
    bots = lived(Company(), [0.2] * 4, 1).bots
    return QueueRecords(pd.DataFrame(rows), bots, 4)


def test_what_people_are_left_with_worked_by_hand() -> None:
    settings = money(contained=[0.5, 0.5, 0.5])
    settings = settings.model_copy(update={"candidates": {"Call": settings.candidates[NAME]}})
    terms = Terms(MeasureSettings(failed_minutes=0), portfolio=settings)
    # Nothing comes back after any bot of this log.
    records = four_contacts()
    records = replace(records, bots=records.bots.assign(repeat=False))
    answer = forecast(records, {"Call": 1.0}, terms, draws=4)
    assert answer.unknown == ()
    rows = answer.mix.set_index(["end", "figure", "touchpoint"])
    # The bot solves the short half: 20 long calls are left beside 40 chats.
    hard = rows.loc["full_selection"]
    assert hard.loc[("length", "Call"), ["before", "after"]].tolist() == pytest.approx([40, 20])
    for figure, before, after, chat in (
        ("length", 6.0, 10.0, 5.0),
        ("feeling", -0.2, -0.8, 0.0),
        ("emotional", 0.5, 0.9, 0.5),
    ):
        call = hard.loc[(figure, "Call")]
        assert call["value_before"] == pytest.approx(before)
        assert call["value_after"] == pytest.approx(after)
        # Shares go from 1/2, 1/2 to 1/3, 2/3.
        change = (after + 2 * chat) / 3 - (before + chat) / 2
        parts = hard.loc[figure]
        assert float((parts["mix"] + parts["rate"]).sum()) == pytest.approx(change)
        assert call["rate"] == pytest.approx((after - before) * (1 / 2 + 1 / 3) / 2)
        alike = rows.loc[("no_selection", figure, "Call")]
        assert alike["value_after"] == pytest.approx(before) and alike["rate"] == pytest.approx(0)
    told = " ".join(answer.left)
    assert "feeling as customers come -0.20 → -0.80" in told.replace("−", "-")
    assert "50 % → 90 % of people's contacts are emotional" in told


def test_feelings_that_nobody_knows_are_said_to_be_unknown(answer: WhatIf) -> None:
    assert set(answer.mix["figure"]) == {"length", "feeling"}
    (why,) = answer.unknown
    assert "nobody has labelled contacts" in why and why in answer.text
    # Longer contacts begin worse, so what the bot leaves does.
    hard = answer.mix[(answer.mix["end"] == "full_selection") & (answer.mix["figure"] == "feeling")]
    assert (hard["value_after"] < hard["value_before"]).all()
    silent = four_contacts()
    few = silent.contacts.copy()
    few.loc[few["customer"] % 100 > 1, "feeling"] = np.iinfo(np.int64).min
    terms = Terms(MeasureSettings(), portfolio=money(contained=[0.4, 0.5, 0.6]))
    given = {"Chat": terms.candidate(NAME)}
    assert terms.portfolio is not None
    settings = terms.portfolio.model_copy(update={"candidates": given})
    silent = replace(silent, contacts=few, unknown={"emotional": "few_measured"})
    told = forecast(silent, {"Chat": 0.5}, replace(terms, portfolio=settings), draws=4)
    assert set(told.mix["figure"]) == {"length"}
    assert "too few of them say anything" in told.text and "too few labels" in told.text


def found_by_lab(informs: Informs, value: float, grade: Grade = "A") -> LabResult:
    return LabResult("bot-first", NAME, informs, value, 0.01, 1200, grade)


def test_what_the_lab_found_takes_the_place_of_what_is_assumed(records: QueueRecords) -> None:
    alone = replace(
        records,
        bots=records.bots.iloc[:0],
        # Nobody waits, so there is work alone and nothing to calibrate.
        contacts=records.contacts[~records.contacts["after_bot"]].assign(wait_us=0),
    )
    terms = replace(TERMS, staff=None, portfolio=money(contained=[0.1, 0.2, 0.3]))
    declared = forecast(alone, {NAME: 0.5}, terms, draws=40)
    assert declared.grade == "D"
    lab = (found_by_lab("contained", 0.6), found_by_lab("returns", 0.25))
    answer = forecast(alone, {NAME: 0.5}, replace(terms, lab=lab), draws=40)
    assert answer.grade == "C"
    before, ends = contacts(answer)
    # n = λ · [1 − q p (1 − r)], with p and r of the lab.
    assert ends == pytest.approx([before * (1 - 0.5 * 0.6 * 0.75)] * 2)
    assert contacts(declared)[1] == pytest.approx([before * (1 - 0.5 * 0.2)] * 2)
    assert "was measured by an experiment there" in answer.text
    assert "no person joins 60 % of the bot's contacts (1,200 customers)" in answer.text
    assert "25 % of what the bot solves comes back" in answer.text
    assert "is declared, not measured" not in answer.text
    # The interval is that of the lab: ± 1.28 standard errors of p, within the draws.
    row = answer.figures.set_index("figure").loc["contacts"]
    assert row["hi"] - row["lo"] < 0.5 * before * 0.6


def test_who_comes_to_a_person_says_what_the_bot_solves_for_good(records: QueueRecords) -> None:
    answer = forecast(
        records, {NAME: 0.6}, replace(TERMS, lab=(found_by_lab("reaches_people", 0.5),)), draws=20
    )
    assert answer.refused is None and answer.grade == "C"
    assert "50 % of the bot's customers come to a person" in answer.text
    # p (1 − r) = .5, whatever the log says of returns.
    moved = moved_inputs(
        records, NAME, replace(TERMS, lab=(found_by_lab("reaches_people", 0.5),)), 9
    )
    assert moved is not None and moved.source == "lab"
    reached = moved.matter.reached(1.0)
    assert reached[0] == pytest.approx(0.5) and reached == pytest.approx(0.5, abs=0.06)


def test_a_reading_of_grade_c_replaces_nothing(records: QueueRecords, answer: WhatIf) -> None:
    weak = replace(TERMS, lab=(found_by_lab("contained", 0.99, "C"),))
    again = forecast(records, {NAME: 0.6}, weak, draws=100)
    pd.testing.assert_frame_equal(again.figures, answer.figures)
    assert "bot-first is not used: its reading has grade C" in again.text


def contacts(answer: WhatIf) -> tuple[float, list[float]]:
    row = answer.figures.set_index("figure").loc["contacts"]
    return float(row["before"]), row[["no_selection", "full_selection"]].astype(float).tolist()


def test_the_same_whatever_the_order_of_the_rows(records: QueueRecords, answer: WhatIf) -> None:
    turned = replace(
        records,
        contacts=records.contacts.iloc[::-1].reset_index(drop=True),
        bots=records.bots.iloc[::-1].reset_index(drop=True),
    )
    again = forecast(turned, {NAME: 0.6}, TERMS, draws=100)
    for name in ("figures", "risks", "mix", "segments", "calibration"):
        pd.testing.assert_frame_equal(getattr(again, name), getattr(answer, name), check_exact=True)


@pytest.mark.slow
def test_five_hundred_resamples_of_a_week_take_seconds(records: QueueRecords) -> None:
    begin = time.process_time()
    answer = forecast(records, {NAME: 0.6}, TERMS, draws=500)
    assert answer.refused is None and time.process_time() - begin < 20


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


def test_returns_that_nobody_saw_are_not_told_as_none(records: QueueRecords) -> None:
    """Without a bot in the log, and in a log of cases: no figure, a sentence, and grade D."""
    contacts = records.contacts[~records.contacts["after_bot"]].assign(wait_us=0)
    alone = replace(records, bots=records.bots.iloc[:0], contacts=contacts)
    declared = replace(TERMS, staff=None, portfolio=money(contained=[0.4, 0.5, 0.6]))
    cases = replace(records, knows_customers=False)
    for log, terms in ((alone, declared), (cases, TERMS)):
        answer = forecast(log, {NAME: 0.6}, terms, draws=20)
        assert answer.refused is None and answer.grade == "D"
        assert "back" not in set(answer.figures["figure"]) and answer.after("back").value is None
        assert "does not show who comes back" in answer.text
        assert "Returns are those of all bots" not in answer.text
    seen = forecast(records, {NAME: 0.6}, TERMS, draws=20)
    assert "back" in set(seen.figures["figure"]) and seen.grade == "C"
    assert "does not show who comes back" not in seen.text


def test_every_interval_holds_its_value(records: QueueRecords) -> None:
    """Two resamples spread little, and may both lie to one side of the log itself."""
    for draws in (2, 3, 5):
        answer = forecast(records, {NAME: 0.6}, TERMS, draws=draws)
        for row in answer.figures.to_dict("records"):
            assert row["before_lo"] <= row["before"] <= row["before_hi"], row["figure"]
            for end in ("no_selection", "full_selection"):
                assert row["lo"] <= row[end] <= row["hi"], row["figure"]
            found = answer.after(row["figure"])
            assert found.lo <= found.value <= found.hi


def test_resamples_show_no_chance_of_none_or_all(answer: WhatIf) -> None:
    risks = pd.DataFrame(
        [("longer_wait", 0.0, 0.0), ("dearer", 1.0, 1.0), ("more_work", 0.0, 0.3)],
        columns=["risk", "lo", "hi"],
    )
    none, every, some = replace(answer, risks=risks).dangers
    assert none == "Chance that customers wait longer than today: under 1 %."
    assert every == "Chance that it costs more than today: over 99 %."
    assert some == "Chance that people have more work than today: under 1 % to 30 %."
    ends = risks.assign(lo=[0.0, 0.9, 0.004], hi=[0.02, 1.0, 0.996])
    assert [one.partition(": ")[2] for one in replace(answer, risks=ends).dangers] == [
        "under 1 % to 2 %.", "90 % to over 99 %.", "under 1 % to over 99 %."
    ]  # fmt: skip
    with use_language("de"):
        assert replace(answer, risks=ends).dangers[1].endswith(": 90 % bis über 99 %.")


def test_each_of_two_moves_has_an_experiment_to_fill_in(answer: WhatIf) -> None:
    """An experiment tries one move, so there is one for each."""
    two = replace(answer, moves={NAME: 0.6, "Chat": 0.25})
    options = f"CONFIG --move '{NAME}=0.6' or --move 'Chat=0.25' fills in the plan"
    assert options in two.trial and two.text.endswith(two.trial)
    assert f"CONFIG --move '{NAME}=0.6' fills in the plan" in answer.trial
    with use_language("de"):
        assert f"--move '{NAME}=0.6' oder --move 'Chat=0.25' füllt" in two.trial


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
