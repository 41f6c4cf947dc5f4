"""Notes: a round trip through whatever a spreadsheet or a whiteboard makes of them."""

import csv
import io
import json
import random
import shutil
import string
import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from journeylib.cli.main import main
from journeylib.core.errors import ConfigError, LogError
from journeylib.workshop.notes.import_notes import import_notes, kept_notes
from journeylib.workshop.notes.notes import (
    ASKED,
    COLUMNS,
    ID,
    KIND_COLORS,
    Note,
    Places,
    guarded,
    note_id,
    notes_file,
    read_places,
    tidy,
    unguarded,
    write_notes,
)
from journeylib.workshop.notes.table import read_table
from tests.workshop.town import SECRETS

PLACES = Places(
    {
        "Störungsannahme": ("Störung", "Telefon"),
        "Rechnung klären": ("Rechnung", "Chat"),
        "Step 1": ("Störung", "Web"),
        "Step 2": ("Störung", "Web"),
    },
    ("Störung", "Rechnung"),
)
FEW = settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)  # fmt: skip

# --- notes ----------------------------------------------------------------------------------

LETTERS = string.ascii_letters + "0123456789 äöüßÄÖÜéŁ→★😀中,;|\t\"'=+-@:()[]?!.\n"


def plain(text):
    """Whether a text is one that the reader leaves alone: no places, no ids in it."""
    names = (*PLACES.touchpoints, *PLACES.stages)
    return (
        bool(text)
        and not ID.search(text)
        and not text.casefold().startswith(tuple(f"{name}:".casefold() for name in names))
        and text not in ("#NAME?", "#REF!")
    )


@st.composite
def notes_of(draw, alphabet=LETTERS):
    texts = draw(st.lists(st.text(alphabet, min_size=1, max_size=40).map(tidy), max_size=6))
    found = []
    for i, text in enumerate(texts):
        assume(plain(text))
        place = draw(st.sampled_from([*PLACES.touchpoints, "", "Anderswo"]))
        stage, channel = PLACES.touchpoints.get(place, ("", ""))
        kind = draw(st.sampled_from(sorted(KIND_COLORS)))
        note = Note(
            note_id(text, str(i)), text, kind, stage, place, channel,
            author=draw(st.sampled_from(["", "Jörg", "=SUM(A1)", "O'Hara, Kim"])),
            votes=draw(st.integers(0, 40)), color=KIND_COLORS[kind],
            round=draw(st.integers(1, 3)),
        )  # fmt: skip
        found.append(note)
    return sorted(found, key=lambda n: (n.round, n.stage, n.touchpoint, n.id))


def table_of(notes, folder):
    """Return the rows of an export."""
    path = write_notes(notes, folder / "export.csv")
    return list(csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline="")))


def written(rows, path, *, delimiter=",", quoting=csv.QUOTE_MINIMAL, end="\r\n", encoding="utf-8"):
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter, quoting=quoting, lineterminator=end).writerows(rows)
    path.write_bytes(out.getvalue().encode(encoding, errors="replace"))
    return path


def back(path, before=(), **more):
    return import_notes(path, PLACES, before=before, **more)


# --- what comes back unchanged --------------------------------------------------------------


