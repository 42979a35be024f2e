"""Finds what hosts with the same trouble have in common more than chance would have it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

from leptontui.alerts.cause_words import FLEET
from leptontui.alerts.chance import Population, log10_tail
from leptontui.alerts.inhibition import SEVERAL
from leptontui.model.alert import Alert

LEAST_HOSTS: Final = 3
"""Own choice: two hosts that share something are a coincidence to look at, not a cause."""
SIGNIFICANCE: Final = 0.01
"""Of a cause found by chance in one evaluation of one rule: Bonferroni over all that hosts could share."""
SHARE: Final = 0.25
"""Own choice: a cause has hit at least a quarter of the hosts that share it …"""
COVERAGE: Final = 0.6
LIFT: Final = 4.0
"""… or explains most of the trouble, at four times the rate of the fleet."""
FLEET_SHARE: Final = 0.5
LEAST_FLEET: Final = 5
"""Own choice: trouble that half of the hosts have, and five at least or all, is the fleet's."""
LINGER_S: Final = 900.0
"""Own choice: so long a cause lives on after it was last more than chance, while the trouble goes away."""
LIVING_BONUS: Final = 3.0
"""Powers of ten by which another cause has to be less likely chance than one that lives, to take its alerts."""

_SPECIFIC: Final = ("switch", "rack", "bastion", "job", "driver", "model")
"""Of causes with the same hosts the first of these is named."""
_VAGUE: Final = ("partition", "group")
_TIE: Final = 1e-9

Cause = tuple[str, str]
"""Attribute and value."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """One cause and the alerts it explains.

    Attributes:
        cause: what they share.
        alerts: the alerts.
        is_significant: it is more than chance now; false for one that only lives on.
    """

    cause: Cause
    alerts: tuple[Alert, ...]
    is_significant: bool


def explained(
    alerts: Sequence[Alert], population: Population, living: AbstractSet[Cause], *, is_link_trouble: bool = False
) -> tuple[list[Explanation], list[Alert]]:
    """The causes of alerts of one rule, the most telling first, and the alerts that none explains.

    A cause is taken that chance explains least; its alerts and all hosts that share it are put aside, and the rest is
    looked at anew. If half of the fleet is affected and nothing in particular explains it, the fleet is the cause.

    Args:
        alerts: of one rule, in an order that does not depend on chance.
        population: all hosts.
        living: causes that explained alerts of this rule before, and may go on to.
        is_link_trouble: hosts cannot be reached, so that a bastion is the likelier of two equal causes.
    """
    found: list[Explanation] = []
    left = list(alerts)
    gone: set[str] = set()
    while left:
        best = _best(left, population, gone, living, is_link_trouble=is_link_trouble)
        if best is None:
            break
        found.append(best)
        taken = {alert.id for alert in best.alerts}
        left = [alert for alert in left if alert.id not in taken]
        gone |= population.having[best.cause]
    hosts = {alert.subject.host for alert in left}
    is_fleet = len(hosts) >= max(LEAST_HOSTS, FLEET_SHARE * population.hosts) and (
        len(hosts) >= LEAST_FLEET or len(hosts) == population.hosts
    )
    if left and not found and (is_fleet or (FLEET, "") in living):
        return [Explanation((FLEET, ""), tuple(left), is_fleet)], []
    return found, left


def _best(
    alerts: Sequence[Alert],
    population: Population,
    gone: AbstractSet[str],
    living: AbstractSet[Cause],
    *,
    is_link_trouble: bool,
) -> Explanation | None:
    affected = {alert.subject.host for alert in alerts} - gone
    if len(affected) < LEAST_HOSTS and not living:
        return None
    hits = _hits(alerts, population, gone)
    total = population.hosts - len(gone)
    tested = max(1, sum(len(hosts) >= LEAST_HOSTS for hosts in population.having.values()))
    kept = [hits[cause] for cause in living if cause in hits]
    best: tuple[tuple[float, float, int, int, str], Cause, bool] | None = None
    for cause, hit in hits.items():
        marked = len(population.having[cause] - gone) if gone else len(population.having[cause])
        chance = log10_tail(len(hit), len(affected), marked, total)
        is_significant = (
            len(hit) >= LEAST_HOSTS
            and marked < total
            and chance + math.log10(tested) <= math.log10(SIGNIFICANCE)
            and _is_telling(len(hit), len(affected), marked, total)
        )
        if cause not in living and (not is_significant or any(hit <= whole for whole in kept)):
            continue  # as trouble goes away, what is left of a cause often has something narrower in common
        score = chance - (LIVING_BONUS if cause in living else 0.0)
        rank = (round(score / _TIE) * _TIE, -len(hit), marked, _order(cause[0], is_link_trouble), f"{cause}")
        if best is None or rank < best[0]:
            best = (rank, cause, is_significant)
    if best is None:
        return None
    _, cause, is_significant = best
    having = population.having[cause] - gone
    mine = tuple(alert for alert in alerts if alert.subject.host in having and _may_share(alert, cause))
    return Explanation(cause, mine, is_significant)


def _hits(alerts: Sequence[Alert], population: Population, gone: AbstractSet[str]) -> Mapping[Cause, set[str]]:
    """By cause the affected hosts that share it."""
    hits: dict[Cause, set[str]] = {}
    own: dict[str, set[Cause]] = {}
    for alert in alerts:
        host = alert.subject.host
        if host in gone:
            continue
        if host not in own:
            own[host] = population.of_hosts([host])
        for cause in own[host]:
            if _may_share(alert, cause):
                hits.setdefault(cause, set()).add(host)
    return hits


def _may_share(alert: Alert, cause: Cause) -> bool:
    """Whether what the alert itself says of the attribute (the job of this GPU, of several on the host) allows it."""
    said = alert.label(cause[0])
    return not said or cause[1] in said.split(SEVERAL)


def _is_telling(hits: int, drawn: int, marked: int, total: int) -> bool:
    is_dense = hits >= SHARE * marked
    is_apart = hits >= COVERAGE * drawn and hits * total >= LIFT * marked * drawn
    return is_dense or is_apart


def _order(attribute: str, is_link_trouble: bool) -> int:  # noqa: FBT001 — of two hosts' sets that are the same
    if attribute == "bastion":
        return -1 if is_link_trouble else len(_SPECIFIC) + 1
    if attribute in _VAGUE:
        return len(_SPECIFIC) + 2 + _VAGUE.index(attribute)
    return _SPECIFIC.index(attribute) if attribute in _SPECIFIC else len(_SPECIFIC)
