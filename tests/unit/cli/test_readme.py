"""The README's examples are without fault by the program's own checks."""

import re
from pathlib import Path

import pytest

from leptontui.cli import main

README = (Path(__file__).parents[3] / "README.md").read_text()
EXAMPLES = re.findall(r"```toml\n(.*?)```", README, flags=re.DOTALL)


def example(mark: str) -> str:
    """The one example with this in it."""
    (found,) = [text for text in EXAMPLES if mark in text]
    return str(found)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's configuration, empty."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "leptontui").mkdir()
    return tmp_path / "leptontui"


@pytest.mark.parametrize(
    ("mark", "name"), [("[[group]]", "fleet.toml"), ("[blast]", "policy.toml"), ("[[action]]", "actions.toml")]
)
def test_inventory_policy_and_actions(home: Path, capsys: pytest.CaptureFixture[str], mark: str, name: str) -> None:
    (home / "fleet.toml").write_text(example("[[group]]"))
    (home / name).write_text(example(mark))
    assert main(["config", "check"]) == 0, capsys.readouterr().err


def test_runbook(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "runbook.toml").write_text(example("[[runbook]]"))
    assert main(["runbook", "check", str(home / "runbook.toml")]) == 0, capsys.readouterr().err


def test_rules(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "rules.toml").write_text(example("[[rule]]"))
    assert main(["rules", "check", str(home / "rules.toml")]) == 0, capsys.readouterr().err
