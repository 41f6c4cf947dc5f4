"""Every number of mail, slides, screens and poster is the audit's own, under the same label."""

from __future__ import annotations

import datetime as dt
import html
import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pptx import Presentation

import journeylib as jl
from journeylib.core import number, percent, use_language
from journeylib.delivery.briefing import brief
from journeylib.delivery.chat import slack, teams
from journeylib.delivery.ci_reports import summary
from journeylib.delivery.mail import compose
from journeylib.present import appendix, now, stories, touchpoint_pages, touchpoints
from journeylib.workshop.content.content import Content
from journeylib.workshop.content.from_run import read_content
from journeylib.workshop.screens import presentation
from journeylib.workshop.sheets import poster_svg, poster_wall_map
from journeylib.workshop.slides.deck import write_slides

NAMES = ("touchpoint", "stage", "segment", "source", "target")
TOTALS = ("log", "handoffs", "decisions", "portfolio", "stories", "plan", "comparison")
FIGURE = re.compile(r"\d+(?:[.,]\d+)*")
# What counts pages and places, or is a date or a scale: no measurement.
ORDINALS = re.compile(
    r"\b(?:Story|Geschichte) \d+|\(\d+\)$|^\d+\. |\d+ (?:of|von) \d+$|95[ -]%|−1 (?:to|bis) \+1"
    r"|\+ \d+ (?:more|weitere)|20\d\d-\d\d-\d\d|\d\d?\.? \w+ 20\d\d|\w+ \d\d?, 20\d\d"
    r"|(?:Lines|Linien): .* (?:journeys|Reisen)\."  # counts what is drawn
)
# A text, and the words around it that say what it is about.
Labelled = tuple[str, str]


def figures(text: str) -> set[str]:
    return set(FIGURE.findall(text))


def forms(value: float) -> Iterator[str]:
    """Yield how a value may be written: as a number, a share, points, minutes."""
    if isinstance(value, bool) or value is None or pd.isna(value):
        return
    for scale in (1, 100, 1 / 60):
        for digits in (0, 1, 2):
            yield from figures(number(abs(value) * scale, digits))
    yield from figures(number(abs(value)))
    for digits in (0, 1):
        yield from figures(percent(abs(value), digits))


def facts_of(document: Mapping[str, Any], tables: Path) -> dict[str, set[str]]:
    """Return by touchpoint, stage and segment every number said of it; "" holds the totals."""
    facts: dict[str, set[str]] = defaultdict(set)

    def walk(node: Any, names: tuple[str, ...]) -> None:
        if isinstance(node, Mapping):
            own = tuple(str(node[key]) for key in NAMES if node.get(key))
            for value in node.values():
                walk(value, names + own)
        elif isinstance(node, list):
            for value in node:
                walk(value, names)
        elif isinstance(node, int | float):
            for name in names or ("",):
                facts[name].update(forms(node))

    walk({key: document[key] for key in document if key not in TOTALS}, ("elsewhere",))
    walk({key: document[key] for key in TOTALS}, ())
    facts[""].add(str(len(document["touchpoints"])))
    for path in sorted(tables.glob("*.parquet")):
        if path.stem in ("touchpoints", "transitions", "experience", "indicators",
                         "handoff_touchpoints", "stages", "segments"):  # fmt: skip
            walk(json.loads(pd.read_parquet(path).to_json(orient="records")), ())
    return facts


def strangers(
    texts: list[Labelled], facts: Mapping[str, set[str]], document: Mapping[str, Any]
) -> list[tuple[str, set[str]]]:
    """Return sentences with a number that neither their label nor a sentence of the audit has."""
    said, found = json.dumps(document["decisions"], ensure_ascii=False), []
    for about, text in dict.fromkeys(texts):
        plain = " ".join(text.replace("\xa0", " ").replace(document["audit"]["run_id"], "").split())
        known = facts[""].union(*(facts[name] for name in facts if name and name in about + plain))
        for sentence in re.split(r"(?<=[.:;!?]) ", ORDINALS.sub("", plain)):
            unknown = figures(sentence) - known
            if unknown and sentence.strip(" -.") not in said:
                found.append((sentence, unknown))
    return found


