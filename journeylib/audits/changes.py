"""What changed since the run before: data first, then definitions, then mix, then performance."""

from __future__ import annotations

import datetime as dt
import difflib
import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from journeylib.audits.drift import TEST_COLUMNS, ChangeSettings, is_mix, tested
from journeylib.estimate import rounded
from journeylib.journeys.steps import US_PER_DAY
from journeylib.judge.wording import number
from journeylib.log.engine import fetch
from journeylib.measures.streams import EVENTS, STREAM_COLUMNS, Periods, Streams, streams

if TYPE_CHECKING:
    from journeylib.audits.history import Entry, History
    from journeylib.audits.run import Audit

Kind = Literal["data_quality", "definition", "mix", "performance"]
KINDS: tuple[Kind, ...] = ("data_quality", "definition", "mix", "performance")
EPOCH = dt.date(1970, 1, 1)
REGULAR = 5.0  # events a day from which a day without any is no chance
SURE = 20.0  # events a period from which none at all is no chance
ALIKE = 2.0  # volumes of one touchpoint under two names differ by less than this factor
ONE_PERCENT = 0.01
LABELS = {
    "again": "Visits that repeat an earlier one of the same journey",
    "errors": "Events marked as errors",
    "rating": "The mean rating",
    "service": "The typical service time",
    "negative": "Customers' turns that sound negative",
    "repeat_contact": "Contacts followed by another about the same",
    "handed_over": "Bot sessions handed over to a person",
    "abandoned": "Bot sessions that customers abandoned",
    "requests": "Bot sessions in which a person was asked for",
    "requests_honoured": "Requests for a person that were honoured",
    "human_wait": "The typical wait for a person after the bot",
    "contained_verified": "Bot sessions verified as settled",
    "begins_with_segment": "Journeys of the segment '{detail}'",
    "begins_with_intent": "Journeys that begin about '{detail}'",
    "begins_with_channel": "Journeys that begin in the channel '{detail}'",
    "begins_with_touchpoint": "Journeys that begin at {detail}",
    "next_1": "Visits that lead on to {detail} within a day",
    "next_2": "Visits that lead on to {detail} within a day",
}
WORSE = {
    **dict.fromkeys(("errors", "negative", "repeat_contact", "again", "abandoned"), 1),
    **dict.fromkeys(("human_wait",), 1),
    **dict.fromkeys(("rating", "requests_honoured", "contained_verified"), -1),
}
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
class Change:
    """One thing that is not as it was.

    Attributes
    ----------
    id : str
        Stable name, so that two runs can be compared.
    kind : {"data_quality", "definition", "mix", "performance"}
    what : str
        What changed, in a few words.
    text : str
        The same in a sentence with unit, base and interval; it names no cause.
    significant : bool
        False for a verdict that wavers: it stands until another is sure.
    touchpoint, measure : str or None
    before, after : float, str or None
    unit : str or None
    difference : mapping or None
        ``value``, ``lo``, ``hi``, ``unit`` of after against before.
    n_before, n_after, customers : int or None
    q_value : float or None
    direction : {"worse", "better"} or None
        None where that depends on what one wants.
    """

    id: str
    kind: Kind
    what: str
    text: str
    significant: bool = True
    touchpoint: str | None = None
    measure: str | None = None
    before: float | str | None = None
    after: float | str | None = None
    unit: str | None = None
    difference: Mapping[str, Any] | None = None
    n_before: int | None = None
    n_after: int | None = None
    customers: int | None = None
    q_value: float | None = None
    direction: Literal["worse", "better"] | None = None


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
        Every stream that was compared, as from `drift.tested`; small cells left out.
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
    standing = _standing(audit, previous)
    bare = Changes(
        previous=previous.run_id if previous else None,
        definitions=told,
        standing=standing,
        used=(previous.run_id,) if previous else (),
    )
    settled = [*_new_definitions(told, previous), *_verdicts(audit, previous, told, standing)]
    quality = list(_worse_quality(audit, previous))
    if not audit.journeys.has_clock or audit.journeys.first_us is None:
        note = "Periods cannot be compared: the log has no clock."
        return _with(bare, note, [*quality, *settled])
    settings = audit.config.changes
    periods = _periods(audit, settings)
    measured = streams(
        audit.journeys, audit.config.measures, periods, scores=audit.evidence.turn_scores
    )
    table, older = _with_kept(measured, before, told, periods)
    minimum = audit.config.journeys.min_customers
    tests = tested(table, settings, min_customers=minimum)
    named = _Naming(measured, periods, settings)
    found = [*quality, *_silence(audit, periods, named), *_broken_feeds(measured, settings, named)]
    names = _renamed(table, measured, settings, minimum, named)
    if any(change.id.startswith("feed-") for change in found):
        names, tests, settled = [], tests.iloc[:0], [c for c in settled if c.measure != "verdict"]
    else:
        gone = {name for change in names for name in (change.before, change.after) if name}
        found += named.alarms(_without(tests[tests["family"] == "quality"], gone))
        lost = {change.measure for change in found if change.measure}
        tests = _legible(_without(tests, gone), lost)
    found += [*names, *settled, *named.alarms(tests[tests["family"] != "quality"])]
    references = int(table["period"].max()) if len(table) else 0
    return _with(
        Changes(
            **{**bare.__dict__, "used": tuple(dict.fromkeys((*bare.used, *older)))}
            | {
                "period": named.days(EVENTS),
                "references": min(references, settings.references),
                "compared": len(tests),
                "streams": _kept(measured, periods, minimum),
                "tests": tests,
            }
        ),
        _note(tests, references, named, settings, previous),
        found,
    )


