"""The program is killed in the middle of a drain on a real Slurm: the next session knows what was begun, and asks."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from leptontui.actions.audit_reading import verify
from leptontui.actions.unfinished import BrokenOff
from leptontui.model.action import ActionName
from leptontui.transport.contract import Completed
from leptontui.transport.local import LocalTransport
from tests.lab.slurm import SlurmLab
from tests.lab.slurm_scene import SlurmScene

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("slurm")]


class DeadlyTransport(LocalTransport):
    """This machine; the program is killed just before or just after it changes something."""

    def __init__(self, when: str) -> None:
        super().__init__()
        self.when = when

    async def run(self, argv: Sequence[str], **how: Any) -> Completed:
        if "update" in argv and self.when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        done = await super().run(argv, **how)
        if "update" in argv:
            os.kill(os.getpid(), signal.SIGKILL)
        return done


def drain_and_die(folder: str, when: str) -> None:
    """What the killed program does."""
    scene = SlurmScene(SimpleNamespace(node_names=("gpu0", "gpu1")), Path(folder))  # type: ignore[arg-type]
    scene.transport = DeadlyTransport(when)
    asyncio.run(scene.act(ActionName.DRAIN, "gpu1", "Xid 79"))


def be_killed(folder: Path, when: str) -> None:
    """Run it in a process of its own, until it is killed."""
    code = f"from tests.lab.test_lab_slurm_killed import drain_and_die; drain_and_die({str(folder)!r}, {when!r})"
    root = Path(__file__).parent.parent.parent
    killed = subprocess.run([sys.executable, "-c", code], cwd=root, check=False, capture_output=True, timeout=60)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()


@pytest.fixture
def environment(slurm: SlurmLab, monkeypatch: pytest.MonkeyPatch) -> Iterator[SlurmLab]:
    for name, value in slurm.env.items():
        monkeypatch.setenv(name, value)
    yield slurm
    slurm.restore()


@pytest.mark.parametrize("when", ["before", "after"])
async def test_killed_in_the_middle_of_a_drain(environment: SlurmLab, tmp_path: Path, when: str) -> None:
    await asyncio.to_thread(be_killed, tmp_path, when)
    scene = SlurmScene(environment, tmp_path)
    assert [json.loads(line)["event"] for line in scene.audit.read_text().splitlines()] == ["begun"]
    await scene.drains.look_again()
    broken_off = BrokenOff(scene.desk)
    await broken_off.look_again()
    (unfinished,) = broken_off.unfinished
    assert unfinished.is_settled
    if when == "before":
        assert environment.state_of("gpu1") == "idle"
        assert scene.drains.drained == ()
        assert "gpu1 is IDLE" in unfinished.said
    else:
        assert environment.state_of("gpu1") == "drained"
        assert [(one.host, one.reason, one.is_empty) for one in scene.drains.drained] == [
            ("gpu1", "anna: Xid 79", True)
        ]
        assert "now safe to reset" in unfinished.said
        assert (await scene.act(ActionName.UNDRAIN, "gpu1")).kind == "verified"
        assert scene.drains.drained == ()
    assert verify(scene.audit) is None
