"""The first screen and the pages of touchpoints: the document's words, and links that lead on."""

from __future__ import annotations

import copy
import datetime as dt
import html
import re
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest
from IPython.core.formatters import DisplayFormatter

import journeylib as jl
from journeylib import present as show
from journeylib.audits.experiments.findings import lab_findings
from journeylib.audits.findings.decisions import decide
from journeylib.audits.history import Entry, History
from journeylib.audits.result.result import Change
from journeylib.core import use_language
from journeylib.lab import Objective
from journeylib.measures import Handoffs

SAMPLES = ["telecom_audit", "bank_audit"]
APPENDIX = {f"appendix-{letter}" for letter in "abcdefghijkl"}


def words(page: str) -> str:
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page)))


@pytest.mark.parametrize("which", SAMPLES)
def test_the_screen_says_what_the_document_says(which: str, request: pytest.FixtureRequest) -> None:
    audit: jl.Audit = request.getfixturevalue(which)
    said, shown = audit.document["decisions"], words(show.now(audit).html)
    expected = [said["headline"], said["detail"], *said["trials"], *said["trust"]]
    expected += [part for item in said["items"] for part in (item["title"], item["reason"])]
    assert [one for one in expected if re.sub(r"\s+", " ", one) not in shown] == []


@pytest.mark.slow
@pytest.mark.parametrize("which", SAMPLES)
def test_every_link_leads_to_a_page_or_the_appendix(
    which: str, request: pytest.FixtureRequest
) -> None:
    audit: jl.Audit = request.getfixturevalue(which)
    pages = show.touchpoint_pages(audit).html
    ids = re.findall(r'id="([^"]+)"', pages)
    assert len(ids) == len(set(ids)) == len(audit.document["touchpoints"])
    links = re.findall(r'href="#([^"]+)"', show.now(audit).html + show.touchpoints(audit).html)
    assert len(links) > 10
    assert set(links) <= {*ids, *APPENDIX}


@pytest.mark.slow
def test_every_disagreement_stands_in_the_table_and_on_its_page(telecom_audit: jl.Audit) -> None:
    table = words(show.touchpoints(telecom_audit).html)
    for flag in telecom_audit.document["decisions"]["flags"]:
        page = words(show.touchpoint(telecom_audit, flag["touchpoint"]).html)
        assert flag["text"].replace("\u00a0", " ") in table
        assert flag["text"].replace("\u00a0", " ") in page


def test_a_limit_that_nobody_set_is_called_a_convention(telecom_audit: jl.Audit) -> None:
    config = telecom_audit.config
    assert words(show.now(telecom_audit).html).count("misses the convention:") == 5
    judge = config.judge.model_copy(update={"handoff_limits": {"dead_cries": 0.05}})
    own = replace(telecom_audit, config=config.model_copy(update={"judge": judge}))
    shown = words(show.now(own).html)
    assert shown.count("misses the convention:") == 4
    assert "fails your limit: at most 5 %" in shown.replace("\u00a0", " ")


def test_a_touchpoint_page_has_the_figures_of_the_log(telecom_audit: jl.Audit) -> None:
    page = words(show.touchpoint(telecom_audit, "Chatbot: fault").html)
    # 78 contained, 62 handed over, 101 abandoned of 241 sessions: exactly, they would tell of the
    # few at other bots, so they are bounds in tens.
    ends = "≥ 29 % ended with the bot, ≥ 21 % handed to a person, ≥ 37 % gave up, 13 % other ends"
    assert f"How 241 conversations end {ends}" in page.replace("\u00a0", " ")
    assert "journeys.passing('Chatbot: fault')" in page
    with pytest.raises(jl.ConfigError, match="no touchpoint"):
        show.touchpoint(telecom_audit, "Nowhere")


def test_without_bots_there_is_no_panel_of_bots(telecom_audit: jl.Audit) -> None:
    evidence = replace(telecom_audit.evidence, handoffs=Handoffs())
    office = replace(telecom_audit, evidence=evidence)
    said = decide(office, office.changes)
    document = {
        **telecom_audit.document,
        "decisions": {
            **telecom_audit.document["decisions"],
            "headline": said.headline,
            "bots": [],
        },
    }
    shown = show.now(replace(office, document=document)).html
    assert "jl-promises" not in shown and "jl-bots" not in shown
    assert said.headline in words(shown)


