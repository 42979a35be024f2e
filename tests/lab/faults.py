"""Faults that are brought about on the lab's hosts: how each is made, how it must be shown, and how it is mended."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from leptontui.model.link import LinkState
from leptontui.snapshot import FleetSnapshot
from tests.lab.conftest import GPUS, SCRIPT, UNIT, Lab, LabHost

HOST = "h3"
"""The host that suffers."""
SERVICE = "inference"
SERVICE_UNIT = "lepton-lab-http.service"
SERVICE_TEXT = """\
[Unit]
Description=A service for the lab to ask how it is
[Service]
ExecStart=/usr/bin/python3 -m http.server --bind 127.0.0.1 --directory /usr/share/doc 8000
[Install]
WantedBy=multi-user.target
"""


@dataclass(frozen=True)
class Fault:
    """One fault.

    Attributes:
        name: what happens, as the table says it.
        break_it: brings it about.
        mend: undoes it; None for what mends itself.
        shown: what the screen says of it, None while it says nothing.
        within_s: so long it may take to be noticed.
        back_within_s: so long until all is as before once it is mended.
        is_redialled: whether the user has it dialled again once it is mended; who is refused is seldom dialled.
        stays: whether it goes on being shown once it is mended, because somebody has to look at it.
    """

    name: str
    break_it: Callable[[LabHost, Lab], object]
    mend: Callable[[LabHost, Lab], object] | None
    shown: Callable[[FleetSnapshot], str | None]
    within_s: float = 15.0
    back_within_s: float = 60.0
    is_redialled: bool = False
    stays: bool = False


def link_is(*states: LinkState, words: str = "", host: str = HOST) -> Callable[[FleetSnapshot], str | None]:
    """Shown as the state of the host's link."""

    def look(seen: FleetSnapshot) -> str | None:
        link = seen.links[host]
        cause = link.fault.cause if link.fault is not None else ""
        return f"{link.state.value}: {cause}" if link.state in states and words in cause else None

    return look


def gpu_says(pattern: str, index: int = 3) -> Callable[[FleetSnapshot], str | None]:
    """Shown as a finding of one GPU; afterwards others may say that it was so."""

    def look(seen: FleetSnapshot) -> str | None:
        rows = seen.frames.gpus.filter((pl.col("host") == HOST) & (pl.col("index") == index))
        health = rows["health"].item() if rows.height == 1 else None
        return f"GPU {index}: {health}" if health and re.match(pattern, health) else None

    return look


def host_says(words: str) -> Callable[[FleetSnapshot], str | None]:
    """Shown as a finding of the host."""

    def look(seen: FleetSnapshot) -> str | None:
        health = seen.frames.hosts.filter(pl.col("host") == HOST)["health"].item()
        return str(health) if health and words in health else None

    return look


def readings(**changes: object) -> Callable[[LabHost, Lab], None]:
    """What the host's driver says from now on: `gpu3_temp=95` is the key gpu3.temp."""

    def write(host: LabHost, _: Lab) -> None:
        values: dict[str, object] = {"count": GPUS, **{f"gpu{i}.uuid": f"GPU-{host.name}-{i}" for i in range(GPUS)}}
        values.update({key.replace("_", ".", 1) if key.startswith("gpu") else key: v for key, v in changes.items()})
        host.readings(values)

    return write


def run(command: str) -> Callable[[LabHost, Lab], str]:
    """A command on the host; whether it succeeds does not matter."""
    return lambda host, _: host.ssh(f"{command} || true")


def power(command: str) -> Callable[[LabHost, Lab], object]:
    """Pull the power, or switch it on again."""
    return lambda host, _: subprocess.run([SCRIPT, command, host.name], check=True, capture_output=True)


def unload_driver(host: LabHost, _: Lab) -> None:
    """The driver's module is unloaded: no call of NVML succeeds any more."""
    (host.root / "etc/fake_nvml").unlink()


def divide_gpu(host: LabHost, lab: Lab) -> None:
    """One GPU is divided into two instances."""
    names = {f"gpu3_mig{number}_uuid": f"MIG-{host.name}-3-{number}" for number in range(2)}
    readings(gpu3_mig_mode="1 1", gpu3_mig0="3g.40gb", gpu3_mig1="1g.10gb", **names)(host, lab)


