"""The catalogue: every text that a person reads, in one language, with numbers written as there.

A language is one file beside this one. Its texts stand in sections; a key names the way to one
(``findings.lost_in_queue``). A key that is missing is an error, never a blank.
"""

from __future__ import annotations

import datetime as dt
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from journeylib.core.errors import ConfigError, did_you_mean
from journeylib.core.formatting import NOTHING, decimal, long_day, sentence_list, significant
from journeylib.core.packaged import read_packaged

FOLDER = Path(__file__).parent
DEFAULT = "en"
LANGUAGE = "JOURNEYLIB_LANGUAGE"  # of a process that is started for one run
UNBROKEN = "\u00a0"  # keeps a number and its unit on one line
NAMES_IN_A_SENTENCE = 4


@runtime_checkable
class Estimated(Protocol):
    """What the catalogue reads of an `Estimate`."""

    @property
    def value(self) -> float | None: ...  # noqa: D102
    @property
    def lo(self) -> float | None: ...  # noqa: D102
    @property
    def hi(self) -> float | None: ...  # noqa: D102
    @property
    def unit(self) -> str: ...  # noqa: D102
    @property
    def abstain(self) -> str | None: ...  # noqa: D102
    @property
    def n_customers(self) -> int: ...  # noqa: D102
    @property
    def n_journeys(self) -> int: ...  # noqa: D102
    @property
    def n_events(self) -> int: ...  # noqa: D102


class _Written(str):
    """A value as written, which chooses between the words for one and for more."""

    def __format__(self, words: str) -> str:
        one, _, more = words.partition("|")
        return (one if self == "1" else more) if words else self


