"""Common cause: alerts that are one trouble become one group, and hosts that cannot be reached hide what they carry.

Three questions, in this order. Do the hosts with one rule's alerts share something, more than chance would have it
(`explaining`)? Did many of one rule's alerts begin in the same moment? Are several on one host, of one rule or part,
or begun together? An alert for which all three are denied is a group by itself. Pure, and the same for any order of the
alerts.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Final

from leptontui.alerts.cause_words import FLEET, cause_of, counted, place_words, title_of_cause
from leptontui.alerts.chance import Population
from leptontui.alerts.explaining import LEAST_HOSTS, LINGER_S, Cause, explained
from leptontui.alerts.inhibition import BASTION, inhibitions, is_unreachable
from leptontui.model.alert import Alert, AlertGroup, AlertState, Subject
from leptontui.model.text import plain

MOMENT_GAP_S: Final = 5.0
"""Own choice: alerts of one rule that begin no further apart began in one moment; rules are evaluated that often."""
MOMENT_ALERTS: Final = 5
MOMENT_FACTOR: Final = 5.0
"""Own choice: so many alerts in a moment, and so many times what the rule's other alerts would put there."""
MOMENT_SPAN_S: Final = 30.0
STARTING_S: Final = 60.0
"""Own choice: what begins in the first minute of watching began some time before: that moment means nothing."""
TOGETHER_S: Final = 60.0
"""Own choice: alerts of one host that begin within a minute of each other are one trouble, as are those of one part."""

Kind = tuple[str, bool]
"""A rule, and whether it predicts."""
_LONGEST_VALUE: Final = 100


@dataclass(frozen=True, slots=True)
class CauseMemory:
    """What is remembered from one evaluation to the next, so that groups keep their ids and do not flicker.

    Attributes:
        living: by rule and cause when the cause was last more than chance, unix seconds.
        places: by alert's id the id of the group it was in, for groups without a cause among the attributes.
        population: the fleet as indexed last.
    """

    living: Mapping[tuple[Kind, Cause], float] = field(default_factory=dict)
    places: Mapping[str, str] = field(default_factory=dict)
    population: Population = field(default_factory=Population)


@dataclass(frozen=True, slots=True)
class Collapsed:
    """What the alerts come to.

    Attributes:
        groups: worst first; every alert is in exactly one, and carries what inhibits it.
        inhibited_by: id of each inhibited alert → id of the alert that hides it.
        memory: to be handed back the next time.
    """

    groups: tuple[AlertGroup, ...]
    inhibited_by: Mapping[str, str]
    memory: CauseMemory


_NOTHING: Final = CauseMemory()


def collapse(
    alerts: Sequence[Alert],
    attributes: Mapping[str, Mapping[str, str]],
    now_unix_s: float,
    *,
    memory: CauseMemory = _NOTHING,
    watching_since_unix_s: float = 0.0,
) -> Collapsed:
    """Group alerts by what is behind them.

    Args:
        alerts: pending and firing ones, in any order; of two with one id the last counts.
        attributes: of every host of the fleet, affected or not; see `attributes.attributes_of`. The same object as the
            last time costs less.
        now_unix_s: for how long causes live on.
        memory: what this returned the last time.
        watching_since_unix_s: when watching began.
    """
    known = {alert.id: alert for alert in alerts}
    inhibited_by = inhibitions(known.values(), attributes)
    marked = [_marked(known[id_], inhibited_by.get(id_, "")) for id_ in sorted(known)]
    free = [alert for alert in marked if not alert.inhibited_by]
    population = memory.population if memory.population.source is attributes else None
    by_cause, left, living = _by_cause(free, attributes, population, now_unix_s, memory)
    named = _named(_clusters(left, watching_since_unix_s, memory.places), memory.places)
    carried = _carried(marked, known)
    population = living.population
    groups = [_group_of_cause(key, found, population, carried) for key, found in by_cause.items()]
    groups += [_group_of_cluster(id_, found, carried) for id_, found in named]
    places = {alert.id: id_ for id_, found in named for alert in found if len(found) > 1 or alert.id in memory.places}
    return Collapsed(tuple(sorted(groups, key=_urgency)), inhibited_by, replace(living, places=places))


def _marked(alert: Alert, inhibited_by: str) -> Alert:
    return alert if alert.inhibited_by == inhibited_by else replace(alert, inhibited_by=inhibited_by)


def _carried(alerts: Sequence[Alert], known: Mapping[str, Alert]) -> Mapping[str, list[Alert]]:
    """Inhibited alerts by the one at the root of what hides them."""
    above = {alert.id: alert.inhibited_by for alert in alerts if alert.inhibited_by}
    found: dict[str, list[Alert]] = {}
    for alert in alerts:
        root = alert.inhibited_by
        while root in above:
            root = above[root]
        if root in known:
            found.setdefault(root, []).append(alert)
    return found


