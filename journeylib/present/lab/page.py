"""lab.html: plan, watch and reading of one experiment on a page that opens offline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from journeylib.lab import (
    Plan,
    Reading,
    Watch,
    change,
    count,
    date,
    level,
    some,
    span,
)
from journeylib.present.blocks import Card, cards
from journeylib.present.lab.charts import draw_findable, draw_harm, draw_reading
from journeylib.present.lab.views import lab_decision, lab_plan
from journeylib.present.report import CSP
from journeylib.present.tables import html_table
from journeylib.present.theme import TEMPLATES, css

if TYPE_CHECKING:
    from journeylib.present.figure import Figure

WORDS = {
    "skip": "Skip to the content",
    "contents": "Contents",
    "footer": "Made by journeylib from an event log. This page holds no single customer's data, "
    "asks for nothing from the network and runs no script.",
    "reading": "The reading",
    "watch": "The watch",
    "plan": "The plan",
    "lead": "Experiment {name} at {touchpoint}, from {begins} on. Control arm: {control}. New arm: "
    "{new}.",
    "split": "customers, {control} and {new}",
    "both": "seen in both arms",
    "wait": "A customer is read {days} after the first exposure.",
    "hash": "Hash of the plan: {hash}.",
    "changed": "Changed since it was written: {entries}.",
    "segments": "By segment, for questions, never for decisions",
    "baselines": "What the plan rests on",
    "planned_looks": "Planned looks",
}


@dataclass(frozen=True)
class Section:
    """One part of the page: a heading, sentences, and blocks of HTML."""

    title: str
    texts: tuple[str, ...] = ()
    blocks: tuple[str, ...] = field(default=(), repr=False)


def lab_page(
    planned: Plan,
    *,
    hash_: str = "",
    watched: Watch | None = None,
    reading: Reading | None = None,
    language: str = "en",
) -> str:
    """Return the page of an experiment.

    Parameters
    ----------
    planned : Plan
    hash_ : str
        Of the plan.
    watched : Watch, optional
        Default: that of the reading.
    reading : Reading, optional
    language : str
        Of the page.

    Returns
    -------
    str
        One HTML page without script and without links to elsewhere.
    """
    settings = planned.settings
    watched = watched or (reading.watch if reading else None)
    sections = []
    if reading is not None:
        sections.append(_reading(reading))
    if watched is not None:
        sections.append(_watch(planned, watched))
    sections.append(_plan(planned, hash_))
    lead = WORDS["lead"].format(
        name=settings.name,
        touchpoint=settings.touchpoint,
        begins=settings.begins,
        control=settings.arms[0],
        new=settings.arms[1],
    )
    return render_page(settings.question, lead, sections, language=language)


def render_page(title: str, lead: str, sections: Sequence[Section], *, language: str = "en") -> str:
    """Return a page of sections in the style of the dashboard, without script."""
    from jinja2 import Environment, FileSystemLoader

    template = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, keep_trailing_newline=True
    ).get_template("lab.html.j2")
    return template.render(
        title=title,
        lead=lead,
        language=language,
        csp=CSP,
        css=css() + (TEMPLATES / "page.css").read_text(encoding="utf-8"),
        sections=sections,
        words=WORDS,
    )


def write_page(folder: str | Path, page: str, name: str = "lab.html") -> Path:
    """Write a page into a folder."""
    path = Path(folder) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, encoding="utf-8")
    return path


def _figure(figure: Figure | None) -> tuple[str, ...]:
    return () if figure is None else (figure.body(),)


def _reading(reading: Reading) -> Section:
    texts = [reading.text, reading.words]
    if reading.changed:
        texts.append(WORDS["changed"].format(entries=", ".join(reading.changed)))
    blocks = [lab_decision(reading).html, draw_reading(reading).body()]
    if len(reading.segments):
        blocks.append(_segments(reading))
    return Section(WORDS["reading"], tuple(texts), tuple(blocks))


def _segments(reading: Reading) -> str:
    unit = reading.primary.unit
    table = pd.DataFrame(
        {
            "Segment": reading.segments["segment"],
            "Customers": [count(number) for number in reading.segments["customers"]],
            "Change": [change(value, unit) for value in reading.segments["difference"]],
            "Interval": [
                span(lo, hi, unit)
                for lo, hi in zip(reading.segments["lo"], reading.segments["hi"], strict=True)
            ],
        }
    )
    return html_table(table, caption=WORDS["segments"])


def _watch(planned: Plan, watched: Watch) -> Section:
    items = []
    if len(watched.trail):
        last = watched.trail.iloc[-1]
        numbers = {"control": count(last["control"]), "new": count(last["new"])}
        items = [
            Card(WORDS["split"].format(**numbers), int(last["control"] + last["new"])),
            Card(WORDS["both"], level(float(last["both_arms"]), "share")),
        ]
    blocks = (cards(*items).html,) if items else ()
    texts = (*(stop.text for stop in watched.stops), *watched.notes)
    return Section(WORDS["watch"], texts, (*blocks, *_figure(draw_harm(planned, watched))))


def _plan(planned: Plan, hash_: str) -> Section:
    settings = planned.settings
    texts = [planned.text, *planned.advice]
    if planned.wait:
        texts.append(WORDS["wait"].format(days=some(planned.wait, "day")))
    if hash_:
        texts.append(WORDS["hash"].format(hash=hash_[:16]))
    names = {one.name: one for one in settings.measures}
    baselines = pd.DataFrame(
        {
            "Measure": [names[one.name].heading for one in planned.baselines],
            "Before": [level(one.value, names[one.name].unit) for one in planned.baselines],
            "Rests on": [count(one.customers) for one in planned.baselines],
            "Needed by its own test": [count(one.needed) for one in planned.baselines],
        }
    )
    looks = pd.DataFrame(
        {
            "Day": [date(settings.begins, look.day).isoformat() for look in planned.looks],
            "Customers": [count(look.customers) for look in planned.looks],
            "Critical value": [round(look.z, 3) for look in planned.looks],
        }
    )
    blocks = [lab_plan(planned).html, *_figure(draw_findable(planned))]
    blocks.append(html_table(baselines, caption=WORDS["baselines"]))
    if len(looks):
        blocks.append(html_table(looks, caption=WORDS["planned_looks"]))
    return Section(WORDS["plan"], tuple(texts), tuple(blocks))
