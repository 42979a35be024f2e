"""Reboot of a host: by Slurm when its jobs have ended, or by its own systemd at once. Its return is watched."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from leptontui.actions.boot import BootSign, ReturnWatch, ask_sign
from leptontui.actions.evidence import EVIDENCE_WORDS
from leptontui.actions.guard import Objection
from leptontui.actions.names import node_names
from leptontui.actions.privilege import step_as_root
from leptontui.actions.reach import Deed, Prepared, Reach, Verdict
from leptontui.actions.reboot_slurm import prepare_slurm_reboot
from leptontui.actions.schedulers import stand_of
from leptontui.actions.setting import Setting, controller_of
from leptontui.actions.slurm_questions import find_node, job_lines, jobs_on
from leptontui.errors import ActionError, CommandTimeout, LinkError
from leptontui.model.action import Plan
from leptontui.model.target import HostTarget
from leptontui.model.text import plain

_COMMAND_TIMEOUT_S: Final = 60.0

_GONE_WITH_IT: Final = (0, -1, -15, 129, 143)
"""systemctl may be ended by the very shutdown that it asked for (SIGHUP, SIGTERM; a shell in between adds 128)."""

_SHOWN_LOGINS: Final = 5


@dataclass(frozen=True, slots=True)
class RebootDeed(Deed):
    """What surrounds `systemctl reboot`.

    Attributes:
        reach: the host.
        before: its sign when the plan was made.
        jobs: the jobs that the plan showed; None where they were not known.
        setting: what the plan was made from.
        watch: waits for its return.
    """

    reach: Reach
    before: BootSign
    jobs: frozenset[str] | None
    setting: Setting
    watch: ReturnWatch

    async def check_again(self) -> Objection | None:
        """It has not rebooted meanwhile, and nobody's job has begun that the plan did not show."""
        news = (await ask_sign(self.reach)).news_since(self.before)
        if news:
            return Objection(
                "changed-since", f"{self.reach.name} was rebooted since the plan was made: {news}", "plan it again"
            )
        now = await _jobs_of(self.setting)
        fresh = sorted(now.keys() - self.jobs) if now is not None and self.jobs is not None else []
        if fresh:
            listed = ", ".join(now[job] for job in fresh[:5]) if now is not None else ""
            return Objection("changed-since", f"jobs began there since the plan was made: {listed}", "plan it again")
        return None

    async def verify(self) -> Verdict:
        """It is back as another boot; what its systemd says of itself is added."""
        verdict = await self.watch.wait()
        if not verdict.is_so:
            return verdict
        return replace(verdict, said=verdict.said + await said_by_systemd(self.reach))


async def prepare_reboot(setting: Setting) -> Prepared:
    """Plan the reboot of the host, in the way that `how` asks for; "auto" is Slurm's where Slurm knows the host.

    Raises:
        GuardRefused: Slurm reboots it already, or it is down for somebody else's reason.
        ActionError: it cannot be rebooted in this way, or cannot be asked.
        LinkError: the host or its controller cannot be reached.
        CommandTimeout: no answer in time.
    """
    if setting.target.is_local:
        raise ActionError(f"{plain(setting.target.name, 60)} is this machine: the program would end with it")
    how = setting.request.param("how") or "auto"
    is_slurms = setting.target.scheduler == "slurm"
    if how == "slurm" and not is_slurms:
        raise ActionError(f"{plain(setting.target.name, 60)} has no Slurm", "reboot it with how=now")
    if how == "now" or not is_slurms:
        return await _prepare_now(setting)
    controller = await setting.controller()
    node = await find_node(controller, node_names(setting.target.name))
    if node is not None:
        return await prepare_slurm_reboot(setting, controller, node)
    if how == "slurm":
        raise ActionError(f"Slurm on {controller.name} does not know {plain(setting.target.name, 60)}", "use how=now")
    return await _prepare_now(setting)


