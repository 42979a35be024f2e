"""The commands that sources are asked with, and what their output is read by."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from leptontui.config.ansible import hosts_of_tree
from leptontui.config.ansible_yaml import parse_ansible_list
from leptontui.config.file_sd import hosts_of, is_file_sd
from leptontui.config.found import FoundHost, NotUnderstood
from leptontui.config.hostlist import parse_hostlist
from leptontui.config.kube_nodes import parse_kube_nodes
from leptontui.config.named_hosts import parse_named_hosts
from leptontui.config.slurm_nodes import is_slurm_empty, parse_slurm_json, parse_slurm_text
from leptontui.config.source import SourceSpec

Read = Callable[[str], list[FoundHost]]


@dataclass(frozen=True, slots=True)
class Command:
    """One command.

    Attributes:
        argv: the argument vector.
        read: makes hosts of what it prints; raises `NotUnderstood`.
        mend: what the user can do if it fails.
    """

    argv: tuple[str, ...]
    read: Read
    mend: str = ""


def commands_of(spec: SourceSpec) -> tuple[tuple[Command, ...], ...]:
    """The commands of a source: all of the outer tuple are run; of an inner one the first that succeeds counts."""
    match spec.kind:
        case "slurm":
            return (_slurm(spec),)
        case "kubectl":
            return ((_kubectl(spec),),)
        case "clustershell":
            return tuple((_clustershell(group),) for group in spec.groups)
        case "ansible":
            return ((_ansible(spec),),)
        case "command":
            mend = "run it by hand: it must print JSON to standard output and exit with 0"
            return ((Command(spec.command, lambda text: read_any(text, spec.title), mend),),)
        case _:
            return ()


def _slurm(spec: SourceSpec) -> tuple[Command, ...]:
    """JSON where this Slurm can (since 21.08, if built with it), else one line a node, as every Slurm prints."""

    def read_text(text: str) -> list[FoundHost]:
        hosts = parse_slurm_text(text, spec.title)
        if not hosts and not is_slurm_empty(text):
            raise NotUnderstood("no nodes in it", expected="what scontrol show nodes prints")
        return hosts

    def read_json(text: str) -> list[FoundHost]:
        return parse_slurm_json(text, spec.title)

    mend = (
        "scontrol must answer there: try it by hand, or name another controller"
        if spec.controller
        else 'name the host where scontrol answers: controller = "login1"'
    )
    return (
        Command(("scontrol", "show", "nodes", "--json"), read_json, mend),
        Command(("scontrol", "--oneliner", "show", "nodes"), read_text, mend),
    )


def _kubectl(spec: SourceSpec) -> Command:
    argv = ["kubectl"]
    argv += [f"--kubeconfig={spec.kubeconfig}"] if spec.kubeconfig else []
    argv += [f"--context={spec.context}"] if spec.context else []
    argv += ["get", "nodes", "--output=json", f"--request-timeout={max(1, int(spec.timeout_s))}s"]
    argv += [f"--selector={spec.selector}"] if spec.selector else []
    mend = "kubectl get nodes must answer here: see its context and credentials"
    return Command(tuple(argv), lambda text: parse_kube_nodes(text, spec.title), mend)


def _clustershell(group: str) -> Command:
    """ClusterShell's own program, in a process of its own: a group may be looked up by running commands."""

    def read(text: str) -> list[FoundHost]:
        listed = parse_hostlist(*text.split())
        if listed.faults:
            raise NotUnderstood(listed.faults[0].found, expected=listed.faults[0].expected)
        name = group.removeprefix("@")
        return [FoundHost(host.name, groups=(name,), where=f"clustershell {group}") for host in listed.hosts]

    # Without -P a ClusterShell directory where the user happens to be would be run.
    argv = (sys.executable, "-P", "-m", "ClusterShell.CLI.Nodeset", "--expand", group)
    return Command(argv, read, f"nodeset -e {group} must know it: see /etc/clustershell/groups.conf")


def _ansible(spec: SourceSpec) -> Command:
    file = Path(spec.files[0])

    def read(text: str) -> list[FoundHost]:
        hosts, _ = hosts_of_tree(parse_ansible_list(text), file=str(file), folder=file.parent, groups=spec.groups)
        return hosts

    mend = f"install ansible-core, or save its answer once: ansible-inventory -i {file.name} --list > hosts.json"
    return Command(("ansible-inventory", "--inventory", str(file), "--list"), read, mend)


_EXPECTED: Final = 'JSON such as ["gpu1", {"name": "gpu2", "group": "train"}], or an inventory of Ansible or Prometheus'


def read_any(text: str, where: str) -> list[FoundHost]:
    """Hosts of any JSON that is known here: names, Ansible's listing, file_sd, Slurm's nodes, Kubernetes' nodes.

    Raises:
        NotUnderstood: it is none of these.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise NotUnderstood("not JSON", expected=_EXPECTED) from None
    if document and is_file_sd(document):
        return hosts_of(document, where)
    if not isinstance(document, dict) or "hosts" in document:
        return parse_named_hosts(text, where)
    if "nodes" in document:
        return parse_slurm_json(text, where)
    if "items" in document:
        return parse_kube_nodes(text, where)
    if "_meta" in document or "all" in document:
        hosts, _ = hosts_of_tree(parse_ansible_list(text), file=where, folder=Path.cwd())
        return [replace(host, where=where) for host in hosts]
    raise NotUnderstood("not a list of hosts", expected=_EXPECTED)
