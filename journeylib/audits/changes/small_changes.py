"""Small changes: a cell whose change since the run before rests on few customers keeps its number.

Two runs of one log see mostly the same events. Who subtracts the one from the other would see what
the few customers did that came in between.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, is_dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from journeylib.audits.document.content import clean, estimate_entry
from journeylib.audits.history import Entry
from journeylib.audits.result.build import BETWEEN_TOUCHPOINTS
from journeylib.core import US_PER_DAY, Estimate, current_catalogue, day_of
from journeylib.journeys import Journeys, Structure
from journeylib.judge import Judgement
from journeylib.log import EventLog, fetch, protect_parts
from journeylib.measures import OF_PERSONS, STATES, Evidence, Reach

COUNTS = ("events", "journeys", "customers", "n_events", "n_journeys", "n_customers")
BASES = ("n_events", "n_journeys", "n_customers")
COUNTED = (*COUNTS, "sessions", *STATES, "cases")
# Columns with shares, and what they may be of.
SHARES = {"value": BASES, "goal": ("journeys",), "verified": ("sessions",)}
TOTALS = {"events": "events", "journeys": "journeys", "customers": "customers",
          "open": "open_journeys", "cut_off": "cut_off_journeys"}  # fmt: skip
# Fields that hold sentences, which every run words in its own language.
SENTENCES = {"text", "reasons", "next_datum", "source", "why_not", "refused", "no_waits",
             "assumptions", "unknown"}  # fmt: skip
WHOLE_NUMBERS = (np.dtype(np.int64), np.dtype(np.int32))
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Before:
    """The run before, and who came since.

    Attributes
    ----------
    entry : Entry
    minimum : int
        Fewest customers on whom a change rests that is shown.
    visitors : mapping of str to int
        Customers at each touchpoint on the days after that run's last one; "" is the whole log.
    few : bool
        Fewer than `minimum` customers came since, and fewer came or went: nothing changes.
    shown, stable : frozenset of str
        Touchpoints that this run shows, and those of them that keep all their numbers.
    """

    entry: Entry
    minimum: int
    visitors: Mapping[str, int] = field(repr=False)
    few: bool
    shown: frozenset[str] = frozenset()
    stable: frozenset[str] = frozenset()

    @property
    def is_foreign(self) -> bool:
        """Whether the run before was in another language than the one in use."""
        return self.entry.language != current_catalogue().language


def closed_log(log: EventLog, last: Entry | None, minimum: int) -> tuple[EventLog, dt.date | None]:
    """Return a log to the last day of the run before, where few customers came after that day.

    So the end of the log moves by whole days only, and with the minimum of customers; until then
    every number is of the same events. Where nobody came, nothing is left out.

    Returns
    -------
    log : EventLog
    day : datetime.date or None
        Its last day, where something was left out.
    """
    since = None if last is None else _since(last)
    if since is None or not log.has_clock or minimum <= 1:
        return log, None
    events, outcomes = log.events, log.outcomes
    visitors = fetch(
        events.filter(events.t_us >= since).aggregate(customers=events.customer.nunique())
    )["customers"].iloc[0]
    if not 0 < int(visitors or 0) < minimum:
        return log, None
    if outcomes is not None:
        for time in (outcomes.t_us, outcomes.asked_us):
            outcomes = outcomes.filter(time.isnull() | (time < since))
    cut = replace(log, events=events.filter(events.t_us < since), outcomes=outcomes)
    return cut, day_of(since - 1)


def _since(last: Entry) -> int | None:
    """Return the midnight after the last day of a run; None without a clock."""
    days = last.document["audit"]["period"]
    if days is None:
        return None
    return ((dt.date.fromisoformat(days[1]) - dt.date(1970, 1, 1)).days + 1) * US_PER_DAY


def run_before(
    journeys: Journeys, entry: Entry | None, definitions: Mapping[str, str]
) -> Before | None:
    """Return what small changes are measured against; None where nothing need be kept.

    Parameters
    ----------
    journeys : Journeys
    entry : Entry or None
        The run before.
    definitions : mapping of str to str
        Fingerprints of what the numbers of this run rest on; under others, cells cannot be
        subtracted. Nor can they where both runs share no day.
    """
    minimum = journeys.settings.min_customers
    if entry is None or minimum <= 1 or entry.definitions != definitions:
        return None
    events, since = journeys.events, None if journeys.first_us is None else _since(entry)
    if since is not None and journeys.first_us is not None and journeys.first_us >= since:
        return None
    new = np.zeros(len(events), bool) if since is None else events.t_us >= since
    pairs = np.unique(np.stack([events.touchpoint[new], events.customer[new]]), axis=1)
    many = np.bincount(pairs[0], minlength=len(journeys.names))
    visitors = {name: int(many[number]) for number, name in journeys.names.items()}
    visitors[""] = len(np.unique(pairs[1]))
    more = abs(journeys.outline.customers - int(entry.document["log"]["customers"]))
    return Before(entry, minimum, visitors, max(visitors[""], more) < minimum)


def kept_rows(
    now: pd.DataFrame,
    table: str | pd.DataFrame,
    key: Sequence[str],
    before: Before,
    *,
    lines: Sequence[str] = (),
    whole: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Give the rows of a published table back the numbers of the run before, where few changed.

    Parameters
    ----------
    now : pandas.DataFrame
        Row: one cell. Counts are the columns `COUNTED`, shares of them `SHARES`.
    table : str or DataFrame
        Name of the file in which the run before kept the same table; or what its document held.
    key : sequence of str
        Columns that name a row.
    before : Before
    lines : sequence of str
        Columns within whose values the rows add up to a total that is shown ("": all rows do).
        What changes there in kept rows is none, or at least the minimum in at least two rows.
    whole : pandas.DataFrame, optional
        The counts of all rows, those of few customers too. Without it, a row that is no longer
        shown stays where few may have left it.

    Returns
    -------
    pandas.DataFrame
        Every row is as it was in the run before, or each of its counts differs by none or by at
        least the minimum, and so do the cases of its share.

    Notes
    -----
    A row changes only where at least the minimum of customers are more or fewer, or came since.
    """
    earlier = before.entry.table(table) if isinstance(table, str) else table
    if earlier is None or set(earlier) != set(now) or earlier.duplicated(list(key)).any():
        return now
    earlier = as_computed(earlier[list(now)], now)
    if before.is_foreign:
        earlier = _worded(earlier, now, key, before.minimum)
    if before.few:
        return earlier
    new, old = now.set_index(list(key)), earlier.set_index(list(key))
    both = new.index.intersection(old.index, sort=False)
    few = _rest_on_few(new.loc[both], old.loc[both, new.columns], before)
    for line in lines:
        few |= _secondary_rows(new.loc[both], old.loc[both], line, before.minimum)
    left = old.loc[old.index.difference(both, sort=False), new.columns]
    lost = left[_left_by_few(left, None if whole is None else whole.set_index(list(key)), before)]
    rows = [new.drop(both[few]), old.loc[both[few], new.columns], lost]
    result = pd.concat([rows for rows in rows if len(rows)] or [new])
    result = result.loc[[*new.index, *lost.index]]
    result.index.names = list(key)
    result = as_computed(result.reset_index()[list(now)], now)
    result.attrs |= now.attrs
    return result


