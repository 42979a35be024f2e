"""Lines about what wants the user: a login that asks, host keys to be reviewed, what is wrong with the inventory."""

from __future__ import annotations

from typing import Final

from leptontui.model.activity import Activity
from leptontui.model.alert import AlertBoard
from leptontui.model.text import plain
from leptontui.render.activity_words import activity_parts
from leptontui.render.alert_words import notifier_pieces
from leptontui.render.canvas import Line
from leptontui.render.cells import Piece, fit_pieces, segments, width_of
from leptontui.render.palette import Palette
from leptontui.snapshot import FleetSnapshot
from leptontui.ui.widgets.painted import Painted
from leptontui.view.key_review import changed, waiting

_GAP: Final = Piece("   ")
_SMALL: Final = 30
"""With fewer rows on the screen one line has to do."""
_MOST_LINES: Final = 3
_MORE_WIDTH: Final = 4
"""Cells of "  +9"."""
_WORTH_CUTTING: Final = 20
"""The beginning of a notice says more than that there is one, if so many cells are left for it."""
_ROOMY: Final = 100
"""Narrower, the keys stand for what they show."""
Part = tuple[Piece, ...]


class Notices(Painted):
    """Takes lines only while there is something to say.

    Args:
        can_let_in: whether questions can be answered and keys accepted here.
    """

    def __init__(self, *, can_let_in: bool) -> None:
        super().__init__(id="notices")
        self._can_let_in = can_let_in
        self._parts: tuple[Part, ...] = ()
        self.display = False

    def show(self, snapshot: FleetSnapshot, activity: Activity | None = None) -> None:
        """Say what there is to say of a snapshot, and of what is being done."""
        is_short = self.app.size.width < _ROOMY
        done = activity_parts(activity, is_short=is_short) if activity is not None else ()
        parts = (*done, *notice_parts(snapshot, can_let_in=self._can_let_in, is_short=is_short))
        if parts != self._parts:
            self._parts = parts
            self.display = bool(parts)
            self.repaint()

    def paint(self, width: int, palette: Palette) -> list[Line]:
        """As few lines as they fit in; how many did not is counted."""
        most = 1 if self.app.size.height < _SMALL else _MOST_LINES
        return [segments(fit_pieces(line, width), palette, "surface") for line in packed(self._parts, width, most)]


def packed(parts: tuple[Part, ...], width: int, most: int) -> list[Part]:
    """The parts on at most so many lines, each line as full as it gets.

    At the end of the last line one part may be cut off; what is left out is counted.
    """
    lines: list[list[Piece]] = []
    left = list(parts)
    while left and len(lines) < most:
        line = [Piece(" "), *left.pop(0)]
        is_last = len(lines) == most - 1
        while left:
            room = width - width_of(line) - width_of(left[0]) - _GAP.width
            if room < (0 if len(left) == 1 or not is_last else 4):
                break
            line += [_GAP, *left.pop(0)]
        lines.append(line)
    if left and lines:
        room = width - width_of(lines[-1]) - _GAP.width - _MORE_WIDTH
        if room >= _WORTH_CUTTING:
            lines[-1] += [_GAP, *fit_pieces(left.pop(0), room)]
    if left and lines:
        more = Piece(f"  +{len(left)}", "warning")
        lines[-1] = [*fit_pieces(lines[-1], width - more.width), more]
    return [tuple(line) for line in lines]


def notice_parts(snapshot: FleetSnapshot, *, can_let_in: bool, is_short: bool = False) -> tuple[Part, ...]:
    """What wants the user, the most urgent first; nothing where nothing does."""
    parts: list[Part] = []

    def way(key: str, title: str) -> Part:
        if not can_let_in:
            return ()
        return (Piece(" "), Piece(key, "accent", is_bold=True), Piece("" if is_short else f" {title}", "dim"))

    if refused := changed(snapshot):
        many = "" if refused == 1 else "s"
        words = f"✖ {refused} key{many} CHANGED" if is_short else f"✖ {refused} host key{many} CHANGED: refused"
        parts.append((Piece(words, "critical", is_bold=True), *way("K", "shows")))
    if snapshot.questions:
        first, rest = snapshot.questions[0], len(snapshot.questions) - 1
        more = f" and {rest} more" if rest else ""
        what = "" if is_short else f": {plain(first.prompt, 60)} {plain(first.subject, 60)}"
        parts.append((Piece(f"▲ a login asks{what}{more}", "warning", is_bold=True), *way("a", "answers")))
    if keys := waiting(snapshot):
        hosts = "host with an unknown key" if keys == 1 else "hosts with unknown keys"
        words = f"▲ {keys} unknown key{'' if keys == 1 else 's'}" if is_short else f"▲ {keys} {hosts}"
        parts.append((Piece(words, "warning"), *way("K", "reviews")))
    parts += [(Piece(f"▲ {plain(notice)}", "warning"),) for notice in snapshot.notices]
    return (*parts, *alert_parts(snapshot.alerts, snapshot.t_unix_s))


def alert_parts(board: AlertBoard, now_unix_s: float) -> tuple[Part, ...]:
    """What is wrong with the alerting itself: nobody is told, rules are not evaluated, the history is not kept."""
    failing = [status for status in board.notifiers if status.failing_since_unix_s is not None]
    parts: list[Part] = [notifier_pieces(status, now_unix_s) for status in failing]
    parts += [(Piece(f"▲ {plain(trouble)}", "warning"),) for trouble in board.troubles]
    if board.keeper:
        parts.append((Piece(f"alerts are told and kept by {plain(board.keeper, 80)}", "dim"),))
    return tuple(parts)
