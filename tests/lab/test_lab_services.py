"""Restarts on real hosts: systemd, sudo and OpenSSH are real, and so are the cable that is cut and the unit that dies.

Planned and run as the desk does it, but without its guard: what is shown here is what the hosts do.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from leptontui.actions.parameters import complete
from leptontui.actions.passwords import Passwords
from leptontui.actions.privilege import obtain
from leptontui.actions.reach import Prepared, Reach
from leptontui.actions.registry import PREPARE
from leptontui.actions.runner import Record, carry_out
from leptontui.actions.setting import Setting
from leptontui.errors import GuardRefused
from leptontui.model.action import ActionName, ActionRequest, Outcome, OutcomeKind
from leptontui.model.action_catalogue import SHIPPED
from leptontui.model.link import Link, LinkState
from leptontui.model.question import Question
from leptontui.model.target import Fleet, HostTarget, ServiceSpec
from leptontui.transport.dialer import Dialer
from leptontui.transport.ssh import SshTransport
from leptontui.wiring.watch import FleetWatch
from tests.lab.conftest import UNIT, Lab, LabHost, lab_sh
from tests.lab.test_lab_fleet import Eyes

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("lab"), pytest.mark.timeout(180)]

PASSWORD = "correct horse battery"
SUDOERS = "/etc/sudoers.d/oncall"
UNITS = {
    "dies": "ExecStart=/bin/sh -c 'sleep 5; exit 1'",
    "loops": "ExecStart=/bin/sh -c 'sleep 5; exit 1'\nRestart=always\nRestartSec=100ms",
    "slow-stop": "ExecStart=/usr/bin/sleep infinity\nExecStop=/usr/bin/sleep 8\nTimeoutStopSec=30",
    "late": (
        "ExecStart=/usr/bin/python3 -c 'import time, http.server as h; time.sleep(15);"
        ' h.HTTPServer(("127.0.0.1", 8123), h.SimpleHTTPRequestHandler).serve_forever()\'\nWorkingDirectory=/etc/ssh'
    ),
}
RESTARTING = "systemctl restart slow-stop.servic[e]"
"""For pgrep, which must not find itself."""
HEALTH = ServiceSpec("late", health="http://127.0.0.1:8123/")


class User:
    """Who is asked for passwords, and answers these in order."""

    def __init__(self, *answers: str | None) -> None:
        self.answers = list(answers)
        self.asked: list[Question] = []

    async def ask(self, question: Question) -> str | None:
        self.asked.append(question)
        return self.answers.pop(0) if self.answers else None


class Facts:
    """All hosts are live."""

    interval_s = 1.0

    def link_of(self, host: str) -> Link:
        return Link(host, LinkState.LIVE, time.time())

    def age_s_of(self, host: str) -> float:
        return 0.5


@dataclass
class Engineer:
    """Plans and runs on one host, as one login."""

    target: HostTarget
    transport: SshTransport
    passwords: Passwords
    told: list[str] = field(default_factory=list)
    record: Record = field(default_factory=Record)
    heard: Callable[[str], None] = lambda _: None

    def tell(self, line: str) -> None:
        self.told.append(line)
        self.heard(line)

    async def reach_of(self, target: HostTarget) -> Reach:
        await self.transport.connect()
        return Reach.of(target, self.transport, self.passwords)

    async def plan(self, unit: str) -> Prepared:
        request = ActionRequest(ActionName.RESTART_UNIT, self.target.name, unit=unit)
        spec = SHIPPED[request.action]
        setting = Setting(
            request=complete(request, spec),
            spec=spec,
            target=self.target,
            fleet=Fleet("lab", (self.target,)),
            facts=Facts(),
            user="anna",
            plan_id="p1",
            clock=time.time,
            sleep=asyncio.sleep,
            tell=self.tell,
            reach_of=self.reach_of,
        )
        return await PREPARE[request.action](setting)

    async def run(self, prepared: Prepared) -> Outcome:
        await obtain(prepared)
        assert await prepared.deed.check_again() is None
        return await carry_out(prepared, self.record, time.time, tell=self.tell)

    async def restart(self, unit: str) -> Outcome:
        return await self.run(await self.plan(unit))


@asynccontextmanager
async def engineer(
    lab: Lab, host: LabHost, *units: str, login: str = "root", user: User | None = None
) -> AsyncIterator[Engineer]:
    """Somebody at `host`."""
    dialer = Dialer()
    target = HostTarget(
        host.name, group="lab", user=login, ssh_config=str(lab.ssh_config), units=units, services=(HEALTH,)
    )
    transport = SshTransport(target, dialer)
    try:
        yield Engineer(target, transport, Passwords(user))
    finally:
        await transport.close()
        await dialer.close()


@pytest.fixture(scope="module")
def host(lab: Lab) -> Iterator[LabHost]:
    """h1, with units that misbehave and a login that is not root."""
    h1 = lab.hosts[0]
    for name, lines in UNITS.items():
        text = f"[Unit]\nDescription=lab\nStartLimitIntervalSec=0\n[Service]\n{lines}\n"
        (h1.root / f"etc/systemd/system/{name}.service").write_text(text)
    h1.ssh(
        "id oncall 2>/dev/null || (useradd -m -s /bin/bash oncall && mkdir -p /home/oncall/.ssh"
        " && cp /root/.ssh/authorized_keys /home/oncall/.ssh/ && chown -R oncall: /home/oncall/.ssh);"
        f" echo 'oncall:{PASSWORD}' | chpasswd; systemctl daemon-reload"
    )
    yield h1
    h1.ssh("userdel -rf oncall; rm -f /etc/sudoers.d/oncall; systemctl stop dies loops slow-stop late || true")


def sudoers(host: LabHost, *lines: str) -> None:
    (host.root / SUDOERS.lstrip("/")).write_text("".join(f"{line}\n" for line in lines))
    (host.root / SUDOERS.lstrip("/")).chmod(0o440)


def pid_of(host: LabHost, unit: str) -> str:
    return host.ssh(f"systemctl show -p MainPID --value {unit}")


def until_under_way(host: LabHost) -> None:
    """Wait until the restart of the unit that stops slowly has begun there."""
    host.ssh(f"for i in $(seq 100); do pgrep -f '{RESTARTING}' >/dev/null && exit 0; sleep 0.1; done; exit 1")


@pytest.mark.parametrize("unit", ["dies.service", "loops.service"])
async def test_a_unit_that_becomes_active_and_dies_five_seconds_later_is_not_verified(
    lab: Lab, host: LabHost, unit: str
) -> None:
    async with engineer(lab, host, unit) as anna:
        began = time.monotonic()
        outcome = await anna.restart(unit)
    assert outcome.kind is OutcomeKind.NOT_VERIFIED, outcome
    assert f"{unit} came up and did not stay" in outcome.summary
    assert 4 < time.monotonic() - began < 15


async def test_a_unit_that_stays_is_verified_after_its_while(lab: Lab, host: LabHost) -> None:
    before = pid_of(host, UNIT)
    async with engineer(lab, host, UNIT) as anna:
        outcome = await anna.restart(UNIT)
    assert outcome.kind is OutcomeKind.VERIFIED, outcome
    assert "up for 10 s" in outcome.summary
    assert pid_of(host, UNIT) not in {before, "0"}
    assert f"h1$ systemctl restart {UNIT}" in anna.told


async def test_a_service_whose_health_comes_late_is_waited_for(lab: Lab, host: LabHost) -> None:
    async with engineer(lab, host, "late.service") as anna:
        outcome = await anna.restart("late.service")
    assert outcome.kind is OutcomeKind.VERIFIED, outcome
    assert outcome.summary.endswith("http://127.0.0.1:8123/ answers 200")
    assert any("does not answer" in line and "waiting for it" in line for line in anna.told)


# sudo


async def test_sudo_without_a_password_asks_for_none(lab: Lab, host: LabHost) -> None:
    sudoers(host, f"oncall ALL=(root) NOPASSWD: /usr/bin/systemctl restart {UNIT}")
    user, before = User(), pid_of(host, UNIT)
    async with engineer(lab, host, UNIT, login="oncall", user=user) as anna:
        prepared = await anna.plan(UNIT)
        outcome = await anna.run(prepared)
    assert (prepared.plan.steps[0].argv[:2], prepared.plan.warnings) == (("sudo", "-n"), ())
    assert outcome.kind is OutcomeKind.VERIFIED, outcome
    assert pid_of(host, UNIT) != before
    assert user.asked == []


async def test_sudo_with_a_password_is_asked_once_and_nobody_else_sees_it(lab: Lab, host: LabHost) -> None:
    sudoers(host, f"oncall ALL=(root) /usr/bin/systemctl restart {UNIT}")
    user, before = User("a wrong one", PASSWORD), pid_of(host, UNIT)
    async with engineer(lab, host, UNIT, login="oncall", user=user) as anna:
        prepared = await anna.plan(UNIT)
        assert prepared.plan.steps[0].wants_password
        assert prepared.plan.warnings == ("sudo on h1 asks for the password of oncall: you are asked once",)
        outcome = await anna.run(prepared)
        assert outcome.kind is OutcomeKind.VERIFIED, outcome
        assert (await anna.restart(UNIT)).kind is OutcomeKind.VERIFIED
    assert [question.attempt for question in user.asked] == [1, 2]
    assert pid_of(host, UNIT) != before
    assert PASSWORD not in repr((anna.told, anna.record, outcome, prepared.plan))
    look = f"journalctl -o cat --no-pager | grep -c '{PASSWORD}'"
    everywhere = host.ssh(f"{look}; grep -rlaF -D skip '{PASSWORD}' /var/log /home /tmp /run 2>/dev/null; true")
    assert everywhere == "0"


async def test_sudo_that_lists_without_a_password_but_runs_with_one(lab: Lab, host: LabHost) -> None:
    """One command needs none, so `sudo -n -l` answers for all: only running it shows that this one needs one."""
    sudoers(host, f"oncall ALL=(root) /usr/bin/systemctl restart {UNIT}", "oncall ALL=(root) NOPASSWD: /usr/bin/true")
    user = User(PASSWORD)
    async with engineer(lab, host, UNIT, login="oncall", user=user) as anna:
        prepared = await anna.plan(UNIT)
        assert not prepared.plan.steps[0].wants_password
        outcome = await anna.run(prepared)
    assert outcome.kind is OutcomeKind.VERIFIED, outcome
    assert len(user.asked) == 1


@pytest.mark.parametrize(
    ("rule", "answers", "said"),
    [
        ("", (PASSWORD,), "may not run sudo"),
        (f"oncall ALL=(root) /usr/bin/systemctl restart {UNIT}", (None,), "was not given"),
    ],
)
async def test_sudo_that_refuses_or_is_not_given_a_password_runs_nothing(
    lab: Lab, host: LabHost, rule: str, answers: tuple[str | None, ...], said: str
) -> None:
    sudoers(host, rule)
    before = pid_of(host, UNIT)
    async with engineer(lab, host, UNIT, login="oncall", user=User(*answers)) as anna:
        prepared = await anna.plan(UNIT)
        with pytest.raises(GuardRefused, match=said):
            await anna.run(prepared)
    assert pid_of(host, UNIT) == before


async def test_sudo_that_allows_another_command_fails_in_words(lab: Lab, host: LabHost) -> None:
    sudoers(host, "oncall ALL=(root) NOPASSWD: /usr/bin/true")
    before = pid_of(host, UNIT)
    async with engineer(lab, host, UNIT, login="oncall") as anna:
        prepared = await anna.plan(UNIT)
        outcome = await anna.run(prepared)
    assert "sudo is likely to refuse it" in prepared.plan.warnings[0]
    assert outcome.kind is OutcomeKind.FAILED
    assert pid_of(host, UNIT) == before


async def test_a_unit_of_the_logins_own_is_restarted_without_root(lab: Lab, host: LabHost) -> None:
    """The login's systemd runs as logind would start it; this lab has no PAM module for it."""
    sudoers(host, "")
    folder = host.root / "home/oncall/.config/systemd/user"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "mine.service").write_text("[Service]\nExecStart=/usr/bin/sleep infinity\n")
    host.ssh(
        "chown -R oncall: /home/oncall/.config; id=$(id -u oncall); install -d -m 700 -o oncall /run/user/$id;"
        " systemctl reset-failed mine-manager 2>/dev/null; systemd-run -q --unit=mine-manager --uid=oncall"
        " -p Delegate=yes -E XDG_RUNTIME_DIR=/run/user/$id -E HOME=/home/oncall /usr/lib/systemd/systemd --user"
    )
    try:
        async with engineer(lab, host, "user:mine.service", login="oncall") as anna:
            for _ in range(50):
                if host.ssh("ls /run/user/*/systemd/private 2>/dev/null || true"):
                    break
                await asyncio.sleep(0.1)
            outcome = await anna.restart("user:mine.service")
        assert outcome.kind is OutcomeKind.VERIFIED, outcome
        assert host.ssh("pgrep -u oncall -fc 'sleep infinity'") == "1"
    finally:
        host.ssh("systemctl stop mine-manager")


