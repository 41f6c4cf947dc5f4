"""Measured text: as wide as the font says, and never wider on paper than in any font."""

from pathlib import Path

import pytest

from journeylib.present.drawing import svg
from journeylib.present.drawing.font_metrics import ANY, ARIAL

FONTS = Path("/usr/share/fonts/truetype/liberation")
SAID = "Störungsannahme: „Größe“ – 12,5 % (n = 1.321) → Kündigungsbestätigung ñ Ł"


@pytest.mark.parametrize("bold", [False, True])
def test_advances_are_those_of_the_font(bold):
    ttf = pytest.importorskip("fontTools.ttLib")
    file = FONTS / f"LiberationSans-{'Bold' if bold else 'Regular'}.ttf"
    if not file.is_file():
        pytest.skip("needs Liberation Sans where Debian puts it")
    font = ttf.TTFont(file)
    glyphs, widths = font.getBestCmap(), font["hmtx"]
    table = ARIAL.bold if bold else ARIAL.regular
    for char, width in table.items():
        assert width == pytest.approx(widths[glyphs[ord(char)]][0] / 2048, abs=0.0006), char
    true = sum(widths[glyphs[ord(char)]][0] for char in SAID) / 2048
    assert true <= ARIAL.width(SAID, bold=bold) <= 1.02 * true


def test_a_known_font_is_measured_narrower_than_any():
    assert ARIAL.width(SAID) < 0.9 * ANY.width(SAID)


def test_letters_with_marks_count_as_their_letters_and_unknown_ones_as_wide():
    assert ARIAL.width("ě") == ARIAL.width("e")
    assert ARIAL.width("e\u030c") == ARIAL.width("e")
    assert ARIAL.width("★") >= 1 and ARIAL.width("漢") >= 1


def test_lines_fit_in_the_face_they_are_broken_for():
    for face in (ANY, ARIAL):
        lines = svg.wrap(SAID, 200, 16, lines=9, face=face)
        assert all(svg.text_width(line, 16, face=face) <= 200 for line in lines)
        assert "…" not in "".join(lines)