async def _prepare_now(setting: Setting) -> Prepared:
    request, target, spec = setting.request, setting.target, setting.spec
    reach = await setting.host()
    before = await ask_sign(reach)
    step, warnings = await step_as_root(
        reach, "systemctl", "reboot", timeout_s=_COMMAND_TIMEOUT_S, succeeds=_GONE_WITH_IT
    )
    scheduled, said = await _what_the_scheduler_says(setting)
    jobs = await _jobs_of(setting)
    plan = Plan(
        setting.plan_id,
        request,
        f"{spec.title.format(host=target.name)} at once",
        spec.danger,
        (step,),
        f"the host answers again with another boot id than {before.boot_id}",
        running_there=(*scheduled, *await _logins(reach)),
        after_this=(
            f"everything on {target.name} ends at once, and the link to it breaks off",
            f"its return is waited for, at most {spec.timeout_s / 60:.0f} min",
            spec.undone_by,
        ),
        warnings=(*said, *_who_hangs_on_it(setting), *warnings),
        confirmation=request.host,
        evidence=EVIDENCE_WORDS,
        ends=("jobs that are not known",)
        if jobs is None and target.scheduler
        else tuple(f"job {one}" for one in jobs or ()),
    )
    watch = ReturnWatch(reach, before, spec.timeout_s, setting.clock, setting.sleep, setting.tell)
    deed = RebootDeed(reach, before, None if jobs is None else frozenset(jobs), setting, watch)
    return Prepared(plan, target, (reach,), deed, setting.clock())


def _who_hangs_on_it(setting: Setting) -> tuple[str, ...]:
    """What else of the fleet is cut off while the host is away: those reached through it, and its scheduler's hosts."""
    name = setting.target.name
    behind = [host.name for host in setting.fleet.hosts if name in _hops(host)]
    ruled = [host.name for host in setting.fleet.hosts if host.controller == name]
    warnings = []
    if behind:
        count = f"{len(behind)} hosts are" if len(behind) > 1 else "1 host is"
        warnings.append(f"{count} reached through it: their links break off too")
    if ruled:
        count = f"{len(ruled)} hosts" if len(ruled) > 1 else "1 host"
        warnings.append(f"it is the controller of {count}: nobody can drain or undrain there meanwhile")
    return tuple(warnings)


def _hops(host: HostTarget) -> list[str]:
    """The names of the hosts it is reached through, without user and port."""
    return [hop.rpartition("@")[2].partition(":")[0] for hop in (host.jump or "").split(",")]


async def _what_the_scheduler_says(setting: Setting) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What would die with the host, as its scheduler knows it, and what to warn of; of neither if it has none."""
    if setting.target.scheduler is None:
        return (), ()
    try:
        stand = await stand_of(setting.fleet, setting.target, setting.reach_of)
        jobs: tuple[str, ...] = (stand.said,)
        if setting.target.scheduler == "slurm":
            controller = await setting.controller()
            jobs = job_lines(await jobs_on(controller, stand.node), "dies")
    except (ActionError, LinkError, CommandTimeout) as error:
        return (), (f"what runs there is not known: {error.cause}",)
    warnings = []
    if stand.is_out and stand.reason and not stand.reason.startswith(f"{setting.user}: "):
        warnings.append(f"somebody else has it out of service: {stand.reason} [{stand.by}]")
    if not stand.is_out:
        warnings.append(f"it is in service ({stand.said}): drain it first, and what runs there can end")
    elif not stand.is_empty:
        warnings.append(f"it is not empty yet: {stand.said}")
    return jobs, tuple(warnings)


async def _jobs_of(setting: Setting) -> dict[str, str] | None:
    """Slurm's jobs there, in words by their ids; None where there is no Slurm, or it does not say."""
    if setting.target.scheduler != "slurm":
        return None
    try:
        controller = await setting.reach_of(controller_of(setting.fleet, setting.target))
        node = await find_node(controller, node_names(setting.target.name))
        return {} if node is None else {job.job_id: job.words for job in await jobs_on(controller, node.name)}
    except (ActionError, LinkError, CommandTimeout):
        return None


async def _logins(reach: Reach) -> tuple[str, ...]:
    """Who is logged in there, besides the program."""
    done = await reach.ask("who")
    lines = [plain(line, 100) for line in done.stdout.split("\n") if line.strip()] if done.exit_status == 0 else []
    more = [f"… and {len(lines) - _SHOWN_LOGINS} more logins"] if len(lines) > _SHOWN_LOGINS else []
    return (*(f"logged in: {line}" for line in lines[:_SHOWN_LOGINS]), *more)


async def said_by_systemd(reach: Reach) -> str:
    """What the host's systemd says of itself once it is back, as the end of a sentence; "" where it does not."""
    try:
        done = await reach.ask("systemctl", "is-system-running")
    except (LinkError, CommandTimeout):
        return ""
    said = plain(done.stdout, 40)
    return f"; systemd says {said}" if said else ""
