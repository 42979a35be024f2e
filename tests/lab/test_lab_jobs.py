"""GPU processes of a real Slurm job, attributed by the probe to the job and its step."""

import os
import subprocess
import threading
import time
from pathlib import Path

import pytest

from leptontui import wire
from leptontui.model.target import HostTarget
from leptontui.sources.bundle import launch_argv, launch_stdin
from tests.lab.slurm import SlurmLab
from tests.nvml.fake_nvml import build, environment, write_readings

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("slurm"), pytest.mark.timeout(120)]


def pid_of(job: str, name: str) -> int:
    """The process called `name` that runs in a Slurm job, by what Slurm put into its environment."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                variables = (entry / "environ").read_bytes().split(b"\0")
                if b"SLURM_JOB_ID=" + job.encode() in variables and (entry / "comm").read_text().strip() == name:
                    return int(entry.name)
            except OSError:
                continue
        time.sleep(0.1)
    pytest.fail(f"no process {name} in job {job}")


def processes_said(readings: Path, library: Path) -> tuple[wire.GpuProcess, ...]:
    """What a probe of this machine says of the processes on its GPUs, as soon as it says anything of them."""
    probe = subprocess.Popen(
        launch_argv(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, **environment(library, readings)},
    )
    assert probe.stdin is not None
    assert probe.stdout is not None
    with probe:
        limit = threading.Timer(30, probe.kill)
        limit.start()
        try:
            probe.stdin.write(launch_stdin(target=HostTarget("here"), interval_s=0.5, phase=0.0))
            probe.stdin.flush()
            for line in probe.stdout:
                message = wire.decode(line.rstrip())
                if isinstance(message, wire.Sweep) and any(process.job for process in message.processes):
                    return message.processes
        finally:
            limit.cancel()
            probe.kill()
    pytest.fail("the probe said nothing of the job")


def test_a_process_of_a_job_is_told_with_job_step_and_user(slurm: SlurmLab, tmp_path: Path) -> None:
    job = slurm.command(
        "sbatch", "--parsable", "-w", "gpu0", "-J", "llm", "-o", "/dev/null", "-D", "/", "--wrap=srun -n1 sleep 7777"
    ).strip()
    outside = subprocess.Popen(["sleep", "7777"])
    try:
        inside = pid_of(job, "sleep")
        readings = tmp_path / "readings"
        write_readings(readings, {"count": 1, "gpu0.process": [f"{inside} 1024", f"{outside.pid} 2048"]})
        said = {process.pid: process for process in processes_said(readings, build(tmp_path))}
    finally:
        outside.kill()
        outside.wait()
        slurm.cancel_all()
    of_job, foreign = said[inside], said[outside.pid]
    assert (of_job.job, of_job.step, of_job.user, of_job.memory_used_bytes) == (job, "0", "root", 1024)
    assert of_job.command is not None
    assert of_job.command.endswith("sleep 7777")
    assert (foreign.job, foreign.step, foreign.memory_used_bytes) == (None, None, 2048)
