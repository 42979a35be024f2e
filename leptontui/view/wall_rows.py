"""What the wallboard shows: counts, the worst, a sign per GPU, and on which hosts nothing is known."""

from __future__ import annotations

from dataclasses import dataclass, field

from leptontui.model.alert import AlertBoard
from leptontui.model.health import Severity
from leptontui.view.wall_troubles import WallTrouble


@dataclass(frozen=True, slots=True)
class WallLine:
    """One of the worst.

    Attributes:
        severity: how bad.
        host: the host's name, fit for the screen.
        gpu: the driver's number of the GPU; None for the host itself.
        text: why, fit for the screen.
        job: the scheduler's job on the GPU; "" if none is known.
        received_unix_s: when the values came that say so; None if never.
        is_gone: the GPU was there and is not any more: what came last from its host says so.
    """

    severity: Severity
    host: str
    gpu: int | None
    text: str
    job: str
    received_unix_s: float | None
    is_gone: bool = False


@dataclass(frozen=True, slots=True)
class WallHost:
    """One host of the heatmap: `signs` has one character a GPU, see `leptontui.render.heatmap`."""

    name: str
    signs: str
    severity: Severity


@dataclass(frozen=True, slots=True)
class Blindness:
    """Hosts of which nothing fresh is known.

    Attributes:
        hosts: how many.
        since_unix_s: when it began; None if nothing was ever seen.
        cause: the most frequent cause, in words.
        causes: how many different causes there are.
    """

    hosts: int
    since_unix_s: float | None
    cause: str
    causes: int


@dataclass(frozen=True, slots=True)
class WallPage:
    """The wallboard's content.

    Attributes:
        fleet: the fleet's name, fit for the screen.
        t_unix_s: when the snapshot was made.
        newest_age_s: age of the newest sweep then; None before the first.
        dropped_sweeps: sweeps dropped so far.
        critical, predicted, warning: GPUs and hosts of that severity; a host counts only for what is not its GPUs'.
        gpus_live: GPUs present on hosts whose link is live.
        gpus_total: GPUs ever seen.
        hosts_total: hosts of the fleet.
        worst: the worst first, but for hosts that alerts tell of already.
        worst_total: how many there are.
        hosts: for the heatmap, by name.
        blindness: None if every host is live.
        board: the alerts' counts, and how telling people goes; not evaluated yet where no rules run.
        troubles: the worst groups of alerts, the worst first.
        troubles_total: how many groups there are.
    """

    fleet: str
    t_unix_s: float
    newest_age_s: float | None
    dropped_sweeps: int
    critical: int
    predicted: int
    warning: int
    gpus_live: int
    gpus_total: int
    hosts_total: int
    worst: tuple[WallLine, ...]
    hosts: tuple[WallHost, ...]
    blindness: Blindness | None
    worst_total: int = 0
    board: AlertBoard = field(default_factory=AlertBoard)
    troubles: tuple[WallTrouble, ...] = ()
    troubles_total: int = 0
