"""Several users and limits in front of a real Slurm: one at a time on a host, and no more nodes out than allowed."""

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from leptontui.errors import GuardRefused
from leptontui.model.action import ActionName, ActionRequest, OutcomeKind
from leptontui.model.policy import Blast, JobShield, Limit, Policies, Policy
from leptontui.transport.contract import Completed
from leptontui.transport.local import LocalTransport
from tests.lab.slurm import SlurmLab
from tests.lab.slurm_scene import SlurmScene

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("slurm")]


class SlowTransport(LocalTransport):
    """This machine; whatever changes something waits until the test lets it go on."""

    def __init__(self) -> None:
        super().__init__()
        self.is_at_it = asyncio.Event()
        self.may_go_on = asyncio.Event()

    async def run(self, argv: Sequence[str], **how: Any) -> Completed:
        if "update" in argv:
            self.is_at_it.set()
            await self.may_go_on.wait()
        return await super().run(argv, **how)


@pytest.fixture
def environment(slurm: SlurmLab, monkeypatch: pytest.MonkeyPatch) -> Iterator[SlurmLab]:
    for name, value in slurm.env.items():
        monkeypatch.setenv(name, value)
    yield slurm
    slurm.restore()


async def test_two_users_at_once(environment: SlurmLab, tmp_path: Path) -> None:
    anna, bea = SlurmScene(environment, tmp_path), SlurmScene(environment, tmp_path, user="bea")
    anna.transport = slow = SlowTransport()
    drain = await anna.desk.plan(ActionRequest(ActionName.DRAIN, "gpu1", reason="Xid 79"))
    hers = await bea.desk.plan(ActionRequest(ActionName.DRAIN, "gpu1", reason="fan"))
    running = asyncio.create_task(anna.desk.run(drain, "gpu1"))
    await slow.is_at_it.wait()
    with pytest.raises(GuardRefused, match="gpu1") as refused:
        await bea.desk.run(hers, "gpu1")
    assert refused.value.rule == "busy"
    other = await bea.act(ActionName.DRAIN, "gpu0", "fan", "the other node is somebody else's affair")
    assert other.kind is OutcomeKind.VERIFIED, other
    slow.may_go_on.set()
    assert (await running).kind is OutcomeKind.VERIFIED
    assert anna.reason_of("gpu1") == "anna: Xid 79"
    assert [drained.host for drained in bea.drains.drained] == ["gpu0"]


async def test_no_more_nodes_than_allowed(environment: SlurmLab, tmp_path: Path) -> None:
    blast = Blast(partition=Limit(count=1, set_in="policy.toml:3"), may_be_overridden=False)
    scene = SlurmScene(environment, tmp_path, policies=lambda: Policies((Policy("policy.toml", blast=blast),)))
    environment.command("scontrol", "update", "nodename=gpu0", "state=DRAIN", "reason=bob: riser swap")
    plan = await scene.desk.plan(ActionRequest(ActionName.DRAIN, "gpu1", reason="Xid 79"))
    (standing,) = (found for found in plan.standing if found.rule == "blast-partition")
    assert (standing.set_in, standing.may_be_overridden) == ("policy.toml:3", False)
    assert any(line.startswith("out already: gpu0 (bob: riser swap; set by root ") for line in plan.after_this)
    with pytest.raises(GuardRefused, match="train") as refused:
        await scene.desk.run(plan, "gpu1", "I really need to")
    assert refused.value.rule == "blast-partition"
    assert scene.slurm.state_of("gpu1") == "idle"


async def test_a_protected_job_is_not_rebooted_away(environment: SlurmLab, tmp_path: Path) -> None:
    shield = JobShield(names=("prod-*",), set_in="policy.toml:9")
    scene = SlurmScene(environment, tmp_path, policies=lambda: Policies((Policy("policy.toml", shields=(shield,)),)))
    environment.submit("gpu1", name="prod-llm")
    at_once = await scene.desk.plan(ActionRequest(ActionName.REBOOT, "gpu1", reason="fan", params=(("how", "now"),)))
    assert any(found.rule == "protected-job" for found in at_once.standing)
    when_empty = await scene.desk.plan(ActionRequest(ActionName.REBOOT, "gpu1", reason="fan"))
    assert not any(found.rule == "protected-job" for found in when_empty.standing)
