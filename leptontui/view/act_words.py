"""Plans and runs of actions in words and as JSON, for commands without a screen."""

from __future__ import annotations

import shlex
from collections.abc import Set as AbstractSet
from typing import Any, Final

from leptontui.model.action import Plan, Standing
from leptontui.model.action_spec import ActionSpec, Parameter, ParameterKind
from leptontui.model.activity import Rollout, RolloutPlan, RunbookRun, RunbookStep, TargetRun, TargetState
from leptontui.model.text import plain

SCHEMA: Final = "leptontui-act/1"
"""Changes when a field is renamed, removed or means something else; a new field does not change it."""


def plan_lines(plan: Plan) -> list[str]:
    """What would be done on one host."""
    return [
        f"{plan.title} ({plan.danger.value})",
        *(f"  runs      {step.login}$ {_shown(step.argv)}" for step in plan.steps),
        *(f"  there     {line}" for line in plan.running_there),
        *(f"  then      {line}" for line in plan.after_this),
        f"  verified  {plan.verification}",
        *([f"  evidence  {plan.evidence}"] if plan.evidence else []),
        *(f"  warning   {line}" for line in plan.warnings if not _is_said(line, plan.standing)),
        *(f"  refused   {line}" for line in map(_standing, plan.standing)),
    ]


def rollout_plan_lines(plan: RolloutPlan) -> list[str]:
    """What would be done on each of many hosts."""
    lines = [line for part in plan.plans for line in plan_lines(part)]
    lines += [f"{host}: nothing can be done: {cause}" for host, cause in plan.unplanned]
    if len(plan.plans) > 1:
        batch = f", {plan.request.batch} at a time" if plan.request.pace.value == "rolling" else ""
        lines.append(f"{plan.title}: {plan.request.pace.value}{batch}")
    told = {one for part in plan.plans for one in part.standing}
    return [*lines, *(f"  refused   {_standing(one)}" for one in plan.standing if one not in told)]


def rollout_plan_json(plan: RolloutPlan) -> dict[str, Any]:
    """The same as a document."""
    return {
        "rollout_id": plan.rollout_id,
        "title": plan.title,
        "danger": plan.danger.value,
        "pace": plan.request.pace.value,
        "batch": plan.request.batch,
        "count": len(plan.plans),
        "standing": [_standing_json(one) for one in plan.standing],
        "plans": [plan_json(part) for part in plan.plans],
        "unplanned": [{"host": host, "cause": cause} for host, cause in plan.unplanned],
    }


def plan_json(plan: Plan) -> dict[str, Any]:
    """One plan as a document."""
    return {
        "plan_id": plan.plan_id,
        "action": str(plan.request.action),
        "host": plan.request.host,
        "unit": plan.request.unit,
        "reason": plan.request.reason,
        "params": dict(plan.request.params),
        "title": plan.title,
        "danger": plan.danger.value,
        "steps": [
            {"host": step.host, "login": step.login, "argv": list(step.argv), "timeout_s": step.timeout_s}
            for step in plan.steps
        ],
        "running_there": list(plan.running_there),
        "after_this": list(plan.after_this),
        "verification": plan.verification,
        "evidence": plan.evidence,
        "warnings": list(plan.warnings),
        "standing": [_standing_json(one) for one in plan.standing],
    }


def rollout_json(rollout: Rollout) -> dict[str, Any]:
    """How a rollout went."""
    return {
        "state": rollout.state.value,
        "said": rollout.said,
        "targets": [
            {
                "host": target.host,
                "state": target.state.value,
                "said": target.said,
                "lines": list(target.lines),
                "begun_unix_s": target.begun_unix_s,
                "ended_unix_s": target.ended_unix_s,
            }
            for target in rollout.targets
        ],
    }


def runbook_json(run: RunbookRun) -> dict[str, Any]:
    """How a runbook stands."""
    return {
        "run_id": run.run_id,
        "name": run.name,
        "host": run.host,
        "state": run.state.value,
        "at": run.at,
        "begun_unix_s": run.begun_unix_s,
        "steps": [
            {"title": step.title, "kind": step.kind, "state": step.state.value, "said": step.said} for step in run.steps
        ],
    }


