"""Series with a known oddity, for the tests of anomalies."""

from __future__ import annotations

import numpy as np

from leptontui.anomaly.detector import Detector
from leptontui.anomaly.settings import Settings


def scores(values, *, step_s=300.0, settings=None, start=1.7e9):
    """Scores of one series, or of the columns of several; shape as `values`."""
    table = np.asarray(values, dtype=np.float64)
    flat = table[:, None] if table.ndim == 1 else table
    detector = Detector(np.full(flat.shape[1], step_s), settings or Settings())
    found = np.stack(
        [detector.advance(row, np.full(len(row), start + number * step_s)).score for number, row in enumerate(flat)]
    )
    return found[:, 0] if table.ndim == 1 else found


def noise(count, seed=0, level=50.0, width=2.0):
    """A level with some noise around it."""
    return level + width * np.random.default_rng(seed).standard_normal(count)