@pytest.mark.slow
@FEW
@given(
    notes=notes_of(),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    end=st.sampled_from(["\r\n", "\n"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    order=st.permutations(range(len(COLUMNS))),
    dropped=st.sets(st.sampled_from([c for c in COLUMNS if c != "text"])),
    seed=st.integers(0, 99),
)
def test_what_a_spreadsheet_does_to_a_table_changes_no_note(
    tmp_path, notes, delimiter, quoting, end, encoding, order, dropped, seed
):
    assume(notes)
    rows = table_of(notes, tmp_path)
    kept = [i for i in order if COLUMNS[i] not in dropped]
    head, *body = [[row[i] for i in kept] for row in rows]
    random.Random(seed).shuffle(body)
    path = written(
        [head, *body], tmp_path / "edited.csv",
        delimiter=delimiter, quoting=quoting, end=end, encoding=encoding,
    )  # fmt: skip
    found = back(path, notes)
    assert list(found.notes) == notes
    assert (found.new, found.changed, found.rows) == (0, 0, len(notes))


@FEW
@given(notes=notes_of(), headed=st.booleans(), seed=st.integers(0, 99))
def test_a_board_that_keeps_only_texts_changes_no_note(tmp_path, notes, headed, seed):
    assume(notes)
    texts = [[note.pasted] for note in notes]
    random.Random(seed).shuffle(texts)
    head = [["text"]] if headed else []
    path = written([*head, *texts], tmp_path / "board.csv", quoting=csv.QUOTE_ALL)
    found = back(path, notes)
    assert list(found.notes) == notes
    assert (found.new, found.changed) == (0, 0)


@pytest.mark.slow
@FEW
@given(notes=notes_of())
@example([Note("n-0000000a", "=1+1"), Note("n-0000000b", "'=x"), Note("n-0000000c", "@a")])
def test_a_workbook_changes_no_note(tmp_path, notes):
    path = write_notes(notes, tmp_path / "notes.xlsx")
    filled = [replace(n, color=n.color or KIND_COLORS[n.kind]) for n in notes]
    assert list(back(path, filled).notes) == filled
    assert list(back(path).notes) == filled, "without what was kept before"
    cells = [c for row in load_workbook(path).active.iter_rows() for c in row]
    assert all(cell.data_type != "f" for cell in cells)


@FEW
@given(notes=notes_of())
def test_a_file_says_everything_by_itself(tmp_path, notes):
    assert list(back(write_notes(notes, tmp_path / "notes.csv")).notes) == notes or not notes


@FEW
@given(
    texts=st.lists(st.text(LETTERS, min_size=1, max_size=30).map(tidy).filter(plain), min_size=1)
)
def test_what_the_room_writes_is_kept_once_however_often_it_is_read(tmp_path, texts):
    path = written([["text"], *[[text] for text in texts]], tmp_path / "board.csv")
    once = back(path)
    assert len(once.notes) == once.new == len(texts)
    again = back(path, once.notes)
    assert again.notes == once.notes and (again.new, again.changed) == (0, 0)


@FEW
@given(
    notes=notes_of(),
    hits=st.lists(
        st.tuples(st.integers(0, 400), st.sampled_from(['"', ",", "\n", ""])), max_size=5
    ),
)
def test_no_row_is_lost_whatever_is_damaged(tmp_path, notes, hits):
    """A stray quotation mark, a delimiter too many, a broken line, a letter gone.

    What cannot be read at all is refused, and nothing of it is taken.
    """
    body = write_notes(notes, tmp_path / "notes.csv").read_text(encoding="utf-8-sig")
    start = body.index("\n") + 1
    for place, mark in hits:
        at = start + place % max(len(body) - start, 1)
        body = body[:at] + mark + body[at + (not mark) :]
    path = tmp_path / "damaged.csv"
    path.write_text(body, encoding="utf-8")
    try:
        found = {note.id for note in back(path).notes}
    except ConfigError as error:
        # One more line is a row of its own, unless a quotation mark is still open above it.
        last = list(csv.reader(io.StringIO(body + "\nlast", newline="")))[-1]
        assert last != ["last"] and "a quotation mark is never closed" in str(error)
        return
    texts = {f"[{note.id}]" for note in notes if f"[{note.id}]" in body}
    assert {text[1:-1] for text in texts} <= found


# --- what changes ---------------------------------------------------------------------------

PAIN = Note(
    "n-0000000a", "Niemand hört zu", "pain", "Störung", "Störungsannahme", "Telefon", color="red"
)
IDEA = Note(
    "n-0000000b",
    "Rückruf → sofort 😀",
    "idea",
    "Rechnung",
    "Rechnung klären",
    "Chat",
    color="yellow",
)


def test_the_file_is_what_spreadsheet_programs_expect(tmp_path):
    content = write_notes([PAIN, replace(IDEA, text="=1+1", touchpoint="", stage="")],
                          tmp_path / "notes.csv").read_bytes()  # fmt: skip
    assert content.startswith(b"\xef\xbb\xbfid,text,kind,stage,touchpoint,channel,author,votes,")
    lines = content.decode("utf-8-sig").split("\r\n")
    assert len(lines) == 4 and "\n" not in "".join(lines)
    assert lines[1].startswith("n-0000000a,Störungsannahme: Niemand hört zu [n-0000000a],pain,")
    assert lines[2].startswith("n-0000000b,'=1+1 [n-0000000b],idea,")


def test_notes_are_written_as_a_table_that_its_name_says(tmp_path):
    with pytest.raises(ConfigError, match=r"notes\.docx: a table of notes ends in \.csv or \.xlsx"):
        write_notes([PAIN], tmp_path / "notes.docx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("cell", ["=1", "+1", "-1", "@x", "'=1", "''+1", "'tis", "a=1", "", "'"])
def test_the_guard_against_formulas_comes_off_again(cell):
    assert unguarded(guarded(cell)) == cell
    assert not guarded(cell).startswith(("=", "+", "-", "@"))


def test_votes_are_counted_in_their_column(tmp_path):
    rows = [["text", "votes"], [PAIN.pasted, "3"], [f"{IDEA.text} +2 ●● [{IDEA.id}]", "5"],
            ["Neu", "7.0"], ["Auch neu", "viele"]]  # fmt: skip
    found = back(written(rows, tmp_path / "a.csv"), [PAIN, replace(IDEA, votes=1)])
    votes = {note.text: note.votes for note in found.notes}
    assert votes == {PAIN.text: 3, f"{IDEA.text} +2 ●●": 5, "Neu": 7, "Auch neu": 0}
    assert any("row 5: its votes are no whole number" in said for said in found.messages)


def test_an_edited_text_keeps_its_note_and_place(tmp_path):
    path = written(
        [["text"], [f"Störungsannahme: Niemand fragt nach [{PAIN.id}]"]], tmp_path / "a.csv"
    )
    found = back(path, [replace(PAIN, votes=4)])
    assert found.notes == (replace(PAIN, text="Niemand fragt nach", votes=4),)
    assert (found.new, found.changed) == (0, 1)


def test_a_note_is_moved_by_its_cell_or_by_what_stands_before_its_text(tmp_path):
    cell = written([["text", "touchpoint"], [PAIN.pasted, "Rechnung klären"]], tmp_path / "a.csv")
    text = written([["text"], [f"Rechnung klären: {PAIN.text} [{PAIN.id}]"]], tmp_path / "b.csv")
    moved = replace(PAIN, touchpoint="Rechnung klären", stage="Rechnung", channel="Chat")
    assert back(cell, [PAIN]).notes == back(text, [PAIN]).notes == (moved,)


def test_a_new_note_says_its_place_and_kind_in_its_text(tmp_path):
    rows = [
        ["Störungsannahme: Idee: Rückruf anbieten"],
        ["Frage: Rechnung: Wer liest das?"],
        ["Nur so"],
    ]
    found = {note.text: note for note in back(written(rows, tmp_path / "a.csv"), round=2).notes}
    one, two, three = (found[t] for t in ("Rückruf anbieten", "Wer liest das?", "Nur so"))
    assert (one.kind, one.touchpoint, one.stage) == ("idea", "Störungsannahme", "Störung")
    assert (two.kind, two.touchpoint, two.stage) == ("question", "", "Rechnung")
    assert (three.kind, three.touchpoint, three.stage, three.round) == ("note", "", "", 2)


def test_a_misspelt_touchpoint_is_found_and_an_unknown_one_kept(tmp_path):
    rows = [["text", "touchpoint"], ["a", "Stoerungsanname"], ["b", "Vorstand"], ["c", "Step 3"],
            ["d", "RECHNUNG KLÄREN"]]  # fmt: skip
    found = back(written(rows, tmp_path / "a.csv"))
    at = {note.text: note.touchpoint for note in found.notes}
    assert at == {"a": "Störungsannahme", "b": "Vorstand", "c": "Step 3", "d": "Rechnung klären"}
    assert [said[:6] for said in found.messages] == ["row 2:", "row 3:", "row 4:"]
    assert not any("Vorstand" in said or "Stoer" in said for said in found.messages)


def test_a_note_is_known_by_its_id_whatever_an_encoding_made_of_its_words(tmp_path):
    path = written(table_of([PAIN, IDEA], tmp_path), tmp_path / "old.csv", encoding="cp1252")
    assert b"?" in path.read_bytes() and b"\xf6" in path.read_bytes()
    found = back(path, [PAIN, IDEA])
    assert set(found.notes) == {PAIN, replace(IDEA, text="Rückruf ? sofort ?")}
    assert (found.new, found.changed) == (0, 1)


def test_umlauts_in_cp1252_are_read_without_anything_kept_before(tmp_path):
    rows = [
        ["text", "touchpoint"],
        ["Größe prüfen, bevor jemand anruft – überall", "Störungsannahme"],
    ]
    (note,) = back(written(rows, tmp_path / "a.csv", encoding="cp1252")).notes
    assert note.text == rows[1][0] and note.touchpoint == "Störungsannahme"


def test_rows_that_do_not_fit_the_header_are_named_and_kept(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(
        "id,text,votes,touchpoint\n"
        'x,"Das Wort ""warten"" nervt",2,Step 1\n'
        "x,zu lang, zu teuer,4,Step 2\n"
        "x,kurz\n"
        ",,3,Step 1\n"
        'x,"zwei\nZeilen",1,Step 1\n'
        "n-0000000a,zu viel, viel zu viel,9,Step 1\n"
        ",9,Niemand fragt [n-0000000a],Step 1\n",
        encoding="utf-8",
    )
    found = back(path, [PAIN])
    at = {note.text: (note.votes, note.touchpoint) for note in found.notes}
    assert at == {
        'Das Wort "warten" nervt': (2, "Step 1"),
        "x, zu lang, zu teuer, 4, Step 2": (0, ""),
        "kurz": (0, ""),
        "3, Step 1": (0, ""),
        "zwei Zeilen": (1, "Step 1"),
        PAIN.text: (0, PAIN.touchpoint),
    }
    assert PAIN in found.notes
    assert [said.partition(";")[0] for said in found.messages] == [
        "row 3: has more cells than the header",
        "row 5: has neither text nor id",
        "row 7: has more cells than the header",
        "row 8: has its text in another column",
    ]


def test_a_quotation_mark_that_never_closes_is_refused(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('text,votes\n"zu lang,2\nkurz,1\nfrei,1\n', encoding="utf-8")
    with pytest.raises(ConfigError, match="a quotation mark is never closed"):
        back(path)


def test_copies_count_once_and_one_id_never_hides_two_notes(tmp_path):
    rows = [
        ["text", "votes"],
        [PAIN.pasted, "2"],
        [PAIN.pasted, "5"],
        [f"Anderes [{PAIN.id}]", "1"],
    ]
    found = back(written(rows, tmp_path / "a.csv"), [PAIN])
    assert sorted((n.text, n.votes) for n in found.notes) == [("Anderes", 1), (PAIN.text, 5)]
    assert len({note.id for note in found.notes}) == 2
    assert len(found.messages) == 2


def test_merged_stickies_come_apart_again(tmp_path):
    rows = [["text"], [f"{PAIN.pasted} {IDEA.pasted}"]]
    assert set(back(written(rows, tmp_path / "a.csv"), [PAIN, IDEA]).notes) == {PAIN, IDEA}


def test_earlier_notes_that_a_file_lacks_are_kept_and_said(tmp_path):
    found = back(written([["text"], [PAIN.pasted]], tmp_path / "a.csv"), [PAIN, IDEA])
    assert set(found.notes) == {PAIN, IDEA}
    assert "1 earlier notes are not in this file" in found.messages[0]


def test_what_the_audit_asks_is_the_rooms_once_written_over_or_voted_for(tmp_path):
    asked = [
        Note("n-0000000c", text, "question", author=ASKED, color="blue")
        for text in ("Why?", "Warum?")
    ]
    plain = written([["text"], ["Warum? [n-0000000c]"]], tmp_path / "a.csv")
    found = back(plain, asked=asked)
    assert not found.notes[0].is_by_people and (found.new, found.changed) == (0, 0)
    over = back(written([["text"], ["Weil. [n-0000000c]"]], tmp_path / "b.csv"), asked=asked)
    assert over.notes[0].is_by_people and over.notes[0].author == ""
    rows = [["text", "votes"], ["Why? [n-0000000c]", "2"]]
    voted = back(written(rows, tmp_path / "c.csv"), asked=asked)
    assert voted.notes[0].is_by_people and voted.notes[0].votes == 2


def test_a_workbook_edited_by_hand_is_read(tmp_path):
    """A title above, columns of its own, numbers as numbers, a formula that failed."""
    book = Workbook()
    book.active.append(["only a cover"])
    sheet = book.create_sheet("back")
    head = ["Stimmen", "Notiz", "Kontaktpunkt", "x"]
    body = [3.0, PAIN.pasted, None, 1], [None, "#NAME?", None, None], [2, 2026, "Step 1", None]
    for row in (["Workshop"], head, *body):
        sheet.append(row)
    book.save(tmp_path / "a.xlsx")
    found = back(tmp_path / "a.xlsx", [PAIN])
    assert {(n.text, n.votes) for n in found.notes} == {(PAIN.text, 3), ("2026", 2), ("#NAME?", 0)}
    assert any(said.startswith("row 4: holds a formula that failed") for said in found.messages)


def test_numbers_and_addresses_of_people_are_pointed_at_by_line_only(tmp_path):
    rows = [
        ["text"],
        ["Frau Muster, 0911 4711 0815"],
        ["mail an eva@beispiel.de"],
        ["24 Stunden zu 100 %"],
    ]
    found = back(written(rows, tmp_path / "a.csv"))
    assert [said[:6] for said in found.messages] == ["row 2:", "row 3:"]
    assert not any(word in " ".join(found.messages) for word in ("Muster", "4711", "eva@"))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", b"", "no table of notes"),
        ("a.csv", b"a,b\n1,2\n", "no column 'text'"),
        ("a.csv", b"%PDF-1.7 text", "no table of notes"),
        ("a.xlsx", b"PK\x03\x04 nothing", "no Excel workbook"),
    ],
)
def test_what_is_no_table_of_notes_is_refused_by_name(tmp_path, name, content, said):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigError, match=f"{name}.*{said}"):
        back(tmp_path / name)
    with pytest.raises(ConfigError, match=f"Did you mean '{name}'"):
        back(tmp_path / name.upper())


@pytest.mark.slow
def test_a_log_of_customers_is_no_file_of_notes(town, tmp_path, capsys):
    """Not one row of it is kept: it holds what customers said."""
    run = town(12)
    log = run.parents[2] / "log.csv"
    assert main(["notes", "import", str(log), "--run", str(run)]) == 2
    told = capsys.readouterr()
    assert "log.csv looks like a log of customers" in told.err
    assert not [secret for secret in SECRETS if secret in told.out + told.err]
    assert not notes_file(run).exists()


def test_a_file_with_more_rows_than_a_room_can_write_is_refused(tmp_path):
    (tmp_path / "long.csv").write_text("text\n" + "note\n" * 5_001, "utf-8")
    with pytest.raises(ConfigError, match="5002 rows"):
        read_table(tmp_path / "long.csv")


def test_places_come_from_a_run_and_notes_are_kept_beside_it(tmp_path):
    run = tmp_path / "audits" / "bank" / "run-1"
    run.mkdir(parents=True)
    points = [{"touchpoint": "A  b", "stage": None, "channel": "web"}]
    (run / "audit.json").write_text(json.dumps({"touchpoints": points}))
    assert read_places(run) == Places({"A b": ("", "web")}, ())
    (run.parent / "latest").symlink_to("run-1")
    assert notes_file(run.parent / "latest") == notes_file(run) == run.parent / "notes.csv"
    with pytest.raises(LogError, match="no complete run"):
        read_places(tmp_path)


IMPORT = """
import sys, time
from pathlib import Path
from journeylib.workshop import exchange

write = exchange.write_notes
exchange.write_notes = lambda notes, path: (time.sleep(1), write(notes, path))
run, file, start = map(Path, sys.argv[1:])
print("ready", flush=True)
while not start.exists():
    time.sleep(0.01)
exchange.take_notes(run, file)
"""


@pytest.mark.slow
def test_two_imports_at_once_lose_no_note(town, tmp_path):
    """Each process reads what is kept, thinks for a second and writes: the other one waits."""
    shutil.copytree(town(12).parents[2], tmp_path / "copy", symlinks=True)
    run, start = tmp_path / "copy/audits/stadt/latest", tmp_path / "start"
    processes = []
    for team in ("A", "B"):
        texts = [["text"], *([f"Team {team} sagt {i}"] for i in range(300))]
        file = written(texts, tmp_path / f"{team}.csv")
        command = [sys.executable, "-c", IMPORT, run, file, start]
        processes.append(subprocess.Popen(command, stdout=subprocess.PIPE))
    assert all(process.stdout.readline() == b"ready\n" for process in processes)
    start.touch()
    assert [process.wait(timeout=120) for process in processes] == [0, 0]
    for process in processes:
        process.stdout.close()
    texts = {note.text for note in kept_notes(run)}
    assert texts == {f"Team {team} sagt {i}" for team in "AB" for i in range(300)}
