"""Rollouts and runbooks on three real hosts, mostly as a user types them: stopped, resumed, killed, two at once.

systemd, OpenSSH, sudo and the clock are real; the units that fail or take their time are the lab's.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from leptontui.actions.audit import verify
from leptontui.model.activity import RolloutRequest, RolloutState, TargetState, Wish
from leptontui.model.target import Fleet, HostTarget
from leptontui.wiring.watch import FleetWatch
from tests.lab.conftest import Lab

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("lab"), pytest.mark.timeout(240)]

ROLL, SLOW = "lepton-roll.service", "lepton-slow.service"
STEADY = "ExecStart=/usr/bin/sleep infinity"
SLOW_STOP = "ExecStart=/bin/sh -c 'trap \"sleep 5; exit 0\" TERM; while :; do sleep 0.2; done'\nTimeoutStopSec=30"
RUNBOOK = """\
[[runbook]]
name = "again"
meaning = "Restart it, and look that it is up."
[[runbook.step]]
action = "restart"
unit = "lepton-slow.service"
[[runbook.step]]
wait = "unit-active"
unit = "lepton-slow.service"
limit_s = 30
[[runbook.step]]
check = "link-live"
"""


class Terminal:
    """A terminal of an engineer's: an inventory, and a home of their own for state and configuration."""

    def __init__(self, lab: Lab, home: Path) -> None:
        self.home = home
        self.inventory = home / "fleet.toml"
        self.inventory.write_text(
            f'ssh_config = "{lab.ssh_config}"\n[[group]]\nname = "lab"\nhosts = ["h[1-3]"]\n'
            f'units = ["{ROLL}", "{SLOW}"]\n'
        )
        self.runbooks = home / "config" / "leptontui" / "runbooks"
        self.runbooks.mkdir(parents=True)
        (self.runbooks / "mine.toml").write_text(RUNBOOK)

    @property
    def environment(self) -> dict[str, str]:
        folders = {"XDG_STATE_HOME": str(self.home / "state"), "XDG_CONFIG_HOME": str(self.home / "config")}
        return {**os.environ, **folders, "PYTHONUNBUFFERED": "1"}

    @property
    def audit(self) -> Path:
        return self.home / "state" / "leptontui" / "audit.jsonl"

    @property
    def events(self) -> list[tuple[str, str]]:
        lines = [json.loads(line) for line in self.audit.read_text().splitlines()]
        return [(line["event"], line.get("host", "")) for line in lines]

    def start(self, *words: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "leptontui", *words, "-i", str(self.inventory)]
        return subprocess.Popen(
            command,
            env=self.environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
        )

    def type(self, *words: str) -> tuple[int, str, str]:
        """A command to its end: exit code, output, complaints."""
        process = self.start(*words)
        output, complaints = process.communicate(timeout=120)
        return process.returncode, output, complaints


def until_said(process: subprocess.Popen[str], text: str) -> None:
    """Read its output until it says this."""
    assert process.stdout is not None
    for line in process.stdout:
        if text in line:
            return
    pytest.fail(f"it never said {text!r}: {process.stderr.read() if process.stderr else ''}")


@pytest.fixture
def terminal(lab: Lab, tmp_path: Path) -> Terminal:
    return Terminal(lab, tmp_path)


@pytest.fixture(autouse=True)
def units(lab: Lab) -> Iterator[None]:
    """Two units on each host; the second host's ROLL cannot start again once it is stopped."""
    for host in lab.hosts:
        folder = host.root / "etc/systemd/system"
        (folder / ROLL).write_text(f"[Service]\n{STEADY}\n")
        (folder / SLOW).write_text(f"[Service]\n{SLOW_STOP}\n")
        host.ssh(f"rm -f /etc/broken; systemctl daemon-reload; systemctl kill -s KILL {SLOW} || true")
        host.ssh(f"systemctl restart {ROLL} {SLOW}")
    second = lab.hosts[1]
    drop_in = second.root / f"etc/systemd/system/{ROLL}.d"
    drop_in.mkdir(exist_ok=True)
    (drop_in / "broken.conf").write_text("[Service]\nExecStartPre=/usr/bin/test ! -e /etc/broken\n")
    second.ssh("systemctl daemon-reload")
    yield
    second.ssh("rm -f /etc/broken")


