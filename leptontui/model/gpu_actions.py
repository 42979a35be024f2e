"""The actions on GPUs, as data: part of the catalogue."""

from __future__ import annotations

from typing import Final

from leptontui.model.action import ActionName, Danger
from leptontui.model.action_spec import ActionSpec, Parameter, ParameterKind, Where

_GPU: Final = Parameter(
    "gpu", "the GPU's index, as nvidia-smi counts, or all", ParameterKind.PATTERN, pattern=r"all|[0-9]{1,3}"
)

GPU_ACTIONS: Final = (
    ActionSpec(
        ActionName.GPU_RESET,
        verb="Reset GPU",
        title="Reset GPU {gpu} of {host}",
        meaning="Reset a GPU that nothing uses; on NVSwitch systems all GPUs together.",
        danger=Danger.DESTRUCTIVE,
        where=Where.HOST,
        command="nvidia-smi --gpu-reset -i GPU on the host; before it what holds the GPU open to look after it "
        "(persistence, DCGM, the fabric manager) is stopped, after it started again",
        affects="volatile ECC counters are wiped; on NVSwitch systems all GPUs",
        verified_by="the GPU answers, without uncorrected ECC errors or rows to remap; all GPUs are there, the fabric "
        "is complete, and what was stopped is active",
        undone_by="cannot be undone",
        needs="the node is drained, and no process uses the GPU",
        parameters=(_GPU,),
        captures_evidence=True,
        # Eight GPUs behind NVSwitches take up to two minutes; a service's stop up to 90 s (DefaultTimeoutStopSec).
        timeout_s=300.0,
    ),
    ActionSpec(
        ActionName.GPU_KILL,
        verb="Kill process",
        title="Kill process {pid} on {host}",
        meaning="End a process that uses a GPU: TERM first, KILL after a while.",
        danger=Danger.DESTRUCTIVE,
        where=Where.HOST,
        command="kill -TERM PID, then kill -KILL PID, on the host",
        affects="the process, and the job it belongs to",
        verified_by="the process is gone, and nvidia-smi lists it no more",
        undone_by="cannot be undone",
        needs="the process is the one that was shown, and uses a GPU",
        parameters=(
            Parameter("pid", "the process", ParameterKind.NUMBER, low=2, high=4_194_304),
            Parameter("grace", "seconds between TERM and KILL", ParameterKind.NUMBER, low=1, high=300, default="10"),
        ),
        captures_evidence=True,
    ),
    ActionSpec(
        ActionName.GPU_PERSISTENCE,
        verb="Set persistence",
        title="Turn persistence {mode} on {host}",
        meaning="Keep the driver loaded while nothing uses the GPUs, or stop doing so.",
        danger=Danger.HARMLESS,
        where=Where.HOST,
        command="nvidia-smi -pm 0|1 on the host",
        affects="nobody; off loses locked clocks and volatile ECC counters once nothing uses a GPU",
        verified_by="every GPU says so",
        undone_by="undone by setting it back",
        undo=ActionName.GPU_PERSISTENCE,
        parameters=(Parameter("mode", "on or off", ParameterKind.CHOICE, choices=("on", "off")),),
    ),
    ActionSpec(
        ActionName.GPU_LOCK_CLOCKS,
        verb="Lock clocks",
        title="Lock the clocks of GPU {gpu} of {host} to {low}-{high} MHz",
        meaning="Hold a GPU's clock in a range.",
        danger=Danger.DISRUPTIVE,
        where=Where.HOST,
        command="nvidia-smi -i GPU -lgc LOW,HIGH on the host",
        affects="how fast jobs on the GPU are",
        verified_by="the GPU's clock is in the range, asked four times",
        undone_by="undone by unlocking them",
        undo=ActionName.GPU_UNLOCK_CLOCKS,
        parameters=(
            _GPU,
            Parameter("low", "MHz", ParameterKind.NUMBER, low=100, high=5000),
            Parameter("high", "MHz", ParameterKind.NUMBER, low=100, high=5000),
        ),
    ),
    ActionSpec(
        ActionName.GPU_UNLOCK_CLOCKS,
        verb="Unlock clocks",
        title="Unlock the clocks of GPU {gpu} of {host}",
        meaning="Let a GPU choose its clock again.",
        danger=Danger.DISRUPTIVE,
        where=Where.HOST,
        command="nvidia-smi -i GPU -rgc on the host",
        affects="how fast jobs on the GPU are",
        verified_by="the GPU's clock moves again: the driver does not tell whether one is locked",
        undone_by="undone by locking them again",
        undo=ActionName.GPU_LOCK_CLOCKS,
        parameters=(_GPU,),
    ),
)
"""In menu order."""
