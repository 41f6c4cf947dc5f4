"""The hand-off audit: where bot and human change hands, and what that costs the customer."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
import pandas as pd

from journeylib.core import US_PER_DAY, US_PER_SECOND, AbstainReason, Estimate
from journeylib.journeys import MISSING, Base, Journeys, compiled, soon_after
from journeylib.log import Cells, protect
from journeylib.measures.bots import containment
from journeylib.measures.bots.bot_sessions import (
    STATES,
    BotSessions,
    bot_sessions,
    leaving_shows,
    queue_numbers,
)
from journeylib.measures.bots.conversations import Flags, Numbers, acts
from journeylib.measures.bots.escalation import escalation_estimates
from journeylib.measures.bots.handoff_patterns import (
    context_estimates,
    dead_ends,
    handover_table,
    patterns_of,
    ping_pong_ratios,
    repeated_table,
    transfers_measure,
)
from journeylib.measures.bots.waiting_times import queue_times, request_times, wait_estimates
from journeylib.measures.measured import Measured
from journeylib.measures.ratios import Ratio, ratios
from journeylib.measures.settings import MeasureSettings
from journeylib.measures.texts.language_reach import text_abstain_reason

_NO_SHARE = Estimate.none("no_column", "share")
_NO_SECONDS = Estimate.none("no_column", "seconds")
_NO_REQUESTS = Estimate.none("no_column", "requests")


def _no_rows(*columns: str) -> Any:
    """Return the default of a table in a log without actors."""
    return field(default_factory=lambda: pd.DataFrame(columns=list(columns)))


_CHANGES = ("source", "target", "events", "journeys", "customers")


@dataclass(frozen=True, kw_only=True)
class Handoffs:
    """The hand-off audit of one log. Definitions in ``docs/methods.md``, section 4.

    Attributes
    ----------
    abstain : str or None
        ``no_column`` where the log has no actors: nothing below is measured then.
    sessions, ended_with_bot, handed_over, abandoned, open : int
        Bot sessions and how they ended; the last four add up to the first. Ended with the bot
        is what is left: no human joined and the log shows no loss, which proves no success.
    contained_raw : Estimate
        No human joined in the session, as vendors count; of mature sessions where there are any.
    contained_verified : Estimate
        With the bounds that sessions of unknown success leave as ``lo`` and ``hi``.
    ends_shown : frozenset of str
        Of these four, those that a page may show.
    waterfall : pandas.DataFrame
        ``step``, ``sessions``, ``customers``, ``share``; see `containment.waterfall`. A page shows
        `containment.public_waterfall`.
    curve : pandas.DataFrame
        Verified containment by window; see `containment.containment_curve`.
    actor_changes : pandas.DataFrame
        ``source``, ``target`` (successive actors, steps of unknown actors left out), ``events``,
        ``journeys``, ``customers``. Changes of fewer than ``min_customers`` customers are left
        out and counted in ``attrs["suppressed"]``.
    wait, lost_in_queue : Estimate
        Seconds from the bot's last act to a human (median), and the share who give up.
    requests : int
        Events in which a customer asks for a human.
    requests_rate, requests_honoured, dead_cries : Estimate
        Bot sessions with a request; of these, those with a human within ``honoured_minutes``
        (without a clock: at all), and those in which none came.
    cries_to_human : Estimate
        Mean number of requests before the human came.
    time_to_honour : Estimate
        Seconds from the first request to a human (median); who gave up is censored.
    ping_pong, ping_pong_bots, ping_pong_people : Estimate
        Of conversations that changed hands: twice or more between bot and human, or from human
        to human; the one; the other.
    loops, silent_abandonment, escape_hatch_offered : Estimate
        Shares of bot sessions.
    handovers_cold, handovers_requested, handovers_triggered, handovers_scripted : Estimate
        Of hand-overs: the customer had to make contact again; a human was asked for; nobody asked
        but the bot had failed before; neither. The last three add up to 1.
    escalation_precision, escalation_recall, escalated_late : Estimate
        Hand-overs against the labels that ``needs_human`` declares; see `escalation_estimates`.
    context_sent, context_carried, asked_again, repeated_information : Estimate
        Fields that were handed over, and that were opened too, of those the human asked for;
        requests for what the bot had been given; hand-overs after which the customer said
        something again.
    dead_ends : tuple of str
        Touchpoints of a bot from which no human can be reached and most end badly.
    by_touchpoint : pandas.DataFrame
        ``touchpoint`` (at which the bot session begins), ``sessions``,
        ``ended_with_bot``, ``handed_over``, ``abandoned``, ``open`` (Int64, missing or a lower
        bound where they would tell of a few), ``at_least`` (str: which of these are lower
        bounds, parted by blanks), ``customers``, ``verified``, ``verified_lo``, ``verified_hi``.
    session_table : pandas.DataFrame or None
        One row per bot session: ``session_no``, ``customer_no``, ``group``, ``touchpoint_no``,
        ``intent``, ``start_us``, ``seconds_to_end``, ``turns_to_end``, ``rating_micro``,
        ``end``, ``looped``; see `session_ends`.
    """

    abstain: AbstainReason | None = None
    sessions: int = 0
    ended_with_bot: int = 0
    handed_over: int = 0
    abandoned: int = 0
    open: int = 0
    contained_raw: Estimate = _NO_SHARE
    contained_verified: Estimate = _NO_SHARE
    ends_shown: frozenset[str] = frozenset(STATES)
    waterfall: pd.DataFrame = _no_rows("step", "sessions", "customers", "share")  # noqa: RUF009
    curve: pd.DataFrame = _no_rows(*containment.CURVE_COLUMNS)  # noqa: RUF009
    actor_changes: pd.DataFrame = _no_rows(*_CHANGES)  # noqa: RUF009
    wait: Estimate = _NO_SECONDS
    lost_in_queue: Estimate = _NO_SHARE
    requests: int = 0
    requests_rate: Estimate = _NO_SHARE
    requests_honoured: Estimate = _NO_SHARE
    cries_to_human: Estimate = _NO_REQUESTS
    dead_cries: Estimate = _NO_SHARE
    time_to_honour: Estimate = _NO_SECONDS
    ping_pong: Estimate = _NO_SHARE
    ping_pong_bots: Estimate = _NO_SHARE
    ping_pong_people: Estimate = _NO_SHARE
    handovers_cold: Estimate = _NO_SHARE
    handovers_requested: Estimate = _NO_SHARE
    handovers_triggered: Estimate = _NO_SHARE
    handovers_scripted: Estimate = _NO_SHARE
    loops: Estimate = _NO_SHARE
    context_sent: Estimate = _NO_SHARE
    context_carried: Estimate = _NO_SHARE
    asked_again: Estimate = _NO_SHARE
    repeated_information: Estimate = _NO_SHARE
    escape_hatch_offered: Estimate = _NO_SHARE
    silent_abandonment: Estimate = _NO_SHARE
    escalation_precision: Estimate = _NO_SHARE
    escalation_recall: Estimate = _NO_SHARE
    escalated_late: Estimate = _NO_SHARE
    dead_ends: tuple[str, ...] = ()
    by_touchpoint: pd.DataFrame = _no_rows(*containment.SPOT_COLUMNS)  # noqa: RUF009
    session_table: pd.DataFrame | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Refuse a partition that does not add up."""
        ends = self.ended_with_bot + self.handed_over + self.abandoned + self.open
        if ends != self.sessions:
            raise ValueError(f"{ends} ends of {self.sessions} bot sessions")

    def estimates(self) -> dict[str, Estimate]:
        """Return the estimates by name, in the order of the attributes."""
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        return {name: value for name, value in values.items() if isinstance(value, Estimate)}


