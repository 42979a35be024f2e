"""Network interfaces: counters from /proc/net/dev, carrier and speed from /sys/class/net."""

import errno
import os

from .files import Kept, read_or_none
from .parsing import clean, whole

MOST = 64
_COLUMNS = 12
_SPEED_UNKNOWN = 0xFFFFFFFF
_RESCAN_S = 60.0


def parse_names(content):
    """The names, in bytes, of all interfaces of /proc/net/dev. A host of many containers has hundreds."""
    return [line.rpartition(b":")[0].strip() for line in content.split(b"\n") if b":" in line]


def parse_net_dev(content, wanted=None):
    """Interfaces of /proc/net/dev: [(name, counters of the wire's `Nic`)].

    Args:
        content: of the file, in bytes.
        wanted: names in bytes of those to parse; None for all.
    """
    found = []
    for line in content.split(b"\n"):
        name, colon, rest = line.rpartition(b":")
        if not colon or (wanted is not None and name.strip() not in wanted):
            continue
        words = rest.split()
        if len(words) < _COLUMNS:
            continue
        rx_bytes, _, rx_errors, rx_dropped = (whole(word) for word in words[0:4])
        tx_bytes, _, tx_errors, tx_dropped = (whole(word) for word in words[8:_COLUMNS])
        counters = {
            "rx_bytes": rx_bytes,
            "tx_bytes": tx_bytes,
            "rx_errors": rx_errors,
            "tx_errors": tx_errors,
            "rx_dropped": rx_dropped,
            "tx_dropped": tx_dropped,
        }
        found.append((clean(name, 64), counters))
    return found


def chosen(names, sys="/sys"):
    """Which of `names` to report: those with a device behind them; where none has (a container), all but loopback.

    Bonds, bridges, VLANs and containers' ends carry the same bytes again.
    """
    names = [name for name in names if name != "lo" and "/" not in name]
    physical = [name for name in names if os.path.exists("%s/class/net/%s/device" % (sys, name))]
    return frozenset((physical or names)[:MOST])


class NicReader:
    """Counters and carrier of the interfaces now; the speed is asked when the carrier comes, and once a minute."""

    def __init__(self, proc="/proc", sys="/sys"):
        self._dev = Kept(proc + "/net/dev")
        self._sys = sys
        self._names = None
        self._wanted = frozenset()
        self._chosen = frozenset()
        self._carriers = {}
        self._changes = {}
        self._speeds = {}
        self._scan_at = 0.0

    def read(self, now):
        """The wire's nics, as dicts.

        Args:
            now: monotonic time, in seconds.

        Raises:
            OSError: /proc/net/dev cannot be read.
        """
        content = self._dev.read()
        names = parse_names(content)
        if now >= self._scan_at or names != self._names:
            self._rescan(names, now)
        nics = []
        for name, counters in parse_net_dev(content, self._wanted):
            is_up = self._is_up(name)
            speed = self._speed(name, is_up)
            counters.update(nic=name, is_up=is_up, speed_mbit=speed, carrier_changes=self._flaps(name))
            nics.append(counters)
        return nics

    def _rescan(self, names, now):
        self._names = names
        known = {clean(name, 64): name for name in names}
        self._chosen = chosen(known, self._sys)
        self._wanted = {known[name] for name in self._chosen}
        self._scan_at = now + _RESCAN_S
        self._speeds = {}
        for kept in (self._carriers, self._changes):
            for name in set(kept) - self._chosen:
                kept.pop(name).close()

    def _kept(self, files, name, attribute):
        if name not in files:
            files[name] = Kept("%s/class/net/%s/%s" % (self._sys, name, attribute), 32)
        return files[name]

    def _flaps(self, name):
        try:
            return whole(self._kept(self._changes, name, "carrier_changes").read().strip())
        except OSError:
            # Kernels before 3.15 do not count them.
            return None

    def _is_up(self, name):
        try:
            return self._kept(self._carriers, name, "carrier").read().strip() == b"1"
        except OSError as error:
            # The kernel answers EINVAL for an interface that is switched off.
            return False if error.errno == errno.EINVAL else None

    def _speed(self, name, is_up):
        if not is_up:
            self._speeds.pop(name, None)
            return None
        if name not in self._speeds:
            content = read_or_none("%s/class/net/%s/speed" % (self._sys, name), 32)
            speed = None if content is None else whole(content.strip())
            # Virtual interfaces say -1, some drivers 0xffffffff.
            self._speeds[name] = speed if speed is not None and 0 < speed < _SPEED_UNKNOWN else None
        return self._speeds[name]
