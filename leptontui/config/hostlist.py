"""Lists of hosts as people write them: `gpu[001-064],user@odd-one:2222` becomes names, users and ports."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from leptontui.config.problem import quoted

MAX_HOSTS: Final = 10_000
"""More hosts than this in one fleet are taken for a slip of the keyboard."""

MAX_NAME: Final = 255
"""Longest host name, RFC 1035 section 2.3.4."""

MAX_PORT: Final = 65_535

_NAME: Final = re.compile(r"[A-Za-z0-9._][A-Za-z0-9._-]*")
_USER: Final = re.compile(r"[A-Za-z0-9._][A-Za-z0-9._@\\+-]*")
_PATTERN: Final = re.compile(r"[A-Za-z0-9._\-\[\],/!&^]+")
_BRACKETS: Final = re.compile(r"\[([^\[\]]*)\]")
_RANGE: Final = re.compile(r"(\d{1,10})(?:-(\d{1,10})(?:/(\d{1,10}))?)?")
_OPERATORS: Final = re.compile(r"[,!&^](?![^\[]*\])")
_PORT: Final = re.compile(r":[0-9]{1,5}")


@dataclass(frozen=True, slots=True)
class HostSpec:
    """One host as written in a list.

    Attributes:
        name: host name, alias or IP address (without brackets).
        user: the part before `@`, None if there is none.
        port: the part after `:`, None if there is none.
        item: the item of the list it is from.
    """

    name: str
    user: str | None = None
    port: int | None = None
    item: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong in a list: the item it is in, what was found, and what was expected."""

    item: str
    found: str
    expected: str


@dataclass(frozen=True, slots=True)
class Hostlist:
    """What a list says. Hosts are unique by name, in the order written; a range counts upward.

    Attributes:
        hosts: what could be understood.
        faults: what could not.
        is_cut: there were more than the limit, and reading stopped there.
    """

    hosts: tuple[HostSpec, ...] = ()
    faults: tuple[Fault, ...] = field(default=())
    is_cut: bool = False


class _NotAHost(Exception):
    """An item cannot be understood: what was found, and what was expected."""

    def __init__(self, found: str, expected: str) -> None:
        super().__init__(found)
        self.found = found
        self.expected = expected


def parse_hostlist(*texts: str, limit: int = MAX_HOSTS) -> Hostlist:
    """Read comma-separated lists of `[user@]name[:port]`, where a name may hold ClusterShell ranges.

    An IPv6 address with a port or a user stands in brackets: `[::1]:2222`, `user@[fe80::1]`. ClusterShell groups
    (`@racks`) are not looked up: they may run commands.

    Args:
        texts: the lists, read as one; a bracket left open in one does not swallow the next.
        limit: most hosts to expand to; a range's size is computed before it is expanded.
    """
    hosts: dict[str, HostSpec] = {}
    faults: list[Fault] = []
    for item in (item for text in texts for item in split_items(text)):
        try:
            specs = _expand(item, limit - len(hosts))
        except _NotAHost as error:
            faults.append(Fault(item, error.found, error.expected))
            continue
        if specs is None:
            faults.append(Fault(item, f"more than {limit:,} hosts", "a smaller range"))
            return Hostlist(tuple(hosts.values()), tuple(faults), is_cut=True)
        for spec in specs:
            known = hosts.setdefault(spec.name, spec)
            if known != spec:
                faults.append(Fault(item, f"{spec.name} twice with different user or port", "it once"))
                break
    return Hostlist(tuple(hosts.values()), tuple(faults))


def parse_login(text: str) -> HostSpec | None:
    """Read exactly one `[user@]name[:port]`; None if it is not that."""
    found = parse_hostlist(text, limit=1)
    return found.hosts[0] if len(found.hosts) == 1 and not found.faults else None


def host_name(text: str) -> str | None:
    """`text` as a name or address to dial, None if it cannot be one; nothing in it is expanded."""
    if ":" in text:
        try:
            return str(_address(text.removeprefix("[").removesuffix("]")))
        except _NotAHost:
            return None
    return text if len(text) <= MAX_NAME and _NAME.fullmatch(text) else None


def is_user(text: str) -> bool:
    """Whether `text` can be a login name: no white space, no leading dash."""
    return _USER.fullmatch(text) is not None


