"""The lists of the host screen: processes that use a GPU, recent events, and what cannot be read and why."""

from __future__ import annotations

import textwrap
import time

from leptontui.model.text import plain
from leptontui.render import numbers
from leptontui.render.canvas import Line
from leptontui.render.ink import Ink
from leptontui.render.palette import role_of
from leptontui.view.host_rows import HostPage

_EVENTS = 8


def processes(ink: Ink, page: HostPage, width: int, chosen: str | None) -> list[Line]:
    """GPU processes, those of the chosen GPU in full colour.

    Args:
        ink: what to write with.
        page: the host.
        width: in cells.
        chosen: uuid of the chosen GPU.
    """
    if not page.processes:
        return [ink.line().add("no process uses a GPU", "dim").fit(width)] if page.gpus else []
    names = {gpu.uuid: "?" if gpu.index is None else str(gpu.index) for gpu in page.gpus}
    heading = f"{'gpu':<4}{'pid':>8}  {'user':<10}{'job':<10}{'GiB':>5}  command"
    lines = [ink.line().add(heading, "dim", is_bold=True).fit(width)]
    for row in page.processes:
        role = "text" if chosen is None or row.uuid == chosen else "dim"
        pid = numbers.NULL if row.pid is None else str(row.pid)
        pen = ink.line().add(f"{names.get(row.uuid, '?'):<4}{pid:>8}  ", role)
        pen.add(f"{plain(row.user or numbers.NULL, 9):<10}{plain(row.job or numbers.NULL, 9):<10}", role)
        pen.add(f"{numbers.gib(row.memory_used_bytes):>5}  ", role)
        lines.append(pen.add(plain(row.command or numbers.NULL), role).fit(width))
    if page.processes_total > len(page.processes):
        rest = page.processes_total - len(page.processes)
        lines.append(ink.line().add(f"and {rest} more that hold less", "dim").fit(width))
    return lines


def events(ink: Ink, page: HostPage, width: int) -> list[Line]:
    """The host's recent events, newest first, by the host's own clock."""
    lines = [ink.line().add("events", "dim", is_bold=True).fit(width)]
    if not page.events:
        lines.append(ink.line().add("none since this program was started", "dim").fit(width))
    for event in page.events[:_EVENTS]:
        clock = time.strftime("%H:%M:%S", time.localtime(event.t_unix_s))
        what = event.what + (f" ×{event.count}" if event.count > 1 else "")
        pen = ink.line().add(f"{clock}  ", "dim").add(what, role_of(event.severity))
        lines.append(pen.add(f"  {event.where}" if event.where else "").add(f"  {event.text}").fit(width))
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
