"""The ports through which the screen reaches the engine's thread: callable from the screen's own loop."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeVar

from leptontui.engine.thread import EngineThread, Watch
from leptontui.errors import ActionError, AlertError, LeptonError
from leptontui.model.action import ActionRequest, Outcome, Plan
from leptontui.model.action_spec import ActionSpec
from leptontui.model.activity import Activity, RolloutPlan, RolloutRequest, RunbookEntry, Wish
from leptontui.model.alert import Matcher, Silence
from leptontui.model.alert_history import HistoryQuery, Transition
from leptontui.ports import AlertPort, CommandPort, Trusted

T = TypeVar("T")
P = TypeVar("P")


class ThreadedAccess:
    """A `ports.AccessPort` for the screen's thread: every call is carried out on the engine's loop.

    Args:
        thread: the engine's thread.
    """

    def __init__(self, thread: EngineThread) -> None:
        self._thread = thread

    def answer(self, question_id: str, text: str | None) -> None:
        """See `ports.AccessPort.answer`."""
        self._thread.answer(question_id, text)

    async def trust(self, hosts: Sequence[str]) -> Trusted:
        """See `ports.AccessPort.trust`."""

        def trusted(watch: Watch) -> Coroutine[Any, Any, Trusted] | None:
            return None if watch.access is None else _answered(lambda port: port.trust(hosts), watch.access)

        return await self._thread.ask(trusted, LeptonError)


class ThreadedCommands:
    """A `ports.CommandPort` for the screen's thread: every call is carried out on the engine's loop.

    Args:
        thread: the engine's thread.
    """

    def __init__(self, thread: EngineThread) -> None:
        self._thread = thread

    @property
    def armed_until_unix_s(self) -> float | None:
        """When arming expires; None while read-only."""
        commands = self._thread.commands
        return None if commands is None else commands.armed_until_unix_s

    def arm(self) -> float:
        """Allow actions for a while.

        Raises:
            ActionError: the engine is not up yet.
        """
        return self._port().arm()

    def disarm(self) -> None:
        """Go back to read-only at once."""
        commands = self._thread.commands
        if commands is not None:
            commands.disarm()

    async def plan(self, request: ActionRequest) -> Plan:
        """See `ports.CommandPort.plan`."""
        return await self._asked(lambda port: port.plan(request))

    async def run(self, plan: Plan, confirmation: str, override: str = "") -> Outcome:
        """See `ports.CommandPort.run`."""
        return await self._asked(lambda port: port.run(plan, confirmation, override))

    def said(self, plan_id: str) -> tuple[str, ...]:
        """See `ports.CommandPort.said`."""
        commands = self._thread.commands
        return () if commands is None else commands.said(plan_id)

    @property
    def specs(self) -> tuple[ActionSpec, ...]:
        """See `ports.CommandPort.specs`; () before the engine is up."""
        commands = self._thread.commands
        return () if commands is None else commands.specs

    @property
    def activity(self) -> Activity:
        """See `ports.CommandPort.activity`; empty before the engine is up."""
        commands = self._thread.commands
        return Activity() if commands is None else commands.activity

    async def plan_rollout(self, request: RolloutRequest) -> RolloutPlan:
        """See `ports.CommandPort.plan_rollout`."""
        return await self._asked(lambda port: port.plan_rollout(request))

    async def start_rollout(self, plan: RolloutPlan, confirmation: str, override: str = "") -> None:
        """See `ports.CommandPort.start_rollout`."""
        await self._asked(lambda port: port.start_rollout(plan, confirmation, override))

    async def steer_rollout(self, rollout_id: str, wish: Wish) -> None:
        """See `ports.CommandPort.steer_rollout`."""
        await self._asked(lambda port: port.steer_rollout(rollout_id, wish))

    async def runbooks(self) -> tuple[RunbookEntry, ...]:
        """See `ports.CommandPort.runbooks`."""
        return await self._asked(lambda port: port.runbooks())

    async def start_runbook(self, name: str, host: str, params: Sequence[tuple[str, str]]) -> str:
        """See `ports.CommandPort.start_runbook`."""
        return await self._asked(lambda port: port.start_runbook(name, host, params))

    async def plan_step(self, run_id: str) -> Plan | None:
        """See `ports.CommandPort.plan_step`."""
        return await self._asked(lambda port: port.plan_step(run_id))

    async def run_step(self, run_id: str, plan: Plan | None, confirmation: str, override: str = "") -> None:
        """See `ports.CommandPort.run_step`."""
        await self._asked(lambda port: port.run_step(run_id, plan, confirmation, override))

    async def steer_runbook(self, run_id: str, wish: Wish) -> None:
        """See `ports.CommandPort.steer_runbook`."""
        await self._asked(lambda port: port.steer_runbook(run_id, wish))

    async def look_again(self) -> None:
        """See `ports.CommandPort.look_again`."""
        await self._asked(lambda port: port.look_again())

    def _port(self) -> CommandPort:
        commands = self._thread.commands
        if commands is None:
            raise ActionError("nothing can be done before the engine is up", "wait a second and try again")
        return commands

    async def _asked(self, question: Callable[[CommandPort], Awaitable[T]]) -> T:
        def put(watch: Watch) -> Coroutine[Any, Any, T] | None:
            return None if watch.commands is None else _answered(question, watch.commands)

        return await self._thread.ask(put, ActionError)


class ThreadedAlerts:
    """A `ports.AlertPort` for the screen's thread: every call is carried out on the engine's loop.

    Args:
        thread: the engine's thread.
    """

    def __init__(self, thread: EngineThread) -> None:
        self._thread = thread

    async def acknowledge(self, alert_ids: Sequence[str], why: str) -> int:
        """See `ports.AlertPort.acknowledge`."""
        return await self._asked(lambda port: port.acknowledge(alert_ids, why))

    async def unacknowledge(self, alert_ids: Sequence[str]) -> int:
        """See `ports.AlertPort.unacknowledge`."""
        return await self._asked(lambda port: port.unacknowledge(alert_ids))

    async def silence(self, matchers: Sequence[Matcher], lasts_s: float, why: str) -> Silence:
        """See `ports.AlertPort.silence`."""
        return await self._asked(lambda port: port.silence(matchers, lasts_s, why))

    async def matching(self, matchers: Sequence[Matcher]) -> int:
        """See `ports.AlertPort.matching`."""
        return await self._asked(lambda port: port.matching(matchers))

    async def unsilence(self, silence_id: str) -> None:
        """See `ports.AlertPort.unsilence`."""
        await self._asked(lambda port: port.unsilence(silence_id))

    async def history(self, query: HistoryQuery) -> tuple[Transition, ...]:
        """See `ports.AlertPort.history`."""
        return await self._asked(lambda port: port.history(query))

    async def report(self, since_unix_s: float) -> str:
        """See `ports.AlertPort.report`."""
        return await self._asked(lambda port: port.report(since_unix_s))

    async def _asked(self, question: Callable[[AlertPort], Awaitable[T]]) -> T:
        def put(watch: Watch) -> Coroutine[Any, Any, T] | None:
            return None if watch.alerts is None else _answered(question, watch.alerts)

        return await self._thread.ask(put, AlertError)


async def _answered(question: Callable[[P], Awaitable[T]], port: P) -> T:
    return await question(port)  # put here, so that nothing is left unasked where the loop is gone
