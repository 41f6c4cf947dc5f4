"""What if: move a share of a matter between bot and people, on the log of an audit."""

from __future__ import annotations

from collections.abc import Mapping

from journeylib.audits.result.result import Audit
from journeylib.core import DRAWS, ConfigError, use_language
from journeylib.portfolio import Terms, WhatIf, forecast, queue_records


def what_if(
    audit: Audit,
    moves: Mapping[str, float],
    *,
    staff: int | None = None,
    draws: int = DRAWS,
) -> WhatIf:
    """Forecast waits, people's minutes, abandonment, repeats and money after a move.

    Parameters
    ----------
    audit : Audit
    moves : mapping of str to float
        Touchpoint that people serve to the share of its contacts that is to meet the bot first.
        A share below today's gives contacts back to people.
    staff : int, optional
        People at work afterwards in every hour; default: as today.
    draws : int
        Resamples of customers, at most 500.

    Returns
    -------
    WhatIf
        Before and after at both ends of selection, what could go wrong, the mix, segments; or
        why nothing is said. It prints as sentences.

    Raises
    ------
    ConfigError
        If the log has no clock or no actors, a touchpoint is not served by people, or a share
        lies outside 0 to 1.

    Notes
    -----
    Erlang-A hour by hour; see "What if" in ``docs/methods.md``. It takes ``judge.capacity``
    (staff, patience) and ``portfolio`` (money, like, contained, transfer) from the configuration.
    """
    journeys, config = audit.journeys, audit.config
    if not moves:
        raise ConfigError("say what moves, such as {'Billing call': 0.4}")
    if not (journeys.has_clock and journeys.has("actor")):
        raise ConfigError("a forecast of waits needs times, and a column that says who acts")
    capacity, scores = config.judge.capacity, audit.judgement.scores
    terms = Terms(
        measures=config.measures,
        portfolio=config.portfolio,
        staff=None if capacity is None else capacity.staff,
        patience_minutes=None if capacity is None else capacity.patience_minutes,
        min_customers=config.journeys.min_customers,
        vetoes=dict(zip(scores["touchpoint"], scores["vetoes"].map(tuple), strict=True)),
    )
    with use_language(config.language):
        records = queue_records(journeys, config.measures)
        return forecast(records, moves, terms, staff=staff, draws=draws)
