"""An action with its hosts, as far as it is known: what a key, a mark, an alert and a form put together."""

from __future__ import annotations

from dataclasses import dataclass

from leptontui.model.action import ActionRequest, Danger
from leptontui.model.action_spec import ActionSpec, Where
from leptontui.model.activity import Pace, RolloutRequest, RunbookEntry


@dataclass(frozen=True, slots=True)
class Order:
    """What somebody wants. Immutable: where the cursor goes afterwards changes nothing in it.

    Attributes:
        action: an action's name.
        hosts: names in the fleet, each once, in the order in which they are worked on; at least one.
        unit, reason, params: as in `ActionRequest`; `params` may lack what has to be asked for.
        pace, batch: as in `RolloutRequest`; they matter for several hosts only.
    """

    action: str
    hosts: tuple[str, ...]
    unit: str = ""
    reason: str = ""
    params: tuple[tuple[str, str], ...] = ()
    pace: Pace = Pace.SERIAL
    batch: int = 1

    @property
    def is_bulk(self) -> bool:
        """Whether it is about several hosts."""
        return len(self.hosts) > 1

    @property
    def where(self) -> str:
        """The host, or how many there are."""
        return f"{len(self.hosts)} hosts" if self.is_bulk else self.hosts[0]

    def request(self) -> ActionRequest:
        """For its one host."""
        return ActionRequest(self.action, self.hosts[0], self.unit, self.reason, self.params)

    def rollout(self) -> RolloutRequest:
        """For all of its hosts."""
        return RolloutRequest(self.action, self.hosts, self.unit, self.reason, self.params, self.pace, self.batch)

    def lacks(self, spec: ActionSpec) -> bool:
        """Whether a reason or a parameter has to be asked for, or has a value that cannot be."""
        given = dict(self.params)
        return (spec.takes_reason and not self.reason.strip()) or any(
            parameter.complaint(given[parameter.name]) if parameter.name in given else parameter.default is None
            for parameter in spec.parameters
        )

    @classmethod
    def of_request(cls, request: ActionRequest) -> Order:
        """The order that a request for one host came from."""
        return cls(request.action, (request.host,), request.unit, request.reason, request.params)

    @classmethod
    def of_rollout(cls, request: RolloutRequest) -> Order:
        """The order that a request for several hosts came from."""
        return cls(
            request.action, request.hosts, request.unit, request.reason, request.params, request.pace, request.batch
        )


def spec_of_runbook(entry: RunbookEntry) -> ActionSpec:
    """A runbook as far as a form needs it: what it is called, what it does, its parameters."""
    return ActionSpec(
        f"runbook/{entry.name}",
        verb=entry.name,
        title=f"{entry.name} on {{host}}",
        meaning=entry.meaning,
        danger=Danger.DISRUPTIVE,
        where=Where.BASTION,
        command="",
        affects="",
        verified_by="",
        undone_by="",
        parameters=entry.parameters,
    )


def known_params(spec: ActionSpec, known: dict[str, str]) -> tuple[tuple[str, str], ...]:
    """Of what is known, what the action has parameters for and may take, sorted."""
    return tuple(
        sorted(
            (parameter.name, known[parameter.name])
            for parameter in spec.parameters
            if parameter.name in known and not parameter.complaint(known[parameter.name])
        )
    )


def undo_of(spec: ActionSpec, undo: ActionSpec | None, order: Order) -> Order | None:
    """The order that takes another back, where it can be said without asking; None otherwise.

    Args:
        spec: the action that was carried out.
        undo: the action that `spec.undo` names.
        order: what was carried out.
    """
    if undo is None or undo.name == spec.name:
        return None  # what it was before is in the plan's words; a person has to choose it
    back = Order(undo.name, order.hosts, order.unit, params=known_params(undo, dict(order.params)))
    return None if back.lacks(undo) else back
