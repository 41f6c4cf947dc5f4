"""What if on an audit: the configuration's people and money, and what cannot be asked."""

from __future__ import annotations

import csv
import datetime as dt
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

import journeylib as jl
from journeylib import present as show
from journeylib.audits.experiments.facts import lab_results
from journeylib.audits.moves import Basis, proposed_moves
from journeylib.audits.runs.bundle import save
from journeylib.cli.main import main
from journeylib.lab import LabSettings, write_plan
from journeylib.portfolio import Portfolio
from tests.lab.test_page import PLAN
from tests.lab.test_strategy import BETS
from tests.lab.test_strategy import config as lab_config

CONFIG = """\
name: calls
log:
  files: calls.csv
roles:
  customer: client
  touchpoint: step
  timestamp: at
  end_timestamp: end
  actor: who
  session: talk
  cost: price
journeys: {cut: gap, gap_days: 1}
measures: {failed_minutes: 0}
portfolio:
  budget: 1000
  build: 100
  human_minute: 1.0
  failed_contact: 0.0
  harm: 0.0
  candidates: {Call: {contained: [0.5, 0.5, 0.5]}}
"""


def calls() -> Iterator[list[str]]:
    """Five weeks; 28 calls a week of ten minutes, which somebody takes at once."""
    yield ["client", "at", "end", "step", "who", "talk", "price"]
    for number in range(140):
        day, hour = divmod(number, 4)
        at = f"2026-0{1 + (4 + day) // 31}-{1 + (4 + day) % 31:02d} {9 + hour:02d}"
        yield [f"c{number}", f"{at}:00", "", "Call", "customer", f"t{number}", ""]
        yield [f"c{number}", f"{at}:00", f"{at}:10", "Call", "human", f"t{number}", "2"]
    yield ["last", "2026-02-09 09:00", "", "Web", "customer", "t", ""]


@pytest.fixture(scope="module")
def audit(tmp_path_factory: pytest.TempPathFactory) -> jl.Audit:
    folder: Path = tmp_path_factory.mktemp("calls")
    with (folder / "calls.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(calls())
    (folder / "calls.yaml").write_text(CONFIG, encoding="utf-8")
    return jl.audit(folder / "calls.yaml")


@pytest.mark.slow
def test_half_of_the_calls_of_which_a_bot_solves_half(audit: jl.Audit) -> None:
    answer = jl.what_if(audit, {"Call": 0.5}, draws=20)
    rows = answer.figures.set_index("figure")
    assert rows.loc["contacts", "before"] == pytest.approx(28)
    assert rows.loc["contacts", "full_selection"] == pytest.approx(28 * 0.75)
    for figure in ("minutes", "cost"):
        # every call takes ten minutes, so there are no easy ones
        ends = rows.loc[figure, ["before", "no_selection", "full_selection"]].tolist()
        assert ends == pytest.approx([280, 210, 210])
    assert answer.grade == "D" and answer.no_waits is not None
    assert repr(answer) == answer.text and "Call 50 %" in answer.text


def test_what_cannot_be_asked(audit: jl.Audit) -> None:
    with pytest.raises(jl.ConfigError, match="say what moves"):
        jl.what_if(audit, {})
    with pytest.raises(jl.ConfigError, match="no people serve contacts at 'Web'"):
        jl.what_if(audit, {"Web": 0.5})
    silent = cast("jl.Journeys", SimpleNamespace(has_clock=False, has=lambda _column: True))
    with pytest.raises(jl.ConfigError, match=r"needs times \(roles.timestamp\); the log of calls"):
        jl.what_if(replace(audit, journeys=silent), {"Call": 0.5})


def test_a_mistyped_move_says_how_one_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["what-if", "latest"])
    assert "--move" in capsys.readouterr().err


