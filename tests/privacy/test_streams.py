"""Streams and tests of a run: parts of one total give no small part away by subtraction."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import journeylib as jl
from journeylib.audits.changes import changes
from journeylib.audits.changes.changes import PeriodComparison, compare_periods
from journeylib.audits.changes.drift import past_streams, without_small_parts
from journeylib.audits.changes.shown_streams import may_be_shown
from journeylib.audits.changes.wording import ChangeWriter
from journeylib.audits.config.audit_config import AuditConfig, ChangeSettings
from journeylib.audits.config.load import load_config
from journeylib.audits.pipeline import read_journeys
from journeylib.core import day_of
from journeylib.journeys.journeys import Journeys, rebuild
from journeylib.journeys.segmentation.rules import JourneySettings
from journeylib.log.eventlog import EventLog
from journeylib.measures import STREAM_COLUMNS, Periods, streams
from tests.privacy.attack import of_streams

BANK = Path(__file__).resolve().parents[2] / "sample_data" / "bank" / "audit.yaml"
KEY = ["measure", "touchpoint", "detail"]
LogOf = Callable[..., EventLog]


def compared(
    journeys: Journeys, config: AuditConfig, monkeypatch: pytest.MonkeyPatch
) -> tuple[PeriodComparison, pd.DataFrame]:
    """Return the comparison of the last whole period, and all streams, small ones too."""
    held = []

    def watched(*given: object, **named: object) -> object:
        held.append(streams(*given, **named))  # type: ignore[arg-type]
        return held[-1]

    monkeypatch.setattr(changes, "streams", watched)
    as_of = day_of(int(journeys.events.t_us.max())) - dt.timedelta(days=7)
    found = compare_periods(journeys, config, as_of)
    return found, held[0].table


def assert_streams_tell_nothing(
    journeys: Journeys, config: AuditConfig, monkeypatch: pytest.MonkeyPatch
) -> tuple[int, int]:
    """Solve the streams of the last period, and those before it; return how many are small."""
    found, table = compared(journeys, config, monkeypatch)
    assert len(found.streams) > 30 and found.tests["difference"].notna().sum() > 10
    now = table[table["period"] == 0]
    tests = found.tests[found.tests["family"] != "quality"]
    # A test says nothing of the last period that its stream does not.
    numbers = tests[tests["after"].notna()]
    both = numbers.merge(found.streams[found.streams["stratum"] == ""], on=KEY)
    assert len(both) == len(numbers)
    assert both["n_after"].tolist() == both["n"].tolist()
    program, small = of_streams(now, found.streams, journeys.names)
    assert program.tight(small) == {}
    past = past_streams(table, config.changes)
    numbers = tests[tests["before"].notna()]
    said = numbers.assign(value=numbers["before"], n=numbers["n_before"], stratum="")
    before, few = of_streams(past, said, journeys.names)
    assert before.tight(few) == {}
    return len(small), len(few)


def test_streams_of_the_telecom_sample(
    telecom_audit: jl.Audit, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = assert_streams_tell_nothing(telecom_audit.journeys, telecom_audit.config, monkeypatch)
    assert min(small) > 10
    # What the audit wrote: it knows moods as well, and none of its tests is of a few.
    tests = telecom_audit.tables["tested"]
    shares = tests[(tests["unit"] == "share") & (tests["family"] != "quality")]
    for side in ("before", "after"):
        shown = shares[shares[side].notna()]
        hits = (shown[side] * shown[f"n_{side}"]).round()
        assert not hits.between(1, 9).any()
        assert not (shown[f"n_{side}"] - hits).between(1, 9).any()


@pytest.mark.slow
def test_streams_of_the_bank_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    config = load_config(BANK)
    small = assert_streams_tell_nothing(read_journeys(BANK), config, monkeypatch)
    assert min(small) > 10


def stream(
    measure: str, touchpoint: str, hits: int, n: int, customers: int = 50, *, detail: str = "",
    stratum: str = "",
) -> tuple[object, ...]:  # fmt: skip
    return (0, "performance", measure, touchpoint, detail, stratum,
            hits / n, 0.01, n, customers, "share")  # fmt: skip


def table_of(rows: Iterable[tuple[object, ...]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(STREAM_COLUMNS))


NAMES = {0: "A", 1: "B", 2: "C"}
# Worked out by hand; of 260 errors one is at C, and 6 cases at A are of no large stratum.
ERRORS = [
    stream("errors", "", 41, 260),
    stream("errors", "A", 20, 106),
    stream("errors", "B", 20, 104),
    stream("errors", "C", 1, 50),
    stream("errors", "A", 10, 60, stratum="x"),
    stream("errors", "A", 10, 40, stratum="y"),
    stream("errors", "A", 0, 6, stratum="(rest)"),
    stream("errors", "", 10, 60, stratum="0 · x"),
    stream("errors", "", 10, 40, stratum="0 · y"),
    stream("errors", "", 20, 104, stratum="1 · "),
    stream("errors", "", 1, 56, stratum="(rest)"),
]
BEGINS = [
    stream("begins_with_segment", "", hits, 92, detail=name)
    for name, hits in (("private", 60), ("business", 30), ("(none)", 2))
]


def kept(rows: list[tuple[object, ...]]) -> list[tuple[str, str, str]]:
    table = table_of(rows)
    shown = table[may_be_shown(table, NAMES, 10)]
    return list(zip(shown["touchpoint"], shown["detail"], shown["stratum"], strict=True))


def test_a_touchpoint_with_one_error_takes_the_smallest_other_with_it() -> None:
    """41 errors are 20 at A, 20 at B and so one at C: B, the smaller one, is hidden as well."""
    # Of A's strata y goes with the six cases that are left; of the strata of the log A's x stays.
    assert kept(ERRORS) == [("", "", ""), ("A", "", ""), ("A", "", "x"), ("", "", "0 · x")]


def test_two_journeys_of_no_segment_take_the_smaller_segment_with_them() -> None:
    assert kept(BEGINS) == [("", "private", "")]


def test_an_attacker_with_a_solver_finds_what_row_by_row_rules_leave() -> None:
    table = table_of([*ERRORS, *BEGINS])
    program, small = of_streams(table, table[may_be_shown(table, NAMES, 10)], NAMES)
    assert len(small) >= 5 and program.tight(small) == {}
    hits = (table["value"] * table["n"]).round()
    row_by_row = table[((hits == 0) | (hits >= 10)) & (table["n"] >= 10)]
    told, small = of_streams(table, row_by_row, NAMES)
    found = {name[:4]: bounds for name, bounds in told.tight(small).items()}  # type: ignore[index]
    assert found["hits", "errors", "C", ""] == pytest.approx((1, 1))
    assert found["cases", "errors", "A", ""] == pytest.approx((6, 6))
    assert found["hits", "begins_with_segment", "", "(none)"] == pytest.approx((2, 2))


def test_what_neither_of_two_classes_holds_is_a_part_as_well() -> None:
    """Of 60 sessions 40 were handed over and 18 abandoned: two did neither."""
    rows = [stream("handed_over", "A", 40, 60), stream("abandoned", "A", 18, 60)]
    assert kept(rows) == [("A", "", "")]
    table = table_of(rows)
    assert table[may_be_shown(table, NAMES, 10)]["measure"].tolist() == ["handed_over"]


def test_all_is_shown_where_small_cells_are_permitted() -> None:
    assert may_be_shown(table_of([*ERRORS, *BEGINS]), NAMES, 1).all()


def random_streams(seed: int) -> pd.DataFrame:
    """Return errors at eight touchpoints in three strata, many of them of a few cases."""
    dice = np.random.default_rng(seed)
    n = 1 + dice.poisson(dice.gamma(0.8, 40, size=(8, 3)))
    hits = dice.binomial(n, dice.choice([0.0, 0.03, 0.3, 1.0], size=(8, 1)))
    rows = [stream("errors", "", int(hits.sum()), int(n.sum()))]
    for at in range(8):
        rows.append(stream("errors", f"T{at}", int(hits[at].sum()), int(n[at].sum())))
        for no, own in enumerate("xyz"):
            cell = (int(hits[at, no]), int(n[at, no]))
            rows.append(stream("errors", f"T{at}", *cell, stratum=own))
            rows.append(stream("errors", "", *cell, stratum=f"{at} · {own}"))
    return table_of(rows)


@pytest.mark.slow
def test_random_streams_tell_nothing() -> None:
    names = {at: f"T{at}" for at in range(8)}
    share = []
    for seed in range(25):
        table = random_streams(seed)
        shown = may_be_shown(table, names, 10)
        program, small = of_streams(table, table[shown], names)
        assert small and program.tight(small) == {}, seed
        share.append(shown.mean())
    assert np.mean(share) > 0.1


def test_a_change_from_a_few_cases_says_its_direction_and_what_is_now() -> None:
    tests = pd.DataFrame(
        {
            "family": "performance", "measure": "errors", "touchpoint": ["A", "B"], "detail": "",
            "unit": "share", "before": [0.001, 0.05], "after": [0.12, 0.1],
            "difference": [0.119, 0.05], "lo": [0.1, 0.02], "hi": [0.14, 0.08],
            "n_before": [4000, 2000], "n_after": [500, 200], "customers": [400, 150],
            "references": 8, "z": [9.5, 4.0], "cusum": [9.1, 4.2], "p_value": 1e-9, "q_value": 1e-8,
            "same_mix": np.nan, "material": True, "significant": True,
        }
    )  # fmt: skip
    said = without_small_parts(tests, past=pd.Series([False, True]), now=pd.Series([True, True]))
    periods = Periods(86_400_000_000 * 70, 7, 8, 0)
    few, plain = ChangeWriter({}, periods, ChangeSettings()).alarms(said)
    assert few.text == (
        "Events marked as errors at A: more from 1970-03-05 to 1970-03-11 than in the 8 periods "
        "before, by more than chance (400 customers). Now it is 12.0 % (n = 500). Other numbers "
        "would tell of a few cases and are not shown."
    )
    assert (few.direction, few.id) == ("worse", "errors-A")
    assert (few.before, few.n_before, few.difference, few.q_value) == (None,) * 4
    assert (few.after, few.n_after) == (0.12, 500)
    small = without_small_parts(tests, past=pd.Series([False] * 2), now=pd.Series([False] * 2))
    assert small[["before", "after", "difference", "p_value", "lo"]].isna().all(axis=None)
    assert (plain.before, plain.n_after, plain.direction) == (0.05, 200, "worse")
    assert said.loc[0, "z"] == pytest.approx(1.96, abs=0.01)
    assert tests.loc[0, "before"] == 0.001


def test_a_log_of_one_customer_has_no_stream_to_hide(log_of: LogOf) -> None:
    journeys = rebuild(log_of(("a", 0, "Chat")), JourneySettings(gap_days=7))
    roles = {"customer": "who", "touchpoint": "what", "timestamp": "when"}
    config = AuditConfig.model_validate(
        {"name": "one", "log": {"files": ["log.csv"]}, "roles": roles}
    )
    result = compare_periods(journeys, config, dt.date(1970, 1, 2))
    assert result.tests.empty
    assert result.streams.empty
