"""One GPU: its identity, its readings at their cadences, its MIG instances, and what it does not tell."""

from collections import namedtuple

from . import mig
from . import nvml as codes
from .details import DetailsReader
from .parsing import clean_or_none
from .readings import IDENTITY, PROCESSES_S, READINGS, Turn, running

_TEXTS = frozenset(("name", "serial", "pci_bus_id", "vbios"))
_EARLY_S = 0.1
"""A sweep that comes a little early is in time."""
_SPREAD = 5
"""The GPUs' slow readings are spread over so many seconds."""
_PROCESSES = "gpu processes"
_RARE = frozenset(("fan", "margin to slowdown", "memory temperature"))
"""What many models do not have: that it is missing is not worth a line."""

Told = namedtuple("Told", "readings uses details identities gaps")
"""What one visit to a GPU brought, all of it as the wire's dicts: the readings of the GPU and of its instances, the
processes on them without user, command and job, details ([] where it was not their turn), identities, and
{what: why} of what cannot be read."""


class Card:
    """One GPU with its driver's handle.

    Args:
        nvml: the pynvml module.
        index: the driver's number for it.
        driver: the driver's version.

    Attributes:
        identity: the wire's `GpuIdentity` as a dict.
        uuid: of it.
        handle: the driver's.

    Raises:
        Lost: it is gone.
        DriverGone: so is the driver.
        NVMLError: it has no uuid.
    """

    def __init__(self, nvml, index, driver):
        self._nvml = nvml
        try:
            self.handle = nvml.nvmlDeviceGetHandleByIndex(index)
            self.uuid = nvml.nvmlDeviceGetUUID(self.handle)
        except nvml.NVMLError as error:
            codes.sorted_out(error)
            raise
        self.identity = {"index": index, "uuid": self.uuid, "vendor": "nvidia"}
        for reading in IDENTITY:
            self.identity.update(Turn(reading).read(nvml, self.handle))
        for field in _TEXTS:
            self.identity[field] = clean_or_none(self.identity.get(field))
        self._index = index
        self._driver = driver
        self._instances = []
        self._layout = None
        self._look_due = 0.0
        self._begin()

    @property
    def is_persistent(self):
        """Whether the driver stays loaded while nobody uses the GPU; None where that is not known."""
        return self._details.is_persistent

    def _begin(self):
        """Forget what the GPU does not support: it is another while it is divided."""
        self._turns = [Turn(reading) for reading in READINGS]
        # The slow calls of the GPUs are spread over the sweeps.
        self._due = [0.0] * len(READINGS)
        self._details = DetailsReader(self._nvml, self.handle, self._index, self._driver)
        self._processes_due = 0.0
        self._uses = []
        self._process_gap = None
        self._reading = {"uuid": self.uuid}

    def read(self, now):
        """What the GPU tells now, slow values as they were last read: `Told`.

        Raises:
            Lost: it is gone.
            DriverGone: so is the driver.
        """
        if now >= self._look_due:
            self._look_due = now + mig.LOOK_S - _EARLY_S
            self._look()
        for at, turn in enumerate(self._turns):
            if now < self._due[at]:
                continue
            self._reading.update(turn.read(self._nvml, self.handle))
            period_s = turn.reading.period_s
            if period_s:
                is_first = not self._due[at]
                self._due[at] = now + period_s + (self._index % _SPREAD if is_first else 0.0) - _EARLY_S
        readings = [dict(self._reading)]
        for instance in list(self._instances):
            try:
                readings.append(instance.read(now))
            except codes.Lost:
                # Taken apart: not a loss. The GPU itself has just answered.
                self._instances.remove(instance)
                self._look_due = 0.0
        if now >= self._processes_due:
            self._processes_due = now + PROCESSES_S - _EARLY_S
            self._read_processes()
        details = self._details.read(now)
        return Told(
            readings,
            list(self._uses),
            [] if details is None else [dict(details, uuid=self.uuid)],
            [self.identity] + [instance.identity for instance in self._instances],
            self._gaps(),
        )

    def _look(self):
        try:
            found = mig.layout(self._nvml, self.handle)
        except self._nvml.NVMLError as error:
            if codes.code_of(error) in codes.NEVER:
                self._look_due = float("inf")
            return
        layout = None if found is None else [(number, uuid) for number, uuid, _ in found]
        if layout == self._layout:
            return
        if (layout is None) != (self._layout is None):
            # What it does not tell while MIG is on it may tell otherwise, and the other way round.
            self._begin()
        self._layout = layout
        self._processes_due = 0.0
        for instance in self._instances:
            instance.close()
        self._instances = mig.instances(self._nvml, self.handle, found or [], self.identity)

    def _read_processes(self):
        # The processes of a divided GPU are those of its instances; asked as a whole it would tell them again.
        owners = self._instances or [self]
        self._uses = []
        self._process_gap = None
        for owner in owners:
            try:
                found = running(self._nvml, owner.handle)
            except self._nvml.NVMLError as error:
                if owner is self and codes.sorted_out(error) in codes.NEVER:
                    self._processes_due = float("inf")
                self._process_gap = error
            else:
                self._uses += [{"uuid": owner.uuid, "pid": pid, "memory_used_bytes": used} for pid, used in found]

    def _gaps(self):
        gaps = {}
        for turn in self._turns:
            what = turn.reading.what
            if turn.refusal is not None and (what not in _RARE or codes.code_of(turn.refusal) == codes.NO_PERMISSION):
                gaps[what] = self._why(turn.refusal)
            elif turn.trouble is not None:
                gaps["gpu %d" % self._index] = str(turn.trouble)
        for what, error in self._details.refusals().items():
            gaps[what] = self._why(error)
        if self._process_gap is not None:
            gaps[_PROCESSES] = self._why(self._process_gap)
        return gaps

    def _why(self, error):
        code = codes.code_of(error)
        if code == codes.NO_PERMISSION:
            return "not permitted to this user"
        if code not in codes.NEVER:
            return "GPU %d: %s" % (self._index, error)
        if self._layout is not None:
            return "not told of a GPU divided by MIG"
        return "not supported by %s" % (self.identity.get("name") or "this GPU")
