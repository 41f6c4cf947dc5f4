"""Narrowing: which journeys remain after a verb, how many of how many, and the code for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from journeylib.core import ConfigError
from journeylib.journeys.segmentation.rules import JourneySettings
from journeylib.journeys.walk.counting import count_neighbours
from journeylib.journeys.walk.events import Events
from journeylib.journeys.walk.outline import Outline
from journeylib.log import EventLog

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Narrowing:
    """What one verb did.

    Attributes
    ----------
    before : Narrowed
        What it was applied to.
    words : str
        What remains, as people say it.
    code : str
        The call, with its leading dot.
    cuts : bool
        Whether it keeps a part of each journey, rather than whole journeys.
    """

    before: Narrowed
    words: str
    code: str
    cuts: bool = False


class Narrowed:
    """What `Journeys` know of the verbs that were applied to them."""

    log: EventLog
    settings: JourneySettings
    log_events: Events
    narrowing: Narrowing | None
    keys_of_type: dict[str, npt.NDArray[np.int64]]

    if TYPE_CHECKING:

        @property
        def names(self) -> dict[int, str]: ...  # noqa: D102

        @property
        def has_clock(self) -> bool: ...  # noqa: D102

        def has(self, column: str) -> bool: ...  # noqa: D102

        @cached_property
        def outline(self) -> Outline: ...  # noqa: D102

        @property
        def events(self) -> Events: ...  # noqa: D102

    def rest(self) -> Self:
        """Return the journeys that were left out: those of the whole that are not among these."""
        if self.narrowing is None:
            raise ConfigError("rest: nothing was left out of these journeys yet.")
        whole = self.whole
        others = ~whole._holding(self.outline.key)
        return whole._keep(others, f"all but those {self.words}", call("rest"), code_of=self)

    @property
    def whole(self) -> Self:
        """The journeys before any verb was applied."""
        journeys = self
        while journeys.narrowing is not None:
            journeys = cast("Self", journeys.narrowing.before)
        return journeys

    @property
    def applied(self) -> tuple[Narrowing, ...]:
        """What the verbs did, the first one first."""
        steps: list[Narrowing] = []
        step = self.narrowing
        while step is not None:
            steps.append(step)
            step = step.before.narrowing
        return tuple(reversed(steps))

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
        return len(self.outline), self.outline.customers

    @property
    def remaining(self) -> str:
        """How many journeys remain of how many, and which; no number below the minimum."""
        (journeys, customers), (every, _people) = self.size, self.whole.size
        minimum = self.settings.min_customers
        which = f": {self.words}" if self.words else ""
        if not journeys:
            return f"no journey of {every:,} remains{which}"
        if customers < minimum:
            return (
                f"journeys of fewer than {minimum} customers remain of {every:,} journeys, too few "
                f"to be shown{which}"
            )
        if not self._is_shown([self.whole]):
            return (
                f"all but journeys of fewer than {minimum} customers remain of {every:,} journeys, "
                f"too few to be told apart{which}"
            )
        if not self.differs_enough:
            return (
                f"these journeys differ from an earlier group by fewer than {minimum} customers, "
                f"too few to be told apart{which}"
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
            ``customers`` (Int64; missing where fewer than the minimum of customers remain, or
            fewer were left out since a row that has them), ``share`` (float64, of all journeys).
        """
        stages = [step.before for step in self.applied] + [self]
        every = max(stages[0].size[0], 1)
        rows: list[dict[str, Any]] = []
        counted: list[Narrowed] = []
        for stage in stages:
            journeys, customers = stage.size
            shown = stage._is_shown(counted) and stage.differs_enough
            counted += [stage] if shown else []
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

    def _is_shown(self, counted: Sequence[Narrowed]) -> bool:
        """Whether the counts may be shown beside those of what these journeys are a part of.

        Neither those that remain nor those that were left out are of a few customers: one is the
        other by subtraction.
        """
        minimum = self.settings.min_customers
        if len(self.outline) and self.size[1] < minimum:
            return False
        for earlier in counted:
            out = ~earlier._holding(self.outline.key)
            if 0 < count_neighbours(earlier.outline.customer[out]) < minimum:
                return False
        return True

    @property
    def may_be_counted(self) -> bool:
        """Whether counts may be shown beside those of the whole and of every earlier group."""
        return self.narrowing is None or (self._is_shown([self.whole]) and self.differs_enough)

    @property
    def nothing(self) -> Self:
        """None of these journeys, under the same words: what is shown of a group too small."""
        return self._keep(np.zeros(len(self.outline), dtype=bool), self.words, "")

    @cached_property
    def differs_enough(self) -> bool:
        """Whether no group of these journeys that was shown before differs by a few customers.

        Two groups that are nearly alike tell of the few by subtraction. The first one asked for
        is shown. Journeys that are rebuilt begin anew.
        """
        whole = self.whole
        own = whole._holding(self.outline.key)
        for earlier in whole.groups_shown:
            customers = count_neighbours(whole.outline.customer[earlier != own])
            if 0 < customers < self.settings.min_customers:
                return False
        whole.groups_shown.append(own)
        return True

    @cached_property
    def groups_shown(self) -> list[Flags]:
        """Mark the journeys of each group whose counts were shown; kept by the whole alone."""
        return []

    def _holding(self, keys: npt.NDArray[np.int64]) -> Flags:
        """Mark these journeys that are among `keys`, which are all theirs."""
        flags = np.zeros(len(self.outline), dtype=bool)
        # Journeys lie in the order of their keys.
        flags[np.searchsorted(self.outline.key, keys)] = True
        return flags

    # --- how a verb is carried out ------------------------------------------------------------

    def _keep(self, mask: Flags, words: str, code: str, *, code_of: Narrowed | None = None) -> Self:
        """Keep the journeys that are marked."""
        for done in reversed(self.applied):
            if done.cuts:
                break
            if done.code == code and code_of is None:
                return self
        if code_of is not None:
            code = code_of.code.removeprefix("journeys") + code
        number = np.flatnonzero(mask)
        rows = self.events.of_journeys(number)
        return self._left(rows, number, Narrowing(self, words, code))

    def _keep_part(self, mask: Flags, words: str, code: str) -> Self:
        """Keep the events that are marked; the rest of a journey's row is as it was."""
        if self.narrowing is not None and self.narrowing.code == code:
            return self
        number = np.unique(self.events.journey[mask]).astype(np.int64)
        done = Narrowing(self, words, code, cuts=True)
        return self._left(self.events.only(mask), number, done)

    def _left(self, events: Events, journeys: npt.NDArray[np.int64], narrowing: Narrowing) -> Self:
        outline = self.outline.of(events, journeys)
        # Only a data class has verbs: `Journeys`.
        return cast("Self", replace(cast("Any", self), narrowing=narrowing, outline_left=outline))

    def _with_event(self, marked: Flags) -> Flags:
        """Mark the journeys with an event that is marked."""
        flags = np.zeros(len(self.outline), dtype=bool)
        flags[self.events.journey[marked]] = True
        return flags

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {name: int(number) for number, name in self.names.items()}


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
