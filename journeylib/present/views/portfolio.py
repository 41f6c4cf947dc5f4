"""Where to start: the first automations, what they are assumed to be worth, and how surely."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from journeylib.core import label, number, percent, text
from journeylib.portfolio import Driver
from journeylib.present.blocks import Block, remark
from journeylib.present.charts.portfolio import money_text, worth_figure
from journeylib.present.figure import Figure
from journeylib.present.tables import Table, as_float, table

if TYPE_CHECKING:
    from journeylib.audits import Audit


def first_automations(audit: Audit) -> Figure | Block:
    """Draw what automating each candidate is assumed to be worth in a week."""
    portfolio = audit.portfolio
    if portfolio is None:
        return remark(text("present.portfolio.none"))
    valued = portfolio.candidates[portfolio.candidates["lower_quartile"].notna()]
    if valued.empty:
        return remark(portfolio.text)
    return worth_figure(portfolio, valued.to_dict("records"))


def automation_candidates(audit: Audit) -> Table | Block:
    """Return every candidate: worth, price, how often chosen, and what decides it."""
    portfolio = audit.portfolio
    if portfolio is None:
        return remark(text("present.portfolio.not_compared"))
    rows = [
        {
            "touchpoint": row["touchpoint"],
            "worth": money_text(row["value"]),
            "build": round(row["build"]),
            "chosen_share": percent(as_float(row["selection_frequency"]), 0),
            "start": _start(row),
            "rests_on": row["source"] or text("none"),
            "decides": _decides(row["drivers"]),
        }
        for row in portfolio.candidates.to_dict("records")
    ]
    note = text("present.portfolio.table_note", currency=portfolio.currency)
    return table(rows, text("present.portfolio.caption"), note=note)


def _start(row: dict[Any, Any]) -> str:
    if not row["chosen"]:
        return text("present.portfolio.no", why=str(row["why_not"]))
    return text("yes" if row["settled"] else "present.portfolio.unsettled")


def _decides(drivers: Sequence[Driver]) -> str:
    if not drivers:
        return text("none")
    first = drivers[0]
    ends = {"low": number(round(first.low)), "high": number(round(first.high))}
    words = text("present.portfolio.driver", name=label("portfolio.input", first.name), **ends)
    turning = ", ".join(
        label("portfolio.input", driver.name) for driver in drivers if driver.turns_sign
    )
    return f"{words}; ± {turning}" if turning else words
