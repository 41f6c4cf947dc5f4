"""Indicators of automation fit and empathy need; the library's own stand in ``indicators.yaml``."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from journeylib.core import Described, read_packaged

Axis = Literal["automation_fit", "empathy_need"]
AXES: tuple[Axis, ...] = ("automation_fit", "empathy_need")


class Indicator(Described):
    """One measure on one axis: how its raw value becomes 0..1, and how much that counts.

    Attributes
    ----------
    weight
        Share of the axis; weights are scaled to sum to 1.
    anchors
        Pairs of raw value and score 0..1; straight lines between.
    scale
        Lines are straight in the raw value, its logarithm or its inverse.
    source
        Where anchors and weight come from.
    """

    weight: float = Field(ge=0)
    anchors: tuple[tuple[float, float], ...] = Field(min_length=2)
    scale: Literal["linear", "log", "reciprocal"] = "linear"
    source: str = "configuration"

    @model_validator(mode="after")
    def _anchors_make_a_value_function(self) -> Self:
        raw, score = zip(*self.anchors, strict=True)
        if any(b <= a for a, b in itertools.pairwise(raw)):
            raise ValueError("the raw values of 'anchors' must rise from pair to pair")
        if any(not 0 <= u <= 1 for u in score):
            raise ValueError("the scores of 'anchors' must lie between 0 and 1")
        if list(score) not in (sorted(score), sorted(score, reverse=True)):
            raise ValueError("the scores of 'anchors' must only rise or only fall")
        if self.scale != "linear" and raw[0] <= 0:
            raise ValueError(f"'anchors' of a {self.scale} scale need raw values above 0")
        return self


_DATA: dict[str, dict[str, Any]] = read_packaged(Path(__file__).with_name("indicators.yaml"))


def _indicator(entry: dict[str, Any]) -> Indicator:
    fields = {
        "anchors": tuple(entry["anchors"].items()),
        "source": entry["source"].format(**_DATA["sources"]),
    }
    return Indicator(**(entry | fields))


DEFAULTS: dict[Axis, dict[str, Indicator]] = {
    axis: {name: _indicator(entry) for name, entry in _DATA[axis].items()} for axis in AXES
}
ON_REQUEST: dict[Axis, dict[str, Indicator]] = {
    axis: {name: _indicator(entry) for name, entry in _DATA["on_request"].get(axis, {}).items()}
    for axis in AXES
}
"""Indicators that only count where a configuration names them."""
