"""The commands of the lab: each leaves its files beside the plan and returns what to tell."""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from journeylib import audits
from journeylib.core import ConfigError, text, use_language
from journeylib.delivery import send, watch_mail
from journeylib.lab import Watch, empty_answers, plan_hash, read_plan
from journeylib.present import assessment_page, lab_page, write_page

Day = dt.date | str | None
MESSAGES = {
    "no_run": "{run} has no audit.json that can be read. Name a run directory, such as "
    "audits/NAME/latest.",
}


@dataclass(frozen=True)
class WatchRun:
    """A watch that left its files: what to tell, whether it stops, and what was not sent."""

    text: str
    stopped: bool
    unsent: tuple[str, ...] = ()


def make_plan(
    config: Path,
    *,
    out: Path,
    overrides: Sequence[str] = (),
    as_of: Day = None,
    moves: Mapping[str, float] | None = None,
) -> str:
    """Plan an experiment, its own or the one on a move, and leave `plan.yaml` and `lab.html`."""
    planned, file = audits.plan_experiment(
        config, out=out, overrides=overrides, as_of=as_of, moves=moves
    )
    with use_language(audits.load_config(config, overrides=overrides).language):
        page = write_page(file.parent, lab_page(planned, hash_=plan_hash(planned)))
        return text(
            f"lab.command.{'plan' if planned.run else 'not_run'}",
            plan=str(planned),
            file=str(file),
            page=str(page),
            begins=planned.settings.begins.isoformat(),
        )


def make_watch(file: Path, *, as_of: Day = None, send_when: audits.When | None = None) -> WatchRun:
    """Watch an experiment, leave `watch.json`, `mail.eml` and `lab.html`, and send the mail."""
    watched = audits.watch_experiment(file, as_of=as_of)
    planned = read_plan(file)
    config = audits.load_config(file.parent / planned.plan.source, as_of=as_of)
    delivery, mail = config.delivery, file.parent / "mail.eml"
    with use_language(config.language):
        mail.write_bytes(watch_mail(planned.plan, watched, delivery.mail).as_bytes())
        page = write_page(file.parent, lab_page(planned.plan, hash_=planned.hash, watched=watched))
        sentence = text("lab.command.watch", watch=watched.text, mail=str(mail), page=str(page))
    when = send_when or delivery.when
    unsent: list[str] = []
    if _is_due(when, watched):
        only_mail = delivery.model_copy(update={"slack": None, "teams": None})
        only_mail.check_secrets(os.environ)
        unsent = send(file.parent, only_mail, os.environ)
    return WatchRun(sentence, watched.stopped, tuple(unsent))


def _is_due(when: audits.When, watched: Watch) -> bool:
    return when == "always" or (when == "alarm" and watched.stopped)


def make_reading(file: Path, *, as_of: Day = None) -> str:
    """Read an experiment and leave `reading.json` and `lab.html`."""
    reading = audits.read_experiment(file, as_of=as_of)
    with use_language(audits.load_config(file.parent / reading.plan.source).language):
        page = write_page(file.parent, lab_page(reading.plan, hash_=reading.hash, reading=reading))
        return text("lab.command.read", reading=str(reading), page=str(page))


def make_assessment(
    config: Path, *, out: Path, run: Path | None = None, empty: bool = False
) -> str:
    """Set people's answers beside an audit, and leave `assessment.html`.

    Parameters
    ----------
    config : Path
        YAML, as init writes it.
    out : Path
        Where the page is left.
    run : Path, optional
        A run directory; without it the audit is made anew.
    empty : bool
        Only write the table that people fill in.

    Returns
    -------
    str
        What to tell.
    """
    checked = audits.load_config(config)
    with use_language(checked.language):
        return _empty(out) if empty else _beside_audit(checked, out, run)


def _empty(out: Path) -> str:
    file = out / "statements.csv"
    file.parent.mkdir(parents=True, exist_ok=True)
    empty_answers().to_csv(file, index=False, lineterminator="\n")
    return text("lab.command.empty", file=str(file))


def _beside_audit(config: audits.AuditConfig, out: Path, run: Path | None) -> str:
    document = audits.audit(config).document if run is None else _document(run)
    assessment, bets = audits.assessment_of(config, document), audits.bets_of(config, document)
    page = assessment_page(
        config.heading,
        document["audit"]["as_of"],
        objective=audits.objective_of(config, document),
        bets=bets,
        assessment=assessment,
    )
    problems = list(dict.fromkeys(p.text for one in bets for p in one.inconsistencies))
    texts = [*problems, text("lab.command.contradicted", count=len(assessment.contradictions))]
    path = write_page(out, page, "assessment.html")
    return text("lab.command.assess", text="\n".join(texts), page=str(path))


def _document(run: Path) -> dict[str, Any]:
    try:
        document: dict[str, Any] = json.loads((run / "audit.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise ConfigError(MESSAGES["no_run"].format(run=run)) from None
    return document
