"""What runs say while they run: the last lines of each, readable from any thread."""

from __future__ import annotations

from collections import deque
from typing import Final

from leptontui.model.text import plain

MOST_LINES: Final = 100
_LINE_CHARS: Final = 300


class Voices:
    """The last lines of what is under way, by plan."""

    def __init__(self) -> None:
        self._lines: dict[str, deque[str]] = {}

    def begin(self, plan_id: str) -> None:
        """From now on what is told of this plan is kept."""
        self._lines[plan_id] = deque(maxlen=MOST_LINES)

    def end(self, plan_id: str) -> None:
        """Forget what was told of it."""
        self._lines.pop(plan_id, None)

    def tell(self, plan_id: str, line: str) -> None:
        """Keep a line, cleaned; nothing where the plan is not under way. On the engine's loop only."""
        lines, clean = self._lines.get(plan_id), plain(line, _LINE_CHARS)
        if lines is not None and clean:
            lines.append(clean)

    def said(self, plan_id: str) -> tuple[str, ...]:
        """The last lines; () where it is not under way. Any thread."""
        lines = self._lines.get(plan_id)
        return () if lines is None else tuple(lines.copy())
