"""The menu of what can be done to the chosen hosts: typing filters, enter goes on to the plan; nothing is run here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Label

from leptontui.model.action import Danger
from leptontui.model.action_spec import ActionSpec
from leptontui.model.activity import RunbookEntry
from leptontui.model.text import plain
from leptontui.render.cells import Piece, fit
from leptontui.ui.screens.listing import wrapped
from leptontui.ui.widgets.arming import ArmingMark
from leptontui.ui.widgets.row_list import Heading, RowList
from leptontui.ui.widgets.said import SaidLines
from leptontui.view.offers import Offer

_ROLES: Final = {Danger.HARMLESS: "well", Danger.DISRUPTIVE: "warning", Danger.DESTRUCTIVE: "critical"}
_VERB: Final = 18
_DANGER: Final = 12
_MOST_HOSTS: Final = 3
_FEW_ROWS: Final = 30
_REST: Final = 10
"""Rows of the dialog besides the list and what is said of its entry."""
Entry = Offer | RunbookEntry


class AboutAction(SaidLines):
    """All about the entry under the cursor."""

    ON = "surface"


class MenuList(RowList[Entry]):
    """The entries; the field above keeps the focus."""

    ON = "surface"
    can_focus = False


class ActionsMenuScreen(ModalScreen[ActionSpec | RunbookEntry | None]):
    """Returns the chosen action or runbook; None if none was chosen.

    Args:
        hosts: what it would be done to: fixed, whatever is marked or where the cursor goes meanwhile.
        about: what is chosen of a single host, e.g. "GPU 3"; "" for the host.
        entries: what there is, those that fit first.
    """

    CSS_PATH = "../styles/plan.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "choose none")]

    def __init__(self, hosts: Sequence[str], about: str, entries: Sequence[Entry]) -> None:
        super().__init__()
        self._hosts = tuple(hosts)
        self._about = about
        self._entries = tuple(entries)

    def compose(self) -> ComposeResult:
        """For which hosts, a field to filter by, the list, all about the one chosen, what the keys do."""
        with Vertical(id="menu-box"):
            with Horizontal(classes="title-row"):
                yield Label(f"What is to be done to {self._where()}?", id="menu-title", markup=False)
                yield ArmingMark()
            yield Input(placeholder="type to filter", id="menu-filter", compact=True)
            yield MenuList(_key_of, _cells, id="menu-list")
            yield AboutAction(id="menu-about")
            yield Label("", id="menu-hint", markup=False)

    def add(self, entries: Sequence[Entry]) -> None:
        """Offer more, below what there is: what was read meanwhile. The cursor stays on what it is on."""
        self._entries = (*self._entries, *entries)
        if self.is_mounted and entries:
            self._filter(self.query_one(Input).value.strip())

    def _where(self) -> str:
        names = [plain(host, 40) for host in self._hosts]
        if len(names) == 1:
            return f"{names[0]} {self._about}".strip()
        rest = len(names) - _MOST_HOSTS
        more = f" and {rest} more" if rest > 0 else ""
        return f"{len(names)} hosts: {', '.join(names[:_MOST_HOSTS])}{more}"

    def on_mount(self) -> None:
        """Everything matches at first."""
        self._filter("")
        self.query_one(Input).focus()

    @property
    def _list(self) -> MenuList:
        return self.query_one(MenuList)

    def _filter(self, wanted: str) -> None:
        words = wanted.casefold().split()
        matching = [entry for entry in self._entries if all(word in _said_of(entry) for word in words)]
        fitting = [entry for entry in matching if _fits(entry)]
        unfit = [entry for entry in matching if not _fits(entry)]
        rows = self._list
        rows.show([*fitting, *([Heading("cannot be done here")] if unfit else []), *unfit])
        room = self.app.size.height - _REST - self._about_lines
        rows.styles.height = max(3, min(len(matching) + bool(unfit), room))
        rows.place()
        self._describe()

    def on_row_list_cursor_moved(self) -> None:
        """Describe what the cursor is on."""
        self._describe()

    @property
    def _about_lines(self) -> int:
        return 5 if self.app.size.height < _FEW_ROWS else 7

    def _describe(self) -> None:
        entry, width = self._list.cursor, min(self.app.size.width, 118) - 4
        lines = _about(entry, width) if entry is not None else []
        most = self._about_lines
        self.query_one(AboutAction).show([*lines[:most], *[()] * (most - len(lines))])
        leave = "esc: leave it alone"
        if entry is None:
            words = f"nothing matches   {leave}"
        elif _fits(entry):
            words = f"↑↓ choose   enter: go on, nothing is run yet   {leave}"
        else:
            words = f"this cannot be done here   {leave}"
        self.query_one("#menu-hint", Label).update(words)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter as it is typed; the cursor goes to the first that matches."""
        event.stop()
        self._filter(event.value.strip())
        self._list.action_edge(is_end=False)

    def on_key(self, event: events.Key) -> None:
        """The arrows move in the list while the field has the focus."""
        steps = {"up": -1, "down": 1}
        if event.key in steps:
            event.stop()
            self._list.action_cursor(steps[event.key])
        elif event.key in {"pageup", "pagedown"}:
            event.stop()
            self._list.action_page(1 if event.key == "pagedown" else -1)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Choose what is highlighted."""
        event.stop()
        self._choose(self._list.cursor)

    def on_row_list_opened(self) -> None:
        """Choose what was clicked twice."""
        self._choose(self._list.cursor)

    def _choose(self, entry: Entry | None) -> None:
        if entry is not None and _fits(entry):
            self.dismiss(entry if isinstance(entry, RunbookEntry) else entry.spec)

    def action_leave(self) -> None:
        """Choose none."""
        self.dismiss(None)


def _fits(entry: Entry) -> bool:
    return bool(entry.steps) if isinstance(entry, RunbookEntry) else not entry.why_not


def _said_of(entry: Entry) -> str:
    """What the filter looks at."""
    if isinstance(entry, RunbookEntry):
        return f"runbook {entry.name} {entry.meaning}".casefold()
    return f"{entry.spec.verb} {entry.spec.name} {entry.spec.meaning} {entry.spec.danger.value}".casefold()


def _key_of(entry: Entry) -> str:
    return f"book/{entry.name}" if isinstance(entry, RunbookEntry) else entry.spec.name


def _cells(entry: Entry, width: int) -> Sequence[Piece]:  # noqa: ARG001 — what does not fit is cut off
    """One entry: what it is called, how dangerous, what it does; or why it cannot be done."""
    if isinstance(entry, RunbookEntry):
        name, kind, role, words = entry.name, "runbook", "accent", entry.meaning
    else:
        spec = entry.spec
        name, kind, role, words = spec.verb, spec.danger.value, _ROLES[spec.danger], entry.why_not or spec.meaning
    is_fit = _fits(entry)
    return (
        Piece(fit(plain(name, 60), _VERB), "text" if is_fit else "dim", is_bold=is_fit),
        Piece(f" {fit(kind, _DANGER)} ", role if is_fit else "dim"),
        Piece(plain(words, 200), "dim"),
    )


def _about(entry: Entry, width: int) -> list[tuple[Piece, ...]]:
    """What there is to know before one asks for the plan."""
    if isinstance(entry, RunbookEntry):
        steps = [(Piece(f" {at}. {plain(step, 200)}"),) for at, step in enumerate(entry.steps, 1)]
        return [*steps, (Piece(f" from {plain(entry.source, 200)}", "dim"),)]
    spec = entry.spec
    asks = ", ".join(plain(each.name, 40) for each in spec.parameters)
    told = (
        ("not here", entry.why_not),
        ("does", spec.meaning),
        ("runs", spec.command),
        ("needs", spec.needs),
        ("touches", spec.affects),
        ("verified", spec.verified_by),
        ("back", spec.undone_by),
        ("asks for", asks),
    )
    lines: list[tuple[Piece, ...]] = []
    for label, words in told:
        if words:
            first, *_ = wrapped(f"{label:<9}{plain(words, 300)}", width, lines=1)
            text = first[0].text
            lines.append((Piece(text[:10], "dim"), Piece(text[10:])))
    return lines
