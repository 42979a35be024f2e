"""Sparklines: values as a row of blocks between physical bounds; what was not sampled is a blank."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

BLOCKS: Final = "▁▂▃▄▅▆▇█"
GAP: Final = " "


def sparkline(values: Sequence[float | None], lower: float, upper: float) -> str:
    """One block per value.

    Args:
        values: oldest first, None where nothing was sampled, shape (n,).
        lower: the value of the lowest block: a known value is never invisible.
        upper: the value of the full block, which so means "at its bound"; what lies outside is clipped.

    Returns:
        A text of n characters.
    """
    span = upper - lower
    if not span > 0:
        return "".join(GAP if value is None else BLOCKS[0] for value in values)
    top = len(BLOCKS) - 1
    scale = top / span
    return "".join(
        GAP if value is None or not math.isfinite(value) else BLOCKS[min(top, max(0, int((value - lower) * scale)))]
        for value in values
    )


def resample(values: Sequence[float | None], n: int) -> tuple[float | None, ...]:
    """Reduce `values` to `n` means of neighbours; fewer than `n` values are put on the right, after gaps.

    Args:
        values: oldest first, shape (m,).
        n: how many are wanted.

    Returns:
        Shape (n,); None where all neighbours are None.
    """
    m = len(values)
    if m == n:
        return tuple(values)
    if m < n:
        return (None,) * (n - m) + tuple(values)
    edges = [i * m // n for i in range(n + 1)]
    return tuple(_mean(values[start:stop]) for start, stop in pairwise(edges))


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None and math.isfinite(value)]
    return sum(known) / len(known) if known else None
