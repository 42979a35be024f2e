"""GPU actions on a host whose nvidia-smi is a stand-in: refused, planned, run, taken back and verified."""

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leptontui.actions.gpu_holders import Holder, parse_devices
from leptontui.actions.gpu_kill import parse_stat, prepare_gpu_kill
from leptontui.actions.gpu_reset import prepare_gpu_reset
from leptontui.actions.gpu_settings import prepare_gpu_lock_clocks, prepare_gpu_persistence, prepare_gpu_unlock_clocks
from leptontui.actions.gpu_smi import parse_computing, parse_gpus
from leptontui.actions.reach import Prepared
from leptontui.actions.registry import PREPARE
from leptontui.actions.runner import Record, carry_out
from leptontui.actions.setting import Prepare
from leptontui.errors import ActionError, GuardRefused
from leptontui.model.action import ActionName, ActionRequest, Danger, Outcome, OutcomeKind
from leptontui.model.target import HostTarget
from leptontui.transport.contract import Completed
from tests.unit.actions.gpu_scene import PROBE, FakeController, FakeGpuHost, FakeProcess
from tests.unit.actions.setting_scene import Answering, Clock, said, setting_of

HOST = "gpu-017"
UUID = [f"GPU-{n:08d}-aaaa-bbbb-cccc-dddddddddddd" for n in range(8)]
DCGM = FakeProcess(
    "/usr/bin/nv-hostengine -n", cgroup="/system.slice/nvidia-dcgm.service", devices=("/dev/nvidia0", "/dev/nvidia1")
)
TRAINING = FakeProcess(
    "python train.py --token hunter2hunter2",
    user="anna",
    cgroup="/system.slice/slurmstepd.scope/job_8812/step_0/user/task_0",
    devices=("/dev/nvidia1",),
    computes_on=UUID[1],
)


@dataclass
class Stage:
    """A host, its controller, and what is asked of them."""

    host: FakeGpuHost
    slurm: FakeController
    login: str = "root"
    target: HostTarget = field(default_factory=lambda: HostTarget(HOST, scheduler="slurm", controller="login1"))

    def __post_init__(self) -> None:
        self.clock = Clock()
        self.transport = Answering(self.host, address=f"{self.login}@10.0.0.17")
        self.answers = {HOST: self.transport, "login1": Answering(self.slurm)}

    async def plan(self, action: ActionName, prepare: Prepare, **params: str) -> Prepared:
        request = ActionRequest(action, HOST, params=tuple(sorted(params.items())))
        return await prepare(setting_of(request, self.answers, target=self.target, clock=self.clock))

    async def run(self, prepared: Prepared) -> Outcome:
        assert await prepared.deed.check_again() is None
        return await carry_out(prepared, Record(), self.clock, tell=self.clock.tell, sleep=self.clock.sleep)

    @property
    def changes(self) -> list[str]:
        words = (" -pm ", "--gpu-reset", "systemctl st", "kill ", "-lgc", "-rgc")
        return [line for line in self.transport.asked if any(word in line for word in words) and " -l " not in line]


def stage(count: int = 2, state: str = "IDLE+DRAIN", jobs: str = "", **more: object) -> Stage:
    return Stage(FakeGpuHost.of(count, **more), FakeController(state, jobs))


def lines(prepared: Prepared) -> list[str]:
    return [" ".join(step.argv) for step in prepared.plan.steps]


def test_all_of_the_catalogue_is_prepared() -> None:
    for name in ("gpu-reset", "gpu-kill", "gpu-persistence", "gpu-lock-clocks", "gpu-unlock-clocks", "evidence"):
        assert name in PREPARE


async def test_an_idle_gpu_of_a_drained_host_is_reset_and_asked_again() -> None:
    scene = stage()
    prepared = await scene.plan(ActionName.GPU_RESET, prepare_gpu_reset, gpu="1")
    assert lines(prepared) == [
        f"nvidia-smi -i {UUID[1]} -pm 0",
        f"nvidia-smi --gpu-reset -i {UUID[1]}",
        f"nvidia-smi -i {UUID[1]} -pm 1",
    ]
    plan = prepared.plan
    assert (plan.title, plan.danger, plan.confirmation) == (f"Reset GPU 1 of {HOST}", Danger.DESTRUCTIVE, HOST)
    assert plan.evidence, "volatile ECC counters are wiped"
    assert "no process computes on it" in plan.running_there
    assert scene.changes == [], "planning changes nothing"
    outcome = await scene.run(prepared)
    assert outcome.kind is OutcomeKind.VERIFIED
    assert outcome.summary.startswith("reset and answering, no uncorrected ECC errors: GPU 1 (NVIDIA H100 80GB HBM3")
    assert scene.host.resets == [("nvidia-smi", "--gpu-reset", "-i", UUID[1])]
    assert scene.host.gpus[1].persistent
    assert scene.host.gpus[0].ecc == "3", "the other was left alone"


