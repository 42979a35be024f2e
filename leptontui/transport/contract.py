"""What every transport offers: run one command on a host, or keep one open and read its lines."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

Heard = Callable[[bytes], None]
"""Takes what a command prints, in pieces as they come; must not block or raise."""

OUTPUT_LIMIT: Final = 256 * 1024
"""Bytes kept of a command's output where nobody asks for more, and of its errors."""


@dataclass(frozen=True, slots=True)
class Completed:
    """What a command did.

    Attributes:
        exit_status: its exit status; -N if signal N ended it; None if the host did not say.
        stdout: what it printed, size-limited, invalid UTF-8 replaced.
        stderr: likewise.
    """

    exit_status: int | None
    stdout: str
    stderr: str


class Stream(Protocol):
    """A command that keeps running on a host."""

    def lines(self) -> AsyncIterator[bytes]:
        """Its output, line by line, without the newline; ends when the command ends.

        Raises:
            LinkError: the link broke.
            WireError: a line is longer than `wire.MAX_LINE_BYTES`.
        """

    async def close(self) -> Completed:
        """Close its stdin, wait briefly, then end it; returns its exit status and what it wrote to stderr."""


class Transport(Protocol):
    """The way to one host."""

    @property
    def address(self) -> str:
        """What is dialled, for people: "oncall@10.0.0.7:22 via bastion1"."""

    async def connect(self) -> None:
        """Dial. A no-op when connected.

        Raises:
            LinkError: with the plain-language fault.
        """

    async def run(
        self,
        argv: Sequence[str],
        *,
        timeout_s: float = 30.0,
        stdin: bytes = b"",
        output_limit: int = OUTPUT_LIMIT,
        heard: Heard | None = None,
    ) -> Completed:
        """Run one command to its end; output beyond `output_limit` bytes is discarded. `argv` is quoted only here.

        `heard` is given all that it prints, output and errors, as it comes.

        Raises:
            LinkError: the link broke.
            CommandTimeout: it ran past `timeout_s`.
        """

    async def stream(self, argv: Sequence[str], *, stdin: bytes = b"") -> Stream:
        """Start a command, send `stdin` and leave its stdin open.

        Raises:
            LinkError: the link broke or the host refused the channel.
        """

    async def close(self) -> None:
        """Hang up."""
