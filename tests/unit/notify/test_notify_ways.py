"""What goes over the wire, what becomes of failures, and that no secret is ever seen."""

import asyncio
import contextlib
import inspect
import logging
import pickle
import random
import re
import socket
import threading
import time
import traceback
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from leptontui.alerts.notify.alertmanager_way import AlertmanagerWay
from leptontui.alerts.notify.apprise_way import AppriseWay
from leptontui.alerts.notify.notifications import Notifications
from leptontui.alerts.notify.spec import Login, NotifierSpec, Policy, Secret, Way
from leptontui.model.alert import Level, NotifierStatus
from tests.unit.notify.boards import alert, group
from tests.unit.notify.receiver import Receiver, self_signed

TOKEN = "TOPSECRET12345"  # in every address of these tests
AT_ONCE = Policy(group_wait_s=0, group_interval_s=0)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as served:
        yield served


@pytest.fixture(autouse=True)
def nothing_secret_is_seen(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    caplog.set_level(logging.DEBUG)
    yield
    seen = caplog.text + "".join(capfd.readouterr())
    assert TOKEN not in seen


def apprise(port: int, name: str = "oncall", policy: Policy = AT_ONCE, schema: str = "json") -> NotifierSpec:
    return NotifierSpec(name, Way.APPRISE, Secret(f"{schema}://user:{TOKEN}@127.0.0.1:{port}/{TOKEN}"), policy)


def alertmanager(port: int, login: Login | None = None, scheme: str = "http", path: str = "") -> NotifierSpec:
    address = Secret(f"{scheme}://127.0.0.1:{port}{path}")
    return NotifierSpec("am", Way.ALERTMANAGER, address, AT_ONCE, login or Login())


class Telling:
    """Notifications that run, with a way to wait until an attempt is over."""

    def __init__(
        self, *specs: NotifierSpec, memory: str = "", limit_s: float = 30, first_retry_s: float = 0.01
    ) -> None:
        self.settled = asyncio.Event()
        self.kept: list[str] = []
        self.all = Notifications(
            specs,
            memory=memory,
            keep=self._keep,
            chance=random.Random(1),
            limit_s=limit_s,
            first_retry_s=first_retry_s,
        )
        self.task: asyncio.Task[None] | None = None

    def _keep(self, text: str) -> None:
        self.kept.append(text)
        self.settled.set()

    def offer(self, *groups: object) -> None:
        self.all.offer(groups, (), time.time())  # type: ignore[arg-type]

    async def attempt(self) -> NotifierStatus:
        """Wait for the end of the next attempt."""
        self.settled.clear()
        async with asyncio.timeout(30):
            await self.settled.wait()
        return self.all.statuses()[0]

    async def stop(self) -> float:
        """Cancel; how long that took."""
        assert self.task is not None
        started = time.monotonic()
        self.task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.task
        return time.monotonic() - started


@contextlib.asynccontextmanager
async def telling(*specs: NotifierSpec, **options: object) -> AsyncIterator[Telling]:
    running = Telling(*specs, **options)  # type: ignore[arg-type]
    running.task = asyncio.create_task(running.all.run())
    try:
        yield running
    finally:
        await running.stop()
        assert TOKEN not in repr(running.all.statuses()) + repr(specs) + "".join(running.kept)


async def test_a_message_arrives_with_its_title_and_body(receiver: Receiver) -> None:
    async with telling(apprise(receiver.port)) as running:
        running.offer(group("g", alert("a", evidence=("Xid 79",), runbook="https://wiki/lost", action="drain")))
        status = await running.attempt()
    (message,) = receiver.bodies
    assert message["title"] == "[PAGE] host-a has lost a GPU"
    assert "Xid 79" in message["message"]
    assert "runbook: https://wiki/lost" in message["message"]
    assert message["type"] == "failure"
    assert (status.sent, status.waiting, status.trouble, status.failing_since_unix_s) == (1, 0, "", None)


async def test_the_end_arrives_too(receiver: Receiver) -> None:
    async with telling(apprise(receiver.port)) as running:
        running.offer(group("g", alert("a")))
        await running.attempt()
        running.offer()
        await running.attempt()
    assert [body["title"] for body in receiver.bodies][1] == "Resolved: host-a has lost a GPU"
    assert receiver.bodies[1]["type"] == "success"


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (500, "a fault of its own (500)"),
        (401, "(401)"),
        (404, "nothing at this address"),
        (429, "send less"),
        (302, "elsewhere"),
    ],
)
@pytest.mark.parametrize("make", [apprise, alertmanager])
async def test_what_a_server_refuses_is_said_and_tried_again(make: object, status: int, words: str) -> None:
    with Receiver(status=status, answer=TOKEN.encode(), headers={"Location": f"http://127.0.0.1:1/{TOKEN}"}) as there:
        async with telling(make(there.port)) as running:  # type: ignore[operator]
            running.offer(group("g", alert("a")))
            state = await running.attempt()
            assert words in state.trouble
            assert state.failing_since_unix_s is not None
            assert state.waiting == 1
            there.status = 200
            while state.trouble:
                state = await running.attempt()
            assert (state.sent, state.waiting, state.failing_since_unix_s) == (1, 0, None)


