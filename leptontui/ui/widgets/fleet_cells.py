"""One row of the fleet table as pieces: which value stands in which column, and how it is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from leptontui.model.health import Severity
from leptontui.render import numbers
from leptontui.render.cells import Piece, fit, fit_pieces
from leptontui.render.standing import LINK_GLYPHS, LINK_ROLES, standing
from leptontui.render.trend import trend
from leptontui.view.columns import Placed
from leptontui.view.row import NO_TREND, GpuRow, HostRow, Row, Trend

CURSOR_BAR: Final = "▌"
MARK: Final = "✓"
MARKED_CURSOR: Final = "▸"
"""The cursor on a marked row: both can be told without colour."""
_LINK_WIDTH: Final = 9

_GPU_NUMBERS: Final[Mapping[str, Callable[[GpuRow], str]]] = {
    "gpu": lambda row: numbers.NULL if row.gpu is None else row.number,
    "util": lambda row: numbers.percent(row.util_pct),
    "memory": lambda row: _used_of_total(row.memory_used_bytes, row.memory_total_bytes),
    "temp": lambda row: numbers.whole(row.temp_c),
    "power": lambda row: numbers.whole(row.power_w),
    "clock": lambda row: numbers.whole(row.clock_sm_mhz),
}
_GPU_TEXTS: Final[Mapping[str, Callable[[GpuRow], str]]] = {
    "model": lambda row: row.mig_profile or numbers.short_model(row.model),
    "job": lambda row: row.work,
    "user": lambda row: row.user,
    "group": lambda row: row.group,
    "node": lambda row: row.node_state,
}
_TRENDS: Final[Mapping[str, tuple[Callable[[GpuRow], Trend], str]]] = {
    "util_trend": (lambda row: row.util_trend, "series-1"),
    "temp_trend": (lambda row: row.temp_trend, "series-2"),
    "memory_trend": (lambda row: row.memory_trend, "series-3"),
    "power_trend": (lambda row: row.power_trend, "series-4"),
}
_HOST_NUMBERS: Final[Mapping[str, Callable[[HostRow], str]]] = {
    "gpus": lambda row: numbers.whole(row.gpus),
    "gpu_util": lambda row: numbers.percent(row.gpu_util_pct),
    "gpu_util_min": lambda row: numbers.percent(row.gpu_util_min_pct),
    "gpu_temp": lambda row: numbers.whole(row.gpu_temp_c),
    "gpu_power": lambda row: numbers.three(None if row.gpu_power_w is None else row.gpu_power_w / 1000),
    "cpu": lambda row: numbers.percent(row.cpu_util_pct),
    "load": lambda row: numbers.three(row.load1),
    "memory": lambda row: _used_of_total(row.memory_used_bytes, row.memory_total_bytes),
    "net_in": lambda row: numbers.metric(row.net_rx_bytes_per_s),
    "net_out": lambda row: numbers.metric(row.net_tx_bytes_per_s),
    "disk_read": lambda row: numbers.metric(row.disk_read_bytes_per_s),
    "disk_write": lambda row: numbers.metric(row.disk_write_bytes_per_s),
    "uptime": lambda row: numbers.age(row.uptime_s),
}


def row_pieces(row: Row, placed: Sequence[Placed], width: int, now_unix_s: float) -> tuple[Piece, ...]:
    """A row as exactly `width` cells of pieces; the first cell is left to the cursor's bar.

    Args:
        row: what to show.
        placed: the columns.
        width: cells to fill.
        now_unix_s: against which ages are told.
    """
    pieces: list[Piece] = [Piece(" ")]
    at = 1
    is_bare = isinstance(row, HostRow) and row.standing.received_unix_s is None
    for place in placed:
        if place.left > at:
            pieces.append(Piece(" " * (place.left - at)))
        if is_bare and place is not placed[0]:
            # A host that never spoke has no values: what is the matter takes their place.
            pieces.extend(fit_pieces(_bare(row), width - place.left))
            at = width
            break
        pieces.extend(_cell(row, place, now_unix_s))
        at = place.left + place.width
    return fit_pieces(pieces, width) if at != width else tuple(pieces)


_STATE_WORDS: Final = {"gone": "gone", "unknown": "not known: the driver does not answer"}
"""What is said of a GPU that cannot be read where health says nothing."""


def age_of(row: Row, now_unix_s: float) -> float | None:
    """Age of a row's newest sweep, None if there never was one."""
    received = row.standing.received_unix_s
    return None if received is None else max(0.0, now_unix_s - received)


