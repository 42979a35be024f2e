"""What Kubernetes says of a workload: how many pods it wants and has, what they run, and the revisions it can go to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from leptontui.actions.kube_names import Workload
from leptontui.actions.kube_objects import Metadata, Pods
from leptontui.actions.kube_pods import is_ready
from leptontui.actions.kube_workload_objects import ControllerRevisions, ReplicaSets, Template, WorkloadObject
from leptontui.actions.kubectl import Kubectl
from leptontui.actions.reach import Verdict
from leptontui.actions.setting import Sleep
from leptontui.errors import ActionError
from leptontui.model.action import Step
from leptontui.model.text import plain

SETTLE_S: Final = 10
"""What the controllers count may lag behind kubectl's answer by so many seconds."""

STAY_UP_S: Final = 5.0
"""All pods must still be available after this."""

_REVISION: Final = "deployment.kubernetes.io/revision"
_RESTARTED: Final = "kubectl.kubernetes.io/restartedAt"
_CAUSE: Final = "kubernetes.io/change-cause"
_BASE_S: Final = 300
_MOST_S: Final = 3600
_NOT_YET: Final = (0, 1)
_SHOWN_PODS: Final = 10


@dataclass(frozen=True, slots=True)
class WorkloadLook:
    """A workload at one moment.

    Attributes:
        workload: which.
        uid: tells it from one of the same name that was made later.
        wanted: how many pods it should have.
        updated: how many of them are of the newest template.
        available: how many can serve.
        total: how many there are, old ones included.
        partition: so many are meant to stay as they are (StatefulSets).
        is_seen: Kubernetes has seen what was asked of it last.
        mark: changes with its template: a revision's number or name, or the generation of a DaemonSet.
        restarted_at: when it was last restarted by hand.
        images: what its pods run.
        replaces: "RollingUpdate", "Recreate", "OnDelete".
        is_paused: changes of a Deployment wait for a resume.
        selector: its pods' labels, for kubectl.
        trouble: what Kubernetes says is wrong with it; "" for nothing.
    """

    workload: Workload
    uid: str
    wanted: int
    updated: int
    available: int
    total: int
    partition: int
    is_seen: bool
    mark: str
    restarted_at: str
    images: tuple[str, ...]
    replaces: str
    is_paused: bool
    selector: str
    trouble: str

    @property
    def is_settled(self) -> bool:
        """Whether all pods it wants are new and can serve, and no old one is left."""
        enough = self.updated >= self.wanted - self.partition and self.available >= self.wanted
        return self.is_seen and enough and self.total <= self.wanted

    @property
    def words(self) -> str:
        """For people: "prod/deployment/vllm: 2 of 2 pods available, revision 7, vllm:0.6"."""
        parts = [f"{self.available} of {self.wanted} pods available"]
        if self.updated < self.wanted - self.partition:
            parts.append(f"{self.updated} of the newest revision")
        if self.workload.kind != "daemonset" and self.mark:
            parts.append(f"revision {self.mark}")
        parts.append(", ".join(self.images[:3]))
        return f"{self.workload}: {', '.join(filter(None, parts))}" + (f" — {self.trouble}" if self.trouble else "")


@dataclass(frozen=True, slots=True)
class Revision:
    """One revision that a workload can go to.

    Attributes:
        number: as `kubectl rollout history` counts.
        name: of the object that keeps it; the same whenever the same template comes back.
        images: what its pods run.
        made: when it was first made, as Kubernetes prints it.
        cause: why it was made, if somebody wrote it down.
    """

    number: int
    name: str
    images: tuple[str, ...]
    made: str
    cause: str

    @property
    def words(self) -> str:
        """For people: "revision 6 (vllm:0.5, made 2026-11-20T10:00:00Z)"."""
        parts = [", ".join(self.images[:3]), f"made {self.made}" if self.made else "", self.cause]
        return f"revision {self.number} ({', '.join(filter(None, parts))})"


async def ask_workload(kubectl: Kubectl, workload: Workload) -> WorkloadLook:
    """How a workload is.

    Raises:
        ActionError: there is none of this name, or it cannot be asked.
        LinkError: the link broke.
        CommandTimeout: no answer in time.
    """
    found = await kubectl.find(WorkloadObject, workload.kind, workload.name, f"--namespace={workload.namespace}")
    if found is None:
        raise ActionError(f"{kubectl.where} knows no {workload}", "see units in the inventory, and its kube_context")
    if (found.metadata.name, found.metadata.namespace) != (workload.name, workload.namespace):
        raise ActionError(f"{kubectl.where} does not take {workload} for one workload")
    return _look_of(workload, found)


def _look_of(workload: Workload, found: WorkloadObject) -> WorkloadLook:
    metadata, spec, status = found.metadata, found.spec, found.status
    is_daemon = workload.kind == "daemonset"
    wanted = status.desired_number_scheduled or 0 if is_daemon else 1 if spec.replicas is None else spec.replicas
    strategy = spec.strategy or spec.update_strategy
    rolling = spec.update_strategy.rolling_update if spec.update_strategy is not None else None
    mark = {"deployment": metadata.annotation(_REVISION), "statefulset": status.update_revision}.get(workload.kind, "")
    labels = (spec.selector.match_labels or {}) if spec.selector is not None else {}
    return WorkloadLook(
        workload,
        metadata.uid,
        wanted=wanted,
        updated=(status.updated_number_scheduled if is_daemon else status.updated_replicas) or 0,
        available=(status.number_available if is_daemon else _available(workload, found)) or 0,
        total=wanted if is_daemon else status.replicas or 0,
        partition=(rolling.partition or 0) if rolling is not None else 0,
        is_seen=(status.observed_generation or 0) >= (metadata.generation or 0),
        mark=plain(mark, 80) or str(metadata.generation or ""),
        restarted_at=spec.template.metadata.annotation(_RESTARTED),
        images=_images(spec.template),
        replaces=strategy.type if strategy is not None else "",
        is_paused=spec.paused is True,
        selector=",".join(f"{key}={value}" for key, value in labels.items()),
        trouble=_trouble(found),
    )


