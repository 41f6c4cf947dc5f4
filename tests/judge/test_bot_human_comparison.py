"""Bots against people within the same matters: the crude comparison may point the other way."""

from __future__ import annotations

import pandas as pd
import pytest

from journeylib.judge.paradoxes.bot_human_comparison import Estimand, compare
from journeylib.judge.paradoxes.rows import Rows


def contacts(*cells: tuple[int, str, int, int]) -> pd.DataFrame:
    """Return contacts of ``(arm, intent, number, solved)``, each of a customer of its own."""
    rows = [
        (arm, intent, int(k < solved))
        for arm, intent, number, solved in cells
        for k in range(number)
    ]
    frame = pd.DataFrame(rows, columns=["arm", "intent", "solved"])
    frame["intent"] = frame["intent"].map({"easy": 0, "hard": 1})
    frame["customer_no"] = frame["journey"] = range(len(frame))
    frame["group"] = frame["customer_no"] % 64
    return frame


def test_simpsons_paradox() -> None:
    # Bots have 900 easy matters and solve 80 % of them, people 95 %; of the hard ones 30 and 49 %.
    frame = contacts(
        (1, "easy", 900, 720), (1, "hard", 100, 30), (0, "easy", 100, 95), (0, "hard", 900, 445)
    )
    crude = frame.groupby("arm")["solved"].mean()
    assert crude.tolist() == pytest.approx([0.54, 0.75])  # bots look better by 21 points
    rows = Rows({name: frame[name].to_numpy() for name in frame})
    found = compare(rows, rows["solved"], 1, "difference", Estimand("solved", "share", 10))
    # with the matters of bots people solve .9 × .95 + .1 × 445/900
    assert found.value == pytest.approx(0.75 - (0.855 + 0.1 * 445 / 900))
    assert found.value == pytest.approx(-0.154, abs=0.001)
    assert found.hi is not None
    assert found.hi < 0
