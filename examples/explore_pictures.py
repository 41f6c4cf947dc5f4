"""Draw the maps to click in docs/pictures: three logs at three positions of the sliders.

``python examples/explore_pictures.py [FOLDER]`` needs Playwright, Chromium and, for two of the
logs, ../shared/data beside the checkout.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

import journeylib as jl

HERE = Path(__file__).resolve().parent
LOGS = {
    "sample": HERE.parent / "sample_data/telecom/audit.yaml",
    "incidents": HERE / "incidents.yaml",
    "declarations": HERE / "domestic_declarations.yaml",
}
POSITIONS = (25, 50, 100)
DARK = ("sample", 50)


def main() -> None:
    """Draw all nine into a folder."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE.parent / "docs/pictures"
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as scratch:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        for name, config in LOGS.items():
            if not config.is_file():
                continue
            journeys = jl.read_journeys(config)
            for position in POSITIONS:
                state = {"touchpoints": position / 100, "transitions": position / 100}
                page = browser.new_page(
                    viewport={"width": 1400, "height": 1000},
                    color_scheme="dark" if (name, position) == DARK else "light",
                )
                page.goto(
                    jl.explore(journeys, state=state).save(Path(scratch) / "map.html").as_uri()
                )
                shown = page.locator(".jl-explore")
                shown.wait_for()
                shown.screenshot(path=folder / f"explore-{name}-{position}.png")
                page.close()
        browser.close()


if __name__ == "__main__":
    main()
