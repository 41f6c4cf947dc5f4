import re
import xml.etree.ElementTree as ElementTree

import pandas as pd
import pytest

from journeylib.core.estimate import Estimate
from journeylib.present.charts.containment import containment_waterfall
from journeylib.present.charts.experience import experience_chart
from journeylib.present.charts.quadrant import quadrant
from journeylib.present.drawing.chart import Area, plain, words
from journeylib.present.drawing.svg import num, shorten, text_width, wrap
from journeylib.present.figure import Figure
from journeylib.present.maps.journey_map import Overlay, draw_map
from journeylib.present.maps.layout import MapOptions
from journeylib.present.theme import feeling
from tests.present import frames

NASTY = {
    "Complaint": "<script>alert('x')</script>",
    "Call support": 'He said "no" & left',
    "Survey": "שלום \u202eabc",
    "Leave": "🙈 gone\nfor good",
    "Renew": "Vertragsverlängerungsangebotsbestätigungsschreiben der Rechtsschutzversicherung",
}


def renamed(frame, *columns):
    return frame.assign(**{column: frame[column].replace(NASTY) for column in columns})


def all_figures(rename=lambda frame, *columns: frame):
    scores = rename(frames.scores(), "touchpoint")
    points = rename(frames.touchpoints(), "touchpoint")
    felt = rename(frames.experience(), "touchpoint")
    return [
        draw_map(
            points,
            rename(frames.transitions(), "source", "target"),
            Overlay(
                experience=felt,
                verdicts=dict(zip(scores["touchpoint"], scores["verdict"], strict=True)),
                journeys=frames.JOURNEYS,
            ),
            options=MapOptions(stage_order=frames.STAGES, channel_order=frames.CHANNELS),
        ),
        experience_chart(felt, points, stage_order=frames.STAGES),
        quadrant(scores),
        containment_waterfall(frames.waterfall(), verified=Estimate(0.53, "share", 0.53, 0.59)),
    ]


@pytest.fixture(scope="module")
def figures():
    return {figure.name: figure for figure in all_figures()}


def texts(figure, path=".//text"):
    return [
        "".join(found.itertext()) for found in ElementTree.fromstring(figure.svg).iterfind(path)
    ]


def test_every_figure_is_well_formed_labelled_and_without_width(figures):
    for figure in figures.values():
        root = ElementTree.fromstring(figure.svg)
        assert root.get("role") == "img"
        assert root.get("aria-label") == figure.alt
        assert re.search(r"\d", figure.alt)
        assert root.get("width") is None
        assert root.get("viewBox").startswith("0 0 ")
        assert len(figure.table) > 0


@pytest.mark.slow
def test_names_from_the_log_are_escaped_and_stay_whole_in_tooltips():
    for figure in all_figures(renamed)[:3]:
        html = figure.html()
        assert "<script" not in html
        assert "\u202e" not in figure.svg
        titles = " ".join(texts(figure, ".//title"))
        assert NASTY["Renew"] in titles
        assert "🙈 gone for good" in html


@pytest.mark.slow
def test_the_same_frames_in_another_order_draw_the_same_picture(figures):
    def shuffled(frame, *columns):
        return frame.sample(frac=1, random_state=5, ignore_index=True)

    for figure in all_figures(shuffled)[:3]:
        assert figure.svg == figures[figure.name].svg


def test_the_map_says_how_much_it_shows(figures):
    figure = figures["journey-map"]
    drawn = re.search(r"the (\d+) strongest flows; they carry (\d+) %", figure.note)
    assert int(drawn.group(1)) == len(figure.table)
    assert figure.svg.count('class="jl-edge"') == len(figure.table)


def test_the_map_writes_feelings_beside_their_triangle(figures):
    svg = figures["journey-map"].svg
    felt = frames.experience().dropna()
    up = (felt["lo"] > 0) & (felt["sentiment"] >= 0.2)
    down = (felt["hi"] < 0) & (felt["sentiment"] <= -0.2)
    # One more of each in the legend.
    assert svg.count('class="jl-up"') == up.sum() + 1
    assert svg.count('class="jl-down"') == down.sum() + 1
    assert "−0.82" in texts(figures["journey-map"])


def test_flow_width_is_linear_in_journeys(figures):
    figure = figures["journey-map"]
    widths = [
        float(w)
        for w in re.findall(r'class="jl-(?:flow|back)" stroke-width="([\d.]+)"', figure.svg)
    ]
    journeys = figure.table["journeys"].tolist()[::-1]
    most = max(journeys)
    for width, count in zip(widths, journeys, strict=False):
        assert width == pytest.approx(1.2 + 3.4 * count / most, abs=0.051)


