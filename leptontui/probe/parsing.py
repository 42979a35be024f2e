"""Numbers and words out of kernel files: what is malformed is None, never an exception and never 0."""

import math

_LARGEST = (1 << 63) - 1


def whole(word):
    """`word` (str or bytes) as an int of at most 64 bits, None if it is not one."""
    try:
        number = int(word)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if -_LARGEST <= number <= _LARGEST else None


def real(word):
    """`word` (str or bytes) as a finite float, None if it is not one."""
    try:
        number = float(word)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def clean(raw, limit=256):
    """`raw` (bytes or str) as printable text of at most `limit` characters."""
    if isinstance(raw, bytes):
        raw = raw[: limit * 4].decode("utf-8", "replace")
    kept = "".join(char if char.isprintable() else " " for char in raw[: limit * 4])
    return kept.strip()[:limit]


def clean_or_none(raw, limit=256):
    """As `clean`, but None for what is None or empty."""
    return (clean(raw, limit) or None) if raw is not None else None
