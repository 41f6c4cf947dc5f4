"""Bot sessions: conversations that a bot opens, and how each of them ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import ibis
from ibis import _

from journeylib.journeys.steps import Journeys
from journeylib.journeys.text import asks_for_human, awaits_answer, confirms, offers_human
from journeylib.log.engine import fetch
from journeylib.log.inorder import ROW, Runs, hold_in_order, lie_in_order
from journeylib.measures.settings import MeasureSettings

US = 1_000_000
EARLY_BOT_TURNS = 3
_KEY = ["journey", "opened"]


@dataclass(frozen=True)
class BotSessions:
    """The sessions of a log in which a bot acts before any human, and the turns behind them.

    Attributes
    ----------
    turns : ibis.Table
        One row per step: ``journey``, ``customer_no``, ``group``, ``step``, ``touchpoint``,
        ``touchpoint_no``, ``actor``, ``resource``, ``intent``, ``text`` (null where undeclared),
        ``rating_micro``, ``t_us``, ``done_us`` (its end, microseconds since 1970 UTC; null
        without a clock),
        ``opened`` (first step of its session: with ``journey`` the key of the session),
        ``asks`` (a customer asks for a human), ``offers`` (a bot offers one), ``handover`` (a mark
        of one). They lie in order for `Runs` where no session is declared.
    table : ibis.Table
        One row per bot session: the key ``journey``, ``opened``; ``session_no``,
        ``customer_no``, ``group``, ``touchpoint_no`` (of the bot's first turn), ``intent``;
        ``start_us`` (first bot turn), ``end_us``, ``bot_done_us`` (the bot's last act before a
        human), ``human_us`` (in the session or soon after), ``request_us``, ``again_us`` (next
        contact of the customer in the same intent); ``human_joined``, ``resolved``, ``silent``,
        ``promised``, ``offered``, ``cold`` (the human came in a later session that the customer
        opened; boolean); ``requests`` (before a human); ``state``
        (``contained``, ``handed_over``, ``abandoned``, ``open``); the steps ``first_bot``,
        ``request_step``, ``bot_done_step``, ``last_step``; ``rating_micro`` (the last given).
    about : bool
        The log has intents.
    """

    turns: ibis.Table
    table: ibis.Table
    about: bool = False

    def matters(self, turns: ibis.Table) -> Runs:
        """Return the runs of `turns` (some of `turns`) about one matter: journey and intent."""
        also = ("intent",) if self.about else ()
        return Runs.of(turns, "journey", "step", also=also, apart=True)


def bot_sessions(journeys: Journeys, settings: MeasureSettings) -> BotSessions:
    """Find the bot sessions of a log and how each of them ended.

    Parameters
    ----------
    journeys : Journeys
        With actors.
    settings : MeasureSettings

    Returns
    -------
    BotSessions

    Notes
    -----
    A session is what the session column says, within one journey; elsewhere a run of steps
    without ``session_gap_minutes`` of silence; without a clock the whole journey.

    ``state`` is the first that holds of

    - *handed over*: a human acts in the session, or within ``handover_hours`` after it in the
      same journey and intent; in a log without any human, a mark of hand-over at or after the
      bot's first turn;
    - *open*: the log ends too soon after the session (within the longer of the session gap and
      ``handover_hours``) to tell;
    - *abandoned*: it touched a declared bad end; or the bot's last words are a question or no
      answer, the customer said nothing after them, and nothing shows a solution. Without text,
      or without customers' events, silence tells nothing and only bad ends count;
    - *contained*.

    A solution shows by a declared goal at or after the bot's first turn in the same journey, or
    by the customer's last words (`text.confirms`). A missing intent matches every intent:
    a contact without a label may be about the same thing, and missing labels shall not flatter.
    """
    turns = _turns(journeys, settings)
    served = _served(turns, journeys)
    about = journeys.has("intent")
    by_time = ["begin_us", "journey", "opened"]
    asked = (served.first_customer < served.first_human).ifelse(
        served.joined_us, ibis.null("int64")
    )
    served = served.mutate(
        next_human_us=_next_of(served.joined_us, ["journey"], ["opened"], about=about),
        next_opened_us=_next_of(asked, ["journey"], ["opened"], about=about),
        # In order of time the least of what is later is what is next.
        again_us=_next_of(served.begin_us, ["customer_no"], by_time, about=True)
        if about
        else served.begin_us.lead().over(ibis.window(group_by="customer_no", order_by=by_time)),
    )
    opened = served.filter(
        _.first_bot.notnull() & (_.first_human.isnull() | (_.first_bot < _.first_human))
    ).cache()
    facts = _facts(turns, opened, journeys)
    return BotSessions(turns, _with_states(facts, journeys, settings), about)


def _turns(journeys: Journeys, settings: MeasureSettings) -> ibis.Table:
    """Return the turns; what takes no room to hold or is cheap to work out is not held."""
    steps = journeys.trail
    clock = journeys.has_clock
    opened = with_sessions(journeys, settings)
    by_name = _.touchpoint.isin(settings.human_request_words)
    said = (
        asks_for_human(_.text, settings.human_request_words)
        if journeys.has("text")
        else ibis.literal(False)
    )
    offers = offers_human(_.text) if journeys.has("text") else ibis.literal(False)
    narrow = ("customer_no", "group", "step", "touchpoint_no", "opened")
    known = ("resource", "intent", "text", "t_us", "service_us", "rating_micro", "handover")
    held = opened.mutate(
        # `cases` spares the engine the regular expressions on everybody else's texts.
        asks=ibis.cases((_.actor == "customer", said | by_name), else_=False),
        offers=ibis.cases((_.actor == "bot", offers), else_=False),
        **{name: opened[name].cast("int32") for name in narrow},
    ).select(
        *("journey", "touchpoint", "actor", "asks", "offers", *narrow),
        *(name for name in known if name in steps.columns),
    )
    keys = [key for key in ("journey", "customer_no") if lie_in_order(held, key)]
    held = hold_in_order(held, keys) if keys else held.cache()
    number, word = ibis.null("int64"), ibis.null("string")
    turns = held.mutate(
        t_us=_.t_us if clock else number,
        done_us=(_.t_us + ibis.coalesce(_.service_us, 0)) if clock else number,
        **{
            role: held[role] if role in held.columns else word
            for role in ("resource", "intent", "text")
        },
        rating_micro=_.rating_micro if "rating_micro" in held.columns else number,
        handover=_.handover.fill_null(False) if "handover" in held.columns else False,
        **{name: held[name].cast("int64") for name in narrow},
    )
    return turns.select(
        *("journey", "opened", "step", "customer_no", "group", "touchpoint", "touchpoint_no"),
        *("actor", "resource", "intent", "text", "t_us", "done_us", "asks", "offers"),
        "rating_micro",
        "handover",
    )


def with_humans(turns: ibis.Table) -> ibis.Table:
    """Add ``human_step``, the first step of a human in the session."""
    humans = turns.filter(_.actor == "human").group_by(_KEY).aggregate(human_step=_.step.min())
    # A join of a small aggregate, not a window: that would sort all events again.
    return turns.left_join(humans, _KEY).drop("journey_right", "opened_right")


def with_sessions(journeys: Journeys, settings: MeasureSettings) -> ibis.Table:
    """Return the steps with ``opened``, the first step of the session that each belongs to.

    A session is what the session column says, within one journey; elsewhere a run of steps
    without `gap_minutes` of silence; without a clock the whole journey. Where no session is
    declared the steps still lie in order for `Runs`.
    """
    steps, gap_us = journeys.trail, round(settings.session_gap_minutes * 60 * US)
    if not journeys.has_clock:
        if not journeys.has("session"):
            return steps.mutate(opened=ibis.literal(1).cast("int64"))
        talk = ibis.window(group_by=["journey", "session"])
        return steps.mutate(opened=_.step.min().over(talk))
    done = _.t_us + ibis.coalesce(_.service_us, 0)
    if not journeys.has("session"):
        runs = Runs.of(steps, "journey", "step")
        steps = steps.mutate(**{ROW: runs.row()}, _busy_us=done if journeys.has("end_us") else 0)
        busy = runs.before(_.t_us)
        if journeys.has("end_us"):
            steps = steps.mutate(_busy_us=runs.most_so_far(_["_busy_us"]))
            busy = runs.before(_["_busy_us"])
        silent = steps.mutate(_opens=(_.t_us - busy > gap_us).fill_null(True))
        return silent.mutate(opened=_.step - runs.since(_["_opens"])).drop(
            ROW, "_busy_us", "_opens"
        )
    in_order: dict[str, Any] = {"group_by": ["journey", "session"], "order_by": "step"}
    busy_until = done.max().over(ibis.window(preceding=(None, 1), **in_order))
    silent = steps.mutate(silence=_.t_us - busy_until)
    opens = _.silence.isnull() | (_.session.isnull() & (_.silence > gap_us))
    first = opens.ifelse(_.step, ibis.null("int64")).max()
    opened = first.over(ibis.window(preceding=(None, 0), **in_order))
    return silent.mutate(opened=opened).drop("silence")


def _served(turns: ibis.Table, journeys: Journeys) -> ibis.Table:
    """Return one row per session in which somebody serves or asks, a bot's or not.

    A session in which nobody does is nobody's next contact either.
    """
    bot, human, customer = (_.actor == who for who in ("bot", "human", "customer"))
    served = turns.filter(bot | human | (customer & _.text.notnull())).select(_KEY).distinct()
    return (
        turns.semi_join(served, _KEY)
        .group_by(_KEY)
        .aggregate(
            customer_no=_.customer_no.min(),
            group=_.group.min(),
            intent=_.intent.argmin(_.step, where=_.intent.notnull())
            if journeys.has("intent")
            else ibis.null("string"),
            first_bot=_.step.min(where=bot),
            first_human=_.step.min(where=human),
            first_customer=_.step.min(where=customer),
            begin_us=_.t_us.min(),
            joined_us=_.t_us.min(where=human),
        )
    )


def _facts(turns: ibis.Table, opened: ibis.Table, journeys: Journeys) -> ibis.Table:
    """Return what else is told of the bot sessions `opened`."""
    own = opened.select("first_human", of_journey="journey", of_opened="opened")
    same = [turns.journey == own.of_journey, turns.opened == own.of_opened]
    goals = turns.filter(_.touchpoint.isin(journeys.settings.goals))
    reached = goals.group_by("journey").aggregate(goal_step=_.step.max())
    turns = turns.inner_join(own, same).drop("of_journey", "of_opened")
    bot, customer = (_.actor == who for who in ("bot", "customer"))
    before = _.first_human.isnull() | (_.step < _.first_human)
    spoken = bot & _.text.notnull()
    ends = journeys.settings.bad_ends
    heard = journeys.has("text")
    word = ibis.null("string")
    facts = turns.group_by(_KEY).aggregate(
        touchpoint_no=_.touchpoint_no.argmin(_.step, where=bot),
        start_us=_.t_us.min(where=bot),
        end_us=_.done_us.max(),
        bot_done_us=_.done_us.max(where=bot & before),
        last_spoken=_.step.max(where=spoken),
        last_words=_.text.argmax(_.step, where=spoken) if heard else word,
        last_customer=_.step.max(where=customer),
        last_reply=_.text.argmax(_.step, where=customer & _.text.notnull()) if heard else word,
        mark_step=_.step.max(where=_.handover),
        dropped_step=_.step.max(where=_.touchpoint.isin(ends)),
        requests=(_.asks & before).fill_null(False).sum().cast("int64"),
        request_us=_.t_us.min(where=_.asks & before),
        request_step=_.step.min(where=_.asks & before),
        bot_done_step=_.step.max(where=bot & before),
        last_step=_.step.max(),
        rating_micro=_.rating_micro.argmax(_.step, where=_.rating_micro.notnull()),
    )
    facts = opened.inner_join(facts, _KEY).left_join(reached, "journey").drop("journey_right")
    return facts.left_join(_early_offers(turns), _KEY).drop("journey_right", "opened_right")


def _early_offers(turns: ibis.Table) -> ibis.Table:
    """Return the sessions in which a human is offered in the first bot turns, ``offered``."""
    offers = turns.filter(_.offers).group_by(_KEY).aggregate(offer_step=_.step.min())
    return (
        turns.filter(_.actor == "bot")
        .inner_join(offers, _KEY)
        .filter(_.step <= _.offer_step)
        .group_by(_KEY)
        .aggregate(bot_turns=_.count())
        .filter(_.bot_turns <= EARLY_BOT_TURNS)
        .select(*_KEY, offered=ibis.literal(True))
    )


def _next_of(value: Any, by: list[str], order: list[str], *, about: bool) -> Any:
    """Return the least `value` of later sessions: where it is known `about` what, about the same.

    A missing intent matches every intent.
    """
    missing = ibis.null("int64")

    def later(number: Any, *also: str) -> Any:
        window = ibis.window(group_by=[*by, *also], order_by=order, following=(1, None))
        return number.min().over(window)

    if not about:
        return later(value)
    same = later(value, "intent")
    unknown = later(_.intent.isnull().ifelse(value, missing))
    nearest = ibis.least(ibis.coalesce(same, unknown), ibis.coalesce(unknown, same))
    return _.intent.isnull().ifelse(later(value), nearest)


def _with_states(sessions: ibis.Table, journeys: Journeys, settings: MeasureSettings) -> ibis.Table:
    handover_us = round(settings.handover_hours * 3600 * US)
    settle_us = max(handover_us, round(settings.session_gap_minutes * 60 * US))
    heard = journeys.has("text") and customers_act(journeys)
    unanswered = _.last_customer.isnull() | (_.last_customer < _.last_spoken)
    soon = (_.next_human_us - _.end_us <= handover_us).fill_null(False)
    last_us = journeys.last_us
    young = ibis.literal(False) if last_us is None else _.end_us > last_us - settle_us
    # Where people are seen, only they tell that one came: a mark may end in a queue.
    marks = journeys.has("handover") and not _anyone(journeys, "human")
    marked = (_.mark_step >= _.first_bot).fill_null(False) if marks else ibis.literal(False)
    facts = sessions.mutate(
        human_joined=_.first_human.notnull() | marked,
        human_us=_.first_human.notnull().ifelse(
            _.joined_us, soon.ifelse(_.next_human_us, ibis.null("int64"))
        ),
        resolved=(_.goal_step >= _.first_bot).fill_null(False) | confirms(_.last_reply),
        waiting=unanswered & awaits_answer(_.last_words) if heard else ibis.literal(False),
        promised=offers_human(_.last_words) & ~awaits_answer(_.last_words),
        soon=soon,
        offered=_.offered.fill_null(False),
        cold=_.first_human.isnull() & soon & (_.next_opened_us == _.next_human_us).fill_null(False),
    ).mutate(
        silent=(_.waiting & ~_.resolved) | (_.dropped_step >= _.first_bot).fill_null(False),
    )
    # Held before it is numbered: both the texts and what was joined are dear to work out.
    states = facts.cache().mutate(
        state=ibis.cases(
            (_.human_joined | _.soon, "handed_over"),
            (young, "open"),
            (_.silent, "abandoned"),
            else_="contained",
        ),
        session_no=ibis.row_number().over(order_by=_KEY),
    )
    return states.select(
        *("session_no", *_KEY, "customer_no", "group", "touchpoint_no", "intent", "start_us"),
        *("end_us", "bot_done_us", "human_us", "request_us", "again_us", "human_joined"),
        *("resolved", "silent", "promised", "offered", "cold", "requests", "state", "first_bot"),
        *("request_step", "bot_done_step", "last_step", "rating_micro"),
    ).cache()


def customers_act(journeys: Journeys) -> bool:
    """Whether the log holds customers' own events; a system's log does not."""
    return _anyone(journeys, "customer")


def _anyone(journeys: Journeys, actor: str) -> bool:
    return len(fetch(journeys.trail.filter(_.actor == actor).select("step").limit(1))) > 0
