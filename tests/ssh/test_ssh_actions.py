"""Actions over real SSH connections: output as it comes, passwords over stdin, and links that break midway."""

from __future__ import annotations

import asyncio
import shlex
import time

import pytest

from leptontui.actions.passwords import Passwords
from leptontui.actions.privilege import obtain
from leptontui.actions.reach import Reach, Verdict
from leptontui.actions.runner import Record, carry_out
from leptontui.model.action import ActionRequest, Danger, OutcomeKind, Plan, Step
from leptontui.transport.ssh import SshTransport
from tests.unit.actions.actions_scene import T0, FakeAsker
from tests.unit.actions.services_stage import Prepared, ScriptedDeed

SECRET = "correct horse"
SO = Verdict(is_so=True, said="it is so")


class Asking(ScriptedDeed):
    """Asks the host itself whether the service was restarted."""

    reach: Reach

    async def verify(self) -> Verdict:
        self.asked += 1
        said = (await self.reach.ask("is-restarted", timeout_s=5)).stdout.strip()
        return Verdict(is_so=said == "yes", said=said)


@pytest.fixture
async def transport(lab, dialer):
    made = []

    def make(target):
        made.append(SshTransport(target, dialer))
        return made[-1]

    yield make
    for each in made:
        await each.close()


async def run(transport, deed, *steps, passwords=None, told=None, sleep=asyncio.sleep):
    """Run these commands on gpu-1 and verify them."""
    await transport.connect()
    reach = Reach("gpu-1", "demo@gpu-1", transport, "gpus", passwords)
    deed.reach = reach
    plan = Plan("p1", ActionRequest("custom/x", "gpu-1"), "Do it", Danger.HARMLESS, steps, "it is so")
    prepared = Prepared(plan, object(), (reach,), deed, T0)
    await obtain(prepared)
    tell = (lambda _: None) if told is None else told
    return await carry_out(prepared, Record(), time.time, tell=tell, sleep=sleep)


def step(*argv, **more):
    return Step("gpu-1", "demo@gpu-1", argv, **more)


async def test_a_line_is_told_while_the_command_still_runs(lab, transport):
    may_end = asyncio.Event()

    async def answer(process):
        process.stdout.write(b"pulling\n")
        await may_end.wait()
        process.stderr.write(b"done\n")
        process.exit(0)

    def told(line):
        lines.append(line)
        if line == "pulling":
            may_end.set()

    lines: list[str] = []
    await lab.start("gpu-1", answer)
    outcome = await run(transport(lab.target("gpu-1")), ScriptedDeed([SO]), step("pull"), told=told)
    assert outcome.kind is OutcomeKind.VERIFIED
    assert lines[:3] == ["gpu-1$ pull", "pulling", "done"]


async def test_a_password_goes_over_stdin_and_nowhere_else(lab, transport):
    heard = []

    async def answer(process):
        heard.append((process.command, await process.stdin.read(), dict(process.env)))
        process.exit(0)

    await lab.start("gpu-1", answer)
    words = ("sudo", "-k", "-S", "-p", "", "systemctl", "restart", "a.service")
    passwords = Passwords(FakeAsker(SECRET))
    outcome = await run(
        transport(lab.target("gpu-1")), ScriptedDeed([SO]), step(*words, wants_password=True), passwords=passwords
    )
    assert outcome.kind is OutcomeKind.VERIFIED
    assert [(shlex.split(command), stdin) for command, stdin, _ in heard] == [
        ([*words[:5], "-v"], SECRET.encode() + b"\n"),
        (list(words), SECRET.encode() + b"\n"),
    ]
    assert all(SECRET not in repr(env) for _, _, env in heard)


@pytest.mark.parametrize(("took_effect", "kind"), [(True, OutcomeKind.VERIFIED), (False, OutcomeKind.UNKNOWN)])
async def test_a_link_cut_in_the_middle_is_dialled_again_to_ask_and_nothing_is_run_twice(
    lab, transport, took_effect, kind
):
    commands = []

    async def answer(process):
        commands.append(process.command)
        if process.command == "restart":
            host.cut()
            return
        process.stdout.write(b"yes\n" if took_effect else b"no\n")
        process.exit(0)

    async def no_sleep(_):
        await asyncio.sleep(0)

    host = await lab.start("gpu-1", answer)
    lines: list[str] = []
    deed = Asking([])
    outcome = await run(transport(lab.target("gpu-1")), deed, step("restart"), told=lines.append, sleep=no_sleep)
    assert outcome.kind is kind, outcome
    assert commands.count("restart") == 1
    assert host.dials == 2
    assert any(line.startswith("unknown, checking: restart on gpu-1 may or may not have run") for line in lines)


async def test_a_host_that_is_away_for_a_while_is_asked_until_it_is_back(lab, transport):
    is_away = True

    async def answer(process):
        if process.command == "restart" or is_away:
            host.cut()
            return
        process.stdout.write(b"yes\n")
        process.exit(0)

    slept = []

    async def sleep(seconds):
        nonlocal is_away
        slept.append(seconds)
        is_away = len(slept) < 3
        await asyncio.sleep(0)

    host = await lab.start("gpu-1", answer)
    outcome = await run(transport(lab.target("gpu-1")), Asking([]), step("restart"), sleep=sleep)
    assert outcome.kind is OutcomeKind.VERIFIED, outcome
    assert slept == [1.0, 2.0, 4.0]


async def test_a_command_that_runs_past_its_time_is_checked(lab, transport):
    async def answer(process):
        if process.command == "restart":
            await process.stdin.channel.wait_closed()
            return
        process.stdout.write(b"yes\n")
        process.exit(0)

    await lab.start("gpu-1", answer)
    outcome = await run(transport(lab.target("gpu-1")), Asking([]), step("restart", timeout_s=0.2))
    assert outcome.kind is OutcomeKind.VERIFIED
    assert "no answer within 0.2 s" in outcome.summary
