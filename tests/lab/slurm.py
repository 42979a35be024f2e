"""A real Slurm on loopback: munged, slurmctld and two slurmd in a directory and on ports of their own.

`SlurmLab` is a context manager. It needs root (slurmd does) and Debian's munge, slurmctld, slurmd and slurm-client.
Nothing of the machine's own Slurm or munge is touched: every daemon runs in the foreground as a child of this process
and is ended, with all that it started, when the block is left.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Self

_NEEDED = ("munged", "slurmctld", "slurmd", "scontrol", "squeue", "sinfo", "sbatch", "scancel")
# slurmd runs it on the node that is to reboot; whose it is, its parent's command line says.
_REBOOT = """\
#!/bin/sh
tr '\\0' ' ' </proc/$PPID/cmdline >>{root}/rebooted
echo >>{root}/rebooted
[ ! -x {root}/on-reboot ] || exec {root}/on-reboot
"""
_READY_WITHIN_S = 40.0
_POLL_S = 0.1

_CONF = """\
ClusterName=lab
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort={ctld_port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={munge_socket}
CryptoType=crypto/munge
CredType=cred/munge
StateSaveLocation={root}/state
SlurmdSpoolDir={root}/spool-%n
SlurmctldPidFile={root}/slurmctld.pid
SlurmdPidFile={root}/slurmd-%n.pid
SlurmctldLogFile={root}/slurmctld.log
SlurmdLogFile={root}/slurmd-%n.log
ProctrackType=proctrack/pgid
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
SlurmdTimeout=60
KillWait=2
RebootProgram={root}/reboot
ResumeTimeout=120
MailProg=/bin/true
NodeName={nodes} NodeHostname={hostname} NodeAddr=127.0.0.1 Port=[{slurmd_ports}] CPUs=2 RealMemory=100
PartitionName=train Nodes={nodes} Default=YES MaxTime=INFINITE State=UP OverSubscribe=NO
PartitionName=infer Nodes={first} MaxTime=INFINITE State=UP
"""


def why_not() -> str:
    """Why the lab cannot be had on this machine; "" if it can."""
    if os.geteuid() != 0:
        return "slurmd needs root"
    missing = [name for name in _NEEDED if shutil.which(name, path=_search_path()) is None]
    return f"not installed: {', '.join(missing)}" if missing else ""


def _search_path() -> str:
    return os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin"


def _free_ports(count: int) -> int:
    """First of `count` consecutive TCP ports nobody listens on."""
    for _ in range(200):
        first = 20_000 + secrets.randbelow(10_000)
        with ExitStack() as held:
            try:
                for port in range(first, first + count):
                    held.enter_context(socket.socket()).bind(("127.0.0.1", port))
            except OSError:
                continue
            return first
    raise RuntimeError("no free ports")


class SlurmLab:
    """A controller and compute nodes, gpu0 and gpu1 unless told otherwise, in partition train; the first also in infer.

    Args:
        node_names: what the nodes are called.

    Attributes:
        root: the directory all of it lives in; gone when the block is left.
        env: what has to be in the environment of a Slurm command.
    """

    def __init__(self, *node_names: str) -> None:
        self.node_names = node_names or ("gpu0", "gpu1")
        self._nodes = len(self.node_names)
        self._daemons: list[subprocess.Popen[bytes]] = []
        self._of_node: dict[str, subprocess.Popen[bytes]] = {}
        self._controller: subprocess.Popen[bytes] | None = None
        self._started = 0
        self.root = Path()
        self.env: dict[str, str] = {}

    def __enter__(self) -> Self:
        self.root = Path(tempfile.mkdtemp(prefix="slurm-lab-"))
        self.root.chmod(0o755)  # munged insists that everybody may reach its socket
        try:
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def command(self, *argv: str, timeout_s: float = 20.0) -> str:
        """Run one Slurm command as root and return what it printed; raises where it failed."""
        done = subprocess.run(argv, env=self.env, capture_output=True, text=True, timeout=timeout_s, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{argv}: exit {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout

    def state_of(self, node: str) -> str:
        """Slurm's word for the node's state, e.g. "idle", "draining"."""
        return self.command("sinfo", "-h", "-N", "-n", node, "-o", "%T").split()[0]

    def submit(self, node: str, seconds: int = 600, name: str = "train-llm") -> str:
        """Start a job that sleeps on `node`; returns its id once it runs."""
        job = self.command(
            "sbatch", "--parsable", "-w", node, "-J", name, "-o", "/dev/null", "-D", "/", f"--wrap=sleep {seconds}"
        ).strip()
        self._wait(lambda: self.command("squeue", "-h", "-j", job, "-o", "%T").strip() == "RUNNING", f"job {job}")
        return job

    def cancel_all(self) -> None:
        """End all jobs, and wait until Slurm has forgotten them."""
        self.command("scancel", "--user=root")
        self._wait(lambda: not self.command("squeue", "-h").strip(), "jobs to end")

    def wait_idle(self) -> None:
        """Wait until every node is idle and answers."""
        self._wait(self._all_idle, "the nodes to be idle")

    def restore(self) -> None:
        """Every node in service and no job, as at the beginning."""
        self.cancel_all()
        for node in self.node_names:
            if self.state_of(node) != "idle":
                done = subprocess.run(
                    ["scontrol", "update", f"nodename={node}", "state=RESUME"],
                    env=self.env,
                    capture_output=True,
                    check=False,
                )
                assert done.returncode in {0, 1}  # 1: it is in service, and only registers late
        self.wait_idle()

    def wait_for(self, is_so: Callable[[], bool], what: str) -> None:
        """Wait until something is so; raises with the daemons' logs if it does not come."""
        self._wait(is_so, what)

    @property
    def rebooted(self) -> str:
        """Command lines of the slurmd that were told to reboot."""
        path = self.root / "rebooted"
        return path.read_text() if path.exists() else ""

    def on_reboot(self, script: str) -> None:
        """What RebootProgram does; nothing unless this is said."""
        path = self.root / "on-reboot"
        path.write_text(script)
        path.chmod(0o755)

    def end_node(self, name: str, *, with_steps: bool = False) -> None:
        """The node falls over: its slurmd is gone, and with it what runs in jobs, if so said (on all nodes)."""
        self._end(self._of_node.pop(name))
        for pid in self._left_over() if with_steps else ():
            if any(word in _cmdline(pid) for word in (b"slurmstepd", b"slurm_script", b"sleep")):
                os.kill(pid, signal.SIGKILL)

    def start_node(self, name: str, *, has_rebooted: bool = False) -> None:
        """Its slurmd is there; `has_rebooted` says to slurmctld that it comes of a fresh boot."""
        flags = ("-b",) if has_rebooted else ()
        self._of_node[name] = self._daemon("slurmd", "-D", *flags, "-N", name, "-f", str(self.root / "slurm.conf"))

    def end_controller(self) -> None:
        """slurmctld is gone."""
        if self._controller is not None:
            self._end(self._controller)
            self._controller = None

    def start_controller(self) -> None:
        """slurmctld is there again, with what it knew."""
        self._controller = self._daemon("slurmctld", "-D", "-f", str(self.root / "slurm.conf"))
        self._wait(self._answers, "slurmctld to answer")

    def _answers(self) -> bool:
        done = subprocess.run(["scontrol", "ping"], env=self.env, capture_output=True, check=False)
        return done.returncode == 0

    def _end(self, daemon: subprocess.Popen[bytes]) -> None:
        self._daemons.remove(daemon)
        daemon.terminate()
        try:
            daemon.wait(15)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()

    def _start(self) -> None:
        (self.root / "munge").mkdir(mode=0o755)
        (self.root / "state").mkdir(mode=0o700)
        munge_socket = self.root / "munge" / "socket"
        first = _free_ports(1 + self._nodes)
        conf = self.root / "slurm.conf"
        conf.write_text(
            _CONF.format(
                root=self.root,
                munge_socket=munge_socket,
                ctld_port=first,
                slurmd_ports=f"{first + 1}-{first + self._nodes}",
                nodes=",".join(self.node_names),
                first=self.node_names[0],
                hostname=socket.gethostname().split(".")[0],
            )
        )
        self.env = {
            "PATH": _search_path(),
            "HOME": str(self.root),
            "LANG": "C.UTF-8",
            "SLURM_CONF": str(conf),
        }
        self._start_munge(munge_socket)
        (self.root / "reboot").write_text(_REBOOT.format(root=self.root))
        (self.root / "reboot").chmod(0o755)
        self._controller = self._daemon("slurmctld", "-D", "-f", str(conf))
        for name in self.node_names:
            (self.root / f"spool-{name}").mkdir(mode=0o755)
            self.start_node(name)
        self.wait_idle()

    def _start_munge(self, munge_socket: Path) -> None:
        key = self.root / "munge" / "key"
        key.touch(mode=0o600)
        key.write_bytes(secrets.token_bytes(1024))
        place = self.root / "munge"
        self._daemon(
            "munged",
            "--foreground",
            f"--key-file={key}",
            f"--socket={munge_socket}",
            f"--pid-file={place / 'pid'}",
            f"--seed-file={place / 'seed'}",
            "--num-threads=2",
        )
        self._wait(munge_socket.exists, "munged's socket")

    def _daemon(self, *argv: str) -> subprocess.Popen[bytes]:
        self._started += 1
        with (self.root / f"daemon-{self._started}-{argv[0]}.out").open("wb") as output:
            daemon = subprocess.Popen(
                argv, env=self.env, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd="/"
            )
        self._daemons.append(daemon)
        return daemon

    def _all_idle(self) -> bool:
        done = subprocess.run(
            ["sinfo", "-h", "-N", "-p", "train", "-o", "%T"], env=self.env, capture_output=True, text=True, check=False
        )
        return done.stdout.split() == ["idle"] * self._nodes

    def _wait(self, is_so: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + _READY_WITHIN_S
        while time.monotonic() < deadline:
            dead = [daemon for daemon in self._daemons if daemon.poll() is not None]
            if dead:
                break
            if is_so():
                return
            time.sleep(_POLL_S)
        raise RuntimeError(f"waited for {what}\n{self._logs()}")

    def _logs(self) -> str:
        files = sorted([*self.root.glob("*.log"), *self.root.glob("*.out")])
        return "\n".join(f"== {path.name}\n{path.read_text(errors='replace')[-1500:]}" for path in files)

    def _stop(self) -> None:
        for daemon in reversed([*self._daemons]):  # the nodes before the controller, munge last
            self._end(daemon)
        for pid in self._left_over():
            os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.root, ignore_errors=True)

    def _left_over(self) -> list[int]:
        """Processes of this lab that outlive the daemons: job steps and what runs in them, told by SLURM_CONF."""
        mark = f"SLURM_CONF={self.root}/slurm.conf".encode()
        found = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            try:
                if mark in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
            except OSError:
                continue  # it has just ended
        return found


def _cmdline(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


if __name__ == "__main__":
    with SlurmLab() as lab:
        sys.stdout.write(f"export SLURM_CONF={lab.env['SLURM_CONF']}\nctrl-c ends it\n")
        sys.stdout.flush()
        signal.sigwait({signal.SIGINT, signal.SIGTERM})
