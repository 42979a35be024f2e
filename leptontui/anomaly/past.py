"""The past: series of a file, judged value by value as if they came now, with their alarms and groups of alarms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from leptontui.anomaly.counters import Counters
from leptontui.anomaly.detector import Detector, Judgement, Reason
from leptontui.anomaly.groups import moved_together
from leptontui.anomaly.settings import Settings
from leptontui.anomaly.table import Flags, Floats
from leptontui.anomaly.words import reason_text

_CELLS: Final = 8_000_000
"""Values of series that are judged side by side, the longest one's length times their number."""
_STEPS_LOOKED_AT: Final = 32
_WINDOW_STEPS: Final = 30
_AFTER_STEPS: Final = 6
"""Groups are found by what happened in so many steps, the last ones after the alarm."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """A time in which a series was odd.

    Attributes:
        row: which series, as numbered in what was asked.
        first, last: numbers of its first and last odd value.
        peak: number of the oddest.
        score: of the oddest.
        words: what was odd about the first.
    """

    row: int
    first: int
    last: int
    peak: int
    score: float
    words: str


@dataclass(frozen=True, slots=True)
class Judged:
    """One series and what is to be said of it.

    Attributes:
        at_unix_s: when, shape (n,).
        scores: NaN where there is none, shape (n,).
        deviations: see `Judgement`, shape (n,).
        step_s: between two values.
        alarms: oldest first.
        is_counter: whether its rate was judged.
    """

    at_unix_s: Floats
    scores: Floats
    deviations: Floats
    step_s: float
    alarms: tuple[Alarm, ...]
    is_counter: bool


def judge_past(series: Sequence[tuple[Floats, Floats]], settings: Settings) -> list[Judged]:
    """Judge series; each value by what came before it in its own series, and by nothing else.

    Args:
        series: times (n,), ascending, and values (n,), NaN for missing, of each.
        settings: see `Settings`.
    """
    at_once = max(1, _CELLS // max((len(at) for at, _ in series), default=1))
    judged: list[Judged] = []
    for start in range(0, len(series), at_once):
        judged += _judge_some(series[start : start + at_once], settings, start)
    return judged


def step_of(at_unix_s: Floats) -> float:
    """Time between two values, the median of the first few differences: known before the first judgement."""
    differences = np.diff(at_unix_s[:_STEPS_LOOKED_AT])
    differences = differences[differences > 0]
    return float(np.median(differences)) if len(differences) else 1.0


def group_alarms(judged: Sequence[Judged], merge_s: float) -> list[list[Alarm]]:
    """Alarms of series that moved together, the earliest group first; an alarm of its own is a group of one.

    Args:
        judged: the series.
        merge_s: alarms that begin within this time of the first may belong together.
    """
    starts = [(one.at_unix_s[alarm.first], alarm) for one in judged for alarm in one.alarms]
    starts.sort(key=lambda pair: (pair[0], pair[1].row))
    groups: list[list[Alarm]] = []
    number = 0
    while number < len(starts):
        end = number
        while end < len(starts) and starts[end][0] - starts[number][0] <= merge_s:
            end += 1
        at_once = [alarm for _, alarm in starts[number:end]]
        window = np.stack([_window(judged[alarm.row], at_once, judged) for alarm in at_once])
        groups += [[at_once[row] for row in rows] for rows in moved_together(window)]
        number = end
    groups.sort(key=lambda group: min(judged[alarm.row].at_unix_s[alarm.first] for alarm in group))
    return groups


def _window(one: Judged, at_once: list[Alarm], judged: Sequence[Judged]) -> Floats:
    """A series' deviations around the beginning of some alarms, at instants that are the same for all of them."""
    first = min(judged[alarm.row].at_unix_s[alarm.first] for alarm in at_once)
    last = max(judged[alarm.row].at_unix_s[alarm.first] for alarm in at_once)
    step = max(judged[alarm.row].step_s for alarm in at_once)
    instants = np.linspace(first - _WINDOW_STEPS * step, last + _AFTER_STEPS * step, _WINDOW_STEPS + _AFTER_STEPS + 1)
    found = np.searchsorted(one.at_unix_s, instants, side="right") - 1
    deviations: Floats = np.where(found >= 0, one.deviations[np.maximum(found, 0)], 0.0)
    return deviations


def _judge_some(series: Sequence[tuple[Floats, Floats]], settings: Settings, offset: int) -> list[Judged]:
    rows, length = len(series), max((len(at) for at, _ in series), default=0)
    values, times = np.full((length, rows), np.nan), np.full((length, rows), np.nan)
    for row, (at, value) in enumerate(series):
        times[: len(at), row], values[: len(at), row] = at, value
    detector = Detector(np.array([step_of(at) for at, _ in series]), settings)
    counters = Counters(rows)
    scores, deviations = np.full((length, rows), np.nan), np.zeros((length, rows), np.float32)
    words: dict[tuple[int, int], str] = {}
    lowest, until = np.zeros(rows), np.full(rows, -np.inf)
    for number in range(length):
        value, turned = counters.advance(values[number], times[number])
        if len(turned):
            detector.forget(turned)
        lowest = np.fmin(lowest, value)
        found = detector.advance(value, times[number])
        scores[number], deviations[number] = found.score, found.deviation
        odd = found.score >= detector.threshold
        for row in np.flatnonzero(odd & (times[number] > until)).tolist():
            words[row, number] = _words(found, row, float(value[row]), float(lowest[row]))
        until = np.where(odd, times[number] + settings.merge_s, until)
    judged = []
    for row, (at, _) in enumerate(series):
        own, count = scores[: len(at), row].copy(), len(at)
        alarms = tuple(
            Alarm(offset + row, first, last, peak, float(own[peak]), words.get((row, first), ""))
            for first, last, peak in _intervals(own, at, detector.threshold, settings.merge_s)
        )
        deviation = deviations[:count, row].astype(np.float64)
        judged.append(Judged(at, own, deviation, step_of(at), alarms, bool(counters.are[row])))
    return judged


def _words(found: Judgement, row: int, value: float, lowest: float) -> str:
    return reason_text(
        Reason(int(found.reason[row])),
        value,
        expected=float(found.expected[row]),
        half_width=float(found.half_width[row]),
        middle=float(found.middle[row]),
        usual_width=float(found.usual_width[row]),
        lowest=0.0 if lowest >= 0 else None,
    )


def _intervals(scores: Floats, at_unix_s: Floats, threshold: float, merge_s: float) -> list[tuple[int, int, int]]:
    """First, last and greatest of the scores from `threshold` on, those within `merge_s` of each other in one."""
    with np.errstate(invalid="ignore"):
        is_odd: Flags = scores >= threshold
    odd: npt.NDArray[np.intp] = np.flatnonzero(is_odd)
    if not len(odd):
        return []
    cuts = np.flatnonzero(np.diff(at_unix_s[odd]) > merge_s) + 1
    return [
        (int(part[0]), int(part[-1]), int(part[np.argmax(scores[part])])) for part in np.split(odd, cuts) if len(part)
    ]
