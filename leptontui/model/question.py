"""What a login needs to know from the user: a passphrase, a password, a code."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class QuestionKind(StrEnum):
    """What is asked for."""

    PASSPHRASE = "passphrase"  # noqa: S105 — a name, not a secret
    """Of an encrypted private key; kept in memory and used for every host."""
    PASSWORD = "password"  # noqa: S105 — likewise
    """Of a user on the hosts of one group; kept in memory."""
    CODE = "code"
    """Whatever a host asks at login (keyboard-interactive): used once."""
    TOUCH = "touch"
    """A security key wants to be touched; answered by the touch, not by a text."""


@dataclass(frozen=True, slots=True)
class Question:
    """One question that waits for an answer.

    Attributes:
        id: identity; the same as long as the same thing is asked.
        kind: see `QuestionKind`.
        subject: what it is for: the key's path, or "oncall@bastion1".
        prompt: what the user reads, one line, fit for the screen.
        is_hidden: whether the answer is not to be shown while typed.
        attempt: 1 at first, more after wrong answers.
        hosts: names of the hosts that wait for it, at most 8; `waiting` counts all.
        waiting: how many hosts wait.
    """

    id: str
    kind: QuestionKind
    subject: str
    prompt: str
    is_hidden: bool = True
    attempt: int = 1
    hosts: tuple[str, ...] = ()
    waiting: int = 0
