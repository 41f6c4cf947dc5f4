"""Bounds of stories: their counts tell of no few journeys that went otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from journeylib.journeys.journeys import Journeys
from journeylib.journeys.representatives._description_length import Variant
from journeylib.journeys.representatives.representatives import Stories, Story
from journeylib.journeys.walk.variant_counts import Remainder, bounded_in_tens, protect_remainders


@dataclass(frozen=True)
class CopyCount:
    """How many journeys equal a variant, and what of it may be shown.

    Attributes
    ----------
    journeys : int
    least_journeys, least_customers : int
        0 where the variant is hidden.
    exact : bool
        They are shown as they are.
    """

    journeys: int
    least_journeys: int
    least_customers: int
    exact: bool


@dataclass(frozen=True)
class StoryBounds:
    """What may be shown of how many journeys a story tells.

    Attributes
    ----------
    journeys : int
        All of them, or a lower bound.
    most : int
        More than that it does not tell, as far as a share of them is concerned.
    exact : bool
    """

    journeys: int
    most: int
    exact: bool


def copies_of_variants(journeys: Journeys) -> dict[Variant, CopyCount]:
    """Return the copies of all variants that enough customers share."""
    shared, names = journeys.public[1], journeys.names
    exact, least = shared.shown.exact, shared.shown.least
    return {
        tuple(names[number] for number in way): CopyCount(
            int(shared.counts[row, 0]), int(least[row, 0]), int(least[row, 1]), bool(exact[row])
        )
        for row, way in enumerate(shared.ways)
    }


def copies_in_segments(
    journeys: Journeys, stories: Mapping[str, Stories], whole: Mapping[Variant, CopyCount]
) -> dict[str, dict[Variant, CopyCount]]:
    """Return the copies of each segment's stories.

    Known are the journeys of each segment, those of them that pass each touchpoint, and the copies
    of all segments where these are shown as they are.

    Parameters
    ----------
    journeys : Journeys
    stories : mapping of str to Stories
        By segment.
    whole : mapping of tuple to CopyCount
        The copies of all segments.
    """
    cells = [(name, story) for name, own in stories.items() for story in own.stories]
    if not cells:
        return {name: {} for name in stories}
    counts = np.array([(story.copies, story.customers) for _name, story in cells], dtype=np.int64)
    remainders = [*_within_segments(journeys, cells), *_of_all_segments(cells, whole)]
    minimum = max(journeys.settings.min_customers, 1)
    few = [
        replace(one, is_few=0 < one.journeys < minimum) for one in remainders if one.journeys >= 0
    ]
    shown = protect_remainders(counts, few, minimum)
    least = shown.least.copy()
    # Together they say no more of the copies in all segments than is said of these.
    for touchpoints in {story.touchpoints: None for _name, story in cells}:
        rows = [row for row, (_name, story) in enumerate(cells) if story.touchpoints == touchpoints]
        most = whole[touchpoints].least_journeys if touchpoints in whole else counts.sum()
        while least[rows, 0].sum() > most:
            largest = rows[int(least[rows, 0].argmax())]
            least[largest] = np.maximum(least[largest] - 1, 0) // minimum * minimum
    exact = shown.exact & (least == counts).all(axis=-1)
    copies: dict[str, dict[Variant, CopyCount]] = {name: {} for name in stories}
    for row, (name, story) in enumerate(cells):
        copies[name][story.touchpoints] = CopyCount(
            story.copies, int(least[row, 0]), int(least[row, 1]), bool(exact[row])
        )
    return copies


def _within_segments(journeys: Journeys, cells: Iterable[tuple[str, Story]]) -> Iterator[Remainder]:
    """Yield what stories leave of the journeys of segments, and of those at each touchpoint."""
    outline = journeys.outline
    spots: dict[object, int] = {name: number for number, name in journeys.names.items()}
    segment = outline.segment
    if segment is None:
        return
    events = outline.events
    first = np.flatnonzero(events.starts_visit & (events.visit == 1))
    many = len(spots)
    own = segment.number[events.journey[first]].astype(np.int64)
    passing = np.bincount(own[own >= 0] * many + events.touchpoint[first][own >= 0],
                          minlength=len(segment.words) * many)  # fmt: skip
    every = np.bincount(segment.number[segment.known], minlength=len(segment.words))
    rows: dict[tuple[str, int], list[int]] = {}
    copies = []
    for row, (name, story) in enumerate(cells):
        copies.append(story.copies)
        for spot in (-1, *sorted({spots[point] for point in story.touchpoints})):
            rows.setdefault((name, spot), []).append(row)
    for (name, spot), members in rows.items():
        number = segment.words.index(name)
        total = every[number] if spot < 0 else passing[number * many + spot]
        left = int(total) - sum(copies[row] for row in members)
        yield Remainder(tuple(members), left, False)


def _of_all_segments(
    cells: Iterable[tuple[str, Story]], whole: Mapping[Variant, CopyCount]
) -> Iterator[Remainder]:
    """Yield what the stories of segments leave of the copies in all segments."""
    rows: dict[Variant, list[tuple[int, int]]] = {}
    for row, (_name, story) in enumerate(cells):
        rows.setdefault(story.touchpoints, []).append((row, story.copies))
    for touchpoints, members in rows.items():
        copies = whole.get(touchpoints)
        if copies is not None and copies.exact:
            left = copies.journeys - sum(many for _row, many in members)
            yield Remainder(tuple(row for row, _many in members), left, False)


def bounds_of_story(journeys: int, near: Iterable[CopyCount], minimum: int) -> StoryBounds:
    """Return what may be shown of the journeys that a story tells.

    Parameters
    ----------
    journeys : int
        Those that equal it or are near to it.
    near : iterable of CopyCount
        Of these the variants of which copies are told, its own among them.
    minimum : int
        Fewest customers that are told of.
    """
    near = list(near)
    rest = journeys - sum(copies.journeys for copies in near)
    bounded = sum(not copies.exact for copies in near)
    if not bounded and not 0 < rest < minimum:
        return StoryBounds(journeys, journeys, True)
    least = sum(copies.least_journeys for copies in near) + rest // minimum * minimum
    # What the bounds leave open, and as much again: a share must not tell the number itself.
    step = 2 * minimum * (bounded + 1)
    most = least + step * max(-(-(journeys - least) // step), 1)
    return StoryBounds(least, most, False)


def bounded_story(story: Story, copies: CopyCount, bounds: StoryBounds, every: int) -> Story:
    """Return a story of which no more is said than may be shown."""
    if copies.exact and bounds.exact:
        return story
    return replace(
        story,
        copies=copies.least_journeys,
        customers=copies.least_customers,
        journeys=bounds.journeys,
        share=bounds.journeys / max(every, 1),
        at_least=True,
    )


def bounded_ends(ends: pd.DataFrame, bounds: StoryBounds, minimum: int) -> pd.DataFrame:
    """Return how the journeys of a story end, as lower bounds that do not add up to it.

    Parameters
    ----------
    ends : pandas.DataFrame
        `Timeline.outcomes`.
    bounds : StoryBounds
    minimum : int
        Fewest customers that are told of.
    """
    if bounds.exact:
        return ends
    journeys, people = (
        bounded_in_tens(ends[name].to_numpy(np.int64), minimum)
        for name in ("journeys", "customers")
    )
    while journeys.sum() > bounds.journeys:
        journeys[journeys.argmax()] -= minimum
    counts = {"journeys": journeys, "customers": np.minimum(people, journeys)}
    bounded = ends.assign(**counts, share=journeys / bounds.most, at_least=True)
    shown: pd.DataFrame = bounded[bounded["customers"] > 0].reset_index(drop=True)
    return shown


def lowered_coverage(stories: Stories, fewer: int, minimum: int) -> float:
    """Return the share of journeys near to a story; a lower bound where fewer of them are told."""
    if fewer == 0:
        return stories.coverage
    near = max(round(stories.coverage * stories.journeys) - fewer, 0)
    return near // minimum * minimum / max(stories.journeys, 1)
