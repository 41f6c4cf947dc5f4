"""The dashboard: an executed notebook as one HTML file that opens offline and needs no script.

Our script filters what is there, and plotly's draws the charts anew that answer to a mouse; the
content policy names both by their hashes, and no other.
"""

from __future__ import annotations

import copy
import html
import re
from base64 import b64encode
from contextlib import nullcontext
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Any

from journeylib.core import RunError, catalogue_of, current_catalogue, text, use_language
from journeylib.present.blocks import PAGE
from journeylib.present.drawing.chart import template
from journeylib.present.drawing.svg import clean
from journeylib.present.figure import ELEMENT
from journeylib.present.theme import TEMPLATES, css

CSP = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"

# The part of plotly.js that draws bars and points, version 4.1.1, MIT licence.
PLOTLY_SCRIPT = "plotly-basic.min.js"

# Messages of our own errors never hold a customer's data; those of others may.
OWN_ERRORS = (
    "JourneylibError",
    "LogError",
    "SchemaError",
    "QualityError",
    "ConfigError",
    "RunError",
)

_STYLE = re.compile(r"<style data-jl>.*?</style>", re.DOTALL)
_SCRIPT = re.compile(r"<script\b.*?(?:</script\s*>|\Z)", re.DOTALL | re.IGNORECASE)
_HEADING = re.compile(r"<h2>(.*?)</h2>", re.DOTALL)
_TAG = re.compile(r"<[^>]+>")
# A section of the appendix begins with a third-level heading "A · …" and ends where the next one,
# a second-level heading or the page does.
_FOLD = re.compile(
    r'<div class="jl-prose">(<h3>([A-Z]) · .*?</h3>)(.*?)(?=<div class="jl-prose"><h[23]>|</main>)',
    re.DOTALL,
)
_FINDING = re.compile(r'<p class="jl-finding">(.*?)(?:[.;] |</p>)', re.DOTALL)
NOTEBOOKS = "en"  # the language that our notebooks are written in


def load_drawing() -> None:
    """Load what dashboards, charts and pictures take, some half a second, before it is needed."""
    for module in ("nbconvert.exporters.templateexporter", "PIL.Image", "resvg_py"):
        import_module(module)
    template("light")


def render_html(notebook: str | Path | Any, *, language: str = "") -> str:
    """Render an executed notebook as the dashboard.

    Parameters
    ----------
    notebook : str, Path or nbformat.NotebookNode
        An executed notebook. Code is left out; Markdown and outputs stay. A cell that failed
        becomes a red notice.
    language : str
        Of the page, as in the ``lang`` attribute; empty: the language in use. Paragraphs that the
        catalogue holds are translated, own ones stay.

    Returns
    -------
    str
        One HTML page: no link to anything outside, no script but ours, and a content security
        policy that forbids others. The title is the notebook's first heading.

    Raises
    ------
    OSError
        If the notebook cannot be read.
    RunError
        If the template cannot be read or is broken.
    """
    with use_language(language) if language else nullcontext():
        return _rendered(notebook)


def _rendered(notebook: str | Path | Any) -> str:
    import nbformat
    from jinja2 import TemplateError
    from nbconvert.exporters.templateexporter import TemplateExporter
    from traitlets.config import Config

    node = (
        nbformat.read(str(notebook), as_version=4)  # type: ignore[no-untyped-call]
        if isinstance(notebook, str | Path)
        else notebook
    )
    try:
        node = _with_elements(node)
        scripts = [
            (TEMPLATES / "dashboard" / name).read_bytes()
            for name in (PLOTLY_SCRIPT, "page.js")
            if name != PLOTLY_SCRIPT or _has_charts(node)
        ]
        digests = (b64encode(sha256(script).digest()).decode() for script in scripts)
        allowed = " ".join(f"'sha256-{digest}'" for digest in digests)
        config = Config()
        config.TemplateExporter.exclude_input = True
        # Not HTMLExporter: it parses the page and writes it anew, which breaks the case of SVG.
        exporter = TemplateExporter(  # type: ignore[no-untyped-call]
            config=config,
            template_name="dashboard",
            file_extension=".html",
            extra_template_basedirs=[str(TEMPLATES)],
            filters={
                "markdown2html": _markdown,
                "own_error": lambda name: name in OWN_ERRORS,
                "words": text,
            },
        )
        resources = {
            "dashboard": {
                "title": _title(node),
                "language": current_catalogue().language,
                "csp": f"{CSP}; script-src {allowed}",
                "css": css() + (TEMPLATES / "page.css").read_text(encoding="utf-8"),
            }
        }
        page, _ = exporter.from_notebook_node(node, resources=resources)
    except (TemplateError, OSError, ValueError) as error:
        raise RunError(
            f"the dashboard's template in {TEMPLATES} cannot be used ({type(error).__name__}). "
            "Install journeylib again."
        ) from None
    page = _with_contents(_folded(_SCRIPT.sub("", _STYLE.sub("", page))))
    body, end, rest = page.rpartition("</body>")
    code = "".join(f"<script>{script.decode()}</script>" for script in scripts)
    return f"{body}{code}{end}{rest}"


