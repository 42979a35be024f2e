"""Services on this host: how their health endpoints answer, and what their metrics pages say, each at its cadence."""

import time

from .http import Failed, Refused, get
from .known_series import KNOWN
from .parsing import clean, real
from .patrol import Patrol
from .promtext import Page
from .series import Series

MOST_SERVICES = 32
MOST_SAMPLES = 160
"""Samples of all services of a host together; with those of its scripts no more than the program keeps of a host."""
_MOST_LINES = 4096
"""Samples of a page that are looked at: a histogram takes thirty for one."""
INTERVAL_S = 5.0
LEAST_INTERVAL_S = 1.0
TIMEOUT_S = 2.0
MOST_TIMEOUT_S = 30.0
STAGGER_S = 0.2
"""The services' first readings are so far apart."""
_GRACE_S = 2.0
_OK = 2
_REDIRECT = 3


def bounded(value, default, least, most):
    """`value` as a number of seconds between `least` and `most`, `default` where it is not one."""
    seconds = real(value)
    return min(most, max(least, default if seconds is None else seconds))


def next_turn(due, interval_s, now):
    """When what was due at `due` and is done `now` is due again: without drift, and without a burst after a pause."""
    due += interval_s
    return due if due > now else now + interval_s


class Asked:
    """One service and how it was when it was asked last.

    Args:
        spec: its entry in the probe's `config`.
        fetch: `http.get` but in tests.
    """

    def __init__(self, spec, fetch=get):
        self.name = clean(str(spec.get("name") or "service"), 64)
        self.interval_s = bounded(spec.get("interval_s"), INTERVAL_S, LEAST_INTERVAL_S, 86400.0)
        self.timeout_s = bounded(spec.get("timeout_s"), TIMEOUT_S, 0.05, MOST_TIMEOUT_S)
        self._health = spec.get("health")
        self._metrics = spec.get("metrics")
        self._fetch = fetch
        globs = [str(glob) for glob in spec.get("series") or ()]
        self._series = Series(self.name, globs or KNOWN, MOST_SAMPLES)

    def ask(self):
        """Ask it; returns the wire's `Service` and `Sample`s, as dicts. May take twice its time limit."""
        row = {"service": self.name}
        whys = []
        if self._health:
            row.update(self._ask_health(whys))
        samples = self._ask_metrics(whys) if self._metrics else []
        row["why"] = clean("; ".join(whys)) or None
        return row, samples

    def _ask_health(self, whys):
        try:
            answer = self._fetch(self._health, self.timeout_s)
        except Refused as error:
            whys.append("health: %s" % error)
            return {"is_healthy": None}
        except Failed as error:
            whys.append("health: %s" % error)
            return {"is_healthy": False}
        is_healthy = answer.status // 100 == _OK
        if not is_healthy:
            whys.append(_status_in_words("health", answer))
        return {"is_healthy": is_healthy, "status": answer.status, "latency_s": round(answer.latency_s, 6)}

    def _ask_metrics(self, whys):
        page = Page(self._series.is_wanted, _MOST_LINES)
        try:
            answer = self._fetch(self._metrics, self.timeout_s, page.feed)
        except (Refused, Failed) as error:
            whys.append("metrics: %s" % error)
            self._series.forget()
            return []
        if answer.status // 100 != _OK:
            whys.append(_status_in_words("metrics", answer))
            self._series.forget()
            return []
        if answer.is_cut:
            whys.append("metrics: the page is too long, what is beyond 4 MiB was not read")
        else:
            page.finish()
        rows = self._series.reduce(page.samples, page.types, time.monotonic())
        if page.is_cut or self._series.is_cut:
            whys.append("metrics: more than %d series, the rest was left out" % MOST_SAMPLES)
        if self._series.unnamed:
            whys.append("metrics: %d series have too long names and were left out" % self._series.unnamed)
        if page.bad:
            whys.append("metrics: %d lines not understood, the first: %s" % (page.bad, page.example))
        elif not rows:
            whys.append("metrics: none of the series asked for is on the page")
        return rows

    def silence(self):
        """The wire's `Service` while it does not answer and does not time out either, as a dict."""
        return {"service": self.name, "is_healthy": False if self._health else None, "why": "asking it hangs"}


def _status_in_words(what, answer):
    if answer.status // 100 == _REDIRECT:
        return "%s: redirects to %s, not followed" % (what, clean(answer.location or b"nowhere", 120))
    return "%s: HTTP status %d" % (what, answer.status)


class ServiceReader:
    """The services as they were when asked last; none waits for another.

    Args:
        specs: dicts with `name`, `health`, `metrics`, `series`, `interval_s` and `timeout_s`.
        wake: called, in another thread, when a service has answered; None for nothing.
        fetch: `http.get` but in tests.
    """

    def __init__(self, specs, wake=None, fetch=get):
        self._asked = [Asked(spec, fetch) for spec in (specs or ())[:MOST_SERVICES]]
        # A thread for each: one that is slow must not keep the others' answers back.
        self._patrols = [
            Patrol(lambda _, asked=asked: asked.ask(), 2 * asked.timeout_s + _GRACE_S, wake) for asked in self._asked
        ]
        self._due = None

    @property
    def is_idle(self):
        """Whether all that were asked have answered or hang."""
        return all(patrol.is_idle for patrol in self._patrols)

    def join(self, limit_s):
        """Wait, at most `limit_s`, for the answers that are under way."""
        until = time.monotonic() + limit_s
        for patrol in self._patrols:
            patrol.join(max(0.0, until - time.monotonic()))

    def read(self, now):
        """(services, samples): the wire's, as dicts, as they were answered last. Asks those that are due; never waits.

        Args:
            now: monotonic time, in seconds.
        """
        if self._due is None:
            self._due = [now + at * STAGGER_S for at in range(len(self._asked))]
        services, samples = [], []
        for at, asked in enumerate(self._asked):
            row, rows = self._visit(at, asked, now)
            if row is None:
                continue
            room = MOST_SAMPLES - len(samples)
            if len(rows) > room:
                row = dict(row, why="metrics: more than %d series on this host, the rest was left out" % MOST_SAMPLES)
            services.append(row)
            samples.extend(rows[:room])
        return services, samples

    def _visit(self, at, asked, now):
        patrol = self._patrols[at]
        patrol.check()
        if now >= self._due[at] and patrol.is_idle:
            self._due[at] = next_turn(self._due[at], asked.interval_s, now)
            patrol.send((asked,))
        if asked in patrol.hung:
            return asked.silence(), []
        if asked not in patrol.found:
            return None, []
        answer, error = patrol.found[asked]
        if error is not None:
            return {"service": asked.name, "why": clean("%s: %s" % (type(error).__name__, error))}, []
        return answer
