"""What changed since the run before: data first, then definitions, then mix, then performance."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from journeylib.audits.breaks import broken_feeds, renamed, silence
from journeylib.audits.drift import TEST_COLUMNS, ChangeSettings, drifts, presentable
from journeylib.audits.telling import EPOCH, KINDS, Change, Teller
from journeylib.estimate import percent, rounded
from journeylib.journeys.steps import US_PER_DAY
from journeylib.measures.streams import EVENTS, STREAM_COLUMNS, Periods, streams

if TYPE_CHECKING:
    from journeylib.audits.config import AuditConfig
    from journeylib.audits.history import Entry, History
    from journeylib.audits.run import Audit
    from journeylib.journeys.steps import Journeys
    from journeylib.measures.sentiment import Scores

ONE_PERCENT = 0.01
PARTS = {
    "log": "which part of the log is read",
    "roles": "which column plays which role",
    "mapping": "the company's table of touchpoints",
    "stitching": "how events of one person are found",
    "journeys": "how journeys are cut",
    "cut": "the cut that the log itself led to",
    "measures": "windows and minimum bases of the measures",
    "judge": "anchors, weights and thresholds of the verdicts",
}
JUDGED = ("judge",)  # what verdicts rest on, but no stream


@dataclass(frozen=True)
class Changes:
    """What changed, and what it was compared with.

    Attributes
    ----------
    found : tuple of Change
        In the order data quality, definition, mix, performance; the largest first.
    note : str
        What was compared, or why nothing could be.
    previous : str or None
        Run id of the run before, in the order of as-of days.
    period : tuple of (str, str) or None
        First and last day of the last period.
    references : int
        Earlier periods it is compared with, at most.
    compared : int
        Streams that were compared.
    definitions : mapping of str to str
        Fingerprints of what the numbers rest on.
    standing : mapping of str to str
        Touchpoint to the verdict that stands: the last one that was sure.
    streams : pandas.DataFrame
        The last period's streams, small cells left out: what the history keeps of this run.
    tests : pandas.DataFrame
        Every stream that was compared, as from `drift.drifts`; small cells left out.
    used : tuple of str
        Run ids of the history that this result rests on.
    """

    found: tuple[Change, ...] = ()
    note: str = "No run before this one is known."
    previous: str | None = None
    period: tuple[str, str] | None = None
    references: int = 0
    compared: int = 0
    definitions: Mapping[str, str] = field(default_factory=dict)
    standing: Mapping[str, str] = field(default_factory=dict)
    streams: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=[*STREAM_COLUMNS]))
    tests: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=[*TEST_COLUMNS]))
    used: tuple[str, ...] = ()

    @property
    def significant(self) -> tuple[Change, ...]:
        """The changes that are alarms."""
        return tuple(change for change in self.found if change.significant)


def find_changes(audit: Audit, history: History) -> Changes:
    """Compare the last period of an audit with those before, and with the run before.

    Parameters
    ----------
    audit : Audit
    history : History
        Earlier runs of the same audit; those as of the same day or later are not looked at.

    Returns
    -------
    Changes

    Notes
    -----
    Two runs of one audit see mostly the same events, so their totals say little about what is
    new. Compared are periods of the log that share no event: the last whole one before the
    as-of day with those before it, all measured under today's definitions. Where the log no
    longer holds earlier periods, those that earlier runs kept stand in, if they were measured
    alike. A broken feed ends the comparison; renamed touchpoints are left out of it.
    """
    before = history.before(audit.as_of)
    previous = before[-1] if before else None
    told = definitions(audit)
    standing = standing_verdicts(audit, previous)
    changes = Changes(
        previous=previous.run_id if previous else None,
        definitions=told,
        standing=standing,
        used=(previous.run_id,) if previous else (),
    )
    found = [*_worse_quality(audit, previous), *_new_definitions(told, previous)]
    verdicts = list(_verdicts(audit, previous, told, standing))
    if not audit.journeys.has_clock or audit.journeys.first_us is None:
        note = "Periods cannot be compared: the log has no clock."
        return replace(changes, found=_ordered([*found, *verdicts]), note=note)
    alike = [entry for entry in before if _measured_alike(entry, told)]
    looked = compare_periods(
        audit.journeys,
        audit.config,
        audit.as_of,
        scores=audit.evidence.turn_scores,
        kept={entry.run_id: entry.streams for entry in alike if entry.streams is not None},
    )
    found += [*looked.found, *([] if looked.broken else verdicts)]
    since = (
        f"The run before was as of {previous.as_of.isoformat()}. " if previous
        else "There is no run before this one. "
    )  # fmt: skip
    return replace(
        changes,
        found=_ordered(found),
        note=since + looked.note,
        period=looked.period,
        references=looked.references,
        compared=len(looked.tests),
        streams=looked.streams,
        tests=looked.tests,
        used=tuple(dict.fromkeys((*changes.used, *looked.used))),
    )


@dataclass(frozen=True)
class Looked:
    """The last period beside those before it; see `Changes` for what is in it."""

    found: tuple[Change, ...]
    note: str
    period: tuple[str, str]
    references: int
    streams: pd.DataFrame
    tests: pd.DataFrame
    broken: bool
    used: tuple[str, ...]


def compare_periods(
    journeys: Journeys,
    config: AuditConfig,
    as_of: dt.date,
    *,
    scores: Scores | str = "no_column",
    kept: Mapping[str, pd.DataFrame] | None = None,
) -> Looked:
    """Compare the last whole period before `as_of` with those before it.

    Parameters
    ----------
    journeys : Journeys
        With a clock.
    config : AuditConfig
    as_of : datetime.date
        Its midnight ends the last period: whole days only.
    scores : Scores, optional
        What customers' turns sound like.
    kept : mapping of run id to DataFrame, optional
        Streams that earlier runs kept, the newest last.
    """
    settings, minimum = config.changes, config.journeys.min_customers
    periods = _periods(journeys, as_of, settings)
    measured = streams(journeys, config.measures, periods, scores=scores)
    table, used = _with_kept(measured.table, kept or {}, periods)
    tests = drifts(table, settings, min_customers=minimum)
    teller = Teller(measured.lags, periods, settings)
    found = [
        *silence(journeys, measured.feeds, teller),
        *broken_feeds(measured.feeds, settings, teller),
    ]
    broken = bool(found)
    if broken:
        tests = tests.iloc[:0]
    else:
        names = renamed(table, measured.channels, settings, minimum, teller)
        tests = _without(tests, {n for one in names for n in (one.before, one.after) if n})
        missing = teller.alarms(tests[tests["family"] == "quality"])
        tests = _legible(tests, {str(change.measure) for change in missing})
        others = teller.alarms(tests[tests["family"] != "quality"])
        found += [*missing, *names, *others]
    there = int(table["period"].max()) if len(table) else 0
    references = min(there, settings.references)
    return Looked(
        found=tuple(found),
        note=_note(tests, references, teller, broken=broken),
        period=teller.days(EVENTS),
        references=references,
        streams=_to_keep(measured.table, periods, minimum),
        tests=tests,
        broken=broken,
        used=tuple(used),
    )


def _ordered(found: Sequence[Change]) -> tuple[Change, ...]:
    """Order changes: alarms first, by kind, then the least likely to be chance."""
    return tuple(
        sorted(
            found,
            key=lambda c: (
                not c.significant,
                KINDS.index(c.kind),
                1.0 if c.q_value is None else c.q_value,
                c.id,
            ),
        )
    )


def _note(tests: pd.DataFrame, references: int, teller: Teller, *, broken: bool) -> str:
    settings = teller.settings
    first, last = teller.days(EVENTS)
    if broken:
        return f"Nothing is compared in {first} to {last}: the data broke off first."
    if tests.empty:
        why = (
            f"the log holds {references} whole periods of {settings.window_days} days before the "
            f"last one, and {settings.min_references} are needed"
            if references < settings.min_references
            else "too few cases or customers in each"
        )
        return f"Periods are not compared: {why}."
    return (
        f"{len(tests)} streams of {first} to {last} are compared with up to {references} periods "
        f"of {settings.window_days} days before; about {100 * settings.q_value:g} % of alarms are "
        "expected to be chance."
    )


def _periods(journeys: Journeys, as_of: dt.date, settings: ChangeSettings) -> Periods:
    end = (as_of - EPOCH).days * US_PER_DAY
    before = settings.references
    if settings.season_periods is not None:
        before = max(before, settings.season_periods + 1)
    first_day = -(-(journeys.first_us or 0) // US_PER_DAY) * US_PER_DAY  # the first may be cut off
    return Periods(end, settings.window_days, before, first_day)


def _measured_alike(entry: Entry, told: Mapping[str, str]) -> bool:
    """Return whether a run rests on the same definitions, those of verdicts aside."""
    return all(entry.definitions.get(k) == v for k, v in told.items() if k not in JUDGED)


def definitions(audit: Audit) -> dict[str, str]:
    """Return short fingerprints of what the numbers of an audit rest on."""
    config, cutting = audit.config, audit.journeys.cutting
    stages = sorted(
        (str(row.touchpoint), str(row.stage))
        for row in audit.journeys.touchpoints.itertuples()
        if int(str(row.customers)) >= config.journeys.min_customers
    )
    mapping = audit.prepared.mapping
    content: dict[str, Any] = {
        "log": config.log.model_dump(
            mode="json", exclude={"files": True, "outcomes": {"file"}, "recipe": True}
        ),
        "roles": config.roles.model_dump(mode="json"),
        "mapping": None if mapping is None else [mapping.hash, stages],
        "stitching": [
            part and part.model_dump(mode="json") for part in (config.stitching, config.linkage)
        ],
        "journeys": config.journeys.model_dump(mode="json"),
        # A gap found in the log moves a little with every week.
        "cut": [cutting.kind, cutting.answer],
        "measures": config.measures.model_dump(mode="json", exclude={"labelled_turns"}),
        "judge": config.judge.model_dump(mode="json"),
    }
    if config.log.recipe is not None:
        content["log"]["recipe"] = config.log.recipe_digest
    return {
        name: hashlib.sha256(json.dumps(part, sort_keys=True).encode()).hexdigest()[:16]
        for name, part in content.items()
    }


def _new_definitions(told: Mapping[str, str], previous: Entry | None) -> Iterator[Change]:
    before = previous.definitions if previous else {}
    for name, words in PARTS.items():
        if name in before and before[name] != told[name]:
            yield Change(
                f"definition-{name}",
                "definition",
                words,
                f"Not the same as in the run before: {words}. Totals and verdicts of the two runs "
                "are not alike; the periods below are all measured the new way.",
                before=before[name],
                after=told[name],
            )


def standing_verdicts(audit: Audit, previous: Entry | None) -> dict[str, str]:
    """Return the verdicts that stand: the new one where it is sure, else the old one."""
    settings, stand = audit.config.changes, dict(previous.standing if previous else {})
    found = {}
    for row in audit.judgement.scores.to_dict("records"):
        name, verdict = str(row["touchpoint"]), str(row["verdict"])
        old, sure = stand.get(name), float(row["verdict_stability"] or 0.0)
        if verdict == "abstain":
            if old is not None:
                found[name] = old
        elif old in (None, verdict) or (
            sure >= settings.flip_to and _support(row, str(old)) < settings.flip_from
        ):
            found[name] = verdict
        else:
            found[name] = str(old)
    return found


def _support(row: Mapping[Any, Any], verdict: str) -> float:
    """Return how much of this run's resamples and weightings gives `verdict`, at most."""
    stability = float(row["verdict_stability"] or 0.0)
    stability = 0.0 if math.isnan(stability) else stability
    return stability if verdict in (row["verdict"], row["leaning"]) else 1.0 - stability


