"""Runbooks: which there are, and those under way: step by step, kept over restarts, audited."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from leptontui.actions import runbook_course as course
from leptontui.actions.parameters import completed
from leptontui.actions.runbook_file import KeptRun
from leptontui.actions.runbook_run import LiveRun, Means
from leptontui.config.problem import did_you_mean
from leptontui.config.runbooks import RunbookShelf
from leptontui.errors import ActionError
from leptontui.model.action import Plan
from leptontui.model.activity import RunbookEntry, RunbookRun, RunbookState, Wish
from leptontui.model.text import plain

_SHOWN: Final = 20


class Runbooks:
    """Starts, steps and steers runbooks. On the engine's loop; `shown` may be read from any thread.

    Args:
        means: what they work with.
        shelf: reads the runbooks that there are; called in a thread.
        knows: whether a host of this name is in the fleet.
        user: who acts.
    """

    def __init__(
        self, means: Means, *, shelf: Callable[[], RunbookShelf], knows: Callable[[str], bool], user: str
    ) -> None:
        self._means = replace(means, changed=self._show)
        self._shelf, self._knows, self._user = shelf, knows, user
        self._live: dict[str, LiveRun] = {}
        self._shown: tuple[RunbookRun, ...] = ()

    @property
    def shown(self) -> tuple[RunbookRun, ...]:
        """Those under way and the last that ended, newest first."""
        return self._shown

    async def entries(self) -> tuple[RunbookEntry, ...]:
        """What runbooks there are. A file with mistakes is an entry without steps that says so."""
        shelf = await asyncio.to_thread(self._shelf)
        found = (
            RunbookEntry(one.name, one.meaning, tuple(map(course.words_of, one.tasks)), one.source, one.parameters)
            for one in shelf.runbooks.values()
        )
        return (*found, *(RunbookEntry(one.file, f"not used: {one}", (), one.file) for one in shelf.problems))

    async def look_again(self) -> None:
        """Read what is kept: runs of sessions before this one, and how those of others stand."""
        for kept in await asyncio.to_thread(self._means.files.read):
            live = self._live.get(kept.run.run_id)
            if live is not None and live.is_busy:
                continue
            found = await asyncio.to_thread(self._picked_up, kept)
            if live is None:
                self._live[kept.run.run_id] = LiveRun(found, self._means)
            elif not live.is_busy:
                live.kept = found
        self._show()

    async def start(self, name: str, host: str, params: Sequence[tuple[str, str]]) -> str:
        """Make one ready for a host, without running a step; returns the run's id.

        Raises:
            ActionError: there is no such runbook or host, a parameter is wrong, or it cannot be kept.
            AuditError: the audit cannot be written.
        """
        shelf = await asyncio.to_thread(self._shelf)
        runbook = shelf.runbooks.get(name)
        if runbook is None:
            wrong = str(shelf.problems[0]) if shelf.problems else f"there are {', '.join(shelf.runbooks)}"
            raise ActionError(f"there is no runbook {plain(name, 60)}", did_you_mean(name, shelf.runbooks) or wrong)
        if not self._knows(host):
            raise ActionError(f"{plain(host, 60)} is not in the fleet")
        values = completed(params, runbook.parameters, runbook.name)
        kept = course.begun(runbook, secrets.token_hex(8), host, values, self._user, self._means.clock())
        live = LiveRun(kept, self._means)
        await live.note("runbook-begun")
        self._live[kept.run.run_id] = live
        try:
            await live.keep(kept)
        except ActionError:
            del self._live[kept.run.run_id]
            raise
        await asyncio.to_thread(self._means.files.tidy)
        return kept.run.run_id

    async def plan_step(self, run_id: str) -> Plan | None:
        """The plan of the next step; None where it is a check or a wait, which change nothing.

        Raises:
            ActionError: it cannot be planned.
        """
        return await self._of(run_id).plan()

    async def run_step(self, run_id: str, plan: Plan | None, confirmation: str, override: str = "") -> None:
        """Run the next step. An action or a check has ended when this returns; a wait has begun.

        Raises:
            GuardRefused: a rule forbids it now.
            NotConfirmed: `confirmation` is not what the plan asks for; it can be confirmed again.
            AuditError: the audit cannot be written; nothing was run.
            ActionError: there is no next step, it cannot be kept, or another session is at it.
        """
        await self._of(run_id).step(plan, confirmation, override)

    async def steer(self, run_id: str, wish: Wish) -> None:
        """Skip the next step, or abandon it. A wait under way is broken off.

        Raises:
            ActionError: there is none under way with this id, an action of it runs, or it cannot be kept.
            AuditError: the audit cannot be written.
        """
        live = self._of(run_id)
        match wish:
            case Wish.SKIP:
                await live.skip()
            case Wish.ABANDON:
                await live.abandon()
            case _:
                raise ActionError(
                    f"a runbook cannot be asked to {wish.value}", "run its next step, skip it, or abandon it"
                )

    async def close(self) -> None:
        """Break off waits; they wait to be begun again."""
        await asyncio.gather(*(live.close() for live in self._live.values()))

    def _of(self, run_id: str) -> LiveRun:
        live = self._live.get(run_id)
        if live is None:
            raise ActionError(f"no runbook {plain(run_id, 40)} is under way")
        return live

    def _picked_up(self, kept: KeptRun) -> KeptRun:
        """As it stands, where the session that ran it may have been ended in between. Waits for the disk."""
        if kept.run.state is not RunbookState.RUNNING:
            return kept
        files = self._means.files
        with files.held(kept.run.run_id) as is_ours:
            if not is_ours:  # it runs, in another session
                return kept
            now = files.read_one(kept.run.run_id) or kept
            found = course.picked_up(now)
            if found != now:
                files.write(found)
            return found

    def _show(self) -> None:
        runs = sorted((live.kept.run for live in self._live.values()), key=lambda run: run.begun_unix_s, reverse=True)
        self._shown = tuple(runs[:_SHOWN])
