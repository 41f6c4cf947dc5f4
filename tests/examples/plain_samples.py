"""What the documents of the samples count beside those of the real logs: bots, surveys, intents.

The samples say few different texts, so who asks, thanks or does not understand is a plain list.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from tests.examples import plain_counts as plain
from tests.examples.plain_counts import MEASURES, MIN_CUSTOMERS, Rows, at
from tests.examples.plain_logs import PlainLog

COUNTS: dict[str, Callable[[PlainLog], Any]] = {}
BASES: dict[str, Callable[[PlainLog], Rows | None]] = {}
VALUES: dict[str, Callable[[PlainLog], Any]] = {}
ASKS = ("I want to talk to a human", "agent!", "human please", "let me speak to a person")
ASKS += ("Mitarbeiter bitte!", "Ich will mit einem Menschen sprechen")
CONFIRMS = ("great, thank you", "thanks, that helped", "perfect, it works now")
AWAITS = ("Sorry, could you rephrase that?", "Hi, how can I help?")
DAY = pd.Timedelta(days=1)


# ---- the log


@at(COUNTS, "log.quality.*.rows")
def quality(log: PlainLog) -> dict[tuple[str, str], int]:
    rows, roles = log.rows, log.config.roles
    declared = ["channel", "stage", "segment", "intent", "resource", "session", "text", "actor"]
    declared += ["context_sent", "context_requested", "sentiment", "rating", "cost"]
    declared += ["ai_disclosed", "error", *roles.attributes]
    found = {("missing", one): int(rows[one].isna().sum()) for one in declared if one in rows}
    found["missing", "end_timestamp"] = int(rows["end"].isna().sum())
    found["unusable", "timestamp"] = log.read - len(rows)
    found["unmapped", "actor"] = int(rows["actor"].isna().sum())
    found["ties", "timestamp"] = int(rows.duplicated(["customer", "t"], keep=False).sum())
    same = ["customer", "touchpoint", "position", "t", "end", *declared]
    found["duplicates", ""] = int(rows.duplicated([one for one in same if one in rows]).sum())
    if (rows["t"].dt.second == 0).all():
        found["clock_resolution", "timestamp"] = len(rows)
    strangers = ~outcomes(log)["customer_id"].isin(rows["customer"])
    found["outcomes_without_events", "outcomes"] = int(strangers.sum())
    return found


@at(COUNTS, "log.quality.*.share")
def quality_shares(log: PlainLog) -> dict[tuple[str, str], float]:
    """Shares are of the rows that were read, those of outcomes of all outcomes."""
    of = {"outcomes": len(outcomes(log))}
    return {key: rows / of.get(key[1], log.read) for key, rows in quality(log).items()}


@at(COUNTS, "findings.*.evidence.rows")
def quality_in_findings(log: PlainLog) -> dict[str, int]:
    return {f"quality-{check}-{role}": n for (check, role), n in quality(log).items()}


@at(COUNTS, "findings.*.evidence.share")
def quality_shares_in_findings(log: PlainLog) -> dict[str, float]:
    return {f"quality-{check}-{role}": n for (check, role), n in quality_shares(log).items()}


@cache
def outcomes(log: PlainLog) -> Rows:
    return pd.read_csv(log.config.log.outcomes.file)


@at(COUNTS, "cut_sensitivity.*.journeys")
def other_cuts(log: PlainLog) -> dict[tuple[Any, ...], int]:
    return {cut: int(new.sum()) for cut, new in begins_by_gap(log).items()}


def begins_by_gap(log: PlainLog) -> dict[tuple[Any, ...], pd.Series]:
    """Mark the first events of journeys by half, once and twice the gap since the latest end."""
    rows = log.rows
    new = rows["customer"] != rows["customer"].shift(1)
    silence = rows["t"] - rows.groupby("customer")["done"].cummax().shift(1)
    return {("gap", days, None): new | (silence > days * DAY) for days in GAPS}


GAPS = (7.0, 14.0, 28.0)


@at(COUNTS, "cut_sensitivity.*.customers")
def customers_of_other_cuts(log: PlainLog) -> dict[tuple[Any, ...], int]:
    return dict.fromkeys(other_cuts(log), plain.customers(log))


@at(COUNTS, "cut_sensitivity.*.steps_per_journey")
def steps_of_other_cuts(log: PlainLog) -> dict[tuple[Any, ...], float]:
    return {cut: len(log.rows) / many for cut, many in other_cuts(log).items()}


# ---- contacts, and who comes back


@cache
def matters(log: PlainLog) -> pd.Series:
    """Return what each event is about: its intent, else the first known one around it.

    Around an event are the customer's others in its session, and without a session those
    that no silence of ``session_gap_minutes`` parts from it.
    """
    rows = log.rows
    around = rows.groupby(["customer", stretches(log)])["intent"].transform("first")
    in_session = rows.groupby(["customer", "session"])["intent"].transform("first")
    near = in_session.where(rows["session"].notna(), around)
    return rows["intent"].fillna(near)


def stretches(log: PlainLog) -> pd.Series:
    """Number the events of each customer in stretches without a silence of the session gap."""
    rows, gap = log.rows, pd.Timedelta(minutes=log.config.measures.session_gap_minutes)
    before = rows.groupby("customer")["done"].cummax().groupby(rows["customer"]).shift(1)
    return (rows["t"] - before > gap).groupby(rows["customer"]).cumsum()


@cache
def contacts(log: PlainLog) -> Rows:
    """Return one row per contact and touchpoint that it touches, with whether another follows."""
    rows = log.rows.assign(about=matters(log).fillna("?"), row=log.rows.index)
    rows["contact"] = number_contacts(log, rows)
    rows["opens"] = ~rows.duplicated("contact")
    opening = rows[rows["opens"] & (rows["about"] != "?")][["customer", "about", "row", "t"]]
    here = rows.drop_duplicates(["contact", "touchpoint"])
    pairs = here.merge(opening, on=["customer", "about"], suffixes=("", "_next"))
    window = log.config.measures.repeat_days * DAY
    later = (pairs["row_next"] > pairs["row"]) & (pairs["t_next"] - pairs["t"] <= window)
    here = here.assign(again=here["row"].isin(pairs.loc[later, "row"]))
    return here[here["t"] <= log.rows["t"].max() - window]


def number_contacts(log: PlainLog, rows: Rows) -> list[int]:
    """Number the contacts: a customer, a matter, and one session or no silence of the gap."""
    gap = pd.Timedelta(minutes=log.config.measures.session_gap_minutes)
    heard: dict[Any, int] = {}
    latest: dict[Any, tuple[int, Any]] = {}
    numbers: list[int] = []
    columns = ["customer", "about", "session", "t", "done"]
    for customer, about, session, t, done in rows[columns].itertuples(index=False, name=None):
        before = latest.get((customer, about))
        number = len(numbers)
        if not pd.isna(session):
            number = heard.setdefault((customer, about, session), number)
        elif before is not None and t - before[1] <= gap:
            number = before[0]
        latest[customer, about] = number, done if before is None else max(before[1], done)
        numbers.append(number)
    return numbers


BASES[f"{MEASURES}repeat_contact"] = BASES["flow.repeat_contact"] = lambda log: contacts(log)


@at(VALUES, f"{MEASURES}repeat_contact")
def repeat_contact_at(log: PlainLog) -> pd.Series:
    return contacts(log).groupby("touchpoint")["again"].mean()


@at(VALUES, "flow.repeat_contact")
def repeat_contact(log: PlainLog) -> float:
    return float(contacts(log).query("opens")["again"].mean())


@at(COUNTS, "cut_sensitivity.*.repeat_contact")
def repeats_of_other_cuts(log: PlainLog) -> dict[tuple[Any, ...], float]:
    return dict.fromkeys(other_cuts(log), repeat_contact(log))


# ---- measures of touchpoints


@at(VALUES, f"{MEASURES}human_request")
def share_that_asks(log: PlainLog) -> pd.Series:
    theirs = plain.said(log)
    asks = theirs["text"].isin(ASKS).groupby([theirs["touchpoint"], theirs["journey"]]).any()
    return asks.groupby("touchpoint").mean()


BASES[f"{MEASURES}exceptions"] = plain.all_visits


@at(BASES, f"{MEASURES}vulnerable")
def flagged(log: PlainLog) -> Rows:
    return log.visits[log.visits["vulnerable"].notna()]


@at(VALUES, f"{MEASURES}vulnerable")
def vulnerable(log: PlainLog) -> pd.Series:
    """Customers with the flag, of those that came by and whose flag is known."""
    people = log.visits.groupby(["touchpoint", "customer"])["vulnerable"].max()
    return people.groupby("touchpoint").mean()


@at(BASES, f"{MEASURES}load")
def visits_of_whole_weeks(log: PlainLog) -> Rows:
    return plain.whole_weeks(log)[0]


# ---- bots


@cache
def in_sessions(log: PlainLog) -> Rows:
    """Return the rows of sessions in which a bot acts before any human, with their own keys."""
    rows = log.rows[log.rows["session"].notna()]
    rows = rows.assign(unit=rows.groupby(["journey", "session"]).ngroup(), row=rows.index)
    served = rows[rows["actor"].isin(["bot", "human"])].drop_duplicates("unit").set_index("unit")
    first = served.loc[served["actor"] == "bot", "row"]
    rows = rows.assign(first_bot=rows["unit"].map(first))
    return rows[rows["first_bot"].notna()]


@cache
def bot_sessions(log: PlainLog) -> Rows:
    """Return one row per session of a bot: whose, where it begins, and how it ends."""
    rows = in_sessions(log)
    by = rows.groupby("unit")
    table = by[["journey", "customer", "first_bot"]].first()
    table["touchpoint"] = log.rows["touchpoint"].reindex(table["first_bot"]).to_numpy()
    table["intent"] = by["intent"].first()
    table["done"] = by["done"].max()
    table["human"] = (rows["actor"] == "human").groupby(rows["unit"]).any()
    asks = (rows["actor"] == "customer") & rows["text"].isin(ASKS)
    humans = rows["row"].where(rows["actor"] == "human").groupby(rows["unit"]).transform("min")
    table["requests"] = (asks & ~(rows["row"] > humans)).groupby(rows["unit"]).sum()
    table["handed_over"] = table["human"] | following_human(log, table).notna()
    table["open"] = ~table["handed_over"] & (table["done"] > log.rows["t"].max() - DAY)
    last = rows.dropna(subset="text").drop_duplicates("unit", keep="last").set_index("unit")
    awaits = (last["actor"] == "bot") & last["text"].isin(AWAITS)
    table["bad_end"] = rows["touchpoint"].isin(bad_ends(log)).groupby(rows["unit"]).any()
    table["resolved"] = resolved(log, table)
    silent = awaits.reindex(table.index, fill_value=False) & ~table["resolved"]
    left = silent | table["bad_end"]
    table["abandoned"] = ~table["handed_over"] & ~table["open"] & left
    ends = ["handed_over", "open", "abandoned"]
    table["ended_with_bot"] = ~table[ends].any(axis=1)
    return table


def first_human(log: PlainLog) -> pd.Series:
    """Return when the first human acts in a session, or within a day after it in its matter."""
    rows, table = in_sessions(log), bot_sessions(log)
    inside = rows[rows["actor"] == "human"].groupby("unit")["t"].min()
    return inside.reindex(table.index).fillna(following_human(log, table))


def bad_ends(log: PlainLog) -> list[str]:
    return [*log.config.journeys.bad_ends]


def following_human(log: PlainLog, table: Rows) -> pd.Series:
    """Return when a human first acts within a day after a session, in its journey and matter."""
    humans = log.rows[log.rows["actor"] == "human"]
    humans = humans[["journey", "intent", "t"]].rename(columns={"intent": "about"})
    pairs = table.reset_index().merge(humans, on="journey")
    soon = (pairs["t"] >= pairs["done"]) & (pairs["t"] <= pairs["done"] + DAY)
    same = (pairs["about"] == pairs["intent"]) | pairs["about"].isna()
    return pairs[soon & same].groupby("unit")["t"].min().reindex(table.index)


def resolved(log: PlainLog, table: Rows) -> pd.Series:
    """Tell whether a goal follows in the journey, or the customer's last words say thanks."""
    rows = in_sessions(log)
    words = rows[(rows["actor"] == "customer") & rows["text"].notna()]
    last = words.drop_duplicates("unit", keep="last").set_index("unit")["text"]
    thanks = last.isin(CONFIRMS).reindex(table.index, fill_value=False)
    goals = log.rows[log.rows["touchpoint"].isin(log.config.journeys.goals)]
    latest = pd.Series(goals.index, goals.index).groupby(goals["journey"]).max()
    return thanks | (table["journey"].map(latest) >= table["first_bot"])


