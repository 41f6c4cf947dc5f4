"""Pictures for where no SVG goes: PNG with few colours."""

from __future__ import annotations

import importlib.util
import io
import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from journeylib.present.theme import LIGHT, TEMPLATES, VERDICTS

if TYPE_CHECKING:
    import numpy.typing as npt
    from PIL import Image

COLOURS = 64
# Matplotlib comes with pm4py and brings the font for which text is measured: the picture is the
# same on every machine, and has its words on a server without any font.
FONTS = ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf")
_RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
_VARIABLE = re.compile(r"var\(--jl-([\w-]+)\)")


def png(svg: str, *, width: int) -> bytes:
    """Draw an SVG picture of ours as PNG with at most 64 colours.

    Parameters
    ----------
    svg : str
        As in `Figure.svg`.
    width : int
        In pixels; the height follows.

    Returns
    -------
    bytes
        The same on every run.

    Raises
    ------
    ValueError
        If the picture cannot be drawn.
    """
    import resvg_py
    from PIL import Image

    fonts = _fonts()
    named = svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    named = _VARIABLE.sub(lambda match: LIGHT[match[1]], named)
    drawn = resvg_py.svg_to_bytes(
        svg_string=named,
        style_sheet=_flat_css(),
        width=width,
        background=LIGHT["surface"],
        font_files=fonts,
        skip_system_fonts=bool(fonts),
        font_family="DejaVu Sans",
        sans_serif_family="DejaVu Sans",
    )
    picture = Image.open(io.BytesIO(drawn)).convert("RGB")
    few = _with_few_colours(picture)
    out = io.BytesIO()
    few.save(out, "PNG")
    return out.getvalue()


def _with_few_colours(picture: Image.Image) -> Image.Image:
    """Keep our own colours as they are, however little of them there is, and the commonest others.

    A colour may be one verdict's. Each point takes the nearest colour: Pillow's own search is
    rough enough to turn white into grey.
    """
    from PIL import Image

    red, green, blue = np.moveaxis(np.asarray(picture, dtype=np.uint32), 2, 0)
    points = red << 16 | green << 8 | blue
    # A table of every colour that there is takes less time than sorting the points.
    numbers = np.zeros(1 << 24, dtype=np.uint32)
    numbers[points] = 1
    used = np.flatnonzero(numbers)
    numbers[used] = np.arange(len(used))
    numbered = numbers[points]
    often = used[np.argsort(-np.bincount(numbered.ravel()), kind="stable")]
    ours = sorted(int(colour[1:], 16) for colour in set(LIGHT.values()))
    palette = _parts(np.array([*ours, *often[~np.isin(often, ours)]][:COLOURS]))
    near = ((_parts(used)[:, None] - palette) ** 2).sum(axis=2).argmin(axis=1)
    few = Image.frombytes("P", picture.size, near.astype(np.uint8)[numbered].tobytes())
    few.putpalette(palette.astype(np.uint8).tobytes())
    return few


def _parts(colours: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return red, green and blue of each colour, shape (n, 3)."""
    return np.stack([colours >> 16, colours >> 8 & 255, colours & 255], axis=1)


def _fonts() -> list[str]:
    spec = importlib.util.find_spec("matplotlib")
    if spec is None or not spec.submodule_search_locations:
        return []
    folder = Path(spec.submodule_search_locations[0]) / "mpl-data" / "fonts" / "ttf"
    return [str(folder / name) for name in FONTS if (folder / name).is_file()]


def _flat_css() -> str:
    """Return the rules for marks with the light colours in place of variables."""
    rules = (TEMPLATES / "figures.css").read_text(encoding="utf-8")
    flat = []
    for selector, body in _RULE.findall(rules):
        if "{--c" in f"{{{body}" or ":" in selector:
            continue
        plain = _VARIABLE.sub(lambda match: LIGHT[match[1]], body)
        if "var(--c)" not in plain:
            flat.append(f"{selector}{{{plain}}}")
            continue
        # What has the colour of its verdict gets one rule for each verdict.
        flat += [
            f"{selector.strip()}.jl-{code}{{{plain.replace('var(--c)', LIGHT[code])}}}"
            for code in VERDICTS
        ]
    return "".join(flat).replace("font-family:inherit;", "font-family:'DejaVu Sans';")
