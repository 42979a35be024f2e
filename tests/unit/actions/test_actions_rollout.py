"""Rollouts: planned as a whole, confirmed once, worked off in batches, stopped by the first that is not well."""

import asyncio
from collections.abc import Callable

import pytest

from leptontui.actions.rollouts import Rollouts
from leptontui.errors import ActionError, AuditError, GuardRefused, NotConfirmed
from leptontui.model.action import ActionName, Danger, OutcomeKind, Standing
from leptontui.model.activity import Pace, Rollout, RolloutPlan, RolloutRequest, RolloutState, TargetState, Wish
from tests.unit.actions.actions_scene import link_error
from tests.unit.actions.hand_scene import ScriptedHand

HOSTS = ("h1", "h2", "h3")
UNIT = "vllm.service"


def request(
    *hosts: str, action: str = ActionName.RESTART_UNIT, pace: Pace = Pace.SERIAL, batch: int = 1
) -> RolloutRequest:
    return RolloutRequest(action, hosts or HOSTS, unit=UNIT, pace=pace, batch=batch)


@pytest.fixture
def hand() -> ScriptedHand:
    return ScriptedHand()


@pytest.fixture
def rollouts(hand: ScriptedHand) -> Rollouts:
    return Rollouts(hand, clock=hand.clock)


async def until(rollouts: Rollouts, is_so: Callable[[Rollout], bool]) -> Rollout:
    async with asyncio.timeout(10):
        while not is_so(rollouts.shown[0]):  # noqa: ASYNC110 — what is waited for is read by a screen, at its ticks
            await asyncio.sleep(0)
    return rollouts.shown[0]


async def ended(rollouts: Rollouts) -> Rollout:
    over = {RolloutState.ENDED, RolloutState.ABANDONED, RolloutState.STOPPED}
    return await until(rollouts, lambda rollout: rollout.state in over)


def states(rollout: Rollout) -> dict[str, str]:
    return {target.host: target.state.value for target in rollout.targets}


async def begun(rollouts: Rollouts, wanted: RolloutRequest) -> RolloutPlan:
    plan = await rollouts.plan(wanted)
    await rollouts.start(plan, plan.confirmation)
    return plan


async def test_the_whole_is_planned_in_order_and_titled_by_its_count(hand: ScriptedHand, rollouts: Rollouts) -> None:
    plan = await rollouts.plan(request())
    assert [part.request.host for part in plan.plans] == list(HOSTS)
    assert (plan.title, plan.confirmation, plan.danger) == (f"Restart {UNIT} on 3 hosts", "3", Danger.DISRUPTIVE)
    assert hand.ran == []


async def test_what_is_harmless_needs_one_key_however_many(rollouts: Rollouts) -> None:
    assert (await rollouts.plan(request(action=ActionName.EVIDENCE))).confirmation == ""


async def test_one_destructive_host_wants_its_name(rollouts: Rollouts) -> None:
    assert (await rollouts.plan(request("h1", action=ActionName.DRAIN))).confirmation == "h1"


async def test_a_host_that_cannot_be_planned_is_said_and_left_out(hand: ScriptedHand, rollouts: Rollouts) -> None:
    hand.unplannable["h2"] = "there is no such unit"
    plan = await rollouts.plan(request())
    assert plan.unplanned == (("h2", "there is no such unit"),)
    assert plan.confirmation == "2"


async def test_a_fault_of_the_program_on_one_host_is_said_and_leaves_the_others(
    hand: ScriptedHand, rollouts: Rollouts
) -> None:
    hand.unplannable = {"h1": link_error("the link dropped"), "h2": KeyError("x")}
    plan = await rollouts.plan(request())
    assert plan.unplanned == (("h1", "the link dropped"), ("h2", "KeyError: 'x'"))


