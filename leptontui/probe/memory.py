"""Memory and swap, from /proc/meminfo, and processes killed for lack of it, from /proc/vmstat. See proc(5)."""

from .files import Kept
from .parsing import whole

KILLS_PERIOD_S = 5.0
"""How often /proc/vmstat is read: the kernel sums it over all CPUs each time."""


def parse_meminfo(content):
    """The wire's `Memory` as a dict, in bytes, but for `oom_kills`.

    Used is total less available. Huge pages are those of the default size.
    """
    kib = {}
    for line in content.split(b"\n"):
        name, _, rest = line.partition(b":")
        words = rest.split()
        if words:
            kib[name] = whole(words[0])
    total = _bytes(kib.get(b"MemTotal"))
    available = _bytes(kib.get(b"MemAvailable"))
    if available is None:
        # Kernels before 3.14 do not estimate it.
        parts = [kib.get(name) for name in (b"MemFree", b"Buffers", b"Cached")]
        available = None if None in parts else _bytes(sum(parts))
    swap_total = _bytes(kib.get(b"SwapTotal"))
    swap_free = _bytes(kib.get(b"SwapFree"))
    return {
        "total_bytes": total,
        "available_bytes": available,
        "used_bytes": None if total is None or available is None else max(0, total - available),
        "swap_total_bytes": swap_total,
        "swap_used_bytes": None if swap_total is None or swap_free is None else max(0, swap_total - swap_free),
        "slab_bytes": _bytes(kib.get(b"Slab")),
        "hugepages_total_bytes": _pages(kib, b"HugePages_Total"),
        "hugepages_free_bytes": _pages(kib, b"HugePages_Free"),
    }


def _bytes(kib):
    return whole(kib * 1024) if kib is not None and kib >= 0 else None


def _pages(kib, name):
    count, size = kib.get(name), kib.get(b"Hugepagesize")
    return None if count is None or size is None else _bytes(count * size)


def parse_oom_kills(vmstat):
    """Processes killed since boot, in the content of /proc/vmstat; None before Linux 4.13, which does not count."""
    _, name, rest = vmstat.rpartition(b"\noom_kill ")
    return whole(rest.partition(b"\n")[0].strip()) if name else None


class MemoryReader:
    """Memory and swap now."""

    def __init__(self, proc="/proc"):
        self._meminfo = Kept(proc + "/meminfo")
        self._vmstat = Kept(proc + "/vmstat")
        self._kills = None
        self._due_at = 0.0

    def read(self, now):
        """The wire's `Memory` as a dict.

        Args:
            now: monotonic time, in seconds.

        Raises:
            OSError: /proc/meminfo cannot be read.
        """
        memory = parse_meminfo(self._meminfo.read())
        if now >= self._due_at:
            self._due_at = now + KILLS_PERIOD_S
            try:
                self._kills = parse_oom_kills(self._vmstat.read())
            except OSError:
                self._kills = None
        memory["oom_kills"] = self._kills
        return memory
