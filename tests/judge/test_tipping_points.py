"""Which answer a hazard gets, on planted and on real sessions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from journeylib.judge.bot_timing.hazard_break import Break, HazardFit
from journeylib.judge.bot_timing.session_data import bot_sessions, segments_of
from journeylib.judge.bot_timing.tipping_points import answer_of, pool, tipping_points
from journeylib.present.views.bots import tipping_points as view

MHCH = Path(__file__).resolve().parents[2] / "../shared/data/mhch_handoff"


def planted(
    seed: int,
    n: int,
    *,
    tau: float = 3.0,
    before: float = 0.05,
    after: float = 0.40,
    resolve: float = 0.35,
) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    u = rng.exponential(1, n)
    exits = np.where(u < before * tau, u / before, tau + (u - before * tau) / after)
    solved = rng.exponential(1 / resolve, n)
    return pd.DataFrame(
        {
            "minutes": np.minimum(exits, solved),
            "event": np.where(exits < solved, 1, 2),
            "customer": np.arange(n) // 2,
        }
    )


def fit(before: float, after: float, step: float, smooth: float) -> HazardFit:
    bic = {"constant": 900.0, "step": step, "weibull": smooth, "spline": smooth + 1}
    return HazardFit(Break(3.0, before, after, 50.0), 0.002, bic)


@pytest.mark.parametrize(
    ("made", "p_value", "answer"),
    [
        (fit(0.1, 0.4, 700, 706), 0.01, "tipping_point"),
        (fit(0.1, 0.4, 700, 705), 0.01, "rises"),
        (fit(0.4, 0.1, 600, 706), 0.01, "falls"),
        (fit(0.1, 0.4, 600, 706), 0.06, "none"),
    ],
)
def test_the_rule(made: HazardFit, p_value: float, answer: str) -> None:
    assert answer_of(made, p_value) == answer


def test_a_planted_step_is_found_with_both_hazards() -> None:
    (found,) = tipping_points(segments_of(bot_sessions(planted(1, 3000))))
    assert found.answer == "tipping_point"
    assert found.at.value == pytest.approx(3.0, abs=0.1)
    assert found.at.lo <= 3.0 <= found.at.hi
    assert found.before == pytest.approx(0.05, rel=0.2)
    assert found.after == pytest.approx(0.40, rel=0.2)
    assert found.p_value == pytest.approx(1 / 500)


def test_calls_that_a_menu_sends_away_at_one_moment_are_told(parts: Callable[..., Any]) -> None:
    """Two leave early, 92 at minute 3, six later: no crash, no moment, and the reason why."""
    minutes = [1.0, 2.0, *[3.0] * 92, *np.linspace(4, 9, 6)]
    calls = pd.DataFrame({"minutes": minutes, "event": 1, "customer": np.arange(100)})
    found = tipping_points(segments_of(bot_sessions(calls)))
    (told,) = view(parts(judgement=parts(tipping_points=found, satisfaction=None))).frame.to_dict(
        "records"
    )
    assert (told["sessions"], told["at"], told["answer"]) == (100, "", "not enough evidence")
    assert told["why"] == "the events sit in too few moments to tell"


def test_handle_time_moves_and_the_tipping_point_does_not() -> None:
    """The trap: average handle time said to pinpoint the tipping point."""
    handled, worked, found = [], [], []
    for resolve in (0.70, 0.35, 0.15):
        data = planted(6, 3000, resolve=resolve)
        handled.append(data["minutes"].mean())
        # mean of a session: exits at resolve + .05 for three minutes, then at resolve + .40
        left = np.exp(-3 * (resolve + 0.05))
        worked.append((1 - left) / (resolve + 0.05) + left / (resolve + 0.40))
        found.append(tipping_points(segments_of(bot_sessions(data)))[0].at.value)
    assert worked == pytest.approx([1.29, 2.15, 3.25], abs=0.005)
    assert handled == pytest.approx(worked, abs=0.1)
    assert found == pytest.approx([3.0] * 3, abs=0.1)


def test_a_mixture_of_patient_and_impatient_customers_falls() -> None:
    rng = np.random.default_rng(2)
    patience = np.where(rng.random(2000) < 0.3, 1.0, 20.0)
    exits, solved = rng.exponential(patience), rng.exponential(3, 2000)
    data = pd.DataFrame(
        {
            "minutes": np.minimum(exits, solved),
            "event": np.where(exits < solved, 1, 2),
            "customer": range(2000),
        }
    )
    (found,) = tipping_points(segments_of(bot_sessions(data)))
    assert found.answer == "falls"
    assert found.at.value is None
    assert "patient customers remain" in found.reasons[0]


def test_segments_with_and_without_a_tipping_point() -> None:
    flat = planted(3, 600, before=0.2, after=0.2)
    data = pd.concat(
        [
            planted(1, 800).assign(intent="billing"),
            planted(2, 800, tau=3.2).assign(intent="moving"),
            flat.assign(intent="order status", customer=flat["customer"] + 10_000),
            planted(4, 60).assign(intent="rare"),
        ]
    )
    everyone, *segments = tipping_points(segments_of(bot_sessions(data), "intent"))
    assert everyone.segment == "all"
    assert [part.answer for part in segments] == [
        "tipping_point",
        "tipping_point",
        "none",
        "abstain",
    ]
    assert segments[3].at.abstain == "n_small"
    first, second = segments[:2]
    assert first.at.value <= first.pooled <= second.pooled <= second.at.value
    assert all(part.q_value >= part.p_value for part in segments[:3])


def test_many_scripted_transfers_are_named() -> None:
    data = planted(5, 2000)
    data.loc[data.index % 5 == 0, "event"] = 3
    (found,) = tipping_points(segments_of(bot_sessions(data)), draws=99)
    assert found.answer == "tipping_point"
    assert found.reasons[1].startswith("20 % of sessions end in a scripted transfer")


def test_a_clock_of_whole_minutes_with_few_values_abstains() -> None:
    data = planted(6, 500)
    data["minutes"] = data["minutes"].clip(upper=4).round() + 1
    (found,) = tipping_points(segments_of(bot_sessions(data)))
    assert (found.answer, found.at.abstain) == ("abstain", "unidentified")


def test_no_sessions_at_all_abstain() -> None:
    nothing = planted(1, 10).head(0).assign(turns=1.0, intent="")
    assert [p.answer for p in tipping_points(segments_of(bot_sessions(nothing), "intent"))] == [
        "abstain"
    ]
    assert tipping_points(segments_of(bot_sessions(nothing, "turns")))[0].at.abstain == "n_small"


def test_turns_step_smooth_rise_and_constant() -> None:
    rng = np.random.default_rng(7)

    def chats(hazard: np.ndarray, n: int = 3000) -> pd.DataFrame:
        hit = rng.random((n, len(hazard))) < hazard
        solved = rng.random((n, len(hazard))) < 0.08
        first, other = (np.where(a.any(1), a.argmax(1), 99) for a in (hit, solved))
        turns = np.minimum(np.minimum(first, other), len(hazard) - 1) + 1
        event = np.where((first <= other) & (first < 99), 1, np.where(other < 99, 2, 0))
        return pd.DataFrame({"turns": turns, "event": event, "customer": range(n)})

    turn = np.arange(1, 16)
    (step,) = tipping_points(
        segments_of(bot_sessions(chats(np.where(turn <= 6, 0.03, 0.20)), "turns"))
    )
    assert (step.answer, step.at.value, step.at.unit) == ("tipping_point", 6.0, "turns")
    (smooth,) = tipping_points(segments_of(bot_sessions(chats(0.01 * turn), "turns")))
    assert smooth.answer == "rises"
    (constant,) = tipping_points(segments_of(bot_sessions(chats(np.full(15, 0.08)), "turns")))
    assert constant.answer == "none"


def test_pooling_leaves_what_differs_and_joins_what_does_not() -> None:
    assert pool(np.array([2.0, 6.0]), np.array([0.01, 0.01])) == pytest.approx([2, 6], abs=1e-3)
    assert pool(np.array([2.0, 2.2]), np.array([1.0, 1.0])) == pytest.approx([2.1, 2.1])


def test_shuffled_rows_and_renamed_customers_change_nothing() -> None:
    data = planted(8, 500)
    other = data.sample(frac=1, random_state=3)
    other["customer"] = "c" + (other["customer"] * 7919 % 100_003).astype(str)
    assert tipping_points(segments_of(bot_sessions(other))) == tipping_points(
        segments_of(bot_sessions(data))
    )


@pytest.mark.skipif(not MHCH.exists(), reason="../shared/data/mhch_handoff is not here")
def test_real_chats_have_no_tipping_point() -> None:
    """First utterance labelled 'a human should take over': most likely at the very start."""
    turns = pd.read_csv(MHCH / "makeup_eval_turns.csv.gz").query("role == 'customer'")
    turns = turns.assign(turn=turns.groupby("dialogue_id").cumcount() + 1)
    chats = turns.groupby("dialogue_id").agg(
        turns=("turn", "max"), satisfied=("dialogue_satisfaction_class", "first")
    )
    first = turns.query("handoff_label == 1").groupby("dialogue_id")["turn"].min()
    chats["event"] = np.where(chats.index.isin(first.index), 1, 2)
    chats["turns"] = first.reindex(chats.index).fillna(chats["turns"])
    unsatisfied = chats[chats["satisfied"] == 0].reset_index(names="customer")
    reached = (unsatisfied["turns"].to_numpy()[:, None] >= np.arange(1, 6)).sum(axis=0)
    hit = [
        int(((unsatisfied["turns"] == t) & (unsatisfied["event"] == 1)).sum()) for t in range(1, 6)
    ]
    hazard = np.array(hit) / reached
    assert hazard.argmax() == 0
    for data in (unsatisfied, chats.reset_index(names="customer")):
        (found,) = tipping_points(segments_of(bot_sessions(data, "turns")))
        assert found.answer == "falls"
