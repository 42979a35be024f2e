"""How something is, in one cell: a glyph and a word, with the age of whatever is not fresh."""

from __future__ import annotations

from typing import Final

from leptontui.model.health import Severity
from leptontui.model.link import LinkState
from leptontui.render.cells import Piece
from leptontui.render.numbers import age
from leptontui.render.palette import role_of

LINK_GLYPHS: Final = {
    LinkState.LIVE: "●",
    LinkState.STALE: "◌",
    LinkState.LOST: "✖",
    LinkState.REFUSED: "⊘",
    LinkState.DIALING: "○",
}
"""The sign of each link state, as counted in the header."""
LINK_ROLES: Final = {  # a lost host is not a sick one: its rows are grey, its count in the header is not
    LinkState.LIVE: "well",
    LinkState.STALE: "unknown",
    LinkState.LOST: "unknown",
    LinkState.REFUSED: "warning",
    LinkState.DIALING: "accent",
}


def standing(
    severity: Severity, health: str, link: LinkState, link_cause: str, age_s: float | None
) -> tuple[Piece, ...]:
    """The health cell.

    Args:
        severity: how bad it is.
        health: why, "" if well.
        link: state of the host's link; one that is not live says its age before anything else.
        link_cause: why it is not live.
        age_s: age of the newest sweep, None if there never was one.
    """
    if link is not LinkState.LIVE:
        words = link.value if age_s is None else f"{link.value} {age(age_s)}"
        known = health if severity >= Severity.WARNING else link_cause
        glyph = Piece(f"{LINK_GLYPHS[link]} ", LINK_ROLES[link])
        return (glyph, Piece(words, "unknown"), Piece(f"  {known}" if known else "", "dim"))
    role = role_of(severity)
    if severity is Severity.WELL:
        return (Piece(severity.glyph, role), Piece(f" {health}" if health else "", "dim"))
    return (Piece(f"{severity.glyph} {health}", role, severity is Severity.CRITICAL),)
