"""Filters: the verbs that narrow journeys down, by way, time, customer, bots and humans."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from numbers import Real
from typing import Any, Literal, Self, cast
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
from ibis import _

from journeylib.core import US_PER_DAY, ConfigError, SchemaError, refuse_unknown
from journeylib.journeys.filters.narrowing import Narrowed, call
from journeylib.journeys.walk.counting import happens_between
from journeylib.journeys.walk.events import Events
from journeylib.journeys.walk.outline import END_KINDS
from journeylib.journeys.walk.tables import END, START
from journeylib.journeys.walk.variant_counts import END_NUMBER
from journeylib.log import Codes, asks_for_human, compiled, fetch

# In a pattern: any number of touchpoints, none included; and exactly one.
MANY, ONE = "*", "?"
ANY_MANY, ANY_ONE = -3, -4  # beside the numbers of touchpoints
ENDS = ("goal", "bad_end", "other", "open")
Flags = npt.NDArray[np.bool_]
Steps = npt.NDArray[np.int64]
Day = str | date | datetime
_NO_SUCH = "there is no {of} '{name}' in the log.{near}"


class Verbs(Narrowed):
    """The verbs of `Journeys`: each returns new journeys and changes nothing.

    Verbs that keep whole journeys may be applied in any order and more than once; `until` and
    `since` keep a part of each journey, and what is asked after them is asked of that part.
    Touchpoints count by visit, as in `transitions`.
    """

    # --- which way they went ----------------------------------------------------------------

    def passing(self, *touchpoints: str) -> Self:
        """Keep the journeys that pass through every one of `touchpoints`."""
        _some(touchpoints, "passing")
        return self._keep(
            _all(_way(self, [name]) for name in touchpoints),
            f"passing through {_listed(touchpoints, 'and')}",
            call("passing", *touchpoints),
        )

    def not_passing(self, *touchpoints: str) -> Self:
        """Keep the journeys that pass through none of `touchpoints`."""
        _some(touchpoints, "not_passing")
        return self._keep(
            _all(~_way(self, [name]) for name in touchpoints),
            f"not passing through {_listed(touchpoints, 'or')}",
            call("not_passing", *touchpoints),
        )

    def passing_in_order(self, *touchpoints: str) -> Self:
        """Keep the journeys that come to `touchpoints` one after the other, sooner or later."""
        _some(touchpoints, "passing_in_order", fewest=2)
        way = [part for name in touchpoints for part in (MANY, name)]
        return self._keep(
            _way(self, way[1:], wild={*range(1, len(way) - 1, 2)}),
            f"passing through {_listed(touchpoints, 'and later')}",
            call("passing_in_order", *touchpoints),
        )

    def passing_directly(self, *touchpoints: str) -> Self:
        """Keep the journeys that go from one of `touchpoints` directly to the next.

        ``"(start)"`` may stand first and ``"(end)"`` last, as in the rows of `transitions`.
        """
        _some(touchpoints, "passing_directly", fewest=2)
        return self._keep(
            _way(self, touchpoints),
            f"going from {_listed(touchpoints, 'directly to')}",
            call("passing_directly", *touchpoints),
        )

    def matching(self, pattern: str | Sequence[str]) -> Self:
        """Keep the journeys in which `pattern` occurs.

        Parameters
        ----------
        pattern : str or sequence of str
            Touchpoints in order, such as ``"Chat > * > Call"``: ``*`` stands for any number of
            touchpoints, none included, ``?`` for exactly one; ``(start)`` and ``(end)`` bind the
            pattern to an end of the journey. A sequence where a name holds ``>``.
        """
        parts = pattern.split(">") if isinstance(pattern, str) else list(pattern)
        parts = [part.strip() for part in parts]
        _some(parts, "matching")
        wild = {index for index, part in enumerate(parts) if part in (MANY, ONE)}
        return self._keep(
            _way(self, parts, wild=wild),
            f"with the pattern {' > '.join(parts)}",
            call("matching", pattern if isinstance(pattern, str) else list(pattern)),
        )

    def starting_with(self, *touchpoints: str) -> Self:
        """Keep the journeys whose first touchpoint is one of `touchpoints`."""
        _some(touchpoints, "starting_with")
        return self._keep(
            _any(_way(self, [START, name]) for name in touchpoints),
            f"starting with {_listed(touchpoints, 'or')}",
            call("starting_with", *touchpoints),
        )

    def ending_with(self, *touchpoints: str) -> Self:
        """Keep the journeys whose last touchpoint so far is one of `touchpoints`."""
        _some(touchpoints, "ending_with")
        return self._keep(
            _any(_way(self, [name, END]) for name in touchpoints),
            f"ending with {_listed(touchpoints, 'or')}",
            call("ending_with", *touchpoints),
        )

    # --- parts of journeys ------------------------------------------------------------------

    def until(self, touchpoint: str) -> Self:
        """Keep of each journey the part up to its first visit of `touchpoint`, that included.

        Journeys that never come there are left out. How a journey ended, whether it was cut off
        and its segment are still those of the whole journey.
        """
        _first, last = _first_visit(self, touchpoint)
        events = self.events
        return self._keep_part(
            events.step <= last[events.journey],
            f"up to '{touchpoint}', that included",
            call("until", touchpoint),
        )

    def since(self, touchpoint: str) -> Self:
        """Keep of each journey the part from its first visit of `touchpoint` on, that included.

        Journeys that never come there are left out. How a journey ended, whether it was cut off
        and its segment are still those of the whole journey.
        """
        first, last = _first_visit(self, touchpoint)
        events = self.events
        return self._keep_part(
            (last[events.journey] > 0) & (events.step >= first[events.journey]),
            f"from '{touchpoint}' on, that included",
            call("since", touchpoint),
        )

    # --- who, when, how long ----------------------------------------------------------------

    def between(
        self,
        first: Day | None = None,
        last: Day | None = None,
        *,
        by: Literal["start", "end", "whole"] = "start",
    ) -> Self:
        """Keep the journeys of a period.

        Parameters
        ----------
        first, last : str or date, optional
            Such as ``"2026-01-31"``; the last one counts to its end. In the log's declared time
            zone. Whole days alone: finer limits would find the instant of one journey.
        by : {"start", "end", "whole"}
            Journeys that begin in the period; whose last event so far lies in it; or both.

        Notes
        -----
        What is counted per week stays per week of the whole log.
        """
        _clock(self)
        zone = ZoneInfo(self.log.schema.timezone)
        low, high = _instant(first, zone), _instant(last, zone, end=True)
        if low is None and high is None:
            raise ConfigError("between: give a first day, a last day, or both.")
        if low is not None and high is not None and low >= high:
            raise ConfigError(f"between: {first} comes after {last}. Give the earlier one first.")
        if by not in ("start", "end", "whole"):
            raise ConfigError(f"between: by={by!r} is none of 'start', 'end', 'whole'.")
        parts = []
        for column in {"start": ["start_us"], "end": ["end_us"]}.get(by, ["start_us", "end_us"]):
            instant = getattr(self.outline, column)
            parts += [instant >= low] if low is not None else []
            parts += [instant < high] if high is not None else []
        what = {"start": "beginning", "end": "last heard of", "whole": "lying"}[by]
        days = [f"{day:%Y-%m-%d}" if isinstance(day, date) else day for day in (first, last)]
        when = " ".join(
            f"{word} {day}" for word, day in zip(("from", "to"), days, strict=True) if day
        )
        given = {} if by == "start" else {"by": by}
        code = call("between", *(days if last is not None else days[:1]), **given)
        return self._keep(_all(parts), f"{what} {when}", code)

    def in_segment(self, *segments: str) -> Self:
        """Keep the journeys of customers in any of `segments`."""
        _some(segments, "in_segment")
        _has(self, "segment", "segment")
        named = cast("Codes", self.outline.segment)
        refuse_unknown(segments, named.words, _NO_SUCH, of="segment")
        words = f"in the segment {_listed(segments, 'or')}"
        return self._keep(named.is_word(*segments), words, call("in_segment", *segments))

    def of_type(self, *types: str) -> Self:
        """Keep the journeys with at least one contact of any of `types`.

        Contacts that the model of the audit is unsure of are of no type.
        """
        _some(types, "of_type")
        keys_by_type = self.keys_of_type
        if not keys_by_type:
            raise ConfigError(
                "of_type: the types of contacts are not known. Label some, and declare "
                "service_types in the configuration; docs/service-types.md says how."
            )
        refuse_unknown(types, keys_by_type, "there is no type '{name}'.{near} Types: {known}.")
        return self._keep(
            _any(np.isin(self.outline.key, keys_by_type[name]) for name in types),
            f"with a contact that is {_listed(types, 'or')}",
            call("of_type", *types),
        )

    def using_channel(self, *channels: str) -> Self:
        """Keep the journeys with at least one event in any of `channels`."""
        _some(channels, "using_channel")
        channel = _has(self, "channel", "channel").events.column("channel")
        refuse_unknown(channels, channel.words, _NO_SUCH, of="channel")
        return self._keep(
            self._with_event(channel.is_word(*channels)),
            f"using the channel {_listed(channels, 'or')}",
            call("using_channel", *channels),
        )

    def with_end(self, *kinds: Literal["goal", "bad_end", "other", "open"]) -> Self:
        """Keep the journeys that reached a goal, a bad end, another end, or are still open."""
        _some(kinds, "with_end")
        refuse_unknown(kinds, ENDS, "there is no end '{name}'.{near} Ends: {known}.")
        words = {
            "goal": "ending in a goal",
            "bad_end": "ending in a bad end",
            "other": "ending in neither a goal nor a bad end",
            "open": "still open",
        }
        return self._keep(
            np.isin(self.outline.end_kind, [END_KINDS.index(kind) for kind in kinds]),
            " or ".join(words[kind] for kind in kinds),
            call("with_end", *kinds),
        )

    def with_outcome(self, *kinds: str, within_days: float | None = None) -> Self:
        """Keep the journeys of customers with an outcome after the journey began.

        Parameters
        ----------
        *kinds : str
            Any of these kinds of the log's outcomes; an outcome of the value 0 is none.
        within_days : float, optional
            Only outcomes up to so many days after the journey's last event.
        """
        from journeylib.log import customer_numbers

        _some(kinds, "with_outcome")
        _clock(self)
        outcomes = self.log.outcomes
        if outcomes is None:
            raise SchemaError("the log has no outcomes. Declare them when it is read.")
        names = fetch(outcomes.filter(_.kind.notnull()).select("kind").distinct())["kind"]
        refuse_unknown(kinds, list(names), _NO_SUCH, of="outcome")
        reached = outcomes.filter(
            _.kind.isin(kinds) & _.t_us.notnull() & (_.value_micro.fill_null(1) != 0)
        )
        whose = reached.inner_join(customer_numbers(self.log.events), "customer")
        rows = fetch(whose.select("customer_no", "t_us").distinct())
        words = f"with the outcome {_listed(kinds, 'or')}"
        end_us = np.full(len(self.outline), np.iinfo(np.int64).max)
        _numbers("with_outcome", within_days)
        if within_days is not None:
            end_us = self.outline.end_us + round(within_days * US_PER_DAY)
            words += f" within {within_days:g} days of their last event"
        came_to, at_us = (rows[column].to_numpy(np.int64) for column in ("customer_no", "t_us"))
        own = self.outline
        met = happens_between(own.customer, own.start_us, end_us, came_to, at_us)
        return self._keep(met, words, call("with_outcome", *kinds, within_days=within_days))

    def lasting(
        self, *, at_least_days: float | None = None, at_most_days: float | None = None
    ) -> Self:
        """Keep the journeys that take so long from their first event to their last so far."""
        _clock(self)
        _numbers("lasting", at_least_days, at_most_days)
        long = self.outline.end_us - self.outline.start_us
        low, high = (
            None if days is None else round(days * US_PER_DAY)
            for days in (at_least_days, at_most_days)
        )
        return self._keep(
            _within(long, low, high, "lasting"),
            f"lasting {_range(at_least_days, at_most_days)} days",
            call("lasting", at_least_days=at_least_days, at_most_days=at_most_days),
        )

    def with_visits(self, *, at_least: int | None = None, at_most: int | None = None) -> Self:
        """Keep the journeys with so many contacts, counted as visits of touchpoints."""
        _numbers("with_visits", at_least, at_most)
        visits = np.diff(self.outline.visits[1])
        return self._keep(
            _within(visits, at_least, at_most, "with_visits"),
            f"with {_range(at_least, at_most)} visits",
            call("with_visits", at_least=at_least, at_most=at_most),
        )

    # --- bots and humans --------------------------------------------------------------------

    def with_handoff(
        self,
        source: Literal["bot", "human"] | None = None,
        target: Literal["bot", "human"] | None = None,
    ) -> Self:
        """Keep the journeys in which bot and human change hands, or one human hands to another.

        Parameters
        ----------
        source, target : {"bot", "human"}, optional
            Only hand-offs from, and to, this hand. What customers and systems do between is left
            out; from human to human is a change of `resource`.
        """
        for hand in (source, target):
            if hand not in (None, "bot", "human"):
                raise ConfigError(f"with_handoff: '{hand}' is none of 'bot' and 'human'.")
        journeys = _has(self, "actor", "actor")
        actor = journeys.events.column("actor")
        serving = journeys.events.only(actor.is_word("bot", "human"))
        hand = serving.column("actor")
        bot, human = hand.is_word("bot"), hand.is_word("human")
        after_bot, after_human = serving.next_of(bot, False), serving.next_of(human, False)
        wanted = ~serving.is_last & (bot != after_bot)
        if source is not None:
            wanted &= bot if source == "bot" else human
        if target is not None:
            wanted &= after_bot if target == "bot" else after_human
        keys = serving.key[wanted]
        if journeys.has("resource") and "bot" not in (source, target):
            keys = np.append(keys, _passed_between_humans(serving, bot))
        stays = np.isin(self.outline.key, keys)
        ends = "".join(
            f" {word} {hand}" for word, hand in (("from", source), ("to", target)) if hand
        )
        given = {"source": source, "target": target}
        return self._keep(stays, f"with a hand-off{ends}", call("with_handoff", **given))

    def with_request_for_human(self, *further_words: str) -> Self:
        """Keep the journeys in which the customer asks for a human.

        Parameters
        ----------
        *further_words : str
            The company's own words for it, or touchpoints that stand for it
            (`MeasureSettings.human_request_words`).
        """
        journeys = _has(self, "actor", "actor")
        if not further_words:
            _has(self, "text", "text")
        events = self.events
        asks = np.isin(events.touchpoint, [self.whole._numbers.get(w, -1) for w in further_words])
        if journeys.has("text"):
            wanted = asks_for_human(_.text, further_words)
            asks |= events.mark(f"asks for a human {further_words}", wanted)
        speaks = events.column("actor").is_word("customer")
        speaks |= journeys.log.schema.text_by == "customer"
        return self._keep(
            self._with_event(asks & speaks),
            "with a request for a human",
            call("with_request_for_human", *further_words),
        )


def _first_visit(journeys: Narrowed, touchpoint: str) -> tuple[Steps, Steps]:
    """Return the first and the last step of each journey's first visit of a touchpoint.

    Where it never comes there they are beyond the last step, and 0.
    """
    events = journeys.events
    here = (events.touchpoint == _number(journeys, touchpoint)) & (events.visit == 1)
    rows = np.flatnonzero(here)
    last = np.zeros(len(journeys.outline), dtype=np.int64)
    last[events.journey[rows]] = events.step[rows]
    first = journeys.outline.steps + 1
    first[events.journey[rows[::-1]]] = events.step[rows[::-1]]
    return first, last


def _number(journeys: Narrowed, touchpoint: str) -> int:
    """Return the number of a touchpoint of the whole log."""
    numbers = journeys.whole._numbers
    refuse_unknown([touchpoint], numbers, _NO_SUCH, of="touchpoint")
    return numbers[touchpoint]


def _way(journeys: Narrowed, parts: Sequence[str], *, wild: Iterable[int] = ()) -> Flags:
    """Mark the journeys whose visits go this way, without others between.

    `wild` are the places that hold a wildcard.
    """
    ends, wild, way = {0: START, len(parts) - 1: END}, set(wild), [ANY_MANY]
    for index, part in enumerate(parts):
        if index in wild:
            way.append(ANY_MANY if part == MANY else ANY_ONE)
        elif part in (START, END) and part not in journeys.whole._numbers:
            if len(parts) == 1 or ends.get(index) != part:
                raise ConfigError(f"'{START}' may stand first and '{END}' last, before others.")
            way = [] if part == START else [*way, END_NUMBER]
        else:
            way.append(_number(journeys, part))
    way = way[:-1] if way[-1:] == [END_NUMBER] else [*way, ANY_MANY]
    return go_this_way(*journeys.outline.visits, np.array(way, dtype=np.int64))


@compiled
def go_this_way(visits: Steps, begins: Steps, way: Steps) -> Flags:
    """Mark the journeys whose visits, from the first to the last, are those of a way.

    Parameters
    ----------
    visits, begins : ndarray of int
        Touchpoints of all visits, and where those of each journey begin; `Outline.visits`.
    way : ndarray of int64
        Touchpoints; `ANY_ONE` stands for any of them, `ANY_MANY` for any number of any.
    """
    goes = np.zeros(len(begins) - 1, dtype=np.bool_)
    for journey in range(len(goes)):
        at, step = begins[journey], 0
        wildcard, resume = -1, at  # the last `ANY_MANY`, and what it stands for at least
        while at < begins[journey + 1]:
            if step < len(way) and way[step] == ANY_MANY:
                wildcard, resume, step = step, at, step + 1
                if step == len(way):
                    at = begins[journey + 1]
            elif step < len(way) and (way[step] == visits[at] or way[step] == ANY_ONE):
                at, step = at + 1, step + 1
            elif wildcard >= 0:
                resume += 1
                at, step = resume, wildcard + 1
            else:
                break
        while step < len(way) and way[step] == ANY_MANY:
            step += 1
        goes[journey] = at == begins[journey + 1] and step == len(way)
    return goes


def _some(names: Sequence[str], verb: str, *, fewest: int = 1) -> None:
    if not all(isinstance(name, str) for name in names):
        raise ConfigError(f'{verb}: give names one by one, as text, as in {verb}("A", "B").')
    if len(names) < fewest or not all(names):
        raise ConfigError(f"{verb}: give at least {fewest} name{'s' * (fewest > 1)}, as text.")


def _has(journeys: Narrowed, column: str, role: str) -> Narrowed:
    if not journeys.has(column):
        raise SchemaError(f"the log has no column with the role '{role}'. Declare it in roles.")
    return journeys


def _clock(journeys: Narrowed) -> None:
    if not journeys.has_clock:
        raise SchemaError("the log has no clock. Declare a column with the role 'timestamp'.")


def _instant(day: Day | None, zone: ZoneInfo, *, end: bool = False) -> int | None:
    """Return microseconds since 1970 UTC: of the begin or the end of a day."""
    if day is None:
        return None
    if isinstance(day, str):
        try:
            moment = datetime.fromisoformat(day)
        except ValueError:
            raise ConfigError(f"'{day}' is no date. Write it as 2026-01-31.") from None
    else:
        moment = datetime.combine(day, getattr(day, "time", time)())
    if moment.time() != time() or moment.tzinfo is not None:
        raise ConfigError("between: give whole days, such as 2026-01-31, and no time of day.")
    if end:
        moment += timedelta(days=1)
    moment = moment.replace(tzinfo=zone)
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _numbers(verb: str, *limits: object) -> None:
    if any(not (limit is None or isinstance(limit, Real)) for limit in limits):
        raise ConfigError(f"{verb}: a limit is a number, such as 3, and no text.")


def _within(value: Any, low: float | None, high: float | None, verb: str) -> Any:
    if low is None and high is None:
        raise ConfigError(f"{verb}: give at least one of its two limits.")
    if low is not None and high is not None and low > high:
        raise ConfigError(f"{verb}: the lower limit is above the upper one.")
    limits = [value >= low] if low is not None else []
    return _all([*limits, *([value <= high] if high is not None else [])])


def _all(conditions: Iterable[Flags]) -> Flags:
    return np.asarray(np.logical_and.reduce(list(conditions)))


def _any(conditions: Iterable[Flags]) -> Flags:
    return np.asarray(np.logical_or.reduce(list(conditions)))


def _range(low: float | None, high: float | None) -> str:
    words = [f"at least {low:g}"] if low is not None else []
    return " and ".join([*words, *([f"at most {high:g}"] if high is not None else [])])


def _listed(names: Sequence[str], joint: str) -> str:
    return f" {joint} ".join(f"'{name}'" for name in names)


def _passed_between_humans(serving: Events, bot: Any) -> Any:
    """Return the keys of the journeys in which one known human follows another.

    Humans of unknown `resource` between the two are left out: they hide no change.
    """
    named = serving.only(bot | (serving.column("resource").number >= 0))
    human, by = named.column("actor").is_word("human"), named.column("resource").number
    then = named.next_of(by, -1)
    passed = human & named.next_of(human, False) & (by != then) & ~named.is_last
    return named.key[passed]
