"""What the room says: placed, counted, shown apart from the evidence, and set against it fairly."""

import csv
import dataclasses
import io
import re

import pytest
from pptx import Presentation

from journeylib.audits import DocumentPart
from journeylib.cli.main import main
from journeylib.core.catalogue.catalogue import languages
from journeylib.core.estimate import Estimate
from journeylib.workshop.content.content import Candidate, Decision, FirstAutomations
from journeylib.workshop.content.differences import (
    LEAST_VOTES,
    agreements,
    differences,
    lane_of,
    notes_at,
    room_notes,
    unplaced_notes,
)
from journeylib.workshop.content.first_automations import BRING, read_first_automations
from journeylib.workshop.content.from_run import read_content
from journeylib.workshop.content.lanes import lanes
from journeylib.workshop.exchange import starter_questions
from journeylib.workshop.notes.notes import ASKED, KIND_COLORS, Note, note_id, notes_file
from journeylib.workshop.screens import presentation
from journeylib.workshop.sheets import handout, poster_svg, poster_wall_map
from journeylib.workshop.slides.deck import write_slides
from tests.workshop.test_slides import texts_of
from tests.workshop.town import SECRETS


def note(text, kind="note", point=None, votes=0, **more):
    place = {} if point is None else {"touchpoint": point.name, "stage": point.stage}
    key = note_id(text, kind, str(votes))
    return Note(key, text, kind, votes=votes, **place, **more)


@pytest.fixture(scope="module")
def town_of(content_of):
    """Content of the town with the verdicts and feelings that a test declares."""

    def made(language="de", notes=(), **points):
        content = content_of(12, language)
        stages = tuple(
            dataclasses.replace(
                stage,
                touchpoints=tuple(
                    dataclasses.replace(p, **points.get(f"p{content.touchpoints.index(p)}", {}))
                    for p in stage.touchpoints
                ),
            )
            for stage in content.stages
        )
        return dataclasses.replace(content, stages=stages, notes=tuple(notes))

    return made


# --- placed ---------------------------------------------------------------------------------


@pytest.mark.slow
def test_notes_stand_in_their_lane_and_stage_the_most_voted_first(town_of):
    plain = town_of()
    one, other = plain.touchpoints[0], plain.touchpoints[-1]
    notes = [
        note("leise", "pain", one, 1), note("laut", "pain", one, 7), note("besser", "idea", one),
        note("warum", "question", other), note("Team", "owner", other),
        note("für alle", stage=plain.stages[1].name),
    ]  # fmt: skip
    content = town_of(notes=notes)
    cells = {lane.key: lane.cells for lane in lanes(content)}
    said = [line.text for line in cells["notes"][0]]
    assert [("laut" in said[0], "●\xa07" in said[0]), ("leise" in said[1],)] == [
        (True, True),
        (True,),
    ]
    assert one.name in said[0] and "„laut“" in said[0]
    assert "besser" in cells["opportunities"][0][0].text
    assert "warum" in cells["questions"][-1][0].text and "Team" in cells["owner"][-1][0].text
    assert "für alle" in cells["notes"][1][0].text
    assert all(line.mood == "note" for key in ("notes", "owner") for c in cells[key] for line in c)
    assert {lane_of(note("x", kind)) for kind in KIND_COLORS} == {
        "notes", "opportunities", "questions", "owner"
    }  # fmt: skip


def test_no_note_is_dropped_a_place_that_the_map_lacks_is_shown_apart(town_of):
    notes = [
        note("woanders", touchpoint="Vorstand"),
        note("nirgends"),
        note("gefragt", author=ASKED),
    ]
    content = town_of(notes=notes)
    assert {n.text for n in unplaced_notes(content)} == {"woanders", "nirgends"}
    assert not any(notes_at(content, stage) for stage in content.stages)
    page = presentation(content)
    assert (
        "woanders" in page and "Vorstand" in page and "nirgends" in page and "gefragt" not in page
    )
    assert "2 Notizen haben keinen Platz" in poster_svg(poster_wall_map(content))


