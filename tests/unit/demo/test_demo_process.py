"""The simulated fleet in a process of its own: it starts, it stops, and it leaves nothing behind in any case."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from leptontui.demo.spawn import DemoProcess, spawn_demo
from leptontui.errors import LeptonError

SERVE = [sys.executable, "-m", "leptontui.demo.serve", "--hosts=2", "--gpus=1", "--history-s=0"]

SPAWN_AND_DIE = """
import os, signal
from leptontui.demo.spawn import spawn_demo
demo = spawn_demo(hosts=1, gpus=1, history_s=0.0)
print(demo.pid, demo.inventory, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def has_ended(pid):
    """Whether process `pid` is gone or only waits to be reaped."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def becomes_true(condition, within_s=15.0):
    until_s = time.monotonic() + within_s
    while not condition() and time.monotonic() < until_s:
        time.sleep(0.05)
    return condition()


def start(*options):
    process = subprocess.Popen(
        [*SERVE, *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    return process, Path(process.stdout.readline().strip())


def test_a_spawned_fleet_can_be_read_and_leaves_nothing_behind():
    with spawn_demo(hosts=2, gpus=1, history_s=0.0) as demo:
        assert isinstance(demo, DemoProcess)
        assert demo.is_running
        assert 'name = "demo"' in demo.inventory.read_text()
        assert (demo.inventory.parent / "ssh_config").exists()
    assert not demo.is_running
    assert not demo.inventory.parent.exists()
    demo.stop()


def test_stopping_a_fleet_that_was_killed_removes_its_directory():
    demo = spawn_demo(hosts=1, gpus=1, history_s=0.0)
    os.kill(demo.pid, signal.SIGKILL)
    assert becomes_true(lambda: not demo.is_running)
    assert demo.inventory.exists()
    demo.stop()
    assert not demo.inventory.parent.exists()


def test_a_fleet_that_cannot_start_says_why():
    with pytest.raises(LeptonError, match="at least one host"):
        spawn_demo(hosts=0, gpus=1)


def test_it_ends_when_its_stdin_closes():
    process, inventory = start("--until-stdin-closes")
    assert inventory.exists()
    _, stderr = process.communicate(timeout=15)
    assert (process.returncode, stderr) == (0, "")
    assert not inventory.parent.exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_ends_cleanly_by_signal_without_a_traceback(number):
    process, inventory = start()
    assert inventory.exists()
    process.send_signal(number)
    _, stderr = process.communicate(timeout=15)
    assert (process.returncode, stderr) == (0, "")
    assert not inventory.parent.exists()


def test_it_goes_on_without_stdin_when_not_told_otherwise():
    process, inventory = start()
    process.stdin.close()
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.5)
    assert inventory.exists()
    process.terminate()
    process.wait(15)
    process.stdout.close()
    process.stderr.close()


def test_it_dies_with_a_parent_that_was_killed():
    parent = subprocess.run(
        [
            sys.executable,
            "-c",
            SPAWN_AND_DIE,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert parent.returncode == -signal.SIGKILL
    pid, inventory = parent.stdout.split()
    assert becomes_true(lambda: has_ended(int(pid)))
    assert not Path(inventory).parent.exists()


def test_a_directory_that_is_in_use_is_an_error_in_words(tmp_path):
    (tmp_path / "file").touch()
    completed = subprocess.run([*SERVE, f"--directory={tmp_path}"], capture_output=True, text=True, check=False)
    assert completed.returncode == 1
    assert "is not empty" in completed.stderr
    assert "Traceback" not in completed.stderr


def test_spawning_loads_nothing_heavy():
    code = (
        "import sys, leptontui.demo.spawn; print(sorted({'asyncssh', 'numpy', 'polars', 'msgspec'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
