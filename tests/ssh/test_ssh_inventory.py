"""A fleet whose inventory changes while it is watched, against real servers: links that may stay are left alone."""

from __future__ import annotations

import asyncio
import contextlib
import json

import pytest
from conftest import hello, sweep
from test_ssh_questions import SECRET, gated

from leptontui.config.choose import Choice
from leptontui.inventory.book import Book
from leptontui.model.link import LinkState
from leptontui.wiring.hosts import list_hosts
from leptontui.wiring.watch import FleetWatch

__all__ = ["gated"]  # a fixture


async def host(process):
    """A probe for every command."""
    process.stdout.write(hello())
    seq = 0
    with contextlib.suppress(asyncio.CancelledError):
        while not process.stdin.at_eof():
            seq += 1
            process.stdout.write(sweep(seq))
            await process.stdout.drain()
            await asyncio.sleep(0.05)


class Slurm:
    """A controller whose answer can be changed."""

    def __init__(self) -> None:
        self.nodes: dict[str, str] = {}
        self.is_up = True
        self.asked = 0

    async def __call__(self, process) -> None:
        self.asked += 1
        assert process.command == "scontrol show nodes --json" or not self.is_up
        if self.is_up:
            nodes = [
                {"name": name, "state": [state], "partitions": ["train"], "gres": "gpu:8"}
                for name, state in self.nodes.items()
            ]
            process.stdout.write(json.dumps({"nodes": nodes}).encode())
        else:
            process.stderr.write(b"slurm_load_node error: Unable to contact slurm controller\n")
        process.exit(0 if self.is_up else 1)


class Watching:
    """A running watch and its newest snapshot."""

    def __init__(self, book: Book) -> None:
        self.watch = FleetWatch(book.fleet(), interval_s=0.2, can_act=False, has_forecasts=False, book=book)
        self.watch.subscribe(self._take)
        self.watch.inventory._poll_s = 0.05
        self.snapshot = None
        self._newer = asyncio.Event()

    def _take(self, snapshot) -> None:
        self.snapshot = snapshot
        self._newer.set()

    async def until(self, holds):
        """Wait for a snapshot of which `holds` is true."""
        while self.snapshot is None or not holds(self.snapshot):
            self._newer.clear()
            await self._newer.wait()
        return self.snapshot


@contextlib.asynccontextmanager
async def watching(path):
    found = Watching(Book.open(Choice(inventory=path)))
    running = asyncio.create_task(found.watch.run())
    try:
        yield found
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def live(*names):
    return lambda snapshot: (
        set(snapshot.links) == set(names) and all(link.state is LinkState.LIVE for link in snapshot.links.values())
    )


def written(lab, *hosts, more=""):
    path = lab.directory / "fleet.toml"
    new = path.with_suffix(".new")
    listed = ", ".join(f'"{name}"' for name in hosts)
    groups = f'[[group]]\nname = "a"\nhosts = [{listed}]\n' if hosts else ""
    new.write_text(f'ssh_config = "{lab.config}"\n{groups}{more}')
    new.replace(path)
    return path


async def test_a_reload_adds_and_removes_without_touching_the_others(lab):
    for name in ("gpu-1", "gpu-2", "gpu-3"):
        await lab.start(name, host)
    path = written(lab, "gpu-1", "gpu-2")
    async with watching(path) as found:
        before = (await found.until(live("gpu-1", "gpu-2"))).links["gpu-1"]
        written(lab, "gpu-3", "gpu-1")
        after = await found.until(live("gpu-1", "gpu-3"))
        assert list(after.links) == ["gpu-3", "gpu-1"]
        assert after.links["gpu-1"].since_unix_s == before.since_unix_s
        assert after.links["gpu-1"].sweeps >= before.sweeps
        assert "gpu-2" not in after.targets
        assert after.frames.hosts["host"].to_list() == ["gpu-3", "gpu-1"]
    assert {name: server.dials for name, server in lab.hosts.items()} == {"gpu-1": 1, "gpu-2": 1, "gpu-3": 1}


async def test_a_broken_inventory_is_refused_and_nothing_is_dropped(lab):
    await lab.start("gpu-1", host)
    path = written(lab, "gpu-1")
    async with watching(path) as found:
        await found.until(live("gpu-1"))
        path.write_text("[[group]]\nhosts = 7\n")
        snapshot = await found.until(lambda snapshot: snapshot.notices)
        (notice,) = snapshot.notices
        assert notice.startswith(f"the changed inventory is not used: {path}:2: group 1: hosts: a whole number 7")
        assert live("gpu-1")(snapshot)
        written(lab, "gpu-1")
        await found.until(lambda snapshot: not snapshot.notices and live("gpu-1")(snapshot))
    assert lab.hosts["gpu-1"].dials == 1


