"""Stored notebooks as JupyterLab first shows them: untrusted, without a kernel."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import pytest

from journeylib.present.blocks import PAGE, Block, template
from journeylib.present.figure import ELEMENT, PLOTLY
from tests.present.test_browser import CHROMIUM, ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SECONDS = 90
SHOWN = """
() => [...document.querySelectorAll('.jp-Notebook .jp-OutputArea-output')].map(output => ({
  text: output.innerText,
  letters: output.querySelectorAll('svg text:not(.main-svg text)').length,
  width: Math.max(0, ...[...output.querySelectorAll('img')].map(image => image.naturalWidth)),
  images: [...output.querySelectorAll('img')].filter(image => image.clientWidth > 400).length,
  plotly: output.querySelector('.js-plotly-plot .main-svg')?.clientHeight,
}))
"""


def outputs(notebook):
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return [out for cell in cells for out in cell.get("outputs", [])]


def texts_of_drawings(html):
    """Return the words that remain of drawings where HTML is shown without them."""
    bare = re.sub(r"<(script|style)\b.*?</\1>", "", html, flags=re.DOTALL)
    return re.findall(r"<text\b[^>]*>([^<]+)", bare)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_stored_html_holds_words_of_a_drawing(notebook):
    pages = ["".join(out.get("data", {}).get("text/html", "")) for out in outputs(notebook)]
    assert [words for page in pages for words in texts_of_drawings(page)] == []


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_stored_words_run_together_without_styles(notebook):
    """Without the styles of a trusted notebook only blanks part what stands side by side."""
    pages = ["".join(out.get("data", {}).get("text/html", "")) for out in outputs(notebook)]
    bare = [re.sub(r"<style\b.*?</style>", "", page, flags=re.DOTALL) for page in pages]
    inline = [re.sub(r"</?(?:a|b|i|u|span|small|strong|em)\b[^>]*>", "", page) for page in bare]
    joined = re.compile(r"%\d|[a-z][A-D] · \d|[a-z]n = \d")
    assert [match[0] for page in inline for match in joined.finditer(page)] == []
    touching = re.compile(r"\w</(?:b|span|small|strong|a)><(?:b|span|small|strong|a)\b[^>]*>\w")
    assert [match[0] for page in bare for match in touching.finditer(page)] == []


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_stored_figure_has_a_picture_and_its_finding(notebook):
    figures = [out["data"] for out in outputs(notebook) if ELEMENT in out.get("data", {})]
    assert figures
    for data in figures:
        # A PNG beside a chart would be shown in its place.
        picture, other = ("svg+xml", "png") if PLOTLY in data else ("png", "svg+xml")
        assert len("".join(data[f"image/{picture}"])) > 5_000
        assert f"image/{other}" not in data
        assert "text/html" not in data
        finding, columns, *rows = "".join(data["text/plain"]).splitlines()
        assert ": " in finding
        assert "  " in columns
        assert len(rows) == min(5, data[ELEMENT].count('<th scope="row">'))
        if PLOTLY in data:
            title = data[PLOTLY]["layout"]["title"]
            assert title["text"]
            assert title["subtitle"]["text"]


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_viewers_that_clean_html_lose_nothing_of_it(notebook):
    """GitHub's viewer takes out scripts and what reacts, and shows text where it knows no more."""
    for out in outputs(notebook):
        data = out.get("data", {})
        assert "text/plain" in data or out["output_type"] == "stream"
        html = "".join(data.get("text/html", ""))
        if "application/vnd.jupyter.widget-view+json" not in data and "jl-explored" not in html:
            assert re.findall(r"<script|<iframe|<object|javascript:| on\w+=", html) == []


def test_a_notebook_holds_no_filter_that_only_the_dashboard_moves():
    """A notebook that is not trusted shows what is hidden, and takes every script away."""
    form = '<form class="jl-filters" hidden><select><option>all</option></select></form>'
    shown = Block(f"<div>{form}<p>Billing call</p></div>", "Billing call")._repr_mimebundle_()
    assert shown["text/html"].endswith("<div><p>Billing call</p></div>")
    assert shown[PAGE] == f"<div>{form}<p>Billing call</p></div>"


