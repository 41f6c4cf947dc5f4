"""Recipes: SQL with a head that turns a vendor's export into events with canonical roles."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from journeylib.core import LogError, refuse_unknown

FOLDER = Path(__file__).parent / "sql"
_HEAD = re.compile(r"\A\s*/\*(.*?)\*/", re.DOTALL)
_KEYS = {"recipe", "version", "title", "export", "tells", "lacks", "inputs", "announced"}
_KEYS |= {"settings", "roles"}
_NO_KEY = "the head of {where} has an unknown key '{name}'.{near}"
_INPUT_KEYS = {"keys", "tables", "fields", "once", "newest", "optional"}


@dataclass(frozen=True)
class Input:
    """One kind of records that a recipe reads: the SQL sees it as a table of its name.

    Attributes
    ----------
    name : str
    keys : tuple of str
        Keys or columns that all of its records have: what it is recognised by.
    fields : mapping
        What the SQL reads: key to None (text), ``json``, a mapping (object) or a list with one
        of these; ``row`` for the whole row of a table as JSON. What a record lacks is null.
    tables : tuple of str
        What loaders call it in a database.
    once : tuple of str
        Fields that tell records apart; of several the one with the largest `newest` stays.
    newest : str or None
    optional : bool
        The recipe can do without.
    """

    name: str
    keys: tuple[str, ...]
    fields: Mapping[str, Any]
    tables: tuple[str, ...] = ()
    once: tuple[str, ...] = ()
    newest: str | None = None
    optional: bool = False


@dataclass(frozen=True)
class Recipe:
    """How one vendor's export becomes events.

    Attributes
    ----------
    name, title : str
        As in ``log.recipe``; what people call the system.
    version : int
    export, tells, lacks : str
        What to export, what a log of it can tell, and what it cannot.
    inputs : tuple of Input
        The first is the one that events come from.
    sql : str
        One SELECT; each of its columns is a role, an attribute, ``id_KIND`` for an identifier,
        ``_left_out`` (why a row is no event) or ``_unknown`` (a word that the recipe does not
        know).
    announced : str or None
        SELECT of ``announced`` and ``present`` for each record: how many parts it should have,
        and how many are there.
    settings, roles : dict
        What the recipe brings for the configuration.
    text : str
        The whole file.
    """

    name: str
    title: str
    version: int
    inputs: tuple[Input, ...]
    sql: str = field(repr=False)
    text: str = field(repr=False)
    export: str = ""
    tells: str = ""
    lacks: str = ""
    announced: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    roles: Mapping[str, Any] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """sha256 of the file."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def recipes() -> tuple[Recipe, ...]:
    """Return the recipes that come with the library, in order of name."""
    parsed = [parse(path.read_text(encoding="utf-8"), path.name) for path in _files().values()]
    return tuple(sorted(parsed, key=lambda recipe: recipe.name))


def _files() -> dict[str, Path]:
    return {path.stem: path for path in sorted(FOLDER.rglob("*.sql"))}


def find_recipe(name: Recipe | str, folder: Path | None = None) -> Recipe:
    """Return a recipe by its name, or from a company's own file.

    Parameters
    ----------
    name : Recipe or str
        A recipe stays as it is; a text is as `recipes` lists it, or the path of a file that
        ends in ``.sql``.
    folder : Path, optional
        What a path is relative to.

    Raises
    ------
    LogError
        There is no such recipe or file, or its head is wrong.
    """
    if isinstance(name, Recipe):
        return name
    if name.endswith(".sql"):
        path = Path(name).expanduser() if folder is None else folder / Path(name).expanduser()
        try:
            return parse(path.read_text(encoding="utf-8"), path.name)
        except (OSError, UnicodeDecodeError):
            raise LogError(
                f"the recipe {path.name} cannot be read. Check log.recipe: it is a path relative "
                "to the configuration, or a name that `journeylib recipes` lists."
            ) from None
    files = _files()
    problem = "there is no recipe '{name}'.{near} Recipes: {known}."
    refuse_unknown([name], sorted(files), problem, LogError)
    return parse(files[name].read_text(encoding="utf-8"), files[name].name)


def parse(text: str, where: str) -> Recipe:
    """Read the head of a recipe and keep its SQL.

    Raises
    ------
    LogError
        Says what is wrong with the head.
    """
    match = _HEAD.match(text)
    if match is None:
        raise LogError(f"{where} has no head: a recipe begins with /* recipe: name … */.")
    try:
        head = yaml.safe_load(match.group(1))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = "" if mark is None else f", line {mark.line + 1}"
        raise LogError(f"the head of {where}{line} is not YAML. Check its indentation.") from None
    if not isinstance(head, dict) or not {"recipe", "inputs"} <= set(head):
        raise LogError(f"the head of {where} needs 'recipe' (a name) and 'inputs'.")
    refuse_unknown(head, _KEYS, _NO_KEY, LogError, where=where)
    inputs = tuple(_input(name, given, where) for name, given in head["inputs"].items())
    return Recipe(
        name=str(head["recipe"]),
        title=str(head.get("title", head["recipe"])),
        version=int(head.get("version", 1)),
        inputs=inputs,
        sql=text[match.end() :].strip().rstrip(";"),
        text=text,
        **{key: " ".join(str(head.get(key, "")).split()) for key in ("export", "tells", "lacks")},
        announced=head.get("announced"),
        settings=head.get("settings", {}),
        roles=head.get("roles", {}),
    )


def _input(name: str, given: Any, where: str) -> Input:
    if not isinstance(given, dict) or not given.get("keys") or not given.get("fields"):
        raise LogError(f"the input '{name}' in the head of {where} needs 'keys' and 'fields'.")
    refuse_unknown(given, _INPUT_KEYS, _NO_KEY, LogError, where=where)
    return Input(
        name=str(name),
        keys=tuple(map(str, given["keys"])),
        fields=given["fields"],
        tables=tuple(map(str, given.get("tables", (name,)))),
        once=tuple(map(str, given.get("once", ()))),
        newest=given.get("newest"),
        optional=bool(given.get("optional", False)),
    )


def bare(name: str) -> str:
    """Return a name as loaders may have changed it: ``conversationId`` is ``conversation_id``.

    Examples
    --------
    >>> bare("conversationId") == bare("conversation_id") == bare("Conversation ID")
    True
    """
    return re.sub(r"[^a-z0-9]", "", name.lower())
