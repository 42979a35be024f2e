"""Configurations as OpenSSH reads them: what asyncssh alone gets wrong, and that the two agree on the rest."""

from __future__ import annotations

import getpass
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from leptontui.errors import LinkError
from leptontui.model.link import FaultKind
from leptontui.model.target import HostTarget
from leptontui.transport import openssh
from leptontui.transport.openssh import needs_openssh
from leptontui.transport.route import Atlas

needs_ssh = pytest.mark.skipif(shutil.which("ssh") is None, reason="OpenSSH is not installed")


@pytest.fixture
def atlas(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    system = tmp_path / "etc-ssh_config"
    atlas = Atlas(connect_timeout_s=1.0, keepalive_interval_s=1.0, keepalive_count=1, system_config=system)
    yield atlas
    atlas.close()


@pytest.fixture
def route(atlas, tmp_path):
    """The route by a configuration."""

    def by(text, name="gpu-1", **fields):
        (tmp_path / "config").write_text(text)
        return atlas.route(HostTarget(name, ssh_config=str(tmp_path / "config"), **fields))

    return by


@pytest.mark.parametrize(
    ("text", "is_needed"),
    [
        ("Host a\n  Port 1\n", False),
        ("Match all\n  Port 1\n", False),
        ("Match host a\n  Port 1\n", True),
        ("match exec true\n", True),
        ('Match exec "test %h = a"\n', True),
        ("CanonicalizeHostname yes\n", True),
        ("CanonicalizeHostname=always\n", True),
        ("CanonicalizeHostname no\n", False),
        ("IdentityFile ~/.ssh/%k\n", True),
        ("IdentityFile ~/.ssh/%h\n", False),
        ("# Match host a\n", False),
    ],
)
def test_openssh_is_asked_only_where_it_is_needed(text, is_needed):
    assert needs_openssh(text) is is_needed


def test_openssh_is_not_started_for_plain_configurations(route, monkeypatch):
    monkeypatch.setattr(openssh.OpenSsh, "reading", lambda *_: pytest.fail("it was asked"))
    assert route("Host gpu-*\n  Port 2222\n  HostName %h.example\n").dialled.port == 2222


@needs_ssh
def test_tokens_in_match_exec_are_expanded(route):
    """asyncssh would run `test %n = gpu-1` literally, and never match."""
    text = 'Match exec "test %n = gpu-1"\n  Port 2222\nMatch exec "test %n = other"\n  User nobody\nHost *\n  Port 1\n'
    found = route(text)
    assert (found.dialled.port, found.dialled.user) == (2222, getpass.getuser())
    assert route(text, "other").dialled.user == "nobody"


@needs_ssh
def test_match_sees_the_user_and_the_final_name(route):
    text = "Host gpu-1\n  HostName 10.0.0.7\nMatch host 10.0.0.* user ops\n  Port 2222\n"
    text += "Match originalhost gpu-1\n  User x\n"
    assert route(text, user="ops").dialled.port == 2222
    assert route(text).dialled.user == "x"
    assert route(text).dialled.port == 22


@needs_ssh
def test_what_a_host_block_says_survives_a_canonical_name(route):
    """asyncssh reads the file again with the canonical name only, and forgets the block of the short one."""
    text = (
        "CanonicalizeHostname yes\nCanonicalDomains no-such.invalid\nCanonicalizeFallbackLocal yes\n"
        "Host localhost\n  User ops\n  Port 2222\nMatch final\n  HostKeyAlias theirs\n"
    )
    found = route(text, "localhost")
    assert (found.dialled.user, found.dialled.port, found.key_name) == ("ops", 2222, "theirs")
    assert found.dialled.host == "localhost"


@needs_ssh
def test_tokens_of_key_files_known_hosts_and_jumps(route, tmp_path):
    text = (
        f"HostKeyAlias alias\nUser ops\nPort 2222\nIdentityFile {tmp_path}/%k-%r\nUserKnownHostsFile {tmp_path}/%k.%p\n"
        "ProxyJump %r@bastion\n"
    )
    (tmp_path / "alias-ops").write_text("no key")
    found = route(text)
    assert str(tmp_path / "alias-ops") in "".join(found.dialled.unusable)
    assert str(tmp_path / "alias.2222") in found.dialled.known_hosts
    assert found.jump == ("ops@bastion",)


@needs_ssh
def test_settings_come_through_unharmed(route, tmp_path):
    key = tmp_path / "with space"
    key.write_text("no key")
    text = (
        f'Match exec true\n  IdentityFile "{key}"\n  IdentitiesOnly yes\n  HashKnownHosts yes\n'
        "  ConnectTimeout 7\n  PubkeyAuthentication unbound\n  Ciphers aes128-ctr,no-such@cipher\n"
        "  SendEnv LANG\n  HostKeyAlgorithms ssh-ed25519\n"
    ).replace(",no-such@cipher", "")
    found = route(text)
    assert str(key) in "".join(found.dialled.unusable)
    assert found.dialled.is_hashed
    assert found.dialled.timeout_s == 7
    assert "server_host_key_algs" not in found.options
    assert "encryption_algs" not in found.options


@needs_ssh
def test_a_proxy_command_keeps_its_shell_words(route):
    found = route('Match exec true\n  ProxyCommand nc -X 5 "%h" %p 2>/dev/null | cat\n', port=2222)
    assert found.proxy == 'nc -X 5 "gpu-1" 2222 2>/dev/null | cat'
    assert found.jump == ()


@needs_ssh
def test_what_openssh_finds_wrong_is_said_with_its_line(route):
    with pytest.raises(LinkError) as caught:
        route("Match all\n\nMatch nonsense x\n  Port 1\n")
    assert caught.value.fault.kind is FaultKind.CONFIG
    assert "line 3" in caught.value.fault.cause


@needs_ssh
def test_a_match_that_hangs_is_given_up(atlas, tmp_path, monkeypatch):
    monkeypatch.setattr(openssh, "_LIMIT_S", 0.3)
    (tmp_path / "config").write_text('Match exec "sleep 60"\n  Port 1\n')
    with pytest.raises(LinkError) as caught:
        atlas.route(HostTarget("gpu-1", ssh_config=str(tmp_path / "config")))
    assert "Match exec" in caught.value.fault.cause


@needs_ssh
def test_a_match_that_hangs_does_not_hold_up_the_others(atlas, tmp_path):
    has_begun = tmp_path / "has-begun"
    os.mkfifo(has_begun)
    hangs, others = tmp_path / "hangs", tmp_path / "others"
    hangs.write_text(f'Match exec "echo > {has_begun}; exec sleep 100"\n  Port 1\n')
    others.write_text("Match host gpu-2\n  Port 2\n")
    with ThreadPoolExecutor() as threads:
        asking = threads.submit(atlas.route, HostTarget("gpu-1", ssh_config=str(hangs)))
        has_begun.read_text()
        assert atlas.route(HostTarget("gpu-2", ssh_config=str(others))).dialled.port == 2
        assert not asking.done()
        atlas.close()


@needs_ssh
def test_a_match_that_hangs_is_ended_with_the_program(atlas, tmp_path):
    has_begun = tmp_path / "has-begun"
    os.mkfifo(has_begun)
    config = tmp_path / "config"
    config.write_text(f'Match exec "echo > {has_begun}; exec sleep 100"\n  Port 1\n')
    with ThreadPoolExecutor() as threads:
        asking = threads.submit(atlas.route, HostTarget("gpu-1", ssh_config=str(config)))
        has_begun.read_text()
        atlas.close()
        with pytest.raises(LinkError):
            asking.result(timeout=openssh._LIMIT_S - 5)
    with pytest.raises(LinkError, match="ending"):
        atlas.route(HostTarget("gpu-1", ssh_config=str(config)))


def test_without_openssh_it_is_said_that_it_is_needed(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    atlas = Atlas(connect_timeout_s=1.0, keepalive_interval_s=1.0, keepalive_count=1)
    (tmp_path / "config").write_text("Match host a\n  Port 1\n")
    with pytest.raises(LinkError) as caught:
        atlas.route(HostTarget("gpu-1", ssh_config=str(tmp_path / "config")))
    assert caught.value.fault.kind is FaultKind.CONFIG
    assert "install" in caught.value.fault.cause
    atlas.close()


def test_the_machines_configuration_counts_after_the_users(atlas, tmp_path):
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "config").write_text("Host gpu-1\n  Port 2222\n")
    Path(tmp_path / "etc-ssh_config").write_text("Port 1\nUser everybody\nHost *\n  HashKnownHosts yes\n")
    found = atlas.route(HostTarget("gpu-1")).dialled
    assert (found.port, found.user, found.is_hashed) == (2222, "everybody", True)
    # With a file of its own it does not count, as with `ssh -F`.
    (tmp_path / "own").write_text("")
    assert atlas.route(HostTarget("gpu-1", ssh_config=str(tmp_path / "own"))).dialled.port == 22


@pytest.mark.parametrize(
    ("first", "jump", "proxy"),
    [("ProxyJump a\n  ProxyCommand b", ("a",), ""), ("ProxyCommand b\n  ProxyJump a", (), "b")],
)
def test_the_first_of_proxy_jump_and_proxy_command_counts(route, first, jump, proxy):
    found = route(f"Host *\n  {first}\n")
    assert (found.jump, found.proxy) == (jump, proxy)


def test_the_inventory_counts_before_both_and_none_is_none(route):
    text = "ProxyCommand nc %h %p\n"
    assert route(text, jump="bastion").proxy == ""
    assert route(text, jump="bastion").jump == ("bastion",)
    assert route("ProxyCommand none\nProxyJump a\n").proxy == ""


def test_an_address_of_the_inventory_is_dialled_where_the_configuration_names_none(route):
    assert route("", address="10.0.0.7").dialled.host == "10.0.0.7"
    assert route("Host gpu-1\n  HostName 10.0.0.8\n", address="10.0.0.7").dialled.host == "10.0.0.8"
    assert route("", address="fe80::1").dialled.address.endswith("[fe80::1]:22")
    for address in ("a\nProxyCommand touch /tmp/x", "-lroot"):
        with pytest.raises(LinkError, match="not an address"):
            route("ProxyCommand nc %h %p\n", address=address)


def test_an_identity_file_none_offers_no_default_key(route, tmp_path):
    import asyncssh

    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "id_ed25519").write_bytes(asyncssh.generate_private_key("ssh-ed25519").export_private_key())
    assert route("").dialled.key_count == 1
    found = route(f"IdentityFile {tmp_path}/missing\n")
    assert found.dialled.key_count == 0
    assert asyncssh.SSHClientConnectionOptions(**found.options).client_keys == []


@pytest.mark.parametrize(
    "name", ["a;touch x", "$(id)", "`id`", "a b", "-oProxyCommand=x", "a|b", "a\nb", "a'b", "a\x1b[m"]
)
def test_names_that_a_shell_would_take_for_more_are_refused(route, name):
    for fields in ({"name": name}, {"user": name}):
        with pytest.raises(LinkError) as caught:
            route("ProxyCommand nc %h %p\n", **fields)
        assert caught.value.fault.kind is FaultKind.CONFIG
        assert caught.value.fault.cause.isprintable()


def test_ordinary_names_are_not(route):
    for name in ("gpu-1", "gpu_1.example.org", "fe80::1%eth0", "10.0.0.7", "gpu+1"):
        assert route("", name).target.name == name
    assert route("", user="corp@ops").dialled.user == "corp@ops"
