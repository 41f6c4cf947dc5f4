"""Planned versus actual: where journeys leave the plan, how many do, and how they end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import numpy.typing as npt
import pandas as pd
from ibis import _

from journeylib.core import GROUPS, Estimate, Resampled, did_you_mean, resample, working
from journeylib.journeys.conformance.plan import Alignment, Plan, align
from journeylib.journeys.conformance.process_models import PlanSettings, load_plan
from journeylib.journeys.journeys import Journeys
from journeylib.journeys.walk.tables import START
from journeylib.log import Cells, bounded_share, fetch, protect, share_bounds, suppress

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
    wanted = _plan(journeys, plan)
    over = journeys.table.filter(_.end_kind != "open")
    rows = fetch(
        over.group_by("variant", "group", "end_kind").aggregate(journeys=_.count())
    ).sort_values(["variant", "group", "end_kind"], ignore_index=True)
    codes = sorted(set(rows["variant"]))
    aligned = dict(zip(codes, align(wanted, _named(journeys, codes)), strict=True))
    people = fetch(over.aggregate(n=_.count(), customers=_.customer_no.nunique())).iloc[0]
    total, customers = int(people["n"]), int(people["customers"])
    steps, insertions = _deviations(journeys, over, wanted, aligned, total)
    outcomes = _outcomes(over, rows, aligned)
    minimum = journeys.settings.min_customers
    (insertions, a), before = suppress(insertions, minimum), len(steps) + len(outcomes)
    steps, outcomes = _steps_shown(steps, minimum), _outcomes_shown(outcomes, minimum)
    base = {"n_journeys": total, "n_customers": customers}
    everyone = int(fetch(journeys.table.aggregate(n=_.count()))["n"].iloc[0])
    return Conformance(
        wanted,
        steps,
        insertions,
        outcomes,
        conforming=_whole(rows, aligned, "conforming", base, minimum),
        fitness=_whole(rows, aligned, "fitness", base, minimum),
        journeys=total,
        customers=customers,
        open_journeys=everyone - total,
        never_seen=_never_seen(wanted, journeys),
        suppressed=a + before - len(steps) - len(outcomes),
    )


def _steps_shown(steps: pd.DataFrame, minimum: int) -> pd.DataFrame:
    """Leave out what tells of a few: who took a planned step and who skipped it are everybody."""
    split = steps["kind"].isin(["as_planned", "skipped"]) & ~steps["optional"]
    place = pd.factorize(steps["touchpoint"])[0]
    counts = steps[["journeys", "customers"]].to_numpy(np.int64)
    shown = steps[protect(Cells(counts, (np.where(split, place, -1),)), minimum).exact]
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
    return load_plan(PlanSettings(steps=tuple(plan)), journeys)


def _named(journeys: Journeys, codes: Sequence[str]) -> list[tuple[str, ...]]:
    touchpoints = journeys.whole.touchpoints
    names = dict(
        zip(touchpoints["touchpoint_no"].astype(str), touchpoints["touchpoint"], strict=True)
    )
    return [tuple(names[number] for number in code.split(",")) for code in codes]


def _never_seen(plan: Plan, journeys: Journeys) -> tuple[str, ...]:
    in_log = set(journeys.touchpoints["touchpoint"])
    return tuple(
        f"'{name}'.{did_you_mean(name, in_log)}" for name in plan.steps if name not in in_log
    )


def _marks(aligned: dict[str, Alignment]) -> pd.DataFrame:
    """Say what happened where in each variant, each thing once."""
    marks: dict[tuple[str, str, str, str], None] = {}
    for code, alignment in aligned.items():
        as_planned = {m.touchpoint for m in alignment.moves if m.kind == "as_planned"}
        after = START
        for move in alignment.moves:
            again = move.kind == "inserted" and move.touchpoint in as_planned
            kind = "repeated" if again else str(move.kind)
            marks[code, move.touchpoint, kind, after] = None
            if move.kind == "as_planned":
                after = move.touchpoint
    return pd.DataFrame(list(marks), columns=["variant", *_KEYS, "after"])


def _deviations(
    journeys: Journeys,
    over: ibis.Table,
    plan: Plan,
    aligned: dict[str, Alignment],
    total: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    marks = _marks(aligned)
    steps = _counted(over, marks, _KEYS, total)
    number_of = {name: number for number, name in enumerate(plan.steps, start=1)}
    kinds = {kind: number for number, kind in enumerate(KINDS)}
    steps = steps.assign(
        place=steps["touchpoint"].map(number_of).astype("Int64"),
        optional=steps["touchpoint"].isin(plan.optional),
        _kind=steps["kind"].map(kinds),
    ).sort_values(["place", "touchpoint", "_kind"], na_position="last", ignore_index=True)
    goal = _goals(over, marks, steps) if journeys.settings.every_goal else None
    steps["goal"] = goal.value if goal else np.nan
    steps["goal_lo"] = goal.lo if goal else np.nan
    steps["goal_hi"] = goal.hi if goal else np.nan
    columns = [*_KEYS, "place", "optional", "journeys", "customers", "share"]
    steps = steps[[*columns, "goal", "goal_lo", "goal_hi"]]
    extra = marks[marks["kind"].isin(["inserted", "repeated"])]
    insertions = _counted(over, extra, ["after", *_KEYS], total)
    insertions["_place"] = insertions["after"].map(number_of).fillna(0)
    order = ["_place", "journeys", "touchpoint", "kind"]
    insertions = insertions.sort_values(order, ascending=[True, False, True, True])
    return steps, insertions.drop(columns="_place").reset_index(drop=True)


def _joined(over: ibis.Table, marks: pd.DataFrame, keys: list[str]) -> ibis.Table:
    distinct = marks[["variant", *keys]].drop_duplicates().astype("str")
    return over.join(ibis.memtable(distinct), "variant")


def _counted(over: ibis.Table, marks: pd.DataFrame, keys: list[str], total: int) -> pd.DataFrame:
    if marks.empty:
        empty = pd.DataFrame(columns=[*keys, "journeys", "customers", "share"])
        return empty.astype({"journeys": "int64", "customers": "int64", "share": "float64"})
    counts = fetch(
        _joined(over, marks, keys)
        .group_by(keys)
        .aggregate(journeys=_.journey.nunique(), customers=_.customer_no.nunique())
    )
    return counts.assign(share=counts["journeys"] / max(total, 1))


def _goals(over: ibis.Table, marks: pd.DataFrame, steps: pd.DataFrame) -> Resampled:
    """Share of goals among the journeys of each row of `steps`."""
    rows = fetch(
        _joined(over, marks, _KEYS)
        .group_by([*_KEYS, "group"])
        .aggregate(goals=(_.end_kind == "goal").sum(), journeys=_.count())
    )
    spot = {key: n for n, key in enumerate(steps[_KEYS].itertuples(index=False, name=None))}
    sums = np.zeros((GROUPS, len(steps), 2))
    for touchpoint, kind, group, goals, count in rows[
        [*_KEYS, "group", "goals", "journeys"]
    ].itertuples(index=False, name=None):
        sums[int(group), spot[touchpoint, kind]] = goals, count
    return resample(
        sums,
        lambda s: s[..., 0] / s[..., 1],
        share=True,
        n_customers=steps["customers"].to_numpy(),
        n_trials=steps["journeys"].to_numpy(),
    )


def _outcomes(over: ibis.Table, rows: pd.DataFrame, aligned: dict[str, Alignment]) -> pd.DataFrame:
    follows = rows["variant"].map(lambda code: aligned[code].deviations == 0).to_numpy(bool)
    as_planned = [code for code, alignment in aligned.items() if alignment.deviations == 0]
    is_planned = _.variant.isin(as_planned) if as_planned else ibis.literal(False)
    split = over.mutate(conforming=is_planned)
    size = {"customers": _.customer_no.nunique(), "journeys": _.count()}
    people = fetch(split.group_by("conforming").aggregate(**size)).set_index("conforming")
    behind = fetch(split.group_by("conforming", "end_kind").aggregate(**size))
    behind = behind.set_index(["conforming", "end_kind"])
    tables = []
    for conforming in (True, False):
        if conforming not in people.index:
            continue
        part = rows[follows == conforming]
        sums = np.zeros((GROUPS, len(OUTCOMES), 2))
        for group, end, count in part[["group", "end_kind", "journeys"]].itertuples(
            index=False, name=None
        ):
            sums[int(group), OUTCOMES.index(end), 0] += count
            sums[int(group), :, 1] += count
        base = {name: int(people[name][conforming]) for name in ("journeys", "customers")}
        many = np.ones(len(OUTCOMES), dtype=np.int64)
        shares = resample(
            sums,
            lambda s: s[..., 0] / s[..., 1],
            share=True,
            n_customers=many * base["customers"],
            n_trials=many * base["journeys"],
        )
        columns: dict[str, Any] = {"conforming": conforming, "end": OUTCOMES, **base}
        columns |= {"share": shares.value, "lo": shares.lo, "hi": shares.hi}
        own = behind.reindex([(conforming, end) for end in OUTCOMES], fill_value=0)
        columns |= {"ended": own["journeys"].to_numpy(), "people": own["customers"].to_numpy()}
        tables.append(pd.DataFrame(columns))
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame({"customers": []})


def _whole(
    rows: pd.DataFrame, aligned: dict[str, Alignment], what: str, base: dict[str, int], minimum: int
) -> Estimate:
    estimand = {
        "conforming": "share of journeys that follow the plan to the letter",
        "fitness": "1 − deviations / deviations if nothing matched",
    }[what]
    if base["n_customers"] < minimum:
        return Estimate.none("privacy", "share", estimand=estimand)
    sums: npt.NDArray[np.float64] = np.zeros((GROUPS, 1, 2))
    for code, group, count in rows[["variant", "group", "journeys"]].itertuples(
        index=False, name=None
    ):
        one = aligned[code]
        good, of = (
            (int(one.deviations == 0), 1)
            if what == "conforming"
            else (one.worst - one.deviations, one.worst)
        )
        sums[int(group), 0] += count * good, count * of
    share = resample(
        sums,
        lambda s: s[..., 0] / s[..., 1],
        share=True,
        n_customers=[base["n_customers"]],
        n_trials=[base["n_journeys"]],
    )
    found = Estimate(
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
        return found
    return bounded_share(found, float(sums[:, 0, 0].sum()), base["n_journeys"], minimum=minimum)
