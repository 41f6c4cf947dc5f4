"""Words: every text of the workshop in one language, with numbers written as that language does.

A language is one file in the folder `words`. A key that is missing is an error, never a blank.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from journeylib.core.errors import ConfigError, did_you_mean
from journeylib.core.estimate import Estimate

FOLDER = Path(__file__).parent
NARROW = "\u00a0"  # keeps a number and its unit on one line
NAMED = 4


def languages() -> list[str]:
    """Return the languages there are, by their codes."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


@dataclass(frozen=True)
class Words:
    """The texts of one language.

    Attributes
    ----------
    language : str
        Its code, the name of its file.
    texts : mapping of str to str
        Key to text; ``{name}`` is filled in.
    """

    language: str
    texts: Mapping[str, str]

    @property
    def tag(self) -> str:
        """The language with its country, as Office programs name it."""
        return self.texts["tag"]

    def say(self, key: str, **figures: object) -> str:
        """Return the text of `key` with figures filled in; numbers are written here."""
        return self.texts[key].format(
            **{
                name: self.count(value) if isinstance(value, int) else value
                for name, value in figures.items()
            }
        )

    def or_itself(self, group: str, name: str) -> str:
        """Return the word for a name that the company may have chosen itself, such as an outcome.

        Examples
        --------
        >>> words_of("de").or_itself("outcome", "churn"), words_of("de").or_itself("outcome", "x")
        ('Kündigungen', 'x')
        """
        return self.texts.get(f"{group}.{name}", name)

    def number(self, value: float, digits: int = 0) -> str:
        """Return a number with grouped thousands and a true minus.

        Examples
        --------
        >>> words_of("en").number(-1234.5, 1), words_of("de").number(-1234.5, 1)
        ('−1,234.5', '−1.234,5')
        """
        from babel.numbers import format_decimal

        # Zero has no sign, whatever it was rounded from.
        near = round(value, digits) + 0.0
        pattern = "#,##0" + ("." + "0" * digits if digits else "")
        return format_decimal(near, format=pattern, locale=self.texts["locale"]).replace("-", "−")

    def count(self, value: int) -> str:
        """Return a whole number."""
        return self.number(value)

    def signed(self, value: float, digits: int = 2) -> str:
        """Return a number with its sign.

        Examples
        --------
        >>> words_of("de").signed(0.314), words_of("en").signed(-0.004)
        ('+0,31', '0.00')
        """
        text = self.number(value, digits)
        return f"+{text}" if round(value, digits) > 0 else text

    def share(self, value: float, digits: int = 0) -> str:
        r"""Return a share in per cent.

        Examples
        --------
        >>> words_of("de").share(0.1234, 1), words_of("en").share(0.001)
        ('12,3\xa0%', 'under 1\xa0%')
        """
        if value == 0:
            digits = 0
        if 0 < value < 0.5 * 10 ** -(digits + 2):
            return f"{self.say('under', x=self.number(10**-digits, digits))}{NARROW}%"
        return f"{self.number(100 * value, digits)}{NARROW}%"

    def duration(self, seconds: float) -> str:
        """Return a duration in the largest unit that keeps it above 1."""
        for size, unit in ((86400, "days"), (3600, "hours"), (60, "minutes")):
            if abs(seconds) >= size:
                return self.say(unit, x=self.number(seconds / size, 1))
        return self.say("seconds", x=self.number(seconds))

    def estimate(self, estimate: Estimate, *, base: bool = True) -> str:
        r"""Return an estimate with its interval and base, or that there is too little evidence.

        Examples
        --------
        >>> words_of("de").estimate(Estimate(0.123, "share", lo=0.101, hi=0.148, n_customers=1321))
        '12,3\xa0% (10,1 bis 14,8; n\xa0=\xa01.321)'
        """
        if estimate.value is None:
            return self.say("abstain.any")
        write, unit = self._writer(estimate)
        n = (estimate.n_customers or estimate.n_journeys) if base else 0
        text = write(estimate.value)
        if estimate.lo is None or estimate.hi is None:
            return self.say("with_n", value=text, n=n) if n else text
        lo, hi = (write(end).removesuffix(unit) for end in (estimate.lo, estimate.hi))
        key = "interval_n" if n else "interval"
        return self.say(key, value=text, lo=lo, hi=hi, n=n)

    def _writer(self, estimate: Estimate) -> tuple[Callable[[float], str], str]:
        """Return how a number of this unit is written, and the unit that its ends leave out."""
        value = estimate.value or 0.0
        if estimate.unit == "share":
            return lambda x: self.share(x, 1), f"{NARROW}%"
        if estimate.unit == "seconds":
            return self.duration, ""
        if estimate.unit == "feeling":
            return self.signed, ""
        digits = 0 if abs(value) >= 10 else 1
        money = estimate.unit.partition("/")[0]  # EUR/week: the sentence says the week
        if money.isupper() and len(money) == 3:
            return lambda x: f"{self.number(x, 2)}{NARROW}{money}", f"{NARROW}{money}"
        return lambda x: self.number(x, digits), ""

    def day(self, day: dt.date) -> str:
        """Return a day, spelled out."""
        from babel.dates import format_date

        return format_date(day, format="long", locale=self.texts["locale"])

    def names(self, names: Sequence[str], *, most: int = NAMED) -> str:
        """Return names as a list in a sentence; of many, the first few and how many more."""
        from babel.lists import format_list

        if len(names) > most:
            return self.say("names.and", names=", ".join(names[:most]), n=len(names) - most)
        return format_list(list(names), style="standard", locale=self.texts["locale"])


@cache
def words_of(language: str) -> Words:
    """Return the texts of a language.

    Raises
    ------
    ConfigError
        If there is no such language.
    """
    known = languages()
    if language not in known:
        raise ConfigError(
            f"there are no texts in the language '{language}'.{did_you_mean(language, known)} "
            f"Languages: {', '.join(known)}."
        )
    texts = yaml.safe_load((FOLDER / f"{language}.yaml").read_text(encoding="utf-8"))
    return Words(language, {key: str(text) for key, text in texts.items()})
