"""Stories as they were lived: each step with its channel and wait, and how they ended."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd

from journeylib.core import SchemaError, named_parts, refuse_other, working
from journeylib.journeys.graph.ends import ENDS, KINDS, ends_by_touchpoint
from journeylib.journeys.journeys import Journeys
from journeylib.journeys.representatives._description_length import Variant
from journeylib.journeys.representatives.bounds import (
    CopyCount,
    bounded_ends,
    bounded_story,
    bounds_of_story,
    copies_in_segments,
    copies_of_variants,
    lowered_coverage,
)
from journeylib.journeys.representatives.representatives import Stories, Story, representatives
from journeylib.journeys.walk.counting import base_in_cells, count_units, number_pairs
from journeylib.journeys.walk.outline import END_KINDS, Outline, variant_texts, variant_ways
from journeylib.journeys.walk.tables import Words, median_seconds, most_frequent
from journeylib.log import Cells, Numbers, Whole, protect

ALL = ""


@dataclass(frozen=True)
class Timeline:
    """One story as a timeline.

    Attributes
    ----------
    segment : str
        Whose story it is; empty for all customers.
    story : Story
        Its touchpoints, copies and customers.
    steps : pandas.DataFrame
        One row per step, from journeys that equal the story: ``step`` (from 1), ``touchpoint``,
        ``channel`` (the most frequent, None without channels), ``seconds_to_next`` (median time
        from the start of this step to the start of the next; NaN at the last step and without
        a clock).
    journeys : int
        Journeys that it tells and that are near to it, within `Stories.within`.
    share : float
        `journeys` of all journeys (of the segment).
    outcomes : pandas.DataFrame
        How those journeys end: ``end`` (goal, bad_end, other, open), ``journeys``,
        ``customers``, ``share``, ``at_least`` (bool: these are lower bounds, as exact ones would
        give rare ends away); ends of too few customers are left out.
    """

    segment: str
    story: Story
    steps: pd.DataFrame
    journeys: int
    share: float
    outcomes: pd.DataFrame


@dataclass(frozen=True)
class StoryTimelines:
    """The stories of a log, of each segment where asked for.

    Attributes
    ----------
    timelines : tuple of Timeline
        By segment, then the most told first. Each is shared by at least the minimum number of
        customers, word for word.
    by_segment : dict of str to Stories
        By segment: how far the stories can be trusted, and what they leave out.
    min_customers : int
        The minimum that applied.
    """

    timelines: tuple[Timeline, ...]
    by_segment: dict[str, Stories]
    min_customers: int

    __repr__ = named_parts


@working("telling stories")
def stories(
    journeys: Journeys, *, by_segment: bool = False, most: int = 6, min_share: float = 0.02
) -> StoryTimelines:
    """Tell the few real journeys that the many others are variations of.

    Parameters
    ----------
    journeys : Journeys
    by_segment : bool
        Tell the stories of each segment of at least the minimum number of customers apart.
    most : int
        At most so many stories (of each segment).
    min_share : float
        A story has at least this share of the journeys as word-for-word copies.

    Returns
    -------
    StoryTimelines

    Raises
    ------
    SchemaError
        If `by_segment` is asked of a log without segments.

    Notes
    -----
    The stories are those of `representatives`. Where it cannot tell,
    no story is told; `StoryTimelines.by_segment` says why.
    """
    refuse_other(journeys, "Journeys")
    if by_segment and not journeys.has("segment"):
        raise SchemaError(
            "stories by segment need a column with the role 'segment'. Declare it in roles."
        )
    outline, minimum = journeys.outline, journeys.settings.min_customers
    parts: tuple[str, ...] = (ALL,)
    whose = np.zeros(len(outline), dtype=np.int32)
    if by_segment and outline.segment is not None:
        parts, whose = outline.segment.words, outline.segment.number
    kinds = _kinds(outline, whose)
    people = count_units(whose, outline.customer, len(parts))
    stories_of: dict[str, Stories] = {}
    variants: dict[str, list[Variant]] = {}
    storylines: list[_Storyline] = []
    for part in np.flatnonzero(people >= max(minimum, 1)):
        own, name = np.flatnonzero(kinds.whose == part), parts[part]
        variants[name] = _named(journeys, kinds.variant[own])
        stories_of[name] = representatives(
            variants[name],
            kinds.journeys[own].tolist(),
            customers=kinds.customers[own].tolist(),
            min_customers=minimum,
            min_share=min_share,
            most=most,
        )
        if stories_of[name].answer == "found":
            storylines += _storylines(name, stories_of[name], variants[name], own, kinds)
    lines = _timelines(journeys, kinds, storylines)
    return _with_bounds(journeys, StoryTimelines(tuple(lines), stories_of, minimum), variants)


@working("looking for examples")
def examples(journeys: Journeys, *, most: int = 6) -> StoryTimelines:
    """Show journeys as they were lived, of the kinds that most customers share.

    Parameters
    ----------
    journeys : Journeys
        Those a question was narrowed down to, say.
    most : int
        At most so many kinds.

    Returns
    -------
    StoryTimelines
        One timeline for each kind (the touchpoints, visit by visit) that at least the minimum
        number of customers lived word for word, the most frequent first; empty where there is
        none. `by_segment` is empty: nothing is claimed of the journeys that are not shown.
    """
    refuse_other(journeys, "Journeys")
    outline, minimum = journeys.outline, journeys.settings.min_customers
    kinds = _kinds(outline, np.zeros(len(outline), dtype=np.int32))
    large = np.flatnonzero(kinds.customers >= minimum)
    texts = variant_texts(outline, kinds.variant[large])
    ranked = sorted(zip((-kinds.journeys[large]).tolist(), texts, large.tolist(), strict=True))
    own = [kind for _many, _text, kind in ranked[:most]]
    storylines = []
    for kind, name in zip(own, _named(journeys, kinds.variant[own]), strict=True):
        many, customers = int(kinds.journeys[kind]), int(kinds.customers[kind])
        story = Story(name, many, customers, many, many / len(outline), (kind,))
        storylines.append(_Storyline(ALL, story, kind, np.array([kind]), many, len(outline)))
    return StoryTimelines(tuple(_timelines(journeys, kinds, storylines)), {}, minimum)


@dataclass(frozen=True)
class _Kinds:
    """The kinds of journeys, each the same touchpoints visit by visit, of each segment apart.

    Attributes
    ----------
    of_journey : ndarray of int32
        Number of the kind of each journey; −1 where it is in no segment.
    whose, variant, journeys, customers : ndarray of int64
        By kind: the number of its segment and of its variant, and how many there are.
    """

    of_journey: Numbers
    whose: Whole
    variant: Whole
    journeys: Whole
    customers: Whole


def _kinds(outline: Outline, whose: Numbers) -> _Kinds:
    """Count the kinds of journeys; `whose` is the number of the segment of each, −1 for none."""
    variant, example = outline.variants
    kind, keys = number_pairs(whose, variant, len(example))
    base = base_in_cells(kind, np.arange(len(outline)), outline.customer, len(keys))
    return _Kinds(kind, *np.divmod(keys, max(len(example), 1)), base.journeys, base.customers)


@dataclass(frozen=True)
class _Storyline:
    """A story that is put on a timeline.

    Attributes
    ----------
    segment : str
    story : Story
    own : int
        The kind of journeys that equal it.
    near : ndarray of int64
        The kinds it tells, within `Stories.within`: its own among them.
    journeys, every : int
        Those of the kinds it tells, and all (of the segment).
    """

    segment: str
    story: Story
    own: int
    near: Whole
    journeys: int
    every: int


def _named(journeys: Journeys, wanted: Whole) -> list[Variant]:
    name = journeys.names.__getitem__
    return [tuple(map(name, way)) for way in variant_ways(journeys.outline, wanted)]


def _storylines(
    segment: str, stories: Stories, variants: list[Variant], own: Whole, kinds: _Kinds
) -> list[_Storyline]:
    """Return the stories of a segment, of whose variants these are its `own` kinds of journeys."""
    storylines = []
    for story in stories.stories:
        # A far retelling helps to write the log down, but a reader would not call it this story.
        positions = _near(variants, story, stories.within)
        near = own[positions]
        same = next(kind for kind in positions if variants[kind] == story.touchpoints)
        many = int(kinds.journeys[near].sum())
        storylines.append(_Storyline(segment, story, int(own[same]), near, many, stories.journeys))
    return storylines


def _near(variants: list[Variant], story: Story, within: float) -> list[int]:
    """Return the positions of the variants that a story tells and that are near to it."""
    from rapidfuzz.distance import Levenshtein

    distance = Levenshtein.normalized_distance
    return [
        number
        for number in story.variants
        if distance(variants[number], story.touchpoints) <= within
    ]


def _timelines(journeys: Journeys, kinds: _Kinds, storylines: list[_Storyline]) -> list[Timeline]:
    """Put steps and the ends that may be shown to each story, the most told of a segment first."""
    order = sorted(storylines, key=lambda one: (one.segment, -one.journeys, one.story.touchpoints))
    steps = _steps(journeys, _line_of(kinds, [[one.own] for one in order]), order)
    counts = _ends(journeys.outline, _line_of(kinds, [one.near for one in order]), len(order))
    lines = []
    for one, own in zip(order, steps, strict=True):
        share = one.journeys / max(one.every, 1)
        lines.append(Timeline(one.segment, one.story, own, one.journeys, share, pd.DataFrame()))
    return _with_ends_shown(journeys, lines, counts)


def _line_of(kinds: _Kinds, own: Sequence[list[int] | Whole]) -> Whole:
    """Return for each journey which timeline has its kind among its `own`; −1: none."""
    line = np.full(len(kinds.variant) + 1, -1, dtype=np.int64)
    for number, members in enumerate(own):
        line[members] = number
    return np.asarray(line[kinds.of_journey])


def _steps(journeys: Journeys, line: Whole, storylines: list[_Storyline]) -> list[pd.DataFrame]:
    """Wait and channel of each visit of the journeys that equal a story; `line` says which."""
    outline, events = journeys.outline, journeys.events
    begins = np.cumsum([0, *(len(one.story.touchpoints) for one in storylines)])
    # From the number of a visit among all to its place in its story, of all stories one by one.
    shift = begins[line] - outline.visits[1][:-1] - 1
    spot = np.cumsum(events.starts_visit) + shift[events.journey]
    cell = np.where(line[events.journey] >= 0, spot, -1).astype(np.int32)
    cells = int(begins[-1])
    words = Words.of(events.column("channel"), cell, cells) if journeys.has("channel") else None
    seconds = np.full(cells, np.nan)
    if journeys.has_clock:
        seconds = median_seconds(events, np.where(events.ends_visit, cell, -1), cells)
    every = pd.DataFrame(
        {
            "step": np.arange(cells) - np.repeat(begins[:-1], np.diff(begins)) + 1,
            "touchpoint": [name for one in storylines for name in one.story.touchpoints],
            "channel": most_frequent(words, cells),
            "seconds_to_next": seconds,
        }
    ).astype({"channel": "str" if journeys.has("channel") else "object", "touchpoint": "str"})
    return [
        every.iloc[first:until].reset_index(drop=True)
        for first, until in itertools.pairwise(begins)
    ]


def _ends(outline: Outline, line: Whole, lines: int) -> Whole:
    """Count journeys and customers by timeline and how they end, in the order of `END_KINDS`."""
    cell = np.where(line >= 0, line * KINDS + outline.end_kind, -1)
    base = base_in_cells(cell, np.arange(len(outline)), outline.customer, lines * KINDS)
    return np.stack([base.journeys, base.customers], axis=-1).reshape(lines, KINDS, 2)


def _with_ends_shown(journeys: Journeys, lines: list[Timeline], counts: Whole) -> list[Timeline]:
    """Show how the journeys of each story end (`counts`), so that no total tells of a few.

    The ends of a story add up to its journeys. Those of a journey with one visit are told beside:
    no more can end so than of all that came by the touchpoint, and over all segments they add up
    to what the story of all customers says.
    """
    outline, minimum = journeys.outline, max(journeys.settings.min_customers, 1)
    passing, alone = (ends_by_touchpoint(outline, alone=one) for one in (False, True))
    spot: dict[Hashable, int] = {name: number for number, name in journeys.names.items()}
    # Of one visit, and word for word: the touchpoint.
    single = np.array(
        [
            spot[line.story.touchpoints[0]]
            if len(line.story.touchpoints) == 1 and line.journeys == line.story.copies
            else -1
            for line in lines
        ],
        dtype=np.int64,
    )
    divided = np.array([line.segment != ALL for line in lines], dtype=bool) & (single >= 0)
    others = np.unique(single[divided])  # with those of segments that tell no such story
    rest = alone[others].copy()
    np.subtract.at(rest, np.searchsorted(others, single[divided]), counts[divided])
    spots, kind = np.concatenate([np.where(divided, single, -1), others]), np.arange(KINDS)
    is_total = (spots >= 0)[:, None] & (alone[spots][..., 1] >= minimum)
    most = np.full((len(spots), KINDS, 2), len(outline))
    large = (single >= 0)[:, None] & (passing[single][..., 1] >= minimum)
    most[: len(lines)][large] = passing[single][large]
    cells = Cells(
        np.concatenate([counts, rest]).reshape(-1, 2),
        (
            np.arange(len(spots)).repeat(KINDS),
            np.where(is_total, spots[:, None] * KINDS + kind, -1).ravel(),
        ),
        named=(np.arange(len(spots)) < len(lines)).repeat(KINDS),
        most=most.reshape(-1, 2),
    )
    shown = protect(cells, minimum, bounds=True)
    least, bound = shown.least.reshape(-1, KINDS, 2), shown.at_least.reshape(-1, KINDS)
    order = [END_KINDS.index(end) for end in ENDS]
    with_ends = []
    for number, line in enumerate(lines):
        mine = [one for one in order if least[number, one, 0] > 0]
        outcomes = pd.DataFrame(
            {
                "end": [END_KINDS[one] for one in mine],
                "journeys": least[number, mine, 0],
                "customers": least[number, mine, 1],
                "share": least[number, mine, 0] / max(line.journeys, 1),
                "at_least": bound[number, mine],
            }
        )
        with_ends.append(replace(line, outcomes=outcomes))
    return with_ends


def _with_bounds(
    journeys: Journeys, every: StoryTimelines, variants: Mapping[str, list[Variant]]
) -> StoryTimelines:
    """Show lower bounds where the counts of stories would tell of a few that went otherwise.

    A story is left out where not even a bound of its copies may be shown.
    """
    minimum, whole = max(every.min_customers, 1), copies_of_variants(journeys)
    parts = {whose: own for whose, own in every.by_segment.items() if whose != ALL}
    copies = copies_in_segments(journeys, parts, whole) | {ALL: whole}
    lines: list[Timeline] = []
    by_segment: dict[str, Stories] = {}
    for whose, stories in every.by_segment.items():
        near = partial(_near_copies, variants[whose], copies[whose])
        by_segment[whose], changes = _bounded_candidates(stories, near, minimum)
        mine = [line for line in every.timelines if line.segment == whose]
        if mine:
            bounded = [_bounded_line(line, stories, near, minimum) for line in mine]
            changes = sum(line.journeys for line in mine) - sum(line.journeys for line in bounded)
            lines += [line for line in bounded if line.story.copies]
        coverage = lowered_coverage(stories, changes, minimum)
        by_segment[whose] = replace(by_segment[whose], coverage=coverage)
    return replace(every, timelines=tuple(lines), by_segment=by_segment)


Near = Callable[[Story, float], list[CopyCount]]


def _bounded_candidates(stories: Stories, near: Near, minimum: int) -> tuple[Stories, int]:
    """Return what may be shown of stories without timelines, and how many journeys fewer."""
    bounded, fewer = [], 0
    for story in stories.stories:
        own = near(story, 1.0)
        bounds = bounds_of_story(story.journeys, own, minimum)
        fewer += story.journeys - bounds.journeys
        bounded.append(bounded_story(story, own[0], bounds, stories.journeys))
    shown = tuple(story for story in bounded if story.copies)
    withheld = stories.withheld + len(bounded) - len(shown)
    return replace(stories, stories=shown, withheld=withheld), fewer


def _bounded_line(line: Timeline, stories: Stories, near: Near, minimum: int) -> Timeline:
    """Return what may be shown of a timeline."""
    own = near(line.story, stories.within)
    bounds = bounds_of_story(line.journeys, own, minimum)
    return replace(
        line,
        story=bounded_story(line.story, own[0], bounds, stories.journeys),
        journeys=bounds.journeys,
        share=bounds.journeys / max(stories.journeys, 1),
        outcomes=bounded_ends(line.outcomes, bounds, minimum),
    )


def _near_copies(
    variants: list[Variant], copies: Mapping[Variant, CopyCount], story: Story, within: float
) -> list[CopyCount]:
    """Return the copies that are told of the variants which follow a story, its own first."""
    ways = [variants[number] for number in _near(variants, story, within)]
    near = [copies[way] for way in ways if way in copies and way != story.touchpoints]
    return [copies[story.touchpoints], *near]
