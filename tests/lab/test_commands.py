"""The commands of the lab on the sample experiment: files, exit statuses, and the planted truth."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pandas as pd
import pytest
import yaml

import journeylib as jl
from journeylib import present as show
from journeylib.cli.main import main
from journeylib.lab import settings as models

SAMPLE = Path(__file__).resolve().parents[2] / "sample_data" / "experiment"
TRUTH = json.loads((SAMPLE / "truth.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the plan of the sample experiment, written the day before it begins."""
    out = tmp_path_factory.mktemp("lab")
    status = main(
        ["lab", "plan", str(SAMPLE / "audit.yaml"), "--as-of", "2026-03-01", "--out", str(out)]
    )
    assert status == 0
    return out / "offer-a-person" / "plan.yaml"


@pytest.mark.slow
def test_the_plan_is_written_once(planned: Path, capsys: pytest.CaptureFixture[str]) -> None:
    again = ["lab", "plan", str(SAMPLE / "audit.yaml"), "--as-of", "2026-03-01"]
    again += ["--out", str(planned.parents[1])]
    before = planned.read_bytes()
    assert main(again) == 0
    assert planned.read_bytes() == before
    assert main([*again, "--set", "lab.least_worth=0.08"]) == 2
    assert "holds another plan" in capsys.readouterr().err
    page = (planned.parent / "lab.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "Run it" in page


@pytest.mark.slow
def test_watch_and_reading_of_the_sample(planned: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lab", "watch", str(planned), "--as-of", "2026-03-25"]) == 0
    mail = (planned.parent / "mail.eml").read_text(encoding="utf-8")
    assert "Subject: Nothing stops the experiment offer-a-person" in mail
    assert main(["lab", "read", str(planned)]) == 0
    assert "Ship it" in capsys.readouterr().out
    found = json.loads((planned.parent / "reading.json").read_text(encoding="utf-8"))
    assert (found["decision"], found["grade"]) == ("ship", "A")
    effect = TRUTH["solved_new"] - TRUTH["solved_control"]
    assert found["primary"]["difference"]["lo"] < effect < found["primary"]["difference"]["hi"]
    assert all(guard["holds"] for guard in found["guardrails"])
    # No id of a customer in any file.
    for path in planned.parent.iterdir():
        assert not re.search(r"(?<![#=])\bE\d+\b", path.read_text(encoding="utf-8")), path.name


def config_with(tmp_path: Path, rows: pd.DataFrame, **lab: object) -> Path:
    """Return the sample's configuration over other rows."""
    content = yaml.safe_load((SAMPLE / "audit.yaml").read_text(encoding="utf-8"))
    content["lab"] |= lab
    rows.to_csv(tmp_path / "contacts.csv", index=False)
    path = tmp_path / "audit.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


@pytest.mark.slow
def test_harm_ends_with_status_one_and_a_mail_that_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = pd.read_csv(SAMPLE / "contacts.csv", dtype=str)
    new = rows[rows["arm"] == "new"].iloc[::6]
    upset = new.assign(touchpoint="Complaint call", actor="human", arm="", solved="", csat="")
    config = config_with(tmp_path, pd.concat([rows, upset]))
    plan = ["lab", "plan", str(config), "--as-of", "2026-03-01", "--out", str(tmp_path)]
    assert main(plan) == 0
    file = tmp_path / "offer-a-person" / "plan.yaml"
    assert main(["lab", "watch", str(file), "--as-of", "2026-04-05", "--no-send"]) == 1
    assert "Stop, a guardrail gets worse: customers who complain" in capsys.readouterr().out
    mail = (file.parent / "mail.eml").read_text(encoding="utf-8")
    assert "Subject: Stop the experiment offer-a-person" in mail
    assert main(["lab", "read", str(file)]) == 0
    found = json.loads((file.parent / "reading.json").read_text(encoding="utf-8"))
    assert found["decision"] == "stop"
    # Another plan put in its place afterwards is noticed.
    other = [*plan[:-1], str(tmp_path / "b"), "--set", "lab.least_worth=0.2"]
    assert main(other) == 0
    file.write_bytes((tmp_path / "b" / "offer-a-person" / "plan.yaml").read_bytes())
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("source: ../../", "source: ../"), encoding="utf-8")
    assert main(["lab", "read", str(file)]) == 0
    found = json.loads((file.parent / "reading.json").read_text(encoding="utf-8"))
    assert found["changed"] == ["the whole plan"]
    assert found["grade"] == "C"


def test_a_wait_by_customer_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = pd.read_csv(SAMPLE / "contacts.csv", dtype=str)
    primary = {"name": "wait", "column": "cost", "unit": "min", "queue": True}
    config = config_with(tmp_path, rows, primary=primary, before=None)
    status = main(["lab", "plan", str(config), "--out", str(tmp_path)])
    assert status == 2
    assert "queue that both arms share" in capsys.readouterr().err
    assert not (tmp_path / "offer-a-person").exists()


def test_a_configuration_without_a_lab_says_what_to_add(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = yaml.safe_load((SAMPLE / "audit.yaml").read_text(encoding="utf-8"))
    del content["lab"]
    path = tmp_path / "audit.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    assert main(["lab", "plan", str(path)]) == 2
    assert "has no 'lab:'" in capsys.readouterr().err


def test_the_sample_is_what_its_generator_writes(tmp_path: Path) -> None:
    script = SAMPLE.parent / "generator" / "experiment.py"
    names = {"__name__": "generator"}
    exec(compile(script.read_text(encoding="utf-8"), str(script), "exec"), names)
    names["write"](tmp_path)  # type: ignore[operator]
    for name in ("contacts.csv", "truth.json"):
        assert (tmp_path / name).read_bytes() == (SAMPLE / name).read_bytes()


@pytest.mark.slow
def test_the_audit_tells_of_objective_bets_and_answers(tmp_path: Path, planned: Path) -> None:
    rows = pd.read_csv(SAMPLE / "contacts.csv", dtype=str)
    few = rows[rows["customer_id"].str[1:].astype(int) % 8 == 0]
    config = config_with(tmp_path, few)
    content = yaml.safe_load(config.read_text(encoding="utf-8"))
    content["compare"] = "key_results"
    content["objective"] = {
        "text": "More solved by the bot", "measure": "flow.repeat_contact",
        "from": 0.9, "to": 0.01, "by": "2026-12-31",
    }  # fmt: skip
    content["bets"] = [
        {"name": "offer", "touchpoint": "Chatbot: billing", "what": "offer a person",
         "state": "scaled", "plan": str(planned), "why": "fewer repeats",
         "smallest_test": "one week", "owner_role": "head of service"},
        {"name": "gone", "touchpoint": "Fax", "what": "answer faxes"},
    ]  # fmt: skip
    answers = [("one-objective", "a", 4), ("guarded", "a", 4)]
    frame = pd.DataFrame(answers, columns=["statement", "rater", "answer"]).assign(role="agent")
    frame.to_csv(tmp_path / "answers.csv", index=False)
    content["assessment"] = {"file": "answers.csv"}
    content.pop("lab")
    config.write_text(yaml.safe_dump(content), encoding="utf-8")
    run = jl.audit(config)
    found = {finding.id: finding for finding in run.findings}
    assert found["objective"].evidence["state"] == "on_the_way"
    assert "shows no touchpoint Fax" in found["bet-gone-absent"].text
    assert found["bet-offer-reading"].text.endswith("was read: ship it.")
    assert found["self-assessment"].evidence["statements"] == ["guarded"]
    assert [name for name in found if name.startswith("bet-offer")] == ["bet-offer-reading"]
    page = show.touchpoint(run, "Chatbot: billing").html
    assert "offer a person (scaled)" in page and "was read: ship it." in page
    assert "Why: fewer repeats" in page and "Smallest test: one week" in page
    assert "Owner: head of service" in page and "answer faxes" not in page
    # Where the objective stands: on the first screen, and where a bet is placed.
    for shown in (show.now(run).html, page):
        assert "Objective: More solved by the bot." in shown and "on the way" in shown
    others = show.touchpoint(run, "Complaint call").html
    assert "Objective:" not in others


@pytest.mark.slow
def test_every_setting_of_an_experiment_is_read_somewhere() -> None:
    package = Path(jl.__file__).parent
    used = set()
    for file in package.rglob("*.py"):
        if file.name != "settings.py":
            nodes = ast.walk(ast.parse(file.read_text(encoding="utf-8")))
            used |= {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    kinds = (models.LabSettings, models.LabMeasure, models.Guardrail, models.Stage,
             models.Covariate, models.AssignmentsConfig, models.Bet, models.Objective,
             models.Cost, models.AssessmentConfig)  # fmt: skip
    # Read through properties that stand beside them.
    beside = {"stages", "title", "per", "better"}
    idle = {f"{kind.__name__}.{name}" for kind in kinds for name in kind.model_fields
            if name not in used | beside}  # fmt: skip
    assert idle == set()
    assert {"all_stages", "heading", "per_customer", "sign"} <= used
