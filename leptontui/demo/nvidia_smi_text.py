"""What the simulated nvidia-smi prints for people: summary, `-q`, `topo -m` and `nvlink`, laid out as the real one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime

from leptontui import wire
from leptontui.demo.layout import bus_id
from leptontui.demo.readings import DRIVER

_MIB = 1 << 20
_LINKS = 18
_GIB_PER_S = "26.562 GB/s"

Cards = Sequence[tuple[wire.GpuIdentity, wire.GpuReading]]


def summary_text(cards: Cards) -> str:
    """What it prints without any option."""
    lines = [
        f"NVIDIA-SMI {DRIVER}             Driver Version: {DRIVER}     CUDA Version: 13.0",
        "GPU  Name                  Bus-Id            Temp   Pwr:Usage      Memory-Usage          GPU-Util",
    ]
    for identity, reading in cards:
        used, total = (reading.memory_used_bytes or 0) // _MIB, (identity.memory_total_bytes or 0) // _MIB
        power, temp, util = reading.power_w or 0.0, reading.temp_c or 0.0, reading.util_pct or 0.0
        lines.append(
            f"{identity.index:>3}  {identity.name:<21} {bus_id(identity.index)}  {temp:>3.0f}C  {power:>4.0f}W  "
            f"{used:>6}MiB / {total:>6}MiB   {util:>6.0f}%"
        )
    return "".join(line + "\n" for line in lines)


def full_text(cards: Cards, sections: Collection[str], *, is_persistent: bool, t_unix_s: float) -> str:
    """What `-q` prints; of `sections` ("ECC", "TEMPERATURE") alone if there are any."""
    stamp = datetime.fromtimestamp(t_unix_s, UTC).strftime("%a %b %d %H:%M:%S %Y")
    lines = [
        "==============NVSMI LOG==============",
        "",
        _pair(0, "Timestamp", stamp),
        _pair(0, "Driver Version", DRIVER),
        _pair(0, "CUDA Version", "13.0"),
        "",
        _pair(0, "Attached GPUs", str(len(cards))),
    ]
    for identity, reading in cards:
        lines.append(f"GPU {bus_id(identity.index)}")
        for name, part in _parts(identity, reading, is_persistent=is_persistent).items():
            if not sections or name in sections:
                lines += part
        lines.append("")
    return "".join(line + "\n" for line in lines)


def _parts(identity: wire.GpuIdentity, reading: wire.GpuReading, *, is_persistent: bool) -> dict[str, list[str]]:
    used, total = (reading.memory_used_bytes or 0) // _MIB, (identity.memory_total_bytes or 0) // _MIB
    return {
        "": [
            _pair(1, "Product Name", identity.name or ""),
            _pair(1, "Persistence Mode", "Enabled" if is_persistent else "Disabled"),
            _pair(1, "Serial Number", identity.serial or ""),
            _pair(1, "GPU UUID", identity.uuid),
            _pair(1, "VBIOS Version", identity.vbios or ""),
            "    Fabric",
            _pair(2, "State", "Completed"),
            _pair(2, "Status", "Success"),
        ],
        "MEMORY": [
            "    FB Memory Usage",
            _pair(2, "Total", f"{total} MiB"),
            _pair(2, "Used", f"{used} MiB"),
            _pair(2, "Free", f"{total - used} MiB"),
        ],
        "ECC": [
            "    ECC Mode",
            _pair(2, "Current", "Enabled"),
            _pair(2, "Pending", "Enabled"),
            "    ECC Errors",
            "        Volatile",
            _pair(3, "SRAM Correctable", "0"),
            _pair(3, "SRAM Uncorrectable Parity", "0"),
            _pair(3, "DRAM Correctable", str(reading.ecc_corrected)),
            _pair(3, "DRAM Uncorrectable", str(reading.ecc_uncorrected)),
        ],
        "ROW_REMAPPER": [
            "    Remapped Rows",
            _pair(2, "Correctable Error", "0"),
            _pair(2, "Uncorrectable Error", "0"),
            _pair(2, "Pending", "No"),
            _pair(2, "Remapping Failure Occurred", "No"),
        ],
        "TEMPERATURE": [
            "    Temperature",
            _pair(2, "GPU Current Temp", f"{reading.temp_c:.0f} C"),
            _pair(2, "GPU Slowdown Temp", f"{identity.temp_slowdown_c:.0f} C"),
        ],
        "POWER": ["    GPU Power Readings", _pair(2, "Average Power Draw", f"{reading.power_w:.2f} W")],
        "CLOCK": [
            "    Clocks",
            _pair(2, "Graphics", f"{reading.clock_sm_mhz:.0f} MHz"),
            _pair(2, "SM", f"{reading.clock_sm_mhz:.0f} MHz"),
            "    Max Clocks",
            _pair(2, "Graphics", f"{identity.clock_sm_max_mhz:.0f} MHz"),
        ],
    }


def _pair(depth: int, name: str, value: str) -> str:
    indent = "    " * depth
    return f"{indent + name:<50}: {value}"


def topology_text(gpus: int) -> str:
    """What `topo -m` prints of a board whose GPUs are joined by NVSwitches."""
    names = [f"GPU{gpu}" for gpu in range(gpus)]
    rows = [["", *names, "CPU Affinity", "NUMA Affinity"]]
    for gpu, name in enumerate(names):
        node = 2 * gpu // max(gpus, 1)
        cells = ["X" if other == gpu else f"NV{_LINKS}" for other in range(gpus)]
        rows.append([name, *cells, "0-31" if node == 0 else "32-63", str(node)])
    legend = ["", "Legend:", "", "  X    = Self", "  NV#  = Connection traversing a bonded set of # NVLinks"]
    return "".join(line + "\n" for line in ["\t".join(row) for row in rows] + legend)


def link_text(cards: Sequence[wire.GpuIdentity], *, has_errors: bool) -> str:
    """What `nvlink -s`, or `nvlink -e`, prints."""
    lines = []
    for identity in cards:
        lines.append(f"GPU {identity.index}: {identity.name} (UUID: {identity.uuid})")
        for link in range(_LINKS):
            said = "Replay Errors: 0" if has_errors else _GIB_PER_S
            lines.append(f"\t Link {link}: {said}")
    return "".join(line + "\n" for line in lines)
