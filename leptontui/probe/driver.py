"""The NVIDIA driver, asked in a thread of its own: when it hangs, that is said once and nothing waits for it.

Every GPU is asked by itself, so that one whose calls hang does not hide the others. While something hangs, the others
are given less time: where the whole driver hangs, that is known soon.
"""

import time

from .gpus import Gpus
from .patrol import Patrol

LIMIT_S = 5.0
"""How long the driver may take; longer is a hang."""
PATIENCE = 0.4
"""The share of that for which a sweep waits; the later ones then go without GPUs."""
_DRIVER = "driver"


class Driver:
    """What the driver says of its GPUs, without ever hanging with it.

    Args:
        wake: called, in another thread, when it has answered; None for nothing.
        gpus: what is asked; made here but in tests.
        limit_s: how long one call may take.
    """

    def __init__(self, wake=None, gpus=None, limit_s=LIMIT_S):
        self._gpus = Gpus() if gpus is None else gpus
        self._limit_s = limit_s
        self._patrol = Patrol(self._visit, limit_s, wake)
        self._is_hung = False
        self._round = 0
        self._asked_at = None
        self._seen = {}
        self._fresh = {}
        self._details = {}
        self._xids = []

    def _visit(self, item):
        turn, now = self._round, time.monotonic()
        answer = self._gpus.prepare(now) if item == _DRIVER else self._gpus.visit(item, now)
        return turn, answer

    @property
    def identities(self):
        """The wire's `GpuIdentity` of each GPU seen so far, as dicts, in order of index, instances after their GPU."""
        return sorted(self._gpus.identities.values(), key=_place)

    @property
    def version(self):
        """Grows when the identities or the driver's version have changed."""
        return self._gpus.version

    @property
    def driver_version(self):
        """The driver's version, None without one."""
        return self._gpus.driver_version

    @property
    def is_busy(self):
        """Whether it is being asked and may yet answer soon."""
        self._collect()
        if self._patrol.is_idle and not self._go_on():
            return False
        return time.monotonic() - self._asked_at < self._limit_s * PATIENCE

    @property
    def is_hung(self):
        """Whether some of it has not answered: nothing is known now of the GPUs that `readings` does not list."""
        self._collect()
        return bool(self._patrol.hung) or (self._asked_at is not None and not self._patrol.is_idle)

    def ask(self):
        """Have the GPUs read, unless they are being read; those that hang are left out."""
        self._collect()
        if not self._patrol.is_idle or self._go_on():
            return
        self._round += 1
        self._asked_at = time.monotonic()
        self._send([_DRIVER, *self._gpus.indices])

    def join(self, limit_s):
        """Wait, at most `limit_s`, for the answer. For callers without a channel to wait on."""
        until = time.monotonic() + limit_s
        while self.is_busy and time.monotonic() < until:
            self._patrol.join(min(0.1, limit_s))

    def release(self, for_s):
        """Let go of the driver for so many seconds, so that a GPU can be reset; not before a hung call has returned."""
        self._gpus.release(time.monotonic() + for_s)

    def events(self):
        """What happened since the last call: [(name, text, gpu uuid or None, Xid or None)]."""
        self._collect()
        found = []
        hung = self._patrol.hung
        if bool(hung) != self._is_hung:
            self._is_hung = bool(hung)
            if hung:
                found.append(("driver-hung", self._silence(hung), None, None))
            else:
                found.append(("driver-answers", "the NVIDIA driver answers again", None, None))
        losses, self._gpus.losses = self._gpus.losses, []
        found += [("gpu-lost", text, uuid, None) for uuid, text in losses]
        xids, self._xids = self._xids, []
        return found + [
            ("xid", "Xid %d, as the driver tells; the kernel's log says more" % code, uuid, code) for uuid, code in xids
        ]

    def readings(self):
        """(readings, uses): the wire's `GpuReading` and, without user, command and job, `GpuProcess`, as dicts.

        Only of the GPUs that answered when they were last asked: see `is_hung` for the others.
        """
        self._collect()
        readings, uses = [], []
        for index, told in sorted(self._gpus.told.items()):
            if self._fresh.get(index) == self._round:
                readings += told.readings
                uses += told.uses
        return readings, uses

    def details(self):
        """The wire's `GpuDetails`, as dicts, of the GPUs whose details were read since the last call."""
        self._collect()
        details, self._details = self._details, {}
        return [row for _, rows in sorted(details.items()) for row in rows]

    def gaps(self):
        """{what: why} of what cannot be read now."""
        gaps = dict(self._gpus.gaps)
        hung = self._patrol.hung
        if hung:
            gaps["gpu"] = self._silence(hung)
        return gaps

    def _send(self, items):
        hung = self._patrol.hung
        self._gpus.is_hung = bool(hung)
        self._patrol.limit_s = self._limit_s * PATIENCE if hung else self._limit_s
        self._patrol.send(items)

    def _go_on(self):
        """Ask the GPUs that were only found in this round, if there are any; whether that was done."""
        if self._asked_at is None:
            return False
        hung = self._patrol.hung
        new = [index for index in self._gpus.indices if index not in self._fresh and index not in hung]
        if new:
            self._send(new)
        return bool(new)

    def _collect(self):
        """Take in what was answered since the last time."""
        self._patrol.check()
        if self._patrol.hung:
            self._patrol.limit_s = self._limit_s * PATIENCE
        for item, outcome in list(self._patrol.found.items()):
            if self._seen.get(item) is outcome:
                continue
            self._seen[item] = outcome
            (turn, answer), error = outcome[0] or (self._round, None), outcome[1]
            if item == _DRIVER:
                self._xids += answer or []
                # A new session may have other GPUs.
                self._fresh = {index: turn for index, turn in self._fresh.items() if index in self._gpus.indices}
                continue
            self._fresh[item] = turn
            self._gpus.take(item, answer, error, time.monotonic())
            if item in self._gpus.told and answer is not None:
                self._details[item] = self._details.get(item, []) + answer[1].details

    def _silence(self, hung):
        text = "the NVIDIA driver has not answered for %g s" % self._limit_s
        silent = sorted(item for item in hung if item != _DRIVER)
        if not silent or _DRIVER in hung or len(silent) == len(self._gpus.indices):
            return text
        return "%s: %s" % (", ".join("GPU %d" % index for index in silent), text)


def _place(identity):
    number = identity.get("mig_index")
    return identity["index"], -1 if number is None else number
