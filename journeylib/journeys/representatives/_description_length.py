"""What it takes to write a log down as retellings of a few stories.

A two-part code: the stories first, then each journey as one of them, word for word or with
slips, or in full. The stories that make the whole shortest are the stories of the log.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Variant = tuple[Hashable, ...]

MAX_ROUNDS = 20
KINDS = ("put in", "left out", "exchanged", "moved")
# People slip alike more often than places and touchpoints drawn at random: a slip may be
# exp(1.5), four and a half times, as common as that before it counts as a story.
TOLERANCE = 1.5
# Probability of taking any slip of a log for a story.
FALSE_STORIES = 0.05


@dataclass(frozen=True)
class Texts:
    """Distinct variants as strings of one letter per touchpoint, most frequent first.

    Attributes
    ----------
    names : tuple of tuple
        The variants themselves.
    texts : tuple of str
        The same, as strings: Levenshtein's distance is fastest on those.
    counts, customers : ndarray of int64
        Journeys and distinct customers of each.
    places : tuple of tuple of int
        Where each stood in what was given.
    touchpoints : int
        Distinct touchpoints, at least 2.
    """

    names: tuple[Variant, ...]
    texts: tuple[str, ...]
    counts: npt.NDArray[np.int64]
    customers: npt.NDArray[np.int64]
    places: tuple[tuple[int, ...], ...]
    touchpoints: int


@dataclass(frozen=True)
class Code:
    """Lengths, in nats, of everything that may be written about a log.

    Attributes
    ----------
    told : ndarray, shape (candidates, variants)
        A variant as a retelling of a candidate, without naming the candidate.
    alone : ndarray, shape (variants,)
        A variant written out in full.
    story : ndarray, shape (candidates,)
        A candidate written down as a story.
    counts : ndarray, shape (variants,)
    """

    told: Floats
    alone: Floats
    story: Floats
    counts: Floats

    def length(self, chosen: Sequence[int]) -> float:
        """Return the length of the whole log, told by the chosen stories."""
        tellers = self.tellers(chosen)
        cost = np.vstack([self.told[list(chosen)], self.alone])
        journeys = np.bincount(tellers, self.counts, len(chosen) + 1)
        share = (journeys + 0.5) / (journeys + 0.5).sum()
        naming = -(journeys * np.log(share)).sum()
        telling = (self.counts * cost[tellers, np.arange(len(self.counts))]).sum()
        return float(self.story[list(chosen)].sum() + naming + telling)

    def tellers(self, chosen: Sequence[int]) -> npt.NDArray[np.int64]:
        """Return, per variant, which of the chosen tells it; len(chosen) where none does."""
        cost = np.vstack([self.told[list(chosen)], self.alone])
        # Frequent stories are cheaper to name; their copies say how frequent they are.
        copies = np.r_[self.counts[list(chosen)], 1.0]
        cost = cost - np.log(copies / copies.sum())[:, None]
        return np.asarray(cost.argmin(axis=0), dtype=np.int64)


def choose(log: Texts, copies: int) -> tuple[list[int], Code]:
    """Choose stories and estimate slips in turn, until the stories stay the same.

    A slip of a frequent story may shorten the description by explaining its neighbours. So each
    story's own copies are then tested against what slips of the other stories lead to expect,
    and the least improbable is removed until all are improbable.
    """
    edits = _edits(log, int((log.counts >= copies).sum()))
    slips = Slips(0.3, _geometric(2.0, edits), np.full(len(KINDS), 1 / len(KINDS)))
    seen: list[list[int]] = []
    while True:
        code = _code(log, edits, slips)
        chosen = _shorten(code, edits.shape[1])
        if chosen in seen or len(seen) == MAX_ROUNDS:
            break
        seen.append(chosen)
        slips = _estimated(log, edits, code.tellers(chosen), chosen)
    while chosen:
        code = _code(log, edits, _estimated(log, edits, code.tellers(chosen), chosen))
        chance = _chance_of_slips(code, chosen)
        if chance.max() <= FALSE_STORIES / len(log.texts):
            break
        chosen = [story for story in chosen if story != chosen[int(chance.argmax())]]
    return chosen, code


def _chance_of_slips(code: Code, chosen: Sequence[int]) -> Floats:
    """Return, per chosen story, how probable its copies are as slips of the others."""
    from scipy.special import pdtrc

    journeys = np.bincount(code.tellers(chosen), code.counts, len(chosen) + 1)[:-1]
    slipped = np.exp(-code.told[np.ix_(chosen, chosen)])
    np.fill_diagonal(slipped, 0.0)
    return np.asarray(pdtrc(code.counts[list(chosen)] - 1, journeys @ slipped), dtype=np.float64)


@dataclass(frozen=True)
class Slips:
    """How stories are garbled.

    Attributes
    ----------
    share : float
        Retellings that are not word for word.
    numbers : ndarray
        Of those: share with one edit, two, and so on.
    kinds : ndarray, shape (4,)
        Share of each of `KINDS` among the edits.
    """

    share: float
    numbers: Floats
    kinds: Floats


def _geometric(mean: float, edits: Floats) -> Floats:
    """Return how many edits a slip has, for as many as there are between any two."""
    most = int(edits.sum(axis=0).max(initial=1.0))
    shares = (1 - 1 / mean) ** np.arange(max(most, 1)) / mean
    return np.asarray(np.maximum(shares, np.finfo(np.float64).tiny), dtype=np.float64)


def _edits(log: Texts, candidates: int) -> Floats:
    """Return how many edits of each kind lead from a candidate to a variant.

    Returns
    -------
    ndarray, shape (4, candidates, variants)
        What both have, but not in one order, is moved; of what only one has, as much as
        possible is exchanged.
    """
    from rapidfuzz.distance import LCSseq
    from rapidfuzz.process import cdist

    lengths = np.array([len(text) for text in log.texts], dtype=np.float64)
    if not candidates:
        return np.zeros((len(KINDS), 0, len(lengths)))
    own = log.texts[:candidates]
    in_order = cdist(own, log.texts, scorer=LCSseq.similarity, dtype=np.int32).astype(np.float64)
    in_both = np.zeros_like(in_order)
    for letter in sorted(set("".join(own))):
        times = np.array([text.count(letter) for text in log.texts], dtype=np.float64)
        in_both += np.minimum(times[:candidates, None], times)
    insertions, deletions = lengths - in_both, lengths[:candidates, None] - in_both
    swaps = np.minimum(insertions, deletions)
    return np.stack([insertions - swaps, deletions - swaps, swaps, in_both - in_order])


def _code(log: Texts, edits: Floats, slips: Slips) -> Code:
    """Work out all lengths, given how stories are garbled."""
    from scipy.special import gammaln

    lengths = np.array([len(text) for text in log.texts], dtype=np.float64)
    letter = np.log(log.touchpoints)
    # A length is written with a geometric code around the mean length of the log's journeys.
    mean = max(float((lengths * log.counts).sum() / max(log.counts.sum(), 1)), 1.0)
    in_full = lengths * letter + np.log(1 + mean) + lengths * np.log1p(1 / mean)
    own = lengths[: edits.shape[1]]
    places = np.log(np.maximum(np.stack([own + 1, own, own, own * (own - 1)]), 1))
    what = np.array([letter, 0.0, letter, 0.0])
    per_edit = places + what[:, None] - np.log(slips.kinds)[:, None]
    number = edits.sum(axis=0)
    which = (edits * per_edit[:, :, None]).sum(axis=0) - gammaln(number + 1)
    how_many = -np.log(slips.numbers)[np.maximum(number.astype(np.int64), 1) - 1]
    garbled = -np.log(slips.share) + how_many + which - TOLERANCE
    retelling = np.where(number == 0, -np.log1p(-slips.share), garbled)
    # A journey that has nothing of a story in its place does not retell it, however short both are.
    retelling = np.where(number >= np.maximum(own[:, None], lengths), np.inf, retelling)
    share = 0.5 * np.log(max(float(log.counts.sum()), 1.0))
    return Code(retelling, in_full, in_full[: len(own)] + share, log.counts.astype(np.float64))


def _estimated(
    log: Texts,
    edits: Floats,
    tellers: npt.NDArray[np.int64],
    chosen: Sequence[int],
) -> Slips:
    """Estimate how stories are garbled from the journeys that the chosen ones tell."""
    in_story = np.flatnonzero(tellers < len(chosen))
    by_kind = (
        edits[:, np.array(chosen, dtype=np.int64)[tellers[in_story]], in_story]
        * log.counts[in_story]
    )
    number = (by_kind.sum(axis=0) / log.counts[in_story]).round().astype(np.int64)
    slips = number > 0
    slipped = float(log.counts[in_story][slips].sum())
    # One made-up journey or edit of each kind keeps everything away from the impossible ends.
    kinds = by_kind.sum(axis=1) + 1
    made_up = _geometric((float(by_kind.sum()) + 2) / (slipped + 1), edits)
    seen = np.bincount(number[slips] - 1, log.counts[in_story][slips], len(made_up))
    return Slips(
        (slipped + 1) / (float(log.counts[in_story].sum()) + 2),
        (seen + made_up) / (slipped + 1),
        kinds / kinds.sum(),
    )


def _shorten(code: Code, candidates: int) -> list[int]:
    """Add each candidate that shortens the description, then remove each that lengthens it."""
    chosen: list[int] = []
    best = code.length(chosen)
    for candidate in range(candidates):
        length = code.length([*chosen, candidate])
        if length < best:
            chosen, best = [*chosen, candidate], length
    for candidate in reversed(chosen.copy()):
        rest = [other for other in chosen if other != candidate]
        length = code.length(rest)
        if length < best:
            chosen, best = rest, length
    return chosen
