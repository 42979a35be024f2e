"""`leptontui report`, `alerts list` and `alerts history`, from a database on disk."""

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest

from leptontui.alerts.shelf import Changes, Shelf
from leptontui.cli import main
from leptontui.model.alert import AlertState
from leptontui.model.alert_history import Happening, Transition
from tests.unit.alerts.life_scene import Life, finding


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path / "leptontui" / "alerts.sqlite"


def keep(path: Path, scope: str, host: str) -> None:
    now = time.time()
    life = Life(now=now - 600)
    life.looks(7, replace(finding(), summary=f"GPU 0 of {host} is hot \x1b[31m"))
    (alert,) = life.state.alerts
    assert alert.state is AlertState.FIRING
    told = tuple(one for one in life.told if one.happening is Happening.FIRED)
    old = Transition(Happening.RESOLVED, now - 86_400, replace(alert, summary="long ago"))
    shelf = Shelf(path, scope)
    shelf.lease("me", "me", now, 1)
    shelf.record("me", Changes((old, *told), (alert,), {"judgements": '{"records":{"r":{"rule":"r","came_true":3}}}'}))
    shelf.close()


def test_a_report_is_printed_and_written(path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keep(path, "fleet.toml", "gpu-001")
    assert main(["report", "--since", "12h"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("# Alerts of fleet.toml, ")
    assert "## Still open (1)" in said
    assert "long ago" not in said
    assert "precision 100 %" in said
    assert "\x1b" not in said
    out = tmp_path / "report.json"
    assert main(["report", "--since", "2d", "--json", "--out", str(out)]) == 0
    assert capsys.readouterr().out == ""
    assert json.loads(out.read_text())["fired"]["page"] == 1
    assert out.stat().st_mode & 0o777 == 0o600
    out.chmod(0o644)  # as its owner wants it
    assert main(["report", "--since", "2d", "--out", str(out)]) == 0
    assert out.read_text().startswith("# Alerts")
    assert out.stat().st_mode & 0o777 == 0o644


def test_alerts_and_their_history_are_listed(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keep(path, "fleet.toml", "gpu-001")
    assert main(["alerts", "list"]) == 0
    assert "page    gpu-hot  GPU 0 of gpu-001 is hot" in capsys.readouterr().out
    assert main(["alerts", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["alerts"][0]["rule"] == "gpu-hot"
    assert main(["alerts", "history", "GPU-001", "hot"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[1] for line in lines] == ["resolved", "fired"], "oldest first"
    assert main(["alerts", "history", "elsewhere"]) == 0
    told = capsys.readouterr()
    assert (told.out, told.err) == ("", "leptontui: nothing happened to alerts with elsewhere in the last 7d\n")
    assert main(["alerts", "history", "elsewhere", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["transitions"] == []


def test_of_several_fleets_the_one_of_which_something_happened_last(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keep(path, "/a/one.toml", "gpu-001")
    keep(path, "/a/two.toml", "gpu-002")
    assert main(["alerts", "list"]) == 0
    said = capsys.readouterr()
    assert "gpu-002" in said.out
    assert "--fleet names another: /a/one.toml" in said.err
    assert main(["alerts", "list", "--fleet", "one"]) == 0
    assert "gpu-001" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["report", "--since", "yesterday"], "expected a duration"),
        (["report", "--since", "0s"], "expected a duration"),
        (["report", "--fleet", "three"], "name one of"),
        (["report", "--fleet", "/a/"], "2 fleets have"),
        (["report", "--out", "/nonexistent/x"], "cannot be written"),
    ],
)
def test_what_cannot_be_is_said_in_words(
    path: Path, capsys: pytest.CaptureFixture[str], words: list[str], says: str
) -> None:
    keep(path, "/a/one.toml", "gpu-001")
    keep(path, "/a/two.toml", "gpu-002")
    assert main(words) == 3
    assert says in capsys.readouterr().err


@pytest.mark.parametrize("words", [["report"], ["alerts", "list"], ["alerts", "history"]])
def test_before_anything_was_kept_it_says_so_and_makes_nothing(
    path: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    assert main(words) == 3
    assert "no alerts have been kept yet" in capsys.readouterr().err
    assert not path.exists()
