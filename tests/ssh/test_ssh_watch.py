"""From the links to the snapshot and back: what the screen sees of logins and host keys, and what its answers do."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from conftest import hello, sweep

from leptontui.model.link import FaultKind, LinkState
from leptontui.model.target import Fleet
from leptontui.wiring.watch import FleetWatch

SECRET = "correct horse battery"


async def speak(process):
    await process.stdin.readline()
    process.stdout.write(hello() + sweep())
    await process.stdin.channel.wait_closed()


class Screen:
    """Sees snapshots as they are published."""

    def __init__(self, watch):
        self.watch = watch
        self.snapshot = None
        self._came = asyncio.Event()
        watch.subscribe(self._take)

    def _take(self, snapshot):
        self.snapshot = snapshot
        self._came.set()

    async def until(self, is_so):
        async with asyncio.timeout(30):
            while self.snapshot is None or not is_so(self.snapshot):
                self._came.clear()
                await self._came.wait()
        return self.snapshot

    async def all_live(self, count):
        return await self.until(lambda snapshot: snapshot.link_counts.live == count)


@contextlib.asynccontextmanager
async def screen_on(*targets):
    watch = FleetWatch(Fleet("f", targets), interval_s=60.0, can_act=False, has_forecasts=False, has_access=True)
    screen = Screen(watch)
    task = asyncio.ensure_future(watch.run())
    yield screen
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


@pytest.fixture
async def targets(lab):
    names = [f"gpu-{n}" for n in range(3)]
    for name in names:
        await lab.start(name, speak)
    return [lab.target(name) for name in names]


def lock(lab):
    key = lab.client_key.export_private_key(passphrase=SECRET, rounds=4, ignore_few_rounds=True)
    lab.identity.write_bytes(key)


async def test_a_question_is_seen_answered_and_gone(lab, targets):
    lock(lab)
    async with screen_on(*targets) as screen:
        snapshot = await screen.until(lambda snapshot: any(one.waiting == 3 for one in snapshot.questions))
        [question] = snapshot.questions
        assert set(question.hosts) == {target.name for target in targets}
        screen.watch.access.answer(question.id, "wrong")
        snapshot = await screen.until(lambda snapshot: any(one.attempt == 2 for one in snapshot.questions))
        screen.watch.access.answer(snapshot.questions[0].id, SECRET)
        snapshot = await screen.all_live(3)
        assert snapshot.questions == ()


async def test_what_was_declined_is_asked_again_by_a_redial_and_its_answer_brings_all_back(lab, targets):
    lock(lab)
    async with screen_on(*targets) as screen:
        snapshot = await screen.until(lambda snapshot: any(one.waiting == 3 for one in snapshot.questions))
        screen.watch.access.answer(snapshot.questions[0].id, None)
        snapshot = await screen.until(lambda snapshot: snapshot.link_counts.refused == 3)
        assert {link.fault.kind for link in snapshot.links.values()} == {FaultKind.SECRET_NEEDED}
        assert snapshot.questions == ()
        screen.watch.redial("gpu-1")
        snapshot = await screen.until(lambda snapshot: snapshot.questions)
        assert snapshot.questions[0].hosts == ("gpu-1",)
        screen.watch.access.answer(snapshot.questions[0].id, SECRET)
        await screen.all_live(3)


async def test_unknown_keys_are_seen_accepted_and_live(lab, targets):
    lab.known_hosts.write_text("")
    async with screen_on(*targets) as screen:
        snapshot = await screen.until(lambda snapshot: snapshot.link_counts.refused == 3)
        shown = {link.host: link.fault.offered.fingerprint for link in snapshot.links.values()}
        assert shown == {name: host.key.get_fingerprint() for name, host in lab.hosts.items()}
        assert all(link.next_dial_unix_s is not None for link in snapshot.links.values())
        done = await screen.watch.access.trust(list(shown))
        assert (done.keys, done.skipped) == (3, ())
        snapshot = await screen.all_live(3)
        assert all(link.state is LinkState.LIVE and link.fault is None for link in snapshot.links.values())


async def test_without_a_screen_nothing_is_asked(lab, targets):
    lock(lab)
    watch = FleetWatch(Fleet("f", targets), interval_s=60.0, can_act=False, has_forecasts=False)
    assert watch.access is None
    screen = Screen(watch)
    task = asyncio.ensure_future(watch.run())
    snapshot = await screen.until(lambda snapshot: snapshot.link_counts.refused == 3)
    assert {link.fault.kind for link in snapshot.links.values()} == {FaultKind.KEY_UNUSABLE}
    assert all("passphrase" in link.fault.cause for link in snapshot.links.values())
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