@pytest.mark.parametrize("make", [apprise, alertmanager])
async def test_a_server_that_is_not_there_is_said(make: object) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: refuses
        async with telling(make(taken.getsockname()[1])) as running:  # type: ignore[operator]
            running.offer(group("g", alert("a")))
            assert (await running.attempt()).trouble == "connection refused"


@pytest.mark.parametrize("scheme", ["apprise", "alertmanager"])
async def test_a_name_that_does_not_resolve_is_said(scheme: str) -> None:
    spec = (
        NotifierSpec("x", Way.APPRISE, Secret(f"json://no-such-host.invalid/{TOKEN}"), AT_ONCE)
        if scheme == "apprise"
        else NotifierSpec("x", Way.ALERTMANAGER, Secret("http://no-such-host.invalid:9093"), AT_ONCE)
    )
    async with telling(spec) as running:
        running.offer(group("g", alert("a")))
        assert (await running.attempt()).trouble == "its name cannot be resolved"


@pytest.mark.parametrize("make", [apprise, alertmanager])
async def test_a_certificate_that_nobody_vouches_for_is_refused(make: object, tmp_path: Path) -> None:
    with Receiver(certificate=self_signed(tmp_path / "pair.pem")) as there:
        secure = {"schema": "jsons"} if make is apprise else {"scheme": "https"}
        async with telling(make(there.port, **secure)) as running:  # type: ignore[operator]
            running.offer(group("g", alert("a")))
            assert (await running.attempt()).trouble == "its certificate is not trusted"
        assert not there.requests


async def test_alertmanager_with_its_own_certificate_authority_is_trusted(tmp_path: Path) -> None:
    pair = self_signed(tmp_path / "pair.pem")
    with Receiver(certificate=pair) as there:
        login = Login(token=Secret(TOKEN), ca_file=str(pair))
        async with telling(alertmanager(there.port, login, "https", "/prefix")) as running:
            running.offer(group("g", alert("a")))
            assert (await running.attempt()).trouble == ""
    assert there.requests[0].path == "/prefix/api/v2/alerts"
    assert there.requests[0].headers["Authorization"] == f"Bearer {TOKEN}"


