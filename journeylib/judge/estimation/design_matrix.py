"""The rows that estimators see: covariates as columns, in an order that only content decides.

Folds, permutations and halves are drawn with a fixed seed. Rows are therefore first put into
an order made of their content alone: shuffled rows and renamed customers draw the same folds
and give the same numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from journeylib.core import SEED, Floats, RunError

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

RARE_LEVEL = 30  # a level with fewer rows joins the baseline: its coefficient would be noise


@dataclass(frozen=True)
class Sample:
    """Rows that reached one touchpoint.

    Attributes
    ----------
    y : ndarray of float64, shape (n,)
        The outcome; 0 and 1, or a number.
    good : ndarray of bool, shape (n,)
        Whether the touchpoint went well.
    X : ndarray of float64, shape (n, p)
        What was known before the touchpoint, standardised.
    cluster : ndarray of int64, shape (n,)
        Customer, 0..clusters − 1, in the order of content.
    control : ndarray of float64 or None
        A negative-control outcome: fixed before the touchpoint, so it cannot be its effect.
    late : ndarray of bool
        The held-out half.
    customer : ndarray
        Whose row it is, as given: to find the same customer in another sample.
    """

    y: Floats
    good: Bools
    X: Floats
    cluster: Ints
    control: Floats | None
    late: Bools
    customer: npt.NDArray[Any]

    @property
    def binary(self) -> bool:
        """Whether the outcome takes only the values 0 and 1."""
        return bool(np.isin(self.y, (0.0, 1.0)).all())

    @property
    def customers(self) -> int:
        """Number of distinct customers."""
        return int(self.cluster.max()) + 1 if len(self.cluster) else 0

    def keep(self, rows: Bools) -> Sample:
        """Return the rows that `rows` marks; customers are numbered anew."""
        _, cluster = np.unique(self.cluster[rows], return_inverse=True)
        return Sample(
            self.y[rows],
            self.good[rows],
            self.X[rows],
            cluster.astype(np.int64),
            None if self.control is None else self.control[rows],
            self.late[rows],
            self.customer[rows],
        )

    def with_outcome(self, y: Floats) -> Sample:
        """Return the same rows with another outcome."""
        return replace(self, y=y)

    def with_treatment(self, good: Bools) -> Sample:
        """Return the same rows with another treatment."""
        return replace(self, good=good)


def sample_of(
    y: npt.ArrayLike,
    good: npt.ArrayLike,
    X: pd.DataFrame,
    customer: npt.ArrayLike,
    *,
    start: npt.ArrayLike | None = None,
    control: npt.ArrayLike | None = None,
) -> Sample:
    """Check the columns against each other and put the rows into the order of their content.

    Parameters
    ----------
    y, good, customer : array, shape (n,)
        Outcome, whether the touchpoint went well, and whose journey it is.
    X : DataFrame, n rows
        Covariates from before the touchpoint; see `design_matrix`.
    start : array, shape (n,), optional
        When each journey reached the touchpoint, in anything that sorts. Rows after the
        median are the held-out half. Without it the held-out half is half of the customers.
    control : array, shape (n,), optional
        Negative-control outcome: a number fixed before the touchpoint and kept out of `X` (spend
        in the year before).

    Raises
    ------
    RunError
        Where columns differ in length or hold missing values.
    """
    columns = {"y": y, "good": good, "control": control, "start": start, "customer": customer}
    given = _checked({n: np.asarray(c) for n, c in columns.items() if c is not None}, len(X))
    outcome = given["y"].astype(np.float64)
    treated = given["good"].astype(bool)
    raw = _columns(X)
    held = given["control"].astype(np.float64) if control is not None else None
    moment = _ranks(given["start"]) if start is not None else np.zeros(len(outcome))
    blocks = [outcome, treated.astype(np.float64), moment, *raw.T]
    signature = np.column_stack(blocks if held is None else [*blocks, held])
    order, cluster = content_order(signature, given["customer"])
    late = (
        _half_of_customers(cluster)
        if start is None or not len(moment)
        else moment[order] > np.median(moment)
    )
    return Sample(
        outcome[order],
        treated[order],
        _standardised(raw[order]),
        cluster,
        None if held is None else held[order],
        late,
        given["customer"][order],
    )


def _checked(given: dict[str, npt.NDArray[Any]], rows: int) -> dict[str, npt.NDArray[Any]]:
    lengths = {name: len(column) for name, column in given.items()} | {"X": rows}
    if len(set(lengths.values())) > 1:
        raise RunError(f"the columns of one effect differ in length: {lengths}")
    for name, column in given.items():
        missing = int(pd.isna(column).sum())
        if missing:
            raise RunError(
                f"{missing} of {len(column)} values of '{name}' are missing. Leave those rows "
                "out first, and report their share: see response_bounds"
            )
    return given


def design_matrix(X: pd.DataFrame) -> Floats:
    """Turn covariates into standardised columns.

    Numbers keep their column; a missing number becomes the median with a column that says it
    was missing. Anything else becomes one column per level with at least `RARE_LEVEL` rows
    except the most frequent one. Columns without variation go.

    Parameters
    ----------
    X : DataFrame
        One row per journey.

    Returns
    -------
    ndarray of float64, shape (n, p)
        Mean 0, standard deviation 1; p may be 0.
    """
    return _standardised(_columns(X))


def _columns(X: pd.DataFrame) -> Floats:
    columns: list[Floats] = []
    for name in X.columns:
        column = X[name]
        if pd.api.types.is_numeric_dtype(column):
            numbers = column.to_numpy(dtype=np.float64, na_value=np.nan)
            missing = np.isnan(numbers)
            if missing.all():
                continue
            columns.append(np.where(missing, np.nanmedian(numbers), numbers))
            if missing.any():
                columns.append(missing.astype(np.float64))
        else:
            columns.extend(_levels(column))
    return np.column_stack(columns) if columns else np.zeros((len(X), 0))


def _standardised(matrix: Floats) -> Floats:
    if not len(matrix):
        return matrix
    spread = matrix.std(axis=0)
    varies = spread > 1e-12
    return np.asarray((matrix[:, varies] - matrix[:, varies].mean(axis=0)) / spread[varies])


def _levels(column: pd.Series) -> list[Floats]:
    number, words = pd.factorize(column)
    # A missing word is level "", with those that are empty.
    names, level = np.unique([*map(str, words), ""], return_inverse=True)
    level = level[number]
    counts = np.bincount(level, minlength=len(names))
    ranked = np.argsort(-counts, kind="stable")
    return [(level == one).astype(np.float64) for one in ranked[1:] if counts[one] >= RARE_LEVEL]


def _ranks(values: npt.NDArray[np.generic]) -> Floats:
    """Return dense ranks: a shifted or rescaled clock ranks the same."""
    return np.asarray(np.unique(values, return_inverse=True)[1], dtype=np.float64)


def content_order(
    signature: Floats, customer: npt.NDArray[np.generic]
) -> tuple[npt.NDArray[np.intp], Ints]:
    """Order rows by the content of their customer, then their own, and number the customers.

    Parameters
    ----------
    signature : ndarray, shape (n, k)
        What rows are told apart by.
    customer : ndarray, shape (n,)
        Used for equality only.

    Returns
    -------
    order : ndarray of int, shape (n,)
    cluster : ndarray of int64, shape (n,)
        Customer of each ordered row, 0..customers − 1; ties are customers with equal rows.
    """
    kind = _kinds(signature)
    code = np.asarray(pd.factorize(customer)[0])
    # A customer is told by the sum of one large random number per row: the same whatever the
    # order of the rows, and different for different rows.
    numbers = np.random.default_rng(0).integers(0, 2**63, int(kind.max(initial=-1)) + 1)
    content = np.zeros(int(code.max(initial=-1)) + 1, dtype=np.uint64)
    np.add.at(content, code, numbers[kind].astype(np.uint64))
    order = np.lexsort((kind, code, content[code]))
    begins = np.concatenate([[True], np.diff(code[order]) != 0])[: len(order)]
    return order, np.cumsum(begins) - 1


def _kinds(signature: Floats) -> Ints:
    """Number the distinct rows in their order, column after column."""
    order = np.lexsort(signature.T[::-1])
    ordered = signature[order]
    kind = np.empty(len(order), dtype=np.int64)
    kind[order[1:]] = np.cumsum((ordered[1:] != ordered[:-1]).any(axis=1))
    kind[order[:1]] = 0
    return kind


def _half_of_customers(cluster: Ints) -> Bools:
    customers = int(cluster.max(initial=-1)) + 1
    late = np.random.default_rng(SEED).permutation(customers) % 2 == 1
    return np.asarray(late[cluster])
