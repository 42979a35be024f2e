"""Host keys that wait to be reviewed, and those that have changed, from the links of a snapshot."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Final

from leptontui.model.link import FaultKind, Link, OfferedKey
from leptontui.model.target import HostTarget
from leptontui.model.text import plain
from leptontui.snapshot import FleetSnapshot

BASTIONS: Final = "bastions"
CHANGED: Final = "changed: refused"
_ADDRESS_LENGTH: Final = 120


@dataclass(frozen=True, slots=True)
class KeyRow:
    """One host key. Texts are fit for the screen, but for `hosts`, which are identities.

    Attributes:
        key: what the row is about: the key and whose it is; another key of the same host is another row.
        section: the group of its host, or `BASTIONS`, or `CHANGED`.
        name: what known_hosts would list it under; of a changed key the host's name in the fleet.
        algorithm: "ssh-ed25519"; "" of a changed key.
        fingerprint: "SHA256:…"; "" of a changed key.
        file: where accepting adds a line; "" of a changed key.
        hosts: the hosts that wait for it, by their names in the fleet.
        address: how the first of them is reached.
        cause, mend: of the fault; told for a changed key.
    """

    key: tuple[str, str, str]
    section: str
    name: str
    algorithm: str
    fingerprint: str
    file: str
    hosts: tuple[str, ...]
    address: str
    cause: str = ""
    mend: str = ""

    @property
    def is_changed(self) -> bool:
        """Whether it is not the key that is known: it can not be accepted here."""
        return not self.file


def waiting(snapshot: FleetSnapshot) -> int:
    """How many hosts wait for a key to be reviewed."""
    return sum(link.fault is not None and link.fault.offered is not None for link in snapshot.links.values())


def changed(snapshot: FleetSnapshot) -> int:
    """How many hosts are refused because their key has changed."""
    return sum(_is_changed(link) for link in snapshot.links.values())


def key_rows(snapshot: FleetSnapshot) -> tuple[KeyRow, ...]:
    """Changed keys first, then those of bastions, then group by group in the inventory's order.

    A key that several hosts wait for, or that is of a host's jump, is a bastion's: it is listed once.
    """
    offered: defaultdict[tuple[str, str, str], list[tuple[Link, OfferedKey]]] = defaultdict(list)
    refused: list[KeyRow] = []
    for link in snapshot.links.values():
        if link.fault is not None and (key := link.fault.offered) is not None:
            offered[key.name, key.algorithm, key.public].append((link, key))
        elif _is_changed(link):
            refused.append(_changed_row(link))
    rows = [_row(key, found, snapshot) for key, found in offered.items()]
    sections = list(dict.fromkeys([BASTIONS, *(target.group for target in snapshot.targets.values())]))
    order = {plain(name, 60): number for number, name in enumerate(sections)}
    rows.sort(key=lambda row: order.get(row.section, len(order)))
    return (*refused, *rows)


def _row(key: tuple[str, str, str], found: list[tuple[Link, OfferedKey]], snapshot: FleetSnapshot) -> KeyRow:
    link, offered = found[0]
    target = snapshot.targets.get(link.host)
    is_bastion = len(found) > 1 or _is_of_jump(offered, target)
    return KeyRow(
        key=key,
        section=BASTIONS if is_bastion else plain(target.group if target is not None else "fleet", 60),
        name=plain(offered.name, 100),
        algorithm=plain(offered.algorithm, 40),
        fingerprint=plain(offered.fingerprint, 120),
        file=plain(offered.file),
        hosts=tuple(item.host for item, _ in found),
        address=plain(link.address, _ADDRESS_LENGTH),
    )


def _changed_row(link: Link) -> KeyRow:
    fault = link.fault
    return KeyRow(
        key=("", link.host, ""),
        section=CHANGED,
        name=plain(link.host, 100),
        algorithm="",
        fingerprint="",
        file="",
        hosts=(link.host,),
        address=plain(link.address, _ADDRESS_LENGTH),
        cause=plain(fault.cause, 300) if fault is not None else "",
        mend=plain(fault.mend, 300) if fault is not None else "",
    )


def _is_changed(link: Link) -> bool:
    return link.fault is not None and link.fault.kind is FaultKind.HOST_KEY_CHANGED


def _is_of_jump(offered: OfferedKey, target: HostTarget | None) -> bool:
    if target is None or not target.jump:
        return False
    jumps = (jump.rpartition("@")[2] for jump in target.jump.split(","))
    names = {jump.partition(":")[0].strip() for jump in jumps}
    return offered.name.strip("[]").partition("]")[0] in names
