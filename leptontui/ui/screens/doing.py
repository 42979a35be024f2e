"""What the screens about what is being done have in common: they follow the port's activity, not the snapshots."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, ClassVar, Final, TypeVar

from leptontui.model.activity import Activity
from leptontui.ports import CommandPort, SnapshotSource
from leptontui.snapshot import FleetSnapshot
from leptontui.ui.screens.listing import ListScreen

R = TypeVar("R")
_LOOK_S: Final = 0.25


class DoingScreen(ListScreen[bool, R]):
    """A list that is made anew whenever something has happened to what is being done.

    Args:
        source: where snapshots come from, for the header.
        commands: the way to act.
        clock: tells the time in unix seconds.

    Attributes:
        port: the way to act.
        activity: what is being done, as it was last looked at.
    """

    LINES: ClassVar[tuple[int, int, int]] = (3, 5, 8)
    """How many lines are told about the chosen row, below 30 rows, below 50, and from there on."""

    def __init__(
        self, source: SnapshotSource, commands: CommandPort, *, clock: Callable[[], float] = time.time
    ) -> None:
        super().__init__(source, commands, clock=clock)
        self.port = commands
        self.activity: Activity = commands.activity
        self.page = True  # there is something to list before any snapshot
        self.bind_keys(self.SCOPE)

    def making(self) -> Callable[[FleetSnapshot], bool]:
        """Nothing is made of a snapshot but the header."""
        return lambda _: True

    def on_mount(self) -> None:
        """Look at what is being done."""
        super().on_mount()
        self.set_interval(_LOOK_S, self.look)
        self.call_after_refresh(self.list_anew)

    def paged(self) -> None:
        """A snapshot changes the header only."""
        self.list_anew()

    def look(self) -> None:
        """List anew if something has happened."""
        found = self.port.activity
        if found != self.activity:
            self.activity = found
            self.list_anew()

    def list_anew(self) -> None:
        """List what there is."""
        if self.is_mounted:
            self.rows.show(self.items())
            self.draw()

    def detail_lines(self) -> int:
        """How many lines are told about the chosen row."""
        small, middle, large = self.LINES
        height = self.size.height
        return small if height < 30 else middle if height < 50 else large  # noqa: PLR2004 — rows of a screen

    @property
    def is_armed(self) -> bool:
        """Whether actions are allowed now; says so if they are not."""
        until = self.port.armed_until_unix_s
        return until is not None and until > self.clock()

    def sure(self, title: str, words: str, then: Callable[[], Any]) -> None:
        """Ask whether one is sure; `then` is called only after a `y` that was pressed after reading."""
        from leptontui.ui.screens.sure import SureScreen  # noqa: PLC0415 — when it is wanted

        def answered(is_sure: bool | None) -> None:  # noqa: FBT001 — Textual passes a screen's result by position
            if is_sure:
                then()

        self.app.push_screen(SureScreen(title, words), answered)
