"""The forecast worker's process: reads batches from stdin, writes answers to stdout, ends when its stdin does."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, BinaryIO, Final

import msgspec

from leptontui.forecast.protocol import MAX_FRAME_BYTES, PREFIX, Answer, Bands, Batch, Task, framed

if TYPE_CHECKING:
    from collections.abc import Callable

NICENESS: Final = 10
"""A forecast may wait; a sample and a keystroke may not."""

_WARM_UP: Final = tuple(float(value % 7) for value in range(40))


def main() -> None:
    """Serve batches until stdin ends."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints must not look like an answer
    os.nice(NICENESS)
    forecast = _model()
    forecast(Task(_WARM_UP, 2, None, None))
    try:
        _send(answers, Answer(0))
        serve(sys.stdin.buffer, answers, forecast)
    except BrokenPipeError:
        os._exit(0)  # the program is gone: nobody is left to tell, and flushing again would raise again


def serve(batches: BinaryIO, answers: BinaryIO, forecast: Callable[[Task], tuple[Bands | None, bool]]) -> None:
    """Answer every batch, in order.

    Args:
        batches: where they come from.
        answers: where answers go.
        forecast: gives the bands of one task, and whether the model failed.
    """
    decoder = msgspec.msgpack.Decoder(Batch)
    while len(prefix := batches.read(PREFIX.size)) == PREFIX.size:
        (length,) = PREFIX.unpack(prefix)
        if length > MAX_FRAME_BYTES or len(body := batches.read(length)) < length:
            return
        batch = decoder.decode(body)
        started = time.perf_counter()
        made = [forecast(task) for task in batch.tasks]
        bands = tuple(found for found, _ in made)
        failed = sum(is_failure for _, is_failure in made)
        _send(answers, Answer(batch.number, bands, failed, time.perf_counter() - started))


def _model() -> Callable[[Task], tuple[Bands | None, bool]]:
    """Load the heavy libraries and return what forecasts one task."""
    import numpy as np  # noqa: PLC0415 — heavy, and only this process may load what follows

    from leptontui.forecast.damped import ModelFailedError, forecast_one  # noqa: PLC0415 — likewise

    def forecast(task: Task) -> tuple[Bands | None, bool]:
        try:
            return forecast_one(np.array(task.values, dtype=np.float64), task.steps, task.lower, task.upper), False
        except ModelFailedError:
            return None, True

    return forecast


def _send(answers: BinaryIO, answer: Answer) -> None:
    answers.write(framed(answer))
    answers.flush()


if __name__ == "__main__":
    main()
