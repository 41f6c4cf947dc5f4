from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from journeylib.log.engine.hashing import log_hash
from journeylib.log.inference.schema_proposal import propose

from .conftest import checks_of, read

pytestmark = pytest.mark.slow


def counts(log: object, owner: str) -> tuple[int, int]:
    row = log.events.aggregate(  # type: ignore[attr-defined]
        events=lambda t: t.count(), owners=lambda t: t[owner].nunique()
    ).to_pandas()
    return int(row["owners"][0]), int(row["events"][0])


def test_uci_incidents(shared_data: Path) -> None:
    path = shared_data / "uci_incident_log/incident_event_log.zip"
    schema = {
        "journey": "number",
        "touchpoint": "ident_state",
        "timestamp": "sys_updated_at",
        "channel": "contact_type",
    }
    log = read(path, schema)
    assert counts(log, "case") == (24_918, 141_712)
    assert checks_of(log, "time_format")["text"].tolist() == [
        "Times are read as %d/%m/%Y %H:%M (141,712 rows)."
    ]
    assert checks_of(log, "clock_resolution")["severity"].tolist() == ["note"]
    assert checks_of(log, "repeated_columns")["text"].str.contains("'category'").tolist() == [True]
    first = log.events.t_us.min().to_pandas()
    assert pd.Timestamp(int(first), unit="us") == pd.Timestamp("2016-02-29 01:23")


def test_domestic_declarations(shared_data: Path) -> None:
    proposal = propose(shared_data / "bpic2020/DomesticDeclarations.xes.gz")
    assert proposal.schema.roles() == {
        "journey": "case:concept:name",
        "touchpoint": "concept:name",
        "timestamp": "time:timestamp",
        "actor": "org:resource",
    }
    assert proposal.schema.actor_values == {"STAFF MEMBER": "human", "SYSTEM": "system"}
    log = read(shared_data / "bpic2020/DomesticDeclarations.xes.gz", proposal.schema)
    assert counts(log, "case") == (10_500, 56_437)
    events = log.events.order_by(["case", "t_us", "position"]).to_pandas()
    following = events.groupby("case")["actor"].shift(-1)
    assert int(((events["actor"] == "system") & (following == "human")).sum()) == 4


def test_clickstream_in_any_order(shared_data: Path) -> None:
    path = shared_data / "retentioneering_ecom/ecom.csv.gz"
    schema = {"customer": "user_id", "touchpoint": "event", "timestamp": "timestamp"}
    log = read(path, schema)
    assert counts(log, "customer") == (600, 31_106)
    shuffled = pd.read_csv(path).sample(frac=1, random_state=7)
    assert log_hash(read(shuffled, schema)) == log_hash(log)
