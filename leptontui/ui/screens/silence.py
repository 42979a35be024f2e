"""The dialog that makes a silence: what matches, for how long, why; how many alerts match is told as it is typed."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import Final

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.timer import Timer
from textual.widgets import Input, Label

from leptontui.errors import LeptonError
from leptontui.model.alert import Alert, Silence
from leptontui.model.text import plain
from leptontui.ports import AlertPort
from leptontui.render.alert_words import clock
from leptontui.ui.screens.settled import SETTLE_S, SettledDialog
from leptontui.ui.widgets.plan_inputs import SettledInput
from leptontui.view.lasting import CHOICES, lasting
from leptontui.view.matcher_text import matchers_for, parse_matchers, written

_LOG = logging.getLogger(__name__)
_DEFAULT: Final = CHOICES[1]
_PAUSE_S: Final = 0.15
"""So long after the last letter it is asked how many alerts match."""


class SilenceScreen(SettledDialog[Silence]):
    """Returns the silence; None if none was made.

    Args:
        alerts: takes the silence.
        chosen: the alerts it is made for: their shared labels are filled in.
        clock: tells the time in unix seconds.
        settle_s: keys count only after so long.
    """

    def __init__(
        self,
        alerts: AlertPort,
        chosen: Sequence[Alert],
        *,
        clock: Callable[[], float] = time.time,
        settle_s: float = SETTLE_S,
    ) -> None:
        super().__init__(settle_s=settle_s)
        self._alerts = alerts
        self._chosen = tuple(chosen)
        self._clock = clock
        self._pause: Timer | None = None
        self._trouble = ""

    def compose(self) -> ComposeResult:
        """What, how long, why; how many match; what the keys do."""
        with Vertical(id="dialog-box"):
            yield Label("Silence: shown all the same, but told to nobody", id="dialog-title", markup=False)
            with Horizontal(classes="dialog-row"):
                yield Label("what", classes="dialog-label")
                text = written(matchers_for(self._chosen))
                yield SettledInput(text, id="dialog-matchers", compact=True, max_length=800, select_on_focus=False)
            yield Label("", id="dialog-count", markup=False)
            with Horizontal(classes="dialog-row"):
                yield Label("how long", classes="dialog-label")
                yield SettledInput(_DEFAULT, id="dialog-lasts", compact=True, max_length=40)
            yield Label("", id="dialog-until", markup=False)
            with Horizontal(classes="dialog-row"):
                yield Label("why", classes="dialog-label")
                yield SettledInput(placeholder="has to be said", id="dialog-why", compact=True, max_length=300)
            yield Label("", id="dialog-said", markup=False)
            yield Label(
                "tab: next field   enter: silence   esc: leave it alone",
                id="dialog-keys",
                markup=False,
            )

    def on_mount(self) -> None:
        """What is wanted first is why."""
        super().on_mount()
        self.query_one("#dialog-why", Input).focus()
        self.set_interval(1.0, self._draw_until)
        self._draw_until()
        self._count()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Say at once what it means."""
        event.stop()
        if not self._is_asking:
            self.say("")
        if event.input.id == "dialog-lasts":
            self._draw_until()
        elif event.input.id == "dialog-matchers":
            if self._pause is not None:
                self._pause.stop()
            self._pause = self.set_timer(_PAUSE_S, self._count)

    def on_key(self, event: events.Key) -> None:
        """Up and down go through the usual durations."""
        if self.is_early(event) or event.key not in {"up", "down"}:
            return
        field = self.query_one("#dialog-lasts", Input)
        if self.focused is field:
            event.stop()
            at = CHOICES.index(field.value) if field.value in CHOICES else -1
            step = 1 if event.key == "down" else -1
            field.value = CHOICES[(at + step) % len(CHOICES)]
            field.cursor_position = len(field.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Make it, if all is said."""
        event.stop()
        if not self.is_settled:
            return
        typed = parse_matchers(self.query_one("#dialog-matchers", Input).value)
        lasts = lasting(self.query_one("#dialog-lasts", Input).value, self._clock())
        why = plain(self.query_one("#dialog-why", Input).value, 300)
        wrong = [("dialog-matchers", typed.error), ("dialog-lasts", lasts.error)]
        wrong.append(("dialog-why", "" if why else "say why: whoever finds it silent will want to know"))
        for name, words in wrong:
            if words:
                self.say(f"✖ {words}")
                self.query_one(f"#{name}", Input).focus()
                return
        self.begin(lambda: self._alerts.silence(typed.matchers, lasts.seconds, why), "writing it down …")

    def _draw_until(self) -> None:
        """Until when it would hold."""
        now = self._clock()
        lasts = lasting(self.query_one("#dialog-lasts", Input).value, now)
        words = (
            f"▲ {lasts.error}"
            if lasts.error
            else f"until {clock(now + lasts.seconds, now)}      ↑↓ {', '.join(CHOICES)}"
        )
        label = self.query_one("#dialog-until", Label)
        label.update(words)
        label.set_classes("-warning" if lasts.error else "-dim")

    def _count(self) -> None:
        """Ask how many alerts it would hold now."""
        typed = parse_matchers(self.query_one("#dialog-matchers", Input).value)
        if typed.error:
            self._tell_count(f"▲ {typed.error}", is_wrong=True)
            return

        async def ask() -> None:
            try:
                number = await self._alerts.matching(typed.matchers)
            except LeptonError as error:
                self._tell_count(f"▲ {plain(str(error), 200)}", is_wrong=True)
            except Exception as error:  # noqa: BLE001 — the boundary of a task: logged and shown
                _LOG.exception("counting what a silence would hold failed")
                self._tell_count(f"▲ cannot be counted: {plain(str(error), 160)}", is_wrong=True)
            else:
                self._tell_count(
                    f"matches {number} alert{'' if number == 1 else 's'} now" if number else "matches no alert now"
                )

        self.run_worker(ask(), group="counting", exclusive=True, exit_on_error=False)

    def _tell_count(self, words: str, *, is_wrong: bool = False) -> None:
        label = self.query_one("#dialog-count", Label)
        label.update(words)
        label.set_classes("-warning" if is_wrong else "-dim")
