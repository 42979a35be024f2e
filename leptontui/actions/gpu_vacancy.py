"""Whether a GPU may be reset: the scheduler has drained the host and nothing runs there, and nothing uses the GPU."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from leptontui.actions.gpu_holders import STOPPABLE, Holder, devices_of, holders_of
from leptontui.actions.gpu_smi import Computing, Gpu, computing_on
from leptontui.actions.guard import Objection
from leptontui.actions.reach import Reach
from leptontui.actions.schedulers import stand_of
from leptontui.actions.setting import Setting, Sleep
from leptontui.model.text import plain

_SHOWN: Final = 4
_LOOKS_AGAIN: Final = 3
_PASSES_S: Final = 1.5
"""An nvidia-smi takes 1 s where persistence is on; one that hangs is found all the same."""

_SMI: Final = re.compile(r"(?:\S*/)?nvidia-smi(?: |$)")


@dataclass(frozen=True, slots=True)
class Vacancy:
    """Who uses some GPUs at one moment.

    Attributes:
        computing: processes that compute on them.
        holders: processes that hold them open.
        gap: why that is not known in full; "" where it is.
    """

    computing: tuple[Computing, ...] = ()
    holders: tuple[Holder, ...] = ()
    gap: str = ""

    @property
    def probes(self) -> tuple[Holder, ...]:
        """Our own, which let go when told to."""
        return tuple(holder for holder in self.holders if holder.is_probe)

    @property
    def services(self) -> tuple[Holder, ...]:
        """Of services that can be stopped for a while."""
        return tuple(holder for holder in self.holders if holder.unit in STOPPABLE and not holder.is_probe)

    @property
    def others(self) -> tuple[Holder, ...]:
        """All that nobody but their owner may end."""
        return tuple(holder for holder in self.holders if holder.unit not in STOPPABLE and not holder.is_probe)

    @property
    def is_passing(self) -> bool:
        """Whether all that is in the way is nvidia-smi, which somebody's monitoring calls now and then."""
        return not self.computing and all(_SMI.match(holder.command) for holder in self.others)

    @property
    def pids(self) -> frozenset[int]:
        """Of all holders."""
        return frozenset(holder.pid for holder in self.holders)

    @property
    def objection(self) -> Objection | None:
        """What speaks against a reset."""
        if self.computing:
            words = [f"process {use.pid}, {use.name}" for use in self.computing]
            return Objection("gpu-in-use", f"the GPU computes: {_some(words)}", "wait until it has ended, or end it")
        if self.others:
            words = [holder.words for holder in self.others]
            mend = "end it, or stop what it belongs to, first"
            if any(holder.owner.startswith("pod ") for holder in self.others):
                mend = (
                    "take the pod off first: those of DaemonSets stay on a drained node, and the GPU operator's go "
                    "with the node's label nvidia.com/gpu.deploy.operands=false"
                )
            return Objection("gpu-in-use", f"the GPU is held open: {_some(words)}", mend)
        return None

    def is_within(self, planned: Vacancy) -> bool:
        """Whether nobody holds the GPUs now who did not when `planned` was seen."""
        probes = {holder.pid for holder in self.probes} <= {holder.pid for holder in planned.probes}
        return probes and {holder.unit for holder in self.services} <= {holder.unit for holder in planned.services}


async def vacancy_of(reach: Reach, gpus: Sequence[Gpu], sleep: Sleep) -> Vacancy:
    """Who uses these GPUs now; where it is but an nvidia-smi that is about to end, asked again a few times.

    A process whose GPU is not told, or that is on a part of one (MIG), counts for all.

    Raises:
        ActionError: it cannot be told who computes.
        LinkError: the link broke.
        CommandTimeout: no answer in time.
    """
    vacancy = await _look(reach, gpus)
    for _ in range(_LOOKS_AGAIN):
        if not vacancy.others or not vacancy.is_passing:
            break
        await sleep(_PASSES_S)
        vacancy = await _look(reach, gpus)
    return vacancy


async def _look(reach: Reach, gpus: Sequence[Gpu]) -> Vacancy:
    uuids = {gpu.uuid for gpu in gpus}
    computing = [
        use for use in await computing_on(reach) if use.gpu_uuid in uuids or not use.gpu_uuid.startswith("GPU-")
    ]
    held, gap = await holders_of(reach)
    files = await devices_of(reach, [gpu.bus_id for gpu in gpus])
    holders = [
        holder
        for holder in held
        if files is None or files & set(holder.devices) or any("nvswitch" in device for device in holder.devices)
    ]
    return Vacancy(tuple(computing), tuple(holders), gap)


async def stand_of_host(setting: Setting) -> tuple[str, Objection | None]:
    """How the host stands with its scheduler, in words, and what of it speaks against a reset.

    Without a scheduler there is nobody to ask: ("", None).

    Raises:
        ActionError: the scheduler cannot say.
        LinkError: its controller cannot be reached.
        CommandTimeout: no answer in time.
    """
    target = setting.target
    if target.scheduler is None:
        return "", None
    stand = await stand_of(setting.fleet, target, setting.reach_of)
    said = plain(stand.said, 200)
    if not stand.is_out:
        return said, Objection(
            "not-drained", f"{target.name} is not drained: {said}", "drain it, and wait until it is empty"
        )
    if stand.is_empty is None:
        return said, Objection("not-empty", f"whether {target.name} is empty is not known: {said}", "ask its scheduler")
    if not stand.is_empty:
        return said, Objection("not-empty", f"{target.name} is not empty yet: {said}", "wait until its jobs have ended")
    return said, None


def _some(words: Sequence[str]) -> str:
    more = len(words) - _SHOWN
    return "; ".join(words[:_SHOWN]) + (f"; and {more} more" if more > 0 else "")
