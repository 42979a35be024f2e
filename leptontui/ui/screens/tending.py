"""What the screens about alerts have in common: acknowledging, silencing, planning what is suggested, other screens."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from leptontui.model.alert import Alert, Silence
from leptontui.model.target import HostTarget
from leptontui.model.text import plain
from leptontui.render.alert_words import clock
from leptontui.ui.messages import OrderPlaced
from leptontui.ui.screens.base import SnapshotScreen
from leptontui.view.matcher_text import written
from leptontui.view.orders import Order
from leptontui.view.suggested import suggestion

Places = Sequence[tuple[Alert, str]]
"""Alerts, each with where it is, in words."""
OpenHost = Callable[[str, "str | None"], None]
"""Opens a host by name, with the GPU that is chosen at first."""
FindTarget = Callable[[str], "HostTarget | None"]


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

    def suggestion(self, alerts: Sequence[Alert]) -> Order | None:
        """What these alerts suggest, if it can be done from here."""
        return suggestion(alerts, self.target, self.commands.specs) if self.commands is not None else None

    def plan_for(self, alerts: Sequence[Alert]) -> None:
        """Open the plan of what these alerts suggest."""
        order = self.suggestion(alerts)
        if order is None:
            self.notify("nothing can be done about this from here", markup=False)
        else:
            self.post_message(OrderPlaced(order))

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


def _alerts(count: int) -> str:
    return f"{count} alert{'' if count == 1 else 's'}"
