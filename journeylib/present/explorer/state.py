"""Exploration: where somebody stands in a log: sliders, filters, the line of Python for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Self

from journeylib.audits import Audit
from journeylib.core import ConfigError, current_catalogue, did_you_mean, text
from journeylib.journeys import Journeys, call, simplify
from journeylib.measures import Transitions
from journeylib.present.explorer.choices import CHOICES, choice_words
from journeylib.present.explorer.map_data import (
    MOST,
    MapData,
    TouchpointFacts,
    facts_of_audit,
    map_data,
)
from journeylib.present.maps.simplified_map import MapFrame, map_frame

VERBS = ("passing", "not_passing", "passing_directly", *CHOICES)
# A first map of more touchpoints than this is read by nobody.
READABLE = 24
STEPS = 20  # of a slider
CALM = 60  # flows on a first map
# Shares of touchpoints that such a page holds: few, so that a notebook stays small.
STORED = (0.25, 0.5, 1.0)
# A log of more events takes seconds for each map: only the one that is shown is stored.
MANY_EVENTS = 300_000
MOST_MAPS = 40  # that are kept for whoever goes back
WIDGET = "present.explorer.widget."  # keys of the texts that the script writes
KEYS = ("touchpoints", "transitions", "filters")

Filter = tuple[str, tuple[str, ...]]


@dataclass(frozen=True)
class Exploration:
    """A position in a log. Every verb returns a new one.

    Attributes
    ----------
    start : Journeys
        What was given, before any filter set on the map.
    touchpoints, transitions : float
        The sliders: shares to show, as in `simplify`.
    filters : tuple of (verb, names)
        What was clicked, the first one first.
    facts : TouchpointFacts
        What an audit knows of the touchpoints.
    prefix : str
        What stands before ``journeys`` in the code: ``audit.`` where an audit was given.
    """

    start: Journeys
    touchpoints: float
    transitions: float
    filters: tuple[Filter, ...] = ()
    facts: TouchpointFacts = field(default_factory=TouchpointFacts, repr=False)
    prefix: str = ""

    def __post_init__(self) -> None:
        """Refuse a slider outside its range and a filter that is none of the map's."""
        if not 0 < self.touchpoints <= 1 or not 0 <= self.transitions <= 1:
            raise ConfigError(
                f"touchpoints={self.touchpoints}, transitions={self.transitions}: shares to show "
                "lie between 0 and 1, touchpoints above 0."
            )
        for verb, _names in self.filters:
            if verb not in VERBS:
                raise ConfigError(
                    f"the map has no filter '{verb}'.{did_you_mean(verb, VERBS)} "
                    f"Filters: {', '.join(VERBS)}."
                )

    @cached_property
    def journeys(self) -> Journeys:
        """The journeys that remain after the filters."""
        journeys = self.start
        for verb, names in self.filters:
            journeys = getattr(journeys, verb)(*names)
        return journeys

    @cached_property
    def map_data(self) -> MapData:
        """What the map shows: who goes back to it does not wait for it again."""
        shares = self.touchpoints, self.transitions
        position = self.filters, shares
        if position not in self.maps:
            frame = self.frame if self.filters else None
            self.maps[position] = map_data(
                self.transitions_of, *shares, facts=self.facts, frame=frame
            )
            for oldest in list(self.maps)[:-MOST_MAPS]:
                del self.maps[oldest]
        return self.maps[position]

    @cached_property
    def maps(self) -> dict[Any, MapData]:
        """The maps that were shown last, by filters and shares; one for all that follow."""
        return {}

    @cached_property
    def frame(self) -> MapFrame:
        """What the map shows before any filter: no filter moves a touchpoint."""
        schema = self.start.log.schema
        return map_frame(
            simplify(self.start, self.touchpoints, self.transitions, most=MOST),
            self.facts.overlay,
            stage_order=schema.stage_order,
            channel_order=schema.channel_order,
        )

    @cached_property
    def transitions_of(self) -> Transitions:
        """The transitions of the journeys that remain, with what is known of them so far.

        Of none where a map shown before differs by a few customers: its counts would tell of them.
        """
        journeys = self.journeys
        return Transitions(journeys if journeys.may_be_counted else journeys.nothing)

    def moved(self, touchpoints: float, transitions: float) -> Self:
        """Return the same journeys with the sliders elsewhere."""
        other = replace(self, touchpoints=touchpoints, transitions=transitions)
        # Filters are not carried out anew for a slider, nor transitions estimated.
        for name in ("journeys", "transitions_of", "maps"):
            other.__dict__[name] = getattr(self, name)
        return other

    def filtered(self, verb: str, names: Sequence[str]) -> Self:
        """Return what remains after one more filter; the same twice does nothing."""
        step = (verb, tuple(names))
        if step in self.filters:
            return self
        other = self._with((*self.filters, step))
        # The filters before it are not carried out anew.
        other.__dict__["journeys"] = getattr(self.journeys, verb)(*names)
        return other

    def chosen(self, verb: str, names: Sequence[str]) -> Self:
        """Return what remains with another option of a control; without names with none of it."""
        others = tuple(step for step in self.filters if step[0] != verb)
        return self._with((*others, (verb, tuple(names))) if names else others)

    def undone(self, count: int) -> Self:
        """Return the exploration with only the first `kept` filters."""
        return self._with(self.filters[:count])

    def _with(self, filters: tuple[Filter, ...]) -> Self:
        other = replace(self, filters=filters)
        other.__dict__["frame"], other.__dict__["maps"] = self.frame, self.maps
        return other

    @property
    def code(self) -> str:
        """The line of Python that gives the same journeys."""
        return self.prefix + self.journeys.code

    @property
    def state(self) -> dict[str, Any]:
        """Sliders and filters as a value that JSON can hold; `explore(..., state=...)` takes it."""
        return {
            "touchpoints": self.touchpoints,
            "transitions": self.transitions,
            "filters": [[verb, *names] for verb, names in self.filters],
        }

    def trail(self) -> dict[str, Any]:
        """Return the filters in words, what remains, and the code, for a browser."""
        every = self.start.remaining if self.start.narrowing else text("present.explorer.every")
        steps = [{"words": every, "code": self.prefix + self.start.code}]
        for verb, names in self.filters:
            listed = choice_words(verb, names) if verb in CHOICES else " → ".join(names)
            words = text(f"present.explorer.{verb}", names=listed)
            steps.append({"words": words, "code": call(verb, *names)})
        texts = current_catalogue().texts
        return {
            "steps": steps,
            "remaining": self.journeys.remaining,
            "code": self.code,
            "chosen": {verb: list(names) for verb, names in self.filters if verb in CHOICES},
            "words": {
                key.removeprefix(WIDGET): texts[key] for key in texts if key.startswith(WIDGET)
            },
        }

    def stored(self) -> list[dict[str, Any]]:
        """Return the scenes that a page without a kernel can move its sliders to."""
        calm = _share(self.start, CALM)
        places = {(self.touchpoints, self.transitions)}
        if self.start.touchpoints["events"].sum() <= MANY_EVENTS:
            places |= {(1.0, calm), (1.0, 1.0), *((points, calm) for points in STORED)}
        return [self.moved(*shares).shown() for shares in sorted(places)]

    def shown(self) -> dict[str, Any]:
        """Return the scene with where it stands, for a browser."""
        shares = {"touchpoints": self.touchpoints, "transitions": self.transitions}
        return shares | self.map_data.message()


def exploration(subject: Journeys | Audit, state: Mapping[str, Any] | None = None) -> Exploration:
    """Begin to explore journeys or an audit, where `state` says or at a readable map."""
    journeys = subject if isinstance(subject, Journeys) else subject.journeys
    facts = TouchpointFacts() if isinstance(subject, Journeys) else facts_of_audit(subject)
    given = dict(state or {})
    for key in given:
        if key not in KEYS:
            raise ConfigError(
                f"a state has no '{key}'.{did_you_mean(key, KEYS)} It has: {', '.join(KEYS)}."
            )
    count = max(int((journeys.touchpoints["events"] > 0).sum()), 1)
    return Exploration(
        journeys,
        touchpoints=float(given.get("touchpoints", 1.0 if count <= READABLE else 0.5)),
        transitions=float(given.get("transitions", _share(journeys, CALM))),
        filters=tuple((verb, tuple(names)) for verb, *names in given.get("filters", ())),
        facts=facts,
        prefix="" if isinstance(subject, Journeys) else "audit.",
    )


def _share(journeys: Journeys, flows: int) -> float:
    """Return the share of transitions, a step of the slider, that is about so many flows."""
    return min(flows * STEPS // max(len(journeys.public_edges), 1), STEPS) / STEPS