@pytest.mark.parametrize(
    ("value", "lo", "hi", "mark"),
    [
        (0.3, 0.1, 0.5, 1),
        (0.3, -0.1, 0.7, 0),
        (0.1, 0.05, 0.15, 0),
        (-0.4, -0.5, -0.3, -1),
        (-0.4, -0.9, 0.1, 0),
        (None, None, None, 0),
        (0.2, None, None, 1),
    ],
)
def test_feeling_needs_distance_and_certainty(value, lo, hi, mark):
    assert feeling(value, lo, hi) == mark


def test_feelings_have_a_row_only_where_enough_were_heard(figures):
    figure = figures["experience"]
    (marks,) = figure.chart.data
    felt = frames.experience().dropna(subset="sentiment")
    assert dict(zip(marks.customdata, marks.x, strict=True)) == pytest.approx(
        dict(zip(felt["touchpoint"], felt["sentiment"], strict=True))
    )
    # Each mark stands in the row of its name; the rows between are the stages, in bold.
    rows = figure.chart.layout.yaxis.ticktext
    assert [plain(rows[row]) for row in marks.y] == list(marks.customdata)
    stages = [plain(name) for i, name in enumerate(rows) if i not in marks.y]
    assert stages == [stage for stage in frames.STAGES if stage in stages] and len(stages) > 3
    assert figure.table["feeling"].isna().sum() == 2
    assert "At 2 more too few were heard" in figure.alt


def test_feelings_name_extremes_with_their_numbers(figures):
    assert "lowest is Complaint (−0.82), highest Refer friend (+0.75)" in figures["experience"].alt


def test_the_quadrant_plots_points_where_their_scores_are():
    scores = (
        frames.scores().head(1).assign(automation_fit=50.0, empathy_need=25.0, verdict="assist")
    )
    figure = quadrant(scores)
    # The intervals are those of the row; the scales show them and the thresholds, with 6 of room.
    row, layout = scores.iloc[0], figure.chart.layout
    shown = [*row[["automation_fit_lo", "automation_fit_hi"]], 50.0, 40.0, 60.0]
    assert layout.xaxis.range == (
        pytest.approx(max(min(shown) - 6, 0)), pytest.approx(min(max(shown) + 6, 100)),
    )  # fmt: skip
    area = Area.of(figure.chart, 1180)
    # A diamond begins at its top, 1.25 × 6 above the point.
    assert f'd="M{num(area.x(50.0))} {num(area.y(25.0) - 7.5)}L' in figure.svg
    (trace,) = figure.chart.data
    assert (trace.x, trace.y, trace.customdata) == ((50.0,), (25.0,), ("Ask a friend",))


def test_a_chart_that_lives_and_its_picture_show_the_same_hearts():
    scores = frames.scores().head(2).assign(verdict="human_only", verdict_stability=[0.9, 0.6])
    figure = quadrant(scores)
    (trace,) = figure.chart.data
    assert trace.mode == "text" and trace.text == ("♥", "♡")
    hearts = [line for line in figure.svg.split("<title>") if "Human only, stability" in line]
    assert ["fill:var(--jl-surface)" in heart.split("<text")[0] for heart in hearts] == [
        False,
        True,
    ]


def test_the_quadrant_lists_abstentions_beside(figures):
    figure = figures["quadrant"]
    assert "Not enough evidence 3." in figure.alt
    plotted = [t for t in texts(figure, ".//title") if "automation fit" in t]
    assert len(plotted) == 32
    assert figure.note.endswith("Not enough evidence: Leave, See ad, and Survey.")


def test_every_plotted_touchpoint_is_labelled(figures):
    shown = set(texts(figures["quadrant"]))
    scores = frames.scores()
    assert set(scores.loc[scores["verdict"] != "abstain", "touchpoint"]) <= shown


def test_the_waterfall_hangs_each_step_on_the_one_before(figures):
    bars = [trace for trace in figures["containment"].chart.data if trace.type == "bar"]
    (raw, *losses, verified) = [(bar.base[0], bar.x[0]) for bar in bars]
    assert raw == (0.0, pytest.approx(0.8))
    edge = raw[1]
    for base, share in losses:
        assert base + share == pytest.approx(edge)
        edge = base
    assert verified == (0.0, pytest.approx(edge))
    assert "80.0 % raw containment; verified: 53.0 % (53.0–59.0)" in figures["containment"].alt


def test_figures_of_nothing_say_so():
    assert containment_waterfall(frames.waterfall().head(0)).alt == "There are no bot sessions."
    felt = frames.experience().assign(sentiment=float("nan"))
    assert "not enough evidence" in experience_chart(felt, frames.touchpoints()).alt
    assert quadrant(frames.scores().head(0)).alt.startswith("0 touchpoints")


