"""An action of the user's own, as read from `actions.toml`, and the placeholders in its words."""

from __future__ import annotations

import re
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from leptontui.config.problem import Problem
from leptontui.model.action_spec import ActionSpec

PREFIX: Final = "custom/"
"""Before the name of every action of the user's own, so that none can be taken for one of the program's."""

GIVEN: Final = ("host", "unit", "reason", "user")
"""Placeholders besides the action's own parameters."""

_NAME: Final = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Piece:
    """Part of a word.

    Attributes:
        text: taken as it is.
        name: the placeholder that follows it; "" for none.
    """

    text: str
    name: str = ""


def pieces_of(word: str) -> tuple[Piece, ...]:
    """The literal texts and placeholders of a word; `{{` and `}}` are braces.

    Raises:
        ValueError: a brace stands alone, or what is in braces is not a plain name.
    """
    pieces = []
    for text, name, notation, conversion in string.Formatter().parse(word):
        if name is not None and (notation or conversion or _NAME.fullmatch(name) is None):
            raise ValueError(f"{{{name}}} is not a placeholder")
        pieces.append(Piece(text, name or ""))
    return tuple(pieces)


def names_in(words: Sequence[str]) -> list[str]:
    """The placeholders in `words`, each once, in order. Raises as `pieces_of` does."""
    return list(dict.fromkeys(piece.name for word in words for piece in pieces_of(word) if piece.name))


def filled(word: str, values: Mapping[str, str]) -> str:
    """The word with its placeholders replaced; what is put in is not looked at again.

    Raises:
        KeyError: a placeholder has no value.
        ValueError: as `pieces_of`.
    """
    return "".join(piece.text + (values[piece.name] if piece.name else "") for piece in pieces_of(word))


@dataclass(frozen=True, slots=True)
class Check:
    """What is asked after a custom action.

    Attributes:
        command: argument vector with placeholders.
        succeeds: exit statuses that mean that it is so.
        says: a regular expression that its output must contain a match of; "" for none.
        timeout_s: how long one answer may take.
        wait_s: it may take so long until it is so; 0 asks once.
    """

    command: tuple[str, ...]
    succeeds: tuple[int, ...] = (0,)
    says: str = ""
    timeout_s: float = 20.0
    wait_s: float = 0.0


@dataclass(frozen=True, slots=True)
class CustomAction:
    """One action of the user's own.

    Attributes:
        spec: as of every action; called `custom/NAME`.
        command: argument vector with placeholders; run without a shell.
        succeeds: exit statuses that mean success.
        needs_root: it is run through sudo where the login is not root.
        check: what is asked afterwards; None where nothing is, and then nothing is ever called verified.
        asks: the command changes nothing, as a burn-in does: how it ends is itself the answer.
        source: where it is written, e.g. "actions.toml:12".
    """

    spec: ActionSpec
    command: tuple[str, ...]
    succeeds: tuple[int, ...] = (0,)
    needs_root: bool = False
    check: Check | None = None
    asks: bool = False
    source: str = ""


@dataclass(frozen=True, slots=True)
class CustomActions:
    """All of them.

    Attributes:
        actions: by name, in the order of the files.
        problems: what is wrong; an action with a mistake is left out.
        files: those that were read.
    """

    actions: Mapping[str, CustomAction] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    files: tuple[str, ...] = ()
