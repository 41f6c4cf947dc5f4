"""Changing hands: loops, ping-pong, dead ends, and what is lost on the way to a human."""

from __future__ import annotations

from typing import Any

import ibis
import numpy as np
from ibis import _

from journeylib.core import GROUPS, AbstainReason, Estimate, resample
from journeylib.journeys import Journeys, journey_graph
from journeylib.log import Runs, fails_to_answer, fetch, normalised, sample_customers, says_again
from journeylib.measures.bots.sessions import BotSessions, with_humans
from journeylib.measures.measured import Measured, bases, group_sums
from journeylib.measures.ratios import quotient, ratio_of_sums
from journeylib.measures.settings import MeasureSettings

LOOP_ROUNDS = 3
PING_PONG_CHANGES = 2
EARLY_REPLIES = 5
MOST_REPLIES = 20_000
# Of a hundred: how alike the words of two turns are, whatever their order and what one adds.
SAME_WORDS = 85
# Shorter turns ("yes please") are alike without anything being said again.
WORDS_TO_COMPARE = 4
BAD_END_SHARE = 0.5
_KEY = ["journey", "opened"]


def loop_table(found: BotSessions) -> ibis.Table:
    """Return one row per bot session with ``looped``: the bot went round in circles.

    It said the same words `LOOP_ROUNDS` times, or (where it said nothing) came back to the same
    touchpoint that often with another one of its own between.
    """
    bot = found.turns.filter(_.actor == "bot")
    previous = Runs.of(bot, "journey", "step", also=("opened",)).before(_.touchpoint)
    rounds = bot.mutate(
        said=normalised(_.text), fresh=previous.isnull() | (previous != _.touchpoint)
    ).filter(_.said.notnull() | _.fresh)
    repeats = rounds.group_by(
        [*_KEY, ibis.coalesce(rounds.said, rounds.touchpoint).name("what")]
    ).aggregate(n=_.count())
    looped = repeats.group_by(_KEY).aggregate(looped=(_.n >= LOOP_ROUNDS).any())
    sessions = found.table.select(*_KEY, "customer_no", "group")
    return sessions.inner_join(looped, _KEY)


def ping_pong_table(found: BotSessions) -> ibis.Table:
    """Return one row per journey and intent: ``changed`` hands at all, ``returned`` (ping-pong).

    ``crossed``: twice or more between bot and human. ``passed``: twice or more from human to
    human. ``returned``: either.

    Hands are those of bots and humans; what customers and systems do between is left out. A
    transfer from human to human is a change of `resource`.
    """
    serving = found.turns.filter(_.actor.isin(["bot", "human"]))
    runs = found.matters(serving)
    before, by = runs.before(_.actor), runs.before(_.resource)
    hands = serving.mutate(
        crossed=(before != _.actor).fill_null(False),
        passed=((before == "human") & (_.actor == "human") & (by != _.resource)).fill_null(False),
    )
    return (
        hands.group_by(["journey", "intent"])
        .aggregate(
            customer_no=_.customer_no.min(),
            group=_.group.min(),
            crossings=_.crossed.sum(),
            passings=_.passed.sum(),
        )
        .mutate(
            changed=(_.crossings > 0) | (_.passings > 0),
            crossed=_.crossings >= PING_PONG_CHANGES,
            passed=_.passings >= PING_PONG_CHANGES,
        )
        .mutate(returned=_.crossed | _.passed)
    )


def handover_table(found: BotSessions, journeys: Journeys) -> ibis.Table:
    """Return one row per handed-over session: ``cold``, ``requested``, ``stumbled``.

    ``cold``: the customer had to make contact again. ``requested``: a human was asked for.
    ``stumbled``: the bot had not understood, could not help, or an error was logged before.
    """
    handed = found.table.filter(_.state == "handed_over").select(
        *_KEY, "customer_no", "group", "cold", requested=_.requests > 0
    )
    failing = (
        with_humans(found.turns)
        .filter((_.actor == "bot") & (_.human_step.isnull() | (_.step < _.human_step)))
        .inner_join(handed.select(*_KEY), _KEY)
    )
    failing = failing.mutate(failed=fails_to_answer(_.text))
    if journeys.has("error"):
        errors = journeys.trail.filter(_.error).select("journey", "step", wrong=ibis.literal(True))
        failing = failing.left_join(errors, ["journey", "step"]).mutate(
            failed=_.failed | _.wrong.fill_null(False)
        )
    stumbled = failing.group_by(_KEY).aggregate(stumbled=_.failed.any())
    joined = handed.left_join(stumbled, _KEY)
    return joined.select(*handed.columns, stumbled=_.stumbled.fill_null(False))


