"""Linkage against people planted with misspelt identifiers."""

from __future__ import annotations

import builtins
import random
from collections import Counter
from typing import Any

import pandas as pd
import pytest

from journeylib.core.errors import RunError, SchemaError
from journeylib.journeys.identity.linkage import Linked, link
from journeylib.journeys.identity.stitching import Stitched, stitch
from journeylib.log.eventlog import EventLog
from journeylib.log.read import read_log

LETTERS = "abcdefghijklmnopqrstuvwxyz"
KINDS = {"email": "mail", "phone": "tel", "name": "name"}


def log_of(rows: list[dict[str, Any]], **more: Any) -> EventLog:
    frame = pd.DataFrame(rows, columns=["who", *KINDS.values()])
    frame["what"], frame["at"] = "Visit", pd.date_range("2026-01-01", periods=len(frame), freq="h")
    roles = {"customer": "who", "touchpoint": "what", "timestamp": "at", "identifiers": KINDS}
    return read_log(frame, roles | more, as_of="2030-01-01")


def misspelt(text: str, draw: random.Random) -> str:
    place = draw.randrange(len(text))
    return text[:place] + draw.choice(LETTERS) + text[place + 1 :]


def planted(seed: int) -> tuple[list[dict[str, Any]], list[int]]:
    """300 people of one to four accounts; a fifth of the identifiers absent, some misspelt."""
    draw = random.Random(seed)
    words = ["".join(draw.choices(LETTERS, k=draw.randint(4, 8))) for _ in range(120)]
    rows, truth = [], []
    for person in range(300):
        name = f"{draw.choice(words)} {draw.choice(words)}"
        own = {
            "name": name,
            "mail": f"{name.replace(' ', '.')}{person % 90}@x.org",
            "tel": f"030{draw.randrange(10**7):07d}",
        }
        for _account in range(draw.randint(1, 4)):
            shown: dict[str, Any] = {
                key: value for key, value in own.items() if draw.random() > 0.2
            }
            for key in ("name", "mail"):
                if key in shown and draw.random() < 0.25:
                    shown[key] = misspelt(shown[key], draw)
            rows.append({"who": f"acc{len(rows):04d}", **shown})
            truth.append(person)
    return rows, truth


def people_of(found: Linked | Stitched) -> list[str]:
    return list(found.log.events.to_pandas().sort_values("t_us")["customer"])


def pairs(counts: Counter[Any]) -> int:
    return sum(n * (n - 1) // 2 for n in counts.values())


def agreement(people: list[str], truth: list[int]) -> tuple[float, float]:
    """Pairwise precision and recall of the people found."""
    both = pairs(Counter(zip(people, truth, strict=True)))
    return both / pairs(Counter(people)), both / pairs(Counter(truth))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_planted_people_are_linked_across_misspellings(seed: int) -> None:
    pytest.importorskip("splink")
    rows, truth = planted(seed)
    found = link(log_of(rows))
    people = people_of(found)
    precision, recall = agreement(people, truth)
    assert precision >= 0.95
    assert recall >= 0.88
    # What equal identifiers alone find is less.
    assert recall > agreement(people_of(stitch(log_of(rows))), truth)[1]
    assert found.customers_before == len(rows)
    assert found.customers == len(set(people))
    own = [row["who"] for row in rows]
    moved = sum(a != b for a, b in zip(people, own, strict=True))
    assert found.moved_share == pytest.approx(moved / len(rows))
    assert found.people["customers"].sum() - len(found.people) == len(rows) - found.customers
    assert found.people["confidence"].between(0.95, 1).all()
    assert found.confidence is not None and 0.95 <= found.confidence <= 1


@pytest.mark.slow
def test_links_do_not_depend_on_the_order_of_rows_and_stitching_may_follow() -> None:
    pytest.importorskip("splink")
    rows, _truth = planted(7)
    straight, turned = link(log_of(rows)), link(log_of(rows[::-1]))
    assert people_of(straight) == people_of(turned)[::-1]
    pd.testing.assert_frame_equal(straight.people, turned.people)
    assert stitch(straight.log).report.customers_before == straight.customers


def test_without_splink_the_message_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *more: Any, **named: Any) -> Any:
        if name.split(".")[0] == "splink":
            raise ImportError(name)
        return real(name, *more, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(RunError, match=r"pip install 'journeylib\[linkage\]'"):
        link(log_of([{"who": "a", "mail": "m"}]))


def test_one_kind_of_identifier_is_too_few() -> None:
    with pytest.raises(SchemaError, match="at least two kinds"):
        link(log_of([{"who": "a"}], identifiers={"email": "mail"}))


@pytest.mark.slow
def test_where_nobody_shares_anything_there_is_nothing_to_learn() -> None:
    pytest.importorskip("splink")
    rows = [{"who": f"c{n}", "mail": f"m{n}@x.org", "tel": f"{n:04d}"} for n in range(30)]
    with pytest.raises(RunError, match="nothing to learn from"):
        link(log_of(rows))
