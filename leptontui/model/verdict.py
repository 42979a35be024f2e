"""Verdicts: what is to be done about a GPU or a host, why, and who says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from leptontui.model.health import Severity


class Remedy(IntEnum):
    """What is to be done; what asks for more is greater, and of several voices the greatest wins."""

    NONE = 0
    WATCH = 1
    RESTART_APPLICATION = 2
    SUPPORT = 3
    """Contact the vendor's support."""
    RESET = 4
    """Drain, then reset the GPU."""
    REBOOT = 5
    """Drain, then reboot the host."""
    INSPECT = 6
    """Inspect the hardware: what a reset or a reboot does not mend."""
    REPLACE = 7

    @property
    def key(self) -> str:
        """As files and rules write it, e.g. "drain-reset"."""
        return _KEYS[self]

    @property
    def words(self) -> str:
        """What to do, where nothing runs there: "reset the GPU"."""
        return _WORDS[self]

    @property
    def busy_words(self) -> str:
        """What to do while something runs there: "drain, then reset the GPU"."""
        return f"drain, then {self.words}" if self >= Remedy.RESET else self.words

    @classmethod
    def of(cls, key: str) -> Remedy | None:
        """The one that is written so, None if none is."""
        return next((remedy for remedy in cls if remedy.key == key), None)


_KEYS = {
    Remedy.NONE: "none",
    Remedy.WATCH: "watch",
    Remedy.RESTART_APPLICATION: "restart-application",
    Remedy.SUPPORT: "support",
    Remedy.RESET: "drain-reset",
    Remedy.REBOOT: "reboot",
    Remedy.INSPECT: "inspect",
    Remedy.REPLACE: "replace",
}
_WORDS = {
    Remedy.NONE: "nothing to do",
    Remedy.WATCH: "watch it",
    Remedy.RESTART_APPLICATION: "restart the application",
    Remedy.SUPPORT: "contact support",
    Remedy.RESET: "reset the GPU",
    Remedy.REBOOT: "reboot the host",
    Remedy.INSPECT: "inspect the hardware",
    Remedy.REPLACE: "replace the GPU",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be done about one GPU or host.

    Attributes:
        action: what to do.
        words: the same in a line, with the reason and what runs there.
        source: whose rule decided: "NVIDIA", "driver", "DCGM", "gpud", "gcm", "AzNHC", "k8s-device-plugin",
            "verdicts.toml:3", "leptontui"; "" where all is well.
        evidence: every voice that was heard, the deciding one first: what was seen, what it asks for, who says so.
    """

    action: Remedy
    words: str = ""
    source: str = ""
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Override:
    """What the user says of one signal instead of those who know it in general.

    Attributes:
        remedy: what to do about it; `NONE` makes it no finding at all.
        severity: how bad it is.
        source: where the user says so: "verdicts.toml:3".
        why: the user's reason, "" if none is given.
    """

    remedy: Remedy
    severity: Severity
    source: str
    why: str = ""

    @property
    def voice(self) -> str:
        """Who says so, and why."""
        return f"{self.source}: {self.why}" if self.why else self.source


@dataclass(frozen=True, slots=True)
class Overrides:
    """Everything that the user overrides.

    Attributes:
        xids: by Xid.
        signals: by the signal's name.
    """

    xids: Mapping[int, Override] = field(default_factory=dict)
    signals: Mapping[str, Override] = field(default_factory=dict)


def severity_of(remedy: Remedy) -> Severity:
    """How bad something is that asks for this, where nobody says otherwise."""
    if remedy is Remedy.NONE:
        return Severity.WELL
    return Severity.CRITICAL if remedy >= Remedy.RESET else Severity.WARNING
