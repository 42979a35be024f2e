"""Every theme that comes with the program can be read on, in each of its colours."""

import pytest
from rich.color import Color, ColorSystem

from leptontui.render.palette import Palette
from leptontui.ui.themes import shipped

READ = ("text", "dim", "accent", "critical", "predicted", "warning", "well", "unknown", "drained")
PALETTES = shipped().palettes


def luminance(colour):
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def test_the_promised_themes_are_there():
    assert set(PALETTES) >= {"lepton-dark", "lepton-light", "high-contrast"}
    assert shipped().problems == ()


@pytest.mark.parametrize("palette", PALETTES.values(), ids=lambda palette: palette.name)
@pytest.mark.parametrize("behind", ["background", "surface", "cursor"])
@pytest.mark.parametrize("role", READ)
def test_text_is_readable_on_everything(palette, behind, role):
    """4.5 : 1 is WCAG 2.2's least for text, 1.4.3."""
    least = 4.5 if behind != "cursor" else 3.9
    assert contrast(palette.colour(role), palette.colour(behind)) >= least


@pytest.mark.parametrize("palette", PALETTES.values(), ids=lambda palette: palette.name)
def test_areas_differ_from_the_background(palette):
    """3 : 1 is WCAG 2.2's least for graphics, 1.4.11; what is well may recede further."""
    for role in ("forecast", *(f"series-{i + 1}" for i in range(len(palette.series)))):
        assert contrast(palette.colour(role), palette.background) >= 3
        assert contrast(palette.colour(f"quiet-{role}"), palette.background) >= 1.6


@pytest.mark.parametrize("palette", PALETTES.values(), ids=lambda palette: palette.name)
def test_severities_are_told_apart(palette):
    severities = [palette.colour(role) for role in ("critical", "predicted", "warning", "well")]
    assert len(set(severities)) == 4


@pytest.mark.parametrize("palette", PALETTES.values(), ids=lambda palette: palette.name)
def test_severities_are_told_apart_in_16_colours_and_from_what_is_quiet(palette):
    roles = ("critical", "predicted", "warning", "well", "dim")
    assert len({Color.parse(palette.colour(role)).downgrade(ColorSystem.STANDARD).number for role in roles}) == 5


def test_series_wrap_round_and_unknown_roles_are_an_error():
    palette = next(iter(PALETTES.values()))
    assert isinstance(palette, Palette)
    assert palette.colour(f"series-{len(palette.series) + 1}") == palette.series[0]
    with pytest.raises(AttributeError):
        palette.colour("no-such-role")
