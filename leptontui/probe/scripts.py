"""Commands of the inventory whose output are metrics of the host, each run at its cadence, never twice at a time."""

import re
import time

from .parsing import clean
from .patrol import Patrol
from .promtext import Page, finite, number
from .running import Run, Stopped
from .series import Series
from .services import STAGGER_S, bounded, next_turn

MOST_SCRIPTS = 32
MOST_SAMPLES = 96
"""Samples of all scripts of a host together; see `services.MOST_SAMPLES`."""
INTERVAL_S = 60.0
LEAST_INTERVAL_S = 1.0
TIMEOUT_S = 10.0
MOST_TIMEOUT_S = 600.0
_GRACE_S = 10.0
_NAME_LENGTH = 128
_UNIT_LENGTH = 16
_WORDS = 2
_PLAIN = re.compile(r"[a-zA-Z_:][\w:.\-/]*\Z", re.ASCII)
_IS_PROMETHEUS = re.compile(rb"^(?:#\s*(?:TYPE|HELP)\s|[a-zA-Z_:][\w:]*\s*\{)", re.MULTILINE)


def parse_plain(line):
    """(name, value, unit) of a line `name value [unit]`, None if it is not one. Value and unit may be None."""
    words = line.split(None, _WORDS)
    if len(words) < _WORDS or len(words[0]) > _NAME_LENGTH or not _PLAIN.match(words[0]):
        return None
    value = number(words[1])
    if value is None:
        return None
    return words[0], finite(value), clean(words[2], _UNIT_LENGTH) or None if len(words) > _WORDS else None


class Output:
    """What a script printed.

    Attributes:
        samples: for `Series.reduce`.
        types: as well.
        units: {name: unit}.
        bad: how many lines are malformed.
        example: the first of them, None without one.
    """

    def __init__(self, printed):
        self.units = {}
        if _IS_PROMETHEUS.search(printed):
            page = Page(most=4 * MOST_SAMPLES)
            page.feed(printed)
            page.finish()
            self.samples, self.types = page.samples, page.types
            self.bad, self.example = page.bad, page.example
            return
        self.samples, self.types, self.bad, self.example = [], {}, 0, None
        for line in printed.decode("utf-8", "replace").splitlines():
            self._take(line.strip())

    def _take(self, line):
        if not line or line.startswith("#"):
            return
        parsed = parse_plain(line)
        if parsed is None:
            self.bad += 1
            self.example = self.example or clean(line, 80)
            return
        name, value, unit = parsed
        self.types[name] = "gauge"
        self.samples.append((name, (), value))
        if unit:
            self.units[name] = unit


class Script:
    """One script and what its last run gave.

    Args:
        spec: its entry in the probe's `config`.
        start: `Run` but in tests.
    """

    def __init__(self, spec, start=Run):
        self.name = clean(str(spec.get("name") or "script"), 64)
        self.command = [str(word) for word in spec.get("command") or ()]
        self.interval_s = bounded(spec.get("interval_s"), INTERVAL_S, LEAST_INTERVAL_S, 86400.0)
        self.timeout_s = bounded(spec.get("timeout_s"), TIMEOUT_S, 0.05, MOST_TIMEOUT_S)
        self._start = start
        self._series = Series(self.name, None, MOST_SAMPLES)
        self._running = None
        self._is_closed = False

    def run(self):
        """Run it; returns (the wire's samples as dicts, what is wrong or None)."""
        try:
            self._running = self._start(self.command, self.timeout_s)
            if self._is_closed:
                self._running.kill()
            output = Output(self._running.output())
        except Stopped as error:
            self._series.forget()
            return [], str(error)
        finally:
            self._running = None
        rows = self._series.reduce(output.samples, output.types, time.monotonic())
        for row in rows:
            unit = output.units.get(row["series"])
            if unit:
                row["unit"] = unit
        whys = []
        if output.bad:
            whys.append("%d lines not understood, the first: %s" % (output.bad, output.example or "unprintable"))
        if self._series.is_cut:
            whys.append("more than %d values, the rest was left out" % MOST_SAMPLES)
        if self._series.unnamed:
            whys.append("%d values have too long names and were left out" % self._series.unnamed)
        if not rows and not whys:
            whys.append("it printed nothing")
        return rows, "; ".join(whys) or None

    def close(self):
        """Kill what runs."""
        self._is_closed = True
        running = self._running
        if running is not None:
            running.kill()


class ScriptReader:
    """The scripts' values as of their last runs; none waits for another.

    Args:
        specs: dicts with `name`, `command`, `interval_s` and `timeout_s`.
        wake: called, in another thread, when a script has ended; None for nothing.
        start: `Run` but in tests.

    Attributes:
        gaps: {what: why} of what could not be had.
    """

    def __init__(self, specs, wake=None, start=Run):
        self.gaps = {}
        self._scripts = [Script(spec, start) for spec in (specs or ())[:MOST_SCRIPTS]]
        self._patrols = [
            Patrol(lambda _, script=script: script.run(), script.timeout_s + _GRACE_S, wake) for script in self._scripts
        ]
        self._due = None

    @property
    def is_idle(self):
        """Whether all that were started have ended or hang."""
        return all(patrol.is_idle for patrol in self._patrols)

    def join(self, limit_s):
        """Wait, at most `limit_s`, for the runs that are under way."""
        until = time.monotonic() + limit_s
        for patrol in self._patrols:
            patrol.join(max(0.0, until - time.monotonic()))

    def read(self, now):
        """The wire's samples, as dicts, of each script's last run. Starts those that are due; never waits.

        Args:
            now: monotonic time, in seconds.
        """
        if self._due is None:
            self._due = [now + at * STAGGER_S for at in range(len(self._scripts))]
        samples, gaps = [], {}
        for at, script in enumerate(self._scripts):
            rows, why = self._visit(at, script, now)
            room = MOST_SAMPLES - len(samples)
            if len(rows) > room:
                why = "more than %d values of scripts on this host, the rest was left out" % MOST_SAMPLES
            samples.extend(rows[:room])
            if why:
                gaps["script " + script.name] = clean(why)
        self.gaps = gaps
        return samples

    def _visit(self, at, script, now):
        patrol = self._patrols[at]
        patrol.check()
        if now >= self._due[at] and patrol.is_idle:
            self._due[at] = next_turn(self._due[at], script.interval_s, now)
            patrol.send((script,))
        if script in patrol.hung:
            return [], "it cannot be killed"
        answer, error = patrol.found.get(script, (([], None), None))
        return ([], "%s: %s" % (type(error).__name__, error)) if error is not None else answer

    def close(self):
        """Kill what runs; to be called when the probe ends."""
        for script in self._scripts:
            script.close()
