"""Planned versus actual: where journeys leave the plan, how many do, and how they end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from journeylib.core import (
    GROUPS,
    ConfigError,
    Estimate,
    Resampled,
    did_you_mean,
    named_parts,
    refuse_other,
    resample,
    working,
)
from journeylib.journeys.conformance.plan import Alignment, Plan, align
from journeylib.journeys.conformance.process_models import PlanSettings, load_plan
from journeylib.journeys.journeys import Journeys
from journeylib.journeys.walk.counting import count_neighbours, count_units, sum_in_cells
from journeylib.journeys.walk.outline import END_KINDS, GOAL, variant_ways
from journeylib.journeys.walk.tables import START
from journeylib.log import Cells, bounded_share, protect, share_bounds, suppress

KINDS = ("as_planned", "skipped", "inserted", "repeated")
OUTCOMES = ("goal", "bad_end", "other")
_KEYS = ["touchpoint", "kind"]


@dataclass(frozen=True)
class Conformance:
    """Journeys beside a plan; the population is all journeys that are over.

    Attributes
    ----------
    plan : Plan
    steps : pandas.DataFrame
        One row per touchpoint and what happened to it: ``touchpoint``, ``kind``
        (``as_planned``; ``skipped``: planned and not there; ``inserted``: there and not
        planned at this place; ``repeated``: inserted, but also there as planned), ``place``
        (from 1 in the order of the plan, NA where not planned), ``optional`` (bool),
        ``journeys``, ``customers`` (int64), ``share`` (of `journeys`), ``goal``, ``goal_lo``,
        ``goal_hi`` (share of those journeys that reach a goal; NaN without goals). Leaving an
        optional step out is no row.
    insertions : pandas.DataFrame
        What was inserted or repeated, by where: ``after`` (the planned touchpoint before it, or
        `START`), ``touchpoint``, ``kind``, ``journeys``, ``customers``, ``share``.
    outcomes : pandas.DataFrame
        ``conforming`` (bool), ``end``, ``journeys`` (that follow the plan, or do not),
        ``customers``, ``share``, ``lo``, ``hi`` (of those journeys that end so).
    conforming : Estimate
        Share of journeys without any deviation.
    fitness : Estimate
        1 − deviations / deviations if nothing matched, over all journeys.
    journeys, customers, open_journeys : int
        Journeys compared, their customers, and journeys left out for being open still.
    never_seen : tuple of str
        Planned touchpoints that the log does not have, with the nearest name it has.
    suppressed : int
        Rows of the tables left out for resting on too few customers.
    """

    plan: Plan
    steps: pd.DataFrame
    insertions: pd.DataFrame
    outcomes: pd.DataFrame
    conforming: Estimate
    fitness: Estimate
    journeys: int
    customers: int
    open_journeys: int
    never_seen: tuple[str, ...]
    suppressed: int

    __repr__ = named_parts


@working("comparing with the plan")
def planned_vs_actual(
    journeys: Journeys, plan: Sequence[str] | str | Path | PlanSettings | Plan
) -> Conformance:
    """Compare journeys with how they were planned.

    Parameters
    ----------
    journeys : Journeys
    plan : sequence of str, str, Path, PlanSettings or Plan
        An ordered list of steps (``"B?"`` is optional), a process tree as text, or the path of
        a BPMN file.

    Returns
    -------
    Conformance
        Without cells of fewer customers than the journeys' own minimum.

    Raises
    ------
    ConfigError
        If the plan cannot be read.

    Notes
    -----
    Alignments of variants, so each distinct sequence is compared once (see
    `align`). Open journeys are left out: what they still miss they
    may yet do. Grade C: who leaves the plan may have come with another matter.
    """
    refuse_other(journeys, "Journeys")
    wanted = _plan(journeys, plan)
    over, variants = _over(journeys)
    aligned = align(wanted, variants)
    total, customers = len(over), count_neighbours(over["customer"].to_numpy())
    steps, insertions = _deviations(journeys, over, wanted, aligned)
    outcomes = _outcomes(over, aligned)
    minimum = journeys.settings.min_customers
    (insertions, a), before = suppress(insertions, minimum), len(steps) + len(outcomes)
    steps, outcomes = _steps_shown(steps, minimum), _outcomes_shown(outcomes, minimum)
    base = {"n_journeys": total, "n_customers": customers}
    conforming = [(int(one.deviations == 0), 1) for one in aligned]
    fitness = [(one.worst - one.deviations, one.worst) for one in aligned]
    return Conformance(
        wanted,
        steps,
        insertions,
        outcomes,
        conforming=_whole(over, conforming, "conforming", base, minimum),
        fitness=_whole(over, fitness, "fitness", base, minimum),
        journeys=total,
        customers=customers,
        open_journeys=len(journeys.outline) - total,
        never_seen=_never_seen(wanted, journeys),
        suppressed=a + before - len(steps) - len(outcomes),
    )


def _steps_shown(steps: pd.DataFrame, minimum: int) -> pd.DataFrame:
    """Leave out what tells of a few: who took a planned step and who skipped it are everybody."""
    split = steps["kind"].isin(["as_planned", "skipped"]) & ~steps["optional"]
    touchpoint = pd.factorize(steps["touchpoint"])[0]
    counts = steps[["journeys", "customers"]].to_numpy(np.int64)
    shown = steps[protect(Cells(counts, (np.where(split, touchpoint, -1),)), minimum).exact]
    goal = shown["goal"] * shown["journeys"]
    bounds = (
        share_bounds(hits, of, minimum=minimum)
        for hits, of in zip(goal, shown["journeys"], strict=True)
    )
    few = np.array([one is not None for one in bounds], dtype=bool)
    hidden = {name: shown[name].mask(few) for name in ("goal", "goal_lo", "goal_hi")}
    return shown.assign(**hidden).reset_index(drop=True)


def _outcomes_shown(outcomes: pd.DataFrame, minimum: int) -> pd.DataFrame:
    """Leave out ends of a few, of journeys that follow the plan and of those that do not.

    Both add up to how all journeys end, and each to how many follow the plan, or do not.
    """
    if outcomes.empty:
        return outcomes.drop(columns=["ended", "people"], errors="ignore")
    groups = outcomes.drop_duplicates("conforming")
    sizes = groups[["journeys", "customers"]].to_numpy(np.int64)
    large = protect(Cells(sizes, (np.zeros(len(sizes), dtype=np.int64),)), minimum).exact
    named = outcomes["conforming"].isin(groups["conforming"][large]).to_numpy()
    cells = Cells(
        outcomes[["ended", "people"]].to_numpy(np.int64),
        (
            np.where(named, outcomes["conforming"], -1).astype(np.int64),
            pd.Index(OUTCOMES).get_indexer(pd.Index(outcomes["end"])).astype(np.int64),
        ),
        named,
        zeros_shown=True,
    )
    shown = outcomes[protect(cells, minimum).exact].drop(columns=["ended", "people"])
    return shown.reset_index(drop=True)


def _plan(journeys: Journeys, plan: Sequence[str] | str | Path | PlanSettings | Plan) -> Plan:
    if isinstance(plan, Plan):
        return plan
    if isinstance(plan, PlanSettings):
        return load_plan(plan, journeys)
    if isinstance(plan, Path) or (isinstance(plan, str) and plan.endswith(".bpmn")):
        return load_plan(PlanSettings(bpmn=Path(plan)))
    if isinstance(plan, str):
        return load_plan(PlanSettings(tree=plan))
    steps = tuple(plan)
    if not steps or not all(isinstance(step, str) for step in steps):
        raise ConfigError("a plan has at least one step, each as text, such as ['A', 'B?', 'C'].")
    return load_plan(PlanSettings(steps=steps), journeys)


def _over(journeys: Journeys) -> tuple[pd.DataFrame, list[tuple[str, ...]]]:
    """Return the journeys that are over, one row each, and their variants by the number there."""
    outline, name = journeys.outline, journeys.names.__getitem__
    over = ~outline.is_open
    used, variant = np.unique(outline.variants[0][over], return_inverse=True)
    columns = {"customer": outline.customer, "group": outline.group, "end_kind": outline.end_kind}
    ended = pd.DataFrame({"variant": variant} | {k: own[over] for k, own in columns.items()})
    return ended, [tuple(map(name, way)) for way in variant_ways(outline, used)]


def _never_seen(plan: Plan, journeys: Journeys) -> tuple[str, ...]:
    in_log = set(journeys.touchpoints["touchpoint"])
    return tuple(
        f"'{name}'.{did_you_mean(name, in_log)}" for name in plan.steps if name not in in_log
    )


def _marks(aligned: list[Alignment]) -> pd.DataFrame:
    """Say what happened where in each variant, each thing once."""
    marks: dict[tuple[int, str, str, str], None] = {}
    for variant, alignment in enumerate(aligned):
        as_planned = {m.touchpoint for m in alignment.moves if m.kind == "as_planned"}
        after = START
        for move in alignment.moves:
            is_repeat = move.kind == "inserted" and move.touchpoint in as_planned
            kind = "repeated" if is_repeat else str(move.kind)
            marks[variant, move.touchpoint, kind, after] = None
            if move.kind == "as_planned":
                after = move.touchpoint
    rows = pd.DataFrame(list(marks), columns=["variant", *_KEYS, "after"])
    return rows.astype({"variant": "int64"} | dict.fromkeys([*_KEYS, "after"], "str"))


def _deviations(
    journeys: Journeys, over: pd.DataFrame, plan: Plan, aligned: list[Alignment]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    marks = _marks(aligned)
    steps, hits = _counted(over, marks, _KEYS)
    number_of = {name: number for number, name in enumerate(plan.steps, start=1)}
    kinds = {kind: number for number, kind in enumerate(KINDS)}
    steps = steps.assign(
        place=steps["touchpoint"].map(number_of).astype("Int64"),
        optional=steps["touchpoint"].isin(plan.optional),
        _kind=steps["kind"].map(kinds),
    ).sort_values(["place", "touchpoint", "_kind"], na_position="last", ignore_index=True)
    goal = _goals(hits, steps) if journeys.settings.every_goal else None
    steps["goal"] = goal.value if goal else np.nan
    steps["goal_lo"] = goal.lo if goal else np.nan
    steps["goal_hi"] = goal.hi if goal else np.nan
    columns = [*_KEYS, "place", "optional", "journeys", "customers", "share"]
    steps = steps[[*columns, "goal", "goal_lo", "goal_hi"]]
    extra = marks[marks["kind"].isin(["inserted", "repeated"])]
    insertions, _hits = _counted(over, extra, ["after", *_KEYS])
    insertions["_place"] = insertions["after"].map(number_of).fillna(0)
    order = ["_place", "journeys", "touchpoint", "kind"]
    insertions = insertions.sort_values(order, ascending=[True, False, True, True])
    return steps, insertions.drop(columns=["_place", "mark"]).reset_index(drop=True)


def _counted(
    over: pd.DataFrame, marks: pd.DataFrame, keys: list[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Count the journeys and customers of each mark.

    Returns
    -------
    counts : pandas.DataFrame
        The `keys`, the number of the ``mark``, ``journeys``, ``customers``, ``share``.
    hits : pandas.DataFrame
        The journeys with each of their marks: `over` and ``mark``.
    """
    distinct = marks[["variant", *keys]].drop_duplicates()
    distinct["mark"] = distinct.groupby(keys, sort=False).ngroup()
    hits = over.merge(distinct[["variant", "mark"]], on="variant")
    counts = distinct.drop(columns="variant").drop_duplicates("mark")
    mark, many = hits["mark"].to_numpy(), len(counts)
    journeys = np.bincount(mark, minlength=many)
    customers = count_units(mark, hits["customer"].to_numpy(), many)
    share = journeys / max(len(over), 1)
    return counts.assign(journeys=journeys, customers=customers, share=share), hits


