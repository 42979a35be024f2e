"""Trust: known_hosts by name only, private keys with reasons, jump hosts by the letter, verification always on."""

import re
from pathlib import Path

import asyncssh
import pytest
from hypothesis import given
from hypothesis import strategies as st

import leptontui
from leptontui.transport.hops import parse_hop
from leptontui.transport.keys import KeyRing
from leptontui.transport.known_hosts import KnownHostsShelf

KEY = asyncssh.generate_private_key("ssh-ed25519")
PUBLIC = KEY.export_public_key().decode().strip()
OTHER = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()


def test_nothing_in_the_package_turns_host_key_verification_off():
    sources = list(Path(leptontui.__file__).parent.rglob("*.py"))
    assert len(sources) > 20
    off = re.compile(r"""known_hosts["']?\s*[=:]\s*(None|\[\]|b?["']["'])(?!\s*\))""")
    passing = re.compile(r"known_hosts\s*=\s*None\s*[,)]")
    for source in sources:
        text = source.read_text(encoding="utf-8")
        assert not passing.search(text), source
        if "transport" in source.parts:
            assert not off.search(text), source
            assert "def validate_host_public_key" not in text or "return True" not in text, source


def match(text, name, port, tmp_path):
    path = tmp_path / "known_hosts"
    path.write_text(text)
    known = KnownHostsShelf().open([str(path)])
    return [stored.place.rpartition(":")[2] for stored in known.stored_for(name, port)]


@pytest.mark.parametrize(
    ("line", "name", "port", "is_found"),
    [
        ("gpu-1 KEY", "gpu-1", 22, True),
        ("gpu-1 KEY", "GPU-1", 22, True),
        ("gpu-1 KEY", "gpu-2", 22, False),
        ("gpu-1,10.0.0.1 KEY", "10.0.0.1", 22, True),
        ("[gpu-1]:2222 KEY", "gpu-1", 2222, True),
        ("[gpu-1]:2222 KEY", "gpu-1", 22, False),
        ("gpu-1 KEY", "gpu-1", 2222, False),  # it may be trusted for that port too, but another one is no changed key
        ("*.example.org,!bad.example.org KEY", "a.example.org", 22, True),
        ("*.example.org,!bad.example.org KEY", "bad.example.org", 22, False),
        ("@cert-authority * KEY", "gpu-1", 22, False),
        ("@revoked gpu-1 KEY", "gpu-1", 22, False),
        ("# gpu-1 KEY", "gpu-1", 22, False),
    ],
)
def test_known_hosts_match_by_name_as_openssh_does(line, name, port, is_found, tmp_path):
    text = f"\n{line.replace('KEY', PUBLIC)}\n"
    assert match(text, name, port, tmp_path) == (["2"] if is_found else [])


def test_hashed_names_match(tmp_path):
    import base64
    import hmac

    salt = b"s" * 20
    digest = base64.b64encode(hmac.digest(salt, b"gpu-1", "sha1")).decode()
    line = f"|1|{base64.b64encode(salt).decode()}|{digest} {PUBLIC}\n"
    assert match(line, "gpu-1", 22, tmp_path) == ["1"]
    assert match(line, "gpu-2", 22, tmp_path) == []


def test_a_broken_line_does_not_spoil_the_file(tmp_path):
    text = f"garbage\n@nonsense gpu-1 {PUBLIC}\n|1|x {PUBLIC}\ngpu-1 ssh-ed25519 AAAA\ngpu-1 {PUBLIC}\n"
    assert match(text, "gpu-1", 22, tmp_path) == ["5"]


def test_the_address_a_name_resolves_to_does_not_count(tmp_path):
    path = tmp_path / "known_hosts"
    path.write_text(f"10.0.0.1 {PUBLIC}\n")
    keys = KnownHostsShelf().open([str(path)]).keys
    assert keys.match("gpu-1", "10.0.0.1", None)[0] == []
    assert len(keys.match("10.0.0.1", "10.0.0.1", None)[0]) == 1


def test_known_hosts_are_read_again_only_when_they_change(tmp_path):
    path = tmp_path / "known_hosts"
    shelf = KnownHostsShelf()
    absent = shelf.open([str(path)])
    assert absent.stored_for("gpu-1", 22) == ()
    path.write_text(f"gpu-1 {PUBLIC}\n")
    first = shelf.open([str(path)])
    assert shelf.open([str(path)]) is first
    assert len(first.stored_for("gpu-1", 22)) == 1
    path.write_text(f"gpu-1 {PUBLIC}\ngpu-1 {OTHER}\n")
    assert len(shelf.open([str(path)]).stored_for("gpu-1", 22)) == 2


def test_key_files_say_why_they_cannot_be_used(tmp_path):
    ring = KeyRing()
    assert ring.open(tmp_path / "none").is_missing
    (tmp_path / "bad").write_text("not a key")
    assert "bad" in ring.open(tmp_path / "bad").trouble
    (tmp_path / "locked").write_bytes(KEY.export_private_key("pkcs8-pem", passphrase="x"))
    (tmp_path / "locked.pub").write_text(PUBLIC)
    locked = ring.open(tmp_path / "locked")
    assert locked.key is None
    assert "passphrase" in locked.trouble
    assert locked.public_data == KEY.public_data
    (tmp_path / "good").write_bytes(KEY.export_private_key())
    good = ring.open(tmp_path / "good")
    assert good.key is not None
    assert good.trouble == ""
    assert ring.open(tmp_path / "good") is good


@pytest.mark.parametrize(
    ("hop", "parsed"),
    [
        ("bastion", (None, "bastion", None)),
        ("ops@bastion", ("ops", "bastion", None)),
        ("ops@bastion:2222", ("ops", "bastion", 2222)),
        ("ops@corp@bastion:2222", ("ops@corp", "bastion", 2222)),
        ("[::1]:22", (None, "::1", 22)),
        ("ops@[::1]", ("ops", "::1", None)),
        ("::1", (None, "::1", None)),
        ("ssh://ops@bastion:22/", ("ops", "bastion", 22)),
    ],
)
def test_jump_hosts_are_parsed(hop, parsed):
    assert parse_hop(hop) == parsed


@pytest.mark.parametrize("hop", ["", "@", "@bastion", "ops@", "bastion:", "bastion:ssh", "[::1", "[::1]x", "-oProxy=x"])
def test_what_is_no_jump_host_is_refused(hop):
    with pytest.raises(ValueError, match="not a jump host"):
        parse_hop(hop)


@given(st.text(max_size=40))
def test_any_text_is_a_jump_host_or_refused(text):
    try:
        _, host, port = parse_hop(text)
    except ValueError:
        return
    assert host
    assert not host.startswith("-")
    assert port is None or port >= 0
