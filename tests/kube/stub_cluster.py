"""A cluster in memory: nodes, pods, evictions, budgets, workloads, as far as kubectl and the tests look at them."""

import json
import threading
from collections.abc import Iterator
from typing import Any

from tests.kube.stub_objects import Json, merged, owned, template_hash

Key = tuple[str, str, str]
"""Resource, namespace ("" for none) and name."""

RESOURCES = {
    "nodes": ("", "v1", "Node"),
    "pods": ("", "v1", "Pod"),
    "poddisruptionbudgets": ("policy", "v1", "PodDisruptionBudget"),
    "deployments": ("apps", "v1", "Deployment"),
    "statefulsets": ("apps", "v1", "StatefulSet"),
    "daemonsets": ("apps", "v1", "DaemonSet"),
    "replicasets": ("apps", "v1", "ReplicaSet"),
    "controllerrevisions": ("apps", "v1", "ControllerRevision"),
    "horizontalpodautoscalers": ("autoscaling", "v2", "HorizontalPodAutoscaler"),
}
PLURAL = {kind: resource for resource, (_, _, kind) in RESOURCES.items()}


class Refused(Exception):
    """The API server's answer to what it does not do: a Status object."""

    def __init__(self, code: int, reason: str, message: str, details: Json | None = None) -> None:
        super().__init__(message)
        self.status = {
            "kind": "Status",
            "apiVersion": "v1",
            "status": "Failure",
            "message": message,
            "reason": reason,
            "code": code,
            "details": details or {},
        }


