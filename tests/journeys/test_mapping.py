"""The company's table of touchpoints: order, wildcards, coverage, version, suggestions."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from journeylib.core.errors import ConfigError
from journeylib.journeys.preparation.mapping import (
    Rule,
    TouchpointMapping,
    apply_mapping,
    read_mapping,
)
from journeylib.journeys.preparation.mapping_suggestions import suggest_mapping
from journeylib.log.eventlog import EventLog

LogOf = Callable[..., EventLog]
TABLE = """\
activity,channel,actor,touchpoint,stage
Call*,phone,bot,Ask the voice bot,Use
Call*,phone,,Call the hotline,Use
*,web,,Visit the site,
Pay,,,,Pay
"""


def written(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    (folder / "touchpoints.csv").write_text(text, encoding)
    return folder / "touchpoints.csv"


def mapped_rows(log: EventLog, mapping: TouchpointMapping) -> list[tuple[str, str | None]]:
    rows = apply_mapping(log, mapping).log.events.order_by("t_us").to_pyarrow().to_pylist()
    return [(row["touchpoint"], row.get("stage")) for row in rows]


def test_the_first_row_that_fits_decides(log_of: LogOf, tmp_path: Path) -> None:
    log = log_of(
        ("a", 1, "Call in", "phone", "bot", "Old"),
        ("a", 2, "Call in", "phone", None, "Old"),
        ("a", 3, "Call in", "web", "bot", "Old"),
        ("a", 4, "Pay", None, "bot", "Old"),
        ("a", 5, "Recall", "phone", "bot", "Old"),
        columns="customer t_us touchpoint channel actor stage",
    )
    mapping = read_mapping(written(tmp_path, TABLE))
    assert mapped_rows(log, mapping) == [
        ("Ask the voice bot", "Use"),
        ("Call the hotline", "Use"),
        ("Visit the site", "Old"),
        ("Pay", "Pay"),
        ("Recall", "Old"),
    ]
    report = apply_mapping(log, mapping).report
    assert (report.events, report.unmapped_events, report.unused_rules) == (5, 1, 0)
    assert report.unmapped_share == 1 / 5
    assert report.unmapped.to_dict("records") == [
        {"activity": "Recall", "channel": "phone", "actor": "bot", "events": 1, "customers": 1}
    ]


def test_only_stars_are_wild_and_stages_are_made_where_there_were_none(log_of: LogOf) -> None:
    log = log_of(("a", 1, "a.c"), ("a", 2, "abc"), ("a", 3, "x(1)y"), ("a", 4, "pre-mid-post"))
    rules = (
        Rule("a.c", "", "", "Dot", "One"),
        Rule("x(*)*", "", "", "Bracket", ""),
        Rule("pre*mid*post", "", "", "Both", "Two"),
        Rule("never", "", "", "Never", ""),
    )
    found = apply_mapping(log, TouchpointMapping(rules))
    rows = found.log.events.order_by("t_us").to_pyarrow().to_pylist()
    assert [(row["touchpoint"], row["stage"]) for row in rows] == [
        ("Dot", "One"),
        ("abc", None),
        ("Bracket", None),
        ("Both", "Two"),
    ]
    assert found.report.unused_rules == 1


def test_a_rule_for_a_channel_fits_no_log_without_channels(log_of: LogOf) -> None:
    mapping = TouchpointMapping((Rule("A", "web", "*", "B", ""),))
    assert apply_mapping(log_of(("a", 1, "A")), mapping).report.unmapped_events == 1


def test_the_warning_comes_above_the_share_not_at_it(log_of: LogOf) -> None:
    log = log_of(*[("a", at, "Known") for at in range(19)], ("a", 99, "Strange"))
    mapping = TouchpointMapping((Rule("Known", "", "", "", ""),))
    for limit, severity in ((0.05, "note"), (0.04, "warning")):
        checks = apply_mapping(log, mapping, max_unmapped_share=limit).log.quality.checks
        assert list(checks["severity"]) == [severity]
        assert checks["text"][0].startswith("5.0 % of the events fit none of the 1 rules")


def test_the_version_is_that_of_the_rules_not_of_the_file(tmp_path: Path) -> None:
    plain = read_mapping(written(tmp_path, "activity,touchpoint\nA,B\n"))
    german = read_mapping(written(tmp_path, "touchpoint;Activity\n B ;A\n\n", "utf-8-sig"))
    assert plain == german
    assert plain.hash == hashlib.sha256(b'[["A", "", "", "B", ""]]').hexdigest()
    other = read_mapping(written(tmp_path, "activity,touchpoint\nA,C\n"))
    assert other.hash != plain.hash


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("activity,tuchpoint\nA,B\n", "Did you mean 'touchpoint'"),
        ("activity,stage\nA,B\n", "needs a column 'touchpoint'"),
        ("activity,touchpoint\n,B\n", "line 2 has no activity"),
        ("activity,touchpoint\nA,B,C\n", "line 2 has more cells"),
        ("", "needs a column 'activity'"),
    ],
)
def test_a_faulty_table_is_refused_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_mapping(written(tmp_path, text))


def test_a_table_that_is_not_there_offers_the_nearest(tmp_path: Path) -> None:
    written(tmp_path, TABLE)
    with pytest.raises(ConfigError, match=r"Did you mean 'touchpoints\.csv'"):
        read_mapping(tmp_path / "tuchpoints.csv")


def suggestion_log(log_of: LogOf) -> EventLog:
    rows: list[tuple[str, int, str]] = []
    for number in range(12):
        paid = "Pay bill" if number % 3 else "Bill, pay"
        ask = "Contact support" if number % 4 else "Customer support"
        names = ["Log in", paid, ask, "Step 1", "Step 2", "Log out"]
        rows += [(f"c{number}", at, name) for at, name in enumerate(names)]
        rows.append((f"c{number}", 9, "Log oof" if number < 2 else "Log out"))
    return log_of(*rows)


def test_merges_are_proposed_by_name_and_context_and_never_applied(log_of: LogOf) -> None:
    log = suggestion_log(log_of)
    found = suggest_mapping(log, min_customers=3)
    assert list(zip(found["merge"], found["into"], strict=True)) == [
        ("Bill, pay", "Pay bill"),
        ("Customer support", "Contact support"),
    ]
    assert found["name_similarity"][0] == 1.0
    assert found["context_similarity"].between(0.9, 1).all()
    assert list(found["events"]) == [4, 3]
    assert list(found["into_events"]) == [8, 9]
    assert "Bill, pay" in set(log.events.to_pandas()["touchpoint"])


def test_rare_names_are_not_named(log_of: LogOf) -> None:
    assert "Log oof" not in set(suggest_mapping(suggestion_log(log_of), min_customers=3)["merge"])
    assert suggest_mapping(suggestion_log(log_of), min_customers=10)["merge"].tolist() == []