@pytest.mark.slow
def test_a_figure_saves_as_svg_html_and_png_and_as_nothing_else(figures, tmp_path):
    figure = figures["quadrant"]
    root = ElementTree.parse(figure.save(tmp_path / "q.svg")).getroot()
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert root.find("{http://www.w3.org/2000/svg}desc").text == figure.alt
    assert figure.table["touchpoint"][0] in figure.save(tmp_path / "q.html").read_text("utf-8")
    assert figure.save(tmp_path / "q.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(ValueError, match=r"\.svg, \.png or \.html"):
        figure.save(tmp_path / "q.gif")


def test_a_figure_name_prefixes_ids_so_it_must_be_plain():
    with pytest.raises(ValueError, match="lower-case"):
        Figure("No Spaces", "t", "a 1", "<svg/>", pd.DataFrame())


def test_names_are_wrapped_and_shortened_to_their_room():
    for line in wrap(NASTY["Renew"], 110, 13.5, bold=True):
        assert text_width(line, 13.5, bold=True) <= 110 + 13.5
    assert shorten("Declared by A", 60, 12) != shorten("Declared by B", 60, 12)
    assert shorten("Ok", 60, 12) == "Ok"


def test_feelings_are_drawn_of_the_touchpoints_with_most_customers():
    felt = frames.experience()
    figure = experience_chart(felt, frames.touchpoints(), max_touchpoints=10)
    heard = felt.dropna(subset="sentiment")
    most = heard.sort_values("n_customers")["touchpoint"].tail(10)
    assert sorted(figure.chart.data[0].customdata) == sorted(most)
    assert f"{len(heard) - 10} touchpoints with fewer customers are only in the" in figure.note
    assert len(figure.table) == 35


def test_a_verdict_that_only_leans_is_hollow_and_said_so():
    scores = frames.scores().head(1).assign(verdict="assist", verdict_stability=0.65)
    figure = quadrant(scores)
    assert figure.chart.data[0].marker.symbol == ("diamond-open",)
    assert "fill:var(--jl-surface);stroke:var(--jl-assist)" in figure.svg
    assert "Leaning: Human with machine help, stability 65 %" in figure.svg
    assert figure.table["verdict"].tolist() == ["Leaning: Human with machine help"]
    # The run says from where on a verdict is settled.
    assert quadrant(scores, min_stability=0.6).chart.data[0].marker.symbol == ("diamond",)


def test_the_quadrant_counts_leanings_apart_from_verdicts():
    scores = frames.scores().head(3).assign(verdict="assist", verdict_stability=[0.9, 0.65, 0.7])
    one, *others = scores["touchpoint"]
    figure = quadrant(scores)
    assert figure.alt == (
        f"3 touchpoints: Human with machine help 1 ({one}); "
        f"Leaning: Human with machine help 2 ({others[0]} and {others[1]})."
    )
    key = " ".join(texts(figure)).replace("\u00a0", " ")
    assert "◆ Human with machine help 1 · ◇ Leaning: Human with machine help 2" in key


def test_the_map_draws_a_leaning_hollow_and_a_verdict_full():
    points = frames.touchpoints()
    settled, unsettled = points["touchpoint"].head(2)
    judged = {settled: "assist", unsettled: "assist"}
    figure = draw_map(points, frames.transitions(), Overlay(verdicts=judged, leaning={unsettled}))
    titles = texts(figure, ".//title")
    (leans,) = (title for title in titles if title.endswith("Leaning: Human with machine help"))
    assert leans.startswith(unsettled)
    # One in the box, one in the legend that says what hollow means.
    assert figure.svg.count("jl-assist jl-hollow") == 2
    assert figure.svg.count("jl-v jl-assist") == 4
    assert "hollow: only leans that way" in texts(figure)
    whole = draw_map(points, frames.transitions(), Overlay(verdicts=judged))
    assert "jl-hollow" not in whole.svg and "hollow" not in " ".join(texts(whole))


def test_the_quadrant_draws_its_four_thresholds():
    assert quadrant(frames.scores()).svg.count("stroke-dasharray") == 4


def test_the_map_writes_long_names_in_three_lines():
    points = frames.touchpoints().replace("Complaint", "Declaration REJECTED by ADMINISTRATION")
    figure = draw_map(points, frames.transitions())
    assert {"Declaration", "REJECTED by", "ADMINISTRATION"} <= set(texts(figure))


def test_feelings_of_a_given_width_are_drawn_at_it():
    figure = experience_chart(frames.experience(), frames.touchpoints(), width=600)
    height = figure.chart.layout.height
    assert ElementTree.fromstring(figure.svg).get("viewBox") == f"0 0 600 {height}"
    area = Area.of(figure.chart, 600)
    assert 300 < area.right - area.left < 500


@pytest.mark.parametrize("name", ["quadrant", "experience"])
def test_a_phone_gets_a_layout_of_its_own_with_every_name(figures, name):
    chart = figures[name].chart
    narrow = chart.layout.meta["narrow"]
    assert "width" not in narrow and "template" not in narrow
    margin = narrow["margin"]
    assert 320 - margin["l"] - margin["r"] > 90
    if name == "quadrant":
        named = {plain(note["text"]) for note in narrow["annotations"]}
        short = {plain(words(row, 150)) for trace in chart.data for row in trace.customdata}
        assert len(short & named) > 0.6 * len(short)
