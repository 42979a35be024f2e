"""A stub of Kubernetes' API server over HTTP: as much of discovery, objects, watches, evictions as kubectl asks for."""

import contextlib
import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.kube.stub_cluster import RESOURCES, Key, Refused, StubCluster
from tests.kube.stub_objects import Json, json_patched

_PATH = re.compile(
    r"/(?:api/v1|apis/(?P<group>[a-z.]+)/(?P<version>v\d+))"
    r"(?:/namespaces/(?P<namespace>[^/]+))?/(?P<resource>[a-z]+)(?:/(?P<name>[^/]+))?(?:/(?P<part>scale|eviction|status))?"
)
SHORT = {
    "nodes": ["no"],
    "pods": ["po"],
    "poddisruptionbudgets": ["pdb"],
    "deployments": ["deploy"],
    "daemonsets": ["ds"],
}
_SHORT = SHORT | {"statefulsets": ["sts"], "replicasets": ["rs"], "horizontalpodautoscalers": ["hpa"]}
_VERBS = ["create", "delete", "get", "list", "patch", "update", "watch"]


def resources_of(group: str) -> list[Json]:
    found: list[Json] = []
    for name, (its_group, _, kind) in RESOURCES.items():
        if its_group != group:
            continue
        entry = {
            "name": name,
            "singularName": kind.lower(),
            "namespaced": name != "nodes",
            "kind": kind,
            "verbs": _VERBS,
        }
        found.append(entry | {"shortNames": _SHORT.get(name, [])})
        if name == "pods":
            eviction = {"name": "pods/eviction", "kind": "Eviction", "group": "policy", "version": "v1"}
            found.append({"singularName": "", "namespaced": True, "verbs": ["create"], **eviction})
        if name in {"deployments", "statefulsets", "replicasets"}:
            scale = {"name": f"{name}/scale", "kind": "Scale", "group": "autoscaling", "version": "v1"}
            found.append({"singularName": "", "namespaced": True, "verbs": ["get", "patch", "update"], **scale})
    return found


