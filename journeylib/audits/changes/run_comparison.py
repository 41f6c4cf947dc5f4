"""Between two runs of an audit: what is not the same, in the order in which to read it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from journeylib.audits.changes.changes import PARTS
from journeylib.audits.history import Entry
from journeylib.audits.result.result import ChangeKind
from journeylib.core import LogError, label, number, percent, signed, text

NUMBER_COLUMNS = ("measure", "unit", "before", "before_lo", "before_hi", "n_before",
                  "after", "after_lo", "after_hi", "n_after", "apart")  # fmt: skip
VERDICT_COLUMNS = ("touchpoint", "before", "stability_before", "after", "stability_after",
                   "stands")  # fmt: skip
KEYS_NAMED = 6  # settings named in one sentence


Sentence = tuple[ChangeKind, str]


@dataclass(frozen=True)
class RunComparison:
    """What is not the same in two runs.

    Attributes
    ----------
    before, after : Entry
    sentences : tuple of (kind, sentence)
        Data quality, definition, mix, performance, in this order.
    numbers : pandas.DataFrame
        One row per number of the whole log that both runs have, columns `NUMBER_COLUMNS`;
        ``apart`` says that their intervals do not overlap.
    verdicts : pandas.DataFrame
        One row per touchpoint of which the two runs do not say the same, columns
        `VERDICT_COLUMNS`; ``stands`` is the verdict that stands after the second.
    """

    before: Entry
    after: Entry
    sentences: tuple[Sentence, ...]
    numbers: pd.DataFrame
    verdicts: pd.DataFrame

    @property
    def heading(self) -> str:
        """Which runs are compared."""
        return text(
            "audits.runs.heading",
            title=self.after.document["audit"]["title"],
            before=self.before.as_of.isoformat(),
            before_id=self.before.run_id,
            after=self.after.as_of.isoformat(),
            after_id=self.after.run_id,
        )

    @property
    def text(self) -> str:
        """Everything in words and tables, for a terminal."""
        kinds = {kind: text(f"audits.kind.{kind}") for kind, _ in self.sentences}
        width = max(map(len, kinds.values()), default=0)
        lines = [self.heading, ""]
        lines += [f"  {kinds[kind]:<{width}} {sentence}" for kind, sentence in self.sentences]
        if len(self.verdicts):
            lines += ["", text("audits.runs.verdicts"), self.verdicts.to_string(index=False)]
        moved = self.numbers[self.numbers["before"] != self.numbers["after"]]
        if len(moved):
            shown = pd.DataFrame(
                {
                    "": moved["measure"],
                    "before": _amounts(moved, "before"),
                    "after": _amounts(moved, "after"),
                    "customers": moved["n_after"],
                    "apart": moved["apart"].map({True: text("yes"), False: text("no")}),
                }
            ).rename(columns=lambda name: name and text(f"audits.runs.column.{name}"))
            lines += ["", text("audits.runs.numbers"), shown.to_string(index=False)]
        return "\n".join(lines)


def _amounts(rows: pd.DataFrame, column: str) -> list[str]:
    return [
        percent(value) if unit == "share" else f"{number(value, 2)} {unit}"
        for value, unit in zip(rows[column], rows["unit"], strict=True)
    ]


def compare_runs(before: Entry, after: Entry) -> RunComparison:
    """Return what is not the same in two runs of one audit.

    Parameters
    ----------
    before, after : Entry
        From `history.find_run`.

    Raises
    ------
    LogError
        If they are runs of different audits.

    Notes
    -----
    Two runs mostly see the same events: that the intervals of a number overlap says little, and
    that they do not says something only where the definitions are the same. What chance can
    and cannot make is tested between periods that share no event; those sentences stand in the
    second run, and are repeated here where it was compared with the first.
    """
    names = [entry.document["audit"]["name"] for entry in (before, after)]
    if names[0] != names[1]:
        raise LogError(f"these are runs of two audits, '{names[0]}' and '{names[1]}'; name two "
                       "runs of one.")  # fmt: skip
    sentences = (*_data(before, after), *_definitions(before, after), *_tested(before, after))
    return RunComparison(
        before, after, sentences, _numbers(before, after), _verdicts(before, after)
    )


def _data(before: Entry, after: Entry) -> Iterator[Sentence]:
    old, new = before.document, after.document
    if old["audit"]["log_hash"] == new["audit"]["log_hash"]:
        yield "data_quality", text("audits.runs.same_events")
    else:
        counts = {name: new["log"][name] for name in ("events", "journeys", "customers")}
        more = {f"{name}_more": signed(n - old["log"][name], 0) for name, n in counts.items()}
        yield "data_quality", text("audits.runs.other_events", **counts, **more)
    checks = {(row["check"], row["role"]): row for row in old["log"]["quality"]}
    for row in new["log"]["quality"]:
        earlier = checks.get((row["check"], row["role"]))
        if earlier is not None and earlier["severity"] != row["severity"]:
            yield (
                "data_quality",
                text(
                    "audits.runs.check",
                    name=f"{row['check']} {row['role']}".strip().replace("_", " "),
                    severity=text(f"audits.severity.{row['severity']}"),
                    before=text(f"audits.severity.{earlier['severity']}"),
                    text=row["text"],
                ),
            )


def _definitions(before: Entry, after: Entry) -> Iterator[Sentence]:
    differing = [
        text(f"audits.definition.{name}")
        for name in PARTS
        if before.definitions.get(name) != after.definitions.get(name)
    ]
    if not differing:
        yield "definition", text("audits.runs.same_definitions")
        return
    keys = sorted(_changed_keys(*(entry.manifest.get("config", {}) for entry in (before, after))))
    sentence = text("audits.runs.other_definitions", parts="; ".join(differing))
    if keys:
        named = ", ".join(keys[:KEYS_NAMED]) + (" …" if len(keys) > KEYS_NAMED else "")
        sentence += " " + text("audits.runs.settings", keys=named)
    yield "definition", sentence


def _changed_keys(old: Any, new: Any, path: str = "") -> Iterator[str]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in {*old, *new}:
            inner = f"{path}.{key}" if path else str(key)
            yield from _changed_keys(old.get(key), new.get(key), inner)
    elif old != new and path != "as_of":
        yield path


def _tested(before: Entry, after: Entry) -> Iterator[Sentence]:
    comparison = after.document["comparison"]
    if comparison["previous"] != before.run_id:
        yield "performance", text("audits.runs.not_compared")
        return
    alarms = [change for change in after.document["changes"] if change["significant"]]
    for change in alarms:
        yield change["kind"], change["text"]
    if not alarms:
        yield "performance", text("audits.runs.no_alarm", note=comparison["note"])


def _numbers(before: Entry, after: Entry) -> pd.DataFrame:
    rows = []
    old, new = dict(_estimates(before)), dict(_estimates(after))
    for name in old:
        one, other = old[name], new.get(name)
        if other is None or one["value"] is None or other["value"] is None:
            continue
        ends = (one["lo"], one["hi"], other["lo"], other["hi"])
        apart = all(end is not None for end in ends) and bool(
            one["hi"] < other["lo"] or other["hi"] < one["lo"]
        )
        measure = label("audits.number", name)
        rows.append(
            (measure if measure != name else name.replace("_", " "), one["unit"],
             one["value"], one["lo"], one["hi"], one["n_customers"],
             other["value"], other["lo"], other["hi"], other["n_customers"], apart)
        )  # fmt: skip
    return pd.DataFrame(rows, columns=list(NUMBER_COLUMNS))


def _estimates(entry: Entry) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for part in (entry.document["handoffs"], entry.document["flow"]):
        for name, value in part.items():
            if isinstance(value, Mapping) and "value" in value:
                yield name, value


def _verdicts(before: Entry, after: Entry) -> pd.DataFrame:
    names = ("verdict", "verdict_stability")
    old = {row["touchpoint"]: row for row in before.document["touchpoints"]}
    new = {row["touchpoint"]: row for row in after.document["touchpoints"]}
    rows = []
    for touchpoint in dict.fromkeys((*new, *old)):
        one, other = old.get(touchpoint, {}), new.get(touchpoint, {})
        if one.get("verdict") != other.get("verdict"):
            pair = [row.get(name) for row in (one, other) for name in names]
            rows.append((touchpoint, *pair, after.standing.get(touchpoint)))
    return pd.DataFrame(rows, columns=list(VERDICT_COLUMNS))
