"""Planned journeys, and the cheapest way to lay a journey that was lived beside one.

A plan is an automaton: states, and edges that are touchpoints or silent. A list with optional
steps becomes one directly; BPMN and process trees come through `journeys.models`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt

from journeylib.core import ConfigError

Ints = npt.NDArray[np.int64]
Kind = Literal["as_planned", "skipped", "inserted"]

UNREACHED = np.int64(1) << 40
MAX_STATES = 2_000

# Source, touchpoint (None where the move is silent), target.
Raw = tuple[int, str | None, int]


@dataclass(frozen=True)
class Edge:
    """A planned touchpoint, from state to state."""

    source: int
    touchpoint: str
    target: int


@dataclass(frozen=True)
class Plan:
    """A planned journey: the smallest deterministic automaton of all journeys that follow it.

    Two plans that allow the same journeys are equal, whatever they were written as.

    Attributes
    ----------
    states : int
        States are 0 to `states` − 1; journeys start in 0.
    final : frozenset of int
        States in which a journey may end.
    edges : tuple of Edge
        By source, then by touchpoint.
    """

    states: int
    final: frozenset[int]
    edges: tuple[Edge, ...]

    @classmethod
    def of_steps(cls, steps: Sequence[str], *, touchpoints: Iterable[str] = ()) -> Plan:
        """Return the plan of an ordered list of steps; ``"B?"`` is an optional B.

        Parameters
        ----------
        steps : sequence of str
            In the planned order, each once.
        touchpoints : iterable of str
            Known names: one that itself ends in ``?`` is then a step that must be taken.

        Raises
        ------
        ConfigError
            If a step is empty or planned twice.

        Examples
        --------
        >>> plan = Plan.of_steps(["A", "B?", "C"])
        >>> plan.steps, plan.optional
        (('A', 'B', 'C'), frozenset({'B'}))
        """
        names, moves, seen = set(touchpoints), list[Raw](), set[str]()
        for index, step in enumerate(steps):
            optional = step.endswith("?") and step not in names
            name = step[:-1].rstrip() if optional else step
            if not name:
                raise ConfigError(f"plan: step {index + 1} has no name")
            if name in seen:
                raise ConfigError(
                    f"plan: '{name}' is planned twice. A list has each step once; "
                    "give a process tree, in which a step may come again."
                )
            seen.add(name)
            moves.append((index, name, index + 1))
            if optional:
                moves.append((index, None, index + 1))
        return cls.of_moves(moves, {len(steps)})

    @classmethod
    def of_moves(cls, moves: Iterable[Raw], final: Iterable[int]) -> Plan:
        """Return the plan of an automaton from state 0 that may have silent moves.

        Raises
        ------
        ConfigError
            If it has no way from start to end, or more than `MAX_STATES` states.

        Notes
        -----
        Subset construction, then Moore's partition refinement, then numbering by breadth
        first in the order of names: the result owes nothing to how states were numbered.
        """
        table, ends = _smallest(*_determined(list(moves), set(final)))
        order, todo = {0: 0}, [0]
        while todo:
            for _, target in sorted(table[todo.pop(0)].items()):
                if target not in order:
                    order[target] = len(order)
                    todo.append(target)
        edges = sorted(
            (order[source], touchpoint, order[target])
            for source in order
            for touchpoint, target in table[source].items()
        )
        if not edges:
            raise ConfigError("the plan has no way from its start to its end")
        return cls(
            len(order),
            frozenset(order[end] for end in ends if end in order),
            tuple(Edge(*edge) for edge in edges),
        )

    @cached_property
    def leaving(self) -> tuple[dict[str, int], ...]:
        """By state: where each planned touchpoint leads."""
        table: tuple[dict[str, int], ...] = tuple({} for _ in range(self.states))
        for edge in self.edges:
            table[edge.source][edge.touchpoint] = edge.target
        return table

    @cached_property
    def distances(self) -> Ints:
        """Fewest planned touchpoints from state to state."""
        from scipy.sparse import csr_array
        from scipy.sparse.csgraph import dijkstra

        pairs = sorted({(edge.source, edge.target) for edge in self.edges})
        sources, targets = zip(*pairs, strict=True)
        graph = csr_array((np.ones(len(pairs)), (sources, targets)), shape=(self.states,) * 2)
        steps = dijkstra(graph, unweighted=True)
        return np.where(np.isfinite(steps), steps, float(UNREACHED)).astype(np.int64)

    @cached_property
    def shortest(self) -> int:
        """Touchpoints of the shortest journey that follows the plan."""
        return int(self.distances[0, sorted(self.final)].min())

    @cached_property
    def steps(self) -> tuple[str, ...]:
        """Planned touchpoints in their order, as far as there is one, then by name."""
        late: dict[str, int] = {}
        for edge in self.edges:
            # The latest place counts: an optional step before does not move a step forward.
            distance = int(self.distances[0, edge.source])
            late[edge.touchpoint] = max(late.get(edge.touchpoint, 0), distance)
        return tuple(sorted(late, key=lambda name: (late[name], name)))

    @cached_property
    def optional(self) -> frozenset[str]:
        """Touchpoints without which the plan can be followed to its end."""
        return frozenset(name for name in self.steps if self._ends_without(name))

    def _ends_without(self, name: str) -> bool:
        reached, todo = {0}, [0]
        while todo:
            targets = {
                t for touchpoint, t in self.leaving[todo.pop()].items() if touchpoint != name
            }
            todo += sorted(targets - reached)
            reached |= targets
        return bool(reached & self.final)


def _determined(moves: list[Raw], final: set[int]) -> tuple[list[dict[str, int]], set[int]]:
    """Return the deterministic automaton of one with silent moves, as a table by state."""
    silent: dict[int, list[int]] = {}
    loud: dict[int, list[tuple[str, int]]] = {}
    for source, touchpoint, target in moves:
        if touchpoint is None:
            silent.setdefault(source, []).append(target)
        else:
            loud.setdefault(source, []).append((touchpoint, target))

    def closed(states: set[int]) -> frozenset[int]:
        todo = list(states)
        while todo:
            fresh = [state for state in silent.get(todo.pop(), ()) if state not in states]
            states.update(fresh)
            todo += fresh
        return frozenset(states)

    first = closed({0})
    numbers, todo, table, ends = {first: 0}, [first], list[dict[str, int]](), set[int]()
    while todo:
        subset = todo.pop(0)
        if subset & final:
            ends.add(numbers[subset])
        following: dict[str, set[int]] = {}
        for state in subset:
            for touchpoint, target in loud.get(state, ()):
                following.setdefault(touchpoint, set()).add(target)
        row = {}
        for touchpoint in sorted(following):
            reached = closed(following[touchpoint])
            if reached not in numbers:
                numbers[reached] = len(numbers)
                todo.append(reached)
            row[touchpoint] = numbers[reached]
        table.append(row)
        if len(numbers) > MAX_STATES:
            raise ConfigError(
                f"the plan has more than {MAX_STATES:,} states, mostly from steps in parallel. "
                "Plan fewer steps at once, or give the plan as a list of steps."
            )
    return table, ends


def _smallest(table: list[dict[str, int]], ends: set[int]) -> tuple[list[dict[str, int]], set[int]]:
    """Merge states from which the same journeys may follow; leave out dead ones."""
    alive = set(ends)
    while fresh := {
        i for i, row in enumerate(table) if i not in alive and alive & set(row.values())
    }:
        alive |= fresh
    live = [{name: t for name, t in row.items() if t in alive} for row in table]
    block = [int(i in ends) for i in range(len(live))]
    while True:
        looks = [
            (block[i], tuple((name, block[t]) for name, t in sorted(row.items())))
            for i, row in enumerate(live)
        ]
        names = {look: number for number, look in enumerate(dict.fromkeys(looks))}
        if len(names) == len(set(block)):
            break
        block = [names[look] for look in looks]
    block = [names[look] for look in looks]
    merged: list[dict[str, int]] = [{} for _ in names]
    for i, row in enumerate(live):
        merged[block[i]] = {name: block[t] for name, t in row.items()}
    return merged, {block[i] for i in ends}


@dataclass(frozen=True)
class Move:
    """One move of an alignment: ``inserted`` is the journey's alone, ``skipped`` the plan's."""

    kind: Kind
    touchpoint: str


@dataclass(frozen=True)
class Alignment:
    """A journey beside the plan, with as few deviations as can be.

    Attributes
    ----------
    moves : tuple of Move
    deviations : int
        Touchpoints inserted or skipped.
    worst : int
        Deviations if nothing matched: the whole journey inserted, the shortest plan skipped.
    """

    moves: tuple[Move, ...]
    deviations: int
    worst: int

    @property
    def fitness(self) -> float:
        """1 − deviations / worst."""
        return 1 - self.deviations / self.worst if self.worst else 1.0


def align(plan: Plan, journeys: Sequence[Sequence[str]]) -> list[Alignment]:
    """Align journeys with a plan.

    Parameters
    ----------
    plan : Plan
    journeys : sequence of sequence of str
        Distinct variants, in any order.

    Returns
    -------
    list of Alignment
        In the order given.

    Notes
    -----
    Cost-based alignments (Adriansyah, Aligning Observed and Modeled Behavior, 2014): a
    touchpoint inserted or a planned step skipped costs 1. What is still to pay from each state
    after each touchpoint is worked out from the end backwards; journeys that end alike share
    that work. Of several cheapest alignments the one is taken that matches as early as
    possible, so a touchpoint lived twice is planned the first time and a repeat the second.
    """
    to_pay = _End(plan).by_suffix(journeys)
    return [_walk(plan, tuple(journey), to_pay[number]) for number, journey in enumerate(journeys)]


@dataclass(frozen=True)
class _End:
    """Backward dynamic programme over the states of a plan."""

    plan: Plan

    def by_suffix(self, journeys: Sequence[Sequence[str]]) -> list[list[tuple[Ints, Ints]]]:
        """Return per journey, from its end backwards, costs after and before skips."""
        moves: dict[str, tuple[Ints, Ints]] = {}
        for name in self.plan.steps:
            edges = [(e.source, e.target) for e in self.plan.edges if e.touchpoint == name]
            moves[name] = (np.array([s for s, _ in edges]), np.array([t for _, t in edges]))
        ended = np.full(self.plan.states, UNREACHED, dtype=np.int64)
        ended[sorted(self.plan.final)] = 0
        layers = [(ended, self._closed(ended))]
        answers: list[list[tuple[Ints, Ints]]] = [[] for _ in journeys]
        last: tuple[str, ...] = ()
        for number in sorted(range(len(journeys)), key=lambda n: tuple(reversed(journeys[n]))):
            text = tuple(reversed(journeys[number]))
            same = _common(text, last)
            del layers[same + 1 :]
            for touchpoint in text[same:]:
                after = layers[-1][1]
                here = after + 1
                if touchpoint in moves:
                    sources, targets = moves[touchpoint]
                    here[sources] = np.minimum(here[sources], after[targets])
                layers.append((here, self._closed(here)))
            answers[number], last = layers.copy(), text
        return answers

    def _closed(self, cost: Ints) -> Ints:
        """Let planned touchpoints be skipped first."""
        return np.asarray((self.plan.distances + cost[None, :]).min(axis=1), dtype=np.int64)


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    length = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        length += 1
    return length


def _walk(plan: Plan, journey: tuple[str, ...], layers: list[tuple[Ints, Ints]]) -> Alignment:
    """Follow the cheapest way forward, matching as early as possible."""
    state, moves = 0, list[Move]()
    for index, touchpoint in enumerate(journey):
        here, _ = layers[len(journey) - index]
        after = layers[len(journey) - index - 1][1]
        planned = np.array([row.get(touchpoint, -1) for row in plan.leaving])
        matches = (planned >= 0) & (after[planned] == here)
        state = _skip(plan, state, here, matches, moves)
        moves.append(Move("as_planned" if matches[state] else "inserted", touchpoint))
        state = int(planned[state]) if matches[state] else state
    ended = layers[0][0]
    _skip(plan, state, ended, ended == 0, moves)
    deviations = sum(move.kind != "as_planned" for move in moves)
    return Alignment(tuple(moves), deviations, len(journey) + plan.shortest)


def _skip(
    plan: Plan, state: int, cost: Ints, matches: npt.NDArray[np.bool_], moves: list[Move]
) -> int:
    """Skip to where going on is cheapest: best to a match at once, then over the fewest steps."""
    total = plan.distances[state] + cost
    cheapest = np.flatnonzero(total == total.min())
    best = np.lexsort((plan.distances[state][cheapest], ~matches[cheapest]))
    goal = int(cheapest[best[0]])
    while state != goal:
        left = int(plan.distances[state, goal])
        name, state = next(
            (name, target)
            for name, target in plan.leaving[state].items()
            if plan.distances[target, goal] == left - 1
        )
        moves.append(Move("skipped", name))
    return state
