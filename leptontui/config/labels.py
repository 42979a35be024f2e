"""Labels of hosts: where each is wired and housed, as the inventory's groups, sources and `[[label]]` tables say.

```toml
[[label]]
hosts = ["gpu[001-016]", "login*"]   # names, ranges, or patterns with * and ?
rack = "r1"                           # every other key is a label
switch = "leaf-3"
```
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Final

from leptontui.config.hostlist import parse_hostlist
from leptontui.config.problem import did_you_mean, quoted
from leptontui.config.reading import Table
from leptontui.model.target import HostTarget
from leptontui.model.text import plain

Labels = tuple[tuple[str, str], ...]
"""Sorted (name, value) pairs, names unique."""

RESERVED: Final = frozenset(
    {"alertname", "entity", "gpu", "host", "hosts", "instance", "job", "level", "rule", "severity", "trouble", "uuid"}
)
"""Names that alerts set themselves, and `hosts`, which a `[[label]]` table uses."""
MOST_LABELS: Final = 32
LONGEST_NAME: Final = 40
LONGEST_VALUE: Final = 100

_NAME: Final = re.compile(r"[a-z_][a-z0-9_]*")
_EXPECTED: Final = 'a table such as { rack = "r1", switch = "leaf-3" }'
_HOSTS: Final = 'a list such as ["gpu[001-016]", "login*"]'
_UNFIT: Final = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class LabelRule:
    """One `[[label]]` table.

    Attributes:
        names: hosts it names.
        patterns: patterns of hosts' names.
        labels: what they are labelled with.
    """

    names: frozenset[str]
    patterns: tuple[str, ...]
    labels: Labels

    def covers(self, host: str) -> bool:
        """Whether it is about the host of this name."""
        return host in self.names or any(fnmatchcase(host, pattern) for pattern in self.patterns)


def read_labels(table: Table) -> Labels:
    """The option `labels` of a group or source; problems go to the table."""
    value = table.values.get("labels")
    if value is None:
        return ()
    if not isinstance(value, Mapping):
        table.problem("labels", quoted(value), _EXPECTED)
        return ()
    return _checked(table, value, "labels")


def read_label_rule(table: Table) -> LabelRule:
    """Read one `[[label]]`; problems go to the table."""
    value = table.values.get("hosts")
    entries = [value] if isinstance(value, str) else table.texts("hosts", _HOSTS)
    if not entries:
        near = next((key for key in table.values if key != "hosts" and did_you_mean(key, ["hosts"])), "")
        hint = f'did you mean "hosts" rather than "{near}"?' if _NAME.fullmatch(near) else ""
        table.problem("hosts", "missing" if value is None else "empty", _HOSTS, hint)
    patterns = tuple(entry.strip() for entry in entries or () if "*" in entry or "?" in entry)
    for pattern in patterns:
        if not pattern.isprintable() or any(char in pattern for char in "[]@, "):
            table.problem("hosts", quoted(pattern), "a pattern such as gpu-* (a range goes into an item of its own)")
    found = parse_hostlist(*(entry for entry in entries or () if "*" not in entry and "?" not in entry))
    for fault in found.faults:
        table.problem("hosts", fault.found, fault.expected, item=fault.item)
    told = {key: said for key, said in table.values.items() if key != "hosts"}
    if not told:
        table.problem("", "no label", 'one such as rack = "r1"')
    return LabelRule(frozenset(host.name for host in found.hosts), patterns, _checked(table, told, ""))


def refuse_unknown_hosts(table: Table, rule: LabelRule, known: Iterable[str]) -> None:
    """Note a host that a `[[label]]` names and no group lists; only where there are no sources to ask."""
    fleet = sorted(known)
    missing = sorted(rule.names.difference(fleet))
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        table.problem("hosts", f'no host "{missing[0]}"{more}', "hosts of a group", did_you_mean(missing[0], fleet))


def labelled(target: HostTarget, rules: Sequence[LabelRule]) -> HostTarget:
    """`target` with the labels of the rules that cover it: they win over its own, and later ones over earlier."""
    found = dict(target.labels)
    for rule in rules:
        if rule.covers(target.name):
            found.update(rule.labels)
    labels = tuple(sorted(found.items()))
    return target if labels == target.labels else replace(target, labels=labels)


def joined_labels(first: Labels, second: Labels) -> Labels:
    """The labels of both; of one name the first's value."""
    return tuple(sorted({**dict(second), **dict(first)}.items()))


def foreign_labels(told: Mapping[str, object], *, only: Iterable[str] | None = None) -> Labels:
    """What another inventory says, made fit: names in small letters, texts of a line; what is no label is left out.

    Args:
        told: names and values, whatever they are.
        only: take only these names (as they become); None takes all.
    """
    wanted = None if only is None else frozenset(only)
    found: dict[str, str] = {}
    for name, value in told.items():
        key = _UNFIT.sub("_", str(name).lower()).strip("_")[:LONGEST_NAME]
        if not _NAME.fullmatch(key) or key in RESERVED or (wanted is not None and key not in wanted):
            continue
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            text = plain(str(value), LONGEST_VALUE)
            if text and len(found) < MOST_LABELS:
                found.setdefault(key, text)
    return tuple(sorted(found.items()))


def _checked(table: Table, values: Mapping[str, object], key: str) -> Labels:
    found: dict[str, str] = {}
    for name, value in values.items():
        at, item = (key, name) if key else (name, "")
        if not _NAME.fullmatch(name) or len(name) > LONGEST_NAME:
            table.problem(at, f"label {quoted(name)}", "small letters, digits and _", item=item)
        elif name in RESERVED:
            table.problem(at, f'label "{name}"', "another name: alerts set this one themselves", item=item)
        elif not isinstance(value, str):
            shown = quoted(value)
            hint = f'write {name} = "{value}"' if isinstance(value, int | float) else ""
            table.problem(at, f"label {name}: {shown}", "a text", hint, item=item)
        elif not value.strip() or not value.isprintable() or len(value) > LONGEST_VALUE:
            what = f"a line of at most {LONGEST_VALUE} characters"
            table.problem(at, f"label {name}: {quoted(value) if value.strip() else 'empty'}", what, item=item)
        else:
            found[name] = value.strip()
    if len(found) > MOST_LABELS:
        table.problem(key, f"{len(found)} labels", f"at most {MOST_LABELS}")
    return tuple(sorted(found.items()))
