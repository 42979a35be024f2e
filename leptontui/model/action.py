"""Actions as data: what was asked, what would be run, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

LEAST_REASON: Final = 8
"""A reason for setting a rule aside has so many letters and digits at least."""


def says_why(reason: str) -> bool:
    """Whether a reason for setting a rule aside is long enough to say anything."""
    return sum(letter.isalnum() for letter in reason) >= LEAST_REASON


class ActionName(StrEnum):
    """What the program itself can do; a user's own actions are called `custom/NAME`."""

    RESTART_UNIT = "restart"
    ROLL_BACK = "roll-back"
    SCALE = "scale"
    DRAIN = "drain"
    UNDRAIN = "undrain"
    CORDON = "cordon"
    FAIL_OVER = "fail-over"
    REBOOT = "reboot"
    GPU_RESET = "gpu-reset"
    GPU_KILL = "gpu-kill"
    GPU_PERSISTENCE = "gpu-persistence"
    GPU_LOCK_CLOCKS = "gpu-lock-clocks"
    GPU_UNLOCK_CLOCKS = "gpu-unlock-clocks"
    EVIDENCE = "evidence"


class Danger(StrEnum):
    """How much is at stake, and so how it is confirmed."""

    HARMLESS = "harmless"
    """Nobody notices: one key, and it may be done on many hosts at once."""
    DISRUPTIVE = "disruptive"
    """One key, after reading."""
    DESTRUCTIVE = "destructive"
    """The host's name has to be typed."""


@dataclass(frozen=True, slots=True)
class ActionRequest:
    """What the user asks for.

    Attributes:
        action: which action: an `ActionName`, or `custom/NAME`.
        host: the target's name in the fleet: an identity, never a row number.
        unit: what runs there and is meant, for a restart, roll back or scale: a systemd unit ("vllm.service",
            "user:vllm.service"), a container ("docker:vllm", "podman:vllm"), a workload ("kube:prod/deployment/vllm")
            or a release ("helm:prod/vllm").
        reason: why, for a drain; the user's name is put before it.
        params: what else the action's parameters say, as sorted (name, value) pairs.
    """

    action: str
    host: str
    unit: str = ""
    reason: str = ""
    params: tuple[tuple[str, str], ...] = ()

    def param(self, name: str) -> str:
        """The value of a parameter, "" where it is not given."""
        return dict(self.params).get(name, "")

    def but(self, **params: str) -> ActionRequest:
        """The same with other values of these parameters."""
        return replace(self, params=tuple(sorted({**dict(self.params), **params}.items())))


@dataclass(frozen=True, slots=True)
class Step:
    """One command of a plan.

    Attributes:
        host: where it runs (a drain's host is the controller, never the node).
        login: as whom, for people, e.g. "oncall@login1".
        argv: the argument vector; quoted once, at the transport's edge.
        timeout_s: after this it is given up and its effect is unknown.
        succeeds: exit statuses that mean success.
        wants_password: sudo asks for a password there: the user gives it once, and it goes over stdin.
    """

    host: str
    login: str
    argv: tuple[str, ...]
    timeout_s: float = 60.0
    succeeds: tuple[int, ...] = (0,)
    wants_password: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """A rule of the guard that stands in the way of a plan as things are.

    Attributes:
        rule: the rule's name, e.g. "blast-fleet".
        cause: what speaks against it, one line.
        mend: what the user can do, one line.
        set_in: where the rule is set, e.g. "/etc/leptontui/policy.toml:12"; "" for what is built in.
        may_be_overridden: whether a typed reason sets it aside; the audit keeps it.
    """

    rule: str
    cause: str
    mend: str = ""
    set_in: str = ""
    may_be_overridden: bool = False


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
        evidence: what is captured before the first command, in words; "" for nothing.
        standing: what the guard would refuse it for if it were run now.
        undo: what takes it back, where that can be said before it is run; None where not.
        ends: what it ends for good, each by what tells it from every other: jobs by id, a process by its start.
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
    evidence: str = ""
    standing: tuple[Standing, ...] = ()
    undo: ActionRequest | None = None
    ends: tuple[str, ...] = ()


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
