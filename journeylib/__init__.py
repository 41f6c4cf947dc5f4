"""journeylib: rebuild customer journeys from event logs, audit who should serve where.

The public names stand in ``__init__.pyi`` and are imported on first use, so that
``import journeylib`` costs next to nothing.
"""

import gc
from typing import Any

import lazy_loader

__version__ = "0.1.0"

_import_name, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


def __getattr__(name: str) -> Any:
    if name not in __all__:
        from journeylib.core import did_you_mean

        near = did_you_mean(name, __all__)
        raise AttributeError(f"module 'journeylib' has no attribute '{name}'.{near}")
    collects = gc.isenabled()
    gc.disable()  # importing makes half a million objects and hardly any garbage
    try:
        return _import_name(name)
    finally:
        if not gc.get_freeze_count():
            gc.freeze()  # and back: modules are now the oldest objects, seldom looked at
            gc.unfreeze()
        if collects:
            gc.enable()
