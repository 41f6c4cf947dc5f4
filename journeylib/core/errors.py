"""What went wrong, where, and what to do about it.

Every error that a user can cause is a `JourneylibError`. Its text names the place
(file, column, key, row number), never the content of a customer's row.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path


class JourneylibError(Exception):
    """Base of all errors that journeylib raises on purpose."""


class LogError(JourneylibError):
    """The log cannot be read or cannot be used as it is."""


class SchemaError(LogError):
    """A column role is missing, misspelt or of the wrong kind."""


class QualityError(LogError):
    """The log was read, but too much of it is unusable."""


class ConfigError(JourneylibError):
    """The configuration is wrong: nothing was run."""


class RunError(JourneylibError):
    """The run itself failed: input and configuration were accepted."""


# Of a customer's row: an address, a long number, a date, a time of day, a sentence.
_DATUM = re.compile(r"@|\d{5,}|\d{1,4}[-/.]\d{1,2}[-/.]\d{2,4}|\d:\d\d|(?:\S+\s+){7,}\S")


def printable(names: Iterable[str]) -> list[str]:
    """Return the names that may stand in a message: none that looks like a customer's datum.

    Examples
    --------
    >>> printable(["case", "anna@berg.example", "2026-03-31 10:00", "491712345"])
    ['case']
    """
    return [name for name in names if not _DATUM.search(name)]


def did_you_mean(name: str, candidates: Iterable[str]) -> str:
    """Return ``" Did you mean 'x'?"`` for the nearest known name, or an empty string.

    Parameters
    ----------
    name : str
        What was written.
    candidates : iterable of str
        What could have been meant.

    Returns
    -------
    str
        A sentence with a leading space, or ``""`` where nothing is near.

    Examples
    --------
    >>> did_you_mean("tuchpoint", ["case", "touchpoint", "ts"])
    " Did you mean 'touchpoint'?"
    >>> did_you_mean("zzz", ["case"])
    ''
    """
    by_folded = {candidate.casefold(): candidate for candidate in sorted(candidates, reverse=True)}
    near = difflib.get_close_matches(name.casefold(), list(by_folded), n=1, cutoff=0.6)
    return f" Did you mean '{by_folded[near[0]]}'?" if near else ""


def refuse_unknown(
    names: Iterable[str],
    candidates: Collection[str],
    message: str,
    error: type[Exception] = ConfigError,
    **values: str,
) -> None:
    """Raise an error for the first of `names` that is not among `candidates`.

    Parameters
    ----------
    names, candidates : iterable of str
    message : str
        ``{name}`` stands for the name, ``{near}`` for `did_you_mean`, ``{known}`` for a list.
    error : type of exception
    **values
        What else the message names.

    Examples
    --------
    >>> refuse_unknown(["a", "cal"], ["a", "call"], "there is no '{name}'.{near}")
    Traceback (most recent call last):
    journeylib.core.errors.ConfigError: there is no 'cal'. Did you mean 'call'?
    """
    for name in names:
        if name not in candidates:
            near = did_you_mean(name, candidates)
            raise error(message.format(name=name, near=near, known=", ".join(candidates), **values))


_MADE_BY = {
    "EventLog": "jl.read_log(source, schema)",
    "Journeys": "jl.rebuild(log)",
    "JourneySettings": "jl.JourneySettings(cut='gap')",
    "TouchpointMapping": "jl.read_mapping(path)",
    "Comparison": "jl.compare(a, b)",
    "Audit": "jl.audit(config)",
}


def refuse_other(given: object, *kinds: str) -> None:
    """Raise an error where `given` is none of the public `kinds`, and say what makes one.

    Examples
    --------
    >>> refuse_other([], "Journeys")
    Traceback (most recent call last):
    journeylib.core.errors.ConfigError: Journeys expected, list given: jl.rebuild(log) makes it.
    """
    if not {kind.__name__ for kind in type(given).__mro__} & {*kinds}:
        made = " or ".join(_MADE_BY[kind] for kind in kinds)
        wanted, name = " or ".join(kinds), type(given).__name__
        raise ConfigError(f"{wanted} expected, {name} given: {made} makes it.")


def nearest_file(path: Path, pattern: str = "*") -> str:
    """Return `did_you_mean` for a file that is not there, among those of its folder.

    A common ending is no likeness: what stands before it has to be near too.
    """
    beside = [p for p in path.parent.glob(pattern) if p.is_file()]
    return did_you_mean(path.name, [p.name for p in beside if did_you_mean(path.stem, [p.stem])])


@contextmanager
def extra(name: str, what: str, otherwise: str = "") -> Iterator[None]:
    """Say what to install where a package of an extra cannot be imported.

    Parameters
    ----------
    name : str
        The extra.
    what : str
        What needs the package, as the subject of a sentence.
    otherwise : str
        What can be done without it.
    """
    try:
        yield
    except ImportError as error:
        raise RunError(
            f"{what} needs {error.name}, which is not installed: pip install "
            f"'journeylib[{name}]'. {otherwise}".rstrip()
        ) from None
