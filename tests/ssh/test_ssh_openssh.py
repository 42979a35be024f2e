"""Against OpenSSH's own server, where there is one: login, the real probe, and a jump through it."""

from __future__ import annotations

import asyncio
import getpass
import os
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from leptontui.errors import LinkError
from leptontui.model.link import FaultKind, LinkState
from leptontui.model.target import HostTarget
from leptontui.sources.bundle import launch_argv, launch_stdin
from leptontui.sources.ssh_fleet import LaunchPlan, SshFleetSource
from leptontui.transport.ssh import SshTransport
from leptontui.wire import Hello, Sweep

SSHD = shutil.which("sshd", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
pytestmark = [
    pytest.mark.skipif(SSHD is None or shutil.which("ssh-keygen") is None, reason="OpenSSH is not installed"),
]


def keygen(path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)


def fingerprint(path: Path) -> str:
    done = subprocess.run(["ssh-keygen", "-lf", path], check=True, capture_output=True, text=True)
    return done.stdout.split()[1]


@pytest.fixture
def openssh(tmp_path, monkeypatch):
    """A real sshd on loopback; yields the path of an ssh_config with host `real`."""
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    keygen(tmp_path / "host")
    keygen(tmp_path / "id")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (tmp_path / "sshd").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {tmp_path}/host\nAuthorizedKeysFile {tmp_path}/id.pub\n"
        "StrictModes no\nPidFile none\nUsePAM no\nPasswordAuthentication no\nMaxSessions 2\n"
    )
    public = (tmp_path / "host.pub").read_text()
    (tmp_path / "known_hosts").write_text(f"real {public}bastion {public}")
    (tmp_path / "config").write_text(
        "".join(
            f"Host {name}\n  HostName 127.0.0.1\n  Port {port}\n  HostKeyAlias {name}\n  User {getpass.getuser()}\n"
            f"  IdentityFile {tmp_path}/id\n  UserKnownHostsFile {tmp_path}/known_hosts\n"
            for name in ("real", "bastion")
        )
    )
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # where sshd drops its privileges; Debian's unit makes it
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen([SSHD, "-D", "-e", "-f", tmp_path / "sshd"], stderr=log)
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        if server.poll() is not None:
            unmet = pytest.fail if os.environ.get("LEPTON_LAB") == "required" else pytest.skip
            unmet(f"sshd does not start here: {(tmp_path / 'log').read_text()}")
        subprocess.run(["sleep", "0.02"], check=True)
    yield str(tmp_path / "config")
    server.terminate()
    server.wait(10)


@pytest.mark.parametrize("jump", [None, "bastion"])
async def test_the_probe_runs_over_openssh_directly_and_through_a_bastion(openssh, dialer, heard, jump):
    source = SshFleetSource(
        [HostTarget("real", ssh_config=openssh, jump=jump)],
        interval_s=0.2,
        connect=lambda target: SshTransport(target, dialer),
        launch=LaunchPlan(launch_argv(), launch_stdin),
    )
    task = asyncio.ensure_future(source.run(heard))
    await heard.link("real", LinkState.LIVE)
    assert isinstance(heard.received[0].message, Hello)
    await heard.until(lambda: sum(isinstance(item.message, Sweep) for item in heard.received) >= 3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_arguments_signals_and_refused_sessions_of_openssh(openssh, dialer):
    transport = SshTransport(HostTarget("real", ssh_config=openssh), dialer)
    words = ["a b", "$HOME", "it's", "*"]
    assert (await transport.run(["printf", "%s\n", *words])).stdout.splitlines() == words
    assert (await transport.run(["sh", "-c", "kill -9 $$"])).exit_status == -9
    streams = [await transport.stream(["cat"]) for _ in range(2)]
    with pytest.raises(LinkError) as caught:
        await transport.stream(["cat"])
    assert caught.value.fault.kind is FaultKind.PERMISSION_DENIED
    assert "MaxSessions" in caught.value.fault.mend
    assert [(await stream.close()).exit_status for stream in streams] == [0, 0]
    await transport.close()


async def test_the_fingerprint_shown_is_the_one_openssh_shows(openssh, dialer, tmp_path):
    shown = fingerprint(tmp_path / "host.pub")
    transport = SshTransport(HostTarget("real", ssh_config=openssh, known_hosts="/nonexistent"), dialer)
    with pytest.raises(LinkError) as caught:
        await transport.connect()
    assert caught.value.fault.kind is FaultKind.HOST_KEY_UNKNOWN
    assert shown in caught.value.fault.cause
