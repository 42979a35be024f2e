"""Kubernetes' objects as far as they are read here: everything may be missing, what is not named is skipped."""

from __future__ import annotations

from typing import Any

import msgspec


class Owner(msgspec.Struct, frozen=True, rename="camel"):
    """An owner of an object; the one with `controller` would make it again."""

    kind: str = ""
    name: str = ""
    uid: str = ""
    controller: bool | None = None


class Metadata(msgspec.Struct, frozen=True, rename="camel"):
    """What every object has."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    generation: int | None = None
    resource_version: str = ""
    creation_timestamp: str | None = None
    deletion_timestamp: str | None = None
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    owner_references: list[Owner] | None = None

    def annotation(self, key: str) -> str:
        """The annotation called `key`, "" if there is none."""
        return (self.annotations or {}).get(key, "")

    @property
    def controller(self) -> Owner | None:
        """What would make it again, None if nothing would."""
        return next((owner for owner in self.owner_references or () if owner.controller), None)


class Condition(msgspec.Struct, frozen=True, rename="camel"):
    """One condition of an object."""

    type: str = ""
    status: str = ""
    reason: str | None = None
    message: str | None = None


class Taint(msgspec.Struct, frozen=True, rename="camel"):
    """A taint of a node."""

    key: str = ""
    effect: str = ""
    value: str | None = None


class NodeSpec(msgspec.Struct, frozen=True, rename="camel"):
    """What is wanted of a node."""

    unschedulable: bool | None = None
    taints: list[Taint] | None = None


class NodeStatus(msgspec.Struct, frozen=True, rename="camel"):
    """How a node is."""

    conditions: list[Condition] | None = None


class Node(msgspec.Struct, frozen=True, rename="camel"):
    """A node."""

    metadata: Metadata = Metadata()
    spec: NodeSpec = NodeSpec()
    status: NodeStatus = NodeStatus()


class Volume(msgspec.Struct, frozen=True, rename="camel"):
    """A volume of a pod."""

    name: str = ""
    empty_dir: dict[str, Any] | None = None


class Resources(msgspec.Struct, frozen=True, rename="camel"):
    """What a container may use."""

    limits: dict[str, str | int | float] | None = None


class Waiting(msgspec.Struct, frozen=True, rename="camel"):
    """Why a container does not run."""

    reason: str | None = None
    message: str | None = None


class ContainerState(msgspec.Struct, frozen=True, rename="camel"):
    """How a container is."""

    waiting: Waiting | None = None


class ContainerStatus(msgspec.Struct, frozen=True, rename="camel"):
    """How a container is, and how often it was started again."""

    name: str = ""
    restart_count: int | None = None
    state: ContainerState | None = None


class Container(msgspec.Struct, frozen=True, rename="camel"):
    """A container of a pod."""

    name: str = ""
    image: str | None = None
    resources: Resources | None = None


class PodSpec(msgspec.Struct, frozen=True, rename="camel"):
    """What is wanted of a pod."""

    node_name: str | None = None
    volumes: list[Volume] | None = None
    containers: list[Container] | None = None
    termination_grace_period_seconds: int | None = None


class PodStatus(msgspec.Struct, frozen=True, rename="camel"):
    """How a pod is."""

    phase: str = ""
    start_time: str | None = None
    conditions: list[Condition] | None = None
    container_statuses: list[ContainerStatus] | None = None


class Pod(msgspec.Struct, frozen=True, rename="camel"):
    """A pod."""

    metadata: Metadata = Metadata()
    spec: PodSpec = PodSpec()
    status: PodStatus = PodStatus()

    def __str__(self) -> str:
        """As people name it: "prod/vllm-0"."""
        return f"{self.metadata.namespace}/{self.metadata.name}"


class Pods(msgspec.Struct, frozen=True):
    """A list of pods."""

    items: list[Pod] | None = None


class Requirement(msgspec.Struct, frozen=True, rename="camel"):
    """One expression of a label selector."""

    key: str = ""
    operator: str = ""
    values: list[str] | None = None


class Selector(msgspec.Struct, frozen=True, rename="camel"):
    """A label selector."""

    match_labels: dict[str, str] | None = None
    match_expressions: list[Requirement] | None = None


class BudgetSpec(msgspec.Struct, frozen=True, rename="camel"):
    """What a disruption budget asks for."""

    selector: Selector | None = None
    unhealthy_pod_eviction_policy: str | None = None


class BudgetStatus(msgspec.Struct, frozen=True, rename="camel"):
    """What a disruption budget allows now."""

    disruptions_allowed: int | None = None
    current_healthy: int | None = None
    desired_healthy: int | None = None
    observed_generation: int | None = None


class Budget(msgspec.Struct, frozen=True, rename="camel"):
    """A PodDisruptionBudget."""

    metadata: Metadata = Metadata()
    spec: BudgetSpec = BudgetSpec()
    status: BudgetStatus = BudgetStatus()

    def __str__(self) -> str:
        """As people name it: "prod/vllm"."""
        return f"{self.metadata.namespace}/{self.metadata.name}"


class Budgets(msgspec.Struct, frozen=True):
    """A list of disruption budgets."""

    items: list[Budget] | None = None
