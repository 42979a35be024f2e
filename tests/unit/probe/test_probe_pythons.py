"""The readers of jobs, services, scripts and AMD GPUs under every Python that a host may have and this machine has."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from leptontui import probe
from tests.unit.probe.test_probe_amd import MI300X, Machine
from tests.unit.probe.test_probe_jobs import V1_SLURM, stat
from tests.unit.probe.test_probe_services import PAGE, Server, serving

VERSIONS = [f"3.{minor}" for minor in range(6, 15)]
PROGRAM = """
import json, sys
sys.path.insert(0, sys.argv[1])
from lepton_probe import amd, processes, scripts, services

sys_, proc, url = sys.argv[2:5]
waits = 30.0
found = {}
spec = {"name": "vllm", "health": url + "health", "metrics": url + "chunked", "timeout_s": 25.0}
asked = services.ServiceReader([spec])
asked.read(0.0)
asked.join(waits)
found["services"], found["samples"] = asked.read(0.0)
command = ["sh", "-c", "sleep 1000 & echo queue 3 jobs"]
run = scripts.ScriptReader([{"name": "site", "command": command, "timeout_s": 25.0}])
run.read(0.0)
run.join(waits)
found["samples"] += run.read(0.0)
found["gaps"] = run.gaps
run.close()
gpus = amd.AmdGpus(sys_, proc)
for _ in range(2):
    found["gpus"], details, uses = gpus.read(0.0)
    found["details"] = details or found["details"]
    for patrol in (gpus._patrol, gpus._uses_patrol):
        patrol.join(waits)
found["identities"] = gpus.identities
reader = processes.ProcessReader(processes.Describer(proc, proc))
uses = [{"uuid": "g", "pid": 5}]
reader.ask(uses)
reader.join(waits)
found["processes"] = reader.rows(uses)
print(json.dumps(found, allow_nan=False))
"""


def interpreter_of(version):
    places = [shutil.which(f"python{version}"), *Path("~/.pyenv/versions").expanduser().glob(f"{version}.*/bin/python")]
    return next((str(place) for place in places if place and runs(place)), None)


def runs(place):
    return not subprocess.run([place, "-c", "import json"], capture_output=True, check=False).returncode


@pytest.mark.parametrize("version", VERSIONS)
def test_all_is_read_alike(version, tmp_path):
    interpreter = interpreter_of(version)
    if interpreter is None:
        pytest.skip(f"no Python {version} here")
    machine = Machine(tmp_path)
    machine.add("card0", "0000:00:01.1/0000:05:00.0", MI300X)
    machine.write("proc/5/cmdline", "python\0train.py\0--token=abc\0")
    machine.write("proc/5/cgroup", V1_SLURM)
    machine.write("proc/5/environ", "SLURM_JOB_ID=8812\0SLURM_ARRAY_JOB_ID=8800\0SLURM_ARRAY_TASK_ID=1\0")
    machine.write("proc/5/stat", stat().decode())
    (tmp_path / "lepton_probe").symlink_to(Path(probe.__file__).parent)
    with serving(Server()) as server:
        command = [
            interpreter,
            "-B",
            "-W",
            "error",
            "-c",
            PROGRAM,
            str(tmp_path),
            machine.sys,
            machine.proc,
            server.url(),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=90)
    assert done.stderr == ""
    found = json.loads(done.stdout)
    assert found["services"][0]["is_healthy"] is True
    assert [(row["source"], row["series"], row["value"]) for row in found["samples"]] == [
        ("vllm", PAGE.split()[4].decode(), 7.0),
        ("site", "queue", 3.0),
    ]
    assert found["gaps"] == {}
    assert found["gpus"][0]["util_pct"] == 97.0
    assert found["details"][0]["ecc_dram_corrected"] == 12
    assert found["identities"][0]["vendor"] == "amd"
    row = found["processes"][0]
    assert (row["command"], row["job"], row["step"]) == ("python train.py --token=***", "8800_1", "0")


def test_this_python_is_one_of_them():
    assert f"3.{sys.version_info.minor}" in VERSIONS
