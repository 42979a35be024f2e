"""The simulated fleet plays every action: the real preparers plan on it, the real runner carries out and verifies."""

import shlex
from dataclasses import dataclass
from pathlib import Path

import pytest

from leptontui.actions.parameters import complete
from leptontui.actions.reach import Prepared, Reach
from leptontui.actions.registry import PREPARE
from leptontui.actions.runner import Record, carry_out
from leptontui.actions.setting import Setting
from leptontui.config.inventory import load_inventory
from leptontui.demo import shell
from leptontui.demo.answer import Login
from leptontui.demo.credentials import make_keys, write_files
from leptontui.demo.layout import CONTROLLER, Role, make_layout
from leptontui.demo.systemctl import Machine
from leptontui.demo.world import World
from leptontui.errors import CommandTimeout, GuardRefused, LinkError
from leptontui.model.action import ActionRequest, OutcomeKind
from leptontui.model.action_catalogue import SHIPPED
from leptontui.model.link import Fault, FaultKind
from leptontui.model.target import HostTarget
from leptontui.transport.contract import OUTPUT_LIMIT, Completed

T0 = 1_700_000_000.0
LAYOUT = make_layout(24, 8)
INFER, TRAIN, IDLE = (LAYOUT.with_role(role)[2].name for role in (Role.INFER, Role.TRAIN, Role.IDLE))


class Stage:
    """The simulated fleet, its inventory, and time that goes on by waiting only."""

    def __init__(self, folder: Path) -> None:
        self.world = World(LAYOUT, start_unix_s=T0, incidents=(), history_s=0.0)
        ports = {name: 2200 + number for number, name in enumerate([*(host.name for host in LAYOUT.hosts), CONTROLLER])}
        self.fleet = load_inventory(write_files(folder, LAYOUT, make_keys(LAYOUT), ports))
        self.now = T0 + 10.0
        self.told: list[str] = []
        self.world.advance(self.now)

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        until = self.now + seconds
        while self.now < until:
            self.now = min(until, self.now + 1.0)
            self.world.advance(self.now)

    async def reach_of(self, target: HostTarget) -> Reach:
        return Reach.of(target, Simulated(self, target.name))

    async def prepared(self, action: str, host: str, unit: str = "", reason: str = "", **params: str) -> Prepared:
        spec, target = SHIPPED[action], self.fleet.host(host)
        assert target is not None
        request = ActionRequest(action, host, unit, reason, tuple(params.items()))
        setting = Setting(
            request=complete(request, spec),
            spec=spec,
            target=target,
            fleet=self.fleet,
            facts=None,
            user="demo",
            plan_id="0123456789abcdef",
            clock=self.clock,
            sleep=self.sleep,
            tell=self.told.append,
            reach_of=self.reach_of,
        )
        return await PREPARE[action](setting)

    async def run(self, action: str, host: str, unit: str = "", reason: str = "", **params: str):
        prepared = await self.prepared(action, host, unit, reason, **params)
        objection = await prepared.deed.check_again()
        assert objection is None, objection
        return await carry_out(prepared, Record(), self.clock, tell=self.told.append, sleep=self.sleep)

    async def verified(self, *arguments: str, **params: str) -> str:
        outcome = await self.run(*arguments, **params)
        assert outcome.kind is OutcomeKind.VERIFIED, (outcome, self.told)
        return outcome.summary


@dataclass
class Simulated:
    """A transport whose far end is the simulated shell."""

    stage: Stage
    name: str

    @property
    def address(self) -> str:
        return f"demo@{self.name}"

    async def connect(self) -> None:
        host = LAYOUT.host(self.name)
        if host is not None and not self.stage.world.is_up(host):
            raise LinkError(Fault(FaultKind.CONNECTION_REFUSED, f"{self.name} refuses connections"))

    async def run(self, argv, *, timeout_s=30.0, stdin=b"", output_limit=OUTPUT_LIMIT, heard=None) -> Completed:
        await self.connect()
        machine = Machine(self.stage.world, LAYOUT.host(self.name), Login("demo"), self.stage.now)
        answer = shell.answer(shlex.join(argv), machine)
        if answer.takes_s > timeout_s:
            raise CommandTimeout(f"{argv[0]} on {self.name} ran past {timeout_s:g} s")
        await self.stage.sleep(answer.takes_s)
        assert "not simulated" not in answer.stderr, answer.stderr
        return Completed(answer.exit_status, answer.stdout[:output_limit], answer.stderr)


@pytest.fixture
def stage(tmp_path) -> Stage:
    return Stage(tmp_path)


@pytest.mark.parametrize(
    "unit", ["vllm.service", "user:gateway.service", "docker:request-router", "docker:dcgm-exporter"]
)
async def test_every_unit_that_the_inventory_offers_is_restarted(stage, unit):
    assert unit in stage.fleet.host(INFER).units
    summary = await stage.verified("restart", INFER, unit)
    assert "running" in summary


async def test_a_node_is_drained_its_job_leaves_and_it_is_put_back(stage):
    await stage.verified("drain", TRAIN, reason="Xid 79 GPU 3")
    assert len(stage.world.gpus_in_use(LAYOUT.host(TRAIN))) == 8
    await stage.sleep(70.0)
    assert stage.world.gpus_in_use(LAYOUT.host(TRAIN)) == (), "the training job went on without it"
    await stage.verified("undrain", TRAIN)
    await stage.sleep(2.0)
    assert len(stage.world.gpus_in_use(LAYOUT.host(TRAIN))) == 8


