"""Values of the catalogue as people read them: a unit with each, a dash for null, and never a traceback."""

import math

import pytest

from leptontui.model.catalogue import METRICS, metric
from leptontui.model.series import Entity
from leptontui.ui.widgets.metric_text import metric_text, source_words, unit_words


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("util_pct", 98.06, "98.1 %"),
        ("util_pct", 0.0, "0.0 %"),
        ("util_pct", None, "–"),
        ("util_pct", math.nan, "–"),
        ("memory_used_bytes", 74 << 30, "74 GiB"),
        ("temp_c", 63.24, "63.2 °C"),
        ("energy_j", 8.1e9, "8.1 GJ"),
        ("energy_j", 12.0, "12 J"),
        ("throttle_reasons", 0x44, "HW thermal, power cap"),
        ("throttle_reasons", 0, "nothing"),
        ("throttle_hw_thermal_s", 3.5, "3.5 %"),
        ("nvlink_rx_bytes", 41e9, "38.2 GiB/s"),
        ("nvlink_crc_errors", 0.4, "0.4 /s"),
        ("ecc_uncorrected", 1, "1"),
        ("is_remap_pending", True, "yes"),
        ("is_remap_pending", False, "no"),
        ("fabric_state", "completed", "completed"),
        ("fabric_state", "", "–"),
        ("clock_sm_mhz", 1755.0, "1755 MHz"),
    ],
)
def test_values(name, value, text):
    assert metric_text(metric(Entity.GPU, name), value) == text


@pytest.mark.parametrize("item", METRICS, ids=lambda item: f"{item.entity}-{item.name}")
def test_every_metric_can_be_written_and_has_a_source(item):
    for value in (None, 0, 1, -1, 1.5, math.inf, "x", True, 1 << 62, [1.0]):
        assert metric_text(item, value).isprintable()
    assert source_words(item)
    assert unit_words(item).isprintable()
