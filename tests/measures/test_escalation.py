"""Hand-overs against labels: worked by hand, the two ways compared, and a rule on real chats."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from journeylib.core.errors import ConfigError, SchemaError
from journeylib.core.estimate import Estimate
from journeylib.journeys.journeys import Journeys, rebuild
from journeylib.journeys.segmentation.rules import JourneySettings
from journeylib.log.eventlog import EventLog
from journeylib.measures.bots.escalation import Escalation, score_escalation
from journeylib.measures.bots.handoff_audit import Handoffs, audit_handoffs
from journeylib.measures.evidence import measure
from journeylib.measures.settings import MeasureSettings

MINUTE = 60_000_000
DAY = 24 * 60 * MINUTE
LogOf = Callable[..., EventLog]

# Session: its turns (x: a human is needed), and after which turn one takes over, if any.
CHATS = {
    "at once": ("..x", 2),
    "two late": (".x..", 3),
    "three late": ("x...", 3),
    "missed": ("..x.", None),
    "missed too": ("x", None),
    "not needed": ("...", 2),
    "calm": ("..", None),
    "before the label": ("...x", 1),
}


def turns(times: int = 1) -> pd.DataFrame:
    rows = [
        (f"{name} {copy}", number, mark == "x", number == handed)
        for copy in range(times)
        for name, (marks, handed) in CHATS.items()
        for number, mark in enumerate(marks)
    ]
    return pd.DataFrame(rows, columns=["session", "turn", "needs_human", "handed_over"])


def shares(found: Escalation) -> list[float | None]:
    return [one.value for one in found.late["late"]]


def test_worked_by_hand() -> None:
    found = score_escalation(turns(), min_customers=1, most_turns=4)
    assert found.precision.value == 4 / 5  # all handed over but "not needed"
    assert found.recall.value == 4 / 6
    # lags of the four with both: 0, 2, 3 and -2
    assert shares(found) == [2 / 4, 2 / 4, 1 / 4, 0, 0]
    assert (found.precision.n_journeys, found.recall.n_journeys) == (5, 6)


def test_intervals_hold_the_share_and_shrink_with_chats() -> None:
    widths = []
    for times in (10, 160):
        recall = score_escalation(turns(times), min_customers=1).recall
        assert recall.lo is not None
        assert recall.hi is not None
        assert 0 < recall.lo < 4 / 6 < recall.hi < 1
        widths.append(recall.hi - recall.lo)
    assert widths[1] < widths[0] / 2


def test_many_sessions_of_one_customer_are_one_customer() -> None:
    found = score_escalation(turns(10).assign(customer="c"), min_customers=2)
    estimates = [found.precision, found.recall, *found.late["late"]]
    assert {one.abstain for one in estimates} == {"privacy"}


def test_the_order_of_rows_changes_nothing() -> None:
    there, back = turns(5), turns(5).iloc[::-1]
    one, other = score_escalation(there, min_customers=1), score_escalation(back, min_customers=1)
    assert (one.precision, one.recall) == (other.precision, other.recall)
    assert list(one.late["late"]) == list(other.late["late"])


def test_turns_that_cannot_be_read_are_refused() -> None:
    with pytest.raises(SchemaError, match=r"'needs_human' is not in the turns\. Did you mean"):
        score_escalation(turns().rename(columns={"needs_human": "need_human"}))
    with pytest.raises(SchemaError, match="1 turns have no 'needs_human'"):
        score_escalation(turns().astype({"needs_human": "object"}).assign(
            needs_human=lambda t: t["needs_human"].where(t.index != 0, None)
        ))  # fmt: skip


# --- in a log -------------------------------------------------------------------------------


def chats(log_of: LogOf, *, no: str | None = "no") -> Journeys:
    """Return the chats as bot sessions: labels end where a human takes over."""
    rows: list[tuple[object, ...]] = [("zz", 60 * DAY, "Bell", "system", no)]
    for name, (marks, handed) in CHATS.items():
        marks = marks if handed is None else marks[: handed + 1]
        for number, mark in enumerate(marks):
            actor = "customer" if number % 2 else "bot"
            rows.append((name, number * MINUTE, "Chat", actor, "yes" if mark == "x" else no))
        if handed is not None:
            rows.append((name, len(marks) * MINUTE, "Call", "human", "yes"))
    log = log_of(*rows, columns="customer t_us touchpoint actor label")
    return rebuild(log, JourneySettings(min_customers=1))


def told(found: Handoffs) -> list[Estimate]:
    return [found.escalation_precision, found.escalation_recall, found.escalated_late]


@pytest.mark.parametrize("no", ["no", None], ids=["says no", "never says no"])
def test_a_log_with_labels_says_what_its_turns_say(log_of: LogOf, no: str | None) -> None:
    settings = MeasureSettings(needs_human="label", late_turns=1)
    found = audit_handoffs(chats(log_of, no=no), settings)
    # what was labelled only after the human came is no reason to hand over
    assert [one.value for one in told(found)] == [3 / 5, 3 / 5, 2 / 3]
    seen = turns()
    known = {name: handed for name, (_marks, handed) in CHATS.items() if handed is not None}
    last = seen["session"].str.removesuffix(" 0").map(known)
    same = score_escalation(seen[~(seen["turn"] > last)], min_customers=1)
    assert [same.precision.value, same.recall.value, shares(same)[1]] == [3 / 5, 3 / 5, 2 / 3]
    # customers' names differ, so they are in other groups: the intervals nearly agree
    assert found.escalation_recall.lo == pytest.approx(same.recall.lo, abs=0.05)


def test_without_labels_or_with_few_customers_there_is_no_number(log_of: LogOf) -> None:
    journeys = chats(log_of)
    assert {one.abstain for one in told(audit_handoffs(journeys, MeasureSettings()))} == {
        "no_column"
    }
    few = rebuild(journeys.log, JourneySettings(min_customers=10))
    found = audit_handoffs(few, MeasureSettings(needs_human="label"))
    assert {one.abstain for one in told(found)} == {"privacy"}


def test_a_label_that_is_not_there_is_a_wrong_setting(log_of: LogOf) -> None:
    with pytest.raises(ConfigError, match=r"measures\.needs_human .* Did you mean 'label'"):
        measure(chats(log_of), MeasureSettings(needs_human="labels"))


# --- real chats -----------------------------------------------------------------------------


def test_a_rule_on_real_chats(shared_data: Path) -> None:
    """What "hand over at the first negative customer turn" would score on MHCH."""
    file = shared_data / "mhch_handoff" / "makeup_eval_turns.csv.gz"
    if not file.exists():
        pytest.skip("mhch_handoff is not beside this checkout")
    chat = pd.read_csv(file)
    rule = (chat["role"] == "customer") & (chat["sentiment_0neg_1neu_2pos"] == 0)
    found = score_escalation(
        pd.DataFrame(
            {
                "session": chat["dialogue_id"],
                "turn": chat["turn"],
                "needs_human": chat["handoff_label"] == 1,
                "handed_over": rule,
            }
        )
    )
    assert (found.precision.value, found.precision.n_customers) == (1.0, 109)
    assert (found.recall.value, found.recall.n_customers) == (109 / 174, 174)
    late = [6, 6, 6, 6, 5, 4, 4, 3, 3, 3, 1]
    assert shares(found) == pytest.approx([n / 109 for n in late])
    assert found.recall.lo is not None
    assert found.recall.hi is not None
    # Wilson's interval of 109 in 174 independent chats: .553 to .695
    assert found.recall.lo == pytest.approx(0.553, abs=0.03)
    assert found.recall.hi == pytest.approx(0.695, abs=0.03)
