"""Filters: counts by hand and by a plain pandas oracle, and what holds of every verb."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import journeylib as jl
from journeylib.journeys.filters.filters import ANY_MANY, ANY_ONE, go_this_way
from journeylib.journeys.walk.tables import END, START
from journeylib.log.engine.duckdb import scratch_name

SAMPLE = Path(__file__).resolve().parents[2] / "sample_data/telecom"
HOUR = 3_600_000_000
DAY = 24 * HOUR
Path_ = tuple[str, ...]
Keep = Callable[[jl.Journeys], jl.Journeys]


# --- by hand --------------------------------------------------------------------------------

# One journey per customer: touchpoints an hour apart.
PATHS: dict[str, Sequence[str]] = {
    "a": ["Web", "Chat", "Call"],
    "b": ["Chat", "Web", "Call"],
    "c": ["Web", "Web", "Chat"],
    "d": ["Call"],
    "e": ["Chat", "Mail", "Call", "Chat"],
}


@pytest.fixture(scope="module")
def small(log_of):
    rows = [
        (
            who,
            day * DAY + place * HOUR,
            name,
            "app" if name in ("Chat", "Web") else "phone",
            segment,
        )
        for day, (who, path) in enumerate(PATHS.items())
        for segment in ["gold" if who in "abc" else "basic"]
        for place, name in enumerate(path)
    ]
    log = log_of(*rows, columns="customer t_us touchpoint channel segment")
    return jl.rebuild(log, jl.JourneySettings(cut="customer", min_customers=1, goals=("Call",)))


def who(journeys: jl.Journeys) -> str:
    """Return the customers that remain; they are numbered in the order of their names."""
    return "".join(
        "abcde"[int(no)] for no in sorted(journeys.table.customer_no.to_pyarrow().to_pylist())
    )


@pytest.mark.parametrize(
    ("code", "remain", "words"),
    [
        ('.passing("Web")', "abc", "passing through 'Web'"),
        ('.passing("Web", "Call")', "ab", "passing through 'Web' and 'Call'"),
        ('.not_passing("Web")', "de", "not passing through 'Web'"),
        ('.not_passing("Web", "Mail")', "d", "not passing through 'Web' or 'Mail'"),
        ('.passing_in_order("Chat", "Call")', "abe", "passing through 'Chat' and later 'Call'"),
        ('.passing_in_order("Web", "Web")', "c", "passing through 'Web' and later 'Web'"),
        ('.passing_in_order("Chat", "Call", "Chat")', "e", None),
        ('.passing_directly("Chat", "Call")', "a", "going from 'Chat' directly to 'Call'"),
        ('.passing_directly("(start)", "Chat")', "be", None),
        ('.passing_directly("Call", "(end)")', "abd", None),
        ('.matching("Chat > * > Call")', "abe", "with the pattern Chat > * > Call"),
        ('.matching("Chat > ? > Call")', "be", None),
        ('.matching("(start) > Web > * > (end)")', "ac", None),
        ('.matching("(start) > ? > (end)")', "d", None),
        ('.matching(["Web", "?"])', "abc", "with the pattern Web > ?"),
        ('.starting_with("Web", "Call")', "acd", "starting with 'Web' or 'Call'"),
        ('.ending_with("Chat")', "ce", "ending with 'Chat'"),
        ('.until("Chat")', "abce", "up to 'Chat', that included"),
        ('.since("Chat")', "abce", "from 'Chat' on, that included"),
        ('.between("1970-01-02", "1970-01-03")', "bc", "beginning from 1970-01-02 to 1970-01-03"),
        ('.between("1970-01-04")', "de", "beginning from 1970-01-04"),
        ('.between(None, "1970-01-01", by="end")', "a", None),
        ('.between("1970-01-02", "1970-01-02", by="whole")', "b", None),
        ('.in_segment("gold")', "abc", "in the segment 'gold'"),
        ('.using_channel("phone")', "abde", "using the channel 'phone'"),
        ('.with_end("goal")', "abde", "ending in a goal"),
        (
            '.with_end("other", "open")',
            "c",
            "ending in neither a goal nor a bad end or still open",
        ),
        ('.with_end("goal", "bad_end")', "abde", "ending in a goal or ending in a bad end"),
        (".lasting(at_least_days=0.125)", "e", "lasting at least 0.125 days"),
        (".lasting(at_most_days=0)", "d", "lasting at most 0 days"),
        (".with_visits(at_least=3, at_most=3)", "abc", "with at least 3 and at most 3 visits"),
        ('.passing("Web").rest()', "de", "all but those passing through 'Web'"),
    ],
)
def test_each_verb_by_hand(small, code, remain, words):
    kept = eval(f"journeys{code}", {"journeys": small})
    assert who(kept) == remain
    assert kept.code == f"journeys{code}"
    if words is not None:
        share = f"{100 * len(remain) / 5:.0f}"
        assert repr(kept) == f"{len(remain)} of 5 journeys ({share} %) remain: {words}"


def test_a_part_is_a_journey_of_its_own(small):
    before, after = small.until("Chat"), small.since("Chat")
    assert jl.variants(before)["variant"].tolist() == [
        ("Chat",),
        ("Web", "Chat"),
        ("Web", "Web", "Chat"),
    ]
    assert set(jl.variants(after)["variant"]) == {
        ("Chat", "Call"),
        ("Chat", "Web", "Call"),
        ("Chat",),
        ("Chat", "Mail", "Call", "Chat"),
    }
    steps = after.steps.filter(after.steps.customer_no == 0).order_by("step").to_pandas()
    assert steps[["step", "steps", "visit"]].to_numpy().tolist() == [[1, 2, 1], [2, 2, 1]]
    last = before.steps.filter(before.steps.step == before.steps.steps).to_pandas()
    assert (
        last[["next_us", "next_touchpoint", "next_touchpoint_no", "wait_us"]]
        .isna()
        .to_numpy()
        .all()
    )
    # What became of the journey is not told by where it was cut.
    assert who(before.with_end("goal")) == "abe"
    assert (
        after.table.to_pandas()["start_us"].tolist() != small.table.to_pandas()["start_us"].tolist()
    )
    # In the part after the Chat, c and e no longer come to what lay before.
    assert who(after.passing("Web")) == "b"
    assert who(before.not_passing("Web")) == "be"


HANDS = [
    ("a", 0, "Chat", "bot", None, "Hello"),
    ("a", 1, "Chat", "customer", None, "a human please"),
    ("a", 2, "Chat", "human", "Ann", "Hi"),
    ("b", 0, "Call", "human", "Ann", "Hi"),
    ("b", 1, "Call", "human", "Bob", "Hi"),
    ("c", 0, "Chat", "bot", None, "Hello, do you want a human?"),
    ("c", 1, "Chat", "customer", None, "I want no human"),
    ("d", 0, "Call", "human", "Ann", "Hi"),
    ("d", 1, "Chat", "bot", None, "Hello"),
    ("d", 2, "Zero key", "customer", None, None),
    ("e", 0, "Call", "human", "Ann", "Hi"),
    ("e", 1, "Call", "human", "Ann", "Hi"),
]


@pytest.mark.parametrize(
    ("code", "remain"),
    [
        (".with_handoff()", "abd"),
        ('.with_handoff(source="bot")', "a"),
        ('.with_handoff(source="human", target="human")', "b"),
        ('.with_handoff(target="bot")', "d"),
        (".with_request_for_human()", "a"),
        ('.with_request_for_human("Zero key")', "ad"),
    ],
)
def test_hands_and_requests_by_hand(log_of, code, remain):
    log = log_of(*HANDS, columns="customer t_us touchpoint actor resource text")
    journeys = jl.rebuild(log, jl.JourneySettings(cut="customer", min_customers=1))
    kept = eval(f"journeys{code}", {"journeys": journeys})
    assert (who(kept), kept.code) == (remain, f"journeys{code}")


# --- any log, against plain Python ----------------------------------------------------------

# An example is a whole log in the engine: small ones are drawn, so none is shrunk.
QUICK = (Phase.explicit, Phase.generate)
NAMES = ("A", "B", "C")
LOGS = st.lists(st.lists(st.sampled_from(NAMES), min_size=1, max_size=6), min_size=1, max_size=12)


def runs_through(path: Sequence[str], names: Sequence[str]) -> bool:
    rest = iter(path)
    return all(name in rest for name in names)


def pairs(path: Sequence[str]) -> set[tuple[str, str]]:
    return set(itertools.pairwise((START, *path, END)))


SELECTIONS: dict[str, tuple[Keep, Callable[[Sequence[str]], bool]]] = {
    "passing": (lambda j: j.passing("A"), lambda p: "A" in p),
    "not_passing": (lambda j: j.not_passing("B"), lambda p: "B" not in p),
    "in_order": (lambda j: j.passing_in_order("A", "B"), lambda p: runs_through(p, "AB")),
    "in_order_3": (lambda j: j.passing_in_order("A", "B", "A"), lambda p: runs_through(p, "ABA")),
    "directly": (lambda j: j.passing_directly("A", "A"), lambda p: ("A", "A") in pairs(p)),
    "start": (lambda j: j.passing_directly(START, "B"), lambda p: p[0] == "B"),
    "pattern": (
        lambda j: j.matching("A > ? > C"),
        lambda p: any(p[i] == "A" and p[i + 2] == "C" for i in range(len(p) - 2)),
    ),
    "starting": (lambda j: j.starting_with("A", "C"), lambda p: p[0] in "AC"),
    "ending": (lambda j: j.ending_with("B"), lambda p: p[-1] == "B"),
    "visits": (lambda j: j.with_visits(at_least=2, at_most=4), lambda p: 2 <= len(p) <= 4),
    "duration": (lambda j: j.lasting(at_least_days=2 / 24), lambda p: len(p) >= 3),
}
PARTS: dict[str, tuple[Keep, Callable[[Path_], Path_]]] = {
    "until": (lambda j: j.until("B"), lambda p: p[: p.index("B") + 1] if "B" in p else ()),
    "since": (lambda j: j.since("A"), lambda p: p[p.index("A") :] if "A" in p else ()),
}


def log_rows(paths: Sequence[Sequence[str]]) -> list[tuple[Any, ...]]:
    return [
        (f"c{no:02}", place * HOUR, name)
        for no, path in enumerate(paths)
        for place, name in enumerate(path)
    ]


def lived(journeys: jl.Journeys) -> list[Path_]:
    """Return the journeys' touchpoints, read from the steps."""
    steps = journeys.steps.order_by(["journey", "step"]).to_pandas()
    return sorted(tuple(group["touchpoint"]) for _, group in steps.groupby("journey"))