async def test_nothing_to_plan_is_an_error_that_says_why(hand: ScriptedHand, rollouts: Rollouts) -> None:
    hand.unplannable = dict.fromkeys(HOSTS, "there is no such unit")
    with pytest.raises(ActionError, match=r"h1: there is no such unit \(and 2 more\)"):
        await rollouts.plan(request())


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        (RolloutRequest("restart", ()), "no host"),
        (RolloutRequest("restart", ("h1", "h1")), "named twice"),
        (RolloutRequest("dance", ("h1",)), "no action dance"),
        (RolloutRequest("restart", ("h1", "h2"), pace=Pace.ROLLING, batch=0), "a batch of 0"),
        (RolloutRequest("restart", ("h1", "h2"), pace=Pace.AT_ONCE), "not done on all at once"),
    ],
)
async def test_a_request_without_sense_is_refused(rollouts: Rollouts, wanted: RolloutRequest, why: str) -> None:
    with pytest.raises(ActionError, match=why):
        await rollouts.plan(wanted)


async def test_at_once_is_refused_where_a_plan_is_worse_than_its_kind(hand: ScriptedHand, rollouts: Rollouts) -> None:
    hand.danger = Danger.DESTRUCTIVE
    with pytest.raises(ActionError, match="not done on all at once"):
        await rollouts.plan(request(action=ActionName.EVIDENCE, pace=Pace.AT_ONCE))


async def test_the_same_command_for_several_hosts_is_run_once(hand: ScriptedHand, rollouts: Rollouts) -> None:
    hand.step_host, hand.argv = "login1", ("kubectl", "rollout", "restart", "deployment/vllm")
    plan = await rollouts.plan(request())
    assert [part.request.host for part in plan.plans] == ["h1"]
    assert [host for host, _ in plan.unplanned] == ["h2", "h3"]
    assert "very same as for h1" in plan.unplanned[0][1]


async def test_a_count_does_not_stand_for_a_confirmation_of_its_own(hand: ScriptedHand, rollouts: Rollouts) -> None:
    hand.confirmations["h2"] = "h2 force"
    plan = await rollouts.plan(request(action=ActionName.DRAIN))
    assert [part.request.host for part in plan.plans] == ["h1", "h3"]
    assert "confirmed by itself" in plan.unplanned[0][1]


async def test_all_are_worked_on_one_at_a_time_in_order(hand: ScriptedHand, rollouts: Rollouts) -> None:
    plan = await begun(rollouts, request())
    rollout = await ended(rollouts)
    assert rollout.state is RolloutState.ENDED
    assert rollout.said == "3 verified"
    assert hand.hosts_run == list(HOSTS)
    assert hand.most_at_once == 1
    assert hand.ran[0] == ("h1", f"rollout {plan.rollout_id}", "3 typed for 3", "")
    assert hand.events == ["rollout-begun", "rollout-ended"]


async def test_a_batch_is_worked_on_together(hand: ScriptedHand, rollouts: Rollouts) -> None:
    await begun(rollouts, request("h1", "h2", "h3", "h4", "h5", pace=Pace.ROLLING, batch=2))
    assert (await ended(rollouts)).state is RolloutState.ENDED
    assert hand.most_at_once == 2


async def test_the_next_batch_waits_for_all_of_the_one_before(hand: ScriptedHand, rollouts: Rollouts) -> None:
    hand.gates["h2"] = asyncio.Event()
    await begun(rollouts, request("h1", "h2", "h3", pace=Pace.ROLLING, batch=2))
    rollout = await until(rollouts, lambda rollout: rollout.targets[0].state is TargetState.VERIFIED)
    assert states(rollout) == {"h1": "verified", "h2": "running", "h3": "waiting"}
    hand.gates["h2"].set()
    assert (await ended(rollouts)).state is RolloutState.ENDED


async def test_what_is_harmless_may_be_done_on_all_at_once(hand: ScriptedHand, rollouts: Rollouts) -> None:
    await begun(rollouts, request(action=ActionName.EVIDENCE, pace=Pace.AT_ONCE))
    await ended(rollouts)
    assert hand.most_at_once == 3


