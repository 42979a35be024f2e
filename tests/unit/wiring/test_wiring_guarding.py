"""What guards actions where the program is put together: nothing of it may be missing from the real thing."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from leptontui.actions.audit import default_path
from leptontui.actions.locks import SharedLocks
from leptontui.actions.private_locks import PrivateLocks
from leptontui.config.policy import read_policies
from leptontui.config.policy_book import PolicyBook
from leptontui.wiring.guarding import guarding

READ_ONLY = """
import sys, threading
from leptontui.config.choose import choose_fleet
from leptontui.engine.thread import EngineThread
from leptontui.wiring.watch import FleetWatch

fleet = choose_fleet(hosts=None, inventory=None)
said, failures = [], []
told = threading.Event()

def deliver(snapshot):
    said.extend(f"{notice}" for notice in snapshot.notices if "policy" in f"{notice}")
    if said or snapshot.newest_age_s is not None:
        told.set()

thread = EngineThread(
    lambda: FleetWatch(fleet, interval_s=0.2, can_act=True, has_forecasts=False), failures.append
)
thread.subscribe(deliver)
thread.start()
assert told.wait(30), failures
print(thread.commands is None, any(name.startswith("leptontui.actions") for name in sys.modules), bool(said))
thread.stop()
"""


def test_the_real_thing_is_guarded_by_all_that_there_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    found = guarding()
    assert isinstance(found.locks, SharedLocks)
    assert isinstance(found.policies, PolicyBook)
    assert found.policies() == read_policies()
    assert found.audit.path == default_path()
    assert found.actor.uid == os.getuid()


def test_a_simulated_fleet_leaves_no_trace_among_real_ones(tmp_path: Path) -> None:
    found = guarding(tmp_path)
    assert isinstance(found.locks, PrivateLocks)
    assert found.audit.path == tmp_path / "audit.jsonl"
    asyncio.run(found.audit.write("begun", 1.0, {}))
    assert json.loads(found.audit.path.read_text())["machine"]


@pytest.mark.parametrize(
    ("text", "said"),
    [("read_only = true", "True False True"), ("read_only = maybe", "False True True"), ("", "False True False")],
)
def test_read_only_by_policy_there_is_no_way_to_act(tmp_path: Path, text: str, said: str) -> None:
    """A policy that says so builds a watch without actions; one that cannot be read is told, and refuses each."""
    (tmp_path / "leptontui").mkdir()
    (tmp_path / "leptontui" / "policy.toml").write_text(text)
    environment = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path / "state")}
    command = [sys.executable, "-c", READ_ONLY]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=environment)
    assert (done.stdout.strip(), done.stderr) == (said, "")


def test_who_acts_is_not_what_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("USER", "LOGNAME", "USERNAME"):
        monkeypatch.setenv(name, "boss")
    if os.getuid() != 0:
        monkeypatch.setenv("SUDO_USER", "boss")
    assert guarding(Path("/nowhere")).actor.user != "boss"
