"""Every metric of the catalogue for one GPU, in groups that belong together; None is what is not known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from leptontui.model.catalogue import Kind, Metric, metrics_of
from leptontui.model.health import Severity
from leptontui.model.series import Entity
from leptontui.view.event_rows import EventRow
from leptontui.view.host_rows import GpuRow, HostPage
from leptontui.view.part_rows import ProcessRow

_GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    "now": (
        "util_pct",
        "memory_util_pct",
        "memory_used_bytes",
        "temp_c",
        "temp_margin_c",
        "temp_memory_c",
        "power_w",
        "energy_j",
        "clock_sm_mhz",
        "clock_mem_mhz",
        "pstate",
        "fan_pct",
    ),
    "limits": (
        "memory_total_bytes",
        "temp_slowdown_c",
        "temp_shutdown_c",
        "temp_memory_max_c",
        "power_limit_w",
        "clock_sm_max_mhz",
        "clock_mem_max_mhz",
    ),
    "held down": (
        "throttle_reasons",
        "throttle_power_cap_s",
        "throttle_sw_thermal_s",
        "throttle_hw_thermal_s",
        "throttle_power_brake_s",
    ),
    "memory errors": (
        "is_ecc_enabled",
        "ecc_corrected",
        "ecc_uncorrected",
        "ecc_sram_corrected",
        "ecc_sram_uncorrected",
        "ecc_dram_corrected",
        "ecc_dram_uncorrected",
        "ecc_sram_uncorrected_aggregate",
        "ecc_dram_uncorrected_aggregate",
        "is_ecc_sram_over_threshold",
    ),
    "repairs": (
        "is_remap_pending",
        "is_remap_failed",
        "remapped_correctable",
        "remapped_uncorrectable",
        "remap_banks_max",
        "remap_banks_high",
        "remap_banks_partial",
        "remap_banks_low",
        "remap_banks_none",
        "is_retirement_pending",
        "retired_pages_sbe",
        "retired_pages_dbe",
    ),
    "PCIe": ("pcie_gen", "pcie_gen_max", "pcie_width", "pcie_width_max", "pcie_replays"),
    "NVLink and fabric": (
        "nvlinks_active",
        "nvlinks_inactive",
        "nvlink_crc_errors",
        "nvlink_replay_errors",
        "nvlink_recovery_errors",
        "nvlink_rx_bytes",
        "nvlink_tx_bytes",
        "fabric_state",
        "fabric_status",
    ),
    "modes": (
        "recovery_action",
        "is_persistent",
        "is_ecc_change_pending",
        "is_mig_enabled",
        "is_mig_change_pending",
        "is_inforom_valid",
    ),
    "what it is": (
        "name",
        "vendor",
        "uuid",
        "serial",
        "pci_bus_id",
        "vbios",
        "index",
        "mig_index",
        "mig_profile",
        "parent_uuid",
    ),
}
"""What belongs together; what the catalogue has besides comes last, so that nothing is left out."""
_ELSE: Final = "more"
_BAD_IF: Final = {
    **dict.fromkeys(
        (
            "is_ecc_sram_over_threshold",
            "is_remap_failed",
            "ecc_uncorrected",
            "ecc_sram_uncorrected",
            "ecc_dram_uncorrected",
        ),
        Severity.CRITICAL,
    ),
    **dict.fromkeys(
        (
            "is_remap_pending",
            "is_retirement_pending",
            "remapped_uncorrectable",
            "retired_pages_dbe",
            "nvlinks_inactive",
            "is_ecc_change_pending",
            "is_mig_change_pending",
            "throttle_hw_thermal_s",
            "throttle_power_brake_s",
            "remap_banks_none",
            "remap_banks_low",
        ),
        Severity.WARNING,
    ),
}
"""What should be no, or nothing: anything else stands out. Only a sign to the eye: findings are health's."""
_BAD_UNLESS: Final = {"is_inforom_valid": Severity.WARNING}


@dataclass(frozen=True, slots=True)
class SheetValue:
    """One metric of the sheet.

    Attributes:
        metric: its entry in the catalogue.
        value: of a counter its rate; None if it is not known. A text is fit for the screen.
        severity: how much it stands out.
        name: the column's name, that of a counter's rate.
    """

    metric: Metric
    value: object
    severity: Severity
    name: str


@dataclass(frozen=True, slots=True)
class SheetGroup:
    """Values that belong together."""

    title: str
    values: tuple[SheetValue, ...]


@dataclass(frozen=True, slots=True)
class GpuSheet:
    """All there is about one GPU.

    Attributes:
        gpu: the GPU.
        groups: every metric of the catalogue, once.
        processes: what uses it.
        events: what its host reported of it, newest first.
        received_unix_s: when its values came; None if never.
    """

    gpu: GpuRow
    groups: tuple[SheetGroup, ...]
    processes: tuple[ProcessRow, ...]
    events: tuple[EventRow, ...]
    received_unix_s: float | None


def gpu_sheet(page: HostPage, uuid: str | None) -> GpuSheet | None:
    """The sheet of one GPU of a host; None if the host has no such GPU."""
    gpu = page.gpu(uuid)
    if gpu is None:
        return None
    values = page.gpu_values.get(gpu.uuid, {})
    catalogue = {item.name: item for item in metrics_of(Entity.GPU)}
    grouped = {name for names in _GROUPS.values() for name in names}
    parts = {**_GROUPS, _ELSE: tuple(name for name in catalogue if name not in grouped)}
    groups = tuple(
        SheetGroup(title, tuple(_value(catalogue[name], values) for name in names if name in catalogue))
        for title, names in parts.items()
        if names
    )
    return GpuSheet(
        gpu=gpu,
        groups=groups,
        processes=tuple(process for process in page.processes if process.uuid == gpu.uuid),
        events=tuple(event for event in page.events if event.gpu_uuid == gpu.uuid),
        received_unix_s=gpu.received_unix_s,
    )


def _value(item: Metric, values: Mapping[str, object]) -> SheetValue:
    name = item.rate_name if item.kind is Kind.COUNTER else item.name
    value = values.get(name)
    return SheetValue(item, None if value == "" else value, _severity(item, value), name)


def _severity(item: Metric, value: object) -> Severity:
    if value is None:
        return Severity.WELL
    if item.name in _BAD_UNLESS:
        return Severity.WELL if value else _BAD_UNLESS[item.name]
    return _BAD_IF.get(item.name, Severity.WELL) if value else Severity.WELL
