"""What runs on a host above its GPUs, as lines: systemd units, services, and the samples they and scripts give."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from leptontui.model.text import plain
from leptontui.render import numbers
from leptontui.render.canvas import Line
from leptontui.render.cells import fit
from leptontui.render.ink import Ink
from leptontui.render.quantity import duration_text
from leptontui.ui.widgets.host_storage import heading
from leptontui.view.part_rows import SampleRow, ServiceRow, UnitRow

_ROOMY: Final = 72
"""From this width on a unit's process and the time in its state stand beside it."""
_UNIT_ROLES: Final = {"active": "well", "failed": "critical", "activating": "warning", "deactivating": "warning"}


def service_lines(ink: Ink, rows: Sequence[ServiceRow], width: int) -> list[Line]:
    """Each with what its health endpoint answered and how fast; what is wrong with it in words."""
    if not rows:
        return []
    lines = [heading(ink, "services", (("status", 8), ("latency", 10)), width)]
    for row in rows:
        sign, role = {True: ("● ", "well"), False: ("✖ ", "critical")}.get(row.is_healthy or False, ("◌ ", "unknown"))
        if row.is_healthy is None:
            sign, role = "◌ ", "unknown"
        status = numbers.NULL if row.status is None else str(row.status)
        latency = numbers.NULL if row.latency_s is None else f"{numbers.three(1000 * row.latency_s)} ms"
        tail = ink.line().add(f"{status:>8}", "dim" if row.status is None else "text")
        tail.add(f"{latency:>10}", "dim" if row.latency_s is None else "text")
        name = ink.line().add(sign, role).add(plain(row.service, 40), is_bold=row.is_healthy is False)
        name.add(f"  {row.why}" if row.why else "", role if row.is_healthy is False else "warning")
        lines.append(name.fit(max(0, width - tail.width)) + tail.segments)
    return lines


def unit_lines(ink: Ink, rows: Sequence[UnitRow], width: int) -> list[Line]:
    """Each in systemd's words, with its restarts and since when."""
    if not rows:
        return []
    is_roomy = width >= _ROOMY
    columns = (("pid", 9), ("restarts", 10), ("for", 12)) if is_roomy else (("restarts", 10),)
    lines = [heading(ink, "units", columns, width)]
    for row in rows:
        role = "critical" if row.is_failed else _UNIT_ROLES.get(row.active or "", "dim")
        sign = "✖" if row.is_failed else "●" if row.active == "active" else "○"
        pid = numbers.NULL if not row.main_pid else str(row.main_pid)
        tail = ink.line().add(f"{pid:>9}" if is_roomy else "", "dim")
        tail.add(f"{numbers.whole(row.restarts):>10}", "warning" if row.restarts else "dim")
        tail.add(f"{duration_text(row.since_s):>12}" if is_roomy else "", "dim")
        state = " ".join(dict.fromkeys(part for part in (row.active, row.sub) if part)) or numbers.NULL
        name = ink.line().add(f"{sign} ", role).add(plain(row.unit, 40), is_bold=row.is_failed)
        name.add(f"  {state}", role if role != "well" else "dim")
        lines.append(name.fit(max(0, width - tail.width)) + tail.segments)
    return lines


def sample_lines(ink: Ink, rows: Sequence[SampleRow], total: int, width: int) -> list[Line]:
    """Values of metrics pages and scripts, by their source."""
    if not rows:
        return []
    lines: list[Line] = []
    source = None
    for row in rows:
        if row.source != source:
            source = row.source
            lines.append(heading(ink, plain(source, 60), (("value", 14),), width))
        unit = "/s" if row.kind == "counter" and not row.unit else f" {row.unit}" if row.unit else ""
        text = sample_text(row.value) + ("" if row.value is None else unit)
        tail = ink.line().add(f"  {text:>12}", "dim" if row.value is None else "text")
        lines.append(
            ink.line().add(fit(plain(row.series, 200), max(0, width - tail.width))).fit(max(0, width - tail.width))
            + tail.segments
        )
    if total > len(rows):
        lines.append(ink.line().add(f"and {total - len(rows)} more series", "dim").fit(width))
    return lines


def sample_text(value: float | None) -> str:
    """A number whose size nobody knows beforehand: three digits, with a prefix from a hundred thousand on."""
    if value is None:
        return numbers.NULL
    return numbers.metric(value) if abs(value) >= 1e5 else numbers.three(value)  # noqa: PLR2004 — six digits
