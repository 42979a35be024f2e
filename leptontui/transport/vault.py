"""Secrets that were asked for: unlocked keys and passwords, in memory only, asked once for all hosts they open."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from leptontui.errors import LinkError
from leptontui.model.link import Fault, FaultKind
from leptontui.model.question import Question, QuestionKind
from leptontui.model.text import plain
from leptontui.transport.asking import Asker, not_given
from leptontui.transport.keys import KeyFile, KeyRing

ATTEMPTS: Final = 3
"""Wrong answers after which no more is asked before the user wants to: OpenSSH's NumberOfPasswordPrompts."""
_AGAIN: Final = "redial to be asked again"


@dataclass(slots=True, eq=False)
class Account:
    """A user on the hosts of a group, or on one host, and the password that opens it.

    A password that no host has taken yet is tried on one host at a time: a mistyped one must not be sent to forty
    hosts at once, which would lock the account.

    Attributes:
        subject: "oncall@gpus", for the question.
        words: "oncall on the hosts of gpus", for its prompt.
        password: None if none is kept. Not in the representation.
        is_proven: whether some host took it.
        attempt: 1 at first, one more after each wrong password.
        trying: held while an unproven password is tried.
    """

    subject: str
    words: str
    password: str | None = field(default=None, repr=False)
    is_proven: bool = False
    attempt: int = 1
    trying: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)

    def keep(self, password: str, attempt: int) -> None:
        """Keep what was answered to that attempt, unless another host's answer came before."""
        if self.password is None and self.attempt == attempt:
            self.password = password

    def reject(self, password: str) -> None:
        """Forget a password that a host did not take; it is never sent again."""
        if self.password is not None and self.password == password:
            self.password, self.is_proven = None, False
            self.attempt += 1


