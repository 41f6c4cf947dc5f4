import base64
import hashlib
import re

import nbformat
import pandas as pd
import pytest
from plotly.offline import get_plotlyjs_version

from journeylib.present.dashboard import render_html, style_once
from journeylib.present.tables import Table
from journeylib.present.theme import css
from tests.present.notebook import demo_notebook


@pytest.fixture(scope="module")
def page():
    return render_html(demo_notebook())


def test_nothing_is_asked_from_outside(page):
    assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:" in page
    body, *scripts = page.split("<script>")
    assert not re.search(r'(?:src|href)="(?!#|data:)', body)
    assert not re.search(r"url\(|@import|https?://", body)
    plotly, own = (script.split("</script>")[0] for script in scripts)
    digests = (
        base64.b64encode(hashlib.sha256(x.encode()).digest()).decode() for x in (plotly, own)
    )
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests)
    assert f'; script-src {allowed}"' in page
    assert not re.search(r"eval|Function\(|fetch|XMLHttp|import|innerHTML|https?:", own)
    assert f"(basic - minified) v{get_plotlyjs_version()}" in plotly[:60]


def test_a_page_without_charts_brings_no_plotly():
    page = render_html(nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# A")]))
    assert page.count("<script>") == 1
    assert len(page.encode()) < 60_000


def test_the_page_is_small_and_brings_its_style_once(page):
    assert len(page.encode()) < 2_000_000
    assert page.count("<style") == 1


def test_code_stays_out_and_outputs_stay_in(page):
    assert "secret_call" not in page
    assert page.count("<figure") == 4


def test_the_page_has_landmarks_title_language_and_contents(page):
    assert '<html lang="en">' in page
    assert "<title>Where should a machine serve, and where a human?</title>" in page
    for element in ("<main", "<nav", "<footer", 'class="jl-skip"'):
        assert page.count(element) == 1
    links = re.findall(r'<li><a href="#(section-\d+)">', page)
    assert len(links) == 6
    assert all(page.count(f'id="{link}"') == 1 for link in links)
    assert "¶" not in page


def test_ids_are_unique(page):
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(set(ids)) == len(ids)


@pytest.mark.slow
def test_the_page_is_the_same_on_every_run(page):
    assert render_html(demo_notebook()) == page


def failed(name, text):
    error = nbformat.v4.new_output("error", ename=name, evalue=text, traceback=["secret trace"])
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x", outputs=[error])])


def test_a_failed_run_says_so_without_customers_data():
    page = render_html(failed("KeyError", "customer 4711"))
    assert "The run stopped here: KeyError." in page
    assert "4711" not in page
    assert "secret trace" not in page


def test_our_own_errors_say_what_to_do():
    page = render_html(failed("SchemaError", "column 'x' is missing. Did you mean <y>?"))
    assert "column &#x27;x&#x27; is missing. Did you mean &lt;y&gt;?" in page


@pytest.mark.slow
def test_a_notebook_file_is_read(tmp_path):
    path = tmp_path / "audit.ipynb"
    nbformat.write(demo_notebook(), path)
    assert "<h1>" in render_html(path)


def test_a_notebook_holds_the_style_sheet_once_and_every_output_its_own_content():
    table = Table(pd.DataFrame({"a": [1]}), "Numbers")
    html = table._repr_html_()
    node = nbformat.v4.new_notebook()
    for _cell in range(3):
        shown = nbformat.v4.new_output("display_data", {"text/html": html})
        node.cells.append(nbformat.v4.new_code_cell("", outputs=[shown]))
    pages = [cell.outputs[0]["data"]["text/html"] for cell in style_once(node).cells]
    assert pages[0] == html
    assert pages[1] == pages[2] == html.replace(css(), "")
    assert len(pages[1]) < len(html) - 5_000
    assert "Numbers" in render_html(node)


def test_the_appendix_is_folded_section_by_section():
    markdown, shown = nbformat.v4.new_markdown_cell, nbformat.v4.new_code_cell
    output = nbformat.v4.new_output("display_data", {"text/html": "<p>inside</p>"})
    cells = [
        markdown("# Title"),
        markdown("## Appendix"),
        markdown("### A · Data"),
        shown("", outputs=[output]),
        markdown("### B · More"),
        markdown("## After"),
    ]
    page = render_html(nbformat.v4.new_notebook(cells=cells))
    folds = re.findall(r"<details.*?</details>", page, re.DOTALL)
    assert [re.search(r"<h3>(.*?)</h3>", fold).group(1) for fold in folds] == [
        "A · Data",
        "B · More",
    ]
    assert ["<p>inside</p>" in fold for fold in folds] == [True, False]
    assert 'id="appendix-a"' in folds[0] and " open" not in folds[0].split(">")[0]
    assert page.index("After</h2>") > page.index("B · More")
