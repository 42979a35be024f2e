"""Watching an inventory with real files: who is told what, and when."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from leptontui.config.choose import Choice
from leptontui.inventory.book import Book
from leptontui.inventory.watching import InventoryWatch
from leptontui.model.target import Fleet, HostTarget
from leptontui.transport.local import LocalTransport

INVENTORY = """
[[group]]
name = "a"
hosts = ["one"]
[[source]]
kind = "command"
command = ["sh", "{folder}/list"]
refresh_s = 1
"""


class Told:
    """What a watch told."""

    def __init__(self) -> None:
        self.fleets: list[Fleet] = []
        self.notices: dict[str, str] = {}
        self._changed = asyncio.Event()

    def apply(self, fleet: Fleet) -> None:
        self.fleets.append(fleet)
        self._changed.set()

    def notify(self, key: str, text: str | None) -> None:
        if text is None:
            del self.notices[key]
        else:
            self.notices[key] = text
        self._changed.set()

    async def until(self, holds: Callable[[], bool]) -> None:
        while not holds():
            self._changed.clear()
            await self._changed.wait()

    def names(self) -> list[str]:
        return [host.name for host in self.fleets[-1].hosts] if self.fleets else []


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "list").write_text("echo '[\"two\"]'")
    (tmp_path / "fleet.toml").write_text(INVENTORY.format(folder=tmp_path))
    return tmp_path


@pytest.fixture
async def told(folder: Path) -> AsyncIterator[Told]:
    """Of a running watch."""
    told = Told()
    book = Book.open(Choice(inventory=folder / "fleet.toml"))
    watch = InventoryWatch(book, _here, apply=told.apply, notify=told.notify, poll_s=0.02)
    running = asyncio.create_task(watch.run())
    await watch.settled.wait()
    yield told
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


def _here(target: HostTarget | None) -> LocalTransport:
    return LocalTransport()


def replace_file(path: Path, text: str) -> None:
    """As editors do."""
    new = path.with_suffix(".new")
    new.write_text(text)
    new.replace(path)


async def test_what_a_source_says_is_told_once(told):
    assert told.names() == ["one", "two"]
    assert len(told.fleets) == 1


async def test_a_changed_file_is_read_again(told, folder):
    file = folder / "fleet.toml"
    replace_file(file, INVENTORY.format(folder=folder).replace('"one"', '"one", "three"'))
    await told.until(lambda: told.names() == ["one", "three", "two"])
    assert len(told.fleets) == 2
    assert told.fleets[0].hosts[0] == told.fleets[1].hosts[0], "its link is left alone"


async def test_a_broken_file_is_refused_and_mended(told, folder):
    file = folder / "fleet.toml"
    good = file.read_text()
    replace_file(file, "[[group]\n")
    await told.until(lambda: "inventory" in told.notices)
    assert "the changed inventory is not used" in told.notices["inventory"]
    assert f"{file}:1: not TOML" in told.notices["inventory"]
    file.unlink()
    await told.until(lambda: "No such file" in told.notices.get("inventory", ""))
    assert len(told.fleets) == 1, "the fleet stays as it was"
    replace_file(file, good)
    await told.until(lambda: not told.notices)


async def test_a_source_is_asked_again(told, folder):
    replace_file(folder / "list", 'echo \'["two", {"name": "four", "state": "idle"}]\'')
    await told.until(lambda: told.names() == ["one", "two", "four"])
    replace_file(folder / "list", 'echo \'["two", {"name": "four", "state": "drained"}]\'')
    await told.until(lambda: told.fleets[-1].hosts[-1].node_state == "drained")
    assert told.fleets[-1].hosts == told.fleets[-2].hosts, "only what is shown has changed"


async def test_a_failing_source_keeps_its_hosts(told, folder):
    replace_file(folder / "list", "echo broken >&2; exit 3")
    await told.until(lambda: bool(told.notices))
    (notice,) = told.notices.values()
    assert notice.startswith("command sh: sh exited with 3: broken — run it by hand")
    assert "keeping the 1 host of" in notice
    assert told.names() == ["one", "two"]


async def test_a_bug_in_one_source_ends_nothing(folder, monkeypatch):
    async def broken(spec: object, connect: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("leptontui.inventory.watching.ask", broken)
    told = Told()
    watch = InventoryWatch(
        Book.open(Choice(inventory=folder / "fleet.toml")), _here, apply=told.apply, notify=told.notify, poll_s=0.02
    )
    running = asyncio.create_task(watch.run())
    await told.until(lambda: bool(told.notices))
    assert "failed: ZeroDivisionError" in "".join(told.notices.values())
    assert not running.done()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_nothing_to_watch_ends_at_once():
    told = Told()
    watch = InventoryWatch(Book.open(Choice(hosts="a")), _here, apply=told.apply, notify=told.notify)
    await watch.run()
    assert watch.settled.is_set()
    assert told.fleets == []


async def test_too_many_hosts_are_refused(told, folder):
    replace_file(folder / "list", "python3 -c 'import json; print(json.dumps([f\"n{n}\" for n in range(10000)]))'")
    await told.until(lambda: "fleet" in told.notices)
    assert "10,001 hosts in all" in told.notices["fleet"]
    assert told.names() == ["one", "two"]
