"""The interactive map in a real JupyterLab, and frozen in a page without a kernel."""

import csv
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest

import journeylib as jl
from journeylib.present.theme import DARK, LIGHT
from tests.audits.test_contact_labels import TRACE
from tests.audits.test_contact_labels import write as write_chats
from tests.present import vscode
from tests.present.test_browser import AXE, CHROMIUM, ROOT

playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
pytest.importorskip("jupyterlab", reason="needs JupyterLab")
pytest.importorskip("anywidget", reason="needs anywidget")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium on the path"),
]
# A busy machine is slow, not wrong.
PATIENCE = 120_000
LABELLED = int(os.environ.get("JOURNEYLIB_LABELS", "9"))  # openings of the session
LOCAL = ("http://127.0.0.1", "http://localhost", "ws://127.0.0.1", "ws://localhost")
FLOW = """
([root, words]) => {
  const named = node => !node.hasAttribute('aria-disabled')
    && node.getAttribute('aria-label').startsWith(words)
  for (const node of [...root.querySelectorAll('.jl-item.jl-edge')].filter(named).reverse()) {
    const hit = node.querySelector('.jl-hit')
    for (let share = 0.05; share < 1; share += 0.05) {
      const spot = hit.getPointAtLength(share * hit.getTotalLength())
      const at = spot.matrixTransform(hit.getScreenCTM())
      if (document.elementFromPoint(at.x, at.y)?.closest('.jl-item') === node) {
        return [at.x, at.y, node.getAttribute('aria-label').split(';')[0]]
      }
    }
  }
}
"""
OVERLAPS = """
root => {
  const texts = [...root.querySelectorAll('svg text')]
    .map(text => [text.textContent, text.getBoundingClientRect()])
  return texts.flatMap(([name, a], i) => texts.slice(i + 1)
    .filter(([, b]) => a.x < b.right - 1 && b.x < a.right - 1
      && a.y + 3 < b.bottom && b.y + 3 < a.bottom)
    .map(([other]) => `${name} / ${other}`))
}
"""
OVERFULL = """
root => [...root.querySelectorAll('.jl-item:has(.jl-box)')].flatMap(g => {
  const box = g.querySelector('.jl-box').getBoundingClientRect()
  return [...g.querySelectorAll('text')].filter(t => t.getBoundingClientRect().right > box.right)
    .map(t => t.textContent)
})
"""
GROUND = """
root => '#' + getComputedStyle(root).backgroundColor.match(/\\d+/g)
  .map(part => Number(part).toString(16).padStart(2, '0')).join('')
"""
UNCOVERED = """
root => {
  const under = root.closest('.cell-output-ipywidget-background').getBoundingClientRect()
  const shown = root.getBoundingClientRect()
  const sides = ['top', 'right', 'bottom', 'left']
  return Math.max(...sides.map(side => Math.abs(under[side] - shown[side])))
}
"""
# JupyterLab first opens what was open before: another notebook must not be run in its place.
LABEL_SHOWN = """
() => {
  const shown = window.jupyterapp?.shell.currentWidget
  return shown?.context?.path === 'label.ipynb' && shown.content.widgets.length
}
"""
RUN = """
async source => {
  const app = window.jupyterapp, notebook = app.shell.currentWidget.content
  notebook.activeCellIndex = notebook.widgets.length - 1
  await app.commands.execute('notebook:insert-cell-below')
  notebook.activeCell.model.sharedModel.setSource(source)
  await app.commands.execute('notebook:run-cell')
  const outputs = notebook.activeCell.model.outputs.toJSON()
  return outputs.map(({ data, ...rest }) => data?.['text/plain'] ?? JSON.stringify(rest)).join()
}
"""


