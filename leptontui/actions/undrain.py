"""Return of a Slurm node into service: its drain is taken back, its DOWN where asked for, a reboot called off."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from leptontui.actions.drain import jobs_there, other_name, redrain, slurm_step, update
from leptontui.actions.guard import Objection
from leptontui.actions.names import is_reason_of, node_names
from leptontui.actions.reach import Deed, Prepared, Reach, Verdict
from leptontui.actions.setting import Setting, Sleep
from leptontui.actions.slurm import NodeRecord
from leptontui.actions.slurm_questions import ask_node
from leptontui.actions.slurm_rights import ask_rights
from leptontui.actions.slurm_rules import undrain_allowed, who_gave
from leptontui.model.action import Danger, Plan
from leptontui.model.text import plain

RESPONDS_WITHIN: Final = 10
"""Seconds in which a node that was resumed has to register again: slurmctld asks it at once."""


@dataclass(frozen=True, slots=True)
class UndrainDeed(Deed):
    """What surrounds the return of a node into service.

    Attributes:
        reach: the controller.
        host: its name in the fleet.
        planned: the node when the plan was made.
        how: "resume" or "undrain".
        has_cancel: whether the first of two commands calls a reboot off.
        sleep: waits for seconds; given by tests.
    """

    reach: Reach
    host: str
    planned: NodeRecord
    how: str = "resume"
    has_cancel: bool = False
    sleep: Sleep = asyncio.sleep

    async def check_again(self) -> Objection | None:
        """It is still out, and for the reason that was shown."""
        return undrain_allowed(await self._ask(), self.planned, self.how)

    async def is_needed(self, number: int) -> bool:
        """A reboot that is called off takes the drain that came with it back as well."""
        if not self.has_cancel or number == 0:
            return True
        return (await self._ask()).is_draining

    async def verify(self) -> Verdict:
        """The node does not drain any more, and would take work; "undrain" leaves a DOWN as it was."""
        node = await self._ask()
        for _ in range(RESPONDS_WITHIN):
            if not self._is_awaited(node):
                break
            await self.sleep(1.0)
            node = await self._ask()
        if node.is_draining or node.is_reboot_asked:
            return Verdict(is_so=False, said=f"{node.name} is {node.state}, still out of service: {who_gave(node)}")
        is_left_down = self.how == "undrain" and self.planned.is_down
        if self._is_awaited(node) and not is_left_down:
            return Verdict(
                is_so=False, said=f"{node.name} is {node.state}: it drains no more, but does not take jobs either"
            )
        return Verdict(is_so=True, said=f"{node.name} is {node.state}")

    def gives_back(self) -> tuple[str, ...]:
        """The host."""
        return (self.host,)

    async def _ask(self) -> NodeRecord:
        return await ask_node(self.reach, (self.planned.name,))

    @staticmethod
    def _is_awaited(node: NodeRecord) -> bool:
        return not node.is_draining and (node.is_silent or node.is_down)


async def prepare_slurm_undrain(setting: Setting) -> Prepared:
    """Plan the return of the host into service.

    Raises:
        GuardRefused: it is not out of service, or rebooting at this moment.
        ActionError: Slurm does not know the node, or cannot be asked.
        LinkError: the controller cannot be asked.
        CommandTimeout: no answer in time.
    """
    request, target, spec, user = setting.request, setting.target, setting.spec, setting.user
    how = request.param("how") or "resume"
    reach = await setting.controller()
    node = await ask_node(reach, node_names(target.name))
    objection = undrain_allowed(node, node, how)
    if objection is not None:
        raise objection.refusal()
    is_ours = is_reason_of(user, node.reason)
    change = update(node.name, f"state={how.upper()}")
    rights = await ask_rights(reach, *change)
    put_back = slurm_step(reach, spec, rights, *change)
    cancel = slurm_step(reach, spec, rights, "scontrol", "cancel_reboot", node.name)
    plan = Plan(
        setting.plan_id,
        request,
        f"{spec.title.format(host=target.name)} in Slurm",
        spec.danger if is_ours else Danger.DESTRUCTIVE,
        (cancel, put_back) if node.is_reboot_asked else (put_back,),
        f"scontrol show node {node.name} → State has no DRAIN, and it responds",
        running_there=await jobs_there(reach, node, "goes on"),
        after_this=(
            f"{node.name} is {node.state} now, out for: {plain(node.reason) or 'no reason given'}",
            "jobs may start there at once",
            spec.undone_by,
        ),
        warnings=(*other_name(node, target), *_warnings(node, how, is_ours=is_ours), *rights.warnings),
        confirmation="" if is_ours else request.host,
        ends=() if is_ours else (f"drain: {plain(node.reason)}",),
    )
    deed = UndrainDeed(reach, target.name, node, how, node.is_reboot_asked, setting.sleep)
    redo = slurm_step(reach, spec, rights, *redrain(node))
    take_back = {len(plan.steps) - 1: redo} if node.is_draining else {}
    return Prepared(plan, target, (reach,), deed, setting.clock(), take_back=take_back)


def _warnings(node: NodeRecord, how: str, *, is_ours: bool) -> tuple[str, ...]:
    warnings = []
    if not is_ours:
        what = "drained it" if node.is_draining else "gave it the reason"
        warnings.append(f"somebody else {what}: {who_gave(node)}")
    if node.is_reboot_asked:
        warnings.append("it waits for its jobs to end, to be rebooted: the reboot is called off, if it has not begun")
    if node.is_down or node.is_silent:
        warnings.append(
            f"{node.name} is {node.state}: RESUME puts it back whether or not it is well"
            if how == "resume"
            else f"{node.name} is {node.state}: only its drain is taken back, it takes no jobs before it is resumed"
        )
    return tuple(warnings)
