"""All readers of a host put together: in this process, and in a probe launched as on a host."""

import http.server
import json
import os
import sys
import threading
import time
from pathlib import Path

import pytest
from msgspec import convert

from leptontui.probe.sections import Section, late, sections_of, simple
from leptontui.probe.survey import Survey
from leptontui.sources.bundle import launch_argv
from leptontui.sources.portable import portable_sections
from leptontui.wire import VERSION, Event, Hello, Sweep

GPU = "GPU-00000000-0000-0000-0000-000000000000"
WAIT_S = 20.0
PROC = {
    "loadavg": "0.5 0.4 0.3 1/2 3\n",
    "stat": "cpu 1 2 3 4 5 6 7 8\n",
    "meminfo": "MemTotal: 100 kB\nMemAvailable: 40 kB\n",
    "mounts": "/dev/sda1 / ext4 ro 0 0\n",
    "uptime": "5 5\n",
    "net/dev": "",
    "diskstats": "",
}


class NoGpus:
    """A host without GPUs, or with what a test says there is."""

    def __init__(self, *, happened=(), details=(), identities=()):
        self.identities = list(identities)
        self.version = 0
        self.driver_version = None
        self.is_hung = self.is_busy = False
        self.happened = list(happened)
        self.details = list(details)

    def ask(self):
        pass

    def read(self, now):
        details, self.details = self.details, []
        return {"gpus": [], "gpu_details": details, "is_driver_hung": self.is_hung}, []

    def events(self):
        happened, self.happened = self.happened, []
        return happened

    def gaps(self):
        return {}


@pytest.fixture
def survey(tmp_path):
    """Surveys of trees of kernel files."""
    made = []

    def make(gpus=None, sections=None, **config):
        bell = threading.Event()

        def wait(timeout_s):
            bell.wait(timeout_s)
            bell.clear()

        config.setdefault("kmsg", str(tmp_path / "none"))
        gpus = NoGpus() if gpus is None else gpus
        one = Survey(config, bell.set, wait, gpus=lambda _wake, _listens: gpus, sections=sections)
        made.append(one)
        one.start()
        return one

    yield make
    for one in made:
        one.close()


def unavailable(values):
    return {gap["what"]: gap["why"] for gap in values["unavailable"]}


def test_a_host_that_tells_little_says_why_and_is_surveyed_all_the_same(survey, tree):
    root = tree(PROC)
    one = survey(proc=root, sys=root, etc=root, booted=root + "/none")
    hello = one.hello()
    gaps = unavailable(hello)
    assert gaps["pressure"] == "this kernel has no /proc/pressure"
    assert "hidepid" in gaps["processes"]
    assert "No such file" in gaps["kernel log"]
    assert gaps["units"] == "systemd does not run here"
    assert gaps["power"] == "no power meter and no RAPL"
    assert "pci bus" in gaps
    values = one.sweep()
    sweep = convert({"kind": "sweep", "v": VERSION, "seq": 0, **values}, Sweep)
    assert sweep.load1 == 0.5
    assert sweep.memory.used_bytes == 60 * 1024
    assert sweep.tasks.total == 2
    assert sweep.tasks.zombies is None
    assert [(row.mount, row.is_readonly) for row in sweep.filesystems] == [("/", False)]
    assert sweep.ib_ports == sweep.units == ()
    named = convert({"kind": "hello", "v": VERSION, "t_unix_s": 0.0, **hello}, Hello)
    assert named.gpus_on_bus is None
    assert named.user


def test_a_reader_that_fails_stops_no_other_and_is_taken_off_the_list_when_it_works(survey):
    is_broken = True

    def read(_now):
        if is_broken:
            raise OSError("out of order")
        return 7

    one = survey(sections=[simple("a", "this", read, None), simple("b", "that", lambda _: 8, None)])
    values = one.sweep()
    assert (values["a"], values["b"]) == (None, 8)
    assert unavailable(one.hello())["this"] == "OSError: out of order"
    version = one.version
    is_broken = False
    one._gaps._not_before.clear()
    one._gaps._not_before["this"] = 0.0
    assert one.sweep()["a"] == 7
    assert "this" not in unavailable(one.hello())
    assert one.version != version


