"""Which of apprise's addresses are refused, and which open an incident with every message."""

from __future__ import annotations

import re
from typing import Final

LOCAL: Final = frozenset({"blink1", "dbus", "gio", "glib", "gnome", "kde", "macosx", "qt", "syslog", "windows"})
"""These run programs, load drivers or write on this very machine, where nobody may be looking; a test holds this list
against the plugins of the installed apprise."""
_NO_SERVICE: Final = frozenset({"file", "exec", "script", "shell", "cmd", "python", "memory", "include"})
"""Not apprise's, or of its configuration only: named here for a better message."""
INCIDENTS: Final = frozenset({"pagerduty", "pagertree", "signl4", "spike"})
"""With apprise each message opens an incident of its own: a message about an end would wake somebody."""


def schema(url: str) -> str:
    """What stands before "://", in lower case; "" if nothing does."""
    found = re.match(r"\s*([a-zA-Z0-9+.-]{1,20})://", url)
    return found.group(1).lower() if found else ""


def refused(url: str) -> str:
    """Why an address is not used, in words that do not repeat it; "" if it may be."""
    name = schema(url)
    if not name:
        return 'not an address such as "slack://…"'
    if name in LOCAL:
        return f"{name}:// tells only this machine, by its own programs"
    if name in _NO_SERVICE:
        return f"{name}:// is not a service that messages are sent to"
    return ""


def opens_incidents(url: str) -> bool:
    """Whether each message opens an incident."""
    return schema(url) in INCIDENTS
