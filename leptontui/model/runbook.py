"""Runbooks as data: actions, with checks and waits between them, for one host."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from leptontui.model.action_spec import Parameter


class TaskKind(StrEnum):
    """What a step of a runbook is."""

    ACTION = "action"
    """An action of the catalogue or the user's own: planned, guarded and confirmed as any."""
    CHECK = "check"
    """A condition that must hold now, or a user's own action that must end well."""
    WAIT = "wait"
    """A condition that must come to hold within a limit."""


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that can be asked of a host without changing it.

    Attributes:
        name: as runbooks write it.
        meaning: what must be so, one line, with `{host}` and `{unit}`.
        takes_unit: whether it is about one of the host's units.
    """

    name: str
    meaning: str
    takes_unit: bool = False


CONDITIONS: Final[dict[str, Condition]] = {
    one.name: one
    for one in (
        Condition("link-live", "{host} answers, and its values are fresh"),
        Condition("drained", "{host} is out of service"),
        Condition("drained-and-empty", "{host} is out of service, and nothing runs there any more"),
        Condition("in-service", "{host} is in service"),
        Condition("unit-active", "{unit} is up on {host}", takes_unit=True),
        Condition("gpus-answer", "every GPU of {host} answers its driver"),
    )
}
"""By name."""


@dataclass(frozen=True, slots=True)
class RunbookTask:
    """One step of a runbook, with placeholders: `{host}` and the runbook's parameters.

    Attributes:
        kind: see `TaskKind`.
        title: for people.
        action: for an action, or a check that runs one of the user's own.
        unit, reason, params: as in `ActionRequest`; a condition takes a unit, too.
        condition: for a check or a wait: a name in `CONDITIONS`.
        limit_s: for a wait: it has to be so within this.
    """

    kind: TaskKind
    title: str
    action: str = ""
    unit: str = ""
    reason: str = ""
    params: tuple[tuple[str, str], ...] = ()
    condition: str = ""
    limit_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Runbook:
    """One runbook.

    Attributes:
        name: unique.
        meaning: what it is for, one line.
        parameters: what has to be said when it is started.
        tasks: its steps, in order.
        source: where it is written, e.g. "mine.toml:3", or "shipped".
    """

    name: str
    meaning: str
    parameters: tuple[Parameter, ...]
    tasks: tuple[RunbookTask, ...]
    source: str
