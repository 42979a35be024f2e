"""All GPUs of a host, whoever made them: NVIDIA's through their driver, AMD's through /sys."""

from .amd import AmdGpus
from .driver import LIMIT_S, Driver
from .gpus import Gpus


class Accelerators:
    """The GPUs, asked without ever hanging with their drivers.

    Args:
        driver: NVIDIA's.
        amd: AMD's GPUs.
    """

    def __init__(self, driver, amd):
        self._driver = driver
        self._amd = amd
        self._amd_why = None

    @property
    def identities(self):
        """The wire's `GpuIdentity` of each GPU seen so far, as dicts."""
        nvidia = self._driver.identities
        first = 1 + max((identity["index"] for identity in nvidia), default=-1)
        return nvidia + [dict(identity, index=first + identity["index"]) for identity in self._amd.identities]

    @property
    def version(self):
        """Changes when the identities or a driver's version have."""
        return self._driver.version, self._amd.version

    @property
    def driver_version(self):
        """NVIDIA's driver's version, else AMD's; None without either."""
        return self._driver.driver_version or self._amd.driver_version

    @property
    def is_hung(self):
        """Whether some of it does not answer: nothing is known of the GPUs that are not listed."""
        return self._driver.is_hung or self._amd.is_hung

    @property
    def is_busy(self):
        """Whether GPUs are being asked and may yet answer soon."""
        return self._driver.is_busy

    def ask(self):
        """Have the GPUs read, unless they are being read."""
        self._driver.ask()

    def release(self, for_s):
        """Let go of NVIDIA's driver for so many seconds, so that a GPU can be reset."""
        self._driver.release(for_s)

    def read(self, now):
        """(the sweep's fields, uses): what the GPUs answered, and the wire's `GpuProcess` without what /proc tells.

        Args:
            now: monotonic time, in seconds.
        """
        readings, uses = self._driver.readings()
        details = self._driver.details()
        try:
            amd_readings, amd_details, amd_uses = self._amd.read(now)
            self._amd_why = None
        except Exception as error:  # noqa: BLE001 — the reader's boundary: it must not hide the other GPUs
            amd_readings, amd_details, amd_uses = [], [], []
            self._amd_why = "%s: %s" % (type(error).__name__, error)
        fields = {
            "gpus": readings + amd_readings,
            "gpu_details": details + amd_details,
            "is_driver_hung": self.is_hung,
        }
        return fields, uses + amd_uses

    def events(self):
        """What happened since the last call: [(name, text, gpu uuid or None, Xid or None)]."""
        return self._driver.events() + self._amd.events()

    def gaps(self):
        """{what: why} of what cannot be read now."""
        gaps = dict(self._driver.gaps())
        if self._driver.is_hung:
            gaps.setdefault("gpu", "the NVIDIA driver has not answered yet")
        amd = dict(self._amd.gaps)
        if self._amd_why is not None:
            amd["amd gpus"] = self._amd_why
        if self._amd.identities and not self._driver.identities:
            # A host of AMD's needs no driver of NVIDIA's.
            gaps.pop("gpu", None)
        gaps.update(amd)
        return gaps


def accelerators_of(config, wake, listens):
    """The GPUs of this host.

    Args:
        config: as told at the start: `proc` and `sys`, where those are, `driver_limit_s`.
        wake: called, in another thread, when an answer has come late; None for nothing.
        listens: whether to have NVIDIA's driver tell of Xids.
    """
    limit_s = float(config.get("driver_limit_s", LIMIT_S))
    proc, sys = config.get("proc", "/proc"), config.get("sys", "/sys")
    return Accelerators(Driver(wake, Gpus(listens=listens), limit_s), AmdGpus(sys, proc, wake, limit_s))
