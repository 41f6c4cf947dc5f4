"""Cards: what a moment of truth says on a card of its own, printed or on a slide."""

from __future__ import annotations

from dataclasses import replace

from journeylib.workshop.content.content import Content, Moment
from journeylib.workshop.content.sentences import effect_text


def card_rows(content: Content, moment: Moment) -> list[tuple[str, str]]:
    """Return what a card says, as pairs of a heading's key and a text."""
    words, point = content.words, moment.touchpoint
    lead = point.shown_verdict
    what = words.text(
        "card.what_text",
        stage=point.stage or words.text("none"),
        channel=point.channel or words.text("none"),
    )
    if point.feeling is not None:
        what += " " + words.text("card.what_felt", feeling=words.estimate(point.feeling))
    effect = effect_text(words, moment.outcome, moment.effect)
    effect += f", {words.text('n', n=moment.effect.n_customers)}. "
    effect += words.text(f"effect.grade.{moment.effect.grade}")
    if moment.impact.value is not None:
        # Whole journeys, and no unit: the sentence says what is counted.
        lo, hi = (
            None if end is None else round(end) for end in (moment.impact.lo, moment.impact.hi)
        )
        whole = replace(moment.impact, unit="", value=round(moment.impact.value), lo=lo, hi=hi)
        impact = words.estimate(whole, base=False)
        effect += " " + words.text("effect.impact", impact=impact)
    share = words.percent(point.reach, 0)
    labels = words.names(point.lacks) or words.text("none")
    return [
        ("what", what),
        ("whom", words.text("card.whom_text", customers=point.customers, share=share)),
        ("effect", effect),
        ("machine", words.text(f"machine_could.{lead}")),
        ("person", words.text(f"person_must.{lead}")),
        ("first", words.text(f"try_first.{lead}", labels=labels)),
    ]
