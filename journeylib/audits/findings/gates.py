"""Gates: conditions on `audit.json` that decide the exit status."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from journeylib.audits.config.audit_config import Gate
from journeylib.audits.document.metric_path import MetricValue, look_up
from journeylib.audits.result.result import Finding
from journeylib.core import ConfigError, bounds_text, text

BOUNDS = ("min", "max", "max_rise", "max_fall")


def check_gates(
    gates: Sequence[Gate], document: Mapping[str, Any], before: Mapping[str, Any] | None = None
) -> list[Finding]:
    """Check every gate against the content of `audit.json`.

    Parameters
    ----------
    gates : sequence of Gate
    document : mapping
    before : mapping, optional
        The same of the run before. Without it an allowed change cannot be assessed.

    Returns
    -------
    list of Finding
        One for each gate, of the kind ``gate``; the evidence holds metric, value and bounds.

    Raises
    ------
    ConfigError
        If a metric names nothing in the document, or more than one row; the message offers
        the nearest name.
    """
    return [_check(gate, document, before) for gate in gates]


def _check(gate: Gate, document: Mapping[str, Any], before: Mapping[str, Any] | None) -> Finding:
    try:
        now = look_up(gate.metric, document)
    except ConfigError as error:
        raise ConfigError(f"gate '{gate.id}': {error}") from None
    bounds = {name: getattr(gate, name) for name in BOUNDS}
    asked = text("audits.gate.and").join(
        text(f"audits.gate.{name}", bound=f"{bound:g}")
        for name, bound in bounds.items()
        if bound is not None
    )
    within = _by_bounds(gate, now)
    if now.value is None and within is not None and now.lo is not None and now.hi is not None:
        value = bounds_text(now.lo, now.hi)
        sentence = text("audits.gate.answer", value=value, before="", **_names(gate, asked))
        return _finding(gate, now, within, sentence)
    if now.value is None:
        why = f" ({now.reason})" if now.reason else ""
        return _unanswered(gate, now, text("audits.gate.no_answer", why=why, **_names(gate, asked)))
    failed = (gate.min is not None and now.value < gate.min) or (
        gate.max is not None and now.value > gate.max
    )
    value, old, old_text = f"{now.value:.4g}", None, ""
    if gate.max_rise is not None or gate.max_fall is not None:
        old = _look_up_before(gate, before)
        if old is None and not failed:
            why = text("audits.gate.no_run" if before is None else "audits.gate.no_answer_before")
            sentence = text("audits.gate.open", value=value, why=why, **_names(gate, asked))
            return _unanswered(gate, now, sentence)
        if old is not None:
            old_text = text("audits.gate.before", value=f"{old:.4g}")
            # Both are rounded in audit.json: a change of just as much as allowed is allowed.
            rise = round(now.value - old, 9)
            failed |= gate.max_rise is not None and rise > gate.max_rise
            failed |= gate.max_fall is not None and -rise > gate.max_fall
    sentence = text("audits.gate.answer", value=value, before=old_text, **_names(gate, asked))
    return _finding(gate, now, "fail" if failed else "pass", sentence)


def _by_bounds(gate: Gate, now: MetricValue) -> Literal["pass", "fail"] | None:
    """Return what bounds in place of a share decide; None where the limit lies within them."""
    change = gate.max_rise is not None or gate.max_fall is not None
    if now.lo is None or now.hi is None or now.unit != "share" or change:
        return None
    least, most = (0.0 if gate.min is None else gate.min), (1.0 if gate.max is None else gate.max)
    if now.lo > most or now.hi < least:
        return "fail"
    return "pass" if now.lo >= least and now.hi <= most else None


def _names(gate: Gate, asked: str) -> dict[str, str]:
    return {"gate": gate.id, "metric": gate.metric, "asked": asked}


def _unanswered(gate: Gate, now: MetricValue, sentence: str) -> Finding:
    verdict: Literal["fail", "not_assessable"]
    verdict = "fail" if gate.not_assessable == "fail" else "not_assessable"
    return _finding(gate, now, verdict, sentence)


def _finding(
    gate: Gate,
    now: MetricValue,
    verdict: Literal["pass", "fail", "not_assessable"],
    sentence: str,
) -> Finding:
    return Finding(
        id=f"gate-{gate.id}",
        kind="gate",
        severity=gate.severity if verdict == "fail" else "info",
        verdict=verdict,
        text=sentence,
        evidence={
            "title": gate.heading,
            "metric": gate.metric,
            "value": now.value,
            "min": gate.min,
            "max": gate.max,
            "unit": now.unit,
        },
    )


def _look_up_before(gate: Gate, before: Mapping[str, Any] | None) -> float | None:
    """Return the metric of the run before; None where that run could not tell it."""
    if before is None:
        return None
    try:
        return look_up(gate.metric, before).value
    except ConfigError:
        return None
