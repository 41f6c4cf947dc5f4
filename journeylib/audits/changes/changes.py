"""What changed since the run before: data first, then definitions, then mix, then performance."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from journeylib.audits.changes.drift import KEY, drifts, past_streams, without_small_parts
from journeylib.audits.changes.feed_breaks import broken_feeds, quiet_period, renamed, silence
from journeylib.audits.changes.intake import intake_end
from journeylib.audits.changes.shown_streams import may_be_shown
from journeylib.audits.changes.small_changes import as_computed
from journeylib.audits.changes.wording import KINDS, ChangeWriter
from journeylib.audits.config.audit_config import AuditConfig, ChangeSettings
from journeylib.audits.history import TEST_COLUMNS, Entry, History
from journeylib.audits.preparation.preparation import Prepared
from journeylib.audits.result.result import Assessment, Change, Changes
from journeylib.core import US_PER_DAY, day_of, percent, rounded, start_of, text
from journeylib.journeys import Journeys
from journeylib.measures import ALL, EVENTS, STREAM_COLUMNS, Periods, Scores, streams

ONE_PERCENT = 0.01
PARTS = ("log", "roles", "mapping", "stitching", "journeys", "cut", "measures", "judge")
JUDGED = ("judge",)  # what verdicts rest on, but no stream


def find_changes(assessment: Assessment, history: History) -> Changes:
    """Compare the last period of a run with those before, and the run with the one before.

    Parameters
    ----------
    assessment : Assessment
    history : History
        Earlier runs of the same audit; those as of the same day or later are not looked at.

    Notes
    -----
    Two runs of one audit see mostly the same events, so their totals say little about what is
    new. Compared are periods of the log that share no event: the last whole one before the
    as-of day with those before it, all measured under today's definitions. Where the log no
    longer holds earlier periods, those that earlier runs kept stand in, if they were measured
    alike. A broken feed ends the comparison; renamed touchpoints are left out of it.
    """
    before = history.before(assessment.as_of)
    previous = before[-1] if before else None
    current = definitions(assessment.config, assessment.journeys, assessment.prepared)
    standing = standing_verdicts(assessment, previous)
    changes = [*_worse_quality(assessment, previous), *_new_definitions(current, previous)]
    verdicts = list(_verdicts(assessment, previous, current, standing))
    journeys, periods, quiet = assessment.journeys, None, ""
    if not journeys.has_clock or journeys.first_us is None:
        changes += verdicts
        note = text("audits.comparison.no_clock")
    else:
        alike = [entry for entry in before if _measured_alike(entry, current)]
        ended = None  # a declared day is looked back from as declared
        if assessment.config.as_of is None:
            ended = intake_end(journeys, assessment.as_of, assessment.config.changes.window_days)
        last = history.last_before(assessment.as_of, assessment.run_id)
        last = last if last and _measured_alike(last, current) else None
        end = ended or assessment.as_of
        periods = compare_periods(
            journeys,
            assessment.config,
            _closed_end(end, last, assessment.config.changes.window_days),
            closed=last,
            scores=assessment.evidence.turn_scores,
            history={entry.run_id: entry.streams for entry in alike if entry.streams is not None},
        )
        changes += [*periods.changes, *([] if periods.broken else verdicts)]
        since = (
            text("audits.comparison.previous", day=previous.as_of.isoformat())
            if previous
            else text("audits.comparison.first")
        )
        over = text("audits.comparison.intake", day=ended.isoformat()) if ended else ""
        quiet = f"{over} {periods.quiet}".strip()
        note = f"{since} {periods.note} {quiet}".rstrip()
    kept_from = history.last_before(assessment.as_of, assessment.run_id)
    if kept_from and kept_from.definitions == current:
        minimum, day = assessment.config.journeys.min_customers, kept_from.as_of.isoformat()
        key = "all_kept" if assessment.unchanged else "kept"
        note += " " + text(f"audits.comparison.{key}", day=day, minimum=minimum)
    if assessment.closed:
        day, minimum = assessment.closed.isoformat(), assessment.config.journeys.min_customers
        note += " " + text("audits.comparison.closed", day=day, minimum=minimum)
    rested_on = (entry.run_id for entry in (previous, kept_from) if entry)
    used = (*rested_on, *(periods.used if periods else ()))
    return Changes(
        entries=_ordered(changes),
        note=note,
        previous=previous.run_id if previous else None,
        period=periods.period if periods else None,
        references=periods.references if periods else 0,
        quiet=quiet,
        definitions=current,
        standing=standing,
        streams=periods.streams if periods else pd.DataFrame(columns=[*STREAM_COLUMNS]),
        tests=periods.tests if periods else pd.DataFrame(columns=[*TEST_COLUMNS]),
        used=tuple(dict.fromkeys(used)),
    )


def _closed_end(end: dt.date, last: Entry | None, days: int) -> dt.date:
    """Return the end of the last period that is over, counted in periods from the run before.

    So two runs share whole periods, and no difference of theirs is of less than one.
    """
    if last is None or last.document["comparison"]["period"] is None:
        return end
    first, final = map(dt.date.fromisoformat, last.document["comparison"]["period"])
    if (final - first).days + 1 != days:
        return end
    closed = final + dt.timedelta(days=1)
    return closed + (end - closed) // dt.timedelta(days=days) * dt.timedelta(days=days)


@dataclass(frozen=True)
class PeriodComparison:
    """The last period compared with those before it; see `Changes` for the fields."""

    changes: tuple[Change, ...]
    note: str
    period: tuple[str, str]
    references: int
    streams: pd.DataFrame
    tests: pd.DataFrame
    broken: bool
    quiet: str
    used: tuple[str, ...]


def compare_periods(
    journeys: Journeys,
    config: AuditConfig,
    as_of: dt.date,
    *,
    scores: Scores | str = "no_column",
    history: Mapping[str, pd.DataFrame] | None = None,
    closed: Entry | None = None,
) -> PeriodComparison:
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
    history : mapping of run id to DataFrame, optional
        Streams of earlier runs, the newest last.
    closed : Entry, optional
        The run before: a period that it published stays as it was published.
    """
    settings, minimum = config.changes, config.journeys.min_customers
    periods = _periods(journeys, as_of, settings)
    measured = streams(journeys, config.measures, periods, scores=scores)
    table, used = _with_history(measured.table, history or {}, periods)
    tests = drifts(table, settings, min_customers=minimum)
    published = _to_keep(measured.table, periods, journeys.names, minimum)
    past = past_streams(table, settings)
    past = past[may_be_shown(past, journeys.names, minimum)]
    feed = tests["family"] == "quality"  # what is missing says nothing of customers
    tests = without_small_parts(
        tests, past=_is_among(tests, past) | feed, now=_is_among(tests, published) | feed
    )
    if closed is not None and closed.document["comparison"]["period"] == [*_days(periods)]:
        tests = _as_published(closed.tested, tests)
        published = _as_published(closed.streams, published)
    writer = ChangeWriter(measured.lags, periods, settings)
    # Where the log as a whole ends, its channels do.
    changes = [*silence(journeys, measured.feeds, writer)]
    changes = changes or [*broken_feeds(measured.feeds, writer)]
    broken = bool(changes)
    if broken:
        tests = tests.iloc[:0]
    else:
        names = renamed(table, measured.channels, writer, minimum)
        tests = _without(tests, {n for one in names for n in (one.before, one.after) if n})
        missing = writer.alarms(tests[tests["family"] == "quality"])
        tests = _legible(tests, {str(change.measure) for change in missing})
        others = writer.alarms(tests[tests["family"] != "quality"])
        changes += [*missing, *names, *others]
    available = int(table["period"].max()) if len(table) else 0
    references = min(available, settings.references)
    return PeriodComparison(
        changes=tuple(changes),
        note=_note(tests, references, writer, broken=broken),
        period=writer.days(EVENTS),
        references=references,
        streams=published,
        tests=tests,
        broken=broken,
        quiet="" if broken else quiet_period(table, writer, minimum),
        used=tuple(used),
    )