def _with(changes: Changes, note: str, found: Sequence[Change]) -> Changes:
    ordered = sorted(
        found,
        key=lambda c: (
            not c.significant,
            KINDS.index(c.kind),
            1.0 if c.q_value is None else c.q_value,
            c.id,
        ),
    )
    return Changes(**{**changes.__dict__, "note": note, "found": tuple(ordered)})


def _note(
    tests: pd.DataFrame,
    references: int,
    named: _Naming,
    settings: ChangeSettings,
    previous: Entry | None,
) -> str:
    run = f"The run before was as of {previous.as_of.isoformat()}. " if previous else ""
    if tests.empty:
        why = (
            f"the log holds {references} whole periods of {settings.window_days} days before the "
            f"last one, and {settings.min_references} are needed"
            if references < settings.min_references
            else "the data changed first"
            if named.broken
            else "too few cases in each period"
        )
        return f"{run or 'This is the first run. '}Periods are not compared: {why}."
    first, last = named.days(EVENTS)
    return (
        f"{run or 'This is the first run; earlier periods come from the log. '}{len(tests)} "
        f"streams of {first} to {last} were compared with up to "
        f"{min(references, settings.references)} periods of {settings.window_days} days before; "
        f"among changes shown, about {100 * settings.q_value:g} % are expected to be chance."
    )