class Vault:
    """Asks for secrets and keeps them. Used on the loop of the links.

    Args:
        asker: who asks the user; None where nobody can be asked.
        keys: where unlocked keys are kept.
        opened: called when a key was unlocked, or a password turned out to be right.
    """

    def __init__(self, asker: Asker | None, keys: KeyRing, opened: Callable[[], None] = lambda: None) -> None:
        self._asker = asker
        self._keys = keys
        self.opened = opened
        self._accounts: dict[tuple[str, str], Account] = {}
        self._opening: dict[Path, asyncio.Lock] = {}
        self._wrong: dict[Path, int] = {}
        self._waiting: dict[str, set[asyncio.Timeout]] = {}
        self._declined: set[str] = set()
        self._open = 0
        self._codes = itertools.count(1)

    @property
    def can_ask(self) -> bool:
        """Whether there is somebody to be asked."""
        return self._asker is not None

    @property
    def is_asking(self) -> bool:
        """Whether the user is being asked something."""
        return self._open > 0

    def reconsider(self) -> None:
        """Ask again what was declined or answered wrongly too often: the user wants another try."""
        self._declined.clear()
        self._wrong.clear()
        for account in self._accounts.values():
            if account.password is None:
                account.attempt = 1

    def is_given_up(self, file: KeyFile) -> bool:
        """Whether nobody will be asked for this key's passphrase now."""
        return f"key {file.path}" in self._declined

    async def unlock(self, file: KeyFile, hosts: Sequence[str]) -> None:
        """Ask for the passphrase of a private key until it is right; does nothing if another host's dial did.

        Raises:
            LinkError: it was declined, or wrong three times.
        """
        path = file.path
        matter, what = f"key {path}", f"the passphrase of {_short(path)}"
        mend = f"load the key into the agent: ssh-add {_short(path)}"
        lock = self._opening.setdefault(path, asyncio.Lock())
        while (attempt := 1 + self._wrong.get(path, 0)) <= ATTEMPTS:
            async with lock:  # an answer that is being tried may make the question needless
                if not (await asyncio.to_thread(self._keys.open, path)).is_locked:
                    return
            prompt, kind = f"Passphrase of {_short(path)}", QuestionKind.PASSPHRASE
            question = Question(f"passphrase {path} {attempt}", kind, str(path), prompt, attempt=attempt)
            answer = await self._answer(question, hosts, matter, what, mend)
            if answer is None:
                continue
            async with lock:
                if self._wrong.get(path, 0) >= attempt:
                    continue
                if not (await asyncio.to_thread(self._keys.open, path)).is_locked:
                    return
                is_right = await asyncio.to_thread(self._keys.unlock, path, answer)
                if not is_right:
                    self._wrong[path] = attempt
                self._settle(matter)
                if is_right:
                    self._wrong.pop(path, None)
                    self.opened()
                    return
        self._declined.add(matter)
        raise LinkError(Fault(FaultKind.SECRET_NEEDED, f"{ATTEMPTS} wrong answers for {what}", f"{mend}, or {_AGAIN}"))

    def account(self, user: str, place: str, *, is_group: bool) -> Account:
        """The account of `user` on the hosts of the group, or on the host, called `place`."""
        key = (user, f"{'group' if is_group else 'host'} {place}")
        account = self._accounts.get(key)
        if account is None:
            words = f"{user} on the hosts of {place}" if is_group else f"{user} on {place}"
            account = self._accounts[key] = Account(plain(f"{user}@{place}", 80), plain(words, 120))
        return account

    async def obtain(self, account: Account, hosts: Sequence[str]) -> None:
        """Ask for the password of an account if none is kept.

        Raises:
            LinkError: it was declined, or wrong three times.
        """
        what = f"the password of {account.words}"
        while account.password is None:
            attempt = account.attempt
            if attempt > ATTEMPTS:
                cause = f"{ATTEMPTS} wrong answers for {what}"
                raise LinkError(Fault(FaultKind.SECRET_NEEDED, cause, f"{_AGAIN}; mind the limit of the account"))
            ident, matter = f"password {account.subject} {attempt}", f"password {account.subject}"
            prompt = f"Password of {account.words}"
            question = Question(ident, QuestionKind.PASSWORD, account.subject, prompt, attempt=attempt)
            answer = await self._answer(question, hosts, matter, what, f"use a key, or {_AGAIN}")
            if answer is not None:
                account.keep(answer, attempt)
                self._settle(matter)

    async def code(self, hosts: Sequence[str], subject: str, prompt: str, *, is_hidden: bool, attempt: int) -> str:
        """Ask what a host wants to know at login.

        Raises:
            LinkError: it was declined.
        """
        number = next(self._codes)
        ident, words = f"code {subject} {number}", plain(prompt, 200)
        question = Question(ident, QuestionKind.CODE, subject, words, is_hidden, attempt)
        return await self._answer(question, hosts, f"code {subject}", f"what {subject} asks for", _AGAIN) or ""

    async def _answer(self, question: Question, hosts: Sequence[str], matter: str, what: str, mend: str) -> str | None:
        """The answer; None if it is not needed any more, because another host's was.

        Raises:
            LinkError: it was declined.
        """
        if self._asker is None:
            raise LinkError(
                Fault(FaultKind.SECRET_NEEDED, f"{what} is needed, and nobody can be asked here", mend),
            )
        answer = None
        if matter not in self._declined:
            self._open += 1
            try:
                async with self._needed(matter):
                    answer = await self._asker.ask(replace(question, hosts=tuple(hosts), waiting=len(hosts)))
            except TimeoutError:
                return None
            finally:
                self._open -= 1
        if answer is None:
            self._declined.add(matter)
            self._settle(matter)
            raise not_given(what, mend)
        return answer

    @asynccontextmanager
    async def _needed(self, matter: str) -> AsyncIterator[None]:
        """Ask as long as it is needed: a question asked while the answer to the same one was on its way ends with it.

        Raises:
            TimeoutError: it is not needed any more.
        """
        scope = asyncio.timeout(None)
        waiting = self._waiting.setdefault(matter, set())
        async with scope:
            waiting.add(scope)
            try:
                yield
            finally:
                waiting.discard(scope)

    def _settle(self, matter: str) -> None:
        """End the questions that still ask for it."""
        now = asyncio.get_running_loop().time()
        for scope in self._waiting.pop(matter, ()):
            scope.reschedule(now)


def _short(path: Path) -> str:
    """The path as a user writes it."""
    home = str(Path.home())
    text = str(path)
    return plain("~" + text[len(home) :] if text.startswith(home + "/") else text, 120)
