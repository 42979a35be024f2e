"""Restart of a container of Docker or Podman: planned from what its engine says of it, verified by asking it again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from leptontui.actions import privilege
from leptontui.actions.container_state import FORMAT, ContainerState, parse_container
from leptontui.actions.guard import Objection
from leptontui.actions.names import checked_unit
from leptontui.actions.reach import Deed, Prepared, Reach, Verdict, complaint
from leptontui.actions.service_health import service_of
from leptontui.actions.setting import Setting
from leptontui.actions.staying_up import Look, Watch
from leptontui.actions.systemd import WATCH_S
from leptontui.errors import ActionError
from leptontui.model.action import Plan, Step
from leptontui.model.text import plain
from leptontui.transport.contract import Completed

SETTLE_S: Final = 10
"""A container may be on its way up for so many seconds after `restart` has returned."""

_DENIED: Final = ("permission denied", "Got permission denied", "no such container", "No such container")
"""What an engine says to a login that may not ask it, or that has containers of its own and not this one."""


@dataclass(frozen=True, slots=True)
class Engine:
    """Docker or Podman on a host.

    Attributes:
        reach: the host.
        program: "docker" or "podman".
        is_roots: whether it is asked with root's rights.
    """

    reach: Reach
    program: str
    is_roots: bool = False

    async def ask(self, *words: str) -> Completed:
        """Ask it something. Raises `ActionError`, `LinkError` and `CommandTimeout`."""
        if self.is_roots:
            return await privilege.ask_as_root(self.reach, self.program, *words)
        return await self.reach.ask(self.program, *words)

    async def step(self, *words: str, timeout_s: float) -> tuple[Step, tuple[str, ...]]:
        """The step that runs it, and what the plan has to warn of. Raises as `ask` does."""
        argv = (self.program, *words)
        if self.is_roots:
            return await privilege.step_as_root(self.reach, *argv, timeout_s=timeout_s)
        return Step(self.reach.name, self.reach.login, argv, timeout_s), ()

    async def container(self, name: str) -> ContainerState:
        """What it says of a container, by its name or id.

        Raises:
            ActionError: there is none, or it may not be asked.
            LinkError: the link broke.
            CommandTimeout: no answer in time.
        """
        return read_container(self, name, await self.ask("inspect", "--type", "container", "--format", FORMAT, name))


def read_container(engine: Engine, name: str, done: Completed) -> ContainerState:
    """What was said of a container.

    Raises:
        ActionError: there is none, or it may not be asked.
    """
    if done.exit_status != 0:
        mend = f"put the login into the group {engine.program}, or allow {engine.program} in sudoers"
        may_not = "ermission denied" in done.stderr or "password is required" in done.stderr
        cause = f"{engine.program} on {engine.reach.name} does not tell of {plain(name, 80)}: {complaint(done)}"
        raise ActionError(cause, mend if may_not else "")
    state = parse_container(done.stdout)
    if state is None:
        raise ActionError(f"{engine.program} on {engine.reach.name} says of {plain(name, 80)} what makes no sense")
    return state


async def engine_for(reach: Reach, program: str, name: str) -> tuple[Engine, ContainerState]:
    """The engine that has the container, asked as the login or else with root's rights, and what it says of it.

    Raises:
        ActionError: none has it, or it may not be asked.
        LinkError: the link broke.
        CommandTimeout: no answer in time.
    """
    engine = Engine(reach, program)
    done = await engine.ask("inspect", "--type", "container", "--format", FORMAT, name)
    if done.exit_status != 0 and any(word in done.stderr for word in _DENIED):
        roots = Engine(reach, program, is_roots=True)
        asked = await roots.ask("inspect", "--type", "container", "--format", FORMAT, name)
        if asked.exit_status == 0:
            engine, done = roots, asked
    state = read_container(engine, name, done)
    if state.name != name:  # a name that is the beginning of an id finds a container, too
        raise ActionError(f"{program} on {reach.name} has no container called {name}, only {state.name or state.ident}")
    return engine, state


@dataclass(frozen=True, slots=True)
class ContainerDeed(Deed):
    """What surrounds the restart of a container.

    Attributes:
        engine: whose it is.
        before: the container when the plan was made.
        watch: watches it once it is up.
    """

    engine: Engine
    before: ContainerState
    watch: Watch

    async def check_again(self) -> Objection | None:
        """The container is still the one that was shown."""
        now = await self.engine.container(self.before.name)
        has_restarted_itself = (now.restarts or 0) > (self.before.restarts or 0)
        if now.is_restart_of(self.before) and not has_restarted_itself:
            cause = f"{now.name} was restarted since the plan was made: {now.words}"
            return Objection("changed-since", cause, "plan it again")
        return None

    async def verify(self) -> Verdict:
        """It was started anew, stays up, and its health check says that it is well."""
        now = await self.engine.container(self.before.name)
        for _ in range(SETTLE_S):
            if now.is_running and now.is_restart_of(self.before):
                break
            await self.watch.sleep(1.0)
            now = await self.engine.container(self.before.name)
        if not now.is_running:
            return Verdict(is_so=False, said=f"{now.name} is {now.words}")
        if not now.is_restart_of(self.before):
            return Verdict(is_so=False, said=f"{now.name} is up, but was not restarted: {now.words}")
        return await self.watch.verdict(lambda: look_at(self.engine, now))

    async def explain(self) -> str:
        """The container's last lines."""
        done = await self.engine.ask("logs", "--tail", "10", self.before.name)
        return f"{done.stdout}\n{done.stderr}"


async def look_at(engine: Engine, came_up: ContainerState) -> Look:
    """Whether a container that came up is still the same, and says that it is well. Raises as `Engine.container`."""
    now = await engine.container(came_up.ident)
    is_same = not now.is_restart_of(came_up) and now.restarts == came_up.restarts
    is_up = now.is_running and is_same and now.status != "restarting" and now.health != "unhealthy"
    return Look(is_up, now.words, is_ready=now.health != "starting")


async def prepare_container_restart(setting: Setting) -> Prepared:
    """Plan the restart of a container, e.g. "docker:vllm".

    Raises:
        ActionError: it is not allowed, not there, or cannot be asked.
        LinkError: the host cannot be asked.
        CommandTimeout: no answer in time.
    """
    request, target, spec = setting.request, setting.target, setting.spec
    reference = checked_unit(request.unit, target.units)
    reach = await setting.host()
    engine, before = await engine_for(reach, reference.kind, reference.name)
    step, warnings = await engine.step("restart", before.name, timeout_s=spec.timeout_s)
    if not before.is_running:
        warnings = (*warnings, f"{before.name} does not run now: this starts it")
    service = service_of(target, before.name)
    watch = Watch(reach, before.name, WATCH_S, service, setting.sleep, setting.tell)
    whose = "root's " if engine.is_roots else ""
    plan = Plan(
        setting.plan_id,
        request,
        spec.title.format(unit=f"the {reference.kind} container {before.name}", host=target.name),
        spec.danger,
        (step,),
        f"{reference.kind} inspect {before.name} → running since another time, healthy if it says so, {watch.words}",
        running_there=(f"{whose}{reference.kind} container {before.name}: {before.words}",),
        after_this=(f"{before.name} serves nothing until it is up again", spec.undone_by),
        warnings=warnings,
    )
    return Prepared(plan, target, (reach,), ContainerDeed(engine, before, watch), setting.clock())
