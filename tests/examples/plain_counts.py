"""Every count of the documents of the real logs, counted again by plain pandas.

`COUNTS` gives numbers, `BASES` the rows on which an estimate rests, `VALUES` estimates that are
plain shares or means. Each goes by the place of the number in the document (`fnmatch`) and is
keyed by the names of the entries that hold it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pandas as pd

from tests.examples.plain_logs import PlainLog, quiet_time

MIN_CUSTOMERS = 10
Rows = pd.DataFrame
COUNTS: dict[str, Callable[[PlainLog], Any]] = {}
BASES: dict[str, Callable[[PlainLog], Rows | None]] = {}
VALUES: dict[str, Callable[[PlainLog], Any]] = {}


def at(
    register: dict[str, Callable[[PlainLog], Any]], *places: str
) -> Callable[[Callable[[PlainLog], Any]], Callable[[PlainLog], Any]]:
    """Register a function as what counts the numbers at these places."""

    def keep(function: Callable[[PlainLog], Any]) -> Callable[[PlainLog], Any]:
        register.update(dict.fromkeys(places, function))
        return function

    return keep


# ---- the log


@at(COUNTS, "log.events")
def events(log: PlainLog) -> int:
    return len(log.rows)


@at(COUNTS, "log.rows_read")
def rows_read(log: PlainLog) -> int:
    return log.read


@at(COUNTS, "log.journeys")
def journeys(log: PlainLog) -> int:
    return log.rows["journey"].nunique()


@at(COUNTS, "log.customers")
def customers(log: PlainLog) -> int:
    return log.rows["customer"].nunique()


@at(COUNTS, "log.rows_quarantined")
def unusable(log: PlainLog) -> int:
    return log.read - len(log.rows)


@at(COUNTS, "log.cutting.learned_customers")
def learned(log: PlainLog) -> int:
    """No log is cut by what was learned."""
    return 0


@at(COUNTS, "log.open_journeys")
def open_journeys(log: PlainLog) -> int:
    return int((log.end == "open").sum())


@at(COUNTS, "log.cut_off_journeys")
def cut_off_journeys(log: PlainLog) -> int:
    return int(is_cut_off(log).sum())


def is_cut_off(log: PlainLog) -> pd.Series:
    """Mark journeys that begin in the quiet days after the first event of the log."""
    if not log.has_clock:
        return log.end == "cut off"
    begin = log.rows.groupby("journey")["t"].min()
    return begin < begin.min() + quiet_time(log.config.journeys)


@at(COUNTS, "log.quality.*.rows")
def quality(log: PlainLog) -> dict[tuple[str, str], int]:
    rows, roles = log.rows, log.config.roles
    declared = [*roles.attributes, "text", "actor", "segment", "channel", "resource"]
    found = {("missing", one): int(rows[one].isna().sum()) for one in declared if one in rows}
    for part in ("stage", "office"):
        named = rows["touchpoint"].map(dict(getattr(roles, f"{part}_values")))
        found["missing", part] = int(named.isna().sum())
    order = next(one for one in ("t", "turn") if one in rows)
    by = "timestamp" if order == "t" else "position"
    found["ties", by] = int(rows.duplicated(["journey", order], keep=False).sum())
    used = {"journey", "customer", "touchpoint", "turn", "sys_mod_count", "t", *declared}
    found["duplicates", ""] = int(rows.duplicated([*used & set(rows)]).sum())
    if log.has_clock and (rows["t"].dt.second == 0).all():
        found["clock_resolution", "timestamp"] = len(rows)
    return found


@at(COUNTS, "log.quality.*.share")
def quality_shares(log: PlainLog) -> dict[tuple[str, str], float]:
    return {key: rows / log.read for key, rows in quality(log).items()}


@at(COUNTS, "findings.*.evidence.rows")
def quality_in_findings(log: PlainLog) -> dict[str, int]:
    return {f"quality-{check}-{role}": n for (check, role), n in quality(log).items()}


@at(COUNTS, "findings.*.evidence.share")
def quality_shares_in_findings(log: PlainLog) -> dict[str, float]:
    return {key: rows / log.read for key, rows in quality_in_findings(log).items()}


@at(COUNTS, "cut_sensitivity.*.journeys")
def other_cuts(log: PlainLog) -> dict[tuple[Any, ...], int]:
    return {cut: int(new.sum()) for cut, new in begins_by_cut(log).items()}


@at(COUNTS, "cut_sensitivity.*.customers")
def customers_of_other_cuts(log: PlainLog) -> dict[tuple[Any, ...], int]:
    return dict.fromkeys(begins_by_cut(log), customers(log))


@at(COUNTS, "cut_sensitivity.*.steps_per_journey")
def steps_of_other_cuts(log: PlainLog) -> dict[tuple[Any, ...], float]:
    return {cut: len(log.rows) / count for cut, count in other_cuts(log).items()}


@at(COUNTS, "cut_sensitivity.*.repeat_contact")
def repeats_of_other_cuts(log: PlainLog) -> dict[tuple[Any, ...], float]:
    """A contact is cut by silence, so no cut of journeys changes who comes back."""
    return dict.fromkeys(begins_by_cut(log), repeat_contact(log))


def begins_by_cut(log: PlainLog) -> dict[tuple[Any, ...], pd.Series]:
    """Mark the first event of each journey, by the cuts that the clickstream is compared at."""
    rows = log.rows.sort_values(["customer", "t"], kind="stable")
    new = rows["customer"] != rows["customer"].shift(1)
    gap_days = 0.175891
    silent = rows["t"].diff() > pd.Timedelta(days=gap_days)
    return {
        ("case", None, None): log.is_first,
        ("gap", gap_days, None): new | silent,
        ("customer", None, None): new,
    }


# ---- touchpoints and transitions


@at(COUNTS, "touchpoints.*.events")
def events_at(log: PlainLog) -> pd.Series:
    return log.rows.groupby("touchpoint").size()


@at(COUNTS, "touchpoints.*.journeys")
def journeys_at(log: PlainLog) -> pd.Series:
    return log.rows.groupby("touchpoint")["journey"].nunique()


@at(COUNTS, "touchpoints.*.customers")
def customers_at(log: PlainLog) -> pd.Series:
    return log.rows.groupby("touchpoint")["customer"].nunique()


def moves(log: PlainLog) -> Rows:
    """Return every step with what it comes from and leads to, the start and the end among them."""
    rows = log.visits
    ends = rows["journey"] != rows["journey"].shift(-1)
    then = rows["touchpoint"].shift(-1).mask(ends, "(end)")
    steps = rows.assign(source=rows["touchpoint"], target=then)
    start = log.at_start.assign(source="(start)", target=log.rows["touchpoint"])
    if log.has_clock:
        steps["seconds"] = (rows["t"].shift(-1) - rows["t"]).dt.total_seconds()
    return pd.concat([start, steps])


@at(COUNTS, "transitions.*.events")
def events_on(log: PlainLog) -> pd.Series:
    return moves(log).groupby(["source", "target"]).size()


@at(COUNTS, "transitions.*.journeys")
def journeys_on(log: PlainLog) -> pd.Series:
    return moves(log).groupby(["source", "target"])["journey"].nunique()


@at(COUNTS, "transitions.*.customers")
def customers_on(log: PlainLog) -> pd.Series:
    return moves(log).groupby(["source", "target"])["customer"].nunique()


@at(COUNTS, "transitions.*.median_seconds")
def seconds_on(log: PlainLog) -> pd.Series:
    return moves(log).groupby(["source", "target"])["seconds"].median()


def all_visits(log: PlainLog) -> Rows:
    return log.visits


def visits_with_a_next_step(log: PlainLog) -> Rows:
    """Leave out the last visit of an open journey: what follows it is not known."""
    is_open = log.visits["journey"].map(log.end) == "open"
    return log.visits[goes_on(log) | ~is_open]


MEASURES = "touchpoints.*.measures."
BASES[f"{MEASURES}rework"] = all_visits
BASES["touchpoints.*.automation_fit"] = BASES["touchpoints.*.empathy_need"] = all_visits
BASES[f"{MEASURES}next_steps"] = visits_with_a_next_step
BASES[f"{MEASURES}rule_skill"] = visits_with_a_next_step


@at(VALUES, f"{MEASURES}rework")
def rework(log: PlainLog) -> pd.Series:
    visits = log.visits.groupby(["touchpoint", "journey"]).size()
    return (visits >= 2).groupby("touchpoint").mean()


@at(BASES, f"{MEASURES}stability")
def timed_visits(log: PlainLog) -> Rows | None:
    return visits_with_a_next_step(log) if log.has_clock else None


@at(BASES, f"{MEASURES}wait")
def waits(log: PlainLog) -> Rows | None:
    return log.visits[goes_on(log)] if log.has_clock else None


@at(BASES, f"{MEASURES}drop_off")
def ended_visits(log: PlainLog) -> Rows | None:
    if not log.config.journeys.goals:
        return None
    return log.rows[log.rows["journey"].map(log.end) != "open"]


@at(VALUES, f"{MEASURES}drop_off")
def drop_off(log: PlainLog) -> pd.Series:
    rows = ended_visits(log)
    lost = log.is_last[rows.index] & (rows["journey"].map(log.end) != "goal")
    return lost.groupby(rows["touchpoint"]).sum() / rows.groupby("touchpoint")["journey"].nunique()


def whole_weeks(log: PlainLog) -> tuple[Rows, int]:
    """Return the visits of whole weeks from the first event, and how many weeks there are."""
    t = log.rows["t"]
    weeks = (t.max() - t.min()) // pd.Timedelta(weeks=1)
    return log.visits[log.visits["t"] < t.min() + pd.Timedelta(weeks=weeks)], weeks


@at(BASES, f"{MEASURES}volume")
def visits_of_whole_weeks(log: PlainLog) -> Rows | None:
    return whole_weeks(log)[0] if log.has_clock else None


@at(VALUES, f"{MEASURES}volume")
def volume(log: PlainLog) -> pd.Series:
    rows, weeks = whole_weeks(log)
    return rows.groupby("touchpoint").size() / weeks


@at(BASES, f"{MEASURES}human_visits")
def visits_of_humans(log: PlainLog) -> Rows | None:
    """Return the visits of whole weeks in which a human acts."""
    if not log.has_clock or "actor" not in log.rows:
        return None
    number = log.rows.index.isin(log.visits.index).cumsum()
    human = pd.Series(number, log.rows.index)[log.rows["actor"] == "human"]
    rows = whole_weeks(log)[0]
    return rows[pd.Series(number, log.rows.index)[rows.index].isin(human)]


@at(VALUES, f"{MEASURES}human_visits")
def human_visits(log: PlainLog) -> pd.Series:
    return visits_of_humans(log).groupby("touchpoint").size() / whole_weeks(log)[1]


@at(BASES, f"{MEASURES}transfers")
def served_turns(log: PlainLog) -> Rows | None:
    return log.rows[log.rows["actor"].isin(["bot", "human"])] if "actor" in log.rows else None


@at(BASES, f"{MEASURES}exceptions")
def human_turns(log: PlainLog) -> Rows | None:
    if not {"actor", "resource"} <= set(log.rows):
        return None
    return log.rows[log.rows["actor"] == "human"]


def contacts(log: PlainLog) -> Rows:
    """Return the first event of each contact: one customer at one touchpoint without a silence."""
    rows = log.rows.sort_values(["customer", "touchpoint", "t"], kind="stable")
    same = (rows[["customer", "touchpoint"]] == rows[["customer", "touchpoint"]].shift(1)).all(
        axis=1
    )
    silence = pd.Timedelta(minutes=log.config.measures.session_gap_minutes)
    first = rows[~same | (rows["t"].diff() > silence)]
    next_t = first.groupby(["customer", "touchpoint"])["t"].shift(-1)
    window = pd.Timedelta(days=log.config.measures.repeat_days)
    first = first.assign(again=(next_t - first["t"]) <= window)
    return first[first["t"] <= log.rows["t"].max() - window]


def knows_customers(log: PlainLog) -> bool:
    return log.has_clock and not (log.rows["customer"] == log.rows["journey"]).all()


@at(BASES, f"{MEASURES}repeat_contact", "flow.repeat_contact")
def mature_contacts(log: PlainLog) -> Rows | None:
    return contacts(log) if knows_customers(log) else None


@at(VALUES, f"{MEASURES}repeat_contact")
def repeat_contact_at(log: PlainLog) -> pd.Series:
    return contacts(log).groupby("touchpoint")["again"].mean()


@at(VALUES, "flow.repeat_contact")
def repeat_contact(log: PlainLog) -> float:
    return float(contacts(log)["again"].mean())


# ---- the flow of the whole log

for _name in ("journeys_per_customer", "steps_per_journey", "open", "loop_rate", "self_loop_rate"):
    BASES[f"flow.{_name}"] = all_visits


@at(VALUES, "flow.journeys_per_customer")
def journeys_per_customer(log: PlainLog) -> float:
    return journeys(log) / customers(log)


@at(VALUES, "flow.steps_per_journey")
def steps_per_journey(log: PlainLog) -> float:
    return len(log.rows) / journeys(log)


@at(VALUES, "flow.open")
def share_open(log: PlainLog) -> float:
    return open_journeys(log) / journeys(log)


@at(VALUES, "flow.self_loop_rate")
def self_loop_rate(log: PlainLog) -> float:
    return float(same_again(log).sum() / goes_on(log).sum())


def goes_on(log: PlainLog) -> pd.Series:
    """Tell whether another visit follows in the journey."""
    return log.visits["journey"] == log.visits["journey"].shift(-1)


def same_again(log: PlainLog) -> pd.Series:
    return goes_on(log) & (log.visits["touchpoint"] == log.visits["touchpoint"].shift(-1))


@at(VALUES, "flow.loop_rate")
def loop_rate(log: PlainLog) -> float:
    """Count moves after which a touchpoint comes again that came at or before the move."""
    rows = log.visits.assign(row=range(len(log.visits)))
    latest = rows.groupby(["journey", "touchpoint"])["row"].transform("max")
    within = latest.groupby(rows["journey"]).cummax() > rows["row"]
    return float((within & goes_on(log) & ~same_again(log)).sum() / goes_on(log).sum())


@at(BASES, "flow.throughput_seconds")
def seen_from_the_start(log: PlainLog) -> Rows | None:
    if not log.has_clock:
        return None
    return log.rows[~log.rows["journey"].map(is_cut_off(log))]


# ---- structure

for _name in ("visited", "visits", "removal_effect"):
    BASES[f"structure.chain.*.{_name}"] = lambda log: whole_log_for_each(log)
for _name in ("steps_to_end", "p_goal", "p_bad_end", "p_other", "p_open"):
    BASES[f"structure.chain.*.{_name}"] = lambda log: visits_and_starts(log)
BASES["structure.points_of_no_return.*.p_goal"] = all_visits


def whole_log_for_each(log: PlainLog) -> Rows:
    """Return one row per journey for each touchpoint and the start."""
    every = log.at_start[["journey", "customer"]]
    spots = ["(start)", *log.rows["touchpoint"].unique()]
    return every.merge(pd.DataFrame({"touchpoint": spots}), how="cross")


def visits_and_starts(log: PlainLog) -> Rows:
    return pd.concat([log.visits, log.at_start])


@at(VALUES, "structure.chain.*.visited")
def visited(log: PlainLog) -> pd.Series:
    return visits_and_starts(log).groupby("touchpoint")["journey"].nunique() / journeys(log)


@at(COUNTS, "structure.points_of_no_return.*.visited")
def visited_without_return(log: PlainLog) -> pd.Series:
    return visited(log)


@at(VALUES, "structure.chain.*.visits")
def visits(log: PlainLog) -> pd.Series:
    return visits_and_starts(log).groupby("touchpoint").size() / journeys(log)


@at(BASES, "structure.ends.*.share")
def ends_at(log: PlainLog) -> Rows:
    kinds = pd.DataFrame({"end": ["goal", "bad_end", "other", "open"]})
    return visits_and_starts(log)[["touchpoint", "journey", "customer"]].merge(kinds, how="cross")


@at(VALUES, "structure.ends.*.share")
def ends(log: PlainLog) -> pd.Series:
    passed = visits_and_starts(log)[["touchpoint", "journey"]].drop_duplicates()
    end = passed["journey"].map(log.end)
    return end.groupby(passed["touchpoint"]).value_counts(normalize=True)


@at(COUNTS, "structure.suppressed")
def touchpoints_of_few(log: PlainLog) -> int:
    return int((customers_at(log) < MIN_CUSTOMERS).sum())


@at(COUNTS, "structure.memory.steps")
def known_next_steps(log: PlainLog) -> int:
    """What follows the last visit of an open journey is not known; a few of those are not told."""
    few = 0 < open_journeys(log) < MIN_CUSTOMERS
    return len(log.visits if few else visits_with_a_next_step(log))


@at(COUNTS, "structure.maps.*.ledger.*.total")
def totals(log: PlainLog) -> dict[tuple[int, str], int]:
    every = {"events": len(log.rows), "visits": len(log.visits), "journeys": journeys(log)}
    every |= {"touchpoints": len(events_at(log)), "moves": len(log.visits) + journeys(log)}
    return {(number, what): n for number in range(3) for what, n in every.items()}


# ---- who acts


@at(COUNTS, "handoffs.actor_changes.*.events")
def changes_of_actor(log: PlainLog) -> pd.Series:
    return hands(log).size()


@at(COUNTS, "handoffs.actor_changes.*.journeys")
def journeys_that_change_hands(log: PlainLog) -> pd.Series:
    return hands(log)["journey"].nunique()


@at(COUNTS, "handoffs.actor_changes.*.customers")
def customers_who_change_hands(log: PlainLog) -> pd.Series:
    return hands(log)["customer"].nunique()


def hands(log: PlainLog) -> Any:
    rows = log.rows if "actor" in log.rows else log.rows.assign(actor="nobody")
    rows = rows[rows["actor"].notna()]
    same = rows["journey"] == rows["journey"].shift(-1)
    target = rows["actor"].shift(-1).where(same)
    changed = rows.assign(source=rows["actor"], target=target)
    changed = changed[target.notna() & (target != rows["actor"])]
    return changed.groupby(["source", "target"])


def bot_rows(log: PlainLog) -> Rows:
    """Return the turns of bots. Without a clock a journey with one is a session of a bot."""
    return log.rows[log.rows["actor"] == "bot"] if "actor" in log.rows else log.rows[:0]


def served_by_people(log: PlainLog) -> set[Any]:
    """Return the sessions of a bot in which a human acts."""
    own = log.rows["journey"].isin(bot_rows(log)["journey"])
    return (
        set(log.rows.loc[own & (log.rows["actor"] == "human"), "journey"]) if own.any() else set()
    )


@at(COUNTS, "handoffs.sessions")
def sessions(log: PlainLog) -> int:
    return bot_rows(log)["journey"].nunique()


@at(COUNTS, "handoffs.handed_over")
def handed_over(log: PlainLog) -> int:
    return len(served_by_people(log))


@at(COUNTS, "handoffs.ended_with_bot")
def ended_with_bot(log: PlainLog) -> int:
    """Nobody falls silent on the one bot of these logs: whom no human serves ends with it."""
    return sessions(log) - handed_over(log)


@at(COUNTS, "handoffs.abandoned", "handoffs.open", "disclosure.sessions", "disclosure.unknown")
def no_session(log: PlainLog) -> int:
    """No log with a bot has a clock, so none is open; none says if a bot was disclosed."""
    return 0


# ---- what a bot is asked, and how its sessions end

ASKS_FOR_A_HUMAN = (
    r"(?:transfer|connect|connecting) me\b|being transferred to|with the transfer"
    r"|(?:speak|speaking|talk|talking) (?:to|with)\b(?! you soon)"
)


def requests(log: PlainLog) -> Rows:
    """Return the customers' turns that ask for a human, by words that were found by reading."""
    if "text" not in log.rows:
        return log.rows[:0]
    theirs = log.rows[(log.rows["actor"] == "customer") & log.rows["text"].notna()]
    asks = theirs["text"].str.contains(ASKS_FOR_A_HUMAN, case=False)
    return theirs[asks & theirs["journey"].isin(bot_rows(log)["journey"])]


