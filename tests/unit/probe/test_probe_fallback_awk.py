"""The fallback's awk by itself: what it makes of lines that a host cannot be made to say in a test."""

import os
import shutil
import subprocess
from importlib import resources
from pathlib import Path

import pytest

from leptontui.sources.bare import bare_script
from leptontui.wire import Event, Hello, Sweep, decode

AWKS = {"mawk": ("mawk",), "gawk": ("gawk",), "busybox": ("busybox", "awk"), "original-awk": ("original-awk",)}
C_LOCALE = {"PATH": os.environ["PATH"], "LC_ALL": "C"}
"""As fallback.sh sets it."""
FILES = ("fallback.awk", "fallback_gpus.awk", "fallback_host.awk", "fallback_kernel.awk")
UUID = "GPU-00000000-0000-0000-0000-000000000000"
UPTIME = float(Path("/proc/uptime").read_text().split()[0])
LATER = UPTIME + 1e6
GPUS = [
    "G fields i uuid,index,name,pci.bus_id,driver_version",
    "G < i",
    f"G = {UUID}, 0, NVIDIA H100 80GB HBM3, 00000000:3B:00.0, 580.1",
    "G > 0",
    "G fields f uuid,index,temperature.gpu",
    "G < f",
    f"G = {UUID}, 0, 64",
    "G > 0",
]


@pytest.fixture(params=AWKS)
def say(request):
    """Has one awk read lines, and returns the messages it made of them."""
    argv = AWKS[request.param]
    if shutil.which(argv[0]) is None:
        pytest.skip(f"{argv[0]} is not installed")
    folder = resources.files("leptontui.probe")
    program = "".join(bare_script(folder.joinpath(name).read_text()) for name in FILES)

    def run(*lines, before=("I hostname gpu001", "I interval 100")):
        content = "\n".join([*before, *lines]).encode("utf-8", "surrogateescape") + b"\n"
        done = subprocess.run(
            [*argv, program], input=content, capture_output=True, timeout=60, check=True, env=C_LOCALE
        )
        assert done.stderr == b""
        return [decode(line) for line in done.stdout.splitlines()]

    return run


def kmsg(number, text, at_s=UPTIME - 100):
    return f"4,{number},{at_s * 1e6:.0f},-;{text}"


def events(messages):
    return [message for message in messages if isinstance(message, Event)]


def test_the_log_from_before_is_told_after_the_hello_with_its_gpu(say):
    messages = say(
        kmsg(1, "NVRM: Xid (PCI:0000:3b:00): 79, pid=7, GPU has fallen off the bus."),
        kmsg(2, "NVRM: GPU 0000:3b:00.0: GPU has fallen off the bus."),
        kmsg(3, "NVRM: Xid (PCI:0000:99:00 GPU-I:05): 13, pid=7", at_s=UPTIME - 50),
        kmsg(3, "NVRM: Xid (PCI:0000:99:00): 13, read again from the start", at_s=UPTIME - 50),
        " SUBSYSTEM=pci",
        " T",
        *GPUS,
        "T",
        kmsg(4, "NVRM: Xid (PCI:0000:3b:00): 63, pid=8", at_s=LATER),
        "T",
    )
    assert isinstance(messages[0], Hello)
    found = [(event.code, event.gpu_uuid, event.pci_bus_id, event.is_backlog) for event in events(messages)]
    assert found == [(79, UUID, None, True), (13, None, "0000:99:00", True), (63, UUID, None, False)]
    # Nobody told how far the wall clock is from the time since boot.
    assert events(messages)[0].t_unix_s == pytest.approx(UPTIME - 100, abs=0.01)


@pytest.mark.parametrize(
    ("text", "name", "code"),
    [
        ("NVRM: GPU at PCI:0000:3b:00: fallen off the bus", "xid", 79),
        ("nvidia-nvswitch3: SXid (PCI:0000:86:00.0): 20034, Fatal, Link 30 LTSSM Fault Up", "sxid", 20034),
        ("Out of memory: Killed process 2210 (python) total-vm:9kB", "oom-kill", None),
        ("EXT4-fs (sda1): Remounting filesystem read-only", "readonly-remount", None),
        ("INFO: task khugepaged:1 blocked for more than 120 seconds.", "hung-task", None),
        ("watchdog: BUG: soft lockup - CPU#3 stuck for 23s! [python:99]", "soft-lockup", None),
        ("nfs: server 10.0.0.5 not responding, still trying", "nfs-silent", None),
        ("nfs: server 10.0.0.5 OK", "nfs-answers", None),
        ("python[99]: segfault at 0 ip 00007f sp 00007f error 4 in libnccl.so.2[7f+1]", "nccl-segfault", None),
        ("nvme nvme0: I/O 1 QID 2 timeout, reset controller", "disk-error", None),
        ("blk_update_request: I/O error, dev sda, sector 2048 op 0x0:(READ)", "disk-error", None),
        ("mlx5_core 0000:12:00.0: Detected insufficient power on the PCIe slot (27W).", "pcie-power", None),
        ("blk_update_request: I/O error, dev sr0, sector 0", None, None),
        ("nvidia-nvswitch3: SXid (PCI:0000:86:00.0): 20034, Data {0x1}", None, None),
        ("usb 1-1: new high-speed USB device", None, None),
    ],
)
def test_each_kind_of_line(say, text, name, code):
    told = [(event.name, event.code, event.text) for event in events(say(kmsg(1, text), *GPUS, "T"))]
    assert told == ([(name, code, text)] if name else [])


