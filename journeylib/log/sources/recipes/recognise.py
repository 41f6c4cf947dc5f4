"""Which recipe an export is for: by the keys of its records, and by nothing in them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from journeylib.core import LogError
from journeylib.log.engine.duckdb import connect
from journeylib.log.sources.recipes.parts import Part, export_files, parts_of, readable_files
from journeylib.log.sources.recipes.recipe import Input, Recipe, bare, recipes

_MOST_BESIDE = 200


@dataclass(frozen=True)
class RecognisedExport:
    """The recipe that an export is for.

    Attributes
    ----------
    recipe : Recipe
    files : tuple of str
        What to read, as ``log.files`` takes it.
    beside : tuple of str
        Names of files that were found beside the one that was named.
    unused : tuple of str
        Names of parts that no input of the recipe takes.
    """

    recipe: Recipe
    files: tuple[str, ...]
    beside: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()


def assigned(recipe: Recipe, parts: Iterable[Part]) -> dict[str, list[Part]]:
    """Return the parts for each input of a recipe, each part once: for the most keys it has."""
    by_name: dict[str, list[Part]] = {wanted.name: [] for wanted in recipe.inputs}
    whole: set[Path] = set()
    for part in parts:
        if part.path in whole and part.stream is None:
            continue
        fitting = [wanted for wanted in recipe.inputs if part.fits(wanted)]
        if fitting:
            by_name[max(fitting, key=lambda wanted: len(wanted.keys)).name].append(part)
            if part.path is not None and part.stream is None:
                whole.add(part.path)
    return by_name


def lacking(recipe: Recipe, by_input: dict[str, list[Part]]) -> list[str]:
    """Return the inputs that the recipe cannot do without and that are not there."""
    if not any(by_input.values()):
        return [recipe.inputs[0].name]
    return [w.name for w in recipe.inputs if not w.optional and not by_input[w.name]]


def recognise(source: Any) -> RecognisedExport | None:
    """Say which recipe a file, a folder or a database is for; None where it is for none.

    Parameters
    ----------
    source : path, folder, glob, list of them or ``duckdb:///file.db``

    Raises
    ------
    LogError
        A folder holds exports of several systems, or a file needs another one that is not
        beside it.
    """
    folder = isinstance(source, str | Path) and Path(source).is_dir()
    if folder and not readable_files(Path(source)):
        return None
    backend = connect()
    candidates = recipes()
    with parts_of(source, backend, look=True) as parts:
        whole = {
            r.name: by_input for r in candidates if not lacking(r, by_input := assigned(r, parts))
        }
        best = _best(candidates, whole, parts, source) if whole else None
        alone = isinstance(source, str | Path) and Path(source).is_file()
        if not alone:
            return best
        begun = [r for r in candidates if any(assigned(r, parts).values())]
        recipe = best.recipe if best is not None else max(begun, key=_size, default=None)
        return None if recipe is None else _with_beside(Path(source), recipe, parts)


def _best(
    candidates: Sequence[Recipe],
    whole: dict[str, dict[str, list[Part]]],
    parts: Sequence[Part],
    source: Any,
) -> RecognisedExport:
    def keys(recipe: Recipe) -> int:
        by_input = whole[recipe.name]
        return sum(len(wanted.keys) for wanted in recipe.inputs if by_input[wanted.name])

    fitting = sorted((r for r in candidates if r.name in whole), key=lambda r: (-keys(r), r.name))
    best, by_input = fitting[0], whole[fitting[0].name]
    taken = {id(part) for several in by_input.values() for part in several}
    # Another system's export is one whose parts this recipe does not take.
    others = [
        r.title
        for r in fitting[1:]
        if not any(id(p) in taken for p in whole[r.name][r.inputs[0].name])
    ]
    if others:
        raise LogError(
            f"exports of several systems lie together: {best.title}, {', '.join(others)}. Give "
            "each a folder of its own, or choose one with --recipe of `journeylib init`."
        )
    texts = source if isinstance(source, list | tuple) else [source]
    if any("://" in str(text) for text in texts):
        files = tuple(map(str, texts))
    else:
        paths = [part.path for part in parts if id(part) in taken and part.path is not None]
        files = tuple(dict.fromkeys(map(str, paths)))
    names = {part.name for part in parts if id(part) in taken}
    left = (part.name for part in parts if part.name not in names and not _child(part))
    return RecognisedExport(best, files, (), tuple(dict.fromkeys(left)))


def _child(part: Part) -> bool:
    """Whether a loader made a table for itself, or for the lists of another one."""
    name = part.name.rpartition(".")[2]
    return name.startswith("_") or bare("_dlt_parent_id") in part.keys


def _size(recipe: Recipe) -> int:
    return len(recipe.inputs[0].keys)


def _with_beside(path: Path, recipe: Recipe, parts: Sequence[Part]) -> RecognisedExport:
    """Look in the folder of a file for the other inputs of its recipe."""
    by_input = assigned(recipe, parts)
    open_inputs = [wanted for wanted in recipe.inputs if not by_input[wanted.name]]
    extra: list[Part] = []
    if open_inputs:
        siblings = [str(one) for one in export_files(path.parent) if one != path][:_MOST_BESIDE]
        with parts_of(siblings, connect(), look=True) as others:
            for wanted in open_inputs:
                extra += _only(wanted, recipe, path, others)
    by_input = assigned(recipe, [*parts, *extra])
    if missing := lacking(recipe, by_input):
        wanted = next(w for w in recipe.inputs if w.name == missing[0])
        raise LogError(
            f"{path.name} is an export of {recipe.title} and needs its {wanted.name} beside it "
            f"(records with {', '.join(wanted.keys)}). Export them too, into the same folder."
        )
    paths = [part.path for part in extra if part.path is not None]
    files = tuple(dict.fromkeys([str(path), *map(str, paths)]))
    return RecognisedExport(recipe, files, tuple(dict.fromkeys(one.name for one in paths)))


def _only(wanted: Input, recipe: Recipe, path: Path, others: Sequence[Part]) -> list[Part]:
    """Return the one part beside a file that an input fits; none of several where it may lack."""
    fitting = [part for part in others if part.fits(wanted)]
    if len(fitting) > 1 and not wanted.optional:
        names = ", ".join(part.name for part in fitting)
        raise LogError(
            f"{path.name} is an export of {recipe.title} and needs its {wanted.name} beside it; "
            f"several files may be these: {names}. Give the export a folder of its own, with the "
            "right one in it."
        )
    return fitting if len(fitting) == 1 else []