def audit_handoffs(
    journeys: Journeys, settings: MeasureSettings, *, sessions: BotSessions | None = None
) -> Handoffs:
    """Audit the hand-offs between bots and humans.

    Parameters
    ----------
    journeys : Journeys
    settings : MeasureSettings
    sessions : BotSessions, optional
        The bot sessions, where they have been found already.

    Returns
    -------
    Handoffs
        With ``abstain`` = ``no_column`` in a log without actors.
    """
    if not journeys.has("actor"):
        return Handoffs(abstain="no_column")
    sessions = sessions or bot_sessions(journeys, settings)
    minimum = journeys.settings.min_customers
    days = settings.repeat_days
    last_us = containment.followed_until(sessions, journeys, days)
    no_texts = text_abstain_reason(journeys)
    counts = containment.session_counts(sessions, last_us, days)
    patterns = patterns_of(sessions, settings)
    handovers = handover_table(sessions)
    repeated = repeated_table(sessions, settings, patterns)
    whole, touchpoints, public = containment.states_shown(sessions, minimum)
    estimates: dict[str, Any] = {}
    for table, wanted in (
        (sessions.facts, _session_ratios(journeys, settings, sessions, no_texts, whole)),
        (sessions.facts, {"loops": Ratio(sessions.facts["looped"], None, _LOOPS)}),
        ({}, ping_pong_ratios(journeys, settings)),
        (handovers, _handover_ratios(journeys, settings, handovers, no_texts)),
        (
            repeated,
            {"repeated_information": Ratio(repeated["again"], None, _REPEATED, abstain=no_texts)},
        ),
    ):
        estimates |= ratios(table, wanted, min_customers=minimum)
    estimates |= escalation_estimates(journeys, settings, sessions)
    estimates |= context_estimates(journeys)
    estimates |= _waits(journeys, settings, sessions, no_texts)
    estimates |= _secondary_kind(estimates, _HANDOVER_KINDS, 1.0)
    estimates |= _secondary_kind(estimates, _PING_PONG_KINDS, estimates["ping_pong"].value)
    estimates |= _without_few_in_vain(estimates, sessions, minimum)
    estimates["contained_verified"] = containment.verified(counts, sessions, journeys, days=days)
    ends: dict[str, Any] = {state: int(counts[state].sum()) for state in STATES}
    return Handoffs(
        sessions=int(counts["sessions"].sum()),
        **ends,
        **estimates,
        requests=patterns.requests,
        waterfall=containment.waterfall(sessions, last_us, days),
        ends_shown=whole,
        curve=containment.containment_curve(sessions, last_us, minimum, days),
        actor_changes=actor_changes(journeys),
        dead_ends=dead_ends(journeys, sessions, settings),
        by_touchpoint=containment.by_touchpoint(sessions, journeys, counts, touchpoints, public),
        session_table=session_ends(sessions, settings),
    )