def repeated_table(found: BotSessions) -> ibis.Table:
    """Return one row per session with a human after a bot, with ``again``.

    ``again``: within `EARLY_REPLIES` turns after the human came, the customer says that it was
    said before (`text.says_again`), or says what is nearly the same as an earlier turn of theirs
    in the journey. Sessions of which no word after the hand-over is logged (calls, say) have no
    row. Of very many words only those of a fixed sample of customers count.
    """
    handed = found.table.filter(_.state == "handed_over")
    first = handed.group_by("journey").aggregate(bot_opened=_.opened.min())
    words = with_humans(found.turns).filter(_.text.notnull() & _.actor.isin(["customer", "human"]))
    after = (
        words.filter(_.step >= _.human_step)
        .inner_join(first, "journey")
        .filter(_.opened >= _.bot_opened)
        .select(*_KEY, "step", "human_step", "customer_no", "group", "actor", "text")
    )
    n = after.count().to_pyarrow().as_py()
    after = after.filter(sample_customers(n, MOST_REPLIES)[0])
    replies = after.filter(_.actor == "customer")
    turn = ibis.row_number().over(ibis.window(group_by=_KEY, order_by="step"))
    early = replies.mutate(turn=turn).filter(_.turn < EARLY_REPLIES)
    said = early.filter(says_again(_.text)).select(*_KEY, again=ibis.literal(True))
    again = said.union(_near_copies(early, words.filter(_.actor == "customer"))).distinct()
    return (
        after.group_by(_KEY)
        .aggregate(customer_no=_.customer_no.min(), group=_.group.min())
        .left_join(again, _KEY)
        .mutate(again=_.again.fill_null(False))
        .select(*_KEY, "customer_no", "group", "again")
    )


def _near_copies(early: ibis.Table, words: ibis.Table) -> ibis.Table:
    """Return the sessions in which a reply repeats an earlier turn of the customer."""
    from rapidfuzz.fuzz import token_set_ratio

    spans = early.group_by(_KEY).aggregate(until=_.human_step.min())
    replies = fetch(early.select(*_KEY, "text"))
    before = words.select("journey", "step", earlier="text").inner_join(spans, "journey")
    said = fetch(before.filter(_.step < _.until).select(*_KEY, "earlier"))
    pairs = replies.merge(said, on=_KEY)
    copied = [
        min(len(text.split()), len(earlier.split())) >= WORDS_TO_COMPARE
        and token_set_ratio(text.casefold(), earlier.casefold()) >= SAME_WORDS
        for text, earlier in zip(pairs["text"], pairs["earlier"], strict=True)
    ]
    found = pairs.loc[np.asarray(copied, dtype=bool), _KEY].drop_duplicates()
    return ibis.memtable(found.astype("int64").assign(again=True))


