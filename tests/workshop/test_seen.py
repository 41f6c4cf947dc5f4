"""The artefacts in a real browser: no overlap, no cut text, keys, accessibility."""

import dataclasses
import re

import pytest

from journeylib.core.estimate import Estimate
from journeylib.workshop.content.content import Decision, Moment
from journeylib.workshop.screens import presentation
from journeylib.workshop.sheets import cards, handout, handout_wall_map, poster, poster_wall_map
from tests.present.test_browser import AXE, CHROMIUM, ask, needs_axe
from tests.workshop.voices import voiced

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium on the path"),
]
WHY = "Nach einem guten Besuch ist Kündigung um 21 Punkte seltener (10–31). " * 2
TOWNS = [(12, "en"), (40, "de")]

# Texts beyond the frame of their cell or box, and texts upon texts anywhere on the wall.
CUT = """
var box = e => e.getBoundingClientRect(), slack = 1.5
var answer = [...document.querySelectorAll('.jl-wall .jl-room')].flatMap(g => {
  const frame = box(g.querySelector('rect'))
  return [...g.querySelectorAll('text')].filter(t => { const b = box(t)
    return b.left < frame.left - slack || b.right > frame.right + slack
      || b.top < frame.top - slack || b.bottom > frame.bottom + slack }).map(t => t.textContent)
})
"""
UPON = """
var texts = [...document.querySelectorAll('.jl-wall text')]
  .map(t => [t.textContent, t.getBoundingClientRect()])
answer = answer.concat(texts.flatMap(([name, a], i) => texts.slice(i + 1).filter(([, b]) => {
  const across = Math.min(a.right, b.right) - Math.max(a.left, b.left)
  const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top)
  return across > 1 && down > 0.34 * Math.min(a.height, b.height)
}).map(([other]) => name + ' / ' + other)))
"""
SCREENS = """
var answer = []
document.querySelectorAll('.reveal').forEach(e => e.classList.add('shown'))
document.querySelectorAll('section').forEach((s, i) => { show(i, true)
  const foot = s.querySelector('.foot').getBoundingClientRect()
  const parts = [...s.children].filter(c => c.tagName !== 'ASIDE' && !c.classList.contains('foot'))
  let before = 0
  parts.forEach(part => { const b = part.getBoundingClientRect()
    if (b.top < before - 2) answer.push(s.id + ' upon: ' + part.tagName)
    before = b.bottom })
  if (before > foot.top + 2) answer.push(s.id + ' below: ' + s.getAttribute('aria-label'))
  s.querySelectorAll('.body, .body *').forEach(e => { const b = e.getBoundingClientRect()
    const home = e.closest('.body').getBoundingClientRect()
    if (b.bottom > home.bottom + 3 || b.top < home.top - 3 || b.right > home.right + 3)
      answer.push(s.id + ' out: ' + e.tagName + ' ' + e.textContent.slice(0, 30)) })
})
"""
KEYS = """
var shown = () => document.querySelector('section.on').id
var p = key => {
  document.body.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true}))
  return shown()
}
var answer = {first: shown(), right: p('ArrowRight'), clicker: p('PageDown'), left: p('ArrowLeft'),
  back: p('PageUp'), end: p('End'), home: p('Home'), typed: (p('1'), p('2'), p('Enter')),
  blank: (p('b'), document.getElementById('blank').className),
  timer: (p('t'), timer.className + timer.textContent),
  notes: (p('n'), document.body.classList.contains('notes')),
  theme: (p('d'), document.body.className), hash: location.hash,
  hidden: [...document.querySelectorAll('section')].filter(s => !s.inert).length}
"""


@pytest.fixture(scope="module", params=[*TOWNS, "voiced"], ids=["12 en", "40 de", "voiced"])
def content(request, content_of):
    found = (
        voiced(content_of(40, "de")) if request.param == "voiced" else content_of(*request.param)
    )
    effect = Estimate(-0.334, "share", lo=-0.458, hi=-0.211, n_customers=259, grade="B")
    impact = Estimate(73.1, "journeys/year", lo=46.1, hi=100.1, n_customers=259, grade="B")
    longest = max(found.touchpoints, key=lambda p: len(p.name))
    moment = Moment(longest, "complaint", effect, impact)
    return dataclasses.replace(found, moments=(moment,))


def test_no_text_of_the_poster_leaves_its_frame_or_covers_another(content, tmp_path):
    page = poster(content, poster_wall_map(content), "a0")
    size = "--window-size=4600,3300"
    assert ask(page, CUT + UPON, tmp_path, size) == []


def over_the_pages(page, tmp_path):
    """Return how far each page of a handout is overfull, down and across."""
    script = (
        "var answer=[...document.querySelectorAll('.sheet')]"
        ".map(s=>[s.scrollHeight-s.clientHeight,s.scrollWidth-s.clientWidth])"
    )
    return ask(page, script, tmp_path)


def test_the_handout_fits_its_pages(content, tmp_path):
    page = handout(content, handout_wall_map(content))
    assert all(over <= 1 for pair in over_the_pages(page, tmp_path) for over in pair)


