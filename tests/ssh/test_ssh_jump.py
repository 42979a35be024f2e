"""Jump hosts: one connection for all hosts behind one, failures that name it, chains and circles."""

from __future__ import annotations

import asyncio

import pytest

from leptontui.errors import LinkError
from leptontui.model.link import FaultKind
from leptontui.transport.ssh import SshTransport


@pytest.fixture
async def dial(lab, dialer):
    """Dials targets, all at once; returns transports or faults. They are closed at the end."""
    made = []

    async def one(target):
        transport = SshTransport(target, dialer)
        made.append(transport)
        try:
            await transport.connect()
        except LinkError as error:
            return error.fault
        return transport

    async def several(*targets):
        return await asyncio.gather(*map(one, targets))

    yield several
    await asyncio.gather(*(transport.close() for transport in made))


def behind(lab, name, jump="bastion"):
    return lab.target(name, jump=jump)


async def test_all_hosts_behind_a_bastion_share_one_connection(lab, dial):
    bastion = await lab.start("bastion", is_forwarding=True)
    names = [f"gpu-{n}" for n in range(12)]
    for name in names:
        await lab.start(name)
    links = await dial(*(behind(lab, name) for name in names))
    assert [(await link.run(["echo", "hi"])).stdout for link in links] == ["hi\n"] * 12
    assert bastion.dials == 1
    assert all(link.address.endswith("via bastion") for link in links)


async def test_the_bastion_is_hung_up_after_its_last_host(lab, dial):
    bastion = await lab.start("bastion", is_forwarding=True)
    await lab.start("gpu-1")
    await lab.start("gpu-2")
    one, two = await dial(behind(lab, "gpu-1"), behind(lab, "gpu-2"))
    await one.close()
    assert (await two.run(["echo", "still"])).stdout == "still\n"
    await two.close()
    await asyncio.wait_for(bastion.connections[0].wait_closed(), 5)


async def test_proxy_jump_from_the_configuration_uses_the_same_tunnel(lab, dial):
    bastion = await lab.start("bastion", is_forwarding=True)
    lab.extra["gpu-1"] = lab.extra["gpu-2"] = "  ProxyJump bastion\n"
    await lab.start("gpu-1")
    await lab.start("gpu-2")
    links = await dial(lab.target("gpu-1"), lab.target("gpu-2"), behind(lab, "gpu-1"))
    assert [(await link.run(["echo", "hi"])).exit_status for link in links] == [0, 0, 0]
    assert bastion.dials == 1


async def test_jump_none_overrides_the_configuration(lab, dial):
    lab.extra["gpu-1"] = "  ProxyJump bastion\n"
    await lab.start("gpu-1")
    [link] = await dial(lab.target("gpu-1", jump="none"))
    assert (await link.run(["echo", "direct"])).stdout == "direct\n"


async def test_a_chain_of_jump_hosts(lab, dial):
    outer = await lab.start("outer", is_forwarding=True)
    inner = await lab.start("inner", is_forwarding=True)
    await lab.start("gpu-1")
    await lab.start("gpu-2")
    links = await dial(behind(lab, "gpu-1", "outer,inner"), behind(lab, "gpu-2", "outer,inner"))
    assert [(await link.run(["echo", "hi"])).stdout for link in links] == ["hi\n"] * 2
    assert (outer.dials, inner.dials) == (1, 1)


async def test_user_and_port_of_the_jump_host_can_be_given(lab, dial):
    bastion = await lab.start("bastion", is_forwarding=True)
    await lab.start("gpu-1")
    lab.config.write_text(lab.config.read_text().replace(f"Port {bastion.port}", "Port 1"))
    [link] = await dial(behind(lab, "gpu-1", f"oncall@bastion:{bastion.port}"))
    assert (await link.run(["echo", "hi"])).stdout == "hi\n"
    assert bastion.logins == ["oncall"]


async def test_a_dead_bastion_is_named_to_every_host_and_dialled_once(lab, dial):
    bastion = await lab.start("bastion", is_forwarding=True)
    names = [f"gpu-{n}" for n in range(5)]
    hosts = [await lab.start(name) for name in names]
    await bastion.stop()
    faults = await dial(*(behind(lab, name) for name in names))
    assert {fault.kind for fault in faults} == {FaultKind.CONNECTION_REFUSED}
    assert all(fault.cause.startswith("jump host bastion: ") for fault in faults)
    assert sum(host.dials for host in hosts) == 0


