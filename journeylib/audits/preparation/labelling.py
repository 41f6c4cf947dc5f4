"""Labelling one opening after the other; every answer is kept at once."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from journeylib.audits.config.audit_config import AuditConfig
from journeylib.audits.preparation.contact_labels import (
    LABELS_END,
    keep_labels,
    outside_runs,
    read_labels,
)
from journeylib.core import ConfigError
from journeylib.journeys import Journeys
from journeylib.measures import UNSURE, LabelLists, ServiceTypeSettings, label_lists, openings


class Labelling:
    """The openings of both lists, and what somebody says of them.

    Attributes
    ----------
    choices : tuple of str
        The types, then ``unsure``.
    path : Path
        Where labels are kept: the file that `import_labels` writes, too. Personal.
    language : str
        Of the configuration.
    """

    def __init__(
        self, lists: LabelLists, path: Path, names: tuple[str, ...], *, second: bool, language: str
    ) -> None:
        outside_runs(path)
        self.choices, self.path, self.language = (*names, UNSURE), path, language
        self._column = "second_type" if second else "type"
        rows = lists.rows.assign(type="", second_type="", matter="")
        labels = read_labels(path, names) if path.exists() else rows.iloc[:0]
        here = labels.set_index("contact")
        for column in ("type", "second_type", "matter"):
            rows[column] = rows["contact"].map(here[column].to_dict().get).fillna("").astype("str")
        self._elsewhere = labels[~labels["contact"].isin(rows["contact"])]
        self._rows = rows.reset_index(drop=True)
        asked = rows["twice"] & (rows["type"] != "") if second else rows["type"].notna()
        self._order = [int(row) for row in asked.reset_index(drop=True).to_numpy().nonzero()[0]]
        self._said: list[int] = []

    @property
    def opening(self) -> str | None:
        """What the customer says, of the contact that comes next; None at the end."""
        row = self._next()
        return None if row is None else str(self._rows.loc[row, "opening"])

    @property
    def done(self) -> int:
        """Openings with a label."""
        return int((self._rows.loc[self._order, self._column] != "").sum())

    @property
    def all(self) -> int:
        """Openings to label."""
        return len(self._order)

    def say(self, choice: str) -> None:
        """Label the opening, and keep the label."""
        if choice not in self.choices:
            raise ConfigError(f"'{choice}' is none of {', '.join(self.choices)}")
        if (row := self._next()) is not None:
            self._rows.loc[row, self._column] = choice
            self._said.append(row)
            self._keep()

    def undo(self) -> None:
        """Take the last label of this session back."""
        if self._said:
            self._rows.loc[self._said.pop(), self._column] = ""
            self._keep()

    def _next(self) -> int | None:
        blank = self._rows[self._column] == ""
        return next((row for row in self._order if blank[row]), None)

    def _keep(self) -> None:
        keep_labels(self.path, pd.concat([self._rows, self._elsewhere], ignore_index=True))


def start_labelling(
    config: AuditConfig, journeys: Journeys, folder: Path, *, second: bool = False
) -> Labelling:
    """Choose the openings of a log that people label, and take up what is labelled already.

    Parameters
    ----------
    config : AuditConfig
    journeys : Journeys
        As of `read_journeys`.
    folder : Path
        Where labels are kept if the configuration names no file: that of the configuration.
    second : bool
        Label as the second person: the fifty openings that a first person has labelled.

    Raises
    ------
    LogError
        If too few customers say something.
    RunError
        If the labels would stand in a run.
    """
    types = config.service_types or ServiceTypeSettings()
    path = Path(types.labels) if types.labels else folder / f"{config.name}{LABELS_END}"
    lists = label_lists(openings(journeys, config.measures))
    return Labelling(lists, path, types.names, second=second, language=config.language)
