"""Logins that ask for something: told once, answered in a dialog that follows what is asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from textual.app import App
from textual.screen import ModalScreen

from leptontui.model.question import Question
from leptontui.model.text import plain
from leptontui.ports import AccessPort
from leptontui.ui.screens.drafting import DraftScreen

if TYPE_CHECKING:
    from leptontui.ui.screens.question import QuestionScreen

_NOTICE_S: Final = 12.0


class Logins:
    """What logins ask, from snapshot to dialog. Nothing pops up by itself: somebody may be typing.

    Args:
        app: shows the dialog.
        access: takes the answers; None where nobody can answer: then nothing is told either.
    """

    def __init__(self, app: App[Any], access: AccessPort | None) -> None:
        self._app = app
        self._access = access
        self._questions: tuple[Question, ...] = ()
        self._dialog: QuestionScreen | None = None

    def tell(self, questions: Sequence[Question]) -> None:
        """Say once of each that it is asked; keep the dialog up to date, and close it once nobody asks any more."""
        if self._access is None:
            return
        known = {(question.id, question.attempt) for question in self._questions}
        for question in questions:
            if (question.id, question.attempt) not in known:
                words = f"{plain(question.prompt, 80)} {plain(question.subject, 80)}: a answers"
                wrong = "✖ that was not right. " if question.attempt > 1 else ""
                self._app.notify(
                    wrong + words, title="A login asks", severity="warning", timeout=_NOTICE_S, markup=False
                )
        self._questions = tuple(questions)
        dialog = self._dialog
        if dialog is None or self._app.screen is not dialog:
            return
        asked = next((question for question in questions if question.id == dialog.question.id), None)
        if asked is not None:
            dialog.show(asked)
        else:
            dialog.dismiss()
            self._app.notify("that is not asked any more", title="A login asks", markup=False)

    def answer(self) -> None:
        """Ask the user what has waited longest, unless another dialog is open; over one that runs something it may be.

        Sudo's password is asked for while an action runs.
        """
        dialogs = [screen for screen in self._app.screen_stack if isinstance(screen, ModalScreen)]
        if self._access is None or not all(isinstance(each, DraftScreen) and each.lets_answer for each in dialogs):
            return
        if not self._questions:
            self._app.notify("no login asks for anything")
            return
        from leptontui.ui.screens.question import QuestionScreen  # noqa: PLC0415 — when it is wanted

        self._dialog = QuestionScreen(self._access, self._questions[0])
        self._app.push_screen(self._dialog)
