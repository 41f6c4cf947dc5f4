"""Screens: the presentation for the projector, one HTML file that needs no network."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence

from journeylib.present import TEMPLATES, css, esc, soft, svg
from journeylib.workshop.content.content import Content, Finding, Segment, Stage, Story, Touchpoint
from journeylib.workshop.content.lanes import moves_text
from journeylib.workshop.content.sentences import effect_text, serves_text, verdict_text
from journeylib.workshop.notes.differences import votes_at
from journeylib.workshop.screens.note_screens import (
    difference_screens,
    first_screens,
    note_screens,
    parked_screens,
)
from journeylib.workshop.screens.screen import Screen, even_parts
from journeylib.workshop.wall_map.experience_lane import heard, line_figure

POINTS = 6  # touchpoints on one screen of a stage
MOST_FINDINGS = 8
DENSE = 6  # rows of a table from which its type is smaller


def presentation(content: Content) -> str:
    """Return the presentation: overview, findings, stages with touchpoints, stories."""
    words = content.words
    screens = _screens(content)
    number = {screen.name: i for i, screen in enumerate(screens, 1)}
    parts = [_section(content, screen, i, screens, number) for i, screen in enumerate(screens, 1)]
    script = (TEMPLATES / "screens.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    style = css() + (TEMPLATES / "screens.css").read_text(encoding="utf-8")
    return (
        f'<!DOCTYPE html>\n<html lang="{words.language}"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{esc(content.title)}</title><style>{style}</style></head>"
        f'<body class="jl"><main>{"".join(parts)}</main>'
        f'<div id="blank" role="presentation"></div><div id="timer" role="timer" '
        f'aria-label="{esc(words.text("key.timer"))}"></div><script>{script}</script></body></html>\n'
    )


def _section(
    content: Content, screen: Screen, at: int, screens: Sequence[Screen], number: dict[str, int]
) -> str:
    words = content.words
    body = screen.body
    for name, place in number.items():
        body = body.replace(f'href="#{name}"', f'href="#{place}"')
    level = "h1" if at == 1 else "h2"
    above = f'<p class="kicker">{esc(screen.above)}</p>' if screen.above else ""
    keys = f'<span class="keys">{esc(words.text("key.help"))}</span>' if at == 1 else ""
    page = words.text("page", page=at, pages=len(screens))
    overview = f'<a href="#{number["overview"]}">{esc(words.text("deck.overview"))}</a>'
    return (
        f'<section id="{at}" class="{screen.kind}{" on" * (at == 1)}" tabindex="-1" '
        f'aria-label="{esc(screen.title)}">{above}<{level}>{esc(screen.title)}</{level}>{body}'
        f'<div class="foot">{keys or overview}<span>{esc(content.run_id)} · {page}</span></div>'
        f"<aside><h3>{esc(words.text('key.notes'))}</h3><p>{esc(screen.ask)}</p></aside></section>"
    )


def _screens(content: Content) -> list[Screen]:
    words = content.words
    found = [
        Screen(
            "title",
            content.title,
            f'<p class="kicker">{esc(content.kicker)}</p>'
            f'<p class="kicker small">{esc(content.source)}</p>',
            words.text("ask.overview"),
            "open",
        ),
        _overview(content),
    ]
    found += [
        Screen(
            f"finding-{i}",
            finding.text,
            "",
            words.text("ask.finding"),
            "say",
            words.text("deck.findings"),
        )
        for i, finding in enumerate(weighty(content), 1)
    ]
    line = line_figure(content, 1700.0, 760.0)
    note = words.text("scale.note" if heard(content) else "scale.unheard")
    found.append(
        Screen(
            "experience",
            words.text("deck.experience"),
            f'<figure>{line}</figure><p class="muted small">{esc(note)}</p>',
            words.text("ask.experience"),
        )
    )
    for i, stage in enumerate(content.stages):
        found += _stage(content, stage, i)
        found += [_touchpoint(content, stage, p) for p in stage.touchpoints if _worth_asking(p)]
        found += note_screens(content, stage, i)
    found += parked_screens(content)
    found += [_story(content, story, i) for i, story in enumerate(content.stories, 1)]
    if not content.stories:
        found.append(
            Screen(
                "story-0",
                words.text("story.title"),
                f"<p>{esc(content.stories_note)}</p>",
                words.text("ask.story"),
                "say",
            )
        )
    if len(content.segments) > 1:
        found.append(_segments(content))
    if content.plan is not None:
        found.append(_plan(content))
    found += difference_screens(content)
    found += first_screens(content)
    found.append(
        Screen(
            "end",
            words.text("deck.end_text"),
            "",
            words.text("ask.end"),
            "say",
            words.text("deck.end"),
        )
    )
    return found


def weighty(content: Content) -> tuple[Finding, ...]:
    """Return the findings worth a screen of their own: no mere remarks, at most a few."""
    strong = [f for f in content.findings if f.severity in ("high", "medium")]
    return tuple((strong or list(content.findings))[:MOST_FINDINGS])


def _worth_asking(point: Touchpoint) -> bool:
    """Return whether a touchpoint gets a screen: somebody serves there, or was heard there."""
    return point.serves not in ("nobody", "unknown") or point.feeling is not None


def _overview(content: Content) -> Screen:
    words = content.words
    items = []
    for i, stage in enumerate(content.stages):
        size = (
            ""
            if stage.customers is None
            else words.text("stage.reach_short", customers=stage.customers)
        )
        reach = stage.reach or 0.0
        share = words.percent(reach, 0)
        rest = words.text("of_journeys", share="").strip("\u00a0 ")
        items.append(
            f'<li><a href="#stage-{i}"><b>{soft(stage.title(words))}</b>'
            f'<span class="bar"><i style="height:{100 * reach:.1f}%"></i></span>'
            f'<span class="share">{esc(share)}</span><span>{esc(rest)}</span>'
            f'<span class="muted">{esc(size)}</span>'
            f'<span class="signs">{_moods(content, stage)}</span></a></li>'
        )
    title = words.text("deck.stages", n=len(content.stages))
    # Long names need smaller type: they break at syllables, twice at most.
    longest = max((len(w) for s in content.stages for w in s.title(words).split()), default=1)
    type_size = min(2.1, (86 / len(content.stages) - 2.8) / (0.66 * max(longest / 2, 8)))
    share_size = min(4.0, 24 / len(content.stages))
    style = f"--t:calc({type_size:.2f}*var(--u));--s:calc({share_size:.2f}*var(--u))"
    body = f'<div class="body"><ol class="stages" style="{style}">{"".join(items)}</ol></div>'
    return Screen("overview", title, body, words.text("ask.overview"), above=content.kicker)


def _moods(content: Content, stage: Stage) -> str:
    bad = sum(point.mark < 0 for point in stage.touchpoints)
    moments = sum(bool(content.moments_at(point.name)) for point in stage.touchpoints)
    said = [f'<span class="bad">▼ {bad}</span>'] * bool(bad) + [
        f"<span><b>★ {moments}</b></span>"
    ] * bool(moments)
    return "".join(said)


def _stage(content: Content, stage: Stage, place: int) -> list[Screen]:
    words = content.words
    screens = []
    title = stage.title(words)
    if stage.customers is not None:
        title = words.text("deck.stage", stage=title, customers=stage.customers)
    moves = words.text("stage.next", moves=moves_text(content, stage)) if stage.moves else ""
    for k, shown in enumerate(even_parts(stage.touchpoints, POINTS) or [()]):
        few = " few" if len(shown) <= 4 else ""
        high = 16 * -(-len(shown) // (2 if few else 3))
        items = "".join(_point_card(content, point) for point in shown)
        head = title if k == 0 else words.text("deck.continued", title=title, page=k + 1)
        body = (
            f'<div class="body"><ul class="points{few}" style="--h:calc({high}*var(--u))">'
            f"{items}</ul></div>"
            f'<p class="muted">{esc(moves)}</p>'
        )
        name = f"stage-{place}" if k == 0 else f"stage-{place}-{k}"
        screens.append(Screen(name, head, body, words.text("ask.stage")))
    return screens


def _mark(point: Touchpoint) -> str:
    leans = point.verdict == "abstain" and point.leaning is not None
    code = point.leaning if leans and point.leaning else point.verdict
    marker = svg.verdict_marker(code, 12, 12, 8, leaning=leans)
    return f'<svg class="mark" viewBox="0 0 24 24" aria-hidden="true">{marker}</svg>'


def _point_card(content: Content, point: Touchpoint) -> str:
    words = content.words
    mood = {1: "is-good", -1: "is-bad"}.get(point.mark, "")
    felt = ""
    if point.mark and point.feeling is not None:
        sign, kind = ("▲", "good") if point.mark > 0 else ("▼", "bad")
        felt = f'<span class="{kind}">{sign} {words.signed(point.feeling.value or 0.0)}</span>'
    star = "★ " if content.moments_at(point.name) else ""
    votes = votes_at(content, point.name)
    room = f'<span class="said">{esc(words.text("note.votes", n=votes))}</span>' if votes else ""
    share = words.text("of_journeys", share=words.percent(point.reach, 0))
    base = f"{share} · {words.text('n', n=point.customers)}"
    kind, link = ("a", f' href="#point-{esc(point.name)}"') if _worth_asking(point) else ("div", "")
    return (
        f'<li><{kind} class="{mood}"{link}>{_mark(point)}'
        f"<b>{star}{soft(point.name)}</b>{felt}<span>{esc(base)}</span>"
        f'<span class="muted">{esc(point.channel)}</span>{room}</{kind}></li>'
    )


def _touchpoint(content: Content, stage: Stage, point: Touchpoint) -> Screen:
    words = content.words
    share = words.text("of_journeys", share=words.percent(point.reach, 0))
    facts = [(words.text("deck.reach"), share, words.text("n", n=point.customers))]
    if point.feeling is not None:
        facts.append((words.text("deck.feeling"), *_split(words.estimate(point.feeling))))
    for moment in content.moments_at(point.name)[:1]:
        said = effect_text(words, moment.outcome, moment.effect, short=True)
        n = words.text("n", n=moment.effect.n_customers)
        facts.append((f"★ {words.text('legend.moment')}", said, n))
    if len(facts) < 3:
        facts.append(
            (words.text("lane.serves").split(",")[0], serves_text(words, point), point.channel)
        )
    rows = "".join(
        f"<div><dt>{esc(name)}</dt><dd>{esc(value)}<small>{esc(small)}</small></dd></div>"
        for name, value, small in facts[:3]
    )
    body = f'<div class="body"><dl class="facts">{rows}</dl>{_verdict(content, point)}</div>'
    return Screen(
        f"point-{esc(point.name)}", point.name, body, words.text("ask.touchpoint"), "top",
        " · ".join(filter(None, (stage.title(words), point.channel))),
    )  # fmt: skip


def _split(said: str) -> tuple[str, str]:
    """Part a number from the interval and base in brackets behind it."""
    value, _, rest = said.partition(" (")
    return value, rest.removesuffix(")")


def _verdict(content: Content, point: Touchpoint) -> str:
    words = content.words
    leans = point.verdict == "abstain" and point.leaning is not None
    code = point.leaning if leans and point.leaning else point.verdict
    text = verdict_text(words, point)
    held = ""
    if point.stability:
        held = words.text("verdict.share", share=words.percent(point.stability, 0))
    lists = []
    for side, reasons in (("machine", point.machine), ("person", point.person)):
        if reasons:
            items = "".join(f"<li>{esc(reason)}</li>" for reason in reasons[:2])
            lists.append(f"<div><h3>{esc(words.text(f'reason.{side}'))}</h3><ul>{items}</ul></div>")
    if not lists and point.lacks:
        labels = words.names(point.lacks)
        lists.append(f"<div><h3>{esc(words.text('reason.lacks', labels=labels))}</h3></div>")
    vetoes = "".join(
        f'<p class="bad">{esc(words.text(f"veto.{veto}"))}</p>' for veto in point.vetoes
    )
    served = words.text("card.served", serves=serves_text(words, point))
    if point.serves in ("nobody", "unknown"):
        return ""
    return (
        f'<div class="reveal"><p class="verdict jl-{code}">{_mark(point)}'
        f"<span>{esc(text)}</span></p>"
        f'<p class="muted small">{esc(" · ".join(filter(None, (served, held))))}</p>{vetoes}'
        f'<div class="columns">{"".join(lists)}</div></div>'
    )


def _story(content: Content, story: Story, place: int) -> Screen:
    words = content.words
    items = []
    for step in story.steps[:8]:
        gap = ""
        if step.seconds is not None:
            said = words.text("story.after", time=words.duration(step.seconds))
            gap = f'<span class="gap">{esc(said)} →</span>'
        items.append(
            f'<li><span class="step">{soft(step.touchpoint)}'
            f"<small>{esc(step.channel)}</small></span>{gap}</li>"
        )
    more = (
        f"<li>{esc(words.text('more', n=len(story.steps) - 8))}</li>"
        if len(story.steps) > 8
        else ""
    )
    base = words.text("story.base", journeys=story.journeys, customers=story.customers)
    ends = ", ".join(
        f"{words.text(f'end.{end}')} {words.percent(share, 0)}" for end, share in story.ends
    )
    body = (
        f'<div class="body"><ol class="steps">{"".join(items)}{more}</ol></div>'
        f"<p>{esc(words.text('story.ends', ends=ends)) if ends else ''}</p>"
        f'<p class="muted">{esc(base)}</p>'
    )
    title = words.text("story.head", n=place, share=words.percent(story.share, 0))
    return Screen(
        f"story-{place}", title, body, words.text("ask.story"), above=words.text("story.title")
    )


def segment_cell(content: Content, segment: Segment, stage: Stage) -> tuple[str, str]:
    """Return a segment's reach of a stage with its base, and its strongest bad feeling there."""
    words = content.words
    found = segment.stages.get(stage.name)
    if found is None:
        return words.text("segment.withheld"), ""
    share, n = found
    felt = [
        (mood.value or 0.0, point.name)
        for point in stage.touchpoints
        if (mood := segment.feelings.get(point.name)) is not None
    ]
    low = min(felt, default=None)
    said = "" if low is None or low[0] >= 0 else f"▼ {low[1]} {words.signed(low[0])}"
    return f"{words.percent(share, 0)} ({words.text('n', n=n)})", said


