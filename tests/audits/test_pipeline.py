"""The run as a whole: every step once, in every language, the same numbers."""

from __future__ import annotations

import gc
from dataclasses import FrozenInstanceError, fields
from pathlib import Path
from typing import Any, get_args

import pytest

import journeylib as jl
from journeylib import measures
from journeylib.audits import pipeline
from journeylib.audits.changes.changes import PARTS
from journeylib.audits.document.document_schema import document_schema
from journeylib.audits.findings import gates
from journeylib.core.catalogue.catalogue import catalogue_of
from journeylib.core.errors import ConfigError
from journeylib.core.estimate import AbstainReason
from journeylib.core.process import SELDOM, seldom_collected

from .conftest import CONFIG, write_small

GATED = CONFIG + "compare: key_results\ngates: [{id: some, metric: log.events, min: 1}]\n"
STEPS = ("measure", "judge", "stories", "reach", "journey_structure", "find_changes",
         "build_document", "check_gates", "all_findings", "with_findings",
         "build_tables")  # fmt: skip


@pytest.mark.slow
def test_every_step_runs_once_and_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    for name in STEPS:
        home = measures if hasattr(measures, name) and not hasattr(pipeline, name) else pipeline
        step = getattr(home, name)

        def counted(*given: Any, _step: Any = step, _name: str = name, **options: Any) -> Any:
            calls.append(_name)
            return _step(*given, **options)

        monkeypatch.setattr(home, name, counted)
    audited = jl.audit(write_small(tmp_path, config=GATED))
    # The small log has segments: its stories are found once for all and once by segment.
    assert sorted(calls) == sorted([*STEPS, "stories"])
    assert [c for c in calls if c in STEPS[5:]] == list(STEPS[5:])
    assert [row["id"] for row in audited.document["findings"]] == [f.id for f in audited.findings]
    assert "gate-some" in {finding.id for finding in audited.findings}


def test_long_work_collects_garbage_seldom_and_leaves_the_collector_as_it_was() -> None:
    gc.unfreeze()  # the tests' own modules are set aside
    before = gc.get_threshold()
    with seldom_collected():
        assert gc.get_threshold() == (SELDOM * before[0], *before[1:])
        assert gc.get_freeze_count() > 0
        with seldom_collected():
            assert gc.get_threshold() == (SELDOM * before[0], *before[1:])
        assert gc.get_freeze_count() > 0
    assert (gc.get_threshold(), gc.get_freeze_count()) == (before, 0)
    gc.freeze()


def test_the_result_is_frozen_and_holds_its_fields_alone(small_audit: jl.Audit) -> None:
    assert set(vars(small_audit)) == {one.name for one in fields(small_audit)}
    with pytest.raises(FrozenInstanceError):
        small_audit.findings = ()  # type: ignore[misc]


@pytest.mark.slow
def test_a_language_changes_words_and_no_number(small: Path, small_audit: jl.Audit) -> None:
    german = jl.audit(small, overrides=["language=de"])
    by_id = {finding.id: finding for finding in german.findings}
    for finding in small_audit.findings:
        assert by_id[finding.id].text != finding.text
        assert by_id[finding.id].severity == finding.severity
    assert german.config_hash != small_audit.config_hash
    assert german.document["handoffs"] == small_audit.document["handoffs"]


def test_english_is_in_no_hash_and_an_unknown_language_is_refused(small: Path) -> None:
    plain = jl.load_config(small)
    assert jl.load_config(small, overrides=["language=en"]).hash() == plain.hash()
    with pytest.raises(ConfigError, match="there are no texts in 'xx'; languages: de, en"):
        jl.load_config(small, overrides=["language=xx"])


def test_every_bound_of_a_gate_and_every_part_of_a_definition_has_words() -> None:
    texts = catalogue_of("de").texts
    assert all(f"audits.gate.{name}" in texts for name in gates.BOUNDS)
    assert all(f"audits.definition.{name}" in texts for name in PARTS)


def test_the_schema_knows_every_reason_for_abstaining() -> None:
    reasons = document_schema()["$defs"]["AbstainReason"]["enum"]
    assert reasons == [*get_args(AbstainReason), None]
