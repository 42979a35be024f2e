"""A host's own values as lines: CPU with its cores, memory, pressure, tasks, power, clock, and what the probe costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from leptontui.render import numbers
from leptontui.render.canvas import Line
from leptontui.render.gauge import bar, share_of, strip
from leptontui.render.ink import Ink, Pen, facts
from leptontui.render.quantity import size_text
from leptontui.view.host_rows import HostVitals

LABEL: Final = 9
_SOME_PCT, _FULL_PCT = 20.0, 10.0
"""Pressure: more of the one is a warning, more of the other critical (thresholds of the health rules)."""
_CLOCK_OFF_S: Final = 1.0
_CLOCK_SAME_S: Final = 0.05
"""Less is the network's doing as much as the clock's."""
_NEARLY_ALL: Final = 0.9
_MANY_BLOCKED: Final = 10
"""A few processes wait for a disk at any time."""
_MANY_ZOMBIES: Final = 1_000
"""As health judges them."""
_MINUTES: Final = 76
"""From this width on the minute's pressure stands beside that of ten seconds."""
_PROBE_PCT: Final = 0.5
"""Percent of a core: what the probe may cost; more is said in colour."""


def vitals_lines(ink: Ink, vitals: HostVitals, width: int) -> list[Line]:
    """All of them, one below the other."""
    room = max(8, min(26, width - 50))
    lines = [
        _cpu(ink, vitals, room).fit(width),
        _cores(ink, vitals, width),
        _memory(ink, "mem GiB", vitals.memory_used_bytes, vitals.memory_total_bytes, room)
        .draw(_memory_rest(ink, vitals, max(0, width - LABEL - room - 22)))
        .fit(width),
        _memory(ink, "swap GiB", vitals.swap_used_bytes, vitals.swap_total_bytes, room).fit(width),
        _pressure(ink, vitals, width),
        _tasks(ink, vitals, width),
        _power_and_clock(ink, vitals, width),
        _probe(ink, vitals, width),
    ]
    return [line for line in lines if line]


def label(ink: Ink, text: str) -> Pen:
    """A line that begins with what it tells."""
    return ink.line().add(f"{text:<{LABEL}}", "dim")


def _cpu(ink: Ink, vitals: HostVitals, room: int) -> Pen:
    cpu = label(ink, "cpu %").add(f"{numbers.percent(vitals.cpu_util_pct):>5} ")
    cpu.draw(bar(vitals.cpu_util_pct, 100.0, room, ink.style("series-1"), ink.style("rule")))
    for name, value in (
        ("user", vitals.cpu_user_pct),
        ("sys", vitals.cpu_system_pct),
        ("iowait", vitals.cpu_iowait_pct),
    ):
        cpu.add(f"  {name} ", "dim").add(numbers.percent(value))
    if vitals.cpu_steal_pct:
        cpu.add("  steal ", "dim").add(numbers.percent(vitals.cpu_steal_pct), "warning")
    return cpu


def _cores(ink: Ink, vitals: HostVitals, width: int) -> Line:
    loads = ink.line().add("  load ", "dim")
    loads.add("  ".join(numbers.three(value) for value in (vitals.load1, vitals.load5, vitals.load15)))
    if vitals.cpu_count is not None:
        loads.add(f" of {vitals.cpu_count}", "dim")
    heat = [ink.style(role) for role in ("dim", "series-1", "series-1", "warning")]
    cores = strip(vitals.cores_pct or (), 100.0, max(0, width - LABEL - loads.width), heat, ink.style("dim"))
    return label(ink, "cores").draw(cores).draw(loads.segments).fit(width)


def _memory(ink: Ink, name: str, used: int | None, total: int | None, room: int) -> Pen:
    pen = label(ink, name)
    if total == 0:
        return pen.add(f"{'none':>5}", "dim")
    pen.add(f"{numbers.gib(used):>5} ").draw(bar(used, total, room, ink.style("series-3"), ink.style("rule")))
    return pen.add("  of ", "dim").add(numbers.gib(total))


def _memory_rest(ink: Ink, vitals: HostVitals, width: int) -> Line:
    """OOM kills first: what else there is is told where there is room."""
    pieces: list[Pen] = []
    if vitals.oom_kills is not None:
        role = "warning" if vitals.oom_kills else "dim"
        pieces.append(ink.line().add("oom kills ", "dim").add(str(vitals.oom_kills), role))
    if vitals.slab_bytes is not None:
        pieces.append(ink.line().add("slab ", "dim").add(size_text(vitals.slab_bytes)))
    if vitals.hugepages_total_bytes:
        free = size_text(vitals.hugepages_free_bytes)
        pieces.append(ink.line().add("huge ", "dim").add(f"{size_text(vitals.hugepages_total_bytes)} ({free} free)"))
    return facts(ink, pieces, width, between=2)


