"""The dialog that acknowledges alerts: which, and why if one likes to say; then somebody looks after them."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Label

from leptontui.model.alert import Alert
from leptontui.model.text import plain
from leptontui.ports import AlertPort
from leptontui.render.alert_words import sign_of
from leptontui.render.cells import Piece
from leptontui.ui.screens.settled import SETTLE_S, ListedLines, SettledDialog
from leptontui.ui.widgets.plan_inputs import SettledInput
from leptontui.view.alert_places import apart


class AcknowledgeScreen(SettledDialog[int]):
    """Returns how many alerts were not acknowledged before; None if it was left alone.

    Args:
        alerts: takes the acknowledgement.
        chosen: what is acknowledged, each with where it is: exactly these, whatever fires in the meantime.
        settle_s: keys count only after so long.
    """

    def __init__(self, alerts: AlertPort, chosen: Sequence[tuple[Alert, str]], *, settle_s: float = SETTLE_S) -> None:
        super().__init__(settle_s=settle_s)
        self._alerts = alerts
        self._chosen = tuple(chosen)

    def compose(self) -> ComposeResult:
        """Which, why, what the keys do."""
        count = len(self._chosen)
        words = "this alert: you look after it" if count == 1 else f"these {count} alerts: you look after them"
        clears = "it clears" if count == 1 else "they clear"
        with Vertical(id="dialog-box"):
            yield Label(f"Acknowledge {words}, nobody is told again until {clears}", id="dialog-title", markup=False)
            yield ListedLines(alert_lines(self._chosen))
            with Horizontal(classes="dialog-row"):
                yield Label("why", classes="dialog-label")
                yield SettledInput(placeholder="may be left empty", id="dialog-why", compact=True, max_length=300)
            yield Label("", id="dialog-said", markup=False)
            yield Label("enter: acknowledge   esc: leave it alone", id="dialog-keys", markup=False)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Acknowledge."""
        event.stop()
        if self.is_settled:
            ids = tuple(alert.id for alert, _ in self._chosen)
            why = plain(event.value, 300)
            self.begin(lambda: self._alerts.acknowledge(ids, why), "writing it down …")


def alert_lines(chosen: Sequence[tuple[Alert, str]]) -> list[tuple[Piece, ...]]:
    """One line per alert: sign, where, what."""
    lines: list[tuple[Piece, ...]] = []
    for alert, where in chosen:
        glyph, role = sign_of(alert.level, is_predictive=alert.is_predictive)
        lines.append(
            (
                Piece(f"{glyph} ", role),
                Piece(f"{where}  "),
                Piece(apart(plain(alert.summary), where, plain(alert.subject.host, 60)), "dim"),
            )
        )
    return lines
