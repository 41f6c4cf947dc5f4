"""A log at its edges through a whole audit: many touchpoints, and one customer of most events."""

from __future__ import annotations

import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from journeylib.audits.config.audit_config import AuditConfig
from journeylib.audits.pipeline import audit

TOUCHPOINTS, CUSTOMERS, LONG = 600, 2_500, 20_000
ACTORS = ("customer", "bot", "human")


def write_log(path: Path) -> dict[str, set[str]]:
    """Write a log of many names, skewed, and return the customers of each touchpoint."""
    dice = random.Random(11)
    rows: list[tuple[str, str, int, str]] = []

    def visit(who: str, spot: int, at_s: int) -> None:
        rows.append((who, f"Touchpoint {spot:03}", at_s * 1_000_000, ACTORS[spot % 3]))

    for number in range(CUSTOMERS):
        at_s, spot = dice.randrange(200 * 86_400), int(dice.random() ** 3 * TOUCHPOINTS)
        for _ in range(dice.randint(1, 7)):
            visit(f"c{number:04}", spot, at_s)
            at_s += dice.randrange(60, 5 * 86_400)
            spot = (spot + dice.randrange(1, 3)) % TOUCHPOINTS
    for step in range(LONG):
        visit("long", dice.randrange(TOUCHPOINTS), step * 900)
    names = ("who", "what", "at", "actor")
    columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
    table = pa.table(columns | {"at": pa.array(columns["at"], pa.timestamp("us"))})
    pq.write_table(table, path)
    seen: dict[str, set[str]] = {}
    for who, what, _at, _actor in rows:
        seen.setdefault(what, set()).add(who)
    return seen


@pytest.mark.slow
def test_many_touchpoints_and_a_long_customer_go_through_a_whole_audit(tmp_path: Path) -> None:
    """Warnings are errors here: what cannot be told of so few abstains in words."""
    seen = write_log(tmp_path / "log.parquet")
    config = AuditConfig.model_validate(
        {
            "name": "wide",
            "log": {"files": [str(tmp_path / "log.parquet")]},
            "roles": {"customer": "who", "touchpoint": "what", "timestamp": "at", "actor": "actor"},
            "compare": "key_results",
        }
    )
    found = audit(config)
    minimum = config.journeys.min_customers
    shown = {name for name, customers in seen.items() if len(customers) >= minimum}
    assert 100 < len(shown) < len(seen) <= TOUCHPOINTS
    document = found.document
    assert {row["touchpoint"] for row in document["touchpoints"]} == shown
    # The customer of most events is one customer: of no touchpoint more than that.
    counted = dict(
        zip(*(found.evidence.touchpoints[c] for c in ("touchpoint", "customers")), strict=True)
    )
    assert counted == {name: len(seen[name]) for name in shown}
    assert found.evidence.totals["customers"] == CUSTOMERS + 1
    whole = found.structure.maps[1.0] if found.structure else None
    assert whole is not None and (whole.ledger["total"] >= whole.ledger["shown"]).all()
    events = whole.ledger.set_index("what").loc["events"]
    assert events["total"] == found.evidence.totals["events"]
    assert events[["shown", "folded", "suppressed"]].sum() == events["total"]
    assert all(len(table.columns) for table in found.tables.values())
