import json
import re
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

import journeylib as jl
from journeylib.present.explorer.choices import choices
from journeylib.present.explorer.page import twin
from journeylib.present.explorer.state import exploration

pytest.importorskip("anywidget", reason="needs anywidget")

ROOT = Path(__file__).resolve().parents[2]
MINUTE = 60_000_000


def journeys_of(log_of, paths, **settings):
    rows = [
        (f"{path[0]}{no}-{which}", step * MINUTE, name)
        for which, (path, count) in enumerate(paths)
        for no in range(count)
        for step, name in enumerate(path)
    ]
    settings = {"cut": "customer", "min_customers": 5, **settings}
    return jl.rebuild(log_of(*rows), jl.JourneySettings(**settings))


@pytest.fixture
def journeys(log_of):
    """Twelve go A B C, eight A C, and two by a touchpoint that nobody else has."""
    return journeys_of(log_of, [(("A", "B", "C"), 12), (("A", "C"), 8), (("A", "Rare", "C"), 2)])


def items(message):
    return {item["title"]: dict(item["facts"]) for item in message["items"]}


def test_the_map_counts_what_the_log_holds(journeys):
    shown = items(exploration(journeys, {"transitions": 1.0}).shown())
    assert {name: facts["journeys"] for name, facts in shown.items() if name in "ABC"} == {
        "A": "22 of 22 (100 %)",
        "B": "12 of 22 (55 %)",
        "C": "22 of 22 (100 %)",
    }
    assert shown["A → C"]["journeys"] == "8 of 22 (36 %)"
    assert shown["A → B"]["time from one to the next (median)"] == "1 min, too few for an interval"


@pytest.mark.slow
def test_nothing_of_too_few_customers_goes_to_the_browser(journeys):
    here = exploration(journeys)
    for one in (here, here.filtered("passing", ["A"]), here.filtered("not_passing", ["B"])):
        sent = json.dumps([one.shown(), one.stored(), one.trail()]) + twin(one)
        assert "Rare" not in sent
    rare = here.filtered("passing", ["Rare"])
    assert rare.shown()["items"] == []
    assert rare.trail()["remaining"].startswith("journeys of fewer than 5 customers remain")


def test_a_filter_shows_what_remains_and_the_code_for_it(journeys):
    here = exploration(journeys).filtered("passing_directly", ["A", "C"])
    assert here.code == 'journeys.passing_directly("A", "C")'
    assert here.journeys.size == (8, 8)
    assert items(here.shown())["A"]["journeys"] == "8 of 8 (100 %)"
    assert eval(here.code, {"journeys": journeys}).remaining == here.trail()["remaining"]
    assert here.filtered("passing_directly", ["A", "C"]) is here
    assert here.filtered("passing", ["B"]).undone(1).code == here.code
    assert here.undone(0).code == "journeys"


BOX = re.compile(
    r'<rect x="([^"]*)" y="([^"]*)" width="([^"]*)" height="([^"]*)" rx="6" class="jl-box'
)


def test_no_filter_moves_or_resizes_a_touchpoint(journeys):
    here = exploration(journeys, {"transitions": 1.0})
    before, without = here.shown(), here.filtered("not_passing", ["B"]).shown()
    assert len(BOX.findall(before["svg"])) == 3
    assert BOX.findall(without["svg"]) == BOX.findall(before["svg"])
    assert "B: no journey that is shown" in without["svg"]
    named = {item["title"] for item in without["items"]}
    assert {"A", "C", "A → C"} <= named and not {"B", "A → B"} & named
    again = here.filtered("not_passing", ["B"]).undone(0)
    assert again.shown() == before


def test_who_goes_back_waits_for_no_map_again(journeys, monkeypatch):
    here = exploration(journeys, {"transitions": 1.0})
    first, without = here.shown(), here.filtered("not_passing", ["B"])
    second, moved = without.shown(), without.moved(0.5, 0.5)
    third = moved.shown()
    monkeypatch.setattr("journeylib.present.explorer.state.map_data", None)
    assert without.undone(0).shown() == first
    assert without.undone(0).filtered("not_passing", ["B"]).shown() == second
    assert moved.moved(1.0, 1.0).moved(0.5, 0.5).shown() == third
    assert third != second != first


def test_only_the_last_maps_are_kept(journeys, monkeypatch):
    monkeypatch.setattr("journeylib.present.explorer.state.MOST_MAPS", 2)
    here = exploration(journeys)
    for share in (0.25, 0.5, 1.0):
        here = here.moved(share, 1.0)
        here.shown()
    assert [shares for _filters, shares in here.maps] == [(0.5, 1.0), (1.0, 1.0)]


def test_filters_of_the_map_add_up(journeys):
    here = exploration(journeys).filtered("passing", ["B"]).filtered("passing_directly", ["A", "B"])
    assert here.journeys.size == (12, 12)
    assert here.journeys.starting_with("A").size == (12, 12)


