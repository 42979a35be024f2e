"""Alerts as everything above the rules sees them: what fires, what it belongs to, who looks after it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from leptontui.model.reaction import Proposal
from leptontui.model.series import Entity, Eta


class Level(IntEnum):
    """How urgently somebody is needed; more urgent is greater, so that sorting puts it first."""

    NOTE = 0
    """Worth knowing: on the screen and in the report, told to nobody."""
    TICKET = 1
    """To be looked at in working hours."""
    PAGE = 2
    """Somebody is woken."""

    @property
    def word(self) -> str:
        """As rules files write it: "note", "ticket", "page"."""
        return self.name.lower()


class AlertState(StrEnum):
    """Where an alert is in its life."""

    PENDING = "pending"
    """Its condition holds, but not yet for as long as its rule asks."""
    FIRING = "firing"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True, order=True)
class Subject:
    """What an alert is about: an identity, never a row.

    Attributes:
        entity: host, GPU, filesystem …
        host: the host's name in the fleet; "" for what concerns the fleet as a whole.
        instance: GPU uuid, mount …, as in `SeriesKey`; "" for the host itself.
    """

    entity: Entity
    host: str
    instance: str = ""


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """Somebody looks after it until it clears.

    Attributes:
        who: the user's name.
        why: what they wrote, "" if nothing.
        at_unix_s: when.
    """

    who: str
    why: str
    at_unix_s: float


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition on an alert's labels, as in Alertmanager.

    Attributes:
        label: the label's name; an absent label has the value "".
        value: what it is compared with.
        is_regex: `value` is a regular expression that the whole label must match.
        is_negated: the condition is that it does not match.
    """

    label: str
    value: str
    is_regex: bool = False
    is_negated: bool = False


