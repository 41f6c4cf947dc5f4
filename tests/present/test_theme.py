import pytest

from journeylib.present.theme import DARK, LIGHT, VERDICTS, css

# Pairs of text and ground that occur: at least 4.5 : 1.
TEXT_ON = (
    *((name, ground) for name in ("ink", "muted") for ground in ("bg", "surface", "band")),
    *((name, ground) for name in ("accent", "good", "bad") for ground in ("bg", "surface")),
    *(
        (name, ground)
        for name in ("automate", "assist", "human_led", "human_only", "fix_first", "abstain")
        for ground in ("surface", "band")
    ),
    ("head-ink", "head"),
    ("good", "good-soft"),
    ("bad", "bad-soft"),
    ("ink", "good-soft"),
    ("ink", "bad-soft"),
    ("ink", "note"),
    ("muted", "note"),
)
# Pairs of mark and ground that occur: at least 3 : 1.
MARK_ON = (
    ("flow", "surface"),
    ("flow", "band"),
    ("back", "surface"),
    ("back", "band"),
)


def tint_over(colour, ground, opacity):
    """Return the colour that `colour` makes over `ground`."""
    channels = (
        round(opacity * int(colour[i : i + 2], 16) + (1 - opacity) * int(ground[i : i + 2], 16))
        for i in (1, 3, 5)
    )
    return "#" + "".join(f"{channel:02X}" for channel in channels)


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
class TestContrast:
    def test_text_holds_aa(self, palette):
        low = {pair for pair in TEXT_ON if contrast(palette[pair[0]], palette[pair[1]]) < 4.5}
        assert low == set()

    def test_marks_hold_aa(self, palette):
        low = {pair for pair in MARK_ON if contrast(palette[pair[0]], palette[pair[1]]) < 3}
        assert low == set()

    def test_large_text_on_bars_holds_aa(self, palette):
        bars = ("good", "accent", "bad", "flow")
        assert all(contrast(palette["surface"], palette[bar]) >= 3 for bar in bars)

    def test_ink_in_the_quadrants_zones_holds_aa(self, palette):
        for zone in ("automate", "human_led"):
            ground = tint_over(palette[zone], palette["surface"], 0.07)
            assert contrast(palette["ink"], ground) >= 4.5
            assert contrast(palette[zone], ground) >= 4.5


def luminance(colour):
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    """The contrast ratio of WCAG 2.2; AA asks 4.5 for text and 3 for marks."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return round((light + 0.05) / (dark + 0.05), 9)


def test_contrast_of_known_pairs():
    # #767676 is the lightest grey that holds AA on white.
    assert (contrast("#000000", "#FFFFFF"), contrast("#123456", "#123456")) == (21.0, 1.0)
    assert contrast("#767676", "#FFFFFF") == pytest.approx(4.54, abs=0.005)
    assert contrast("#FFFFFF", "#777777") < 4.5


def test_a_verdict_is_told_by_word_shape_glyph_and_colour():
    for attribute in ("word", "shape", "glyph"):
        assert len({getattr(verdict, attribute) for verdict in VERDICTS.values()}) == 6
    for palette in (LIGHT, DARK):
        assert len({palette[code] for code in VERDICTS}) == 6


def test_every_variable_in_use_is_defined():
    import re

    used = set(re.findall(r"var\(--jl-([\w-]+)\)", css()))
    assert used <= set(LIGHT)
    assert set(LIGHT) == set(DARK)
