"""Stitching: events of one person, logged under several identifiers, become one customer's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import ibis
import pandas as pd
from ibis import _
from pydantic import Field

from journeylib.core import (
    US_PER_DAY,
    Described,
    SchemaError,
    refuse_other,
    refuse_unknown,
    working,
)
from journeylib.journeys.identity._components import components
from journeylib.log import ID, EventLog, Quality, alias, fetch

Level = Literal["strict", "default", "loose"]
LEVELS: tuple[Level, ...] = ("strict", "default", "loose")
LOOSER = 5
LARGE = 0.999
ACCOUNT = "customer"


class StitchSettings(Described):
    """How identifiers are joined into people.

    Attributes
    ----------
    level
        strict: an identifier never joins two accounts; default: up to max_accounts; loose: up to 5
        times as many, and without end of validity.
    max_accounts
        An identifier seen with more accounts (or identifiers of any one kind that is declared
        before it) than this is shared, and joins nobody.
    valid_days
        Kind to the days of silence after which an identifier may be somebody else's: phone numbers
        are given out again, cookies change hands.
    """

    level: Level = "default"
    max_accounts: int = Field(5, ge=1)
    valid_days: dict[str, float] = Field({})

    def at(self, level: Level) -> StitchSettings:
        """Return the same settings at another level."""
        return self.model_copy(update={"level": level})

    @property
    def limit(self) -> int:
        """Accounts up to which an identifier joins, at this level."""
        return {"strict": 1, "default": self.max_accounts, "loose": self.max_accounts * LOOSER}[
            self.level
        ]


@dataclass(frozen=True)
class StitchReport:
    """What was joined, and what was not; never an identifier.

    Attributes
    ----------
    level : {"strict", "default", "loose"}
    kinds : pandas.DataFrame
        One row per kind, the surest first: ``kind`` (str), ``identifiers`` (int64, an identifier
        counts again after it lost its validity), ``shared`` (int64, linked to too many accounts
        and left out), ``events`` (int64, that carry one), ``shared_events`` (int64).
    customers_before, customers : int
        Customers as logged, and people.
    events, moved_events : int
        Events, and those whose customer is another than logged.
    unidentified_events : int
        Events known by shared identifiers alone; each is a customer of its own.
    large_size, large_people : int
        The 99.9th percentile of identifiers per person, and the people above it.
    largest : int
        Identifiers of the largest person.
    """

    level: Level
    kinds: pd.DataFrame
    customers_before: int
    customers: int
    events: int
    moved_events: int
    unidentified_events: int
    large_size: int
    large_people: int
    largest: int

    def checks(self) -> pd.DataFrame:
        """Return the report as rows of the quality table; see `EventLog.quality`."""
        text = (
            f"{self.customers_before} customers as logged are {self.customers} people, joined by "
            f"{', '.join(self.kinds['kind'])} ({self.level})."
        )
        rows = [("stitching", "", "note", self.moved_events, text)]
        for kind in self.kinds[self.kinds["shared"] > 0].to_dict("records"):
            name, events = str(kind["kind"]), int(kind["shared_events"])
            text = f"{kind['shared']} of kind {name} belong to too many accounts: they join none."
            rows.append(("shared_identifiers", name, "note", events, text))
        if self.unidentified_events:
            text = "Events known by shared identifiers alone are each a customer of their own."
            rows.append(("unidentified", ACCOUNT, "note", self.unidentified_events, text))
        if self.large_people:
            text = (
                f"{self.large_people} people have more than {self.large_size} identifiers (the "
                f"99.9th percentile), the largest {self.largest}: look whether they are one."
            )
            rows.append(("large_people", ACCOUNT, "note", 0, text))
        frame = pd.DataFrame(rows, columns=["check", "role", "severity", "rows", "text"])
        frame.insert(4, "share", frame["rows"] / max(self.events, 1))
        return frame.astype({"rows": "int64", "share": "float64"})


@dataclass(frozen=True)
class Stitched:
    """A log whose customers are people, and how that came about."""

    log: EventLog
    report: StitchReport


@working("stitching customers")
def stitch(log: EventLog, settings: StitchSettings | None = None) -> Stitched:
    """Join the events of one person under one customer.

    Parameters
    ----------
    log : EventLog
        With declared identifiers. Stitch first, pseudonymise after.
    settings : StitchSettings, optional

    Returns
    -------
    Stitched
        The log's ``customer`` (events and outcomes) is the person, named by the first of the
        person's accounts or else identifiers in alphabetical order of the surest kind; the
        identifier columns are gone.

    Raises
    ------
    SchemaError
        If the log has no identifiers, or the settings name an unknown kind.

    Notes
    -----
    Connected components of identifiers that share an event; accounts (``customer``) count as the
    surest kind. Over-merging invents loops and ping-pong, so an identifier seen with more than
    ``max_accounts`` values of any one surer kind joins nobody; under-merging hides repeat
    contact, so containment looks the better the worse the stitching: compare the levels.
    Written e-mail addresses are compared in lower case, phone numbers by their digits.
    """
    refuse_other(log, "EventLog")
    settings = settings or StitchSettings()
    kinds = tuple(log.schema.identifiers)
    _check(kinds, settings)
    events = _with_nodes(_keyed(log, kinds, settings), (ACCOUNT, *kinds)).cache()
    nodes = _shared(events, (ACCOUNT, *kinds), settings.limit).cache()
    linked = _without_shared(events, nodes, (ACCOUNT, *kinds)).cache()
    people = _people(linked, nodes, (ACCOUNT, *kinds)).cache()
    joined = linked.left_join(people, linked["hub"] == people["node"])
    own = _own_name(joined, log)
    final = joined.mutate(
        was=_.customer,
        customer=ibis.coalesce(_.person, own),
    )
    report = _report(final, nodes, people, log, settings)
    columns = [c for c in log.events.columns if c not in log.schema.identifier_columns]
    outcomes = None if log.outcomes is None else _outcomes(log.outcomes, nodes, people, kinds)
    quality = replace(log.quality, checks=_added(log.quality, report))
    return Stitched(
        replace(log, events=final.select(columns).cache(), outcomes=outcomes, quality=quality),
        report,
    )


def without_identifiers(events: ibis.Table, log: EventLog) -> ibis.Table:
    """Return events without identifier columns: no later room needs them."""
    return events.drop(*(c for c in log.schema.identifier_columns if c in events.columns))


def _added(quality: Quality, report: StitchReport) -> pd.DataFrame:
    if quality.checks.empty:
        return report.checks()
    return pd.concat([quality.checks, report.checks()], ignore_index=True)


def _check(kinds: tuple[str, ...], settings: StitchSettings) -> None:
    if not kinds:
        raise SchemaError(
            "stitching needs identifiers, and none is declared. Add to roles, for example, "
            "identifiers: {email: mail, phone: phone_number}."
        )
    refuse_unknown(
        (kind for kind in settings.valid_days if kind != ACCOUNT),
        kinds,
        "stitching.valid_days names '{name}', which is no kind of identifier.{near} "
        "Declared: {known}.",
        SchemaError,
    )


def normal(kind: str, value: ibis.Value) -> ibis.Value:
    """Return an identifier in the form in which it is compared; empty ones are null."""
    text = value.strip()
    if kind == "email":
        text = text.lower()
    if kind == "phone":
        text = text.re_replace(r"^\+", "00").re_replace(r"[^0-9]", "").re_replace(r"^00", "")
    return text.nullif("")


def _keyed(log: EventLog, kinds: tuple[str, ...], settings: StitchSettings) -> ibis.Table:
    """Add per kind ``key_…``, what is compared, and ``spell_…``, the stretch of its validity."""
    events = log.events
    aliases = [alias(kind, events[ID + kind]) for kind in kinds]
    known_by = ibis.coalesce(*aliases)
    # The customer of an event without one is only another name of its identifier.
    stands_in = (events.customer == known_by).fill_null(False)
    if log.schema.customer is None:
        stands_in = ibis.literal(True)
    keys = {f"key_{ACCOUNT}": stands_in.ifelse(ibis.null("string"), events.customer)}
    keys |= {f"key_{kind}": normal(kind, events[ID + kind]) for kind in kinds}
    keyed = events.mutate(**keys)
    spells = {}
    for kind in (ACCOUNT, *kinds):
        days = settings.valid_days.get(kind)
        endless = days is None or settings.level == "loose" or not log.has_clock
        spells[f"fresh_{kind}"] = (
            ibis.literal(0) if endless or days is None else _fresh(f"key_{kind}", days)
        )
    marked = keyed.mutate(**spells)
    return marked.mutate(
        **{f"spell_{kind}": _spell(marked, kind, settings) for kind in (ACCOUNT, *kinds)}
    ).drop(*spells)


def _fresh(key: str, days: float) -> ibis.Deferred:
    by_time = ibis.window(group_by=key, order_by=["t_us", "position"])
    silence = _.t_us - _.t_us.lag().over(by_time)
    return (silence > round(days * US_PER_DAY)).fill_null(False).cast("int64")


def _spell(marked: ibis.Table, kind: str, settings: StitchSettings) -> ibis.Value:
    if kind not in settings.valid_days or settings.level == "loose" or "t_us" not in marked.columns:
        return ibis.literal(0, type="int64")
    so_far = ibis.window(group_by=f"key_{kind}", order_by=["t_us", "position"], preceding=(None, 0))
    return marked[f"fresh_{kind}"].sum().over(so_far).cast("int64")


def _with_nodes(events: ibis.Table, kinds: tuple[str, ...]) -> ibis.Table:
    """Number the identifiers, the surest kind first, and put ``node_…`` beside each event."""
    parts = [
        events.filter(events[f"key_{kind}"].notnull())
        .select(
            rank=ibis.literal(rank, type="int64"),
            value=events[f"key_{kind}"],
            spell=events[f"spell_{kind}"],
        )
        .distinct()
        for rank, kind in enumerate(kinds)
    ]
    nodes = ibis.union(*parts).mutate(
        node=ibis.row_number().over(order_by=["rank", "value", "spell"]).cast("int64")
    )
    nodes = nodes.cache()
    for rank, kind in enumerate(kinds):
        own = nodes.filter(_.rank == rank).select(
            **{f"key_{kind}": _.value, f"spell_{kind}": _.spell, f"node_{kind}": _.node}
        )
        both = [f"key_{kind}", f"spell_{kind}"]
        events = events.left_join(own, both).drop(*(f"{name}_right" for name in both))
    return events


def _shared(events: ibis.Table, kinds: tuple[str, ...], limit: int) -> ibis.Table:
    """Return one row per identifier: ``node``, ``rank``, ``value``, ``spell``, ``shared``."""
    parts = []
    for rank, kind in enumerate(kinds):
        counts = {f"n_{surer}": _[f"node_{surer}"].nunique() for surer in kinds[:rank]}
        table = events.filter(events[f"node_{kind}"].notnull()).group_by(
            node=_[f"node_{kind}"], value=_[f"key_{kind}"], spell=_[f"spell_{kind}"]
        )
        counted = table.aggregate(events=_.count(), **counts)
        most = ibis.greatest(0, *(counted[name] for name in counts)) if counts else ibis.literal(0)
        parts.append(
            counted.select(
                "node",
                "value",
                "spell",
                "events",
                rank=ibis.literal(rank, type="int64"),
                shared=most > limit,
            )
        )
    return ibis.union(*parts)


def _without_shared(events: ibis.Table, nodes: ibis.Table, kinds: tuple[str, ...]) -> ibis.Table:
    """Drop shared identifiers from the events, and add ``hub``, the surest that is left."""
    shared = nodes.filter(_.shared).select(shared_node=_.node)
    for kind in kinds[1:]:
        column = f"node_{kind}"
        marked = events.left_join(shared, events[column] == shared["shared_node"])
        events = marked.mutate(
            **{column: marked["shared_node"].isnull().ifelse(marked[column], ibis.null("int64"))}
        ).drop("shared_node")
    return events.mutate(hub=ibis.coalesce(*(events[f"node_{kind}"] for kind in kinds)))


def _people(linked: ibis.Table, nodes: ibis.Table, kinds: tuple[str, ...]) -> ibis.Table:
    """Return one row per joined identifier: ``node``, ``component``, ``person``."""
    with_hub = linked.filter(_.hub.notnull())
    parts = [
        with_hub.filter(with_hub[f"node_{kind}"].notnull())
        .select(a=_.hub, b=_[f"node_{kind}"])
        .distinct()
        for kind in kinds
    ]
    members = components(ibis.union(*parts, distinct=True))
    kind = _.rank.cases(*enumerate(kinds))
    # A name given up by one person may come back with another.
    suffix = (_.spell > 0).ifelse("#" + _.spell.cast("string"), "")
    name = ((_.rank == 0).ifelse("", kind + ":") + _.value) + suffix
    names = nodes.select(component=_.node, person=name)
    return members.inner_join(names, "component").select("node", "component", "person")


def _own_name(events: ibis.Table, log: EventLog) -> ibis.Value:
    """Name an event that no identifier joins: it is nobody else's, or its case's."""
    # A row number would make the name depend on the order of rows.
    numbered = log.schema.position is not None or not log.has_clock
    names = ["t_us"] * log.has_clock + ["position"] * numbered
    parts = [events["customer"], events["touchpoint"], *(events[n].cast("string") for n in names)]
    kinds = (ACCOUNT, *log.schema.identifiers)
    nothing = ibis.and_(*(events[f"key_{kind}"].isnull() for kind in kinds))
    return nothing.ifelse(events["customer"], ibis.literal("#").join(parts))


def _outcomes(
    outcomes: ibis.Table, nodes: ibis.Table, people: ibis.Table, kinds: tuple[str, ...]
) -> ibis.Table:
    """Give outcomes to people: by account, else by the surest kind that knows the name."""
    named = nodes.inner_join(people, "node").filter(_.spell == 0).select("rank", "value", "person")
    columns = outcomes.columns
    for rank, kind in enumerate((ACCOUNT, *kinds)):
        own = named.filter(_.rank == rank).select(
            **{f"value_{rank}": _.value, f"by_{rank}": _.person}
        )
        key = outcomes["customer"] if rank == 0 else normal(kind, outcomes["customer"])
        outcomes = outcomes.left_join(own, key == own[f"value_{rank}"])
    by = [outcomes[f"by_{rank}"] for rank in range(len(kinds) + 1)]
    return (
        outcomes.mutate(customer=ibis.coalesce(*by, outcomes["customer"])).select(columns).cache()
    )


def _report(
    final: ibis.Table,
    nodes: ibis.Table,
    people: ibis.Table,
    log: EventLog,
    settings: StitchSettings,
) -> StitchReport:
    kinds = (ACCOUNT, *log.schema.identifiers)
    has_key = [final[f"key_{kind}"].notnull() for kind in kinds]
    totals: Mapping[str, int] = final.aggregate(
        events=_.count(),
        before=_.was.nunique(),
        customers=_.customer.nunique(),
        moved=(_.was != _.customer).sum(),
        unknown=(_.person.isnull() & ibis.or_(*has_key)).sum(),
    ).to_pyarrow().to_pylist()[0]  # fmt: skip
    counted = fetch(
        nodes.group_by("rank").aggregate(
            identifiers=_.count(),
            shared=_.shared.sum(),
            events=_.events.sum(),
            shared_events=_.events.sum(where=_.shared),
        )
    ).set_index("rank").reindex(range(len(kinds))).fillna(0).astype("int64")  # fmt: skip
    counted.insert(0, "kind", list(kinds))
    sizes = people.group_by("component").aggregate(size=_.count())
    spread = sizes.aggregate(large=_.size.quantile(LARGE), largest=_.size.max())
    large = spread.to_pyarrow().to_pylist()[0]
    size = int(large["large"] or 0)
    above = int(sizes.filter(_.size > size).count().to_pyarrow().as_py())
    return StitchReport(
        level=settings.level,
        kinds=counted.reset_index(drop=True),
        customers_before=int(totals["before"]),
        customers=int(totals["customers"]),
        events=int(totals["events"]),
        moved_events=int(totals["moved"] or 0),
        unidentified_events=int(totals["unknown"] or 0),
        large_size=size,
        large_people=above,
        largest=int(large["largest"] or 0),
    )
