"""docker of the simulated hosts: arguments in, its own text and exit status out (as of Docker 27).

`ps`, `inspect`, `restart`, `start`, `stop`, `logs` and `version`.
"""

from __future__ import annotations

import getopt
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from leptontui.demo.answer import Answer, failed, printed
from leptontui.demo.containers import Container, stamp
from leptontui.demo.systemctl import Machine

RESTART_S: Final = 1.0
_JSON: Final = re.compile(r"\{\{\s*json\s+((?:\.[A-Za-z]+)+|\.)\s*\}\}")
_PLAIN: Final = re.compile(r"\{\{\s*((?:\.[A-Za-z]+)+)\s*\}\}")


def docker(argv: list[str], machine: Machine) -> Answer:
    """`docker` with what follows it."""
    if not machine.login.is_operator:
        return failed(1, "permission denied while trying to connect to the Docker daemon socket")
    if not argv:
        return failed(1, "docker: 'docker' needs a command")
    verb, rest = argv[0], argv[1:]
    if verb == "container" and rest:
        verb, rest = rest[0], rest[1:]
    if verb in {"restart", "start", "stop"}:
        return _act(verb, rest, machine)
    return _QUESTIONS[verb](rest, machine) if verb in _QUESTIONS else failed(1, f"docker: '{verb}' is not simulated")


def podman(argv: list[str], machine: Machine) -> Answer:  # noqa: ARG001 — as every command
    """The simulated hosts have Docker only, and a podman without containers."""
    if argv[:1] == ["ps"]:
        return Answer()
    return failed(125, f'Error: no such object: "{argv[-1] if argv else ""}"')


def _inspect(argv: list[str], machine: Machine) -> Answer:
    try:
        options, names = getopt.gnu_getopt(argv, "f:s", ["format=", "type=", "size"])
    except getopt.GetoptError as error:
        return failed(125, f"unknown flag: --{error.opt}")
    given = dict(options)
    template = given.get("--format", given.get("-f", ""))
    lines: list[str] = []
    documents: list[dict[str, Any]] = []
    for name in names:
        container = machine.world.containers.find(machine.name, name)
        if container is None:
            text = "".join(line + "\n" for line in lines) if template else "[]\n"
            return Answer(1, text, f"Error response from daemon: No such container: {name}\n")
        documents.append(container.document(machine.t_unix_s))
        lines.append(_filled(template, documents[-1]))
    return printed(lines if template else [json.dumps(documents, indent=4)])


def _filled(template: str, document: Mapping[str, Any]) -> str:
    """A Go template with nothing in it but fields, `{{json .State}}` or `{{.Name}}`."""

    def value(path: str) -> Any:  # noqa: ANN401 — whatever stands there
        found: Any = document
        for key in filter(None, path.split(".")):
            found = found.get(key) if isinstance(found, dict) else None
        return found

    text = _JSON.sub(lambda match: json.dumps(value(match[1])), template)
    return _PLAIN.sub(lambda match: str(value(match[1])), text)


def _ps(argv: list[str], machine: Machine) -> Answer:
    try:
        options, _ = getopt.gnu_getopt(argv, "aqf:", ["all", "quiet", "no-trunc", "format=", "filter="])
    except getopt.GetoptError as error:
        return failed(125, f"unknown flag: --{error.opt}")
    given = dict(options)
    containers = [
        one
        for one in machine.world.containers.of(machine.name)
        if one.stopped_unix_s is None or {"-a", "--all"} & set(given)
    ]
    if {"-q", "--quiet"} & set(given):
        return printed([one.ident[:12] for one in containers])
    template = given.get("--format", "")
    rows = [_ps_row(one, machine.t_unix_s) for one in containers]
    if template == "json":
        return printed([json.dumps(row) for row in rows])
    if template:
        return printed([_filled(template, row) for row in rows])
    heads = ("ID", "Image", "Status", "Names")
    lines = [f"{'CONTAINER ID':<15}{'IMAGE':<62}{'STATUS':<24}NAMES"]
    return printed(lines + ["{:<15}{:<62}{:<24}{}".format(*(row[head] for head in heads)) for row in rows])


def _ps_row(container: Container, t_unix_s: float) -> dict[str, str]:
    up_s = max(0, int(t_unix_s - container.started_unix_s))
    is_up = container.stopped_unix_s is None
    status = f"Up {up_s // 60} minutes ({container.health(t_unix_s)})" if is_up else "Exited (0)"
    return {
        "ID": container.ident[:12],
        "Image": container.image,
        "Status": status,
        "State": "running" if is_up else "exited",
        "Names": container.name,
    }


def _act(verb: str, argv: list[str], machine: Machine) -> Answer:
    try:
        _, names = getopt.gnu_getopt(argv, "t:s:", ["time=", "timeout=", "signal="])
    except getopt.GetoptError as error:
        return failed(125, f"unknown flag: --{error.opt}")
    table = machine.world.containers
    said: list[str] = []
    for name in names:
        container = table.find(machine.name, name)
        if container is None:
            return Answer(1, "".join(said), f"Error response from daemon: No such container: {name}\n")
        if verb == "stop":
            table.put(machine.name, replace(container, stopped_unix_s=machine.t_unix_s))
        elif verb == "restart" or container.stopped_unix_s is not None:
            table.put(machine.name, replace(container, started_unix_s=machine.t_unix_s, stopped_unix_s=None))
        said.append(f"{name}\n")
    return Answer(0, "".join(said), takes_s=RESTART_S)


def _logs(argv: list[str], machine: Machine) -> Answer:
    try:
        options, names = getopt.gnu_getopt(argv, "n:tf", ["tail=", "timestamps", "since="])
    except getopt.GetoptError as error:
        return failed(125, f"unknown flag: --{error.opt}")
    container = machine.world.containers.find(machine.name, names[0]) if names else None
    if container is None:
        return failed(1, f"Error response from daemon: No such container: {names[0] if names else ''}")
    has_times = any(key in {"-t", "--timestamps"} for key, _ in options)
    at = f"{stamp(container.started_unix_s)} " if has_times else ""
    return printed([f"{at}{container.name}: started", f"{at}{container.name}: ready"])


def _version(_: list[str], __: Machine) -> Answer:
    return printed(["Docker version 27.5.1, build 9f9e405"])


_QUESTIONS: Final[dict[str, Callable[[list[str], Machine], Answer]]] = {
    "ps": _ps,
    "ls": _ps,
    "inspect": _inspect,
    "logs": _logs,
    "version": _version,
    "--version": _version,
}
