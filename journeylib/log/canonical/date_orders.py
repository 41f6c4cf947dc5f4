"""Which files of a log write the day first, and which the month."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Way = Literal["day", "month"]


@dataclass(frozen=True)
class Ways:
    """How many dates of one file can be read with the day first, with the month first, or at all.

    Attributes
    ----------
    day, month, either : int
        Rows.
    american : bool
        Some of the dates have a clock with AM or PM.
    """

    day: int
    month: int
    either: int
    american: bool = False

    @property
    def mixed(self) -> bool:
        """Whether some dates can only be read one way, and others only the other way."""
        return self.day < self.either and self.month < self.either

    @property
    def unclear(self) -> bool:
        """Whether every date can be read both ways."""
        return self.either > 0 and self.day == self.month == self.either


@dataclass(frozen=True)
class DateOrders:
    """The files of a column of dates by what is first; other files hold no such dates.

    Attributes
    ----------
    day, month : tuple of int
        Files, as indices into ``Raw.files``.
    by_rows, by_others : int
        Of these files: those that the order of their rows decides, and those read as all files
        are that are decided.
    unclear : tuple of int
        Of these files: those that nothing decides. Their day is taken as first.
    unclear_rows : int
        Dates in the files of `unclear`.
    """

    day: tuple[int, ...] = ()
    month: tuple[int, ...] = ()
    by_rows: int = 0
    by_others: int = 0
    unclear: tuple[int, ...] = ()
    unclear_rows: int = 0

    @property
    def worth_telling(self) -> bool:
        """Whether files differ, or some are read by more than their own dates."""
        return bool(self.day and self.month) or self.by_rows + self.by_others > 0


def date_orders(ways: Mapping[int, Ways], in_order: Mapping[int, Way]) -> DateOrders:
    """Decide for each file by its dates, then its rows, then the other files, then AM and PM.

    Parameters
    ----------
    ways : mapping of int to Ways
        By file; none of them mixed.
    in_order : mapping of int to {"day", "month"}
        Of unclear files: the only way in which their rows are in order of time.
    """
    dated = sorted(file for file, way in ways.items() if way.either)
    orders: dict[int, Way] = dict(in_order)
    for file in dated:
        if not ways[file].unclear:
            orders[file] = "day" if ways[file].day == ways[file].either else "month"
    decided = set(orders.values())
    rest = [file for file in dated if file not in orders]
    by_others = rest if len(decided) == 1 else []
    orders |= {file: way for file in by_others for way in decided}
    orders |= {file: "month" for file in rest if file not in orders and ways[file].american}
    unclear = tuple(file for file in rest if file not in orders)
    return DateOrders(
        day=tuple(file for file in dated if orders.get(file, "day") == "day"),
        month=tuple(file for file in dated if orders.get(file) == "month"),
        by_rows=len(in_order),
        by_others=len(by_others),
        unclear=unclear,
        unclear_rows=sum(ways[file].either for file in unclear),
    )
