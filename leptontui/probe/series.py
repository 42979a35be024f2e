"""From the samples of a page to the wire's: counters become rates, histograms quantiles, all of them bounded."""

import math
import re

from .promtext import finite, notation, series_name

QUANTILES = (0.5, 0.95, 0.99)
_LE = "le"
_FIRST_BLANK = float(0x7FFFFFFFFFFFFFF0)
"""DCGM's values from here on say that there is none (dcgm_structs.h, DCGM_INT64_BLANK)."""
_SUFFIXES = (("_seconds", "s"), ("_bytes", "B"), ("_celsius", "°C"), ("_watts", "W"), ("_joules", "J"), ("_us", "µs"))
_PARTS = ("_bucket", "_count", "_sum")


def pattern_of(globs):
    """A compiled expression that matches what any of `globs` matches; in those only `*` and `?` are special."""
    return re.compile(
        "|".join(r"(?:%s)\Z" % re.escape(glob).replace(r"\*", ".*").replace(r"\?", ".") for glob in globs) or r"(?!)",
        re.DOTALL,
    )


def _short(value):
    """A computed value without digits that say nothing."""
    return None if value is None else float("%.6g" % value)


def _unit(name):
    for suffix, unit in _SUFFIXES:
        if name.endswith(suffix):
            return unit
    return None


def _rate_unit(name):
    unit = _unit(name[: -len("_total")] if name.endswith("_total") else name)
    return (unit or "") + "/s"


def quantile(share, buckets):
    """The quantile `share` (0 to 1) out of a histogram, as Prometheus' histogram_quantile interpolates it.

    Args:
        share: 0.95 for the 95th percentile.
        buckets: [(upper bound, observations up to it)], by rising bound, the last bound infinite.

    Returns:
        None without observations, or where there is no infinite bucket. Observations above the last finite bound
        count as being at that bound.
    """
    if len(buckets) < 2 or not math.isinf(buckets[-1][0]) or not buckets[-1][1] > 0:  # noqa: PLR2004 — a bound and +Inf
        return None
    rank = share * buckets[-1][1]
    at = next(index for index, (_, count) in enumerate(buckets) if count >= rank)
    if at == len(buckets) - 1:
        return finite(buckets[-2][0])
    upper, count = buckets[at]
    lower, below = buckets[at - 1] if at else (0.0, 0.0)
    if at == 0 and upper <= 0.0:
        return finite(upper)
    if count <= below:
        return finite(upper)
    return finite(lower + (upper - lower) * (rank - below) / (count - below))


def _grown(before, after):
    """What each bucket grew since `before`; None if it is another histogram now, or was reset."""
    if before is None or [bound for bound, _ in before] != [bound for bound, _ in after]:
        return None
    grown = []
    highest = 0.0
    for index, (bound, count) in enumerate(after):
        more = count - before[index][1]
        if not more >= 0.0:
            return None
        # Buckets are read one after the other: a higher one may lag behind.
        highest = max(highest, more)
        grown.append((bound, highest))
    return grown


class Series:
    """The series of one source, with what they were at the last reading.

    Args:
        source: what the samples are from, for the wire.
        globs: series to keep, `*` and `?` allowed, by name or by name with labels; None keeps all.
        most: samples that are told.

    Attributes:
        is_cut: whether the last reading had more than `most`.
        unnamed: how many of the last reading were left out because their names are too long.
    """

    def __init__(self, source, globs=None, most=512):
        self.is_cut = False
        self.unnamed = 0
        self._source = source
        self._most = most
        self._pattern = None if globs is None else pattern_of(globs)
        self._families = None if globs is None else pattern_of([glob.partition("{")[0] or "*" for glob in globs])
        self._counters = {}
        self._histograms = {}
        self._at = None

    def is_wanted(self, name):
        """Whether samples of that name may be kept, whatever their labels: for `promtext.Page`."""
        if self._families is None or self._families.match(name):
            return True
        return name.endswith("_bucket") and self._families.match(name[: -len("_bucket")]) is not None

    def _keeps(self, name, series):
        return self._pattern is None or bool(self._pattern.match(name) or self._pattern.match(series))

    def forget(self):
        """Forget the last reading: the next is the first of a new epoch."""
        self._counters, self._histograms, self._at = {}, {}, None

    def reduce(self, samples, types, now):
        """The wire's samples, as dicts.

        Args:
            samples: [(name, labels, value)].
            types: {family: type}.
            now: monotonic time of the reading, in seconds.
        """
        rows, counters, histograms = {}, {}, {}
        self.unnamed = 0
        elapsed = None if self._at is None or now <= self._at else now - self._at
        for name, labels, value in samples:
            bound = dict(labels).get(_LE) if name.endswith("_bucket") else None
            if bound is not None:
                self._collect(histograms, name[: -len("_bucket")], labels, (bound, value))
                continue
            key = notation(name, labels)
            if key in counters or not self._keeps(name, key):
                continue
            if _is_counter(name, types):
                counters[key] = value
                self._add(rows, name, labels, self._rate(key, value, elapsed), _rate_unit(name), "counter")
            else:
                is_blank = name.startswith("DCGM_") and value >= _FIRST_BLANK
                self._add(rows, name, labels, None if is_blank else value, _unit(name), "gauge")
        for key, (name, labels, buckets) in histograms.items():
            buckets.sort()
            self._add_quantiles(rows, name, labels, _grown(self._histograms.get(key), buckets))
        self._counters = counters
        self._histograms = {key: buckets for key, (_, _, buckets) in histograms.items()}
        self._at = now
        self.is_cut = len(rows) > self._most
        return list(rows.values())[: self._most]

    def _add(self, rows, name, labels, value, unit, kind):
        series = series_name(name, labels)
        if series is None:
            self.unnamed += 1
        elif series not in rows:
            row = rows[series] = {"source": self._source, "series": series, "value": finite(value), "kind": kind}
            if unit:
                row["unit"] = unit

    def _rate(self, key, value, elapsed):
        before = self._counters.get(key)
        if before is None or elapsed is None or not value >= before:
            return None
        return _short((value - before) / elapsed)

    def _collect(self, histograms, name, labels, bucket):
        labels = tuple(pair for pair in labels if pair[0] != _LE)
        try:
            bound, count = float(bucket[0]), bucket[1]
        except ValueError:
            return
        key = notation(name, labels)
        if math.isnan(bound) or not math.isfinite(count) or not self._keeps(name, key):
            return
        buckets = histograms.setdefault(key, (name, labels, []))[2]
        if len(buckets) < self._most:
            buckets.append((bound, count))

    def _add_quantiles(self, rows, name, labels, grown):
        for share in QUANTILES:
            value = None if grown is None else _short(quantile(share, grown))
            self._add(rows, name, labels + (("quantile", "%g" % share),), value, _unit(name), "gauge")


def _is_counter(name, types):
    kind = types.get(name)
    if kind is not None:
        return kind == "counter"
    if name.endswith("_total"):
        # OpenMetrics names the family without its suffix.
        return types.get(name[: -len("_total")], "counter") in ("counter", "unknown", "untyped")
    for part in _PARTS:
        if name.endswith(part) and types.get(name[: -len(part)]) in ("histogram", "summary"):
            return True
    return False
