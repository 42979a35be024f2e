"""What an action's preparer is given: the wish, the fleet, the ways to its hosts, and a voice."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from leptontui.actions.facts import FleetFacts
from leptontui.actions.reach import Prepared, Reach
from leptontui.errors import ActionError
from leptontui.model.action import ActionRequest
from leptontui.model.action_spec import ActionSpec
from leptontui.model.target import Fleet, HostTarget
from leptontui.model.text import plain

Sleep = Callable[[float], Awaitable[None]]
Tell = Callable[[str], None]


def silent(_: str) -> None:
    """Nobody watches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What a preparer is given.

    Attributes:
        request: what is asked for; its parameters are checked against `spec` and complete (defaults filled in).
        spec: the action.
        target: the host it is about.
        fleet: all hosts.
        facts: links and ages as the engine sees them.
        user: who acts, fit to stand before a reason.
        plan_id: the plan's.
        clock: unix seconds.
        sleep: waits for seconds.
        tell: says a line to whoever watches the run, e.g. "waiting for gpu-017 to come back, 40 s"; cleaned there.
        reach_of: the way to a host or controller, connected.
        evidence_in: the folder that evidence is kept in; None for `evidence_archive.default_folder()`.
    """

    request: ActionRequest
    spec: ActionSpec
    target: HostTarget
    fleet: Fleet
    facts: FleetFacts
    user: str
    plan_id: str
    clock: Callable[[], float]
    sleep: Sleep
    tell: Tell
    reach_of: Callable[[HostTarget], Awaitable[Reach]]
    evidence_in: Path | None = None

    async def host(self) -> Reach:
        """The way to the target itself.

        Raises:
            LinkError: it cannot be made.
        """
        return await self.reach_of(self.target)

    async def controller(self) -> Reach:
        """The way to where the target's scheduler is asked.

        Raises:
            ActionError: the inventory names no scheduler or no controller for it.
            LinkError: the way cannot be made.
        """
        return await self.reach_of(controller_of(self.fleet, self.target))


Prepare = Callable[[Setting], Awaitable[Prepared]]
"""Makes the plan of one action. Asks the hosts, changes nothing. May raise `ActionError`, `GuardRefused` (it cannot be
overridden), `LinkError` and `CommandTimeout`."""


def controller_of(fleet: Fleet, target: HostTarget) -> HostTarget:
    """Where the commands of `target`'s scheduler are run.

    Raises:
        ActionError: the inventory names no scheduler or no controller for it.
    """
    mend = f"set scheduler and controller for group {plain(target.group, 60)} in the inventory"
    if target.scheduler is None:
        raise ActionError(f"{plain(target.name, 60)} has no Slurm or Kubernetes", mend)
    name = target.controller or ""
    controller = fleet.controllers.get(name) or fleet.host(name)
    if controller is None:
        raise ActionError(f"{plain(target.name, 60)} has no controller", mend)
    return controller
