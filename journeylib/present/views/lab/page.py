"""lab.html: plan, watch and reading of one experiment on a page that opens offline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from journeylib.core import current_catalogue, text
from journeylib.lab import Plan, Reading, Watch, change, count, date, level, some, span
from journeylib.present.blocks import Card, cards
from journeylib.present.charts.experiment import draw_findable, draw_harm, draw_reading
from journeylib.present.dashboard import CSP
from journeylib.present.figure import Figure
from journeylib.present.tables import html_table
from journeylib.present.theme import TEMPLATES, css
from journeylib.present.views.lab.experiment import lab_decision, lab_plan


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
    lead = text(
        "lab.page.lead",
        name=settings.name,
        touchpoint=settings.touchpoint,
        begins=settings.begins.isoformat(),
        control=settings.arms[0],
        new=settings.arms[1],
    )
    return render_page(settings.question, lead, sections)


def render_page(title: str, lead: str, sections: Sequence[Section]) -> str:
    """Return a page of sections in the style of the dashboard, without script."""
    from jinja2 import Environment, FileSystemLoader

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, keep_trailing_newline=True
    )
    environment.filters["words"] = text
    return environment.get_template("lab.html.j2").render(
        title=title,
        lead=lead,
        language=current_catalogue().language,
        csp=CSP,
        css=css() + (TEMPLATES / "page.css").read_text(encoding="utf-8"),
        sections=sections,
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
        texts.append(text("lab.page.changed", entries=", ".join(reading.changed)))
    blocks = [lab_decision(reading).html, draw_reading(reading).body()]
    if len(reading.segments):
        blocks.append(_segments(reading))
    return Section(text("lab.page.reading"), tuple(texts), tuple(blocks))


def _segments(reading: Reading) -> str:
    unit = reading.primary.unit
    table = pd.DataFrame(
        {
            "segment": reading.segments["segment"],
            "customers": [count(number) for number in reading.segments["customers"]],
            "change": [change(value, unit) for value in reading.segments["difference"]],
            "interval": [
                span(lo, hi, unit)
                for lo, hi in zip(reading.segments["lo"], reading.segments["hi"], strict=True)
            ],
        }
    )
    return html_table(table, caption=text("lab.page.segments"))


def _watch(planned: Plan, watched: Watch) -> Section:
    items = []
    if len(watched.trail):
        last = watched.trail.iloc[-1]
        numbers = {"control": count(last["control"]), "new": count(last["new"])}
        items = [
            Card(text("lab.page.split", **numbers), int(last["control"] + last["new"])),
            Card(text("lab.page.both"), level(float(last["both_arms"]), "share")),
        ]
    blocks = (cards(*items).html,) if items else ()
    texts = (*(stop.text for stop in watched.stops), *watched.notes)
    return Section(text("lab.page.watch"), texts, (*blocks, *_figure(draw_harm(planned, watched))))


def _plan(planned: Plan, hash_: str) -> Section:
    settings = planned.settings
    texts = [planned.text, *planned.advice]
    if planned.wait:
        texts.append(text("lab.page.wait", days=some(planned.wait, "day")))
    if hash_:
        texts.append(text("lab.page.hash", hash=hash_[:16]))
    names = {one.name: one for one in settings.measures}
    baselines = pd.DataFrame(
        {
            "measure": [names[one.name].heading for one in planned.baselines],
            "before": [level(one.value, names[one.name].unit) for one in planned.baselines],
            "customers": [count(one.customers) for one in planned.baselines],
            "needed_by_its_test": [count(one.needed) for one in planned.baselines],
        }
    )
    looks = pd.DataFrame(
        {
            "day": [date(settings.begins, look.day).isoformat() for look in planned.looks],
            "customers": [count(look.customers) for look in planned.looks],
            "critical_value": [round(look.z, 3) for look in planned.looks],
        }
    )
    blocks = [lab_plan(planned).html, *_figure(draw_findable(planned))]
    blocks.append(html_table(baselines, caption=text("lab.page.baselines")))
    if len(looks):
        blocks.append(html_table(looks, caption=text("lab.page.planned_looks")))
    return Section(text("lab.page.plan"), tuple(texts), tuple(blocks))
