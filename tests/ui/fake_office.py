"""A fake command port: plans what it is asked for, remembers everything, and plays rollouts step by step."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from fleets import T0

from leptontui.errors import ActionError, LeptonError
from leptontui.model.action import ActionRequest, Danger, Outcome, OutcomeKind, Plan, Standing, Step
from leptontui.model.action_catalogue import SHIPPED
from leptontui.model.action_spec import ActionSpec
from leptontui.model.activity import (
    Activity,
    Rollout,
    RolloutPlan,
    RolloutRequest,
    RolloutState,
    RunbookEntry,
    RunbookRun,
    RunbookState,
    RunbookStep,
    TargetRun,
    TargetState,
    Wish,
)


class FakeCommands:
    """A command port that plans whatever it is asked for and says it was verified.

    Attributes:
        planned: requests it was asked to plan, in order.
        ran: plans it was asked to run with what was typed, in order.
        overrides: what was typed to set rules aside, for each run.
        heard: what `said` answers.
        standing: what stands in the way of every plan.
        specs: the actions there are.
        activity: what is being done.
        looked: how often it was asked to look again.
    """

    def __init__(self, *, is_armed: bool = False, outcome: OutcomeKind = OutcomeKind.VERIFIED) -> None:
        self.armed_until_unix_s: float | None = T0 + 872 if is_armed else None
        self.planned: list[ActionRequest] = []
        self.ran: list[tuple[Plan, str]] = []
        self.overrides: list[str] = []
        self.heard: tuple[str, ...] = ()
        self.standing: tuple[Standing, ...] = ()
        self.specs: tuple[ActionSpec, ...] = tuple(SHIPPED.values())
        self.activity = Activity()
        self.looked = 0
        self._outcome = outcome

    def arm(self) -> float:
        self.armed_until_unix_s = T0 + 900
        return self.armed_until_unix_s

    def disarm(self) -> None:
        self.armed_until_unix_s = None

    async def plan(self, request: ActionRequest) -> Plan:
        self.planned.append(request)
        return replace(plan_of(request), standing=self.standing)

    async def run(self, plan: Plan, confirmation: str, override: str = "") -> Outcome:
        self.ran.append((plan, confirmation))
        self.overrides.append(override)
        return Outcome(plan.plan_id, self._outcome, f"{plan.title}: {self._outcome.value}", t_unix_s=T0)

    def said(self, plan_id: str) -> tuple[str, ...]:
        return self.heard

    async def look_again(self) -> None:
        self.looked += 1

    async def runbooks(self) -> tuple[RunbookEntry, ...]:
        return ()


def plan_of(request: ActionRequest) -> Plan:
    """A drain's plan for a drain, as the design sketches it; for anything else one of its kind."""
    spec = SHIPPED.get(request.action)
    verb = spec.verb if spec is not None else request.action
    if request.action == "drain":
        argv = ("scontrol", "update", f"nodename={request.host}", "state=DRAIN", f"reason=anna: {request.reason}")
        return Plan(
            "p1",
            request,
            f"Drain {request.host}",
            Danger.DESTRUCTIVE,
            (Step("login1", "oncall@login1", argv),),
            f"scontrol show node {request.host} → State has DRAIN",
            running_there=("job 8812 step 0 (anna, 63 nodes, 14 h 02 m): goes on until it ends, node then DRAINED",),
            after_this=("61 of 64 nodes left in train (limit: 60)",),
            confirmation=request.host,
        )
    danger = spec.danger if spec is not None else Danger.DISRUPTIVE
    where = "login1" if request.action == "undrain" else request.host
    argv = {
        "restart": ("systemctl", "restart", request.unit),
        "undrain": ("scontrol", "update", f"nodename={request.host}", "state=RESUME"),
        "gpu-reset": ("nvidia-smi", "--gpu-reset", "-i", request.param("gpu")),
        "reboot": ("systemctl", "reboot"),
    }.get(request.action, (request.action, request.host))
    return Plan(
        f"p-{request.host}",
        request,
        f"{verb} {request.unit or request.host}",
        danger,
        (Step(where, f"oncall@{where}", argv),),
        f"it is asked again on {where}",
        running_there=(f"{request.unit}: main process 4121, 2.1 GiB, up 12 d",) if request.unit else (),
        confirmation=request.host if danger is Danger.DESTRUCTIVE else "",
        evidence="kernel log, nvidia-smi -q, ECC, serials → one archive here"
        if spec is not None and spec.captures_evidence
        else "",
    )


