"""What lies in YAML files beside the modules: texts, words, indicators."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

# Reading in C where PyYAML has it: in Python these files take a tenth of all imports.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_packaged(path: Path) -> Any:
    """Return what a YAML file of the library holds; not for what people write, see `load_config`.

    Files of people go through PyYAML's own parser, whose errors name the line.
    """
    return yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)
