"""Views of what changed: since the run before, in the last period, and between two runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from journeylib.audits import Audit, Change, RunComparison
from journeylib.core import duration, number, percent, text
from journeylib.present.blocks import TAGS, Block, ListItem, remark, tagged_list
from journeylib.present.charts.drift import drift_figure
from journeylib.present.figure import Figure
from journeylib.present.tables import Table, as_float, interval, table
from journeylib.present.theme import VERDICTS

KINDS = ("data_quality", "name", "definition", "mix", "performance")
SHOWN = 8  # changes on the first screen; audit.json has all


def changes(audit: Audit) -> Block:
    """Return what changed, in sentences: data, definitions, mix, performance; alarms first."""
    alarms = audit.changes.significant
    unsure = [change for change in audit.changes.entries if not change.significant]
    items = [_item(change) for change in (*alarms, *unsure)]
    note = audit.changes.note
    if hidden := len(items[SHOWN:]):
        note = f"{note} {text('present.changes.more', n=hidden)}"
    block = tagged_list(items[:SHOWN], lead=changes_head(audit), note=note)
    return Block(block.html, tagged_list(items, lead=changes_head(audit), note=note).text)


def changes_head(audit: Audit) -> str:
    """Return in one sentence how many alarms there are, and since when."""
    comparison, alarms = audit.changes, audit.changes.significant
    since = text("present.changes.last_period")
    if comparison.period:
        first, last = comparison.period
        n = comparison.references
        since = text("present.changes.dated", first=first, last=last, n=n)
    if comparison.previous:
        days = {entry.run_id: entry.as_of.isoformat() for entry in audit.history.entries}
        since = text("present.changes.since", day=days.get(comparison.previous, ""))
    if not alarms:
        if comparison.compared == 0 and not comparison.previous:
            return text("present.changes.nothing")
        return text("present.changes.none", since=since, n=comparison.compared)
    counts = ", ".join(
        text("present.changes.count", n=n, kind=text(f"present.change.{kind}"))
        for kind in KINDS
        if (n := sum(_kind(change) == kind for change in alarms))
    )
    return text("present.changes.some", since=since, n=len(alarms), counts=counts)


def _kind(change: Change) -> str:
    return "name" if change.unit == "name" else change.kind


def _item(change: Change) -> ListItem:
    word = text(f"present.change.{_kind(change)}")
    if not change.significant:
        unsure = text("present.changes.unsure", kind=word)
        return ListItem(change.text, f"○ {unsure}", *TAGS["not_assessable"][1:])
    glyph, like = {"worse": ("▼", "fail"), "better": ("▲", "pass")}.get(
        change.direction or "", ("◆", "medium")
    )
    return ListItem(change.text, f"{glyph} {word}", *TAGS[like][1:])


def moved(audit: Audit) -> Figure | Block:
    """Draw the streams that moved most against earlier periods, beside what chance moves."""
    if audit.changes.tests["difference"].isna().all():
        return remark(text("present.drift.none"))  # why stands with `changes`
    return drift_figure(audit.changes.tests, audit.changes.note)


def difference(comparison: RunComparison) -> Block:
    """Return what is not the same in two runs, in sentences."""
    items = [
        ListItem(sentence, text(f"present.change.{kind}"), *TAGS["not_assessable"][1:])
        for kind, sentence in comparison.sentences
    ]
    return tagged_list(items, lead=f"{comparison.heading}.")


def drift_between(comparison: RunComparison) -> Figure | Block:
    """Draw the streams that moved most in the last period of the second run."""
    tests = comparison.after.tested
    note = str(comparison.after.document["comparison"]["note"])
    if tests is None or tests["difference"].isna().all():
        return remark(note)
    return drift_figure(tests, note)


def numbers_between(comparison: RunComparison) -> Table | Block:
    """Return the numbers of the whole log that differ between two runs."""
    numbers = comparison.numbers[comparison.numbers["before"] != comparison.numbers["after"]]
    if numbers.empty:
        return remark(text("present.between.no_number"))
    rows = [
        {
            "measure": str(row["measure"]),
            "before": _range(row, "before"),
            "after": _range(row, "after"),
            "customers": int(row["n_after"]),
            "apart": text("yes" if row["apart"] else "no"),
        }
        for row in numbers.to_dict("records")
    ]
    note = text("present.between.numbers_note")
    return table(rows, text("present.between.numbers"), note=note)


def _range(row: dict[Any, Any], which: str) -> str:
    writers: dict[str, Callable[[float], str]] = {"share": percent, "seconds": duration}
    write = writers.get(row["unit"], _significant)
    return interval(row[which], row[f"{which}_lo"], row[f"{which}_hi"], write)


def _significant(value: float) -> str:
    return number(float(f"{value:.3g}"))


def verdicts_between(comparison: RunComparison) -> Table | Block:
    """Return the touchpoints on which two runs do not agree."""
    if comparison.verdicts.empty:
        return remark(text("present.between.same_verdicts"))
    rows = [
        {
            "touchpoint": row["touchpoint"],
            "before": _verdict(row["before"], row["stability_before"]),
            "after": _verdict(row["after"], row["stability_after"]),
            "stands": _verdict(row["stands"], None),
        }
        for row in comparison.verdicts.to_dict("records")
    ]
    note = text("present.between.verdicts_note")
    return table(rows, text("present.between.verdicts"), note=note)


def _verdict(verdict: Any, stability: Any) -> str:
    if verdict is None or pd.isna(verdict):
        return text("none")
    word, share = VERDICTS[str(verdict)].word, as_float(stability)
    if share is None:
        return word
    return text("present.scorecard.agree", verdict=word, share=percent(share, 0))