def instances_are_rows(seen: FleetSnapshot) -> str | None:
    """Shown as rows of their own."""
    rows = seen.frames.gpus.filter((pl.col("host") == HOST) & (pl.col("index") == 3) & (pl.col("state") == "present"))
    names = rows["mig_profile"].drop_nulls().to_list() if "mig_profile" in rows.columns else []
    return f"rows of their own: {', '.join(names)}" if names else None


DROP = "systemd-run --quiet --timer-property=AccuracySec=10ms --on-active=0.2 pkill -KILL -f sshd:.root@notty"
"""Ends every SSH session of the host, a moment after the one that asks for it has ended."""


def drop_links(host: LabHost, _: Lab) -> None:
    """End every SSH session."""
    host.ssh(DROP)


def change_host_keys(host: LabHost, _: Lab) -> None:
    """Another host answers in its place, as far as anybody can tell."""
    host.ssh(
        "mkdir -p /root/kept && cp /etc/ssh/ssh_host_* /root/kept/ && rm /etc/ssh/ssh_host_*"
        f" && ssh-keygen -A >/dev/null && systemctl restart ssh && {DROP}"
    )


def restore_host_keys(host: LabHost, _: Lab) -> None:
    """Its own keys again; put into its root, since nobody who is careful would log in there now."""
    for path in (host.root / "root/kept").iterdir():
        target = host.root / "etc/ssh" / path.name
        target.write_bytes(path.read_bytes())
        target.chmod(0o600)
    subprocess.run([SCRIPT, "off", host.name], check=True, capture_output=True)
    subprocess.run([SCRIPT, "on", host.name], check=True, capture_output=True)


def shut_out(host: LabHost, _: Lab) -> None:
    """Nobody's key is welcome any more."""
    host.ssh(f"mv /root/.ssh/authorized_keys /root/.ssh/away && {DROP}")


def let_in(host: LabHost, _: Lab) -> None:
    """They are again."""
    (host.root / "root/.ssh/away").rename(host.root / "root/.ssh/authorized_keys")


GONE = LinkState.LOST
FAULTS: tuple[Fault, ...] = (
    Fault("network cable cut (half-open link)", lambda h, _: h.cut(), lambda h, _: h.mend(), link_is(GONE)),
    Fault("power lost", power("off"), power("on"), link_is(GONE)),
    Fault("SSH session killed", drop_links, None, link_is(GONE, LinkState.DIALING)),
    Fault("probe killed", run("pkill -KILL -f '[l]epton_probe'"), None, link_is(GONE)),
    Fault(
        "probe stopped",
        run("pkill -STOP -f '[l]epton_probe'"),
        run("pkill -CONT -f '[l]epton_probe'"),
        link_is(LinkState.STALE, GONE),
    ),
    Fault(
        "another host key",
        change_host_keys,
        restore_host_keys,
        link_is(LinkState.REFUSED, words="HAS CHANGED"),
        is_redialled=True,
    ),
    Fault(
        "login no longer allowed",
        shut_out,
        let_in,
        link_is(LinkState.REFUSED, words="ermission"),
        is_redialled=True,
    ),
    Fault("GPU driver hangs", readings(hang=1), readings(), host_says("driver hung"), within_s=10.0),
    Fault("GPU lost", readings(gpu3_lost=1), readings(), gpu_says("gone")),
    Fault("GPU overheats", readings(gpu3_temp=95), readings(), gpu_says("95 °C")),
    Fault("uncorrected ECC errors", readings(gpu3_ecc_uncorrected=2), readings(), gpu_says(r"\d+ ECC")),
    Fault("rows wait to be remapped", readings(gpu3_remap_pending=1), readings(), gpu_says("row remap"), within_s=20.0),
    Fault("GPU throttled by its hardware", readings(gpu3_throttle=0x48), readings(), gpu_says("HW (thermal|slowdown)")),
    Fault("Xid 79", readings(gpu3_xid=79), readings(), gpu_says("Xid 79"), stays=True),
    Fault("GPU divided into MIG instances", divide_gpu, readings(), instances_are_rows, within_s=30.0),
    Fault("GPU driver unloaded and loaded again", unload_driver, readings(), gpu_says("gone"), within_s=20.0),
    Fault(
        "service stops answering",
        run(f"systemctl stop {SERVICE_UNIT}"),
        run(f"systemctl start {SERVICE_UNIT}"),
        host_says(SERVICE),
        within_s=20.0,
    ),
    Fault(
        "unit fails",
        run(f"systemctl kill -s KILL {UNIT}"),
        run(f"systemctl restart {UNIT}"),
        host_says("lepton-lab"),
        within_s=20.0,
    ),
)
