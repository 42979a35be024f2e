"""Asks one source: reads its files, or runs its command here or on a controller, and says in words why it failed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final

from leptontui.config.assemble import controller_target
from leptontui.config.found import Found, FoundHost, NotUnderstood, sorted_out
from leptontui.config.source import SourceSpec
from leptontui.errors import CommandTimeout, LinkError
from leptontui.inventory.answer import Answer, NotAnswered
from leptontui.inventory.commands import Command, commands_of
from leptontui.inventory.looking import stamp_of
from leptontui.inventory.source_files import read_source_files
from leptontui.model.target import HostTarget
from leptontui.model.text import plain
from leptontui.transport.contract import Completed, Transport

MAX_ANSWER_BYTES: Final = 64 << 20
"""Bytes of one answer: kubectl prints about 15 KB a node."""
_NOT_FOUND: Final = 127
"""Exit status of a shell, and of env, where there is no such command."""
_WORDS: Final = 200
_PARTITIONS_SHOWN: Final = 10

Connect = Callable[[HostTarget | None], Transport]
"""The way to a controller, or to this machine for None."""


async def ask(spec: SourceSpec, connect: Connect) -> Answer:
    """What the source says now.

    Args:
        spec: the source.
        connect: makes transports, which are not closed here.

    Raises:
        NotAnswered: it cannot be read or asked, or is not understood.
    """
    if not spec.is_asked:
        answer = await asyncio.to_thread(read_source_files, spec)
        if answer is not None:
            return answer
    seen = await asyncio.to_thread(lambda: {path: stamp_of(path) for path in spec.files})
    transport = connect(None if spec.controller is None else controller_target(spec.options, spec.controller))
    hosts: list[FoundHost] = []
    for choices in commands_of(spec):
        hosts += await _first(choices, spec, transport)
    try:
        return Answer(await asyncio.to_thread(_checked, hosts, spec), seen, is_asked=True)
    except NotUnderstood as error:
        raise NotAnswered(_words_of(error)) from None


def _checked(hosts: list[FoundHost], spec: SourceSpec) -> Found:
    if spec.kind == "slurm":
        hosts = _in_partitions(hosts, spec.groups)
    return sorted_out(hosts)


def _in_partitions(hosts: list[FoundHost], wanted: tuple[str, ...]) -> list[FoundHost]:
    """The nodes of these partitions, or all; without nodes that are only planned."""
    known = {group for host in hosts for group in host.groups}
    if hosts and (unknown := [name for name in wanted if name not in known]):
        partitions = sorted(known)[:_PARTITIONS_SHOWN]
        raise NotUnderstood(f"no partition {', '.join(unknown)}", expected=f"one of {', '.join(partitions)}")
    return [
        host
        for host in hosts
        if not host.node_state.startswith("future") and (not wanted or set(wanted) & set(host.groups))
    ]


async def _first(choices: tuple[Command, ...], spec: SourceSpec, transport: Transport) -> list[FoundHost]:
    """The answer of the first command that works; the failure of the last if none does."""
    *others, last = choices
    for command in others:
        try:
            return await _run(command, spec, transport)
        except _Unsuited:
            continue
    try:
        return await _run(last, spec, transport)
    except _Unsuited as error:
        raise NotAnswered(error.cause, error.mend) from None


class _Unsuited(NotAnswered):
    """The command ran and failed, or printed something else: another may do."""


async def _run(command: Command, spec: SourceSpec, transport: Transport) -> list[FoundHost]:
    try:
        done = await transport.run(command.argv, timeout_s=spec.timeout_s, output_limit=MAX_ANSWER_BYTES)
    except CommandTimeout:
        words = f"{_program(command)} gave no answer within {spec.timeout_s:g} s"
        raise NotAnswered(words, "set a longer timeout_s, or see why it hangs") from None
    except LinkError as error:
        raise NotAnswered(f"{transport.address}: {error.cause}", error.mend) from None
    if done.exit_status != 0:
        raise _failure(command, done, transport)
    if len(done.stdout) >= MAX_ANSWER_BYTES:
        raise NotAnswered(f"{_program(command)} printed more than {MAX_ANSWER_BYTES >> 20} MiB", "ask for fewer hosts")
    try:
        # A large answer takes a second to read: not on the loop that all links share.
        return await asyncio.to_thread(command.read, done.stdout)
    except NotUnderstood as error:
        said = _last_line(done.stderr)
        words = f"what {_program(command)} printed is not understood: {_words_of(error)}"
        raise _Unsuited(words + (f" ({said})" if said else ""), command.mend) from None


def _failure(command: Command, done: Completed, transport: Transport) -> _Unsuited:
    program = _program(command)
    said = _last_line(done.stderr) or _last_line(done.stdout)
    if done.exit_status == _NOT_FOUND:
        more = "" if not said or program in said else f" ({said})"
        return _Unsuited(f"{program} was not found on {transport.address}{more}", command.mend)
    how = "was ended" if done.exit_status is None else f"exited with {done.exit_status}"
    return _Unsuited(f"{program} {how}" + (f": {said}" if said else ""), command.mend)


def _program(command: Command) -> str:
    argv = command.argv
    return "nodeset" if "ClusterShell.CLI.Nodeset" in argv else plain(Path(argv[0]).name, 60)


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return plain(lines[-1], _WORDS) if lines else ""


def _words_of(error: NotUnderstood) -> str:
    line = f"line {error.line}: " if error.line is not None else ""
    return plain(f"{line}{error.found}" + (f", expected {error.expected}" if error.expected else ""), 2 * _WORDS)
