"""Running an audit as a notebook: papermill in, one complete run directory out."""

from __future__ import annotations

import datetime as dt
import json
import math
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from contextvars import copy_context
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from threading import Event
from typing import Any

from journeylib.audits import AuditConfig, When, commit, load_config, staged
from journeylib.cli.kernel import START_SECONDS, kernel_for
from journeylib.cli.run_progress import LOOK_SECONDS, steps_shown
from journeylib.core import (
    LANGUAGE,
    ConfigError,
    LogError,
    RunError,
    did_you_mean,
    text,
    use_language,
)
from journeylib.delivery import (
    SENT,
    Picture,
    is_due,
    junit_of_failure,
    mail_picture,
    send,
    write_files,
)
from journeylib.log import PrivateFolder, matching_files, remove_abandoned, resource_hint
from journeylib.present import OWN_ERRORS, Browser, load_drawing, render_html, style_once

INPUT_ERRORS = ("ConfigError", "LogError", "SchemaError", "QualityError")
FAILED = "failed"
MOST_FINDINGS = 8  # that are told at the terminal
OF_TODAY = ('show.appendix(audit, "K")',)  # findings, and what changed
SHOWS = "show."  # how a cell begins that shows a part; where it fails, the others go on


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
    unsent : tuple of str
        What could not be sent and why; the run itself is complete.
    """

    folder: Path
    passed: bool
    summary: str
    unsent: tuple[str, ...] = ()


def audit_notebook() -> Path:
    """Return the notebook that audits run."""
    return _notebooks() / "audit.ipynb"


def copy_notebooks(folder: Path) -> tuple[list[str], list[str]]:
    """Copy the notebooks into a folder.

    Returns
    -------
    tuple of (list of str, list of str)
        The names of those that were copied, and of those that were there already and stay.
    """
    folder.mkdir(parents=True, exist_ok=True)
    copied: list[str] = []
    left: list[str] = []
    for notebook in sorted(_notebooks().glob("*.ipynb")):
        target = folder / notebook.name
        (left if target.exists() else copied).append(notebook.name)
        if not target.exists():
            shutil.copyfile(notebook, target)
    return copied, left


def _notebooks() -> Path:
    """Return the folder of the notebooks: the checkout's, else the packaged one."""
    package = Path(__file__).resolve().parents[1]
    for folder in (package.parent / "notebooks", package / "notebooks"):
        if (folder / "audit.ipynb").is_file():
            return folder
    raise RunError("notebooks/audit.ipynb is not installed; install journeylib again.")


def run_audit(
    config: str | Path,
    *,
    out: str | Path = "audits",
    overrides: Sequence[str] = (),
    as_of: dt.date | None = None,
    send_when: When | None = None,
    timeout_minutes: float | None = None,
) -> Run:
    """Execute the audit notebook on a configuration, keep everything it made, and tell of it.

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
    send_when : {"always", "alarm", "never"}, optional
        Whether to send mail and messages; default: ``delivery.when`` of the configuration.
    timeout_minutes : float, optional
        After this the run is stopped; default: ``timeout_minutes`` of the configuration.

    Raises
    ------
    ConfigError, LogError
        If the input is wrong; nothing is written.
    RunError
        If the run fails. A failed notebook is kept as ``out/<audit name>/failed.ipynb``, with a
        page ``failed.html`` that leads to the cell; ``failed.xml`` tells it to a pipeline.
    """
    # Checked here as well as in the notebook: a typing error is said at once.
    checked = load_config(config, overrides=overrides, as_of=as_of)
    for file in checked.files():
        matching_files(file)
    when = send_when or checked.delivery.when
    if when != "never":
        checked.delivery.check_secrets(os.environ)
    parameters = {
        "config": str(Path(config).resolve()),
        "overrides": list(overrides),
        "as_of": as_of.isoformat() if as_of else "",
        "history": str(Path(out).resolve()),
    }
    with use_language(checked.language):
        return _run_checked(
            checked,
            parameters,
            Path(out),
            when=when,
            minutes=timeout_minutes or checked.timeout_minutes,
        )


