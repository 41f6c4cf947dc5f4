"""Filters: the verbs that narrow journeys down, by way, time, customer, bots and humans."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, Self, cast
from zoneinfo import ZoneInfo

import ibis
from ibis import _

from journeylib.core import ConfigError, SchemaError, did_you_mean
from journeylib.journeys.filters.history import Narrowed, call, journeys_of
from journeylib.journeys.graph.transitions import END, START
from journeylib.log import asks_for_human, fetch

if TYPE_CHECKING:
    from journeylib.journeys.journeys import Journeys

US_PER_DAY = 86_400_000_000
# In a pattern: any number of touchpoints, none included; and exactly one.
MANY, ONE = "*", "?"
ENDS = ("goal", "bad_end", "other", "open")
Day = str | date | datetime


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
        return self._selected(
            _all(_way(self, [name]) for name in touchpoints),
            f"passing through {_listed(touchpoints, 'and')}",
            call("passing", *touchpoints),
        )

    def not_passing(self, *touchpoints: str) -> Self:
        """Keep the journeys that pass through none of `touchpoints`."""
        _some(touchpoints, "not_passing")
        return self._selected(
            _all(~_way(self, [name]) for name in touchpoints),
            f"not passing through {_listed(touchpoints, 'or')}",
            call("not_passing", *touchpoints),
        )

    def passing_in_order(self, *touchpoints: str) -> Self:
        """Keep the journeys that come to `touchpoints` one after the other, sooner or later."""
        _some(touchpoints, "passing_in_order", fewest=2)
        way = [part for name in touchpoints for part in (MANY, name)]
        return self._selected(
            _way(self, way[1:], wild={*range(1, len(way) - 1, 2)}),
            f"passing through {_listed(touchpoints, 'and later')}",
            call("passing_in_order", *touchpoints),
        )

    def passing_directly(self, *touchpoints: str) -> Self:
        """Keep the journeys that go from one of `touchpoints` directly to the next.

        ``"(start)"`` may stand first and ``"(end)"`` last, as in the rows of `transitions`.
        """
        _some(touchpoints, "passing_directly", fewest=2)
        return self._selected(
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
        wild = {place for place, part in enumerate(parts) if part in (MANY, ONE)}
        return self._selected(
            _way(self, parts, wild=wild),
            f"with the pattern {' > '.join(parts)}",
            call("matching", pattern if isinstance(pattern, str) else list(pattern)),
        )

    def starting_with(self, *touchpoints: str) -> Self:
        """Keep the journeys whose first touchpoint is one of `touchpoints`."""
        _some(touchpoints, "starting_with")
        return self._selected(
            _any(_way(self, [START, name]) for name in touchpoints),
            f"starting with {_listed(touchpoints, 'or')}",
            call("starting_with", *touchpoints),
        )

    def ending_with(self, *touchpoints: str) -> Self:
        """Keep the journeys whose last touchpoint so far is one of `touchpoints`."""
        _some(touchpoints, "ending_with")
        return self._selected(
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
        here = (_.touchpoint_no == _number(self, touchpoint)) & (_.visit == 1)
        place = self.steps.filter(here).group_by("journey").aggregate(_cut=_.step.max())
        part = self.steps.inner_join(place, "journey").filter(_.step <= _["_cut"])
        last = _.step == _["_cut"]
        beyond = [c for c in part.columns if c.startswith(("next_", "wait_"))]
        part = part.mutate(
            **{c: last.ifelse(ibis.null(part[c].type()), part[c]) for c in beyond},
        )
        return self._parts(
            part.drop("_cut"), f"up to '{touchpoint}', that included", call("until", touchpoint)
        )

    def since(self, touchpoint: str) -> Self:
        """Keep of each journey the part from its first visit of `touchpoint` on, that included.

        Journeys that never come there are left out. How a journey ended, whether it was cut off
        and its segment are still those of the whole journey.
        """
        here = (_.touchpoint_no == _number(self, touchpoint)) & (_.visit == 1)
        place = self.steps.filter(here).group_by("journey").aggregate(_cut=_.step.min())
        part = self.steps.inner_join(place, "journey").filter(_.step >= _["_cut"])
        # Steps and visits are counted anew from here, as they are in whole journeys.
        part = part.mutate(step=_.step - _["_cut"] + 1, visit_step=_.visit_step - _["_cut"] + 1)
        return self._parts(
            part.drop("_cut"), f"from '{touchpoint}' on, that included", call("since", touchpoint)
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
        first, last : str, date or datetime, optional
            Such as ``"2026-01-31"``; a day counts to its end. In the log's declared time zone.
        by : {"start", "end", "whole"}
            Journeys that begin in the period; whose last event so far lies in it; or both.

        Notes
        -----
        What is counted per week stays per week of the whole log.
        """
        _clock(self)
        zone = ZoneInfo(journeys_of(self).log.schema.timezone)
        low, high = _instant(first, zone), _instant(last, zone, end=True)
        if low is None and high is None:
            raise ConfigError("between: give a first day, a last day, or both.")
        if low is not None and high is not None and low >= high:
            raise ConfigError(f"between: {first} comes after {last}. Give the earlier one first.")
        if by not in ("start", "end", "whole"):
            raise ConfigError(f"between: by={by!r} is none of 'start', 'end', 'whole'.")
        parts = []
        for column in {"start": ["start_us"], "end": ["end_us"]}.get(by, ["start_us", "end_us"]):
            parts += [self.table[column] >= low] if low is not None else []
            parts += [self.table[column] < high] if high is not None else []
        what = {"start": "beginning", "end": "last heard of", "whole": "lying"}[by]
        when = " ".join(word for word in (first and f"from {first}", last and f"to {last}") if word)
        given = {} if by == "start" else {"by": by}
        days = [None if day is None else str(day) for day in (first, last)]
        code = call("between", *(days if last is not None else days[:1]), **given)
        return self._selected(_all(parts), f"{what} {when}", code)

    def in_segment(self, *segments: str) -> Self:
        """Keep the journeys of customers in any of `segments`."""
        _some(segments, "in_segment")
        _known(self.table, "segment", segments, _has(self, "segment", "segment"))
        words = f"in the segment {_listed(segments, 'or')}"
        return self._selected(_.segment.isin(segments), words, call("in_segment", *segments))

    def using_channel(self, *channels: str) -> Self:
        """Keep the journeys with at least one event in any of `channels`."""
        _some(channels, "using_channel")
        steps = _has(self, "channel", "channel").steps
        _known(steps, "channel", channels, journeys_of(self))
        return self._with(
            steps.filter(_.channel.isin(channels)),
            f"using the channel {_listed(channels, 'or')}",
            call("using_channel", *channels),
        )

    def with_end(self, *kinds: Literal["goal", "bad_end", "other", "open"]) -> Self:
        """Keep the journeys that reached a goal, a bad end, another end, or are still open."""
        _some(kinds, "with_end")
        for kind in kinds:
            if kind not in ENDS:
                raise ConfigError(
                    f"there is no end '{kind}'.{did_you_mean(kind, ENDS)} Ends: {', '.join(ENDS)}."
                )
        words = {
            "goal": "a goal",
            "bad_end": "a bad end",
            "other": "another end",
            "open": "being open",
        }
        return self._selected(
            _.end_kind.isin(kinds),
            f"ending in {' or '.join(words[kind] for kind in kinds)}",
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
        outcomes = journeys_of(self).log.outcomes
        if outcomes is None:
            raise SchemaError("the log has no outcomes. Declare them when it is read.")
        _known(outcomes, "kind", kinds, journeys_of(self), called="outcome")
        found = outcomes.filter(
            _.kind.isin(kinds) & _.t_us.notnull() & (_.value_micro.fill_null(1) != 0)
        )
        whose = found.inner_join(customer_numbers(journeys_of(self).log.events), "customer")
        met = self.table.inner_join(whose.select("customer_no", came_us=_.t_us), "customer_no")
        met = met.filter(_.came_us >= _.start_us)
        words = f"with the outcome {_listed(kinds, 'or')}"
        if within_days is not None:
            met = met.filter(_.came_us <= _.end_us + round(within_days * US_PER_DAY))
            words += f" within {within_days:g} days of their last event"
        return self._with(met, words, call("with_outcome", *kinds, within_days=within_days))

    def lasting(
        self, *, at_least_days: float | None = None, at_most_days: float | None = None
    ) -> Self:
        """Keep the journeys that take so long from their first event to their last so far."""
        _clock(self)
        long = _.end_us - _.start_us
        low, high = (
            None if days is None else round(days * US_PER_DAY)
            for days in (at_least_days, at_most_days)
        )
        return self._selected(
            _within(long, low, high, "lasting"),
            f"lasting {_range(at_least_days, at_most_days)} days",
            call("lasting", at_least_days=at_least_days, at_most_days=at_most_days),
        )

    def with_visits(self, *, at_least: int | None = None, at_most: int | None = None) -> Self:
        """Keep the journeys with so many contacts, counted as visits of touchpoints."""
        visits = _.variant.length() - _.variant.replace(",", "").length() + 1
        return self._selected(
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
        serving = _has(self, "actor", "actor").steps.filter(_.actor.isin(["bot", "human"]))
        journey = ibis.window(group_by="journey", order_by="step")
        came = serving.mutate(
            _from=_.actor.lag().over(journey),
            _by=_.resource.lag().over(journey)
            if "resource" in serving.columns
            else ibis.null("string"),
        )
        changed = _["_from"] != _.actor
        if "resource" in serving.columns:
            changed |= (_["_from"] == "human") & (_.actor == "human") & (_["_by"] != _.resource)
        wanted = changed.fill_null(False)
        if source is not None:
            wanted &= _["_from"] == source
        if target is not None:
            wanted &= _.actor == target
        hands = "".join(
            f" {word} {hand}" for word, hand in (("from", source), ("to", target)) if hand
        )
        given = {"source": source, "target": target}
        return self._with(
            came.filter(wanted), f"with a hand-off{hands}", call("with_handoff", **given)
        )

    def with_request_for_human(self, *further_words: str) -> Self:
        """Keep the journeys in which the customer asks for a human.

        Parameters
        ----------
        *further_words : str
            The company's own words for it, or touchpoints that stand for it
            (`MeasureSettings.human_request_words`).
        """
        steps = _has(self, "actor", "actor").steps
        said: Any = steps.touchpoint.isin(further_words)
        if "text" in steps.columns:
            said |= asks_for_human(steps.text, further_words)
        elif not further_words:
            _has(self, "text", "text")
        # `cases` spares the engine the regular expressions on everybody else's texts.
        asks = ibis.cases((steps.actor == "customer", said), else_=False)
        return self._with(
            steps.filter(asks),
            "with a request for a human",
            call("with_request_for_human", *further_words),
        )


def _number(journeys: Narrowed, touchpoint: str) -> int:
    """Return the number of a touchpoint of the whole log."""
    known = journeys.whole._numbers
    if touchpoint not in known:
        raise ConfigError(
            f"there is no touchpoint '{touchpoint}' in the log.{did_you_mean(touchpoint, known)}"
        )
    return known[touchpoint]


def _way(journeys: Narrowed, parts: Sequence[str], *, wild: Iterable[int] = ()) -> Any:
    """Whether the visits of a journey go this way, without others between.

    The numbers of the touchpoints, each with a comma behind it, are matched by one regular
    expression; `wild` are the places that hold a wildcard.
    """
    text, ends, wild = ",", {0: START, len(parts) - 1: END}, set(wild)
    for place, part in enumerate(parts):
        if place in wild:
            text += r"(?:\d+,)*" if part == MANY else r"\d+,"
        elif part in (START, END) and part not in journeys.whole._numbers:
            if len(parts) == 1 or ends.get(place) != part:
                raise ConfigError(f"'{START}' may stand first and '{END}' last, before others.")
            text = f"^{text}" if part == START else f"{text}$"
        else:
            text += f"{_number(journeys, part)},"
    return ("," + journeys.table.variant + ",").re_search(text)


def _some(names: Sequence[str], verb: str, *, fewest: int = 1) -> None:
    if len(names) < fewest or not all(isinstance(name, str) and name for name in names):
        raise ConfigError(f"{verb}: give at least {fewest} name{'s' * (fewest > 1)}, as text.")


def _has(verbs: Narrowed, column: str, role: str) -> Journeys:
    journeys = journeys_of(verbs)
    if not journeys.has(column):
        raise SchemaError(f"the log has no column with the role '{role}'. Declare it in roles.")
    return journeys


def _clock(verbs: Narrowed) -> None:
    if not journeys_of(verbs).has_clock:
        raise SchemaError("the log has no clock. Declare a column with the role 'timestamp'.")


def _known(
    rows: ibis.Table, column: str, names: Sequence[str], journeys: Journeys, *, called: str = ""
) -> None:
    """Refuse a name that the whole log does not have, with the nearest that it has."""
    whole = journeys.whole
    rows = whole.table if rows is journeys.table else whole.steps if column == "channel" else rows
    known = fetch(rows.filter(rows[column].notnull()).select(column).distinct())[column]
    for name in names:
        if name not in set(known):
            raise ConfigError(
                f"there is no {called or column} '{name}' in the log.{did_you_mean(name, known)}"
            )


def _instant(day: Day | None, zone: ZoneInfo, *, end: bool = False) -> int | None:
    """Return microseconds since 1970 UTC: of an instant, or of the begin or end of a day."""
    if day is None:
        return None
    whole_day = not isinstance(day, datetime)
    if isinstance(day, str):
        try:
            moment = datetime.fromisoformat(day)
        except ValueError:
            raise ConfigError(f"'{day}' is no date. Write it as 2026-01-31.") from None
        whole_day = len(day) <= len("2026-01-31")
    else:
        moment = datetime.combine(day, datetime.min.time()) if whole_day else cast("datetime", day)
    if end:
        moment += timedelta(days=1) if whole_day else timedelta(microseconds=1)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _within(value: Any, low: float | None, high: float | None, verb: str) -> Any:
    if low is None and high is None:
        raise ConfigError(f"{verb}: give at least one of its two limits.")
    if low is not None and high is not None and low > high:
        raise ConfigError(f"{verb}: the lower limit is above the upper one.")
    limits = [value >= low] if low is not None else []
    return _all([*limits, *([value <= high] if high is not None else [])])


def _all(conditions: Iterable[Any]) -> Any:
    return ibis.and_(*conditions)


def _any(conditions: Iterable[Any]) -> Any:
    return ibis.or_(*conditions)


def _range(low: float | None, high: float | None) -> str:
    words = [f"at least {low:g}"] if low is not None else []
    return " and ".join([*words, *([f"at most {high:g}"] if high is not None else [])])


def _listed(names: Sequence[str], joint: str) -> str:
    return f" {joint} ".join(f"'{name}'" for name in names)
