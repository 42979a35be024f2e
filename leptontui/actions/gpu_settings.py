"""A GPU's settings: persistence, clocks locked in a range, and unlocked again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from leptontui.actions.gpu_smi import ALL, Gpu, chosen, gpus_of
from leptontui.actions.guard import Objection
from leptontui.actions.privilege import step_as_root
from leptontui.actions.reach import Deed, Prepared, Reach, Verdict
from leptontui.actions.setting import Setting, Sleep
from leptontui.errors import ActionError
from leptontui.model.action import Danger, Plan, Step

_LOOKS: Final = 4
_LOOK_EVERY_S: Final = 1.5

_TOLERANCE_MHZ: Final = 30
"""The driver takes the nearest clock that the GPU has: on H100 they are 15 MHz apart."""


@dataclass(frozen=True, slots=True)
class PersistenceDeed(Deed):
    """What surrounds `nvidia-smi -pm`.

    Attributes:
        reach: the host.
        wanted: whether it is to be on.
        count: how many GPUs there were.
    """

    reach: Reach
    wanted: bool
    count: int

    async def check_again(self) -> Objection | None:
        """As many GPUs as were shown."""
        return _same_count(self.reach, self.count, await gpus_of(self.reach))

    async def verify(self) -> Verdict:
        """Every GPU says so."""
        gpus = await gpus_of(self.reach)
        wrong = [str(gpu.index) for gpu in gpus if gpu.is_persistent is not self.wanted]
        if wrong or len(gpus) != self.count:
            return Verdict(is_so=False, said=f"not so on GPU {', '.join(wrong) or '(one is missing)'}")
        return Verdict(is_so=True, said=f"persistence is {'on' if self.wanted else 'off'} on all {len(gpus)} GPUs")


@dataclass(frozen=True, slots=True)
class ClocksDeed(Deed):
    """What surrounds the locking and unlocking of clocks.

    Attributes:
        reach: the host.
        before: the GPUs when the plan was made.
        span: (low, high) in MHz; None for unlocking.
        sleep: waits for seconds.
    """

    reach: Reach
    before: tuple[Gpu, ...]
    span: tuple[int, int] | None
    sleep: Sleep

    async def check_again(self) -> Objection | None:
        """The same GPUs under the same numbers."""
        now = {(gpu.index, gpu.uuid) for gpu in await gpus_of(self.reach)}
        if {(gpu.index, gpu.uuid) for gpu in self.before} <= now:
            return None
        return Objection("changed-since", f"{self.reach.name} numbers its GPUs otherwise than before", "plan it again")

    async def verify(self) -> Verdict:
        """Locked: each clock stays in the range. Unlocked: each clock moves, for the driver does not tell of locks."""
        seen: dict[str, list[int | None]] = {gpu.uuid: [] for gpu in self.before}
        for look in range(_LOOKS):
            if look:
                await self.sleep(_LOOK_EVERY_S)
            now = {gpu.uuid: gpu for gpu in await gpus_of(self.reach)}
            for uuid, clocks in seen.items():
                clocks.append(now[uuid].clock_mhz if uuid in now else None)
        if any(None in clocks for clocks in seen.values()):
            return Verdict(is_so=False, said="not every GPU tells its clock")
        told = {gpu.index: [clock for clock in seen[gpu.uuid] if clock is not None] for gpu in self.before}
        return _in_range(told, self.span) if self.span else _moving(told, self.before)


async def prepare_gpu_persistence(setting: Setting) -> Prepared:
    """Plan to turn persistence on or off on all GPUs of a host.

    Raises:
        ActionError: the host's GPUs cannot be asked.
        LinkError: it cannot be reached.
        CommandTimeout: the driver hangs.
    """
    spec, target, wanted = setting.spec, setting.target, setting.request.param("mode") == "on"
    reach = await setting.host()
    gpus = await gpus_of(reach)
    step, warnings = await step_as_root(reach, "nvidia-smi", "-pm", "1" if wanted else "0", timeout_s=spec.timeout_s)
    if not wanted:
        warnings = (
            *warnings,
            "locked clocks and power limits are lost, and volatile ECC counters begin anew, when nothing uses a GPU",
        )
    was_otherwise = all(gpu.is_persistent is (not wanted) for gpu in gpus)
    plan = Plan(
        setting.plan_id,
        setting.request,
        spec.title.format(mode="on" if wanted else "off", host=target.name),
        spec.danger if wanted else Danger.DISRUPTIVE,
        (step,),
        "nvidia-smi --query-gpu=persistence_mode → the same on every GPU",
        running_there=tuple(f"GPU {gpu.index}: persistence is {_on_off(gpu.is_persistent)} now" for gpu in gpus),
        after_this=(spec.undone_by,),
        warnings=warnings,
        undo=setting.request.but(mode="off" if wanted else "on") if was_otherwise else None,
    )
    return Prepared(plan, target, (reach,), PersistenceDeed(reach, wanted, len(gpus)), setting.clock())


async def prepare_gpu_lock_clocks(setting: Setting) -> Prepared:
    """Plan to hold GPUs' clocks in a range. Raises as above, and `ActionError` for a range that no GPU there has."""
    request = setting.request
    low, high = int(request.param("low")), int(request.param("high"))
    if low > high:
        raise ActionError(f"low is {low} MHz and high is {high} MHz", "give the lower one as low")
    reach = await setting.host()
    gpus = chosen(await gpus_of(reach), request.param("gpu"), reach.name)
    for gpu in gpus:
        if gpu.max_clock_mhz is not None and low > gpu.max_clock_mhz:
            raise ActionError(f"GPU {gpu.index} has at most {gpu.max_clock_mhz} MHz, not {low}")
    warnings = [
        f"GPU {gpu.index} has at most {gpu.max_clock_mhz} MHz"
        for gpu in gpus
        if gpu.max_clock_mhz is not None and high > gpu.max_clock_mhz
    ]
    warnings += [
        f"GPU {gpu.index} has no persistence: the lock is lost when nothing uses it"
        for gpu in gpus
        if gpu.is_persistent is False
    ]
    return await _clocks(setting, reach, gpus, ("-lgc", f"{low},{high}"), (low, high), warnings)


