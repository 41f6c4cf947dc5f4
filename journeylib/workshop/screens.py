"""Screens: the presentation for the projector, one HTML file that needs no network."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from markupsafe import Markup

from journeylib.present import ARIAL, clean, svg
from journeylib.workshop.content import lanes
from journeylib.workshop.content.content import Content, Decision, Stage, Touchpoint
from journeylib.workshop.content.differences import (
    LEAST_VOTES,
    about_note,
    agreement_text,
    brief,
    differences,
    notes_at,
    room_notes,
    unplaced_notes,
    votes_at,
    votes_text,
)
from journeylib.workshop.content.first_automations import FORM_ROWS, closing_exercise
from journeylib.workshop.content.pages import even_parts, titled_pages
from journeylib.workshop.content.sentences import effect_text, serves_text, verdict_text
from journeylib.workshop.notes.notes import Note
from journeylib.workshop.rendering import own_file, render
from journeylib.workshop.screen_layout import (
    LAYOUTS,
    WIDTH,
    CardLayout,
    layout_for,
    lines_of,
    room_between,
)
from journeylib.workshop.wall_map.experience_lane import line_figure

MOST_SCREENS = 20  # beside those of what the room said
EASY, POINTS = 6, 12  # touchpoints on one screen of a stage: if screens last, and at most
STICKIES, STEPS, FACTS = 6, 8, 3  # on one screen
MOST_EXTRA_STEPS = 4  # that were not planned
SIZES = (1.0, 0.93, 0.86)  # of the type of decisions, as factors
DENSE, WIDE_ROWS = 6, 3  # rows of a table from which its type is smaller; up to which it is large

STORY_SIZES = (
    ("", 1.75, 0.75),
    ("tight", 1.75, 0.35),
    ("dense", 1.5, 0.35),
)  # class, type, and space around it
StoryRow = tuple[str, list[tuple[str, str]]]  # its name, and its steps with what they rest on
PointCard = tuple[Touchpoint, str, list[tuple[str, str]]]  # its name, and details with their class


@dataclass(frozen=True)
class Screen:
    """One screen: a heading, one idea, and what the facilitator may ask.

    Attributes
    ----------
    name : str
        What other screens link to.
    title, above : str
        The heading, and what stands above it.
    ask : str
        Key of the question in the catalogue.
    part : str
        Macro of the template that draws what stands below the heading; empty where nothing does.
    values : mapping of str to object
        What the macro needs.
    kind : str
        Class of the section.
    """

    name: str
    title: str
    ask: str
    part: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    above: str = ""
    kind: str = ""


def presentation(content: Content) -> str:
    """Return the presentation: what to decide, overview, stages with touchpoints, stories."""
    screens = list(_screens(content))
    script = own_file("screens.js")
    return render(
        "presentation.html.j2",
        content,
        style="screens.css",
        families=Markup(ARIAL.families),
        screens=screens,
        number={screen.name: i for i, screen in enumerate(screens, 1)},
        script=Markup(script),
        digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        marker_of=_marker,
    )


def _screens(content: Content) -> Iterator[Screen]:
    opening, closing = list(_opening(content)), list(_closing(content))
    room, evidence = MOST_SCREENS - len(opening) - len(closing), list(_evidence(content))
    pages = _stage_pages(content, room, len(evidence))
    yield from opening
    yield from evidence[: max(room - sum(map(len, pages.values())), 0)]
    for i, stage in enumerate(content.stages):
        yield from pages.get(i, ())
        title = content.words.text("note.title", stage=stage.title(content.words))
        yield from _stickies(content, notes_at(content, stage), title, f"notes-{i}", "ask.notes")
    title = content.words.text("note.unplaced")
    yield from _stickies(content, unplaced_notes(content), title, "notes-unplaced", "ask.unplaced")
    *closing, end = closing
    yield from closing
    yield from _differences(content)
    yield end


def _opening(content: Content) -> Iterator[Screen]:
    """Yield the title, what to decide, the stages, and how it feels along them."""
    words, screen = content.words, content.first_screen
    about = [(content.kicker, "kicker"), (content.source, "kicker small")]
    yield Screen(
        "title", content.title, "ask.overview", "paragraphs", {"lines": about}, kind="open"
    )
    lines = [(screen.detail, ""), *((line, "muted small") for line in screen.trust)]
    ask = "ask.decisions"
    yield Screen("headline", screen.headline, ask, "paragraphs", {"lines": lines}, kind="say")
    if screen.decisions:
        title = words.text("present.now.decide")
        values = {"items": screen.decisions, "size": _decision_size(title, screen.decisions)}
        yield Screen("decisions", title, ask, "decisions", values)
    yield _overview(content)
    note = words.text("scale.note" if content.has_feelings else "scale.unheard")
    line = {"drawing": Markup(line_figure(content, 1700.0, 760.0)), "note": note}
    yield Screen("experience", words.text("deck.experience"), "ask.experience", "figure", line)


def _decision_size(title: str, decisions: Sequence[Decision]) -> float:
    """Return the largest of a few sizes of type in which decisions fit, as a factor."""

    def height(size: float) -> float:
        width = WIDTH - 3.2
        heads = sum(lines_of(one.title, width, 2.3 * size, bold=True) for one in decisions)
        reasons_with_base = [f"{one.reason} {one.base}" for one in decisions]
        reasons = sum(lines_of(text, width, 1.75 * size) for text in reasons_with_base)
        return size * (heads * 2.76 + reasons * 2.3 + 1.3 * (len(decisions) - 1))

    room = room_between(title, "")
    return next((size for size in SIZES if height(size) <= room), SIZES[-1])


def _closing(content: Content) -> Iterator[Screen]:
    """Yield the stories, the segments, the plan, the room's own choice, and the end."""
    words = content.words
    yield _stories(content)
    if len(content.segments) > 1:
        yield _segments(content)
    if content.plan is not None:
        yield _plan(content)
    yield from _first_automations(content)
    above = words.text("deck.end")
    yield Screen("end", words.text("deck.end_text"), "ask.end", above=above, kind="say")


