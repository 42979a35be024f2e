"""Sparklines and trend cells: scale, gaps, the future in its own colour."""

from hypothesis import given
from hypothesis import strategies as st

from leptontui.render.cells import width_of
from leptontui.render.sparkline import BLOCKS, GAP, resample, sparkline
from leptontui.render.trend import CROSSING, trend

VALUES = st.lists(st.none() | st.floats(allow_nan=True, allow_infinity=True), max_size=40)


def test_the_scale_is_physical():
    assert sparkline([0.0, 50.0, 99.0, 100.0], 0, 100) == "▁▄▇█"
    assert sparkline([-5.0, 400.0], 0, 100) == "▁█"


def test_what_was_not_sampled_is_a_blank_and_a_known_zero_is_not():
    assert sparkline([None, 0.0, None], 0, 100) == f"{GAP}▁{GAP}"


def test_a_scale_without_span_still_shows_that_there_are_values():
    assert sparkline([5.0, None], 3.0, 3.0) == f"▁{GAP}"


def test_resampling_takes_means_and_leaves_out_gaps():
    assert resample([1.0, 3.0, None, 5.0, None, None], 3) == (2.0, 5.0, None)
    assert resample([1.0], 3) == (None, None, 1.0)


@given(VALUES, st.integers(min_value=1, max_value=40))
def test_a_sparkline_is_as_long_as_asked(values, n):
    text = sparkline(resample(values, n), 0.0, 100.0)
    assert len(text) == n
    assert set(text) <= set(BLOCKS) | {GAP}


@given(
    VALUES,
    st.lists(st.floats(-1e6, 1e6), max_size=15),
    st.integers(min_value=3, max_value=60),
    st.none() | st.integers(min_value=0, max_value=14),
)
def test_a_trend_fills_its_cell(past, future, width, crossing):
    pieces = trend(tuple(past), tuple(future), lower=0, upper=100, crossing=crossing, width=width, role="series-1")
    assert width_of(pieces) == width


def test_past_and_future_are_told_apart_and_the_crossing_is_marked():
    pieces = trend((50.0,) * 15, (80.0,) * 15, lower=0, upper=100, crossing=11, width=31, role="series-2")
    assert [(piece.text, piece.role) for piece in pieces if piece.text] == [
        ("▄" * 15 + " ", "series-2"),
        ("▆" * 11, "forecast"),
        (CROSSING, "predicted"),
        ("▆" * 3, "forecast"),
    ]


def test_without_a_forecast_the_future_is_blank():
    pieces = trend((50.0,) * 15, (), lower=0, upper=100, crossing=None, width=17, role="series-1")
    assert "".join(piece.text for piece in pieces) == "▄" * 8 + " " * 9
