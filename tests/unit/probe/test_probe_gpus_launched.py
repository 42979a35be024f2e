"""A launched probe says every field of a GPU over the wire, under the oldest and the newest Python."""

import os
import shlex
import shutil
import signal
import sys
from pathlib import Path

import pytest

from leptontui.wire import GpuIdentity, GpuProcess, GpuReading, Hello, Sweep
from tests.nvml import fake_nvml
from tests.nvml.every_field import DETAILS, IDENTITY, READING, read, written

VERSIONS = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
FIRST = "GPU-00000000-0000-0000-0000-000000000000"
SECOND = "GPU-00000000-0000-0000-0000-000000000001"
INSTANCE = "MIG-00000000-0000-0000-0003-000000000001"


@pytest.fixture(params=["here", "3.6", "3.8", "3.13"])
def path(request, tmp_path):
    """A PATH with this Python as python3."""
    found = sorted(VERSIONS.glob(f"{request.param}.*/bin/python3"))
    if request.param != "here" and not found:
        pytest.skip(f"Python {request.param} is not installed")
    python = Path(sys.executable).resolve() if request.param == "here" else found[0]
    directory = tmp_path / "bin"
    directory.mkdir()
    script = directory / "python3"
    script.write_text(f'#!/bin/sh\nexec {shlex.quote(str(python))} "$@"\n')
    script.chmod(0o755)
    return f"{directory}:{os.environ['PATH']}"


def test_every_field_comes_over_the_wire(launch, gpus, path):
    gpus.set(
        count=2,
        **written(READING, DETAILS, {key: row for key, row in IDENTITY.items() if key not in READING}),
        gpu1_mig_mode="1 1",
        gpu1_mig3="2g.20gb",
        gpu1_mig3_memory_used=5,
        gpu1_mig3_process=f"{os.getpid()} 4",
    )
    probe = launch(path=path, environment=gpus.environment)
    identity, whole, instance = probe.hello().gpus
    expected = {**read(IDENTITY), "power_limit_w": READING["power_limit_w"][2]}
    assert identity == GpuIdentity(index=0, uuid=FIRST, vendor="nvidia", **expected)
    assert (whole.uuid, whole.parent_uuid) == (SECOND, None)
    assert (instance.uuid, instance.parent_uuid, instance.mig_index) == (INSTANCE, SECOND, 3)
    assert instance.mig_profile == "2g.20gb"
    sweep = probe.sweep(lambda sweep: sweep.gpu_details)
    assert sweep.gpus[0] == GpuReading(FIRST, **read(READING))
    assert sweep.gpus[1].util_pct is None
    assert sweep.gpus[2] == GpuReading(INSTANCE, memory_used_bytes=5, ecc_uncorrected=0)
    details = sweep.gpu_details[0]
    assert details.uuid == FIRST
    # The InfoROM is looked at later: the start is dear enough without.
    assert details.is_inforom_valid is None
    told = {field: getattr(details, field) for field in DETAILS if field != "is_inforom_valid"}
    assert told == {field: value for field, value in read(DETAILS).items() if field != "is_inforom_valid"}
    process = sweep.processes[0] if sweep.processes else probe.sweep(lambda sweep: sweep.processes).processes[0]
    assert (process.uuid, process.pid, process.memory_used_bytes) == (INSTANCE, os.getpid(), 4)
    assert isinstance(process, GpuProcess)


def test_a_driver_of_another_version_is_found_with_its_own_library(launch, gpus, library, tmp_path):
    (tmp_path / "old").mkdir()
    (tmp_path / "new").mkdir()
    installed = tmp_path / "old" / library.name
    shutil.copy(library, installed)
    probe = launch(environment={**gpus.environment, "LD_LIBRARY_PATH": str(installed.parent)})
    assert probe.hello().driver_version == "580.159.03"
    # The kernel has the new one, and this process still the old one's library: NVML_ERROR_LIB_RM_VERSION_MISMATCH.
    gpus.set(count=2, error=18)
    probe.sweep(lambda sweep: not sweep.gpus)
    fake_nvml.build(tmp_path / "new", "590.44.01").replace(installed)
    gpus.set(count=2, session=2, gpu0_temp=33)
    probe.until(lambda message: isinstance(message, Hello) and message.driver_version == "590.44.01")
    again = probe.sweep(lambda sweep: len(sweep.gpus) == 2)
    assert again.gpus[0].temp_c == 33
    assert not again.is_driver_hung


def test_an_xid_that_repeats_is_told_each_time(launch, gpus):
    probe = launch(environment=gpus.environment, kmsg="/nowhere")
    probe.sweep()
    for occurrence in range(3):
        gpus.set(count=2, gpu0_xid=f"31 {occurrence}", gpu1_xid=f"79 {occurrence}")
        events = [probe.event("xid"), probe.event("xid")]
        assert [(event.code, event.gpu_uuid) for event in events] == [(31, FIRST), (79, SECOND)]
    later = [probe.say() for _ in range(3)]
    assert all(isinstance(message, Sweep) for message in later)


def test_a_signal_makes_it_let_go_of_the_gpus_and_sweep_on(launch, gpus):
    gpus.set(count=2)
    probe = launch(environment=gpus.environment, interval_s=60.0)
    probe.hello()
    probe.process.send_signal(signal.SIGUSR1)
    sweep = probe.sweep(lambda sweep: not sweep.gpus)
    assert not sweep.is_driver_hung
    assert sweep.seq == 0, "nobody waits a minute for the next one"
    assert probe.process.poll() is None