@pytest.mark.parametrize(
    ("state", "jobs", "rule"),
    [
        ("IDLE", "", "not-drained"),
        ("MIXED+DRAIN", "8812|anna|1|1:02|2:00|train\n", "not-empty"),
        ("IDLE+DRAIN", "8812|anna|1|1:02|2:00|train\n", "not-empty"),
        ("DOWN*+DRAIN", "", "not-empty"),
    ],
)
async def test_only_a_drained_and_empty_host_is_touched(state: str, jobs: str, rule: str) -> None:
    with pytest.raises(GuardRefused) as refusal:
        await stage(state=state, jobs=jobs).plan(ActionName.GPU_RESET, prepare_gpu_reset, gpu="0")
    assert refusal.value.rule == rule


async def test_the_scheduler_is_asked_again_at_the_moment_of_execution() -> None:
    scene = stage()
    prepared = await scene.plan(ActionName.GPU_RESET, prepare_gpu_reset, gpu="0")
    scene.slurm.state = "IDLE"
    objection = await prepared.deed.check_again()
    assert objection is not None
    assert objection.rule == "not-drained"


async def test_a_controller_that_is_down_refuses() -> None:
    scene = stage()
    scene.answers["login1"] = Answering(
        lambda _: said("", 1, "slurm_load_node error: Unable to contact slurm controller")
    )
    with pytest.raises(ActionError, match="Slurm cannot be asked"):
        await scene.plan(ActionName.GPU_RESET, prepare_gpu_reset, gpu="0")


async def test_without_a_scheduler_the_plan_says_so_and_the_name_is_typed() -> None:
    scene = Stage(FakeGpuHost.of(1), FakeController(), target=HostTarget(HOST))
    prepared = await scene.plan(ActionName.GPU_RESET, prepare_gpu_reset, gpu="0")
    assert prepared.plan.warnings[0].startswith(f"{HOST} has no scheduler in the inventory")
    assert prepared.plan.confirmation == HOST


async def test_a_gpu_that_computes_is_refused_and_the_process_named() -> None:
    scene = stage(processes={4242: TRAINING})
    with pytest.raises(GuardRefused, match=r"the GPU computes: process 4242, python train\.py, with commas") as refusal:
        await scene.plan(ActionName.GPU_RESET, prepare_gpu_reset, gpu="1")
    assert refusal.value.rule == "gpu-in-use"


async def test_a_gpu_that_is_only_held_open_is_refused_and_the_process_named_without_its_secrets() -> None:
    scene = stage(processes={4242: replace(TRAINING, computes_on="")})
    with pytest.raises(GuardRefused, match=r"process 4242 \(anna, job 8812\): python train.py --token \*\*\*"):
        await scene.plan(ActionName.GPU_RESET, prepare_gpu_reset, gpu="1")
    await scene.plan(ActionName.GPU_RESET, prepare_gpu_reset, gpu="0")


async def test_a_process_that_comes_meanwhile_is_found() -> None:
    scene = stage()
    prepared = await scene.plan(ActionName.GPU_RESET, prepare_gpu_reset, gpu="1")
    scene.host.processes[4242] = TRAINING
    objection = await prepared.deed.check_again()
    assert objection is not None
    assert objection.rule == "gpu-in-use"


async def test_a_process_that_comes_right_before_the_reset_stops_it_and_all_is_put_back() -> None:
    scene = stage(processes={900: DCGM}, units={"nvidia-dcgm.service": "active"})
    prepared = await scene.plan(ActionName.GPU_RESET, prepare_gpu_reset, gpu="1")
    assert await prepared.deed.check_again() is None
    answer = scene.host.systemctl

    def systemctl(argv: tuple[str, ...]) -> Completed:
        if "stop" in argv:
            scene.host.processes[4242] = TRAINING
        return answer(argv)

    scene.host.systemctl = systemctl  # type: ignore[method-assign]
    outcome = await carry_out(prepared, Record(), scene.clock, tell=scene.clock.tell, sleep=scene.clock.sleep)
    assert outcome.kind is OutcomeKind.FAILED
    assert "was not run: the GPU computes: process 4242" in outcome.summary
    assert scene.host.resets == []
    assert scene.host.units["nvidia-dcgm.service"] == "active"
    assert scene.host.gpus[1].persistent


