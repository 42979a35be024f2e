"""What alerts suggest to do, as an order: only what can be planned on their hosts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from leptontui.model.action_spec import ActionSpec
from leptontui.model.alert import Alert
from leptontui.model.series import Entity
from leptontui.model.target import HostTarget
from leptontui.model.text import plain
from leptontui.view.offers import why_not
from leptontui.view.orders import Order, known_params

_REASON_LENGTH = 120


def unit_of(alert: Alert) -> str:
    """The unit an alert is about; "" if it is about none."""
    return alert.subject.instance if alert.subject.entity is Entity.UNIT else alert.label("unit")


def suggested(alert: Alert, target: HostTarget | None, specs: Iterable[ActionSpec]) -> Order | None:
    """The order that an alert suggests, if it can be carried out on its host; None otherwise.

    Its labels fill in parameters of the same name, e.g. `gpu`.
    """
    spec = next((spec for spec in specs if spec.name == alert.action), None)
    if spec is None or target is None or why_not(spec, [target]):
        return None
    unit = unit_of(alert) if spec.takes_unit else ""
    if unit and unit not in target.units:
        return None
    reason = plain(alert.summary, _REASON_LENGTH) if spec.takes_reason else ""
    return Order(spec.name, (alert.subject.host,), unit, reason, known_params(spec, dict(alert.labels)))


def suggestion(
    alerts: Sequence[Alert], target_of: Callable[[str], HostTarget | None], specs: Sequence[ActionSpec]
) -> Order | None:
    """What one or several alerts suggest; None if nothing can be done, or they do not agree."""
    if len(alerts) == 1:
        return suggested(alerts[0], target_of(alerts[0].subject.host), specs)
    return suggested_for_all(alerts, target_of, specs)


def suggested_for_all(
    alerts: Sequence[Alert], target_of: Callable[[str], HostTarget | None], specs: Sequence[ActionSpec]
) -> Order | None:
    """One order for several alerts: what the first suggests, on the hosts of all that suggest just that.

    None where none can be carried out, or where they do not agree on the action, unit and parameters.
    """
    found = [order for alert in alerts if (order := suggested(alert, target_of(alert.subject.host), specs)) is not None]
    if not found or len({(order.action, order.unit, order.params) for order in found}) > 1:
        return None
    hosts = tuple(dict.fromkeys(host for order in found for host in order.hosts))
    order = replace(found[0], hosts=hosts)
    return (
        None if order.is_bulk and why_not(_named(order.action, specs), [target_of(host) for host in hosts]) else order
    )


def _named(action: str, specs: Iterable[ActionSpec]) -> ActionSpec:
    return next(spec for spec in specs if spec.name == action)
