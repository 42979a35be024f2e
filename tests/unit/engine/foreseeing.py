"""What tests of foresight share: a store that is told series, a worker that says what it is asked, a clock."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Callable, Mapping, Sequence

from leptontui.errors import ForecastError
from leptontui.forecast.request import ForecastRequest, Foreseen
from leptontui.model.series import Entity, Eta, ForecasterState, ForecasterStatus, ForecastTrack, SeriesKey
from leptontui.store.store import Store
from leptontui.wire import Filesystem, GpuIdentity, GpuReading, Hello, Received, Sample, Sweep

T0 = 1_760_000_000.0
GIB = 2**30
TEMP = SeriesKey("a", Entity.GPU, "G0", "temp_c")
MEMORY = SeriesKey("a", Entity.GPU, "G0", "memory_used_bytes")
DISK = SeriesKey("a", Entity.FILESYSTEM, "/", "used_bytes")
SAMPLE = SeriesKey("a", Entity.SAMPLE, "vllm/waiting", "value")


class Clock:
    """A clock that tests set."""

    def __init__(self, now: float = T0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def foreseen(
    asked: ForecastRequest,
    value: float = 1.0,
    eta: Eta | None = None,
    fallback: str = "",
    track: ForecastTrack | None = None,
) -> Foreseen:
    """That everything becomes `value`, with bands of 1 and 2 around it."""
    count = len(asked.told) or asked.steps
    edges = array("d")
    for offset in (0.0, -1.0, 1.0, -2.0, 2.0):
        edges.extend([value + offset] * count)
    return Foreseen(asked, edges, value, "constant", fallback, track, eta, 600.0, is_cut=False)


class Worker:
    """A forecaster whose forecasts cost what they are told to."""

    def __init__(self, cost_s: float = 0.0, etas: Mapping[SeriesKey, Callable[[float], Eta]] | None = None) -> None:
        self.status = ForecasterStatus(ForecasterState.READY)
        self.seconds = 0.0
        self.cost_s = cost_s
        self.etas = dict(etas or {})
        self.asked: asyncio.Queue[list[ForecastRequest]] = asyncio.Queue()
        self.is_broken = False

    async def forecast(self, requests: Sequence[ForecastRequest]) -> list[Foreseen]:
        if self.is_broken:
            raise ForecastError("the forecast worker died", "it is started again")
        self.seconds += self.cost_s * len(requests)
        self.asked.put_nowait(list(requests))
        found = []
        for asked in requests:
            eta = self.etas.get(asked.key)
            found.append(foreseen(asked, eta=eta(asked.end_unix_s) if eta else None))
        return found

    def all_asked(self) -> list[ForecastRequest]:
        """Everything asked since the last call."""
        found: list[ForecastRequest] = []
        while not self.asked.empty():
            found += self.asked.get_nowait()
        return found


def greet(store: Store, host: str, gpus: int = 1, at: float = T0) -> None:
    identities = tuple(GpuIdentity(n, f"G{n}", memory_total_bytes=80 * GIB, temp_slowdown_c=87.0) for n in range(gpus))
    store.append([Received(host, Hello(1, at, host, gpus=identities), at, at - T0 + 9e6)])


def say(
    store: Store,
    at: float,
    host: str = "a",
    *,
    temps: Sequence[float | None] = (60.0,),
    memory: float = 10 * GIB,
    disk: float | None = None,
    sample: float | None = None,
) -> None:
    """One sweep of a host."""
    gpus = tuple(GpuReading(f"G{n}", temp_c=temp, memory_used_bytes=int(memory)) for n, temp in enumerate(temps))
    disks = (Filesystem("/", total_bytes=1000 * GIB, used_bytes=int(disk)),) if disk is not None else ()
    samples = (Sample("vllm", "waiting", sample),) if sample is not None else ()
    sweep = Sweep(1, 0, at, at - T0 + 9e6, gpus=gpus, filesystems=disks, samples=samples)
    store.append([Received(host, sweep, at, at - T0 + 9e6)])
