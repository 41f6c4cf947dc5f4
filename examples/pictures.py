"""Draw the pictures of docs/pictures anew: maps, dashboards, workshops, an experiment, labels.

``python examples/pictures.py [FOLDER]`` needs Playwright, Chromium, pdftoppm and LibreOffice and,
for two of the logs, ../shared/data beside the checkout; what is missing is left out and said.
"""

from __future__ import annotations

import csv
import datetime as dt
import email
import email.policy
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

import journeylib as jl
from journeylib.cli.main import main as journeylib
from journeylib.present.explorer.label_widget import LabelPage

HERE = Path(__file__).resolve().parent
SAMPLES, DATA = HERE.parent / "sample_data", HERE / "../../shared/data"
EXPERIMENT = SAMPLES / "experiment"
TELECOM, BANK = SAMPLES / "telecom/audit.yaml", SAMPLES / "bank/audit.yaml"
INCIDENTS, DECLARATIONS = HERE / "incidents.yaml", HERE / "domestic_declarations.yaml"
AIRLINE = HERE / "airline_bot.yaml"

MAPS = {"sample": TELECOM, "incidents": INCIDENTS, "declarations": DECLARATIONS}
POSITIONS = (25, 50, 100)
DARK = ("sample", 50)
DASHBOARDS = {"dashboard": (TELECOM, 1000), "case-airline": (AIRLINE, 2430)}
DASHBOARDS |= {"case-incidents": (INCIDENTS, 1940)}
WIDTH = 1280
# Name of a picture: configuration, language.
WORKSHOPS = {"": (TELECOM, "en"), "_bank_de": (BANK, "de"), "_incidents_de": (INCIDENTS, "de")}
WALL, SHEET = 1800, 900  # pixels across
# The overview, and a touchpoint (all that it reveals) behind its stage.
SCREENS = """() => {
  document.querySelectorAll('.reveal').forEach(e => e.classList.add('shown'))
  const all = [...document.querySelectorAll('section')]
  const tops = all.map((s, i) => s.classList.contains('top') ? i : -1).filter(i => i >= 0)
  if (!tops.length) return [0, 1, 2]
  const top = tops[Math.floor(tops.length / 4)]
  const stage = all.slice(0, top).findLastIndex(s => !s.classList.contains('top'))
  return [1, stage, top]
}"""
DARK_SCREEN = 2
UNFOLD = "of => { while (of = of.parentElement) if (of.tagName === 'DETAILS') of.open = true }"
# Name of a picture, command after the plan, height of the part that is shown.
EXPERIMENT_PAGES = (("lab_plan", (), 1080), ("lab_read", ("read",), 940))
HARMED, HARM_BEGINS, WATCHED = 5, dt.datetime(2026, 3, 2), "2026-03-22"
LABELS = {"language": "en", "choices": ("transactional", "emotional", "unsure")}
LABELS |= {"done": 51, "all": 200, "opening": "how do I change my address"}
# A label page without a notebook: the widget's script in a page of its own.
LABEL_PAGE = """<style>{css}</style><div id="page" style="width:900px;padding:8px"></div>
<script type="module">{script}
const model = {{ get: () => ({words}), off: () => {{}}, send: () => {{}},
  on: (_, shown) => setTimeout(() => shown({message})) }}
render({{ model, el: document.getElementById("page") }})</script>"""
BUSY_SLIDE = "9"


def main() -> None:
    """Draw all of them into a folder."""
    target = Path(sys.argv[1] if len(sys.argv) > 1 else HERE.parent / "docs/pictures").resolve()
    target.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as scratch:
        os.chdir(scratch)
        folder = Path("drawn").resolve()
        folder.mkdir()
        chromium = shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        draw_maps(browser, folder)
        draw_dashboards(browser, folder)
        draw_experiment(browser, folder)
        draw_label_page(browser, folder)
        for ending, (config, language) in WORKSHOPS.items():
            if there(config):
                draw_workshop(browser, folder, ending, config, language)
        browser.close()
        for file in sorted(folder.iterdir()):
            picture = Image.open(file).convert("RGB")
            few = picture.quantize(256, dither=Image.Dither.NONE)
            few.save(target / file.name, optimize=True)


def there(config: Path) -> bool:
    """Say what is left out where the data of a log are not there."""
    found = SAMPLES in config.parents or DATA.is_dir()
    if not found:
        print(f"{config.stem}: left out, its log is not beside the checkout")
    return found


def draw_maps(browser: Browser, folder: Path) -> None:
    """Draw the maps to click: logs by positions of the sliders."""
    for name, config in MAPS.items():
        if not there(config):
            continue
        journeys = jl.read_journeys(config)
        for position in POSITIONS:
            state = {"touchpoints": position / 100, "transitions": position / 100}
            dark = "dark" if (name, position) == DARK else "light"
            page = browser.new_page(viewport={"width": 1400, "height": 1000}, color_scheme=dark)
            page.goto(jl.explore(journeys, state=state).save(Path("map.html")).resolve().as_uri())
            page.locator(".jl-explore").wait_for()
            page.locator(".jl-explore").screenshot(path=folder / f"explore-{name}-{position}.png")
            page.close()


def draw_dashboards(browser: Browser, folder: Path) -> None:
    """Draw the upper part of dashboards."""
    for name, (config, height) in DASHBOARDS.items():
        if not there(config):
            continue
        journeylib(["audit", str(config)])
        page = browser.new_page(viewport={"width": WIDTH, "height": height})
        page.goto(latest(Path("audits"), "audit.html").as_uri())
        page.screenshot(path=folder / f"{name}.png")
        if config == TELECOM:
            forecast = page.locator("#what-if")
            forecast.evaluate(UNFOLD)
            forecast.scroll_into_view_if_needed()
            forecast.locator(".main-svg").first.wait_for()
            forecast.screenshot(path=folder / "what_if.png")
        page.close()


