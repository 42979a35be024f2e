"""The command line: what it accepts, how it refuses, and its exit codes."""

import subprocess
import sys
from pathlib import Path

import pytest

from leptontui import __version__
from leptontui.cli import main


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "leptontui", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_version() -> None:
    assert run("--version").stdout.strip() == f"leptontui {__version__}"


def test_help_names_every_command() -> None:
    text = run("--help").stdout
    assert all(word in text for word in ("demo", "wallboard", "check", "watch", "--inventory", "-H"))


@pytest.mark.parametrize(
    "arguments",
    [
        ["--nonsense"],
        ["frobnicate"],
        ["check", "--interval", "0"],
        ["check", "--interval", "x"],
        ["watch"],
        ["demo", "--hosts", "0"],
        ["demo", "--gpus", "many"],
    ],
)
def test_a_wrong_command_line_exits_with_3_and_says_why(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert left.value.code == 3
    assert "usage:" in capsys.readouterr().err


def test_a_missing_inventory_exits_with_3_and_names_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--inventory", "/nowhere/fleet.toml"]) == 3
    assert "/nowhere/fleet.toml" in capsys.readouterr().err


def test_every_problem_of_an_inventory_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    inventory = tmp_path / "fleet.toml"
    inventory.write_text('[[group]]\nname = "a"\nhosts = ["x"]\nusr = "me"\nport = 99999\n')
    assert main(["check", "-i", str(inventory)]) == 3
    problems = capsys.readouterr().err.splitlines()
    assert len([line for line in problems if "fleet.toml" in line]) == 2


def test_options_are_understood_before_and_after_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["-i", "/nowhere.toml", "check"], ["check", "-i", "/nowhere.toml"]):
        assert main(arguments) == 3
        assert "/nowhere.toml" in capsys.readouterr().err


def test_check_of_this_machine_needs_no_configuration() -> None:
    finished = run("check", "--json")
    assert finished.returncode in {0, 1, 2}, finished.stderr
    assert '"schema"' in finished.stdout
