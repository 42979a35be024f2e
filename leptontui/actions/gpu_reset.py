"""Reset of a GPU: only where the scheduler has drained the host and nothing uses the GPU, asked again right before.

nvidia-smi(1): nothing may use the GPU, other tools that read it included, nor may the driver keep it initialised
(persistence); GPUs joined by an NVSwitch are reset together. What has to be out of the way for that while is part of
the plan, and is put back whatever comes of the reset.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from leptontui.actions.evidence import EVIDENCE_WORDS
from leptontui.actions.gpu_health import settled
from leptontui.actions.gpu_holders import FABRIC_MANAGER, PERSISTENCED, Holder
from leptontui.actions.gpu_smi import ALL, Gpu, chosen, gpus_of, is_switched
from leptontui.actions.gpu_vacancy import Vacancy, stand_of_host, vacancy_of
from leptontui.actions.guard import Objection
from leptontui.actions.privilege import step_as_root
from leptontui.actions.reach import Deed, Prepared, Reach, Verdict
from leptontui.actions.setting import Setting
from leptontui.errors import ActionError
from leptontui.model.action import Plan, Step

_PROBES_LEAVE_S: Final = 20.0
"""Our own probes let go of the driver at their next sweep."""


@dataclass(frozen=True, slots=True)
class ResetDeed(Deed):
    """What surrounds the reset.

    Attributes:
        setting: of the action.
        reach: the host.
        before: all of its GPUs when the plan was made.
        targets: those to be reset.
        planned: who held them then.
        stopped: units that the plan stops.
        is_switched: whether they are joined by an NVSwitch.
        reset_step: the number of the step that resets.
    """

    setting: Setting
    reach: Reach
    before: tuple[Gpu, ...]
    targets: tuple[Gpu, ...]
    planned: Vacancy
    stopped: tuple[str, ...]
    is_switched: bool
    reset_step: int

    async def check_again(self) -> Objection | None:
        """Still drained and empty, the same GPUs, nothing that uses them, and nobody else who holds them."""
        _, objection = await stand_of_host(self.setting)
        if objection is not None:
            return objection
        now = {(gpu.index, gpu.uuid) for gpu in await gpus_of(self.reach)}
        if now != {(gpu.index, gpu.uuid) for gpu in self.before}:
            return Objection("changed-since", f"{self.reach.name} lists other GPUs than before", "plan it again")
        vacancy = await vacancy_of(self.reach, self.targets, self.setting.sleep)
        objection = vacancy.objection
        if objection is None and not vacancy.is_within(self.planned):
            who = "; ".join(holder.words for holder in vacancy.holders if holder.pid not in self.planned.pids)
            objection = Objection(
                "changed-since", f"the GPU is held by others than in the plan: {who}", "plan it again"
            )
        return objection

    async def is_needed(self, number: int) -> bool:
        """All are; right before the reset nothing may use the GPU, and our own probes must have let go.

        Raises:
            ActionError: something uses it.
        """
        if number != self.reset_step:
            return True
        waited_s = 0.0
        while True:
            vacancy = await vacancy_of(self.reach, self.targets, self.setting.sleep)
            if vacancy.objection is not None:
                raise ActionError(vacancy.objection.cause, vacancy.objection.mend)
            if not vacancy.probes:
                return True
            if waited_s >= _PROBES_LEAVE_S:
                pids = ", ".join(str(holder.pid) for holder in vacancy.probes)
                raise ActionError(f"this program's own probe (process {pids}) does not let go of the GPU")
            self.setting.tell("waiting for this program's own probes to let go of the GPU")
            await self.setting.sleep(1.0)
            waited_s += 1.0

    async def verify(self) -> Verdict:
        """The GPUs answer with sane counters, all are there, and what was stopped runs again."""
        return await settled(
            self.reach, self.before, self.targets, self.stopped, self.setting, with_fabric=self.is_switched
        )

    async def explain(self) -> str:
        """Who uses the GPU now, and what the kernel says."""
        done = await self.reach.ask("dmesg")
        lines = [line for line in done.stdout.split("\n") if "NVRM" in line or "nvidia" in line.lower()]
        return "\n".join(lines[-10:])


async def prepare_gpu_reset(setting: Setting) -> Prepared:
    """Plan the reset of a GPU, or of all.

    Raises:
        GuardRefused: the host is not drained or not empty, or something uses the GPU.
        ActionError: there is no such GPU, or it cannot be asked.
        LinkError: the host or controller cannot be reached.
        CommandTimeout: no answer in time.
    """
    request, target, which = setting.request, setting.target, setting.request.param("gpu")
    stand, objection = await stand_of_host(setting)
    if objection is not None:
        raise objection.refusal()
    reach = await setting.host()
    before = await gpus_of(reach)
    targets = chosen(before, which, reach.name)
    switch = await is_switched(reach)
    is_whole = which == ALL or bool(switch)
    targets = before if is_whole else targets
    vacancy = await vacancy_of(reach, targets, setting.sleep)
    if vacancy.objection is not None:
        raise vacancy.objection.refusal()
    steps, take_back, reset_step, stopped, warnings = await _steps(
        reach, targets, vacancy, setting.spec.timeout_s, is_whole=is_whole
    )
    if switch and which != ALL:
        warnings.insert(0, f"{switch}: all {len(targets)} GPUs are reset together, not GPU {which} alone")
    if target.scheduler is None:
        warnings.insert(0, f"{target.name} has no scheduler in the inventory: whether work waits there is not known")
    if vacancy.gap:
        warnings.append(f"{vacancy.gap}; nvidia-smi refuses where something still uses the GPU")
    name = f"all {len(targets)} GPUs" if is_whole else f"GPU {targets[0].index}"
    plan = Plan(
        setting.plan_id,
        request,
        f"Reset {name} of {target.name}",
        setting.spec.danger,
        tuple(steps),
        "nvidia-smi answers for each GPU: no uncorrected ECC errors, no row to remap, all GPUs there"
        + ("; the fabric is completed" if switch else "")
        + ("; what was stopped is active" if stopped else ""),
        running_there=(
            *((stand,) if stand else ()),
            *(gpu.words for gpu in targets),
            "no process computes on it" if len(targets) == 1 else "no process computes on them",
            *(f"holds it open: {holder.words}" for holder in vacancy.holders),
        ),
        after_this=("volatile ECC counters begin at 0 again", setting.spec.undone_by),
        warnings=tuple(warnings),
        confirmation=request.host,
        evidence=EVIDENCE_WORDS,
    )
    deed = ResetDeed(setting, reach, tuple(before), tuple(targets), vacancy, stopped, bool(switch), reset_step)
    return Prepared(plan, target, (reach,), deed, setting.clock(), take_back, ends_jobs=())


async def _steps(
    reach: Reach, targets: list[Gpu], vacancy: Vacancy, timeout_s: float, *, is_whole: bool
) -> tuple[list[Step], dict[int, Step], int, tuple[str, ...], list[str]]:
    """The steps, what takes them back, the number of the one that resets, the units that are stopped, and warnings."""
    units = await _units_to_stop(reach, vacancy, targets)
    persistent = [gpu for gpu in targets if gpu.is_persistent]
    before: list[tuple[tuple[str, ...], tuple[str, ...]]] = [
        (("nvidia-smi", "-i", gpu.uuid, "-pm", "0"), ("nvidia-smi", "-i", gpu.uuid, "-pm", "1")) for gpu in persistent
    ]
    if persistent and len(persistent) == len(targets) and is_whole:
        before = [(("nvidia-smi", "-pm", "0"), ("nvidia-smi", "-pm", "1"))]
    before += [(("systemctl", "stop", unit), ("systemctl", "start", unit)) for unit in units]
    warnings = [f"stopped for that while, and started again: {unit}" for unit in units]
    if persistent:
        warnings.append("persistence is turned off for that while, and on again")
    steps: list[Step] = []
    take_back: dict[int, Step] = {}
    said: dict[str, None] = {}

    async def step(*argv: str) -> Step:
        found, complaints = await step_as_root(reach, *argv, timeout_s=timeout_s)
        said.update(dict.fromkeys(complaints))
        return found

    for argv, back in before:
        take_back[len(steps)] = await step(*back)
        steps.append(await step(*argv))
    if vacancy.probes:
        steps += await _letting_go(reach, vacancy.probes)
        warnings.append("this program's own probes let go of the GPUs for three minutes: they are not seen meanwhile")
    reset_step = len(steps)
    which = () if is_whole else ("-i", targets[0].uuid)
    steps.append(await step("nvidia-smi", "--gpu-reset", *which))
    steps += [take_back[number] for number in reversed(take_back)]
    return steps, take_back, reset_step, units, [*said, *warnings]


async def _letting_go(reach: Reach, probes: Sequence[Holder]) -> list[Step]:
    """Tell probes to let go (probe/main.py knows the signal): one's own without root's rights."""
    login = reach.login.partition("@")[0]
    own = [str(probe.pid) for probe in probes if probe.user == login]
    others = [str(probe.pid) for probe in probes if probe.user != login]
    steps = [Step(reach.name, reach.login, ("kill", "-USR1", *own))] if own else []
    return [*steps, *([(await step_as_root(reach, "kill", "-USR1", *others))[0]] if others else [])]


async def _units_to_stop(reach: Reach, vacancy: Vacancy, targets: list[Gpu]) -> tuple[str, ...]:
    """The services that hold the GPUs; of nvidia-persistenced it is enough to turn persistence off, where it is on."""
    units = dict.fromkeys(holder.unit for holder in vacancy.services)
    if all(gpu.is_persistent for gpu in targets):
        units.pop(PERSISTENCED, None)
    if FABRIC_MANAGER not in units and len(targets) > 1:
        done = await reach.ask("systemctl", "is-active", FABRIC_MANAGER)
        if done.stdout.strip() == "active":
            units[FABRIC_MANAGER] = None
    return tuple(units)
