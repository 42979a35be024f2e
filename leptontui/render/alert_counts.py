"""How many alerts there are, in one line: pages, predicted, tickets; then what is looked after already, dim."""

from __future__ import annotations

from leptontui.model.alert import AlertBoard, Level
from leptontui.model.health import Severity
from leptontui.render.alert_words import NOTE_GLYPH, sign_of
from leptontui.render.cells import Piece


def alert_counts(board: AlertBoard, *, blind: int, is_short: bool, has_handled: bool = True) -> tuple[Piece, ...]:
    """The line of counts: alerts that fire and that nobody looks after yet; everything else is dim.

    Args:
        board: whose alerts.
        blind: hosts of which nothing fresh is known: while there are any, it is not said that all is well.
        is_short: glyph and number without the word.
        has_handled: whether acknowledged, silenced and pending ones are counted, too.
    """
    parts: list[tuple[Piece, ...]] = []
    counted = (
        (Level.PAGE, board.pages, "page", False),
        (Level.TICKET, board.predicted, "predicted", True),
        (Level.TICKET, board.tickets, "ticket", False),
    )
    for level, number, word, is_predictive in counted:
        if number:
            glyph, role = sign_of(level, is_predictive=is_predictive)
            label = word if is_predictive or number == 1 else f"{word}s"
            text = f"{glyph} {number}" if is_short else f"{glyph} {number} {label}"
            parts.append((Piece(text, role, level is Level.PAGE),))
    if not parts and not blind:
        parts.append((Piece(f"{Severity.WELL.glyph} no alert", "well"),))
    if blind:
        words = f"◌ {blind}" if is_short else f"◌ blind on {blind} host" + ("s" if blind > 1 else "")
        parts.append((Piece(words, "unknown"),))
    if has_handled:
        parts += [(Piece(text, "dim"),) for text in _handled(board, is_short=is_short)]
    pieces: list[Piece] = []
    for part in parts:
        pieces += [Piece("   "), *part] if pieces else part
    return tuple(pieces)


def _handled(board: AlertBoard, *, is_short: bool) -> list[str]:
    """What wants nobody now."""
    words = [
        (NOTE_GLYPH, board.notes, "notes" if board.notes > 1 else "note"),
        ("✓", board.acknowledged, "acknowledged"),
        ("", board.silenced, "silenced"),
        ("", board.pending, "pending"),
    ]
    if is_short:
        return [f"{glyph} {number}" for glyph, number, _ in words if number and glyph == "✓"]
    return [f"{glyph} {number} {word}".strip() for glyph, number, word in words if number]
