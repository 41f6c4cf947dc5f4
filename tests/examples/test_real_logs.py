"""Facts of the real logs, read by the example configurations."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pandas as pd
import pytest
from rapidfuzz.distance import Levenshtein

import journeylib as jl
from journeylib import present
from journeylib.judge.settings import AXES
from tests.audits.test_decisions import document_of, exclusions

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


XES_KEYS = ("concept:name", "time:timestamp", "org:role")


def raw_xes(path: Path) -> pd.DataFrame:
    """Read XES by hand: names, times and roles of events, in the order of the file."""
    rows = []
    with gzip.open(path) as file:
        for _, trace in ElementTree.iterparse(file):
            if trace.tag.rpartition("}")[2] != "trace":
                continue
            case = value_of(trace, "concept:name")
            rows += [
                (case, *(value_of(event, key) for key in XES_KEYS))
                for event in trace
                if event.tag.rpartition("}")[2] == "event"
            ]
            trace.clear()
    frame = pd.DataFrame(rows, columns=["case", "what", "at", "role"])
    return frame.assign(at=pd.to_datetime(frame["at"], utc=True), order=range(len(frame)))


def value_of(element: ElementTree.Element, key: str) -> str:
    return next(child.get("value", "") for child in element if child.get("key") == key)


def raw_domestic(data: Path) -> pd.DataFrame:
    return raw_xes(data / "bpic2020/DomesticDeclarations.xes.gz")


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
    assert "No quadrant: no touchpoint has enough evidence" in present.fit_and_need(audit).text
    assert "at Customer message it is +0.35" in present.experience(audit).text
    assert "1970" not in present.now(audit).text
    # One and a half flows for each of the 19 touchpoints, rounded, and the ways back.
    flows = present.journey_map(audit_of("clickstream")).table
    assert int((flows["way"] != "back").sum()) == 28


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
        order = ["user_id", "session_id", "t"]
    elif name == "domestic_declarations":
        rows = raw_domestic(shared_data)
        who = {"EMPLOYEE": "customer", "UNDEFINED": "system"}
        rows["actor"], rows["t"] = rows["role"].map(who).fillna("human"), rows["at"]
        columns, order = {"case": "journey", "what": "touchpoint"}, ["case", "at", "order"]
    else:
        used = ["number", "ident_state", "sys_updated_at", "sys_mod_count"]
        rows = pd.read_csv(shared_data / "uci_incident_log/incident_event_log.zip", usecols=used)
        rows["t"] = pd.to_datetime(rows["sys_updated_at"], format="%d/%m/%Y %H:%M")
        columns = {"number": "journey", "ident_state": "touchpoint"}
        order = ["number", "t", "sys_mod_count"]
    named = rows.sort_values(order, kind="stable", ignore_index=True).rename(columns=columns)
    return named if "customer" in named else named.assign(customer=named["journey"])


@pytest.fixture
def counted_rows(
    name: str, audit_of: AuditOf, shared_data: Path, airline_csv: Path
) -> tuple[dict[str, Any], pd.DataFrame]:
    """Return the document of an audit, and the rows of its log under the same names."""
    audit = audit_of(name)
    rows = raw_rows(name, shared_data, airline_csv)
    rename = audit.log.schema.touchpoint_values
    rows["touchpoint"] = rows["touchpoint"].replace(rename)
    return audit.document, rows


@pytest.mark.parametrize("name", FACTS)
def test_counts_are_those_of_plain_pandas(
    counted_rows: tuple[dict[str, Any], pd.DataFrame],
) -> None:
    document, rows = counted_rows
    log = document["log"]
    assert (log["events"], log["journeys"], log["customers"]) == (
        len(rows), rows["journey"].nunique(), rows["customer"].nunique(),
    )  # fmt: skip
    counted = rows.groupby("touchpoint").agg(
        events=("journey", "size"),
        journeys=("journey", "nunique"),
        customers=("customer", "nunique"),
    )
    shown = {
        part["touchpoint"]: tuple(part[key] for key in counted.columns)
        for part in document["touchpoints"]
    }
    assert shown == {
        spot: tuple(row)
        for spot, row in zip(counted.index, counted.itertuples(index=False), strict=True)
        if row.customers >= MIN_CUSTOMERS
    }
    same = rows["journey"] == rows["journey"].shift(-1)
    rows["then"] = rows["touchpoint"].shift(-1).where(same, "(end)")
    keys = ["size", "nunique"]
    moves = rows.groupby(["touchpoint", "then"])["customer"].agg(keys)
    first = rows.drop_duplicates("journey").groupby("touchpoint")["customer"].agg(keys)
    told = {(one["source"], one["target"]): one for one in document["transitions"]}
    for (source, target), one in told.items():
        row = first.loc[target] if source == "(start)" else moves.loc[(source, target)]
        if one["at_least"]:
            assert MIN_CUSTOMERS <= one["customers"] <= row["nunique"], (source, target)
            assert row["size"] - 2 * MIN_CUSTOMERS < one["events"] <= row["size"], (source, target)
        else:
            assert (one["events"], one["customers"]) == tuple(row), (source, target)
    # Most moves are told; those of few customers, and what would give them away, are not.
    many = moves[moves["nunique"] >= MIN_CUSTOMERS]
    assert len(told) >= 0.8 * len(many)


@pytest.mark.parametrize("name", FACTS)
def test_shares_are_those_of_plain_pandas(
    name: str, counted_rows: tuple[dict[str, Any], pd.DataFrame], examples: Path
) -> None:
    """Journeys through a touchpoint, coming back, ends at a goal, steps, changes of hands."""
    document, rows = counted_rows
    every = rows["journey"].nunique()
    visits = rows.groupby(["touchpoint", "journey"]).size()
    through = visits.groupby("touchpoint").size()
    again = (visits >= 2).groupby("touchpoint").sum()
    chain = {row["touchpoint"]: row["visited"]["value"] for row in document["structure"]["chain"]}
    for part in document["touchpoints"]:
        spot, rework = part["touchpoint"], part["measures"]["rework"]["value"]
        assert chain[spot] == pytest.approx(through[spot] / every, abs=1e-6)
        assert rework is None or rework == pytest.approx(again[spot] / through[spot], abs=1e-6)
    steps = document["flow"]["steps_per_journey"]["value"]
    assert steps == pytest.approx(len(rows) / every, abs=1e-5)
    ends = jl.load_config(examples / f"{name}.yaml").journeys
    last = rows[rows["touchpoint"].isin([*ends.goals, *ends.bad_ends])]
    last = last.drop_duplicates("journey", keep="last")
    reached = set(last.loc[last["touchpoint"].isin(ends.goals), "journey"])
    at_goal = pd.Series(visits.index.get_level_values("journey").isin(reached), visits.index)
    share = {**at_goal.groupby("touchpoint").mean(), "(start)": len(reached) / every}
    told = [row for row in document["structure"]["ends"] if row["end"] == "goal"]
    assert bool(told) == bool(ends.goals)
    for row in told:
        counted = share[row["touchpoint"]]
        if row["at_least"]:
            assert 0 < row["share"]["value"] <= counted + 1e-6
        else:
            assert row["share"]["value"] == pytest.approx(counted, abs=1e-6)
    if "actor" in rows:
        then = rows["actor"].shift(-1).where(rows["journey"] == rows["journey"].shift(-1))
        changed = rows.assign(then=then)[then.notna() & (then != rows["actor"])]
        hands = changed.groupby(["actor", "then"])["customer"].agg(["size", "nunique"])
        shown = {
            (one["source"], one["target"]): (one["events"], one["customers"])
            for one in document["handoffs"]["actor_changes"]
        }
        large = {
            pair: tuple(row) for pair, row in hands[hands["nunique"] >= MIN_CUSTOMERS].T.items()
        }
        # One more is left out where the others would tell of a change of few customers.
        assert set(shown.items()) <= set(large.items())
        few = (hands["nunique"] < MIN_CUSTOMERS).any()
        assert len(large) - len(shown) <= int(few)
    else:
        assert document["handoffs"]["actor_changes"] == []


def ends_of(rows: pd.DataFrame, settings: jl.JourneySettings) -> pd.Series:
    """Return how each journey ends: the last declared end decides, else how long it is quiet."""
    declared = dict.fromkeys(settings.goals, "goal")
    declared |= dict.fromkeys(settings.bad_ends, "bad_end")
    end = rows["touchpoint"].map(declared).astype("object").groupby(rows["journey"]).last()
    if "t" not in rows:
        return end.fillna("other")
    quiet = pd.Timedelta(days=settings.quiet_days)
    last = rows.groupby("journey")["t"].max()
    return end.fillna((last > rows["t"].max() - quiet).map({True: "open", False: "other"}))


@pytest.mark.parametrize("name", FACTS)
def test_ends_are_those_of_plain_pandas(
    name: str, counted_rows: tuple[dict[str, Any], pd.DataFrame], examples: Path
) -> None:
    """Open and cut-off journeys, ends by touchpoint, and what the maps add up to."""
    document, rows = counted_rows
    settings = jl.load_config(examples / f"{name}.yaml").journeys
    end, every = ends_of(rows, settings), rows["journey"].nunique()
    cut_off = 0
    if "t" in rows:
        begin = rows.groupby("journey")["t"].min()
        cut_off = (begin < rows["t"].min() + pd.Timedelta(days=settings.quiet_days)).sum()
    log = document["log"]
    counted = {"open_journeys": int((end == "open").sum()), "cut_off_journeys": int(cut_off)}
    people = rows.drop_duplicates("journey").set_index("journey")["customer"]
    few = 0 < people[end[end == "open"].index].nunique() < MIN_CUSTOMERS
    assert log["open_journeys"] == (None if few else counted["open_journeys"])
    assert log["cut_off_journeys"] in (counted["cut_off_journeys"], None)
    if log["cut_off_journeys"] is None:
        assert 0 < counted["cut_off_journeys"] < MIN_CUSTOMERS
    passed = rows[["touchpoint", "journey"]].drop_duplicates()
    passed = pd.concat([passed, pd.DataFrame({"touchpoint": "(start)", "journey": end.index})])
    shares = passed["journey"].map(end).groupby(passed["touchpoint"]).value_counts(normalize=True)
    told, bounds = (
        {
            (row["touchpoint"], row["end"]): row["share"]["value"]
            for row in document["structure"]["ends"]
            if row["at_least"] is at_least
        }
        for at_least in (False, True)
    )
    assert {pair: round(share, 6) for pair, share in told.items()} == pytest.approx(
        {pair: shares.get(pair, 0.0) for pair in told}, abs=2e-6
    )
    assert all(0 < share <= shares[pair] + 2e-6 for pair, share in bounds.items())
    assert len(told) >= 5 and len(told) + len(bounds) >= 9
    totals = {"events": len(rows), "visits": len(rows), "moves": len(rows) + every}
    totals |= {"journeys": every, "touchpoints": rows["touchpoint"].nunique()}
    for one in document["structure"]["maps"]:
        ledger = {line["what"]: line for line in one["ledger"]}
        assert {what: ledger[what]["total"] for what in totals} == totals
        for line in ledger.values():
            parts = [line["shown"], line["folded"], line["suppressed"]]
            # Missing where one of them is of a few: the others would tell it.
            if None not in parts:
                assert sum(parts) == line["total"]


@pytest.mark.parametrize("name", FACTS)
def test_stories_are_those_of_plain_pandas(
    counted_rows: tuple[dict[str, Any], pd.DataFrame],
) -> None:
    """Copies and waits of each story, how its journeys end, and the share that all cover."""
    document, rows = counted_rows
    stories, every = document["stories"], rows["journey"].nunique()
    words = rows.groupby("journey")["touchpoint"].agg(tuple)
    people = rows.groupby("journey")["customer"].first()
    near = pd.Series(data=False, index=words.index)
    for story in stories["stories"]:
        names = tuple(story["touchpoints"])
        exact = words[words == names].index
        assert story["customers"] == people[exact].nunique() >= MIN_CUSTOMERS
        apart = {one: Levenshtein.normalized_distance(one, names) for one in words.unique()}
        own = words.map(apart) <= 1 / 3 + 1e-9
        near |= own
        assert len(exact) <= story["journeys"] <= own.sum() or stories["answer"] != "found"
        assert story["share"] == pytest.approx(story["journeys"] / every, abs=1e-6)
        assert sum(end["journeys"] for end in story["ends"]) <= story["journeys"]
        steps = rows[rows["journey"].isin(exact)]
        for number, step in enumerate(story["steps"]):
            here = steps.groupby("journey").nth(number).set_index("journey")
            assert set(here["touchpoint"]) == {step["touchpoint"]}
            if step["seconds_to_next"] is not None:
                then = steps.groupby("journey").nth(number + 1).set_index("journey")["t"]
                wait = (then - here["t"]).dt.total_seconds().median()
                assert step["seconds_to_next"] == pytest.approx(wait, rel=1e-5)
    assert stories["coverage"] == pytest.approx(near.mean(), abs=1e-6)
    told = sum(story["journeys"] for story in stories["stories"])
    assert told <= every


def test_bot_sessions_and_the_paradox_of_one_bot_are_those_of_plain_pandas(
    audit_of: AuditOf, shared_data: Path, airline_csv: Path
) -> None:
    """Conversations by how they end, by bot, and those that hang on one bot."""
    audit = audit_of("airline_bot")
    document = audit.document
    rows = raw_rows("airline_bot", shared_data, airline_csv)
    rows["touchpoint"] = rows["touchpoint"].replace(audit.log.schema.touchpoint_values)
    every = rows["journey"].nunique()
    bots = rows[rows["actor"] == "bot"]
    people = set(rows.loc[rows["actor"] == "human", "journey"])
    alone = set(rows["journey"]) - people
    # Nobody falls silent: whom no human serves has the last word.
    assert set(rows.drop_duplicates("journey", keep="last")["actor"]) <= {"customer", "system"}
    handoffs = document["handoffs"]
    ends = {"sessions": bots["journey"].nunique(), "handed_over": len(people), "open": 0}
    ends |= {"ended_with_bot": len(alone), "abandoned": 0}
    assert {end: handoffs[end] for end in ends} == ends
    assert handoffs["contained_raw"]["value"] == len(alone) / every
    begins = bots.drop_duplicates("journey")
    for one in document["decisions"]["bots"]:
        own = set(begins.loc[begins["touchpoint"] == one["touchpoint"], "journey"])
        assert (one["sessions"], one["customers"]) == (len(own), len(own))
        assert one["ends"]["handed_over"] == pytest.approx(len(own & people) / len(own), abs=1e-6)
        assert one["ends"]["ended_with_bot"] == pytest.approx(len(own & alone) / len(own), abs=1e-6)
    passed = bots.groupby("touchpoint")["journey"].agg(set)
    paradox = next(p for p in document["paradoxes"] if p["name"] == "powerful_vulnerable")
    assert paradox["benefit"]["value"] == len(alone) / every
    assert paradox["cost"]["value"] == passed.map(len).max() / every
    figures = paradox["supporting"]
    widest = passed.map(alone.intersection).map(len).max()
    assert figures["through_one_bot_alone"]["value"] == widest / every
    shares = passed.map(len) / passed.map(len).sum()
    assert figures["dependence"]["value"] == pytest.approx((shares**2).sum(), abs=1e-6)


@pytest.mark.parametrize("name", [name for name in FACTS if name != "airline_bot"])
def test_no_paradox_is_told_where_no_bot_serves(name: str, audit_of: AuditOf) -> None:
    paradoxes = audit_of(name).document["paradoxes"]
    assert len(paradoxes) == 6
    assert {one["state"] for one in paradoxes} <= {"not_measurable", "none"}
    for one in paradoxes:
        assert not one["cost"]["value"]
        assert not one["benefit"]["value"]
