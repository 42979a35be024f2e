"""What Kubernetes says of a node, its pods, and the room that is left without it."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import Final

from leptontui.actions.guard import BLAST_SHARE, Objection
from leptontui.actions.kube_names import PLAN, REASON, kube_node_names
from leptontui.actions.kube_objects import Budget, Budgets, Node, Pod, Pods
from leptontui.actions.kube_pods import at_work
from leptontui.actions.kubectl import Kubectl, kubectl_at
from leptontui.actions.names import is_reason_of
from leptontui.actions.reach import Reach
from leptontui.actions.stand import Stand
from leptontui.config.kube_nodes import POOL_LABELS
from leptontui.errors import ActionError
from leptontui.model.target import HostTarget
from leptontui.model.text import plain

_ROOM: Final = (
    'jsonpath={range .items[*]}{.metadata.name}{"|"}{.spec.unschedulable}{"|"}'
    '{.status.conditions[?(@.type=="Ready")].status}{"|"}{.status.allocatable.nvidia\\.com/gpu}{"\\n"}{end}'
)
"""One short line for each node instead of 15 KB of JSON; none of the four can hold a bar or a newline."""

_ROOM_FIELDS: Final = 4
_POOL: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
"""A label's value: what may be asked for in a selector without being read as more than that."""


@dataclass(frozen=True, slots=True)
class NodeLook:
    """A node at one moment.

    Attributes:
        name: as Kubernetes calls it.
        is_cordoned: no new pod is placed there.
        reason: why, as this program keeps it; "" for none.
        plan_id: by which plan; "" for none.
        is_ready: whether its kubelet says that it is well.
        taints: what else keeps pods away, for people.
        pool: label and value that name its pool, None where none does.
    """

    name: str
    is_cordoned: bool = False
    reason: str = ""
    plan_id: str = ""
    is_ready: bool = True
    taints: tuple[str, ...] = ()
    pool: tuple[str, str] | None = None

    @property
    def words(self) -> str:
        """For people: "ready, cordoned"."""
        return f"{'ready' if self.is_ready else 'NOT READY'}, {'cordoned' if self.is_cordoned else 'schedulable'}"

    @property
    def who(self) -> str:
        """Who cordoned it, as far as that is kept anywhere."""
        return self.reason or "cordoned without this program, so it keeps no reason"


def look_of(node: Node) -> NodeLook:
    """The parts of a node's object that matter here, cleaned."""
    ready = [found.status for found in node.status.conditions or () if found.type == "Ready"]
    labels = node.metadata.labels or {}
    taints = [taint for taint in node.spec.taints or () if not taint.key.startswith("node.kubernetes.io/")]
    return NodeLook(
        node.metadata.name,
        is_cordoned=node.spec.unschedulable is True,
        reason=plain(node.metadata.annotation(REASON), 1000),
        plan_id=plain(node.metadata.annotation(PLAN), 40),
        is_ready=ready == ["True"],
        taints=tuple(plain(f"{taint.key}={taint.value or ''}:{taint.effect}", 120) for taint in taints),
        pool=next(((key, labels[key]) for key in POOL_LABELS if _POOL.fullmatch(labels.get(key, ""))), None),
    )


async def ask_node(kubectl: Kubectl, names: tuple[str, ...]) -> NodeLook:
    """What Kubernetes says of the first of `names` that it knows.

    Raises:
        ActionError: it knows none, cannot be asked, or answers for another node than the one asked about.
        LinkError: the link broke.
        CommandTimeout: no answer in time.
    """
    for name in names:
        node = await kubectl.find(Node, "node", name)
        if node is None:
            continue
        if node.metadata.name != name:
            raise ActionError(f"{kubectl.where} does not take {name} for one node")
        return look_of(node)
    raise ActionError(
        f"{kubectl.where} knows no node {' nor '.join(names)}", "is it the right kube_context in the inventory?"
    )


async def ask_pods(kubectl: Kubectl, node: str) -> list[Pod]:
    """Every pod of a node. Raises as `Kubectl.get` does."""
    found = await kubectl.get(Pods, "pods", "--all-namespaces", f"--field-selector=spec.nodeName={node}")
    return [pod for pod in found.items or () if pod.spec.node_name == node]


async def ask_budgets(kubectl: Kubectl) -> tuple[list[Budget], str]:
    """Every disruption budget, and what is to be said where they cannot be read; raises only for a lost link."""
    try:
        found = await kubectl.get(Budgets, "poddisruptionbudgets", "--all-namespaces")
    except ActionError as error:
        return [], f"the disruption budgets are not known: {error.cause}"
    return list(found.items or ()), ""


