"""Alerts told to a real Alertmanager, seen through its own API and through a receiver that it notifies."""

import asyncio
import contextlib
import json
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import bcrypt
import pytest

from leptontui.alerts.notify import mirror
from leptontui.alerts.notify.notifications import Notifications
from leptontui.alerts.notify.spec import Login, NotifierSpec, Policy, Secret, Way
from leptontui.cli import main
from leptontui.model.alert import Alert, AlertGroup, AlertState, Level, NotifierStatus
from leptontui.model.alert_history import Happening, Transition
from tests.lab.conftest import unmet
from tests.unit.notify.boards import acknowledged, alert, group
from tests.unit.notify.receiver import Receiver

pytestmark = [pytest.mark.lab]
BINARY = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
CONFIG = """\
route:
  receiver: here
  group_by: [alertname, rack]
  group_wait: {wait}
  group_interval: 300ms
  repeat_interval: 1h
receivers:
  - name: here
    webhook_configs:
      - url: http://127.0.0.1:{port}/hook
        send_resolved: true
"""
PASSWORD = "right12345"


class Alertmanager:
    """A real one, on a port of loopback, with its own files."""

    def __init__(self, folder: Path, hook: int, *, wait: str = "300ms", has_login: bool = False) -> None:
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        (folder / "config.yml").write_text(CONFIG.format(port=hook, wait=wait))
        self.login = has_login
        if has_login:
            hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
            (folder / "web.yml").write_text(f"basic_auth_users:\n  kim: {hashed}\n")
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        assert BINARY is not None
        arguments = [
            BINARY,
            f"--config.file={self.folder}/config.yml",
            f"--storage.path={self.folder}/state",
            f"--web.listen-address=127.0.0.1:{self.port}",
            "--cluster.listen-address=",
        ]
        if self.login:
            arguments.append(f"--web.config.file={self.folder}/web.yml")
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(arguments, stdout=log, stderr=log)
        deadline = time.monotonic() + 30
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError((self.folder / "log").read_text())
            time.sleep(0.05)

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(20)
            self.process = None

    def alerts(self) -> list[dict[str, Any]]:
        return self._get("/api/v2/alerts")

    def groups(self) -> list[dict[str, Any]]:
        return self._get("/api/v2/alerts/groups")

    def _get(self, path: str) -> list[dict[str, Any]]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
            return json.loads(answer.read())  # type: ignore[no-any-return]

    async def until(self, is_so: Callable[[list[dict[str, Any]]], bool]) -> list[dict[str, Any]]:
        """Ask until its alerts are so."""
        async with asyncio.timeout(30):
            while True:
                alerts = await asyncio.to_thread(self.alerts)
                if is_so(alerts):
                    return alerts
                await asyncio.sleep(0.05)

    def spec(self, **login: Any) -> NotifierSpec:
        address = Secret(f"http://127.0.0.1:{self.port}")
        return NotifierSpec("am", Way.ALERTMANAGER, address, Policy(levels=frozenset(Level)), Login(**login))


@pytest.fixture
def hook() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def there(tmp_path: Path, hook: Receiver) -> Iterator[Alertmanager]:
    if BINARY is None:
        unmet("prometheus-alertmanager is not installed")
    alertmanager = Alertmanager(tmp_path, hook.port)
    alertmanager.start()
    yield alertmanager
    alertmanager.stop()


@contextlib.asynccontextmanager
async def telling(spec: NotifierSpec, memory: str = "", first_retry_s: float = 0.1) -> AsyncIterator[Notifications]:
    running = Notifications([spec], memory=memory, first_retry_s=first_retry_s)
    task = asyncio.create_task(running.run())
    try:
        yield running
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def offer(running: Notifications, *groups: AlertGroup, steps: tuple[Transition, ...] = ()) -> None:
    running.offer(groups, steps, time.time())


async def shown(running: Notifications, is_so: Callable[[NotifierStatus], bool]) -> NotifierStatus:
    """Wait until the screen would show it so."""
    async with asyncio.timeout(30):
        while not is_so(running.statuses()[0]):  # noqa: ASYNC110 — a screen asks, too
            await asyncio.sleep(0.01)
    return running.statuses()[0]


def now_alert(name: str, **more: Any) -> Alert:
    return alert(name, at=time.time() - 60, **more)


def seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


async def test_two_hundred_alerts_of_a_rack_are_one_notification(tmp_path: Path, hook: Receiver) -> None:
    if BINARY is None:
        unmet("prometheus-alertmanager is not installed")
    # What began longer ago than its `group_wait`, Alertmanager tells at once, without waiting for the rest.
    there = Alertmanager(tmp_path, hook.port, wait="5s")
    there.start()
    try:
        members = [alert(f"n{n}", at=time.time()) for n in range(200)]
        async with telling(there.spec()) as running:
            offer(running, group("r1", *members, title="200 hosts", cause="rack: r1"))
            await there.until(lambda alerts: len(alerts) == 200)
            (request, *_) = await hook.got(1)
        assert len(there.groups()) == 1
    finally:
        there.stop()
    assert request.json["status"] == "firing"
    assert len(request.json["alerts"]) == 200
    assert request.json["groupLabels"] == {"alertname": "gpu-lost", "rack": "r1"}