def is_alike(now: Any, old: Any, minimum: int, name: str = "text") -> bool:
    """Return whether a part is what was published, in words alone another.

    Its sentences hold the same runs of digits, in any order: languages place and part numbers
    otherwise.
    """
    if isinstance(now, Estimate):
        now = estimate_entry(now, minimum) if isinstance(old, Mapping) else now.value
    elif isinstance(now, pd.DataFrame):
        now = now.to_dict("records")
    elif is_dataclass(now):
        now = vars(now)
    if isinstance(now, Mapping) and isinstance(old, Mapping):
        both = now.keys() & old.keys()
        return all(is_alike(now[one], old[one], minimum, one) for one in both)
    if isinstance(now, list | tuple) and isinstance(old, list | tuple):
        pairs = zip(now, old, strict=False)
        return len(now) == len(old) and all(is_alike(*pair, minimum, name) for pair in pairs)
    if name in SENTENCES and isinstance(now, str) and isinstance(old, str):
        return sorted(re.findall(r"\d+", now)) == sorted(re.findall(r"\d+", old))
    return bool(clean(now) == clean(old))


def with_sentences(row: Mapping[Any, Any], now: Mapping[Any, Any]) -> dict[Any, Any]:
    """Return a row with the sentences of this run; its numbers stay to the last digit."""
    return {**row, **{name: now[name] for name in SENTENCES & now.keys()}}


