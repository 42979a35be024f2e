"""What is known of a GPU. Source of meaning: NVML's reference manual; for AMD the kernel's amdgpu documentation."""

from __future__ import annotations

from typing import Final

from leptontui.model.metric import Metric, Shelf
from leptontui.model.series import Entity

_G: Final = Entity.GPU
DETAILS_S: Final = 10.0
"""Seconds between two readings of what changes slowly."""
_hello = Shelf(_G, "NVML, told at the start")
_fast = Shelf(_G, "NVML")
_often = Shelf(_G, "NVML", 5.0)
_slow = Shelf(_G, "NVML", DETAILS_S, is_detail=True)
_modes = Shelf(_G, "NVML", 60.0, is_detail=True)
_rare = Shelf(_G, "NVML", 600.0, is_detail=True)

GPU_METRICS: Final[tuple[Metric, ...]] = (
    _hello.text("uuid", "uuid", "The GPU's identity."),
    _hello.count("index", "gpu", "The driver's number for it on its host."),
    _hello.text("vendor", "vendor", "Who made it: nvidia, amd."),
    _hello.text("name", "model", "Product name."),
    _hello.text("serial", "serial", "Board serial number."),
    _hello.text("pci_bus_id", "pci", "PCI domain:bus:device.function."),
    _hello.text("vbios", "vbios", "Video BIOS version."),
    _hello.text("parent_uuid", "parent", "Of a MIG instance: the GPU it is a part of."),
    _hello.count("mig_index", "mig", "Of a MIG instance: its number on its GPU."),
    _hello.text("mig_profile", "profile", "Of a MIG instance: its share, e.g. 1g.10gb."),
    _fast.percent(
        "util_pct", "util", "Share of time some kernel was running, over the driver's last period.", is_series=True
    ),
    _fast.percent("memory_util_pct", "mem busy", "Share of time memory was read or written."),
    _fast.bytes(
        "memory_used_bytes",
        "mem",
        "Device memory allocated, the driver's own included.",
        capacity="memory_total_bytes",
        is_series=True,
    ),
    _hello.bytes("memory_total_bytes", "mem total", "Device memory."),
    _fast.gauge("temp_c", "°C", "temp", "Core temperature.", upper=130.0, is_series=True),
    _fast.gauge(
        "temp_margin_c", "°C", "margin", "Degrees left until the GPU slows itself down.", lower=-130, upper=130
    ),
    _often.gauge("temp_memory_c", "°C", "mem temp", "Memory temperature.", upper=130.0),
    _hello.gauge("temp_slowdown_c", "°C", "slowdown", "Temperature at which the hardware slows the GPU down."),
    _hello.gauge("temp_shutdown_c", "°C", "shutdown", "Temperature at which the hardware shuts the GPU off."),
    _hello.gauge("temp_memory_max_c", "°C", "mem max", "Highest temperature at which the memory works reliably."),
    _fast.gauge("power_w", "W", "power", "Board power draw.", is_series=True),
    _often.gauge("power_limit_w", "W", "limit", "Enforced power limit."),
    _slow.gauge("energy_j", "J", "energy", "Energy used since the driver was loaded."),
    _fast.count("pstate", "p-state", "Performance state, 0 the highest."),
    _fast.gauge("clock_sm_mhz", "MHz", "clock", "Streaming multiprocessors' clock.", is_series=True),
    _hello.gauge("clock_sm_max_mhz", "MHz", "max clock", "The highest clock of this model."),
    _fast.gauge("clock_mem_mhz", "MHz", "mem clock", "Memory clock."),
    _hello.gauge("clock_mem_max_mhz", "MHz", "max mem clock", "The highest memory clock of this model."),
    _often.gauge("fan_pct", "%", "fan", "Fan speed the driver asks for.", upper=100.0),
    _fast.count("throttle_reasons", "throttle", "NVML's bit mask of what holds the clocks down."),
    _slow.counter("throttle_power_cap_s", "%", "power capped", "Time held down by the power limit."),
    _slow.counter("throttle_sw_thermal_s", "%", "SW thermal", "Time held down by the driver for heat."),
    _slow.counter("throttle_hw_thermal_s", "%", "HW thermal", "Time held down by the hardware for heat."),
    _slow.counter("throttle_power_brake_s", "%", "power brake", "Time held down by the server's power brake."),
    _often.count("pcie_gen", "pcie gen", "Current PCIe generation (drops when idle)."),
    _hello.count("pcie_gen_max", "gen max", "Highest PCIe generation of GPU and slot."),
    _often.count("pcie_width", "pcie width", "Current PCIe lanes."),
    _hello.count("pcie_width_max", "width max", "Most PCIe lanes of GPU and slot."),
    _often.total("pcie_replays", "replays", "PCIe packets sent again since the driver was loaded."),
    _often.total("ecc_corrected", "ecc corr", "Corrected memory errors since the driver was loaded."),
    _often.total("ecc_uncorrected", "ecc unc", "Uncorrected memory errors since the driver was loaded."),
    _slow.total("ecc_sram_corrected", "SRAM corr", "Corrected SRAM errors since the driver was loaded."),
    _slow.total("ecc_sram_uncorrected", "SRAM unc", "Uncorrected SRAM errors since the driver was loaded."),
    _slow.total("ecc_dram_corrected", "DRAM corr", "Corrected DRAM errors since the driver was loaded."),
    _slow.total("ecc_dram_uncorrected", "DRAM unc", "Uncorrected DRAM errors since the driver was loaded."),
    _slow.total("ecc_sram_uncorrected_aggregate", "SRAM unc life", "Uncorrected SRAM errors in the GPU's life."),
    _slow.total("ecc_dram_uncorrected_aggregate", "DRAM unc life", "Uncorrected DRAM errors in the GPU's life."),
    _slow.flag("is_ecc_sram_over_threshold", "SRAM worn", "So many SRAM errors that NVIDIA replaces the GPU."),
    _slow.total("remapped_correctable", "remap corr", "Rows remapped after corrected errors."),
    _slow.total("remapped_uncorrectable", "remap unc", "Rows remapped after uncorrected errors."),
    _slow.flag("is_remap_pending", "remap pending", "Rows wait to be remapped: the GPU needs a reset."),
    _slow.flag("is_remap_failed", "remap failed", "A row could not be remapped: the GPU is to be replaced."),
    _slow.count("remap_banks_max", "banks full", "Memory banks with all their spare rows left."),
    _slow.count("remap_banks_high", "banks high", "Memory banks with most spare rows left."),
    _slow.count("remap_banks_partial", "banks partial", "Memory banks with some spare rows left."),
    _slow.count("remap_banks_low", "banks low", "Memory banks with few spare rows left."),
    _slow.count("remap_banks_none", "banks none", "Memory banks with no spare row left."),
    _slow.total("retired_pages_sbe", "retired SBE", "Pages retired after repeated single-bit errors (before Ampere)."),
    _slow.total("retired_pages_dbe", "retired DBE", "Pages retired after double-bit errors (before Ampere)."),
    _slow.flag("is_retirement_pending", "retire pending", "Pages wait to be retired: the GPU needs a reset."),
    _slow.count("nvlinks_active", "nvlinks", "NVLinks that are up."),
    _slow.count("nvlinks_inactive", "nvlinks down", "NVLinks that are there and not up."),
    _slow.counter("nvlink_crc_errors", "/s", "nvlink crc", "NVLink packets with a bad checksum."),
    _slow.counter("nvlink_replay_errors", "/s", "nvlink replay", "NVLink packets sent again."),
    _slow.counter("nvlink_recovery_errors", "/s", "nvlink recovery", "NVLinks that had to be trained again."),
    _slow.counter("nvlink_rx_bytes", "B/s", "nvlink in", "Received over NVLink."),
    _slow.counter("nvlink_tx_bytes", "B/s", "nvlink out", "Sent over NVLink."),
    _slow.text("fabric_state", "fabric", "NVSwitch fabric: completed, in progress, not started."),
    _slow.text("fabric_status", "fabric status", "How joining the fabric went: success, or the error."),
    _slow.text(
        "recovery_action", "recovery", "What the driver asks for: none, reset, reboot, drain P2P, drain and reset."
    ),
    _modes.flag("is_persistent", "persistence", "The driver stays loaded while nobody uses the GPU."),
    _modes.flag("is_ecc_enabled", "ecc", "Memory errors are corrected."),
    _modes.flag("is_ecc_change_pending", "ecc pending", "ECC will be turned on or off at the next reset."),
    _modes.flag("is_mig_enabled", "mig mode", "The GPU is divided into instances."),
    _modes.flag("is_mig_change_pending", "mig pending", "MIG will be turned on or off at the next reset."),
    _rare.flag("is_inforom_valid", "inforom", "The checksum of the board's configuration is right."),
)
"""In the order in which they are told."""
