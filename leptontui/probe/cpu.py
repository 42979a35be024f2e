"""CPU time by state and per core, from /proc/stat, as percent between two readings. See proc(5)."""

from .files import Kept
from .parsing import whole

_STATES = 8
_FEWEST_TICKS = 10
_USER, _NICE, _SYSTEM, _IDLE, _IOWAIT, _IRQ, _SOFTIRQ, _STEAL = range(_STATES)


def parse_stat(content):
    """The `cpu` lines of /proc/stat: name → the eight states' ticks; guest time is part of user time."""
    lines = {}
    for line in content.split(b"\n"):
        if not line.startswith(b"cpu"):
            if lines:
                break
            continue
        words = line.split()
        ticks = [whole(word) for word in words[1 : 1 + _STATES]]
        # Kernels before 2.6.11 have no steal column.
        ticks += [0] * (_STATES - len(ticks))
        if len(words) > _IDLE + 1 and None not in ticks:
            lines[words[0].decode("ascii", "replace")] = ticks
    return lines


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


def difference(before, after):
    """The wire's `Cpu` between two results of `parse_stat`; empty where no time passed or there is no line."""
    if "cpu" not in before or "cpu" not in after:
        return {}
    whole_host = shares(before["cpu"], after["cpu"])
    if whole_host is None:
        return {}
    util, user, system, iowait, steal = whole_host
    cores = []
    # A core that came or went shifts the numbering: no per-core values for this once.
    if before.keys() == after.keys():
        for name, ticks in after.items():
            if name != "cpu":
                core = shares(before[name], ticks)
                cores.append(round(core[0], 1) if core else 0.0)
    return {
        "util_pct": util,
        "user_pct": user,
        "system_pct": system,
        "iowait_pct": iowait,
        "steal_pct": steal,
        "cores_pct": cores,
    }


class CpuReader:
    """CPU use since the last reading; the first is since this was made.

    Where hardly any time has passed since then it is what it was: the kernel counts in hundredths of a second.
    """

    def __init__(self, proc="/proc"):
        self._stat = Kept(proc + "/stat")
        self._before = {}
        self._last = {}
        try:
            self._before = parse_stat(self._stat.read())
        except OSError:
            # read() says so, at the reader's boundary.
            pass

    def read(self):
        """The wire's `Cpu` as a dict.

        Raises:
            OSError: /proc/stat cannot be read.
        """
        after = parse_stat(self._stat.read())
        if 0 <= sum(after.get("cpu", ())) - sum(self._before.get("cpu", ())) < _FEWEST_TICKS:
            return self._last
        self._last = difference(self._before, after)
        self._before = after
        return self._last
