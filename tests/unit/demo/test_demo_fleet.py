"""The simulated fleet over real SSH in this process: asyncssh and OpenSSH clients, through the generated files."""

import asyncio
import json
import shutil
import stat
import tomllib
from contextlib import asynccontextmanager

import asyncssh
import pytest

from leptontui import wire
from leptontui.demo.fleet import demo_fleet
from leptontui.demo.incidents import Incident, IncidentKind
from leptontui.demo.layout import Role
from leptontui.errors import ConfigError

PROBE = "sh -c 'LEPTON_PROBE=1; exec python3 -c x'"


@asynccontextmanager
async def fleet(tmp_path, hosts=4, *incidents, history_s=100.0):
    async with demo_fleet(hosts, 2, directory=tmp_path / "demo", history_s=history_s, incidents=incidents) as running:
        yield running


def dial(running, name, **options):
    return asyncssh.connect(name, config=[str(running.inventory.parent / "ssh_config")], **options)


async def start_probe(connection, interval_s=0.1):
    process = await connection.create_process(PROBE, encoding=None)
    header = json.dumps({"size": 6, "interval_s": interval_s, "phase": 0.5})
    process.stdin.write(header.encode() + b"\nbundle")
    return process


async def read(process, wanted):
    """The first message for which `wanted` is true."""
    while line := await process.stdout.readline():
        message = wire.decode(line.rstrip(b"\n"))
        if wanted(message):
            return message
    raise AssertionError("the probe ended first")


async def test_hello_history_and_sweeps_arrive_and_the_probe_ends_with_its_stdin(tmp_path):
    async with fleet(tmp_path) as running, dial(running, "gpu-002") as connection:
        process = await start_probe(connection)
        messages = [wire.decode((await process.stdout.readline()).rstrip(b"\n")) for _ in range(13)]
        assert isinstance(messages[0], wire.Hello)
        assert messages[0].hostname == "gpu-002"
        assert len(messages[0].gpus) == 2
        assert [message.is_history for message in messages[1:]] == [True] * 10 + [False] * 2
        process.stdin.write_eof()
        completed = await process.wait()
        assert completed.exit_status == 0
        assert running.servers["gpu-002"].feeds == set()


async def test_each_host_has_a_key_of_its_own_and_a_wrong_one_is_refused(tmp_path):
    async with fleet(tmp_path) as running:
        known = (running.inventory.parent / "known_hosts").read_text().splitlines()
        assert len({line.split()[2] for line in known}) == 5
        assert {line.split()[0] for line in known} == {"gpu-001", "gpu-002", "gpu-003", "gpu-004", "login1"}
        with pytest.raises(asyncssh.HostKeyNotVerifiable):
            await dial(running, "gpu-001", host_key_alias="gpu-002")


async def test_nobody_gets_in_without_the_key(tmp_path):
    async with fleet(tmp_path) as running:
        stranger = asyncssh.generate_private_key("ssh-ed25519")
        with pytest.raises(asyncssh.PermissionDenied):
            await dial(running, "gpu-001", client_keys=[stranger])


async def test_the_files_are_private_and_gone_at_the_end(tmp_path):
    async with fleet(tmp_path) as running:
        folder = running.inventory.parent
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert stat.S_IMODE((folder / "id_ed25519").stat().st_mode) == 0o600
        inventory = tomllib.loads(running.inventory.read_text())
        assert inventory["ssh_config"] == "ssh_config"
        assert [group["name"] for group in inventory["group"]] == ["infer", "train"]
        assert {group["controller"] for group in inventory["group"]} == {"login1"}
    assert not folder.exists()


async def test_a_directory_that_holds_something_is_refused_and_left_alone(tmp_path):
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "precious").touch()
    with pytest.raises(ConfigError, match="not empty"):
        async with fleet(tmp_path):
            pass
    assert (tmp_path / "demo" / "precious").exists()


async def test_commands_run_on_hosts_and_on_the_controller(tmp_path):
    async with fleet(tmp_path) as running, dial(running, "gpu-001") as host, dial(running, "login1") as controller:
        restarted = await host.run("systemctl restart vllm.service")
        assert (restarted.exit_status, restarted.stderr) == (0, "")
        missing = await host.run("systemctl status nosuch")
        assert (missing.exit_status, missing.stderr) == (4, "Unit nosuch.service could not be found.\n")
        assert (await controller.run("hostname")).stdout == "login1\n"
        await controller.run("scontrol update nodename=gpu-002 state=DRAIN reason='anna: why not'")
        assert "Reason=anna: why not [demo@" in (await controller.run("scontrol show node gpu-002")).stdout


async def test_there_is_no_shell_and_the_controller_has_no_probe(tmp_path):
    async with fleet(tmp_path) as running, dial(running, "login1") as controller:
        assert (await controller.run()).exit_status == 1
        assert (await controller.run(PROBE)).exit_status == 1


async def test_a_gpu_off_the_bus_is_pushed_and_missing_from_the_sweeps(tmp_path):
    incident = Incident(IncidentKind.OFF_THE_BUS, 2.0, 60.0, 100.0, Role.TRAIN, 0.0, gpu=1)
    async with fleet(tmp_path, 2, incident) as running, dial(running, "gpu-001") as connection:
        process = await start_probe(connection)
        event = await read(process, lambda message: isinstance(message, wire.Event))
        assert (event.name, event.code) == ("xid", 79)
        sweep = await read(process, lambda message: isinstance(message, wire.Sweep))
        assert event.gpu_uuid not in {gpu.uuid for gpu in sweep.gpus}
        assert len(sweep.gpus) == 1


async def test_a_host_goes_away_refuses_connections_and_comes_back_on_the_same_port(tmp_path):
    incident = Incident(IncidentKind.HOST_AWAY, 2.0, 2.0, 100.0, Role.TRAIN, 0.0)
    async with fleet(tmp_path, 1, incident) as running:
        port = running.servers["gpu-001"].port
        connection = await dial(running, "gpu-001")
        process = await start_probe(connection)
        before = await read(process, lambda message: isinstance(message, wire.Hello))
        await connection.wait_closed()
        with pytest.raises(ConnectionRefusedError):
            await dial(running, "gpu-001")
        while True:
            try:
                connection = await dial(running, "gpu-001")
                break
            except ConnectionRefusedError:
                await asyncio.sleep(0.1)
        process = await start_probe(connection)
        after = await read(process, lambda message: isinstance(message, wire.Hello))
        assert after.boot_id != before.boot_id
        assert running.servers["gpu-001"].port == port
        connection.close()
        await connection.wait_closed()


@pytest.mark.skipif(shutil.which("ssh") is None, reason="no OpenSSH client here")
async def test_openssh_gets_in_with_the_same_files(tmp_path):
    async with fleet(tmp_path) as running:
        argv = ["ssh", "-F", str(running.inventory.parent / "ssh_config"), "-o", "BatchMode=yes", "gpu-001"]
        process = await asyncio.create_subprocess_exec(
            *argv, "systemctl", "status", "vllm.service",
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        stdout, stderr = await process.communicate()
        assert (process.returncode, stderr) == (0, b"")
        assert b"Active: active (running)" in stdout
