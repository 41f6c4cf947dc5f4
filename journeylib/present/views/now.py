"""The first screen: what to decide, bot by bot, promises, what changed, how far to trust."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from journeylib.audits import Audit, end_words, stream_label
from journeylib.core import duration, number, percent, text
from journeylib.journeys import START
from journeylib.log import MIN_CELL
from journeylib.measures import public_waterfall
from journeylib.present.blocks import Block, findings_list, template
from journeylib.present.drawing import svg
from journeylib.present.figure import svg_element
from journeylib.present.views.changes import changes_head

ENDS = ("ended_with_bot", "handed_over", "abandoned", "other")
PROMISES = (
    "requests_honoured",
    "dead_cries",
    "lost_in_queue",
    "silent_abandonment",
    "context_sent",
)
Run = tuple[str, dict[str, Any]]  # day, and its number as in the document
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
    decisions = audit.document["decisions"]
    screen = {
        "line": _line(audit),
        "headline": decisions["headline"],
        "detail": decisions["detail"],
        "grade": text("present.now.n", n=number(decisions["customers"]))
        if decisions["customers"]
        else "",
        **_ends(audit),
        "objective": objective_state(audit),
        "decisions": [_item(audit, item) for item in decisions["items"]],
        "bots": [_bot(audit, bot) for bot in decisions["bots"]],
        "bots_title": text("present.now.bots"),
        "bots_key": _key(decisions["bots"]),
        "promises": _promises(audit) if decisions["bots"] else [],
        "panels": _panels(audit),
        "words": {
            **{name: text(f"present.now.{name}") for name in _WORDS},
            "first_step": first_step(audit.document),
            "bounds_note": text("present.now.bounds_note")
            if any(bot["at_least"] for bot in decisions["bots"])
            else "",
            "heads": [text(f"present.now.head.{name}") for name in _HEADS],
        },
    }
    lines = [decisions["headline"], decisions["detail"]]
    if (objective := screen["objective"]) is not None:
        lines += [f"{objective['title']} {objective['word']}", *objective["sentences"]]
    lines += [
        f"{i}. {one['title']}. {one['reason']}" for i, one in enumerate(decisions["items"], 1)
    ]
    return Block(template("now.html.j2", "now", screen), "\n".join(lines))


def objective_state(audit: Audit) -> dict[str, Any] | None:
    """Return the objective, where it stands and why; None where none is declared."""
    finding = next((one for one in audit.findings if one.id == "objective"), None)
    if finding is None or audit.config.objective is None:
        return None
    return {
        "title": text("present.now.objective", objective=audit.config.objective.text.rstrip(".")),
        "word": text(f"lab.objective_state.{finding.evidence['state']}"),
        "sentences": list(finding.evidence["texts"]),
    }


def first_step(document: Mapping[str, Any]) -> str:
    """Return what most touchpoints of an ``audit.json`` lack for a verdict; empty if none does."""
    data = Counter(row["next_datum"] for row in document["touchpoints"] if row["next_datum"])
    (datum, n), *_ = data.most_common(1) or [("", 0)]
    return text("present.serve.settle_all", n=n, datum=datum) if datum else ""


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
    minimum = audit.config.journeys.min_customers
    steps = public_waterfall(audit.evidence.handoffs.waterfall, minimum)
    if not audit.document["decisions"]["bots"] or steps.empty:
        return {"ends": []}
    taken = {row["step"]: abs(float(row["share"])) for row in steps.iloc[1:-1].to_dict("records")}
    last, first = float(steps.iloc[-1]["share"]), float(steps.iloc[0]["share"])
    shares = {"verified": last, **taken}
    if first < 1:
        shares["joined"] = 1 - first
    words = {name: text(f"present.now.end.{name}") for name in shares}
    alt = ", ".join(f"{words[name]} {percent(share, 0)}" for name, share in shares.items())
    return {"ends": _bar(shares), "ends_key": list(words.items()), "ends_alt": alt}


def _bar(
    shares: Mapping[str, float], labels: Mapping[str, str] = MappingProxyType({})
) -> list[dict[str, Any]]:
    return [
        {
            "kind": name,
            "width": f"{100 * share:.2f}",
            "label": labels.get(name, percent(share, 0)),
            "wide": 100 * share >= ROOM,
            "word": text(f"present.now.end.{name}"),
        }
        for name, share in shares.items()
        if share > 0
    ]


def _key(bots: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    ends = {end for bot in bots for end, share in bot["ends"].items() if share}
    return [(end, text(f"present.now.end.{end}")) for end in ENDS if end in ends]


def bot_bar(bot: Mapping[str, Any]) -> dict[str, Any]:
    """Return how one bot's conversations end: the parts of the bar, and the same in words."""
    shares = {end: bot["ends"][end] for end in ENDS if end in bot["ends"]}
    full = {end: end_words(end, share, bot["at_least"]) for end, share in shares.items()}
    words = (f"{text(f'present.now.end.{end}')} {full[end]}" for end in shares)
    short = {end: text("present.now.at_least", share=percent(shares[end], 0))
             for end in bot["at_least"] if end in shares}  # fmt: skip
    return {"ends": _bar(shares, short), "alt": f"{bot['touchpoint']}: {', '.join(words)}"}


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
    estimates, own = audit.evidence.handoffs.estimates(), audit.config.judge.handoff_limits
    items = {item.name: item for item in audit.judgement.handoff_items}
    shown = []
    for name in PROMISES:
        item, estimate = items[name], estimates[name]
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
    decisions = audit.document["decisions"]
    more = text("present.now.evidence")
    rest = {"trials": decisions["trials"], "trust": [*decisions["trust"], *_not_shown(audit)]}
    runs = _runs(audit)
    links = {"changed": "appendix-k", "trials": "appendix-j", "trust": "appendix-b"}
    return [
        {
            "title": text(f"present.now.panel.{name}"),
            "sentences": sentences,
            "drawing": _trend_line(runs) if name == "changed" else "",
            "link": links[name],
            "more": more,
        }
        for name, sentences in {"changed": [*_changed(audit), *_trend(runs)], **rest}.items()
    ]


