"""Counters of whole disks, from /proc/diskstats. See the kernel's Documentation/admin-guide/iostats.rst."""

import os
import re

from .files import Kept
from .parsing import clean, whole

SECTOR_BYTES = 512
"""Sectors in /proc/diskstats are of 512 bytes, whatever the disk's own are."""
MOST = 128
_COLUMNS = 14
_RESCAN_S = 60.0
_WHOLE_NAME = re.compile(r"(?:sd[a-z]+|vd[a-z]+|xvd[a-z]+|hd[a-z]+|nvme\d+n\d+|mmcblk\d+|pmem\d+)\Z")
_NO_DISK = re.compile(r"(?:loop|ram|zram|sr|fd|dm-|md)\d")


def parse_diskstats(content, is_wanted=None):
    """Devices of /proc/diskstats, partitions too: [(name, the wire's `Disk` as a dict)].

    Args:
        content: of the file, in bytes.
        is_wanted: called with a name in bytes: whether to parse it; None for all.
    """
    found = []
    for line in content.split(b"\n"):
        words = line.split()
        if len(words) < _COLUMNS or (is_wanted is not None and not is_wanted(words[2])):
            continue
        read_ops, read_sectors, write_ops, write_sectors, busy_ms = (whole(words[at]) for at in (3, 5, 7, 9, 12))
        name = clean(words[2], 64)
        disk = {
            "device": name,
            "read_bytes": _sectors(read_sectors),
            "write_bytes": _sectors(write_sectors),
            "read_ops": read_ops,
            "write_ops": write_ops,
            "busy_s": None if busy_ms is None else busy_ms / 1000.0,
        }
        found.append((name, disk))
    return found


def _sectors(count):
    return None if count is None else whole(count * SECTOR_BYTES)


def is_whole(name, sys="/sys"):
    """Whether `name` is a disk of its own: not a partition, and not made of other devices (loop, dm, md, zram).

    What is made of other disks would be counted twice in a host's sum.
    """
    if _NO_DISK.match(name):
        return False
    block = "%s/block" % sys
    if os.path.isdir(block):
        return os.path.exists("%s/%s/device" % (block, name.replace("/", "!")))
    return _WHOLE_NAME.match(name) is not None


class DiskReader:
    """Counters of all whole disks now."""

    def __init__(self, proc="/proc", sys="/sys"):
        self._stats = Kept(proc + "/diskstats")
        self._sys = sys
        self._whole = {}
        self._scan_at = 0.0

    def read(self, now):
        """The wire's disks, as dicts.

        Args:
            now: monotonic time, in seconds.

        Raises:
            OSError: /proc/diskstats cannot be read.
        """
        if now >= self._scan_at:
            self._whole = {}
            self._scan_at = now + _RESCAN_S
        return [disk for _, disk in parse_diskstats(self._stats.read(), self._is_wanted)][:MOST]

    def _is_wanted(self, name):
        if name not in self._whole:
            self._whole[name] = is_whole(clean(name, 64), self._sys)
        return self._whole[name]