def test_words_of_a_bar_are_said_once_without_styles():
    said = (("good", 60, "settled"), ("bad", 40, "gave up"))
    ends = [
        {"kind": kind, "width": width, "label": f"{width} %", "word": word, "wide": True}
        for kind, width, word in said
    ]
    kinds = [(end["kind"], end["word"]) for end in ends]
    html = template("now.html.j2", "bar", ends, "") + template("now.html.j2", "key", kinds)
    bare = " ".join(re.sub(r"<[^>]*>", "", html).split())
    assert bare == "60 % settled, 40 % gave up"
    assert re.findall(r'data-word="([^"]+)"', html) == ["settled", "gave up"]


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A JupyterLab that has never seen the stored notebooks."""
    pytest.importorskip("jupyterlab", reason="needs JupyterLab")
    home = tmp_path_factory.mktemp("untrusted")
    (home / "notebooks").mkdir()
    for notebook in NOTEBOOKS:
        shutil.copy(notebook, home / "notebooks")
    for name, settings in (
        ("apputils-extension/notification", '{"fetchNews": "false"}'),
        ("notebook-extension/tracker", '{"windowingMode": "none"}'),
    ):
        file = home / f"settings/@jupyterlab/{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True)
        file.write_text(settings, encoding="utf-8")
    # JupyterLab starts a kernel that fits without asking; where none fits, it asks each time.
    kernel = home / "DATA_DIR/kernels/other/kernel.json"
    kernel.parent.mkdir(parents=True)
    spec = {"argv": ["false"], "display_name": "Other", "language": "other"}
    kernel.write_text(json.dumps(spec), encoding="utf-8")
    folders = {f"JUPYTER_{n}": str(home / n) for n in ("CONFIG_DIR", "RUNTIME_DIR", "DATA_DIR")}
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--port=0",
        "--IdentityProvider.token=", "--ServerApp.password=",
        "--KernelSpecManager.allowed_kernelspecs=other",
        f"--ServerApp.root_dir={home / 'notebooks'}",
        f"--LabApp.user_settings_dir={home / 'settings'}",
        f"--LabApp.workspaces_dir={home / 'workspaces'}",
    ]  # fmt: skip
    log = home / "lab.log"
    with log.open("w") as written:
        server = subprocess.Popen(
            command, env=os.environ | folders, stderr=written, stdout=written,
            start_new_session=True,
        )  # fmt: skip
    try:
        deadline = time.monotonic() + SECONDS
        while not (found := re.search(r"http://localhost:(\d+)/lab", log.read_text())):
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)
        yield f"http://localhost:{found[1]}/lab"
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait(20)


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium on the path")
def test_jupyterlab_shows_every_figure_of_a_notebook_that_is_not_trusted(lab, tmp_path):
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    pictures = os.environ.get("JOURNEYLIB_PICTURES", str(tmp_path))
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for notebook in NOTEBOOKS:
            stored = outputs(notebook)
            page = browser.new_page(viewport={"width": 1280, "height": 1000})
            page.goto(f"{lab}/tree/{notebook.name}?reset", timeout=1000 * SECONDS)
            page.wait_for_function(
                "n => document.querySelectorAll('.jp-Notebook .jp-OutputArea-output').length >= n",
                arg=len(stored), timeout=1000 * SECONDS,
            )  # fmt: skip
            asked = page.locator(".jp-Dialog")
            asked.get_by_role("button", name="No Kernel").click()
            asked.wait_for(state="detached")
            page.wait_for_timeout(3000)
            page.screenshot(path=f"{pictures}/{notebook.stem}.png")
            # A chart keeps its height where the window gets another size.
            page.set_viewport_size({"width": 1200, "height": 900})
            page.wait_for_timeout(1000)
            shown = page.evaluate(SHOWN)
            assert len(shown) == len(stored)
            for output, seen in zip(stored, shown, strict=True):
                assert seen["letters"] == 0
                if PLOTLY in output.get("data", {}):
                    assert seen["plotly"] > 200
                elif ELEMENT in output.get("data", {}):
                    assert seen["width"] > 1000
                    assert seen["text"] == ""
                else:
                    html = "".join(output.get("data", {}).get("text/html", ""))
                    assert seen["images"] == html.count("<img ")
            page.close()
        browser.close()
