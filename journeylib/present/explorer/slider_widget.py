"""Widget of the sliders, by ipywidgets; the chart is a plotly FigureWidget."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ipywidgets
import plotly.graph_objects as go

from journeylib.core import JourneylibError, current_catalogue, text, use_language
from journeylib.portfolio import WhatIf
from journeylib.present.blocks import remark
from journeylib.present.figure import Figure
from journeylib.present.theme import style_tag
from journeylib.present.views.portfolio import what_if, what_if_details

Forecast = Callable[[Mapping[str, float]], "WhatIf"]
STEP, WIDTH = 0.05, 1000
WIDE = ipywidgets.Layout(width="34rem")
NAMES = {"description_width": "14rem"}


class MoveSliders(ipywidgets.VBox):  # type: ignore[misc]
    """A slider for each matter; made by `move_sliders`."""

    def __init__(
        self,
        today: Mapping[str, float],
        moves: Mapping[str, float],
        refused: Sequence[str],
        forecast: Forecast,
    ) -> None:
        self._today = {name: round(share / STEP) * STEP for name, share in today.items()}
        self._forecast = forecast
        self._language = current_catalogue().language
        self._sliders = {
            name: ipywidgets.FloatSlider(
                value=moves.get(name, share), min=0.0, max=1.0, step=STEP, description=name,
                readout_format=".0%", continuous_update=False, style=NAMES, layout=WIDE,
            )
            for name, share in self._today.items()
        }  # fmt: skip
        self._words = ipywidgets.HTML()
        self.answer: WhatIf | None = None
        self.figure: Figure | None = None
        self._left_out = ipywidgets.HTML("".join(remark(reason).html for reason in refused))
        super().__init__()
        for slider in self._sliders.values():
            slider.observe(self._on_change, names="value")
        self._on_change()

    @property
    def moves(self) -> dict[str, float]:
        """The sliders that do not stand where the share is today."""
        return {
            name: round(slider.value, 4)
            for name, slider in self._sliders.items()
            if abs(slider.value - self._today[name]) > STEP / 2
        }

    def _on_change(self, _change: Any = None) -> None:
        """Forecast anew; what cannot be asked is said."""
        with use_language(self._language):
            if not self.moves:
                self._show(None, style_tag() + remark(text("present.what_if.as_today")).html)
                return
            try:
                self.answer = self._forecast(self.moves)
            except JourneylibError as error:
                self._show(None, style_tag() + remark(str(error)).html)
                return
            picture, words = what_if(self.answer), what_if_details(self.answer)
            self._show(picture if isinstance(picture, Figure) else None, style_tag() + words.html)

    def _show(self, figure: Figure | None, words: str) -> None:
        """Show a chart and words; a new chart each time, for moves differ in rows and axes."""
        self.figure, self._words.value = figure, words
        drawn = None if figure is None else figure.chart
        chart = [] if drawn is None else [go.FigureWidget(drawn).update_layout(width=WIDTH)]
        self.children = (*self._sliders.values(), *chart, self._words, self._left_out)

    def __repr__(self) -> str:
        return "" if self.answer is None else self.answer.text

    def _repr_mimebundle_(self, **options: Any) -> Any:
        """Return the widget, and chart and words for where no widget can be shown."""
        bundle = super()._repr_mimebundle_(**options)
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        plain: dict[str, Any] = {"text/plain": repr(self)}
        if self.figure is not None:
            plain = dict(self.figure._repr_mimebundle_()[0])
        return {**(data or {}), **plain}, metadata
