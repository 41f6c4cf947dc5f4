"""papermill with an engine of ours, which saves a notebook where it begins and where it ends."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

GRAMMAR = "rfc3987_syntax"


@contextmanager
def _without_grammar() -> Iterator[None]:
    """Hide the grammar of addresses that jsonschema would load for papermill.

    Building it takes a second, and no notebook holds what it checks.
    """
    sys.modules.setdefault(GRAMMAR, cast("Any", None))
    try:
        yield
    finally:
        if sys.modules[GRAMMAR] is None:
            del sys.modules[GRAMMAR]


with _without_grammar():
    import papermill
    from papermill.engines import NBClientEngine, papermill_engines

__all__ = ["ENGINE", "papermill"]
ENGINE = "journeylib"


class SeldomSaved(NBClientEngine):  # type: ignore[misc]
    """Runs a notebook as papermill does, and does not write the file around every cell."""

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **options: Any) -> None:
        """Run the cells; the notebook is saved after them, whatever happened."""
        file, nb_man.output_path = nb_man.output_path, None
        try:
            super().execute_managed_notebook(nb_man, kernel_name, **options)
        finally:
            nb_man.output_path = file


papermill_engines.register(ENGINE, SeldomSaved)
