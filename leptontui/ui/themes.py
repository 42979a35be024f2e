"""Themes from TOML files: the ones that come with the program and the user's own; faults are told in words."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from textual.app import App
from textual.color import Color, ColorParseError
from textual.theme import Theme

from leptontui.render.palette import Palette

DEFAULT: Final = "lepton-dark"
_PACKAGE: Final = Path(__file__).resolve().parent.parent
_ROLES: Final = tuple(f.name for f in fields(Palette) if f.name not in {"name", "is_dark", "series"})
_TOP_KEYS: Final = ("name", "dark", "colours")
_FALLBACK: Final = Palette(
    DEFAULT,
    is_dark=True,
    series=("#59b5e0", "#d9a05b", "#4fc0a4", "#b5bd68"),
    **dict.fromkeys(_ROLES, "#d7dee7") | dict.fromkeys(("background", "surface", "cursor"), "#0f1318"),
)
"""Plain grey, for when not one theme can be read: a fleet without colour is better than no fleet."""


class ThemeProblem(ValueError):
    """A theme file that cannot be used; its text is the reason, in words."""


@dataclass(frozen=True, slots=True)
class Themes:
    """What was found on disk.

    Attributes:
        palettes: usable themes by name, those of the program first.
        problems: one line for each file that cannot be used: `file: reason`.
    """

    palettes: Mapping[str, Palette]
    problems: tuple[str, ...] = ()


def directories() -> tuple[Path, ...]:
    """Where themes lie: in the wheel or the source tree, then the user's configuration."""
    import platformdirs  # noqa: PLC0415 — not before a theme is wanted

    packaged = _PACKAGE / "themes"
    shipped = packaged if packaged.is_dir() else _PACKAGE.parent / "themes"
    return (shipped, platformdirs.user_config_path("leptontui") / "themes")


def load(places: Iterable[Path]) -> Themes:
    """Read every `*.toml` in `places`; a later theme replaces an earlier one of the same name."""
    palettes: dict[str, Palette] = {}
    problems: list[str] = []
    for place in places:
        for path in sorted(place.glob("*.toml")):
            try:
                palette = parse(path.read_text(encoding="utf-8"))
            except (OSError, UnicodeDecodeError, ThemeProblem) as error:
                problems.append(f"{path}: {error}")
            else:
                palettes[palette.name] = palette
    if not palettes:
        problems.append("no theme could be read: the screen is grey")
        palettes[_FALLBACK.name] = _FALLBACK
    return Themes(palettes, tuple(problems))


def parse(text: str) -> Palette:
    """Read one theme.

    Raises:
        ThemeProblem: it is not TOML, or a key is missing, unknown or not a colour.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ThemeProblem(f"not TOML: {error}") from error
    _only_known(document, _TOP_KEYS, "")
    name, colours = document.get("name"), document.get("colours")
    if not isinstance(name, str) or not name.strip():
        raise ThemeProblem("name: a text is missing")
    if not isinstance(document.get("dark"), bool):
        raise ThemeProblem("dark: true or false is missing")
    if not isinstance(colours, dict):
        raise ThemeProblem("[colours] is missing")
    _only_known(colours, (*_ROLES, "series"), "colours.")
    if missing := [role for role in (*_ROLES, "series") if role not in colours]:
        raise ThemeProblem(f"[colours] has no {', '.join(missing)}")
    series = colours.pop("series")
    if not isinstance(series, list) or not series:
        raise ThemeProblem("colours.series: a list of colours is missing")
    roles = {role: _colour(f"colours.{role}", value) for role, value in colours.items()}
    told_apart = tuple(_colour(f"colours.series[{i}]", value) for i, value in enumerate(series))
    return Palette(name=name, is_dark=document["dark"], series=told_apart, **roles)


def textual_theme(palette: Palette) -> Theme:
    """The Textual theme of a palette: each role is a CSS variable of its name, series are `$series-1`, ….

    Textual's own names keep their meaning: `$primary` and `$accent` are the accent, `$error` is critical, `$success` is
    well.
    """
    variables = {role: getattr(palette, role) for role in _ROLES}
    variables |= {f"series-{i + 1}": colour for i, colour in enumerate(palette.series)}
    variables |= {
        "footer-key-foreground": palette.accent,
        "input-selection-background": palette.cursor,
        "input-cursor-background": palette.accent,
        "input-cursor-foreground": palette.background,
        "scrollbar": palette.rule,
        "scrollbar-hover": palette.dim,
        "scrollbar-active": palette.accent,
        "scrollbar-background": palette.background,
        "scrollbar-background-hover": palette.background,
        "scrollbar-background-active": palette.background,
        "scrollbar-corner-color": palette.background,
        "block-cursor-background": palette.cursor,
        "block-cursor-foreground": palette.text,
        "border": palette.accent,
        "border-blurred": palette.rule,
    }
    return Theme(
        name=palette.name,
        primary=palette.accent,
        secondary=palette.drained,
        warning=palette.warning,
        error=palette.critical,
        success=palette.well,
        accent=palette.accent,
        foreground=palette.text,
        background=palette.background,
        surface=palette.surface,
        panel=palette.surface,
        boost=palette.surface,
        dark=palette.is_dark,
        variables=variables,
    )


def variable_defaults() -> dict[str, str]:
    """A value for each of our CSS variables, so that style sheets parse under any other theme too."""
    palette = shipped().palettes.get(DEFAULT, _FALLBACK)
    defaults = {role: getattr(palette, role) for role in _ROLES}
    return defaults | {f"series-{i + 1}": palette.series[i % len(palette.series)] for i in range(6)}


def palette_of(app: App[Any]) -> Palette:
    """The palette of the theme in use; the default's if the app shows a theme that is not one of ours."""
    own: Mapping[str, Palette] = getattr(app, "palettes", None) or shipped().palettes
    return own.get(app.theme) or own.get(DEFAULT) or next(iter(own.values()))


@lru_cache(maxsize=1)
def shipped() -> Themes:
    """The themes that come with the program, read once."""
    return load(directories()[:1])


def _only_known(table: Mapping[str, Any], known: Iterable[str], where: str) -> None:
    known = tuple(known)
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            raise ThemeProblem(f"{where}{key}: unknown key" + (f"; did you mean {near[0]}?" if near else ""))


def _colour(key: str, value: object) -> str:
    if not isinstance(value, str):
        raise ThemeProblem(f'{key}: a colour such as "#62c4ff" is missing')
    try:
        return Color.parse(value).hex6.lower()
    except ColorParseError as error:
        raise ThemeProblem(f"{key}: {value!r} is not a colour") from error
