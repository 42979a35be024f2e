"""The host itself: what does not change between two boots, and its load and uptime."""

import os
import sys

from .files import Kept, read_or_none
from .parsing import clean, clean_or_none, real, whole

_UID = 2


def parse_loadavg(content):
    """/proc/loadavg's first three numbers as {"load1", "load5", "load15"}; what is malformed is None."""
    load1, load5, load15 = (content.split() + [b"", b"", b""])[:3]
    return {"load1": real(load1), "load5": real(load5), "load15": real(load15)}


def parse_uptime(content):
    """/proc/uptime's first number, in seconds; None if it is malformed."""
    words = content.split()
    return real(words[0]) if words else None


def parse_os_release(content):
    """PRETTY_NAME of os-release(5), None if it has none."""
    for line in content.split(b"\n"):
        name, _, value = line.partition(b"=")
        if name.strip() == b"PRETTY_NAME":
            return clean_or_none(value.strip().strip(b"\"'"))
    return None


def parse_cpu_model(content):
    """The first model name in /proc/cpuinfo; None where the architecture gives none."""
    for line in content.split(b"\n"):
        name, colon, value = line.partition(b":")
        if colon and name.strip().lower() in (b"model name", b"cpu"):
            return clean_or_none(value)
    return None


def parse_memory_total(content):
    """MemTotal of /proc/meminfo in bytes, None if it has none."""
    for line in content.split(b"\n"):
        if line.startswith(b"MemTotal:"):
            kib = whole((line.split() + [b""])[1])
            return None if kib is None else whole(kib * 1024)
    return None


def user_name(etc="/etc"):
    """Who runs this, by name where the host itself knows it: a directory service is not asked, it may not answer."""
    uid = os.geteuid()
    for line in (read_or_none(etc + "/passwd", 1 << 20) or b"").split(b"\n"):
        words = line.split(b":")
        if len(words) > _UID and whole(words[_UID]) == uid:
            return clean_or_none(words[0], 64)
    return clean_or_none(os.environ.get("LOGNAME"), 64) or "uid %d" % uid


def identity(proc="/proc", etc="/etc"):
    """What the wire's `Hello` says of the host, as a dict, but for GPUs and what is unavailable."""
    kernel = os.uname()
    boot_id = read_or_none(proc + "/sys/kernel/random/boot_id")
    return {
        "hostname": clean(kernel.nodename),
        "boot_id": clean_or_none(boot_id, 64),
        "kernel": clean(kernel.release),
        "os": parse_os_release(read_or_none(etc + "/os-release") or b""),
        "arch": clean(kernel.machine, 64),
        "user": user_name(etc),
        "python": "%d.%d.%d" % sys.version_info[:3],
        "cpu_model": parse_cpu_model(read_or_none(proc + "/cpuinfo") or b""),
        "cpu_count": os.cpu_count(),
        "memory_total_bytes": parse_memory_total(read_or_none(proc + "/meminfo") or b""),
    }


class LoadReader:
    """Load now."""

    def __init__(self, proc="/proc"):
        self._loadavg = Kept(proc + "/loadavg", 256)

    def read(self):
        """{"load1", "load5", "load15"}.

        Raises:
            OSError: /proc/loadavg cannot be read.
        """
        return parse_loadavg(self._loadavg.read())


class UptimeReader:
    """Uptime now."""

    def __init__(self, proc="/proc"):
        self._uptime = Kept(proc + "/uptime", 256)

    def read(self):
        """Seconds since the kernel started.

        Raises:
            OSError: /proc/uptime cannot be read.
        """
        return parse_uptime(self._uptime.read())
