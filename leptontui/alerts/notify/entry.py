"""One `[[notifier]]` of the notifiers' file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from leptontui.alerts.notify.address import ADDRESS_KEYS, WAYS, read_addresses, read_login
from leptontui.alerts.notify.schemas import opens_incidents, schema
from leptontui.alerts.notify.spec import NotifierSpec, Policy, Secret, Way
from leptontui.alerts.silences import broken_pattern
from leptontui.config.problem import did_you_mean, quoted
from leptontui.config.reading import Table
from leptontui.model.alert import Level, Matcher

ENTRY_KEYS: Final = (
    "name",
    "url",
    "urls",
    "alertmanager",
    "pagerduty",
    "region",
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
_OWN_KEYS: Final = ("group_by", "group_wait_s", "group_interval_s", "repeat_interval_s", "per_hour", "send_resolved")
"""What Alertmanager does itself."""
_ONE_OF: Final = 'one of url = "slack://…", urls = […], alertmanager = "http://…", pagerduty = "…"'
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
    keys = [key for key in ADDRESS_KEYS if key in table.values]
    if len(keys) != 1:
        found = f"{' and '.join(keys)} together" if keys else "no address"
        table.problem(keys[-1] if keys else "", found, _ONE_OF)
        return ()
    way = WAYS[keys[0]]
    addresses = read_addresses(table, keys[0])
    login = read_login(table, folder, way)
    policy = _policy(table, addresses, way)
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


def _policy(table: Table, addresses: list[str], way: Way) -> Policy:
    default = Policy()
    is_paging = way is Way.APPRISE and any(map(opens_incidents, addresses))
    repeats = not is_paging and way is not Way.PAGERDUTY  # which escalates by itself
    if way is Way.ALERTMANAGER:
        for key in (key for key in _OWN_KEYS if key in table.values):
            table.problem(key, "is for messages only", "", "Alertmanager does that itself, by its own configuration")
    resolved = table.flag("send_resolved")
    repeat_s = table.seconds("repeat_interval_s", 0, _LONGEST_S)
    wait_s = table.seconds("group_wait_s", 0, 3600)
    interval_s = table.seconds("group_interval_s", 0, 86400)
    if is_paging and resolved:
        names = ", ".join(sorted({f"{schema(url)}://" for url in addresses if opens_incidents(url)}))
        table.problem(
            "send_resolved",
            f"each message to {names} opens an incident",
            "false",
            'pagerduty = "…" and alertmanager = "…" can resolve them',
        )
    predictive = table.flag("include_predictive")
    return Policy(
        levels=_levels(table),
        matchers=_matchers(table),
        includes_predictive=default.includes_predictive if predictive is None else predictive,
        group_by=tuple(dict.fromkeys(table.texts("group_by", 'a list such as ["rack"]') or ())),
        group_wait_s=default.group_wait_s if wait_s is None else wait_s,
        group_interval_s=default.group_interval_s if interval_s is None else interval_s,
        repeat_interval_s=repeat_s if repeat_s is not None else default.repeat_interval_s * repeats,
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
    if "~" in sign and (why := broken_pattern(value)):
        return f"a regular expression ({why})"
    return Matcher(label, value, is_regex="~" in sign, is_negated="!" in sign)
