"""What the screen may ask of the world: four protocols, each of which could as well be a socket."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from leptontui.model.action import ActionRequest, Outcome, Plan
from leptontui.model.alert import Matcher, Silence
from leptontui.model.alert_history import HistoryQuery, Transition
from leptontui.model.focus import Focus
from leptontui.snapshot import FleetSnapshot


@dataclass(frozen=True, slots=True)
class Trusted:
    """What accepting host keys did.

    Attributes:
        keys: how many lines were written.
        files: into which files.
        skipped: hosts whose key was not written, with the reason in words.
    """

    keys: int
    files: tuple[str, ...]
    skipped: tuple[tuple[str, str], ...] = ()


class SnapshotSource(Protocol):
    """Publishes snapshots of the fleet."""

    def subscribe(self, deliver: Callable[[FleetSnapshot], None]) -> None:
        """Call `deliver` with every new snapshot, at most 4 a second, from the engine's thread. It must not block."""

    def focus(self, focus: Focus) -> None:
        """Say what is being looked at. Cheap, callable from any thread; the latest call wins."""

    def redial(self, host: str) -> None:
        """Dial a lost or refused host now rather than when its turn comes. Callable from any thread."""


class AccessPort(Protocol):
    """Lets hosts be reached: answers questions, vouches for host keys. Changes nothing on a host."""

    def answer(self, question_id: str, text: str | None) -> None:
        """Answer a question of the snapshot; None declines it. Callable from any thread; unknown ids are ignored."""

    async def trust(self, hosts: Sequence[str]) -> Trusted:
        """Write the unknown keys of these hosts' links into the user's own known_hosts, and dial them.

        Only the keys that the snapshot's links show as offered now are written.

        Raises:
            LeptonError: a file cannot be written; nothing of that file was.
        """


class AlertPort(Protocol):
    """Looks after alerts. Changes nothing on a host. A wallboard and a read-only screen have none."""

    async def acknowledge(self, alert_ids: Sequence[str], why: str) -> int:
        """Say that somebody looks after these until they clear; returns how many were not acknowledged before.

        Raises:
            LeptonError: it cannot be kept (disk full, database locked).
        """

    async def unacknowledge(self, alert_ids: Sequence[str]) -> int:
        """Take acknowledgements back; returns how many there were.

        Raises:
            LeptonError: it cannot be kept.
        """

    async def silence(self, matchers: Sequence[Matcher], lasts_s: float, why: str) -> Silence:
        """Tell nobody of what matches, for a while.

        Raises:
            LeptonError: no matcher, one that matches everything, a broken regular expression, or it cannot be kept.
        """

    async def matching(self, matchers: Sequence[Matcher]) -> int:
        """How many firing and pending alerts these match now: what a silence would hold.

        Raises:
            LeptonError: as `silence`.
        """

    async def unsilence(self, silence_id: str) -> None:
        """End a silence now; unknown ids are ignored.

        Raises:
            LeptonError: it cannot be kept.
        """

    async def history(self, query: HistoryQuery) -> tuple[Transition, ...]:
        """What happened to alerts, newest first.

        Raises:
            LeptonError: the history cannot be read.
        """

    async def report(self, since_unix_s: float) -> str:
        """The shift's report since then, as Markdown.

        Raises:
            LeptonError: the history cannot be read.
        """


class CommandPort(Protocol):
    """Carries out actions. A read-only screen has none."""

    @property
    def armed_until_unix_s(self) -> float | None:
        """When arming expires; None while read-only."""

    def arm(self) -> float:
        """Allow actions for a while; returns when that expires (unix seconds)."""

    def disarm(self) -> None:
        """Go back to read-only at once."""

    async def plan(self, request: ActionRequest) -> Plan:
        """What would be done. Asks the hosts, changes nothing. Works while read-only.

        Raises:
            ActionError: it cannot be planned (no such unit, no controller, host unreachable).
        """

    async def run(self, plan: Plan, confirmation: str) -> Outcome:
        """Guard again, audit, run, verify, audit.

        Raises:
            GuardRefused: a rule forbids it now.
            NotConfirmed: `confirmation` is not what the plan asks for.
            AuditError: the audit cannot be written; nothing was run.
        """
