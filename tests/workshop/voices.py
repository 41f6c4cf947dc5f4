"""A room that talks much: notes of every kind and length, stories, moments, and a budget."""

from __future__ import annotations

from dataclasses import replace

from journeylib.audits import DocumentPart
from journeylib.core.estimate import Estimate
from journeylib.workshop.content.content import Candidate, Content, FirstAutomations, Moment
from journeylib.workshop.notes.notes import KIND_COLORS, Note, note_id

LONG = (
    "Wer hier anruft, erklärt seine Vertragsverlängerungsangebotsnummer dreimal: dem Automaten, "
    "der Vermittlung und noch einmal dem Menschen, der dann doch nicht zuständig ist"
)


def part(**fields: object) -> DocumentPart:
    return DocumentPart(fields)


def voiced(content: Content) -> Content:
    """Return content with what a lively room has said and what the audit would begin with."""
    points = content.touchpoints
    notes = [
        Note(
            note_id(point.name, kind), LONG if (i + k) % 3 else "Dauert zu lang", kind,
            point.stage, point.name, votes=(7 * i + 3 * k) % 14,
        )
        for i, point in enumerate(points)
        for k, kind in enumerate(KIND_COLORS)
        if (i + k) % 3 == 0
    ]  # fmt: skip
    notes += [Note(note_id(str(i)), LONG, touchpoint="Vorstandssitzung", votes=i) for i in range(3)]
    value = Estimate(310.0, "EUR/week", lo=120.0, hi=48000.0, n_customers=1345, grade="D")
    rows = [
        Candidate(
            point.name, i < 5, 0.58 if i < 5 else None, value,
            "" if i < 5 else content.words.text("veto.moment_of_truth"),
        )
        for i, point in enumerate(points)
    ]  # fmt: skip
    first = FirstAutomations("settled", tuple(rows), 412345.0, 500000.0, "EUR")
    effect = Estimate(-0.334, "share", lo=-0.458, hi=-0.211, n_customers=259, grade="B")
    impact = Estimate(73.1, "journeys/year", lo=46.1, hi=100.1, n_customers=259, grade="B")
    moments = tuple(Moment(point, "complaint", effect, impact) for point in points[:2])
    stories = tuple(
        part(
            touchpoints=tuple(p.name for p in points[:i]),
            journeys=345,
            customers=301,
            share=0.21,
            at_least=i == 2,
            steps=tuple(
                part(
                    touchpoint=p.name,
                    channel=p.channel,
                    seconds_to_next=3e3 * 30 ** (k % 3),
                    feeling=None,
                )
                for k, p in enumerate(points[:i])
            ),
            ends=tuple(
                part(end=end, journeys=100, customers=90, share=share, at_least=end == "open")
                for end, share in (("goal", 0.55), ("open", 0.45))
            ),
        )
        for i in range(1, 7)
    )
    return replace(
        content, notes=tuple(notes), first_automations=first, moments=moments, stories=stories,
        stories_note=content.words.text("story.coverage", share=content.words.percent(0.48, 0)),
    )  # fmt: skip
