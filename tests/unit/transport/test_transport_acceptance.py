"""Writing known_hosts: whole lines at the end, none twice, nothing of a file that cannot be written."""

from __future__ import annotations

import os
import re

import asyncssh
import pytest

from leptontui.errors import LeptonError
from leptontui.model.link import OfferedKey
from leptontui.transport import acceptance
from leptontui.transport.acceptance import accept
from leptontui.transport.known_hosts import KnownHostsShelf

KEYS = [asyncssh.generate_private_key("ssh-ed25519") for _ in range(3)]


def public(key):
    return " ".join(key.export_public_key().decode().split()[:2])


def offered(name, key, path, **fields):
    return OfferedKey(name, "ssh-ed25519", key.get_fingerprint(), public(key), str(path), **fields)


def test_a_file_that_is_not_there_is_made_for_its_owner_alone(tmp_path):
    path = tmp_path / ".ssh" / "known_hosts"
    done = accept([offered("gpu-1", KEYS[0], path)])
    assert (done.keys, done.files, done.skipped) == (1, (str(path),), ())
    assert path.read_text() == f"gpu-1 {public(KEYS[0])}\n"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_file_that_is_there_keeps_its_rights_and_every_byte(tmp_path):
    path = tmp_path / "known_hosts"
    path.write_bytes(b"# \xff binary\nother ssh-rsa AAAA")
    path.chmod(0o644)
    accept([offered("gpu-1", KEYS[0], path), offered("[gpu-2]:2222", KEYS[1], path)])
    expected = f"\ngpu-1 {public(KEYS[0])}\n[gpu-2]:2222 {public(KEYS[1])}\n"
    assert path.read_bytes() == b"# \xff binary\nother ssh-rsa AAAA" + expected.encode()
    assert path.stat().st_mode & 0o777 == 0o644


def test_nothing_is_written_twice(tmp_path):
    path = tmp_path / "known_hosts"
    keys = [offered("gpu-1", KEYS[0], path), offered("GPU-1", KEYS[0], path), offered("gpu-1", KEYS[0], path)]
    assert accept(keys).keys == 1
    assert accept(keys).keys == 0
    assert accept([offered("gpu-1", KEYS[0], path, is_hashed=True)]).keys == 0
    assert len(path.read_text().splitlines()) == 1


def test_hashed_names_are_found_again_and_differ_each_time(tmp_path):
    path = tmp_path / "known_hosts"
    accept([offered("gpu-1", KEYS[0], path, is_hashed=True), offered("[gpu-1]:2222", KEYS[0], path, is_hashed=True)])
    text = path.read_text()
    assert "gpu" not in text
    assert len(set(re.findall(r"^\|1\|([^|]+)\|", text, re.MULTILINE))) == 2
    known = KnownHostsShelf().open([str(path)])
    assert len(known.stored_for("gpu-1", 22)) == len(known.stored_for("gpu-1", 2222)) == 1
    assert known.stored_for("gpu-2", 22) == ()


def test_another_key_of_the_same_type_or_a_revoked_one_is_left_alone(tmp_path):
    path = tmp_path / "known_hosts"
    text = f"gpu-1 {public(KEYS[0])}\n@revoked gpu-2 {public(KEYS[1])}\n"
    path.write_text(text)
    done = accept(
        [offered("gpu-1", KEYS[1], path), offered("gpu-2", KEYS[1], path), OfferedKey("x", "", "", "junk", str(path))]
    )
    assert done.keys == 0
    assert {name: why.split(",")[0] for name, why in done.skipped} == {
        "gpu-1": "another key of it is listed meanwhile: it HAS CHANGED",
        "gpu-2": "its key is revoked",
        "x": "what it offered is no key",
    }
    assert path.read_text() == text


def test_two_different_keys_for_one_name_in_one_go_are_not_both_believed(tmp_path):
    path = tmp_path / "known_hosts"
    done = accept([offered("gpu-1", KEYS[0], path), offered("gpu-1", KEYS[1], path)])
    assert (done.keys, len(done.skipped)) == (1, 1)
    assert path.read_text() == f"gpu-1 {public(KEYS[0])}\n"


def test_a_file_that_cannot_be_written_is_said_and_left_as_it_was(tmp_path, monkeypatch):
    with pytest.raises(LeptonError) as caught:
        accept([offered("gpu-1", KEYS[0], tmp_path)])
    assert str(tmp_path) in caught.value.cause
    path = tmp_path / "known_hosts"
    path.write_text("# mine\n")
    write = os.write

    def full(descriptor, data):
        write(descriptor, bytes(data)[:5])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(acceptance.os, "write", full)
    with pytest.raises(LeptonError, match="No space left"):
        accept([offered("gpu-1", KEYS[0], path)])
    assert path.read_text() == "# mine\n"