@pytest.mark.slow
def test_many_notes_are_all_on_screens_and_slides_and_counted_on_the_map(town_of, tmp_path):
    point = town_of().touchpoints[0]
    notes = [note(f"Notiz Nummer {i}", "pain", point, i) for i in range(20)]
    content = town_of(notes=notes)
    page = presentation(content)
    write_slides(content, tmp_path / "s.pptx")
    slides = " ".join(texts_of(tmp_path / "s.pptx"))
    for i in range(20):
        assert f"„Notiz Nummer {i}“" in page and f"Notiz Nummer {i}" in slides
    assert "+ 18 weitere" in poster_svg(poster_wall_map(content))
    names = [s.name for x in Presentation(tmp_path / "s.pptx").slides for s in x.shapes]
    assert sorted(n for n in names if n.startswith("note: ")) == sorted(
        f"note: {n.id}" for n in notes
    )


@pytest.mark.slow
def test_words_of_the_room_are_set_apart_from_what_was_computed(town_of):
    content = town_of(notes=[note("laut", "pain", town_of().touchpoints[0], 4)])
    drawn = poster_svg(poster_wall_map(content))
    assert drawn.count('class="jl-sticky"') == 2, "the note, and its key in the legend"
    assert "jl-said" in drawn and "vom Raum gesagt" in drawn and "stroke-dasharray:3 3" in drawn
    silent = poster_svg(poster_wall_map(town_of()))
    assert 'class="jl-sticky"' not in silent and "vom Raum gesagt" not in silent


@pytest.mark.slow
def test_a_note_cannot_bring_markup(town_of):
    content = town_of(notes=[note('<script>x</script>"&', "pain", town_of().touchpoints[0], 4)])
    for page in (
        presentation(content),
        poster_svg(poster_wall_map(content)),
        handout(content, poster_wall_map(content)),
    ):
        assert "<script>x" not in page


# --- against the log ------------------------------------------------------------------------

GOOD = {"feeling": Estimate(0.3, "feeling", lo=0.2, hi=0.4, n_customers=45), "mark": 1}
BAD = {"feeling": Estimate(-0.6, "feeling", lo=-0.7, hi=-0.5, n_customers=45), "mark": -1}
CALM = {"dead_end": False, "verdict": "abstain", "leaning": None, "vetoes": (), **GOOD}
QUIET = {f"p{i}": CALM for i in range(12)}


def differing(town_of, kinds, language="en", **points):
    plain = town_of(language)
    notes = [note(f"t{i}{kind}", kind, plain.touchpoints[i], votes) for i, kind, votes in kinds]
    content = town_of(language, notes, **(QUIET | {k: CALM | v for k, v in points.items()}))
    names = [p.name for p in plain.touchpoints]
    return content, [(d.kind, names.index(d.touchpoint), d.votes) for d in differences(content)]


def test_a_pain_of_the_room_that_the_log_does_not_show(town_of):
    content, found = differing(town_of, [(0, "pain", 4), (0, "pain", 3), (1, "pain", 2)])
    assert found == [("pain_unseen", 0, 7)]
    (one,) = differences(content)
    assert one.room == "7 votes say that it hurts here. Most are for: “t0pain”."
    assert "+0.30 (+0.20 to +0.40), n\xa0=\xa045" in one.log


def test_where_nobody_was_heard_the_log_does_not_contradict_it_only_cannot_say(town_of):
    content, found = differing(town_of, [(0, "pain", 5)], p0={"feeling": None, "mark": 0})
    assert found == [("pain_unseen", 0, 5)]
    assert "the log cannot say" in differences(content)[0].log


def test_a_pain_of_the_log_that_the_room_does_not_name(town_of):
    content, found = differing(town_of, [(0, "pain", 5)], p0=BAD, p3=BAD, p5={"dead_end": True})
    assert sorted(found) == [("pain_unnamed", 3, 0), ("pain_unnamed", 5, 0)]
    assert differences(content)[0].room == "None of its 5 votes for pains fell here."
    assert agreements(content) == (content.touchpoints[0].name,)


def test_a_room_that_has_not_voted_contradicts_nothing(town_of):
    assert differing(town_of, [(0, "pain", LEAST_VOTES - 1)], p3=BAD)[1] == []
    assert differing(town_of, [], p3=BAD)[1] == []


def test_who_should_serve_is_compared_in_both_directions(town_of):
    kinds = [(0, "machine", 4), (0, "person", 1), (1, "person", 3), (2, "machine", 5),
             (3, "machine", 3), (3, "person", 3), (4, "machine", 6), (5, "person", 9)]  # fmt: skip
    _, found = differing(
        town_of, kinds,
        p0={"verdict": "human_only", "vetoes": ("legally_human",)}, p1={"verdict": "automate"},
        p2={"verdict": "automate"}, p3={"verdict": "human_led"},
        p4={"verdict": "abstain", "vetoes": ("vulnerable",)}, p5={"verdict": "human_led"},
    )  # fmt: skip
    assert found == [("machine_refused", 4, 6), ("machine_refused", 0, 4), ("person_wanted", 1, 3)]


