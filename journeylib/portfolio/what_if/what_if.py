"""What if: the figures of a team before and after a share of a matter moves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from journeylib.core import (
    DRAWS,
    ConfigError,
    Estimate,
    Floats,
    Grade,
    bounds_text,
    number,
    percent,
    refuse_unknown,
    rounded,
    text,
)
from journeylib.journeys import MISSING
from journeylib.portfolio.value import triangle
from journeylib.portfolio.what_if.case_mix import case_mix, left_sentences
from journeylib.portfolio.what_if.people_contacts import HOURS, QueueRecords
from journeylib.portfolio.what_if.queue_forecast import Load, Matter, Team, after, today
from journeylib.portfolio.what_if.queue_inputs import (
    US_PER_MINUTE,
    LabResult,
    Moved,
    Terms,
    flat_hazard,
    lengths_of,
    moved_inputs,
    resample_weights,
    team_inputs,
    team_of,
)
from journeylib.portfolio.what_if.simulated_laws import Laws, laws_of, simulated

FEWEST_WEEKS = 4
NO_BOT = "legally_human"  # the veto of the audit that no share gets round
LEVEL = 0.8
FIGURE_COLUMNS = (
    *("figure", "unit", "before", "before_lo", "before_hi"),
    *("no_selection", "full_selection", "expected", "lo", "hi", "naive", "weekly_swing"),
)


@dataclass(frozen=True, repr=False)
class WhatIf:
    """What is to be expected if shares of matters move between the bot and people.

    Attributes
    ----------
    moves : mapping of str to float
        Touchpoint to the share of its contacts that is to meet the bot first.
    staff : int or None
        People at work afterwards; None: as today.
    refused : str or None
        Why nothing is said; the tables are empty then.
    grade : {"C", "D"}
        D where what the bot solves is carried over or declared.
    figures : pandas.DataFrame
        One row per ``figure``: ``unit``; ``before`` with its 80 % interval ``before_lo``,
        ``before_hi``; after, ``no_selection`` and ``full_selection`` (the two ends),
        ``expected`` (between them, from contacts that the bot handed over; NaN without such),
        ``lo``, ``hi`` (80 %, from both ends), ``naive`` (repeats, difficulty and transfer
        forgotten), ``weekly_swing`` (what chance alone moves a week by, 80 %, either way).
    risks : pandas.DataFrame
        ``risk``, ``lo``, ``hi``: its probability at the better and at the worse end.
    mix : pandas.DataFrame
        What people are left with, one row per figure (``length`` in minutes, ``feeling`` −1 to 1
        as they come, share of ``emotional`` contacts), end and touchpoint of the team:
        ``touchpoint``, ``end``, ``figure``, ``before``, ``after`` (contacts a week),
        ``value_before``, ``value_after``, ``mix``, ``rate``: both add up to the change of the
        team's mean.
    segments : pandas.DataFrame
        One row per segment: ``segment``, ``contacts``, ``minutes_before``, ``no_selection``,
        ``full_selection`` (people's minutes a week). Small segments are left out.
    calibration : pandas.DataFrame
        ``figure``, ``log``, ``lo``, ``hi``, ``model``, ``holds``: today given back.
    no_waits : str or None
        Why waits and abandonment are not told.
    assumptions : tuple of str
    unknown : tuple of str
        Why feeling or emotional contacts are not told.
    today : mapping of str to float
        Touchpoint to the share of its contacts that meets the bot first today.
    """

    moves: Mapping[str, float]
    staff: int | None
    refused: str | None
    grade: Grade
    figures: pd.DataFrame
    risks: pd.DataFrame
    mix: pd.DataFrame
    segments: pd.DataFrame
    calibration: pd.DataFrame
    no_waits: str | None = None
    assumptions: tuple[str, ...] = field(default=())
    unknown: tuple[str, ...] = field(default=())
    today: Mapping[str, float] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The answer in sentences, with both ends and the naive figure."""
        lines = [text("portfolio.what_if.title", moves=move_text(self.moves))]
        if self.refused is not None:
            return "\n".join([*lines, self.refused])
        lines += [_sentence(row) for row in self.figures.to_dict("records")]
        lines += self.dangers
        lines += [*self.left, *self.by_segment]
        lines += [] if self.no_waits is None else [self.no_waits]
        lines += [text("portfolio.what_if.grade", grade=self.grade), *self.assumptions]
        return "\n".join([*lines, self.trial])

    @property
    def dangers(self) -> tuple[str, ...]:
        """What could go wrong, in sentences with its probability at both ends."""
        return tuple(
            text(f"portfolio.what_if.risk.{row['risk']}", range=_chance(row["lo"], row["hi"]))
            for row in self.risks.to_dict("records")
        )

    @property
    def left(self) -> tuple[str, ...]:
        """What people are left with, in sentences."""
        return left_sentences(self.mix, self.moves, self.unknown)

    @property
    def by_segment(self) -> tuple[str, ...]:
        """People's minutes by segment, in sentences."""
        return tuple(
            text(
                "portfolio.what_if.segment",
                segment=row["segment"],
                before=_whole(row["minutes_before"]),
                lo=_whole(min(row["no_selection"], row["full_selection"])),
                hi=_whole(max(row["no_selection"], row["full_selection"])),
            )
            for row in self.segments.to_dict("records")
        )

    @property
    def trial(self) -> str:
        """The line that fills in the plan of an experiment on each move."""
        return text("portfolio.what_if.try_it", moves=_options(self.moves))

    def after(self, figure: str) -> Estimate:
        """Return a figure after the move; it abstains where the log does not tell it.

        Its value is what is expected, else the middle of the two ends.
        """
        rows = self.figures[self.figures["figure"] == figure]
        if rows.empty:
            return Estimate.none("unidentified", "", grade=self.grade)
        row = rows.iloc[0]
        ends = (row["no_selection"] + row["full_selection"]) / 2
        value = ends if np.isnan(row["expected"]) else row["expected"]
        return Estimate(
            float(value),
            str(row["unit"]),
            float(row["lo"]),
            float(row["hi"]),
            grade=self.grade,
            estimand=text(f"portfolio.what_if.figure.{figure}"),
            method="Erlang-A hour by hour; the interval spans both ends of selection",
            assumptions=self.assumptions,
            level=LEVEL,
        )

    def __repr__(self) -> str:
        return self.text


@dataclass(frozen=True, eq=False)
class _Case:
    """A team, what moves, and its loads: today, at both ends, as expected, and naively."""

    team: Team
    moved: Sequence[tuple[Moved, float]]
    now: Load
    alike: Load
    easy_first: Load
    expected: Load | None
    naive: Load
    laws: Laws | None


def forecast(
    records: QueueRecords,
    moves: Mapping[str, float],
    terms: Terms,
    *,
    staff: int | None = None,
    draws: int = DRAWS,
) -> WhatIf:
    """Forecast what moving shares of matters does to a team.

    Parameters
    ----------
    records : QueueRecords
    moves : mapping of str to float
        Touchpoint that people serve to the share of its contacts that is to meet the bot first,
        0 to 1. All touchpoints are of one team; effects are added up.
    terms : Terms
    staff : int, optional
        People at work afterwards in every hour; default: as today.
    draws : int
        Resamples of customers, at most 500.

    Raises
    ------
    ConfigError
        If a touchpoint is not served by people, or a share lies outside 0 to 1.

    Notes
    -----
    See "What if" in ``docs/methods.md``.
    """
    served = sorted(set(records.contacts["touchpoint"]))
    refuse_unknown(moves, served, "no people serve contacts at '{name}' in this log.{near}")
    for name, share in moves.items():
        if not 0 <= share <= 1:
            raise ConfigError(f"the share of '{name}' is {share}; give one from 0 to 1")
    names = team_of(records, next(iter(moves)))
    apart = [name for name in moves if name not in names]
    if apart:
        raise ConfigError(
            f"{', '.join(apart)} is served by other people than {names[0]}. Ask for each alone."
        )
    if (refused := _refusal(records, moves, terms)) is not None:
        return _nothing(moves, staff, refused)
    moved = [(moved_inputs(records, name, terms, draws), share) for name, share in moves.items()]
    lacking = [name for name, (one, _) in zip(moves, moved, strict=True) if one is None]
    if lacking:
        refused = text(
            "portfolio.what_if.refused.unidentified",
            names=", ".join(lacking),
            moves=_options({name: moves[name] for name in lacking}),
        )
        return _nothing(moves, staff, refused)
    team = team_inputs(records, names, terms, draws)
    sure = [(one, share) for one, share in moved if one is not None]
    no_waits = None if team.staff is not None else text("portfolio.what_if.no_waits")
    rows = records.contacts[records.contacts["touchpoint"].isin(names)]
    case = _case(team, sure, staff, None)
    checked = _calibration(records, names, case.now)
    if team.staff is not None and not (checked["holds"].all() and flat_hazard(rows)):
        case = _case(team, sure, staff, laws_of(rows, float(team.patience[0])))
        checked = _calibration(records, names, case.now)
    if not checked["holds"].all():
        off = checked[~checked["holds"]].iloc[0]
        return replace(_nothing(moves, staff, _calibration_refusal(off)), calibration=checked)
    mix, unknown = case_mix(records, names, sure, terms)
    return WhatIf(
        moves=dict(moves),
        staff=staff,
        refused=None,
        grade="C" if all(one.measured for one, _ in sure) else "D",
        figures=_rounded(_figures(case, terms, records, names)),
        risks=_risks(case, terms),
        mix=mix,
        segments=_rounded(_segments(records, case, terms)),
        calibration=checked,
        no_waits=no_waits,
        assumptions=_assumptions(case, terms),
        unknown=unknown,
        today={one.name: float(one.matter.bot_share[0]) for one, _share in sure},
    )


def _rounded(table: pd.DataFrame) -> pd.DataFrame:
    """Return numbers as the document holds them, so that its sentences can be made again."""
    numbers = table.select_dtypes("float64").map(rounded).astype(float)
    return pd.concat([table.drop(columns=numbers.columns), numbers], axis=1)[list(table)]


def _refusal(records: QueueRecords, moves: Mapping[str, float], terms: Terms) -> str | None:
    if records.weeks < FEWEST_WEEKS:
        return text("portfolio.what_if.refused.few_weeks", weeks=records.weeks)
    contacts = records.contacts
    for name in moves:
        if NO_BOT in terms.vetoes.get(name, ()):
            vetoes = _words((NO_BOT,))
            return text("portfolio.what_if.refused.vetoed", name=name, vetoes=vetoes)
        rows = contacts[(contacts["touchpoint"] == name) & (contacts["bot"] != name)]
        timed = rows[rows["end_us"] != MISSING]
        if timed["customer"].nunique() < max(terms.min_customers, 2):
            return text("portfolio.what_if.refused.few", name=name)
    return None


def _words(vetoes: Sequence[str]) -> str:
    return ", ".join(text(f"portfolio.veto.{veto}") for veto in vetoes)


def _nothing(moves: Mapping[str, float], staff: int | None, refused: str) -> WhatIf:
    empty = pd.DataFrame()
    figures = pd.DataFrame(columns=list(FIGURE_COLUMNS))
    return WhatIf(dict(moves), staff, refused, "D", figures, empty, empty, empty, empty)


def _weekly(records: QueueRecords, names: tuple[str, ...]) -> pd.DataFrame:
    rows = records.contacts[records.contacts["touchpoint"].isin(names)]
    rows = rows[rows["wait_us"] != MISSING]
    # Sums of whole microseconds: the order of rows must not show.
    whole = rows.assign(wait=rows["wait_us"], gives_up=rows["gave_up"].astype("int64"), n=1)
    weeks = whole.groupby("week")[["n", "wait", "gives_up"]].sum()
    return weeks.assign(wait=weeks["wait"] / US_PER_MINUTE)


def _calibration(records: QueueRecords, names: tuple[str, ...], model: Load) -> pd.DataFrame:
    """Compare today by the model with the log, whose interval is by weeks."""
    columns = ["figure", "log", "lo", "hi", "model", "holds"]
    if model.wait is None or model.gives_up is None:
        return pd.DataFrame(columns=columns).astype({"holds": bool})
    weeks, lines = _weekly(records, names), []
    for figure, drawn in (("wait", model.wait), ("gives_up", model.gives_up)):
        value = weeks[figure].sum() / weeks["n"].sum()
        rest = (weeks[figure].sum() - weeks[figure]) / (weeks["n"].sum() - weeks["n"])
        many = len(weeks)
        error = float(np.sqrt((many - 1) / many * ((rest - value) ** 2).sum()))
        half = float(special.stdtrit(many - 1, 0.975)) * error
        lo, hi = max(value - half, 0.0), value + half
        if figure == "gives_up":
            hi = min(hi, 1.0)
        holds = bool(lo <= drawn[0] <= hi)
        lines.append((figure, value, lo, hi, float(drawn[0]), holds))
    return pd.DataFrame(lines, columns=columns)


def _calibration_refusal(row: pd.Series[Any]) -> str:
    as_text = percent if row["figure"] == "gives_up" else _minutes
    return text(
        "portfolio.what_if.refused.not_calibrated",
        figure=text(f"portfolio.what_if.figure.{row['figure']}"),
        model=as_text(row["model"]),
        log=as_text(row["log"]),
        lo=as_text(row["lo"]),
        hi=as_text(row["hi"]),
    )


def _case(
    team: Team, moved: Sequence[tuple[Moved, float]], staff: int | None, laws: Laws | None
) -> _Case:
    people = None if staff is None else np.full(HOURS, staff, dtype=np.float64)
    at_work = team.staff if people is None else people
    moves = [(one.matter, share) for one, share in moved]
    naive_moves = [(one.naive, share) for one, share in moved]
    forgotten = replace(team, back=np.zeros_like(team.back))

    def by_laws(load: Load, staff: Floats | None) -> Load:
        return load if laws is None or staff is None else simulated(load, laws, staff)

    def moved_to(selection: float | None) -> Load:
        return by_laws(after(team, moves, selection=selection, staff=people), at_work)

    seen = all(one.handed_minutes is not None for one, _ in moves)
    naive = after(forgotten, naive_moves, selection=0.0, staff=people)
    return _Case(
        team,
        moved,
        now=by_laws(today(team), team.staff),
        alike=moved_to(0.0),
        easy_first=moved_to(1.0),
        expected=moved_to(None) if seen else None,
        naive=by_laws(naive, at_work),
        laws=laws,
    )


def _values(load: Load, case: _Case, terms: Terms, *, moved: bool) -> dict[str, Floats]:
    """Return the figures of a load, one entry a resample."""
    parts = [
        (one.matter, np.full(len(load.length), share) if moved else one.matter.bot_share)
        for one, share in case.moved
    ]
    weekly = [(m, m.rate.sum(axis=1) * 60 * share) for m, share in parts]
    tried = np.sum([n for _, n in weekly], axis=0)
    back = np.sum([n * m.contained * m.returns for m, n in weekly], axis=0)
    failed = np.sum([n * (1 - m.contained * (1 - m.returns)) for m, n in weekly], axis=0)
    minutes = load.minutes if load.gives_up is None else load.minutes * (1 - load.gives_up)
    values = {"contacts": load.contacts, "minutes": minutes, "length": load.length}
    if load.wait is not None and load.gives_up is not None:
        values |= {"wait": load.wait, "gives_up": load.gives_up}
    values["bot_contacts"] = tried
    if all(one.returns_known for one, _share in case.moved):
        values["back"] = back
    if terms.portfolio is not None:
        values["cost"] = _cost(minutes, tried, failed, terms)
    return values


def _cost(minutes: Floats, tried: Floats, failed: Floats, terms: Terms) -> Floats:
    money = terms.portfolio
    assert money is not None
    draws = len(minutes) - 1
    minute, harm, loss = (
        np.concatenate([[np.median(drawn)], drawn[:draws]])
        for drawn in (
            triangle(getattr(money, name), name)
            for name in ("human_minute", "harm", "failed_contact")
        )
    )
    return np.asarray(minutes * minute + tried * money.run_per_visit + failed * harm * loss)


def _figures(
    case: _Case, terms: Terms, records: QueueRecords, names: tuple[str, ...]
) -> pd.DataFrame:
    before = _values(case.now, case, terms, moved=False)
    alike, easy, naive = (
        _values(load, case, terms, moved=True) for load in (case.alike, case.easy_first, case.naive)
    )
    middle = None if case.expected is None else _values(case.expected, case, terms, moved=True)
    swings = _swings(records, names)
    lines = []
    for figure, drawn in before.items():
        ends = [alike[figure], easy[figure]]
        points = [float(each[0]) for each in (*ends, *([] if middle is None else [middle[figure]]))]
        # Resamples may all lie to one side of the log itself; the interval holds it nevertheless.
        lo = min(*points, *(float(np.percentile(end[1:], 10)) for end in ends))
        hi = max(*points, *(float(np.percentile(end[1:], 90)) for end in ends))
        today_lo, today_hi = (float(each) for each in np.percentile(drawn[1:], [10, 90]))
        lines.append(
            (
                figure,
                _unit(figure, terms),
                float(drawn[0]),
                *(min(today_lo, float(drawn[0])), max(today_hi, float(drawn[0]))),
                *points[:2],
                np.nan if middle is None else points[2],
                lo,
                hi,
                0.0 if figure == "back" else float(naive[figure][0]),  # it forgets them
                swings.get(figure, np.nan),
            )
        )
    return pd.DataFrame(lines, columns=list(FIGURE_COLUMNS))


def _unit(figure: str, terms: Terms) -> str:
    money = "" if terms.portfolio is None else f"{terms.portfolio.currency}/week"
    units = {"minutes": "min/week", "length": "minutes", "wait": "minutes", "gives_up": "share"}
    return {**units, "cost": money}.get(figure, "1/week")


def _swings(records: QueueRecords, names: tuple[str, ...]) -> dict[str, float]:
    """Return by how much the weeks of the log differ from their mean, four in five of them."""
    weeks = _weekly(records, names)
    if len(weeks) < FEWEST_WEEKS:
        return {}
    wide = float(special.ndtri(0.5 + LEVEL / 2))
    return {
        name: wide * float((weeks[name] / weeks["n"]).std(ddof=1)) for name in ("wait", "gives_up")
    }


def _risks(case: _Case, terms: Terms) -> pd.DataFrame:
    before = _values(case.now, case, terms, moved=False)
    ends = [_values(load, case, terms, moved=True) for load in (case.alike, case.easy_first)]
    lines = []
    for risk, figure in (("longer_wait", "wait"), ("dearer", "cost"), ("more_work", "minutes")):
        if figure in before:
            chances = [float((end[figure][1:] > before[figure][1:]).mean()) for end in ends]
            lines.append((risk, min(chances), max(chances)))
    return pd.DataFrame(lines, columns=["risk", "lo", "hi"])


def _segments(records: QueueRecords, case: _Case, terms: Terms) -> pd.DataFrame:
    """Return people's minutes by segment, the bot solving in each what it solves in all."""
    weights, weekly = resample_weights(0), records.weeks * terms.log_share
    lines = []
    moved = {one.name: (one.matter, share) for one, share in case.moved}
    rows = records.contacts[
        records.contacts["touchpoint"].isin(list(moved))
        & (records.contacts["bot"] != records.contacts["touchpoint"])
    ]
    rows = rows[(rows["segment"] != "") & (rows["end_us"] != MISSING)]
    for segment, part in rows.groupby("segment"):
        if part["customer"].nunique() < terms.min_customers:
            continue
        contacts, before, ends = 0.0, 0.0, [0.0, 0.0]
        for name, own in part.groupby("touchpoint"):
            matter, share = moved[str(name)]
            lengths = lengths_of(own, weights)
            here = Matter(
                matter.rate[:1],
                lengths,
                matter.bot_share[:1],
                matter.contained[:1],
                matter.returns[:1],
                extra=matter.extra,
            )
            direct = max(1 - float(matter.bot_share[0]), 1e-9)
            all_contacts = len(own) / weekly / direct
            contacts += all_contacts
            before += all_contacts * float(here.served(here.bot_share, 0.0)[1][0])
            for index, selection in enumerate((0.0, 1.0)):
                ends[index] += all_contacts * float(here.served(share, selection)[1][0])
        lines.append((segment, contacts, before, *ends))
    return pd.DataFrame(
        lines,
        columns=["segment", "contacts", "minutes_before", "no_selection", "full_selection"],
    )


def _assumptions(case: _Case, terms: Terms) -> tuple[str, ...]:
    sentences = []
    for one, _ in case.moved:
        sentences.append(
            text(f"portfolio.what_if.assumes.{one.source}", name=one.name, bot=one.bot)
        )
        if not one.returns_known:
            sentences.append(text("portfolio.what_if.assumes.no_returns", name=one.name))
        elif one.source == "declared":
            sentences.append(text("portfolio.what_if.assumes.returns_of_all"))
        sentences += [_found(result) for result in one.lab]
        if one.verified is not None:
            confirmed = _range(*one.verified)
            sentences.append(text("portfolio.what_if.verified", bot=one.bot, range=confirmed))
        at = {one.name, one.bot}
        sentences += [
            text("portfolio.what_if.lab.unused", experiment=result.experiment)
            for result in terms.lab
            if result.touchpoint in at and result.grade != "A"
        ]
        if vetoes := terms.vetoes.get(one.name, ()):
            advised = text("portfolio.what_if.assumes.vetoes", name=one.name, vetoes=_words(vetoes))
            sentences.append(advised)
    if case.expected is None:
        sentences.append(text("portfolio.what_if.assumes.ends"))
    if len(case.moved) > 1:
        sentences.append(text("portfolio.what_if.assumes.added_up"))
    if case.team.staff is not None and terms.staff is None:
        sentences.append(text("portfolio.what_if.assumes.staff_seen"))
    if case.laws is not None:
        sentences.append(text("portfolio.what_if.assumes.simulated"))
    return tuple(sentences)


def _found(result: LabResult) -> str:
    return text(
        f"portfolio.what_if.lab.{result.informs}",
        experiment=result.experiment,
        touchpoint=result.touchpoint,
        share=percent(result.value, 0),
        customers=number(result.customers, 0),
    )


def move_text(moves: Mapping[str, float]) -> str:
    """Return moves in words: what the bot takes of which touchpoint."""
    return ", ".join(
        text("portfolio.what_if.move", name=name, share=percent(share, 0))
        for name, share in moves.items()
    )


def _options(moves: Mapping[str, float]) -> str:
    return text("portfolio.what_if.or").join(f"--move '{name}={moves[name]:g}'" for name in moves)


def figure_text(row: Mapping[Any, Any], column: str) -> str:
    """Return one column of a row of `WhatIf.figures` in its unit."""
    writers: dict[str, Any] = {"gives_up": percent, "wait": _minutes, "length": _minutes}
    words: str = writers.get(str(row["figure"]), _whole)(float(row[column]))
    if row["figure"] != "cost":
        return words
    currency = str(row["unit"]).partition("/")[0]
    return text("portfolio.what_if.money", currency=currency, amount=words)


def _sentence(row: Mapping[Any, Any]) -> str:
    names = ("before", "no_selection", "full_selection", "lo", "hi", "naive")
    values = {name: figure_text(row, name) for name in names}
    alike = values["no_selection"] == values["full_selection"]
    label = text(f"portfolio.what_if.figure.{row['figure']}")
    return text(f"portfolio.what_if.{'line_alike' if alike else 'line'}", figure=label, **values)


def _range(low: float, high: float) -> str:
    """Return two shares in words; one where both are written alike."""
    lo, hi = percent(low, 0), percent(high, 0)
    return lo if lo == hi else text("range.words", lo=lo, hi=hi)


def _chance(low: float, high: float) -> str:
    """Return two chances in words: resamples show no chance of none, and none of all."""
    lo, hi = (
        bounds_text(0.99, 1.0) if round(end, 2) >= 1 else percent(max(end, 0.001), 0)
        for end in (low, high)
    )
    return lo if lo == hi else text("range.words", lo=lo, hi=hi)


def _minutes(value: float) -> str:
    return text("portfolio.what_if.minutes", value=number(value, 2))


def _whole(value: float) -> str:
    return number(value, 0)