def news(before: TargetRun | None, now: TargetRun, told: AbstractSet[str] = frozenset()) -> list[str]:
    """What is new of a target since it was last looked at, line by line.

    Args:
        before: as it was then; None the first time.
        now: as it is.
        told: its lines that were told so far. At the end its lines are what the commands printed, most of which was
            told as it came.
    """
    fresh = unseen(() if before is None else before.lines, now.lines)
    is_over = now.state is not TargetState.RUNNING
    lines = [f"{now.host} | {line}" for line in fresh if not (is_over and line in told)]
    if before is None or before.state is not now.state:
        said = f": {now.said}" if now.said else ""
        lines.insert(len(lines) if is_over else 0, f"{now.host}: {now.state.value}{said}")
    return lines


def step_line(number: int, step: RunbookStep) -> str:
    """One step of a runbook and how it stands."""
    said = f": {step.said}" if step.said else ""
    return f"{number:>2}. {step.title} — {step.state.value}{said}"


def unseen(before: tuple[str, ...], now: tuple[str, ...]) -> tuple[str, ...]:
    """The lines at the end of `now` that do not stand at the end of `before`: both are windows on the same lines."""
    for overlap in range(min(len(before), len(now)), 0, -1):
        if before[-overlap:] == now[:overlap]:
            return now[overlap:]
    return now


def spec_lines(spec: ActionSpec) -> list[str]:
    """One action, for a list."""
    needs = [
        *(["--unit UNIT"] if spec.takes_unit else []),
        *(["--reason WHY"] if spec.takes_reason else []),
        *(f"[{_parameter(one)}]" if one.default is not None else _parameter(one) for one in spec.parameters),
    ]
    return [
        " ".join([str(spec.name), *needs]),
        f"    {spec.meaning} {spec.danger.value.capitalize()}; {spec.undone_by}.",
        *(
            f"    {one.name}: {one.meaning}" + (f" (default {one.default})" if one.default else "")
            for one in spec.parameters
        ),
    ]


def spec_json(spec: ActionSpec) -> dict[str, Any]:
    """One action as a document."""
    return {
        "name": str(spec.name),
        "meaning": spec.meaning,
        "danger": spec.danger.value,
        "where": spec.where.value,
        "command": spec.command,
        "affects": spec.affects,
        "needs": spec.needs,
        "verified_by": spec.verified_by,
        "undone_by": spec.undone_by,
        "schedulers": list(spec.schedulers),
        "takes_unit": spec.takes_unit,
        "takes_reason": spec.takes_reason,
        "parameters": [
            {
                "name": one.name,
                "meaning": one.meaning,
                "kind": one.kind.value,
                "choices": list(one.choices),
                "pattern": one.pattern,
                "range": [one.low, one.high] if one.kind is ParameterKind.NUMBER else None,
                "default": one.default,
            }
            for one in spec.parameters
        ],
    }


def _parameter(one: Parameter) -> str:
    match one.kind:
        case ParameterKind.CHOICE:
            return f"--param {one.name}={'|'.join(one.choices)}"
        case ParameterKind.NUMBER:
            return f"--param {one.name}={one.low}…{one.high}"
    return f"--param {one.name}=…"


def _standing(one: Standing) -> str:
    where = f" [{one.set_in}]" if one.set_in else ""
    mend = f" ({one.mend})" if one.mend else ""
    way = "; --override WHY sets it aside" if one.may_be_overridden else ""
    return f"{one.rule}: {one.cause}{where}{mend}{way}"


def _standing_json(one: Standing) -> dict[str, Any]:
    return {
        "rule": one.rule,
        "cause": one.cause,
        "mend": one.mend,
        "set_in": one.set_in,
        "may_be_overridden": one.may_be_overridden,
    }


def _is_said(warning: str, standing: tuple[Standing, ...]) -> bool:
    """Whether a warning only says what stands among the refusals."""
    return any(one.cause in warning for one in standing)


def _shown(argv: tuple[str, ...]) -> str:
    """A command as a shell would take it, fit for a terminal."""
    return " ".join(shlex.quote(plain(word, 400)) for word in argv)