async def test_alertmanager_with_a_password_gets_it_and_never_one_of_another_file(
    receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login other password other\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    assert AlertmanagerWay(Secret(f"http://127.0.0.1:{receiver.port}"), Login("kim", Secret("päss"))).post([]) == ""
    assert AlertmanagerWay(Secret(f"http://127.0.0.1:{receiver.port}"), Login()).post([]) == ""
    assert receiver.requests[0].headers["Authorization"] == "Basic a2ltOnDDpHNz"
    assert "Authorization" not in receiver.requests[1].headers


@pytest.mark.parametrize("make", [apprise, alertmanager])
async def test_a_server_that_hangs_holds_up_nobody(make: object) -> None:
    """Neither the other notifiers, nor the caller, nor the end of the program."""
    with Receiver(hangs=True) as there, Receiver() as other:
        async with telling(make(there.port), apprise(other.port, "other"), limit_s=0.2, first_retry_s=60) as running:
            running.offer(group("g", alert("a")))
            await other.got(1)
            while not (state := running.all.statuses()[0]).trouble:
                await running.attempt()
            assert state.trouble == "it did not answer in time"
            assert state.waiting == 1
            assert await running.stop() < 2


async def test_the_end_of_the_program_waits_for_a_message_on_its_way_and_sends_it_once() -> None:
    with Receiver(hangs=True) as there:
        async with telling(apprise(there.port)) as running:
            running.offer(group("g", alert("a")))
            await there.got(1)
            there.hangs = False
            assert running.task is not None
            running.task.cancel()
            await asyncio.sleep(0)
            there.release.set()
            with contextlib.suppress(asyncio.CancelledError):
                await running.task
    assert len(there.requests) == 1
    assert running.all.statuses()[0].sent == 1


async def test_what_still_waits_to_be_complete_is_sent_when_the_program_ends(receiver: Receiver) -> None:
    policy = Policy(group_wait_s=3600)
    async with telling(apprise(receiver.port, policy=policy)) as running:
        running.offer(group("g", alert("a")))
        await asyncio.sleep(0)
        assert not receiver.requests
        assert await running.stop() < 2
    assert len(receiver.requests) == 1
    async with telling(apprise(receiver.port, policy=policy), memory=running.kept[-1]) as again:
        again.offer(group("g", alert("a")))
    assert len(receiver.requests) == 1


async def test_one_address_that_fails_does_not_hold_up_the_others(receiver: Receiver) -> None:
    with Receiver(status=500) as broken:
        async with telling(apprise(broken.port, "a"), apprise(receiver.port, "b"), first_retry_s=60) as running:
            running.offer(group("g", alert("a")))
            await asyncio.gather(receiver.got(1), broken.got(1))


async def test_what_a_host_says_calls_nobody(receiver: Receiver) -> None:
    async with telling(apprise(receiver.port)) as running:
        running.offer(group("g", alert("a", host="<!channel>", summary="<!here> @everyone \x1b[31m[x](http://evil)")))
        await running.attempt()
    text = receiver.requests[0].body.decode("unicode-escape", "replace")
    for hostile in ("<!", "@everyone", "\x1b", "]("):
        assert hostile not in text


def test_every_apprise_plugin_that_touches_this_machine_is_refused() -> None:
    """A new apprise that brings another one fails here."""
    import apprise as library

    from leptontui.alerts.notify.schemas import LOCAL, refused

    touches = re.compile(
        r"^\s*(?:import|from) +(subprocess|dbus|gi|ctypes|syslog|pexpect|win32\w*|hid)\b|os\.(?:system|popen|exec)",
        re.MULTILINE,
    )
    found = set()
    for entry in library.Apprise().details(show_disabled=True)["schemas"]:
        names = {str(name) for name in (*(entry["protocols"] or ()), *(entry["secure_protocols"] or ()))}
        service = library.manager_plugins.NotificationManager()[next(iter(names))]
        if touches.search(inspect.getsource(inspect.getmodule(service))):  # type: ignore[arg-type]
            found |= names
    assert {"dbus", "syslog", "gnome"} <= found
    assert found <= LOCAL
    assert all(refused(f"{name}://") for name in found)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        (f"dbus://{TOKEN}", "dbus:// tells only this machine"),
        (f"exec://{TOKEN}", "not a service"),
        (f"slakc://{TOKEN}", 'did you mean "slack"?'),
        (f"slack://{TOKEN}", "does not understand this slack:// address"),
        (TOKEN, "not an address"),
        (f"https://{TOKEN}.invalid/hook", "apprise knows no https://"),
    ],
)
def test_an_address_that_cannot_be_used_is_explained(url: str, words: str) -> None:
    way = AppriseWay(Secret(url))
    assert words in way.trouble()
    assert words in way.send("t", "b", "info")


def test_a_secret_is_in_no_repr_and_no_traceback() -> None:
    secret = Secret(TOKEN)
    spec = NotifierSpec("n", Way.APPRISE, secret, login=Login("u", secret, secret))
    with pytest.raises(RuntimeError) as raised:
        fail(spec, secret)
    shown = traceback.TracebackException.from_exception(raised.value, capture_locals=True).format()
    assert TOKEN not in "".join(shown) + repr(spec) + f"{secret} {secret!r} {[secret]}"
    with pytest.raises(TypeError):
        pickle.dumps(secret)


def fail(*with_what: object) -> None:
    raise RuntimeError(*with_what)


async def test_apprise_is_loaded_in_no_thread_but_its_own(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[str] = []
    send = AppriseWay.send

    def noted(way: AppriseWay, title: str, body: str, kind: str) -> str:
        threads.append(threading.current_thread().name)
        return send(way, title, body, kind)

    monkeypatch.setattr(AppriseWay, "send", noted)
    async with telling(apprise(receiver.port)) as running:
        running.offer(group("g", alert("a")))
        await running.attempt()
    assert threads == ["notify oncall"]


async def test_messages_of_many_groups_arrive_one_after_the_other_worst_first(receiver: Receiver) -> None:
    policy = Policy(levels=frozenset(Level), group_wait_s=0, group_interval_s=0)
    async with telling(apprise(receiver.port, policy=policy)) as running:
        running.offer(group("t", alert("t", level=Level.TICKET, at=1.0)), group("p", alert("p", at=2.0)))
        await receiver.got(2)
    assert [body["title"].split("]")[0] for body in receiver.bodies] == ["[PAGE", "[TICKET"]
