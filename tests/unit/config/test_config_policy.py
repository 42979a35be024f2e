"""The policy files: what they say, every mistake with its line, whose they may be, and that the user's own tightens."""

import json
import os
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leptontui.config.policy import SYSTEM, read_policies, user_policy
from leptontui.config.policy_book import PolicyBook
from leptontui.model.policy import BUILT_IN, Policies, Syslog
from tests.conftest import without_rights

ME = os.getuid()


@pytest.fixture
def system(tmp_path: Path) -> Path:
    (tmp_path / "etc").mkdir(mode=0o755)
    return tmp_path / "etc" / "policy.toml"


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return tmp_path / "own.toml"


def read(system: Path, own: Path) -> Policies:
    return read_policies(system, own, owner=ME)


def write(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o644)


def test_the_systems_policy_has_one_place_only() -> None:
    assert Path("/etc/leptontui/policy.toml") == SYSTEM


def test_without_files_what_is_built_in_holds(system: Path, own: Path) -> None:
    policies = read(system, own)
    assert (policies.problems, policies.notice, policies.arm_for_s) == ((), "", 900.0)
    assert [policy.blast for policy in policies.each] == [BUILT_IN]


def test_what_a_file_says_is_known_with_its_line(system: Path, own: Path) -> None:
    write(
        system,
        """\
read_only = true
arm_minutes = 60
locks = "/var/lock/leptontui"

[blast]
fleet = "5 %"
group = 2
concurrent = 3
may_be_overridden = false

[jobs]
names = ["prod-*"]
longer_than_h = 24

[[allow]]
actions = ["restart", "custom/*"]
unix_groups = ["oncall"]

[[deny]]
groups = ["train"]
days = ["mon-fri"]
between = "08:00-18:00"
timezone = "Europe/Berlin"
until = 2027-01-02T00:00:00Z
why = "the training run has the day"
may_be_overridden = true

[audit]
syslog = "required"
""",
    )
    policies = read(system, own)
    assert policies.problems == ()
    policy = policies.each[0]
    blast = policy.blast
    assert policy.read_only_in == f"{system}:1"
    assert policies.notice == f"read-only by policy, set in {system}:1"
    assert (policies.arm_for_s, policies.locks, policies.syslog) == (3600.0, "/var/lock/leptontui", Syslog.REQUIRED)
    assert blast.fleet is not None
    assert blast.group is not None
    assert blast.concurrent is not None
    assert (blast.fleet.share, blast.fleet.set_in) == (0.05, f"{system}:6")
    assert (blast.group.count, blast.group.of(100), blast.group.set_in) == (2, 2, f"{system}:7")
    assert (blast.concurrent.most, blast.concurrent.set_in) == (3, f"{system}:8")
    assert blast.partition == BUILT_IN.partition
    assert not blast.may_be_overridden
    names, longer = policy.shields
    assert (names.names, names.set_in) == (("prod-*",), f"{system}:12")
    assert (longer.longer_than_s, longer.set_in) == (86_400.0, f"{system}:13")
    assert policy.allow[0].set_in == f"{system}:15"
    deny = policy.deny[0]
    assert (deny.set_in, deny.why, deny.may_be_overridden) == (f"{system}:19", "the training run has the day", True)
    assert (deny.hours.days, deny.hours.from_minute, deny.hours.until_minute) == (frozenset(range(5)), 480, 1080)
    assert deny.hours.ends_unix_s == 1_798_848_000.0


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("read_only = 1", 1, "read_only: a whole number 1, expected true or false"),
        ("readonly = true", 1, 'unknown key; did you mean "read_only"?'),
        ("arm_minutes = 0", 1, "0, expected 1 to 240"),
        ("locks = 'run/lock'", 1, "a folder's whole path"),
        ("blast = 3", 1, "one table [blast]"),
        ("[blast]\nfleet = '0%'", 2, "a share such as"),
        ("[blast]\nfleet = '101%'", 2, "a share such as"),
        ("[blast]\ngroup = 0.1", 2, "a share such as"),
        ("[blast]\nper_hour = 0", 2, "1 to 100000"),
        ("[jobs]\nnames = []", 2, "at least one pattern"),
        ("[jobs]\nnames = 'prod-*'", 2, "a list such as"),
        ("[jobs]\nlonger_than_h = -1", 2, "hours"),
        ("[[deny]]\nactions = ['drian']", 2, 'did you mean "drain"?'),
        ("[[deny]]\nactions = ['nothing*']", 2, "one of restart"),
        ("[deny]\nactions = ['drain']", 1, "[[deny]] with two brackets"),
        ("[[deny]]\nhosts = [' gpu-1']", 2, "without spaces"),
        ("[[deny]]\ndays = ['monday']", 2, "mon-fri"),
        ("[[deny]]\ndays = []", 2, "at least one day"),
        ("[[deny]]\nbetween = '8-18'", 2, "08:00-18:00"),
        ("[[deny]]\nbetween = '08:00-24:30'", 2, "08:00-18:00"),
        ("[[deny]]\nbetween = '08:00-08:00'", 2, "08:00-18:00"),
        ("[[deny]]\ntimezone = 'Berlin'", 2, "Europe/Berlin"),
        ("[[deny]]\nfrom = '2026-01-01'", 2, "without quotes"),
        ("[[deny]]\nfrom = 2026-01-02\nuntil = 2026-01-01", 3, "not after from"),
        ("[[allow]]\nwhy = 'x'", 2, "unknown key"),
        ("[audit]\nsyslog = 'on'", 2, 'one of "off"'),
        ("[audit]\nsyslog = true", 2, "true or false"),
        ("[blast", 1, "not TOML"),
    ],
)
def test_a_mistake_stops_everything_and_is_said_with_its_line(
    system: Path, own: Path, text: str, line: int, said: str
) -> None:
    write(system, text)
    policies = read(system, own)
    assert len(policies.problems) == 1
    assert policies.problems[0].startswith(f"{system}:{line}: ")
    assert said in policies.problems[0]
    assert policies.notice.startswith("no action can be taken, the policy cannot be read: ")


