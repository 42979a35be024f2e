"""Secrets: asked once for all hosts they open, only where they may be, and seen nowhere else."""

from __future__ import annotations

import asyncio
import logging

import asyncssh
import pytest
from conftest import QUICK

from leptontui.engine.questions import Questions
from leptontui.errors import LinkError
from leptontui.model.link import FaultKind
from leptontui.model.question import QuestionKind
from leptontui.transport.dialer import Dialer
from leptontui.transport.ssh import SshTransport

SECRET = "correct horse battery"
QUICKLY = {"openssh": {"rounds": 4, "ignore_few_rounds": True}}


class Signalled(Questions):
    """As on the screen, and tells when the first question has come."""

    def __init__(self):
        super().__init__()
        self.came = asyncio.Event()

    async def ask(self, question):
        asking = asyncio.ensure_future(super().ask(question))
        await asyncio.sleep(0)
        self.came.set()
        return await asking


class Asked:
    """Answers what is asked from a list; None declines. Keeps the questions."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.questions = []
        self._same = {}

    async def ask(self, question):
        if question.id not in self._same:
            self.questions.append(question)
            self._same[question.id] = self.answers.pop(0) if self.answers else None
        await asyncio.sleep(0)
        return self._same[question.id]


@pytest.fixture
async def dial():
    """Dials targets all at once, asking through `asked`; returns transports or faults."""
    dialers, made = [], []

    async def several(asked, *targets):
        dialer = Dialer(QUICK, asked)
        dialers.append(dialer)

        async def one(target):
            transport = SshTransport(target, dialer)
            made.append(transport)
            try:
                await transport.connect()
            except LinkError as error:
                return error.fault
            return transport

        return await asyncio.gather(*map(one, targets))

    yield several
    await asyncio.gather(*(transport.close() for transport in made))
    for dialer in dialers:
        await dialer.close()


def lock(lab, format_name="openssh"):
    lab.identity.write_bytes(
        lab.client_key.export_private_key(format_name, passphrase=SECRET, **QUICKLY.get(format_name, {}))
    )
    (lab.directory / "id.pub").write_bytes(lab.client_key.export_public_key())


@pytest.mark.parametrize("format_name", ["openssh", "pkcs8-pem"])
@pytest.mark.parametrize("is_named", [False, True], ids=["configured", "inventory"])
async def test_a_locked_key_is_asked_for_once_for_all_hosts(lab, dial, format_name, is_named):
    lock(lab, format_name)
    names = [f"gpu-{n}" for n in range(6)]
    for name in names:
        await lab.start(name)
    fields = {"identity": str(lab.identity)} if is_named else {}
    asked = Asked(SECRET)
    links = await dial(asked, *(lab.target(name, **fields) for name in names))
    assert [(await link.run(["echo", "in"])).stdout for link in links] == ["in\n"] * 6
    [question] = asked.questions
    assert question.kind is QuestionKind.PASSPHRASE
    assert question.subject == str(lab.identity)
    assert question.is_hidden
    # Nothing was dialled for it in vain: the hosts waited for the key.
    assert [host.dials for host in lab.hosts.values()] == [1] * 6


async def test_a_wrong_passphrase_is_asked_again_and_the_third_ends_it(lab, dial):
    lock(lab)
    await lab.start("gpu-1")
    asked = Asked("wrong", SECRET)
    [link] = await dial(asked, lab.target("gpu-1"))
    assert (await link.run(["echo", "in"])).stdout == "in\n"
    assert [question.attempt for question in asked.questions] == [1, 2]
    asked = Asked("no", "nor", "neither")
    [fault] = await dial(asked, lab.target("gpu-1"))
    assert fault.kind is FaultKind.SECRET_NEEDED
    assert "3 wrong answers" in fault.cause
    assert "ssh-add" in fault.mend
    assert len(asked.questions) == 3


async def test_a_declined_passphrase_is_a_refusal_and_not_asked_again_until_wanted(lab, dial):
    lock(lab)
    host = await lab.start("gpu-1")
    asked = Asked(None)
    [fault] = await dial(asked, lab.target("gpu-1"))
    assert fault.kind is FaultKind.SECRET_NEEDED
    assert fault.kind.is_refusal
    assert host.dials == 0
    dialer = Dialer(QUICK, asked := Asked(None, SECRET))
    transport = SshTransport(lab.target("gpu-1"), dialer)
    for _ in range(2):
        with pytest.raises(LinkError) as caught:
            await transport.connect()
        assert caught.value.fault.kind is FaultKind.SECRET_NEEDED
    assert len(asked.questions) == 1
    dialer.reconsider()
    asked._same.clear()
    await transport.connect()
    assert len(asked.questions) == 2
    await transport.close()
    await dialer.close()


async def test_a_key_that_lets_us_in_keeps_a_locked_one_from_being_asked_for(lab, dial):
    locked = lab.directory / "locked"
    other = asyncssh.generate_private_key("ssh-ed25519")
    locked.write_bytes(other.export_private_key(passphrase=SECRET, **QUICKLY["openssh"]))
    lab.extra["gpu-1"] = f"  IdentityFile {locked}\n"
    await lab.start("gpu-1")
    asked = Asked(SECRET)
    [link] = await dial(asked, lab.target("gpu-1"))
    assert (await link.run(["echo", "in"])).stdout == "in\n"
    assert asked.questions == []


async def test_a_locked_key_is_asked_for_when_the_others_are_refused(lab, dial):
    right = asyncssh.generate_private_key("ssh-rsa", key_size=2048)
    locked = lab.directory / "locked"
    locked.write_bytes(right.export_private_key(passphrase=SECRET, **QUICKLY["openssh"]))
    lab.extra["gpu-1"] = f"  IdentityFile {locked}\n"
    keys = asyncssh.import_authorized_keys(right.export_public_key().decode())
    await lab.start("gpu-1", authorized_client_keys=keys)
    asked = Asked(SECRET)
    [link] = await dial(asked, lab.target("gpu-1"))
    assert (await link.run(["echo", "in"])).stdout == "in\n"
    assert len(asked.questions) == 1


def by_password(lab, *, right=SECRET, prompts=None, only="kbdint"):
    """Options for a server that takes a password, and what it was offered."""
    offered = []

    class Server(asyncssh.SSHServer):
        def begin_auth(self, username):
            return True

        def password_auth_supported(self):
            return only == "password"

        def validate_password(self, username, password):
            offered.append(password)
            return password == right

        def kbdint_auth_supported(self):
            return only == "kbdint"

        def get_kbdint_challenge(self, username, lang, submethods):
            return "", "", "", list(prompts or [("Password: ", False)])

        def validate_kbdint_response(self, username, responses):
            offered.extend(responses)
            return list(responses) == [right] if prompts is None else responses[-1] == right

    return {"server_factory": Server, "public_key_auth": False}, offered


@pytest.fixture
async def gated(lab):
    """Starts a host that takes a password."""
    acceptors = []

    async def start(name, **fields):
        options, offered = by_password(lab, **fields)
        key = asyncssh.generate_private_key("ssh-ed25519")

        async def answer(process):
            process.stdout.write("in\n")
            process.exit(0)

        acceptor = await asyncssh.listen("127.0.0.1", 0, server_host_keys=[key], process_factory=answer, **options)
        acceptors.append(acceptor)
        with lab.config.open("a") as file:
            file.write(
                f"Host {name}\n  HostName 127.0.0.1\n  Port {acceptor.get_port()}\n  User ops\n  HostKeyAlias {name}\n"
                f"  UserKnownHostsFile {lab.known_hosts}\n  IdentityFile {lab.identity}\n"
            )
        with lab.known_hosts.open("a") as file:
            file.write(f"{name} {key.export_public_key().decode()}")
        return offered

    yield start
    for acceptor in acceptors:
        acceptor.close()
        await acceptor.wait_closed()


@pytest.mark.parametrize("only", ["kbdint", "password"])
async def test_a_password_is_asked_once_for_the_group_and_proven_on_one_host_first(lab, dial, gated, only):
    names = [f"gpu-{n}" for n in range(5)]
    offered = {name: await gated(name, only=only) for name in names}
    asked = Asked(SECRET)
    links = await dial(asked, *(lab.target(name, group="training", asks_password=True) for name in names))
    assert [(await link.run(["x"])).stdout for link in links] == ["in\n"] * 5
    [question] = asked.questions
    assert question.kind is QuestionKind.PASSWORD
    assert question.subject == "ops@training"
    assert all(sent == [SECRET] for sent in offered.values())


async def test_a_mistyped_password_is_sent_to_one_host_once(lab, dial, gated):
    names = [f"gpu-{n}" for n in range(5)]
    offered = {name: await gated(name) for name in names}
    asked = Asked("mistyped", SECRET)
    links = await dial(asked, *(lab.target(name, asks_password=True) for name in names))
    assert [(await link.run(["x"])).stdout for link in links] == ["in\n"] * 5
    sent = [password for passwords in offered.values() for password in passwords]
    assert sent.count("mistyped") == 1
    assert [question.attempt for question in asked.questions] == [1, 2]


async def test_no_password_is_asked_or_sent_unless_the_inventory_says_so(lab, dial, gated):
    offered = await gated("gpu-1")
    asked = Asked(SECRET)
    [fault] = await dial(asked, lab.target("gpu-1"))
    assert fault.kind is FaultKind.PERMISSION_DENIED
    assert "asks_password" in fault.mend
    assert (asked.questions, offered) == ([], [])


async def test_where_nobody_can_be_asked_it_is_said_what_is_needed(lab, dial, gated):
    await gated("gpu-1")
    [fault] = await dial(None, lab.target("gpu-1", asks_password=True))
    assert fault.kind is FaultKind.SECRET_NEEDED
    assert "nobody can be asked" in fault.cause


async def test_a_code_is_asked_while_the_host_waits_and_used_once(lab, dial, gated):
    offered = await gated(
        "gpu-1", right="123456", prompts=[("Password: ", False), ("\x1b[1mVerification code: ", True)]
    )
    asked = Asked(SECRET, "123456")
    [link] = await dial(asked, lab.target("gpu-1", asks_password=True))
    assert (await link.run(["x"])).stdout == "in\n"
    password, code = asked.questions
    assert (password.kind, code.kind) == (QuestionKind.PASSWORD, QuestionKind.CODE)
    assert code.prompt.isprintable()
    assert "Verification code" in code.prompt
    assert not code.is_hidden
    assert offered == [SECRET, "123456"]


async def test_secrets_are_in_no_log_and_no_representation(lab, caplog):
    caplog.set_level(logging.DEBUG)
    lock(lab)
    await lab.start("gpu-2")
    questions = Signalled()
    dialer = Dialer(QUICK, questions)
    asyncio.get_running_loop().set_debug(True)
    transport = SshTransport(lab.target("gpu-2"), dialer)
    dialing = asyncio.ensure_future(transport.connect())
    await asyncio.wait_for(questions.came.wait(), 10)
    [question] = questions.questions()
    questions.answer(question.id, SECRET)
    seen = repr(questions.__dict__) + repr(question)
    await dialing
    seen += repr(dialer._vault.__dict__) + repr(dialer.__dict__) + repr(dialing) + repr(transport.__dict__)
    seen += repr(list(map(repr, asyncio.all_tasks()))) + caplog.text
    assert SECRET not in seen
    await transport.close()
    await dialer.close()


async def test_a_host_with_a_password_of_its_own_is_asked_for_apart(lab, gated):
    for name in ("gpu-1", "gpu-2"):
        await gated(name)
    offered = await gated("odd", right="its own")
    asked = Asked(SECRET, "its own")
    dialer = Dialer(QUICK, asked)
    # One after the other: a password that no host has taken yet would be taken for a mistyped one.
    for name in ("gpu-1", "gpu-2", "odd"):
        link = SshTransport(lab.target(name, group="training", asks_password=True), dialer)
        assert (await link.run(["x"])).stdout == "in\n"
        await link.close()
    await dialer.close()
    assert [question.subject for question in asked.questions] == ["ops@training", "ops@odd"]
    assert offered == [SECRET, "its own"]


async def test_a_declined_password_is_a_refusal(lab, dial, gated):
    names = ("gpu-1", "gpu-2", "gpu-3")
    offered = [await gated(name) for name in names]
    asked = Asked(None)
    faults = await dial(asked, *(lab.target(name, asks_password=True) for name in names))
    assert {fault.kind for fault in faults} == {FaultKind.SECRET_NEEDED}
    assert len(asked.questions) == 1
    assert offered == [[], [], []]


async def test_three_wrong_passwords_end_it(lab, dial, gated):
    offered = await gated("gpu-1")
    asked = Asked("one", "two", "three", SECRET)
    [fault] = await dial(asked, lab.target("gpu-1", asks_password=True))
    assert fault.kind is FaultKind.SECRET_NEEDED
    assert "3 wrong answers" in fault.cause
    assert offered == ["one", "two", "three"]


async def test_hosts_behind_a_bastion_ask_for_its_key_once_with_their_names(lab):
    lock(lab)
    await lab.start("bastion", is_forwarding=True)
    names = [f"gpu-{n}" for n in range(5)]
    for name in names:
        await lab.start(name)
    questions = Signalled()
    dialer = Dialer(QUICK, questions)
    transports = [SshTransport(lab.target(name, jump="bastion"), dialer) for name in names]
    dials = [asyncio.ensure_future(transport.connect()) for transport in transports]
    async with asyncio.timeout(10):
        await questions.came.wait()
    [question] = questions.questions()
    assert question.waiting >= 1
    assert set(question.hosts) <= set(names)
    questions.answer(question.id, SECRET)
    await asyncio.gather(*dials)
    assert questions.questions() == ()
    assert lab.hosts["bastion"].dials == 1
    await asyncio.gather(*(transport.close() for transport in transports))
    await dialer.close()
