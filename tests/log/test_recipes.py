"""Exports of help desks, chats, telephony and analytics, read by their recipes.

The counts were worked out from the truth behind the samples, which lie beside the repository.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import journeylib as jl
from journeylib.audits import load_config, read_journeys, write_first_config
from journeylib.core.errors import LogError, SchemaError
from journeylib.journeys.segmentation.rules import JourneySettings
from journeylib.log import MISSING
from journeylib.log.eventlog import EventLog
from journeylib.log.read import read_log
from journeylib.log.sources.days import LAST_EVENT
from journeylib.log.sources.recipes.execution import implied_schema
from journeylib.log.sources.recipes.recipe import find_recipe, parse, recipes
from journeylib.log.sources.recipes.recognise import recognise
from journeylib.measures.bots.bot_sessions import bot_sessions
from journeylib.measures.bots.handoff_audit import audit_handoffs
from journeylib.measures.settings import MeasureSettings
from tests.log.landing import as_airbyte, as_dlt, as_raw_airbyte, lines

EXPORTS = Path(__file__).parents[3] / "shared" / "data" / "exports"
needs_exports = pytest.mark.skipif(
    not EXPORTS.is_dir(), reason="the samples of exports do not lie beside the repository"
)

SPOKEN = {"Bot answers": 144, "Agent answers": 88, "Passed to a team": 59, "Assigned": 48}
SPOKEN |= {"Rated": 28, "Private note": 8}
INTERCOM = SPOKEN | {"Customer writes": 235, "Closed": 64, "Reopened": 3}
ZENDESK = SPOKEN | {"Customer writes": 238, "Status solved": 64, "Status open": 51}
CHATWOOT = SPOKEN | {"Customer writes": 238, "Closed": 64}
GENESYS = {"Customer contacts": 72, "Bot serves": 72, "Agent talks": 69, "Queue": 59,
           "Agent rings": 48, "Wrap-up": 48, "On hold": 21, "Left the queue": 11}  # fmt: skip
CONNECT = {"Bot serves": 72, "Queue": 59, "Agent talks": 48, "Left the queue": 11}
MARKED = {"Customer writes": 195, "Bot answers": 144, "Bot hands over": 51}
# handed over, contained, abandoned, open; requests for a human; median seconds of the 40 waits
CHATS = ((40, 22, 9, 1), 51, 497.0)
CALLS = ((40, 20, 11, 1), 0, 410.5)
MARKS = ((51, 7, 13, 1), 51, None)
AUDITS = ["zendesk_ticket_audits.jsonl", "zendesk_tickets.jsonl", "zendesk_users.jsonl"]
OWN: dict[str, tuple[str, list[str], dict[str, int], Any]] = {
    "intercom lines": ("intercom", ["intercom_conversations.jsonl"], INTERCOM, CHATS),
    "intercom page": ("intercom", ["intercom_page.json"], INTERCOM, CHATS),
    "zendesk": ("zendesk", AUDITS, ZENDESK, CHATS),
    "chatwoot": ("chatwoot", ["chatwoot_messages.jsonl"], CHATWOOT, CHATS),
    "genesys lines": ("genesys", ["genesys_conversations.jsonl"], GENESYS, CALLS),
    "genesys page": ("genesys", ["genesys_conversation_details.json"], GENESYS, CALLS),
    "connect lines": ("amazon_connect", ["connect_ctr.jsonl"], CONNECT, CALLS),
    "connect firehose": ("amazon_connect", ["connect_ctr_firehose.json"], CONNECT, CALLS),
    "rasa trackers": ("rasa", ["rasa_trackers.jsonl"], MARKED, MARKS),
    "rasa events": ("rasa", ["rasa_events.csv"], MARKED, MARKS),
    "dialogflow": ("dialogflow_cx", ["dialogflow_cx_log.jsonl"], MARKED, MARKS),
}


def _files(names: list[str]) -> list[str]:
    return [str(EXPORTS / name) for name in names]


def _read(names: list[str], recipe: str) -> EventLog:
    return read_log(_files(names), recipe=recipe, as_of=LAST_EVENT)


def _counts(log: EventLog, column: str = "touchpoint") -> dict[str, int]:
    found = log.events.group_by(column).aggregate(n=log.events.count()).to_pandas()
    return {
        str(row[column]): int(row["n"]) for _, row in found.iterrows() if row[column] == row[column]
    }


def _text(log: EventLog, check: str) -> str:
    checks = log.quality.checks
    return " ".join(checks[checks["check"] == check]["text"])


def _sessions(log: EventLog, recipe: str) -> Any:
    settings = dict(find_recipe(recipe).settings.get("journeys", {}))
    journeys = jl.rebuild(log, JourneySettings(**settings))
    table = bot_sessions(journeys, MeasureSettings()).table
    return table.astype({"state": "str"}).replace({MISSING: None}).convert_dtypes()


@pytest.mark.slow
@needs_exports
@pytest.mark.parametrize("case", OWN)
def test_the_same_conversations_give_the_same_events_and_states(case: str) -> None:
    recipe, files, touchpoints, (states, requests, wait) = OWN[case]
    log = _read(files, recipe)
    assert _counts(log) == touchpoints
    assert log.events.customer.nunique().to_pyarrow().as_py() == 48
    assert log.events.session.nunique().to_pyarrow().as_py() == 72
    sessions = _sessions(log, recipe)
    found = sessions["state"].value_counts()
    names = ("handed_over", "ended_with_bot", "abandoned", "open")
    assert tuple(int(found[name]) for name in names) == states
    assert int(sessions["requests"].sum()) == requests
    waits = (sessions["human_us"] - sessions["bot_done_us"])[sessions["state"] == "handed_over"]
    if wait is None:
        assert waits.isna().all()
    else:
        assert waits.median() / 1e6 == wait


@needs_exports
@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "states", "requests", "wait"),
    [
        ("intercom_conversations.jsonl", CHATS[0], 51, 496),
        ("zendesk_ticket_audits.jsonl", CHATS[0], 51, 496),
        ("chatwoot_messages.jsonl", CHATS[0], 51, 496),
        ("genesys_conversations.jsonl", CALLS[0], 0, 545),
        ("connect_ctr.jsonl", CALLS[0], 0, 545),
    ],
)
def test_an_audit_of_each_sample_says_the_same(
    file: str, states: tuple[int, ...], requests: int, wait: int, tmp_path: Path
) -> None:
    path, _ = write_first_config(EXPORTS / file, out=tmp_path / "audit.yaml")
    config = load_config(path)
    found = audit_handoffs(read_journeys(config), config.measures)
    assert (found.handed_over, found.ended_with_bot, found.abandoned, found.open) == states
    assert (found.sessions, found.requests) == (72, requests)
    # Kaplan and Meier's median: of the 40 who were served, with the 11 who left as censored.
    assert (found.wait.value, found.wait.n_events) == (wait, 51)


@needs_exports
def test_deliveries_that_came_again_are_dropped_and_counted() -> None:
    log = _read(["connect_ctr.jsonl"], "amazon_connect")
    assert "88 contacts gave 190 events" in _text(log, "recipe")
    assert "8 contacts came again" in _text(log, "recipe_repeated")


@needs_exports
def test_the_same_export_twice_gives_the_same_events() -> None:
    log = _read(["intercom_conversations.jsonl", "intercom_page.json"], "intercom")
    assert _counts(log) == INTERCOM
    assert "72 conversations came again" in _text(log, "recipe_repeated")


@needs_exports
def test_trackers_and_their_table_of_events_tell_the_same_once() -> None:
    both = _read(["rasa_trackers.jsonl", "rasa_events.csv"], "rasa")
    assert _counts(both) == MARKED


@pytest.mark.slow
@needs_exports
def test_further_vendors() -> None:
    twilio = _counts(_read(["twilio_taskrouter_events.jsonl"], "twilio_taskrouter"))
    assert (twilio["Agent answers"], twilio["Left the queue"], twilio["Queue"]) == (48, 11, 51)
    freshdesk = _counts(_read(["freshdesk_tickets.csv"], "freshdesk"))
    assert freshdesk == {"Customer writes": 72, "Agent answers": 40, "Resolved": 61, "Closed": 61,
                         "Rated": 28}  # fmt: skip
    salesforce = _read(["salesforce_case_history.csv"], "salesforce_case")
    assert _counts(salesforce)["Agent accepts"] == 48
    assert "48 records" in _text(salesforce, "recipe_left_out")
    states = _sessions(salesforce, "salesforce_case")["state"].value_counts().to_dict()
    assert states == {"handed_over": 40, "ended_with_bot": 11}
    ga4 = _read(["ga4_events.jsonl"], "ga4")
    assert (sum(_counts(ga4).values()), ga4.events.customer.nunique().to_pyarrow().as_py()) == (
        360,
        48,
    )
    qualtrics = _read(["qualtrics_nps.csv"], "qualtrics")
    assert _counts(qualtrics) == {"Survey answered": 28}
    assert "2 records" in _text(qualtrics, "recipe_left_out")
    assert qualtrics.events.rating_micro.count().to_pyarrow().as_py() == 28


@pytest.mark.slow
@needs_exports
def test_public_sample_of_a_loaders_streams() -> None:
    log = _read(["public/airbyte_intercom_part.jsonl"], "intercom")
    assert _counts(log, "actor") == {"customer": 2, "bot": 2, "system": 2}
    assert log.events.customer.nunique().to_pyarrow().as_py() == 3
    assert len(_sessions(log, "intercom")) == 1
    # Announced 7, 2 and 2; there 3, 0 and 0.
    assert "11 parts are announced and 3 are there" in _text(log, "recipe_parts")


@pytest.mark.slow
@needs_exports
def test_public_sample_of_telephony() -> None:
    log = _read(["public/genesys_conversations.json"], "genesys")
    assert "of 19 sessions were left out: an outbound preview" in _text(log, "recipe_left_out")
    assert log.events.session.nunique().to_pyarrow().as_py() == 6
    assert _counts(log, "channel").keys() == {"chat", "voice"}
    assert _sessions(log, "genesys")["state"].tolist() == ["handed_over", "handed_over"]
    assert "In 2 of 6 sessions no event is the customer's" in _text(log, "recipe_no_customer_turn")


@needs_exports
def test_public_sample_of_a_tracker_without_the_bots_words() -> None:
    log = _read(["public/rasa_tracker_moodbot_trimmed.json"], "rasa")
    assert _counts(log) == {"Customer writes": 2, "Bot answers": 2}


@pytest.mark.slow
@needs_exports
def test_public_samples_of_landed_tables() -> None:
    zendesk = _read(["public/landed_zendesk"], "zendesk_fivetran")
    assert sum(_counts(zendesk).values()) == 49
    assert zendesk.events.session.nunique().to_pyarrow().as_py() == 23
    assert "3 field_history came again" in _text(zendesk, "recipe_repeated")  # 38, 35 distinct
    assert "6 records" in _text(zendesk, "recipe_left_out")  # 29 are used
    assert "no actor for 20 of 49 events" in _text(zendesk, "recipe_null")
    intercom = _read(["public/landed_intercom"], "intercom_fivetran")
    assert _counts(intercom) == {"Closed": 8, "Private note": 1, "Customer writes": 2}
    assert "human" not in _counts(intercom, "actor")
    assert recognise(str(EXPORTS / "public" / "landed_intercom")) is not None


LANDED = {
    "intercom": ({"conversations": "intercom_conversations.jsonl"}, INTERCOM),
    "zendesk": (dict(zip(("ticket_audits", "tickets", "users"), AUDITS, strict=True)), ZENDESK),
    "genesys": ({"conversation_details": "genesys_conversations.jsonl"}, GENESYS),
    "amazon_connect": ({"contacts": "connect_ctr.jsonl"}, CONNECT),
    "rasa": ({"trackers": "rasa_trackers.jsonl"}, MARKED),
    "chatwoot": ({"messages": "chatwoot_messages.jsonl"}, CHATWOOT),
    "dialogflow_cx": ({"turns": "dialogflow_cx_log.jsonl"}, MARKED),
}


@pytest.mark.slow
@needs_exports
@pytest.mark.parametrize("land", [as_dlt, as_airbyte, as_raw_airbyte])
@pytest.mark.parametrize("recipe", LANDED)
def test_what_loaders_land_is_read_by_the_same_recipe(
    recipe: str, land: Any, tmp_path: Path
) -> None:
    tables, touchpoints = LANDED[recipe]
    address = land(tmp_path / "lake.duckdb", {n: lines(EXPORTS / f) for n, f in tables.items()})
    log = read_log(address, recipe=recipe, as_of=LAST_EVENT)
    assert _counts(log) == touchpoints
    assert log.events.customer.nunique().to_pyarrow().as_py() == 48
    known = recognise(address)
    assert known is not None and known.recipe.name == recipe


@needs_exports
def test_a_folder_is_recognised_and_a_file_finds_what_lies_beside_it(tmp_path: Path) -> None:
    for name in AUDITS:
        shutil.copy(EXPORTS / name, tmp_path)
    (tmp_path / "notes.csv").write_text("a,b\n1,2\n", "utf-8")
    folder = recognise(str(tmp_path))
    assert folder is not None and folder.recipe.name == "zendesk"
    assert [Path(file).name for file in folder.files] == sorted(AUDITS)
    assert folder.unused == ("notes.csv",)
    alone = recognise(str(tmp_path / AUDITS[0]))
    assert alone is not None and alone.beside == ("zendesk_tickets.jsonl", "zendesk_users.jsonl")
    with pytest.raises(LogError, match="exports of several systems lie together"):
        recognise(str(EXPORTS))


def _conversation(number: int, **changed: Any) -> dict[str, Any]:
    words = {
        "id": "p1",
        "part_type": "comment",
        "body": "<p>Yes &amp; no</p>",
        "created_at": 1_700_000_060,
    }
    return {
        "id": str(number),
        "created_at": 1_700_000_000,
        "updated_at": 1_700_000_100,
        "source": {"type": "email", "delivered_as": "customer_initiated", "body": "<b>Hi</b>",
                   "author": {"id": "u", "type": "user"}},
        "contacts": {"contacts": [{"id": f"c{number}", "external_id": None}]},
        "statistics": {"count_conversation_parts": 1},
        "conversation_parts": {"conversation_parts": [
            words | {"author": {"id": "a", "type": "admin"}} | changed
        ]},
    }  # fmt: skip


def _written(path: Path, rows: list[dict[str, Any]]) -> str:
    path.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    return str(path)


def test_a_flag_that_is_missing_is_no_bot(tmp_path: Path) -> None:
    # NULL is not false in SQL: 'not from_ai_agent' once turned agents into nobody.
    log = read_log(_written(tmp_path / "a.jsonl", [_conversation(1)]), recipe="intercom")
    events = log.events.order_by("position").to_pandas()
    assert events["actor"].tolist() == ["customer", "human"]
    assert events["text"].tolist() == ["Hi", "Yes & no"]
    assert events["customer"].tolist() == ["c1", "c1"]


def test_an_unknown_kind_is_counted_and_never_a_person(tmp_path: Path) -> None:
    odd = _conversation(1, part_type="teleported", body=None)
    log = read_log(_written(tmp_path / "a.jsonl", [odd]), recipe="intercom")
    assert "1 event is of a kind that the recipe does not know: 'teleported'" in _text(
        log, "recipe_unknown"
    )
    assert _counts(log, "actor") == {"customer": 1, "system": 1}


def test_records_that_are_cut_off_or_of_another_shape_are_counted(tmp_path: Path) -> None:
    path = Path(_written(tmp_path / "a.jsonl", [_conversation(1), _conversation(2)]))
    path.write_text(path.read_text("utf-8") + '\n\n{"id": "3", "created_at": 17', "utf-8")
    log = read_log(str(path), recipe="intercom")
    assert sum(_counts(log).values()) == 4
    assert "1 line is no whole record" in _text(log, "recipe_broken")


def test_what_a_recipe_needs_and_does_not_find_is_named(tmp_path: Path) -> None:
    path = _written(tmp_path / "a.jsonl", [{"sender": 1, "words": "x"}])
    with pytest.raises(LogError, match=r"needs conversations: records with id, source, statistics"):
        read_log(path, recipe="intercom")
    with pytest.raises(LogError, match=r"no recipe 'intercm'. Did you mean 'intercom'\?"):
        read_log(path, recipe="intercm")
    with pytest.raises(SchemaError, match="or a recipe"):
        read_log(path)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("SELECT 1", "has no head"),
        ("/* recipe: a */ SELECT 1", "needs 'recipe' .* and 'inputs'"),
        ("/* recipe: [ */ SELECT 1", "is not YAML"),
        ("/*\nrecipe: a\ninputs: {x: {keys: [a]}}\n*/ SELECT 1", "needs 'keys' and 'fields'"),
        ("/*\nrecipe: a\ninptus: 1\ninputs: {}\n*/ SELECT 1", "unknown key 'inptus'.*'inputs'"),
    ],
)
def test_a_wrong_head_is_explained(text: str, wrong: str) -> None:
    with pytest.raises(LogError, match=wrong):
        parse(text, "mine.sql")


@pytest.mark.parametrize(
    ("sql", "wrong"),
    [
        ("SELECT id AS customer FROM rows", "must yield the columns touchpoint and customer"),
        ("SELECT id AS customer, nothing AS touchpoint FROM rows", "is wrong: .*nothing"),
        ("DROP TABLE rows", "must be one SELECT"),
        ("SELECT 1; SELECT 2", "must be one SELECT"),
    ],
)
def test_wrong_sql_is_explained_before_anything_is_read(sql: str, wrong: str) -> None:
    head = "/*\nrecipe: mine\ninputs: {rows: {keys: [id], fields: {id: , at: }}}\n*/\n"
    with pytest.raises(LogError, match=wrong):
        implied_schema(parse(head + sql, "mine.sql"))


def test_a_company_may_copy_and_edit_a_recipe(tmp_path: Path) -> None:
    mine = tmp_path / "mine.sql"
    mine.write_text(
        find_recipe("intercom").text.replace("'Agent answers'", "'Colleague answers'"), "utf-8"
    )
    log = read_log(_written(tmp_path / "a.jsonl", [_conversation(1)]), recipe=str(mine))
    assert _counts(log) == {"Customer writes": 1, "Colleague answers": 1}
    assert find_recipe(str(mine)).digest != find_recipe("intercom").digest


def test_the_page_of_sources_says_what_the_recipes_say() -> None:
    page = (Path(__file__).parents[2] / "docs" / "sources.md").read_text("utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| ") and "| `" in line]
    assert rows == [
        f"| {r.title} | `{r.name}` | {r.export} | {r.tells} | {r.lacks} |" for r in recipes()
    ]


@pytest.mark.parametrize("recipe", recipes(), ids=lambda recipe: recipe.name)
def test_each_recipe_is_whole(recipe: Any) -> None:
    schema = implied_schema(recipe)
    assert schema.customer and schema.has_clock and schema.session and schema.actor
    assert recipe.export and recipe.tells and recipe.lacks
    for key, settings in recipe.settings.items():
        assert key == "journeys"
        JourneySettings(**settings)
