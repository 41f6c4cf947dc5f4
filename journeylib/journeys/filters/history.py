"""Narrowing: which journeys remain after a verb, how many of how many, and the code for it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self, cast

import ibis
import pandas as pd
from ibis import _

from journeylib.core import ConfigError
from journeylib.log import fetch

if TYPE_CHECKING:
    from journeylib.journeys.journeys import Journeys


@dataclass(frozen=True)
class Narrowing:
    """What one verb did.

    Attributes
    ----------
    before : Journeys
        What it was applied to.
    words : str
        What remains, as people say it.
    code : str
        The call, with its leading dot.
    cuts : bool
        Whether it keeps a part of each journey, rather than whole journeys.
    """

    before: Journeys
    words: str
    code: str
    cuts: bool = False


class Narrowed:
    """What `Journeys` know of the verbs that were applied to them."""

    trail: ibis.Table
    narrowing: Narrowing | None

    if TYPE_CHECKING:

        @cached_property
        def steps(self) -> ibis.Table: ...  # noqa: D102

        @cached_property
        def table(self) -> ibis.Table: ...  # noqa: D102

    def rest(self) -> Self:
        """Return the journeys that were left out: those of the whole that are not among these."""
        if self.narrowing is None:
            raise ConfigError("rest: nothing was left out of these journeys yet.")
        whole = self.whole
        kept = whole.table.anti_join(self.table, "journey")
        return whole._with(kept, f"all but those {self.words}", call("rest"), code_of=self)

    @property
    def whole(self) -> Self:
        """The journeys before any verb was applied."""
        found = self
        while found.narrowing is not None:
            found = cast("Self", found.narrowing.before)
        return found

    @property
    def applied(self) -> tuple[Narrowing, ...]:
        """What the verbs did, the first one first."""
        found: list[Narrowing] = []
        step = self.narrowing
        while step is not None:
            found.append(step)
            step = step.before.narrowing
        return tuple(reversed(found))

    @property
    def words(self) -> str:
        """What remains, as people say it; empty where nothing was left out."""
        return "; ".join(step.words for step in self.applied)

    @property
    def code(self) -> str:
        """The Python expression that made these journeys from ``journeys``."""
        return "journeys" + "".join(step.code for step in self.applied)

    @cached_property
    def size(self) -> tuple[int, int]:
        """Journeys and customers: a working number, however small."""
        row = fetch(
            self.table.aggregate(journeys=_.count(), customers=_.customer_no.nunique())
        ).iloc[0]
        return int(row["journeys"]), int(row["customers"])

    @property
    def remaining(self) -> str:
        """How many journeys remain of how many, and which; no number below the minimum."""
        (journeys, customers), (every, _people) = self.size, self.whole.size
        minimum = journeys_of(self).settings.min_customers
        which = f": {self.words}" if self.words else ""
        if not journeys:
            return f"no journey of {every:,} remains{which}"
        if customers < minimum:
            return (
                f"journeys of fewer than {minimum} customers remain of {every:,} journeys, too few "
                f"to be shown{which}"
            )
        share = 100 * journeys / every
        percent = "<1" if share < 0.5 else ">99" if 99.5 <= share < 100 else f"{share:.0f}"
        return f"{journeys:,} of {every:,} journeys ({percent} %) remain{which}"

    @property
    def ledger(self) -> pd.DataFrame:
        """What each verb left.

        Returns
        -------
        pandas.DataFrame
            One row for the whole log and one per verb: ``filter``, ``code`` (str), ``journeys``,
            ``customers`` (Int64; missing where fewer than the minimum of customers remain),
            ``share`` (float64, of all journeys).
        """
        stages = [step.before for step in self.applied] + [journeys_of(self)]
        minimum = stages[0].settings.min_customers
        every = max(stages[0].size[0], 1)
        rows = []
        for stage in stages:
            journeys, customers = stage.size
            shown = customers >= minimum or not journeys
            rows.append(
                {
                    "filter": stage.narrowing.words if stage.narrowing else "all journeys",
                    "code": stage.narrowing.code if stage.narrowing else "journeys",
                    "journeys": journeys if shown else None,
                    "customers": customers if shown else None,
                    "share": journeys / every if shown else None,
                }
            )
        return pd.DataFrame(rows).astype(
            {"journeys": "Int64", "customers": "Int64", "share": "float64"}
        )

    # --- how a verb is carried out ------------------------------------------------------------

    def _selected(self, condition: Any, words: str, code: str) -> Self:
        """Keep the journeys of which `condition` holds."""
        return self._with(self.table.filter(condition), words, code)

    def _with(
        self, rows: ibis.Table, words: str, code: str, *, code_of: Narrowed | None = None
    ) -> Self:
        """Keep the journeys that have a row in `rows`."""
        for done in reversed(self.applied):
            if done.cuts:
                break
            if done.code == code and code_of is None:
                return self
        keys = rows.select("journey").cache()
        if code_of is not None:
            code = code_of.code.removeprefix("journeys") + code
        return cast(
            "Self",
            replace(
                journeys_of(self),
                trail=self.trail.semi_join(keys, "journey"),
                kept=self.table.semi_join(keys, "journey"),
                narrowing=Narrowing(journeys_of(self), words, code),
            ),
        )

    def _parts(self, part: ibis.Table, words: str, code: str) -> Self:
        """Keep the steps of `part`, numbered anew; the rest of a journey's row is as it was."""
        if self.narrowing is not None and self.narrowing.code == code:
            return self
        part = part.drop("steps", "visit").cache()
        clock = "t_us" in part.columns
        outline = part.group_by("journey").aggregate(
            steps=_.count(),
            start_us=_.t_us.min() if clock else ibis.null("int64"),
            end_us=_.t_us.max() if clock else ibis.null("int64"),
            first_touchpoint=_.touchpoint.max(where=_.step == 1),
            last_touchpoint=_.touchpoint.max(where=_.next_touchpoint_no.isnull()),
            variant=_.touchpoint_no.cast("string").group_concat(
                ",", order_by=_.step, where=_.starts_visit
            ),
        )
        columns = self.table.columns
        as_before = self.table.drop(*(c for c in outline.columns if c != "journey"))
        table = as_before.inner_join(outline, "journey").select(*columns).cache()
        done = Narrowing(journeys_of(self), words, code, cuts=True)
        return cast("Self", replace(journeys_of(self), trail=part, kept=table, narrowing=done))

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {name: int(number) for number, name in journeys_of(self).names.items()}


def journeys_of(verbs: Narrowed) -> Journeys:
    """Return what the verbs are those of."""
    return cast("Journeys", verbs)


def call(verb: str, *names: Any, **options: Any) -> str:
    """Return the code of a call; options that are None are left out."""
    given = [_quoted(name) for name in names]
    given += [f"{key}={_quoted(value)}" for key, value in options.items() if value is not None]
    return f".{verb}({', '.join(given)})"


def _quoted(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_quoted, value))}]"
    text = repr(value)
    plain = isinstance(value, str) and text[0] == "'" and '"' not in text
    return f'"{text[1:-1]}"' if plain else text
