"""A first configuration says what it takes for what, and can be audited as it is."""

from __future__ import annotations

import io
import json
import os
import re
import sys
from pathlib import Path

import pytest
import yaml

import journeylib as jl
from journeylib import present as show
from journeylib.audits.config.draft import write_first_config
from journeylib.audits.config.load import load_config
from journeylib.cli.commands import _configuration
from journeylib.cli.main import main
from journeylib.core.errors import ConfigError, LogError, SchemaError
from journeylib.log import find_recipe
from journeylib.log.sources import process_mining

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "sample_data" / "telecom"


@pytest.fixture(autouse=True)
def _work_in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def telecom(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    out = tmp_path_factory.mktemp("telecom") / "first.yaml"
    return write_first_config(SAMPLE / "contacts.csv", outcomes=SAMPLE / "outcomes.csv", out=out)


class Terminal(io.StringIO):
    """What a person types at a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("typed", "touchpoint", "form"),
    [
        ("\n\n", "event", None),  # Enter takes what is shown
        ("y\nn\n", "action", "%m/%d/%Y %H:%M"),
        ("", "event", None),  # no answer at all
    ],
)
def test_a_person_at_a_terminal_decides_between_two_readings(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    typed: str,
    touchpoint: str,
    form: str | None,
) -> None:
    words = ["Open", "Read", "Write", "Close", "Wait"]
    days = [f"0{9 - i % 9}/0{i % 8 + 1}/2024 10:{i % 50 + 10}" for i in range(70)]
    rows = [f"K{i % 7},{words[i % 5]},{words[(i + 2) % 4]},{days[i]}" for i in range(70)]
    Path("log.csv").write_text("\n".join(["customer_id,event,action,at", *rows]), "utf-8")
    monkeypatch.setattr("sys.stdin", Terminal(typed))
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    assert main(["init", "log.csv"]) == 0
    said = capsys.readouterr().out
    assert "Two columns may say what happened: 'event' and 'action'. Take 'event'? [Y/n]" in said
    assert "Does the month come before the day in 'at'? [y/N]" in said
    roles = yaml.safe_load(Path("log.yaml").read_text("utf-8"))["roles"]
    assert (roles["touchpoint"], roles.get("timestamp_format")) == (touchpoint, form)


@pytest.mark.slow
def test_telecom_roles_are_those_of_the_sample(telecom: tuple[Path, str]) -> None:
    found = load_config(telecom[0])
    meant = load_config(SAMPLE / "audit.yaml")
    assert found.roles.roles() == {
        role: column for role, column in meant.roles.roles().items() if role != "position"
    }
    assert found.roles.actor_values == meant.roles.actor_values
    assert found.log.outcomes is not None and meant.log.outcomes is not None
    assert found.log.outcomes.roles == meant.log.outcomes.roles


def test_each_role_has_its_reason_and_the_uncertain_is_a_comment(
    telecom: tuple[Path, str],
) -> None:
    lines = telecom[0].read_text("utf-8").splitlines()
    place = lines.index("  customer: customer_id")
    assert lines[place - 1].startswith("  # Its name says so, and it holds 1,791 different values")
    assert any(line.startswith("  #position: event_id  # maybe: ") for line in lines)
    assert "    #trainee: human  # which of the four?" in lines
    assert "    #good: solved  # maybe" in lines
    assert "  #repeat_days: 7.0" in lines


def test_the_account_says_what_is_sure_and_what_is_not(telecom: tuple[Path, str]) -> None:
    account = telecom[1]
    assert "customer_id        Its name says so" in account
    assert "position: perhaps event_id; uncomment it if so." in account
    assert "Not used: event_id, solved, severe" in account
    assert "2026-01" not in account  # nothing of a row


@pytest.mark.slow
def test_the_account_is_german_where_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", str(SAMPLE / "contacts.csv"), "--out", "a.yaml", "--lang", "de"]) == 0
    account = capsys.readouterr().out
    assert (
        "customer_id        Der Name sagt es, und sie enthält 1.791 verschiedene Werte" in account
    )
    assert "position: vielleicht event_id" in account
    assert "Nicht verwendet: event_id, solved, severe" in account
    english = re.compile(r"\b(?:the|its|says|it|holds|not|read|are|and|of|with)\b", re.IGNORECASE)
    assert english.findall(account.replace("ai_disclosed", "")) == []
    assert load_config("a.yaml").language == "de"


def test_every_commented_setting_can_be_uncommented(telecom: tuple[Path, str]) -> None:
    text = telecom[0].read_text("utf-8")
    head, settings = text.split("\njourneys:", 1)
    lines = [re.sub(r"^( *)#(?=[^ ])", r"\1", line) for line in settings.splitlines()]
    changed = yaml.safe_load(head + "\njourneys:" + "\n".join(lines))
    known = jl.AuditConfig.model_validate(
        {key: value for key, value in changed.items() if key != "journeys"}
        | {"journeys": {k: v for k, v in changed["journeys"].items() if v is not None}}
    )
    assert known.measures.vulnerable == "vulnerable"
    assert known.judge.moments.outcomes == ("churn", "complaint", "csat", "nps")
    assert known.gates[0].metric == "handoffs.contained_verified"


@pytest.mark.slow
def test_paths_are_relative_to_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "configs").mkdir()
    log = tmp_path / "logs" / "My Contacts.csv"
    log.write_text((SAMPLE / "contacts.csv").read_text("utf-8"), "utf-8")
    path, _ = write_first_config("logs/My Contacts.csv", out="configs/a.yaml")
    content = yaml.safe_load(path.read_text("utf-8"))
    assert content["log"]["files"] == "../logs/My Contacts.csv"
    assert content["name"] == "my-contacts"
    (tmp_path / "moved").mkdir()
    os.rename(tmp_path / "logs", tmp_path / "moved" / "logs")  # noqa: PTH104
    os.rename(tmp_path / "configs", tmp_path / "moved" / "configs")  # noqa: PTH104
    (file,) = load_config(tmp_path / "moved" / "configs" / "a.yaml").log.files
    assert Path(file).is_file()


@pytest.mark.slow
def test_nothing_is_overwritten_unless_asked_to(tmp_path: Path) -> None:
    Path("contacts.yaml").write_text("mine", "utf-8")
    with pytest.raises(ConfigError, match="replaces it with --force"):
        write_first_config(SAMPLE / "contacts.csv")
    assert Path("contacts.yaml").read_text("utf-8") == "mine"
    path, _ = write_first_config(SAMPLE / "contacts.csv", force=True)
    assert load_config(path).name == "contacts"
    assert [file.name for file in tmp_path.iterdir()] == ["contacts.yaml"]


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ({"log": "absent.csv"}, LogError, "absent.csv"),
        ({"log": "empty.csv"}, LogError, "empty"),
        ({"log": "dir"}, LogError, "is a directory"),
        ({"log": "ok.csv", "out": "dir"}, ConfigError, "is a folder"),
        ({"log": "ok.csv", "out": "no/where.yaml"}, ConfigError, "there is no folder"),
        ({"log": "ok.csv", "outcomes": "odd.csv"}, SchemaError, "no column of customers"),
        ({"log": "ok.csv", "outcomes": "dull.csv"}, SchemaError, "what came of customers"),
    ],
)
def test_what_cannot_be_done_is_told_and_leaves_nothing(
    tmp_path: Path, given: dict[str, str], error: type[Exception], said: str
) -> None:
    Path("dir").mkdir()
    Path("empty.csv").touch()
    rows = "".join(f"c{i % 9},2026-01-0{1 + i % 8},step {i % 3}\n" for i in range(90))
    Path("ok.csv").write_text("customer,timestamp,activity\n" + rows, "utf-8")
    Path("odd.csv").write_text("a,b\n1,2\n3,4\n", "utf-8")
    Path("dull.csv").write_text("customer,b\n1,2\n3,4\n", "utf-8")
    before = sorted(file.name for file in tmp_path.iterdir())
    with pytest.raises(error, match=said):
        write_first_config(**given)
    assert sorted(file.name for file in tmp_path.iterdir()) == before


def test_a_table_with_one_outcome_per_column_is_understood() -> None:
    rows = "".join(f"c{i % 9},2026-01-0{1 + i % 8},step {i % 3}\n" for i in range(90))
    Path("ok.csv").write_text("customer,timestamp,activity\n" + rows, "utf-8")
    Path("out.csv").write_text(
        "customerID,tenure,Churn\n"
        + "".join(f"c{i},3,{'Yes' if i % 2 else 'No'}\n" for i in range(9)),
        "utf-8",
    )
    path, account = write_first_config("ok.csv", outcomes="out.csv")
    roles = load_config(path).log.outcomes
    assert roles is not None
    assert roles.roles.roles() == {"customer": "customerID", "value": "Churn"}
    assert roles.roles.constant_kind == "churn"
    assert "says nowhere when an outcome came about" in account


def test_odd_names_of_columns_do_not_break_out_of_the_yaml() -> None:
    columns = 'customer,timestamp,activity,"a: b #c","x\n- evil: 1","{y}"\n'
    rows = "".join(f"c{i % 9},2026-01-0{1 + i % 8},step {i % 3},1,2,3\n" for i in range(90))
    Path("odd.csv").write_text(columns + rows, "utf-8")
    path, account = write_first_config("odd.csv")
    config = load_config(path)
    assert config.roles.attributes == ()
    assert "\n- evil" not in account
    assert "\n- evil" not in path.read_text("utf-8")


REAL = {
    "uci_incident_log/incident_event_log.zip": (24_918, 141_683),
    "retentioneering_ecom/ecom.csv.gz": (None, 31_106),
    "bpic2020/DomesticDeclarations.xes.gz": (10_500, 56_437),
}


@pytest.mark.slow
@pytest.mark.parametrize("log", REAL)
def test_real_logs_are_audited_without_edits(log: str, shared_data: Path) -> None:
    path, _ = write_first_config(shared_data / log)
    document = jl.audit(path).document
    journeys, events = REAL[log]
    assert document["log"]["events"] == events
    if journeys is not None:
        assert document["log"]["journeys"] == journeys


@pytest.mark.slow
def test_telecom_is_audited_without_edits(telecom: tuple[Path, str]) -> None:
    document = jl.audit(telecom[0]).document
    assert document["log"]["events"] == 11_741
    assert document["handoffs"]["sessions"] > 0


def test_a_touchpoint_that_serves_is_not_proposed_as_broken_off(tmp_path: Path) -> None:
    """A person serves at "Rejected claim"; "Payment failed" is what a system tells."""
    rows = ["customer,touchpoint,timestamp,actor"]
    for number in range(40):
        what, who = (("Rejected claim", "agent"), ("Payment failed", "system"))[number % 2]
        rows.append(f"c{number // 4},{what},2026-01-{1 + number % 28:02} 10:00,{who}")
    (tmp_path / "log.csv").write_text("\n".join(rows), encoding="utf-8")
    path, _ = write_first_config(tmp_path / "log.csv", out=tmp_path / "audit.yaml")
    text = path.read_text(encoding="utf-8")
    (line,) = [line for line in text.splitlines() if "bad_ends:" in line]
    assert "Payment failed" in line
    assert "Rejected claim" not in line


@pytest.mark.slow
def test_goals_are_proposed_by_intent_and_a_matter_of_service_has_none(tmp_path: Path) -> None:
    """Of 60 who want to buy 45 order; 120 ask about a bill and order nothing."""
    rows = ["customer,touchpoint,timestamp,intent"]
    for number in range(180):
        intent = ("buy", "bill", "bill")[number % 3]
        steps = ["Web", *(["Order placed"] if intent == "buy" and number % 4 else [])]
        steps += ["Bill call"] if intent == "bill" else []
        rows += [
            f"c{number},{step},2026-01-{1 + number % 20:02} 1{at}:00,{intent}"
            for at, step in enumerate(steps)
        ]
    rows += [f"z{number},Letter,2026-04-01 10:00," for number in range(20)]
    (tmp_path / "log.csv").write_text("\n".join(rows), encoding="utf-8")
    path, _ = write_first_config(tmp_path / "log.csv", out=tmp_path / "audit.yaml")
    text = path.read_text(encoding="utf-8")
    (line,) = [line for line in text.splitlines() if "goals_by_intent:" in line]
    proposed = yaml.safe_load(line.replace("#", "", 1).strip())["goals_by_intent"]
    assert proposed == {"buy": ["Order placed"], "bill": []}
    path.write_text(text.replace("#goals_by_intent:", "goals_by_intent:"), encoding="utf-8")
    audit = jl.audit(path)
    rows = {row["touchpoint"]: row["measures"] for row in audit.document["touchpoints"]}
    assert rows["Web"]["drop_off"]["value"] == pytest.approx(15 / 60)
    assert rows["Bill call"]["drop_off"]["abstain"] == "unidentified"
    seen = show.break_offs(audit)._repr_html_()
    assert "60 of 200 journeys are about a matter that has a goal." in seen


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_an_object_centric_log_gets_the_type_that_loses_least(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    events = [
        {"id": f"e{i}", "type": "place" if i % 2 else "pay",
         "time": f"2024-07-{1 + i:02}T12:00:00Z",
         "relationships": [{"objectId": f"o{i // 2}", "qualifier": "x"},
                           *([{"objectId": "i1", "qualifier": "x"}] if i % 2 else [])]}
        for i in range(20)
    ]  # fmt: skip
    log = {
        "eventTypes": [{"name": name, "attributes": []} for name in ("place", "pay")],
        "objectTypes": [{"name": name, "attributes": []} for name in ("order", "item")],
        "objects": [{"id": f"o{i}", "type": "order"} for i in range(10)]
        + [{"id": "i1", "type": "item"}],
        "events": events,
    }
    Path("orders.ocel.json").write_text(json.dumps(log), "utf-8")
    reads: list[Path] = []
    reader = process_mining._ocel
    monkeypatch.setattr(process_mining, "_ocel", lambda one: reads.append(one) or reader(one))
    path, account = write_first_config("orders.ocel.json", out="orders.yaml")
    assert len(reads) == 1
    assert load_config(path).log.object_type == "order"
    assert "order: 0 events lost, 0 repeated; item: 10 events lost" in account
    path, _ = write_first_config("orders.ocel.json", out="items.yaml", object_type="item")
    assert load_config(path).log.object_type == "item"
    asked: list[tuple[str, bool]] = []

    def no(question: str, likely: bool) -> bool:
        asked.append((question, likely))
        return "'item'" in question

    path, _ = write_first_config("orders.ocel.json", out="asked.yaml", ask=no)
    assert load_config(path).log.object_type == "item"
    assert [likely for _, likely in asked[:2]] == [True, False]
    assert "'order' (0 events lost, 0 repeated)" in asked[0][0]


def test_a_role_that_is_not_found_can_be_named() -> None:
    rows = "".join(f"{i},2026-01-0{1 + i % 8},step {i % 3}\n" for i in range(90))
    Path("ok.csv").write_text("row,timestamp,x\n" + rows, "utf-8")
    Path("numbers.csv").write_text("z\n" + "".join(f"{i}\n" for i in range(20)), "utf-8")
    with pytest.raises(SchemaError, match="--role customer=COLUMN"):
        write_first_config("numbers.csv")
    assert main(["init", "ok.csv", "--role", "customer=row", "--role", "touchpoint=x"]) == 0
    roles = load_config(Path("ok.yaml")).roles
    assert (roles.customer, roles.touchpoint, roles.timestamp) == ("row", "x", "timestamp")
    for given, said in (("customr", "Did you mean 'customer'"), ("customer", "'rwo' .* not in")):
        with pytest.raises(SchemaError, match=said):
            write_first_config("ok.csv", out="other.yaml", roles={given: "rwo"})


def test_a_recipe_can_be_named() -> None:
    text = find_recipe("rasa").text.replace("recipe: rasa", "recipe: ours")
    Path("ours.sql").write_text(text, "utf-8")
    tracker = {"sender_id": "u1", "events": [
        {"event": "user", "timestamp": 1.7e9 + i, "text": "hi"} for i in range(3)]}  # fmt: skip
    Path("t.json").write_text(json.dumps(tracker), "utf-8")
    Path("configs").mkdir()
    path, account = write_first_config("t.json", out="configs/a.yaml", recipe="ours.sql")
    assert yaml.safe_load(path.read_text("utf-8"))["log"]["recipe"] == "../ours.sql"
    assert "recipe ours reads it" in account


def test_the_configuration_of_an_audited_log_lies_beside_it(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    log = tmp_path / "logs" / "My log.csv"
    rows = "".join(f"c{i % 9},2026-01-0{1 + i % 8},step {i % 3}\n" for i in range(90))
    log.write_text("customer,timestamp,activity\n" + rows, "utf-8")
    # Started a second time it finds what the first time wrote.
    assert _configuration(log) == _configuration(log) == tmp_path / "logs" / "My log.yaml"
