"""The desk: arming, plans and their exact commands, refusals at the moment of execution, outcomes and the audit."""

import asyncio
import dataclasses
import hashlib
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from leptontui.actions.audit import Json, verify
from leptontui.errors import ActionError, AuditError, CommandTimeout, GuardRefused, NotConfirmed
from leptontui.model.action import ActionName, ActionRequest, Danger, OutcomeKind, Standing
from leptontui.model.link import LinkState
from leptontui.model.target import Fleet, HostTarget
from leptontui.transport.contract import Completed
from tests.unit.actions.actions_scene import T0, UNIT, Scene, link_error

RESTART = ActionRequest(ActionName.RESTART_UNIT, "gpu-017", unit=UNIT)
DRAIN = ActionRequest(ActionName.DRAIN, "gpu-017", reason="Xid 79")
UNDRAIN = ActionRequest(ActionName.UNDRAIN, "gpu-017")


async def test_arming_expires_a_quarter_of_an_hour_after_the_last_action(scene: Scene) -> None:
    assert scene.desk.arm() == T0 + 900
    scene.now += 600
    plan = await scene.desk.plan(RESTART)
    await scene.desk.run(plan, "")
    assert scene.desk.armed_until_unix_s == T0 + 600 + 900
    scene.now += 900
    assert scene.desk.armed_until_unix_s is None


async def test_a_clock_that_is_set_back_does_not_prolong_arming(scene: Scene) -> None:
    scene.desk.arm()
    scene.now -= 2
    assert scene.desk.armed_until_unix_s == T0 + 900
    scene.now -= 3600
    assert scene.desk.armed_until_unix_s is None
    plan = await scene.desk.plan(RESTART)
    with pytest.raises(GuardRefused, match="arming has expired"):
        await scene.desk.run(plan, "")


async def test_a_restart_is_planned_as_it_will_be_run(scene: Scene) -> None:
    plan = await scene.desk.plan(RESTART)
    assert [step.argv for step in plan.steps] == [("sudo", "-n", "systemctl", "restart", UNIT)]
    assert (plan.steps[0].host, plan.steps[0].login) == ("gpu-017", "oncall@gpu-017")
    assert (plan.danger, plan.confirmation) == (Danger.DISRUPTIVE, "")
    assert plan.running_there == (f"{UNIT}: active (running), main process 4001, since Mon 2026-11-02 03:00:00 UTC",)
    assert scene.changes == []
    assert scene.events == []


async def test_root_needs_no_sudo(scene: Scene) -> None:
    scene.systemd.uid = 0
    assert (await scene.desk.plan(RESTART)).steps[0].argv == ("systemctl", "restart", UNIT)


async def test_a_sudo_that_will_refuse_is_told_in_the_plan(scene: Scene) -> None:
    scene.host.instead["sudo -n -l"] = Completed(1, "", "sudo: a password is required\n")
    plan = await scene.desk.plan(RESTART)
    assert "sudo is likely to refuse it: sudo: a password is required" in plan.warnings


async def test_a_restart_is_run_verified_and_still_up_after_ten_seconds(scene: Scene) -> None:
    scene.desk.arm()
    outcome = await scene.desk.run(await scene.desk.plan(RESTART), "")
    assert outcome.kind is OutcomeKind.VERIFIED
    assert outcome.summary.startswith(f"{UNIT} is active (running), main process 4002")
    assert scene.slept == [2.0] * 5
    assert scene.host.changes == [("sudo", "-n", "systemctl", "restart", UNIT)]
    assert scene.events == ["begun", "ended"]
    assert verify(scene.audit) is None


async def test_a_restart_that_changed_nothing_is_not_verified(scene: Scene) -> None:
    scene.systemd.obeys = False
    scene.desk.arm()
    outcome = await scene.desk.run(await scene.desk.plan(RESTART), "")
    assert outcome.kind is OutcomeKind.NOT_VERIFIED
    assert "was not restarted" in outcome.summary