def health_pieces(row: Row, now_unix_s: float) -> tuple[Piece, ...]:
    """How a row's thing is and who looks after it, unfitted."""
    found = _health(row, now_unix_s)
    who = row.standing.taken_by
    return (*found, Piece(f"  ✓ {who}", "well")) if who else found


def _health(row: Row, now_unix_s: float) -> tuple[Piece, ...]:
    state = row.standing
    if isinstance(row, HostRow) and state.is_live and row.gpus == 0 and not state.health:
        return (*standing(state.severity, "", state.link, "", None), Piece(" no GPU", "dim"))
    if isinstance(row, GpuRow) and state.is_live and (word := _STATE_WORDS.get(row.state)) and not state.health:
        return (*standing(max(state.severity, Severity.UNKNOWN), word, state.link, "", None),)
    return standing(state.severity, state.health, state.link, state.link_cause, age_of(row, now_unix_s))


def _bare(row: Row) -> tuple[Piece, ...]:
    state = row.standing
    words = state.link_cause or state.health
    return (
        Piece(f"{LINK_GLYPHS[state.link]} ", LINK_ROLES[state.link]),
        Piece(fit(state.link.value, _LINK_WIDTH), "unknown"),
        Piece(words, "text"),
    )


def _cell(row: Row, place: Placed, now_unix_s: float) -> tuple[Piece, ...]:
    name, width = place.column.name, place.width
    is_live = row.is_fresh if isinstance(row, GpuRow) else row.standing.is_live
    if name == "health":
        return fit_pieces(health_pieces(row, now_unix_s), width)
    if name == "host":
        return (Piece(fit(row.id.host, width), "text" if is_live else "dim"),)
    if name in _TRENDS:
        return _trend(row, place, is_live=is_live)
    if isinstance(row, GpuRow):
        text = _GPU_TEXTS[name](row) if name in _GPU_TEXTS else _GPU_NUMBERS[name](row)
    else:
        text = _host_text(row, name, now_unix_s)
    if not text or text == numbers.NULL:
        return (Piece(fit(numbers.NULL, width, is_left=place.column.is_left), "dim"),)
    role = "text" if is_live else "dim"
    if is_live and name in _QUIET:
        role = "dim"
    return (Piece(fit(text, width, is_left=place.column.is_left), role),)


_QUIET: Final = frozenset({"model", "user", "group", "node"})
"""Columns that tell rows apart rather than say how they are."""


def _host_text(row: HostRow, name: str, now_unix_s: float) -> str:
    match name:
        case "group":
            return row.group
        case "node":
            return row.node_state
        case "link":
            return row.standing.link.value
        case "age":
            return numbers.age(age_of(row, now_unix_s))
        case "memory" if row.id.gpu_uuid is None and row.gpus is None:
            return ""
        case _:
            number = _HOST_NUMBERS.get(name)
            return number(row) if number else ""


def _trend(row: Row, place: Placed, *, is_live: bool) -> tuple[Piece, ...]:
    of_row, role = _TRENDS[place.column.name]
    shown = of_row(row) if isinstance(row, GpuRow) else NO_TREND
    quiet = "" if row.standing.severity >= Severity.WARNING else "quiet-"
    return trend(
        shown.past,
        shown.future if is_live else (),
        lower=shown.lower,
        upper=shown.upper,
        crossing=shown.crossing if is_live else None,
        width=place.width,
        role=f"{quiet}{role}" if is_live else "rule",
        forecast_role=f"{quiet}forecast",
    )


def _used_of_total(used: float | None, total: float | None) -> str:
    if used is None and total is None:
        return numbers.NULL
    return f"{numbers.gib(used)}/{numbers.gib(total)}"