async def prepare_gpu_unlock_clocks(setting: Setting) -> Prepared:
    """Plan to let GPUs choose their clocks again. Raises as above."""
    reach = await setting.host()
    gpus = chosen(await gpus_of(reach), setting.request.param("gpu"), reach.name)
    return await _clocks(setting, reach, gpus, ("-rgc",), None, [])


async def _clocks(
    setting: Setting,
    reach: Reach,
    gpus: list[Gpu],
    words: tuple[str, ...],
    span: tuple[int, int] | None,
    warnings: list[str],
) -> Prepared:
    spec, target, which = setting.spec, setting.target, setting.request.param("gpu")
    wanted = "within the range" if span else "the clock moves again"
    vectors = [("nvidia-smi", *words)] if which == ALL else [("nvidia-smi", "-i", gpu.uuid, *words) for gpu in gpus]
    steps: list[Step] = []
    for argv in vectors:
        step, complaints = await step_as_root(reach, *argv, timeout_s=spec.timeout_s)
        steps.append(step)
        warnings = [*complaints, *warnings]
    plan = Plan(
        setting.plan_id,
        setting.request,
        spec.title.format(host=target.name, **dict(setting.request.params)),
        spec.danger,
        tuple(steps),
        f"nvidia-smi --query-gpu=clocks.gr → {wanted}, asked {_LOOKS} times",
        running_there=tuple(
            f"GPU {gpu.index} ({gpu.name}): {_mhz(gpu.clock_mhz)} now, at most {_mhz(gpu.max_clock_mhz)}"
            for gpu in gpus
        ),
        after_this=(spec.undone_by,),
        warnings=tuple(warnings),
    )
    return Prepared(plan, target, (reach,), ClocksDeed(reach, tuple(gpus), span, setting.sleep), setting.clock())


def _in_range(told: dict[int, list[int]], span: tuple[int, int]) -> Verdict:
    low, high = span
    wrong = [
        f"GPU {index} is at {clock} MHz"
        for index, clocks in told.items()
        for clock in clocks[-1:]
        if not low - _TOLERANCE_MHZ <= clock <= high + _TOLERANCE_MHZ
    ]
    if wrong:
        why = "; heat, power or idleness hold a clock below its range" if min(map(min, told.values())) < low else ""
        return Verdict(is_so=False, said=f"{', '.join(wrong)}, not in {low}–{high}{why}")
    clocks = ", ".join(f"GPU {index} at {clocks[-1]} MHz" for index, clocks in told.items())
    return Verdict(is_so=True, said=f"{clocks}, in {low}–{high}")


def _moving(told: dict[int, list[int]], before: tuple[Gpu, ...]) -> Verdict:
    was = {gpu.index: gpu.clock_mhz for gpu in before}
    still = [str(index) for index, clocks in told.items() if set(clocks) == {was[index]}]
    if still:
        cause = f"the clock of GPU {', '.join(still)} has not moved yet; the driver does not tell whether one is locked"
        return Verdict(is_so=False, said=cause)
    return Verdict(is_so=True, said=", ".join(f"GPU {index} moves: {clocks[-1]} MHz" for index, clocks in told.items()))


def _same_count(reach: Reach, count: int, gpus: list[Gpu]) -> Objection | None:
    if len(gpus) == count:
        return None
    return Objection("changed-since", f"{reach.name} lists {len(gpus)} GPUs, not {count}", "plan it again")


def _on_off(is_on: bool | None) -> str:  # noqa: FBT001 — a value, not a switch
    return {True: "on", False: "off", None: "not told"}[is_on]


def _mhz(clock: int | None) -> str:
    return "not told" if clock is None else f"{clock} MHz"