class FakeOffice(FakeCommands):
    """Also plans and plays rollouts and runbooks: a test says how each step goes.

    Attributes:
        rollouts: what was asked to be planned for many hosts.
        started: rollout plans that were begun, with what was typed and the override.
        steered: wishes, in order, with what they were about.
        unplanned: hosts that cannot be planned, with the cause.
        books: the runbooks there are.
        book_params: what the runbook that was started last was told.
        step_plan: the plan of the next step of any runbook; None for a check or wait.
        steps_run: plans of steps that were run.
        refusal: raised by whatever changes something, if there is one.
    """

    def __init__(self, **over: bool) -> None:
        super().__init__(**over)
        self.rollouts: list[RolloutRequest] = []
        self.started: list[tuple[RolloutPlan, str, str]] = []
        self.steered: list[tuple[str, Wish]] = []
        self.unplanned: dict[str, str] = {}
        self.books: tuple[RunbookEntry, ...] = ()
        self.book_params: tuple[tuple[str, str], ...] = ()
        self.step_plan: Plan | None = None
        self.steps_run: list[Plan | None] = []
        self.whole: tuple[Standing, ...] = ()
        self.refusal: LeptonError | None = None
        self.may_plan = asyncio.Event()
        self.may_plan.set()

    async def plan_rollout(self, request: RolloutRequest) -> RolloutPlan:
        self.rollouts.append(request)
        await self.may_plan.wait()
        plans = tuple(
            replace(
                plan_of(ActionRequest(request.action, host, request.unit, request.reason, request.params)),
                plan_id=f"p-{host}",
                standing=self.standing,
            )
            for host in request.hosts
            if host not in self.unplanned
        )
        left_out = tuple((host, self.unplanned[host]) for host in request.hosts if host in self.unplanned)
        spec = SHIPPED[request.action]
        what = f"{spec.verb} {request.unit} on" if request.unit else spec.verb
        return RolloutPlan(
            "r1",
            request,
            f"{what} {len(plans)} hosts",
            plans,
            left_out,
            spec.danger,
            confirmation=str(len(plans)),
            standing=self.whole,
        )

    async def start_rollout(self, plan: RolloutPlan, confirmation: str, override: str = "") -> None:
        if self.refusal is not None:
            raise self.refusal
        self.started.append((plan, confirmation, override))
        targets = tuple(TargetRun(one.request.host) for one in plan.plans)
        self.play(Rollout(plan.rollout_id, plan.title, RolloutState.RUNNING, targets))

    def play(self, rollout: Rollout) -> None:
        """Let a rollout stand like this."""
        others = tuple(each for each in self.activity.rollouts if each.rollout_id != rollout.rollout_id)
        self.activity = replace(self.activity, rollouts=(rollout, *others))

    def advance(self, *states: TargetState, state: RolloutState = RolloutState.RUNNING, said: str = "") -> Rollout:
        """Let the first targets of the newest rollout stand like this, each half a minute after the other."""
        rollout = self.activity.rollouts[0]
        targets = tuple(
            replace(target, **_of_state(target, found, at))
            for at, (target, found) in enumerate(zip(rollout.targets, _filled(states, rollout.targets), strict=True))
        )
        rollout = replace(rollout, targets=targets, state=state, said=said)
        self.play(rollout)
        return rollout

    async def steer_rollout(self, rollout_id: str, wish: Wish) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.steered.append((rollout_id, wish))
        rollout = self.activity.rollouts[0]
        match wish:
            case Wish.PAUSE:
                self.play(replace(rollout, state=RolloutState.PAUSED))
            case Wish.RESUME:
                self.play(replace(rollout, state=RolloutState.RUNNING, said=""))
            case Wish.ABANDON:
                left = tuple(
                    replace(each, state=TargetState.SKIPPED) if each.state is TargetState.WAITING else each
                    for each in rollout.targets
                )
                self.play(replace(rollout, state=RolloutState.ABANDONED, targets=left, said="abandoned by anna"))

    async def runbooks(self) -> tuple[RunbookEntry, ...]:
        return self.books

    async def start_runbook(self, name: str, host: str, params: Sequence[tuple[str, str]]) -> str:
        book = next((book for book in self.books if book.name == name), None)
        if book is None:
            raise ActionError(f"there is no runbook {name}")
        self.book_params = tuple(params)
        steps = tuple(RunbookStep(title, kind_of(title)) for title in book.steps)
        run = RunbookRun("b1", name, host, RunbookState.READY, steps, 0, T0)
        self.activity = replace(self.activity, runbooks=(run,))
        return run.run_id

    async def plan_step(self, run_id: str) -> Plan | None:
        return self.step_plan

    async def run_step(self, run_id: str, plan: Plan | None, confirmation: str, override: str = "") -> None:
        if self.refusal is not None:
            raise self.refusal
        self.steps_run.append(plan)
        run = self.activity.runbooks[0]
        done = replace(run.steps[run.at], state=TargetState.VERIFIED, said="it is so")
        steps = (*run.steps[: run.at], done, *run.steps[run.at + 1 :])
        state = RunbookState.ENDED if run.at + 1 == len(steps) else RunbookState.READY
        self.activity = replace(self.activity, runbooks=(replace(run, steps=steps, at=run.at + 1, state=state),))

    async def steer_runbook(self, run_id: str, wish: Wish) -> None:
        self.steered.append((run_id, wish))
        run = self.activity.runbooks[0]
        if wish is Wish.ABANDON:
            self.activity = replace(self.activity, runbooks=(replace(run, state=RunbookState.ABANDONED),))
        else:
            self.activity = replace(self.activity, runbooks=(replace(run, at=run.at + 1),))


def kind_of(title: str) -> str:
    """What kind of step a title tells of."""
    return "wait" if title.startswith("wait") else "check" if title.startswith("check") else "action"


_SAID = {
    TargetState.VERIFIED: "active (running), healthy for 20 s",
    TargetState.RUNNING: "restarting",
    TargetState.FAILED: "exit status 1: Job for vllm.service failed",
    TargetState.UNKNOWN: "link lost: asked again when it is back",
}


def _filled(states: Sequence[TargetState], targets: Sequence[TargetRun]) -> list[TargetState]:
    return [*states, *(target.state for target in targets[len(states) :])]


def _of_state(target: TargetRun, state: TargetState, at: int) -> dict[str, object]:
    if state is TargetState.WAITING:
        return {}
    begun = T0 - 100 + 30 * at
    lines = (f"systemctl restart vllm.service on {target.host}", f"waiting for {target.host}: activating", "…")
    return {
        "state": state,
        "said": _SAID.get(state, ""),
        "lines": lines,
        "begun_unix_s": begun,
        "ended_unix_s": None if state is TargetState.RUNNING else begun + 24,
    }
