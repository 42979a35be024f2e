"""The audit file: modes, chain, torn lines, other instances, and what verification finds."""

import asyncio
import fcntl
import json
import os
import stat
from pathlib import Path

import pytest

from leptontui.actions import audit as audit_module
from leptontui.actions.audit import FIRST, Audit, Json, verify
from leptontui.errors import AuditError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "leptontui" / "audit.jsonl"


def write(path: Path, event: str, fields: dict[str, Json]) -> None:
    asyncio.run(Audit(path).write(event, 1.5, fields))


def written(path: Path, count: int = 3) -> None:
    for number in range(count):
        write(path, "begun", {"number": number})


def test_it_is_private_chained_and_verified(path: Path) -> None:
    written(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    lines = [json.loads(line) for line in path.read_bytes().splitlines()]
    assert lines[0]["prev"] == FIRST
    assert len({line["prev"] for line in lines}) == 3
    assert verify(path) is None


def test_each_line_is_synced(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[bytes] = []
    real = os.fsync

    def fsync(handle: int) -> None:
        if stat.S_ISREG(os.fstat(handle).st_mode):
            synced.append(path.read_bytes())
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    written(path, 2)
    assert [content.count(b"\n") for content in synced] == [1, 2]


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_changed_line_is_found_at_its_successor(path: Path, number: int) -> None:
    written(path, 4)
    path.write_bytes(path.read_bytes().replace(b'"number":%d' % (number - 1), b'"number":9'))
    bad = verify(path)
    assert bad is not None
    assert bad.number == number + 1


def test_a_line_taken_out_is_found(path: Path) -> None:
    written(path, 4)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:1] + lines[2:]))
    bad = verify(path)
    assert bad is not None
    assert bad.number == 2


@pytest.mark.parametrize("kept", [1, 40, -1])
def test_a_torn_line_is_told_and_the_next_one_starts_anew(path: Path, kept: int) -> None:
    written(path, 2)
    first, second = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + second[:kept])
    is_whole = kept == -1
    bad = verify(path)
    assert (bad is None) if is_whole else (bad is not None and bad.number == 2)
    write(path, "ended", {})
    assert verify(path) is None
    lines = path.read_bytes().splitlines()
    assert len(lines) == 3
    assert json.loads(lines[2])["after_torn"] is True


def test_rubbish_in_the_place_of_a_line_is_not_taken_for_a_torn_one(path: Path) -> None:
    written(path, 3)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + b"rubbish\n" + lines[2])
    bad = verify(path)
    assert bad is not None
    assert bad.number == 2


def test_a_line_longer_than_one_read_is_chained(path: Path) -> None:
    write(path, "begun", {"long": "x" * 300_000})
    write(path, "ended", {})
    assert verify(path) is None


def test_many_writers_keep_the_chain(path: Path) -> None:
    async def write_all() -> None:
        audits = [Audit(path) for _ in range(4)]
        await asyncio.gather(*(audit.write("begun", 1.0, {"n": n}) for n in range(5) for audit in audits))

    asyncio.run(write_all())
    assert len(path.read_bytes().splitlines()) == 20
    assert verify(path) is None


def test_an_instance_that_holds_the_lock_is_not_waited_for_for_ever(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_module, "_LOCK_WITHIN_S", 0.05)
    written(path, 1)
    with path.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(AuditError, match="another instance"):
            write(path, "begun", {})
    assert len(path.read_bytes().splitlines()) == 1


def test_a_full_disk_is_an_error_and_leaves_a_torn_line_that_the_next_one_tells(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(path, 1)
    real = os.write
    with monkeypatch.context() as full:
        full.setattr(os, "write", lambda handle, content: real(handle, content[:20]))
        with pytest.raises(AuditError, match="disk is full"):
            write(path, "begun", {})
    write(path, "begun", {})
    assert verify(path) is None


def test_a_link_in_its_place_is_not_followed(path: Path, tmp_path: Path) -> None:
    path.parent.mkdir(parents=True)
    (tmp_path / "elsewhere").write_text("")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(AuditError):
        write(path, "begun", {})
    assert (tmp_path / "elsewhere").read_text() == ""


def test_who_came_through_sudo_is_named(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_USER", "anna")
    write(path, "begun", {"user": "root"})
    assert json.loads(path.read_text())["sudo_user"] == "anna"