def _evidence(content: Content) -> Iterator[Screen]:
    """Yield the touchpoints that decisions are about."""
    names = dict.fromkeys(n for one in content.first_screen.decisions for n in one.touchpoints)
    stages = {point.name: (stage, point) for stage in content.stages for point in stage.touchpoints}
    for stage, point in (stages[name] for name in names if name in stages):
        if _has_screen(point):
            yield _touchpoint(content, stage, point)


def _has_screen(point: Touchpoint) -> bool:
    """Return whether somebody serves at a touchpoint, or was heard there."""
    return point.is_served or point.feeling is not None


def _marker(point: Touchpoint) -> Markup:
    return Markup(svg.verdict_marker(point.shown_verdict, 12, 12, 8, leaning=point.is_leaning))


def _overview(content: Content) -> Screen:
    words, many = content.words, len(content.stages)
    stages = [
        (
            stage,
            words.percent(stage.reach or 0.0, 0),
            "" if stage.customers is None else words.text("n", n=stage.customers),
            *lanes.stage_counts(content, stage),
        )
        for stage in content.stages
    ]
    # Long names need smaller type: they break at syllables, twice at most.
    longest = max((len(w) for s in content.stages for w in s.title(words).split()), default=1)
    name_size = min(2.1, (86 / many - 2.8) / (0.66 * max(longest / 2, 8)))
    values = {
        "stages": stages,
        "name_size": f"{name_size:.2f}",
        "share_size": f"{min(4.0, 24 / many):.2f}",
    }
    title = words.text("deck.stages", n=many)
    return Screen("overview", title, "ask.overview", "overview", values, content.kicker)


