"""Take live widgets and all style sheets but the first out of stored notebooks.

The plain twins of widgets stay, and open without a kernel.
"""

import sys
from pathlib import Path

import nbformat

from journeylib.present.dashboard import style_once

VIEW = "application/vnd.jupyter.widget-view+json"

for name in sys.argv[1:]:
    notebook = nbformat.read(name, as_version=4)
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(VIEW, None)
    Path(name).write_text(nbformat.writes(style_once(notebook)) + "\n", encoding="utf-8")