def test_gaps_of_a_section_come_and_go(survey):
    gaps = {"port x": "silent"}
    one = survey(sections=[Section("ports", lambda _: {}, {}, lambda: gaps)])
    assert unavailable(one.hello())["port x"] == "silent"
    gaps.clear()
    one.sweep()
    assert "port x" not in unavailable(one.hello())


def test_what_two_readers_miss_is_listed_until_neither_does(survey):
    first, second = {"x": "one"}, {"x": "two"}
    parts = [Section("a", lambda _: {}, {}, lambda: first), Section("b", lambda _: {}, {}, lambda: second)]
    one = survey(sections=parts)
    assert unavailable(one.hello())["x"] == "two"
    second.clear()
    one.sweep()
    assert unavailable(one.hello())["x"] == "one"
    version = one.version
    one.sweep()
    assert one.version == version
    first.clear()
    one.sweep()
    assert "x" not in unavailable(one.hello())


def test_what_is_late_is_waited_for_a_little_so_that_the_first_hello_is_whole(survey):
    class Late:
        is_idle = False
        value = None

        def read(self, _now):
            threading.Timer(0.01, self.answer).start()
            return self.value

        def answer(self):
            self.value, self.is_idle = 5, True

    reader = Late()
    one = survey(sections=[late("a", "late", reader, None)])
    assert reader.is_idle
    assert one.sweep()["a"] == 5


def test_details_read_before_the_first_sweep_are_in_it(survey):
    one = survey(NoGpus(details=[{"uuid": GPU}]), sections=[])
    assert one.sweep()["gpu_details"] == [{"uuid": GPU}]
    assert one.sweep()["gpu_details"] == []


def test_a_clock_that_jumps_is_told_and_does_not_change_the_clock_of_rates(survey, monkeypatch):
    one = survey(sections=[])
    before = one.sweep()
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() - 7200.0)
    after = one.sweep()
    (event,) = one.events()
    assert event["name"] == "clock-jump"
    assert "back by 7200" in event["text"]
    assert after["t_unix_s"] < before["t_unix_s"]
    assert 0.0 < after["t_mono_s"] - before["t_mono_s"] < WAIT_S


def test_events_of_the_log_name_their_gpu_even_if_it_was_found_later(survey, tmp_path):
    log = tmp_path / "kmsg"
    log.write_text(
        "6,1,1000000,-;NVRM: Xid (PCI:0000:3b:00): 48, DBE\n6,2,2000000,-;NVRM: Xid (PCI:0000:99:00): 13, x\n"
    )
    gpus = NoGpus()
    one = survey(gpus, sections=[], kmsg=str(log))
    one.sweep()
    gpus.identities = [{"index": 0, "uuid": GPU, "pci_bus_id": "00000000:3B:00.0"}]
    gpus.identities.append({"index": 0, "uuid": "MIG-1", "parent_uuid": GPU, "pci_bus_id": "00000000:3B:00.0"})
    known, unknown = (convert({"kind": "event", "v": VERSION, **event}, Event) for event in one.events())
    assert (known.name, known.code, known.gpu_uuid, known.pci_bus_id, known.is_backlog) == ("xid", 48, GPU, None, True)
    assert (unknown.gpu_uuid, unknown.pci_bus_id) == (None, "00000000:99:00.0")
    assert known.t_unix_s == pytest.approx(time.time() - time.monotonic() + 1.0, abs=5.0)


def test_xids_are_told_once_where_both_log_and_driver_tell(survey, tmp_path):
    log = tmp_path / "kmsg"
    log.touch()
    one = survey(NoGpus(happened=[("xid", "x", GPU, 48), ("gpu-lost", "y", GPU, None)]), sections=[], kmsg=str(log))
    assert [event["name"] for event in one.events()] == ["gpu-lost"]
    other = survey(NoGpus(happened=[("xid", "x", GPU, 48)]), sections=[])
    assert [event["name"] for event in other.events()] == ["xid"]


def test_all_sections_of_this_host_are_the_wires(survey):
    one = survey(sections=sections_of({}, None))
    one.sweep()
    convert({"kind": "sweep", "v": VERSION, "seq": 0, **one.sweep()}, Sweep)


