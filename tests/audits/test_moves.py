"""What if on an audit: the configuration's people and money, and what cannot be asked."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest

import journeylib as jl
from journeylib.cli.main import main

CONFIG = """\
name: calls
log:
  files: calls.csv
roles:
  customer: client
  touchpoint: step
  timestamp: at
  end_timestamp: end
  actor: who
  session: talk
journeys: {cut: gap, gap_days: 1}
measures: {failed_minutes: 0}
portfolio:
  budget: 1000
  build: 100
  human_minute: 1.0
  failed_contact: 0.0
  harm: 0.0
  candidates: {Call: {contained: [0.5, 0.5, 0.5]}}
"""


def calls() -> Iterator[list[str]]:
    """Five weeks; 28 calls a week of ten minutes, which somebody takes at once."""
    yield ["client", "at", "end", "step", "who", "talk"]
    for number in range(140):
        day, hour = divmod(number, 4)
        at = f"2026-0{1 + (4 + day) // 31}-{1 + (4 + day) % 31:02d} {9 + hour:02d}"
        yield [f"c{number}", f"{at}:00", "", "Call", "customer", f"t{number}"]
        yield [f"c{number}", f"{at}:00", f"{at}:10", "Call", "human", f"t{number}"]
    yield ["last", "2026-02-09 09:00", "", "Web", "customer", "t"]


@pytest.fixture(scope="module")
def audit(tmp_path_factory: pytest.TempPathFactory) -> jl.Audit:
    folder: Path = tmp_path_factory.mktemp("calls")
    with (folder / "calls.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(calls())
    (folder / "calls.yaml").write_text(CONFIG, encoding="utf-8")
    return jl.audit(folder / "calls.yaml")


def test_half_of_the_calls_of_which_a_bot_solves_half(audit: jl.Audit) -> None:
    answer = jl.what_if(audit, {"Call": 0.5}, draws=20)
    rows = answer.figures.set_index("figure")
    assert rows.loc["contacts", "before"] == pytest.approx(28)
    assert rows.loc["contacts", "full_selection"] == pytest.approx(28 * 0.75)
    for figure in ("minutes", "cost"):
        # every call takes ten minutes, so there are no easy ones
        ends = rows.loc[figure, ["before", "no_selection", "full_selection"]].tolist()
        assert ends == pytest.approx([280, 210, 210])
    assert answer.grade == "D" and answer.no_waits is not None
    assert repr(answer) == answer.text and "Call 50 %" in answer.text


def test_what_cannot_be_asked(audit: jl.Audit) -> None:
    with pytest.raises(jl.ConfigError, match="say what moves"):
        jl.what_if(audit, {})
    with pytest.raises(jl.ConfigError, match="no people serve contacts at 'Web'"):
        jl.what_if(audit, {"Web": 0.5})


def test_a_mistyped_move_says_how_one_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["what-if", "latest"])
    assert "--move" in capsys.readouterr().err
