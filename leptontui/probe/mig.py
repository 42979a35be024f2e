"""MIG: the instances that a GPU is divided into, each a GPU of its own."""

import re
from functools import partial

from . import nvml as codes
from .gpm import Monitor
from .parsing import clean_or_none
from .readings import SLOW_S, Reading, Turn

LOOK_S = 10.0
"""How often the instances are looked at anew."""
_NAMED = re.compile(r"MIG (\d+\S*)")
_GIB = 1 << 30
_MIB = 1 << 20
_EIGHTHS = 8


def _memory(nvml, handle):
    return (nvml.nvmlDeviceGetMemoryInfo(handle).used,)


def _memory_v2(nvml, handle):
    answer = nvml.nvmlDeviceGetMemoryInfo(handle, version=nvml.nvmlMemory_v2)
    return (answer.used + answer.reserved,)


def _uncorrected(nvml, handle):
    # All that NVML counts of an instance (nvmlDeviceGetMemoryErrorCounter): uncorrected, volatile, in SRAM.
    return (nvml.nvmlDeviceGetMemoryErrorCounter(handle, 1, 0, 7),)


_MEMORY = Reading("memory of MIG instances", ("memory_used_bytes",), 0.0, (_memory, _memory_v2))
_ECC = Reading("ecc of MIG instances", ("ecc_uncorrected",), SLOW_S, (_uncorrected,))
_EARLY_S = 0.1
"""A sweep that comes a little early is in time."""


class Instance:
    """One MIG instance.

    It has no temperature or power of its own: those are its GPU's. How busy it is only Hopper and later tell, and not
    of a part of a GPU instance.

    Args:
        nvml: the pynvml module.
        handle: the driver's, of the instance.
        uuid: of it.
        number: of it on its GPU.
        parent: its GPU's identity.
        monitor: of its utilisation, None where that is not told.

    Attributes:
        handle, uuid: as given.
        identity: the wire's `GpuIdentity` as a dict.
    """

    def __init__(self, nvml, handle, uuid, number, parent, monitor=None):
        self.handle = handle
        self.uuid = uuid
        self._nvml = nvml
        self._memory = Turn(_MEMORY)
        self._ecc = Turn(_ECC)
        self._monitor = monitor
        self._slow_due = 0.0
        self._slow = {"util_pct": None}
        name = _attempt(nvml, nvml.nvmlDeviceGetName, handle)
        memory = _attempt(nvml, nvml.nvmlDeviceGetMemoryInfo, handle)
        self.identity = {
            "index": parent["index"],
            "uuid": uuid,
            "name": clean_or_none(name) or parent.get("name"),
            "vendor": parent.get("vendor"),
            "pci_bus_id": parent.get("pci_bus_id"),
            "memory_total_bytes": None if memory is None else memory.total,
            "parent_uuid": parent["uuid"],
            "mig_index": number,
            "mig_profile": self._profile(name, parent.get("memory_total_bytes")),
        }

    def _profile(self, name, whole_bytes):
        named = _NAMED.search(name or "")
        if named:
            return clean_or_none(named.group(1), 32)
        attributes = _attempt(self._nvml, self._nvml.nvmlDeviceGetAttributes, self.handle)
        return None if attributes is None else profile_of(attributes, whole_bytes)

    def read(self, now):
        """The wire's `GpuReading` as a dict.

        Raises:
            Lost: its GPU, or it itself, is gone.
            DriverGone: so is the driver.
        """
        if now >= self._slow_due:
            self._slow_due = now + SLOW_S - _EARLY_S
            self._slow = dict(self._ecc.read(self._nvml, self.handle), util_pct=self._utilisation())
        return dict(self._memory.read(self._nvml, self.handle), uuid=self.uuid, **self._slow)

    def _utilisation(self):
        if self._monitor is None:
            return None
        try:
            return self._monitor.read()
        except self._nvml.NVMLError as error:
            if codes.code_of(error) in codes.NEVER:
                self.close()
            return None

    def close(self):
        """Stop watching it; not after NVML's session has ended."""
        monitor, self._monitor = self._monitor, None
        if monitor is not None:
            monitor.close()


def profile_of(attributes, whole_bytes):
    """The profile's name from nvmlDeviceAttributes_t: "1g.10gb", or "1c.3g.20gb" for a part of an instance.

    The memory is rounded as NVIDIA's go-nvlib does it: to eighths of the GPU's memory in whole GiB.

    Args:
        attributes: with `gpuInstanceSliceCount`, `computeInstanceSliceCount` and `memorySizeMB`.
        whole_bytes: the whole GPU's memory, None if it is not known.
    """
    mine = attributes.memorySizeMB * _MIB
    if whole_bytes:
        eighths = -(-mine * _EIGHTHS // whole_bytes)
        gigabytes = int(eighths / _EIGHTHS * -(-whole_bytes // _GIB) + 0.5)
    else:
        gigabytes = -(-mine // _GIB)
    slices, computing = attributes.gpuInstanceSliceCount, attributes.computeInstanceSliceCount
    prefix = "" if computing == slices else "%dc." % computing
    return "%s%dg.%dgb" % (prefix, slices, gigabytes)


def instances(nvml, parent, found, identity):
    """The `Instance` of each of those that `layout` found.

    Args:
        nvml: the pynvml module.
        parent: the driver's handle of their GPU.
        found: what `layout` says, without None.
        identity: their GPU's.

    Raises:
        Lost: the GPU is gone.
        DriverGone: so is the driver.
    """
    owners = [_attempt(nvml, nvml.nvmlDeviceGetGpuInstanceId, handle) for _, _, handle in found]
    made = []
    for (number, uuid, handle), owner in zip(found, owners):  # noqa: B905 — strict= is not in Python 3.6
        monitor = None
        if owner is not None and owners.count(owner) == 1:
            monitor = _attempt(nvml, partial(Monitor, nvml, parent), owner)
        made.append(Instance(nvml, handle, uuid, number, identity, monitor))
    return made


def layout(nvml, handle):
    """[(number, uuid, handle)] of the instances of a GPU; None without MIG, an empty list where it is on without any.

    Raises:
        Lost: the GPU is gone.
        DriverGone: so is the driver.
        NVMLError: it does not tell, as one that cannot be divided does.
    """
    try:
        if not nvml.nvmlDeviceGetMigMode(handle)[0]:
            return None
        most = nvml.nvmlDeviceGetMaxMigDeviceCount(handle)
    except nvml.NVMLError as error:
        codes.sorted_out(error)
        raise
    found = []
    for number in range(most):
        try:
            instance = nvml.nvmlDeviceGetMigDeviceHandleByIndex(handle, number)
            found.append((number, nvml.nvmlDeviceGetUUID(instance), instance))
        except nvml.NVMLError as error:
            # Nothing is at this number.
            codes.sorted_out(error)
    return found


def _attempt(nvml, call, handle):
    try:
        return call(handle)
    except nvml.NVMLError as error:
        codes.sorted_out(error)
        return None