async def test_a_unit_that_falls_over_again_is_not_verified(scene: Scene) -> None:
    def fall(argv: tuple[str, ...]) -> None:
        if "show" in argv and scene.slept:
            scene.systemd.active, scene.systemd.sub = "failed", "failed"

    scene.host.before = fall
    scene.desk.arm()
    outcome = await scene.desk.run(await scene.desk.plan(RESTART), "")
    assert outcome.kind is OutcomeKind.NOT_VERIFIED
    assert "came up and did not stay: failed (failed)" in outcome.summary


async def test_a_unit_that_systemd_keeps_restarting_is_not_verified(scene: Scene) -> None:
    def loop(argv: tuple[str, ...]) -> None:
        if "show" in argv and scene.slept:
            scene.systemd.starts += 1

    scene.host.before = loop
    scene.desk.arm()
    outcome = await scene.desk.run(await scene.desk.plan(RESTART), "")
    assert outcome.kind is OutcomeKind.NOT_VERIFIED


async def test_a_unit_that_fails_is_told_at_once_with_its_journal(scene: Scene) -> None:
    def fail(argv: tuple[str, ...]) -> None:
        if argv[-2:] == ("restart", UNIT):
            scene.systemd.active, scene.systemd.sub = "failed", "failed"

    scene.host.after = fail
    scene.host.instead["journalctl"] = Completed(0, "vllm: CUDA out of \x1b[31mmemory\n", "")
    scene.desk.arm()
    outcome = await scene.desk.run(await scene.desk.plan(RESTART), "")
    assert outcome.kind is OutcomeKind.NOT_VERIFIED
    assert outcome.summary.startswith(f"{UNIT} is failed (failed)")
    assert outcome.output == "vllm: CUDA out of memory"
    assert scene.slept == []


async def test_a_journal_that_cannot_be_had_does_not_change_the_outcome(scene: Scene) -> None:
    said = 'Job for vllm.service failed.\nSee "journalctl -xeu vllm.service" for details.\n'
    scene.host.instead["sudo -n systemctl restart"] = Completed(1, "", said)
    scene.host.instead["journalctl"] = link_error()
    scene.desk.arm()
    outcome = await scene.desk.run(await scene.desk.plan(RESTART), "")
    assert outcome.kind is OutcomeKind.FAILED
    assert outcome.summary == "sudo on gpu-017 failed: Job for vllm.service failed."


async def test_a_unit_that_runs_to_its_end_and_is_forgotten_cannot_be_verified(scene: Scene) -> None:
    scene.systemd.kind = "oneshot"

    def end(argv: tuple[str, ...]) -> None:
        scene.systemd.active, scene.systemd.sub, scene.systemd.starts = "inactive", "dead", 0

    scene.host.after = end
    scene.desk.arm()
    outcome = await scene.desk.run(await scene.desk.plan(RESTART), "")
    assert outcome.kind is OutcomeKind.NOT_VERIFIED
    assert "leaves no trace" in outcome.summary
    assert scene.slept == []


async def test_a_unit_in_a_crash_loop_can_be_restarted(scene: Scene) -> None:
    scene.desk.arm()
    plan = await scene.desk.plan(RESTART)
    scene.systemd.starts += 1
    scene.systemd.restarts_itself += 1
    assert (await scene.desk.run(plan, "")).kind is OutcomeKind.VERIFIED


async def test_a_unit_that_takes_its_time_is_waited_for(scene: Scene) -> None:
    def begin(argv: tuple[str, ...]) -> None:
        if "restart" in argv and "-l" not in argv:
            scene.systemd.active, scene.systemd.sub = "activating", "start"
        if "show" in argv and len(scene.slept) == 4:
            scene.systemd.active, scene.systemd.sub = "active", "running"

    scene.host.after = scene.host.before = begin
    scene.desk.arm()
    outcome = await scene.desk.run(await scene.desk.plan(RESTART), "")
    assert outcome.kind is OutcomeKind.VERIFIED
    assert scene.slept == [1.0, 1.0, 1.0, 1.0, *[2.0] * 5]


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        (ActionRequest(ActionName.RESTART_UNIT, "gpu-017", unit="sshd.service"), "may not be acted on"),
        (ActionRequest(ActionName.RESTART_UNIT, "gpu-017", unit="--all"), "not the name of a systemd unit"),
        (ActionRequest(ActionName.RESTART_UNIT, "gpu-999", unit=UNIT), "not in the fleet"),
        (ActionRequest(ActionName.DRAIN, "gpu-017", reason=" \n "), "needs a reason"),
        (ActionRequest(ActionName.DRAIN, "gpu-100", reason="x"), "has no Slurm"),
    ],
)
async def test_what_cannot_be_planned_asks_no_host(scene: Scene, request_: ActionRequest, why: str) -> None:
    with pytest.raises(ActionError, match=why):
        await scene.desk.plan(request_)
    assert scene.host.ran + scene.controller.ran == []


