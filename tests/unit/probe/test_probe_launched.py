"""The probe launched exactly as on a host: through `sh -c`, out of the bundle, under every Python there is here."""

import json
import os
import select
import shlex
import shutil
import sys
from pathlib import Path

import pytest

from leptontui import __version__
from leptontui.sources.bundle import NO_PYTHON_STATUS, launch_argv, launch_stdin
from leptontui.wire import Event, Hello, Sweep

VERSIONS = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
MINORS = ("3.6", "3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13")
HERE = "here"
FIRST = "GPU-00000000-0000-0000-0000-000000000000"
SECOND = "GPU-00000000-0000-0000-0000-000000000001"


@pytest.fixture(params=[HERE, *MINORS])
def only_python(request, tmp_path):
    """A PATH on which this Python is the only one, as python3."""
    if request.param == HERE:
        python = Path(sys.executable).resolve()
    else:
        found = sorted(VERSIONS.glob(f"{request.param}.*/bin/python3"))
        if not found:
            pytest.skip(f"Python {request.param} is not installed")
        python = found[0]
    return path_with(tmp_path, python3=python)


def path_with(tmp_path, **commands):
    directory = tmp_path / "bin"
    directory.mkdir()
    (directory / "sh").symlink_to(shutil.which("sh"))
    for name, target in commands.items():
        script = directory / name
        script.write_text(f'#!/bin/sh\nexec "{target}" "$@"\n')
        script.chmod(0o755)
    return str(directory)


def test_every_python_speaks_the_protocol(launch, gpus, only_python):
    gpus.set(count=8, gpu3_temp=91, gpu0_process=f"{os.getpid()} 1048576")
    probe = launch(path=only_python, environment=gpus.environment)
    hello = probe.say()
    assert isinstance(hello, Hello)
    assert len(hello.gpus) == 8
    assert hello.gpus[3].pci_bus_id == "00000000:3E:00.0"
    assert hello.driver_version == "580.159.03"
    assert hello.probe == f"leptontui {__version__}"
    assert hello.interval_s == 0.1
    first, second = probe.sweep(), probe.sweep()
    assert isinstance(first, Sweep)
    assert second.seq == first.seq + 1
    assert second.t_mono_s > first.t_mono_s
    assert second.cpu.util_pct is not None
    assert len(second.cpu.cores_pct) == hello.cpu_count
    assert 0 < second.memory.used_bytes < second.memory.total_bytes == hello.memory_total_bytes
    assert any(row.mount == "/" and row.total_bytes > 0 for row in second.filesystems)
    assert all(nic.nic != "lo" for nic in second.nics)
    assert [gpu.temp_c for gpu in second.gpus] == [64, 64, 64, 91, 64, 64, 64, 64]
    (process,) = second.processes
    assert process.pid == os.getpid()
    assert process.uuid == FIRST
    assert "py" in process.command
    assert second.probe.rss_bytes > 0
    assert probe.end() == 0
    assert probe.process.stderr.read() == b""


def test_it_ends_when_stdin_closes_and_leaves_nothing(launch, gpus):
    probe = launch(interval_s=600.0, environment=gpus.environment)
    probe.hello()
    children = Path(f"/proc/{probe.process.pid}/task/{probe.process.pid}/children")
    assert children.read_text() == ""
    # The next sweep is minutes away: it is the closing that ends it.
    assert probe.end() == 0


def test_it_ends_when_stdout_breaks(launch, gpus):
    probe = launch(interval_s=600.0, environment=gpus.environment)
    probe.hello()
    probe.process.stdout.close()
    assert probe.process.wait(30) == 0


def test_it_ends_while_the_driver_hangs(launch, gpus):
    probe = launch(environment=gpus.environment, driver_limit_s=600.0)
    probe.sweep()
    gpus.set(count=2, gpu0_hang=1)
    # Sweeps end when one of them waits for the driver, as nothing else is said any more.
    while select.select([probe.process.stdout], [], [], 1.0)[0]:
        probe.say()
    assert probe.end() == 0


def test_a_driver_that_hangs_is_told_once_and_everything_else_goes_on(launch, gpus):
    probe = launch(environment=gpus.environment, driver_limit_s=1.0)
    assert len(probe.sweep().gpus) == 2
    gpus.set(count=2, gpu1_hang=1)
    assert "1 s" in probe.event("driver-hung").text
    messages = [probe.say() for _ in range(5)]
    sweeps = [message for message in messages if isinstance(message, Sweep)]
    assert len(sweeps) >= 4
    assert all(sweep.is_driver_hung and sweep.cpu.util_pct is not None for sweep in sweeps)
    assert not any(gpu.uuid == SECOND for sweep in sweeps for gpu in sweep.gpus)
    assert probe.sweep(lambda sweep: sweep.gpus).gpus[0].uuid == FIRST
    assert not any(isinstance(message, Event) for message in messages)
    gpus.set(count=2)
    assert probe.event("driver-answers").gpu_uuid is None
    assert not probe.sweep(lambda sweep: len(sweep.gpus) == 2).is_driver_hung


