"""Power the host draws: its power meter, which asks the board's controller, else the CPU packages' own counters.

`ipmitool dcmi` is not run: each call keeps a kernel thread busy for as long as the controller takes, up to 0.1 s.
"""

import os

from .files import read_once, read_or_none
from .gaps import Unreadable
from .parsing import whole
from .patrol import Patrol

PERIOD_S = 10.0
LIMIT_S = 5.0
MOST_W = 1e5
"""More than a rack draws is not a reading."""
_METERS = (b"power_meter", b"ibmpowernv", b"ibmaem")
_MICRO = 1e6


def meters_of(sys):
    """Files of the host's power meters, in µW: those of other chips (a GPU's, a disk's) are of a part only."""
    root = "%s/class/hwmon" % sys
    found = []
    for name in sorted(os.listdir(root) if os.path.isdir(root) else ()):
        for directory in ("%s/%s" % (root, name), "%s/%s/device" % (root, name)):
            chip = read_or_none(directory + "/name", 64)
            if chip is not None and chip.strip() in _METERS:
                path = directory + "/power1_average"
                if os.path.exists(path):
                    found.append(path)
                    break
    return found


def packages_of(sys):
    """{directory: the value at which its counter wraps, in µJ} of the CPU packages that count their energy."""
    root = "%s/class/powercap" % sys
    found = {}
    for name in sorted(os.listdir(root) if os.path.isdir(root) else ()):
        # "intel-rapl:0", AMD's too; "intel-rapl:0:1" is a part of it, "intel-rapl-mmio:0" the same again.
        parts = name.split(":")
        if parts[0] != "intel-rapl" or len(parts) != 2:  # noqa: PLR2004
            continue
        directory = "%s/%s" % (root, name)
        if (read_or_none(directory + "/name", 64) or b"").startswith(b"package"):
            found[directory] = whole(read_or_none(directory + "/max_energy_range_uj", 64))
    return found


def mean_w(before, after, wraps):
    """The packages' power between two readings, in W; None if no time passed or packages came or went.

    Args:
        before: (monotonic time, {directory: energy in µJ}).
        after: as well, later.
        wraps: {directory: the value at which its counter wraps, in µJ, or None}.
    """
    elapsed = after[0] - before[0]
    if elapsed <= 0.0 or before[1].keys() != after[1].keys() or not after[1]:
        return None
    total = 0
    for directory, energy in after[1].items():
        spent = energy - before[1][directory]
        if spent < 0:
            wrap = wraps.get(directory)
            if wrap is None or spent + wrap < 0:
                return None
            spent += wrap
        total += spent
    return _plausible(total / _MICRO / elapsed)


def _plausible(watt):
    return round(watt, 1) if 0.0 <= watt <= MOST_W else None


class PowerReader:
    """Power as it was within the last ten seconds.

    Args:
        sys: where /sys is.
        wake: called, in another thread, when there is a new answer; None for nothing.
    """

    def __init__(self, sys="/sys", wake=None):
        self._sys = sys
        self._patrol = Patrol(self._ask, LIMIT_S, wake)
        self._due_at = 0.0
        self._before = None

    def _ask(self, now):
        """What there is to say at `now`; may block while the board's controller does not answer.

        Raises:
            Unreadable: there is nothing to read.
        """
        refusal = None
        for path in meters_of(self._sys):
            try:
                micro_w = whole(read_once(path, 64))
            except OSError as error:
                refusal = error
                continue
            if micro_w:
                return {"power_w": _plausible(micro_w / _MICRO), "source": "ipmi"}
        wraps = packages_of(self._sys)
        try:
            energies = {directory: whole(read_once(directory + "/energy_uj", 64)) for directory in wraps}
        except OSError as error:
            raise Unreadable("%s (RAPL)" % error.strerror, retry_s=600.0) from error
        if not energies:
            why = "no power meter and no RAPL" if refusal is None else "%s (power meter)" % refusal.strerror
            raise Unreadable(why, retry_s=600.0)
        before, self._before = self._before, (now, energies)
        if before is None or None in energies.values():
            return {}
        return {"power_w": mean_w(before, self._before, wraps), "source": "rapl"}

    @property
    def is_idle(self):
        """Whether the meter has answered or hangs."""
        return self._patrol.is_idle

    def read(self, now):
        """The wire's `Power` as a dict.

        Args:
            now: monotonic time, in seconds.

        Raises:
            Unreadable: there is nothing to read, or it does not answer; says why.
        """
        self._patrol.check(now)
        if self._patrol.hung:
            raise Unreadable("the power meter does not answer")
        value, error = next(iter(self._patrol.found.values()), ({}, None))
        if now >= self._due_at and self._patrol.is_idle:
            self._due_at = now + PERIOD_S
            self._patrol.send((now,))
        if error is not None:
            raise error
        return value
