"""What `leptontui hosts` says: every host, where it comes from, how it is reached, and whether that works."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from leptontui.inventory.book import Book
from leptontui.model.target import HostTarget
from leptontui.model.text import plain

SCHEMA = 1
_LONGEST_CELL = 120


@dataclass(frozen=True, slots=True)
class Hop:
    """One jump host on the way.

    Attributes:
        name: as it is named.
        address: "user@host:port", as resolved.
    """

    name: str
    address: str

    @property
    def words(self) -> str:
        """Both, for people: "anna@bastion1:22", "bastion1 (anna@10.0.0.1:22)"."""
        return self.address if f"@{self.name}:" in self.address else f"{self.name} ({self.address})"


@dataclass(frozen=True, slots=True)
class Trial:
    """What dialling a host came to.

    Attributes:
        is_well: whether it let us in.
        took_s: how long that took.
    """

    is_well: bool
    took_s: float


@dataclass(frozen=True, slots=True)
class Listed:
    """One host and the way to it.

    Attributes:
        target: as the inventory has it.
        user, address, port: what is dialled, after the SSH configuration was applied; None where that failed.
        hops: jump hosts, nearest first.
        identities: files of private keys that are offered.
        locked: files of private keys that a passphrase would open.
        has_agent: whether an agent's keys are offered too.
        known_hosts: files its key is checked against.
        command: what does the same by hand.
        kind: the class of fault, "" if there is none.
        cause: why it cannot be reached, "" if it can or was not tried.
        mend: what the user can do about that.
        trial: what trying it came to; None if it was not tried.
    """

    target: HostTarget
    user: str | None = None
    address: str | None = None
    port: int | None = None
    hops: tuple[Hop, ...] = ()
    identities: tuple[str, ...] = ()
    locked: tuple[str, ...] = ()
    has_agent: bool = False
    known_hosts: tuple[str, ...] = ()
    command: str = ""
    kind: str = ""
    cause: str = ""
    mend: str = ""
    trial: Trial | None = field(default=None)

    @property
    def way(self) -> str:
        """What is dialled, for people: "oncall@10.0.0.7:22 via bastion1"."""
        if self.target.is_local:
            return "this machine"
        if self.address is None:
            return "?"
        host = f"[{self.address}]" if ":" in self.address else self.address
        via = ", ".join(hop.words for hop in self.hops)
        return f"{self.user}@{host}:{self.port}" + (f" via {via}" if via else "")

    @property
    def keys(self) -> str:
        """The keys that are offered, and those that wait for a passphrase, for people."""
        locked = [f"{path} (passphrase)" for path in self.locked]
        return ", ".join([*self.identities, *(["agent"] if self.has_agent else []), *locked])


def listing_text(hosts: Sequence[Listed], notices: Iterable[str]) -> str:
    """A table with a line for each host, then what is wrong, then a sentence that counts."""
    is_tried = any(host.trial is not None for host in hosts)
    columns: list[tuple[str, list[str]]] = [
        ("HOST", [host.target.name for host in hosts]),
        ("GROUP", [host.target.group for host in hosts]),
        ("STATE", [host.target.node_state for host in hosts]),
        (
            "ALSO IN",
            [",".join(group for group in host.target.partitions if group != host.target.group) for host in hosts],
        ),
        ("REACHED AS", [host.way for host in hosts]),
        ("KEYS", [host.keys for host in hosts]),
        ("FROM", [host.target.origin for host in hosts]),
        ("RESULT", [_result(host) for host in hosts] if is_tried else []),
    ]
    shown = [(title, [plain(cell, _LONGEST_CELL) if cell else "" for cell in cells]) for title, cells in columns]
    lines = _table([(title, cells) for title, cells in shown if any(cells)]) if hosts else []
    lines += [
        f"{host.target.name}: {host.cause}" + (f" — {host.mend}" if host.mend else "") for host in hosts if host.cause
    ]
    lines += list(notices)
    return "\n".join([*lines, _count(hosts, is_tried=is_tried)])


def _result(host: Listed) -> str:
    if host.trial is None or not host.trial.is_well:
        return host.kind or "not tried"
    return f"works, {host.trial.took_s:.1f} s"


def _table(columns: Sequence[tuple[str, Sequence[str]]]) -> list[str]:
    widths = [max(len(title), *map(len, cells)) for title, cells in columns]
    rows = [[title for title, _ in columns], *zip(*(cells for _, cells in columns), strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _count(hosts: Sequence[Listed], *, is_tried: bool) -> str:
    noun = "host" if len(hosts) == 1 else "hosts"
    if not is_tried:
        return f"{len(hosts)} {noun}"
    well = sum(host.trial is not None and host.trial.is_well for host in hosts)
    return f"{well} of {len(hosts)} {noun} can be reached"


def listing_document(fleet: str, hosts: Sequence[Listed], book: Book) -> dict[str, object]:
    """The same as plain dicts, lists, texts and None, for `json.dumps`."""
    return {
        "schema": SCHEMA,
        "fleet": fleet,
        "hosts": [_host_document(host) for host in hosts],
        "sources": [_source_document(book, n) for n in range(len(book.sources))],
        "notices": list(book.notices().values()),
    }


def _host_document(host: Listed) -> Mapping[str, object]:
    target, trial = host.target, host.trial
    return {
        "name": target.name,
        "group": target.group,
        "also_in": list(target.partitions),
        "node_state": target.node_state or None,
        "gpus_expected": target.gpus,
        "from": target.origin or None,
        "is_local": target.is_local,
        "user": host.user,
        "address": host.address,
        "port": host.port,
        "jump": [{"name": hop.name, "address": hop.address} for hop in host.hops],
        "identities": list(host.identities),
        "locked_identities": list(host.locked),
        "has_agent": host.has_agent,
        "known_hosts": list(host.known_hosts),
        "scheduler": target.scheduler,
        "controller": target.controller,
        "kube_context": target.kube_context,
        "command": host.command or None,
        "fault": {"kind": host.kind, "cause": host.cause, "mend": host.mend or None} if host.cause else None,
        "is_reached": None if trial is None else trial.is_well,
        "took_s": None if trial is None else round(trial.took_s, 3),
    }


def _source_document(book: Book, n: int) -> Mapping[str, object]:
    spec = book.sources[n]
    page = book.page(spec)
    return {
        "kind": spec.kind,
        "title": spec.title,
        "from": spec.where,
        "hosts": None if page.answer is None else sum(spec.wants(host.name) for host in page.answer.found.hosts),
        "notes": [] if page.answer is None else list(page.answer.found.notes),
        "fault": page.trouble or None,
    }