@at(COUNTS, "handoffs.requests")
def number_of_requests(log: PlainLog) -> int:
    return len(requests(log))


@at(COUNTS, "tipping_points.*.sessions")
def sessions_of_everyone(log: PlainLog) -> dict[str, int]:
    return {"all": sessions(log)}


@at(COUNTS, "tipping_points.*.events")
def frustrated_exits(log: PlainLog) -> dict[str, int]:
    """Sessions in which somebody asks for a human: nobody leaves in silence."""
    return {"all": requests(log)["journey"].nunique()}


for _name in ("escape_hatch_offered", "loops", "requests_rate", "silent_abandonment"):
    BASES[f"handoffs.further.{_name}"] = bot_rows
BASES["handoffs.contained_raw"] = bot_rows
for _name in ("requests_honoured", "further.dead_cries"):
    BASES[f"handoffs.{_name}"] = requests


@at(
    BASES,
    "handoffs.further.handovers_cold",
    "handoffs.further.handovers_requested",
    "handoffs.further.handovers_scripted",
    "handoffs.further.handovers_triggered",
    "handoffs.further.ping_pong_bots",
    "handoffs.further.ping_pong_people",
    "handoffs.ping_pong",
)
def handed_over_rows(log: PlainLog) -> Rows:
    return log.rows[log.rows["journey"].isin(served_by_people(log))]


