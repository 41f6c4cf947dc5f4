"""Look at a log and propose a schema, with the reason for each role and what is uncertain."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from journeylib.core import (
    SchemaError,
    cell_text,
    current_catalogue,
    did_you_mean,
    number,
    percent,
    printable,
    text,
)
from journeylib.log.canonical.canonical_events import NO_WORDS, YES_WORDS
from journeylib.log.canonical.timestamps import (
    FAR_YEAR,
    FAR_YEARS,
    SERIAL_DAYS,
    month_first_format,
    plan_times,
    shape_share,
)
from journeylib.log.canonical.wide_rows import STEP, THREAD, WideRows, long_rows
from journeylib.log.inference.wide_pattern import CLOCK, find_wide_rows
from journeylib.log.schema import MISSING, ROLES, Actor, Schema
from journeylib.log.sources.kinds import open_source
from journeylib.log.sources.process_mining import ObjectType
from journeylib.log.sources.raw_table import FILE, POSITION, ROW, Raw, ReadOptions
from journeylib.log.sources.table_sources import drop_scratch
from journeylib.log.text.role_names import actor_of_word, name_score

_SAMPLE_ROWS = 20_000
_MORE_MISSING = ("-", "--", "n/a", "#N/A", "\\N", "none", "NONE", "unknown", "k.A.", "(null)")
# Roles that any column may fill, in the order in which they choose.
_FREE_ROLES = (
    "end_timestamp", "session", "channel", "stage", "segment", "resource", "text", "sentiment",
    "rating", "cost", "intent", "ai_disclosed", "context_sent", "context_requested",
    "context_opened", "context_given", "handover", "error",
    "position",
)  # fmt: skip
_NUMBERS = ("sentiment", "rating", "cost", "position")
_FLAGS = ("ai_disclosed", "handover", "error")
_NAMES = ("channel", "stage", "segment", "intent")
_ZONE = r":\d\d\S*(?:Z| ?[A-Z]{3,4}|[+-]\d\d:?\d\d)$"
# Transitions of the XES lifecycle.
_TRANSITIONS = {"start", "complete", "schedule", "assign", "reassign", "suspend", "resume"}
_TRANSITIONS |= {"withdraw", "ate_abort", "pi_abort", "autoskip", "manualskip", "unknown"}
_FEW_NAMES, _SHOWN_FILES = 20, 5
_DAY_OR_MONTH = r"\s*\d\d?[/-]\d\d?[/-]\d{2}"
_SURE, _LIKELY, _TAKEN = 0.75, 0.5, 0.45
# Of two columns whose scores are that near, a person is asked.
_NEAR = 0.8
# Asks a person: (question, answer unless they give one) -> answer
Ask = Callable[[str, bool], bool]
# Texts on rows of bots and humans are the customer's where hardly any stands on a customer's row
# and most more often speak of "my bill" than of "your bill".
_CUSTOMERS_WORDS = re.compile(
    r"\b(?:my|mine|i want|i need|i can't|i cannot|i would like|meine?[mnrs]?|ich möchte|ich will|"
    r"ich brauche)\b",
    re.IGNORECASE,
)
_SERVICES_WORDS = re.compile(
    r"\b(?:you|your|ihre?[mnrs]?|ihnen|can i help|for calling)\b", re.IGNORECASE
)
_FEW_TEXTS, _SPEAKS, _CLEARLY = 0.01, 0.1, 2.0


@dataclass(frozen=True)
class Proposal:
    """A first schema for a log, and why.

    Attributes
    ----------
    schema : Schema
    reasons : dict of str to str
        For each role in the schema: a sentence on why that column was taken.
    confidence : dict of str to str
        For each role: ``high``, ``medium`` or ``low``.
    facts : tuple of str
        What the reader found out: delimiter, encoding, time format …
    warnings : tuple of str
        What is uncertain, and what to check.
    columns : tuple of str
        All columns of the source that may play a role.
    sample : pandas.DataFrame
        The first rows, all columns as texts.
    wide : WideRows, optional
        How wide rows are made long before columns get their roles.
    object_type : str, optional
        Of an object-centric log: whose objects are the journeys.
    """

    schema: Schema
    reasons: dict[str, str]
    confidence: dict[str, str]
    facts: tuple[str, ...]
    warnings: tuple[str, ...]
    columns: tuple[str, ...]
    sample: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False, compare=False)
    wide: WideRows | None = None
    object_type: str | None = None


@dataclass(frozen=True)
class _Column:
    """What the sample says about one column."""

    name: str
    values: pd.Series[str]
    filled: float
    distinct: int
    repeats: bool
    times: float
    numbers: float
    length: float

    @property
    def is_time(self) -> bool:
        return self.times >= 0.8

    @property
    def far(self) -> float:
        """Share of values whose year no time is read of."""
        return float(self.values.str.match(FAR_YEAR).mean())

    @property
    def is_prose(self) -> bool:
        """Whether it holds free text or JSON: sentences that hardly repeat, or no names."""
        if self.length > 80 or self.values.str.match(r"\s*[\[{]").mean() > 0.5:
            return True
        hardly_repeats = self.distinct > max(_FEW_NAMES, 0.2 * len(self.values))
        return bool(hardly_repeats and self.values.str.count(" ").mean() >= 3)


def propose(
    source: Any,
    *,
    delimiter: str | None = None,
    encoding: str | None = None,
    object_type: str | None = None,
    roles: Mapping[str, str] | None = None,
    ask: Ask | None = None,
) -> Proposal:
    """Look at the first rows of a log and propose which column plays which role.

    Parameters
    ----------
    source : as in `read_log`
    delimiter, encoding, object_type : str, optional
        As in `read_log`; of an object-centric log the type that loses and repeats least unless
        given.
    roles : mapping of str to str, optional
        Roles whose columns are known; the others are looked for.
    ask : callable, optional
        Called with a yes-or-no question and the likely answer where two readings are near; names
        of columns are all that it is told of the log. Nobody is asked unless given.

    Raises
    ------
    LogError
        The source cannot be read.
    SchemaError
        No column can be what happened, or when; or a given role or its column does not exist.
    """
    types = _TypeChoice(ask)
    raw = open_source(
        source,
        lambda columns, _: list(columns),
        ReadOptions(delimiter, encoding, object_type or types, limit=_SAMPLE_ROWS),
    )
    sample = _sample(raw)
    wide = find_wide_rows(sample)
    if wide is not None:
        raw = long_rows(raw, wide, MISSING, None)
        sample = _sample(replace(raw, table=raw.table.order_by(POSITION)))
        parts = (*wide.made, *(c for c in sample.columns if c not in wide.needed))
        sample = sample[[c for c in sample.columns if c in parts]]
    try:
        proposal = _Search(raw, sample, wide, ask).proposal(roles or {})
    finally:
        drop_scratch(raw)
    chosen = object_type or types.chosen
    return replace(proposal, object_type=chosen, warnings=(*types.warnings, *proposal.warnings))


class _TypeChoice:
    """Chooses the objects that journeys follow; a person may say that it is the next type."""

    def __init__(self, ask: Ask | None) -> None:
        self.ask = ask
        self.chosen: str | None = None
        self.warnings: tuple[str, ...] = ()

    def __call__(self, types: Sequence[ObjectType]) -> str | None:
        if self.chosen is not None or not types:
            return self.chosen
        costs = {one.name: f"{one.lost} events lost, {one.extra} repeated" for one in types}
        best = self.chosen = types[0].name
        if len(types) > 1 and self.ask is not None:
            asked = (
                name
                for name, cost in costs.items()
                if self.ask(
                    f"Do journeys follow the objects of type '{name}' ({cost})?", name == best
                )
            )
            self.chosen = next(asked, best)
        if len(types) > 1:
            counts = "; ".join(f"{name}: {cost}" for name, cost in costs.items())
            chosen = text("log.proposal.object_type", name=str(self.chosen), counts=counts)
            self.warnings = (chosen,)
        return self.chosen


def _sample(raw: Raw) -> pd.DataFrame:
    names = [name for name in raw.table.columns if name not in (FILE, ROW, POSITION)]
    texts = raw.table.limit(_SAMPLE_ROWS).select(
        **{name: raw.table[name].cast("string") for name in names}
    )
    frame: pd.DataFrame = texts.to_pandas()
    return frame


def _profile(name: str, values: pd.Series[str], missing: tuple[str, ...], typed: bool) -> _Column:
    present = values[values.notna() & ~values.str.strip().isin(missing)].astype("str")
    counts = present.value_counts()
    numbers = pd.to_numeric(present, errors="coerce").notna().mean() if len(present) else 0.0
    return _Column(
        name=name,
        values=present,
        filled=len(present) / max(len(values), 1),
        distinct=len(counts),
        repeats=bool(len(counts) < 0.95 * len(present)),
        times=1.0 if typed and len(present) else shape_share(present),
        numbers=float(numbers),
        length=float(present.str.len().mean()) if len(present) else 0.0,
    )


class _Search:
    """Fills the roles one after another, the needed ones first."""

    def __init__(
        self, raw: Raw, sample: pd.DataFrame, wide: WideRows | None, ask: Ask | None
    ) -> None:
        self.raw = raw
        self.ask = ask
        self.sample = sample
        self.wide = wide
        seen = pd.unique(sample.to_numpy().ravel())
        texts = {str(value).strip() for value in seen if value is not None and value == value}
        self.missing = MISSING + tuple(m for m in _MORE_MISSING if m in texts and m not in MISSING)
        self.columns = {
            name: _profile(name, sample[name], self.missing, self._typed_time(name))
            for name in sample.columns
        }
        self.taken: dict[str, str] = {}
        self.scores: dict[str, float] = {}
        self.reasons: dict[str, str] = {}
        self.warnings: list[str] = []
        self.changes: dict[str, float] = {}
        self.extra: dict[str, Any] = {}

    def _typed_time(self, name: str) -> bool:
        kind = self.raw.table[name].type()
        return bool(kind.is_timestamp() or kind.is_date())

    def proposal(self, given: Mapping[str, str]) -> Proposal:
        for role, name in given.items():
            self._declared(role, name)
        self._owner()
        if "timestamp" not in self.taken:
            self._time()
        self._actor()
        if "touchpoint" not in self.taken:
            self._touchpoint()
        self._wide_rows()
        self._lifecycle()
        for role in _FREE_ROLES:
            if role not in self.taken:
                self._best_column(role)
        self._whose_words()
        if "timestamp" not in self.taken and "position" not in self.taken:
            raise self._no_time()
        if self.missing != MISSING:
            self.extra["missing"] = self.missing
            added = ", ".join(f"'{m}'" for m in self.missing[len(MISSING) :])
            self._warn("missing", values=added)
        for role, score in self.scores.items():
            if score < _LIKELY:
                self._warn("guess", column=self.taken[role], role=role)
        order = [role for role in Schema.model_fields if role in self.taken]
        return Proposal(
            schema=Schema(**{role: self.taken[role] for role in order}, **self.extra),
            reasons={role: self.reasons[role] for role in order},
            confidence={role: _confidence(self.scores[role]) for role in order},
            facts=tuple(fact.text for fact in self.raw.facts) + self._time_facts(),
            warnings=tuple(self.warnings),
            columns=tuple(self.columns),
            sample=self.sample,
            wide=self.wide,
        )

    def _take(self, role: str, column: _Column, score: float, content: str) -> None:
        self.taken[role] = column.name
        self.scores[role] = score
        named = name_score(column.name, role) >= 0.25
        self.reasons[role] = text(f"log.proposal.{'named' if named else 'content'}", what=content)

    def _warn(self, key: str, **values: object) -> None:
        self.warnings.append(text(f"log.proposal.{key}", **values))

    def _no_time(self) -> SchemaError:
        """Return what to say where nothing is a time or an order."""
        problem = f"{self.raw.name} has no column that reads as times or as an order."
        for name, column in self.columns.items():
            far = column.is_time and column.far > 0.2
            if not far and name_score(name, "timestamp") < _TAKEN:
                continue
            shown = printable([name])[0]
            if far:
                return SchemaError(f"{problem} '{shown}' looks like dates. {FAR_YEARS}")
            if column.values.str.fullmatch(r"[1-9][0-9]{4}([.,][0-9]+)?").mean() > 0.99:
                return SchemaError(f"{problem} '{shown}' looks like the {SERIAL_DAYS}")
            if column.numbers > 0.99:
                return SchemaError(
                    f"{problem} '{shown}' holds numbers, and no times since 1970. If they only "
                    f"give an order, say so with --role 'position={shown}' of `journeylib init`."
                )
        return SchemaError(f"{problem} {self._how_to_name('timestamp')}")

    def _declared(self, role: str, name: str) -> None:
        if role not in ROLES:
            raise SchemaError(f"there is no role '{role}'.{did_you_mean(role, ROLES)}")
        if name not in self.columns:
            raise SchemaError(
                f"column '{name}' (role {role}) is not in {self.raw.name}."
                f"{did_you_mean(name, self.columns)} Columns: {', '.join(printable(self.columns))}."
            )
        self.taken[role], self.scores[role] = name, 1.0
        self.reasons[role] = text("log.proposal.given")
        if role == "timestamp":
            if unit := _unit(self.columns[name]):
                self.extra["timestamp_format"] = unit
            self._day_or_month(self.columns[name])

    def _how_to_name(self, role: str) -> str:
        """Say how a role gets its column where none was found."""
        return (
            f"Name one with --role {role}=COLUMN of `journeylib init`. Columns: "
            f"{', '.join(printable(self.columns))}."
        )

    def _better(self, scored: list[tuple[float, _Column]], what: str) -> tuple[float, _Column]:
        """Return the best column; where the second is near, a person may say that it is that."""
        best, *others = sorted(scored, key=lambda pair: pair[0], reverse=True)
        if self.ask is None or not others or others[0][0] < _NEAR * best[0]:
            return best
        one, other = printable([best[1].name, others[0][1].name])
        question = f"Two columns may say {what}: '{one}' and '{other}'. Take '{one}'?"
        chosen = best if self.ask(question, True) else others[0]
        return max(chosen[0], _SURE), chosen[1]

    def _open(self) -> list[_Column]:
        return [c for c in self.columns.values() if c.name not in self.taken.values() and c.filled]

    def _owner(self) -> None:
        """Find who: identifiers repeat, are short, and are neither times nor long texts."""
        for role in ("journey", "customer"):
            if role in self.taken:
                continue
            scored = []
            for column in self._open():
                name = name_score(column.name, role)
                fits = not column.is_time and column.length <= 64 and column.distinct > 1
                if name >= 0.4 and fits and column.filled > 0.5:
                    scored.append((name * (1.0 if column.repeats else 0.5), column))
            if scored:
                score, column = self._better(scored, f"the {role}")
                self._take(role, column, score, self._repeat_text(column))
        for role in ("journey", "customer"):
            column_of = self.columns.get(self.taken.get(role, ""))
            if column_of is not None and column_of.filled < 0.95:
                share = percent(1 - column_of.filled, 0)
                self._warn("unfilled", share=share, column=column_of.name)
        if "journey" not in self.taken and "customer" not in self.taken:
            if self.wide is not None and self.wide.threads is not None:
                thread = self.columns[THREAD]
                self._take("journey", thread, _LIKELY, text("log.proposal.thread"))
            else:
                self._finest_identifier()
        elif "journey" in self.taken and not self.columns[self.taken["journey"]].repeats:
            self._warn("no_repeats", column=self.taken["journey"])
        owner = self.taken.get("journey") or self.taken["customer"]
        grouped = self.sample.groupby(owner, sort=False)
        more = grouped.size() > 1
        for column_name in self.sample.columns:
            varied = grouped[column_name].nunique()[more] > 1
            self.changes[column_name] = float(varied.mean()) if len(varied) else 0.0

    def _finest_identifier(self) -> None:
        """Where no column is named like an identifier, take the one that repeats most finely."""
        able = [
            c
            for c in self._open()
            if c.repeats and not c.is_time and c.length <= 64 and c.filled > 0.9
        ]
        if not able:
            raise SchemaError(
                f"{self.raw.name} has no column that says whose events are: none repeats like an "
                f"identifier. {self._how_to_name('customer')}"
            )
        column = max(able, key=lambda c: c.distinct)
        self._take("customer", column, 0.2, self._repeat_text(column))
        self._warn("stand_in", column=column.name)

    def _repeat_text(self, column: _Column) -> str:
        rows = number(len(column.values) / max(column.distinct, 1), 1)
        return text("log.proposal.repeats", values=_values(column.distinct), rows=rows)

    def _time(self) -> None:
        """Find when: of all columns of times the one that changes from event to event."""
        scored = []
        for column in self._open():
            name = name_score(column.name, "timestamp")
            unit = _unit(column) if name >= 0.25 else None
            if column.filled > 0.5 and (column.times - column.far >= 0.8 or unit):
                change = self.changes[column.name]
                # An audit refuses rows without a time where these are more than a few.
                score = (0.35 + 0.65 * name) * (0.4 + 0.6 * change)
                scored.append((score if column.filled >= 0.95 else score / 4, name, column, unit))
        if not scored:
            return
        score, _, column, unit = max(scored, key=lambda entry: entry[:2])
        change = self.changes[column.name]
        content = text("log.proposal.times", share=percent(column.times - column.far, 0))
        if unit:
            self.extra["timestamp_format"] = unit
            content = text("log.proposal.unit", unit=unit)
            self._warn("numbers", column=column.name, unit=unit)
        self._day_or_month(column)
        if len([entry for entry in scored if entry[2].is_time]) > 1:
            content = text("log.proposal.changes", what=content, share=percent(change, 0))
        self._take("timestamp", column, max(score, 0.5), content)

    def _day_or_month(self, column: _Column) -> None:
        """Where no date tells whether the day or the month is first, ask the order of the file."""
        if self._files_decide(column):
            return
        parts = column.values.str.extract(r"^\s*(\d\d?)([/-])(\d\d?)[/-](\d{2,4})(.*)$")
        first, second = (pd.to_numeric(parts[i], errors="coerce") for i in (0, 2))
        if parts.isna().any(axis=None) or first.max() > 12 or second.max() > 12:
            return
        year = pd.to_numeric(parts[3])
        days = pd.DataFrame({"day": year * 10_000 + second * 100 + first,
                             "month": year * 10_000 + first * 100 + second})  # fmt: skip
        ordered = {way: bool(days[way].is_monotonic_increasing) for way in days}
        form = month_first_format(str(column.values.iloc[0]))
        if ordered["day"] and not ordered["month"]:
            return
        if self.ask is not None and form is not None:
            likely = ordered["month"] and not ordered["day"]
            if self.ask(f"Does the month come before the day in '{column.name}'?", likely):
                self.extra["timestamp_format"] = form
        elif ordered["month"] and not ordered["day"] and form is not None:
            self.extra["timestamp_format"] = form
            self._warn("month_first", column=column.name)
        else:
            self._warn("day_first", column=column.name)

    def _files_decide(self, column: _Column) -> bool:
        """Say which files have the day first; return whether any of several files is decided."""
        if len(self.raw.files) == 1 or not column.values.str.match(_DAY_OR_MONTH).any():
            return False
        try:
            plan = plan_times(
                self.raw, column.name, declared=None, timezone="UTC", missing=self.missing
            )
        except SchemaError as error:
            self.warnings.append(str(error))
            return True
        orders = plan.orders
        if orders.worth_telling:
            self._warn(
                "files",
                files=len(orders.day) + len(orders.month),
                column=column.name,
                day=self._files(orders.day),
                month=self._files(orders.month),
                by_rows=orders.by_rows,
                by_others=orders.by_others,
            )
        if orders.unclear and orders.worth_telling:
            self._warn("unclear_files", files=len(orders.unclear))
        return len(orders.unclear) < len(orders.day) + len(orders.month)

    def _files(self, files: Sequence[int]) -> str:
        names = printable([self.raw.files[file] for file in files])
        return current_catalogue().names(names, most=_SHOWN_FILES) if names else cell_text(None)

    def _time_facts(self) -> tuple[str, ...]:
        if "timestamp" not in self.taken or self._typed_time(self.taken["timestamp"]):
            return ()
        column = self.columns[self.taken["timestamp"]]
        shapes = column.values.str.replace(r"[0-9]", "9", regex=True)
        common = shapes.str.replace(r"[A-Za-z]", "a", regex=True).value_counts().index[0]
        zoned = column.values.str.contains(_ZONE)
        if not zoned.all():
            self._warn("some_zones" if zoned.any() else "no_zone")
        return (text("log.proposal.shape", shape=common),)

    def _actor(self) -> None:
        """Find who acted: a column most of whose words are known for actors."""
        scored = []
        given = self.taken.pop("actor", None)
        for column in self._open() if given is None else [self.columns[given]]:
            if column.distinct > 200 or column.is_time or column.numbers > 0.5:
                continue
            if self.wide is not None and self.wide.unpivot and column.name == STEP:
                continue
            words = {word: actor_of_word(word) for word in column.values.unique()}
            share = column.values.map(words).notna().mean()
            name = name_score(column.name, "actor")
            if given or (share >= 0.8 and len({a for a in words.values() if a}) > 1):
                scored.append((share * (0.7 + 0.3 * name), column, words))
        if not scored:
            return
        score, column, words = max(scored, key=lambda entry: entry[0])
        values: dict[str, Actor] = {w: a for w, a in sorted(words.items()) if a is not None}
        actors = text("log.proposal.actors", actors=len(values), words=len(words))
        self._take("actor", column, score, actors)
        self.extra["actor_values"] = values
        unknown = len(words) - len(values)
        if unknown:
            self._warn("unmapped", words=unknown, column=column.name)

    def _touchpoint(self) -> None:
        """Find what happened: few words that change within a journey."""
        scored = []
        for column in self._open():
            few = 2 <= column.distinct <= max(500, 0.2 * len(column.values))
            if column.is_time or not few or column.filled < 0.5 or column.is_prose:
                continue
            if column.values.str.fullmatch(CLOCK).mean() > 0.8:
                self._warn("time_of_day", column=column.name)
                continue
            name = name_score(column.name, "touchpoint")
            change = self.changes[column.name]
            words = 1.0 if column.numbers < 0.5 else 0.25
            other = max(name_score(column.name, role) for role in (*_FREE_ROLES, "customer"))
            base = 0.15 if other > name else 0.3
            scored.append(((base + (1 - base) * name) * (0.4 + 0.6 * change) * words, column))
        if not scored:
            # A guess of the customer may have taken what says what happened.
            guess = self.scores.get("customer", 1.0) < _LIKELY
            why = "only one column repeats" if guess else "none holds a limited number of words"
            raise SchemaError(
                f"{self.raw.name} has no column that says what happened: {why}. "
                f"{self._how_to_name('customer' if guess else 'touchpoint')}"
            )
        score, column = self._better(scored, "what happened")
        share = percent(self.changes[column.name], 0)
        content = text("log.proposal.steps", words=column.distinct, share=share)
        self._take("touchpoint", column, score, content)

    def _wide_rows(self) -> None:
        """Say how wide rows are made long; the steps themselves may say who acts."""
        if self.wide is None:
            return
        for name, columns in self.wide.join.items():
            self._warn("joined", columns=", ".join(repr(one) for one in columns), name=name)
        if self.wide.threads is not None:
            self._warn("threads", column=self.wide.threads.reply_to)
        if not self.wide.unpivot:
            return
        steps = ", ".join(f"'{step}'" for step in self.wide.unpivot)
        self._warn("unpivot", steps=steps)
        values = {step: actor for step in self.wide.unpivot if (actor := actor_of_word(step))}
        if self.taken["touchpoint"] == STEP and "actor" not in self.taken and values:
            self._take("actor", self.columns[STEP], 0.5, text("log.proposal.known_actors"))
            self.extra["actor_values"] = values

    def _lifecycle(self) -> None:
        """Find which rows are the start and which the end of an event, by their words."""
        if "timestamp" not in self.taken or "lifecycle" in self.taken:
            return
        for column in self._open():
            words = {word.strip().lower() for word in column.values.unique()[:50]}
            if {"start", "complete"} <= words and words <= _TRANSITIONS:
                self._take("lifecycle", column, 0.9, text("log.proposal.lifecycle"))
                return

    def _best_column(self, role: str) -> None:
        scored = [
            (score, column)
            for column in self._open()
            if not (role == "end_timestamp" and "lifecycle" in self.taken)
            and (score := name_score(column.name, role)) >= _TAKEN
            and _fits(role, column, self.changes[column.name])
        ]
        if scored:
            score, column = max(scored, key=lambda pair: pair[0])
            self._take(role, column, score, _content(role, column))

    def _whose_words(self) -> None:
        """Find out if the customer's words stand on the rows of who served."""
        if not {"text", "actor"} <= set(self.taken):
            return
        texts = self.columns[self.taken["text"]].values
        acting = self.sample[self.taken["actor"]].str.strip().map(self.extra["actor_values"])
        acting = acting.reindex(texts.index)
        served = texts[acting.isin(["bot", "human"])]
        own = served.str.contains(_CUSTOMERS_WORDS).mean() if len(served) else 0.0
        answers = served.str.contains(_SERVICES_WORDS).mean() if len(served) else 0.0
        if (acting == "customer").sum() >= _FEW_TEXTS * len(texts) or own < _SPEAKS:
            return
        if own > _CLEARLY * answers:
            self.extra["text_by"] = "customer"
            self._warn("customers_words", share=percent(own, 0))


