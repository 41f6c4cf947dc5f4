"""Plan, watch and read the experiment of a configuration, and keep what was found beside it."""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from journeylib import lab
from journeylib.audits.config.audit_config import AuditConfig
from journeylib.audits.config.load import load_config
from journeylib.audits.experiments.move_trial import trial_of_move
from journeylib.audits.preparation.preparation import prepare, read_source
from journeylib.core import ConfigError, day_of, use_language, working
from journeylib.log import EventLog, fetch

PLAN_FILE, WATCH_FILE, READING_FILE = "plan.yaml", "watch.json", "reading.json"
MESSAGES = {
    "no_lab": "{path} has no 'lab:'. Say there what is asked, where, in which arms, and which "
    "change is worth having; docs/lab.md leads through one.",
    "units": "{name} has the unit {unit}: weeks and teams are few, so there is nothing to watch "
    "from day to day. Read it at its end: `journeylib lab read`.",
    "exists": "{path} holds another plan. A plan is written once, before its data; write the new "
    "one elsewhere (--out).",
}


@working("planning the experiment")
def plan_experiment(
    config: str | Path,
    *,
    out: str | Path = "lab",
    overrides: Sequence[str] = (),
    as_of: dt.date | str | None = None,
    moves: Mapping[str, float] | None = None,
) -> tuple[lab.Plan, Path]:
    """Plan the experiment of a configuration and write its `plan.yaml`.

    Parameters
    ----------
    config : str or Path
        YAML with a ``lab:``.
    out : str or Path
        The plan is left in ``out/<name of the experiment>/plan.yaml``.
    overrides : sequence of str
        ``"key=value"`` with a dotted key.
    as_of : datetime.date or str, optional
        The day to look back from.
    moves : mapping of str to float, optional
        In place of ``lab:``, the experiment on one move between bot and people, as for
        `what_if`; its measures and limits are filled in.

    Returns
    -------
    plan : Plan
    file : Path

    Raises
    ------
    ConfigError
        If there is no ``lab:``, there is a plan already, or arms by customer share a queue.
    LogError
        If the log cannot be read or lacks what the measures need.
    """
    checked = load_config(config, overrides=overrides, as_of=as_of)
    if checked.lab is None and moves is None:
        raise ConfigError(MESSAGES["no_lab"].format(path=config))
    log = _log(checked)
    written = _last_day(checked, log)
    with use_language(checked.language):
        settings = checked.lab if moves is None else trial_of_move(checked, log, moves, written)
        assert settings is not None
        folder = Path(out) / settings.name
        file = folder / PLAN_FILE
        _check_queue(checked.model_copy(update={"lab": settings}))
        source = os.path.relpath(Path(config).resolve(), folder.resolve())
        planned = lab.plan(log, settings, written=written, source=Path(source).as_posix())
    if file.exists() and lab.read_plan(file).hash != lab.plan_hash(planned):
        raise ConfigError(MESSAGES["exists"].format(path=file))
    return planned, lab.write_plan(planned, file)


@working("watching the experiment")
def watch_experiment(file: str | Path, *, as_of: dt.date | str | None = None) -> lab.Watch:
    """Watch an experiment for a broken split and for harm, and keep what was seen.

    Parameters
    ----------
    file : str or Path
        The `plan.yaml`. ``watch.json`` is written beside it.
    as_of : datetime.date or str, optional
        The day to look back from; default: the configuration's, else the day of the last event.

    Raises
    ------
    ConfigError
        If there is no such plan, its configuration is gone, or weeks or teams take turns.
    LogError
        If the log cannot be read.
    """
    planned, config = _open(file, as_of)
    settings = planned.plan.settings
    if settings.unit != "customer":
        raise ConfigError(MESSAGES["units"].format(name=settings.name, unit=settings.unit))
    log = _log(config)
    observed = lab.observe(log, settings, until=_last_day(config, log))
    with use_language(config.language):
        watch = lab.watch(planned.plan, observed)
    _write(Path(file).parent / WATCH_FILE, _watch_dict(planned, watch))
    return watch


