"""What the kernel says: each line that matters by its name, each occurrence once, and where it was read."""

import json
import os
import re
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leptontui.model.health import EVENTS
from leptontui.probe import kernel_lines
from leptontui.probe.flood import BURST, PER_S, Flood
from leptontui.probe.gaps import Gaps, Unreadable
from leptontui.probe.journal import PROVE_S, Journal, parse_entry
from leptontui.probe.kernel_lines import Interpreter, parse_message, pci_key, pci_text
from leptontui.probe.kernel_log import LOST_S, PAUSE_S, LogWatch, event_of
from leptontui.probe.kmsg import MOST_BACKLOG, KernelLog, parse_record

WAIT_S = 20.0
GPU = (0, 0x3B, 0)

LINES = [
    ("NVRM: Xid (PCI:0000:3b:00): 79, pid=1, GPU has fallen off the bus.", "xid", 79, GPU),
    ("NVRM: Xid (PCI:0000:3B:00): 13, Graphics Exception", "xid", 13, GPU),
    ("NVRM: Xid (PCI:0001:86:00.0): 48, DBE", "xid", 48, (1, 0x86, 0)),
    ("NVRM: Xid (PCI:0000:3b:00 GPU-I:05): 31, pid=7, name=python", "xid", 31, GPU),
    ("NVRM: Xid (0000:3b:00): 31, Ch 1", "xid", 31, GPU),
    ("[ 12.345678] NVRM: Xid (PCI:0000:3b:00): 94, Contained", "xid", 94, GPU),
    ("NVRM: GPU 0000:3b:00.0: GPU has fallen off the bus.", "xid", 79, GPU),
    ("NVRM: GPU at PCI:0000:3b:00: GPU has fallen off the bus.", "xid", 79, GPU),
    ("nvidia-nvswitch3: SXid (PCI:0000:3b:00.0): 12028, Non-fatal, Link 32 egress", "sxid", 12028, GPU),
    ("INFO: task nv_queue:123 blocked for more than 120 seconds.", "hung-task", None, None),
    ("watchdog: BUG: soft lockup - CPU#4 stuck for 22s! [python:1]", "soft-lockup", None, None),
    ("Out of memory: Killed process 12 (python) total-vm:1kB", "oom-kill", None, None),
    ("Memory cgroup out of memory: Killed process 12 (python) total-vm:1kB", "oom-kill", None, None),
    ("nvme nvme0: I/O 12 QID 4 timeout, aborting", "disk-error", None, None),
    ("nvme nvme0: I/O tag 12 (100c) opcode 0x2 (I/O Cmd) QID 4 timeout, reset controller", "disk-error", None, None),
    ("nvme nvme1: controller is down; will reset: CSTS=0xffffffff", "disk-error", None, None),
    ("blk_update_request: I/O error, dev sda, sector 4", "disk-error", None, None),
    ("nfs: server filer not responding, still trying", "nfs-silent", None, None),
    ("nfs: server filer not responding, timed out", "nfs-silent", None, None),
    ("nfs: server filer OK", "nfs-answers", None, None),
    ("python[7]: segfault at 0 ip 00 sp 00 error 4 in libnccl.so.2.18[7f+1]", "nccl-segfault", None, None),
    ("EXT4-fs (sda1): Remounting filesystem read-only", "readonly-remount", None, None),
    ("BTRFS info (device sda1): forced readonly", "readonly-remount", None, None),
    ("XFS (dm-0): Filesystem has been shut down due to log error (0x2).", "readonly-remount", None, None),
    ("mlx5_core 0000:3b:00.0: mlx5_pcie_event: Detected insufficient power on the PCIe slot", "pcie-power", None, None),
    (
        "NVRM: GPU 0000:3b:00.0: RmInitAdapter: does not have the necessary power cables connected",
        "pcie-power",
        None,
        GPU,
    ),
]


@pytest.mark.parametrize(("line", "name", "code", "pci"), LINES)
def test_lines_that_matter(line, name, code, pci):
    happening = parse_message(line)
    assert happening is not None
    assert happening[:3] == (name, code, pci)
    assert name in EVENTS
    assert kernel_lines.matters(line.encode())
    assert re.sub(r"^\[.*?\] ", "", line) == happening.text


