"""The audit file: modes, chain, torn lines, other instances, and what verification finds."""

import asyncio
import fcntl
import hashlib
import json
import os
import socket
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leptontui.actions import audit as audit_module
from leptontui.actions.actor import Actor
from leptontui.actions.audit import FIRST, Audit, Json, verify
from leptontui.actions.audit_copy import send_copy
from leptontui.actions.audit_head import SIZE, head_path
from leptontui.actions.audit_reading import broken_off, entries, examine
from leptontui.errors import AuditError
from leptontui.model.policy import Syslog


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
    written(path, 1)
    head = head_path(path).read_bytes()
    write(path, "begun", {"number": 1})
    first, second = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + second[:kept])
    head_path(path).write_bytes(head)  # it is written after the line: a crash leaves it as it was
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
    monkeypatch.setattr(audit_module, "WITHIN_S", 0.05)
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


def test_what_others_could_read_is_private_again(path: Path) -> None:
    written(path, 1)
    path.chmod(0o644)
    written(path, 1)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_pipe_in_its_place_is_no_audit(path: Path) -> None:
    path.parent.mkdir(parents=True)
    os.mkfifo(path)
    with pytest.raises(AuditError, match="no regular file"):
        write(path, "begun", {})


def test_who_came_through_sudo_is_named(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_USER", "anna")
    write(path, "begun", {"user": "root"})
    assert json.loads(path.read_text())["sudo_user"] == "anna"


def test_its_head_is_private_and_of_one_length(path: Path) -> None:
    written(path, 12)
    assert stat.S_IMODE(head_path(path).stat().st_mode) == 0o600
    assert head_path(path).stat().st_size == SIZE
    assert json.loads(head_path(path).read_bytes())["lines"] == 12


@pytest.mark.parametrize("kept", [0, 1, 3])
def test_lines_cut_off_the_end_are_found_and_stay_found(path: Path, kept: int) -> None:
    written(path, 4)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:kept]))
    bad = verify(path)
    assert bad is not None
    assert (bad.number, bad.reason) == (kept + 1, "is missing: there were 4 lines")
    write(path, "begun", {})
    bad = verify(path)
    assert bad is not None
    assert bad.number == kept + 1
    assert "after the end had been cut off: there were 4 lines" in bad.reason


def test_the_last_line_cannot_be_edited_either(path: Path) -> None:
    written(path, 3)
    path.write_bytes(path.read_bytes().replace(b'"number":2', b'"number":7'))
    bad = verify(path)
    assert bad is not None
    assert bad.number == 3
    write(path, "ended", {})
    assert verify(path) is not None


def test_a_line_that_was_whole_is_not_taken_for_torn(path: Path) -> None:
    written(path, 2)
    path.write_bytes(path.read_bytes()[:-10])
    write(path, "ended", {})
    assert verify(path) is not None


def test_lines_that_changed_places_are_found(path: Path) -> None:
    written(path, 4)
    one, two, three, four = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(one + three + two + four)
    bad = verify(path)
    assert bad is not None
    assert bad.number == 2


def test_a_crash_between_line_and_head_is_no_fault(path: Path) -> None:
    written(path, 1)
    head = head_path(path).read_bytes()
    write(path, "begun", {})
    head_path(path).write_bytes(head)
    assert verify(path) is None
    write(path, "ended", {})
    assert verify(path) is None
    assert json.loads(head_path(path).read_bytes())["lines"] == 3


def test_a_head_that_is_gone_is_told_and_made_again(path: Path) -> None:
    written(path, 3)
    head_path(path).unlink()
    assert examine(path).bad is None
    assert "no head beside it" in examine(path).notes[0]
    write(path, "ended", {})
    assert examine(path).notes == ("line 4: the head was made here: whether lines were cut off before is not known",)


@pytest.mark.parametrize(
    "spoilt",
    [
        "rubbish",
        "[]",
        *(json.dumps({"lines": lines, "last": "0" * 64}) for lines in (0, -1, -9, True, 1.5, None, "3")),
        '{"lines": 3, "last": "00"}',
    ],
)
def test_a_head_that_is_spoilt_is_told(path: Path, spoilt: str) -> None:
    written(path, 3)
    head_path(path).write_text(spoilt)
    assert verify(path) is not None
    write(path, "ended", {})
    assert verify(path) is not None