async def test_services_that_hold_the_gpu_are_named_stopped_and_started_again() -> None:
    scene = stage(processes={900: DCGM}, units={"nvidia-dcgm.service": "active"})
    prepared = await scene.plan(ActionName.GPU_RESET, prepare_gpu_reset, gpu="1")
    assert lines(prepared) == [
        f"nvidia-smi -i {UUID[1]} -pm 0",
        "systemctl stop nvidia-dcgm.service",
        f"nvidia-smi --gpu-reset -i {UUID[1]}",
        "systemctl start nvidia-dcgm.service",
        f"nvidia-smi -i {UUID[1]} -pm 1",
    ]
    assert "stopped for that while, and started again: nvidia-dcgm.service" in prepared.plan.warnings
    outcome = await scene.run(prepared)
    assert outcome.kind is OutcomeKind.VERIFIED
    assert scene.host.units["nvidia-dcgm.service"] == "active"


async def test_a_reset_that_fails_puts_everything_back() -> None:
    scene = stage(processes={900: DCGM}, units={"nvidia-dcgm.service": "active"})
    scene.host.refuses = "nvidia-smi --gpu-reset"
    outcome = await scene.run(await scene.plan(ActionName.GPU_RESET, prepare_gpu_reset, gpu="1"))
    assert outcome.kind is OutcomeKind.FAILED
    assert scene.host.units["nvidia-dcgm.service"] == "active"
    assert scene.host.gpus[1].persistent


async def test_a_service_that_does_not_come_back_is_not_verified() -> None:
    scene = stage(processes={900: DCGM}, units={"nvidia-dcgm.service": "active"})
    prepared = await scene.plan(ActionName.GPU_RESET, prepare_gpu_reset, gpu="1")
    answer = scene.host.systemctl
    scene.host.systemctl = (  # type: ignore[method-assign]
        lambda argv: said("failed\n", 3) if "is-active" in argv else answer(argv)
    )
    outcome = await scene.run(prepared)
    assert outcome.kind is OutcomeKind.NOT_VERIFIED
    assert "nvidia-dcgm.service is failed" in outcome.summary


async def test_with_an_nvswitch_all_gpus_are_reset_together() -> None:
    scene = stage(8, switches=4, fabric="Completed", units={"nvidia-fabricmanager.service": "active"})
    prepared = await scene.plan(ActionName.GPU_RESET, prepare_gpu_reset, gpu="3")
    assert prepared.plan.title == f"Reset all 8 GPUs of {HOST}"
    assert "4 NVSwitches: all 8 GPUs are reset together, not GPU 3 alone" in prepared.plan.warnings
    assert lines(prepared) == [
        "nvidia-smi -pm 0",
        "systemctl stop nvidia-fabricmanager.service",
        "nvidia-smi --gpu-reset",
        "systemctl start nvidia-fabricmanager.service",
        "nvidia-smi -pm 1",
    ]
    outcome = await scene.run(prepared)
    assert outcome.kind is OutcomeKind.VERIFIED
    assert scene.host.resets == [("nvidia-smi", "--gpu-reset")]


async def test_a_fabric_alone_shows_the_switch_and_has_to_be_complete_again() -> None:
    scene = stage(2, fabric="Completed")
    prepared = await scene.plan(ActionName.GPU_RESET, prepare_gpu_reset, gpu="0")
    assert prepared.plan.title == f"Reset all 2 GPUs of {HOST}"
    scene.host.fabric = "In Progress"
    outcome = await scene.run(prepared)
    assert outcome.kind is OutcomeKind.NOT_VERIFIED
    assert "the NVLink fabric is In Progress" in outcome.summary
    assert scene.clock.now - 1_800_000_000.0 >= 90.0, "it was given time"


async def test_on_an_nvswitch_a_process_on_another_gpu_stops_the_reset() -> None:
    scene = stage(2, switches=1, processes={4242: TRAINING})
    with pytest.raises(GuardRefused, match="the GPU computes"):
        await scene.plan(ActionName.GPU_RESET, prepare_gpu_reset, gpu="0")


async def test_a_part_of_a_gpu_that_computes_counts_for_all() -> None:
    scene = stage(processes={4242: replace(TRAINING, computes_on="MIG-1234", devices=())})
    with pytest.raises(GuardRefused, match="the GPU computes"):
        await scene.plan(ActionName.GPU_RESET, prepare_gpu_reset, gpu="0")


@pytest.mark.parametrize("ends", [True, False])
async def test_an_nvidia_smi_of_somebodys_monitoring_is_given_time_to_end(ends: bool) -> None:
    passing = FakeProcess("/usr/bin/nvidia-smi --query-gpu=x", devices=("/dev/nvidia0",), cgroup="/user.slice/x.scope")
    scene = stage(1, processes={77: passing})
    find = scene.host.find

    def ending(argv: tuple[str, ...]) -> Completed:
        answer = find(argv)
        if ends:
            scene.host.processes.clear()
        return answer

    scene.host.find = ending  # type: ignore[method-assign]
    if ends:
        await scene.plan(ActionName.GPU_RESET, prepare_gpu_reset, gpu="0")
        return
    with pytest.raises(GuardRefused, match="process 77"):
        await scene.plan(ActionName.GPU_RESET, prepare_gpu_reset, gpu="0")


