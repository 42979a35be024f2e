"""How soon it is there: `python tests/bench/bench_start.py`. Prints the best and the median of several starts.

Times run from the start of the process, on a pseudo terminal of 120×40: `--help` answered, first paint of the empty
fleet screen, and, for the demo, the first row of data.
"""

import fcntl
import os
import pty
import select
import shutil
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path

COMMAND = [str(Path(sys.executable).parent / "leptontui")]
LIMIT_S = 20.0


def seconds_until(arguments: list[str], sign: bytes) -> float:
    """Seconds until `sign` is on the screen of a fresh start; inf if it does not come."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update(TERM="xterm-256color", COLORTERM="truecolor")
        os.execv(COMMAND[0], COMMAND + arguments)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    began, seen = time.perf_counter(), b""
    try:
        while sign not in seen:
            left = LIMIT_S - (time.perf_counter() - began)
            if left <= 0 or not select.select([terminal], [], [], left)[0]:
                return float("inf")
            try:
                seen += os.read(terminal, 1 << 16)
            except OSError:
                return float("inf")
        return time.perf_counter() - began
    finally:
        os.kill(pid, signal.SIGTERM)
        os.close(terminal)
        os.waitpid(pid, 0)


def help_seconds() -> float:
    began = time.perf_counter()
    subprocess.run([*COMMAND, "--help"], check=True, capture_output=True)
    return time.perf_counter() - began


def report(name: str, times: list[float]) -> None:
    print(f"{name:<34} best {min(times):.3f} s, median {statistics.median(times):.3f} s of {len(times)}")


def main() -> None:
    home = tempfile.mkdtemp()
    os.environ["HOME"] = home
    try:
        report("--help answered", [help_seconds() for _ in range(10)])
        report("first paint (this machine)", [seconds_until([], b"lepton") for _ in range(5)])
        report("first paint (demo)", [seconds_until(["demo"], b"lepton") for _ in range(3)])
        report("first data (demo, 24 hosts)", [seconds_until(["demo"], b"H100") for _ in range(3)])
    finally:
        shutil.rmtree(home)


if __name__ == "__main__":
    main()