def mature(log: PlainLog) -> Rows:
    """Return the sessions after which a repeat would still be seen."""
    table = bot_sessions(log)
    window = log.config.measures.repeat_days * DAY
    return table[table["done"] <= log.rows["t"].max() - window]


@at(COUNTS, "handoffs.sessions", "disclosure.sessions")
def sessions(log: PlainLog) -> int:
    return len(bot_sessions(log))


for _end in ("handed_over", "open", "abandoned", "ended_with_bot"):
    COUNTS[f"handoffs.{_end}"] = lambda log, end=_end: end_of_sessions(log, end)


def end_of_sessions(log: PlainLog, end: str) -> Any:
    """Count an end; where one is of a few, others may be missing too."""
    many = bot_sessions(log)[["handed_over", "open", "abandoned", "ended_with_bot"]].sum()
    few = ((many > 0) & (many < MIN_CUSTOMERS)).any()
    return (int(many[end]), int(many[end])) if few else int(many[end])


@at(COUNTS, "handoffs.requests")
def requests(log: PlainLog) -> int:
    return int(bot_sessions(log)["requests"].sum())


@at(COUNTS, "decisions.bots.*.sessions")
def sessions_of_each_bot(log: PlainLog) -> pd.Series:
    return bot_sessions(log).groupby("touchpoint").size()


