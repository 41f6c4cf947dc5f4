"""Label contacts in a notebook: keys 1, 2, 3 … and u, without a spreadsheet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from journeylib.core import extra, working


@working("choosing openings to label")
def label_page(config: str | Path, *, second: bool = False) -> Any:
    """Show the openings that people label, one at a time.

    Parameters
    ----------
    config : str or Path
        YAML, as `init` writes it.
    second : bool
        Label as the second person.

    Returns
    -------
    anywidget.AnyWidget
        The keys 1, 2, 3 … say a type, u takes the last one back. Each answer is kept in the
        personal file of labels at once, so that nothing is lost when the page is left. The
        notebook keeps no opening.

    Raises
    ------
    RunError
        If anywidget is not installed, or the labels would stand in a run.
    ConfigError, LogError
        If the configuration is wrong, or too few customers say something.
    """
    from journeylib.audits import load_config, read_journeys, start_labelling

    instead = "`journeylib label` writes a workbook instead."
    with extra("lab", "labelling in a notebook", instead):
        from journeylib.present.explorer.label_widget import LabelPage
    checked = load_config(config)
    journeys, folder = read_journeys(checked), Path(config).parent
    return LabelPage(start_labelling(checked, journeys, folder, second=second))
