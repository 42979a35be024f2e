"""The forecast worker's process: reads batches from stdin, writes answers to stdout, ends when its stdin does."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, BinaryIO, Final, Protocol

import msgspec

from leptontui.forecast.protocol import MAX_FRAME_BYTES, PREFIX, Answer, Batch, Start, Task, Told, framed
from leptontui.model.text import plain

if TYPE_CHECKING:
    from collections.abc import Callable

NICENESS: Final = 10
"""A forecast may wait; a sample and a keystroke may not."""

_WARM_UP: Final = 40


class Learning(Protocol):
    """What forecasts: `leptontui.forecast.learner.Learner`."""

    @property
    def failed(self) -> int:
        """How many models have failed so far."""

    def answer(self, task: Task) -> Told | None:
        """Forecast one series."""

    def forget(self, before_unix_s: float) -> None:
        """Forget series that were not seen since."""

    def learned(self) -> bytes:
        """What was learned so far."""


def main() -> None:
    """Serve batches until stdin ends."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints must not look like an answer
    os.nice(NICENESS)
    try:
        body = _frame(sys.stdin.buffer)
        if body is None:
            return
        learning, words = _learning(msgspec.msgpack.decode(body, type=Start))
        _send(answers, Answer(0, words=words))
        serve(sys.stdin.buffer, answers, learning)
    except BrokenPipeError:
        os._exit(0)  # the program is gone: nobody is left to tell, and flushing again would raise again


def serve(
    batches: BinaryIO, answers: BinaryIO, learning: Learning, clock: Callable[[], float] = time.process_time
) -> None:
    """Answer every batch, in order.

    Args:
        batches: where they come from.
        answers: where answers go.
        learning: forecasts, and learns from what came.
        clock: CPU seconds of this process.
    """
    decoder = msgspec.msgpack.Decoder(Batch)
    while (body := _frame(batches)) is not None:
        batch = decoder.decode(body)
        started, failed = clock(), learning.failed
        answered = [_answered(learning, task) for task in batch.tasks]
        told = tuple(item for item, _ in answered)
        broken = sum(is_broken for _, is_broken in answered)
        if batch.forget_before_unix_s is not None:
            learning.forget(batch.forget_before_unix_s)
        learned = learning.learned() if batch.wants_learned else b""
        _send(answers, Answer(batch.number, told, clock() - started, learning.failed - failed + broken, learned))


def _answered(learning: Learning, task: Task) -> tuple[Told | None, bool]:
    """What is told of one series, and whether its forecast broke: what a host says must not end all forecasts."""
    try:
        return learning.answer(task), False
    except Exception as error:  # noqa: BLE001 — a task's boundary: counted as failed, and told in the program's log
        sys.stderr.write(f"a forecast of {plain(task.metric, 80)} failed: {plain(repr(error))}\n")
        sys.stderr.flush()
        return None, True


def _frame(stream: BinaryIO) -> bytes | None:
    """The next frame's body; None at the end, or where the rest cannot be one."""
    prefix = stream.read(PREFIX.size)
    if len(prefix) < PREFIX.size:
        return None
    (length,) = PREFIX.unpack(prefix)
    if length > MAX_FRAME_BYTES or len(body := stream.read(length)) < length:
        return None
    return body


def _learning(start: Start) -> tuple[Learning, str]:
    """Load the heavy libraries and make what forecasts; with what the user should know, in words."""
    import numpy as np  # noqa: PLC0415 — heavy, and only this process may load what follows

    from leptontui.forecast.learner import Learner, Member  # noqa: PLC0415 — likewise

    values = (np.arange(_WARM_UP, dtype=np.float32) % 7).tobytes()
    warm = Task("", "", values, 400.0, 10.0, None, None, None, is_rising_bad=True, steps=2)
    Learner.started(Start())[0].answer(warm)  # loads what is loaded late
    members: tuple[Member, ...] = ()
    missing = ""
    if start.is_neural:
        from leptontui.forecast.neural import neural_members  # noqa: PLC0415 — only when it is asked for

        members, missing = neural_members()
    learner, words = Learner.started(start, members)
    return learner, "; ".join(filter(None, (words, missing)))


def _send(answers: BinaryIO, answer: Answer) -> None:
    answers.write(framed(answer))
    answers.flush()


if __name__ == "__main__":
    main()
