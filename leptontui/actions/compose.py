"""A service of Docker Compose: its copies restarted, or more or fewer of them run."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from leptontui.actions.container_state import ContainerState
from leptontui.actions.containers import SETTLE_S, Engine, look_at
from leptontui.actions.guard import Objection
from leptontui.actions.names import checked_unit
from leptontui.actions.reach import Deed, Prepared, Reach, Verdict, complaint
from leptontui.actions.service_health import service_of
from leptontui.actions.setting import Setting
from leptontui.actions.staying_up import Look, Watch
from leptontui.actions.systemd import WATCH_S
from leptontui.errors import ActionError
from leptontui.model.action import Plan
from leptontui.model.counted import counted
from leptontui.model.text import plain
from leptontui.transport.contract import Completed

MOST_COPIES: Final = 100
"""Copies of one service on one host that are looked at one by one."""

_ID: Final = re.compile(r"[0-9a-f]{12,64}")
_PROGRAM: Final = "docker"


@dataclass(frozen=True, slots=True)
class Project:
    """A service of a Compose project.

    Attributes:
        engine: the Docker it runs on.
        folder: where its compose.yaml is.
        service: the service's name.
    """

    engine: Engine
    folder: str
    service: str

    def words(self, *words: str) -> tuple[str, ...]:
        """What is said to Docker."""
        return ("compose", "--project-directory", self.folder, *words)

    async def copies(self) -> tuple[ContainerState, ...]:
        """The service's containers, those that are stopped included, by their ids.

        Raises:
            ActionError: there is no such service, or Docker may not be asked.
            LinkError: the link broke.
            CommandTimeout: no answer in time.
        """
        return await self._read(await self.engine.ask(*self._asked))

    @property
    def _asked(self) -> tuple[str, ...]:
        return self.words("ps", "--all", "--quiet", self.service)

    async def _read(self, done: Completed) -> tuple[ContainerState, ...]:
        if done.exit_status != 0:
            raise ActionError(f"docker compose on {self.engine.reach.name} does not tell of it: {complaint(done)}")
        ids = done.stdout.split()
        if len(ids) > MOST_COPIES or not all(_ID.fullmatch(ident) for ident in ids):
            raise ActionError(f"docker compose on {self.engine.reach.name} answers what makes no sense")
        return tuple([await self.engine.container(ident) for ident in sorted(ids)])


async def project_of(reach: Reach, folder: str, service: str) -> tuple[Project, tuple[ContainerState, ...]]:
    """The project, its Docker asked as the login or else with root's rights, and the service's containers.

    Raises:
        ActionError: there is no such service, or Docker may not be asked.
        LinkError: the link broke.
        CommandTimeout: no answer in time.
    """
    project = Project(Engine(reach, _PROGRAM), folder, service)
    try:
        return project, await project.copies()
    except ActionError as error:
        if "ermission denied" not in error.cause:
            raise
        project = Project(Engine(reach, _PROGRAM, is_roots=True), folder, service)
        return project, await project.copies()


@dataclass(frozen=True, slots=True)
class ComposeDeed(Deed):
    """What surrounds a change to a service's copies.

    Attributes:
        project: see `Project`.
        before: the copies when the plan was made.
        wanted: how many copies there have to be.
        are_restarted: whether each of them has to be started anew.
        watch: watches them once they are up.
    """

    project: Project
    before: tuple[ContainerState, ...]
    wanted: int
    are_restarted: bool
    watch: Watch

    async def check_again(self) -> Objection | None:
        """The copies are still those that were shown; one that restarts itself again and again is the same."""
        now = await self.project.copies()
        if _was_changed(now, self.before):
            cause = f"{self.project.service} is not what it was when the plan was made: {_counted(now)}"
            return Objection("changed-since", cause, "plan it again")
        return None

    async def verify(self) -> Verdict:
        """So many copies run, started anew where asked for, and stay up and well."""
        now = await self.project.copies()
        for _ in range(SETTLE_S):
            if not self._missing(now):
                break
            await self.watch.sleep(1.0)
            now = await self.project.copies()
        missing = self._missing(now)
        if missing:
            return Verdict(is_so=False, said=f"{self.project.service}: {missing}")

        async def look() -> Look:
            if not self.wanted:
                later = await self.project.copies()
                return Look(not _running(later), _counted(later))
            seen = [await look_at(self.project.engine, copy) for copy in now if copy.is_running]
            worst = next((copy for copy in seen if not copy.is_up), None)
            if worst is not None:
                return worst
            unready = [copy for copy in seen if not copy.is_ready]
            ready = f"{_counted(now)}, {len(seen) - len(unready)} of them ready"
            return Look(is_up=True, said=ready, is_ready=not unready)

        return await self.watch.verdict(look)

    async def explain(self) -> str:
        """The service's last lines."""
        words = self.project.words("logs", "--no-color", "--tail", "10", self.project.service)
        return (await self.project.engine.ask(*words)).stdout

    def _missing(self, now: tuple[ContainerState, ...]) -> str:
        """What is not as it has to be yet; "" if all is."""
        running = _running(now)
        if len(running) != self.wanted:
            return f"{_counted(now)}, and there should be {self.wanted}"
        old = running & _running(self.before) if self.are_restarted else frozenset()
        return f"{len(old)} of {self.wanted} were not restarted" if old else ""


