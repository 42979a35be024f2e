"""Why a probe ended: from its exit status and last words to a fault."""

from __future__ import annotations

import re
from typing import Final

from leptontui.model.link import Fault, FaultKind
from leptontui.model.text import plain
from leptontui.sources.bundle import EATEN_STATUS, FOREIGN_SHELL_STATUS, NO_PYTHON_STATUS
from leptontui.transport.contract import Completed

_NOT_FOUND: Final = 127
"""A shell's "command not found": of `sh` itself, as all else is looked for by it."""
_CRASHED: Final = 70
"""The probe's own end by an error of ours (EX_SOFTWARE); what it says is a traceback."""
_COMMAND: Final = "let the account run commands: look at ForceCommand in sshd's configuration, and at its login shell"
_NO_ACCOUNT: Final = re.compile(r"account is (?:currently )?not available|nologin", re.IGNORECASE)
"""What nologin(8) of util-linux, Debian and BSD say."""
_NO_COMMANDS: Final = re.compile(
    r"forbidden (?:command|path)|unknown command|restricted|not (?:allowed|permitted) to (?:run|execute)"
    r"|only (?:sftp|scp|rsync)|sftp connections only|interactive git shell|unrecognized command|invalid input detected",
    re.IGNORECASE,
)
"""What rbash, lshell, rssh, git-shell, sshd's internal-sftp and the shells of switches and controllers say."""
_FAULTS: Final = {
    NO_PYTHON_STATUS: Fault(
        FaultKind.NO_PYTHON, "no usable Python, and no awk or no /proc", "install python3, 3.6 or newer, on the host"
    ),
    _NOT_FOUND: Fault(
        FaultKind.NO_PYTHON, "no usable Python, and no sh on the account's PATH", "give the account /bin on its PATH"
    ),
    EATEN_STATUS: Fault(
        FaultKind.PROBE_FAILED,
        "something on the host read what was meant for the probe",
        "a start-up file (~/.bashrc, ~/.cshrc) must not read its input: end it early unless the shell is interactive",
    ),
    FOREIGN_SHELL_STATUS: Fault(
        FaultKind.PERMISSION_DENIED, "the host runs a shell in the place of the command it was asked to run", _COMMAND
    ),
}


def fault_of_end(completed: Completed, last_noise: str = "") -> Fault:
    """The fault behind a probe that ended by itself.

    Args:
        completed: its exit status and stderr.
        last_noise: the last line it printed that was no message: what a restricted shell says goes there.
    """
    said = _last_line(completed.stderr) or last_noise
    status = completed.exit_status
    kind, cause, mend = FaultKind.PROBE_FAILED, f"the probe ended with status {status}", ""
    if status is None:
        cause = "the probe ended without a status"
    elif status < 0:
        cause = f"the probe was ended by signal {-status}"
    elif status in _FAULTS:
        known = _FAULTS[status]
        kind, cause, mend = known.kind, known.cause, known.mend
    elif status not in (0, _CRASHED):
        words = f"{completed.stderr[-4096:]}\n{last_noise}"
        if _NO_ACCOUNT.search(words):
            kind, cause = FaultKind.PERMISSION_DENIED, "the account has no login shell"
            mend = "give the account a shell (chsh), or name another user"
        elif _NO_COMMANDS.search(words):
            kind, cause, mend = FaultKind.PERMISSION_DENIED, "the account's shell runs no such commands", _COMMAND
        elif status == 1 and not said:
            # /bin/false, or a probe that said nothing of itself.
            mend = "if its login shell is /bin/false the account may not run commands: name another user"
    return Fault(kind, f"{cause}: {said}" if said else cause, mend)


def _last_line(text: str) -> str:
    lines = (plain(line, 200) for line in reversed(text[-4096:].splitlines()))
    return next((line for line in lines if line), "")
