"""The guard at the desk: shown when planned, refused when run, set aside with a reason that the audit keeps."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from leptontui.actions import carrying
from leptontui.actions.actor import Actor
from leptontui.actions.audit import verify
from leptontui.actions.evidence import Evidence
from leptontui.actions.guard import Objection
from leptontui.actions.locks import SharedLocks
from leptontui.actions.reach import Deed, Prepared, Verdict
from leptontui.actions.registry import PREPARE
from leptontui.actions.setting import Setting
from leptontui.errors import EvidenceError, GuardRefused, NotConfirmed
from leptontui.model.action import ActionName, ActionRequest, OutcomeKind, Plan, Step
from leptontui.model.policy import BUILT_IN, Blast, Ceiling, Clause, JobShield, Limit, Policies, Policy
from leptontui.transport.contract import Completed
from tests.unit.actions.actions_scene import UNIT, Scene

RESTART = ActionRequest(ActionName.RESTART_UNIT, "gpu-017", unit=UNIT)
DRAIN = ActionRequest(ActionName.DRAIN, "gpu-017", reason="Xid 79")
REBOOT = ActionRequest(ActionName.REBOOT, "gpu-017", reason="hangs")
WHY = "the customer asked for it by phone"


BUILT = Policy("p", blast=BUILT_IN)


@dataclass
class Rules:
    """Policies that a test changes as it goes."""

    policy: Policy = BUILT
    problems: tuple[str, ...] = ()

    def __call__(self) -> Policies:
        return Policies((self.policy,), self.problems)


@dataclass(frozen=True)
class WellDeed(Deed):
    """All is well, before and after."""

    asked: list[str]

    async def check_again(self) -> Objection | None:
        self.asked.append("check")
        return None

    async def verify(self) -> Verdict:
        return Verdict(is_so=True, said="it is so")


@pytest.fixture
def rules() -> Rules:
    return Rules()


@pytest.fixture
def guarded(tmp_path: Path, rules: Rules) -> Scene:
    return Scene(tmp_path / "audit.jsonl", policies=rules, actor=Actor("anna", unix_groups=frozenset({"oncall"})))


@pytest.fixture
def asked() -> list[str]:
    """What was asked of reboots."""
    return []


@pytest.fixture
def reboots(monkeypatch: pytest.MonkeyPatch, asked: list[str]) -> Callable[..., None]:
    """Let reboots be prepared in a simple way."""

    def let(*, evidence: str = "", ends_jobs: tuple[str, ...] | None = None, others: tuple[str, ...] = ()) -> None:
        async def prepare(setting: Setting) -> Prepared:
            reach = await setting.host()
            step = Step(reach.name, reach.login, ("systemctl", "restart", "it"))
            plan = Plan(
                setting.plan_id, setting.request, "Reboot", setting.spec.danger, (step,), "back", evidence=evidence
            )
            made = setting.clock()
            return Prepared(plan, setting.target, (reach,), WellDeed(asked), made, others=others, ends_jobs=ends_jobs)

        monkeypatch.setitem(PREPARE, ActionName.REBOOT, prepare)

    return let


def rules_of(plan: Plan) -> list[str]:
    return [standing.rule for standing in plan.standing]


async def refused(scene: Scene, plan: Plan, override: str = "") -> GuardRefused:
    with pytest.raises(GuardRefused) as found:
        await scene.desk.run(plan, plan.confirmation, override)
    assert scene.changes == []
    return found.value


DENIAL = Clause("p:7", actions=("drain",), why="freeze")


async def test_a_denial_is_shown_when_planned_and_refused_when_run(guarded: Scene, rules: Rules) -> None:
    guarded.desk.arm()
    rules.policy = Policy("p", deny=(DENIAL,))
    plan = await guarded.desk.plan(DRAIN)
    (standing,) = plan.standing
    assert (standing.rule, standing.set_in, standing.may_be_overridden) == ("policy-deny", "p:7", False)
    found = await refused(guarded, plan, WHY)
    assert str(found) == "drain on gpu-017 is denied: freeze (rule policy-deny, set in p:7) — ask whoever set it"
    assert (guarded.lines[-1].rule, guarded.lines[-1].set_in) == ("policy-deny", "p:7")


async def test_a_policy_made_after_the_plan_holds_at_the_moment_of_execution(guarded: Scene, rules: Rules) -> None:
    guarded.desk.arm()
    plan = await guarded.desk.plan(DRAIN)
    assert plan.standing == ()
    rules.policy = Policy("p", deny=(DENIAL,))
    assert (await refused(guarded, plan)).rule == "policy-deny"


async def test_read_only_by_policy_made_while_the_host_is_asked_stops_it(guarded: Scene, rules: Rules) -> None:
    guarded.desk.arm()
    plan = await guarded.desk.plan(DRAIN)

    def freeze(argv: tuple[str, ...]) -> None:
        if "show" in argv:
            rules.policy = Policy("p", read_only_in="p:1")

    guarded.controller.after = freeze
    assert (await refused(guarded, plan)).rule == "policy-read-only"


async def test_a_policy_that_cannot_be_read_lets_nothing_be_armed_or_run(guarded: Scene, rules: Rules) -> None:
    guarded.desk.arm()
    plan = await guarded.desk.plan(RESTART)
    rules.problems = ("/etc/leptontui/policy.toml:3: not TOML",)
    assert (await refused(guarded, plan, WHY)).rule == "policy-broken"
    assert rules_of(await guarded.desk.plan(RESTART)) == ["policy-broken"]
    with pytest.raises(GuardRefused, match=r"policy\.toml:3: not TOML"):
        guarded.desk.arm()


async def test_the_policy_says_for_how_long_it_is_armed(guarded: Scene, rules: Rules) -> None:
    rules.policy = Policy("p", arm_for_s=120.0)
    assert guarded.desk.arm() == guarded.now + 120


async def test_groups_of_the_user_are_the_machines(guarded: Scene, rules: Rules) -> None:
    guarded.desk.arm()
    rules.policy = Policy("p", allow=(Clause("p:1", unix_groups=("oncall",), actions=("restart",)),))
    assert (await guarded.desk.run(await guarded.desk.plan(RESTART), "")).kind is OutcomeKind.VERIFIED
    assert rules_of(await guarded.desk.plan(DRAIN)) == ["policy-allow"]


# Rules that may be set aside

LOOSE = replace(DENIAL, may_be_overridden=True)


async def test_a_reason_sets_a_rule_aside_and_stands_in_the_audit(guarded: Scene, rules: Rules) -> None:
    guarded.desk.arm()
    rules.policy = Policy("p", deny=(LOOSE,))
    plan = await guarded.desk.plan(DRAIN)
    assert (await refused(guarded, plan)).rule == "policy-deny"
    outcome = await guarded.desk.run(plan, plan.confirmation, f"  {WHY}\x1b[31m ")
    assert outcome.kind is OutcomeKind.VERIFIED
    begun, ended = guarded.lines[-2:]
    assert begun.override == ended.override == WHY
    assert begun.set_aside == [{"rule": "policy-deny", "cause": "drain on gpu-017 is denied: freeze", "set_in": "p:7"}]
    assert begun.guard["policies"] == ["p"]
    assert begun.guard["stood_when_planned"] == [{"rule": "policy-deny", "set_in": "p:7"}]
    assert verify(guarded.audit) is None


@pytest.mark.parametrize("reason", ["x", "because", ".........", "   "])
async def test_a_reason_is_more_than_a_key_pressed(guarded: Scene, rules: Rules, reason: str) -> None:
    guarded.desk.arm()
    rules.policy = Policy("p", deny=(LOOSE,))
    assert (await refused(guarded, await guarded.desk.plan(DRAIN), reason)).rule == "policy-deny"


async def test_only_what_was_shown_is_set_aside(guarded: Scene, rules: Rules) -> None:
    guarded.desk.arm()
    plan = await guarded.desk.plan(DRAIN)
    rules.policy = Policy("p", deny=(LOOSE,))
    found = await refused(guarded, plan, WHY)
    assert "this was not so when the plan was shown" in found.cause


async def test_a_reason_is_no_confirmation(guarded: Scene, rules: Rules) -> None:
    guarded.desk.arm()
    rules.policy = Policy("p", deny=(LOOSE,))
    with pytest.raises(NotConfirmed):
        await guarded.desk.run(await guarded.desk.plan(DRAIN), "", WHY)
    assert guarded.changes == []


async def test_a_reason_sets_nothing_else_aside(guarded: Scene, rules: Rules) -> None:
    rules.policy = Policy("p", deny=(LOOSE,))
    plan = await guarded.desk.plan(DRAIN)
    assert (await refused(guarded, plan, WHY)).rule == "read-only"


async def test_without_a_rule_in_the_way_a_reason_is_not_noted(guarded: Scene) -> None:
    guarded.desk.arm()
    await guarded.desk.run(await guarded.desk.plan(DRAIN), "gpu-017", WHY)
    assert not hasattr(guarded.lines[-1], "override")


# Blast radius


async def test_what_slurm_has_out_already_counts(guarded: Scene) -> None:
    guarded.slurm.nodes["gpu-018"] = ["IDLE+DRAIN", "bob: riser"]
    guarded.desk.arm()
    plan = await guarded.desk.plan(DRAIN)
    (standing,) = plan.standing
    assert standing.rule == "blast-partition"
    assert standing.cause.startswith("2 of 3 hosts of partition train would be out of service")
    assert standing.cause.endswith("out already: gpu-018")
    assert (await refused(guarded, plan)).rule == "blast-partition"
    assert (await guarded.desk.run(plan, "gpu-017", WHY)).kind is OutcomeKind.VERIFIED


async def test_what_went_out_since_the_plan_counts(guarded: Scene) -> None:
    guarded.desk.arm()
    plan = await guarded.desk.plan(DRAIN)
    guarded.slurm.nodes["gpu-018"] = ["IDLE+DRAIN", "bob: riser"]
    assert (await refused(guarded, plan, WHY)).rule == "blast-partition"


async def test_a_host_that_is_out_already_may_be_drained_whatever_the_limit(guarded: Scene) -> None:
    guarded.slurm.nodes["gpu-017"] = ["IDLE+DRAIN", "anna: fan"]
    guarded.slurm.nodes["gpu-018"] = ["IDLE+DRAIN", "bob: riser"]
    guarded.desk.arm()
    assert (await guarded.desk.plan(DRAIN)).standing == ()


async def test_a_scheduler_that_does_not_say_what_is_out_is_not_taken_for_well(guarded: Scene) -> None:
    guarded.controller.instead["sinfo"] = Completed(1, "", "slurm_load_partitions: Unable to contact slurm controller")
    guarded.desk.arm()
    plan = await guarded.desk.plan(DRAIN)
    (standing,) = plan.standing
    assert (standing.rule, standing.may_be_overridden) == ("room-unknown", True)
    assert "Unable to contact slurm controller" in standing.cause


async def test_a_group_in_the_inventory_has_its_own_limit(guarded: Scene, rules: Rules) -> None:
    rules.policy = Policy("p", blast=Blast(group=Limit(count=1, set_in="p:9"), may_be_overridden=False))
    guarded.slurm.nodes["gpu-100"] = ["IDLE+DRAIN", "bob: riser"]
    guarded.desk.arm()
    plan = await guarded.desk.plan(DRAIN)
    (standing,) = plan.standing
    assert (standing.rule, standing.set_in) == ("blast-group", "p:9")
    assert (await refused(guarded, plan, WHY)).set_in == "p:9"


async def test_all_of_a_rollout_are_counted_together(guarded: Scene, rules: Rules) -> None:
    rules.policy = Policy("p", blast=Blast(fleet=Limit(count=2), per_hour=Ceiling(2), concurrent=Ceiling(1)))
    guarded.desk.fleet = replace(
        guarded.desk.fleet,
        hosts=tuple(replace(guarded.target, name=name) for name in ("gpu-017", "gpu-018", "gpu-019")),
    )
    plans = [await guarded.desk.plan(replace(DRAIN, host=name)) for name in ("gpu-017", "gpu-018", "gpu-019")]
    together = await guarded.desk.standing_together(plans, at_once=2)
    assert [standing.rule for standing in together] == ["concurrent", "per-hour", "blast-fleet"]
    assert "3 of 3 hosts of fleet fleet would be out of service" in together[2].cause
    assert await guarded.desk.standing_together(plans[:1]) == ()


async def test_each_partition_that_is_touched_is_counted(guarded: Scene, rules: Rules) -> None:
    rules.policy = Policy("p", blast=Blast(partition=Limit(count=1)))
    guarded.desk.fleet = replace(
        guarded.desk.fleet,
        hosts=tuple(replace(guarded.target, name=name) for name in ("gpu-017", "gpu-018", "gpu-019")),
    )
    rows = ["gpu-017|idle|a", "gpu-018|idle|b", "gpu-019|idle|b*", "gpu-020|idle|c"]
    guarded.controller.instead["sinfo"] = Completed(0, "\n".join(rows), "")
    plans = [await guarded.desk.plan(replace(DRAIN, host=name)) for name in ("gpu-017", "gpu-018", "gpu-019")]
    (standing,) = await guarded.desk.standing_together(plans)
    assert "2 of 2 hosts of partition b would be out of service" in standing.cause


async def test_plans_that_are_not_known_any_more_are_not_judged_together(guarded: Scene) -> None:
    plan = await guarded.desk.plan(DRAIN)
    guarded.now += 1300
    other = await guarded.desk.plan(DRAIN)
    with pytest.raises(GuardRefused, match="plan it again"):
        await guarded.desk.standing_together([plan, other])


async def test_what_another_takes_out_counts_before_the_scheduler_says_so(two: tuple[Scene, Scene]) -> None:
    anna, bob = two
    for scene in two:
        fellow = replace(anna.target, name="gpu-018")
        scene.desk.fleet = replace(scene.desk.fleet, hosts=(scene.target, fellow, *scene.desk.fleet.hosts[1:]))
    reached, go_on = asyncio.Event(), asyncio.Event()
    run = anna.controller.run

    async def slow(argv: tuple[str, ...], **limits: object) -> Completed:
        if "update" in argv:
            reached.set()
            await go_on.wait()
        return await run(argv, **limits)  # type: ignore[arg-type]

    anna.controller.run = slow  # type: ignore[method-assign, assignment]
    running = asyncio.create_task(anna.desk.run(await anna.desk.plan(DRAIN), "gpu-017"))
    await reached.wait()
    plan = await bob.desk.plan(replace(DRAIN, host="gpu-018"))
    assert {"blast-partition", "blast-fleet"} <= set(rules_of(plan))
    go_on.set()
    await running


# Job protection

SHIELD = Policy("p", shields=(JobShield(users=("vip",), set_in="p:4"),))
JOBS = "8812|vip|63|14:02:11|1:00:00|train\n"


async def test_a_protected_job_is_not_ended(guarded: Scene, rules: Rules, reboots: Callable[..., None]) -> None:
    reboots()
    rules.policy, guarded.slurm.jobs = SHIELD, JOBS
    guarded.desk.arm()
    plan = await guarded.desk.plan(REBOOT)
    (standing,) = plan.standing
    assert (standing.rule, standing.set_in, standing.may_be_overridden) == ("protected-job", "p:4", False)
    assert "job 8812 train of vip" in standing.cause
    assert (await refused(guarded, plan, WHY)).rule == "protected-job"


async def test_a_protected_job_that_began_since_the_plan_is_not_ended(
    guarded: Scene, rules: Rules, reboots: Callable[..., None]
) -> None:
    reboots()
    rules.policy = SHIELD
    guarded.desk.arm()
    plan = await guarded.desk.plan(REBOOT)
    guarded.slurm.jobs = JOBS
    assert (await refused(guarded, plan)).rule == "protected-job"


async def test_what_waits_for_jobs_does_not_end_them(
    guarded: Scene, rules: Rules, reboots: Callable[..., None]
) -> None:
    reboots(ends_jobs=())
    rules.policy, guarded.slurm.jobs = SHIELD, JOBS
    assert rules_of(await guarded.desk.plan(REBOOT)) == ["read-only"]
    assert rules_of(await guarded.desk.plan(DRAIN)) == ["read-only"]


async def test_a_scheduler_that_does_not_say_what_runs_there_is_not_taken_for_idle(
    guarded: Scene, rules: Rules, reboots: Callable[..., None]
) -> None:
    reboots()
    rules.policy = SHIELD
    guarded.controller.instead["squeue"] = Completed(1, "", "Unable to contact slurm controller")
    guarded.desk.arm()
    assert rules_of(await guarded.desk.plan(REBOOT)) == ["jobs-unknown"]


# Others on this machine


@pytest.fixture
def two(tmp_path: Path) -> tuple[Scene, Scene]:
    """Two users with audits of their own, and locks in one folder."""
    (tmp_path / "lock").mkdir()

    def scene(user: str) -> Scene:
        locks = SharedLocks(lambda: tmp_path / "lock", clock=lambda: found.now)
        found = Scene(tmp_path / user / "audit.jsonl", user=user, locks=locks, actor=Actor(user))
        found.desk.arm()
        return found

    return scene("anna"), scene("bob")


async def test_two_users_do_not_act_on_one_host_at_once(two: tuple[Scene, Scene]) -> None:
    anna, bob = two
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def wait(seconds: float) -> None:
        reached.set()
        await go_on.wait()

    anna._sleep = wait  # type: ignore[method-assign]
    plan = await bob.desk.plan(RESTART)
    running = asyncio.create_task(anna.desk.run(await anna.desk.plan(RESTART), ""))
    await reached.wait()
    (standing,) = (await bob.desk.plan(RESTART)).standing
    assert (standing.rule, standing.may_be_overridden) == ("busy", False)
    found = await refused(bob, plan, WHY)
    assert found.rule == "busy"
    assert "anna began restart on gpu-017 at " in found.cause
    go_on.set()
    await running
    assert (await bob.desk.run(plan, "")).kind is OutcomeKind.VERIFIED


async def test_an_hours_worth_is_counted_over_all_users(tmp_path: Path) -> None:
    (tmp_path / "lock").mkdir()
    rules = Rules(Policy("p", blast=Blast(per_hour=Ceiling(2, "p:5"))))
    scenes = [
        Scene(
            tmp_path / user / "audit.jsonl",
            user=user,
            policies=rules,
            locks=SharedLocks(lambda: tmp_path / "lock", clock=lambda: 1_800_000_000.0),
        )
        for user in ("anna", "bob", "carl")
    ]
    for scene in scenes[:2]:
        scene.desk.arm()
        assert (await scene.desk.run(await scene.desk.plan(RESTART), "")).kind is OutcomeKind.VERIFIED
    scenes[2].desk.arm()
    plan = await scenes[2].desk.plan(RESTART)
    (standing,) = plan.standing
    assert (standing.rule, standing.set_in) == ("per-hour", "p:5")
    assert (await refused(scenes[2], plan)).rule == "per-hour"


async def test_locks_that_cannot_be_used_let_nothing_be_run(tmp_path: Path) -> None:
    scene = Scene(tmp_path / "audit.jsonl", locks=SharedLocks(lambda: tmp_path / "gone"))
    scene.desk.arm()
    plan = await scene.desk.plan(RESTART)
    assert set(rules_of(plan)) == {"locks"}
    assert (await refused(scene, plan, WHY)).rule == "locks"


async def test_a_second_host_of_a_plan_is_held_too(guarded: Scene, reboots: Callable[..., None]) -> None:
    reboots(others=("gpu-100",))
    guarded.desk.arm()
    reached, go_on = asyncio.Event(), asyncio.Event()
    run = guarded.host.run

    async def slow(argv: tuple[str, ...], **limits: object) -> Completed:
        reached.set()
        await go_on.wait()
        return await run(argv, **limits)  # type: ignore[arg-type]

    plan = await guarded.desk.plan(REBOOT)
    guarded.host.run = slow  # type: ignore[method-assign, assignment]
    running = asyncio.create_task(guarded.desk.run(plan, plan.confirmation))
    await reached.wait()
    assert await guarded.desk.locks.holder(["gpu-100"]) is not None
    go_on.set()
    assert (await running).kind is OutcomeKind.VERIFIED
    assert await guarded.desk.locks.holder(["gpu-100"]) is None


# Evidence


def captured(monkeypatch: pytest.MonkeyPatch, asked: list[str], **fields: object) -> None:
    values = {"path": Path("/e.tar.gz"), "sha256": "ab", "size_bytes": 1, "parts": ("dmesg",), "missing": ()}
    evidence = Evidence(**(values | fields))  # type: ignore[arg-type]

    async def capture(setting: Setting) -> Evidence:
        asked.append("capture")
        return evidence

    monkeypatch.setattr(carrying, "capture", capture)


async def test_evidence_is_captured_between_begin_and_command_and_the_state_asked_after_it(
    guarded: Scene, reboots: Callable[..., None], asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    reboots(evidence="all of it")
    captured(monkeypatch, asked, missing=(("nvidia-smi", "hung"),))
    guarded.host.before = lambda argv: asked.append(argv[0])
    guarded.desk.arm()
    plan = await guarded.desk.plan(REBOOT)
    assert (await guarded.desk.run(plan, plan.confirmation)).kind is OutcomeKind.VERIFIED
    assert asked == ["check", "capture", "check", "systemctl"]
    assert guarded.lines[-1].evidence == {
        "path": "/e.tar.gz",
        "sha256": "ab",
        "missing": [["nvidia-smi", "hung"]],
    }


@pytest.mark.parametrize("why", ["empty", "unwritable"])
async def test_without_evidence_nothing_is_destroyed_unless_a_reason_is_given(
    guarded: Scene, reboots: Callable[..., None], asked: list[str], monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    reboots(evidence="all of it")
    if why == "empty":
        captured(monkeypatch, asked, is_empty=True)
    else:

        async def capture(setting: Setting) -> Evidence:
            raise EvidenceError("the disk is full")

        monkeypatch.setattr(carrying, "capture", capture)
    guarded.desk.arm()
    plan = await guarded.desk.plan(REBOOT)
    assert (await refused(guarded, plan)).rule == "evidence"
    assert guarded.events[-2:] == ["begun", "refused"]
    plan = await guarded.desk.plan(REBOOT)
    assert rules_of(plan) == ["evidence"], "now that it is known, the plan asks for a reason"
    assert (await guarded.desk.run(plan, plan.confirmation, WHY)).kind is OutcomeKind.VERIFIED
    assert guarded.lines[-1].set_aside[0]["rule"] == "evidence"


async def test_being_cancelled_while_evidence_is_captured_is_written_down(
    guarded: Scene, reboots: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    reboots(evidence="all of it")
    reached = asyncio.Event()

    async def capture(setting: Setting) -> Evidence:
        reached.set()
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(carrying, "capture", capture)
    guarded.desk.arm()
    plan = await guarded.desk.plan(REBOOT)
    running = asyncio.create_task(guarded.desk.run(plan, plan.confirmation))
    await reached.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert (guarded.lines[-1].event, guarded.lines[-1].outcome, guarded.lines[-1].ran) == ("ended", "unknown", [])
    assert await guarded.desk.locks.holder(["gpu-017"]) is None
    assert guarded.changes == []


# Parts of something


async def test_a_part_needs_nothing_typed_and_says_of_what_it_is_a_part(guarded: Scene) -> None:
    guarded.desk.arm()
    plan = await guarded.desk.plan(DRAIN)
    outcome = await guarded.desk.run_part(plan, part_of="rollout 1f2e", confirmed="12 typed")
    assert outcome.kind is OutcomeKind.VERIFIED
    assert (guarded.lines[0].part_of, guarded.lines[0].confirmation) == ("rollout 1f2e", "12 typed")


async def test_a_part_is_guarded_as_anything_else(guarded: Scene, rules: Rules) -> None:
    plan = await guarded.desk.plan(DRAIN)
    with pytest.raises(GuardRefused, match="read-only"):
        await guarded.desk.run_part(plan, part_of="rollout", confirmed="12 typed")
    guarded.desk.arm()
    rules.policy = Policy("p", deny=(LOOSE,))
    plan = await guarded.desk.plan(DRAIN)
    for seen in (frozenset[str](), frozenset({"per-hour"})):
        with pytest.raises(GuardRefused, match="was not so when"):
            await guarded.desk.run_part(plan, part_of="r", confirmed="12 typed", override=WHY, seen=seen)
    outcome = await guarded.desk.run_part(
        plan, part_of="r", confirmed="12 typed", override=WHY, seen=frozenset({"policy-deny"})
    )
    assert outcome.kind is OutcomeKind.VERIFIED


async def test_the_program_itself_sets_no_rule_aside(guarded: Scene, rules: Rules) -> None:
    guarded.desk.arm()
    rules.policy = Policy("p", deny=(LOOSE,))
    plan = await guarded.desk.plan(DRAIN)
    with pytest.raises(GuardRefused, match="denied"):
        await guarded.desk.run_as(plan, "auto: rule xid")
    assert guarded.changes == []


# What it says meanwhile


async def test_what_a_run_says_can_be_read_while_it_runs_and_not_after(guarded: Scene) -> None:
    heard: list[tuple[str, ...]] = []
    guarded.desk.arm()
    plan = await guarded.desk.plan(RESTART)

    async def listen(seconds: float) -> None:
        heard.append(guarded.desk.said(plan.plan_id))

    guarded._sleep = listen  # type: ignore[method-assign]
    await guarded.desk.run(plan, "")
    assert any("systemctl restart" in line for line in heard[0])
    assert guarded.desk.said(plan.plan_id) == ()


async def test_every_lines_user_is_there(guarded: Scene) -> None:
    await guarded.desk.note("rollout-begun", {"title": "x"})
    line: SimpleNamespace = guarded.lines[-1]
    assert (line.event, line.user, line.title) == ("rollout-begun", "anna", "x")


async def test_passwords_are_kept_for_what_is_running_when_it_is_disarmed(
    guarded: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plan may need one more command with them, e.g. to start again what it stopped."""
    told: list[str] = []
    monkeypatch.setattr(guarded.desk._passwords, "forget", lambda: told.append("forgotten"))
    guarded.desk.arm()
    plan = await guarded.desk.plan(RESTART)

    async def disarm(seconds: float) -> None:
        guarded.desk.disarm()
        told.append("still running")

    guarded._sleep = disarm  # type: ignore[method-assign]
    await guarded.desk.run(plan, "")
    assert told[0] == "still running"
    assert told[-1] == "forgotten"
    told.clear()
    guarded.desk.disarm()
    assert told == ["forgotten"]