@dataclass(frozen=True, slots=True)
class Silence:
    """Alerts that match are shown but told to nobody, until then.

    Attributes:
        id: unique.
        matchers: all must hold.
        from_unix_s, until_unix_s: when it holds.
        who: who made it.
        why: what for.
    """

    id: str
    matchers: tuple[Matcher, ...]
    from_unix_s: float
    until_unix_s: float
    who: str
    why: str


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert: a rule whose condition holds for one subject. Immutable: what changes makes a new one.

    Attributes:
        id: fingerprint of rule and subject: the same trouble at the same place has the same id for ever.
        rule: the rule's name.
        level: how urgent.
        is_predictive: it tells of what will be, not of what is.
        subject: what it is about.
        labels: sorted (name, value) pairs: rule, host, gpu, group, job, model, rack, switch, … and the rule's own.
        summary: one line, safe to show.
        state: where it is in its life.
        since_unix_s: since when its condition has held.
        fired_unix_s: when it began to fire; None while pending.
        resolved_unix_s: when it ended; None before.
        seen_unix_s: when its condition was last evaluated on fresh values; older than now while its host is blind.
        value: the value that the rule names, None if it names none.
        evidence: further lines: what was measured, whose rule says so.
        runbook: where to read on; "".
        action: suggested action, by the name actions have; "".
        reaction: "suggest", "confirm" or "auto".
        eta: for predictive ones, when.
        acknowledgement: who looks after it; None if nobody.
        silenced_by: id of the silence that holds it; "".
        inhibited_by: id of the alert that hides it; "".
        flaps: how often it ended and began again lately; damped alerts stay firing while flapping.
        is_flapping: whether it is damped now.
        is_over: its condition is over, and it waits to be acknowledged (an Xid), or to stay so.
    """

    id: str
    rule: str
    level: Level
    is_predictive: bool
    subject: Subject
    labels: tuple[tuple[str, str], ...]
    summary: str
    state: AlertState
    since_unix_s: float
    fired_unix_s: float | None = None
    resolved_unix_s: float | None = None
    seen_unix_s: float = 0.0
    value: float | None = None
    evidence: tuple[str, ...] = ()
    runbook: str = ""
    action: str = ""
    reaction: str = "suggest"
    eta: Eta | None = None
    acknowledgement: Acknowledgement | None = None
    silenced_by: str = ""
    inhibited_by: str = ""
    flaps: int = 0
    is_flapping: bool = False
    is_over: bool = False

    @property
    def is_active(self) -> bool:
        """It fires, and nobody has acknowledged, silenced or explained it away."""
        return (
            self.state is AlertState.FIRING
            and self.acknowledgement is None
            and not self.silenced_by
            and not self.inhibited_by
        )

    def label(self, name: str) -> str:
        """The value of a label, "" if it has none."""
        return next((value for label, value in self.labels if label == name), "")


@dataclass(frozen=True, slots=True)
class AlertGroup:
    """Alerts that are one trouble: one line of the triage list, one message to a pager.

    Attributes:
        id: stable as long as the group lives.
        title: one line: the summary of the only alert, or what they have in common ("42 hosts unreachable: bastion2").
        cause: what they share, e.g. "bastion: bastion2"; "" for a group without a common cause.
        level: the worst of its active members, else of all.
        alerts: worst first, at least one.
        since_unix_s: when the first began.
    """

    id: str
    title: str
    cause: str
    level: Level
    alerts: tuple[Alert, ...]
    since_unix_s: float


@dataclass(frozen=True, slots=True)
class PredictionRecord:
    """How predictive alerts of one rule have done so far.

    Attributes:
        rule: the rule's name.
        came_true: predictions whose crossing came.
        did_not: predictions whose time passed without it.
        missed: crossings that no prediction preceded.
    """

    rule: str
    came_true: int = 0
    did_not: int = 0
    missed: int = 0

    @property
    def precision(self) -> float | None:
        """Share of the judged predictions that came true; None before the first."""
        judged = self.came_true + self.did_not
        return self.came_true / judged if judged else None


@dataclass(frozen=True, slots=True)
class NotifierStatus:
    """One way of telling people, as the screen shows it. Never carries a secret.

    Attributes:
        name: as configured, e.g. "oncall-slack".
        sent: messages delivered so far.
        waiting: messages not delivered yet.
        failing_since_unix_s: since when nothing gets through; None while well.
        trouble: the last failure in words, "" while well.
    """

    name: str
    sent: int = 0
    waiting: int = 0
    failing_since_unix_s: float | None = None
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class AlertBoard:
    """Everything about alerts at one instant. Immutable; the same object as long as nothing changed.

    Attributes:
        groups: firing and pending groups, worst first: pages before tickets before notes, what is before what will be.
        pages, tickets, notes: firing, active alerts of each level that are not predictive.
        predicted: firing, active predictive alerts.
        pending, acknowledged, silenced, inhibited: alerts by state.
        silences: those that hold, or will.
        resolved: what ended lately, newest first, bounded.
        predictions: how predictive rules have done, by rule.
        notifiers: ways of telling people.
        troubles: what is wrong with the rules, files or the database, in words.
        evaluated_unix_s: when rules were last evaluated; 0 before the first time.
        proposals: actions that firing alerts want confirmed or run, oldest first.
        keeper: who else keeps the history and tells people ("another leptontui, process 4711"); "" if it is this one,
            or nobody does.
    """

    groups: tuple[AlertGroup, ...] = ()
    pages: int = 0
    tickets: int = 0
    notes: int = 0
    predicted: int = 0
    pending: int = 0
    acknowledged: int = 0
    silenced: int = 0
    inhibited: int = 0
    silences: tuple[Silence, ...] = ()
    resolved: tuple[Alert, ...] = ()
    predictions: tuple[PredictionRecord, ...] = ()
    notifiers: tuple[NotifierStatus, ...] = ()
    troubles: tuple[str, ...] = ()
    evaluated_unix_s: float = 0.0
    proposals: tuple[Proposal, ...] = ()
    keeper: str = ""
