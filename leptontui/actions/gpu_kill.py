"""End of a process that uses a GPU: TERM first, KILL only if it is still there, and only ever the one that was shown.

A process is told by its pid, when it was started (in ticks since the boot) and the boot's id: a pid that was given to
another process meanwhile is not the same. Between the last look and the signal lies one round trip.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from leptontui.actions.evidence import EVIDENCE_WORDS
from leptontui.actions.gpu_holders import Holder, described, holders_of
from leptontui.actions.gpu_smi import Computing, computing_on
from leptontui.actions.guard import Objection
from leptontui.actions.privilege import is_root, step_as_root
from leptontui.actions.reach import Deed, Prepared, Reach, Verdict, complaint
from leptontui.actions.setting import Setting
from leptontui.errors import ActionError
from leptontui.model.action import Plan, Step
from leptontui.model.text import plain

_GONE_WITHIN_S: Final = 10.0
"""After KILL: the driver takes a while to give eight GPUs' memory back."""

_START: Final = 19
"""Where the start time stands behind the command in /proc/PID/stat: field 22 of proc(5), the state being field 3."""

_ENDED: Final = frozenset({"Z", "X", "x"})
"""States of a process that has ended; a zombie waits for its parent to look."""


@dataclass(frozen=True, slots=True)
class Alive:
    """A process at one moment.

    Attributes:
        pid: its number.
        start: when it was started, in ticks since the boot.
        boot: the boot's id.
        state: one letter of proc(5), e.g. "S", "D", "Z".
        parent: its parent's pid.
    """

    pid: int
    start: str
    boot: str
    state: str
    parent: int

    def is_same(self, other: Alive) -> bool:
        """Whether it is the same process, not another with its number."""
        return (self.pid, self.start, self.boot) == (other.pid, other.start, other.boot)


@dataclass(frozen=True, slots=True)
class KillDeed(Deed):
    """What surrounds the signals.

    Attributes:
        setting: of the action.
        reach: the host.
        planned: the process that was shown.
        name: of its program, for people.
        grace_s: between TERM and KILL.
    """

    setting: Setting
    reach: Reach
    planned: Alive
    name: str
    grace_s: float

    async def check_again(self) -> Objection | None:
        """It is still there, the same, and still uses a GPU."""
        now = await alive(self.reach, self.planned.pid)
        if now is None or not now.is_same(self.planned) or now.state in _ENDED:
            return Objection("changed-since", f"{self._what} has ended meanwhile", "nothing is left to be done")
        holder, uses, _ = await _uses_of(self.reach, self.planned.pid)
        if not uses and holder is None:
            return Objection("changed-since", f"{self._what} uses no GPU any more", "plan it again")
        return None

    async def is_needed(self, number: int) -> bool:
        """TERM if it is still there; KILL if it still is after a while."""
        waited_s = 0.0
        while await self._is_there():
            if number == 0 or waited_s >= self.grace_s:
                return True
            left_s = self.grace_s - waited_s
            self.setting.tell(f"{self._what} is still there; KILL in {left_s:.0f} s")
            pause_s = min(1.0, left_s)
            await self.setting.sleep(pause_s)
            waited_s += pause_s
        return False

    async def verify(self) -> Verdict:
        """It is gone, and the driver names it no more."""
        waited_s = 0.0
        while True:
            now = await alive(self.reach, self.planned.pid)
            is_there = now is not None and now.is_same(self.planned) and now.state not in _ENDED
            is_listed = not is_there and self.planned.pid in {use.pid for use in await _computing(self.reach)}
            if not is_there and (not is_listed or now is not None):
                return Verdict(is_so=True, said=self._ending(now))
            if waited_s >= _GONE_WITHIN_S:
                break
            await self.setting.sleep(1.0)
            waited_s += 1.0
        if is_listed:
            return Verdict(
                is_so=False, said=f"{self._what} is gone, but the driver still lists it: see the GPU's memory"
            )
        hangs = now is not None and now.state == "D"
        why = " in the kernel (state D): the driver hangs, only a reboot ends it" if hangs else ""
        return Verdict(is_so=False, said=f"{self._what} is still there{why}")

    @property
    def _what(self) -> str:
        return f"process {self.planned.pid} ({self.name})"

    def _ending(self, now: Alive | None) -> str:
        if now is not None and now.is_same(self.planned):
            return f"{self._what} has ended; its parent {now.parent} has not looked yet (zombie)"
        return f"{self._what} is gone"

    async def _is_there(self) -> bool:
        now = await alive(self.reach, self.planned.pid)
        return now is not None and now.is_same(self.planned) and now.state not in _ENDED


