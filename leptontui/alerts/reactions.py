"""Which actions firing alerts ask for, and which of them may be run without a person. Pure.

Without a person only what the user's own file allows is run, so many times an hour and on so many hosts a day, for what
is seen to be so now, while the session is armed; through the same guard as anybody's action. Everything else is left
to a person, with the reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from leptontui.model.action import ActionName, ActionRequest
from leptontui.model.alert import Alert, AlertState
from leptontui.model.reaction import AutoPolicy, Proposal, Reaction
from leptontui.model.series import Entity
from leptontui.model.text import plain

HOUR_S: Final = 3600.0
DAY_S: Final = 86_400.0
FRESH_S: Final = 30.0
"""What has not been seen for longer is not acted on without a person."""
MOST_PROPOSALS: Final = 50
_REASON: Final = 120


@dataclass(frozen=True, slots=True)
class Deed:
    """An action that was begun without a person.

    Attributes:
        at_unix_s: when.
        host: where.
        rule: whose.
        alert_id: for which alert.
        outcome: how it ended, in words; "" while it is under way.
    """

    at_unix_s: float
    host: str
    rule: str
    alert_id: str
    outcome: str = ""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What decides whether anything may be run without a person.

    Attributes:
        now_unix_s: now.
        fleet_size: hosts in the fleet.
        can_act: whether there is a command port: not on a wallboard, and not where the session is read-only.
        is_armed: whether the user has armed it.
        is_keeper: whether it is this instance that acts for the fleet.
        policy: what the user allows.
        deeds: what was begun without a person in the last day, oldest first.
    """

    now_unix_s: float
    fleet_size: int
    can_act: bool
    is_armed: bool
    is_keeper: bool
    policy: AutoPolicy
    deeds: tuple[Deed, ...] = ()


def request_of(alert: Alert) -> ActionRequest | None:
    """The action that an alert names, ready to be planned; None if it names none, or not on which unit."""
    if not alert.subject.host:
        return None
    try:
        action = ActionName(alert.action)
    except ValueError:
        return None
    unit = ""
    if action == ActionName.RESTART_UNIT:
        unit = alert.subject.instance if alert.subject.entity is Entity.UNIT else alert.label("unit")
        if not unit:
            return None
    return ActionRequest(action, alert.subject.host, unit, plain(alert.summary, _REASON))


def proposals_of(alerts: Sequence[Alert], known: Circumstances) -> tuple[Proposal, ...]:
    """What active alerts ask for, the oldest first; at most one of them is to be run without a person."""
    if not known.can_act:
        return ()
    asking = [
        alert
        for alert in alerts
        if alert.is_active and alert.reaction in {Reaction.CONFIRM, Reaction.AUTO} and not alert.is_over
    ]
    asking.sort(key=lambda alert: (alert.fired_unix_s or 0.0, alert.id))
    found: list[Proposal] = []
    is_one_run = any(not deed.outcome for deed in known.deeds)
    for alert in asking[:MOST_PROPOSALS]:
        request = request_of(alert)
        if request is None:
            continue
        if alert.reaction == Reaction.CONFIRM:
            found.append(Proposal(alert.id, alert.rule, request, Reaction.CONFIRM))
            continue
        why_not = objection(alert, request, known)
        if not why_not and is_one_run:
            continue  # its turn comes when the other has ended
        is_one_run = is_one_run or not why_not
        reaction = Reaction.CONFIRM if why_not else Reaction.AUTO
        found.append(Proposal(alert.id, alert.rule, request, reaction, why_not))
    return tuple(found)


def objection(alert: Alert, request: ActionRequest, known: Circumstances) -> str:
    """Why an action is left to a person, in words; "" if it may be run without one."""
    policy, now = known.policy, known.now_unix_s
    today = [deed for deed in known.deeds if abs(now - deed.at_unix_s) < DAY_S]
    tried = [deed for deed in today if deed.alert_id == alert.id]
    hosts = {deed.host for deed in today} | {request.host}
    most_hosts = max(1, int(policy.fleet_share * known.fleet_size))
    this_hour = sum(abs(now - deed.at_unix_s) < HOUR_S for deed in today)
    reasons = (
        (alert.state is not AlertState.FIRING, "it does not fire"),
        (alert.is_predictive, "a prediction alone acts on nothing"),
        (request.action not in policy.allow, f"{request.action} is not in [auto] allow of your rules.toml"),
        (not known.is_keeper, "another leptontui acts for this fleet"),
        (not known.is_armed, "this session is not armed"),
        (alert.is_flapping, "it comes and goes"),
        (not 0.0 <= now - alert.seen_unix_s <= FRESH_S, "nothing fresh is known of its host"),
        (bool(tried), f"it was tried already: {tried[-1].outcome or 'under way'}" if tried else ""),
        (this_hour >= policy.per_hour, f"{this_hour} actions were run by themselves within the hour, the limit"),
        (len(hosts) > most_hosts, f"more than {most_hosts} of {known.fleet_size} hosts would be acted on within a day"),
    )
    return next((words for is_so, words in reasons if is_so), "")


def recent(deeds: tuple[Deed, ...], now_unix_s: float) -> tuple[Deed, ...]:
    """The deeds that still count."""
    return tuple(deed for deed in deeds if abs(now_unix_s - deed.at_unix_s) < DAY_S)
