"""What leaves a run goes through one object; what a page draws is protected where it is made."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

import pandas as pd
import pytest

import journeylib as jl
from journeylib.audits.result.ledger import RULES, Ledger

ROOT = Path(jl.__file__).parent
SHOWN_IN = ("present", "workshop", "delivery")


@pytest.fixture(scope="module")
def calls() -> dict[str, dict[str, ast.Call]]:
    """For the name of whatever is called: in which files, and the last call in each."""
    named: dict[str, dict[str, ast.Call]] = defaultdict(dict)
    for path in sorted(ROOT.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                named[name][path.relative_to(ROOT).as_posix()] = node
    return named


def test_only_the_ledger_fills_the_document(calls: dict[str, dict[str, ast.Call]]) -> None:
    assert set(calls["content"]) == {"audits/result/ledger.py"}
    assert set(calls["Ledger"]) == {"audits/result/build.py"}


def test_only_the_bundle_writes_tables_and_only_the_pipeline_makes_audits(
    calls: dict[str, dict[str, ast.Call]],
) -> None:
    writers = ("to_parquet", "to_json", "to_excel", "to_feather", "to_html")
    written = {file for name in writers for file in calls[name]}
    assert written - {"present/figure.py"} <= {"audits/runs/bundle.py", *sql_builders()}
    # Lists of labels and answers are files of their own: they are filled in by people.
    assert set(calls["to_csv"]) == {
        "audits/preparation/contact_labels.py",
        "cli/experiment_files.py",
    }
    made = calls["Audit"]
    assert set(made) == {"audits/pipeline.py"}
    parts = {word.arg: word.value for word in made["audits/pipeline.py"].keywords}
    assert ast.unparse(parts["tables"]).startswith("build_tables(")
    assert ast.unparse(parts["document"]).startswith("with_findings(document")


def sql_builders() -> set[str]:
    """Files with a function `to_json` of their own, which writes SQL."""
    return {"log/sources/recipes/fields.py"}


def test_every_table_leaves_through_the_ledger() -> None:
    tree = ast.parse((ROOT / "audits/result/build.py").read_text("utf-8"))
    build = next(n for n in tree.body if getattr(n, "name", "") == "build_tables")
    assert isinstance(build, ast.FunctionDef)
    returned = [ast.unparse(node) for node in ast.walk(build) if isinstance(node, ast.Return)]
    assert returned == [
        "return {name: ledger.table(name, table) for name, table in tables.items()}"
    ]


def test_no_page_draws_from_a_working_table() -> None:
    """`Journeys.edge_counts` and `edges` hold every rare transition; pages draw `public_edges`."""
    touched = set()
    for room in SHOWN_IN:
        for path in sorted((ROOT / room).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Attribute) and node.attr in {"edge_counts", "edges"}:
                    touched.add(path.relative_to(ROOT).as_posix())
    assert touched == set()


def test_a_table_or_column_without_a_rule_does_not_leave() -> None:
    with pytest.raises(ValueError, match="what may be shown of letters"):
        Ledger(10).table("letters", pd.DataFrame({"customers": [20]}))
    with pytest.raises(ValueError, match="variants, first_names"):
        Ledger(10).table("variants", pd.DataFrame({"customers": [20], "first_names": ["A"]}))


def test_rows_of_few_and_numbers_of_few_stay_inside() -> None:
    moves = pd.DataFrame({"customers": [9, 10, 30], "tied": [0, 1, 10]})
    shown = Ledger(10).table("transitions", moves)
    assert shown["customers"].tolist() == [10, 30]
    assert shown["tied"].tolist() == [pd.NA, 10]
    # Where small cells are permitted all of it leaves.
    assert Ledger(1).table("transitions", moves)["tied"].tolist() == [0, 1, 10]


def test_every_rule_is_of_a_table_that_is_written(telecom_audit: jl.Audit) -> None:
    assert set(telecom_audit.tables) == set(RULES)
    for name, table in telecom_audit.tables.items():
        assert set(table.columns) == set(RULES[name].columns), name
