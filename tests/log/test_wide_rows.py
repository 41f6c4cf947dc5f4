"""Wide rows: a call on one row, with a pair of times for each of its steps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from journeylib.core.errors import SchemaError
from journeylib.log.canonical.wide_rows import thread_roots
from journeylib.log.inference.schema_proposal import propose
from journeylib.log.schema import Replies, Span

from .conftest import checks_of, frame_of, read

# A call with all steps, one that left before the queue, one over midnight, one at midnight.
CALLS = """line,call,customer,date,vru_start,vru_end,q_start,q_end,ser_start,ser_end,ending
A1,1,K1,2024-03-01,10:00:00,10:00:30,10:00:30,10:02:00,10:02:00,10:07:00,AGENT
A1,2,K2,2024-03-01,11:00:00,11:00:20,0:00:00,0:00:00,0:00:00,0:00:00,HANG
A2,1,K1,2024-03-02,23:58:00,23:59:00,23:59:00,0:01:00,0:01:00,0:05:00,AGENT
A2,2,K3,2024-03-04,0:00:00,0:00:10,,,,,HANG
"""
STEPS: dict[str, Any] = {
    "Bot": {"start": ["date", "vru_start"], "end": ["date", "vru_end"]},
    "Queue": {"start": ["date", "q_start"], "end": ["date", "q_end"]},
    "Agent": {"start": ["date", "ser_start"], "end": ["date", "ser_end"]},
}
ROLES: dict[str, Any] = {
    "customer": "customer", "touchpoint": "step", "timestamp": "start", "end_timestamp": "end",
    "session": "id", "attributes": ["ending"],
}  # fmt: skip
DAY, HOUR, MINUTE = 86_400_000_000, 3_600_000_000, 60_000_000
MARCH = 19_783 * DAY  # 1 March 2024


@pytest.fixture
def calls(tmp_path: Path) -> str:
    path = tmp_path / "calls.csv"
    path.write_text(CALLS, "utf-8")
    return str(path)


@pytest.mark.slow
def test_each_step_that_happened_is_an_event(calls: str) -> None:
    log = read(calls, ROLES, unpivot=STEPS, join={"id": ["line", "call"]})
    rows = frame_of(log)
    by_call = rows.groupby("session", sort=False)["touchpoint"].agg(list).to_dict()
    assert by_call == {
        "A1 1": ["Bot", "Queue", "Agent"],
        "A1 2": ["Bot"],
        "A2 1": ["Bot", "Queue", "Agent"],
        "A2 2": ["Bot"],
    }
    assert rows["ending"].tolist() == ["AGENT"] * 3 + ["HANG"] + ["AGENT"] * 3 + ["HANG"]
    first = rows[rows["session"] == "A1 1"]
    ten = MARCH + 10 * HOUR
    assert first["t_us"].tolist() == [ten, ten + MINUTE // 2, ten + 2 * MINUTE]
    assert first["end_us"].tolist() == [ten + MINUTE // 2, ten + 2 * MINUTE, ten + 7 * MINUTE]
    assert log.quality.rows_read == 8
    text = checks_of(log, "wide_rows")["text"].tolist()
    assert text[0].startswith("4 rows of up to 3 steps gave 8 events")


@pytest.mark.slow
def test_a_call_goes_on_past_midnight(calls: str) -> None:
    rows = frame_of(read(calls, ROLES, unpivot=STEPS, join={"id": ["line", "call"]}))
    late = rows[rows["session"] == "A2 1"]
    midnight = MARCH + 2 * DAY  # of 3 March
    assert late["t_us"].tolist() == [midnight - 2 * MINUTE, midnight - MINUTE, midnight + MINUTE]
    assert late["end_us"].tolist() == [
        midnight - MINUTE, midnight + MINUTE, midnight + 5 * MINUTE
    ]  # fmt: skip
    # A step that begins at midnight and ends later did happen.
    assert rows[rows["session"] == "A2 2"]["t_us"].tolist() == [MARCH + 3 * DAY]


@pytest.mark.slow
def test_clocks_are_local_and_days_can_be_chosen(calls: str) -> None:
    berlin = ROLES | {"timezone": "Europe/Berlin"}
    log = read(calls, berlin, unpivot=STEPS, join={"id": ["line", "call"]},
               days=("2024-03-02", "2024-03-02"))  # fmt: skip
    rows = frame_of(log)
    assert rows["touchpoint"].tolist() == ["Bot", "Queue"]  # the agent served on 3 March
    assert rows["t_us"].tolist()[0] == MARCH + 2 * DAY - HOUR - 2 * MINUTE


@pytest.mark.slow
def test_the_ending_code_of_a_call_counts_once_a_call(tmp_path: Path) -> None:
    """It stands beside each step of its call; two calls of a day may end alike."""
    path = tmp_path / "calls.csv"
    path.write_text(CALLS + "A3,1,K2,2024-03-01,12:00:00,12:00:20,,,,,HANG\n", "utf-8")
    join = {"id": ["line", "call"], "began": ["date", "vru_start"]}
    ended = {"customer": "customer", "kind": "ending", "timestamp": "began"}
    log = read(str(path), ROLES, unpivot=STEPS, join=join, outcomes="log", outcomes_schema=ended)
    codes = frame_of(log).groupby("session")["ending"].agg(set).to_dict()
    assert codes == {
        "A1 1": {"AGENT"}, "A1 2": {"HANG"}, "A2 1": {"AGENT"}, "A2 2": {"HANG"}, "A3 1": {"HANG"}
    }  # fmt: skip
    assert log.outcomes is not None
    found = log.outcomes.order_by("t_us").to_pandas()
    assert found[["customer", "kind"]].to_numpy().tolist() == [
        ["K1", "AGENT"], ["K2", "HANG"], ["K2", "HANG"], ["K1", "AGENT"], ["K3", "HANG"]
    ]  # fmt: skip
    assert ((found["t_us"] - MARCH) / HOUR).round(2).tolist() == [10, 11, 12, 47.97, 72]
    assert found["value_micro"].tolist() == [1_000_000] * 5


def test_whole_times_need_no_date(tmp_path: Path) -> None:
    path = tmp_path / "visits.csv"
    path.write_text(
        "who,in_at,out_at,desk_at\n"
        "K1,2024-03-01 10:00,2024-03-01 10:05,2024-03-01 10:02\nK2,2024-03-02 10:00,,\n",
        "utf-8",
    )
    roles = {"customer": "who", "touchpoint": "step", "timestamp": "start", "end_timestamp": "end"}
    steps = {"Lobby": {"start": "in_at", "end": "out_at"}, "Desk": {"start": "desk_at"}}
    rows = frame_of(read(str(path), roles, unpivot=steps))
    assert rows["touchpoint"].tolist() == ["Lobby", "Desk", "Lobby"]
    assert rows["end_us"].isna().tolist() == [False, True, True]


def test_a_touchpoint_may_be_made_of_two_columns(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(
        "who,page,act,day,clock\nK1,Home,click,2024-03-01,10:00\nK1,Cart,,2024-03-01,\n"
    )
    roles = {"customer": "who", "touchpoint": "what", "timestamp": "at"}
    rows = frame_of(read(str(path), roles, join={"what": ["page", "act"], "at": ["day", "clock"]}))
    assert rows.sort_values("t_us")["touchpoint"].tolist() == ["Cart", "Home click"]
    assert sorted(rows["t_us"]) == [MARCH, MARCH + 10 * HOUR]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"join": {"id": ["line", "cal"]}}, "column 'cal' .* Did you mean 'call'"),
        ({"join": {"date": ["line", "call"]}}, "has a column 'date' of its own"),
        (
            {"unpivot": {"Bot": {"begin": "vru_start"}}},
            "unpivot: 'Bot.start', 'Bot.begin' is wrong",
        ),
        ({"unpivot": STEPS | {"End": {"start": "ser_end"}}}, "Write all in one way"),
    ],
)
def test_what_is_declared_wrongly_is_told(calls: str, options: Any, message: str) -> None:
    with pytest.raises(SchemaError, match=message):
        read(calls, ROLES | {"session": None}, **options)


@pytest.mark.slow
def test_steps_are_proposed_where_their_columns_come_in_pairs(calls: str) -> None:
    found = propose(calls)
    assert found.wide is not None and not found.wide.join
    steps = {"vru": ("vru_start", "vru_end"), "q": ("q_start", "q_end"),
             "ser": ("ser_start", "ser_end")}  # fmt: skip
    assert found.wide.unpivot == {
        step: Span(start=("date", start), end=("date", end)) for step, (start, end) in steps.items()
    }
    roles = found.schema
    assert (roles.customer, roles.touchpoint, roles.timestamp) == ("customer", "step", "start")
    assert (roles.end_timestamp, roles.actor, roles.actor_values) == ("end", "step", {"vru": "bot"})
    log = read(calls, found.schema, unpivot=found.wide.unpivot)
    assert frame_of(log)["touchpoint"].value_counts().to_dict() == {"vru": 4, "q": 2, "ser": 2}
    assert len(found.sample) == 8 and any("log.unpivot" in doubt for doubt in found.warnings)


def test_rows_that_name_what_happened_are_no_wide_rows(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    times = ",".join(f"2024-03-01 1{hour}:00" for hour in range(4))
    rows = [f"K{i % 5},{'ab'[i % 2]},{times}" for i in range(30)]
    header = "customer,activity,call_start,call_end,shift_start,shift_end"
    path.write_text("\n".join([header, *rows]), "utf-8")
    assert propose(str(path)).wide is None
    path.write_text("\n".join([header.replace("activity", "letter"), *rows]), "utf-8")
    wide = propose(str(path)).wide
    assert wide is not None and list(wide.unpivot) == ["call", "shift"]


def test_one_start_and_one_end_are_no_wide_row(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    rows = [f"K{i % 5},{'ab'[i % 2]},2024-03-01 10:{i},2024-03-01 11:{i}" for i in range(10, 40)]
    path.write_text("\n".join(["customer,event,started_at,ended_at", *rows]), "utf-8")
    assert propose(str(path)).wide is None


MESSAGES = """id,author,at,event,in_reply_to
1,K1,2024-03-01 10:00,Customer writes,
2,Shop,2024-03-01 10:05,Agent answers,1
3,K1,2024-03-01 10:06,Customer writes,2
4,K2,2024-03-01 11:00,Customer writes,
5,Shop,2024-03-01 11:05,Agent answers,4
6,K3,2024-03-01 12:00,Customer writes,99
7,Shop,2024-03-01 12:05,Agent answers,6
8,K4,2024-03-01 12:06,Customer writes,99
"""


def test_events_that_answer_each_other_are_one_thread(tmp_path: Path) -> None:
    path = tmp_path / "messages.csv"
    path.write_text(MESSAGES, "utf-8")
    found = propose(str(path))
    assert found.wide is not None and found.wide.threads == Replies(id="id", reply_to="in_reply_to")
    assert (found.schema.journey, found.schema.touchpoint) == ("thread", "event")
    rows = frame_of(read(str(path), found.schema, threads=found.wide.threads))
    # 99 is not in the file: what answers it belongs together all the same.
    assert rows["case"].tolist() == ["1", "1", "1", "4", "4", "99", "99", "99"]


def test_threads_do_not_depend_on_order_and_rings_end() -> None:
    own = pd.Series(["a", "b", "c", "d", "x", "y"])
    to = pd.Series([None, "a", "b", "c", "y", "x"], dtype="str")
    rows = thread_roots(own, to).set_index("_journeylib_own")["thread"]
    assert rows[["a", "b", "c", "d"]].tolist() == ["a"] * 4
    assert set(rows[["x", "y"]]) <= {"x", "y"}