def _run_checked(
    checked: AuditConfig,
    parameters: dict[str, Any],
    out: Path,
    *,
    when: When,
    minutes: float | None,
) -> Run:
    """Execute the notebook, complete its run directory, and send what is due."""
    started = time.monotonic()
    deadline = None if minutes is None else started + 60 * minutes
    home = out / checked.name
    try:
        with (
            staged(out, checked.name) as stage,
            steps_shown(stage, show=sys.stderr.isatty()) as steps,
            _delivery_of(stage / checked.name, checked) as delivery,
        ):
            executed = stage / "audit.ipynb"
            hidden = {name: None for _, name in checked.delivery.secrets()}
            try:
                _execute(executed, parameters | {"out": str(stage.resolve())}, home,
                         {**steps, **hidden, LANGUAGE: checked.language}, deadline,
                         wait=checked.engine.address != "duckdb")  # fmt: skip
            finally:
                if checked.engine.spill_folder is not None:
                    remove_abandoned(Path(checked.engine.spill_folder))
            folder = _only_run(stage / checked.name)
            executed.rename(folder / "audit.ipynb")
            failed = _finish_notebook(folder / "audit.ipynb")
            _keep_pictures(folder, home)
            (folder / "audit.html").write_text(_dashboard(folder, home), encoding="utf-8")
            briefing = write_files(folder, checked, *delivery())
            _note_seconds(folder / "manifest.json", time.monotonic() - started)
            _keep_what_was_sent(home / folder.name, folder)
            folder = commit(folder.rename(stage / folder.name), home)
    except RunError as error:
        _note_failure(home, checked, error)
        raise
    _forget_failure(home)
    unsent: tuple[str, ...] = ()
    if is_due(when, briefing):
        unsent = tuple(send(folder, checked.delivery, os.environ))
    document = json.loads((folder / "audit.json").read_text(encoding="utf-8"))
    passed = all(finding["verdict"] != "fail" for finding in document["findings"])
    return Run(folder, passed, _summary(document, folder, failed), unsent)


@contextmanager
def _delivery_of(
    home: Path, config: AuditConfig
) -> Iterator[Callable[[], tuple[Browser, Picture | None]]]:
    """Start a browser while the audit runs, draw the mail's picture while its notebook is drawn.

    The run is in `home` by then. Yields what returns both where the notebook has ended.
    """
    ended = Event()
    with ExitStack() as stack, ThreadPoolExecutor(1) as artist:

        def draw() -> tuple[Browser, Picture | None]:
            load_drawing()
            browser = stack.enter_context(Browser())
            while not ended.wait(LOOK_SECONDS) and not _runs(home):
                pass
            return browser, mail_picture(_only_run(home), config)

        def drawn() -> tuple[Browser, Picture | None]:
            ended.set()
            return drawing.result()

        # Both import what imports each other: done at once, Python may see a deadlock.
        import_module("journeylib.cli.papermill_engine")
        drawing = artist.submit(copy_context().run, draw)
        try:
            yield drawn
        finally:
            ended.set()


def check_parameters(notebook: Path, parameters: Mapping[str, Any]) -> None:
    """Refuse parameters that a notebook does not have, or has of another type.

    papermill only warns of them, and the notebook would run on its defaults.

    Raises
    ------
    RunError
        Names the parameter, and the nearest one that exists.
    """
    from journeylib.cli.papermill_engine import papermill

    declared = papermill.inspect_notebook(str(notebook))
    for name, value in parameters.items():
        if name not in declared:
            hint = did_you_mean(name, declared)
            raise RunError(f"{notebook.name} has no parameter '{name}'.{hint}")
        wanted = declared[name]["inferred_type_name"]
        if wanted != type(value).__name__:
            raise RunError(
                f"{notebook.name}: parameter '{name}' must be of type {wanted}, not "
                f"{type(value).__name__}."
            )


