"""Up, healthy, and still so after a while: what has to be seen of a restarted service before it is called verified."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from leptontui.actions.reach import Reach, Verdict
from leptontui.actions.service_health import WITHIN_S, Health, ask_health
from leptontui.actions.setting import Sleep, Tell
from leptontui.model.target import ServiceSpec
from leptontui.model.text import plain

POLL_S: Final = 2.0
"""Between two looks: a unit that dies and is started anew within it is told by its id."""

_SAY_EVERY: Final = 5


@dataclass(frozen=True, slots=True)
class Look:
    """What is seen of a service at one moment.

    Attributes:
        is_up: whether it runs, and is the same that came up.
        is_ready: whether it says itself that it is ready; a container that is still starting is not.
        said: one line for people.
    """

    is_up: bool
    said: str
    is_ready: bool = True


@dataclass(frozen=True, slots=True)
class Watch:
    """Watches a service that came up.

    Attributes:
        reach: the host.
        name: what it is called, for people.
        watch_s: how long it has to stay up, in seconds.
        service: what is asked for its health, None for nothing.
        sleep: waits for seconds.
        tell: says a line to whoever watches the run.
    """

    reach: Reach
    name: str
    watch_s: float
    service: ServiceSpec | None
    sleep: Sleep
    tell: Tell

    @property
    def words(self) -> str:
        """What is watched for, for a plan."""
        health = "" if self.service is None else f", and {plain(self.service.health or '', 120)} answers 2xx"
        return f"still so after {self.watch_s:g} s{health}"

    async def verdict(self, look: Callable[[], Awaitable[Look]]) -> Verdict:
        """Look again and again until it has stayed up long enough and says that it is well.

        Raises:
            LinkError: the link broke.
            CommandTimeout: no answer in time.
            ActionError: the answer makes no sense.
        """
        watched_s, looks = 0.0, 0
        while True:
            await self.sleep(POLL_S)
            watched_s, looks = watched_s + POLL_S, looks + 1
            seen = await look()
            if not seen.is_up:
                return Verdict(is_so=False, said=f"{self.name} came up and did not stay: {seen.said}")
            is_long_enough = watched_s >= self.watch_s
            health = await self._health() if is_long_enough else None
            is_ill = health is not None and health.is_well is False
            if is_long_enough and seen.is_ready and not is_ill:
                told = f"; {health.said}" if health is not None else ""
                return Verdict(is_so=True, said=f"{self.name} is {seen.said}, up for {watched_s:g} s{told}")
            waits_for = health.said if health is not None and is_ill else seen.said
            if watched_s >= self.watch_s + WITHIN_S:
                return Verdict(is_so=False, said=f"{self.name} is up, but not well after {watched_s:g} s: {waits_for}")
            if looks % _SAY_EVERY == 1:
                until = f"watched for {self.watch_s:g} s" if not is_long_enough else f"waiting for it, {watched_s:g} s"
                self.tell(plain(f"{self.name}: {waits_for}; {until}", 300))

    async def _health(self) -> Health | None:
        return None if self.service is None else await ask_health(self.reach, self.service)
