"""The plan of a rollout, made of the plans of its hosts: what is asked for, what it adds up to, how it is confirmed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from leptontui.errors import ActionError
from leptontui.model.action import Danger, Plan, Standing
from leptontui.model.action_spec import ActionSpec
from leptontui.model.activity import Pace, RolloutPlan, RolloutRequest
from leptontui.model.text import plain

MOST_HOSTS: Final = 2000
"""More hosts than this in one rollout are taken for a slip of the keyboard."""

_GRAVITY: Final = (Danger.HARMLESS, Danger.DISRUPTIVE, Danger.DESTRUCTIVE)
_NAMED_HOSTS: Final = 3


@dataclass(frozen=True, slots=True)
class NotPlanned:
    """A host that nothing can be planned for.

    Attributes:
        host: its name.
        cause: why, one line.
    """

    host: str
    cause: str


def check_request(request: RolloutRequest, spec: ActionSpec | None) -> ActionSpec:
    """The action of a rollout that makes sense.

    Raises:
        ActionError: it makes none.
    """
    if spec is None:
        raise ActionError(f"there is no action {plain(request.action, 60)}")
    if not request.hosts:
        raise ActionError("no host is chosen", "mark some, or name them")
    if len(set(request.hosts)) != len(request.hosts):
        twice = next(host for host in request.hosts if request.hosts.count(host) > 1)
        raise ActionError(f"{plain(twice, 60)} is named twice", "name each host once")
    if len(request.hosts) > MOST_HOSTS:
        raise ActionError(f"{len(request.hosts)} hosts are more than {MOST_HOSTS}", "choose fewer")
    if request.pace is Pace.ROLLING and request.batch < 1:
        raise ActionError(f"a batch of {request.batch} hosts", "at least 1 at a time")
    if request.pace is Pace.AT_ONCE and spec.danger is not Danger.HARMLESS:
        raise ActionError(
            f"{spec.verb.lower()} is {spec.danger.value}: it is not done on all at once",
            "one after the other, or rolling with a batch",
        )
    return spec


def assemble(
    rollout_id: str,
    request: RolloutRequest,
    spec: ActionSpec,
    found: Sequence[Plan | NotPlanned],
    standing: Sequence[Standing] = (),
) -> RolloutPlan:
    """The rollout's plan.

    Args:
        rollout_id: unique.
        request: what was asked for, checked.
        spec: its action.
        found: for each host, in order, its plan or why there is none.
        standing: what the guard would refuse the whole for.

    Raises:
        ActionError: no host can be planned, or what is to be done at once is not harmless.
    """
    plans, unplanned = _sorted_out(request, found)
    if not plans:
        first = unplanned[0]
        more = f" (and {len(unplanned) - 1} more)" if len(unplanned) > 1 else ""
        raise ActionError(f"nothing can be done: {first.host}: {first.cause}{more}")
    danger = max((plan.danger for plan in plans), key=_GRAVITY.index)
    if request.pace is Pace.AT_ONCE and danger is not Danger.HARMLESS:
        raise ActionError(f"on {plans[0].request.host} it is {danger.value}: it is not done on all at once")
    return RolloutPlan(
        rollout_id,
        request,
        plans[0].title if len(plans) == 1 else _title(spec, request, len(plans)),
        tuple(plans),
        tuple((one.host, one.cause) for one in unplanned),
        danger,
        warnings=(*(_refused_for(one) for one in standing), *_refused_now(plans)),
        confirmation=_confirmation(plans, danger),
        standing=tuple(standing),
    )


def size_of(request: RolloutRequest) -> int:
    """How many of its hosts are worked on at a time."""
    return {Pace.SERIAL: 1, Pace.ROLLING: request.batch, Pace.AT_ONCE: len(request.hosts)}[request.pace]


def seen_rules(plan: RolloutPlan) -> frozenset[str]:
    """Names of the rules that whoever confirms this plan has seen standing in its way."""
    return frozenset(one.rule for one in (*plan.standing, *(one for part in plan.plans for one in part.standing)))


def essence(plan: Plan) -> object:
    """What a user confirmed of a plan: the commands, where and as whom, and what is at stake."""
    return plan.danger, tuple(
        (step.host, step.login, tuple(word.replace(plan.plan_id, "PLAN") for word in step.argv)) for step in plan.steps
    )


def _sorted_out(request: RolloutRequest, found: Sequence[Plan | NotPlanned]) -> tuple[list[Plan], list[NotPlanned]]:
    """Those that can be run; what is the same thing twice, or wants to be confirmed by itself, cannot."""
    plans: list[Plan] = []
    unplanned: list[NotPlanned] = []
    seen: dict[object, str] = {}
    is_bulk = len(request.hosts) > 1
    for one in found:
        if isinstance(one, NotPlanned):
            unplanned.append(one)
            continue
        host = one.request.host
        commands = tuple((step.host, step.argv) for step in one.steps)
        if commands and commands in seen:
            unplanned.append(NotPlanned(host, f"it is the very same as for {seen[commands]}: once is enough"))
        elif is_bulk and one.confirmation not in {"", host}:
            unplanned.append(NotPlanned(host, "it has to be confirmed by itself: do it host by host"))
        else:
            seen[commands] = host
            plans.append(one)
    return plans, unplanned


def _confirmation(plans: Sequence[Plan], danger: Danger) -> str:
    if len(plans) == 1:
        return plans[0].confirmation
    return "" if danger is Danger.HARMLESS else str(len(plans))


def _title(spec: ActionSpec, request: RolloutRequest, count: int) -> str:
    words = {"host": f"{count} hosts", "unit": request.unit, **dict(request.params)}
    try:
        title = spec.title.format_map(words)
    except (KeyError, ValueError, IndexError, AttributeError):
        title = spec.verb
    return plain(title if f"{count} hosts" in title else f"{title}: {count} hosts", 120)


def _refused_for(standing: Standing) -> str:
    where = f" [{standing.set_in}]" if standing.set_in else ""
    return f"cannot be begun now: {standing.cause}{where}" + (f" ({standing.mend})" if standing.mend else "")


def _refused_now(plans: Sequence[Plan]) -> list[str]:
    """The hosts that the guard would refuse now, by its rules."""
    by_rule: dict[str, list[tuple[str, Standing]]] = {}
    for plan in plans:
        for standing in plan.standing:
            by_rule.setdefault(standing.rule, []).append((plan.request.host, standing))
    return [
        f"would be refused now on {_hosts([host for host, _ in found])} of {len(plans)}: {found[0][1].cause}"
        for found in by_rule.values()
    ]


def _hosts(names: Sequence[str]) -> str:
    shown = ", ".join(plain(name, 60) for name in names[:_NAMED_HOSTS])
    return shown if len(names) <= _NAMED_HOSTS else f"{shown} and {len(names) - _NAMED_HOSTS} more,"
