"""Work of a thread that is waited for also by whoever is cancelled: what comes after it finds it done."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


async def to_the_end(work: Callable[P, T], *args: P.args, **rest: P.kwargs) -> T:
    """Run `work` in a thread. Cancelled, it waits for its end first; cancelled twice, it does not.

    A file that is written whole, or a line of a chain, must not be overtaken by what is written because of the
    cancellation. Raises what `work` raises.
    """
    working = asyncio.ensure_future(asyncio.to_thread(work, *args, **rest))
    try:
        return await asyncio.shield(working)
    except asyncio.CancelledError:
        await asyncio.wait({working})
        if not working.cancelled():
            working.exception()  # whoever was cancelled does not hear of it
        raise