@pytest.mark.parametrize("language", ["de", "en"])
def test_both_sides_of_a_difference_are_shown_alike(town_of, language, tmp_path):
    content, _ = differing(town_of, [(0, "machine", 4)], language, p0={"verdict": "human_only"})
    (one,) = differences(content)
    page = presentation(content)
    write_slides(content, tmp_path / "s.pptx")
    slides = texts_of(tmp_path / "s.pptx")
    for side, text in (("room", one.room), ("log", one.log)):
        assert text in page.replace("&#x27;", "'") and content.words.text(f"side.{side}") in page
        assert any(text[:30] in said for said in slides)
    shapes = [s for x in Presentation(tmp_path / "s.pptx").slides for s in x.shapes]
    boxes = [s for s in shapes if s.name.startswith("difference 1: ")]
    assert len({(s.width, s.height, s.top) for s in boxes}) == 1 and len(boxes) == 2


def test_when_nothing_differs_the_presentation_says_so(town_of):
    content, found = differing(town_of, [(0, "pain", 5)], p0=BAD)
    assert found == [] and "nowhere contradict each other" in presentation(content)
    assert "nowhere contradict each other" not in presentation(town_of("en"))


# --- first automations ----------------------------------------------------------------------


def entry(points, answer="not_settled"):
    value = {"value": 310.0, "unit": "EUR/week", "lo": 120.0, "hi": 480.0, "n_customers": 45,
             "n_journeys": 45, "grade": "D", "abstain": None}  # fmt: skip
    row = {"value": value, "selection_frequency": 0.58, "chosen": True, "why_not": None}
    row |= {"stage": None, "verdict": "automate", "lower_quartile": None, "build": 1.0,
            "source": "declared"}  # fmt: skip
    whys = ("others are worth more within the limits", "not sure enough to be worth its price",
            "needs x first", "no contacts with people, or not how long they take")  # fmt: skip
    rows = [row | {"touchpoint": points[0].name}]
    rows += [
        row | {"touchpoint": p.name, "chosen": False, "selection_frequency": None, "why_not": why}
        for p, why in zip(points[1:], (*whys, "vetoed: vulnerable", "no verdict"), strict=False)
    ]
    return {"answer": answer, "worth": value, "cost": 40000.0, "budget": 50000.0, "currency": "EUR",
            "chosen": [points[0].name], "worst_tenth": None, "counted_twice": None,
            "candidates": rows}  # fmt: skip


def closing(town_of, language="en", answer="not_settled"):
    points = {f"p{i}": CALM | {"verdict": "automate"} for i in range(5)}
    points["p5"] = CALM | {"verdict": "human_only", "vetoes": ("vulnerable",)}
    content = town_of(language, **(QUIET | points))
    by_name = {p.name: p for p in content.touchpoints}
    portfolio = DocumentPart(entry(content.touchpoints, answer))
    first = read_first_automations(portfolio, by_name, content.words)
    return dataclasses.replace(content, first_automations=first)


def test_the_choice_says_how_often_it_is_chosen_and_why_not_the_others(town_of):
    content = closing(town_of)
    assert [one.why_not for one in content.first_automations.candidates] == [
        "",
        "Others are worth more within the limits",
        "Not sure enough to be worth its price",
        "Needs another one first",
        "Its worth cannot be told yet",
        "Customers here are vulnerable",
        "its verdict is “Not enough evidence”",
    ]
    page = presentation(content)
    for said in (
        "Not settled: what to automate first",
        "chosen in 58\xa0% of resamples",
        "assumed to be worth EUR 310 (120 to 480) a week, n\xa0=\xa045",
        "40,000\xa0EUR of a budget of 50,000\xa0EUR",
        "Customers here are vulnerable",
    ):
        assert said in page, said


@pytest.mark.slow
@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("settled", "Try these, do not roll out"),
        ("not_settled", "Not settled"),
        ("none", "Nothing is sure"),
    ],
)
def test_every_answer_has_its_headline_everywhere(town_of, answer, said, tmp_path):
    content = closing(town_of, answer=answer)
    write_slides(content, tmp_path / "s.pptx")
    assert said in presentation(content) and said in handout(content, poster_wall_map(content))
    assert any(said in text.replace("\v", " ") for text in texts_of(tmp_path / "s.pptx"))


