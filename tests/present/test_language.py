"""Everything a reader sees of present and delivery comes from the catalogue, in every language."""

import ast
import re
import string
from pathlib import Path

import nbformat
import pytest

from journeylib.core import catalogue_of, languages, use_language
from journeylib.present.dashboard import render_html
from journeylib.present.maps.journey_map import draw_map
from journeylib.present.tables import interval, share_interval, table
from tests.present import frames
from tests.present.test_figures import all_figures

ROOT = Path(__file__).parents[2]
ROOMS = ("present", "delivery")


def texts_of_rooms():
    return {
        key: words
        for key, words in catalogue_of("en").texts.items()
        if key.split(".")[0] in (*ROOMS, "measure")
    }


def parts(key):
    """Return the constants of a key and what is filled in between, as a pattern."""
    if isinstance(key, ast.Constant):
        return re.escape(str(key.value))
    if isinstance(key, ast.JoinedStr):
        return "".join(parts(value) for value in key.values)
    return ".+"


def keys_in_code():
    """Return the patterns of all keys that stand in code or templates of the rooms."""
    found = set()
    for room in ROOMS:
        for path in (ROOT / "journeylib" / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                pattern = parts(node) if isinstance(node, ast.Constant | ast.JoinedStr) else ""
                if re.match(r"(present|delivery|measure)\\\.", pattern):
                    found.add(pattern)
        for path in (ROOT / "journeylib" / room).rglob("*.j2"):
            for name in re.findall(
                r'"([a-z_.]+)"(?: \|[^}]*?)? ?\| ?words', path.read_text("utf-8")
            ):
                found.add(re.escape(name if "." in name else f"delivery.{name}"))
    return found


def test_every_text_is_used():
    patterns = [re.compile(pattern) for pattern in keys_in_code()]
    # Looked up by a name that the code does not spell.
    groups = (
        *("present.head.", "present.prose.", "present.check."),
        *("present.handoff_time.answer.", "present.explorer."),
    )
    unused = [
        key
        for key in texts_of_rooms()
        if not key.startswith(groups) and not any(pattern.fullmatch(key) for pattern in patterns)
    ]
    # The template of the mail names the heads of its tables in lists.
    heads = {"delivery.check", "delivery.value", "delivery.limit", "delivery.state"}
    assert set(unused) <= heads


def test_every_key_in_code_has_a_text():
    keys = set(catalogue_of("en").texts)
    whole = {pattern.replace("\\", "") for pattern in keys_in_code() if ".+" not in pattern}
    begun = {key for key in whole if any(other.startswith(key) for other in keys)}
    assert whole - keys - begun == {"delivery.json"}  # the name of a file


def test_a_language_differs_from_english_wherever_there_are_words():
    english = texts_of_rooms()
    for language in set(languages()) - {"en"}:
        other = catalogue_of(language).texts
        same = [key for key, words in english.items() if other[key] == words and len(words) > 40]
        assert same == []


def test_the_prose_of_the_audit_notebook_is_the_catalogue_s():
    notebook = nbformat.read(str(ROOT / "notebooks" / "audit.ipynb"), as_version=4)
    prose = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    written = {part.strip() for cell in prose for part in re.split(r"\n\n+|^#+ ", cell, flags=re.M)}
    catalogue = {
        words for key, words in texts_of_rooms().items() if key.startswith("present.prose.")
    }
    assert written - {""} == catalogue


def test_a_german_page_has_its_paragraphs_in_german_and_leaves_others_alone():
    cells = [
        nbformat.v4.new_markdown_cell("## Touchpoints\n\nOur own paragraph."),
        nbformat.v4.new_markdown_cell("# Where should machines serve, and where people?"),
    ]
    page = render_html(nbformat.v4.new_notebook(cells=cells), language="de")
    assert '<html lang="de">' in page and ">Zum Inhalt</a>" in page
    assert "Kontaktpunkte</h2>" in page and "Our own paragraph." in page
    assert "<title>Wo sollten Maschinen bedienen, und wo Menschen?</title>" in page
    assert "machines" not in page.split("<body")[1]


@pytest.mark.parametrize(
    ("language", "key", "one", "more"),
    [
        (
            "en",
            "present.map.bad",
            "1 touchpoint feels bad: x.",
            "2 touchpoints feel bad, worst: x.",
        ),
        ("de", "present.map.channels", "1 Kanal", "2 Kanälen"),
        ("en", "workshop.deck.stages", "The journey in 1 stage", "The journey in 2 stages"),
        ("de", "workshop.deck.stages", "Die Reise in 1 Phase", "Die Reise in 2 Phasen"),
        ("en", "lab.count.week", "1 week", "2 weeks"),
        ("en", "log.proposal.values", "1 value", "2 different values"),
    ],
)
def test_a_count_chooses_its_words(language, key, one, more):
    catalogue = catalogue_of(language)
    assert catalogue.text(key, n=1, worst="x") == one
    assert catalogue.text(key, n=2, worst="x") == more
    assert catalogue.text(key, n=0, worst="x") == more.replace("2", "0")


def test_words_for_one_stand_with_words_for_more():
    for language in languages():
        for key, words in catalogue_of(language).texts.items():
            for _, name, spec, _ in string.Formatter().parse(words):
                assert not spec or spec.count("|") == 1, (language, key)
                within = {inner for _, inner, _, _ in string.Formatter().parse(spec or "")}
                assert within <= {None, name}, (language, key)


@pytest.mark.parametrize(
    ("language", "one", "more"),
    [
        ("en", "1 journey (1–1), n = 60", "1.2 journeys (1–1.4), n = 60"),
        ("de", "1 Reise (1–1), n = 60", "1,2 Reisen (1–1,4), n = 60"),
    ],
)
def test_one_of_a_unit_is_in_the_singular(language, one, more):
    from journeylib.core import Estimate

    catalogue = catalogue_of(language)
    assert catalogue.estimate(Estimate(1.0, "journeys", lo=1.0, hi=1.0, n_customers=60)) == one
    assert catalogue.estimate(Estimate(1.2, "journeys", lo=1.0, hi=1.4, n_customers=60)) == more


def test_a_map_of_one_touchpoint_says_nothing_of_flows():
    alone = frames.touchpoints().head(1)
    for language, says in (("en", "1 touchpoint in 1 stage"), ("de", "1 Kontaktpunkt in 1 Phase")):
        with use_language(language):
            figure = draw_map(alone, frames.transitions().head(0))
        assert figure.alt.startswith(says)
        assert "%" not in figure.note and figure.note.count("⟳") == 1


@pytest.mark.slow
def test_figures_speak_german_with_german_numbers():
    english = {figure.name: figure for figure in all_figures()}
    with use_language("de"):
        german = {figure.name: figure for figure in all_figures()}
        page = "".join(figure.body() for figure in german.values())
    assert german.keys() == english.keys()
    for name, figure in german.items():
        assert figure.title != english[name].title and figure.note != english[name].note
    assert "80,0 % rohes Containment; belegt: 53,0 % (53,0–59,0)" in german["containment"].alt
    words = re.sub(r"<[^>]+>", " ", page)
    for name in frames.touchpoints()["touchpoint"]:
        words = words.replace(name, "")
    assert not re.search(r"\b(the|of|and|are|with|touchpoints?|journeys)\b", words)
    assert "Kontaktpunkt" in words


@pytest.mark.parametrize(
    ("language", "share", "number"),
    [
        ("en", "17 % (0–19)", "+0.20 (−0.10 to +0.50)"),
        ("de", "17 % (0–19)", "+0,20 (−0,10 bis +0,50)"),
    ],
)
def test_intervals(language, share, number):
    from journeylib.core import signed

    with use_language(language):
        assert share_interval(0.172, 0.0004, 0.191) == share
        assert interval(0.2, -0.1, 0.5, signed) == number
        assert interval(0.2, None, 0.5, signed) == signed(0.2)
        assert interval(float("nan"), 0, 1, signed) == "–"


def test_heads_come_from_the_catalogue_and_own_columns_keep_their_names():
    frame = frames.checks().assign(touchpoint="a", own_column=1)[["touchpoint", "own_column"]]
    assert ">Touchpoint</th>" in table(frame, "x").body()
    with use_language("de"):
        body = table(frame, "x").body()
    assert ">Kontaktpunkt</th>" in body and ">Own column</th>" in body