async def test_a_unit_that_is_not_there_cannot_be_planned(scene: Scene) -> None:
    scene.systemd.load = "not-found"
    with pytest.raises(ActionError, match="not-found"):
        await scene.desk.plan(RESTART)


@pytest.mark.parametrize("error", [link_error(), CommandTimeout("no answer in 20 s")])
async def test_a_host_that_cannot_be_asked_cannot_be_planned(scene: Scene, error: Exception) -> None:
    scene.controller.instead["scontrol"] = error
    with pytest.raises(ActionError, match="login1 could not be asked"):
        await scene.desk.plan(DRAIN)


async def test_a_drain_is_planned_and_run_on_the_controller_only(scene: Scene) -> None:
    scene.slurm.jobs = "8812|anna|63|14:02:11|9:57:49|train|llm\n"
    scene.desk.arm()
    plan = await scene.desk.plan(DRAIN)
    assert [(step.host, step.login, step.argv) for step in plan.steps] == [
        ("login1", "oncall@login1", ("scontrol", "update", "nodename=gpu-017", "state=DRAIN", "reason=anna: Xid 79"))
    ]
    assert plan.running_there == (
        "job 8812 train|llm (anna, 63 nodes, 14:02:11, at most 9:57:49 more): goes on until it ends",
    )
    assert "2 of 3 nodes left in train" in plan.after_this
    assert plan.confirmation == "gpu-017"
    assert (await scene.desk.run(plan, "gpu-017")).kind is OutcomeKind.VERIFIED
    assert scene.host.ran == []
    assert scene.slurm.nodes["gpu-017"] == ["IDLE+DRAIN", "anna: Xid 79"]


async def test_a_drain_that_slurm_ignores_is_not_verified(scene: Scene) -> None:
    scene.slurm.obeys = False
    scene.desk.arm()
    outcome = await scene.desk.run(await scene.desk.plan(DRAIN), "gpu-017")
    assert outcome.kind is OutcomeKind.NOT_VERIFIED
    assert outcome.summary == "gpu-017 is IDLE, not drained"


async def test_a_drain_that_ends_with_another_reason_is_not_verified(scene: Scene) -> None:
    def overwrite(argv: tuple[str, ...]) -> None:
        if "update" in argv:
            scene.slurm.nodes["gpu-017"][1] = "bob: mine"

    scene.controller.after = overwrite
    scene.desk.arm()
    outcome = await scene.desk.run(await scene.desk.plan(DRAIN), "gpu-017")
    assert outcome.kind is OutcomeKind.NOT_VERIFIED
    assert "bob: mine" in outcome.summary


async def test_a_failed_command_says_why_in_clean_words(scene: Scene) -> None:
    scene.controller.instead["update"] = Completed(1, "", "\x1b[31mslurm_update error: Invalid user id\x1b[0m\n")
    scene.desk.arm()
    outcome = await scene.desk.run(await scene.desk.plan(DRAIN), "gpu-017")
    assert outcome.kind is OutcomeKind.FAILED
    assert outcome.output == "slurm_update error: Invalid user id"
    assert "operators and administrators" in outcome.summary


async def test_endless_output_is_cut(scene: Scene) -> None:
    scene.controller.instead["update"] = Completed(1, "line\n" * 100_000 + "x" * 1_000_000, "")
    scene.desk.arm()
    outcome = await scene.desk.run(await scene.desk.plan(DRAIN), "gpu-017")
    assert len(outcome.output) < 40_000
    assert len(outcome.output.splitlines()) == 101