def test_a_permission_for_small_cells_stands_in_the_first_line(small_audit: jl.Audit) -> None:
    assert "small groups" not in words(show.now(small_audit).html).lower()
    journeys = small_audit.config.journeys.model_copy(update={"min_customers": 4})
    changed = {"journeys": journeys, "small_cells_permitted_by": "Works council <2026>"}
    permitted = replace(small_audit, config=small_audit.config.model_copy(update=changed))
    shown = words(show.now(permitted).html)
    assert "from 4 customers instead of 10, permitted by Works council <2026>." in shown
    with use_language("de"):
        shown = words(show.now(permitted).html)
    assert "ab 4 Kunden statt ab 10, erlaubt von Works council <2026>." in shown


@pytest.mark.parametrize(
    ("goal", "begin", "word"),
    [
        (0.0, -1.0, "reached"),
        (2.0, -1.0, "on the way"),
        (3.0, 2.0, "moving away"),
        (2.0, None, "cannot be told"),
    ],
)
def test_the_first_screen_says_where_the_objective_stands(
    small_audit: jl.Audit, goal: float, begin: float | None, word: str
) -> None:
    """A share lies between 0 and 1: beyond, before, or on the way to any such goal."""
    assert "Objective:" not in words(show.now(small_audit).html)
    share = small_audit.document["flow"]["repeat_contact"]
    assert share["value"] is not None and share["lo"] is not None
    declared = Objective.model_validate(
        {
            "text": "Nobody comes twice.",
            "measure": "flow.repeat_contact",
            "from": (share["lo"] + share["hi"]) / 2 if begin is None else begin,
            "to": goal,
            "by": dt.date(2026, 12, 31),
        }
    )
    config = small_audit.config.model_copy(update={"objective": declared})
    found = lab_findings(config, small_audit.document, ())
    told = replace(small_audit, config=config, findings=(*small_audit.findings, *found))
    shown = words(show.now(told).html)
    assert "Objective: Nobody comes twice." in shown
    assert f"comes twice. {word} " in shown, shown[:500]


@pytest.mark.slow
def test_the_chart_of_steps_shows_the_numbers_of_its_table(telecom_audit: jl.Audit) -> None:
    minimum = telecom_audit.config.journeys.min_customers
    for row in telecom_audit.document["touchpoints"]:
        flow = show.touchpoint(telecom_audit, row["touchpoint"]).flow
        table, link = flow.table, flow.chart.data[0].link
        assert list(link.value) == table["visits"].tolist()
        drawn = words(flow.svg)
        for name, visits in zip(table["touchpoint"], table["visits"], strict=True):
            assert f"{visits:,} (" in drawn, (row["touchpoint"], name)
        sides = table.groupby("way")["visits"].sum()
        assert sides.nunique() == 1
        customers = [int(n.replace(",", "")) for n in table["customers"] if n]
        assert min(customers, default=minimum) >= minimum


def test_who_serves_now_is_who_acts_in_the_log(telecom_audit: jl.Audit) -> None:
    """Customers alone act where they leave the queue and where they write to the board."""
    by = telecom_audit.journeys.touchpoints.set_index("touchpoint")["served_by"]
    assert by[["Left the queue", "Letter to the board", "Chatbot: fault"]].tolist() == [
        "nobody", "nobody", "bot",
    ]  # fmt: skip
    said = {"nobody": "Nobody serves here", "bot": "A bot serves here now",
            "human": "A person serves here now", "both": "A bot and a person serve"}  # fmt: skip
    for row in telecom_audit.document["touchpoints"]:
        page = words(show.touchpoint(telecom_audit, row["touchpoint"]).html)
        assert said[by[row["touchpoint"]]] in page
    assert "Left the queue" not in words(show.touchpoints(telecom_audit).html)


def test_nothing_is_stopped_where_nothing_is_done(telecom_audit: jl.Audit) -> None:
    for row in telecom_audit.document["touchpoints"]:
        page = words(show.touchpoint(telecom_audit, row["touchpoint"]).html)
        idle = " Do Nothing" in page
        assert ("Stop if" in page) is not idle, row["touchpoint"]
        assert "These journeys in a notebook: journeys.passing(" in page
        assert "1 others" not in page


def test_the_pages_stand_in_the_order_of_their_names(telecom_audit: jl.Audit) -> None:
    names = re.findall(r"<summary><b>([^<]+)</b>", show.touchpoint_pages(telecom_audit).html)
    assert names == sorted(names, key=str.casefold)
    assert len(names) == len(telecom_audit.document["touchpoints"])


def test_a_page_names_the_nearest_touchpoint(telecom_audit: jl.Audit) -> None:
    with pytest.raises(jl.ConfigError, match="Did you mean 'Fault call'"):
        jl.touchpoint(telecom_audit, "Fault cal")


