"""Notes that come back in a deck: edited, moved, grouped and renamed as people do it; none lost."""

import dataclasses
import shutil
from copy import deepcopy

import pytest
from pptx import Presentation
from pptx.util import Inches

from journeylib.cli.main import main
from journeylib.core.errors import ConfigError
from journeylib.workshop.content.from_run import read_content
from journeylib.workshop.notes.import_notes import import_notes
from journeylib.workshop.notes.notes import KIND_COLORS, Note, note_id, read_places
from journeylib.workshop.slides.deck import write_slides
from tests.workshop.voices import LONG


@pytest.fixture(scope="module")
def said(content_of):
    """One note of every kind, with and without votes, one at a stage, one without place."""
    points = content_of(12, "de").touchpoints
    notes = [
        Note(
            note_id(kind), LONG if i % 3 == 0 else f"Dauert „viel“ zu lang: {kind}", kind,
            point.stage, point.name, point.channel, votes=3 * i % 7, color=KIND_COLORS[kind],
        )
        for i, (kind, point) in enumerate(zip(KIND_COLORS, points, strict=False))
    ]  # fmt: skip
    notes.append(
        Note(note_id("stage"), "Wer ist zuständig?", "question", points[0].stage, color="blue")
    )
    notes.append(
        Note(note_id("away"), "Nie gehört", touchpoint="Vorstandssitzung", votes=2, color="yellow")
    )
    return tuple(notes)


@pytest.fixture
def deck(content_of, said, tmp_path):
    """A deck with the notes in it, and how it is read back after a change."""
    write_slides(dataclasses.replace(content_of(12, "de"), notes=said), tmp_path / "slides.pptx")
    return tmp_path / "slides.pptx"


@pytest.fixture
def read(town, said):
    return lambda path: import_notes(path, read_places(town(12)), before=said)


def stickies(opened):
    return [s for slide in opened.slides for s in slide.shapes if s.name.startswith("note: ")]


def shape_of(opened, note):
    return next(s for s in stickies(opened) if s.name == f"note: {note.id}")


def stage_slide(opened, name):
    return next(s for s in opened.slides if any(x.name == f"touchpoint: {name}" for x in s.shapes))


def test_a_deck_that_nobody_edited_changes_no_note(deck, read, said):
    assert len(stickies(Presentation(str(deck)))) == len(said) == 10
    found = read(deck)
    assert (found.rows, found.new, found.changed, found.messages) == (10, 0, 0, ())
    assert set(found.notes) == set(said)


def test_what_people_do_to_stickies_keeps_which_they_are(deck, read, said):
    """Moved, grouped, renamed: each is what it was."""
    opened = Presentation(str(deck))
    moved, *grouped, renamed = (shape_of(opened, note) for note in said[:4])
    moved.left, moved.top = Inches(9), Inches(4)
    for shape in grouped:
        slide = next(s for s in opened.slides if shape._element in list(s.shapes._spTree))
        slide.shapes.add_group_shape([shape])
    renamed.name = "Rechteck 7"
    opened.save(deck)
    found = read(deck)
    assert set(found.notes) == set(said) and (found.new, found.changed) == (0, 0)
    assert [message.split(":")[1] for message in found.messages] == [
        " has a sticky whose id cannot be read; it is known by its text alone."
    ]


def test_edited_words_votes_and_places_come_back(deck, read, said, content_of):
    opened = Presentation(str(deck))
    words, votes, place = said[1], said[2], said[4]
    shape_of(opened, words).text_frame.paragraphs[1].runs[0].text = "„Ganz anders gemeint“"
    shape_of(opened, votes).text_frame.paragraphs[-1].runs[0].text = "●\u00a012"
    other = content_of(12, "de").touchpoints[9]
    head = shape_of(opened, place).text_frame.paragraphs[0].runs[0]
    head.text = head.text.replace(place.touchpoint, other.name)
    opened.save(deck)
    found = {note.id: note for note in read(deck).notes}
    assert found[words.id] == dataclasses.replace(words, text="Ganz anders gemeint")
    assert found[votes.id].votes == 12 and found[votes.id].text == votes.text
    assert (found[place.id].touchpoint, found[place.id].stage) == (other.name, other.stage)
    assert len(found) == len(said)