def test_a_driver_that_hangs_from_the_start_does_not_keep_the_hello_back(launch, gpus):
    gpus.set(count=2, hang=1)
    probe = launch(environment=gpus.environment, driver_limit_s=1.0)
    hello = probe.say()
    assert isinstance(hello, Hello)
    assert hello.gpus == ()
    assert {gap.what: gap.why for gap in hello.unavailable}["gpu"].startswith("the NVIDIA driver has not answered")
    probe.event("driver-hung")
    gpus.set(count=2)
    probe.event("driver-answers")
    assert len(probe.hello().gpus) == 2


def test_a_lost_gpu_is_told_once_and_is_absent(launch, gpus):
    probe = launch(environment=gpus.environment)
    assert len(probe.sweep().gpus) == 2
    gpus.set(count=2, gpu1_lost=1)
    event = probe.event("gpu-lost")
    assert event.gpu_uuid == SECOND
    messages = [probe.say() for _ in range(5)]
    assert all(isinstance(message, Sweep) for message in messages)
    assert all([gpu.uuid for gpu in sweep.gpus] == [FIRST] for sweep in messages)


def test_an_xid_is_pushed_at_once_with_its_gpu(launch, gpus, tmp_path):
    log = tmp_path / "kmsg"
    os.mkfifo(log)
    end = os.open(log, os.O_RDWR)
    probe = launch(environment=gpus.environment, interval_s=600.0, kmsg=str(log))
    probe.hello()
    os.write(end, b"4,1,2,-;NVRM: Xid (PCI:0000:3c:00): 79, pid=7, GPU has fallen off the bus.\n")
    event = probe.event("xid")
    assert (event.code, event.gpu_uuid) == (79, SECOND)
    assert event.text.startswith("NVRM: Xid")
    os.write(end, b"4,1,2,-;NVRM: Xid (PCI:0000:99:00): 13, pid=7\n")
    event = probe.event("xid")
    assert (event.code, event.gpu_uuid) == (13, None)
    os.close(end)


def test_without_the_kernel_log_the_driver_tells_of_xids(launch, gpus):
    probe = launch(environment=gpus.environment, kmsg="/nowhere")
    assert "kernel log" in {gap.what for gap in probe.hello().unavailable}
    gpus.set(count=2, gpu1_xid=48)
    event = probe.event("xid")
    assert (event.code, event.gpu_uuid) == (48, SECOND)


def test_a_host_without_a_gpu_is_an_ordinary_host(launch):
    probe = launch(environment={"LD_LIBRARY_PATH": "/nowhere"})
    hello = probe.say()
    assert hello.gpus == ()
    gaps = {gap.what: gap.why for gap in hello.unavailable}
    assert gaps["gpu"] == "no NVIDIA driver (libnvidia-ml.so.1 not found)"
    assert probe.sweep().gpus == ()


def test_readers_that_fail_do_not_stop_the_others(launch, tree):
    root = tree({"loadavg": "0.5 0.4 0.3 1/2 3\n", "stat": "cpu 1 2", "meminfo": b"\xff\x00", "mounts": "x"})
    probe = launch(proc=root, sys=root, etc=root, kmsg=root + "/none")
    assert {"pressure", "kernel log"} <= {gap.what for gap in probe.say().unavailable}
    sweep = probe.sweep(lambda sweep: sweep.seq == 2)
    assert sweep.load1 == 0.5
    assert sweep.uptime_s is None
    assert sweep.memory.total_bytes is None
    assert sweep.disks == ()


def test_without_a_python_it_says_so(launch, tmp_path):
    if Path("/usr/libexec/platform-python").exists():
        pytest.skip("this machine has a Python at a place that is looked at by its full path")
    probe = launch(path=path_with(tmp_path))
    assert probe.process.wait(30) == NO_PYTHON_STATUS
    assert probe.process.stderr.read() == b"lepton: no python3 (3.6 or newer) on this host\n"


def test_a_python_that_is_too_old_or_broken_is_passed_over(launch, tmp_path, gpus):
    path = path_with(tmp_path, **{"python3": "/nowhere/python3", "python3.9": Path(sys.executable).resolve()})
    probe = launch(path=path)
    assert isinstance(probe.say(), Hello)


def test_the_launch_survives_every_login_shell():
    argv = launch_argv()
    assert argv[:2] == ("sh", "-c")
    assert argv[2].startswith("LEPTON_PROBE=1; ")
    assert not set("'!\n") & set(argv[2])


def test_the_bundle_is_small_and_the_same_every_time():
    first = launch_stdin(interval_s=1.0, phase=0.5)
    assert first == launch_stdin(interval_s=1.0, phase=0.5)
    header, _, bundle = first.partition(b"\n")
    assert json.loads(header)["size"] == len(bundle) < 80_000


def test_a_bundle_that_is_cut_short_ends_it(launch):
    probe = launch(stdin=launch_stdin(interval_s=1.0, phase=0.0)[:5000])
    assert probe.end() != 0
    assert b"zlib" in probe.process.stderr.read()


@pytest.mark.parametrize("shell", ["bash", "zsh", "csh", "tcsh", "fish", "dash"])
def test_login_shells_pass_it_on(shell, launch):
    found = shutil.which(shell)
    if found is None:
        pytest.skip(f"{shell} is not installed")
    probe = launch(argv=(found, "-c", shlex.join(launch_argv())))
    assert isinstance(probe.say(), Hello)
    assert probe.end() == 0