async def test_the_screen_is_asked_for_sudos_password_while_the_action_waits(
    lab: Lab, host: LabHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole path: office, guard, locks, audit, and the question in the snapshot that the screen draws."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    sudoers(host, f"oncall ALL=(root) /usr/bin/systemctl restart {UNIT}")
    before = pid_of(host, UNIT)
    target = HostTarget(host.name, group="lab", user="oncall", ssh_config=str(lab.ssh_config), units=(UNIT,))
    watch = FleetWatch(Fleet("lab", (target,)), interval_s=1.0, can_act=True, has_forecasts=False, has_access=True)
    eyes = Eyes(watch)
    running = asyncio.create_task(watch.run())
    try:
        await eyes.until(lambda seen: seen.link_counts.live == 1, 30)
        assert watch.commands is not None
        assert watch.access is not None
        watch.commands.arm()
        plan = await watch.commands.plan(ActionRequest(ActionName.RESTART_UNIT, host.name, unit=UNIT))
        run = asyncio.create_task(watch.commands.run(plan, plan.confirmation))
        asking = await eyes.until(lambda seen: bool(seen.questions), 20)
        assert watch.commands.said(plan.plan_id) == ("waiting for the password that sudo asks oncall for on h1",)
        assert pid_of(host, UNIT) == before
        watch.access.answer(asking.questions[0].id, PASSWORD)
        outcome = await run
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert outcome.kind is OutcomeKind.VERIFIED, outcome
    assert pid_of(host, UNIT) != before
    written = (tmp_path / "leptontui" / "audit.jsonl").read_text()
    assert outcome.plan_id in written
    assert PASSWORD not in written


def test_the_command_line_asks_for_sudos_password_on_the_terminal(lab: Lab, host: LabHost, tmp_path: Path) -> None:
    """As somebody would type it: on a terminal that shows no letter of the password."""
    sudoers(host, f"oncall ALL=(root) /usr/bin/systemctl restart {UNIT}")
    before = pid_of(host, UNIT)
    inventory = tmp_path / "fleet.toml"
    inventory.write_text(
        f'ssh_config = "{lab.ssh_config}"\n[[group]]\nname = "lab"\nhosts = ["{host.name}"]\n'
        f'user = "oncall"\nunits = ["{UNIT}"]\n'
    )
    words = ["act", "-i", str(inventory), "restart", host.name, "--unit", UNIT, "--yes", "1"]
    here, there = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "leptontui", *words],
        stdin=there,
        stdout=there,
        stderr=there,
        start_new_session=True,
        env={**os.environ, "XDG_STATE_HOME": str(tmp_path), "TERM": "dumb"},
    )
    os.close(there)
    shown, has_typed = b"", False
    with contextlib.suppress(OSError):  # so a terminal says that nobody is there any more
        while piece := os.read(here, 4096):
            shown += piece
            if b"sudo password of oncall" in shown and not has_typed:
                os.write(here, PASSWORD.encode() + b"\n")
                has_typed = True
    os.close(here)
    assert process.wait(20) == 0, shown.decode(errors="replace")
    assert has_typed
    assert PASSWORD.encode() not in shown
    assert pid_of(host, UNIT) != before


