"""The desk and sudo's password: asked before the state is looked at again, forgotten when disarmed, in no audit."""

import pytest

from leptontui.actions.audit import Audit
from leptontui.actions.desk import Desk
from leptontui.errors import GuardRefused
from leptontui.model.action import ActionName, ActionRequest, OutcomeKind
from leptontui.model.target import Fleet
from tests.unit.actions.actions_scene import UNIT, FakeAsker, FakeSudo, Scene

RESTART = ActionRequest(ActionName.RESTART_UNIT, "gpu-017", unit=UNIT)
SECRET = "correct horse"


def desk_of(scene: Scene, *answers: str | None) -> tuple[Desk, FakeAsker]:
    scene.host.sudo, asker = FakeSudo(), FakeAsker(*answers)
    desk = Desk(
        Fleet("fleet", (scene.target,)),
        transport_of=lambda _: scene.host,
        facts=scene.facts,
        audit=Audit(scene.audit, sudo_user=""),
        user="anna",
        asker=asker,
        clock=lambda: scene.now,
        sleep=scene._sleep,
    )
    desk.arm()
    return desk, asker


async def test_a_password_is_asked_once_for_two_actions_and_stands_in_no_audit(scene: Scene) -> None:
    desk, asker = desk_of(scene, SECRET)
    for _ in range(2):
        outcome = await desk.run(await desk.plan(RESTART), "")
        assert outcome.kind is OutcomeKind.VERIFIED, outcome
    assert len(asker.asked) == 1
    assert SECRET not in scene.audit.read_text()


async def test_the_state_is_asked_again_after_the_password_was_given(scene: Scene) -> None:
    desk, asker = desk_of(scene, SECRET)
    plan = await desk.plan(RESTART)
    ask = asker.ask

    async def slowly(question: object) -> str | None:
        scene.now += 100
        scene.systemd.starts += 1  # somebody restarts it while the user types
        return await ask(question)  # type: ignore[arg-type]

    asker.ask = slowly  # type: ignore[method-assign]
    with pytest.raises(GuardRefused, match="was restarted since the plan was made"):
        await desk.run(plan, "")
    assert scene.host.sudo is not None
    assert scene.host.sudo.ran_as_root == []
    assert scene.events == ["refused"]


async def test_a_password_that_is_declined_is_a_refusal_in_the_audit(scene: Scene) -> None:
    desk, _ = desk_of(scene, None)
    with pytest.raises(GuardRefused, match="was not given"):
        await desk.run(await desk.plan(RESTART), "")
    assert [(line.event, line.rule) for line in scene.lines] == [("refused", "no-password")]


async def test_going_back_to_read_only_forgets_passwords(scene: Scene) -> None:
    desk, asker = desk_of(scene, SECRET, SECRET)
    await desk.run(await desk.plan(RESTART), "")
    desk.disarm()
    desk.arm()
    await desk.run(await desk.plan(RESTART), "")
    assert len(asker.asked) == 2


async def test_what_a_run_says_is_kept_while_it_goes_on(scene: Scene) -> None:
    desk, _ = desk_of(scene, SECRET)
    plan = await desk.plan(RESTART)
    seen: list[tuple[str, ...]] = []
    assert desk.said(plan.plan_id) == ()
    scene.host.after = lambda argv: seen.append(desk.said(plan.plan_id)) if "restart" in argv else None
    await desk.run(plan, "")
    assert seen[-1][0] == "waiting for the password that sudo asks oncall for on gpu-017"
    assert f"gpu-017$ sudo -k -S -p '' systemctl restart {UNIT}" in seen[-1]
