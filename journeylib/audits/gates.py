"""Gates: conditions on `audit.json` that decide the exit status."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from pydantic import BaseModel

from journeylib.audits.document import AuditDocument
from journeylib.errors import ConfigError, did_you_mean
from journeylib.estimate import ABSTAIN_TEXT

if TYPE_CHECKING:
    from journeylib.audits.config import Gate

# A name may hold brackets and dots: a selector ends at the bracket that ends the part.
PART = re.compile(r"(\w+)((?:\[\w+=.*?\](?=\[|\.|$))*)(?:\.|$)")
SELECTOR = re.compile(r"\[(\w+)=(.*?)\](?=\[|\.|$)")
ENDS = ("value", "lo", "hi")  # of an estimate
NOT_SHOWN = "it is not there, or rests on too few customers to be shown"
EXAMPLE = (
    "a path such as handoffs.contained_verified or touchpoints[touchpoint=Pay bill].automation_fit"
)


@dataclass(frozen=True)
class GateOutcome:
    """A gate with its answer.

    Attributes
    ----------
    gate : Gate
    verdict : {"pass", "fail", "not_assessable"}
    value : float or None
    unit : str
        Of an estimate; empty for a plain number.
    text : str
    """

    gate: Gate
    verdict: Literal["pass", "fail", "not_assessable"]
    value: float | None
    unit: str
    text: str

    @property
    def evidence(self) -> dict[str, Any]:
        """What a reader needs to judge the answer for himself."""
        gate = self.gate
        return {
            "title": gate.heading,
            "metric": gate.metric,
            "value": self.value,
            "min": gate.min,
            "max": gate.max,
            "unit": self.unit,
        }


@dataclass(frozen=True)
class _Part:
    """One part of a path: a key, and which rows to take where it holds a list."""

    name: str
    wanted: Mapping[str, str]


@dataclass(frozen=True)
class _Answer:
    """What a metric is in one run, or why it is nothing."""

    value: float | None
    unit: str
    why: str


def check_metric(metric: str) -> None:
    """Check that a metric can name a number of `audit.json`, before any run.

    Names that depend on the log (touchpoints, measures) are only known after it.

    Raises
    ------
    ValueError
        With the nearest name, where there is one.

    Examples
    --------
    >>> check_metric("handoffs.contained_verified")
    >>> check_metric("handoffs.contained_verfied")
    Traceback (most recent call last):
        ...
    ValueError: audit.json has no 'contained_verfied' in 'handoffs'. Did you mean 'contained_verified'?
    """  # noqa: E501 - the message is one line
    node: Any = AuditDocument
    above = "its top"
    for part in _parts(metric):
        node = _typed_step(node, part, above)
        above = f"'{part.name}'"
    if not _holds_number(node):
        raise ValueError(f"'{metric}' is not a number; name one, {EXAMPLE}")


def check_gates(
    gates: Sequence[Gate], document: Mapping[str, Any], before: Mapping[str, Any] | None = None
) -> list[GateOutcome]:
    """Check every gate against the content of `audit.json`.

    Parameters
    ----------
    gates : sequence of Gate
    document : mapping
    before : mapping, optional
        The same of the run before. Without it an allowed change cannot be assessed.

    Raises
    ------
    ConfigError
        If a metric names nothing in the document, or more than one row; the message offers
        the nearest name.
    """
    return [_check(gate, document, before) for gate in gates]


def metric_value(
    metric: str, document: Mapping[str, Any]
) -> tuple[float | None, float | None, float | None]:
    """Return a number of `audit.json` with its interval: value, lo, hi.

    Parameters
    ----------
    metric : str
        As in a gate.
    document : mapping

    Returns
    -------
    (float or None, float or None, float or None)
        None where the run has no answer; no interval of a plain number.

    Raises
    ------
    ConfigError
        If the metric names nothing in the document, or more than one row.
    """
    node: Any = document
    for part in _parts(metric):
        node = _step(metric, node, part)
        if node is None:
            return None, None, None
    if isinstance(node, Mapping) and "value" in node:
        return node["value"], node.get("lo"), node.get("hi")
    if isinstance(node, bool) or not isinstance(node, int | float):
        raise ConfigError(f"the metric '{metric}' is not a number.")
    return float(node), None, None


def _parts(metric: str) -> Iterator[_Part]:
    position = 0
    while position < len(metric) or position == 0:
        found = PART.match(metric, position)
        if found is None:
            raise ValueError(f"'{metric}' is not {EXAMPLE}")
        yield _Part(found.group(1), dict(SELECTOR.findall(found.group(2))))
        position = found.end()


def _typed_step(node: Any, part: _Part, above: str) -> Any:
    """Follow one part through the types of the document; Any where the log decides."""
    if node is Any:
        return Any
    if get_origin(node) is dict:
        return get_args(node)[1]
    if not (isinstance(node, type) and issubclass(node, BaseModel)):
        raise ValueError(f"{above} holds nothing below it, so no '{part.name}'")
    fields = node.model_fields
    if part.name not in fields:
        hint = did_you_mean(part.name, fields) or f" It has: {', '.join(fields)}."
        raise ValueError(f"audit.json has no '{part.name}' in {above}.{hint}")
    child: Any = fields[part.name].annotation
    row = get_args(child)[0] if get_origin(child) is tuple else None
    if (row is None) == bool(part.wanted):
        raise ValueError(
            f"'{part.name}' is a list: pick a row, as in touchpoints[touchpoint=Pay bill]"
            if row is not None
            else f"'{part.name}' is no list to pick a row from"
        )
    if row is None:
        return child
    columns = getattr(row, "model_fields", None)
    for key in part.wanted:
        if columns is not None and key not in columns:
            hint = did_you_mean(key, columns)
            raise ValueError(f"rows of '{part.name}' have no '{key}'.{hint}")
    return row if columns is not None else Any


def _holds_number(node: Any) -> bool:
    if node is Any or node in (int, float):
        return True
    if isinstance(node, type):
        return issubclass(node, BaseModel) and "value" in node.model_fields
    return any(inner in (int, float) for inner in get_args(node))


def _check(
    gate: Gate, document: Mapping[str, Any], before: Mapping[str, Any] | None
) -> GateOutcome:
    found = _look_up(gate, document)
    value = found.value
    bounds = (
        ("at least", gate.min),
        ("at most", gate.max),
        ("a rise of at most", gate.max_rise),
        ("a fall of at most", gate.max_fall),
    )
    asked = " and ".join(f"{word} {bound:g}" for word, bound in bounds if bound is not None)
    if value is None:
        why = f" ({found.why})" if found.why else ""
        said = f"{gate.metric} has no answer in this run{why}; {asked} was asked"
        return _no_answer(gate, found, said)
    failed = (gate.min is not None and value < gate.min) or (
        gate.max is not None and value > gate.max
    )
    said = f"{gate.metric} is {value:.4g}"
    if gate.max_rise is not None or gate.max_fall is not None:
        old = _look_up_before(gate, before)
        if old is None and not failed:
            why = "there is no run before" if before is None else "the run before has no answer"
            return _no_answer(gate, found, f"{said}, and {why}; {asked} was asked")
        if old is not None:
            said += f", {old:.4g} in the run before"
            # Both are rounded in audit.json: a change of just as much as allowed is allowed.
            rise = round(value - old, 9)
            failed |= gate.max_rise is not None and rise > gate.max_rise
            failed |= gate.max_fall is not None and -rise > gate.max_fall
    text = f"{gate.id}: {said}; {asked} was asked."
    return GateOutcome(gate, "fail" if failed else "pass", value, found.unit, text)


def _no_answer(gate: Gate, found: _Answer, said: str) -> GateOutcome:
    verdict: Literal["fail", "not_assessable"]
    verdict = "fail" if gate.not_assessable == "fail" else "not_assessable"
    return GateOutcome(gate, verdict, found.value, found.unit, f"{gate.id}: {said}.")


def _look_up_before(gate: Gate, before: Mapping[str, Any] | None) -> float | None:
    """Return the metric of the run before; None where that run could not tell it."""
    if before is None:
        return None
    try:
        return _look_up(gate, before).value
    except ConfigError:
        return None


def _look_up(gate: Gate, document: Mapping[str, Any]) -> _Answer:
    node: Any = document
    estimate: Mapping[str, Any] = {}
    for part in _parts(gate.metric):
        # An end of an estimate has its unit and its reason for abstaining; its base has not.
        estimate = node if part.name in ENDS else {}
        node = _step(gate.metric, node, part, f"gate '{gate.id}': ")
        if node is None:
            break
    if isinstance(node, Mapping) and "value" in node:
        estimate, node = node, node["value"]
    if node is not None and (isinstance(node, bool) or not isinstance(node, int | float)):
        raise ConfigError(f"gate '{gate.id}': metric '{gate.metric}' is not a number.")
    why = ABSTAIN_TEXT.get(str(estimate.get("abstain")), "") if estimate else NOT_SHOWN
    unit = str(estimate.get("unit", ""))
    return _Answer(value=None if node is None else float(node), unit=unit, why=why)


def _step(metric: str, node: Any, part: _Part, who: str = "") -> Any:
    known = list(node) if isinstance(node, Mapping) else []
    if part.name not in known:
        hint = did_you_mean(part.name, known)
        raise ConfigError(f"{who}metric '{metric}' has no '{part.name}' in this run.{hint}")
    child = node[part.name]
    if not part.wanted:
        return child
    rows = [row for row in child if all(str(row.get(k)) == v for k, v in part.wanted.items())]
    if len(rows) > 1:
        raise ConfigError(
            f"{who}metric '{metric}' picks {len(rows)} rows of '{part.name}'; "
            "add what tells them apart, as in [touchpoint=Pay bill][outcome=churn]."
        )
    # A touchpoint may be absent from a run, or too rare to be shown: no answer, not a fault.
    return rows[0] if rows else None