@pytest.mark.parametrize(
    "end",
    [
        OutcomeKind.FAILED,
        OutcomeKind.NOT_VERIFIED,
        OutcomeKind.UNKNOWN,
        GuardRefused("not-live", "h2 is lost"),
        AuditError("the disk is full"),
    ],
)
async def test_it_stops_at_the_first_that_is_not_verified(
    hand: ScriptedHand, rollouts: Rollouts, end: OutcomeKind
) -> None:
    hand.ends["h2"] = end
    await begun(rollouts, request())
    rollout = await ended(rollouts)
    assert rollout.state is RolloutState.STOPPED
    assert rollout.targets[0].state is TargetState.VERIFIED
    assert rollout.targets[1].state.value == (end.value if isinstance(end, OutcomeKind) else "refused")
    assert rollout.targets[2].state is TargetState.WAITING
    assert "1 not touched yet" in rollout.said
    assert hand.hosts_run == ["h1", "h2"]


async def test_resuming_goes_on_with_the_rest_and_does_not_try_again(hand: ScriptedHand, rollouts: Rollouts) -> None:
    hand.ends["h2"] = OutcomeKind.UNKNOWN
    plan = await begun(rollouts, request())
    await ended(rollouts)
    await rollouts.steer(plan.rollout_id, Wish.RESUME)
    rollout = await ended(rollouts)
    assert rollout.state is RolloutState.ENDED
    assert hand.hosts_run == ["h1", "h2", "h3"]
    assert states(rollout) == {"h1": "verified", "h2": "unknown", "h3": "verified"}
    assert hand.events == ["rollout-begun", "rollout-stopped", "rollout-resume", "rollout-ended"]


async def test_abandoning_leaves_the_rest_untouched(hand: ScriptedHand, rollouts: Rollouts) -> None:
    hand.ends["h2"] = OutcomeKind.FAILED
    plan = await begun(rollouts, request())
    await ended(rollouts)
    await rollouts.steer(plan.rollout_id, Wish.ABANDON)
    rollout = await until(rollouts, lambda rollout: rollout.said == "1 verified, 1 failed, 1 skipped")
    assert rollout.state is RolloutState.ABANDONED
    assert hand.hosts_run == ["h1", "h2"]
    with pytest.raises(ActionError, match="no rollout"):
        await rollouts.steer(plan.rollout_id, Wish.RESUME)


async def test_a_pause_lets_what_was_begun_end(hand: ScriptedHand, rollouts: Rollouts) -> None:
    hand.gates["h1"] = asyncio.Event()
    plan = await begun(rollouts, request())
    await until(rollouts, lambda _: "h1" in hand.running)
    await rollouts.steer(plan.rollout_id, Wish.PAUSE)
    hand.gates["h1"].set()
    rollout = await until(rollouts, lambda rollout: rollout.targets[0].state is TargetState.VERIFIED)
    for _ in range(20):
        await asyncio.sleep(0)
    assert states(rollouts.shown[0]) == {"h1": "verified", "h2": "waiting", "h3": "waiting"}
    assert rollout.state is RolloutState.PAUSED
    await rollouts.steer(plan.rollout_id, Wish.RESUME)
    assert (await ended(rollouts)).state is RolloutState.ENDED


async def test_abandoning_while_one_runs_brings_that_one_to_its_end(hand: ScriptedHand, rollouts: Rollouts) -> None:
    hand.gates["h1"] = asyncio.Event()
    plan = await begun(rollouts, request())
    await until(rollouts, lambda _: "h1" in hand.running)
    await rollouts.steer(plan.rollout_id, Wish.ABANDON)
    assert states(rollouts.shown[0]) == {"h1": "running", "h2": "skipped", "h3": "skipped"}
    hand.gates["h1"].set()
    rollout = await until(rollouts, lambda rollout: rollout.said == "1 verified, 2 skipped")
    assert rollout.state is RolloutState.ABANDONED


async def test_what_makes_no_sense_to_wish_is_refused(hand: ScriptedHand, rollouts: Rollouts) -> None:
    hand.gates["h1"] = asyncio.Event()
    plan = await begun(rollouts, request())
    for wish in (Wish.RESUME, Wish.SKIP):
        with pytest.raises(ActionError, match="cannot be asked"):
            await rollouts.steer(plan.rollout_id, wish)
    hand.gates["h1"].set()
    await ended(rollouts)