def _execute(
    executed: Path,
    parameters: Mapping[str, Any],
    home: Path,
    variables: Mapping[str, str | None],
    deadline: float | None,
    *,
    wait: bool,
) -> None:
    """Run the notebook; where it fails, keep it and a page of it in `home`.

    Its kernel's end is waited for if asked: Java clears its own folders away then.
    """
    from journeylib.cli.papermill_engine import papermill

    check_parameters(audit_notebook(), parameters)
    try:
        _run_notebook(executed, parameters, variables, deadline, wait=wait)
    except papermill.PapermillExecutionError as error:
        if error.source.startswith(SHOWS):
            return
        if error.ename in INPUT_ERRORS:
            kind = ConfigError if error.ename == "ConfigError" else LogError
            raise kind(str(error.evalue)) from None
        # The text of an error that is not ours may hold a customer's data: not shown here.
        detail = f": {error.evalue}" if error.ename in OWN_ERRORS else "."
        if reason := resource_hint(error.ename, str(error.evalue)):
            detail = f": {reason}"
        raise RunError(
            f"the audit notebook failed in cell {error.exec_count} with {error.ename}{detail} "
            f"{_keep_failure(executed, home)}"
        ) from None
    except TimeoutError:
        reason = (
            "the audit took longer than its time limit and was stopped. Raise --timeout or "
            "timeout_minutes, or audit a shorter period."
        )
        _mark_stop(executed, reason)
        raise RunError(f"{reason} {_keep_failure(executed, home)}") from None
    except RuntimeError as error:
        # nbclient says by this that the kernel is gone, most often for want of memory.
        reason = (
            f"the notebook's kernel ended before the audit did ({type(error).__name__}); most "
            "often memory ran out. Free some, or audit a shorter period."
        )
        _mark_stop(executed, reason)
        raise RunError(f"{reason} {_keep_failure(executed, home)}") from None


def _run_notebook(
    executed: Path,
    parameters: Mapping[str, Any],
    variables: Mapping[str, str | None],
    deadline: float | None,
    *,
    wait: bool,
) -> None:
    """Let papermill run the audit notebook in a kernel that knows this package and no secret."""
    from journeylib.cli.papermill_engine import ENGINE, papermill

    def seconds_left(_: Any) -> int | None:
        """Give every cell what is left of the whole run's time."""
        return None if deadline is None else max(1, math.ceil(deadline - time.monotonic()))

    hidden = frozenset(name for name, value in variables.items() if value is None)
    values = {name: value for name, value in variables.items() if value is not None}
    # What the kernel holds on disk goes with this folder: nobody need wait for its end.
    with PrivateFolder() as private, kernel_for(hidden) as kernel:
        kernel.waits = wait
        papermill.execute_notebook(
            str(audit_notebook()),
            str(executed),
            parameters=dict(parameters),
            engine_name=ENGINE,
            kernel_name="python3",
            km=kernel.manager,
            start_timeout=START_SECONDS,
            on_notebook_start=kernel.setting(values | {"TMPDIR": str(private)}),
            progress_bar=False,
            log_output=False,
            timeout_func=seconds_left,
        )


def _finish_notebook(executed: Path) -> int:
    """Leave the style sheet once, and no details of errors; return how many parts failed.

    The text of an error that is not ours may hold a customer's data.
    """
    import nbformat
    from papermill.execute import remove_error_markers

    node = nbformat.read(str(executed), as_version=4)  # type: ignore[no-untyped-call]
    nbformat.write(style_once(remove_error_markers(node)), str(executed))  # type: ignore[no-untyped-call]
    return _clean_errors(executed)


def _keep_pictures(folder: Path, home: Path) -> None:
    """Show the maps and pages of the run before, where all numbers are still those of it.

    They are drawn from journeys, of which too few are new to be told of. The first screen and the
    parts in `OF_TODAY` are drawn from the document, and tell what changed by today.
    """
    import nbformat

    before = json.loads((folder / "manifest.json").read_text("utf-8"))["unchanged_since"]
    if before is None or not (home / before / "audit.ipynb").is_file():
        return
    nodes = [
        nbformat.read(str(directory / "audit.ipynb"), as_version=4)  # type: ignore[no-untyped-call]
        for directory in (folder, home / before)
    ]
    outputs = {
        cell.source: cell.outputs
        for cell in nodes[1].cells
        if cell.source.startswith(SHOWS) and not any("ename" in one for one in cell.outputs)
    }
    for cell in nodes[0].cells:
        if cell.source not in OF_TODAY and cell.source in outputs:
            cell.outputs = outputs[cell.source]
    nbformat.write(style_once(nodes[0]), str(folder / "audit.ipynb"))  # type: ignore[no-untyped-call]


def _clean_errors(executed: Path) -> int:
    """Take out of a notebook what errors that are not ours say; return how many cells failed.

    Warnings and what code printed on standard error are texts of libraries as well.
    """
    import nbformat

    node = nbformat.read(str(executed), as_version=4)  # type: ignore[no-untyped-call]
    for cell in node.cells:
        if "outputs" in cell:
            cell.outputs = [o for o in cell.outputs if o.get("name") != "stderr"]
    failed = [o for cell in node.cells for o in cell.get("outputs", []) if "ename" in o]
    for output in failed:
        output["evalue"] = output["evalue"] if output["ename"] in OWN_ERRORS else ""
        output["traceback"] = [f"{output['ename']}: {output['evalue']}"]
    nbformat.write(node, str(executed))  # type: ignore[no-untyped-call]
    return len(failed)


