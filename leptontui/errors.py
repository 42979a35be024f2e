"""The exception tree: every error that may reach a user carries its cause and its mend in plain words.

LeptonError
 ├─ ConfigError         the command line, inventory or a theme is wrong; lists every problem
 ├─ LinkError           a host cannot be reached or talked to; carries a `Fault`
 ├─ WireError           a host said something that is not the protocol
 ├─ CommandTimeout      a command on a host ran past its time limit
 ├─ ForecastError       the forecast worker could not answer
 ├─ AlertError          an alert, a silence or the history of alerts cannot be had or kept as asked
 └─ ActionError         an action was not carried out
     ├─ GuardRefused    a rule forbids it; says which rule and where it is set
     ├─ NotConfirmed    the typed confirmation does not match
     ├─ EvidenceError   evidence cannot be written to this machine
     └─ AuditError      the audit file cannot be written, so nothing is run
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class FaultLike(Protocol):
    """What a `LinkError` carries: a `leptontui.model.link.Fault`, which lies a layer above this one."""

    @property
    def cause(self) -> str:
        """What happened, one line."""

    @property
    def mend(self) -> str:
        """What the user can do, one line."""


class LeptonError(Exception):
    """Root of all errors meant for the user.

    Attributes:
        cause: what went wrong, one line of plain words.
        mend: what the user can do about it; empty where nothing can be done.
    """

    def __init__(self, cause: str, mend: str = "") -> None:
        super().__init__(cause)
        self.cause = cause
        self.mend = mend

    def __str__(self) -> str:
        return f"{self.cause} — {self.mend}" if self.mend else self.cause


class ConfigError(LeptonError):
    """The command line, the inventory or a theme is wrong.

    Attributes:
        problems: one line for each problem, as `file:line: key: what is wrong`.
    """

    def __init__(self, problems: Sequence[str], mend: str = "") -> None:
        super().__init__("; ".join(problems), mend)
        self.problems = tuple(problems)


class LinkError(LeptonError):
    """A host cannot be reached or talked to.

    Attributes:
        fault: the kind of fault with its cause and mend.
    """

    def __init__(self, fault: FaultLike) -> None:
        super().__init__(fault.cause, fault.mend)
        self.fault = fault


class WireError(LeptonError):
    """A host said something that is not the protocol."""


class CommandTimeout(LeptonError):
    """A command on a host ran past its time limit; whether it took effect is unknown."""


class ForecastError(LeptonError):
    """The forecast worker could not answer."""


class AlertError(LeptonError):
    """What was asked of alerts makes no sense, or cannot be kept or read."""


class ActionError(LeptonError):
    """An action was not carried out, or it cannot be told whether it was."""


class GuardRefused(ActionError):
    """A rule forbids the action.

    Attributes:
        rule: the rule's name.
        set_in: where it is set, e.g. "/etc/leptontui/policy.toml:12"; "" for what is built in.
    """

    def __init__(self, rule: str, cause: str, mend: str = "", set_in: str = "") -> None:
        super().__init__(cause, mend)
        self.rule = rule
        self.set_in = set_in

    def __str__(self) -> str:
        place = f" (rule {self.rule}, set in {self.set_in})" if self.set_in else f" (rule {self.rule})"
        return f"{self.cause}{place} — {self.mend}" if self.mend else f"{self.cause}{place}"


class NotConfirmed(ActionError):
    """The typed confirmation does not match what the plan asks for."""


class EvidenceError(ActionError):
    """Evidence cannot be written to this machine."""


class AuditError(ActionError):
    """The audit file cannot be written, so nothing is run."""
