"""How many things are wrong, in one line: each severity with its glyph, or that nothing is."""

from __future__ import annotations

from leptontui.model.health import Severity
from leptontui.render.cells import Piece
from leptontui.render.palette import role_of

_LABELS = {Severity.CRITICAL: "critical", Severity.PREDICTED: "predicted", Severity.WARNING: "warnings"}


def counts(critical: int, predicted: int, warnings: int, *, blind: int, is_short: bool) -> tuple[Piece, ...]:
    """The line of counts.

    Args:
        critical: how many are.
        predicted: how many are.
        warnings: how many there are.
        blind: hosts of which nothing fresh is known: while there are any, it is not said that all is well.
        is_short: glyph and number without the word.
    """
    numbers = {Severity.CRITICAL: critical, Severity.PREDICTED: predicted, Severity.WARNING: warnings}
    pieces: list[Piece] = []
    for severity, number in numbers.items():
        if number:
            label = _LABELS[severity].removesuffix("s" if number == 1 and severity is Severity.WARNING else "")
            text = f"{severity.glyph} {number}" if is_short else f"{severity.glyph} {number} {label}"
            pieces += [Piece("   " if pieces else ""), Piece(text, role_of(severity), severity is Severity.CRITICAL)]
    if not pieces and not blind:
        pieces.append(Piece(f"{Severity.WELL.glyph} all well", role_of(Severity.WELL)))
    if blind:
        words = f"◌ {blind}" if is_short else f"◌ blind on {blind} host" + ("s" if blind > 1 else "")
        pieces += [Piece("   " if pieces else ""), Piece(words, role_of(Severity.UNKNOWN))]
    return tuple(pieces)
