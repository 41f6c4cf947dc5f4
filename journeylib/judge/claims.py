"""The claims ledger: published figures as data, with what each may and may not be used for.

A figure that circulates without its denominator is worse than none: it will be multiplied by
something. Whoever needs one asks `usable` first, and is refused with the reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from journeylib.core import ConfigError, Estimate, Grade, did_you_mean

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


def _claim(
    claim_id: str,
    claim: str,
    value: tuple[float, ...],
    unit: str,
    *,
    source: str,
    of: str | None,
    use: tuple[Purpose, ...],
    caution: str,
    grade: Grade = "D",
) -> Claim:
    return Claim(
        claim_id, claim, value, unit, source, of, frozenset(("context", *use)), grade, caution
    )


_SURVEY = "survey on trust and AI, quoted without its scale; original not checked"
_VENDOR = "vendor or company statement; original data not published"
_NET_SCORE = (
    "a fall of more than 100 % is impossible for a quantity between 0 and 1, so the scale is a net "
    "score that can go below 0; a percentage of it scales nothing else"
)

LEDGER: tuple[Claim, ...] = (
    _claim(
        "trust_fall_51",
        "trust falls by 51 %",
        (-51.0,),
        "%",
        source=_SURVEY,
        of=None,
        use=("sign_prior",),
        caution=_NET_SCORE,
    ),
    _claim(
        "trust_fall_61",
        "trust falls by 61 %",
        (-61.0,),
        "%",
        source=_SURVEY,
        of=None,
        use=("sign_prior",),
        caution=_NET_SCORE,
    ),
    _claim(
        "trust_fall_139",
        "trust of employees falls by 139 %",
        (-139.0,),
        "%",
        source=_SURVEY,
        of=None,
        use=("sign_prior",),
        caution=_NET_SCORE,
    ),
    _claim(
        "telkomsel_self_service",
        "Telkomsel: self-service rose from 19 % to 45 %",
        (19.0, 45.0),
        "%",
        source=_VENDOR,
        of="contacts, as far as the wording tells",
        use=("hypothesis",),
        caution="the share of other contacts fell by 32 %, calls by 87.5 %: at constant volume "
        "the two do not follow from each other",
    ),
    _claim(
        "telkomsel_calls",
        "Telkomsel: calls fell from 8,000 to 1,000 a day",
        (8000.0, 1000.0),
        "calls/day",
        source=_VENDOR,
        of=None,
        use=("hypothesis",),
        caution="the share of other contacts fell by 32 %, calls by 87.5 %: at constant volume "
        "the two do not follow from each other",
    ),
    _claim(
        "chatbots_85",
        "85 % of interactions are handled by chatbots",
        (85.0,),
        "%",
        source=_VENDOR,
        of=None,
        use=(),
        caution="no denominator, no window, and 'handled' is not 'resolved'",
    ),
    _claim(
        "walmart_calls",
        "Walmart: calls fell by 38 %",
        (-38.0,),
        "%",
        source=_VENDOR,
        of=None,
        use=("sign_prior",),
        caution="no denominator and no window",
    ),
    _claim(
        "saving_50_million",
        "50 million dollars were saved",
        (50e6,),
        "USD",
        source=_VENDOR,
        of=None,
        use=(),
        caution="no base, no window, and not net of failures and repeats",
    ),
    _claim(
        "tipping_two_minutes",
        "the tipping point could be as low as two minutes",
        (2.0,),
        "minutes",
        source="Kustomer, vendor advice",
        of=None,
        use=("hypothesis",),
        caution="a hypothesis about any one log: many logs have no tipping point at all",
    ),
    _claim(
        "aht_pinpoints_tipping",
        "average handle time pinpoints the tipping point",
        (),
        "",
        source="Kustomer, vendor advice",
        of=None,
        use=(),
        caution="wrong in general: with the tipping point held at 3 minutes, average handle time "
        "moves from 1.25 to 3.18 minutes with the speed of resolution alone",
    ),
    _claim(
        "three_to_five_conversations",
        "begin with three to five common conversations",
        (3.0, 5.0),
        "conversations",
        source="Kustomer, vendor advice",
        of=None,
        use=("constraint",),
        caution="a rule of thumb for a first portfolio, not a finding",
    ),
    _claim(
        "disclosure_purchases",
        "telling customers of the bot before the talk cuts purchases by 79.7 %",
        (-79.7,),
        "%",
        source="Luo et al. (2019), field experiment, outbound sales, 6,200 customers",
        of="purchase rate of the undisclosed bot",
        use=("sign_prior", "hypothesis"),
        caution="outbound sales, not service; undisclosed AI is no option to optimise towards",
    ),
    _claim(
        "assisted_agents",
        "agents with AI assistance resolve 14 % to 15 % more issues an hour",
        (14.0, 15.0),
        "%",
        source="Brynjolfsson, Li and Raymond (NBER 2023: 5,179 agents; QJE version: 5,172)",
        of="issues resolved an hour by the same kind of agent without it",
        use=("sign_prior", "whatif_prior"),
        caution="one company; novices gain about a third, experts next to nothing",
    ),
    _claim(
        "peak_end_correlation",
        "peak and end go with the overall judgement at r = .58 (.49 to .66)",
        (0.581, 0.487, 0.661),
        "correlation",
        source="Alaybek et al. (2022), meta-analysis of 174 effect sizes",
        of=None,
        use=("hypothesis", "benchmark"),
        grade="C",
        caution="as good as the plain mean, not better: weights are fitted, not imposed",
    ),
    _claim(
        "silent_abandonment",
        "3 % to 70 % of customers abandon a chat silently",
        (3.0, 70.0),
        "%",
        source="Castellanos et al., 17 companies",
        of="customers who abandon or are served by chat, by company",
        use=("sign_prior", "hypothesis"),
        grade="C",
        caution="the range is the finding: it differs too much between companies to be borrowed",
    ),
)

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


def as_estimate(claim_id: str, purpose: str) -> Estimate:
    """Return a claim of one figure, or of value, low and high, as an estimate without a base.

    Raises
    ------
    ConfigError
        As `usable`; and where the claim is not of that form.
    """
    claim = usable(claim_id, purpose)
    if len(claim.value) not in (1, 3):
        raise ConfigError(f"'{claim.claim}' is not one figure; read its value from the ledger")
    value, lo, hi = claim.value if len(claim.value) == 3 else (claim.value[0], None, None)
    return Estimate(
        value,
        claim.unit,
        lo,
        hi,
        grade="D",
        estimand=claim.claim,
        assumptions=(claim.caution,),
        provenance=claim.source,
    )


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