def discovery(path: str) -> Json | None:
    groups = {group: version for group, version, _ in RESOURCES.values() if group}
    match path.strip("/").split("/"):
        case ["version"]:
            return {"major": "1", "minor": "32", "gitVersion": "v1.32.4"}
        case ["api"]:
            return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}
        case ["apis"]:
            listed = []
            for group, version in groups.items():
                only = {"groupVersion": f"{group}/{version}", "version": version}
                listed.append({"name": group, "versions": [only], "preferredVersion": only})
            return {"kind": "APIGroupList", "apiVersion": "v1", "groups": listed}
        case ["api", "v1"]:
            return {"kind": "APIResourceList", "groupVersion": "v1", "resources": resources_of("")}
        case ["apis", group, version] if groups.get(group) == version:
            listed = resources_of(group)
            return {"kind": "APIResourceList", "groupVersion": f"{group}/{version}", "resources": listed}
    return None


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    cluster: StubCluster

    def log_request(self, *args: Any) -> None:
        """Keep quiet."""

    def _handle(self) -> None:
        url = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        length = int(self.headers.get("Content-Length") or 0)
        content = self.rfile.read(length)
        if content.startswith(b"k8s\0"):  # kubectl says what it deletes in protobuf, of which only this matters
            body: Any = {"dryRun": ["All"]} if b"\x03All" in content else {}
        else:
            body = json.loads(content) if content else None
        self.cluster.requests.append(f"{self.command} {self.path}")
        try:
            self.cluster.admit(f"{self.command} {url.path}")
            self._answer(url.path, query, body)
        except Refused as refused:
            self._send(refused.status["code"], refused.status)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _handle  # noqa: N815 — the standard library's names

    def _answer(self, path: str, query: dict[str, str], body: Any) -> None:
        found = discovery(path)
        if found is not None:
            return self._send(200, found)
        match = _PATH.fullmatch(path)
        if match is None or match["resource"] not in RESOURCES:
            raise Refused(404, "NotFound", "the server could not find the requested resource")
        resource, namespace = match["resource"], match["namespace"] or ""
        if match["name"] is None:
            return self._list(resource, namespace, query)
        key = (resource, namespace, match["name"])
        is_told = body if self.command in {"DELETE", "POST"} and body else {}
        is_dry = "dryRun" in query or "dryRun" in is_told or "dryRun" in (is_told.get("deleteOptions") or {})
        if self.command != "GET" and not is_dry:
            self.cluster.changes.append(f"{self.command} {path}")
        if match["part"] == "eviction":
            self.cluster.evict(key, dry_run=is_dry)
            return self._send(201, {"kind": "Status", "apiVersion": "v1", "status": "Success", "code": 201})
        if match["part"] == "scale":
            return self._scale(key, body, is_dry=is_dry)
        return self._object(key, body, is_dry=is_dry)

    def _object(self, key: Key, body: Any, *, is_dry: bool) -> None:
        match self.command:
            case "GET":
                self._send(200, self.cluster.found(key))
            case "PATCH" if "json-patch" in (self.headers["Content-Type"] or ""):
                patched = json_patched(self.cluster.found(key), body)
                self._send(200, self.cluster.replace(key, patched, dry_run=is_dry))
            case "PATCH":
                self._send(200, self.cluster.patch(key, body, dry_run=is_dry))
            case "PUT":
                self._send(200, self.cluster.replace(key, body, dry_run=is_dry))
            case "DELETE":
                self.cluster.end_pod(key, dry_run=is_dry)
                self._send(200, {"kind": "Status", "apiVersion": "v1", "status": "Success", "code": 200})

    def _scale(self, key: Key, body: Any, *, is_dry: bool) -> None:
        if self.command != "GET":
            replicas = body["spec"].get("replicas", 0)  # 0 is left out
            self.cluster.patch(key, {"spec": {"replicas": replicas}}, dry_run=is_dry)
        item = self.cluster.found(key)
        metadata = {name: item["metadata"].get(name) for name in ("name", "namespace", "resourceVersion", "uid")}
        scale = {"spec": {"replicas": item["spec"]["replicas"]}, "status": {"replicas": item["spec"]["replicas"]}}
        self._send(200, {"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": metadata, **scale})

    def _list(self, resource: str, namespace: str, query: dict[str, str]) -> None:
        group, version, kind = RESOURCES[resource]
        wanted = dict(pair.split("=") for pair in query.get("fieldSelector", "").split(",") if pair)
        labels = dict(pair.split("=") for pair in query.get("labelSelector", "").split(",") if "=" in pair)

        def is_wanted(item: Json) -> bool:
            its = item["metadata"].get("labels") or {}
            fields = {"metadata.name": item["metadata"]["name"], "spec.nodeName": item.get("spec", {}).get("nodeName")}
            return all(fields.get(name) == value for name, value in wanted.items()) and all(
                its.get(name) == value for name, value in labels.items()
            )

        if "watch" in query:
            return self._watch(resource, namespace, is_wanted, int(query.get("resourceVersion") or 0))
        items = [item for item in self.cluster.listed(resource, namespace) if is_wanted(item)]
        if resource == "pods":
            items = [item for item in items if self._is_still_there(item)]
        api_version = f"{group}/{version}" if group else version
        metadata = {"resourceVersion": str(self.cluster.version)}
        self._send(200, {"kind": f"{kind}List", "apiVersion": api_version, "metadata": metadata, "items": items})
        return None

    def _is_still_there(self, pod: Json) -> bool:
        with contextlib.suppress(Refused):
            self.cluster.found(("pods", pod["metadata"]["namespace"], pod["metadata"]["name"]))
            return True
        return False

    def _watch(self, resource: str, namespace: str, is_wanted: Any, since: int) -> None:
        """Everything that changed after `since`, as it changes, until the client goes."""
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        with contextlib.suppress(OSError):
            while not self.server.is_closing:  # type: ignore[attr-defined]
                with self.cluster.changed:
                    self.cluster.changed.wait(0.2)
                    items = [item for item in self.cluster.listed(resource, namespace) if is_wanted(item)]
                newer = [item for item in items if int(item["metadata"]["resourceVersion"]) > since]
                for item in sorted(newer, key=lambda item: int(item["metadata"]["resourceVersion"])):
                    since = int(item["metadata"]["resourceVersion"])
                    self.wfile.write(json.dumps({"type": "MODIFIED", "object": item}).encode() + b"\n")
                self.wfile.flush()

    def _send(self, code: int, document: Json) -> None:
        content = json.dumps(document).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(content)


@contextlib.contextmanager
def served(cluster: StubCluster) -> Iterator[str]:
    """Serve the cluster on loopback; its URL."""
    handler = type("Handler", (_Handler,), {"cluster": cluster})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    server.is_closing = False  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.is_closing = True  # type: ignore[attr-defined]
        server.shutdown()
        server.server_close()
