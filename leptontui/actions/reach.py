"""One host and the way to it: questions are asked through it, and what was prepared is run through it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from leptontui.actions.guard import Objection
from leptontui.actions.passwords import Passwords
from leptontui.model.action import Plan, Step
from leptontui.model.activity import Drained
from leptontui.model.target import HostTarget
from leptontui.model.text import plain
from leptontui.transport.contract import Completed, Transport

QUESTION_TIMEOUT_S: Final = 20.0
"""A question's time limit. scontrol takes 9 s to say that its controller does not answer (Slurm 22.05)."""

LOGGED_LINE: Final = re.compile(r"[EWI]\d{4} \d\d:\d\d:\d\d")
"""How a line begins that a program's libraries log beside its own words: kubectl's, when the API server is silent."""

_SHOWN_LINES: Final = 100
_SHOWN_LINE_CHARS: Final = 300


@dataclass(frozen=True, slots=True)
class Reach:
    """One host and the way to it.

    Attributes:
        name: the host's name.
        login: as whom, for people, e.g. "oncall@login1".
        transport: the way to it; somebody else's, never closed here.
        group: the inventory group it belongs to: there one login has one password.
        passwords: sudo's, for whoever is asked for one there; None where nobody can be asked.
    """

    name: str
    login: str
    transport: Transport
    group: str = ""
    passwords: Passwords | None = field(default=None, repr=False, compare=False)

    @classmethod
    def of(cls, target: HostTarget, transport: Transport, passwords: Passwords | None = None) -> Reach:
        """The reach of `target` through `transport`, which is connected: only then is it known who logged in."""
        user, at, _ = transport.address.partition("@")
        login = plain(f"{user}@{target.name}" if at else transport.address, 120)
        return cls(target.name, login, transport, target.group, passwords)

    async def ask(self, *argv: str, timeout_s: float = QUESTION_TIMEOUT_S) -> Completed:
        """Run a command that changes nothing.

        Raises:
            LinkError: the link broke, or could not be made.
            CommandTimeout: it ran past `timeout_s`.
        """
        await self.transport.connect()
        return await self.transport.run(argv, timeout_s=timeout_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What was found when it was asked again.

    Attributes:
        is_so: whether the action took effect.
        said: what the host said, one line for people.
    """

    is_so: bool
    said: str


class Deed(Protocol):
    """What a plan leaves to be done around its commands; derive from it to have the defaults."""

    @property
    def patience_s(self) -> float:
        """So long a host that does not answer is asked whether it took effect, once what became of it is unknown."""
        return 180.0

    async def check_again(self) -> Objection | None:
        """Ask for the state again, at the moment of execution; what speaks against going on.

        Raises:
            LinkError: the link broke.
            CommandTimeout: no answer in time.
            ActionError: the answer makes no sense.
        """

    async def verify(self) -> Verdict:
        """Ask whether it took effect. Raises as `check_again` does."""

    async def explain(self) -> str:
        """What the host has to say of a failure, raw; "" for nothing. Raises as `check_again` does."""
        return ""

    async def is_needed(self, number: int) -> bool:  # noqa: ARG002 — for those who must look
        """Whether command `number`, from 0, still has to be run after those before it. Raises as `check_again` does."""
        return True

    def takes_out(self) -> tuple[Drained, ...]:
        """What is out of service because of it; remembered from before its first command on."""
        return ()

    def gives_back(self) -> tuple[str, ...]:
        """Hosts, by their names in the fleet, that are in service again once it is verified."""
        return ()


@dataclass(frozen=True, slots=True)
class Prepared:
    """A plan and what is needed to carry it out.

    Attributes:
        plan: as it was shown.
        target: the host it is about, as the fleet had it then.
        reaches: where its commands run, by the steps' `host`.
        deed: the check before and the verification after.
        made_unix_s: when it was made.
        take_back: by a step's number what takes it back; run in reverse for those that went well if a later one fails.
        others: names of further hosts that it changes, e.g. a fail-over's standby: locked and judged as the target.
        ends_jobs: ids of the jobs that it ends; None: all that are there, where the action is one that ends jobs.
    """

    plan: Plan
    target: HostTarget
    reaches: tuple[Reach, ...]
    deed: Deed
    made_unix_s: float
    take_back: Mapping[int, Step] = field(default_factory=dict)
    others: tuple[str, ...] = ()
    ends_jobs: tuple[str, ...] | None = None

    def reach_of(self, step: Step) -> Reach:
        """Where a step is run."""
        return next(reach for reach in self.reaches if reach.name == step.host)


def shown_output(*texts: str) -> str:
    """What commands printed, fit for a screen: cleaned line by line, at most 100 lines of 300 characters."""
    lines = [
        clean
        for text in texts
        for line in text[: 2 * _SHOWN_LINES * _SHOWN_LINE_CHARS].split("\n")
        if (clean := plain(line, _SHOWN_LINE_CHARS))
    ]
    if len(lines) > _SHOWN_LINES:
        lines = [*lines[:_SHOWN_LINES], f"… {len(lines) - _SHOWN_LINES} more lines"]
    return "\n".join(lines)


def complaint(done: Completed) -> str:
    """Why a command failed, one line: the first thing it complained of (hints come after it), or its exit status."""
    lines = shown_output(done.stderr, done.stdout).split("\n")
    said = next((line for line in lines if LOGGED_LINE.match(line) is None), lines[0])
    return said or f"exit status {done.exit_status}, without a word"
