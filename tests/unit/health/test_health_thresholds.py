"""The thresholds that forecasts are measured against."""

import pytest

from leptontui.health.thresholds import threshold_for
from leptontui.model.series import Entity


@pytest.mark.parametrize(
    ("metric", "values", "entity", "expected"),
    [
        ("temp_c", {"temp_slowdown_c": 87.0}, None, 87.0),
        ("temp_c", {"temp_slowdown_c": None}, None, 90.0),
        ("temp_c", {"temp_slowdown_c": 0.0}, None, 90.0),
        ("temp_c", {}, None, 90.0),
        ("memory_used_bytes", {"memory_total_bytes": 1000}, None, 970.0),
        ("memory_used_bytes", {"memory_total_bytes": 1000}, Entity.GPU, 970.0),
        ("memory_used_bytes", {"memory_total_bytes": 1000}, Entity.HOST, 950.0),
        ("memory_used_bytes", {"memory_total_bytes": 1000, "memory_available_bytes": None}, None, 950.0),
        ("memory_used_bytes", {"memory_total_bytes": None}, None, None),
        ("memory_used_bytes", {"memory_total_bytes": 0}, None, None),
        ("used_bytes", {"total_bytes": 200}, None, 190.0),
        ("used_bytes", {}, None, None),
        ("util_pct", {"util_pct": 3.0}, None, None),
    ],
)
def test_threshold_for(metric, values, entity, expected):
    found = threshold_for(metric, values, entity)
    assert found == (None if expected is None else pytest.approx(expected))
