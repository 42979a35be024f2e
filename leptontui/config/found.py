"""What another inventory said: hosts with what it knows of each, checked before anything is dialled or shown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final

from leptontui.config.hostlist import MAX_HOSTS, MAX_PORT, host_name, is_user, parse_login, split_items
from leptontui.config.labels import Labels, joined_labels
from leptontui.config.problem import quoted
from leptontui.model.text import plain

_LONGEST_NAME: Final = 80
_LONGEST_PLACE: Final = 500
_MOST_GROUPS: Final = 50
_NOTES_SHOWN: Final = 3


@dataclass(frozen=True, slots=True)
class FoundHost:
    """One host of another inventory. What is None it did not say.

    Attributes:
        name: what it is called there.
        address: what is to be dialled, if not its name.
        user, port, identity, jump: as in `HostTarget`.
        groups: groups it is in there, the most telling first.
        node_state: what the scheduler says of it.
        gpus: how many GPUs it should have.
        labels: labels it has there, fit to be shown (`labels.foreign_labels`).
        where: for people: "hosts.ini:12", "slurm at login1".
    """

    name: str
    address: str | None = None
    user: str | None = None
    port: int | None = None
    identity: str | None = None
    jump: str | None = None
    groups: tuple[str, ...] = ()
    node_state: str = ""
    gpus: int | None = None
    labels: Labels = ()
    where: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Found:
    """What was found, and what was left out.

    Attributes:
        hosts: usable hosts, unique by name.
        notes: what was left out, and why, a few lines for people.
    """

    hosts: tuple[FoundHost, ...] = ()
    notes: tuple[str, ...] = ()


class NotUnderstood(Exception):
    """A text is not what such an inventory looks like.

    Attributes:
        found: what is wrong with it.
        line: where, from 1; None if that cannot be told.
        expected: what could be there.
    """

    def __init__(self, found: str, line: int | None = None, expected: str = "") -> None:
        super().__init__(found)
        self.found = found
        self.line = line
        self.expected = expected


def sorted_out(hosts: Iterable[FoundHost]) -> Found:
    """The usable ones of `hosts`, each name once; what cannot be a host's name or login is left out and noted.

    A name that comes again adds its groups to the first.

    Raises:
        NotUnderstood: more hosts than a fleet may have.
    """
    kept: dict[str, FoundHost] = {}
    notes: list[str] = []
    left_out = 0
    for host in hosts:
        if why := _why_not(host):
            left_out += 1
            if left_out <= _NOTES_SHOWN:
                notes.append(f"{quoted(host.name)} left out: {why}")
            continue
        tidy = _tidy(host)
        first = kept.get(host.name)
        kept[host.name] = tidy if first is None else merged(first, tidy)
        if len(kept) > MAX_HOSTS:
            raise NotUnderstood(f"more than {MAX_HOSTS:,} hosts", expected="fewer; match narrows them down")
    if left_out > _NOTES_SHOWN:
        notes.append(f"{left_out - _NOTES_SHOWN} more left out")
    return Found(tuple(kept.values()), tuple(notes))


def merged(first: FoundHost, second: FoundHost) -> FoundHost:
    """`first`, with the groups and labels of both, and what only `second` knows of the node's state and GPUs."""
    return replace(
        first,
        groups=tuple(dict.fromkeys((*first.groups, *second.groups)))[:_MOST_GROUPS],
        node_state=first.node_state or second.node_state,
        gpus=second.gpus if first.gpus is None else first.gpus,
        labels=joined_labels(first.labels, second.labels),
    )


def _why_not(host: FoundHost) -> str:
    identity = host.identity
    checks = (
        (host_name(host.name) is None, "not a host's name"),
        (host.address is not None and host_name(host.address) is None, f"address {quoted(host.address)}"),
        (host.user is not None and not is_user(host.user), f"user {quoted(host.user)}"),
        (host.port is not None and not 0 < host.port <= MAX_PORT, f"port {quoted(host.port)}"),
        (host.jump is not None and not _is_jump(host.jump), f"jump host {quoted(host.jump)}"),
        (identity is not None and not (identity and identity.isprintable()), f"key {quoted(identity)}"),
    )
    return next((words for is_wrong, words in checks if is_wrong), "")


def _is_jump(text: str) -> bool:
    items = list(split_items(text))
    return bool(items) and all(parse_login(item) is not None for item in items)


def _tidy(host: FoundHost) -> FoundHost:
    name = host_name(host.name) or host.name
    groups = (plain(group, _LONGEST_NAME) for group in host.groups[:_MOST_GROUPS])
    return replace(
        host,
        name=name,
        address=None if host.address in {None, host.name} else host_name(host.address or ""),
        groups=tuple(dict.fromkeys(group for group in groups if group)),
        node_state=plain(host.node_state, _LONGEST_NAME),
        where=plain(host.where, _LONGEST_PLACE),
    )
