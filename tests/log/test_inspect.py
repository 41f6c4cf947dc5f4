from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from journeylib.core.errors import SchemaError
from journeylib.log.inference.schema_proposal import Proposal, propose

from .conftest import read

WHEN = ["02.03.2024 10:00", "02.03.2024 10:20", "14.03.2024 09:00", "15.03.2024 09:30"] * 5


def roles(proposal: Proposal) -> dict[str, str]:
    return proposal.schema.roles()


@pytest.mark.slow
def test_uci_incidents(shared_data: Path) -> None:
    found = propose(shared_data / "uci_incident_log/incident_event_log.zip")
    assert roles(found) == {
        "customer": "caller_id",
        "journey": "number",
        "touchpoint": "ident_state",
        "timestamp": "sys_updated_at",
        "position": "sys_mod_count",
        "channel": "contact_type",
        "intent": "category",
        "resource": "assigned_to",
    }
    assert "read as times and" in found.reasons["timestamp"]
    assert "Times look like '9/9/9999 99:99' (9 stands for a digit, a for a letter)." in found.facts


@pytest.mark.slow
def test_clickstream(shared_data: Path) -> None:
    found = roles(propose(shared_data / "retentioneering_ecom/ecom.csv.gz"))
    assert found["customer"] == "user_id"
    assert found["touchpoint"] == "event"
    assert found["timestamp"] == "timestamp"
    assert found["session"] == "session_id"
    assert found["channel"] == "platform"


@pytest.mark.slow
def test_complaints_without_a_customer_say_so(shared_data: Path) -> None:
    found = propose(shared_data / "cfpb_complaints/consumer_complaints.csv.gz")
    assert roles(found)["timestamp"] == "Date received"
    assert roles(found)["channel"] == "Submitted via"
    assert roles(found)["touchpoint"] == "Issue"
    assert found.confidence["customer"] == "low"
    assert any("stands in" in warning for warning in found.warnings)


def test_a_german_help_desk(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "Ticketnummer": [f"T{i // 4}" for i in range(20)],
            "Kundennummer": [f"K{i // 8}" for i in range(20)],
            "Aktivität": ["Eröffnet", "Rückfrage", "Antwort", "Gelöst"] * 5,
            "Zeitpunkt": WHEN,
            "Kanal": ["Telefon", "Chat"] * 10,
            "Rolle": ["Kunde", "Chatbot", "Mitarbeiter", "System"] * 5,
            "Bearbeiter": ["Team A", "-", "Team B", "-"] * 5,
        }
    )
    path = tmp_path / "tickets.csv"
    path.write_bytes(frame.to_csv(index=False, sep=";").encode("cp1252"))
    found = propose(path)
    assert roles(found) == {
        "customer": "Kundennummer",
        "journey": "Ticketnummer",
        "touchpoint": "Aktivität",
        "timestamp": "Zeitpunkt",
        "channel": "Kanal",
        "actor": "Rolle",
        "resource": "Bearbeiter",
    }
    assert found.schema.actor_values == {
        "Chatbot": "bot",
        "Kunde": "customer",
        "Mitarbeiter": "human",
        "System": "system",
    }
    assert "-" in found.schema.missing
    assert found.facts[0] == "Cells are delimited by semicolon."
    assert read(path, found.schema).quality.rows_used == 20


def test_a_french_export_with_numbers_for_times() -> None:
    frame = pd.DataFrame(
        {
            "Numéro client": [f"C{i // 4}" for i in range(20)],
            "Événement": ["Appel", "Courriel", "Visite", "Appel"] * 5,
            "Horodatage": [1_709_211_900_000 + 60_000 * i for i in range(20)],
            "Canal": ["Téléphone", "Web"] * 10,
        }
    )
    found = propose(frame)
    assert roles(found) == {
        "customer": "Numéro client",
        "touchpoint": "Événement",
        "timestamp": "Horodatage",
        "channel": "Canal",
    }
    assert found.schema.timestamp_format == "ms"
    assert any("taken as 'ms'" in warning for warning in found.warnings)


def test_turns_without_a_clock() -> None:
    frame = pd.DataFrame(
        {
            "dialogue_id": [f"d{i // 4}" for i in range(20)],
            "turn": [1, 2, 3, 4] * 5,
            "speaker": ["user", "assistant", "tool", "assistant"] * 5,
            "action": ["ask", "search", "result", "answer"] * 5,
        }
    )
    found = propose(frame)
    assert roles(found) == {
        "journey": "dialogue_id",
        "touchpoint": "action",
        "position": "turn",
        "actor": "speaker",
    }


