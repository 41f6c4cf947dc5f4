"""Gaps by channel: the silence after a chat is not the silence after a letter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from journeylib.core import US_PER_DAY, SchemaError, refuse_unknown
from journeylib.journeys.segmentation.rules import JourneySettings
from journeylib.journeys.segmentation.silence_gap import MIN_GAPS, GapCut, fit_gap_by_channel

REST = ""


@dataclass(frozen=True)
class ChannelGap:
    """The silence that ends a journey after an event of one channel.

    Attributes
    ----------
    channel : str
        Empty for events without one and for channels of too few gaps or customers.
    gap_us : int
        In microseconds.
    answer : {"declared", "found", "assumed"}
    reason : str
        Why it is assumed; empty otherwise.
    """

    channel: str
    gap_us: int
    answer: Literal["declared", "found", "assumed"]
    reason: str

    @property
    def gap_days(self) -> float:
        """Silence that ends a journey, in days."""
        return self.gap_us / US_PER_DAY


def fit_channels(silences: pd.DataFrame, settings: JourneySettings) -> dict[str, GapCut]:
    """Fit one gap for each channel.

    Parameters
    ----------
    silences : pandas.DataFrame
        ``silence_us``, ``channel`` (str or None), ``customer_no``.
    settings : JourneySettings
        The gap to fall back to, and the minimum of customers.

    Returns
    -------
    dict of str to GapCut
        Channels of fewer gaps than a fit needs, or of too few customers to be shown, are fitted
        together as ``""``, with the events that have none.
    """
    frame = silences.assign(channel=silences["channel"].astype(object))
    groups = frame.groupby("channel")["customer_no"].agg(["size", "nunique"])
    large = (groups["size"] >= MIN_GAPS) & (groups["nunique"] >= settings.min_customers)
    shown = set(groups.index[large])
    names = [name if name in shown else None for name in frame["channel"]]
    gaps = frame["silence_us"].to_numpy(dtype=np.int64)
    # A log without any silence is one fit of nothing.
    return fit_gap_by_channel(gaps, names, assumed_us=settings.stated_gap_us) or fit_gap_by_channel(
        [0], [None], assumed_us=settings.stated_gap_us
    )


def fitted_gaps(cuts: Mapping[str, GapCut]) -> tuple[ChannelGap, ...]:
    """Return what was fitted for each channel."""
    return tuple(ChannelGap(name, cut.cut_us, cut.answer, cut.reason) for name, cut in cuts.items())


def declared_gaps(
    channels: Sequence[str] | None, settings: JourneySettings
) -> tuple[ChannelGap, ...]:
    """Return the gaps that the settings give by channel; none where they give one for all.

    `channels` are those of the log; None where it has none.

    Raises
    ------
    SchemaError
        If the log has no channels, or none of a name.
    """
    if not isinstance(settings.gap_days, dict):
        return ()
    if channels is None:
        raise SchemaError(
            "journeys.gap_days gives days by channel, and the log has no channels. Add the role "
            "'channel', or give one number of days."
        )
    problem = "journeys.gap_days names the channel '{name}', which the log does not have.{near}"
    refuse_unknown((n for n in settings.gap_days if n != REST), channels, problem, SchemaError)
    days = {REST: settings.assumed_gap_days} | settings.gap_days
    return tuple(
        ChannelGap(name, round(days[name] * US_PER_DAY), "declared", "") for name in sorted(days)
    )