@pytest.mark.parametrize("broken", [link_error(), CommandTimeout("it took more than 60 s"), Completed(None, "", "")])
@pytest.mark.parametrize(
    ("took_effect", "kind", "said"),
    [(True, OutcomeKind.VERIFIED, "IDLE+DRAIN"), (False, OutcomeKind.UNKNOWN, "is IDLE, not drained")],
)
async def test_a_link_that_breaks_while_it_runs_is_asked_again(
    scene: Scene, broken: Exception | Completed, took_effect: bool, kind: OutcomeKind, said: str
) -> None:
    def effect(argv: tuple[str, ...]) -> None:
        if took_effect and "update" in argv:
            scene.slurm(argv)

    scene.controller.instead["update"] = broken
    scene.controller.before = effect
    scene.desk.arm()
    outcome = await scene.desk.run(await scene.desk.plan(DRAIN), "gpu-017")
    assert outcome.kind is kind
    assert "asked again" in outcome.summary
    assert said in outcome.summary
    assert (scene.lines[-1].event, scene.lines[-1].outcome) == ("ended", kind.value)
    assert scene.lines[-1].ran[0]["exit_status"] is None


async def test_a_link_that_stays_broken_leaves_the_outcome_unknown(scene: Scene) -> None:
    def cut(argv: tuple[str, ...]) -> None:
        if "update" in argv:
            scene.controller.instead["scontrol"] = link_error("no route to login1")

    scene.controller.before = cut
    scene.desk.arm()
    outcome = await scene.desk.run(await scene.desk.plan(DRAIN), "gpu-017")
    assert outcome.kind is OutcomeKind.UNKNOWN
    assert "could not be asked again: no route to login1" in outcome.summary
    assert len(scene.controller.changes) == 1


async def test_being_cancelled_midway_is_written_down(scene: Scene) -> None:
    reached = asyncio.Event()

    async def hang(argv: object, **_: object) -> Completed:
        reached.set()
        await asyncio.Event().wait()
        raise AssertionError

    scene.desk.arm()
    plan = await scene.desk.plan(DRAIN)
    run = scene.controller.run

    async def run_or_hang(argv: tuple[str, ...], **limits: float) -> Completed:
        return await (hang(argv) if "update" in argv else run(argv, **limits))

    scene.controller.run = run_or_hang  # type: ignore[method-assign]
    task = asyncio.create_task(scene.desk.run(plan, "gpu-017"))
    await reached.wait()
    with pytest.raises(GuardRefused, match="another action is under way"):
        await scene.desk.run(await scene.desk.plan(DRAIN), "gpu-017")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (scene.lines[-1].event, scene.lines[-1].outcome) == ("ended", "unknown")
    assert scene.lines[-1].ran == [{"argv": list(plan.steps[0].argv), "exit_status": None, "output_sha256": None}]