@pytest.mark.slow
def test_without_a_budget_it_says_what_to_bring_and_leaves_a_form(town_of, tmp_path):
    content = town_of("en")
    assert content.first_automations is None
    write_slides(content, tmp_path / "s.pptx")
    slides = [text.replace("\v", " ") for text in texts_of(tmp_path / "s.pptx")]
    for page in (presentation(content), handout(content, poster_wall_map(content))):
        said = [content.words.text(f"bring.{key}").replace("'", "&#x27;") for key in BRING]
        assert all(text in page for text in said)
        assert 'class="form"' in page and page.count("<td></td>") >= 12
    assert all(any(content.words.text(f"bring.{key}") in s for s in slides) for key in BRING)
    shapes = [s.name for x in Presentation(tmp_path / "s.pptx").slides for s in x.shapes]
    assert len([name for name in shapes if re.match(r"form: \w+ \d", name)]) == 12


def test_a_candidate_that_is_not_chosen_never_reads_as_chosen():
    value = Estimate.none("unidentified", "EUR/week", grade="D")
    rows = (Candidate("a", True, 0.7, value, ""), Candidate("b", False, None, value, "veto"))
    first = FirstAutomations("settled", rows, 1.0, 2.0, "EUR")
    assert [one.touchpoint for one in first.chosen] == ["a"]


# --- the whole way --------------------------------------------------------------------------


def test_a_question_has_the_same_id_in_every_language(content_of):
    asked = []
    for language in languages():
        content = content_of(12, language)
        name = content.touchpoints[0].name
        one = Decision("protect", (name,), f"{language} {name}", "", "")
        screen = dataclasses.replace(content.first_screen, decisions=(one,))
        asked.append(starter_questions(dataclasses.replace(content, first_screen=screen)))
    assert all([n.id for n in one] == [n.id for n in asked[0]] for one in asked)
    assert len({n.id for n in asked[0]}) == len(asked[0]) > 12
    assert {n.text for n in asked[0]}.isdisjoint(n.text for n in asked[1])
    assert not any(n.is_by_people for one in asked for n in one)


def test_notes_go_to_a_board_and_back_onto_the_map(town, tmp_path, capsys):
    run = town(12)
    before = {p: p.read_bytes() for p in run.rglob("*") if p.is_file()}
    out = tmp_path / "out.csv"
    assert main(["notes", "export", str(run), "--out", str(out), "--lang", "de"]) == 0
    head, *body = list(csv.reader(io.StringIO(out.read_text("utf-8-sig"), newline="")))
    texts = [row[head.index("text")] for row in body]
    answered = re.sub(r": .* \[", ": Niemand hört zu [", texts[0])
    board = "text,votes\r\n" + "\r\n".join(
        f'"{text}",{votes}'
        for text, votes in [
            (answered, 4),
            *((t, "") for t in texts[1:]),
            ("Frau Muster sagt nein", ""),
        ]
    )
    (tmp_path / "board.csv").write_bytes(board.encode("utf-8"))
    try:
        for _ in range(2):  # read twice, kept once
            assert main(["notes", "import", str(tmp_path / "board.csv"), "--run", str(run)]) == 0
        said = capsys.readouterr()
        assert "0 new notes, 0 changed. The room has said 2 notes with 4 votes" in said.out
        assert "Muster" not in said.out + said.err and "hört zu" not in said.out + said.err
        content = read_content(run, language="de")
        assert [(n.text, n.votes) for n in room_notes(content)] == [
            ("Niemand hört zu", 4), ("Frau Muster sagt nein", 0)
        ]  # fmt: skip
        assert "„Niemand hört zu“" in presentation(content)
        # What people say is no evidence: the run has not changed, byte for byte.
        assert {p: p.read_bytes() for p in run.rglob("*") if p.is_file()} == before
        kept = notes_file(run).read_text("utf-8-sig")
        assert not any(secret in kept + out.read_text("utf-8-sig") for secret in SECRETS)
    finally:
        notes_file(run).unlink()


def test_a_run_that_is_none_is_refused_with_what_to_do(tmp_path, capsys):
    assert main(["notes", "export", str(tmp_path), "--out", str(tmp_path / "a.csv")]) == 2
    assert main(["notes", "import", str(tmp_path / "a.csv"), "--run", str(tmp_path)]) == 2
    assert "no complete run" in capsys.readouterr().err
