"""The simulated fleet at work: all servers, the files to reach them by, and the clock that drives the incidents."""

from __future__ import annotations

import asyncio
import resource
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from leptontui.demo.credentials import make_keys, private_directory, write_files
from leptontui.demo.incidents import SCRIPT, Incident
from leptontui.demo.layout import CONTROLLER, make_layout
from leptontui.demo.server import HostServer, common_options
from leptontui.demo.world import World

_TICK_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class DemoFleet:
    """A simulated fleet that can be dialled.

    Attributes:
        inventory: path of its demo.toml.
        world: what is simulated.
        servers: its SSH servers by host name, the controller's included.
    """

    inventory: Path
    world: World
    servers: dict[str, HostServer]


@asynccontextmanager
async def demo_fleet(
    hosts: int,
    gpus: int,
    *,
    directory: Path | None = None,
    history_s: float = 600.0,
    incidents: tuple[Incident, ...] = SCRIPT,
    seed: int = 0,
) -> AsyncIterator[DemoFleet]:
    """Serve a simulated fleet while the context is open.

    Args:
        hosts: how many.
        gpus: GPUs of each.
        directory: where its files go; see `credentials.private_directory`.
        history_s: how much history a probe sends before its first sweep; 0 for none.
        incidents: what goes wrong; () for a calm fleet.
        seed: what identities and noise are derived from.

    Raises:
        ConfigError: `directory` cannot be used.
        OSError: sockets run out.
    """
    _raise_file_limit()
    layout = make_layout(hosts, gpus, seed)
    keys = make_keys(layout)
    world = World(layout, start_unix_s=time.time(), incidents=incidents, history_s=history_s)
    options = common_options(keys)
    servers = {host.name: HostServer(world, host, keys, options) for host in layout.hosts}
    servers[CONTROLLER] = HostServer(world, None, keys, options)
    with private_directory(directory) as folder:
        try:
            for server in servers.values():
                await server.open()
            inventory = write_files(folder, layout, keys, {name: server.port for name, server in servers.items()})
            clock = asyncio.get_running_loop().create_task(_drive(world, servers))
            try:
                yield DemoFleet(inventory, world, servers)
            finally:
                clock.cancel()
                with suppress(asyncio.CancelledError):
                    await clock
        finally:
            for server in servers.values():
                server.close()
            await asyncio.sleep(0)


async def _drive(world: World, servers: dict[str, HostServer]) -> None:
    """Let time pass second by second, and carry out what happens."""
    async with asyncio.TaskGroup() as returning:
        while True:
            now_s = time.time()
            for happening in world.advance(now_s):
                server = servers[happening.host.name]
                if happening.event is not None:
                    server.push(happening.event)
                if happening.is_up is False:
                    server.vanish()
                elif happening.is_up:
                    returning.create_task(server.reopen())
            await asyncio.sleep(_TICK_S - time.time() % _TICK_S + 0.002)


def _raise_file_limit() -> None:
    """Allow as many open files as the system lets us: a listener and some connections for each host."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
