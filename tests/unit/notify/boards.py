"""Alerts and groups for the notifiers' tests, and a fleet of troubles that changes from step to step."""

from dataclasses import replace

from leptontui.alerts.notify.message import Due, Message, delivered, due, failed
from leptontui.alerts.notify.spec import Policy
from leptontui.alerts.notify.told import Telling, Trouble, look
from leptontui.model.alert import Acknowledgement, Alert, AlertGroup, AlertState, Level, Subject
from leptontui.model.alert_history import Transition
from leptontui.model.series import Entity

T0 = 1_800_000_000.0


def alert(name: str, *, level: Level = Level.PAGE, host: str = "", at: float = T0, **more: object) -> Alert:
    host = host or f"host-{name}"
    fields: dict[str, object] = {
        "id": name,
        "rule": "gpu-lost",
        "level": level,
        "is_predictive": False,
        "subject": Subject(Entity.HOST, host),
        "labels": (("host", host), ("rack", "r1"), ("rule", "gpu-lost")),
        "summary": f"{host} has lost a GPU",
        "state": AlertState.FIRING,
        "since_unix_s": at,
        "fired_unix_s": at,
    }
    return Alert(**{**fields, **more})  # type: ignore[arg-type]


def acknowledged(one: Alert) -> Alert:
    return replace(one, acknowledgement=Acknowledgement("kim", "on it", one.since_unix_s))


def group(name: str, *alerts: Alert, title: str = "", cause: str = "") -> AlertGroup:
    return AlertGroup(
        name,
        title or alerts[0].summary,
        cause,
        max(one.level for one in alerts),
        alerts,
        min(one.since_unix_s for one in alerts),
    )


class Recipient:
    """One notifier's pure half, driven by hand: every message that would arrive, with its time."""

    def __init__(self, policy: Policy | None = None, now: float = T0) -> None:
        self.policy = policy or Policy()
        self.state = Telling.fresh(self.policy, now)
        self.troubles: dict[str, Trouble] = {}
        self.got: list[tuple[float, Message]] = []
        self.is_up = True
        self.due = Due()

    def see(self, now: float, *groups: AlertGroup, steps: tuple[Transition, ...] = ()) -> list[Message]:
        """One board; returns what arrives at once."""
        self.state, self.troubles = look(self.policy, self.state, groups, steps, now)
        return self.wait(now)

    def wait(self, now: float, *, is_leaving: bool = False) -> list[Message]:
        """Time passes on the same board; returns what arrives."""
        arrived: list[Message] = []
        for _ in range(1000):
            self.due = due(self.policy, self.state, self.troubles, now, is_leaving=is_leaving)
            message = self.due.message
            if message is None:
                break
            if not self.is_up:
                self.state = failed(self.state, now)
                break
            self.state = delivered(self.policy, self.state, message, now)
            arrived.append(message)
        else:
            raise AssertionError("it never stops telling")
        self.got += [(now, message) for message in arrived]
        return arrived
