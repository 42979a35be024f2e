"""Why a probe ended: from its exit status and last words to a fault."""

from __future__ import annotations

from typing import Final

from leptontui.model.link import Fault, FaultKind
from leptontui.model.text import plain
from leptontui.transport.contract import Completed

_NO_PYTHON: Final = frozenset({78, 127})
"""EX_CONFIG, with which the launcher says that it found no Python; and a shell's "command not found"."""


def fault_of_end(completed: Completed, last_noise: str = "") -> Fault:
    """The fault behind a probe that ended by itself.

    Args:
        completed: its exit status and stderr.
        last_noise: the last line it printed that was no message: what a restricted shell says goes there.
    """
    said = _last_line(completed.stderr) or last_noise
    after = f": {said}" if said else ""
    status = completed.exit_status
    if status in _NO_PYTHON:
        return Fault(FaultKind.NO_PYTHON, f"no usable Python{after}", "install python3, 3.6 or newer, on the host")
    if status is None:
        return Fault(FaultKind.PROBE_FAILED, f"the probe ended without a status{after}")
    if status < 0:
        return Fault(FaultKind.PROBE_FAILED, f"the probe was ended by signal {-status}{after}")
    return Fault(FaultKind.PROBE_FAILED, f"the probe ended with status {status}{after}")


def _last_line(text: str) -> str:
    lines = (plain(line, 200) for line in reversed(text[-4096:].splitlines()))
    return next((line for line in lines if line), "")