async def prepare_compose_restart(setting: Setting) -> Prepared:
    """Plan the restart of all copies of a service, e.g. "compose:/srv/vllm/api". Raises as `prepare_compose_scale`."""
    project, before, watch = await _look(setting)
    count = len(_running(before))
    if not before:
        raise ActionError(f"{project.service} has no container on {setting.target.name}", "scale it up first")
    step, warnings = await project.engine.step(
        *project.words("restart", project.service), timeout_s=setting.spec.timeout_s
    )
    if count < len(before):
        warnings = (*warnings, f"{len(before) - count} of its containers do not run now: this starts them")
    deed = ComposeDeed(project, before, len(before), are_restarted=True, watch=watch)
    plan = Plan(
        setting.plan_id,
        setting.request,
        setting.spec.title.format(unit=f"the Compose service {project.service}", host=setting.target.name),
        setting.spec.danger,
        (step,),
        f"docker inspect of each → running since another time, healthy if it says so, {watch.words}",
        running_there=_shown(before),
        after_this=(f"{project.service} serves nothing until it is up again", setting.spec.undone_by),
        warnings=warnings,
    )
    return Prepared(plan, setting.target, (project.engine.reach,), deed, setting.clock())


async def prepare_compose_scale(setting: Setting) -> Prepared:
    """Plan that more or fewer copies of a service run.

    Raises:
        ActionError: it is not allowed, not there, or cannot be asked.
        LinkError: the host cannot be asked.
        CommandTimeout: no answer in time.
    """
    wanted = int(setting.request.param("replicas"))
    if wanted > MOST_COPIES:
        raise ActionError(f"{wanted} copies on one host are too many", f"at most {MOST_COPIES}")
    project, before, watch = await _look(setting)
    count = len(_running(before))
    # --no-recreate and --no-deps: what runs stays as it is, and nothing else is started.
    words = ("up", "--detach", "--no-recreate", "--no-deps", "--scale", f"{project.service}={wanted}", project.service)
    step, warnings = await project.engine.step(*project.words(*words), timeout_s=setting.spec.timeout_s)
    if wanted == count:
        warnings = (*warnings, f"{count} copies run already")
    if wanted < count:
        warnings = (*warnings, f"{count - wanted} of {count} copies are stopped and removed; Compose chooses which")
    deed = ComposeDeed(project, before, wanted, are_restarted=False, watch=watch)
    plan = Plan(
        setting.plan_id,
        setting.request,
        f"{setting.spec.title.format(unit=project.service, replicas=wanted)} on {setting.target.name}",
        setting.spec.danger,
        (step,),
        f"docker compose ps of {project.service} → {wanted} running, {watch.words}",
        running_there=_shown(before),
        after_this=(f"{counted(wanted, 'container')} of {project.service}; {count} now", setting.spec.undone_by),
        warnings=warnings,
        undo=setting.request.but(replicas=str(count)) if count != wanted else None,
    )
    return Prepared(plan, setting.target, (project.engine.reach,), deed, setting.clock())


async def _look(setting: Setting) -> tuple[Project, tuple[ContainerState, ...], Watch]:
    reference = checked_unit(setting.request.unit, setting.target.units)
    folder, _, service = reference.name.rpartition("/")
    reach = await setting.host()
    project, before = await project_of(reach, folder, service)
    health = service_of(setting.target, service)
    return project, before, Watch(reach, service, WATCH_S, health, setting.sleep, setting.tell)


def _running(copies: tuple[ContainerState, ...]) -> frozenset[tuple[str, str]]:
    return frozenset((copy.ident, copy.started) for copy in copies if copy.is_running)


def _was_changed(now: tuple[ContainerState, ...], before: tuple[ContainerState, ...]) -> bool:
    known = {copy.ident: copy for copy in before}
    if {copy.ident for copy in now} != known.keys():
        return True
    return any(
        copy.restarts == known[copy.ident].restarts
        and (copy.is_running, copy.started) != (known[copy.ident].is_running, known[copy.ident].started)
        for copy in now
    )


def _counted(copies: tuple[ContainerState, ...]) -> str:
    count = len(_running(copies))
    whole = counted(len(copies), "container")
    verb = "runs" if len(copies) == 1 else "run"
    return f"{count} of {whole} {verb}" if count < len(copies) else f"{whole} {verb}"


def _shown(copies: tuple[ContainerState, ...]) -> tuple[str, ...]:
    return tuple(plain(f"{copy.name}: {copy.words}", 200) for copy in copies[:20]) or ("no container runs",)
