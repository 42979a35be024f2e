"""What the triage list shows: what is wrong, what will be, what changed; every row bound to what it is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from leptontui.model.alert import Alert, AlertBoard, AlertGroup, Level
from leptontui.model.health import Severity


class Section(StrEnum):
    """The parts of the list, in its order."""

    NOW = "wrong now"
    AHEAD = "will be"
    PENDING = "pending"
    CHANGED = "what changed"


class Care(StrEnum):
    """Whether somebody or something looks after it already; what nobody looks after comes first."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    PENDING = "pending"
    SILENCED = "silenced"
    INHIBITED = "inhibited"


CARE_ORDER = tuple(Care)


@dataclass(frozen=True, slots=True)
class TriageRow:
    """One line about alerts: a group, a group's only alert, or a member beneath its group.

    Attributes:
        key: what the cursor is bound to: the group or, beneath one, the alert.
        section: where it is listed.
        group: the group it is or belongs to.
        alerts: what the line stands for and what keys act on: only those that the filter leaves.
        where: host and part, or how many hosts.
        care: see `Care`.
        is_member: it stands beneath its group's line.
        is_open: the members stand beneath it.
        hidden: alerts that it explains away: they are listed beneath it, too.
    """

    key: tuple[str, str]
    section: Section
    group: AlertGroup
    alerts: tuple[Alert, ...]
    where: str
    care: Care
    is_member: bool = False
    is_open: bool = False
    hidden: int = 0

    @property
    def alert(self) -> Alert:
        """The worst that it stands for."""
        return self.alerts[0]

    @property
    def is_group(self) -> bool:
        """Whether it stands for several alerts."""
        return not self.is_member and len(self.alerts) + self.hidden > 1

    @property
    def is_predictive(self) -> bool:
        """Whether it tells of what will be."""
        return self.section is Section.AHEAD

    @property
    def level(self) -> Level:
        """How urgent."""
        return self.alert.level if self.is_member else self.group.level

    @property
    def since_unix_s(self) -> float:
        """When it began."""
        return self.alert.since_unix_s if self.is_member or len(self.alerts) == 1 else self.group.since_unix_s


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """Something that happened lately.

    Attributes:
        key: what the cursor is bound to.
        t_unix_s: when.
        what: in a word: "resolved", "fired", "acknowledged", "booted", an event's name.
        severity: how bad it is by itself.
        where: host and part.
        text: what is told of it, fit for the screen.
        host: the host it is about; "" for none.
        gpu_uuid: the GPU it is about; None for none.
        alert_id: the alert it is about; "" for none.
        count: how often it was told.
    """

    key: tuple[str, str]
    t_unix_s: float
    what: str
    severity: Severity
    where: str
    text: str
    host: str = ""
    gpu_uuid: str | None = None
    alert_id: str = ""
    count: int = 1
    section: Section = field(default=Section.CHANGED)


Row = TriageRow | ChangeRow


@dataclass(frozen=True, slots=True)
class TriagePage:
    """The list.

    Attributes:
        board: what it was made of.
        rows: by section, in each the worst first; what changed, newest first.
        groups_now, groups_ahead, groups_pending: lines of these sections before filtering, members not counted.
        filtered_out: lines that the filter leaves out.
        hosts_live, hosts_total: on how many hosts rules see anything, of how many.
        numbers: what GPUs that have no label for it are called, by host and uuid.
    """

    board: AlertBoard
    rows: tuple[Row, ...]
    groups_now: int
    groups_ahead: int
    groups_pending: int
    filtered_out: int
    hosts_live: int
    hosts_total: int
    numbers: Mapping[tuple[str, str], str] = field(default_factory=dict)
