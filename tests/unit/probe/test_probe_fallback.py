"""The fallback launched as on a host without Python, in every shell and awk there is here, with a stand-in."""

import contextlib
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from leptontui import __version__
from leptontui.model.target import HostTarget, ScriptSpec, ServiceSpec
from leptontui.wire import Event, Hello, Sweep

SMI = Path(__file__).parents[2] / "nvidia_smi" / "nvidia-smi"
FIRST = "GPU-00000000-0000-0000-0000-000000000000"
SECOND = "GPU-00000000-0000-0000-0000-000000000001"
SHELLS = (("dash", "mawk"), ("busybox", "busybox"), ("bash", "gawk"), ("ksh", "mawk"), ("mksh", "original-awk"))
MIB = 1 << 20
MARK = "LEPTON_TEST_RUN"

pytestmark = pytest.mark.skipif(
    Path("/usr/libexec/platform-python").exists(), reason="a Python here is looked at by its full path"
)


def world_of(directory, shell, awk, smi=SMI):
    """A PATH without Python, on which `sh` and `awk` are these."""
    directory.mkdir()
    if shell == "busybox":
        busybox = shutil.which("busybox")
        for applet in subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True).stdout.split():
            (directory / applet).symlink_to(busybox)
    else:
        (directory / "sh").symlink_to(shutil.which(shell))
        (directory / "awk").symlink_to(shutil.which(awk))
    if smi is not None:
        (directory / "nvidia-smi").symlink_to(smi)
    return str(directory)


@pytest.fixture(params=SHELLS, ids=["-".join(pair) for pair in SHELLS])
def world(request, tmp_path):
    """One for each shell and awk."""
    for name in request.param:
        if shutil.which(name) is None:
            pytest.skip(f"{name} is not installed")
    return world_of(tmp_path / "world", *request.param)


@pytest.fixture
def plain(tmp_path):
    """One for what does not depend on the shell."""
    return world_of(tmp_path / "world", "dash", "mawk" if shutil.which("mawk") else "awk")


def processes_of(mark):
    """Numbers of the processes that have this mark in their environment, and have not ended."""
    found = []
    for environment in Path("/proc").glob("[0-9]*/environ"):
        try:
            # A process that has ended, and waits to be noticed, has none.
            if f"{MARK}={mark}".encode() in environment.read_bytes().split(b"\0"):
                found.append(environment.parent.name)
        except OSError:
            continue
    return found


def left_behind(mark):
    """Command lines of those processes."""
    found = []
    for pid in processes_of(mark):
        with contextlib.suppress(OSError):
            found.append((Path("/proc") / pid / "cmdline").read_bytes().replace(b"\0", b" ")[:120])
    return found


def settled(mark):
    """What is left behind, once what was told to end has had the time for it."""
    until = time.monotonic() + 5
    while left_behind(mark) and time.monotonic() < until:
        time.sleep(0.02)
    return left_behind(mark)


def gaps_of(hello):
    return {gap.what: gap.why for gap in hello.unavailable}


