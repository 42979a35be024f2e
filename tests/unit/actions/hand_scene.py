"""A hand that plans and runs what a test wants, without hosts; and time that the test moves."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from leptontui.actions.audit import Json
from leptontui.errors import ActionError, AuditError, LeptonError
from leptontui.model.action import ActionRequest, Danger, Outcome, OutcomeKind, Plan, Standing, Step
from leptontui.model.action_catalogue import SHIPPED
from leptontui.model.action_spec import ActionSpec

T0 = 1_800_000_000.0
GRAVITY = (Danger.HARMLESS, Danger.DISRUPTIVE, Danger.DESTRUCTIVE)


@dataclass
class ScriptedHand:
    """Every action goes well, at once, unless `ends` or `gates` say otherwise by host.

    Attributes:
        ends: how a run ends; an exception is raised.
        gates: a run waits for this before its end.
        unplannable: hosts that nothing can be planned for.
        argv: the command of a plan, with {host}.
        confirmations: of a plan, by host; else by its danger.
        ended_by_it: what a plan ends for good.
    """

    ends: dict[str, OutcomeKind | LeptonError] = field(default_factory=dict)
    gates: dict[str, asyncio.Event] = field(default_factory=dict)
    unplannable: dict[str, str | Exception] = field(default_factory=dict)
    argv: tuple[str, ...] = ("systemctl", "restart", "vllm.service")
    step_host: str = ""
    ended_by_it: tuple[str, ...] = ()
    danger: Danger | None = None
    confirmations: dict[str, str] = field(default_factory=dict)
    together: tuple[Standing, ...] = ()
    standing: dict[str, tuple[Standing, ...]] = field(default_factory=dict)
    armed_until_unix_s: float | None = T0 + 900
    voices: dict[str, tuple[str, ...]] = field(default_factory=dict)
    audit_is_broken: bool = False
    now: float = T0

    def __post_init__(self) -> None:
        self.planned: list[str] = []
        self.ran: list[tuple[str, str, str, str]] = []
        self.running: set[str] = set()
        self.most_at_once = 0
        self.notes: list[tuple[str, Mapping[str, Json]]] = []
        self.changed = asyncio.Event()
        self.seen: frozenset[str] | None = None
        self._plans: set[str] = set()

    @property
    def specs(self) -> tuple[ActionSpec, ...]:
        return tuple(SHIPPED.values())

    def clock(self) -> float:
        return self.now

    async def plan(self, request: ActionRequest) -> Plan:
        self.planned.append(request.host)
        if request.host in self.unplannable:
            why = self.unplannable[request.host]
            raise ActionError(why) if isinstance(why, str) else why
        spec = SHIPPED[request.action]
        danger = self.danger or spec.danger
        plan_id = f"p{len(self.planned)}"
        self._plans.add(plan_id)
        return Plan(
            plan_id,
            request,
            f"{spec.verb} {request.unit} on {request.host}",
            danger,
            (Step(self.step_host or request.host, f"root@{request.host}", self.argv),),
            "asked again",
            confirmation=self.confirmations.get(request.host, request.host if danger is Danger.DESTRUCTIVE else ""),
            standing=self.standing.get(request.host, ()),
            ends=self.ended_by_it,
        )

    async def run_part(
        self, plan: Plan, *, part_of: str, confirmed: str, override: str = "", seen: frozenset[str] | None = None
    ) -> Outcome:
        host = plan.request.host
        self.seen = seen
        self.ran.append((host, part_of, confirmed, override))
        end = self.ends.get(host, OutcomeKind.VERIFIED)
        if isinstance(end, LeptonError):
            raise end
        self.running.add(host)
        self.most_at_once = max(self.most_at_once, len(self.running))
        self.changed.set()
        try:
            await asyncio.sleep(0)
            if host in self.gates:
                await self.gates[host].wait()
        finally:
            self.running.discard(host)
        return Outcome(plan.plan_id, end, f"{host} is {end.value}", f"line of {host}")

    def said(self, plan_id: str) -> tuple[str, ...]:
        return self.voices.get(plan_id, ())

    async def standing_together(self, plans: Sequence[Plan], *, at_once: int = 1) -> tuple[Standing, ...]:
        return self.together

    async def note(self, event: str, fields: Mapping[str, Json]) -> None:
        if self.audit_is_broken:
            raise AuditError("the disk is full")
        self.notes.append((event, fields))

    @property
    def hosts_run(self) -> list[str]:
        return [host for host, *_ in self.ran]

    @property
    def events(self) -> list[str]:
        return [event for event, _ in self.notes]


def with_standing(plan: Plan, *standing: Standing) -> Plan:
    return replace(plan, standing=standing)