def context_estimates(journeys: Journeys) -> dict[str, Estimate]:
    """Return what became of the fields that a human needed.

    Returns
    -------
    dict of str to Estimate
        ``context_sent``: fields handed over, of those the human asked for. ``context_carried``:
        fields handed over *and* opened, of the same; abstains with ``no_column`` where no column
        says what was opened. ``asked_again``: requests for fields of which the customer had given
        one to the bot.

    Notes
    -----
    What had been handed over is the event's own ``context_sent``, or else the last one before it
    in the journey; opened is what was opened since, up to the request's own event; given is all
    that was given up to it.
    """
    asked = {
        "context_sent": "fields handed over, of those the human asked for",
        "context_carried": "fields handed over and opened, of those the human asked for",
        "asked_again": "requests of a human for fields of which the customer had given the bot one",
    }
    further = {
        "context_sent": ["context_sent"],
        "context_carried": ["context_sent", "context_opened"],
        "asked_again": ["context_given"],
    }
    there = {
        name
        for name, roles in further.items()
        if all(journeys.has(role) for role in ("context_requested", *roles))
    }
    found = {
        name: Estimate.none("no_column", "share", estimand=words) for name, words in asked.items()
    }
    if not there:
        return found
    requests = _requests(journeys)
    columns = ["context_requested", "sent", "opened", "given"]
    cells = fetch(requests.group_by(["group", *columns]).aggregate(n=_.count()))
    base = fetch(
        requests.aggregate(customers=_.customer_no.nunique(), journeys=_.journey.nunique())
    ).iloc[0]
    needed, sent, opened, given = ([_fields(cell) for cell in cells[name]] for name in columns)
    every = list(zip(needed, sent, opened, given, strict=True))
    counted = {
        "context_sent": [(len(n & s), len(n)) for n, s, _o, _g in every],
        "context_carried": [(len(n & s & o), len(n)) for n, s, o, _g in every],
        "asked_again": [(int(bool(n & g)), 1) for n, _s, _o, g in every],
    }
    groups = cells["group"].to_numpy(dtype=np.int64)
    times = cells["n"].to_numpy(dtype=np.float64)
    for name in there:
        sums = np.zeros((GROUPS, 1, 2))
        for place, numbers in enumerate(zip(*counted[name], strict=True)):
            weights = np.asarray(numbers, dtype=np.float64) * times
            sums[:, 0, place] = np.bincount(groups, weights=weights, minlength=GROUPS)
        found[name] = ratio_of_sums(
            sums,
            unit="share",
            estimand=asked[name],
            n_customers=int(base["customers"]),
            n_journeys=int(base["journeys"]),
            min_customers=journeys.settings.min_customers,
        )
    return found


def _requests(journeys: Journeys) -> ibis.Table:
    """Return one row per event that asks for fields, with those ``sent``, ``opened``, ``given``."""
    word = ibis.null("string")
    roles = ("context_requested", "context_sent", "context_opened", "context_given")
    steps = journeys.steps.select(
        *("journey", "customer_no", "group", "step"),
        **{role: _[role] if journeys.has(role) else word for role in roles},
    )
    so_far = ibis.window(group_by="journey", order_by="step", preceding=(None, 0))
    steps = steps.mutate(sent_step=_.step.max(where=_.context_sent.notnull()).over(so_far))
    asking = steps.filter(_.context_requested.notnull()).select(
        *("journey", "customer_no", "group", "step", "context_requested", "sent_step")
    )
    handed = steps.filter(_.context_sent.notnull()).select(
        "journey", sent_step="step", sent="context_sent"
    )
    requests = asking.left_join(handed, ["journey", "sent_step"])
    requests = requests.select(*asking.columns, "sent")
    for name, since in (("opened", True), ("given", False)):
        role = f"context_{name}"
        if not journeys.has(role):
            requests = requests.mutate(**{name: word})
            continue
        told = steps.filter(_[role].notnull()).select("journey", at="step", what=role)
        before = asking.select("journey", "step", "sent_step").inner_join(told, "journey")
        before = before.filter((_.at <= _.step) & ((_.at >= _.sent_step) if since else True))
        listed = before.group_by(["journey", "step"]).aggregate(
            **{name: _.what.group_concat(sep=",", order_by="at")}
        )
        joined = requests.left_join(listed, ["journey", "step"])
        requests = joined.select(*requests.columns, name)
    return requests


def _fields(names: object) -> set[str]:
    """Return the field names of a comma-separated list; none where it is missing."""
    if not isinstance(names, str):
        return set()
    return {name.strip().casefold() for name in names.split(",") if name.strip()}


