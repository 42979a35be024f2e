"""What the triage list says around its rows: its headings, in words also where there is nothing; all about a row."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Final

from leptontui.model.alert import AlertBoard
from leptontui.model.counted import counted
from leptontui.model.text import plain
from leptontui.render.alert_words import clock, eta_clock, eta_text, lasted, marks, precision_text, record_of, sign_of
from leptontui.render.cells import Piece
from leptontui.render.numbers import age
from leptontui.render.palette import role_of
from leptontui.ui.screens.listing import wrapped
from leptontui.ui.widgets.row_list import Heading
from leptontui.view.triage_rows import ChangeRow, Row, Section, TriagePage, TriageRow

_OLD_S: Final = 30.0
"""Rules that were last evaluated so long ago do not speak of now."""


def items(page: TriagePage, now_unix_s: float, *, has_failed: bool = False) -> Iterator[Row | Heading]:
    """The rows under their headings; a section without rows says so in words."""
    by_section: dict[Section, list[Row]] = {section: [] for section in Section}
    for row in page.rows:
        by_section[row.section].append(row)
    yield from _now(page, by_section[Section.NOW], now_unix_s, has_failed=has_failed)
    yield Heading("")
    ahead = by_section[Section.AHEAD]
    if ahead:
        yield Heading(f"will be: {_counted(ahead, page.groups_ahead, 'prediction')}", "accent")
        yield from ahead
    else:
        what = "no prediction fits the filter" if page.groups_ahead else "nothing is predicted"
        yield Heading(f"will be: {what}{_judged(page)}", "dim")
    if pending := by_section[Section.PENDING]:
        yield Heading("")
        counted = _counted(pending, page.groups_pending, "trouble")
        yield Heading(f"pending: {counted}, not yet for as long as the rule asks", "dim")
        yield from pending
    yield Heading("")
    changed = by_section[Section.CHANGED]
    yield Heading("what changed in the last hour" if changed else "nothing changed in the last hour", "dim")
    yield from changed


def _now(page: TriagePage, rows: Sequence[Row], now_unix_s: float, *, has_failed: bool) -> Iterator[Row | Heading]:
    blind = page.hosts_total - page.hosts_live
    evaluated = page.board.evaluated_unix_s
    if not evaluated:
        yield Heading("no rules evaluated yet", "dim")
    elif rows:
        yield Heading(f"wrong now: {_counted(rows, page.groups_now, 'trouble')}{_handled(page.board)}", "accent")
    elif page.groups_now:
        yield Heading(f"nothing fits the filter; it hides {page.groups_now}, esc shows them again", "warning")
    else:
        since = age(now_unix_s - evaluated)
        what = "nothing is wrong with what can be seen" if blind else "nothing is wrong"
        hosts = f"{page.hosts_live} of {page.hosts_total} host{'' if page.hosts_total == 1 else 's'}"
        yield Heading(f"{what}; rules were last evaluated {since} ago on {hosts}", "unknown" if blind else "well")
    yield from rows
    if evaluated and (has_failed or now_unix_s - evaluated >= _OLD_S):
        yield Heading(
            f"▲ rules were last evaluated {age(now_unix_s - evaluated)} ago: this is not the present", "warning"
        )
    if blind:
        hosts = f"{blind} host{'' if blind == 1 else 's'}"
        yield Heading(f"◌ blind on {hosts}: what is wrong there is not known", "unknown")


def _handled(board: AlertBoard) -> str:
    """How many want nobody now: they stand at the end of the section."""
    words = [
        f"{number} {word}"
        for number, word in (
            (board.acknowledged, "acknowledged"),
            (board.pending, "pending"),
            (board.silenced, "silenced"),
            (board.inhibited, "explained by another"),
        )
        if number
    ]
    return f"; of all alerts {', '.join(words)}" if words else ""


def _counted(rows: Sequence[Row], total: int, noun: str) -> str:
    shown = sum(isinstance(row, TriageRow) and not row.is_member for row in rows)
    return counted(total, noun) if shown == total else f"{shown} of {counted(total, noun)}"


def _judged(page: TriagePage) -> str:
    """How good predictions were, over all rules."""
    right = sum(record.came_true for record in page.board.predictions)
    judged = right + sum(record.did_not for record in page.board.predictions)
    return f"; predictions so far were right {right} of {judged} times" if judged else ""


def about(row: Row, page: TriagePage, width: int, now_unix_s: float) -> list[Sequence[Piece]]:
    """All there is to say about a row in a few lines: where, since when, what else; then the evidence."""
    if isinstance(row, ChangeRow):
        return _about_change(row, width, now_unix_s)
    if row.is_group:
        return _about_group(row, width, now_unix_s)
    alert = row.alert
    glyph, role = sign_of(alert.level, is_predictive=alert.is_predictive)
    head: list[Piece] = [
        Piece(f" {row.where}  ", is_bold=True),
        Piece(f"{glyph} {alert.level.word}", role),
        Piece(f"   {plain(alert.rule, 60)}", "dim"),
        Piece(f"   since {clock(alert.since_unix_s, now_unix_s)}, for {lasted(alert, now_unix_s)}", "dim"),
    ]
    found = marks(alert, now_unix_s, page.board.silences)
    lines: list[Sequence[Piece]] = [(*head, Piece("   "), *found) if found else head]
    if alert.eta is not None:
        record = record_of(page.board.predictions, alert.rule)
        words = f" {eta_text(alert.eta, now_unix_s)}, at {eta_clock(alert.eta, now_unix_s)}"
        lines.append((Piece(words, "predicted"), Piece(f"   {precision_text(record)}", "dim")))
    why = alert.acknowledgement.why if alert.acknowledgement is not None else ""
    if why:
        lines.append((Piece(f" ✓ {plain(why)}", "well"),))
    said = [plain(line) for line in alert.evidence if line] or [plain(alert.summary)]
    for line in said:
        lines += wrapped(line, width, lines=1)
    return lines


def _about_group(row: TriageRow, width: int, now_unix_s: float) -> list[Sequence[Piece]]:
    group = row.group
    glyph, role = sign_of(row.level, is_predictive=row.is_predictive)
    hidden = f", and explains {row.hidden} more away" if row.hidden else ""
    cause = f"   {plain(group.cause, 80)}" if group.cause else ""
    head = (
        Piece(f" {glyph} ", role),
        Piece(f"{len(row.alerts)} alert{'' if len(row.alerts) == 1 else 's'}{hidden}", is_bold=True),
        Piece(f"{cause}   since {clock(row.since_unix_s, now_unix_s)}", "dim"),
    )
    names = list(dict.fromkeys(plain(alert.subject.host, 60) or "fleet" for alert in row.alerts))
    rest = f" and {len(names) - 60} more" if len(names) > 60 else ""  # noqa: PLR2004 — more than fit any screen
    where = "" if len(names) == 1 else f" — on {', '.join(names[:60])}{rest}"  # of one host the title or its row tells
    return [head, *wrapped(plain(group.title) + where, width, lines=2)]


def _about_change(row: ChangeRow, width: int, now_unix_s: float) -> list[Sequence[Piece]]:
    at = time.strftime("%H:%M:%S", time.localtime(row.t_unix_s))
    times = f", {row.count} times" if row.count > 1 else ""
    head = (
        Piece(f" {row.where}  ", is_bold=True),
        Piece(f"{row.what}", role_of(row.severity)),
        Piece(f"   at {at}, {age(now_unix_s - row.t_unix_s)} ago{times}", "dim"),
    )
    return [head, *wrapped(row.text, width, lines=2)]