@at(BASES, "handoffs.further.cries_to_human")
def requests_before_a_human(log: PlainLog) -> Rows:
    own = requests(log)
    return own[own["journey"].isin(served_by_people(log))]


@at(VALUES, "handoffs.further.cries_to_human")
def cries_to_human(log: PlainLog) -> float:
    own = requests_before_a_human(log)
    return len(own) / own["journey"].nunique()


@at(VALUES, "handoffs.further.dead_cries")
def never_honoured(log: PlainLog) -> float:
    asked = requests(log)["journey"].nunique()
    return 1 - requests_before_a_human(log)["journey"].nunique() / asked


@at(VALUES, "handoffs.requests_honoured")
def honoured(log: PlainLog) -> float:
    return 1 - never_honoured(log)


@at(VALUES, "handoffs.contained_raw")
def contained_raw(log: PlainLog) -> float:
    return ended_with_bot(log) / sessions(log)


@at(VALUES, "handoffs.further.requests_rate")
def requests_rate(log: PlainLog) -> float:
    return requests(log)["journey"].nunique() / sessions(log)


@at(VALUES, "handoffs.further.handovers_requested")
def handovers_requested(log: PlainLog) -> float:
    return requests_before_a_human(log)["journey"].nunique() / handed_over(log)


@at(VALUES, "handoffs.further.handovers_cold", "handoffs.further.silent_abandonment")
def never(log: PlainLog) -> float:
    """A session is a whole journey without a clock, and whom nobody serves speaks last."""
    return 0.0