def _segments(content: Content) -> Screen:
    words = content.words
    heads = "".join(
        f"<th scope='col'>{esc(head)}</th>"
        for head in (
            words.text("segment.head", name=s.name, customers=s.customers) for s in content.segments
        )
    )
    rows = []
    for stage in content.stages:
        cells = []
        for segment in content.segments:
            reach, mood = segment_cell(content, segment, stage)
            cells.append(f'<td>{esc(reach)}<br><span class="small muted">{esc(mood)}</span></td>')
        rows.append(f"<tr><th scope='row'>{esc(stage.title(words))}</th>{''.join(cells)}</tr>")
    dense = ' class="dense"' if len(rows) > DENSE else ""
    body = (
        f'<div class="body"><table{dense}><thead><tr><td></td>{heads}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
        f'<p class="muted small">{esc(words.text("segment.note"))}</p>'
    )
    return Screen("segments", words.text("segment.title"), body, words.text("ask.segments"))


def planned_share(content: Content, step: str, kind: str) -> str:
    """Return which share of journeys did this with a step of the plan; a dash where none shown."""
    share = content.plan.shares.get((step, kind)) if content.plan else None
    return content.words.text("none") if share is None else content.words.percent(share, 0)


def _plan(content: Content) -> Screen:
    words, plan = content.words, content.plan
    assert plan is not None
    rows = []
    for i, step in enumerate(plan.steps, 1):
        cells = "".join(
            f"<td>{esc(planned_share(content, step, kind))}</td>"
            for kind in ("as_planned", "skipped", "repeated")
        )
        rows.append(f"<tr><th scope='row'>{i}. {esc(step)}</th>{cells}</tr>")
    extra = sorted(
        ((share, name) for (name, kind), share in plan.shares.items() if kind == "inserted"),
        reverse=True,
    )[:4]
    heads = "".join(
        f"<th scope='col'>{esc(words.text(f'plan.{kind}'))}</th>"
        for kind in ("as_planned", "skipped", "repeated")
    )
    said = [f"{name} {words.percent(share, 0)}" for share, name in extra]
    text = f"{words.text('plan.inserted')}: {', '.join(said)}" if said else ""
    dense = ' class="dense"' if len(rows) > DENSE else ""
    body = (
        f'<div class="body"><table{dense}><thead><tr><td></td>{heads}</tr></thead>'
        f"<tbody>{''.join(rows)}"
        f"</tbody></table></div><p>{esc(text)}</p>"
    )
    conforming = words.estimate(plan.conforming)
    title = words.text("plan.conforming", share=conforming, n=plan.journeys)
    return Screen("plan", title, body, words.text("ask.plan"), above=words.text("plan.title"))
