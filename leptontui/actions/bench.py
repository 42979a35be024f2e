"""Where plans are made: the setting of each, the way to its hosts, and who prepares it."""

from __future__ import annotations

import inspect
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from leptontui.actions.custom import preparer_of
from leptontui.actions.facts import FleetFacts
from leptontui.actions.parameters import complete
from leptontui.actions.passwords import Passwords
from leptontui.actions.reach import Prepared, Reach
from leptontui.actions.registry import PREPARE
from leptontui.actions.setting import Setting, Sleep
from leptontui.config.custom_action import CustomAction
from leptontui.errors import ActionError, CommandTimeout, LinkError
from leptontui.model.action import ActionRequest
from leptontui.model.action_catalogue import SHIPPED
from leptontui.model.action_spec import ActionSpec
from leptontui.model.target import Fleet, HostTarget
from leptontui.model.text import plain
from leptontui.transport.contract import Transport

TransportOf = Callable[[HostTarget], Awaitable[Transport] | Transport]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Prepares plans. Asks the hosts, changes nothing.

    Attributes:
        fleet: the hosts and controllers, now.
        facts: links and ages as the engine sees them.
        transport_of: the way to a host; connected where needed and never closed here.
        passwords: sudo's.
        custom: the user's own actions, by name.
        user: who acts, fit to stand before a reason.
        clock: unix seconds.
        sleep: waits for seconds.
        tell: says a line of a plan that is under way.
        evidence_in: the folder that evidence is kept in.
    """

    fleet: Callable[[], Fleet]
    facts: FleetFacts
    transport_of: TransportOf
    passwords: Passwords
    custom: Mapping[str, CustomAction]
    user: str
    clock: Callable[[], float]
    sleep: Sleep
    tell: Callable[[str, str], None]
    evidence_in: Path

    @property
    def specs(self) -> tuple[ActionSpec, ...]:
        """Every action that there is here, in menu order, the user's own last."""
        shipped = (spec for name, spec in SHIPPED.items() if name in PREPARE)
        return (*shipped, *(custom.spec for custom in self.custom.values()))

    def spec(self, action: str) -> ActionSpec:
        """What an action is.

        Raises:
            ActionError: there is none of that name here.
        """
        if action in SHIPPED and action in PREPARE:
            return SHIPPED[action]
        if action in self.custom:
            return self.custom[action].spec
        raise ActionError(f"there is no action {plain(action, 60)}")

    async def prepare(self, request: ActionRequest) -> tuple[Prepared, Setting]:
        """A plan as its preparer makes it, and what it was made in.

        Raises:
            GuardRefused: somebody else's drain stands in the way, or there is nothing to undo.
            ActionError: it cannot be planned.
        """
        target = self.fleet().host(request.host)
        if target is None:
            raise ActionError(f"{plain(request.host, 60)} is not in the fleet")
        spec = self.spec(request.action)
        asked = [target.name]
        setting = self._setting(complete(request, spec), spec, target, asked)
        custom = self.custom.get(spec.name)
        try:
            return await (PREPARE[spec.name] if custom is None else preparer_of(custom))(setting), setting
        except (LinkError, CommandTimeout) as error:
            raise ActionError(f"{asked[-1]} could not be asked: {error.cause}", error.mend) from error

    async def reach(self, target: HostTarget) -> Reach:
        """The way to a host or controller, connected.

        Raises:
            LinkError: it cannot be made.
        """
        found = self.transport_of(target)
        transport = await found if inspect.isawaitable(found) else found
        await transport.connect()
        return Reach.of(target, transport, self.passwords)

    def _setting(self, request: ActionRequest, spec: ActionSpec, target: HostTarget, asked: list[str]) -> Setting:
        plan_id = secrets.token_hex(8)

        async def reach_of(host: HostTarget) -> Reach:
            asked.append(host.name)
            return await self.reach(host)

        return Setting(
            request=request,
            spec=spec,
            target=target,
            fleet=self.fleet(),
            facts=self.facts,
            user=self.user,
            plan_id=plan_id,
            clock=self.clock,
            sleep=self.sleep,
            tell=lambda line: self.tell(plan_id, line),
            reach_of=reach_of,
            evidence_in=self.evidence_in,
        )
