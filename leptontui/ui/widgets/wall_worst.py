"""The wallboard's numbers in big digits, and its worst as long lines: alerts first, then what no alert tells of."""

from __future__ import annotations

from typing import Final

from rich.segment import Segment

from leptontui.model.health import Severity
from leptontui.model.text import plain
from leptontui.render import numbers
from leptontui.render.alert_words import eta_text, notifier_pieces, sign_of
from leptontui.render.canvas import Line
from leptontui.render.digits import big_digits, digits_width
from leptontui.render.ink import Ink, Pen, spread
from leptontui.render.palette import role_of
from leptontui.view.wall_rows import WallLine, WallPage
from leptontui.view.wall_troubles import WallTrouble

OLD_S: Final = 5.0
"""A newest sweep older than this is said in colour: the wall shows the past."""
_RULES_OLD_S: Final = 30.0
"""Rules that were last evaluated so long ago do not speak of now."""
_MOST_TROUBLES: Final = 3
_ROOMY: Final = 60
"""Narrower, the reason needs the room."""


def alerting_lines(ink: Ink, page: WallPage, width: int, now_unix_s: float) -> list[Line]:
    """What is wrong with the alerting itself: people are not told, rules do not run."""
    board = page.board
    failing = [status for status in board.notifiers if status.failing_since_unix_s is not None]
    words = ["".join(piece.text for piece in notifier_pieces(status, now_unix_s)) for status in failing]
    lines = [ink.line().add(f" {text}", "critical", is_bold=True).fit(width) for text in words[:_MOST_TROUBLES]]
    age_s = now_unix_s - board.evaluated_unix_s
    troubles = [plain(trouble) for trouble in board.troubles]
    if board.evaluated_unix_s and age_s >= _RULES_OLD_S:
        troubles.insert(0, f"rules were last evaluated {numbers.age(age_s)} ago")
    lines += [ink.line().add(f" ▲ {text}", "warning").fit(width) for text in troubles[:_MOST_TROUBLES]]
    return lines


def count_lines(ink: Ink, page: WallPage, scale: int) -> list[Line]:
    """Three lines of big digits: pages, predicted, GPUs live. Nothing wrong is quiet, not red.

    Where no rules run, GPUs and hosts that are critical are counted instead, and the label says so.
    """
    has_rules = bool(page.board.evaluated_unix_s)
    urgent = page.board.pages if has_rules else page.critical
    predicted = page.board.predicted if has_rules else page.predicted
    word = ("page" if urgent == 1 else "pages") if has_rules else "critical"
    rows = (
        (str(urgent), "critical" if urgent else "dim", f"✖ {word}"),
        (str(predicted), "predicted" if predicted else "dim", "◆ predicted"),
        (str(page.gpus_live), "well" if page.gpus_live else "dim", f"● of {page.gpus_total} GPUs live"),
    )
    widest = max(digits_width(number, scale) for number, _, _ in rows)
    lines: list[Line] = []
    for number, role, label in rows:
        if lines:
            lines.append([])
        digits = big_digits(number, ink.style(role), scale=scale)
        pad = Segment(" " * (widest - digits_width(number, scale)), ink.style())
        middle = len(digits) // 2
        for count, line in enumerate(digits):
            words = [Segment(f"  {label}", ink.style(role, is_bold=True))] if count == middle else []
            lines.append([pad, *line, *words])
    return lines


