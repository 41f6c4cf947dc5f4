"""Every number of two runs, one after the other: none moves for one to nine customers.

No list of numbers is kept by hand: the documents are walked, and what may move is named with
its reason.
"""

from __future__ import annotations

import html
import json
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import nbformat
import pandas as pd
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

import journeylib as jl
from journeylib import present
from journeylib.cli.run_notebook import _keep_pictures
from tests.conftest import TELECOM

MINIMUM = 10
# What may differ where one to nine customers left the log.
OF_THE_RUN = {
    "audit.run_id": "names the run: it holds the hash of the log",
    "audit.log_hash": "of the log as it is",
    "comparison.note": "tells of the run before, by its day",
    "comparison.previous": "is the run before",
}
# Whole numbers that count neither customers nor what they did.
NO_CASES = {
    "structure.maps.ledger.shown": "touchpoints of a map, in the row of touchpoints",
    "structure.maps.ledger.folded": "touchpoints of a map, in the row of touchpoints",
    "structure.maps.ledger.total": "touchpoints of a map, in the row of touchpoints",
    "log.suppressed_cells": "rows that are not shown",
    "structure.suppressed": "touchpoints that are not shown",
    "cut_sensitivity.verdicts_changed": "touchpoints",
    "cut_sensitivity.verdicts_compared": "touchpoints",
    "axes.touchpoints": "touchpoints",
    "comparison.references": "periods",
    "decisions.bots.worst.limit": "is declared",
}
BASES = ("n_customers", "n_journeys")
OF_JOURNEYS = ("n_journeys",)  # how they end, whoever lived them
WORDS = ("touchpoint", "source", "target", "segment", "name", "kind", "outcome", "end", "check",
         "role", "what", "figure", "risk", "weighting", "place", "after", "id", "cut", "factor",
         "threshold", "moves", "touchpoints", "conforming", "kept", "step", "order", "detector",
         "language")  # fmt: skip


class Runs(NamedTuple):
    """A run of the telecom sample, and one after it without some of its customers."""

    first: jl.Audit
    second: jl.Audit


def without(customers: list[str], folder: Path) -> Path:
    """Write the telecom sample without some customers; return its configuration."""
    shutil.copytree(TELECOM.parent, folder)
    for name in ("contacts", "outcomes"):
        rows = pd.read_csv(folder / f"{name}.csv", dtype=str, keep_default_na=False)
        rows = rows[~rows["customer_id"].isin(customers)]
        rows.to_csv(folder / f"{name}.csv", index=False)
    return folder / "audit.yaml"


def busiest() -> list[str]:
    """Return the customers of the telecom sample, those of most touchpoints first."""
    rows = pd.read_csv(TELECOM.parent / "contacts.csv", dtype=str)
    counts = rows.groupby("customer_id")["touchpoint"].nunique().reset_index()
    order = counts.sort_values(["touchpoint", "customer_id"], ascending=[False, True])
    return [str(name) for name in order["customer_id"]]


