"""The commands of the lab: each leaves its files beside the plan and returns what to tell."""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from journeylib.audits.config import load_config
from journeylib.audits.delivery import When
from journeylib.audits.experiments.facts import assessment_of, bets_of, objective_of
from journeylib.audits.experiments.verbs import (
    plan_experiment,
    read_experiment,
    watch_experiment,
)
from journeylib.audits.run import audit
from journeylib.errors import ConfigError
from journeylib.lab import Watch, empty_answers, plan_hash, read_plan
from journeylib.present.deliver import send
from journeylib.present.lab.assessment import assessment_page
from journeylib.present.lab.mail import watch_mail
from journeylib.present.lab.page import lab_page, write_page

Day = dt.date | str | None
WORDS = {
    "plan": "{plan}\n\nWrote {file} and {page}. From {begins} on: journeylib lab watch {file}",
    "not_run": "{plan}\n\nWrote {file} and {page}, to be discussed.",
    "watch": "{watch}\nWrote {mail} and {page}.",
    "read": "{reading}\n\nWrote {page}.",
    "empty": "Wrote {file}: one row per statement. Give each rater a copy; join them into one "
    "table and name it under assessment.file.",
    "assess": "{text}\nWrote {page}.",
    "contradicted": "People are sure of {count} statements that the audit says fail.",
    "no_run": "{run} has no audit.json that can be read. Name a run directory, such as "
    "audits/NAME/latest.",
}


@dataclass(frozen=True)
class WatchRun:
    """A watch that left its files: what to tell, whether it stops, and what was not sent."""

    text: str
    stopped: bool
    unsent: tuple[str, ...] = ()


def make_plan(config: Path, *, out: Path, overrides: Sequence[str] = (), as_of: Day = None) -> str:
    """Plan an experiment and leave `plan.yaml` and `lab.html`."""
    planned, file = plan_experiment(config, out=out, overrides=overrides, as_of=as_of)
    page = write_page(file.parent, lab_page(planned, hash_=plan_hash(planned)))
    words = WORDS["plan" if planned.run else "not_run"]
    return words.format(plan=planned, file=file, page=page, begins=planned.settings.begins)


def make_watch(file: Path, *, as_of: Day = None, send_when: When | None = None) -> WatchRun:
    """Watch an experiment, leave `watch.json`, `mail.eml` and `lab.html`, and send the mail."""
    found = watch_experiment(file, as_of=as_of)
    planned = read_plan(file)
    delivery = load_config(file.parent / planned.plan.source, as_of=as_of).delivery
    mail = file.parent / "mail.eml"
    mail.write_bytes(watch_mail(planned.plan, found, delivery.mail).as_bytes())
    page = write_page(file.parent, lab_page(planned.plan, hash_=planned.hash, watched=found))
    when = send_when or delivery.when
    unsent: list[str] = []
    if _is_due(when, found):
        only_mail = delivery.model_copy(update={"slack": None, "teams": None})
        only_mail.check_secrets(os.environ)
        unsent = send(file.parent, only_mail, os.environ)
    text = WORDS["watch"].format(watch=found.text, mail=mail, page=page)
    return WatchRun(text, found.stopped, tuple(unsent))


def _is_due(when: When, found: Watch) -> bool:
    return when == "always" or (when == "alarm" and found.stopped)


def make_reading(file: Path, *, as_of: Day = None) -> str:
    """Read an experiment and leave `reading.json` and `lab.html`."""
    found = read_experiment(file, as_of=as_of)
    page = write_page(file.parent, lab_page(found.plan, hash_=found.hash, reading=found))
    return WORDS["read"].format(reading=found, page=page)


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
    if empty:
        file = out / "statements.csv"
        file.parent.mkdir(parents=True, exist_ok=True)
        empty_answers().to_csv(file, index=False, lineterminator="\n")
        return WORDS["empty"].format(file=file)
    checked = load_config(config)
    document = audit(checked).document if run is None else _document(run)
    found = assessment_of(checked, document)
    bets = bets_of(checked, document)
    page = assessment_page(
        checked.heading,
        document["audit"]["as_of"],
        objective=objective_of(checked, document),
        bets=bets,
        assessment=found,
    )
    problems = list(dict.fromkeys(p.text for one in bets for p in one.inconsistencies))
    texts = [*problems, WORDS["contradicted"].format(count=len(found.contradictions))]
    path = write_page(out, page, "assessment.html")
    return WORDS["assess"].format(text="\n".join(texts), page=path)


def _document(run: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads((run / "audit.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise ConfigError(WORDS["no_run"].format(run=run)) from None
    return found
