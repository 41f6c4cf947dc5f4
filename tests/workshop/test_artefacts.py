"""Everything that is handed out: what it says, what it must never say, and that it is whole."""

import dataclasses
import html
import json
import os
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from pptx import Presentation

from journeylib.audits.config.load import load_config
from journeylib.cli.main import main
from journeylib.core.errors import LogError, RunError
from journeylib.core.estimate import Estimate
from journeylib.present import ARIAL, svg
from journeylib.present.drawing import browser
from journeylib.workshop import pack
from journeylib.workshop.content.cards import card_rows
from journeylib.workshop.content.content import BotSessions, Decision, Moment
from journeylib.workshop.content.from_run import read_content
from journeylib.workshop.content.lanes import ROOM_LANES, handoff_text, lanes
from journeylib.workshop.exchange import export_notes
from journeylib.workshop.notes.notes import Note
from journeylib.workshop.pack import Pack, latest_run, prepare_workshop
from journeylib.workshop.screens import presentation
from journeylib.workshop.sheets import cards, handout, poster, poster_svg, poster_wall_map
from journeylib.workshop.slides.deck import write_slides
from journeylib.workshop.wall_map import experience_lane
from journeylib.workshop.wall_map.wall_map import folded
from tests.workshop.test_slides import texts_of
from tests.workshop.town import CUSTOMERS, SECRETS, STAGES
from tests.workshop.voices import voiced

needs_browser = pytest.mark.skipif(
    not any(map(shutil.which, browser.BROWSERS)), reason="needs Chromium on the path"
)


@pytest.fixture(scope="module")
def filled(content_of):
    """Content with what this town has not: a moment of truth, a note."""
    content = content_of(12, "de")
    point = content.touchpoints[4]
    effect = Estimate(-0.334, "share", lo=-0.458, hi=-0.211, n_customers=259, grade="B")
    impact = Estimate(73.1, "journeys/year", lo=46.1, hi=100.1, n_customers=259, grade="B")
    return dataclasses.replace(
        content,
        moments=(Moment(point, "complaint", effect, impact),),
        notes=(Note("n-0000000a", "Niemand erklärt die Rechnung", stage=STAGES[0]),),
    )


@pytest.mark.slow
def test_a_story_says_what_it_rests_on_wherever_it_is_told(content_of, tmp_path):
    content = voiced(content_of(12, "en"))  # of the second story only lower bounds are shown
    drawn = poster_wall_map(content)
    write_slides(content, tmp_path / "slides.pptx")
    told = [presentation(content), handout(content, drawn), *texts_of(tmp_path / "slides.pptx")]
    told = html.unescape(" ".join(told)).replace("\u00a0", " ")
    assert told.count("at least 345 journeys of at least 301 customers") == 3
    assert told.count("at least 21 %; at least 345 journeys") == 1
    assert "n = 345" not in told


@pytest.mark.slow
def test_names_along_the_line_are_measured_in_the_font_they_are_projected_in(
    content_of, monkeypatch
):
    widths = []

    def place(points, sizes, **_):
        widths.extend(width for width, _ in sizes)
        return [None] * len(points)

    monkeypatch.setattr(experience_lane, "place_labels", place)
    content = content_of(12, "de")
    experience_lane.line_figure(content, 1700.0, 760.0)
    labels = [f"{p.name} {content.words.signed(p.mood)}" for p in content.touchpoints if p.is_heard]
    short = [label for label in labels if svg.text_width(label, 27, bold=True, face=ARIAL) < 540]
    assert short
    assert {svg.text_width(label, 27, bold=True, face=ARIAL) for label in short} <= set(widths)


# --- content --------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("bots", "said"),
    [
        (BotSessions(80, 20, 4), "20 von 80 an Menschen (25 %), 4 gaben auf"),
        (BotSessions(80, None, 40), "40 von 80 gaben auf"),
        (BotSessions(80, 20, None), "20 von 80 an Menschen (25 %)"),
        (
            BotSessions(80, 20, 30, frozenset({"handed_over", "abandoned"})),
            "mindestens 20 von 80 an Menschen (mindestens 25 %), mindestens 30 gaben auf",
        ),
        (BotSessions(80, None, None), "80 Gespräche; Enden von zu wenigen Kunden zum Zeigen"),
    ],
)
def test_a_withheld_number_does_not_silence_a_machine(content_of, bots, said):
    content = content_of(12, "de")
    point = dataclasses.replace(content.touchpoints[0], bot_sessions=bots)
    written = handoff_text(content, point).replace("\u00a0", " ")
    assert written == f"{point.name}: {said}"


