"""What a login asks for: a passphrase, a password, a code. What is typed is never shown, logged or kept here."""

from __future__ import annotations

import time
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Label

from leptontui.model.question import Question, QuestionKind
from leptontui.model.text import plain
from leptontui.ports import AccessPort
from leptontui.ui.widgets.plan_inputs import SettledInput

SETTLE_S: Final = 0.3
"""Keys that were under way when the dialog came up were not meant for it."""
_TITLES: Final = {
    QuestionKind.PASSPHRASE: "Passphrase of a private key",
    QuestionKind.PASSWORD: "Password",
    QuestionKind.CODE: "A host asks at login",
    QuestionKind.TOUCH: "Touch the security key",
}
_KEPT: Final = {
    QuestionKind.PASSPHRASE: "Kept in memory until you leave, used for every host; never written.",
    QuestionKind.PASSWORD: "Kept in memory until you leave, for the hosts of its group; never written.",
    QuestionKind.CODE: "Used once; never written.",
    QuestionKind.TOUCH: "Nothing is to be typed: the touch is the answer.",
}


class QuestionScreen(ModalScreen[None]):
    """Asks one question. Enter answers, escape declines: then its hosts are refused until they are redialled.

    Args:
        access: takes the answer.
        question: what is asked.
        settle_s: keys count only after so long.
    """

    CSS_PATH = "../styles/question.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "decline", "decline", priority=True)]

    def __init__(self, access: AccessPort, question: Question, *, settle_s: float = SETTLE_S) -> None:
        super().__init__()
        self._access = access
        self._settle_s = settle_s
        self.question = question

    def compose(self) -> ComposeResult:
        """Who asks for what, a field, what the keys do."""
        question = self.question
        with Vertical(id="question-box"):
            yield Label(_TITLES[question.kind], id="question-title", markup=False)
            yield Label(plain(question.subject, 160), id="question-subject", markup=False)
            yield Label("", id="question-hosts", markup=False)
            if question.kind is not QuestionKind.TOUCH:
                with Horizontal(id="question-row"):
                    yield Label(plain(question.prompt, 60), id="question-prompt", markup=False)
                    yield SettledInput(password=question.is_hidden, compact=True, id="question-answer", max_length=1024)
            yield Label(_KEPT[question.kind], id="question-kept", markup=False)
            yield Label("", id="question-keys", markup=False)

    def on_mount(self) -> None:
        """What was typed before it came up is not an answer."""
        for field in self.query(SettledInput):
            field.not_before = time.monotonic() + self._settle_s
            field.focus()
        self.show(self.question)

    def show(self, question: Question) -> None:
        """Say anew how often it was asked and who waits."""
        self.question = question
        waiting = max(question.waiting, len(question.hosts))
        names = ", ".join(plain(host, 40) for host in question.hosts)
        more = f" and {waiting - len(question.hosts)} more" if waiting > len(question.hosts) else ""
        who = f"{waiting} host{'' if waiting == 1 else 's'} wait{'s' if waiting == 1 else ''}: {names}{more}"
        wrong = f"✖ that was not right: attempt {question.attempt}   " if question.attempt > 1 else ""
        hosts = self.query_one("#question-hosts", Label)
        hosts.update(wrong + (who if waiting else ""))
        hosts.set_class(bool(wrong), "-wrong")
        is_typed = question.kind is not QuestionKind.TOUCH
        self.query_one("#question-keys", Label).update(
            ("enter: answer   " if is_typed else "") + "esc: decline, its hosts are refused until redialled"
        )

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Answer."""
        event.stop()
        self._access.answer(self.question.id, event.value)
        self.dismiss()

    def action_decline(self) -> None:
        """Say that there will be no answer."""
        self._access.answer(self.question.id, None)
        self.dismiss()