def test_a_head_that_cannot_be_written_leaves_no_line(path: Path) -> None:
    written(path, 2)
    before = path.read_bytes()
    head_path(path).unlink()
    head_path(path).mkdir()
    with pytest.raises(AuditError, match="cannot be written"):
        write(path, "begun", {})
    assert path.read_bytes() == before


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)], check=False, capture_output=True
    )
    if done.returncode != 0:
        pytest.skip("a file system of 64 KiB cannot be mounted here")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_disk_that_is_really_full_is_an_error_and_the_audit_stays_whole(small_disk: Path) -> None:
    path = small_disk / "audit.jsonl"
    written(path, 2)
    rest = small_disk / "rest"
    with pytest.raises(OSError, match="No space left"), rest.open("wb", buffering=0) as file:
        all(file.write(bytes(1024)) for _ in range(1024))
    long: dict[str, Json] = {"long": "x" * 20_000}
    with pytest.raises(AuditError, match="cannot be written: "):
        write(path, "begun", long)
    rest.unlink()
    write(path, "begun", long)
    assert verify(path) is None


def test_who_acts_from_where_is_in_every_line(path: Path) -> None:
    actor = Actor("anna", 1000, "", frozenset(), "anna", "/dev/pts/3", "bastion1", "10.0.0.9")
    asyncio.run(Audit(path, actor=actor).write("begun", 1.0, {}))
    line = json.loads(path.read_text())
    assert (line["uid"], line["login_user"], line["tty"]) == (1000, "anna", "/dev/pts/3")
    assert (line["machine"], line["came_from"]) == ("bastion1", "10.0.0.9")


def test_a_copy_goes_to_the_systems_log_with_the_lines_hash(path: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(log))
        audit = Audit(path, copies=lambda: Syslog.COPY, send=lambda line, digest: send_copy(line, digest, (log,)))
        asyncio.run(audit.write("begun", 1.0, {"plan_id": "p1", "host": "gpu-017", "steps": ["long"] * 9}))
        said = listening.recv(65536).decode()
    assert said.startswith("<85>")
    copied = json.loads(said[said.index("{") :])
    assert copied["line_sha256"] == hashlib.sha256(path.read_bytes().rstrip(b"\n")).hexdigest()
    assert (copied["event"], copied["host"]) == ("begun", "gpu-017")
    assert "steps" not in copied


@pytest.mark.parametrize("wanted", [Syslog.COPY, Syslog.REQUIRED])
def test_a_log_that_does_not_listen_stops_only_where_it_is_required(
    path: Path, tmp_path: Path, wanted: Syslog, caplog: pytest.LogCaptureFixture
) -> None:
    gone = (tmp_path / "nothing",)
    audit = Audit(path, copies=lambda: wanted, send=lambda line, digest: send_copy(line, digest, gone))
    if wanted is Syslog.REQUIRED:
        with pytest.raises(AuditError, match="system's log"):
            asyncio.run(audit.write("begun", 1.0, {}))
        assert path.read_bytes() == b""
    else:
        asyncio.run(audit.write("begun", 1.0, {}))
        assert verify(path) is None
        assert "not in the system's log" in caplog.text


def test_what_was_begun_and_never_ended_is_found(path: Path) -> None:
    for event, plan_id in [("begun", "a"), ("begun", "b"), ("ended", "b"), ("begun", "c"), ("refused", "c")]:
        write(path, event, {"plan_id": plan_id})
    assert [line["plan_id"] for line in broken_off(entries(path))] == ["a"]
    write(path, "settled", {"plan_id": "a"})
    assert broken_off(entries(path)) == ()


@given(st.data())
def test_any_change_of_any_byte_is_found(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "audit.jsonl"
        for number in range(3):
            Audit(path)._append({"event": "begun", "number": number})
        raw = bytearray(path.read_bytes())
        at = data.draw(st.integers(0, len(raw) - 2))
        byte = data.draw(st.integers(0, 255).filter(lambda byte: byte != raw[at]))
        raw[at] = byte
        path.write_bytes(bytes(raw))
        assert verify(path) is not None
