"""The claims ledger: published figures as data, with what each may and may not be used for.

A figure that circulates without its denominator is worse than none: it will be multiplied by
something. Whoever needs one asks `usable` first, and is refused with the reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from journeylib.core import ConfigError, Grade, did_you_mean, read_packaged

Purpose = Literal[
    "context",  # told as what somebody published, with its source
    "sign_prior",  # which way an effect is expected to go, never how far
    "hypothesis",  # something to test on the log at hand
    "constraint",  # a rule of the method, such as how many conversations to start with
    "whatif_prior",  # centre of a wide prior in a simulation, shown as assumed
    "multiplier",  # scaling a rating, a probability or money by it
    "calibration",  # fitting a simulation to reproduce it
    "benchmark",  # comparing a company's own figure with it
]
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)


@dataclass(frozen=True)
class Claim:
    """One published figure.

    Attributes
    ----------
    claim_id : str
    claim : str
        What is claimed, in words.
    value : tuple of float
        The figures in it; negative for a fall.
    unit : str
    source : str
        Who published it, and how far it was checked.
    percentage_of : str or None
        What it is a percentage of; None where the source does not say.
    usable_as : frozenset of Purpose
    grade : {"A", "B", "C", "D"}
        Of the figure as evidence for a company's own customers.
    caution : str
        Why it may not be used for more.
    """

    claim_id: str
    claim: str
    value: tuple[float, ...]
    unit: str
    source: str
    percentage_of: str | None
    usable_as: frozenset[Purpose]
    grade: Grade
    caution: str


def _claim(claim_id: str, entry: dict[str, Any]) -> Claim:
    return Claim(
        claim_id,
        entry["claim"],
        tuple(map(float, entry["value"])),
        entry["unit"],
        entry["source"],
        entry.get("of"),
        frozenset(("context", *entry["use"])),
        entry.get("grade", "D"),
        entry["caution"],
    )


_DATA = read_packaged(Path(__file__).with_name("claims.yaml"))
LEDGER: tuple[Claim, ...] = tuple(_claim(name, entry) for name, entry in _DATA.items())

_BY_ID = {claim.claim_id: claim for claim in LEDGER}


def usable(claim_id: str, purpose: str) -> Claim:
    """Return a claim if it may be used for `purpose`, and refuse it otherwise.

    Parameters
    ----------
    claim_id : str
        See `LEDGER`.
    purpose : str
        One of `PURPOSES`.

    Raises
    ------
    ConfigError
        Where the claim or the purpose is unknown, or the claim may not be used so; the message
        says why and what it may be used for.

    Examples
    --------
    >>> usable("three_to_five_conversations", "constraint").value
    (3.0, 5.0)
    """
    if claim_id not in _BY_ID:
        raise ConfigError(f"no claim '{claim_id}' in the ledger.{did_you_mean(claim_id, _BY_ID)}")
    if purpose not in PURPOSES:
        raise ConfigError(
            f"unknown purpose '{purpose}'.{did_you_mean(purpose, PURPOSES)} "
            f"Purposes: {', '.join(PURPOSES)}"
        )
    claim = _BY_ID[claim_id]
    if purpose not in claim.usable_as:
        allowed = [name for name in PURPOSES if name in claim.usable_as]
        raise ConfigError(
            f"'{claim.claim}' may not be used as {purpose}: {claim.caution}. "
            f"It may be used as: {', '.join(allowed)}"
        )
    return claim


def claims_page() -> str:
    """Return the ledger as the page ``docs/claims.md``."""
    lines = [
        "# Claims ledger",
        "",
        "Figures that circulate about service by machine, kept as data in "
        "`journeylib.judge.claims.LEDGER`. What is not listed under *may be used as* is refused: "
        "`usable(claim, purpose)` raises and says why. No figure may be a multiplier or a target "
        "to calibrate on.",
        "",
        "This page is made from the ledger (`make formats`); a test keeps the two alike.",
        "",
    ]
    for claim in LEDGER:
        allowed = [name.replace("_", " ") for name in PURPOSES if name in claim.usable_as]
        lines += [
            f"## {claim.claim_id}",
            "",
            f"- **Claim:** {claim.claim}",
            f"- **Source:** {claim.source}",
            f"- **A percentage of:** {claim.percentage_of or 'not said'}",
            f"- **Grade as evidence for one's own customers:** {claim.grade}",
            f"- **May be used as:** {', '.join(allowed)}",
            f"- **Caution:** {claim.caution}",
            "",
        ]
    return "\n".join(lines).rstrip() + "\n"
