"""The lists of the host screen: processes that use a GPU, recent events, and what cannot be read and why."""

from __future__ import annotations

import textwrap
import time
from typing import Final

from leptontui.model.text import plain
from leptontui.render import numbers
from leptontui.render.canvas import Line
from leptontui.render.cells import fit
from leptontui.render.ink import Ink
from leptontui.render.palette import role_of
from leptontui.view.host_rows import HostPage

_WIDE: Final = 110
"""From this width on pod and container have columns of their own."""


def processes(ink: Ink, page: HostPage, width: int, chosen: str | None, *, limit: int | None = None) -> list[Line]:
    """GPU processes, those of the chosen GPU in full colour.

    Args:
        ink: what to write with.
        page: the host.
        width: in cells.
        chosen: uuid of the chosen GPU.
        limit: how many are listed at most; those of the chosen GPU first then. None for all there are.
    """
    if not page.processes:
        return [ink.line().add("no process uses a GPU", "dim").fit(width)] if page.gpus else []
    names = {gpu.uuid: gpu.number for gpu in page.gpus}
    is_wide = width >= _WIDE
    place = f"{'pod or container':<26}" if is_wide else ""
    heading = f"{'gpu':<5}{'pid':>8}  {'user':<10}{'job' if is_wide else 'work':<13}{place}{'GiB':>5}  command"
    lines = [ink.line().add(heading, "dim", is_bold=True).fit(width)]
    rows = page.processes
    if limit is not None and len(rows) > limit:
        rows = tuple(sorted(rows, key=lambda row: row.uuid != chosen))[:limit]
    for row in rows:
        role = "text" if chosen is None or row.uuid == chosen else "dim"
        pid = numbers.NULL if row.pid is None else str(row.pid)
        job = f"{row.job}.{row.step}" if row.job and row.step else row.job
        work = job if is_wide else row.work
        pen = ink.line().add(f"{names.get(row.uuid, '?'):<5}{pid:>8}  ", role)
        pen.add(fit(row.user or numbers.NULL, 9) + " " + fit(work or numbers.NULL, 12) + " ", role)
        if is_wide:
            pen.add(fit(row.pod or row.container or numbers.NULL, 25) + " ", role)
        pen.add(f"{numbers.gib(row.memory_used_bytes):>5}  ", role)
        lines.append(pen.add(row.command or numbers.NULL, role).fit(width))
    if rest := page.processes_total - len(rows):
        words = f"and {rest} more" if limit is not None else f"and {rest} more that hold less"
        lines.append(ink.line().add(words, "dim").add(": 2" if limit is not None else "", "accent").fit(width))
    return lines


def events(ink: Ink, page: HostPage, width: int, *, limit: int) -> list[Line]:
    """The host's recent events, newest first, counted, by our own clock."""
    lines = [ink.line().add("events", "dim", is_bold=True).fit(width)]
    if not page.events:
        lines.append(ink.line().add("none since this program was started", "dim").fit(width))
    for event in page.events[:limit]:
        is_old = page.t_unix_s - event.t_unix_s >= 86_400  # noqa: PLR2004 — a day: then the day is told
        clock = time.strftime("%d %b   " if is_old else "%H:%M:%S", time.localtime(event.t_unix_s))
        what = event.what + (f" ×{event.count}" if event.count > 1 else "")
        pen = ink.line().add(f"{clock}  ", "dim").add(f"{event.severity.glyph} {what}", role_of(event.severity))
        pen.add(" ↶" if event.is_backlog else "", "accent")
        lines.append(pen.add(f"  {event.where}" if event.where else "").add(f"  {event.text}").fit(width))
    if (rest := len(page.events) - limit) > 0:
        lines.append(ink.line().add(f"and {rest} more: ", "dim").add("6", "accent").fit(width))
    return lines


def unavailable(ink: Ink, page: HostPage, width: int) -> list[Line]:
    """What the probe cannot read, and why, in words."""
    if not page.unavailable:
        return []
    lines: list[Line] = [[], ink.line().add("cannot be read", "dim", is_bold=True).fit(width)]
    for reason in page.unavailable:
        wrapped = textwrap.wrap(plain(reason), max(10, width), subsequent_indent="  ")
        lines += [ink.line().add(text, "dim").fit(width) for text in wrapped]
    return lines
