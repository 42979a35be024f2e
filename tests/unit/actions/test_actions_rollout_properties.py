"""What holds for every rollout, whatever its hosts come to and whatever the user wishes meanwhile."""

import asyncio
from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from leptontui.actions.rollouts import Rollouts
from leptontui.errors import ActionError
from leptontui.model.action import OutcomeKind
from leptontui.model.activity import Pace, Rollout, RolloutRequest, RolloutState, TargetState, Wish
from tests.unit.actions.hand_scene import ScriptedHand

ENDS = st.sampled_from([OutcomeKind.VERIFIED] * 4 + [OutcomeKind.FAILED, OutcomeKind.UNKNOWN, OutcomeKind.NOT_VERIFIED])
WISHES = st.sampled_from([None, None, Wish.PAUSE, Wish.RESUME, Wish.RESUME, Wish.ABANDON])
OVER = {RolloutState.ENDED, RolloutState.ABANDONED}


async def looked_at(rollouts: Rollouts, hand: ScriptedHand, size: int) -> Rollout:
    """Let everything that can go on go on, and look at each step."""
    for _ in range(6):
        await asyncio.sleep(0)
        rollout = rollouts.shown[0]
        states = [target.state for target in rollout.targets]
        assert len(hand.running) <= size
        assert len(set(hand.hosts_run)) == len(hand.hosts_run), "no host is run twice"
        assert hand.hosts_run == [target.host for target in rollout.targets][: len(hand.hosts_run)], "in order"
        assert states.count(TargetState.RUNNING) <= size
    return rollouts.shown[0]


async def played(ends: list[OutcomeKind], batch: int, wishes: list[Wish | None]) -> None:
    hosts = tuple(f"h{n}" for n in range(len(ends)))
    hand = ScriptedHand(ends=dict(zip(hosts, ends, strict=True)))
    rollouts = Rollouts(hand, clock=hand.clock)
    plan = await rollouts.plan(RolloutRequest("restart", hosts, unit="x.service", pace=Pace.ROLLING, batch=batch))
    await rollouts.start(plan, plan.confirmation)
    for wish in wishes:
        before = await looked_at(rollouts, hand, batch)
        if before.state is RolloutState.STOPPED:
            bad = [one for one in before.targets if one.state not in {TargetState.VERIFIED, TargetState.WAITING}]
            assert bad, "it stops only where something is not well"
            ran = list(hand.hosts_run)
            await looked_at(rollouts, hand, batch)
            assert hand.hosts_run == ran, "nothing is begun while it is stopped"
        if wish is not None:
            with suppress(ActionError):
                await rollouts.steer(plan.rollout_id, wish)
    for _ in range(3 * len(ends)):
        rollout = await looked_at(rollouts, hand, batch)
        if rollout.state in {RolloutState.PAUSED, RolloutState.STOPPED}:
            await rollouts.steer(plan.rollout_id, Wish.RESUME)
    rollout = await looked_at(rollouts, hand, batch)
    assert rollout.state in OVER
    for target, end in zip(rollout.targets, ends, strict=True):
        was_run = target.host in hand.hosts_run
        assert target.state.value == (end.value if was_run else "skipped")
    if rollout.state is RolloutState.ENDED:
        assert len(hand.hosts_run) == len(ends)
    assert hand.events.count("rollout-ended") == 1
    await rollouts.close()


@settings(deadline=None, max_examples=150)
@given(st.lists(ENDS, min_size=1, max_size=7), st.integers(1, 4), st.lists(WISHES, max_size=8))
def test_order_size_and_stops_hold_always(ends: list[OutcomeKind], batch: int, wishes: list[Wish | None]) -> None:
    asyncio.run(played(ends, batch, wishes))
