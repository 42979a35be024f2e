"""A host's filesystems and disks as lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from leptontui.model.text import plain
from leptontui.render import numbers
from leptontui.render.canvas import Line
from leptontui.render.gauge import bar, share_of
from leptontui.render.ink import Ink
from leptontui.render.quantity import rate_text, size_text
from leptontui.view.part_rows import DiskRow, FilesystemRow

_WARN_FULL, _CRITICAL_FULL = 0.90, 0.95
"""Filesystems: 10 % free is a warning, 5 % critical (thresholds of the health rules)."""
_BUSY_PCT: Final = 90.0
"""Disks: busier than this is a warning."""


def heading(ink: Ink, text: str, columns: Sequence[tuple[str, int]], width: int) -> Line:
    """A panel's name and, right-aligned, its columns' units."""
    tail = ink.line()
    for name, room in columns:
        tail.add(f"{name:>{room}}", "dim")
    return ink.line().add(text, "dim", is_bold=True).fit(max(0, width - tail.width)) + tail.segments


def rest_line(ink: Ink, hidden: int, panel: int, width: int) -> list[Line]:
    """How many are not listed, and the key of the panel that lists them."""
    if hidden <= 0:
        return []
    return [ink.line().add(f"and {hidden} more: ", "dim").add(str(panel), "accent").fit(width)]


def filesystem_lines(ink: Ink, rows: Sequence[FilesystemRow], width: int, *, is_detailed: bool = False) -> list[Line]:
    """Each with how full it is; what is silent or read-only says so. Detailed: inodes, type and device too."""
    if not rows:
        return []
    columns = [("used", 20), ("size", 11)]
    columns += [("inodes %", 10), ("free", 11)] if is_detailed else [("inodes %", 10)] if width >= 64 else []  # noqa: PLR2004 — room
    lines = [heading(ink, "filesystems", columns, width)]
    for row in rows:
        tail = ink.line()
        share = share_of(row.used_bytes, row.total_bytes)
        role = _role(share)
        if row.is_silent:
            tail.add(f"{'✖ silent: it does not answer':>31}", "critical", is_bold=True)
        else:
            tail.draw(bar(row.used_bytes, row.total_bytes, 12, ink.style(role), ink.style("rule")))
            percent = numbers.percent(None if share is None else 100 * share)
            tail.add(f"{percent:>6} %", "text" if role == "series-6" else role)
            tail.add(f"{size_text(row.total_bytes):>11}", "dim")
        if len(columns) > 2:  # noqa: PLR2004 — used and size
            inodes = share_of(row.inodes_used, row.inodes_total)
            inode_role = _role(inodes)
            text = numbers.percent(None if inodes is None else 100 * inodes)
            tail.add(f"{text:>10}", "dim" if inode_role == "series-6" else inode_role)
        if is_detailed:
            tail.add(f"{size_text(row.available_bytes):>11}")
        name = ink.line().add(plain(row.mount, 60))
        if row.is_readonly:
            name.add(" ▲ read-only", "warning")
        if is_detailed:
            kind = "  ".join(part for part in (row.fstype, row.device) if part)
            name.add(f"  {kind}" if kind else "", "dim")
        lines.append(name.fit(max(0, width - tail.width)) + tail.segments)
    return lines


def _role(share: float | None) -> str:
    if share is None or share < _WARN_FULL:
        return "series-6"
    return "warning" if share < _CRITICAL_FULL else "critical"


def disk_lines(ink: Ink, rows: Sequence[DiskRow], width: int, *, is_detailed: bool = False) -> list[Line]:
    """Each with its rates and how busy it is; detailed: operations too."""
    if not rows:
        return []
    columns = [("read", 13), ("write", 13), ("busy %", 8)]
    columns += [("reads /s", 10), ("writes /s", 10)] if is_detailed else []
    lines = [heading(ink, "disks", columns, width)]
    for row in rows:
        role = "warning" if row.busy_pct is not None and row.busy_pct > _BUSY_PCT else "text"
        tail = ink.line().add(f"{rate_text(row.read_bytes_per_s):>13}{rate_text(row.write_bytes_per_s):>13}")
        tail.add(f"{numbers.percent(row.busy_pct):>8}", role)
        if is_detailed:
            tail.add(f"{numbers.three(row.read_ops_per_s):>10}{numbers.three(row.write_ops_per_s):>10}")
        lines.append(ink.line().add(plain(row.device, 40)).fit(max(0, width - tail.width)) + tail.segments)
    return lines
