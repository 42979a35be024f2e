"""What is wrong on the command line is told in words and at once: before anything heavy is imported."""

import subprocess
import sys
from pathlib import Path

import pytest

from leptontui.cli import main

HEAVY = "import sys; from leptontui.cli import main; main({!r}); sys.exit(4 if 'polars' in sys.modules else 0)"
NO_RECORDING = [["backtest"], ["anomalies"], ["alerts", "replay", "--rules", "rules.toml"]]


@pytest.mark.parametrize("command", NO_RECORDING, ids=lambda command: command[0])
@pytest.mark.parametrize("kind", ["absent", "text", "short", "folder"])
def test_what_is_no_recording_is_refused_at_once(command: list[str], kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"{kind}.parquet"
    match kind:
        case "text":
            path.write_text("series,metric,ts,value\n")
        case "short":
            path.write_bytes(b"PAR1")
        case "folder":
            path.mkdir()
        case _:
            pass
    done = subprocess.run(
        [sys.executable, "-c", HEAVY.format([*command, str(path)])],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, "polars was imported"
    assert str(path) in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (["--interval", "soon"], "soon: expected a number of seconds"),
        (["demo", "--hosts", "many"], "many: expected a whole number"),
        (["alerts", "history", "--limit", "all"], "all: expected a whole number"),
    ],
)
def test_what_is_no_number_is_told_in_words(line: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(line)
    assert ended.value.code == 3
    assert said in capsys.readouterr().err


def test_a_file_that_may_not_be_looked_at_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["backtest", str(tmp_path / ("x" * 300))]) == 3
    assert "cannot be read" in capsys.readouterr().err
    assert main(["anomalies", "/dev/null"]) == 3
    assert "is no file" in capsys.readouterr().err