def main_pids(lab: Lab, unit: str) -> list[str]:
    return [host.ssh(f"systemctl show -p MainPID --value {unit}") for host in lab.hosts]


def test_a_rolling_restart_stops_at_the_second_host_and_leaves_the_third_alone(lab: Lab, terminal: Terminal) -> None:
    lab.hosts[1].ssh("touch /etc/broken")
    before = main_pids(lab, ROLL)
    code, output, complaints = terminal.type("act", "restart", "h[1-3]", "--unit", ROLL, "--yes", "3", "--json")
    told = json.loads(output)
    assert code == told["exit_code"] == 1, complaints
    assert told["plan"]["title"] == f"Restart {ROLL} on 3 hosts"
    states = {target["host"]: target["state"] for target in told["rollout"]["targets"]}
    assert states == {"h1": "verified", "h2": "failed", "h3": "skipped"}
    after = main_pids(lab, ROLL)
    assert int(after[0]) > 0
    assert after[0] != before[0]
    assert after[1] == "0"
    assert after[2] == before[2], "the third was not touched"
    assert [event for event in terminal.events if event[0] in {"begun", "ended"}] == [
        ("begun", "h1"),
        ("ended", "h1"),
        ("begun", "h2"),
        ("ended", "h2"),
    ]
    assert {"rollout-begun", "rollout-stopped", "rollout-abandon", "rollout-ended"} <= {
        event for event, _ in terminal.events
    }
    assert verify(terminal.audit) is None


