"""What is done to a log before it is cut, and what other choices would give."""

from __future__ import annotations

import datetime as dt
import random
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

import journeylib as jl
from journeylib import present as show
from journeylib.audits.document.metric_path import check_metric
from journeylib.core.errors import RunError
from tests.conftest import TELECOM
from tests.log.test_days import ROWS, spoil, write_days

from .conftest import CONFIG, write_small

STITCHED = """\
name: small
log:
  files: small.csv
roles:
  customer: client
  touchpoint: step
  timestamp: at
  actor: who
  actor_values: {b: bot, h: human}
  identifiers: {phone: tel}
stitching: {}
journeys: {gap_days: 3}
as_of: 2026-03-01
"""
HEADER = ["client", "at", "step", "who", "tel"]


def rows() -> list[list[str]]:
    """Forty people chat as one account and come back as another, known by their phone.

    The phones of 30 people are their own; ten people call from one phone that all ten share.
    """
    found = [HEADER]
    for number in range(40):
        phone = f"030-{number:03d}" if number < 30 else "030-999"
        found.append([f"web-{number:02d}", "2026-01-10 09:00", "Chat", "b", phone])
        found.append([f"shop-{number:02d}", "2026-01-12 09:00", "Chat", "b", phone])
        found.append([f"web-{number:02d}", "2026-02-20 09:00", "Call", "h", ""])
    return found


@pytest.fixture(scope="module")
def stitched(tmp_path_factory: pytest.TempPathFactory) -> jl.Audit:
    folder = tmp_path_factory.mktemp("stitched")
    # All contacts are about one matter: who comes back comes back for the same.
    lines = [",".join([*row, "bill" if number else "why"]) for number, row in enumerate(rows())]
    (folder / "small.csv").write_text("\n".join(lines) + "\n", "utf-8")
    config = STITCHED.replace("  identifiers:", "  intent: why\n  identifiers:")
    (folder / "small.yaml").write_text(config, "utf-8")
    return jl.audit(folder / "small.yaml")


@pytest.mark.slow
def test_the_document_says_what_was_joined_and_which_identifiers_were_shared(
    stitched: jl.Audit,
) -> None:
    found = stitched.document["stitching"]
    assert (found["customers_before"], found["customers"]) == (80, 50)
    assert found["moved_events"] == 60  # web-… is joined to shop-…, which comes first
    kinds = {kind.pop("kind"): kind for kind in found["kinds"]}
    assert kinds["phone"] == {"identifiers": 31, "shared": 1, "events": 80, "shared_events": 20}
    told = [check["text"] for check in stitched.document["log"]["quality"]]
    assert "1 of kind phone belong to too many accounts: they join none." in told
    assert "030" not in str(stitched.document)


def test_containment_looks_better_the_worse_the_stitching(stitched: jl.Audit) -> None:
    levels = {row["level"]: row for row in stitched.document["stitching"]["levels"]}
    assert [levels[name]["customers"] for name in ("strict", "default", "loose")] == [80, 50, 31]
    assert levels["strict"]["repeat_contact"] == 0
    # Thirty of 80 chats come back within a week; loosely, 20 chats become one after another.
    assert levels["default"]["repeat_contact"] == pytest.approx(30 / 80)
    hi = [levels[name]["contained_verified_hi"] for name in ("strict", "default")]
    assert hi == [1.0, pytest.approx(1 - 30 / 80)]


def test_the_cut_is_varied_by_half_and_twice_the_gap(stitched: jl.Audit) -> None:
    table = stitched.document["cut_sensitivity"]
    assert [(row["factor"], row["gap_days"]) for row in table] == [(0.5, 1.5), (1, 3), (2, 6)]
    # Two days apart: one journey by 3 and 6 days, two by 1.5; the call is always one more.
    assert [row["journeys"] for row in table] == [120, 90, 90]
    assert {row["customers"] for row in table} == {50}
    check_metric("cut_sensitivity[factor=2.0].journeys")
    check_metric("cut_sensitivity[factor=2.0].verdicts_changed")