@at(COUNTS, "decisions.bots.*.customers")
def customers_of_each_bot(log: PlainLog) -> pd.Series:
    return bot_sessions(log).groupby("touchpoint")["customer"].nunique()


for _end in ("handed_over", "abandoned", "ended_with_bot"):
    COUNTS[f"decisions.bots.*.ends.{_end}"] = lambda log, end=_end: (
        bot_sessions(log).groupby("touchpoint")[end].mean()
    )


@at(COUNTS, "tipping_points.*.sessions")
def sessions_of_each_matter(log: PlainLog) -> dict[str, int]:
    return {"all": sessions(log), **bot_sessions(log).groupby("intent").size()}


@at(BASES, "handoffs.contained_raw", "handoffs.contained_verified")
def mature_sessions(log: PlainLog) -> Rows:
    return mature(log)


@at(VALUES, "handoffs.contained_raw")
def contained_raw(log: PlainLog) -> float:
    return float((~mature(log)["human"]).mean())


for _name in ("escape_hatch_offered", "loops", "requests_rate"):
    BASES[f"handoffs.further.{_name}"] = lambda log: bot_sessions(log)


@at(VALUES, "handoffs.further.requests_rate")
def requests_rate(log: PlainLog) -> float:
    return float((bot_sessions(log)["requests"] > 0).mean())


@at(VALUES, "handoffs.further.loops")
def loops(log: PlainLog) -> float:
    """Sessions in which the bot says the same words three times."""
    rows = in_sessions(log)
    often = rows[rows["actor"] == "bot"].groupby(["unit", "text"]).size() >= 3
    return often[often].index.get_level_values("unit").nunique() / sessions(log)


@at(BASES, "handoffs.further.silent_abandonment")
def sessions_that_may_be_over(log: PlainLog) -> Rows:
    """Where a few are open, nobody tells them from those that the customer left."""
    every = bot_sessions(log)
    return every if are_few(every[every["open"]]) else every[~every["open"]]


@at(VALUES, "handoffs.further.silent_abandonment")
def silent_abandonment(log: PlainLog) -> float:
    own = sessions_that_may_be_over(log)
    return float((own["abandoned"] | own["open"]).mean())


def are_few(rows: Rows) -> bool:
    """Tell whether rows are of one to nine customers."""
    return 0 < rows["customer"].nunique() < MIN_CUSTOMERS


