"""The app: themes, snapshots to the active screen, freezing, arming, and the way from a key to a plan."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable
from pathlib import Path, PurePath
from typing import Any, ClassVar

from rich.text import Text
from textual.app import App
from textual.binding import BindingType
from textual.message import Message
from textual.screen import Screen

from leptontui.errors import LeptonError
from leptontui.model.target import Fleet
from leptontui.model.text import plain
from leptontui.ports import AccessPort, AlertPort, CommandPort, SnapshotSource
from leptontui.snapshot import FleetSnapshot
from leptontui.ui import themes
from leptontui.ui.commands import Powers, Scope, bindings_of
from leptontui.ui.logins import Logins
from leptontui.ui.messages import ActionAsked, MenuAsked, OrderPlaced, SnapshotPublished
from leptontui.ui.palette_provider import RegistryProvider
from leptontui.ui.screens.base import Condition, SnapshotScreen
from leptontui.ui.screens.fleet import FleetScreen
from leptontui.ui.screens.help import HelpScreen
from leptontui.ui.wishes import Wishes

_LOG = logging.getLogger(__name__)
_NOTICE_S = 12.0


class EngineFailed(Message):
    """The engine has ended by an error: nothing will arrive any more.

    Attributes:
        words: why.
    """

    def __init__(self, words: str) -> None:
        super().__init__()
        self.words = words


class LeptonApp(App[None]):
    """The screens of one fleet.

    Args:
        source: publishes snapshots, from its own thread.
        commands: the way to act; None makes every screen read-only: no key that acts is bound.
        fleet: the inventory.
        access: the way to let hosts be reached: to answer logins and accept host keys; a wallboard has none.
        alerts: the way to look after alerts; None on a read-only screen, and a wallboard has none.
        theme: name of a theme; None for the default.
        is_wallboard: show the wallboard instead of the table.
        notice: a line to show at the start.
        clock: tells the time in unix seconds.
        theme_directories: where themes lie.

    Attributes:
        palettes: the themes' palettes by name.
        is_frozen: the picture stands still while data go on arriving.
    """

    CSS_PATH: ClassVar[list[str | PurePath]] = [  # a default screen's own style sheet is not loaded
        "styles/app.tcss",
        "styles/fleet.tcss",
        "styles/help.tcss",
        "styles/wallboard.tcss",
    ]
    TITLE = "leptontui"
    COMMANDS: ClassVar[set[Any]] = {RegistryProvider}
    BINDINGS: ClassVar[list[BindingType]] = []

    def __init__(
        self,
        source: SnapshotSource,
        commands: CommandPort | None,
        *,
        fleet: Fleet,
        access: AccessPort | None = None,
        alerts: AlertPort | None = None,
        theme: str | None = None,
        is_wallboard: bool = False,
        notice: str = "",
        clock: Callable[[], float] = time.time,
        theme_directories: tuple[Path, ...] | None = None,
    ) -> None:
        found = themes.load(theme_directories if theme_directories is not None else themes.directories())
        self.palettes = found.palettes
        super().__init__()
        self._source = source
        self._port = None if is_wallboard else commands
        self._access = None if is_wallboard else access
        self._alerts = None if is_wallboard else alerts
        self._logins = Logins(self, self._access)
        self._wishes = Wishes(self, source, self._port, fleet, clock)
        self._fleet = fleet
        self._is_wallboard = is_wallboard
        self._clock = clock
        self._notice = notice
        self._problems = list(found.problems)
        self._wanted_theme = theme
        self._latest: FleetSnapshot | None = None
        self._held: FleetSnapshot | None = None
        self._failure = ""
        self._after_first_paint: list[Callable[[], None]] = []
        self.is_frozen = False
        self._powers = Powers(self._port is not None, self._access is not None, self._alerts is not None)
        for binding in bindings_of(Scope.EVERYWHERE, self._powers):
            self.bind(binding.key, binding.action, description=binding.description, show=binding.show)
        self._register_themes()

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Our CSS variables, so that style sheets parse under any theme."""
        return themes.variable_defaults()

    def call_after_first_paint(self, call: Callable[[], None]) -> None:
        """Call something once the screen is up: what takes long belongs there. Call before `run`."""
        self._after_first_paint.append(call)

    def engine_failed(self, words: str) -> None:
        """Say that nothing will arrive any more. Callable from any thread."""
        self._from_outside(EngineFailed(words))

    def _fatal_error(self) -> None:
        """End in one line; the log has the rest.

        Textual's own way prints the values of all variables, a password that was just typed among them, and what hosts
        said as it is.
        """
        error = sys.exception()
        _LOG.critical("the screen failed", exc_info=error)
        self.panic(Text(plain(f"leptontui failed: {type(error).__name__}: {error} — the log has more", 500)))

    def get_default_screen(self) -> Screen[Any]:
        """The first screen. Not a mode's: Textual mounts that one before it is on the stack, from Python 3.12 on."""
        if self._is_wallboard:
            from leptontui.ui.screens.wallboard import WallboardScreen  # noqa: PLC0415 — when it is wanted

            return WallboardScreen(self._source, clock=self._clock)
        return FleetScreen(
            self._source,
            self._port,
            fleet=self._fleet,
            access=self._access,
            alerts=self._alerts,
            clock=self._clock,
        )

    def on_mount(self) -> None:
        """Listen to the source, say what there is to say."""
        self.screen_change_signal.subscribe(self, self._screen_changed)
        self._source.subscribe(lambda snapshot: self._from_outside(SnapshotPublished(snapshot)))
        for problem in self._problems:
            self.notify(problem, title="Theme", severity="warning", timeout=_NOTICE_S, markup=False)
        if self._notice:
            self.notify(self._notice, timeout=_NOTICE_S, markup=False)

    def on_ready(self) -> None:
        """The first frame is on the screen."""
        self._show()
        for call in self._after_first_paint:
            call()

    # Snapshots.

    def on_snapshot_published(self, message: SnapshotPublished) -> None:
        """Keep the newest; show it unless the picture stands still."""
        self._latest = message.snapshot
        self._logins.tell(message.snapshot.questions)
        if not self.is_frozen:
            self._show()
            self._wishes.propose(message.snapshot)

    def on_engine_failed(self, message: EngineFailed) -> None:
        """Say it where it stays, and once so that it is not overlooked."""
        since = time.strftime("%H:%M", time.localtime(self._clock()))
        self._failure = plain(f"no more data since {since}: {message.words}")
        self.notify(message.words, title="No more data", severity="error", timeout=_NOTICE_S, markup=False)
        self._show()

    def _screen_changed(self, _screen: Screen[Any]) -> None:
        self.call_after_refresh(self._show)

    @property
    def _fleet_in_sight(self) -> SnapshotScreen | None:
        """The topmost screen that shows the fleet; a dialog may lie over it."""
        return next((screen for screen in reversed(self.screen_stack) if isinstance(screen, SnapshotScreen)), None)

    def _show(self) -> None:
        screen = self._fleet_in_sight
        if screen is None or not screen.is_mounted or not self.is_running:  # leaving takes screens apart bit by bit
            return
        screen.tell(Condition(is_frozen=self.is_frozen, failure=self._failure))
        snapshot = self._held if self.is_frozen else self._latest
        if snapshot is not None:
            screen.show(snapshot)

    def _from_outside(self, message: Message) -> None:
        """Post from any thread; an app that has ended needs no message."""
        try:
            self.post_message(message)
        except RuntimeError:  # its loop is closed
            return

    # Keys that work everywhere.

    def action_toggle_freeze(self) -> None:
        """Hold the picture still, or catch up."""
        self.is_frozen = not self.is_frozen
        self._held = self._latest if self.is_frozen else None
        if self.is_frozen:
            self.notify("The picture stands still, data go on arriving. f goes on.", title="Frozen")
        self._show()

    def action_toggle_armed(self) -> None:
        """Allow actions for a while, or go back to read-only."""
        if self._port is None:
            return
        try:
            if self._port.armed_until_unix_s is None:
                self._port.arm()
            else:
                self._port.disarm()
        except LeptonError as error:
            self.notify(str(error), severity="error", markup=False)
        if (screen := self._fleet_in_sight) is not None:
            screen.tick()

    def arming(self) -> float | None:
        """Seconds for which actions are allowed, 0 while read-only; None where there is no command port."""
        if self._port is None:
            return None
        until = self._port.armed_until_unix_s
        return 0.0 if until is None else max(0.0, until - self._clock())

    def action_redial(self) -> None:
        """Dial the host under the cursor now."""
        if isinstance(self.screen, SnapshotScreen) and (host := self.screen.host_for("^r")) is not None:
            self._source.redial(host)
            self.notify(f"dialling {host}", markup=False)

    def action_next_theme(self) -> None:
        """Change to the next theme."""
        names = list(self.palettes)
        at = names.index(self.theme) if self.theme in names else -1
        self.theme = names[(at + 1) % len(names)]

    def action_help(self) -> None:
        """Show what the keys and signs mean."""
        self.push_screen(HelpScreen(self._powers, self._port.specs if self._port is not None else ()))

    def action_open_activity(self) -> None:
        """Show what is being done and what is left over."""
        from leptontui.ui.screens.activity import ActivityScreen  # noqa: PLC0415 — when it is wanted

        if self._port is not None and not isinstance(self.screen, ActivityScreen):
            self.push_screen(ActivityScreen(self._source, self._port, clock=self._clock))

    def action_answer(self) -> None:
        """Answer the login that has waited longest."""
        self._logins.answer()

    # From a wish to a plan.

    def on_action_asked(self, message: ActionAsked) -> None:
        """Ask for what is missing, then show the plan."""
        self._wishes.ask(message, self._latest)

    def on_order_placed(self, message: OrderPlaced) -> None:
        """Ask for what is missing, then show the plan, or the plans of all hosts."""
        self._wishes.place(message.order, self._latest, wants_form=message.wants_form)

    def on_menu_asked(self, message: MenuAsked) -> None:
        """Show what can be done."""
        self._wishes.choose(message, self._latest)

    def _register_themes(self) -> None:
        for palette in self.palettes.values():
            self.register_theme(themes.textual_theme(palette))
        for name in set(self.available_themes) - set(self.palettes):
            self.unregister_theme(name)
        wanted = self._wanted_theme or themes.DEFAULT
        if wanted not in self.palettes:
            self._problems.append(f"there is no theme {wanted}: there are {', '.join(self.palettes)}")
            wanted = next(iter(self.palettes))
        self.theme = wanted
