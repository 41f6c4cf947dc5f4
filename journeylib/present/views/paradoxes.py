"""Views of the six paradoxes of serving by machine."""

from __future__ import annotations

from journeylib.audits import Audit
from journeylib.core import estimate_text, text
from journeylib.present.blocks import Block, remark
from journeylib.present.tables import Table, table


def paradoxes(audit: Audit) -> Table:
    """Return the six paradoxes of serving by machine, each with its two sides."""
    rows = [
        {
            "paradox": paradox.title,
            "state": text(f"present.paradoxes.{paradox.state}"),
            "benefit": estimate_text(paradox.benefit),
            "cost": estimate_text(paradox.cost),
            "why": " ".join(paradox.reasons),
        }
        for paradox in audit.judgement.paradoxes
    ]
    return table(rows, text("present.paradoxes.caption"))


def paradox_figures(audit: Audit) -> Table | Block:
    """Return the figures beside the six pairs: they explain a side, and decide nothing."""
    rows = [
        {
            "paradox": paradox.title,
            "what_it_is": figure.estimand,
            "estimate": estimate_text(figure),
        }
        for paradox in audit.judgement.paradoxes
        for figure in paradox.supporting.values()
        if figure.abstain != "no_column"
    ]
    if not rows:
        return remark(text("present.paradoxes.nothing"))
    return table(rows, text("present.paradoxes.beside"))
