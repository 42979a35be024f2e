"""A number and what it counts."""

from __future__ import annotations


def counted(count: int, word: str) -> str:
    """As in "1 host" and "2 hosts", for words that take an "s"."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