def escape_hatch(
    journeys: Journeys, settings: MeasureSettings, *, sessions: BotSessions | None
) -> Handoffs:
    """Return of `audit_handoffs` what verdicts rest on: `requests_honoured` and `dead_ends`."""
    if sessions is None:
        return Handoffs(abstain="no_column")
    no_texts = text_abstain_reason(journeys)
    wanted = _session_ratios(journeys, settings, sessions, no_texts, frozenset(STATES))
    honoured = {"requests_honoured": wanted["requests_honoured"]}
    minimum = journeys.settings.min_customers
    estimates = ratios(sessions.table, honoured, min_customers=minimum)
    return Handoffs(
        requests_honoured=estimates["requests_honoured"],
        dead_ends=dead_ends(journeys, sessions, settings),
    )


_HANDOVER_KINDS = ("handovers_requested", "handovers_triggered", "handovers_scripted")
_PING_PONG_KINDS = ("ping_pong_bots", "ping_pong_people")


def _secondary_kind(
    estimates: Mapping[str, Estimate], kinds: Sequence[str], together: float | None
) -> dict[str, Estimate]:
    """Withhold the smallest shown kind where the others would tell the only withheld one."""
    values = {name: estimates[name].value for name in kinds}
    shown = {name: value for name, value in values.items() if value is not None}
    withheld = [name for name in kinds if estimates[name].abstain == "privacy"]
    if len(withheld) != 1 or not shown or together is None:
        return {}
    smallest = min(shown, key=lambda name: (shown[name], name))
    left = together - sum(shown.values()) + shown[smallest]
    most = min(math.ceil(100 * left) / 100, 1.0)
    return {smallest: replace(estimates[smallest], value=None, lo=0.0, hi=most, abstain="privacy")}


