"""What is being done and what is left over: broken-off actions, rollouts, runbooks, hosts out of service by oneself."""

from __future__ import annotations

import time
from collections.abc import Collection, Hashable, Sequence
from typing import Final

from leptontui.model.action import ActionName
from leptontui.model.activity import Drained, Rollout, RunbookRun, Unfinished
from leptontui.model.text import plain
from leptontui.render.activity_words import (
    ROLLOUT_SIGNS,
    RUNBOOK_SIGNS,
    RUNBOOK_UNDER_WAY,
    UNDER_WAY,
    counts_of,
    drained_words,
)
from leptontui.render.cells import Piece, fit
from leptontui.render.numbers import age
from leptontui.ui.commands import Scope
from leptontui.ui.messages import ActionAsked, MenuAsked
from leptontui.ui.screens.doing import DoingScreen
from leptontui.ui.screens.listing import wrapped
from leptontui.ui.widgets.row_list import Heading

Entry = Unfinished | Rollout | RunbookRun | Drained
_WHAT: Final = 34
_AGE: Final = 6


class ActivityScreen(DoingScreen[Entry]):
    """Lists all of it; enter opens what has a screen of its own. See `DoingScreen` for its arguments."""

    SCOPE = Scope.ACTIVITY
    PLACE = "activity"

    def on_mount(self) -> None:
        """Ask how remembered drains and broken-off actions stand now."""
        super().on_mount()
        self._ask()

    # What is listed.

    def key_of(self, row: Entry) -> Hashable:
        """What it is about."""
        match row:
            case Unfinished():
                return ("unfinished", row.plan_id)
            case Rollout():
                return ("rollout", row.rollout_id)
            case RunbookRun():
                return ("runbook", row.run_id)
            case _:
                return ("drained", row.host)

    def items(self) -> Sequence[Entry | Heading]:
        """What wants somebody first."""
        activity = self.activity
        items: list[Entry | Heading] = []
        for title, entries in (
            ("broken off: begun, and no end is known", activity.unfinished),
            ("rollouts", activity.rollouts),
            ("runbooks", activity.runbooks),
            ("out of service by you", activity.drained),
        ):
            items += [Heading(title), *entries] if entries else []
        return items

    def titles(self, width: int) -> Sequence[Piece]:
        """The line above the rows."""
        return (Piece(f"  {fit('what', self._what_cells(width))}  {'age':>{_AGE}}  how it stands", "dim"),)

    def _what_cells(self, width: int) -> int:
        return max(_WHAT, min(56, width // 3))

    def cells_of(self, row: Entry, width: int) -> Sequence[Piece]:
        """Sign, what, since when, how it stands."""
        sign, role, what, since, said = self._told(row)
        old = age(max(0.0, self.clock() - since)) if since is not None else ""
        return (
            Piece(f"{sign} ", role),
            Piece(fit(plain(what, 120), self._what_cells(width))),
            Piece(f"  {old:>{_AGE}}  ", "dim"),
            *said,
        )

    def _told(self, row: Entry) -> tuple[str, str, str, float | None, tuple[Piece, ...]]:
        """Sign, role, what, since when, how it stands."""
        match row:
            case Unfinished():
                said = plain(row.said, 300) or "not asked yet"
                found = (Piece(said, "text" if row.is_settled else "warning"),)
                sign, role = ("●", "well") if row.is_settled else ("▲", "warning")
                return sign, role, row.title, row.begun_unix_s, found
            case Rollout():
                sign, role, word = ROLLOUT_SIGNS[row.state]
                begun = min((each.begun_unix_s for each in row.targets if each.begun_unix_s is not None), default=None)
                return sign, role, row.title, begun, (Piece(f"{word}   ", role), *counts_of(row.targets))
            case RunbookRun():
                sign, role, word = RUNBOOK_SIGNS[row.state]
                at = min(row.at, len(row.steps) - 1)
                step = f"step {at + 1} of {len(row.steps)}: {plain(row.steps[at].title, 120)}" if row.steps else ""
                what = f"{row.name} on {row.host}"
                return sign, role, what, row.begun_unix_s, (Piece(f"{word}   ", role), Piece(step, "dim"))
            case _:
                return "⊘", "drained", row.host, row.since_unix_s, drained_words(row)

    def note(self) -> Sequence[Piece]:
        """How much there is of what."""
        activity = self.activity
        broken = sum(not each.is_settled for each in activity.unfinished)
        going = sum(each.state in UNDER_WAY for each in activity.rollouts)
        books = sum(each.state in RUNBOOK_UNDER_WAY for each in activity.runbooks)
        safe = sum(each.is_empty is True for each in activity.drained)
        told = (
            (broken, f"{broken} broken off", "warning"),
            (going, f"{going} rollout{'' if going == 1 else 's'} under way", "accent"),
            (books, f"{books} runbook{'' if books == 1 else 's'} under way", "accent"),
            (len(activity.drained), f"⊘ {len(activity.drained)} out of service", "drained"),
            (safe, f"● {safe} now safe to reset", "well"),
        )
        found = [Piece(f" {words}  ", role) for count, words, role in told if count]
        return found or (Piece(" nothing is under way", "dim"),)

    def about(self, row: Entry, width: int) -> Sequence[Sequence[Piece]]:
        """The chosen one in full."""
        lines: list[Sequence[Piece]]
        match row:
            case Unfinished():
                begun = time.strftime("%d %b %H:%M:%S", time.localtime(row.begun_unix_s))
                who = f" begun by {plain(row.user, 60)} at {begun}; the program was ended before it knew the end"
                lines = [(Piece(f" {plain(row.title, 200)}", is_bold=True),), (Piece(who, "dim"),)]
                return [*lines, *wrapped(plain(row.said, 400) or "how it stands was not asked yet: l asks", width)]
            case Rollout():
                lines = [(Piece(f" {plain(row.title, 200)}", is_bold=True),)]
                return [*lines, *wrapped(plain(row.said, 400) or "enter shows every host", width)]
            case RunbookRun():
                return [(Piece(f" {at}. {plain(step.title, 200)}", "dim"),) for at, step in enumerate(row.steps, 1)]
            case _:
                asked = row.asked_unix_s
                when = f"asked {age(max(0.0, self.clock() - asked))} ago" if asked is not None else "not asked yet"
                node = f" {plain(row.host, 60)} ({plain(row.node, 60)} in {plain(row.scheduler, 20)}, {when})"
                lines = [(Piece(node, is_bold=True),), (Piece(f" reason: {plain(row.reason, 200)}", "dim"),)]
                return [*lines, *wrapped(plain(row.said, 400), width)]

    def nothing(self) -> str:
        """Why there is no row."""
        return (
            "Nothing is being done. No host is out of service by you, no action was broken off.\n\n"
            "In the fleet, x shows what can be done to the host under the cursor, or to those marked with space."
        )

    def idle(self) -> Collection[str]:
        """What can do nothing with the chosen row."""
        row = self.chosen
        idle = {"open_activity"} if isinstance(row, Rollout | RunbookRun) else {"open", "open_activity"}
        return (
            idle
            if isinstance(row, Drained)
            else {*idle, "undrain"} | ({"open_actions"} if self._host is None else set())
        )

    @property
    def _host(self) -> str | None:
        row = self.chosen
        return row.host if row is not None and not isinstance(row, Rollout) else None

    def host_for(self, key: str) -> str | None:  # noqa: ARG002 — the first row is chosen by itself
        """The chosen row's."""
        return self._host

    # Keys.

    def action_open(self) -> None:
        """Show the rollout or the runbook."""
        row = self.chosen
        if isinstance(row, Rollout):
            from leptontui.ui.screens.rollout import RolloutScreen  # noqa: PLC0415 — when it is wanted

            self.app.push_screen(RolloutScreen(self.source, self.port, row.rollout_id, clock=self.clock))
        elif isinstance(row, RunbookRun):
            from leptontui.ui.screens.runbook import RunbookScreen  # noqa: PLC0415 — when it is wanted

            self.app.push_screen(RunbookScreen(self.source, self.port, row.run_id, clock=self.clock))

    def on_row_list_opened(self) -> None:
        """A double click does what enter does."""
        self.action_open()

    def action_undrain(self) -> None:
        """Open the plan that gives the chosen host back."""
        if isinstance(row := self.chosen, Drained):
            self.post_message(ActionAsked(ActionName.UNDRAIN, row.host))

    def action_open_actions(self) -> None:
        """Show what can be done to the chosen row's host."""
        if (host := self._host) is not None:
            self.post_message(MenuAsked((host,)))

    def action_look_again(self) -> None:
        """Ask the hosts now."""
        self.notify("asking how they stand …", markup=False)
        self._ask()

    def _ask(self) -> None:
        async def ask() -> None:
            await self.port.look_again()
            self.look()

        self.attempt(ask(), "asking how drains and broken-off actions stand")
