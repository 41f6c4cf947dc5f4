"""The real logs as plain pandas reads them, under the names of the roles."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from xml.etree import ElementTree

import pandas as pd

import journeylib as jl

XES_KEYS = ("concept:name", "time:timestamp", "org:role", "org:resource")


def raw_xes(path: Path) -> pd.DataFrame:
    """Read XES by hand: names, times and roles of events, in the order of the file."""
    rows = []
    with gzip.open(path) as file:
        for _, trace in ElementTree.iterparse(file):
            if trace.tag.rpartition("}")[2] != "trace":
                continue
            case, amount = value_of(trace, "concept:name"), value_of(trace, "Amount")
            rows += [
                (case, amount, *(value_of(event, key) for key in XES_KEYS))
                for event in trace
                if event.tag.rpartition("}")[2] == "event"
            ]
            trace.clear()
    frame = pd.DataFrame(rows, columns=["case", "case:Amount", "what", "at", "role", "resource"])
    return frame.assign(at=pd.to_datetime(frame["at"], utc=True), order=range(len(frame)))


def value_of(element: ElementTree.Element, key: str) -> str | None:
    return next((child.get("value") for child in element if child.get("key") == key), None)


def raw_domestic(data: Path) -> pd.DataFrame:
    return raw_xes(data / "bpic2020/DomesticDeclarations.xes.gz")


def raw_rows(name: str, shared_data: Path, airline_csv: Path) -> pd.DataFrame:
    """Read a log by plain pandas, in order, under the names of the roles."""
    if name == "airline_bot":
        rows = pd.read_csv(airline_csv)
        who = {"user": "customer", "assistant": "bot", "human": "human", "system": "system"}
        rows["actor"], order = rows["actor"].map(who), ["conversation", "turn"]
        columns = {"conversation": "journey"}
    elif name == "clickstream":
        rows = pd.read_csv(shared_data / "retentioneering_ecom/ecom.csv.gz")
        rows["t"] = pd.to_datetime(rows["timestamp"], format="mixed", utc=True)
        columns = {"session_id": "journey", "user_id": "customer", "event": "touchpoint"}
        columns["acquisition_channel"] = "segment"
        order = ["user_id", "session_id", "t"]
    elif name == "domestic_declarations":
        rows = raw_domestic(shared_data)
        who = {"EMPLOYEE": "customer", "UNDEFINED": "system"}
        rows["actor"], rows["t"] = rows["role"].map(who).fillna("human"), rows["at"]
        columns, order = {"case": "journey", "what": "touchpoint"}, ["case", "at", "order"]
    else:
        source = shared_data / "uci_incident_log/incident_event_log.zip"
        used = ["number", "ident_state", "sys_updated_at", "sys_mod_count", "contact_type"]
        used += ["priority", "impact", "urgency", "made_sla", "reassignment_count", "reopen_count"]
        rows = pd.read_csv(source, usecols=used, na_values=["?"])
        rows["t"] = pd.to_datetime(rows["sys_updated_at"], format="%d/%m/%Y %H:%M")
        columns = {"number": "journey", "ident_state": "touchpoint", "contact_type": "channel"}
        order = ["number", "t", "sys_mod_count"]
    named = rows.sort_values(order, kind="stable", ignore_index=True).rename(columns=columns)
    return named if "customer" in named else named.assign(customer=named["journey"])


def ends_of(rows: pd.DataFrame, settings: jl.JourneySettings) -> pd.Series:
    """Return how each journey ends: the last declared end decides, else how long it is quiet."""
    declared = dict.fromkeys(settings.goals, "goal")
    declared |= dict.fromkeys(settings.bad_ends, "bad_end")
    end = rows["touchpoint"].map(declared).astype("object").groupby(rows["journey"]).last()
    if "t" not in rows:
        return end.fillna("other")
    quiet = quiet_time(settings)
    last = rows.groupby("journey")["t"].max()
    return end.fillna((last > rows["t"].max() - quiet).map({True: "open", False: "other"}))


def quiet_time(settings: jl.JourneySettings) -> pd.Timedelta:
    """Return how long a journey is quiet before it is over: as declared, else the gap that cuts."""
    return pd.Timedelta(days=float(settings.quiet_days or settings.gap_days))


@dataclass(frozen=True, eq=False)
class PlainLog:
    """The rows of a log in order, under the names of the roles, and what was declared of it.

    Attributes
    ----------
    rows : DataFrame
        One row per event: ``journey``, ``customer``, ``touchpoint``, and what the log has of
        ``t``, ``actor``, ``text``.
    config : jl.Config
    read : int
        Rows of the file, unusable ones among them.
    """

    rows: pd.DataFrame
    config: jl.Config
    read: int

    @property
    def has_clock(self) -> bool:
        return "t" in self.rows

    @cached_property
    def end(self) -> pd.Series:
        """How each journey ends."""
        return ends_of(self.rows, self.config.journeys)

    @cached_property
    def people(self) -> pd.Series:
        """The customer of each journey."""
        return self.rows.groupby("journey")["customer"].first()

    @cached_property
    def is_last(self) -> pd.Series:
        """Whether an event is the last of its journey."""
        return self.rows["journey"] != self.rows["journey"].shift(-1)

    @cached_property
    def is_first(self) -> pd.Series:
        """Whether an event is the first of its journey."""
        return self.rows["journey"] != self.rows["journey"].shift(1)

    @cached_property
    def visits(self) -> pd.DataFrame:
        """The first event of each visit: a run of events at one touchpoint in one session."""
        if "session" not in self.rows:
            return self.rows
        keys = self.rows[["journey", "touchpoint", "session"]]
        return self.rows[~(keys == keys.shift(1)).all(axis=1)]

    @cached_property
    def at_start(self) -> pd.DataFrame:
        """The first event of each journey, at the touchpoint ``(start)``."""
        return self.rows[self.is_first].assign(touchpoint="(start)")


def read_plain(name: str, shared_data: Path, airline_csv: Path, config: jl.Config) -> PlainLog:
    """Read a real log by pandas; touchpoints have the names that the configuration gives them."""
    rows = raw_rows(name, shared_data, airline_csv)
    rows["touchpoint"] = rows["touchpoint"].replace(dict(config.roles.touchpoint_values))
    return PlainLog(rows, config, len(rows))


def read_sample(config: jl.Config) -> PlainLog:
    """Read a sample by pandas; a journey ends where its customer is quiet for ``gap_days``."""
    roles, gap = config.roles, pd.Timedelta(days=float(config.journeys.gap_days))
    names = ["customer", "touchpoint", "position", "channel", "stage", "segment", "intent"]
    names += ["actor", "resource", "session", "text", "rating", "cost", "sentiment", "error"]
    names += ["ai_disclosed", "context_sent", "context_requested"]
    columns = {getattr(roles, name): name for name in names if getattr(roles, name)}
    rows = pd.read_csv(config.log.files[0], low_memory=False).rename(columns=columns)
    rows["t"] = pd.to_datetime(rows["timestamp"], format="mixed", utc=True, errors="coerce")
    rows["done"] = pd.to_datetime(rows["end"], format="mixed", utc=True).fillna(rows["t"])
    read, rows = len(rows), rows.dropna(subset="t")
    rows["actor"] = rows["actor"].map(dict(roles.actor_values))
    rows = rows.sort_values(["customer", "t", "position"], ignore_index=True)
    latest = rows.groupby("customer")["done"].cummax()
    new = rows["customer"] != rows["customer"].shift(1)
    silent = (rows["t"] - latest.shift(1)) > gap
    return PlainLog(rows.assign(journey=(new | silent).cumsum()), config, read)