def test_the_portable_sections_are_the_wires_too(survey, monkeypatch):
    monkeypatch.setattr("leptontui.sources.portable._SHORTEST_S", 0.0)
    one = survey(sections=portable_sections())
    sweep = convert({"kind": "sweep", "v": VERSION, "seq": 0, **one.sweep()}, Sweep)
    assert "unavailable" in one.hello()
    assert not set(unavailable(one.hello())) - {"kernel log", "pci bus"}
    assert sweep.memory.total_bytes > sweep.memory.used_bytes > 0
    assert sweep.tasks.total > 0
    assert sweep.uptime_s > 0


def test_closing_ends_what_sections_started(survey):
    closed = []
    one = survey(sections=[Section("x", lambda _: {}, {}, close=lambda: closed.append("x"))])
    one.close()
    assert closed == ["x"]


# Launched


def test_a_probe_tells_what_happened_before_it_was_started(launch, gpus, tmp_path):
    log = tmp_path / "kmsg"
    log.write_text("6,1,1000000,-;NVRM: Xid (PCI:0000:3b:00): 48, DBE\n6,2,2000000,-;Out of memory: Killed process 1\n")
    probe = launch(environment=gpus.environment, kmsg=str(log))
    hello = probe.hello()
    assert hello.runtime == "python"
    xid, oom = probe.say(), probe.say()
    assert (xid.name, xid.code, xid.gpu_uuid, xid.is_backlog) == ("xid", 48, GPU, True)
    assert (oom.name, oom.is_backlog) == ("oom-kill", True)
    booted = time.time() - time.monotonic()
    assert (xid.t_unix_s - booted, oom.t_unix_s - booted) == (
        pytest.approx(1.0, abs=5.0),
        pytest.approx(2.0, abs=5.0),
    )
    with log.open("a") as file:
        file.write("6,3,3000000,-;NVRM: Xid (PCI:0000:3b:00): 48, DBE\n")
    again = probe.event("xid")
    assert not again.is_backlog


def test_a_flood_in_the_kernels_log_does_not_flood_the_link(launch, gpus, tmp_path):
    log = tmp_path / "kmsg"
    os.mkfifo(log)
    end = os.open(log, os.O_RDWR)
    probe = launch(environment=gpus.environment, kmsg=str(log))
    probe.hello()
    for _ in range(1000):
        os.write(end, b"4,1,2,-;NVRM: Xid (PCI:0000:3b:00): 13, pid=7\n")
    events = []
    told = 0
    while told < 1000:
        event = probe.event("xid")
        events.append(event)
        words = event.text.split()
        told += int(words[0]) if words[1] == "events" else 1
    assert told == 1000
    assert len(events) < 200
    assert probe.sweep().seq >= 0
    os.close(end)


def test_units_services_and_scripts_come_with_the_sweeps(launch, tmp_path):
    class Well(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Well)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    script = tmp_path / "script"
    script.write_text("#!/bin/sh\necho depth 7 jobs\n")
    script.chmod(0o755)
    probe = launch(
        services=[{"name": "vllm", "health": f"http://127.0.0.1:{server.server_port}/health"}],
        scripts=[{"name": "queue", "command": [str(script)]}, {"name": "none", "command": ["/nowhere/none"]}],
        units=["mine"],
    )
    sweep = probe.sweep(lambda sweep: sweep.services and sweep.samples)
    assert (sweep.services[0].service, sweep.services[0].is_healthy) == ("vllm", True)
    assert [(row.source, row.series, row.value, row.unit) for row in sweep.samples] == [("queue", "depth", 7.0, "jobs")]
    assert probe.end() == 0
    server.shutdown()
    server.server_close()


def test_a_probe_that_ends_leaves_no_journalctl(launch, tmp_path):
    journalctl = tmp_path / "journalctl"
    journalctl.write_text(f'#!/bin/sh\necho $$ > "{tmp_path}/pid"; exec sleep 600\n')
    journalctl.chmod(0o755)
    probe = launch(kmsg="/nowhere", journal=str(journalctl))
    probe.hello()
    pid = tmp_path / "pid"
    probe.sweep(lambda _: pid.exists() and pid.read_text().endswith("\n"))
    child = Path("/proc") / pid.read_text().strip() / "stat"
    assert child.exists()
    assert probe.end() == 0
    until = time.monotonic() + WAIT_S
    while child.exists() and child.read_text().rpartition(")")[2].split()[0] != "Z" and time.monotonic() < until:
        pass
    assert not child.exists() or child.read_text().rpartition(")")[2].split()[0] == "Z"