@at(VALUES, "handoffs.further.ping_pong_bots", "handoffs.ping_pong")
def ping_pong(log: PlainLog) -> float:
    """Journeys with two or more changes between bot and human, of those with one."""
    served = log.rows[log.rows["actor"].isin(["bot", "human"])]
    same = served["journey"] == served["journey"].shift(1)
    changes = (
        (same & (served["actor"] != served["actor"].shift(1))).groupby(served["journey"]).sum()
    )
    return float((changes >= 2).sum() / (changes >= 1).sum())


@at(VALUES, "handoffs.further.loops")
def loops(log: PlainLog) -> float:
    return len(sessions_in_a_loop(log)) / sessions(log)


def sessions_in_a_loop(log: PlainLog) -> set[Any]:
    """Return where the bot says the same words, or without words comes back, three times."""
    turns = bot_rows(log)
    if turns.empty:
        return set()
    words = turns["text"].str.lower().str.replace(r"\W+", " ", regex=True).str.strip()
    before = turns.groupby("journey")["touchpoint"].shift(1)
    comes = words.isna() & (turns["touchpoint"] != before)
    rounds = turns.assign(what=words.fillna("at " + turns["touchpoint"]))[words.notna() | comes]
    often = rounds.groupby(["journey", "what"]).size() >= 3
    return set(often[often].index.get_level_values("journey"))


