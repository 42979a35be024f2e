"""Processes, InfiniBand, units, power, PCI devices and clocks, read from trees of kernel files."""

import itertools
import json
import os
import stat
import threading
import time

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leptontui.probe import clock, host, infiniband, pci, power, tasks, units
from leptontui.probe.gaps import Unreadable
from leptontui.wire import IbPort, Power, Tasks, Unit

WAIT_S = 20.0
GARBAGE = st.binary(max_size=200)


def settled(reader, now=0.0):
    """What a reader that asks in a thread says once it has its answer."""
    reader.read(now)
    until = time.monotonic() + WAIT_S
    while not reader.is_idle and time.monotonic() < until:
        pass
    return reader.read(now)


# Processes


def process(state, name="python", flags=0x400000):
    return f"7 ({name}) {state} 1 7 7 0 -1 {flags} 1 2 3\n"


TASKS = {
    "loadavg": "0.5 0.4 0.3 3/1234 999\n",
    "sys/fs/file-nr": "2048\t48\t100000\n",
    "sys/kernel/pid_max": "4194304\n",
}


def ticking(step=0.0):
    """A clock that moves on by `step` whenever it is looked at."""
    return (n * step for n in itertools.count()).__next__


def test_tasks(tree):
    states = {"1": process("S"), "2": process("S", "kthreadd", 0x200040), "3": process("D", "kworker", 0x4208060)}
    states.update({"10": process("Z"), "11": process("Z"), "12": process("D"), "13": process("D", "nvidia-smi")})
    states.update({"14": process("D", "a) R (b"), "15": process("S", "nvidia-persiste")})
    root = tree({**TASKS, **{f"{pid}/stat": content for pid, content in states.items()}})
    tree({"12/stack": "[<0>] os_acquire_rwlock_read+0x33/0x50 [nvidia]\n", "14/stack": "[<0>] nfs_wait_bit [nfs]\n"})
    row = tasks.TaskReader(root).read(0.0)
    assert row == {
        "total": 1234,
        "running": 3,
        "pids_max": 4194304,
        "fds_used": 2000,
        "fds_max": 100000,
        "zombies": 2,
        "blocked": 3,
        "driver_blocked": 2,
    }
    msgspec.convert(row, Tasks)


def test_tasks_are_looked_at_again_and_forgotten_when_they_end(tree, tmp_path):
    root = tree({**TASKS, "1/stat": process("S"), "5/stat": process("S"), "6/stat": process("Z")})
    reader = tasks.TaskReader(root)
    assert reader.read(0.0)["zombies"] == 1
    tree({"5/stat": process("Z")})
    (tmp_path / "root" / "6" / "stat").unlink()
    (tmp_path / "root" / "6").rmdir()
    assert reader.read(tasks.PERIOD_S - 1.0)["zombies"] == 1
    assert reader.read(tasks.PERIOD_S)["zombies"] == 1
    assert reader._zombies == {"5"}


