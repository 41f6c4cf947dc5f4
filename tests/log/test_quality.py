from __future__ import annotations

from collections import Counter
from dataclasses import astuple
from itertools import groupby
from operator import add

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from journeylib.core import SchemaError, use_language
from journeylib.log.engine.row_order import customer_numbers, customer_sizes, in_order
from journeylib.log.quality.content_checks import Ties, counted_ties
from journeylib.log.quality.survey import Inspection

from .conftest import ROLES, checks_of, read


def log_of(**columns: object) -> pd.DataFrame:
    return pd.DataFrame({"who": "u1", **columns})


def rows_of(log: object, check: str) -> dict[str, int]:
    found = checks_of(log, check)  # type: ignore[arg-type]
    return dict(zip(found["role"], found["rows"], strict=True))


@pytest.mark.slow
def test_ties_by_file_order_and_by_position() -> None:
    frame = log_of(
        what=["a", "b", "c", "c", "d"],
        at=["2024-01-01 10:00"] * 2 + ["2024-01-01 11:00"] * 2 + ["2024-01-01 12:00"],
        turn=[1, 2, 3, 3, 4],
    )
    by_file = checks_of(read(frame), "ties")
    assert by_file[["severity", "rows"]].to_numpy().tolist() == [["warning", 4]]
    assert "They keep the order of rows in the file. 2 of them" in by_file["text"][0]
    assert "another order would change the journey" in by_file["text"][0]
    same = checks_of(read(frame.iloc[2:]), "ties")
    assert same[["severity", "rows"]].to_numpy().tolist() == [["note", 2]]
    assert same["text"][0] == (
        "2 events share their timestamp with another of the same customer. They keep the order of "
        "rows in the file. All of them tie at one touchpoint, so another order would change no "
        "journey."
    )
    by_turn = checks_of(read(frame, ROLES | {"position": "turn"}), "ties")
    assert "'turn' puts them in order, except for 2" in by_turn["text"][0]
    sure = read(frame.assign(turn=[1, 2, 3, 4, 5]), ROLES | {"position": "turn"})
    assert checks_of(sure, "ties")["severity"].tolist() == ["note"]
    assert rows_of(read(frame.iloc[[0, 2, 4]]), "ties") == {"timestamp": 0}


def test_ties_count_within_one_owner_only() -> None:
    frame = log_of(what=["a", "b"], at=["2024-01-01 10:00"] * 2).assign(who=["u1", "u2"])
    assert rows_of(read(frame), "ties") == {"timestamp": 0}


def test_exact_duplicates_are_counted_and_kept() -> None:
    frame = log_of(what=["a", "a", "a", "b"], at=["2024-01-01 10:00"] * 4)
    log = read(frame)
    assert rows_of(log, "duplicates") == {"": 2}
    assert log.quality.rows_used == 4


def test_a_declared_position_tells_events_apart() -> None:
    frame = log_of(what=["a", "a", "a", "b"], at=["2024-01-01 10:00"] * 4)
    frame["turn"] = [1, 2, 2, 3]
    assert rows_of(read(frame, ROLES | {"position": "turn"}), "duplicates") == {"": 1}


def ties_by_hand(rows: list[tuple[str, int, int, str]]) -> Ties:
    """Count ties of (customer, minute, position, touchpoint), moment by moment."""
    ties = Ties()
    for _moment, group in groupby(sorted(rows), key=lambda row: row[:2]):
        moment = list(group)
        n = len(moment) if len(moment) > 1 else 0
        places = Counter(row[2] for row in moment)
        differ = len({row[3] for row in moment}) > 1
        alike = sum(count - 1 for count in Counter(moment).values())
        own = Ties(n, n * differ, n * (max(places.values()) > 1), alike)
        ties = Ties(*map(add, astuple(ties), astuple(own)))
    return ties


@pytest.mark.slow
@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from(["u1", "u2", "U3"]),
            st.integers(0, 3),
            st.integers(0, 2),
            st.sampled_from("ab"),
        ),
        min_size=1,
        max_size=25,
    ),
    clock=st.booleans(),
)
def test_ties_are_the_same_by_hand(rows: list[tuple[str, int, int, str]], clock: bool) -> None:
    frame = pd.DataFrame(rows, columns=["who", "minute", "turn", "what"])
    frame["at"] = pd.to_datetime("2024-01-01") + pd.to_timedelta(frame["minute"], unit="min")
    roles = ROLES | {"position": "turn"}
    log = read(frame, roles if clock else {k: v for k, v in roles.items() if k != "timestamp"})
    looked_at = Inspection(None, log.events, log.schema, None, None, None)  # type: ignore[arg-type]
    ties = counted_ties(looked_at)
    by_hand = rows if clock else [(who, turn, turn, what) for who, _at, turn, what in rows]
    assert ties == ties_by_hand(by_hand)