def _available(workload: Workload, found: WorkloadObject) -> int | None:
    """StatefulSets count those available only since Kubernetes 1.22."""
    status = found.status
    if workload.kind == "statefulset" and status.available_replicas is None:
        return status.ready_replicas
    return status.available_replicas


def _images(template: Template) -> tuple[str, ...]:
    return tuple(plain(one.image or "", 120) for one in template.spec.containers or () if one.image)


def _trouble(found: WorkloadObject) -> str:
    for condition in found.status.conditions or ():
        is_late = condition.type == "Progressing" and condition.status == "False"
        is_refused = condition.type == "ReplicaFailure" and condition.status == "True"
        if is_late or is_refused:
            return plain(f"{condition.reason or condition.type}: {condition.message or ''}", 200)
    return ""


async def ask_revisions(kubectl: Kubectl, look: WorkloadLook) -> list[Revision]:
    """The revisions that Kubernetes keeps of a workload, the newest last. Raises as `ask_workload` does."""
    where = (f"--namespace={look.workload.namespace}", *((f"--selector={look.selector}",) if look.selector else ()))
    if look.workload.kind == "deployment":
        sets = await kubectl.get(ReplicaSets, "replicasets", *where)
        found = [
            _revision(item.metadata, item.metadata.annotation(_REVISION), item.spec.template)
            for item in sets.items or ()
            if _is_of(item.metadata, look)
        ]
    else:
        kept = await kubectl.get(ControllerRevisions, "controllerrevisions", *where)
        found = [
            _revision(item.metadata, str(item.revision), item.data.spec.template)
            for item in kept.items or ()
            if _is_of(item.metadata, look)
        ]
    return sorted((one for one in found if one is not None), key=lambda one: one.number)


def _is_of(metadata: Metadata, look: WorkloadLook) -> bool:
    owner = metadata.controller
    return owner is not None and owner.uid == look.uid


def _revision(metadata: Metadata, number: str, template: Template) -> Revision | None:
    if not (number.isascii() and number.isdecimal() and len(number) <= 18):  # noqa: PLR2004 — digits of an int64
        return None
    made, cause = plain(metadata.creation_timestamp or "", 40), plain(metadata.annotation(_CAUSE), 80)
    return Revision(int(number), plain(metadata.name, 253), _images(template), made, cause)


def status_step(kubectl: Kubectl, look: WorkloadLook, wanted: int | None = None) -> Step:
    """Follow the change until all pods are new and can serve: five minutes, and five more for each pod."""
    within_s = min(_BASE_S * (1 + (look.wanted if wanted is None else wanted)), _MOST_S)
    words = ("rollout", "status", look.workload.ref, f"--namespace={look.workload.namespace}", f"--timeout={within_s}s")
    return kubectl.step(*words, timeout_s=within_s + 30.0, succeeds=_NOT_YET)


async def settled(kubectl: Kubectl, workload: Workload, sleep: Sleep) -> WorkloadLook:
    """The workload when it has settled, or after `SETTLE_S`. Raises as `ask_workload` does."""
    now = await ask_workload(kubectl, workload)
    for _ in range(SETTLE_S):
        if now.is_settled or now.trouble:
            break
        await sleep(1.0)
        now = await ask_workload(kubectl, workload)
    return now


async def stays(kubectl: Kubectl, now: WorkloadLook, sleep: Sleep) -> Verdict:
    """Whether a workload has settled and stays so for a while. Raises as `ask_workload` does."""
    if not now.is_settled:
        return Verdict(is_so=False, said=now.words)
    await sleep(STAY_UP_S)
    later = await ask_workload(kubectl, now.workload)
    if not later.is_settled:
        return Verdict(is_so=False, said=f"it came up and did not stay: {later.words}")
    return Verdict(is_so=True, said=later.words)


async def unready_pods(kubectl: Kubectl, look: WorkloadLook) -> str:
    """The workload's pods that cannot serve and why, one line each. Raises as `ask_workload` does."""
    where = (f"--namespace={look.workload.namespace}", *((f"--selector={look.selector}",) if look.selector else ()))
    found = await kubectl.get(Pods, "pods", *where)
    lines: list[str] = []
    for pod in found.items or ():
        if is_ready(pod) or len(lines) >= _SHOWN_PODS:
            continue
        waiting = [one.state.waiting for one in pod.status.container_statuses or () if one.state is not None]
        whys = [f"{why.reason or ''}: {why.message or ''}" for why in waiting if why is not None]
        whys += [f"{one.reason or ''}: {one.message or ''}" for one in pod.status.conditions or () if one.message]
        lines.append(f"{pod} is {pod.status.phase} and not ready: {'; '.join(whys[:2]) or 'no reason given'}")
    return "\n".join(lines)
