"""The dashboard in a real browser: accessibility, and that nothing is wider than the page."""

import html
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from journeylib.cli.run_notebook import run_audit
from journeylib.present.dashboard import render_html
from journeylib.present.theme import DARK, LIGHT
from tests.present.notebook import demo_notebook

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("chrome")
ROOT = Path(__file__).resolve().parents[2]
AXE = Path(os.environ.get("JOURNEYLIB_AXE", ROOT / "node_modules/axe-core/axe.min.js"))

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium on the path"),
]
needs_axe = pytest.mark.skipif(
    not AXE.is_file(), reason="needs axe-core: npm install axe-core, or JOURNEYLIB_AXE=axe.min.js"
)


def browse(page, folder, *options):
    """Open a page headless and return what Chromium prints."""
    file = folder / "page.html"
    file.write_text(page, encoding="utf-8")
    command = [
        CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
        "--no-first-run", "--disable-background-networking", "--disable-component-update",
        "--disable-sync", f"--user-data-dir={folder / 'profile'}", *options, file.as_uri(),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, timeout=120, check=True)
    return done.stdout.decode("utf-8")


def ask(page, script, folder, *options):
    """Run `script` (which assigns `answer`, maybe a promise) in the page; return the answer."""
    page = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page)
    probe = (
        f"<script>{script};Promise.resolve(answer).then(a=>{{const p=document.createElement('pre');"
        "p.id='answer';p.textContent=JSON.stringify(a);document.body.append(p)})</script>"
    )
    end = page.rindex("</body>")
    dom = browse(
        page[:end] + probe + page[end:],
        folder,
        "--dump-dom",
        "--virtual-time-budget=20000",
        *options,
    )
    found = re.search(r'<pre id="answer">(.*?)</pre>', dom, re.DOTALL)
    return json.loads(html.unescape(found.group(1)))


@pytest.fixture(scope="module")
def page():
    return render_html(demo_notebook())


@pytest.fixture(scope="module")
def sample_page(tmp_path_factory):
    """The dashboard of a real run on the sample log."""
    config = ROOT / "sample_data/telecom/audit.yaml"
    run = run_audit(config, out=tmp_path_factory.mktemp("audits"))
    return (run.folder / "audit.html").read_text(encoding="utf-8")


@needs_axe
@pytest.mark.parametrize("source", ["page", "sample_page"])
@pytest.mark.parametrize("theme", ["jl-light", "jl-dark"])
def test_axe_finds_no_serious_violation(request, source, theme, tmp_path):
    page = request.getfixturevalue(source)
    page = page.replace('<body class="jl">', f'<body class="jl {theme}">')
    page = page.replace("<details", "<details open")
    script = AXE.read_text(encoding="utf-8").replace("</script", "<\\/script") + (
        ";var answer=axe.run({resultTypes:['violations']})"
        ".then(r=>({checked:r.passes.length,violations:r.violations.map("
        "v=>[v.impact,v.id,v.nodes.length,v.nodes[0].html.slice(0,200),v.nodes[0].failureSummary]"
        ")}))"
    )
    result = ask(page, script, tmp_path)
    assert result["checked"] > 20
    assert [v for v in result["violations"] if v[0] in ("serious", "critical")] == []


@pytest.mark.parametrize("source", ["page", "sample_page"])
@pytest.mark.parametrize("width", [1400, 600])
def test_nothing_is_wider_than_the_page(request, source, width, tmp_path):
    page = request.getfixturevalue(source)
    script = "var answer=[document.documentElement.scrollWidth,innerWidth]"
    wide, window = ask(page, script, tmp_path, f"--window-size={width},900")
    assert wide <= window


OVERFULL = """
var answer = [...document.querySelectorAll('#journey-map g')]
  .filter(g => g.querySelector('.jl-box'))
  .flatMap(g => {
    const box = g.querySelector('.jl-box').getBBox()
    return [...g.querySelectorAll('text')]
      .filter(t => t.getBBox().x + t.getBBox().width > box.x + box.width)
      .map(t => t.textContent)
  })
"""
OVERLAPS = """
document.querySelector('#quadrant').scrollIntoView({ block: 'center' })
var answer = new Promise(done => setTimeout(() => {
var labels = [...document.querySelectorAll('#quadrant .annotation-text')]
  .map(t => [t.textContent, t.getBoundingClientRect()])
done(labels.flatMap(([name, a], i) => labels.slice(i + 1)
  .filter(([, b]) => a.x < b.x + b.width - 1 && b.x < a.x + a.width - 1
    && a.y + 2 < b.y + b.height - 2 && b.y + 2 < a.y + a.height - 2)
  .map(([other]) => name + ' / ' + other)))
}, 1500))
"""


