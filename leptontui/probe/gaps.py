"""What cannot be read, and why: one line for each kind of thing, and the boundary at which a reader may fail."""

from .parsing import clean

RETRY_S = 10.0
"""How long a reader that failed is left alone."""


class Unreadable(Exception):
    """Something cannot be read, for a reason that can be said in words.

    Attributes:
        why: the reason.
        retry_s: how long it need not be tried again.
    """

    def __init__(self, why, retry_s=RETRY_S):
        super().__init__(why)
        self.why = why
        self.retry_s = retry_s


class Gaps:
    """The list of what cannot be read.

    Attributes:
        version: grows by one whenever the list changes.
    """

    def __init__(self):
        self.version = 0
        self._whys = {}
        self._not_before = {}

    def note(self, what, why):
        """`what` cannot be read, because of `why`."""
        why = clean(why)
        if self._whys.get(what) != why:
            self._whys[what] = why
            self.version += 1

    def clear(self, what):
        """`what` can be read again."""
        if self._whys.pop(what, None) is not None:
            self.version += 1

    def listed(self):
        """The wire's `unavailable`, in order of name."""
        return [{"what": what, "why": why} for what, why in sorted(self._whys.items())]

    def attempt(self, what, read, now, default):
        """`read()`, or `default` where it fails; a reader that failed is left alone for a while.

        Args:
            what: what is read, for people.
            read: called without arguments.
            now: monotonic time, in seconds.
            default: what to say instead.
        """
        if now < self._not_before.get(what, now):
            return default
        try:
            value = read()
        except Unreadable as error:
            self.note(what, error.why)
            self._not_before[what] = now + error.retry_s
            return default
        except Exception as error:  # noqa: BLE001 — the reader's boundary: one that fails must not stop the others
            self.note(what, "%s: %s" % (type(error).__name__, error))
            self._not_before[what] = now + RETRY_S
            return default
        if what in self._not_before:
            del self._not_before[what]
            self.clear(what)
        return value
