"""What is done to a log before it is cut, and what other choices would give."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import journeylib as jl
from journeylib.audits.gates import check_metric

STITCHED = """\
name: small
log:
  files: small.csv
roles:
  customer: client
  touchpoint: step
  timestamp: at
  actor: who
  actor_values: {b: bot, h: human}
  identifiers: {phone: tel}
stitching: {}
journeys: {gap_days: 3}
as_of: 2026-03-01
"""
HEADER = ["client", "at", "step", "who", "tel"]


def rows() -> list[list[str]]:
    """Forty people chat as one account and come back as another, known by their phone.

    The phones of 30 people are their own; ten people call from one phone that all ten share.
    """
    found = [HEADER]
    for number in range(40):
        phone = f"030-{number:03d}" if number < 30 else "030-999"
        found.append([f"web-{number:02d}", "2026-01-10 09:00", "Chat", "b", phone])
        found.append([f"shop-{number:02d}", "2026-01-12 09:00", "Chat", "b", phone])
        found.append([f"web-{number:02d}", "2026-02-20 09:00", "Call", "h", ""])
    return found


@pytest.fixture(scope="module")
def stitched(tmp_path_factory: pytest.TempPathFactory) -> jl.Audit:
    folder = tmp_path_factory.mktemp("stitched")
    text = "\n".join(",".join(row) for row in rows())
    (folder / "small.csv").write_text(text + "\n", "utf-8")
    (folder / "small.yaml").write_text(STITCHED, "utf-8")
    return jl.audit(folder / "small.yaml")


def test_the_document_says_what_was_joined_and_which_identifiers_were_shared(
    stitched: jl.Audit,
) -> None:
    found = stitched.document["stitching"]
    assert (found["customers_before"], found["customers"]) == (80, 50)
    assert found["moved_events"] == 60  # web-… is joined to shop-…, which comes first
    kinds = {kind.pop("kind"): kind for kind in found["kinds"]}
    assert kinds["phone"] == {"identifiers": 31, "shared": 1, "events": 80, "shared_events": 20}
    told = [check["text"] for check in stitched.document["log"]["quality"]]
    assert "1 of kind phone belong to too many accounts: they join none." in told
    assert "030" not in str(stitched.document)


def test_containment_looks_better_the_worse_the_stitching(stitched: jl.Audit) -> None:
    levels = {row["level"]: row for row in stitched.document["stitching"]["levels"]}
    assert [levels[name]["customers"] for name in ("strict", "default", "loose")] == [80, 50, 31]
    assert levels["strict"]["repeat_contact"] == 0
    # Thirty of 80 chats come back within a week; loosely, 20 chats become one after another.
    assert levels["default"]["repeat_contact"] == pytest.approx(30 / 80)
    hi = [levels[name]["contained_verified_hi"] for name in ("strict", "default")]
    assert hi == [1.0, pytest.approx(1 - 30 / 80)]


def test_the_cut_is_varied_by_half_and_twice_the_gap(stitched: jl.Audit) -> None:
    table = stitched.document["cut_sensitivity"]
    assert [(row["factor"], row["gap_days"]) for row in table] == [(0.5, 1.5), (1, 3), (2, 6)]
    # Two days apart: one journey by 3 and 6 days, two by 1.5; the call is always one more.
    assert [row["journeys"] for row in table] == [120, 90, 90]
    assert {row["customers"] for row in table} == {50}
    check_metric("cut_sensitivity[factor=2.0].journeys")


def test_without_stitching_the_document_says_none(small_audit: jl.Audit) -> None:
    assert small_audit.document["stitching"] is None
    assert len(small_audit.document["cut_sensitivity"]) == 3


def test_stitching_without_identifiers_is_refused(
    small_with: Callable[..., Path],
) -> None:
    config = STITCHED.replace("  identifiers: {phone: tel}\n", "")
    with pytest.raises(jl.ConfigError, match=r"'stitching' needs 'roles\.identifiers'"):
        jl.audit(small_with(config=config, rows=rows()[1:]))
