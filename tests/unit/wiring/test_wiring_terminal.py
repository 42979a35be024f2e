"""Whoever ends the program from outside gets the terminal back as it was."""

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

ALTERNATE_SCREEN, PRIMARY_SCREEN = b"\x1b[?1049h", b"\x1b[?1049l"


def read_until(terminal: int, wanted: bytes, said: bytes = b"", limit_s: float = 30.0) -> bytes:
    until = time.monotonic() + limit_s
    while wanted not in said and time.monotonic() < until:
        if select.select([terminal], [], [], 0.2)[0]:
            try:
                part = os.read(terminal, 65536)
            except OSError:  # the other end is closed
                break
            said += part
    return said


def test_a_terminal_that_is_gone_ends_the_program(tmp_path: Path) -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update(TERM="xterm-256color", XDG_STATE_HOME=str(tmp_path))
        os.execv(sys.executable, [sys.executable, "-m", "leptontui", "--read-only"])
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    try:
        read_until(terminal, b"lepton")
        os.kill(pid, signal.SIGTERM)
        os.close(terminal)
        until = time.monotonic() + 30
        while (ended := os.waitpid(pid, os.WNOHANG)[0]) == 0 and time.monotonic() < until:
            time.sleep(0.05)
        assert ended == pid
    finally:
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_the_terminal_is_given_back(number: signal.Signals, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "XDG_STATE_HOME": str(tmp_path), "TEXTUAL": ""}
    program = subprocess.Popen(
        [sys.executable, "-m", "leptontui", "--read-only"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        assert ALTERNATE_SCREEN in read_until(ours, b"this machine")
        program.send_signal(number)
        assert PRIMARY_SCREEN in read_until(ours, PRIMARY_SCREEN)
        assert program.wait(30) == 0
    finally:
        with contextlib.suppress(ProcessLookupError):
            program.kill()
        program.wait()
        os.close(ours)


@pytest.mark.parametrize("words", [[], ["wallboard"]])
def test_without_a_terminal_there_is_no_screen(words: list[str], tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "leptontui", *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "XDG_STATE_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)},
    )
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == (
        "leptontui: no terminal to show the fleet on: see leptontui check --json and leptontui watch --json\n"
    )


ASK = """
from leptontui.model.question import Question, QuestionKind
from leptontui.wiring.headless import run_headless
from leptontui.wiring.terminal import TerminalAsker
run_headless(TerminalAsker().ask(Question("p", QuestionKind.PASSWORD, "oncall@gpus", "Password")))
"""


def echoes(terminal: int) -> bool:
    return bool(termios.tcgetattr(terminal)[3] & termios.ECHO)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_question_that_is_given_up_leaves_the_terminal_echoing(number: signal.Signals, tmp_path: Path) -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ["XDG_STATE_HOME"] = str(tmp_path)
        os.execv(sys.executable, [sys.executable, "-c", ASK])
    try:
        assert b"Password: " in read_until(terminal, b"Password: ")
        assert not echoes(terminal)  # it is off before the prompt is written
        os.kill(pid, number)
        read_until(terminal, b"KeyboardInterrupt\r\n")
        os.waitpid(pid, 0)
        assert echoes(terminal)
    finally:
        os.close(terminal)
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
