"""What a login asks of the user: through whom, and what becomes of a login whose question is not answered."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Protocol, Self

from leptontui.errors import LinkError
from leptontui.model.link import Fault, FaultKind
from leptontui.model.question import Question


class Asker(Protocol):
    """Puts questions to the user."""

    async def ask(self, question: Question) -> str | None:
        """Ask, and wait for the answer as long as it takes; None if it was declined.

        Questions of the same id are one question, however many ask it: each says in `hosts` which host waits.
        Cancelling takes that host's question back.
        """


def not_given(what: str, mend: str) -> LinkError:
    """The refusal of a login that `what` was not given for."""
    return LinkError(Fault(FaultKind.SECRET_NEEDED, f"{what} was not given", mend))


class Deadline:
    """Time for a login, which stands still while the user is asked.

    Args:
        seconds: how long the login may take, questions not counted.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._timeout = asyncio.timeout(seconds)
        self._pauses = 0
        self._left_s = seconds

    async def __aenter__(self) -> Self:
        await self._timeout.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._timeout.__aexit__(kind, error, trace)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Let the time stand still."""
        now = asyncio.get_running_loop().time
        if self._pauses == 0:
            self._left_s = max(0.0, (self._timeout.when() or now()) - now())
            self._move(None)
        self._pauses += 1
        try:
            yield
        finally:
            self._pauses -= 1
            if self._pauses == 0:
                self._move(now() + self._left_s)

    def _move(self, when: float | None) -> None:
        if not self._timeout.expired():
            try:
                self._timeout.reschedule(when)
            except RuntimeError:  # the login is over already
                return
