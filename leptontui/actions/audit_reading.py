"""Reads an audit back: its lines, whether they can be trusted, and which actions were begun and never ended.

What the chain and the head find: a line that was edited, taken out, put in or moved, and lines cut off the end. What
they do not: somebody who may write the audit, and writes it and its head anew from some line on. That takes a copy out
of that user's reach: `[audit] syslog` in the policy sends each line's hash to the system's log.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from leptontui.actions.audit_head import Head, head_path, read_head

FIRST: Final = "0" * 64
"""What the first line has in the place of its predecessor's hash."""

ENDS: Final = frozenset({"ended", "refused", "settled"})
"""Events after which a begun plan is over."""

Json = str | int | float | bool | None | list["Json"] | dict[str, "Json"]
Entry = Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class BadLine:
    """The first line at which an audit file cannot be trusted.

    Attributes:
        number: counted from 1.
        reason: what is wrong with it.
    """

    number: int
    reason: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What an audit's chain and head say.

    Attributes:
        lines: how many there are.
        bad: the first that cannot be trusted, None if all can.
        last: SHA-256 of the last line, to compare with a copy elsewhere; "" where there is none.
        notes: what could not be told, one line each.
    """

    lines: int
    bad: BadLine | None
    last: str
    notes: tuple[str, ...] = ()


def verify(path: Path) -> BadLine | None:
    """Read an audit file and check its chain and its head.

    A line torn by a crash is no fault if its successor says so and is chained to what is left of it.

    Returns:
        The first line that cannot be trusted, None if all can.

    Raises:
        OSError: the file cannot be read.
    """
    return examine(path).bad


def examine(path: Path) -> Verification:
    """The same, with what could not be told.

    Raises:
        OSError: the file cannot be read.
    """
    lines = _lines_of(path) if path.exists() or not head_path(path).exists() else []
    hashes = [hashlib.sha256(raw).hexdigest() for raw in lines]
    bad, notes = _chain(lines, hashes), list[str]()
    try:
        head = read_head(path)
    except ValueError:
        head = None
        bad = bad or BadLine(len(lines), "is the last: whether lines were cut off is not known, the head is spoilt")
    else:
        if head is None and lines:
            notes.append("there is no head beside it: whether lines were cut off its end is not known")
    bad = bad or _cut(head, hashes)
    notes += [f"line {n}: {said}" for n, said in _noted(lines)]
    return Verification(len(lines), bad, hashes[-1] if hashes else "", tuple(notes))


def _cut(head: Head | None, hashes: list[str]) -> BadLine | None:
    """Whether lines are missing at the end. A head may be behind: it is written after the line."""
    if head is None:
        return None
    if head.lines > len(hashes):
        return BadLine(len(hashes) + 1, f"is missing: there were {head.lines} lines")
    if hashes[head.lines - 1] != head.last:
        return BadLine(head.lines, "is not the one that was written")
    return None


def _chain(lines: list[bytes], hashes: list[str]) -> BadLine | None:
    expected, torn = FIRST, None
    for number, raw in enumerate(lines, 1):
        line = _decoded(raw)
        if torn is not None and (line is None or line.get("after_torn") is not True):
            return torn
        torn = None
        if line is None:
            torn = BadLine(number, "is not a JSON object: torn by a crash, or tampered with")
        elif line.get("prev") != expected:
            return BadLine(
                number,
                "does not follow from the line before it: one of them was edited, or lines moved or taken out",
            )
        elif "after_cut" in line:
            return BadLine(number, f"was written after the end had been cut off: {line['after_cut']}")
        expected = hashes[number - 1]
    return torn


def _noted(lines: list[bytes]) -> Iterator[tuple[int, str]]:
    for number, raw in enumerate(lines, 1):
        if b'"head_made":true' in raw and number > 1:
            yield number, "the head was made here: whether lines were cut off before is not known"


def entries(path: Path) -> tuple[Entry, ...]:
    """The lines of an audit that can be read, oldest first; none where there is no audit.

    Raises:
        OSError: it cannot be read.
    """
    try:
        lines = _lines_of(path)
    except FileNotFoundError:
        return ()
    return tuple(line for raw in lines if (line := _decoded(raw)) is not None)


def broken_off(found: tuple[Entry, ...]) -> tuple[Entry, ...]:
    """The lines that begin an action whose end is not in the audit, oldest first."""
    begun: dict[str, Entry] = {}
    for line in found:
        plan_id, event = line.get("plan_id"), line.get("event")
        if not isinstance(plan_id, str):
            continue
        if event == "begun":
            begun[plan_id] = line
        elif event in ENDS:
            begun.pop(plan_id, None)
    return tuple(begun.values())


def _lines_of(path: Path) -> list[bytes]:
    lines = path.read_bytes().split(b"\n")
    if lines[-1] == b"":
        lines.pop()
    return lines


def _decoded(raw: bytes) -> dict[str, Json] | None:
    try:
        line = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return line if isinstance(line, dict) else None
