"""History: the earlier runs of an audit, read from the directories that they left."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow

from journeylib.audits.config.audit_config import LANGUAGE
from journeylib.audits.document.document_schema import SCHEMA_VERSION, validate
from journeylib.core import LogError, RunError, did_you_mean
from journeylib.measures import STREAM_COLUMNS

RUNS_COLUMNS = (
    "run_id", "as_of", "first_day", "last_day", "events", "journeys", "customers",
    "gates_failed", "alarms", "written",
)  # fmt: skip
TEST_COLUMNS = (
    "family", "measure", "touchpoint", "detail", "unit", "before", "after", "difference", "lo",
    "hi", "n_before", "n_after", "customers", "references", "z", "cusum", "p_value", "q_value",
    "same_mix", "material", "significant",
)  # fmt: skip
# What a damaged audit.json raises; deep nesting ends in a RecursionError.
UNREADABLE = (OSError, ValueError, KeyError, TypeError, RecursionError)
NEWEST, BEFORE_IT = "latest", "previous"


@dataclass(frozen=True)
class Entry:
    """One complete run of an audit.

    Attributes
    ----------
    run_id : str
    as_of : datetime.date
    written : str
        When, as its manifest says; only tells runs of one as-of day apart.
    folder : Path
    document : mapping
        Content of its `audit.json`.
    digest : str
        sha256 of `audit.json`, as it lies on the disk.
    """

    run_id: str
    as_of: dt.date
    written: str
    folder: Path
    document: Mapping[str, Any] = field(repr=False)
    digest: str

    @property
    def definitions(self) -> Mapping[str, str]:
        """Fingerprints of what its numbers rest on."""
        return self.document["comparison"]["definitions"]  # type: ignore[no-any-return]

    @property
    def standing(self) -> Mapping[str, str]:
        """The verdicts that stood after it."""
        return self.document["comparison"]["standing"]  # type: ignore[no-any-return]

    @cached_property
    def manifest(self) -> Mapping[str, Any]:
        """The content of its manifest; empty where that is damaged or not there."""
        return _read_manifest(self.folder)

    @property
    def language(self) -> str:
        """The language of its sentences, as its manifest says."""
        return str(self.manifest.get("config", {}).get("language", LANGUAGE))

    @cached_property
    def streams(self) -> pd.DataFrame | None:
        """The streams of its last period; None where the file is damaged or not there."""
        rows = self.table("streams")
        return rows if rows is not None and {*STREAM_COLUMNS, "ends", "days"} <= set(rows) else None

    @cached_property
    def tested(self) -> pd.DataFrame | None:
        """Every stream that it compared; None where the file is damaged or not there."""
        rows = self.table("tested")
        return rows if rows is not None and set(TEST_COLUMNS) <= set(rows) else None

    def table(self, name: str) -> pd.DataFrame | None:
        """Return a table that the run kept; None where the file is damaged or not there."""
        try:
            rows: pd.DataFrame = pd.read_parquet(self.folder / "tables" / f"{name}.parquet")
        except (OSError, ValueError, pyarrow.ArrowException):
            return None
        return rows


@dataclass(frozen=True)
class History:
    """The runs of one audit.

    Attributes
    ----------
    entries : tuple of Entry
        By as-of day, then by when they were written: the wall clock orders no two days.
    skipped : mapping of str to str
        What lies beside the runs and is none that can be read, with the reason.
    """

    entries: tuple[Entry, ...] = ()
    skipped: Mapping[str, str] = field(default_factory=dict)

    def before(self, as_of: dt.date) -> tuple[Entry, ...]:
        """Return the runs as of an earlier day, the nearest last; one for each day."""
        newest = {entry.as_of: entry for entry in self.entries if entry.as_of < as_of}
        return tuple(newest[day] for day in sorted(newest))

    def last_before(self, as_of: dt.date, run_id: str) -> Entry | None:
        """Return the newest run as of this day or earlier; of a run made again, the one before."""
        entries = [entry for entry in self.entries if entry.as_of <= as_of]
        ids = [entry.run_id for entry in entries]
        number = ids.index(run_id) if run_id in ids else len(ids)
        return entries[number - 1] if number else None

    def only(self, run_ids: Sequence[str]) -> History:
        """Return the history as a run saw it that rested on these."""
        return History(tuple(entry for entry in self.entries if entry.run_id in run_ids))

    def runs(self) -> pd.DataFrame:
        """Return one row per run, the oldest first, columns `RUNS_COLUMNS`."""
        rows = []
        for entry in self.entries:
            document = entry.document
            period = document["audit"]["period"] or (None, None)
            failed = [f for f in document["findings"] if f["verdict"] == "fail"]
            alarms = [change for change in document["changes"] if change["significant"]]
            counts = [document["log"][name] for name in ("events", "journeys", "customers")]
            rows.append(
                (entry.run_id, entry.as_of.isoformat(), *period, *counts, len(failed), len(alarms),
                 entry.written)
            )  # fmt: skip
        return pd.DataFrame(rows, columns=list(RUNS_COLUMNS))


def read_history(home: str | Path) -> History:
    """Read the runs in a folder ``DIR/<audit name>``.

    A run directory appears complete or not at all, so the runs are the history: there is no
    file that two runs could write at once, or that could disagree with them. What cannot be
    read is skipped and told, never fatal.

    Parameters
    ----------
    home : str or Path
        Need not be there.

    Notes
    -----
    In plain SQL, every stream of every run::

        SELECT * FROM read_parquet('audits/telecom/[0-9]*/tables/streams.parquet', filename=true)
    """
    home = Path(home)
    entries, skipped = [], {}
    for folder in _folders(home):
        try:
            entries.append(_entry(folder))
        except UNREADABLE as error:
            skipped[folder.name] = _reason(error)
    ordered = sorted(entries, key=lambda e: (e.as_of, e.written, e.run_id))
    return History(tuple(ordered), skipped)


def _folders(home: Path) -> Iterator[Path]:
    try:
        paths = sorted(home.iterdir()) if home.is_dir() else []
    except OSError:
        paths = []
    for path in paths:
        if path.is_dir() and not path.is_symlink() and not path.name.startswith("."):
            yield path


def _entry(folder: Path) -> Entry:
    raw = (folder / "audit.json").read_bytes()
    document = json.loads(raw)
    if not isinstance(document, dict):
        raise TypeError
    if document["schema_version"] != SCHEMA_VERSION:
        raise ValueError(f"its audit.json has the shape {document['schema_version']}")
    run = document["audit"]
    if run["run_id"] != folder.name or run["name"] != folder.parent.name:
        raise ValueError(f"its audit.json is of the run {run['name']}/{run['run_id']}")
    validate(document)
    return Entry(
        run_id=folder.name,
        as_of=dt.date.fromisoformat(run["as_of"]),
        written=str(_read_manifest(folder).get("written", "")),
        folder=folder,
        document=document,
        digest=hashlib.sha256(raw).hexdigest(),
    )


def _read_manifest(folder: Path) -> Mapping[str, Any]:
    try:
        content = json.loads((folder / "manifest.json").read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _reason(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "it has no audit.json, so it is no run"
    if isinstance(error, json.JSONDecodeError | UnicodeDecodeError | RecursionError):
        return "its audit.json is damaged"
    if isinstance(error, OSError):
        return "it cannot be read"
    # What our schema refuses is a ValueError of its own kind.
    return str(error) if type(error) is ValueError else "its audit.json lacks what a run has"


def find_home(path: str | Path | None) -> Path:
    """Find the folder with the runs of one audit.

    Parameters
    ----------
    path : str or Path, optional
        ``DIR/<audit name>``, or ``DIR`` where it holds one audit only; default ``audits``.

    Raises
    ------
    LogError
        If there is none, or more than one.
    """
    folder = Path("audits" if path is None else path)
    if not folder.is_dir():
        raise LogError(f"there is no folder {folder}. Name the one that --out named, or one in it.")
    if _holds_runs(folder):
        return folder
    homes = [home for home in _folders(folder) if _holds_runs(home)]
    if len(homes) == 1:
        return homes[0]
    if not homes:
        raise LogError(f"{folder} holds no run. `journeylib audit CONFIG` leaves one.")
    names = ", ".join(str(home) for home in homes)
    raise LogError(f"{folder} holds runs of several audits; name one: {names}.")


def _holds_runs(folder: Path) -> bool:
    return any((path / "audit.json").is_file() for path in _folders(folder))


def find_run(name: str, home: str | Path | None = None) -> Entry:
    """Find one run.

    Parameters
    ----------
    name : str
        A run directory, a run id, ``latest`` or ``previous`` (as of the day before `latest`).
    home : str or Path, optional
        As `find_home` takes it; not asked for where `name` is a directory.

    Raises
    ------
    LogError
        If it is not there or cannot be read.
    """
    folder = Path(name)
    if (folder / "audit.json").is_file():
        try:
            return _entry(folder.resolve())
        except UNREADABLE as error:
            raise LogError(
                f"the run {folder} cannot be compared: {_reason(error)}. Run its audit again, or "
                "name another run."
            ) from None
    runs = read_history(find_home(home))
    by_id = {entry.run_id: entry for entry in runs.entries}
    if name in (NEWEST, BEFORE_IT):
        days = sorted({entry.as_of for entry in runs.entries})
        if len(days) < (1 if name == NEWEST else 2):
            raise LogError(f"there is no {name} run: {find_home(home)} holds {len(by_id)}.")
        day = days[-1 if name == NEWEST else -2]
        return next(entry for entry in reversed(runs.entries) if entry.as_of == day)
    if name not in by_id:
        why = f" It was skipped: {runs.skipped[name]}." if name in runs.skipped else ""
        hint = did_you_mean(name, by_id) or " `journeylib history` lists the runs."
        raise LogError(f"there is no run '{name}' in {find_home(home)}.{why or hint}")
    return by_id[name]


def check_kept(history: History, used: Mapping[str, str]) -> None:
    """Check that the runs which another one rested on are still what they were.

    Raises
    ------
    RunError
        Names the first that is gone or changed.
    """
    digests = {entry.run_id: entry.digest for entry in history.entries}
    for run_id, digest in used.items():
        if digests.get(run_id) != digest:
            state = "changed" if run_id in digests else "is gone"
            raise RunError(f"the run {run_id}, with which this one was compared, {state}.")