def _without_few_in_vain(
    estimates: Mapping[str, Estimate], sessions: BotSessions, minimum: int
) -> dict[str, Estimate]:
    """Withhold what would tell of the few sessions in which somebody asks for a human in vain.

    They are those with a request, less those with a request that are handed over.
    """
    asked, handed_over = sessions.facts["requests"] > 0, sessions.ended("handed_over")
    if not sessions.are_few(asked & ~handed_over, minimum):
        return {}
    until, requested = estimates["cries_to_human"], estimates["handovers_requested"]
    withheld = {"cries_to_human": Estimate.none("privacy", until.unit, estimand=until.estimand)}
    if requested.value is None:
        return withheld
    most, of = 100 * int(asked.sum()), int(handed_over.sum())
    lo, hi = max(most - 100 * minimum, 0) // of / 100, min(-(-most // of), 100) / 100
    return withheld | {
        "handovers_requested": replace(requested, value=None, lo=lo, hi=hi, abstain="privacy")
    }


def _waits(
    journeys: Journeys,
    settings: MeasureSettings,
    sessions: BotSessions,
    no_texts: AbstainReason | None,
) -> dict[str, Estimate]:
    """Return how long customers wait for a human, and how many give up."""
    last_us, minimum = journeys.last_us, journeys.settings.min_customers
    if last_us is None:
        units = {"wait": "seconds", "lost_in_queue": "share", "time_to_honour": "seconds"}
        return {name: Estimate.none("no_clock", unit) for name, unit in units.items()}
    wait, lost = wait_estimates(queue_times(sessions, last_us), minimum)
    honoured, _left = wait_estimates(
        request_times(sessions, last_us), minimum, "the first request for a human"
    )
    if no_texts and not settings.human_request_words and not queue_numbers(journeys, settings):
        # Who waits in vain shows neither by words nor by a queue.
        lost = Estimate.none("no_column", "share", estimand=lost.estimand)
    return {"wait": wait, "lost_in_queue": lost, "time_to_honour": honoured}


_LOOPS = "bot sessions in which the bot says the same, or returns to the same step, three times"
_REPEATED = "hand-overs after which the customer says something again within five turns"


def _session_ratios(
    journeys: Journeys,
    settings: MeasureSettings,
    sessions: BotSessions,
    no_texts: AbstainReason | None,
    ends_shown: frozenset[str],
) -> dict[str, Ratio]:
    last_us, part = journeys.last_us, sessions.facts
    followed_us = containment.followed_until(sessions, journeys, settings.repeat_days)
    mature = containment.waterfall_flags(sessions, followed_us, settings.repeat_days)["mature"]
    handed_over, is_open = sessions.ended("handed_over"), sessions.ended("open")
    left, asked = _left(sessions, ends_shown), part["requests"] > 0
    honoured_us = round(settings.honoured_minutes * 60 * US_PER_SECOND)
    asking = None if settings.human_request_words else no_texts
    answered: Any = part["human_joined"]
    askable = asked
    if last_us is not None:
        answered = soon_after(part["human_us"], part["request_us"], honoured_us)
        unseen = handed_over & (part["human_us"] == MISSING)
        askable = asked & (part["request_us"] <= last_us - honoured_us) & ~unseen
    silence = no_texts if acts(journeys, "customer") else "no_column"
    return {
        "contained_raw": Ratio(
            ~part["human_joined"],
            mature if mature.any() else None,
            "bot sessions that no human joined",
            abstain=None if leaving_shows(journeys, settings) else "no_column",
        ),
        "silent_abandonment": Ratio(
            left,
            ~is_open | left,
            "bot sessions that the customer left in silence or for a bad end",
            abstain=silence,
        ),
        "requests_rate": Ratio(
            asked, None, "bot sessions in which the customer asks for a human", abstain=asking
        ),
        "requests_honoured": Ratio(
            answered,
            sessions.but_for_few(askable, asked, journeys.settings.min_customers),
            f"requests with a human within {settings.honoured_minutes:g} minutes"
            if journeys.has_clock
            else "requests after which a human came at all (the log has no clock)",
            abstain=asking,
        ),
        "cries_to_human": Ratio(
            part["requests"],
            asked & handed_over,
            "requests until a human came, a session",
            unit="requests",
            lowest=1.0,
            abstain=asking,
        ),
        "dead_cries": Ratio(
            ~handed_over,
            sessions.but_for_few(asked & ~is_open, asked, journeys.settings.min_customers),
            "sessions with a request in which no human came",
            abstain=asking,
        ),
        "escape_hatch_offered": Ratio(
            part["offered"],
            None,
            "bot sessions in which a human is offered within the first three turns",
            abstain=no_texts,
        ),
    }


