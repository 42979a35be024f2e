"""One line of the triage list as pieces: sign, age, where, what, and who looks after it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from leptontui.model.alert import Level
from leptontui.model.health import Severity
from leptontui.model.text import plain
from leptontui.render.alert_words import NOTE_GLYPH, clock, eta_text, marks, precision_short, record_of, sign_of
from leptontui.render.cells import Piece, fit, fit_pieces, width_of
from leptontui.render.numbers import age
from leptontui.render.palette import role_of
from leptontui.view.alert_places import apart
from leptontui.view.triage_rows import Care, ChangeRow, Row, TriagePage, TriageRow

AGE: Final = 5
_ROOMY: Final = 110
_MARK, _INDENT = 2, 2
_PRECISION: Final = 16
"""Cells of "right 123 of 456"."""
_LEAST_WHERE, _MOST_WHERE, _MOST_WHERE_ROOMY = 8, 18, 30
_MOST_MARKS: Final = 0.5
"""Share of what is left for words that marks may take."""


@dataclass(frozen=True, slots=True)
class TriageColumns:
    """Where things stand, for one page and width.

    Attributes:
        where: cells for host and part.
        has_marks: whether something is marked with space, so that a column is kept for it.
        is_roomy: the screen is wide.
    """

    where: int
    has_marks: bool
    is_roomy: bool


def columns_of(rows: Iterable[Row], width: int, *, has_marks: bool) -> TriageColumns:
    """Columns as wide as the widest of them needs, within bounds."""
    longest = max((len(row.where) + _INDENT * _is_member(row) for row in rows), default=_LEAST_WHERE)
    most = _MOST_WHERE_ROOMY if width >= _ROOMY else _MOST_WHERE
    return TriageColumns(min(most, max(_LEAST_WHERE, longest)), has_marks, width >= _ROOMY)


def _is_member(row: Row) -> bool:
    return isinstance(row, TriageRow) and row.is_member


def titles(columns: TriageColumns) -> tuple[Piece, ...]:
    """The columns' names."""
    mark = " " * _MARK if columns.has_marks else ""
    return (Piece(f"{mark}  {'since':>{AGE}}  {fit('where', columns.where)}  what", "dim"),)


def row_cells(
    row: Row, columns: TriageColumns, width: int, *, page: TriagePage, is_marked: bool, now_unix_s: float
) -> tuple[Piece, ...]:
    """A row as exactly `width` cells."""
    mark = (Piece("✓ " if is_marked else "  ", "accent", is_bold=True),) if columns.has_marks else ()
    if isinstance(row, ChangeRow):
        return fit_pieces((*mark, *_change(row, columns, now_unix_s)), width)
    head = (*mark, *_head(row, columns, now_unix_s))
    room = width - width_of(head)
    most = int(room * _MOST_MARKS)
    tail = _tail(row, page, now_unix_s, has_precision=columns.is_roomy)
    if width_of(tail) > most:
        tail = _tail(row, page, now_unix_s, has_precision=False)
    tail = fit_pieces(tail, min(width_of(tail), most))
    space = room - width_of(tail) - (2 if tail else 0)
    what = fit_pieces(_what(row), max(0, space))
    return fit_pieces((*head, *what, Piece("  " if tail else ""), *tail), width)


def _head(row: TriageRow, columns: TriageColumns, now_unix_s: float) -> tuple[Piece, ...]:
    glyph, role = sign_of(row.level, is_predictive=row.is_predictive)
    is_open = row.care is Care.OPEN
    indent = "└" if row.is_member else ""
    where = fit(f"{indent} {row.where}" if indent else row.where, columns.where)
    return (
        Piece(f"{glyph} ", role if is_open else "dim", row.level is Level.PAGE and is_open),
        Piece(f"{age(now_unix_s - row.since_unix_s):>{AGE}}  ", "dim"),
        Piece(f"{where}  ", "text" if is_open else "dim"),
    )


