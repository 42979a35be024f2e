"""What uses the GPUs of a simulated host."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from leptontui.demo.layout import TRAIN_JOB, Role, SimulatedHost
from leptontui.demo.units import VLLM, UnitState


@dataclass(frozen=True, slots=True)
class Work:
    """What uses the GPUs of a host: one process on each.

    Attributes:
        user: whose.
        job: Slurm's number of it, None if it is none of Slurm's.
        command: its command line.
        first_pid: the process on GPU 0; those on the others follow.
    """

    user: str
    job: str | None
    command: str
    first_pid: int


def work_of(host: SimulatedHost, units: Sequence[UnitState]) -> Work | None:
    """What uses the GPUs of `host`, None if it is idle."""
    match host.role:
        case Role.IDLE:
            return None
        case Role.TRAIN:
            pid = 20_000 + host.index * 37 % 9_000
            return Work("anna", str(TRAIN_JOB), "python train.py --config pretrain-70b.yaml", pid)
    service_pid = next((unit.main_pid for unit in units if unit.file.name == VLLM), 0)
    return Work("vllm", None, "vllm serve /models/llama-70b", service_pid + 1)