def test_a_mistake_in_the_users_own_stops_everything_too(system: Path, own: Path) -> None:
    write(own, "[[deny]]\nhost = ['gpu-1']")
    assert read(system, own).problems == (f'{own}:2: deny 1: host: unknown key; did you mean "hosts"?',)


@pytest.mark.parametrize("mode", [0o664, 0o646, 0o666])
def test_a_system_policy_that_others_may_write_is_not_believed(system: Path, own: Path, mode: int) -> None:
    write(system, "read_only = false")
    system.chmod(mode)
    assert "may be written by others" in read(system, own).problems[0]


def test_nor_one_in_a_folder_that_others_may_write(system: Path, own: Path) -> None:
    write(system, "read_only = false")
    system.parent.chmod(0o777)
    assert "its folder may be written by others" in read(system, own).problems[0]


def test_nor_one_that_belongs_to_somebody_else(system: Path, own: Path) -> None:
    write(system, "read_only = false")
    assert f"belongs to uid {ME}" in read_policies(system, own, owner=ME + 1).problems[0]


def test_what_cannot_be_read_is_not_taken_for_nothing(system: Path, own: Path) -> None:
    system.mkdir()
    assert "is a directory" in read(system, own).problems[0]
    system.rmdir()
    system.parent.rmdir()
    system.parent.write_text("a file where the folder should be")
    assert "cannot be read" in read(system, own).problems[0]


def test_a_file_without_permission_is_a_problem(open_folder: Path) -> None:
    system = open_folder / "policy.toml"
    write(system, "read_only = false")
    system.chmod(0)
    with without_rights():
        assert "Permission denied" in read(system, open_folder / "own.toml").problems[0]


@pytest.mark.parametrize("raw", [b"\xff\xfe", b"x = 1\n" * 1_000_000, b"a = " + b"[" * 100_000])
def test_rubbish_is_a_problem_and_no_traceback(system: Path, own: Path, raw: bytes) -> None:
    system.write_bytes(raw)
    system.chmod(0o644)
    assert read(system, own).problems


def test_a_link_is_followed_and_a_dangling_one_is_not_taken_for_nothing(
    system: Path, own: Path, tmp_path: Path
) -> None:
    system.symlink_to(tmp_path / "elsewhere.toml")
    assert "a link to what is not there" in read(system, own).problems[0]
    write(tmp_path / "elsewhere.toml", "read_only = true")
    assert read(system, own).is_read_only


@pytest.mark.parametrize(
    ("first", "second", "arm_for_s"),
    [("", "arm_minutes = 5", 300), ("", "arm_minutes = 60", 900), ("arm_minutes = 30", "arm_minutes = 60", 1800)],
)
def test_the_user_may_only_arm_for_less_long(
    system: Path, own: Path, first: str, second: str, arm_for_s: float
) -> None:
    write(system, first)
    write(own, second)
    assert read(system, own).arm_for_s == arm_for_s


