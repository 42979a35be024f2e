"""What several alerts have in common, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from leptontui.alerts.inhibition import TROUBLE, UNREACHABLE, is_unreachable
from leptontui.model.alert import Alert
from leptontui.model.series import Entity
from leptontui.model.text import plain

FLEET: Final = "fleet"

_NOUNS: Final[Mapping[Entity, tuple[str, str]]] = {
    Entity.HOST: ("host", "hosts"),
    Entity.GPU: ("GPU", "GPUs"),
    Entity.FILESYSTEM: ("filesystem", "filesystems"),
    Entity.DISK: ("disk", "disks"),
    Entity.NIC: ("interface", "interfaces"),
    Entity.PROCESS: ("process", "processes"),
    Entity.PORT: ("port", "ports"),
    Entity.UNIT: ("unit", "units"),
    Entity.SERVICE: ("service", "services"),
    Entity.SAMPLE: ("value", "values"),
}
_PLACES: Final = {
    "bastion": "behind {}",
    "switch": "on switch {}",
    "rack": "in rack {}",
    "job": "of job {}",
    "driver": "with driver {}",
    "model": "with {}",
    "group": "of group {}",
    "partition": "of partition {}",
}
_LONGEST: Final = 60
_KINDS_TOLD: Final = 2
_SHORT: Final = 2


def trouble_of(alert: Alert) -> str:
    """What is the matter, to stand after a count: the label `trouble`, else the rule's name without its entity.

    The label may have its noun ("GPUs throttle", "stragglers") or not ("unreachable").
    """
    if said := alert.label(TROUBLE):
        return plain(said, _LONGEST)
    if is_unreachable(alert):
        return UNREACHABLE
    words = alert.rule.replace("-", " ").replace("_", " ").strip()
    return plain(words.removeprefix(f"{alert.subject.entity.value} ") or words, _LONGEST)


def place_words(attribute: str, value: str) -> str:
    """Where alerts with this attribute are: "behind bastion2", "in rack r7", "with zone eu-1"."""
    shown = plain(value, _LONGEST)
    return _PLACES.get(attribute, f"with {attribute} {{}}").replace("{}", shown)


def cause_of(attribute: str, value: str) -> str:
    """The cause as a group carries it: "bastion: bastion2"; "fleet" for all of it."""
    return attribute if attribute == FLEET else f"{attribute}: {plain(value, _LONGEST)}"


def counted(alerts: Sequence[Alert]) -> str:
    """What is the matter with how many: "40 hosts unreachable", "31 GPUs throttle, 3 stragglers".

    The rule with the most alerts is told first; what is there once is only counted.
    """
    kinds: dict[str, list[Alert]] = {}
    for alert in alerts:
        kinds.setdefault(alert.rule, []).append(alert)
    ordered = sorted(kinds.values(), key=lambda found: (-len(found), found[0].rule))
    told = [found for n, found in enumerate(ordered) if n == 0 or (n < _KINDS_TOLD and len(found) > 1)]
    more = len(alerts) - sum(map(len, told))
    return ", ".join(map(_count, told)) + (f" and {more} more" if more else "")


def _count(alerts: Sequence[Alert]) -> str:
    number = len({alert.subject for alert in alerts})
    trouble = trouble_of(alerts[0])
    if alerts[0].label(TROUBLE) and any(word.endswith("s") and len(word) > _SHORT for word in trouble.split()):
        return f"{number} {trouble}"  # "GPUs throttle", "stragglers": it has its noun
    one, many = _NOUNS.get(alerts[0].subject.entity, ("alert", "alerts"))
    return f"{number} {one if number == 1 else many} {trouble}"


def title_of_cause(alerts: Sequence[Alert], attribute: str, value: str, population: int, shared: str = "") -> str:
    """One line: "40 hosts unreachable: all behind bastion2 (40 of its 42)".

    Args:
        alerts: those that share the cause.
        attribute: the cause's name.
        value: its value.
        population: how many hosts share it, well ones too.
        shared: with the whole fleet as cause, what all of it shares besides ("behind bastion2"); "".
    """
    hosts = len({alert.subject.host for alert in alerts})
    if attribute == FLEET:
        share = "the whole fleet" if hosts >= population else f"{hosts} of the fleet's {population} hosts"
        return f"{counted(alerts)}: {share}" + (f", all {shared}" if shared else "")
    place = place_words(attribute, value)
    if len(alerts) == 1:
        return f"{alerts[0].summary} ({place})"
    of = f" ({hosts} of its {population} hosts)" if hosts < population else ""
    return f"{counted(alerts)}: all {place}{of}"