def _verdicts(
    audit: Audit, previous: Entry | None, told: Mapping[str, str], standing: Mapping[str, str]
) -> Iterator[Change]:
    if previous is None:
        return
    redefined = any(previous.definitions.get(name, part) != part for name, part in told.items())
    for row in audit.judgement.scores.to_dict("records"):
        name = str(row["touchpoint"])
        old, new = previous.standing.get(name), standing.get(name)
        if old is None or row["customers"] < audit.config.journeys.min_customers:
            continue
        stability, verdict = row["verdict_stability"], str(row["verdict"])
        sure = 0.0 if stability is None or math.isnan(stability) else float(stability)
        base = f"{int(row['customers']):,} customers"
        if new != old:
            text = (
                f"{name}: the verdict is now {_plain(new)} ({percent(sure, 0)} of resamples and "
                f"weightings, {base}); {_plain(old)} before."
            )
            yield Change(
                f"verdict-{name}", "definition" if redefined else "performance",
                f"verdict of {name}", text, touchpoint=name, measure="verdict",
                before=old, after=new, unit="verdict", customers=int(row["customers"]),
            )  # fmt: skip
        elif verdict != old and _support(row, old) < audit.config.changes.flip_from:
            text = (
                f"{name}: {_plain(old)} wavers ({percent(_support(row, old), 0)} of resamples and "
                f"weightings still give it, {base}). It stands until another verdict is sure."
            )
            yield Change(
                f"verdict-{name}", "performance", f"verdict of {name}", text, significant=False,
                touchpoint=name, measure="verdict", before=old, after=old, unit="verdict",
                customers=int(row["customers"]),
            )  # fmt: skip


