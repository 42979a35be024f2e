"""A stub cluster and a desk for each test; without kubectl these tests are skipped."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kube.kube_scene import KubeScene, kubeconfig
from tests.kube.stub_api import served
from tests.kube.stub_cluster import StubCluster
from tests.kube.stub_objects import node, pod, workload

HAS_KUBECTL = shutil.which("kubectl") is not None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if not HAS_KUBECTL:
        for item in items:
            if "kube" in getattr(item, "fixturenames", ()):
                item.add_marker(pytest.mark.skip(reason="kubectl is not installed"))


@pytest.fixture
def cluster() -> StubCluster:
    """Two nodes of a pool and 29 of another, with a deployment's pod, a DaemonSet's and a static one on the first."""
    return StubCluster(
        node("gpu-017", pool="h100"),
        node("gpu-018", pool="h100"),
        *(node(f"gpu-{n:03}", pool="a100") for n in range(19, 48)),
        workload("DaemonSet", "dcgm", "dcgm:1"),
        pod("vllm-0", "gpu-017", app="vllm"),
        pod("dcgm-x", "gpu-017", owner="DaemonSet/dcgm", empty_dir=True, app="dcgm"),
        pod("kube-proxy-gpu-017", "gpu-017", owner="", mirror=True, namespace="kube-system"),
        pod("other", "gpu-018", app="vllm"),
    )


@pytest.fixture
def config(cluster: StubCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """kubectl's configuration for the stub cluster, with the context "prod"."""
    monkeypatch.setenv("KUBECACHEDIR", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    with served(cluster) as url:
        yield kubeconfig(tmp_path / "config", url, "prod", "other")


@pytest.fixture
def kube(cluster: StubCluster, config: Path, tmp_path: Path) -> KubeScene:
    return KubeScene(tmp_path, cluster, config)
