"""What is being done to the fleet, as values: rollouts, runbooks, remembered drains, broken-off actions."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from leptontui.model.action import Danger, Plan, Standing
from leptontui.model.action_spec import Parameter


class Pace(StrEnum):
    """How many targets of a rollout are worked on at once."""

    SERIAL = "serial"
    """One at a time."""
    ROLLING = "rolling"
    """A batch at a time; the next begins when all of the batch are verified."""
    AT_ONCE = "at once"
    """All together: only what is harmless."""


@dataclass(frozen=True, slots=True)
class RolloutRequest:
    """One action on many hosts.

    Attributes:
        action: see `ActionRequest.action`.
        hosts: names in the fleet, in the order in which they are worked on, each once.
        unit, reason, params: as in `ActionRequest`.
        pace: see `Pace`.
        batch: how many at a time, for `ROLLING`.
    """

    action: str
    hosts: tuple[str, ...]
    unit: str = ""
    reason: str = ""
    params: tuple[tuple[str, str], ...] = ()
    pace: Pace = Pace.SERIAL
    batch: int = 1


@dataclass(frozen=True, slots=True)
class RolloutPlan:
    """What would be done on each of many hosts, shown before anything is.

    Attributes:
        rollout_id: unique.
        request: what was asked.
        title: e.g. "Restart vllm.service on 12 hosts".
        plans: those that can be run, in order.
        unplanned: (host, cause) of those that cannot.
        danger: the worst of the plans'.
        warnings: what concerns the whole.
        confirmation: what has to be typed: the host's name for one destructive plan, the count for many; "" for one
            key.
        standing: what the guard would refuse the whole for if it were started now; each plan has its own besides.
    """

    rollout_id: str
    request: RolloutRequest
    title: str
    plans: tuple[Plan, ...]
    unplanned: tuple[tuple[str, str], ...]
    danger: Danger
    warnings: tuple[str, ...] = ()
    confirmation: str = ""
    standing: tuple[Standing, ...] = ()


class TargetState(StrEnum):
    """How it stands with one target of a rollout or one step of a runbook."""

    WAITING = "waiting"
    RUNNING = "running"
    VERIFIED = "verified"
    NOT_VERIFIED = "not-verified"
    FAILED = "failed"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"
    """It was left out: the rollout was abandoned before its turn came."""


@dataclass(frozen=True, slots=True)
class TargetRun:
    """One target of a rollout.

    Attributes:
        host: its name.
        state: see `TargetState`.
        said: what is to be said of it, one line.
        lines: the last lines of its output, cleaned, at most 20.
        begun_unix_s, ended_unix_s: None before.
    """

    host: str
    state: TargetState = TargetState.WAITING
    said: str = ""
    lines: tuple[str, ...] = ()
    begun_unix_s: float | None = None
    ended_unix_s: float | None = None


class Wish(StrEnum):
    """What a user wants of a rollout or runbook under way."""

    PAUSE = "pause"
    RESUME = "resume"
    SKIP = "skip"
    ABANDON = "abandon"


class RolloutState(StrEnum):
    """How it stands with a rollout."""

    RUNNING = "running"
    PAUSED = "paused"
    """The user holds it; what was begun is brought to its end."""
    STOPPED = "stopped"
    """A target was not verified: it waits for the user to resume or abandon it."""
    ABANDONED = "abandoned"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Rollout:
    """A rollout under way, or one of the last that ended.

    Attributes:
        rollout_id: of which plan.
        title: e.g. "Restart vllm.service on 12 hosts".
        state: see `RolloutState`.
        targets: all of them, in order.
        said: why it stopped, or how it ended, one line.
    """

    rollout_id: str
    title: str
    state: RolloutState
    targets: tuple[TargetRun, ...]
    said: str = ""


@dataclass(frozen=True, slots=True)
class Drained:
    """A host that this user took out of service with the program, and has not given back yet.

    Attributes:
        host: its name in the fleet.
        node: as the scheduler calls it.
        scheduler: "slurm" or "kubernetes".
        reason: as it was given.
        since_unix_s: when.
        said: how the scheduler says it stands, one line; "" while it was not asked.
        is_empty: whether no job or pod is left there: now safe to reset or reboot; None while not known.
        asked_unix_s: when it was last asked; None while it was not.
    """

    host: str
    node: str
    scheduler: str
    reason: str
    since_unix_s: float
    said: str = ""
    is_empty: bool | None = None
    asked_unix_s: float | None = None


@dataclass(frozen=True, slots=True)
class Unfinished:
    """An action of which the audit tells the beginning and not the end: the program was ended in between.

    Attributes:
        plan_id: of which plan.
        title: what it was, e.g. "Restart vllm.service on gpu-017".
        host: its target.
        user: who began it.
        begun_unix_s: when.
        said: how the host says it stands now, one line; "" while it was not asked.
        is_settled: whether its end is in the audit now.
    """

    plan_id: str
    title: str
    host: str
    user: str
    begun_unix_s: float
    said: str = ""
    is_settled: bool = False


class RunbookState(StrEnum):
    """How it stands with a runbook under way."""

    READY = "ready"
    """The next step waits for the user."""
    RUNNING = "running"
    STOPPED = "stopped"
    """A step did not end well: it waits for the user to try it again, skip it or abandon it."""
    ABANDONED = "abandoned"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class RunbookStep:
    """One step of a runbook under way.

    Attributes:
        title: e.g. "Drain gpu-017".
        kind: "action", "check" or "wait".
        state: see `TargetState`.
        said: what came of it, one line.
    """

    title: str
    kind: str
    state: TargetState = TargetState.WAITING
    said: str = ""


@dataclass(frozen=True, slots=True)
class RunbookRun:
    """A runbook under way, or one of the last that ended. Kept over restarts.

    Attributes:
        run_id: unique.
        name: of the runbook.
        host: its target.
        state: see `RunbookState`.
        steps: all of them.
        at: which step is next, from 0; their number at the end.
        begun_unix_s: when.
    """

    run_id: str
    name: str
    host: str
    state: RunbookState
    steps: tuple[RunbookStep, ...]
    at: int
    begun_unix_s: float


@dataclass(frozen=True, slots=True)
class RunbookEntry:
    """A runbook that can be started.

    Attributes:
        name: unique.
        meaning: one line.
        steps: what it does, one line each; none where its file is wrong, which `meaning` then says.
        source: the file it is from, for people.
        parameters: what it has to be told.
    """

    name: str
    meaning: str
    steps: tuple[str, ...]
    source: str
    parameters: tuple[Parameter, ...] = ()


@dataclass(frozen=True, slots=True)
class Activity:
    """Everything that is being done, at one moment.

    Attributes:
        rollouts: those under way and the last that ended, newest first.
        runbooks: likewise.
        drained: what this user has out of service, oldest first.
        unfinished: actions that were broken off, oldest first.
    """

    rollouts: tuple[Rollout, ...] = ()
    runbooks: tuple[RunbookRun, ...] = ()
    drained: tuple[Drained, ...] = ()
    unfinished: tuple[Unfinished, ...] = ()
