"""A runbook against a real Slurm: drain under a job, wait for its end over a restart of the program, give it back."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from leptontui.actions.conditions import Question, is_so
from leptontui.actions.reach import Verdict
from leptontui.actions.runbook_file import RunbookFiles
from leptontui.actions.runbook_run import Means
from leptontui.actions.runbooks import Runbooks
from leptontui.config.runbooks import load_runbooks
from leptontui.errors import ActionError
from leptontui.model.activity import RunbookRun, RunbookState
from tests.lab.slurm import SlurmLab
from tests.lab.slurm_scene import Facts, SlurmScene

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("slurm")]

TEXT = """\
[[runbook]]
name = "look-after"
meaning = "Drain it, wait until it is empty, give it back."
[[runbook.step]]
action = "drain"
reason = "looked after"
[[runbook.step]]
wait = "drained-and-empty"
limit_s = 120
[[runbook.step]]
check = "drained"
[[runbook.step]]
action = "undrain"
[[runbook.step]]
wait = "in-service"
limit_s = 60
"""


@pytest.fixture
def scene(slurm: SlurmLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SlurmScene]:
    for name, value in slurm.env.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "mine.toml").write_text(TEXT)
    yield SlurmScene(slurm, tmp_path)
    slurm.restore()


def session(scene: SlurmScene) -> Runbooks:
    """The runbooks of a program that is started now; it asks Slurm five times a second."""

    async def ask(condition: str, host: str, unit: str) -> Verdict:
        target = scene.fleet.host(host)
        if target is None:
            raise ActionError(f"{host} is gone")
        return await is_so(condition, Question(target, unit, scene.fleet, Facts(), scene.desk.reach))

    async def sleep(_: float) -> None:
        await asyncio.sleep(0.2)

    means = Means(scene.desk, ask, RunbookFiles(scene.folder / "runbooks"), time.time, sleep, lambda: None)
    specs = {spec.name: spec for spec in scene.desk.specs}
    return Runbooks(
        means,
        shelf=lambda: load_runbooks(specs, [scene.folder / "mine.toml"], is_alone=True),
        knows=lambda host: scene.fleet.host(host) is not None,
        user=scene.user,
    )


async def step(runbooks: Runbooks, run_id: str) -> None:
    plan = await runbooks.plan_step(run_id)
    await runbooks.run_step(run_id, plan, plan.confirmation if plan else "")


async def until(runbooks: Runbooks, said: str = "", state: RunbookState | None = None) -> RunbookRun:
    async with asyncio.timeout(60):
        while True:
            run = runbooks.shown[0]
            if run.state is state or (said and said in run.steps[run.at].said):
                return run
            await asyncio.sleep(0.05)


async def test_a_runbook_waits_for_a_job_over_a_restart_and_gives_the_node_back(scene: SlurmScene) -> None:
    job = scene.slurm.submit("gpu1")
    first = session(scene)
    run_id = await first.start("look-after", "gpu1", [])
    await step(first, run_id)
    assert first.shown[0].steps[0].state.value == "verified", first.shown[0].steps[0].said
    assert scene.reason_of("gpu1") == "anna: looked after"
    await step(first, run_id)
    await until(first, said="(1 job")
    await first.close()

    second = session(scene)
    await second.look_again()
    assert (second.shown[0].state, second.shown[0].at) == (RunbookState.READY, 1)
    await step(second, run_id)
    await until(second, said="(1 job")
    scene.slurm.command("scancel", job)
    run = await until(second, state=RunbookState.READY)
    assert "now safe to reset" in run.steps[1].said
    for _ in range(2):
        await step(second, run_id)
    await step(second, run_id)
    run = await until(second, state=RunbookState.ENDED)
    assert [one.state.value for one in run.steps] == ["verified"] * 5
    assert scene.slurm.state_of("gpu1") == "idle"
    assert scene.drains.drained == ()
