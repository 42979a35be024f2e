"""Which columns are kept on which screen, and that they never overlap."""

import pytest

from leptontui.view.columns import COLUMNS, place
from leptontui.view.state import Rows


def kept(width, rows=Rows.GPU):
    return [placed.column.name for placed in place(rows, width, {})]


def test_eighty_columns_keep_what_matters_most():
    assert kept(79) == ["host", "gpu", "util", "util_trend", "memory", "temp", "health"]


def test_a_wide_screen_shows_everything():
    assert kept(240) == [column.name for column in COLUMNS[Rows.GPU]]


@pytest.mark.parametrize("rows", list(Rows))
@pytest.mark.parametrize("width", [*range(40, 260, 7)])
def test_columns_never_overlap_and_fill_the_screen(rows, width):
    placed = place(rows, width, {"host": 18, "model": 30, "job": 9, "user": 64})
    end = 1
    for item in placed:
        assert item.left >= end
        assert item.width >= 1
        end = item.left + item.width + 1
    assert placed[-1].column.name == "health"
    assert placed[-1].left + placed[-1].width <= width
    assert placed[-1].width >= 20


def test_a_column_is_dropped_only_after_all_less_important_ones():
    for rows in Rows:
        for width in range(50, 240, 5):
            names = set(kept(width, rows))
            worst_kept = max(column.priority for column in COLUMNS[rows] if column.name in names)
            assert all(column.priority > worst_kept for column in COLUMNS[rows] if column.name not in names)


def test_titles_fit_their_columns():
    for rows in Rows:
        for item in place(rows, 300, {}):
            if not item.column.is_trend:
                assert len(item.column.title) <= item.width
