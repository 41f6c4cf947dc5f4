"""The hand-off audit as a vector: what fails, and what fails worst."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from journeylib.core.estimate import Estimate
from journeylib.judge.bot_timing.handoff_limits import handoff_items, worst_item
from journeylib.judge.settings import HANDOFF_LIMITS, JudgeSettings


@dataclass(frozen=True)
class Handoffs:
    told: dict[str, Estimate]
    sessions: int = 1

    def estimates(self) -> dict[str, Estimate]:
        nothing = {name: Estimate.none("no_column", "share") for name in HANDOFF_LIMITS}
        return nothing | self.told


def share(lo: float, hi: float, unit: str = "share") -> Estimate:
    return Estimate((lo + hi) / 2, unit, lo, hi)


@pytest.mark.parametrize(
    ("name", "estimate", "state", "beyond"),
    [
        ("loops", share(0.24, 0.5), "fails", (0.24 - 0.05) / 0.95),
        ("loops", share(0.05, 0.5), "open", 0.0),
        ("loops", share(0.0, 0.05), "holds", 0.0),
        ("requests_honoured", share(0.2, 0.6), "fails", (0.8 - 0.6) / 0.8),
        ("requests_honoured", share(0.7, 0.9), "open", 0.0),
        ("requests_honoured", share(0.8, 0.9), "holds", 0.0),
        ("wait", share(180.0, 300.0, "seconds"), "fails", 0.5),
        ("wait", Estimate.none("no_clock", "seconds"), "not_measurable", 0.0),
    ],
)
def test_an_item_fails_where_its_whole_interval_does(
    name: str, estimate: Estimate, state: str, beyond: float
) -> None:
    items = {item.name: item for item in handoff_items(Handoffs({name: estimate}))}
    assert list(items) == list(HANDOFF_LIMITS)
    assert (items[name].state, items[name].beyond) == (state, pytest.approx(beyond))


def test_the_worst_harms_most_and_then_lies_farthest_beyond() -> None:
    told = {
        "escape_hatch_offered": share(0.0, 0.01),  # nearly as bad as can be, but a harm of 1
        "dead_cries": share(0.2, 0.3),
        "lost_in_queue": share(0.3, 0.4),
        "silent_abandonment": share(0.0, 0.01),
    }
    worst = worst_item(handoff_items(Handoffs(told)))
    assert worst is not None
    assert worst.name == "lost_in_queue"
    limits = {"lost_in_queue": 0.5, "dead_cries": 0.5}
    second = worst_item(handoff_items(Handoffs(told), limits))
    assert second is not None
    assert second.name == "escape_hatch_offered"
    assert worst_item(handoff_items(Handoffs({}))) is None


def test_a_limit_of_no_item_is_refused() -> None:
    assert JudgeSettings(handoff_limits={"loops": 0.2}).handoff_limits == {"loops": 0.2}
    with pytest.raises(ValueError, match=r"'lops' is no item.*Did you mean 'loops'"):
        JudgeSettings(handoff_limits={"lops": 0.2})


def test_people_who_pass_work_on_are_no_hand_over_of_a_bot() -> None:
    """87.5 % of conversations go from person to person, in a log without a bot: no alarm."""
    items = handoff_items(Handoffs({"ping_pong": share(0.85, 0.9)}, sessions=0))
    assert {item.state for item in items} == {"not_measurable"}
    assert worst_item(items) is None
    assert worst_item(handoff_items(Handoffs({"ping_pong": share(0.85, 0.9)}))) is not None
