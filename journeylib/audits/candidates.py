"""What a first look suggests beyond the roles: words to map, ends of journeys, outcomes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from journeylib.errors import SchemaError
from journeylib.log.inspect import Proposal
from journeylib.log.raw import FILE, POSITION, ROW
from journeylib.log.rolenames import ROLE_NAMES, actor_of_word, name_score, plain
from journeylib.log.schema import OutcomesSchema
from journeylib.log.sources import open_source, tidy
from journeylib.log.times import shape_share

SAMPLE_ROWS = 20_000
# A word of the log is repeated in the configuration only where it is clearly no single person's.
MIN_ROWS = 10
MAX_WORDS = 60
MAYBE = 0.3
FLAG_WORDS = frozenset({"0", "1", "true", "false", "yes", "no", "t", "f", "y", "n", "ja", "nein"})
FLAG_WORDS |= {"oui", "non"}

GOAL_WORDS = frozenset(
    [
        "purchase",
        "purchased",
        "bought",
        "placed",
        "paid",
        "handled",
        "renewal",
        "renewed",
        "solved",
        "resolved",
        "closed",
        "completed",
        "complete",
        "done",
        "success",
        "confirmed",
        "approved",
        "delivered",
    ]
)
BAD_END_WORDS = frozenset(
    [
        "cancelled",
        "canceled",
        "abandoned",
        "rejected",
        "failed",
        "left",
        "lost",
        "churn",
        "terminated",
        "hung",
        "expired",
    ]
)
GOOD_NAMES = ("solved", "resolved", "is resolved", "success", "successful", "fcr",
              "first contact resolution", "satisfied", "goal reached", "made sla", "task solved",
              "gelost", "resolu")  # fmt: skip
VULNERABLE_NAMES = ("vulnerable", "vulnerability", "is vulnerable", "vulnerability flag")
KIND_NAMES = ("kind", "outcome", "outcome type", "outcome kind", "type", "event", "event type",
              "metric", "survey", "art", "genre")  # fmt: skip
VALUE_NAMES = ("value", "outcome value", "score", "answer", "result", "response", "wert", "valeur")
ASKED_NAMES = ("asked", "asked at", "asked on", "sent at", "sent", "surveyed at", "invited at")
OUTCOME_NAMES = ("churn", "churned", "left", "cancelled", "nps", "csat", "ces", "complaint",
                 "repurchase", "retained", "renewed", "refund")  # fmt: skip


@dataclass(frozen=True)
class Candidates:
    """What may be meant, for a person to decide.

    Attributes
    ----------
    roles : dict of str to tuple of str
        Role without a column to unused columns that might be it.
    unused : tuple of str
        Columns without a role.
    actor_words : tuple of str
        Frequent words of the actor column that are not mapped.
    touchpoints, goals, bad_ends : tuple of str
        Frequent touchpoints; those whose names sound like an end.
    good, vulnerable : tuple of str
        Unused columns that may say that a visit went well, or flag vulnerable customers.
    """

    roles: dict[str, tuple[str, ...]]
    unused: tuple[str, ...]
    actor_words: tuple[str, ...]
    touchpoints: tuple[str, ...]
    goals: tuple[str, ...]
    bad_ends: tuple[str, ...]
    good: tuple[str, ...]
    vulnerable: tuple[str, ...]


@dataclass(frozen=True)
class OutcomesProposal:
    """Which column of a table of outcomes plays which role, and why.

    Attributes
    ----------
    schema : OutcomesSchema
    reasons : dict of str to str
    kinds : tuple of str
        Kinds of outcome in the table.
    warnings : tuple of str
    """

    schema: OutcomesSchema
    reasons: dict[str, str]
    kinds: tuple[str, ...]
    warnings: tuple[str, ...]


def first_rows(source: Any, object_type: str | None = None) -> tuple[str, pd.DataFrame]:
    """Return the name of a source and its first rows as texts, nulls as missing."""
    raw = open_source(
        source, lambda columns, _: list(columns), limit=SAMPLE_ROWS, object_type=object_type
    )
    names = [name for name in raw.table.columns if name not in (FILE, ROW, POSITION)]
    texts = {name: raw.table[name].cast("string") for name in names}
    sample: pd.DataFrame = raw.table.limit(SAMPLE_ROWS).select(**texts).to_pandas()
    tidy(raw)
    return raw.name, sample


def find_candidates(proposal: Proposal, sample: pd.DataFrame) -> Candidates:
    """Look through the first rows for what the proposal left open."""
    taken = proposal.schema.roles()
    named = {*taken.values(), *proposal.schema.attributes, *proposal.schema.identifiers.values()}
    unused = tuple(name for name in proposal.columns if name not in named)
    names = _frequent(sample[taken["touchpoint"]], proposal.schema.missing)
    return Candidates(
        roles=_role_candidates(unused, set(taken), sample),
        unused=unused,
        actor_words=_unmapped_actors(proposal, sample),
        touchpoints=names,
        goals=tuple(name for name in names if _sounds_like(name, GOAL_WORDS)),
        bad_ends=tuple(name for name in names if _sounds_like(name, BAD_END_WORDS)),
        good=_named(unused, GOOD_NAMES),
        vulnerable=_named(unused, VULNERABLE_NAMES),
    )


def _frequent(column: pd.Series[Any], missing: tuple[str, ...]) -> tuple[str, ...]:
    values = column.dropna().astype("str").str.strip()
    counts = values[~values.isin(missing)].value_counts()
    return tuple(sorted(counts.index[counts >= MIN_ROWS][:MAX_WORDS]))


def _role_candidates(
    unused: tuple[str, ...], taken: set[str], sample: pd.DataFrame
) -> dict[str, tuple[str, ...]]:
    found = {}
    for role in ROLE_NAMES:
        if role in taken:
            continue
        near = [name for name in unused if name_score(name, role) >= MAYBE]
        if role == "position":
            near += [name for name in unused if name not in near and _counts_rows(sample[name])]
        if near:
            found[role] = tuple(near)
    return found


def _counts_rows(column: pd.Series[Any]) -> bool:
    """Whether a column numbers the rows: it may put events of one minute in order.

    Exports repeat a few rows, so nearly all different is enough.
    """
    numbers = pd.to_numeric(column, errors="coerce")
    return bool(
        len(numbers) > 1 and numbers.notna().all() and numbers.nunique() > 0.99 * len(numbers)
    )


def _unmapped_actors(proposal: Proposal, sample: pd.DataFrame) -> tuple[str, ...]:
    if proposal.schema.actor is None:
        return ()
    words = _frequent(sample[proposal.schema.actor], proposal.schema.missing)
    return tuple(w for w in words if w not in proposal.schema.actor_values and not actor_of_word(w))


def _sounds_like(name: str, words: frozenset[str]) -> bool:
    return bool(words & set(plain(name).split()))


def _named(columns: tuple[str, ...], names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(column for column in columns if plain(column) in names)


def propose_outcomes(source: Any, log: Proposal) -> OutcomesProposal:
    """Look at a table of outcomes and propose which column plays which role.

    Parameters
    ----------
    source : as in `read_log`
    log : Proposal
        Of the log that the outcomes belong to: customers are best found by the same name.

    Raises
    ------
    LogError
        The source cannot be read.
    SchemaError
        No column holds customers, or none says what came of them.
    """
    name, sample = first_rows(source)
    columns = list(sample.columns)
    owner = log.schema.customer or log.schema.journey or ""
    customer, why = _owner(columns, owner, name)
    left = [column for column in columns if column != customer]
    kind = _first(left, KIND_NAMES, lambda c: 1 <= sample[c].nunique() <= 50 and not _time(c))
    value = _first(left, VALUE_NAMES, lambda _: True)
    reasons = {"customer": why}
    roles: dict[str, Any] = {"customer": customer}
    warnings = []

    def _is_time(column: str) -> bool:
        return shape_share(sample[column].dropna().astype("str")) >= 0.8

    if kind:
        roles["kind"] = kind
        reasons["kind"] = f"it holds {sample[kind].nunique()} different words"
        kinds = _frequent(sample[kind], log.schema.missing)
    else:
        value = _first(left, OUTCOME_NAMES, lambda _: True) or value
        if value is None:
            raise SchemaError(
                f"{name} has no column that says what came of customers. Call one 'kind' (a word "
                "such as churn or nps) or name it after the outcome. Columns: "
                f"{', '.join(columns)}."
            )
        roles["constant_kind"] = plain(value).replace(" ", "_")
        reasons["constant_kind"] = f"every row is about '{value}'"
        kinds = (roles["constant_kind"],)
    if value:
        roles["value"] = value
        reasons["value"] = "its name says so"
    times = [c for c in left if c not in (kind, value) and _is_time(c)]
    asked = _first(times, ASKED_NAMES, lambda _: True)
    when = next((c for c in times if c != asked), None)
    if when:
        roles["timestamp"] = when
        reasons["timestamp"] = "its values read as times"
    else:
        warnings.append(
            f"{name} says nowhere when an outcome came about: what needs a horizon has no answer."
        )
    if asked:
        roles["asked_timestamp"] = asked
        reasons["asked_timestamp"] = "its name says so, and its values read as times"
    return OutcomesProposal(OutcomesSchema(**roles), reasons, kinds, tuple(warnings))


def _owner(columns: list[str], owner: str, name: str) -> tuple[str, str]:
    for column in columns:
        if plain(column) == plain(owner):
            return column, "the log calls its customers the same"
    scored = [(name_score(c, "customer"), c) for c in columns]
    score, column = max(scored, key=lambda pair: pair[0], default=(0.0, ""))
    if score < MAYBE:
        raise SchemaError(
            f"{name} has no column of customers. Name it '{owner}', as the log does. Columns: "
            f"{', '.join(columns)}."
        )
    return column, f"its name says so; check that it holds what '{owner}' holds in the log"


def _time(column: str) -> bool:
    return plain(column).split()[-1:] in (["at"], ["date"], ["time"], ["timestamp"])


def _first(columns: list[str], names: tuple[str, ...], fits: Any) -> str | None:
    for name in names:
        for column in columns:
            if plain(column) == name and fits(column):
                return column
    return None
