"""A half-open link, where nothing arrives and nothing is refused, is noticed within ten seconds at the defaults."""

from __future__ import annotations

import asyncio

import pytest
from conftest import hello, sweep

from leptontui.model.link import FaultKind, LinkState
from leptontui.sources.backoff import Patience
from leptontui.sources.ssh_fleet import LaunchPlan, SshFleetSource
from leptontui.transport.dialer import Dialer, Pacing
from leptontui.transport.ssh import SshTransport

NOTICED_S = 10.0


async def sweeping(process):
    process.stdout.write(hello())
    seq = 0
    while not process.stdin.at_eof():
        seq += 1
        process.stdout.write(sweep(seq))
        await asyncio.sleep(0.2)


def test_the_defaults_leave_time_to_spare():
    pacing = Pacing()
    assert (pacing.keepalive_count + 1) * pacing.keepalive_interval_s < NOTICED_S
    assert Patience().stale_after_s(1.0) == 3.0


@pytest.mark.parametrize("way", ["direct", "through a bastion", "the bastion itself"])
async def test_a_link_that_falls_silent_is_stale_and_then_lost_in_time(lab, heard, relay, way):
    """The relay keeps both TCP connections open and passes nothing on, as a cut cable or a hung router does."""
    host = await lab.start("gpu-1", sweeping)
    bastion = await lab.start("bastion", is_forwarding=True)
    dialer = Dialer()
    async with relay(bastion.port if way == "the bastion itself" else host.port) as between:
        if way == "direct":
            target = lab.target("gpu-1", port=between.port)
        elif way == "through a bastion":
            target = lab.target("gpu-1", port=between.port, jump="bastion")
        else:
            target = lab.target("gpu-1", jump=f"bastion:{between.port}")
        source = SshFleetSource(
            [target],
            interval_s=1.0,
            connect=lambda target: SshTransport(target, dialer),
            launch=LaunchPlan(("probe",), lambda *, target, interval_s, phase: b"\n"),
        )
        task = asyncio.ensure_future(source.run(heard))
        await heard.link("gpu-1", LinkState.LIVE)
        heard.links.clear()
        between.stall()
        async with asyncio.timeout(NOTICED_S):
            lost = await heard.link("gpu-1", LinkState.LOST)
        stale = next(link for link in heard.links if link.state is LinkState.STALE)
        assert "no sweep for 3 s" in stale.fault.cause
        assert lost.fault.kind is FaultKind.TIME_OUT
        assert "went silent" in lost.fault.cause
        assert way == "the bastion itself" or not lost.fault.cause.startswith("jump host")
        assert lost.next_dial_unix_s is not None
        assert lost.since_unix_s >= stale.since_unix_s
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    await dialer.close()