def test_the_bundle_says_how_many_reach_each_stage(content_of, town):
    """Beside a plain count of the log; the secret customer reaches the last stage alone."""
    content = content_of(12, "en")
    log = pd.read_csv(town(12).parents[2] / "log.csv")
    reached = log.groupby("stage")["customer"].nunique()
    assert [stage.name for stage in content.stages] == list(STAGES)
    assert [s.customers for s in content.stages] == [reached[name] for name in STAGES]
    assert reached[STAGES[3]] == CUSTOMERS + 1
    assert content.stages[0].reach == pytest.approx(reached[STAGES[0]] / (CUSTOMERS + 1))
    assert [segment.customers for segment in content.segments] == [41, 20]
    assert len(content.touchpoints) == 12


def test_segments_stand_side_by_side_with_their_own_counts(content_of, town):
    log = pd.read_csv(town(12).parents[2] / "log.csv")
    for segment in content_of(12, "en").segments:
        own = log[log["segment"] == segment.name]
        for stage, (share, customers) in segment.stages.items():
            assert customers == own.loc[own["stage"] == stage, "customer"].nunique()
            assert share == pytest.approx(customers / own["customer"].nunique())


def test_every_figure_of_the_map_has_its_n(content_of):
    for stage in content_of(12, "en").stages:
        assert all(point.customers >= 5 for point in stage.touchpoints)
        for point in stage.touchpoints:
            assert all("n\xa0=\xa0" in reason for reason in (*point.machine, *point.person))


def test_computed_lanes_are_filled_and_the_room_has_its_own(filled):
    rows = {lane.key: lane for lane in lanes(filled)}
    assert {key for key, lane in rows.items() if not lane.computed} == set(ROOM_LANES)
    assert all(cell for key in ("doing", "pains", "handoffs", "serves") for cell in rows[key].cells)
    assert any("wie geplant" in line.text for cell in rows["plan"].cells for line in cell)
    assert rows["notes"].cells[0][0].text == "Notiz: „Niemand erklärt die Rechnung“"
    empty = ("opportunities", "questions", "owner")
    assert not any(cell for key in empty for cell in rows[key].cells)


def test_a_card_says_what_happens_to_whom_and_what_to_try(filled):
    rows = dict(card_rows(filled, filled.moments[0]))
    assert list(rows) == ["what", "whom", "effect", "machine", "person", "first"]
    assert "33 Punkte weniger" in rows["effect"] and "(21 bis 46)" in rows["effect"]
    assert "n\xa0=\xa0259" in rows["effect"] and "Etwa 73 (46–100) Reisen" in rows["effect"]


def test_a_touchpoint_with_two_outcomes_is_one_moment_of_truth_everywhere(filled, content_of):
    """Moments of truth are touchpoints; each outcome has a card of its own."""
    (moment,) = filled.moments
    two = dataclasses.replace(
        filled, moments=(moment, dataclasses.replace(moment, outcome="churn"))
    )
    other = dataclasses.replace(moment, touchpoint=filled.touchpoints[0])
    three = dataclasses.replace(two, moments=(*two.moments, other))
    for content, said in ((two, "1 Moment der Wahrheit"), (three, "2 Momente der Wahrheit")):
        made = Pack(Path(), content, {}, "", fitting=True)
        assert f"12 Kontaktpunkte, {said}. Schrift" in made.outline
        verb = "1 ist ein Moment" if content is two else "2 sind Momente"
        assert f"{verb} der Wahrheit." in poster_svg(poster_wall_map(content))
    english = content_of(12, "en")
    moments = (dataclasses.replace(moment, touchpoint=english.touchpoints[4]),) * 2
    english = dataclasses.replace(english, moments=moments)
    assert ", 1 moment of truth. Type" in Pack(Path(), english, {}, "", fitting=True).outline


def test_cards_come_eight_to_a_sheet(filled):
    assert cards(filled).count("<article") == 8
    nine = dataclasses.replace(filled, moments=filled.moments * 9)
    assert cards(nine).count("<article") == 16 and cards(nine).count("card blank") == 7
    assert cards(nine).count('class="sheet cards"') == 2


def test_every_link_of_the_presentation_leads_to_a_screen(filled):
    page = presentation(filled)
    screens = set(re.findall(r'<section id="(\d+)"', page))
    links = set(re.findall(r'href="#([^"]+)"', page))
    assert len(links) > len(filled.stages) and links <= screens


def test_the_presentation_asks_for_nothing_and_runs_only_its_own_script(filled):
    page = presentation(filled)
    assert "default-src 'none'" in page and "script-src 'sha256-" in page
    assert re.search(r"<link|<iframe|<img|url\(|src=|https?://", page) is None


