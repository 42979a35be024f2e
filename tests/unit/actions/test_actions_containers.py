"""Containers: Docker's and Podman's command lines as a stub speaks them; no engine runs here.

What the stub prints is what Docker 27 and Podman 3 and 4 print for the same format.
"""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leptontui.actions.container_state import parse_container
from leptontui.actions.privilege import obtain
from leptontui.errors import ActionError, GuardRefused
from leptontui.model.action import ActionName, ActionRequest, OutcomeKind
from leptontui.model.target import HostTarget, ServiceSpec
from leptontui.transport.contract import Completed
from tests.unit.actions.actions_scene import FakeAsker, FakeSudo
from tests.unit.actions.services_stage import FakeContainer, FakeDocker, Stage

BOX = "docker:vllm"
API = "compose:/srv/vllm/api"


def stage_of(docker: FakeDocker | None = None, *units: str, **more: object) -> Stage:
    target = HostTarget("h1", group="gpus", units=units or (BOX, "podman:vllm", API))
    return Stage(docker or FakeDocker(), target, **more)  # type: ignore[arg-type]


def restart(unit: str = BOX) -> ActionRequest:
    return ActionRequest(ActionName.RESTART_UNIT, "h1", unit=unit)


def scale(replicas: int) -> ActionRequest:
    return ActionRequest(ActionName.SCALE, "h1", unit=API, params=(("replicas", str(replicas)),))


@pytest.mark.parametrize("program", ["docker", "podman"])
async def test_a_container_is_restarted_and_watched(program: str) -> None:
    stage = stage_of(FakeDocker(program=program))
    prepared = await stage.prepare(restart(f"{program}:vllm"))
    assert [step.argv for step in prepared.plan.steps] == [(program, "restart", "vllm")]
    assert prepared.plan.title == f"Restart the {program} container vllm on h1"
    assert prepared.plan.running_there == (
        f"{program} container vllm: running, of vllm/vllm-openai:v0.9, since 2026-11-21T18:00:01.5Z",
    )
    outcome = await stage.run(prepared)
    assert outcome.kind is OutcomeKind.VERIFIED
    assert stage.slept == [2.0] * 5


async def test_what_inspect_is_asked_holds_no_environment() -> None:
    stage = stage_of()
    await stage.run(await stage.prepare(restart()))
    formats = {argv[5] for argv in stage.transport.ran if argv[1] == "inspect"}
    assert formats == {"{{json .Id}} {{json .Name}} {{json .Config.Image}} {{json .RestartCount}} {{json .State}}"}


async def test_a_restart_that_changed_nothing_is_not_verified() -> None:
    stage = stage_of(FakeDocker(obeys=False))
    outcome = await stage.run(await stage.prepare(restart()))
    assert (outcome.kind, "was not restarted" in outcome.summary) == (OutcomeKind.NOT_VERIFIED, True)


async def test_a_container_that_falls_over_is_not_verified_and_its_last_lines_are_told() -> None:
    docker = FakeDocker()
    stage = stage_of(docker)

    def fall() -> None:
        if sum(stage.slept) >= 5:
            docker.containers[0].is_running = False

    stage.on_sleep = fall
    outcome = await stage.run(await stage.prepare(restart()))
    assert outcome.kind is OutcomeKind.NOT_VERIFIED
    assert "came up and did not stay: exited" in outcome.summary
    assert outcome.output.splitlines()[-1] == "CUDA out of memory"


async def test_a_health_check_is_waited_for() -> None:
    docker = FakeDocker([FakeContainer(health="starting")])
    stage = stage_of(docker)

    def heal() -> None:
        if sum(stage.slept) >= 60:
            docker.containers[0].health = "healthy"

    stage.on_sleep = heal
    outcome = await stage.run(await stage.prepare(restart()))
    assert outcome.kind is OutcomeKind.VERIFIED
    assert outcome.summary.startswith("vllm is running (healthy)")
    assert sum(stage.slept) == 60


async def test_an_unhealthy_container_is_not_verified() -> None:
    stage = stage_of(FakeDocker([FakeContainer(health="unhealthy")]))
    outcome = await stage.run(await stage.prepare(restart()))
    assert (outcome.kind, "running (unhealthy)" in outcome.summary) == (OutcomeKind.NOT_VERIFIED, True)


