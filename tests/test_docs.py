"""The documentation is true: modules, layers, columns, links and the README's snippet."""

from __future__ import annotations

import ast
import re
import tomllib
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import fields
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args

import pandas as pd
import pytest

import journeylib as jl
from journeylib.core.estimate import AbstainReason
from journeylib.judge.bot_timing.tipping_points import TippingPoint
from journeylib.judge.disclosure.disclosure import Disclosure
from journeylib.judge.judgement import Judgement, judge
from journeylib.judge.moments.moments_of_truth import MOMENT_COLUMNS
from journeylib.judge.paradoxes.paradoxes import Paradox
from journeylib.judge.scorecard.verdict import VERDICTS
from journeylib.judge.settings import DEFAULTS
from journeylib.log.eventlog import EventLog
from journeylib.measures.bots.handoff_audit import Handoffs

HOME = Path(__file__).resolve().parents[1]
PACKAGE = HOME / "journeylib"
ARCHITECTURE = (HOME / "docs/architecture.md").read_text(encoding="utf-8")
TABLES = (HOME / "docs/formats/tables.md").read_text(encoding="utf-8")
METHODS = (HOME / "docs/methods.md").read_text(encoding="utf-8")
PAGES = sorted([*HOME.glob("*.md"), *(HOME / "docs").rglob("*.md")])
LogOf = Callable[..., EventLog]
# A dotted name that ends so is a file.
FILE_TYPES = {"csv", "eml", "html", "json", "md", "pdf", "toml", "xml", "yaml"}

HOUR = 3_600_000_000
DAY = 24 * HOUR
ROLES = (
    "customer t_us end_us touchpoint channel stage office segment intent actor resource session "
    "text sentiment_micro ai_disclosed"
)


# --- layers ---------------------------------------------------------------------------------


def test_the_line_of_layers_is_the_import_contract() -> None:
    config = tomllib.loads((HOME / "pyproject.toml").read_text(encoding="utf-8"))
    contract = config["tool"]["importlinter"]["contracts"][0]
    line = re.search(r"^cli .*$", ARCHITECTURE, re.M)
    assert line is not None
    assert re.split(r"\s+>\s+", line[0]) == contract["layers"]


def test_the_page_names_every_room() -> None:
    rooms = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}
    assert set(re.findall(r"^\| `(\w+)` \|", ARCHITECTURE, re.M)) == rooms


def test_every_folder_says_what_it_answers() -> None:
    fronts = sorted(PACKAGE.rglob("__init__.py"))
    silent = [
        front for front in fronts if not ast.get_docstring(ast.parse(front.read_text("utf-8")))
    ]
    assert silent == []


def test_the_code_refers_to_what_is_there() -> None:
    """A dotted name in single backticks is a module or class, and what that one has."""
    held: dict[str, set[str]] = defaultdict(set, {PACKAGE.name: {*jl.__all__}})
    for path in PACKAGE.rglob("*"):
        held[path.parent.name].add(path.stem)
    for module in PACKAGE.rglob("*.py"):
        tree, front = ast.parse(module.read_text("utf-8")), module.stem == "__init__"
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef):
                owner = node.name if isinstance(node, ast.ClassDef) else module.stem
                held[module.parent.name if front else owner].update(names_of(node.body))
    missing = [
        f"{module.name}: {name}"
        for module in sorted(PACKAGE.rglob("*.py"))
        for name in re.findall(r"(?<!`)`([A-Za-z_]\w*(?:\.\w+)+)`(?!`)", module.read_text("utf-8"))
        if name.rpartition(".")[2] not in FILE_TYPES
        and not all(part in held[whole] for whole, part in pairwise(name.split(".")))
    ]
    assert missing == []


def names_of(body: list[ast.stmt]) -> set[str]:
    """Return the names that statements bind."""
    names = set()
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {alias.asname or alias.name for alias in node.names}
        else:
            names |= {
                one.id
                for one in ast.walk(node)
                if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)
            }
    return names


# --- columns --------------------------------------------------------------------------------


