"""A stage for the life of alerts: rules as policies, evaluations by hand, and a clock that only a test moves."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from leptontui.alerts.identity import alert_id
from leptontui.alerts.life import step
from leptontui.alerts.life_state import LifeState
from leptontui.model.alert import Alert, Level, Subject
from leptontui.model.alert_history import Transition
from leptontui.model.alert_policy import RulePolicy
from leptontui.model.evaluation import Evaluation, Finding, Standing
from leptontui.model.series import Entity

T0 = 1_800_000_000.0
HOT, XID, SOON = "gpu-hot", "xid", "memory-soon"
POLICIES = {
    policy.rule: policy
    for policy in (
        RulePolicy(HOT, Level.PAGE, for_s=10.0, keep_for_s=20.0, action="drain"),
        RulePolicy(XID, Level.TICKET, is_latched=True),
        RulePolicy(SOON, Level.TICKET, is_predictive=True, horizon_s=600.0),
    )
}


def gpu(host: str = "gpu-001", uuid: str = "GPU-0") -> Subject:
    return Subject(Entity.GPU, host, uuid)


def finding(rule: str = HOT, subject: Subject | None = None, **labels: str) -> Finding:
    subject = subject or gpu()
    told = {"host": subject.host, **labels}
    return Finding(rule, subject, tuple(sorted(told.items())), f"{rule} on {subject.host}", value=90.0)


@dataclass
class Life:
    """Steps through a life; every look at the rules is one call."""

    now: float = T0
    state: LifeState = field(default_factory=LifeState)
    policies: Mapping[str, RulePolicy] = field(default_factory=lambda: dict(POLICIES))
    fleet: frozenset[str] | None = None
    told: list[Transition] = field(default_factory=list)

    def look(
        self,
        *met: Finding,
        after: float = 2.0,
        standings: Mapping[tuple[str, Subject], Standing] | None = None,
        others: Standing = Standing.CLEAR,
    ) -> list[str]:
        """One step later, so much has been met; whatever else is known stands as `others`. What happened."""
        self.now += after
        found = {(one.rule, one.subject) for one in met}
        stands = {
            (alert.rule, alert.subject): others
            for alert in self.state.alerts
            if (alert.rule, alert.subject) not in found
        }
        evaluation = Evaluation(self.now, met, {**stands, **(standings or {})})
        fleet = self.fleet
        self.state, transitions = step(
            self.state,
            evaluation,
            self.policies,
            self.now,
            is_of_fleet=lambda host: fleet is None or host in fleet,
        )
        self.told += transitions
        return [one.happening.value for one in transitions]

    def take(self, made: tuple[LifeState, tuple[Transition, ...]]) -> list[str]:
        self.state, transitions = made
        self.told += transitions
        return [one.happening.value for one in transitions]

    def looks(self, times: int, *met: Finding, after: float = 2.0) -> list[str]:
        return [happened for _ in range(times) for happened in self.look(*met, after=after)]

    def alert(self, rule: str = HOT, subject: Subject | None = None) -> Alert:
        return self.state.tracks[alert_id(rule, subject or gpu())].alert

    def is_known(self, rule: str = HOT, subject: Subject | None = None) -> bool:
        return alert_id(rule, subject or gpu()) in self.state.tracks


def ids(alerts: Iterable[Alert]) -> list[str]:
    return [alert.id for alert in alerts]