def _fits(role: str, column: _Column, change: float) -> bool:
    if role == "end_timestamp":
        return column.is_time
    if column.is_time:
        return False
    if role == "position":
        return column.numbers == 1.0 and column.filled == 1.0 and change > 0.5
    if role in _NUMBERS:
        return column.numbers > 0.8
    if role in _FLAGS:
        return {value.lower() for value in column.values.unique()[:5]} <= {*YES_WORDS, *NO_WORDS}
    if role in _NAMES:
        return column.distinct <= 500 and column.length <= 80
    return role != "text" or column.length > 8


def _content(role: str, column: _Column) -> str:
    if role in _NUMBERS:
        return text("log.proposal.figures", share=percent(column.numbers, 0))
    return text("log.proposal.holds", values=_values(column.distinct))


def _values(distinct: int) -> str:
    return text("log.proposal.values", n=distinct)


def _unit(column: _Column) -> str | None:
    """Guess the unit of numbers that may count from 1970 by their size."""
    if column.numbers < 0.99:
        return None
    middle = float(pd.to_numeric(column.values, errors="coerce").median())
    for unit, one in (("s", 1.0), ("ms", 1e3), ("us", 1e6)):
        if 6.0e8 * one <= middle <= 4.2e9 * one:
            return unit
    return None


def _confidence(score: float) -> str:
    return "high" if score >= _SURE else "medium" if score >= _LIKELY else "low"
