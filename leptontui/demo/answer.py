"""What a simulated command answers, and who asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

OPERATOR: Final = "demo"
"""The login that the generated configuration uses: a Slurm operator who may restart some units, and use sudo."""
OPERATOR_UID: Final = 1000
OTHER_UID: Final = 1001


@dataclass(frozen=True, slots=True)
class Login:
    """Who runs a command. Any user but `root` and `OPERATOR` may look and nothing else.

    Attributes:
        user: login name.
    """

    user: str

    @property
    def uid(self) -> int:
        """The user's number."""
        return 0 if self.user == "root" else OPERATOR_UID if self.user == OPERATOR else OTHER_UID

    @property
    def is_root(self) -> bool:
        """Whether nothing is forbidden."""
        return self.user == "root"

    @property
    def is_operator(self) -> bool:
        """Whether Slurm, polkit and sudo let them operate."""
        return self.user in {"root", OPERATOR}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command did.

    Attributes:
        exit_status: 0 for success.
        stdout: printed text, newline included.
        stderr: likewise.
        takes_s: how long the command takes before it answers.
    """

    exit_status: int = 0
    stdout: str = ""
    stderr: str = ""
    takes_s: float = 0.0


def failed(exit_status: int, message: str) -> Answer:
    """An answer that is an error message, newline added."""
    return Answer(exit_status, stderr=message + "\n")


def printed(lines: list[str]) -> Answer:
    """An answer of some lines."""
    return Answer(stdout="".join(line + "\n" for line in lines))
