"""The forecaster: a worker process, kept running, asked for one batch at a time. Loads none of the heavy libraries.

What the worker learns is handed to the one that comes after it, and kept in a file where there is one.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import Counter
from collections.abc import Sequence
from typing import Final

from leptontui.errors import ForecastError
from leptontui.forecast.kept import KeptLearning
from leptontui.forecast.process import Worker
from leptontui.forecast.protocol import Answer, Batch, Start
from leptontui.forecast.request import ForecastRequest, Foreseen
from leptontui.model.series import ForecasterState, ForecasterStatus

log = logging.getLogger(__name__)

FIRST_PAUSE_S: Final = 0.5
LONGEST_PAUSE_S: Final = 30.0
"""How long is waited before a dead worker is started again: twice as long each time, at most this."""
START_LIMIT_S: Final = 60.0
"""Loading the libraries takes a second or two; on a cold, busy disk much longer."""
STABLE_S: Final = 60.0
"""A worker that lived so long is started again without waiting long."""
LEARNED_EVERY_S: Final = 60.0
"""How often the worker is asked for what it learned: a death loses no more."""
WRITTEN_EVERY_S: Final = 300.0
"""How often that is written to the file."""
LAST_WORD_S: Final = 1.0
"""How long the worker may take to tell what it learned when the program ends."""
FORGET_AFTER_S: Final = 6 * 3600.0
"""A series not forecast for this long is forgotten; what was learned with it is not."""


class Forecaster:
    """Forecasts series in a worker process that is restarted by itself when it dies or hangs.

    Args:
        time_limit_s: how long a batch may take.
        command: what to run instead of the worker.
        kept: the file that what was learned is kept in; None keeps it only while the program runs.
        is_neural: whether the neural member is wanted.
    """

    def __init__(
        self,
        *,
        time_limit_s: float = 30.0,
        command: Sequence[str] | None = None,
        kept: KeptLearning | None = None,
        is_neural: bool = False,
    ) -> None:
        self._time_limit_s = time_limit_s
        self._command = command
        self._kept = kept
        self._is_neural = is_neural
        self._keeper: asyncio.Task[None] | None = None
        self._worker: Worker | None = None
        self._turn = asyncio.Lock()
        self._number = 0
        self._state, self._reason, self._words = ForecasterState.OFF, "not started", ""
        self._made = self._failed = self._restarts = 0
        self._fallbacks: Counter[str] = Counter()
        self._ms_per_series: float | None = None
        self._learned = b""
        self._learned_at = self._written_at = time.monotonic()
        self.seconds = 0.0
        """CPU seconds that forecasts took so far."""

    @property
    def status(self) -> ForecasterStatus:
        """What the worker is doing."""
        return ForecasterStatus(
            self._state,
            self._reason,
            self._made,
            self._failed,
            self._restarts,
            self._ms_per_series,
            tuple(self._fallbacks.most_common()),
            self._words,
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

    async def forecast(self, requests: Sequence[ForecastRequest]) -> list[Foreseen]:
        """Forecast some series; those of which nothing can be said are left out.

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
            answer = await self._ask(worker, requests)
            made = [Foreseen.of(asked, told) for asked, told in zip(requests, answer.told, strict=True) if told]
            self._made += len(made)
            self._failed += answer.failed
            self._fallbacks.update(found.fallback for found in made if found.fallback)
            self._fallbacks["nothing known"] += len(requests) - len(made)
            self._fallbacks += Counter()  # drops what is zero
            self.seconds += answer.seconds
            self._ms_per_series = 1000.0 * answer.seconds / len(requests)
        await self._keep_learned()
        return made

    async def close(self) -> None:
        """End the worker and stop starting it, having kept what it learned. Safe to call twice."""
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            await self._last_word()
            keeper.cancel()
            await asyncio.wait([keeper])
            await self._write()
        self._state, self._reason = ForecasterState.OFF, "closed"

    async def _ask(self, worker: Worker, requests: Sequence[ForecastRequest]) -> Answer:
        """Ask a batch of the worker; for what it learned, too, when that is due."""
        self._number += 1
        now = time.monotonic()
        wants = now - self._learned_at >= LEARNED_EVERY_S or not requests
        forget = max((asked.end_unix_s for asked in requests), default=0.0) - FORGET_AFTER_S
        tasks = tuple(asked.task() for asked in requests)
        self._state = ForecasterState.BUSY
        try:
            async with asyncio.timeout(self._time_limit_s):
                answer = await worker.ask(Batch(self._number, tasks, wants, forget if wants and requests else None))
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
        if wants:
            self._learned, self._learned_at = answer.learned, now
        return answer

    async def _last_word(self) -> None:
        """What the worker learned since it was last asked."""
        with contextlib.suppress(ForecastError, TimeoutError):
            async with asyncio.timeout(LAST_WORD_S), self._turn:
                if self._worker is not None and not self._worker.is_lost:
                    await self._ask(self._worker, [])

    async def _keep_learned(self) -> None:
        if self._learned_at > self._written_at and time.monotonic() - self._written_at >= WRITTEN_EVERY_S:
            await self._write()

    async def _write(self) -> None:
        self._written_at = time.monotonic()
        if self._kept is not None and self._learned:
            await asyncio.to_thread(self._kept.write, self._learned)

    async def _keep(self) -> None:
        """Keep a worker running until cancelled."""
        pause = FIRST_PAUSE_S
        if self._kept is not None and not self._learned:
            self._learned = await asyncio.to_thread(self._kept.read)
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
                self._words = await worker.ready(Start(self._learned, self._is_neural))
            if self._words:
                log.warning("forecasts: %s", self._words)
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
