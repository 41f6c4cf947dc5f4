"""What a first look suggests beyond the roles: words to map, ends of journeys, outcomes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from journeylib.core import SchemaError, read_packaged, text
from journeylib.log import (
    FILE,
    MASK,
    PERSONAL,
    POSITION,
    ROLE_NAMES,
    ROW,
    OutcomesSchema,
    Proposal,
    ReadOptions,
    actor_of_word,
    drop_scratch,
    name_score,
    open_source,
    plain_name,
    shape_share,
)

SAMPLE_ROWS = 20_000
# A word of the log is repeated in the configuration only where it is clearly no single person's.
MIN_ROWS = 10
MAX_WORDS = 60
MAYBE = 0.3
OWN_GOAL = 2
WORDS: Mapping[str, tuple[str, ...]] = {
    name: tuple(words) for name, words in read_packaged(Path(__file__).with_suffix(".yaml")).items()
}


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
    goals_by_intent : dict of str to tuple of str
        Frequent intents to those of the goals that belong to them; none for a matter of service.
    good, vulnerable : tuple of str
        Unused columns that may say that a visit went well, or flag vulnerable customers.
    """

    roles: dict[str, tuple[str, ...]]
    unused: tuple[str, ...]
    actor_words: tuple[str, ...]
    touchpoints: tuple[str, ...]
    goals: tuple[str, ...]
    bad_ends: tuple[str, ...]
    goals_by_intent: dict[str, tuple[str, ...]]
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
    options = ReadOptions(limit=SAMPLE_ROWS, object_type=object_type)
    raw = open_source(source, lambda columns, _: list(columns), options)
    names = [name for name in raw.table.columns if name not in (FILE, ROW, POSITION)]
    texts = {name: raw.table[name].cast("string") for name in names}
    sample: pd.DataFrame = raw.table.limit(SAMPLE_ROWS).select(**texts).to_pandas()
    drop_scratch(raw)
    return raw.name, sample


def find_candidates(proposal: Proposal, sample: pd.DataFrame) -> Candidates:
    """Look through the first rows for what the proposal left open."""
    taken = proposal.schema.roles()
    named = {*taken.values(), *proposal.schema.attributes, *proposal.schema.identifiers.values()}
    unused = tuple(name for name in proposal.columns if name not in named)
    names = _frequent(sample[taken["touchpoint"]], proposal.schema.missing)
    serving = _serving(proposal, sample)
    goals = tuple(name for name in names if _sounds_like(name, WORDS["goal_words"]))
    return Candidates(
        roles=_role_candidates(unused, set(taken), sample),
        unused=unused,
        actor_words=_unmapped_actors(proposal, sample),
        touchpoints=names,
        goals=goals,
        bad_ends=tuple(
            name
            for name in names
            if _sounds_like(name, WORDS["bad_end_words"]) and name not in serving
        ),
        goals_by_intent=_goals_by_intent(proposal, sample, goals),
        good=_named(unused, WORDS["good"]),
        vulnerable=_named(unused, WORDS["vulnerable"]),
    )


def _serving(proposal: Proposal, sample: pd.DataFrame) -> frozenset[str]:
    """Return the touchpoints at which mostly a bot or a person acts: who serves ends nothing."""
    if proposal.schema.actor is None:
        return frozenset()
    actor = sample[proposal.schema.actor].str.strip().map(proposal.schema.actor_values)
    served = actor.isin(["bot", "human"]).groupby(sample[proposal.schema.touchpoint].str.strip())
    return frozenset(str(name) for name, share in served.mean().items() if share >= 0.5)


def _goals_by_intent(
    proposal: Proposal, sample: pd.DataFrame, goals: tuple[str, ...]
) -> dict[str, tuple[str, ...]]:
    """Return frequent intents, each with the goals that go with it.

    A goal goes with an intent where who states it reaches the goal `OWN_GOAL` times as often as
    all do. A sale is no goal of a question about a bill.
    """
    schema = proposal.schema
    owner = schema.journey or schema.customer
    if schema.intent is None or owner is None or not goals:
        return {}
    intents = _frequent(sample[schema.intent], schema.missing)
    named = sample[schema.touchpoint].str.strip()
    stated = sample[schema.intent].str.strip()
    reached = {goal: set(sample.loc[named == goal, owner].dropna()) for goal in goals}
    everyone = sample[owner].nunique()
    proposed = {}
    for intent in intents:
        own = set(sample.loc[stated == intent, owner].dropna())
        both = {goal: len(own & those) for goal, those in reached.items()}
        proposed[intent] = tuple(
            goal
            for goal, many in both.items()
            if many >= MIN_ROWS and many * everyone >= OWN_GOAL * len(own) * len(reached[goal])
        )
    return proposed if any(proposed.values()) else {}


def _frequent(column: pd.Series[Any], missing: tuple[str, ...]) -> tuple[str, ...]:
    """Return names that stand in enough rows, as the log will have them: personal parts masked."""
    values = column.dropna().astype("str").str.strip().str.replace(PERSONAL, MASK, regex=True)
    counts = values[~values.isin(missing)].value_counts()
    return tuple(sorted(counts.index[counts >= MIN_ROWS][:MAX_WORDS]))