async def look_at_kube(reach: Reach, target: HostTarget) -> Stand:
    """How a host stands with Kubernetes; see `stand.Look`.

    Args:
        reach: the controller.
        target: the host.

    Raises:
        ActionError: Kubernetes does not know the node, or cannot be asked.
        LinkError: the link broke.
        CommandTimeout: no answer in time.
    """
    kubectl = await kubectl_at(reach, target)
    node = await ask_node(kubectl, kube_node_names(target.name))
    return stand_of(node, await ask_pods(kubectl, node.name))


def stand_of(node: NodeLook, pods: list[Pod]) -> Stand:
    """How a node stands. Of one that is not ready nobody knows what still runs there, whatever its pods say."""
    left = len(at_work(pods))
    is_empty = None if not node.is_ready else left == 0
    if not left:
        there = "no pod is left there" + (": now safe to reset" if node.is_cordoned and is_empty else "")
    else:
        there = f"{left} pod{'' if left == 1 else 's'} there"
    return Stand(
        node.name,
        is_out=node.is_cordoned,
        is_empty=is_empty,
        reason=node.reason if node.is_cordoned else "",
        by=node.reason.partition(":")[0] if node.is_cordoned and node.reason else "",
        said=f"{node.name} is {node.words}: {there}",
        jobs=left,
        is_well=node.is_ready,
    )


async def ask_room(kubectl: Kubectl, node: NodeLook) -> tuple[list[str], list[str]]:
    """What is left without a node: lines for people, and what to warn of; raises only for a lost link."""
    where = (f"--selector={node.pool[0]}={node.pool[1]}",) if node.pool else ()
    try:
        text = await kubectl.ask("get", "nodes", *where, f"--output={_ROOM}")
    except ActionError as error:
        return [], [f"what is left of the cluster is not known: {error.cause}"]
    rows = [row for line in text.split("\n") if len(row := line.split("|")) == _ROOM_FIELDS]
    taking = [row for row in rows if row[1] != "true" and row[2] == "True" and row[0] != node.name]
    total, left = len(rows), len(taking)
    name = f"pool {plain(node.pool[1], 60)}" if node.pool else "the cluster"
    gpus, gpus_left = _gpus(rows), _gpus(taking)
    line = f"{left} of {total} nodes left in {name}" + (f", {gpus_left} of {gpus} GPUs" if gpus else "")
    is_scarce = total - left > max(1.0, BLAST_SHARE * total) or left == 0
    return [line], [f"only {line}"] if is_scarce else []


def _gpus(rows: list[list[str]]) -> int:
    return sum(int(row[3]) for row in rows if row[3].isascii() and row[3].isdecimal() and len(row[3]) < 5)  # noqa: PLR2004 — more digits are no count of GPUs


async def at_once(
    kubectl: Kubectl, node: NodeLook
) -> tuple[list[Pod], tuple[list[Budget], str], tuple[list[str], list[str]]]:
    """Pods, budgets and room of a node, asked for at the same time. Raises as `ask_pods` does."""
    pods = asyncio.ensure_future(ask_pods(kubectl, node.name))
    budgets = asyncio.ensure_future(ask_budgets(kubectl))
    room = asyncio.ensure_future(ask_room(kubectl, node))
    try:
        return await asyncio.gather(pods, budgets, room)
    finally:  # if one of them cannot be asked the others are not left behind
        for question in (pods, budgets, room):
            question.cancel()
        await asyncio.gather(pods, budgets, room, return_exceptions=True)


def cordon_allowed(node: NodeLook, user: str) -> Objection | None:
    """Nobody else's cordon is taken over. kubectl itself would do it without a word."""
    if node.is_cordoned and not is_reason_of(user, node.reason):
        return Objection("already-drained", f"{node.name} is cordoned already: {node.who}", "ask whoever did it")
    return None


def uncordon_allowed(node: NodeLook, planned: NodeLook) -> Objection | None:
    """Only a cordoned node is put back, and only for the reason that was shown."""
    if not node.is_cordoned:
        return Objection("not-drained", f"{node.name} is not cordoned, it is {node.words}")
    if (node.reason, node.plan_id) != (planned.reason, planned.plan_id):
        return Objection("changed-since", f"{node.name} was cordoned anew since the plan: {node.who}", "plan it again")
    return None
