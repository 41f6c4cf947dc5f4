"""Quality of a visit: whether it went well, badly, or neither."""

from __future__ import annotations

from typing import Any

import ibis
from ibis import _

from journeylib.core import MICRO, ConfigError, did_you_mean
from journeylib.journeys import Journeys
from journeylib.judge.settings import MomentSettings
from journeylib.log import fetch, reusable

TRUE_WORDS = ("1", "true", "yes", "y", "t", "ja", "j")
FALSE_WORDS = ("0", "false", "no", "n", "f", "nein")
NO_TRANSFER, WAIT = "no_transfer", "wait_seconds"
BUILT_IN = (NO_TRANSFER, WAIT)
_SCALED = ("rating", "sentiment", "cost")


def visits_with_quality(journeys: Journeys, settings: MomentSettings) -> ibis.Table:
    """Return the first visit of each journey to each touchpoint, where its quality is known.

    Parameters
    ----------
    journeys : Journeys
        With a clock.
    settings : MomentSettings
        `good` names a column, ``rating``, ``sentiment`` or ``cost``, or what is seen without a
        column of its own: ``no_transfer`` (no other hand took over within the conversation)
        and ``wait_seconds`` (silence in the conversation just before the visit).

    Returns
    -------
    ibis.Table
        Row: a journey's first visit of a touchpoint. ``journey``, ``touchpoint``,
        ``customer_no``, ``t_us`` (its start), ``first_step``, ``quality`` (1 good, 0 neither,
        −1 bad). The last turn whose quality is known speaks for the visit; a single transfer
        spoils it.

    Raises
    ------
    ConfigError
        If the log does not carry the column, or none of its values says whether a visit went well.
    """
    steps, value = _observed(journeys, settings)
    visits = reusable(
        steps.filter(_.visit == 1)
        .mutate(quality=_quality(value, settings))
        .group_by(["journey", "touchpoint"])
        .aggregate(
            customer_no=_.customer_no.min(),
            t_us=_.t_us.min(),
            first_step=_.step.min(),
            quality=_.quality.min()
            if settings.good == NO_TRANSFER
            else _.quality.argmax(_.step, where=_.quality.notnull()),
        )
        .filter(_.quality.notnull())
    )
    _check_readable(steps, value, visits, settings)
    return visits


def check_columns(journeys: Journeys, settings: MomentSettings) -> None:
    """Raise if the settings name a column that the log does not have, or a consequence.

    What a visit is judged by is settled in it, so it can be neither adjusted for nor a control.
    """
    named = [*settings.adjust, *([settings.negative_control] if settings.negative_control else [])]
    if settings.good in named:
        raise ConfigError(
            f"judge.moments adjusts for '{settings.good}', which also says whether a visit "
            "went well. Adjust for what was known before the visit."
        )
    good = settings.good or ""
    missing = [name for name in named if not journeys.has(name)]
    if good and not (good in BUILT_IN or _stands_for(journeys, good)):
        missing.insert(0, good)
    for name in missing:
        columns = [c for c in journeys.steps.columns if not c.endswith("_us")]
        raise ConfigError(
            f"judge.moments names the column '{name}', which the log does not carry."
            f"{did_you_mean(name, [*columns, *BUILT_IN])} Declare it in roles.attributes."
        )
    if good == NO_TRANSFER and not journeys.has("actor"):
        raise ConfigError("judge.moments.good: no_transfer needs the role 'actor' in the log.")


def _stands_for(journeys: Journeys, name: str) -> str | None:
    """Return the column that `name` stands for, None where the log has none."""
    if journeys.has(name):
        return name
    scaled = f"{name}_micro"
    return scaled if name in _SCALED and journeys.has(scaled) else None


def _observed(journeys: Journeys, settings: MomentSettings) -> tuple[ibis.Table, Any]:
    """Return the steps and the expression that quality is read from."""
    name = str(settings.good)
    column = _stands_for(journeys, name)
    if column is not None:
        value = _[column]
        return journeys.steps, value / MICRO if column != name else value
    if name == NO_TRANSFER:
        return _with_transfers(journeys), ~_.passed_on
    return _with_waits(journeys), _.waited_us / MICRO


def _conversation(journeys: Journeys) -> list[str]:
    return ["journey", "session"] if journeys.has("session") else ["journey"]


def _with_transfers(journeys: Journeys) -> ibis.Table:
    """Add ``passed_on``: after this turn of a bot or human, another hand takes over."""
    hands = journeys.steps.filter(_.actor.isin(["bot", "human"]))
    window = ibis.window(group_by=_conversation(journeys), order_by="step")
    other = _.actor == "bot"
    if journeys.has("resource"):
        other = other | (_.resource != _.resource.lead().over(window)).fill_null(False)
    taken = (_.actor.lead().over(window) == "human") & other
    turns = hands.select("journey", "step", passed_on=taken.fill_null(False))
    return journeys.steps.left_join(turns, ["journey", "step"]).drop("journey_right", "step_right")


def _with_waits(journeys: Journeys) -> ibis.Table:
    """Add ``waited_us``: the silence before a visit, since the turn before in the conversation."""
    window = ibis.window(group_by=_conversation(journeys), order_by="step")
    ended = (_.t_us + ibis.coalesce(_.service_us, 0)).lag().over(window)
    waited = _.starts_visit.ifelse(ibis.greatest(_.t_us - ended, 0), ibis.null("int64"))
    # greatest() skips a null: without a turn before there is no wait, not a wait of 0.
    return journeys.steps.mutate(waited_us=ended.isnull().ifelse(ibis.null("int64"), waited))


def _quality(value: Any, settings: MomentSettings) -> Any:
    nothing = ibis.null("int64")
    if settings.good_from is None and settings.good_to is None:
        word = value.cast("string").lower()
        return ibis.cases((word.isin(TRUE_WORDS), 1), (word.isin(FALSE_WORDS), -1), else_=nothing)
    number = value.cast("string").try_cast("float64")
    if settings.good_from is not None:
        good, worse = number >= settings.good_from, number <= settings.bad_at
    else:
        good, worse = number <= settings.good_to, number >= settings.bad_at
    rest = (number.notnull(), -1) if settings.bad_at is None else (worse, -1)
    return ibis.cases((number.isnull(), nothing), (good, 1), rest, else_=0).cast("int64")


def _check_readable(
    steps: ibis.Table, value: Any, visits: ibis.Table, settings: MomentSettings
) -> None:
    if len(fetch(visits.limit(1))) or settings.good in BUILT_IN:
        return
    filled = fetch(steps.mutate(value=value).filter(_.value.notnull()).select("step").limit(1))
    if len(filled):
        raise ConfigError(
            f"judge.moments.good: no value of '{settings.good}' says if a visit went well. Without "
            f"good_from or good_to it must hold {', '.join(TRUE_WORDS[:3])} or "
            f"{', '.join(FALSE_WORDS[:3])}; for numbers say from where (good_from) or up to where "
            "(good_to) a visit went well."
        )
