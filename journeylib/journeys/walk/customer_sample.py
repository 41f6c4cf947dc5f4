"""The customers whom steps that model each journey work on: all, or a stated sample of them."""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, TypeVar

import ibis
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from journeylib.core import Estimate
from journeylib.log import EventLog, customer_numbers, fetch, hand_over, set_aside

Result = TypeVar("Result")


@dataclass(frozen=True, eq=False)
class CustomerSample:
    """Customers who are modelled.

    Attributes
    ----------
    customers, used : int
        All customers of the journeys, and those who are modelled.
    picked : ndarray of int64 or None
        Their ``customer_no`` in the order of the draw; None where they are all.
    """

    customers: int
    used: int
    picked: npt.NDArray[np.int64] | None = None

    def has(self, customer: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
        """Mark the numbers of customers who are among them."""
        if self.picked is None:
            return np.ones(len(customer), dtype=bool)
        return np.isin(customer, self.picked)

    def only(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the rows of these customers, of a table with their ``customer_no``."""
        return frame if self.picked is None else frame[self.has(frame["customer_no"].to_numpy())]

    def assumption(self) -> tuple[str, ...]:
        """Return what an estimate must assume for it; empty where all customers are modelled."""
        if self.picked is None:
            return ()
        return (
            f"a sample of {self.used:,} of {self.customers:,} customers, drawn by the hash of "
            "their id, is like the others",
        )

    def annotate(self, result: Result) -> Result:
        """Let an estimate, or the estimates that a result holds, say that a sample is behind it."""
        if self.picked is None or not is_dataclass(result) or isinstance(result, type):
            return result
        if isinstance(result, Estimate):
            return replace(result, assumptions=(*result.assumptions, *self.assumption()))
        values = {field.name: getattr(result, field.name) for field in fields(result)}
        noted: dict[str, Any] = {k: self.annotate(v) for k, v in values.items() if is_dataclass(v)}
        for name, value in values.items():
            if isinstance(value, dict):
                noted[name] = {k: self.annotate(v) for k, v in value.items()}
        return replace(result, **noted)


EVERYONE = CustomerSample(1, 1)
_PLACE = ("place", "customer_no")
# Customers from which the engine lets go of them once they are drawn.
_MANY = 2_000_000


def first_by_hash(own: npt.NDArray[Any], log: EventLog, limit: int) -> CustomerSample:
    """Draw customers by the order of a hash of their id.

    Parameters
    ----------
    own : ndarray of int
        The ``customer_no`` of each customer of the journeys.
    log : EventLog
    limit : int
        Fewer than there are.

    Notes
    -----
    The hash is read from behind the digits that deal customers into groups, so that the sample
    lies in all groups alike and intervals stay honest.
    """
    ids = customer_numbers(log.events)
    table = ibis.memtable(pa.table({"customer_no": own.astype("int64")}))
    ids = ids.semi_join(hand_over(table, ids.get_backend()), "customer_no")
    hashed = ids.select("customer_no", place=ids.customer.hexdigest("md5").substr(2))
    drawn = fetch(hashed.order_by(_PLACE).limit(limit))
    if len(own) >= _MANY:
        set_aside(ids.get_backend())
    return CustomerSample(len(own), limit, drawn["customer_no"].to_numpy(np.int64))
