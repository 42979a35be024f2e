"""Colours by meaning, and the rich styles made of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from rich.style import Style

from leptontui.model.health import Severity

_QUIET: Final = 0.5
"""Share of its own colour that is left of a quiet one: areas still differ from the background by 2.5 : 1 and more."""


@dataclass(frozen=True, slots=True)
class Palette:
    """One theme's colours as `#rrggbb`. Colour means state or series, nothing else.

    Attributes:
        name: the theme's name.
        is_dark: whether the background is darker than the text.
        background: behind everything.
        surface: behind header and footer.
        cursor: behind the row under the cursor.
        rule: lines that separate.
        text: what is read.
        dim: what is read second: units, labels, nulls, whatever is not live.
        accent: focus and keys.
        critical, predicted, warning, well, unknown: by severity.
        drained: taken out of service.
        forecast: the future.
        band80, band95: behind the future, from likely to unlikely.
        threshold: limits that must not be crossed.
        series: told apart by position: utilisation, temperature, memory, power, then any other.
    """

    name: str
    is_dark: bool
    background: str
    surface: str
    cursor: str
    rule: str
    text: str
    dim: str
    accent: str
    critical: str
    predicted: str
    warning: str
    well: str
    unknown: str
    drained: str
    forecast: str
    band80: str
    band95: str
    threshold: str
    series: tuple[str, ...]

    def colour(self, role: str) -> str:
        """The colour of a role: a field's name, or `series-1`, `series-2`, … which wrap round.

        `quiet-` before it makes it recede into the background: areas of what is well must not shout.

        Raises:
            AttributeError: there is no such role.
        """
        if role.startswith("quiet-"):
            return _mixed(self.colour(role.removeprefix("quiet-")), self.background, _QUIET)
        if role.startswith("series-"):
            return self.series[(int(role.removeprefix("series-")) - 1) % len(self.series)]
        colour: str = getattr(self, role)
        return colour

    def style(self, role: str, *, on: str = "background", is_bold: bool = False) -> Style:
        """The rich style of text in one role on another's colour."""
        return _style(self.colour(role), self.colour(on), is_bold)


def role_of(severity: Severity) -> str:
    """The palette's role for a severity."""
    return severity.name.lower()


@lru_cache(maxsize=128)
def _mixed(colour: str, background: str, share: float) -> str:
    channels = ((int(colour[i : i + 2], 16), int(background[i : i + 2], 16)) for i in (1, 3, 5))
    return "#" + "".join(f"{round(a * share + b * (1 - share)):02x}" for a, b in channels)


@lru_cache(maxsize=512)
def _style(colour: str, background: str, is_bold: bool) -> Style:  # noqa: FBT001 — a cache takes positions
    return Style(color=colour, bgcolor=background, bold=is_bold)