def bot_begins(log: PlainLog) -> Rows:
    """Return the first turn of the bot in each of its sessions."""
    return bot_rows(log).drop_duplicates("journey")


@at(COUNTS, "decisions.bots.*.sessions")
def sessions_of_each_bot(log: PlainLog) -> pd.Series:
    return bot_begins(log).groupby("touchpoint").size()


@at(COUNTS, "decisions.bots.*.customers")
def customers_of_each_bot(log: PlainLog) -> pd.Series:
    return bot_begins(log).groupby("touchpoint")["customer"].nunique()


@at(COUNTS, "decisions.bots.*.ends.handed_over")
def handed_over_by_each_bot(log: PlainLog) -> pd.Series:
    begins = bot_begins(log)
    return begins["journey"].isin(served_by_people(log)).groupby(begins["touchpoint"]).mean()


@at(COUNTS, "decisions.bots.*.ends.ended_with_bot")
def ended_with_each_bot(log: PlainLog) -> pd.Series:
    return 1 - handed_over_by_each_bot(log)


@at(COUNTS, "decisions.bots.*.ends.abandoned", "decisions.customers")
def none_of_them(log: PlainLog) -> int:
    """Nobody falls silent on a bot, and no touchpoint of these logs has a verdict."""
    return 0


# ---- what customers say