def elements(page: str) -> list[str]:
    """Return the texts of a page, element by element."""
    body = re.sub(r"<(script|style)\b.*?</\1>", "", page, flags=re.S)
    texts = (html.unescape(part) for part in re.findall(r">([^<>]+)<", body))
    return [text.replace("\u00ad", "") for text in texts]


def of_slides(path: Path) -> Iterator[Labelled]:
    for slide in Presentation(str(path)).slides:
        title = slide.shapes.title.text_frame.text if slide.shapes.title is not None else ""
        for line in slide.notes_slide.notes_text_frame.text.splitlines():
            yield title, line
        for shape in slide.shapes:
            about = f"{title} {shape.name}"
            yield about, shape._element.xpath(".//p:cNvPr")[0].get("descr") or ""
            if shape.has_text_frame:
                yield about, shape.text_frame.text.replace("\v", " ")
            for row in shape.table.rows if shape.has_table else ():
                cells = [cell.text for cell in row.cells]
                yield from ((" ".join(cells), cell) for cell in cells)


def of_screens(page: str) -> Iterator[Labelled]:
    """Yield the texts of each screen; in a list or a table, of each of its entries."""
    for section in re.findall(r"<section.*?</section>", page, flags=re.S):
        title = " ".join(elements(section)[:3])
        for part in re.split(r"(?=<li>|<tr>|<text)", section):
            texts = elements(part)
            yield from ((f"{title} {' '.join(texts)}", text) for text in texts)


def of_poster(svg: str, stages: list[str]) -> Iterator[Labelled]:
    """Yield the texts of the poster: a box has its title; a cell of a lane has its stage."""
    place = -1
    for group in re.split(r"(?=<g[ >])", svg):
        texts = elements(group)
        about = " ".join(texts)
        if "data-lane" in group:
            place += 1
            about += f" {stages[place % len(stages)]}"
        yield from ((about, text) for text in texts)


def artefacts(content: Content, folder: Path) -> dict[str, list[Labelled]]:
    write_slides(content, folder / "slides.pptx")
    stages = [stage.name for stage in content.stages]
    return {
        "slides": list(of_slides(folder / "slides.pptx")),
        "screens": list(of_screens(presentation(content))),
        "poster": list(of_poster(poster_svg(poster_wall_map(content)), stages)),
    }


@pytest.fixture(scope="module")
def run(telecom_audit: jl.Audit, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return jl.save(telecom_audit, tmp_path_factory.mktemp("numbers"))


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "de"])
def test_every_number_is_the_audit_s_under_the_same_label(
    language: str, run: Path, telecom_audit: jl.Audit, tmp_path: Path
) -> None:
    document, content = telecom_audit.document, read_content(run, language=language)
    with use_language(language):
        facts = facts_of(document, run / "tables")
        for name, texts in artefacts(content, tmp_path).items():
            assert sum(bool(figures(text)) for _, text in texts) > 100, name
            assert strangers(texts, facts, document) == [], name


@pytest.mark.slow
def test_every_number_of_the_mail_is_the_audit_s(run: Path, telecom_audit: jl.Audit) -> None:
    document = telecom_audit.document
    message = compose(brief(document, run), None, as_of=dt.date(2026, 7, 6), picture=None)
    body = message.get_body(("plain",))
    assert body is not None
    texts = [("", line) for line in (message["Subject"], *body.get_content().splitlines())]
    assert strangers(texts, facts_of(document, run / "tables"), document) == []


