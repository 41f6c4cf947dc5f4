"""The hand-off audit as a vector: which items hold, which fail, and the worst that does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from journeylib.core import Estimate
from journeylib.judge.settings import HANDOFF_LIMITS, Limit
from journeylib.measures import Handoffs

State = Literal["holds", "fails", "open", "not_measurable"]


@dataclass(frozen=True)
class HandoffItem:
    """One item of the hand-off audit beside its limit.

    Attributes
    ----------
    name : str
        As in `Handoffs`.
    limit : Limit
    state : str
        ``fails``: the whole interval lies beyond the limit; ``holds``: none of it does;
        ``open``: the limit lies within; ``not_measurable``: it abstains.
    beyond : float
        How far the interval's nearer end is beyond the limit, relative to the limit's distance
        from the worst there can be (shares), or to the limit itself; 0 unless it fails.
    """

    name: str
    limit: Limit
    state: State
    beyond: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return the form that `audit.json` holds."""
        return {
            "name": self.name,
            "limit": self.limit.at,
            "fails": "below" if self.limit.falls else "above",
            "harm": self.limit.harm,
            "state": self.state,
        }


def handoff_items(
    handoffs: Handoffs, limits: Mapping[str, float] | None = None
) -> tuple[HandoffItem, ...]:
    """Hold every item of the hand-off audit against its limit; no mean is made of them.

    Parameters
    ----------
    handoffs : Handoffs
    limits : mapping of str to float, optional
        Limits of the company's own, in place of those of `HANDOFF_LIMITS`.

    Returns
    -------
    tuple of HandoffItem
        In the order of `HANDOFF_LIMITS`. None is measurable in a log without a bot: people who
        pass work on among themselves hand over no customer of a bot.
    """
    nothing = Estimate.none("no_column", "share")
    served = handoffs.sessions > 0
    estimates = {name: one if served else nothing for name, one in handoffs.estimates().items()}
    own = limits or {}
    return tuple(
        _item(name, estimates[name], Limit(own.get(name, limit.at), limit.harm, limit.falls))
        for name, limit in HANDOFF_LIMITS.items()
    )


def worst_item(items: tuple[HandoffItem, ...]) -> HandoffItem | None:
    """Return the failing item that harms most, then lies farthest beyond; None if none fails."""
    failing = [item for item in items if item.state == "fails"]
    return max(failing, key=lambda item: (item.limit.harm, item.beyond), default=None)


def _item(name: str, estimate: Estimate, limit: Limit) -> HandoffItem:
    if estimate.lo is None or estimate.hi is None:
        return HandoffItem(name, limit, "not_measurable")
    near, far = (estimate.hi, estimate.lo) if limit.falls else (estimate.lo, estimate.hi)
    sign = -1 if limit.falls else 1
    if sign * (near - limit.at) > 0:
        room = limit.at if limit.falls or estimate.unit != "share" else 1 - limit.at
        return HandoffItem(name, limit, "fails", abs(near - limit.at) / room if room else 1.0)
    return HandoffItem(name, limit, "holds" if sign * (far - limit.at) <= 0 else "open")