@pytest.mark.parametrize(
    ("texts", "text_by"),
    [
        (["My bill is wrong", "I want to move my line", "Where is my router?", "ok"], "customer"),
        (
            ["Your bill is on its way", "How can I help you?", "Thank you for calling", "ok"],
            "actor",
        ),
        (["Meine Rechnung stimmt nicht", "Ich möchte umziehen", "Hallo", "ok"], "customer"),
    ],
)
def test_whose_words_texts_on_served_rows_are(texts: list[str], text_by: str) -> None:
    frame = pd.DataFrame(
        {
            "customer": [f"c{n // 4}" for n in range(40)],
            "touchpoint": ["Chat", "Call"] * 20,
            "timestamp": WHEN * 2,
            "actor": ["bot", "agent", "bot", "agent"] * 10,
            "text": texts * 10,
        }
    )
    found = propose(frame)
    assert found.schema.text_by == text_by
    assert any("speak as a customer does" in one for one in found.warnings) == (
        text_by == "customer"
    )


def test_content_alone_finds_the_columns() -> None:
    frame = pd.DataFrame(
        {
            "f1": [f"x{i // 4}" for i in range(40)],
            "f2": WHEN * 2,
            "f3": ["start", "browse", "ask", "buy"] * 10,
        }
    )
    found = propose(frame)
    assert roles(found) == {"customer": "f1", "touchpoint": "f3", "timestamp": "f2"}
    assert found.confidence["customer"] == "low"


def test_tables_that_are_no_logs() -> None:
    with pytest.raises(SchemaError, match="no column that reads as times or as an order"):
        propose(pd.DataFrame({"customer": ["a", "a", "b", "b"] * 5, "event": ["x", "y"] * 10}))
    with pytest.raises(SchemaError, match="no column that says whose events"):
        propose(pd.DataFrame({"z": range(20)}))


def test_free_text_and_json_are_no_touchpoints() -> None:
    rows = range(60)
    frame = pd.DataFrame({"customer": [f"c{i // 5}" for i in rows],
        "timestamp": [f"2026-01-01 {i // 60:02}:{i % 60:02}" for i in rows],
        "payload": [f'{{"step": {i % 3}}}' for i in rows],
        "message": [f"where is my order number {i} please" for i in rows]})  # fmt: skip
    with pytest.raises(SchemaError, match="no column that says what happened"):
        propose(frame)
    # Long names that repeat are names.
    named = frame.assign(what=[f"customer asks where order is {i % 4}" for i in rows])
    assert propose(named).schema.touchpoint == "what"


def test_one_customer_is_not_called_a_log_without_touchpoints() -> None:
    rows = pd.DataFrame({"customer": "0007", "step": ["Call", "Chat"] * 20, "at": "2025-01-01"})
    with pytest.raises(SchemaError, match=r"only one column repeats.*--role customer=COLUMN"):
        propose(rows)
    assert propose(rows, roles={"customer": "customer"}).schema.touchpoint == "step"


@pytest.mark.parametrize("mark", [".", ","])
def test_serial_days_are_named_whatever_the_decimal_mark(mark: str) -> None:
    days = [f"{45_717 + i}{mark}{i % 10}25" for i in range(40)]
    rows = pd.DataFrame({"customer": ["a", "b"] * 20, "step": ["Call", "Chat"] * 20, "date": days})
    with pytest.raises(SchemaError, match="serial days of a spreadsheet"):
        propose(rows)


@pytest.mark.parametrize(("ends", "said"), [(("Z", ""), "Some times state no zone"), (("Z",), "")])
def test_a_zone_that_only_some_times_state_is_doubted(ends: tuple[str, ...], said: str) -> None:
    at = [f"2025-01-{1 + i % 28:02d}T10:00:00{ends[i % len(ends)]}" for i in range(40)]
    steps = ["Call", "Call", "Chat", "Mail"] * 10
    rows = pd.DataFrame({"customer": ["a", "b"] * 20, "step": steps, "at": at})
    told = [warning for warning in propose(rows).warnings if "zone" in warning]
    assert len(told) == bool(said)
    assert all(warning.startswith(said) for warning in told)
