"""A limit on events: so many at once and so many a second, and of what was left out how much that was."""

from collections import deque

BURST = 100
PER_S = 10.0
_MOST_KINDS = 64
_REST = ("", None, None, None)


class Flood:
    """Events on their way out: what is too much is counted by kind and told as one event once there is room again."""

    def __init__(self):
        self._out = deque()
        self._room = float(BURST)
        self._at = None
        self._left_out = {}

    def put(self, event, now):
        """Take an event.

        Args:
            event: the wire's, as a dict.
            now: monotonic time, in seconds.
        """
        self._refill(now)
        # What was found in the log at the start is bounded already, and comes once.
        if event.get("is_backlog"):
            self._out.append(event)
        elif self._room >= 1.0 and not self._left_out:
            self._room -= 1.0
            self._out.append(event)
        else:
            self._leave_out(event)

    def take(self, now):
        """What may be told now, oldest first.

        Args:
            now: monotonic time, in seconds.
        """
        self._refill(now)
        while self._left_out and self._room >= 1.0:
            self._room -= 1.0
            kind = next(iter(self._left_out))
            count, event = self._left_out.pop(kind)
            if count > 1:
                what = "like this" if kind != _REST else "of various kinds"
                text = "%d events %s, too many to tell one by one; the last: %s" % (count, what, event["text"])
                event = dict(event, text=text)
            self._out.append(event)
        out = list(self._out)
        self._out.clear()
        return out

    def _refill(self, now):
        if self._at is not None:
            self._room = min(float(BURST), self._room + max(0.0, now - self._at) * PER_S)
        self._at = now

    def _leave_out(self, event):
        kind = (event["name"], event["code"], event["gpu_uuid"], event["pci_bus_id"])
        if kind not in self._left_out and len(self._left_out) >= _MOST_KINDS:
            kind = _REST
        count = self._left_out.get(kind, (0, None))[0]
        self._left_out[kind] = (count + 1, event)
