"""The templates of mail and job summary, with the words of the language in use."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, pass_context
from jinja2.runtime import Context

from journeylib.core import current_catalogue, number, text
from journeylib.present import clean, esc

FOLDER = Path(__file__).parent / "templates"


def render(name: str, **values: object) -> str:
    """Return a template with its values filled in."""
    language = current_catalogue().language
    return _environment().get_template(name).render(language=language, **values)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=False,  # each template escapes for what it writes: `esc` or `plain`
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "esc": esc,
        "plain": _plain,
        "number": number,
        "words": _words,
    }
    return environment


@pass_context  # else jinja would look a constant key up once, in the first language
def _words(_context: Context, key: str) -> str:
    return text(key if "." in key else f"delivery.{key}")


def _plain(words: str) -> str:
    """Return text that Markdown shows as it is, in a table too."""
    return re.sub(r"([\\`*_\[\]<>|#])", r"\\\1", clean(words))
