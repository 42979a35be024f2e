"""What an action touches, asked of its scheduler: what is out of service already, and which jobs would be ended."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from leptontui.actions.blast import Job, Part, Stakes, Traffic
from leptontui.actions.facts import FleetFacts
from leptontui.actions.kube_names import KUBERNETES, kube_node_names
from leptontui.actions.kube_node import ask_node as ask_kube_node
from leptontui.actions.kube_node import ask_pods
from leptontui.actions.kube_pods import at_work
from leptontui.actions.kubectl import kubectl_at
from leptontui.actions.locks import lock_name
from leptontui.actions.names import node_names
from leptontui.actions.reach import Prepared, Reach, complaint
from leptontui.actions.setting import controller_of
from leptontui.actions.slurm import SINFO_FORMAT, parse_availability
from leptontui.actions.slurm_questions import jobs_on
from leptontui.errors import ActionError, CommandTimeout, LinkError
from leptontui.model.action import ActionName, Danger
from leptontui.model.action_spec import ActionSpec
from leptontui.model.link import LinkState
from leptontui.model.target import Fleet, HostTarget
from leptontui.model.text import plain
from leptontui.transport.contract import OUTPUT_LIMIT

ENDS_JOBS: Final = frozenset({ActionName.REBOOT, ActionName.GPU_RESET, ActionName.GPU_KILL})
"""What ends jobs on a host, unless its plan says that it does not."""

_ENDS_PODS: Final = frozenset({ActionName.DRAIN, ActionName.FAIL_OVER})
_NODES: Final = (
    'jsonpath={range .items[*]}{.metadata.name}{"|"}{.spec.unschedulable}{"|"}'
    '{.status.conditions[?(@.type=="Ready")].status}{"\\n"}{end}'
)
_NODES_FIELDS: Final = 3

Place = tuple[str | None, ...]
"""Which scheduler it is: one controller may command several clusters, each by a context of its own."""

ReachOf = Callable[[HostTarget], Awaitable[Reach]]
AskNodes = Callable[[Reach, HostTarget], Awaitable[dict[str, dict[str, bool]]]]
AskJobs = Callable[[Reach, HostTarget], Awaitable[tuple[Job, ...]]]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where an action takes place.

    Attributes:
        fleet: all hosts.
        facts: links and ages as the engine sees them.
        reach_of: the way to a controller, connected.
        traffic: what else is going on.
    """

    fleet: Fleet
    facts: FleetFacts
    reach_of: ReachOf
    traffic: Traffic


def jobs_ended(prepared: Prepared, spec: ActionSpec) -> tuple[str, ...] | None:
    """Ids of the jobs that an action ends; None for all on its host; () for none."""
    if prepared.ends_jobs is not None:
        return prepared.ends_jobs
    if spec.name in ENDS_JOBS:
        return None
    if spec.name in _ENDS_PODS and prepared.target.scheduler == KUBERNETES:
        return None
    is_own = spec.name not in set(ActionName)
    return None if is_own and Danger.DESTRUCTIVE in {spec.danger, prepared.plan.danger} else ()


async def ask_stakes(prepared: Prepared, spec: ActionSpec, around: Surroundings, *, wants_jobs: bool) -> Stakes:
    """What an action touches now; what cannot be had is said in its place. Never raises for what a host does not.

    Args:
        prepared: the action.
        spec: what it is.
        around: where it takes place.
        wants_jobs: whether any job is protected: only then are they asked for.
    """
    target = prepared.target
    room = await ask_room([target], around) if spec.removes_capacity else Stakes()
    # Where there is no scheduler nothing is known of jobs.
    if not wants_jobs or jobs_ended(prepared, spec) == () or target.scheduler is None:
        return room
    try:
        reach = await around.reach_of(controller_of(around.fleet, target))
        return replace(room, jobs=await _asks_of(target)[1](reach, target))
    except (ActionError, LinkError, CommandTimeout) as error:
        return replace(room, jobs=None, jobs_unknown=error.cause)


async def ask_room(leaving: Sequence[HostTarget], around: Surroundings) -> Stakes:
    """What is out of service in all that these hosts belong to, and that they would leave it; each scheduler once."""
    nodes: dict[tuple[Place, str], dict[str, bool]] = {}
    unknown = ""
    for place, target in {_place_of(host): host for host in leaving}.items():
        if target.scheduler is not None:
            try:
                reach = await around.reach_of(controller_of(around.fleet, target))
                found = await _asks_of(target)[0](reach, target)
            except (ActionError, LinkError, CommandTimeout) as error:
                unknown = unknown or error.cause
            else:
                nodes |= {(place, name): members for name, members in found.items()}
    return _room(leaving, around, nodes, unknown)