async def test_a_container_restarted_since_the_plan_is_refused() -> None:
    docker = FakeDocker()
    stage = stage_of(docker)
    prepared = await stage.prepare(restart())
    docker.containers[0].starts += 1
    objection = await prepared.deed.check_again()
    assert objection is not None
    assert objection.rule == "changed-since"
    docker.containers[0].restarts += 1  # it restarted itself: a crash loop may be restarted
    assert await prepared.deed.check_again() is None


async def test_a_name_that_is_the_beginning_of_an_id_is_no_container() -> None:
    stage = stage_of(None, "docker:0123")
    with pytest.raises(ActionError, match="has no container called 0123, only vllm"):
        await stage.prepare(restart("docker:0123"))


@pytest.mark.parametrize(
    ("unit", "why"),
    [
        ("docker:other", "No such container"),
        ("docker:unlisted", "may not be acted on"),
        ("docker:--help", "is not"),
        ("podman:vllm", "podman: not found"),
    ],
)
async def test_what_cannot_be_planned(unit: str, why: str) -> None:
    with pytest.raises(ActionError, match=why):
        await stage_of(None, "docker:other", "podman:vllm", "docker:--help").prepare(restart(unit))


async def test_a_docker_that_only_root_may_ask_is_asked_through_sudo() -> None:
    stage = stage_of(FakeDocker(is_locked=True))
    prepared = await stage.prepare(restart())
    assert prepared.plan.steps[0].argv == ("sudo", "-n", "docker", "restart", "vllm")
    assert prepared.plan.running_there[0].startswith("root's docker container vllm")
    assert (await stage.run(prepared)).kind is OutcomeKind.VERIFIED


async def test_a_docker_that_cannot_be_asked_without_a_password_says_what_to_do() -> None:
    stage = stage_of(FakeDocker(is_locked=True), asker=FakeAsker("secret"))
    stage.transport.sudo = FakeSudo()
    with pytest.raises(ActionError, match="permission denied") as refused:
        await stage.prepare(restart())
    assert "group docker" in refused.value.mend
    assert not isinstance(refused.value, GuardRefused)


async def test_a_podman_of_root_is_found_where_the_login_has_none_of_that_name() -> None:
    stage = stage_of(FakeDocker(program="podman"))
    calls: list[tuple[str, ...]] = []
    answer = stage.transport.answer

    def mine_are_others(argv: tuple[str, ...]) -> Completed:
        calls.append(argv)
        if argv[:2] == ("podman", "inspect"):
            return Completed(125, "", 'Error: no such container "vllm"\n')
        return answer(argv)

    stage.transport.answer = mine_are_others
    prepared = await stage.prepare(restart("podman:vllm"))
    assert prepared.plan.steps[0].argv == ("sudo", "-n", "podman", "restart", "vllm")


async def test_the_health_of_a_service_of_the_containers_name_is_asked() -> None:
    docker = FakeDocker()
    target = HostTarget("h1", units=(BOX,), services=(ServiceSpec("vllm", health="http://127.0.0.1:8000/health"),))
    stage = Stage(lambda argv: Completed(0, "200", "") if argv[0] == "curl" else docker(argv), target)
    outcome = await stage.run(await stage.prepare(restart()))
    assert outcome.summary.endswith("http://127.0.0.1:8000/health answers 200")


# Compose


async def test_a_service_is_scaled_up() -> None:
    stage = stage_of()
    prepared = await stage.prepare(scale(3))
    (step,) = prepared.plan.steps
    assert step.argv == (
        *("docker", "compose", "--project-directory", "/srv/vllm", "up", "--detach", "--no-recreate", "--no-deps"),
        *("--scale", "api=3", "api"),
    )
    assert prepared.plan.title == "Scale api to 3 on h1"
    outcome = await stage.run(prepared)
    assert outcome.kind is OutcomeKind.VERIFIED
    assert "3 containers run" in outcome.summary


@pytest.mark.parametrize("replicas", [0, 1])
async def test_a_service_is_scaled_down_and_what_goes_is_warned_of(replicas: int) -> None:
    stage = stage_of(FakeDocker([FakeContainer(f"api-{n}", f"{n + 10:064x}") for n in range(2)]))
    prepared = await stage.prepare(scale(replicas))
    assert f"{2 - replicas} of 2 copies are stopped and removed; Compose chooses which" in prepared.plan.warnings
    assert (await stage.run(prepared)).kind is OutcomeKind.VERIFIED


