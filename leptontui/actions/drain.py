"""Drain and undrain of a Slurm node. Every command runs on the controller, never on the node.

Slurm 22.05 overwrites one reason with another without a word, and there is no "only if nobody else has": the state is
asked right before the command, which leaves a gap of the one round trip between the two.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from leptontui.actions.guard import BLAST_SHARE, Objection, drain_allowed, undrain_allowed
from leptontui.actions.names import is_reason_of, node_names, reason_of
from leptontui.actions.reach import Deed, Prepared, Reach, Verdict, complaint
from leptontui.actions.setting import Setting
from leptontui.actions.slurm import (
    JOB_FORMAT,
    SINFO_FORMAT,
    NodeRecord,
    PartitionRoom,
    parse_jobs,
    parse_nodes,
    parse_room,
)
from leptontui.errors import ActionError
from leptontui.model.action import Danger, Plan, Step
from leptontui.model.action_spec import ActionSpec
from leptontui.model.target import HostTarget
from leptontui.model.text import plain

_SHOWN_JOBS: Final = 20


@dataclass(frozen=True, slots=True)
class DrainDeed(Deed):
    """What surrounds the drain of a node.

    Attributes:
        reach: the controller.
        node: as Slurm calls it.
        user: who drains.
        reason: as it will stand in Slurm.
    """

    reach: Reach
    node: str
    user: str
    reason: str

    async def check_again(self) -> Objection | None:
        """Nobody else has drained it, or given it a reason, meanwhile."""
        return drain_allowed(await ask_node(self.reach, (self.node,)), self.user)

    async def verify(self) -> Verdict:
        """The node drains for our reason."""
        node = await ask_node(self.reach, (self.node,))
        if not node.is_draining:
            return Verdict(is_so=False, said=f"{node.name} is {node.state}, not drained")
        if node.reason != self.reason:
            return Verdict(
                is_so=False, said=f"{node.name} is {node.state}, but for another reason: {plain(node.reason)}"
            )
        ends = "the jobs there go on until they end" if node.is_at_work else "nothing runs there any more"
        return Verdict(is_so=True, said=f"{node.name} is {node.state}: {ends}")


@dataclass(frozen=True, slots=True)
class UndrainDeed(Deed):
    """What surrounds the return of a node into service.

    Attributes:
        reach: the controller.
        planned: the node when the plan was made.
    """

    reach: Reach
    planned: NodeRecord

    async def check_again(self) -> Objection | None:
        """It still drains, and for the reason that was shown."""
        return undrain_allowed(await ask_node(self.reach, (self.planned.name,)), self.planned)

    async def verify(self) -> Verdict:
        """The node does not drain any more."""
        node = await ask_node(self.reach, (self.planned.name,))
        return Verdict(is_so=not node.is_draining, said=f"{node.name} is {node.state}")


async def prepare_drain(setting: Setting) -> Prepared:
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
    room, warnings = await _room_left(reach, node)
    if node.is_draining:
        warnings.append(f"it drains already, for your own reason, which this replaces: {plain(node.reason)}")
    warnings += [
        f"only {part.available} of {part.total} nodes are left in {part.name}"
        for part in room
        if part.total - part.available > max(1.0, BLAST_SHARE * part.total) or part.available == 0
    ]
    plan = Plan(
        setting.plan_id,
        request,
        f"{spec.title.format(host=target.name)} in Slurm",
        spec.danger,
        (_step(reach, spec, f"nodename={node.name}", "state=DRAIN", f"reason={reason}"),),
        f"scontrol show node {node.name} → State has DRAIN, and the reason is this one",
        running_there=await _jobs_there(reach, node),
        after_this=(
            f"{node.name} is {node.state} now; no new job starts there",
            *(f"{part.available} of {part.total} nodes left in {part.name}" for part in room),
            spec.undone_by,
        ),
        warnings=(*_other_name(node, target), *warnings),
        confirmation=request.host,
    )
    return Prepared(plan, target, (reach,), DrainDeed(reach, node.name, user, reason), setting.clock())


async def prepare_undrain(setting: Setting) -> Prepared:
    """Plan the return of the host into service. Raises as `prepare_drain` does."""
    request, target, spec, user = setting.request, setting.target, setting.spec, setting.user
    reach = await setting.controller()
    node = await ask_node(reach, node_names(target.name))
    objection = undrain_allowed(node, node)
    if objection is not None:
        raise objection.refusal()
    is_ours = is_reason_of(user, node.reason)
    warnings = [*_other_name(node, target)]
    if not is_ours:
        by = f" [{node.reason_by} {node.reason_since}]" if node.reason_by else ""
        warnings.append(f"somebody else drained it: {plain(node.reason) or 'no reason given'}{by}")
    if node.flags & {"DOWN", "NOT_RESPONDING", "FAIL"}:
        warnings.append(f"{node.name} is {node.state}: RESUME puts it back whether or not it is well")
    plan = Plan(
        setting.plan_id,
        request,
        f"{spec.title.format(host=target.name)} in Slurm",
        spec.danger if is_ours else Danger.DESTRUCTIVE,
        (_step(reach, spec, f"nodename={node.name}", "state=RESUME"),),
        f"scontrol show node {node.name} → State has no DRAIN",
        running_there=await _jobs_there(reach, node),
        after_this=(
            f"{node.name} is {node.state} now, drained for: {plain(node.reason)}",
            "jobs may start there at once",
            spec.undone_by,
        ),
        warnings=tuple(warnings),
        confirmation="" if is_ours else request.host,
    )
    return Prepared(plan, target, (reach,), UndrainDeed(reach, node), setting.clock())


async def ask_node(reach: Reach, names: tuple[str, ...]) -> NodeRecord:
    """What Slurm says of the first of `names` that it knows.

    Raises:
        ActionError: it knows none, cannot be asked, or answers for other nodes than the one asked about.
    """
    for name in names:
        done = await reach.ask("scontrol", "show", "node", name)
        if done.exit_status != 0:
            if "not found" in done.stdout + done.stderr:
                continue
            raise ActionError(f"Slurm cannot be asked on {reach.name}: {complaint(done)}")
        nodes = parse_nodes(done.stdout)
        if [node.name for node in nodes] != [name]:
            raise ActionError(f"Slurm on {reach.name} does not take {name} for one node")
        return nodes[0]
    raise ActionError(f"Slurm on {reach.name} knows no node {' nor '.join(names)}", "is it the right controller?")


async def _room_left(reach: Reach, node: NodeRecord) -> tuple[list[PartitionRoom], list[str]]:
    if not node.partitions:
        return [], []
    done = await reach.ask("sinfo", "-h", "-N", "-p", ",".join(node.partitions), "-o", SINFO_FORMAT)
    if done.exit_status != 0:
        return [], [f"what is left of its partitions is not known: {complaint(done)}"]
    return parse_room(done.stdout, node.name, node.partitions), []


async def _jobs_there(reach: Reach, node: NodeRecord) -> tuple[str, ...]:
    done = await reach.ask("squeue", "-h", "-w", node.name, "-o", JOB_FORMAT)
    if done.exit_status != 0:
        return (f"not known: {complaint(done)}",)
    jobs = parse_jobs(done.stdout)
    lines = [
        f"job {job.job_id} {job.name} ({job.user}, {job.nodes} node{'' if job.nodes == '1' else 's'}, {job.elapsed}): "
        "goes on until it ends"
        for job in jobs[:_SHOWN_JOBS]
    ]
    if len(jobs) > _SHOWN_JOBS:
        lines.append(f"… and {len(jobs) - _SHOWN_JOBS} more jobs")
    return tuple(lines)


def _other_name(node: NodeRecord, target: HostTarget) -> tuple[str, ...]:
    if node.name == target.name:
        return ()
    return (f"Slurm calls it {node.name}: make sure that this is {plain(target.name, 80)}",)


def _step(reach: Reach, spec: ActionSpec, *pairs: str) -> Step:
    return Step(reach.name, reach.login, ("scontrol", "update", *pairs), spec.timeout_s)
