"""`leptontui hosts`: what the inventory came to, how each host would be reached, and whether that works."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from leptontui.errors import LinkError
from leptontui.inventory.book import Book
from leptontui.inventory.listing import Hop, Listed, Trial, listing_document, listing_text
from leptontui.inventory.watching import InventoryWatch
from leptontui.model.link import Fault
from leptontui.model.target import Fleet, HostTarget
from leptontui.transport.contract import Transport
from leptontui.transport.dialer import Dialer
from leptontui.transport.hops import parse_hop
from leptontui.transport.local import LocalTransport
from leptontui.transport.route import Route
from leptontui.transport.ssh import SshTransport
from leptontui.wiring.files import allow_links
from leptontui.wiring.first_run import how_to_add_hosts
from leptontui.wiring.headless import UNKNOWN, discard_output, run_headless
from leptontui.wiring.terminal import TerminalAsker

_AT_ONCE: Final = 128
"""Hosts under way at the same time; the dialler paces what they do."""
_MOST_HOPS: Final = 8


def list_hosts(book: Book, *, is_tried: bool, as_json: bool, asks: bool) -> int:
    """Ask every source once, work out the way to every host, print.

    Args:
        book: the hosts.
        is_tried: dial each host and say whether it lets us in.
        as_json: print one JSON document instead of a table.
        asks: whether the user may be asked for passwords and passphrases.

    Returns:
        0; 3 if a source could not be asked, a host has no usable way, or one that was tried cannot be reached.

    Raises:
        KeyboardInterrupt: interrupted, or told to end.
    """
    fleet, hosts = run_headless(_listed(book, is_tried=is_tried, asks=asks))
    try:
        if as_json:
            print(json.dumps(listing_document(fleet.name, hosts, book)), flush=True)
        else:
            print(listing_text(hosts, book.notices().values()), flush=True)
            if book.is_fixed and all(host.target.is_local for host in hosts):
                print(f"leptontui: {how_to_add_hosts()}", file=sys.stderr)
    except BrokenPipeError:
        discard_output()
    return UNKNOWN if not book.is_whole or any(host.cause for host in hosts) else 0


async def _listed(book: Book, *, is_tried: bool, asks: bool) -> tuple[Fleet, Sequence[Listed]]:
    dialer = Dialer(asker=TerminalAsker() if asks else None)
    try:
        await ask_once(book, dialer)
        fleet = book.fleet()
        if is_tried and (too_few := allow_links(sum(not host.is_local for host in fleet.hosts))):
            print(f"leptontui: {too_few}", file=sys.stderr)
        turns = asyncio.Semaphore(_AT_ONCE)
        return fleet, await asyncio.gather(*(_host(host, dialer, turns, is_tried=is_tried) for host in fleet.hosts))
    finally:
        await dialer.close()


async def ask_once(book: Book, dialer: Dialer) -> None:
    """Ask every source of the book that did not answer yet, and wait for the answers."""
    opened: list[Transport] = []

    def connect(controller: HostTarget | None) -> Transport:
        opened.append(LocalTransport() if controller is None else SshTransport(controller, dialer))
        return opened[-1]

    watch = InventoryWatch(book, connect, apply=lambda _: None, notify=lambda _key, _text: None)
    try:
        await watch.look()
        await watch.answered()
    finally:
        for transport in opened:
            await transport.close()


async def _host(target: HostTarget, dialer: Dialer, turns: asyncio.Semaphore, *, is_tried: bool) -> Listed:
    if target.is_local:
        return Listed(target, trial=Trial(is_well=True, took_s=0.0) if is_tried else None)
    async with turns:
        try:
            route = await dialer.route(target)
        except LinkError as error:
            return _failed(Listed(target), error, Trial(is_well=False, took_s=0.0) if is_tried else None)
        listed = _way(route, await _hops(route, dialer))
        return await _tried(listed, route, dialer) if is_tried else listed


def _way(route: Route, hops: tuple[Hop, ...]) -> Listed:
    dialled = route.dialled
    return Listed(
        route.target,
        user=dialled.user,
        address=dialled.host,
        port=dialled.port,
        hops=hops,
        identities=dialled.identities,
        locked=tuple(str(file.path) for file in route.locked),
        has_agent=dialled.has_agent,
        known_hosts=dialled.known_hosts,
        command=dialled.command,
    )


async def _hops(route: Route, dialer: Dialer, depth: int = 0) -> tuple[Hop, ...]:
    """The jump hosts, nearest first; the nearest may have jump hosts of its own."""
    found: list[Hop] = []
    for n, text in enumerate(route.jump):
        user, name, port = parse_hop(text)
        # Its own jump hosts count for the nearest one only: the others are reached through the one before.
        jump = None if n == 0 else "none"
        hop = HostTarget(name, user=user, port=port, jump=jump, ssh_config=route.target.ssh_config)
        try:
            onward = await dialer.route(hop)
        except LinkError:
            found.append(Hop(name, text))
            continue
        if n == 0 and depth < _MOST_HOPS:
            found += await _hops(onward, dialer, depth + 1)
        place = onward.dialled
        host = f"[{place.host}]" if ":" in place.host else place.host
        found.append(Hop(name, f"{place.user}@{host}:{place.port}"))
    return tuple(found)


async def _tried(listed: Listed, route: Route, dialer: Dialer) -> Listed:
    began = time.monotonic()
    try:
        line = await dialer.dial(route)
    except LinkError as error:
        return _failed(listed, error, Trial(is_well=False, took_s=time.monotonic() - began))
    took_s = time.monotonic() - began
    await line.close()
    return replace(listed, trial=Trial(is_well=True, took_s=took_s))


def _failed(listed: Listed, error: LinkError, trial: Trial | None) -> Listed:
    kind = error.fault.kind.value if isinstance(error.fault, Fault) else "failed"
    return replace(listed, kind=kind, cause=error.cause, mend=error.mend, trial=trial)
