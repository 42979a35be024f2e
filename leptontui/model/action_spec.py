"""What an action is, as data: help, menu, plan, guard, audit and documentation are all made from it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from leptontui.model.action import Danger
from leptontui.model.text import plain

LONGEST_VALUE: Final = 1000
"""Characters of a parameter's value: more is no word to be put into a command."""


class ParameterKind(StrEnum):
    """What values a parameter takes."""

    CHOICE = "choice"
    """One of a few words."""
    PATTERN = "pattern"
    """Text that a regular expression matches as a whole."""
    NUMBER = "number"
    """A whole number in a range."""


class Where(StrEnum):
    """Where an action's commands are run."""

    HOST = "host"
    CONTROLLER = "controller"
    BASTION = "bastion"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of an action.

    Attributes:
        name: as in `--param NAME=VALUE`.
        meaning: what it is, one line.
        kind: see `ParameterKind`.
        choices: for `CHOICE`.
        pattern: for `PATTERN`: a regular expression for the whole value.
        low, high: for `NUMBER`: the range, both included.
        default: the value where none is given; None means that one has to be given.
    """

    name: str
    meaning: str
    kind: ParameterKind
    choices: tuple[str, ...] = ()
    pattern: str = ""
    low: int = 0
    high: int = 0
    default: str | None = None

    def complaint(self, value: str) -> str:
        """What is wrong with a value, one line; "" if it may be used."""
        shown = plain(value, 60)
        if value != value.strip() or not value.isprintable():
            return f"{self.name}: {shown!r} has spaces around it or letters that cannot be printed"
        if len(value) > LONGEST_VALUE:
            return f"{self.name}: longer than {LONGEST_VALUE:,} characters"
        match self.kind:
            case ParameterKind.CHOICE if value not in self.choices:
                return f"{self.name}: {shown!r} is not one of {', '.join(self.choices)}"
            case ParameterKind.PATTERN if re.fullmatch(self.pattern, value) is None:
                return f"{self.name}: {shown!r} does not match {self.pattern}"
            case ParameterKind.NUMBER if not (
                value.isascii() and value.isdecimal() and len(value) <= 18 and self.low <= int(value) <= self.high  # noqa: PLR2004 — digits of an int64
            ):
                return f"{self.name}: {shown!r} is not a whole number from {self.low} to {self.high}"
        return ""


@dataclass(frozen=True, slots=True)
class ActionSpec:
    """One action.

    Attributes:
        name: an `ActionName`, or `custom/NAME`.
        verb: for menus and titles, e.g. "Restart".
        title: of a plan, with `{host}`, `{unit}` and parameters by name.
        meaning: what it does, one sentence.
        danger: what is at stake at least; a plan may raise it.
        where: where its commands are run.
        schedulers: it needs one of these ("slurm", "kubernetes"); empty for none.
        needs: what must be so, in words, e.g. "the node is drained and idle".
        command: what is run, for people; the exact vectors are in the plan.
        affects: whom it touches, in words.
        verified_by: what is asked afterwards, and what the answer must say.
        undone_by: how it is taken back, in words.
        undo: the action that takes it back, "" where there is none.
        amounts_to: further actions that it carries out: whoever is denied one of them is denied this.
        parameters: what else must or may be said.
        takes_unit: whether it is about one of the host's units, containers or workloads.
        takes_reason: whether a reason belongs to it.
        needs_live_link: whether the host itself must be live and its values fresh.
        captures_evidence: whether evidence is captured before the first command.
        removes_capacity: whether it takes a host out of service: blast radius and job protection count it.
        timeout_s: time limit of its command.
    """

    name: str
    verb: str
    title: str
    meaning: str
    danger: Danger
    where: Where
    command: str
    affects: str
    verified_by: str
    undone_by: str
    needs: str = ""
    undo: str = ""
    amounts_to: tuple[str, ...] = ()
    schedulers: tuple[str, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    takes_unit: bool = False
    takes_reason: bool = False
    needs_live_link: bool = True
    captures_evidence: bool = False
    removes_capacity: bool = False
    timeout_s: float = 60.0