@pytest.mark.slow
def test_the_command_says_every_sentence_in_the_language_it_is_given(
    audit: jl.Audit, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = save(audit, tmp_path / "audits")
    (tmp_path / "calls.yaml").write_text(CONFIG, encoding="utf-8")
    with (tmp_path / "calls.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(calls())
    where = ["--config", str(tmp_path / "calls.yaml")]
    assert main(["what-if", str(run), "--move", "Call=0.5", "--lang", "de", *where]) == 0
    told = capsys.readouterr().out
    assert "Wartezeiten und Abbrüche werden nicht genannt" in told
    assert not re.search(r"\b(the|are|is|not)\b", told)


def test_what_the_portfolio_proposes_is_moved_whole(audit: jl.Audit) -> None:
    proposed = cast("Portfolio", SimpleNamespace(chosen=("Call", "Web")))
    basis = Basis(
        audit.config, audit.journeys, audit.evidence, audit.judgement, audit.service_types
    )
    (answer,) = proposed_moves(basis, proposed)
    rows = answer.figures.set_index("figure")
    assert answer.moves == {"Call": 1.0}  # nobody serves the web: there is nothing to move
    assert rows.loc["minutes", "no_selection"] == pytest.approx(140)
    assert proposed_moves(basis, None) == ()


def test_a_forecast_is_shown_with_both_ends_and_the_naive_figure(audit: jl.Audit) -> None:
    answer = jl.what_if(audit, {"Call": 0.5}, draws=20)
    figure = cast("Any", show.what_if(answer))
    minutes = figure.table.set_index("figure").loc["people's minutes a week"]
    assert minutes["today"] == "280" and minutes["any_solved_alike"] == "210"
    assert minutes["easy_ones_solved"] == "210" and minutes["naive_figure"] == "210"
    # Against 280 a week, 210 is a quarter less; open and filled circles and the diamond.
    marks = [list(trace.x)[1] for trace in figure.chart.data]
    assert marks == pytest.approx([-0.25, -0.25, -0.25])
    told = show.what_if_details(answer).text
    assert "--move 'Call=0.5'" in told and "14 → " not in told and "28 → 21 contacts" in told


def test_a_refusal_is_shown_in_words(audit: jl.Audit) -> None:
    answer = jl.what_if(audit, {"Call": 0.5}, draws=20)
    refused = replace(answer, refused="Nothing is said: too few.")
    assert "Call 50 %: Nothing is said: too few." in show.what_if(refused).text
    assert show.what_if_details(refused).text == "Call 50 %: Nothing is said: too few."


@pytest.mark.slow
def test_the_plan_of_a_move_is_filled_in(audit: jl.Audit, tmp_path: Path) -> None:
    file = audit.config.log.files[0]
    config = Path(file).with_name("calls.yaml")
    plan, written = jl.plan_experiment(config, out=tmp_path, moves={"Call": 0.5})
    lab = plan.settings
    assert lab.touchpoint == "Call" and "50 %" in lab.question
    assert lab.primary.column == "cost" and lab.primary.better == "lower"
    assert lab.least_worth == 0.2  # a tenth of 2.0, which every call costs
    assert lab.begins == dt.date(2026, 2, 16)  # the Monday after the log's last day
    assert written == tmp_path / "bot-first-call" / "plan.yaml"
    for moves in ({"Call": 0.5, "Web": 0.5}, {"Call": 0.0}):
        with pytest.raises(jl.ConfigError, match=r"one move|above 0"):
            jl.plan_experiment(config, out=tmp_path, moves=moves)


@pytest.mark.slow
def test_a_slider_forecasts_where_it_stands(audit: jl.Audit) -> None:
    pytest.importorskip("ipywidgets")
    sliders = show.move_sliders(audit, {"Call": 0.5})
    assert sliders.moves == {"Call": 0.5}
    (slider,) = sliders._sliders.values()
    slider.value = 1.0
    rows = sliders.answer.figures.set_index("figure")
    assert rows.loc["minutes", "no_selection"] == pytest.approx(140)
    shown = sliders._repr_mimebundle_()[0]
    # Beside the widget what a notebook without a kernel shows: chart, picture and finding.
    assert {"application/vnd.plotly.v1+json", "image/svg+xml"} < shown.keys()
    assert "Call 100 %: 280 today" in shown["text/plain"]
    slider.value = 0.0
    assert sliders.moves == {} and "Every slider stands" in sliders._words.value
    with pytest.raises(jl.ConfigError, match="nothing can be said of 'Web'"):
        show.move_sliders(audit, {"Web": 0.5})


def test_readings_of_bets_tell_a_forecast_what_a_bot_solves(tmp_path: Path) -> None:
    settings = LabSettings.model_validate(
        {
            "name": "bot-first", "question": "Does it help?", "touchpoint": "Billing call",
            "begins": "2026-03-02", "least_worth": 0.05,
            "primary": {"name": "solved", "column": "solved"},
            "guardrails": [
                {"name": "people", "reaches": ["Call"], "better": "lower", "limit": 0.05,
                 "informs": "reaches_people"},
                {"name": "back", "reaches": ["Billing call"], "better": "lower", "limit": 0.05,
                 "informs": "returns"},
            ],
        }
    )  # fmt: skip
    written = replace(PLAN, settings=settings)
    file = write_plan(written, tmp_path / "plan.yaml")
    bets = [{**BETS[0], "plan": str(file)}]
    assert lab_results(lab_config(bets=bets)) == ()
    read = {
        "grade": "A", "decision": "ship", "primary": {"name": "solved", "new": 0.7},
        "guardrails": [
            {"name": "people", "new": 0.4, "new_error": 0.02, "new_customers": 610},
            {"name": "back", "new": None, "new_error": None, "new_customers": 0},
        ],
    }  # fmt: skip
    (tmp_path / "reading.json").write_text(json.dumps(read), encoding="utf-8")
    (found,) = lab_results(lab_config(bets=bets))
    assert (found.experiment, found.touchpoint) == ("bot-first", "Billing call")
    assert (found.informs, found.value, found.error) == ("reaches_people", 0.4, 0.02)
    assert (found.customers, found.grade) == (610, "A")
