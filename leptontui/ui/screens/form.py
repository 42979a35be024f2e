"""The form of an action's parameters: checked as they are typed; it runs nothing, the plan follows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.suggester import SuggestFromList
from textual.widgets import Input, Label

from leptontui.model.action import Danger
from leptontui.model.action_spec import ActionSpec, Parameter, ParameterKind
from leptontui.model.activity import Pace
from leptontui.model.text import plain
from leptontui.ui.widgets.arming import ArmingMark
from leptontui.ui.widgets.choice import Choice
from leptontui.view.orders import Order

_PACE: Final = Parameter("pace", "how many hosts are worked on at once", ParameterKind.CHOICE)
_BATCH: Final = Parameter("batch", "so many at a time, for rolling", ParameterKind.NUMBER, low=1, high=1000)
_REASON_LENGTH: Final = 200


class FormScreen(ModalScreen[Order | None]):
    """Returns the order with its parameters; None if it was left alone.

    Args:
        order: what is wanted, as far as it is known.
        spec: the action.
        parameters: those that matter for the order's hosts.
        suggestions: values to complete while typing, by the parameter's name.
    """

    CSS_PATH = "../styles/plan.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "leave it alone"),
        Binding("down", "app.focus_next", "next field", show=False),
        Binding("up", "app.focus_previous", "previous field", show=False),
        Binding("enter", "done", "see the plan", show=False),
    ]

    def __init__(
        self,
        order: Order,
        spec: ActionSpec,
        parameters: Sequence[Parameter],
        suggestions: dict[str, tuple[str, ...]] | None = None,
    ) -> None:
        super().__init__()
        self._order = order
        self._spec = spec
        paces = tuple(pace.value for pace in Pace if pace is not Pace.AT_ONCE or spec.danger is Danger.HARMLESS)
        bulk = (replace(_PACE, choices=paces), _BATCH) if order.is_bulk else ()
        self._fields = (*parameters, *bulk)
        self._suggestions = suggestions or {}

    def compose(self) -> ComposeResult:
        """What for, a line for each parameter, what the keys do."""
        unit = f" {plain(self._order.unit, 80)} on" if self._order.unit else ""
        with Vertical(id="form-box"):
            with Horizontal(classes="title-row"):
                title = f"{plain(self._spec.verb, 60)}{unit or ':'} {plain(self._order.where, 60)}"
                yield Label(title, id="form-title", markup=False)
                yield ArmingMark()
            yield Label(plain(self._spec.meaning, 300), id="form-meaning", markup=False)
            with VerticalScroll(id="form-fields", can_focus=False):
                for field in self._fields:
                    yield from self._compose_field(field)
                if self._spec.takes_reason:
                    with Horizontal(classes="form-row"):
                        yield Label("reason", classes="form-label")
                        reason = plain(self._order.reason, _REASON_LENGTH)
                        yield Input(reason, id="form-reason", compact=True, max_length=_REASON_LENGTH)
            yield Label("", id="form-hint", markup=False)

    def _compose_field(self, field: Parameter) -> ComposeResult:
        value = self._known(field)
        with Horizontal(classes="form-row"):
            yield Label(plain(field.name, 13), classes="form-label", markup=False)
            if field.kind is ParameterKind.CHOICE:
                yield Choice(field.choices, value, id=_id(field))
            else:
                known = self._suggestions.get(field.name, ())
                suggester = SuggestFromList(known, case_sensitive=True) if known else None
                yield Input(value, id=_id(field), compact=True, max_length=300, suggester=suggester)
        yield Label(_meaning(field), id=f"{_id(field)}-said", classes="form-said", markup=False)

    def on_mount(self) -> None:
        """Begin where something is missing."""
        first = next((field for field in self._fields if self._complaint(field)), None)
        wanted = self.query("Choice, Input")
        if first is not None:
            wanted = self.query(f"#{_id(first)}")
        elif self._lacks_reason:
            wanted = self.query("#form-reason")
        if wanted:
            self.set_focus(wanted.first())
        self._check(is_strict=False)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Say at once what is wrong with it."""
        event.stop()
        self._check(is_strict=False)

    def on_choice_changed(self, event: Choice.Changed) -> None:
        """Other fields may matter now."""
        event.stop()
        self._check(is_strict=False)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter in any field goes on."""
        event.stop()
        self.action_done()

    def action_done(self) -> None:
        """Go on to the plan, if all is well; else to what is not."""
        wrong = next((field for field in self._fields if self._complaint(field)), None)
        if wrong is not None:
            self._check(is_strict=True)
            self.set_focus(self.query_one(f"#{_id(wrong)}"))
            return
        if self._lacks_reason:
            self._check(is_strict=True)
            self.set_focus(self.query_one("#form-reason"))
            return
        names = {field.name for field in self._fields}
        given = {name: value for name, value in self._order.params if name not in names}
        given |= {field.name: self._value(field) for field in self._fields if field not in self._bulk}
        order = replace(self._order, params=tuple(sorted(given.items())))
        if self._bulk:
            pace, batch = (self._value(field) for field in self._bulk)
            order = replace(order, pace=Pace(pace), batch=int(batch) if pace == Pace.ROLLING.value else 1)
        if self._spec.takes_reason:
            order = replace(order, reason=plain(self.query_one("#form-reason", Input).value, _REASON_LENGTH))
        self.dismiss(order)

    def action_leave(self) -> None:
        """Leave it alone."""
        self.dismiss(None)

    @property
    def _lacks_reason(self) -> bool:
        """Whether a reason belongs to it, and nothing is said yet."""
        return self._spec.takes_reason and not plain(self.query_one("#form-reason", Input).value).strip()

    @property
    def _bulk(self) -> tuple[Parameter, ...]:
        return self._fields[-2:] if self._order.is_bulk else ()

    def _known(self, field: Parameter) -> str:
        """What is in a field at first."""
        if field in self._bulk:
            return self._order.pace.value if field.name == _PACE.name else str(max(2, self._order.batch))
        return dict(self._order.params).get(field.name, field.default or "")

    def _value(self, field: Parameter) -> str:
        widget = self.query_one(f"#{_id(field)}")
        return widget.value if isinstance(widget, Choice | Input) else ""

    def _complaint(self, field: Parameter) -> str:
        """What is wrong with a field; a batch matters for rolling only."""
        if field is _BATCH and self._value(self._bulk[0]) != Pace.ROLLING.value:
            return ""
        return field.complaint(self._value(field))

    def _check(self, *, is_strict: bool) -> None:
        """Say below each field what it means, or what is wrong; of an empty one only when asked for."""
        is_wrong = self._lacks_reason
        for field in self._fields:
            words = self._complaint(field)
            is_wrong |= bool(words)
            is_shown = bool(words) and (is_strict or bool(self._value(field)))
            said = self.query_one(f"#{_id(field)}-said", Label)
            said.update(f"✖ {words}" if is_shown else _meaning(field))
            said.set_class(is_shown, "-wrong")
        going = "fill in what is missing" if is_wrong else "enter: see the plan, nothing is run yet"
        self.query_one("#form-hint", Label).update(f"{going}   ↑↓ field   ←→ choose   esc: leave it alone")


def _id(field: Parameter) -> str:
    """A widget's id for a parameter, whose name may be a user's: letters and digits only."""
    return "field-" + "".join(char if char.isascii() and char.isalnum() else f"_{ord(char):x}_" for char in field.name)


def _meaning(field: Parameter) -> str:
    """What a field means, and what it takes."""
    match field.kind:
        case ParameterKind.NUMBER:
            takes = f" ({field.low} to {field.high})"
        case ParameterKind.PATTERN:
            takes = f" (matches {plain(field.pattern, 60)})"
        case _:
            takes = ""
    return f"{plain(field.meaning, 200)}{takes}"
