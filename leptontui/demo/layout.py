"""Who is who in the simulated fleet: hosts, what each is used for, its GPUs and the jobs on it. Pure data."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from enum import IntEnum
from itertools import groupby
from typing import Final

CONTROLLER: Final = "login1"
GIB: Final = 1 << 30
GPU_MEMORY_BYTES: Final = 81_559 * (1 << 20)
"""What NVML says for an H100 80GB HBM3."""
HOST_MEMORY_BYTES: Final = 2048 * GIB
CPU_COUNT: Final = 64
RACK_HOSTS: Final = 4
"""Hosts of eight 700 W boards in one rack: what its power and air carry."""
TRAIN_SHARE: Final = 0.60
INFER_SHARE: Final = 0.25
TRAIN_JOB: Final = 8812
FIRST_EVAL_JOB: Final = 8907


class Role(IntEnum):
    """What a host is used for."""

    INFER = 0
    TRAIN = 1
    IDLE = 2


@dataclass(frozen=True, slots=True)
class SimulatedHost:
    """One host of the simulated fleet.

    Attributes:
        index: its row in every array of the simulation.
        name: its host name.
        role: see `Role`.
        gpu_uuids: identities of its GPUs, shape (gpus,).
        has_eval_job: a small CPU job shares the host, so Slurm calls it MIXED.
    """

    index: int
    name: str
    role: Role
    gpu_uuids: tuple[str, ...]
    has_eval_job: bool = False

    @property
    def rack(self) -> str:
        """The rack it stands in, e.g. "r02"."""
        return f"r{self.index // RACK_HOSTS + 1:02d}"


@dataclass(frozen=True, slots=True)
class Layout:
    """The whole simulated fleet.

    Attributes:
        hosts: in order of their names.
        gpus: GPUs of each host.
        seed: what identities and all noise are derived from.
    """

    hosts: tuple[SimulatedHost, ...]
    gpus: int
    seed: int

    def with_role(self, role: Role) -> tuple[SimulatedHost, ...]:
        """The hosts used for `role`, in order."""
        return tuple(host for host in self.hosts if host.role is role)

    def host(self, name: str) -> SimulatedHost | None:
        """The host called `name`, None if there is none."""
        return next((host for host in self.hosts if host.name == name), None)

    @property
    def groups(self) -> dict[str, tuple[SimulatedHost, ...]]:
        """Hosts of each inventory group and Slurm partition; idle hosts belong to `train`, no group is empty."""
        infer = self.with_role(Role.INFER)
        train = tuple(host for host in self.hosts if host.role is not Role.INFER)
        return {name: hosts for name, hosts in (("infer", infer), ("train", train)) if hosts}

    @property
    def racks(self) -> dict[str, tuple[SimulatedHost, ...]]:
        """Hosts of each rack, in order."""
        return {name: tuple(hosts) for name, hosts in groupby(self.hosts, key=lambda host: host.rack)}


def identity(seed: int, *parts: str | int) -> str:
    """A UUID that depends on `seed` and `parts` only."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, "/".join(("leptontui-demo", str(seed), *map(str, parts)))))


def make_layout(hosts: int, gpus: int, seed: int = 0) -> Layout:
    """Lay out a fleet: a quarter for inference, then 60 % in one training job, the rest idle.

    Args:
        hosts: how many hosts, at least 1.
        gpus: GPUs of each, at least 1.
        seed: what identities are derived from.

    Raises:
        ValueError: fewer than one host or GPU.
    """
    if hosts < 1 or gpus < 1:
        raise ValueError("a fleet has at least one host, and a host at least one GPU")
    train = max(1, round(TRAIN_SHARE * hosts))
    infer = min(round(INFER_SHARE * hosts), hosts - train)
    width = max(3, len(str(hosts)))
    made = []
    for index in range(hosts):
        name = f"gpu-{index + 1:0{width}d}"
        role = Role.INFER if index < infer else Role.TRAIN if index < infer + train else Role.IDLE
        uuids = tuple(f"GPU-{identity(seed, name, gpu)}" for gpu in range(gpus))
        made.append(SimulatedHost(index, name, role, uuids, has_eval_job=role is Role.INFER and index % 2 == 1))
    return Layout(tuple(made), gpus, seed)


def bus_number(gpu: int) -> int:
    """The PCI bus of a host's `gpu`-th GPU."""
    return 0x19 + 0x11 * gpu


def bus_id(gpu: int) -> str:
    """Its place as NVML writes it, e.g. "00000000:19:00.0"."""
    return f"00000000:{bus_number(gpu):02X}:00.0"


def folded(names: list[str]) -> str:
    """Names in Slurm's and ClusterShell's bracket notation, e.g. "gpu-[001-003,007]"; one name stays as it is.

    All names must share one prefix and one width of digits, as those of `make_layout` do.
    """
    if len(names) < 2:  # noqa: PLR2004 — one name needs no brackets
        return "".join(names)
    digits = len(names[0]) - len(names[0].rstrip("0123456789"))
    prefix = names[0][:-digits]
    numbers = sorted(int(name[-digits:]) for name in names)
    ranges: list[list[int]] = []
    for number in numbers:
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    parts = (f"{a:0{digits}d}" if a == b else f"{a:0{digits}d}-{b:0{digits}d}" for a, b in ranges)
    return f"{prefix}[{','.join(parts)}]"


def unfolded(notation: str) -> list[str]:
    """Names written in bracket notation, e.g. "gpu-[001-003,007],login1"; what cannot be read stays one name."""
    names: list[str] = []
    for part in re.findall(r"[^,\[]*\[[^\]]*\][^,]*|[^,]+", notation):
        match = re.fullmatch(r"([^\[]*)\[([\d,-]+)\]", part)
        ranges = [re.fullmatch(r"(\d+)(?:-(\d+))?", item) for item in match[2].split(",")] if match else [None]
        if match is None or None in ranges:
            names.append(part)
            continue
        for item in ranges:
            if item is not None:
                low, high = item[1], item[2] or item[1]
                span = range(int(low), min(int(high), int(low) + 9999) + 1)
                names += [f"{match[1]}{number:0{len(low)}d}" for number in span]
    return names