@pytest.mark.slow
def test_a_cut_that_changes_no_journey_need_not_be_measured_again(
    small_audit: jl.Audit, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    again = "journeylib.audits.preparation.robustness.cut_again"
    monkeypatch.setattr(again, lambda journeys, how: jl.rebuild(journeys.log, how))
    measured_again = jl.audit(small).document
    assert measured_again["cut_sensitivity"] == small_audit.document["cut_sensitivity"]
    assert len({row["gap_days"] for row in measured_again["cut_sensitivity"]}) == 3


def test_without_stitching_the_document_says_none(small_audit: jl.Audit) -> None:
    assert small_audit.document["stitching"] is None
    assert len(small_audit.document["cut_sensitivity"]) == 3
    assert "a person with two names counts twice" in repr(show.stitching(small_audit))


def shared_visits() -> list[list[str]]:
    """Add a visit to the ten accounts that share one phone: ten customers, or loosely one."""
    visits = [[f"shop-{n:02d}", "2026-01-13 09:00", "Visit", "h", "030-999"] for n in range(30, 40)]
    return [*rows()[1:], *visits]


def at_level(level: str, folder: Path) -> jl.Audit:
    text = STITCHED.replace("stitching: {}", f"stitching: {{level: {level}}}")
    # The fifth column of the small log is called "kind" there.
    return jl.audit(write_small(folder, config=text.replace("tel}", "kind}"), rows=shared_visits()))


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> jl.Audit:
    return at_level("strict", tmp_path_factory.mktemp("strict"))


@pytest.mark.slow
def test_each_level_says_which_verdicts_it_changes(strict: jl.Audit) -> None:
    levels = {row["level"]: row for row in strict.document["stitching"]["levels"]}
    assert {row["verdicts_compared"] for row in levels.values()} == {3}
    assert levels["strict"]["changes"] == []
    # One person, not ten, made the visits: then nothing may be said of them.
    lost = {"touchpoint": "Visit", "verdict": None, "instead_of": "abstain"}
    assert lost in levels["loose"]["changes"]
    shown = show.stitching(strict)
    assert "Visit: too few customers to show instead of" in shown._repr_html_()
    assert "strict (this audit)" in shown._repr_html_()


@pytest.mark.slow
def test_a_touchpoint_of_too_few_customers_is_named_at_no_level(tmp_path: Path) -> None:
    found = at_level("loose", tmp_path)
    levels = found.document["stitching"]["levels"]
    assert {row["verdicts_compared"] for row in levels} == {2}
    assert "Visit" not in str(levels)
    assert "Visit" not in show.stitching(found)._repr_html_()


@pytest.mark.slow
def test_verdicts_are_not_compared_where_time_is_short(small: Path) -> None:
    found = jl.audit(small, overrides=["compare=key_results"])
    for row in found.document["cut_sensitivity"]:
        assert (row["verdicts_compared"], row["verdicts_changed"]) == (None, None)
        assert row["changes"] == []
        assert row["journeys"] >= 60
    assert "not compared" in show.cut_sensitivity(found)._repr_html_()


@pytest.mark.slow
def test_a_cut_without_a_gap_is_compared_with_what_else_could_cut(
    small_with: Callable[..., Path],
) -> None:
    rows = [
        [f"c{n:02d}", f"2026-01-{day} 09:00", "Call", "h", f"case{n}-{day // 20}"]
        for n in range(30)
        for day in (10, 11, 25)
    ]
    path = small_with(config=CONFIG.replace("segment: kind", "journey: kind"), rows=rows)
    found = jl.audit(path, overrides=["compare=key_results"])
    table = found.document["cut_sensitivity"]
    # Two cases of each customer, two weeks apart: silence finds the same, a customer has one.
    assert [(row["cut"], row["chosen"], row["journeys"]) for row in table] == [
        ("case", True, 60),
        ("gap", False, 60),
        ("customer", False, 30),
    ]
    assert table[0]["gap_days"] is table[2]["gap_days"] is None
    assert 1 < table[1]["gap_days"] < 14
    assert "a case of the log (this audit)" in show.cut_sensitivity(found)._repr_html_()


@pytest.mark.slow
def test_where_the_case_is_the_customer_there_is_no_other_cut(
    small_with: Callable[..., Path],
) -> None:
    config = CONFIG.replace("customer: client", "journey: client")
    found = jl.audit(small_with(config=config))
    assert found.document["cut_sensitivity"] == []
    assert "no other cut to compare" in repr(show.cut_sensitivity(found))
    assert "choices" not in {finding.id for finding in found.findings}


def learned_rows() -> list[list[str]]:
    """Five journeys each of 120 customers, of which some begin in the middle."""
    draw = random.Random(1)
    rows = []
    for number in range(120):
        at = dt.datetime(2026, 1, 1) + dt.timedelta(minutes=draw.randrange(10_000))
        for _journey in range(5):
            for step in ("ABC", "ABCD", "ABC", "CD")[draw.randrange(4)]:
                rows.append([f"c{number:02d}", at.isoformat(" ", "minutes"), step, "h", "x"])
                at += dt.timedelta(minutes=draw.randrange(5, 400))
            at += dt.timedelta(minutes=draw.randrange(1, 600))
    return rows


@pytest.mark.slow
def test_a_learned_cut_is_varied_by_the_probability_of_a_boundary(
    small_with: Callable[..., Path],
) -> None:
    path = small_with(config=CONFIG + "journeys: {cut: learned}\n", rows=learned_rows())
    found = jl.audit(path, overrides=["compare=key_results"])
    table = found.document["cut_sensitivity"]
    assert [(row["threshold"], row["chosen"]) for row in table] == [
        (0.3, False),
        (0.5, True),
        (0.7, False),
    ]
    # The surer a boundary must be, the fewer there are; each row is what that setting says.
    many = [row["journeys"] for row in table]
    assert many[0] > many[1] > many[2]
    stated = ["compare=key_results", "journeys.boundary_probability=0.7"]
    other = jl.audit(path, overrides=stated).document
    assert other["log"]["journeys"] == many[2]
    assert "at least 30 % probable" in show.cut_sensitivity(found)._repr_html_()
    check_metric("cut_sensitivity[threshold=0.7].verdicts_changed")


@pytest.mark.slow
def test_a_finding_says_whether_a_choice_changes_a_verdict(
    stitched: jl.Audit, strict: jl.Audit
) -> None:
    said = {finding.id: finding for finding in strict.findings}["choices"]
    assert said.severity == "medium"
    assert "Visit depends on how identifiers are joined to one customer." in said.text
    assert "Visit" in said.evidence["stitching"]
    settled = {finding.id: finding for finding in stitched.findings}["choices"]
    assert settled.severity == "info"
    assert settled.text == (
        "No verdict changes with another cut of journeys or at another level of stitching."
    )


LINKED = STITCHED.replace("{phone: tel}", "{email: mail, name: tel}").replace(
    "stitching: {}", "linkage: {threshold: 0.9}"
)


def linked_rows() -> list[list[str]]:
    """Sixty people with two accounts each; later name, mail or both have another letter."""
    draw = random.Random(3)
    rows = []
    for number in range(60):
        name = "".join(draw.choices("abcdefghijklmnopqrstuvwxyz", k=12))
        other = f"{name[:7]}z{name[8:]}"
        for account in range(2):
            shown = other if account and number % 3 else name
            mail = f"{other if account and number % 3 != 1 else name}@x.org"
            day = f"2026-01-{10 + 2 * account} 09:00"
            rows.append([f"acc-{number:02d}{account}", day, "Chat", "b", shown, mail])
        rows.append([f"acc-{number:02d}0", "2026-02-20 09:00", "Call", "h", "", ""])
    return rows


def linked(folder: Path, config: str = LINKED) -> Path:
    header = ["client", "at", "step", "who", "tel", "mail"]
    text = "\n".join(",".join(row) for row in [header, *linked_rows()])
    (folder / "small.csv").write_text(text + "\n", "utf-8")
    (folder / "small.yaml").write_text(config, "utf-8")
    return folder / "small.yaml"


@pytest.mark.slow
def test_customers_with_identifiers_that_are_alike_are_joined_before_the_audit(
    tmp_path: Path,
) -> None:
    pytest.importorskip("splink")
    found = jl.audit(linked(tmp_path), overrides=["compare=key_results"])
    said = found.document["linkage"]
    assert (said["customers_before"], said["customers"], said["people"]) == (120, 60, 60)
    assert said["threshold"] == 0.9
    assert 0.9 <= said["least"] <= said["confidence"] <= 1
    assert said["moved_share"] == pytest.approx(1 / 3, abs=1e-6)
    levels = {row["linked"]: row for row in said["levels"]}
    assert (levels[True]["customers"], levels[False]["customers"]) == (60, 120)
    # Each second chat comes two days after the first: known only where people are one.
    assert levels[True]["repeat_contact"] == pytest.approx(0.5)
    assert levels[False]["repeat_contact"] == 0
    shown = show.linkage(found)._repr_html_()
    assert "joined (this audit)" in shown
    assert "60 people were known as several" in shown
    assert "@x.org" not in str(found.document)


@pytest.mark.slow
def test_stitching_follows_linkage(tmp_path: Path) -> None:
    pytest.importorskip("splink")
    both = LINKED.replace("linkage:", "stitching: {}\nlinkage:")
    found = jl.audit(linked(tmp_path, both), overrides=["compare=key_results"]).document
    assert found["stitching"]["customers_before"] == found["linkage"]["customers"] == 60
    assert {row["customers"] for row in found["stitching"]["levels"]} == {60}


def test_linkage_needs_two_kinds_and_splink(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = LINKED.replace("{email: mail, name: tel}", "{email: mail}")
    with pytest.raises(jl.ConfigError, match=r"'linkage' needs two kinds of 'roles\.identifiers'"):
        jl.audit(linked(tmp_path, one))
    # Said before the log is read: the file is not even there.
    path = linked(tmp_path)
    (tmp_path / "small.csv").unlink()
    monkeypatch.setitem(sys.modules, "splink", None)
    with pytest.raises(RunError, match=r"pip install 'journeylib\[linkage\]'"):
        jl.audit(path)


def test_without_linkage_the_document_says_none(small_audit: jl.Audit) -> None:
    assert small_audit.document["linkage"] is None
    assert "counts as another customer" in repr(show.linkage(small_audit))


@pytest.mark.slow
def test_another_gap_says_what_an_audit_with_it_says(telecom_audit: jl.Audit) -> None:
    said = telecom_audit.document["cut_sensitivity"][2]
    days = telecom_audit.config.journeys.gap_days
    assert isinstance(days, float)
    stated = [f"journeys.gap_days={2 * days}", f"journeys.quiet_days={days}"]
    other = jl.audit(TELECOM, overrides=[*stated, "compare=key_results"])
    verdicts = {row["touchpoint"]: row["verdict"] for row in telecom_audit.document["touchpoints"]}
    changed = {row["touchpoint"]: row["verdict"] for row in said["changes"]}
    for row in other.document["touchpoints"]:
        name = row["touchpoint"]
        assert row["verdict"] == changed.get(name, verdicts[name])
    assert said["journeys"] == other.document["log"]["journeys"]


def test_stitching_without_identifiers_is_refused(
    small_with: Callable[..., Path],
) -> None:
    config = STITCHED.replace("  identifiers: {phone: tel}\n", "")
    with pytest.raises(jl.ConfigError, match=r"'stitching' needs 'roles\.identifiers'"):
        jl.audit(small_with(config=config, rows=rows()[1:]))


MAPPED = STITCHED.replace("stitching: {}", "mapping: {file: names.csv}")


def mapped_audit(folder: Path, names: str) -> jl.Audit:
    text = "\n".join(",".join(row) for row in rows())
    (folder / "small.csv").write_text(text + "\n", "utf-8")
    (folder / "small.yaml").write_text(MAPPED, "utf-8")
    (folder / "names.csv").write_text(names, "utf-8")
    return jl.audit(folder / "small.yaml")


@pytest.mark.slow
def test_a_mapping_names_touchpoints_and_its_version_is_in_the_document(tmp_path: Path) -> None:
    found = mapped_audit(tmp_path, "activity,touchpoint,stage\nC*,Talk,Use\n")
    document = found.document
    assert [row["touchpoint"] for row in document["touchpoints"]] == ["Talk"]
    assert [row["stage"] for row in document["touchpoints"]] == ["Use"]
    mapping = document["mapping"]
    assert (mapping["rules"], mapping["unused_rules"], mapping["unmapped_share"]) == (1, 0, 0)
    path = jl.save(found, tmp_path / "out")
    manifest = (path / "manifest.json").read_text("utf-8")
    assert f'"mapping_hash": "{mapping["hash"]}"' in manifest
    assert str(tmp_path) not in manifest
    assert document["flow"]["self_loop_rate"]["abstain"] != "quality_gate"


@pytest.mark.slow
def test_another_mapping_is_another_run_and_an_incomplete_one_lets_the_graph_abstain(
    tmp_path: Path,
) -> None:
    whole = mapped_audit(tmp_path, "activity,touchpoint\n*,\n")
    part = mapped_audit(tmp_path, "activity,touchpoint\nChat,Talk\n")
    assert whole.config_hash == part.config_hash
    assert whole.run_id != part.run_id
    document = part.document
    assert document["mapping"]["unmapped_share"] == pytest.approx(40 / 120, abs=1e-6)
    assert document["flow"]["loop_rate"]["abstain"] == "quality_gate"
    assert document["structure"] is None
    assert whole.document["structure"] is not None
    for view in (show.journey_ends, show.break_offs, show.smaller_map):
        assert "complete the mapping first" in repr(view(part))
    talk = document["touchpoints"][0]["measures"]
    assert talk["next_steps"]["value"] is None
    assert talk["rework"]["abstain"] in ("quality_gate", "n_small")
    assert [f["id"] for f in document["findings"] if "mapping" in f["id"]] == [
        "quality-mapping-touchpoint"
    ]


@pytest.mark.slow
@pytest.mark.parametrize("form", ["steps", "tree", "bpmn"])
def test_a_plan_is_declared_in_any_form_and_drawn(
    form: str, small_with: Callable[..., Path]
) -> None:
    from pm4py.convert import convert_to_bpmn
    from pm4py.objects.bpmn.exporter import exporter
    from pm4py.utils import parse_process_tree

    tree = "->('Visit', X('Chat', tau), 'Call')"
    plans = {"steps": "[Visit, 'Chat?', Call]", "tree": f'"{tree}"', "bpmn": "plan.bpmn"}
    config = STITCHED.replace("tel}", "kind}").replace("stitching: {}", "")
    path = small_with(config=config + f"plan: {{{form}: {plans[form]}}}\n", rows=shared_visits())
    # Beside the configuration, wherever it is run from.
    exporter.apply(convert_to_bpmn(parse_process_tree(tree)), str(path.parent / "plan.bpmn"))
    found = jl.audit(path, overrides=["compare=key_results", "journeys.cut=customer"])
    plan = found.document["plan"]
    steps = {(row["touchpoint"], row["kind"]): row["journeys"] for row in plan["steps"]}
    optional = {row["touchpoint"] for row in plan["steps"] if row["optional"]}
    # Forty accounts have chatted, ten of them then visit; the forty others are open still.
    assert (plan["journeys"], plan["open_journeys"]) == (40, 40)
    assert steps == {
        ("Visit", "as_planned"): 10,
        ("Visit", "skipped"): 30,
        ("Chat", "as_planned"): 30,
        ("Chat", "inserted"): 10,  # before the visit
        ("Call", "skipped"): 40,
    }
    assert optional == {"Chat"}
    assert {row["conforming"] for row in plan["outcomes"]} == {False}
    picture = show.conformance(found).html()
    assert "skipped" in picture
    assert "Chat (optional)" in picture


@pytest.mark.slow
def test_gaps_of_channels_are_in_the_document_and_each_is_varied(
    small_with: Callable[..., Path],
) -> None:
    config = CONFIG.replace("segment: kind", "channel: kind")
    text = config + "\njourneys: {gap_days: {many: 0.002}, assumed_gap_days: 1}\n"
    found = jl.audit(small_with(config=text), overrides=["compare=key_results"])
    cutting = found.document["log"]["cutting"]
    assert [(row["channel"], row["gap_days"]) for row in cutting["channels"]] == [
        ("", 1),
        ("many", 0.002),
    ]
    # 57 of many, 28 of whom call 5 minutes later: 2.88 minutes cut there, 5.76 do not.
    # Of the three others one calls and all end within an hour: never cut.
    table = found.document["cut_sensitivity"]
    assert [(row["gap_days"], row["journeys"]) for row in table] == [(0.5, 89), (1, 89), (2, 60)]


def test_an_audit_of_daily_files_opens_none_of_what_came_later(tmp_path: Path) -> None:
    paths = write_days(tmp_path)
    (tmp_path / "daily.yaml").write_text(
        "{name: daily, log: {files: day=*/events.parquet}, journeys: {gap_days: 3}, "
        "roles: {customer: who, touchpoint: what, timestamp: at}}",
        "utf-8",
    )
    for path in paths[6:]:
        spoil(path)
    journeys = jl.read_journeys(tmp_path / "daily.yaml", as_of="2026-01-05")
    assert journeys.touchpoints["events"].sum() == 5 * ROWS
    with pytest.raises(duckdb.Error):
        jl.read_journeys(tmp_path / "daily.yaml")
