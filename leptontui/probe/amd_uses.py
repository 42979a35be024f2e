"""Who uses the AMD GPUs: the compute driver's own list of processes, and DRM clients in /proc/PID/fdinfo."""

import os

from .amd_parsing import fdinfo
from .files import read_or_none
from .parsing import whole

FDINFO_S = 10.0
"""How often the files of processes known to use a GPU are read."""
SEARCH_S = 60.0
"""How often all processes are searched for such files."""
MOST_LINKS = 20000
"""Open files looked at in one search; the next goes on from there."""
MOST_FILES = 1024
_KFD = "/class/kfd/kfd"
_DRM = "/dev/dri/"


def _names(directory):
    try:
        return os.listdir(directory)
    except OSError:
        # Not there, or another user's.
        return []


class Uses:
    """Finds who uses the GPUs. May take as long as /proc does: call it where that does no harm.

    Args:
        sys, proc: where those are.
    """

    def __init__(self, sys="/sys", proc="/proc"):
        self._kfd = sys + _KFD
        self._proc = proc
        self._addresses = {}
        self._files = []
        self._clients = {}
        self._search_due = self._fdinfo_due = 0.0
        self._next_pid = 0

    def read(self, now):
        """{(PCI address, pid): bytes of VRAM or None}."""
        found = self._compute()
        if now >= self._search_due:
            self._search_due = now + SEARCH_S
            self._fdinfo_due = now
            self._search()
        if now >= self._fdinfo_due:
            self._fdinfo_due = now + FDINFO_S - 0.1
            self._clients = self._read_clients()
        for key, used in self._clients.items():
            # Both count what the compute driver allocates.
            known = found.get(key)
            found[key] = used if known is None else max(known, used or 0)
        return found

    # The compute driver

    def _compute(self):
        found = {}
        for name in _names(self._kfd + "/proc"):
            pid = whole(name)
            if pid is None:
                continue
            directory = "%s/proc/%d" % (self._kfd, pid)
            for file in _names(directory):
                if not file.startswith("vram_"):
                    continue
                address = self._address(whole(file[len("vram_") :]))
                used = whole(read_or_none(directory + "/" + file, 64))
                if address is not None and used:
                    # A GPU divided into partitions has one file for each.
                    found[(address, pid)] = found.get((address, pid), 0) + used
        return found

    def _address(self, gpu):
        """PCI address of the compute driver's `gpu` number, None if there is none."""
        if gpu not in self._addresses:
            self._addresses = self._topology()
            self._addresses.setdefault(gpu, None)
        return self._addresses[gpu]

    def _topology(self):
        found = {}
        for node in _names(self._kfd + "/topology/nodes"):
            directory = "%s/topology/nodes/%s" % (self._kfd, node)
            gpu = whole(read_or_none(directory + "/gpu_id", 64))
            if not gpu:
                continue
            said = {}
            for line in (read_or_none(directory + "/properties") or b"").split(b"\n"):
                words = line.split()
                if len(words) == 2:  # noqa: PLR2004 — name and value
                    said[words[0]] = whole(words[1])
            place, domain = said.get(b"location_id"), said.get(b"domain") or 0
            if place is not None:
                # Bus, device and function, as PCI packs them; above them may be a partition's number.
                found[gpu] = "%04x:%02x:%02x.%d" % (domain, place >> 8 & 0xFF, place >> 3 & 0x1F, 0)
        return found

    # DRM clients

    def _search(self):
        """Find the open files that are DRM devices, within bounds."""
        pids = sorted(pid for pid in map(whole, _names(self._proc)) if pid is not None)
        kept = set(pids)
        files = [(pid, fd) for pid, fd in self._files if pid in kept]
        at = next((index for index, pid in enumerate(pids) if pid >= self._next_pid), 0)
        seen = 0
        self._next_pid = 0
        searched = set()
        for pid in pids[at:] + pids[:at]:
            if seen >= MOST_LINKS:
                self._next_pid = pid
                break
            searched.add(pid)
            directory = "%s/%d/fd" % (self._proc, pid)
            for fd in _names(directory):
                seen += 1
                try:
                    target = os.readlink(directory + "/" + fd)
                except OSError:
                    continue
                if target.startswith(_DRM):
                    files.append((pid, fd))
        self._files = sorted(set(files))[:MOST_FILES]

    def _read_clients(self):
        found, counted = {}, set()
        for pid, fd in self._files:
            content = read_or_none("%s/%d/fdinfo/%s" % (self._proc, pid, fd))
            client = None if content is None else fdinfo(content)
            if client is None:
                continue
            address, number, used = client
            # A file that was duplicated is the same client.
            if (pid, address, number) in counted:
                continue
            counted.add((pid, address, number))
            known = found.get((address, pid))
            found[(address, pid)] = used if known is None else known + (used or 0)
        return found
