"""The host's two clocks: the one that is set, and the one that only runs."""

import time

JUMP_S = 1.0
"""A wall clock that moves by more than this against the other was set; NTP slews by 0.5 ms a second at most."""


def offset_s():
    """The wall clock less the monotonic clock: when, by the wall clock, the latter was at 0."""
    return time.time() - time.monotonic()


class ClockWatch:
    """Notices when the wall clock is set, or when the host slept.

    Args:
        read: `offset_s` but in tests.
    """

    def __init__(self, read=offset_s):
        self._read = read
        self._offset_s = read()

    def jump(self):
        """In words by how much it jumped since the last call, None if it did not."""
        before, self._offset_s = self._offset_s, self._read()
        moved = self._offset_s - before
        if abs(moved) <= JUMP_S:
            return None
        return "the host's clock jumped %s by %.1f s" % ("forward" if moved > 0 else "back", abs(moved))
