"""Asks for secrets on the terminal, for commands without a screen."""

from __future__ import annotations

import asyncio
import getpass
import os
import sys
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from leptontui.model.question import Question, QuestionKind

_SHOWN: Final = 3


class TerminalAsker:
    """Puts questions to the user one after the other, on the terminal; see `transport.asking.Asker`.

    A security key that wants to be touched is only announced: the touch is the answer.
    """

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._answers: dict[tuple[str, int], asyncio.Task[str | None]] = {}

    async def ask(self, question: Question) -> str | None:
        """The answer; None if it is declined, by an end of input or an empty line."""
        key = question.id, question.attempt
        asking = self._answers.get(key)
        if asking is None:
            asking = self._answers[key] = asyncio.ensure_future(self._asked(question))
            asking.add_done_callback(lambda _: self._answers.pop(key, None))
        return await asyncio.shield(asking)

    async def _asked(self, question: Question) -> str | None:
        async with self._turn:
            if question.kind is QuestionKind.TOUCH:
                print(_words(question), file=sys.stderr, flush=True)
                return None
            return await _typed(f"{_words(question)}: ", is_hidden=question.is_hidden)


def _words(question: Question) -> str:
    shown = question.hosts[:_SHOWN]
    more = question.waiting - len(shown)
    hosts = ", ".join(shown) + (f" and {more} more" if shown and more > 0 else "")
    again = "wrong, once more: " if question.attempt > 1 else ""
    return f"{again}{question.prompt}" + (f" (for {hosts})" if hosts else "")


async def _typed(prompt: str, *, is_hidden: bool) -> str | None:
    """What the user types. Read on a thread that may be left behind: nobody can make it stop waiting for a key."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[str | None] = loop.create_future()

    def settle(text: str | None) -> None:
        if not answer.done():
            answer.set_result(text or None)

    def read() -> None:
        try:
            text = getpass.getpass(prompt) if is_hidden else input(prompt)
        except (EOFError, OSError, KeyboardInterrupt):
            text = ""
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, text)

    with _echoing_afterwards():
        threading.Thread(target=read, name="terminal", daemon=True).start()
        return await answer


@contextmanager
def _echoing_afterwards() -> Iterator[None]:
    """Leave the terminal as it was, though the thread that turned its echo off is left behind, as by Ctrl-C."""
    try:
        terminal = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:  # there is none, so there is nobody to be asked either
        yield
        return
    try:
        before = termios.tcgetattr(terminal)
        try:
            yield
        finally:
            termios.tcsetattr(terminal, termios.TCSADRAIN, before)
    finally:
        os.close(terminal)
