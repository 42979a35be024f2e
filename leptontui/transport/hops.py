"""Jump hosts as they are written: `[ssh://][user@]host[:port]`, several separated by commas."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from leptontui.model.text import plain

NO_JUMP: Final = "none"
"""What ProxyJump and ProxyCommand say for "directly", ssh_config(5)."""


def parse_hop(hop: str) -> tuple[str | None, str, int | None]:
    """User, host and port of `[ssh://][user@]host[:port]`; an IPv6 address with a port is in brackets.

    Raises:
        ValueError: it is none.
    """
    user, at, place = hop.strip().removeprefix("ssh://").rstrip("/").rpartition("@")
    if place.startswith("["):
        host, bracket, tail = place[1:].partition("]")
        is_well, port = bracket == "]" and (not tail or tail.startswith(":")), tail[1:]
    elif place.count(":") == 1:
        host, _, port = place.partition(":")
        is_well = bool(port)
    else:
        host, port, is_well = place, "", True
    if not is_well or not host or host.startswith("-") or (port and not port.isdecimal()) or (at and not user):
        raise ValueError(f"not a jump host: {plain(hop, 80)!r}")
    return user or None, host, int(port) if port else None


def jump_of(asked: str | None, configured: object, expand: Callable[[str], str]) -> tuple[str, ...]:
    """The jump hosts on the way to a host, nearest first.

    Args:
        asked: what the inventory says; None if nothing.
        configured: ProxyJump.
        expand: expands the percent tokens of ProxyJump.

    Raises:
        ValueError: one of them is none.
    """
    text = asked if asked is not None else expand(configured) if isinstance(configured, str) else ""
    if not text or text.lower() == NO_JUMP:
        return ()
    hops = tuple(hop.strip() for hop in text.split(","))
    for hop in hops:
        parse_hop(hop)
    return hops
