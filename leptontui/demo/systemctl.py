"""systemctl of the simulated hosts: arguments in, systemd's own text and exit status out (as of systemd 252)."""

from __future__ import annotations

import getopt
from dataclasses import dataclass
from typing import Final

from leptontui.demo.answer import Answer, Login, failed, printed
from leptontui.demo.layout import CONTROLLER, SimulatedHost
from leptontui.demo.units import RESTART_S, UnitState, missing_properties, timestamp
from leptontui.demo.world import World

NOT_FOUND: Final = 4
"""Exit status of `status` and `is-active` for a unit that does not exist."""
NOT_INSTALLED: Final = 5
"""Exit status of `restart` for one."""
NOT_ACTIVE: Final = 3


@dataclass(frozen=True, slots=True)
class Machine:
    """Where and when a command runs, and who runs it.

    Attributes:
        world: the simulated fleet.
        host: the host; None for the controller.
        login: who runs it.
        t_unix_s: when.
    """

    world: World
    host: SimulatedHost | None
    login: Login
    t_unix_s: float

    @property
    def name(self) -> str:
        """Its host name."""
        return self.host.name if self.host else CONTROLLER


_VERBS: Final = ("show", "status", "is-active", "restart", "start", "stop", "try-restart")
_LONG: Final = ["property=", "no-pager", "value", "quiet", "full", "lines=", "user", "failed", "plain", "no-legend"]


def systemctl(argv: list[str], machine: Machine) -> Answer:  # noqa: PLR0911 — one return for each verb
    """`show`, `status`, `is-active`, `restart`, `start`, `stop` of units, `reboot` and what is said of the whole.

    `argv` is without the program's name.
    """
    try:
        options, words = getopt.gnu_getopt(argv, "p:qln:", _LONG)
    except getopt.GetoptError as error:
        option = f"unrecognized option '--{error.opt}'" if len(error.opt) > 1 else f"invalid option -- '{error.opt}'"
        return failed(1, f"systemctl: {option}")
    if ("--failed", "") in options:
        return printed(["0 loaded units listed."])
    if not words:
        return failed(1, "Interactive listing of units is not simulated.")
    verb, units = words[0], [name if "." in name else f"{name}.service" for name in words[1:]]
    if verb == "is-system-running":
        return printed(["running"])
    if verb == "reboot":
        return _reboot(machine)
    if verb not in _VERBS:
        return failed(1, f"Unknown command verb {verb}.")
    if not units:
        return failed(1, "Too few arguments.")
    is_own = ("--user", "") in options
    if is_own and not machine.login.is_operator:
        return failed(1, "Failed to connect to bus: No medium found")
    if verb == "show":
        wanted = {name for key, value in options if key in {"-p", "--property"} for name in value.split(",")}
        return _show(units, wanted, machine, is_bare=("--value", "") in options, is_own=is_own)
    if verb == "status":
        return _joined([_status(unit, machine, is_own=is_own) for unit in units])
    if verb == "is-active":
        is_quiet = any(key in {"-q", "--quiet"} for key, _ in options)
        return _is_active(units, machine, is_quiet=is_quiet, is_own=is_own)
    return _joined([_act(verb, unit, machine, is_own=is_own) for unit in units])


def _reboot(machine: Machine) -> Answer:
    if not machine.login.is_root:
        return failed(
            1,
            "Failed to set wall message, ignoring: Interactive authentication required.\n"
            "Call to Reboot failed: Interactive authentication required.",
        )
    if machine.host is None:
        return failed(1, "Call to Reboot failed: the simulated controller is never rebooted.")
    machine.world.reboot(machine.host, machine.t_unix_s)
    return Answer()


def _joined(answers: list[Answer]) -> Answer:
    statuses = [answer.exit_status for answer in answers if answer.exit_status]
    return Answer(
        statuses[0] if statuses else 0,
        "\n".join(answer.stdout for answer in answers),
        "".join(answer.stderr for answer in answers),
        sum(answer.takes_s for answer in answers),
    )


