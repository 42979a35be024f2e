"""A runbook under way, step by step: what was done, what is next; each step that changes something is confirmed."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Hashable, Sequence
from typing import NamedTuple

from leptontui.model.activity import RunbookRun, RunbookState, RunbookStep, TargetState, Wish
from leptontui.model.text import plain
from leptontui.ports import CommandPort, SnapshotSource
from leptontui.render.activity_words import RUNBOOK_UNDER_WAY, TARGET_SIGNS, TARGET_WORDS, runbook_pieces
from leptontui.render.cells import Piece, fit, spread
from leptontui.ui.commands import Scope
from leptontui.ui.screens.doing import DoingScreen
from leptontui.ui.screens.listing import wrapped

_STATE, _KIND = 18, 7


class NumberedStep(NamedTuple):
    """A step, which of them it is, from 0, and whether it is the next one."""

    at: int
    step: RunbookStep
    is_next: bool


class RunbookScreen(DoingScreen[NumberedStep]):
    """One runbook under way. Which one is an identity; leaving the screen does not end it.

    Args:
        source: where snapshots come from, for the header.
        commands: the way to act.
        run_id: which run.
        clock: tells the time in unix seconds.
    """

    SCOPE = Scope.RUNBOOK
    PLACE = "runbook"

    def __init__(
        self, source: SnapshotSource, commands: CommandPort, run_id: str, *, clock: Callable[[], float] = time.time
    ) -> None:
        super().__init__(source, commands, clock=clock)
        self.run_id = run_id
        self._at = -1

    @property
    def book(self) -> RunbookRun | None:
        """The run as it was last looked at; None once it is forgotten."""
        return next((run for run in self.activity.runbooks if run.run_id == self.run_id), None)

    def host_for(self, key: str) -> str | None:  # noqa: ARG002 — the whole screen is about one host
        """Its host."""
        return self.book.host if self.book is not None else None

    def list_anew(self) -> None:
        """The cursor goes to the next step when one has ended."""
        super().list_anew()
        book = self.book
        if book is not None and self.is_mounted and book.at != self._at:
            self._at = book.at
            self.rows.choose(min(book.at, len(book.steps) - 1))

    # What is listed.

    def key_of(self, row: NumberedStep) -> Hashable:
        """Its number."""
        return row.at

    def items(self) -> Sequence[NumberedStep]:
        """All steps."""
        book = self.book
        if book is None:
            return ()
        is_open = book.state in RUNBOOK_UNDER_WAY
        return [NumberedStep(at, step, is_open and at == book.at) for at, step in enumerate(book.steps)]

    def titles(self, width: int) -> Sequence[Piece]:
        """The line above the rows."""
        return (
            Piece(
                f"   {'':2}  {fit('state', _STATE)} {fit('kind', _KIND)} {fit('step', self._step_cells(width))}", "dim"
            ),
            Piece("  what came of it", "dim"),
        )

    def cells_of(self, row: NumberedStep, width: int) -> Sequence[Piece]:
        """Which is next, its number, state, kind, title, what came of it."""
        sign, role = TARGET_SIGNS[row.step.state]
        return (
            Piece("→ " if row.is_next else "  ", "accent", is_bold=True),
            Piece(f"{row.at + 1:>2}. ", "dim"),
            Piece(f"{sign} ", role),
            Piece(
                fit(
                    "next" if row.is_next and row.step.state is TargetState.WAITING else TARGET_WORDS[row.step.state],
                    _STATE - 2,
                ),
                role,
            ),
            Piece(f" {fit(plain(row.step.kind, 20), _KIND)} ", "dim"),
            Piece(fit(plain(row.step.title, 120), self._step_cells(width)), is_bold=row.is_next),
            Piece(f"  {plain(row.step.said, 300)}", "dim"),
        )

    def _step_cells(self, width: int) -> int:
        longest = max((len(each.step.title) for each in self.items()), default=10)
        return min(longest, max(20, width - 60))

    def note(self) -> Sequence[Piece]:
        """Which runbook, where, how it stands."""
        book = self.book
        if book is None:
            return (Piece(" this runbook's run is not known any more", "unknown"),)
        where = f" {plain(book.name, 60)} on {plain(book.host, 60)}   "
        done = f"step {min(book.at + 1, len(book.steps))} of {len(book.steps)} "
        return spread((Piece(where, is_bold=True), *runbook_pieces(book)), (Piece(done, "dim"),), self.size.width)

    def about(self, row: NumberedStep, width: int) -> Sequence[Sequence[Piece]]:
        """The chosen step in full."""
        head = (Piece(f" {row.at + 1}. {plain(row.step.title, 200)}", is_bold=True),)
        return [head, *wrapped(plain(row.step.said, 600), width)]

    def nothing(self) -> str:
        """Why there is no row."""
        return "This runbook's run is not known any more."

    def idle(self) -> Collection[str]:
        """What can do nothing as it stands."""
        state = self.book.state if self.book is not None else RunbookState.ENDED
        idle = {"open_host"}
        if state not in {RunbookState.READY, RunbookState.STOPPED}:
            idle |= {"run_next", "skip"}
        if state not in RUNBOOK_UNDER_WAY:
            idle.add("abandon")
        return idle

    # Keys.

    def action_run_next(self) -> None:
        """Show the plan of the next step; a check or a wait changes nothing and is begun at once."""
        if "run_next" not in self.idle():
            self.attempt(self._run_next(), "planning a runbook's step")

    async def _run_next(self) -> None:
        from leptontui.ui.screens.plan import StepScreen  # noqa: PLC0415 — when it is wanted

        plan = await self.port.plan_step(self.run_id)
        if plan is None:
            await self.port.run_step(self.run_id, None, "")
            self.look()
        elif self.app.screen is self:
            self.app.push_screen(StepScreen(self.port, self.run_id, plan, clock=self.clock))

    def action_skip(self) -> None:
        """Leave the next step out, if one is sure."""
        book = self.book
        if book is not None and "skip" not in self.idle() and book.at < len(book.steps):
            title = f"Leave out step {book.at + 1}?"
            words = f"{book.steps[book.at].title}: it is not done, and the one after it becomes the next."
            self.sure(title, words, lambda: self._steer(Wish.SKIP))

    def action_abandon(self) -> None:
        """Give it up, if one is sure."""
        book = self.book
        if book is not None and "abandon" not in self.idle():
            words = f"What was done stays as it is: {plain(book.host, 60)} is not put back by itself."
            self.sure(f"Give up {plain(book.name, 60)}?", words, lambda: self._steer(Wish.ABANDON))

    def action_leave(self) -> None:
        """Back; it can be gone on with."""
        self.dismiss()

    def on_row_list_opened(self) -> None:
        """A double click does what enter does."""
        self.action_run_next()

    def _steer(self, wish: Wish) -> None:
        async def steer() -> None:
            await self.port.steer_runbook(self.run_id, wish)
            self.look()

        self.attempt(steer(), f"{wish.value} of a runbook")