def test_customers_held_beside_events_are_those_of_the_events() -> None:
    frame = pd.DataFrame({"who": ["b", "a", "b", "C", None], "what": "x", "at": "2024-01-01"})
    log = read(frame, max_unusable_share=0.5)
    sizes = customer_sizes(log.events).order_by("customer").to_pandas()
    assert sizes.to_numpy().tolist() == [["C", 1], ["a", 1], ["b", 2]]
    numbers = customer_numbers(log.events).order_by("customer").to_pandas()
    assert numbers["customer_no"].tolist() == [0, 1, 2]
    # MD5 of C, a and b begin with 0d, 0c and 92: 13, 12 and 146 modulo 64.
    assert numbers["group"].tolist() == [13, 12, 18]
    some = log.events.filter(log.events.customer != "a")
    assert customer_numbers(some).order_by("customer").to_pandas()["customer_no"].tolist() == [0, 1]


def test_attributes_may_have_any_name_that_the_reader_uses_itself() -> None:
    names = ["id", "read_no", "events", "first", "last", "raw", "texts", "midnight", "used_by"]
    names += ["reason"]
    frame = pd.DataFrame({"who": ["b", "a", "NA", "a"], "what": ["x", "y", "x", "x"]})
    frame["at"] = ["2024-01-02 10:00", "2024-01-02 11:00", "2024-01-01", "2024-01-01 09:00"]
    frame = frame.assign(**{name: ["v0", "v1", "v2", None] for name in names})
    log = read(frame, ROLES | {"attributes": names}, max_unusable_share=0.5)
    held, order = in_order(log.events)
    rows = held.to_pandas().iloc[order.rows].reset_index(drop=True)
    numbers = {name: values.tolist() for name, values in order.numbers.items()}
    assert sorted(log.events.to_pandas()["customer"]) == ["a", "a", "b"]
    assert numbers["customer_no"] == [0, 0, 1] and numbers["touchpoint_no"] == [0, 1, 0]
    for name in names:
        assert rows[name].fillna("").tolist() == ["", "v1", "v0"]
        assert rows_of(log, "missing")[name] == 1
    assert checks_of(log, "clock_resolution")["text"].str.contains("minute").all()


def test_customers_whose_every_row_is_unusable_leave_no_gap() -> None:
    frame = pd.DataFrame({"who": ["a", "b", "c", "B"], "what": "x", "mail": [None, None, "m", "m"]})
    frame["at"] = ["2024-01-01 10:00", "never", "2024-01-01 12:00", "2024-01-01 13:00"]
    roles = ROLES | {"identifiers": {"email": "mail"}}
    log = read(frame, roles, max_unusable_share=0.5)
    numbers = customer_numbers(log.events).order_by("customer_no").to_pandas()
    assert numbers["customer"].tolist() == ["B", "a", "c"]
    assert numbers["customer_no"].tolist() == [0, 1, 2]
    assert in_order(log.events)[1].numbers["customer_no"].tolist() == [0, 1, 2]


@pytest.mark.slow
def test_clock_resolution() -> None:
    def told(*times: str) -> str:
        log = read(log_of(what="a", at=list(times)))
        return str(checks_of(log, "clock_resolution")["text"][0])

    assert "whole minute" in told("2024-01-01 10:00", "2024-01-01 10:01")
    assert told("2024-01-01 10:00:01") == "The clock counts to the second."
    assert "fraction" in told("2024-01-01 10:00:01.5")
    mixed = read(log_of(what="a", at=["2024-01-01", "2024-01-01 10:00:01"]))
    assert rows_of(mixed, "midnights") == {"timestamp": 1}


def test_nulls_per_role() -> None:
    frame = log_of(what="a", at="2024-01-01", channel=["web", "N/A", " ", "?"], stage="s")
    log = read(frame, ROLES | {"channel": "channel", "stage": "stage"})
    assert rows_of(log, "missing") == {"channel": 3, "stage": 0}
    assert checks_of(log, "missing")["severity"].tolist() == ["warning", "ok"]
    assert checks_of(log, "missing")["share"].tolist() == [0.75, 0.0]


