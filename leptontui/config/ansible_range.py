"""Ansible's host patterns: `gpu[01:64].train:2222` becomes names and a port, sizes computed before expanding."""

from __future__ import annotations

import ipaddress
import itertools
import re
import string
from typing import Final

from leptontui.config.found import NotUnderstood
from leptontui.config.hostlist import MAX_HOSTS
from leptontui.config.problem import quoted

_RANGE: Final = re.compile(r"\[([^\[\]]*)\]")
_NUMBERS: Final = re.compile(r"([0-9]{0,9}):([0-9]{1,9})(?::([0-9]{1,9}))?")
_LETTERS: Final = re.compile(r"([A-Za-z]):([A-Za-z])(?::([0-9]{1,3}))?")
_PORT: Final = re.compile(r"(.*):([0-9]{1,5})")
_EXPECTED: Final = "a range such as [01:64] or [a:d]"
_ALPHABET: Final = string.ascii_letters
"""Ansible counts from a to Z in this order, expand_hostname_range in inventory/manager."""


def expand_pattern(pattern: str, room: int = MAX_HOSTS) -> tuple[list[str], int | None]:
    """The names a pattern stands for, and its port if it has one.

    Raises:
        NotUnderstood: a range is none, or there are more than `room` names.
    """
    if _is_address(pattern):
        return [pattern], None
    if pattern.startswith("[") and _is_address(pattern[1:].partition("]")[0]):
        address, _, tail = pattern[1:].partition("]")
        if tail and not _PORT.fullmatch(tail):
            raise NotUnderstood(f"host {quoted(pattern)}", expected="[address]:port")
        return [address], int(tail[1:]) if tail else None
    found = _PORT.fullmatch(pattern)
    port = None
    if found is not None and ":" in _RANGE.sub("", pattern):
        pattern, port = found[1], int(found[2])
    parts = _RANGE.split(pattern)  # texts and ranges in turn
    if any("[" in text or "]" in text for text in parts[::2]):
        raise NotUnderstood(f"host {quoted(pattern)}", expected=_EXPECTED)
    choices = [_choices(part, pattern, room) if n % 2 else [part] for n, part in enumerate(parts)]
    size = 1
    for choice in choices:
        size *= len(choice)
    if size > room:
        raise NotUnderstood(f"more than {MAX_HOSTS:,} hosts in {quoted(pattern)}", expected="a smaller range")
    return ["".join(words) for words in itertools.product(*choices)], port


def _choices(text: str, pattern: str, room: int) -> list[str]:
    if (numbers := _NUMBERS.fullmatch(text)) is not None:
        first, last, step = int(numbers[1] or 0), int(numbers[2]), int(numbers[3] or 1)
        width = len(numbers[1]) if numbers[1].startswith("0") else 0
        if first > last or step == 0:
            raise NotUnderstood(f"range {quoted(f'[{text}]')} in {quoted(pattern)}", expected="the smaller one first")
        if (last - first) // step >= room:
            raise NotUnderstood(f"more than {MAX_HOSTS:,} hosts in {quoted(pattern)}", expected="a smaller range")
        return [str(number).zfill(width) for number in range(first, last + 1, step)]
    if (letters := _LETTERS.fullmatch(text)) is not None:
        low, high = _ALPHABET.index(letters[1]), _ALPHABET.index(letters[2])
        if low > high or letters[3] == "0":
            raise NotUnderstood(f"range {quoted(f'[{text}]')} in {quoted(pattern)}", expected="the smaller one first")
        return list(_ALPHABET[low : high + 1 : int(letters[3] or 1)])
    raise NotUnderstood(f"range {quoted(f'[{text}]')} in {quoted(pattern)}", expected=_EXPECTED)


def _is_address(text: str) -> bool:
    try:
        return ipaddress.ip_address(text).version == 6  # noqa: PLR2004 — an IPv4 address has no colon to be told apart
    except ValueError:
        return False
