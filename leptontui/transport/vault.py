"""Secrets that were asked for: unlocked keys and passwords, in memory only, asked once for all hosts they open."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
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
        self._wrong: set[str] = set()
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
        what, mend = f"the passphrase of {_short(path)}", f"load the key into the agent: ssh-add {_short(path)}"
        for attempt in range(1, ATTEMPTS + 1):
            ident = f"passphrase {path} {attempt}"
            if ident in self._wrong:
                continue
            if not (await asyncio.to_thread(self._keys.open, path)).is_locked:
                return
            prompt = f"Passphrase of {_short(path)}"
            kind = QuestionKind.PASSPHRASE
            question = Question(ident, kind, str(path), prompt, attempt=attempt, hosts=tuple(hosts), waiting=len(hosts))
            answer = await self._answer(question, f"key {path}", what, mend)
            async with self._opening.setdefault(path, asyncio.Lock()):
                if not (await asyncio.to_thread(self._keys.open, path)).is_locked:
                    return
                if ident in self._wrong:
                    continue
                if await asyncio.to_thread(self._keys.unlock, path, answer):
                    self._declined.discard(f"key {path}")
                    self.opened()
                    return
                self._wrong.add(ident)
        self._declined.add(f"key {path}")
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
            prompt = f"Password of {account.words}"
            question = Question(
                f"password {account.subject} {attempt}",
                QuestionKind.PASSWORD,
                account.subject,
                prompt,
                attempt=attempt,
                hosts=tuple(hosts),
                waiting=len(hosts),
            )
            answer = await self._answer(question, f"password {account.subject}", what, f"use a key, or {_AGAIN}")
            account.keep(answer, attempt)

    async def code(self, hosts: Sequence[str], subject: str, prompt: str, *, is_hidden: bool, attempt: int) -> str:
        """Ask what a host wants to know at login.

        Raises:
            LinkError: it was declined.
        """
        number = next(self._codes)
        kind, words = QuestionKind.CODE, plain(prompt, 200)
        question = Question(
            f"code {subject} {number}", kind, subject, words, is_hidden, attempt, tuple(hosts), len(hosts)
        )
        return await self._answer(question, f"code {subject}", f"what {subject} asks for", _AGAIN)

    async def _answer(self, question: Question, matter: str, what: str, mend: str) -> str:
        if self._asker is None:
            raise LinkError(
                Fault(FaultKind.SECRET_NEEDED, f"{what} is needed, and nobody can be asked here", mend),
            )
        answer = None
        if matter not in self._declined:
            self._open += 1
            try:
                answer = await self._asker.ask(question)
            finally:
                self._open -= 1
        if answer is None:
            self._declined.add(matter)
            raise not_given(what, mend)
        return answer


def _short(path: Path) -> str:
    """The path as a user writes it."""
    home = str(Path.home())
    text = str(path)
    return plain("~" + text[len(home) :] if text.startswith(home + "/") else text, 120)