def _role_candidates(
    unused: tuple[str, ...], taken: set[str], sample: pd.DataFrame
) -> dict[str, tuple[str, ...]]:
    candidates = {}
    for role in ROLE_NAMES:
        if role in taken:
            continue
        near = [name for name in unused if name_score(name, role) >= MAYBE]
        if role == "position":
            near += [name for name in unused if name not in near and _counts_rows(sample[name])]
        if near:
            candidates[role] = tuple(near)
    return candidates


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
    mapped = proposal.schema.actor_values
    # A masked word is no key: words for actors are mapped as they stand in the log.
    return tuple(w for w in words if w not in mapped and not actor_of_word(w) and MASK not in w)


def _sounds_like(name: str, words: tuple[str, ...]) -> bool:
    return not set(words).isdisjoint(plain_name(name).split())


def _named(columns: tuple[str, ...], names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(column for column in columns if plain_name(column) in names)


def propose_outcomes(source: Any, log: Proposal) -> OutcomesProposal:
    """Look at a table of outcomes and propose which column plays which role.

    Parameters
    ----------
    source : as in `read_log`
    log : Proposal
        Of the log that the outcomes belong to: customers are best roles by the same name.

    Raises
    ------
    LogError
        The source cannot be read.
    SchemaError
        No column holds customers, or none says what came of them.
    """
    name, sample = first_rows(source)
    columns = list(sample.columns)
    customer, why = _owner(columns, log.schema.customer or log.schema.journey or "", name)
    left = [column for column in columns if column != customer]
    kinds, roles = _kinds(sample, left, name, log.schema.missing)
    used = [column for column, _ in roles.values()]
    times = [c for c in left if c not in used and shape_share(_texts(sample[c])) >= 0.8]
    asked = _first(times, WORDS["asked"])
    when = next((column for column in times if column != asked), None)
    warnings = []
    if when:
        roles["timestamp"] = when, text("audits.outcomes.times")
    else:
        warnings.append(text("audits.outcomes.no_time", name=name))
    if asked:
        roles["asked_timestamp"] = asked, text("audits.outcomes.asked")
    roles = {"customer": (customer, why)} | roles
    return OutcomesProposal(
        OutcomesSchema(**{role: column for role, (column, _) in roles.items()}),
        {role: reason for role, (_, reason) in roles.items()},
        kinds,
        tuple(warnings),
    )


def _kinds(
    sample: pd.DataFrame, columns: list[str], name: str, missing: tuple[str, ...]
) -> tuple[tuple[str, ...], dict[str, tuple[str, str]]]:
    """Return the kinds of outcome, and by role the column or word for them and the reason."""
    few = [c for c in columns if 1 <= sample[c].nunique() <= 50 and not _time(c)]
    kind, value = _first(few, WORDS["kind"]), _first(columns, WORDS["value"])
    roles: dict[str, tuple[str, str]] = {}
    if kind:
        roles["kind"] = kind, text("audits.outcomes.kinds", n=sample[kind].nunique())
        kinds = _frequent(sample[kind], missing)
    else:
        value = _first(columns, WORDS["outcome"]) or value
        if value is None:
            raise SchemaError(
                f"{name} has no column that says what came of customers. Call one 'kind' (a word "
                "such as churn or nps) or name it after the outcome; or leave "
                "--outcomes out and write log.outcomes yourself. Columns: "
                f"{', '.join(sample.columns)}."
            )
        kinds = (plain_name(value).replace(" ", "_"),)
        roles["constant_kind"] = kinds[0], text("audits.outcomes.one_kind", name=value)
    if value:
        roles["value"] = value, text("audits.outcomes.named")
    return kinds, roles


def _texts(column: pd.Series[Any]) -> pd.Series[str]:
    return column.dropna().astype("str")


def _owner(columns: list[str], owner: str, name: str) -> tuple[str, str]:
    for column in columns:
        if plain_name(column) == plain_name(owner):
            return column, text("audits.outcomes.same_name")
    scored = [(name_score(c, "customer"), c) for c in columns]
    score, column = max(scored, key=lambda pair: pair[0], default=(0.0, ""))
    if score < MAYBE:
        raise SchemaError(
            f"{name} has no column of customers. Name it '{owner}', as the log does; or leave "
            "--outcomes out and write log.outcomes yourself. Columns: "
            f"{', '.join(columns)}."
        )
    return column, text("audits.outcomes.owner", owner=owner)


def _time(column: str) -> bool:
    return plain_name(column).split()[-1:] in (["at"], ["date"], ["time"], ["timestamp"])


def _first(columns: list[str], names: tuple[str, ...]) -> str | None:
    """Return the column with the first of some names."""
    by_name = {plain_name(column): column for column in reversed(columns)}
    return next((by_name[name] for name in names if name in by_name), None)