async def test_a_wrong_count_begins_nothing_and_may_be_typed_again(hand: ScriptedHand, rollouts: Rollouts) -> None:
    plan = await rollouts.plan(request())
    for typed in ("", "2", "h1", "3 "):
        with pytest.raises(NotConfirmed):
            await rollouts.start(plan, typed)
    assert hand.events == ["rollout-refused"] * 4
    await rollouts.start(plan, "3")
    assert (await ended(rollouts)).state is RolloutState.ENDED


async def test_it_is_begun_once(hand: ScriptedHand, rollouts: Rollouts) -> None:
    plan = await begun(rollouts, request())
    with pytest.raises(GuardRefused, match="was begun already"):
        await rollouts.start(plan, "3")
    await ended(rollouts)
    assert hand.hosts_run == list(HOSTS)


async def test_a_plan_from_elsewhere_is_refused(hand: ScriptedHand, rollouts: Rollouts) -> None:
    other = await Rollouts(hand, clock=hand.clock).plan(request())
    with pytest.raises(GuardRefused, match="not planned here"):
        await rollouts.start(other, "3")


async def test_nothing_is_begun_while_read_only(hand: ScriptedHand, rollouts: Rollouts) -> None:
    plan = await rollouts.plan(request())
    hand.armed_until_unix_s = None
    with pytest.raises(GuardRefused, match="read-only"):
        await rollouts.start(plan, "3")
    assert hand.ran == []


async def test_nothing_is_begun_that_was_planned_long_ago(hand: ScriptedHand, rollouts: Rollouts) -> None:
    plan = await rollouts.plan(request())
    hand.now += 300
    with pytest.raises(GuardRefused, match="300 s ago"):
        await rollouts.start(plan, "3")
    assert hand.ran == []


async def test_nothing_is_begun_without_an_audit(hand: ScriptedHand, rollouts: Rollouts) -> None:
    plan = await rollouts.plan(request())
    hand.audit_is_broken = True
    with pytest.raises(AuditError):
        await rollouts.start(plan, "3")
    assert hand.ran == []
    hand.audit_is_broken = False
    await rollouts.start(plan, "3")
    assert (await ended(rollouts)).state is RolloutState.ENDED


async def test_a_blast_over_the_whole_is_said_in_the_plan_and_refuses_its_start(
    hand: ScriptedHand, rollouts: Rollouts
) -> None:
    hand.together = (Standing("blast-fleet", "3 of 20 hosts would be out", set_in="/etc/leptontui/policy.toml:12"),)
    plan = await rollouts.plan(request())
    assert plan.standing == hand.together
    assert plan.warnings == ("cannot be begun now: 3 of 20 hosts would be out [/etc/leptontui/policy.toml:12]",)
    with pytest.raises(GuardRefused, match=r"policy.toml:12"):
        await rollouts.start(plan, "3", "it burns")
    assert hand.ran == []


async def test_a_reason_sets_aside_what_may_be_and_goes_with_every_part(hand: ScriptedHand, rollouts: Rollouts) -> None:
    hand.together = (Standing("blast-fleet", "3 of 20 hosts would be out", may_be_overridden=True),)
    plan = await rollouts.plan(request())
    with pytest.raises(GuardRefused):
        await rollouts.start(plan, "3")
    await rollouts.start(plan, "3", "it burns")
    await ended(rollouts)
    assert {override for *_, override in hand.ran} == {"it burns"}
    assert hand.seen == {"blast-fleet"}


async def test_a_rule_that_came_up_since_is_not_set_aside(hand: ScriptedHand, rollouts: Rollouts) -> None:
    plan = await rollouts.plan(request())
    hand.together = (Standing("per-hour", "100 an hour is all there may be", may_be_overridden=True),)
    with pytest.raises(GuardRefused, match="100 an hour"):
        await rollouts.start(plan, "3", "it burns")
    assert hand.ran == []


async def test_what_would_be_refused_now_is_summed_up(hand: ScriptedHand, rollouts: Rollouts) -> None:
    hand.standing = {host: (Standing("not-live", f"{host} is lost"),) for host in ("h1", "h3")}
    plan = await rollouts.plan(request())
    assert plan.warnings == ("would be refused now on h1, h3 of 3: h1 is lost",)