def test_many_processes_take_many_sweeps_and_are_not_told_before_all_were_seen(tree):
    count = 100
    root = tree({**TASKS, "1/stat": process("S"), **{f"{pid}/stat": process("Z") for pid in range(2, count + 2)}})
    # Every look at the clock finds that a second has passed.
    reader = tasks.TaskReader(root, ticking(1.0))
    rows = [reader.read(0.0) for _ in range(count // tasks._AT_ONCE + 1)]
    assert ["zombies" in row for row in rows] == [False] * (len(rows) - 1) + [True]
    assert rows[-1]["zombies"] == count
    assert all(row["total"] == 1234 for row in rows)


def test_a_long_list_is_read_less_often(tree):
    root = tree({**TASKS, "1/stat": process("S")})
    reader = tasks.TaskReader(root, ticking(0.01))
    reader.read(0.0)
    assert reader._due_at == pytest.approx(0.01 / tasks.LISTING_SHARE)


def test_with_hidepid_it_says_so(tree):
    reader = tasks.TaskReader(tree(TASKS))
    row = reader.read(0.0)
    assert "zombies" not in row
    assert row["total"] == 1234
    assert "hidepid" in reader.gaps["processes"]
    tree({"1/stat": process("S")})
    assert reader.read(tasks.PERIOD_S)["zombies"] == 0
    assert reader.gaps == {}


@given(content=GARBAGE)
def test_garbage_about_tasks(content):
    found = tasks.parse_state(content)
    assert found is None or isinstance(found[2], bool)
    json.dumps([tasks.parse_totals(content), tasks.parse_files(content)], allow_nan=False)


# InfiniBand


def port(state="4: ACTIVE", **counters):
    files = {"state": state + "\n", "phys_state": "5: LinkUp\n", "link_layer": "InfiniBand\n"}
    files["rate"] = "400 Gb/sec (4X NDR)\n"
    files.update({f"counters/{name}": f"{value}\n" for name, value in counters.items()})
    return files


def ports_tree(tree, **ports):
    files = {}
    for name, content in ports.items():
        device, number = name.rsplit("_", 1)
        for path, text in content.items():
            files[f"class/infiniband/{device}/ports/{number}/{path}"] = text
    return tree(files)


def test_infiniband_ports(tree):
    root = ports_tree(
        tree,
        mlx5_0_1=port(port_rcv_data=10, port_xmit_data=20, link_downed=3, symbol_error=4, port_rcv_errors=5),
        mlx5_1_1=port("1: DOWN"),
    )
    first, second = settled(infiniband.PortReader(root))
    assert first == {
        "port": "mlx5_0/1",
        "state": "active",
        "phys_state": "linkup",
        "layer": "InfiniBand",
        "rate_gbit": 400.0,
        "rx_bytes": 40,
        "tx_bytes": 80,
        "link_downed": 3,
        "link_recoveries": None,
        "symbol_errors": 4,
        "rx_errors": 5,
    }
    assert (second["state"], second["rx_bytes"]) == ("down", None)
    msgspec.convert([first, second], list[IbPort])


def test_a_host_without_infiniband_is_an_ordinary_host(tree):
    reader = infiniband.PortReader(tree({"x": ""}))
    assert settled(reader) == []
    assert reader.gaps == {}


def test_an_adapter_that_hangs_does_not_hide_the_others(tree):
    root = ports_tree(tree, mlx5_0_1=port(), mlx5_1_1=port())
    let_go = threading.Event()

    def ask(which):
        if which[0] == "mlx5_0":
            let_go.wait(WAIT_S)
        return {"state": "active"}

    reader = infiniband.PortReader(root, ask=ask, limit_s=0.05)
    until = time.monotonic() + WAIT_S
    rows = []
    while len(rows) < 2 and time.monotonic() < until:
        rows = reader.read(time.monotonic())
    assert rows == [{"port": "mlx5_0/1"}, {"port": "mlx5_1/1", "state": "active"}]
    assert reader.gaps == {"port mlx5_0/1": "the adapter does not answer"}
    let_go.set()


@given(content=GARBAGE)
def test_garbage_about_ports(content):
    json.dumps([infiniband.parse_state(content), infiniband.parse_rate(content)], allow_nan=False)


# Units

SHOWN = b"""LoadState=loaded
ActiveState=failed
SubState=failed
MainPID=0
NRestarts=5
StateChangeTimestampMonotonic=90000000

LoadState=not-found
ActiveState=inactive
SubState=dead
MainPID=0
NRestarts=0
StateChangeTimestampMonotonic=0

LoadState=not-found
ActiveState=inactive

LoadState=loaded
ActiveState=active
SubState=running
MainPID=77
StateChangeTimestampMonotonic=0
"""


def test_units():
    rows = units.parse_show(SHOWN, ["slurmd", "kubelet", "mine", "docker"], 100.0, named=["mine"])
    assert rows == [
        {"unit": "slurmd", "active": "failed", "sub": "failed", "main_pid": None, "restarts": 5, "since_s": 10.0},
        {"unit": "mine", "active": "not-found"},
        {"unit": "docker", "active": "active", "sub": "running", "main_pid": 77, "restarts": None, "since_s": None},
    ]
    msgspec.convert(rows, list[Unit])


def test_unit_names_are_fit_for_a_command_line():
    names, named = units.unit_names(["vllm.service", "vllm", "-H evil", "--host=evil", "a b", "", "slurmd", "x.timer"])
    assert named == ["vllm", "slurmd", "x.timer"]
    assert names.count("slurmd") == 1
    assert names[-3:] == named
    assert len(units.unit_names(f"u{n}" for n in range(1000))[0]) == units.MOST


@given(content=GARBAGE, named=st.lists(st.text(max_size=8), max_size=4))
def test_garbage_about_units(content, named):
    names, kept = units.unit_names(named)
    json.dumps(units.parse_show(content, names, 1.0, kept), allow_nan=False)
    assert all(group.startswith("/") for group in units.parse_groups(content, names).values())


def command(tmp_path, script):
    path = tmp_path / "systemctl"
    path.write_text("#!/bin/sh\n" + script)
    path.chmod(path.stat().st_mode | stat.S_IEXEC)
    return str(path)


def test_systemctl_is_asked_for_all_at_once(tmp_path):
    shown = tmp_path / "shown"
    block = b"LoadState=not-found\n\n"
    shown.write_bytes(block * len(units.MATTERS) + SHOWN.partition(b"\n\n")[0] + b"\n")
    script = f'echo "$@" > "{tmp_path}/asked"; cat "{shown}"\n'
    reader = units.UnitReader(["mine"], command=command(tmp_path, script), booted=str(tmp_path))
    (row,) = settled(reader)
    assert (row["unit"], row["active"], row["restarts"]) == ("mine", "failed", 5)
    asked = (tmp_path / "asked").read_text()
    assert asked.startswith("show --no-pager --property=LoadState,")
    assert asked.endswith("-- " + " ".join(f"{name}.service" for name in (*units.MATTERS, "mine")) + "\n")


class Shown:
    """A systemctl that shows what it is told and counts how often, and its control groups."""

    def __init__(self, tmp_path):
        self.shown, self.asked = tmp_path / "shown", tmp_path / "asked"
        script = f'echo >> "{self.asked}"; cat "{self.shown}"\n'
        self.group = tmp_path / "sys/fs/cgroup/system.slice/mine.service"
        self.group.mkdir(parents=True)
        self.show("active")
        path, sys = command(tmp_path, script), str(tmp_path / "sys")
        self.reader = units.UnitReader(["mine"], command=path, booted=str(tmp_path), sys=sys)

    def show(self, active):
        block = "LoadState=not-found\n\n" * len(units.MATTERS)
        block += f"LoadState=loaded\nActiveState={active}\nStateChangeTimestampMonotonic=1000\n"
        block += "ControlGroup=/system.slice/mine.service\n"
        self.shown.write_text(block)

    def times_asked(self):
        return len(self.asked.read_text().splitlines())


def test_units_are_asked_once_a_minute_and_when_a_control_group_changes(tmp_path):
    shown = Shown(tmp_path)
    assert settled(shown.reader, 0.0)[0]["active"] == "active"
    ages = [settled(shown.reader, float(now))[0]["since_s"] for now in range(1, 50)]
    assert ages[-1] - ages[0] == pytest.approx(48.0)
    assert shown.times_asked() == 1
    shown.show("failed")
    shown.group.rmdir()
    assert settled(shown.reader, 52.0)[0]["active"] == "failed"
    assert shown.times_asked() == 2
    assert settled(shown.reader, 52.0 + units.PERIOD_S)[0]["active"] == "failed"
    assert shown.times_asked() == 3


@pytest.mark.parametrize(("file", "after"), [("cgroup.procs", ""), ("cgroup.procs", "12\n"), ("cgroup.events", "0")])
def test_units_are_asked_when_the_processes_of_a_control_group_change(tmp_path, file, after):
    shown = Shown(tmp_path)
    (shown.group / "cgroup.procs").write_text("7\n8\n")
    (shown.group / "cgroup.events").write_text("1")
    settled(shown.reader, 0.0)
    (shown.group / "cgroup.procs").write_text("7\n9\n")
    settled(shown.reader, 10.0)
    assert shown.times_asked() == 1
    shown.show("failed")
    (shown.group / file).write_text(after)
    assert settled(shown.reader, 20.0)[0]["active"] == "failed"


def test_units_between_two_states_are_asked_more_often(tmp_path):
    shown = Shown(tmp_path)
    shown.show("activating")
    settled(shown.reader, 0.0)
    shown.show("active")
    assert settled(shown.reader, units.CHANGING_S)[0]["active"] == "active"


def test_a_control_group_leads_to_nowhere_else():
    printed = b"ControlGroup=/a/../../../etc\n\nControlGroup=relative\n\nControlGroup=/kubelet.slice/k\n"
    groups = units.parse_groups(printed, ["a", "b.timer", "c"])
    assert groups == {"a": "/system.slice/a.service", "b.timer": "/system.slice/b.timer", "c": "/kubelet.slice/k"}


def test_without_systemd_it_says_so(tmp_path):
    reader = units.UnitReader(command="/bin/true", booted=str(tmp_path / "none"))
    with pytest.raises(Unreadable, match="systemd does not run here"):
        reader.read(0.0)


def test_a_systemctl_that_fails_says_why(tmp_path):
    script = "echo 'Failed to connect to bus: No such file' >&2; exit 1\n"
    reader = units.UnitReader(command=command(tmp_path, script), booted=str(tmp_path))
    with pytest.raises(Unreadable, match="systemctl: Failed to connect to bus"):
        settled(reader)


def test_what_runs_jobs_is_told_by_units_else_by_what_is_installed(tmp_path):
    active, failed = {"unit": "kubelet", "active": "active"}, {"unit": "slurmd", "active": "failed"}
    assert units.scheduler_of([active, failed]) == "kubernetes"
    assert units.scheduler_of([failed]) == "slurm"
    assert units.scheduler_of([{"unit": "docker", "active": "active"}]) is None
    assert units.scheduler_of([{"unit": "slurmd", "active": "not-found"}]) is None
    assert units.scheduler_of([], str(tmp_path)) is None
    (tmp_path / "usr/sbin").mkdir(parents=True)
    (tmp_path / "usr/sbin/slurmd").touch()
    assert units.scheduler_of([], str(tmp_path)) == "slurm"


# Power


def asked_twice(reader, tree, files):
    settled(reader, 0.0)
    tree(files)
    return settled(reader, power.PERIOD_S)


def test_power_of_the_packages_and_a_counter_that_wraps(tree):
    package = "class/powercap/intel-rapl:%d/%s"
    files = {package % (n, "name"): f"package-{n}\n" for n in (0, 1)}
    files.update({package % (n, "max_energy_range_uj"): "1000000000\n" for n in (0, 1)})
    files.update({package % (0, "energy_uj"): "0\n", package % (1, "energy_uj"): "900000000\n"})
    files.update({"class/powercap/intel-rapl:0:0/name": "core", "class/powercap/intel-rapl:0:0/energy_uj": "5"})
    reader = power.PowerReader(tree(files))
    later = {package % (0, "energy_uj"): "500000000\n", package % (1, "energy_uj"): "400000000\n"}
    row = asked_twice(reader, tree, later)
    assert row == {"power_w": 100.0, "source": "rapl"}
    msgspec.convert(row, Power)


def test_the_hosts_own_meter_is_of_the_whole_host(tree):
    files = {"class/hwmon/hwmon0/name": "nvme\n", "class/hwmon/hwmon0/power1_average": "5000000\n"}
    files.update({"class/hwmon/hwmon1/name": "power_meter\n", "class/hwmon/hwmon1/power1_average": "6500000000\n"})
    assert settled(power.PowerReader(tree(files))) == {"power_w": 6500.0, "source": "ipmi"}


def test_without_a_meter_it_says_so(tree):
    with pytest.raises(Unreadable, match="no power meter and no RAPL"):
        settled(power.PowerReader(tree({"x": ""})))


def test_a_counter_that_may_not_be_read_says_so(tree):
    # Only root may read it; whoever runs this, a directory cannot be read either.
    root = tree({"class/powercap/intel-rapl:0/name": "package-0\n", "class/powercap/intel-rapl:0/energy_uj/x": "1"})
    with pytest.raises(Unreadable, match=r"Is a directory \(RAPL\)"):
        settled(power.PowerReader(root))


ENERGIES = st.dictionaries(st.sampled_from("abc"), st.integers(0, 1 << 62), max_size=3)


@given(
    before=ENERGIES, after=ENERGIES, elapsed=st.floats(-1.0, 1e6), wrap=st.one_of(st.none(), st.integers(0, 1 << 62))
)
def test_power_is_within_bounds(before, after, elapsed, wrap):
    watt = power.mean_w((0.0, before), (elapsed, after), dict.fromkeys("abc", wrap))
    assert watt is None or 0.0 <= watt <= power.MOST_W


# PCI


def test_gpus_on_the_bus_are_counted_whatever_their_driver_says(tree):
    devices = {
        "0000:3b:00.0": ("0x10de", "0x030200"),
        "0000:3c:00.0": ("0x10de", "0x030200"),
        "0000:05:00.0": ("0x10de", "0x068000"),
        "0000:06:00.0": ("0x1a03", "0x030000"),
        "0000:07:00.0": ("0x1002", "0x120000"),
        "0000:08:00.0": ("0x1002", "0x120000"),
    }
    files = {}
    for address, (vendor, kind) in devices.items():
        files[f"bus/pci/devices/{address}/vendor"] = vendor + "\n"
        files[f"bus/pci/devices/{address}/class"] = kind + "\n"
    files["bus/pci/devices/0000:08:00.0/physfn/vendor"] = "0x1002\n"
    assert pci.count_gpus(tree(files)) == 3
    with pytest.raises(Unreadable):
        pci.count_gpus("/nowhere")


# Clocks


def test_a_clock_that_was_set_is_told_once():
    offsets = iter([100.0, 100.1, 3700.1, 3700.1, 100.0])
    watch = clock.ClockWatch(lambda: next(offsets))
    assert watch.jump() is None
    assert watch.jump() == "the host's clock jumped forward by 3600.0 s"
    assert watch.jump() is None
    assert watch.jump() == "the host's clock jumped back by 3600.1 s"


# Who and where


def test_the_user_is_told_by_name_where_the_host_knows_it(tree, monkeypatch):
    root = tree({"passwd": f"root:x:0:0::/:/bin/sh\noncall:x:{os.geteuid() or 0}:1::/:/bin/sh\n"})
    assert host.user_name(root) in {"root", "oncall"}
    monkeypatch.delenv("LOGNAME", raising=False)
    assert host.user_name("/nowhere") == f"uid {os.geteuid()}"
    monkeypatch.setenv("LOGNAME", "anna\x1b[31m")
    assert host.user_name("/nowhere") == "anna [31m"
