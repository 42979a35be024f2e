"""The pods of a node, as a drain sees them: which it moves, which it ends for good, which it leaves alone. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final

from leptontui.actions.kube_objects import Pod
from leptontui.model.text import plain

_MIRROR: Final = "kubernetes.io/config.mirror"
"""The annotation of what the API server shows of a static pod: only the node's own kubelet can end that."""

_GPUS: Final = ("nvidia.com/gpu", "amd.com/gpu")
_ENDED: Final = frozenset({"Succeeded", "Failed"})
_MINUTE_S: Final = 60
_HOUR_S: Final = 3600
_DAY_S: Final = 86_400


class Fate(Enum):
    """What a drain does with a pod, as kubectl(1) drain says."""

    MOVES = "moves"
    """It is evicted, and what owns it makes another one."""
    ENDS = "ends"
    """Nothing owns it, so nothing makes another one: only with --force."""
    CLEARED = "cleared"
    """It has ended already, and is deleted."""
    DAEMON = "daemon"
    """A DaemonSet's, which would only make it again here: it stays."""
    MIRROR = "mirror"
    """A static pod of the node itself: it stays."""


@dataclass(frozen=True, slots=True)
class Choices:
    """What the user allowed a drain.

    Attributes:
        deletes_empty_dir: what pods keep in emptyDir may be lost.
        forces: pods that nothing would make again may be ended.
        bypasses: pods are deleted rather than evicted, past their disruption budgets.
    """

    deletes_empty_dir: bool = False
    forces: bool = False
    bypasses: bool = False

    @property
    def flags(self) -> tuple[str, ...]:
        """As kubectl takes them."""
        return (
            "--ignore-daemonsets",
            *(("--delete-emptydir-data",) if self.deletes_empty_dir else ()),
            *(("--force",) if self.forces else ()),
            *(("--disable-eviction",) if self.bypasses else ()),
        )

    @property
    def words(self) -> str:
        """What has to be typed after the host's name: "", "force", "bypass", "force bypass"."""
        return " ".join((*(("force",) if self.forces else ()), *(("bypass",) if self.bypasses else ())))


def fate_of(pod: Pod) -> Fate:
    """What a drain with --ignore-daemonsets does with it."""
    if _MIRROR in (pod.metadata.annotations or {}):
        return Fate.MIRROR
    owner = pod.metadata.controller
    if pod.status.phase in _ENDED:
        return Fate.CLEARED
    if owner is None:
        return Fate.ENDS
    return Fate.DAEMON if owner.kind == "DaemonSet" else Fate.MOVES


def keeps_empty_dir(pod: Pod) -> bool:
    """Whether it runs and keeps something in an emptyDir, which a drain refuses to delete unless told to."""
    return fate_of(pod) in {Fate.MOVES, Fate.ENDS} and any(
        volume.empty_dir is not None for volume in pod.spec.volumes or ()
    )


def is_ready(pod: Pod) -> bool:
    """Whether it says of itself that it can serve."""
    return any(found.type == "Ready" and found.status == "True" for found in pod.status.conditions or ())


def is_ending(pod: Pod) -> bool:
    """Whether it was told to end."""
    return pod.metadata.deletion_timestamp is not None


def at_work(pods: Iterable[Pod]) -> list[Pod]:
    """Those that have to be gone before a node is empty."""
    return [pod for pod in pods if fate_of(pod) in {Fate.MOVES, Fate.ENDS}]


def gpus_of(pod: Pod) -> int:
    """How many GPUs it has to itself."""
    counts = (
        str((container.resources.limits or {}).get(name, "0"))
        for container in pod.spec.containers or ()
        if container.resources is not None
        for name in _GPUS
    )
    return sum(int(count) for count in counts if count.isascii() and count.isdecimal() and len(count) < 5)  # noqa: PLR2004 — more digits are no count of GPUs


def grace_s(pods: Iterable[Pod]) -> int:
    """The longest time that one of them has for its end, in seconds; Kubernetes' own 30 s where none says."""
    return max((pod.spec.termination_grace_period_seconds or 30 for pod in pods), default=30)


def told(pod: Pod, now_unix_s: float) -> str:
    """A pod for people: "prod/vllm-0 (StatefulSet vllm, 2 GPUs, 3 h 12 min)"."""
    owner, gpus = pod.metadata.controller, gpus_of(pod)
    parts = [f"{plain(owner.kind, 40)} {plain(owner.name, 80)}" if owner is not None else "nothing owns it"]
    if gpus:
        parts.append(f"{gpus} GPU{'' if gpus == 1 else 's'}")
    age = age_words(pod.status.start_time or pod.metadata.creation_timestamp, now_unix_s)
    if age:
        parts.append(age)
    if pod.status.phase not in {"Running", ""}:
        parts.append(plain(pod.status.phase, 20).lower())
    if is_ending(pod):
        parts.append("ending")
    return f"{plain(str(pod), 120)} ({', '.join(parts)})"


def age_words(since: str | None, now_unix_s: float) -> str:
    """How long ago a time of Kubernetes' was: "3 h 12 min"; "" if it is none."""
    try:
        then = datetime.fromisoformat(since or "")
    except ValueError:
        return ""
    if then.tzinfo is None:
        return ""
    seconds = int(max(now_unix_s - then.timestamp(), 0.0))
    if seconds < _MINUTE_S:
        return f"{seconds} s"
    if seconds < _HOUR_S:
        return f"{seconds // _MINUTE_S} min"
    if seconds < _DAY_S:
        return f"{seconds // _HOUR_S} h {seconds % _HOUR_S // _MINUTE_S} min"
    return f"{seconds // _DAY_S} d {seconds % _DAY_S // _HOUR_S} h"
