"""Every number in the documents of the real logs is counted again, or said to be no count."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import cache

import pandas as pd
import pytest
from rapidfuzz.distance import Levenshtein

import journeylib as jl
from tests.examples import plain_counts as plain
from tests.examples.document_numbers import Number, numbers
from tests.examples.plain_counts import BASES, COUNTS, MIN_CUSTOMERS, NO_COUNTS, VALUES
from tests.examples.plain_logs import PlainLog
from tests.examples.recounting import disagreements, entry, wrong_count

pytestmark = pytest.mark.slow
AuditOf = Callable[[str], jl.Audit]
PlainOf = Callable[[str], PlainLog]
LOGS = ("airline_bot", "clickstream", "domestic_declarations", "incidents")


@pytest.mark.parametrize("name", LOGS)
def test_every_number_is_that_of_plain_pandas(
    name: str, audit_of: AuditOf, plain_of: PlainOf
) -> None:
    registers = {"counts": COUNTS, "bases": BASES, "values": VALUES, "no_counts": NO_COUNTS}
    document = audit_of(name).document
    assert list(disagreements(document, plain_of(name), **registers)) == []


def all_numbers(audit_of: AuditOf) -> Iterator[Number]:
    for name in LOGS:
        yield from numbers(audit_of(name).document)


def test_all_that_is_counted_is_in_a_document_and_no_count_is_excused(audit_of: AuditOf) -> None:
    places = {number.place for number in all_numbers(audit_of)}
    counted = {*COUNTS, *BASES, *VALUES}
    assert counted - places == set()
    assert set(VALUES) - set(BASES) == set()
    for pattern in NO_COUNTS:
        assert any(fnmatchcase(place, pattern) for place in places), pattern
        assert not any(fnmatchcase(place, pattern) for place in counted), pattern


@pytest.mark.parametrize("name", ["airline_bot", "clickstream"])
def test_a_count_that_is_off_by_one_is_noticed(
    name: str, audit_of: AuditOf, plain_of: PlainOf
) -> None:
    """But for bounds, every count in its place fails when it is one too many."""
    noticed, log = set(), plain_of(name)
    count = cache(lambda place: COUNTS[place](log))
    for number in numbers(audit_of(name).document):
        if not isinstance(number.value, int) or number.place not in COUNTS:
            continue
        right = entry(count(number.place), number.labels)
        if not isinstance(right, tuple) and not number.at_least:
            assert list(wrong_count(replace(number, value=number.value + 1), count(number.place)))
            noticed.add(number.place)
    assert len(noticed) >= 20


@pytest.mark.parametrize("name", LOGS)
def test_what_many_do_is_shown(name: str, audit_of: AuditOf, plain_of: PlainOf) -> None:
    """No touchpoint of enough customers is left out, and few of the other rows are."""
    document, log = audit_of(name).document, plain_of(name)
    many = plain.customers_at(log) >= MIN_CUSTOMERS
    assert {part["touchpoint"] for part in document["touchpoints"]} == {*many[many].index}
    moves = plain.customers_on(log)
    assert len(document["transitions"]) >= 0.8 * (moves >= MIN_CUSTOMERS).sum()
    hands = plain.customers_who_change_hands(log)
    left_out = (hands >= MIN_CUSTOMERS).sum() - len(document["handoffs"]["actor_changes"])
    # One more is left out where the others would tell of a change of few customers.
    assert 0 <= left_out <= int((hands < MIN_CUSTOMERS).any())


@pytest.mark.parametrize("name", LOGS)
def test_the_parts_of_a_map_add_up(name: str, audit_of: AuditOf) -> None:
    lines = [line for one in audit_of(name).document["structure"]["maps"] for line in one["ledger"]]
    assert len(lines) == 15
    for line in lines:
        parts = [line["shown"], line["folded"], line["suppressed"]]
        # Missing where one of them is of a few: the others would tell it.
        assert parts == [None] * 3 or sum(parts) == line["total"]


@pytest.mark.parametrize("name", LOGS)
def test_stories_are_those_of_plain_pandas(name: str, audit_of: AuditOf, plain_of: PlainOf) -> None:
    """Copies and waits of each story, how its journeys end, and the share that all cover."""
    document, rows = audit_of(name).document, plain_of(name).rows
    stories, every = document["stories"], rows["journey"].nunique()
    words = rows.groupby("journey")["touchpoint"].agg(tuple)
    people = rows.groupby("journey")["customer"].first()
    near = pd.Series(data=False, index=words.index)
    for story in stories["stories"]:
        names = tuple(story["touchpoints"])
        exact = words[words == names].index
        bound = story["at_least"]
        fewer = people[exact].nunique() - story["customers"]
        assert 0 <= fewer < 2 * MIN_CUSTOMERS if bound else fewer == 0
        assert story["customers"] >= MIN_CUSTOMERS
        apart = {one: Levenshtein.normalized_distance(one, names) for one in words.unique()}
        own = words.map(apart) <= 1 / 3 + 1e-9
        near |= own
        least = 0 if bound else len(exact)
        assert least <= story["journeys"] <= own.sum() or stories["answer"] != "found"
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
    lowered = any(story["at_least"] for story in stories["stories"])
    if lowered:
        assert near.mean() - 0.02 <= stories["coverage"] <= near.mean()
    else:
        assert stories["coverage"] == pytest.approx(near.mean(), abs=1e-6)
    told = sum(story["journeys"] for story in stories["stories"])
    assert told <= every
