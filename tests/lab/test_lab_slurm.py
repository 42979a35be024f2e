"""Drain and undrain against a real Slurm: what the desk plans, runs and writes down, seen with Slurm's own eyes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from leptontui.actions.audit import verify
from leptontui.errors import ActionError, GuardRefused, NotConfirmed
from leptontui.model.action import ActionName, ActionRequest, Danger, OutcomeKind
from leptontui.model.target import HostTarget
from tests.lab.slurm import SlurmLab
from tests.lab.slurm_scene import NobodyTransport, SlurmScene

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("slurm")]

NAMES = ("gpu0", "gpu1", "gpu1.cluster.example", "nope")


@pytest.fixture
def scene(slurm: SlurmLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SlurmScene]:
    for name, value in slurm.env.items():
        monkeypatch.setenv(name, value)
    hosts = tuple(HostTarget(name, scheduler="slurm", controller="login1") for name in NAMES)
    yield SlurmScene(slurm, tmp_path, hosts=hosts)
    slurm.restore()


async def test_a_node_with_a_job_is_drained_and_put_back(scene: SlurmScene) -> None:
    job = scene.slurm.submit("gpu0", name="train-llm")
    plan = await scene.desk.plan(ActionRequest(ActionName.DRAIN, "gpu0", reason="Xid 79, GPU 3 off the bus"))

    assert plan.steps[0].argv == (
        "scontrol", "update", "nodename=gpu0", "state=DRAIN", "reason=anna: Xid 79, GPU 3 off the bus",
    )  # fmt: skip
    assert plan.danger is Danger.DESTRUCTIVE
    assert plan.confirmation == "gpu0"
    assert len(plan.running_there) == 1
    assert plan.running_there[0].startswith(f"job {job} train-llm (root, 1 node, 0:")
    assert "1 of 2 nodes left in train" in plan.after_this
    assert "0 of 1 nodes left in infer" in plan.after_this
    assert "only 0 of 1 nodes are left in infer" in plan.warnings

    outcome = await scene.desk.run(plan, "gpu0")

    assert outcome.kind is OutcomeKind.VERIFIED
    assert "the jobs there go on until they end" in outcome.summary
    assert scene.slurm.state_of("gpu0") == "draining"
    assert scene.reason_of("gpu0") == "anna: Xid 79, GPU 3 off the bus"
    assert scene.slurm.command("squeue", "-h", "-j", job, "-o", "%T").strip() == "RUNNING"

    back = await scene.desk.plan(ActionRequest(ActionName.UNDRAIN, "gpu0"))
    assert (back.danger, back.confirmation) == (Danger.DISRUPTIVE, "")
    assert (await scene.desk.run(back, "")).kind is OutcomeKind.VERIFIED
    assert not scene.slurm.state_of("gpu0").startswith("drain")

    events = [line.split('"event":"')[1].split('"')[0] for line in scene.audit.read_text().splitlines()]
    assert events == ["begun", "ended", "begun", "ended"]
    assert verify(scene.audit) is None
    assert set(scene.asked) == {"login1"}


async def test_an_idle_node_is_drained_at_once(scene: SlurmScene) -> None:
    plan = await scene.desk.plan(ActionRequest(ActionName.DRAIN, "gpu1", reason="fan"))
    outcome = await scene.desk.run(plan, "gpu1")
    assert outcome.kind is OutcomeKind.VERIFIED
    assert "nothing runs there any more" in outcome.summary
    assert scene.slurm.state_of("gpu1") == "drained"


@pytest.mark.parametrize(
    "why",
    [
        "it's \"dead\" 'jim'",
        '"quoted"',
        "$(reboot) `reboot` ; reboot & | > /dev/null",
        "State=IDLE Reason=none [bob@now]",
        "two\nlines\x1b[2J",
        "back\\slash \\n % @ # * gpu[0-1] äöü → ✓",
        "--help",
        "x" * 500,
    ],
)
async def test_any_reason_arrives_in_one_piece(scene: SlurmScene, why: str) -> None:
    plan = await scene.desk.plan(ActionRequest(ActionName.DRAIN, "gpu1", reason=why))
    outcome = await scene.desk.run(plan, "gpu1")
    assert outcome.kind is OutcomeKind.VERIFIED, outcome.summary
    assert f"reason={scene.reason_of('gpu1')}" == plan.steps[0].argv[-1]
    assert scene.slurm.state_of("gpu0") == "idle"


async def test_somebody_elses_drain_is_left_alone(scene: SlurmScene) -> None:
    scene.slurm.command("scontrol", "update", "nodename=gpu1", "state=DRAIN", "reason=bob: riser swap")
    with pytest.raises(GuardRefused, match="bob: riser swap") as refused:
        await scene.desk.plan(ActionRequest(ActionName.DRAIN, "gpu1", reason="Xid 79"))
    assert refused.value.rule == "already-drained"
    assert scene.reason_of("gpu1") == "bob: riser swap"


async def test_somebody_elses_drain_between_plan_and_run_is_left_alone(scene: SlurmScene) -> None:
    plan = await scene.desk.plan(ActionRequest(ActionName.DRAIN, "gpu1", reason="Xid 79"))
    scene.slurm.command("scontrol", "update", "nodename=gpu1", "state=DRAIN", "reason=bob: riser swap")
    with pytest.raises(GuardRefused, match="bob: riser swap"):
        await scene.desk.run(plan, "gpu1")
    assert scene.reason_of("gpu1") == "bob: riser swap"
    assert '"event":"refused"' in scene.audit.read_text()
    assert '"event":"begun"' not in scene.audit.read_text()


async def test_a_node_that_somebody_took_down_for_a_reason_is_left_alone(scene: SlurmScene) -> None:
    scene.slurm.command("scontrol", "update", "nodename=gpu1", "state=DOWN", "reason=bob: smells burnt")
    with pytest.raises(GuardRefused, match="smells burnt"):
        await scene.desk.plan(ActionRequest(ActionName.DRAIN, "gpu1", reason="Xid 79"))


async def test_a_node_that_fell_over_is_drained_and_slurms_own_reason_kept(scene: SlurmScene) -> None:
    scene.slurm.command("scontrol", "update", "nodename=gpu1", "state=DOWN", "reason=Not responding")
    plan = await scene.desk.plan(ActionRequest(ActionName.DRAIN, "gpu1", reason="Xid 79"))
    assert (await scene.desk.run(plan, "gpu1")).kind is OutcomeKind.VERIFIED
    assert scene.reason_of("gpu1") == "anna: Xid 79 (was: Not responding)"
    assert scene.slurm.command("scontrol", "show", "node", "gpu1").count("State=DOWN+DRAIN") == 1


async def test_undraining_somebody_elses_node_needs_its_name(scene: SlurmScene) -> None:
    scene.slurm.command("scontrol", "update", "nodename=gpu1", "state=DRAIN", "reason=bob: riser swap")
    plan = await scene.desk.plan(ActionRequest(ActionName.UNDRAIN, "gpu1"))
    assert (plan.danger, plan.confirmation) == (Danger.DESTRUCTIVE, "gpu1")
    assert any("somebody else drained it: bob: riser swap [root " in line for line in plan.warnings)
    with pytest.raises(NotConfirmed):
        await scene.desk.run(plan, "")
    assert scene.slurm.state_of("gpu1") == "drained"
    assert (await scene.desk.run(plan, "gpu1")).kind is OutcomeKind.VERIFIED
    assert scene.reason_of("gpu1") == ""


async def test_a_node_in_service_is_not_put_back(scene: SlurmScene) -> None:
    with pytest.raises(GuardRefused, match="not drained"):
        await scene.desk.plan(ActionRequest(ActionName.UNDRAIN, "gpu1"))


async def test_a_long_host_name_is_found_by_its_first_label(scene: SlurmScene) -> None:
    plan = await scene.desk.plan(ActionRequest(ActionName.DRAIN, "gpu1.cluster.example", reason="fan"))
    assert plan.steps[0].argv[2] == "nodename=gpu1"
    assert plan.confirmation == "gpu1.cluster.example"
    assert any("Slurm calls it gpu1" in line for line in plan.warnings)


async def test_a_host_that_slurm_does_not_know_cannot_be_drained(scene: SlurmScene) -> None:
    with pytest.raises(ActionError, match="knows no node nope"):
        await scene.desk.plan(ActionRequest(ActionName.DRAIN, "nope", reason="fan"))


async def test_who_may_not_drain_is_told_so(scene: SlurmScene) -> None:
    scene.transport = NobodyTransport()
    plan = await scene.desk.plan(ActionRequest(ActionName.DRAIN, "gpu1", reason="fan"))
    assert any(line.startswith("Slurm is likely to refuse it: nobody is no operator") for line in plan.warnings)
    outcome = await scene.desk.run(plan, "gpu1")
    assert outcome.kind is OutcomeKind.FAILED
    assert "Slurm lets only its operators and administrators do this" in outcome.summary
    assert scene.slurm.state_of("gpu1") == "idle"
    assert verify(scene.audit) is None
