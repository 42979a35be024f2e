"""What changes slowly about a GPU: counters of errors and of throttling, memory repair, links, fabric and modes."""

from . import nvml as codes
from .fields import Fields
from .nvlink import NvLinks
from .readings import Reading, Turn

PERIOD_S = 10.0
MODES_S = 60.0
INFOROM_S = 600.0
"""Checking it reads the board's flash."""
_EARLY_S = 0.1
"""A sweep that comes a little early is in time."""
_SPREAD = 10
"""The GPUs' turns are spread over so many seconds."""

_CORRECTED, _UNCORRECTED = 0, 1
_VOLATILE, _AGGREGATE = 0, 1
_DRAM, _SRAM = 2, 7
_CACHES = (0, 1, 3, 5, 6)
"""Before Ampere NVML counts SRAM by its use: L1, L2, register file, shared memory, CBU."""

# Numbers of nvml.h, NVML_FI_DEV_*.
_RETIRED_SBE, _RETIRED_DBE, _RETIRED_PENDING = 29, 30, 31
_POLICY_POWER, _POLICY_THERMAL = 74, 75
_ENERGY = 83
_RESET_STATUS, _DRAIN_AND_RESET_STATUS, _RECOVERY_ACTION = 226, 227, 230
_SW_THERMAL, _HW_THERMAL, _POWER_BRAKE = 269, 270, 271
_RENUMBERED = (580, 82)
"""The driver since which 269 to 271 are what they are. NVIDIA moved these fields: in drivers 575 to 580.65 they were
251 to 253, and 269 to 271 were settings of power smoothing. Before 575 there were none of them."""

_ACTIONS = {
    0: "none",
    1: "reset",
    2: "reboot",
    3: "drain P2P",
    4: "drain and reset",
    5: "IMEX domain",
    6: "reset",
    7: "reboot",
}
"""nvmlDeviceGpuRecoveryAction_t. 5 recovers the domain, 6 resets the bus and 7 is the whole system's reboot."""
_FABRIC_STATES = {1: "not started", 2: "in progress", 3: "completed"}
"""nvmlGpuFabricState_t; 0 is a GPU without fabric."""


def _errors(kind, counter, *locations):
    def call(nvml, handle):
        total, refusal = None, None
        for location in locations:
            try:
                count = nvml.nvmlDeviceGetMemoryErrorCounter(handle, kind, counter, location)
            except nvml.NVMLError as error:
                refusal = error
            else:
                total = (total or 0) + count
        if total is None:
            raise refusal
        return (total,)

    return call


def _sram_status(nvml, handle):
    status = nvml.c_nvmlEccSramErrorStatus_v1_t()
    nvml.nvmlDeviceGetSramEccErrorStatus(handle, nvml.byref(status))
    return status.aggregateUncParity + status.aggregateUncSecDed, bool(status.bThresholdExceeded)


def _remapped(nvml, handle):
    corrected, uncorrected, is_pending, is_failed = nvml.nvmlDeviceGetRemappedRows(handle)
    return corrected, uncorrected, bool(is_pending), bool(is_failed)


def _histogram(nvml, handle):
    banks = nvml.nvmlDeviceGetRowRemapperHistogram(handle)
    return banks.max, banks.high, banks.partial, banks.low, banks.none


def _fabric(make, ask):
    def call(nvml, handle):
        fabric = getattr(nvml, make)()
        getattr(nvml, ask)(handle, nvml.byref(fabric))
        # One byte in nvml.h, four in pynvml.
        state = _FABRIC_STATES.get(fabric.state & 0xFF)
        if state != "completed":
            # The status says nothing before (nvml.h).
            return state, None
        return state, "success" if fabric.status == codes.SUCCESS else str(nvml.NVMLError(fabric.status))

    return call


def _mode(name):
    def call(nvml, handle):
        current, pending = getattr(nvml, name)(handle)
        return bool(current), current != pending

    return call


