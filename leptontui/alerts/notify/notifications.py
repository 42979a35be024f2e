"""All notifiers at once: takes boards without ever waiting, tells in tasks of its own, says how each is doing."""

from __future__ import annotations

import asyncio
import logging
import random
import socket
import time
from collections.abc import Callable, Sequence
from typing import Final

from leptontui.alerts.notify.duties import Messages, Mirroring, tell_by
from leptontui.alerts.notify.memory import Memory, read, written
from leptontui.alerts.notify.mirror import Mirror
from leptontui.alerts.notify.spec import NotifierSpec, Way
from leptontui.alerts.notify.teller import FIRST_RETRY_S, LIMIT_S, Teller
from leptontui.alerts.notify.told import Telling
from leptontui.model.alert import AlertGroup, NotifierStatus
from leptontui.model.alert_history import Transition

log = logging.getLogger(__name__)
FAREWELL_S: Final = 1.0
"""What waits when the program ends gets so long to leave."""


_AGAIN_S: Final = 60.0
_FAULT: Final = "a fault of leptontui's own ({}); its log says more"


class Notifications:
    """Tells people and other systems of alerts. To be used from one event loop.

    Args:
        specs: the notifiers.
        memory: what `memory()` said in an earlier run; "" for nothing.
        keep: called with what `memory()` says after each message, on the loop: it must not block.
        clock: unix seconds.
        chance: where jitter comes from.
        limit_s: time limit of one message.
        first_retry_s: bound of the first pause after a failure.
    """

    def __init__(
        self,
        specs: Sequence[NotifierSpec],
        *,
        memory: str = "",
        keep: Callable[[str], None] | None = None,
        clock: Callable[[], float] = time.time,
        chance: random.Random | None = None,
        limit_s: float = LIMIT_S,
        first_retry_s: float = FIRST_RETRY_S,
    ) -> None:
        self._keep = keep
        self._messages: dict[str, Messages] = {}
        self._mirrors: dict[str, Mirroring] = {}
        self._tellers: list[Teller] = []
        remembered = read(memory)
        # Secrets are not what chance is for here.
        chance = chance or random.Random()  # noqa: S311
        origin = socket.gethostname() or "leptontui"
        for spec in specs:
            duty: Messages | Mirroring
            if spec.way is Way.ALERTMANAGER:
                mirror = remembered.mirrors.get(spec.name, Mirror())
                duty = self._mirrors[spec.name] = Mirroring(spec, mirror, origin)
            else:
                telling = remembered.tellings.get(spec.name) or Telling.fresh(spec.policy, clock())
                duty = self._messages[spec.name] = Messages(spec, telling, tell_by(spec, origin))
            self._tellers.append(Teller(spec, duty, clock, chance, self._remember, limit_s, first_retry_s))
        self._statuses = tuple(teller.status for teller in self._tellers)

    def offer(self, groups: Sequence[AlertGroup], transitions: Sequence[Transition], now: float) -> None:
        """Say what fires now. Never waits.

        Args:
            groups: the whole board, with what is acknowledged, silenced, inhibited and pending: what was told and is
                not among what fires has ended.
            transitions: since the last offer; say when alerts ended.
            now: unix seconds.
        """
        for teller in self._tellers:
            try:
                teller.offer(groups, transitions, now)
            except Exception as error:
                log.exception("notifier %s cannot take what fires", teller.spec.name)
                teller.stumble(_FAULT.format(type(error).__name__))

    def statuses(self) -> tuple[NotifierStatus, ...]:
        """How each notifier is doing; the same object as long as nothing changed."""
        current = tuple(teller.status for teller in self._tellers)
        if current != self._statuses:
            self._statuses = current
        return self._statuses

    def memory(self) -> str:
        """What was told, for the next run: text without secrets."""
        return written(
            Memory(
                tellings={name: duty.state for name, duty in self._messages.items()},
                mirrors={name: duty.state for name, duty in self._mirrors.items()},
            )
        )

    async def run(self) -> None:
        """Tell, until cancelled; then what waits gets `FAREWELL_S` to leave."""
        try:
            async with asyncio.TaskGroup() as tasks:
                for teller in self._tellers:
                    tasks.create_task(_guarded(teller), name=f"notify {teller.spec.name}")
                # Without notifiers there is nothing to do, but the caller's task must not end.
                await asyncio.Event().wait()
        except asyncio.CancelledError:
            await self._leave()
            raise

    async def _leave(self) -> None:
        if not self._tellers:
            return
        farewells = (teller.leave(FAREWELL_S) for teller in self._tellers)
        for trouble in await asyncio.gather(*farewells, return_exceptions=True):
            if isinstance(trouble, BaseException):
                log.warning("a notifier could not take its leave: %s", type(trouble).__name__)
        self._remember()

    def _remember(self) -> None:
        if self._keep is not None:
            self._keep(self.memory())


async def _guarded(teller: Teller) -> None:
    """Keep one notifier's fault from stopping the others, and try it again."""
    while True:
        try:
            await teller.run()
        except Exception as error:
            log.exception("notifier %s stopped", teller.spec.name)
            teller.stumble(_FAULT.format(type(error).__name__))
        await asyncio.sleep(_AGAIN_S)