VERSIONS = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"


@pytest.mark.parametrize("minor", range(6, 14))
def test_what_runs_children_does_so_under_every_python(launch, tmp_path, minor):
    found = sorted(VERSIONS.glob(f"3.{minor}.*/bin/python3"))
    if not found:
        pytest.skip(f"Python 3.{minor} is not installed")
    said = tmp_path / "said"
    fields = {"MESSAGE": "NVRM: Xid (PCI:0000:3b:00): 48, x", "__MONOTONIC_TIMESTAMP": "500000", "__CURSOR": "c"}
    said.write_text(json.dumps(fields) + "\n")
    for name, script in (("python3", f'exec "{found[0]}" "$@"'), ("journalctl", f'cat "{said}"; exec sleep 600')):
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
    probe = launch(
        path=f"{tmp_path}:/usr/bin:/bin",
        kmsg="/nowhere",
        journal=str(tmp_path / "journalctl"),
        scripts=[{"name": "queue", "command": ["echo", "depth", "7"]}],
    )
    assert probe.hello().python.startswith(f"3.{minor}.")
    event = probe.event("xid")
    assert (event.code, event.is_backlog, event.pci_bus_id) == (48, True, "00000000:3B:00.0")
    assert probe.sweep(lambda sweep: sweep.samples).samples[0].value == 7.0
    assert probe.end() == 0
    assert probe.process.stderr.read() == b""


DEAD_MOUNT = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)

def done(status):
    if status:
        sys.exit("no mount: " + os.strerror(ctypes.get_errno()))

done(libc.unshare(0x00020000))
done(libc.mount(b"none", b"/", None, (1 << 18) | (1 << 14), None))
server = os.open("/dev/fuse", os.O_RDWR)
os.set_inheritable(server, True)
options = b"fd=%d,rootmode=40000,user_id=0,group_id=0" % server
done(libc.mount(b"filer:/home", os.fsencode(sys.argv[1]), b"fuse.sshfs", 0, options))
os.execvp(sys.argv[2], sys.argv[2:])
"""
"""Mounts, in a namespace of its own, a filesystem whose server never answers, as a dead NFS server does not."""


@pytest.mark.skipif(os.geteuid() != 0 or not os.access("/dev/fuse", os.R_OK | os.W_OK), reason="may not mount")
def test_a_dead_mount_stops_no_sweep(launch, tmp_path):
    mount = tmp_path / "dead"
    mount.mkdir()
    probe = launch(argv=(sys.executable, "-c", DEAD_MOUNT, str(mount), *launch_argv()))

    def row_of(sweep):
        return next((row for row in sweep.filesystems if row.mount == str(mount)), None)

    before = []
    sweep = probe.sweep(lambda sweep: before.append(sweep) or (row_of(sweep) and row_of(sweep).is_silent))
    assert len(before) > 5
    assert all(sweep.memory.total_bytes for sweep in before)
    row = row_of(sweep)
    assert (row.device, row.fstype, row.total_bytes) == ("filer:/home", "fuse.sshfs", None)
    assert any(row.mount == "/" and row.total_bytes for row in sweep.filesystems)
    assert probe.end() == 0


HIDDEN = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
libc.unshare(0x00020000)
libc.mount(b"none", b"/", None, (1 << 18) | (1 << 14), None)
if libc.mount(b"proc", b"/proc", b"proc", 0, b"hidepid=2"):
    sys.exit("no mount: " + os.strerror(ctypes.get_errno()))
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
os.execv("/bin/sh", sys.argv[1:])
"""


@pytest.mark.skipif(os.geteuid() != 0 or not Path("/usr/bin/python3").exists(), reason="may not mount")
def test_a_user_who_may_see_little_is_told_so(launch):
    probe = launch(argv=(sys.executable, "-c", HIDDEN, *launch_argv()), path="/usr/bin:/bin", kmsg="/nowhere")
    hello = probe.hello()
    reasons = {gap.what: gap.why for gap in hello.unavailable}
    assert hello.user not in {None, "root"}
    assert "hidepid" in reasons["processes"]
    assert "kernel log" in reasons
    sweep = probe.sweep()
    assert (sweep.tasks.total > 0, sweep.tasks.zombies) == (True, None)
    assert sweep.memory.total_bytes > 0
    assert probe.end() == 0
