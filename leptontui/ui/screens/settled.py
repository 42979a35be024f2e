"""A dialog that takes no key pressed before it could be read, and shows why what it asked for did not come about."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, ClassVar, Final, TypeVar

from textual import events
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.widgets import Label

from leptontui.errors import LeptonError
from leptontui.model.text import plain
from leptontui.render.cells import Piece
from leptontui.ui.widgets.plan_inputs import SettledInput
from leptontui.ui.widgets.said import SaidLines

_LOG = logging.getLogger(__name__)
SETTLE_S: Final = 0.4
"""Keys that were under way when the dialog appeared were not meant for it: nobody has read it in less."""
T = TypeVar("T")
_MOST_LISTED, _MOST_LISTED_SMALL = 8, 4
_SMALL: Final = 30


class SettledDialog(ModalScreen[T | None]):
    """Returns what came of it; None if it was left alone. Subclasses have labels `dialog-said` and `dialog-keys`.

    Args:
        settle_s: keys count only once the dialog has been on the screen for so long.
    """

    CSS_PATH = "../styles/alert_dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "leave it alone", priority=True)]

    def __init__(self, *, settle_s: float = SETTLE_S) -> None:
        super().__init__()
        self._settle_s = settle_s
        self._settled_at = float("inf")
        self._is_asking = False

    def on_mount(self) -> None:
        """Nothing is taken before the dialog has been painted and read."""
        for field in self.query(SettledInput):
            field.not_before = float("inf")
        self.call_after_refresh(self._painted)

    def _painted(self) -> None:
        self._settled_at = time.monotonic() + self._settle_s
        for field in self.query(SettledInput):
            field.not_before = self._settled_at

    @property
    def is_settled(self) -> bool:
        """Whether keys count, and nothing is under way."""
        return time.monotonic() >= self._settled_at and not self._is_asking

    def is_early(self, event: events.Key) -> bool:
        """Whether a key was pressed before the dialog could be read, however late it is delivered."""
        return event.time < self._settled_at or self._is_asking

    def say(self, words: str, role: str = "critical") -> None:
        """Say what is wrong, or what is under way; "" takes it back."""
        label = self.query_one("#dialog-said", Label)
        label.update(words)
        label.set_classes(f"-{role}")

    def begin(self, ask: Callable[[], Awaitable[T]], words: str) -> None:
        """Ask the port; the dialog closes with what comes of it, or says why nothing did."""
        self._is_asking = True
        self.say(words, "dim")
        self.run_worker(self._ask(ask), group="asking", exit_on_error=False)

    async def _ask(self, ask: Callable[[], Awaitable[T]]) -> None:
        try:
            result = await ask()
        except LeptonError as error:
            words = f"✖ {error.cause}" + (f" — {error.mend}" if error.mend else "")
            self._is_asking = False
            self.say(plain(words, 300))
        except Exception as error:  # noqa: BLE001 — the boundary of a task: logged and shown
            _LOG.exception("%s failed", type(self).__name__)
            self._is_asking = False
            self.say(plain(f"✖ this went wrong: {type(error).__name__}: {error}", 300))
        else:
            self.dismiss(result)

    def action_leave(self) -> None:
        """Leave it alone. What is under way is not called back."""
        if not self._is_asking:
            self.dismiss(None)


class ListedLines(SaidLines):
    """What a dialog is about, line by line: the first few, and how many more."""

    ON = "surface"

    def __init__(self, lines: Sequence[Sequence[Piece]]) -> None:
        super().__init__(id="dialog-list")
        self._about: tuple[Any, ...] = tuple(lines)

    def on_mount(self) -> None:
        """As many as there is room for."""
        most = _MOST_LISTED_SMALL if self.app.size.height < _SMALL else _MOST_LISTED
        rest = len(self._about) - most
        shown = self._about if rest <= 1 else self._about[:most]
        more: list[tuple[Piece, ...]] = [(Piece(f"  and {len(self._about) - most} more", "dim"),)] if rest > 1 else []
        self.show([*shown, *more])
