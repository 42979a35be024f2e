"""Numbers as people read them: at most three significant digits, binary memory, decimal rates, short ages."""

from __future__ import annotations

import math
from typing import Final

NULL: Final = "–"
"""What stands for a value that is not known."""
GIB: Final = 1 << 30

_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86_400.0


def three(value: float | None) -> str:
    """Three significant digits at most, no exponent below 1,000,000: 98.1, 0.82, 100, 1410 → 1410.

    Numbers of four digits and more keep their integer digits: MHz and counts are read whole.
    """
    if value is None or not math.isfinite(value):
        return NULL
    size = abs(value)
    if size >= 99.95:  # noqa: PLR2004 — rounds to three integer digits
        return str(round(value))
    if size >= 9.995:  # noqa: PLR2004
        return f"{value:.1f}"
    if size < 0.005:  # noqa: PLR2004 — rounds to nothing
        return "0"
    return f"{value:.2f}".rstrip("0").rstrip(".")


def percent(value: float | None) -> str:
    """A percentage with one decimal, except at the top: 0.0, 98.1, 100."""
    if value is None or not math.isfinite(value):
        return NULL
    return "100" if value >= 99.95 else f"{value:.1f}"  # noqa: PLR2004


def whole(value: float | None) -> str:
    """Rounded to an integer."""
    return NULL if value is None or not math.isfinite(value) else str(round(value))


def metric(value: float | None) -> str:
    """With a decimal prefix, three digits: 950, 1.9k, 212M, 1.9G."""
    return (
        NULL if value is None or not math.isfinite(value) else _prefixed(value, 1000.0, ("", "k", "M", "G", "T", "P"))
    )


def binary(value: float | None) -> str:
    """Bytes with a binary prefix, three digits: 512, 74G, 1.5T (KiB, GiB, TiB)."""
    return (
        NULL if value is None or not math.isfinite(value) else _prefixed(value, 1024.0, ("", "K", "M", "G", "T", "P"))
    )


def gib(value: float | None) -> str:
    """Bytes as GiB, without unit."""
    return NULL if value is None or not math.isfinite(value) else _short(value / GIB)


def power(value: float | None) -> str:
    """Watts with their unit: 698 W, 318 kW, 1.2 MW."""
    if value is None or not math.isfinite(value):
        return NULL
    number = metric(value)
    return f"{number[:-1]} {number[-1]}W" if number[-1].isalpha() else f"{number} W"


def age(seconds: float | None) -> str:
    """How old something is: 0.6 s, 42 s, 2 m, 3 h, 4 d. Never less than none: clocks may disagree."""
    if seconds is None or not math.isfinite(seconds):
        return NULL
    seconds = max(0.0, seconds)
    if seconds < 9.95:  # noqa: PLR2004 — rounds to two digits
        return f"{seconds:.1f} s"
    for size, unit, limit in ((1.0, "s", _MINUTE), (_MINUTE, "m", _HOUR), (_HOUR, "h", 2 * _DAY)):
        if seconds < limit:
            return f"{int(seconds / size)} {unit}"
    return f"{int(seconds / _DAY)} d"


def countdown(seconds: float) -> str:
    """Minutes and seconds left: 14:32; never below 0:00."""
    left = max(0, int(seconds))
    return f"{left // 60}:{left % 60:02d}"


def short_model(name: str | None) -> str:
    """A GPU's product name without what every one of them has: "NVIDIA H100 80GB HBM3" → "H100".

    Consumer and workstation names keep the words that tell them apart: "RTX 4090", "RTX 6000 Ada".
    """
    if not name:
        return ""
    words = [word for word in name.split() if word.upper() not in {"NVIDIA", "TESLA", "GEFORCE", "GENERATION", "GPU"}]
    if not words:
        return name
    if words[0] in {"RTX", "GTX", "Quadro", "TITAN", "Graphics"}:
        return " ".join(words[:3])
    return words[0].split("-")[0]


def _short(value: float) -> str:
    """Two digits after the point below 1, one below 10, none above."""
    size = abs(value)
    if size >= 9.95:  # noqa: PLR2004
        return str(round(value))
    if size < 0.05:  # noqa: PLR2004
        return "0"
    return f"{value:.1f}".removesuffix(".0")


def _prefixed(value: float, base: float, prefixes: tuple[str, ...]) -> str:
    size = value
    for prefix in prefixes:
        text = _short(size)
        if abs(float(text)) < (1000 if base == 1000.0 else 1024) or prefix == prefixes[-1]:  # noqa: PLR2004
            return text + prefix
        size /= base
    return text + prefixes[-1]
