"""Looks after alerts for a user: acknowledges, silences, searches the history, reports a shift."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from leptontui.alerts.care import acknowledgement
from leptontui.alerts.cares import Acknowledged, Silenced, Unacknowledged, Unsilenced
from leptontui.alerts.report import Shift, make_report
from leptontui.alerts.report_text import markdown_of
from leptontui.alerts.silences import check_matchers, make_silence, matches
from leptontui.engine.alerting import Alerting
from leptontui.model.alert import AlertState, Matcher, Silence
from leptontui.model.alert_history import HistoryQuery, Transition

MOST_REPORTED = 20_000


class AlertDesk:
    """Implements `ports.AlertPort` on the engine's loop.

    Args:
        alerting: the fleet's alerts.
        who: the user's name.
        fleet: the fleet's name, for reports.
        clock: unix time.
    """

    def __init__(self, alerting: Alerting, *, who: str, fleet: str, clock: Callable[[], float] = time.time) -> None:
        self._alerting, self._who, self._fleet, self._clock = alerting, who, fleet, clock

    async def acknowledge(self, alert_ids: Sequence[str], why: str) -> int:
        """See `ports.AlertPort.acknowledge`. It holds here even if it cannot be kept.

        Raises:
            AlertError: it cannot be kept.
        """
        state = self._alerting.course.state
        given = acknowledgement(self._who, why, self._clock())
        new = {
            known: given
            for known in dict.fromkeys(alert_ids)
            if (alert := state.firing(known)) is not None and alert.acknowledgement is None
        }
        if new:
            written = self._alerting.shelf.say(Acknowledged(new))
            await self._alerting.look_after()
            await self._alerting.shelf.kept(written)
        return len(new)

    async def unacknowledge(self, alert_ids: Sequence[str]) -> int:
        """See `ports.AlertPort.unacknowledge`.

        Raises:
            AlertError: it cannot be kept.
        """
        state = self._alerting.course.state
        known = [
            one
            for one in dict.fromkeys(alert_ids)
            if (alert := state.firing(one)) is not None and alert.acknowledgement is not None
        ]
        if known:
            written = self._alerting.shelf.say(Unacknowledged(tuple(known)))
            await self._alerting.look_after()
            await self._alerting.shelf.kept(written)
        return len(known)

    async def silence(self, matchers: Sequence[Matcher], lasts_s: float, why: str) -> Silence:
        """See `ports.AlertPort.silence`.

        Raises:
            AlertError: it cannot be meant, or it cannot be kept.
        """
        made = make_silence(matchers, now_unix_s=self._clock(), lasts_s=lasts_s, who=self._who, why=why)
        written = self._alerting.shelf.say(Silenced(made))
        await self._alerting.look_after()
        await self._alerting.shelf.kept(written)
        return made

    async def matching(self, matchers: Sequence[Matcher]) -> int:
        """See `ports.AlertPort.matching`.

        Raises:
            AlertError: a silence of these would be refused.
        """
        check_matchers(matchers)
        return sum(matches(matchers, alert.labels) for alert in self._alerting.course.state.alerts)

    async def unsilence(self, silence_id: str) -> None:
        """See `ports.AlertPort.unsilence`.

        Raises:
            AlertError: it cannot be kept.
        """
        if any(silence.id == silence_id for silence in self._alerting.shelf.shared.silences):
            written = self._alerting.shelf.say(Unsilenced(silence_id))
            await self._alerting.look_after()
            await self._alerting.shelf.kept(written)

    async def history(self, query: HistoryQuery) -> tuple[Transition, ...]:
        """See `ports.AlertPort.history`.

        Raises:
            AlertError: it cannot be read.
        """
        return await self._alerting.shelf.history(query)

    async def report(self, since_unix_s: float) -> str:
        """See `ports.AlertPort.report`.

        Raises:
            AlertError: the history cannot be read.
        """
        told = await self._alerting.shelf.history(HistoryQuery(since_unix_s=since_unix_s, limit=MOST_REPORTED))
        course = self._alerting.course
        open_now = [alert for alert in course.state.alerts if alert.state is AlertState.FIRING]
        shift = Shift(self._fleet, since_unix_s, self._clock(), told, open_now, course.board.predictions)
        return markdown_of(make_report(shift))
