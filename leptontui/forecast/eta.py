"""When a forecast crosses a threshold: an interval, never a point alone."""

from __future__ import annotations

from collections.abc import Sequence

from leptontui.model.series import Eta


def eta_of(
    *,
    last: float,
    mean: Sequence[float],
    lo80: Sequence[float],
    hi80: Sequence[float],
    threshold: float,
    is_rising_bad: bool,
    origin_unix_s: float,
    step_s: float,
) -> Eta | None:
    """The crossing of a threshold as an interval.

    The earliest time is where the 80 % band's edge nearer to the threshold crosses it, the latest where the other edge
    does; crossings are interpolated linearly between steps, the first from the last value.

    Args:
        last: the last value seen, at `origin_unix_s`.
        mean: point forecast, shape (h,).
        lo80: lower edge of the 80 % band, shape (h,).
        hi80: upper edge of the 80 % band, shape (h,).
        threshold: in the metric's unit.
        is_rising_bad: whether it is crossed upward.
        origin_unix_s: time of the last value.
        step_s: width of a step.

    Returns:
        None where neither the mean nor the nearer edge crosses, or the last value is already beyond the threshold.
    """
    sign = 1.0 if is_rising_bad else -1.0
    near, far = (hi80, lo80) if is_rising_bad else (lo80, hi80)

    def crossing(path: Sequence[float]) -> float | None:
        steps = _first_crossing([last, *path], threshold, sign)
        return origin_unix_s + steps * step_s if steps is not None else None

    if sign * last >= sign * threshold:
        return None
    expected = crossing(mean)
    earliest = crossing(near)
    if earliest is None:
        earliest = expected
    return Eta(threshold, expected, earliest, crossing(far)) if earliest is not None else None


def _first_crossing(path: Sequence[float], threshold: float, sign: float) -> float | None:
    """Steps until `path` first reaches the threshold; path[0] is not beyond it."""
    for step in range(1, len(path)):
        before, after = sign * (path[step - 1] - threshold), sign * (path[step] - threshold)
        if after >= 0.0:
            return step - 1 + (before / (before - after) if before < after else 0.0)
    return None