@working("reading the experiment")
def read_experiment(file: str | Path, *, as_of: dt.date | str | None = None) -> lab.Reading:
    """Read an experiment and keep the reading beside its plan.

    Parameters
    ----------
    file : str or Path
        The `plan.yaml`. ``reading.json`` is written beside it.
    as_of : datetime.date or str, optional
        The day to look back from; default: the configuration's, else the day of the last event.

    Raises
    ------
    ConfigError
        If there is no such plan, its configuration is gone, or arms by customer share a queue.
    LogError
        If the log cannot be read.
    """
    planned, config = _open(file, as_of)
    settings = planned.plan.settings
    _check_queue(config.model_copy(update={"lab": settings}))
    log = _log(config)
    until = _last_day(config, log)
    with use_language(config.language):
        if settings.unit == "customer":
            reading = lab.read(planned, lab.observe(log, settings, until=until))
        else:
            until = min(until, settings.begins + dt.timedelta(days=planned.plan.looks[-1].day))
            units = lab.observe_units(log, settings, begin=settings.begins, until=until)
            reading = lab.read_units(planned, units, until=until)
    _write(Path(file).parent / READING_FILE, reading.to_dict())
    return reading


def _open(file: str | Path, as_of: dt.date | str | None) -> tuple[lab.PlanFile, AuditConfig]:
    """Return a plan and the configuration that it was made from."""
    planned = lab.read_plan(file)
    config = load_config(Path(file).parent / planned.plan.source, as_of=as_of)
    settings = planned.plan.settings
    if settings.assignments is not None and config.lab is not None:
        settings = settings.model_copy(update={"assignments": config.lab.assignments})
        planned = replace(planned, plan=replace(planned.plan, settings=settings))
    return _as_first_seen(planned, Path(file).parent / WATCH_FILE), config


def _as_first_seen(planned: lab.PlanFile, seen: Path) -> lab.PlanFile:
    """Note where another plan was watched before this one: then the whole plan was replaced."""
    try:
        before = json.loads(seen.read_text(encoding="utf-8"))["plan_hash"]
    except (OSError, ValueError, KeyError, TypeError):
        return planned
    if before == planned.hash or planned.changed:
        return planned
    return replace(planned, changed=("the whole plan",))


def _check_queue(config: AuditConfig) -> None:
    assert config.lab is not None
    declared = config.judge.capacity is not None or any(one.queue for one in config.lab.measures)
    lab.check_unit(config.lab, shared_queue=declared, bad_ends=config.journeys.bad_ends)


def _log(config: AuditConfig) -> EventLog:
    """Read the log of a configuration, with touchpoints and customers as an audit has them."""
    return prepare(read_source(config), config)[0]


def _last_day(config: AuditConfig, log: EventLog) -> dt.date:
    """Return the day that the configuration looks back from, else that of the last event."""
    if config.as_of is not None:
        return config.as_of
    last = fetch(log.events.aggregate(last=log.events["t_us"].max()))["last"].iloc[0]
    return day_of(int(last))


def _watch_dict(plan_file: lab.PlanFile, watch: lab.Watch) -> dict[str, Any]:
    last = {} if watch.trail.empty else watch.trail.iloc[-1].to_dict()
    return {
        "name": watch.name,
        "plan_hash": plan_file.hash,
        "until": watch.until.isoformat(),
        "stopped": watch.stopped,
        "stops": [
            {"reason": stop.reason, "guardrail": stop.guardrail, "day": stop.day, "text": stop.text}
            for stop in watch.stops
        ],
        "notes": list(watch.notes),
        "customers": {name: int(last[name]) for name in ("control", "new") if name in last},
    }


def _write(path: Path, content: dict[str, Any]) -> None:
    text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    path.write_text(text, encoding="utf-8")
