"""The commands of the lab: each leaves its files beside the plan and returns what to tell."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from journeylib.audits.config import load_config
from journeylib.audits.delivery import When
from journeylib.audits.experiments.verbs import (
    plan_experiment,
    read_experiment,
    watch_experiment,
)
from journeylib.lab.plan_file import plan_hash, read_plan
from journeylib.lab.watch import Watch
from journeylib.present.deliver import send
from journeylib.present.lab.mail import watch_mail
from journeylib.present.lab.page import lab_page, write_page

Day = dt.date | str | None
WORDS = {
    "plan": "{plan}\n\nWrote {file} and {page}. From {begins} on: journeylib lab watch {file}",
    "not_run": "{plan}\n\nWrote {file} and {page}, to be discussed.",
    "watch": "{watch}\nWrote {mail} and {page}.",
    "read": "{reading}\n\nWrote {page}.",
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
