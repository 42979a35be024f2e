"""The heatmap, big digits, bars and strips."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.style import Style

from leptontui.model.health import Severity
from leptontui.render.canvas import line_width
from leptontui.render.digits import big_digits, digit_rows, digits_width
from leptontui.render.gauge import bar, share_of, strip
from leptontui.render.heatmap import HeatStyles, HostCells, common_prefix, heat_layout, heatmap

NONE = Style.null()
STYLES = HeatStyles((NONE,), dict.fromkeys(Severity, NONE), dict.fromkeys(Severity, NONE), NONE, NONE)


def text_of(lines):
    return ["".join(segment.text for segment in line) for line in lines]


def fleet(n, signs="88888888"):
    return [HostCells(f"gpu-{i:03d}", signs) for i in range(n)]


def page(hosts, width, height, number=0):
    layout = heat_layout(hosts, width, height)
    return layout, text_of(heatmap(hosts, layout, page=number, width=width, styles=STYLES))


def test_a_small_fleet_shows_every_name_on_one_page():
    layout, lines = page(fleet(12), 118, 10)
    assert layout.pages == 1
    assert all(f"gpu-{i:03d}" in "\n".join(lines) for i in range(12))


def test_sick_gpus_show_their_sign_in_the_order_of_the_gpus():
    _, lines = page([HostCells("a", "8C8P8W8U", Severity.CRITICAL)], 60, 3)
    assert [char for char in "".join(lines) if char in "✖◆▲◌"] == ["✖", "◆", "▲", "◌"]


def test_no_value_is_not_an_idle_gpu():
    _, lines = page([HostCells("a", "0-")], 60, 3)
    assert "▁" in "".join(lines)
    assert "·" in "".join(lines)


def test_a_small_fleet_takes_the_room_there_is_with_bars_as_high_as_they_are_busy():
    layout, lines = page(fleet(4, "048C"), 118, 12)
    assert layout.cell_rows == 3
    assert len(lines) == 3 or len(lines) == 7
    top, middle, bottom = (line[: len("gpu-000 ") + 4 * layout.cell_width] for line in lines[:3])
    assert "gpu-000" in middle
    assert "gpu-000" not in top + bottom
    assert bottom.split()[0] == "▁" * (layout.cell_width - 1), "idle"
    assert top.split() == ["█" * (layout.cell_width - 1)], "only the busiest reaches the top"
    assert "✖" in middle
    assert "▄" in middle, "half busy is half as high"


def test_what_all_names_begin_with_is_left_out_when_room_is_short():
    hosts = [HostCells(f"rack-a-gpu-{i:03d}", "8") for i in range(40)]
    layout, lines = page(hosts, 60, 6)
    assert layout.prefix == "rack-a-gpu-"
    assert "039" in "\n".join(lines)
    assert "rack" not in "\n".join(lines)


@pytest.mark.parametrize(
    ("names", "prefix"),
    [(["gpu-1", "gpu-2"], "gpu-"), (["a1", "a2"], ""), (["one"], ""), ([], ""), (["x-", "x-"], "x-")],
)
def test_the_common_prefix_ends_at_a_mark(names, prefix):
    assert common_prefix(names) == prefix


def test_pages_together_show_every_host_exactly_once():
    hosts = [HostCells(f"gpu-{i:04d}", "8" * 8) for i in range(1000)]
    layout = heat_layout(hosts, 118, 16)
    assert layout.pages > 1
    shown = sum(
        sum(line.count("▆") for line in text_of(heatmap(hosts, layout, page=number, width=118, styles=STYLES)))
        for number in range(layout.pages)
    )
    assert shown == 8000


def test_pages_wrap_round():
    hosts = fleet(1000)
    layout, first = page(hosts, 100, 10)
    again = text_of(heatmap(hosts, layout, page=layout.pages, width=100, styles=STYLES))
    assert again == first


@given(
    st.lists(st.text("0123456789-CPWU", max_size=17), max_size=60),
    st.integers(1, 130),
    st.integers(1, 40),
    st.integers(0, 5),
)
def test_a_page_is_never_larger_than_its_area(signs, width, height, number):
    hosts = [HostCells(f"host-{i}", one) for i, one in enumerate(signs)]
    layout = heat_layout(hosts, width, height)
    lines = heatmap(hosts, layout, page=number, width=width, styles=STYLES)
    assert len(lines) <= height
    assert all(line_width(line) <= width for line in lines)


@pytest.mark.parametrize("scale", [1, 2, 3])
def test_digits_have_the_size_they_say(scale):
    lines = big_digits("0123456789/:–.", NONE, scale=scale)
    assert len(lines) == digit_rows(scale)
    assert {line_width(line) for line in lines} == {digits_width("0123456789/:–.", scale)}


def test_digits_differ():
    pictures = {"\n".join(text_of(big_digits(char, NONE))) for char in "0123456789"}
    assert len(pictures) == 10


def test_an_unknown_sign_becomes_a_dash():
    assert text_of(big_digits("?", NONE)) == text_of(big_digits("–", NONE))


def test_a_bar_is_as_full_as_its_share():
    assert text_of([bar(50.0, 100.0, 10, NONE, NONE)]) == ["━━━━━─────"]
    assert text_of([bar(None, 100.0, 4, NONE, NONE)]) == ["────"]
    assert text_of([bar(5.0, None, 4, NONE, NONE)]) == ["────"]


@given(st.one_of(st.none(), st.floats()), st.one_of(st.none(), st.floats()), st.integers(-3, 40))
def test_a_bar_has_its_width_whatever_the_value(value, upper, width):
    assert line_width(bar(value, upper, width, NONE, NONE)) == max(0, width)


def test_shares_are_cut_to_0_and_1():
    assert share_of(150.0, 100.0) == 1.0
    assert share_of(-3.0, 100.0) == 0.0
    assert share_of(3.0, 0.0) is None


def test_a_strip_shows_the_busiest_of_cores_that_share_a_cell():
    assert text_of([strip([0.0, 100.0, 0.0, 0.0], 100.0, 2, [NONE], NONE)]) == ["█▁"]
    assert text_of([strip([None, 50.0], 100.0, 2, [NONE], NONE)]) == ["·▅"]


@given(st.lists(st.one_of(st.none(), st.floats(0, 100)), max_size=300), st.integers(-1, 60))
def test_a_strip_fits(values, width):
    assert line_width(strip(values, 100.0, width, [NONE], NONE)) <= max(0, width)