@pytest.mark.parametrize(
    "line",
    [
        "",
        "NVRM: loading NVIDIA UNIX x86_64 Kernel Module  580.95.05",
        "audit: memory",
        "usb 1-1: Xid (PCI:1): 7",
        "I/O error, dev sr0, sector 0",
        "EXT4-fs (sda1): mounted filesystem read-only",
        "nvidia-nvswitch3: SXid (PCI:0000:3b:00.0): 12028, Data {0x0}",
        "python[7]: segfault at 0 ip 00 sp 00 error 4 in libc.so.6[7f+1]",
        "systemd[1]: NVRM: Xid",
    ],
)
def test_lines_that_do_not(line):
    assert parse_message(line) is None


def test_pci_addresses_of_kernel_and_nvml_are_the_same():
    assert pci_key("00000000:3B:00.0") == pci_key("0000:3b:00") == pci_key("3b:00.0") == GPU
    assert pci_text(GPU) == "00000000:3B:00.0"
    assert pci_key("x") is None
    assert pci_text(None) is None


def test_two_lines_about_one_fall_are_one_event_and_each_fall_counts():
    interpret = Interpreter()
    numbered = "NVRM: Xid (PCI:0000:3b:00): 79, pid=1, GPU has fallen off the bus."
    bare = "NVRM: GPU 0000:3b:00.0: GPU has fallen off the bus."
    assert interpret(numbered, 1.0).code == 79
    assert interpret(bare, 1.1) is None
    assert interpret(numbered, 9.0) is not None
    assert interpret(bare, 12.0) is not None
    other = "NVRM: GPU 0000:3c:00.0: GPU has fallen off the bus."
    assert interpret(other, 12.0).pci == (0, 0x3C, 0)


def test_a_fall_without_an_address_is_of_the_gpu_named_before():
    interpret = Interpreter()
    assert interpret("NVRM: The NVIDIA GPU 0000:3b:00.0") is None
    assert interpret("NVRM: fallen off the bus and is not responding to commands.").pci == GPU


def test_the_same_line_counts_each_time():
    interpret = Interpreter()
    assert [interpret("NVRM: Xid (PCI:0000:3b:00): 13, x", 1.0).code for _ in range(3)] == [13, 13, 13]


@given(line=st.one_of(st.text(max_size=300), st.text(max_size=200).map(lambda text: "NVRM: Xid (PCI:" + text)))
def test_garbage_is_no_exception(line):
    for happening in (parse_message(line), Interpreter()(line, None), parse_message(line.encode("utf-8", "replace"))):
        assert happening is None or happening.name in EVENTS
        json.dumps(happening, allow_nan=False)


@given(line=st.binary(max_size=300))
def test_garbage_records_are_no_exception(line):
    message, stamp_s = parse_record(line)
    assert message in line
    assert stamp_s is None or stamp_s >= 0.0
    parse_entry(line)


@given(
    entry=st.dictionaries(
        st.sampled_from(["MESSAGE", "__MONOTONIC_TIMESTAMP", "__CURSOR"]),
        st.one_of(
            st.none(), st.text(max_size=20), st.integers(), st.floats(), st.lists(st.integers(-1, 300), max_size=9)
        ),
    )
)
def test_garbage_entries_of_the_journal_are_no_exception(entry):
    message, stamp_s, cursor = parse_entry(json.dumps(entry).encode())
    assert message is None or isinstance(message, str | bytes)
    assert stamp_s is None or stamp_s >= 0.0
    assert cursor is None or isinstance(cursor, str)


def test_an_entry_of_the_journal():
    line = b'{"MESSAGE":"NVRM: x","__MONOTONIC_TIMESTAMP":"1500000","__CURSOR":"s=1"}'
    assert parse_entry(line) == ("NVRM: x", 1.5, "s=1")
    assert parse_entry(b'{"MESSAGE":[78,86,255]}') == (b"NV\xff", None, None)
    assert parse_entry(b"[1]") == (None, None, None)


# /dev/kmsg


def codes(events):
    return [(event.happening.code, event.is_backlog) for event in events]