async def test_a_pod_that_holds_the_gpu_is_refused_with_what_to_do() -> None:
    pod = "/kubepods.slice/kubepods-pod1b2c3d4e_1111_2222_3333_444455556666.slice/cri-x.scope"
    scene = stage(1, processes={88: FakeProcess("dcgm-exporter", cgroup=pod, devices=("/dev/nvidia0",))})
    with pytest.raises(GuardRefused, match="pod 1b2c3d4e-1111") as refusal:
        await scene.plan(ActionName.GPU_RESET, prepare_gpu_reset, gpu="0")
    assert "nvidia.com/gpu.deploy.operands=false" in refusal.value.mend


async def test_our_own_probes_are_told_to_let_go_and_waited_for() -> None:
    own = FakeProcess(
        PROBE, user="oncall", cgroup="/user.slice/user-1000.slice/session-4.scope", devices=("/dev/nvidia0",)
    )
    scene = Stage(FakeGpuHost.of(1, processes={700: own, 701: replace(own, user="bea")}), FakeController(), "oncall")
    prepared = await scene.plan(ActionName.GPU_RESET, prepare_gpu_reset, gpu="0")
    assert lines(prepared)[1:3] == ["kill -USR1 700", "sudo -n kill -USR1 701"]
    assert (await scene.run(prepared)).kind is OutcomeKind.VERIFIED


async def test_a_probe_that_does_not_let_go_stops_the_reset() -> None:
    own = FakeProcess(PROBE, cgroup="/user.slice/user-1000.slice/session-4.scope", devices=("/dev/nvidia0",))
    scene = stage(1, processes={700: own})
    prepared = await scene.plan(ActionName.GPU_RESET, prepare_gpu_reset, gpu="0")
    scene.host.kill = lambda _: said()  # type: ignore[method-assign]
    outcome = await scene.run(prepared)
    assert outcome.kind is OutcomeKind.FAILED
    assert "this program's own probe (process 700) does not let go" in outcome.summary
    assert scene.host.resets == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"ecc": "2"}, "GPU 0 has 2 uncorrected ECC errors"),
        ({"ecc": "[N/A]"}, "does not tell its ECC errors any more"),
        ({"temp": "255"}, "says that it has 255 °C"),
        ({"temp": "[Unknown Error]"}, "does not tell its temperature any more"),
        ({"pending": "Yes"}, "a row is still to be remapped"),
    ],
)
async def test_counters_that_are_not_sane_are_not_verified(change: dict[str, str], words: str) -> None:
    scene = stage(1)
    prepared = await scene.plan(ActionName.GPU_RESET, prepare_gpu_reset, gpu="0")
    reset = scene.host.reset

    def badly(*given: object) -> Completed:
        done = reset(*given)  # type: ignore[arg-type]
        for name, value in change.items():
            setattr(scene.host.gpus[0], name, value)
        return done

    scene.host.reset = badly  # type: ignore[method-assign]
    outcome = await scene.run(prepared)
    assert outcome.kind is OutcomeKind.NOT_VERIFIED
    assert words in outcome.summary


async def test_a_gpu_that_is_gone_after_the_reset_is_not_verified() -> None:
    scene = stage(2)
    prepared = await scene.plan(ActionName.GPU_RESET, prepare_gpu_reset, gpu="0")
    reset = scene.host.reset

    def losing(*given: object) -> Completed:
        done = reset(*given)  # type: ignore[arg-type]
        del scene.host.gpus[1]
        return done

    scene.host.reset = losing  # type: ignore[method-assign]
    outcome = await scene.run(prepared)
    assert outcome.kind is OutcomeKind.NOT_VERIFIED
    assert "GPU 1 (GPU-00000001…) is not listed any more" in outcome.summary


async def test_a_gpu_that_is_not_there_is_said() -> None:
    with pytest.raises(ActionError, match="lists no GPU 7"):
        await stage().plan(ActionName.GPU_RESET, prepare_gpu_reset, gpu="7")


async def test_another_gpu_under_the_number_is_found() -> None:
    scene = stage(2)
    prepared = await scene.plan(ActionName.GPU_RESET, prepare_gpu_reset, gpu="0")
    scene.host.gpus.reverse()
    objection = await prepared.deed.check_again()
    assert objection is not None
    assert "lists other GPUs than before" in objection.cause