@at(
    BASES,
    "handoffs.further.handovers_cold",
    "handoffs.further.handovers_requested",
    "handoffs.further.handovers_scripted",
    "handoffs.further.handovers_triggered",
)
def handed_over(log: PlainLog) -> Rows:
    return bot_sessions(log)[bot_sessions(log)["handed_over"]]


@at(VALUES, "handoffs.further.handovers_cold")
def handovers_cold(log: PlainLog) -> float:
    """Hand-overs in which the human came in a later session that the customer opened."""
    late = handed_over(log)[~handed_over(log)["human"]]
    came = following_human(log, late)
    rows = every_talk(log)[lambda own: own["actor"].notna()]
    humans = rows[rows["actor"] == "human"]
    pairs = late.assign(t=came).merge(humans, on=["journey", "t"], suffixes=("", "_human"))
    first = rows[rows["actor"].isin(["customer", "human"])].drop_duplicates(["journey", "talk"])
    theirs = first[first["actor"] == "customer"].set_index(["journey", "talk"]).index
    cold = pairs[pairs.set_index(["journey", "talk"]).index.isin(theirs)]
    return cold["first_bot"].nunique() / len(handed_over(log))


@at(VALUES, "handoffs.further.handovers_requested")
def handovers_requested(log: PlainLog) -> float:
    return float((handed_over(log)["requests"] > 0).mean())


def asked(log: PlainLog) -> Rows:
    return bot_sessions(log)[bot_sessions(log)["requests"] > 0]


@at(BASES, "handoffs.further.dead_cries")
def asked_and_over(log: PlainLog) -> Rows:
    return asked(log)[~asked(log)["open"]]


@at(VALUES, "handoffs.further.dead_cries")
def dead_cries(log: PlainLog) -> float:
    return float((~asked_and_over(log)["handed_over"]).mean())


@at(BASES, "handoffs.further.cries_to_human")
def asked_and_heard(log: PlainLog) -> Rows:
    return asked(log)[asked(log)["handed_over"]]


@at(VALUES, "handoffs.further.cries_to_human")
def cries_to_human(log: PlainLog) -> float:
    return float(asked_and_heard(log)["requests"].mean())


@at(BASES, "handoffs.requests_honoured")
def asked_long_ago(log: PlainLog) -> Rows:
    """Those who asked early enough; all, where a few asked too late."""
    patience = pd.Timedelta(minutes=log.config.measures.honoured_minutes)
    late = first_request(log) > log.rows["t"].max() - patience
    return asked(log) if are_few(asked(log)[late]) else asked(log)[~late]


def first_request(log: PlainLog) -> pd.Series:
    rows = in_sessions(log)
    asks = rows[(rows["actor"] == "customer") & rows["text"].isin(ASKS)]
    return asks.groupby("unit")["t"].min().reindex(asked(log).index)


@at(VALUES, "handoffs.requests_honoured")
def honoured(log: PlainLog) -> float:
    patience = pd.Timedelta(minutes=log.config.measures.honoured_minutes)
    waited = first_human(log)[asked_long_ago(log).index] - first_request(log)
    return float((waited[asked_long_ago(log).index] <= patience).mean())


BASES["handoffs.further.time_to_honour"] = asked


@cache
def changes(log: PlainLog) -> Rows:
    """Return of each journey and matter how often bots and humans, and humans, take turns."""
    rows = log.rows[log.rows["actor"].isin(["bot", "human"])]
    rows = rows.assign(about=rows["intent"].fillna("?"))
    by = rows.groupby(["journey", "about"])
    rows["bots"] = by["actor"].shift(1).notna() & (rows["actor"] != by["actor"].shift(1))
    named = rows[(rows["actor"] == "bot") | rows["resource"].notna()]
    before = named.groupby(["journey", "about"])[["actor", "resource"]].shift(1)
    people = (named["actor"] == "human") & (before["actor"] == "human")
    rows["people"] = (people & (named["resource"] != before["resource"])).reindex(rows.index)
    rows["people"] = rows["people"].fillna(False).astype(bool)
    table = rows.groupby(["journey", "about"])[["bots", "people"]].sum()
    table["customer"] = rows.groupby(["journey", "about"])["customer"].first()
    return table[(table["bots"] > 0) | (table["people"] > 0)].reset_index()


for _name in ("further.ping_pong_bots", "further.ping_pong_people", "ping_pong"):
    BASES[f"handoffs.{_name}"] = changes
VALUES["handoffs.further.ping_pong_bots"] = lambda log: float((changes(log)["bots"] >= 2).mean())
VALUES["handoffs.further.ping_pong_people"] = lambda log: float(
    (changes(log)["people"] >= 2).mean()
)
VALUES["handoffs.ping_pong"] = lambda log: float(
    (changes(log)[["bots", "people"]] >= 2).any(axis=1).mean()
)


@cache
def talks(log: PlainLog) -> Rows:
    """Return every session in which somebody serves or says something, with what it is about."""
    rows = every_talk(log)
    by = rows.groupby(["journey", "talk"])
    table = by[["customer", "t", "row"]].first().assign(intent=by["intent"].first())
    return table[by["serves"].any()].reset_index()


@cache
def every_talk(log: PlainLog) -> Rows:
    """Return all rows with their session: what the column says, else a run without a silence."""
    gap = pd.Timedelta(minutes=log.config.measures.session_gap_minutes)
    loose = log.rows[log.rows["session"].isna()]
    busy = loose.groupby("journey")["done"].cummax().groupby(loose["journey"]).shift(1)
    run = (busy.isna() | (loose["t"] - busy > gap)).cumsum()
    rows = log.rows.assign(run=-run.reindex(log.rows.index))
    rows["talk"] = rows["session"].fillna(rows["run"])
    said = (rows["actor"] == "customer") & rows["text"].notna()
    rows["serves"] = rows["actor"].isin(["bot", "human"]) | said
    return rows.assign(row=rows.index)


