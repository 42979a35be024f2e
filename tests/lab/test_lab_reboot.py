"""Reboots of real hosts: asked for through the desk, watched over real SSH, and seen by their boot ids.

The hosts are containers with a systemd and a boot id of their own; what runs as Slurm's node is on this machine, and
its RebootProgram reboots the host of the same name.
"""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from leptontui.actions.audit import verify
from leptontui.actions.parameters import complete
from leptontui.actions.registry import PREPARE
from leptontui.actions.setting import Setting
from leptontui.errors import GuardRefused
from leptontui.model.action import ActionName, ActionRequest, OutcomeKind
from leptontui.model.action_catalogue import SHIPPED
from leptontui.model.target import HostTarget
from leptontui.transport.dialer import Dialer
from leptontui.transport.ssh import SshTransport
from tests.lab.conftest import SCRIPT, Lab, LabHost, lab_sh, unmet
from tests.lab.slurm import SlurmLab, why_not
from tests.lab.slurm_scene import Facts, SlurmScene

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("lab"), pytest.mark.timeout(240)]

WHY = "the test takes most of what there is"
"""Three hosts are all: each is more than its share."""


@pytest.fixture(scope="module")
def slurm() -> Iterator[SlurmLab]:
    """A real Slurm whose nodes are called as the lab's hosts are."""
    if reason := why_not():
        unmet(reason)
    with SlurmLab("h1", "h2") as slurm:
        yield slurm


