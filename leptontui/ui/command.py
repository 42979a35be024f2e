"""What a key does, as a value, and on which screen."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Scope(StrEnum):
    """On which screen a command works."""

    EVERYWHERE = "everywhere"
    FLEET = "fleet"
    HOST = "host"
    INSPECT = "inspect"
    JOBS = "jobs"
    EVENTS = "events"
    KEYS = "keys"
    TRIAGE = "triage"
    ALERT = "alert"
    SILENCES = "silences"
    HISTORY = "history"
    REPORT = "report"
    ACTIVITY = "activity"
    ROLLOUT = "rollout"
    RUNBOOK = "runbook"
    HELP = "help"
    WALLBOARD = "wallboard"


@dataclass(frozen=True, slots=True)
class Command:
    """One thing a key does.

    Attributes:
        action: name of the Textual action, `action_<name>` on the scope's screen (EVERYWHERE: on the app).
        keys: keys that do it, comma-separated, as Textual names them.
        title: the word in the footer.
        meaning: one sentence for help and palette.
        scope: where it works.
        acts: changes something on a host: absent where there is no command port.
        in_footer: whether the footer shows it.
        lets_in: helps hosts to be reached: absent where there is no access port.
        tends: looks after alerts: absent where there is no alert port.
    """

    action: str
    keys: str
    title: str
    meaning: str
    scope: Scope
    acts: bool = False
    in_footer: bool = True
    lets_in: bool = False
    tends: bool = False
