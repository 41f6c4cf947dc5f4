"""Where to start: the first automations, what they are assumed to be worth, and how surely."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from journeylib.audits import Audit
from journeylib.core import label, number, percent, text
from journeylib.portfolio import Driver, WhatIf, move_text
from journeylib.present.blocks import Block, remark, template
from journeylib.present.charts.portfolio import money_text, worth_figure
from journeylib.present.charts.what_if import draw_moves
from journeylib.present.figure import Figure
from journeylib.present.tables import Table, as_float, table
from journeylib.present.views.touchpoints import types_at


def first_automations(audit: Audit) -> Figure | Block:
    """Draw what automating each candidate is assumed to be worth in a week."""
    portfolio = audit.portfolio
    if portfolio is None:
        return remark(text("present.portfolio.none"))
    valued = portfolio.candidates[portfolio.candidates["lower_quartile"].notna()]
    if valued.empty:
        return remark(portfolio.text)
    return worth_figure(portfolio, valued.to_dict("records"))


def automation_candidates(audit: Audit) -> Table | Block:
    """Return every candidate: worth, price, how often chosen, and what decides it."""
    portfolio = audit.portfolio
    if portfolio is None:
        return remark(text("present.portfolio.not_compared"))
    rows = [
        {
            "touchpoint": row["touchpoint"],
            "worth": money_text(row["value"]),
            "build": round(row["build"]),
            "chosen_share": percent(as_float(row["selection_frequency"]), 0),
            "start": _start(row),
            "rests_on": row["source"] or text("none"),
            **_contacts_of(audit, str(row["touchpoint"])),
            "decides": _decides(row["drivers"]),
        }
        for row in portfolio.candidates.to_dict("records")
    ]
    note = text("present.portfolio.table_note", currency=portfolio.currency)
    return table(rows, text("present.portfolio.caption"), note=note)


def _contacts_of(audit: Audit, name: str) -> dict[str, str]:
    """Return the kind of contact a bot would get; nothing where no types are told."""
    if audit.service_types is None or audit.service_types.answer != "estimated":
        return {}
    kinds = ", ".join(f"{kind} {share}" for kind, share in types_at(audit, name))
    return {"contacts_a_bot_would_get": kinds or text("none")}


def _start(row: dict[Any, Any]) -> str:
    if not row["chosen"]:
        return text("present.portfolio.no", why=str(row["why_not"]))
    return text("yes" if row["settled"] else "present.portfolio.unsettled")


def _decides(drivers: Sequence[Driver]) -> str:
    if not drivers:
        return text("none")
    first = drivers[0]
    ends = {"low": number(round(first.low)), "high": number(round(first.high))}
    words = text("present.portfolio.driver", name=label("portfolio.input", first.name), **ends)
    turning = ", ".join(
        label("portfolio.input", driver.name) for driver in drivers if driver.turns_sign
    )
    return f"{words}; ± {turning}" if turning else words


def what_if(subject: Audit | WhatIf) -> Figure | Block:
    """Draw what the portfolio's proposals change before anyone does them, or one forecast.

    Parameters
    ----------
    subject : Audit or WhatIf

    Returns
    -------
    Figure or Block
        Sentences where nothing is said.
    """
    answers = _answers(subject)
    return draw_moves(answers) or remark(
        " ".join(_refusals(answers)) or text("present.what_if.none")
    )


def what_if_details(subject: Audit | WhatIf) -> Block:
    """Say what could go wrong, what people are left with, and what each forecast rests on.

    Parameters
    ----------
    subject : Audit or WhatIf
    """
    answers = _answers(subject)
    results = [one for one in answers if one.refused is None]
    parts = [_details(one) for one in results]
    refused = _refusals(answers)
    lines = [*refused, *(line for part in parts for line in part["lines"])]
    if not lines:
        return remark(text("present.what_if.none"))
    return Block(template("now.html.j2", "what_if", parts, refused), "\n".join(lines))


def _answers(subject: Audit | WhatIf) -> tuple[WhatIf, ...]:
    return (subject,) if isinstance(subject, WhatIf) else subject.what_ifs


def _refusals(answers: Sequence[WhatIf]) -> list[str]:
    return [f"{move_text(one.moves)}: {one.refused}" for one in answers if one.refused is not None]


def _details(answer: WhatIf) -> dict[str, Any]:
    grade = text("portfolio.what_if.grade", grade=answer.grade)
    waits = () if answer.no_waits is None else (answer.no_waits,)
    panels = {
        "wrong": answer.dangers,
        "left": (*answer.left, *answer.by_segment),
        "rests": (*waits, grade, *answer.assumptions),
    }
    listed = [
        {"title": text(f"present.what_if.{name}"), "listed": list(sentences)}
        for name, sentences in panels.items()
        if sentences
    ]
    lines = [f"{text('present.what_if.title')}: {move_text(answer.moves)}"]
    lines += [sentence for panel in listed for sentence in panel["listed"]]
    return {
        "title": move_text(answer.moves),
        "panels": listed,
        "trial": answer.trial,
        "lines": [*lines, answer.trial],
    }
