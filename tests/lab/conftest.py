"""The lab: three real hosts, each with its own systemd and OpenSSH, and a driver in the place of a GPU's.

Tests that need it are skipped where it cannot be had, and fail there with LEPTON_LAB=required.
"""

import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.lab.slurm import SlurmLab, why_not
from tests.nvml.fake_nvml import build, write_readings

SCRIPT = Path(__file__).parent / "lab.sh"
HOME = Path(os.environ.get("LAB", "/var/tmp/leptontui-lab"))
HOSTS = 3
NEEDED = ("systemd-nspawn", "debootstrap", "ip", "ssh", "ssh-keygen", "gcc")
GPUS = 8
UNIT = "lepton-lab.service"
UNIT_TEXT = """\
[Unit]
Description=A service for the lab to restart
[Service]
ExecStart=/usr/bin/sleep infinity
[Install]
WantedBy=multi-user.target
"""


def unmet(reason: str) -> None:
    """Skip the test, or fail it where the lab is required."""
    if os.environ.get("LEPTON_LAB") == "required":
        pytest.fail(f"the lab is required, but {reason}")
    pytest.skip(reason)


@dataclass(frozen=True)
class LabHost:
    """One real host of the lab."""

    name: str
    address: str
    root: Path

    def ssh(self, *command: str, timeout_s: float = 20) -> str:
        """Run a command on it with OpenSSH's own client; returns what it printed."""
        finished = subprocess.run(
            [SCRIPT, "ssh", self.name, *command],
            capture_output=True,
            encoding="utf-8",
            errors="replace",  # some hosts print anything before they answer
            check=True,
            timeout=timeout_s,
        )
        return finished.stdout.strip()

    def cut(self) -> None:
        """Pull its network cable."""
        lab_sh("cut", self.name)

    def mend(self) -> None:
        """Put its network cable back."""
        lab_sh("mend", self.name)

    def readings(self, values: dict[str, object]) -> None:
        """What its GPUs' driver says from now on."""
        write_readings(self.root / "etc/fake_nvml", values)

    def probes(self) -> list[str]:
        """Command lines of the probes that run on it."""
        lines = self.ssh("ps -eo pid,args").splitlines()
        return [line for line in lines if "LEPTON_PROBE" in line or "lepton_probe" in line]


@dataclass(frozen=True)
class Lab:
    """All hosts, and an OpenSSH client configuration that knows them by name."""

    hosts: tuple[LabHost, ...]
    ssh_config: Path


def lab_sh(*arguments: str, timeout_s: float = 300) -> None:
    subprocess.run([SCRIPT, *arguments], check=True, timeout=timeout_s, capture_output=True, text=True)


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The lab, up; taken down at the end. One at a time on a machine."""
    if os.geteuid() != 0:
        unmet("it needs root")
    missing = [command for command in NEEDED if shutil.which(command) is None]
    if missing:
        unmet(f"these commands are missing: {', '.join(missing)}")
    HOME.mkdir(parents=True, exist_ok=True)
    with (HOME / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lab_sh("down")
        try:
            try:
                lab_sh("up", str(HOSTS))
            except subprocess.CalledProcessError as error:
                unmet(f"it does not come up: {error.stderr}")
            yield furnished(tmp_path_factory.mktemp("lab"))
        finally:
            lab_sh("down")


@pytest.fixture(scope="module")
def slurm() -> Iterator[SlurmLab]:
    """A real Slurm of two nodes."""
    if reason := why_not():
        unmet(reason)
    with SlurmLab() as lab:
        yield lab


def furnished(directory: Path) -> Lab:
    """Give every host a GPU driver and a service; write the client's configuration."""
    library = build(directory)
    hosts = tuple(LabHost(f"h{i}", f"10.77.0.{10 + i}", HOME / f"h{i}/root") for i in range(1, HOSTS + 1))
    config = [f"UserKnownHostsFile {HOME}/known_hosts", f"IdentityFile {HOME}/key", "IdentitiesOnly yes", "User root"]
    config = ["Host h*", *("  " + line for line in config)]
    for host in hosts:
        shutil.copy(library, host.root / "usr/lib/x86_64-linux-gnu/libnvidia-ml.so.1")
        host.readings({"count": GPUS, **{f"gpu{i}.uuid": f"GPU-{host.name}-{i}" for i in range(GPUS)}})
        (host.root / "etc/environment").write_text("LEPTON_FAKE_NVML=/etc/fake_nvml\n")
        (host.root / "etc/systemd/system" / UNIT).write_text(UNIT_TEXT)
        host.ssh("ldconfig && systemctl daemon-reload && systemctl enable --now " + UNIT)
        config += [f"Host {host.name}", f"  HostName {host.address}", f"  HostKeyAlias {host.address}"]
    ssh_config = directory / "ssh_config"
    ssh_config.write_text("\n".join(config) + "\n")
    return Lab(hosts, ssh_config)