def next_talks(log: PlainLog, missing: bool) -> pd.Series:
    """Tell of each session whether the customer opens another soon: about the same, or perhaps."""
    table = bot_sessions(log)
    own = table.assign(begin=in_sessions(log).groupby("unit")["row"].first())
    pairs = own.reset_index().merge(talks(log), on="customer", suffixes=("", "_next"))
    window = log.config.measures.repeat_days * DAY
    later = (pairs["row"] > pairs["begin"]) & (pairs["t"] - pairs["done"] <= window)
    same = pairs["intent"] == pairs["intent_next"]
    if missing:
        same |= pairs["intent"].isna() | pairs["intent_next"].isna()
    return pd.Series(table.index.isin(pairs.loc[later & same, "unit"]), table.index)


@cache
def came_back(log: PlainLog) -> pd.Series:
    return next_talks(log, missing=False)


def frustrated(log: PlainLog) -> pd.Series:
    """Tell of each session if it holds a request, or is left, or the customer comes back."""
    table = bot_sessions(log)
    fled = table["ended_with_bot"] & ~table["resolved"] & came_back(log)
    return (table["requests"] > 0) | table["abandoned"] | fled


@at(COUNTS, "tipping_points.*.events")
def frustrated_exits(log: PlainLog) -> dict[str, int]:
    left = bot_sessions(log)[frustrated(log)]
    return {"all": len(left), **left.groupby("intent").size()}


@cache
def waterfall(log: PlainLog) -> dict[str, Rows]:
    """Deal the mature sessions without a human into repeats, the silent, unknown and verified."""
    table = mature(log)
    raw = table[~table["human"]]
    again = raw["handed_over"] | came_back(log)[raw.index]
    repeat, rest = raw[again], raw[~again]
    silent, rest = rest[rest["abandoned"]], rest[~rest["abandoned"]]
    perhaps = ~rest["resolved"] | next_talks(log, missing=True)[rest.index]
    unknown, verified = rest[perhaps], rest[~perhaps]
    return {
        "raw": raw,
        "repeat": repeat,
        "silent": silent,
        "unknown": unknown,
        "verified": verified,
    }


@at(COUNTS, "handoffs.waterfall.*.sessions")
def sessions_of_steps(log: PlainLog) -> dict[str, int]:
    return {step: len(rows) for step, rows in waterfall(log).items()}


@at(COUNTS, "handoffs.waterfall.*.customers")
def customers_of_steps(log: PlainLog) -> dict[str, int]:
    return {step: rows["customer"].nunique() for step, rows in waterfall(log).items()}


@at(COUNTS, "handoffs.waterfall.*.share")
def shares_of_steps(log: PlainLog) -> dict[str, float]:
    return {step: len(rows) / len(mature(log)) for step, rows in waterfall(log).items()}


@at(VALUES, "handoffs.contained_verified")
def contained_verified(log: PlainLog) -> float:
    return len(waterfall(log)["verified"]) / len(mature(log))


# ---- what a bot says that it is


def told(log: PlainLog) -> pd.Series:
    """Return of each session whether the bot was declared a machine in it."""
    rows = in_sessions(log)
    flags = rows["ai_disclosed"].where(rows["actor"] == "bot")
    return flags.groupby(rows["unit"]).max().reindex(bot_sessions(log).index)


for _when in ("at_once", "later", "never"):
    BASES[f"disclosure.{_when}"] = lambda log: bot_sessions(log)
VALUES["disclosure.at_once"] = lambda log: float((told(log) == 1).mean())
VALUES["disclosure.never"] = lambda log: float((told(log) == 0).mean())
VALUES["disclosure.later"] = lambda log: 0.0
COUNTS["disclosure.unknown"] = lambda log: int(told(log).isna().sum())


@at(COUNTS, "findings.*.evidence.sessions")
def sessions_in_findings(log: PlainLog) -> dict[str, int]:
    return {"disclosure": sessions(log)}


@at(COUNTS, "findings.*.evidence.unknown")
def unknown_in_findings(log: PlainLog) -> dict[str, int]:
    return {"disclosure": COUNTS["disclosure.unknown"](log)}


@at(COUNTS, "findings.*.evidence.raw")
def raw_containment(log: PlainLog) -> dict[str, float]:
    return {"containment": contained_raw(log)}


# ---- surveys


def answers(log: PlainLog) -> Rows:
    """Return the questions of both surveys to customers of the log; no answer has no value."""
    table = outcomes(log)[outcomes(log)["kind"].isin(["csat", "nps"])]
    return table.rename(columns={"customer_id": "customer"}).assign(journey=table.index)


@at(COUNTS, "surveys.*.asked")
def questions(log: PlainLog) -> pd.Series:
    return answers(log).groupby("kind").size()


@at(COUNTS, "surveys.*.answered")
def answered(log: PlainLog) -> pd.Series:
    return answers(log).dropna(subset="value").groupby("kind").size()


@at(VALUES, "surveys.*.response_rate")
def response_rate(log: PlainLog) -> pd.Series:
    return answered(log) / questions(log)


@at(VALUES, "surveys.*.mean")
def mean_answer(log: PlainLog) -> pd.Series:
    return answers(log).groupby("kind")["value"].mean()


