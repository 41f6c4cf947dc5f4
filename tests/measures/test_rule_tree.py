"""Trees over coded columns are those of scikit-learn, which sorts the columns themselves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.tree import DecisionTreeClassifier

from journeylib.measures.touchpoints.rule_tree import leaves, levels_of, table_of


def parts(leaf: np.ndarray) -> list[list[int]]:
    """Return the rows of each leaf, whatever its number."""
    return sorted(np.flatnonzero(leaf == one).tolist() for one in np.unique(leaf))


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 2**32 - 1),
    rows=st.integers(2, 400),
    classes=st.integers(1, 6),
    depth=st.integers(1, 4),
    smallest=st.sampled_from([1, 5, 20]),
)
def test_rows_fall_into_the_leaves_of_scikit_learn(
    seed: int, rows: int, classes: int, depth: int, smallest: int
) -> None:
    rng = np.random.default_rng(seed)
    word = rng.integers(0, 3, rows)
    # Of a word and its twin, of a column and its mirror, each split is as good as the other's.
    columns = [word == 0, word == 1, word == 1, word != 1, np.zeros(rows)]
    columns += [rng.poisson(2, rows), rng.integers(0, 24, rows), rng.normal(size=rows).round(1)]
    matrix = np.column_stack(columns).astype(np.float32)
    outcome = (word + rng.integers(0, 2, rows) + (matrix[:, 6] > 11)) % classes
    outcome = np.unique(outcome, return_inverse=True)[1]
    learns = np.flatnonzero(rng.random(rows) < 0.8)
    if not len(learns):
        return
    model = DecisionTreeClassifier(
        criterion="entropy", max_depth=depth, min_samples_leaf=smallest, random_state=0
    )
    expected = model.fit(matrix[learns], outcome[learns]).apply(matrix)
    table = table_of([levels_of(column) for column in matrix.T])
    assert parts(leaves(table, learns, outcome, (depth, smallest))) == parts(expected)


@pytest.mark.parametrize("missing_says", [0, 1])
def test_a_missing_number_is_larger_than_any(missing_says: int) -> None:
    known = np.array([1.0] * 5 + [2.0] * 5 + [np.nan] * 5)
    outcome = np.array([0] * 5 + [missing_says] * 5 + [1] * 5)
    found = leaves(table_of([levels_of(known)]), np.arange(15), outcome, (1, 1))
    assert parts(found) == [
        list(range(5 if missing_says else 10)),
        list(range(5 if missing_says else 10, 15)),
    ]
