"""nvidia-smi on a host: what GPUs there are, how they are, who computes on them. Changes nothing.

Formats as printed by drivers 470 to 580; CSV, since its fields are documented (`nvidia-smi --help-query-gpu`). Only
fields that all of them know are asked for: one that is not known fails the whole query.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from typing import Final

from leptontui.actions.reach import Reach, complaint
from leptontui.errors import ActionError
from leptontui.model.text import plain

ALL: Final = "all"
"""What the parameter `gpu` says for every GPU of the host."""

SMI_TIMEOUT_S: Final = 40.0
"""Without persistence nvidia-smi brings eight GPUs up before it answers: up to 30 s."""

FIELDS: Final = (
    *("index", "uuid", "pci.bus_id", "name", "persistence_mode", "temperature.gpu", "memory.used"),
    *("ecc.errors.uncorrected.volatile.total", "clocks.gr", "clocks.max.gr"),
)
_NOT_FOUND: Final = 127
_MOST_GPUS: Final = 64
_UUID: Final = re.compile(r"GPU-[0-9A-Za-z-]{8,60}")
_NUMBER: Final = re.compile(r"-?[0-9]{1,12}")
_FABRIC_STATE: Final = re.compile(r"^ *Fabric *\n *State *: *([^\n]*)$", re.MULTILINE)
_IDLE_FABRIC: Final = frozenset({"", "N/A", "Not Supported"})


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU at one moment. What it does not tell is None.

    Attributes:
        index: as nvidia-smi counts.
        uuid: its identity.
        bus_id: its place, e.g. "00000000:07:00.0".
        name: its model.
        is_persistent: whether the driver keeps it initialised while nothing uses it.
        temp_c: its temperature.
        memory_used_mib: its memory in use.
        uncorrected: uncorrected ECC errors since the driver was loaded or it was reset.
        clock_mhz: its graphics clock.
        max_clock_mhz: the highest that it may have.
    """

    index: int
    uuid: str
    bus_id: str = ""
    name: str = ""
    is_persistent: bool | None = None
    temp_c: int | None = None
    memory_used_mib: int | None = None
    uncorrected: int | None = None
    clock_mhz: int | None = None
    max_clock_mhz: int | None = None

    @property
    def words(self) -> str:
        """For people: "GPU 3 (H100 80GB, GPU-5e…): 34 °C, 1,210 MiB in use"."""
        parts = [] if self.temp_c is None else [f"{self.temp_c} °C"]
        if self.memory_used_mib is not None:
            parts.append(f"{self.memory_used_mib:,} MiB in use")
        if self.uncorrected:
            parts.append(f"{self.uncorrected} uncorrected ECC errors")
        told = ": " + ", ".join(parts) if parts else ""
        return f"GPU {self.index} ({self.name}, {self.uuid[:12]}…){told}"


@dataclass(frozen=True, slots=True)
class Computing:
    """A process that computes on a GPU.

    Attributes:
        pid: by the host's count.
        gpu_uuid: on which GPU, or part of one ("MIG-…").
        name: of its program.
        memory_used_mib: None where the driver does not tell.
    """

    pid: int
    gpu_uuid: str
    name: str
    memory_used_mib: int | None = None


async def gpus_of(reach: Reach) -> list[Gpu]:
    """Every GPU that the driver lists.

    Raises:
        ActionError: there is no nvidia-smi or no driver, or it lists none.
        LinkError: the link broke.
        CommandTimeout: the driver hangs.
    """
    done = await reach.ask(
        "nvidia-smi", f"--query-gpu={','.join(FIELDS)}", "--format=csv,noheader,nounits", timeout_s=SMI_TIMEOUT_S
    )
    gpus = parse_gpus(done.stdout)
    if not gpus:
        mend = "is it a GPU host, with nvidia-smi in the path?" if done.exit_status == _NOT_FOUND else ""
        raise ActionError(f"nvidia-smi on {reach.name} lists no GPU: {complaint(done)}", mend)
    return gpus


def parse_gpus(text: str) -> list[Gpu]:
    """Read what `--query-gpu=FIELDS` prints; lines that are no rows, as of a GPU that is lost, are left out."""
    found: dict[str, Gpu] = {}
    for row in _rows(text, len(FIELDS)):
        index, uuid, bus_id, name, persistence, *numbers = row
        if _UUID.fullmatch(uuid) is None or not (index.isascii() and index.isdecimal() and len(index) <= 3):  # noqa: PLR2004
            continue
        temp, memory, uncorrected, clock, max_clock = map(_number, numbers)
        gpu = Gpu(
            int(index),
            uuid,
            plain(bus_id, 40),
            plain(name, 60),
            {"Enabled": True, "Disabled": False}.get(persistence),
            temp,
            memory,
            uncorrected,
            clock,
            max_clock,
        )
        found.setdefault(uuid, gpu)
    return list(found.values())[:_MOST_GPUS]


