"""Views: what an audit, or journeys, look like; one call in a notebook, one output."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pandas as pd

from journeylib.core import Estimate, abstain_text, duration, estimate_text, percent, working
from journeylib.journeys import Journeys, transitions
from journeylib.judge import KIND_TEXT, HandoffItem, worst_item
from journeylib.log import suppress
from journeylib.present.blocks import Block, Card, cards, findings_list, verdict_list, words
from journeylib.present.charts.containment import containment_waterfall, handoff_partition
from journeylib.present.charts.curves import draw_curve
from journeylib.present.charts.experience import experience_line
from journeylib.present.charts.quadrant import quadrant
from journeylib.present.drawing.svg import esc
from journeylib.present.figure import Figure
from journeylib.present.maps.conformance import planned_versus_actual
from journeylib.present.maps.journey_map import draw_map
from journeylib.present.maps.timelines import stories_figure
from journeylib.present.tables import Rows, Table, as_float, keyed, quality_table, table
from journeylib.present.theme import VERDICTS

if TYPE_CHECKING:
    from journeylib.audits import Audit

WATERFALL_LABELS = {
    "raw": "No human joined (raw containment)",
    "repeat": "came back about the same",
    "silent": "fell silent on a question of the bot",
    "unknown": "cannot be told",
    "verified": "Verified containment",
}
HANDOFF_MEASURES = (
    ("contained_raw", "Sessions that no human joined (raw containment)"),
    ("contained_verified", "Verified containment; the interval are its bounds"),
    ("silent_abandonment", "Sessions that fell silent on a question of the bot"),
    ("requests_rate", "Sessions in which the customer asked for a human"),
    ("requests_honoured", "… in which a human came in time"),
    ("dead_cries", "… in which no human came"),
    ("cries_to_human", "Requests before the human came"),
    ("time_to_honour", "From the first request to a human (median, those who gave up counted)"),
    ("escape_hatch_offered", "Sessions in which the bot offered a human"),
    ("wait", "Wait for the human (median, those who gave up counted)"),
    ("lost_in_queue", "Customers who gave up waiting"),
    ("handovers_cold", "Hand-overs in which the customer had to make contact again"),
    ("handovers_requested", "Hand-overs that the customer asked for"),
    ("handovers_triggered", "Hand-overs unasked, after the bot had failed"),
    ("handovers_scripted", "Hand-overs unasked, without a sign of failing"),
    ("context_sent", "What the human needed and had been sent"),
    ("context_carried", "… and that the human opened: context carried"),
    ("asked_again", "Requests for what the bot had been given already"),
    ("repeated_information", "Hand-overs after which the customer had to repeat"),
    ("ping_pong", "Conversations passed back and forth"),
    ("ping_pong_bots", "… twice or more between bot and human"),
    ("ping_pong_people", "… twice or more from human to human"),
    ("loops", "Sessions in which the bot went round in circles"),
    ("escalation_precision", "Hand-overs in sessions labelled as needing a human"),
    ("escalation_recall", "Sessions labelled as needing a human that were handed over"),
    ("escalated_late", "… in which the hand-over came too late after the label"),
)
FLOW_LABELS = {
    "journeys_per_customer": "Journeys per customer",
    "loop_rate": "Moves between touchpoints that lead back to each other",
    "open": "Journeys still open when the log ends",
    "repeat_contact": "Contacts followed by another about the same",
    "self_loop_rate": "Moves from a touchpoint to itself",
    "steps_per_journey": "Steps per journey",
    "throughput_seconds": "From first to last event (median)",
}
TIME_LABELS = {
    "service": "Service",
    "service_business": "Service, within business hours",
    "wait": "Wait for the next contact",
    "wait_business": "Wait, within business hours",
}
WHERE_FEELING = "mean feeling from −1 to 1"
MIN_LINE = 2  # a line needs two points
# A map with more flows than this for each touchpoint is a hairball.
FLOWS_PER_TOUCHPOINT, FEWEST_FLOWS, MOST_FLOWS = 1.5, 12, 36
REASONS = 2  # said of each touchpoint on the scorecard
SENTENCES = 8  # of bots, that are shown word for word


@working("drawing the map")
def journey_map(subject: Journeys | Audit, **options: Any) -> Figure:
    """Draw the journey map of journeys, or of an audit with feelings and verdicts.

    Parameters
    ----------
    subject : Journeys or Audit
    **options
        ``share`` (draw the strongest flows until they carry this share of all moves, 0.95),
        ``max_touchpoints`` (60), ``max_flows`` (36), ``title``; see `maps.draw_map`.

    Returns
    -------
    Figure
        Shown by a notebook as it is; ``save("map.svg")`` writes it. Cells below the minimum
        number of customers are left out, so the map of a small log may be empty.
    """
    if isinstance(subject, Journeys):
        nodes, _hidden = suppress(subject.touchpoints, subject.settings.min_customers)
        edges, schema = transitions(subject), subject.log.schema
        total = int(subject.table.count().to_pyarrow().as_py())
        extra: dict[str, Any] = {}
    else:
        nodes, edges = subject.evidence.touchpoints, subject.evidence.transitions
        schema, total = subject.config.roles, subject.evidence.totals["journeys"]
        scores = judged(subject)
        verdicts = dict(zip(scores["touchpoint"], scores["verdict"], strict=True))
        leaning = set(scores.loc[scores["leaning"].notna(), "touchpoint"])
        extra = {"experience": subject.evidence.experience, "verdicts": verdicts}
        extra["leaning"] = leaning
    flows = round(FLOWS_PER_TOUCHPOINT * len(nodes))
    extra["max_flows"] = min(max(flows, FEWEST_FLOWS), MOST_FLOWS)
    return draw_map(
        nodes,
        edges,
        journeys=total,
        stage_order=schema.stage_order,
        channel_order=schema.channel_order,
        **(extra | options),
    )


def headline(audit: Audit) -> Block:
    """Return the title of an audit, its period and its key numbers."""
    document = audit.document
    log, handoffs = document["log"], audit.evidence.handoffs
    period = document["audit"]["period"]
    when = "a log without a clock"
    if period:
        when = f"{period[0]} to {period[1]}, as of {audit.as_of.isoformat()}"
    verified = handoffs.contained_verified
    moments = audit.judgement.moments
    confirmed = int(moments["is_moment"].sum()) if len(moments) else 0
    tested = len(moments)
    items = [
        Card("customers", log["customers"]),
        Card("journeys", log["journeys"], f"{log['open_journeys']:,} still open" if period else ""),
        Card("events", log["events"]),
        Card("verified containment", verified, "bounds" if verified.value is not None else ""),
        Card("requests for a human honoured", handoffs.requests_honoured),
        Card(
            "moments of truth",
            confirmed if tested else "Not asked",
            f"of {tested} pairs tested" if tested else "no outcomes declared",
        ),
    ]
    block = cards(*items)
    lead = f"{audit.config.heading}, {when}."
    return Block(f'<p class="jl jl-lead">{esc(lead)}</p>{block.html}', f"{lead}\n{block.text}")


def findings(audit: Audit) -> Block:
    """Return the findings of an audit in sentences, the most severe first."""
    shown = [finding.to_dict() for finding in audit.findings if finding.kind != "quality"]
    return findings_list(shown)


def verdicts(audit: Audit) -> Block:
    """Return the verdicts, one card each, with the touchpoints they are for."""
    scores = audit.judgement.scores
    block = verdict_list(_with_leanings(_asked(scores)))
    alone = list(scores.loc[scores["abstain"] == "not_served", "touchpoint"])
    if not alone:
        return block
    rest = (
        f"Not asked, because customers serve themselves or a system acts alone: {', '.join(alone)}."
    )
    return Block(f'{block.html}<p class="jl jl-note">{esc(rest)}</p>', f"{block.text}\n{rest}")


def experience(audit: Audit) -> Figure | Block:
    """Draw how customers feel along the journey."""
    if audit.evidence.experience.empty:
        return words(
            "No experience line: the log has no text, sentiment or rating of enough customers."
        )
    heard = audit.evidence.experience.dropna(subset="sentiment")
    if len(heard) < MIN_LINE:
        told = [f"at {row.touchpoint} it is {row.sentiment:+.2f}" for row in heard.itertuples()]
        return words(
            "No experience line: it takes two touchpoints where enough customers were heard"
            + "".join(f"; {said} ({WHERE_FEELING})" for said in told)
            + "."
        )
    return experience_line(
        audit.evidence.experience,
        audit.evidence.touchpoints,
        stage_order=audit.config.roles.stage_order,
    )


def fit_and_need(audit: Audit) -> Figure | Block:
    """Draw automation fit against empathy need, where they are two axes at all."""
    axes = audit.judgement.axes
    if not axes.get("distinguishable", True):
        return words(
            f"No quadrant: in this log the two scores go together (correlation {axes['rho']:.2f}),"
            " so they are not two axes."
        )
    scored = audit.judgement.scores[["automation_fit", "empathy_need"]].notna().all(axis=1)
    if not scored.any():
        return words(
            "No quadrant: no touchpoint has enough evidence on both axes. The scorecard says what "
            "is missing."
        )
    settings = audit.config.judge
    return quadrant(
        _with_leanings(_asked(audit.judgement.scores)),
        fit_limits=(settings.assist_from, settings.automate_from),
        empathy_limits=(settings.empathy_low, settings.empathy_high),
    )


def scorecard(audit: Audit) -> Table:
    """Return every touchpoint at which somebody serves, with scores, verdict and main reasons."""
    scores = _asked(audit.judgement.scores)
    order = {code: place for place, code in enumerate(VERDICTS)}
    rows = [
        {
            "Touchpoint": row["touchpoint"],
            "Customers": int(row["customers"]),
            "Automation fit": _score(row, "automation_fit"),
            "Empathy need": _score(row, "empathy_need"),
            "Verdict": _verdict(row),
            "Why, and what would settle it": _why(row),
        }
        for row in sorted(
            scores.to_dict("records"),
            key=lambda row: (order[row["leaning"] or row["verdict"]], str(row["touchpoint"])),
        )
    ]
    return table(
        pd.DataFrame(rows),
        "Scorecard",
        note="Scores from 0 to 100 with 95 % intervals over resamples of customers. A verdict is "
        f"given where at least {percent(audit.config.judge.min_stability, 0)} of resamples and "
        "weightings agree. All reasons are in audit.json.",
    )


def bot_sessions(audit: Audit) -> Figure | Block:
    """Draw where bot sessions end."""
    handoffs = audit.evidence.handoffs
    if handoffs.abstain is not None or handoffs.sessions == 0:
        return words(_no_bots(audit))
    return handoff_partition(
        contained=handoffs.contained,
        handed_over=handoffs.handed_over,
        abandoned=handoffs.abandoned,
        open=handoffs.open,
        min_sessions=audit.config.journeys.min_customers,
    )


def containment(audit: Audit) -> Figure | Block:
    """Draw the way from raw to verified containment."""
    handoffs = audit.evidence.handoffs
    if handoffs.abstain is not None or handoffs.sessions == 0 or handoffs.waterfall.empty:
        return words(_no_bots(audit))
    steps = handoffs.waterfall
    labelled = steps.assign(label=steps["step"].map(WATERFALL_LABELS))
    shown = _without_small_steps(labelled, audit.config.journeys.min_customers)
    return containment_waterfall(shown, verified=handoffs.contained_verified)


def _without_small_steps(steps: pd.DataFrame, minimum: int) -> pd.DataFrame:
    """Take everything off in one step where a step alone would show too few sessions."""
    taken = steps.iloc[1:-1]
    if not taken["sessions"].between(1, minimum - 1).any():
        return steps
    together = {
        "step": "unknown",
        "label": "came back, fell silent or cannot be told",
        "sessions": taken["sessions"].sum(),
        "share": taken["share"].sum(),
    }
    return pd.concat([steps.iloc[:1], pd.DataFrame([together]), steps.iloc[-1:]], ignore_index=True)


def handoff_table(audit: Audit) -> Table | Block:
    """Return every number of the hand-off audit beside its limit, or why there is none."""
    handoffs = audit.evidence.handoffs
    if handoffs.abstain is not None or handoffs.sessions == 0:
        return words(_no_bots(audit))
    items = {item.name: item for item in audit.judgement.handoff_items}
    worst = worst_item(audit.judgement.handoff_items)
    rows = []
    for name, label in HANDOFF_MEASURES:
        value: Estimate = getattr(handoffs, name)
        item = items.get(name)
        rows.append(
            {
                "Measure": label,
                "Estimate": estimate_text(value),
                "Grade": value.grade if value.value is not None else "",
                "Fails": "" if item is None else _fails(item, value.unit),
                "State": "" if item is None else _state(item, worst),
            }
        )
    return table(
        pd.DataFrame(rows),
        "The hand-off audit",
        note=f"{handoffs.sessions:,} bot sessions. An item fails where its whole interval lies "
        "beyond the limit; the limits are conventions (judge.handoff_limits). No mean is made of "
        "the items: the worst is the failing one that harms customers most.",
    )


def _fails(item: HandoffItem, unit: str) -> str:
    at = f"{100 * item.limit.at:g} %" if unit == "share" else f"{item.limit.at:g} {unit}"
    return f"{'below' if item.limit.falls else 'above'} {at}"


def _state(item: HandoffItem, worst: HandoffItem | None) -> str:
    if item.state == "not_measurable":
        return "cannot be told"
    said = {"holds": "✓ holds", "fails": "▲ fails", "open": "○ not settled"}[item.state]
    return f"{said}, the worst" if item == worst else said


def disclosure(audit: Audit) -> Table | Block:
    """Return the words by which bots say that they are machines, and how often."""
    found = audit.judgement.disclosure
    if found is None:
        return words("Whether bots say that they are machines was not asked.")
    if found.wording.abstain is not None:
        why = abstain_text(found.wording.abstain)
        return words(f"{found.text} In which words cannot be told: {why}.")
    if found.wording.phrases.empty:
        return words(f"{found.text} No words by which a bot says so were found.")
    rows = [
        {
            "In which words": f"A bot {KIND_TEXT[row['kind']]} ({row['language']})",
            "Sessions": estimate_text(row["share"]),
            "Customers": int(row["customers"]),
            "Bot's turn": f"{row['turn']:g}",
        }
        for row in found.wording.phrases.to_dict("records")
    ]
    rows += [
        {
            "In which words": f"“{row['words']}”",
            "Sessions": f"{int(row['sessions']):,}",
            "Customers": int(row["customers"]),
            "Bot's turn": f"{row['turn']:g}",
        }
        for row in found.wording.sentences.head(SENTENCES).to_dict("records")
    ]
    return table(
        pd.DataFrame(rows),
        "How bots say that they are machines",
        note="Of sessions in which a bot says something. Only sentences of bots that went alike "
        "to enough customers are shown, names left out (…); nothing that a customer said is. The "
        "turn is the median of the bot's turn that first says so.",
    )


def containment_curve(audit: Audit) -> Figure | Block:
    """Draw verified containment by the window within which nobody may come back."""
    handoffs = audit.evidence.handoffs
    if handoffs.abstain is not None or handoffs.sessions == 0:
        return words(_no_bots(audit))
    if len(handoffs.curve) < MIN_LINE:
        return words("No curve of containment: too few bot sessions are old enough.")
    return draw_curve(handoffs.curve, chosen=audit.config.measures.repeat_days)


def paradox_figures(audit: Audit) -> Table | Block:
    """Return what stands beside the six pairs: figures that explain a side, and decide nothing."""
    rows = [
        {
            "Paradox": paradox.title,
            "What it is": figure.estimand,
            "Estimate": estimate_text(figure),
        }
        for paradox in audit.judgement.paradoxes
        for figure in paradox.beside.values()
        if figure.abstain != "no_column"
    ]
    if not rows:
        return words("Nothing further can be told of the six paradoxes.")
    return table(pd.DataFrame(rows), "Beside the six paradoxes")


def paradoxes(audit: Audit) -> Table:
    """Return the six paradoxes of serving by machine, each with its two sides."""
    rows = [
        {
            "Paradox": paradox.title,
            "State": paradox.state.replace("_", " "),
            "Benefit": estimate_text(paradox.benefit),
            "Cost": estimate_text(paradox.cost),
            "Why": " ".join(paradox.reasons),
        }
        for paradox in audit.judgement.paradoxes
    ]
    return table(pd.DataFrame(rows), "Six paradoxes")


def stories(audit: Audit) -> Figure | Block:
    """Draw the few real journeys of which the many others are variations."""
    found = audit.stories.found.get("")
    if found is None or found.answer == "cannot tell" or not audit.stories.timelines:
        why = f": {found.reason}" if found is not None and found.reason else ""
        return words(f"This log has no journeys that stand for the many others{why}.")
    return stories_figure(audit.stories, experience=audit.evidence.experience)


def stories_by_segment(audit: Audit) -> Figure | Block:
    """Draw the stories of each segment apart, where segments are declared."""
    told = audit.stories_by_segment
    if told is None:
        return words("Stories are not told apart by segment: no column has the role 'segment'.")
    if not told.timelines:
        return words("No segment has journeys that stand for the many others.")
    return stories_figure(
        told,
        experience=audit.evidence.experience,
        name="stories-by-segment",
        title="Stories of each segment",
    )


def times(audit: Audit) -> Table | Block:
    """Return how long each touchpoint takes and keeps waiting; within business hours, if known."""
    if not audit.journeys.has_clock:
        return words("The log has no clock, so nothing is said of how long things take.")
    rows = audit.evidence.estimates
    words_ = {name: text for name, text in TIME_LABELS.items() if name in set(rows["measure"])}
    by = keyed(rows)
    every = [
        {"Touchpoint": name} | {text: _time(by, name, m) for m, text in words_.items()}
        for name in audit.evidence.touchpoints["touchpoint"]
    ]
    known = [row for row in every if {"–"} != set(row.values()) - {row["Touchpoint"]}]
    if not known:
        return words("No touchpoint has enough visits to say how long it takes.")
    frame = pd.DataFrame(known)
    hours = audit.config.journeys.business_hours
    note = (
        "Medians with 95 % intervals; – where too few customers show it. Waiting is from the end "
    )
    note += "of a visit to the next contact."
    if len(every) > len(known):
        note += f" {len(every) - len(known)} touchpoints of which neither is known are left out."
    note += (
        " No business hours are declared (journeys.business_hours), so nights and weekends count."
        if hours is None
        else f" Business hours: {hours.words}."
    )
    return table(frame, "How long it takes", note=note)


def _time(rows: Rows, touchpoint: str, measure: str) -> str:
    row = rows[touchpoint, measure]
    if as_float(row["value"]) is None:
        return "–"
    value, lo, hi = (duration(row[name]) for name in ("value", "lo", "hi"))
    return f"{value} ({lo} to {hi})"


def conformance(audit: Audit) -> Figure | Block:
    """Draw where journeys follow the declared plan, skip, insert and repeat."""
    if audit.conformance is None:
        return words("No plan is declared (plan), so nothing is compared with one.")
    return planned_versus_actual(audit.conformance)


def flow(audit: Audit) -> Table:
    """Return the measures of the whole log: loops, repeat contact, throughput."""
    rows = [
        (FLOW_LABELS.get(name, name), value) for name, value in sorted(audit.evidence.flow.items())
    ]
    return _estimates(rows, "The flow as a whole", "")


def data_quality(audit: Audit) -> Table:
    """Return what was found out about the log before anything was computed."""
    quality = audit.log.quality
    return quality_table(quality.checks, rows_read=quality.rows_read, rows_used=quality.rows_used)


def definitions(audit: Audit) -> Table:
    """Return what the words of the audit mean with the settings that applied."""
    journeys, measures, judge = audit.config.journeys, audit.config.measures, audit.config.judge
    cutting = audit.journeys.cutting
    rows = {
        "Journey": cutting.definition,
        "Open journey": f"last heard of less than {cutting.quiet_us / 86_400e6:.3g} days before "
        "the log ends, without an end",
        "Repeat contact": f"about the same within {measures.repeat_days:g} days",
        "Raw containment": "no human joined the bot session",
        "Verified containment": "no human, no repeat contact, not silent, and a sign that the "
        "matter was settled; the bounds count what cannot be told as all bad and all good",
        "Request honoured": f"a human joined within {measures.honoured_minutes:g} minutes",
        "Verdict: automate": f"automation fit of {judge.automate_from:g} or more and empathy need "
        f"under {judge.empathy_low:g}, without a veto",
        "Verdict: human-led": f"empathy need of {judge.empathy_high:g} or more",
        "Minimum cell": f"what rests on fewer than {journeys.min_customers} customers is shown "
        f"nowhere; {audit.evidence.totals['suppressed']:,} rows were left out",
        "Intervals": "95 %, by leaving out groups of customers",
    }
    if audit.evidence.totals["customers"] > journeys.max_customers_modelled:
        rows["Customers modelled"] = (
            "moments of truth, presence, tipping points, how well rules foretell and what is "
            f"remembered rest on {journeys.max_customers_modelled:,} of "
            f"{audit.evidence.totals['customers']:,} customers, drawn by the hash of their id "
            "(journeys.max_customers_modelled); counts and shares on all"
        )
    return table(
        pd.DataFrame({"Term": list(rows), "Meaning in this audit": list(rows.values())}),
        "Definitions",
    )


def judged(audit: Audit) -> pd.DataFrame:
    """Return the scores of touchpoints at which somebody serves, leanings as verdicts."""
    return _with_leanings(_asked(audit.judgement.scores))


def _asked(scores: pd.DataFrame) -> pd.DataFrame:
    """Leave out the touchpoints at which nobody serves: there the question does not arise."""
    return scores[scores["abstain"] != "not_served"].reset_index(drop=True)


def _with_leanings(scores: pd.DataFrame) -> pd.DataFrame:
    """Show a leaning under the verdict it leans to; where it is drawn, it is drawn hollow."""
    return scores.assign(verdict=scores["leaning"].fillna(scores["verdict"]))


def _no_bots(audit: Audit) -> str:
    if audit.evidence.handoffs.abstain is not None:
        return "Hand-offs cannot be assessed: no column says who acted (role 'actor')."
    return "The log has no bot session."


def _estimates(rows: list[tuple[str, Estimate]], caption: str, note: str) -> Table:
    text: Callable[[Estimate], str] = estimate_text
    frame = pd.DataFrame(
        {
            "Measure": [words for words, _ in rows],
            "Estimate": [text(value) for _, value in rows],
            "Grade": [value.grade if value.value is not None else "" for _, value in rows],
        }
    )
    return table(frame, caption, note=note)


def _score(row: dict[Any, Any], axis: str) -> str:
    value = row[axis]
    if value is None or value != value:
        return f"{percent(row[f'{axis}_coverage'], 0)} of the evidence"
    return f"{value:.0f} ({row[f'{axis}_lo']:.0f}–{row[f'{axis}_hi']:.0f})"


def _why(row: dict[Any, Any]) -> str:
    """Say the reasons that decide, at most one in the other direction, and what would settle it."""
    said = list(row["reasons"])
    first = said[:REASONS]
    way = first[-1].split(":")[0] if first else ""
    against = [r for r in said[REASONS:] if r.startswith("For a ") and not r.startswith(way)][:1]
    settle = [f"To settle it: {row['next_datum']}."] if row["next_datum"] else []
    return " ".join([*first, *against, *settle])


def _verdict(row: dict[Any, Any]) -> str:
    verdict = VERDICTS[row["verdict"]]
    text = f"{verdict.glyph} {verdict.word}"
    if row["leaning"]:
        return f"{text}, leaning to {VERDICTS[row['leaning']].word}"
    if row["verdict"] == "abstain":
        reason = abstain_text(str(row["abstain"]), "")
        return f"{text}: {reason}" if reason else text
    return f"{text} ({percent(row['verdict_stability'], 0)} agree)"
