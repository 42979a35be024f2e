"""What runbooks check and wait for: questions to hosts and controllers that change nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from leptontui.actions.containers import engine_for
from leptontui.actions.facts import FleetFacts, sight_of
from leptontui.actions.guard import live_and_fresh
from leptontui.actions.names import unit_reference
from leptontui.actions.privilege import user_id
from leptontui.actions.reach import Verdict, complaint
from leptontui.actions.schedulers import ReachOf, stand_of
from leptontui.actions.unit_questions import Unit
from leptontui.errors import ActionError
from leptontui.model.target import Fleet, HostTarget
from leptontui.model.text import plain

_GPU_TIMEOUT_S: Final = 60.0
"""nvidia-smi takes a second for each GPU where persistence is off, and far longer where one hangs."""

_COMMAND_NOT_FOUND: Final = 127


@dataclass(frozen=True, slots=True)
class Question:
    """A host, and the ways to ask it and its controller.

    Attributes:
        target: the host.
        unit: which of its units, where the condition is about one.
        fleet: all hosts.
        facts: links and ages as the engine sees them.
        reach_of: the way to a host, connected.
    """

    target: HostTarget
    unit: str
    fleet: Fleet
    facts: FleetFacts
    reach_of: ReachOf


async def is_so(condition: str, question: Question) -> Verdict:
    """Whether a condition holds at this moment, and what was said.

    Raises:
        ActionError: there is no such condition, or the answer makes no sense.
        LinkError: whoever has to be asked cannot be reached.
        CommandTimeout: no answer in time.
    """
    asked = _ASKED.get(condition)
    if asked is None:
        raise ActionError(f"there is no condition {plain(condition, 60)}")
    return await asked(question)


async def _link_live(question: Question) -> Verdict:
    objection = live_and_fresh(sight_of(question.fleet, question.facts, question.target))
    if objection is not None:
        return Verdict(is_so=False, said=objection.cause)
    return Verdict(is_so=True, said=f"{question.target.name} is live")


async def _drained(question: Question) -> Verdict:
    stand = await stand_of(question.fleet, question.target, question.reach_of)
    return Verdict(is_so=stand.is_out, said=stand.said or stand.node)


async def _drained_and_empty(question: Question) -> Verdict:
    stand = await stand_of(question.fleet, question.target, question.reach_of)
    return Verdict(is_so=stand.is_out and stand.is_empty is True, said=stand.said or stand.node)


async def _in_service(question: Question) -> Verdict:
    stand = await stand_of(question.fleet, question.target, question.reach_of)
    is_in = not stand.is_out and stand.is_well and not stand.is_rebooting
    return Verdict(is_so=is_in, said=stand.said or stand.node)


async def _unit_active(question: Question) -> Verdict:
    reference = unit_reference(question.unit)
    reach = await question.reach_of(question.target)
    match reference.kind:
        case "docker" | "podman":
            _, container = await engine_for(reach, reference.kind, reference.name)
            is_up = container.is_running and container.health in {"", "healthy"}
            return Verdict(is_so=is_up, said=f"{container.name} is {container.words}")
        case "systemd" | "user":
            unit = Unit(reach, reference.name, await user_id(reach) if reference.kind == "user" else None)
            state = await unit.ask()
            return Verdict(is_so=state.is_up, said=f"{unit.shown} is {state.words}")
    raise ActionError(
        f"whether {plain(question.unit, 60)} is up is not asked", "unit-active takes units of systemd, and containers"
    )


async def _gpus_answer(question: Question) -> Verdict:
    reach, target = await question.reach_of(question.target), question.target
    argv = ("nvidia-smi", "--query-gpu=index,uuid,temperature.gpu", "--format=csv,noheader")
    done = await reach.ask(*argv, timeout_s=_GPU_TIMEOUT_S)
    if done.exit_status == _COMMAND_NOT_FOUND:
        raise ActionError(f"there is no nvidia-smi on {reach.name}")
    if done.exit_status != 0:
        return Verdict(is_so=False, said=f"nvidia-smi on {reach.name}: {complaint(done)}")
    rows = [[word.strip() for word in line.split(",")] for line in done.stdout.splitlines() if line.strip()]
    mute = [row[0] for row in rows if len(row) != 3 or not row[2].isdecimal()]  # noqa: PLR2004 — what was asked for
    if mute:
        return Verdict(
            is_so=False, said=f"{len(mute)} of {len(rows)} GPUs do not say how warm they are: {plain(mute[0], 40)}"
        )
    if not rows or (target.gpus is not None and len(rows) != target.gpus):
        wanted = "at least one" if target.gpus is None else str(target.gpus)
        return Verdict(is_so=False, said=f"{len(rows)} GPUs answer, {wanted} should")
    return Verdict(is_so=True, said=f"all {len(rows)} GPUs answer")


_ASKED: Final[dict[str, Callable[[Question], Awaitable[Verdict]]]] = {
    "link-live": _link_live,
    "drained": _drained,
    "drained-and-empty": _drained_and_empty,
    "in-service": _in_service,
    "unit-active": _unit_active,
    "gpus-answer": _gpus_answer,
}
