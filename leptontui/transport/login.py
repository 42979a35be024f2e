"""One login: what is answered when a host asks for a password or anything else, and what was missing afterwards."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from leptontui.errors import LinkError
from leptontui.model.text import plain
from leptontui.transport.asking import Deadline
from leptontui.transport.vault import Account, Vault

_PASSWORD_WORDS: Final = ("password", "passwort", "mot de passe", "contraseña", "senha", "пароль", "パスワード", "密码")
"""How PAM words the prompt for a password, pam_unix(8), in the languages it is usually seen in."""
_PROMPTS: Final = 8
"""Prompts answered in one challenge; a host that asks for more is not asking for a login."""
_CHALLENGES: Final = 16
"""Challenges answered in one login."""


@dataclass(slots=True, eq=False)
class Login:
    """What one dial knows to answer.

    A password is sent at most once per connection: OpenSSH offers both "keyboard-interactive" and "password", and a
    wrong one must not count twice.

    Args:
        vault: keeps and asks for secrets.
        account: whose password may be sent; None where passwords are not asked for.
        waiting: tells which hosts of the fleet wait: the one dialled, or all behind a jump host.
        subject: "oncall@bastion1", for questions.
        attempt: which login of this host this is.

    Attributes:
        wants_password: the host asked for a password and none is kept.
        refusal: what the user declined.
        has_asked: whether a code was asked for.
        is_apart: a password that opens other hosts of the group does not open this one.
        deadline: the time for this login, which stands still while the user is asked.
    """

    vault: Vault
    account: Account | None
    waiting: Callable[[], Sequence[str]]
    subject: str
    attempt: int = 1
    wants_password: bool = False
    refusal: LinkError | None = None
    has_asked: bool = False
    is_apart: bool = False
    deadline: Deadline | None = None
    _sent: str | None = field(default=None, repr=False)
    _is_trying: bool = False
    _challenges: int = 0
    _is_challenged: bool = False
    _is_over: bool = False

    @property
    def has_sent(self) -> bool:
        """Whether a password was sent."""
        return self._sent is not None

    async def password(self) -> str | None:
        """The password to send; None if there is none, or it was sent already."""
        account = self.account
        if account is None or self._sent is not None:
            return None
        if account.password is not None and not account.is_proven:
            await self._await_turn(account)
        if self._is_over or account.password is None:
            self._stop_trying()
            self.wants_password = True
            return None
        self._sent = account.password
        return self._sent

    async def _await_turn(self, account: Account) -> None:
        """Wait until nobody else tries this password; then it is proven, or gone, or ours to try."""
        if self.deadline is None:
            return
        with self.deadline.paused():
            await account.trying.acquire()
        self._is_trying = True
        if self._is_over or account.is_proven:
            self._stop_trying()

    def starts_challenge(self) -> bool:
        """Whether to begin a keyboard-interactive login: once per connection, and not if a password was refused."""
        if self.account is None or self._is_challenged or self.refusal is not None:
            return False
        self._is_challenged = True
        return True

    async def answers(self, instructions: str, prompts: Sequence[tuple[str, bool]]) -> list[str] | None:
        """Answers to a challenge; None gives up."""
        self._challenges += 1
        if len(prompts) > _PROMPTS or self._challenges > _CHALLENGES:
            return None
        given: list[str] = []
        for prompt, is_echoed in prompts:
            if not is_echoed and _is_for_password(prompt) and self._sent is None:
                answer = await self.password()
            else:
                answer = await self._code(f"{instructions} {prompt}", is_hidden=not is_echoed)
            if answer is None:
                return None
            given.append(answer)
        return given

    def end(self, *, is_in: bool, is_denied: bool) -> None:
        """Learn from how it ended: a password that opened is proven, one that was denied is forgotten."""
        account, sent = self.account, self._sent
        self._is_over = True
        if account is not None and sent is not None:
            if is_in and account.password == sent:
                if not account.is_proven:
                    account.is_proven = True
                    self.vault.opened()
            elif is_denied and account.is_proven:
                self.is_apart = True
            elif is_denied:
                account.reject(sent)
        self._stop_trying()

    async def _code(self, prompt: str, *, is_hidden: bool) -> str | None:
        if self.deadline is None:
            return None
        self.has_asked = True
        words = f"{self.subject} asks: {plain(prompt, 160)}"
        try:
            with self.deadline.paused():
                return await self.vault.code(
                    self.waiting(), self.subject, words, is_hidden=is_hidden, attempt=self.attempt
                )
        except LinkError as error:
            self.refusal = error
            return None

    def _stop_trying(self) -> None:
        if self._is_trying and self.account is not None:
            self._is_trying = False
            self.account.trying.release()


def _is_for_password(prompt: str) -> bool:
    text = prompt.casefold()
    return any(word in text for word in _PASSWORD_WORDS) and "one-time" not in text and "new " not in text