def _dashboard(folder: Path, home: Path) -> str:
    """Render the dashboard; where that fails, keep the notebook, which took the time."""
    try:
        return render_html(folder / "audit.ipynb")
    except RunError as error:
        raise RunError(f"{error} {_keep_failure(folder / 'audit.ipynb', home)}") from None


def _only_run(home: Path) -> Path:
    """Return the one run directory that the notebook left."""
    runs = _runs(home)
    if len(runs) != 1:
        raise RunError(f"the audit notebook left {len(runs)} runs; it must save one.")
    return runs[0]


def _runs(home: Path) -> list[Path]:
    return [path.parent for path in home.glob("*/audit.json") if not path.parent.is_symlink()]


def _mark_stop(executed: Path, reason: str) -> None:
    """Write into a notebook that was stopped from outside where that was, and why."""
    import nbformat
    from papermill.exceptions import PapermillExecutionError
    from papermill.execute import raise_for_execution_errors

    with suppress(OSError, ValueError, IndexError, PapermillExecutionError):
        node = nbformat.read(str(executed), as_version=4)  # type: ignore[no-untyped-call]
        run = [cell for cell in node.cells if cell.metadata.get("papermill", {}).get("start_time")]
        error = {"ename": "RunError", "evalue": reason, "traceback": [reason]}
        run[-1].outputs.append(nbformat.v4.new_output("error", **error))  # type: ignore[no-untyped-call]
        raise_for_execution_errors(node, str(executed))


def _keep_failure(executed: Path, home: Path) -> str:
    """Keep a failed notebook and a page of it; say what to open."""
    notebook, page = home / f"{FAILED}.ipynb", home / f"{FAILED}.html"
    try:
        _clean_errors(executed)
        executed.replace(notebook)
    except (OSError, ValueError):
        return "The notebook could not be kept."
    try:
        page.write_text(render_html(notebook), encoding="utf-8")
    except (OSError, RunError):
        page.unlink(missing_ok=True)
        return f"Open {notebook} to see where."
    return f"Open {page} to see where."


def _note_failure(home: Path, config: AuditConfig, error: RunError) -> None:
    """Tell a pipeline of a failed run, as far as the disk allows."""
    with suppress(OSError):
        if home.is_dir():
            report = junit_of_failure(config.name, str(error))
            (home / f"{FAILED}.xml").write_text(report, encoding="utf-8")


def _forget_failure(home: Path) -> None:
    """Remove what an earlier failure left, once a run is complete."""
    for suffix in (".ipynb", ".html", ".xml"):
        (home / f"{FAILED}{suffix}").unlink(missing_ok=True)


def _keep_what_was_sent(before: Path, now: Path) -> None:
    """Carry over what was sent of the run that this one replaces: news goes out once."""
    with suppress(OSError):
        (now / SENT).write_bytes((before / SENT).read_bytes())


def _note_seconds(manifest: Path, seconds: float) -> None:
    content = json.loads(manifest.read_text(encoding="utf-8"))
    content["seconds"] = round(seconds, 1)
    manifest.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", "utf-8")


def _summary(document: dict[str, Any], folder: Path, failed: int) -> str:
    """Return what to tell at the terminal, in the language of the run."""
    sizes = {name: document["log"][name] for name in ("events", "journeys", "customers")}
    findings = document["findings"]
    lines = [text("cli.audit.head", title=document["audit"]["title"], **sizes)]
    for finding in findings[:MOST_FINDINGS]:
        verdict = finding["verdict"]
        mark = text(f"cli.mark.{finding['severity'] if verdict == 'pass' else verdict}")
        lines.append(f"  {mark:<8}{finding['text']}")
    if len(findings) > MOST_FINDINGS:
        lines.append(f"  {text('cli.audit.more', n=len(findings) - MOST_FINDINGS)}")
    if failed:
        lines.append(f"  {text('cli.audit.not_shown', n=failed)}")
    lines.append(text("cli.audit.dashboard", page=str(folder / "audit.html")))
    return "\n".join(lines)
