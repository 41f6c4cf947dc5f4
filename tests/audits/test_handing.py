"""What an audit shows of handing over, of paradoxes, and of the words of bots."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import journeylib as jl
from journeylib import present as show
from journeylib.present import Figure

from .conftest import write_small

CONFIG = """\
name: words
log:
  files: small.csv
roles:
  customer: client
  touchpoint: step
  timestamp: at
  actor: who
  actor_values: {c: customer, b: bot, h: human}
  text: kind
judge:
  handoff_limits: {loops: 0.5}
"""
TELLS = "Hello, I'm a virtual assistant."


def rows() -> list[list[str]]:
    """Thirty chats; one bot says to one customer what only that one may know."""
    found = []
    for number in range(30):
        name, day = f"secret-{number:02d}", f"2026-01-{1 + number % 28:02d}"
        told = "I am a chatbot for Planted Secret." if number == 7 else TELLS
        for minute, (who, text) in enumerate(
            [("b", told), ("c", "Are you a bot called Planted Secret?"), ("b", "How can I help?")]
        ):
            found.append([name, f"{day} 09:{minute:02d}", "Chat", who, text])
    return found


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> jl.Audit:
    return jl.audit(write_small(tmp_path_factory.mktemp("words"), config=CONFIG, rows=rows()))


@pytest.mark.slow
def test_the_words_of_bots_are_shown_and_nobody_else_s(spoken: jl.Audit, tmp_path: Path) -> None:
    words = spoken.document["disclosure"]["wording"]
    assert [row["words"] for row in words["sentences"]] == [TELLS]
    assert words["sentences"][0]["customers"] == 29
    assert TELLS in show.disclosure(spoken)._repr_html_().replace("&#x27;", "'")
    (finding,) = [one for one in spoken.findings if one.id == "disclosure"]
    assert TELLS in finding.text
    folder = jl.save(spoken, tmp_path)
    for file in folder.rglob("*"):
        if file.is_file():
            assert b"Planted Secret" not in file.read_bytes(), file.name


def test_limits_may_be_the_company_s_own(spoken: jl.Audit) -> None:
    items = {item["name"]: item for item in spoken.document["handoffs"]["items"]}
    assert items["loops"]["limit"] == 0.5
    assert items["dead_cries"]["limit"] == 0.05


def test_the_worst_item_is_named_everywhere(telecom_audit: jl.Audit) -> None:
    handoffs = telecom_audit.document["handoffs"]
    failing = {item["name"] for item in handoffs["items"] if item["state"] == "fails"}
    assert handoffs["worst"] == "dead_cries"
    assert {"dead_cries", "loops", "context_sent"} <= failing
    states = {item["name"]: item["state"] for item in handoffs["items"]}
    assert states["context_carried"] == "not_measurable"
    (finding,) = [one for one in telecom_audit.findings if one.id == "handoff-worst"]
    assert set(finding.evidence["items"]) == failing
    shown = show.handoff_table(telecom_audit)
    assert list(shown.frame.loc[shown.frame["state"].str.contains("worst"), "measure"]) == [
        "… in which no human came"
    ]


def test_kinds_of_hand_over_add_up(telecom_audit: jl.Audit) -> None:
    """80 of 94 were asked for, 4 came after a failure, 10 by script: 4 is told by no difference."""
    further = telecom_audit.document["handoffs"]["further"]
    kinds = {kind: further[f"handovers_{kind}"] for kind in ("requested", "triggered", "scripted")}
    assert kinds["requested"]["value"] == pytest.approx(80 / 94, abs=1e-6)
    for kind in ("triggered", "scripted"):
        assert kinds[kind]["value"] is None
        assert kinds[kind]["abstain"] == "privacy"
    bounds = [(kinds[kind]["lo"], kinds[kind]["hi"]) for kind in ("triggered", "scripted")]
    assert bounds == [(0.0, 0.11), (0.0, 0.15)]


def test_kinds_of_ping_pong_do_not_tell_a_few_by_their_difference(
    telecom_audit: jl.Audit,
) -> None:
    """All kinds together are shown, and neither of the two while one of them is of a few."""
    handoffs = telecom_audit.document["handoffs"]
    parts = [handoffs["further"][f"ping_pong_{who}"] for who in ("bots", "people")]
    assert [part["value"] for part in parts] == [None, None]
    assert parts[0]["hi"] == 0.04  # 10 of 313
    assert parts[1]["hi"] >= handoffs["ping_pong"]["value"] > 0.04


def test_the_curve_never_rises_on_one_base(telecom_audit: jl.Audit) -> None:
    figure = show.containment_curve(telecom_audit)
    assert isinstance(figure, Figure)
    assert list(figure.table["days"]) == list(range(1, 31))
    # All windows are of the sessions that are old enough for the last one.
    assert len(set(figure.table["sessions"])) == 1
    assert figure.table["verified_percent"].is_monotonic_decreasing
    table = {row["step"]: row["share"] for row in telecom_audit.document["handoffs"]["waterfall"]}
    week = figure.table.set_index("days").loc[7, "verified_percent"]
    assert week == pytest.approx(100 * table["verified"], abs=1)


@pytest.mark.slow
def test_what_stands_beside_the_paradoxes(
    telecom_audit: jl.Audit, small_with: Callable[..., Path]
) -> None:
    six = {row["name"]: row for row in telecom_audit.document["paradoxes"]}
    beside = six["powerful_vulnerable"]["supporting"]
    assert beside["dependence"]["value"] == 1  # the sample has one bot's name
    assert (
        six["personalised_intrusive"]["supporting"]["resolution_one_field"]["abstain"]
        == "no_column"
    )
    shown = show.paradox_figures(telecom_audit)
    assert "per 1,000" in shown._repr_html_()
    # What the log has no column for is not listed.
    assert "personal yet intrusive" not in shown._repr_html_()
    nobody = CONFIG.replace("  actor: who\n  actor_values: {c: customer, b: bot, h: human}\n", "")
    audit = jl.audit(small_with(config=nobody, rows=rows()))
    assert "Nothing further can be told" in repr(show.paradox_figures(audit))
    assert "role 'actor'" in repr(show.containment_curve(audit))
    assert "role 'actor'" in repr(show.disclosure(audit))