def draw_experiment(browser: Browser, folder: Path) -> None:
    """Draw plan and reading of the sample experiment, and the mail of one that does harm."""
    config = Path(shutil.copytree(EXPERIMENT, "experiment")) / "audit.yaml"
    plan = Path("lab/offer-a-person/plan.yaml")
    journeylib(["lab", "plan", str(config), "--as-of", "2026-03-01"])
    for name, command, height in EXPERIMENT_PAGES:
        if command:
            journeylib(["lab", *command, str(plan)])
        page = browser.new_page(viewport={"width": 1180, "height": height})
        page.goto((plan.parent / "lab.html").resolve().as_uri())
        page.screenshot(path=folder / f"{name}.png")
        page.close()
    harm(config.with_name("contacts.csv"))
    journeylib(["lab", "watch", str(plan), "--as-of", WATCHED])
    with (plan.parent / "mail.eml").open("rb") as file:
        mail = email.message_from_binary_file(file, policy=email.policy.default)
    body = mail.get_body(("html",))
    assert body is not None
    page = browser.new_page(viewport={"width": 720, "height": 10})
    page.set_content(body.get_content())
    page.screenshot(path=folder / "lab_mail.png", full_page=True)
    page.close()


def harm(contacts: Path) -> None:
    """Let every fifth customer of the new arm complain an hour after a contact with the bot."""
    with contacts.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in [row for row in rows if row["arm"] == "new"]:
        at = dt.datetime.fromisoformat(row["timestamp"])
        if at >= HARM_BEGINS and int(row["customer_id"][1:]) % HARMED == 0:
            later = (at + dt.timedelta(hours=1)).isoformat(" ", "minutes")
            complaint = {"timestamp": later, "touchpoint": "Complaint call", "actor": "human"}
            rows.append(row | complaint | {"arm": "", "solved": "", "csat": "", "cost": ""})
    with contacts.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def draw_label_page(browser: Browser, folder: Path) -> None:
    """Draw one opening to label, of no customer."""
    labels = SimpleNamespace(**LABELS)
    widget = LabelPage(labels)
    page = browser.new_page(viewport={"width": 960, "height": 270})
    page.set_content(
        LABEL_PAGE.format(
            css=widget._css,
            script=str(widget._esm).replace("export default { render }", ""),
            words=json.dumps(widget.words),
            message=json.dumps(widget._shown()),
        )
    )
    page.locator(".jl-opening").wait_for()
    page.screenshot(path=folder / "label_page.png")
    page.close()


def draw_workshop(browser: Browser, folder: Path, ending: str, config: Path, language: str) -> None:
    """Draw the wall, the handout, the cards, three screens and the slides of a workshop."""
    journeylib(["workshop", str(config), "--lang", language])
    made = latest(Path("workshops"), "slides.pptx").parent
    for file, name, width in (
        ("poster-a0", "poster", WALL),
        ("handout-a3", "handout", SHEET),
        ("cards-a4", "cards", SHEET),
    ):
        picture = folder / f"workshop_{name}{ending}"
        command = [
            "pdftoppm",
            "-png",
            "-singlefile",
            "-scale-to-x",
            str(width),
            "-scale-to-y",
            "-1",
        ]
        subprocess.run([*command, made / f"{file}.pdf", picture], check=True)
    page = browser.new_page(viewport={"width": 1280, "height": 720}, device_scale_factor=0.75)
    page.goto((made / "presentation.html").as_uri())
    shots = []
    for number, place in enumerate(page.evaluate(SCREENS)):
        page.evaluate("place => show(place, true)", place)
        if number == DARK_SCREEN:
            page.keyboard.press("d")
        page.screenshot(path=f"screen{number}.png")
        shots.append(Image.open(f"screen{number}.png"))
    page.close()
    side_by_side(shots, 3).save(folder / f"workshop_presentation{ending}.png")
    office = ["soffice", "--headless", "--convert-to", "pdf", made / "slides.pptx"]
    subprocess.run(office, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    subprocess.run(["pdftoppm", "-png", "-r", "40", "slides.pdf", f"slide{ending}"], check=True)
    slides = [Image.open(file) for file in sorted(Path().glob(f"slide{ending}-*.png"))]
    side_by_side(slides, 4).save(folder / f"workshop_slides{ending}.png")
    if not ending:
        command = ["pdftoppm", "-png", "-r", "60", "-f", BUSY_SLIDE, "-singlefile", "slides.pdf"]
        subprocess.run([*command, folder / "workshop_slide"], check=True)


def side_by_side(pictures: list[Image.Image], across: int) -> Image.Image:
    """Lay pictures of one size out in rows."""
    gap, (width, height) = 12, pictures[0].size
    rows = -(-len(pictures) // across)
    size = (across * (width + gap) - gap, rows * (height + gap) - gap)
    sheet = Image.new("RGB", size, "#8a8a8a")
    for i, picture in enumerate(pictures):
        sheet.paste(picture, (i % across * (width + gap), i // across * (height + gap)))
    return sheet


def latest(folder: Path, name: str) -> Path:
    """Return the file of a name that was made last."""
    return max(folder.rglob(name), key=lambda file: file.stat().st_mtime_ns).resolve()


if __name__ == "__main__":
    main()