def test_a_picture_that_stands_alone_needs_no_variables_and_holds_no_bitmap(filled):
    drawn = poster_svg(poster_wall_map(filled))
    assert "var(--" not in drawn and "<image" not in drawn and "base64" not in drawn
    assert drawn.count("<text") > 100


def test_a_log_without_stages_is_one_stage(content_of):
    content = content_of(12, "en")
    one = dataclasses.replace(content.stages[0], name="", touchpoints=content.touchpoints)
    bare = dataclasses.replace(
        content, stages=(one,), points=content.points.assign(stage=None), stage_order=()
    )
    drawn = poster_wall_map(bare)
    assert f">{content.words.text('no_stage')}<" in "".join(drawn.parts)
    assert sum(part.count("jl-head") for part in drawn.parts) == 2  # the chevron and its text


@pytest.mark.slow
@pytest.mark.parametrize("many", [12, 40])
@pytest.mark.parametrize("decisions", [0, 5])
def test_a_presentation_has_at_most_twenty_screens(content_of, many, decisions):
    content = content_of(many, "en")
    names = tuple(point.name for point in content.touchpoints)
    asked = tuple(
        Decision("repair", names[i : i + 1], f"Do {i}", "Because.", "C · 40 customers")
        for i in range(decisions)
    )
    screen = dataclasses.replace(content.first_screen, decisions=asked)
    page = presentation(dataclasses.replace(content, first_screen=screen))
    titles = re.findall(r'<section id="\d+".*?aria-label="([^"]+)"', page)
    assert 10 <= len(titles) <= 20
    assert titles[1] == html.escape(screen.headline)
    assert ("Decide now" in titles) == bool(decisions)
    assert all(f"Do {i}" in page for i in range(decisions))
    # What decisions are about comes next, as far as there is room.
    assert (html.escape(names[0]) in titles) == bool(decisions)


def test_slides_say_first_what_to_decide(content_of, tmp_path):
    content = content_of(12, "de")
    asked = tuple(
        Decision("repair", (), f"Tun {i}", f"Weil {i} %.", "C · 40 Kunden") for i in range(5)
    )
    screen = dataclasses.replace(content.first_screen, decisions=asked)
    write_slides(dataclasses.replace(content, first_screen=screen), tmp_path / "s.pptx")
    slides = list(Presentation(str(tmp_path / "s.pptx")).slides)
    said = [
        " ".join(s.text_frame.text.replace("\v", " ") for s in slide.shapes if s.has_text_frame)
        for slide in slides[:4]
    ]
    assert screen.headline in said[1] and screen.detail in said[1]
    for i, one in enumerate(asked):
        assert f"{i + 1}. {one.title}. {one.reason} ({one.base})" in said[2] + said[3]


@pytest.mark.slow
@pytest.mark.parametrize("many", [12, 40])
def test_rows_for_the_room_hold_a_note_of_76_mm_on_a0(content_of, many):
    drawn = poster_wall_map(content_of(many, "de"))
    scale = min(1189 * 0.96 / drawn.width, (841 - 0.04 * 1189) / drawn.height)
    for lane in ("notes", "opportunities"):
        pattern = rf'data-lane="{lane}"><rect [^>]*height="([\d.]+)"'
        cells = re.findall(pattern, "".join(drawn.parts))
        assert cells and min(map(float, cells)) * scale >= 79.9  # drawn to 0.1


def test_lanes_that_are_all_but_empty_are_folded(content_of):
    content = content_of(12, "en")
    points = content.points.assign(
        touchpoint=[f"p{i}" for i in range(12)],
        stage=["one", "one", "two", "three", "two", *["one"] * 7],
        channel=["web", "web", "shop", "post", "fax", *["web"] * 7],
    )
    order = ("post", "shop", "web", "fax")
    bare = dataclasses.replace(content, points=points, channel_order=order)
    few = folded(bare)
    # "web" has two touchpoints in a stage; "shop" and "fax" meet in stage two.
    assert few.channel_order == ("post, shop", "web", "fax")
    assert list(few.points["channel"])[:5] == ["web", "web", "post, shop", "post, shop", "fax"]


# --- privacy --------------------------------------------------------------------------------


def everything_in(folder):
    """Return all that can be read in a folder of artefacts, as one text."""
    said = []
    for path in folder.iterdir():
        if path.suffix in (".html", ".svg", ".csv"):
            said.append(path.read_text(encoding="utf-8"))
        elif path.suffix == ".xlsx":
            said += unzipped(path)
        elif path.suffix == ".pptx":
            said += texts_of(path)
            said += unzipped(path)
        elif path.suffix == ".pdf" and shutil.which("pdftotext"):
            done = subprocess.run(["pdftotext", path, "-"], capture_output=True, check=True)
            said.append(done.stdout.decode("utf-8"))
    return "\n".join(said)


