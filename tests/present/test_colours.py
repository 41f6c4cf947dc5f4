"""Colours as a browser renders them, as people see them who see fewer; and never colour alone."""

import itertools
import re

import numpy as np
import pytest

from journeylib.present.drawing.svg import marker
from journeylib.present.maps.journey_map import Overlay, draw_map
from journeylib.present.maps.layout import MapOptions
from journeylib.present.theme import DARK, LIGHT, VERDICTS
from tests.present import frames
from tests.present.test_browser import CHROMIUM

# Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB.
SEEN_AS = {
    "trichromat": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}
# Ottosson's OKLab (2020): distances between colours as they look, here times 100.
TO_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
# About 2 is just noticeable between patches side by side; thin lines need several times that.
APART = 7.0
STYLES = """
() => {
  const of = (kind, what) => {
    const node = document.querySelector(`.jl-svg ${kind}`)
    return getComputedStyle(node)[what]
  }
  return {
    flow: of('.jl-flow', 'stroke'), back: of('.jl-back', 'stroke'),
    up: of('.jl-up', 'fill'), down: of('.jl-down', 'fill'),
    good: of('.jl-box.jl-good', 'stroke'), bad: of('.jl-box.jl-bad', 'stroke'),
    ground: of('.jl-box', 'fill'),
    onward: of('.jl-flow', 'strokeDasharray'), returning: of('.jl-back', 'strokeDasharray'),
    goodMarks: [...document.querySelectorAll('g:has(> .jl-good)')].map(
      g => [g.querySelectorAll('.jl-up').length, g.querySelectorAll('.jl-down').length]),
    badMarks: [...document.querySelectorAll('g:has(> .jl-bad)')].map(
      g => [g.querySelectorAll('.jl-up').length, g.querySelectorAll('.jl-down').length]),
  }
}
"""


def looks(colour, eye):
    """Return a CSS colour in OKLab as an eye sees it."""
    levels = np.array([int(part) / 255 for part in re.findall(r"\d+", colour)[:3]])
    linear = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)
    return TO_LAB @ np.cbrt(TO_LMS @ np.clip(SEEN_AS[eye] @ linear, 0, 1))


def distance(one, other, eye="trichromat"):
    return 100 * float(np.linalg.norm(looks(one, eye) - looks(other, eye)))


def test_the_distance_is_that_of_known_colours():
    assert distance("rgb(0,0,0)", "rgb(255,255,255)") == pytest.approx(100, abs=0.01)
    # Red and green of one lightness: far apart, but not for those who lack the red or green cones.
    red, green = "rgb(200,90,60)", "rgb(110,125,60)"
    assert distance(red, green) > 12
    assert distance(red, green, "deuteranopia") < 0.5 * distance(red, green)


@pytest.fixture(scope="module")
def styles(tmp_path_factory):
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    scores = frames.scores()
    figure = draw_map(
        frames.touchpoints(),
        frames.transitions(),
        Overlay(
            experience=frames.experience(),
            verdicts=dict(zip(scores["touchpoint"], scores["verdict"], strict=True)),
            journeys=frames.JOURNEYS,
        ),
        options=MapOptions(stage_order=frames.STAGES, channel_order=frames.CHANNELS),
    )
    file = figure.save(tmp_path_factory.mktemp("colours") / "map.html")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        found = {}
        for theme in ("light", "dark"):
            page = browser.new_page(color_scheme=theme)
            page.goto(file.as_uri())
            found[theme] = page.evaluate(STYLES)
        browser.close()
    return found


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium on the path")
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_what_colours_tell_in_a_map_everybody_can_tell(theme, styles):
    seen = styles[theme]
    for eye in SEEN_AS:
        for one, other in (("flow", "back"), ("up", "down"), ("good", "bad")):
            assert distance(seen[one], seen[other], eye) > APART, (eye, one, other)
        for mark in ("flow", "back", "up", "down", "good", "bad"):
            assert distance(seen[mark], seen["ground"], eye) > 3 * APART, (eye, mark)
    # And nothing is told by colour alone: ways back are broken lines, feelings are triangles.
    assert seen["onward"] == "none"
    assert seen["returning"] != "none"
    assert seen["goodMarks"] and {tuple(marks) for marks in seen["goodMarks"]} == {(1, 0)}
    assert seen["badMarks"] and {tuple(marks) for marks in seen["badMarks"]} == {(0, 1)}


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("eye", SEEN_AS)
def test_the_colours_of_verdicts_stay_apart_for_everybody(eye, palette):
    colours = {code: f"rgb{tuple(bytes.fromhex(palette[code][1:]))}" for code in VERDICTS}
    for one, other in itertools.combinations(colours, 2):
        assert distance(colours[one], colours[other], eye) > APART, (one, other)


def test_every_verdict_has_a_shape_of_its_own():
    """Colour never tells a verdict alone."""
    drawn = {code: marker(one.shape, 0, 0, 5, "x") for code, one in VERDICTS.items()}
    for one, other in itertools.combinations(drawn, 2):
        assert drawn[one] != drawn[other]
    assert len({one.glyph for one in VERDICTS.values()}) == len(VERDICTS)
