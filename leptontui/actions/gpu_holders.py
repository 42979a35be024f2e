"""Who holds a host's GPU devices open: services that can be stopped for a while, our own probes, and all others."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from leptontui.actions.evidence_masking import masked_lines
from leptontui.actions.privilege import ask_as_root
from leptontui.actions.reach import Reach
from leptontui.model.text import plain
from leptontui.transport.contract import Completed

PERSISTENCED: Final = "nvidia-persistenced.service"
FABRIC_MANAGER: Final = "nvidia-fabricmanager.service"

STOPPABLE: Final = frozenset(
    {
        FABRIC_MANAGER,
        PERSISTENCED,
        *("nvidia-dcgm.service", "dcgm.service", "nv-hostengine.service", "nvidia-dcgm-exporter.service"),
        *("dcgm-exporter.service", "nvidia_gpu_exporter.service", "nvidia-gpu-exporter.service", "nvidia-imex.service"),
        *("nvsm.service", "nvsm-core.service", "nvsm-mqtt.service", "gpud.service"),
    }
)
"""Services that hold GPUs open to look after them: stopped for a reset, and started again, without harm to jobs."""

_DEVICES: Final = re.compile(r"^/proc/([0-9]{1,10})/fd/[0-9]+ (/dev/nvidia(?:[0-9]+|-nvswitch[0-9]+))$", re.MULTILINE)
_CGROUP: Final = re.compile(r"^/proc/([0-9]{1,10})/cgroup:[0-9]+:[^:\n]*:([^\n]*)$", re.MULTILINE)
_MINOR: Final = re.compile(r"gpus/([0-9a-fA-F:.]+)/information:Device Minor:\s*([0-9]+)")
_UNIT: Final = re.compile(r"/([A-Za-z0-9:_.@\\-]+\.service)(?:/|$)")
_JOB: Final = re.compile(r"/job_([0-9]+)(?:/|$)")
_POD: Final = re.compile(r"/(?:[a-z-]*-)?pod([0-9a-f][0-9a-f_-]{20,40})")
_CONTAINER: Final = re.compile(r"/(docker|libpod)[-/]([0-9a-f]{12})")
_PROBE: Final = "lepton_probe.boot"
"""In the command line of the program's own probe, which reads the GPUs of every watched host."""


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that holds GPU devices open.

    Attributes:
        pid: by the host's count.
        devices: which, e.g. "/dev/nvidia3".
        user: whose.
        command: its command line without secrets.
        cgroup: of it.
    """

    pid: int
    devices: tuple[str, ...] = ()
    user: str = ""
    command: str = ""
    cgroup: str = ""

    @property
    def unit(self) -> str:
        """The system's service that it is of, "" if it is of none."""
        path = self.cgroup if "/user.slice" not in self.cgroup else ""
        found = _UNIT.findall(path)
        return found[-1] if found else ""

    @property
    def is_probe(self) -> bool:
        """Whether it is a probe of this program, whoever started it."""
        return _PROBE in self.command

    @property
    def owner(self) -> str:
        """What it belongs to: a job, a pod, a container or a service; "" where its cgroup does not say."""
        if job := _JOB.search(self.cgroup):
            return f"job {job[1]}"
        if pod := _POD.search(self.cgroup):
            return f"pod {pod[1].replace('_', '-')}"
        if container := _CONTAINER.search(self.cgroup):
            return f"container {container[2]}"
        return self.unit

    @property
    def words(self) -> str:
        """For people: "process 4242 (anna, job 8812): python train.py"."""
        whose = ", ".join(word for word in (self.user, self.owner) if word)
        return f"process {self.pid}" + (f" ({whose})" if whose else "") + f": {self.command or 'command not known'}"


async def holders_of(reach: Reach) -> tuple[list[Holder], str]:
    """Who holds GPU and NVSwitch devices open, and why that is not known in full ("" where it is).

    Only root sees whose they are of every process.

    Raises:
        ActionError: the host does not say who logs in.
        LinkError: the link broke.
        CommandTimeout: no answer in time.
    """
    done = await ask_as_root(
        reach,
        *("find", "/proc", "-maxdepth", "3", "-path", "/proc/[0-9]*/fd/*"),
        *("-lname", "/dev/nvidia*", "-printf", "%p %l\\n"),
    )
    held = parse_devices(done.stdout)
    gap = _gap(done)
    return await described(reach, held), gap


async def described(reach: Reach, held: dict[int, tuple[str, ...]]) -> list[Holder]:
    """Processes with their users, commands and cgroups, those that are gone meanwhile left out. Raises as above."""
    if not held:
        return []
    pids = ",".join(map(str, held))
    told = await reach.ask("ps", "-ww", "-o", "pid=,user:32=,args=", "-p", pids)
    groups = await reach.ask("grep", "-H", "", *(f"/proc/{pid}/cgroup" for pid in held))
    cgroups: dict[int, str] = {}
    for pid, path in _CGROUP.findall(groups.stdout):
        cgroups[int(pid)] = max(cgroups.get(int(pid), ""), plain(path, 400), key=len)
    found = []
    for line in told.stdout.split("\n"):
        fields = line.split(None, 2)
        if len(fields) < 2 or not fields[0].isdecimal() or int(fields[0]) not in held:  # noqa: PLR2004
            continue
        pid = int(fields[0])
        command = plain(masked_lines(fields[2] if len(fields) > 2 else ""), 2000)  # noqa: PLR2004
        found.append(Holder(pid, held[pid], plain(fields[1], 40), command, cgroups.get(pid, "")))
    if told.exit_status not in {0, 1}:  # 1 is said where none of them is there any more
        known = {holder.pid for holder in found}
        found += [Holder(pid, held[pid], cgroup=cgroups.get(pid, "")) for pid in held if pid not in known]
    return found


def parse_devices(text: str) -> dict[int, tuple[str, ...]]:
    """By pid the devices that it holds, from lines "/proc/PID/fd/N /dev/nvidiaN"."""
    held: dict[int, list[str]] = {}
    for pid, device in _DEVICES.findall(text):
        devices = held.setdefault(int(pid), [])
        if device not in devices:
            devices.append(device)
    return {pid: tuple(sorted(devices)) for pid, devices in held.items()}


async def devices_of(reach: Reach, bus_ids: Sequence[str]) -> frozenset[str] | None:
    """The device files of the GPUs in these places; None where the driver does not tell. Raises as `holders_of`."""
    done = await reach.ask("grep", "-rH", "Device Minor", "/proc/driver/nvidia/gpus")
    minors = {_place(bus): minor for bus, minor in _MINOR.findall(done.stdout)}
    wanted = [minors.get(_place(bus)) for bus in bus_ids]
    return None if None in wanted else frozenset(f"/dev/nvidia{minor}" for minor in wanted)


def _place(bus_id: str) -> str:
    """nvidia-smi prints eight digits of the PCI domain, /proc four."""
    domain, _, rest = bus_id.lower().partition(":")
    return f"{domain.lstrip('0') or '0'}:{rest}"


def _gap(done: Completed) -> str:
    if done.exit_status == 0:
        return ""
    if "sudo" in done.stderr or "Permission denied" in done.stderr:
        return "some processes could not be looked into: only root sees what they hold open"
    if done.exit_status == 1 and "No such file" in done.stderr:
        return ""  # processes that ended meanwhile
    return f"who holds the GPUs open is not known: {plain(done.stderr, 120) or f'exit status {done.exit_status}'}"
