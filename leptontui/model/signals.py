"""What each signal of trouble asks for, and whose rule that is.

The signals and their thresholds are those of gpud, DCGM, gcm, AzNHC, all-smi, netdata, the kernel and NVIDIA's own
documents; where these say only that something is wrong and not what to do, what to do is our own choice: the least
that may help.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from leptontui.model.verdict import Remedy


@dataclass(frozen=True, slots=True)
class Signal:
    """One kind of trouble.

    Attributes:
        remedy: what it asks for by itself.
        source: whose rule it is.
    """

    remedy: Remedy
    source: str


OWN: Final = "leptontui"
KERNEL: Final = "kernel log"

SIGNALS: Final[Mapping[str, Signal]] = {
    # GPUs
    "gone-from-bus": Signal(Remedy.REBOOT, "NVIDIA, as Xid 79"),
    "was-gone-from-bus": Signal(Remedy.INSPECT, OWN),
    "remap-failed": Signal(Remedy.REPLACE, "gpud, DCGM"),
    "remap-pending": Signal(Remedy.RESET, "gpud, DCGM"),
    "rows-remapped": Signal(Remedy.WATCH, "gpud"),
    "sram-threshold": Signal(Remedy.REPLACE, "NVIDIA"),
    "ecc-uncorrected": Signal(Remedy.RESET, "gcm"),
    "ecc-corrected": Signal(Remedy.INSPECT, "AzNHC"),
    "ecc-corrected-rate": Signal(Remedy.WATCH, "AzNHC"),
    "retired-pages": Signal(Remedy.REPLACE, "DCGM"),
    "retired-double-bit": Signal(Remedy.WATCH, "DCGM"),
    "retirement-pending": Signal(Remedy.RESET, "DCGM"),
    "recovery-action": Signal(Remedy.WATCH, "driver"),
    "nvlink-down": Signal(Remedy.RESET, "DCGM"),
    "nvlink-crc": Signal(Remedy.WATCH, "DCGM"),
    "fabric": Signal(Remedy.RESET, "gpud"),
    "inforom": Signal(Remedy.SUPPORT, "NVIDIA"),
    "hot": Signal(Remedy.WATCH, "gpud, all-smi"),
    "memory-hot": Signal(Remedy.WATCH, "gpud, DCGM"),
    "warm": Signal(Remedy.WATCH, "gpud, all-smi"),
    "hw-throttle-often": Signal(Remedy.INSPECT, "gpud"),
    "hw-throttle": Signal(Remedy.WATCH, "gpud"),
    "sw-thermal": Signal(Remedy.WATCH, "AzNHC"),
    "power-limit": Signal(Remedy.WATCH, OWN),
    "pcie-link": Signal(Remedy.INSPECT, OWN),
    "pcie-replays": Signal(Remedy.WATCH, "DCGM"),
    "mode-pending": Signal(Remedy.WATCH, OWN),
    "forecast": Signal(Remedy.WATCH, OWN),
    "straggler": Signal(Remedy.WATCH, OWN),
    "outlier": Signal(Remedy.WATCH, OWN),
    "idle-memory": Signal(Remedy.WATCH, "all-smi"),
    # hosts
    "driver-hung": Signal(Remedy.REBOOT, "gpud"),
    "driver-slow": Signal(Remedy.WATCH, "gpud"),
    "gpu-count": Signal(Remedy.REBOOT, "gpud"),
    "nvswitch": Signal(Remedy.RESET, "NVIDIA"),
    "oom-kill": Signal(Remedy.RESTART_APPLICATION, KERNEL),
    "filesystem-broken": Signal(Remedy.INSPECT, KERNEL),
    "disk-error": Signal(Remedy.INSPECT, KERNEL),
    "cpu-stuck": Signal(Remedy.REBOOT, KERNEL),
    "pcie-power": Signal(Remedy.INSPECT, KERNEL),
    "nccl-crash": Signal(Remedy.RESTART_APPLICATION, OWN),
    "hung-task": Signal(Remedy.WATCH, KERNEL),
    "nfs-silent": Signal(Remedy.WATCH, KERNEL),
    "odd-host": Signal(Remedy.WATCH, OWN),
    "filesystem": Signal(Remedy.WATCH, "netdata, AzNHC"),
    "part": Signal(Remedy.WATCH, "gpud, netdata"),
    "memory": Signal(Remedy.WATCH, "netdata"),
    "cpu": Signal(Remedy.WATCH, "netdata"),
    "pressure": Signal(Remedy.WATCH, "netdata"),
    "used-up": Signal(Remedy.WATCH, "AzNHC"),
    "clock": Signal(Remedy.WATCH, OWN),
    "scheduler-state": Signal(Remedy.WATCH, "Slurm"),
    "probe": Signal(Remedy.WATCH, OWN),
}
"""By the name under which the user overrides it."""
