"""GPU actions on a real host: its processes, /proc, sudo and systemd are real; nvidia-smi is a script: there is no GPU.

The script minds what the driver minds: it resets nothing while a process has a GPU's device file open. Those are plain
files here. Planned and run as the desk does it, but without its guard: what is shown here is what the host does.
"""

from __future__ import annotations

import asyncio
import tarfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from leptontui.actions.evidence import capture
from leptontui.actions.parameters import complete
from leptontui.actions.passwords import Passwords
from leptontui.actions.privilege import obtain
from leptontui.actions.reach import Prepared, Reach
from leptontui.actions.registry import PREPARE
from leptontui.actions.runner import Record, carry_out
from leptontui.actions.setting import Setting
from leptontui.errors import GuardRefused
from leptontui.model.action import ActionName, ActionRequest, Outcome, OutcomeKind
from leptontui.model.action_catalogue import SHIPPED
from leptontui.model.target import Fleet, HostTarget
from leptontui.transport.dialer import Dialer
from leptontui.transport.ssh import SshTransport
from tests.lab.conftest import UNIT, Lab, LabHost
from tests.lab.test_lab_services import PASSWORD, Facts, User, sudoers

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("lab"), pytest.mark.timeout(180)]

GPUS = tuple(f"GPU-0000000{n}-aaaa-bbbb-cccc-dddddddddddd" for n in range(2))
STAND_IN = f"""#!/bin/sh
state=/var/lib/stand-in
row() {{
  mode=Disabled; [ -e $state/pm$1 ] && mode=Enabled
  ecc=0; [ -e $state/ecc$1 ] && ecc=3
  echo "$1, $2, 00000000:0$1:00.0, NVIDIA H100 80GB HBM3, $mode, 34, 4, $ecc, 345, 1980"
}}
pm() {{ if [ "$2" = 1 ]; then : >$state/pm$1; else rm -f $state/pm$1; fi; }}
case "$*" in
  *--query-gpu=index*) row 0 {GPUS[0]}; row 1 {GPUS[1]};;
  *--query-compute-apps*)
    line=$(cat $state/apps 2>/dev/null); pid=${{line%%,*}}
    [ -n "$pid" ] && [ -e "/proc/$pid" ] && echo "$line";;
  "-i {GPUS[1]} -pm "*) pm 1 "$4"; echo "All done.";;
  "--gpu-reset -i {GPUS[1]}")
    holds=$(find /proc -maxdepth 3 -path '/proc/[0-9]*/fd/*' -lname '/dev/nvidia1' 2>/dev/null)
    if [ -n "$holds" ] || [ -e $state/pm1 ]
    then echo "GPU 00000000:01:00.0: In use by another client"; exit 255; fi
    rm -f $state/ecc1; echo "GPU 00000000:01:00.0 was successfully reset.";;
  *) echo "nvidia-smi $*";;
esac
exit 0
"""
DCGM = """[Unit]
Description=Holds a GPU open
[Service]
ExecStart=/bin/sh -c 'exec 7</dev/nvidia1; exec sleep infinity'
"""
HOLD = "exec 7</dev/nvidia1; {trap} while :; do sleep 0.2; done"


@dataclass
class Engineer:
    """Plans and runs on one host, as one login."""

    target: HostTarget
    transport: SshTransport
    passwords: Passwords
    told: list[str] = field(default_factory=list)
    record: Record = field(default_factory=Record)

    async def reach_of(self, target: HostTarget) -> Reach:
        await self.transport.connect()
        return Reach.of(target, self.transport, self.passwords)

    def setting(self, action: ActionName, **params: str) -> Setting:
        request = ActionRequest(action, self.target.name, params=tuple(sorted(params.items())))
        spec = SHIPPED[action]
        return Setting(
            request=complete(request, spec),
            spec=spec,
            target=self.target,
            fleet=Fleet("lab", (self.target,)),
            facts=Facts(),
            user="anna",
            plan_id="p1",
            clock=time.time,
            sleep=asyncio.sleep,
            tell=self.told.append,
            reach_of=self.reach_of,
        )

    async def plan(self, action: ActionName, **params: str) -> Prepared:
        return await PREPARE[action](self.setting(action, **params))

    async def run(self, prepared: Prepared) -> Outcome:
        await obtain(prepared)
        assert await prepared.deed.check_again() is None
        return await carry_out(prepared, self.record, time.time, tell=self.told.append)


@asynccontextmanager
async def engineer(lab: Lab, host: LabHost, login: str = "root", user: User | None = None) -> AsyncIterator[Engineer]:
    """Somebody at `host`."""
    dialer = Dialer()
    target = HostTarget(host.name, group="lab", user=login, ssh_config=str(lab.ssh_config), units=(UNIT,))
    transport = SshTransport(target, dialer)
    try:
        yield Engineer(target, transport, Passwords(user))
    finally:
        await transport.close()
        await dialer.close()


@pytest.fixture(scope="module")
def host(lab: Lab) -> Iterator[LabHost]:
    """h2, with a stand-in for nvidia-smi, device files that are none, and a login that is not root."""
    h2 = lab.hosts[1]
    script = h2.root / "usr/local/bin/nvidia-smi"
    script.write_text(STAND_IN)
    script.chmod(0o755)
    (h2.root / "etc/systemd/system/nvidia-dcgm.service").write_text(DCGM)
    h2.ssh(
        "mkdir -p /var/lib/stand-in; touch /dev/nvidia0 /dev/nvidia1; systemctl daemon-reload;"
        " id oncall 2>/dev/null || (useradd -m -s /bin/bash oncall && mkdir -p /home/oncall/.ssh"
        " && cp /root/.ssh/authorized_keys /home/oncall/.ssh/ && chown -R oncall: /home/oncall/.ssh);"
        f" echo 'oncall:{PASSWORD}' | chpasswd"
    )
    yield h2
    h2.ssh(
        "userdel -rf oncall; rm -rf /etc/sudoers.d/oncall /var/lib/stand-in; systemctl stop nvidia-dcgm holds || true"
    )