@given(
    paths=st.lists(st.text("ABC", min_size=1, max_size=7), max_size=5),
    way=st.text("ABC*?", max_size=6),
)
def test_ways_are_those_of_a_regular_expression(paths, way):
    numbers = {name: number for number, name in enumerate("ABC")} | {"*": ANY_MANY, "?": ANY_ONE}
    visits = np.array([numbers[name] for path in paths for name in path], dtype=np.int32)
    begins = np.cumsum([0, *map(len, paths)])
    goes = go_this_way(visits, begins, np.array([numbers[part] for part in way], dtype=np.int64))
    pattern = way.replace("*", ".*").replace("?", ".")
    assert goes.tolist() == [re.fullmatch(pattern, path) is not None for path in paths]


@pytest.mark.slow
@given(paths=LOGS, one=st.sampled_from(sorted(SELECTIONS)), two=st.sampled_from(sorted(SELECTIONS)))
@settings(max_examples=12, suppress_health_check=list(HealthCheck), phases=QUICK)
def test_selections_equal_the_oracle_repeat_and_commute(log_of, paths, one, two):
    rows = log_rows([*paths, NAMES])  # so that every name is in the log
    journeys = jl.rebuild(log_of(*rows), jl.JourneySettings(cut="customer", min_customers=1))
    (first, holds), (second, also) = SELECTIONS[one], SELECTIONS[two]
    wanted = [tuple(path) for path in [*paths, NAMES] if holds(path)]
    kept = first(journeys)
    assert lived(kept) == sorted(wanted)
    assert kept.size == (len(wanted), len(wanted))
    assert first(kept) is kept
    both = sorted(path for path in wanted if also(path))
    assert lived(second(kept)) == both == lived(first(second(journeys)))
    assert lived(kept.rest()) == sorted(tuple(p) for p in [*paths, NAMES] if not holds(p))
    # The touchpoints, transitions and variants count the same journeys.
    edges = jl.transitions(kept).set_index(["source", "target"])["journeys"].to_dict()
    assert (
        edges
        == pd.Series([pair for path in wanted for pair in pairs(path)], dtype=object)
        .value_counts()
        .to_dict()
    )
    points = kept.touchpoints.set_index("touchpoint")["journeys"].to_dict()
    assert points == {name: sum(name in path for path in wanted) for name in NAMES}
    shown = jl.variants(kept)
    assert (
        dict(zip(shown["variant"], shown["journeys"], strict=True))
        == pd.Series(wanted, dtype=object).value_counts().to_dict()
    )