class StubCluster:
    """What the API server serves. Methods may be called from any thread.

    Attributes:
        requests: every request as "METHOD path?query", in order.
        changes: those that changed something.
        forbidden: parts of "METHOD path" that the account may not do.
        lingers: pods that take so many looks at them to end after they were told to.
        is_stuck: workloads get no new pods ready.
    """

    def __init__(self, *objects: Json) -> None:
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.objects: dict[Key, Json] = {}
        self.requests: list[str] = []
        self.changes: list[str] = []
        self.forbidden: set[str] = set()
        self.lingers: dict[str, int] = {}
        self.is_stuck = False
        self.version = 100
        for item in objects:
            self.add(item)

    def add(self, item: Json) -> None:
        with self.lock:
            metadata = item["metadata"]
            resource = PLURAL[item["kind"]]
            self.objects[resource, metadata.get("namespace", ""), metadata["name"]] = item
            self._touched(item)
            if resource in {"deployments", "statefulsets", "daemonsets"}:
                self._reconcile(item)

    def admit(self, request: str) -> None:
        """Refuse what the account may not do."""
        if any(word in request for word in self.forbidden):
            raise Refused(403, "Forbidden", f'{request} is forbidden: User "oncall" cannot do this')

    def get(self, resource: str, name: str, namespace: str = "prod") -> Json:
        """One object; for the tests."""
        return self.objects[resource, "" if resource == "nodes" else namespace, name]

    def pods_on(self, name: str) -> list[str]:
        return sorted(pod["metadata"]["name"] for pod in self.listed("pods", "") if pod["spec"]["nodeName"] == name)

    def listed(self, resource: str, namespace: str) -> list[Json]:
        with self.lock:
            return [
                item
                for (kind, where, _), item in sorted(self.objects.items())
                if kind == resource and namespace in {"", where}
            ]

    def found(self, key: Key) -> Json:
        with self.lock:
            item = self.objects.get(key)
            if item is None:
                raise Refused(404, "NotFound", f'{key[0]} "{key[2]}" not found', {"name": key[2], "kind": key[0]})
            if key[0] == "pods" and item["metadata"].get("deletionTimestamp"):
                self._age(key, item)
                return self.objects.get(key) or self.found(key)
            return item

    def _age(self, key: Key, item: Json) -> None:
        left = self.lingers.get(key[2], 0)
        if left <= 0:
            self._drop(key)
        else:
            self.lingers[key[2]] = left - 1

    def replace(self, key: Key, item: Json, *, dry_run: bool) -> Json:
        with self.changed:
            before = self.found(key)
            if dry_run:
                return item
            if item.get("spec") != before.get("spec"):
                item["metadata"]["generation"] = item["metadata"].get("generation", 1) + 1
            self.objects[key] = item
            self._touched(item)
            if key[0] in {"deployments", "statefulsets", "daemonsets"}:
                self._reconcile(item)
            self.changed.notify_all()
            return item

    def patch(self, key: Key, patch: Any, *, dry_run: bool) -> Json:
        return self.replace(key, merged(self.found(key), patch), dry_run=dry_run)

    def end_pod(self, key: Key, *, dry_run: bool) -> None:
        """Delete it: at once, or when it has been looked at so many times as it lingers."""
        with self.lock:
            pod = self.found(key)
            if dry_run:
                return
            if self.lingers.get(key[2], 0) > 0:
                pod["metadata"]["deletionTimestamp"] = "2026-11-21T00:00:30Z"
            else:
                self._drop(key)

    def _drop(self, key: Key) -> None:
        self.objects.pop(key, None)

    def evict(self, key: Key, *, dry_run: bool) -> None:
        """As pkg/registry/core/pod/storage/eviction.go: 429 where the pod's budget allows no disruption."""
        with self.lock:
            pod = self.found(key)
            labels = pod["metadata"]["labels"]
            covering = [
                item
                for item in self.listed("poddisruptionbudgets", key[1])
                if all(labels.get(name) == value for name, value in item["spec"]["selector"]["matchLabels"].items())
            ]
            if len(covering) > 1:
                message = (
                    "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
                )
                raise Refused(500, "", message)
            for item in covering if pod["status"]["phase"] == "Running" else []:
                status, name = item["status"], item["metadata"]["name"]
                if status["disruptionsAllowed"] <= 0:
                    cause = (
                        f"The disruption budget {name} needs {status['desiredHealthy']} healthy pods "
                        f"and has {status['currentHealthy']} currently"
                    )
                    message = "Cannot evict pod as it would violate the pod's disruption budget."
                    causes = {"causes": [{"reason": "DisruptionBudget", "message": cause}]}
                    raise Refused(429, "TooManyRequests", message, causes)
                if not dry_run:
                    status["disruptionsAllowed"] -= 1
                    status["currentHealthy"] -= 1
            self.end_pod(key, dry_run=dry_run)

    def _touched(self, item: Json) -> None:
        self.version += 1
        item["metadata"]["resourceVersion"] = str(self.version)

    def _reconcile(self, item: Json) -> None:
        """What the controllers of workloads do: a new revision for a new template, and pods that are ready at once."""
        spec, metadata, kind = item["spec"], item["metadata"], item["kind"]
        digest = template_hash(spec)
        wanted = spec.get("replicas", 2)
        made = "replicasets" if kind == "Deployment" else "controllerrevisions"
        key = (made, metadata["namespace"], f"{metadata['name']}-{digest}")
        revisions = [number_of(other) for other in self._made(made, item)]
        if key not in self.objects or number_of(self.objects[key]) < max(revisions):
            number = max(revisions, default=0) + 1
            self.objects[key] = made_revision(item, digest, number)
            self._touched(self.objects[key])
            if kind == "Deployment":
                metadata["annotations"]["deployment.kubernetes.io/revision"] = str(number)
        has_new = spec.get("replicas", 2) != item["status"].get("replicas") or item["status"].get("hash") != digest
        ready = 0 if self.is_stuck and has_new else wanted
        item["status"] = {"hash": digest, "observedGeneration": metadata["generation"], **counts(kind, wanted, ready)}
        if kind == "StatefulSet":
            item["status"] |= {"updateRevision": key[2], "currentRevision": key[2] if ready == wanted else "older"}
        if kind == "Deployment" and self.is_stuck:
            item["status"]["conditions"] = [
                {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "too slow"}
            ]

    def _made(self, resource: str, item: Json) -> Iterator[Json]:
        for other in self.listed(resource, item["metadata"]["namespace"]):
            if other["metadata"]["ownerReferences"][0]["uid"] == item["metadata"]["uid"]:
                yield other


def number_of(made: Json) -> int:
    if made["kind"] == "ReplicaSet":
        return int(made["metadata"]["annotations"]["deployment.kubernetes.io/revision"])
    return int(made["revision"])


def made_revision(item: Json, digest: str, number: int) -> Json:
    """The ReplicaSet or ControllerRevision of a workload's template."""
    template = json.loads(json.dumps(item["spec"]["template"]))
    if item["kind"] == "Deployment":
        made = {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "metadata": owned("ReplicaSet", item, digest),
            "spec": {"replicas": 0, "selector": item["spec"]["selector"], "template": template},
            "status": {},
        }
        made["metadata"]["annotations"]["deployment.kubernetes.io/revision"] = str(number)
        made["spec"]["template"]["metadata"]["labels"]["pod-template-hash"] = digest
        return made
    return {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": owned("ControllerRevision", item, digest),
        "data": {"spec": {"template": {"$patch": "replace", **template}}},
        "revision": number,
    }


def counts(kind: str, wanted: int, ready: int) -> Json:
    if kind == "DaemonSet":
        return {
            "desiredNumberScheduled": wanted,
            "currentNumberScheduled": wanted,
            "updatedNumberScheduled": wanted,
            "numberReady": ready,
            "numberAvailable": ready,
            "numberMisscheduled": 0,
        }
    return {
        "replicas": wanted,
        "updatedReplicas": wanted,
        "readyReplicas": ready,
        "availableReplicas": ready,
        "currentReplicas": wanted,
    }