async def prepare_gpu_kill(setting: Setting) -> Prepared:
    """Plan the end of one process.

    Raises:
        ActionError: there is no such process, or it uses no GPU, or it is one of this program's own.
        LinkError: the host cannot be reached.
        CommandTimeout: no answer in time.
    """
    request, target, spec = setting.request, setting.target, setting.spec
    pid, grace_s = int(request.param("pid")), float(request.param("grace"))
    reach = await setting.host()
    planned = await alive(reach, pid)
    if planned is None or planned.state in _ENDED:
        raise ActionError(f"{reach.name} has no process {pid}", "look again: it may have ended")
    holder, uses, gap = await _uses_of(reach, pid)
    if not uses and holder is None:
        raise ActionError(
            f"process {pid} on {reach.name} uses no GPU" + (f", as far as can be seen: {gap}" if gap else "")
        )
    if holder is None:
        holder = next(iter(await described(reach, {pid: ()})), Holder(pid))
    if holder.is_probe:
        raise ActionError(f"process {pid} is a probe of this program itself", "it is not what uses the GPU")
    name = plain(uses[0].name if uses else holder.command, 40) or "unknown"
    steps, warnings = await _signals(reach, holder)
    if holder.unit:
        warnings.append(f"it belongs to {holder.unit}, which systemd may start again: restart the unit instead")
    elif holder.owner:
        warnings.append(f"it belongs to {holder.owner}, which ends or starts it again")
    age = await reach.ask("ps", "-o", "etime=,nlwp=,ppid=", "-p", str(pid))
    plan = Plan(
        setting.plan_id,
        request,
        spec.title.format(host=target.name, pid=pid),
        spec.danger,
        tuple(steps),
        f"/proc/{pid} is gone, or another process, and nvidia-smi lists it no more",
        running_there=(
            plain(holder.words, 400),
            *(f"on {use.gpu_uuid[:12]}…: {_memory(use)}" for use in uses),
            *(f"holds {' '.join(holder.devices)} open" for _ in holder.devices[:1]),
            *_age_words(age.stdout),
        ),
        after_this=(f"TERM, then KILL after {grace_s:.0f} s if it is still there", spec.undone_by),
        warnings=tuple(warnings),
        confirmation=target.name,
        evidence=EVIDENCE_WORDS,
        ends=(f"process {pid} begun at {planned.start} of boot {planned.boot}",),
    )
    job = holder.owner.removeprefix("job ") if holder.owner.startswith("job ") else ""
    ends = (job,) if job else None if target.scheduler and not holder.unit else ()
    return Prepared(
        plan, target, (reach,), KillDeed(setting, reach, planned, name, grace_s), setting.clock(), ends_jobs=ends
    )


async def alive(reach: Reach, pid: int) -> Alive | None:
    """The process with this number now, None if there is none.

    Raises:
        ActionError: the host does not say.
        LinkError: the link broke.
        CommandTimeout: no answer in time.
    """
    done = await reach.ask("cat", "/proc/sys/kernel/random/boot_id", f"/proc/{pid}/stat")
    boot, _, stat = done.stdout.partition("\n")
    if not boot.strip():
        raise ActionError(f"{reach.name} does not say what runs there: {complaint(done)}")
    return parse_stat(pid, boot.strip(), stat)


def parse_stat(pid: int, boot: str, text: str) -> Alive | None:
    """Read /proc/PID/stat; its second field, the program's name, may hold anything, brackets and lines included."""
    head, bracket, rest = text.strip().rpartition(")")
    fields = rest.split()
    if not bracket or not head.startswith(f"{pid} (") or len(fields) <= _START:
        return None
    state, parent, start = fields[0], fields[1], fields[_START]
    if not (start.isascii() and start.isdecimal() and parent.isascii() and parent.isdecimal()):
        return None
    return Alive(pid, start, plain(boot, 60), plain(state, 2), int(parent))


async def _uses_of(reach: Reach, pid: int) -> tuple[Holder | None, list[Computing], str]:
    """Whether it holds a GPU open, where it computes, and why the former is not known in full."""
    uses = [use for use in await _computing(reach) if use.pid == pid]
    holders, gap = await holders_of(reach)
    return next((holder for holder in holders if holder.pid == pid), None), uses, gap


async def _computing(reach: Reach) -> list[Computing]:
    try:
        return await computing_on(reach)
    except ActionError:  # who holds the devices open tells as well
        return []


async def _signals(reach: Reach, holder: Holder) -> tuple[list[Step], list[str]]:
    """TERM and KILL; with root's rights unless the process is the login's own."""
    steps: list[Step] = []
    said: dict[str, None] = {}
    is_own = holder.user and holder.user == reach.login.partition("@")[0]
    for signal in ("-TERM", "-KILL"):
        argv = ("kill", signal, str(holder.pid))
        if is_own or await is_root(reach):
            steps.append(Step(reach.name, reach.login, argv, 20.0))
        else:
            step, complaints = await step_as_root(reach, *argv, timeout_s=20.0)
            steps.append(step)
            said.update(dict.fromkeys(complaints))
    return steps, list(said)


def _memory(use: Computing) -> str:
    return "memory not told" if use.memory_used_mib is None else f"{use.memory_used_mib:,} MiB"


def _age_words(text: str) -> tuple[str, ...]:
    fields = text.split()
    if len(fields) != 3:  # noqa: PLR2004 — what was asked for
        return ()
    return (
        f"runs for {plain(fields[0], 20)}, {plain(fields[1], 10)} threads, started by process {plain(fields[2], 10)}",
    )