@pytest.mark.slow
def test_every_number_of_chats_and_the_job_summary_is_the_audit_s(
    run: Path, telecom_audit: jl.Audit
) -> None:
    document = telecom_audit.document
    briefing = brief(document, run)
    lines = [line for said in (slack(briefing), teams(briefing)) for line in words_in(said)]
    lines = [re.sub(r"[*\\\\`]", "", line) for line in (*lines, *summary(briefing).splitlines())]
    assert sum(bool(figures(line)) for line in lines) > 20
    facts = facts_of(document, run / "tables")
    assert strangers([("", line) for line in lines], facts, document) == []


def words_in(message: Any) -> Iterator[str]:
    """Yield the lines of text of a message, which are what people read of it."""
    if isinstance(message, Mapping):
        if isinstance(message.get("text"), str):
            yield from message["text"].splitlines()
        for part in message.values():
            yield from words_in(part)
    for part in message if isinstance(message, list) else ():
        yield from words_in(part)


# Counts of people, journeys and what they do; what the table of months adds stands in none.
COUNTED = re.compile(
    r"(\d[\d,]*) (?:customers|journeys|conversations|sessions|visits|contacts|times|stories)"
)


@pytest.mark.slow
def test_every_count_of_the_notebook_stands_in_the_document_or_its_tables(
    run: Path, telecom_audit: jl.Audit
) -> None:
    counts: set[int] = set()

    def walk(node: Any) -> None:
        if isinstance(node, Mapping | list):
            for value in node.values() if isinstance(node, Mapping) else node:
                walk(value)
        elif isinstance(node, str):
            counts.update(int(one.replace(",", "")) for one in re.findall(r"\d[\d,]*", node))
        elif isinstance(node, int | float) and float(node).is_integer():
            counts.add(int(node))

    walk(json.loads((run / "audit.json").read_text("utf-8")))
    for path in sorted((run / "tables").glob("*.parquet")):
        walk(json.loads(pd.read_parquet(path).to_json(orient="records")))
    views = [now(telecom_audit), touchpoints(telecom_audit), touchpoint_pages(telecom_audit)]
    pages = [view.html for view in views]
    pages += [appendix(telecom_audit, letter).html for letter in "ABCDEFGHIJKL"]
    seen = 0
    for page in pages:
        plain = " ".join(" ".join(elements(page)).split()).replace("\xa0", " ")
        named = [int(one.replace(",", "")) for one in COUNTED.findall(plain)]
        seen += len(named)
        assert set(named) - counts == set()
    assert seen > 500


@pytest.mark.slow
def test_a_number_of_another_touchpoint_is_noticed(
    run: Path, telecom_audit: jl.Audit, tmp_path: Path
) -> None:
    content, facts = read_content(run), facts_of(telecom_audit.document, run / "tables")
    *others, last = content.stages
    wrong = [replace(point, customers=point.customers + 7) for point in last.touchpoints]
    forged = replace(content, stages=(*others, replace(last, touchpoints=tuple(wrong))))
    for name, texts in artefacts(forged, tmp_path).items():
        found = strangers(texts, facts, telecom_audit.document)
        assert len(found) >= 2, name


def test_the_dashboard_says_the_same_sentences_and_stories(
    run: Path, telecom_audit: jl.Audit
) -> None:
    content, first = read_content(run), read_content(run).first_screen
    page = " ".join(" ".join(elements(now(telecom_audit).html)).split())
    sentences = [first.headline, first.detail, *first.trials, *first.trust]
    for one in first.decisions:
        sentences += [one.title, one.reason, one.base]
    assert [sentence for sentence in sentences if sentence not in page] == []
    drawn = stories(telecom_audit).svg
    for story in content.stories:
        journeys = number(story.journeys)
        of = f"at least {journeys}" if story.at_least else journeys
        assert f">{of} journeys, " in drawn
    share = percent(telecom_audit.document["stories"]["coverage"], 0)
    assert share in stories(telecom_audit).alt and share in content.stories_note.replace(
        "\xa0", " "
    )