@at(VALUES, "surveys.*.nps")
def net_promoters(log: PlainLog) -> dict[str, float]:
    nps = answers(log).query("kind == 'nps'")["value"].dropna()
    return {"nps": float(100 * ((nps >= 9).mean() - (nps <= 6).mean()))}


@at(COUNTS, "surveys.*.worst")
def worst(log: PlainLog) -> dict[str, float]:
    return {kind: ends[0] for kind, ends in log.config.judge.surveys.items()}


@at(COUNTS, "surveys.*.best")
def best(log: PlainLog) -> dict[str, float]:
    return {kind: ends[1] for kind, ends in log.config.judge.surveys.items()}


def one_row_for_each(name: str, *labels: str) -> Callable[[PlainLog], Rows]:
    """Return a counter of all journeys, under each of these names."""

    def every(log: PlainLog) -> Rows:
        return log.at_start[["journey", "customer"]].merge(
            pd.DataFrame({name: [*labels]}), how="cross"
        )

    return every


BASES["surveys.*.response_rate"] = lambda log: without_journeys(answers(log))
BASES["surveys.*.mean"] = lambda log: without_journeys(answers(log).dropna(subset="value"))
BASES["surveys.*.nps"] = lambda log: without_journeys(
    answers(log).dropna(subset="value").query("kind == 'nps'")
)


def without_journeys(rows: Rows) -> Rows:
    """A request or a session is no journey: an estimate that rests on them counts none."""
    return rows.assign(journey=pd.NA)


# ---- more of touchpoints, bots and hand-overs


@at(BASES, f"{MEASURES}service", f"{MEASURES}duration_spread")
def timed_visits(log: PlainLog) -> Rows:
    """Return the visits of which an end or a session tells how long they last."""
    number = pd.Series(log.rows.index.isin(log.visits.index).cumsum(), log.rows.index)
    ended = log.rows["end"].notna().groupby(number).transform("any")
    return log.visits[(ended | log.rows["session"].notna())[log.visits.index]]


BASES[f"{MEASURES}containment"] = mature
BASES[f"{MEASURES}saving"] = plain.visits_of_humans


@at(BASES, f"{MEASURES}complaint_excess")
def old_visits(log: PlainLog) -> Rows:
    window = log.config.measures.complaint_days * DAY
    return log.visits[log.visits["t"] <= log.rows["t"].max() - window]


@at(BASES, "handoffs.further.context_sent")
def asked_for_fields(log: PlainLog) -> Rows:
    return log.rows[log.rows["context_requested"].notna()]


@at(BASES, "handoffs.further.lost_in_queue", "handoffs.wait_seconds")
def waited(log: PlainLog) -> Rows:
    table = bot_sessions(log)
    return table[table["handed_over"] | (table["requests"] > 0)]


@at(COUNTS, "decisions.customers")
def customers_of_mature_sessions(log: PlainLog) -> int:
    return mature(log)["customer"].nunique()


@at(COUNTS, "decisions.bots.*.verified_lo")
def verified_of_each_bot(log: PlainLog) -> pd.Series:
    return outward(share_of_mature(log, "verified"), log, np.floor)


@at(COUNTS, "decisions.bots.*.verified_hi")
def verified_or_unknown_of_each_bot(log: PlainLog) -> pd.Series:
    both = share_of_mature(log, "verified") + share_of_mature(log, "unknown")
    return outward(both, log, np.ceil)


def share_of_mature(log: PlainLog, step: str) -> pd.Series:
    taken = mature(log).index.isin(waterfall(log)[step].index)
    return pd.Series(taken).groupby(mature(log)["touchpoint"].to_numpy()).mean()


def outward(shares: pd.Series, log: PlainLog, whole: np.ufunc) -> pd.Series:
    """Round shares of bots away from the middle where a few sessions of one are too young."""
    old = mature(log).groupby("touchpoint").size()
    young = bot_sessions(log).groupby("touchpoint").size() - old
    if not young.between(1, MIN_CUSTOMERS).any():
        return shares
    step = pd.Series(np.select([old >= 100, old >= 20], [0.01, 0.05], 0.1), old.index)
    return whole((shares / step).round(9)) * step


@at(COUNTS, "cut_sensitivity.*.contained_raw")
def raw_of_other_cuts(log: PlainLog) -> dict[tuple[Any, ...], float]:
    return {cut: contained_raw(other) for cut, other in recut(log).items()}


@at(COUNTS, "cut_sensitivity.*.contained_verified")
def verified_of_other_cuts(log: PlainLog) -> dict[tuple[Any, ...], float]:
    return {cut: contained_verified(other) for cut, other in recut(log).items()}


@at(COUNTS, "cut_sensitivity.*.contained_verified_hi")
def bounds_of_other_cuts(log: PlainLog) -> dict[tuple[Any, ...], float]:
    return {
        cut: contained_verified(other) + len(waterfall(other)["unknown"]) / len(mature(other))
        for cut, other in recut(log).items()
    }


@cache
def recut(log: PlainLog) -> dict[tuple[Any, ...], PlainLog]:
    """Return the log with journeys of half, once and twice the gap."""
    parts = {cut: log.rows.assign(journey=new.cumsum()) for cut, new in begins_by_gap(log).items()}
    return {cut: PlainLog(rows, log.config, log.read) for cut, rows in parts.items()}


def settled(log: PlainLog) -> Rows:
    """Return the sessions that end with the bot and a sign of a solution, unasked."""
    table = bot_sessions(log)
    return table[table["ended_with_bot"] & table["resolved"] & (table["requests"] == 0)]