@pytest.mark.slow
def test_no_more_lines_than_can_be_told_apart_and_the_rest_is_said(log_of):
    # Each of 182 ways between 14 touchpoints is gone by six customers, those from T00 by more.
    names = [f"T{no:02d}" for no in range(14)]
    paths = [((a, b), 9 if a == "T00" else 6) for a in names for b in names if a != b]
    shown = exploration(journeys_of(log_of, paths), {"transitions": 1.0}).shown()
    drawn = [item for item in shown["items"] if item["kind"] == "flow" and item["verb"]]
    inner = [item for item in drawn if "(" not in item["title"]]
    assert shown["svg"].count('data-key="f') == len(inner)
    assert 80 <= len(inner) <= 80 + 2 * 14
    assert f"Drawn are the {len(inner)} strongest of 182 ways between them" in shown["finding"]
    assert {f"T00 → {name}" for name in names[1:]} <= {item["title"] for item in inner}
    calm = exploration(journeys_of(log_of, paths), {"transitions": 0.2}).shown()
    assert "strongest of" not in calm["finding"]


def test_filters_go_on_from_journeys_that_were_narrowed_before(journeys):
    here = exploration(journeys.passing("B")).filtered("passing", ["C"])
    assert here.code == 'journeys.passing("B").passing("C")'
    assert [step["code"] for step in here.trail()["steps"]] == [
        'journeys.passing("B")',
        '.passing("C")',
    ]


@pytest.mark.slow
def test_a_state_is_json_and_shows_the_same_again(journeys):
    widget = jl.explore(journeys)
    widget._on_message(None, {"type": "filter", "verb": "passing", "names": ["B"]}, None)
    widget._on_message(None, {"type": "move", "touchpoints": 20, "transitions": 5}, None)
    state = json.loads(json.dumps(widget.state))
    assert state == {"touchpoints": 1.0, "transitions": 0.25, "filters": [["passing", "B"]]}
    again = jl.explore(journeys, state=state)
    assert (again.scene, again.trail) == (widget.scene, widget.trail)
    assert twin(again.here) == twin(widget.here)
    with pytest.raises(jl.ConfigError, match=r"no 'filter'\. Did you mean 'filters'"):
        jl.explore(journeys, state={"filter": []})
    with pytest.raises(jl.ConfigError, match=r"no filter 'pasing'\. Did you mean 'passing'"):
        jl.explore(journeys, state={"filters": [["pasing", "B"]]})
    with pytest.raises(jl.ConfigError, match=r"touchpoints=0\.0"):
        jl.explore(journeys, state={"touchpoints": 0})


def test_a_wrong_request_changes_nothing_and_is_told(journeys):
    widget = jl.explore(journeys)
    before = widget.here
    for wrong in (
        {"type": "filter", "verb": "passing", "names": ["Nowhere"]},
        {"type": "filter", "verb": "write_customers", "names": ["x"]},
    ):
        widget._on_message(None, wrong, None)
        assert widget.here == before
        assert widget.problem.startswith(
            "there is no touchpoint" if wrong["names"] != ["x"] else "the map has no filter"
        )
    widget._on_message(None, {"type": "whatever"}, None)
    assert widget.here == before


@pytest.mark.slow
def test_the_twin_holds_figure_and_table_and_no_name_ends_its_script(log_of):
    paths = [(("</script><b>", "B"), 9), (("B", "C"), 9)]
    html = twin(exploration(journeys_of(log_of, paths)))
    assert html.count("</script") == 1
    assert "<b>" not in html.split("<script")[0]
    assert "<table" in html
    assert "aria-label" in html
    data = jl.explore(journeys_of(log_of, paths))._repr_mimebundle_()[0]
    assert {"text/html", "text/plain", "application/vnd.jupyter.widget-view+json"} <= set(data)


def test_the_picture_and_what_can_be_pointed_at_have_the_same_keys(journeys):
    shown = exploration(journeys, {"transitions": 1.0}).shown()
    drawn = {part.split('"')[0] for part in shown["svg"].split('data-key="')[1:]}
    assert drawn == {item["key"] for item in shown["items"] if "(" not in item["title"]}


