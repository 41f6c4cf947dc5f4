"""The slides: native, named, readable from the back, nothing on top of anything else."""

import io
import itertools
import zipfile

import pytest
from pptx import Presentation
from pptx.enum.shapes import MSO_SHAPE_TYPE
from pptx.oxml.ns import qn
from pptx.util import Emu

from journeylib.present.drawing import svg
from journeylib.present.drawing.font_metrics import ARIAL
from journeylib.workshop.slides.deck import write_slides
from journeylib.workshop.slides.shapes import INSET, LEADING, LEAST
from journeylib.workshop.slides.stage import MOST_BOXES, MOST_FLOWS
from tests.workshop.voices import voiced

BEHIND = ("lane: ", "story ")  # grounds that others stand on


def texts_of(path):
    """Return every text of a presentation, notes and alternative texts included."""
    found = []
    for slide in Presentation(str(path)).slides:
        found.append(slide.notes_slide.notes_text_frame.text)
        for shape in slide.shapes:
            found.append(shape._element.xpath(".//p:cNvPr")[0].get("descr") or "")
            if shape.has_text_frame:
                found.append(shape.text_frame.text)
            if shape.has_table:
                found += [cell.text for row in shape.table.rows for cell in row.cells]
            if shape.has_chart:
                found += [str(c) for c in shape.chart.plots[0].categories]
                found += [series.name for series in shape.chart.plots[0].series]
    return found


@pytest.fixture(scope="module", params=[(12, "de"), (40, "de"), (12, "en"), "voiced"])
def deck(request, content_of, tmp_path_factory):
    path = tmp_path_factory.mktemp("deck") / "slides.pptx"
    if request.param == "voiced":
        content = voiced(content_of(40, "de"))
    else:
        content = content_of(*request.param)
    write_slides(content, path)
    return content, path, list(Presentation(str(path)).slides)


def connectors(slide):
    return [s for s in slide.shapes if s._element.tag == qn("p:cxnSp")]


def place(shape):
    ends = (shape.left, shape.top, shape.left + shape.width, shape.top + shape.height)
    return tuple(Emu(end).inches for end in ends)


def test_every_shape_is_native_and_named(deck):
    _, _, slides = deck
    for slide in slides:
        names = [shape.name for shape in slide.shapes]
        assert all(names) and len(names) == len(set(names))
        assert all(s.shape_type != MSO_SHAPE_TYPE.PICTURE for s in slide.shapes)


def test_every_touchpoint_stands_on_a_slide_once(deck):
    content, _, slides = deck
    boxes = [s.name for slide in slides for s in slide.shapes if s.name.startswith("touchpoint: ")]
    assert sorted(boxes) == sorted(f"touchpoint: {p.name}" for p in content.touchpoints)


def test_every_box_says_its_n_and_all_of_a_slide_are_set_alike(deck):
    _, _, slides = deck
    for slide in slides:
        boxes = [s for s in slide.shapes if s.name.startswith("touchpoint: ")]
        assert all("n\xa0=\xa0" in box.text_frame.text for box in boxes)
        sizes = {r.font.size for b in boxes for p in b.text_frame.paragraphs for r in p.runs}
        assert len(sizes) <= 1


def test_a_slide_holds_no_more_than_a_room_can_read(deck):
    _, _, slides = deck
    for slide in slides:
        boxes = [s for s in slide.shapes if s.name.startswith("touchpoint: ")]
        assert len(boxes) <= MOST_BOXES <= 20 and len(connectors(slide)) <= MOST_FLOWS <= 14
        for shape in slide.shapes:
            if not shape.has_text_frame or shape.name == "source":
                continue
            for run in (r for p in shape.text_frame.paragraphs for r in p.runs):
                assert run.font.size.pt >= LEAST >= 14, shape.name


def test_nothing_lies_on_anything_else_or_beyond_the_slide(deck):
    _, _, slides = deck
    for slide in slides:
        solid = [
            s for s in slide.shapes
            if s._element.tag != qn("p:cxnSp")
            and not (s.name.startswith(BEHIND) and not s.text_frame.text)
        ]  # fmt: skip
        for shape in solid:
            left, top, right, bottom = place(shape)
            assert left >= 0 and top >= 0 and right <= 13.34 and bottom <= 7.51, shape.name
        for one, other in itertools.combinations(solid, 2):
            a, b = place(one), place(other)
            apart = a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]
            assert apart or min(a[2], b[2]) - max(a[0], b[0]) < 0.02 or min(
                a[3], b[3]
            ) - max(a[1], b[1]) < 0.03, (one.name, other.name)  # fmt: skip


