"""A question that one key answers with yes, and everything else with no; keys typed before it appeared do not count."""

from __future__ import annotations

import time
from typing import ClassVar, Final

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Label

from leptontui.model.text import plain
from leptontui.ui.widgets.arming import ArmingMark

SETTLE_S: Final = 0.4


class SureScreen(ModalScreen[bool]):
    """Returns whether `y` was pressed.

    Args:
        title: what is asked.
        words: what it means.
        settle_s: keys count only once the question has been on the screen for so long.
    """

    CSS_PATH = "../styles/plan.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,n", "leave", "no")]

    def __init__(self, title: str, words: str, *, settle_s: float = SETTLE_S) -> None:
        super().__init__()
        self._title = plain(title, 120)
        self._words = plain(words, 400)
        self._settle_s = settle_s
        self._settled_at = float("inf")

    def compose(self) -> ComposeResult:
        """What, what it means, what the keys do."""
        with Vertical(id="sure-box"):
            with Horizontal(classes="title-row"):
                yield Label(self._title, id="sure-title", markup=False)
                yield ArmingMark()
            yield Label(self._words, id="sure-words", markup=False)
            yield Label("y: yes   esc: no, leave it as it is", id="sure-hint", markup=False)

    def on_mount(self) -> None:
        """Nothing counts before it has been painted and read."""
        self.call_after_refresh(self._painted)

    def _painted(self) -> None:
        self._settled_at = time.monotonic() + self._settle_s

    def on_key(self, event: events.Key) -> None:
        """Only `y` says yes."""
        if event.key == "y" and event.time >= self._settled_at:
            event.stop()
            self.dismiss(result=True)

    def action_leave(self) -> None:
        """No."""
        self.dismiss(result=False)