def _goals(hits: pd.DataFrame, steps: pd.DataFrame) -> Resampled:
    """Share of goals among the journeys of each row of `steps`."""
    cell = hits["group"].to_numpy(np.int64) * len(steps) + hits["mark"].to_numpy()
    reached = hits["end_kind"].to_numpy() == GOAL
    sums = [np.bincount(own, minlength=GROUPS * len(steps)) for own in (cell[reached], cell)]
    by_mark = np.stack(sums, axis=-1).reshape(GROUPS, len(steps), 2).astype(np.float64)
    return resample(
        by_mark.take(steps["mark"], axis=1),
        lambda s: s[..., 0] / s[..., 1],
        share=True,
        n_customers=steps["customers"].to_numpy(),
        n_trials=steps["journeys"].to_numpy(),
    )


def _outcomes(over: pd.DataFrame, aligned: list[Alignment]) -> pd.DataFrame:
    conforms = np.array([one.deviations == 0 for one in aligned], dtype=bool)[over["variant"]]
    kinds, tables = [END_KINDS.index(end) for end in OUTCOMES], []
    for conforming in (True, False):
        part = over[conforms == conforming]
        if part.empty:
            continue
        end, customer = part["end_kind"].to_numpy(np.int64), part["customer"].to_numpy()
        ended = np.bincount(
            part["group"].to_numpy(np.int64) * len(END_KINDS) + end,
            minlength=GROUPS * len(END_KINDS),
        ).reshape(GROUPS, len(END_KINDS))
        sums = np.stack(np.broadcast_arrays(ended, ended.sum(axis=1, keepdims=True)), axis=-1)
        base = {"journeys": len(part), "customers": count_neighbours(customer)}
        many = np.ones(len(OUTCOMES), dtype=np.int64)
        shares = resample(
            sums.take(kinds, axis=1).astype(np.float64),
            lambda s: s[..., 0] / s[..., 1],
            share=True,
            n_customers=many * base["customers"],
            n_trials=many * base["journeys"],
        )
        columns: dict[str, Any] = {"conforming": conforming, "end": OUTCOMES, **base}
        columns |= {"share": shares.value, "lo": shares.lo, "hi": shares.hi}
        columns |= {
            "ended": ended.sum(axis=0)[kinds],
            "people": count_units(end, customer, len(END_KINDS))[kinds],
        }
        tables.append(pd.DataFrame(columns))
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame({"customers": []})


