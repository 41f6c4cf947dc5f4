"""The one door to pm4py: plans from BPMN and process trees.

pm4py takes seconds to import and prints a banner, so it is imported inside the functions that
need it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import Field, model_validator

from journeylib.core import ConfigError, Described
from journeylib.journeys.conformance.plan import Plan, Raw
from journeylib.journeys.journeys import Journeys
from journeylib.log import refuse_entities

MAX_MARKINGS = 20_000


class PlanSettings(Described):
    """The planned journey: a list of steps, a BPMN file or a process tree.

    Examples
    --------
    >>> PlanSettings(steps=["Order", "Credit check?", "Delivery"]).steps
    ('Order', 'Credit check?', 'Delivery')

    Attributes
    ----------
    steps
        Steps in the planned order; 'B?' is an optional B.
    bpmn
        A BPMN 2.0 file whose tasks are touchpoints. Path, relative to the configuration.
    tree
        A process tree: -> in order, X one of, + in parallel, * again; such as ->('A', X('B', tau),
        'C').
    """

    steps: tuple[str, ...] | None = Field(None, min_length=1)
    bpmn: Path | None = None
    tree: str | None = Field(None, min_length=1)

    @model_validator(mode="after")
    def _one_plan(self) -> Self:
        if sum(given is not None for given in (self.steps, self.bpmn, self.tree)) != 1:
            raise ValueError("declare one of 'steps', 'bpmn' and 'tree'")
        return self


def load_plan(settings: PlanSettings, journeys: Journeys | None = None) -> Plan:
    """Return the plan that is declared.

    Parameters
    ----------
    settings : PlanSettings
    journeys : Journeys, optional
        Their touchpoints tell an optional step from one whose name ends in ``?``.

    Raises
    ------
    ConfigError
        If the plan cannot be read, has no way from start to end, or is too large.
    """
    if settings.steps is not None:
        touchpoints = journeys.touchpoints["touchpoint"] if journeys is not None else ()
        return Plan.of_steps(settings.steps, touchpoints=touchpoints)
    if settings.bpmn is not None:
        return plan_of_bpmn(settings.bpmn)
    return plan_of_tree(str(settings.tree))


def plan_of_tree(text: str) -> Plan:
    """Return the plan that a process tree describes.

    Raises
    ------
    ConfigError
        If the text is no process tree.

    Examples
    --------
    >>> plan_of_tree("->('A', X('B', tau), 'C')").optional
    frozenset({'B'})
    """
    return plan_of_net(*_net_of_tree(text))


def _net_of_tree(text: str) -> tuple[Any, Any, Any]:
    from pm4py.convert import convert_to_petri_net
    from pm4py.utils import parse_process_tree

    bare = re.sub(r"'[^']*'", "", text)
    try:
        if bare.count("(") != bare.count(")") or "'" in bare:
            raise ValueError("brackets or quotes are not closed")  # pm4py would guess
        net, start, end = convert_to_petri_net(parse_process_tree(text))
    except Exception as error:  # pm4py's parser raises bare exceptions of many kinds
        raise ConfigError(
            "plan.tree is no process tree. Write for example ->('A', X('B', tau), 'C'), "
            "or give a list of steps."
        ) from error
    return net, start, end


def plan_of_bpmn(path: str | Path) -> Plan:
    """Return the plan in a BPMN 2.0 file: its tasks are touchpoints, by name.

    Raises
    ------
    ConfigError
        If the file is not there or is no BPMN.
    """
    from pm4py.convert import convert_to_petri_net
    from pm4py.read import read_bpmn

    file = Path(path)
    if not file.is_file():
        raise ConfigError(f"plan.bpmn: there is no file {file.name}")
    with file.open("rb") as stream:
        refuse_entities(stream, file.name)
    try:
        net, start, end = convert_to_petri_net(read_bpmn(str(file)))
    except Exception as error:  # whatever pm4py stumbles over, the file is not usable
        raise ConfigError(
            f"plan.bpmn: {file.name} cannot be read as BPMN 2.0 ({type(error).__name__})"
        ) from error
    return plan_of_net(net, start, end)


def plan_of_net(net: Any, start: Any, end: Any) -> Plan:
    """Unfold a Petri net of pm4py into the automaton of its markings.

    Parameters
    ----------
    net, start, end
        The net, its initial and its final marking.

    Raises
    ------
    ConfigError
        If there are too many markings, or none is final.
    """
    moves = [
        (t.label, {a.source: a.weight for a in t.in_arcs}, {a.target: a.weight for a in t.out_arcs})
        for t in net.transitions
    ]
    first, last = frozenset(start.items()), frozenset(end.items())
    states, todo, edges = {first: 0}, [first], list[Raw]()
    while todo:
        marking = todo.pop(0)
        tokens = dict(marking)
        for label, takes, gives in moves:
            if any(tokens.get(state, 0) < weight for state, weight in takes.items()):
                continue
            after = _fired(tokens, takes, gives)
            if after not in states:
                states[after] = len(states)
                todo.append(after)
            edges.append((states[marking], label, states[after]))
        if len(states) > MAX_MARKINGS:
            raise ConfigError(
                f"the model has more than {MAX_MARKINGS:,} states, mostly from steps in "
                "parallel. Give the plan as a list of steps."
            )
    return Plan.of_moves(edges, {states[last]} if last in states else ())


def _fired(
    tokens: Mapping[Any, int], takes: Mapping[Any, int], gives: Mapping[Any, int]
) -> frozenset[tuple[Any, int]]:
    after = dict(tokens)
    for state, weight in takes.items():
        after[state] -= weight
    for state, weight in gives.items():
        after[state] = after.get(state, 0) + weight
    return frozenset((state, number) for state, number in after.items() if number)