def rated(log: PlainLog) -> pd.Series:
    """Return the last rating in each session."""
    return in_sessions(log).groupby("unit")["rating"].last().reindex(bot_sessions(log).index)


@at(COUNTS, "satisfaction.resolved")
def settled_sessions(log: PlainLog) -> int:
    return len(settled(log))


@at(COUNTS, "satisfaction.rated")
def settled_and_rated(log: PlainLog) -> int:
    return int(rated(log)[settled(log).index].notna().sum())


BASES["satisfaction.at"] = lambda log: without_journeys(
    settled(log)[rated(log)[settled(log).index].notna()]
)


@at(
    BASES,
    "tipping_points.*.handoff_time.cost",
    "tipping_points.*.handoff_time.cost_at_once",
    "tipping_points.*.handoff_time.cost_never",
    "tipping_points.*.handoff_time.regret",
)
def sessions_by_matter(log: PlainLog) -> Rows:
    table = without_journeys(bot_sessions(log))
    return pd.concat([table.assign(segment="all"), table.assign(segment=table["intent"])])


# ---- paradoxes


@cache
def served(log: PlainLog) -> Rows:
    """Return the sessions in which a bot or a human acts, and how they went."""
    rows = every_talk(log)
    by = rows.groupby(["journey", "talk"])
    human = (rows["actor"] == "human").groupby([rows["journey"], rows["talk"]]).any()
    table = by[["customer", "row"]].first().assign(human=human, rating=by["rating"].last())
    serves = rows["actor"].isin(["bot", "human"])
    first = rows[serves].drop_duplicates(["journey", "talk"]).set_index(["journey", "talk"])
    table = table[table.index.isin(first.index)].assign(bot=first["actor"] == "bot")
    bad = rows["touchpoint"].isin(bad_ends(log)).groupby([rows["journey"], rows["talk"]]).any()
    left = bot_sessions(log).loc[frustrated(log)]
    own = in_sessions(log).loc[left["first_bot"].astype(int)].set_index(["journey", "session"])
    table["frustrated"] = table.index.isin(own.index)
    table["failed"] = bad.reindex(table.index) | (table["frustrated"] & ~table["human"])
    return table.reset_index()


@cache
def served_and_over(log: PlainLog) -> Rows:
    """Return one row per journey that is over and served, and whether it was completed."""
    by = served(log).sort_values("row").groupby("journey")
    table = by[["customer"]].first().assign(human=by["human"].any(), failed=by["failed"].last())
    table = table[log.end.reindex(table.index) != "open"]
    lost = log.end.reindex(table.index) == "bad_end"
    table["completed"] = ~lost & ~table["failed"]
    table["by_bots"] = table["completed"] & ~table["human"]
    return table.reset_index()


@at(BASES, "paradoxes.*.supporting.through_one_bot_alone")
def journeys_of_the_powerful(log: PlainLog) -> Rows:
    return served_and_over(log).assign(name="powerful_vulnerable")


def through_main_bot(log: PlainLog, flag: str) -> float:
    """Share of journeys with a flag through the bot (by resource) of which most of them are."""
    own = served_and_over(log)
    passed = log.rows[(log.rows["actor"] == "bot")].drop_duplicates(["journey", "resource"])
    passed = passed[passed["journey"].isin(own.loc[own[flag], "journey"])]
    bots = passed["resource"].fillna(passed["touchpoint"])
    return float(passed.groupby(bots)["journey"].nunique().max() / len(own))


@at(VALUES, "paradoxes.*.supporting.through_one_bot_alone")
def through_one_bot_alone(log: PlainLog) -> dict[str, float]:
    return {"powerful_vulnerable": through_main_bot(log, "by_bots")}


@at(VALUES, "paradoxes.*.supporting.dependence")
def dependence(log: PlainLog) -> dict[str, float]:
    rows = log.rows[log.rows["actor"] == "bot"]
    passed = rows.groupby(rows["resource"].fillna(rows["touchpoint"]))["journey"].nunique()
    return {"powerful_vulnerable": float(((passed / passed.sum()) ** 2).sum())}


@at(BASES, "paradoxes.*.supporting.rated", "paradoxes.*.supporting.answered_at_once")
def contacts_of_bots(log: PlainLog) -> Rows:
    own = served(log)[served(log)["bot"]]
    names = ("satisfied_frustrated", "connected_isolated")
    return pd.concat([own.assign(name=name) for name in names])


@at(VALUES, "paradoxes.*.supporting.rated")
def share_rated(log: PlainLog) -> dict[str, float]:
    return {"satisfied_frustrated": float(contacts_of_bots(log)["rating"].notna().mean())}


@at(BASES, "paradoxes.*.benefit")
def bases_of_benefits(log: PlainLog) -> Rows:
    of_bots = contacts_of_bots(log).query("name == 'satisfied_frustrated'")
    return pd.concat([journeys_of_the_powerful(log), of_bots.dropna(subset="rating")])


@at(BASES, "paradoxes.*.cost")
def bases_of_costs(log: PlainLog) -> Rows:
    of_bots = contacts_of_bots(log).query("name == 'satisfied_frustrated'")
    return pd.concat([journeys_of_the_powerful(log), of_bots])


STANDARDISED = ("connected_isolated", "lower_cost_higher_price", "quality_less_empathy")


def of_ratings(log: PlainLog, share: float) -> float:
    """Return the rating so far along the scale of the survey."""
    worst, best = log.config.judge.surveys["csat"]
    return float(worst + share * (best - worst))


