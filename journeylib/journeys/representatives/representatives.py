"""Stories: the few real journeys that the many others are variations of.

Every journey is taken to be a retelling of some story: word for word, or with touchpoints
left out, put in or exchanged, or it belongs to no story at all. A variant is a story of its
own when writing it down once shortens the description of the whole log: when its copies, and
what looks like variations of it, are too many to be slips of the stories already known.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from journeylib.core import percent, text
from journeylib.journeys.representatives._description_length import Texts, Variant, choose

MIN_JOURNEYS = 10
# From here on every code point is a letter that nothing else uses.
FIRST_LETTER = 0xE000
MIN_COPIES = 2
MAX_NOISE = 0.7
MAX_UNNOTICED = 1 / 3
# Share of true stories, expected to be missing, from which nothing is told.
MAX_MISSING = 0.1
# A journey farther than this from its story is not covered by it.
WITHIN = 1 / 3


@dataclass(frozen=True)
class Story:
    """One journey that others are variations of.

    Attributes
    ----------
    touchpoints : tuple
        The story itself; a variant that occurs in the log.
    copies : int
        Journeys that equal it.
    customers : int
        Customers that have lived exactly it.
    journeys : int
        Journeys that it tells: equal to it, or a variation of it nearer than of any other.
    share : float
        `journeys` as a share of all journeys of the log.
    variants : tuple of int
        Positions, in the given sequence, of the variants it tells, its own among them.
    at_least : bool
        Copies, customers, journeys and share are lower bounds: exact ones would tell of the few
        journeys that went otherwise (`journeys.representatives.timelines`).
    """

    touchpoints: Variant
    copies: int
    customers: int
    journeys: int
    share: float
    variants: tuple[int, ...]
    at_least: bool = False


@dataclass(frozen=True)
class Stories:
    """The stories of a log, the most told first, and how far they can be trusted.

    Attributes
    ----------
    stories : tuple of Story
        Shown stories. Where the answer is ``cannot tell`` these are candidates at best.
    answer : {"found", "cannot tell"}
    reason : str
        Why it cannot tell; empty where stories were found.
    journeys : int
        All journeys of the log.
    coverage : float
        Share of journeys within `within` of some shown story.
    within : float
        Levenshtein distance divided by the length of the longer of the two.
    noise : float
        Share of journeys that equal no story, shown or not.
    missing : float
        Share of true stories that are expected to be missing.
    smallest_share : float
        A story that fewer journeys than this share follow would not have been noticed.
    withheld : int
        Stories not shown because too few customers lived them.
    folded : int
        Stories not shown because there are more than `most`.
    """

    stories: tuple[Story, ...]
    answer: Literal["found", "cannot tell"]
    reason: str
    journeys: int
    coverage: float
    within: float
    noise: float
    missing: float
    smallest_share: float
    withheld: int
    folded: int


def representatives(
    variants: Sequence[Variant],
    counts: Sequence[int] | None = None,
    *,
    customers: Sequence[int] | None = None,
    min_customers: int = 10,
    min_share: float = 0.02,
    most: int = 12,
) -> Stories:
    """Find the stories of a log.

    Parameters
    ----------
    variants : sequence of tuple
        Journeys, or variants: touchpoints in order. Equal ones are added up.
    counts : sequence of int, optional
        Journeys of each variant; 1 each where absent.
    customers : sequence of int, optional
        Distinct customers of each variant; of equal variants the largest number counts.
    min_customers : int
        A story is shown only if at least so many customers lived exactly it. Above 1 it needs
        `customers`: journeys may all be of one person.
    min_share : float
        A story has at least this share of all journeys as word-for-word copies (and two):
        in a large log rarer ones are real, but represent little.
    most : int
        Show at most so many stories.

    Returns
    -------
    Stories

    Raises
    ------
    ValueError
        If the sequences differ in length, a count is not positive, a variant is empty, or
        `min_customers` is above 1 and `customers` is absent.

    Notes
    -----
    Two-part minimum description length. A story costs its touchpoints, written with an
    alphabet of K, and half a logarithm of the number of journeys for its share. A journey
    costs which story it retells and, unless word for word, how many edits and which (put in,
    left out, exchanged, two neighbours swapped; all places and touchpoints alike); or it is
    written out in full. Variants that recur are tried from the most to the least frequent and
    kept where they shorten the whole; then every story is tried for removal. How many
    retellings slip, how often and in which way is estimated in turn with the stories. Last, a
    story is removed where slips of the others may well have made its copies: a Poisson test,
    with a probability of .05 of taking any slip for a story. Nothing is random, and names of
    touchpoints and order of rows do not matter.

    The answer is ``cannot tell`` with fewer than ten journeys, without any variant that
    recurs, where more than 70 % of the journeys equal no story, where a story that a third of
    the journeys follow might have gone unnoticed, or where more than 10 % of the true stories
    are expected to be missing, by the copies found and the journeys that follow no story.

    Examples
    --------
    >>> variants = [("ad", "shop", "buy"), ("ad", "ask", "leave"), ("ad", "buy")]
    >>> found = representatives(variants, [60, 40, 1], customers=[50, 30, 1])
    >>> [(story.touchpoints, story.journeys) for story in found.stories]
    [(('ad', 'shop', 'buy'), 61), (('ad', 'ask', 'leave'), 40)]
    """
    if customers is None and min_customers > 1:
        raise ValueError(
            f"min_customers is {min_customers}, but nothing says how many customers lived each "
            "variant: give customers, or min_customers=1 where no person is behind a journey"
        )
    log = _gather(variants, counts, customers)
    journeys = int(log.counts.sum())
    copies = max(MIN_COPIES, math.ceil(min_share * journeys))
    chosen, code = choose(log, copies)
    tellers = code.tellers(chosen)
    exact = int(log.counts[chosen].sum())
    noise = 1 - exact / journeys if journeys else 1.0
    smallest = min(1.0, copies / max(exact, 1))
    alone = int(log.counts[tellers == len(chosen)].sum())
    missing = _expected_missing(log.counts[chosen], journeys, alone, copies)
    reason = _doubt(journeys, noise, missing, smallest)
    all_stories = [_story(log, tellers, number, chosen) for number in range(len(chosen))]
    # A stable sort: ties stay in the order of the candidates, which no row or name decides.
    all_stories.sort(key=lambda story: (-story.journeys, -story.copies))
    public = [story for story in all_stories if story.customers >= min_customers]
    shown = tuple(public[:most])
    return Stories(
        shown,
        "cannot tell" if reason else "found",
        reason,
        journeys,
        _coverage(log, shown, WITHIN),
        WITHIN,
        noise,
        missing,
        smallest,
        len(all_stories) - len(public),
        len(public) - len(shown),
    )


def _doubt(journeys: int, noise: float, missing: float, smallest: float) -> str:
    """Return why the stories are not to be believed, or an empty string."""
    if journeys < MIN_JOURNEYS:
        return text("journeys.no_stories.few_journeys", n=journeys, needed=MIN_JOURNEYS)
    if noise == 1:
        return text("journeys.no_stories.chance")
    if noise > MAX_NOISE:
        return text("journeys.no_stories.noise", noise=percent(noise, 0))
    if smallest > MAX_UNNOTICED:
        return text("journeys.no_stories.unnoticed", share=percent(smallest, 0))
    if missing > MAX_MISSING:
        return text("journeys.no_stories.missing")
    return ""


def _expected_missing(
    copies_of: npt.NDArray[np.int64], journeys: int, alone: int, copies: int
) -> float:
    """Return the share of true stories that may be missing, by the copies of each found one.

    A story seen c times would not recur with the probability of a Poisson count of mean c: so
    many like it are missing. The journeys `alone` may be slips of stories too rare to recur: of
    so many journeys as a story needs `copies`, each word for word as often as journeys of the
    stories are.
    """
    from scipy.special import pdtr

    if not len(copies_of):
        return 1.0
    word_for_word = float(copies_of.sum()) / (journeys - alone)
    missing = float(pdtr(MIN_COPIES - 1, copies_of.astype(np.float64)).sum())
    missing += alone / copies * float(pdtr(MIN_COPIES - 1, copies * word_for_word))
    return missing / (len(copies_of) + missing)


def _gather(
    variants: Sequence[Variant], counts: Sequence[int] | None, customers: Sequence[int] | None
) -> Texts:
    """Add up equal variants and put them in an order that owes nothing to rows or names."""
    journeys = [1] * len(variants) if counts is None else list(counts)
    people = [1] * len(variants) if customers is None else list(customers)
    if not len(variants) == len(journeys) == len(people):
        raise ValueError(
            f"{len(variants)} variants, {len(journeys)} counts and {len(people)} customers: "
            "give one count and one number of customers per variant"
        )
    if any(count < 1 for count in [*journeys, *people]):
        raise ValueError("counts and customers must be positive: leave unseen variants out")
    if not all(variants):
        raise ValueError("a variant has no touchpoints: leave empty journeys out")
    places: dict[Variant, list[int]] = {}
    for number, variant in enumerate(variants):
        places.setdefault(tuple(variant), []).append(number)
    totals = {name: sum(journeys[p] for p in where) for name, where in places.items()}
    frequency: dict[Hashable, int] = defaultdict(int)
    for name, total in totals.items():
        for touchpoint in name:
            frequency[touchpoint] += total

    rarity = {touchpoint: -many for touchpoint, many in frequency.items()}

    def rank(name: Variant) -> tuple[object, ...]:
        # Ties are broken by form and by how common its touchpoints are; names come last.
        form = tuple(map(name.index, name))
        common = tuple(map(rarity.__getitem__, name))
        return (-totals[name], len(name), form, common, tuple(map(str, name)))

    names = tuple(sorted(places, key=rank))
    letters = {touchpoint: chr(FIRST_LETTER + n) for n, touchpoint in enumerate(frequency)}
    return Texts(
        names,
        tuple("".join(map(letters.__getitem__, name)) for name in names),
        np.array([totals[name] for name in names], dtype=np.int64),
        np.array([max(people[p] for p in places[name]) for name in names], dtype=np.int64),
        tuple(tuple(places[name]) for name in names),
        max(len(frequency), 2),
    )


def _story(log: Texts, tellers: npt.NDArray[np.int64], number: int, chosen: Sequence[int]) -> Story:
    own_variants = np.flatnonzero(tellers == number)
    own = chosen[number]
    journeys = int(log.counts[own_variants].sum())
    return Story(
        log.names[own],
        int(log.counts[own]),
        int(log.customers[own]),
        journeys,
        journeys / int(log.counts.sum()),
        tuple(sorted(number for variant in own_variants for number in log.places[variant])),
    )


def _coverage(log: Texts, shown: Sequence[Story], within: float) -> float:
    """Return the share of journeys within a distance of some shown story."""
    from rapidfuzz.distance import Levenshtein
    from rapidfuzz.process import cdist

    if not shown:
        return 0.0
    own = [log.texts[log.names.index(story.touchpoints)] for story in shown]
    apart = cdist(own, log.texts, scorer=Levenshtein.normalized_distance, dtype=np.float64)
    near = apart.min(axis=0) <= within + 1e-9
    return int(log.counts[near].sum()) / int(log.counts.sum())
