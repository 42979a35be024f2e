"""The help screen: keys from the registry, what the signs mean, the filter language, the metrics; `/` searches it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from leptontui.model.action_spec import ActionSpec
from leptontui.render.cells import Piece
from leptontui.render.palette import Palette
from leptontui.ui.commands import Powers, Scope, bindings_of
from leptontui.ui.screens.help_words import HelpRow, HelpSection, help_sections
from leptontui.ui.themes import palette_of
from leptontui.ui.widgets.arming import arming_pieces
from leptontui.ui.widgets.footer import CommandFooter
from leptontui.ui.widgets.search_bar import SearchBar

_LEFT: Final = 20
_TYPING_KEYS: Final = (("enter", "keep"), ("esc", "show all"), ("↓", "to the page"))


class HelpScreen(ModalScreen[None]):
    """What the keys and signs mean, and what the metrics are.

    Args:
        powers: what can be done here: no other key is explained.
        specs: the actions there are.
    """

    AUTO_FOCUS = "#help-body"

    def __init__(self, powers: Powers, specs: Sequence[ActionSpec] = ()) -> None:
        super().__init__()
        self._sections = help_sections(powers, specs)
        self._filter = ""
        self._count = ""
        for one in bindings_of(Scope.HELP, powers):
            self._bindings.bind(one.key, one.action, one.description, show=one.show, priority=one.priority)

    def compose(self) -> ComposeResult:
        """A filter, one long page that scrolls, the keys."""
        yield SearchBar()
        with VerticalScroll(id="help-body", can_focus=True):
            yield Static(id="help-page", markup=False)
        yield CommandFooter(Scope.HELP, Powers())

    def on_mount(self) -> None:
        """Everything, at first; the countdown goes on."""
        self._draw()
        self.set_interval(1.0, self._say_count)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While a text is typed the key that starts a filter is a letter."""
        is_typing = isinstance(self.focused, Input)
        return False if action == "filter" and is_typing else super().check_action(action, parameters)

    def action_filter(self) -> None:
        """Type what is searched."""
        self.query_one(SearchBar).edit()

    def action_leave(self) -> None:
        """Show everything again; then go back."""
        if self._filter:
            self.query_one(SearchBar).clear()
        else:
            self.dismiss()

    def on_search_bar_typed(self, message: SearchBar.Typed) -> None:
        """Search as it is typed."""
        self._filter = message.text
        self.query_one("#help-body", VerticalScroll).scroll_home(animate=False)
        self._draw()

    def on_search_bar_left(self) -> None:
        """Back to the page."""
        self.query_one("#help-body").focus()

    def on_descendant_focus(self) -> None:
        """While a filter is typed the keys mean letters."""
        footer = self.query_one(CommandFooter)
        if isinstance(self.focused, Input):
            footer.show_keys(_TYPING_KEYS)
        else:
            footer.show_commands(without=_ELSEWHERE)

    def _draw(self) -> None:
        palette = palette_of(self.app)
        words = self._filter.lower().split()
        found = [section.having(words) for section in self._sections]
        count = sum(len(section.rows) for section in found)
        page = Table.grid(expand=True)
        for section in found:
            if section.rows:
                page.add_row(Text(f"\n{section.title}", style=palette.style("accent", is_bold=True)))
                page.add_row(_table(palette, section))
        if not count:
            page.add_row(Text(f"\nnothing here speaks of {self._filter}", style=palette.style("dim")))
        self.query_one("#help-page", Static).update(page)
        self._count = f" {count} entries " if words else " / searches "
        self._say_count()

    def _say_count(self) -> None:
        self.query_one(SearchBar).say((Piece(self._count, "dim"), *arming_pieces(self.app)))


_ELSEWHERE: Final = frozenset({"toggle_freeze", "command_palette", "help", "answer", "toggle_armed", "open_activity"})
"""What works everywhere but under the help."""


def _table(palette: Palette, section: HelpSection) -> Table:
    table = Table.grid(padding=(0, 2), expand=True)
    table.add_column(width=_LEFT, no_wrap=True)
    table.add_column(ratio=1)
    for row in section.rows:
        table.add_row(Text(row.left, style=palette.style(row.role)), _words(palette, row))
    return table


def _words(palette: Palette, row: HelpRow) -> Text:
    text = Text(row.words, style=palette.style("text"))
    return text.append(f"  {row.origin}", style=palette.style("dim")) if row.origin else text
