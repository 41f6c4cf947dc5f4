"""A smaller journey graph that still adds up: what is left out is folded, counted and named."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from journeylib.core import working
from journeylib.journeys.journeys import Journeys
from journeylib.journeys.walk.counting import Base, base_in_cells, number_pairs
from journeylib.journeys.walk.outline import Outline
from journeylib.journeys.walk.tables import END, OTHER, START, median_positions, move_numbers
from journeylib.log import suppress

ELSEWHERE = "(elsewhere)"
Pair = tuple[str, str]
Numbers = npt.NDArray[Any]


@dataclass(frozen=True)
class Simplified:
    """The strongest touchpoints and transitions, and everything else as "other".

    Attributes
    ----------
    touchpoints : pandas.DataFrame
        ``touchpoint``, ``stage``, ``channel``, ``events``, ``visits``, ``journeys``,
        ``customers``, ``median_position``, ``folds`` (touchpoints in it: 1, or more in
        ``(other)``, one per stage where there are stages).
    transitions : pandas.DataFrame
        ``source``, ``target``, ``events``, ``journeys``, ``customers``, ``at_least`` (as in
        `transitions`), most journeys first.
        Target ``(elsewhere)`` sums, per source, the transitions that are not shown.
    ledger : pandas.DataFrame
        What every number counts: ``what``, ``shown``, ``folded`` (in other and elsewhere),
        ``suppressed`` (in no row, for resting on too few customers), ``total``; the three parts
        add up to the total in every row.
    journeys : int
        All journeys.
    journeys_shown : int
        Journeys that run through shown touchpoints and transitions alone.
    share : float
        `journeys_shown` of all journeys.
    kept_ways, beyond : int
        Transitions between shown touchpoints that are kept, and those that the share asked for
        beyond the most that are.
    """

    touchpoints: pd.DataFrame
    transitions: pd.DataFrame
    ledger: pd.DataFrame
    journeys: int
    journeys_shown: int
    share: float
    kept_ways: int = 0
    beyond: int = 0


@working("folding the journey graph")
def simplify(
    journeys: Journeys,
    touchpoints: float = 1.0,
    transitions: float = 1.0,
    *,
    per_node: int = 1,
    most: int | None = None,
    like: Simplified | None = None,
) -> Simplified:
    """Keep the strongest touchpoints and transitions; fold the rest into a visible other.

    Parameters
    ----------
    journeys : Journeys
    touchpoints : float
        Share of the touchpoints to keep, those of most journeys first, above 0 to 1.
    transitions : float
        Share of the transitions between them to keep, those of most journeys first, 0 to 1.
    per_node : int
        Keep at least so many of the strongest transitions from each touchpoint to another, and
        from others to it.
    most : int, optional
        Keep at most so many transitions between touchpoints, beside those of `per_node`.
    like : Simplified, optional
        Of these journeys and others: keep what it keeps, not what is strong in these alone.

    Returns
    -------
    Simplified
        The same journeys as `transitions` and `variants` count, in fewer rows.

    Raises
    ------
    ValueError
        If a share is not between 0 and 1, or `per_node` is negative.

    Notes
    -----
    Nothing is dropped in silence: of each touchpoint, the shown transitions out and the one to
    ``(elsewhere)`` add up to its visits; the ledger says what is shown, folded and suppressed.
    """
    if not 0 < touchpoints <= 1 or not 0 <= transitions <= 1 or per_node < 0:
        raise ValueError(
            f"touchpoints={touchpoints}, transitions={transitions}, per_node={per_node}: "
            "shares lie between 0 and 1 (touchpoints above 0), per_node is 0 or more"
        )
    minimum = journeys.settings.min_customers
    every = journeys.touchpoints
    points = every[every["events"] > 0]
    public, _hidden = suppress(points, minimum)
    order = public.sort_values(["journeys", "touchpoint"], ascending=[False, True])
    kept = set(order["touchpoint"].head(math.ceil(touchpoints * len(order) - 1e-9)))
    if like is not None:
        kept = set(order["touchpoint"]) & set(like.touchpoints["touchpoint"])
    names = _names(every, kept)
    codes = _codes(every, names)
    moves = _moves(journeys, every, names, codes)
    edges = _edges(journeys, moves, names, codes)
    candidates = _shown(edges, journeys.public_edges, moves, names, codes, minimum)
    if like is not None:
        pairs = [like.transitions[end] for end in ("source", "target")]
        alike = pd.MultiIndex.from_arrays(pairs)
        inner = candidates[["source", "target"]].isin(kept).all(axis=1)
        same = pd.MultiIndex.from_frame(candidates[["source", "target"]]).isin(alike)
        candidates, transitions, most = candidates[~inner | same], 1.0, None
    shown_edges, ways, beyond = _strongest(candidates, kept, transitions, per_node, most)
    folded = _with_elsewhere(edges, candidates, moves, shown_edges, codes)
    nodes = _nodes(journeys, points, names, edges)
    table, _hidden = suppress(nodes, minimum)
    arrows, _hidden = suppress(folded, minimum)
    total = int(nodes["journeys_all"].iloc[0]) if len(nodes) else 0
    whole = total - _journeys_beyond(moves, kept, shown_edges, codes)
    return Simplified(
        table.drop(columns="journeys_all"),
        arrows.reset_index(drop=True),
        _ledger(kept, (nodes, table), (folded, arrows), journeys=total, whole=whole),
        total,
        whole,
        whole / total if total else 0.0,
        ways,
        beyond,
    )


def _names(points: pd.DataFrame, kept: set[str]) -> dict[str, str]:
    """Map each touchpoint to its own name or to the other of its stage."""
    staged = points["stage"].notna().any()
    return {
        name: name
        if name in kept
        else f"(other in {stage})"
        if staged and isinstance(stage, str)
        else OTHER
        for name, stage in zip(points["touchpoint"], points["stage"], strict=True)
    }


def _codes(points: pd.DataFrame, names: dict[str, str]) -> dict[str, int]:
    """Give every name that is shown a number: touchpoints their own, then the rest."""
    own = dict(zip(points["touchpoint"], points["touchpoint_no"].astype(int), strict=True))
    others = sorted({new for old, new in names.items() if old != new})
    further = [START, END, *others]
    codes = {name: len(own) + index for index, name in enumerate(further)}
    return codes | {name: own[name] for name, new in names.items() if name == new}


@dataclass(frozen=True)
class _Moves:
    """Moves from visit to visit, from `START` and to `END`.

    Attributes
    ----------
    codes : int
        How many numbers `_codes` gives.
    source, target : ndarray of int64
        By number of the move: its ends as numbers of `_codes`.
    is_shown : ndarray of bool
        By number of the move: not as a bound; looked at where something is folded.
    outline : Outline
    number : ndarray of int32
        Of the move after each event; below 0 for none.
    first : ndarray of int32
        Of the move to the first event of each journey.
    """

    codes: int
    source: Numbers
    target: Numbers
    is_shown: npt.NDArray[np.bool_]
    outline: Outline
    number: Numbers
    first: Numbers

    def along(self, pairs: list[Pair], codes: dict[str, int]) -> npt.NDArray[np.bool_]:
        """Mark the numbers of moves along one of `pairs`."""
        wanted = [codes[source] * self.codes + codes[target] for source, target in pairs]
        return np.isin(self.source * self.codes + self.target, wanted)

    def base(self, cell: Numbers, cells: int) -> Base:
        """Count moves, journeys and customers in the cells of their numbers."""
        own, outline = np.append(cell, -1), self.outline
        begun, journeys = own[self.first], np.arange(len(outline))
        # A cell is of moves from `START` or of others.
        return outline.events.base(own[self.number], cells) + base_in_cells(
            begun, journeys, outline.customer, cells
        )

    def pairs(self, marked: npt.NDArray[np.bool_]) -> tuple[Numbers, Numbers]:
        """Number the pairs of ends of the `marked` numbers of moves; see `number_pairs`."""
        return number_pairs(np.where(marked, self.source, -1), self.target, self.codes)


def _moves(
    journeys: Journeys, points: pd.DataFrame, names: dict[str, str], codes: dict[str, int]
) -> _Moves:
    events, outline, many = journeys.events, journeys.outline, max(codes.values()) + 1
    folded = np.full(many, codes[END], dtype=np.int64)
    folded[points["touchpoint_no"]] = points["touchpoint"].map(names).map(codes)
    folded[codes[START]] = codes[START]
    number, keys = move_numbers(events)
    source, target = np.divmod(keys, events.touchpoints + 1)
    every = np.arange(events.touchpoints)
    source = np.concatenate([source, np.full(len(every), codes[START])])
    target = np.concatenate([np.where(target > 0, target - 1, codes[END]), every])
    is_shown = np.ones(len(source), dtype=np.bool_)
    if any(old != new for old, new in names.items()):
        own = dict(zip(points["touchpoint"], points["touchpoint_no"].astype(int), strict=True))
        shown = journeys.public_edges.loc[lambda edges: ~edges["at_least"], ["source", "target"]]
        at, to = (shown[end].map({**codes, **own}).to_numpy(np.int64) for end in shown)
        is_shown = np.isin(source * many + target, at * many + to)
    return _Moves(
        many,
        folded[source],
        folded[target],
        is_shown,
        outline,
        number,
        len(keys) + outline.first,
    )


def _edges(
    journeys: Journeys, moves: _Moves, names: dict[str, str], codes: dict[str, int]
) -> pd.DataFrame:
    """Count the moves by source and target; those of no folded touchpoint are counted already."""
    columns = ["source", "target", "events", "journeys", "customers"]
    known = journeys.edges[columns]
    away = {old for old, new in names.items() if old != new}
    if not away:
        return known
    known = known[~known["source"].isin(away) & ~known["target"].isin(away)]
    last = codes[END]
    pair, keys = moves.pairs((moves.source > last) | (moves.target > last))
    word = {code: name for name, code in codes.items()}
    counts = pd.DataFrame({"source": keys // moves.codes, "target": keys % moves.codes})
    counts = counts.assign(
        source=counts["source"].map(word),
        target=counts["target"].map(word),
        **vars(moves.base(pair, len(keys))),
    )
    # No journey begins at most of the touchpoints.
    return _sorted(pd.concat([known, counts.loc[counts["events"] > 0, columns]]))


def _sorted(edges: pd.DataFrame) -> pd.DataFrame:
    edges = edges.astype({"source": "str", "target": "str"})
    order = ["journeys", "source", "target"]
    return edges.sort_values(order, ascending=[False, True, True], ignore_index=True)


def _shown(
    edges: pd.DataFrame,
    public: pd.DataFrame,
    moves: _Moves,
    names: dict[str, str],
    codes: dict[str, int],
    minimum: int,
) -> pd.DataFrame:
    """Return the transitions that may be shown; those of touchpoints as `transitions` has them."""
    keys, columns = ["source", "target"], [*edges.columns, "at_least"]
    own = {name for name, new in names.items() if name == new} | {START, END}
    apart = edges["source"].isin(own) & edges["target"].isin(own)
    known = edges.loc[apart, keys].merge(public[columns], on=keys)
    if apart.all():
        return _sorted(known)
    folded = _folded(edges.loc[~apart, [*keys, "events"]], public, moves, names, codes)
    return _sorted(pd.concat([known, suppress(folded[columns], minimum)[0]]))


def _folded(
    edges: pd.DataFrame,
    public: pd.DataFrame,
    moves: _Moves,
    names: dict[str, str],
    codes: dict[str, int],
) -> pd.DataFrame:
    """Count transitions of what is folded from those that are shown: all would tell hidden ones.

    Events are the sum of what is shown. Journeys and customers are those of transitions that are
    shown as they are, or of the largest one.
    """
    keys, people = ["source", "target"], ["journeys", "customers"]
    parts = public.assign(
        **{end: public[end].map(lambda name: names.get(name, name)) for end in keys}
    )
    table = parts.groupby(keys)[["events", *people]].agg(
        {"events": "sum", "journeys": "max", "customers": "max"}
    )
    pair, cells = moves.pairs(moves.is_shown)
    word = {code: name for name, code in codes.items()}
    ends = pd.MultiIndex.from_arrays(
        [[word[code] for code in end] for end in np.divmod(cells, moves.codes)], names=keys
    )
    counted = pd.DataFrame(vars(moves.base(pair, len(cells))), index=ends).reindex(
        table.index, fill_value=0
    )
    table[people] = np.maximum(table[people], counted[people])
    result = edges.rename(columns={"events": "all"}).merge(table.reset_index(), on=keys)
    return result.assign(at_least=result["events"] < result["all"])


def _with_elsewhere(
    edges: pd.DataFrame,
    public: pd.DataFrame,
    moves: _Moves,
    shown: list[Pair],
    codes: dict[str, int],
) -> pd.DataFrame:
    """Return the shown transitions, and per source all other moves as one."""
    drawn = public[pd.MultiIndex.from_frame(public[["source", "target"]]).isin(shown)]
    others = np.where(moves.along(shown, codes), -1, moves.source)
    word = {code: name for name, code in codes.items()}
    base = moves.base(others, moves.codes)
    rest = pd.DataFrame({"source": np.arange(moves.codes), **vars(base)})
    rest = rest.assign(source=rest["source"].map(word), target=ELSEWHERE).dropna(subset="source")
    # What a lower bound leaves out is elsewhere as well.
    left = (
        edges.groupby("source")["events"]
        .sum()
        .sub(drawn.groupby("source")["events"].sum(), fill_value=0)
    )
    rest["events"] = rest["source"].map(left).fillna(0).astype("int64")
    rest = rest[rest["events"] > 0]
    rest = rest.assign(at_least=False)
    return _sorted(pd.concat([drawn, rest[list(drawn.columns)]]))


def _strongest(
    edges: pd.DataFrame, kept: set[str], share: float, per_node: int, most: int | None
) -> tuple[list[Pair], int, int]:
    """Return the transitions that are shown; how many are kept, and how many beyond.

    Those from START, to END, and into and out of other carry what is folded: they are shown
    whatever the share is, else the counts of a box would have no way in or out.
    """
    between = edges["source"].isin(kept) & edges["target"].isin(kept)
    inner = edges[between]
    wanted = math.ceil(share * len(inner) - 1e-9)
    strong = set(inner.index[: wanted if most is None else min(wanted, most)])
    # A touchpoint that leads to itself is not connected by that.
    onward = inner[inner["source"] != inner["target"]]
    for end in ("source", "target"):
        strong |= set(onward.groupby(end, sort=True).head(per_node).index)
    shown = edges[~between | edges.index.isin(strong)]
    beyond = len(set(inner.index[:wanted]) - strong)
    return sorted(zip(shown["source"], shown["target"], strict=True)), len(strong), beyond


def _nodes(
    journeys: Journeys, points: pd.DataFrame, names: dict[str, str], edges: pd.DataFrame
) -> pd.DataFrame:
    """Return what is drawn as boxes; only what is folded has yet to be counted."""
    bases = ["events", "journeys", "customers", "median_position"]
    away = [name for name in points["touchpoint"] if names[name] != name]
    counts = points.loc[~points["touchpoint"].isin(away), ["touchpoint", *bases]]
    if away:
        events = journeys.events
        others = pd.DataFrame({"touchpoint": sorted({names[name] for name in away})})
        into = {name: index for index, name in enumerate(others["touchpoint"])}
        cells = np.full(events.touchpoints, -1, dtype=np.int64)
        gone = points[points["touchpoint"].isin(away)]
        cells[gone["touchpoint_no"]] = gone["touchpoint"].map(names).map(into)
        cell = cells[events.touchpoint]
        others = others.assign(
            **vars(events.base(cell, len(into))),
            median_position=median_positions(journeys.summed, cells, len(into)),
        )
        counts = pd.concat([counts, others])
    counts = counts.reset_index(drop=True)
    # Every visit ends in one move.
    visits = edges.groupby("source")["events"].sum()
    counts["visits"] = counts["touchpoint"].map(visits).astype("int64")
    known = points.assign(touchpoint=points["touchpoint"].map(names))
    # The other of a stage stands in that stage, in a lane of its own.
    first = known.groupby("touchpoint").agg(
        stage=("stage", "first"), channel=("channel", "first"), folds=("touchpoint_no", "size")
    )
    real = set(points["touchpoint"])
    own = first.reindex(counts["touchpoint"].tolist()).reset_index(drop=True)
    nodes = pd.concat([counts, own], axis=1)
    folded = ~nodes["touchpoint"].isin(real)
    if nodes["channel"].notna().any():
        nodes["channel"] = nodes["channel"].mask(folded, "Other")
    nodes["stage"] = nodes["stage"].mask(nodes["touchpoint"] == OTHER, None)
    nodes["journeys_all"] = len(journeys.outline)
    columns = ["touchpoint", "stage", "channel", "events", "visits", "journeys", "customers"]
    ordered = nodes.sort_values(["median_position", "touchpoint"], ignore_index=True)
    return ordered[[*columns, "median_position", "folds", "journeys_all"]]


def _journeys_beyond(
    moves: _Moves, kept: set[str], shown: list[Pair], codes: dict[str, int]
) -> int:
    """Count the journeys with a move that is not shown, or of something folded."""
    inside = [pair for pair in shown if {*pair} <= {START, END, *kept}]
    is_beyond = np.append(~moves.along(inside, codes), False)
    seen = is_beyond[moves.first]
    seen[moves.outline.events.journey[is_beyond[moves.number]]] = True
    return int(seen.sum())


def _ledger(
    kept: set[str],
    touchpoints: tuple[pd.DataFrame, pd.DataFrame],
    transitions: tuple[pd.DataFrame, pd.DataFrame],
    *,
    journeys: int,
    whole: int,
) -> pd.DataFrame:
    """Say of every kind of thing how many are shown, folded, suppressed.

    Of each pair of tables the first holds all rows, the second those that are shown.
    """
    nodes, shown_nodes = touchpoints
    moves, shown_moves = transitions

    def row(what: str, shown: int, held: int, total: int) -> tuple[str, int, int, int, int]:
        return what, shown, held - shown, total - held, total

    mine, hold = nodes["touchpoint"].isin(kept), shown_nodes["touchpoint"].isin(kept)
    ends = {START, END, *kept}
    direct = shown_moves["source"].isin(ends) & shown_moves["target"].isin(ends)
    rows = [
        (
            "touchpoints",
            int(mine.sum()),
            int(shown_nodes.loc[~hold, "folds"].sum()),
            int(nodes["folds"].sum() - hold.sum() - shown_nodes.loc[~hold, "folds"].sum()),
            int(nodes["folds"].sum()),
        ),
        *(
            row(
                column,
                int(shown_nodes.loc[hold, column].sum()),
                int(shown_nodes[column].sum()),
                int(nodes[column].sum()),
            )
            for column in ("events", "visits")
        ),
        row(
            "moves",
            int(shown_moves.loc[direct, "events"].sum()),
            int(shown_moves["events"].sum()),
            int(moves["events"].sum()),
        ),
        ("journeys", whole, journeys - whole, 0, journeys),
    ]
    return pd.DataFrame(rows, columns=["what", "shown", "folded", "suppressed", "total"])
