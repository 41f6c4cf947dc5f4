"""What the modules of findings share: one insight, and names in a sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from journeylib.audits.result.result import Finding, Severity
from journeylib.core import current_catalogue

NAMED = 5  # touchpoints named in one sentence; more are counted


def insight(
    name: str, severity: Severity, sentence: str, evidence: Mapping[str, Any] | None = None
) -> Finding:
    """Return a finding that informs."""
    return Finding(name, "insight", severity, "pass", sentence, evidence or {})


def unanswered(name: str, sentence: str, evidence: Mapping[str, Any] | None = None) -> Finding:
    """Return a finding that says why a question has no answer."""
    return Finding(name, "insight", "low", "not_assessable", sentence, evidence or {})


def listed(names: Sequence[str], *, most: int = NAMED) -> str:
    """Return names as a list in a sentence, many of them counted."""
    return current_catalogue().names(names, most=most)