def _by_cause(
    alerts: Sequence[Alert],
    attributes: Mapping[str, Mapping[str, str]],
    population: Population | None,
    now_unix_s: float,
    memory: CauseMemory,
) -> tuple[dict[tuple[Cause, bool], list[Alert]], list[Alert], CauseMemory]:
    """Alerts by common cause and whether they predict; those without one; and the causes that live."""
    kinds: dict[Kind, list[Alert]] = {}
    for alert in alerts:
        if alert.subject.host:
            kinds.setdefault((alert.rule, alert.is_predictive), []).append(alert)
    found: dict[tuple[Cause, bool], list[Alert]] = {}
    living: dict[tuple[Kind, Cause], float] = {}
    taken: set[str] = set()
    for kind in sorted(kinds):
        mine = kinds[kind]
        lives = {
            cause for (of, cause), since in memory.living.items() if of == kind and 0 <= now_unix_s - since <= LINGER_S
        }
        if len({alert.subject.host for alert in mine}) < LEAST_HOSTS and not lives:
            continue
        population = population or Population.of(attributes)
        is_link = all(map(is_unreachable, mine))
        for told in explained(mine, population, lives, is_link_trouble=is_link)[0]:
            found.setdefault((told.cause, kind[1]), []).extend(told.alerts)
            taken.update(alert.id for alert in told.alerts)
            living[kind, told.cause] = now_unix_s if told.is_significant else memory.living[kind, told.cause]
    left = [alert for alert in alerts if alert.id not in taken]
    return found, left, CauseMemory(living, population=population or memory.population)


def _clusters(alerts: Sequence[Alert], watching_since_unix_s: float, places: Mapping[str, str]) -> list[list[Alert]]:
    """Alerts that began in one moment, else those of one host that belong together; each in exactly one cluster."""
    since = sorted(alerts, key=lambda alert: (alert.since_unix_s, alert.id))
    kinds: dict[tuple[str, bool, str], list[Alert]] = {}
    for alert in since:
        kinds.setdefault((alert.rule, alert.is_predictive, ""), []).append(alert)
    found: list[list[Alert]] = []
    for mine in kinds.values():
        runs = _split(mine, lambda a, b: b.since_unix_s - a.since_unix_s <= MOMENT_GAP_S)
        found += [run for run in runs if _is_moment(run, mine, watching_since_unix_s, places)]
    taken = {alert.id for run in found for alert in run}
    hosts: dict[tuple[str, bool], list[Alert]] = {}
    for alert in since:
        if alert.id not in taken:
            # What concerns the fleet as a whole has no host to be gathered under.
            key = alert.subject.host or alert.id
            hosts.setdefault((key, alert.is_predictive), []).append(alert)
    for mine in hosts.values():
        found += _of_host(mine)
    return found


def _is_moment(
    run: Sequence[Alert], all_of_rule: Sequence[Alert], watching_since_unix_s: float, places: Mapping[str, str]
) -> bool:
    if len(run) > 1 and len({places.get(alert.id, alert.id) for alert in run}) == 1:
        return len({alert.subject.host for alert in run}) > 1  # it was one before
    first, last = run[0].since_unix_s, run[-1].since_unix_s
    if len(run) < MOMENT_ALERTS or len({alert.subject.host for alert in run}) < LEAST_HOSTS:
        return False
    if last - first > MOMENT_SPAN_S or first <= watching_since_unix_s + STARTING_S:
        return False
    others = len(all_of_rule) - len(run)
    span_s = max(3600.0, all_of_rule[-1].since_unix_s - all_of_rule[0].since_unix_s)
    return len(run) >= MOMENT_FACTOR * others * (last - first + MOMENT_GAP_S) / span_s


def _of_host(alerts: Sequence[Alert]) -> list[list[Alert]]:
    """Alerts of one host in clusters: of the same rule or part, or begun within a minute of the one before."""
    clusters: list[list[Alert]] = []
    for run in _split(alerts, lambda a, b: b.since_unix_s - a.since_unix_s <= TOGETHER_S):
        alike = [cluster for cluster in clusters if _kin(run) & _kin(cluster)]
        clusters = [cluster for cluster in clusters if cluster not in alike]
        clusters.append([alert for cluster in (*alike, run) for alert in cluster])
    return clusters


def _kin(alerts: Sequence[Alert]) -> set[str | Subject]:
    """What makes alerts of one host one trouble: their rules, and the GPUs, disks and so on that they are about."""
    return {alert.rule for alert in alerts} | {alert.subject for alert in alerts if alert.subject.instance}


