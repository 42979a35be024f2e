"""The table's columns: titles with units, widths, what is dropped first on a narrow screen, and what they sort by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from leptontui.view.state import Rows, ViewState

TREND_WIDTHS: Final = (17, 31)
"""A trend is n cells of past, one of now, n of future: 8 cells of two minutes each, or 15 of one."""
_LEAST_HEALTH: Final = (22, 26)
"""The health column is never narrower than this, below and from `_ROOMY` cells on."""
_ROOMY: Final = 110
_AIRY: Final = 150
"""From this width on, two blanks separate columns."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        name: what it is called in sorting; the screen draws it by this name.
        title: with its unit, as in the header.
        width: in cells, without the blank that follows; 0: what is left (one column only).
        priority: on a narrow screen the column with the greatest is dropped first.
        sort: column of the frame it sorts by; "" if it cannot be sorted by.
        is_left: left-aligned; numbers are not.
        is_trend: a sparkline, in the widths of `TREND_WIDTHS`.
        grows_to: a text column may be as wide as its longest text, up to this.
        is_descending: which way it is sorted at first: the worst or greatest first, names ascending.
        is_optional: left out where no row of the fleet has a text for it.
    """

    name: str
    title: str
    width: int
    priority: int
    sort: str = ""
    is_left: bool = False
    is_trend: bool = False
    grows_to: int = 0
    is_descending: bool = True
    is_optional: bool = False


def _text(
    name: str, title: str, width: int, priority: int, sort: str, *, grows_to: int = 0, is_optional: bool = False
) -> Column:
    return Column(
        name,
        title,
        width,
        priority,
        sort,
        is_left=True,
        grows_to=grows_to,
        is_descending=False,
        is_optional=is_optional,
    )


def _trend(name: str, title: str, priority: int) -> Column:
    return Column(name, title, TREND_WIDTHS[0], priority, is_left=True, is_trend=True)


_HEALTH: Final = Column("health", "health", 0, 0, "severity", is_left=True)

COLUMNS: Final[Mapping[Rows, tuple[Column, ...]]] = {
    Rows.GPU: (
        _text("host", "host", 8, 1, "host_rank", grows_to=20),
        replace(_text("gpu", "gpu", 3, 2, "index", grows_to=5), is_left=False),
        _text("model", "model", 6, 10, "name", grows_to=12),
        Column("util", "util %", 6, 3, "util_pct"),
        _trend("util_trend", "15 min", 4),
        Column("memory", "mem GiB", 8, 6, "memory_used_bytes"),
        _trend("memory_trend", "15 min", 14),
        Column("temp", "°C", 3, 5, "temp_c"),
        _trend("temp_trend", "15 min", 7),
        Column("power", "W", 4, 8, "power_w"),
        _trend("power_trend", "15 min", 15),
        Column("clock", "MHz", 4, 11, "clock_sm_mhz"),
        _text("job", "job", 5, 9, "work", grows_to=16),
        _text("user", "user", 5, 12, "user", grows_to=12),
        _text("group", "group", 5, 13, "group", grows_to=12),
        _text("node", "node", 5, 16, "node_state", grows_to=10, is_optional=True),
        _HEALTH,
    ),
    Rows.HOST: (
        _text("host", "host", 8, 1, "host_rank", grows_to=24),
        _text("group", "group", 5, 11, "group", grows_to=12),
        Column("link", "link", 7, 7, "link", is_left=True, is_descending=False),
        Column("age", "age", 6, 6, "received_unix_s", is_descending=False),
        _text("node", "node", 5, 12, "node_state", grows_to=12, is_optional=True),
        Column("gpus", "gpus", 4, 5, "gpu_count"),
        Column("gpu_util", "util %", 6, 2, "gpu_util_pct"),
        Column("gpu_util_min", "min %", 5, 9, "gpu_util_min_pct", is_descending=False),
        Column("gpu_temp", "°C", 3, 3, "gpu_temp_c"),
        Column("gpu_power", "kW", 4, 8, "gpu_power_w"),
        Column("cpu", "cpu %", 5, 4, "cpu_util_pct"),
        Column("load", "load", 5, 13, "load1"),
        Column("memory", "mem GiB", 9, 10, "memory_used_bytes"),
        Column("net_in", "in B/s", 6, 14, "net_rx_bytes_per_s"),
        Column("net_out", "out B/s", 7, 15, "net_tx_bytes_per_s"),
        Column("disk_read", "read B/s", 8, 16, "disk_read_bytes_per_s"),
        Column("disk_write", "write B/s", 9, 17, "disk_write_bytes_per_s"),
        Column("uptime", "up", 5, 18, "uptime_s"),
        _HEALTH,
    ),
}


@dataclass(frozen=True, slots=True)
class Placed:
    """A column with the cells it was given.

    Attributes:
        column: which.
        left: its first cell.
        width: its cells.
    """

    column: Column
    left: int
    width: int


def place(rows: Rows, width: int, longest: Mapping[str, int]) -> tuple[Placed, ...]:
    """Choose the columns that fit, widen the trends where there is room, give the rest to the health column.

    Args:
        rows: of which view.
        width: cells there are.
        longest: length of the longest text by column name, where known.

    Returns:
        The columns from left to right; the first cell is left to the cursor's bar.
    """
    gap = 2 if width >= _AIRY else 1
    least = _LEAST_HEALTH[width >= _ROOMY]
    room = width - 1 - least
    widths: dict[str, int] = {}
    for column in sorted(COLUMNS[rows], key=lambda item: item.priority):
        if column.is_optional and longest.get(column.name) == 0:
            continue
        wanted = _wanted(column, longest, is_narrow=width < _ROOMY)
        if column.width and room < wanted + gap:
            break
        widths[column.name] = wanted
        room -= wanted + gap if column.width else 0
    trends = [column.name for column in COLUMNS[rows] if column.is_trend and column.name in widths]
    grow_by = TREND_WIDTHS[1] - TREND_WIDTHS[0]
    if room >= grow_by * len(trends):
        widths |= dict.fromkeys(trends, TREND_WIDTHS[1])
        room -= grow_by * len(trends)
    widths["health"] = max(1, least + room)
    placed, left = [], 1
    for column in COLUMNS[rows]:
        if column.name in widths:
            placed.append(Placed(column, left, widths[column.name]))
            left += widths[column.name] + gap
    return tuple(placed)


def _wanted(column: Column, longest: Mapping[str, int], *, is_narrow: bool) -> int:
    limit = min(column.grows_to, 12) if is_narrow else column.grows_to
    return max(column.width, len(column.title), min(longest.get(column.name, 0), limit))


def sorted_by(state: ViewState, name: str) -> ViewState:
    """Sort by another column, in its own direction; by the same one again, the other way round."""
    column = next(item for item in COLUMNS[state.rows] if item.name == name)
    is_descending = not state.is_descending if name == state.sort else column.is_descending
    return replace(state, sort=name, is_descending=is_descending)


def next_sort(state: ViewState, step: int) -> ViewState:
    """Sort by the next (`step` 1) or previous (-1) column that can be sorted by, in its own direction."""
    names = [column.name for column in COLUMNS[state.rows] if column.sort]
    at = names.index(state.sort) if state.sort in names else 0
    return sorted_by(replace(state, sort=""), names[(at + step) % len(names)])


def toggled(state: ViewState) -> ViewState:
    """The other kind of rows; the order is kept where the other view has that column."""
    rows = Rows.HOST if state.rows is Rows.GPU else Rows.GPU
    if any(column.name == state.sort and column.sort for column in COLUMNS[rows]):
        return replace(state, rows=rows)
    return ViewState(rows, state.filter)