async def test_a_scale_that_compose_ignores_is_not_verified() -> None:
    stage = stage_of(FakeDocker(obeys=False))
    outcome = await stage.run(await stage.prepare(scale(3)))
    assert (outcome.kind, outcome.summary) == (
        OutcomeKind.NOT_VERIFIED,
        "api: 1 container runs, and there should be 3",
    )


async def test_copies_that_changed_since_the_plan_are_refused() -> None:
    docker = FakeDocker()
    stage = stage_of(docker)
    prepared = await stage.prepare(scale(3))
    docker.containers.append(FakeContainer("more", "f" * 64))
    objection = await prepared.deed.check_again()
    assert objection is not None
    assert objection.rule == "changed-since"


async def test_a_copy_that_restarts_itself_again_and_again_may_be_restarted() -> None:
    docker = FakeDocker()
    stage = stage_of(docker)
    prepared = await stage.prepare(restart(API))
    docker.containers[0].starts += 1
    assert await prepared.deed.check_again() is not None
    docker.containers[0].restarts += 1
    assert await prepared.deed.check_again() is None


async def test_all_copies_of_a_service_are_restarted() -> None:
    docker = FakeDocker([FakeContainer(f"api-{n}", f"{n + 10:064x}") for n in range(2)])
    stage = stage_of(docker)
    prepared = await stage.prepare(restart(API))
    assert prepared.plan.steps[0].argv[2:] == ("--project-directory", "/srv/vllm", "restart", "api")
    assert (await stage.run(prepared)).kind is OutcomeKind.VERIFIED


async def test_a_copy_that_was_not_restarted_is_told() -> None:
    docker = FakeDocker([FakeContainer(f"api-{n}", f"{n + 10:064x}") for n in range(2)])
    stage = stage_of(docker)
    prepared = await stage.prepare(restart(API))
    docker.start = lambda boxes: setattr(docker.containers[0], "starts", 2)  # type: ignore[method-assign]
    outcome = await stage.run(prepared)
    assert outcome.summary == "api: 1 of 2 were not restarted"


async def test_more_copies_than_can_be_looked_at_are_refused() -> None:
    with pytest.raises(ActionError, match="too many"):
        await stage_of().prepare(scale(101))


async def test_a_compose_that_answers_nonsense_is_not_acted_on() -> None:
    stage = stage_of()
    stage.transport.instead["compose"] = Completed(0, "--all\n", "")
    with pytest.raises(ActionError, match="makes no sense"):
        await stage.prepare(scale(2))


async def test_a_compose_of_root_is_scaled_through_sudo() -> None:
    stage = stage_of(FakeDocker(is_locked=True))
    prepared = await stage.prepare(scale(2))
    assert prepared.plan.steps[0].argv[:4] == ("sudo", "-n", "docker", "compose")
    await obtain(prepared)


# What inspect prints


def test_podman_3_calls_its_health_otherwise() -> None:
    state = {"Status": "running", "Running": True, "StartedAt": "x", "Healthcheck": {"Status": "healthy"}}
    container = parse_container(f'"abc" "vllm" "image" 0 {json.dumps(state)}')
    assert container is not None
    assert container.words == "running (healthy), of image, since x"


def test_what_is_not_said_is_missing_not_zero() -> None:
    container = parse_container('"abc" "/vllm" null null {"Running": "yes", "ExitCode": "0"}')
    assert container is not None
    assert (container.is_running, container.restarts, container.exit_code) == (False, None, None)
    assert container.words == "in an unknown state"


@pytest.mark.parametrize("text", ["", "[]", '"a" "b" "c" 0', '"a" "b" "c" 0 {} {}', '"" "b" "c" 0 {}', "{" * 100_000])
def test_what_makes_no_sense_is_no_container(text: str) -> None:
    assert parse_container(text) is None


@given(st.text(max_size=200))
def test_anything_may_be_printed(text: str) -> None:
    parse_container(text)
    shown = parse_container(
        f'{json.dumps("x" + text)} {json.dumps(text)} {json.dumps(text)} 0 {{"Status": {json.dumps(text)}}}'
    )
    assert shown is not None
    assert shown.words.isprintable()


@pytest.mark.parametrize(("replicas", "undo"), [(3, "1"), (0, "1"), (1, None)])
async def test_a_scale_is_taken_back_by_the_count_it_had(replicas: int, undo: str | None) -> None:
    plan = (await stage_of().prepare(scale(replicas))).plan
    assert (plan.undo and plan.undo.param("replicas")) == undo
    assert plan.undo is None or (plan.undo.action, plan.undo.unit, plan.undo.host) == ("scale", API, "h1")