@pytest_asyncio.fixture
async def scene(
    lab: Lab, slurm: SlurmLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[SlurmScene]:
    """A desk whose hosts are real: h1 and h2 with Slurm, h3 without."""
    for name, value in slurm.env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    bare = HostTarget("h3", ssh_config=str(lab.ssh_config))
    nodes = tuple(replace(bare, name=name, scheduler="slurm", controller="login1") for name in slurm.node_names)
    scene = SlurmScene(slurm, tmp_path, hosts=(*nodes, bare))
    dialer = Dialer()
    scene.ways = {host.name: SshTransport(host, dialer) for host in (*nodes, bare)}
    yield scene
    for way in scene.ways.values():
        await way.close()
    await dialer.close()
    for host in lab.hosts:
        await asyncio.to_thread(wait_for, host)
    await asyncio.to_thread(slurm.restore)


def wait_for(host: LabHost) -> None:
    """Wait until the host lets OpenSSH's own client in."""
    deadline = time.monotonic() + 60
    while True:
        try:
            host.ssh("true")
        except subprocess.CalledProcessError:
            assert time.monotonic() < deadline, f"{host.name} does not come back"
            time.sleep(0.2)
        else:
            return


def boot_id(host: LabHost) -> str:
    """By OpenSSH's own client."""
    return host.ssh("cat /proc/sys/kernel/random/boot_id")


async def test_a_host_is_rebooted_and_its_return_is_seen(lab: Lab, scene: SlurmScene) -> None:
    h3 = lab.hosts[2]
    before = boot_id(h3)
    began = h3.ssh("systemctl show -p UserspaceTimestampMonotonic")
    plan = await scene.desk.plan(ActionRequest(ActionName.REBOOT, "h3", reason="kernel"))
    assert plan.steps[0].argv == ("systemctl", "reboot")
    assert before in plan.verification

    running = asyncio.create_task(scene.desk.run(plan, "h3", WHY))
    told: list[str] = []
    while not running.done():
        told += [line for line in scene.desk.said(plan.plan_id) if line not in told]
        await asyncio.sleep(0.05)
    outcome = running.result()

    assert outcome.kind is OutcomeKind.VERIFIED, outcome
    assert outcome.summary.startswith("h3 is back after ")
    assert "another boot id" in outcome.summary
    assert any(line.startswith("waiting for h3 to come back") for line in told), told
    assert boot_id(h3) != before
    assert h3.ssh("systemctl show -p UserspaceTimestampMonotonic") != began
    assert verify(scene.audit) is None
    assert len([*scene.folder.rglob("h3-*.tar.gz")]) == 1


async def test_rebooted_meanwhile_by_somebody_else_it_is_not_rebooted_again(lab: Lab, scene: SlurmScene) -> None:
    h3 = lab.hosts[2]
    plan = await scene.desk.plan(ActionRequest(ActionName.REBOOT, "h3", reason="kernel"))
    before = boot_id(h3)
    h3.ssh("systemctl reboot")
    await asyncio.to_thread(wait_until_rebooted, h3, before)
    after = boot_id(h3)
    with pytest.raises(GuardRefused, match="was rebooted since the plan was made: another boot id"):
        await scene.desk.run(plan, "h3", WHY)
    assert boot_id(h3) == after


async def test_a_host_that_stays_away_is_not_called_rebooted(scene: SlurmScene) -> None:
    spec = replace(SHIPPED[ActionName.REBOOT], timeout_s=15.0)
    told: list[str] = []
    setting = Setting(
        request=complete(ActionRequest(ActionName.REBOOT, "h3", reason="kernel"), spec),
        spec=spec,
        target=scene.fleet.hosts[2],
        fleet=scene.fleet,
        facts=Facts(),
        user="anna",
        plan_id="p1",
        clock=time.time,
        sleep=asyncio.sleep,
        tell=told.append,
        reach_of=scene.desk.reach,
    )
    prepared = await PREPARE[ActionName.REBOOT](setting)
    lab_sh("off", "h3")
    try:
        verdict = await prepared.deed.verify()
        assert not verdict.is_so
        assert verdict.said.startswith("h3 is not back after 15 s: it does not answer (")
        assert told
    finally:
        lab_sh("on", "h3")


async def test_slurm_reboots_a_host_when_its_job_has_ended(lab: Lab, scene: SlurmScene) -> None:
    h1, slurm = lab.hosts[0], scene.slurm
    before = boot_id(h1)
    slurm.on_reboot(f"#!/bin/sh\nPATH=/usr/sbin:/usr/bin:/sbin:/bin exec {SCRIPT} ssh h1 systemctl reboot\n")
    slurm.submit("h1", seconds=8)
    plan = await scene.desk.plan(ActionRequest(ActionName.REBOOT, "h1", reason="kernel"))
    assert plan.steps[0].argv[:2] == ("scontrol", "reboot")
    assert len([line for line in plan.running_there if "goes on until it ends, then it is rebooted" in line]) == 1

    coming_back = asyncio.create_task(asyncio.to_thread(come_back, slurm, h1, before))
    outcome = await scene.desk.run(plan, "h1", WHY)
    await coming_back

    assert outcome.kind is OutcomeKind.VERIFIED, outcome
    assert "h1 is back after" in outcome.summary
    assert "h1 is IDLE: no job is there" in outcome.summary
    assert boot_id(h1) != before
    assert slurm.state_of("h1") == "idle"
    assert scene.drains.drained == ()


async def test_a_host_that_reboots_during_its_drain_is_drained_all_the_same(lab: Lab, scene: SlurmScene) -> None:
    h2, slurm = lab.hosts[1], scene.slurm
    before = boot_id(h2)
    job = slurm.submit("h2")
    plan = await scene.desk.plan(ActionRequest(ActionName.DRAIN, "h2", reason="Xid 79"))
    h2.ssh("systemctl reboot")  # from now on nobody can ask the host itself
    slurm.end_node("h2", with_steps=True)
    outcome = await scene.desk.run(plan, "h2", WHY)
    assert outcome.kind is OutcomeKind.VERIFIED, outcome
    await asyncio.to_thread(wait_until_rebooted, h2, before)
    slurm.start_node("h2", has_rebooted=True)

    await scene.drains.look_again()
    (drained,) = scene.drains.drained
    assert (drained.host, drained.is_empty) == ("h2", False)  # Slurm has not noticed yet that its job is gone
    slurm.command("scancel", job)
    shown = ("scontrol", "show", "node", "h2")
    await asyncio.to_thread(
        slurm.wait_for, lambda: "State=IDLE+DRAIN " in slurm.command(*shown), "h2 to be drained and back"
    )
    await scene.drains.look_again()
    assert scene.drains.drained[0].said == "h2 is IDLE+DRAIN: nothing runs there any more: now safe to reset"
    assert scene.reason_of("h2") == "anna: Xid 79"


async def test_a_drained_host_drains_on_after_its_reboot(lab: Lab, scene: SlurmScene) -> None:
    h1, slurm = lab.hosts[0], scene.slurm
    slurm.on_reboot(f"#!/bin/sh\nPATH=/usr/sbin:/usr/bin:/sbin:/bin exec {SCRIPT} ssh h1 systemctl reboot\n")
    assert (await scene.act(ActionName.DRAIN, "h1", "Xid 79", WHY)).kind is OutcomeKind.VERIFIED
    coming_back = asyncio.create_task(asyncio.to_thread(come_back, slurm, h1, boot_id(h1)))
    outcome = await scene.act(ActionName.REBOOT, "h1", "reset did not help", WHY)
    await coming_back
    assert outcome.kind is OutcomeKind.VERIFIED, outcome
    assert slurm.state_of("h1") == "drained"
    assert scene.reason_of("h1").startswith("anna: Xid 79")
    assert [drained.host for drained in scene.drains.drained] == ["h1"]
    assert (await scene.act(ActionName.UNDRAIN, "h1")).kind is OutcomeKind.VERIFIED
    assert scene.drains.drained == ()


def wait_until_rebooted(host: LabHost, before: str) -> None:
    """Wait until another boot of it lets OpenSSH's own client in."""
    deadline = time.monotonic() + 60
    while True:
        try:
            if boot_id(host) != before:
                return
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            pass
        assert time.monotonic() < deadline, f"{host.name} does not come back"
        time.sleep(0.2)


def come_back(slurm: SlurmLab, host: LabHost, before: str) -> None:
    """What boots with a host: once it is back, its slurmd tells slurmctld so."""
    wait_until_rebooted(host, before)
    slurm.end_node(host.name)
    slurm.start_node(host.name, has_rebooted=True)
