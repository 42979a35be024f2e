"""Serve a simulated fleet until told to stop: `python -m leptontui.demo.serve`, and the same as a function."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from leptontui.demo.fleet import demo_fleet
from leptontui.demo.incidents import SCRIPT
from leptontui.errors import LeptonError


def serve(
    hosts: int = 24,
    gpus: int = 8,
    *,
    directory: Path | None = None,
    history_s: float = 600.0,
    is_calm: bool = False,
    seed: int = 0,
    until_stdin_closes: bool = False,
) -> None:
    """Serve until SIGINT, SIGTERM or SIGHUP; prints the inventory's path as soon as the hosts can be dialled.

    Args:
        hosts: how many.
        gpus: GPUs of each.
        directory: where the files go; None for a private temporary directory. Removed at the end.
        history_s: how much history a probe sends first; 0 for none.
        is_calm: no incidents.
        seed: what identities and noise are derived from.
        until_stdin_closes: also stop when standard input reaches its end, as it does when the parent dies.

    Raises:
        ConfigError: `directory` cannot be used.
        OSError: sockets run out.
    """
    incidents = () if is_calm else SCRIPT

    async def run() -> None:
        loop, stopped = asyncio.get_running_loop(), asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, stopped.set)
        if until_stdin_closes:
            _watch_stdin(lambda: loop.call_soon_threadsafe(stopped.set))
        async with demo_fleet(
            hosts, gpus, directory=directory, history_s=history_s, incidents=incidents, seed=seed
        ) as fleet:
            sys.stdout.write(f"{fleet.inventory}\n")
            sys.stdout.flush()
            await stopped.wait()

    # A KeyboardInterrupt can only come before the signal handlers are in place, when nothing is open yet.
    with contextlib.suppress(KeyboardInterrupt, BrokenPipeError):
        asyncio.run(run())


def _watch_stdin(closed: Callable[[], object]) -> None:
    """Call `closed` once standard input has reached its end. A thread, since not every stdin can be polled."""

    def read() -> None:
        with contextlib.suppress(OSError):
            while os.read(0, 4096):
                pass
        with contextlib.suppress(RuntimeError):  # the loop is closed already
            closed()

    threading.Thread(target=read, name="stdin", daemon=True).start()


def main(argv: list[str] | None = None) -> int:
    """Read the command line and serve; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m leptontui.demo.serve", description=__doc__)
    parser.add_argument("--hosts", type=int, default=24, metavar="N", help="hosts (default 24)")
    parser.add_argument("--gpus", type=int, default=8, metavar="N", help="GPUs in each (default 8)")
    parser.add_argument("--directory", type=Path, metavar="DIR", help="where the files go; removed at the end")
    parser.add_argument(
        "--history-s", type=float, default=600.0, metavar="S", help="history of each probe (default 600)"
    )
    parser.add_argument("--calm", action="store_true", help="no incidents")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="another fleet, another noise")
    parser.add_argument("--until-stdin-closes", action="store_true", help="also stop at the end of standard input")
    given = parser.parse_args(argv)
    if given.hosts < 1 or given.gpus < 1:
        parser.error("a fleet has at least one host, and a host at least one GPU")
    try:
        serve(
            given.hosts,
            given.gpus,
            directory=given.directory,
            history_s=max(0.0, given.history_s),
            is_calm=given.calm,
            seed=given.seed,
            until_stdin_closes=given.until_stdin_closes,
        )
    except (LeptonError, OSError) as error:
        sys.stderr.write(f"leptontui demo: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