def _with_elements(node: Any) -> Any:
    """Return the notebook with each output as the element that a page shows."""
    copied = copy.deepcopy(node)
    for cell in copied.cells:
        for output in cell.get("outputs", []):
            for kind in {ELEMENT, PAGE} & set(output.get("data", {})):
                output["data"] = {"text/html": output["data"][kind]}
    return copied


def _has_charts(notebook: Any) -> bool:
    pages = (
        output.get("data", {}).get("text/html", "")
        for cell in notebook.cells
        for output in cell.get("outputs", [])
    )
    return any("<figure data-chart=" in page for page in pages)


def style_once(notebook: Any) -> Any:
    """Leave the style sheet to the first output of an executed notebook that has it.

    Every output brings it, for none knows which will be kept; in one page once is enough.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
        Is changed.
    """
    first = True
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            page = output.get("data", {}).get("text/html", "")
            if _STYLE.search(page):
                bare = _STYLE.sub("<style data-jl></style>", page)
                output["data"]["text/html"] = page if first else bare
                first = False
    return notebook


def _markdown(source: str) -> str:
    """Return Markdown as HTML, in the language in use, without anchor marks after headings."""
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

    renderer = IPythonRenderer(escape=False, exclude_anchor_links=True)
    return str(MarkdownWithMath(renderer=renderer).render(_translated(source)))


def _translated(source: str) -> str:
    """Return a paragraph of a notebook of ours in the language in use; others as they are."""
    keys = {
        words: key
        for key, words in catalogue_of(NOTEBOOKS).texts.items()
        if key.startswith("present.prose.")
    }
    parts = re.split(r"(\n\n+|^#+ )", source.strip(), flags=re.M)
    return "".join(text(keys[part.strip()]) if part.strip() in keys else part for part in parts)


def _title(node: Any) -> str:
    for cell in node.cells:
        if cell.cell_type == "markdown" and (heading := re.search(r"^# (.+)$", cell.source, re.M)):
            return clean(_translated(heading.group(1)))
    return text("present.page.audit")


def _folded(page: str) -> str:
    """Fold the sections of the appendix: each opens by a click, or by a link to its id."""

    def fold(section: re.Match[str]) -> str:
        heading, key, rest = section.groups()
        finding = _FINDING.search(rest)
        first = f"<span>{finding[1]}</span>" if finding else ""
        return (
            f'<details class="jl jl-fold"><summary>{heading}{first}</summary>'
            f'<div class="jl-folded" id="appendix-{key.lower()}"><div class="jl-prose">{rest}</div>'
            "</details>"
        )

    return _FOLD.sub(fold, page)


def _with_contents(page: str) -> str:
    """Give second-level headings an id and list them on top."""
    names: list[str] = []

    def with_id(heading: re.Match[str]) -> str:
        names.append(html.escape(html.unescape(_TAG.sub("", heading.group(1))).strip()))
        return f'<h2 id="section-{len(names)}">{heading.group(1)}</h2>'

    page = _HEADING.sub(with_id, page)
    links = "".join(
        f'<li><a href="#section-{i}">{name}</a></li>' for i, name in enumerate(names, start=1)
    )
    contents = (
        f'<nav aria-label="{text("present.page.contents")}"><ul>{links}</ul></nav>' if links else ""
    )
    return page.replace("<!--contents-->", contents, 1)