def test_the_sample_dashboard_is_one_small_file_that_asks_for_nothing(sample_page):
    assert len(sample_page.encode("utf-8")) < 2_000_000
    assert "default-src 'none'" in sample_page
    body, *scripts = sample_page.split("<script>")
    assert len(scripts) == 2
    assert re.search(r"<script|<link|<iframe|url\(|src=.http", body) is None


def test_no_box_of_the_map_is_overfull(page, tmp_path):
    assert ask(page, OVERFULL, tmp_path) == []


@pytest.mark.parametrize("width", [1280, 600])
def test_no_label_of_the_quadrant_overlaps_another_as_drawn(sample_page, width, tmp_path):
    assert ask(sample_page, OVERLAPS, tmp_path, f"--window-size={width},900") == []


def test_the_first_screen_fits_a_window(sample_page, tmp_path):
    script = "var answer=document.querySelector('.jl-now').getBoundingClientRect().bottom"
    assert ask(sample_page, script, tmp_path, "--window-size=1280,1000") <= 1000


def test_a_link_opens_the_page_of_a_touchpoint(sample_page, tmp_path):
    script = (
        "location.hash=document.querySelector('.jl-bots a').hash;"
        "var answer=new Promise(done=>setTimeout(()=>done([...document.querySelectorAll("
        "'details.jl-spot')].filter(one=>one.open).length),500))"
    )
    assert ask(sample_page, script, tmp_path) == 1


GROUND = "chart => chart._fullLayout.paper_bgcolor"
COLOURS = """
chart => chart.data.filter(trace => trace.customdata).flatMap(trace => trace.customdata
  .map((name, i) => [name, trace.marker.color[i]]))
"""
SPOT = """
(chart, name) => {
  const trace = chart.data.find(one => one.customdata?.includes(name))
  const place = trace.customdata.indexOf(name)
  const { xaxis, yaxis } = chart._fullLayout
  return { x: xaxis.l2p(trace.x[place]), y: yaxis.l2p(trace.y[place]) }
}
"""