def _persistence(nvml, handle):
    return (bool(nvml.nvmlDeviceGetPersistenceMode(handle)),)


def _inforom(nvml, handle):
    try:
        nvml.nvmlDeviceValidateInforom(handle)
    except nvml.NVMLError as error:
        if codes.code_of(error) != codes.CORRUPTED_INFOROM:
            raise
        return (False,)
    return (True,)


_BANKS = ("remap_banks_max", "remap_banks_high", "remap_banks_partial", "remap_banks_low", "remap_banks_none")
_FABRIC = (
    _fabric("c_nvmlGpuFabricInfo_v3_t", "nvmlDeviceGetGpuFabricInfoV"),
    _fabric("c_nvmlGpuFabricInfo_v2_t", "nvmlDeviceGetGpuFabricInfoV"),
    _fabric("c_nvmlGpuFabricInfo_t", "nvmlDeviceGetGpuFabricInfo"),
)

COUNTERS = (
    Reading(
        "ecc by location",
        ("ecc_sram_corrected",),
        PERIOD_S,
        (_errors(_CORRECTED, _VOLATILE, _SRAM), _errors(_CORRECTED, _VOLATILE, *_CACHES)),
    ),
    Reading(
        "ecc by location",
        ("ecc_sram_uncorrected",),
        PERIOD_S,
        (_errors(_UNCORRECTED, _VOLATILE, _SRAM), _errors(_UNCORRECTED, _VOLATILE, *_CACHES)),
    ),
    Reading("ecc by location", ("ecc_dram_corrected",), PERIOD_S, (_errors(_CORRECTED, _VOLATILE, _DRAM),)),
    Reading("ecc by location", ("ecc_dram_uncorrected",), PERIOD_S, (_errors(_UNCORRECTED, _VOLATILE, _DRAM),)),
    Reading(
        "ecc by location",
        ("ecc_sram_uncorrected_aggregate", "is_ecc_sram_over_threshold"),
        PERIOD_S,
        (_sram_status, _errors(_UNCORRECTED, _AGGREGATE, _SRAM), _errors(_UNCORRECTED, _AGGREGATE, *_CACHES)),
    ),
    Reading(
        "ecc by location",
        ("ecc_dram_uncorrected_aggregate",),
        PERIOD_S,
        (_errors(_UNCORRECTED, _AGGREGATE, _DRAM),),
    ),
    Reading(
        "row remapping",
        ("remapped_correctable", "remapped_uncorrectable", "is_remap_pending", "is_remap_failed"),
        PERIOD_S,
        (_remapped,),
    ),
    Reading("row remapping", _BANKS, PERIOD_S, (_histogram,)),
    Reading("fabric", ("fabric_state", "fabric_status"), PERIOD_S, _FABRIC),
)
MODES = (
    Reading("persistence mode", ("is_persistent",), MODES_S, (_persistence,)),
    Reading("ecc mode", ("is_ecc_enabled", "is_ecc_change_pending"), MODES_S, (_mode("nvmlDeviceGetEccMode"),)),
    Reading("mig mode", ("is_mig_enabled", "is_mig_change_pending"), MODES_S, (_mode("nvmlDeviceGetMigMode"),)),
)
INFOROM = Reading("inforom", ("is_inforom_valid",), INFOROM_S, (_inforom,))


