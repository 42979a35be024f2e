"""Themes from files: the user's own, and what is said of one that cannot be used."""

from pathlib import Path

import pytest
from fleet_pilot import FleetPilot

from leptontui.ui import themes

SHIPPED = themes.directories()[0]


def theme(name="mine", **changes):
    text = (SHIPPED / "lepton-dark.toml").read_text().replace('"lepton-dark"', f'"{name}"')
    for old, new in changes.items():
        text = text.replace(old, new)
    return text


def test_a_users_theme_is_found_beside_the_shipped_ones(tmp_path: Path):
    (tmp_path / "mine.toml").write_text(theme())
    found = themes.load((SHIPPED, tmp_path))
    assert list(found.palettes)[-1] == "mine"
    assert found.problems == ()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("name = ", "not TOML"),
        ('name = "x"\ndark = true', "[colours] is missing"),
        (theme(critical="kritical"), "kritical: unknown key; did you mean critical?"),
        (theme().replace('well = "#74d68a"\n', ""), "[colours] has no well"),
        (theme().replace('"#74d68a"', '"greenish"'), "colours.well: 'greenish' is not a colour"),
        (theme().replace('"#74d68a"', "7"), "colours.well: a colour such as"),
        (theme().replace("dark = true", 'dark = "yes"'), "dark: true or false is missing"),
        (theme().replace('name = "mine"', ""), "name: a text is missing"),
    ],
)
def test_a_broken_theme_is_named_with_its_reason(tmp_path: Path, text, reason):
    (tmp_path / "broken.toml").write_text(text)
    found = themes.load((SHIPPED, tmp_path))
    (problem,) = found.problems
    assert "broken.toml" in problem
    assert reason in problem
    assert "lepton-dark" in found.palettes


async def test_a_broken_theme_is_told_on_the_screen_and_is_not_fatal(tmp_path: Path, source):
    (tmp_path / "broken.toml").write_text("name = ")
    stage = FleetPilot(source, theme_directories=(SHIPPED, tmp_path))
    async with stage.run(notifications=True):
        assert "broken.toml: not TOML" in stage.notices
        assert stage.app.theme == "lepton-dark"


async def test_without_any_theme_the_screen_is_grey_but_there(tmp_path: Path, source):
    stage = FleetPilot(source, theme_directories=(tmp_path,))
    async with stage.run(notifications=True):
        assert "the screen is grey" in stage.notices
        assert "gpu-001" in stage.text


async def test_a_theme_that_does_not_exist_is_told(source):
    stage = FleetPilot(source, theme="solarised")
    async with stage.run(notifications=True):
        assert "there is no theme solarised" in stage.notices


async def test_the_next_theme_recolours_what_is_on_the_screen(source):
    stage = FleetPilot(source)
    async with stage.run():
        before = stage.app.export_screenshot()
        seen = {stage.app.theme}
        for _ in range(2):
            await stage.press("T")
            seen.add(stage.app.theme)
        assert seen == {"lepton-dark", "lepton-light", "high-contrast"}
        assert stage.app.export_screenshot() != before
