"""Quality of a visit: whether it went well, badly, or neither."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from journeylib.core import MICRO, ConfigError, Floats, did_you_mean
from journeylib.journeys import MISSING, Codes, Events, Journeys, number_sessions, row_before
from journeylib.judge.settings import MomentSettings
from journeylib.log import NO_WORDS, YES_WORDS

Qualities = npt.NDArray[np.int8]
Whole = npt.NDArray[np.int64]
NO_TRANSFER, WAIT = "no_transfer", "wait_seconds"
BUILT_IN = (NO_TRANSFER, WAIT)
GOOD, NEITHER, BAD = 1, 0, -1
UNKNOWN = 2  # above the others: the least of several is the worst that is known
_SCALED = ("rating", "sentiment", "cost")


def visits_with_quality(journeys: Journeys, settings: MomentSettings) -> tuple[Whole, Qualities]:
    """Return the first visit of each journey to each touchpoint, where its quality is known.

    Parameters
    ----------
    journeys : Journeys
        With a clock.
    settings : MomentSettings
        `good` names a column, ``rating``, ``sentiment`` or ``cost``, or what is seen without a
        column of its own: ``no_transfer`` (no other hand took over within the conversation)
        and ``wait_seconds`` (silence in the conversation just before the visit).

    Returns
    -------
    rows : ndarray of int64
        Row at which the visit begins, in order.
    quality : ndarray of int8
        1 good, 0 neither, −1 bad. The last turn whose quality is known speaks for the visit; a
        single transfer spoils it.

    Raises
    ------
    ConfigError
        If the log does not carry the column, or none of its values says whether a visit went well.
    """
    events = journeys.events
    of_turn = _quality(_observed(journeys, settings), settings)
    turns = np.flatnonzero((of_turn != UNKNOWN) & (events.visit == 1))
    visit = events.visit_row[turns]
    quality = np.full(len(events), UNKNOWN, dtype=np.int8)
    if settings.good == NO_TRANSFER:
        np.minimum.at(quality, visit, of_turn[turns])
    else:
        # The last turn is written last, so it stays.
        quality[visit] = of_turn[turns]
    rows = np.flatnonzero(quality != UNKNOWN)
    if not len(rows):
        _check_readable(journeys, settings)
    return rows, quality[rows]


def check_columns(journeys: Journeys, settings: MomentSettings) -> None:
    """Raise if the settings name a column that the log does not have, or a consequence.

    What a visit is judged by is settled in it, so it can be neither adjusted for nor a control.
    """
    named = [*settings.adjust, *([settings.negative_control] if settings.negative_control else [])]
    if settings.good in named:
        raise ConfigError(
            f"judge.moments adjusts for '{settings.good}', which also says whether a visit "
            "went well. Adjust for what was known before the visit."
        )
    good = settings.good or ""
    missing = [name for name in named if not journeys.has(name)]
    if good and not (good in BUILT_IN or _stands_for(journeys, good)):
        missing.insert(0, good)
    for name in missing:
        columns = [c for c in journeys.log.events.columns if not c.endswith("_us")]
        raise ConfigError(
            f"judge.moments names the column '{name}', which the log does not carry."
            f"{did_you_mean(name, [*columns, *BUILT_IN])} Declare it in roles.attributes."
        )
    if good == NO_TRANSFER and not journeys.has("actor"):
        raise ConfigError("judge.moments.good: no_transfer needs the role 'actor' in the log.")


def _stands_for(journeys: Journeys, name: str) -> str | None:
    """Return the column that `name` stands for, None where the log has none."""
    if journeys.has(name):
        return name
    scaled = f"{name}_micro"
    return scaled if name in _SCALED and journeys.has(scaled) else None


def _observed(journeys: Journeys, settings: MomentSettings) -> Codes | Floats:
    """Return the words or the numbers of events that their quality is read from."""
    events, name = journeys.events, str(settings.good)
    column = _stands_for(journeys, name)
    if column is None:
        return _no_transfer(events) if name == NO_TRANSFER else _waits(events)
    observed = events.column(column)
    if isinstance(observed, Codes):
        return observed
    if observed.dtype == np.int8:
        return Codes(observed, ("false", "true"))
    number = np.where(observed == MISSING, np.nan, observed)
    return number if column == name else number / MICRO


def _turn_before(events: Events, rows: Whole | slice = slice(None)) -> npt.NDArray[np.int32]:
    """Return the place of the turn before among `rows`, in the same conversation; −1 for none.

    A conversation is what the session column says within one journey; elsewhere the journey.
    """
    talk = events.journey
    if events.has("session"):
        session, still = events.column("session"), np.zeros(len(events), dtype=np.int64)
        limits = (len(session.words), 0)
        talk = number_sessions(events.journey, session.number, still, still, limits)
    return row_before(talk[rows], int(talk.max(initial=-1)) + 1)


def _no_transfer(events: Events) -> Codes:
    """Say of each turn of a bot or human whether no other hand takes over next."""
    actor = events.column("actor")
    turns = np.flatnonzero(actor.is_word("bot", "human"))
    before = _turn_before(events, turns)
    later, earlier = turns[before >= 0], turns[before[before >= 0]]
    other = actor.is_word("bot")[earlier]
    if events.has("resource"):
        own, next_own = (events.column("resource").held[rows] for rows in (earlier, later))
        other |= (own != next_own) & (own >= 0) & (next_own >= 0)
    keeps = np.full(len(events), -1, dtype=np.int8)
    keeps[turns] = 1
    keeps[earlier[other & actor.is_word("human")[later]]] = 0
    return Codes(keeps, ("false", "true"))


def _waits(events: Events) -> Floats:
    """Return the seconds of silence before each visit, since the turn before."""
    before = _turn_before(events)
    rows = np.flatnonzero(events.starts_visit & (before >= 0))
    waits = np.full(len(events), np.nan)
    waits[rows] = np.maximum(events.t_us[rows] - events.done_us[before[rows]], 0) / MICRO
    return waits


def _quality(observed: Codes | Floats, settings: MomentSettings) -> Qualities:
    """Judge events by their words, or by their numbers where the settings name a limit."""
    if not isinstance(observed, Codes):
        return _by_limits(observed, settings)
    words = np.array(observed.words, dtype=object)
    if settings.good_from is None and settings.good_to is None:
        meaning = dict.fromkeys(YES_WORDS, GOOD) | dict.fromkeys(NO_WORDS, BAD)
        of_word = np.array(
            [meaning.get(word.strip().lower(), UNKNOWN) for word in words], dtype=np.int8
        )
    else:
        number = pd.to_numeric(words, errors="coerce").astype(np.float64)
        of_word = _by_limits(number, settings)
    return np.append(of_word, np.int8(UNKNOWN))[observed.held]


def _by_limits(number: Floats, settings: MomentSettings) -> Qualities:
    # The less the better, where a limit up to which a visit went well is named.
    sign, limit = (1, settings.good_from) if settings.good_to is None else (-1, settings.good_to)
    if limit is None:
        return np.full(len(number), UNKNOWN, dtype=np.int8)
    bad_at = np.inf if settings.bad_at is None else sign * settings.bad_at
    states = [sign * number >= sign * limit, sign * number <= bad_at, ~np.isnan(number)]
    return np.select(states, [GOOD, BAD, NEITHER], UNKNOWN).astype(np.int8)


def _check_readable(journeys: Journeys, settings: MomentSettings) -> None:
    """Refuse a column that has values of which none says whether a visit went well."""
    column = _stands_for(journeys, str(settings.good))
    if column is not None and journeys.events.known(column).any():
        raise ConfigError(
            f"judge.moments.good: no value of '{settings.good}' says if a visit went well. Without "
            "good_from or good_to it must hold 1, true, yes or 0, false, no; for numbers say from "
            "where (good_from) or up to where (good_to) a visit went well."
        )