@pytest.mark.slow
@given(paths=LOGS, part=st.sampled_from(sorted(PARTS)))
@settings(max_examples=6, suppress_health_check=list(HealthCheck), phases=QUICK)
def test_parts_equal_journeys_that_were_never_longer(log_of, paths, part):
    every = [tuple(path) for path in [*paths, NAMES]]
    keep, cut = PARTS[part]
    how = jl.JourneySettings(cut="customer", min_customers=1)
    kept = keep(jl.rebuild(log_of(*log_rows(every)), how))
    wanted = [cut(path) for path in every if cut(path)]
    assert lived(kept) == sorted(wanted)
    assert keep(kept) is kept
    fresh = jl.rebuild(log_of(*log_rows(wanted)), how)
    columns = ["source", "target", "events", "journeys", "customers", "median_seconds"]
    pd.testing.assert_frame_equal(jl.transitions(kept)[columns], jl.transitions(fresh)[columns])
    order = ["touchpoint", "step"]
    columns = [*order, "steps", "visit", "starts_visit", "ends_visit", "next_touchpoint"]
    told, own = (
        one.steps.select(columns).to_pandas().sort_values(columns, ignore_index=True)
        for one in (kept, fresh)
    )
    pd.testing.assert_frame_equal(told, own)


# --- the sample -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sample() -> jl.Journeys:
    config = jl.load_config(SAMPLE / "audit.yaml")
    return jl.rebuild(
        jl.read_log(config.log.files[0], config.roles, outcomes=None), config.journeys
    )


