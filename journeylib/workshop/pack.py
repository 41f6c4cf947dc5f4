"""Pack: every artefact of a workshop in one folder, complete or not at all."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from journeylib import __version__
from journeylib.audits import AuditConfig, commit, fingerprint_files, staged
from journeylib.core import RunError, extra, working
from journeylib.present import Table, pdf, table
from journeylib.workshop.content.content import Content
from journeylib.workshop.content.from_run import TABLES, read_content
from journeylib.workshop.screens import presentation
from journeylib.workshop.sheets import (
    cards,
    handout,
    handout_wall_map,
    poster,
    poster_svg,
    poster_wall_map,
    type_mm,
)

# The fonts that text on paper is measured in, by the names that they have inside a PDF.
MEASURED = re.compile(rb"/BaseFont ?/[A-Z]{6}\+(Arial|LiberationSans|Arimo|Helvetica)")


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
    not_printed : str
        Why there are no PDFs but only the pages to print; empty where there are.
    fitting : bool
        Whether they are set in a font whose widths their text was measured in.
    """

    folder: Path
    content: Content
    type_mm: dict[str, float]
    not_printed: str
    fitting: bool

    @property
    def summary(self) -> str:
        """What to tell the person at the terminal."""
        words = self.content.words
        lines = [self.outline, *(f"  {path.name}" for path in sorted(self.folder.iterdir()))]
        if self.not_printed:
            lines.append(f"{self.not_printed} {words.text('pack.print_it')}")
        elif not self.fitting:
            lines.append(words.text("pack.wide_font"))
        return "\n".join([*lines, words.text("pack.folder", folder=str(self.folder))])

    @property
    def outline(self) -> str:
        """What was made, wherever it lies and whoever printed it."""
        content, words = self.content, self.content.words
        moments = len({moment.touchpoint.name for moment in content.moments})
        return words.text(
            "pack.outline",
            title=content.title,
            stages=len(content.stages),
            touchpoints=len(content.touchpoints),
            moments=moments,
            sizes=", ".join(
                f"{paper.upper()} {words.number(size, 1)} mm"
                for paper, size in self.type_mm.items()
            ),
        )

    @property
    def decisions(self) -> Table:
        """What to decide, as every artefact says it first."""
        words, heads = self.content.words, ("decision", "reason", "base")
        columns = [words.text(f"deck.{head}") for head in heads]
        rows = [(one.title, one.reason, one.base) for one in self.content.first_screen.decisions]
        frame = pd.DataFrame(rows, columns=columns)
        return table(frame, words.text("present.now.decide"))


@working("preparing the workshop")
def prepare_workshop(
    run: str | Path, *, out: str | Path = "workshops", language: str = "en"
) -> Pack:
    """Prepare everything for a workshop: presentation, slides, posters, handout and cards.

    Parameters
    ----------
    run : str or Path
        A run directory; `latest_run` finds the latest one of a configuration.
    out : str or Path
        The folder is ``out/<audit name>/<run id>-<language>``.
    language : str
        A language of the catalogue.

    Raises
    ------
    ConfigError
        If there are no texts in the language; nothing is written.
    LogError
        If the directory is no complete run.
    RunError
        If an artefact fails; nothing is left.
    """
    content = read_content(run, language=language)
    home = Path(out) / content.name
    with staged(Path(out), content.name) as stage:
        folder = stage / f"{content.run_id}-{language}"
        folder.mkdir()
        artefacts = write_artefacts(content, folder)
        return Pack(commit(folder, home), content, *artefacts)


def write_slides(content: Content, path: Path) -> None:
    """Write the slides with python-pptx, which is an extra."""
    with extra("workshop", "a deck of slides"):
        from journeylib.workshop.slides.deck import write_slides
    write_slides(content, path)


def latest_run(config: AuditConfig, audits: str | Path = "audits") -> Path | None:
    """Return the latest complete run of a configuration whose input is as it is now.

    What counts is what the files hold, not when they were written; another version of journeylib
    may find something else in them. A log on a server is taken to be as it was.
    """
    wanted = config.hash()
    inputs: list[dict[str, Any]] | None = None
    for run in sorted((Path(audits) / config.name).glob(f"*-{wanted[:8]}-*"), reverse=True):
        try:
            manifest = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
        except (OSError, json.JSONDecodeError):
            continue
        complete = all((run / "tables" / f"{name}.parquet").is_file() for name in TABLES)
        same = (manifest["config_hash"], manifest["versions"]["journeylib"])
        if not complete or same != (wanted, __version__):
            continue
        try:
            inputs = fingerprint_files(config) if inputs is None else inputs
        except OSError:
            return None  # the audit says better what is missing
        if manifest["inputs"] == inputs:
            return run.resolve()
    return None


def write_artefacts(content: Content, folder: Path) -> tuple[dict[str, float], str, bool]:
    """Write every artefact into an existing folder.

    Returns the sizes of type, why there are no PDFs, and whether they are set as measured.
    """
    large, small = poster_wall_map(content), handout_wall_map(content)
    sheets = {f"poster-{paper}": poster(content, large, paper) for paper in ("a0", "a1")}
    sheets |= {"handout-a3": handout(content, small), "cards-a4": cards(content)}
    (folder / "poster.svg").write_text(poster_svg(large), encoding="utf-8")
    (folder / "presentation.html").write_text(presentation(content), encoding="utf-8")
    write_slides(content, folder / "slides.pptx")
    pages = [folder / f"{name}.html" for name in sheets]
    for page, text in zip(pages, sheets.values(), strict=True):
        page.write_text(text, encoding="utf-8")
    # Each sheet has a browser of its own, which waits more than it works.
    with ThreadPoolExecutor() as pool:
        prints = list(pool.map(pdf, pages))
    not_printed = next((reason for content, reason in prints if content is None), "")
    if not not_printed:
        for page, (printed, _) in zip(pages, prints, strict=True):
            page.with_suffix(".pdf").write_bytes(printed or b"")
            page.unlink()
    if any(path.stat().st_size == 0 for path in folder.iterdir()):
        raise RunError("an artefact came out empty; nothing was left.")
    sizes = {paper: type_mm(large, paper) for paper in ("a0", "a1")} | {"a3": type_mm(small, "a3")}
    return sizes, not_printed, all(MEASURED.search(printed or b"") for printed, _ in prints)
