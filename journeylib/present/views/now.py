"""The first screen: what to decide, bot by bot, promises, what changed, how far to trust."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from journeylib.audits import stream_label
from journeylib.core import duration, number, percent, text
from journeylib.log import MIN_CELL
from journeylib.present.blocks import Block, findings_list, template
from journeylib.present.views.changes import changes_head

if TYPE_CHECKING:
    from journeylib.audits import Audit

ENDS = ("contained", "handed_over", "abandoned", "other")
PROMISES = (
    "requests_honoured",
    "dead_cries",
    "lost_in_queue",
    "silent_abandonment",
    "context_sent",
)
ROOM = 9.0  # per cent of a bar that a number needs
LONGEST = 3.0  # times its limit, that a gauge without an end shows
TREND = 6  # runs
# Where the dashboard shows the evidence of a decision.
APPENDIX = {
    "disclosure": "d",
    "dead-ends": "d",
    "handoff-worst": "d",
    "handoff-time": "e",
    "moments": "f",
    "verdict-fix-first": "c",
}


def findings(audit: Audit) -> Block:
    """Return the findings of an audit in sentences, the most severe first."""
    return findings_list(
        finding for finding in audit.document["findings"] if finding["kind"] != "quality"
    )


def now(audit: Audit) -> Block:
    """Return the first screen of an audit: what to decide, why, and how sure.

    Every number and sentence is that of ``audit.json``, part ``decisions``.
    """
    said = audit.document["decisions"]
    screen = {
        "line": _line(audit),
        "headline": said["headline"],
        "detail": said["detail"],
        "grade": text("present.now.n", n=number(said["customers"])) if said["customers"] else "",
        **_ends(audit),
        "decisions": [_item(audit, item) for item in said["items"]],
        "bots": [_bot(audit, bot) for bot in said["bots"]],
        "bots_title": text("present.now.bots"),
        "bots_key": _key(said["bots"]),
        "promises": _promises(audit) if said["bots"] else [],
        "panels": _panels(audit),
        "words": {
            **{name: text(f"present.now.{name}") for name in _WORDS},
            "heads": [text(f"present.now.head.{name}") for name in _HEADS],
        },
    }
    lines = [said["headline"], said["detail"]]
    lines += [f"{i}. {one['title']}. {one['reason']}" for i, one in enumerate(said["items"], 1)]
    return Block(template("now.html.j2", "now", screen), "\n".join(lines))


_WORDS = ("decide", "order", "nothing", "grades", "bots_note", "promises", "promises_note")
_HEADS = ("bot", "ends", "confirmed", "hand_over")


def _line(audit: Audit) -> str:
    log, period = audit.document["log"], audit.document["audit"]["period"]
    when = text("present.headline.no_clock")
    if period:
        as_of = audit.as_of.isoformat()
        when = text("present.headline.period", first=period[0], last=period[1], as_of=as_of)
    lead = text("present.headline.lead", title=audit.config.heading, when=when)
    line = text(
        "present.now.line",
        lead=lead,
        customers=number(log["customers"]),
        journeys=number(log["journeys"]),
    )
    minimum, who = audit.config.journeys.min_customers, audit.config.small_cells_permitted_by
    if minimum >= MIN_CELL:
        return line
    return f"{line} {text('present.now.small_cells', n=minimum, least=MIN_CELL, who=who)}"


def _ends(audit: Audit) -> dict[str, Any]:
    """Return the bar from what bots are credited with to what is confirmed."""
    steps = audit.evidence.handoffs.waterfall
    if not audit.document["decisions"]["bots"] or steps.empty:
        return {"ends": []}
    taken = {row["step"]: abs(float(row["share"])) for row in steps.iloc[1:-1].to_dict("records")}
    minimum = audit.config.journeys.min_customers
    if steps.iloc[1:-1]["sessions"].abs().between(1, minimum - 1).any():
        taken = {"merged": sum(taken.values())}
    last, first = float(steps.iloc[-1]["share"]), float(steps.iloc[0]["share"])
    shares = {"verified": last, **taken}
    if first < 1:
        shares["joined"] = 1 - first
    words = {name: text(f"present.now.end.{name}") for name in shares}
    alt = ", ".join(f"{words[name]} {percent(share, 0)}" for name, share in shares.items())
    return {"ends": _bar(shares), "ends_key": list(words.items()), "ends_alt": alt}


def _bar(shares: Mapping[str, float]) -> list[dict[str, Any]]:
    return [
        {
            "kind": name,
            "width": f"{100 * share:.2f}",
            "label": percent(share, 0),
            "wide": 100 * share >= ROOM,
        }
        for name, share in shares.items()
        if share > 0
    ]


def _key(bots: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    there = {end for bot in bots for end, share in bot["ends"].items() if share}
    return [(end, text(f"present.now.end.{end}")) for end in ENDS if end in there]


def bot_bar(bot: Mapping[str, Any]) -> dict[str, Any]:
    """Return how one bot's conversations end: the parts of the bar, and the same in words."""
    shares = {end: bot["ends"][end] for end in ENDS if end in bot["ends"]}
    words = (f"{text(f'present.now.end.{end}')} {percent(shares[end], 0)}" for end in shares)
    return {"ends": _bar(shares), "alt": f"{bot['touchpoint']}: {', '.join(words)}"}