def _not_shown(audit: Audit) -> list[str]:
    """Say how many touchpoints have too few customers, and why nothing is said of bots."""
    every, handoffs = len(audit.journeys.touchpoints), audit.evidence.handoffs
    few = every - len(audit.document["touchpoints"])
    hidden = [text("present.now.few", n=few, all=every)] * bool(few)
    if handoffs.abstain is not None:
        return [*hidden, text("present.now.no_actor")]
    return hidden if handoffs.sessions else [*hidden, text("present.now.no_bot")]


def _changed(audit: Audit) -> list[str]:
    """Return the alarms or that there is none, what came nearest to one, and the kept runs."""
    tests, alarms = audit.changes.tests, audit.changes.significant
    sentences = [changes_head(audit), audit.changes.quiet]
    for change in alarms[:2]:
        since = _since(audit, change.id)
        sentences += [change.text, text("present.now.since", day=since) if since else ""]
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
    return [sentence for sentence in sentences if sentence]


def _since(audit: Audit, change: str) -> str:
    """Return the day of the first of the runs that say so without a break; empty: only this one."""
    first = ""
    for entry in reversed(audit.history.before(audit.as_of)):
        ids = {one["id"] for one in entry.document["changes"] if one["significant"]}
        if change not in ids:
            break
        first = entry.as_of.isoformat()
    return first


def _runs(audit: Audit) -> list[Run]:
    """Return day and key number of the kept runs, this one last: confirmed, or goals reached."""
    earlier = [
        (entry.as_of, entry.document) for entry in audit.history.before(audit.as_of)[1 - TREND :]
    ]
    key = "confirmed" if audit.document["decisions"]["bots"] else "goals"
    runs = []
    for day, document in (*earlier, (audit.as_of, audit.document)):
        estimate = (
            document["handoffs"]["contained_verified"] if key == "confirmed" else _goal(document)
        )
        if estimate and estimate["value"] is not None:
            runs.append((day.isoformat(), {**estimate, "key": key}))
    return runs if len(runs) > 1 else []


def _goal(document: Mapping[str, Any]) -> Mapping[str, Any] | None:
    ends = document["structure"]["ends"] if document["structure"] else ()
    whole = (row for row in ends if (row["touchpoint"], row["end"]) == (START, "goal"))
    return next((row["share"] for row in whole), None)


def _trend(runs: Sequence[Run]) -> list[str]:
    """Return the key number of the runs that are kept, in words."""
    if not runs:
        return []
    values = " → ".join(percent(estimate["value"], 0) for _, estimate in runs)
    key = f"present.now.trend.{runs[0][1]['key']}"
    return [text(key, runs=len(runs), values=values)]


def _trend_line(runs: Sequence[Run]) -> str:
    """Draw the key number of the kept runs with its interval, the first and last written out."""
    if not runs:
        return ""
    days = [dt.date.fromisoformat(day).toordinal() for day, _ in runs]
    ends = [
        tuple(estimate["value"] if estimate[end] is None else estimate[end] for end in ("lo", "hi"))
        for _, estimate in runs
    ]
    low, high = float(min(lo for lo, _ in ends)), float(max(hi for _, hi in ends))
    left, wide, top, tall = 34.0, 172.0, 4.0, 24.0
    x = [left + wide * (day - days[0]) / (days[-1] - days[0]) for day in days]

    def y(share: float) -> float:
        return top + tall * (high - share) / ((high - low) or 1.0)

    points = [(at, y(estimate["value"])) for at, (_, estimate) in zip(x, runs, strict=True)]
    parts = [
        svg.line(at, y(lo), at, y(hi), "jl-whisker") for at, (lo, hi) in zip(x, ends, strict=True)
    ]
    parts.append(f'<path d="{svg.path(points)}" class="jl-trend"/>')
    parts += [svg.marker("circle", *point, 3, "jl-trendt") for point in points]
    for index, anchor, shift in ((0, "end", -7.0), (-1, "start", 7.0)):
        value = percent(runs[index][1]["value"], 0)
        parts.append(
            svg.label(x[index] + shift, points[index][1] + 4, value, "jl-t4", anchor=anchor)
        )
        parts.append(svg.label(x[index], 42, runs[index][0], "jl-t1 jl-m", anchor="middle"))
    return svg_element(parts, width=250, height=45, alt=_trend(runs)[0], min_width=0)