async def test_being_cancelled_while_the_begin_is_written_is_written_down_after_it(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    append, is_writing, may_write = scene.desk.audit._append, threading.Event(), threading.Event()

    def slowly(line: dict[str, Json]) -> None:
        if line["event"] == "begun":
            is_writing.set()
            assert may_write.wait(10)
        append(line)

    monkeypatch.setattr(scene.desk.audit, "_append", slowly)
    scene.desk.arm()
    plan = await scene.desk.plan(DRAIN)
    task = asyncio.create_task(scene.desk.run(plan, "gpu-017"))
    assert await asyncio.to_thread(is_writing.wait, 10)
    task.cancel()
    await asyncio.sleep(0)
    may_write.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert scene.events == ["begun", "ended"]
    assert verify(scene.desk.audit.path) is None
    assert scene.controller.changes == []


# What refuses at the moment of execution


async def test_read_only_plans_but_does_not_run(scene: Scene) -> None:
    plan = await scene.desk.plan(RESTART)
    assert plan.standing == (Standing("read-only", "this session is read-only", "arm it first"),)
    with pytest.raises(GuardRefused, match="read-only"):
        await scene.desk.run(plan, "")
    scene.desk.arm()
    scene.desk.disarm()
    with pytest.raises(GuardRefused, match="read-only"):
        await scene.desk.run(plan, "")
    assert scene.changes == []
    assert scene.events == ["refused", "refused"]


async def test_a_session_disarmed_while_the_state_is_asked_does_nothing(scene: Scene) -> None:
    scene.desk.arm()
    plan = await scene.desk.plan(DRAIN)
    scene.controller.before = lambda _: scene.desk.disarm()
    with pytest.raises(GuardRefused, match="read-only"):
        await scene.desk.run(plan, "gpu-017")
    assert scene.changes == []


async def test_a_session_disarmed_while_it_runs_stays_read_only(scene: Scene) -> None:
    scene.desk.arm()
    plan = await scene.desk.plan(DRAIN)
    scene.controller.before = lambda argv: scene.desk.disarm() if "update" in argv else None
    assert (await scene.desk.run(plan, "gpu-017")).kind is OutcomeKind.VERIFIED
    assert scene.desk.armed_until_unix_s is None


@pytest.mark.parametrize("typed", ["", "gpu-018", "GPU-017", "gpu-017 ", "y"])
async def test_anything_but_the_hosts_name_runs_nothing(scene: Scene, typed: str) -> None:
    scene.desk.arm()
    plan = await scene.desk.plan(DRAIN)
    with pytest.raises(NotConfirmed):
        await scene.desk.run(plan, typed)
    assert scene.changes == []
    assert (scene.lines[-1].event, scene.lines[-1].rule) == ("refused", "not-confirmed")
    assert (await scene.desk.run(plan, "gpu-017")).kind is OutcomeKind.VERIFIED


def refusals() -> dict[str, Callable[[Scene], None]]:
    def later(scene: Scene) -> None:
        scene.now += 301

    def clock_set_back(scene: Scene) -> None:
        scene.now -= 10

    def stale(scene: Scene) -> None:
        scene.facts.states["gpu-017"] = LinkState.STALE

    def old(scene: Scene) -> None:
        scene.facts.ages["gpu-017"] = 3.1

    def never(scene: Scene) -> None:
        scene.facts.ages["gpu-017"] = None

    def gone(scene: Scene) -> None:
        scene.desk.fleet = Fleet("fleet", (), {})

    def moved(scene: Scene) -> None:
        scene.desk.fleet = Fleet("fleet", (dataclasses.replace(scene.target, port=2222),), {})

    def restarted(scene: Scene) -> None:
        scene.systemd.starts += 1

    def silent(scene: Scene) -> None:
        scene.host.instead["systemctl show"] = link_error()

    def unloaded(scene: Scene) -> None:
        scene.systemd.load = "masked"

    return {
        "plan-too-old": later,
        "plan-too-old ": clock_set_back,
        "not-live": stale,
        "not-fresh": old,
        "not-fresh ": never,
        "not-in-fleet": gone,
        "not-in-fleet ": moved,
        "changed-since": restarted,
        "no-answer": silent,
        "no-answer ": unloaded,
    }


@pytest.mark.parametrize("rule", refusals())
async def test_a_restart_is_refused_at_the_moment_of_execution(scene: Scene, rule: str) -> None:
    scene.desk.arm()
    plan = await scene.desk.plan(RESTART)
    refusals()[rule](scene)
    with pytest.raises(GuardRefused) as refused:
        await scene.desk.run(plan, "")
    assert refused.value.rule == rule.strip()
    assert scene.changes == []
    assert [(line.event, line.rule) for line in scene.lines] == [("refused", rule.strip())]


async def test_a_plan_runs_once_and_only_as_it_was_shown(scene: Scene) -> None:
    scene.desk.arm()
    plan = await scene.desk.plan(RESTART)
    step = dataclasses.replace(plan.steps[0], argv=("reboot",))
    with pytest.raises(GuardRefused, match="not the one that was made"):
        await scene.desk.run(dataclasses.replace(plan, steps=(step,)), "")
    with pytest.raises(GuardRefused, match="not made in this session"):
        await scene.desk.run(dataclasses.replace(plan, plan_id="other"), "")
    assert scene.changes == []
    await scene.desk.run(plan, "")
    with pytest.raises(GuardRefused, match="run already"):
        await scene.desk.run(plan, "")
    assert len(scene.changes) == 1


async def test_somebody_elses_drain_is_refused_when_planned_and_when_run(scene: Scene) -> None:
    scene.desk.arm()
    plan = await scene.desk.plan(DRAIN)
    scene.slurm.nodes["gpu-017"] = ["MIXED+DRAIN", "bob: riser"]
    for attempt in (scene.desk.run(plan, "gpu-017"), scene.desk.plan(DRAIN)):
        with pytest.raises(GuardRefused, match="bob: riser") as refused:
            await attempt
        assert refused.value.rule == "already-drained"
    assert scene.changes == []


async def test_somebody_elses_reason_without_a_drain_is_not_overwritten_either(scene: Scene) -> None:
    scene.slurm.nodes["gpu-017"] = ["DOWN", "bob: smells burnt"]
    with pytest.raises(GuardRefused, match="smells burnt") as refused:
        await scene.desk.plan(DRAIN)
    assert refused.value.rule == "somebody-elses-reason"


@pytest.mark.parametrize("answer", ["gpu-018", "gpu-017 gpu-018"])
async def test_an_answer_for_other_nodes_is_not_acted_on(scene: Scene, answer: str) -> None:
    shown = "".join(scene.slurm.show(name) for name in answer.split())
    scene.controller.instead["show node"] = Completed(0, shown, "")
    with pytest.raises(ActionError, match="does not take gpu-017 for one node"):
        await scene.desk.plan(DRAIN)


async def test_ones_own_drain_may_be_given_another_reason(scene: Scene) -> None:
    scene.slurm.nodes["gpu-017"] = ["IDLE+DRAIN", "anna: fan"]
    plan = await scene.desk.plan(DRAIN)
    assert any("it drains already, for your own reason" in line for line in plan.warnings)


async def test_undrain_is_refused_when_drained_anew_since(scene: Scene) -> None:
    scene.slurm.nodes["gpu-017"] = ["IDLE+DRAIN", "anna: Xid 79"]
    scene.desk.arm()
    plan = await scene.desk.plan(UNDRAIN)
    scene.slurm.nodes["gpu-017"] = ["IDLE+DRAIN", "bob: riser"]
    with pytest.raises(GuardRefused, match="drained anew since the plan: bob: riser"):
        await scene.desk.run(plan, "")
    assert scene.changes == []


async def test_a_host_that_fell_over_can_be_drained_and_its_age_is_told(scene: Scene) -> None:
    scene.facts.states["gpu-017"] = LinkState.LOST
    scene.facts.ages["gpu-017"] = 97.0
    scene.desk.arm()
    plan = await scene.desk.plan(DRAIN)
    assert "gpu-017 is lost for 100 s: what is shown of it is 97 s old" in plan.warnings
    assert (await scene.desk.run(plan, "gpu-017")).kind is OutcomeKind.VERIFIED


async def test_half_a_fleet_behind_a_dead_bastion_cannot_be_drained(scene: Scene) -> None:
    scene.desk.arm()
    plan = await scene.desk.plan(DRAIN)
    for name in ("gpu-017", "gpu-100", "gpu-101", "gpu-102", "gpu-103"):
        scene.facts.states[name] = LinkState.LOST
    with pytest.raises(GuardRefused, match="5 of 8 hosts behind group fleet are stale or lost") as refused:
        await scene.desk.run(plan, "gpu-017")
    assert refused.value.rule == "common-cause"
    assert scene.changes == []
    again = await scene.desk.plan(DRAIN)
    assert (again.standing[0].rule, again.standing[0].may_be_overridden) == ("common-cause", False)
    assert again.standing[0].cause.startswith("5 of 8 hosts")


@pytest.mark.parametrize("dark", [("gpu-017",), ("gpu-017", "gpu-100", "gpu-101", "gpu-102")])
async def test_half_of_those_reached_the_same_way_is_not_yet_a_common_cause(
    scene: Scene, dark: tuple[str, ...]
) -> None:
    for name in dark:
        scene.facts.states[name] = LinkState.LOST
    scene.desk.arm()
    assert (await scene.desk.run(await scene.desk.plan(DRAIN), "gpu-017")).kind is OutcomeKind.VERIFIED


async def test_values_three_intervals_old_are_fresh(scene: Scene) -> None:
    scene.facts.ages["gpu-017"] = 3.0
    scene.desk.arm()
    assert (await scene.desk.run(await scene.desk.plan(RESTART), "")).kind is OutcomeKind.VERIFIED


async def test_hosts_behind_other_bastions_are_no_common_cause(tmp_path: Path) -> None:
    target = HostTarget("gpu-017", scheduler="slurm", controller="login1", jump="bastion1")
    scene = Scene(tmp_path / "audit.jsonl", target=target)
    for host in scene.desk.fleet.hosts:
        scene.facts.states[host.name] = LinkState.LOST
    scene.desk.arm()
    assert (await scene.desk.run(await scene.desk.plan(DRAIN), "gpu-017")).kind is OutcomeKind.VERIFIED


async def test_a_long_name_is_looked_up_by_its_first_label(tmp_path: Path) -> None:
    target = HostTarget("oncall@gpu-017.train.example:2222", scheduler="slurm", controller="login1")
    scene = Scene(tmp_path / "audit.jsonl", target=target)
    plan = await scene.desk.plan(dataclasses.replace(DRAIN, host=target.name))
    assert plan.steps[0].argv[2] == "nodename=gpu-017"
    assert "Slurm calls it gpu-017: make sure that this is oncall@gpu-017.train.example:2222" in plan.warnings


# The audit


async def test_the_audit_tells_who_did_what_where_and_what_came_of_it(scene: Scene) -> None:
    scene.controller.instead["update"] = Completed(0, "done\n", "really\n")
    scene.desk.arm()
    plan = await scene.desk.plan(DRAIN)
    await scene.desk.run(plan, "gpu-017")
    begun, ended = scene.lines
    assert (begun.user, begun.sudo_user, begun.action, begun.host) == ("anna", "bea", "drain", "gpu-017")
    assert begun.steps == [{"host": "login1", "login": "oncall@login1", "argv": list(plan.steps[0].argv)}]
    assert begun.confirmation == "host name typed"
    assert begun.plan_id == ended.plan_id == plan.plan_id
    assert begun.t_unix_s == T0
    assert ended.outcome == "not-verified"
    assert ended.ran[0]["exit_status"] == 0
    assert ended.ran[0]["output_sha256"] == hashlib.sha256(b"done\nreally\n").hexdigest()


async def test_the_begin_is_on_disk_before_the_first_command(scene: Scene) -> None:
    seen: list[list[str]] = []
    scene.controller.before = lambda argv: seen.append(scene.events) if "update" in argv else None
    scene.desk.arm()
    await scene.desk.run(await scene.desk.plan(DRAIN), "gpu-017")
    assert seen == [["begun"]]


async def test_without_an_audit_nothing_is_run(scene: Scene) -> None:
    scene.audit.parent.write_text("a file where the directory should be")
    scene.desk.arm()
    plan = await scene.desk.plan(DRAIN)
    with pytest.raises(AuditError, match="cannot be written"):
        await scene.desk.run(plan, "gpu-017")
    assert scene.changes == []


async def test_an_end_that_cannot_be_written_does_not_hide_the_outcome(scene: Scene) -> None:
    def break_audit(argv: tuple[str, ...]) -> None:
        if "update" in argv:
            scene.audit.rename(scene.audit.with_suffix(".moved"))
            scene.audit.mkdir()

    scene.controller.before = break_audit
    scene.desk.arm()
    outcome = await scene.desk.run(await scene.desk.plan(DRAIN), "gpu-017")
    assert outcome.kind is OutcomeKind.VERIFIED
    assert "its end is missing in the audit" in outcome.summary


async def test_a_begin_that_took_too_long_to_write_runs_nothing(scene: Scene) -> None:
    scene.desk.arm()
    plan = await scene.desk.plan(DRAIN)

    def delay(argv: tuple[str, ...]) -> None:
        scene.now += 31

    scene.controller.before = delay
    with pytest.raises(GuardRefused, match="31 s went by"):
        await scene.desk.run(plan, "gpu-017")
    assert scene.changes == []
    assert scene.events == ["begun", "refused"]
