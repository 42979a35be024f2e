"""What the program and its forecast worker say to each other: length-prefixed msgpack over pipes."""

from __future__ import annotations

import struct
from typing import Final

import msgspec

MAX_FRAME_BYTES: Final = 1 << 27
"""A longer frame is not ours: what was learned of ten thousand series takes some ten MiB."""

PREFIX: Final = struct.Struct(">I")
"""Every frame starts with its length."""

EDGES: Final = ("mean", "lo80", "hi80", "lo95", "hi95")
"""In which order a forecast's five lines are told."""


class Start(msgspec.Struct, frozen=True, array_like=True):
    """The first thing a worker is told.

    Attributes:
        learned: what an earlier worker had learned, as it said it; empty for none.
        is_neural: whether the neural member is wanted.
    """

    learned: bytes = b""
    is_neural: bool = False


class Task(msgspec.Struct, frozen=True, array_like=True):
    """One series to forecast.

    Attributes:
        key: identity of the series and its step.
        metric: what it learns together with, of one step only.
        values: closed buckets, oldest first, NaN for missing: 32-bit floats in the machine's order.
        end_unix_s: end of the last bucket.
        step_s: width of a bucket.
        lower, upper: physical bounds, None for none.
        threshold: whose crossing is asked for, None for none.
        is_rising_bad: whether it is crossed upward.
        steps: how many to forecast.
        told: which of them to tell, counted from 1; empty for all.
        is_heavy: whether costly models may be fitted.
    """

    key: str
    metric: str
    values: bytes
    end_unix_s: float
    step_s: float
    lower: float | None
    upper: float | None
    threshold: float | None
    is_rising_bad: bool
    steps: int
    told: tuple[int, ...] = ()
    is_heavy: bool = False


class Batch(msgspec.Struct, frozen=True, array_like=True):
    """Series to forecast; the answer carries the same number.

    `wants_learned`: the answer is to carry what was learned so far. `forget_before_unix_s`: series not seen since
    are to be forgotten; None for no such time.
    """

    number: int
    tasks: tuple[Task, ...]
    wants_learned: bool = False
    forget_before_unix_s: float | None = None


class Score(msgspec.Struct, frozen=True, array_like=True):
    """How such forecasts came out so far; see `leptontui.model.series.ForecastTrack`."""

    steps: int
    scored: int
    coverage80: float
    coverage95: float
    relative_error: float | None


class Told(msgspec.Struct, frozen=True, array_like=True):
    """A forecast.

    Attributes:
        edges: the five lines of `EDGES` one after the other, at the steps asked for: 64-bit floats.
        model: what computed it.
        fallback: why no model did, "" if one did.
        last: the last value it has seen.
        eta: expected, earliest and latest crossing of the threshold in unix seconds; None if none is foreseen.
        score: None before the first was scored.
        past_steps: length of the stretch it was made from.
    """

    edges: bytes
    model: str
    fallback: str
    last: float | None
    eta: tuple[float | None, float, float | None] | None
    score: Score | None
    past_steps: int


class Answer(msgspec.Struct, frozen=True, array_like=True):
    """Forecasts in the order of the batch; None where nothing could be said.

    The worker's first answer has number 0: it is ready; `words` says what is wrong with what it was told at the start.

    Attributes:
        number: the batch's.
        told: shape of the batch's tasks.
        seconds: CPU time it took.
        failed: models that failed.
        learned: what was learned so far, if that was asked for.
        words: what the user should know, "" for nothing.
    """

    number: int
    told: tuple[Told | None, ...] = ()
    seconds: float = 0.0
    failed: int = 0
    learned: bytes = b""
    words: str = ""


def framed(message: Start | Batch | Answer) -> bytes:
    """A message as it is sent.

    Raises:
        ValueError: it is longer than `MAX_FRAME_BYTES`.
    """
    body = msgspec.msgpack.encode(message)
    if len(body) > MAX_FRAME_BYTES:
        raise ValueError(f"a frame of {len(body)} bytes; the limit is {MAX_FRAME_BYTES}")
    return PREFIX.pack(len(body)) + body
