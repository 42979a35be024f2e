"""One host asked for the parts of the evidence: what fails there once is not tried again for every part."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from leptontui.actions.evidence_parts import Part
from leptontui.actions.privilege import ask_as_root
from leptontui.actions.reach import Reach, complaint
from leptontui.errors import ActionError, CommandTimeout, LinkError
from leptontui.transport.contract import OUTPUT_LIMIT, Completed, Heard, Stream, Transport

_NOT_FOUND: Final = 127
"""What a shell exits with where there is no such command."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one part.

    Attributes:
        host: who was asked.
        argv: the command that was answered, or the last that was tried.
        text: what it printed; None if none of the part's commands ended well with something said.
        why: why there is none, one line.
        is_absent: it ended, and had nothing to tell: where hosts may lack the like, this one does.
        exit_status: of `argv`.
        seconds: how long it took.
        was_cut: whether it printed more than was kept.
    """

    host: str
    argv: tuple[str, ...]
    text: str | None = None
    why: str = ""
    is_absent: bool = False
    exit_status: int | None = None
    seconds: float = 0.0
    was_cut: bool = False

    @property
    def words(self) -> str:
        """For people."""
        if self.text is None:
            return f"missing: {self.why}"
        return f"{len(self.text)} characters" + (", cut" if self.was_cut else "")


@dataclass(frozen=True, slots=True)
class _Roomy:
    """A transport that keeps more of what a command prints."""

    inner: Transport
    limit: int

    @property
    def address(self) -> str:
        return self.inner.address

    async def connect(self) -> None:
        await self.inner.connect()

    async def run(
        self,
        argv: Sequence[str],
        *,
        timeout_s: float = 30.0,
        stdin: bytes = b"",
        output_limit: int = OUTPUT_LIMIT,
        heard: Heard | None = None,
    ) -> Completed:
        limit = max(output_limit, self.limit)
        return await self.inner.run(argv, timeout_s=timeout_s, stdin=stdin, output_limit=limit, heard=heard)

    async def stream(self, argv: Sequence[str], *, stdin: bytes = b"") -> Stream:
        return await self.inner.stream(argv, stdin=stdin)

    async def close(self) -> None:
        """Somebody else's: left alone."""


@dataclass(slots=True)
class Inquiry:
    """One host, asked for many parts.

    Attributes:
        reach: the host or controller.
        hung: programs that did not answer in time: they are not called again.
        lost: why it cannot be reached any more; "" while it can.
        has_rights: whether sudo lets it ask as root; None before it was tried. Where it refuses it is not tried again:
            each time leaves a line in the host's log.
    """

    reach: Reach
    hung: set[str] = field(default_factory=set)
    lost: str = ""
    has_rights: bool | None = None
    _finding_out: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def answer(self, part: Part) -> Answer:
        """Ask for one part; never raises for what the host does."""
        last = Answer(self.reach.name, part.tries[0])
        for argv in part.tries:
            last = await self._tried(part, argv)
            if last.text is not None or self.lost:
                return last
        return last

    async def _tried(self, part: Part, argv: tuple[str, ...]) -> Answer:
        answer = Answer(self.reach.name, argv)
        if self.lost:
            return replace(answer, why=self.lost)
        if argv[0] in self.hung:
            return replace(answer, why=f"{argv[0]} did not answer before")
        begun_s = time.monotonic()
        try:
            done = await self._run(part, argv)
        except CommandTimeout as error:
            self.hung.add(argv[0])
            return replace(answer, why=error.cause, seconds=time.monotonic() - begun_s)
        except (LinkError, ActionError) as error:
            self.lost = error.cause
            return replace(answer, why=error.cause)
        said = done.stdout + (f"\n--- errors ---\n{done.stderr}" if done.stderr.strip() else "")
        answer = replace(answer, exit_status=done.exit_status, seconds=time.monotonic() - begun_s)
        if done.exit_status == 0 and said.strip():
            return replace(answer, text=said, was_cut=len(done.stdout.encode()) >= part.limit)
        is_absent = done.exit_status is not None  # what ends badly on hosts without the like, e.g. rdma, is not there
        why = "it says nothing" if done.exit_status == 0 else complaint(done)
        return replace(answer, why=why, is_absent=is_absent)

    async def _run(self, part: Part, argv: tuple[str, ...]) -> Completed:
        reach = replace(self.reach, transport=_Roomy(self.reach.transport, part.limit))
        if not part.wants_root:
            return await reach.ask(*argv, timeout_s=part.timeout_s)
        async with self._finding_out:  # the first tells whether the others need try
            if self.has_rights is None:
                return await self._as_root(reach, part, argv)
        if self.has_rights:
            return await self._as_root(reach, part, argv)
        return await reach.ask(*argv, timeout_s=part.timeout_s)

    async def _as_root(self, reach: Reach, part: Part, argv: tuple[str, ...]) -> Completed:
        done = await ask_as_root(reach, *argv, timeout_s=part.timeout_s)
        is_refused = _is_sudos(done)
        if self.has_rights is None:
            self.has_rights = not is_refused
        return await reach.ask(*argv, timeout_s=part.timeout_s) if is_refused else done


def _is_sudos(done: Completed) -> bool:
    """Whether it was sudo that refused, or is not there; a command that it does not find is none of its refusals."""
    if done.exit_status == _NOT_FOUND:
        return "sudo" in done.stderr
    is_told = "sudo" in done.stderr or "Sorry, user" in done.stderr
    return done.exit_status != 0 and is_told and "command not found" not in done.stderr
