"""Takes out of a program's text what only people read, line by line, so that tracebacks name the right lines still."""

from __future__ import annotations

import io
import tokenize
from typing import Final

_NOT_SAID: Final = frozenset({tokenize.NL, tokenize.COMMENT})
_STARTS: Final = frozenset({tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING})


def bare_python(source: str) -> str:
    """`source` without comments and docstrings, as many lines as before; a notice of copyright at its head stays.

    Raises:
        tokenize.TokenError, SyntaxError: it is no Python.
    """
    lines = source.splitlines(keepends=True)
    said = list(tokenize.generate_tokens(io.StringIO(source).readline))
    spoken = [token for token in said if token.type not in _NOT_SAID]
    head = spoken[0].start[0] if "Copyright" in source[:4096] else 0
    cuts = [(token, "") for token in said if token.type == tokenize.COMMENT and token.start[0] >= head]
    for n, token in enumerate(spoken):
        before = spoken[n - 1].type if n else tokenize.ENCODING
        if token.type == tokenize.STRING and before in _STARTS and spoken[n + 1].type == tokenize.NEWLINE:
            is_all = before == tokenize.INDENT and spoken[n + 2].type == tokenize.DEDENT
            cuts.append((token, "0" if is_all else ""))
    for token, instead in sorted(cuts, key=lambda cut: cut[0].start, reverse=True):
        (first, start), (last, end) = token.start, token.end
        rest = lines[last - 1][end:]
        lines[first - 1] = lines[first - 1][:start] + instead + ("\n" if last > first else rest)
        for between in range(first, last - 1):
            lines[between] = "\n"
        if last > first:
            lines[last - 1] = rest
    return "".join(line.rstrip() + "\n" for line in lines)


def bare_script(source: str) -> str:
    """A shell's or awk's `source` without indentation, empty lines and those that are a comment."""
    lines = (line.strip() for line in source.splitlines())
    return "".join(line + "\n" for line in lines if line and not line.startswith("#"))