def _worded(
    earlier: pd.DataFrame, now: pd.DataFrame, key: Sequence[str], minimum: int
) -> pd.DataFrame:
    """Return published rows; those that differ in words alone have the sentences of this run."""
    latest = {tuple(row[name] for name in key): row for row in now.to_dict("records")}
    rows = []
    for row in earlier.to_dict("records"):
        new = latest.get(tuple(row[name] for name in key))
        rows.append(with_sentences(row, new) if new and is_alike(new, row, minimum) else row)
    return as_computed(pd.DataFrame(rows, columns=list(now)), now)


def as_computed(rows: pd.DataFrame, now: pd.DataFrame) -> pd.DataFrame:
    """Give rows of a file the types of a computed table: what is missing among words is None.

    A whole number that was not shown was of a few, and any count of a few is not shown again.
    """
    whole = [name for name in rows if now[name].dtype in WHOLE_NUMBERS and rows[name].isna().any()]
    rows = rows.fillna(dict.fromkeys(whole, 1)).astype(now.dtypes.to_dict())
    for name in (name for name in rows if rows[name].dtype == object):
        missing = None if _holds_none(now[name]) else np.nan
        words = [missing if pd.isna(one) else one for one in rows[name]]
        rows[name] = pd.Series(words, dtype=object)
    return rows


def _holds_none(column: pd.Series[Any]) -> bool:
    """Return whether a column of objects marks by None what is missing, as those of words do."""
    return not any(isinstance(one, float) for one in column)


def _rest_on_few(new: pd.DataFrame, old: pd.DataFrame, before: Before) -> Bools:
    """Return which rows differ, and may do so for fewer customers than the minimum."""
    moved = _moved(new, old)
    fits = ((moved == 0) | (moved >= before.minimum)).all(axis=1).to_numpy(bool, copy=True)
    names = [name for name in ("customers", "n_customers") if name in moved]
    people = moved[names[0]].to_numpy() if names else np.full(len(new), before.visitors.get("", 0))
    is_stable = np.zeros(len(new), bool)
    if "touchpoint" in new.index.names:
        touchpoints = new.index.get_level_values("touchpoint")
        is_stable = touchpoints.isin(before.stable)
        if "segment" not in new.index.names:
            people = np.maximum(people, [before.visitors.get(str(name), 0) for name in touchpoints])
    fits &= (people >= before.minimum) & _shares_fit(new, old, before.minimum) & ~is_stable
    same = (new.eq(old) | (new.isna() & old.isna())).all(axis=1).to_numpy(bool)
    return np.asarray(~same & ~fits)


def _moved(new: pd.DataFrame, old: pd.DataFrame) -> pd.DataFrame:
    """Return by how much the counts differ; by one, where only one of both runs shows them."""
    counts = [name for name in COUNTED if name in new]
    after, earlier = (frame[counts].astype("Int64") for frame in (new, old))
    moved = (after - earlier).abs().mask(after.isna() != earlier.isna(), 1)
    return moved.fillna(0).astype(np.int64)


