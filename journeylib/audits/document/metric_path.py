"""Paths of metrics: how a gate names a number of `audit.json`, checked before and after a run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from journeylib.audits.document.document_schema import Node, document_schema, resolved, types
from journeylib.core import ConfigError, abstain_text, did_you_mean, text

# A name may hold brackets and dots: a selector ends at the bracket that ends the part.
PART = re.compile(r"(\w+)((?:\[\w+=.*?\](?=\[|\.|$))*)(?:\.|$)")
SELECTOR = re.compile(r"\[(\w+)=(.*?)\](?=\[|\.|$)")
ANYTHING: Node = {}
ENDS = ("value", "lo", "hi")  # of an estimate
EXAMPLE = (
    "a path such as handoffs.contained_verified or touchpoints[touchpoint=Pay bill].automation_fit"
)


@dataclass(frozen=True)
class MetricValue:
    """What a metric is in one run, or why it has no value.

    Attributes
    ----------
    value : float or None
    unit : str
        Of an estimate; empty for a plain number.
    reason : str
        Why there is no value.
    lo, hi : float or None
        The interval of an estimate; None of a plain number.
    """

    value: float | None
    unit: str
    reason: str
    lo: float | None = None
    hi: float | None = None


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
    node: Node = document_schema()
    above = "its top"
    for name, selectors in _parts(metric):
        node = _type_below(node, name, selectors, above)
        above = f"'{name}'"
    if not _holds_number(node):
        raise ValueError(f"'{metric}' is not a number; name one, {EXAMPLE}")


def look_up(metric: str, document: Mapping[str, Any]) -> MetricValue:
    """Return the value of a metric in the content of `audit.json`.

    Raises
    ------
    ConfigError
        If the metric names nothing there, more than one row, or no number.
    """
    node: Any = document
    estimate: Mapping[str, Any] = {}
    interval: tuple[float | None, float | None] = (None, None)
    for name, selectors in _parts(metric):
        # An end of an estimate has its unit and its reason for abstaining; its base has not.
        estimate = node if name in ENDS else {}
        node = _value_below(metric, node, name, selectors)
        if node is None:
            break
    if isinstance(node, Mapping) and "value" in node:
        interval = node.get("lo"), node.get("hi")
        estimate, node = node, node["value"]
    if node is not None and (isinstance(node, bool) or not isinstance(node, int | float)):
        raise ConfigError(f"metric '{metric}' is not a number.")
    reason = (
        abstain_text(estimate.get("abstain"), "") if estimate else text("audits.gate.not_shown")
    )
    value = None if node is None else float(node)
    return MetricValue(value, str(estimate.get("unit", "")), reason, *interval)


def _parts(metric: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield each key of a path, and which rows to take where it holds a list."""
    position = 0
    while position < len(metric) or position == 0:
        part = PART.match(metric, position)
        if part is None:
            raise ValueError(f"'{metric}' is not {EXAMPLE}")
        yield part.group(1), dict(SELECTOR.findall(part.group(2)))
        position = part.end()


def _type_below(node: Node, name: str, selectors: Mapping[str, str], above: str) -> Node:
    """Follow one part through the schema; where the log decides, everything is allowed."""
    if node == ANYTHING:
        return ANYTHING
    if "properties" not in node:
        if "object" not in types(node):
            raise ValueError(f"{above} holds nothing below it, so no '{name}'")
        return resolved(node.get("additionalProperties", ANYTHING))
    properties = node["properties"]
    if name not in properties:
        hint = did_you_mean(name, properties) or f" It has: {', '.join(properties)}."
        raise ValueError(f"audit.json has no '{name}' in {above}.{hint}")
    child = resolved(properties[name])
    if ("items" in child) != bool(selectors):
        raise ValueError(
            f"'{name}' is no list to pick a row from"
            if selectors
            else f"'{name}' is a list: pick a row, as in touchpoints[touchpoint=Pay bill]"
        )
    row = resolved(child.get("items", child))
    columns = row.get("properties", selectors)
    for key in selectors:
        if key not in columns:
            raise ValueError(f"rows of '{name}' have no '{key}'.{did_you_mean(key, columns)}")
    return ANYTHING if selectors and columns is selectors else row


def _holds_number(node: Node) -> bool:
    numbers = {"integer", "number"} & types(node)
    return node == ANYTHING or bool(numbers) or "value" in node.get("properties", ())


def _value_below(metric: str, node: Any, name: str, selectors: Mapping[str, str]) -> Any:
    names = list(node) if isinstance(node, Mapping) else []
    if name not in names:
        hint = did_you_mean(name, names)
        raise ConfigError(f"metric '{metric}' has no '{name}' in this run.{hint}")
    if not selectors:
        return node[name]
    rows = [row for row in node[name] if all(str(row.get(k)) == v for k, v in selectors.items())]
    if len(rows) > 1:
        raise ConfigError(
            f"metric '{metric}' picks {len(rows)} rows of '{name}'; "
            "add what tells them apart, as in [touchpoint=Pay bill][outcome=churn]."
        )
    # A touchpoint may be absent from a run, or too rare to be shown: no answer, not a fault.
    return rows[0] if rows else None
