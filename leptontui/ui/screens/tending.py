"""What the screens about alerts have in common: acknowledging, silencing, planning what is suggested, other screens."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence

from leptontui.errors import LeptonError
from leptontui.model.action import ActionName
from leptontui.model.alert import Alert, Silence
from leptontui.model.series import Entity
from leptontui.model.target import HostTarget
from leptontui.model.text import plain
from leptontui.render.alert_words import clock
from leptontui.ui.messages import ActionAsked
from leptontui.ui.screens.base import SnapshotScreen
from leptontui.view.matcher_text import written

_LOG = logging.getLogger(__name__)
Places = Sequence[tuple[Alert, str]]
"""Alerts, each with where it is, in words."""
OpenHost = Callable[[str, "str | None"], None]
"""Opens a host by name, with the GPU that is chosen at first."""
FindTarget = Callable[[str], "HostTarget | None"]
_ACTIONS = {action.value: action for action in ActionName}


class TendingScreen(SnapshotScreen):
    """A screen whose keys look after alerts. What a key acts on is fixed the moment it is pressed."""

    target: FindTarget
    """A host as the inventory has it."""
    show_host: OpenHost
    """Opens a host's screen."""

    def now_unix_s(self) -> float:
        """The time, as the screen tells it."""
        raise NotImplementedError

    def tended(self) -> None:
        """What was asked for has been done: marks may go."""

    def acknowledge(self, chosen: Places) -> None:
        """Ask why, then say that somebody looks after these."""
        if self.alerts is None or not chosen:
            return
        from leptontui.ui.screens.acknowledge import AcknowledgeScreen  # noqa: PLC0415 — when it is wanted

        def done(count: int | None) -> None:
            if count is not None:
                self.tended()
                self.notify(f"{_alerts(count)} acknowledged until cleared", markup=False)

        self.app.push_screen(AcknowledgeScreen(self.alerts, chosen), done)

    def unacknowledge(self, chosen: Sequence[Alert]) -> None:
        """Take acknowledgements back."""
        taken = [alert.id for alert in chosen if alert.acknowledgement is not None]
        port = self.alerts
        if port is None or not chosen:
            return
        if not taken:
            self.notify("nobody has acknowledged this", markup=False)
            return

        async def ask() -> None:
            count = await port.unacknowledge(taken)
            self.tended()
            self.notify(f"{_alerts(count)}: acknowledgement taken back", markup=False)

        self.attempt(ask(), "taking back an acknowledgement")

    def silence(self, chosen: Sequence[Alert]) -> None:
        """Ask what, how long and why, then tell nobody of it."""
        if self.alerts is None or not chosen:
            return
        from leptontui.ui.screens.silence import SilenceScreen  # noqa: PLC0415 — when it is wanted

        def done(silence: Silence | None) -> None:
            if silence is not None:
                self.tended()
                until = clock(silence.until_unix_s, self.now_unix_s())
                self.notify(f"silent until {until}: {plain(written(silence.matchers), 160)}", markup=False)

        self.app.push_screen(SilenceScreen(self.alerts, chosen, clock=self.now_unix_s), done)

    def plan_for(self, alert: Alert, target: HostTarget | None) -> None:
        """Open the plan of what an alert suggests."""
        action = action_of(alert, target) if self.commands is not None else None
        if action is None:
            self.notify("nothing can be done about this from here", markup=False)
            return
        reason = plain(alert.summary, 120) if action == ActionName.DRAIN else ""
        self.post_message(ActionAsked(action, alert.subject.host, reason, unit_of(alert)))

    def open_history(self, words: str = "") -> None:
        """Search what happened to alerts.

        Args:
            words: what is searched at first.
        """
        if self.alerts is not None:
            from leptontui.ui.screens.history import HistoryScreen  # noqa: PLC0415 — when it is wanted

            self.app.push_screen(
                HistoryScreen(
                    self.source,
                    self.commands,
                    self.alerts,
                    self.show_host,
                    target=self.target,
                    words=words,
                    clock=self.now_unix_s,
                )
            )

    def attempt(self, asking: Awaitable[None], what: str) -> None:
        """Ask the port in the background; why it did not come about is told."""

        async def ask() -> None:
            try:
                await asking
            except LeptonError as error:
                self.notify(plain(str(error), 300), title="Not done", severity="error", markup=False)
            except Exception as error:  # noqa: BLE001 — the boundary of a task: logged and shown
                _LOG.exception("%s failed", what)
                self.notify(plain(f"{what} went wrong: {error}", 300), severity="error", markup=False)

        self.run_worker(ask(), group="tending", exit_on_error=False)


def action_of(alert: Alert, target: HostTarget | None) -> ActionName | None:
    """The action an alert suggests, if it can be carried out on its host; None otherwise."""
    action = _ACTIONS.get(alert.action)
    if action is None or target is None:
        return None
    if action == ActionName.RESTART_UNIT:
        unit = unit_of(alert)
        return action if (unit in target.units if unit else target.units) else None
    return action if target.scheduler else None


def unit_of(alert: Alert) -> str:
    """The systemd unit an alert is about; "" if it is about none."""
    return alert.subject.instance if alert.subject.entity is Entity.UNIT else alert.label("unit")


def _alerts(count: int) -> str:
    return f"{count} alert{'' if count == 1 else 's'}"
