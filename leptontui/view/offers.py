"""Which actions fit which hosts, and why another does not: pure, so that menu, keys and alerts agree."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from leptontui.model.action import ActionName
from leptontui.model.action_spec import ActionSpec, Parameter, Where
from leptontui.model.target import HostTarget
from leptontui.model.text import plain

_UNIT_KINDS: Final[dict[str, tuple[str, ...]]] = {
    ActionName.ROLL_BACK: ("kube:", "helm:"),
    ActionName.SCALE: ("kube:", "compose:"),
}
"""What a unit's reference begins with, for actions that are about some kinds only."""
_NOT_RESTARTED: Final = ("helm:",)
_ONE_AT_A_TIME: Final = frozenset(
    {ActionName.ROLL_BACK, ActionName.SCALE, ActionName.FAIL_OVER, ActionName.GPU_KILL},
)
"""A workload is not its hosts', a standby takes the place of one, and a process runs on one."""
_SCHEDULERS: Final = {"slurm": "Slurm", "kubernetes": "Kubernetes"}


@dataclass(frozen=True, slots=True)
class Offer:
    """An action for some hosts.

    Attributes:
        spec: the action.
        why_not: why it cannot be planned for them, one line with the mend; "" if it can.
    """

    spec: ActionSpec
    why_not: str = ""


def offers(specs: Iterable[ActionSpec], targets: Sequence[HostTarget | None]) -> tuple[Offer, ...]:
    """Every action for these hosts: those that fit first, else in menu order."""
    found = [Offer(spec, why_not(spec, targets)) for spec in specs]
    return tuple(sorted(found, key=lambda offer: bool(offer.why_not)))


def why_not(spec: ActionSpec, targets: Sequence[HostTarget | None]) -> str:
    """Why an action cannot be planned for all of these hosts; "" if it can.

    Args:
        spec: the action.
        targets: the hosts as the inventory has them; None for one that it does not have.
    """
    known = [target for target in targets if target is not None]
    if not known or len(known) < len(targets):
        return "not in the inventory any more" if targets else "no host is chosen"
    if len(known) > 1 and spec.name in _ONE_AT_A_TIME:
        return "one host at a time"
    unfit = (words for target in known if (words := _unfit(spec, target)))
    return next(unfit, "") or (_no_unit(spec, known) if spec.takes_unit and not units_for(spec, known) else "")


def _unfit(spec: ActionSpec, target: HostTarget) -> str:
    """Why an action does not fit one host, whatever its units."""
    group = plain(target.group, 40)
    if spec.schedulers and target.scheduler not in spec.schedulers:
        wanted = " or ".join(_SCHEDULERS.get(name, name) for name in spec.schedulers)
        return f"needs {wanted}: set scheduler and controller for group {group} in the inventory"
    if spec.schedulers and target.controller is None:
        return f"needs a controller: set it for group {group} in the inventory"
    return f"{plain(target.name, 60)} has no GPU" if spec.name.startswith("gpu-") and target.gpus == 0 else ""


def units_for(spec: ActionSpec, targets: Sequence[HostTarget | None]) -> tuple[str, ...]:
    """The units that the inventory allows to be acted on, on every one of these hosts, in the first one's order."""
    known = [target for target in targets if target is not None]
    if not known:
        return ()
    shared = [unit for unit in known[0].units if all(unit in target.units for target in known[1:])]
    kinds = _UNIT_KINDS.get(spec.name, ())
    return tuple(
        unit
        for unit in shared
        if (unit.startswith(kinds) if kinds else not unit.startswith(_NOT_RESTARTED) or spec.where is not Where.HOST)
    )


def _no_unit(spec: ActionSpec, known: Sequence[HostTarget]) -> str:
    kinds = _UNIT_KINDS.get(spec.name)
    if kinds is not None:
        names = " or ".join(f"{kind}…" for kind in kinds)
        return f"no workload is named: list {names} in units of group {plain(known[0].group, 40)} in the inventory"
    where = plain(known[0].name, 60) if len(known) == 1 else f"all {len(known)} hosts"
    return f'no unit of {where} may be acted on. Name them in the inventory, in the group: units = ["vllm.service"]'


def concerned(spec: ActionSpec, targets: Sequence[HostTarget | None]) -> tuple[Parameter, ...]:
    """The parameters that matter for these hosts: what is said to be of one scheduler is left out for another's."""
    schedulers = {target.scheduler for target in targets if target is not None}
    found: list[Parameter] = []
    for parameter in spec.parameters:
        owner = parameter.meaning.partition(":")[0].strip().lower()
        if owner not in _SCHEDULERS or owner in schedulers:
            found.append(parameter)
    return tuple(found)
