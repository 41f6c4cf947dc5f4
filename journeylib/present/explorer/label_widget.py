"""Widget that labels contacts in JupyterLab or VS Code, by anywidget."""

from __future__ import annotations

from typing import Any

import anywidget
import traitlets

from journeylib.audits import Labelling
from journeylib.core import JourneylibError, text, use_language
from journeylib.present.theme import TEMPLATES, css


class LabelPage(anywidget.AnyWidget):
    """Openings to label, one at a time; made by `label_page`.

    No opening is part of its state: a notebook that is saved holds none.
    """

    _esm = (TEMPLATES / "label.js").read_text(encoding="utf-8")
    _css = css() + (TEMPLATES / "label.css").read_text(encoding="utf-8")
    words = traitlets.Dict().tag(sync=True)

    def __init__(self, labelling: Labelling) -> None:
        self.labelling = labelling
        with use_language(labelling.language):
            words = {
                name: text(f"present.label.{name}")
                for name in ("title", "undo", "note", "finished")
            }
        super().__init__(words={**words, "choices": list(labelling.choices)})
        self.on_msg(self._on_message)

    def __repr__(self) -> str:
        return self._progress()

    def _progress(self) -> str:
        work = self.labelling
        with use_language(work.language):
            return text("present.label.progress", done=work.done, all=work.all)

    def _on_message(self, _widget: Any, message: dict[str, Any], _buffers: Any) -> None:
        """Do what a key asks for, then send what comes next."""
        try:
            match message:
                case {"type": "say", "choice": str(choice)}:
                    self.labelling.say(choice)
                case {"type": "undo"}:
                    self.labelling.undo()
        except JourneylibError as error:
            self.send(self._shown() | {"progress": str(error)})
            return
        self.send(self._shown())

    def _shown(self) -> dict[str, Any]:
        work = self.labelling
        shown = {"opening": work.opening, "done": work.done, "all": work.all}
        return {**shown, "progress": self._progress()}