def listed(attribute: str) -> list[str]:
    """Return the names in the last cell of the row that begins with `attribute`."""
    row = re.search(rf"^\| `{re.escape(attribute)}` \|.*\| (.*) \|$", TABLES, re.M)
    assert row is not None, f"docs/formats/tables.md has no row of `{attribute}`"
    return re.findall(r"`(\w+)`", row[1])


def first_cells(heading: str) -> list[str]:
    """Return the names in the first cells of the table under a heading."""
    part = TABLES.split(f"\n## {heading}", 1)[1].split("\n## ", 1)[0]
    rows = [line for line in part.splitlines() if line.startswith("| `")]
    return [name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[1])]


@pytest.fixture(scope="module")
def tiny(log_of: LogOf) -> jl.Journeys:
    """Return journeys in which most roles are declared and a bot is asked for a human."""
    turns = (
        (0, "Chat", "customer", "c", "hello"),
        (1, "Chat", "bot", "b", "Yes?"),
        (2, "Chat", "customer", "c", "agent!"),
        (HOUR // 9, "Call", "human", "h", "One moment."),
    )
    place = ("chat", "Use", "front", "private", "bill")
    rows = [
        (
            f"c{no}",
            no * DAY + at,
            no * DAY + at + 1,
            where,
            *place,
            who,
            by,
            f"s{no}",
            text,
            0,
            True,
        )
        for no in range(12)
        for at, where, who, by, text in turns
    ]
    log = log_of(*rows, columns=ROLES)
    return jl.rebuild(log, jl.JourneySettings(min_customers=1))


@pytest.fixture(scope="module")
def evidence(tiny: jl.Journeys) -> jl.Evidence:
    return jl.measure(tiny)


@pytest.fixture(scope="module")
def judgement(tiny: jl.Journeys, evidence: jl.Evidence) -> Judgement:
    return judge(tiny, evidence)


def test_columns_of_events_are_those_listed(tiny: jl.Journeys) -> None:
    known = first_cells("EventLog")
    assert set(tiny.log.events.columns) <= set(known)
    assert len(known) == len(set(known))


def test_columns_of_steps_and_journeys(tiny: jl.Journeys) -> None:
    events = set(tiny.log.events.columns) - {"customer"}
    assert set(first_cells("Journeys")) == set(tiny.steps.columns) - events
    assert listed("Journeys.table") == list(tiny.table.columns)
    assert listed("Journeys.touchpoints") == list(tiny.touchpoints.columns)


@pytest.mark.parametrize(
    "name", ["touchpoints", "transitions", "estimates", "variants", "experience"]
)
def test_columns_of_evidence(evidence: jl.Evidence, name: str) -> None:
    assert listed(f"Evidence.{name}") == list(getattr(evidence, name).columns)


def test_keys_of_evidence(evidence: jl.Evidence) -> None:
    assert listed("Evidence.totals") == list(evidence.totals)
    assert listed("Evidence.flow") == list(evidence.flow)
    assert {field.name for field in fields(evidence)} == {
        name.removeprefix("Evidence.") for name in re.findall(r"`(Evidence\.\w+)` \|", TABLES)
    }


def test_the_hand_off_audit(evidence: jl.Evidence) -> None:
    assert first_cells("Handoffs") == [field.name for field in fields(Handoffs)]
    found = evidence.handoffs
    for name in ("waterfall", "curve", "actor_changes", "by_touchpoint"):
        assert listed(name) == list(getattr(found, name).columns)
    assert found.session_table is not None
    assert listed("session_table") == list(found.session_table.columns)


def test_the_judgement(judgement: Judgement) -> None:
    assert listed("Judgement.scores") == list(judgement.scores.columns)
    assert listed("Judgement.indicators") == list(judgement.indicators.columns)
    assert listed("Judgement.moments") == list(MOMENT_COLUMNS)
    assert listed("Judgement.axes") == list(judgement.axes)
    for name, parts in (
        ("tipping_points", TippingPoint),
        ("paradoxes", Paradox),
        ("disclosure", Disclosure),
    ):
        assert listed(f"Judgement.{name}") == [field.name for field in fields(parts)]


# --- methods --------------------------------------------------------------------------------


def test_every_measure_has_its_row_with_its_unit(evidence: jl.Evidence) -> None:
    part = METHODS.split("\n## 3. ", 1)[1].split("\n## ", 1)[0]
    told = dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|", part, re.M))
    assert told == evidence.estimates.groupby("measure")["unit"].first().to_dict()


@pytest.mark.parametrize("axis", list(DEFAULTS))
def test_weights_and_anchors_are_the_defaults(axis: Any) -> None:
    part = METHODS.split(f"\n#### {axis}\n", 1)[1].split("\n#", 1)[0]
    rows = re.findall(r"^\| `(\w+)` \| ([\d.]+) \| ([^|]+) \| (\w+) \|", part, re.M)
    told = {name: (float(weight), text.strip(), scale) for name, weight, text, scale in rows}
    assert told == {
        name: (
            one.weight,
            ", ".join(f"{raw:g} → {score:g}" for raw, score in one.anchors).replace("-", "−"),
            one.scale,
        )
        for name, one in DEFAULTS[axis].items()
    }


def test_tests_that_the_methods_name_are_there() -> None:
    named = re.findall(r"`((?:tests|benchmarks)/[\w/]+\.py)(?:::(\w+))?`", METHODS)
    assert len(named) > 10
    for path, function in named:
        text = (HOME / path).read_text(encoding="utf-8")
        assert f"def {function}" in text, f"{path} has no {function}"
    every = "".join(path.read_text(encoding="utf-8") for path in (HOME / "tests").rglob("*.py"))
    gone = [name for name in re.findall(r"`(test_\w+)`", METHODS) if f"def {name}(" not in every]
    assert gone == []


def test_every_reason_for_abstaining_has_its_words() -> None:
    part = METHODS.split("\n## 1. ", 1)[1].split("\n## ", 1)[0]
    rows = [line.split("|") for line in part.splitlines() if line.startswith("| `")]
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row[1])} == set(
        get_args(AbstainReason)
    )


