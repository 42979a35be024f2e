"""The one place where it is chosen by the host's scheduler who drains it, gives it back, and says how it stands."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from leptontui.actions.drain import prepare_slurm_drain
from leptontui.actions.kube_drain import prepare_kube_drain
from leptontui.actions.kube_names import KUBERNETES
from leptontui.actions.kube_node import look_at_kube
from leptontui.actions.kube_uncordon import prepare_kube_undrain
from leptontui.actions.reach import Prepared, Reach
from leptontui.actions.setting import Prepare, Setting, controller_of
from leptontui.actions.slurm_questions import look_at_slurm
from leptontui.actions.stand import Look, Stand
from leptontui.actions.undrain import prepare_slurm_undrain
from leptontui.errors import ActionError
from leptontui.model.target import Fleet, HostTarget
from leptontui.model.text import plain

ReachOf = Callable[[HostTarget], Awaitable[Reach]]


@dataclass(frozen=True, slots=True)
class Scheduler:
    """What is done through one kind of scheduler.

    Attributes:
        drain: plans the drain of a host.
        undrain: plans its return into service.
        look: says how it stands, asked of its controller.
    """

    drain: Prepare
    undrain: Prepare
    look: Look


SCHEDULERS: Final[dict[str, Scheduler]] = {
    "slurm": Scheduler(prepare_slurm_drain, prepare_slurm_undrain, look_at_slurm),
    KUBERNETES: Scheduler(prepare_kube_drain, prepare_kube_undrain, look_at_kube),
}
"""By the name that the inventory gives them."""


async def prepare_drain(setting: Setting) -> Prepared:
    """Plan the drain of a host by its scheduler. Raises as that one's own does, and `ActionError` where it has none."""
    return await scheduler_of(setting.fleet, setting.target).drain(setting)


async def prepare_undrain(setting: Setting) -> Prepared:
    """Plan the return of a host by its scheduler. Raises as `prepare_drain`."""
    return await scheduler_of(setting.fleet, setting.target).undrain(setting)


async def stand_of(fleet: Fleet, target: HostTarget, reach_of: ReachOf) -> Stand:
    """How a host stands with its scheduler at this moment.

    Raises:
        ActionError: it has no scheduler or controller, or that one cannot say.
        LinkError: the controller cannot be reached.
        CommandTimeout: no answer in time.
    """
    scheduler = scheduler_of(fleet, target)
    return await scheduler.look(await reach_of(controller_of(fleet, target)), target)


def scheduler_of(fleet: Fleet, target: HostTarget) -> Scheduler:
    """The host's scheduler.

    Raises:
        ActionError: the inventory names none or no controller for it, or one that is not known here.
    """
    controller_of(fleet, target)  # says what is missing in the inventory
    scheduler = SCHEDULERS.get(target.scheduler or "")
    if scheduler is None:
        raise ActionError(
            f"{plain(target.name, 60)} has the scheduler {plain(target.scheduler or '', 40)}, not known here"
        )
    return scheduler