# A link that is lost in the middle


async def test_a_cable_cut_in_the_middle_of_a_restart_is_checked_and_nothing_is_run_twice(
    lab: Lab, host: LabHost
) -> None:
    host.ssh("systemctl restart slow-stop")
    before = host.ssh("systemctl show -p InvocationID --value slow-stop")
    mended: list[asyncio.Task[None]] = []

    async def cut_and_mend() -> None:
        await asyncio.to_thread(until_under_way, host)
        await asyncio.to_thread(host.cut)
        await asyncio.sleep(20.0)
        await asyncio.to_thread(host.mend)

    def heard(line: str) -> None:
        if line.startswith("h1$"):
            mended.append(asyncio.ensure_future(cut_and_mend()))

    try:
        async with engineer(lab, host, "slow-stop.service") as anna:
            prepared = await anna.plan("slow-stop.service")
            anna.heard = heard
            outcome = await anna.run(prepared)
    finally:
        await asyncio.gather(*mended)
    assert outcome.kind is OutcomeKind.VERIFIED, outcome
    assert "may or may not have run" in outcome.summary
    assert "asked again: slow-stop.service is active (running)" in outcome.summary
    assert [line for line in anna.told if line.startswith("unknown, checking: no answer")]
    assert len(anna.record.steps) == 1
    assert anna.record.steps[0]["exit_status"] is None
    starts = host.ssh("journalctl -u slow-stop -o cat --no-pager | grep -c ^Started")
    assert host.ssh("systemctl show -p InvocationID --value slow-stop") != before
    assert starts == "2"


