"""Actions as data: what was asked, what would be run, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class ActionName(StrEnum):
    """What can be done to a host."""

    RESTART_UNIT = "restart"
    DRAIN = "drain"
    UNDRAIN = "undrain"


class Danger(StrEnum):
    """How much is at stake, and so how it is confirmed."""

    DISRUPTIVE = "disruptive"
    """One key, after reading."""
    DESTRUCTIVE = "destructive"
    """The host's name has to be typed."""


@dataclass(frozen=True, slots=True)
class ActionRequest:
    """What the user asks for.

    Attributes:
        action: which action.
        host: the target's name in the fleet: an identity, never a row number.
        unit: the systemd unit, for a restart.
        reason: why, for a drain; the user's name is put before it.
    """

    action: ActionName
    host: str
    unit: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One command of a plan.

    Attributes:
        host: where it runs (a drain's host is the controller, never the node).
        login: as whom, for people, e.g. "oncall@login1".
        argv: the argument vector; quoted once, at the transport's edge.
        timeout_s: after this it is given up and its effect is unknown.
    """

    host: str
    login: str
    argv: tuple[str, ...]
    timeout_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be done, shown before anything is.

    Attributes:
        plan_id: unique, ties the audit's lines together.
        request: what was asked.
        title: e.g. "Drain gpu-017 in Slurm".
        danger: see `Danger`.
        steps: the exact commands, in order.
        running_there: what it affects, one line each (jobs, a unit's main process); empty if nothing is known.
        after_this: what the fleet is left with, and other consequences, one line each.
        verification: the command that is asked again, and what its answer must say.
        warnings: what the reader must not overlook.
        confirmation: what has to be typed; "" means one key is enough.
    """

    plan_id: str
    request: ActionRequest
    title: str
    danger: Danger
    steps: tuple[Step, ...]
    verification: str
    running_there: tuple[str, ...] = ()
    after_this: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    confirmation: str = ""


class OutcomeKind(StrEnum):
    """How a run ended."""

    VERIFIED = "verified"
    """It was asked again, and it is so."""
    NOT_VERIFIED = "not-verified"
    """The commands ended well, but what was asked again does not say so."""
    FAILED = "failed"
    """A command failed."""
    REFUSED = "refused"
    """A guard's rule forbade it at the moment of execution; nothing was run."""
    UNKNOWN = "unknown"
    """The link was lost or the time ran out: whether it took effect is not known."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a run.

    Attributes:
        plan_id: of which plan.
        kind: see `OutcomeKind`.
        summary: one line for people.
        output: what the commands printed, cleaned of control characters, size-limited.
        t_unix_s: when it ended.
    """

    plan_id: str
    kind: OutcomeKind
    summary: str
    output: str = ""
    t_unix_s: float = field(default=0.0)