def test_a_long_log_keeps_its_latest(say):
    lines = [kmsg(number, f"NVRM: Xid (PCI:0000:3b:00): {number}, pid=1") for number in range(1, 500)]
    assert [event.code for event in events(say(*lines, *GPUS, "T"))] == list(range(300, 500))


def test_a_flood_of_events_is_cut_short_and_said(say):
    lines = [kmsg(number, "NVRM: Xid (PCI:0000:3b:00): 13, pid=1", LATER) for number in range(1, 500)]
    messages = say(*GPUS, "T", *lines, "T")
    assert len(events(messages)) == 40


HOSTILE = [
    "G", "G =", "G >", "G <", "G P", "G P 1; rm -rf /", "G fields", "G fields f", "G bus x", "G > x", "G < f",
    "G = " + "," * 5000, "G = GPU-\"\\, 0, 64", "F", "F <", "F >", "F |||||||||", "F /\"\\|/dev/x|ext4|rw|1|2|3|4|5|6",
    "F /x|/dev/x|ext4|rw|4096|9999999999999999999999|1|1|1|1", "F /x|d|nfs|ro|-1|-1|-1|-1|-1|-1", "F end", "U", "U =",
    "U begin", "U Id=\"\\", "U NRestarts=-5", "U MainPID=1e9", "U", "U end", "I", "I gap", "I limit", "I pids",
    "I gap \" \\",
    "I pids ../../etc/passwd x", "I clock", "I named", "I user \x1b[31m\udcff", "1,2,3,-;", "9,9,9,-;NVRM: Xid",
    "B", "B begin", "B |||||||||||", "B \"|x|\\|1|9e9 Gb/sec|-1|1e5|x|x|x|x", "B end",
    "9,10,9,-;NVRM: Xid (\"): 99999999999999999999", "\x00\x01", "\udcff\udcfe", "x" * 100_000,
]  # fmt: skip


def test_a_gpu_whose_number_is_not_told_is_listed(say):
    other = UUID[:-1] + "1"
    hello = say(*GPUS, "G < i", f"G = {other}, [Unknown Error], [N/A], [N/A], 580.1", "G > 0", "T")[0]
    assert [(gpu.uuid, gpu.index) for gpu in hello.gpus] == [(UUID, 0), (other, 1)]


def test_whatever_it_is_told_it_says_what_can_be_decoded(say):
    messages = say(*GPUS, *HOSTILE, "T", *HOSTILE, "T")
    assert isinstance(messages[0], Hello)
    assert sum(isinstance(message, Sweep) for message in messages) == 2


@pytest.mark.parametrize(
    "cell",
    [
        "007",
        "-5",
        "-05",
        "0.50",
        "00.5",
        ".5",
        "5.",
        "1e5",
        "--1",
        "+1",
        "nan",
        "inf",
        "0x10",
        "9" * 40,
        "1,000",
        "\udcff",
        '"',
    ],
)
def test_every_number_is_one_of_json_or_none(say, cell):
    (sweep,) = [said for said in say(*GPUS, "G < f", f"G = {UUID}, 0, {cell}", "G > 0", "T") if isinstance(said, Sweep)]
    expected = {"007": 7, "-5": -5, "-05": -5, "0.50": 0.5, "00.5": 0.5, "1,000": 1}.get(cell)
    assert sweep.gpus[0].temp_c == expected


def test_a_network_filesystem_that_does_not_answer_is_named_without_sizes(say):
    rows = "|/dev/sda1|ext4|rw|4096|1000|400|300|64|32"
    messages = say(
        *GPUS, "F begin", "F /" + rows, "F < /mnt/dead", "F > /mnt/dead",
        "F /mnt/dead|nas:/x|nfs4|rw|silent", "F end", "T",
    )  # fmt: skip
    hello, sweep = messages
    assert [(row.mount, row.total_bytes, row.is_silent) for row in sweep.filesystems] == [
        ("/", 4096000, None),
        ("/mnt/dead", None, True),
    ]
    assert sweep.filesystems[0].used_bytes == 600 * 4096
    assert sweep.filesystems[0].inodes_used == 32
    assert {gap.what: gap.why for gap in hello.unavailable}["filesystem /mnt/dead"] == "it does not answer"


def test_units_are_read_in_whatever_order_their_lines_come(say):
    messages = say(
        *GPUS, "I named vllm absent", "U begin",
        "U MainPID=7", "U NRestarts=2", "U Id=slurmd.service", "U LoadState=loaded", "U ActiveState=active",
        "U SubState=running", "U StateChangeTimestampMonotonic=1000000", "U",
        "U Id=kubelet.service", "U LoadState=not-found", "U ActiveState=inactive", "U",
        "U Id=absent.service", "U LoadState=not-found", "U ActiveState=inactive", "U", "U end", "T",
    )  # fmt: skip
    hello, sweep = messages
    slurmd, absent = sweep.units
    assert (slurmd.unit, slurmd.active, slurmd.sub, slurmd.main_pid, slurmd.restarts) == (
        "slurmd",
        "active",
        "running",
        7,
        2,
    )
    assert slurmd.since_s > 0
    assert (absent.unit, absent.active) == ("absent", "not-found")
    assert hello.scheduler == "slurm"


def test_a_slow_nvidia_smi_is_said(say):
    hello, _ = say(*GPUS, "G pace nvidia-smi takes 0.6 s: GPUs are read every 4 s", "T")
    assert {gap.what: gap.why for gap in hello.unavailable}["gpu cadence"].endswith("every 4 s")
