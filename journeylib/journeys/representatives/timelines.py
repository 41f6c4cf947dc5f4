"""Stories as they were lived: each step with its channel and wait, and how they ended."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, replace
from functools import partial

import ibis
import numpy as np
import pandas as pd
from ibis import _

from journeylib.core import SchemaError, working
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
from journeylib.journeys.walk.outline import END_KINDS
from journeylib.log import Cells, fetch, protect, suppress

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
    if by_segment and not journeys.has("segment"):
        raise SchemaError(
            "stories by segment need a column with the role 'segment'. Declare it in roles."
        )
    minimum = journeys.settings.min_customers
    table = journeys.table.mutate(whose=_.segment if by_segment else ibis.literal(ALL))
    table = table.filter(_.whose.notnull())
    counts = fetch(
        table.group_by("whose", "variant").aggregate(
            journeys=_.count(), customers=_.customer_no.nunique()
        )
    ).sort_values(["whose", "journeys", "variant"], ascending=[True, False, True])
    people = fetch(table.group_by("whose").aggregate(customers=_.customer_no.nunique()))
    large = people.loc[people["customers"] >= minimum, "whose"]
    stories_of: dict[str, Stories] = {}
    timelines: list[Timeline] = []
    own: dict[str, list[str]] = {}
    for whose in sorted(large):
        part = counts[counts["whose"] == whose]
        codes = own[whose] = part["variant"].tolist()
        stories_of[whose] = representatives(
            _named(journeys, codes),
            part["journeys"].tolist(),
            customers=part["customers"].tolist(),
            min_customers=minimum,
            min_share=min_share,
            most=most,
        )
        if stories_of[whose].answer == "found":
            timelines += _lived(
                journeys, table.filter(_.whose == whose), whose, stories_of[whose], codes
            )
    lines = _with_ends_shown(journeys, timelines)
    variants = {whose: _named(journeys, codes) for whose, codes in own.items()}
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
    minimum = journeys.settings.min_customers
    table = journeys.table
    counts = fetch(
        table.group_by("variant").aggregate(journeys=_.count(), customers=_.customer_no.nunique())
    ).sort_values(["journeys", "variant"], ascending=[False, True])
    every = int(counts["journeys"].sum())
    kinds, _hidden = suppress(counts, minimum)
    kinds = kinds.head(most)
    own = kinds["variant"].tolist()
    lived = [
        Story(name, int(n), int(customers), int(n), n / every, (position,))
        for position, (name, n, customers) in enumerate(
            zip(_named(journeys, own), kinds["journeys"], kinds["customers"], strict=True)
        )
    ]
    if not lived:
        return StoryTimelines((), {}, minimum)
    story_of = {code: number for number, code in enumerate(own)}
    stories = dict(zip(own, lived, strict=True))
    lines = _timelines(journeys, table, ALL, stories, story_of, every)
    return StoryTimelines(tuple(_with_ends_shown(journeys, lines)), {}, minimum)


def _named(journeys: Journeys, codes: list[str]) -> list[Variant]:
    touchpoints = journeys.whole.touchpoints
    names = dict(
        zip(touchpoints["touchpoint_no"].astype(str), touchpoints["touchpoint"], strict=True)
    )
    return [tuple(map(names.__getitem__, code.split(","))) for code in codes]


def _lived(
    journeys: Journeys, table: ibis.Table, whose: str, representative: Stories, codes: list[str]
) -> list[Timeline]:
    from rapidfuzz.distance import Levenshtein

    names = _named(journeys, codes)
    own = [codes[names.index(story.touchpoints)] for story in representative.stories]
    # A far retelling helps to write the log down, but a reader would not call it this story.
    story_of = {
        codes[variant]: number
        for number, story in enumerate(representative.stories)
        for variant in story.variants
        if Levenshtein.normalized_distance(names[variant], story.touchpoints)
        <= representative.within
    }
    stories = dict(zip(own, representative.stories, strict=True))
    return _timelines(journeys, table, whose, stories, story_of, representative.journeys)


def _timelines(
    journeys: Journeys,
    table: ibis.Table,
    whose: str,
    stories: dict[str, Story],
    story_of: dict[str, int],
    every: int,
) -> list[Timeline]:
    """Put steps and all ends to each story.

    `stories` has the code of each story's own variant, `told` that of every variant which
    follows a story, with the story's number.
    """
    steps = _steps(journeys, table, list(stories))
    ends = _ends(table, story_of)
    timelines = []
    for number, (code, story) in enumerate(stories.items()):
        outcomes = ends[ends["story"] == number].drop(columns="story").reset_index(drop=True)
        count = int(outcomes["journeys"].sum())
        lines = steps[steps["variant"] == code].drop(columns="variant").reset_index(drop=True)
        lines.insert(1, "touchpoint", list(story.touchpoints))
        share = count / max(every, 1)
        timelines.append(Timeline(whose, story, lines, count, share, outcomes))
    return sorted(timelines, key=lambda line: (-line.journeys, line.story.touchpoints))


def _with_ends_shown(journeys: Journeys, lines: list[Timeline]) -> list[Timeline]:
    """Show how the journeys of each story end, so that no total tells of a few.

    The ends of a story add up to its journeys. Those of a journey with one visit are told beside:
    no more can end so than of all that came by the touchpoint, and over all segments they add up
    to what the story of all customers says.
    """
    outline, minimum = journeys.outline, max(journeys.settings.min_customers, 1)
    passing, alone = (ends_by_touchpoint(outline, alone=one) for one in (False, True))
    spot: dict[Hashable, int] = {name: number for number, name in journeys.names.items()}
    counts = np.zeros((len(lines), len(END_KINDS), 2), dtype=np.int64)
    for number, line in enumerate(lines):
        kind = pd.Index(END_KINDS).get_indexer(pd.Index(line.outcomes["end"]))
        counts[number, kind] = line.outcomes[["journeys", "customers"]].to_numpy(np.int64)
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
        near = partial(_near, variants[whose], copies[whose])
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


def _near(
    variants: list[Variant], copies: Mapping[Variant, CopyCount], story: Story, within: float
) -> list[CopyCount]:
    """Return the copies that are told of the variants which follow a story, its own first."""
    from rapidfuzz.distance import Levenshtein

    ways = [variants[number] for number in story.variants]
    near = [
        copies[way]
        for way in ways
        if way in copies
        and way != story.touchpoints
        and Levenshtein.normalized_distance(way, story.touchpoints) <= within
    ]
    return [copies[story.touchpoints], *near]


def _steps(journeys: Journeys, table: ibis.Table, own: list[str]) -> pd.DataFrame:
    """Wait and channel of each visit of the journeys that equal a story."""
    exact = table.filter(_.variant.isin(own)).select("journey", "variant")
    so_far = ibis.window(group_by="journey", order_by="step", preceding=(None, 0))
    numbered = journeys.steps.join(exact, "journey").mutate(
        place=_.starts_visit.cast("int64").sum().over(so_far)
    )
    keys = ["variant", "place"]
    last = numbered.filter(_.ends_visit)
    if journeys.has_clock:
        waits = last.group_by(keys).aggregate(seconds=(_.next_us - _.visit_us).median() / 1e6)
    else:
        waits = last.select(*keys).distinct().mutate(seconds=ibis.null("float64"))
    lines = fetch(waits).sort_values(keys, ignore_index=True)
    if journeys.has("channel"):
        counted = fetch(
            numbered.filter(_.channel.notnull()).group_by([*keys, "channel"]).aggregate(n=_.count())
        ).sort_values([*keys, "n", "channel"], ascending=[True, True, False, True])
        lines = lines.merge(counted.drop_duplicates(keys)[[*keys, "channel"]], "left", keys)
    else:
        lines["channel"] = None
    lines = lines.rename(columns={"place": "step", "seconds": "seconds_to_next"})
    lines["seconds_to_next"] = lines["seconds_to_next"].astype("float64")
    return lines[["variant", "step", "channel", "seconds_to_next"]]


def _ends(table: ibis.Table, story_of: dict[str, int]) -> pd.DataFrame:
    tellers = ibis.memtable(
        pd.DataFrame({"variant": list(story_of), "story": list(story_of.values())}).astype(
            {"variant": "str", "story": "int64"}
        )
    )
    counts = fetch(
        table.join(tellers, "variant")
        .group_by("story", end=_.end_kind)
        .aggregate(journeys=_.count(), customers=_.customer_no.nunique())
    )
    order = {"goal": 0, "bad_end": 1, "other": 2, "open": 3}
    return counts.sort_values(
        ["story", "end"], key=lambda column: column.map(order) if column.name == "end" else column
    )
