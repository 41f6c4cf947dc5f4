"""The customers whom steps that model each journey work on: all, or a stated sample of them."""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

import ibis

from journeylib.core import Estimate
from journeylib.log import customer_numbers, materialise_sorted

if TYPE_CHECKING:
    from journeylib.journeys.journeys import Journeys

Result = TypeVar("Result")


@dataclass(frozen=True)
class Drawn:
    """Customers who are modelled.

    Attributes
    ----------
    customers, used : int
        All customers of the journeys, and those who are modelled.
    picked : ibis.Table or None
        Their ``customer_no``, with their ``place`` in the draw; None where they are all.
    """

    customers: int
    used: int
    picked: ibis.Table | None = None

    def of(self, rows: ibis.Table) -> ibis.Table:
        """Return the rows of these customers; `rows` itself where they are all."""
        return rows if self.picked is None else rows.semi_join(self.picked, "customer_no")

    def fewer(self, most: int) -> Drawn:
        """Return a part of the sample."""
        assert self.picked is not None
        return replace(self, used=most, picked=self.picked.order_by(_PLACE).limit(most).cache())

    def said(self) -> tuple[str, ...]:
        """Return what an estimate must assume for it; empty where all customers are modelled."""
        if self.picked is None:
            return ()
        return (
            f"a sample of {self.used:,} of {self.customers:,} customers, drawn by the hash of "
            "their id, is like the others",
        )

    def told(self, found: Result) -> Result:
        """Let an estimate, or the estimates that a result holds, say that a sample is behind it."""
        if self.picked is None or not is_dataclass(found) or isinstance(found, type):
            return found
        if isinstance(found, Estimate):
            return replace(found, assumptions=(*found.assumptions, *self.said()))
        held = {field.name: getattr(found, field.name) for field in fields(found)}
        told: dict[str, Any] = {k: self.told(v) for k, v in held.items() if is_dataclass(v)}
        for name, value in held.items():
            if isinstance(value, dict):
                told[name] = {k: self.told(v) for k, v in value.items()}
        return replace(found, **told)


EVERYONE = Drawn(1, 1)
_PLACE = ("place", "customer_no")


def drawn_journeys(journeys: Journeys) -> Journeys:
    """Return the journeys of the customers drawn, in order; see `Journeys.modelled`."""
    drawn = journeys.drawn
    if drawn.picked is None:
        return journeys
    few = journeys._with(drawn.of(journeys.table), f"of {drawn.used} customers drawn", "")
    return replace(few, trail=materialise_sorted(few.trail, ["journey", "customer_no"], ["step"]))


def draw_customers(journeys: Journeys, most: int | None = None) -> Drawn:
    """Draw the customers that a step which models each journey works on.

    Parameters
    ----------
    journeys : Journeys
    most : int, optional
        Limit of the step, where it is below that of the settings (`max_customers_modelled`).

    Returns
    -------
    Drawn
        The limit's number of customers, those first in the order of a hash of their id: the
        same on any engine and in any order of rows, and a smaller sample is part of a larger.

    Notes
    -----
    The hash is read from behind the digits that deal customers into groups, so that the sample
    lies in all groups alike and intervals stay honest.
    """
    drawn = journeys.drawn
    if most is None or drawn.used <= most:
        return drawn
    return _first(journeys, most) if drawn.picked is None else drawn.fewer(most)


def draw(journeys: Journeys) -> Drawn:
    """Draw customers up to the settings' limit; see `Journeys.drawn`."""
    limit = journeys.settings.max_customers_modelled
    customers = int(journeys.table.customer_no.nunique().to_pyarrow().as_py())
    return Drawn(customers, customers) if customers <= limit else _first(journeys, limit)


def _first(journeys: Journeys, limit: int) -> Drawn:
    """Draw customers by the order of a hash of their id."""
    own = journeys.table.select("customer_no").distinct()
    customers = int(own.count().to_pyarrow().as_py())
    ids = customer_numbers(journeys.log.events).semi_join(own, "customer_no")
    digest = ids.customer.hexdigest("md5")
    hashed = ids.select("customer_no", place=digest.substr(2))
    return Drawn(customers, limit, hashed.order_by(_PLACE).limit(limit).cache())
