"""Calls that hang are left behind, and everything around them goes on."""

import threading

from leptontui.probe.filesystems import PERIOD_S, FilesystemReader
from leptontui.probe.gaps import Gaps
from leptontui.probe.loop import next_due
from leptontui.probe.patrol import Patrol
from leptontui.probe.processes import ProcessReader

LIMIT_S = 0.5
WAIT_S = 20.0


class Gate:
    """A call that hangs for some items until it is let go."""

    def __init__(self, *hanging):
        self.hanging = hanging
        self.asked = []
        self.let_go = threading.Event()

    def __call__(self, item):
        self.asked.append(item)
        if item in self.hanging:
            self.let_go.wait(WAIT_S)
        return f"{item}!"


def test_all_items_are_visited():
    patrol = Patrol(Gate(), LIMIT_S * 100)
    patrol.send(["a", "b"])
    patrol.join(WAIT_S)
    assert patrol.found == {"a": ("a!", None), "b": ("b!", None)}
    patrol.send(["b"])
    assert "a" not in patrol.found


def test_an_exception_is_an_answer():
    patrol = Patrol(lambda _: 1 / 0, LIMIT_S)
    patrol.send(["a"])
    patrol.join(WAIT_S)
    value, error = patrol.found["a"]
    assert value is None
    assert isinstance(error, ZeroDivisionError)


def test_what_hangs_is_left_behind_and_taken_up_again_when_it_returns():
    gate = Gate("b")
    woken = threading.Event()
    patrol = Patrol(gate, LIMIT_S, woken.set)
    patrol.send(["a", "b", "c"])
    patrol.join(WAIT_S)
    assert patrol.hung == {"b"}
    assert patrol.found == {"a": ("a!", None), "c": ("c!", None)}
    patrol.send(["b", "c"])
    patrol.join(WAIT_S)
    assert gate.asked.count("b") == 1
    assert woken.wait(WAIT_S)
    woken.clear()
    gate.let_go.set()
    assert woken.wait(WAIT_S)
    assert patrol.hung == frozenset()
    assert patrol.found["b"] == ("b!", None)
    patrol.send(["b"])
    patrol.join(WAIT_S)
    assert gate.asked.count("b") == 2


def test_a_dead_filesystem_keeps_its_row_and_says_why(tree):
    root = tree({"mounts": "/dev/sda1 / ext4 rw 0 0\nfiler:/x /mnt/x nfs rw 0 0\nfiler:/y /mnt/y nfs rw 0 0\n"})
    gate = Gate(b"/mnt/x")
    reader = FilesystemReader(root, ask=lambda mount: gate(mount) and {"total_bytes": 7}, limit_s=LIMIT_S)
    reader.read(0.0)
    reader.join(WAIT_S)
    rows = {row["mount"]: row.get("total_bytes") for row in reader.read(1.0)}
    assert rows == {"/": 7, "/mnt/x": None, "/mnt/y": 7}
    assert reader.silent() == {"/mnt/x": "statvfs does not answer"}
    gate.let_go.set()


def test_filesystems_are_asked_every_ten_seconds(tree):
    gate = Gate()
    reader = FilesystemReader(tree({"mounts": "/dev/sda1 / ext4 rw 0 0\n"}), ask=lambda mount: gate(mount) and {})
    for now in (0.0, 1.0, PERIOD_S - 0.1, PERIOD_S, PERIOD_S + 1.0):
        reader.read(now)
        reader.join(WAIT_S)
    assert gate.asked == [b"/", b"/"]


def test_a_filesystem_that_refuses_says_why(tree):
    def refuse(_):
        raise PermissionError(13, "Permission denied")

    reader = FilesystemReader(tree({"mounts": "/dev/sda1 / ext4 rw 0 0\n"}), ask=refuse)
    reader.read(0.0)
    reader.join(WAIT_S)
    assert [row["mount"] for row in reader.read(1.0)] == ["/"]
    assert reader.silent() == {"/": "Permission denied"}


def test_a_process_that_cannot_be_read_is_told_without_user_and_command():
    gate = Gate(2)
    reader = ProcessReader(lambda pid: {"user": gate(pid)}, limit_s=LIMIT_S)
    uses = [{"uuid": "g", "pid": 1}, {"uuid": "g", "pid": 2}, {"uuid": "h", "pid": 1}]
    reader.ask(uses)
    reader.join(WAIT_S)
    assert reader.rows(uses) == [
        {"uuid": "g", "pid": 1, "user": "1!"},
        {"uuid": "g", "pid": 2},
        {"uuid": "h", "pid": 1, "user": "1!"},
    ]
    gate.let_go.set()


def test_a_reader_that_fails_is_listed_once_left_alone_and_taken_off_when_it_works():
    gaps = Gaps()
    calls = []

    def read():
        calls.append(1)
        if len(calls) < 3:
            raise OSError("no such thing")
        return 5

    assert gaps.attempt("x", read, 0.0, None) is None
    assert gaps.attempt("x", read, 1.0, None) is None
    assert len(calls) == 1
    version = gaps.version
    assert gaps.attempt("x", read, 10.0, None) is None
    assert gaps.version == version
    assert gaps.listed() == [{"what": "x", "why": "OSError: no such thing"}]
    assert gaps.attempt("x", read, 20.0, None) == 5
    assert gaps.listed() == []


def test_sweeps_do_not_drift_and_do_not_burst():
    assert next_due(10.0, 1.0, 0.25) == 10.25
    assert next_due(10.25, 1.0, 0.25) == 11.25
    assert next_due(14.5, 1.0, 0.25) == 15.25
    assert next_due(100.0, 5.0, 0.5) == 102.5
