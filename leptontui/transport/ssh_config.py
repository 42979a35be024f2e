"""The user's OpenSSH client configuration, cut down to what concerns one host before asyncssh parses it.

asyncssh parses the whole file for every connection: 147 ms for one with 1,000 hosts, so two and a half minutes of CPU
to dial them all. Which `Host` blocks match depends on the name alone, so the others can be left out beforehand. `Match`
blocks are kept, and judged by asyncssh. What is left is usually the same few lines, or none.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shlex
import shutil
import stat
import tempfile
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import translate
from functools import lru_cache
from pathlib import Path
from typing import Final

_MAX_DEPTH: Final = 16
"""OpenSSH's own limit on nested Include, readconf.c."""
_WILD: Final = frozenset("*?!,")


@dataclass(slots=True)
class _Block:
    """Lines under one `Host` or `Match` line; `patterns` is None for `Match` and for the file's beginning."""

    header: str
    patterns: tuple[str, ...] | None
    lines: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _File:
    """A file's blocks. `exact` finds blocks whose patterns are plain names; `other` are all the rest, by position."""

    blocks: tuple[_Block, ...]
    exact: dict[str, list[int]]
    other: tuple[int, ...]

    def matching(self, name: str) -> Iterator[_Block]:
        """Blocks that may concern `name`, in the file's order: for OpenSSH the first value wins."""
        for index in sorted([*self.exact.get(name, ()), *self.other]):
            block = self.blocks[index]
            if block.patterns is None or _matches(block.patterns, name):
                yield block


class ConfigShelf:
    """Reads configuration files once, and again when they change; hands out the part for one host as a small file.

    Call `close` to remove those files.
    """

    def __init__(self) -> None:
        self._files: dict[Path, tuple[tuple[int, int, int], _File]] = {}
        self._directory: Path | None = None
        self._remove: weakref.finalize[..., ConfigShelf] | None = None

    def for_host(self, path: Path, name: str) -> Path | None:
        """A file with what `path` says about `name`; None if it says nothing. Reads and writes files.

        Raises:
            OSError: `path` cannot be read.
        """
        return self.written(self.text_for([path], name))

    def text_for(self, paths: Sequence[Path], name: str) -> str:
        """What these files, the first of which counts most, say about `name`; "" if nothing.

        Raises:
            OSError: one of them cannot be read.
        """
        texts = ("\n".join(self._lines(path, name, ())) for path in paths)
        return "\nHost *\n".join(text for text in texts if text)

    def written(self, text: str) -> Path | None:
        """A file with this text; None if there is none."""
        return self._written(text + "\n") if text else None

    def close(self) -> None:
        """Remove the small files."""
        if self._remove is not None:
            self._remove()
        self._directory = self._remove = None

    def _lines(self, path: Path, name: str, chain: tuple[Path, ...]) -> Iterator[str]:
        if path in chain or len(chain) > _MAX_DEPTH:
            # ssh gives up at that depth; here a file that includes itself twice would keep us for ever.
            raise OSError(errno.ELOOP, "its Include leads back to itself, or too deep", str(path))
        for block in self._file(path).matching(name):
            if block.header:
                yield block.header
            for line in block.lines:
                included = None if block.header.lower().startswith("match") else _included(line)
                if included is None:
                    yield line
                    continue
                for pattern in included:
                    for found in _found(pattern):
                        yield from self._lines(found, name, (*chain, path))
                # An included file may end inside a block that does not match.
                yield block.header or "Host *"

    def _file(self, path: Path) -> _File:
        found = path.stat()
        stamp = found.st_mtime_ns, found.st_size, found.st_ino
        cached = self._files.get(path)
        if cached is None or cached[0] != stamp:
            cached = stamp, _parsed(path.read_text(encoding="utf-8", errors="surrogateescape"))
            self._files[path] = cached
        return cached[1]

    def _written(self, text: str) -> Path:
        content = text.encode("utf-8", "surrogateescape")
        path = self._private_directory() / hashlib.sha256(content).hexdigest()[:32]
        if not path.exists():
            path.write_bytes(content)
        return path

    def _private_directory(self) -> Path:
        """The directory of the small files; a new one if the old was cleaned away, as /tmp is after some days.

        Somebody else may have made one of the same name since then: a configuration may name commands to run, so
        nothing is read from a directory that is not ours alone.
        """
        if self._directory is None or not _is_ours(self._directory):
            self.close()
            self._directory = Path(tempfile.mkdtemp(prefix="leptontui-ssh-"))
            # Also where nobody calls `close`, at the latest when the program ends.
            self._remove = weakref.finalize(self, shutil.rmtree, self._directory, ignore_errors=True)
        return self._directory


def _is_ours(directory: Path) -> bool:
    try:
        found = directory.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077


def _parsed(text: str) -> _File:
    blocks = [_Block("", None)]
    for raw in text.splitlines():
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        keyword, rest = _keyword(line)
        if keyword == "host":
            blocks.append(_Block(line, _patterns(rest)))
        elif keyword == "match":
            blocks.append(_Block(line, None))
        else:
            blocks[-1].lines.append(line)
    exact: dict[str, list[int]] = {}
    other: list[int] = []
    for index, block in enumerate(blocks):
        if block.patterns is None or any(_WILD & set(pattern) for pattern in block.patterns):
            other.append(index)
        else:
            for pattern in dict.fromkeys(block.patterns):
                exact.setdefault(pattern, []).append(index)
    return _File(tuple(blocks), exact, tuple(other))


def first_value(text: str, *keywords: str) -> tuple[str, str]:
    """The first line of `text` that sets one of these, in lower case, and what to; ("", "") if none does.

    For what asyncssh does not read, and for what has to be known before it does.
    """
    for line in text.splitlines():
        keyword, rest = _keyword(line.strip())
        if keyword in keywords:
            return keyword, rest.strip().strip('"')
    return "", ""


def _keyword(line: str) -> tuple[str, str]:
    found = re.match(r'"?([A-Za-z]+)"?(?:\s*=\s*|\s+)(.*)', line)
    return (found[1].lower(), found[2]) if found else ("", line)


def _patterns(rest: str) -> tuple[str, ...] | None:
    """The patterns of a `Host` line; None where they cannot be told, so that asyncssh judges and complains."""
    try:
        return tuple(shlex.split(rest))
    except ValueError:
        return None


def _included(line: str) -> list[str] | None:
    keyword, rest = _keyword(line)
    if keyword != "include":
        return None
    try:
        return shlex.split(rest)
    except ValueError:
        return None


def _found(pattern: str) -> list[Path]:
    """Files an Include names, in the order of their names; relative ones are under ~/.ssh."""
    path = Path(pattern).expanduser()
    base = Path(path.anchor) if path.anchor else Path("~/.ssh").expanduser()
    relative = str(path.relative_to(path.anchor)) if path.anchor else str(path)
    return sorted(found for found in base.glob(relative) if found.is_file())


def _matches(patterns: tuple[str, ...], name: str) -> bool:
    """Whether a `Host` line matches: some pattern does and no negated one does."""
    flat = [part for pattern in patterns for part in pattern.split(",")]
    if any(part.startswith("!") and _wildcard(part[1:]).match(name) for part in flat):
        return False
    return any(not part.startswith("!") and _wildcard(part).match(name) for part in flat)


@lru_cache(maxsize=4096)
def _wildcard(pattern: str) -> re.Pattern[str]:
    # In ssh_config only `*` and `?` are special: brackets are escaped.
    return re.compile(translate(pattern.replace("[", "[[]")))
