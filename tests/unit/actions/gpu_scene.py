"""A host with GPUs that are none: it answers as nvidia-smi, systemctl, find, ps and kill would.

There is no GPU where these tests run. What drivers print is written down here as nvidia-smi 535 to 580 print it.
"""

from dataclasses import dataclass, field

from leptontui.transport.contract import Completed
from tests.unit.actions.setting_scene import not_found, said

PROBE = 'python3 -I -S -c import sys,json,zlib;n={"__name__":"lepton_probe.boot"}'
IN_USE = (
    "The following GPUs could not be reset:\n  GPU 00000000:1A:00.0: In use by another client\n\n"
    "1 device is currently being used by one or more other processes (e.g., Fabric Manager, CUDA application).\n"
)


@dataclass
class FakeGpu:
    uuid: str
    bus: str
    persistent: bool = True
    ecc: str = "3"
    temp: str = "34"
    clock: int = 345
    lock: tuple[int, int] | None = None
    pending: str = "No"


@dataclass
class FakeProcess:
    command: str
    user: str = "root"
    cgroup: str = "/system.slice/x.service"
    devices: tuple[str, ...] = ()
    computes_on: str = ""
    start: int = 1000
    state: str = "S"
    minds_term: bool = True
    minds_kill: bool = True


@dataclass
class FakeGpuHost:
    """GPUs, processes and units; call it with an argument vector."""

    gpus: list[FakeGpu] = field(default_factory=list)
    processes: dict[int, FakeProcess] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    switches: int = 0
    fabric: str = "N/A"
    boot: str = "aaaa-bbbb"
    resets: list[tuple[str, ...]] = field(default_factory=list)
    refuses: str = ""

    @classmethod
    def of(cls, count: int, **more: object) -> "FakeGpuHost":
        gpus = [
            FakeGpu(f"GPU-{n:08d}-aaaa-bbbb-cccc-dddddddddddd", f"00000000:{n + 16:02X}:00.0") for n in range(count)
        ]
        return cls(gpus, **more)  # type: ignore[arg-type]

    def __call__(self, argv: tuple[str, ...]) -> Completed | Exception:
        if argv[:3] == ("sudo", "-n", "-l"):
            return said("/usr/bin/x\n")
        if argv[:2] == ("sudo", "-n"):
            argv = argv[2:]
        if self.refuses and " ".join(argv).startswith(self.refuses):
            return said("", 1, f"{argv[0]}: it will not\n")
        if (argv[0] == "ps" and "-p" not in argv) or (argv[0] == "cat" and not argv[-1].endswith("/stat")):
            return said(f"{' '.join(argv)}\n")  # what evidence asks
        answer = {
            "nvidia-smi": self.smi,
            "find": self.find,
            "ps": self.ps,
            "grep": self.grep,
            "systemctl": self.systemctl,
            "kill": self.kill,
            "cat": self.cat,
            "ls": self.ls,
        }.get(argv[0])
        return not_found(argv) if answer is None else answer(argv)

    def smi(self, argv: tuple[str, ...]) -> Completed:  # noqa: PLR0911 — one for each thing that it can do
        words = " ".join(argv)
        meant = [gpu for gpu in self.gpus if "-i" not in argv or gpu.uuid == argv[argv.index("-i") + 1]]
        if "--query-gpu=" in words:
            rows = [
                f"{n}, {gpu.uuid}, {gpu.bus}, NVIDIA H100 80GB HBM3, {'Enabled' if gpu.persistent else 'Disabled'}, "
                f"{gpu.temp}, 4, {gpu.ecc}, {gpu.clock}, 1980"
                for n, gpu in enumerate(self.gpus)
            ]
            return said("\n".join(rows) + "\n")
        if "--query-compute-apps" in words:
            rows = [
                f"{pid}, {process.computes_on}, python train.py, with commas, 71234"
                for pid, process in self.processes.items()
                if process.computes_on
            ]
            return said("\n".join(rows) + "\n")
        if "--query-remapped-rows" in words:
            return said("".join(f"{gpu.uuid}, {gpu.pending}\n" for gpu in self.gpus))
        if argv[1:] == ("-q",):
            return said("".join(f"GPU {gpu.bus}\n    Fabric\n        State : {self.fabric}\n" for gpu in self.gpus))
        if "-pm" in argv:
            for gpu in meant:
                gpu.persistent = argv[-1] == "1"
            return said("All done.\n")
        if "--gpu-reset" in argv:
            return self.reset(argv, meant)
        if "-lgc" in argv:
            low, high = map(int, argv[-1].split(","))
            for gpu in meant:
                gpu.lock, gpu.clock = (low, high), min(high, 1980)
            return said(f'GPU clocks set to "(gpuClkMin {low}, gpuClkMax {high})" for GPU\nAll done.\n')
        if "-rgc" in argv:
            for gpu in meant:
                gpu.lock, gpu.clock = None, 345
            return said("All done.\n")
        return said("", 1, "Invalid combination of input arguments.\n")

    def reset(self, argv: tuple[str, ...], meant: list[FakeGpu]) -> Completed:
        holders = [process for process in self.processes.values() if process.devices or process.computes_on]
        if holders or any(gpu.persistent for gpu in meant):
            return said(IN_USE, 255)
        if self.switches and len(meant) != len(self.gpus):
            return said("all GPUs of the fabric have to be reset together\n", 255)
        self.resets.append(argv)
        for gpu in meant:
            gpu.ecc, gpu.pending = "0", "No"
        return said("".join(f"GPU {gpu.bus} was successfully reset.\n" for gpu in meant) + "All done.\n")

    def find(self, _: tuple[str, ...]) -> Completed:
        lines = [
            f"/proc/{pid}/fd/{n + 5} {device}"
            for pid, process in self.processes.items()
            for n, device in enumerate(process.devices)
        ]
        return said("".join(line + "\n" for line in lines), 1, "find: '/proc/77/fd': No such file or directory\n")

    def ps(self, argv: tuple[str, ...]) -> Completed:
        pids = [int(pid) for pid in argv[-1].split(",") if int(pid) in self.processes]
        if "etime=,nlwp=,ppid=" in argv:
            return said("   01:02:03   12   1\n") if pids else said("", 1)
        rows = [f"{pid:>7} {self.processes[pid].user:<32} {self.processes[pid].command}" for pid in pids]
        return said("\n".join(rows) + "\n", 0 if rows else 1)

    def grep(self, argv: tuple[str, ...]) -> Completed:
        if "-rH" in argv:
            rows = [
                f"/proc/driver/nvidia/gpus/{gpu.bus[4:].lower()}/information:Device Minor: \t {n}\n"
                for n, gpu in enumerate(self.gpus)
            ]
            return said("".join(rows))
        pids = [int(path.split("/")[2]) for path in argv[3:]]
        rows = [f"/proc/{pid}/cgroup:0::{self.processes[pid].cgroup}\n" for pid in pids if pid in self.processes]
        return said("".join(rows))

    def systemctl(self, argv: tuple[str, ...]) -> Completed:
        unit = argv[-1]
        if argv[1] not in {"start", "stop", "is-active"}:
            return said("0 loaded units listed.\n")
        if argv[1] == "is-active":
            state = self.units.get(unit, "inactive")
            return said(state + "\n", 0 if state == "active" else 3)
        self.units[unit] = "active" if argv[1] == "start" else "inactive"
        if argv[1] == "stop":
            self.processes = {
                pid: process for pid, process in self.processes.items() if not process.cgroup.endswith("/" + unit)
            }
        return said()

    def kill(self, argv: tuple[str, ...]) -> Completed:
        for word in argv[2:]:
            process = self.processes.get(int(word))
            if process is None:
                return said("", 1, f"kill: ({word}): No such process\n")
            if argv[1] == "-USR1":
                process.devices = ()
            elif (argv[1] == "-TERM" and process.minds_term) or (argv[1] == "-KILL" and process.minds_kill):
                del self.processes[int(word)]
        return said()

    def cat(self, argv: tuple[str, ...]) -> Completed:
        pid = int(argv[-1].split("/")[2])
        process = self.processes.get(pid)
        if process is None:
            return said(f"{self.boot}\n", 1, f"cat: /proc/{pid}/stat: No such file or directory\n")
        between = " ".join("0" for _ in range(17))
        return said(f"{self.boot}\n{pid} (odd) name\n(x) {process.state} 1 {between} {process.start} 9 9\n")

    def ls(self, _: tuple[str, ...]) -> Completed:
        if self.switches:
            return said("".join(f"0000:{n:02x}:00.0\n" for n in range(self.switches)))
        return said("", 2, "ls: cannot access '/proc/driver/nvidia-nvswitch/devices': No such file or directory\n")


class FakeController:
    """Slurm's view of one node."""

    def __init__(self, state: str = "IDLE+DRAIN", jobs: str = "") -> None:
        self.state, self.jobs = state, jobs

    def __call__(self, argv: tuple[str, ...]) -> Completed:
        if argv[:3] == ("scontrol", "show", "node"):
            return said(
                f"NodeName={argv[3]} Arch=x86_64\n   State={self.state} ThreadsPerCore=1\n   Partitions=train\n"
                "   Reason=anna: Xid 79 [root@2026-11-21T00:33:01]\n\n"
            )
        if argv[0] == "squeue":
            return said(self.jobs if "-h" in argv else f"JOBID|USER\n{self.jobs}")
        return not_found(argv)
