"""The large chart: what is drawn where, and that no size or value breaks it."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.style import Style

from leptontui.model.catalogue import metric
from leptontui.model.series import Entity, Eta, Forecast, Series, SeriesKey
from leptontui.render.canvas import line_width
from leptontui.render.chart import Threshold, chart
from leptontui.render.chart_axes import ChartStyles
from leptontui.render.chart_scale import Scale, extent_of, nice_step, scale_of, tick_label

NOW = 1_700_000_000.0
KEY = SeriesKey("h", Entity.GPU, "u", "temp_c")
TEMP = scale_of(metric(Entity.GPU, "temp_c"), peak=90.0)
PLAIN = ChartStyles(*[Style.null()] * 9)
COLOURED = ChartStyles(
    series=Style(color="#ffffff"),
    forecast=Style(color="#aa88ff"),
    band80=Style(color="#554477", bgcolor="#443366"),
    band95=Style(color="#332244", bgcolor="#221133"),
    threshold=Style(color="#ff0000"),
    eta=Style(color="#ff00ff"),
    axis=Style(color="#333333", bgcolor="#000000"),
    label=Style(color="#888888"),
    now=Style(color="#777777"),
)


@pytest.fixture(autouse=True)
def _utc(monkeypatch):
    monkeypatch.setenv("TZ", "UTC")
    import time

    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def series(values, step_s=10.0):
    n = len(values)
    return Series(KEY, tuple(NOW - (n - 1 - i) * step_s for i in range(n)), tuple(values), step_s)


def forecast(level=80.0, spread=1.0, h=90, eta=None):
    middle = tuple(level for _ in range(h))
    edge = [tuple(level + z * spread * math.sqrt(i + 1) for i in range(h)) for z in (-1.28, 1.28, -1.96, 1.96)]
    return Forecast(KEY, NOW, 10.0, middle, *edge, model="test", eta=eta)


def drawn(past, future=None, *, width=90, height=20, scale=TEMP, threshold=None, styles=PLAIN):
    lines = chart(
        past, future, width=width, height=height, scale=scale, now_unix_s=NOW, styles=styles, threshold=threshold
    )
    return ["".join(segment.text for segment in line) for line in lines]


def is_braille(char):
    return 0x2800 < ord(char) <= 0x28FF


def columns_with_line(lines):
    return {x for line in lines for x, char in enumerate(line) if is_braille(char)}


def test_a_gap_in_the_values_is_a_gap_in_the_line():
    values = [60.0] * 180
    values[60:120] = [None] * 60
    columns = columns_with_line(drawn(series(values)))
    plot = range(min(columns), max(columns) + 1)
    missing = [x for x in plot if x not in columns]
    assert len(missing) >= len(plot) // 4
    assert missing == list(range(missing[0], missing[-1] + 1))


def test_without_gaps_every_column_has_the_line():
    columns = columns_with_line(drawn(series([60.0 + i % 7 for i in range(180)])))
    assert columns == set(range(min(columns), max(columns) + 1))


def test_the_line_is_two_dots_high_so_that_it_is_seen_from_afar():
    glyphs = {char for line in drawn(series([60.0] * 180)) for char in line if is_braille(char)}
    rows = [[ord(char) & bits for bits in (0x09, 0x12, 0x24, 0xC0)] for char in glyphs]
    assert rows
    assert all(sum(map(bool, row)) == 2 for row in rows), "or half of it is lost between two lines of the screen"


def test_bands_are_filled_80_inside_95():
    lines = drawn(series([80.0] * 180), forecast(spread=1.5))
    right = [line[-2] for line in lines]
    shades = "".join(char for char in right if char in "░▒")
    assert "░" in shades
    assert "▒" in shades
    assert shades == shades[::-1], "the band is symmetrical around its mean"
    assert shades.strip("░").strip("▒") == ""
    left = "".join(line[: len(line) // 2] for line in lines)
    assert "▒" not in left, "the past has no band"


def test_bands_are_painted_in_their_own_colours():
    lines = chart(
        series([80.0] * 180),
        forecast(spread=2.0),
        width=90,
        height=20,
        scale=TEMP,
        now_unix_s=NOW,
        styles=COLOURED,
    )
    backgrounds = {
        segment.style.bgcolor.name
        for line in lines
        for segment in line
        if segment.style is not None and segment.style.bgcolor is not None
    }
    assert {"#443366", "#221133"} <= backgrounds


def test_threshold_in_reach_is_a_dashed_line_with_its_name():
    lines = drawn(series([80.0] * 180), threshold=Threshold(87.0, "slowdown 87 °C"))
    row = next(line for line in lines if "slowdown 87 °C" in line)
    assert row.count("┄") > 40


def test_threshold_out_of_reach_is_named_with_an_arrow_at_the_top():
    lines = drawn(series([30.0 + i % 2 for i in range(180)]), threshold=Threshold(87.0, "slowdown 87 °C"))
    assert "┄" not in "".join(lines)
    assert "slowdown 87 °C ↑" in lines[1]


def test_the_name_of_the_threshold_does_not_hide_the_line():
    values = [87.0] * 90 + [70.0] * 90
    lines = drawn(series(values), threshold=Threshold(87.0, "slowdown 87 °C"))
    row = next(line for line in lines if "slowdown" in line)
    assert sum(map(is_braille, row)) > 20


def test_eta_is_written_as_an_interval_where_it_crosses():
    eta = Eta(87.0, NOW + 600, NOW + 420, NOW + 780)
    lines = drawn(series([80.0] * 180), forecast(84.0, eta=eta), threshold=Threshold(87.0, "slowdown 87 °C"))
    text = "\n".join(lines)
    assert "22:23 (22:20–22:26)" in text
    assert "◆" in text
    assert "━" in text


def test_eta_without_an_end_says_later():
    eta = Eta(87.0, NOW + 600, NOW + 420, None)
    lines = drawn(series([80.0] * 180), forecast(84.0, eta=eta), threshold=Threshold(87.0, "x"))
    assert "22:23 (22:20–later)" in "\n".join(lines)


def test_where_only_the_edge_of_the_band_reaches_the_threshold_the_words_say_so():
    eta = Eta(87.0, None, NOW + 420, None)
    lines = drawn(series([80.0] * 180), forecast(84.0, eta=eta), threshold=Threshold(87.0, "x"))
    assert "may be reached from 22:20 (80 % band)" in "\n".join(lines)


@pytest.mark.parametrize("width", [40, 90, 190])
def test_neighbouring_values_are_joined_also_where_they_jump(width):
    values = [30.0 if i // 9 % 2 else 85.0 for i in range(180)]
    lines = drawn(series(values), width=width)
    bits = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
    dots = {
        (2 * x + across, 4 * y + down)
        for y, line in enumerate(lines)
        for x, char in enumerate(line)
        if is_braille(char)
        for across in range(2)
        for down in range(4)
        if ord(char) & bits[across][down]
    }
    reached, edge = set(), [min(dots)]
    while edge:
        x, y = edge.pop()
        near = {(x + right, y + down) for right in (-1, 0, 1) for down in (-1, 0, 1)} & dots - reached
        reached |= near
        edge.extend(near)
    assert reached == dots, "one line, without a gap"


def test_axes_tell_unit_start_now_and_end():
    lines = drawn(series([80.0] * 180), forecast())
    assert lines[0].strip().startswith("°C")
    assert "21:43" in lines[-1]
    assert "22:13 now" in lines[-1]
    assert lines[-1].rstrip().endswith("22:28")
    assert "┼" in lines[-2]


def test_bytes_are_shown_in_gib():
    what = metric(Entity.GPU, "memory_used_bytes")
    scale = scale_of(what, peak=74.0 * 2**30, capacity=80.0 * 2**30)
    lines = drawn(series([74.0 * 2**30] * 60), scale=scale, threshold=Threshold(80.0 * 2**30, "full 80 GiB"))
    assert lines[0].strip().startswith("GiB")
    assert "full 80 GiB" in "\n".join(lines)


def test_percentages_always_cover_0_to_100():
    scale = scale_of(metric(Entity.GPU, "util_pct"), peak=3.0)
    extent = extent_of([1.0, 3.0], scale=scale, rows=12)
    assert (extent.low, extent.high) == (0.0, 100.0)


def test_no_history_is_an_empty_plot_not_an_error():
    assert "no history of this yet" in "\n".join(drawn(None))
    assert not columns_with_line(drawn(series([None] * 10)))


values = st.one_of(
    st.none(), st.floats(allow_nan=True, allow_infinity=True), st.floats(min_value=0, max_value=120), st.just(0.0)
)


@given(
    st.lists(values, max_size=40),
    st.integers(-1, 60),
    st.integers(-1, 25),
    st.one_of(st.none(), st.floats(-1e6, 1e12)),
    st.booleans(),
    st.sampled_from([TEMP, Scale("%", 1.0, 0.0, 100.0, 100.0, is_whole=True), Scale("GiB", 2.0**30, 0.0, 80.0, 8.0)]),
)
def test_any_size_and_value_gives_exactly_the_area(past, width, height, limit, has_future, scale):
    eta = None if limit is None else Eta(limit, None, NOW + 1, None)
    threshold = None if limit is None else Threshold(limit, "limit")
    future = forecast(50.0, 3.0, h=12, eta=eta) if has_future else None
    for styles in (PLAIN, COLOURED):
        lines = chart(
            series(past),
            future,
            width=width,
            height=height,
            scale=scale,
            now_unix_s=NOW,
            styles=styles,
            threshold=threshold,
        )
        assert len(lines) == max(0, height)
        assert all(line_width(line) == max(0, width) for line in lines)


@given(st.lists(st.floats(-1e15, 1e15), max_size=20), st.integers(-2, 60), st.one_of(st.none(), st.floats(-1e15, 1e15)))
def test_the_extent_holds_all_values_and_few_ticks(numbers, rows, limit):
    extent = extent_of(numbers, scale=Scale("W", lower=None), rows=rows, threshold=limit)
    assert extent.low < extent.high
    if numbers:
        slack = 1e-6 * max(1.0, *map(abs, numbers))
        assert extent.low <= min(numbers) + slack
        assert extent.high >= max(numbers) - slack
    assert len(extent.ticks) <= max(4, rows)


@given(st.floats(min_value=1e-6, max_value=1e12))
def test_steps_are_nice(least):
    step = nice_step(least)
    assert step >= least * (1 - 1e-6)
    assert step <= 10 * least
    first = tick_label(step, step).strip("0.")
    assert first in {"1", "2", "5", "25"}
