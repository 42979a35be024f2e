"""A recording from before the watch begins until what became of it can be said."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from leptontui.wiring.options import WatchOptions

if TYPE_CHECKING:
    from leptontui.store.recorder import Recording


@contextmanager
def recorded(options: WatchOptions) -> Iterator[Recording | None]:
    """The recording that is asked for, None if none is; closed and told of on standard error afterwards.

    Raises:
        LeptonError: it cannot be begun.
    """
    if options.record is None:
        yield None
        return
    from leptontui.store.recorder import Recording

    recording = Recording(options.record)
    try:
        yield recording
    finally:
        print(f"leptontui: {recording.close()}", file=sys.stderr)
