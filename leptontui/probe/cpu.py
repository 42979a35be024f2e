"""CPU time by state and per core, from /proc/stat, as percent between two readings. See proc(5)."""

from .files import Kept
from .parsing import whole

_STATES = 8
_FEWEST_TICKS = 10
_EARLY_S = 0.1
"""A sweep that comes a little early is in time."""
_FIELDS = ("util_pct", "user_pct", "system_pct", "iowait_pct", "steal_pct")
_USER, _NICE, _SYSTEM, _IDLE, _IOWAIT, _IRQ, _SOFTIRQ, _STEAL = range(_STATES)


CORES_PERIOD_S = 5.0
"""With many cores each core's share is worked out less often, and over this time: it is 5 µs a core."""
MANY_CORES = 32


def parse_total(content):
    """The eight states' ticks of all cores together, in the first line of /proc/stat; None if it is malformed.

    Guest time is part of user time.
    """
    words = content[: content.find(b"\n")].split()
    if not words or words[0] != b"cpu":
        return None
    ticks = [whole(word) for word in words[1 : 1 + _STATES]]
    if len(ticks) <= _IDLE or None in ticks:
        return None
    # Kernels before 2.6.11 have no steal column.
    return ticks + [0] * (_STATES - len(ticks))


def parse_cores(content):
    """{core's name: (busy, all) ticks} of the cores in /proc/stat, in bytes; malformed ones are left out."""
    cores = {}
    for line in content.split(b"\n"):
        if line.startswith(b"cpu"):
            words = line.split(None, _STATES + 1)
            try:
                ticks = list(map(int, words[1 : 1 + _STATES]))
                total = sum(ticks)
                busy = total - ticks[_IDLE] - (ticks[_IOWAIT] if len(ticks) > _IOWAIT else 0)
            except (ValueError, IndexError):
                continue
            if words[0] != b"cpu":
                cores[words[0]] = (busy, total)
        elif cores:
            break
    return cores


def shares(before, after):
    """Percent of the time between two lines of ticks: (util, user, system, iowait, steal), None if no time passed.

    Ticks that ran backwards (iowait may, see proc(5)) count as none.
    """
    spent = [max(0, new - old) for old, new in zip(before, after)]  # noqa: B905 — strict= is not in Python 3.6
    total = sum(spent)
    if total <= 0:
        return None
    scale = 100.0 / total
    busy = total - spent[_IDLE] - spent[_IOWAIT]
    return tuple(
        round(ticks * scale, 2)
        for ticks in (
            busy,
            spent[_USER] + spent[_NICE],
            spent[_SYSTEM] + spent[_IRQ] + spent[_SOFTIRQ],
            spent[_IOWAIT],
            spent[_STEAL],
        )
    )


def total_shares(before, after):
    """The wire's `Cpu` but for cores, between two results of `parse_total`; empty where no time passed."""
    found = None if before is None or after is None else shares(before, after)
    return {} if found is None else dict(zip(_FIELDS, found))  # noqa: B905 — strict= is not in Python 3.6


def core_shares(before, after):
    """Percent that each core was busy between two results of `parse_cores`, in their order; empty if cores differ.

    A core that came or went shifts the numbering: no per-core values for this once.
    """
    if before.keys() != after.keys():
        return []
    found = []
    for name, (busy, total) in after.items():
        spent = total - before[name][1]
        share = 100.0 * (busy - before[name][0]) / spent if spent > 0 else 0.0
        found.append(round(min(100.0, max(0.0, share)), 1))
    return found


class CpuReader:
    """CPU use since the last reading; the first is since this was made.

    Where hardly any time has passed since then it is what it was: the kernel counts in hundredths of a second.
    """

    def __init__(self, proc="/proc"):
        self._stat = Kept(proc + "/stat")
        self._before = None
        self._cores_before = {}
        self._cores_due_at = 0.0
        self._last = {}
        try:
            content = self._stat.read()
            self._before, self._cores_before = parse_total(content), parse_cores(content)
        except OSError:
            # read() says so, at the reader's boundary.
            pass

    def read(self, now):
        """The wire's `Cpu` as a dict.

        Args:
            now: monotonic time, in seconds.

        Raises:
            OSError: /proc/stat cannot be read.
        """
        content = self._stat.read()
        after = parse_total(content)
        if self._before is not None and after is not None and 0 <= sum(after) - sum(self._before) < _FEWEST_TICKS:
            return self._last
        cores = self._last.get("cores_pct", [])
        self._last = total_shares(self._before, after)
        self._before = after
        if now >= self._cores_due_at:
            before, self._cores_before = self._cores_before, parse_cores(content)
            self._cores_due_at = now + CORES_PERIOD_S - _EARLY_S if len(self._cores_before) > MANY_CORES else 0.0
            cores = core_shares(before, self._cores_before)
        if self._last:
            self._last["cores_pct"] = cores
        return self._last
