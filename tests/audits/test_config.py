"""A configuration is checked as a whole, and says what is wrong, where, and what to write."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError

from journeylib.audits.config.audit_config import AuditConfig, LogConfig
from journeylib.audits.config.load import load_config
from journeylib.audits.pipeline import read_journeys
from journeylib.audits.runs.bundle import fingerprint_files
from journeylib.core.errors import ConfigError

Write = Callable[..., Path]

PLAIN = """\
name: small
log:
  files: small.csv
roles:
  customer: client
  touchpoint: step
  timestamp: at
"""


def message_of(path: Path, **given: object) -> str:
    with pytest.raises(ConfigError) as caught:
        load_config(path, **given)  # type: ignore[arg-type]
    return str(caught.value)


def test_paths_are_taken_from_the_file_on(small: Path) -> None:
    assert load_config(small).log.files == (str(small.parent / "small.csv"),)


@pytest.mark.slow
def test_one_file_written_as_a_text_is_one_file(small: Path) -> None:
    loaded = load_config(small)
    (file,) = loaded.log.files
    roles = loaded.roles.model_dump()
    config = AuditConfig.model_validate({"name": "one", "log": {"files": file}, "roles": roles})
    assert config.log.files == (file,)
    assert config.log == AuditConfig(name="one", log=LogConfig(files=file), roles=roles).log
    assert [found["name"] for found in fingerprint_files(config)] == ["small.csv"]
    assert read_journeys(config).log.quality.rows_read == read_journeys(small).log.quality.rows_read
    with pytest.raises(ValidationError, match="at least 1 item"):
        LogConfig(files=())


def test_outcomes_may_be_columns_of_the_log(small_with: Write) -> None:
    outcomes = "  outcomes: {file: log, roles: {customer: client, constant_kind: churn}}\nroles:"
    config = load_config(small_with(config=PLAIN.replace("roles:", outcomes)))
    assert config.log.outcomes is not None
    assert config.log.outcomes.file == "log"


def test_an_unknown_key_is_told_with_its_line_and_the_nearest_key(small_with: Write) -> None:
    path = small_with(config=PLAIN + "measures:\n  repeat_dayz: 7\n")
    assert "measures.repeat_dayz (line 9): is not a known key. Did you mean 'repeat_days'?" in (
        message_of(path)
    )


def test_every_fault_is_told_at_once(small_with: Write) -> None:
    path = small_with(
        config="name: Big Name\nlog:\n  files: 5\nroles:\n  customer: c\n  tuchpoint: a\n"
        "  timestamp: t\nmeasures:\n  min_starts: many\njourneys: 3\n"
    )
    lines = message_of(path).splitlines()
    assert lines[0] == f"{path} has 6 faults; nothing was run:"
    assert [line.split(":")[0].strip() for line in lines[1:]] == [
        "name (line 1)",
        "log.files (line 3)",
        "roles.touchpoint (line 4)",
        "roles.tuchpoint (line 6)",
        "journeys (line 10)",
        "measures.min_starts (line 9)",
    ]
    assert "must be lower-case letters" in lines[1]
    assert lines[3].endswith("is missing.")
    assert lines[5].endswith("must hold keys of its own.")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\n b: [", "line 2: mapping values are not allowed here"),
        ("- a\n- b\n", "must hold keys such as name, log and roles"),
        ("", "must hold keys such as name, log and roles"),
        (PLAIN + "log:\n  files: b.csv\n", "line 8: 'log' is there already"),
        (PLAIN + "  actor_values: {yes: human}\n", "Put the word in quotes"),
    ],
)
def test_what_is_no_configuration(small_with: Write, text: str, said: str) -> None:
    assert said in message_of(small_with(config=text))


def test_what_is_no_file(small: Path) -> None:
    assert "Did you mean 'small.yaml'?" in message_of(small.with_name("smal.yaml"))
    assert "`journeylib init LOG`" in message_of(small.parent / "elsewhere" / "x.yaml")
    assert "is a folder" in message_of(small.parent)
    small.write_bytes(b"\xff\xfe\x00")
    assert "is not UTF-8 text" in message_of(small)


def test_a_section_of_comments_only_says_nothing(small_with: Write) -> None:
    plain = load_config(small_with(config=PLAIN))
    empty = "journeys:\n  #gap_days: 3\njudge:\n  moments:\n    #good: x\ngates:\n"
    assert load_config(small_with(config=PLAIN + empty)) == plain


def test_settings_can_be_changed_from_outside(small: Path) -> None:
    config = load_config(
        small, overrides=["measures.repeat_days=3", "title=Ours"], as_of="2026-02-01"
    )
    assert (config.measures.repeat_days, config.heading, str(config.as_of)) == (
        3,
        "Ours",
        "2026-02-01",
    )
    assert load_config(small, overrides="measures.repeat_days=3").measures.repeat_days == 3


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("measures.repeat_days", "must read key=value"),
        ("log.files.x=3", "--set log.files.x: 'files' has no keys below it"),
        ("measures.repeat_days=[", "the value is not YAML"),
        ("measures.repeat_days=-1", "measures.repeat_days (--set): should be greater than 0"),
        ("measure.repeat_days=1", "measure (--set): is not a known key. Did you mean 'measures'?"),
    ],
)
def test_a_wrong_change_is_told_as_such(small: Path, override: str, said: str) -> None:
    assert said in message_of(small, overrides=[override])


def test_the_hash_is_of_what_was_decided_not_of_where_files_lie(
    small: Path, tmp_path: Path
) -> None:
    here = load_config(small)
    (tmp_path / "other").mkdir()
    there = shutil.copy(small, tmp_path / "other" / "renamed.yaml")
    moved = load_config(there, overrides=["log.files=elsewhere.csv"])
    assert moved.hash() == here.hash()
    assert load_config(small, overrides=["journeys.gap_days=2"]).hash() != here.hash()


@pytest.mark.parametrize(
    ("gate", "said"),
    [
        ("metric: handoffs.contained_verfied, min: 1", "Did you mean 'contained_verified'?"),
        ("metric: touchpoints.events, min: 1", "'touchpoints' is a list: pick a row"),
        ("metric: 'log[a=b].events', min: 1", "'log' is no list"),
        ("metric: 'touchpoints[touchpont=A].events', min: 1", "Did you mean 'touchpoint'?"),
        ("metric: 'touchpoints[touchpoint=A].verdict', min: 1", "is not a number"),
        ("metric: log, min: 1", "is not a number"),
        ("metric: 'a b', min: 1", "is not a path"),
        ("metric: log.events", "give the gate a 'min', 'max', 'max_rise' or 'max_fall'"),
        ("metric: log.events, min: 2, max: 1", "'min' must not exceed 'max'"),
    ],
)
def test_a_gate_is_checked_before_anything_runs(small_with: Write, gate: str, said: str) -> None:
    path = small_with(config=PLAIN + f"gates:\n  - {{id: g, {gate}}}\n")
    text = message_of(path)
    assert said in text
    assert "(line 9)" in text


@pytest.mark.parametrize("minimum", [1, 9])
def test_small_cells_need_a_named_permission(small: Path, minimum: int) -> None:
    wanted = f"journeys.min_customers={minimum}"
    refused = message_of(small, overrides=[wanted])
    assert f"'journeys.min_customers' is {minimum}" in refused
    assert "say in 'small_cells_permitted_by' who permits less" in refused
    assert "small_cells_permitted_by" in message_of(
        small, overrides=[wanted, "small_cells_permitted_by='   '"]
    )
    permitted = load_config(small, overrides=[wanted, "small_cells_permitted_by=Works council"])
    assert permitted.journeys.min_customers == minimum
    # A configuration of the ordinary minimum has the hash that it had without the key.
    assert (
        load_config(small).hash()
        == load_config(small, overrides=["journeys.min_customers=10"]).hash()
    )