# --- links and snippets ---------------------------------------------------------------------


def targets(page: Path) -> Iterable[str]:
    """Return what a page links to or names as a file of this checkout."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.S)
    for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
        if "://" not in link:
            yield str((page.parent / link).relative_to(HOME))
    yield from re.findall(r"`((?:docs|tests|benchmarks|examples|sample_data)/[\w./]*)`", text)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(HOME)))
def test_links_point_to_what_is_there(page: Path) -> None:
    missing = [target for target in targets(page) if not (HOME / target).exists()]
    assert missing == []


def snippet() -> str:
    text = (HOME / "README.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, re.S)
    return str(code)


CONFIG = """
name: mine
log: {files: [my_contacts.csv]}
roles: {customer: client, touchpoint: step, timestamp: at}
"""


@pytest.mark.slow
def test_the_snippet_of_the_readme_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        (f"c{number}", step, f"2026-01-{day:02d} 10:{minute:02d}")
        for number in range(12)
        for day, minute, step in ((1 + number, 0, "Web"), (1 + number, 5, "Call"))
    ]
    contacts = pd.DataFrame(rows, columns=["client", "step", "at"])
    contacts.to_csv(tmp_path / "my_contacts.csv", index=False)
    (tmp_path / "my_contacts.yaml").write_text(CONFIG, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(snippet(), names)
    assert names["audit"].evidence.totals["events"] == 24
    assert set(names["jl"].score(names["journeys"]).scores["verdict"]) == {"abstain"}


# --- formats and glossary -------------------------------------------------------------------


def test_the_formats_page_names_every_role_and_key() -> None:
    page = (HOME / "docs/formats/README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(\w+)`", page))
    assert {*jl.Schema.model_fields, "constant_kind", "value", "asked_timestamp"} - named == set()


def test_the_glossary_has_every_verdict() -> None:
    text = (HOME / "docs/glossary.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `(\w+)` \|", text, re.M)) == set(VERDICTS)