def worst_lines(ink: Ink, page: WallPage, width: int, rows: int, now_unix_s: float) -> list[Line]:
    """The worst, as long lines; how many more there are is said, never hidden."""
    total = page.troubles_total + page.worst_total
    lines: list[Line] = [_heading(ink, page).fit(width)]
    if not total:
        is_blind = page.blindness is not None and page.blindness.hosts >= page.hosts_total
        words = ("◌ nothing can be seen", "unknown") if is_blind else _WELL
        lines.append(ink.line().add(*words).fit(width))
        return lines
    room = max(1, rows - 1)
    both: tuple[WallTrouble | WallLine, ...] = (*page.troubles, *page.worst)
    shown = both[: room if total <= room else max(1, room - 1)]
    where_width = min(24 if width >= _ROOMY else 15, max(len(_where(line)) for line in shown))
    is_airy = 2 * len(shown) + (total > len(shown)) <= room
    for line in shown:
        lines += [ink.line().fit(width)] if is_airy else []
        if isinstance(line, WallTrouble):
            lines.append(_trouble_line(ink, line, where_width, width, now_unix_s))
        else:
            lines.append(_worst_line(ink, line, where_width, width, now_unix_s))
    if total > len(shown):
        lines.append(ink.line().add(f"and {total - len(shown)} more", "dim").fit(width))
    return lines


_WELL: Final = ("● nothing is wrong with what can be seen", "well")


def _where(line: WallTrouble | WallLine) -> str:
    return line.where if isinstance(line, WallTrouble) else line.host


def _heading(ink: Ink, page: WallPage) -> Pen:
    """What is listed, and how many there are of what the digits do not count."""
    heading = ink.line().add("worst", "dim", is_bold=True)
    tickets, taken = page.board.tickets, page.board.acknowledged
    if page.board.evaluated_unix_s:
        heading.add(f"   ▲ {tickets} ticket{'s' if tickets > 1 else ''}" if tickets else "", "warning")
        heading.add(f"   ✓ {taken} acknowledged" if taken else "", "dim")
    elif page.warning:
        heading.add(f"   ▲ {page.warning} warning{'s' if page.warning > 1 else ''}", "warning")
    return heading


def _trouble_line(ink: Ink, line: WallTrouble, where_width: int, width: int, now_unix_s: float) -> Line:
    """Sign, where, what; who looks after it, since when or when it will be, and how old that knowledge is."""
    glyph, role = sign_of(line.level, is_predictive=line.is_predictive)
    role = "dim" if line.taken_by else role
    is_page = role == "critical"
    left = ink.line().add(f"{glyph} ", role, is_bold=True).add(f"{plain(line.where, where_width):<{where_width}}")
    left.add(f" {line.text}", role, is_bold=is_page)
    right = ink.line()
    right.add(f"  ✓ {line.taken_by}" if line.taken_by else "", "well")
    if line.eta is not None:
        right.add(f"  {eta_text(line.eta, now_unix_s)}", role)
    elif width >= _ROOMY:
        right.add(f"  {numbers.age(now_unix_s - line.since_unix_s)}", "dim")
    if line.seen_unix_s and now_unix_s - line.seen_unix_s >= _RULES_OLD_S:
        right.add(f"  last seen {numbers.age(now_unix_s - line.seen_unix_s)} ago", "warning")
    return spread(left, right, width)


def _worst_line(ink: Ink, line: WallLine, host_width: int, width: int, now_unix_s: float) -> Line:
    role = role_of(line.severity)
    left = (
        ink.line()
        .add(f"{line.severity.glyph} ", role, is_bold=True)
        .add(f"{plain(line.host, host_width):<{host_width}}")
    )
    if width >= _ROOMY:
        left.add(f"  GPU {line.gpu:<2} " if line.gpu is not None else " " * 9, "dim")
    elif line.gpu is not None:
        left.add(f" GPU {line.gpu}", "dim")
    left.add(f" {line.text}", role, is_bold=line.severity is Severity.CRITICAL)
    right = ink.line()
    age = None if line.received_unix_s is None else now_unix_s - line.received_unix_s
    if width >= _ROOMY:
        right.add(f"  job {line.job}" if line.job else "", "dim")
    if line.is_gone and "gone" not in line.text:
        right.add("  gone", role)
    if age is None or age >= OLD_S:
        right.add(f"  {'never seen' if age is None else numbers.age(age) + ' ago'}", "warning")
    return spread(left, right, width)