def _pressure(ink: Ink, vitals: HostVitals, width: int) -> Line:
    """Pressure stall: ten-second means and, in brackets, the minute's; some and, where the kernel tells it, full."""
    rows = (
        ("cpu", vitals.pressure_cpu_some_pct, vitals.pressure_cpu_some60_pct, None, None),
        (
            "mem",
            vitals.pressure_memory_some_pct,
            vitals.pressure_memory_some60_pct,
            vitals.pressure_memory_full_pct,
            vitals.pressure_memory_full60_pct,
        ),
        (
            "io",
            vitals.pressure_io_some_pct,
            vitals.pressure_io_some60_pct,
            vitals.pressure_io_full_pct,
            vitals.pressure_io_full60_pct,
        ),
    )
    pen = label(ink, "stall %")
    if all(value is None for row in rows for value in row[1:]):
        return pen.add(numbers.NULL, "dim").add("  this kernel does not tell pressure", "dim").fit(width)
    for name, some, minute_some, full, minute_full in rows:
        some60, full60 = (minute_some, minute_full) if width >= _MINUTES else (None, None)
        pen.add(f"{name} ", "dim").draw(_stall(ink, some, some60, "warning", _SOME_PCT))
        if full is not None:
            pen.add(" full ", "dim").draw(_stall(ink, full, full60, "critical", _FULL_PCT))
        pen.add("  ")
    return pen.fit(width)


def _stall(ink: Ink, now: float | None, minute: float | None, role: str, limit: float) -> Line:
    is_bad = max(now or 0.0, minute or 0.0) > limit
    pen = ink.line().add(numbers.percent(now), role if is_bad else "dim" if now is None else "text", is_bold=is_bad)
    return pen.add(f" ({numbers.percent(minute)})" if minute is not None else "", "dim").segments


def _tasks(ink: Ink, vitals: HostVitals, width: int) -> Line:
    pieces: list[Pen] = []

    def count(name: str, value: int | None, role: str = "text") -> None:
        if value is not None:
            pieces.append(ink.line().add(f"{name} ", "dim").add(numbers.whole(value), role if value else "dim"))

    ills = (
        ("driver-blocked", vitals.tasks_driver_blocked, 1, "critical"),
        ("blocked", vitals.tasks_blocked, _MANY_BLOCKED, "warning"),
        ("zombies", vitals.tasks_zombies, _MANY_ZOMBIES, "warning"),
    )
    for name, value, many, role in ills:
        if value:
            count(f"▲ {name}" if value >= many else name, value, role if value >= many else "text")
    count("total", vitals.tasks_total)
    count("running", vitals.tasks_running)
    for name, value, *_ in ills:
        if not value:
            count(name, value)
    pieces += _of_most(ink, "pids", vitals.tasks_total, vitals.pids_max)
    pieces += _of_most(ink, "open files", vitals.fds_used, vitals.fds_max)
    return _labelled(ink, "tasks", pieces, width)


def _of_most(ink: Ink, name: str, used: int | None, most: int | None) -> list[Pen]:
    """How much of a kernel's limit is used."""
    share = share_of(used, most)
    if share is None:
        return []
    role = "warning" if share >= _NEARLY_ALL else "text"
    return [ink.line().add(f"{name} ", "dim").add(f"{numbers.percent(100 * share)} %", role).add(" of limit", "dim")]


def _power_and_clock(ink: Ink, vitals: HostVitals, width: int) -> Line:
    pieces: list[Pen] = []
    power = ink.line().add(numbers.power(vitals.host_power_w), "dim" if vitals.host_power_w is None else "text")
    if vitals.host_power_source:
        whole = {"ipmi": "IPMI", "rapl": "RAPL, CPUs only"}
        power.add(f" {whole.get(vitals.host_power_source, vitals.host_power_source)}", "dim")
    pieces.append(power)
    if vitals.clock_offset_s is not None:
        is_off = abs(vitals.clock_offset_s) >= _CLOCK_OFF_S
        clock = ink.line().add("clock ", "dim")
        ahead = "ahead of" if vitals.clock_offset_s >= 0 else "behind"
        if abs(vitals.clock_offset_s) < _CLOCK_SAME_S:
            clock.add("as ours")
        else:
            off = f"{'▲ ' if is_off else ''}{numbers.three(abs(vitals.clock_offset_s))} s"
            clock.add(off, "warning" if is_off else "text").add(f" {ahead} ours", "dim")
        pieces.insert(0 if is_off else 1, clock)
    return _labelled(ink, "power", pieces, width)


def _probe(ink: Ink, vitals: HostVitals, width: int) -> Line:
    """What watching costs the host, and in what the probe runs."""
    pieces: list[Pen] = []
    if vitals.probe_cpu_pct is not None:
        is_dear = vitals.probe_cpu_pct > _PROBE_PCT
        pen = ink.line().add(f"{numbers.percent(vitals.probe_cpu_pct)} %", "warning" if is_dear else "text")
        pieces.append(pen.add(" of a core", "dim"))
    if vitals.probe_rss_bytes is not None:
        pieces.append(ink.line().add(size_text(vitals.probe_rss_bytes)))
    if vitals.probe_sweep_s is not None:
        pieces.append(ink.line().add(f"{1000 * vitals.probe_sweep_s:.0f} ms", "text").add(" a sweep", "dim"))
    if vitals.runtime == "sh":
        pieces.insert(0, ink.line().add("▲ sh, no Python: fewer signals", "warning"))
    elif vitals.runtime:
        pieces.append(ink.line().add("in ", "dim").add(vitals.runtime))
    return _labelled(ink, "probe", pieces, width)


def _labelled(ink: Ink, name: str, pieces: Sequence[Pen], width: int) -> Line:
    if not pieces:
        return []
    rest = facts(ink, pieces, max(0, width - LABEL + 1), between=2)
    return label(ink, name).fit(LABEL - 1) + rest