async def test_a_process_ends_by_term() -> None:
    scene = stage(processes={4242: TRAINING})
    prepared = await scene.plan(ActionName.GPU_KILL, prepare_gpu_kill, pid="4242")
    assert lines(prepared) == ["kill -TERM 4242", "kill -KILL 4242"]
    plan = prepared.plan
    assert (plan.title, plan.confirmation) == (f"Kill process 4242 on {HOST}", HOST)
    assert plan.running_there[0] == "process 4242 (anna, job 8812): python train.py --token ***"
    assert "on GPU-00000001…: 71,234 MiB" in plan.running_there
    assert "runs for 01:02:03, 12 threads, started by process 1" in plan.running_there
    assert prepared.ends_jobs == ("8812",)
    outcome = await scene.run(prepared)
    assert (outcome.kind, outcome.summary) == (
        OutcomeKind.VERIFIED,
        "process 4242 (python train.py, with commas) is gone",
    )
    assert scene.changes == ["kill -TERM 4242"], "KILL was not needed"


async def test_a_process_that_minds_no_term_is_killed_after_the_grace() -> None:
    scene = stage(processes={4242: replace(TRAINING, minds_term=False)})
    prepared = await scene.plan(ActionName.GPU_KILL, prepare_gpu_kill, pid="4242", grace="7")
    begun = scene.clock.now
    outcome = await scene.run(prepared)
    assert outcome.kind is OutcomeKind.VERIFIED
    assert scene.changes == ["kill -TERM 4242", "kill -KILL 4242"]
    assert scene.clock.now - begun >= 7.0
    assert any("KILL in 7 s" in line for line in scene.clock.told)


async def test_a_process_that_nothing_ends_is_not_verified() -> None:
    stuck = replace(TRAINING, minds_term=False, minds_kill=False, state="D")
    scene = stage(processes={4242: stuck})
    outcome = await scene.run(await scene.plan(ActionName.GPU_KILL, prepare_gpu_kill, pid="4242"))
    assert outcome.kind is OutcomeKind.NOT_VERIFIED
    assert "is still there in the kernel (state D): the driver hangs" in outcome.summary


async def test_another_process_with_the_same_number_is_never_killed() -> None:
    scene = stage(processes={4242: replace(TRAINING, minds_term=False)})
    prepared = await scene.plan(ActionName.GPU_KILL, prepare_gpu_kill, pid="4242")
    scene.host.processes[4242] = replace(TRAINING, start=2000)
    assert (await scene.plan(ActionName.GPU_KILL, prepare_gpu_kill, pid="4242")).plan.ends != prepared.plan.ends
    objection = await prepared.deed.check_again()
    assert objection is not None
    assert objection.rule == "changed-since"
    outcome = await carry_out(prepared, Record(), scene.clock, tell=scene.clock.tell, sleep=scene.clock.sleep)
    assert outcome.kind is OutcomeKind.VERIFIED
    assert scene.changes == [], "not even with the check left out"


async def test_after_a_reboot_the_number_means_another() -> None:
    scene = stage(processes={4242: TRAINING})
    prepared = await scene.plan(ActionName.GPU_KILL, prepare_gpu_kill, pid="4242")
    scene.host.boot = "cccc-dddd"
    assert await prepared.deed.check_again() is not None


async def test_a_process_that_became_another_between_term_and_kill_is_left_alone() -> None:
    scene = stage(processes={4242: replace(TRAINING, minds_term=False)})
    prepared = await scene.plan(ActionName.GPU_KILL, prepare_gpu_kill, pid="4242")
    assert await prepared.deed.is_needed(0)
    scene.host.processes[4242] = replace(TRAINING, start=2000)
    assert not await prepared.deed.is_needed(1)


@pytest.mark.parametrize(
    ("pid", "process", "words"),
    [
        ("5", None, "has no process 5"),
        ("4242", replace(TRAINING, devices=(), computes_on=""), "uses no GPU"),
        ("4242", FakeProcess(PROBE, devices=("/dev/nvidia0",)), "is a probe of this program itself"),
        ("4242", replace(TRAINING, state="Z"), "has no process 4242"),
    ],
)
async def test_only_a_process_that_uses_a_gpu_is_killed(pid: str, process: FakeProcess | None, words: str) -> None:
    scene = stage(processes={4242: process} if process else {})
    with pytest.raises(ActionError, match=words):
        await scene.plan(ActionName.GPU_KILL, prepare_gpu_kill, pid=pid)


async def test_a_process_of_a_unit_is_warned_of() -> None:
    scene = stage(processes={900: replace(DCGM, computes_on=UUID[0])})
    prepared = await scene.plan(ActionName.GPU_KILL, prepare_gpu_kill, pid="900")
    assert any("which systemd may start again" in warning for warning in prepared.plan.warnings)


