"""Names that may become part of a command: units, Slurm nodes, users and reasons, checked or refused.

Quoting is the transport's work and makes any text one argument. What is kept out here is text that the *program called*
would read differently: options (leading dash), systemctl's globs, Slurm's node ranges and its word ALL.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Final

from leptontui.config.unit_names import unit_complaint
from leptontui.errors import ActionError
from leptontui.model.target import UNIT_PREFIXES
from leptontui.model.text import plain

MAX_REASON: Final = 200
"""Longest reason in characters, user's name included. Slurm 22.05 took 1,000; `sinfo -R` shows the first 20."""

_UNIT: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9:_.@\\-]{0,254}")
"""systemd.unit(5): 255 characters of these; a leading dash or dot is legal there and refused here."""

_NODE: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?")
_NOT_A_NODE: Final = frozenset({"all", "localhost"})
"""`scontrol update nodename=ALL` means every node (scontrol(1))."""

_NOT_IN_A_USER: Final = re.compile(r"[^A-Za-z0-9._@+-]")


@dataclass(frozen=True, slots=True)
class UnitReference:
    """What an action is about, e.g. "vllm.service", "user:vllm.service", "docker:vllm", "compose:/srv/vllm/api".

    Attributes:
        text: as it stands in the inventory's `units`.
        kind: "systemd", or one of `UNIT_PREFIXES`.
        name: what stands after the prefix.
    """

    text: str
    kind: str
    name: str


SYSTEMD: Final = "systemd"
"""The kind of a reference without a prefix: a unit of the host's own systemd."""


def unit_reference(text: str) -> UnitReference:
    """Read a reference to a unit, container, workload or release.

    Raises:
        ActionError: it does not have the form of its kind.
    """
    kind, colon, name = text.partition(":")
    if not colon or kind not in UNIT_PREFIXES:
        if _UNIT.fullmatch(text) is None:
            raise ActionError(f"{plain(text, 60)!r} is not the name of a systemd unit")
        return UnitReference(text, SYSTEMD, text)
    expected, suggestion = unit_complaint(text)
    if expected:
        raise ActionError(f"{plain(text, 60)!r} is not {expected}", suggestion)
    return UnitReference(text, kind, name)


def checked_unit(text: str, allowed: tuple[str, ...]) -> UnitReference:
    """What `text` refers to, if it may be acted on.

    Raises:
        ActionError: it is not in `allowed`, or does not have the form of its kind.
    """
    reference = unit_reference(text)
    if text not in allowed:
        listed = ", ".join(plain(name, 60) for name in allowed) or "none"
        raise ActionError(f"{text} may not be acted on here", f"units lists what may be in the inventory: {listed}")
    return reference


def node_names(host: str) -> tuple[str, ...]:
    """What Slurm may call `host`, likeliest first: its name without user and port, then the name's first label.

    Raises:
        ActionError: it cannot be the name of one node.
    """
    bare = host.rsplit("@", 1)[-1]
    name, colon, port = bare.rpartition(":")
    if colon and port.isdecimal():
        bare = name
    if _NODE.fullmatch(bare) is None or bare.lower() in _NOT_A_NODE:
        raise ActionError(f"{plain(host, 60)!r} cannot be the name of one Slurm node")
    short = bare.split(".", 1)[0]
    if short == bare or _is_address(bare) or _NODE.fullmatch(short) is None or short.lower() in _NOT_A_NODE:
        return (bare,)
    return bare, short


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def user_label(user: str) -> str:
    """The user's name as it is put before a reason; never empty, no colon, no space."""
    return _NOT_IN_A_USER.sub("", user)[:40] or "unknown"


def reason_of(user: str, why: str, *, before: str = "") -> str:
    """The reason given to Slurm: "anna: Xid 79", or "anna: Xid 79 (was: Not responding)" with `before`.

    A double quote becomes a single one: scontrol 22.05 takes one away at the beginning and at the end of a value.

    Raises:
        ActionError: nothing printable is left of `why`.
    """
    said = plain(why.replace('"', "'"), MAX_REASON)
    if not said:
        raise ActionError("a drain needs a reason", "say in a few words why, for whoever finds the node drained")
    tail = f" (was: {plain(before, 60)})".replace('"', "'") if before else ""
    label = user_label(user)
    return f"{label}: {plain(said, MAX_REASON - len(label) - 2 - len(tail))}{tail}"


def is_reason_of(user: str, reason: str) -> bool:
    """Whether `reason` was given by `user` through this program."""
    return reason.startswith(f"{user_label(user)}: ")