def dead_ends(journeys: Journeys, found: BotSessions) -> tuple[str, ...]:
    """Return the bot's touchpoints from which no human can be reached and most end badly.

    In the directly-follows graph no touchpoint at which a human acts can be reached from there,
    and the lower limit of the share of its bot sessions that end abandoned, or in a journey with
    a bad end, is above `BAD_END_SHARE`.
    """
    actors = fetch(
        found.turns.filter(_.actor.isin(["bot", "human"]))
        .group_by("touchpoint")
        .aggregate(bot=(_.actor == "bot").any(), human=(_.actor == "human").any())
    )
    people = set(actors.loc[actors["human"], "touchpoint"])
    # The whole graph: an edge left out for privacy must not make a dead end.
    graph = journey_graph(journeys, min_customers=1)
    # Walked once, backwards from the people: a walk from each bot takes minutes in a wide log.
    leads, front = set(people), sorted(people)
    while front:
        new = set(graph.predecessors(front.pop())) - leads
        leads |= new
        front += sorted(new)
    closed = sorted(str(name) for name in set(actors.loc[actors["bot"], "touchpoint"]) - leads)
    bad = _bad_endings(journeys, found)
    return tuple(name for name in closed if bad.get(name, 0.0) > BAD_END_SHARE)


def _bad_endings(journeys: Journeys, found: BotSessions) -> dict[str, float]:
    """Return the lower limit of the share of bad endings among sessions through a touchpoint."""
    spots = journeys.touchpoints.sort_values("touchpoint_no")
    ended = journeys.table.filter(_.end_kind == "bad_end").select("journey", bad_end=True)
    sessions = (
        found.table.filter(_.state != "open")
        .select(*_KEY, "state")
        .left_join(ended, "journey")
        .mutate(bad=(_.state == "abandoned") | _.bad_end.fill_null(False))
        .select(*_KEY, "bad")
    )
    passed = (
        found.turns.filter(_.actor == "bot")
        .select(*_KEY, "touchpoint_no", "customer_no", "group")
        .distinct()
        .inner_join(sessions, _KEY)
    )
    sums = group_sums(
        passed.group_by(["touchpoint_no", "group"]).aggregate(
            bad=_.bad.cast("int64").sum(), n=_.count()
        ),
        ["bad", "n"],
        len(spots),
    )
    people = fetch(passed.group_by("touchpoint_no").aggregate(n=_.customer_no.nunique()))
    customers = people.set_index("touchpoint_no")["n"].reindex(range(len(spots)), fill_value=0)
    n = customers.to_numpy(dtype=np.int64)
    result = resample(
        sums, quotient, share=True, n_customers=n, n_trials=sums[:, :, 1].sum(axis=0), draws=1
    )
    shown = n >= max(journeys.settings.min_customers, 1)
    lows = np.where(shown, np.nan_to_num(result.lo), 0.0)
    return dict(zip(spots["touchpoint"].astype(str), lows.tolist(), strict=True))


def transfers_measure(
    found: BotSessions, journeys: Journeys, settings: MeasureSettings
) -> Measured:
    """Return the share of a bot's or human's turns after which another hand takes over.

    Another hand is a human after a bot, or another human (a change of `resource`), as the next
    one that serves the customer in the same journey and intent within ``handover_hours``.
    """
    names = journeys.names
    serving = found.turns.filter(_.actor.isin(["bot", "human"]))
    runs = found.matters(serving)
    following: dict[str, Any] = {
        f"next_{column}": runs.after(_[column]) for column in ("actor", "resource", "t_us")
    }
    turns = serving.mutate(**following)
    other = (_.actor == "bot") | (_.resource != _.next_resource)
    soon = (_.next_t_us - _.done_us <= round(settings.handover_hours * 3600 * 1_000_000)).fill_null(
        True
    )
    passed = ((_.next_actor == "human") & other & soon).fill_null(False)
    turns = turns.select(
        "touchpoint_no", "group", "customer_no", "journey", passed=passed.cast("int64")
    ).cache()
    sums = group_sums(
        turns.group_by(["touchpoint_no", "group"]).aggregate(passed=_.passed.sum(), n=_.count()),
        ["passed", "n"],
        len(names),
    )
    base = bases(turns, len(names))
    customers, events = base["customers"].to_numpy(), base["events"].to_numpy()
    thin = (events < settings.min_starts) | (customers < settings.min_base_customers)
    reason: AbstainReason = "n_small"
    return Measured(
        measure="transfers",
        unit="share",
        resampled=resample(sums, quotient, share=True, n_customers=customers, n_trials=events),
        n_events=events,
        n_journeys=base["journeys"].to_numpy(),
        n_customers=customers,
        abstain=tuple(reason if few else None for few in thin),
    )