@at(BASES, f"{MEASURES}feeling_at_entry", f"{MEASURES}negative", f"{MEASURES}human_request")
def said(log: PlainLog) -> Rows | None:
    if "text" not in log.rows:
        return None
    return log.rows[(log.rows["actor"] == "customer") & log.rows["text"].notna()]


@at(BASES, f"{MEASURES}volatility")
def said_between_others(log: PlainLog) -> Rows | None:
    return said(log)


@at(VALUES, f"{MEASURES}human_request")
def share_that_asks(log: PlainLog) -> pd.Series:
    asked = requests(log).groupby("touchpoint")["journey"].nunique()
    return asked / said(log).groupby("touchpoint")["journey"].nunique()


@at(BASES, f"{MEASURES}sentiment_drop")
def between_two_turns(log: PlainLog) -> Rows | None:
    """Return events with a text of the customer before them, and one at them or after."""
    own = said(log)
    if own is None:
        return None
    row = pd.Series(own.index, own.index).groupby(own["journey"])
    first, last = row.min(), row.max()
    rows = log.rows[log.rows["journey"].isin(own["journey"])]
    place = pd.Series(rows.index, rows.index)
    return rows[(place > rows["journey"].map(first)) & (place <= rows["journey"].map(last))]


# ---- what changed


@at(COUNTS, "changes.*.n_after")
def begins_after(log: PlainLog) -> dict[str, int]:
    return {"begins_with_touchpoint-product_view": int(log.is_first[last_week(log)].sum())}