def _stage_pages(content: Content, most: int, evidence: int) -> dict[int, list[Screen]]:
    """Return the screens of each stage by its place; of many stages those with most customers.

    They take the screens that the evidence leaves. Where those do not last, more touchpoints
    share a screen; where that is not enough, some are only counted.
    """
    each = max(1, (most - evidence) // max(1, len(content.stages)))
    for per, screens in ((EASY, None), (POINTS, None), (POINTS, each)):
        pages = {
            i: list(_stage(content, stage, i, per, screens))
            for i, stage in enumerate(content.stages)
        }
        if sum(map(len, pages.values())) + evidence <= most:
            break
    by_size = sorted(pages, key=lambda i: (-(content.stages[i].customers or 0), i))
    return {i: pages[i] for i in sorted(by_size[: max(most, 0)])}


def _stage(
    content: Content, stage: Stage, number: int, per: int, most: int | None
) -> Iterator[Screen]:
    """Yield the screens of a stage, at most `most`, with at most `per` touchpoints on each.

    Fewer share a screen where they would be cut.
    """
    for fewer in range(per, 0, -1):
        pages = list(_laid_out(content, stage, fewer, most))
        if all(layout for *_, layout in pages):
            break
    for k, (title, cards, moves, layout) in enumerate(pages):
        values = {"cards": cards, "layout": layout or LAYOUTS[-1], "moves": moves}
        name = f"stage-{number}-{k}" if k else f"stage-{number}"
        yield Screen(name, title, "ask.stage", "points", values)


def _laid_out(
    content: Content, stage: Stage, per: int, most: int | None
) -> Iterator[tuple[str, list[PointCard], str, CardLayout | None]]:
    """Yield title, cards, note and layout of each screen; no layout where the cards do not fit."""
    words, every = content.words, stage.touchpoints
    lines = [words.text("stage.next", moves=lanes.moves_text(content, stage))] * bool(stage.moves)
    if most is not None and len(every) > most * per:
        reached = sorted(every, key=lambda p: (-p.customers, p.name))[: most * per]
        lines.append(words.text("stage.not_shown", shown=most * per, n=len(every) - most * per))
        every = tuple(point for point in every if point in reached)
    parts = even_parts(every, per) or [()]
    note = " · ".join(lines)
    for title, points in titled_pages(words, lanes.stage_title(content, stage), parts):
        cards = [_card(content, point) for point in points]
        texts = [(name, [text for text, _ in details]) for _, name, details in cards]
        yield title, cards, note, layout_for(texts, room_between(title, note))


def _card(content: Content, point: Touchpoint) -> PointCard:
    words, votes = content.words, votes_at(content, point.name)
    name = f"★ {point.name}" if content.moments_at(point.name) else point.name
    details = []
    if point.mark and point.is_heard:
        sign, kind = ("▲", "good") if point.mark > 0 else ("▼", "bad")
        details.append((f"{sign} {words.signed(point.mood)}", kind))
    share = words.text("of_journeys", share=words.percent(point.reach, 0))
    details.append((f"{share} · {words.text('n', n=point.customers)}", ""))
    if point.channel:
        details.append((point.channel, "muted"))
    if votes:
        details.append((words.text("note.votes", n=votes), "said"))
    return point, name, details


def _touchpoint(content: Content, stage: Stage, point: Touchpoint) -> Screen:
    words = content.words
    share = words.text("of_journeys", share=words.percent(point.reach, 0))
    facts = [(words.text("deck.reach"), share, words.text("n", n=point.customers))]
    if point.feeling is not None:
        value, _, rest = words.estimate(point.feeling, base=False).partition(" (")
        n = words.text("n", n=point.feeling.n_customers)
        interval = rest.removesuffix(")")
        small = f"{interval}, {n}" if interval else n
        facts.append((words.text("deck.feeling"), value, small))
    for moment in content.moments_at(point.name)[:1]:
        effect = effect_text(words, moment.outcome, moment.effect, short=True)
        n = words.text("n", n=moment.effect.n_customers)
        facts.append((f"★ {words.text('legend.moment')}", effect, n))
    if len(facts) < FACTS:
        name = words.text("lane.serves").split(",")[0]
        facts.append((name, serves_text(words, point), point.channel))
    base = [words.text("card.served", serves=serves_text(words, point))]
    if point.stability and point.shown_verdict != "abstain":
        base.append(words.text("verdict.share", share=words.percent(point.stability, 0)))
    sides = (("machine", point.machine), ("person", point.person))
    reasons = [(words.text(f"reason.{side}"), why[:2]) for side, why in sides if why]
    if not reasons and point.lacks:
        reasons = [(words.text("reason.lacks", labels=words.names(point.lacks)), ())]
    values = {
        "point": point,
        "facts": facts[:FACTS],
        "verdict": verdict_text(words, point),
        "reasons": reasons,
        "base": " · ".join(base),
    }
    above = " · ".join(filter(None, (stage.title(words), point.channel)))
    return Screen(
        f"point-{point.name}", point.name, "ask.touchpoint", "touchpoint", values, above, "top"
    )


def _stickies(
    content: Content, notes: Sequence[Note], title: str, name: str, ask: str
) -> Iterator[Screen]:
    words = content.words
    parts = [notes[start : start + STICKIES] for start in range(0, len(notes), STICKIES)]
    for page, (head, part) in enumerate(titled_pages(words, title, parts), 1):
        stickies = [
            (
                about_note(content, note),
                words.text("note.quote", text=brief(note.text, 160)),
                votes_text(note),
            )
            for note in part
        ]
        above = words.text("room.said")
        yield Screen(f"{name}-{page}", head, ask, "stickies", {"notes": stickies}, above)


def _stories(content: Content) -> Screen:
    """Return the stories on one screen: their steps, how they end, and what they rest on."""
    title, note = content.words.text("story.title"), content.stories_note
    if not content.stories:
        lines = [(note, "")]
        return Screen("stories", title, "ask.story", "paragraphs", {"lines": lines}, kind="say")
    room, numbers = room_between(title, note), range(1, len(content.stories) + 1)
    for most, (kind, size, pad) in product(range(STEPS, 0, -1), STORY_SIZES):
        rows = [_story(content, number, most) for number in numbers]
        values = {"kind": f"stories {kind}".rstrip(), "rows": rows, "heads": (), "note": note}
        if sum(_story_height(row, size, pad) for row in rows) <= room:
            break
    return Screen("stories", title, "ask.story", "table", values)


def _story(content: Content, number: int, most: int) -> StoryRow:
    """Return a story as a row of a table, with at most `most` of its steps."""
    words, story = content.words, content.stories[number - 1]
    head, base, ends = lanes.story_texts(content, number)
    steps = " → ".join(clean(step.touchpoint) for step in story.steps[:most])
    if len(story.steps) > most:
        steps += f" → {words.text('more', n=len(story.steps) - most)}"
    return head, [(steps, " · ".join(filter(None, (base, ends))))]


def _story_height(row: StoryRow, size: float, pad: float) -> float:
    head, [(steps, base)] = row
    heads = lines_of(head, 0.22 * WIDTH - 1.6, size, bold=True)
    width = 0.78 * WIDTH - 1.6
    cell = lines_of(steps, width, size) * size + lines_of(base, width, 1.5) * size
    return 1.35 * max(heads * size, cell) + 2 * pad + 0.15


def _table(rows: Sequence[tuple[str, Sequence[Any]]], **values: Any) -> dict[str, Any]:
    return {"kind": "dense" if len(rows) > DENSE else "", "rows": rows, "heads": ()} | values


def _segments(content: Content) -> Screen:
    words = content.words
    heads = [
        words.text("segment.head", name=s.name, customers=s.customers) for s in content.segments
    ]
    rows = [
        (
            stage.title(words),
            [lanes.segment_cell(content, segment, stage) for segment in content.segments],
        )
        for stage in content.stages
    ]
    note = words.text("segment.note")
    values = _table(rows, heads=["", *heads], note=note, note_kind="muted small")
    return Screen("segments", words.text("segment.title"), "ask.segments", "table", values)


def _plan(content: Content) -> Screen:
    words, plan = content.words, content.plan
    assert plan is not None
    rows = [
        (f"{i}. {step}", [lanes.planned_share(content, step, kind) for kind in lanes.PLAN_COLUMNS])
        for i, step in enumerate(plan.steps, 1)
    ]
    inserted = sorted(
        ((share, name) for (name, kind), share in plan.shares.items() if kind == "inserted"),
        reverse=True,
    )
    names = [f"{name} {words.percent(share, 0)}" for share, name in inserted[:MOST_EXTRA_STEPS]]
    note = f"{words.text('plan.inserted')}: {', '.join(names)}" if names else ""
    heads = ["", *(words.text(f"plan.{kind}") for kind in lanes.PLAN_COLUMNS)]
    share = words.estimate(plan.conforming)
    title = words.text("plan.conforming", share=share, n=plan.journeys)
    values = _table(rows, heads=heads, note=note, note_kind="")
    return Screen("plan", title, "ask.plan", "table", values, words.text("plan.title"))


def _differences(content: Content) -> Iterator[Screen]:
    """Yield one screen for each contradiction between room and log; both sides speak alike."""
    words, every, title = content.words, differences(content), content.words.text("differ.title")
    agreed = agreement_text(content)
    if room_notes(content) and not every:
        lines = [(words.text("differ.none", n=LEAST_VOTES), ""), (agreed, "muted")]
        yield Screen("differ", title, "ask.differ", "paragraphs", {"lines": lines}, kind="say")
    for number, one in enumerate(every, 1):
        last = agreed if number == len(every) else ""
        values = {"room": one.room, "log": one.log, "agreed": last}
        yield Screen(f"differ-{number}", one.title, "ask.differ", "difference", values, title)


def _first_automations(content: Content) -> Iterator[Screen]:
    """Yield the closing exercise: the choice, why not the others, and the room's own form.

    Without a budget nothing is chosen; then the first screen says what to bring.
    """
    words, closing, ask = content.words, closing_exercise(content), "ask.automations"
    if closing.bring:
        values = {"items": list(closing.bring.values()), "note": closing.note}
        yield Screen("first", closing.answer, ask, "bring", values, closing.title)
    else:
        rows = [(name, cells) for name, *cells in closing.chosen]
        kind = "wide" if len(rows) <= WIDE_ROWS else "dense"
        values = _table(rows, kind=kind, note=closing.note)
        yield Screen("first", closing.answer, ask, "table", values, closing.title)
    if closing.others:
        values = _table([(name, [why]) for name, why in closing.others], kind="dense", note="")
        yield Screen("first-others", words.text("first.why"), ask, "table", values, closing.title)
    note = words.text("first.form_note")
    form = {"heads": list(closing.form.values()), "rows": FORM_ROWS, "note": note}
    yield Screen("first-form", words.text("first.form"), ask, "form", form)