def test_every_shell_and_awk_speaks_the_protocol(launch, gpus, world, tmp_path):
    gpus.set(count=8, gpu3_temp=91, gpu5_throttle=0x44, gpu0_process=f"{os.getpid()} {512 * MIB} /usr/bin/python3")
    mark = str(tmp_path)
    probe = launch(path=world, environment={**gpus.environment, MARK: mark}, interval_s=1.0)
    hello = probe.say()
    assert isinstance(hello, Hello)
    assert (hello.runtime, hello.python) == ("sh", None)
    assert hello.hostname == os.uname().nodename
    assert hello.kernel == os.uname().release
    assert hello.cpu_count == os.cpu_count()
    assert hello.boot_id == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert hello.probe == f"leptontui {__version__}"
    assert hello.interval_s == 1.0
    assert hello.driver_version == "580.159.03"
    assert [gpu.index for gpu in hello.gpus] == list(range(8))
    third = hello.gpus[3]
    assert (third.pci_bus_id, third.serial, third.vbios) == ("00000000:3E:00.0", "1320423000003", "96.00.74.00.01")
    assert (third.memory_total_bytes, third.power_limit_w, third.pcie_gen_max) == (85520809984 // MIB * MIB, 700.0, 5)
    assert "python" in gaps_of(hello)["python"]
    assert gaps_of(hello)["nvlink"].startswith("needs python3")
    first, second = probe.sweep(), probe.sweep()
    assert isinstance(first, Sweep)
    assert second.seq == first.seq + 1
    assert second.t_mono_s > first.t_mono_s
    assert abs(second.t_unix_s - time.time()) < 60
    assert 0 <= second.cpu.util_pct <= 100
    assert len(second.cpu.cores_pct) == hello.cpu_count
    assert 0 < second.memory.used_bytes < second.memory.total_bytes == hello.memory_total_bytes
    assert second.tasks.total > 0
    assert second.tasks.pids_max == int(Path("/proc/sys/kernel/pid_max").read_text())
    root = next(row for row in second.filesystems if row.mount == "/")
    there = os.statvfs("/")
    assert root.total_bytes == there.f_blocks * there.f_frsize
    assert root.inodes_total == there.f_files or root.inodes_total is None
    assert [gpu.temp_c for gpu in second.gpus] == [64, 64, 64, 91, 64, 64, 64, 64]
    gpu = second.gpus[5]
    assert (gpu.util_pct, gpu.memory_util_pct, gpu.power_w, gpu.power_limit_w) == (98, 61, 642.5, 700)
    assert (gpu.pstate, gpu.clock_sm_mhz, gpu.clock_mem_mhz, gpu.throttle_reasons) == (0, 1755, 2619, 0x44)
    assert gpu.memory_used_bytes == (65536 + 551) * MIB
    assert (gpu.fan_pct, gpu.pcie_gen, gpu.pcie_width, gpu.ecc_uncorrected) == (None, 5, 16, 0)
    (process,) = second.processes
    assert (process.pid, process.uuid, process.command) == (os.getpid(), FIRST, "/usr/bin/python3")
    assert process.memory_used_bytes == 512 * MIB
    assert process.user is not None
    details = {row.uuid: row for sweep in (first, second) for row in sweep.gpu_details}
    assert len(details) == 8
    row = details[FIRST]
    assert (row.throttle_power_cap_s, row.ecc_dram_uncorrected, row.is_remap_pending) == (2.5, 0, False)
    assert (row.remap_banks_max, row.retired_pages_sbe, row.fabric_state) == (2560, None, "completed")
    assert (row.recovery_action, row.is_persistent, row.is_ecc_enabled, row.is_mig_enabled) == (
        "none",
        True,
        True,
        False,
    )
    assert (row.is_ecc_change_pending, row.is_inforom_valid) == (False, True)
    assert second.probe.rss_bytes > 0
    assert probe.end() == 0
    assert probe.process.stderr.read() == b""
    assert settled(mark) == []


def test_it_ends_when_stdout_breaks_and_leaves_nothing(launch, gpus, world, tmp_path):
    mark = str(tmp_path)
    probe = launch(path=world, environment={**gpus.environment, MARK: mark}, interval_s=1.0)
    probe.sweep()
    probe.process.stdout.close()
    probe.process.wait(30)
    assert settled(mark) == []


def test_a_call_that_hangs_is_told_and_all_else_goes_on_and_at_the_end_nothing_is_left(launch, gpus, world, tmp_path):
    mark = str(tmp_path)
    probe = launch(path=world, environment={**gpus.environment, MARK: mark}, interval_s=1.0, driver_limit_s=1.0)
    assert len(probe.sweep().gpus) == 2
    gpus.set(count=2, gpu1_hang=1)
    assert "has not answered for 1 s" in probe.event("driver-hung").text
    first, second = probe.sweep(), probe.sweep()
    assert second.seq == first.seq + 1
    assert all(sweep.is_driver_hung and sweep.gpus == () for sweep in (first, second))
    assert second.cpu.util_pct is not None
    # The call cannot be ended by anything but SIGKILL.
    assert probe.end() == 0
    assert settled(mark) == []


FREEZER = Path("/sys/fs/cgroup/freezer")


@pytest.fixture
def frozen():
    """Puts a process into a sleep that not even SIGKILL ends, as a hung driver does, for the time of a test."""
    if os.geteuid() != 0 or not (FREEZER / "tasks").exists():
        pytest.skip("it needs root and a cgroup freezer of version 1")
    group = FREEZER / f"lepton-{os.getpid()}"
    group.mkdir()

    def freeze(pid):
        (group / "cgroup.procs").write_text(str(pid))
        (group / "freezer.state").write_text("FROZEN")

    yield freeze
    (group / "freezer.state").write_text("THAWED")
    until = time.monotonic() + 5
    while (group / "cgroup.procs").read_text() and time.monotonic() < until:
        time.sleep(0.02)
    group.rmdir()


def test_a_call_that_nothing_can_end_keeps_neither_link_nor_anything_else(launch, gpus, plain, tmp_path, frozen):
    mark = str(tmp_path)
    probe = launch(path=plain, environment={**gpus.environment, MARK: mark}, interval_s=1.0, driver_limit_s=1.0)
    probe.sweep()
    gpus.set(count=2, hang=1)
    probe.event("driver-hung")
    (call,) = [pid for pid in processes_of(mark) if b"--query-" in (Path("/proc") / pid / "cmdline").read_bytes()]
    frozen(call)
    assert probe.end() == 0
    # The channel closes: it does not hold the other end of it.
    probe.process.stdout.read()
    # What was killed goes as soon as the driver lets it; nothing else is there.
    until = time.monotonic() + 5
    while len(processes_of(mark)) > 2 and time.monotonic() < until:
        time.sleep(0.02)
    assert all(b"nvidia-smi" in line or b"sleep" in line for line in left_behind(mark))
    assert len(left_behind(mark)) <= 2


def test_at_the_usual_settings_a_hang_is_told_after_five_seconds(launch, gpus, plain):
    # At most three seconds are between two calls, and a sweep is due within another: that makes nine.
    probe = launch(path=plain, environment=gpus.environment, interval_s=1.0)
    probe.sweep()
    gpus.set(count=2, hang=1)
    assert probe.event("driver-hung").text == "nvidia-smi has not answered for 5 s"


def test_a_driver_that_hangs_from_the_start_does_not_keep_the_hello_back(launch, gpus, plain):
    gpus.set(count=2, hang=1)
    probe = launch(path=plain, environment=gpus.environment, interval_s=1.0, driver_limit_s=1.0)
    hello = probe.say()
    assert isinstance(hello, Hello)
    assert hello.gpus == ()
    assert "has not answered" in gaps_of(hello)["gpu"]
    assert isinstance(probe.say(), Event)
    gpus.set(count=2)
    assert probe.event("driver-answers").gpu_uuid is None
    assert len(probe.hello().gpus) == 2
    assert len(probe.sweep(lambda sweep: sweep.gpus).gpus) == 2


@pytest.mark.parametrize("lost", ["1", "row"])
def test_a_lost_gpu_is_told_once_and_the_others_go_on(launch, gpus, plain, lost):
    gpus.set(count=3)
    probe = launch(path=plain, environment=gpus.environment, interval_s=1.0)
    assert len(probe.sweep(lambda sweep: sweep.gpus).gpus) == 3
    gpus.set(count=3, gpu1_lost=lost)
    event = probe.event("gpu-lost")
    assert event.gpu_uuid == SECOND
    assert "GPU is lost" in event.text
    messages = [probe.say() for _ in range(4)]
    sweeps = [message for message in messages if isinstance(message, Sweep)]
    assert not any(isinstance(message, Event) for message in messages)
    assert [[gpu.uuid[-1] for gpu in sweep.gpus] for sweep in sweeps] == [["0", "2"]] * len(sweeps)


def test_a_driver_that_is_unloaded_is_a_reason_and_comes_back_as_another(launch, gpus, plain):
    probe = launch(path=plain, environment=gpus.environment, interval_s=1.0)
    probe.sweep(lambda sweep: sweep.gpus)
    gpus.remove()
    probe.sweep(lambda sweep: not sweep.gpus)
    gpus.set(count=2, driver="590.10")
    assert len(probe.until(lambda said: isinstance(said, Hello) and said.driver_version == "590.10").gpus) == 2
    assert len(probe.sweep(lambda sweep: sweep.gpus).gpus) == 2


def test_without_a_driver_the_reason_is_nvidia_smi_s_own(launch, gpus, plain):
    gpus.remove()
    probe = launch(path=plain, environment=gpus.environment, interval_s=1.0)
    assert "couldn't communicate with the NVIDIA driver" in gaps_of(probe.say())["gpu"]


def test_a_host_without_nvidia_smi_is_an_ordinary_host(launch, tmp_path):
    if shutil.which("nvidia-smi", path="/usr/bin:/bin:/usr/sbin:/sbin"):
        pytest.skip("there is a nvidia-smi here")
    probe = launch(path=world_of(tmp_path / "world", "dash", "awk", smi=None), interval_s=1.0)
    hello = probe.say()
    assert gaps_of(hello)["gpu"].startswith("no nvidia-smi on this host")
    assert "nvlink" not in gaps_of(hello)
    sweep = probe.sweep()
    assert (sweep.gpus, sweep.is_driver_hung) == ((), False)
    assert sweep.memory.total_bytes == hello.memory_total_bytes


def test_a_driver_of_old_is_asked_by_the_names_it_knows(launch, gpus, plain):
    gpus.set(count=1, legacy=1, gpu0_throttle=0x8, **{"gpu0_csv.remapped_rows.pending": "Yes"})
    probe = launch(path=plain, environment=gpus.environment, interval_s=1.0)
    sweep = probe.sweep(lambda sweep: sweep.gpu_details)
    (gpu,), (details,) = sweep.gpus, sweep.gpu_details
    assert (gpu.throttle_reasons, gpu.temp_c, gpu.temp_margin_c, gpu.fan_pct) == (8, 64, None, None)
    assert gpu.memory_used_bytes == 65536 * MIB
    assert (details.is_remap_pending, details.is_remap_failed, details.recovery_action) == (True, False, None)


def test_what_a_gpu_does_not_tell_is_none(launch, gpus, plain):
    unknown = ("[N/A]", "[Not Supported]", "[Unknown Error]", "N/A", "nan", "")
    fields = ("power.draw", "temperature.gpu", "utilization.gpu", "clocks.sm", "memory.used", "pstate")
    gpus.set(count=1, **{f"gpu0_csv.{name}": value for name, value in zip(fields, unknown, strict=True)})
    probe = launch(path=plain, environment=gpus.environment, interval_s=1.0)
    (gpu,) = probe.sweep(lambda sweep: sweep.gpus).gpus
    assert (gpu.power_w, gpu.temp_c, gpu.util_pct, gpu.clock_sm_mhz, gpu.memory_used_bytes, gpu.pstate) == (None,) * 6
    assert gpu.clock_mem_mhz == 2619


def test_hostile_names_are_quoted(launch, gpus, world):
    name = 'H"100\\u001b[31m \\ [bold]{"kind":"hello"}'
    gpus.set(count=1, gpu0_name=name + "\x1b]0;x\x07é" + "x" * 5000, gpu0_process=f'1 {MIB} a",\\ \x01b')
    probe = launch(path=world, environment=gpus.environment, interval_s=1.0)
    (gpu,) = probe.say().gpus
    assert gpu.name.startswith(name)
    assert "\x1b" not in gpu.name
    assert len(gpu.name) <= 256
    (process,) = probe.sweep(lambda sweep: sweep.processes).processes
    assert process.command == 'a",\\ ?b'


def test_gpus_on_the_bus_and_infiniband_are_read_from_sys(launch, gpus, world, tree):
    port = "class/infiniband/mlx5_0/ports/1/"
    root = tree(
        {
            "bus/pci/devices/0000:3b:00.0/vendor": "0x10de\n",
            "bus/pci/devices/0000:3b:00.0/class": "0x030200\n",
            "bus/pci/devices/0000:3c:00.0/vendor": "0x10de\n",
            "bus/pci/devices/0000:3c:00.0/class": "0x068000\n",
            "bus/pci/devices/0000:00:00.0/vendor": "0x8086\n",
            port + "state": "4: ACTIVE\n",
            port + "phys_state": "5: LinkUp\n",
            port + "link_layer": "InfiniBand\n",
            port + "rate": "400 Gb/sec (4X NDR)\n",
            port + "counters/port_rcv_data": "1000\n",
            port + "counters/link_downed": "3\n",
            "class/infiniband/mlx5_1/ports/1/state": "1: DOWN\n",
        }
    )
    probe = launch(path=world, environment=gpus.environment, interval_s=1.0, sys=root)
    first, second = probe.sweep(lambda sweep: sweep.ib_ports).ib_ports
    assert (first.port, first.state, first.phys_state, first.layer) == ("mlx5_0/1", "active", "linkup", "InfiniBand")
    assert (first.rate_gbit, first.rx_bytes, first.tx_bytes, first.link_downed) == (400, 4000, None, 3)
    assert (second.port, second.state, second.rate_gbit) == ("mlx5_1/1", "down", None)


def test_what_only_python_can_look_after_is_said(launch, plain):
    target = HostTarget(
        "gpu001", services=(ServiceSpec("vllm", health="http://127.0.0.1/"),), scripts=(ScriptSpec("x", ("true",)),)
    )
    gaps = gaps_of(launch(path=plain, target=target, interval_s=1.0).hello())
    assert gaps["services"] == gaps["scripts"] == "needs python3: the sh fallback does not read it"
    assert not {"services", "scripts"} & gaps_of(launch(path=plain, interval_s=1.0).hello()).keys()


def test_the_interval_and_the_phase_are_kept(launch, plain):
    probe = launch(path=plain, interval_s=0.5, phase=0.5)
    assert probe.hello().interval_s == 0.5
    sweeps = [probe.sweep() for _ in range(4)]
    # To the hundredth of a second that /proc/uptime tells; that a busy machine is late does not add up.
    assert all(round(sweep.t_mono_s % 0.5, 2) >= 0.25 or sweep.t_mono_s % 0.5 < 0.2 for sweep in sweeps)
    assert sweeps[-1].t_mono_s - sweeps[0].t_mono_s >= 1.5 - 0.26