async def test_gpus_are_reset_once_the_node_is_drained_and_empty(stage):
    with pytest.raises(GuardRefused, match="not drained"):
        await stage.prepared("gpu-reset", TRAIN, gpu="3")
    await stage.verified("drain", TRAIN, reason="Xid 79 GPU 3")
    with pytest.raises(GuardRefused, match="not empty"):
        await stage.prepared("gpu-reset", TRAIN, gpu="3")
    await stage.sleep(70.0)
    prepared = await stage.prepared("gpu-reset", TRAIN, gpu="3")
    assert prepared.plan.title == f"Reset all 8 GPUs of {TRAIN}", "they are joined by NVSwitches"
    assert "reset and answering" in await stage.verified("gpu-reset", TRAIN, gpu="3")
    manager = stage.world.units.find(TRAIN, "nvidia-fabricmanager.service")
    assert manager.is_active(stage.now)


async def test_a_training_process_ends_by_term_and_an_inference_process_by_kill_only(stage):
    train, infer = (stage.world.sweep(LAYOUT.host(name), seq=0, t_unix_s=stage.now) for name in (TRAIN, INFER))
    assert "is gone" in await stage.verified("gpu-kill", TRAIN, pid=str(train.processes[0].pid))
    assert any("not needed any more: sudo -n kill -KILL" in line for line in stage.told)
    stage.told.clear()
    assert "is gone" in await stage.verified("gpu-kill", INFER, pid=str(infer.processes[5].pid), grace="3")
    assert any(line.startswith(f"{INFER}$ sudo -n kill -KILL") for line in stage.told)
    later = stage.world.sweep(LAYOUT.host(INFER), seq=1, t_unix_s=stage.now)
    assert len(later.processes) == 7
    await stage.verified("restart", INFER, "vllm.service")
    await stage.sleep(2.0)
    assert len(stage.world.sweep(LAYOUT.host(INFER), seq=2, t_unix_s=stage.now).processes) == 8


async def test_settings_of_gpus_are_made_and_taken_back(stage):
    assert "off on all 8" in await stage.verified("gpu-persistence", IDLE, mode="off")
    assert "on on all 8" in await stage.verified("gpu-persistence", IDLE, mode="on")
    assert "in 1200–1300" in await stage.verified("gpu-lock-clocks", TRAIN, gpu="2", low="1200", high="1300")
    assert "moves" in await stage.verified("gpu-unlock-clocks", TRAIN, gpu="2")


async def test_a_host_reboots_and_comes_back_as_another_boot(stage):
    host = LAYOUT.host(IDLE)
    before = stage.world.boot_id(host)
    await stage.verified("gpu-persistence", IDLE, mode="off")
    summary = await stage.verified("reboot", IDLE, how="now")
    assert "another boot id" in summary
    assert stage.world.boot_id(host) != before
    assert any("does not answer" in line for line in stage.told), "it was away meanwhile"
    assert stage.world.hands.is_persistent(host)


async def test_slurm_reboots_a_node_when_its_jobs_have_left(stage):
    before = stage.world.boot_id(LAYOUT.host(TRAIN))
    summary = await stage.verified("reboot", TRAIN, reason="new kernel")
    assert "another boot id" in summary
    assert stage.world.boot_id(LAYOUT.host(TRAIN)) != before
    assert stage.world.slurm.drain_of(LAYOUT.host(TRAIN)) is None, "it is in service again"


async def test_a_reboot_that_waits_is_called_off(stage):
    before = stage.world.boot_id(LAYOUT.host(TRAIN))
    prepared = await stage.prepared("reboot", TRAIN, reason="new kernel", wait="0")
    outcome = await carry_out(prepared, Record(), stage.clock, sleep=stage.sleep)
    assert outcome.kind is OutcomeKind.NOT_VERIFIED
    await stage.verified("undrain", TRAIN)
    await stage.sleep(120.0)
    assert stage.world.boot_id(LAYOUT.host(TRAIN)) == before


async def test_a_host_fails_over_to_its_standby(stage):
    await stage.verified("drain", IDLE, reason="kept as a standby")
    prepared = await stage.prepared("fail-over", TRAIN, reason="Xid 79 GPU 3", standby=IDLE)
    outcome = await carry_out(prepared, Record(), stage.clock, sleep=stage.sleep)
    assert outcome.kind is OutcomeKind.VERIFIED
    assert stage.world.slurm.drain_of(LAYOUT.host(IDLE)) is None
    assert stage.world.slurm.drain_of(LAYOUT.host(TRAIN)) is not None


async def test_evidence_is_complete(stage, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    summary = await stage.verified("evidence", INFER)
    assert "missing" not in summary


async def test_a_reboot_cuts_the_connections_and_brings_a_lost_gpu_back():
    world = World(LAYOUT, start_unix_s=T0, history_s=0.0)  # with its incidents
    world.advance(T0 + 60.0)
    lost = next(host for host in LAYOUT.hosts if len(world.gpus_in_use(host)) == 7)
    machine = Machine(world, lost, Login("demo"), T0 + 60.0)
    assert "Xid" in shell.answer("sudo -n dmesg", machine).stdout
    assert shell.answer("nvidia-smi -L", machine).stdout.count("UUID") == 7
    assert shell.answer("systemctl reboot", machine).exit_status == 1
    assert shell.answer("sudo -n systemctl reboot", machine).exit_status == 0
    happened = [
        (second, happening.is_up)
        for second in range(61, 121)
        for happening in world.advance(T0 + second)
        if happening.host is lost and happening.is_up is not None
    ]
    assert [is_up for _, is_up in happened] == [False, True]
    assert 20 <= happened[1][0] - happened[0][0] <= 30
    later = Machine(world, lost, Login("demo"), T0 + 120.0)
    assert shell.answer("nvidia-smi -L", later).stdout.count("UUID") == 8
    assert "Xid" not in shell.answer("sudo -n dmesg", later).stdout
