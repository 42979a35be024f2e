"""One `[[notifier]]` of the notifiers' file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from leptontui.alerts.notify.schemas import opens_incidents, refused, schema
from leptontui.alerts.notify.spec import Login, NotifierSpec, Policy, Secret, Way
from leptontui.config.problem import did_you_mean, quoted
from leptontui.config.reading import Table
from leptontui.model.alert import Level, Matcher

ENTRY_KEYS: Final = (
    "name",
    "url",
    "urls",
    "alertmanager",
    "user",
    "password",
    "token",
    "ca_file",
    "levels",
    "match",
    "group_by",
    "group_wait_s",
    "group_interval_s",
    "repeat_interval_s",
    "per_hour",
    "send_resolved",
    "include_predictive",
)
SECRET_KEYS: Final = frozenset({"url", "urls", "alertmanager", "password", "token"})
_LOGIN_KEYS: Final = ("user", "password", "token", "ca_file")
_OWN_KEYS: Final = ("group_by", "group_wait_s", "group_interval_s", "repeat_interval_s", "per_hour", "send_resolved")
"""What Alertmanager does itself."""
_LONGEST_NAME: Final = 40
_LONGEST_S: Final = 7 * 86400.0
_MOST_PER_HOUR: Final = 3600
_MATCHER: Final = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*)\s*(=~|!~|!=|=)\s*(.*?)\s*", re.DOTALL)
_HINTS: Final = {
    "group_wait": "group_wait_s",
    "group_interval": "group_interval_s",
    "repeat_interval": "repeat_interval_s",
    "rate_limit": "per_hour",
    "bearer": "token",
    "username": "user",
}


def read_entry(table: Table, folder: Path) -> tuple[NotifierSpec, ...]:
    """Read one entry; problems go to the table.

    Args:
        table: the entry.
        folder: what relative paths are relative to.

    Returns:
        One notifier for each of its addresses.
    """
    for old in [key for key in table.values if key in _HINTS]:
        table.problem(old, "unknown key", "", f'did you mean "{_HINTS[old]}"?')
    table.refuse_unknown(ENTRY_KEYS, elsewhere=_HINTS)
    name = _name(table)
    ways = [key for key in ("url", "urls", "alertmanager") if key in table.values]
    if len(ways) != 1:
        found = f"{' and '.join(ways)} together" if ways else "no address"
        table.problem(
            ways[-1] if ways else "", found, 'one of url = "slack://…", urls = […], alertmanager = "http://…"'
        )
        return ()
    is_alertmanager = ways[0] == "alertmanager"
    addresses = _addresses(table, ways[0], is_alertmanager=is_alertmanager)
    login = _login(table, folder, is_alertmanager=is_alertmanager)
    policy = _policy(table, addresses, is_alertmanager=is_alertmanager)
    way = Way.ALERTMANAGER if is_alertmanager else Way.APPRISE
    if name is None:
        return ()
    return tuple(
        NotifierSpec(name if n == 0 else f"{name} ({n + 1})", way, Secret(address), policy, login)
        for n, address in enumerate(addresses)
    )


def _name(table: Table) -> str | None:
    expected = f"a name of at most {_LONGEST_NAME} characters"
    name = table.text("name", expected)
    if name is None:
        if "name" not in table.values:
            table.problem("name", "missing", expected, 'write name = "oncall"')
        return None
    if len(name) > _LONGEST_NAME or "://" in name:
        table.problem("name", quoted(name), expected)
        return None
    return name


def _addresses(table: Table, key: str, *, is_alertmanager: bool) -> list[str]:
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
        reason = _not_alertmanager(text) if is_alertmanager else refused(text)
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


def _login(table: Table, folder: Path, *, is_alertmanager: bool) -> Login:
    given = [key for key in _LOGIN_KEYS if key in table.values]
    if not is_alertmanager:
        for key in given:
            table.problem(key, "is for Alertmanager only", "", "apprise's addresses carry their own login")
        return Login()
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


def _policy(table: Table, addresses: list[str], *, is_alertmanager: bool) -> Policy:
    default = Policy()
    is_paging = any(map(opens_incidents, addresses)) and not is_alertmanager
    if is_alertmanager:
        for key in (key for key in _OWN_KEYS if key in table.values):
            table.problem(key, "is for messages only", "", "Alertmanager does that itself, by its own configuration")
    resolved = table.flag("send_resolved")
    repeat_s = table.seconds("repeat_interval_s", 0, _LONGEST_S)
    wait_s = table.seconds("group_wait_s", 0, 3600)
    interval_s = table.seconds("group_interval_s", 0, 86400)
    if is_paging and resolved:
        names = ", ".join(sorted({f"{schema(url)}://" for url in addresses if opens_incidents(url)}))
        table.problem(
            "send_resolved", f"each message to {names} opens an incident", "false", "Alertmanager can resolve incidents"
        )
    predictive = table.flag("include_predictive")
    return Policy(
        levels=_levels(table),
        matchers=_matchers(table),
        includes_predictive=default.includes_predictive if predictive is None else predictive,
        group_by=tuple(dict.fromkeys(table.texts("group_by", 'a list such as ["rack"]') or ())),
        group_wait_s=default.group_wait_s if wait_s is None else wait_s,
        group_interval_s=default.group_interval_s if interval_s is None else interval_s,
        repeat_interval_s=repeat_s if repeat_s is not None else 0.0 if is_paging else default.repeat_interval_s,
        per_hour=table.number("per_hour", 1, _MOST_PER_HOUR) or default.per_hour,
        sends_resolved=not is_paging if resolved is None else resolved,
    )


def _levels(table: Table) -> frozenset[Level]:
    known = [level.word for level in Level]
    words = table.texts("levels", 'a list such as ["page", "ticket"]')
    if words is None:
        return Policy().levels
    if not words and table.values.get("levels") == []:
        table.problem("levels", "empty", "at least one of " + ", ".join(known))
    for word in words:
        if word not in known:
            table.problem("levels", quoted(word), "page, ticket or note", did_you_mean(word.lower(), known), item=word)
    return frozenset(level for level in Level if level.word in words)


def _matchers(table: Table) -> tuple[Matcher, ...]:
    value = table.values.get("match")
    if value is None:
        return ()
    if isinstance(value, dict):
        odd = [name for name, text in value.items() if not isinstance(text, str)]
        for name in odd:
            table.problem("match", f"{quoted(name)} is no text", 'a table such as { group = "train" }')
        return tuple(Matcher(name, text) for name, text in value.items() if isinstance(text, str))
    found: list[Matcher] = []
    for text in table.texts("match", '{ group = "train" } or a list such as ["group=train", "rack=~r[12]"]') or ():
        matcher = _matcher(text)
        if isinstance(matcher, str):
            table.problem("match", quoted(text), matcher, item=text)
        else:
            found.append(matcher)
    return tuple(found)


def _matcher(text: str) -> Matcher | str:
    """The matcher, as Alertmanager writes it; else what was expected."""
    parts = _MATCHER.fullmatch(text)
    if parts is None:
        return "a label, one of = != =~ !~, and a value"
    label, sign, value = parts.groups()
    if len(value) > 1 and value[0] == value[-1] == '"':
        value = value[1:-1]
    if "~" in sign:
        try:
            re.compile(value)
        except (re.error, RecursionError, OverflowError) as error:
            return f"a regular expression ({error})"
    return Matcher(label, value, is_regex="~" in sign, is_negated="!" in sign)
