"""What if: move a share of a matter between bot and people, on the log of an audit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from journeylib.audits.config.audit_config import AuditConfig
from journeylib.audits.experiments.facts import lab_results
from journeylib.audits.result.result import Audit
from journeylib.core import DRAWS, ConfigError, refuse_other, use_language
from journeylib.journeys import Journeys
from journeylib.judge import Judgement
from journeylib.measures import Evidence, ServiceTypes
from journeylib.portfolio import (
    Portfolio,
    QueueRecords,
    Terms,
    WhatIf,
    forecast,
    queue_records,
    team_of,
)

ALL = 1.0  # the share of its contacts that the worth of a candidate is reckoned with


@dataclass(frozen=True, eq=False)
class Basis:
    """What a forecast of moves rests on; an `Audit` holds all of it."""

    config: AuditConfig
    journeys: Journeys
    evidence: Evidence
    judgement: Judgement
    service_types: ServiceTypes | None


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
    refuse_other(audit, "Audit")
    return forecaster(audit)(moves, staff, draws)


def forecaster(audit: Audit) -> Callable[[Mapping[str, float], int | None, int], WhatIf]:
    """Return what forecasts moves, the log's queues read once: of moves, staff and draws.

    Raises
    ------
    ConfigError
        If the log has no clock or no actors.
    """
    config = audit.config
    journeys = audit.journeys
    if not _tells_of_queues(journeys):
        lacking = [] if journeys.has_clock else ["times (roles.timestamp)"]
        lacking += [] if journeys.has("actor") else ["a column that says who acts (roles.actor)"]
        raise ConfigError(
            f"a forecast of a move needs {' and '.join(lacking)}; the log of "
            f"{config.name} has none."
        )
    with use_language(config.language):
        records, terms = _queues(
            Basis(config, audit.journeys, audit.evidence, audit.judgement, audit.service_types)
        )

    def forecast_moves(moves: Mapping[str, float], staff: int | None, draws: int) -> WhatIf:
        if not moves:
            raise ConfigError("say what moves, such as {'Billing call': 0.4}")
        with use_language(config.language):
            return forecast(records, moves, terms, staff=staff, draws=draws)

    return forecast_moves


def proposed_moves(basis: Basis, proposed: Portfolio | None) -> tuple[WhatIf, ...]:
    """Forecast what the portfolio proposes: each choice alone, then those of one team together.

    Its worth is reckoned with all contacts of a touchpoint, so all of them move here, too.
    """
    if proposed is None or not proposed.chosen or not _tells_of_queues(basis.journeys):
        return ()
    records, terms = _queues(basis)
    served = set(records.contacts["touchpoint"])
    chosen = [name for name in proposed.chosen if name in served]
    teams = {frozenset(team_of(records, name)) & set(chosen) for name in chosen}
    groups = [[name] for name in chosen]
    groups += [[name for name in chosen if name in team] for team in teams if len(team) > 1]
    ordered = sorted(groups, key=lambda names: (len(names), chosen.index(names[0])))
    return tuple(forecast(records, dict.fromkeys(names, ALL), terms) for names in ordered)


def _tells_of_queues(journeys: Journeys) -> bool:
    return journeys.has_clock and journeys.has("actor")


def _queues(basis: Basis) -> tuple[QueueRecords, Terms]:
    config, scores = basis.config, basis.judgement.scores
    records = queue_records(
        basis.journeys,
        config.measures,
        scores=basis.evidence.turn_scores,
        types=basis.service_types,
    )
    capacity = config.judge.capacity
    terms = Terms(
        measures=config.measures,
        portfolio=config.portfolio,
        staff=None if capacity is None else capacity.staff,
        patience_minutes=None if capacity is None else capacity.patience_minutes,
        min_customers=config.journeys.min_customers,
        vetoes=dict(zip(scores["touchpoint"], scores["vetoes"].map(tuple), strict=True)),
        lab=lab_results(config),
    )
    return records, terms