async def test_an_untrusted_bastion_is_named_and_nothing_goes_through_it(lab, dial):
    bastion = await lab.start("bastion", is_forwarding=True)
    host = await lab.start("gpu-1")
    lab.known_hosts.write_text(f"gpu-1 {host.key.export_public_key().decode()}")
    [fault] = await dial(behind(lab, "gpu-1"))
    assert fault.kind is FaultKind.HOST_KEY_UNKNOWN
    assert "jump host bastion" in fault.cause
    assert bastion.key.get_fingerprint() in fault.cause
    assert (bastion.logins, host.dials) == ([], 0)


async def test_the_host_behind_a_bastion_is_verified_too(lab, dial):
    bastion = await lab.start("bastion", is_forwarding=True)
    host = await lab.start("gpu-1")
    lab.known_hosts.write_text(f"bastion {bastion.key.export_public_key().decode()}")
    [fault] = await dial(behind(lab, "gpu-1"))
    assert fault.kind is FaultKind.HOST_KEY_UNKNOWN
    assert host.key.get_fingerprint() in fault.cause
    assert host.logins == []


async def test_a_bastion_that_forbids_forwarding_is_named(lab, dial):
    await lab.start("bastion", is_forwarding=False)
    await lab.start("gpu-1")
    [fault] = await dial(behind(lab, "gpu-1"))
    assert fault.kind is FaultKind.PERMISSION_DENIED
    assert "bastion does not forward" in fault.cause
    assert "AllowTcpForwarding" in fault.mend


async def test_a_host_that_the_bastion_cannot_reach(lab, dial):
    await lab.start("bastion", is_forwarding=True)
    host = await lab.start("gpu-1")
    await host.stop()
    [fault] = await dial(behind(lab, "gpu-1"))
    assert not fault.kind.is_refusal
    assert "bastion could not reach 127.0.0.1" in fault.cause


async def test_a_bastion_that_dies_is_dialled_anew_for_all(lab, dial):
    bastion = await lab.start("bastion", is_forwarding=True)
    await lab.start("gpu-1")
    await lab.start("gpu-2")
    one, two = await dial(behind(lab, "gpu-1"), behind(lab, "gpu-2"))
    streams = [await one.stream(["hang"]), await two.stream(["hang"])]
    bastion.cut()
    for stream in streams:
        with pytest.raises(LinkError) as caught:
            [line async for line in stream.lines()]
        assert caught.value.fault.kind is FaultKind.LINK_DROPPED
        assert "bastion" in caught.value.fault.cause
        await stream.close()
    done = await asyncio.gather(one.run(["echo", "back"]), two.run(["echo", "back"]))
    assert [result.stdout for result in done] == ["back\n"] * 2
    assert bastion.dials == 2


async def test_a_circle_of_jump_hosts_is_noticed(lab, dial):
    lab.extra["a"], lab.extra["b"] = "  ProxyJump b\n", "  ProxyJump a\n"
    await lab.start("a", is_forwarding=True)
    await lab.start("b", is_forwarding=True)
    await lab.start("gpu-1")
    [fault] = await dial(behind(lab, "gpu-1", "a"))
    assert fault.kind is FaultKind.CONFIG
    assert "leads back to itself" in fault.cause


async def test_identity_and_known_hosts_are_lent_to_a_jump_host_the_configuration_does_not_know(lab, dial):
    bastion = await lab.start("bastion", is_forwarding=True)
    await lab.start("gpu-1")
    place = f"[127.0.0.1]:{bastion.port}"
    with lab.known_hosts.open("a") as file:
        file.write(f"{place} {bastion.key.export_public_key().decode()}")
    target = lab.target(
        "gpu-1", jump=f"x@127.0.0.1:{bastion.port}", identity=str(lab.identity), known_hosts=str(lab.known_hosts)
    )
    [link] = await dial(target)
    assert (await link.run(["echo", "hi"])).stdout == "hi\n"
    assert bastion.logins == ["x"]


async def test_giving_up_while_the_bastion_is_dialled_leaves_nothing_behind(lab, dialer):
    async def never(reader, writer):
        await reader.read()
        writer.close()

    server = await asyncio.start_server(never, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    await lab.start("gpu-1")
    transport = SshTransport(behind(lab, "gpu-1", f"127.0.0.1:{port}"), dialer)
    dialing = asyncio.ensure_future(transport.connect())
    await asyncio.sleep(0.1)
    dialing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await dialing
    server.close()