def _place_of(host: HostTarget) -> Place:
    return host.scheduler, host.controller, host.kube_context, host.kubeconfig


def _room(
    leaving: Sequence[HostTarget],
    around: Surroundings,
    nodes: Mapping[tuple[Place, str], Mapping[str, bool]],
    unknown: str,
) -> Stakes:
    """The parts that hosts belong to, with what is out of service in them: by the scheduler, lost, or taken out.

    Args:
        leaving: the hosts.
        around: where they are.
        nodes: by scheduler and partition, whether each node can take jobs.
        unknown: why something of that is not known.
    """
    taken = {lock_name(host) for host in around.traffic.out} - {lock_name(host.name) for host in leaving}
    silent = {node for members in nodes.values() for node, can in members.items() if not can}
    out = frozenset(
        host.name
        for host in around.fleet.hosts
        if not silent.isdisjoint(_names(host)) or lock_name(host.name) in taken or _is_lost(host, around.facts)
    )
    going = frozenset(name for host in leaving for name in (host.name, *_names(host)))
    parts = [Part("fleet", around.fleet.name, frozenset(host.name for host in around.fleet.hosts), out)]
    for group in dict.fromkeys(host.group for host in leaving):
        fellows = frozenset(host.name for host in around.fleet.hosts if host.group == group)
        parts.append(Part("group", group, fellows, out & fellows))
    for (_, name), members in nodes.items():
        if not going.isdisjoint(members):
            gone = frozenset(node for node, can in members.items() if not can or lock_name(node) in taken)
            parts.append(Part("partition", name, frozenset(members), gone))
    return Stakes(tuple(parts), room_unknown=unknown, going=going)


def _is_lost(host: HostTarget, facts: FleetFacts) -> bool:
    link = facts.link_of(host.name)
    return link is not None and link.state is LinkState.LOST


def _names(host: HostTarget) -> frozenset[str]:
    try:
        return frozenset(kube_node_names(host.name) if host.scheduler == KUBERNETES else node_names(host.name))
    except ActionError:
        return frozenset()


async def _slurm_nodes(reach: Reach, target: HostTarget) -> dict[str, dict[str, bool]]:  # noqa: ARG001 — all are asked
    done = await reach.ask("sinfo", "-h", "-N", "-o", SINFO_FORMAT)
    if done.exit_status != 0:
        raise ActionError(f"Slurm does not say what is out of service: {complaint(done)}")
    if len(done.stdout) >= OUTPUT_LIMIT:
        raise ActionError("Slurm has more nodes than can be read at once")
    return parse_availability(done.stdout)


async def _slurm_jobs(reach: Reach, target: HostTarget) -> tuple[Job, ...]:
    names = node_names(target.name)
    for name in names[:-1]:
        try:
            return await _jobs_of(reach, name)
        except ActionError:
            continue
    return await _jobs_of(reach, names[-1])


async def _jobs_of(reach: Reach, node: str) -> tuple[Job, ...]:
    return tuple(Job(job.job_id, job.user, job.name, job.elapsed_s) for job in await jobs_on(reach, node))


async def _kube_nodes(reach: Reach, target: HostTarget) -> dict[str, dict[str, bool]]:
    kubectl = await kubectl_at(reach, target)
    text = await kubectl.ask("get", "nodes", f"--output={_NODES}")
    rows = [row for line in text.split("\n") if len(row := line.split("|")) == _NODES_FIELDS]
    return {"the cluster": {name: cordoned != "true" and ready == "True" for name, cordoned, ready in rows}}


async def _kube_jobs(reach: Reach, target: HostTarget) -> tuple[Job, ...]:
    kubectl = await kubectl_at(reach, target)
    node = await ask_kube_node(kubectl, kube_node_names(target.name))
    return tuple(
        Job(str(pod), pod.metadata.namespace, pod.metadata.name, _age_s(pod.status.start_time))
        for pod in at_work(await ask_pods(kubectl, node.name))
    )


def _age_s(since: str | None) -> float | None:
    try:
        then = datetime.fromisoformat(since or "")
    except ValueError:
        return None
    return max((datetime.now(then.tzinfo) - then).total_seconds(), 0.0)


def _asks_of(target: HostTarget) -> tuple[AskNodes, AskJobs]:
    found = _ASKS.get(target.scheduler or "")
    if found is None:
        raise ActionError(f"nothing here asks {plain(target.scheduler or '', 40)}")
    return found


_ASKS: Final[dict[str, tuple[AskNodes, AskJobs]]] = {
    "slurm": (_slurm_nodes, _slurm_jobs),
    KUBERNETES: (_kube_nodes, _kube_jobs),
}
"""By scheduler: what asks for its nodes (by partition, whether each can take jobs), and for the jobs on a host."""