async def test_everything_that_helps_is_there(there: Alertmanager) -> None:
    one = now_alert(
        "a",
        labels=(
            ("host", "gpu01"),
            ("odd name-1", "<!channel> ünï"),
            ("1st", "x"),
            ("empty", ""),
            ("severity", "critical"),
        ),
        host="gpu01",
        evidence=("Xid 79: fell off the bus",),
        runbook="https://wiki.example/lost?x=1",
        action="drain",
        is_predictive=True,
    )
    async with telling(there.spec()) as running:
        offer(running, group("g", one))
        (found,) = await there.until(bool)
    assert found["labels"] == {
        "alertname": "gpu-lost",
        "severity": "critical",
        "level": "page",
        "entity": "host",
        "host": "gpu01",
        "instance": "gpu01",
        "predictive": "true",
        "odd_name_1": "‹!channel› ünï",
        "_1st": "x",
    }
    assert found["annotations"]["summary"] == "gpu01 has lost a GPU"
    assert "Xid 79: fell off the bus" in found["annotations"]["description"]
    assert found["annotations"]["runbook_url"] == "https://wiki.example/lost?x=1"
    assert found["annotations"]["suggested_action"] == "drain"
    assert found["generatorURL"].startswith("leptontui://")
    assert seconds(found["startsAt"]) == pytest.approx(one.fired_unix_s, abs=0.01)
    assert seconds(found["endsAt"]) == pytest.approx(time.time() + mirror.HOLD_S, abs=60)


async def test_what_fires_is_repeated_until_it_ends_and_its_end_is_told(
    there: Alertmanager, hook: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirror, "REFRESH_S", 0.3)
    monkeypatch.setattr(mirror, "HOLD_S", 2.0)
    one = now_alert("a")
    async with telling(there.spec()) as running:
        offer(running, group("g", one))
        (first,) = await there.until(bool)
        # Past the end that was first named, it fires on.
        await there.until(
            lambda alerts: [a for a in alerts if seconds(a["endsAt"]) > seconds(first["endsAt"]) + 2.5] != []
        )
        assert [request.json["status"] for request in hook.requests] == ["firing"]
        ended = time.time()
        resolved = replace(one, state=AlertState.RESOLVED, resolved_unix_s=ended)
        offer(running, steps=(Transition(Happening.RESOLVED, ended, resolved),))
        requests = await hook.got(2)
    assert requests[1].json["status"] == "resolved"
    assert seconds(requests[1].json["alerts"][0]["endsAt"]) == pytest.approx(ended, abs=0.01)
    assert there.alerts() == []


async def test_what_is_acknowledged_fires_on_there_and_what_never_was_told_does_not_come(there: Alertmanager) -> None:
    told, never = now_alert("a"), acknowledged(now_alert("b"))
    async with telling(there.spec()) as running:
        offer(running, group("g", told, never))
        await there.until(bool)
        offer(running, group("g", acknowledged(told), never), group("h", now_alert("c")))
        alerts = await there.until(lambda alerts: len(alerts) == 2)
    assert {found["labels"]["host"] for found in alerts} == {"host-a", "host-c"}


async def test_a_label_that_changes_makes_no_second_alert_and_neither_does_a_restart(there: Alertmanager) -> None:
    one = now_alert("a")
    async with telling(there.spec()) as running:
        offer(running, group("g", one))
        await there.until(bool)
    moved = replace(one, labels=(*one.labels, ("job", "4711")), summary="now in a job")
    async with telling(there.spec(), running.memory()) as later:
        offer(later, group("g", moved), group("h", now_alert("b")))
        alerts = await there.until(lambda alerts: len(alerts) == 2)
    assert sorted(found["labels"]["host"] for found in alerts) == ["host-a", "host-b"]
    assert not any("job" in found["labels"] for found in alerts)


async def test_an_alertmanager_that_was_away_learns_what_fires_and_what_ended(there: Alertmanager) -> None:
    async with telling(there.spec()) as running:
        offer(running, group("g", now_alert("a"), now_alert("b")))
        await shown(running, lambda status: status.sent == 1)
        there.stop()
        offer(running, group("g", now_alert("b"), now_alert("c")))
        status = await shown(running, lambda status: bool(status.trouble))
        assert status.trouble == "connection refused"
        assert status.failing_since_unix_s is not None
        assert status.waiting == 2  # the end of a, and c
        there.start()
        await there.until(lambda alerts: "host-c" in {found["labels"]["host"] for found in alerts})
        await shown(running, lambda status: (status.trouble, status.waiting) == ("", 0))


async def test_a_login_is_needed_where_it_is_asked_for(tmp_path: Path, hook: Receiver) -> None:
    if BINARY is None:
        unmet("prometheus-alertmanager is not installed")
    there = Alertmanager(tmp_path, hook.port, has_login=True)
    there.start()
    try:
        async with telling(there.spec(user="kim", password=Secret("wrong12345"))) as running:
            offer(running, group("g", now_alert("a")))
            assert "(401)" in (await shown(running, lambda status: bool(status.trouble))).trouble
        async with telling(there.spec(user="kim", password=Secret(PASSWORD))) as running:
            offer(running, group("g", now_alert("a")))
            await hook.got(1)
    finally:
        there.stop()


def test_the_command_sends_a_test(
    there: Alertmanager, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    file = tmp_path / "leptontui" / "notify.toml"
    file.parent.mkdir()
    file.write_text(f'[[notifier]]\nname = "am"\nalertmanager = "http://127.0.0.1:{there.port}"\n')
    file.chmod(0o600)
    assert main(["notify", "test", "am"]) == 0
    assert capsys.readouterr().out == "am: it took the message\n"
    (found,) = there.alerts()
    assert found["labels"]["alertname"] == "leptontui-test"