def test_what_was_logged_before_is_backlog_and_what_comes_is_not(tmp_path):
    path = tmp_path / "kmsg"
    path.write_text(
        "6,1,1500000,-;NVRM: Xid (PCI:0000:3b:00): 31, old\n SUBSYSTEM=pci\n DEVICE=NVRM: Xid (PCI:0000:3b:00): 1\n"
    )
    log = KernelLog(str(path))
    (event,) = log.events()
    assert (event.happening.code, event.stamp_s, event.is_backlog) == (31, 1.5, True)
    assert log.events() == []
    with path.open("a") as file:
        file.write("NVRM: Xid (PCI:0000:3b:00): 79, pid=1, GPU has fallen off the bus.\n")
        file.write("NVRM: GPU 0000:3b:00.0: GPU has fallen off the bus.\nNVRM: Xid (PCI:0000:3b:00): 13, x\n")
        file.write("NVRM: Xid (PCI:0000:3b:00): 13, x\nNVRM: Xid (PCI:0000:3b:00): 4")
    assert codes(log.events()) == [(79, False), (13, False), (13, False)]
    with path.open("a") as file:
        file.write("8, y\n")
    assert codes(log.events()) == [(48, False)]
    log.close()


def test_the_backlog_is_the_newest_of_a_long_log(tmp_path):
    path = tmp_path / "kmsg"
    path.write_text("".join(f"6,{n},{n},-;NVRM: Xid (PCI:0000:3b:00): {n}, x\n" for n in range(1000)))
    log = KernelLog(str(path))
    events = []
    while not events:
        events = log.events()
    assert codes(events) == [(n, True) for n in range(1000 - MOST_BACKLOG, 1000)]
    log.close()


def test_a_kernel_log_that_cannot_be_read_says_why(tmp_path):
    with pytest.raises(Unreadable, match="No such file"):
        KernelLog(str(tmp_path / "none"))
    with pytest.raises(Unreadable, match="not the kernel's log"):
        KernelLog("/dev/null")


def test_a_real_kernel_log_is_read():
    try:
        log = KernelLog("/dev/kmsg")
    except Unreadable:
        pytest.skip("not readable here")
    assert log.fd is not None
    log.events()
    log.close()


# The journal


def command(tmp_path, script):
    path = tmp_path / "journalctl"
    path.write_text("#!/bin/sh\n" + script)
    path.chmod(path.stat().st_mode | stat.S_IEXEC)
    return str(path)


def entry(message, stamp_s, cursor="c"):
    fields = {"MESSAGE": message, "__MONOTONIC_TIMESTAMP": str(int(stamp_s * 1e6)), "__CURSOR": cursor}
    return json.dumps(fields) + "\n"


def gathered(journal, count):
    """The first `count` events of a journal."""
    events = []
    until = time.monotonic() + WAIT_S
    while len(events) < count and time.monotonic() < until:
        journal.check(time.monotonic())
        events += journal.events()
    return events


