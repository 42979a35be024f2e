"""Slurm's answers, parsed: a node's record, and what is left of its partitions. Its jobs are in `slurm_jobs`.

Formats as printed by Slurm 22.05; `scontrol --json` is not there in all builds, so the text is what is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from leptontui.model.text import plain

_FREE_TEXT: Final = frozenset({"OS", "Reason", "Comment", "Extra"})
"""Keys that have a line of their own, all of which is the value."""

_KEY_LINE: Final = re.compile(r"(?: {0,3})([A-Za-z][A-Za-z0-9_]*)=(.*)")
"""A line of keys is indented by 3 at most; deeper ones go on with the value above (a reason's second line, by 10)."""

_PAIR: Final = re.compile(r"([A-Za-z][A-Za-z0-9_/:]*)=(.*)")
_REASON: Final = re.compile(r"(.*) \[([^\[\]\s]*)@([^\[\]\s]*)\]", re.DOTALL)
_FLAGS_OF_A_STATE: Final = "*~#!%$@^-+"
_AT_WORK: Final = frozenset({"ALLOCATED", "MIXED", "COMPLETING"})

_DOWN: Final = frozenset({"DOWN", "FAIL", "FAILING", "ERROR", "INVAL", "INVALID_REG", "FUTURE"})
"""Not POWERED_DOWN: Slurm's power saving switches such a node on for a job."""

AUTOMATIC_REASONS: Final = frozenset({"Not responding", "Node unexpectedly rebooted"})
"""Reasons that slurmctld itself gives to a node that went DOWN: nobody's, so a drain may take their place."""

_NOT_AVAILABLE: Final = frozenset(
    {
        "down",
        "drain",
        "drng",
        "fail",
        "failg",
        "maint",
        "unk",
        "futr",
        "inval",
        "pow_dn",
        "powering_down",
        "reboot",
        "boot",
    }
)
"""Short states of sinfo(1) in which no job can start on a node."""


@dataclass(frozen=True, slots=True)
class NodeRecord:
    """What `scontrol show node` says of one node.

    Attributes:
        name: as Slurm calls it.
        state: as printed, e.g. "MIXED+DRAIN".
        reason: without who and when; "" for none.
        reason_by: account that set it, by Slurm; "" where unknown.
        reason_since: when, as Slurm prints it.
        partitions: those it belongs to.
    """

    name: str
    state: str
    reason: str = ""
    reason_by: str = ""
    reason_since: str = ""
    partitions: tuple[str, ...] = ()

    @property
    def flags(self) -> frozenset[str]:
        """The state's words without their marks, e.g. {"IDLE", "DRAIN"}."""
        return frozenset(word.strip(_FLAGS_OF_A_STATE).upper() for word in self.state.split("+"))

    @property
    def is_draining(self) -> bool:
        """Whether no new job starts there: DRAIN, and the words older Slurms print for it."""
        return any(flag.startswith("DRAIN") for flag in self.flags)

    @property
    def is_at_work(self) -> bool:
        """Whether jobs are still on it: draining, not drained."""
        return bool(self.flags & _AT_WORK) or "DRAINING" in self.flags

    @property
    def is_down(self) -> bool:
        """Whether no job can start there for another cause than a drain."""
        return bool(self.flags & _DOWN)

    @property
    def is_silent(self) -> bool:
        """Whether Slurm does not hear of it: what runs there is then not known to Slurm either."""
        return "NOT_RESPONDING" in self.flags or "*" in self.state or self.is_unheard

    @property
    def is_unheard(self) -> bool:
        """Whether slurmctld was started and has not heard of the node since: for some seconds, if it is well."""
        return "UNKNOWN" in self.flags

    @property
    def is_reboot_asked(self) -> bool:
        """Whether it will be rebooted by Slurm as soon as its jobs have ended."""
        return "REBOOT_REQUESTED" in self.flags or "@" in self.state

    @property
    def is_rebooting(self) -> bool:
        """Whether Slurm has told it to reboot, and it is not back yet."""
        return bool(self.flags & {"REBOOT_ISSUED", "REBOOT"}) or "^" in self.state

    @property
    def has_reason_of_a_human(self) -> bool:
        """Whether there is a reason that slurmctld did not give by itself."""
        return bool(self.reason) and self.reason not in AUTOMATIC_REASONS


def parse_nodes(text: str) -> list[NodeRecord]:
    """Read the output of `scontrol show node`.

    The first value of a key counts: Slurm prints the state before the free texts, so that a comment or a reason that
    looks like a record cannot change what was read.
    """
    records: list[NodeRecord] = []
    values: dict[str, str] = {}
    last = ""
    for line in text.split("\n"):
        match = _KEY_LINE.match(line)
        if match is None:
            if last and line.strip():
                values[last] += "\n" + line.strip()
            continue
        if match[1] == "NodeName" and line.startswith("NodeName="):
            _add_record(records, values)
            values, last = {}, ""
        pairs = [(match[1], match[2])] if match[1] in _FREE_TEXT else _pairs(line)
        last = ""
        for key, value in pairs:
            if key not in values:
                values[key] = value
                last = key if key in _FREE_TEXT else ""
    _add_record(records, values)
    return records


def _pairs(line: str) -> Iterable[tuple[str, str]]:
    return [(match[1], match[2]) for word in line.split() if (match := _PAIR.fullmatch(word)) is not None]


def _add_record(records: list[NodeRecord], values: dict[str, str]) -> None:
    if not values.get("NodeName") or not values.get("State"):
        return
    reason = values.get("Reason", "").strip()
    match = _REASON.fullmatch(reason)
    text, by, since = (match[1], match[2], match[3]) if match else (reason, "", "")
    records.append(
        NodeRecord(
            values["NodeName"],
            plain(values["State"], 80),
            plain(text, 1000),
            plain(by, 40),
            plain(since, 40),
            tuple(plain(name, 60) for name in values.get("Partitions", "").split(",") if name),
        )
    )


SINFO_FORMAT: Final = "%N|%t|%P"
"""For `sinfo -N -o`: one line for each node and partition."""


@dataclass(frozen=True, slots=True)
class PartitionRoom:
    """How much of a partition can take jobs.

    Attributes:
        name: the partition.
        available: nodes that can take jobs, the node asked about not counted.
        total: all its nodes.
    """

    name: str
    available: int
    total: int


def parse_room(text: str, node: str, partitions: tuple[str, ...]) -> list[PartitionRoom]:
    """Read the output of `sinfo -h -N -o SINFO_FORMAT`: the room in `partitions` without `node`, in their order."""
    known = parse_availability(text)
    return [
        PartitionRoom(name, sum(can for other, can in known[name].items() if other != node), len(known[name]))
        for name in partitions
        if name in known
    ]


def parse_availability(text: str) -> dict[str, dict[str, bool]]:
    """Read the same: by partition, whether each of its nodes can take jobs."""
    found: dict[str, dict[str, bool]] = {}
    for line in text.split("\n"):
        name, _, rest = line.partition("|")
        state, bar, partition = rest.partition("|")
        if bar:
            is_silent = "*" in state
            can_take = not is_silent and state.strip(_FLAGS_OF_A_STATE) not in _NOT_AVAILABLE
            found.setdefault(partition.strip().rstrip("*"), {})[name.strip()] = can_take
    return found


OUT_FORMAT: Final = "%N|%u|%H|%E"
"""For `sinfo -N -o` of the nodes out of service: the reason, in which anything may stand, comes last."""


@dataclass(frozen=True, slots=True)
class OutNode:
    """A node that is out of service.

    Attributes:
        name: as Slurm calls it.
        by: account that gave the reason, by Slurm.
        since: when, as Slurm prints it.
        reason: "" for none.
    """

    name: str
    by: str
    since: str
    reason: str

    @property
    def words(self) -> str:
        """It in one line, e.g. "gpu-003 (bob: riser swap; set by root 2026-11-20T03:00:00)"."""
        return f"{self.name} ({self.reason or 'no reason given'}; set by {self.by} {self.since})"


def parse_out(text: str) -> list[OutNode]:
    """Read the output of `sinfo -h -N -o OUT_FORMAT`: each node once, in Slurm's order."""
    rows = (line.split("|", 3) for line in text.split("\n"))
    nodes = [OutNode(*(plain(field, 80) for field in row)) for row in rows if len(row) == 4]  # noqa: PLR2004 — OUT_FORMAT
    return list({node.name: node for node in reversed(nodes) if node.name}.values())[::-1]
