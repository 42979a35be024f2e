"""Unknown host keys: shown, accepted into the user's own file, and then trusted; changed ones never."""

from __future__ import annotations

import asyncio
import contextlib
import random
import subprocess

import asyncssh
import pytest
from conftest import QUICK, Heard, hello, sweep

from leptontui.engine.access import Access
from leptontui.engine.questions import Questions
from leptontui.errors import LinkError
from leptontui.model.link import FaultKind, LinkState
from leptontui.sources.ssh_fleet import LaunchPlan, SshFleetSource
from leptontui.transport.dialer import Dialer
from leptontui.transport.ssh import SshTransport


async def speak(process):
    process.stdout.write(hello() + sweep())
    await process.stdin.channel.wait_closed()


class Fleet:
    """A fleet whose unknown keys can be accepted, as the engine puts it together."""

    def __init__(self, *targets):
        self.heard = Heard()
        self.dialer = Dialer(QUICK)
        self.source = SshFleetSource(
            targets,
            interval_s=5.0,
            connect=lambda target: SshTransport(target, self.dialer),
            launch=LaunchPlan(("probe",), lambda *, target, interval_s, phase: b"\n"),
            random=random.Random(1),
        )
        self.access = Access(
            Questions(),
            links=lambda: {link.host: link for link in self.heard.links},
            accept=self.dialer.accept,
            redial=self.source.redial,
        )

    async def __aenter__(self):
        self._task = asyncio.ensure_future(self.source.run(self.heard))
        return self

    async def __aexit__(self, *_):
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        await self.dialer.close()

    async def refused(self, *names):
        return [await self.heard.link(name, LinkState.REFUSED) for name in names]


async def test_unknown_keys_are_offered_and_go_live_once_accepted(lab):
    names = [f"gpu-{n}" for n in range(4)]
    for name in names:
        await lab.start(name, speak)
    lab.known_hosts.unlink()
    async with Fleet(*(lab.target(name) for name in names)) as fleet:
        for link in await fleet.refused(*names):
            offered, host = link.fault.offered, lab.hosts[link.host]
            assert offered.fingerprint == host.key.get_fingerprint()
            assert (offered.name, offered.algorithm, offered.file) == (link.host, "ssh-ed25519", str(lab.known_hosts))
            assert not host.logins
        done = await fleet.access.trust(names[:1])
        assert (done.keys, done.files, done.skipped) == (1, (str(lab.known_hosts),), ())
        await fleet.heard.link("gpu-0", LinkState.LIVE)
        assert lab.known_hosts.read_text().splitlines() == [
            f"gpu-0 {lab.hosts['gpu-0'].key.export_public_key().decode().strip()}"
        ]
        assert lab.known_hosts.stat().st_mode & 0o777 == 0o600
        done = await fleet.access.trust(names)
        assert done.keys == 3
        assert [name for name, _ in done.skipped] == ["gpu-0"]
        for name in names:
            await fleet.heard.link(name, LinkState.LIVE)
    assert len(lab.known_hosts.read_text().splitlines()) == 4


async def test_the_key_of_a_bastion_is_accepted_once_for_all_hosts_behind_it(lab):
    bastion = await lab.start("bastion", is_forwarding=True)
    for name in ("gpu-1", "gpu-2"):
        await lab.start(name, speak)
    text = lab.known_hosts.read_text()
    lab.known_hosts.write_text("".join(line for line in text.splitlines(True) if not line.startswith("bastion")))
    async with Fleet(*(lab.target(name, jump="bastion") for name in ("gpu-1", "gpu-2"))) as fleet:
        for link in await fleet.refused("gpu-1", "gpu-2"):
            assert link.fault.offered.name == "bastion"
            assert link.fault.offered.fingerprint == bastion.key.get_fingerprint()
        assert (await fleet.access.trust(["gpu-1"])).keys == 1
        # Its key is what kept the other one away too.
        for name in ("gpu-1", "gpu-2"):
            await fleet.heard.link(name, LinkState.LIVE)
    assert bastion.logins == ["demo"]


async def test_a_changed_key_is_never_accepted(lab):
    host = await lab.start("gpu-1", speak)
    old = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    lab.known_hosts.write_text(f"gpu-1 {old}")
    async with Fleet(lab.target("gpu-1")) as fleet:
        [link] = await fleet.refused("gpu-1")
        assert link.fault.kind is FaultKind.HOST_KEY_CHANGED
        assert link.fault.offered is None
        done = await fleet.access.trust(["gpu-1", "no-such-host"])
        assert done.keys == 0
        assert dict(done.skipped)["gpu-1"].startswith("its key HAS CHANGED")
    assert lab.known_hosts.read_text() == f"gpu-1 {old}"
    assert host.logins == []


async def test_a_key_that_was_listed_otherwise_meanwhile_is_left_alone(lab):
    await lab.start("gpu-1", speak)
    lab.known_hosts.write_text("")
    async with Fleet(lab.target("gpu-1")) as fleet:
        await fleet.refused("gpu-1")
        other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
        lab.known_hosts.write_text(f"gpu-1 {other}")
        done = await fleet.access.trust(["gpu-1"])
        assert (done.keys, done.skipped[0][0]) == (0, "gpu-1")
        assert "CHANGED" in done.skipped[0][1]
    assert lab.known_hosts.read_text() == f"gpu-1 {other}"


