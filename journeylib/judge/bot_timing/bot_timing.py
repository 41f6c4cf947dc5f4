"""Bot sessions: when they turn sour, when to hand over, and from when satisfaction falls."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pandas as pd

from journeylib.journeys import EVERYONE, Drawn
from journeylib.judge.bot_timing.handoff_time import Costs, HandoffTime, handoff_time
from journeylib.judge.bot_timing.queueing import Queue, QueueTime, queue_time
from journeylib.judge.bot_timing.satisfaction_break import SatisfactionBreak, satisfaction_break
from journeylib.judge.bot_timing.session_data import Clock
from journeylib.judge.bot_timing.tipping_points import TippingPoint, tipping_points
from journeylib.judge.settings import CapacitySettings, CostSettings
from journeylib.measures import Handoffs

EVENT_CODES = {"open": 0, "frustrated": 1, "resolved": 2, "transferred": 3}
MICRO = 1_000_000
NO_COSTS = "no costs declared (judge.costs)"
NO_CAPACITY = "no staff and service time declared (judge.capacity)"
NO_SESSIONS = "the log has no bot session, or too few to show"
NO_CLOCK = "the log has no clock: costs of time are unknown"
TOO_FEW = "too few sessions end in a solution or in frustration to say when"


@dataclass(frozen=True)
class BotJudgement:
    """What the time in the bot does, for everyone and per intent.

    Attributes
    ----------
    tipping_points : tuple of TippingPoint
        Everyone first, then the intents by name; empty without bot sessions.
    handoff_times : dict of str to HandoffTime or str
        By segment: the hand-off time that costs least, or why there is none.
    satisfaction : SatisfactionBreak or None
        None where too few resolved sessions were rated to be shown, or the log has no clock.
    queue : QueueTime or str
        The hand-off time at the wait that handing over causes, or why there is none.
    """

    tipping_points: tuple[TippingPoint, ...] = ()
    handoff_times: dict[str, HandoffTime | str] = field(default_factory=dict)
    satisfaction: SatisfactionBreak | None = None
    queue: QueueTime | str = NO_SESSIONS


def judge_bots(
    handoffs: Handoffs,
    costs: CostSettings | None = None,
    *,
    capacity: CapacitySettings | None = None,
    weeks: float = 0.0,
    min_customers: int = 0,
    drawn: Drawn = EVERYONE,
) -> BotJudgement:
    """Judge the time that customers spend with bots.

    Parameters
    ----------
    handoffs : Handoffs
        With its `session_table`.
    costs : CostSettings, optional
        Without them there is no hand-off time.
    capacity : CapacitySettings, optional
        Without it nobody knows what handing over does to the wait.
    weeks : float
        Length of the log.
    min_customers : int
        Intents with fewer customers are left out, also from the family that is tested; a log
        with fewer has no answer at all.
    drawn : Drawn
        The customers whose sessions are modelled.

    Returns
    -------
    BotJudgement

    Notes
    -----
    A log without a clock counts turns instead of minutes; hand-off time and satisfaction need
    minutes. Where a segment has a tipping point, its hazards change there and nowhere else.
    """
    if handoffs.abstain is not None or handoffs.session_table is None:
        return BotJudgement()
    sessions, clock = session_frame(handoffs, drawn)
    if sessions.empty or sessions["customer"].nunique() < min_customers:
        return BotJudgement()
    shown = _shown_intents(sessions, min_customers)
    points = tipping_points(shown, segment="intent" if _has_intents(shown) else None, clock=clock)
    # What a sample of customers brings stands for what all bring: the queue counts every session.
    load = len(shown) * drawn.customers / max(drawn.used, 1)
    told = drawn.told
    return BotJudgement(
        tipping_points=tuple(
            replace(told(point), reasons=(*point.reasons, *drawn.said())) for point in points
        ),
        handoff_times={
            point.segment: told(_handoff(shown, point, costs, clock)) for point in points
        },
        satisfaction=told(_satisfaction(shown, min_customers)) if clock == "minutes" else None,
        queue=told(_queue(shown, points[0], costs, capacity, clock, weeks, load)),
    )


def session_frame(handoffs: Handoffs, drawn: Drawn = EVERYONE) -> tuple[pd.DataFrame, Clock]:
    """Return bot sessions as the tipping-point modules take them, and what they count in.

    Returns
    -------
    sessions : DataFrame
        One row per bot session whose time is known: ``minutes`` or ``turns``, ``event`` (0
        open, 1 frustrated, 2 resolved, 3 scripted transfer), ``customer``, ``intent``,
        ``csat`` (the rating given in the session, NaN where none was).
    clock : {"minutes", "turns"}
    """
    assert handoffs.session_table is not None
    table = drawn.only(handoffs.session_table).sort_values("session_no", ignore_index=True)
    clock: Clock = "minutes" if table["seconds_to_end"].notna().any() else "turns"
    time = table["seconds_to_end"] / 60 if clock == "minutes" else table["turns_to_end"]
    frame = pd.DataFrame(
        {
            clock: time.astype("float64"),
            "event": table["end"].map(EVENT_CODES).astype("int64"),
            "customer": table["customer_no"],
            "intent": table["intent"].astype(object),
            "csat": table["rating_micro"].astype("float64") / MICRO,
        }
    )
    return frame.dropna(subset=[clock]).reset_index(drop=True), clock


def _has_intents(sessions: pd.DataFrame) -> bool:
    return bool(sessions["intent"].notna().any())


def _shown_intents(sessions: pd.DataFrame, min_customers: int) -> pd.DataFrame:
    """Forget the intents of fewer customers than may be shown; their sessions stay."""
    customers = sessions.groupby("intent")["customer"].nunique()
    kept = sessions["intent"].isin(customers.index[customers >= min_customers])
    return sessions.assign(intent=sessions["intent"].where(kept, None))


def _handoff(
    sessions: pd.DataFrame, point: TippingPoint, costs: CostSettings | None, clock: Clock
) -> HandoffTime | str:
    if clock != "minutes":
        return NO_CLOCK
    if costs is None:
        return NO_COSTS
    part = sessions if point.segment == "all" else sessions[sessions["intent"] == point.segment]
    breaks = None if point.at.value is None else [point.at.value]
    return handoff_time(part, Costs(**costs.model_dump()), breaks=breaks) or TOO_FEW


def _queue(
    sessions: pd.DataFrame,
    point: TippingPoint,
    costs: CostSettings | None,
    capacity: CapacitySettings | None,
    clock: Clock,
    weeks: float,
    load: float,
) -> QueueTime | str:
    """Return the hand-off time of all sessions: the team that takes them is one."""
    if capacity is None:
        return NO_CAPACITY
    if clock != "minutes" or weeks <= 0:
        return NO_CLOCK
    if costs is None:
        return NO_COSTS
    queue = Queue(
        sessions_per_minute=load / (weeks * capacity.open_hours_a_week * 60),
        agents=capacity.staff,
        service_minutes=capacity.service_minutes,
        patience_minutes=capacity.patience_minutes,
        waiting_per_minute=capacity.waiting_per_minute,
    )
    without = costs.model_dump() | {"human_contact": capacity.contact_without_wait}
    breaks = None if point.at.value is None else [point.at.value]
    return queue_time(sessions, Costs(**without), queue, breaks=breaks) or TOO_FEW


def _satisfaction(sessions: pd.DataFrame, min_customers: int) -> SatisfactionBreak | None:
    resolved = sessions["csat"].notna() & (sessions["event"] == EVENT_CODES["resolved"])
    if sessions.loc[resolved, "customer"].nunique() < max(1, min_customers):
        return None
    intents = sessions[["intent"]] if _has_intents(sessions) else None
    return satisfaction_break(sessions, X=intents)
