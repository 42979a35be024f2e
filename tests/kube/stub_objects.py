"""Objects of the stub cluster, as a real API server words them, and the little that its controllers do with them."""

import hashlib
import json
from typing import Any

Json = dict[str, Any]


def node(name: str, *, ready: bool = True, pool: str = "", gpus: int = 8, **more: Any) -> Json:
    labels = {"kubernetes.io/hostname": name} | ({"node-pool": pool} if pool else {})
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels, "annotations": {}, "uid": f"uid-{name}"},
        "spec": {"podCIDR": "10.1.0.0/24", **more},
        "status": {
            "conditions": [
                {"type": "MemoryPressure", "status": "False"},
                {"type": "Ready", "status": "True" if ready else "Unknown"},
            ],
            "allocatable": {"cpu": "64", "nvidia.com/gpu": str(gpus)},
            "capacity": {"nvidia.com/gpu": str(gpus)},
        },
    }


def pod(
    name: str,
    on: str,
    *,
    owner: str = "ReplicaSet/vllm-5d4f",
    namespace: str = "prod",
    empty_dir: bool = False,
    ready: bool = True,
    phase: str = "Running",
    gpus: int = 1,
    mirror: bool = False,
    **labels: str,
) -> Json:
    kind, _, owner_name = owner.partition("/")
    owners = (
        [{"apiVersion": "apps/v1", "kind": kind, "name": owner_name, "uid": "u", "controller": True}] if kind else []
    )
    volumes = [{"name": "token", "projected": {}}] + ([{"name": "cache", "emptyDir": {}}] if empty_dir else [])
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "uid": f"uid-{namespace}-{name}",
            "labels": labels,
            "annotations": {"kubernetes.io/config.mirror": "abc"} if mirror else {},
            "ownerReferences": owners,
            "creationTimestamp": "2026-11-21T00:00:00Z",
        },
        "spec": {
            "nodeName": on,
            "volumes": volumes,
            "containers": [{"name": "main", "image": "x", "resources": {"limits": {"nvidia.com/gpu": str(gpus)}}}],
            "terminationGracePeriodSeconds": 30,
        },
        "status": {
            "phase": phase,
            "startTime": "2026-11-21T00:00:00Z",
            "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
        },
    }


def budget(name: str, allowed: int, *, namespace: str = "prod", needs: int = 2, has: int = 2, **labels: str) -> Json:
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": name, "namespace": namespace, "generation": 1},
        "spec": {"minAvailable": needs, "selector": {"matchLabels": labels}},
        "status": {
            "disruptionsAllowed": allowed,
            "currentHealthy": has,
            "desiredHealthy": needs,
            "expectedPods": has,
            "observedGeneration": 1,
        },
    }


def template(image: str, app: str = "vllm") -> Json:
    return {
        "metadata": {"labels": {"app": app}},
        "spec": {"containers": [{"name": "main", "image": image}], "terminationGracePeriodSeconds": 30},
    }


def workload(kind: str, name: str, image: str, *, replicas: int = 2, namespace: str = "prod", **more: Any) -> Json:
    strategy = {"strategy": {"type": "RollingUpdate"}} if kind == "Deployment" else {}
    if kind != "Deployment":
        strategy = {"updateStrategy": {"type": "RollingUpdate"}}
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {
            "name": name,
            "namespace": namespace,
            "uid": f"uid-{kind}-{name}",
            "generation": 1,
            "annotations": {},
        },
        "spec": {
            **({} if kind == "DaemonSet" else {"replicas": replicas}),
            "selector": {"matchLabels": {"app": name}},
            "template": template(image, name),
            **strategy,
            **more,
        },
        "status": {},
    }


def template_hash(spec: Json) -> str:
    """The same for templates that mean the same: kubectl adds empty fields, and the hash itself is a label."""
    return hashlib.sha256(json.dumps(_bare(spec["template"]), sort_keys=True).encode()).hexdigest()[:8]


def _bare(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {key: _bare(part) for key, part in value.items() if key not in {"pod-template-hash", "$patch"}}
        return {key: part for key, part in kept.items() if part not in (None, {}, [])}
    return [_bare(part) for part in value] if isinstance(value, list) else value


def owned(kind: str, by: Json, suffix: str) -> Json:
    """Metadata of something that a workload made for itself."""
    metadata = by["metadata"]
    return {
        "name": f"{metadata['name']}-{suffix}",
        "namespace": metadata["namespace"],
        "uid": f"uid-{kind}-{metadata['name']}-{suffix}",
        "labels": {"app": metadata["name"]},
        "annotations": {},
        "ownerReferences": [
            {
                "apiVersion": "apps/v1",
                "kind": by["kind"],
                "name": metadata["name"],
                "uid": metadata["uid"],
                "controller": True,
            }
        ],
    }


def merged(target: Any, patch: Any) -> Any:
    """RFC 7386; what kubectl patches here needs no more of a strategic merge than that."""
    if not isinstance(patch, dict):
        return patch
    found = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if key.startswith("$"):
            continue
        if value is None:
            found.pop(key, None)
        else:
            found[key] = merged(found.get(key), value)
    return found


def json_patched(target: Json, operations: list[Json]) -> Json:
    """RFC 6902, as far as kubectl rollout undo uses it."""
    found = json.loads(json.dumps(target))
    for operation in operations:
        *parents, last = operation["path"].strip("/").replace("~1", "/").split("/")
        at = found
        for part in parents:
            at = at.setdefault(part, {})
        if operation["op"] == "remove":
            at.pop(last, None)
        else:
            at[last] = operation["value"]
    return found
