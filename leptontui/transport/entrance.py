"""Getting in: what the user is asked before a dial, and what after a host has said no."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from leptontui.errors import LinkError
from leptontui.model.link import Fault, FaultKind
from leptontui.model.text import plain
from leptontui.transport.login import Login
from leptontui.transport.route import Route
from leptontui.transport.vault import ATTEMPTS, Account, Vault

_DENIALS: Final = frozenset({FaultKind.PERMISSION_DENIED, FaultKind.KEY_UNUSABLE})

_Waiting = Callable[[], Sequence[str]]


class Entrance:
    """Decides what is asked, and in which order: unlocked keys and the agent first, then locked keys, then passwords.

    Nothing is asked while a connection waits for it, codes apart: sshd hangs up after LoginGraceTime.

    Args:
        vault: keeps and asks for secrets.
    """

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._apart: set[tuple[str, str]] = set()

    async def prepare(self, route: Route, waiting: _Waiting) -> bool:
        """Before a dial: ask for the passphrase where there is no other way in than a locked key.

        Returns:
            Whether a key was unlocked, so that the route has to be worked out again.

        Raises:
            LinkError: it was not given.
        """
        if not route.locked or route.dialled.key_count or route.dialled.has_agent or route.target.asks_password:
            return False
        if self._vault.can_ask:
            await self._vault.unlock(route.locked[0], waiting())
            return True
        if route.target.identity is not None:
            cause = plain(route.locked[0].trouble, 200)
            raise LinkError(Fault(FaultKind.KEY_UNUSABLE, cause, "load the key into the agent: ssh-add"))
        return False

    def login(self, route: Route, waiting: _Waiting, *, is_hop: bool, attempt: int) -> Login:
        """What the next dial may answer."""
        user, host = route.dialled.user, route.target.name
        account: Account | None = None
        if route.target.asks_password:
            is_group = not is_hop and (user, host) not in self._apart
            account = self._vault.account(user, route.target.group if is_group else host, is_group=is_group)
        return Login(self._vault, account, waiting, f"{user}@{host}", attempt)

    async def after(self, error: LinkError, route: Route, login: Login) -> None:
        """After a dial has failed: ask for what was missing. Returns if it is worth dialling again.

        Raises:
            LinkError: it is not.
        """
        if login.refusal is not None:
            raise login.refusal
        if not isinstance(error.fault, Fault) or error.fault.kind not in _DENIALS:
            raise error
        if await self._unlock(route, login.waiting):
            return
        account = login.account
        if account is None:
            raise error
        if login.is_apart:
            self._apart.add((route.dialled.user, route.target.name))
        elif login.wants_password or login.has_sent:
            await self._vault.obtain(account, login.waiting())
        elif not login.has_asked or login.attempt >= ATTEMPTS:
            raise error

    async def _unlock(self, route: Route, waiting: _Waiting) -> bool:
        """Unlock the first key that can be; whether one was."""
        if not self._vault.can_ask:
            return False
        for file in route.locked:
            if self._vault.is_given_up(file):
                continue
            try:
                await self._vault.unlock(file, waiting())
            except LinkError:
                if not route.target.asks_password:
                    raise
            else:
                return True
        return False
