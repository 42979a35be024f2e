"""The forecaster: a worker process, kept running, asked for one batch at a time. Loads none of the heavy libraries."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import time
from collections.abc import Sequence
from typing import Final

from leptontui.errors import ForecastError
from leptontui.forecast.eta import eta_of
from leptontui.forecast.process import Worker
from leptontui.forecast.protocol import Bands, Batch, Task
from leptontui.forecast.request import ForecastRequest
from leptontui.model.series import Forecast, ForecasterState, ForecasterStatus

log = logging.getLogger(__name__)

FIRST_PAUSE_S: Final = 0.5
LONGEST_PAUSE_S: Final = 30.0
"""How long is waited before a dead worker is started again: twice as long each time, at most this."""
START_LIMIT_S: Final = 60.0
"""Loading the libraries takes a second or two; on a cold, busy disk much longer."""
STABLE_S: Final = 60.0
"""A worker that lived so long is started again without waiting long."""


class Forecaster:
    """Forecasts series in a worker process that is restarted by itself when it dies or hangs.

    Args:
        time_limit_s: how long a batch may take.
        command: what to run instead of the worker.
    """

    def __init__(self, *, time_limit_s: float = 30.0, command: Sequence[str] | None = None) -> None:
        self._time_limit_s = time_limit_s
        self._command = command
        self._keeper: asyncio.Task[None] | None = None
        self._worker: Worker | None = None
        self._turn = asyncio.Lock()
        self._number = 0
        self._state, self._reason = ForecasterState.OFF, "not started"
        self._made = self._failed = self._restarts = 0
        self._ms_per_series: float | None = None

    @property
    def status(self) -> ForecasterStatus:
        """What the worker is doing."""
        return ForecasterStatus(
            self._state, self._reason, self._made, self._failed, self._restarts, self._ms_per_series
        )

    @property
    def pid(self) -> int | None:
        """The worker's process id, None while there is none that is ready."""
        return self._worker.pid if self._worker is not None else None

    def start(self) -> None:
        """Start the worker in the background, on the running loop. A no-op when started."""
        if self._keeper is None:
            self._state, self._reason = ForecasterState.STARTING, ""
            self._keeper = asyncio.get_running_loop().create_task(self._keep(), name="forecast worker")

    async def forecast(self, requests: Sequence[ForecastRequest]) -> list[Forecast]:
        """Forecast some series; those with too short a past, or for which the model failed, are left out.

        Waits for its turn if a batch is under way.

        Raises:
            ForecastError: the worker is not ready, died, or ran past its time limit; it is started again by itself.
        """
        async with self._turn:
            worker = self._worker
            if worker is None:
                raise ForecastError(f"the forecast worker is {self._state.value}", self._reason)
            if not requests:
                return []
            self._number += 1
            tasks = tuple(Task(item.series.values, item.steps, item.lower, item.upper) for item in requests)
            self._state = ForecasterState.BUSY
            try:
                async with asyncio.timeout(self._time_limit_s):
                    answer = await worker.ask(Batch(self._number, tasks))
            except asyncio.CancelledError:
                worker.kill("a batch was given up")
                raise
            except TimeoutError:
                worker.kill(f"a batch of {len(tasks)} took longer than {self._time_limit_s:g} s")
                raise ForecastError("the forecast worker hung", "it is started again") from None
            finally:
                # A lost worker is not ready: it stays busy until its end is noticed.
                if self._worker is worker and self._state is ForecasterState.BUSY and not worker.is_lost:
                    self._state = ForecasterState.READY
            made = [_forecast(asked, bands) for asked, bands in zip(requests, answer.bands, strict=True) if bands]
            self._made += len(made)
            self._failed += answer.failed
            self._ms_per_series = 1000.0 * answer.seconds / len(tasks)
            return made

    async def close(self) -> None:
        """End the worker and stop starting it. Safe to call twice."""
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            keeper.cancel()
            await asyncio.wait([keeper])
        self._state, self._reason = ForecasterState.OFF, "closed"

    async def _keep(self) -> None:
        """Keep a worker running until cancelled."""
        pause = FIRST_PAUSE_S
        while True:
            self._state = ForecasterState.STARTING
            started = time.monotonic()
            try:
                self._reason = await self._run_one()
            except Exception as error:
                log.exception("the forecast worker could not be kept")
                self._reason = f"unexpected: {error!r}"
            self._state = ForecasterState.DIED
            log.warning("the forecast worker died: %s", self._reason)
            if time.monotonic() - started >= STABLE_S:
                pause = FIRST_PAUSE_S
            await asyncio.sleep(pause)
            pause = min(2.0 * pause, LONGEST_PAUSE_S)
            self._restarts += 1

    async def _run_one(self) -> str:
        """Run one worker to its end; returns why it ended."""
        spawning = asyncio.ensure_future(Worker.spawn(self._command))
        try:
            worker = await asyncio.shield(spawning)
        except OSError as error:
            return f"it could not be started: {error}"
        except asyncio.CancelledError:  # a process half started would be left behind
            with contextlib.suppress(OSError):
                await (await spawning).close()
            raise
        try:
            async with asyncio.timeout(START_LIMIT_S):
                await worker.ready()
            self._worker = worker
            self._state, self._reason = ForecasterState.READY, ""
            return await worker.ended()
        except TimeoutError:
            return f"it was not ready after {START_LIMIT_S:g} s"
        except ForecastError as error:
            return error.cause
        finally:
            self._worker = None
            await worker.close()


def _forecast(asked: ForecastRequest, bands: Bands) -> Forecast:
    """Bands as a forecast: put at their place in time, with the threshold's crossing."""
    series = asked.series
    at = max(number for number, value in enumerate(series.values) if value is not None and math.isfinite(value))
    origin_unix_s, last = series.t_unix_s[at], series.values[at]
    eta = None
    if asked.threshold is not None and last is not None:
        eta = eta_of(
            last=last,
            mean=bands.mean,
            lo80=bands.lo80,
            hi80=bands.hi80,
            threshold=asked.threshold,
            is_rising_bad=asked.is_rising_bad,
            origin_unix_s=origin_unix_s,
            step_s=series.step_s,
        )
    return Forecast(
        key=series.key,
        origin_unix_s=origin_unix_s,
        step_s=series.step_s,
        mean=bands.mean,
        lo80=bands.lo80,
        hi80=bands.hi80,
        lo95=bands.lo95,
        hi95=bands.hi95,
        model=bands.model,
        eta=eta,
    )