def _days(periods: Periods) -> tuple[str, str]:
    """Return the first and the last day of the last period."""
    last = day_of(periods.end_us) - dt.timedelta(days=1)
    return (last - dt.timedelta(days=periods.days - 1)).isoformat(), last.isoformat()


def _as_published(earlier: pd.DataFrame | None, now: pd.DataFrame) -> pd.DataFrame:
    """Return a table of the run before, where it can be read, with the types of a computed one."""
    if earlier is None or set(earlier) != set(now):
        return now
    return as_computed(earlier[list(now)], now)


def _ordered(changes: Sequence[Change]) -> tuple[Change, ...]:
    """Order changes: alarms first, by kind, then the least likely to be chance."""
    return tuple(
        sorted(
            changes,
            key=lambda c: (
                not c.significant,
                KINDS.index(c.kind),
                1.0 if c.q_value is None else c.q_value,
                c.id,
            ),
        )
    )


def _note(tests: pd.DataFrame, references: int, writer: ChangeWriter, *, broken: bool) -> str:
    settings = writer.settings
    first, last = writer.days(EVENTS)
    if broken:
        return text("audits.comparison.broken", first=first, last=last)
    if not tests.empty:
        return text(
            "audits.comparison.compared",
            n=len(tests),
            first=first,
            last=last,
            references=references,
            days=settings.window_days,
            false=f"{100 * settings.q_value:g}",
        )
    few = "few_periods" if references < settings.min_references else "few_cases"
    return text(
        f"audits.comparison.{few}",
        references=references,
        days=settings.window_days,
        needed=settings.min_references,
    )