def _periods(audit: Audit, settings: ChangeSettings) -> Periods:
    """Count periods back from the midnight at which the as-of day begins: whole days only."""
    end = (audit.as_of - EPOCH).days * US_PER_DAY
    first = audit.journeys.first_us or 0
    before = settings.references
    if settings.season_periods is not None:
        before = max(before, settings.season_periods + 1)
    first_day = -(-first // US_PER_DAY) * US_PER_DAY  # the first day may be cut off
    return Periods(end, settings.window_days, before, first_day)


def definitions(audit: Audit) -> dict[str, str]:
    """Return short fingerprints of what the numbers of an audit rest on."""
    config, cutting = audit.config, audit.journeys.cutting
    stages = sorted(
        (str(row.touchpoint), str(row.stage))
        for row in audit.journeys.touchpoints.itertuples()
        if int(str(row.customers)) >= config.journeys.min_customers
    )
    mapping = audit.prepared.mapping
    content = {
        "log": config.log.model_dump(mode="json", exclude={"files": True, "outcomes": {"file"}}),
        "roles": config.roles.model_dump(mode="json"),
        "mapping": None if mapping is None else [mapping.hash, stages],
        "stitching": config.stitching and config.stitching.model_dump(mode="json"),
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


def _standing(audit: Audit, previous: Entry | None) -> dict[str, str]:
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
                f"{name}: the verdict is now {_plain(new)} ({100 * sure:.0f} % of resamples and "
                f"weightings, {base}); {_plain(old)} before."
            )
            yield Change(
                f"verdict-{name}", "definition" if redefined else "performance",
                f"verdict of {name}", text, touchpoint=name, measure="verdict",
                before=old, after=new, unit="verdict", customers=int(row["customers"]),
            )  # fmt: skip
        elif verdict != old and _support(row, old) < audit.config.changes.flip_from:
            text = (
                f"{name}: {_plain(old)} wavers ({100 * _support(row, old):.0f} % of resamples and "
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
                f"The check '{name}' of the log finds {100 * row['share']:.1f} % of "
                f"{audit.log.quality.rows_read:,} rows, {100 * old['share']:.1f} % in the run "
                f"before: {row['text']}"
            )
            yield Change(
                f"quality-{row['check']}-{row['role']}".rstrip("-"), "data_quality", name, text,
                before=rounded(old["share"]), after=rounded(row["share"]), unit="share",
                direction="worse",
            )  # fmt: skip


def _silence(audit: Audit, periods: Periods, named: _Naming) -> Iterator[Change]:
    """Say when the log as a whole ends before the period does."""
    end = fetch(
        audit.journeys.steps.filter(audit.journeys.steps.t_us < periods.end_us)
        .aggregate(last=audit.journeys.steps.t_us.max())
    )["last"].iloc[0]  # fmt: skip
    missing = periods.days if pd.isna(end) else (periods.end_us - int(end)) // US_PER_DAY
    if missing >= named.settings.feed_days and _usually_daily(named.measured.feeds):
        yield named.feed("", f"the log ends {missing} days before the as-of day")


def _usually_daily(feeds: pd.DataFrame) -> bool:
    before = feeds[feeds["period"] > 0]
    days = before["day"].nunique()
    return days > 0 and len(before) > 0 and before["events"].sum() / days >= REGULAR


def _broken_feeds(measured: Streams, settings: ChangeSettings, named: _Naming) -> Iterator[Change]:
    """Say which channels fell silent on days on which they never were."""
    feeds = measured.feeds
    if feeds.empty or feeds["period"].max() < settings.min_references:
        return
    whole = int(feeds["period"].max())
    # Today's weekdays in the same place of each period: day 0 is the last of a period.
    placed = feeds.assign(place=feeds["day"] % settings.window_days)
    for channel, rows in placed.groupby("channel", sort=True):
        before, now = rows[rows["period"] > 0], rows[rows["period"] == 0]
        by_place = before.groupby("place")["events"].agg(["count", "sum"])
        daily = by_place[(by_place["count"] == whole) & (by_place["sum"] / whole >= REGULAR)]
        silent = sorted(set(daily.index) - set(now["place"]))
        per_period = before.groupby("period")["events"].sum().reindex(range(1, whole + 1))
        vanished = now.empty and bool((per_period >= SURE).all())
        if len(silent) >= settings.feed_days or vanished:
            days = len(silent) or settings.window_days
            usual = float(per_period.mean())
            yield named.feed(
                str(channel),
                f"no event on {days} of {settings.window_days} days, "
                f"{int(now['events'].sum()):,} in all against {usual:,.0f} a period before",
            )


def _renamed(
    table: pd.DataFrame,
    measured: Streams,
    settings: ChangeSettings,
    minimum: int,
    named: _Naming,
) -> list[Change]:
    """Say which names of touchpoints are new or gone, and which pairs look like one renamed."""
    rows = table[table["measure"] == EVENTS]
    if rows.empty or rows["period"].max() < settings.min_references:
        return []
    whole = min(int(rows["period"].max()), settings.references)
    n = rows.pivot_table(index="touchpoint", columns="period", values="n", fill_value=0)
    n = n.reindex(columns=range(whole + 1), fill_value=0)
    people = rows[rows["period"] == 0].set_index("touchpoint")["customers"]
    usual, least = (
        n[list(range(1, whole + 1))].mean(axis=1),
        n[list(range(1, whole + 1))].min(axis=1),
    )
    new = [x for x in n.index if usual[x] == 0 and n.loc[x, 0] > 0 and people.get(x, 0) >= minimum]
    lacking = usual - n[0]
    fell = [
        x for x in n.index
        if least[x] > 0 and lacking[x] >= usual[x] / ALIKE
        and (lacking[x] > 4 * math.sqrt(usual[x]) or (n.loc[x, 0] == 0 and usual[x] >= SURE))
    ]  # fmt: skip
    found, taken = [], set()
    for name in new:
        near = [
            x for x in fell
            if x not in taken and measured.channels.get(x) == measured.channels.get(name)
            and 1 / ALIKE <= n.loc[name, 0] / max(lacking[x], 1.0) <= ALIKE
        ]  # fmt: skip
        near.sort(key=lambda x: (-difflib.SequenceMatcher(None, x, name).ratio(), x))
        old = near[0] if near else None
        taken.add(old)
        found.append(named.name(old, name, int(n.loc[name, 0]), usual.get(old, 0.0)))
    gone = [x for x in fell if x not in taken and n.loc[x, 0] == 0]
    found += [named.name(old, None, 0, usual[old]) for old in gone]
    return found


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
    measured: Streams, before: Sequence[Entry], told: Mapping[str, str], periods: Periods
) -> tuple[pd.DataFrame, list[str]]:
    """Add periods that earlier runs kept and that the log no longer holds."""
    table, parts, used = measured.table, [measured.table], []
    here = table.groupby("measure")["period"].max()
    taken: set[int] = set()
    for entry in reversed(before):
        kept = entry.streams
        alike = all(entry.definitions.get(k) == v for k, v in told.items() if k not in JUDGED)
        if kept is None or not alike or kept.empty or set(kept["days"]) != {periods.days}:
            continue
        end = (dt.date.fromisoformat(str(kept["ends"].iloc[0])) - EPOCH).days * US_PER_DAY
        place, rest = divmod(periods.end_us - end, periods.days * US_PER_DAY)
        if rest or not 0 < place <= periods.before or place in taken:
            continue
        held = kept["measure"].map(here).fillna(0) >= place
        rows = kept[~held].assign(period=place)[list(STREAM_COLUMNS)]
        if len(rows):
            taken.add(int(place))
            parts.append(rows)
            used.append(entry.run_id)
    return (pd.concat(parts, ignore_index=True) if used else table), used