async def test_ones_own_process_needs_no_sudo() -> None:
    scene = Stage(FakeGpuHost.of(2, processes={4242: replace(TRAINING, user="oncall")}), FakeController(), "oncall")
    assert lines(await scene.plan(ActionName.GPU_KILL, prepare_gpu_kill, pid="4242"))[0] == "kill -TERM 4242"
    scene = Stage(FakeGpuHost.of(2, processes={4242: TRAINING}), FakeController(), "oncall")
    assert lines(await scene.plan(ActionName.GPU_KILL, prepare_gpu_kill, pid="4242"))[0] == "sudo -n kill -TERM 4242"


async def test_persistence_is_set_on_all_and_asked_of_all() -> None:
    scene = stage(2)
    scene.host.gpus[0].persistent = False
    prepared = await scene.plan(ActionName.GPU_PERSISTENCE, prepare_gpu_persistence, mode="on")
    assert lines(prepared) == ["nvidia-smi -pm 1"]
    assert prepared.plan.running_there == ("GPU 0: persistence is off now", "GPU 1: persistence is on now")
    assert prepared.plan.undo is None  # it was not the same on all
    assert prepared.plan.confirmation == ""
    outcome = await scene.run(prepared)
    assert (outcome.kind, outcome.summary) == (OutcomeKind.VERIFIED, "persistence is on on all 2 GPUs")


async def test_persistence_that_is_not_so_on_one_is_not_verified() -> None:
    scene = stage(2)
    prepared = await scene.plan(ActionName.GPU_PERSISTENCE, prepare_gpu_persistence, mode="off")
    assert any("locked clocks" in warning for warning in prepared.plan.warnings)
    assert prepared.plan.undo is not None
    assert prepared.plan.undo.param("mode") == "on"
    smi = scene.host.smi

    def half(argv: tuple[str, ...]) -> Completed:
        done = smi(argv)
        scene.host.gpus[1].persistent = True
        return done

    scene.host.smi = half  # type: ignore[method-assign]
    outcome = await scene.run(prepared)
    assert (outcome.kind, outcome.summary) == (OutcomeKind.NOT_VERIFIED, "not so on GPU 1")


async def test_clocks_are_locked_and_seen_in_their_range() -> None:
    scene = stage(2)
    prepared = await scene.plan(ActionName.GPU_LOCK_CLOCKS, prepare_gpu_lock_clocks, gpu="1", low="1200", high="1500")
    assert lines(prepared) == [f"nvidia-smi -i {UUID[1]} -lgc 1200,1500"]
    outcome = await scene.run(prepared)
    assert (outcome.kind, outcome.summary) == (OutcomeKind.VERIFIED, "GPU 1 at 1500 MHz, in 1200–1500")
    prepared = await scene.plan(ActionName.GPU_UNLOCK_CLOCKS, prepare_gpu_unlock_clocks, gpu="1")
    assert lines(prepared) == [f"nvidia-smi -i {UUID[1]} -rgc"]
    outcome = await scene.run(prepared)
    assert (outcome.kind, outcome.summary) == (OutcomeKind.VERIFIED, "GPU 1 moves: 345 MHz")


async def test_an_unlocked_clock_that_does_not_move_is_not_verified() -> None:
    scene = stage(1)
    outcome = await scene.run(await scene.plan(ActionName.GPU_UNLOCK_CLOCKS, prepare_gpu_unlock_clocks, gpu="all"))
    assert outcome.kind is OutcomeKind.NOT_VERIFIED
    assert "the driver does not tell whether one is locked" in outcome.summary


@pytest.mark.parametrize(("low", "high", "words"), [("900", "800", "low is 900"), ("2500", "2600", "at most 1980 MHz")])
async def test_a_range_that_there_is_not_is_refused(low: str, high: str, words: str) -> None:
    with pytest.raises(ActionError, match=words):
        await stage().plan(ActionName.GPU_LOCK_CLOCKS, prepare_gpu_lock_clocks, gpu="0", low=low, high=high)


async def test_a_clock_that_is_held_down_is_not_verified() -> None:
    scene = stage(1)
    prepared = await scene.plan(ActionName.GPU_LOCK_CLOCKS, prepare_gpu_lock_clocks, gpu="0", low="1200", high="1500")
    smi = scene.host.smi

    def hot(argv: tuple[str, ...]) -> Completed:
        scene.host.gpus[0].clock = 900
        return smi(argv) if "-lgc" not in argv else said("All done.\n")

    scene.host.smi = hot  # type: ignore[method-assign]
    outcome = await scene.run(prepared)
    assert outcome.kind is OutcomeKind.NOT_VERIFIED
    assert "GPU 0 is at 900 MHz, not in 1200–1500; heat, power or idleness" in outcome.summary


