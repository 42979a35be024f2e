"""Mounted filesystems: /proc/mounts and statvfs, the latter where a dead NFS server cannot stop a sweep."""

import os
import re

from .files import Kept
from .parsing import clean, whole
from .patrol import MOST_LEFT_BEHIND, Patrol

PERIOD_S = 10.0
"""How often they are asked; between that the last answer is repeated."""
LIMIT_S = 2.0
"""How long one statvfs may take."""
MOST = 64

_COLUMNS = 4
_NETWORK = frozenset(
    "9p afs beegfs ceph cifs davfs fuse.ceph fuse.cephfs fuse.gcsfuse fuse.glusterfs fuse.juicefs fuse.s3fs fuse.sshfs"
    " glusterfs gpfs lustre nfs nfs4 ocfs2 orangefs panfs pvfs2 smb3 virtiofs wekafs".split()
)
_LOCAL = frozenset("bcachefs zfs".split())
_IMAGES = frozenset("squashfs iso9660 erofs udf".split())
_NOT_UNDER = (b"/snap/", b"/var/lib/kubelet/", b"/var/snap/", b"/proc/", b"/sys/")
_ESCAPE = re.compile(rb"\\([0-7]{3})")


def _unescape(word):
    return _ESCAPE.sub(lambda match: bytes((int(match.group(1), 8) & 0xFF,)), word)


def parse_mounts(content):
    """What of /proc/mounts is worth telling: [(mount, device, fstype, is_readonly)], the first three bytes.

    The root whatever it is made of, block devices but images, and network filesystems; no pseudo filesystem, no
    container's overlay, and each device once, at its shortest mount point.
    """
    mounted = {}
    for line in content.split(b"\n"):
        words = line.split()
        if len(words) >= _COLUMNS:
            device, mount, fstype = (_unescape(word) for word in words[:3])
            # What is mounted later at the same place hides what was there before.
            mounted[mount] = (mount, device, fstype, b"ro" in words[3].split(b","))
    root = mounted.pop(b"/", None)
    if root is not None and root[2] == b"rootfs":
        root = None
    shortest = {}
    for entry in mounted.values():
        if _is_real(*entry[:3]):
            known = shortest.get(entry[1])
            if known is None or len(entry[0]) < len(known[0]):
                shortest[entry[1]] = entry
    if root is not None:
        shortest.pop(root[1], None)
    return ([] if root is None else [root]) + sorted(shortest.values())[: MOST - 1]


def _is_real(mount, device, fstype):
    fstype = fstype.decode("ascii", "replace")
    if not mount.startswith(b"/") or fstype in _IMAGES or mount.startswith(_NOT_UNDER):
        return False
    return fstype in _NETWORK or fstype in _LOCAL or device.startswith(b"/dev/")


def usage(mount):
    """Sizes of the filesystem mounted at `mount` (bytes), as the wire has them; None where it is not a directory.

    Raises:
        OSError: it cannot be asked.
    """
    if not os.path.isdir(mount):
        return None
    answer = os.statvfs(mount)
    unit = answer.f_frsize or answer.f_bsize
    if not answer.f_blocks:
        return {}
    inodes = answer.f_files or None
    return {
        "total_bytes": whole(answer.f_blocks * unit),
        "used_bytes": whole((answer.f_blocks - answer.f_bfree) * unit),
        "available_bytes": whole(answer.f_bavail * unit),
        "inodes_total": whole(inodes),
        "inodes_used": None if inodes is None else whole(max(0, inodes - answer.f_ffree)),
        "is_readonly": bool(answer.f_flag & os.ST_RDONLY),
    }


class FilesystemReader:
    """The filesystems as they were within the last ten seconds.

    Those over the network are asked in a thread of their own: dead servers cannot stop what is known of the disks.

    Args:
        proc: where /proc is.
        wake: called, in another thread, when new answers are there; None for nothing.
        ask: what to call for a mount point; `usage` but in tests.
        limit_s: how long one call may take.
    """

    def __init__(self, proc="/proc", wake=None, ask=usage, limit_s=LIMIT_S):
        self._mounts = Kept(proc + "/mounts")
        self._near = Patrol(ask, limit_s, wake)
        self._far = Patrol(ask, limit_s, wake)
        self._content = None
        self._listed = []
        self._due_at = 0.0

    @property
    def is_idle(self):
        """Whether all filesystems have answered or hang."""
        return self._near.is_idle and self._far.is_idle

    def read(self, now):
        """The wire's filesystems, as dicts; where one does not answer its sizes are None.

        Args:
            now: monotonic time, in seconds.

        Raises:
            OSError: /proc/mounts cannot be read.
        """
        self._near.check(now)
        self._far.check(now)
        if now >= self._due_at and self.is_idle:
            self._due_at = now + PERIOD_S
            content = self._mounts.read()
            if content != self._content:
                # A host of many containers has thousands of mounts.
                self._content, self._listed = content, parse_mounts(content)
            for patrol in (self._near, self._far):
                patrol.send([entry[0] for entry in self._listed if self._patrol_of(entry) is patrol])
        hung = self._hung()
        rows = [self._row(entry, hung) for entry in self._listed]
        return [row for row in rows if row is not None]

    def _patrol_of(self, entry):
        return self._far if entry[2].decode("ascii", "replace") in _NETWORK else self._near

    def _hung(self):
        return self._near.hung | self._far.hung

    def _row(self, entry, hung):
        mount, device, fstype, is_readonly = entry
        patrol = self._patrol_of(entry)
        sizes, error = patrol.found.get(mount, ({}, None))
        if sizes is None and error is None:
            return None
        row = {"mount": clean(mount), "device": clean(device), "fstype": clean(fstype, 64), "is_readonly": is_readonly}
        if mount in hung:
            row["is_silent"] = True
        elif len(patrol.hung) >= MOST_LEFT_BEHIND:
            # Nothing more is asked there: what was found before is not what is.
            pass
        elif error is None and mount in patrol.found:
            row.update(sizes)
            row["is_silent"] = False
        return row

    def join(self, limit_s):
        """Wait, at most `limit_s`, until all have answered or hang."""
        self._near.join(limit_s)
        self._far.join(limit_s)

    def silent(self):
        """Why sizes are missing: {mount: why}."""
        whys = {clean(mount): "statvfs does not answer" for mount in self._hung()}
        for patrol in (self._near, self._far):
            for mount, (_, error) in list(patrol.found.items()):
                if error is not None:
                    whys[clean(mount)] = str(getattr(error, "strerror", None) or error)
            if len(patrol.hung) >= MOST_LEFT_BEHIND:
                for entry in self._listed:
                    if self._patrol_of(entry) is patrol and entry[0] not in patrol.hung:
                        whys[clean(entry[0])] = "not asked: %d others do not answer" % MOST_LEFT_BEHIND
        return whys
