"""Where in a TOML text a key stands: `tomllib` tells values but not lines."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

_HEADER: Final = re.compile(r"\s*(\[\[?)\s*([^\[\]]*?)\s*\]\]?\s*$")
_KEY: Final = re.compile(r"""\s*("(?:[^"\\]|\\.)*"|'[^']*'|[A-Za-z0-9_-]+)\s*[.=]""")
_TOKEN: Final = re.compile(r'''"""|\'\'\'|"(?:[^"\\]|\\.)*"|'[^']*'|#.*|[\[\]{}]''')


@dataclass(slots=True)
class _Scan:
    """What is open at the end of a line: a multi-line string's quotes, and how many brackets."""

    quotes: str = ""
    depth: int = 0

    def read(self, line: str) -> str:
        """Step over one line; returns it without comments."""
        position, bare = 0, line
        while position < len(line):
            if self.quotes:
                end = line.find(self.quotes, position)
                if end < 0:
                    return bare
                position, self.quotes = end + len(self.quotes), ""
                continue
            token = _TOKEN.search(line, position)
            if token is None:
                return bare
            position = token.end()
            text = token.group()
            if text in {'"""', "'''"}:
                self.quotes = text
            elif text[0] == "#":
                return line[: token.start()]
            elif text in "[{":
                self.depth += 1
            elif text in "]}":
                self.depth = max(0, self.depth - 1)
        return bare


@dataclass(slots=True)
class Lines:
    """The lines of one TOML text, by table and key. Made with `Lines.of`.

    A table is (name, n): ("", 0) is the top level, ("group", 2) the third `[[group]]`.
    """

    _text: list[str]
    _tables: dict[tuple[str, int], int] = field(default_factory=dict)
    _keys: dict[tuple[str, int, str], int] = field(default_factory=dict)

    @classmethod
    def of(cls, text: str) -> Lines:
        """Scan `text`. Never fails: what it cannot find has no line."""
        found = cls(text.split("\n"))
        counts: dict[str, int] = {}
        table, scan = ("", 0), _Scan()
        for number, line in enumerate(found._text, start=1):
            is_inside = bool(scan.quotes) or scan.depth > 0
            bare = scan.read(line)
            if is_inside:
                continue
            if header := _HEADER.match(bare):
                name = header.group(2).strip("\"'")
                table = (name, counts.get(name, 0))
                counts[name] = table[1] + 1
                found._tables.setdefault(table, number)
                scan.depth = 0
            elif key := _KEY.match(bare):
                found._keys.setdefault((*table, key.group(1).strip("\"'")), number)
        return found

    def key(self, table: str, n: int, key: str) -> int | None:
        """The line of `key` in a table; else the table's own line; None if that is not found either."""
        places = (
            self._keys.get((table, n, key)),
            self._tables.get((table, n)),
            self._tables.get((key, 0)) if not table else self._keys.get(("", 0, table)),
        )
        return next((line for line in places if line is not None), None)

    def first_inner(self, table: str, n: int, inner: str) -> int | None:
        """Which of the text's `[[inner]]` tables is the first below the n-th `[[table]]`; None if none is."""
        start = self._tables.get((table, n), 0)
        end = self._tables.get((table, n + 1), len(self._text) + 1)
        found = [m for (name, m), line in self._tables.items() if name == inner and start < line < end]
        return min(found, default=None)

    def item(self, table: str, n: int, key: str, item: str) -> int | None:
        """The line on which the text `item` stands within the value of `key`; else the key's line."""
        return self.items(table, n, key, [item])[0]

    def items(self, table: str, n: int, key: str, items: Iterable[str]) -> list[int | None]:
        """The same for several items that stand there in this order, in one pass."""
        start = self.key(table, n, key)
        if start is None:
            return [None for _ in items]
        others = [line for line in (*self._tables.values(), *self._keys.values()) if line > start]
        end = min(others, default=len(self._text) + 1)
        found: list[int | None] = []
        at = start
        for item in items:
            line = next((line for line in range(at, end) if item in self._text[line - 1]), None)
            at = line or at
            found.append(line or start)
        return found
