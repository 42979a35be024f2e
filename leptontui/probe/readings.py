"""What is asked of a GPU: one entry per NVML call, with its cadence and what its answer means on the wire."""

from collections import namedtuple

from . import nvml as codes

FAST_S = 0.0
SLOW_S = 5.0
"""Counters, link state, fans and limits change slowly, and some of these calls are dear."""
PROCESSES_S = 2.0

_TEMPERATURE_GPU = 0
_CLOCK_SM = 1
_CLOCK_MEM = 2
_CORRECTED = 0
_UNCORRECTED = 1
_VOLATILE = 0
_FIELD_MEMORY_TEMP = 82
_SHUTDOWN = 0
_SLOWDOWN = 1
_MEMORY_MAX = 2

Reading = namedtuple("Reading", "what fields period_s calls")
"""`what` it is for people, the wire's `fields` it fills, seconds between two calls, and the `calls` to try in turn.

A call takes (pynvml, handle) and returns a tuple, one value per field.
"""


class Turn:
    """A reading of one GPU; calls that the driver will never answer for it are not made again.

    Args:
        reading: what is read.

    Attributes:
        reading: as given.
        refusal: NVML's error of the last call that was left, None as long as there is one.
        trouble: NVML's error of the last reading, where it may pass; None otherwise.
    """

    def __init__(self, reading):
        self.reading = reading
        self.refusal = None
        self.trouble = None
        self._calls = list(reading.calls)

    def read(self, nvml, handle):
        """{field: value}; None for all of them where they cannot be read now.

        Raises:
            Lost: the GPU is gone.
            DriverGone: so is the driver.
        """
        self.trouble = None
        while self._calls:
            try:
                answer = self._calls[0](nvml, handle)
            except nvml.NVMLError as error:
                if codes.sorted_out(error) not in codes.NEVER:
                    self.trouble = error
                    break
                del self._calls[0]
                if not self._calls:
                    self.refusal = error
            else:
                return dict(zip(self.reading.fields, answer))  # noqa: B905 — strict= is not in Python 3.6
        return dict.fromkeys(self.reading.fields)


def _utilisation(nvml, handle):
    answer = nvml.nvmlDeviceGetUtilizationRates(handle)
    return answer.gpu, answer.memory


def _memory(nvml, handle):
    return (nvml.nvmlDeviceGetMemoryInfo(handle).used,)


def _memory_v2(nvml, handle):
    answer = nvml.nvmlDeviceGetMemoryInfo(handle, version=nvml.nvmlMemory_v2)
    return (answer.used + answer.reserved,)


def _temperature(nvml, handle):
    return (nvml.nvmlDeviceGetTemperature(handle, _TEMPERATURE_GPU),)


def _temperature_v(nvml, handle):
    return (nvml.nvmlDeviceGetTemperatureV(handle, _TEMPERATURE_GPU),)


def _memory_temperature(nvml, handle):
    field = nvml.nvmlDeviceGetFieldValues(handle, [_FIELD_MEMORY_TEMP])[0]
    if field.nvmlReturn:
        raise nvml.NVMLError(field.nvmlReturn)
    # Where there is no sensor some drivers answer 0 rather than "not supported".
    return (field.value.uiVal or None,)


def _performance_state(nvml, handle):
    state = nvml.nvmlDeviceGetPerformanceState(handle)
    # 32 is NVML_PSTATE_UNKNOWN.
    return (state if state < 32 else None,)  # noqa: PLR2004


def one(name, *arguments):
    """A call of the NVML function `name` whose answer is one value."""

    def call(nvml, handle):
        return (getattr(nvml, name)(handle, *arguments),)

    return call


def _watts(name):
    def call(nvml, handle):
        return (getattr(nvml, name)(handle) / 1000.0,)

    return call