def hold(host: LabHost, *, trap: str = "") -> str:
    """Start a process that has GPU 1 open and computes on it; returns its pid."""
    host.ssh("systemctl stop holds 2>/dev/null; systemctl reset-failed holds 2>/dev/null; true")
    script = HOLD.format(trap=trap)
    host.ssh(f"systemd-run -q --unit=holds --slice=user.slice -p KillMode=none /bin/bash -c '{script}'")
    pid = host.ssh("systemctl show -p MainPID --value holds")
    host.ssh(f"echo '{pid}, {GPUS[1]}, bash, 71234' >/var/lib/stand-in/apps")
    return pid


def is_there(host: LabHost, pid: str) -> bool:
    return host.ssh(f"[ -e /proc/{pid} ] && echo yes || echo no") == "yes"


async def test_a_process_is_ended_by_term_with_sudo_and_a_password(lab: Lab, host: LabHost) -> None:
    pid = hold(host)
    sudoers(host, "oncall ALL=(root) ALL")
    user = User(PASSWORD)
    async with engineer(lab, host, "oncall", user) as anna:
        prepared = await anna.plan(ActionName.GPU_KILL, pid=pid)
        assert f"process {pid} (root" in prepared.plan.running_there[0]
        assert prepared.plan.steps[0].wants_password
        outcome = await anna.run(prepared)
    assert outcome.kind is OutcomeKind.VERIFIED, outcome
    assert not is_there(host, pid)
    assert len(user.asked) == 1
    assert PASSWORD not in repr((anna.told, anna.record, outcome, prepared.plan))


async def test_a_process_that_minds_no_term_is_killed(lab: Lab, host: LabHost) -> None:
    pid = hold(host, trap='trap "" TERM;')
    async with engineer(lab, host) as anna:
        outcome = await anna.run(await anna.plan(ActionName.GPU_KILL, pid=pid, grace="2"))
    assert outcome.kind is OutcomeKind.VERIFIED, outcome
    assert not is_there(host, pid)
    assert any("KILL in 2 s" in line for line in anna.told)
    assert [step["argv"][-2] for step in anna.record.steps] == ["-TERM", "-KILL"]


async def test_a_process_that_is_another_meanwhile_is_left_alone(lab: Lab, host: LabHost) -> None:
    pid = hold(host)
    async with engineer(lab, host) as anna:
        prepared = await anna.plan(ActionName.GPU_KILL, pid=pid)
        host.ssh(f"kill -KILL {pid}; while [ -e /proc/{pid} ]; do sleep 0.1; done")
        objection = await prepared.deed.check_again()
    assert objection is not None
    assert objection.rule == "changed-since"


async def test_a_gpu_in_use_is_not_reset_and_whoever_holds_it_is_named(lab: Lab, host: LabHost) -> None:
    pid = hold(host)
    host.ssh("rm -f /var/lib/stand-in/apps")
    async with engineer(lab, host) as anna:
        with pytest.raises(GuardRefused, match=f"the GPU is held open: process {pid}") as refusal:
            await anna.plan(ActionName.GPU_RESET, gpu="1")
        assert refusal.value.rule == "gpu-in-use"
        host.ssh("systemctl kill -s KILL holds; systemctl stop holds; true")
        await anna.plan(ActionName.GPU_RESET, gpu="1")


async def test_a_reset_stops_what_holds_the_gpu_and_starts_it_again(lab: Lab, host: LabHost) -> None:
    host.ssh(
        "systemctl kill -s KILL holds 2>/dev/null; systemctl stop holds 2>/dev/null; rm -f /var/lib/stand-in/apps;"
        " touch /var/lib/stand-in/pm1 /var/lib/stand-in/ecc1; systemctl restart nvidia-dcgm"
    )
    before = host.ssh("systemctl show -p MainPID --value nvidia-dcgm")
    async with engineer(lab, host) as anna:
        prepared = await anna.plan(ActionName.GPU_RESET, gpu="1")
        assert "stopped for that while, and started again: nvidia-dcgm.service" in prepared.plan.warnings
        outcome = await anna.run(prepared)
    assert outcome.kind is OutcomeKind.VERIFIED, outcome
    assert [" ".join(step["argv"][:2]) for step in anna.record.steps] == [
        "nvidia-smi -i",
        "systemctl stop",
        "nvidia-smi --gpu-reset",
        "systemctl start",
        "nvidia-smi -i",
    ]
    assert host.ssh("systemctl show -p MainPID --value nvidia-dcgm") not in {before, "0"}
    assert host.ssh("ls /var/lib/stand-in").split() == ["pm1"], "its errors are gone, persistence is on again"


async def test_evidence_of_a_real_host(lab: Lab, host: LabHost, tmp_path: Path) -> None:
    sudoers(host, "oncall ALL=(root) NOPASSWD: ALL")
    async with engineer(lab, host, "oncall") as anna:
        evidence = await capture(anna.setting(ActionName.EVIDENCE), tmp_path)
    assert not evidence.is_empty
    assert {"nvidia-smi -q", "boot and load", "processes", f"journal of {UNIT}"} <= set(evidence.parts), anna.told
    with tarfile.open(evidence.path) as archive:
        name = next(name for name in archive.getnames() if name.endswith(f"{UNIT}.txt"))
        journal = archive.extractfile(name)
        assert journal is not None
        assert b"A service for the lab to restart" in journal.read()
