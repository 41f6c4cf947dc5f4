"""Bot sessions: when they turn sour, when to hand over, and from when satisfaction falls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pandas as pd

from journeylib.core import MICRO, text
from journeylib.journeys import EVERYONE, CustomerSample
from journeylib.judge.bot_timing.handoff_time import HandoffTime, handoff_time
from journeylib.judge.bot_timing.queueing import Queue, QueueTime, queue_time
from journeylib.judge.bot_timing.satisfaction_break import SatisfactionBreak, satisfaction_break
from journeylib.judge.bot_timing.session_data import (
    RESOLVED,
    BotSessions,
    Clock,
    bot_sessions,
    segments_of,
)
from journeylib.judge.bot_timing.tipping_points import TippingPoint, tipping_points
from journeylib.judge.settings import CostSettings, JudgeSettings
from journeylib.measures import Handoffs

EVENT_CODES = {"open": 0, "frustrated": 1, "resolved": 2, "transferred": 3}


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
    queue: QueueTime | str = field(default_factory=lambda: text("judge.bots.no_sessions"))


def judge_bots(
    handoffs: Handoffs,
    settings: JudgeSettings | None = None,
    *,
    weeks: float = 0.0,
    min_customers: int = 0,
    sample: CustomerSample = EVERYONE,
) -> BotJudgement:
    """Judge the time that customers spend with bots.

    Parameters
    ----------
    handoffs : Handoffs
        With its `session_table`.
    settings : JudgeSettings, optional
        Without its `costs` there is no hand-off time; without its `capacity` nobody knows what
        handing over does to the wait.
    weeks : float
        Length of the log.
    min_customers : int
        Intents with fewer customers are left out, also from the family that is tested; a log
        with fewer has no answer at all.
    sample : CustomerSample
        The customers whose sessions are modelled.

    Notes
    -----
    A log without a clock counts turns instead of minutes; hand-off time and satisfaction need
    minutes. Where a segment has a tipping point, its hazards change there and nowhere else.
    """
    if handoffs.abstain is not None or handoffs.session_table is None:
        return BotJudgement()
    frame, clock = session_frame(handoffs, sample)
    if frame.empty or frame["customer"].nunique() < min_customers:
        return BotJudgement()
    sessions = bot_sessions(_shown_intents(frame, min_customers), clock, "csat")
    settings = settings or JudgeSettings()
    segments = segments_of(sessions, "intent" if _has_intents(sessions) else None)
    points = tipping_points(segments)
    # What a sample of customers brings stands for what all bring: the queue counts every session.
    load = len(frame) * sample.customers / max(sample.used, 1) / weeks if weeks > 0 else 0.0
    return BotJudgement(
        tipping_points=tuple(
            replace(sample.annotate(point), reasons=(*point.reasons, *sample.assumption()))
            for point in points
        ),
        handoff_times={
            point.segment: sample.annotate(_handoff_time(segments, point, settings.costs))
            for point in points
        },
        satisfaction=sample.annotate(_satisfaction(sessions, min_customers)),
        queue=sample.annotate(_queue_time(sessions, points[0], settings, load)),
    )


def session_frame(
    handoffs: Handoffs, sample: CustomerSample = EVERYONE
) -> tuple[pd.DataFrame, Clock]:
    """Return bot sessions as `bot_sessions` takes them, and what they count in.

    Returns
    -------
    sessions : DataFrame
        One row per bot session whose time is known: ``minutes`` or ``turns``, ``event`` (0
        open, 1 frustrated, 2 resolved, 3 scripted transfer), ``customer``, ``intent``,
        ``csat`` (the rating given in the session, NaN where none was).
    clock : {"minutes", "turns"}
    """
    assert handoffs.session_table is not None
    table = sample.only(handoffs.session_table).sort_values("session_no", ignore_index=True)
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


def _has_intents(sessions: BotSessions) -> bool:
    return bool(sessions.frame["intent"].notna().any())


def _shown_intents(sessions: pd.DataFrame, min_customers: int) -> pd.DataFrame:
    """Forget the intents of fewer customers than may be shown; their sessions stay."""
    customers = sessions.groupby("intent")["customer"].nunique()
    shown = sessions["intent"].isin(customers.index[customers >= min_customers])
    return sessions.assign(intent=sessions["intent"].where(shown, None))


def _breaks(point: TippingPoint) -> list[float] | None:
    return None if point.at.value is None else [point.at.value]


def _handoff_time(
    segments: Mapping[str, BotSessions], point: TippingPoint, costs: CostSettings | None
) -> HandoffTime | str:
    sessions = segments[point.segment]
    if sessions.clock != "minutes":
        return text("judge.bots.no_clock")
    if costs is None:
        return text("judge.bots.no_costs")
    return handoff_time(sessions, costs, breaks=_breaks(point)) or text("judge.bots.too_few")


def _queue_time(
    sessions: BotSessions, point: TippingPoint, settings: JudgeSettings, load: float
) -> QueueTime | str:
    """Return the hand-off time of all sessions, `load` a week: the team that takes them is one."""
    team, costs = settings.capacity, settings.costs
    if team is None:
        return text("judge.bots.no_capacity")
    if sessions.clock != "minutes" or load <= 0:
        return text("judge.bots.no_clock")
    if costs is None:
        return text("judge.bots.no_costs")
    queue = Queue(
        sessions_per_minute=load / (team.open_hours_a_week * 60),
        agents=team.staff,
        service_minutes=team.service_minutes,
        patience_minutes=team.patience_minutes,
        waiting_per_minute=team.waiting_per_minute,
    )
    without_wait = costs.model_copy(update={"human_contact": team.contact_without_wait})
    answer = queue_time(sessions, without_wait, queue, breaks=_breaks(point))
    return answer or text("judge.bots.too_few")


def _satisfaction(sessions: BotSessions, min_customers: int) -> SatisfactionBreak | None:
    frame = sessions.frame
    rated = frame[frame["csat"].notna() & (frame["event"] == RESOLVED)]
    if sessions.clock != "minutes" or rated["customer"].nunique() < max(1, min_customers):
        return None
    return satisfaction_break(sessions, adjust=("intent",) if _has_intents(sessions) else ())
