"""Pack: every artefact of a workshop in one folder, complete or not at all."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from journeylib import __version__
from journeylib.audits import AuditConfig, commit, fingerprint_files, load_config, staged
from journeylib.core import RunError, catalogue_of, working
from journeylib.present import Table, table
from journeylib.workshop.content.content import Content
from journeylib.workshop.content.from_run import TABLES, read_content
from journeylib.workshop.printing import browser, is_as_measured, print_pdf
from journeylib.workshop.screens.screens import presentation, weighty
from journeylib.workshop.sheets import (
    PAPER,
    cards,
    handout,
    handout_wall,
    poster,
    poster_svg,
    poster_wall,
)

INSTALL = "Install it with: pip install 'journeylib[workshop]'"


@dataclass(frozen=True)
class Pack:
    """The artefacts of a workshop.

    Attributes
    ----------
    folder : Path
        A complete folder.
    content : Content
        What they say.
    type_mm : dict of str to float
        Size of the type of touchpoints' names on each paper.
    printed : bool
        Whether there are PDFs: without a browser there are only the pages to print.
    fitting : bool
        Whether they are set in a font whose widths their text was measured in.
    """

    folder: Path
    content: Content
    type_mm: dict[str, float]
    printed: bool
    fitting: bool

    @property
    def summary(self) -> str:
        """What to tell the person at the terminal."""
        lines = [self.outline, *(f"  {path.name}" for path in sorted(self.folder.iterdir()))]
        if not self.printed:
            lines.append("No Chromium found: open the .html sheets in a browser and print them.")
        elif not self.fitting:
            lines.append(
                "Printed in a font wider than measured: names may leave their boxes. Install Arial "
                "or Liberation Sans and make it again."
            )
        return "\n".join([*lines, f"Workshop: {self.folder}"])

    @property
    def outline(self) -> str:
        """What was made, wherever it lies and whoever printed it."""
        sizes = ", ".join(f"{paper.upper()} {size:.1f} mm" for paper, size in self.type_mm.items())
        return (
            f"{self.content.title}: {len(self.content.stages)} stages, "
            f"{len(self.content.touchpoints)} touchpoints, {len(self.content.moments)} moments "
            f"of truth. Type on the wall map: {sizes}."
        )

    @property
    def findings(self) -> Table:
        """The findings that get a screen each."""
        rows = [
            {"Finding": found.text, "Weight": found.severity} for found in weighty(self.content)
        ]
        return table(pd.DataFrame(rows, columns=["Finding", "Weight"]), "What to know")


@working("preparing the workshop")
def prepare_workshop(
    config: str | Path,
    *,
    out: str | Path = "workshops",
    language: str = "en",
    run: str | Path | None = None,
    audits: str | Path = "audits",
    overrides: Sequence[str] = (),
    as_of: dt.date | None = None,
) -> Pack:
    """Prepare everything for a workshop: presentation, slides, posters, handout and cards.

    Parameters
    ----------
    config : str or Path
        YAML file of the audit.
    out : str or Path
        The folder is ``out/<audit name>/<run id>-<language>``.
    language : str
        A language of the catalogue.
    run : str or Path, optional
        A run directory to draw from. By default the latest complete run of this configuration
        in `audits`; where there is none, or a file that it read holds something else now, the
        audit is run.
    audits : str or Path
        Folder of the runs.
    overrides : sequence of str
        ``"key=value"`` with a dotted key.
    as_of : datetime.date, optional
        The day to look back from, as for an audit.

    Returns
    -------
    Pack

    Raises
    ------
    ConfigError, LogError
        If the input is wrong; nothing is written.
    RunError
        If the audit, or printing, fails; nothing is left.
    """
    catalogue_of(language)  # a typing error should not cost an audit
    checked = load_config(config, overrides=overrides, as_of=as_of)
    if run is None:
        run = latest_run(checked, Path(audits))
    if run is None:
        from journeylib.cli.run_notebook import run_audit

        run = run_audit(config, out=audits, overrides=overrides, as_of=as_of).folder
    content = read_content(run, language=language)
    with staged(Path(out), checked.name) as stage:
        folder = stage / f"{content.run_id}-{language}"
        folder.mkdir()
        made = write_pack(content, folder)
        return Pack(commit(folder, Path(out) / checked.name), content, *made)


def write_slides(content: Content, path: Path) -> None:
    """Write the slides with python-pptx, which is an extra."""
    try:
        from journeylib.workshop.slides import deck as slides
    except ModuleNotFoundError as error:
        raise RunError(f"slides need {error.name}. {INSTALL}") from None
    slides.write_slides(content, path)


def latest_run(config: AuditConfig, audits: Path) -> Path | None:
    """Return the latest complete run of a configuration whose input is as it is now.

    What counts is what the files hold, not when they were written; another version of journeylib
    may find something else in them. A log on a server is taken to be as it was.
    """
    wanted = config.hash()
    inputs: list[dict[str, Any]] | None = None
    for found in sorted((audits / config.name).glob(f"*-{wanted[:8]}-*"), reverse=True):
        try:
            manifest = json.loads((found / "manifest.json").read_text(encoding="utf-8"))
        except (OSError, json.JSONDecodeError):
            continue
        complete = all((found / "tables" / f"{name}.parquet").is_file() for name in TABLES)
        same = (manifest["config_hash"], manifest["versions"]["journeylib"])
        if not complete or same != (wanted, __version__):
            continue
        try:
            inputs = fingerprint_files(config) if inputs is None else inputs
        except OSError:
            return None  # the audit says better what is missing
        if manifest["inputs"] == inputs:
            return found.resolve()
    return None


def write_pack(content: Content, folder: Path) -> tuple[dict[str, float], bool, bool]:
    """Write every artefact into an existing folder.

    Returns the sizes of type, whether there are PDFs, and whether they are set as measured.
    """
    drawn, small = poster_wall(content), handout_wall(content)
    sheets = {f"poster-{paper}": poster(content, drawn, paper) for paper in ("a0", "a1")}
    sheets |= {"handout-a3": handout(content, small), "cards-a4": cards(content)}
    (folder / "poster.svg").write_text(poster_svg(drawn), encoding="utf-8")
    (folder / "presentation.html").write_text(presentation(content), encoding="utf-8")
    write_slides(content, folder / "slides.pptx")
    program = browser()
    pages = [folder / f"{name}.html" for name in sheets]
    for page, text in zip(pages, sheets.values(), strict=True):
        page.write_text(text, encoding="utf-8")
    if program is not None:
        # Each sheet has a browser of its own, which waits more than it works.
        with ThreadPoolExecutor() as pool:
            for done in [
                pool.submit(print_pdf, page, page.with_suffix(".pdf"), program=program)
                for page in pages
            ]:
                done.result()
        for page in pages:
            page.unlink()
    if any(path.stat().st_size == 0 for path in folder.iterdir()):
        raise RunError("an artefact came out empty; nothing was left.")
    sizes = {
        paper: (small if paper == "a3" else drawn).type_mm(width * 0.96, height - 0.04 * width)
        for paper, (width, height) in PAPER.items()
    }
    printed = [page.with_suffix(".pdf") for page in pages] if program is not None else []
    return sizes, bool(printed), all(map(is_as_measured, printed))