def test_the_users_own_never_loosens(system: Path, own: Path) -> None:
    write(system, "read_only = true\n[blast]\nfleet = 1\nmay_be_overridden = false\n[audit]\nsyslog = 'required'")
    write(own, "read_only = false\n[blast]\nfleet = '100%'\n[audit]\nsyslog = 'off'")
    policies = read(system, own)
    assert policies.is_read_only
    assert policies.syslog is Syslog.REQUIRED
    first = policies.each[0].blast
    assert first.fleet is not None
    assert (first.fleet.count, first.may_be_overridden) == (1, False)


def test_locks_are_the_systems_only(system: Path, own: Path) -> None:
    write(own, "locks = '/tmp/mine'")
    policies = read(system, own)
    assert policies.locks == ""
    assert "only in the system's policy" in policies.problems[0]


def test_files_are_read_anew_each_time(system: Path, own: Path) -> None:
    assert not read(system, own).is_read_only
    write(system, "read_only = true")
    assert read(system, own).is_read_only


def test_the_users_own_is_where_its_configuration_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert user_policy() == tmp_path / "leptontui" / "policy.toml"


@given(st.text(max_size=200))
def test_no_text_ends_in_a_traceback(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "policy.toml"
        path.write_text(text, errors="surrogatepass")
        told = read_policies(path.with_name("none.toml"), path)
        assert all(problem.isprintable() for problem in told.problems)


class Reading:
    """Reads policies, and counts how often."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self, system: Path, user: Path | None) -> Policies:
        self.times += 1
        return read_policies(system, user, owner=ME)


def test_what_has_not_changed_is_not_read_again(system: Path, own: Path) -> None:
    reading = Reading()
    book = PolicyBook(system, own, read=reading, clock=lambda: time.time() + 60)
    write(system, "read_only = true")
    assert [book().is_read_only for _ in range(3)] == [True] * 3
    assert reading.times == 1
    write(system, "arm_minutes = 7")
    assert (book().is_read_only, book().arm_for_s) == (False, 420)
    write(own, "read_only = true")
    assert book().is_read_only
    own.unlink()
    assert not book().is_read_only
    before = reading.times
    system.chmod(0o666)
    assert book().problems
    system.chmod(0o644)
    system.parent.chmod(0o777)
    assert book().problems
    system.parent.chmod(0o755)
    assert (book().problems, reading.times) == ((), before + 3)


def test_what_was_changed_just_now_is_read_again_in_any_case(system: Path, own: Path) -> None:
    reading = Reading()
    write(system, "")
    book = PolicyBook(system, own, read=reading, clock=lambda: system.stat().st_ctime + 1)
    for _ in range(3):
        book()
    assert reading.times == 3


VALUES = st.one_of(
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(["10%", "mon-fri", "08:00-18:00", "UTC", "drain", "required"]),
    st.lists(st.one_of(st.text(max_size=10), st.sampled_from(["drain", "mon", "*"])), max_size=3),
)
KEYS = st.sampled_from(
    [
        "read_only",
        "arm_minutes",
        "locks",
        "fleet",
        "group",
        "partition",
        "concurrent",
        "per_hour",
        "may_be_overridden",
        "names",
        "users",
        "longer_than_h",
        "actions",
        "unix_groups",
        "groups",
        "hosts",
        "units",
        "days",
        "between",
        "timezone",
        "from",
        "until",
        "why",
        "syslog",
        "blast",
        "jobs",
        "allow",
        "deny",
        "audit",
    ]
)
TABLES = st.sampled_from(["[blast]", "[jobs]", "[[allow]]", "[[deny]]", "[audit]", "[deny]", "[[blast]]", "[allow.x]"])


def toml(values: dict[str, object]) -> str:
    spoken = {"NaN": "nan", "Infinity": "inf", "-Infinity": "-inf"}
    return "".join(f"{key} = {spoken.get(json.dumps(value), json.dumps(value))}\n" for key, value in values.items())


@given(
    st.dictionaries(KEYS, VALUES, max_size=4), st.lists(st.tuples(TABLES, st.dictionaries(KEYS, VALUES, max_size=4)))
)
def test_whatever_the_keys_hold_a_file_is_understood_or_stops_everything(
    top: dict[str, object], tables: list[tuple[str, dict[str, object]]]
) -> None:
    text = toml(top) + "".join(f"{table}\n{toml(values)}" for table, values in tables)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "policy.toml"
        path.write_text(text)
        path.chmod(0o644)
        Path(folder).chmod(0o755)
        policies = read_policies(path, Path(folder) / "none", owner=ME)
    says_something = any(value is True for key, value in top.items() if key == "read_only")
    assert policies.problems or policies.is_read_only is says_something
