"""sudo's passwords: asked once for each login and group, proven on one host first, kept in memory only.

A password that no host has taken yet is tried on one host at a time: a mistyped one must not be sent to forty hosts
at once, which would lock the account.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from leptontui.errors import GuardRefused
from leptontui.model.question import Question, QuestionKind
from leptontui.model.text import plain
from leptontui.transport.asking import Asker

ATTEMPTS: Final = 3
"""Wrong answers before it is given up; sudoers(5): passwd_tries is 3 as well."""

ANSWER_WITHIN_S: Final = 120.0
"""So long a question may stay open: nobody else may act on the host meanwhile."""

_MEND: Final = "allow the command in sudoers without a password, or plan it again to be asked again"

Prove = Callable[[str], Awaitable[bool]]
"""Whether a password is right on a host; runs nothing there but the check of it."""


@dataclass(frozen=True, slots=True)
class Whose:
    """Whose password is wanted, and where.

    Attributes:
        user: the login's name there.
        group: the inventory group: there one login has one password, until a host says otherwise; "" for a host alone.
        host: the host.
    """

    user: str
    group: str
    host: str


@dataclass(slots=True, eq=False)
class _Account:
    """One password, as far as it is known. The password is kept out of every representation."""

    subject: str
    words: str
    password: str | None = field(default=None, repr=False)
    proven_on: set[str] = field(default_factory=set)
    attempt: int = 1
    trying: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)


class Passwords:
    """Asks for passwords and keeps them until they are forgotten. Used on one event loop.

    Args:
        asker: who asks the user; None where nobody can be asked.
    """

    def __init__(self, asker: Asker | None) -> None:
        self._asker = asker
        self._accounts: dict[tuple[str, str, str], _Account] = {}
        self._apart: set[tuple[str, str]] = set()

    @property
    def can_ask(self) -> bool:
        """Whether there is somebody to be asked."""
        return self._asker is not None

    def forget(self) -> None:
        """Forget all of them, and what was learned of them."""
        self._accounts.clear()
        self._apart.clear()

    def known(self, whose: Whose) -> str | None:
        """The password, if it was proven on that host already."""
        accounts = (self._account(whose, is_apart=apart) for apart in (True, False))
        return next((account.password for account in accounts if whose.host in account.proven_on), None)

    def reject(self, whose: Whose) -> None:
        """The host does not take the password any more: it is proven anew before it is sent again."""
        for is_apart in (True, False):
            self._account(whose, is_apart=is_apart).proven_on.discard(whose.host)

    async def obtain(self, whose: Whose, prove: Prove) -> str:
        """The password, proven on that host. At once if it is known; else the user is asked, or it is tried there.

        Args:
            whose: see `Whose`.
            prove: whether a password is right there.

        Raises:
            GuardRefused: it was declined or wrong too often, or nobody can be asked.
            LinkError: the host could not be asked.
            CommandTimeout: it did not answer in time.
        """
        known = self.known(whose)
        if known is not None:
            return known
        if (whose.user, whose.host) not in self._apart:
            password = await self._opening(self._account(whose, is_apart=False), whose, prove)
            if password is not None:
                return password
            self._apart.add((whose.user, whose.host))
        password = await self._opening(self._account(whose, is_apart=True), whose, prove)
        if password is None:
            raise GuardRefused("no-password", f"the password of {whose.user} on {whose.host} has changed", _MEND)
        return password

    async def _opening(self, account: _Account, whose: Whose, prove: Prove) -> str | None:
        """The account's password, proven on the host; None if it opens other hosts and not this one."""
        async with account.trying:
            if not account.proven_on:
                return await self._first(account, whose, prove)
            password = account.password
        if password is None or not await prove(password):
            return None
        account.proven_on.add(whose.host)
        return password

    async def _first(self, account: _Account, whose: Whose, prove: Prove) -> str:
        """Ask until the host takes the answer."""
        what = f"the sudo password of {account.words}"
        while account.attempt <= ATTEMPTS:
            password = account.password or await self._answer(account, whose, what)
            account.password = password
            if await prove(password):
                account.proven_on.add(whose.host)
                return password
            account.password = None
            account.attempt += 1
        account.attempt = 1
        raise GuardRefused("no-password", f"{ATTEMPTS} wrong answers for {what}", f"mind the account's limit; {_MEND}")

    async def _answer(self, account: _Account, whose: Whose, what: str) -> str:
        if self._asker is None:
            raise GuardRefused("no-password", f"{what} is needed, and nobody can be asked here", _MEND)
        ident, prompt = f"sudo {account.subject} {account.attempt}", f"sudo password of {account.words}"
        question = Question(
            ident,
            QuestionKind.PASSWORD,
            account.subject,
            prompt,
            attempt=account.attempt,
            hosts=(whose.host,),
            waiting=1,
        )
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                answer = await self._asker.ask(question)
        except TimeoutError:
            raise GuardRefused("no-password", f"{what} was not given within {ANSWER_WITHIN_S:g} s", _MEND) from None
        line = (answer or "").partition("\n")[0]
        if not line:
            raise GuardRefused("no-password", f"{what} was not given", _MEND)
        return line

    def _account(self, whose: Whose, *, is_apart: bool) -> _Account:
        is_alone = is_apart or not whose.group
        place = whose.host if is_alone else whose.group
        key = (whose.user, "host" if is_alone else "group", place)
        if key not in self._accounts:
            words = f"{whose.user} on {place}" if is_alone else f"{whose.user} on the hosts of {place}"
            self._accounts[key] = _Account(plain(f"{whose.user}@{place}", 80), plain(words, 120))
        return self._accounts[key]
