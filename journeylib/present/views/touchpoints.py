"""Touchpoints: the table 'now → should be', and one page for each of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from journeylib.audits import Audit, end_words
from journeylib.core import (
    ConfigError,
    did_you_mean,
    estimate_text,
    number,
    percent,
    refuse_other,
    signed,
    text,
)
from journeylib.present.blocks import Block, remark, template
from journeylib.present.charts.journey_ends import end_word
from journeylib.present.charts.service_types import draw_types, share_text
from journeylib.present.charts.steps import steps_figure
from journeylib.present.drawing.svg import verdict_marker
from journeylib.present.figure import Figure
from journeylib.present.tables import as_float, end_share, html_table, share_interval
from journeylib.present.theme import VERDICTS, feeling
from journeylib.present.views.now import bot_bar, confirmed, hand_over, objective_state, spot_id

REASONS = 3  # for each side
MONTHS = 12  # the last
GIVEN_UP = 0.2  # share of conversations from which it is the headline of a bot
WAITING = {"abstain", "unserved"}  # nothing is done there, so nothing can be stopped
SHARED = 4  # touchpoints from which what would settle them all is said once
Row = dict[str, Any]


@dataclass(frozen=True, repr=False)
class TouchpointPage(Block):
    """The page of one touchpoint, and the chart of where its visits come from and go to."""

    flow: Figure

    def _ipython_display_(self) -> None:
        """Show the page, then the chart: a notebook that is not trusted takes drawings out."""
        from IPython.display import display

        display(Block(self.html, self.text))  # type: ignore[no-untyped-call]
        display(self.flow)  # type: ignore[no-untyped-call]


def touchpoints(audit: Audit) -> Block:
    """Return who serves each touchpoint now, who should, and what disagrees or is missing."""
    order = {code: rank for rank, code in enumerate(VERDICTS)}
    served = [row for row in audit.document["touchpoints"] if not _not_served(row)]
    served.sort(key=lambda row: (order[_code(row)], bool(row["leaning"]), row["touchpoint"]))
    heads = ("touchpoint", "now", "should_be", "holds", "customers", "remarks")
    hidden = len(audit.document["touchpoints"]) - len(served)
    groups = _groups(audit)
    data = Counter(row["next_datum"] for row in served if row["next_datum"])
    shared = {datum: n for datum, n in data.items() if n >= SHARED}
    rows = [_row(audit, row, groups) for row in served]
    for row, shown in zip(served, rows, strict=True):
        shown["settle"] = "" if row["next_datum"] in shared else shown["settle"]
    notes = [text("present.serve.settle_all", n=n, datum=datum) for datum, n in shared.items()]
    notes += _no_bot(audit, served)
    notes += [text("present.serve.note", n=hidden)] * bool(hidden)
    notes += [text("present.serve.flag")] * any(row["flags"] for row in rows)
    if not rows:
        return remark(" ".join([text("present.serve.none"), *notes]))
    screen = {
        "caption": text("present.serve.caption"),
        "heads": [text(f"present.serve.head.{name}") for name in heads],
        "rows": rows,
        "filters": _filters(rows, groups),
        "note": " ".join(notes),
    }
    lines = [f"{row['touchpoint']}: {_verdict(row)}" for row in served]
    return Block(template("now.html.j2", "touchpoints", screen), "\n".join(lines))


@dataclass(frozen=True)
class _Group:
    """A segment or a month: its name, and customers by touchpoint, small cells left out."""

    kind: str
    name: str
    customers: Mapping[str, int]


def _groups(audit: Audit) -> list[_Group]:
    groups = []
    for kind, table in (("segment", audit.reach.segments), ("month", audit.reach.months)):
        for name, rows in table.groupby(kind, sort=True):
            customers = dict(zip(rows["touchpoint"], rows["customers"].astype(int), strict=True))
            groups.append(_Group(kind, str(name), customers))
    return groups


def _filters(rows: Sequence[Row], groups: Sequence[_Group]) -> Row:
    """Return what the script of a page may filter by: values that occur, groups counted before."""
    values = {
        "channel": sorted({row["channel"] for row in rows if row["channel"]}),
        "now": sorted({row["now"] for row in rows}),
        "should": list(dict.fromkeys(row["should"] for row in rows)),
    }
    heads = {"channel": "present.head.channel", "now": "present.serve.head.now"}
    heads["should"] = "present.serve.head.should_be"
    return {
        "all": text("present.serve.all"),
        "felt": any(row["feeling"] for row in rows),
        "disagree": any(row["flags"] for row in rows),
        "selects": [
            {"name": name, "label": text(heads[name]), "values": one}
            for name, one in values.items()
            if len(one) > 1
        ],
        "groups": [
            (text(f"present.serve.group.{kind}"), [one.name for one in groups if one.kind == kind])
            for kind in dict.fromkeys(one.kind for one in groups)
        ],
        **{name: text(f"present.serve.{name}") for name in _FILTER_WORDS},
        "status": [text(f"present.serve.{name}", n="{n}", all="{all}") for name in _STATUS_WORDS],
    }


_FILTER_WORDS = ("count_of", "flagged", "colour", "by_verdict", "by_feeling")
_STATUS_WORDS = ("shown", "withheld", "colours")


def _not_served(row: Row) -> bool:
    return "not_served" in (row["automation_fit"]["abstain"], row["empathy_need"]["abstain"])


def _code(row: Row) -> str:
    return str(row["leaning"] or row["verdict"])


def _row(audit: Audit, row: Row, groups: Sequence[_Group]) -> Row:
    stability = row["verdict_stability"]
    datum = row["next_datum"]
    return {
        "name": row["touchpoint"],
        "link": spot_id(audit, row["touchpoint"]),
        "now": text(f"present.serve.by.{_served_by(audit, row)}"),
        "code": _code(row),
        "mark": verdict_marker(_code(row), 10, 10, 6.5, leaning=bool(row["leaning"])),
        "verdict": _verdict(row),
        "holds": percent(stability, 0) if stability and _code(row) != "abstain" else "",
        "customers": number(row["customers"]),
        "channel": row["channel"] or "",
        "should": VERDICTS[_code(row)].word,
        "feeling": _feeling(audit, row["touchpoint"]),
        "counts": "|".join(
            number(one.customers[row["touchpoint"]]) if row["touchpoint"] in one.customers else ""
            for one in groups
        ),
        "flags": _flags(audit, row),
        "settle": text("present.serve.settle", datum=datum) if datum else "",
    }


def _flags(audit: Audit, row: Row) -> list[str]:
    flags = audit.document["decisions"]["flags"]
    return [flag["text"] for flag in flags if flag["touchpoint"] == row["touchpoint"]]


def _feeling(audit: Audit, name: str) -> str:
    """Return good, bad or plain; empty where too few were heard."""
    table = audit.evidence.experience
    for row in table[table["touchpoint"] == name].to_dict("records"):
        value, lo, hi = (as_float(row[end]) for end in ("sentiment", "lo", "hi"))
        if value is not None:
            return {1: "good", -1: "bad", 0: "plain"}[feeling(value, lo, hi)]
    return ""


def _served_by(audit: Audit, row: Row) -> str:
    spots = audit.journeys.touchpoints
    by = spots.loc[spots["touchpoint"] == row["touchpoint"], "served_by"].iloc[0]
    return {"bot": "bot", "human": "person"}.get(by, by if by in ("both", "nobody") else "unknown")


def _no_bot(audit: Audit, served: Sequence[Row]) -> list[str]:
    """Say that no bot serves, or that the log names nobody, where that is so."""
    by = {_served_by(audit, row) for row in served}
    key = "no_actor" if "unknown" in by else "no_bot"
    return [] if by & {"bot", "both"} or not by else [text(f"present.serve.{key}")]


def _verdict(row: Row) -> str:
    if row["leaning"]:
        return text("present.serve.leans", verdict=VERDICTS[row["leaning"]].word)
    return VERDICTS[row["verdict"]].word


def touchpoint_pages(audit: Audit) -> Block:
    """Return one page for each touchpoint with enough customers, folded until it is asked for."""
    rows = sorted(audit.document["touchpoints"], key=lambda row: row["touchpoint"].casefold())
    pages = [_page(audit, row, flow=_way(audit, row["touchpoint"]), drawn=True) for row in rows]
    html = "".join(template("now.html.j2", "page", page) for page in pages)
    titles = "\n".join(page["title"] for page in pages)
    return Block(f'<div class="jl-spots">{html}</div>', titles)


def touchpoint(audit: Audit, name: str) -> TouchpointPage:
    """Return the page of one touchpoint; in a notebook with a chart of where customers go.

    Parameters
    ----------
    audit : Audit
    name : str
        As in the log.

    Raises
    ------
    ConfigError
        If no touchpoint with enough customers is called so.
    """
    refuse_other(audit, "Audit")
    row = next((r for r in audit.document["touchpoints"] if r["touchpoint"] == name), None)
    if row is None:
        near = did_you_mean(name, [r["touchpoint"] for r in audit.document["touchpoints"]])
        raise ConfigError(f"no touchpoint with enough customers is called {name!r}.{near}")
    flow = _way(audit, name)
    page = _page(audit, row, flow=flow, drawn=False)
    html = template("now.html.j2", "page", page).replace("<details", "<details open", 1)
    return TouchpointPage(html, f"{page['title']}\n{page['lead']}\n{flow.alt}", flow)


def _way(audit: Audit, name: str) -> Figure:
    rows = audit.document["touchpoints"]
    verdicts = {row["touchpoint"]: _code(row) for row in rows}
    return steps_figure(audit.journeys, name, verdicts)


def _page(audit: Audit, row: Row, *, flow: Figure, drawn: bool) -> Row:
    name = row["touchpoint"]
    bot = next((b for b in audit.document["decisions"]["bots"] if b["touchpoint"] == name), None)
    panels = [
        _bot_panel(bot) if bot else None,
        *_reasons(row, open_=not _flags(audit, row)),
        _panel("flags", listed=_flags(audit, row)),
        {"title": flow.title, "wide": True, **_flow(flow, drawn=drawn)},
        _panel("passing_end", pairs=_ends(audit, name)),
        _panel("segments", pairs=_segments(audit, name)),
        _panel("trend", sentences=_months(audit, name)),
        _panel("types", pairs=types_at(audit, name), sentences=_types_of_bot(audit, name)),
        _panel("bets", listed=_bets(audit, name)),
        _panel("objective", sentences=_objective(audit, name)),
        _next(audit, row, bot),
    ]
    stage = " · ".join(filter(None, (row["stage"], row["channel"])))
    return {
        "id": spot_id(audit, name),
        "name": name,
        "short": _verdict(row) if not _not_served(row) else text("present.serve.by.nobody"),
        "stage": stage,
        "title": _headline(audit, name, bot),
        "lead": _lead(audit, row),
        "facts": _facts(row),
        "panels": [panel for panel in panels if panel],
    }


def _panel(name: str, **content: Any) -> Row | None:
    if not any(content.values()):
        return None
    return {"title": text(f"present.spot.{name}"), **content}


def _headline(audit: Audit, name: str, bot: Row | None) -> str:
    """Return what matters most here: how conversations end, else what is to decide."""
    given_up = bot["ends"].get("abandoned", 0.0) if bot else 0.0
    if given_up >= GIVEN_UP:
        words = end_words("abandoned", given_up, bot["at_least"] if bot else ())
        return text("present.spot.gives_up", name=name, share=words)
    if bot and bot["verified_hi"]:
        return text("present.spot.confirmed", name=name, share=confirmed(bot))
    items = audit.document["decisions"]["items"]
    return next((str(item["title"]) for item in items if name in item["touchpoints"]), name)


def _lead(audit: Audit, row: Row) -> str:
    """Return who serves, who should, how surely, and what the run before said."""
    if _not_served(row):
        return text("present.spot.not_served")
    by = text(f"present.spot.serves.{_served_by(audit, row)}")
    stability = row["verdict_stability"] if _code(row) != "abstain" else None
    key = ("leans" if row["leaning"] else "holds") if stability else "open"
    lead = text(
        f"present.spot.lead.{key}", by=by, verdict=_verdict(row), share=percent(stability, 0)
    )
    before = _before(audit, row["touchpoint"])
    if before is None:
        return lead
    key = "same" if before == row["verdict"] else "other"
    return f"{lead} {text(f'present.spot.before.{key}', verdict=VERDICTS[before].word)}"


def _before(audit: Audit, name: str) -> str | None:
    entries = {entry.run_id: entry.document for entry in audit.history.entries}
    document = entries.get(audit.changes.previous or "")
    rows = document["touchpoints"] if document else ()
    return next((str(row["verdict"]) for row in rows if row["touchpoint"] == name), None)


def _facts(row: Row) -> list[Row]:
    facts = [("visits", number(row["journeys"])), ("customers", number(row["customers"]))]
    for axis in ("automation_fit", "empathy_need"):
        score = row[axis]
        if score["value"] is not None and not _not_served(row):
            facts.append((axis, text("present.spot.of_100", x=number(score["value"], 0))))
    return [{"name": text(f"present.spot.fact.{name}"), "value": value} for name, value in facts]


def _bot_panel(bot: Row) -> Row:
    bar = bot_bar(bot)
    pairs = [
        (text("present.now.head.confirmed"), confirmed(bot)),
        (text("present.now.head.hand_over"), hand_over(bot)),
    ]
    return {
        "title": text("present.spot.ends", n=number(bot["sessions"])),
        **bar,
        "key": [(part["kind"], text(f"present.now.end.{part['kind']}")) for part in bar["ends"]],
        "pairs": pairs,
        "sentences": [text("present.spot.costs", topic=bot["topic"])] if bot["answer"] else [],
    }


def _reasons(row: Row, *, open_: bool) -> list[Row | None]:
    """Return what speaks for a machine and for a person, and why else where no flag says it."""
    sides = {
        "machine": text("present.scorecard.for_machine"),
        "person": text("present.scorecard.for_human"),
    }
    panels: list[Row | None] = []
    for side, mark in sides.items():
        reasons = [
            one.removeprefix(mark).strip(" :") for one in row["reasons"] if one.startswith(mark)
        ]
        panels.append(_panel(side, listed=[one[:1].upper() + one[1:] for one in reasons[:REASONS]]))
    rest = [one for one in row["reasons"] if not one.startswith(tuple(sides.values()))]
    return [*panels, _panel("why", listed=rest if open_ or row["verdict"] == "abstain" else [])]


def _flow(flow: Figure, *, drawn: bool) -> Row:
    """Return the drawing of the steps around a touchpoint, where it may be, beside its numbers."""
    shown = {"finding": flow.alt, "table": html_table(flow.table, caption=flow.alt)}
    return {"drawing": flow.svg if drawn else "", "note": flow.note, **shown}


def _ends(audit: Audit, name: str) -> list[tuple[str, str]]:
    """Return how the journeys that pass through a touchpoint end, with intervals."""
    if audit.structure is None:
        return []
    ends = audit.structure.ends
    return [
        (end_word(row["end"]), end_share(row))
        for row in ends[ends["touchpoint"] == name].to_dict("records")
    ]


def _segments(audit: Audit, name: str) -> list[tuple[str, str]]:
    table = audit.reach.segments
    pairs = []
    for row in table[table["touchpoint"] == name].to_dict("records"):
        words = text("present.spot.segment", n=number(int(row["customers"])))
        felt = as_float(row["sentiment"])
        if felt is not None:
            words = text("present.spot.feels", words=words, feeling=signed(felt))
        pairs.append((str(row["segment"]), words))
    return pairs


def _months(audit: Audit, name: str) -> list[str]:
    """Return the customers of each month in a sentence; a small month is a dash."""
    table = audit.reach.months
    here = table[table["touchpoint"] == name].set_index("month")["customers"]
    months = sorted(set(table["month"]))[-MONTHS:]
    if here.size < 2:
        return []
    counts = [number(int(here[one])) if one in here.index else text("none") for one in months]
    ends = {"first": months[0], "last": months[-1]}
    line = text("present.spot.months", values=" → ".join(counts), **ends)
    return [line if here.size == len(months) else text("present.spot.months_hidden", months=line)]


def service_types(audit: Audit) -> Figure | Block:
    """Draw how many contacts are of the second service type, or say why nobody knows.

    Parameters
    ----------
    audit : Audit
    """
    types = audit.service_types
    if types is None:
        return remark(text("present.types.none"))
    if types.answer != "estimated":
        return remark(text(f"audits.finding.service_types.{types.answer}"))
    return draw_types(types) or remark(text("audits.finding.service_types.few_measured"))


def types_at(audit: Audit, name: str) -> list[tuple[str, str]]:
    """Return the share of each service type among the contacts of a touchpoint."""
    shares = () if audit.service_types is None else audit.service_types.shares
    return [
        (one.type, share_text(one))
        for one in shares
        if one.by == "touchpoint" and one.name == name and one.share.value is not None
    ]


def _types_of_bot(audit: Audit, name: str) -> list[str]:
    """Return what became of the contacts of the second type that a bot had."""
    types = audit.service_types
    bots = () if types is None else types.bots
    own = [one for one in bots if types and one.touchpoint == name and one.type == types.names[1]]
    rows = [
        one for one in own if None not in (one.confirmed.value, one.handed_over.value,
                                           one.gave_up.value)
    ]  # fmt: skip
    return [
        text(
            "present.types.became",
            type=one.type,
            confirmed=estimate_text(one.confirmed, base=False),
            handed_over=estimate_text(one.handed_over, base=False),
            gave_up=estimate_text(one.gave_up, base=False),
        )
        for one in rows
    ]


def _bets(audit: Audit, name: str) -> list[str]:
    """Return what is tried here, how far it is, and what its experiment and this audit say."""
    listed = []
    for bet in audit.config.bets:
        if bet.touchpoint == name:
            state = text(f"lab.state.{bet.state}")
            listed.append(text("present.spot.bet", what=bet.what, state=state))
            parts = {"why": bet.why, "smallest_test": bet.smallest_test, "stop_if": bet.stop_if,
                    "owner": bet.owner_role}  # fmt: skip
            listed += [
                text(f"present.spot.bet_{k}", what=words) for k, words in parts.items() if words
            ]
            prefix = f"bet-{bet.name}-"
            listed += [one.text for one in audit.findings if one.id.startswith(prefix)]
    return listed


def _objective(audit: Audit, name: str) -> list[str]:
    """Return where the objective stands, if it is measured here or a bet is placed here."""
    declared, state = audit.config.objective, objective_state(audit)
    if declared is None or state is None:
        return []
    here = f"[touchpoint={name}]" in declared.measure
    if not here and name not in {bet.touchpoint for bet in audit.config.bets}:
        return []
    return [state["title"], *state["sentences"]]


def _next(audit: Audit, row: Row, bot: Row | None) -> Row:
    """Return what to do, to watch, when to stop, and the line of Python for these journeys."""
    name = row["touchpoint"]
    items = audit.document["decisions"]["items"]
    own = next((item for item in items if name in item["touchpoints"]), None)
    kind = own["kind"] if own else ("unserved" if _not_served(row) else _code(row))
    watched = {
        measure: share_interval(value["value"], value["lo"], value["hi"])
        for measure in ("repeat_contact", "rework", "exceptions")
        if (value := row["measures"][measure])["value"] is not None and value["hi"] > 0
    }
    watch = [
        text("present.spot.now", what=text(f"present.spot.watched.{m}"), x=x)
        for m, x in watched.items()
    ]
    if bot and bot["ends"].get("abandoned"):
        given_up = end_words("abandoned", bot["ends"]["abandoned"], bot["at_least"])
        watch.insert(0, text("present.spot.now", what=text("present.spot.given_up"), x=given_up))
    pairs = [
        (text("present.spot.do"), own["title"] if own else text(f"present.spot.todo.{kind}")),
        (text("present.spot.watch"), "; ".join(watch)),
        (text("present.spot.stop"), _stop(audit, kind) if watch and kind not in WAITING else ""),
        (text("present.spot.settle"), row["next_datum"] or ""),
    ]
    return {
        "title": text("present.spot.next"),
        "pairs": [(name, words) for name, words in pairs if words],
        "code_words": text("present.spot.notebook"),
        "code": f"journeys.passing({name!r})",
    }


def _stop(audit: Audit, kind: str) -> str:
    """Return what would speak against a step: each kind of step has its own risk."""
    if kind in ("way_out", "hand_over"):
        items = {item.name: item for item in audit.judgement.handoff_items}
        lost = audit.evidence.handoffs.lost_in_queue
        limit = percent(items["lost_in_queue"].limit.at, 0)
        key, now = ("queue", "") if lost.value is None else ("queue_now", percent(lost.value, 0))
        return text(f"present.spot.stop_if.{key}", limit=limit, now=now)
    return text(f"present.spot.stop_if.{'people' if kind in ('automate', 'assist') else 'worse'}")
