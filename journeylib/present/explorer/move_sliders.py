"""Sliders: one for each matter that a bot could take, with the forecast of where they stand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from journeylib.core import ConfigError, JourneylibError, extra, use_language, working

if TYPE_CHECKING:
    from journeylib.audits import Audit
    from journeylib.portfolio import WhatIf

    Forecaster = Callable[[Mapping[str, float], int | None, int], WhatIf]

ASKED = 0.4  # of a matter, to see whether anything can be said of it
FEW_DRAWS, DRAWS = 2, 200  # to see that; and of an answer while a slider moves


@working("looking for matters that can move")
def move_sliders(audit: Audit, moves: Mapping[str, float] | None = None) -> Any:
    """Show a slider for each matter that people serve, and what moving it changes.

    Parameters
    ----------
    audit : Audit
    moves : mapping of str to float, optional
        Where sliders stand at first: touchpoint to the share that meets the bot first. Default:
        the first matter at .4.

    Returns
    -------
    ipywidgets.VBox
        ``moves`` (where the sliders stand), ``answer`` (the `WhatIf`), ``figure``. Matters of
        which nothing can be said have no slider; the reason stands below. Without a kernel it
        shows the chart and the words of where it stood.

    Raises
    ------
    RunError
        If ipywidgets or anywidget is not installed.
    ConfigError
        If nothing can be said of any matter, or `moves` names one without a slider.
    """
    instead = "show.what_if(jl.what_if(audit, moves)) draws one move."
    with extra("lab", "the page of sliders", instead):
        from journeylib.present.explorer.slider_widget import MoveSliders
    from journeylib.audits import forecaster

    forecast_of = forecaster(audit)
    today, refused = _matters(audit, forecast_of)
    if not today:
        raise ConfigError(f"nothing can be said of any matter. {' '.join(refused.values())}")
    first = dict(moves) if moves else {next(iter(today)): ASKED}
    unknown = [name for name in first if name not in today]
    if unknown:
        why = refused.get(unknown[0], f"There are sliders for {', '.join(today)}.")
        raise ConfigError(f"nothing can be said of '{unknown[0]}'. {why}")

    with use_language(audit.config.language):
        return MoveSliders(today, first, list(refused.values()), partial(_answer, forecast_of))


def _answer(forecast_of: Forecaster, moves: Mapping[str, float]) -> WhatIf:
    return forecast_of(moves, None, DRAWS)


def _matters(audit: Audit, forecast_of: Forecaster) -> tuple[dict[str, float], dict[str, str]]:
    """Return what can move, with the share that a bot has today; and why others cannot."""
    table = audit.evidence.touchpoints
    today: dict[str, float] = {}
    refused: dict[str, str] = {}
    for name in sorted(table.loc[table["served_by"].isin(["human", "both"]), "touchpoint"]):
        try:
            answer = forecast_of({name: ASKED}, None, FEW_DRAWS)
        except JourneylibError:
            continue  # nobody serves contacts there
        if answer.refused is None:
            today[name] = answer.today[name]
        else:
            refused[name] = answer.refused
    return today, refused
