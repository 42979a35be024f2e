"""A copy of the audit's lines for the system's log: out of the user's reach, with each line's hash."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from leptontui.actions.audit_reading import Json

SOCKETS: Final = (Path("/dev/log"), Path("/var/run/syslog"))
"""Where the system's log listens: Linux (syslog or journald), macOS."""

_AUTHPRIV_NOTICE: Final = 10 * 8 + 5
"""syslog(3): facility authpriv, severity notice."""

_KEYS: Final = ("event", "plan_id", "user", "sudo_user", "tty", "action", "host", "unit", "reason", "outcome", "rule")
_LONGEST: Final = 200
_WITHIN_S: Final = 2.0


def send_copy(line: Mapping[str, Json], digest: str, sockets: tuple[Path, ...] = SOCKETS) -> None:
    """Send what a line says, and its hash, to the system's log.

    Args:
        line: as the audit has it.
        digest: SHA-256 of it, in hex.
        sockets: where to send it: to the first that is there.

    Raises:
        OSError: it cannot be sent.
    """
    said = {key: _short(line[key]) for key in _KEYS if line.get(key)}
    text = json.dumps({**said, "line_sha256": digest, "prev": line.get("prev")}, ensure_ascii=True)
    stamp = time.strftime("%b %e %H:%M:%S", time.localtime())
    message = f"<{_AUTHPRIV_NOTICE}>{stamp} leptontui[{os.getpid()}]: {text}".encode()
    path = next((path for path in sockets if path.exists()), None)
    if path is None:
        raise FileNotFoundError(2, f"there is no {sockets[0]}: no system log listens here")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
        log.settimeout(_WITHIN_S)
        log.connect(str(path))
        log.send(message)


def _short(value: Json) -> Json:
    return value[:_LONGEST] if isinstance(value, str) else value