def test_new_notes_have_the_place_where_they_were_put(deck, read, said, content_of):
    opened = Presentation(str(deck))
    point = content_of(12, "de").touchpoints[5]
    slide = stage_slide(opened, point.name)
    box = next(s for s in slide.shapes if s.name == f"touchpoint: {point.name}")
    on = slide.shapes.add_textbox(box.left, box.top, box.width, box.height)
    on.text_frame.text = "Liegt darauf"
    apart = slide.shapes.add_textbox(Inches(11), Inches(0.1), Inches(1), Inches(0.4))
    apart.text_frame.text = "Gehört zur Phase"
    room = next(s for s in slide.shapes if s.name == "room: opportunities")
    for line in ("Formular vorausfüllen", "Rückruf anbieten"):
        room.text_frame.add_paragraph().text = line
    room = next(s for s in slide.shapes if s.name == "room: owner")
    room.text_frame.paragraphs[0].runs[0].text += " Kundendienst"
    opened.save(deck)
    found = read(deck)
    made = {note.text: note for note in found.notes if note not in said}
    assert found.new == len(made) == 5
    assert {text: (n.kind, n.stage, n.touchpoint) for text, n in made.items()} == {
        "Liegt darauf": ("note", point.stage, point.name),
        "Gehört zur Phase": ("note", point.stage, ""),
        "Formular vorausfüllen": ("idea", point.stage, ""),
        "Rückruf anbieten": ("idea", point.stage, ""),
        "Kundendienst": ("owner", point.stage, ""),
    }
    assert read(deck).notes == found.notes  # however often it is read


def test_a_new_note_comes_back_from_every_slide_of_the_deck(deck, read, said):
    opened = Presentation(str(deck))
    many = len(opened.slides)
    for number, slide in enumerate(opened.slides):
        box = slide.shapes.add_textbox(Inches(12), Inches(7), Inches(1), Inches(0.3))
        box.text_frame.text = f"Frage {number}"
    opened.save(deck)
    found = read(deck)
    assert {note.text for note in found.notes} - {note.text for note in said} == {
        f"Frage {number}" for number in range(many)
    }
    assert many > 10


def test_damaged_and_missing_stickies_are_said_and_kept(deck, read, said):
    opened = Presentation(str(deck))
    empty, gone, copied = (shape_of(opened, note) for note in said[:3])
    for paragraph in empty.text_frame.paragraphs:
        for run in paragraph.runs:
            run.text = ""
    gone._element.getparent().remove(gone._element)
    copied._element.addnext(deepcopy(copied._element))
    opened.save(deck)
    found = read(deck)
    assert set(found.notes) == set(said)
    told = " ".join(found.messages)
    assert "has a sticky without text; what it said before is kept" in told
    assert "is a copy of another row" in told and "1 earlier notes are not in this file" in told
    assert all(message.startswith("slide ") for message in found.messages[:-1])
    assert not any(note.text in told for note in said)


def test_the_form_of_the_closing_exercise_comes_back(deck, read, said):
    opened = Presentation(str(deck))
    cells = {s.name: s for slide in opened.slides for s in slide.shapes if "form: " in s.name}
    for key, text in (("conversation", "Rechnung erläutern"), ("owner", "Frau am Empfang")):
        cells[f"form: {key} 2"].text_frame.text = text
    opened.save(deck)
    (new,) = [note for note in read(deck).notes if note not in said]
    assert (new.text, new.kind) == ("Rechnung erläutern, Frau am Empfang", "idea")


def test_a_deck_of_another_kind_is_refused(read, tmp_path):
    other = Presentation()
    other.slides.add_slide(other.slide_layouts[5]).shapes.title.text = "Quartalszahlen"
    other.save(tmp_path / "other.pptx")
    with pytest.raises(ConfigError, match="no slide of a workshop"):
        read(tmp_path / "other.pptx")
    damaged = tmp_path / "half.pptx"
    damaged.write_bytes((tmp_path / "other.pptx").read_bytes()[:2000])
    with pytest.raises(ConfigError, match=r"half\.pptx is no presentation"):
        read(damaged)


def test_the_command_reads_a_deck_and_the_next_workshop_shows_it(town, deck, tmp_path, capsys):
    shutil.copytree(town(12).parents[2], tmp_path / "copy", symlinks=True)
    run = tmp_path / "copy/audits/stadt/latest"
    assert main(["notes", "import", str(deck), "--run", str(run)]) == 0
    assert "10 rows: 10 new notes" in capsys.readouterr().out
    assert len(read_content(run, language="de").notes) == 10