async def test_a_host_that_is_reached_otherwise_is_dialled_anew(lab):
    for name in ("gpu-1", "gpu-2"):
        await lab.start(name, host)
    path = written(lab, "gpu-1", "gpu-2")
    async with watching(path) as found:
        await found.until(live("gpu-1", "gpu-2"))
        written(lab, "demo@gpu-1", "gpu-2")
        await found.until(lambda snapshot: snapshot.targets["gpu-1"].user == "demo" and lab.hosts["gpu-1"].dials == 2)
        await found.until(live("gpu-1", "gpu-2"))
    assert lab.hosts["gpu-2"].dials == 1


SLURM = '[[source]]\nkind = "slurm"\ncontroller = "login1"\nrefresh_s = 1\n'


async def test_nodes_of_a_slurm_come_and_change_state_and_links_stay(lab):
    slurm = Slurm()
    slurm.nodes = {"gpu-1": "IDLE"}
    await lab.start("login1", slurm)
    for name in ("gpu-1", "gpu-2"):
        await lab.start(name, host)
    path = written(lab, more=SLURM)
    async with watching(path) as found:
        first = await found.until(live("gpu-1"))
        row = first.frames.hosts.row(0, named=True)
        assert (row["node_state"], row["partitions"], row["gpus_expected"]) == ("idle", "train", 8)
        assert first.targets["gpu-1"].origin == "slurm at login1"
        slurm.nodes = {"gpu-1": "DRAINED", "gpu-2": "IDLE"}
        second = await found.until(live("gpu-1", "gpu-2"))
        assert second.frames.hosts["node_state"].to_list() == ["drained", "idle"]
        slurm.is_up = False
        third = await found.until(lambda snapshot: snapshot.notices)
        assert "slurm at login1: scontrol exited with 1: slurm_load_node error" in third.notices[0]
        assert "keeping the 2 hosts of" in third.notices[0]
        assert live("gpu-1", "gpu-2")(third)
    assert {name: server.dials for name, server in lab.hosts.items()} == {"login1": 1, "gpu-1": 1, "gpu-2": 1}


async def test_trying_hosts(lab, capsys, monkeypatch):
    await lab.start("gpu-1", host)
    await lab.start("bastion", host, is_forwarding=True)
    await lab.start("no-entry", host, authorized_client_keys=None)
    lab.extra["gpu-1"] = "  ProxyJump bastion\n"
    lab.write()
    path = written(lab, "gpu-1", "no-entry", "unheard-of.invalid")
    book = Book.open(Choice(inventory=path))
    # `list_hosts` has a loop of its own.
    code = await asyncio.to_thread(_list_hosts, book, monkeypatch)
    document = json.loads(capsys.readouterr().out)
    assert code == 3
    well, refused, unknown = document["hosts"]
    assert well["is_reached"]
    assert well["jump"] == [{"name": "bastion", "address": f"demo@127.0.0.1:{lab.hosts['bastion'].port}"}]
    assert (well["user"], well["address"], well["port"]) == ("demo", "127.0.0.1", lab.hosts["gpu-1"].port)
    assert well["identities"] == [str(lab.identity)]
    assert well["from"] == f"{path}:4"
    assert (refused["is_reached"], refused["fault"]["kind"]) == (False, "permission-denied")
    assert refused["fault"]["mend"]
    assert (unknown["is_reached"], unknown["fault"]["kind"]) == (False, "name-unknown")


async def test_trying_hosts_that_want_a_password(lab, gated, capsys, monkeypatch):
    for name in ("gpu-1", "gpu-2"):
        await gated(name)
    prompts = []
    monkeypatch.setattr("leptontui.wiring.terminal.getpass.getpass", lambda prompt: prompts.append(prompt) or SECRET)
    path = written(lab, "gpu-1", "gpu-2")
    book = Book.open(Choice(inventory=path, asks_password=True))
    code = await asyncio.to_thread(_list_hosts, book, monkeypatch, asks=True)
    assert code == 0, capsys.readouterr().out
    assert len(prompts) == 1, "asked once for the group"
    assert SECRET not in capsys.readouterr().out
    assert await asyncio.to_thread(_list_hosts, Book.open(Choice(inventory=path)), monkeypatch) == 3
    assert len(prompts) == 1, "nobody is asked unasked"


def _list_hosts(book, monkeypatch, *, asks=False) -> int:
    monkeypatch.setattr("leptontui.wiring.hosts.run_headless", asyncio.run)
    return list_hosts(book, is_tried=True, as_json=True, asks=asks)


@pytest.fixture(autouse=True)
def own_state(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
