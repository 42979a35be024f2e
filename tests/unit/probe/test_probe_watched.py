"""Services, scripts, AMD GPUs and jobs as a launched probe tells them, and nothing left behind when it ends."""

import os
import subprocess

import pytest

from tests.unit.probe.test_probe_amd import KFD_MI300X, MI300X, Machine
from tests.unit.probe.test_probe_scripts import is_running, pids_in, wait_until
from tests.unit.probe.test_probe_services import Server, serving

SECRET = "Zx9Qm4TvLw82PsKd"


@pytest.fixture
def server():
    with serving(Server()) as server:
        yield server


def test_services_and_scripts_of_the_inventory(launch, server, tmp_path):
    specs = [
        {"name": "vllm", "health": server.url("health"), "metrics": server.url("metrics"), "timeout_s": 25.0},
        {"name": "sick", "health": server.url("missing"), "timeout_s": 25.0},
    ]
    path = tmp_path / "script"
    path.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/pids\nsleep 1000\n")
    path.chmod(0o755)
    scripts = [
        {"name": "site", "command": ["sh", "-c", "echo queue 3 jobs"], "interval_s": 60.0, "timeout_s": 25.0},
        {"name": "hangs", "command": [str(path)], "interval_s": 60.0, "timeout_s": 600.0},
        {"name": "lost", "command": ["no-such-command-anywhere"], "interval_s": 60.0, "timeout_s": 25.0},
    ]
    probe = launch(services=specs, scripts=scripts)
    sweep = probe.sweep(lambda sweep: len(sweep.samples) == 2 and len(sweep.services) == 2)
    assert {row.service: (row.is_healthy, row.status) for row in sweep.services} == {
        "vllm": (True, 200),
        "sick": (False, 404),
    }
    assert {(row.source, row.series, row.value) for row in sweep.samples} == {
        ("vllm", "vllm:num_requests_waiting", 7.0),
        ("site", "queue", 3.0),
    }
    pids = pids_in(tmp_path / "pids")
    assert probe.end() == 0
    wait_until(lambda: not any(is_running(pid) for pid in pids))


def test_a_script_that_fails_is_among_what_cannot_be_read(launch):
    probe = launch(scripts=[{"name": "lost", "command": ["no-such-command-anywhere"], "timeout_s": 25.0}])
    hello = probe.until(lambda message: any(gap.what == "script lost" for gap in getattr(message, "unavailable", ())))
    assert next(gap.why for gap in hello.unavailable if gap.what == "script lost").endswith("is not on this host")


def test_an_amd_gpu_and_the_job_that_uses_it(launch, tmp_path):
    machine = Machine(tmp_path)
    machine.add("card0", "0000:00:01.1/0000:05:00.0", MI300X)
    machine.write("sys/class/kfd/kfd/topology/nodes/1/gpu_id", "28851\n")
    machine.write("sys/class/kfd/kfd/topology/nodes/1/properties", KFD_MI300X)
    variables = {"SLURM_JOB_ID": "8812", "SLURM_STEP_ID": "0", "SLURM_ARRAY_JOB_ID": "8800", "SLURM_ARRAY_TASK_ID": "3"}
    command = ["sh", "-c", "read line; exit", "train", f"--api-key={SECRET}"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, env={**os.environ, **variables}) as user:
        machine.write(f"sys/class/kfd/kfd/proc/{user.pid}/vram_28851", "150323855360\n")
        probe = launch(sys=machine.sys)
        hello = probe.hello()
        assert [(gpu.uuid, gpu.vendor) for gpu in hello.gpus] == [("AMD-c8f1a3b2d4e59607", "amd")]
        (details,) = probe.sweep(lambda sweep: bool(sweep.gpu_details)).gpu_details
        assert details.ecc_dram_corrected == 12
        sweep = probe.sweep(lambda sweep: bool(sweep.gpus and sweep.processes and sweep.processes[0].command))
        assert sweep.gpus[0].util_pct == 97.0
        (row,) = sweep.processes
        assert (row.pid, row.memory_used_bytes) == (user.pid, 150323855360)
        assert (row.job, row.step) == ("8800_3", "0")
        assert SECRET not in row.command
        assert row.command.endswith("--api-key=***")
        machine.remove("card0")
        assert probe.event("gpu-lost").gpu_uuid == "AMD-c8f1a3b2d4e59607"