def unzipped(file):
    with zipfile.ZipFile(file) as opened:
        for name in opened.namelist():
            if name.endswith(".xlsx"):
                with opened.open(name) as book:
                    yield from unzipped(book)
            else:
                yield opened.read(name).decode("utf-8", "ignore")


@pytest.fixture(scope="module")
def packed(town, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pack")
    return prepare_workshop(town(12), out=folder, language="de")


def test_one_call_makes_every_artefact(packed):
    names = {path.name for path in packed.folder.iterdir()}
    ending = "html" if packed.not_printed else "pdf"
    sheets = {f"{name}.{ending}" for name in ("poster-a0", "poster-a1", "handout-a3", "cards-a4")}
    assert names == sheets | {"poster.svg", "presentation.html", "slides.pptx"}
    assert str(packed.folder) in packed.summary
    wider = dataclasses.replace(packed, not_printed="", fitting=False).summary
    assert "Arial oder Liberation Sans installieren" in wider
    assert ("Arial oder" in packed.summary) == (not packed.not_printed and not packed.fitting)
    alone = dataclasses.replace(packed, not_printed="No PDF: chromium failed (OSError).").summary
    assert "No PDF: chromium failed (OSError). Die .html-Blätter im Browser öffnen" in alone


def test_nothing_of_a_single_customer_is_in_any_artefact(packed, town, tmp_path):
    for name in ("notes.csv", "notes.xlsx"):
        export_notes(town(12), tmp_path / name, language="de")
    said = everything_in(packed.folder) + everything_in(tmp_path)
    assert said.count("Störungsannahme") > 100
    assert [secret for secret in SECRETS if secret in said] == []


def test_no_count_below_the_minimum_is_in_any_artefact(packed):
    """The last stage is reached by one customer more than the others: all are sums of many."""
    said = everything_in(packed.folder).replace("&nbsp;", " ")
    counts = re.findall(r"\bn\s=\s([\d.]+)", said) + re.findall(r"([\d.]+)[ \u00a0]Kunden\b", said)
    assert len(counts) > 200
    assert min(int(count.replace(".", "")) for count in counts) >= packed.content.min_customers


@needs_browser
@pytest.mark.browser
def test_posters_are_vectors_with_their_fonts_in_the_size_asked_for(packed):
    for name, size in (("poster-a0", (1189, 841)), ("poster-a1", (841, 594))):
        found = (packed.folder / f"{name}.pdf").read_bytes()
        boxes = set(re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", found))
        assert {(round(float(w) / 72 * 25.4), round(float(h) / 72 * 25.4)) for w, h in boxes} == {
            size
        }
        assert b"/FontFile2" in found and b"/Subtype /Image" not in found
        assert len(re.findall(rb"/Type /Page\b", found)) == 1


@needs_browser
@pytest.mark.browser
def test_the_same_page_prints_the_same_file(filled, tmp_path):
    page = tmp_path / "cards.html"
    page.write_text(cards(filled), encoding="utf-8")
    (one, reason), (two, _) = browser.pdf(page), browser.pdf(page)
    assert one == two and one.startswith(b"%PDF") and reason == ""


@pytest.mark.slow
@pytest.mark.parametrize("many", [12, 40])
def test_every_name_on_a_poster_is_read_from_the_back_and_none_is_cut(content_of, many):
    drawn = poster_wall_map(content_of(many, "de"))
    assert drawn.type_mm(1189 * 0.96, 841 - 0.04 * 1189) >= 9
    assert "@page{size:1189mm 841mm" in poster(content_of(many, "de"), drawn, "a0")
    boxes = re.findall(r'<g class="jl-room"><title>.*?</g>', "".join(drawn.parts))
    assert len(boxes) == many and "…" not in "".join(boxes)


def test_where_nobody_was_heard_the_room_draws_the_line(content_of):
    content = content_of(12, "de")
    silent = tuple(
        dataclasses.replace(
            stage,
            touchpoints=tuple(
                dataclasses.replace(p, feeling=None, mark=0) for p in stage.touchpoints
            ),
        )
        for stage in content.stages
    )
    said = poster_svg(poster_wall_map(dataclasses.replace(content, stages=silent)))
    assert "das Log kennt keine" in said and "mittleres Gefühl" not in said


# --- the folder -----------------------------------------------------------------------------


@pytest.mark.slow
def test_a_folder_is_complete_or_not_there(town, tmp_path, monkeypatch):
    def broken(*_):
        raise RunError("no room on the disk")

    monkeypatch.setattr(pack, "write_slides", broken)
    with pytest.raises(RunError, match="no room"):
        prepare_workshop(town(12), out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_browser_that_fails_leaves_the_pages_to_print(town, tmp_path, monkeypatch):
    monkeypatch.setenv(browser.NAMED_BROWSER, shutil.which("false"))
    made = prepare_workshop(town(12), out=tmp_path)
    pages = sorted(path.name for path in made.folder.glob("*.html"))
    assert pages == [
        "cards-a4.html", "handout-a3.html", "poster-a0.html", "poster-a1.html", "presentation.html"
    ]  # fmt: skip
    assert not list(made.folder.glob("*.pdf"))
    assert "No PDF: false failed (EOFError)." in made.summary


def test_a_run_is_used_again_until_its_log_or_its_settings_change(town):
    run = town(12)
    audits, config = run.parents[1], run.parents[2] / "audit.yaml"
    assert latest_run(load_config(config), audits) == run.resolve()
    other = load_config(config, overrides=["journeys.min_customers=6"])
    assert latest_run(other, audits) is None
    assert latest_run(load_config(config), audits / "elsewhere") is None


def test_input_that_changed_asks_for_a_new_run(town, tmp_path):
    """What a file holds counts: not its date, and of every file that the audit reads."""
    shutil.copytree(town(12).parents[2], tmp_path / "copy", symlinks=True)
    config = load_config(tmp_path / "copy/audit.yaml")
    log, audits = tmp_path / "copy/log.csv", tmp_path / "copy/audits"
    os.utime(log, (2e9, 2e9))
    run = latest_run(config, audits)
    assert run is not None
    manifest = run / "manifest.json"
    told = json.loads(manifest.read_text(encoding="utf-8"))
    more = {"name": "outcomes.csv", "bytes": 3, "sha256": "0" * 64}
    manifest.write_text(json.dumps(told | {"inputs": [*told["inputs"], more]}), encoding="utf-8")
    assert latest_run(config, audits) is None
    older = told | {"versions": told["versions"] | {"journeylib": "0.0.1"}}
    manifest.write_text(json.dumps(older), encoding="utf-8")
    assert latest_run(config, audits) is None
    manifest.write_text(json.dumps(told), encoding="utf-8")
    assert latest_run(config, audits) == run
    log.write_bytes(log.read_bytes().replace(b"0.1,", b"0.2,", 1))
    assert latest_run(config, audits) is None


@pytest.mark.slow
def test_the_command_looks_back_from_a_day(town, tmp_path, monkeypatch):
    """The day is part of what is decided: only a run of the same day is used again."""
    monkeypatch.setattr(pack, "pdf", lambda page: (None, "No PDF here."))
    shutil.copytree(town(12).parents[2], tmp_path / "copy", symlinks=True)
    config, audits = tmp_path / "copy/audit.yaml", tmp_path / "copy/audits"
    command = ["workshop", str(config), "--audits", str(audits), "--out", str(tmp_path / "out")]
    for _ in range(2):
        assert main([*command, "--as-of", "2026-01-20"]) == 0
    runs = sorted(path.name for path in (audits / "stadt").glob("2*"))
    assert [run[:10] for run in runs] == ["2026-01-20", "2026-01-23"]
    made = [path.name for path in (tmp_path / "out/stadt").glob("2*")]
    assert made == [f"{runs[0]}-en"]


@pytest.mark.slow
def test_one_command_prepares_several_workshops(town, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(pack, "pdf", lambda page: (None, "No PDF here."))
    run = town(12)
    files = [str(run.parents[2] / "audit.yaml"), str(tmp_path / "none.yaml")]
    where = ["--audits", str(run.parents[1]), "--out", str(tmp_path / "out")]
    assert main(["workshop", *files, *where]) == 2
    said = capsys.readouterr()
    assert "none.yaml" in said.err and "poster.svg" in said.out
    assert main(["workshop", *files, *where, "--from", str(run)]) == 2
    assert "--from" in capsys.readouterr().err


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(LogError, match="no complete run"):
        read_content(tmp_path)


def test_the_command_refuses_a_language_it_has_not(town, tmp_path, capsys):
    config = town(12).parents[2] / "audit.yaml"
    status = main(["workshop", str(config), "--lang", "fr", "--out", str(tmp_path / "out")])
    assert status == 2 and "Languages: de, en" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
