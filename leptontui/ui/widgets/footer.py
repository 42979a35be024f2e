"""The footer: the keys that do something here, from the registry; a click does the same."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Final

from textual import events

from leptontui.render.cells import Piece, width_of
from leptontui.ui.commands import Command, Powers, Scope, commands_of
from leptontui.ui.widgets.line import Line

_NAMES: Final = {
    "slash": "/",
    "asterisk": "*",
    "shift+tab": "⇧tab",
    "question_mark": "?",
    "colon": ":",
    "escape": "esc",
    "left": "←",
    "right": "→",
}
_GAP: Final = 3


def key_name(key: str) -> str:
    """A key as printed on keyboards: `slash` → `/`, `ctrl+q` → `^q`."""
    return _NAMES.get(key, key.replace("ctrl+", "^"))


def key_names(command: Command) -> str:
    """All keys of a command, as printed on keyboards."""
    return " ".join(key_name(key) for key in command.keys.split(","))


class CommandFooter(Line):
    """Keys and their titles. What does not fit is left out from the right, but never the key for help.

    Args:
        scope: of which screen; the commands that work everywhere follow.
        powers: what can be done here: no other key is shown.
    """

    ON = "surface"

    def __init__(self, scope: Scope, powers: Powers) -> None:
        super().__init__(id="footer")
        scopes = (scope, Scope.EVERYWHERE) if scope is not Scope.EVERYWHERE else (scope,)
        self._all = [command for one in scopes for command in commands_of(one, powers) if command.in_footer]
        self._commands = self._all
        self._keys: tuple[tuple[str, str], ...] = ()

    def show_commands(self, *, without: Collection[str] = ()) -> None:
        """Show the commands' keys, but for those actions that can do nothing at the moment."""
        self._keys = ()
        self._commands = [command for command in self._all if command.action not in without]
        self.update()

    def show_keys(self, keys: Sequence[tuple[str, str]]) -> None:
        """Show other keys with their titles instead, while a widget takes all of them."""
        self._keys = tuple(keys)
        self.update()

    def pieces(self, width: int) -> Sequence[Piece]:
        """The line, fitted."""
        if self._keys:
            return [piece for key, title in self._keys for piece in _entry(key, title)]
        return [piece for _, pieces in self._placed(width) for piece in pieces]

    async def on_click(self, event: events.Click) -> None:
        """Do what the key under the mouse does."""
        at = 0
        if self._keys:
            return
        for command, pieces in self._placed(self.size.width):
            at += width_of(pieces)
            if event.x < at:
                where = "app" if command.scope is Scope.EVERYWHERE else "screen"
                await self.run_action(f"{where}.{command.action}")
                return

    def _placed(self, width: int) -> Iterator[tuple[Command, tuple[Piece, ...]]]:
        last = [command for command in self._commands if command.action == "help"]
        room = width - 1 - sum(width_of(_entry_of(command)) for command in last)
        for command in self._commands:
            entry = _entry_of(command)
            if command in last:
                continue
            if room < width_of(entry):
                break
            room -= width_of(entry)
            yield command, entry
        for command in last:
            yield command, _entry_of(command)


def _entry_of(command: Command) -> tuple[Piece, ...]:
    return _entry(key_name(command.keys.split(",")[0]), command.title)


def _entry(key: str, title: str) -> tuple[Piece, ...]:
    return (Piece(" "), Piece(key, "accent", is_bold=True), Piece(f" {title}", "dim"), Piece(" " * (_GAP - 1)))