@pytest.fixture(scope="module")
def visit(sample_page, tmp_path_factory):
    """Open the dashboard from its file, with or without script; say what its console said."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    file = tmp_path_factory.mktemp("offline") / "audit.html"
    file.write_text(sample_page, encoding="utf-8")
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])

        def opened(*, script):
            seen = []
            page = chromium.new_context(java_script_enabled=script).new_page()
            page.on("console", lambda message: seen.append(message.text))
            page.on("pageerror", lambda error: seen.append(str(error)))
            page.on("request", lambda request: seen.append(request.url))
            page.goto(file.as_uri())
            return page, seen

        yield opened
        chromium.close()


def test_filters_work_in_the_offline_file(visit):
    page, seen = visit(script=True)
    rows = page.locator(".jl-serves tbody tr")
    channels = [row.get_attribute("data-channel") for row in rows.all()]
    page.select_option("select[name=channel]", "chatbot")
    assert [row.is_visible() for row in rows.all()] == [one == "chatbot" for one in channels]
    shown = f"{channels.count('chatbot')} of {len(channels)} touchpoints"
    assert shown in page.locator(".jl-filters output").inner_text()
    quadrant = page.locator("#quadrant")
    quadrant.scroll_into_view_if_needed()
    page.wait_for_function("one => one.querySelector('.main-svg')", arg=quadrant.element_handle())
    drawn = quadrant.locator(".jl-chart").evaluate(COLOURS)
    assert {name for name, colour in drawn if colour != LIGHT["line"]} == {
        name for name, _ in drawn if name.startswith("Chatbot")
    }
    page.select_option("select[name=colour]", "feeling")
    felt = dict(quadrant.locator(".jl-chart").evaluate(COLOURS))
    assert felt["Chatbot: billing"] == LIGHT["good"] != dict(drawn)["Chatbot: billing"]
    page.select_option("select[name=channel]", "")
    page.check("input[name=flagged]")
    visible = [row for row in rows.all() if row.is_visible()]
    assert 0 < len(visible) < len(channels)
    assert all("⚑" in row.inner_text() for row in visible)
    assert [url for url in seen if not url.startswith("file:")] == []


def test_a_group_shows_its_customers_and_withholds_small_cells(visit):
    page, seen = visit(script=True)
    rows = page.locator(".jl-serves tbody tr").all()
    before = [row.locator("td").nth(3).inner_text() for row in rows]
    options = page.locator("select[name=group] option").all_inner_texts()
    small = 0
    for place, name in enumerate(options[1:]):
        page.select_option("select[name=group]", name)
        for row, whole in zip(rows, before, strict=True):
            count = row.get_attribute("data-counts").split("|")[place]
            assert row.locator("td").nth(3).inner_text() == (count or "–")
            small += not count
            assert not count or 10 <= int(count.replace(",", "")) <= int(whole.replace(",", ""))
    assert small > 0
    page.select_option("select[name=group]", "all")
    assert [row.locator("td").nth(3).inner_text() for row in rows] == before
    assert len(seen) == 1


def test_a_click_on_a_touchpoint_opens_its_page(visit):
    page, _ = visit(script=True)
    name = "Chatbot: fault"
    fold = page.locator(".jl-spot", has=page.locator("summary b", has_text=name))
    page.locator(f'#journey-map [data-key="{name}"]').dispatch_event("click")
    page.wait_for_function("fold => fold.open", arg=fold.element_handle())
    fold.evaluate("fold => { fold.open = false }")
    quadrant = page.locator("#quadrant")
    quadrant.evaluate("one => one.scrollIntoView({ block: 'center' })")
    page.wait_for_function("one => one.querySelector('.main-svg')", arg=quadrant.element_handle())
    spot = quadrant.locator(".jl-chart").evaluate(SPOT, name)
    area = quadrant.locator(".nsewdrag")
    area.hover(position=spot)
    assert quadrant.locator(".hovertext").text_content().startswith(f"{name}: ")
    area.click(position=spot)
    page.wait_for_function("fold => fold.open", arg=fold.element_handle())


def test_charts_are_drawn_where_they_are_seen_and_say_their_base(visit):
    page, seen = visit(script=True)
    page.emulate_media(color_scheme="dark")
    page.evaluate("document.querySelectorAll('details').forEach(fold => { fold.open = true })")
    figures = page.locator("figure[data-chart]")
    assert figures.count() >= 3
    for figure in figures.all():
        figure.scroll_into_view_if_needed()
        page.wait_for_function("one => one.querySelector('.main-svg')", arg=figure.element_handle())
        assert not figure.locator(".jl-svg").is_visible()
        assert figure.locator(".jl-chart").evaluate(GROUND) == DARK["surface"]
    page.emulate_media(media="print")
    assert figures.first.locator(".jl-svg").is_visible()
    assert len(seen) == 1


def test_without_script_only_the_interaction_is_lost(visit):
    words = "main => main.textContent"
    with_script, _ = visit(script=True)
    without, seen = visit(script=False)
    assert not without.locator(".jl-filters").is_visible()
    assert without.locator(".jl-serves tbody tr:visible").count() > 10
    status = with_script.locator(".jl-filters output").inner_text()
    shown = with_script.locator("main").evaluate(words).replace(status, "", 1)
    assert without.locator("main").text_content() == shown
    assert len(seen) == 1


def test_what_is_folded_is_not_printed(sample_page, tmp_path):
    browse(sample_page, tmp_path, f"--print-to-pdf={tmp_path / 'audit.pdf'}")
    pages = re.findall(rb"/Type\s*/Page\b", (tmp_path / "audit.pdf").read_bytes())
    assert 0 < len(pages) <= 8


def test_the_page_prints_as_a4(page, tmp_path):
    browse(page, tmp_path, f"--print-to-pdf={tmp_path / 'audit.pdf'}")
    pdf = (tmp_path / "audit.pdf").read_bytes()
    boxes = set(re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", pdf))
    assert {(round(float(w)), round(float(h))) for w, h in boxes} == {(595, 842)}