@at(VALUES, "paradoxes.*.benefit")
def benefits(log: PlainLog) -> dict[str, float | None]:
    ratings = contacts_of_bots(log).query("name == 'satisfied_frustrated'")["rating"].dropna()
    satisfied = ratings >= of_ratings(log, log.config.judge.paradoxes.satisfied_from)
    by_bots = served_and_over(log)["by_bots"].mean()
    counted = {"satisfied_frustrated": satisfied.mean(), "powerful_vulnerable": by_bots}
    return dict.fromkeys(STANDARDISED) | counted


@at(VALUES, "paradoxes.*.cost")
def costs(log: PlainLog) -> dict[str, float | None]:
    own = contacts_of_bots(log).query("name == 'satisfied_frustrated'")
    worst = own["rating"] <= of_ratings(log, log.config.judge.paradoxes.bottom_box)
    said = in_sessions(log)
    often = said[said["actor"] == "bot"].groupby(["journey", "session", "text"]).size() >= 3
    looped = own.set_index(["journey", "talk"]).index.isin(often[often].droplevel("text").index)
    frustrated = (own["frustrated"] & ~own["human"]) | looped | worst
    counted = {"satisfied_frustrated": frustrated.mean()}
    counted["powerful_vulnerable"] = through_main_bot(log, "completed")
    return dict.fromkeys(STANDARDISED) | counted


@at(COUNTS, "decisions.items.*.customers")
def customers_of_items(log: PlainLog) -> dict[str, Any]:
    """Customers of the bot, of the touchpoint or of all bots; a moment compares some of them."""
    bots, spots = customers_of_each_bot(log), plain.customers_at(log)
    worst = "Chatbot: fault" if "Chatbot: fault" in bots else "Chatbot: cards"
    moment = "Complaint call" if "Complaint call" in spots else "Fraud call"
    return {
        "way_out": bots.get("Chatbot: number porting"),
        "fix_first": spots.get("Number porting"),
        "hand_over": bots[worst],
        "disclose": bot_sessions(log)["customer"].nunique(),
        "protect": (MIN_CUSTOMERS, spots[moment]),
    }


# ---- what a model or a lexicon takes a part of

AT_MOST: dict[str, Callable[[PlainLog], Rows]] = {}
for _name in ("feeling_at_entry", "negative", "volatility", "sentiment_drop"):
    AT_MOST[f"{MEASURES}{_name}"] = plain.all_visits
for _name in ("effect", "impact"):
    AT_MOST[f"moments_of_truth.*.{_name}"] = lambda log: visits_by_outcome(log)
for _name in ("hazard_ratio", "landmark"):
    AT_MOST[f"presence.*.{_name}"] = lambda log: everyone_by_outcome(log)
for _name in ("gain", "weights.end", "weights.mean", "weights.trend", "weights.trough"):
    AT_MOST[f"peak_end.{_name}"] = plain.all_visits
AT_MOST["handoffs.further.repeated_information"] = handed_over
AT_MOST["surveys.*.adjusted"] = lambda log: without_journeys(answers(log).dropna(subset="value"))


@at(AT_MOST, "paradoxes.*.benefit", "paradoxes.*.cost")
def contacts_of_each_paradox(log: PlainLog) -> Rows:
    rows = every_talk(log).assign(journey=lambda own: own.groupby(["journey", "talk"]).ngroup())
    return pd.concat([rows.assign(name=name) for name in STANDARDISED])


@at(AT_MOST, "paradoxes.*.supporting.handling_spread", "paradoxes.*.supporting.without_main_bot")
def contacts_of_figures(log: PlainLog) -> Rows:
    rows = contacts_of_each_paradox(log)
    return pd.concat([rows, rows.assign(name="powerful_vulnerable")])


def visits_by_outcome(log: PlainLog) -> Rows:
    return pd.concat([log.visits.assign(outcome=kind) for kind in ("churn", "complaint")])


def everyone_by_outcome(log: PlainLog) -> Rows:
    every = plain.whole_log_for_each(log)
    return pd.concat([every.assign(outcome=kind) for kind in ("churn", "complaint")])


NO_COUNTS = {
    **plain.NO_COUNTS,
    "stories.*": "an answer of the search; test_stories_are_those_of_plain_pandas counts it again",
    "axes.*": "a correlation of scores",
    "log.cutting.gap_days": "declared",
    "cut_sensitivity.*.factor": "a setting",
    "moments_of_truth.*": "estimates that adjust for what was known, and their tests",
    "presence.*": "hazards, and their tests",
    "peak_end.r_*": "correlations",
    "tipping_points.*": "places of a break, costs over resamples, tests",
    "sensitivity.*": "thresholds of the scorecard",
    "portfolio.*": "declared budgets, and what simulated portfolios are worth",
    "what_if.*": "a simulated queue, scaled by the declared share of the log",
    "decisions.items.*.strength": "how far beyond a limit",
    "decisions.bots.*.minutes": "place of the cheapest hand-over",
    "decisions.bots.*.agreement": "share of resamples",
    "decisions.bots.*.ends.other": "what the lower bounds beside it leave over",
    "findings.*.evidence.settled": "share of resamples",
    "findings.*.evidence.tested": "touchpoints and outcomes tried",
}
REGISTERS = {
    "counts": {**plain.COUNTS, **COUNTS},
    "bases": {
        place: base
        for place, base in {**plain.BASES, **BASES}.items()
        if place not in AT_MOST or place.startswith("paradoxes")
    },
    "values": {**plain.VALUES, **VALUES},
    "no_counts": NO_COUNTS,
    "at_most": AT_MOST,
}
