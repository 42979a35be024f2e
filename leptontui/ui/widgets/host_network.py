"""A host's network interfaces and InfiniBand ports as lines."""

from __future__ import annotations

from collections.abc import Sequence

from leptontui.model.text import plain
from leptontui.render import numbers
from leptontui.render.canvas import Line
from leptontui.render.ink import Ink
from leptontui.render.quantity import rate_text
from leptontui.ui.widgets.host_storage import heading
from leptontui.view.part_rows import NicRow, PortRow


def nic_lines(ink: Ink, rows: Sequence[NicRow], width: int, *, is_detailed: bool = False) -> list[Line]:
    """Each with its rates, and errors and drops per second; detailed: by direction, with speed and flaps."""
    if not rows:
        return []
    columns = [("in", 13), ("out", 13)]
    columns += (
        [("err in", 8), ("err out", 8), ("drop in", 8), ("drop out", 9), ("flaps", 7)]
        if is_detailed
        else [("errors", 8)]
    )
    lines = [heading(ink, "network", columns, width)]
    for row in rows:
        tail = ink.line().add(f"{rate_text(row.rx_bytes_per_s):>13}{rate_text(row.tx_bytes_per_s):>13}")
        bad = (row.rx_errors_per_s, row.tx_errors_per_s, row.rx_dropped_per_s, row.tx_dropped_per_s)
        if is_detailed:
            for value, room in zip(bad, (8, 8, 8, 9), strict=True):
                tail.add(f"{numbers.three(value):>{room}}", "warning" if value else "dim")
            tail.add(f"{numbers.whole(row.carrier_changes):>7}", "dim")
        else:
            known = [value for value in bad if value is not None]
            errors = sum(known) if known else None
            tail.add(f"{numbers.three(errors):>8}", "warning" if errors else "dim")
        name = ink.line().add(plain(row.nic, 40), "text" if row.is_up else "dim")
        name.add(" down" if row.is_up is False else "", "warning")
        if is_detailed and row.speed_mbit:
            name.add(f"  {numbers.metric(row.speed_mbit * 1e6)}b/s", "dim")
        lines.append(name.fit(max(0, width - tail.width)) + tail.segments)
    return lines


def port_lines(ink: Ink, rows: Sequence[PortRow], width: int, *, is_detailed: bool = False) -> list[Line]:
    """Each with its state, rate and traffic, and what it counted since its driver was loaded."""
    if not rows:
        return []
    columns = [("in", 13), ("out", 13)]
    columns += [("downed", 8), ("recov.", 8), ("symbol", 8), ("err in", 8)] if is_detailed else [("errors", 8)]
    lines = [heading(ink, "InfiniBand", columns, width)]
    for row in rows:
        counted = (row.link_downed, row.link_recoveries, row.symbol_errors, row.rx_errors)
        tail = ink.line().add(f"{rate_text(row.rx_bytes_per_s):>13}{rate_text(row.tx_bytes_per_s):>13}")
        if is_detailed:
            for value in counted:
                tail.add(f"{numbers.metric(value):>8}", "warning" if value else "dim")
        else:
            known = [value for value in counted if value is not None]
            total = sum(known) if known else None
            tail.add(f"{numbers.metric(total):>8}", "warning" if total else "dim")
        name = ink.line().add(plain(row.port, 30))
        state = row.state or numbers.NULL
        name.add(f" {'✖ ' if row.is_ill else ''}{state}", "critical" if row.is_ill else "dim", is_bold=row.is_ill)
        if row.rate_gbit is not None:
            name.add(f"  {numbers.three(row.rate_gbit)} Gb/s", "dim")
        if is_detailed:
            rest = "  ".join(part for part in (row.phys_state, row.layer) if part)
            name.add(f"  {rest}" if rest else "", "dim")
        lines.append(name.fit(max(0, width - tail.width)) + tail.segments)
    return lines
