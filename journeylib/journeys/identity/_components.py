"""Connected components of a graph that lies in the engine."""

from __future__ import annotations

import ibis
from ibis import _

from journeylib.core import RunError

# Each round at least halves what is left on ordinary graphs; 64 rounds are never reached there.
MAX_ROUNDS = 64


def components(edges: ibis.Table, *, max_rounds: int = MAX_ROUNDS) -> ibis.Table:
    """Label the nodes of a graph by the smallest node of their connected component.

    Parameters
    ----------
    edges : ibis.Table
        ``a``, ``b`` (int64): one row per edge, in either direction; loops and repeated edges do
        no harm.
    max_rounds : int
        Give up after so many contractions.

    Returns
    -------
    ibis.Table
        One row per node that has an edge: ``node``, ``component`` (int64, the smallest node).

    Raises
    ------
    RunError
        If `max_rounds` were not enough.

    Notes
    -----
    Each round hangs every component below its smallest neighbour, follows the chains that this
    makes to their ends by doubling (pointer jumping), and draws the edges anew between what
    is left, as in the parallel algorithms of Borůvka and of Shiloach and Vishkin (1982). All
    passes are joins and minima of integers, so nothing depends on threads or on row order.
    """
    pairs = edges.filter(_.a != _.b)
    left = pairs.select("a", "b").union(pairs.select(a=_.b, b=_.a)).distinct().cache()
    every = edges.select(node=_.a).union(edges.select(node=_.b)).distinct()
    labels = every.mutate(component=_.node).cache()
    for _round in range(max_rounds):
        if not _rows(left):
            return labels
        roots = _roots(left, max_rounds)
        labels = _moved(labels, roots, "component").cache()
        joined = _moved(_moved(left, roots, "a"), roots, "b")
        left = joined.filter(_.a != _.b).distinct().cache()
    raise RunError(
        f"identifiers did not settle into people after {max_rounds} rounds: the links form chains "
        "beyond any real log. Lower stitching.max_accounts or set stitching.valid_days."
    )


def _roots(edges: ibis.Table, max_rounds: int) -> ibis.Table:
    """Return for each node of `edges` the end of the chain of smallest neighbours."""
    nearest = edges.group_by("a").aggregate(smallest=_.b.min())
    parents = nearest.select(node=_.a, parent=ibis.least(_.a, _.smallest)).cache()
    for _round in range(max_rounds):
        further = _moved(parents, parents, "parent").cache()
        held = parents.select("node", was=_.parent)
        if not _rows(further.inner_join(held, "node").filter(_.parent != _.was)):
            break
        parents = further
    return parents


def _moved(table: ibis.Table, parents: ibis.Table, column: str) -> ibis.Table:
    """Replace a node in `column` by its parent, where it has one."""
    lookup = parents.select(_from=_.node, _to=_.parent)
    joined = table.left_join(lookup, table[column] == lookup["_from"])
    return joined.mutate(**{column: ibis.coalesce(joined["_to"], joined[column])}).select(
        *table.columns
    )


def _rows(table: ibis.Table) -> int:
    return int(table.count().to_pyarrow().as_py())
