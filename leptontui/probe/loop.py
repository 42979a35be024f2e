"""The loop: a hello, then one sweep per interval and events in between, until nobody listens."""

import math
import time

from .channel import VERSION
from .survey import Survey

HELLO_PAUSE_S = 10.0
"""Two hellos are at least so far apart, unless the GPUs changed."""
_LOOK_S = 1.0
RELEASE_S = 180.0
"""How long the GPUs are let go of: a reset of eight takes up to two minutes."""


def next_due(now, interval_s, phase):
    """The next (k + phase)·interval_s after `now`: sweeps do not drift, and a late one is not followed by a burst."""
    return (math.floor(now / interval_s - phase) + 1 + phase) * interval_s


class Probe:
    """One run of the probe.

    Args:
        config: `interval_s` and `phase`, `probe`, what it is called, and what `Survey` takes.
        channel: where to say it.
    """

    def __init__(self, config, channel):
        self._interval_s = float(config.get("interval_s", 1.0))
        self._phase = float(config.get("phase", 0.0)) % 1.0
        self._name = config.get("probe")
        self._channel = channel
        self._survey = Survey(config, channel.wake, self._wait, channel)
        self._seq = 0
        self._told = None
        self._told_urgent = None
        self._told_at = 0.0
        self._is_to_release = False

    def release(self):
        """Let go of the GPUs for a while: within a second, with a sweep of its own. For a signal's handler."""
        self._is_to_release = True

    def run(self):
        """Speak until nobody listens.

        Raises:
            Closed: nobody listens any more.
        """
        try:
            self._survey.start()
            while True:
                self._hello_if_changed()
                self._wait_until(next_due(time.monotonic(), self._interval_s, self._phase))
                self._sweep()
        finally:
            self._survey.close()

    def _wait_until(self, due):
        while True:
            left = due - time.monotonic()
            if left <= 0.0 or self._is_to_release:
                return
            # Whether something hangs is looked at now and then, however seldom the sweeps are.
            self._wait(min(left, _LOOK_S))

    def _wait(self, timeout_s):
        """Wait for something to happen, and tell of it."""
        self._channel.wait(timeout_s)
        self._tell()

    def _tell(self):
        # The hello comes first.
        if self._told is not None:
            for event in self._survey.events():
                self._channel.say(dict(event, kind="event", v=VERSION))

    def _hello_if_changed(self):
        now = time.monotonic()
        told, urgent = self._survey.version, self._survey.urgent_version
        if told == self._told:
            return
        if self._told is not None and urgent == self._told_urgent and now - self._told_at < HELLO_PAUSE_S:
            return
        self._told, self._told_urgent, self._told_at = told, urgent, now
        message = {"kind": "hello", "v": VERSION, "t_unix_s": time.time()}
        message.update(self._survey.hello(), probe=self._name, runtime="python", interval_s=self._interval_s)
        self._channel.say(message)
        self._tell()

    def _sweep(self):
        if self._is_to_release:
            self._is_to_release = False
            self._survey.release_gpus(RELEASE_S)
        values = self._survey.sweep()
        self._tell()
        self._hello_if_changed()
        self._channel.say(dict(values, kind="sweep", v=VERSION, seq=self._seq))
        self._seq += 1