@pytest.fixture(scope="module")
def few(telecom_audit: jl.Audit, tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """Nine customers left who were at most touchpoints: every part of the document knew them."""
    home = tmp_path_factory.mktemp("few")
    jl.save(telecom_audit, home)
    config = without(busiest()[: MINIMUM - 1], home / "without")
    return Runs(telecom_audit, jl.audit(config, history=home))


@pytest.fixture(scope="module")
def many(telecom_audit: jl.Audit, tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """Sixty of all sorts left: most numbers are new, those that few changed are not."""
    home = tmp_path_factory.mktemp("many")
    jl.save(telecom_audit, home)
    config = without(sorted(busiest())[::30], home / "without")
    return Runs(telecom_audit, jl.audit(config, history=home))


def leaves(part: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every value of a document with its path; rows are told apart by their place."""
    if isinstance(part, Mapping):
        for name, inside in part.items():
            yield from leaves(inside, f"{path}.{name}" if path else name)
    elif isinstance(part, list):
        for number, inside in enumerate(part):
            yield from leaves(inside, f"{path}[{number}]")
    else:
        yield path, part


def pattern(path: str) -> str:
    return re.sub(r"\[\d+\]", "", path)


def test_no_number_of_the_document_moves_for_nine_customers(few: Runs) -> None:
    """Numbers, and sentences with them: each value is that of the run before."""
    first, second = (dict(leaves(run.document)) for run in few)
    assert few.first.log_hash != few.second.log_hash
    assert len(few.second.journeys.events) < len(few.first.journeys.events) - MINIMUM
    moved = {
        pattern(path)
        for path in first.keys() | second.keys()
        if first.get(path) != second.get(path)
    }
    assert not moved - OF_THE_RUN.keys()
    assert len(first) > 10_000  # the walk saw the document


def test_no_table_moves_for_nine_customers(few: Runs) -> None:
    for name, table in few.first.tables.items():
        pd.testing.assert_frame_equal(few.second.tables[name], table)


def counts(now: Any, last: Any, path: str = "") -> Iterator[tuple[str, int]]:
    """Yield by how much each whole number, and the cases of each share, differ."""
    if isinstance(now, Mapping) and isinstance(last, Mapping):
        for name in now.keys() & last.keys():
            yield from counts(now[name], last[name], f"{path}.{name}" if path else name)
        # A lower bound is in tens, and has no interval.
        exact = [one.get(end) for one in (now, last) for end in ("value", "lo")]
        if now.get("unit") == "share" and None not in exact:
            for base in OF_JOURNEYS if path == "structure.ends.share" else BASES:
                # Those of a model are no whole numbers.
                cases = [one["value"] * one[base] for one in (now, last)]
                yield f"{path}.value", round(abs(cases[0] - cases[1]))
    elif isinstance(now, list) and isinstance(last, list):
        rows = {key(row, number): row for number, row in enumerate(last)}
        for number, row in enumerate(now):
            if (same := rows.get(key(row, number))) is not None:
                yield from counts(row, same, path)
    elif type(now) is int and type(last) is int:
        yield path, abs(now - last)


def key(row: Any, number: int) -> tuple[str, ...]:
    """Return what a row is named by; values have their place alone."""
    if not isinstance(row, Mapping):
        return (str(number),)
    return tuple(str(row[name]) for name in WORDS if name in row)


def test_no_count_of_the_document_moves_by_less_than_ten(many: Runs) -> None:
    """Where sixty left, each count and the cases of each share stay, or differ by ten or more."""
    differ = list(counts(many.second.document, many.first.document))
    assert sum(by >= MINIMUM for _, by in differ) > 100
    few = {path for path, by in differ if 0 < by < MINIMUM} - NO_CASES.keys()
    # A difference or a fit is no share of cases.
    assert not {path for path in few if ".effect." not in path and ".gain." not in path}


def words(page: str) -> str:
    """Return what a reader sees of a page."""
    page = re.sub(r"<(style|script)\b.*?</\1>", " ", page, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


@pytest.mark.parametrize("section", "ABCDEFGHIL")
def test_no_word_of_the_appendix_moves_for_nine_customers(few: Runs, section: str) -> None:
    pages = [words(present.appendix(run, section).html) for run in few]
    assert pages[0] == pages[1]


def test_no_word_of_the_first_screens_moves_for_nine_customers(few: Runs) -> None:
    for view in (present.now, present.touchpoints):
        pages = [words(view(run).html) for run in few]
        assert pages[0] == pages[1]


def test_nothing_is_new_in_the_portfolio(few: Runs) -> None:
    """What moves a worth most is in no document: it is left out, and nothing takes its place."""
    pages = [set(words(present.appendix(run, "J").html).split()) for run in few]
    assert not pages[1] - pages[0]


def test_the_comparison_says_that_all_stays(few: Runs, many: Runs) -> None:
    day = few.first.as_of.isoformat()
    note = few.second.document["comparison"]["note"]
    assert f"All numbers stay as in the run as of {day}: fewer than 10 customers" in note
    note = many.second.document["comparison"]["note"]
    assert f"A number stays as in the run as of {day} where fewer than 10 customers" in note


def test_maps_are_those_of_the_run_before_where_all_its_numbers_stay(tmp_path: Path) -> None:
    """Cells that draw journeys have its outputs; others, and those that failed there, today's."""
    sources = {"show.journey_map(audit)": "map", 'show.appendix(audit, "K")': "changes",
               "show.experience(audit)": "line", "show.now(audit)\n": "now"}  # fmt: skip

    def run(folder: Path, day: str) -> None:
        folder.mkdir()
        cells = []
        for source, name in sources.items():
            cells.append(new_code_cell("jl.audit()\n" * (name == "now") + source))
            cells[-1].outputs = [new_output("display_data", {"text/plain": f"{name} of {day}"})]
        if day == "Monday":
            cells[2].outputs = [new_output("error", ename="ValueError", evalue="", traceback=[])]
        nbformat.write(new_notebook(cells=cells), folder / "audit.ipynb")

    def drawn(before: str | None) -> list[str]:
        manifest = json.dumps({"unchanged_since": before})
        (tmp_path / "now" / "manifest.json").write_text(manifest, encoding="utf-8")
        _keep_pictures(tmp_path / "now", tmp_path)
        cells = nbformat.read(tmp_path / "now" / "audit.ipynb", as_version=4).cells
        return [cell.outputs[0]["data"]["text/plain"] for cell in cells]

    run(tmp_path / "last", "Monday")
    run(tmp_path / "now", "Tuesday")
    today = [f"{name} of Tuesday" for name in ("map", "changes", "line", "now")]
    assert drawn(None) == drawn("gone") == today
    assert drawn("last") == ["map of Monday", *today[1:]]
