"""One catalogue: every text in every language, and no language in another."""

import re
import string

import pandas as pd
import pytest
import yaml

from journeylib.core.catalogue.catalogue import FOLDER, catalogue_of, languages
from journeylib.core.errors import ConfigError
from journeylib.present.theme import VERDICTS
from journeylib.workshop.content.from_run import words_of
from journeylib.workshop.content.lanes import ROOM_LANES
from journeylib.workshop.content.sentences import reasons
from journeylib.workshop.screens import presentation
from journeylib.workshop.sheets import cards, handout, poster_svg, poster_wall_map
from journeylib.workshop.slides.deck import write_slides
from tests.workshop.test_slides import texts_of


def placeholders(text):
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_every_language_has_every_text_with_the_same_blanks():
    english = catalogue_of("en").texts
    assert {"de", "en"} <= set(languages())
    for language in languages():
        other = catalogue_of(language).texts
        assert other.keys() == english.keys()
        differ = [key for key in english if placeholders(other[key]) != placeholders(english[key])]
        assert differ == []


def test_a_verdict_has_one_name_on_the_wall_and_on_the_dashboard():
    english = catalogue_of("en").texts
    assert {code: english[f"verdict.{code}"] for code in VERDICTS} == {
        code: verdict.word for code, verdict in VERDICTS.items()
    }


def test_no_text_is_declared_twice():
    for language in languages():
        text = (FOLDER / f"{language}.yaml").read_text(encoding="utf-8")
        twice, sections = [], [yaml.compose(text)]
        for section in sections:
            keys = [key.value for key, _ in section.value]
            twice += [key for key in keys if keys.count(key) > 1]
            sections += [part for _, part in section.value if isinstance(part, yaml.MappingNode)]
        assert len(sections) > 10 and twice == []


def test_every_indicator_that_speaks_for_a_side_has_words():
    from journeylib.judge.settings import DEFAULTS

    texts = catalogue_of("de").texts
    names = [name for axis in DEFAULTS.values() for name in axis]
    wanted = {
        f"{kind}.{name}"
        for kind in ("indicator", "workshop.machine", "workshop.person")
        for name in names
    }
    said = [key.split(".") for key in texts if key.startswith(("judge.veto.", "judge.verdict."))]
    wanted |= {f"{kind}.{name}" for _judge, kind, name in said}
    wanted |= {f"workshop.lane.{key}" for key in ROOM_LANES}
    assert wanted - texts.keys() == set()


def test_numbers_are_written_as_the_language_does():
    de, en = catalogue_of("de"), catalogue_of("en")
    assert (de.number(26404.5, 1), en.number(26404.5, 1)) == ("26.404,5", "26,404.5")
    assert (de.percent(0.5, 0), de.percent(0.004, 0), de.percent(0.0)) == (
        "50 %",
        "unter 1 %",
        "0 %",
    )
    assert de.unbroken.percent(0.5, 0) == "50\xa0%"
    assert de.duration(9000) == "2,5 Std."
    assert de.names(["a", "b"]) == "a und b"
    assert de.names(list("abcdef")) == "a, b, c, d und 2 weitere"


def test_an_unknown_language_is_refused_with_those_there_are():
    with pytest.raises(ConfigError, match="Languages: de, en"):
        catalogue_of("xx")


def english_phrases():
    """Literal parts of English texts of at least three words that German texts do not hold."""
    german = " ".join(catalogue_of("de").texts.values())
    found = set()
    for text in catalogue_of("en").texts.values():
        for literal, *_ in string.Formatter().parse(text):
            said = re.sub(r"\s+", " ", literal).strip(" .,:;()")
            if len(said.split()) >= 3 and said not in german:
                found.add(said)
    return found


@pytest.mark.slow
def test_german_artefacts_hold_no_english_sentence(content_of, tmp_path):
    content = content_of(12, "de")
    drawn = poster_wall_map(content)
    write_slides(content, tmp_path / "slides.pptx")
    pages = [presentation(content), cards(content), handout(content, drawn), poster_svg(drawn)]
    said = " ".join([*(re.sub(r"<[^>]+>", " ", page) for page in pages)])
    said += " ".join(texts_of(tmp_path / "slides.pptx"))
    said = re.sub(r"\s+", " ", said)
    phrases = english_phrases()
    assert len(phrases) > 100
    assert [phrase for phrase in phrases if phrase in said] == []


def test_the_check_for_english_finds_english(content_of):
    page = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", presentation(content_of(12, "en"))))
    assert sum(phrase in page for phrase in english_phrases()) > 5


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (0.0, {"en": "0 % of journeys come back", "de": "0 % der Reisen"}),
        (0.0004, {"en": "under 0.1 % of journeys", "de": "unter 0,1 % der Reisen"}),
        (0.02, {"en": "only 2.0 % of journeys", "de": "nur 2,0 % der Reisen"}),
    ],
)
@pytest.mark.parametrize("language", ["en", "de"])
def test_nothing_or_next_to_it_is_not_only_so_much(raw, said, language):
    row = {"indicator": "rework", "weight": 1.0, "missing": None, "score": 1.0, "raw": raw}
    row |= {"axis": "automation_fit", "unit": "share", "n_customers": 90}
    ((reason,), _, _) = reasons(words_of(language), pd.DataFrame([row]))
    assert reason.replace("\xa0", " ").startswith(said[language])
