"""A stage for what goes through Slurm: preparers are called without a desk, on a scripted controller and host."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from leptontui.actions.parameters import complete
from leptontui.actions.reach import Prepared, Reach
from leptontui.actions.registry import PREPARE
from leptontui.actions.setting import Setting
from leptontui.errors import LinkError
from leptontui.model.action import ActionRequest
from leptontui.model.action_catalogue import SHIPPED
from leptontui.model.target import Fleet, HostTarget
from leptontui.transport.contract import Completed
from tests.unit.actions.actions_scene import OK, T0, Facts, FakeSlurm, ScriptedTransport, link_error

BOOT_1 = "11111111-1111-4111-8111-111111111111"
BOOT_2 = "22222222-2222-4222-8222-222222222222"


def stat_of(start_ticks: int) -> str:
    """`/proc/1/stat` of a first process whose name has a bracket in it."""
    return f"1 (system) d) S 0 1 1 0 -1 4194560 {' '.join(['7'] * 12)} {start_ticks} 1 2 3\n"


@dataclass
class Slurm22(FakeSlurm):
    """A Slurm that also knows UNDRAIN, DOWN, reboots and who is out of service."""

    reboot_program: str = "/sbin/reboot"
    out: str = ""

    def __call__(self, argv: tuple[str, ...]) -> Completed:
        if argv[:2] == ("scontrol", "reboot"):
            name = argv[-1]
            state, reason = self.nodes[name]
            given = next((pair.split("=", 1)[1] for pair in argv if pair.startswith("reason=")), reason)
            state += "+REBOOT_REQUESTED" if "DRAIN" in state or "ASAP" not in argv else "+DRAIN+REBOOT_REQUESTED"
            self.nodes[name] = [state, given]
            return OK
        if argv[:2] == ("scontrol", "cancel_reboot"):
            self.nodes[argv[2]] = ["IDLE", ""]
            return OK
        if argv[:3] == ("scontrol", "show", "config"):
            return Completed(
                0, f"SlurmUser               = slurm(64030)\nRebootProgram           = {self.reboot_program}\n", ""
            )
        if argv[0] == "sinfo" and "-t" in argv:
            return Completed(0, self.out, "")
        return super().__call__(argv)

    def update(self, pairs: dict[str, str]) -> Completed:
        node = self.nodes[pairs["nodename"]]
        if self.obeys and pairs["state"] == "UNDRAIN":
            node[:] = [node[0].replace("+DRAIN", ""), node[1] if "DOWN" in node[0] else ""]
            return OK
        return super().update(pairs)


@dataclass
class FakeHost:
    """A host that boots; while it is away nothing answers."""

    boot_id: str = BOOT_1
    start_ticks: int = 50
    uid: int = 0
    away: int = 0
    ends_with: Completed = OK
    system: str = "running"

    def __call__(self, argv: tuple[str, ...]) -> Completed:
        if self.away:
            self.away -= 1
            raise link_error("connection refused")
        if argv[0] == "cat":
            return Completed(0, f"{self.boot_id}\n{stat_of(self.start_ticks)}", "")
        answers = {
            "id": Completed(0, f"{self.uid}\n", ""),
            "who": Completed(0, "bea      pts/0        2026-11-21 03:02 (10.0.0.9)\n", ""),
            "is-system-running": Completed(0 if self.system == "running" else 1, f"{self.system}\n", ""),
            "-l": Completed(0, "/usr/bin/systemctl\n", ""),
            "reboot": self.ends_with,
        }
        unknown = Completed(127, "", f"{argv[0]}: not found")
        return next((answer for word, answer in answers.items() if word in argv), unknown)

    def reboot(self, away: int = 3) -> None:
        """It goes down, and comes back with another boot id."""
        self.boot_id, self.start_ticks, self.away = BOOT_2, 60, away


@dataclass
class Stage:
    """A fleet of three nodes behind login1, and what is said while an action runs."""

    folder: Path
    user: str = "anna"
    scheduler: str | None = "slurm"
    now: float = T0
    said: list[str] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)
    on_sleep: list[object] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.slurm = Slurm22({f"gpu-{n:03d}": ["IDLE", ""] for n in (17, 18, 19)})
        self.machine = FakeHost()
        self.controller = ScriptedTransport(self.slurm, "oncall@login1:22")
        self.host = ScriptedTransport(self.machine, "root@10.0.0.17:22")
        self.is_cut = False
        hosts = tuple(
            HostTarget(f"gpu-{n:03d}", scheduler=self.scheduler, controller=self.scheduler and "login1")
            for n in (17, 18, 19)
        )
        self.fleet = Fleet("fleet", hosts, {"login1": HostTarget("login1", user="oncall")})

    async def reach_of(self, target: HostTarget) -> Reach:
        """The way to a host, as a desk gives it."""
        if self.is_cut:
            raise link_error("no route")
        transport = self.controller if target.name == "login1" else self.host
        await transport.connect()
        return Reach.of(target, transport)

    def setting(self, request: ActionRequest, plan_id: str = "p1") -> Setting:
        """What a preparer is given."""
        spec = SHIPPED[request.action]
        target = self.fleet.host(request.host)
        assert target is not None
        return Setting(
            request=complete(request, spec),
            spec=spec,
            target=target,
            fleet=self.fleet,
            facts=Facts(),
            user=self.user,
            plan_id=plan_id,
            clock=lambda: self.now,
            sleep=self.sleep,
            tell=self.said.append,
            reach_of=self.reach_of,
        )

    async def sleep(self, seconds: float) -> None:
        """Time goes by at once."""
        self.slept.append(seconds)
        self.now += seconds
        if self.on_sleep:
            happening = self.on_sleep.pop(0)
            if callable(happening):
                happening()

    async def prepare(self, action: str, host: str = "gpu-017", reason: str = "Xid 79", **params: str) -> Prepared:
        """A plan."""
        request = ActionRequest(action, host, reason=reason, params=tuple(params.items()))
        return await PREPARE[action](self.setting(request))

    async def run(self, prepared: Prepared) -> list[str]:
        """Run the commands as the runner does, without its cares; what links broke is passed over."""
        went = []
        for number, step in enumerate(prepared.plan.steps):
            if await prepared.deed.is_needed(number):
                went.append(" ".join(step.argv))
                try:
                    await prepared.reach_of(step).transport.run(step.argv)
                except LinkError as error:
                    went.append(error.cause)
        return went