def chosen(gpus: list[Gpu], which: str, host: str) -> list[Gpu]:
    """The GPUs that the parameter `gpu` means.

    Raises:
        ActionError: there is none of that number.
    """
    if which == ALL:
        return gpus
    found = [gpu for gpu in gpus if str(gpu.index) == str(int(which))]
    if not found:
        listed = ", ".join(str(gpu.index) for gpu in gpus)
        raise ActionError(
            f"nvidia-smi on {host} lists no GPU {which}", f"it lists {listed}; one that is lost comes back by a reboot"
        )
    return found


async def computing_on(reach: Reach) -> list[Computing]:
    """The processes that compute on GPUs there. Raises as `gpus_of` does, if nvidia-smi does not answer well."""
    done = await reach.ask(
        "nvidia-smi",
        "--query-compute-apps=pid,gpu_uuid,process_name,used_memory",
        "--format=csv,noheader,nounits",
        timeout_s=SMI_TIMEOUT_S,
    )
    if done.exit_status != 0:
        raise ActionError(f"nvidia-smi on {reach.name} does not say who computes: {complaint(done)}")
    return parse_computing(done.stdout)


def parse_computing(text: str) -> list[Computing]:
    """Read what `--query-compute-apps=pid,gpu_uuid,process_name,used_memory` prints.

    A program's name may have commas: the pid and the GPU stand before it, the memory after it.
    """
    found = []
    for line in text.split("\n"):
        fields = [field.strip() for field in line.split(",")]
        if len(fields) < 4 or not (fields[0].isascii() and fields[0].isdecimal() and len(fields[0]) <= 10):  # noqa: PLR2004
            continue
        name = plain(", ".join(fields[2:-1]), 80)
        found.append(Computing(int(fields[0]), plain(fields[1], 60), name, _number(fields[-1])))
    return found


async def is_switched(reach: Reach) -> str:
    """What shows that the GPUs are joined by an NVSwitch, in words; "" where nothing does.

    Any of three: the switches' own driver, their PCI devices (class 0680 of vendor 10de), the fabric's state.
    """
    done = await reach.ask("ls", "/proc/driver/nvidia-nvswitch/devices")
    if done.exit_status == 0 and done.stdout.split():
        return f"{len(done.stdout.split())} NVSwitches"
    done = await reach.ask("lspci", "-d", "10de::0680")
    count = sum("nvidia" in line.lower() for line in done.stdout.split("\n")) if done.exit_status == 0 else 0
    if count:
        return f"{count} NVSwitches"
    state = await fabric_state(reach)
    return "" if state in _IDLE_FABRIC else f"an NVLink fabric ({state})"


async def fabric_state(reach: Reach) -> str:
    """The NVLink fabric's state as nvidia-smi prints it; "" where it prints none, the worst if GPUs differ."""
    done = await reach.ask("nvidia-smi", "-q", timeout_s=SMI_TIMEOUT_S)
    states = [plain(state, 40) for state in _FABRIC_STATE.findall(done.stdout)]
    return next((state for state in states if state not in {*_IDLE_FABRIC, "Completed"}), states[0] if states else "")


async def pending_remaps(reach: Reach) -> list[str]:
    """The uuids of GPUs whose rows are still to be remapped; [] where the driver does not tell."""
    done = await reach.ask(
        "nvidia-smi",
        "--query-remapped-rows=gpu_uuid,remapped_rows.pending",
        "--format=csv,noheader",
        timeout_s=SMI_TIMEOUT_S,
    )
    return [row[0] for row in _rows(done.stdout, 2) if row[1] in {"1", "Yes"}] if done.exit_status == 0 else []


def _rows(text: str, width: int) -> list[list[str]]:
    try:
        rows = list(csv.reader(text.replace("\0", "").split("\n"), skipinitialspace=True))
    except csv.Error:
        return []
    return [[field.strip() for field in row] for row in rows if len(row) == width]


def _number(text: str) -> int | None:
    return int(text) if _NUMBER.fullmatch(text) else None