async def test_a_stopped_rollout_is_resumed_and_does_not_try_the_failed_one_again(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    lab.hosts[1].ssh("touch /etc/broken")
    before = main_pids(lab, ROLL)
    hosts = tuple(HostTarget(one.name, group="lab", ssh_config=str(lab.ssh_config), units=(ROLL,)) for one in lab.hosts)
    watch = FleetWatch(Fleet("lab", hosts), interval_s=1.0, can_act=True, has_forecasts=False)
    running = asyncio.create_task(watch.run())
    try:
        async with asyncio.timeout(120):
            while any(watch.age_s_of(host.name) is None for host in hosts):  # noqa: ASYNC110 — real hosts
                await asyncio.sleep(0.1)
            port = watch.commands
            assert port is not None
            port.arm()
            plan = await port.plan_rollout(RolloutRequest("restart", ("h1", "h2", "h3"), unit=ROLL))
            await port.start_rollout(plan, plan.confirmation)
            while port.activity.rollouts[0].state is not RolloutState.STOPPED:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
            assert [target.state for target in port.activity.rollouts[0].targets] == [
                TargetState.VERIFIED,
                TargetState.FAILED,
                TargetState.WAITING,
            ]
            assert any(
                "test ! -e /etc/broken" in line or ROLL in line for line in port.activity.rollouts[0].targets[1].lines
            )
            await port.steer_rollout(plan.rollout_id, Wish.RESUME)
            while port.activity.rollouts[0].state is not RolloutState.ENDED:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert port.activity.rollouts[0].said == "2 verified, 1 failed"
    after = main_pids(lab, ROLL)
    assert after[2] != before[2]
    assert after[1] == "0"


def test_two_at_once_on_the_same_host_are_one_and_a_refusal(lab: Lab, terminal: Terminal, tmp_path: Path) -> None:
    other = Terminal(lab, tmp_path / "other") if (tmp_path / "other").mkdir() is None else terminal
    first = terminal.start("act", "restart", "h1", "--unit", SLOW, "--yes", "1")
    until_said(first, "systemctl restart")
    until_said(first, "h1: running")
    code, output, complaints = other.type("act", "restart", "h1", "--unit", SLOW, "--yes", "1")
    assert code == 4, (output, complaints)
    assert "busy" in output + complaints
    rest, errors = first.communicate(timeout=60)
    assert first.returncode == 0, (rest, errors)
    assert "h1: verified" in rest
    assert ("refused", "h1") in other.events
    assert ("begun", "h1") not in other.events


def test_an_interrupt_lets_what_was_begun_end_and_leaves_the_rest(lab: Lab, terminal: Terminal) -> None:
    before = main_pids(lab, SLOW)
    process = terminal.start("act", "restart", "h[1-3]", "--unit", SLOW, "--yes", "3")
    until_said(process, "h1: running")
    process.send_signal(signal.SIGINT)
    output, complaints = process.communicate(timeout=60)
    assert process.returncode == 130, (output, complaints)
    assert "h1: verified" in output
    assert "h2: skipped" in output
    after = main_pids(lab, SLOW)
    assert after[0] != before[0]
    assert after[1:] == before[1:]


def test_a_runbook_killed_in_a_restart_says_so_and_is_gone_on_with(lab: Lab, terminal: Terminal) -> None:
    process = terminal.start("runbook", "run", "again", "h2", "--yes", "1")
    until_said(process, "systemctl restart")
    until_said(process, "| ")
    process.kill()
    process.communicate(timeout=30)
    (kept,) = (terminal.home / "state" / "leptontui" / "runbooks").glob("*.json")
    code, output, _ = terminal.type("runbook", "run", "--resume", kept.stem)
    assert code == 4
    assert "1. Restart lepton-slow.service on h2 — unknown: the program was ended while it ran" in output
    code, output, complaints = terminal.type(
        "runbook", "run", "--resume", kept.stem, "--yes", "1", "--override", "looked at it: it is well"
    )
    assert code == 0, (output, complaints)
    run = json.loads(kept.read_text())["run"]
    assert run["state"] == "ended"
    assert [step["state"] for step in run["steps"]] == ["verified"] * 3
    assert verify(terminal.audit) is None


def test_a_dry_run_changes_nothing(lab: Lab, terminal: Terminal) -> None:
    before = main_pids(lab, ROLL)
    code, output, complaints = terminal.type("act", "restart", "h[1-3]", "--unit", ROLL, "--dry-run")
    assert code == 0, complaints
    assert output.count("root@h") == 3
    assert main_pids(lab, ROLL) == before
    assert not terminal.audit.exists()


async def test_a_rollout_killed_midway_is_told_at_the_next_start(
    lab: Lab, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = main_pids(lab, SLOW)
    process = terminal.start("act", "restart", "h[1-3]", "--unit", SLOW, "--yes", "3")
    await asyncio.to_thread(until_said, process, "h1: running")
    await asyncio.to_thread(until_said, process, "systemctl restart")
    process.kill()
    await asyncio.to_thread(process.communicate)
    for name, value in terminal.environment.items():
        monkeypatch.setenv(name, value)
    hosts = tuple(HostTarget(one.name, group="lab", ssh_config=str(lab.ssh_config), units=(SLOW,)) for one in lab.hosts)
    watch = FleetWatch(Fleet("lab", hosts), interval_s=1.0, can_act=True, has_forecasts=False)
    port = watch.commands
    assert port is not None
    running = asyncio.create_task(watch.run())
    try:
        async with asyncio.timeout(60):
            await port.look_again()
        (rollout,) = port.activity.rollouts
        assert [target.state.value for target in rollout.targets] == ["unknown", "skipped", "skipped"]
        (unfinished,) = port.activity.unfinished
        assert (unfinished.host, unfinished.is_settled) == ("h1", True)
        assert SLOW in unfinished.said
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert main_pids(lab, SLOW)[1:] == before[1:]
    assert terminal.events[-1][0] == "settled"
    assert verify(terminal.audit) is None
