"""One worker process and the pipes to it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Self

import msgspec

import leptontui
from leptontui.errors import ForecastError
from leptontui.forecast.protocol import MAX_FRAME_BYTES, PREFIX, Answer, Batch, Start, framed

log = logging.getLogger(__name__)

END_LIMIT_S: Final = 0.5
"""How long a worker whose stdin was closed may take to end by itself."""

_COMMAND: Final = (sys.executable, "-P", "-m", "leptontui.forecast.worker")
_ONE_THREAD: Final = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""One series at a time is small work: threads would only take turns with the program's."""
_decoder = msgspec.msgpack.Decoder(Answer)


class Worker:
    """A running worker. Made by `spawn`; ended by `close`."""

    def __init__(self, process: Process) -> None:
        assert process.stdin is not None  # noqa: S101 — spawned with pipes
        assert process.stdout is not None  # noqa: S101 — likewise
        assert process.stderr is not None  # noqa: S101 — likewise
        self._process = process
        self._stdin, self._stdout = process.stdin, process.stdout
        self._drain = asyncio.get_running_loop().create_task(_log_lines(process.stderr), name="forecast worker log")
        self._reason = ""

    @classmethod
    async def spawn(cls, command: Sequence[str] | None = None) -> Self:
        """Start a worker in a session of its own: a Ctrl-C at the terminal is not for it.

        Raises:
            OSError: it cannot be started.
        """
        root = str(Path(leptontui.__file__).parent.parent)
        path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
        environment = {**os.environ, **_ONE_THREAD, "PYTHONPATH": path}
        process = await asyncio.create_subprocess_exec(
            *(command or _COMMAND), stdin=PIPE, stdout=PIPE, stderr=PIPE, env=environment, start_new_session=True
        )
        return cls(process)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def is_lost(self) -> bool:
        """Whether it has ended, was killed, or cannot be written to any more."""
        return bool(self._reason) or self._process.returncode is not None or self._stdin.is_closing()

    async def ready(self, start: Start) -> str:
        """Tell it how to start and wait until it has loaded its libraries; returns what the user should know.

        Raises:
            ForecastError: it died before.
        """
        try:
            self._stdin.write(framed(start))
            await self._stdin.drain()
        except OSError:
            raise ForecastError(f"the forecast worker died: {await self.ended()}", "it is started again") from None
        return (await self._answer()).words

    async def ask(self, batch: Batch) -> Answer:
        """Send a batch and wait for its answer. If that is given up the worker has to be killed: half is read.

        Raises:
            ForecastError: it died or said something that is no answer.
        """
        try:
            self._stdin.write(framed(batch))
            await self._stdin.drain()
        except ValueError as error:
            raise ForecastError(f"too much to forecast at once: {error}") from error
        except OSError as error:
            raise ForecastError(f"the forecast worker died: {error}", "it is started again") from error
        answer = await self._answer()
        if answer.number != batch.number or len(answer.told) != len(batch.tasks):
            self.kill("it answered something else than what it was asked")
            raise ForecastError("the forecast worker answered something else than what it was asked")
        return answer

    async def ended(self) -> str:
        """Wait until it has ended; returns why."""
        status = await self._process.wait()
        if self._reason:
            return self._reason
        return f"signal {-status} ended it" if status < 0 else f"it ended with status {status}"

    def kill(self, reason: str) -> None:
        """Kill it."""
        self._reason = self._reason or reason
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    async def close(self) -> None:
        """End it: by closing its stdin, and if that does not help soon by killing it."""
        self._stdin.close()
        try:
            async with asyncio.timeout(END_LIMIT_S):
                await self._process.wait()
        except TimeoutError:
            self.kill("it did not end by itself")
            await self._process.wait()
        finally:
            self.kill("closed")
            self._drain.cancel()

    async def _answer(self) -> Answer:
        try:
            (length,) = PREFIX.unpack(await self._stdout.readexactly(PREFIX.size))
            if length > MAX_FRAME_BYTES:
                raise ForecastError(f"the forecast worker answered {length} bytes")
            return _decoder.decode(await self._stdout.readexactly(length))
        except asyncio.IncompleteReadError:
            raise ForecastError(f"the forecast worker died: {await self.ended()}", "it is started again") from None
        except msgspec.MsgspecError as error:
            self.kill("it said something that is no answer")
            raise ForecastError("the forecast worker said something that is no answer") from error


async def _log_lines(stream: asyncio.StreamReader) -> None:
    """Log what a worker writes to stderr, so that its pipe never fills up."""
    while chunk := await stream.read(4096):
        log.info("forecast worker: %s", chunk.decode("utf-8", "replace").rstrip())
