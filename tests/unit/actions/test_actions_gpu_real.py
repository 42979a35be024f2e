"""GPU actions on this machine: real processes and /proc, and a script in the place of nvidia-smi, for there is no GPU.

What the script prints is what drivers print; what the driver would do is not shown here.
"""

import asyncio
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from leptontui.actions.evidence import capture
from leptontui.actions.gpu_kill import alive, prepare_gpu_kill
from leptontui.actions.gpu_settings import prepare_gpu_persistence
from leptontui.actions.reach import Prepared, Reach
from leptontui.actions.runner import Record, carry_out
from leptontui.actions.setting import Setting
from leptontui.model.action import ActionName, ActionRequest, Outcome, OutcomeKind
from leptontui.model.target import HostTarget
from leptontui.transport.local import LocalTransport
from tests.unit.actions.setting_scene import T0, setting_of

UUID = "GPU-00000000-aaaa-bbbb-cccc-dddddddddddd"
STAND_IN = """#!/bin/sh
state={state}
case "$*" in
  *--query-gpu=index*) mode=Disabled; [ -e "$state/pm" ] && mode=Enabled
    echo "0, {uuid}, 00000000:07:00.0, NVIDIA H100 80GB HBM3, $mode, 34, 4, 0, 345, 1980";;
  *--query-compute-apps=pid*) cat "$state/apps" 2>/dev/null;;
  "-pm 1") : >"$state/pm"; echo "All done.";;
  *) echo "nvidia-smi $*";;
esac
"""


@pytest.fixture
def smi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for the state of a stand-in that is found before any other nvidia-smi."""
    script = tmp_path / "bin" / "nvidia-smi"
    script.parent.mkdir()
    script.write_text(STAND_IN.format(state=shlex.quote(str(tmp_path)), uuid=UUID))
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{script.parent}:{os.environ['PATH']}")
    return tmp_path


@pytest.fixture
def worker(smi: Path, request: pytest.FixtureRequest) -> Iterator[subprocess.Popen[str]]:
    """A process that the stand-in says computes; with the mark "stubborn" it minds no TERM."""
    ignore = "signal.signal(15, signal.SIG_IGN);" if getattr(request, "param", "") == "stubborn" else ""
    program = f"import signal,sys,time;{ignore}print('ready',flush=True);time.sleep(600)"
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()
    (smi / "apps").write_text(f"{process.pid}, {UUID}, python train.py, 71234\n")
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def here(action: ActionName, **params: str) -> Setting:
    """The setting of an action on this machine, with its own clock and patience."""
    request = ActionRequest(action, "here", params=tuple(sorted(params.items())))
    setting = setting_of(request, {}, target=HostTarget("here", is_local=True))

    async def reach_of(target: HostTarget) -> Reach:
        return Reach.of(target, LocalTransport())

    return replace(setting, reach_of=reach_of, sleep=asyncio.sleep)


async def run(prepared: Prepared) -> Outcome:
    assert await prepared.deed.check_again() is None
    return await carry_out(prepared, Record(), lambda: T0)


async def test_a_real_process_ends_by_term(worker: subprocess.Popen[str]) -> None:
    prepared = await prepare_gpu_kill(here(ActionName.GPU_KILL, pid=str(worker.pid)))
    assert any("71,234 MiB" in line for line in prepared.plan.running_there)
    assert str(worker.pid) in prepared.plan.running_there[0]
    outcome = await run(prepared)
    assert outcome.kind is OutcomeKind.VERIFIED
    assert worker.wait() == -15


@pytest.mark.parametrize("worker", ["stubborn"], indirect=True)
async def test_a_real_process_that_minds_no_term_is_killed(worker: subprocess.Popen[str]) -> None:
    prepared = await prepare_gpu_kill(here(ActionName.GPU_KILL, pid=str(worker.pid), grace="1"))
    outcome = await run(prepared)
    assert outcome.kind is OutcomeKind.VERIFIED
    assert worker.wait() == -9


async def test_a_real_process_that_has_ended_is_found(worker: subprocess.Popen[str]) -> None:
    prepared = await prepare_gpu_kill(here(ActionName.GPU_KILL, pid=str(worker.pid)))
    worker.kill()
    worker.wait()
    objection = await prepared.deed.check_again()
    assert objection is not None
    assert objection.rule == "changed-since"


async def test_this_very_process_is_told_by_its_start() -> None:
    reach = Reach.of(HostTarget("here", is_local=True), LocalTransport())
    found, again = await alive(reach, os.getpid()), await alive(reach, os.getpid())
    assert found is not None
    assert again is not None
    assert found.is_same(again)
    assert found.parent == os.getppid()


async def test_persistence_goes_through_the_script(smi: Path) -> None:
    prepared = await prepare_gpu_persistence(here(ActionName.GPU_PERSISTENCE, mode="on"))
    outcome = await run(prepared)
    assert (outcome.kind, outcome.summary) == (OutcomeKind.VERIFIED, "persistence is on on all 1 GPUs")


async def test_evidence_of_this_machine(smi: Path) -> None:
    evidence = await capture(here(ActionName.EVIDENCE), smi / "evidence")
    assert {"nvidia-smi -q", "ECC", "serials", "topology", "host", "boot and load", "memory"} <= set(evidence.parts)
    assert evidence.path.is_file()
