"""Whether GPUs are well after a reset: asked until they are, or until too much time has gone by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from leptontui.actions.gpu_smi import Gpu, fabric_state, gpus_of, pending_remaps
from leptontui.actions.reach import Reach, Verdict
from leptontui.actions.setting import Setting
from leptontui.errors import ActionError

SETTLE_S: Final = 90.0
"""The fabric of eight GPUs is trained anew in about a minute."""

_ASK_EVERY_S: Final = 5.0
_HOTTEST_C: Final = 120
"""No GPU is hotter and lives: a reading beyond it is none."""


async def settled(
    reach: Reach,
    before: Sequence[Gpu],
    targets: Sequence[Gpu],
    units: Sequence[str],
    setting: Setting,
    *,
    with_fabric: bool,
) -> Verdict:
    """Ask until the GPUs are well, at most for 90 s.

    Args:
        reach: the host.
        before: all of its GPUs before the reset.
        targets: those that were reset.
        units: services that were stopped for it, and must be active again.
        setting: of the action: its clock, its voice.
        with_fabric: whether they are joined by a fabric, which must be complete again.

    Raises:
        LinkError: the link broke.
        CommandTimeout: the driver hangs.
    """
    waited_s = 0.0
    while True:
        faults, well = await _look(reach, before, targets, units, with_fabric=with_fabric)
        if not faults:
            return Verdict(is_so=True, said=well)
        if waited_s >= SETTLE_S:
            return Verdict(is_so=False, said="; ".join(faults))
        setting.tell(f"not well yet: {faults[0]}")
        await setting.sleep(_ASK_EVERY_S)
        waited_s += _ASK_EVERY_S


async def _look(
    reach: Reach, before: Sequence[Gpu], targets: Sequence[Gpu], units: Sequence[str], *, with_fabric: bool
) -> tuple[list[str], str]:
    """What is wrong, one line each; and what is to be said if nothing is."""
    try:
        now = {gpu.uuid: gpu for gpu in await gpus_of(reach)}
    except ActionError as error:
        return [error.cause], ""
    gone = [f"GPU {gpu.index} ({gpu.uuid[:12]}…) is not listed any more" for gpu in before if gpu.uuid not in now]
    there = [(gpu, now[gpu.uuid]) for gpu in targets if gpu.uuid in now]
    faults = [*gone, *(fault for old, new in there for fault in faults_of(old, new))]
    pending = await pending_remaps(reach)
    faults += [f"GPU {new.index}: a row is still to be remapped" for _, new in there if new.uuid in pending]
    if with_fabric and (state := await fabric_state(reach)) not in {"", "N/A", "Not Supported", "Completed"}:
        faults.append(f"the NVLink fabric is {state}")
    for unit in units:
        done = await reach.ask("systemctl", "is-active", unit)
        if done.stdout.strip() != "active":
            faults.append(f"{unit} is {done.stdout.strip()[:40] or 'not active'}")
    answers = "; ".join(new.words for _, new in there[:2]) + (f" and {len(there) - 2} more" if len(there) > 2 else "")  # noqa: PLR2004
    return faults, f"reset and answering, no uncorrected ECC errors: {answers}"


def faults_of(before: Gpu, now: Gpu) -> list[str]:
    """What is wrong with a GPU that was reset."""
    faults = []
    if now.uncorrected:
        faults.append(f"GPU {now.index} has {now.uncorrected} uncorrected ECC errors")
    if now.uncorrected is None and before.uncorrected is not None:
        faults.append(f"GPU {now.index} does not tell its ECC errors any more")
    if now.temp_c is None and before.temp_c is not None:
        faults.append(f"GPU {now.index} does not tell its temperature any more")
    if now.temp_c is not None and not 0 < now.temp_c < _HOTTEST_C:
        faults.append(f"GPU {now.index} says that it has {now.temp_c} °C")
    if before.is_persistent and not now.is_persistent:
        faults.append(f"GPU {now.index} has no persistence any more")
    return faults
