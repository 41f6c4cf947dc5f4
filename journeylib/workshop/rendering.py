"""Rendering: HTML of the workshop from the templates beside this module."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from journeylib.present import css, esc, soft
from journeylib.workshop.content.content import Content

TEMPLATES = Path(__file__).parent / "templates"


@cache
def _environment() -> Environment:
    """Return the environment in which every value is escaped as everywhere in journeylib."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: value if isinstance(value, Markup) else Markup(esc(value)),
    )
    environment.filters["soft"] = lambda name: Markup(soft(name))
    return environment


def own_file(name: str) -> str:
    """Return a style sheet or script of the workshop."""
    return (TEMPLATES / name).read_text(encoding="utf-8")


def render(template: str, content: Content, *, style: str, **values: object) -> str:
    """Return a page: `style` names its style sheet, `values` are what its template needs."""
    return (
        _environment()
        .get_template(template)
        .render(
            content=content,
            words=content.words,
            text=content.words.text,
            style=Markup(css() + own_file(style)),
            **values,
        )
    )
