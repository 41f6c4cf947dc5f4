"""Gates: conditions on `audit.json` that decide the exit status."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from journeylib.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    from journeylib.audits.config import Gate

PART = re.compile(r"([A-Za-z_]+)(?:\[([A-Za-z_]+)=([^\]]*)\])?(?:\.|$)")


@dataclass(frozen=True)
class GateOutcome:
    """A gate with its answer.

    Attributes
    ----------
    gate : Gate
    verdict : {"pass", "fail", "not_assessable"}
    value : float or None
    text : str
    """

    gate: Gate
    verdict: Literal["pass", "fail", "not_assessable"]
    value: float | None
    text: str


def check_gates(gates: Sequence[Gate], document: Mapping[str, Any]) -> list[GateOutcome]:
    """Check every gate against the content of `audit.json`.

    Raises
    ------
    ConfigError
        If a metric names nothing in the document; the message offers the nearest name.
    """
    return [_check(gate, document) for gate in gates]


def _check(gate: Gate, document: Mapping[str, Any]) -> GateOutcome:
    value = _look_up(gate, document)
    bounds = " and ".join(
        [f"at least {gate.min:g}"] * (gate.min is not None)
        + [f"at most {gate.max:g}"] * (gate.max is not None)
    )
    if value is None:
        verdict: Literal["fail", "not_assessable"] = (
            "fail" if gate.not_assessable == "fail" else "not_assessable"
        )
        text = f"{gate.id}: {gate.metric} has no answer in this run (asked: {bounds})."
        return GateOutcome(gate, verdict, None, text)
    failed = (gate.min is not None and value < gate.min) or (
        gate.max is not None and value > gate.max
    )
    text = f"{gate.id}: {gate.metric} is {value:.4g} (asked: {bounds})."
    return GateOutcome(gate, "fail" if failed else "pass", value, text)


def _look_up(gate: Gate, document: Mapping[str, Any]) -> float | None:
    node: Any = document
    position = 0
    while position < len(gate.metric):
        part = PART.match(gate.metric, position)
        if part is None:
            raise ConfigError(
                f"gate '{gate.id}': metric '{gate.metric}' is not a path such as "
                "handoffs.contained_verified or touchpoints[touchpoint=Pay bill].automation_fit."
            )
        node = _step(gate, node, part)
        if node is None:
            return None
        position = part.end()
    if isinstance(node, Mapping) and "value" in node:
        node = node["value"]
    if node is None:
        return None
    if isinstance(node, bool) or not isinstance(node, int | float):
        raise ConfigError(f"gate '{gate.id}': metric '{gate.metric}' is not a number.")
    return float(node)


def _step(gate: Gate, node: Any, part: re.Match[str]) -> Any:
    name, key, wanted = part.groups()
    if not isinstance(node, Mapping) or name not in node:
        known = list(node) if isinstance(node, Mapping) else []
        raise ConfigError(
            f"gate '{gate.id}': metric '{gate.metric}' has no '{name}'.{did_you_mean(name, known)}"
        )
    child = node[name]
    if key is None:
        return child
    rows = [row for row in child if str(row.get(key)) == wanted]
    # A touchpoint may be absent from a run, or too rare to be shown: no answer, not a fault.
    return rows[0] if rows else None