def test_a_handout_with_all_that_a_log_can_say_fits_its_pages(content_of, tmp_path):
    found = dataclasses.replace(voiced(content_of(12, "de")), notes=())
    asked = tuple(
        Decision(
            "repair", (p.name,), f"{p.name} reparieren, bevor Sie es tun", WHY, "C · 57 Kunden"
        )
        for p in found.touchpoints[:5]
    )
    longest = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"
    stages = tuple(
        dataclasses.replace(
            found.stages[0],
            name=f"Phase {i}",
            touchpoints=(dataclasses.replace(point, name=longest if i == 6 else point.name),),
        )
        for i, point in enumerate(found.touchpoints[:7])
    )
    felt = Estimate(-0.5, "feeling", lo=-0.6, hi=-0.4, n_customers=45)
    segments = tuple(
        dataclasses.replace(
            segment,
            stages={stage.name: (0.9, 38) for stage in stages},
            feelings={stage.touchpoints[0].name: felt for stage in stages},
        )
        for segment in (*found.segments, found.segments[0])
    )
    full = dataclasses.replace(
        found,
        first_screen=dataclasses.replace(found.first_screen, decisions=asked),
        stages=stages,
        segments=segments,
        stories=found.stories[:1] * 6,
    )
    page = handout(full, handout_wall_map(found))
    assert all(over <= 1 for pair in over_the_pages(page, tmp_path) for over in pair)


def test_no_card_is_cut(content, tmp_path):
    script = (
        "var answer=[...document.querySelectorAll('.card')]"
        ".filter(c=>c.scrollHeight>c.clientHeight+1||c.scrollWidth>c.clientWidth+1)"
        ".map(c=>c.textContent.slice(0,40))"
    )
    assert ask(cards(content), script, tmp_path) == []


def test_no_screen_overflows(content, tmp_path):
    assert ask(presentation(content), SCREENS, tmp_path, "--window-size=1920,1080") == []


@pytest.mark.parametrize("crowded", [False, True])
def test_no_screen_overflows_where_decisions_leave_few_screens(content_of, crowded, tmp_path):
    found = voiced(content_of(40, "de"))
    asked = tuple(
        Decision(
            "repair", (p.name,), f"{p.name} reparieren, bevor Sie es tun", WHY, "C · 57 Kunden"
        )
        for p in found.touchpoints[:5]
    )
    screen = dataclasses.replace(found.first_screen, decisions=asked)
    stages = found.stages
    if crowded:
        every = found.touchpoints
        stages = tuple(dataclasses.replace(stage, touchpoints=every) for stage in stages)
    page = presentation(dataclasses.replace(found, first_screen=screen, stages=stages))
    # What decisions are about comes first; of a stage each shows one screen and counts the rest.
    titles = re.findall(r'<section id="\d+".*?aria-label="([^"]+)"', page)
    heads = [title for title in titles if title.endswith("Kunden")]
    assert asked[0].touchpoints[0] in titles and len(heads) == len(stages)
    shown, more = re.search(
        r"Die (\d+) Kontaktpunkte .*; (\d+) weitere werden nicht", page
    ).groups()
    assert 6 <= int(shown) <= 12 and int(shown) + int(more) == (40 if crowded else 10)
    assert not any(title.endswith("Kunden (2)") for title in titles)
    # A browser that prints what it shows is 143 pixels lower than its window: this is 16:9.
    assert ask(page, SCREENS, tmp_path, "--window-size=1920,1223") == []


def test_the_search_for_overlaps_finds_what_is_made_too_large(content_of, tmp_path):
    found = content_of(12, "en")
    page = poster(found, poster_wall_map(found), "a0")
    page = page.replace("</style>", ".jl-wall text{font-size:34px!important}</style>", 1)
    assert len(ask(page, CUT + UPON, tmp_path, "--window-size=4600,3300")) > 10
    page = presentation(found).replace(
        "</style>", "ul.points b{font-size:9vw!important}</style>", 1
    )
    assert len(ask(page, SCREENS, tmp_path, "--window-size=1920,1080")) > 2


def test_keys_and_clickers_drive_the_presentation(content_of, tmp_path):
    found = ask(presentation(content_of(12, "en")), KEYS, tmp_path, "--window-size=1280,800")
    assert [found[key] for key in ("first", "right", "clicker", "left", "back")] == [
        "1", "2", "3", "2", "1",
    ]  # fmt: skip
    assert int(found["end"]) > 12 and found["home"] == "1" and found["typed"] == "12"
    assert found["blank"] == "on" and found["timer"] == "on0:00" and found["notes"]
    assert "jl-dark" in found["theme"] or "jl-light" in found["theme"]
    assert found["hash"] == "#12" and found["hidden"] == 1


@needs_axe
@pytest.mark.parametrize("theme", ["jl-light", "jl-dark"])
def test_axe_finds_no_serious_violation_on_any_screen(content_of, theme, tmp_path):
    page = presentation(content_of(12, "de")).replace('class="jl"', f'class="jl {theme}"', 1)
    # Printed one below the other, all screens are checked at once.
    below = (
        "section{display:flex!important;position:relative!important;height:100vh}"
        ".reveal{visibility:visible!important}body{overflow:auto!important}"
        "aside{display:block!important}</style>"
    )
    page = page.replace("</style>", below, 1)
    script = AXE.read_text(encoding="utf-8").replace("</script", "<\\/script") + (
        ";document.querySelectorAll('section').forEach(s=>s.inert=false);"
        "var answer=axe.run().then(r=>({checked:r.passes.length,violations:r.violations.map("
        "v=>[v.impact,v.id,v.nodes.length,v.nodes[0].html.slice(0,200),v.nodes[0].failureSummary]"
        ")}))"
    )
    result = ask(page, script, tmp_path)
    assert result["checked"] > 10
    assert [v for v in result["violations"] if v[0] in ("serious", "critical")] == []