@dataclass(frozen=True)
class Catalogue:
    """The texts of one language.

    Attributes
    ----------
    language : str
        Its code, the name of its file.
    texts : mapping of str to str
        Key to text; ``{name}`` is filled in.
    space : str
        What stands between a number and its unit.
    """

    language: str
    texts: Mapping[str, str]
    space: str = " "

    @property
    def tag(self) -> str:
        """The language with its country, as Office programs name it."""
        return self.texts["tag"]

    @property
    def locale(self) -> str:
        """The locale by which numbers and days are written."""
        return self.texts["locale"]

    @property
    def unbroken(self) -> Catalogue:
        """The same texts, with number and unit kept on one line."""
        return replace(self, space=UNBROKEN)

    def text(self, key: str, **values: object) -> str:
        """Return the text of `key` with values filled in; numbers are written here.

        ``{n:flow|flows}`` is the first word where `n` is 1, else the second.

        Raises
        ------
        KeyError
            If there is no such text.
        """
        written = {name: _Written(self.cell(value)) for name, value in values.items()}
        return self.texts[key].format(**written)

    def label(self, group: str, name: str) -> str:
        """Return the word for a name that the company may have chosen itself, such as an outcome.

        Examples
        --------
        >>> catalogue_of("de").label("outcome", "churn"), catalogue_of("de").label("outcome", "x")
        ('Kündigungen', 'x')
        """
        return self.texts.get(f"{group}.{name}", name)

    def cell(self, value: object) -> str:
        """Return what a cell of a table says."""
        if isinstance(value, str):
            return value
        if value is None or type(value).__name__ in ("NAType", "NaTType"):
            return NOTHING
        if isinstance(value, bool):
            return self.text("yes" if value else "no")
        if hasattr(value, "item"):  # numpy's scalars
            return self.cell(value.item())
        if isinstance(value, int | float):
            return significant(value, self.locale)
        if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
            return self.day(value)
        if isinstance(value, tuple | list):
            return ", ".join(self.cell(part) for part in value)
        # Asked last: of a protocol it is slow to say, and mostly it is a number.
        return self.estimate(value) if isinstance(value, Estimated) else str(value)

    def number(self, value: float | None, digits: int | None = None) -> str:
        """Return a number; without `digits`, three significant ones or all of a whole number.

        Examples
        --------
        >>> catalogue_of("en").number(-1234.5, 1), catalogue_of("de").number(0.12345)
        ('−1,234.5', '0,123')
        """
        if value is None:
            return NOTHING
        locale = self.locale
        return significant(value, locale) if digits is None else decimal(value, digits, locale)

    def signed(self, value: float | None, digits: int = 2) -> str:
        """Return a number with its sign.

        Examples
        --------
        >>> catalogue_of("de").signed(0.314), catalogue_of("en").signed(-0.004)
        ('+0,31', '0.00')
        """
        text = self.number(value, digits)
        return f"+{text}" if text != NOTHING and round(value or 0.0, digits) > 0 else text

    def percent(self, share: float | None, digits: int = 1, *, sign: bool = True) -> str:
        """Return a share in per cent; what rounds to nothing is said to be under what would show.

        Parameters
        ----------
        share : float or None
        digits : int
            Decimals.
        sign : bool
            Whether the sign of per cent is written.

        Examples
        --------
        >>> english = catalogue_of("en")
        >>> english.percent(0.1234), english.percent(0.0002), english.percent(0.004, 0)
        ('12.3 %', 'under 0.1 %', 'under 1 %')
        >>> english.percent(0), catalogue_of("de").percent(0.0002), english.percent(0.005, 0)
        ('0 %', 'unter 0,1 %', 'under 1 %')
        """
        if share is None or math.isnan(share):
            return NOTHING
        unit = f"{self.space}%" if sign else ""
        if share == 0:
            return f"0{unit}"
        if 0 < share <= 0.5 * 10 ** -(digits + 2):
            return self.text("under", x=self.number(10**-digits, digits)) + unit
        return self.number(100 * share, digits) + unit

    def duration(self, seconds: float | None) -> str:
        """Return a duration in the largest unit that keeps it above 1.

        Examples
        --------
        >>> [catalogue_of("en").duration(x) for x in (45, 5400, 86400, 200000.0, None)]
        ['45 s', '1.5 h', '1 day', '2.3 days', '–']
        """
        if seconds is None or math.isnan(seconds):
            return NOTHING
        for size, unit in ((86400, "days"), (3600, "hours"), (60, "minutes")):
            if abs(seconds) >= size:
                return self.text(unit, x=self.number(round(seconds / size, 1)))
        return self.text("seconds", x=self.number(round(seconds, 1)))

    def estimate(self, estimate: Estimated, *, base: bool = True) -> str:
        """Return an estimate with its interval and base, or the reason why there is none.

        Examples
        --------
        >>> from journeylib.core.estimate import Estimate
        >>> seen = Estimate(0.123, "share", lo=0.101, hi=0.148, n_customers=1321)
        >>> catalogue_of("en").estimate(seen)
        '12.3 % (10.1–14.8), n = 1,321'
        >>> catalogue_of("de").estimate(seen, base=False)
        '12,3 % (10,1–14,8)'
        >>> catalogue_of("en").estimate(Estimate.none("n_small", "share"))
        'Not enough evidence: too few customers or journeys'
        >>> few = Estimate(None, "points", lo=-20, hi=100, abstain="privacy")
        >>> catalogue_of("en").estimate(few)
        '−20 to 100 points'
        """
        if estimate.value is None and estimate.abstain == "privacy" and estimate.hi is not None:
            if estimate.unit == "share":
                return self.bounds(estimate.lo or 0.0, estimate.hi)
            return self.range(estimate) + self._writer(estimate)[1]
        if estimate.value is None:
            return self.text("abstain.sentence", reason=self.text(f"abstain.{estimate.abstain}"))
        write, unit = self._writer(estimate)
        text = write(estimate.value) + unit
        if estimate.lo is not None and estimate.hi is not None:
            text = self.text("interval", value=text, range=self.range(estimate))
        n = (estimate.n_customers or estimate.n_journeys or estimate.n_events) if base else 0
        return self.text("with_n", value=text, n=n) if n else text

    def bounds(self, lo: float, hi: float) -> str:
        """Return the bounds that are shown in place of a share.

        Examples
        --------
        >>> english = catalogue_of("en")
        >>> [english.bounds(*ends) for ends in ((0, 0.05), (0.96, 1), (-0.02, 0.03))]
        ['under 5 %', 'over 96 %', '−2 to 3 %']
        """
        if lo == 0:
            return self.text("under", x=self.percent(hi, 0))
        if hi == 1:
            return self.text("over", x=self.percent(lo, 0))
        ends = self.percent(lo, 0, sign=False), self.percent(hi, 0)
        return self.text("range.words", lo=ends[0], hi=ends[1])

    def range(self, estimate: Estimated) -> str:
        """Return the interval of an estimate, its unit left out where the point has it."""
        if estimate.lo is None or estimate.hi is None:
            return NOTHING
        write, _ = self._writer(estimate)
        lo, hi = write(estimate.lo), write(estimate.hi)
        # A range of negative or spelled-out numbers needs a word between its ends.
        words = any(mark in lo + hi for mark in "−+ \u00a0")
        return self.text("range.words" if words else "range.dash", lo=lo, hi=hi)

    def _writer(self, estimate: Estimated) -> tuple[Callable[[float], str], str]:
        """Return how a number of this unit is written, and the unit behind it."""
        if estimate.unit == "share":
            return lambda x: self.percent(x, sign=False), f"{self.space}%"
        if estimate.unit == "seconds":
            return self.duration, ""
        if estimate.unit == "feeling":
            return self.signed, ""
        one = self.texts.get(f"one.{estimate.unit}") if estimate.value == 1 else None
        unit = one or self.texts.get(f"unit.{estimate.unit}", estimate.unit)
        return lambda x: self.number(float(f"{x:.3g}")), f"{self.space}{unit}" if unit else ""

    def day(self, day: dt.date) -> str:
        """Return a day, spelled out."""
        return long_day(day, self.locale)

    def names(self, names: Sequence[str], *, most: int = NAMES_IN_A_SENTENCE) -> str:
        """Return names as a list in a sentence; of many, the first few and how many more."""
        if len(names) > most:
            return self.text("names.and", names=", ".join(names[:most]), n=len(names) - most)
        return sentence_list(names, self.locale)


