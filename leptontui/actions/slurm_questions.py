"""What is asked of Slurm on its controller: a node, its jobs, the room in its partitions. Changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from leptontui.actions.names import node_names
from leptontui.actions.reach import Reach, complaint
from leptontui.actions.slurm import (
    OUT_FORMAT,
    SINFO_FORMAT,
    NodeRecord,
    PartitionRoom,
    parse_nodes,
    parse_out,
    parse_room,
)
from leptontui.actions.slurm_jobs import JOB_FORMAT, NodeJob, parse_jobs
from leptontui.actions.stand import Stand
from leptontui.errors import ActionError
from leptontui.model.target import HostTarget
from leptontui.model.text import plain
from leptontui.transport.contract import OUTPUT_LIMIT, Completed

_SHOWN_JOBS: Final = 20
_SHOWN_OUT: Final = 8


@dataclass(frozen=True, slots=True)
class Room:
    """What the partitions of a node are left with without it.

    Attributes:
        partitions: the room in each.
        out: what is out of service in them already, one line for each node, the node itself not among them.
        unknown: why something of it is not known, one line each.
    """

    partitions: tuple[PartitionRoom, ...] = ()
    out: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


async def find_node(reach: Reach, names: tuple[str, ...]) -> NodeRecord | None:
    """What Slurm says of the first of `names` that it knows; None if it knows none.

    Raises:
        ActionError: Slurm cannot be asked, or answers for other nodes than the one asked about.
    """
    for name in names:
        done = await reach.ask("scontrol", "show", "node", name)
        if done.exit_status != 0:
            if f"Node {name} not found" in done.stdout + done.stderr:  # a shell says as much of a missing scontrol
                continue
            raise ActionError(
                f"Slurm cannot be asked on {reach.name}: {complaint(done)}", "see that slurmctld runs and answers there"
            )
        nodes = parse_nodes(done.stdout)
        if [node.name for node in nodes] != [name]:
            raise ActionError(f"Slurm on {reach.name} does not take {name} for one node")
        return nodes[0]
    return None


async def ask_node(reach: Reach, names: tuple[str, ...]) -> NodeRecord:
    """As `find_node`, for a node that has to be there.

    Raises:
        ActionError: Slurm knows none of them, cannot be asked, or answers for other nodes than the one asked about.
    """
    node = await find_node(reach, names)
    if node is None:
        raise ActionError(f"Slurm on {reach.name} knows no node {' nor '.join(names)}", "is it the right controller?")
    return node


async def jobs_on(reach: Reach, node: str) -> list[NodeJob]:
    """The jobs on a node.

    Raises:
        ActionError: Slurm does not say.
    """
    done = await reach.ask("squeue", "-h", "-w", node, "-o", JOB_FORMAT)
    if done.exit_status != 0:
        raise ActionError(f"Slurm does not say what runs on {node}: {complaint(done)}")
    return parse_jobs(done.stdout)


def job_lines(jobs: list[NodeJob], fate: str) -> tuple[str, ...]:
    """Jobs for a plan, one line each, at most 20, each with what becomes of it."""
    lines = [f"{job.words}: {fate}" for job in jobs[:_SHOWN_JOBS]]
    if len(jobs) > _SHOWN_JOBS:
        lines.append(f"… and {len(jobs) - _SHOWN_JOBS} more jobs: {fate}")
    return tuple(lines)


async def room_left(reach: Reach, node: NodeRecord) -> Room:
    """What the partitions of `node` are left with without it, and what is out of service there already."""
    if not node.partitions:
        return Room()
    partitions = ",".join(node.partitions)
    done = await reach.ask("sinfo", "-h", "-N", "-p", partitions, "-o", SINFO_FORMAT)
    if done.exit_status != 0:
        return Room(unknown=(f"what is left of its partitions is not known: {complaint(done)}",))
    if is_cut(done):
        return Room(unknown=("what is left of its partitions is not known: they have too many nodes to list",))
    room = tuple(parse_room(done.stdout, node.name, node.partitions))
    states = "drain,down,fail"
    done = await reach.ask("sinfo", "-h", "-N", "-p", partitions, "-t", states, "-o", OUT_FORMAT)
    if done.exit_status != 0:
        return Room(room, unknown=(f"who is out of service there is not known: {complaint(done)}",))
    out = [other.words for other in parse_out(done.stdout) if other.name != node.name]
    shown = [f"out already: {words}" for words in out[:_SHOWN_OUT]]
    if len(out) > _SHOWN_OUT:
        shown.append(f"out already: … and {'at least ' if is_cut(done) else ''}{len(out) - _SHOWN_OUT} more")
    return Room(room, tuple(shown))


def is_cut(done: Completed) -> bool:
    """Whether an answer is longer than what is kept of one: its end is missing."""
    return len(done.stdout.encode()) >= OUTPUT_LIMIT


async def look_at_slurm(controller: Reach, target: HostTarget) -> Stand:
    """How a host stands with Slurm.

    Raises:
        ActionError: Slurm does not know it, or cannot be asked.
        LinkError: the controller cannot be reached.
        CommandTimeout: no answer in time.
    """
    node = await ask_node(controller, node_names(target.name))
    return stand_from(node, await jobs_on(controller, node.name))


def stand_from(node: NodeRecord, jobs: list[NodeJob]) -> Stand:
    """How a node stands, from what Slurm says of it and of its jobs.

    Of a node that Slurm does not hear of, nobody knows what still runs there.
    """
    is_busy = bool(jobs) or node.is_at_work
    is_empty = False if is_busy else None if node.is_silent or node.is_rebooting else True
    return Stand(
        node.name,
        node.is_draining,
        is_empty,
        plain(node.reason),
        node.reason_by,
        f"{node.name} is {node.state}: {_left_there(node, jobs, is_empty=is_empty)}",
        len(jobs),
        is_well=not (node.is_down or node.is_silent),
        is_rebooting=node.is_reboot_asked or node.is_rebooting,
        partitions=node.partitions,
    )


def _left_there(node: NodeRecord, jobs: list[NodeJob], *, is_empty: bool | None) -> str:
    if jobs:
        count = f"{len(jobs)} job{'' if len(jobs) == 1 else 's'}"
        last_s = [job.left_s for job in jobs]
        limits = [seconds for seconds in last_s if seconds is not None]
        at_most = f", at most {_span(max(limits))} more" if len(limits) == len(last_s) else ""
        goes_on = (
            "will be rebooted when they have ended" if node.is_reboot_asked else "the jobs there go on until they end"
        )
        return f"{goes_on} ({count}{at_most})"
    if node.is_rebooting:
        return "it is rebooting"
    if is_empty is None:
        return "Slurm does not hear of it, so what still runs there is not known"
    if not is_empty:
        return "what ran there is being cleared away"
    if node.is_draining:
        return "nothing runs there any more: now safe to reset"
    return "no job is there"


def _span(seconds: int) -> str:
    hours, rest = divmod(seconds, 3600)
    days, hours = divmod(hours, 24)
    clock = f"{hours:02d}:{rest // 60:02d}:{rest % 60:02d}"
    return f"{days}-{clock}" if days else clock
