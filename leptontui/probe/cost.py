"""What the probe itself costs."""

import os
import time

from .files import Kept
from .parsing import whole

NICENESS = 10


def step_back():
    """Lower our own priority, if that is allowed."""
    try:
        os.nice(NICENESS)
    except OSError:
        # Refused in some containers: then we run at the priority we were given.
        pass


def _cpu_s():
    children = os.times()
    return time.process_time() + children[2] + children[3]


class CostReader:
    """CPU since the last reading, in percent of one core, that of children that have ended included, and memory."""

    def __init__(self, proc="/proc"):
        self._statm = Kept(proc + "/self/statm", 256)
        self._page = os.sysconf("SC_PAGE_SIZE")
        self._cpu_s = _cpu_s()
        self._at = time.monotonic()

    def read(self):
        """The wire's `ProbeCost` as a dict, but for `sweep_s`.

        Raises:
            OSError: /proc/self cannot be read.
        """
        cpu_s, at = _cpu_s(), time.monotonic()
        elapsed = at - self._at
        used, self._cpu_s, self._at = cpu_s - self._cpu_s, cpu_s, at
        words = self._statm.read().split()
        pages = whole(words[1]) if len(words) > 1 else None
        return {
            "cpu_pct": round(100.0 * used / elapsed, 3) if elapsed > 0 else None,
            "rss_bytes": None if pages is None else pages * self._page,
        }