@at(COUNTS, "changes.*.n_before")
def begins_before(log: PlainLog) -> dict[str, int]:
    return {"begins_with_touchpoint-product_view": int(log.is_first[weeks_before(log)].sum())}


@at(COUNTS, "changes.*.customers")
def customers_after(log: PlainLog) -> dict[str, int]:
    new = log.rows[log.is_first & last_week(log)]
    return {"begins_with_touchpoint-product_view": new["customer"].nunique()}


@at(COUNTS, "changes.*.after")
def share_after(log: PlainLog) -> dict[str, float]:
    new = log.rows[log.is_first & last_week(log)]
    return {
        "begins_with_touchpoint-product_view": float((new["touchpoint"] == "product_view").mean())
    }


@at(COUNTS, "changes.*.before")
def share_before(log: PlainLog) -> dict[str, float]:
    new = log.rows[log.is_first & weeks_before(log)]
    return {
        "begins_with_touchpoint-product_view": float((new["touchpoint"] == "product_view").mean())
    }


def last_week(log: PlainLog) -> pd.Series:
    """Mark the events of the week that is compared: the last whole one of the clickstream."""
    return log.rows["t"].dt.strftime("%Y-%m-%d").between("2024-06-22", "2024-06-28")


def weeks_before(log: PlainLog) -> pd.Series:
    """Mark the events of the twelve weeks before it."""
    return log.rows["t"].dt.strftime("%Y-%m-%d").between("2024-03-30", "2024-06-21")


# ---- the maps


@at(COUNTS, "structure.maps.*.ledger.*.shown")
def shown_on_maps(log: PlainLog) -> dict[tuple[int, str], Any]:
    return {key: parts[0] for key, parts in parts_of_maps(log).items()}


@at(COUNTS, "structure.maps.*.ledger.*.folded")
def folded_on_maps(log: PlainLog) -> dict[tuple[int, str], Any]:
    return {key: parts[1] for key, parts in parts_of_maps(log).items()}


@at(COUNTS, "structure.maps.*.ledger.*.suppressed")
def suppressed_on_maps(log: PlainLog) -> dict[tuple[int, str], Any]:
    return {key: parts[2] for key, parts in parts_of_maps(log).items()}


@at(COUNTS, "structure.maps.*.share")
def share_of_journeys_on_maps(log: PlainLog) -> dict[int, tuple[float, float]]:
    most = {key[0]: parts[0] for key, parts in parts_of_maps(log).items() if key[1] == "journeys"}
    return {number: (0, hi / journeys(log)) for number, (_lo, hi) in most.items()}


def parts_of_maps(log: PlainLog) -> dict[tuple[int, str], tuple[Any, Any, Any]]:
    """Return what the maps of 20, 50 and 100 % of the touchpoints show, fold and suppress.

    Of moves and journeys as far as touchpoints alone decide: a pair is the least and the most.
    """
    many = journeys_at(log)[customers_at(log) >= MIN_CUSTOMERS]
    order = sorted(many.index, key=lambda spot: (-many[spot], spot))
    every, found = journeys(log), {}
    for number, kept in enumerate((0.2, 0.5, 1.0)):
        mine = order[: math.ceil(kept * len(order) - 1e-9)]
        for what, rows in (("events", log.rows), ("visits", log.visits)):
            folded, hidden = left_over(log, rows, mine)
            sizes = len(rows) - len(folded) - len(hidden), len(folded), len(hidden)
            # A row of which one part is of a few is not shown at all.
            few = any(0 < n < MIN_CUSTOMERS for n in sizes)
            found[number, what] = (None, None, None) if few else sizes
        folds = folded["touchpoint"].nunique(), hidden["touchpoint"].nunique()
        found[number, "touchpoints"] = len(mine), *folds
        within = every - pd.concat([folded, hidden])["journey"].nunique()
        found[number, "journeys"] = (0, within), (every - within, every), 0
        inside, ends = moves(log), {"(start)", "(end)", *mine}
        among = int((inside["source"].isin(ends) & inside["target"].isin(ends)).sum())
        found[number, "moves"] = (0, among), (0, len(inside)), (0, len(inside))
    return found


def left_over(log: PlainLog, rows: Rows, mine: list[str]) -> tuple[Rows, Rows]:
    """Return the rows at other touchpoints, by stage: of enough customers, and of too few."""
    stage = dict(log.config.roles.stage_values)
    other = rows[~rows["touchpoint"].isin(mine)]
    own = other["stage"] if "stage" in other else other["touchpoint"].map(stage)
    other = other.assign(stage=own.fillna("(other)"))
    few = other.groupby("stage")["customer"].transform("nunique") < MIN_CUSTOMERS
    return other[~few], other[few]


