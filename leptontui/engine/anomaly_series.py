"""One metric of a whole fleet under the detector: which of its series are odd now, and since when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from leptontui.anomaly.detector import Detector, Judgement, Reason
from leptontui.anomaly.settings import DAY_S, Settings
from leptontui.anomaly.words import reason_text
from leptontui.model.anomaly import Surprise
from leptontui.model.catalogue import CHART_STEP_S, metric
from leptontui.model.series import Entity, SeriesKey
from leptontui.render.numbers import three
from leptontui.render.quantity import rate_text, size_text

Rows = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]

WINDOW: Final = 30
"""Steps in which series are compared: five minutes."""
CLEAR_STEPS: Final = 6
"""An alarm ends after so many steps below `CLEAR_SCORE` under the threshold."""
CLEAR_SCORE: Final = 0.5
USUAL_S: Final = 3600.0
"""What has been odd for this long is what is usual from then on."""

LEAST: Final[dict[tuple[Entity, str], float]] = {
    (Entity.GPU, "util_pct"): 3.0,
    (Entity.GPU, "memory_used_bytes"): 256.0 * 2**20,
    (Entity.GPU, "temp_c"): 1.0,
    (Entity.GPU, "power_w"): 10.0,
    (Entity.GPU, "clock_sm_mhz"): 50.0,
    (Entity.HOST, "cpu_util_pct"): 3.0,
    (Entity.HOST, "memory_used_bytes"): 2.0**30,
    (Entity.HOST, "load1"): 1.0,
    (Entity.HOST, "net_rx_bytes_per_s"): 2.0e6,
    (Entity.HOST, "net_tx_bytes_per_s"): 2.0e6,
    (Entity.HOST, "disk_read_bytes_per_s"): 2.0e6,
    (Entity.HOST, "disk_write_bytes_per_s"): 2.0e6,
    (Entity.HOST, "host_power_w"): 15.0,
}
"""What is looked at, and for each metric a deviation in its own unit that is none, however still a series was: noise
of a sensor, and what an idle machine does anyway. Six of them are odd at the earliest."""


@dataclass(frozen=True, slots=True)
class Step:
    """What a step of one metric found.

    Attributes:
        begun: rows whose alarm began.
        ended: rows whose alarm ended.
        judged: how many series were judged.
        learning: how many have too short a past.
    """

    begun: Rows
    ended: Rows
    judged: int
    learning: int


class AnomalySeries:
    """The series of one metric; rows are the store's slots.

    Args:
        entity: whose metric.
        name: the metric.
        settings: see `Settings`.
    """

    def __init__(self, entity: Entity, name: str, settings: Settings) -> None:
        self.entity = entity
        self.name = name
        self._metric = metric(entity, name)
        self._least = LEAST[entity, name]
        self._detector = Detector(np.zeros(0), settings)
        self._window = np.zeros((WINDOW, 0), np.float32)
        self._told = np.zeros((6, 0))
        self._since = np.zeros(0)
        self._calm = np.zeros(0, np.int16)
        self.is_odd: Flags = np.zeros(0, np.bool_)
        self.score = np.zeros(0)
        self.peak = np.zeros(0)

    def nbytes(self) -> int:
        """Bytes reserved."""
        return self._detector.nbytes() + self._window.nbytes + self._told.nbytes + 5 * self._since.nbytes

    def resize(self, rows: int) -> None:
        """Make room for more series."""
        more = rows - len(self._since)
        if more <= 0:
            return
        self._detector.resize(np.full(rows, CHART_STEP_S), np.full(rows, self._least))
        self._window = np.hstack([self._window, np.zeros((WINDOW, more), np.float32)])
        self._told = np.hstack([self._told, np.zeros((6, more))])
        self._since = np.concatenate([self._since, np.full(more, np.nan)])
        self._calm = np.concatenate([self._calm, np.zeros(more, np.int16)])
        self.is_odd = np.concatenate([self.is_odd, np.zeros(more, np.bool_)])
        self.score = np.concatenate([self.score, np.full(more, np.nan)])
        self.peak = np.concatenate([self.peak, np.zeros(more)])

    def forget(self, rows: Rows) -> None:
        """Begin some series anew: others have their slots, or what they did before says nothing of what they do now."""
        self._detector.forget(rows)
        self._window[:, rows] = 0.0
        self._since[rows] = np.nan
        self._calm[rows] = 0
        self.is_odd[rows] = False
        self.score[rows] = np.nan
        self.peak[rows] = 0.0

    def advance(self, values: npt.NDArray[np.float32], at_unix_s: float) -> Step:
        """Judge the next value of every series; `values` is NaN where not sampled, shape (rows,)."""
        rows = len(self._since)
        value = np.full(rows, np.nan)
        value[: len(values)] = values
        found = self._detector.advance(value, np.full(rows, at_unix_s))
        self._window = np.roll(self._window, -1, axis=0)
        self._window[-1] = found.deviation
        self.score = found.score
        threshold = self._detector.threshold
        with np.errstate(invalid="ignore"):
            is_high = found.score >= threshold
            is_low = ~(found.score >= threshold - CLEAR_SCORE)
        begun = is_high & ~self.is_odd
        self._calm = np.where(is_low, self._calm + 1, 0).astype(np.int16)
        with np.errstate(invalid="ignore"):
            is_long = at_unix_s - self._since >= USUAL_S
        ended = self.is_odd & ((self._calm >= CLEAR_STEPS) | is_long)
        self._note(np.flatnonzero(begun), value, found, at_unix_s)
        self.is_odd = (self.is_odd | begun) & ~ended
        self.peak = np.where(self.is_odd, np.fmax(self.peak, found.score), self.peak)
        self._since[ended] = np.nan
        gone = np.flatnonzero(ended & is_long)
        if len(gone):
            self._detector.forget(gone)
        judged = int(np.count_nonzero(~np.isnan(found.score)))
        said = int(np.count_nonzero(~np.isnan(value)))
        return Step(np.flatnonzero(begun), np.flatnonzero(ended), judged, said - judged)

    def _note(self, rows: Rows, value: npt.NDArray[np.float64], found: Judgement, at_unix_s: float) -> None:
        """Keep what is to be said of alarms that begin."""
        self._since[rows] = at_unix_s
        self._calm[rows] = 0
        self.peak[rows] = found.score[rows]
        told = (
            value,
            found.expected,
            found.half_width,
            found.middle,
            found.usual_width,
            found.reason.astype(np.float64),
        )
        self._told[:, rows] = np.stack(told)[:, rows]

    def window(self, rows: Rows) -> npt.NDArray[np.float64]:
        """The last deviations of some series, shape (rows, `WINDOW`)."""
        found: npt.NDArray[np.float64] = self._window[:, rows].T.astype(np.float64)
        return found

    def surprise(self, row: int, host: str, instance: str) -> Surprise:
        """What is to be said of one series that is or was odd."""
        value, expected, half_width, middle, usual_width, reason = self._told[:, row].tolist()
        lower, upper = expected - half_width, expected + half_width
        lowest, highest = self._metric.lower, self._metric.upper
        words = reason_text(
            Reason(int(reason)),
            value,
            expected=expected,
            half_width=half_width,
            middle=middle,
            usual_width=usual_width,
            lowest=lowest,
            highest=highest,
            say=self._say,
        )
        return Surprise(
            key=SeriesKey(host, self.entity, instance, self.name),
            score=float(self.peak[row]),
            value=value,
            expected=expected,
            lower=lower if lowest is None else max(lowest, lower),
            upper=upper if highest is None else min(highest, upper),
            words=f"{self._metric.title} {words}",
        )

    def _say(self, value: float) -> str:
        match self._metric.unit:
            case "B":
                return size_text(value)
            case "B/s":
                return rate_text(value)
            case "%":
                return f"{three(value)} %"
            case unit:
                return f"{three(value)} {unit}".rstrip()


def series_days(judged: int) -> float:
    """Days of series in one step of so many."""
    return judged * CHART_STEP_S / DAY_S
