"""journalctl of the simulated hosts: the few lines systemd writes when a unit is started."""

from __future__ import annotations

import getopt
from datetime import UTC, datetime

from leptontui.demo.answer import Answer, failed, printed
from leptontui.demo.systemctl import Machine


def journalctl(argv: list[str], machine: Machine) -> Answer:
    """`journalctl -u UNIT [-n LINES] [-q] [--no-pager] [-o short-iso]`; `argv` without the program's name."""
    try:
        options, _ = getopt.gnu_getopt(argv, "u:n:o:q", ["unit=", "lines=", "output=", "quiet", "no-pager"])
    except getopt.GetoptError as error:
        option = f"unrecognized option '--{error.opt}'" if len(error.opt) > 1 else f"invalid option -- '{error.opt}'"
        return failed(1, f"journalctl: {option}")
    given = dict(options)
    unit, count = given.get("-u", given.get("--unit", "")), given.get("-n", given.get("--lines", "10"))
    if not count.isdecimal():
        return failed(1, f"Failed to parse lines '{count}'")
    name = unit if "." in unit else f"{unit}.service"
    state = machine.world.units.find(machine.name, name)
    if state is None or not machine.login.is_operator:
        is_quiet = bool({"-q", "--quiet"} & set(given))
        return Answer(1, "" if is_quiet else "-- No entries --\n")
    lines = [_line(state.started_unix_s, machine.name, f"Starting {name} - {state.file.description}...")]
    if state.is_active(machine.t_unix_s):
        lines.append(_line(state.entered_unix_s, machine.name, f"Started {name} - {state.file.description}."))
    return printed(lines[-int(count) :] if int(count) else [])


def _line(t_unix_s: float, host: str, text: str) -> str:
    return f"{datetime.fromtimestamp(t_unix_s, UTC):%Y-%m-%dT%H:%M:%S+0000} {host} systemd[1]: {text}"
