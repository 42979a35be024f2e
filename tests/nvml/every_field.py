"""Every field that the wire has for a GPU, with a value of its own: where the stand-in has it, and what is read."""

from __future__ import annotations

from collections.abc import Mapping

from tests.nvml.fake_nvml import Value

Table = Mapping[str, tuple[str, Value, object]]

READING: Table = {
    "util_pct": ("util", 11, 11),
    "memory_util_pct": ("memory_util", 12, 12),
    "memory_used_bytes": ("memory_used", 13, 13),
    "temp_c": ("temp", 14, 14),
    "temp_margin_c": ("temp_margin", -15, -15),
    "temp_memory_c": ("temp_memory", 16, 16),
    "power_w": ("power", 17.125, 17.125),
    "power_limit_w": ("power_limit", 18.5, 18.5),
    "pstate": ("pstate", 8, 8),
    "clock_sm_mhz": ("clock_sm", 20, 20),
    "clock_mem_mhz": ("clock_mem", 21, 21),
    "fan_pct": ("fan", 22, 22),
    "throttle_reasons": ("throttle", "0x1000000000000048", 0x1000000000000048),
    "pcie_gen": ("pcie_gen", 3, 3),
    "pcie_width": ("pcie_width", 4, 4),
    "pcie_replays": ("pcie_replays", 25, 25),
    "ecc_corrected": ("ecc_corrected", 5000000026, 5000000026),
    "ecc_uncorrected": ("ecc_uncorrected", 27, 27),
}
"""Field → the stand-in's key, what is written there, and what has to be read."""

DETAILS: Table = {
    "energy_j": ("energy", 5000.25, 5000.25),
    "throttle_power_cap_s": ("throttle_power_cap", 1.5, 1.5),
    "throttle_sw_thermal_s": ("throttle_sw_thermal", 2.5, 2.5),
    "throttle_hw_thermal_s": ("throttle_hw_thermal", 3.5, 3.5),
    "throttle_power_brake_s": ("throttle_power_brake", 4.5, 4.5),
    "ecc_sram_corrected": ("ecc_sram_corrected", 31, 31),
    "ecc_sram_uncorrected": ("ecc_sram_uncorrected", 32, 32),
    "ecc_dram_corrected": ("ecc_dram_corrected", 33, 33),
    "ecc_dram_uncorrected": ("ecc_dram_uncorrected", 34, 34),
    "ecc_sram_uncorrected_aggregate": ("ecc_sram_status", "35 100 1", 135),
    "is_ecc_sram_over_threshold": ("ecc_sram_status", "35 100 1", True),
    "ecc_dram_uncorrected_aggregate": ("ecc_dram_uncorrected_aggregate", 36, 36),
    "remapped_correctable": ("remap_correctable", 37, 37),
    "remapped_uncorrectable": ("remap_uncorrectable", 38, 38),
    "is_remap_pending": ("remap_pending", 1, True),
    "is_remap_failed": ("remap_failed", 0, False),
    "remap_banks_max": ("remap_banks", "41 42 43 44 45", 41),
    "remap_banks_high": ("remap_banks", "41 42 43 44 45", 42),
    "remap_banks_partial": ("remap_banks", "41 42 43 44 45", 43),
    "remap_banks_low": ("remap_banks", "41 42 43 44 45", 44),
    "remap_banks_none": ("remap_banks", "41 42 43 44 45", 45),
    "retired_pages_sbe": ("retired_sbe", 46, 46),
    "retired_pages_dbe": ("retired_dbe", 47, 47),
    "is_retirement_pending": ("retired_pending", 1, True),
    "nvlinks_active": ("nvlinks", 10, 8),
    "nvlinks_inactive": ("nvlinks_down", "3 5", 2),
    "nvlink_crc_errors": ("nvlink_crc", 7, 70),
    "nvlink_replay_errors": ("nvlink_replay", 8, 80),
    "nvlink_recovery_errors": ("nvlink_recovery", 9, 90),
    "nvlink_rx_bytes": ("nvlink_rx", 5, 5 * 1024),
    "nvlink_tx_bytes": ("nvlink_tx", 6, 6 * 1024),
    "fabric_state": ("fabric", "3 0", "completed"),
    "fabric_status": ("fabric", "3 0", "success"),
    "recovery_action": ("recovery_action", 4, "drain and reset"),
    "is_persistent": ("persistence", 1, True),
    "is_ecc_enabled": ("ecc_mode", "1 0", True),
    "is_ecc_change_pending": ("ecc_mode", "1 0", True),
    "is_mig_enabled": ("mig_mode", "0 1", False),
    "is_mig_change_pending": ("mig_mode", "0 1", True),
    "is_inforom_valid": ("inforom", 1, True),
}
IDENTITY: Table = {
    "name": ("name", "NVIDIA H200", "NVIDIA H200"),
    "serial": ("serial", "1650", "1650"),
    "pci_bus_id": ("pci", "00000000:A1:00.0", "00000000:A1:00.0"),
    "vbios": ("vbios", "96.1", "96.1"),
    "memory_total_bytes": ("memory_total", 151, 151),
    "power_limit_w": ("power_limit", 152.5, 152.5),
    "temp_slowdown_c": ("temp_slowdown", 53, 53),
    "temp_shutdown_c": ("temp_shutdown", 54, 54),
    "temp_memory_max_c": ("temp_memory_max", 55, 55),
    "clock_sm_max_mhz": ("clock_sm_max", 156, 156),
    "clock_mem_max_mhz": ("clock_mem_max", 157, 157),
    "pcie_gen_max": ("pcie_gen_max", 6, 6),
    "pcie_width_max": ("pcie_width_max", 8, 8),
}


def written(*tables: Table) -> dict[str, Value]:
    """What to give `Gpus.set` for the first GPU to say all of it."""
    return {f"gpu0_{key}": value for table in tables for key, value, _ in table.values()}


def read(table: Table) -> dict[str, object]:
    """What has to be read then."""
    return {field: value for field, (_, _, value) in table.items()}


def keys(table: Table) -> list[str]:
    """The stand-in's keys."""
    return sorted({key for key, _, _ in table.values()})