def _show(units: list[str], wanted: set[str], machine: Machine, *, is_bare: bool, is_own: bool) -> Answer:
    blocks = []
    for unit in units:
        state = machine.world.units.find(machine.name, unit, is_own=is_own)
        boot_s = machine.world.boot_unix_s(machine.host)
        properties = state.properties(machine.t_unix_s, boot_s) if state else missing_properties(unit)
        shown = {key: value for key, value in properties.items() if not wanted or key in wanted}
        blocks.append("".join((f"{value}\n" if is_bare else f"{key}={value}\n") for key, value in shown.items()))
    return Answer(stdout="\n".join(blocks))


def _status(unit: str, machine: Machine, *, is_own: bool) -> Answer:
    state = machine.world.units.find(machine.name, unit, is_own=is_own)
    if state is None:
        return failed(NOT_FOUND, f"Unit {unit} could not be found.")
    is_active = state.is_active(machine.t_unix_s)
    word = "{} ({})".format(*state.state(machine.t_unix_s))
    since_s = state.stopped_unix_s or (state.entered_unix_s if is_active else state.started_unix_s)
    lines = [
        f"{'●' if is_active else '◐'} {unit} - {state.file.description}",
        f"     Loaded: loaded (/lib/systemd/system/{unit}; enabled; preset: enabled)",
        f"     Active: {word} since {timestamp(since_s)}; {_ago(machine.t_unix_s - since_s)} ago",
        f"   Main PID: {state.main_pid} ({_process(state)})",
        "      Tasks: 148 (limit: 629145)",
        f"     CGroup: /system.slice/{unit}",
        f"             └─{state.main_pid} {state.file.command}",
    ]
    return Answer(0 if is_active else NOT_ACTIVE, "".join(line + "\n" for line in lines))


def _process(state: UnitState) -> str:
    return state.file.command.split()[0].rsplit("/", 1)[-1][:15]


def _ago(seconds: float) -> str:
    """A span as systemctl writes it: its two largest units."""
    left = max(0, int(seconds))
    parts = []
    for name, size in _SPANS:
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count}{name}{'s' if count > 1 and name.startswith(' ') else ''}")
    return " ".join(parts[:2]) or "0s"


_SPANS: Final = ((" month", 2_630_016), (" week", 604_800), (" day", 86_400), ("h", 3600), ("min", 60), ("s", 1))


def _is_active(units: list[str], machine: Machine, *, is_quiet: bool, is_own: bool) -> Answer:
    words, statuses = [], []
    for unit in units:
        state = machine.world.units.find(machine.name, unit, is_own=is_own)
        is_active = state is not None and state.is_active(machine.t_unix_s)
        words.append("inactive" if state is None else state.state(machine.t_unix_s)[0])
        statuses.append(0 if is_active else NOT_FOUND if state is None else NOT_ACTIVE)
    answer = printed([] if is_quiet else words)
    return Answer(0 if 0 in statuses else statuses[0], answer.stdout)


def _act(verb: str, unit: str, machine: Machine, *, is_own: bool) -> Answer:
    word = verb.removeprefix("try-")
    state = machine.world.units.find(machine.name, unit, is_own=is_own)
    if state is None:
        return failed(NOT_INSTALLED, f"Failed to {word} {unit}: Unit {unit} not found.")
    may = is_own or machine.login.is_root or (machine.login.is_operator and state.file.is_operable)
    if not may:
        return failed(
            1,
            f"Failed to {word} {unit}: Interactive authentication required.\n"
            f"See system logs and 'systemctl status {unit}' for details.",
        )
    is_stopped = state.stopped_unix_s is not None
    if verb == "stop":
        if not is_stopped:
            machine.world.units.stop(machine.name, unit, machine.t_unix_s, is_own=is_own)
    elif verb == "restart" or is_stopped is (verb == "start"):
        machine.world.restart_unit(machine.host, unit, machine.t_unix_s, is_own=is_own)
    else:
        return Answer()
    return Answer(takes_s=RESTART_S)