@pytest.fixture(scope="module")
def events(sample) -> pd.DataFrame:
    steps = sample.steps.order_by(["journey", "step"])
    return steps.select(
        "journey", "customer_no", "step", "touchpoint", "t_us", "channel", "actor", "starts_visit"
    ).to_pandas()


@pytest.mark.slow
def test_the_sample_equals_pandas(sample, events):
    visits = events[events["starts_visit"]]
    paths = visits.groupby("journey")["touchpoint"].apply(tuple)
    spans = events.groupby("journey")["t_us"].agg(["min", "max"])
    begin = pd.to_datetime(spans["min"], unit="us")
    begun = begin.between(pd.Timestamp("2026-03-01"), pd.Timestamp("2026-04-01"), inclusive="left")
    channels = set(events.loc[events["channel"] == "phone", "journey"])
    expected = {
        'passing("Complaint call")': paths.map(lambda p: "Complaint call" in p),
        'passing_in_order("Bill sent", "Billing call")': paths.map(
            lambda p: runs_through(p, ("Bill sent", "Billing call"))
        ),
        'passing_directly("Bill sent", "Bill viewed")': paths.map(
            lambda p: ("Bill sent", "Bill viewed") in pairs(p)
        ),
        'using_channel("phone")': paths.index.to_series().isin(channels),
        'between("2026-03-01", "2026-03-31")': begun,
        "lasting(at_least_days=3)": spans["max"] - spans["min"] >= 3 * DAY,
        "with_visits(at_least=5)": paths.map(len) >= 5,
    }
    for code, truth in expected.items():
        kept = eval(f"journeys.{code}", {"journeys": sample})
        assert sorted(kept.table.journey.to_pyarrow().to_pylist()) == sorted(truth.index[truth]), (
            code
        )
        assert 0 < kept.size[0] < sample.size[0], code


@pytest.mark.slow
def test_every_view_counts_the_same_journeys(sample):
    kept = sample.passing("Billing call").lasting(at_least_days=1)
    count = kept.size[0]
    assert repr(kept).startswith(f"{count:,} of {sample.size[0]:,} journeys (")
    assert kept.ledger["journeys"].tolist()[-1] == count
    assert jl.measure(kept).totals["journeys"] == count
    edges = kept.edges
    assert edges.loc[edges["source"] == START, "journeys"].sum() == count
    assert edges.loc[edges["target"] == END, "journeys"].sum() == count
    points = kept.touchpoints.set_index("touchpoint")
    assert points.loc["Billing call", "journeys"] == count
    # The map's table counts what clicking the flow gives.
    drawn = jl.journey_map(kept).table
    for row in drawn.head(5).to_dict("records"):
        many = kept.passing_directly(row["source"], row["target"]).size[0]
        assert many >= row["journeys"] if row["at_least"] else many == row["journeys"]


