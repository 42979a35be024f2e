"""Plain rows for the screen: an identity, how fresh it is, and typed values; None is "not known"."""

from __future__ import annotations

from dataclasses import dataclass

from leptontui.model.health import Severity
from leptontui.model.link import LinkState


@dataclass(frozen=True, slots=True)
class RowId:
    """What a row is about: a cursor is bound to this, never to a row's number.

    Attributes:
        host: the host's name in the fleet.
        gpu_uuid: the GPU's identity; None for a row about the host.
    """

    host: str
    gpu_uuid: str | None = None


@dataclass(frozen=True, slots=True)
class Trend:
    """The recent past and the near future of one value, on the same physical scale.

    Attributes:
        past: means of one-minute buckets, oldest first, None where nothing was sampled.
        future: means of the following minutes as forecast; empty if there is no forecast.
        lower, upper: physical bounds of the scale.
        crossing: index into `future` of the minute in which a threshold is expected to be crossed; None if none is.
    """

    past: tuple[float | None, ...] = ()
    future: tuple[float, ...] = ()
    lower: float = 0.0
    upper: float = 100.0
    crossing: int | None = None


NO_TREND = Trend()


@dataclass(frozen=True, slots=True)
class Standing:
    """How something is, and how fresh that is.

    Attributes:
        link: state of the host's link.
        link_cause: why it is not live, with the mend; "" if it is.
        received_unix_s: when the newest sweep was received; None if never.
        severity: how bad it is.
        health: why, "" if well.
        since_unix_s: since when the link is in its state; None if that is not known.
        next_dial_unix_s: when it is dialled next; None unless it waits for that.
        dials: how many times it was dialled so far.
        taken_by: who has acknowledged an alert about it; "" if nobody has.
    """

    link: LinkState
    link_cause: str
    received_unix_s: float | None
    severity: Severity
    health: str
    since_unix_s: float | None = None
    next_dial_unix_s: float | None = None
    dials: int = 0
    taken_by: str = ""

    @property
    def is_live(self) -> bool:
        """Whether what is shown is fresh."""
        return self.link is LinkState.LIVE


def gpu_number(index: int | None, mig_index: int | None) -> str:
    """How people number a GPU: "3", a MIG instance of it "3.1", "?" if it is not known."""
    if index is None:
        return "?"
    return str(index) if mig_index is None else f"{index}.{mig_index}"


@dataclass(frozen=True, slots=True)
class GpuRow:
    """One GPU. Units are in the names; `memory_*` is device memory.

    Attributes:
        id: the GPU's identity.
        standing: how it is.
        gpu: the driver's number for it on its host; of a MIG instance its GPU's.
        state: "present", "gone", or "unknown" while the driver hangs; "" if nobody said.
        mig_index: of a MIG instance, its number on its GPU.
        mig_profile: of a MIG instance, its share of the GPU.
        work: the job, else the pod or container, that uses it.
        node_state: what the scheduler says of its host; "" if nobody said.
    """

    id: RowId
    standing: Standing
    group: str
    gpu: int | None
    model: str
    util_pct: float | None
    memory_used_bytes: float | None
    memory_total_bytes: float | None
    temp_c: float | None
    power_w: float | None
    clock_sm_mhz: float | None
    job: str
    user: str
    util_trend: Trend
    temp_trend: Trend
    memory_trend: Trend
    power_trend: Trend
    state: str = ""
    mig_index: int | None = None
    mig_profile: str = ""
    work: str = ""
    node_state: str = ""

    @property
    def number(self) -> str:
        """Its number on its host, of a MIG instance "3.1"."""
        return gpu_number(self.gpu, self.mig_index)

    @property
    def is_gone(self) -> bool:
        """Whether it was there and is not any more."""
        return self.state == "gone"

    @property
    def is_fresh(self) -> bool:
        """Whether its values are of now: its host is live, and its driver tells of it."""
        return self.standing.is_live and self.state not in {"gone", "unknown"}


@dataclass(frozen=True, slots=True)
class HostRow:
    """One host. `gpu_*` is over its GPUs: mean and least utilisation, highest temperature, summed power.

    Attributes:
        id: the host's identity.
        standing: how it is.
        gpus: how many GPUs it has; None if it never said.
        node_state: what the scheduler says of it; "" if nobody said.
    """

    id: RowId
    standing: Standing
    group: str
    gpus: int | None
    cpu_util_pct: float | None = None
    load1: float | None = None
    memory_used_bytes: float | None = None
    memory_total_bytes: float | None = None
    gpu_util_pct: float | None = None
    gpu_util_min_pct: float | None = None
    gpu_temp_c: float | None = None
    gpu_power_w: float | None = None
    net_rx_bytes_per_s: float | None = None
    net_tx_bytes_per_s: float | None = None
    disk_read_bytes_per_s: float | None = None
    disk_write_bytes_per_s: float | None = None
    uptime_s: float | None = None
    node_state: str = ""


Row = GpuRow | HostRow