async def test_a_host_without_a_driver_is_said() -> None:
    scene = stage(0)
    with pytest.raises(ActionError, match="lists no GPU"):
        await scene.plan(ActionName.GPU_PERSISTENCE, prepare_gpu_persistence, mode="on")


def test_what_belongs_to_whom_is_read_from_the_cgroup() -> None:
    pod = "/kubepods.slice/kubepods-burstable-pod1b2c3d4e_1111_2222_3333_444455556666.slice/cri-x"
    assert Holder(1, cgroup=pod).owner == "pod 1b2c3d4e-1111-2222-3333-444455556666"
    assert Holder(1, cgroup="/system.slice/docker-0123456789abcdef0123.scope").owner == "container 0123456789ab"
    assert Holder(1, cgroup="/user.slice/user-1000.slice/user@1000.service/app.slice/x.service").unit == ""
    assert Holder(1, cgroup="/system.slice/nvidia-dcgm.service").unit == "nvidia-dcgm.service"


@given(st.text(max_size=300))
def test_no_answer_of_the_driver_raises(text: str) -> None:
    parse_gpus(text)
    parse_computing(text)
    parse_devices(text)
    parse_stat(1, "boot", text)


@given(st.text(alphabet="ab) (\n", max_size=15))
def test_a_programs_name_cannot_change_what_is_read(name: str) -> None:
    text = f"7 ({name}) S 1 " + " ".join("0" for _ in range(17)) + " 4711 9 9\n"
    found = parse_stat(7, "boot", text)
    assert found is not None
    assert (found.state, found.parent, found.start) == ("S", 1, "4711")


@pytest.mark.parametrize(
    "new",
    [
        replace(DCGM, command="/usr/bin/nvsm_core", cgroup="/system.slice/nvsm-core.service"),
        FakeProcess(PROBE, cgroup="/user.slice/user-1000.slice/session-4.scope", devices=("/dev/nvidia0",)),
    ],
)
async def test_whoever_holds_the_gpu_now_and_did_not_then_is_found(new: FakeProcess) -> None:
    """What is not in the plan is neither stopped nor told to let go."""
    scene = stage(processes={900: DCGM}, units={"nvidia-dcgm.service": "active"})
    prepared = await scene.plan(ActionName.GPU_RESET, prepare_gpu_reset, gpu="0")
    assert await prepared.deed.check_again() is None
    scene.host.processes[901] = new
    objection = await prepared.deed.check_again()
    assert objection is not None
    assert objection.cause.startswith("the GPU is held by others than in the plan: process 901")
    del scene.host.processes[901]
    del scene.host.processes[900]
    assert await prepared.deed.check_again() is None, "one less is none the worse"


async def test_whether_a_silent_node_is_empty_is_not_known() -> None:
    with pytest.raises(GuardRefused, match="whether gpu-017 is empty is not known"):
        await stage(state="DOWN*+DRAIN").plan(ActionName.GPU_RESET, prepare_gpu_reset, gpu="0")


async def test_a_process_that_uses_no_gpu_any_more_is_left_alone() -> None:
    scene = stage(processes={4242: TRAINING})
    prepared = await scene.plan(ActionName.GPU_KILL, prepare_gpu_kill, pid="4242")
    scene.host.processes[4242] = replace(TRAINING, computes_on="", devices=())
    objection = await prepared.deed.check_again()
    assert objection is not None
    assert "uses no GPU any more" in objection.cause


@pytest.mark.parametrize("use", [{"devices": ()}, {"computes_on": ""}])
async def test_either_sign_of_a_gpus_use_is_enough(use: dict[str, object]) -> None:
    process = replace(TRAINING, **use)  # type: ignore[arg-type]
    scene = stage(processes={4242: process})
    prepared = await scene.plan(ActionName.GPU_KILL, prepare_gpu_kill, pid="4242")
    assert "process 4242 (anna, job 8812)" in prepared.plan.running_there[0]
    assert any("job 8812, which ends or starts it again" in warning for warning in prepared.plan.warnings)
    assert await prepared.deed.check_again() is None


async def test_a_zombie_has_ended() -> None:
    scene = stage(processes={4242: replace(TRAINING, minds_term=False)})
    prepared = await scene.plan(ActionName.GPU_KILL, prepare_gpu_kill, pid="4242")
    scene.host.processes[4242].state = "Z"
    verdict = await prepared.deed.verify()
    assert verdict.is_so
    assert "its parent 1 has not looked yet (zombie)" in verdict.said