def _whole(
    over: pd.DataFrame, shares: list[tuple[int, int]], what: str, base: dict[str, int], minimum: int
) -> Estimate:
    """Estimate a share, of which each variant has so many of so many."""
    estimand = {
        "conforming": "share of journeys that follow the plan to the letter",
        "fitness": "1 − deviations / deviations if nothing matched",
    }[what]
    if base["n_customers"] < minimum:
        return Estimate.none("privacy", "share", estimand=estimand)
    own = np.array(shares, dtype=np.int64)[over["variant"]]
    group = over["group"].to_numpy()
    by_group = [sum_in_cells(group, amount, GROUPS) for amount in own.T]
    sums = np.stack(by_group, axis=-1)[:, None].astype(np.float64)
    share = resample(
        sums,
        lambda s: s[..., 0] / s[..., 1],
        share=True,
        n_customers=[base["n_customers"]],
        n_trials=[base["n_journeys"]],
    )
    estimate = Estimate(
        float(share.value[0]),
        "share",
        float(share.lo[0]),
        float(share.hi[0]),
        n_journeys=base["n_journeys"],
        n_customers=base["n_customers"],
        estimand=estimand,
        method="cost-based alignments of variants; intervals by customer group",
        assumptions=("open journeys are left out",),
    )
    if what == "fitness":
        return estimate
    return bounded_share(estimate, float(sums[:, 0, 0].sum()), base["n_journeys"], minimum=minimum)
