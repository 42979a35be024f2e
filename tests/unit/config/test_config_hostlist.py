"""Host lists: what is understood, what is refused, and that nothing huge is ever expanded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leptontui.config.hostlist import MAX_HOSTS, HostSpec, parse_hostlist, parse_login


def test_ranges_users_and_ports():
    found = parse_hostlist("gpu[001-064],user@odd-one:2222")
    assert not found.faults
    assert len(found.hosts) == 65
    assert found.hosts[0] == HostSpec("gpu001")
    assert found.hosts[63] == HostSpec("gpu064")
    assert found.hosts[64] == HostSpec("odd-one", "user", 2222)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("a", ["a"]),
        ("b,a", ["b", "a"]),
        (" a , b ,,", ["a", "b"]),
        ("gpu[1,3-5]", ["gpu1", "gpu3", "gpu4", "gpu5"]),
        ("gpu[08-10]", ["gpu08", "gpu09", "gpu10"]),
        ("r[1-2]n[1-2]", ["r1n1", "r1n2", "r2n1", "r2n2"]),
        ("gpu[0-6/3]", ["gpu0", "gpu3", "gpu6"]),
        ("gpu[1-4]!gpu[2-3]", ["gpu1", "gpu4"]),
        ("gpu[1-4]&gpu[3-9]", ["gpu3", "gpu4"]),
        ("[1-2]x", ["1x", "2x"]),
        ("gpu[1-3],gpu2", ["gpu1", "gpu2", "gpu3"]),
        ("host.example.org", ["host.example.org"]),
    ],
)
def test_names(text, names):
    found = parse_hostlist(text)
    assert not found.faults
    assert [host.name for host in found.hosts] == names


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("[::1]:2222", HostSpec("::1", None, 2222)),
        ("user@[fe80::1]", HostSpec("fe80::1", "user", None)),
        ("fe80::1", HostSpec("fe80::1")),
        ("10.0.0.7:22", HostSpec("10.0.0.7", None, 22)),
        ("anna@corp@login1", HostSpec("login1", "anna@corp", None)),
    ],
)
def test_addresses_and_logins(text, spec):
    assert parse_hostlist(text).hosts == (spec,)
    assert parse_login(text) == spec


def test_user_and_port_apply_to_a_whole_range():
    hosts = parse_hostlist("root@gpu[1-2]:2222").hosts
    assert hosts == (HostSpec("gpu1", "root", 2222), HostSpec("gpu2", "root", 2222))


@pytest.mark.parametrize(
    "text",
    [
        "-oProxyCommand=x",
        "a -oX=y",
        "a;b",
        "@racks",
        "*",
        "a@",
        "gpu[1-",
        "gpu]",
        "gpu[]",
        "gpu[a-b]",
        "gpu[3-1]",
        "gpu[1-9/0]",
        "a[1-2][3-4]",
        "a!",
        "a:0",
        "a:65536",
        "a:x",
        "a:",
        "a:²",
        "[::1]x",
        "[::1",
        "fe80::1%eth0",
        "[zz::1]",
        "é",
        "a\n",
        "x" * 256,
        "-l@host",
        "$(reboot)@host",
    ],
)
def test_refused(text):
    found = parse_hostlist(f"good,{text}" if text != "a\n" else "good,a\x00b")
    assert [host.name for host in found.hosts] == ["good"]
    assert len(found.faults) == 1
    assert parse_login(text.replace("\n", "\x00")) is None


def test_a_bracket_left_open_does_not_swallow_the_next_list():
    found = parse_hostlist("gpu[1-", "good")
    assert [host.name for host in found.hosts] == ["good"]
    assert found.faults[0].item == "gpu[1-"


@pytest.mark.parametrize(
    "text",
    [
        "gpu[1-10001]",
        "gpu[1-9999999999]",
        "a[1-9999]b[1-9999]c[1-9999]",
        "gpu[1-9999999999]!gpu[2-9999999999]",
        "gpu[0-9999999999/9999999999]",
        "a[1-6000],b[1-6000]",
    ],
)
def test_too_many_is_a_fault_and_not_a_hang(text):
    found = parse_hostlist(text)
    assert found.is_cut
    assert "more than 10,000 hosts" in found.faults[-1].found
    assert len(found.hosts) <= MAX_HOSTS


def test_the_limit_itself_is_allowed():
    found = parse_hostlist(f"gpu[1-{MAX_HOSTS}]")
    assert len(found.hosts) == MAX_HOSTS
    assert not found.faults


def test_same_host_with_another_port_is_a_fault():
    found = parse_hostlist("gpu[1-2],gpu1:22")
    assert [host.name for host in found.hosts] == ["gpu1", "gpu2"]
    assert "gpu1 twice" in found.faults[0].found


@pytest.mark.parametrize("text", ["", "a,b", "a[1-2]", "a,"])
def test_login_is_exactly_one(text):
    expected = HostSpec("a") if text == "a," else None
    assert parse_login(text) == expected


_NEAR = st.text(alphabet="ab19[]-,/@:.!&^% \x00é", max_size=30)


@given(st.one_of(st.text(max_size=60), _NEAR))
def test_any_text_gives_safe_names_or_faults(text):
    found = parse_hostlist(text)
    for host in found.hosts:
        assert not host.name.startswith("-")
        assert host.name.isascii()
        assert host.name.isprintable()
        assert not set(host.name) & set(" ,;@[]/'\"$`")
        assert 0 < len(host.name) <= 255
    assert len({host.name for host in found.hosts}) == len(found.hosts)