def test_a_convention_never_fails_anywhere(telecom_audit: jl.Audit) -> None:
    shown = words(show.now(telecom_audit).html)
    assert "fails" not in shown
    table = show.handoff_table(telecom_audit)
    assert "fails" not in " ".join(table.frame["state"])
    assert "misses the convention" in " ".join(table.frame["state"])
    judge = telecom_audit.config.judge.model_copy(update={"handoff_limits": {"dead_cries": 0.05}})
    config = telecom_audit.config.model_copy(update={"judge": judge})
    own = show.handoff_table(replace(telecom_audit, config=config))
    assert [state.startswith("▲ fails") for state in own.frame["state"]].count(True) == 1


def kept(audit: jl.Audit, value: float, change: str = "") -> jl.Audit:
    """Return the audit after one run of 1 June that confirmed this share and said this change."""
    document = copy.deepcopy(audit.document)
    document["handoffs"]["contained_verified"] |= {"value": value, "lo": value, "hi": value}
    document["changes"] = [{"id": change, "significant": True}]
    day = dt.date(2026, 6, 1)
    return replace(audit, history=History((Entry("june", day, "", Path(), document, ""),)))


def test_the_kept_runs_stand_in_words_and_as_a_line(telecom_audit: jl.Audit) -> None:
    assert "Confirmed in" not in words(show.now(telecom_audit).html)
    page = show.now(kept(telecom_audit, 0.25)).html
    value = telecom_audit.document["handoffs"]["contained_verified"]["value"]
    assert f"Confirmed in 2 runs: 25 % → {100 * value:.0f} %." in words(page)
    line = page[page.index("jl-trend") :]
    assert "2026-06-01" in line
    assert telecom_audit.as_of.isoformat() in line
    assert line.count("jl-trendt") == 2


@pytest.mark.slow
def test_a_notebook_shows_words_and_tables_and_the_dashboard_the_drawings_too(
    telecom_audit: jl.Audit,
) -> None:
    drawing = '<svg class="jl jl-svg"'
    now, pages = show.now(kept(telecom_audit, 0.25)), show.touchpoint_pages(telecom_audit)
    touchpoints = len(telecom_audit.document["touchpoints"])
    for block, drawings in ((now, 1), (pages, touchpoints), (show.touchpoints(telecom_audit), 0)):
        data, _ = DisplayFormatter().format(block)
        shown = data["text/html"]
        assert "<text" not in shown
        assert drawing not in shown
        for element in ("</p>", "</li>", "</td>", "</div>"):
            assert shown.count(element) == block.html.count(element)
        output = nbformat.v4.new_output("display_data", data)
        cell = nbformat.v4.new_code_cell("", outputs=[output])
        dashboard = show.render_html(nbformat.v4.new_notebook(cells=[cell]))
        assert block.html in dashboard
        assert dashboard.count(drawing) == drawings


def test_an_alarm_says_since_which_run_it_stands(telecom_audit: jl.Audit) -> None:
    alarm = Change("waits", "performance", "Waits", "Waits are longer.")
    changes = replace(telecom_audit.changes, entries=(alarm,))
    again = replace(kept(telecom_audit, 0.4, "waits"), changes=changes)
    assert "Waits are longer. The runs say so since 2026-06-01." in words(show.now(again).html)
    new = replace(kept(telecom_audit, 0.4, "other"), changes=changes)
    assert "The runs say so" not in words(show.now(new).html)


@pytest.mark.slow
def test_a_log_too_thin_to_show_a_touchpoint_says_so(small: Path) -> None:
    small.write_text(f"{small.read_text()}journeys: {{min_customers: 1000}}\n")
    audit = jl.audit(small)
    shown, table = words(show.now(audit).html), words(show.touchpoints(audit).html)
    hidden = len(audit.journeys.touchpoints)
    assert audit.document["touchpoints"] == []
    assert "The log is too thin: no touchpoint at which somebody serves" in shown
    assert f"too few customers to be shown: {hidden} of {hidden}." in shown
    assert table.strip().startswith("No touchpoint at which somebody serves has enough customers")


def test_a_log_without_bots_or_actors_says_so(small: Path) -> None:
    people = small.read_text().replace("b: bot", "b: human")
    small.write_text(people)
    audit = jl.audit(small)
    table, now = (words(view(audit).html) for view in (show.touchpoints, show.now))
    assert "No bot serves here." in table
    assert "No bot talks to customers in this log" in now
    assert "Promises" not in now
    nobody = "\n".join(line for line in people.splitlines() if "actor" not in line)
    small.write_text(nobody)
    unknown = jl.audit(small)
    assert "not recorded" in words(show.touchpoints(unknown).html)
    assert "The log does not say who acted" in words(show.now(unknown).html)
