"""The reduced configuration must mean for one host what the whole one means."""

import asyncssh
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leptontui.transport.ssh_config import ConfigShelf

OPTIONS = ("Hostname", "Port", "User", "HostKeyAlias", "ProxyJump", "IdentityFile", "ConnectTimeout")


@pytest.fixture
def shelf():
    shelf = ConfigShelf()
    yield shelf
    shelf.close()


def resolved(path, name):
    options = asyncssh.SSHClientConnectionOptions(
        config=[str(path)] if path else [], host=name, client_keys=None, known_hosts=asyncssh.SSHKnownHosts()
    )
    return {option: options.config.get(option) for option in OPTIONS}


NAMES = ("gpu-1", "gpu-2", "login", "gpu-10")
patterns = st.sampled_from(["gpu-1", "gpu-2", "gpu-*", "*", "gpu-?", "!gpu-2", "login", "gpu-1,login", "!gpu-1*"])
settings_lines = st.sampled_from(
    [
        "User alice",
        "User=bob",
        "Port 2222",
        "  Port = 22",
        "HostName 10.0.0.1",
        "Hostname %h.example.org",
        "HostKeyAlias x",
        "ProxyJump bastion",
        "IdentityFile ~/.ssh/a",
        "IdentityFile ~/.ssh/b",
        "ConnectTimeout 3",
        "UnknownOption yes",
        "# a comment",
        "",
    ]
)
headers = st.one_of(
    st.lists(patterns, min_size=1, max_size=3).map(lambda found: "Host " + " ".join(found)),
    patterns.map(lambda pattern: f'hOsT   "{pattern}"'),
    patterns.map(lambda pattern: f"Host={pattern}"),
    st.sampled_from(["Match all", "Match originalhost gpu-1", "Match user alice", "Match !originalhost gpu-*"]),
)
blocks = st.tuples(headers, st.lists(settings_lines, max_size=4)).map(lambda block: "\n".join([block[0], *block[1]]))
configs = st.tuples(st.lists(settings_lines, max_size=2), st.lists(blocks, max_size=8)).map(
    lambda parts: "\n".join([*parts[0], *parts[1], ""])
)


@given(config=configs, name=st.sampled_from(NAMES))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_it_means_the_same(tmp_path, shelf, config, name):
    path = tmp_path / "config"
    path.write_text(config + f"# {hash(config)}\n")
    assert resolved(shelf.for_host(path, name), name) == resolved(path, name)


def test_only_blocks_of_the_host_are_left(tmp_path, shelf):
    path = tmp_path / "config"
    path.write_text("".join(f"Host gpu-{n}\n  Port {n}\n" for n in range(1000)) + "Host *\n  User x\n")
    assert shelf.for_host(path, "gpu-7").read_text() == "Host gpu-7\nPort 7\nHost *\nUser x\n"
    assert shelf.for_host(path, "elsewhere").read_text() == "Host *\nUser x\n"


def test_a_host_the_file_says_nothing_about_needs_no_file(tmp_path, shelf):
    path = tmp_path / "config"
    path.write_text("# nothing\nHost other\n  Port 1\n")
    assert shelf.for_host(path, "gpu-1") is None


def test_included_files_are_cut_down_too(tmp_path, shelf, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    parts = tmp_path / ".ssh" / "fleet.d"
    parts.mkdir(parents=True)
    for n in range(3):
        (parts / f"{n}.conf").write_text(f"Host gpu-{n}\n  Port 200{n}\n")
    path = tmp_path / "config"
    path.write_text(f"Include fleet.d/*.conf\nUser everywhere\nHost gpu-1\n  Include {tmp_path}/one\n  User late\n")
    (tmp_path / "one").write_text("HostKeyAlias one\n")
    assert resolved(shelf.for_host(path, "gpu-1"), "gpu-1") == {
        "Hostname": None,
        "Port": 2001,
        "User": "everywhere",
        "HostKeyAlias": "one",
        "ProxyJump": None,
        "IdentityFile": None,
        "ConnectTimeout": None,
    }
    assert resolved(shelf.for_host(path, "gpu-9"), "gpu-9")["HostKeyAlias"] is None


def test_a_file_that_includes_itself_is_refused(tmp_path, shelf):
    path = tmp_path / "config"
    # Several times, so that following each to OpenSSH's depth of 16 would take for ever.
    path.write_text(f"User x\nInclude {path}\nInclude {path}\nInclude {path}\n")
    with pytest.raises(OSError, match="leads back to itself"):
        shelf.for_host(path, "gpu-1")


def test_a_changed_file_is_read_again(tmp_path, shelf):
    path = tmp_path / "config"
    path.write_text("Port 1\n")
    assert resolved(shelf.for_host(path, "gpu-1"), "gpu-1")["Port"] == 1
    path.write_text("Port 20\n")
    assert resolved(shelf.for_host(path, "gpu-1"), "gpu-1")["Port"] == 20


def test_a_directory_that_was_cleaned_away_or_is_open_to_others_is_replaced(tmp_path, shelf):
    path = tmp_path / "config"
    path.write_text("User x\n")
    first = shelf.for_host(path, "gpu-1")
    assert first.parent.stat().st_mode & 0o077 == 0
    first.unlink()
    assert shelf.for_host(path, "gpu-1") == first
    first.unlink()
    first.parent.rmdir()
    second = shelf.for_host(path, "gpu-1")
    assert second.parent != first.parent
    second.write_text("ProxyCommand evil\n")
    second.parent.chmod(0o777)
    third = shelf.for_host(path, "gpu-1")
    assert third.parent != second.parent
    assert "evil" not in third.read_text()
    shelf.close()
    assert not third.parent.exists()
