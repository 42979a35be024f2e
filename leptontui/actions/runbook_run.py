"""One runbook under way in this session: its next step planned, run and kept, skipped or abandoned."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from leptontui.actions import runbook_course as course
from leptontui.actions.audit import Json
from leptontui.actions.hand import Hand
from leptontui.actions.reach import Verdict
from leptontui.actions.runbook_file import KeptRun, RunbookFiles
from leptontui.actions.setting import Sleep
from leptontui.actions.to_the_end import to_the_end
from leptontui.errors import ActionError, AuditError, CommandTimeout, GuardRefused, LeptonError, LinkError, NotConfirmed
from leptontui.model.action import Plan
from leptontui.model.activity import RunbookState, TargetState
from leptontui.model.runbook import RunbookTask, TaskKind

_LOG = logging.getLogger(__name__)

POLL_S: Final = 15.0
"""Between two questions while it is waited for something: a job's end is not known sooner by asking more often."""

Ask = Callable[[str, str, str], Awaitable[Verdict]]
"""Whether a condition (first) holds for a host (second) and its unit (third). Raises as `conditions.is_so` does."""


@dataclass(frozen=True, slots=True)
class Means:
    """What a run works with.

    Attributes:
        hand: plans and runs its actions.
        ask: asks whether a condition holds.
        files: where it is kept.
        clock: unix seconds.
        sleep: waits for seconds.
        changed: called whenever it stands otherwise.
    """

    hand: Hand
    ask: Ask
    files: RunbookFiles
    clock: Callable[[], float]
    sleep: Sleep
    changed: Callable[[], None]