def _shares_fit(new: pd.DataFrame, old: pd.DataFrame, minimum: int) -> Bools:
    """Return where the cases of a share, and the others, differ by none or by the minimum.

    Of persons, none says something too. The share may be of any of the row's bases.
    """
    fit = np.ones(len(new), bool)
    for share in (name for name in SHARES if name in new and (name != "value" or "unit" in new)):
        fits = _share_fits(new, old, share, minimum)
        fit &= fits if share != "value" else fits | (new["unit"] != "share").to_numpy(bool)
    return fit


def _share_fits(new: pd.DataFrame, old: pd.DataFrame, share: str, minimum: int) -> Bools:
    persons = np.zeros(len(new), bool)
    if "measure" in new.index.names:
        persons = new.index.get_level_values("measure").isin(OF_PERSONS)
    values = [frame[share].astype(np.float64) for frame in (new, old)]
    # A share in place of bounds, or the other way round, tells of a few as well.
    fit = (values[0].isna() == values[1].isna()).to_numpy(bool, copy=True)
    for base in (name for name in SHARES[share] if name in new):
        having = [value * frame[base] for value, frame in zip(values, (new, old), strict=True)]
        others = [frame[base] - some for some, frame in zip(having, (new, old), strict=True)]
        for after, earlier in (having, others):
            moved = (after - earlier).abs().round().to_numpy(np.float64)
            fit &= np.isnan(moved) | (moved >= minimum) | ((moved == 0) & ~persons)
    return np.asarray(fit)


def _secondary_rows(new: pd.DataFrame, old: pd.DataFrame, line: str, minimum: int) -> Bools:
    """Return the rows to keep, so that no total of a line gives the change of a kept one away."""
    moved, secondary = _moved(new, old), np.zeros(len(new), bool)
    people = "customers" if "customers" in moved else "journeys"
    cases = next(name for name in ("events", "sessions", "journeys") if name in moved)
    groups = new.index.get_level_values(line) if line else np.zeros(len(new))
    for one in pd.unique(groups):
        here = np.flatnonzero(groups == one)
        by, many = (moved[name].to_numpy(np.int64)[here] for name in (people, cases))
        secondary[here] = ~protect_parts(by[None], many[None], minimum)[0] & (many > 0)
    return secondary


def _left_by_few(left: pd.DataFrame, whole: pd.DataFrame | None, before: Before) -> Bools:
    """Return which rows that are no longer shown may have lost fewer than the minimum."""
    people = "customers" if "customers" in left else "n_customers"
    if people not in left:
        return np.zeros(len(left), bool)
    had = left[people].to_numpy(np.int64)
    if whole is None:
        left_by_few = had < 2 * before.minimum - 1
        if "touchpoint" in left.index.names and before.shown:
            left_by_few &= left.index.get_level_values("touchpoint").isin(before.shown)
        return np.asarray(left_by_few)
    still = whole[people].reindex(left.index).fillna(0).to_numpy(np.int64)
    return np.asarray((still > 0) & (had - still < before.minimum))