def split_items(text: str) -> Iterator[str]:
    """The items of a list: split at commas that are not inside brackets, empty ones left out."""
    depth = start = 0
    for position, char in enumerate(text):
        if char == "[":
            depth += 1
        elif char == "]":
            depth = max(0, depth - 1)
        elif char == "," and depth == 0:
            if item := text[start:position].strip():
                yield item
            start = position + 1
    if item := text[start:].strip():
        yield item


def _expand(item: str, room: int) -> list[HostSpec] | None:
    """The hosts of one item, None if there are more than `room` (or more in one term than that)."""
    login, at, host = item.rpartition("@")
    if at and not is_user(login):
        raise _NotAHost(f"user {quoted(login)}" if login else "no user before @", "letters, digits, . _ -")
    user = login or None
    pattern, port = _split_port(host)
    if isinstance(pattern, ipaddress.IPv6Address):
        return [HostSpec(str(pattern), user, port, item)] if room > 0 else None
    names = _names(pattern, room)
    return None if names is None else [HostSpec(name, user, port, item) for name in names]


def _split_port(host: str) -> tuple[str | ipaddress.IPv6Address, int | None]:
    if host.startswith("[") and (end := host.find("]")) > 0 and ":" in host[:end]:
        return _address(host[1:end]), _port(host[end + 1 :])
    if host.count(":") > 1:
        return _address(host), None
    name, colon, port = host.partition(":")
    return name, _port(colon + port)


def _address(text: str) -> ipaddress.IPv6Address:
    try:
        found = ipaddress.IPv6Address(text)
    except ValueError:
        raise _NotAHost(quoted(text), "an IPv6 address") from None
    if found.scope_id is not None:
        raise _NotAHost(quoted(text), "an IPv6 address without a zone (name it in ~/.ssh/config)")
    return found


def _port(text: str) -> int | None:
    if not text:
        return None
    digits = text[1:]
    if _PORT.fullmatch(text) and 0 < int(digits) <= MAX_PORT:
        return int(digits)
    raise _NotAHost(f"port {quoted(digits)}", f"1 to {MAX_PORT}")


def _names(pattern: str, room: int) -> list[str] | None:
    if not _PATTERN.fullmatch(pattern):
        raise _NotAHost(f"host {quoted(pattern)}", "letters, digits, . - _ and ranges such as gpu[001-064]")
    names = [pattern]
    if re.search(r"[\[\],/!&^]", pattern):
        # Each term by itself: ClusterShell would expand a huge one even if another takes it away again.
        if sum(_size(term) for term in _OPERATORS.split(pattern)) > max(room, 0) + MAX_HOSTS:
            return None
        names = _clustershell(pattern)
    if len(names) > room:
        return None
    for name in names:
        if len(name) > MAX_NAME:
            raise _NotAHost(f"a host name of {len(name)} characters", f"at most {MAX_NAME}")
        if not _NAME.fullmatch(name):
            raise _NotAHost(f"host {quoted(name)}", "letters, digits, . - _, not starting with -")
    return names


def _size(term: str) -> int:
    """How many hosts a term without operators expands to, at most; computed, not expanded."""
    size = 1
    for brackets in _BRACKETS.findall(term):
        total = 0
        for part in brackets.split(","):
            bounds = _RANGE.fullmatch(part)
            if bounds is None:
                raise _NotAHost(f"range {quoted(f'[{brackets}]')}", "numbers such as [001-064,70]")
            first, last, step = bounds.groups()
            low, high = int(first), int(last or first)
            if high < low or (step is not None and int(step) == 0):
                raise _NotAHost(f"range {quoted(f'[{brackets}]')}", "the smaller number first")
            # ClusterShell holds the whole range in memory before it takes every n-th, so the step is not counted.
            total += high - low + 1
        size *= total
    return size


def _clustershell(pattern: str) -> list[str]:
    # Imported here: it takes 45 ms, and most command lines and inventories have no range.
    from ClusterShell.NodeSet import RESOLVER_NOGROUP, NodeSet, NodeSetException  # noqa: PLC0415 — see above
    from ClusterShell.RangeSet import RangeSetException  # noqa: PLC0415 — see above

    try:
        return [str(name) for name in NodeSet(pattern, resolver=RESOLVER_NOGROUP)]
    except (NodeSetException, RangeSetException, ValueError, IndexError):
        raise _NotAHost(f"host {quoted(pattern)}", "a range such as gpu[001-064]") from None
