"""The dashboard: an executed notebook as one HTML file that opens offline and needs no script."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

from journeylib.core import RunError
from journeylib.present.drawing.svg import clean
from journeylib.present.theme import TEMPLATES, css

CSP = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"

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


def render_html(notebook: str | Path | Any, *, language: str = "en") -> str:
    """Render an executed notebook as the dashboard.

    Parameters
    ----------
    notebook : str, Path or nbformat.NotebookNode
        An executed notebook. Code is left out; Markdown and outputs stay. A cell that failed
        becomes a red notice.
    language : str
        Of the page, as in the ``lang`` attribute.

    Returns
    -------
    str
        One HTML page: no script, no link to anything outside, and a content security policy
        that forbids both. The title is the notebook's first heading.

    Raises
    ------
    OSError
        If the notebook cannot be read.
    RunError
        If the template cannot be read or is broken.
    """
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
        config = Config()
        config.TemplateExporter.exclude_input = True
        # Not HTMLExporter: it parses the page and writes it anew, which breaks the case of SVG.
        exporter = TemplateExporter(  # type: ignore[no-untyped-call]
            config=config,
            template_name="dashboard",
            file_extension=".html",
            extra_template_basedirs=[str(TEMPLATES)],
            filters={"markdown2html": _markdown, "own_error": lambda name: name in OWN_ERRORS},
        )
        resources = {
            "dashboard": {
                "title": _title(node),
                "language": language,
                "csp": CSP,
                "css": css() + (TEMPLATES / "page.css").read_text(encoding="utf-8"),
            }
        }
        page, _ = exporter.from_notebook_node(node, resources=resources)
    except (TemplateError, OSError, ValueError) as error:
        raise RunError(
            f"the dashboard's template in {TEMPLATES} cannot be used ({type(error).__name__}). "
            "Install journeylib again."
        ) from None
    return _with_contents(_SCRIPT.sub("", _STYLE.sub("", page)))


def style_once(notebook: Any) -> Any:
    """Leave the style sheet to the first output of an executed notebook that has it.

    Every output brings it, for none knows which will be kept; in one page once is enough, and
    most of a notebook with forty figures is style sheet otherwise.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
        Is changed.

    Returns
    -------
    nbformat.NotebookNode
    """
    first = True
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            page = output.get("data", {}).get("text/html", "")
            if _STYLE.search(page):
                kept = _STYLE.sub("<style data-jl></style>", page)
                output["data"]["text/html"] = page if first else kept
                first = False
    return notebook


def _markdown(source: str) -> str:
    """Return Markdown as HTML without anchor marks after headings."""
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

    renderer = IPythonRenderer(escape=False, exclude_anchor_links=True)
    return str(MarkdownWithMath(renderer=renderer).render(source))


def _title(node: Any) -> str:
    for cell in node.cells:
        if cell.cell_type == "markdown" and (found := re.search(r"^# (.+)$", cell.source, re.M)):
            return clean(found.group(1))
    return "Audit"


def _with_contents(page: str) -> str:
    """Give second-level headings an id and list them on top."""
    names: list[str] = []

    def named(found: re.Match[str]) -> str:
        names.append(html.escape(html.unescape(_TAG.sub("", found.group(1))).strip()))
        return f'<h2 id="section-{len(names)}">{found.group(1)}</h2>'

    page = _HEADING.sub(named, page)
    links = "".join(
        f'<li><a href="#section-{i}">{name}</a></li>' for i, name in enumerate(names, start=1)
    )
    contents = f'<nav aria-label="Contents"><ul>{links}</ul></nav>' if links else ""
    return page.replace("<!--contents-->", contents, 1)
