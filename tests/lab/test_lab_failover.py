"""Fail over of a service between real hosts: started and seen to stay up on one, only then stopped on the other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from leptontui.actions.audit import Audit
from leptontui.actions.desk import Desk
from leptontui.errors import GuardRefused
from leptontui.model.action import ActionName, ActionRequest, Outcome, OutcomeKind
from leptontui.model.target import Fleet, HostTarget
from leptontui.transport.dialer import Dialer
from leptontui.transport.ssh import SshTransport
from tests.lab.conftest import UNIT, Lab, LabHost
from tests.lab.slurm_scene import Facts

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("lab"), pytest.mark.timeout(180)]

DROP_IN = "/etc/systemd/system/lepton-lab.service.d/dies.conf"
WHY = "the test takes one of three hosts"


@pytest_asyncio.fixture
async def desk(lab: Lab, tmp_path: Path) -> AsyncIterator[Desk]:
    """A desk before h1, whose unit runs, and h2, whose unit does not."""
    hosts = tuple(HostTarget(host.name, ssh_config=str(lab.ssh_config), units=(UNIT,)) for host in lab.hosts)
    dialer = Dialer()
    ways = {host.name: SshTransport(host, dialer) for host in hosts}
    desk = Desk(
        Fleet("lab", hosts),
        transport_of=lambda target: ways[target.name],
        facts=Facts(),
        audit=Audit(tmp_path / "audit.jsonl"),
        user="anna",
    )
    desk.arm()
    lab.hosts[1].ssh(f"systemctl stop {UNIT}")
    yield desk
    for way in ways.values():
        await way.close()
    await dialer.close()
    for host in lab.hosts:
        host.ssh(f"rm -f {DROP_IN}; systemctl daemon-reload; systemctl reset-failed; systemctl start {UNIT}")


def state_of(host: LabHost) -> str:
    """By the host's own eyes."""
    return host.ssh(f"systemctl is-active {UNIT} || true")


async def fail_over(desk: Desk) -> Outcome:
    """From h1 to h2."""
    params = (("standby", "h2"), ("unit", UNIT))
    plan = await desk.plan(ActionRequest(ActionName.FAIL_OVER, "h1", reason="fan", params=params))
    assert [(step.host, step.argv) for step in plan.steps] == [
        ("h2", ("systemctl", "start", UNIT)),
        ("h1", ("systemctl", "stop", UNIT)),
    ]
    return await desk.run(plan, "h1", WHY)


async def test_a_service_changes_hosts(desk: Desk, lab: Lab) -> None:
    outcome = await fail_over(desk)
    assert outcome.kind is OutcomeKind.VERIFIED, outcome
    assert [state_of(host) for host in lab.hosts[:2]] == ["inactive", "active"]


async def test_a_service_that_dies_on_the_standby_is_taken_back_and_the_host_serves_on(desk: Desk, lab: Lab) -> None:
    began = lab.hosts[0].ssh(f"systemctl show -p InvocationID {UNIT}")
    lab.hosts[1].ssh(
        f"mkdir -p $(dirname {DROP_IN}); "
        f"printf '[Service]\\nExecStart=\\nExecStart=/bin/sh -c \"sleep 2; exit 1\"\\n' >{DROP_IN}; "
        "systemctl daemon-reload"
    )
    outcome = await fail_over(desk)
    assert outcome.kind is OutcomeKind.FAILED, outcome
    assert "so the host stays in service" in outcome.summary
    assert state_of(lab.hosts[1]) in {"inactive", "failed"}
    assert lab.hosts[0].ssh(f"systemctl show -p InvocationID {UNIT}") == began


async def test_a_standby_that_cannot_be_reached_meanwhile_costs_nothing(desk: Desk, lab: Lab) -> None:
    params = (("standby", "h2"), ("unit", UNIT))
    plan = await desk.plan(ActionRequest(ActionName.FAIL_OVER, "h1", reason="fan", params=params))
    lab.hosts[1].cut()
    try:
        with pytest.raises(GuardRefused, match="could not be asked for again"):
            await desk.run(plan, "h1", WHY)
        assert state_of(lab.hosts[0]) == "active"
    finally:
        lab.hosts[1].mend()
