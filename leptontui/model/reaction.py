"""What may be done about an alert, by whom, and what the program proposes to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from leptontui.model.action import ActionName, ActionRequest

AUTOMATIC = frozenset(
    {ActionName.RESTART_UNIT, ActionName.DRAIN, ActionName.UNDRAIN, ActionName.CORDON, ActionName.EVIDENCE}
)
"""What may be allowed to run without a person: what needs no choice, and either harms nobody or can be undone."""


class Reaction(StrEnum):
    """What the program does about an alert that names an action."""

    SUGGEST = "suggest"
    """The alert carries the action; the user may open its plan."""
    CONFIRM = "confirm"
    """The plan is opened by itself, filled in, where its user is armed and idle; the user confirms it."""
    AUTO = "auto"
    """It is run without a person, where the user allows that."""


@dataclass(frozen=True, slots=True)
class AutoPolicy:
    """What may be done without a person. The default allows nothing.

    Attributes:
        allow: actions by name: "restart", "drain", "undrain".
        per_hour: at most so many in any hour, over all rules.
        fleet_share: at most this share of the hosts may have been acted on in the last day, 0 to 1; one host is
            always allowed.
    """

    allow: frozenset[str] = field(default_factory=frozenset)
    per_hour: int = 2
    fleet_share: float = 0.02


@dataclass(frozen=True, slots=True)
class Proposal:
    """An action that an alert asks for, ready to be planned.

    Attributes:
        alert_id: which alert.
        rule: its rule.
        request: what would be planned.
        reaction: `CONFIRM`: the screen opens the plan where its user is armed and idle. `AUTO`: it is run by itself.
        why_not: why what a rule wants run by itself is left to a person, in words; "" otherwise. Its reaction is then
            `CONFIRM`.
    """

    alert_id: str
    rule: str
    request: ActionRequest
    reaction: Reaction
    why_not: str = ""
