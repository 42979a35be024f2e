"""The silences that hold or will: what they match, until when, who made them and why; a key ends one."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Hashable, Sequence
from typing import ClassVar, Final

from leptontui.errors import LeptonError
from leptontui.model.alert import Silence
from leptontui.model.text import plain
from leptontui.ports import AlertPort, CommandPort, SnapshotSource
from leptontui.render.alert_words import clock
from leptontui.render.cells import Piece, fit
from leptontui.render.quantity import duration_text
from leptontui.snapshot import FleetSnapshot
from leptontui.ui.commands import Scope
from leptontui.ui.screens.listing import ListScreen, wrapped
from leptontui.ui.widgets.footer import CommandFooter
from leptontui.ui.widgets.row_list import Heading
from leptontui.view.matcher_text import written

_LOG = logging.getLogger(__name__)
_ASK_KEYS: Final = (("y", "end it"), ("esc", "let it be"))
_WHAT, _WHAT_ROOMY = 30, 56
_ROOMY: Final = 110
_DAY_S: Final = 86_400.0
SilencePage = tuple[tuple[Silence, int], ...]
"""Silences, each with how many alerts it holds."""


class SilencesScreen(ListScreen[SilencePage, tuple[Silence, int]]):
    """Lists silences, the one that ends first on top.

    Args:
        source: where snapshots come from.
        commands: the way to act; None on a read-only screen.
        alerts: ends silences.
        clock: tells the time in unix seconds.
    """

    SCOPE: ClassVar[Scope] = Scope.SILENCES
    PLACE: ClassVar[str] = "silences"

    def __init__(
        self,
        source: SnapshotSource,
        commands: CommandPort | None,
        alerts: AlertPort,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(source, commands, alerts=alerts, clock=clock)
        self._port = alerts
        self._asked: Silence | None = None
        self.bind_keys(Scope.SILENCES)

    def making(self) -> Callable[[FleetSnapshot], SilencePage]:
        """Those of the board."""
        return _page

    def key_of(self, row: tuple[Silence, int]) -> Hashable:
        """Its id."""
        return row[0].id

    def items(self) -> Sequence[tuple[Silence, int] | Heading]:
        """All of them."""
        return self.page or ()

    def note(self) -> Sequence[Piece]:
        """How many there are; while a question is asked, that."""
        if self._asked is not None:
            words = f" ▲ End this silence now? {plain(written(self._asked.matchers), 120)}"
            return (Piece(words, "warning", is_bold=True),)
        count = len(self.page or ())
        return (Piece(f" {count}"), Piece(f" silence{'' if count == 1 else 's'}, the first to end on top", "dim"))

    def titles(self, width: int) -> Sequence[Piece]:
        """The columns' names."""
        what = _WHAT_ROOMY if width >= _ROOMY else _WHAT
        return (Piece(f"{fit('until', 6)} {fit('left', 9)} {fit('holds', 6)} {fit('what', what)} who and why", "dim"),)

    def cells_of(self, row: tuple[Silence, int], width: int) -> Sequence[Piece]:
        """A silence in a line."""
        silence, count = row
        now = self.clock()
        what = _WHAT_ROOMY if width >= _ROOMY else _WHAT
        is_near = silence.until_unix_s - now < _DAY_S
        until = time.strftime("%H:%M" if is_near else "%d %b", time.localtime(silence.until_unix_s))
        return (
            Piece(f"{until:<6} ", "text"),
            Piece(f"{fit(duration_text(silence.until_unix_s - now), 9)} ", "dim"),
            Piece(f"{fit(str(count), 6)} ", "text" if count else "dim"),
            Piece(f"{fit(plain(written(silence.matchers), 200), what)} "),
            Piece(f"{plain(silence.who, 24)}: ", "accent"),
            Piece(plain(silence.why), "dim"),
        )

    def about(self, row: tuple[Silence, int], width: int) -> Sequence[Sequence[Piece]]:
        """All of it."""
        silence, count = row
        now = self.clock()
        head = (
            Piece(f" until {clock(silence.until_unix_s, now)}", is_bold=True),
            Piece(f"   since {clock(silence.from_unix_s, now)}, by {plain(silence.who, 60)}", "dim"),
            Piece(f"   holds {count} alert{'' if count == 1 else 's'} now", "dim"),
        )
        return [head, *wrapped(f"{plain(written(silence.matchers), 600)} — {plain(silence.why, 300)}", width, lines=2)]

    def nothing(self) -> str:
        """There is none."""
        return "There is no silence: whatever fires is told.\n\ns on an alert makes one."

    def idle(self) -> Collection[str]:
        """Without a row nothing can be ended."""
        return {"answer"} if self.chosen is not None else {"answer", "unsilence"}

    def draw_chosen(self) -> None:
        """While a question is asked only its keys count."""
        super().draw_chosen()
        if self._asked is not None:
            self.query_one(CommandFooter).show_keys(_ASK_KEYS)

    def action_unsilence(self) -> None:
        """Ask whether the chosen one is to end."""
        if (row := self.chosen) is not None:
            self._asked = row[0]
            self.draw()

    def key_y(self) -> None:
        """Yes: end what was asked about."""
        if self._asked is not None:
            asked, self._asked = self._asked, None
            self.run_worker(self._end(asked), group="unsilence", exit_on_error=False)
            self.draw()

    def action_leave(self) -> None:
        """Take the question back; then go back."""
        if self._asked is not None:
            self._asked = None
            self.draw()
        else:
            self.dismiss()

    async def _end(self, silence: Silence) -> None:
        try:
            await self._port.unsilence(silence.id)
        except LeptonError as error:
            self.notify(plain(str(error), 300), title="Not ended", severity="error", markup=False)
        except Exception as error:  # noqa: BLE001 — the boundary of a task: logged and shown
            _LOG.exception("ending a silence failed")
            self.notify(plain(f"ending it went wrong: {error}", 300), severity="error", markup=False)
        else:
            self.notify("ended: what it held is told again", markup=False)


def _page(snapshot: FleetSnapshot) -> SilencePage:
    board = snapshot.alerts
    held: dict[str, int] = {}
    for group in board.groups:
        for alert in group.alerts:
            if alert.silenced_by:
                held[alert.silenced_by] = held.get(alert.silenced_by, 0) + 1
    rows = sorted(board.silences, key=lambda silence: (silence.until_unix_s, silence.id))
    return tuple((silence, held.get(silence.id, 0)) for silence in rows)
