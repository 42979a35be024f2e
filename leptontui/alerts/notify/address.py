"""Where a notifier sends to, and how it proves who it is, as the notifiers' file says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from leptontui.alerts.notify.pagerduty_way import REGIONS
from leptontui.alerts.notify.schemas import refused
from leptontui.alerts.notify.spec import Login, Secret, Way
from leptontui.config.problem import quoted
from leptontui.config.reading import Table

WAYS: Final = {
    "url": Way.APPRISE,
    "urls": Way.APPRISE,
    "alertmanager": Way.ALERTMANAGER,
    "pagerduty": Way.PAGERDUTY,
}
ADDRESS_KEYS: Final = tuple(WAYS)
SECRET_KEYS: Final = frozenset({*ADDRESS_KEYS, "password", "token"})
"""Values of these are never repeated."""
_LOGIN_KEYS: Final = ("user", "password", "token", "ca_file")


def read_addresses(table: Table, key: str) -> list[str]:
    """The addresses at `key`, one of `ADDRESS_KEYS`; problems go to the table.

    PagerDuty's is that of its region; what stands at the key is its integration key, see `read_login`.
    """
    if WAYS[key] is Way.PAGERDUTY:
        region = table.text("region", '"us" or "eu"') or "us"
        if region not in REGIONS:
            table.problem("region", quoted(region), '"us" or "eu"')
            return []
        return [REGIONS[region]]
    if "region" in table.values:
        table.problem("region", "is for pagerduty only")
    value = table.values[key]
    texts = value if isinstance(value, list) and key != "url" else [value]
    if not texts:
        table.problem(key, "empty", "at least one address")
    good: list[str] = []
    for n, entry in enumerate(texts, 1):
        which = f"address {n}: " if len(texts) > 1 else ""
        if not isinstance(entry, str) or not entry.strip() or not entry.isprintable():
            table.problem(key, f"{which}not a text without control characters", "an address")
            continue
        text = entry.strip()
        reason = refused(text) if WAYS[key] is Way.APPRISE else _not_alertmanager(text)
        if reason:
            table.problem(key, which + reason)
        elif text in good:
            table.problem(key, f"{which}the same address twice")
        else:
            good.append(text)
    return good


def _not_alertmanager(text: str) -> str:
    try:
        parts = urlsplit(text)
        is_address = (
            parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port is None or parts.port > 0)
        )
    except ValueError:
        is_address = False
    if not is_address:
        return 'not an address such as "http://alertmanager.example:9093"'
    if "@" in parts.netloc:
        return "a login in the address; write it as user and password, or token"
    if parts.query or parts.fragment:
        return "an address with ? or #, expected one such as http://alertmanager.example:9093/prefix"
    if re.search(r"/api(/v\d)?(/alerts)?/?$", parts.path):
        return "an address with /api at its end; leave that out"
    return ""


def read_login(table: Table, folder: Path, way: Way) -> Login:
    """How a notifier proves who it is; problems go to the table."""
    given = [key for key in _LOGIN_KEYS if key in table.values]
    if way is not Way.ALERTMANAGER:
        for key in given:
            table.problem(key, "is for Alertmanager only", "", "the address of others is their login")
        return Login(token=Secret(_secret(table, "pagerduty"))) if way is Way.PAGERDUTY else Login()
    password, token = _secret(table, "password"), _secret(table, "token")
    user = table.text("user", "a login name") or ""
    if "token" in given and ("user" in given or "password" in given):
        table.problem("token", "together with user or password", "one of them")
    elif ("user" in given) != ("password" in given):
        lonely, missing = ("user", "password") if "user" in given else ("password", "user")
        table.problem(lonely, f"without {missing}", "both")
    ca_file = table.path("ca_file", folder) or ""
    if ca_file and not Path(ca_file).is_file():
        table.problem("ca_file", "there is no such file", "a file of certificates in PEM")
    return Login(user, Secret(password), Secret(token), ca_file)


def _secret(table: Table, key: str) -> str:
    value = table.values.get(key)
    if value is None:
        return ""
    if not isinstance(value, str) or not value or not value.isprintable() or not value.isascii():
        table.problem(key, "not a text of printable ASCII characters", "a secret in quotes")
        return ""
    return value
