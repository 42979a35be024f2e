"""The user's own verdicts: what is read, what is told, and where it is used."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leptontui.cli import main
from leptontui.config.verdicts import default_verdicts, read_verdicts
from leptontui.model.health import Severity
from leptontui.model.target import Fleet, HostTarget
from leptontui.model.verdict import Override, Overrides, Remedy
from leptontui.wiring.watch import FleetWatch

BROKEN = Path(__file__).parent / "verdicts" / "broken.toml"

WELL = """
[[verdict]]
xid = 79
action = "inspect"
why = "our vendor wants to see it"

[[verdict]]
xid = [119, 120]
action = "watch"
severity = "critical"

[[verdict]]
signal = ["straggler", "outlier"]
action = "none"
"""


def written(path, text):
    path.mkdir(parents=True, exist_ok=True)
    file = path / "verdicts.toml"
    file.write_text(text)
    return file


def test_what_is_read(tmp_path):
    overrides, problems = read_verdicts(written(tmp_path, WELL))
    assert problems == []
    watch = Override(Remedy.WATCH, Severity.CRITICAL, "verdicts.toml:7")
    none = Override(Remedy.NONE, Severity.WELL, "verdicts.toml:12")
    assert overrides == Overrides(
        xids={
            79: Override(Remedy.INSPECT, Severity.CRITICAL, "verdicts.toml:2", "our vendor wants to see it"),
            119: watch,
            120: watch,
        },
        signals={"straggler": none, "outlier": none},
    )


def test_every_problem_has_its_line(monkeypatch):
    monkeypatch.chdir(BROKEN.parent)
    overrides, problems = read_verdicts(Path(BROKEN.name))
    assert [str(problem) for problem in problems] == BROKEN.with_suffix(".txt").read_text().splitlines()
    assert sorted(overrides.xids) == [31, 32], "what is right is used"
    assert overrides.xids[31].remedy is Remedy.REBOOT


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[verdict]\n", "verdicts.toml:1: not TOML"),
        ("[verdict]\nxid = 79\n", "expected [[verdict]] with two brackets"),
        ("verdict = 3\n", "expected [[verdict]] with two brackets"),
        ('[[verdict]]\nxid = 79\naction = "watch"\nwhy = "\\u001b[31m"\n', "without control characters"),
        ("\x00", "not TOML"),
        ('[[verdict]]\nsignal = "forecast"\naction = "reboot"\n', ':3: verdict 1: action: "reboot" for signal'),
        (
            '[[verdict]]\nsignal = ["warm", "forecast"]\naction = "watch"\nseverity = "critical"\n',
            ':4: verdict 1: severity: "critical" for signal',
        ),
    ],
)
def test_files_that_are_none(tmp_path, text, words):
    overrides, problems = read_verdicts(written(tmp_path, text))
    assert overrides == Overrides()
    assert words in str(problems[0])


def test_a_file_that_cannot_be_read(tmp_path):
    assert "is a directory" in str(read_verdicts(tmp_path)[1][0])


@given(st.text())
def test_no_text_is_a_traceback(tmp_path_factory, text):
    file = tmp_path_factory.mktemp("v") / "verdicts.toml"
    file.write_text(text, encoding="utf-8", errors="replace")
    for problem in read_verdicts(file)[1]:
        assert str(problem).isprintable()


def test_where_it_is(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert default_verdicts() is None
    file = written(tmp_path / "leptontui", WELL)
    assert default_verdicts() == file


def test_config_check_looks_at_it_too(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    inventory = tmp_path / "fleet.toml"
    inventory.write_text('[[group]]\nhosts = ["a"]\n')
    file = written(tmp_path / "leptontui", WELL)
    assert main(["config", "check", str(inventory)]) == 0
    assert main(["config", "check", str(file)]) == 0
    assert "verdicts on 3 Xids and 2 other signals" in capsys.readouterr().out
    file.write_text(BROKEN.read_text())
    assert main(["config", "check", str(inventory)]) == 3
    assert "verdicts.toml:8: verdict 2: action: 'drain'" in capsys.readouterr().err
    assert main(["config", "check", "--json", str(file)]) == 3


async def test_a_watch_judges_by_it_and_tells_what_is_wrong(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    written(tmp_path / "leptontui", WELL + '[[verdict]]\nxid = 1\naction = "pray"\n')
    fleet = Fleet("test", (HostTarget("a", is_local=True),))
    watch = FleetWatch(fleet, interval_s=1.0, can_act=False, has_forecasts=False)
    assert sorted(watch.engine.overrides.xids) == [79, 119, 120]
    snapshots = []
    watch.subscribe(snapshots.append)
    watch.engine._publish()
    assert any("verdicts.toml:17" in notice and "'pray'" in notice for notice in snapshots[0].notices)