def _what(row: TriageRow) -> tuple[Piece, ...]:
    is_open = row.care is Care.OPEN
    glyph_role = sign_of(row.level, is_predictive=row.is_predictive)[1]
    role = "dim" if not is_open else glyph_role if row.level is Level.PAGE or row.is_predictive else "text"
    is_bold = is_open and row.level is Level.PAGE and not row.is_predictive
    host = plain(row.alert.subject.host, 60)
    if not row.is_group:
        return (Piece(apart(plain(row.alert.summary), row.where, host), role, is_bold),)
    sign = "▾" if row.is_open else "▸"
    title = apart(plain(row.group.title if len(row.alerts) > 1 else row.alert.summary), row.where, host)
    # Most titles of groups begin with how many they are.
    count = "" if len(row.alerts) == 1 or title.startswith(f"{len(row.alerts)} ") else f"{len(row.alerts)} "
    hidden = f"+{row.hidden} " if row.hidden else ""
    return (Piece(f"{sign} {count}{hidden}", "accent"), Piece(title, role, is_bold))


def _tail(row: TriageRow, page: TriagePage, now_unix_s: float, *, has_precision: bool) -> tuple[Piece, ...]:
    """When it will be and how good such predictions were; who looks after it."""
    pieces: list[Piece] = []
    alert, silences = row.alert, page.board.silences
    if row.is_predictive and alert.eta is not None:
        pieces.append(Piece(eta_text(alert.eta, now_unix_s), "predicted" if row.care is Care.OPEN else "dim"))
        if has_precision:
            pieces.append(
                Piece(f"  {fit(precision_short(record_of(page.board.predictions, alert.rule)), _PRECISION)}", "dim")
            )
    found = _group_marks(row) if row.is_group else marks(alert, now_unix_s, silences)
    if found and pieces:
        pieces.append(Piece("  "))
    return (*pieces, *found)


def _group_marks(row: TriageRow) -> tuple[Piece, ...]:
    """How many members somebody looks after."""
    taken = sum(alert.acknowledgement is not None for alert in row.alerts)
    silenced = sum(bool(alert.silenced_by) for alert in row.alerts)
    flapping = sum(alert.is_flapping for alert in row.alerts)
    who = {alert.acknowledgement.who for alert in row.alerts if alert.acknowledgement is not None}
    pieces: list[Piece] = []
    if taken:
        name = f" {plain(next(iter(who)), 24)}" if len(who) == 1 else ""
        count = "" if taken == len(row.alerts) else f" {taken} of {len(row.alerts)}"
        pieces.append(Piece(f"✓{name}{count}", "well"))
    if silenced:
        pieces.append(Piece(f"  {silenced} silenced" if pieces else f"{silenced} silenced", "dim"))
    if row.care is Care.PENDING:
        pieces.append(Piece("  pending" if pieces else "pending", "dim"))
    if flapping:
        pieces.append(Piece(f"  {flapping} flapping" if pieces else f"{flapping} flapping", "warning"))
    return tuple(pieces)


def _change(row: ChangeRow, columns: TriageColumns, now_unix_s: float) -> Sequence[Piece]:
    role = role_of(row.severity)
    glyph = _OWN_GLYPHS.get(row.what, row.severity.glyph)
    if row.what == "fired" and row.severity is Severity.UNKNOWN:
        glyph = NOTE_GLYPH
    times = f" ×{row.count}" if row.count > 1 else ""
    return (
        Piece(f"{glyph} ", role),
        Piece(f"{clock(row.t_unix_s, now_unix_s):>{AGE}}  ", "dim"),
        Piece(f"{fit(row.where, columns.where)}  "),
        Piece(f"{row.what}{times}", "well" if row.what in _GOOD else role),
        Piece(f"  {row.text}", "dim"),
    )


_GOOD: Final = frozenset({"resolved", "acknowledged", "back"})
_OWN_GLYPHS: Final = {"acknowledged": "✓", "booted": "↻", "resolved": "●"}
