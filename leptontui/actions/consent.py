"""How somebody agreed to an action: what was typed, for what it is a part, and which rules are set aside, why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from leptontui.actions.audit_reading import Json
from leptontui.actions.guard import Objection, check_confirmation
from leptontui.model.action import LEAST_REASON, Plan, says_why
from leptontui.model.text import plain

NO_EVIDENCE: Final = "evidence"
"""The rule that nothing is destroyed of which there is no evidence."""

UNFORESEEN: Final = frozenset({NO_EVIDENCE})
"""Rules that only come up while an action is carried out: a reason given for the plan holds for them."""

_LONGEST: Final = 300


@dataclass(frozen=True, slots=True)
class Consent:
    """How somebody agreed to a plan.

    Attributes:
        typed: what was typed; None where nothing has to be: it was agreed to as a part of something, or by a rule.
        override: why rules are set aside; "" sets none aside.
        seen: the rules that were seen before that was said; None for those that stand in the plan.
        actor: the program itself, where it acts by a rule; "" for a person.
        part_of: of what it is a part, e.g. "rollout 1f2e"; "" for nothing.
        confirmed: how that was agreed to.
    """

    typed: str | None = None
    override: str = ""
    seen: frozenset[str] | None = None
    actor: str = ""
    part_of: str = ""
    confirmed: str = ""

    def check(self, plan: Plan) -> None:
        """What has to be typed was typed.

        Raises:
            NotConfirmed: something else was.
        """
        if self.typed is not None:
            check_confirmation(plan, self.typed)

    @property
    def reason(self) -> str:
        """Why rules are set aside, cleaned."""
        return plain(self.override, _LONGEST)

    def settle(self, plan: Plan, objections: Iterable[Objection]) -> tuple[Objection, ...]:
        """Those that the reason sets aside.

        Raises:
            GuardRefused: one of them is not set aside by it.
        """
        seen = frozenset(rule.rule for rule in plan.standing) if self.seen is None else self.seen
        aside: list[Objection] = []
        for objection in objections:
            why_not = self._why_not(objection, seen)
            if why_not is not None:
                raise why_not.refusal()
            aside.append(objection)
        return tuple(aside)

    def _why_not(self, objection: Objection, seen: frozenset[str]) -> Objection | None:
        """Why an objection is not set aside; None if it is."""
        if not objection.may_be_overridden or not self.reason:
            return objection
        rule, cause, place = objection.rule, objection.cause, objection.set_in
        if not says_why(self.reason):
            return Objection(rule, cause, f"say in some words why, in {LEAST_REASON} letters at least", place)
        if rule not in seen and rule not in UNFORESEEN:
            return Objection(rule, f"{cause}; this was not so when the plan was shown", "plan it again", place)
        return None

    def fields(self, plan: Plan) -> dict[str, Json]:
        """What the audit says of it."""
        fields: dict[str, Json] = {}
        if self.actor:
            fields["actor"] = self.actor
        if self.part_of:
            fields["part_of"] = self.part_of
        if self.reason:
            fields["reason_to_override"] = self.reason
        return fields | {"confirmation": self.confirmed or ("host name typed" if plan.confirmation else "one key")}


def aside_fields(consent: Consent, aside: Iterable[Objection]) -> dict[str, Json]:
    """What the audit says of rules that were set aside; nothing where none was."""
    rules: list[Json] = [
        {"rule": objection.rule, "cause": objection.cause, "set_in": objection.set_in} for objection in aside
    ]
    return {"override": consent.reason, "set_aside": rules} if rules else {}
