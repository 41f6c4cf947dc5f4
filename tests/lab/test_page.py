"""Pictures, page and mail of the lab show the numbers of plan, watch and reading."""

from __future__ import annotations

import datetime as dt
import html
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from journeylib import present as show
from journeylib.cli.main import main
from journeylib.core.estimate import Estimate
from journeylib.delivery.experiment_mail import watch_mail
from journeylib.lab import LabSettings, MeasureReading, Plan, Reading, Watch
from journeylib.lab.experiment_plan import Baseline, Look
from journeylib.lab.safety_watch import HARM, TRAIL, Stop
from journeylib.present.figure import Figure
from journeylib.present.views.lab.page import lab_page
from tests.lab.test_strategy import document

SETTINGS = LabSettings.model_validate(
    {
        "name": "try",
        "question": "Is <b> escaped?",
        "touchpoint": "Chat",
        "begins": dt.date(2026, 3, 2),
        "primary": {"name": "solved", "column": "solved"},
        "least_worth": 0.05,
        "guardrails": [
            {"name": "wait", "column": "seconds", "unit": "s", "better": "lower", "limit": 20}
        ],
    }
)
PLAN = Plan(
    settings=SETTINGS,
    written=dt.date(2026, 3, 1),
    already=0,
    baselines=(Baseline("solved", 0.6, 0.24, 2000, 3000), Baseline("wait", 60, 900, 2000, 100)),
    by_week=(1000, 2000, 3000),
    correlation=0.0,
    power_each=0.9,
    run=True,
    needed=3000,
    weeks=3,
    looks=(Look(20, 3000, 1.0, 1.96),),
    findable=((1, 1000, 0.09), (2, 2000, 0.063), (3, 3000, 0.049)),
    text="Run it.",
)
WATCH = Watch(
    name="try",
    until=dt.date(2026, 3, 5),
    trail=pd.DataFrame([(2, 150, 160, 0.4, 0.0), (3, 250, 260, 0.3, 0.0)], columns=list(TRAIL)),
    harm=pd.DataFrame(
        [(2, "wait", 10.0, -12.0, 0.5), (3, "wait", 25.0, 3.0, 40.0)], columns=list(HARM)
    ),
    stops=(Stop("harm", "wait", 3, "Stop, it waits."),),
    notes=("A note.",),
)


def reading(decision: Any = "ship", value: float | None = 0.08) -> Reading:
    def estimate(at: float | None, half: float, unit: str) -> Estimate:
        if at is None:
            return Estimate.none("n_small", unit)
        return Estimate(at, unit, lo=at - half, hi=at + half, n_customers=3000, grade="A")

    primary = MeasureReading(
        "solved", "solved", "share", estimate(value, 0.04, "share"), 0.60, 0.68
    )
    guard = MeasureReading("wait", "wait", "s", estimate(-5.0, 10, "s"), 60, 55, 20.0, True)
    return Reading(
        PLAN, "0" * 64, dt.date(2026, 3, 22), decision, "A", "It helps.", "Caused.", primary,
        (guard,), pd.DataFrame(), WATCH, 1,
    )  # fmt: skip


def test_figures_say_their_numbers() -> None:
    findable = show.lab_findable(PLAN)
    assert isinstance(findable, Figure)
    assert findable.table["smallest_change"].tolist() == ["9.0 points", "6.3 points", "4.9 points"]
    assert "In 1 week a change of 9.0 points is found" in findable.alt
    harm = show.lab_harm(PLAN, WATCH)
    assert isinstance(harm, Figure)
    assert harm.table["change"].tolist() == ["+10 s", "+25 s"]
    assert "wait is +25 s" in harm.alt
    # Worse is up: 25 s more are 1.25 times a limit of 20 s.
    assert harm.chart is not None
    worse, bound = harm.chart.data
    assert worse.y[-1] == 1.25
    assert (worse.line.dash, bound.line.dash) == ("solid", "dash")
    read = show.lab_reading(reading())
    assert read.table["change"].tolist() == ["+8.0 points", "−5.00 s"]
    assert read.table["holds"].tolist() == ["", "holds"]


def test_nothing_known_is_said_not_drawn() -> None:
    none = Watch("try", WATCH.until, WATCH.trail, WATCH.harm.iloc[:0], (), ())
    assert not isinstance(show.lab_harm(PLAN, none), Figure)
    blank = show.lab_reading(reading(decision=None, value=None))
    assert blank.table["change"].tolist()[0] == "no answer"
    assert "Cannot be read" in repr(show.lab_decision(reading(decision=None, value=None)))


def test_the_page_needs_no_script_and_escapes_names() -> None:
    page = lab_page(PLAN, hash_="ab" * 32, reading=reading())
    assert "<script" not in page
    assert "Is &lt;b&gt; escaped?" in page
    assert "default-src 'none'" in html.unescape(page)
    for text in ("Ship it", "grade A", "Stop, it waits.", "3,000", "abababababababab"):
        assert text in page
    assert page == lab_page(PLAN, hash_="ab" * 32, reading=reading())


def test_the_mail_says_stop_first() -> None:
    mail = watch_mail(PLAN, WATCH, None)
    assert mail["Subject"] == "Stop the experiment try"
    body = mail.get_body(("plain",))
    assert body is not None
    lines = [line for line in body.get_content().splitlines() if line]
    assert lines[:2] == ["Stop the experiment try", "Stop, it waits."]
    assert "Wait: +25 s; limit +20 s" in lines
    assert mail.as_bytes() == watch_mail(PLAN, WATCH, None).as_bytes()


def test_assess_reads_a_run_and_writes_the_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "audit.yaml"
    content = {
        "name": "a",
        "log": {"files": ["x.csv"]},
        "roles": {"customer": "c", "touchpoint": "t", "timestamp": "at"},
        "bets": [{"name": "b", "touchpoint": "Nowhere", "what": "x"}],
    }
    config.write_text(yaml.safe_dump(content), encoding="utf-8")
    run = tmp_path / "run"
    run.mkdir()
    (run / "audit.json").write_text(json.dumps(document()), encoding="utf-8")
    command = ["lab", "assess", str(config), "--out", str(tmp_path)]
    assert main([*command, "--empty"]) == 0
    assert len(pd.read_csv(tmp_path / "statements.csv")) == 24
    assert main([*command, "--from", str(run)]) == 0
    assert "no touchpoint Nowhere" in capsys.readouterr().out
    page = (tmp_path / "assessment.html").read_text(encoding="utf-8")
    assert page.count("cannot be seen") > 3
    assert "<script" not in page
    assert main([*command, "--from", str(tmp_path / "none")]) == 2