class LiveRun:
    """A run in this session. On the engine's loop.

    Args:
        kept: as it is kept.
        means: what it works with.

    Attributes:
        kept: as it stands.
        is_busy: whether a step of it is under way in this session.
    """

    def __init__(self, kept: KeptRun, means: Means) -> None:
        self.kept = kept
        self.is_busy = False
        self._means = means
        self._planned: Plan | None = None
        self._waiting: asyncio.Task[None] | None = None

    async def plan(self) -> Plan | None:
        """The plan of the next step; None where it is a check or a wait.

        Raises:
            ActionError: there is none, or it cannot be planned.
        """
        task = course.next_task(self.kept)
        self._planned = await self._means.hand.plan(course.request_of(self.kept, task)) if task.action else None
        return self._planned

    async def step(self, plan: Plan | None, confirmation: str, override: str) -> None:
        """Run the next step; a wait has only begun when this returns. Raises as `Runbooks.run_step`."""
        task = course.next_task(self.kept)
        if self.is_busy:
            raise ActionError("a step of it runs already", "wait for its end")
        if task.action:
            if plan is None or plan != self._planned:
                raise GuardRefused("plan-unknown", "this step was not planned so, or was run already", "plan it again")
            if plan.confirmation and confirmation != plan.confirmation:
                raise NotConfirmed("what was typed is not what is asked for", f"type {plan.confirmation}, or leave it")
        self.is_busy, self._planned = True, None
        if task.kind is TaskKind.WAIT:
            begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting = asyncio.create_task(self._wait(task, begun))
            await asyncio.shield(begun)
            return
        try:
            with self._held():
                if plan is not None and task.action:
                    await self._act(plan, confirmation, override)
                else:
                    await self._end(*await self._once(task))
        finally:
            self.is_busy = False

    async def skip(self) -> None:
        """Leave the next step out. Raises as `Runbooks.steer`."""
        await self._changed_by_hand("runbook-skip", course.skipped)

    async def abandon(self) -> None:
        """Do nothing more of it. Raises as `Runbooks.steer`."""
        await self._changed_by_hand("runbook-abandon", course.abandoned)

    async def close(self) -> None:
        """Break off a wait under way; it waits to be begun again."""
        if self._waiting is not None:
            self._waiting.cancel()
            await asyncio.gather(self._waiting, return_exceptions=True)

    async def note(self, event: str) -> None:
        """Write down how it stands.

        Raises:
            AuditError: it cannot be told that the line is on disk.
        """
        run = self.kept.run
        at = min(run.at, len(run.steps) - 1)
        fields: dict[str, Json] = {
            "run_id": run.run_id,
            "title": f"{run.name} on {run.host}",
            "hosts": [run.host],
            "params": dict(self.kept.params),
            "state": run.state.value,
            "at": run.at,
            "steps": [f"{step.title}: {step.state.value}" for step in run.steps],
            "said": run.steps[at].said,
        }
        await self._means.hand.note(event, fields)

    async def keep(self, kept: KeptRun) -> None:
        """Keep it as it is now, on disk first.

        Raises:
            ActionError: it cannot be kept; then it stands as before.
        """
        await to_the_end(self._means.files.write, kept)
        self._show(kept)

    async def _changed_by_hand(self, event: str, change: Callable[[KeptRun], KeptRun]) -> None:
        await self.close()
        course.next_task(self.kept)
        if self.is_busy:
            raise ActionError("a step of it runs", "wait for its end")
        with self._held():
            after = change(self.kept)
            await self.note(event)
            await self.keep(after)
        if after.run.state is RunbookState.ENDED:
            await self._note_quietly("runbook-ended")

    async def _act(self, plan: Plan, confirmation: str, override: str) -> None:
        run = self.kept.run
        await self.keep(course.running(self.kept))
        state, said = TargetState.UNKNOWN, "it was broken off before its end was known"
        try:
            outcome = await self._means.hand.run_part(
                plan,
                part_of=f"runbook {run.name} {run.run_id}, step {run.at + 1}",
                confirmed=f"{confirmation} typed" if plan.confirmation else "one key",
                override=override,
            )
            state, said = TargetState(outcome.kind.value), outcome.summary
        except ActionError as refusal:
            state, said = TargetState.REFUSED, str(refusal)
            raise
        finally:  # also when cancelled
            await self._end(state, said)

    async def _once(self, task: RunbookTask) -> tuple[TargetState, str]:
        """Whether a condition holds now."""
        try:
            verdict = await self._means.ask(task.condition, self.kept.run.host, task.unit)
        except (LinkError, CommandTimeout) as error:  # a host that reboots does not answer for a while
            return TargetState.UNKNOWN, f"it could not be asked: {error.cause}"
        except ActionError as error:
            return TargetState.UNKNOWN, str(error)
        return (TargetState.VERIFIED if verdict.is_so else TargetState.NOT_VERIFIED), verdict.said

    async def _wait(self, task: RunbookTask, begun: asyncio.Future[None]) -> None:
        try:
            with self._held():
                await self.keep(course.running(self.kept))
                begun.set_result(None)
                try:
                    await self._end(*await self._until(task))
                except asyncio.CancelledError:
                    if self.kept.run.state is RunbookState.RUNNING:  # else it has ended, and only that is not noted yet
                        await self.keep(course.back(self.kept))
                    raise
        except LeptonError as error:
            if not begun.done():
                begun.set_exception(error)
            else:
                _LOG.exception("a wait of runbook %s cannot be kept", self.kept.run.name)
        except Exception as error:  # noqa: BLE001 — the task's boundary
            _LOG.exception("a wait of runbook %s failed", self.kept.run.name)
            self._show(course.ended(self.kept, TargetState.FAILED, f"{type(error).__name__}: {error}"))
        finally:
            self.is_busy, self._waiting = False, None
            if not begun.done():
                begun.cancel()

    async def _until(self, task: RunbookTask) -> tuple[TargetState, str]:
        deadline = self._means.clock() + task.limit_s
        while True:
            state, said = await self._once(task)
            if state is TargetState.VERIFIED:
                return state, said
            left_s = deadline - self._means.clock()
            if left_s <= 0.0:
                return TargetState.NOT_VERIFIED, f"not so within {task.limit_s / 60:.0f} min: {said}"
            self._show(course.running(self.kept, said))
            await self._means.sleep(min(POLL_S, left_s))

    async def _end(self, state: TargetState, said: str) -> None:
        after = course.ended(self.kept, state, said)
        try:
            await self.keep(after)
        except ActionError:  # it happened: that must not be lost over this
            _LOG.exception("the end of a step of %s is not kept", self.kept.run.name)
            self._show(after)
        await self._note_quietly("runbook-ended" if after.run.state is RunbookState.ENDED else "runbook-step")

    async def _note_quietly(self, event: str) -> None:
        try:
            await self.note(event)
        except AuditError:  # its actions have lines of their own, without which they are not run
            _LOG.exception("%s of %s is not in the audit", event, self.kept.run.name)

    @contextmanager
    def _held(self) -> Iterator[None]:
        """No other session goes on with it meanwhile, nor has since it was read."""
        run_id = self.kept.run.run_id
        with self._means.files.held(run_id) as is_ours:
            if not is_ours:
                raise ActionError("another session is at this runbook", "wait for the end of its step")
            found = self._means.files.read_one(run_id)
            if found is not None and found.run != self.kept.run:
                self._show(found)
                raise ActionError("another session went on with this runbook", "look how it stands now")
            yield

    def _show(self, kept: KeptRun) -> None:
        self.kept = kept
        self._means.changed()
