"""Pressure stall information, from /proc/pressure. See the kernel's Documentation/accounting/psi.rst."""

import errno
import os

from .files import Kept
from .gaps import Unreadable
from .parsing import real

PERIOD_S = 2.0
_EARLY_S = 0.1
"""A sweep that comes a little early is in time."""
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
    """Pressure as it was within the last two seconds: the kernel works the means out that often."""

    def __init__(self, proc="/proc"):
        self._directory = proc + "/pressure"
        self._due_at = 0.0
        self._last = {}
        self._files = {kind: Kept("%s/%s" % (self._directory, kind)) for kind in _KINDS}

    def read(self, now):
        """The wire's `Pressure` as a dict.

        Args:
            now: monotonic time, in seconds.

        Raises:
            Unreadable: this kernel does not tell; says why.
            OSError: it cannot be read for another reason.
        """
        if now >= self._due_at:
            self._last = self._read()
            self._due_at = now + PERIOD_S - _EARLY_S
        return self._last

    def _read(self):
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