def _kept(measured: Streams, periods: Periods, minimum: int) -> pd.DataFrame:
    """Return the last period's streams as the history keeps them: no small cell."""
    rows = measured.table
    rows = rows[(rows["period"] == 0) & (rows["customers"] >= minimum) & (rows["n"] >= minimum)]
    end = EPOCH + dt.timedelta(days=periods.end_us // US_PER_DAY)
    return rows.assign(
        ends=end.isoformat(), days=periods.days, value=rows["value"].map(rounded),
        se=rows["se"].map(rounded),
    ).reset_index(drop=True)  # fmt: skip


@dataclass
class _Naming:
    """Words for what was found."""

    measured: Streams
    periods: Periods
    settings: ChangeSettings
    broken: bool = False

    def days(self, measure: str) -> tuple[str, str]:
        """First and last day of the last period, as far as `measure` is known by then."""
        last = self.periods.end_us // US_PER_DAY - self.measured.lags.get(measure, 0) - 1
        first = last - self.periods.days + 1
        return tuple((EPOCH + dt.timedelta(days=d)).isoformat() for d in (first, last))  # type: ignore[return-value]

    def feed(self, channel: str, said: str) -> Change:
        """Return the change of a feed that broke off."""
        self.broken = True
        where = f"the channel '{channel}'" if channel else "the log"
        first, last = self.days(EVENTS)
        text = (
            f"From {first} to {last} {where} looks broken off: {said}. Nothing else of this period "
            "is compared."
        )
        return Change(
            f"feed-{channel}".rstrip("-") + ("all" if not channel else ""), "data_quality",
            f"events of {where}", text, measure=EVENTS, unit="events", direction="worse",
        )  # fmt: skip

    def name(self, old: str | None, new: str | None, now: int, usual: float) -> Change:
        """Return the change of a name of a touchpoint."""
        first, last = self.days(EVENTS)
        if old and new:
            text = (
                f"'{old}' looks renamed to '{new}': {usual:,.0f} events a period went under the "
                f"old name, {now:,} from {first} to {last} under the new one. Neither is compared; "
                "the mapping can join them."
            )
        elif new:
            text = (
                f"'{new}' is new: {now:,} events from {first} to {last}, none before. It is not "
                "compared yet."
            )
        else:
            text = (
                f"'{old}' is gone: no event from {first} to {last}, {usual:,.0f} a period before. "
                "Either it no longer happens, or it is logged under another name or not at all."
            )
        return Change(
            f"name-{old or ''}-{new or ''}".strip("-"), "definition", f"touchpoint {new or old}",
            text, touchpoint=new or old, before=old, after=new, unit="name",
        )  # fmt: skip

    def alarms(self, tests: pd.DataFrame) -> list[Change]:
        """Return the streams that changed by more than chance, in words."""
        return [self._stream(row) for _, row in tests[tests["significant"]].iterrows()]

    def _stream(self, row: pd.Series[Any]) -> Change:
        measure, place = str(row["measure"]), str(row["touchpoint"])
        what = stream_label(measure, place, str(row["detail"]))
        kind: Kind = {"quality": "data_quality", "mix": "mix"}.get(row["family"], "performance")  # type: ignore[assignment]
        if kind == "performance" and is_mix(row):
            kind = "mix"
        first, last = self.days(measure)
        before, after, change, unit = _spoken(row)
        periods = int(row["references"])
        text = (
            f"{what}: {after} from {first} to {last} (n = {int(row['n_after']):,}, "
            f"{int(row['customers']):,} customers), {before} in the {periods} periods before "
            f"(n = {int(row['n_before']):,}); {change}."
        )
        if kind == "mix" and row["family"] == "performance":
            text += " It goes with another mix of cases: among like cases less than half is left."
        if abs(row["cusum"]) >= self.settings.cusum_h and row["z"] * row["cusum"] > 0:
            text += " The drift goes on over several periods."
        sign = WORSE.get(measure, 1 if measure.startswith("missing_") else 0) * row["difference"]
        return Change(
            id="-".join(filter(None, (measure, place, str(row["detail"])))),
            kind=kind,
            what=what,
            text=text,
            touchpoint=place or None,
            measure=measure,
            before=rounded(_shown(row["before"], row["unit"])),
            after=rounded(_shown(row["after"], row["unit"])),
            unit="seconds" if row["unit"] == "log seconds" else str(row["unit"]),
            difference={
                **{
                    name: rounded(_shown(row[column], row["unit"]))
                    for name, column in (("value", "difference"), ("lo", "lo"), ("hi", "hi"))
                },
                "unit": unit,
            },
            n_before=int(row["n_before"]),
            n_after=int(row["n_after"]),
            customers=int(row["customers"]),
            q_value=rounded(row["q_value"]),
            direction=None if sign == 0 else "worse" if sign > 0 else "better",
        )


def stream_label(measure: str, touchpoint: str, detail: str) -> str:
    """Return what a stream counts, in words."""
    label = LABELS.get(measure, f"Events without {measure.removeprefix('missing_')}")
    return label.format(detail=detail) + (f" at {touchpoint}" if touchpoint else "")


def _shown(value: float, unit: str) -> float:
    return math.expm1(value) if unit == "log seconds" else float(value)


def _spoken(row: pd.Series[Any]) -> tuple[str, str, str, str]:
    """Return before, after and the difference with its interval in words, and its unit."""
    unit = str(row["unit"])
    ends = [_shown(row[name], unit) for name in ("difference", "lo", "hi")]
    if unit == "share":
        said = [f"{100 * row[name]:.1f} %" for name in ("before", "after")]
        change = [_signed(100 * end, 1) for end in ends]
        return *said, f"{change[0]} points ({change[1]} to {change[2]})", "share"  # type: ignore[return-value]
    if unit == "log seconds":
        said = [f"{number(_shown(row[name], unit) / 60, 1)} min" for name in ("before", "after")]
        change = [_signed(100 * end, 0) for end in ends]
        return *said, f"{change[0]} % ({change[1]} to {change[2]})", "relative"  # type: ignore[return-value]
    said = [number(float(row[name]), 2) for name in ("before", "after")]
    change = [_signed(end, 2) for end in ends]
    return *said, f"{change[0]} {unit} ({change[1]} to {change[2]})", unit  # type: ignore[return-value]


def _signed(value: float, digits: int) -> str:
    text = f"{abs(value):.{digits}f}"
    return text if float(text) == 0 else ("+" if value > 0 else "−") + text
