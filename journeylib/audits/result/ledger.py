"""The ledger: the one way out for tables and the document, each under a declared rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from journeylib.audits.document.content import content
from journeylib.audits.document.document_schema import Node
from journeylib.log import shows, suppress

_ESTIMATE = ("value", "lo", "hi", "unit", "grade", "abstain")
_COUNTS = ("events", "journeys", "customers")
_PLACE = ("touchpoint", "stage", "channel", "office")
_AXES = tuple(
    f"{axis}{part}"
    for axis in ("automation_fit", "empathy_need")
    for part in ("", "_lo", "_hi", "_coverage", "_floor", "_ceiling")
)
_VERIFIED = ("verified", "verified_lo", "verified_hi")
_STATES = ("ended_with_bot", "handed_over", "abandoned", "open")


@dataclass(frozen=True)
class Rule:
    """What a published table may hold.

    Attributes
    ----------
    columns : tuple of str
        All columns that it may have: a further one is an error until its rule is declared.
    customers : str
        Column with the customers behind a row; a row of too few is left out. Empty where no
        row is about a group of customers.
    parts : tuple of str
        Numbers of cases inside a row. Where one is of a few, all of the row are missing, as
        the others would tell it.
    alone : tuple of str
        The same for numbers that add up to nothing: only the small one is missing.
    """

    columns: tuple[str, ...]
    customers: str = ""
    parts: tuple[str, ...] = ()
    alone: tuple[str, ...] = ()


RULES: Mapping[str, Rule] = {
    "chain": Rule(
        ("touchpoint", "measure", *_ESTIMATE, "n_journeys", "n_customers"), "n_customers"
    ),
    "ends": Rule(
        ("touchpoint", "end", "journeys", "share", "lo", "hi", "at_least", "n_journeys",
         "n_customers"),
        "n_customers",
    ),
    # Its rows are maps; the numbers of touchpoints are of nobody.
    "maps": Rule(("what", "shown", "folded", "suppressed", "total", "kept")),
    "touchpoints": Rule((*_PLACE, "served_by", *_COUNTS, "median_position"), "customers"),
    "transitions": Rule(
        ("source", "target", *_COUNTS, "median_seconds", "tied", "at_least"),
        "customers",
        alone=("tied",),
    ),
    # Estimates hold their own rule: they abstain, or hold bounds (`Ledger.part`).
    "estimates": Rule(
        ("touchpoint", "measure", *_ESTIMATE, "n_events", "n_journeys", "n_customers", "source")
    ),
    "variants": Rule(("variant", "journeys", "customers", "share", "at_least"), "customers"),
    "experience": Rule(
        ("touchpoint", "sentiment", "lo", "hi", "source", "n_customers"), "n_customers"
    ),
    "scores": Rule(
        (*_PLACE, *_COUNTS, *_AXES, "verdict", "leaning", "verdict_stability",
         "boundary_distance", "vetoes", "reasons", "next_datum", "abstain"),
        "customers",
    ),
    "indicators": Rule(
        ("touchpoint", "axis", "indicator", "raw", "lo", "hi", "unit", "score", "weight",
         "missing", "n_customers", "grade", "source"),
    ),
    "handoff_touchpoints": Rule(
        ("touchpoint", "sessions", *_STATES, "at_least", "customers", *_VERIFIED), "customers"
    ),
    # Windows of fewer customers are left out where their customers are counted.
    "containment_curve": Rule(("days", "sessions", *_VERIFIED, "upper")),
    # Rows of the log that are amiss: of the feed, not of its customers.
    "quality": Rule(("check", "role", "severity", "rows", "share", "text")),
    "streams": Rule(
        ("period", "family", "measure", "touchpoint", "detail", "stratum", "value", "se", "n",
         "customers", "unit", "ends", "days"),
        "customers",
    ),
    "tested": Rule(
        ("family", "measure", "touchpoint", "detail", "unit", "before", "after", "difference",
         "lo", "hi", "n_before", "n_after", "customers", "references", "z", "cusum", "p_value",
         "q_value", "same_mix", "material", "significant"),
        "customers",
    ),
    "stages": Rule(("segment", "stage", *_COUNTS), "customers"),
    "months": Rule(("month", "touchpoint", *_COUNTS), "customers"),
    "segments": Rule(
        ("segment", "touchpoint", *_COUNTS, "sentiment", "lo", "hi"), "customers"
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Ledger:
    """What leaves a run: it holds the minimum, and knows the rule of every table.

    Attributes
    ----------
    minimum : int
        Fewest customers of a shown row, or cases of a shown number.
    """

    minimum: int

    def table(self, name: str, table: pd.DataFrame) -> pd.DataFrame:
        """Return a table as it may be published.

        Parameters
        ----------
        name : str
            Its file name; one of `RULES`.
        table : pandas.DataFrame

        Raises
        ------
        ValueError
            If nobody has declared what the table, or one of its columns, may show.
        """
        rule = RULES.get(name)
        unknown = [] if rule is None else sorted(set(table.columns) - set(rule.columns))
        if rule is None or unknown:
            what = ", ".join([name, *unknown])
            raise ValueError(f"no rule says what may be shown of {what}: declare it in RULES")
        if rule.customers:
            table = suppress(table, self.minimum, rule.customers)[0]
        if rule.parts or rule.alone:
            numbers = [*rule.parts, *rule.alone]
            few = table[numbers].map(lambda size: not shows(size, self.minimum))
            together = few[list(rule.parts)].any(axis=1)
            hidden = {one: together if one in rule.parts else few[one] for one in numbers}
            table = table.assign(
                **{one: table[one].astype("Int64").mask(hidden[one]) for one in numbers}
            )
        return table

    def part(self, node: Node, source: Any) -> Any:
        """Return what a part of the document holds; see `document.content.content`."""
        return content(node, source, minimum=self.minimum)
