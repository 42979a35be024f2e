"""Threads for what may keep a loop waiting: names that are looked up, disks that are read, ssh that is asked."""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Final

AT_ONCE: Final = 64
"""As many as logins under way at the same time: asyncio's default is six on two cores, and libuv's four, so that a few
names that no server answers for would keep every other host waiting."""


def wait_for_many(loop: asyncio.AbstractEventLoop) -> None:
    """Let so many calls of one loop wait at the same time. To be called before the first of them is made."""
    # libuv, which uvloop looks up names with, reads it when it makes its threads, at the first lookup.
    os.environ.setdefault("UV_THREADPOOL_SIZE", str(AT_ONCE))
    loop.set_default_executor(ThreadPoolExecutor(AT_ONCE, thread_name_prefix="waiting"))