async def test_an_old_plan_is_made_again_right_before_its_turn(hand: ScriptedHand, rollouts: Rollouts) -> None:
    plan = await rollouts.plan(request("h1", "h2"))
    hand.now += 61
    await rollouts.start(plan, "2")
    assert (await ended(rollouts)).state is RolloutState.ENDED
    assert hand.planned == ["h1", "h2", "h1", "h2"]


async def test_a_plan_that_the_desk_has_dropped_is_made_again(hand: ScriptedHand, rollouts: Rollouts) -> None:
    run_part, dropped = hand.run_part, ["p1"]

    async def forgetful(plan, **rest):  # type: ignore[no-untyped-def]
        if plan.plan_id in dropped:
            raise GuardRefused("plan-unknown", "this plan was not made in this session")
        return await run_part(plan, **rest)

    hand.run_part = forgetful  # type: ignore[method-assign]
    await begun(rollouts, request("h1"))
    rollout = await ended(rollouts)
    assert states(rollout) == {"h1": "verified"}
    assert hand.planned == ["h1", "h1"]


async def test_a_plan_that_would_do_something_else_by_now_is_not_run(hand: ScriptedHand, rollouts: Rollouts) -> None:
    plan = await rollouts.plan(request("h1", "h2"))
    hand.now += 61
    hand.argv = ("systemctl", "restart", "other.service")
    await rollouts.start(plan, "2")
    rollout = await ended(rollouts)
    assert states(rollout) == {"h1": "refused", "h2": "waiting"}
    assert "not what was confirmed" in rollout.targets[0].said
    assert hand.ran == []


@pytest.mark.parametrize(
    ("then", "now", "state"),
    [
        (("job 1",), ("job 1", "job 2"), "refused"),
        (("process 7 begun at 1 of boot a",), ("process 7 begun at 2 of boot a",), "refused"),
        (("job 1", "job 2"), ("job 1",), "verified"),
    ],
)
async def test_a_plan_made_again_ends_nothing_that_was_not_shown(
    hand: ScriptedHand, rollouts: Rollouts, then: tuple[str, ...], now: tuple[str, ...], state: str
) -> None:
    hand.ended_by_it = then
    plan = await rollouts.plan(request("h1"))
    hand.now += 61
    hand.ended_by_it = now
    await rollouts.start(plan, plan.confirmation)
    assert states(await ended(rollouts)) == {"h1": state}


async def test_a_target_says_its_lines_while_it_runs_and_keeps_the_last(hand: ScriptedHand, rollouts: Rollouts) -> None:
    hand.gates["h1"] = asyncio.Event()
    hand.voices["p1"] = tuple(f"line {n}" for n in range(30))
    await begun(rollouts, request("h1"))
    await until(rollouts, lambda _: "h1" in hand.running)
    assert rollouts.shown[0].targets[0].lines[-1] == "line 29"
    assert len(rollouts.shown[0].targets[0].lines) == 20
    del hand.voices["p1"]
    hand.gates["h1"].set()
    rollout = await ended(rollouts)
    assert rollout.targets[0].lines == ("line of h1",)
    assert (rollout.targets[0].begun_unix_s, rollout.targets[0].ended_unix_s) == (hand.now, hand.now)


async def test_the_end_of_the_program_skips_the_rest_and_is_written_down(
    hand: ScriptedHand, rollouts: Rollouts
) -> None:
    hand.gates["h1"] = asyncio.Event()
    await begun(rollouts, request())
    await until(rollouts, lambda _: "h1" in hand.running)
    await rollouts.close()
    assert states(rollouts.shown[0]) == {"h1": "unknown", "h2": "skipped", "h3": "skipped"}
    assert rollouts.shown[0].state is RolloutState.ABANDONED
    assert hand.events[-1] == "rollout-ended"


async def test_ten_of_the_past_are_kept_newest_first(hand: ScriptedHand, rollouts: Rollouts) -> None:
    made = []
    for _ in range(13):
        made.append((await begun(rollouts, request("h1"))).rollout_id)
        await ended(rollouts)
    assert [rollout.rollout_id for rollout in rollouts.shown] == made[:-11:-1]
