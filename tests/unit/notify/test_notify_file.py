"""The notifiers' file: what it may say, every mistake with its line, and no secret in any of it."""

import json
import os
import tomllib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leptontui.alerts.notify.file import default_notify_path, examine_notifiers, load_notifiers
from leptontui.alerts.notify.spec import NotifierSpec, Policy, Secret, Way
from leptontui.cli import main
from leptontui.model.alert import Level, Matcher

FULL = """\
[[notifier]]
name = "oncall"
urls = ["slack://tokenA/tokenB/tokenC", "json://127.0.0.1/x"]
levels = ["page", "ticket"]
match = { group = "train" }
group_by = ["rack"]
group_wait_s = 10
group_interval_s = 60.5
repeat_interval_s = 0
per_hour = 12
send_resolved = false
include_predictive = false

[[notifier]]
name = "am"
alertmanager = "https://am.example:9093/prefix/"
match = ["rack=~r[12]", 'job!="test"', "gpu !~ .*x", "empty="]
user = "kim"
password = "hunter2-secret"
ca_file = "ca.pem"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "notify.toml"
    path.touch(mode=0o600)
    (tmp_path / "ca.pem").touch()
    return path


def problems_of(file: Path, text: str) -> list[str]:
    file.write_text(text)
    _, problems = examine_notifiers(file)
    return [str(problem).removeprefix(str(file)) for problem in problems]


def test_everything_that_can_be_said(file: Path) -> None:
    file.write_text(FULL)
    specs, problems = examine_notifiers(file)
    assert problems == []
    first, second, am = specs
    policy = Policy(
        levels=frozenset({Level.PAGE, Level.TICKET}),
        matchers=(Matcher("group", "train"),),
        includes_predictive=False,
        group_by=("rack",),
        group_wait_s=10,
        group_interval_s=60.5,
        repeat_interval_s=0,
        per_hour=12,
        sends_resolved=False,
    )
    assert first == NotifierSpec(
        "oncall", Way.APPRISE, Secret("slack://tokenA/tokenB/tokenC"), policy, where=f"{file}:3"
    )
    assert (second.name, second.address.reveal()) == ("oncall (2)", "json://127.0.0.1/x")
    assert am.policy.matchers == (
        Matcher("rack", "r[12]", is_regex=True),
        Matcher("job", "test", is_negated=True),
        Matcher("gpu", ".*x", is_regex=True, is_negated=True),
        Matcher("empty", ""),
    )
    assert (am.login.user, am.login.password.reveal()) == ("kim", "hunter2-secret")
    assert am.login.ca_file == str(file.parent / "ca.pem")
    assert am.policy.levels == {Level.PAGE}


def test_services_that_open_an_incident_with_each_message_are_told_of_no_ends(file: Path) -> None:
    file.write_text('[[notifier]]\nname = "pd"\nurl = "pagerduty://key@api"\n')
    ((spec,), problems) = examine_notifiers(file)
    assert not problems
    assert not spec.policy.sends_resolved
    assert spec.policy.repeat_interval_s == 0


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o622, 0o660, 0o777])
def test_a_file_that_others_can_read_or_write_is_refused(file: Path, mode: int) -> None:
    file.write_text(FULL)
    file.chmod(mode)
    specs, (problem,) = load_notifiers(file)
    assert specs == ()
    assert f"mode {mode:04o}" in problem
    assert problem.endswith(f"chmod 600 {file}")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_file_of_somebody_else_is_refused(file: Path) -> None:
    file.write_text(FULL)
    os.chown(file, 65534, 65534)
    specs, (problem,) = load_notifiers(file)
    assert specs == ()
    assert "belongs to somebody else" in problem


def test_what_is_no_file_is_told_and_what_is_not_there_is_no_problem(tmp_path: Path) -> None:
    assert load_notifiers(tmp_path / "absent.toml") == ((), ())
    (tmp_path / "folder.toml").mkdir()
    assert "is a directory" in load_notifiers(tmp_path / "folder.toml")[1][0]
    os.mkfifo(tmp_path / "pipe.toml", 0o600)
    assert "not a regular file" in load_notifiers(tmp_path / "pipe.toml")[1][0]
    (tmp_path / "bytes.toml").write_bytes(b"\xff")
    (tmp_path / "bytes.toml").chmod(0o600)
    assert "not UTF-8" in load_notifiers(tmp_path / "bytes.toml")[1][0]


ENTRY = '[[notifier]]\nname = "n"\nurl = "json://h/x"\n'
AM = '[[notifier]]\nname = "n"\nalertmanager = "http://h:9093"\n'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ["no notifiers"]),
        ('[notifier]\nname = "n"\n', [":1: notifier: [notifier], expected [[notifier]] with two brackets"]),
        ('[[notifer]]\nname = "n"\n', [':1: notifer: unknown key; did you mean "notifier"?']),
        ('name = "n"\n' + ENTRY, [":1: name: at the top of the file, expected it inside a [[notifier]]"]),
        ('[[notifier]]\nurl = "json://h/x"\n', [":1: notifier 1: name: missing"]),
        ('[[notifier]]\nname = "n"\n', [":1: notifier 1: no address"]),
        (ENTRY + 'alertmanager = "http://h"\n', [":4: notifier 1: alertmanager: url and alertmanager together"]),
        (ENTRY + ENTRY, [':5: notifier 2: name: a second notifier called "n"']),
        (
            ENTRY + 'levels = ["pgae"]\n',
            [":4: notifier 1: levels: 'pgae', expected page, ticket or note; did you mean \"page\"?"],
        ),
        (ENTRY + "levels = []\n", [":4: notifier 1: levels: empty"]),
        (ENTRY + "group_wait = 3\n", [':4: notifier 1: group_wait: unknown key; did you mean "group_wait_s"?']),
        (ENTRY + "per_hour = 0\n", [":4: notifier 1: per_hour: 0, expected 1 to 3600"]),
        (ENTRY + 'per_hour = "x"\n', [":4: notifier 1: per_hour: text 'x'"]),
        (ENTRY + "group_wait_s = -1\n", [":4: notifier 1: group_wait_s: -1"]),
        (ENTRY + "send_resolved = 1\n", [":4: notifier 1: send_resolved: a whole number 1"]),
        (ENTRY + 'match = ["a"]\n', [":4: notifier 1: match: 'a', expected a label, one of = != =~ !~, and a value"]),
        (ENTRY + 'match = ["a=~("]\n', ["expected a regular expression"]),
        (ENTRY + 'match = ["a=~(?=b)b"]\n', ["expected a regular expression (look-around"]),
        (ENTRY + "match = { a = 1 }\n", [":4: notifier 1: match: 'a' is no text"]),
        (ENTRY + 'token = "x"\n', [":4: notifier 1: token: is for Alertmanager only"]),
        (AM + "group_wait_s = 1\n", [":4: notifier 1: group_wait_s: is for messages only"]),
        (AM + 'user = "u"\n', [":4: notifier 1: user: without password, expected both"]),
        (
            AM + 'user = "u"\npassword = "pppp"\ntoken = "tttt"\n',
            [":6: notifier 1: token: together with user or password"],
        ),
        (AM + 'ca_file = "absent.pem"\n', [":4: notifier 1: ca_file: there is no such file"]),
        (AM.replace("http://h:9093", "h:9093"), [":3: notifier 1: alertmanager: not an address"]),
        (AM.replace("h:9093", "u:p@h"), [":3: notifier 1: alertmanager: a login in the address"]),
        (AM.replace("h:9093", "h/api/v2/alerts"), [":3: notifier 1: alertmanager: an address with /api at its end"]),
        (AM.replace("h:9093", "h:99999"), [":3: notifier 1: alertmanager: not an address"]),
        (ENTRY.replace("json", "dbus"), [":3: notifier 1: url: dbus:// tells only this machine"]),
        (ENTRY.replace("json", "exec"), ["exec:// is not a service"]),
        (ENTRY.replace('"json://h/x"', "3"), [":3: notifier 1: url: not a text"]),
        ('[[notifier]]\nname = "n"\nurls = ["json://h/x", "json://h/x"]\n', ["address 2: the same address twice"]),
        ('[[notifier]]\nname = "n"\nurl = "pagerduty://k@a"\nsend_resolved = true\n', ["opens an incident"]),
        ('[[notifier]\nname = "n"\n', [":1: not TOML"]),
    ],
)
def test_mistakes_are_told_with_their_line(file: Path, text: str, expected: list[str]) -> None:
    found = problems_of(file, text)
    assert len(found) == len(expected), found
    for problem, words in zip(found, expected, strict=True):
        assert words in problem


def test_what_is_right_still_runs_beside_what_is_wrong(file: Path) -> None:
    file.write_text(ENTRY + ENTRY.replace('"n"', '"m"') + "per_hour = 0\n")
    specs, troubles = load_notifiers(file)
    assert [spec.name for spec in specs] == ["n"]
    assert len(troubles) == 1


SECRETS = st.text(st.characters(codec="utf-8", exclude_characters='"\\'), min_size=12, max_size=60)
PLACES = [
    'url = "json://{}"',
    'urls = ["json://{}", "exec://{}", 4]',
    'url = "{}"',
    'alertmanager = "http://{}"',
    'password = "{}"',
    'token = "{}"',
    'name = "slack://{}"',
    'levels = ["slack://{}"]',
    'match = ["slack://{}"]',
    'group_by = "slack://{}"',
    'per_hour = "slack://{}"',
    '"slack://{}" = 1',
    "url = slack://{}",
    'url = "slack://{}',
    'ca_file = "slack://{}"',
]


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(SECRETS, st.lists(st.sampled_from(PLACES), min_size=1, max_size=4, unique_by=lambda line: line.split(" ")[0]))
def test_no_problem_shows_a_secret_wherever_it_stands(file: Path, secret: str, places: list[str]) -> None:
    text = "[[notifier]]\n" + "\n".join(place.replace("{}", secret) for place in places)
    file.write_text(text)
    specs, problems = examine_notifiers(file)
    said = repr(specs) + "".join(map(str, problems))
    for n in range(len(secret) - 10):
        piece = secret[n : n + 10]
        if piece not in text.replace(secret, "") and len(set(piece)) > 3:
            assert piece not in said


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=200))
def test_no_text_is_too_strange(file: Path, text: str) -> None:
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    examine_notifiers(file)


VALUES = st.sampled_from(
    ["1", "-1", "1.5", "true", '""', '"x"', "[]", "[1]", "{}", "{a = 1}", "2020-01-01", '["", "a"]', "nan"]
)
KEYS = st.sampled_from(
    [
        "name",
        "url",
        "urls",
        "alertmanager",
        "levels",
        "match",
        "group_by",
        "per_hour",
        "password",
        "user",
        "ca_file",
        "send_resolved",
        "group_wait_s",
        "zzz",
    ]
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(KEYS, VALUES, min_size=1))
def test_no_value_is_too_strange(file: Path, entry: dict[str, str]) -> None:
    text = "[[notifier]]\n" + "\n".join(f"{key} = {value}" for key, value in entry.items())
    assert tomllib.loads(text)
    file.write_text(text)
    specs, problems = examine_notifiers(file)
    assert bool(problems) or bool(specs)


def test_the_file_is_where_configuration_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert default_notify_path() == tmp_path / "leptontui" / "notify.toml"
    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.setenv("HOME", "/home/kim")
    assert default_notify_path() == Path("/home/kim/.config/leptontui/notify.toml")


def test_check_says_that_all_is_well(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(ENTRY + AM.replace('"n"', '"am"') + 'match = ["rack=r1"]\n')
    assert main(["notify", "check", str(file)]) == 0
    assert capsys.readouterr().out == (
        f"n: apprise, pages\nam: alertmanager, pages with 1 condition on labels\n{file}: well; 2 notifiers\n"
    )


def test_check_asks_apprise_too(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(ENTRY.replace("json", "slakc"))
    assert main(["notify", "check", str(file)]) == 3
    error = capsys.readouterr().err
    assert error == (
        f'{file}:3: notifier n: url: apprise knows no slakc://; did you mean "slack"?\n{file}: 1 problem\n'
    )


def test_check_speaks_json(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(ENTRY + "zzz = 1\n")
    assert main(["notify", "check", "--json", str(file)]) == 3
    document = json.loads(capsys.readouterr().out)
    assert document["is_well"] is False
    assert document["problems"][0]["line"] == 4


def test_a_notifier_that_does_not_exist_is_told(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(ENTRY.replace('"n"', '"oncall"'))
    assert main(["notify", "test", "oncal", "-f", str(file)]) == 3
    assert 'no such notifier, expected one of oncall; did you mean "oncall"?' in capsys.readouterr().err
    assert main(["notify", "check", str(file.parent / "absent.toml")]) == 3
    assert "there is no such file" in capsys.readouterr().err


def test_a_test_that_does_not_arrive_says_why(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text('[[notifier]]\nname = "n"\nurl = "json://no-such-host.invalid/secret-path"\n')
    assert main(["notify", "test", "n", "-f", str(file)]) == 3
    assert capsys.readouterr().err == "n: its name cannot be resolved\n"