async def test_a_session_killed_in_the_middle_of_a_restart_is_checked(lab: Lab, host: LabHost) -> None:
    """Only the SSH session dies: what was asked of systemd goes on."""
    host.ssh("systemctl restart slow-stop")

    async def kill() -> None:
        await asyncio.to_thread(until_under_way, host)
        await asyncio.to_thread(host.ssh, f"pkill -KILL -f '{RESTARTING}'; pkill -KILL -f 'sshd: root@notty' || true")

    killing: list[asyncio.Task[None]] = []
    async with engineer(lab, host, "slow-stop.service") as anna:
        prepared = await anna.plan("slow-stop.service")
        anna.heard = lambda line: killing.append(asyncio.ensure_future(kill())) if line.startswith("h1$") else None
        outcome = await anna.run(prepared)
    await asyncio.gather(*killing, return_exceptions=True)
    assert outcome.kind is OutcomeKind.VERIFIED, outcome
    assert "asked again" in outcome.summary


async def test_a_host_that_loses_power_in_the_middle_of_a_restart_is_asked_once_it_is_back(
    lab: Lab, host: LabHost
) -> None:
    """Last, because it is another boot afterwards."""
    host.ssh("systemctl restart slow-stop")
    powers: list[asyncio.Task[None]] = []

    async def off_and_on() -> None:
        await asyncio.to_thread(until_under_way, host)
        await asyncio.to_thread(lab_sh, "off", host.name)
        await asyncio.sleep(5.0)
        await asyncio.to_thread(lab_sh, "on", host.name)

    async with engineer(lab, host, "slow-stop.service") as anna:
        prepared = await anna.plan("slow-stop.service")
        anna.heard = lambda line: powers.append(asyncio.ensure_future(off_and_on())) if line.startswith("h1$") else None
        outcome = await anna.run(prepared)
    await asyncio.gather(*powers)
    assert outcome.kind is OutcomeKind.UNKNOWN, outcome  # it is not enabled: nothing starts it after a boot
    assert "asked again: slow-stop.service is inactive (dead)" in outcome.summary