def _bot(audit: Audit, bot: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": bot["touchpoint"],
        "n": number(bot["customers"]),
        "link": spot_id(audit, bot["touchpoint"]),
        **bot_bar(bot),
        "verified": confirmed(bot),
        "hand_over": hand_over(bot),
    }


def confirmed(bot: Mapping[str, Any]) -> str:
    """Return which share of a bot's conversations is confirmed as settled, worst to best case."""
    lo, hi = bot["verified_lo"], bot["verified_hi"]
    if lo is None or hi is None:
        return text("none")
    low, high = percent(lo, 0), percent(hi, 0)
    return low if low == high else text("range.dash", lo=number(100 * lo, 0), hi=high)


def hand_over(bot: Mapping[str, Any]) -> str:
    """Return when handing over costs least; that it is not settled where it is not."""
    if bot["answer"] is None:
        return text("present.now.hand_over.open")
    minutes = "" if bot["minutes"] is None else number(bot["minutes"], 1)
    return text(f"present.now.hand_over.{bot['answer'].replace(' ', '_')}", minutes=minutes)


def spot_id(audit: Audit, touchpoint: str) -> str:
    """Return the id of a touchpoint's page."""
    names = [row["touchpoint"] for row in audit.document["touchpoints"]]
    return f"touchpoint-{names.index(touchpoint) + 1}" if touchpoint in names else "appendix-c"


def _item(audit: Audit, item: Mapping[str, Any]) -> dict[str, Any]:
    first = next(iter(item["touchpoints"]), None)
    link = f"appendix-{APPENDIX.get(item['evidence'], 'k')}"
    return {
        **item,
        "base": text("present.now.base", grade=item["grade"], n=number(item["customers"])),
        "link": spot_id(audit, first) if first else link,
        "evidence": text("present.now.evidence"),
    }


def _promises(audit: Audit) -> list[dict[str, Any]]:
    found, own = audit.evidence.handoffs.estimates(), audit.config.judge.handoff_limits
    items = {item.name: item for item in audit.judgement.handoff_items}
    shown = []
    for name in PROMISES:
        item, estimate = items[name], found[name]
        if estimate.value is None or estimate.lo is None or estimate.hi is None:
            continue
        unit = 1.0 if estimate.unit == "share" else LONGEST * item.limit.at
        write = percent if estimate.unit == "share" else duration
        limit = percent(item.limit.at, 0) if unit == 1.0 else write(item.limit.at)
        bound = text(f"present.now.limit.{'least' if item.limit.falls else 'most'}", limit=limit)
        at = [min(100 * x / unit, 100.0) for x in (estimate.lo, estimate.value, estimate.hi)]
        shown.append(
            {
                "name": text(
                    f"present.now.promise.{name}", minutes=audit.config.measures.honoured_minutes
                ),
                "value": percent(estimate.value, 0),
                "range": text(
                    "present.now.range",
                    lo=number(100 * estimate.lo, 0),
                    hi=number(100 * estimate.hi, 0),
                ),
                "left": f"{at[0]:.1f}",
                "width": f"{max(at[2] - at[0], 1):.1f}",
                "at": f"{at[1]:.1f}",
                "limit_at": f"{min(100 * item.limit.at / unit, 100):.1f}",
                "state": item.state if name in own or item.state != "fails" else "convention",
                "words": text(
                    f"present.now.state.{item.state}.{'own' if name in own else 'convention'}",
                    bound=bound,
                ),
                "n": number(estimate.n_customers),
            }
        )
    return shown


def _panels(audit: Audit) -> list[dict[str, Any]]:
    said = audit.document["decisions"]
    more = text("present.now.evidence")
    rest = {"trials": said["trials"], "trust": said["trust"]}
    links = {"changed": "appendix-k", "trials": "appendix-j", "trust": "appendix-b"}
    return [
        {
            "title": text(f"present.now.panel.{name}"),
            "sentences": sentences,
            "link": links[name],
            "more": more,
        }
        for name, sentences in {"changed": _changed(audit), **rest}.items()
    ]


def _changed(audit: Audit) -> list[str]:
    """Return the alarms or that there is none, what came nearest to one, and the kept runs."""
    tests, alarms = audit.changes.tests, audit.changes.significant
    sentences = [changes_head(audit), *(change.text for change in alarms[:2])]
    if not alarms and len(tests) and tests["p_value"].notna().any():
        row = tests.sort_values("p_value", kind="stable").iloc[0].to_dict()
        if row["unit"] == "share":
            sentences.append(
                text(
                    "present.now.nearest",
                    what=stream_label(row["measure"], row["touchpoint"], row["detail"]),
                    before=percent(row["before"], 0),
                    after=percent(row["after"], 0),
                    n=number(int(row["n_after"])),
                )
            )
    return [*sentences, *_trend(audit)]


def _trend(audit: Audit) -> list[str]:
    """Return what was confirmed in the runs that are kept, this one last."""
    documents = [entry.document for entry in audit.history.before(audit.as_of)][-TREND:]
    values = [d["handoffs"]["contained_verified"]["value"] for d in (*documents, audit.document)]
    known = [percent(value, 0) for value in values if value is not None]
    if not documents or len(known) < 2:
        return []
    return [text("present.now.trend", runs=len(known), values=" → ".join(known))]
