"""Cuts the text of a condition into tokens: SQL's words, numbers, texts and operators, each with where it stands."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

MAX_CHARACTERS: Final = 2000
MAX_TOKENS: Final = 400
MAX_DEPTH: Final = 20
"""How deep brackets may be nested: the SQL parser calls itself, and its stack is finite."""

_LEXEME: Final = re.compile(
    r"""(?P<space>\s+)
    |(?P<text>'(?:[^']|'')*')
    |(?P<quoted>"(?:[^"]|"")*")
    |(?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)
    |(?P<word>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<operator><=|>=|<>|!=|\|\||[-+*/%<>=(),&|])""",
    re.VERBOSE | re.ASCII,
)
_HINTS: Final = {
    "--": "comments belong in the file, behind #",
    "/*": "comments belong in the file, behind #",
    "==": "SQL compares with a single =",
    "&&": "SQL writes AND",
    "||": "SQL writes OR",
    "!": "SQL writes NOT",
    ";": "a condition is one expression",
}


class Type(Enum):
    """What a token is."""

    WORD = auto()
    QUOTED = auto()
    """A name in double quotes."""
    TEXT = auto()
    NUMBER = auto()
    OPERATOR = auto()


@dataclass(frozen=True, slots=True)
class Token:
    """One token.

    Attributes:
        type: what it is.
        text: a word in lower case as SQL's are; a text or quoted name without its quotes; else as written.
        start, end: where it stands in the condition.
    """

    type: Type
    text: str
    start: int
    end: int

    def is_operator(self, text: str) -> bool:
        """Whether it is this operator."""
        return self.type is Type.OPERATOR and self.text == text


class ConditionError(ValueError):
    """A condition is wrong.

    Attributes:
        found: what is there.
        expected: what could be there instead, or "".
        suggestion: what was probably meant, or "".
    """

    def __init__(self, found: str, expected: str = "", suggestion: str = "") -> None:
        super().__init__(found)
        self.found = found
        self.expected = expected
        self.suggestion = suggestion


def tokens(condition: str) -> tuple[Token, ...]:
    """The tokens of a condition, without white space.

    Raises:
        ConditionError: too long, a character that no token begins with, an open quote or bracket, a comment.
    """
    if len(condition) > MAX_CHARACTERS:
        raise ConditionError(f"{len(condition)} characters", f"at most {MAX_CHARACTERS}")
    found: list[Token] = []
    position = depth = 0
    while position < len(condition):
        _refuse_lookalikes(condition, position)
        lexeme = _LEXEME.match(condition, position)
        if lexeme is None:
            raise _unknown(condition, position)
        name, text, position = str(lexeme.lastgroup), lexeme.group(), lexeme.end()
        if name == "space":
            continue
        found.append(_token(name, text, lexeme.start(), lexeme.end()))
        depth += (name == "operator" and text == "(") - (name == "operator" and text == ")")
        if depth < 0:
            raise ConditionError('")" without "("')
        if depth > MAX_DEPTH:
            raise ConditionError("brackets nested too deeply", f"at most {MAX_DEPTH}")
    if depth:
        raise ConditionError('"(" without ")"')
    if len(found) > MAX_TOKENS:
        raise ConditionError(f"{len(found)} words", f"at most {MAX_TOKENS}")
    if not found:
        raise ConditionError("empty", "a condition")
    return tuple(found)


def _token(name: str, text: str, start: int, end: int) -> Token:
    match name:
        case "text":
            return Token(Type.TEXT, text[1:-1].replace("''", "'"), start, end)
        case "quoted":
            return Token(Type.QUOTED, text[1:-1].replace('""', '"'), start, end)
        case "number":
            return Token(Type.NUMBER, text, start, end)
        case "word":
            return Token(Type.WORD, text.lower(), start, end)
        case _:
            return Token(Type.OPERATOR, text, start, end)


def _refuse_lookalikes(condition: str, position: int) -> None:
    pair = condition[position : position + 2]
    if pair in _HINTS:
        raise ConditionError(f'"{pair}"', suggestion=_HINTS[pair])


def _unknown(condition: str, position: int) -> ConditionError:
    character = condition[position]
    if character in "'\"":
        return ConditionError(f"{character} is not closed")
    shown = character if character.isprintable() else ascii(character)[1:-1]
    return ConditionError(f'"{shown}"', "SQL's operators and names", _HINTS.get(character, ""))
