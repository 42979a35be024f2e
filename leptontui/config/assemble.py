"""Makes one fleet of an inventory's groups and of what its sources found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from leptontui.config.found import Found
from leptontui.config.group import Group
from leptontui.config.hostlist import MAX_HOSTS, HostSpec
from leptontui.config.labels import LabelRule, joined_labels, labelled
from leptontui.config.options import THIS_MACHINE
from leptontui.config.source import SourceSpec
from leptontui.errors import ConfigError
from leptontui.model.target import Fleet, HostTarget

Asked = tuple[SourceSpec, Found]


def assemble(name: str, groups: Iterable[Group], asked: Sequence[Asked], labels: Sequence[LabelRule] = ()) -> Fleet:
    """The fleet. A host belongs to what names it first: groups before sources, each in the file's order.

    What names it again adds its groups as partitions, the state it tells, the GPUs it expects, and its labels. What
    `labels` says of a host wins over all of these.

    Raises:
        ConfigError: more hosts than a fleet may have.
    """
    groups = tuple(groups)
    hosts = {target.name: target for group in groups for target in group.targets}
    for spec, found in asked:
        for host in found.hosts:
            if not spec.wants(host.name):
                continue
            target = spec.target(host)
            known = hosts.get(host.name)
            hosts[host.name] = target if known is None else _with(known, target)
    if labels:
        hosts = {name: labelled(target, labels) for name, target in hosts.items()}
    if len(hosts) > MAX_HOSTS:
        raise ConfigError([f"{len(hosts):,} hosts in all, expected at most {MAX_HOSTS:,}"])
    return Fleet(name, tuple(hosts.values()), controllers_of([*groups, *(spec for spec, _ in asked)], hosts))


def _with(known: HostTarget, other: HostTarget) -> HostTarget:
    is_same = known.scheduler in {None, other.scheduler} and known.controller in {None, other.controller}
    return replace(
        known,
        partitions=tuple(dict.fromkeys((*known.partitions, *other.partitions))),
        node_state=known.node_state or other.node_state,
        gpus=other.gpus if known.gpus is None else known.gpus,
        address=known.address or other.address,
        scheduler=known.scheduler or other.scheduler,
        controller=known.controller or (other.controller if is_same else None),
        kube_context=known.kube_context or (other.kube_context if is_same else None),
        kubeconfig=known.kubeconfig or (other.kubeconfig if is_same else None),
        labels=joined_labels(known.labels, other.labels),
    )


def controllers_of(
    owners: Iterable[Group | SourceSpec], watched: Mapping[str, HostTarget], *, is_strict: bool = False
) -> dict[str, HostTarget]:
    """The controllers by name; a watched host that is one stays the same target.

    Args:
        owners: what names controllers.
        watched: the fleet's hosts by name.
        is_strict: note it as a problem where the same controller is to be reached in two ways.
    """
    found: dict[str, HostTarget] = {}
    for owner in owners:
        login = owner.controller
        if login is None:
            if owner.options.controller == THIS_MACHINE:
                found[THIS_MACHINE] = HostTarget(THIS_MACHINE, is_local=True)
            continue
        if (known := watched.get(login.name)) is not None:
            if is_strict:
                _refuse_other_login(owner, login, known)
            found[login.name] = known
            continue
        target = controller_target(owner.options, login)
        first = found.setdefault(login.name, target)
        if is_strict and owner.table is not None and _way(first) != _way(target):
            owner.table.problem(
                "controller", f'"{login.name}" is reached otherwise in group "{first.group}"', "the same options"
            )
    return found


def controller_target(options: HostTarget, login: HostSpec) -> HostTarget:
    """The host where a scheduler's commands are run, reached with the options of the group that names it."""
    return replace(
        options,
        name=login.name,
        user=login.user or options.user,
        port=login.port or options.port,
        services=(),
        scripts=(),
        units=(),
        watch_units=(),
        gpus=None,
    )


def _refuse_other_login(owner: Group | SourceSpec, login: HostSpec, known: HostTarget) -> None:
    is_other = (login.user or known.user, login.port or known.port) != (known.user, known.port)
    if is_other and owner.table is not None:
        owner.table.problem(
            "controller", f'"{login.name}" is a watched host with another user or port', f'controller = "{login.name}"'
        )


_WAY: Final = ("user", "port", "identity", "known_hosts", "jump", "ssh_config")


def _way(target: HostTarget) -> tuple[object, ...]:
    """What decides how a host is reached."""
    return tuple(getattr(target, name) for name in _WAY)