def _periods(journeys: Journeys, as_of: dt.date, settings: ChangeSettings) -> Periods:
    end = start_of(as_of)
    before = settings.references
    if settings.season_periods is not None:
        before = max(before, settings.season_periods + 1)
    first_day = -(-(journeys.first_us or 0) // US_PER_DAY) * US_PER_DAY  # the first may be cut off
    return Periods(end, settings.window_days, before, first_day)


def _measured_alike(entry: Entry, current: Mapping[str, str]) -> bool:
    """Return whether a run rests on the same definitions, those of verdicts aside."""
    return all(entry.definitions.get(k) == v for k, v in current.items() if k not in JUDGED)


def definitions(config: AuditConfig, journeys: Journeys, prepared: Prepared) -> dict[str, str]:
    """Return short fingerprints of what the numbers of a run rest on."""
    cutting, mapping = journeys.cutting, prepared.mapping
    stages = sorted(
        (str(row.touchpoint), str(row.stage))
        for row in journeys.touchpoints.itertuples()
        if int(str(row.customers)) >= config.journeys.min_customers
    )
    log = config.log.dump()
    if config.log.recipe is not None:
        log["recipe"] = config.log.recipe_hash
    content = {
        "log": log,
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
    return {
        name: hashlib.sha256(json.dumps(part, sort_keys=True).encode()).hexdigest()[:16]
        for name, part in content.items()
    }


def _new_definitions(current: Mapping[str, str], previous: Entry | None) -> Iterator[Change]:
    before = previous.definitions if previous else {}
    parts = [name for name in PARTS if name in before and before[name] != current[name]]
    if parts:
        words = "; ".join(text(f"audits.definition.{name}") for name in parts)
        yield Change(
            "definition",
            "definition",
            words,
            text("audits.change.definition", words=words),
            before=" ".join(before[name] for name in parts),
            after=" ".join(current[name] for name in parts),
        )


def standing_verdicts(assessment: Assessment, previous: Entry | None) -> dict[str, str]:
    """Return the verdicts that stand: the new one where it is sure, else the old one."""
    settings = assessment.config.changes
    before = previous.standing if previous else {}
    standing = {}
    for row in assessment.judgement.scores.to_dict("records"):
        name, verdict = str(row["touchpoint"]), str(row["verdict"])
        old = before.get(name)
        flipped = (
            _stability(row) >= settings.flip_to and _support(row, str(old)) < settings.flip_from
        )
        if verdict != "abstain" and (old in (None, verdict) or flipped):
            standing[name] = verdict
        elif old is not None:
            standing[name] = old
    return standing


def _support(row: Mapping[Any, Any], verdict: str) -> float:
    """Return how much of this run's resamples and weightings gives `verdict`, at most."""
    stability = _stability(row)
    return stability if verdict in (row["verdict"], row["leaning"]) else 1.0 - stability


def _stability(row: Mapping[Any, Any]) -> float:
    stability = row["verdict_stability"]
    return 0.0 if stability is None or math.isnan(stability) else float(stability)


def _verdicts(
    assessment: Assessment,
    previous: Entry | None,
    current: Mapping[str, str],
    standing: Mapping[str, str],
) -> Iterator[Change]:
    if previous is None:
        return
    redefined = any(previous.definitions.get(name, part) != part for name, part in current.items())
    config = assessment.config
    for row in assessment.judgement.scores.to_dict("records"):
        name = str(row["touchpoint"])
        old, new = previous.standing.get(name), standing.get(name)
        if old is None or row["customers"] < config.journeys.min_customers:
            continue
        wavers = str(row["verdict"]) != old and _support(row, old) < config.changes.flip_from
        if new == old and not wavers:
            continue
        share = _stability(row) if new != old else _support(row, old)
        yield Change(
            f"verdict-{name}",
            "definition" if new != old and redefined else "performance",
            text("audits.change.verdict.what", name=name),
            text(
                f"audits.change.verdict.{'changed' if new != old else 'wavers'}",
                name=name,
                new=text(f"verdict.{new}"),
                old=text(f"verdict.{old}"),
                share=percent(share, 0),
                customers=row["customers"],
            ),
            significant=new != old,
            touchpoint=name,
            measure="verdict",
            before=old,
            after=new,
            unit="verdict",
            customers=int(row["customers"]),
        )


def _worse_quality(assessment: Assessment, previous: Entry | None) -> Iterator[Change]:
    """Yield the checks of the log that found clearly more than in the run before."""
    if previous is None:
        return
    rank = ["ok", "note", "warning", "blocking"]
    before = {(r["check"], r["role"]): r for r in previous.document["log"]["quality"]}
    quality = assessment.quality
    for row in quality.checks.to_dict("records"):
        old = before.get((row["check"], row["role"]))
        if old is None or rank.index(row["severity"]) < 2:
            continue
        worse = rank.index(row["severity"]) > rank.index(old["severity"])
        if worse and row["share"] - old["share"] >= ONE_PERCENT:
            name = f"{row['check']} {row['role']}".strip().replace("_", " ")
            yield Change(
                f"quality-{row['check']}-{row['role']}".rstrip("-"),
                "data_quality",
                name,
                text(
                    "audits.change.quality",
                    name=name,
                    share=percent(row["share"]),
                    rows=quality.rows_read,
                    before=percent(old["share"]),
                    text=row["text"],
                ),
                before=rounded(old["share"]),
                after=rounded(row["share"]),
                unit="share",
                direction="worse",
            )


def _without(tests: pd.DataFrame, names: set[Any]) -> pd.DataFrame:
    """Leave out what rests on names that came or went."""
    if not names:
        return tests
    touched = tests["touchpoint"].isin(names) | tests["detail"].isin(names)
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


def _with_history(
    table: pd.DataFrame, history: Mapping[str, pd.DataFrame], periods: Periods
) -> tuple[pd.DataFrame, list[str]]:
    """Add periods that earlier runs kept and that the log no longer holds."""
    parts, used = [table], []
    here, taken = table.groupby("measure")["period"].max(), set()
    for run_id, rows in reversed(list(history.items())):
        if rows.empty or set(rows["days"]) != {periods.days}:
            continue
        end = start_of(dt.date.fromisoformat(str(rows["ends"].iloc[0])))
        period, rest = divmod(periods.end_us - end, periods.days * US_PER_DAY)
        if rest or not 0 < period <= periods.before or period in taken:
            continue
        is_missing = rows["measure"].map(here).fillna(0) < period
        if is_missing.any():
            taken.add(period)
            parts.append(rows[is_missing].assign(period=period)[list(STREAM_COLUMNS)])
            used.append(run_id)
    return (pd.concat(parts, ignore_index=True) if used else table), used


def _is_among(tests: pd.DataFrame, rows: pd.DataFrame) -> pd.Series[bool]:
    """Return which tested streams are among rows of streams."""
    crude = rows[rows["stratum"] == ALL]
    is_among = pd.MultiIndex.from_frame(tests[KEY]).isin(pd.MultiIndex.from_frame(crude[KEY]))
    return pd.Series(is_among, index=tests.index)


def _to_keep(
    table: pd.DataFrame, periods: Periods, names: Mapping[int, str], minimum: int
) -> pd.DataFrame:
    """Return the last period's streams as the history keeps them: no small cell."""
    rows = table[table["period"] == 0]
    rows = rows[may_be_shown(rows, names, minimum)]
    end = day_of(periods.end_us)
    return rows.assign(
        ends=end.isoformat(), days=periods.days, value=rows["value"].map(rounded),
        se=rows["se"].astype("float64").map(rounded).astype("float64"),
    ).reset_index(drop=True)  # fmt: skip
