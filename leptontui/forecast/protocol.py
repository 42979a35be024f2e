"""What the program and its forecast worker say to each other: length-prefixed msgpack over pipes."""

from __future__ import annotations

import struct
from typing import Final

import msgspec

MAX_FRAME_BYTES: Final = 1 << 26
"""A longer frame is not ours: ten thousand series of 180 values take 16 MiB."""

PREFIX: Final = struct.Struct(">I")
"""Every frame starts with its length."""


class Task(msgspec.Struct, frozen=True, array_like=True):
    """One series to forecast: values (n,) with None for missing, how many steps, and its physical bounds."""

    values: tuple[float | None, ...]
    steps: int
    lower: float | None
    upper: float | None


class Batch(msgspec.Struct, frozen=True, array_like=True):
    """Series to forecast; the answer carries the same number."""

    number: int
    tasks: tuple[Task, ...]


class Bands(msgspec.Struct, frozen=True, array_like=True):
    """A forecast: point forecast and band edges, shape (steps,) each, and what computed it."""

    mean: tuple[float, ...]
    lo80: tuple[float, ...]
    hi80: tuple[float, ...]
    lo95: tuple[float, ...]
    hi95: tuple[float, ...]
    model: str


class Answer(msgspec.Struct, frozen=True, array_like=True):
    """Forecasts in the order of the batch; None where there is too little to go by or the model failed.

    The worker's first answer has number 0 and no bands: it is ready. `failed` counts models that failed.
    """

    number: int
    bands: tuple[Bands | None, ...] = ()
    failed: int = 0
    seconds: float = 0.0


def framed(message: Batch | Answer) -> bytes:
    """A message as it is sent.

    Raises:
        ValueError: it is longer than `MAX_FRAME_BYTES`.
    """
    body = msgspec.msgpack.encode(message)
    if len(body) > MAX_FRAME_BYTES:
        raise ValueError(f"a frame of {len(body)} bytes; the limit is {MAX_FRAME_BYTES}")
    return PREFIX.pack(len(body)) + body
