"""Facts of the real logs, read by the example configurations."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import journeylib as jl
from journeylib import present
from journeylib.judge.settings import AXES
from tests.audits.test_decisions import document_of, exclusions
from tests.examples.plain_logs import raw_domestic, raw_xes

pytestmark = pytest.mark.slow
AuditOf = Callable[[str], jl.Audit]
FACTS = {  # configuration: events, journeys, customers
    "airline_bot": (5_156, 200, 200),
    "clickstream": (31_106, 3_605, 600),
    "domestic_declarations": (56_437, 10_500, 10_500),
    "incidents": (141_712, 24_918, 24_918),
}
MIN_CUSTOMERS = 10


def counted(value: Any) -> Iterator[int]:
    """Yield every number of customers in a document."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key in ("customers", "n_customers"):
                if item is not None:
                    yield int(item)
            else:
                yield from counted(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from counted(item)


@pytest.mark.parametrize("name", FACTS)
def test_what_the_log_holds(name: str, audit_of: AuditOf) -> None:
    log = audit_of(name).document["log"]
    assert (log["events"], log["journeys"], log["customers"]) == FACTS[name]
    assert log["rows_read"] == FACTS[name][0]


@pytest.mark.parametrize("name", FACTS)
def test_no_two_sentences_exclude_each_other(name: str, audit_of: AuditOf) -> None:
    assert exclusions(document_of(audit_of(name))) == []


@pytest.mark.parametrize("name", FACTS)
def test_sessions_are_dealt_into_four_ends(name: str, audit_of: AuditOf) -> None:
    handoffs = audit_of(name).document["handoffs"]
    ends = [handoffs[end] for end in ("ended_with_bot", "handed_over", "abandoned", "open")]
    hidden = handoffs["sessions"] - sum(number or 0 for number in ends)
    assert hidden >= 10 if None in ends else hidden == 0


@pytest.mark.parametrize("name", FACTS)
def test_no_cell_below_ten_customers(name: str, audit_of: AuditOf) -> None:
    audit = audit_of(name)
    shown = list(counted(audit.document))
    for table in audit.tables.values():
        for column in {"customers", "n_customers"} & set(table):
            shown += table[column].astype(int).tolist()
    # An estimate that abstains may rest on nobody; it shows no number.
    assert [n for n in shown if 0 < n < MIN_CUSTOMERS] == []
    assert len(shown) > 50


@pytest.mark.parametrize("name", FACTS)
def test_the_scorecard_abstains_and_says_why(name: str, audit_of: AuditOf) -> None:
    """None of these logs holds what both axes rest on: no verdict may be issued."""
    scores = audit_of(name).judgement.scores
    assert set(scores["verdict"]) == {"abstain"}
    coverage = scores[[f"{axis}_coverage" for axis in AXES]]
    assert (coverage.min(axis=1) < 0.7).all()
    assert scores.loc[scores["abstain"] != "not_served", "next_datum"].str.len().min() > 20


def test_the_airline_bot_hands_over_48_conversations(audit_of: AuditOf) -> None:
    handoffs = audit_of("airline_bot").evidence.handoffs
    assert (handoffs.sessions, handoffs.ended_with_bot, handoffs.handed_over) == (200, 152, 48)
    changes = handoffs.actor_changes.set_index(["source", "target"])["events"]
    assert changes["bot", "human"] == 48
    assert handoffs.contained_raw.value == 152 / 200
    assert handoffs.contained_verified.abstain == "no_clock"


def test_a_log_without_a_clock_is_told_no_minutes(audit_of: AuditOf) -> None:
    said = next(f for f in audit_of("airline_bot").findings if f.id == "requests-honoured")
    assert "minutes" not in said.text


def actor_changes(audit: jl.Audit, source: str, target: str) -> int:
    """Count changes of actor from the steps: the table of the audit hides fewer than ten."""
    steps = audit.journeys.steps
    changes = steps.filter(steps.actor == source, steps.next_actor == target)
    return int(changes.count().to_pyarrow().as_py())


def test_the_payment_software_hardly_ever_hands_to_people(
    audit_of: AuditOf, shared_data: Path, examples: Path
) -> None:
    domestic = audit_of("domestic_declarations")
    people = sum(actor_changes(domestic, "system", who) for who in ("human", "customer"))
    assert people == 4
    assert domestic.evidence.handoffs.sessions == 0
    # Called a bot and its colleagues people, it still hands over next to nothing.
    as_bot = (
        "roles.actor=org:resource",
        "roles.resource=null",
        "roles.actor_values={STAFF MEMBER: human, SYSTEM: bot}",
    )
    config = jl.load_config(examples / "domestic_declarations.yaml", overrides=as_bot)
    log = jl.read_log(list(config.log.files), config.roles)
    handoffs = jl.measure(jl.rebuild(log, config.journeys), config.measures).handoffs
    assert handoffs.sessions == 19_323
    assert handoffs.handed_over == 1
    assert "human" not in set(handoffs.actor_changes["target"])


def raw_incidents(data: Path) -> pd.DataFrame:
    rows = pd.read_csv(data / "uci_incident_log/incident_event_log.zip", dtype=str)
    at = pd.to_datetime(rows["sys_updated_at"], format="%d/%m/%Y %H:%M")
    order = rows["sys_mod_count"].astype(int)
    return pd.DataFrame(
        {"case": rows["number"], "what": rows["ident_state"], "at": at, "order": order}
    )


def raw_clicks(data: Path) -> pd.DataFrame:
    rows = pd.read_csv(data / "retentioneering_ecom/ecom.csv.gz")
    at = pd.to_datetime(rows["timestamp"])
    return pd.DataFrame(
        {"case": rows["session_id"], "what": rows["event"], "at": at, "order": range(len(rows))}
    )


def raw_prepaid(data: Path) -> pd.DataFrame:
    return raw_xes(data / "bpic2020/PrepaidTravelCost.xes.gz")


def by_pm4py(raw: pd.DataFrame) -> tuple[dict[tuple[str, str], int], dict[tuple[str, ...], int]]:
    """Let pm4py count edges and variants of events that pandas has put in order."""
    import pm4py

    ordered = raw.sort_values(["case", "at", "order"], kind="stable", ignore_index=True)
    ordered["order"] = ordered.groupby("case").cumcount()
    log = pd.DataFrame(
        {
            "case:concept:name": ordered["case"].astype(str),
            "concept:name": ordered["what"].astype(str),
            # Times that do not tie, so that pm4py cannot order ties in its own way.
            "time:timestamp": pd.Timestamp("2020-01-01", tz="UTC")
            + pd.to_timedelta(ordered["order"], unit="min"),
        }
    )
    inner, first, last = pm4py.discover_dfg(log.copy())
    edges = {(str(a), str(b)): int(n) for (a, b), n in inner.items()}
    edges |= {("(start)", str(name)): int(n) for name, n in first.items()}
    edges |= {(str(name), "(end)"): int(n) for name, n in last.items()}
    variants = {tuple(names): int(n) for names, n in pm4py.get_variants(log.copy()).items()}
    return edges, variants


def prepaid_journeys(data: Path) -> jl.Journeys:
    schema = jl.Schema(
        journey="case:concept:name", touchpoint="concept:name", timestamp="time:timestamp"
    )
    log = jl.read_log(data / "bpic2020/PrepaidTravelCost.xes.gz", schema)
    return jl.rebuild(log, jl.JourneySettings(cut="case"))


PEERS = {  # log: its rows by pandas, edges and variants as pm4py 2.7 counts them
    "domestic_declarations": (raw_domestic, 47, 99),
    "prepaid": (raw_prepaid, 175, 202),
    "incidents": (raw_incidents, 56, 2_080),
    "clickstream": (raw_clicks, 371, 3_003),
}


@pytest.mark.parametrize("name", PEERS)
def test_every_edge_and_variant_is_as_pm4py_counts_it(
    name: str, audit_of: AuditOf, shared_data: Path
) -> None:
    raw, n_edges, n_variants = PEERS[name]
    ours = prepaid_journeys(shared_data) if name == "prepaid" else audit_of(name).journeys
    rename = ours.log.schema.touchpoint_values
    rows = raw(shared_data)
    edges, variants = by_pm4py(rows.assign(what=rows["what"].replace(rename)))
    found = jl.transitions(ours, min_customers=1)
    told = zip(found["source"], found["target"], strict=True)
    assert dict(zip(told, found["events"], strict=True)) == edges
    told_variants = jl.variants(ours, min_customers=1)
    assert dict(zip(told_variants["variant"], told_variants["journeys"], strict=True)) == variants
    assert (len(edges), len(variants)) == (n_edges, n_variants)


def test_a_dashboard_draws_no_empty_picture(audit_of: AuditOf) -> None:
    """A quadrant without a point and a line through one point are sentences instead."""
    audit = audit_of("airline_bot")
    assert (
        "No chart of automation fit and empathy need: no touchpoint"
        in present.fit_and_need(audit).text
    )
    assert "at Customer message it is +0.35" in present.experience(audit).text
    assert "1970" not in present.now(audit).text
    # One and a half flows for each of the 19 touchpoints, rounded, and the ways back.
    flows = present.journey_map(audit_of("clickstream")).table
    assert int((flows["way"] != "back").sum()) == 28


@pytest.mark.parametrize("name", [name for name in FACTS if name != "airline_bot"])
def test_no_paradox_is_told_where_no_bot_serves(name: str, audit_of: AuditOf) -> None:
    paradoxes = audit_of(name).document["paradoxes"]
    assert len(paradoxes) == 6
    assert {one["state"] for one in paradoxes} <= {"not_measurable", "none"}
    for one in paradoxes:
        assert not one["cost"]["value"]
        assert not one["benefit"]["value"]
