"""How `check` and `watch` end: nobody reads, told to end, the engine fails, nowhere to log."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

LEPTONTUI = [sys.executable, "-m", "leptontui"]


@pytest.fixture(autouse=True)
def own_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def test_check_without_a_reader_keeps_its_exit_code() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [*LEPTONTUI, "check"], stdout=writing, stderr=subprocess.PIPE, text=True, timeout=60, check=False
        )
    finally:
        os.close(writing)
    assert done.stderr == ""
    assert done.returncode in {0, 1, 2}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_watch_winds_up_when_told_to_end(number: signal.Signals) -> None:
    watch = subprocess.Popen([*LEPTONTUI, "watch", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert watch.stdout is not None
    assert watch.stdout.readline().startswith("{")
    watch.send_signal(number)
    _, said = watch.communicate(timeout=30)
    assert (watch.returncode, said) == (0, "")


def python(script: str) -> subprocess.CompletedProcess[str]:
    """Run in a process of its own: logging is set up once for each."""
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)


FAIL = """
import sys
from leptontui.cli import main
from leptontui.engine.engine import Engine
class Panic(BaseException): "As polars raises it: no Exception."
async def failed(engine): raise Panic("index out of bounds\\x1b[31m")
Engine._tick = failed
sys.exit(main(["check"]))
"""


def test_a_failed_engine_is_told_in_words(tmp_path: Path) -> None:
    done = python(FAIL)
    assert done.returncode == 3
    assert done.stderr.startswith("leptontui: the engine failed: Panic: index out of bounds")
    assert len(done.stderr.splitlines()) == 1
    (log,) = tmp_path.rglob("leptontui.log")
    assert "Traceback" in log.read_text()


LOG = """
import logging
from leptontui.wiring.log import log_to_file
log_to_file()
logging.getLogger("x").warning("said \\x1b]0;title\\x07 and\\nmore")
"""


def test_nowhere_to_log_is_no_reason_to_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    done = python(LOG)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_log_is_fit_for_a_terminal(tmp_path: Path) -> None:
    assert python(LOG).stderr == ""
    (written,) = tmp_path.rglob("leptontui.log")
    assert written.stat().st_mode & 0o777 == 0o600
    lines = written.read_text().splitlines()
    assert all(map(str.isprintable, lines))
    assert lines[0].endswith(r"said \x1b]0;title\x07 and")


LONG_LOG = """
import logging
from leptontui.wiring.log import log_to_file
log_to_file()
for _ in range(100):
    logging.getLogger("x").warning("x" * 30_000)
"""


def test_every_file_of_a_long_log_is_private(tmp_path: Path) -> None:
    first = tmp_path / "state/leptontui/log/leptontui.log"
    first.parent.mkdir(parents=True)
    first.touch(0o644)
    python(LONG_LOG)
    files = list(tmp_path.rglob("leptontui.log*"))
    assert len(files) == 3
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}


def test_a_log_is_not_written_through_a_link(tmp_path: Path) -> None:
    folder = tmp_path / "state/leptontui/log"
    folder.mkdir(parents=True)
    (tmp_path / "precious").touch()
    (folder / "leptontui.log").symlink_to(tmp_path / "precious")
    assert python(LOG).returncode == 0
    assert (tmp_path / "precious").read_text() == ""
