"""Drain of a Slurm node. Every command runs on the controller, never on the node.

Slurm 22.05 overwrites one reason with another without a word, and there is no "only if nobody else has": the state is
asked right before the command, which leaves a gap of the one round trip between the two.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from leptontui.actions.guard import BLAST_SHARE, Objection
from leptontui.actions.names import is_reason_of, node_names, reason_of
from leptontui.actions.reach import Deed, Prepared, Reach, Verdict
from leptontui.actions.setting import Setting
from leptontui.actions.slurm import NodeRecord
from leptontui.actions.slurm_questions import Room, ask_node, job_lines, jobs_on, room_left, stand_from
from leptontui.actions.slurm_rights import Rights, ask_rights
from leptontui.actions.slurm_rules import drain_allowed
from leptontui.errors import ActionError
from leptontui.model.action import Plan, Step
from leptontui.model.action_spec import ActionSpec
from leptontui.model.activity import Drained
from leptontui.model.target import HostTarget
from leptontui.model.text import plain

_COMMAND_TIMEOUT_S: Final = 60.0
"""scontrol asks its controller and is done; a spec's own limit may be for what follows, as a reboot's."""


@dataclass(frozen=True, slots=True)
class DrainDeed(Deed):
    """What surrounds the drain of a node.

    Attributes:
        reach: the controller.
        host: its name in the fleet.
        node: as Slurm calls it.
        user: who drains.
        reason: as it will stand in Slurm.
    """

    reach: Reach
    host: str
    node: str
    user: str
    reason: str

    async def check_again(self) -> Objection | None:
        """Nobody else has drained it, or given it a reason, meanwhile."""
        return drain_allowed(await ask_node(self.reach, (self.node,)), self.user)

    async def verify(self) -> Verdict:
        """The node drains for our reason; whether something still runs there is said."""
        node = await ask_node(self.reach, (self.node,))
        if not node.is_draining:
            return Verdict(is_so=False, said=f"{node.name} is {node.state}, not drained")
        if node.reason != self.reason:
            return Verdict(
                is_so=False, said=f"{node.name} is {node.state}, but for another reason: {plain(node.reason)}"
            )
        return Verdict(is_so=True, said=await how_it_stands(self.reach, node))

    def takes_out(self) -> tuple[Drained, ...]:
        """The node."""
        return (Drained(self.host, self.node, "slurm", self.reason, 0.0),)


async def prepare_slurm_drain(setting: Setting) -> Prepared:
    """Plan the drain of the host through its controller.

    Raises:
        GuardRefused: somebody else has drained it, or given it a reason.
        ActionError: Slurm does not know the node, or there is no reason.
        LinkError: the controller cannot be asked.
        CommandTimeout: no answer in time.
    """
    request, target, spec, user = setting.request, setting.target, setting.spec, setting.user
    reason_of(user, request.reason)  # before anything is asked
    reach = await setting.controller()
    node = await ask_node(reach, node_names(target.name))
    objection = drain_allowed(node, user)
    if objection is not None:
        raise objection.refusal()
    reason = reason_of(user, request.reason, before="" if is_reason_of(user, node.reason) else node.reason)
    room = await room_left(reach, node)
    change = update(node.name, "state=DRAIN", f"reason={reason}")
    rights = await ask_rights(reach, *change)
    warnings = [*other_name(node, target), *room.unknown, *rights.warnings]
    if node.is_draining:
        warnings.append(f"it drains already, for your own reason, which this replaces: {plain(node.reason)}")
    plan = Plan(
        setting.plan_id,
        request,
        f"{spec.title.format(host=target.name)} in Slurm",
        spec.danger,
        (slurm_step(reach, spec, rights, *change),),
        f"scontrol show node {node.name} → State has DRAIN, and the reason is this one",
        running_there=await jobs_there(reach, node, "goes on until it ends"),
        after_this=(f"{node.name} is {node.state} now; no new job starts there", *room_lines(room), spec.undone_by),
        warnings=(*warnings, *scarcity(room)),
        confirmation=request.host,
    )
    deed = DrainDeed(reach, target.name, node.name, user, reason)
    return Prepared(
        plan, target, (reach,), deed, setting.clock(), take_back={0: slurm_step(reach, spec, rights, *_back(node))}
    )


def _back(before: NodeRecord) -> tuple[str, ...]:
    """Puts the node back as it was: only the drain is taken back, not a DOWN that was there before."""
    return redrain(before) if before.is_draining else update(before.name, "state=UNDRAIN")


def redrain(before: NodeRecord) -> tuple[str, ...]:
    """Drains a node for the reason that it had; Slurm asks for one: "taken back" where there was none."""
    reason = plain(before.reason.replace('"', "'")) or "taken back"
    return update(before.name, "state=DRAIN", f"reason={reason}")


def update(node: str, *pairs: str) -> tuple[str, ...]:
    """`scontrol update` of one node."""
    return ("scontrol", "update", f"nodename={node}", *pairs)


def slurm_step(reach: Reach, spec: ActionSpec, rights: Rights, *argv: str) -> Step:
    """One of Slurm's commands as a step, with the rights that there are."""
    return Step(reach.name, reach.login, (*rights.prefix, *argv), min(spec.timeout_s, _COMMAND_TIMEOUT_S))


async def how_it_stands(reach: Reach, node: NodeRecord) -> str:
    """In one line; what runs there is left out where Slurm does not say."""
    try:
        return stand_from(node, await jobs_on(reach, node.name)).said
    except ActionError as error:
        return f"{node.name} is {node.state}: {error.cause}"


async def jobs_there(reach: Reach, node: NodeRecord, fate: str) -> tuple[str, ...]:
    """The jobs on a node for a plan, each with what becomes of it, or why they are not known."""
    try:
        return job_lines(await jobs_on(reach, node.name), fate)
    except ActionError as error:
        return (f"not known: {error.cause}",)


def room_lines(room: Room) -> tuple[str, ...]:
    """What the partitions are left with and what is out of them already, for a plan."""
    left = (f"{part.available} of {part.total} nodes left in {part.name}" for part in room.partitions)
    return (*left, *room.out)


def scarcity(room: Room) -> tuple[str, ...]:
    """A warning for each partition that is left with little."""
    return tuple(
        f"only {part.available} of {part.total} nodes are left in {part.name}"
        for part in room.partitions
        if part.total - part.available > max(1.0, BLAST_SHARE * part.total) or part.available == 0
    )


def other_name(node: NodeRecord, target: HostTarget) -> tuple[str, ...]:
    """A warning where Slurm's name of the node is not the fleet's."""
    if node.name == target.name:
        return ()
    return (f"Slurm calls it {node.name}: make sure that this is {plain(target.name, 80)}",)
