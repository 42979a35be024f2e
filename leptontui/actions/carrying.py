"""From "begun" to "ended": evidence, commands, verification, and what of it stands in the audit."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

from leptontui.actions import guard
from leptontui.actions.audit import Audit, Json
from leptontui.actions.consent import NO_EVIDENCE, Consent, aside_fields
from leptontui.actions.evidence import Evidence, capture
from leptontui.actions.guard import Objection
from leptontui.actions.reach import Prepared
from leptontui.actions.runner import Record, argv_of, carry_out
from leptontui.actions.setting import Setting
from leptontui.errors import AuditError, EvidenceError, GuardRefused, NotConfirmed
from leptontui.model.action import Outcome, OutcomeKind, Plan

_LOG = logging.getLogger(__name__)

CheckAgain = Callable[[Prepared], Awaitable[None]]
"""Asks for the state at the moment of execution; raises `GuardRefused`."""


class Drains(Protocol):
    """Remembers what is out of service, from before its first command on."""

    async def expect(self, prepared: Prepared) -> str:
        """Write down what a plan takes out of service; why that failed, in words."""

    async def settle(self, prepared: Prepared, kind: OutcomeKind) -> str:
        """Say how it ended; why that could not be written, in words."""


@dataclass(slots=True)
class Carrying:
    """One plan on its way, admitted and with its locks held.

    Attributes:
        prepared: the plan.
        setting: what it was prepared in: its voice, its clock, its ways to hosts.
        consent: how it was agreed to.
        audit: where it is written down.
        drains: see `Drains`; None for nothing.
        check_again: asked before the first command, and once more after evidence was captured.
        user: who acts.
        aside: the rules that are set aside.
        policies: the files of the policies that were judged by.
    """

    prepared: Prepared
    setting: Setting
    consent: Consent
    audit: Audit
    drains: Drains | None
    check_again: CheckAgain
    user: str
    aside: tuple[Objection, ...] = ()
    policies: tuple[str, ...] = ()
    _evidence: Evidence | None = None
    _complaints: list[str] = field(default_factory=list)
    _is_refused: bool = False
    _is_remembered: bool = False

    async def run(self) -> Outcome:
        """Write the begin, capture evidence, run, verify, write the end.

        Raises:
            GuardRefused: the state is not what was shown, or evidence cannot be had; no command was run.
            AuditError: the begin cannot be written; no command was run.
        """
        clock = self.setting.clock
        asked_unix_s = clock()
        await self.check_again(self.prepared)
        plan_id, record = self.prepared.plan.plan_id, Record()
        outcome = Outcome(plan_id, OutcomeKind.UNKNOWN, "it was broken off before its end was known")
        try:
            await self.audit.write("begun", clock(), self._begun())
            if self.prepared.plan.evidence:
                await self._capture()
                asked_unix_s = clock()
                await self.check_again(self.prepared)
            objection = guard.answer_young(asked_unix_s, clock())
            if objection is not None:
                raise objection.refusal()
            await self._remember()
            tell, sleep = self.setting.tell, self.setting.sleep
            outcome = await carry_out(self.prepared, record, clock, tell=tell, sleep=sleep)
        except (GuardRefused, AuditError):
            self._is_refused = True
            raise
        finally:  # also when cancelled, and be it while the begin was written: what was begun is ended in the audit
            if not self._is_refused:
                await self._write_end(outcome, record)
                await self._settle(outcome.kind)
        return replace(outcome, summary=" — ".join([outcome.summary, *self._complaints]))

    async def _capture(self) -> None:
        """Capture evidence; what cannot be had at all refuses the action, unless a reason is given.

        Raises:
            GuardRefused: there is none.
        """
        try:
            self._evidence = await capture(self.setting)
            if not self._evidence.is_empty:
                return
            cause = f"nothing of the host could be captured: {self._evidence.words}"
        except EvidenceError as error:
            cause = f"evidence cannot be kept: {error.cause}"
        objection = Objection(
            NO_EVIDENCE, cause, "mend that, or give a reason to go on without", may_be_overridden=True
        )
        self.aside += self.consent.settle(self.prepared.plan, (objection,))

    async def _remember(self) -> None:
        if self.drains is not None:
            self._is_remembered = True
            self._complain(await self.drains.expect(self.prepared))

    async def _settle(self, kind: OutcomeKind) -> None:
        if self.drains is not None and self._is_remembered:
            self._complain(await self.drains.settle(self.prepared, kind))

    def _complain(self, words: str) -> None:
        if words:
            self._complaints.append(words)

    def _begun(self) -> dict[str, Json]:
        standing: list[Json] = [{"rule": rule.rule, "set_in": rule.set_in} for rule in self.prepared.plan.standing]
        return {
            **about(self.prepared.plan, self.consent, self.user),
            "title": self.prepared.plan.title,
            "guard": {"stood_when_planned": standing, "now": "passed", "policies": list(self.policies)},
            **aside_fields(self.consent, self.aside),
        }

    async def _write_end(self, outcome: Outcome, record: Record) -> None:
        ended: dict[str, Json] = {
            **about(self.prepared.plan, self.consent, self.user),
            "outcome": outcome.kind.value,
            "summary": outcome.summary,
            "ran": [*record.steps],
            **aside_fields(self.consent, self.aside),
        }
        if (evidence := self._evidence) is not None:
            ended["evidence"] = {
                "path": str(evidence.path),
                "sha256": evidence.sha256,
                "missing": [list(part) for part in evidence.missing],
            }
        try:
            await self.audit.write("ended", self.setting.clock(), ended)
        except AuditError as error:  # it was run, and its begin is on disk: the outcome must not be lost over this
            _LOG.exception("the end of plan %s is not in the audit", self.prepared.plan.plan_id)
            self._complain(f"its end is missing in the audit: {error.cause}")


def about(plan: Plan, consent: Consent, user: str) -> dict[str, Json]:
    """What every line of a plan says."""
    request = plan.request
    return {
        "plan_id": plan.plan_id,
        "user": user,
        "action": str(request.action),
        "host": request.host,
        "unit": request.unit,
        "reason": request.reason,
        "params": dict(request.params),
        "steps": argv_of(plan.steps),
        **consent.fields(plan),
    }


async def note_refusal(
    audit: Audit, t_unix_s: float, said: dict[str, Json], refusal: GuardRefused | NotConfirmed
) -> None:
    """Write a refusal down, as well as may be: nothing was run, and the refusal is what the user has to hear."""
    rule, set_in = (refusal.rule, refusal.set_in) if isinstance(refusal, GuardRefused) else ("not-confirmed", "")
    noted: dict[str, Json] = {
        **said,
        "outcome": "refused",
        "rule": rule,
        "set_in": set_in,
        "summary": refusal.cause,
    }
    try:
        await audit.write("refused", t_unix_s, noted)
    except AuditError:
        _LOG.exception("a refusal of plan %s is not in the audit", said.get("plan_id"))
