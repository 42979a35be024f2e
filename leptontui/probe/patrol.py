"""Calls that may never return, made in a thread that can be left behind: statvfs, NVML, /proc/PID/cmdline."""

import threading
import time

MOST_LEFT_BEHIND = 8
"""Threads that hang at the same time; with that many, nothing more is asked."""


class Patrol:
    """Calls one function for many items, one after the other, in a thread of its own.

    An item whose call does not return in time is left behind with its thread, and not asked again until that call
    has returned; a new thread goes on with the rest. No thread outlives the process.

    Args:
        visit: called with an item, in the thread; may raise.
        limit_s: how long one call may take.
        wake: called, in the thread, when a call returned late or all items are done; None for nothing.

    Attributes:
        found: item → (value, None) or (None, exception), of its last call.
        limit_s: as given; may be changed, for the calls that run too.
    """

    def __init__(self, visit, limit_s, wake=None):
        self.found = {}
        self._visit = visit
        self.limit_s = limit_s
        self._wake = wake
        self._turn = threading.Condition()
        self._route = []
        self._at = None
        self._since = 0.0
        self._hung = {}
        self._generation = 0
        self._is_walking = False

    @property
    def is_idle(self):
        """Whether all that was asked is answered or hangs."""
        with self._turn:
            return self._at is None and not self._route

    @property
    def hung(self):
        """The items whose calls hang now."""
        with self._turn:
            return frozenset(self._hung.values())

    def send(self, items):
        """Visit `items`, but for those that hang; forget what was found of others. Nothing while not idle."""
        with self._turn:
            if self._at is not None or self._route:
                return
            items = list(items)
            kept = set(items)
            for item in [item for item in self.found if item not in kept]:
                del self.found[item]
            hung = set(self._hung.values())
            self._route = [(item,) for item in reversed(items) if item not in hung]
            self._walk_on()

    def join(self, limit_s):
        """Wait, at most `limit_s`, until all that was asked is answered or hangs."""
        until = time.monotonic() + limit_s
        while not self.is_idle and time.monotonic() < until:
            with self._turn:
                self._turn.wait(min(0.1, limit_s))
            self.check()

    def check(self, now=None):
        """Leave behind the call that takes too long; to be called now and then."""
        now = time.monotonic() if now is None else now
        with self._turn:
            if self._at is None or now - self._since < self.limit_s:
                return
            self._hung[self._generation] = self._at[0]
            self._at = None
            self._generation += 1
            self._is_walking = False
            self._walk_on()

    def _walk_on(self):
        if not self._route:
            return
        if len(self._hung) >= MOST_LEFT_BEHIND:
            self._route = []
            return
        if self._is_walking:
            self._turn.notify_all()
            return
        self._is_walking = True
        walker = threading.Thread(target=self._walk, args=(self._generation,))
        walker.daemon = True
        walker.start()

    def _walk(self, generation):
        while True:
            with self._turn:
                while not self._route:
                    self._turn.wait()
                self._at = self._route.pop()
                self._since = time.monotonic()
                item = self._at[0]
            try:
                outcome = (self._visit(item), None)
            except Exception as error:  # noqa: BLE001 — the thread's boundary: handed to whoever asked
                outcome = (None, error)
            with self._turn:
                self.found[item] = outcome
                was_left_behind = generation != self._generation
                if was_left_behind:
                    self._hung.pop(generation, None)
                else:
                    self._at = None
                is_done = was_left_behind or not self._route
                self._turn.notify_all()
            if is_done and self._wake is not None:
                self._wake()
            if was_left_behind:
                return
