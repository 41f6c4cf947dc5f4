"""Screens on which the room finds itself: its notes, where it and the log differ, its choice."""

from __future__ import annotations

from collections.abc import Sequence

from journeylib.present import esc
from journeylib.workshop.content.content import Content, Stage
from journeylib.workshop.content.first_automations import (
    BRING,
    FORM,
    FORM_ROWS,
    chosen_rows,
    headline,
    money_note,
    other_rows,
)
from journeylib.workshop.notes.differences import (
    LEAST_VOTES,
    about_note,
    agreements,
    brief,
    differences,
    notes_at,
    parked,
    spoken,
    votes_text,
)
from journeylib.workshop.notes.notes import Note
from journeylib.workshop.screens.screen import Screen

STICKIES = 6  # on one screen
WIDE_ROWS = 3  # of a table, up to which its type is large


def note_screens(content: Content, stage: Stage, place: int) -> list[Screen]:
    """Return what the room said at a stage, a few notes to a screen; none where it was silent."""
    title = content.words.text("note.title", stage=stage.title(content.words))
    return _stickies(content, notes_at(content, stage), title, f"notes-{place}", "ask.notes")


def parked_screens(content: Content) -> list[Screen]:
    """Return the notes whose place the map does not have."""
    title = content.words.text("note.parked")
    return _stickies(content, parked(content), title, "notes-parked", "ask.parked")


def _stickies(
    content: Content, notes: Sequence[Note], title: str, name: str, ask: str
) -> list[Screen]:
    words = content.words
    screens = []
    for page, start in enumerate(range(0, len(notes), STICKIES), 1):
        items = "".join(_sticky(content, note) for note in notes[start : start + STICKIES])
        body = f'<div class="body"><ul class="stickies">{items}</ul></div>'
        head = title if page == 1 else words.text("deck.continued", title=title, page=page)
        screens.append(
            Screen(f"{name}-{page}", head, body, words.text(ask), above=words.text("room.said"))
        )
    return screens


def _sticky(content: Content, note: Note) -> str:
    quote = esc(content.words.text("note.quote", text=brief(note.text, 160)))
    about = esc(about_note(content, note))
    return f"<li><small>{about}</small><em>{quote}</em><b>{esc(votes_text(note))}</b></li>"


def difference_screens(content: Content) -> list[Screen]:
    """Return one screen for each contradiction between room and log; both sides speak alike."""
    words = content.words
    found = differences(content)
    if not spoken(content):
        return []
    if not found:
        text = words.text("differ.none", n=LEAST_VOTES)
        title = words.text("differ.title")
        return [
            Screen(
                "differ",
                title,
                f"<p>{esc(text)}</p>{_agreed(content)}",
                words.text("ask.differ"),
                "say",
            )
        ]
    screens = []
    for place, one in enumerate(found, 1):
        body = (
            f'<div class="body"><div class="columns sides"><div class="said">'
            f"<h3>{esc(words.text('side.room'))}</h3><p>{esc(one.room)}</p></div>"
            f"<div><h3>{esc(words.text('side.log'))}</h3><p>{esc(one.log)}</p></div></div></div>"
        )
        last = _agreed(content) if place == len(found) else ""
        screens.append(
            Screen(
                f"differ-{place}",
                one.title,
                body + last,
                words.text("ask.differ"),
                above=words.text("differ.title"),
            )
        )
    return screens


def _agreed(content: Content) -> str:
    names = agreements(content)
    if not names:
        return ""
    said = content.words.text("differ.agree", names=content.words.names(names))
    return f'<p class="muted">{esc(said)}</p>'


def first_screens(content: Content) -> list[Screen]:
    """Return the closing exercise: the choice, why not the others, and the room's own form.

    Without a budget nothing is chosen; then the first screen says what to bring.
    """
    words, first = content.words, content.first
    title = words.text("first.title")
    note = f'<p class="muted">{esc(money_note(content))}</p>'
    ask = words.text("ask.automations")
    if first is None:
        items = "".join(f"<li>{esc(words.text(f'bring.{key}'))}</li>" for key in BRING)
        body = f'<div class="body"><ul class="bring">{items}</ul></div>{note}'
    else:
        rows = "".join(
            f"<tr><th scope='row'>{esc(name)}</th><td>{esc(often)}</td><td>{esc(worth)}</td></tr>"
            for name, often, worth in chosen_rows(content)
        )
        kind = "wide" if len(first.chosen) <= WIDE_ROWS else "dense"
        body = f'<div class="body"><table class="{kind}"><tbody>{rows}</tbody></table></div>{note}'
    screens = [Screen("first", headline(content), body, ask, above=title)]
    if others := other_rows(content):
        rows = "".join(
            f"<tr><th scope='row'>{esc(name)}</th><td>{esc(why)}</td></tr>" for name, why in others
        )
        body = f'<div class="body"><table class="dense"><tbody>{rows}</tbody></table></div>'
        screens.append(Screen("first-others", words.text("first.why"), body, ask, above=title))
    heads = "".join(f"<th scope='col'>{esc(words.text(f'form.{key}'))}</th>" for key in FORM)
    blank = f"<tr>{'<td></td>' * len(FORM)}</tr>" * FORM_ROWS
    body = (
        f'<div class="body"><table class="form"><thead><tr>{heads}</tr></thead>'
        f"<tbody>{blank}</tbody></table></div><p>{esc(words.text('first.form_note'))}</p>"
    )
    screens.append(Screen("first-form", words.text("first.form"), body, ask))
    return screens
