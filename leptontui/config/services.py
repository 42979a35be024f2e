"""`[[group.service]]` and `[[group.script]]`: what is asked on a host besides what every host is asked."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import Final, TypeVar
from urllib.parse import urlsplit

from leptontui.config.problem import quoted
from leptontui.config.reading import Table
from leptontui.model.target import ScriptSpec, ServiceSpec

SERVICE_KEYS: Final = ("name", "health", "metrics", "series", "interval_s", "timeout_s")
SCRIPT_KEYS: Final = ("name", "command", "interval_s", "timeout_s")
MOST_OF_A_HOST: Final = 32
"""Services, and scripts, of one host: each takes a slot of the probe's time."""

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}")
_NAME_EXPECTED: Final = "letters, digits, . _ - (at most 40)"
_URL_EXPECTED: Final = "a URL on the host's own loopback such as http://127.0.0.1:8000/health"
_LONGEST_URL: Final = 500
_LOGIN: Final = " that holds a login or a fragment"
_COMMAND_EXPECTED: Final = 'a list such as ["/usr/local/bin/fan-speeds", "--all"]'

T = TypeVar("T")


def read_services(table: Table) -> tuple[tuple[ServiceSpec, ...], tuple[ScriptSpec, ...]]:
    """The services and the scripts of a group or source; problems go to their tables.

    Names are unique over both: they stand before the series that come from them.
    """
    seen: set[str] = set()
    return _each(table, "service", _service, seen), _each(table, "script", _script, seen)


def _each(table: Table, key: str, read: Callable[[Table, str], T | None], seen: set[str]) -> tuple[T, ...]:
    found: list[T] = []
    for inner in table.tables(key):
        name = inner.text("name", _NAME_EXPECTED)
        if "name" not in inner.values:
            inner.problem("name", "missing", _NAME_EXPECTED)
        elif name is not None and not _NAME.fullmatch(name):
            inner.problem("name", quoted(name), _NAME_EXPECTED)
            name = None
        elif name in seen:
            inner.problem("name", f"a second one called {quoted(name)}", "another name")
        seen.add(name or "")
        item = read(inner, name or "")
        if item is not None and name:
            found.append(item)
    if len(found) > MOST_OF_A_HOST:
        table.problem(key, f"{len(found)} of them", f"at most {MOST_OF_A_HOST}")
    return tuple(found[:MOST_OF_A_HOST])


def _service(table: Table, name: str) -> ServiceSpec | None:
    table.refuse_unknown(SERVICE_KEYS)
    health, metrics = _url(table, "health"), _url(table, "metrics")
    if "health" not in table.values and "metrics" not in table.values:
        table.problem("health", "neither health nor metrics", _URL_EXPECTED)
    series = table.texts("series", 'a list such as ["vllm:num_requests_*"]') or []
    for pattern in series:
        if not pattern.strip() or not pattern.isprintable():
            table.problem("series", quoted(pattern), "a series' name, * and ? allowed", item=pattern)
    interval_s, timeout_s = table.seconds("interval_s", 0.5, 3600.0), table.seconds("timeout_s", 0.1, 60.0)
    known = ServiceSpec(name)
    return ServiceSpec(
        name,
        health,
        metrics,
        tuple(dict.fromkeys(series)),
        known.interval_s if interval_s is None else interval_s,
        known.timeout_s if timeout_s is None else timeout_s,
    )


def _url(table: Table, key: str) -> str | None:
    url = table.text(key, _URL_EXPECTED)
    if url is None or (why := _why_not(url)) == "":
        return url
    shown = f"a URL{_LOGIN}" if why == _LOGIN else f"{quoted(url)}{why}"  # a secret is not repeated
    table.problem(key, shown, _URL_EXPECTED)
    return None


def _why_not(url: str) -> str:
    """What is wrong with a URL, to be put behind it; "" if nothing is."""
    if len(url) > _LONGEST_URL or not url.isascii() or " " in url:
        return " is no URL"
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return " is no URL"
    if parts.scheme not in {"http", "https"} or not host:
        return " is no http or https URL"
    if parts.username is not None or parts.fragment:
        return _LOGIN
    return "" if _is_loopback(host) else f": {host} is not the host's loopback"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _script(table: Table, name: str) -> ScriptSpec | None:
    table.refuse_unknown(SCRIPT_KEYS)
    command = table.argv("command", _COMMAND_EXPECTED)
    interval_s, timeout_s = table.seconds("interval_s", 1.0, 86_400.0), table.seconds("timeout_s", 0.1, 600.0)
    if command is None:
        return None
    known = ScriptSpec(name, command)
    return ScriptSpec(
        name,
        command,
        known.interval_s if interval_s is None else interval_s,
        known.timeout_s if timeout_s is None else timeout_s,
    )
