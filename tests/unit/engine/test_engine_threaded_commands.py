"""The command port as the screen has it: calls go to the engine's loop, what is shown is there at once."""

import asyncio
import inspect
import threading
from typing import Any

import pytest

from leptontui.engine.thread import EngineThread
from leptontui.engine.threaded_ports import ThreadedCommands
from leptontui.errors import ActionError, GuardRefused
from leptontui.model.action import ActionRequest, Danger, Plan
from leptontui.model.activity import Activity, Drained, RolloutPlan, RolloutRequest, Wish
from leptontui.ports import CommandPort

PLAN = Plan("p", ActionRequest("restart", "h1"), "Restart", Danger.DISRUPTIVE, (), "asked again")
ROLLOUT = RolloutPlan("r", RolloutRequest("restart", ("h1",)), "Restart", (PLAN,), (), Danger.DISRUPTIVE)
CALLS: dict[str, tuple[Any, ...]] = {
    "plan": (PLAN.request,),
    "run": (PLAN, "typed", "why"),
    "plan_rollout": (ROLLOUT.request,),
    "start_rollout": (ROLLOUT, "12", "why"),
    "steer_rollout": ("r", Wish.PAUSE),
    "runbooks": (),
    "start_runbook": ("gpu-reset", "h1", [("gpu", "all")]),
    "plan_step": ("run",),
    "run_step": ("run", PLAN, "typed", "why"),
    "steer_runbook": ("run", Wish.SKIP),
    "look_again": (),
}
ACTIVITY = Activity(drained=(Drained("h1", "h1", "slurm", "anna: x", 0.0),))


class Clerk:
    """A command port that notes what it is asked, and on which thread."""

    specs = ()
    activity = ACTIVITY
    armed_until_unix_s = 5.0

    def __init__(self) -> None:
        self.asked: dict[str, tuple[Any, ...]] = {}
        self.threads: set[int] = set()

    def said(self, plan_id: str) -> tuple[str, ...]:
        return (f"line of {plan_id}",)

    def __getattr__(self, name: str) -> Any:
        async def answer(*arguments: Any) -> str:
            self.asked[name] = arguments
            self.threads.add(threading.get_ident())
            if name == "steer_rollout" and arguments[0] == "gone":
                raise GuardRefused("x", "no such rollout")
            return f"answer of {name}"

        return answer


class Watch:
    access = alerts = None

    def __init__(self) -> None:
        self.commands = Clerk()
        self.is_up = threading.Event()

    def subscribe(self, deliver: object) -> None:
        """Nothing is delivered."""

    def look_at(self, focus: object) -> None:
        """Nothing is looked at."""

    def redial(self, host: str) -> None:
        """Nothing is dialled."""

    async def run(self) -> None:
        self.is_up.set()
        await asyncio.Event().wait()


def test_every_question_of_the_port_is_known_here() -> None:
    asked = {name for name, member in vars(CommandPort).items() if inspect.iscoroutinefunction(member)}
    assert asked == set(CALLS)


async def test_every_question_is_answered_on_the_engines_thread_with_all_its_words() -> None:
    watch = Watch()
    thread = EngineThread(lambda: watch, lambda _: None)  # type: ignore[arg-type,return-value]
    commands = ThreadedCommands(thread)
    assert (commands.activity, commands.specs, commands.said("p")) == (Activity(), (), ())
    with pytest.raises(ActionError, match="before the engine is up"):
        await commands.look_again()
    thread.start()
    try:
        assert await asyncio.to_thread(watch.is_up.wait, 10)
        for name, arguments in CALLS.items():
            answer = await getattr(commands, name)(*arguments)
            assert answer in {f"answer of {name}", None}
        assert watch.commands.asked == CALLS
        with pytest.raises(GuardRefused, match="no such rollout"):
            await commands.steer_rollout("gone", Wish.ABANDON)
        assert (commands.activity, commands.said("p")) == (ACTIVITY, ("line of p",))
        assert commands.armed_until_unix_s == 5.0
    finally:
        await asyncio.to_thread(thread.stop)
    assert watch.commands.threads.isdisjoint({threading.get_ident()})
    assert len(watch.commands.threads) == 1