def _split(alerts: Sequence[Alert], belongs: Callable[[Alert, Alert], bool]) -> list[list[Alert]]:
    runs: list[list[Alert]] = [[alert] for alert in alerts[:1]]
    for before, alert in pairwise(alerts):
        if belongs(before, alert):
            runs[-1].append(alert)
        else:
            runs.append([alert])
    return runs


def _named(clusters: Sequence[list[Alert]], places: Mapping[str, str]) -> list[tuple[str, list[Alert]]]:
    """Clusters with ids: the one that most of its alerts had before, else that of its first alert."""
    used: set[str] = set()
    named: list[tuple[str, list[Alert]]] = []
    known = [(Counter(places[alert.id] for alert in found if alert.id in places), found) for found in clusters]
    for before, found in sorted(known, key=lambda item: (-max(item[0].values(), default=0), item[1][0].id)):
        wanted = [id_ for id_, _ in sorted(before.items(), key=lambda item: (-item[1], item[0]))]
        wanted += [alert.id for alert in found]
        id_ = next((name for name in wanted if name not in used), None) or f"{found[0].id}~"
        while id_ in used:
            id_ += "~"
        used.add(id_)
        named.append((id_, found))
    return named


def _group_of_cause(
    key: tuple[Cause, bool], alerts: Sequence[Alert], population: Population, carried: Mapping[str, list[Alert]]
) -> AlertGroup:
    (attribute, value), is_predictive = key
    having = population.having.get((attribute, value), frozenset())
    shared = ""
    if attribute == FLEET and all(map(is_unreachable, alerts)):
        bastions = [cause for cause, hosts in population.having.items() if cause[0] == BASTION]
        shared = next(
            (place_words(*cause) for cause in sorted(bastions) if len(population.having[cause]) == population.hosts), ""
        )
    size = population.hosts if attribute == FLEET else len(having)
    id_ = _id_of(attribute, value, is_predictive=is_predictive)
    title = title_of_cause(_ordered(alerts), attribute, value, size, shared)
    return _group(id_, title, cause_of(attribute, value), alerts, carried)


def _id_of(attribute: str, value: str, *, is_predictive: bool) -> str:
    shown = plain(value, _LONGEST_VALUE)
    if shown != value:  # two that look the same once they are fit to be shown are two all the same
        shown += f"#{hashlib.sha256(value.encode(errors='replace')).hexdigest()[:8]}"
    return f"cause:{attribute}:{shown}" + (":predicted" if is_predictive else "")


def _group_of_cluster(id_: str, alerts: Sequence[Alert], carried: Mapping[str, list[Alert]]) -> AlertGroup:
    worst = _ordered(alerts)[0]
    if len(alerts) == 1:
        return _group(id_, worst.summary, "", alerts, carried)
    hosts = {alert.subject.host for alert in alerts}
    if len(hosts) > 1:
        times = [alert.since_unix_s for alert in alerts]
        title = f"{counted(_ordered(alerts))}: all within {max(1.0, max(times) - min(times)):.0f} s"
        return _group(id_, title, "moment: began together", alerts, carried)
    host = plain(worst.subject.host, 60)
    is_one_rule = len({alert.rule for alert in alerts}) == 1
    title = f"{counted(alerts)}: all on {host}" if is_one_rule else f"{worst.summary} (+{len(alerts) - 1} on {host})"
    return _group(id_, title, f"host: {host}", alerts, carried)


def _group(id_: str, title: str, cause: str, alerts: Sequence[Alert], carried: Mapping[str, list[Alert]]) -> AlertGroup:
    beneath = [hidden for alert in alerts for hidden in carried.get(alert.id, ())]
    every = _ordered([*alerts, *beneath])
    active = [alert.level for alert in every if alert.is_active]
    level = max(active or [alert.level for alert in every])
    return AlertGroup(id_, title, cause, level, tuple(every), min(alert.since_unix_s for alert in every))


def _ordered(alerts: Sequence[Alert]) -> list[Alert]:
    """Worst first: what nobody looks after yet, by level, what is before what will be, firing before pending."""
    return sorted(
        alerts,
        key=lambda alert: (
            bool(alert.inhibited_by),
            not alert.is_active,
            -alert.level,
            alert.is_predictive,
            alert.state is not AlertState.FIRING,
            alert.since_unix_s,
            alert.id,
        ),
    )


def _urgency(group: AlertGroup) -> tuple[int, bool, bool, float, str]:
    is_active = any(alert.is_active for alert in group.alerts)
    is_predictive = all(alert.is_predictive for alert in group.alerts)
    return (-group.level, is_predictive, not is_active, group.since_unix_s, group.id)