class DetailsReader:
    """The details of one GPU, each at its cadence.

    Args:
        nvml: the pynvml module.
        handle: the driver's.
        stagger: seconds by which this GPU's turns are later than the first GPU's.
        driver: the driver's version.
    """

    def __init__(self, nvml, handle, stagger, driver):
        self._nvml = nvml
        self._handle = handle
        self._stagger = float(stagger % _SPREAD)
        self._counters = [Turn(reading) for reading in COUNTERS]
        self._modes = [Turn(reading) for reading in MODES]
        self._inforom = Turn(INFOROM)
        self._links = NvLinks(nvml, handle)
        self._fields = Fields(nvml, handle, _wanted(driver))
        self._kept = {}
        self._due = self._modes_due = self._inforom_due = 0.0

    @property
    def is_persistent(self):
        """Whether the driver stays loaded while nobody uses the GPU; None where that is not known."""
        return self._kept.get("is_persistent")

    def read(self, now):
        """The wire's `GpuDetails` as a dict without uuid, and without what is null; None where it is not time yet.

        Raises:
            Lost: the GPU is gone.
            DriverGone: so is the driver.
        """
        if now < self._due:
            return None
        is_first = not self._due
        values = {}
        for turn in self._counters:
            values.update(turn.read(self._nvml, self._handle))
        values.update(_of_fields(self._fields.read()))
        values.update(self._links.read())
        if now >= self._modes_due:
            self._modes_due = now + MODES_S - _EARLY_S
            for turn in self._modes:
                self._kept.update(turn.read(self._nvml, self._handle))
        if is_first:
            # The start is dear enough without it.
            self._inforom_due = now + PERIOD_S - _EARLY_S
        elif now >= self._inforom_due:
            self._inforom_due = now + INFOROM_S - _EARLY_S
            self._kept.update(self._inforom.read(self._nvml, self._handle))
        self._due = now + PERIOD_S - _EARLY_S + (self._stagger if is_first else 0.0)
        values.update(self._kept)
        return {field: value for field, value in values.items() if value is not None}

    def refusals(self):
        """{what: NVML's error} of what this user may not read; what a model does not have is not listed."""
        turns = [*self._counters, *self._modes, self._inforom]
        return {
            turn.reading.what: turn.refusal
            for turn in turns
            if turn.refusal is not None and codes.code_of(turn.refusal) == codes.NO_PERMISSION
        }


def _wanted(driver):
    wanted = [_RETIRED_SBE, _RETIRED_DBE, _RETIRED_PENDING, _POLICY_POWER, _POLICY_THERMAL, _ENERGY]
    wanted += [_RESET_STATUS, _DRAIN_AND_RESET_STATUS, _RECOVERY_ACTION]
    if codes.numbers_of(driver) >= _RENUMBERED:
        wanted += [_SW_THERMAL, _HW_THERMAL, _POWER_BRAKE]
    return wanted


def _of_fields(found):
    # Without its own counter the thermal policy's is that of the driver's slowing down.
    thermal = found.get(_SW_THERMAL, found.get(_POLICY_THERMAL))
    pending = found.get(_RETIRED_PENDING)
    return {
        "retired_pages_sbe": found.get(_RETIRED_SBE),
        "retired_pages_dbe": found.get(_RETIRED_DBE),
        "is_retirement_pending": None if pending is None else bool(pending),
        "throttle_power_cap_s": _seconds(found.get(_POLICY_POWER)),
        "throttle_sw_thermal_s": _seconds(thermal),
        "throttle_hw_thermal_s": _seconds(found.get(_HW_THERMAL)),
        "throttle_power_brake_s": _seconds(found.get(_POWER_BRAKE)),
        "energy_j": found[_ENERGY] / 1000.0 if _ENERGY in found else None,
        "recovery_action": _recovery(found),
    }


def _seconds(nanoseconds):
    """From what nvml.h gives in nanoseconds; `nvidia-smi` shows microseconds."""
    return None if nanoseconds is None else nanoseconds / 1e9


def _recovery(found):
    action = found.get(_RECOVERY_ACTION)
    if action is not None:
        return _ACTIONS.get(action, "action %d" % action)
    # Drivers before 565 say it in two flags.
    flags = (found.get(_DRAIN_AND_RESET_STATUS), found.get(_RESET_STATUS))
    if flags == (None, None):
        return None
    if flags[1]:
        return "reset"
    return "drain and reset" if flags[0] else "none"
