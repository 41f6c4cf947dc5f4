"""Running an audit as a notebook: papermill in, one complete run directory out."""

from __future__ import annotations

import datetime as dt
import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from journeylib.audits.bundle import commit, staged
from journeylib.audits.config import load_config
from journeylib.errors import ConfigError, LogError, RunError
from journeylib.present.report import render_html

INPUT_ERRORS = ("ConfigError", "LogError", "SchemaError", "QualityError")


@dataclass(frozen=True)
class Run:
    """A complete run directory.

    Attributes
    ----------
    folder : Path
    passed : bool
        Whether every gate held.
    summary : str
        What to tell the person at the terminal: the findings and where the dashboard is.
    """

    folder: Path
    passed: bool
    summary: str


def audit_notebook() -> Path:
    """Return the notebook that audits run: the checkout's, else the packaged one."""
    package = Path(__file__).resolve().parents[1]
    for folder in (package.parent / "notebooks", package / "notebooks"):
        if (folder / "audit.ipynb").is_file():
            return folder / "audit.ipynb"
    raise RunError("notebooks/audit.ipynb is not installed; install journeylib again.")


def run_audit(
    config: str | Path,
    *,
    out: str | Path = "audits",
    overrides: Sequence[str] = (),
    as_of: dt.date | None = None,
    progress: bool = False,
) -> Run:
    """Execute the audit notebook on a configuration and keep everything it made.

    Parameters
    ----------
    config : str or Path
        YAML file.
    out : str or Path
        Runs are left in ``out/<audit name>/<run id>``.
    overrides : sequence of str
        ``"key=value"`` with a dotted key.
    as_of : datetime.date, optional
        The day to look back from.
    progress : bool
        Show a bar on standard error.

    Returns
    -------
    Run

    Raises
    ------
    ConfigError, LogError
        If the input is wrong; nothing is written.
    RunError
        If the notebook fails; it is kept as ``out/<audit name>/failed.ipynb``.
    """
    started = time.monotonic()
    # Checked here as well as in the notebook: a typing error should not cost a kernel.
    checked = load_config(config, overrides=overrides, as_of=as_of)
    with staged(Path(out), checked.name) as stage:
        executed = stage / "audit.ipynb"
        parameters = {
            "config": str(Path(config).resolve()),
            "out": str(stage.resolve()),
            "overrides": list(overrides),
            "as_of": as_of.isoformat() if as_of else "",
        }
        _execute(executed, parameters, stage.parent / "failed.ipynb", progress=progress)
        (folder,) = [path.parent for path in (stage / checked.name).glob("*/audit.json")
                     if not path.parent.is_symlink()]  # fmt: skip
        executed.rename(folder / "audit.ipynb")
        html = render_html(folder / "audit.ipynb")
        (folder / "audit.html").write_text(html, encoding="utf-8")
        _note_seconds(folder / "manifest.json", time.monotonic() - started)
        folder = commit(folder.rename(stage / folder.name), stage.parent)
    document = json.loads((folder / "audit.json").read_text(encoding="utf-8"))
    passed = all(finding["verdict"] != "fail" for finding in document["findings"])
    return Run(folder, passed, _summary(document, folder))


def _execute(executed: Path, parameters: dict[str, Any], failed: Path, *, progress: bool) -> None:
    import papermill

    # Kernels of a test run may come from another checkout: this one must be imported.
    package_home = str(Path(__file__).resolve().parents[2])
    path = os.environ.get("PYTHONPATH", "")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [package_home, path]))
    try:
        papermill.execute_notebook(
            str(audit_notebook()),
            str(executed),
            parameters=parameters,
            kernel_name="python3",
            progress_bar=progress,
            log_output=False,
        )
    except papermill.PapermillExecutionError as error:
        if error.ename in INPUT_ERRORS:
            kind = ConfigError if error.ename == "ConfigError" else LogError
            raise kind(str(error.evalue)) from None
        executed.replace(failed)
        raise RunError(
            f"the audit notebook failed in cell {error.exec_count}: {error.ename}. "
            f"Open {failed} to see where."
        ) from None
    finally:
        os.environ["PYTHONPATH"] = path


def _note_seconds(manifest: Path, seconds: float) -> None:
    content = json.loads(manifest.read_text(encoding="utf-8"))
    content["seconds"] = round(seconds, 1)
    manifest.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", "utf-8")


def _summary(document: dict[str, Any], folder: Path) -> str:
    log = document["log"]
    lines = [
        f"{document['audit']['title']}: {log['events']:,} events, {log['journeys']:,} journeys, "
        f"{log['customers']:,} customers.",
    ]
    marks = {"fail": "FAILED  ", "not_assessable": "unknown "}
    for finding in document["findings"][:8]:
        mark = marks.get(finding["verdict"], f"{finding['severity']:<8}")
        lines.append(f"  {mark}{finding['text']}")
    more = len(document["findings"]) - 8
    if more > 0:
        lines.append(f"  … and {more} more in the dashboard")
    lines.append(f"Dashboard: {folder / 'audit.html'}")
    return "\n".join(lines)
