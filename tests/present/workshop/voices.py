"""A room that talks much: notes of every kind and length at many touchpoints, and a budget."""

from __future__ import annotations

from dataclasses import replace

from journeylib.audits.notes import KIND_COLORS, Note, note_id
from journeylib.estimate import Estimate
from journeylib.present.workshop.content import Candidate, Content, FirstAutomations

LONG = (
    "Wer hier anruft, erklärt seine Vertragsverlängerungsangebotsnummer dreimal: dem Automaten, "
    "der Vermittlung und noch einmal dem Menschen, der dann doch nicht zuständig ist"
)


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
            "" if i < 5 else content.words.say("veto.moment_of_truth"),
        )
        for i, point in enumerate(points)
    ]  # fmt: skip
    first = FirstAutomations("settled", tuple(rows), value, 412345.0, 500000.0, "EUR")
    return replace(content, notes=tuple(notes), first=first)
