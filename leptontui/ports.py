"""What the screen may ask of the world: four protocols, each of which could as well be a socket."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from leptontui.model.action import ActionRequest, Outcome, Plan
from leptontui.model.action_spec import ActionSpec
from leptontui.model.activity import Activity, RolloutPlan, RolloutRequest, RunbookEntry, Wish
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

    async def run(self, plan: Plan, confirmation: str, override: str = "") -> Outcome:
        """Guard again, audit, run, verify, audit.

        Args:
            plan: as it was made.
            confirmation: what was typed, "" for one key.
            override: why the rules that may be overridden are set aside; "" sets none aside.

        Raises:
            GuardRefused: a rule forbids it now.
            NotConfirmed: `confirmation` is not what the plan asks for.
            AuditError: the audit cannot be written; nothing was run.
        """

    def said(self, plan_id: str) -> tuple[str, ...]:
        """The last lines that a run has said so far, cleaned, at most 100; () where nothing runs. Any thread."""

    @property
    def specs(self) -> tuple[ActionSpec, ...]:
        """Every action that there is here, the user's own included, in menu order. Any thread."""

    @property
    def activity(self) -> Activity:
        """What is being done at this moment. Any thread."""

    async def plan_rollout(self, request: RolloutRequest) -> RolloutPlan:
        """What would be done on each of many hosts. Asks them, changes nothing.

        Raises:
            ActionError: no host of it can be planned, or the request makes no sense.
        """

    async def start_rollout(self, plan: RolloutPlan, confirmation: str, override: str = "") -> None:
        """Begin a rollout; how it goes is in `activity`.

        Raises:
            GuardRefused: a rule forbids it now.
            NotConfirmed: `confirmation` is not what the plan asks for.
            AuditError: the audit cannot be written; nothing was run.
        """

    async def steer_rollout(self, rollout_id: str, wish: Wish) -> None:
        """Pause, resume or abandon a rollout.

        Raises:
            ActionError: there is none under way with this id.
        """

    async def runbooks(self) -> tuple[RunbookEntry, ...]:
        """What runbooks there are; what is wrong with a file is an entry without steps, whose meaning says it."""

    async def start_runbook(self, name: str, host: str, params: Sequence[tuple[str, str]]) -> str:
        """Make a runbook ready for a host, without running a step; returns its run's id.

        Raises:
            ActionError: there is no such runbook, or a parameter is wrong.
            AuditError: the audit cannot be written.
        """

    async def plan_step(self, run_id: str) -> Plan | None:
        """The plan of the next step; None where it is a check or a wait, which change nothing.

        Raises:
            ActionError: it cannot be planned.
        """

    async def run_step(self, run_id: str, plan: Plan | None, confirmation: str, override: str = "") -> None:
        """Run the next step; how it goes is in `activity`.

        An action or a check has ended when this returns, a wait has begun. Raises as `run` does, and `ActionError`
        where another session is at it.
        """

    async def steer_runbook(self, run_id: str, wish: Wish) -> None:
        """Skip the next step (`Wish.SKIP`) or abandon a runbook.

        Raises:
            ActionError: there is none under way with this id.
        """

    async def look_again(self) -> None:
        """Ask how the remembered drains and the actions that were broken off stand now; the answer is in `activity`."""
