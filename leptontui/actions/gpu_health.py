"""Whether GPUs are well after a reset: asked again as long as what is wrong may still become well by itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from leptontui.actions.gpu_smi import Gpu, fabric_state, gpus_of, pending_remaps
from leptontui.actions.reach import Reach, Verdict
from leptontui.actions.setting import Setting
from leptontui.errors import ActionError
from leptontui.model.text import plain

SETTLE_S: Final = 90.0
"""The fabric of eight GPUs is trained anew in about a minute."""

_ASK_EVERY_S: Final = 5.0
_COMING: Final = frozenset({"activating", "reloading", "deactivating"})
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
    """Ask until the GPUs are well, or what is wrong will not become well by itself; at most for 90 s.

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
        lasting, passing, well = await _look(reach, before, targets, units, with_fabric=with_fabric)
        if not lasting and not passing:
            return Verdict(is_so=True, said=well)
        if lasting or waited_s >= SETTLE_S:
            return Verdict(is_so=False, said="; ".join([*lasting, *passing]))
        setting.tell(f"not well yet: {passing[0]}")
        await setting.sleep(_ASK_EVERY_S)
        waited_s += _ASK_EVERY_S


async def _look(
    reach: Reach, before: Sequence[Gpu], targets: Sequence[Gpu], units: Sequence[str], *, with_fabric: bool
) -> tuple[list[str], list[str], str]:
    """What is wrong and stays so, what may pass by itself, one line each; and what is to be said if nothing is."""
    try:
        now = {gpu.uuid: gpu for gpu in await gpus_of(reach)}
    except ActionError as error:
        return [], [error.cause], ""
    there = [(gpu, now[gpu.uuid]) for gpu in targets if gpu.uuid in now]
    passing = [f"GPU {gpu.index} ({gpu.uuid[:12]}…) is not listed any more" for gpu in before if gpu.uuid not in now]
    passing += [fault for old, new in there for fault in untold(old, new)]
    lasting = [fault for old, new in there for fault in faults_of(old, new)]
    pending = await pending_remaps(reach)
    lasting += [f"GPU {new.index}: a row is still to be remapped" for _, new in there if new.uuid in pending]
    if with_fabric and (state := await fabric_state(reach)) not in {"", "N/A", "Not Supported", "Completed"}:
        passing.append(f"the NVLink fabric is {state}")
    for unit in units:
        done = await reach.ask("systemctl", "is-active", unit)
        state = plain(done.stdout, 40)
        if state != "active":
            (passing if state in _COMING else lasting).append(f"{unit} is {state or 'not active'}")
    answers = "; ".join(new.words for _, new in there[:2]) + (f" and {len(there) - 2} more" if len(there) > 2 else "")  # noqa: PLR2004
    return lasting, passing, f"reset and answering, no uncorrected ECC errors: {answers}"


def untold(before: Gpu, now: Gpu) -> list[str]:
    """What a GPU that was reset does not tell yet, and told before."""
    faults = []
    if now.uncorrected is None and before.uncorrected is not None:
        faults.append(f"GPU {now.index} does not tell its ECC errors any more")
    if now.temp_c is None and before.temp_c is not None:
        faults.append(f"GPU {now.index} does not tell its temperature any more")
    return faults


def faults_of(before: Gpu, now: Gpu) -> list[str]:
    """What is wrong with a GPU that was reset."""
    faults = []
    if now.uncorrected:
        faults.append(f"GPU {now.index} has {now.uncorrected} uncorrected ECC errors")
    if now.temp_c is not None and not 0 < now.temp_c < _HOTTEST_C:
        faults.append(f"GPU {now.index} says that it has {now.temp_c} °C")
    if before.is_persistent and not now.is_persistent:
        faults.append(f"GPU {now.index} has no persistence any more")
    return faults