READINGS = (
    Reading("gpu utilisation", ("util_pct", "memory_util_pct"), FAST_S, (_utilisation,)),
    Reading("gpu memory", ("memory_used_bytes",), FAST_S, (_memory, _memory_v2)),
    Reading("gpu temperature", ("temp_c",), FAST_S, (_temperature, _temperature_v)),
    Reading("margin to slowdown", ("temp_margin_c",), FAST_S, (one("nvmlDeviceGetMarginTemperature"),)),
    Reading("gpu power", ("power_w",), FAST_S, (_watts("nvmlDeviceGetPowerUsage"),)),
    Reading("performance state", ("pstate",), FAST_S, (_performance_state,)),
    Reading("gpu clock", ("clock_sm_mhz",), FAST_S, (one("nvmlDeviceGetClockInfo", _CLOCK_SM),)),
    Reading("gpu memory clock", ("clock_mem_mhz",), FAST_S, (one("nvmlDeviceGetClockInfo", _CLOCK_MEM),)),
    Reading(
        "throttle reasons",
        ("throttle_reasons",),
        FAST_S,
        # The first since driver 535; the second is its older name.
        (one("nvmlDeviceGetCurrentClocksEventReasons"), one("nvmlDeviceGetCurrentClocksThrottleReasons")),
    ),
    Reading(
        "power limit",
        ("power_limit_w",),
        SLOW_S,
        (_watts("nvmlDeviceGetEnforcedPowerLimit"), _watts("nvmlDeviceGetPowerManagementLimit")),
    ),
    Reading("memory temperature", ("temp_memory_c",), SLOW_S, (_memory_temperature,)),
    Reading("fan", ("fan_pct",), SLOW_S, (one("nvmlDeviceGetFanSpeed"),)),
    Reading("pcie generation", ("pcie_gen",), SLOW_S, (one("nvmlDeviceGetCurrPcieLinkGeneration"),)),
    Reading("pcie width", ("pcie_width",), SLOW_S, (one("nvmlDeviceGetCurrPcieLinkWidth"),)),
    Reading("pcie replays", ("pcie_replays",), SLOW_S, (one("nvmlDeviceGetPcieReplayCounter"),)),
    Reading("ecc", ("ecc_corrected",), SLOW_S, (one("nvmlDeviceGetTotalEccErrors", _CORRECTED, _VOLATILE),)),
    Reading("ecc", ("ecc_uncorrected",), SLOW_S, (one("nvmlDeviceGetTotalEccErrors", _UNCORRECTED, _VOLATILE),)),
)


def _bus_id(nvml, handle):
    return (nvml.nvmlDeviceGetPciInfo(handle).busId,)


def _memory_total(nvml, handle):
    return (nvml.nvmlDeviceGetMemoryInfo(handle).total,)


IDENTITY = (
    Reading("name", ("name",), 0.0, (one("nvmlDeviceGetName"),)),
    Reading("serial", ("serial",), 0.0, (one("nvmlDeviceGetSerial"),)),
    Reading("pci", ("pci_bus_id",), 0.0, (_bus_id,)),
    Reading("vbios", ("vbios",), 0.0, (one("nvmlDeviceGetVbiosVersion"),)),
    Reading("memory", ("memory_total_bytes",), 0.0, (_memory_total,)),
    Reading("limit", ("power_limit_w",), 0.0, (_watts("nvmlDeviceGetEnforcedPowerLimit"),)),
    Reading("slowdown", ("temp_slowdown_c",), 0.0, (one("nvmlDeviceGetTemperatureThreshold", _SLOWDOWN),)),
    Reading("shutdown", ("temp_shutdown_c",), 0.0, (one("nvmlDeviceGetTemperatureThreshold", _SHUTDOWN),)),
    Reading("memory max", ("temp_memory_max_c",), 0.0, (one("nvmlDeviceGetTemperatureThreshold", _MEMORY_MAX),)),
    Reading("memory clock", ("clock_mem_max_mhz",), 0.0, (one("nvmlDeviceGetMaxClockInfo", _CLOCK_MEM),)),
    Reading("clock", ("clock_sm_max_mhz",), 0.0, (one("nvmlDeviceGetMaxClockInfo", _CLOCK_SM),)),
    Reading("gen", ("pcie_gen_max",), 0.0, (one("nvmlDeviceGetMaxPcieLinkGeneration"),)),
    Reading("width", ("pcie_width_max",), 0.0, (one("nvmlDeviceGetMaxPcieLinkWidth"),)),
)


def running(nvml, handle):
    """[(pid, bytes or None)] of the processes on a GPU or MIG instance, each process once.

    Raises:
        NVMLError: as NVML says.
    """
    used = {}
    for kind in ("Compute", "Graphics"):
        try:
            found = _running(nvml, handle, kind)
        except nvml.NVMLError_NotSupported:
            # Instances compute and do not draw.
            if kind == "Compute":
                raise
            continue
        for process in found:
            used[process.pid] = process.usedGpuMemory
    return sorted(used.items())


def _running(nvml, handle, kind):
    try:
        return getattr(nvml, "nvmlDeviceGet%sRunningProcesses_v3" % kind)(handle)
    except nvml.NVMLError_FunctionNotFound:
        # Drivers before 510.
        return getattr(nvml, "nvmlDeviceGet%sRunningProcesses_v2" % kind)(handle)
