"""Pressure stall information, from /proc/pressure. See the kernel's Documentation/accounting/psi.rst."""

import errno
import os

from .files import Kept
from .gaps import Unreadable
from .parsing import real

_ALL_PCT = 100.0
_KINDS = ("cpu", "memory", "io")
_MEANS = {b"avg10": "", b"avg60": "60"}


def parse_pressure(content):
    """One file of /proc/pressure: {"some", "full", "some60", "full60"} in percent, means of 10 and of 60 seconds.

    What is missing or malformed is left out.
    """
    means = {}
    for line in content.split(b"\n"):
        words = line.split()
        if not words or words[0] not in (b"some", b"full"):
            continue
        for word in words[1:]:
            name, _, value = word.partition(b"=")
            if name in _MEANS:
                mean = real(value)
                if mean is not None and 0.0 <= mean <= _ALL_PCT:
                    means[words[0].decode("ascii") + _MEANS[name]] = mean
    return means


class PressureReader:
    """Pressure now."""

    def __init__(self, proc="/proc"):
        self._directory = proc + "/pressure"
        self._files = {kind: Kept("%s/%s" % (self._directory, kind)) for kind in _KINDS}

    def read(self):
        """The wire's `Pressure` as a dict.

        Raises:
            Unreadable: this kernel does not tell; says why.
            OSError: it cannot be read for another reason.
        """
        if not os.path.isdir(self._directory):
            raise Unreadable("this kernel has no /proc/pressure", retry_s=600.0)
        try:
            means = {kind: parse_pressure(kept.read()) for kind, kept in self._files.items()}
        except OSError as error:
            if error.errno == errno.EOPNOTSUPP:
                raise Unreadable("switched off in this kernel (boot with psi=1)", retry_s=600.0) from error
            raise
        # What all tasks waited for a CPU means nothing for a whole host: the kernel says 0.
        return {
            "%s_%s_pct" % (kind, share): mean
            for kind, shares in means.items()
            for share, mean in shares.items()
            if not (kind == "cpu" and share.startswith("full"))
        }
