"""Pictures where no SVG goes: colours, words and paper."""

from __future__ import annotations

import io
import itertools
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from journeylib.present.drawing import browser, svg
from journeylib.present.drawing import images as picture
from journeylib.present.theme import LIGHT, VERDICTS


def drawn(parts: str, size: int = 40) -> Image.Image:
    """Draw parts on a square of `size`, one pixel a unit."""
    code = f'<svg class="jl jl-svg" viewBox="0 0 {size} {size}">{parts}</svg>'
    return Image.open(io.BytesIO(picture.png(code, width=size))).convert("RGB")


@pytest.mark.parametrize("code", VERDICTS)
def test_verdicts_keep_their_colour_however_small_in_a_large_picture(code: str) -> None:
    others = "".join(
        svg.verdict_marker(other, 60 + 30 * (place % 10), 60 + 30 * (place // 10), 12)
        for place, other in enumerate([other for other in VERDICTS if other != code] * 20)
    )
    found = drawn(others + svg.verdict_marker(code, 20, 20, 3), 400).getpixel((20, 20))
    assert "#{:02X}{:02X}{:02X}".format(*found) == LIGHT[code]


def test_a_picture_has_few_colours_and_is_the_same_each_time() -> None:
    code = '<svg class="jl jl-svg" viewBox="0 0 80 30"><text x="4" y="20">Größe</text></svg>'
    first = picture.png(code, width=800)
    assert first == picture.png(code, width=800)
    image = Image.open(io.BytesIO(first))
    assert image.convert("RGB").getpixel((799, 0)) == (255, 255, 255)
    assert image.size == (800, 300) and len(image.getcolors()) <= picture.COLOURS


def test_words_are_drawn_on_a_machine_without_fonts(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(picture._fonts()) == len(picture.FONTS)
    assert drawn("").getcolors() != drawn('<text x="5" y="25">Fault</text>').getcolors()


def test_without_a_browser_there_is_a_reason_instead_of_a_pdf(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browser, "BROWSERS", ())
    assert browser.pdf(tmp_path / "page.html") == (
        None, "No PDF: no Chromium or Chrome was found on this machine.",
    )  # fmt: skip
    monkeypatch.setattr(browser, "BROWSERS", ("false",))
    assert browser.pdf(tmp_path / "page.html")[1] == "No PDF: false failed (EOFError)."


def test_a_browser_that_never_answers_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mute").write_text("#!/bin/sh\nsleep 600\n:\n", "utf-8")
    (tmp_path / "mute").chmod(0o755)
    monkeypatch.setenv(browser.NAMED_BROWSER, str(tmp_path / "mute"))
    monkeypatch.setattr(browser, "PDF_SECONDS", 0.1)
    assert browser.pdf(tmp_path / "page.html")[1] == "No PDF: mute failed (EOFError)."


@pytest.mark.browser
@pytest.mark.skipif(
    not any(map(shutil.which, browser.BROWSERS)), reason="needs Chromium on the path"
)
def test_the_same_page_gives_the_same_pdf(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("<!DOCTYPE html><title>x</title><h1>Gr\u00f6\u00dfe</h1>", "utf-8")
    first, why = browser.pdf(page)
    assert why == "" and first is not None and first.startswith(b"%PDF-")
    assert b"D:20000101000000" in first
    assert first == browser.pdf(page)[0]


def test_no_two_marks_of_verdicts_are_alike_without_colour() -> None:
    marks = [(code, leaning) for code in VERDICTS for leaning in (False, True)]
    marks.remove(("abstain", True))  # it leans to nothing
    inked = {
        (code, leaning): np.array(
            drawn(svg.verdict_marker(code, 20, 20, 12, leaning=leaning)).convert("L")
        )
        < 200
        for code, leaning in marks
    }
    for one, other in itertools.combinations(marks, 2):
        apart = (inked[one] ^ inked[other]).sum() / (inked[one] | inked[other]).sum()
        assert apart > 0.1, (one, other)