def kept_evidence(
    evidence: Evidence, journeys: Journeys, before: Before | None
) -> tuple[Evidence, Before | None]:
    """Keep the cells of the evidence that few customers changed, before anything is judged.

    Returns
    -------
    evidence : Evidence
        Its totals, touchpoints, transitions, variants, estimates, experience and flow are those
        to publish.
    before : Before or None
        With the touchpoints that keep all their numbers.
    """
    if before is None:
        return evidence, None
    points = kept_rows(
        evidence.touchpoints, "touchpoints", ["touchpoint"], before, lines=[""],
        whole=journeys.touchpoints,
    ).sort_values(["median_position", "touchpoint"], ignore_index=True)  # fmt: skip
    old = before.entry.table("touchpoints")
    stands = points.merge(points if old is None else old, on=["touchpoint", *COUNTS[:3]])
    shown, stable = (frozenset(table["touchpoint"]) for table in (points, stands))
    before = replace(before, shown=shown, stable=stable)
    estimates = _estimates(evidence, points, before)
    edges = kept_rows(
        evidence.transitions, "transitions", ["source", "target"], before, whole=journeys.edges
    )
    return replace(
        evidence,
        totals=_totals(evidence.totals, before),
        touchpoints=points,
        transitions=edges,
        variants=_variants(evidence.variants, before),
        estimates=estimates,
        draws=_draws(evidence, estimates),
        experience=kept_rows(evidence.experience, "experience", ["touchpoint"], before),
        flow=kept_estimates(evidence.flow, before.entry.document["flow"], before),
    ), before


def _totals(totals: Mapping[str, Any], before: Before) -> dict[str, Any]:
    log = before.entry.document["log"]
    # What the run before did not show was of a few, and any count of a few is not shown again.
    old = {name: 1 if log[as_] is None else int(log[as_]) for name, as_ in TOTALS.items()}
    if before.few:
        return dict(totals) | old | {"suppressed": log["suppressed_cells"]}
    index = pd.Index([""], name="touchpoint")
    new, last = (pd.DataFrame([one], index=index)[list(COUNTS[:3])] for one in (totals, old))
    if _rest_on_few(new, last, before)[0]:
        return dict(totals) | old
    least = {name: before.minimum * (2 if log[as_] is None else 1) for name, as_ in TOTALS.items()}
    few = [name for name in TOTALS if abs(totals[name] - old[name]) < least[name]]
    return dict(totals) | {name: old[name] for name in few}


def _estimates(evidence: Evidence, points: pd.DataFrame, before: Before) -> pd.DataFrame:
    """Return the estimates of the touchpoints that are shown, in their order."""
    rows = kept_rows(evidence.estimates, "estimates", ["touchpoint", "measure"], before)
    rows = rows[rows["touchpoint"].isin(points["touchpoint"])]
    order = {name: number for number, name in enumerate(points["touchpoint"])}
    return rows.sort_values(
        "touchpoint", key=lambda names: names.map(order), kind="stable", ignore_index=True
    )


def _draws(evidence: Evidence, estimates: pd.DataFrame) -> dict[str, npt.NDArray[np.float64]]:
    """Move the draws to the numbers that are kept; bounds that are kept are drawn from evenly."""
    key, ends = ["touchpoint", "measure"], ["value", "lo", "hi"]
    fresh = evidence.estimates[[*key, *ends]]
    rows = estimates.merge(fresh, "left", on=key, suffixes=("", "_now"), sort=False)
    columns = pd.Index(evidence.touchpoints["touchpoint"]).get_indexer(rows["touchpoint"])
    same = columns >= 0
    for end in ends:
        same &= rows[end].eq(rows[f"{end}_now"]) | (rows[end].isna() & rows[f"{end}_now"].isna())
    result = {}
    for measure, draws in evidence.draws.items():
        here = np.flatnonzero(rows["measure"] == measure)
        result[measure] = draws[:, columns[here]]
        for column, number in enumerate(here):
            if same[number]:
                continue
            estimate, now = rows.iloc[number], float(rows["value_now"].iloc[number])
            if np.isnan(estimate["value"]):
                result[measure][:, column] = np.linspace(estimate["lo"], estimate["hi"], len(draws))
            elif columns[number] < 0 or np.isnan(now):
                result[measure][:, column] = estimate["value"]
            else:
                result[measure][:, column] += estimate["value"] - now
    return result


