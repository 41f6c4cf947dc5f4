"""Names in settings: those that nothing in the log is called, told with the nearest name."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cache
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel

from journeylib.core import ConfigError, did_you_mean
from journeylib.journeys.journeys import Journeys
from journeylib.log import Called, NameOf, fetch

# The names that the log has for a kind; None where that cannot be told, so nothing is checked.
NamesOf = Callable[[NameOf], Collection[str] | None]
Settings = TypeVar("Settings", bound=BaseModel)


@dataclass(frozen=True)
class Absent:
    """A name that a setting gives, and nothing in the log is called so.

    Attributes
    ----------
    setting : str
        Its place in the configuration, as in ``journeys.goals``.
    name : str
    called : Called
        What it should be the name of.
    """

    setting: str
    name: str
    called: Called

    def message(self, candidates: Collection[str] | None) -> str:
        """Return the message, with the nearest of the names that may be shown."""
        hint = did_you_mean(self.name, candidates or ())
        what = f"which is no {self.called.of} of this log"
        return f"{self.setting} names '{self.name}', {what}.{hint}"


def separate_absent(
    settings: Settings, names_of: NamesOf, path: str = ""
) -> tuple[Settings, tuple[Absent, ...]]:
    """Part the names that settings give into those that the log has, and the others.

    Parameters
    ----------
    settings : pydantic model
        Of it and all below, fields of the types `Touchpoint`, `Channel`, … What stands at its
        default was named by nobody.
    names_of : callable
        The names that the log has for things of a kind.
    path : str
        Of these settings in the configuration.

    Returns
    -------
    settings, absent
        The settings without the names that the log does not have (but for those that are kept),
        and all such names.
    """
    absent: list[Absent] = []

    def prune(value: Any, hint: Any, path: str) -> Any:
        """Return `value` without such names; None for one."""
        inner = get_args(hint)
        if isinstance(value, BaseModel):
            hints = get_type_hints(type(value), include_extras=True)
            fields = type(value).model_fields
            given = [name for name in fields if getattr(value, name) != fields[name].default]
            below = {
                name: prune(getattr(value, name), hints[name], f"{path}.{name}".lstrip("."))
                for name in given
            }
            changed = {name: one for name, one in below.items() if one != getattr(value, name)}
            return value.model_copy(update=changed) if changed else value
        if get_origin(hint) is Annotated:
            called = next((part for part in inner[1:] if isinstance(part, Called)), None)
            if called is None or not isinstance(value, str):
                return prune(value, inner[0], path)
            names = names_of(called.of)
            if names is None or value in names:
                return value
            absent.append(Absent(path, value, called))
            return value if called.kept else None
        if get_origin(hint) in (Union, UnionType):
            for one in inner:
                value = prune(value, one, path)
        elif get_origin(hint) is tuple and isinstance(value, tuple) and inner[-1] is Ellipsis:
            each = [prune(one, inner[0], path) for one in value]
            return tuple(one for one in each if one is not None)
        elif get_origin(hint) is dict and isinstance(value, dict):
            keys = [key for key in value if prune(key, inner[0], path) is not None]
            return {key: prune(value[key], inner[1], f"{path}.{key}") for key in keys}
        return value

    return prune(settings, type(settings), path), tuple(absent)


def refuse_absent(journeys: Journeys, settings: BaseModel, path: str) -> None:
    """Refuse settings of a call that name what the whole log does not have.

    Raises
    ------
    ConfigError
        With the setting and the nearest name.
    """

    @cache
    def names_of(of: NameOf) -> Collection[str] | None:
        if of == "touchpoint":
            return list(journeys.names.values())
        if of == "outcome" and journeys.log.outcomes is not None:
            return set(fetch(journeys.log.outcomes.select("kind").distinct())["kind"])
        return None

    for absent in separate_absent(settings, names_of, path)[1]:
        if not absent.called.kept:
            raise ConfigError(absent.message(names_of(absent.called.of)))
