"""Reboot of a node by Slurm, when its jobs have ended: asked for on the controller, seen on the host itself."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from leptontui.actions.boot import BootSign, ReturnWatch, ask_sign
from leptontui.actions.drain import jobs_there, other_name, room_lines, scarcity, slurm_step
from leptontui.actions.evidence import EVIDENCE_WORDS
from leptontui.actions.guard import Objection
from leptontui.actions.names import is_reason_of, reason_of
from leptontui.actions.reach import Deed, Prepared, Reach, Verdict, complaint
from leptontui.actions.setting import Setting, Sleep, Tell
from leptontui.actions.slurm import NodeRecord
from leptontui.actions.slurm_questions import ask_node, jobs_on, room_left, stand_from
from leptontui.actions.slurm_rights import ask_rights
from leptontui.actions.slurm_rules import reboot_allowed, who_gave
from leptontui.errors import ActionError, CommandTimeout, LinkError
from leptontui.model.action import Plan
from leptontui.model.activity import Drained
from leptontui.model.target import HostTarget
from leptontui.model.text import plain

_ASK_EVERY_S: Final = 5.0
_TELL_EVERY_S: Final = 30.0

REGISTERS_WITHIN_S: Final = 180.0
"""After the host is back: until slurmd has started there and told slurmctld."""

_REBOOT_PROGRAM: Final = re.compile(r"^RebootProgram\s*=\s*(.*)$", re.MULTILINE)


@dataclass(slots=True)
class SlurmWatch:
    """Waits on the controller, each wait with a time limit.

    Attributes:
        reach: the controller.
        node: as Slurm calls it.
        clock: unix seconds.
        sleep: waits for seconds.
        tell: takes what is to be said meanwhile.
        last: what Slurm said of it last; None if it did not.
    """

    reach: Reach
    node: str
    clock: Callable[[], float]
    sleep: Sleep
    tell: Tell
    last: NodeRecord | None = field(default=None, init=False)
    _gave_up: bool = field(default=False, init=False)

    async def until(self, is_so: Callable[[NodeRecord], bool], limit_s: float) -> tuple[bool, str]:
        """Ask for the node until `is_so`, or the time is over: whether it is, and how it stands, in words.

        Who gave up once asks only once from then on: it is the same question, asked again.
        """
        began, told_s, told = self.clock(), 0.0, ""
        for _ in range(int(limit_s / _ASK_EVERY_S) + 1):  # also where the clock stands still
            self.last, said = await self._look()
            if self.last is not None and is_so(self.last):
                return True, said
            elapsed_s = self.clock() - began
            if self._gave_up or elapsed_s >= limit_s:
                break
            if said != told or elapsed_s - told_s >= _TELL_EVERY_S:
                self.tell(f"waiting, {elapsed_s:.0f} s: {said}")
                told_s, told = elapsed_s, said
            await self.sleep(_ASK_EVERY_S)
        self._gave_up = True
        return False, said

    async def _look(self) -> tuple[NodeRecord | None, str]:
        try:
            node = await ask_node(self.reach, (self.node,))
            return node, stand_from(node, await jobs_on(self.reach, self.node)).said
        except (LinkError, CommandTimeout, ActionError) as error:
            return None, f"Slurm does not say how {self.node} stands: {error.cause}"


@dataclass(frozen=True, slots=True)
class SlurmRebootDeed(Deed):
    """What surrounds `scontrol reboot`.

    Attributes:
        target: the host.
        reach: the controller.
        host: the way to the host itself.
        user: who asks for it.
        reason: as it will stand in Slurm; "" where the node drains already and goes on doing so.
        before: the host's sign when the plan was made.
        planned: the node then.
        wait_s: so long its jobs may take to end before it is no longer waited for.
        watch: waits on the controller.
        back: waits for the host.
    """

    target: HostTarget
    reach: Reach
    host: Reach
    user: str
    reason: str
    before: BootSign
    planned: NodeRecord
    wait_s: float
    watch: SlurmWatch
    back: ReturnWatch

    async def check_again(self) -> Objection | None:
        """Nobody has rebooted it, drained it or given it a reason meanwhile."""
        node = await ask_node(self.reach, (self.planned.name,))
        objection = reboot_allowed(node, self.user)
        if objection is not None:
            return objection
        if node.is_draining != self.planned.is_draining or node.reason != self.planned.reason:
            said = f"{node.name} is {node.state} since the plan was made: {who_gave(node)}"
            return Objection("changed-since", said, "plan it again")
        news = (await ask_sign(self.host)).news_since(self.before)
        if news:
            return Objection("changed-since", f"{self.host.name} was rebooted since the plan: {news}", "plan it again")
        return None

    async def verify(self) -> Verdict:
        """Its jobs have ended, it is back as another boot, and Slurm has it again as the plan said."""
        is_begun, said = await self.watch.until(lambda node: not node.is_reboot_asked, self.wait_s)
        if not is_begun:
            return Verdict(is_so=False, said=f"it is not rebooted yet: {said}; undrain calls it off")
        if await self._is_called_off():
            return Verdict(is_so=False, said=f"it has not rebooted, and Slurm does not reboot it any more: {said}")
        verdict = await self.back.wait()
        if not verdict.is_so:
            return replace(verdict, said=f"{verdict.said}; {(await self.watch.until(lambda _: True, 0.0))[1]}")
        is_settled, said = await self.watch.until(self._is_settled, REGISTERS_WITHIN_S)
        return Verdict(is_so=is_settled, said=f"{verdict.said}; {said}")

    async def _is_called_off(self) -> bool:
        """Slurm says nothing of a reboot, and the host is up as it was. A host that does not answer is on its way."""
        last = self.watch.last
        if last is None or last.is_rebooting:
            return False
        try:
            return not (await ask_sign(self.host)).news_since(self.before)
        except (LinkError, CommandTimeout, ActionError):
            return False

    def takes_out(self) -> tuple[Drained, ...]:
        """The node, from the moment on that it is asked for; nothing new where it is out already."""
        return (Drained(self.target.name, self.planned.name, "slurm", self.reason, 0.0),) if self.reason else ()

    def gives_back(self) -> tuple[str, ...]:
        """The host, if the reboot took it out of service."""
        return (self.target.name,) if self.reason else ()

    def _is_settled(self, node: NodeRecord) -> bool:
        """Slurm hears of it again; what drained before still does, and anything else takes jobs."""
        if node.is_reboot_asked or node.is_rebooting or node.is_silent:
            return False
        return node.is_draining if not self.reason else not (node.is_draining or node.is_down)


async def prepare_slurm_reboot(setting: Setting, controller: Reach, node: NodeRecord) -> Prepared:
    """Plan the reboot of a node by Slurm.

    A node that drains is rebooted without ASAP and nextstate: it drains on afterwards, for the reason that it has.

    Raises:
        GuardRefused: it is being rebooted already, or is down for somebody else's reason.
        ActionError: Slurm has no RebootProgram, no reason is given, or the host does not show its boot id.
        LinkError: the host or its controller cannot be reached.
        CommandTimeout: no answer in time.
    """
    request, target, spec, user = setting.request, setting.target, setting.spec, setting.user
    objection = reboot_allowed(node, user)
    if objection is not None:
        raise objection.refusal()
    before = "" if is_reason_of(user, node.reason) else node.reason
    reason = "" if node.is_draining else reason_of(user, request.reason, before=before)
    await _check_reboot_program(controller)
    host = await setting.host()
    sign = await ask_sign(host)
    asap = ("ASAP", "nextstate=RESUME", f"reason={reason}") if reason else ()
    change = ("scontrol", "reboot", *asap, node.name)
    rights = await ask_rights(controller, *change)
    room = await room_left(controller, node)
    wait_s = 60.0 * int(request.param("wait") or 15)
    plan = Plan(
        setting.plan_id,
        request,
        f"{spec.title.format(host=target.name)} by Slurm, when its jobs have ended",
        spec.danger,
        (slurm_step(controller, spec, rights, *change),),
        f"the host answers with another boot id than {sign.boot_id}; scontrol show node {node.name} → no REBOOT",
        running_there=await jobs_there(controller, node, "goes on until it ends, then it is rebooted"),
        after_this=_after(node, reason, wait_s, room_lines(room)),
        warnings=(
            *other_name(node, target),
            *_warnings(node, user),
            *rights.warnings,
            *room.unknown,
            *(scarcity(room) if reason else ()),
        ),
        confirmation=request.host,
        evidence=EVIDENCE_WORDS,
    )
    watches = (setting.clock, setting.sleep, setting.tell)
    deed = SlurmRebootDeed(
        target,
        controller,
        host,
        user,
        reason,
        sign,
        node,
        wait_s,
        SlurmWatch(controller, node.name, *watches),
        ReturnWatch(host, sign, spec.timeout_s, *watches),
    )
    return Prepared(plan, target, (controller, host), deed, setting.clock(), ends_jobs=())


async def _check_reboot_program(controller: Reach) -> None:
    done = await controller.ask("scontrol", "show", "config")
    if done.exit_status != 0:
        raise ActionError(f"Slurm cannot be asked on {controller.name}: {complaint(done)}")
    match = _REBOOT_PROGRAM.search(done.stdout)
    if match is None or match[1].strip() in {"", "(null)"}:
        raise ActionError(
            f"Slurm on {controller.name} cannot reboot nodes: it has no RebootProgram",
            "set one in slurm.conf; or drain the host, wait until it is empty, and use how=now",
        )


def _after(node: NodeRecord, reason: str, wait_s: float, room: tuple[str, ...]) -> tuple[str, ...]:
    wait = f"its jobs are waited for, at most {wait_s / 60:.0f} min; Slurm itself waits for as long as it takes"
    if not reason:
        return (f"{node.name} is {node.state} now, and drains on when it is back: undrain puts it into service", wait)
    called_off = "until it reboots, undrain calls it off"
    return (
        f"no new job starts on {node.name} until it is back; then it is in service at once",
        wait,
        called_off,
        *room,
    )


def _warnings(node: NodeRecord, user: str) -> tuple[str, ...]:
    if node.is_draining and not is_reason_of(user, node.reason):
        return (f"somebody else drained it, which stays so: {who_gave(node)}",)
    if node.is_silent or node.is_down:
        return (f"{node.name} is {node.state}: it is not heard of, so Slurm may never reboot it; {plain(node.reason)}",)
    return ()
