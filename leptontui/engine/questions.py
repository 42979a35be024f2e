"""What logins wait to be told: each question once, however many hosts wait for its answer."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace

from leptontui.model.question import Question

_SHOWN = 8
"""Names of waiting hosts in a question; all are counted."""


@dataclass(slots=True, eq=False)
class _Open:
    """A question that waits. The answer, a secret, is kept out of every representation."""

    question: Question
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    hosts: list[tuple[str, ...]] = field(default_factory=list)
    text: str | None = field(default=None, repr=False)


class Questions:
    """Collects the questions of all links for the screen, and hands back the answers. Used on the engine's loop."""

    def __init__(self) -> None:
        self._open: dict[str, _Open] = {}

    def questions(self) -> tuple[Question, ...]:
        """What waits to be answered now, oldest first, each with the hosts that wait."""
        return tuple(_shown(entry) for entry in self._open.values())

    async def ask(self, question: Question) -> str | None:
        """Ask, and wait for the answer as long as it takes; None if it was declined.

        Questions of the same id are one question. Cancelling takes this host's question back.
        """
        entry = self._open.get(question.id)
        if entry is None:
            entry = self._open[question.id] = _Open(question)
        entry.hosts.append(question.hosts)
        try:
            await entry.answered.wait()
        finally:
            entry.hosts.remove(question.hosts)
            if not entry.hosts and self._open.get(question.id) is entry:
                del self._open[question.id]
        return entry.text

    def answer(self, question_id: str, text: str | None) -> None:
        """Answer a question; None declines it. One that is not asked, or any more, is ignored."""
        entry = self._open.pop(question_id, None)
        if entry is not None:
            entry.text = text
            entry.answered.set()


def _shown(entry: _Open) -> Question:
    names = list(dict.fromkeys(name for hosts in entry.hosts for name in hosts))
    return replace(entry.question, hosts=tuple(names[:_SHOWN]), waiting=len(names))