def test_text_fits_into_its_shape(deck):
    _, _, slides = deck
    for slide in slides:
        for shape in slide.shapes:
            if not shape.has_text_frame or not shape.text_frame.text:
                continue
            left, top, right, bottom = place(shape)
            runs = [run for p in shape.text_frame.paragraphs for run in p.runs]
            size = max(run.font.size.pt for run in runs)
            high, wide = (bottom - top - 2 * INSET) * 72, (right - left - 2 * INSET) * 72
            if shape.name.startswith("note: "):  # its text flows
                lines = [svg.wrap(r.text, wide, size, lines=99, face=ARIAL) for r in runs]
                assert sum(map(len, lines)) * size * LEADING <= high + 0.5, shape.name
                continue
            assert len(runs) * size * LEADING <= high + 0.5, shape.name
            for run in runs:  # each is one line
                width = svg.text_width(run.text, size, bold=bool(run.font.bold), face=ARIAL)
                assert width <= wide + 0.5, (shape.name, run.text)


def test_no_flow_runs_through_a_box(deck):
    """An elbow turns in the gutter or half-way; neither its turn nor its ends cross a box."""
    _, _, slides = deck
    drawn = 0
    for slide in slides:
        boxes = {s.shape_id: s for s in slide.shapes if s.name.startswith("touchpoint: ")}
        for line in connectors(slide):
            ends = [
                int(line._element.find(f".//{qn(tag)}").get("id"))
                for tag in ("a:stCxn", "a:endCxn")
            ]
            if ends[0] not in boxes:
                continue
            drawn += 1
            (x1, y1), (x2, y2) = ((Emu(x).inches, Emu(y).inches) for x, y in (
                (line.begin_x, line.begin_y), (line.end_x, line.end_y)))  # fmt: skip
            middle = (x1 + x2) / 2
            legs = [(x1, y1, middle, y1), (middle, y1, middle, y2), (middle, y2, x2, y2)]
            for key, box in boxes.items():
                left, top, right, bottom = place(box)
                if key in ends:
                    continue
                for ax, ay, bx, by in legs:
                    crosses = (
                        max(ax, bx) > left + 0.01 and min(ax, bx) < right - 0.01
                        and max(ay, by) > top + 0.01 and min(ay, by) < bottom - 0.01
                    )  # fmt: skip
                    assert not crosses, (line.name, box.name)
    assert drawn


def test_pictures_say_what_they_show_and_slides_what_to_ask(deck):
    content, _, slides = deck
    ask = {text for key, text in content.words.texts.items() if key.startswith("ask.")}
    for slide in slides:
        notes = slide.notes_slide.notes_text_frame.text
        assert any(notes.startswith(question) for question in ask)
        for shape in slide.shapes:
            told = shape.has_chart or shape.name.startswith(("touchpoint: ", "flow: "))
            if told:
                assert shape._element.xpath(".//p:cNvPr")[0].get("descr"), shape.name


def test_room_is_left_for_the_room(deck):
    _, _, slides = deck
    stages = [s for s in slides if any(x.name.startswith("touchpoint: ") for x in s.shapes)]
    for slide in stages:
        names = {shape.name for shape in slide.shapes}
        assert {"room: notes", "room: opportunities", "room: questions", "room: owner"} <= names


@pytest.mark.slow
def test_the_same_content_gives_the_same_file(deck, tmp_path):
    content, path, _ = deck
    write_slides(content, tmp_path / "again.pptx")
    assert (tmp_path / "again.pptx").read_bytes() == path.read_bytes()
    with zipfile.ZipFile(path) as file:
        assert all(entry.date_time == (1980, 1, 1, 0, 0, 0) for entry in file.infolist())
        books = [file.read(name) for name in file.namelist() if name.endswith(".xlsx")]
    assert books
    for book in books:
        with zipfile.ZipFile(io.BytesIO(book)) as inside:
            assert b"2000-01-01" in inside.read("docProps/core.xml")
