"""Customers to a file: all of them, only once, only there."""

from __future__ import annotations

import csv
import stat

import pytest

import journeylib as jl
from journeylib.journeys.filters import export as customers


@pytest.fixture
def journeys(log_of):
    rows = [(f"Mrs {name}", 0, place) for name in ("Z", "B, C", "A") for place in ("Web", "Call")]
    rows.append(("Mr Q", 0, "Web"))
    return jl.rebuild(log_of(*rows), jl.JourneySettings(cut="customer"))


def test_those_who_are_asked_for_are_in_the_file_and_nowhere_else(journeys, tmp_path, capsys):
    target = tmp_path / "who.csv"
    assert jl.write_customers(journeys.passing("Call"), target) is None
    with target.open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file)) == [["customer"], ["Mrs A"], ["Mrs B, C"], ["Mrs Z"]]
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert capsys.readouterr() == ("", "")
    assert [path.name for path in tmp_path.iterdir()] == ["who.csv"]


def test_what_is_there_stays(journeys, tmp_path):
    target = tmp_path / "who.csv"
    target.write_text("mine")
    with pytest.raises(jl.RunError, match="already there and is not overwritten"):
        jl.write_customers(journeys, target)
    assert target.read_text() == "mine"
    with pytest.raises(jl.RunError, match="no folder"):
        jl.write_customers(journeys, tmp_path / "none" / "who.csv")


def test_nothing_is_left_half_written(journeys, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(customers.os, "link", full)
    with pytest.raises(jl.RunError, match="cannot be written: No space left") as error:
        jl.write_customers(journeys, tmp_path / "who.csv")
    assert "Mrs" not in str(error.value)
    assert list(tmp_path.iterdir()) == []
