"""What a host says of its GPUs: what they are, how they are, and who uses them."""

from __future__ import annotations

import msgspec


class GpuIdentity(msgspec.Struct, frozen=True, omit_defaults=True):
    """What does not change about a GPU while its driver is loaded.

    A MIG instance is a GPU of its own with `parent_uuid`, `mig_index` (its number on its GPU) and `mig_profile`
    ("1g.10gb"); its `index` is its GPU's. A GPU divided into instances stays listed.
    """

    index: int
    uuid: str
    name: str | None = None
    serial: str | None = None
    pci_bus_id: str | None = None
    vbios: str | None = None
    memory_total_bytes: int | None = None
    power_limit_w: float | None = None
    temp_slowdown_c: float | None = None
    temp_shutdown_c: float | None = None
    temp_memory_max_c: float | None = None
    clock_sm_max_mhz: float | None = None
    clock_mem_max_mhz: float | None = None
    pcie_gen_max: int | None = None
    pcie_width_max: int | None = None
    parent_uuid: str | None = None
    mig_index: int | None = None
    mig_profile: str | None = None
    vendor: str | None = None


class GpuReading(msgspec.Struct, frozen=True, omit_defaults=True):
    """What changes about a GPU from second to second, and is said in every sweep.

    Fields are described in the metric catalogue under the same names. ECC and PCIe counters are since the driver was
    loaded (volatile).
    """

    uuid: str
    util_pct: float | None = None
    memory_util_pct: float | None = None
    memory_used_bytes: int | None = None
    temp_c: float | None = None
    temp_margin_c: float | None = None
    temp_memory_c: float | None = None
    power_w: float | None = None
    power_limit_w: float | None = None
    pstate: int | None = None
    clock_sm_mhz: float | None = None
    clock_mem_mhz: float | None = None
    fan_pct: float | None = None
    throttle_reasons: int | None = None
    pcie_gen: int | None = None
    pcie_width: int | None = None
    pcie_replays: int | None = None
    ecc_corrected: int | None = None
    ecc_uncorrected: int | None = None


class GpuDetails(msgspec.Struct, frozen=True, omit_defaults=True):
    """What changes slowly about a GPU: said when it was read, every ten seconds or so, and valid until said again.

    Complete in itself: what is null was not to be had. Counters are since the driver was loaded but for those that
    say aggregate, and for remapped rows and retired pages, which last for the GPU's life.
    """

    uuid: str
    energy_j: float | None = None
    throttle_power_cap_s: float | None = None
    throttle_sw_thermal_s: float | None = None
    throttle_hw_thermal_s: float | None = None
    throttle_power_brake_s: float | None = None
    ecc_sram_corrected: int | None = None
    ecc_sram_uncorrected: int | None = None
    ecc_dram_corrected: int | None = None
    ecc_dram_uncorrected: int | None = None
    ecc_sram_uncorrected_aggregate: int | None = None
    ecc_dram_uncorrected_aggregate: int | None = None
    is_ecc_sram_over_threshold: bool | None = None
    remapped_correctable: int | None = None
    remapped_uncorrectable: int | None = None
    is_remap_pending: bool | None = None
    is_remap_failed: bool | None = None
    remap_banks_max: int | None = None
    remap_banks_high: int | None = None
    remap_banks_partial: int | None = None
    remap_banks_low: int | None = None
    remap_banks_none: int | None = None
    retired_pages_sbe: int | None = None
    retired_pages_dbe: int | None = None
    is_retirement_pending: bool | None = None
    nvlinks_active: int | None = None
    nvlinks_inactive: int | None = None
    nvlink_crc_errors: int | None = None
    nvlink_replay_errors: int | None = None
    nvlink_recovery_errors: int | None = None
    nvlink_rx_bytes: int | None = None
    nvlink_tx_bytes: int | None = None
    fabric_state: str | None = None
    fabric_status: str | None = None
    recovery_action: str | None = None
    is_persistent: bool | None = None
    is_ecc_enabled: bool | None = None
    is_ecc_change_pending: bool | None = None
    is_mig_enabled: bool | None = None
    is_mig_change_pending: bool | None = None
    is_inforom_valid: bool | None = None


class GpuProcess(msgspec.Struct, frozen=True, omit_defaults=True):
    """A process that uses a GPU. `job` and `step` are the scheduler's, `pod` is "namespace/name"."""

    uuid: str
    pid: int
    user: str | None = None
    command: str | None = None
    job: str | None = None
    step: str | None = None
    pod: str | None = None
    container: str | None = None
    memory_used_bytes: int | None = None
