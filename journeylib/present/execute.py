"""Running an audit as a notebook: papermill in, one complete run directory out."""

from __future__ import annotations

import datetime as dt
import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from journeylib.audits.bundle import commit, staged
from journeylib.audits.config import load_config
from journeylib.errors import ConfigError, LogError, RunError, did_you_mean
from journeylib.present.progress import steps_shown
from journeylib.present.report import OWN_ERRORS, render_html

INPUT_ERRORS = ("ConfigError", "LogError", "SchemaError", "QualityError")
FAILED = "failed"


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
        If the notebook fails; it is kept as ``out/<audit name>/failed.ipynb``, with a page
        ``failed.html`` that says where.
    """
    started = time.monotonic()
    # Checked here as well as in the notebook: a typing error should not cost a kernel.
    checked = load_config(config, overrides=overrides, as_of=as_of)
    with staged(Path(out), checked.name) as stage, steps_shown(stage, show=progress) as steps:
        executed = stage / "audit.ipynb"
        parameters = {
            "config": str(Path(config).resolve()),
            "out": str(stage.resolve()),
            "overrides": list(overrides),
            "as_of": as_of.isoformat() if as_of else "",
            "history": str(Path(out).resolve()),
        }
        _execute(executed, parameters, stage.parent, steps)
        folder = _only_run(stage / checked.name)
        executed.rename(folder / "audit.ipynb")
        html = render_html(folder / "audit.ipynb")
        (folder / "audit.html").write_text(html, encoding="utf-8")
        _note_seconds(folder / "manifest.json", time.monotonic() - started)
        folder = commit(folder.rename(stage / folder.name), stage.parent)
    _forget_failure(folder.parent)
    document = json.loads((folder / "audit.json").read_text(encoding="utf-8"))
    passed = all(finding["verdict"] != "fail" for finding in document["findings"])
    return Run(folder, passed, _summary(document, folder))


def check_parameters(notebook: Path, parameters: Mapping[str, Any]) -> None:
    """Refuse parameters that a notebook does not have, or has of another type.

    papermill only warns of them, and the notebook would run on its defaults.

    Raises
    ------
    RunError
        Names the parameter, and the nearest one that exists.
    """
    import papermill

    known = papermill.inspect_notebook(str(notebook))
    for name, value in parameters.items():
        if name not in known:
            hint = did_you_mean(name, known)
            raise RunError(f"{notebook.name} has no parameter '{name}'.{hint}")
        wanted = known[name]["inferred_type_name"]
        if wanted != type(value).__name__:
            raise RunError(
                f"{notebook.name}: parameter '{name}' must be of type {wanted}, not "
                f"{type(value).__name__}."
            )


def _execute(
    executed: Path, parameters: Mapping[str, Any], home: Path, steps: Mapping[str, str]
) -> None:
    """Run the notebook; where it fails, keep it and a page of it in `home`."""
    import papermill
    from jupyter_client.kernelspec import NoSuchKernel
    from traitlets.config import Config

    notebook = audit_notebook()
    check_parameters(notebook, parameters)
    # Sockets on disk instead of network ports: nobody else can listen, and no warning says so.
    transport = Config({"KernelManager": {"transport": "ipc"}})
    # Kernels of a test run may come from another checkout: this one must be imported.
    package_home = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(filter(None, [package_home, os.environ.get("PYTHONPATH", "")]))
    try:
        with _environment({"PYTHONPATH": path, **steps}):
            papermill.execute_notebook(
                str(notebook),
                str(executed),
                parameters=dict(parameters),
                kernel_name="python3",
                progress_bar=False,
                log_output=False,
                config=transport,
            )
    except papermill.PapermillExecutionError as error:
        if error.ename in INPUT_ERRORS:
            kind = ConfigError if error.ename == "ConfigError" else LogError
            raise kind(str(error.evalue)) from None
        # The text of an error that is not ours may hold a customer's data: not shown here.
        said = f": {error.evalue}" if error.ename in OWN_ERRORS else "."
        kept = _keep_failure(executed, home)
        raise RunError(
            f"the audit notebook failed in cell {error.exec_count} with {error.ename}{said} "
            f"Open {kept} to see where."
        ) from None
    except NoSuchKernel:
        raise RunError("no Python kernel to run the notebook with; install ipykernel.") from None
    except RuntimeError as error:
        # nbclient says by this that the kernel is gone, most often for want of memory.
        raise RunError(
            f"the notebook's kernel ended before the audit did ({type(error).__name__}); most "
            "often memory ran out. Free some, or audit a shorter period."
        ) from None


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables that a kernel started inside inherits."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _only_run(home: Path) -> Path:
    """Return the one run directory that the notebook left."""
    found = [path.parent for path in home.glob("*/audit.json") if not path.parent.is_symlink()]
    if len(found) != 1:
        raise RunError(f"the audit notebook left {len(found)} runs; its last cell must save one.")
    return found[0]


def _keep_failure(executed: Path, home: Path) -> Path:
    """Keep a failed notebook and a page of it; return what to open."""
    executed.replace(home / f"{FAILED}.ipynb")
    page = home / f"{FAILED}.html"
    page.write_text(render_html(home / f"{FAILED}.ipynb"), encoding="utf-8")
    return page


def _forget_failure(home: Path) -> None:
    """Remove what an earlier failure left, once a run is complete."""
    for suffix in (".ipynb", ".html"):
        (home / f"{FAILED}{suffix}").unlink(missing_ok=True)


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
