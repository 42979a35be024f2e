"""nvidia-smi of the simulated hosts: arguments in, the real tool's text and exit status out (as of driver 580).

Queries, `-q`, `-L`, `topo -m`, `nvlink`; and what changes something: `-pm`, `-lgc`, `-rgc`, `--gpu-reset`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from leptontui import wire
from leptontui.demo.answer import Answer, failed, printed
from leptontui.demo.layout import SimulatedHost, bus_id
from leptontui.demo.nvidia_smi_text import full_text, link_text, summary_text, topology_text
from leptontui.demo.processes import processes_on
from leptontui.demo.readings import DRIVER
from leptontui.demo.systemctl import Machine

NOT_FOUND: Final = 6
"""A query for a device that is not there failed (nvidia-smi(1), "RETURN VALUE")."""
NO_PERMISSION: Final = 4
RESET_S: Final = 3.0
_MIB: Final = 1 << 20
_SPAN: Final = re.compile(r"(\d{2,5}),(\d{2,5})")


@dataclass(frozen=True, slots=True)
class Card:
    """One GPU as nvidia-smi sees it.

    Attributes:
        index: its number.
        identity: what does not change.
        reading: what does.
    """

    index: int
    identity: wire.GpuIdentity
    reading: wire.GpuReading


@dataclass(frozen=True, slots=True)
class _Call:
    """A call, taken apart.

    Attributes:
        machine: where and as whom.
        host: the host.
        cards: the GPUs that the driver lists.
        chosen: those of them that `-i` names, all without it.
        options: what else was given, by name.
    """

    machine: Machine
    host: SimulatedHost
    cards: tuple[Card, ...]
    chosen: tuple[Card, ...]
    options: dict[str, str]


def nvidia_smi(argv: list[str], machine: Machine) -> Answer:  # noqa: PLR0911 — one return for each thing it does
    """`nvidia-smi`, with what follows it."""
    if machine.host is None:
        return failed(127, "sh: 1: nvidia-smi: not found")
    cards = _cards(machine, machine.host)
    if argv[:1] == ["topo"]:
        return Answer(stdout=topology_text(len(cards)))
    if argv[:1] == ["nvlink"]:
        return Answer(stdout=link_text([card.identity for card in cards], has_errors="-e" in argv))
    options = _options(argv)
    wanted = options.pop("-i", "")
    chosen = tuple(card for card in cards if not wanted or _is_named(card, wanted))
    if not chosen:
        return Answer(NOT_FOUND, f"No devices were found for -i {wanted}\n")
    call = _Call(machine, machine.host, cards, chosen, options)
    for name, do in _DEEDS.items():
        if name in options:
            return do(call) if machine.login.is_root else _forbidden(call)
    for name, ask in _QUERIES.items():
        if name in options:
            return ask(call)
    return Answer(stdout=summary_text([(card.identity, card.reading) for card in chosen]))


def _options(argv: list[str]) -> dict[str, str]:
    """Options by name: `--name=value`, `-n value`, or alone."""
    found: dict[str, str] = {}
    last = ""
    for word in argv:
        if word.startswith("-"):
            name, _, value = word.partition("=")
            last = _LONG.get(name, name)
            found[last] = value
        elif last:
            found[last] = word
    return found


_LONG: Final = {
    "--id": "-i",
    "--query": "-q",
    "--list-gpus": "-L",
    "--display": "-d",
    "--persistence-mode": "-pm",
    "--lock-gpu-clocks": "-lgc",
    "--reset-gpu-clocks": "-rgc",
    "-r": "--gpu-reset",
}


def _cards(machine: Machine, host: SimulatedHost) -> tuple[Card, ...]:
    hello = machine.world.hello(host, t_unix_s=machine.t_unix_s, interval_s=1.0)
    sweep = machine.world.sweep(host, seq=0, t_unix_s=machine.t_unix_s)
    readings = {reading.uuid: reading for reading in sweep.gpus}
    return tuple(
        Card(identity.index, identity, readings[identity.uuid]) for identity in hello.gpus if identity.uuid in readings
    )


def _is_named(card: Card, wanted: str) -> bool:
    names = {str(card.index), card.identity.uuid, card.identity.pci_bus_id or ""}
    return bool(names & set(wanted.split(",")))


def _forbidden(call: _Call) -> Answer:
    lines = [f"Unable to change it for GPU {bus_id(card.index)}: Insufficient Permissions" for card in call.chosen[:1]]
    return Answer(NO_PERMISSION, "".join(line + "\n" for line in [*lines, "Terminating early due to previous errors."]))


def _persistence(call: _Call) -> Answer:
    word = call.options["-pm"]
    if word not in {"0", "1", "ENABLED", "DISABLED"}:
        return failed(2, f"Invalid combination of input arguments: {word} is not a persistence mode")
    is_on = word in {"1", "ENABLED"}
    call.machine.world.hands.set_persistence(call.host, is_on=is_on)
    said = "Enabled" if is_on else "Disabled"
    return _done([f"{said} persistence mode for GPU {bus_id(card.index)}." for card in call.chosen])


def _lock(call: _Call) -> Answer:
    match = _SPAN.fullmatch(call.options["-lgc"])
    if match is None or int(match[1]) > int(match[2]):
        return failed(2, f"Invalid argument: {call.options['-lgc']} is no range of clocks")
    span = int(match[1]), int(match[2])
    for card in call.chosen:
        call.machine.world.hands.lock_clocks(call.host, card.index, span)
    words = f'GPU clocks set to "(gpuClkMin {span[0]}, gpuClkMax {span[1]})" for GPU'
    return _done([f"{words} {bus_id(card.index)}" for card in call.chosen])


def _unlock(call: _Call) -> Answer:
    for card in call.chosen:
        call.machine.world.hands.lock_clocks(call.host, card.index, None)
    return _done([f"Reset GPU clocks to default for GPU {bus_id(card.index)}" for card in call.chosen])


def _reset(call: _Call) -> Answer:
    held = {device for process in processes_on(call.machine) for device in process.devices}
    busy = [card for card in call.chosen if f"/dev/nvidia{card.index}" in held]
    if any("nvswitch" in device for device in held) and len(call.cards) > 1:
        busy = list(call.chosen)
    if busy:
        lines = [f"  GPU {bus_id(card.index)}: In use by another client" for card in busy]
        text = "\n".join(["The following GPUs could not be reset:", *lines, ""])
        return Answer(19, f"{text}\n{len(busy)} devices are currently being used by one or more other processes.\n")
    if len(call.chosen) < len(call.cards):
        return Answer(3, "GPU Reset of single GPUs is not supported where they are joined by an NVSwitch.\n")
    for card in call.chosen:
        call.machine.world.hands.lock_clocks(call.host, card.index, None)
    lines = [f"GPU {bus_id(card.index)} was successfully reset." for card in call.chosen]
    return Answer(stdout="".join(line + "\n" for line in [*lines, "All done."]), takes_s=RESET_S)


def _done(lines: list[str]) -> Answer:
    return printed([*lines, "All done."])


_DEEDS: Final = {"-pm": _persistence, "-lgc": _lock, "-rgc": _unlock, "--gpu-reset": _reset}


def _query(call: _Call) -> Answer:
    is_persistent = call.machine.world.hands.is_persistent(call.host)
    rows = [_values(card, is_persistent=is_persistent) for card in call.chosen]
    return _csv(call, "--query-gpu", rows)


def _values(card: Card, *, is_persistent: bool) -> dict[str, tuple[str, str]]:
    """Fields of `--query-gpu` that are asked for, as (value, unit)."""
    identity, reading = card.identity, card.reading
    total, used = (identity.memory_total_bytes or 0) // _MIB, (reading.memory_used_bytes or 0) // _MIB
    return {
        "index": (str(card.index), ""),
        "uuid": (identity.uuid, ""),
        "name": (identity.name or "", ""),
        "serial": (identity.serial or "", ""),
        "pci.bus_id": (bus_id(card.index), ""),
        "vbios_version": (identity.vbios or "", ""),
        "driver_version": (DRIVER, ""),
        "persistence_mode": ("Enabled" if is_persistent else "Disabled", ""),
        "temperature.gpu": (f"{reading.temp_c:.0f}", ""),
        "utilization.gpu": (f"{reading.util_pct:.0f}", " %"),
        "memory.total": (str(total), " MiB"),
        "memory.used": (str(used), " MiB"),
        "memory.free": (str(total - used), " MiB"),
        "power.draw": (f"{reading.power_w:.2f}", " W"),
        "clocks.gr": (f"{reading.clock_sm_mhz:.0f}", " MHz"),
        "clocks.sm": (f"{reading.clock_sm_mhz:.0f}", " MHz"),
        "clocks.max.gr": (f"{identity.clock_sm_max_mhz:.0f}", " MHz"),
        "clocks.max.sm": (f"{identity.clock_sm_max_mhz:.0f}", " MHz"),
        "ecc.errors.uncorrected.volatile.total": (str(reading.ecc_uncorrected), ""),
        "ecc.errors.corrected.volatile.total": (str(reading.ecc_corrected), ""),
        "ecc.mode.current": ("Enabled", ""),
        "mig.mode.current": ("Disabled", ""),
        "gpu_uuid": (identity.uuid, ""),
        "gpu_bus_id": (bus_id(card.index), ""),
        "remapped_rows.pending": ("No", ""),
        "remapped_rows.failure": ("No", ""),
        "remapped_rows.correctable": ("0", ""),
        "remapped_rows.uncorrectable": ("0", ""),
    }


def _remapped(call: _Call) -> Answer:
    return _csv(call, "--query-remapped-rows", [_values(card, is_persistent=True) for card in call.chosen])


def _computing(call: _Call) -> Answer:
    sweep = call.machine.world.sweep(call.host, seq=0, t_unix_s=call.machine.t_unix_s)
    uuids = {card.identity.uuid for card in call.chosen}
    rows = [
        {
            "pid": (str(process.pid), ""),
            "gpu_uuid": (process.uuid, ""),
            "process_name": ((process.command or "").partition(" ")[0], ""),
            "name": ((process.command or "").partition(" ")[0], ""),
            "used_memory": (str((process.memory_used_bytes or 0) // _MIB), " MiB"),
            "used_gpu_memory": (str((process.memory_used_bytes or 0) // _MIB), " MiB"),
        }
        for process in sweep.processes
        if process.uuid in uuids
    ]
    return _csv(call, "--query-compute-apps", rows)


def _csv(call: _Call, option: str, rows: list[dict[str, tuple[str, str]]]) -> Answer:
    """One line for each row; a field that is not known fails the whole query, as with the real tool."""
    fields = call.options[option].split(",")
    form = call.options.get("--format", "").split(",")
    known = {name for row in rows for name in row}
    unknown = [field for field in fields if rows and field not in known]
    if unknown or not fields[0]:
        return Answer(2, f'Field "{(unknown or [""])[0]}" is not a valid field to query.\n')
    has_units = "nounits" not in form
    lines = [] if "noheader" in form else [", ".join(fields)]
    lines += [", ".join(value + unit * has_units for value, unit in (row[field] for field in fields)) for row in rows]
    return printed(lines)


def _list(call: _Call) -> Answer:
    return printed([f"GPU {card.index}: {card.identity.name} (UUID: {card.identity.uuid})" for card in call.chosen])


def _full(call: _Call) -> Answer:
    is_persistent = call.machine.world.hands.is_persistent(call.host)
    sections = set(filter(None, call.options.get("-d", "").upper().split(",")))
    cards = [(card.identity, card.reading) for card in call.chosen]
    return Answer(stdout=full_text(cards, sections, is_persistent=is_persistent, t_unix_s=call.machine.t_unix_s))


_QUERIES: Final = {
    "--query-gpu": _query,
    "--query-remapped-rows": _remapped,
    "--query-compute-apps": _computing,
    "-L": _list,
    "-q": _full,
}
