"""Pack: every artefact of a workshop in one folder, complete or not at all."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from journeylib.audits.bundle import commit, staged
from journeylib.audits.config import AuditConfig, load_config
from journeylib.errors import RunError
from journeylib.present.tables import Table, table
from journeylib.present.workshop.content import Content
from journeylib.present.workshop.printing import browser, print_pdf
from journeylib.present.workshop.reading import TABLES, read_content
from journeylib.present.workshop.screens import presentation, weighty
from journeylib.present.workshop.sheets import (
    PAPER,
    cards,
    handout,
    poster,
    poster_svg,
    poster_wall,
)
from journeylib.present.workshop.words import words_of
from journeylib.progress import working

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
    """

    folder: Path
    content: Content
    type_mm: dict[str, float]
    printed: bool

    @property
    def summary(self) -> str:
        """What to tell the person at the terminal."""
        lines = [self.outline, *(f"  {path.name}" for path in sorted(self.folder.iterdir()))]
        if not self.printed:
            lines.append("No Chromium found: open the .html sheets in a browser and print them.")
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
    progress: bool = False,
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
        in `audits`; where there is none, or a file of the log is newer, the audit is run.
    audits : str or Path
        Folder of the runs.
    overrides : sequence of str
        ``"key=value"`` with a dotted key.
    progress : bool
        Show a bar while the audit runs.

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
    words_of(language)  # a typing error should not cost an audit
    checked = load_config(config, overrides=overrides)
    if run is None:
        run = latest_run(checked, Path(audits))
    if run is None:
        from journeylib.present.execute import run_audit

        run = run_audit(config, out=audits, overrides=overrides, progress=progress).folder
    content = read_content(run, language=language)
    with staged(Path(out), checked.name) as stage:
        folder = stage / f"{content.run_id}-{language}"
        folder.mkdir()
        sizes, printed = write_pack(content, folder)
        return Pack(commit(folder, Path(out) / checked.name), content, sizes, printed)


def write_slides(content: Content, path: Path) -> None:
    """Write the slides with python-pptx, which is an extra."""
    try:
        from journeylib.present.workshop import slides
    except ModuleNotFoundError as error:
        raise RunError(f"slides need {error.name}. {INSTALL}") from None
    slides.write_slides(content, path)


def latest_run(config: AuditConfig, audits: Path) -> Path | None:
    """Return the latest complete run of a configuration that is not older than its log."""
    found = audits / config.name / "latest"
    try:
        manifest = json.loads((found / "manifest.json").read_text(encoding="utf-8"))
        written = (found / "manifest.json").stat().st_mtime
        logs = (config.log.files,) if isinstance(config.log.files, str) else config.log.files
        newest = max(
            (path.stat().st_mtime for file in logs for path in _files(Path(file))), default=0.0
        )
    except (OSError, json.JSONDecodeError):
        return None
    complete = all((found / "tables" / f"{name}.parquet").is_file() for name in TABLES)
    same = manifest["config_hash"] == config.hash()
    return found.resolve() if complete and same and newest <= written else None


def _files(file: Path) -> list[Path]:
    return [file] if file.is_file() else sorted(file.parent.glob(file.name))


def write_pack(content: Content, folder: Path) -> tuple[dict[str, float], bool]:
    """Write every artefact into an existing folder; return sizes of type and whether printed."""
    drawn, small = poster_wall(content), poster_wall(content, room=False)
    sheets = {f"poster-{paper}": poster(content, drawn, paper) for paper in ("a0", "a1")}
    sheets |= {"handout-a3": handout(content, small), "cards-a4": cards(content)}
    (folder / "poster.svg").write_text(poster_svg(drawn), encoding="utf-8")
    (folder / "presentation.html").write_text(presentation(content), encoding="utf-8")
    write_slides(content, folder / "slides.pptx")
    program = browser()
    for name, page in sheets.items():
        source = folder / f"{name}.html"
        source.write_text(page, encoding="utf-8")
        if program is not None:
            print_pdf(source, folder / f"{name}.pdf", program=program)
            source.unlink()
    if any(path.stat().st_size == 0 for path in folder.iterdir()):
        raise RunError("an artefact came out empty; nothing was left.")
    sizes = {
        paper: (small if paper == "a3" else drawn).type_mm(width * 0.96, height - 0.04 * width)
        for paper, (width, height) in PAPER.items()
    }
    return sizes, program is not None