def _left(sessions: BotSessions, ends_shown: frozenset[str]) -> Flags:
    """Mark who left in silence, and the few whose end is not shown: nobody can tell them apart."""
    counted = {*STATES} - ends_shown | {"abandoned"}
    ended = np.array([sessions.ended(state) for state in sorted(counted)])
    return np.asarray(ended.any(axis=0), dtype=np.bool_)


def _handover_ratios(
    journeys: Journeys,
    settings: MeasureSettings,
    handovers: pd.DataFrame,
    no_texts: AbstainReason | None,
) -> dict[str, Ratio]:
    """Return the kinds of hand-over, each of all hand-overs."""
    requested, stumbled = handovers["requested"], handovers["stumbled"]
    asking = None if settings.human_request_words else no_texts
    # Whether a bot had failed shows in its words or in errors.
    failing = asking or (None if journeys.has("error") else no_texts)
    return {
        "handovers_cold": Ratio(
            handovers["cold"],
            None,
            "hand-overs in which the customer had to make contact again",
            abstain=None if acts(journeys, "customer") else "no_column",
        ),
        "handovers_requested": Ratio(
            requested, None, "hand-overs that the customer asked for", abstain=asking
        ),
        "handovers_triggered": Ratio(
            ~requested & stumbled,
            None,
            "hand-overs nobody asked for, after a bot that had failed",
            abstain=failing,
        ),
        "handovers_scripted": Ratio(
            ~requested & ~stumbled,
            None,
            "hand-overs nobody asked for, without a sign that the bot had failed",
            abstain=failing,
        ),
    }


def actor_changes(journeys: Journeys) -> pd.DataFrame:
    """Count changes of actor between successive known ones; see `Handoffs.actor_changes`."""
    base, words = journeys.summed(_changes_in), journeys.events.column("actor").words
    changes = pd.DataFrame(
        {
            "source": pd.Series([a for a in words for _b in words], dtype="str"),
            "target": pd.Series([b for _a in words for b in words], dtype="str"),
            **vars(base),
        }
    )
    changes = changes[changes["events"] > 0].reset_index(drop=True)
    # How often the actor changes at all is known.
    counts = changes[["events", "customers"]].to_numpy(np.int64)
    cells = Cells(counts, (np.zeros(len(counts), dtype=np.int64),))
    shown = changes[protect(cells, journeys.settings.min_customers).exact].reset_index(drop=True)
    shown.attrs["suppressed"] = len(changes) - len(shown)
    return shown


def _changes_in(journeys: Journeys) -> Base:
    """Count the changes from each actor to each."""
    events, actor = journeys.events, journeys.events.column("actor")
    many = len(actor.words)
    return events.base(change_numbers(events.journey, actor.held, many), many**2)


