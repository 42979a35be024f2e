"""Against OpenSSH's own server, where there is one: logins of every kind, the real probe, bastions, and its limits."""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import os
import re
import shutil
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from leptontui.errors import LinkError
from leptontui.model.link import FaultKind, LinkState
from leptontui.model.target import HostTarget
from leptontui.sources.backoff import Patience
from leptontui.sources.bundle import launch_argv, launch_stdin
from leptontui.sources.ssh_fleet import LaunchPlan, SshFleetSource
from leptontui.transport.dialer import Dialer, Pacing
from leptontui.transport.ssh import SshTransport
from leptontui.wire import Hello, Sweep

SSHD = shutil.which("sshd", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
pytestmark = [
    pytest.mark.skipif(SSHD is None or shutil.which("ssh-keygen") is None, reason="OpenSSH is not installed"),
]
PASSPHRASE = "for a test"


def sh(*words, **options):
    return subprocess.run([str(word) for word in words], check=True, capture_output=True, text=True, **options).stdout


def keygen(path: Path, kind="ed25519", passphrase="", *more) -> None:
    sh("ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-f", path, *more)


def fingerprint(path: Path) -> str:
    return sh("ssh-keygen", "-lf", path).split()[1]


@dataclass
class Server:
    """A running sshd."""

    name: str
    port: int
    directory: Path
    process: subprocess.Popen

    @property
    def log(self) -> str:
        return (self.directory / f"{self.name}.log").read_text()

    @property
    def dials(self) -> int:
        """Connections from us, but for the one that waited for it to start."""
        return len(re.findall(r"^Connection from ", self.log, re.MULTILINE)) - 1


class OpenSsh:
    """Starts sshds on loopback, and writes what a client needs for them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.config = directory / "config"
        self.known_hosts = directory / "known_hosts"
        self.servers: list[Server] = []
        keygen(directory / "id")
        (directory / "authorized").write_text((directory / "id.pub").read_text())

    def start(
        self, name: str, *options: str, client: str = "", address: str = "127.0.0.1", authority: Path | None = None
    ) -> Server:
        """Start a server called `name`, known to the client, who is let in."""
        directory = self.directory
        keygen(directory / f"{name}_key")
        if authority is not None:
            sh("ssh-keygen", "-q", "-s", authority, "-I", "it", "-h", "-n", name, directory / f"{name}_key.pub")
            options = (*options, f"HostCertificate {directory}/{name}_key-cert.pub")
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
            probe.bind((address, 0))
            port = probe.getsockname()[1]
        place = f"[{address}]" if ":" in address else address
        (directory / f"{name}.conf").write_text(
            "\n".join(
                (
                    f"Port {port}\nListenAddress {place}\nHostKey {directory}/{name}_key",
                    f"AuthorizedKeysFile {directory}/authorized\nStrictModes no\nPidFile none\nUsePAM no",
                    "LogLevel VERBOSE\nPasswordAuthentication no",
                    *options,
                    "",
                )
            )
        )
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(
                mode=0o755, exist_ok=True
            )  # where sshd drops its privileges; Debian's unit makes it
        with (directory / f"{name}.log").open("wb") as log:
            process = subprocess.Popen([SSHD, "-D", "-e", "-f", directory / f"{name}.conf"], stderr=log)
        server = Server(name, port, directory, process)
        self.servers.append(server)
        self._wait(server, address)
        with self.config.open("a") as file:
            file.write(
                f"Host {name}\n  HostName {address}\n  Port {port}\n  HostKeyAlias {name}\n  User {getpass.getuser()}\n"
                f"  {client or f'IdentityFile {directory}/id'}\n  UserKnownHostsFile {self.known_hosts}\n"
            )
        with self.known_hosts.open("a") as file:
            file.write(f"{name} {(directory / f'{name}_key.pub').read_text()}")
        return server

    def target(self, name: str, **fields) -> HostTarget:
        return HostTarget(name, ssh_config=str(self.config), **fields)

    def _wait(self, server: Server, address: str) -> None:
        for _ in range(500):
            with contextlib.suppress(OSError), socket.create_connection((address, server.port), 1) as probe:
                assert probe.recv(4) == b"SSH-"
                return
            if server.process.poll() is not None:
                unmet = pytest.fail if os.environ.get("LEPTON_LAB") == "required" else pytest.skip
                unmet(f"sshd does not start here: {server.log}")
            sh("sleep", "0.02")


@pytest.fixture
def openssh(tmp_path, monkeypatch, request):
    if "agent" not in request.fixturenames:
        monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    openssh = OpenSsh(tmp_path)
    yield openssh
    for server in openssh.servers:
        server.process.terminate()
        server.process.wait(10)


@pytest.fixture
async def dialer():
    """Of its own: a loaded machine must not make a sign of life of sshd come too late."""
    dialer = Dialer(Pacing())
    yield dialer
    await dialer.close()


@pytest.fixture
async def enter(dialer):
    """Dials and says whether we are in; closed at the end."""
    made = []

    async def one(target):
        made.append(SshTransport(target, dialer))
        return (await made[-1].run(["printf", "in"])).stdout == "in"

    yield one
    await asyncio.gather(*(transport.close() for transport in made))


async def fault_of(target, dialer):
    transport = SshTransport(target, dialer)
    with pytest.raises(LinkError) as caught:
        await transport.connect()
    return caught.value.fault


@contextlib.asynccontextmanager
async def watched(targets, dialer, heard, **patience):
    source = SshFleetSource(
        targets,
        interval_s=1.0,
        connect=lambda target: SshTransport(target, dialer),
        launch=LaunchPlan(launch_argv(), launch_stdin),
        patience=Patience(stale_s=30.0, **patience),
    )
    task = asyncio.ensure_future(source.run(heard))
    yield source
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("jump", [None, "bastion"])
async def test_the_probe_runs_over_openssh_directly_and_through_a_bastion(openssh, dialer, heard, jump):
    openssh.start("real")
    openssh.start("bastion")
    async with watched([openssh.target("real", jump=jump)], dialer, heard):
        await heard.link("real", LinkState.LIVE)
        assert isinstance(heard.received[0].message, Hello)
        await heard.until(lambda: sum(isinstance(item.message, Sweep) for item in heard.received) >= 3)


async def test_arguments_and_signals(openssh, dialer):
    openssh.start("real")
    transport = SshTransport(openssh.target("real"), dialer)
    words = ["a b", "$HOME", "it's", "*"]
    assert (await transport.run(["printf", "%s\n", *words])).stdout.splitlines() == words
    assert (await transport.run(["sh", "-c", "kill -9 $$"])).exit_status == -9
    await transport.close()


async def test_commands_beyond_max_sessions_wait_and_one_too_many_finds_the_host_busy(openssh, dialer):
    server = openssh.start("real", "MaxSessions 4")
    transport = SshTransport(openssh.target("real"), dialer)
    done = await asyncio.gather(*(transport.run(["printf", str(n)]) for n in range(20)))
    assert [one.stdout for one in done] == [str(n) for n in range(20)]
    streams = [await transport.stream(["cat"]) for _ in range(4)]
    with pytest.raises(LinkError) as caught:
        await transport.stream(["cat"])
    assert caught.value.fault.kind is FaultKind.HOST_BUSY
    assert "MaxSessions" in caught.value.fault.mend
    assert [(await stream.close()).exit_status for stream in streams] == [0] * 4
    assert server.dials == 1
    await transport.close()


async def test_no_sessions_at_all_is_a_refusal(openssh, dialer):
    openssh.start("real", "MaxSessions 0")
    transport = SshTransport(openssh.target("real"), dialer)
    with pytest.raises(LinkError) as caught:
        await transport.stream(["cat"])
    assert caught.value.fault.kind is FaultKind.PERMISSION_DENIED
    await transport.close()


async def test_max_startups_makes_no_host_lost(openssh, heard):
    server = openssh.start("real", "MaxStartups 3")
    names = [f"gpu-{n}" for n in range(12)]
    openssh.config.write_text(openssh.config.read_text().replace("Host real", "Host real gpu-*"))
    # As slow as a bastion far away: dials that may take long, and a keepalive that is not hasty.
    dialer = Dialer(Pacing(connect_timeout_s=30.0, keepalive_interval_s=30.0))
    async with watched([openssh.target(name) for name in names], dialer, heard, first_s=0.05, longest_s=0.5):
        for name in names:
            await heard.link(name, LinkState.LIVE)
    assert not any(link.state in {LinkState.LOST, LinkState.REFUSED} for link in heard.links)
    assert {link.fault.kind for link in heard.links if link.fault is not None} <= {FaultKind.HOST_BUSY}
    assert "drop connection" in server.log  # it did refuse some
    await dialer.close()


@pytest.mark.parametrize("kind", ["ed25519", "rsa", "ecdsa"])
async def test_keys_of_each_kind_open(openssh, enter, kind, tmp_path):
    keygen(tmp_path / "other", kind)
    (tmp_path / "authorized").write_text((tmp_path / "other.pub").read_text())
    openssh.start("real", client=f"IdentityFile {tmp_path}/other")
    assert await enter(openssh.target("real"))


class Once:
    """Knows the passphrase, and counts how often it is asked."""

    def __init__(self):
        self.asked = 0
        self._answer = None

    async def ask(self, question):
        if self._answer is None:
            self.asked += 1
            self._answer = asyncio.get_running_loop().create_future()
            self._answer.set_result(PASSPHRASE)
        return await self._answer


async def test_an_encrypted_key_of_ssh_keygen_is_asked_for_once(openssh, tmp_path):
    keygen(tmp_path / "locked", "ed25519", PASSPHRASE, "-a", "4")
    (tmp_path / "authorized").write_text((tmp_path / "locked.pub").read_text())
    for name in ("real", "other"):
        openssh.start(name, client=f"IdentityFile {tmp_path}/locked")
    asker = Once()
    dialer = Dialer(Pacing(), asker)
    transports = [SshTransport(openssh.target(name), dialer) for name in ("real", "other")]
    done = await asyncio.gather(*(transport.run(["printf", "in"]) for transport in transports))
    assert [one.stdout for one in done] == ["in", "in"]
    assert asker.asked == 1
    await asyncio.gather(*(transport.close() for transport in transports))
    await dialer.close()


@pytest.fixture
def agent(tmp_path, monkeypatch):
    """An agent that knows no key yet."""
    path = tmp_path / "agent"
    with subprocess.Popen(["ssh-agent", "-D", "-a", path], stdout=subprocess.DEVNULL) as process:
        for _ in range(500):
            if path.exists():
                break
            sh("sleep", "0.02")
        monkeypatch.setenv("SSH_AUTH_SOCK", str(path))
        yield path
        process.terminate()


@pytest.mark.usefixtures("agent")
async def test_an_agent_and_its_locked_key_need_no_question(openssh, enter, dialer, tmp_path):
    keygen(tmp_path / "locked", "ed25519", PASSPHRASE, "-a", "4")
    (tmp_path / "authorized").write_text((tmp_path / "locked.pub").read_text())
    openssh.start("real", client=f"IdentityFile {tmp_path}/locked\n  IdentitiesOnly yes")
    fault = await fault_of(openssh.target("real"), dialer)
    assert fault.kind is FaultKind.KEY_UNUSABLE
    ask = tmp_path / "ask"
    ask.write_text(f"#!/bin/sh\necho {PASSPHRASE}\n")
    ask.chmod(0o700)
    environment = {**os.environ, "SSH_ASKPASS": str(ask), "SSH_ASKPASS_REQUIRE": "force"}
    sh("ssh-add", tmp_path / "locked", env=environment)
    assert await enter(openssh.target("real"))


async def test_certificates_of_users_beside_the_key_and_by_certificate_file(openssh, enter, dialer, tmp_path):
    keygen(tmp_path / "ca")
    keygen(tmp_path / "fresh")
    user = getpass.getuser()
    sh("ssh-keygen", "-q", "-s", tmp_path / "ca", "-I", "me", "-n", user, "-V", "-1m:+1h", tmp_path / "fresh.pub")
    trusted = f"TrustedUserCAKeys {tmp_path}/ca.pub\nAuthorizedKeysFile none"
    (tmp_path / "authorized").write_text("")
    openssh.start("real", trusted, client=f"IdentityFile {tmp_path}/fresh")
    assert await enter(openssh.target("real"))
    (tmp_path / "fresh-cert.pub").rename(tmp_path / "elsewhere.pub")
    fault = await fault_of(openssh.target("real"), dialer)
    assert fault.kind is FaultKind.PERMISSION_DENIED
    text = openssh.config.read_text()
    openssh.config.write_text(
        text + f"  CertificateFile {tmp_path}/missing.pub\n  CertificateFile {tmp_path}/elsewhere.pub\n"
    )
    assert await enter(openssh.target("real"))
    sh("ssh-keygen", "-q", "-s", tmp_path / "ca", "-I", "me", "-n", user, "-V", "-2h:-1h", tmp_path / "fresh.pub")
    openssh.config.write_text(text)
    fault = await fault_of(openssh.target("real"), dialer)
    assert fault.kind is FaultKind.PERMISSION_DENIED
    assert "expired" in fault.cause


async def test_hosts_certified_by_an_authority(openssh, enter, tmp_path):
    keygen(tmp_path / "ca")
    openssh.start("real", authority=tmp_path / "ca")
    openssh.known_hosts.write_text(f"@cert-authority re* {(tmp_path / 'ca.pub').read_text()}")
    assert await enter(openssh.target("real"))


async def test_hashed_known_hosts_and_a_changed_key(openssh, enter, dialer, tmp_path):
    openssh.start("real")
    sh("ssh-keygen", "-H", "-f", openssh.known_hosts)
    assert "real" not in openssh.known_hosts.read_text()
    assert await enter(openssh.target("real"))
    keygen(tmp_path / "old")
    openssh.known_hosts.write_text(f"real {(tmp_path / 'old.pub').read_text()}")
    sh("ssh-keygen", "-H", "-f", openssh.known_hosts)
    fault = await fault_of(openssh.target("real"), dialer)
    assert fault.kind is FaultKind.HOST_KEY_CHANGED
    assert fault.offered is None
    assert fingerprint(tmp_path / "old.pub") in fault.cause


async def test_the_fingerprint_shown_is_the_one_openssh_shows(openssh, dialer, tmp_path):
    openssh.start("real")
    shown = fingerprint(tmp_path / "real_key.pub")
    fault = await fault_of(openssh.target("real", known_hosts=str(tmp_path / "new")), dialer)
    assert fault.kind is FaultKind.HOST_KEY_UNKNOWN
    assert shown in fault.cause
    assert fault.offered.fingerprint == shown
    done = await dialer.accept([fault.offered])
    assert done.keys == 1
    command = ["ssh", "-F", str(openssh.config), "-o", f"UserKnownHostsFile={tmp_path}/new", "real", "printf in"]
    said = await asyncio.to_thread(sh, *command)
    assert said == "in"


async def test_a_chain_of_two_bastions_is_one_connection_each(openssh, dialer):
    outer, inner = openssh.start("outer"), openssh.start("inner")
    hosts = [openssh.start(f"gpu-{n}") for n in range(4)]
    with openssh.config.open("a") as file:
        file.write("Host gpu-*\n  ProxyJump outer,inner\n")
    transports = [SshTransport(openssh.target(host.name), dialer) for host in hosts]
    done = await asyncio.gather(*(transport.run(["printf", "in"]) for transport in transports))
    assert [one.stdout for one in done] == ["in"] * 4
    assert (outer.dials, inner.dials) == (1, 1)
    assert [host.dials for host in hosts] == [1] * 4
    await asyncio.gather(*(transport.close() for transport in transports))


async def test_proxy_command_through_ssh_itself_and_through_a_shell(openssh, enter, dialer):
    bastion = openssh.start("bastion")
    openssh.start("real")
    with openssh.config.open("a") as file:
        file.write(f"  ProxyCommand ssh -F {openssh.config} -W %h:%p bastion 2>/dev/null\n")
    assert await enter(openssh.target("real"))
    assert bastion.dials == 1
    text = openssh.config.read_text()
    openssh.config.write_text(text.replace("-W %h:%p bastion 2>/dev/null", "-W %h:1 bastion"))
    fault = await fault_of(openssh.target("real"), dialer)
    assert fault.kind is FaultKind.CONNECTION_REFUSED
    assert "ProxyCommand of real ended" in fault.cause
    openssh.config.write_text(re.sub("ProxyCommand .*", "ProxyCommand no-such-command-here", text))
    fault = await fault_of(openssh.target("real"), dialer)
    assert "no-such-command-here" in fault.cause


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.mark.skipif(not has_ipv6(), reason="no IPv6 on loopback")
@pytest.mark.parametrize("jump", [None, "bastion"])
async def test_ipv6(openssh, enter, dialer, jump):
    openssh.start("bastion")
    openssh.start("real", address="::1")
    assert await enter(openssh.target("real", jump=jump))
    route = await dialer.route(openssh.target("real", jump=jump))
    assert "[::1]:" in route.dialled.address


async def test_security_keys_that_cannot_be_used_here_are_said_with_the_mend(openssh, dialer, tmp_path):
    from leptontui.transport.keys import KeyRing, has_security_keys

    if has_security_keys():
        pytest.skip("python-fido2 is installed")
    import asyncssh

    # What `ssh-keygen -t ed25519-sk` writes: a handle, which only the security key itself can sign with.
    from asyncssh.packet import Byte, String

    key = asyncssh.generate_private_key("ssh-ed25519")
    public = key.public_data[-32:]
    blob = String("sk-ssh-ed25519@openssh.com") + String(public) + String("ssh:")
    private = blob + Byte(1) + String(b"handle") + String(b"")
    import base64

    check = b"\0\0\0\7" * 2
    inner = check + private + String("")
    inner += bytes(range(1, 1 + -len(inner) % 8))
    data = (
        b"openssh-key-v1\0" + String("none") + String("none") + String("") + b"\0\0\0\1" + String(blob) + String(inner)
    )
    text = base64.encodebytes(data).decode()
    path = tmp_path / "id_ed25519_sk"
    path.write_text(f"-----BEGIN OPENSSH PRIVATE KEY-----\n{text}-----END OPENSSH PRIVATE KEY-----\n")
    path.chmod(0o600)
    assert "ED25519-SK" in sh("ssh-keygen", "-lf", path)
    assert KeyRing().open(path).is_touched
    openssh.start("real", client=f"IdentityFile {path}")
    fault = await fault_of(openssh.target("real"), dialer)
    assert fault.kind is FaultKind.KEY_UNUSABLE
    assert "security key (FIDO)" in fault.cause
    assert "ssh-add" in fault.cause