def _plain(verdict: str | None) -> str:
    return str(verdict).replace("_", " ")


def _worse_quality(audit: Audit, previous: Entry | None) -> Iterator[Change]:
    """Say which checks of the log found clearly more than in the run before."""
    if previous is None:
        return
    rank = ["ok", "note", "warning", "blocking"]
    before = {(r["check"], r["role"]): r for r in previous.document["log"]["quality"]}
    for row in audit.log.quality.checks.to_dict("records"):
        old = before.get((row["check"], row["role"]))
        if old is None or rank.index(row["severity"]) < 2:
            continue
        worse = rank.index(row["severity"]) > rank.index(old["severity"])
        if worse and row["share"] - old["share"] >= ONE_PERCENT:
            name = f"{row['check']} {row['role']}".strip().replace("_", " ")
            text = (
                f"The check '{name}' of the log finds {percent(row['share'])} of "
                f"{audit.log.quality.rows_read:,} rows, {percent(old['share'])} in the run "
                f"before: {row['text']}"
            )
            yield Change(
                f"quality-{row['check']}-{row['role']}".rstrip("-"), "data_quality", name, text,
                before=rounded(old["share"]), after=rounded(row["share"]), unit="share",
                direction="worse",
            )  # fmt: skip


def _without(tests: pd.DataFrame, gone: set[Any]) -> pd.DataFrame:
    """Leave out what rests on names that came or went."""
    if not gone:
        return tests
    touched = tests["touchpoint"].isin(gone) | tests["detail"].isin(gone)
    return tests[~touched & (tests["measure"] != "begins_with_touchpoint")]


