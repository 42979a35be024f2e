"""GPU actions and evidence through the desk over real SSH connections; in the host's place, and nvidia-smi's, a script.

There is no GPU here: what is shown is the way from the plan to the audit, not what a driver does.
"""

from __future__ import annotations

import asyncio
import json
import shlex
import tarfile
from pathlib import Path

import pytest

from leptontui.actions.audit import Audit, verify
from leptontui.actions.desk import Desk
from leptontui.errors import GuardRefused
from leptontui.model.action import ActionName, ActionRequest, OutcomeKind
from leptontui.model.target import Fleet
from leptontui.transport.ssh import SshTransport
from tests.unit.actions.actions_scene import Facts
from tests.unit.actions.gpu_scene import FakeController, FakeGpuHost, FakeProcess
from tests.unit.actions.setting_scene import said
from tests.unit.actions.test_actions_gpu import DCGM, TRAINING

RESET = ActionRequest(ActionName.GPU_RESET, "gpu-1", params=(("gpu", "1"),))


def served(answer, intercept=None):
    """A server's handler that answers by a function of the argument vector."""

    async def handle(process):
        argv = tuple(shlex.split(process.command))
        if intercept is not None and intercept(argv):
            return
        done = said("1000\n") if argv == ("id", "-u") else answer(argv)
        process.stdout.write(done.stdout.encode())
        process.stderr.write(done.stderr.encode())
        process.exit(done.exit_status)

    return handle


class Scene:
    """A desk with the host gpu-1, its controller login1, and eleven hosts that stay in service."""

    def __init__(self, lab, dialer, tmp_path: Path) -> None:
        self.lab = lab
        self.gpus = FakeGpuHost.of(2, processes={900: DCGM}, units={"nvidia-dcgm.service": "active"})
        self.slurm = FakeController()
        self.made: dict[str, SshTransport] = {}
        self.dialer = dialer
        self.audit = tmp_path / "state" / "audit.jsonl"
        self.intercept = lambda argv: False

    async def start(self) -> Desk:
        await self.lab.start("gpu-1", served(self.gpus, self._intercept))
        await self.lab.start("login1", served(self.slurm))
        target = self.lab.target("gpu-1", scheduler="slurm", controller="login1")
        others = tuple(self.lab.target(f"other-{n}") for n in range(11))
        fleet = Fleet("fleet", (target, *others), {"login1": self.lab.target("login1")})
        desk = Desk(
            fleet,
            transport_of=self._transport_of,
            facts=Facts(),
            audit=Audit(self.audit),
            user="anna",
            sleep=lambda seconds: asyncio.sleep(min(seconds, 0.05)),
        )
        desk.arm()
        return desk

    def _intercept(self, argv) -> bool:
        return self.intercept(argv)

    def _transport_of(self, target):
        if target.name not in self.made:
            self.made[target.name] = SshTransport(target, self.dialer)
        return self.made[target.name]

    @property
    def lines(self) -> list[dict]:
        return [json.loads(line) for line in self.audit.read_text().splitlines()]


@pytest.fixture
async def scene(lab, dialer, tmp_path):
    scene = Scene(lab, dialer, tmp_path)
    yield scene
    for transport in scene.made.values():
        await transport.close()


async def test_a_reset_leaves_its_evidence_and_its_traces_in_the_audit(scene):
    desk = await scene.start()
    plan = await desk.plan(RESET)
    assert [rule.rule for rule in plan.standing] == []
    assert scene.gpus.gpus[1].ecc == "3"
    outcome = await desk.run(plan, "gpu-1")
    assert outcome.kind is OutcomeKind.VERIFIED, outcome
    assert len(scene.gpus.resets) == 1
    assert scene.gpus.units["nvidia-dcgm.service"] == "active"
    ended = scene.lines[-1]
    assert (ended["event"], ended["outcome"]) == ("ended", "verified")
    path = Path(ended["evidence"]["path"])
    assert path.parent == scene.audit.parent / "evidence"
    with tarfile.open(path) as archive:
        names = {Path(name).name for name in archive.getnames()}
    assert {"manifest.json", "nvidia-smi-q.txt", "jobs.txt"} <= names
    assert verify(scene.audit) is None
    ran = [step["argv"] for step in ended["ran"]]
    assert ran[1][:4] == ["sudo", "-n", "systemctl", "stop"]


async def test_a_process_that_comes_while_evidence_is_captured_stops_it(scene):
    def intercept(argv):
        if argv[0] == "uname":  # a question of the evidence
            scene.gpus.processes[4242] = TRAINING
        return False

    desk = await scene.start()
    plan = await desk.plan(RESET)
    scene.intercept = intercept
    with pytest.raises(GuardRefused, match="the GPU computes: process 4242"):
        await desk.run(plan, "gpu-1")
    assert scene.gpus.resets == []
    assert scene.gpus.units["nvidia-dcgm.service"] == "active"
    assert scene.lines[-1]["outcome"] == "refused"


async def test_a_link_cut_during_the_reset_is_asked_again_and_never_reset_twice(scene):
    def intercept(argv):
        if "--gpu-reset" in argv and "-l" not in argv:
            scene.gpus(argv)
            scene.lab.hosts["gpu-1"].cut()
            return True
        return False

    desk = await scene.start()
    plan = await desk.plan(RESET)
    scene.intercept = intercept
    outcome = await desk.run(plan, "gpu-1")
    assert len(scene.gpus.resets) == 1, "it took effect, once"
    assert outcome.kind is OutcomeKind.UNKNOWN
    assert "nvidia-dcgm.service is inactive" in outcome.summary, "what was stopped is said to be so"


async def test_a_process_is_ended_over_ssh(scene):
    scene.gpus.processes[4242] = FakeProcess("python train.py", user="anna", devices=("/dev/nvidia1",))
    desk = await scene.start()
    plan = await desk.plan(ActionRequest(ActionName.GPU_KILL, "gpu-1", params=(("pid", "4242"),)))
    outcome = await desk.run(plan, "gpu-1")
    assert outcome.kind is OutcomeKind.VERIFIED, outcome
    assert [step.get("skipped", False) for step in scene.lines[-1]["ran"]] == [False, True]


async def test_evidence_fits_into_what_sshd_lets_be_asked_at_once(scene):
    desk = await scene.start()
    host = scene.lab.hosts["gpu-1"]
    running = {"now": 0, "most": 0}

    def may_run():
        return running["now"] < 2

    async def counted(process):
        running["now"] += 1
        running["most"] = max(running["most"], running["now"])
        try:
            await served(scene.gpus)(process)
        finally:
            running["now"] -= 1

    await host.stop()
    await scene.lab.start("gpu-1", counted)
    scene.lab.hosts["gpu-1"].may_run = may_run
    plan = await desk.plan(ActionRequest(ActionName.EVIDENCE, "gpu-1"))
    outcome = await desk.run(plan, "")
    assert outcome.kind is OutcomeKind.VERIFIED, outcome
    assert running["most"] <= 2
