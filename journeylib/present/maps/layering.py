"""Layering: columns for a log without stages, from the flow graph itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

MAX_LAYERS = 8
SWEEPS = 7


def layers_of(
    position: Mapping[str, float],
    edges: Sequence[tuple[str, str, int]],
    *,
    max_layers: int = MAX_LAYERS,
) -> tuple[dict[str, int], dict[str, float]]:
    """Deal touchpoints to layers and give each an order within its layer.

    Parameters
    ----------
    position : mapping
        Median position, 0 to 1, of each touchpoint.
    edges : sequence of (source, target, journeys)
        The flow graph.
    max_layers : int
        Longer chains are folded evenly into this many columns.

    Returns
    -------
    layers : dict of str to int
        Column of each touchpoint, from 0.
    order : dict of str to float
        Sort key inside a layer.

    Notes
    -----
    Longest-path layering and the barycentre heuristic: Sugiyama, Tagawa and Toda (1981), IEEE
    Transactions on Systems, Man, and Cybernetics 11, 109–125. Only edges that lead
    to a later median position count, which takes the cycles out; weak edges (under 5 % of the
    strongest leaving the source) do not stretch the layers.
    """
    names = sorted(position, key=lambda name: (position[name], name))
    rank = {name: i for i, name in enumerate(names)}
    strongest: dict[str, int] = {}
    for source, _, weight in edges:
        strongest[source] = max(strongest.get(source, 0), weight)
    before: dict[str, list[tuple[str, int]]] = {name: [] for name in names}
    after: dict[str, list[tuple[str, int]]] = {name: [] for name in names}
    for source, target, weight in sorted(edges):
        if rank[source] < rank[target] and weight >= 0.05 * strongest[source]:
            before[target].append((source, weight))
            after[source].append((target, weight))
    layer: dict[str, int] = {}
    for name in names:
        layer[name] = max((layer[source] + 1 for source, _ in before[name]), default=0)
    for name in reversed(names):
        # What nothing leads to belongs beside what it leads to, or where it stands in time.
        if not before[name]:
            late = round(position[name] * max(layer.values()))
            layer[name] = min((layer[target] - 1 for target, _ in after[name]), default=late)
    deepest = max(layer.values(), default=0) + 1
    if deepest > max_layers:
        layer = {name: depth * max_layers // deepest for name, depth in layer.items()}
    order = {name: float(rank[name]) for name in names}
    for sweep in range(SWEEPS):
        near = before if sweep % 2 == 0 else after
        order = _barycentres(names, layer, order, near)
    return layer, order


def _barycentres(
    names: Sequence[str],
    layer: Mapping[str, int],
    order: Mapping[str, float],
    near: Mapping[str, Sequence[tuple[str, int]]],
) -> dict[str, float]:
    """Move each touchpoint to the weighted middle of its neighbours, then renumber."""
    wish, strength = {}, {}
    for name in names:
        weight = strength[name] = sum(w for _, w in near[name])
        middle = sum(order[other] * w for other, w in near[name]) / weight if weight else None
        wish[name] = order[name] if middle is None else middle
    result: dict[str, float] = {}
    for depth in sorted(set(layer.values())):
        members = [name for name in names if layer[name] == depth]
        for i, name in enumerate(
            sorted(members, key=lambda name: (wish[name], -strength[name], name))
        ):
            result[name] = float(i)
    return result
