"""Turns a condition as people write it into polars SQL, and says which columns and derived columns it needs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Protocol

from leptontui.alerts.rules.calls import derived_call
from leptontui.alerts.rules.derived import FUNCTIONS, Derived
from leptontui.alerts.rules.durations import parse_duration
from leptontui.alerts.rules.tokens import ConditionError, Token, Type, tokens
from leptontui.config.problem import did_you_mean

KEYWORDS: Final = frozenset(
    {
        *("and", "or", "not", "in", "is", "null", "true", "false", "between", "like", "ilike"),
        *("case", "when", "then", "else", "end"),
    }
)
SQL_FUNCTIONS: Final = (
    *("abs", "round", "floor", "ceil", "sign", "sqrt"),
    *("coalesce", "nullif", "ifnull", "greatest", "least"),
    *("lower", "upper", "length", "starts_with", "ends_with"),
)
"""Of one row, from its own values only: no aggregate, no table, no file."""

_ORDER: Final = ("<", "<=", ">", ">=")
_RISING: Final = (">", ">=")
_PATTERNED: Final = frozenset({"like", "ilike"})
MOST_WILDCARDS: Final = 40
"""In one pattern: of many hundreds polars makes an automaton that takes minutes and gigabytes."""
_ENDS: Final = frozenset({"and", "or", "then", "else", "end", "when"})


class Vocabulary(Protocol):
    """What may be named in a condition."""

    def column(self, name: str) -> str:
        """The column called so.

        Raises:
            ConditionError: there is none; says what was probably meant.
        """

    def rate(self, counter: str) -> str:
        """The column of a counter's rate.

        Raises:
            ConditionError: it is no counter.
        """

    def check(self, derived: Derived) -> None:
        """Refuse what cannot be derived.

        Raises:
            ConditionError: the metric has no history, or the time is too long.
        """


@dataclass(frozen=True, slots=True)
class Threshold:
    """What a forecast is compared with.

    Attributes:
        metric: whose forecast.
        sql: the expression to be reached, as polars SQL.
        is_rising: whether trouble is at and above it; else at and below.
    """

    metric: str
    sql: str
    is_rising: bool


@dataclass(slots=True)
class Written:
    """A condition as polars SQL, and what it needs; grows while it is read.

    Attributes:
        pieces: the SQL, token by token.
        columns: columns it names.
        derived: derived columns it names.
        texts, numbers: literals, for trying it out.
        threshold: what the first forecast in it is compared with.
    """

    pieces: list[str] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)
    derived: list[Derived] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    numbers: list[float] = field(default_factory=list)
    threshold: Threshold | None = None

    @property
    def sql(self) -> str:
        """The whole of it."""
        return " ".join(self.pieces)


def write(condition: str, names: Vocabulary) -> Written:
    """Turn a condition into polars SQL.

    Every name becomes a quoted one, so that none can be a keyword; functions must be known ones.

    Raises:
        ConditionError: anything in it is not allowed, not known, or not complete.
    """
    found = Written()
    _write(tokens(condition), names, found)
    return found


def _write(items: tuple[Token, ...], names: Vocabulary, found: Written) -> None:
    position = 0
    while position < len(items):
        token = items[position]
        if token.type is Type.WORD and position + 1 < len(items) and items[position + 1].is_operator("("):
            position = _write_call(items, position, names, found)
            continue
        found.pieces.append(_written(items, position, names, found))
        position += 1


def _written(items: tuple[Token, ...], position: int, names: Vocabulary, found: Written) -> str:
    """One token that begins no call, as SQL."""
    token = items[position]
    match token.type:
        case Type.WORD if token.text in KEYWORDS:
            return token.text.upper()
        case Type.WORD:
            column = names.column(token.text)
            found.columns.append(column)
            return quoted_name(column)
        case Type.QUOTED:
            raise ConditionError(f'"{token.text}"', "a column's name without quotes, or a text in single quotes")
        case Type.TEXT:
            seconds = parse_duration(token.text)
            if seconds is not None and _is_ordered(items, position):
                found.numbers.append(seconds)
                return repr(seconds) + "e0"
            wild = token.text.count("%") + token.text.count("_")
            if wild > MOST_WILDCARDS and position and items[position - 1].text in _PATTERNED:
                raise ConditionError(f"a pattern with {wild} wildcards", f"at most {MOST_WILDCARDS}")
            found.texts.append(token.text)
            return "'" + token.text.replace("'", "''") + "'"
        case Type.NUMBER:
            found.numbers.append(float(token.text))
            # polars takes 0.97 for a decimal number of two digits and 0.97e0 for a float.
            return f"{token.text}e0" if "." in token.text and "e" not in token.text.lower() else token.text
        case _:
            return token.text


def _is_ordered(items: tuple[Token, ...], position: int) -> bool:
    """Whether a literal stands beside "<" or the like: there a text is a duration."""
    beside = items[max(0, position - 1) : position] + items[position + 1 : position + 2]
    return any(token.type is Type.OPERATOR and token.text in _ORDER for token in beside)


def _write_call(items: tuple[Token, ...], position: int, names: Vocabulary, found: Written) -> int:
    """One call; returns the position behind it."""
    name = items[position].text
    if name in KEYWORDS:
        found.pieces.append(name.upper())
        return position + 1
    if name in SQL_FUNCTIONS:
        found.pieces.append(name.upper())
        return position + 1
    if name not in FUNCTIONS:
        guess = did_you_mean(name, (*FUNCTIONS, *SQL_FUNCTIONS))
        expected = "" if guess else "one of " + ", ".join((*FUNCTIONS, *SQL_FUNCTIONS))
        raise ConditionError(f"unknown function {name}", expected, guess)
    end = _closing(items, position + 1)
    inner = items[position + 2 : end]
    if name == "rate":
        column = names.rate(_one_word(name, inner))
        found.columns.append(column)
        found.pieces.append(quoted_name(column))
        return end + 1
    derived = derived_call(name, inner, lambda part: _inner(part, names, found))
    names.check(derived)
    found.derived.append(derived)
    found.pieces.append(quoted_name(derived.column))
    _note_threshold(items, end + 1, derived, names, found)
    return end + 1


def _inner(items: tuple[Token, ...], names: Vocabulary, found: Written) -> str:
    """An expression within a call; what it names, the condition names."""
    inner = Written()
    _write(items, names, inner)
    if inner.derived:
        raise ConditionError("a derived value within a call", "columns and numbers")
    found.columns += inner.columns
    found.numbers += inner.numbers
    return inner.sql


def _note_threshold(
    items: tuple[Token, ...], position: int, derived: Derived, names: Vocabulary, found: Written
) -> None:
    if found.threshold is not None or not derived.is_predicting:
        return
    if derived.function == "eta":
        found.threshold = Threshold(derived.metric, derived.threshold, is_rising=True)
        return
    if position >= len(items) or items[position].type is not Type.OPERATOR or items[position].text not in _ORDER:
        return
    end = depth = 0
    for end in range(position + 1, len(items) + 1):
        if end == len(items):
            break
        token = items[end]
        depth += token.is_operator("(") - token.is_operator(")")
        if depth < 0 or (depth == 0 and token.type is Type.WORD and token.text in _ENDS):
            break
    sql = _inner(items[position + 1 : end], names, Written())
    if sql:
        found.threshold = Threshold(derived.metric, sql, is_rising=items[position].text in _RISING)


def _closing(items: tuple[Token, ...], opening: int) -> int:
    """Position of the bracket that closes the one at `opening`; brackets are known to match."""
    depth = 0
    for position in range(opening, len(items)):
        depth += items[position].is_operator("(") - items[position].is_operator(")")
        if depth == 0:
            return position
    raise ConditionError('"(" without ")"')


def _one_word(function: str, items: tuple[Token, ...]) -> str:
    if len(items) != 1 or items[0].type is not Type.WORD:
        raise ConditionError(f"{function}(…)", f"{function}(COUNTER)")
    return items[0].text


def quoted_name(name: str) -> str:
    """A column's name as SQL quotes it."""
    return '"' + name.replace('"', '""') + '"'
