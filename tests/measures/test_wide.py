"""Many touchpoints: what follows each is counted over its own pairs only."""

from __future__ import annotations

import numpy as np
import pandas as pd

from journeylib.core.resampling import GROUPS, Floats, group_weights, resample
from journeylib.measures.touchpoints.group_sums import CELLS_AT_ONCE, Base, Whole, pieces
from journeylib.measures.touchpoints.next_steps import THIRDS, Successors, entropy


def test_counts_of_each_touchpoint_are_its_part_of_the_full_array() -> None:
    rng = np.random.default_rng(4)
    many, pairs = 30, 120
    # Touchpoint 7 leads nowhere; targets of −1 are ends.
    source = np.sort(rng.choice([spot for spot in range(many) if spot != 7], pairs))
    target = rng.integers(-1, many, pairs)
    full = rng.poisson(0.05, (GROUPS, THIRDS, pairs)).astype(float)
    pair, group, third = np.nonzero(full.transpose(2, 0, 1))
    cells = pd.DataFrame(
        {"pair": pair, "group": group, "third": third, "n": full[group, third, pair].astype(int)}
    )
    none = np.zeros(many, dtype=np.int64)
    found = Successors(source, target, cells, Base(none, none, none))
    wanted = np.arange(many) != 11
    parts = {}
    for touchpoints, counts, first in found.of_touchpoints(wanted):
        own = np.split(counts, first[1:], axis=1)
        parts |= dict(zip(touchpoints.tolist(), own, strict=True))
    assert sorted(parts) == [spot for spot in range(many) if spot not in (7, 11)]
    for spot, counts in parts.items():
        np.testing.assert_array_equal(counts.transpose(0, 2, 1), full[:, :, source == spot])


def test_subjects_go_by_in_pieces_and_none_is_lost() -> None:
    rng = np.random.default_rng(8)
    widths = rng.integers(0, CELLS_AT_ONCE // 3, 40)
    widths[17] = 2 * CELLS_AT_ONCE
    found = list(pieces(widths))
    assert (
        np.concatenate([subjects for subjects, _ in found]).tolist()
        == np.flatnonzero(widths).tolist()
    )
    assert len(found) > 3
    for subjects, first in found:
        own = widths[subjects]
        assert first[0] == 0 and (np.diff(first) == own[:-1]).all()
        assert own[1:].sum() <= CELLS_AT_ONCE


def test_resampling_many_subjects_together_is_resampling_each() -> None:
    rng = np.random.default_rng(5)
    widths = rng.integers(1, 9, 25)
    first = np.cumsum(widths) - widths
    sums = rng.poisson(0.3, (GROUPS, int(widths.sum()), 2)).astype(float)

    def spread(s: Floats, first: Whole) -> Floats:
        return entropy(s[..., 0], first) + np.add.reduceat(s[..., 1], first, axis=-1)

    together = resample(sums, lambda s: spread(s, first), first=first)
    whole = np.zeros(1, dtype=np.int64)
    for spot, own in enumerate(np.split(sums, first[1:], axis=1)):
        alone = resample(own, lambda s: spread(s, whole), first=whole)
        for part in ("value", "se", "lo", "hi"):
            np.testing.assert_allclose(
                getattr(alone, part)[0], getattr(together, part)[spot], rtol=1e-12
            )
        np.testing.assert_allclose(alone.draws[:, 0], together.draws[:, spot], rtol=1e-12)


def test_totals_of_whole_numbers_are_drawn_exactly() -> None:
    """The quick way, a matrix product, equals the slow one to the last bit; fractions go slow."""
    rng = np.random.default_rng(6)
    sums = rng.integers(-(2**40), 2**40, (GROUPS, 7, 2)).astype(float)
    slow = np.einsum("bg,gmk->bmk", group_weights(), sums)
    for given in (sums, sums / 3):
        drawn = resample(given, lambda s: s[..., 0] - s[..., 1]).draws
        exact = slow if given is sums else np.einsum("bg,gmk->bmk", group_weights(), given)
        np.testing.assert_array_equal(drawn, exact[..., 0] - exact[..., 1])