def serious(page, root):
    """Return what axe finds of weight in the element `root`."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("root => axe.run(root)", root.element_handle())
    assert len(found["passes"]) > 5
    return [
        (one["id"], one["nodes"][0]["html"][:200])
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
    ]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Where screenshots are kept: the folder that JOURNEYLIB_PICTURES names, else a passing one."""
    folder = Path(os.environ.get("JOURNEYLIB_PICTURES", tmp_path_factory.mktemp("pictures")))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def browser():
    playwright.expect.set_options(timeout=PATIENCE)
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A JupyterLab on a folder with the notebook and the sample, as a checkout has them."""
    home = tmp_path_factory.mktemp("lab")
    (home / "notebooks").mkdir()
    shutil.copytree(ROOT / "sample_data/telecom", home / "sample_data/telecom")
    clear = "--ClearOutputPreprocessor.enabled=True"
    convert = [sys.executable, "-m", "nbconvert", "--to", "notebook", clear]
    stored = str(ROOT / "notebooks/explore.ipynb")
    where = f"--output-dir={home / 'notebooks'}"
    subprocess.run([*convert, where, stored], check=True, capture_output=True, timeout=60)
    if not vscode.missing():
        vscode.furnish(home / "static")
    quiet = home / "settings/@jupyterlab/apputils-extension/notification.jupyterlab-settings"
    quiet.parent.mkdir(parents=True)
    quiet.write_text('{"fetchNews": "false"}', encoding="utf-8")
    settings = {
        "PYTHONPATH": str(ROOT),
        **{f"JUPYTER_{name}": str(home / name) for name in ("CONFIG_DIR", "RUNTIME_DIR")},
    }
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--port=0",
        "--IdentityProvider.token=", "--ServerApp.password=",
        "--LabApp.expose_app_in_browser=True", f"--ServerApp.root_dir={home / 'notebooks'}",
        f"--LabApp.user_settings_dir={home / 'settings'}",
        f"--ServerApp.extra_static_paths={home / 'static'}",
        f"--LabApp.workspaces_dir={home / 'workspaces'}",
    ]  # fmt: skip
    with (home / "lab.log").open("w") as log:
        server = subprocess.Popen(
            command, env=os.environ | settings, stderr=log, stdout=log, start_new_session=True
        )
        try:
            yield address(home / "lab.log", server), home / "notebooks"
        finally:
            os.killpg(server.pid, signal.SIGTERM)
            server.wait(timeout=30)


def address(log, server):
    for _ in range(240):
        if found := re.search(r"http://(?:localhost|127\.0\.0\.1):\d+", log.read_text()):
            return found[0]
        assert server.poll() is None, log.read_text()
        time.sleep(0.25)
    raise AssertionError(log.read_text())


@pytest.fixture(scope="module")
def page(lab, browser):
    """The notebook, run as a whole."""
    url, _folder = lab
    context = browser.new_context(viewport={"width": 1500, "height": 1300})
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.heard, page.asked = [], []
    page.on("console", lambda said: said.type == "error" and page.heard.append(said.text))
    page.on("pageerror", lambda error: page.heard.append(str(error)))
    page.on("request", lambda request: page.asked.append(request.url))
    page.goto(f"{url}/lab/tree/explore.ipynb")
    page.wait_for_function("window.jupyterapp?.shell.currentWidget?.content?.widgets?.length > 9")
    page.evaluate("jupyterapp.shell.currentWidget.context.sessionContext.ready")
    page.evaluate("jupyterapp.commands.execute('notebook:run-all-cells')")
    page.locator(".jl-explore .jl-item").first.wait_for()
    yield page
    context.close()


def test_the_map_in_jupyterlab(page, pictures):
    explorer = page.locator(".jl-explore").first
    explorer.scroll_into_view_if_needed()
    finding, code = explorer.locator(".jl-finding"), explorer.locator(".jl-code code")
    playwright.expect(finding).to_contain_text("18 of 35 touchpoints")
    explorer.screenshot(path=pictures / "lab-first.png")

    explorer.locator("input[type=range]").first.fill("6")
    playwright.expect(finding).to_contain_text("11 of 35 touchpoints")
    explorer.locator("input[type=range]").first.fill("20")
    playwright.expect(finding).to_contain_text("35 of 35 touchpoints")
    root = explorer.element_handle()
    assert page.evaluate(OVERLAPS, root) == []
    assert page.evaluate(OVERFULL, root) == []

    x, y, name = page.evaluate(FLOW, [root, "Order placed"])
    page.mouse.move(x, y)
    playwright.expect(explorer.locator(".jl-panel b")).to_have_text(name)
    hovered = explorer.locator(".jl-panel .jl-value").first.inner_text()
    page.mouse.click(x, y)
    playwright.expect(code).to_contain_text("passing_directly")
    source, target = name.split(" → ")
    assert code.inner_text() == f'journeys.passing_directly("{source}", "{target}")'
    remaining = explorer.locator(".jl-remaining").inner_text()
    explorer.screenshot(path=pictures / "lab-filtered.png")

    # Filtered by a click, and run as a line of Python: one number. Where it would tell of a rare
    # flow beside it, the map says how many tens there are at least.
    assert page.evaluate(RUN, code.inner_text()) == remaining
    filtered, of = remaining.split(" journeys")[0].split(" of ")
    assert hovered.split(" (")[0] == f"at least {int(filtered) // 10 * 10 - 10} of {of}"

    if AXE.is_file():
        assert serious(page, explorer) == []


def test_the_map_by_keyboard(page):
    explorer = page.locator(".jl-explore").first
    trail, code = explorer.locator(".jl-trail li"), explorer.locator(".jl-code code")
    while trail.count() > 1:
        more = trail.count()
        explorer.locator(".jl-undo").click()
        playwright.expect(trail).to_have_count(more - 1)
    explorer.locator(".jl-item[tabindex='0']").focus()
    said = [page.evaluate("document.activeElement.getAttribute('aria-label')")]
    for key in ("ArrowDown", "ArrowRight", "ArrowLeft"):
        page.keyboard.press(key)
        said.append(page.evaluate("document.activeElement.getAttribute('aria-label')"))
    assert said[1] == said[3]
    assert len(set(said)) == 3
    page.keyboard.press("Enter")
    playwright.expect(trail).to_have_count(2)
    name = explorer.locator(".jl-trail li").last.inner_text().removeprefix("through ")
    assert said[1].startswith(name)
    assert code.inner_text() == f'journeys.passing("{name}")'
    page.keyboard.press("End")
    explorer.locator(".jl-undo").focus()
    page.keyboard.press("Enter")
    playwright.expect(code).to_have_text("journeys")


def test_the_controls_beside_the_code(page, pictures):
    explorer = page.locator(".jl-explore").first
    code, remaining = explorer.locator(".jl-code code"), explorer.locator(".jl-remaining")
    playwright.expect(code).to_have_text("journeys")
    assert explorer.locator(".jl-pick select").count() == 4
    explorer.get_by_label("Segment").select_option("fibre")
    playwright.expect(code).to_have_text('journeys.in_segment("fibre")')
    explorer.get_by_label("Begun in").select_option(label="2026-03")
    line = 'journeys.in_segment("fibre").between("2026-03-01", "2026-03-31")'
    playwright.expect(code).to_have_text(line)
    explorer.screenshot(path=pictures / "lab-controls.png")
    assert page.evaluate(RUN, line) == remaining.inner_text()
    for label in ("Segment", "Begun in"):
        explorer.get_by_label(label).select_option("")
    playwright.expect(code).to_have_text("journeys")


def test_the_exported_page_without_a_kernel(page, lab, browser, pictures):
    _url, folder = lab
    page.evaluate("jupyterapp.commands.execute('docmanager:save')")
    convert = [sys.executable, "-m", "nbconvert", "--to", "html", "--output=frozen.html"]
    # What nbconvert itself would fetch from a CDN is not needed.
    bare = ["--HTMLExporter.require_js_url=", "--HTMLExporter.mathjax_url="]
    command = [*convert, *bare, "explore.ipynb"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=60)
    context = browser.new_context(offline=True, viewport={"width": 1500, "height": 1300})
    frozen = context.new_page()
    heard, asked = [], []
    frozen.on("console", lambda said: said.type == "error" and heard.append(said.text))
    frozen.on("pageerror", lambda error: heard.append(str(error)))
    frozen.on("request", lambda request: asked.append(request.url))
    frozen.goto((folder / "frozen.html").as_uri())
    explorer = frozen.locator(".jl-explore").first
    finding = explorer.locator(".jl-finding")
    playwright.expect(finding).to_contain_text("18 of 35 touchpoints")
    explorer.locator("input[type=range]").first.fill("20")
    playwright.expect(finding).to_contain_text("35 of 35 touchpoints")
    explorer.locator(".jl-item[tabindex='0']").press("Enter")
    assert ".passing(" in explorer.locator(".jl-code code").inner_text()
    assert "no kernel" in explorer.locator(".jl-status").inner_text()
    explorer.screenshot(path=pictures / "frozen.png")
    assert frozen.locator(".jl-explore").count() == 2
    if AXE.is_file():
        assert serious(frozen, explorer) == []
    assert heard == []
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
    context.close()


def test_contacts_are_labelled_by_keys_and_none_is_lost(lab, browser, pictures):
    url, folder = lab
    write_chats(folder)
    cell = 'from journeylib import present as show\nshow.label_page("chats.yaml")'
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell)], metadata=kernel)
    nbformat.write(notebook, folder / "label.ipynb")
    context = browser.new_context(viewport={"width": 1200, "height": 800})
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    root = page.locator(".jl-label")
    opening, progress = root.locator(".jl-opening"), root.locator("span.jl-note")

    def start(labelled):
        page.wait_for_function(LABEL_SHOWN)
        page.evaluate("jupyterapp.shell.currentWidget.context.sessionContext.ready")
        page.evaluate("jupyterapp.commands.execute('notebook:run-all-cells')")
        playwright.expect(progress).to_have_text(f"{labelled} of 200 labelled")
        root.focus()

    def press(key, labelled):
        words = opening.inner_text()
        page.keyboard.press(key)
        playwright.expect(progress).to_have_text(f"{labelled} of 200 labelled")
        return words

    page.goto(f"{url}/lab/tree/label.ipynb")
    start(0)
    said, choices = {}, ("transactional", "emotional", "unsure")
    for n in range(LABELLED):
        said[press(str(n % 3 + 1), n + 1)] = choices[n % 3]
    # Keys that say no type say nothing; the last answer is taken back.
    page.keyboard.press("7")
    last = press("1", LABELLED + 1)
    press("u", LABELLED)
    assert opening.inner_text() == last
    root.screenshot(path=pictures / "label.png")
    if AXE.is_file():
        assert serious(page, root) == []
    page.evaluate("jupyterapp.commands.execute('docmanager:save')")
    page.reload()
    start(LABELLED)
    assert opening.inner_text() == last
    said[press("2", LABELLED + 1)] = "emotional"
    context.close()
    with (folder / "chats-labels.personal.csv").open(encoding="utf-8", newline="") as file:
        assert {row["opening"]: row["type"] for row in csv.DictReader(file)} == said
    assert TRACE not in (folder / "label.ipynb").read_text(encoding="utf-8")


@pytest.mark.skipif(bool(vscode.missing()), reason=vscode.missing())
def test_the_map_with_the_widget_manager_of_vscode(lab, browser, pictures):
    url, folder = lab
    cells = json.loads((folder / "explore.ipynb").read_text(encoding="utf-8"))["cells"]
    sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    context = browser.new_context(viewport={"width": 1500, "height": 1300})
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    heard, asked = [], []
    page.on("console", lambda said: said.type == "error" and heard.append(said.text))
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    vscode.visit(page, url)
    vscode.theme(page, "vscode-dark")
    try:
        until = next(i for i, source in enumerate(sources) if source == "jl.explore(journeys)")
        for source in sources[:until]:
            page.evaluate("code => run(code)", source)
        page.evaluate("code => run(code)", "explorer = jl.explore(journeys)\nexplorer")
        explorer = page.locator(".jl-explore")
        code = explorer.locator(".jl-code code")
        explorer.locator("input[type=range]").first.fill("20")
        finding = explorer.locator(".jl-finding")
        playwright.expect(finding).to_contain_text("35 of 35 touchpoints")
        root = explorer.element_handle()
        assert page.evaluate(OVERLAPS, root) == []
        for kind, ground in (("vscode-dark", DARK), ("vscode-light", LIGHT)):
            vscode.theme(page, kind)
            page.screenshot(path=pictures / f"{kind}.png")
            assert page.evaluate(GROUND, root) == ground["surface"].lower()
            # The white that VS Code lays under widgets shows nowhere around the map.
            assert page.evaluate(UNCOVERED, root) == 0
            if AXE.is_file():
                assert serious(page, explorer) == []

        x, y, name = page.evaluate(FLOW, [root, "Order placed"])
        page.mouse.click(x, y)
        playwright.expect(code).to_contain_text("passing_directly")
        source, target = name.split(" → ")
        assert code.inner_text() == f'journeys.passing_directly("{source}", "{target}")'
        remaining = explorer.locator(".jl-remaining").inner_text()
        assert page.evaluate("code => run(code)", code.inner_text()) == remaining
        assert page.evaluate("code => run(code)", "explorer.code") == repr(code.inner_text())

        explorer.locator(".jl-item[tabindex='0']").focus()
        page.keyboard.press("ArrowRight")
        focused = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert focused == "none"
        page.keyboard.press("Home")
        page.keyboard.press("Shift+Enter")
        playwright.expect(code).to_contain_text(".not_passing(")
        vscode.theme(page, "vscode-high-contrast")
        page.screenshot(path=pictures / "vscode-filtered.png")
    finally:
        page.evaluate("stop()")
    assert heard == []
    assert [url for url in asked if not url.startswith((*LOCAL, "data:", "blob:"))] == []
    context.close()


def test_nothing_went_wrong_and_nothing_was_asked_outside(page):
    assert page.heard == []
    outside = [url for url in page.asked if not url.startswith((*LOCAL, "data:", "blob:"))]
    assert outside == []


def test_the_map_fits_a_small_window_and_zooms(log_of, browser, tmp_path):
    rows = [(f"c{n}", step, f"Step {(n + step) % 30:02d}") for n in range(300) for step in range(9)]
    settings = jl.JourneySettings(cut="customer", min_customers=5)
    explorer = jl.explore(jl.rebuild(log_of(*rows), settings), state={"touchpoints": 1.0})
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.goto(explorer.save(tmp_path / "map.html").as_uri())
    shown, drawn = page.locator(".jl-explore"), page.locator(".jl-map svg")
    drawn.wait_for()
    assert shown.bounding_box()["height"] <= 800
    # Beside JupyterLab's sidebar the place is narrower, and so is the map.
    over = "map => map.scrollWidth - map.clientWidth"
    page.set_viewport_size({"width": 930, "height": 800})
    page.wait_for_timeout(300)
    assert page.locator(".jl-map").evaluate(over) <= 1
    page.set_viewport_size({"width": 1280, "height": 800})
    page.wait_for_timeout(300)
    room = page.locator(".jl-map").bounding_box()
    shown.get_by_role("button", name="Whole map").click()
    whole = drawn.bounding_box()
    assert whole["width"] <= room["width"] and whole["height"] <= room["height"]
    shown.get_by_role("button", name="Zoom in").click()
    near = drawn.bounding_box()
    assert near["width"] == pytest.approx(1.4 * whole["width"], abs=2)
    for _ in range(3):
        shown.get_by_role("button", name="Zoom in").click()
    page.locator(".jl-map").evaluate("map => { map.scrollLeft = 0 }")
    start = drawn.bounding_box()["x"]
    spot = (room["x"] + room["width"] - 40, room["y"] + 60)
    page.mouse.move(*spot)
    page.mouse.down()
    page.mouse.move(spot[0] - 120, spot[1], steps=4)
    page.mouse.up()
    assert drawn.bounding_box()["x"] == pytest.approx(start - 120, abs=2)
    page.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_forty_touchpoints_without_stages_are_readable(theme, log_of, browser, tmp_path, pictures):
    deal = random.Random(7)
    rows = []
    for customer in range(400):
        spot = deal.randrange(36)
        for step in range(12):
            rows.append((f"c{customer}", step, f"Touchpoint of number {spot:02d}"))
            spot = min(spot + deal.choice((1, 1, 1, 2, 4)), 39)
    settings = jl.JourneySettings(cut="customer", min_customers=5)
    journeys = jl.rebuild(log_of(*rows), settings)
    assert len(journeys.touchpoints) == 40
    explorer = jl.explore(journeys, state={"touchpoints": 1.0})
    page = browser.new_page(viewport={"width": 1400, "height": 1000}, color_scheme=theme)
    page.goto(explorer.save(tmp_path / "map.html").as_uri())
    shown = page.locator(".jl-explore")
    shown.wait_for()
    assert shown.locator(".jl-item .jl-box").count() == 40
    assert page.evaluate(OVERLAPS, shown.element_handle()) == []
    assert page.evaluate(OVERFULL, shown.element_handle()) == []
    shown.screenshot(path=pictures / f"forty-{theme}.png")
    if AXE.is_file():
        assert serious(page, shown) == []
    page.close()