def is_gone(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def wait_until(is_done):
    until = time.monotonic() + WAIT_S
    while not is_done() and time.monotonic() < until:
        pass
    assert is_done()


def test_the_journal_tells_what_was_and_what_comes(tmp_path):
    said = tmp_path / "said"
    later = time.monotonic() + 1000.0
    said.write_text(
        entry("Linux version 6.1", 0.0)
        + entry("NVRM: Xid (PCI:0000:3b:00): 48, x", 0.5)
        + entry("NVRM: Xid (PCI:0000:3b:00): 79, y", later)
    )
    journal = Journal(command(tmp_path, f'cat "{said}"; exec sleep 600\n'))
    assert codes(gathered(journal, 2)) == [(48, True), (79, False)]
    assert journal.is_proven
    child = journal._child.pid
    journal.close()
    wait_until(lambda: is_gone(child))


def test_a_journal_that_ends_is_started_again_where_it_was(tmp_path, monkeypatch):
    monkeypatch.setattr("leptontui.probe.journal.RESTART_S", 0.0)
    line = entry("NVRM: Xid (PCI:0000:3b:00): 48, x", time.monotonic() + 1000.0, cursor="s=9;i=1")
    said = tmp_path / "said"
    said.write_text(line)
    journal = Journal(command(tmp_path, f'echo "$@" >> "{tmp_path}/asked"; cat "{said}"\n'))
    assert len(gathered(journal, 2)) == 2
    journal.close()
    first, second = (tmp_path / "asked").read_text().splitlines()[:2]
    assert "--lines=" in first
    assert "--dmesg" in first
    assert "--after-cursor=s=9;i=1" in second


def test_a_journal_that_shows_nothing_of_the_kernel_says_so(tmp_path):
    journal = Journal(command(tmp_path, "exec sleep 600\n"))
    journal.check(time.monotonic())
    with pytest.raises(Unreadable, match="no line of the kernel"):
        journal.check(time.monotonic() + PROVE_S + 1.0)
    journal.close()


def test_a_journal_that_refuses_says_why(tmp_path):
    journal = Journal(command(tmp_path, "echo 'No journal files were opened' >&2; exit 1\n"))
    until = time.monotonic() + WAIT_S
    while journal._why is None and time.monotonic() < until:
        journal.check(time.monotonic())
        journal.events()
    with pytest.raises(Unreadable, match="No journal files were opened"):
        journal.check(time.monotonic() + PROVE_S + 1.0)
    journal.close()


def test_a_journal_that_complains_much_is_still_heard(tmp_path):
    said = tmp_path / "said"
    said.write_text(entry("NVRM: Xid (PCI:0000:3b:00): 79, x", time.monotonic() + 1000.0))
    journal = Journal(command(tmp_path, f'head -c 300000 /dev/zero | tr "\\0" x >&2; cat "{said}"; exec sleep 600\n'))
    assert codes(gathered(journal, 1)) == [(79, False)]
    journal.close()


def test_a_probe_that_is_killed_leaves_no_journalctl_behind(tmp_path):
    path = command(tmp_path, f'echo $$ > "{tmp_path}/pid"; exec sleep 600\n')
    script = "import sys; from leptontui.probe import children; children.start(sys.argv[1:], is_lasting=True)\n"
    script += "import time; time.sleep(600)"
    probe = subprocess.Popen([sys.executable, "-c", script, path])
    pid = tmp_path / "pid"
    wait_until(lambda: pid.exists() and pid.read_text().endswith("\n"))
    child = int(pid.read_text())
    assert not is_gone(child)
    probe.send_signal(signal.SIGKILL)
    probe.wait(WAIT_S)
    wait_until(lambda: is_gone(child))


# Wherever it is


def watched(config, tmp_path, rounds=1):
    gaps, told = Gaps(), []
    watch = LogWatch(config, gaps, lambda *event: told.append(event))
    for _ in range(rounds):
        watch.check(time.monotonic())
    return watch, gaps, told


def test_what_happened_before_is_dated_by_the_log(tmp_path):
    path = tmp_path / "kmsg"
    path.write_text("6,1,1000000,-;NVRM: Xid (PCI:0000:3b:00): 31, old\n")
    watch, gaps, ((happening, t_unix_s, is_backlog),) = watched({"kmsg": str(path)}, tmp_path)
    assert happening.code == 31
    assert is_backlog
    started = time.time() - time.monotonic()
    assert t_unix_s == pytest.approx(started + 1.0, abs=1.0)
    assert gaps.listed() == []
    assert watch.is_telling
    watch.close()


def test_without_either_the_reason_is_given(tmp_path):
    watch, gaps, told = watched({"kmsg": str(tmp_path / "none")}, tmp_path)
    assert [(gap["what"], "No such file" in gap["why"]) for gap in gaps.listed()] == [("kernel log", True)]
    assert not watch.is_telling
    assert told == []
    watch.close()


def test_without_kmsg_the_journal_is_read(tmp_path):
    said = tmp_path / "said"
    said.write_text(entry("Linux version", 0.0) + entry("NVRM: Xid (PCI:0000:3b:00): 48, x", time.monotonic() + 1000.0))
    journalctl = command(tmp_path, f'cat "{said}"; exec sleep 600\n')
    watch, gaps, told = watched({"kmsg": str(tmp_path / "none"), "journal": journalctl}, tmp_path)
    until = time.monotonic() + WAIT_S
    while not told and time.monotonic() < until:
        watch.check(time.monotonic())
    assert [happening.code for happening, _, _ in told] == [48]
    assert watch.is_telling
    assert gaps.listed() == []
    watch.close()


class Watched:
    """A channel that notes what it is to wait for."""

    def __init__(self):
        self.callbacks = {}

    def watch(self, fd, callback):
        self.callbacks[fd] = callback

    def unwatch(self, fd):
        del self.callbacks[fd]


def test_a_log_that_never_ends_is_left_alone_for_a_while(tmp_path, monkeypatch):
    monkeypatch.setattr("leptontui.probe.kmsg._MOST_READS", 2)
    path = tmp_path / "kmsg"
    os.mkfifo(path)
    end = os.open(path, os.O_RDWR)
    channel, told = Watched(), []
    watch = LogWatch({"kmsg": str(path)}, Gaps(), lambda *event: told.append(event), channel)
    os.write(end, b"NVRM: Xid (PCI:0000:3b:00): 13, pid=7\n" * 1000)
    ((_, read),) = channel.callbacks.items()
    read()
    assert channel.callbacks == {}
    before = len(told)
    assert 0 < before < 1000
    watch.check(time.monotonic())
    assert len(told) == before
    now = time.monotonic()
    while not channel.callbacks:
        now += PAUSE_S
        watch.check(now)
    assert len(told) == 1000
    watch.close()
    os.close(end)


def test_lines_that_were_lost_are_told_for_a_minute(tmp_path):
    path = tmp_path / "kmsg"
    path.touch()
    watch, gaps, _ = watched({"kmsg": str(path)}, tmp_path)
    watch._log.has_lost = True
    watch.check(time.monotonic())
    assert "some were lost" in gaps.listed()[0]["why"]
    watch.check(time.monotonic() + LOST_S)
    assert gaps.listed() == []
    watch.close()


def test_events_of_unknown_gpus_say_where():
    happening = parse_message(LINES[0][0])
    assert event_of(happening, 1.0, True, None)["pci_bus_id"] == "00000000:3B:00.0"
    known = event_of(happening, 1.0, True, "GPU-1")
    assert (known["pci_bus_id"], known["gpu_uuid"]) == (None, "GPU-1")


# Too much


def said(number, *, is_backlog=False, name="xid"):
    return {
        "name": name,
        "code": 13,
        "gpu_uuid": "GPU-1",
        "pci_bus_id": None,
        "text": f"line {number}",
        "is_backlog": is_backlog,
    }


def test_a_flood_is_told_as_how_much_it_was():
    flood = Flood()
    for number in range(BURST + 500):
        flood.put(said(number), 10.0)
    told = flood.take(10.0)
    assert [event["text"] for event in told] == [f"line {number}" for number in range(BURST)]
    assert flood.take(10.0) == []
    (summary,) = flood.take(10.0 + 1.5 / PER_S)
    assert summary["text"] == f"500 events like this, too many to tell one by one; the last: line {BURST + 499}"
    assert summary["code"] == 13
    assert flood.take(11.0) == []


def test_what_few_there_are_is_told_one_by_one_again_after_a_flood():
    flood = Flood()
    for number in range(BURST + 1):
        flood.put(said(number), 10.0)
    assert [event["text"] for event in flood.take(20.0)][-1] == f"line {BURST}"
    flood.put(said(7), 21.0)
    assert [event["text"] for event in flood.take(21.0)] == ["line 7"]


def test_the_backlog_is_told_whole():
    flood = Flood()
    for number in range(MOST_BACKLOG):
        flood.put(said(number, is_backlog=True), 10.0)
    assert len(flood.take(10.0)) == MOST_BACKLOG


@given(names=st.lists(st.text(max_size=3), max_size=400))
def test_a_flood_of_any_kind_is_bounded_and_none_is_forgotten(names):
    flood = Flood()
    for name in names:
        flood.put(said(1, name=name), 10.0)
    assert len(flood._left_out) <= 65
    told = flood.take(10.0) + flood.take(1000.0)
    counts = [int(event["text"].split()[0]) if "events" in event["text"] else 1 for event in told]
    assert sum(counts) == len(names)
