"""The options that a `[[group]]` and a `[[source]]` share: how their hosts are reached and what is watched there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from leptontui.config.hostlist import MAX_PORT, HostSpec, is_user, parse_login, split_items
from leptontui.config.labels import read_labels
from leptontui.config.problem import did_you_mean, quoted
from leptontui.config.reading import Table
from leptontui.config.services import read_services
from leptontui.config.unit_names import SYSTEMD_UNIT, unit_complaint
from leptontui.model.target import HostTarget

OPTION_KEYS: Final = (
    "user",
    "port",
    "identity",
    "known_hosts",
    "jump",
    "ssh_config",
    "password",
    "scheduler",
    "controller",
    "kube_context",
    "kubeconfig",
    "units",
    "watch_units",
    "gpus",
    "service",
    "script",
    "labels",
)
SCHEDULERS: Final = ("slurm", "kubernetes")
THIS_MACHINE: Final = "this machine"
"""Name of the controller where the scheduler's commands are run here; the space keeps it apart from every host's."""

KUBE_CONTEXT: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:/@+-]{0,252}")
"""Names of contexts as people and clouds make them (an ARN, gke_PROJECT_ZONE_NAME, admin@kubernetes)."""
MOST_GPUS: Final = 1024
"""More GPUs than this in one host are taken for a slip of the keyboard."""


@dataclass(frozen=True, slots=True)
class Options:
    """Options as read.

    Attributes:
        target: a target without a host's name.
        controller: where the scheduler's commands are run; None if none is named, or it is this machine.
    """

    target: HostTarget
    controller: HostSpec | None


def read_options(table: Table, group: str, folder: Path, ssh_config: str | None, *, needs_controller: bool) -> Options:
    """Read the options; problems go to the table.

    Args:
        table: the group or source.
        group: name of the group its hosts belong to.
        folder: what relative paths are relative to.
        ssh_config: the file's own `ssh_config`, used where the table has none.
        needs_controller: whether a scheduler without a controller is a problem.
    """
    controller = _controller(table, needs_controller=needs_controller)
    services, scripts = read_services(table)
    scheduler = _scheduler(table)
    is_here = scheduler == "kubernetes" and "controller" not in table.values  # kubectl is at home where its user is
    here = THIS_MACHINE if is_here or table.values.get("controller") == "localhost" else None
    target = HostTarget(
        name="",
        group=group,
        user=_user(table),
        port=table.number("port", 1, MAX_PORT),
        identity=table.path("identity", folder),
        known_hosts=table.path("known_hosts", folder),
        jump=_jump(table),
        ssh_config=table.path("ssh_config", folder) or ssh_config,
        scheduler=scheduler,
        controller=here if controller is None else controller.name,
        kube_context=_kube_context(table),
        kubeconfig=table.path("kubeconfig", folder),
        units=_units(table),
        watch_units=_watch_units(table),
        gpus=table.number("gpus", 0, MOST_GPUS),
        services=services,
        scripts=scripts,
        asks_password=_asks_password(table),
        labels=read_labels(table),
    )
    return Options(target, controller)


def _user(table: Table) -> str | None:
    user = table.text("user", "a login name")
    if user is None or is_user(user):
        return user
    table.problem("user", quoted(user), "a login name")
    return None


def _asks_password(table: Table) -> bool:
    if isinstance(table.values.get("password"), str):  # which is not repeated
        table.problem("password", "a text", "true or false", "no password is kept in a file: true lets it be asked for")
        return False
    return bool(table.flag("password"))


def _jump(table: Table) -> str | None:
    expected = "[user@]host[:port], several separated by commas"
    jump = table.text("jump", expected)
    if jump is None:
        return None
    items = list(split_items(jump))
    if not items or any(parse_login(item) is None for item in items):
        table.problem("jump", quoted(jump), expected)
        return None
    return ",".join(items)


def _controller(table: Table, *, needs_controller: bool) -> HostSpec | None:
    expected = "one [user@]host[:port], or localhost for this machine"
    text = table.text("controller", expected)
    if text is None:
        is_missing = table.values.get("scheduler") == "slurm" and "controller" not in table.values
        if needs_controller and is_missing:
            table.problem(
                "scheduler", '"slurm" without a controller', "", 'add controller = "login1", where scontrol is run'
            )
        return None
    if text == "localhost":
        return None
    login = parse_login(text)
    if login is None:
        table.problem("controller", quoted(text), expected)
    return login


def _scheduler(table: Table) -> str | None:
    expected = " or ".join(f'"{name}"' for name in SCHEDULERS)
    scheduler = table.text("scheduler", expected)
    if scheduler is None or scheduler in SCHEDULERS:
        return scheduler
    is_short = scheduler.lower() in {"k8s", "kube", "k3s"}
    hint = 'did you mean "kubernetes"?' if is_short else did_you_mean(scheduler.lower(), SCHEDULERS)
    table.problem("scheduler", quoted(scheduler), expected, hint)
    return None


def _kube_context(table: Table) -> str | None:
    expected = "the name of one of kubectl's contexts"
    context = table.text("kube_context", expected)
    if context is None or KUBE_CONTEXT.fullmatch(context) is not None:
        return context
    table.problem("kube_context", quoted(context), expected, "see kubectl config get-contexts")
    return None


def _units(table: Table) -> tuple[str, ...]:
    kept: dict[str, None] = {}
    for unit in table.texts("units", 'a list such as ["vllm.service"]') or []:
        expected, hint = unit_complaint(unit)
        if expected:
            table.problem("units", quoted(unit), expected, hint, item=unit)
        else:
            kept[unit] = None
    return tuple(kept)


def _watch_units(table: Table) -> tuple[str, ...]:
    units = table.texts("watch_units", 'a list such as ["vllm.service"]') or []
    for unit in units:
        if SYSTEMD_UNIT.fullmatch(unit) is None:
            hint = f'did you mean "{unit}.service"?' if SYSTEMD_UNIT.fullmatch(f"{unit}.service") else ""
            table.problem("watch_units", quoted(unit), "a systemd unit's name", hint, item=unit)
    return tuple(dict.fromkeys(unit for unit in units if SYSTEMD_UNIT.fullmatch(unit)))
