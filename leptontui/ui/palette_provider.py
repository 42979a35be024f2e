"""The command palette, filled from the same registry as keys, footer and help."""

from __future__ import annotations

from functools import partial

from textual.command import DiscoveryHit, Hit, Hits, Provider

from leptontui.model.action_spec import ActionSpec
from leptontui.model.text import plain
from leptontui.ui.commands import Command, Powers, Scope, commands_of
from leptontui.ui.screens.base import SnapshotScreen
from leptontui.ui.screens.ways import ActingScreen
from leptontui.ui.widgets.footer import key_names


class RegistryProvider(Provider):
    """Commands of the screen in use, and those that work everywhere."""

    async def discover(self) -> Hits:
        """All of them, before anything is typed."""
        for command in self._commands():
            yield DiscoveryHit(_line(command), partial(self._do, command), help=f"key {key_names(command)}")
        for spec in self._actions():
            yield DiscoveryHit(_action_line(spec), partial(self._plan, spec), help=_action_help(spec))

    async def search(self, query: str) -> Hits:
        """Those whose title or meaning matches.

        Args:
            query: what was typed.
        """
        matcher = self.matcher(query)
        for command in self._commands():
            line = _line(command)
            if (score := matcher.match(line)) > 0:
                yield Hit(score, matcher.highlight(line), partial(self._do, command), help=f"key {key_names(command)}")
        for spec in self._actions():
            line = _action_line(spec)
            if (score := matcher.match(line)) > 0:
                yield Hit(score, matcher.highlight(line), partial(self._plan, spec), help=_action_help(spec))

    def _commands(self) -> list[Command]:
        screen = self.screen
        powers = screen.powers if isinstance(screen, SnapshotScreen) else Powers()
        scopes = [scope for scope in Scope if type(screen).__name__.lower() == f"{scope.value}screen"]
        return [
            command
            for scope in (*scopes, Scope.EVERYWHERE)
            for command in commands_of(scope, powers)
            if command.action != "command_palette"
        ]

    def _actions(self) -> tuple[ActionSpec, ...]:
        """The actions that can be asked for from here."""
        screen = self.screen
        return screen.commands.specs if isinstance(screen, ActingScreen) and screen.commands is not None else ()

    def _plan(self, spec: ActionSpec) -> None:
        if isinstance(screen := self.screen, ActingScreen):
            screen.ask(spec.name)

    async def _do(self, command: Command) -> None:
        where = "app" if command.scope is Scope.EVERYWHERE else "screen"
        await self.app.run_action(f"{where}.{command.action}")


def _action_line(spec: ActionSpec) -> str:
    return plain(f"{spec.verb} …: {spec.meaning.rstrip('.')}", 200)


def _action_help(spec: ActionSpec) -> str:
    return f"{spec.danger.value}; shows the plan"


def _line(command: Command) -> str:
    return f"{command.title}: {command.meaning.rstrip('.')}"
