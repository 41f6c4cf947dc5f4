"""Widget: the exploration in JupyterLab or VS Code, by anywidget; events come from the browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anywidget
import traitlets

from journeylib.core import JourneylibError
from journeylib.journeys import Journeys
from journeylib.present.explorer.choices import CHOICES, choices
from journeylib.present.explorer.page import script, styles, twin
from journeylib.present.explorer.state import STEPS, Exploration
from journeylib.present.figure import Figure, html_page


class Explorer(anywidget.AnyWidget):
    """The interactive journey map; made by `explore`.

    Only what is shown goes to the browser: pictures, counts of at least the minimum of customers,
    the words and the code of the filters.
    """

    _esm = script()
    _css = styles()
    scene = traitlets.Dict().tag(sync=True)
    trail = traitlets.Dict().tag(sync=True)
    choices = traitlets.List(traitlets.Dict()).tag(sync=True)
    problem = traitlets.Unicode("").tag(sync=True)

    def __init__(self, here: Exploration) -> None:
        self.here = here
        super().__init__(scene=here.shown(), trail=here.trail(), choices=choices(here.start))
        self.on_msg(self._on_message)

    @property
    def journeys(self) -> Journeys:
        """The journeys that remain after the filters."""
        return self.here.journeys

    @property
    def code(self) -> str:
        """The line of Python that gives the same journeys."""
        return self.here.code

    @property
    def state(self) -> dict[str, Any]:
        """Sliders and filters, as JSON can hold them."""
        return self.here.state

    @property
    def figure(self) -> Figure:
        """The map as a plain figure, with its table."""
        return self.here.map_data.figure

    def save(self, path: str | Path) -> Path:
        """Write a page of its own: sliders move between stored positions, no network is asked.

        Parameters
        ----------
        path : str or Path
            Ends in ``.html``.
        """
        target = Path(path)
        if target.suffix != ".html":
            raise ValueError(f"cannot save an exploration as '{target.suffix}': use .html")
        page = html_page(self.figure.title, twin(self.here))
        target.write_text(page, encoding="utf-8")
        return target

    def __repr__(self) -> str:
        return f"{self.figure!r} {self.code}"

    def _repr_mimebundle_(self, **options: Any) -> Any:
        """Return the widget, and its plain twin for where no widget can be shown."""
        bundle = super()._repr_mimebundle_(**options)
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        plain = {"text/html": twin(self.here), "text/plain": repr(self)}
        return {**(data or {}), **plain}, metadata

    def _on_message(self, _widget: Any, message: dict[str, Any], _buffers: Any) -> None:
        """Do what a click or a slider asks for; a wrong request changes nothing and is told."""
        try:
            self._show(_asked(self.here, message))
        except JourneylibError as error:
            self.problem = str(error)
        # StoryTimelines to every browser that waits, also where nothing changed.
        self.send({"answer": message.get("type", "")})

    def _show(self, here: Exploration) -> None:
        if here == self.here:
            return
        scene, trail = here.shown(), here.trail()
        self.here = here
        self.problem = ""
        with self.hold_sync():
            self.trail = trail
            self.scene = scene


def _asked(here: Exploration, message: dict[str, Any]) -> Exploration:
    """Return where a message from the browser leads."""
    match message:
        case {"type": "move", "touchpoints": int(points), "transitions": int(moves)}:
            points, moves = min(max(points, 1), STEPS), min(max(moves, 0), STEPS)
            return here.moved(points / STEPS, moves / STEPS)
        case {"type": "filter", "verb": str(verb), "names": list(names)}:
            return here.filtered(verb, [str(name) for name in names])
        case {"type": "choose", "verb": str(verb), "names": list(names)} if verb in CHOICES:
            return here.chosen(verb, [str(name) for name in names])
        case {"type": "undo", "kept": int(count)}:
            return here.undone(max(count, 0))
    return here
