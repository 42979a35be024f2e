"""Start a simulated fleet in a process of its own, which dies with this one. Standard library only: it loads fast."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

from leptontui.errors import LeptonError

START_LIMIT_S: Final = 20.0
STOP_LIMIT_S: Final = 5.0
_MAX_LINE: Final = 4096
_MAX_WORDS: Final = 4000


class DemoProcess:
    """A running simulated fleet; a context manager that stops it.

    Attributes:
        inventory: path of its demo.toml; the directory around it is removed when it stops.
        pid: its process.
    """

    def __init__(self, process: subprocess.Popen[bytes], inventory: Path) -> None:
        self.inventory = inventory
        self.pid = process.pid
        self._process = process

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def is_running(self) -> bool:
        """Whether the process is still there."""
        return self._process.poll() is None

    def stop(self) -> None:
        """Stop it and wait for its end, at most about `STOP_LIMIT_S`; nothing if it has ended.

        May be called from any thread, and again. From an event loop use `asyncio.to_thread`.
        """
        _end(self._process)
        shutil.rmtree(self.inventory.parent, ignore_errors=True)


def spawn_demo(
    hosts: int = 24,
    gpus: int = 8,
    *,
    history_s: float = 600.0,
    is_calm: bool = False,
    seed: int = 0,
    meanwhile: Callable[[], None] | None = None,
) -> DemoProcess:
    """Start a simulated fleet and wait until it can be dialled.

    Args:
        hosts: how many.
        gpus: GPUs of each.
        history_s: how much history a probe sends first; 0 for none.
        is_calm: no incidents.
        seed: what identities and noise are derived from.
        meanwhile: called once while it starts: what else takes time, such as loading the screen.

    Raises:
        LeptonError: it did not start within `START_LIMIT_S`; with what it said on stderr.
    """
    argv = [sys.executable, "-m", "leptontui.demo.serve", "--until-stdin-closes", f"--hosts={hosts}", f"--gpus={gpus}"]
    argv += [f"--history-s={history_s}", f"--seed={seed}", *(["--calm"] if is_calm else [])]
    with tempfile.TemporaryFile() as words:
        # Its own session: a Ctrl-C meant for the screen does not end it. A closed stdin does.
        process = subprocess.Popen(  # noqa: S603 — our own interpreter and module
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=words, start_new_session=True
        )
        try:
            if meanwhile is not None:
                meanwhile()
            line = _first_line(process)
        except BaseException:
            _end(process)
            raise
        if not line:
            _end(process)
            words.seek(0)
            said = words.read()[-_MAX_WORDS:].decode(errors="replace").strip()
            raise LeptonError(
                f"the simulated fleet did not start: {said or f'no answer within {START_LIMIT_S:.0f} s'}",
                "run `leptontui demo --serve-only` to see more",
            )
    return DemoProcess(process, Path(line))


def _first_line(process: subprocess.Popen[bytes]) -> str:
    """The first line it prints, without the newline; "" if it ends or is silent for too long."""
    stdout, line, until_s = _pipe(process.stdout), b"", time.monotonic() + START_LIMIT_S
    while b"\n" not in line and len(line) < _MAX_LINE:
        ready, _, _ = select.select([stdout], [], [], max(0.0, until_s - time.monotonic()))
        part = os.read(stdout.fileno(), _MAX_LINE) if ready else b""
        if not part:
            return ""
        line += part
    return line.partition(b"\n")[0].decode(errors="surrogateescape")


def _end(process: subprocess.Popen[bytes]) -> None:
    """Close its stdin; if that does not end it, terminate and then kill it."""
    with contextlib.suppress(OSError):
        _pipe(process.stdin).close()
    for stronger in (process.terminate, process.kill, process.kill):
        try:
            process.wait(STOP_LIMIT_S / 2)
            break
        except subprocess.TimeoutExpired:
            stronger()
    _pipe(process.stdout).close()


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:  # both are asked for in `spawn_demo`
        raise LeptonError("the simulated fleet has no pipe")
    return pipe