def _variants(variants: pd.DataFrame, before: Before) -> pd.DataFrame:
    """Keep variants, which a run keeps as words."""
    words = {BETWEEN_TOUCHPOINTS.join(names): names for names in variants["variant"]}
    rows = kept_rows(variants.assign(variant=list(words)), "variants", ["variant"], before)
    names = [words.get(one, tuple(one.split(BETWEEN_TOUCHPOINTS))) for one in rows["variant"]]
    return rows.assign(variant=pd.Series(names, dtype=object))


def kept_estimates(
    now: Mapping[str, Estimate], earlier: Mapping[str, Any], before: Before
) -> dict[str, Estimate]:
    """Give estimates of the whole log back what the document of the run before says of them."""
    estimates = dict(now)
    for name, old in earlier.items():
        if name not in now:
            continue
        index = pd.MultiIndex.from_tuples([("", name)], names=["touchpoint", "measure"])
        new, last = (pd.DataFrame([one], index=index) for one in (now[name].to_dict(), old))
        if before.few or _rest_on_few(new, last, before)[0]:
            estimates[name] = as_before(now[name], old)
    return estimates


def as_before(now: Estimate, old: Mapping[str, Any]) -> Estimate:
    """Return an estimate with the number, base and grade that the run before gave it."""
    return replace(now, **{name: value for name, value in old.items() if name != "unit"})


def changes_by_few(now: Mapping[str, Any], old: Mapping[str, Any], before: Before) -> bool:
    """Return whether counts of one thing differ, and may do so for fewer than the minimum."""
    new, last = (pd.DataFrame([{name: one[name] for name in now}]) for one in (now, old))
    return before.few or bool(_rest_on_few(new, last, before)[0])


def kept_judgement(judgement: Judgement, before: Before | None) -> Judgement:
    """Keep the scores of touchpoints that keep all their numbers: draws differ at each run."""
    if before is None:
        return judgement
    words = {name: judgement.scores[name].map("\n".join) for name in ("vetoes", "reasons")}
    scores = kept_rows(judgement.scores.assign(**words), "scores", ["touchpoint"], before)
    parts = {
        name: [tuple(one.split("\n")) if one else () for one in scores[name]] for name in words
    }
    key = ["touchpoint", "axis", "indicator"]
    return replace(
        judgement,
        scores=scores.assign(**{n: pd.Series(some, dtype=object) for n, some in parts.items()}),
        indicators=kept_rows(judgement.indicators, "indicators", key, before),
    )


def kept_reach(reach: Reach, before: Before | None) -> Reach:
    """Keep the cells of stages and segments that few customers changed."""
    if before is None:
        return reach
    cells = ["segment", "touchpoint"]
    months = ["month", "touchpoint"]
    return replace(
        reach,
        months=kept_rows(reach.months, "months", months, before, lines=["touchpoint"]),
        stages=kept_rows(reach.stages, "stages", ["segment", "stage"], before),
        segments=kept_rows(reach.segments, "segments", cells, before, lines=cells),
    )


def kept_structure(structure: Structure | None, before: Before | None) -> Structure | None:
    """Keep the cells of journey ends and of the chain that few customers changed."""
    if before is None or structure is None:
        return structure
    chain = kept_rows(structure.chain.table, "chain", ["touchpoint", "measure"], before)
    named = chain.set_index(["touchpoint", "measure"])
    turns = structure.chain.points_of_no_return
    goal = named.reindex([(name, "p_goal") for name in turns["touchpoint"]])
    visited = named.reindex([(name, "visited") for name in turns["touchpoint"]])
    turns = turns.assign(
        p_goal=goal["value"].to_numpy(), lo=goal["lo"].to_numpy(), hi=goal["hi"].to_numpy(),
        visited=visited["value"].to_numpy(), n_customers=goal["n_customers"].to_numpy(),
    )  # fmt: skip
    key = ["touchpoint", "end"]
    return replace(
        structure,
        ends=kept_rows(structure.ends, "ends", key, before, lines=["touchpoint"]),
        chain=replace(structure.chain, table=chain, points_of_no_return=turns),
    )
