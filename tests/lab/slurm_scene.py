"""A desk in front of the real Slurm, with an audit and remembered drains of its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from leptontui.actions.audit import Audit
from leptontui.actions.desk import Desk
from leptontui.actions.drains import Drains
from leptontui.actions.locks import SharedLocks
from leptontui.actions.reach import Reach
from leptontui.model.action import ActionRequest, Outcome
from leptontui.model.link import Link, LinkState
from leptontui.model.policy import Policies, built_in
from leptontui.model.target import Fleet, HostTarget
from leptontui.transport.contract import Completed, Transport
from leptontui.transport.local import LocalTransport
from tests.lab.slurm import SlurmLab


class NobodyTransport(LocalTransport):
    """This machine, as a user whom Slurm lets change nothing."""

    async def run(self, argv: Sequence[str], **how: Any) -> Completed:
        as_nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *argv)
        return await super().run(as_nobody, **how)


class Facts:
    """All hosts are live."""

    interval_s = 1.0

    def link_of(self, host: str) -> Link:
        return Link(host, LinkState.LIVE, time.time())

    def age_s_of(self, host: str) -> float:
        return 0.5


class SlurmScene:
    """A desk for `user` in front of the real Slurm.

    Attributes:
        transport: the way to the controller and, unless told otherwise, to every host.
        asked: the names of the hosts that were reached for.
    """

    def __init__(
        self,
        slurm: SlurmLab,
        folder: Path,
        *,
        user: str = "anna",
        hosts: tuple[HostTarget, ...] = (),
        policies: Callable[[], Policies] = built_in,
    ) -> None:
        self.slurm = slurm
        self.folder = folder
        self.user = user
        self.transport: Transport = LocalTransport()
        self.ways: dict[str, Transport] = {}
        self.asked: list[str] = []
        self.audit = folder / f"audit-{user}.jsonl"
        named = (HostTarget(name, scheduler="slurm", controller="login1") for name in slurm.node_names)
        self.fleet = Fleet("lab", hosts or tuple(named), {"login1": HostTarget("login1", user="root")})
        self.drains = self.next_session()
        self.desk = Desk(
            self.fleet,
            transport_of=self.transport_of,
            facts=Facts(),
            audit=Audit(self.audit),
            user=user,
            policies=policies,
            locks=SharedLocks(lambda: folder),
            drains=self.drains,
        )
        self.desk.arm()

    def transport_of(self, target: HostTarget) -> Transport:
        """As the program's wiring has it."""
        self.asked.append(target.name)
        return self.ways.get(target.name, self.transport)

    def next_session(self) -> Drains:
        """The drains that the program remembers when it is started anew."""

        async def reach_of(target: HostTarget) -> Reach:
            return await self.desk.reach(target)

        return Drains(self.folder / f"drains-{self.user}.json", fleet_of=lambda: self.fleet, reach_of=reach_of)

    def reason_of(self, node: str) -> str:
        """The node's reason, by Slurm's own eyes."""
        return self.slurm.command("sinfo", "-h", "-R", "-n", node, "-o", "%E").strip()

    async def act(self, action: str, host: str, reason: str = "", override: str = "", **params: str) -> Outcome:
        """Plan, confirm and run."""
        plan = await self.desk.plan(ActionRequest(action, host, reason=reason, params=tuple(params.items())))
        return await self.desk.run(plan, plan.confirmation, override)
