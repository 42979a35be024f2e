"""What evidence consists of: for each part the commands that may yield it, with limits. Nothing here changes a host."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from leptontui.actions.names import unit_reference
from leptontui.errors import ActionError
from leptontui.model.action_spec import Where
from leptontui.model.target import HostTarget

_MIB: Final = 1 << 20
_JOURNAL: Final = ("journalctl", "--no-pager", "-q", "-o", "short-iso-precise")
_ALWAYS: Final = (
    *("nvidia-persistenced.service", "nvidia-fabricmanager.service", "nvidia-dcgm.service", "slurmd.service"),
    *("kubelet.service", "containerd.service", "docker.service"),
)
"""Units whose journal matters on every GPU host that has them."""

_NOT_IN_A_FILE: Final = re.compile(r"[^A-Za-z0-9._-]+")

_SERIALS: Final = "index,uuid,serial,pci.bus_id,name,vbios_version,driver_version"
"""Fields that every driver since 418 knows: one that is not known fails the whole query."""

_JOBS: Final = "%i|%u|%a|%P|%j|%D|%C|%T|%M|%l|%S|%R"


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the evidence.

    Attributes:
        name: for people, e.g. "kernel log".
        file: its name in the archive.
        tries: argument vectors; the first that ends well, and says something, is taken.
        where: on the host or its controller.
        wants_root: with root's rights it tells more.
        may_be_absent: many hosts have nothing of the kind: it is then not missed.
        timeout_s: time limit of one command.
        limit: bytes that are kept of its output.
    """

    name: str
    file: str
    tries: tuple[tuple[str, ...], ...]
    where: Where = Where.HOST
    wants_root: bool = False
    may_be_absent: bool = False
    timeout_s: float = 20.0
    limit: int = 2 * _MIB


_SMI: Final = "nvidia-smi"

_OF_EVERY_HOST: Final = (
    Part(
        "kernel log",
        "kernel-log.txt",
        ((*_JOURNAL, "-k", "-b", "-n", "30000"), ("dmesg", "-T"), ("dmesg",)),
        wants_root=True,
        timeout_s=30.0,
        limit=8 * _MIB,
    ),
    Part("nvidia-smi -q", "nvidia-smi-q.txt", ((_SMI, "-q"),), timeout_s=45.0, limit=8 * _MIB),
    Part("nvidia-smi", "nvidia-smi.txt", ((_SMI,),)),
    Part(
        "ECC",
        "ecc.txt",
        ((_SMI, "-q", "-d", "ECC,ROW_REMAPPER,PAGE_RETIREMENT"), (_SMI, "-q", "-d", "ECC")),
    ),
    Part("serials", "serials.csv", ((_SMI, f"--query-gpu={_SERIALS}", "--format=csv"), (_SMI, "-L"))),
    Part(
        "GPU processes",
        "gpu-processes.csv",
        ((_SMI, "--query-compute-apps=gpu_uuid,pid,process_name,used_memory", "--format=csv"),),
    ),
    Part("topology", "topology.txt", ((_SMI, "topo", "-m"),)),
    Part("NVLink", "nvlink.txt", ((_SMI, "nvlink", "-s"),), may_be_absent=True),
    Part("NVLink errors", "nvlink-errors.txt", ((_SMI, "nvlink", "-e"),), may_be_absent=True),
    Part("host", "host.txt", (("uname", "-a"),)),
    Part(
        "boot and load",
        "boot.txt",
        (("cat", "/proc/sys/kernel/random/boot_id", "/proc/uptime", "/proc/loadavg", "/proc/cmdline"),),
    ),
    Part("memory", "memory.txt", (("cat", "/proc/meminfo"),)),
    Part(
        "processes", "processes.txt", (("ps", "-eo", "pid,ppid,user:20,lstart,stat,wchan:24,rss,args"), ("ps", "-ef"))
    ),
    Part("PCI devices", "pci.txt", (("lspci", "-vvv", "-d", "10de:"), ("lspci",)), wants_root=True),
    Part("filesystems", "filesystems.txt", (("df", "-hTl"), ("df", "-h"))),
    Part("failed units", "failed-units.txt", (("systemctl", "--failed", "--no-pager", "--plain"),)),
    Part("InfiniBand", "infiniband.txt", (("ibstat",), ("rdma", "link")), may_be_absent=True),
    Part(
        "kernel log of the boot before",
        "kernel-log-before.txt",
        ((*_JOURNAL, "-k", "-b", "-1", "-n", "5000"),),
        wants_root=True,
        may_be_absent=True,
        timeout_s=30.0,
        limit=4 * _MIB,
    ),
)


def parts_of(target: HostTarget) -> tuple[Part, ...]:
    """What is asked on the host itself, the most important first."""
    wanted = dict.fromkeys((*target.units, *target.watch_units, *_ALWAYS))
    journals = [_journal_of(n, text, is_named=text not in _ALWAYS) for n, text in enumerate(wanted, 1)]
    return (*_OF_EVERY_HOST, *(part for part in journals if part is not None))


def parts_of_slurm(node: str) -> tuple[Part, ...]:
    """What is asked of Slurm about a node, by its name there."""
    return (
        _on_controller("Slurm's node", "slurm-node.txt", ("scontrol", "show", "node", node)),
        _on_controller("jobs", "jobs.txt", ("squeue", "-w", node, "-o", _JOBS)),
    )


def parts_of_kubernetes(node: str, kubectl: Sequence[str]) -> tuple[Part, ...]:
    """What is asked of Kubernetes about a node; `kubectl` is how it is called, as a vector."""
    here = f"--field-selector=spec.nodeName={node}"
    about = f"--field-selector=involvedObject.name={node}"
    return (
        _on_controller("Kubernetes' node", "kube-node.txt", (*kubectl, "describe", "node", node)),
        _on_controller("pods", "pods.txt", (*kubectl, "get", "pods", "--all-namespaces", "--output=wide", here)),
        _on_controller("node events", "kube-events.txt", (*kubectl, "get", "events", "--all-namespaces", about)),
    )


def _on_controller(name: str, file: str, argv: tuple[str, ...]) -> Part:
    return Part(name, file, (argv,), where=Where.CONTROLLER)


def _journal_of(n: int, text: str, *, is_named: bool) -> Part | None:
    """The journal of a unit or container; None where it keeps none on the host."""
    try:
        unit = unit_reference(text)
    except ActionError:
        return None
    argv: tuple[str, ...]
    match unit.kind:
        case "systemd":
            argv = (*_JOURNAL, "-n", "3000", "-u", unit.name)
        case "user":
            argv = (*_JOURNAL, "--user", "-n", "3000", "-u", unit.name)
        case "docker" | "podman":
            argv = (unit.kind, "logs", "--timestamps", "--tail", "3000", unit.name)
        case _:
            return None
    file = _NOT_IN_A_FILE.sub("-", text).strip("-.")[:80]
    return Part(
        f"journal of {text}",
        f"journal-{n:02d}-{file}.txt",
        (argv,),
        wants_root=unit.kind != "user",
        may_be_absent=not is_named,
    )