def languages() -> list[str]:
    """Return the languages there are, by their codes."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


@cache
def catalogue_of(language: str) -> Catalogue:
    """Return the catalogue of a language.

    Raises
    ------
    ConfigError
        If there is no such language.
    """
    codes = languages()
    if language not in codes:
        raise ConfigError(
            f"there are no texts in the language '{language}'.{did_you_mean(language, codes)} "
            f"Languages: {', '.join(codes)}."
        )
    sections = read_packaged(FOLDER / f"{language}.yaml")
    return Catalogue(language, dict(_flat(sections)))


def _flat(section: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """Yield every text with its dotted key."""
    for name, entry in section.items():
        key = f"{above}{name}"
        if isinstance(entry, Mapping):
            yield from _flat(entry, f"{key}.")
        else:
            yield key, str(entry)


_language: ContextVar[str] = ContextVar("language")


@contextmanager
def use_language(language: str) -> Iterator[Catalogue]:
    """Write every text in a language, as long as this context is open.

    Raises
    ------
    ConfigError
        If there is no such language.
    """
    catalogue = catalogue_of(language)
    token = _language.set(language)
    try:
        yield catalogue
    finally:
        _language.reset(token)


def current_catalogue() -> Catalogue:
    """Return the catalogue of the language in use: of the context, else of the process."""
    return catalogue_of(_language.get(os.environ.get(LANGUAGE, DEFAULT)))


def text(key: str, **values: object) -> str:
    """Return a text in the language in use; see `Catalogue.text`."""
    return current_catalogue().text(key, **values)


def label(group: str, name: str) -> str:
    """Return the word for a name in the language in use; see `Catalogue.label`."""
    return current_catalogue().label(group, name)


def percent(share: float | None, digits: int = 1, *, sign: bool = True) -> str:
    """Return a share in per cent in the language in use; see `Catalogue.percent`."""
    return current_catalogue().percent(share, digits, sign=sign)


def number(value: float | None, digits: int | None = None) -> str:
    """Return a number in the language in use; see `Catalogue.number`."""
    return current_catalogue().number(value, digits)


def signed(value: float | None, digits: int = 2) -> str:
    """Return a number with its sign in the language in use; see `Catalogue.signed`."""
    return current_catalogue().signed(value, digits)


def duration(seconds: float | None) -> str:
    """Return a duration in the language in use; see `Catalogue.duration`."""
    return current_catalogue().duration(seconds)


def estimate_text(estimate: Estimated, *, base: bool = True) -> str:
    """Return an estimate in the language in use; see `Catalogue.estimate`."""
    return current_catalogue().estimate(estimate, base=base)


def bounds_text(lo: float, hi: float) -> str:
    """Return bounds of a share in the language in use; see `Catalogue.bounds`."""
    return current_catalogue().bounds(lo, hi)


def cell_text(value: object) -> str:
    """Return what a cell of a table says in the language in use; see `Catalogue.cell`."""
    return current_catalogue().cell(value)


def abstain_text(reason: object, default: str | None = None) -> str:
    """Return why there is no number, in the language in use.

    Parameters
    ----------
    reason : object
        An `AbstainReason`, or the cell of a table that may hold one.
    default : str, optional
        What to return where the cell holds none.

    Raises
    ------
    KeyError
        If there is no such reason and no default.
    """
    key, texts = f"abstain.{reason}", current_catalogue().texts
    return texts[key] if default is None else texts.get(key, default)
