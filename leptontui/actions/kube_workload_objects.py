"""Kubernetes' workloads, their revisions and autoscalers, as far as they are read here; everything may be missing."""

from __future__ import annotations

import msgspec

from leptontui.actions.kube_objects import Condition, Metadata, PodSpec, Selector


class Template(msgspec.Struct, frozen=True):
    """What a workload makes its pods from."""

    metadata: Metadata = Metadata()
    spec: PodSpec = PodSpec()


class RollingUpdate(msgspec.Struct, frozen=True):
    """How a StatefulSet replaces its pods."""

    partition: int | None = None


class Strategy(msgspec.Struct, frozen=True, rename="camel"):
    """How a workload replaces its pods."""

    type: str = ""
    rolling_update: RollingUpdate | None = None


class DeploymentStrategy(msgspec.Struct, frozen=True):
    """How a Deployment replaces its pods."""

    type: str = ""


class WorkloadSpec(msgspec.Struct, frozen=True, rename="camel"):
    """What is wanted of a workload."""

    replicas: int | None = None
    paused: bool | None = None
    selector: Selector | None = None
    template: Template = Template()
    strategy: DeploymentStrategy | None = None
    update_strategy: Strategy | None = None


class WorkloadStatus(msgspec.Struct, frozen=True, rename="camel"):
    """How a workload is: the first five of Deployments and StatefulSets, the next three of DaemonSets."""

    observed_generation: int | None = None
    replicas: int | None = None
    updated_replicas: int | None = None
    ready_replicas: int | None = None
    available_replicas: int | None = None
    desired_number_scheduled: int | None = None
    updated_number_scheduled: int | None = None
    number_available: int | None = None
    update_revision: str = ""
    conditions: list[Condition] | None = None


class WorkloadObject(msgspec.Struct, frozen=True):
    """A Deployment, StatefulSet or DaemonSet."""

    metadata: Metadata = Metadata()
    spec: WorkloadSpec = WorkloadSpec()
    status: WorkloadStatus = WorkloadStatus()


class ReplicaSets(msgspec.Struct, frozen=True):
    """A list of ReplicaSets, which are the revisions of Deployments."""

    items: list[WorkloadObject] | None = None


class RevisionContent(msgspec.Struct, frozen=True):
    """What a ControllerRevision keeps."""

    spec: WorkloadSpec = WorkloadSpec()


class ControllerRevision(msgspec.Struct, frozen=True):
    """A revision of a StatefulSet or DaemonSet."""

    metadata: Metadata = Metadata()
    revision: int = 0
    data: RevisionContent = RevisionContent()


class ControllerRevisions(msgspec.Struct, frozen=True):
    """A list of ControllerRevisions."""

    items: list[ControllerRevision] | None = None


class ScaleTarget(msgspec.Struct, frozen=True):
    """What an autoscaler scales."""

    kind: str = ""
    name: str = ""


class AutoscalerSpec(msgspec.Struct, frozen=True, rename="camel"):
    """What is wanted of an autoscaler."""

    scale_target_ref: ScaleTarget = ScaleTarget()
    min_replicas: int | None = None
    max_replicas: int | None = None


class Autoscaler(msgspec.Struct, frozen=True):
    """A HorizontalPodAutoscaler."""

    metadata: Metadata = Metadata()
    spec: AutoscalerSpec = AutoscalerSpec()


class Autoscalers(msgspec.Struct, frozen=True):
    """A list of autoscalers."""

    items: list[Autoscaler] | None = None