def _legible(tests: pd.DataFrame, lost: set[str]) -> pd.DataFrame:
    """Leave out what reads a column that lost some of its content."""
    reads = {
        "missing_intent": ("begins_with_intent", "repeat_contact"),
        "missing_segment": ("begins_with_segment",),
        "missing_channel": ("begins_with_channel",),
        "missing_actor": ("handed_over", "abandoned", "requests", "requests_honoured",
                          "human_wait", "contained_verified"),
        "missing_session": ("handed_over", "abandoned", "requests", "requests_honoured",
                            "human_wait", "contained_verified", "again", "repeat_contact"),
    }  # fmt: skip
    out = [measure for column in lost for measure in reads.get(column, ())]
    return tests[~tests["measure"].isin(out)]


def _with_kept(
    table: pd.DataFrame, kept: Mapping[str, pd.DataFrame], periods: Periods
) -> tuple[pd.DataFrame, list[str]]:
    """Add periods that earlier runs kept and that the log no longer holds."""
    parts, used = [table], []
    here, taken = table.groupby("measure")["period"].max(), set()
    for run_id, rows in reversed(list(kept.items())):
        if rows.empty or set(rows["days"]) != {periods.days}:
            continue
        end = (dt.date.fromisoformat(str(rows["ends"].iloc[0])) - EPOCH).days * US_PER_DAY
        place, rest = divmod(periods.end_us - end, periods.days * US_PER_DAY)
        if rest or not 0 < place <= periods.before or place in taken:
            continue
        gone = rows["measure"].map(here).fillna(0) < place
        if gone.any():
            taken.add(place)
            parts.append(rows[gone].assign(period=place)[list(STREAM_COLUMNS)])
            used.append(run_id)
    return (pd.concat(parts, ignore_index=True) if used else table), used


def _to_keep(table: pd.DataFrame, periods: Periods, minimum: int) -> pd.DataFrame:
    """Return the last period's streams as the history keeps them: no small cell."""
    rows = table[table["period"] == 0]
    rows = rows[(rows["customers"] >= minimum) & (rows["n"] >= minimum)]
    rows = rows[presentable(rows["measure"], rows["value"] * rows["n"], minimum)]
    end = EPOCH + dt.timedelta(days=periods.end_us // US_PER_DAY)
    return rows.assign(
        ends=end.isoformat(), days=periods.days, value=rows["value"].map(rounded),
        se=rows["se"].astype("float64").map(rounded).astype("float64"),
    ).reset_index(drop=True)  # fmt: skip