@pytest.mark.slow
def test_transitions_count_what_filtering_by_them_gives(sample):
    moves = jl.transitions(sample)
    for row in moves[~moves["at_least"]].head(12).itertuples():
        assert sample.passing_directly(row.source, row.target).size == (row.journeys, row.customers)
    for row in moves[moves["at_least"]].head(12).itertuples():
        journeys, customers = sample.passing_directly(row.source, row.target).size
        assert journeys >= row.journeys and customers >= row.customers
    for row in sample.touchpoints.head(8).itertuples():
        assert sample.passing(row.touchpoint).size == (row.journeys, row.customers)


@pytest.mark.slow
def test_everything_downstream_takes_what_remains_as_if_it_were_the_log(log_of):
    rows = [
        (f"c{no:03}", day * 7 * DAY + place * HOUR, name, segment, actor)
        for no in range(60)
        for segment in ["gold" if no % 2 else "basic"]
        for day in range(3)
        for place, (name, actor) in enumerate(
            [("Chat", "bot"), ("Call", "human")] if (no + day) % 3 else [("Web", "system")]
        )
    ]
    columns = "customer t_us touchpoint segment actor"
    how = jl.JourneySettings(gap_days=3, goals=("Call",), min_customers=5)
    kept = jl.rebuild(log_of(*rows, columns=columns), how).in_segment("gold")
    own = jl.rebuild(log_of(*(r for r in rows if r[3] == "gold"), columns=columns), how)
    one, two = jl.measure(kept), jl.measure(own)
    assert one.totals == two.totals
    for name in ("touchpoints", "transitions", "variants", "estimates"):
        pd.testing.assert_frame_equal(getattr(one, name), getattr(two, name))
    pd.testing.assert_frame_equal(jl.journey_chain(kept).table, jl.journey_chain(own).table)
    told, true = jl.stories(kept), jl.stories(own)
    assert [t.story.touchpoints for t in told.timelines] == [
        t.story.touchpoints for t in true.timelines
    ]
    assert jl.simplify(kept).ledger.equals(jl.simplify(own).ledger)
    assert jl.journey_map(kept).svg == jl.journey_map(own).svg


# --- what must not be shown, and what is misspelt -------------------------------------------


def test_fewer_than_the_minimum_are_not_counted_aloud(log_of):
    rows = log_rows([("A", "B")] * 12 + [("A", "C")] * 4)
    journeys = jl.rebuild(log_of(*rows), jl.JourneySettings(cut="customer", min_customers=5))
    few = journeys.passing("C")
    assert repr(few) == (
        "journeys of fewer than 5 customers remain of 16 journeys, too few to be shown: "
        "passing through 'C'"
    )
    assert few.ledger["journeys"].isna().tolist() == [False, True]
    assert jl.transitions(few).empty and jl.variants(few).empty
    assert jl.measure(few).touchpoints.empty
    none = journeys.passing("B").passing("C")
    assert repr(none) == ("no journey of 16 remains: passing through 'B'; passing through 'C'")
    assert none.size == (0, 0)
    assert jl.transitions(none).empty and jl.variants(none).empty
    assert jl.journey_map(none).table.empty
    assert jl.stories(none).timelines == ()
    assert jl.simplify(none).transitions.empty


@pytest.mark.parametrize(("minimum", "shown"), [(6, True), (7, False)])
def test_what_leaves_out_a_few_customers_has_no_number(log_of, minimum, shown):
    """Of 30 customers 24 pass B: their number would give those of the six others."""
    rows = log_rows([("A", "B")] * 24 + [("A", "D")] * 6)
    how = jl.JourneySettings(cut="customer", min_customers=minimum)
    kept = jl.rebuild(log_of(*rows), how).passing("B")
    assert kept.ledger["journeys"].dropna().tolist() == ([30, 24] if shown else [30])
    assert kept.ledger["customers"].isna().tolist() == [False, not shown]
    some = "24 of 30 journeys (80 %) remain: "
    few = "all but journeys of fewer than 7 customers remain of 30 journeys, too few to be told"
    assert repr(kept).startswith(some if shown else few)


