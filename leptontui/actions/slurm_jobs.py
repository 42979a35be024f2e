"""The jobs on a Slurm node, parsed from what squeue says: whose they are, how long they run and may run on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from leptontui.model.text import plain


@dataclass(frozen=True, slots=True)
class NodeJob:
    """A job on a node.

    Attributes:
        job_id: as Slurm prints it, e.g. "8812" or "8812_3".
        user: whose.
        nodes: on how many nodes it runs.
        elapsed: how long, as Slurm prints it.
        left: how long until its time limit ends it, as Slurm prints it, e.g. "9:57:49" or "UNLIMITED".
        name: its name.
    """

    job_id: str
    user: str
    nodes: str
    elapsed: str
    left: str
    name: str

    @property
    def left_s(self) -> int | None:
        """Seconds until its time limit ends it; None where it has none, or Slurm does not say."""
        return _seconds(self.left)

    @property
    def elapsed_s(self) -> int | None:
        """Seconds since it began; None where Slurm does not say."""
        return _seconds(self.elapsed)

    @property
    def words(self) -> str:
        """It in one line, e.g. "job 8812 train (anna, 63 nodes, 14:02:11, at most 9:57:49 more)"."""
        nodes = f"{self.nodes} node{'' if self.nodes == '1' else 's'}"
        limit = "no time limit" if self.left_s is None else f"at most {self.left} more"
        return f"job {self.job_id} {self.name} ({self.user}, {nodes}, {self.elapsed}, {limit})"


_DURATION: Final = re.compile(r"(?:(\d{1,5})-)?(?:(\d{1,5}):)?(\d{1,3}):(\d{2})")
"""squeue(1): [days-]hours:minutes:seconds, hours left out below one."""


def _seconds(duration: str) -> int | None:
    match = _DURATION.fullmatch(duration)
    if match is None:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


JOB_FORMAT: Final = "%i|%u|%D|%M|%L|%j"
"""For `squeue -o`: the name, in which anything may stand, comes last."""


def parse_jobs(text: str) -> list[NodeJob]:
    """Read the output of `squeue -h -o JOB_FORMAT`; lines that are not of that form are left out."""
    rows = (line.split("|", 5) for line in text.split("\n"))
    return [NodeJob(*(plain(field, 80) for field in row)) for row in rows if len(row) == 6]  # noqa: PLR2004 — JOB_FORMAT
