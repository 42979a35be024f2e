"""The hosts that an OpenSSH client configuration names: its `Host` lines without wildcards, Include followed."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from leptontui.config.found import FoundHost
from leptontui.config.hostlist import host_name

_KEYWORD: Final = re.compile(r'"?([A-Za-z]+)"?(?:\s*=\s*|\s+)(.*)')
_MAX_DEPTH: Final = 16
"""OpenSSH's own limit on nested Include, readconf.c."""
_MOST_FILES: Final = 1_000
"""Files that include each other several times would be read for ever."""
_FORGE_USER: Final = "git"
"""Who logs in as this gets no shell: a place for repositories, not a host to watch."""

Read = Callable[[Path], str]
Listed = Callable[[Path, str], Sequence[Path]]


@dataclass(slots=True)
class _Names:
    """What was read so far: names with where they stand, and those that belong to forges."""

    read: Read
    listed: Listed
    places: dict[str, str] = field(default_factory=dict)
    forges: set[str] = field(default_factory=set)
    open: tuple[str, ...] = ()
    chain: tuple[Path, ...] = ()
    files: int = 0


def ssh_config_hosts(path: Path, read: Read, listed: Listed) -> list[FoundHost]:
    """The hosts, in the order in which they are named first. How each is reached the configuration says at dialling.

    Args:
        path: the configuration.
        read: the text of a file.
        listed: files under a directory that match a pattern.

    Raises:
        OSError: the configuration, or a file that it includes, cannot be read.
        ValueError: it is no text, or includes too much.
    """
    names = _Names(read, listed)
    _read(path, names)
    return [FoundHost(name, where=where) for name, where in names.places.items() if name not in names.forges]


def _read(path: Path, names: _Names) -> None:
    if path in names.chain or len(names.chain) > _MAX_DEPTH:
        return
    names.files += 1
    if names.files > _MOST_FILES:
        raise ValueError(f"more than {_MOST_FILES:,} files are included")
    outer, names.chain = names.open, (*names.chain, path)
    for number, line in enumerate(names.read(path).split("\n"), start=1):
        found = _KEYWORD.match(line.strip())
        if found is None:
            continue
        match found[1].lower():
            case "host":
                names.open = tuple(word for word in _words(found[2]) if _is_name(word))
                for name in names.open:
                    names.places.setdefault(name, f"{path}:{number}")
            case "match":
                names.open = ()
            case "user" if _words(found[2]) == [_FORGE_USER]:
                names.forges.update(names.open)
            case "include":
                for included in _included(found[2], names.listed):
                    _read(included, names)
    names.open, names.chain = outer, names.chain[:-1]


def _included(text: str, listed: Listed) -> Iterator[Path]:
    """Files that an Include names; relative ones are under ~/.ssh."""
    for pattern in _words(text):
        try:
            path = Path(pattern).expanduser()
        except RuntimeError:
            continue
        base = Path(path.anchor) if path.anchor else Path("~/.ssh").expanduser()
        yield from listed(base, str(path.relative_to(path.anchor)) if path.anchor else str(path))


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text, comments=True)
    except ValueError:
        return []


def _is_name(word: str) -> bool:
    return not set(word) & set("*?!%") and host_name(word) is not None
