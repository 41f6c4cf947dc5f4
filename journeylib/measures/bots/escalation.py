"""Escalation against labels: who was handed over, who should have been, and how late."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import pandas as pd

from journeylib.core import GROUPS, Estimate, SchemaError, refuse_unknown
from journeylib.journeys import Journeys, first_in, runs_before
from journeylib.measures.bots.bot_sessions import BotSessions
from journeylib.measures.bots.conversations import Conversations, Flags
from journeylib.measures.ratios import Ratio, ratios
from journeylib.measures.settings import MeasureSettings
from journeylib.measures.touchpoints.visit_measures import flag_of

PRECISION = "sessions labelled as needing a human, of those handed over"
RECALL = "sessions handed over, of those labelled as needing a human"
LATE = "first hand-overs more than {} turns after the first label, of sessions with both"
MIN_CUSTOMERS = 20
MOST_TURNS = 10
_COLUMNS = ("session", "turn", "needs_human", "handed_over")


@dataclass(frozen=True)
class Escalation:
    """How well hand-overs fit labels that say when a human is needed.

    Attributes
    ----------
    precision, recall : Estimate
        Of sessions: labelled, of those handed over; handed over, of those labelled.
    late : pandas.DataFrame
        One row per tolerance, 0 upwards: ``turns`` (int64), ``late`` (Estimate: share of the
        sessions with label and hand-over whose first hand-over comes more than ``turns`` turns
        after the first label).
    """

    precision: Estimate
    recall: Estimate
    late: pd.DataFrame


def score_escalation(
    turns: pd.DataFrame, *, most_turns: int = MOST_TURNS, min_customers: int = MIN_CUSTOMERS
) -> Escalation:
    """Compare hand-overs, or what a rule says, with labels of turns that need a human.

    Parameters
    ----------
    turns : DataFrame
        One row per turn: ``session``, ``turn`` (int, in order within the session),
        ``needs_human`` (bool: the label), ``handed_over`` (bool: the human takes over after this
        turn, or the rule says so); optionally ``customer``, else a session is a customer.
    most_turns : int
        The longest tolerance of the curve.
    min_customers : int
        An estimate that rests on fewer abstains with ``privacy``.

    Raises
    ------
    SchemaError
        If a column is missing, or a label or flag is.

    Notes
    -----
    A hand-over ends the bot's part, so a session is counted once: whether a human was needed at
    all, and whether one came. When is told by the curve. A hand-over before the first label is
    not late. Sessions that were never handed over are missed, which the recall says, not late.
    """
    _check(turns)
    sessions = _sessions(turns)
    labelled = sessions["first_label"].notna().to_numpy(dtype=np.bool_)
    handed = sessions["first_handover"].notna().to_numpy(dtype=np.bool_)
    lag = (sessions["first_handover"] - sessions["first_label"]).to_numpy(dtype=np.float64)

    both, tolerances = labelled & handed, range(most_turns + 1)
    wanted = {"precision": (labelled, handed, PRECISION), "recall": (handed, labelled, RECALL)}
    wanted |= {str(k): (lag > k, both, LATE.format(k)) for k in tolerances}
    scores = ratios(
        sessions.rename(columns={"session": "journey", "customer": "customer_no"}),
        {
            name: Ratio(top & base, base, estimand, of_model=True)
            for name, (top, base, estimand) in wanted.items()
        },
        min_customers=min_customers,
    )
    late = [scores[str(k)] for k in tolerances]
    curve = pd.DataFrame({"turns": list(tolerances), "late": late})
    return Escalation(scores["precision"], scores["recall"], curve)


def _check(turns: pd.DataFrame) -> None:
    names = [str(name) for name in turns.columns]
    problem = "column '{name}' is not in the turns.{near} Columns: {known}"
    refuse_unknown(_COLUMNS, names, problem, SchemaError)
    for column in _COLUMNS:
        missing = int(turns[column].isna().sum())
        if missing:
            raise SchemaError(f"{missing} turns have no '{column}': leave them out or fill them in")


def _sessions(turns: pd.DataFrame) -> pd.DataFrame:
    """Return one row per session: ``customer``, ``group``, ``first_label``, ``first_handover``."""
    turn = turns["turn"].astype("float64")
    table = pd.DataFrame(
        {
            "session": turns["session"],
            "customer": turns["customer"] if "customer" in turns else turns["session"],
            "first_label": turn.where(turns["needs_human"].astype(bool)),
            "first_handover": turn.where(turns["handed_over"].astype(bool)),
        }
    )
    sessions = table.groupby("session", sort=True, as_index=False).min()
    return sessions.assign(group=[_group(one) for one in sessions["customer"]])


def _group(customer: object) -> int:
    """Deal a customer into a group as the engine does; see `log.customer_group`."""
    return int(hashlib.md5(str(customer).encode(), usedforsecurity=False).hexdigest()[:2], 16) % (
        GROUPS
    )


def escalation_estimates(
    journeys: Journeys, settings: MeasureSettings, sessions: BotSessions
) -> dict[str, Estimate]:
    """Compare the hand-overs of a log with its own labels (``measures.needs_human``).

    Returns
    -------
    dict of str to Estimate
        ``escalation_precision``, ``escalation_recall``, ``escalated_late`` (by more than
        ``measures.late_turns`` turns). All abstain with ``no_column`` where no label is declared.

    Notes
    -----
    Counted are bot sessions that are not open and have a label on some turn before a human
    joins; the turn of the hand-over is the last before the human. As in `score_escalation`.
    """
    words = {
        "escalation_precision": PRECISION,
        "escalation_recall": RECALL,
        "escalated_late": LATE.format(settings.late_turns),
    }
    if settings.needs_human is None:
        return {
            name: Estimate.none("no_column", "share", estimand=text) for name, text in words.items()
        }
    table = _labelled_sessions(sessions, settings, settings.needs_human)
    labelled, handed_over = table["first_label"] >= 0, table["handed"]
    late = table["last_turn"] - table["first_label"] > settings.late_turns
    tops = (labelled, handed_over, late), (handed_over, labelled, handed_over & labelled)
    wanted = {
        name: Ratio(top, base, text)
        for (name, text), top, base in zip(words.items(), *tops, strict=True)
    }
    return ratios(table, wanted, min_customers=journeys.settings.min_customers)


def _labelled_sessions(
    sessions: BotSessions, settings: MeasureSettings, column: str
) -> pd.DataFrame:
    """Return one row per settled, labelled bot session: ``first_label``, ``last_turn``, ``handed``.

    Turns before a human are numbered within the session from 0; −1 where there is no label.
    """
    is_labelled, flagged = flag_of(sessions.journeys, column)
    marks = {f"{column} is known": is_labelled, f"{column} is set": flagged}

    def of_part(part: Journeys) -> list[pd.DataFrame]:
        return [_labels(Conversations(part, settings), *part.events.marks(marks).values())]

    labels = pd.concat(sessions.journeys.summed(of_part), ignore_index=True)
    handed_over = sessions.ended("handed_over")
    table = pd.concat([sessions.table, labels], axis=1).assign(handed=handed_over)
    return table[labels["is_labelled"].to_numpy() & ~sessions.ended("open")]


def _labels(talk: Conversations, is_labelled: Flags, flagged: Flags) -> pd.DataFrame:
    """Return the first label of each bot session, its last turn, and whether there is a label."""
    _rows, begin, end = talk.bot_part
    before = runs_before(talk.bot_part, flagged)[2] - begin
    return pd.DataFrame(
        {
            "first_label": np.where(first_in(talk.bot_part, flagged) >= 0, before, -1),
            "last_turn": end - begin - 1,
            "is_labelled": first_in(talk.bot_part, is_labelled) >= 0,
        }
    )