async def test_a_process_that_is_gone_and_still_listed_is_not_verified() -> None:
    scene = stage(processes={4242: TRAINING})
    prepared = await scene.plan(ActionName.GPU_KILL, prepare_gpu_kill, pid="4242")
    listed = scene.host.smi(("nvidia-smi", "--query-compute-apps=pid"))
    smi = scene.host.smi
    scene.host.smi = lambda argv: listed if "compute-apps" in argv[1] else smi(argv)  # type: ignore[method-assign]
    outcome = await scene.run(prepared)
    assert outcome.kind is OutcomeKind.NOT_VERIFIED
    assert "is gone, but the driver still lists it" in outcome.summary


async def test_a_host_that_does_not_say_what_runs_there_is_no_proof() -> None:
    scene = stage(processes={4242: TRAINING})
    prepared = await scene.plan(ActionName.GPU_KILL, prepare_gpu_kill, pid="4242")
    scene.host.cat = lambda _: said("", 1, "cat: write error\n")  # type: ignore[method-assign]
    with pytest.raises(ActionError, match="does not say what runs there: cat: write error"):
        await prepared.deed.verify()


@pytest.mark.parametrize("rest", ["S x 0", "S 1 " + "0 " * 17 + "-1 0", "S 1 " + "0 " * 17 + "٣ 0", ""])
def test_a_broken_record_is_no_process(rest: str) -> None:
    assert parse_stat(7, "boot", f"7 (x) {rest}") is None
    assert parse_stat(8, "boot", "7 (x) S 1 " + "0 " * 17 + "5 0") is None


PERSISTENCED = FakeProcess(
    "/usr/bin/nvidia-persistenced", cgroup="/system.slice/nvidia-persistenced.service", devices=("/dev/nvidia0",)
)


async def test_the_persistence_daemon_is_stopped_only_where_persistence_is_not_what_it_holds_the_gpu_for() -> None:
    scene = stage(1, processes={800: PERSISTENCED})
    prepared = await scene.plan(ActionName.GPU_RESET, prepare_gpu_reset, gpu="0")
    assert lines(prepared)[0].endswith("-pm 0")
    assert not any("systemctl" in line for line in lines(prepared)), "to turn persistence off makes it let go"
    assert any("nvidia-persistenced" in line for line in prepared.plan.running_there)
    assert "persistence is turned off for that while, and on again" in prepared.plan.warnings
    scene.host.gpus[0].persistent = False
    prepared = await scene.plan(ActionName.GPU_RESET, prepare_gpu_reset, gpu="0")
    assert lines(prepared)[0] == "systemctl stop nvidia-persistenced.service"
    assert not any("persistence is turned off" in warning for warning in prepared.plan.warnings)


async def test_a_probe_may_take_a_while_to_let_go() -> None:
    own = FakeProcess(PROBE, cgroup="/user.slice/user-1000.slice/session-4.scope", devices=("/dev/nvidia0",))
    scene = stage(1, processes={700: own})
    prepared = await scene.plan(ActionName.GPU_RESET, prepare_gpu_reset, gpu="0")
    kill, find, looks = scene.host.kill, scene.host.find, []

    def slowly(argv: tuple[str, ...]) -> Completed:
        looks.append(argv)
        if len(looks) == 4:  # one of the check, then three right before the reset
            kill(("kill", "-USR1", "700"))
        return find(argv)

    scene.host.find = slowly  # type: ignore[method-assign]
    scene.host.kill = lambda _: said()  # type: ignore[method-assign]
    outcome = await scene.run(prepared)
    assert outcome.kind is OutcomeKind.VERIFIED
    assert scene.clock.told.count("waiting for this program's own probes to let go of the GPU") == 2


async def test_what_cannot_be_seen_is_said() -> None:
    scene = stage(1)
    denied = "find: '/proc/1/fd': Permission denied\n"
    scene.host.find = lambda _: said("", 1, denied)  # type: ignore[method-assign]
    prepared = await scene.plan(ActionName.GPU_RESET, prepare_gpu_reset, gpu="0")
    assert any("only root sees what they hold open; nvidia-smi refuses" in line for line in prepared.plan.warnings)


async def test_persistence_that_does_not_come_back_is_not_verified() -> None:
    scene = stage(1)
    prepared = await scene.plan(ActionName.GPU_RESET, prepare_gpu_reset, gpu="0")
    smi = scene.host.smi

    def losing(argv: tuple[str, ...]) -> Completed:
        return said("All done.\n") if argv[-2:] == ("-pm", "1") else smi(argv)

    scene.host.smi = losing  # type: ignore[method-assign]
    outcome = await scene.run(prepared)
    assert outcome.kind is OutcomeKind.NOT_VERIFIED
    assert "GPU 0 has no persistence any more" in outcome.summary
