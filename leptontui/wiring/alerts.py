"""Builds the alerts of a fleet: rules, the database, the notifiers and the reactions, as far as a watch has them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from leptontui.alerts.notify.file import default_notify_path, load_notifiers
from leptontui.alerts.rules.book import user_rules_file
from leptontui.alerts.shelf import default_path
from leptontui.alerts.shelf_reading import JUDGEMENTS
from leptontui.engine.alert_desk import AlertDesk
from leptontui.engine.alert_rules import RuleFile
from leptontui.engine.alert_shelf import AlertShelf
from leptontui.engine.alert_telling import Telling
from leptontui.engine.alerting import DEEDS, TOLD, Alerting
from leptontui.engine.reacting import AutoDesk, Reactor
from leptontui.engine.rule_facts import RuleFacts
from leptontui.wiring.options import AlertUse

if TYPE_CHECKING:
    from leptontui.alerts.notify.spec import NotifierSpec
    from leptontui.alerts.rules.evaluator import Evaluator
    from leptontui.alerts.rules.facts import Facts
    from leptontui.engine.engine import Engine
    from leptontui.snapshot import FleetSnapshot


def make_alerting(engine: Engine, use: AlertUse, *, scope: str, is_simulated: bool, desk: AutoDesk | None) -> Alerting:
    """The alerts of a fleet.

    Args:
        engine: which watches it.
        use: `LOOK` or `FULL`: an onlooker writes nothing down, tells nobody and does nothing.
        scope: which fleet, for what is kept.
        is_simulated: nothing of it is kept, and nobody is told.
        desk: where actions are run; None where none may be.
    """
    import time

    is_full = use is AlertUse.FULL
    shelf = AlertShelf(
        None if is_simulated else default_path(),
        scope,
        can_keep=is_full,
        clock=time.time,
        names=(JUDGEMENTS, DEEDS, TOLD),
    )
    telling, troubles = None, tuple[str, ...]()
    if is_full and not is_simulated:
        specs, troubles = load_notifiers(default_notify_path())
        telling = _telling(specs) if specs else None
    reactor = None
    if is_full and desk is not None:
        reactor = Reactor(desk, clock=time.time, tell=lambda words: engine.notify("reaction", words))
    return Alerting(
        facts_at=_facts_of(engine),
        rules=RuleFile(user_rules_file()),
        shelf=shelf,
        telling=telling,
        reactor=reactor,
        troubles=troubles,
    )


def make_desk(alerting: Alerting, *, who: str, fleet: str) -> AlertDesk:
    """The port to look after these alerts through.

    Args:
        alerting: the fleet's alerts.
        who: the user's name.
        fleet: the fleet's name.
    """
    return AlertDesk(alerting, who=who, fleet=fleet)


def _telling(specs: tuple[NotifierSpec, ...]) -> Telling:
    def make(memory: str, keep: Callable[[str], None]) -> Notifications:
        return Notifications(specs, memory=memory, keep=keep)

    from leptontui.alerts.notify.notifications import Notifications

    return Telling(make)


def _facts_of(engine: Engine) -> Callable[[FleetSnapshot, float, Evaluator], Facts]:
    """Facts for whichever rules are loaded; windows are kept as long as the rules stay the same."""
    made: list[tuple[Evaluator, RuleFacts]] = []

    def facts_at(snapshot: FleetSnapshot, now_unix_s: float, evaluator: Evaluator) -> Facts:
        if not made or made[0][0] is not evaluator:
            facts = RuleFacts(engine.store, engine.foresight, targets=lambda: engine.roster.targets)
            made[:] = [(evaluator, facts)]
        return made[0][1].at(snapshot.frames, now_unix_s, evaluator.needs)

    return facts_at