def test_journeys_of_a_few_who_have_others_are_not_found_by_subtraction(log_of):
    """Two of 30 customers come a second time, by C: without these journeys all 30 remain."""
    rows = log_rows([("A", "B")] * 24 + [("A", "D")] * 6)
    rows += [(name, 40 * DAY, "C") for name in ("c00", "c01")]
    journeys = jl.rebuild(log_of(*rows), jl.JourneySettings(gap_days=3, min_customers=5))
    most = journeys.passing("A")
    assert (journeys.size, most.size) == ((32, 30), (30, 30))
    assert most.ledger["journeys"].isna().tolist() == [False, True]
    # Since the last row with a number, journeys of six by D and of two by C are left out.
    assert most.passing("B").ledger["journeys"].fillna(0).tolist() == [32, 0, 24]


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ('passing("Chta")', r"no touchpoint 'Chta' in the log\. Did you mean 'Chat'\?"),
        ('matching("Web > * > Cal")', r"no touchpoint 'Cal' in the log\. Did you mean 'Call'\?"),
        ('until("web")', r"Did you mean 'Web'\?"),
        ('in_segment("glod")', r"no segment 'glod' in the log\. Did you mean 'gold'\?"),
        ('using_channel("fone")', r"no channel 'fone' in the log\. Did you mean 'phone'\?"),
        ('with_end("gaol")', r"no end 'gaol'\. Did you mean 'goal'\?"),
        ("passing()", "give at least 1 name"),
        ('passing_directly("Web")', "give at least 2 names"),
        ('passing_directly("Web", "(start)")', "may stand first"),
        ('between("1.2.2026")', "is no date"),
        ('between("2026-02-01T12:00:01")', "give whole days"),
        ('between(None, "2026-02-01T00:00+02:00")', "give whole days"),
        ('between(pd.Timestamp("2026-02-01 00:00:00.5"))', "give whole days"),
        ('between("2026-02-01", "2026-01-01")', "comes after"),
        ("between()", "give a first day"),
        ("lasting()", "at least one of its two limits"),
        ("with_visits(at_least=3, at_most=2)", "above the upper"),
        ('lasting(at_least_days="3")', "lasting: a limit is a number"),
        ('with_visits(at_most="2")', "with_visits: a limit is a number"),
        ('passing(["Web", "Call"])', r'names one by one, as text, as in passing\("A", "B"\)'),
        ("rest()", "nothing was left out"),
    ],
)
def test_what_cannot_be_meant_is_answered(small, code, message):
    with pytest.raises(jl.ConfigError, match=message):
        eval(f"journeys.{code}", {"journeys": small, "pd": pd})


def test_a_day_is_written_alike_however_it_is_given(small):
    given = ("2026-01-31", pd.Timestamp("2026-01-31"), date(2026, 1, 31), datetime(2026, 1, 31))
    assert {small.between(day).code for day in given} == {'journeys.between("2026-01-31")'}
    assert {small.between(None, day).words for day in given} == {"beginning to 2026-01-31"}


@pytest.mark.parametrize(
    ("code", "role"),
    [
        ('in_segment("x")', "'segment'"),
        ('using_channel("x")', "'channel'"),
        ("with_handoff()", "'actor'"),
        ("with_request_for_human()", "'actor'"),
        ('with_outcome("churn")', "no outcomes"),
    ],
)
def test_a_column_that_is_not_there_is_named(log_of, code, role):
    journeys = jl.rebuild(log_of(("a", 0, "A")), jl.JourneySettings(min_customers=1))
    with pytest.raises(jl.SchemaError, match=role):
        eval(f"journeys.{code}", {"journeys": journeys})


def test_outcomes_after_the_journey_began(log_of):
    log = log_of(("a", 0, "A"), ("b", 0, "A"), ("c", 5 * DAY, "A"), ("d", 0, "A"))
    came = pd.DataFrame(
        {
            "customer": ["a", "b", "c", "d"],
            "t_us": [1 * DAY, 20 * DAY, 1 * DAY, 1 * DAY],
            "kind": "churn",
            "value_micro": [1_000_000, 1_000_000, 1_000_000, 0],
        }
    )
    outcomes = log.events.get_backend().create_table(scratch_name("outcomes"), came)
    how = jl.JourneySettings(cut="customer", min_customers=1)
    journeys = jl.rebuild(replace(log, outcomes=outcomes), how)
    # c's came before the journey, and d's says that it did not come.
    assert who(journeys.with_outcome("churn")) == "ab"
    soon = journeys.with_outcome("churn", within_days=7)
    assert (who(soon), soon.code) == ("a", 'journeys.with_outcome("churn", within_days=7)')
    with pytest.raises(jl.ConfigError, match=r"no outcome 'chrun'.* Did you mean 'churn'"):
        journeys.with_outcome("chrun")
