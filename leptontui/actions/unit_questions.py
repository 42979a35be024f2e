"""A unit of a host's systemd, or of the login's own: what is asked of it, and the words that act on it."""

from __future__ import annotations

from dataclasses import dataclass

from leptontui.actions.reach import Reach, complaint
from leptontui.actions.systemd import PROPERTIES, UnitState, parse_unit
from leptontui.errors import ActionError


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit and where it is.

    Attributes:
        reach: the host.
        name: the unit's name.
        user_id: of the login, for a unit of its own systemd; None for the host's.
    """

    reach: Reach
    name: str
    user_id: str | None = None

    @property
    def shown(self) -> str:
        """Its name for people."""
        return self.name if self.user_id is None else f"{self.name} (of {self.reach.login.partition('@')[0]})"

    def systemctl(self, *words: str) -> tuple[str, ...]:
        """A call of the systemctl that it is known to.

        A login over SSH without a session of its own (no pam_systemd) is not told where its systemd listens.
        """
        if self.user_id is None:
            return ("systemctl", *words)
        return ("env", f"XDG_RUNTIME_DIR=/run/user/{self.user_id}", "systemctl", "--user", *words)

    async def ask(self) -> UnitState:
        """What systemd says of it.

        Raises:
            ActionError: there is no such unit, it cannot be started, or there is no systemd.
            LinkError: the link broke.
            CommandTimeout: no answer in time.
        """
        argv = self.systemctl("show", f"--property={','.join(PROPERTIES)}", "--", self.name)
        done = await self.reach.ask(*argv)
        if done.exit_status != 0:
            mend = "" if self.user_id is None else "the login's own systemd runs while it is logged in, or with linger"
            raise ActionError(f"systemd on {self.reach.name} does not tell of {self.name}: {complaint(done)}", mend)
        state = parse_unit(self.name, done.stdout)
        if state.load != "loaded":
            raise ActionError(f"{self.name} on {self.reach.name} is {state.load or 'not known to systemd'}")
        return state

    async def journal(self) -> str:
        """Its last lines in the journal, as far as the login may read them. Raises `LinkError`, `CommandTimeout`."""
        which = "-u" if self.user_id is None else "--user-unit"
        argv = ("journalctl", "--no-pager", "-q", "-o", "short-iso", "-n", "10", which, self.name)
        return (await self.reach.ask(*argv)).stdout