# ---- the paradoxes of the airline bot: the other logs have no bot


def served_journeys(log: PlainLog) -> Rows:
    """Return the rows of journeys that are over and in which a bot or a human acts."""
    rows = log.rows if "actor" in log.rows else log.rows[:0].assign(actor="")
    served = rows.loc[rows["actor"].isin(["bot", "human"]), "journey"]
    return rows[rows["journey"].isin(served) & (rows["journey"].map(log.end) != "open")]


@at(
    BASES,
    "paradoxes.*.benefit",
    "paradoxes.*.cost",
    "paradoxes.*.supporting.through_one_bot_alone",
)
def served_of_each_paradox(log: PlainLog) -> Rows:
    bots = served_journeys(log)
    contacts_of_bots = bots[bots["journey"].isin(bot_rows(log)["journey"])]
    return pd.concat(
        [
            bots.assign(name="powerful_vulnerable"),
            contacts_of_bots.assign(name="satisfied_frustrated"),
        ]
    )


@at(BASES, "paradoxes.*.supporting.corrections", "paradoxes.*.supporting.dependence")
def turns_of_bots(log: PlainLog) -> Rows:
    return bot_rows(log).assign(name="powerful_vulnerable")


def unheard(log: PlainLog) -> set[Any]:
    """Return the sessions in which somebody asks for a human in vain."""
    return set(requests(log)["journey"]) - served_by_people(log)


@at(VALUES, "paradoxes.*.benefit")
def completed_by_bots_alone(log: PlainLog) -> dict[str, float]:
    alone = ended_with_bot(log) - len(unheard(log))
    return {"powerful_vulnerable": alone / served_journeys(log)["journey"].nunique()}


def most_through_one(log: PlainLog, journeys_left_out: set[Any]) -> float:
    """Return the share of journeys through the one bot that most of those left pass."""
    own = bot_rows(log)[~bot_rows(log)["journey"].isin(journeys_left_out)]
    passed = own.groupby("touchpoint")["journey"].nunique()
    return float(passed.max() / served_journeys(log)["journey"].nunique()) if len(own) else 0.0


@at(VALUES, "paradoxes.*.cost")
def costs_of_bots(log: PlainLog) -> dict[str, float]:
    frustrated = unheard(log) | sessions_in_a_loop(log)
    return {
        "powerful_vulnerable": most_through_one(log, unheard(log)),
        "satisfied_frustrated": len(frustrated) / max(sessions(log), 1),
    }


@at(VALUES, "paradoxes.*.supporting.through_one_bot_alone")
def through_one_bot_alone(log: PlainLog) -> dict[str, float]:
    left_out = served_by_people(log) | unheard(log)
    return {"powerful_vulnerable": most_through_one(log, left_out)}


@at(VALUES, "paradoxes.*.supporting.dependence")
def dependence(log: PlainLog) -> dict[str, float]:
    passed = bot_rows(log).groupby("touchpoint")["journey"].nunique()
    return {"powerful_vulnerable": float(((passed / passed.sum()) ** 2).sum())}


@at(VALUES, "paradoxes.*.supporting.corrections")
def corrections(log: PlainLog) -> dict[str, float]:
    """No customer of the airline says that an answer was wrong."""
    return {"powerful_vulnerable": 0.0}


@at(COUNTS, "findings.*.evidence.raw")
def raw_containment(log: PlainLog) -> dict[str, float]:
    return {"containment": contained_raw(log)}


# What no plain count of a log gives, and why.
NO_COUNTS = {
    "log.suppressed_cells": "cells that the audit hides, not events of the log",
    "cut_sensitivity.*.gap_days": "the gap, fitted to two humps of silences",
    "cut_sensitivity.*.verdicts_*": "verdicts of the scorecard",
    "touchpoints.*.verdict_stability": "share of resamples with the same verdict",
    "axes.*": "a correlation of scores, and the touchpoints that have both",
    "structure.memory.order": "chosen by held-out loss",
    "structure.memory.losses.*": "losses of a model on held-out customers",
    "structure.maps.*.kept": "a setting of the map",
    "handoffs.items.*.limit": "a convention of the settings",
    "handoffs.items.*.harm": "a convention of the settings",
    "stories.*": "recounted in test_stories_are_those_of_plain_pandas",
    "changes.*.difference.*": "an interval of two shares",
    "changes.*.q_value": "a test",
    "comparison.references": "periods that are compared: a setting, as far as the log goes back",
    "comparison.compared": "streams that are compared",
}