@compiled
def change_numbers(journey: Numbers, actor: Numbers, actors: int) -> Numbers:
    """Return at which change of actor each event stands: ``before * actors + now`` (int32).

    Below 0 where the actor is that of the journey's latest known one, the first, or unknown: a step
    of nobody known hides no change.
    """
    change = np.empty(len(actor), dtype=np.int32)
    before = -1
    for row in range(len(actor)):
        before = before if row and journey[row] == journey[row - 1] else -1
        now = actor[row]
        changed = (before >= 0) & (now >= 0) & (now != before)
        change[row] = before * actors + now if changed else -1
        before = now if now >= 0 else before
    return change


def session_ends(sessions: BotSessions, settings: MeasureSettings) -> pd.DataFrame:
    """Return how and after how long the customer's time with the bot ended.

    Returns
    -------
    pandas.DataFrame
        One row per bot session: ``session_no``, ``customer_no``, ``group``, ``touchpoint_no``,
        ``intent`` (category), ``start_us``, ``seconds_to_end`` (float64; missing without a clock),
        ``turns_to_end`` (1 for the bot's first turn), ``rating_micro``, ``end`` (category),
        ``looped`` (see `bot_turns.looped_in`).

    Notes
    -----
    Time runs from the bot's first turn to the first of: a request for a human, or silent leaving,
    or (after the session) coming back in the same known intent within ``repeat_days``:
    *frustrated*; a hand-over nobody asked for: *transferred*; a session with a sign of a
    solution: *resolved*. All else is *open*, which is censoring at the session's end: also
    sessions of unknown success.
    """
    part, window = sessions.facts, round(settings.repeat_days * US_PER_DAY)
    returns = soon_after(part["again_us"], part["end_us"], window)
    handed_over, stayed = (sessions.ended(state) for state in ("handed_over", "ended_with_bot"))
    asked, resolved = part["requests"] > 0, part["resolved"]
    fled = sessions.ended("abandoned") | (stayed & ~resolved & returns)
    at_us, at_step = (
        np.select([asked, handed_over], [part[request], part[bot_done]], part[last])
        for request, bot_done, last in (
            ("request_us", "bot_done_us", "end_us"),
            ("request_step", "bot_done_step", "last_step"),
        )
    )
    timed = part["start_us"] != MISSING
    since = np.where(timed, at_us - np.where(timed, part["start_us"], 0), 0)
    ends = ("frustrated", "transferred", "resolved", "open")
    end = np.select([asked | fled, handed_over, stayed & resolved], [0, 1, 2], 3)
    words = sessions.events.column("intent").words if sessions.events.has("intent") else ()
    return pd.DataFrame(
        {
            "session_no": np.arange(len(sessions), dtype=np.int32),
            **{name: part[name] for name in ("customer_no", "group", "touchpoint_no")},
            "intent": pd.Categorical.from_codes(part["intent"], pd.Index(words, dtype="str")),
            "start_us": _known(part["start_us"]),
            "seconds_to_end": np.where(timed, np.maximum(since, 0) / US_PER_SECOND, np.nan),
            # A customer who asks before the bot's first word is gone at its first turn.
            "turns_to_end": np.maximum(at_step - part["first_bot"] + 1, 1),
            "rating_micro": _known(part["rating_micro"]),
            "end": pd.Categorical.from_codes(end, pd.Index(ends)),
            "looped": part["looped"],
        },
        copy=False,
    )


def _known(values: Numbers) -> Any:
    """Return whole numbers of which some may be `MISSING`."""
    return pd.arrays.IntegerArray(values, values == MISSING, copy=True)


def handoff_measures(
    journeys: Journeys, settings: MeasureSettings, *, sessions: BotSessions | None = None
) -> list[Measured]:
    """Return the measures of hand-offs for every touchpoint.

    Returns
    -------
    list of Measured
        ``containment`` (verified, of bot sessions that begin at the touchpoint, drawn towards
        the mean of the channel) and ``transfers`` (turns of a bot or human at the touchpoint
        after which another hand takes over). Empty in a log without actors.
    """
    if not journeys.has("actor"):
        return []
    sessions = sessions or bot_sessions(journeys, settings)
    return [
        containment.containment_measure(sessions, journeys, settings),
        transfers_measure(journeys, settings),
    ]
