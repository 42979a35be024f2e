"""A stage for Kubernetes' tests: a desk, real kubectl on this machine, and a stub API server behind it."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

from leptontui.actions.audit import Audit
from leptontui.actions.desk import Desk
from leptontui.actions.drains import Drains
from leptontui.actions.reach import Reach
from leptontui.model.action import ActionRequest, Outcome, Plan
from leptontui.model.target import Fleet, HostTarget
from leptontui.transport.contract import OUTPUT_LIMIT, Completed
from leptontui.transport.local import LocalTransport
from tests.kube.stub_cluster import StubCluster
from tests.unit.actions.actions_scene import T0, Facts

HERE = "this machine"
UNITS = ("kube:prod/deployment/vllm", "kube:prod/statefulset/db", "kube:prod/daemonset/dcgm", "helm:prod/vllm")


def kubeconfig(path: Path, url: str, *contexts: str, current: str = "") -> Path:
    """A kubectl configuration in JSON, which is YAML."""
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "stub", "cluster": {"server": url}}],
        "users": [{"name": "oncall", "user": {"token": "t"}}],
        "contexts": [{"name": name, "context": {"cluster": "stub", "user": "oncall"}} for name in contexts],
        "current-context": current,
    }
    path.write_text(json.dumps(document))
    return path


@dataclass
class Watched:
    """This machine, with what was run there written down."""

    address: str = "this machine"
    ran: list[tuple[str, ...]] = field(default_factory=list)
    instead: dict[str, Exception | Completed] = field(default_factory=dict)
    after: dict[str, Callable[[], None]] = field(default_factory=dict)

    async def connect(self) -> None:
        """Nothing to dial."""

    async def run(
        self, argv, *, timeout_s: float = 30.0, stdin: bytes = b"", output_limit: int = OUTPUT_LIMIT, heard=None
    ) -> Completed:
        assert not isinstance(argv, str)
        self.ran.append(tuple(argv))
        for part, otherwise in self.instead.items():
            if part in " ".join(argv):
                if isinstance(otherwise, Completed):
                    return otherwise
                raise otherwise
        done = await LocalTransport().run(argv, timeout_s=timeout_s, stdin=stdin, output_limit=output_limit)
        for part, then in self.after.items():
            if part in " ".join(argv) and "--dry-run=server" not in argv:
                then()
        return done


async def nothing(_: float) -> None:
    """What happens while somebody waits."""


class KubeScene:
    """The host gpu-017, a node of the stub cluster, and its desk."""

    def __init__(self, folder: Path, cluster: StubCluster, config: Path, *, user: str = "anna", **target) -> None:
        self.cluster = cluster
        self.here = Watched()
        self.facts = Facts()
        self.slept: list[float] = []
        self.meanwhile: Callable[[float], Awaitable[None]] = nothing
        self.audit = folder / f"audit-{user}.jsonl"
        about = {"scheduler": "kubernetes", "controller": HERE, "kube_context": "prod", "kubeconfig": str(config)}
        self.target = HostTarget("gpu-017", group="train", units=UNITS, **(about | target))
        others = [HostTarget(f"gpu-{n:03}", group="train", units=UNITS, **(about | target)) for n in range(18, 48)]
        self.drains = Drains(
            folder / f"drains-{user}.json",
            fleet_of=lambda: self.desk.fleet,
            reach_of=self._reach,
            clock=lambda: T0,
        )
        self.desk = Desk(
            Fleet("fleet", (self.target, *others), {HERE: HostTarget(HERE, is_local=True)}),
            transport_of=lambda _: self.here,
            facts=self.facts,
            audit=Audit(self.audit, sudo_user=""),
            user=user,
            clock=lambda: T0,
            sleep=self._sleep,
            drains=self.drains,
        )
        self.desk.arm()

    async def _reach(self, host: HostTarget) -> Reach:
        return await self.desk.reach(host)

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await self.meanwhile(seconds)

    async def plan(self, action: str, *, unit: str = "", reason: str = "Xid 79", **params: str) -> Plan:
        reason = reason if action in {"drain", "cordon", "fail-over"} else ""
        request = ActionRequest(action, "gpu-017", unit=unit, reason=reason, params=tuple(sorted(params.items())))
        return await self.desk.plan(request)

    async def done(self, action: str, *, unit: str = "", reason: str = "Xid 79", **params: str) -> Outcome:
        plan = await self.plan(action, unit=unit, reason=reason, **params)
        return await self.desk.run(plan, plan.confirmation)

    @property
    def node(self) -> SimpleNamespace:
        found = self.cluster.get("nodes", "gpu-017")
        notes = found["metadata"]["annotations"]
        return SimpleNamespace(
            is_cordoned=found["spec"].get("unschedulable", False),
            reason=notes.get("leptontui/reason"),
            plan_id=notes.get("leptontui/plan"),
        )

    @property
    def lines(self) -> list[SimpleNamespace]:
        return [SimpleNamespace(**json.loads(line)) for line in self.audit.read_text().splitlines()]
