"""One `[[source]]` of an inventory: another inventory that is asked for hosts, and the options of these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from leptontui.config.found import FoundHost
from leptontui.config.hostlist import HostSpec
from leptontui.config.labels import joined_labels
from leptontui.config.options import KUBE_CONTEXT, OPTION_KEYS, THIS_MACHINE, read_options
from leptontui.config.problem import did_you_mean, quoted
from leptontui.config.reading import Table
from leptontui.model.target import HostTarget

KIND_KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "ssh_config": ("file",),
    "clustershell": ("groups",),
    "ansible": ("file", "groups"),
    "slurm": ("partitions",),
    "kubectl": ("context", "selector"),
    "file_sd": ("files",),
    "command": ("command",),
}
"""The keys that only one kind has."""
COMMON_KEYS: Final = ("kind", "name", "match", "refresh_s", "timeout_s")
SOURCE_KEYS: Final = tuple(
    dict.fromkeys((*COMMON_KEYS, *(key for keys in KIND_KEYS.values() for key in keys), *OPTION_KEYS))
)
DEFAULT_GROUPS: Final[Mapping[str, str]] = {"ssh_config": "ssh", "kubectl": "kubernetes"}

_SCHEDULERS: Final[Mapping[str, str]] = {"slurm": "slurm", "kubectl": "kubernetes"}
"""By the kind of a source, the scheduler of the hosts that it finds."""
_ASKED: Final = frozenset({"clustershell", "slurm", "kubectl", "command"})
_REFRESH_S: Final = 60.0
_TIMEOUT_S: Final = 20.0


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """One source as read. Two are equal if they ask for the same in the same way.

    Attributes:
        kind: a key of `KIND_KEYS`.
        name: the group its hosts belong to; None to take the group from what the source says.
        options: a target without a host's name.
        controller: where the scheduler's commands are run; None means this machine.
        match: patterns a host's name has to match one of; empty for all. With `!` before it, must not match.
        groups: ClusterShell groups, Ansible groups or Slurm partitions to be taken; empty for all.
        files: path or glob patterns of its files.
        command: argument vector.
        context, selector, kubeconfig: for kubectl.
        refresh_s: seconds between two askings.
        timeout_s: so long an answer may take.
        table: where it was read from.
        where: for people: "fleet.toml:12".
    """

    kind: str
    name: str | None = None
    options: HostTarget = field(default=HostTarget(""))
    controller: HostSpec | None = None
    match: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    context: str | None = None
    selector: str | None = None
    kubeconfig: str | None = None
    refresh_s: float = _REFRESH_S
    timeout_s: float = _TIMEOUT_S
    table: Table | None = field(default=None, compare=False, repr=False)
    where: str = field(default="", compare=False)

    @property
    def is_asked(self) -> bool:
        """Whether a program has to be asked; otherwise reading its files is enough (Ansible's may turn out to be)."""
        return self.kind in _ASKED

    @property
    def title(self) -> str:
        """What people call it: "slurm at login1"."""
        match self.kind:
            case "slurm":
                return f"slurm at {self.controller.name if self.controller else THIS_MACHINE}"
            case "clustershell":
                return f"clustershell {','.join(self.groups)}"
            case "kubectl":
                return f"kubectl context {self.context}" if self.context else "kubectl"
            case "command":
                return f"command {Path(self.command[0]).name}" if self.command else "command"
            case _:
                return f"{self.kind} {', '.join(self.files)}"

    def wants(self, name: str) -> bool:
        """Whether `match` lets a host of this name in."""
        wanted = [pattern for pattern in self.match if not pattern.startswith("!")]
        if any(fnmatchcase(name, pattern[1:]) for pattern in self.match if pattern.startswith("!")):
            return False
        return not wanted or any(fnmatchcase(name, pattern) for pattern in wanted)

    def target(self, host: FoundHost) -> HostTarget:
        """The target of a host it found: what the source says of it comes before the options."""
        options = self.options
        group = self.name or (host.groups[0] if host.groups else DEFAULT_GROUPS.get(self.kind, self.kind))
        return replace(
            options,
            name=host.name,
            group=group,
            address=host.address,
            user=host.user or options.user,
            port=host.port or options.port,
            identity=host.identity or options.identity,
            jump=host.jump or options.jump,
            gpus=host.gpus if options.gpus is None else options.gpus,
            origin=host.where,
            partitions=host.groups,
            node_state=host.node_state,
            labels=joined_labels(host.labels, options.labels),
        )


def read_source(table: Table, folder: Path, ssh_config: str | None) -> SourceSpec | None:
    """Read one source; problems go to the table, None if its kind is not known."""
    expected = "one of " + ", ".join(f'"{kind}"' for kind in KIND_KEYS)
    kind = table.text("kind", expected)
    if kind is None or kind not in KIND_KEYS:
        if "kind" not in table.values:
            table.problem("kind", "missing", expected)
        elif kind is not None:
            table.problem("kind", quoted(kind), expected, did_you_mean(kind.lower(), KIND_KEYS))
        return None
    own = KIND_KEYS[kind]
    _refuse_foreign(table, kind, own)
    name = table.text("name")
    options = read_options(table, name or "", folder, ssh_config, needs_controller=kind != "slurm")
    target = options.target
    context = table.text("context") if "context" in own else None
    if context is not None and KUBE_CONTEXT.fullmatch(context) is None:
        table.problem("context", quoted(context), "the name of one of kubectl's contexts")
        context = None
    if kind in _SCHEDULERS and target.scheduler in {None, _SCHEDULERS[kind]}:
        where = options.controller.name if options.controller else THIS_MACHINE
        target = replace(
            target,
            scheduler=_SCHEDULERS[kind],
            controller=where,
            kube_context=context or target.kube_context,
        )
    seconds = table.seconds("refresh_s", 1.0, 86_400.0), table.seconds("timeout_s", 1.0, 600.0)
    return SourceSpec(
        kind,
        name,
        target,
        options.controller,
        match=_match(table),
        groups=_groups(table, kind),
        files=_files(table, kind, folder, ssh_config),
        command=(table.argv("command", 'a list such as ["list-hosts", "--json"]') or ()) if "command" in own else (),
        context=target.kube_context if kind == "kubectl" else None,
        selector=table.text("selector") if "selector" in own else None,
        kubeconfig=target.kubeconfig if kind == "kubectl" else None,
        refresh_s=_REFRESH_S if seconds[0] is None else seconds[0],
        timeout_s=_TIMEOUT_S if seconds[1] is None else seconds[1],
        table=table,
        where=table.places("kind", [""])[0],
    )


def _refuse_foreign(table: Table, kind: str, own: tuple[str, ...]) -> None:
    known = (*COMMON_KEYS, *own, *OPTION_KEYS)
    table.refuse_unknown(known, elsewhere=(*SOURCE_KEYS, "hosts"))
    if "hosts" in table.values:
        table.problem("hosts", "not a key of a source", "", "hosts are listed in a [[group]]")
    for key in (key for key in table.values if key in SOURCE_KEYS and key not in known):
        belongs = ", ".join(other for other, keys in KIND_KEYS.items() if key in keys)
        table.problem(key, f'not a key of a source of kind "{kind}"', "", f"it belongs to {belongs}")


def _match(table: Table) -> tuple[str, ...]:
    value = table.values.get("match")
    expected = 'patterns such as ["gpu*", "!gpu-test*"]'
    patterns = [value] if isinstance(value, str) else table.texts("match", expected) or []
    for pattern in patterns:
        if not pattern.strip("! ") or not pattern.isprintable():
            table.problem("match", quoted(pattern), expected, item=pattern)
    return tuple(patterns)


def _groups(table: Table, kind: str) -> tuple[str, ...]:
    key = "partitions" if kind == "slurm" else "groups"
    if key not in KIND_KEYS[kind]:
        return ()
    expected = {"clustershell": 'a list such as ["@gpu", "@rack:1"]'}.get(kind, 'a list such as ["gpu"]')
    groups = table.texts(key, expected)
    if kind == "clustershell" and (groups is None or table.values[key] == []):
        table.problem(key, "missing" if groups is None else "empty", expected)
    for group in groups or []:
        if not group.strip() or not group.isprintable() or group.startswith("-"):
            table.problem(key, quoted(group), expected, item=group)
        elif kind == "clustershell" and "@" not in group:
            table.problem(key, quoted(group), expected, f'did you mean "@{group}"?', item=group)
    return tuple(groups or [])


def _files(table: Table, kind: str, folder: Path, ssh_config: str | None) -> tuple[str, ...]:
    if kind == "file_sd":
        expected = 'a list such as ["/etc/prometheus/targets/*.json"]'
        patterns = table.texts("files", expected)
        if patterns is None or table.values["files"] == []:
            table.problem("files", "missing" if patterns is None else "empty", expected)
        found = []
        for pattern in patterns or []:
            if not pattern.strip() or not pattern.isprintable():
                table.problem("files", quoted(pattern), expected, item=pattern)
                continue
            found.append(table.expanded("files", pattern, folder))
        return tuple(path for path in found if path is not None)
    if "file" not in KIND_KEYS[kind]:
        return ()
    path = table.path("file", folder)
    if path is None and kind == "ansible" and "file" not in table.values:
        table.problem("file", "missing", 'the path of an Ansible inventory such as "hosts.ini"')
    if path is None and kind == "ssh_config":
        path = table.path("ssh_config", folder) or ssh_config or str(Path("~/.ssh/config").expanduser())
    return () if path is None else (path,)
