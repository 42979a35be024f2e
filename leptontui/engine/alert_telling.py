"""Telling people of alerts, in the one instance that does: begun and ended with its lease."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

from leptontui.model.alert import AlertGroup, NotifierStatus
from leptontui.model.alert_history import Transition

_LOG = logging.getLogger(__name__)


class Notifications(Protocol):
    """Ways of telling people; see `alerts.notify.notifications.Notifications`."""

    def offer(self, groups: tuple[AlertGroup, ...], transitions: tuple[Transition, ...], now: float) -> None:
        """Take the whole board; returns at once."""

    def statuses(self) -> tuple[NotifierStatus, ...]:
        """How each does."""

    async def run(self) -> None:
        """Deliver until cancelled."""


Make = Callable[[str, Callable[[str], None]], Notifications]
"""Makes them from what was remembered, and with whom to give what is to be remembered."""


class Telling:
    """Runs the notifications while this instance holds the lease.

    Args:
        make: see `Make`.

    Attributes:
        keep: called with what is to be remembered over a restart.
    """

    def __init__(self, make: Make) -> None:
        self._make = make
        self._notifications: Notifications | None = None
        self._task: asyncio.Task[None] | None = None
        self.keep: Callable[[str], None] = lambda _: None

    def statuses(self) -> tuple[NotifierStatus, ...]:
        """How each way of telling does; nothing while another instance tells people."""
        return () if self._notifications is None else self._notifications.statuses()

    async def tell(
        self,
        groups: tuple[AlertGroup, ...],
        transitions: tuple[Transition, ...],
        now: float,
        *,
        is_keeper: bool,
        memory: str,
    ) -> None:
        """Offer the whole board, if this instance tells people.

        Args:
            groups: everything that fires or pends.
            transitions: what happened since the last call.
            now: unix seconds.
            is_keeper: whether this instance tells people now.
            memory: what was remembered of what people were told.
        """
        if not is_keeper:
            await self.stop()
            return
        if self._task is not None and self._task.done():  # it failed, which the log tells
            await self.stop()
        if self._notifications is None:
            self._notifications = self._make(memory, self.keep)
            self._task = asyncio.create_task(self._run(self._notifications))
        self._notifications.offer(groups, transitions, now)

    async def stop(self) -> None:
        """Tell nobody any more."""
        task, self._task, self._notifications = self._task, None, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    @staticmethod
    async def _run(notifications: Notifications) -> None:
        try:
            await notifications.run()
        except Exception:  # noqa: BLE001 — the task's boundary: alerts go on
            _LOG.exception("the notifiers failed")
