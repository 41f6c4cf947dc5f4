"""Packs made once: a town of twelve touchpoints and one of forty, in both languages."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

import pytest

import journeylib as jl
from journeylib.audits.runs.bundle import save
from journeylib.workshop.content.content import Content
from journeylib.workshop.content.from_run import read_content
from tests.workshop.town import write_town


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Path]:
    """Return the run directory of a town with so many touchpoints."""

    @functools.cache
    def run(many: int) -> Path:
        folder = tmp_path_factory.mktemp(f"town-{many}")
        return save(jl.audit(write_town(folder, many)), folder / "audits")

    return run


@pytest.fixture(scope="session")
def content_of(town: Callable[[int], Path]) -> Callable[..., Content]:
    """Return the content of a town's workshop."""

    @functools.cache
    def content(many: int = 12, language: str = "de") -> Content:
        return read_content(town(many), language=language)

    return content