@pytest.mark.slow
def test_one_question_one_number_everywhere():
    """The map, its table, the transitions, the filter's print-out and the evidence agree."""
    journeys = jl.read_journeys(ROOT / "sample_data/telecom/audit.yaml")
    widget = jl.explore(journeys, state={"touchpoints": 1.0, "transitions": 1.0})
    drawn = widget.figure.table.set_index(["source", "target"])["journeys"]
    assert len(drawn) > 30
    moves = jl.transitions(journeys).set_index(["source", "target"])
    listed, bounded = moves["journeys"], moves["at_least"]
    # What an audit of the same configuration is made of, and writes.
    audited = jl.measure(journeys).transitions.set_index(["source", "target"])["journeys"]
    hovered = items(widget.scene)
    for pair, count in drawn.items():
        assert listed[pair] == audited[pair] == count
        least = "at least " if bounded[pair] else ""
        assert hovered[" → ".join(pair)]["journeys"].startswith(f"{least}{count:,} of 2,841")
    for pair, count in drawn.head(5).items():
        some = journeys.passing_directly(*pair)
        assert some.size[0] >= count
        assert some.remaining.startswith(f"{count:,} of 2,841 journeys") or bounded[pair]
    assert bounded[drawn.head(5).index].nunique() == 2


def test_an_audit_tells_feeling_verdict_and_time_with_intervals(journeys):
    feeling = {"touchpoint": "A", "sentiment": -0.5, "lo": -0.6, "hi": -0.4, "n_customers": 22}
    wait = {"touchpoint": "A", "measure": "wait", "value": 60.0, "lo": 30.0, "hi": 90.0}
    score = {"touchpoint": "A", "verdict": "abstain", "leaning": "assist", "abstain": "unstable"}
    score |= {"verdict_stability": 0.7, "automation_fit": 55.4, "automation_fit_lo": 50.0}
    score |= {"automation_fit_hi": 60.0, "empathy_need": float("nan")}
    audit = SimpleNamespace(
        journeys=journeys,
        evidence=SimpleNamespace(
            experience=pd.DataFrame([feeling]),
            estimates=pd.DataFrame([wait]),
            totals={"journeys": 22},
        ),
        judgement=SimpleNamespace(scores=pd.DataFrame([score])),
    )
    here = exploration(audit)
    told = items(here.shown())["A"]
    assert told["feeling, −1 to 1"] == "−0.50 (−0.60 to −0.40), n = 22"
    assert told["verdict"] == "Leaning: Human with machine help, in 70 % of resamples"
    assert told["automation fit, 0 to 100"] == "55 (50–60)"
    assert "empathy need, 0 to 100" not in told
    assert told["wait until the next (median)"] == "1 min (30 s to 1.5 min)"
    # A filter changes the counts; what the audit knows is still of all journeys, and said so.
    some = here.filtered("passing", ["B"])
    assert items(some.shown())["A"]["verdict, all journeys"] == told["verdict"]
    assert some.code == 'audit.journeys.passing("B")'


def test_controls_offer_segment_channel_period_and_end(log_of):
    """Fibre: 12 customers in January; mobile: 8 in February; 2 of a segment of their own."""
    january, february = 1_767_225_600_000_000, 1_769_904_000_000_000  # 2026-01-01, 2026-02-01
    rows = []
    for segment, count, start, channel in (
        ("fibre", 12, january, "web"), ("mobile", 8, february, "phone"), ("rare", 2, january, "web")
    ):  # fmt: skip
        for no in range(count):
            for step, name in enumerate(("A", "C")):
                rows.append((f"{segment}{no}", start + step * MINUTE, name, segment, channel))
    log = log_of(*rows, columns="customer t_us touchpoint segment channel")
    journeys = jl.rebuild(log, jl.JourneySettings(cut="customer", min_customers=5, goals=("C",)))
    offered = {one["verb"]: [o["names"] for o in one["options"]] for one in choices(journeys)}
    assert offered == {
        "in_segment": [["fibre"], ["mobile"]],
        "using_channel": [["phone"], ["web"]],
        "between": [["2026-01-01", "2026-01-31"], ["2026-02-01", "2026-02-28"]],
    }
    here = exploration(journeys).chosen("in_segment", ["fibre"])
    assert here.journeys.size == (12, 12)
    other = here.chosen("in_segment", ["mobile"]).chosen("between", ["2026-02-01", "2026-02-28"])
    assert other.code == ('journeys.in_segment("mobile").between("2026-02-01", "2026-02-28")')
    assert other.journeys.size == (8, 8)
    assert other.trail()["chosen"] == {
        "in_segment": ["mobile"], "between": ["2026-02-01", "2026-02-28"]
    }  # fmt: skip
    assert other.chosen("in_segment", []).filters == (("between", ("2026-02-01", "2026-02-28")),)
    assert exploration(journeys, other.state).code == other.code
    # Types of contacts are offered where an audit has told them, and the rare one is not.
    keys = journeys.outline.key
    typed = journeys.with_types({"calm": keys[:9], "upset": keys[9:], "rare": keys[:2]})
    kinds = next(one for one in choices(typed) if one["verb"] == "of_type")
    assert [option["names"] for option in kinds["options"]] == [["calm"], ["upset"]]
    assert exploration(typed).chosen("of_type", ["upset"]).code == 'journeys.of_type("upset")'
