"""Hand-made boards of alerts for the screens' tests, and an alert port that remembers what it was told."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from fleets import T0, gpu_uuid, train_fleet

from leptontui.errors import AlertError
from leptontui.model.alert import (
    Acknowledgement,
    Alert,
    AlertBoard,
    AlertGroup,
    AlertState,
    Level,
    Matcher,
    NotifierStatus,
    PredictionRecord,
    Silence,
    Subject,
)
from leptontui.model.alert_history import Happening, HistoryQuery, Transition
from leptontui.model.health import HostEvent
from leptontui.model.series import Entity, Eta
from leptontui.snapshot import FleetSnapshot

MIN = 60.0


def alert(
    rule: str = "gpu-xid",
    host: str = "gpu-001",
    *,
    gpu: int | None = None,
    level: Level = Level.PAGE,
    entity: Entity = Entity.HOST,
    instance: str = "",
    ago_s: float = 12 * MIN,
    summary: str = "",
    labels: dict[str, str] | None = None,
    **over: Any,
) -> Alert:
    """A firing alert, `ago_s` old; of a GPU if `gpu` is given."""
    if gpu is not None:
        entity, instance = Entity.GPU, gpu_uuid(host, gpu)
    pairs = {"rule": rule, "host": host, **({"gpu": str(gpu)} if gpu is not None else {}), **(labels or {})}
    made = Alert(
        id=f"{rule}/{host}/{instance}",
        rule=rule,
        level=level,
        is_predictive=False,
        subject=Subject(entity, host, instance),
        labels=tuple(sorted(pairs.items())),
        summary=summary or f"{rule} on {host}",
        state=AlertState.FIRING,
        since_unix_s=T0 - ago_s,
        fired_unix_s=T0 - ago_s,
        seen_unix_s=T0 - 1,
    )
    return replace(made, **over)


def predicted(rule: str, host: str, summary: str, *, minutes: tuple[float, float, float], **over: Any) -> Alert:
    """A predictive ticket: earliest, expected and latest in minutes from now."""
    near, middle, far = (T0 + value * MIN for value in minutes)
    over = {"level": Level.TICKET, "is_predictive": True, "eta": Eta(87.0, middle, near, far)} | over
    return alert(rule, host, summary=summary, **over)


def acknowledged(one: Alert, who: str = "anna", why: str = "looking", ago_s: float = 4 * MIN) -> Alert:
    return replace(one, acknowledgement=Acknowledgement(who, why, T0 - ago_s))


def group(*alerts: Alert, title: str = "", cause: str = "", id: str = "") -> AlertGroup:  # noqa: A002 — the model's word
    """A group; of one alert unless told otherwise."""
    return AlertGroup(
        id=id or alerts[0].id,
        title=title or alerts[0].summary,
        cause=cause,
        level=max(one.level for one in alerts),
        alerts=alerts,
        since_unix_s=min(one.since_unix_s for one in alerts),
    )


def board(*groups: AlertGroup, **over: Any) -> AlertBoard:
    """A board whose counts fit its groups, evaluated two seconds ago."""
    firing = [one for each in groups for one in each.alerts]
    active = [one for one in firing if one.is_active]
    levels = Counter(one.level for one in active if not one.is_predictive)
    made = AlertBoard(
        groups=groups,
        pages=levels[Level.PAGE],
        tickets=levels[Level.TICKET],
        notes=levels[Level.NOTE],
        predicted=sum(one.is_predictive for one in active),
        pending=sum(one.state is AlertState.PENDING for one in firing),
        acknowledged=sum(one.acknowledgement is not None for one in firing),
        silenced=sum(bool(one.silenced_by) for one in firing),
        inhibited=sum(bool(one.inhibited_by) for one in firing),
        evaluated_unix_s=T0 - 2,
    )
    return replace(made, **over)


XID = alert(
    gpu=3,
    summary="Xid 79: GPU has fallen off the bus",
    labels={"job": "8812", "group": "train", "model": "H100"},
    evidence=(
        "kernel log 03:00:44: NVRM: Xid (PCI:0000:3b:00): 79, GPU has fallen off the bus",
        "NVIDIA: reset the GPU, reboot the host if that fails (Xid catalogue, 79: RESET_GPU)",
    ),
    runbook="https://runbooks.example/xid-79",
    action="drain",
    value=79.0,
)
HOT = predicted(
    "gpu-hot-soon",
    "gpu-002",
    "temperature reaches 87 °C, the slowdown threshold",
    minutes=(7, 11, 19),
    gpu=6,
    value=83.6,
    ago_s=3 * MIN,
    evidence=("forecast 80 % band crosses 87 °C, three times in a row", "83.6 °C now, +2.1 °C in 5 min"),
)
FULL = predicted(
    "disk-full-soon",
    "gpu-004",
    "/scratch reaches 95 %",
    minutes=(140, 200, 300),
    entity=Entity.FILESYSTEM,
    instance="/scratch",
    ago_s=40 * MIN,
)
STRAGGLER = alert(
    "gpu-straggler", "gpu-003", gpu=0, level=Level.TICKET, summary="straggler −3.9σ clock: thermal throttle", ago_s=3000
)
FLAPPING = alert(
    "nic-down",
    "gpu-005",
    level=Level.TICKET,
    entity=Entity.NIC,
    instance="ib0",
    summary="link is down",
    is_flapping=True,
    flaps=4,
)
QUIET = alert("gpu-idle", "gpu-006", gpu=1, level=Level.NOTE, summary="holds 71 GiB and does nothing", ago_s=7200)
PENDING = alert("host-memory", "gpu-005", level=Level.TICKET, summary="memory above 95 %", state=AlertState.PENDING)
PENDING = replace(PENDING, fired_unix_s=None, since_unix_s=T0 - 40)
SILENCE = Silence(
    "s1",
    (Matcher("rule", "ntp-offset"), Matcher("host", "gpu-0.*", is_regex=True)),
    T0 - 600,
    T0 + 6600,
    "bea",
    "known, mended tonight",
)
SILENCED = alert("ntp-offset", "gpu-007", level=Level.TICKET, summary="clock is 2.1 s off", silenced_by="s1")
CUT_OFF = tuple(
    alert(
        "host-unreachable",
        f"gpu-{n:03d}",
        summary="unreachable: bastion2 does not answer",
        ago_s=2 * MIN,
        labels={"rack": "r3"},
    )
    for n in range(8, 20)
)
RESOLVED = replace(
    alert("gpu-throttle", "gpu-004", gpu=5, level=Level.TICKET, summary="throttled by power"),
    state=AlertState.RESOLVED,
    resolved_unix_s=T0 - 5 * MIN,
)


def rich_board(**over: Any) -> AlertBoard:
    """One of everything."""
    cut = group(
        *CUT_OFF, title="12 hosts unreachable: bastion2", cause="bastion: bastion2", id="cause:bastion:bastion2"
    )
    fields: dict[str, Any] = {
        "silences": (SILENCE,),
        "resolved": (RESOLVED,),
        "predictions": (PredictionRecord("gpu-hot-soon", 9, 2, 1), PredictionRecord("disk-full-soon")),
        "notifiers": (NotifierStatus("oncall-slack", sent=12),),
    }
    return board(
        cut,
        group(XID),
        group(acknowledged(alert("host-down", "gpu-017", summary="rebooted by itself", ago_s=20 * MIN))),
        group(STRAGGLER),
        group(FLAPPING),
        group(HOT),
        group(FULL),
        group(PENDING),
        group(QUIET),
        group(SILENCED),
        **(fields | over),
    )


def alert_fleet(alerts: AlertBoard | None = None, **over: Any) -> FleetSnapshot:
    """The training fleet with a board, and an Xid that its host has just reported."""
    event = HostEvent(
        "gpu-001", T0 - 720, "xid", gpu_uuid("gpu-001", 3), 79, "NVRM: Xid (PCI:0000:3b:00): 79, off the bus"
    )
    snapshot = train_fleet(24)
    fields: dict[str, Any] = {"events": (event,), "alerts": alerts if alerts is not None else rich_board()}
    return replace(snapshot, **(fields | over))


class FakeAlerts:
    """An alert port that remembers what it was told.

    Attributes:
        acknowledged, unacknowledged, silenced, unsilenced, queries, reports, counted: what it was asked, in order.
        failure: raised by everything if there is one.
        may_answer: cleared, nothing is answered until it is set.
    """

    def __init__(self, steps: Sequence[Transition] = (), failure: AlertError | None = None) -> None:
        self.steps = tuple(steps)
        self.failure = failure
        self.acknowledged: list[tuple[tuple[str, ...], str]] = []
        self.unacknowledged: list[tuple[str, ...]] = []
        self.silenced: list[tuple[tuple[Matcher, ...], float, str]] = []
        self.unsilenced: list[str] = []
        self.queries: list[HistoryQuery] = []
        self.reports: list[float] = []
        self.counted: list[tuple[Matcher, ...]] = []
        self.holds = 3
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def _ready(self) -> None:
        await self.may_answer.wait()
        if self.failure is not None:
            raise self.failure

    async def acknowledge(self, alert_ids: Sequence[str], why: str) -> int:
        self.acknowledged.append((tuple(alert_ids), why))
        await self._ready()
        return len(alert_ids)

    async def unacknowledge(self, alert_ids: Sequence[str]) -> int:
        self.unacknowledged.append(tuple(alert_ids))
        await self._ready()
        return len(alert_ids)

    async def silence(self, matchers: Sequence[Matcher], lasts_s: float, why: str) -> Silence:
        self.silenced.append((tuple(matchers), lasts_s, why))
        await self._ready()
        return Silence("s2", tuple(matchers), T0, T0 + lasts_s, "oncall", why)

    async def matching(self, matchers: Sequence[Matcher]) -> int:
        self.counted.append(tuple(matchers))
        await self._ready()
        return self.holds

    async def unsilence(self, silence_id: str) -> None:
        self.unsilenced.append(silence_id)
        await self._ready()

    async def history(self, query: HistoryQuery) -> tuple[Transition, ...]:
        self.queries.append(query)
        await self._ready()
        return tuple(
            step
            for step in self.steps
            if all(
                word.lower()
                in f"{step.alert.rule} {step.alert.summary} {step.alert.subject.host} {step.who} {step.why}".lower()
                for word in query.words
            )
        )[: query.limit]

    async def report(self, since_unix_s: float) -> str:
        self.reports.append(since_unix_s)
        await self._ready()
        return "# Shift report\n\n- ✖ 2 pages\n- median time to acknowledge: 4 min\n"


STEPS = (
    Transition(Happening.ACKNOWLEDGED, T0 - 4 * MIN, XID, "anna", "looking at it"),
    Transition(Happening.RESOLVED, T0 - 5 * MIN, RESOLVED),
    Transition(Happening.FIRED, T0 - 12 * MIN, XID),
    Transition(Happening.PENDING, T0 - 12.5 * MIN, XID),
    Transition(Happening.FIRED, T0 - 30 * 3600, STRAGGLER),
)
