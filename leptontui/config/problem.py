"""One thing wrong with what the user wrote, as a value: where, what was found, what was expected, what was meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from leptontui.errors import ConfigError
from leptontui.model.text import plain

_LONGEST_QUOTE = 60
_LONGEST_LINE = 2000


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with the command line or a file.

    Attributes:
        file: the file as the user named it, or the option ("--hosts").
        line: line number from 1, None where no line can be named.
        key: which setting, e.g. "group train: port"; "" for the file as a whole.
        found: what is there, e.g. '70000' or 'unknown key'.
        expected: what could be there instead; "" if that goes without saying.
        suggestion: what was probably meant, or how to mend it; "" if there is no good guess.
    """

    file: str
    line: int | None
    key: str
    found: str
    expected: str = ""
    suggestion: str = ""

    def __str__(self) -> str:
        where = self.file if self.line is None else f"{self.file}:{self.line}"
        parts = [where, self.key, self.found] if self.key else [where, self.found]
        text = ": ".join(parts)
        if self.expected:
            text += f", expected {self.expected}"
        text = f"{text}; {self.suggestion}" if self.suggestion else text
        # A file in an inventory's directory may have been given any name.
        return text if text.isprintable() else plain(text, _LONGEST_LINE)


def config_error(problems: Iterable[Problem]) -> ConfigError:
    """The error that carries these problems."""
    return ConfigError([str(problem) for problem in problems])


def quoted(value: object) -> str:
    """`value` as Python would write it, control characters escaped, cut to a length fit for one line."""
    text = ascii(value)
    return text if len(text) <= _LONGEST_QUOTE else text[: _LONGEST_QUOTE - 3] + "..."


def did_you_mean(word: str, possible: Iterable[str]) -> str:
    """A sentence naming what `word` was probably meant to be; "" if nothing comes close."""
    close = difflib.get_close_matches(word, list(possible), n=1, cutoff=0.6)
    return f'did you mean "{close[0]}"?' if close else ""