def test_bots_without_a_session() -> None:
    frame = log_of(
        what="a", at="2024-01-01", actor=["bot", "bot", "human"], session=["s1", None, None]
    )
    log = read(frame, ROLES | {"actor": "actor", "session": "session"})
    assert rows_of(log, "bot_without_session") == {"session": 1}


def test_names_that_look_alike() -> None:
    frame = log_of(what=["Call", "call ", "mail"], at="2024-01-01")
    assert rows_of(read(frame), "names_alike") == {"touchpoint": 2}


def test_unusable_rows_by_reason() -> None:
    frame = log_of(
        what=["a", None, "b", "c"], at=["2024-01-01", "2024-01-01", "", "2024-01-01"]
    ).assign(who=["u1", "u1", "u1", None], case=["c", "c", "c", "c"])
    log = read(frame, ROLES | {"journey": "case"}, max_unusable_share=0.75)
    assert rows_of(log, "unusable") == {"touchpoint": 1, "timestamp": 1, "customer": 1}
    assert log.quality.quarantine["row"].tolist() == [2, 3, 4]


def test_no_check_holds_content() -> None:
    frame = log_of(what=["secretword", "other"], at=["2024-01-01", "nottime"])
    log = read(frame, max_unusable_share=0.5)
    everything = log.quality.checks.to_csv() + log.quality.quarantine.to_csv()
    assert "secretword" not in everything
    assert "nottime" not in everything
    assert "u1" not in everything


def test_checks_are_in_the_language_in_use() -> None:
    frame = log_of(what=["a"] * 1200, at="2024-01-01")
    with use_language("de"):
        checks = read(frame).quality.checks.set_index("check")["text"]
    assert checks["unusable"] == "Jede Zeile ist verwendbar."
    assert checks["ties"].startswith("1.200 Ereignisse teilen timestamp")


def test_a_misspelt_option_is_answered_with_the_nearest() -> None:
    with pytest.raises(SchemaError, match=r"'delimter' is no option.*Did you mean 'delimiter'\?"):
        read(log_of(what="a", at=["2024-01-01"]), delimter=";")


def test_columns_named_like_a_datum_are_not_printed() -> None:
    frame = log_of(what="a", at=["2024-01-01"]).assign(**{"anna@berg.example": 1})
    with pytest.raises(SchemaError) as caught:
        read(frame, ROLES | {"channel": "anna"})
    assert str(caught.value).endswith("Columns there: who, what, at and 1 more.")
    assert "berg" not in str(caught.value)


@pytest.mark.slow
def test_whose_words_texts_are_is_told() -> None:
    frame = log_of(
        what=["a", "b"], at=["2024-01-01 10:00", "2024-01-02 10:00"], actor=["bot", "human"],
        words=["My bill", "My line"],
    )  # fmt: skip
    roles = ROLES | {"actor": "actor", "actor_values": {"bot": "bot", "human": "human"}}
    roles |= {"text": "words"}
    silent = checks_of(read(frame, roles), "text_by")
    assert silent[["severity", "rows"]].to_numpy().tolist() == [["warning", 2]]
    assert silent["text"].iloc[0] == (
        "No row of a customer has a text: texts stand on rows of who served, and are taken for "
        "their words. If they are the customer's, declare 'text_by: customer'."
    )
    declared = checks_of(read(frame, roles | {"text_by": "customer"}), "text_by")
    assert declared[["severity", "rows"]].to_numpy().tolist() == [["note", 2]]
    assert declared["text"].iloc[0].startswith("Texts are taken for the customer's words")
    own = frame.assign(actor=["bot", "customer"])
    known = roles | {"actor_values": {"bot": "bot", "customer": "customer"}}
    assert checks_of(read(own, known), "text_by").empty


def test_events_years_from_all_others_are_set_aside() -> None:
    """One event of 400 four years later, and one of 1948, are no part of the log's span."""
    days = [f"2024-01-{1 + number % 28:02} 10:00" for number in range(398)]
    frame = log_of(what="a", at=[*days, "2028-05-01 09:00", "1948-02-03"])
    log = read(frame)
    assert (log.quality.rows_read, log.quality.rows_used) == (400, 398)
    assert rows_of(log, "unusable") == {"timestamp": 2}
    assert "lies a year or more from all others" in checks_of(log, "unusable")["text"].iloc[0]
    # A tenth of the events is no stray: such a log has two parts.
    parts = [*days[:360], *["2028-05-01 09:00"] * 40]
    assert read(frame.assign(at=parts)).quality.rows_used == 400
