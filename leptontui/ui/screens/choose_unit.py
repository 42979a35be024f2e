"""A list of units, containers or workloads to choose one from: typing filters, enter chooses, escape chooses none."""

from __future__ import annotations

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Label, OptionList
from textual.widgets.option_list import Option

from leptontui.model.text import plain
from leptontui.ui.widgets.arming import ArmingMark


class ChooseUnitScreen(ModalScreen[str | None]):
    """Returns the chosen unit, exactly as it was given; None if none was chosen.

    Args:
        units: what may be chosen, in the order to show.
        title: what is asked.
    """

    CSS_PATH = "../styles/plan.tcss"
    BINDINGS = [("escape", "leave", "choose none")]  # noqa: RUF012 — Textual reads it from the class

    def __init__(self, units: tuple[str, ...], title: str = "Restart which unit?") -> None:
        super().__init__()
        self._title = title
        self._units = units
        self._matching: tuple[str, ...] = units

    def compose(self) -> ComposeResult:
        """A field to filter by, the list, and what the keys do."""
        with Vertical(id="units-box"):
            with Horizontal(classes="title-row"):
                yield Label(plain(self._title, 120), id="units-title", markup=False)
                yield ArmingMark()
            yield Input(placeholder="type to filter", id="units-filter", compact=True)
            yield OptionList(id="units-list", markup=False)
            yield Label("", id="units-hint", markup=False)

    def on_mount(self) -> None:
        """Everything matches at first."""
        self.query_one(OptionList).can_focus = False
        self._filter("")
        self.query_one(Input).focus()

    def _filter(self, wanted: str) -> None:
        self._matching = tuple(unit for unit in self._units if wanted.casefold() in unit.casefold())
        choices = self.query_one(OptionList)
        choices.clear_options()
        choices.add_options([Option(Text(plain(unit, 100))) for unit in self._matching])
        choices.highlighted = 0 if self._matching else None
        keys = "↑↓ choose   enter: see the plan   esc: leave it alone"
        none = "no unit may be restarted on this host" if not self._units else "no unit matches"
        self.query_one("#units-hint", Label).update(keys if self._matching else f"{none}   esc: leave it alone")

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter as it is typed."""
        event.stop()
        self._filter(event.value.strip())

    def on_key(self, event: events.Key) -> None:
        """The arrows move in the list while the field has the focus."""
        choices = self.query_one(OptionList)
        if event.key in {"up", "down"} and self._matching:
            event.stop()
            choices.action_cursor_up() if event.key == "up" else choices.action_cursor_down()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Choose what is highlighted."""
        event.stop()
        self._choose(self.query_one(OptionList).highlighted)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Choose what was clicked."""
        event.stop()
        self._choose(event.option_index)

    def _choose(self, number: int | None) -> None:
        if number is not None and 0 <= number < len(self._matching):
            self.dismiss(self._matching[number])

    def action_leave(self) -> None:
        """Choose none."""
        self.dismiss(None)