async def test_names_are_hashed_and_ports_written_as_openssh_does(lab):
    host = await lab.start("gpu-1", speak)
    text = lab.config.read_text().replace("HostKeyAlias gpu-1", "HashKnownHosts yes")
    lab.config.write_text(text)
    lab.known_hosts.write_text("# no newline at the end")
    async with Fleet(lab.target("gpu-1")) as fleet:
        [link] = await fleet.refused("gpu-1")
        assert link.fault.offered.name == f"[127.0.0.1]:{host.port}"
        await fleet.access.trust(["gpu-1"])
        await fleet.heard.link("gpu-1", LinkState.LIVE)
    written = lab.known_hosts.read_text()
    assert "127.0.0.1" not in written
    assert written.startswith("# no newline at the end\n|1|")
    command = ["ssh-keygen", "-F", f"[127.0.0.1]:{host.port}", "-f", str(lab.known_hosts)]
    found = await asyncio.to_thread(subprocess.run, command, check=True, capture_output=True, text=True)
    assert host.key.export_public_key().decode().split()[1] in found.stdout


async def test_another_port_of_a_known_machine_is_unknown_not_changed(lab):
    await lab.start("gpu-1", speak)
    lab.config.write_text(lab.config.read_text().replace("HostKeyAlias", "#"))
    other = asyncssh.generate_private_key("ssh-rsa", key_size=2048).export_public_key().decode()
    lab.known_hosts.write_text(f"127.0.0.1 {other}")
    async with Fleet(lab.target("gpu-1")) as fleet:
        [link] = await fleet.refused("gpu-1")
        assert link.fault.kind is FaultKind.HOST_KEY_UNKNOWN
        assert (await fleet.access.trust(["gpu-1"])).keys == 1
        await fleet.heard.link("gpu-1", LinkState.LIVE)


async def test_without_a_file_of_ones_own_nothing_is_offered(lab, dialer):
    await lab.start("gpu-1", speak)
    lab.config.write_text(lab.config.read_text().replace(str(lab.known_hosts), "/dev/null"))
    transport = SshTransport(lab.target("gpu-1"), dialer)
    with pytest.raises(LinkError) as caught:
        await transport.connect()
    assert caught.value.fault.kind is FaultKind.HOST_KEY_UNKNOWN
    assert caught.value.fault.offered is None


async def test_a_certified_host_is_trusted_by_its_authority(lab, dialer):
    authority = asyncssh.generate_private_key("ssh-ed25519")
    key = asyncssh.generate_private_key("ssh-rsa", key_size=2048)
    certificate = authority.generate_host_certificate(key, "gpu-1", principals=["gpu-1"])
    await lab.start("gpu-1", key=[(key, certificate)], public=key)
    public = authority.export_public_key().decode()
    transport = SshTransport(lab.target("gpu-1"), dialer)
    lab.known_hosts.write_text(f"@cert-authority gpu-* {public}")
    assert (await transport.run(["echo", "in"])).stdout == "in\n"
    await transport.close()
    # Of another name it is nobody's word.
    lab.known_hosts.write_text(f"@cert-authority other {public}")
    with pytest.raises(LinkError) as caught:
        await transport.connect()
    fault = caught.value.fault
    assert fault.kind is FaultKind.HOST_KEY_UNKNOWN
    assert fault.offered.fingerprint == key.get_fingerprint()
    # An authority alone does not make a plain key known, nor does it hide what the host offers.
    lab.known_hosts.write_text(f"@cert-authority gpu-* {public}@revoked gpu-1 {key.export_public_key().decode()}")
    with pytest.raises(LinkError) as caught:
        await transport.connect()
    assert caught.value.fault.kind is FaultKind.HOST_KEY_CHANGED
    assert "REVOKED" in caught.value.fault.cause


async def test_a_host_without_a_certificate_under_an_authority_offers_its_key(lab, dialer):
    host = await lab.start("gpu-1")
    authority = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    lab.known_hosts.write_text(f"@cert-authority * {authority}")
    with pytest.raises(LinkError) as caught:
        await SshTransport(lab.target("gpu-1"), dialer).connect()
    assert caught.value.fault.kind is FaultKind.HOST_KEY_UNKNOWN
    assert caught.value.fault.offered.fingerprint == host.key.get_fingerprint()


async def test_keys_that_the_configuration_revokes_are_refused(lab, dialer):
    host = await lab.start("gpu-1")
    revoked = lab.directory / "revoked"
    lab.config.write_text(lab.config.read_text() + f"  RevokedHostKeys {revoked}\n")

    async def fault():
        with pytest.raises(LinkError) as caught:
            await SshTransport(lab.target("gpu-1"), dialer).connect()
        return caught.value.fault

    # A list that is not there lets nobody be believed, and so does one that cannot be understood.
    assert (await fault()).kind is FaultKind.CONFIG
    revoked.write_bytes(b"SSHKRL\n\0\0\0\0\1")
    assert "KRL" in (await fault()).cause
    revoked.write_bytes(b"# lost\n" + host.key.export_public_key())
    found = await fault()
    assert found.kind is FaultKind.HOST_KEY_CHANGED
    assert "REVOKED" in found.cause
    assert host.logins == []
    revoked.write_text("# none\n")
    transport = SshTransport(lab.target("gpu-1"), dialer)
    assert (await transport.run(["echo", "in"])).stdout == "in\n"
    await transport.close()
