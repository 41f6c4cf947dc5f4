"""Widget of the sliders, by ipywidgets; the chart is a plotly FigureWidget."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import ipywidgets
import plotly.graph_objects as go

from journeylib.core import JourneylibError, current_catalogue, use_language
from journeylib.present.blocks import remark
from journeylib.present.explorer.move_sliders import STEP, nothing_moved, shown_move
from journeylib.present.figure import Figure
from journeylib.present.theme import style_tag

if TYPE_CHECKING:
    from journeylib.portfolio import WhatIf

Forecast = Callable[[Mapping[str, float]], "WhatIf"]
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
        self._today, self._forecast = dict(today), forecast
        self._language = current_catalogue().language
        self._sliders = {
            name: ipywidgets.FloatSlider(
                value=moves.get(name, share), min=0.0, max=1.0, step=STEP, description=name,
                readout_format=".0%", continuous_update=False, style=NAMES, layout=WIDE,
            )
            for name, share in today.items()
        }  # fmt: skip
        self._chart = go.FigureWidget()
        self._words = ipywidgets.HTML()
        self.answer: WhatIf | None = None
        self.figure: Figure | None = None
        left_out = ipywidgets.HTML("".join(remark(reason).html for reason in refused))
        super().__init__([*self._sliders.values(), self._chart, self._words, left_out])
        for slider in self._sliders.values():
            slider.observe(self._moved, names="value")
        self._moved()

    @property
    def moves(self) -> dict[str, float]:
        """The sliders that do not stand where the share is today."""
        return {
            name: round(slider.value, 4)
            for name, slider in self._sliders.items()
            if abs(slider.value - self._today[name]) > STEP / 2
        }

    def _moved(self, _change: Any = None) -> None:
        """Forecast anew; what cannot be asked is said."""
        with use_language(self._language):
            if not self.moves:
                self._show(None, style_tag() + remark(nothing_moved()).html)
                return
            try:
                self.answer = self._forecast(self.moves)
            except JourneylibError as error:
                self._show(None, style_tag() + remark(str(error)).html)
                return
            picture, words = shown_move(self.answer)
            self._show(picture if isinstance(picture, Figure) else None, style_tag() + words.html)

    def _show(self, figure: Figure | None, words: str) -> None:
        self.figure, self._words.value = figure, words
        drawn = go.Figure() if figure is None or figure.chart is None else figure.chart
        self._chart.layout.height = drawn.layout.height or 60
        with self._chart.batch_update():
            self._chart.data = ()
            self._chart.add_traces(drawn.data)
            self._chart.layout = drawn.layout

    def __repr__(self) -> str:
        return "" if self.answer is None else self.answer.text

    def _repr_mimebundle_(self, **options: Any) -> Any:
        """Return the widget, and chart and words for where no widget can be shown."""
        found = super()._repr_mimebundle_(**options)
        data, metadata = found if isinstance(found, tuple) else (found, {})
        plain: dict[str, Any] = {}
        if self.figure is not None:
            plain = dict(self.figure._repr_mimebundle_()[0])
        return {**(data or {}), **plain, "text/plain": repr(self)}, metadata
