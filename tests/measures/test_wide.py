"""Many touchpoints: what follows each is counted over its own pairs only."""

from __future__ import annotations

import numpy as np
import pandas as pd

from journeylib.estimate import GROUPS
from journeylib.measures.cells import Base
from journeylib.measures.successors import THIRDS, Successors


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
    parts = list(found.of_touchpoints(many))
    assert len(parts) == many and parts[7].shape == (GROUPS, THIRDS, 0)
    for spot, counts in enumerate(parts):
        np.testing.assert_array_equal(counts, full[:, :, source == spot])
    inner = target >= 0
    np.testing.assert_array_equal(found.per_group(inner), full[:, :, inner].sum(axis=(1, 2)))
