"""A rollout under way: every host's state and what it said, live; keys hold it, go on with it, or give it up."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Hashable, Sequence
from typing import ClassVar, Final

from leptontui.model.activity import Rollout, RolloutState, TargetRun, TargetState, Wish
from leptontui.model.text import plain
from leptontui.ports import CommandPort, SnapshotSource
from leptontui.render.activity_words import TARGET_SIGNS, TARGET_WORDS, UNDER_WAY, counts_of, rollout_pieces, took
from leptontui.render.cells import Piece, fit, spread
from leptontui.ui.commands import Scope
from leptontui.ui.screens.doing import DoingScreen
from leptontui.ui.screens.fleet_words import ROOMY
from leptontui.ui.screens.listing import wrapped

_HOST, _STATE, _TOOK = 20, 18, 8
_LOUD: Final = frozenset(
    {TargetState.FAILED, TargetState.NOT_VERIFIED, TargetState.UNKNOWN, TargetState.REFUSED},
)


class RolloutScreen(DoingScreen[TargetRun]):
    """One rollout. Which one is an identity; leaving the screen does not end it.

    Args:
        source: where snapshots come from, for the header.
        commands: the way to act.
        rollout_id: which rollout.
        clock: tells the time in unix seconds.
    """

    SCOPE = Scope.ROLLOUT
    PLACE = "rollout"
    LINES: ClassVar[tuple[int, int, int]] = (6, 12, 22)

    def __init__(
        self,
        source: SnapshotSource,
        commands: CommandPort,
        rollout_id: str,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(source, commands, clock=clock)
        self.rollout_id = rollout_id
        self._followed: Hashable = None

    @property
    def rollout(self) -> Rollout | None:
        """The rollout as it was last looked at; None once it is forgotten."""
        return next((each for each in self.activity.rollouts if each.rollout_id == self.rollout_id), None)

    def host_for(self, key: str) -> str | None:  # noqa: ARG002 — the first row is chosen by itself
        """The chosen target's."""
        return self.chosen.host if self.chosen is not None else None

    def list_anew(self) -> None:
        """The cursor goes with what is worked on, until somebody moves it."""
        chosen = self.chosen.host if self.is_mounted and self.chosen is not None else None
        super().list_anew()
        now = self._worked_on()
        if (now is not None and chosen in {None, self._followed}) or self._followed is None:
            self._followed = now
            if now is not None and self.is_mounted:
                self.rows.choose(now)

    def _worked_on(self) -> str | None:
        targets = self.items()
        running = (each.host for each in targets if each.state is TargetState.RUNNING)
        return next(running, None) or next((each.host for each in targets if each.state in _LOUD), None)

    # What is listed.

    def key_of(self, row: TargetRun) -> Hashable:
        """Its host."""
        return row.host

    def items(self) -> Sequence[TargetRun]:
        """All targets, in the order in which they are worked on."""
        return self.rollout.targets if self.rollout is not None else ()

    def _host_cells(self) -> int:
        return max([_HOST if self.size.width >= 100 else 12, *(len(each.host) for each in self.items())][:200])  # noqa: PLR2004

    def titles(self, width: int) -> Sequence[Piece]:
        """The line above the rows."""
        cells = min(self._host_cells(), max(12, width // 3))
        return (Piece(f"{fit('host', cells)}  {fit('state', _STATE)} {'took':>{_TOOK}}  what it said", "dim"),)

    def cells_of(self, row: TargetRun, width: int) -> Sequence[Piece]:
        """Host, state, how long, what is to be said of it."""
        cells = min(self._host_cells(), max(12, width // 3))
        sign, role = TARGET_SIGNS[row.state]
        for_how_long = took(row.begun_unix_s, row.ended_unix_s, self.clock())
        return (
            Piece(fit(plain(row.host, 80), cells), "dim" if row.state is TargetState.SKIPPED else "text"),
            Piece(f"  {sign} ", role),
            Piece(fit(TARGET_WORDS[row.state], _STATE - 2), role, is_bold=row.state in _LOUD),
            Piece(f" {for_how_long:>{_TOOK}}  ", "dim"),
            Piece(plain(row.said or _last_of(row), 300), role if row.state in _LOUD else "text"),
        )

    def note(self) -> Sequence[Piece]:
        """What it is, how it stands, how many of which."""
        rollout = self.rollout
        if rollout is None:
            return (Piece(" this rollout is not known any more", "unknown"),)
        left = (Piece(f" {plain(rollout.title, 120)}   ", is_bold=True), *rollout_pieces(rollout), Piece("   "))
        counts = counts_of(rollout.targets, is_short=self.size.width < ROOMY)
        return spread(left, counts, self.size.width)

    def about(self, row: TargetRun, width: int) -> Sequence[Sequence[Piece]]:
        """Why it stopped, then the last lines of the chosen host."""
        rollout = self.rollout
        count = self.detail_lines()
        lines: list[Sequence[Piece]] = []
        if rollout is not None and rollout.said:
            is_bad = rollout.state is RolloutState.STOPPED
            lines += wrapped(plain(rollout.said, 300), width, "critical" if is_bad else "text", lines=2)
        lines.append((Piece(f" {plain(row.host, 80)} ", is_bold=True), Piece("said:" if row.lines else "", "dim")))
        heard = row.lines[-(count - len(lines)) :] if count > len(lines) else ()
        return [*lines, *((Piece(f"   {plain(line, 300)}", "dim"),) for line in heard)]

    def nothing(self) -> str:
        """Why there is no row."""
        return "This rollout is not known any more."

    def idle(self) -> Collection[str]:
        """What can do nothing as it stands."""
        state = self.rollout.state if self.rollout is not None else RolloutState.ENDED
        idle = set()
        if state is not RolloutState.RUNNING:
            idle.add("pause")
        if state not in {RolloutState.PAUSED, RolloutState.STOPPED}:
            idle.add("resume")
        if state not in UNDER_WAY:
            idle.add("abandon")
        return idle

    # Keys.

    def action_pause(self) -> None:
        """Begin nothing more; what was begun is brought to its end."""
        if "pause" not in self.idle():
            self._steer(Wish.PAUSE)

    def action_resume(self) -> None:
        """Go on with those that wait; after a failure only if one is sure."""
        rollout = self.rollout
        if rollout is None or "resume" in self.idle():
            return
        if not self.is_armed:
            self.notify("read-only: A arms, then r goes on", severity="warning", markup=False)
        elif rollout.state is RolloutState.PAUSED:
            self._steer(Wish.RESUME)
        else:
            waiting = _waiting(rollout)
            said = (rollout.said or "one was not verified").rstrip(".")
            words = f"{said}. What failed is not tried again; the next ones are begun."
            self.sure(f"Go on with the other {waiting}?", words, lambda: self._steer(Wish.RESUME))

    def action_abandon(self) -> None:
        """Leave the others alone, if one is sure."""
        if self.rollout is not None and "abandon" not in self.idle():
            waiting = _waiting(self.rollout)
            words = f"{waiting} that wait are left alone for good. What is running is brought to its end."
            self.sure("Give up this rollout?", words, lambda: self._steer(Wish.ABANDON))

    def action_leave(self) -> None:
        """Back; it goes on."""
        if self.rollout is not None and self.rollout.state in UNDER_WAY:
            how = "goes on" if self.rollout.state is RolloutState.RUNNING else "waits for you"
            self.notify(f"{plain(self.rollout.title, 100)} {how}: D shows it", markup=False)
        self.dismiss()

    def _steer(self, wish: Wish) -> None:
        async def steer() -> None:
            await self.port.steer_rollout(self.rollout_id, wish)
            self.look()

        self.attempt(steer(), f"{wish.value} of a rollout")


def _last_of(row: TargetRun) -> str:
    """While it runs and nothing is concluded yet, the last line it said."""
    return row.lines[-1] if row.state is TargetState.RUNNING and row.lines else ""


def _waiting(rollout: Rollout) -> str:
    count = sum(target.state is TargetState.WAITING for target in rollout.targets)
    return f"{count} host{'' if count == 1 else 's'}"
