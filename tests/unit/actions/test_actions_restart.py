"""Restarts of units: the host's and the login's own, how long they are watched, and what they say of their health."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leptontui.actions.systemd import UnitState, parse_unit
from leptontui.errors import ActionError
from leptontui.model.action import ActionName, ActionRequest, OutcomeKind
from leptontui.model.target import HostTarget, ServiceSpec
from leptontui.transport.contract import Completed
from tests.unit.actions.actions_scene import UNIT, FakeAsker, FakeSystemd, link_error
from tests.unit.actions.services_stage import Stage

OWN = f"user:{UNIT}"
URL = "http://127.0.0.1:8000/health"


@dataclass
class Machine:
    """A systemd with root logged in, and curl in front of a service that gives these answers in turn."""

    systemd: FakeSystemd
    answers: tuple[Completed, ...] = ()

    def __call__(self, argv: tuple[str, ...]) -> Completed:
        if argv[0] in {"curl", "python3"}:
            answer, self.answers = self.answers[0], self.answers[1:] or self.answers
            return answer
        return self.systemd(argv)


def http(status: int) -> Completed:
    return Completed(0, str(status), "")


def stage_of(*answers: Completed, unit: str = UNIT, **systemd: object) -> Stage:
    services = (ServiceSpec("vllm", health=URL),) if answers else (ServiceSpec("vllm", metrics=URL),)
    target = HostTarget("h1", group="gpus", units=(unit,), services=services)
    return Stage(Machine(FakeSystemd(uid=0, **systemd), answers), target)  # type: ignore[arg-type]


async def restart(stage: Stage) -> tuple[OutcomeKind, str]:
    unit = stage.target.units[0]
    outcome = await stage.run(await stage.prepare(ActionRequest(ActionName.RESTART_UNIT, "h1", unit=unit)))
    return outcome.kind, outcome.summary


async def test_a_unit_of_the_logins_own_is_restarted_without_root() -> None:
    stage = stage_of(unit=OWN)
    stage.transport.answer.systemd.uid = 1000  # type: ignore[attr-defined]
    prepared = await stage.prepare(ActionRequest(ActionName.RESTART_UNIT, "h1", unit=OWN))
    (step,) = prepared.plan.steps
    assert step.argv == ("env", "XDG_RUNTIME_DIR=/run/user/1000", "systemctl", "--user", "restart", UNIT)
    assert prepared.plan.title == f"Restart {UNIT} (of oncall) on h1"
    assert prepared.plan.warnings == ()
    assert (await stage.run(prepared)).kind is OutcomeKind.VERIFIED
    assert not any("sudo" in argv for argv in stage.transport.ran)


async def test_a_login_without_linger_is_warned_of() -> None:
    stage = stage_of(unit=OWN)
    stage.transport.instead["loginctl"] = Completed(0, "Linger=no\n", "")
    prepared = await stage.prepare(ActionRequest(ActionName.RESTART_UNIT, "h1", unit=OWN))
    assert prepared.plan.warnings == (
        "the login has no linger there: its own systemd, and this unit, end with its last session",
    )


async def test_a_login_without_a_systemd_of_its_own_cannot_be_planned() -> None:
    stage = stage_of(unit=OWN)
    stage.transport.instead["--user show"] = Completed(1, "", "Failed to connect to bus: No such file or directory\n")
    with pytest.raises(ActionError, match="Failed to connect to bus") as refused:
        await stage.prepare(ActionRequest(ActionName.RESTART_UNIT, "h1", unit=OWN))
    assert "linger" in refused.value.mend


async def test_a_unit_that_dies_after_five_seconds_is_not_verified() -> None:
    stage = stage_of()
    systemd = stage.transport.answer.systemd  # type: ignore[attr-defined]

    def die() -> None:
        if sum(stage.slept) >= 5:
            systemd.active, systemd.sub = "activating", "auto-restart"

    stage.on_sleep = die
    kind, summary = await restart(stage)
    assert kind is OutcomeKind.NOT_VERIFIED
    assert "came up and did not stay: activating (auto-restart)" in summary
    assert sum(stage.slept) == 6


async def test_a_unit_that_dies_and_is_up_again_between_two_looks_is_not_verified() -> None:
    stage = stage_of()
    systemd = stage.transport.answer.systemd  # type: ignore[attr-defined]

    def loop() -> None:
        if sum(stage.slept) == 6:
            systemd.starts += 1
            systemd.restarts_itself += 1

    stage.on_sleep = loop
    assert (await restart(stage))[0] is OutcomeKind.NOT_VERIFIED


async def test_a_unit_that_takes_long_to_stop_is_waited_for_as_long_as_its_file_allows() -> None:
    stage = stage_of()
    systemd = stage.transport.answer.systemd  # type: ignore[attr-defined]
    stage.transport.instead["systemctl restart"] = link_error("the link dropped")
    prepared = await stage.prepare(ActionRequest(ActionName.RESTART_UNIT, "h1", unit=UNIT))
    systemd.active, systemd.sub = "deactivating", "stop-sigterm"

    def stopped() -> None:
        if sum(stage.slept) >= 80 and systemd.starts == 1:
            systemd.active, systemd.sub, systemd.starts = "active", "running", 2

    stage.on_sleep = stopped
    outcome = await stage.run(prepared)
    assert outcome.kind is OutcomeKind.VERIFIED, outcome
    assert "may or may not have run: the link dropped; asked again: vllm.service is active" in outcome.summary


async def test_the_health_of_a_service_of_the_same_name_is_part_of_it() -> None:
    stage = stage_of(Completed(7, "000", "curl: (7) Failed to connect\n"), http(503), http(503), http(200))
    prepared = await stage.prepare(ActionRequest(ActionName.RESTART_UNIT, "h1", unit=UNIT))
    assert prepared.plan.verification.endswith(f"still so after 10 s, and {URL} answers 2xx")
    outcome = await stage.run(prepared)
    assert outcome.kind is OutcomeKind.VERIFIED
    assert outcome.summary.endswith(f"up for 16 s; {URL} answers 200")


async def test_a_service_that_never_gets_well_is_not_verified() -> None:
    stage = stage_of(http(503))
    kind, summary = await restart(stage)
    assert kind is OutcomeKind.NOT_VERIFIED
    assert summary == f"{UNIT} is up, but not well after 310 s: {URL} answers 503"
    assert any("waiting for it" in line for line in stage.told)


@pytest.mark.parametrize(
    ("answers", "kind", "said"),
    [
        ((Completed(127, "", "curl: not found"), http(204)), OutcomeKind.VERIFIED, "answers 204"),
        ((Completed(127, "", "not found"),), OutcomeKind.VERIFIED, "its health was not asked"),
        ((Completed(0, "2xx", ""),), OutcomeKind.NOT_VERIFIED, "does not answer"),
        ((http(302),), OutcomeKind.NOT_VERIFIED, "answers 302"),
    ],
)
async def test_how_health_is_asked(answers: tuple[Completed, ...], kind: OutcomeKind, said: str) -> None:
    assert (await restart(stage_of(*answers)))[0] is kind
    stage = stage_of(*answers)
    assert said in (await restart(stage))[1]


async def test_a_url_is_one_argument_and_no_option() -> None:
    stage = stage_of(http(200))
    await restart(stage)
    asked = next(argv for argv in stage.transport.ran if argv[0] == "curl")
    assert asked[-2:] == ("--url", URL)


@pytest.mark.parametrize(
    ("said", "watch_s"),
    [
        ("", 10.0),
        ("NRestarts=7\n", 30.0),
        ("Result=exit-code\nExecMainStartTimestampMonotonic=1000000\nExecMainExitTimestampMonotonic=41000000\n", 45.0),
        (
            (
                "Result=exit-code\nRestartUSec=1min 30s\nExecMainStartTimestampMonotonic=1\n"
                "ExecMainExitTimestampMonotonic=40000001\n"
            ),
            120.0,
        ),
        ("Result=success\nExecMainStartTimestampMonotonic=1\nExecMainExitTimestampMonotonic=40000001\n", 10.0),
        ("Result=exit-code\nExecMainStartTimestampMonotonic=9\nExecMainExitTimestampMonotonic=0\n", 10.0),
    ],
)
def test_a_unit_that_fell_over_before_is_watched_for_as_long_as_it_lived(said: str, watch_s: float) -> None:
    assert parse_unit(UNIT, said).watch_s == watch_s


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("100ms", 0.1), ("1min 30s", 90.0), ("0", 0.0), ("infinity", None), ("", None), ("5", None), ("1h 5 s", None)],
)
def test_time_spans_of_systemd(text: str, seconds: float | None) -> None:
    assert parse_unit(UNIT, f"TimeoutStartUSec={text}\n").start_within_s == seconds


@given(st.text(max_size=300))
def test_any_answer_gives_a_sane_watch(text: str) -> None:
    for key in ("RestartUSec", "NRestarts", "ExecMainStartTimestampMonotonic", "TimeoutStopUSec"):
        assert 10.0 <= parse_unit(UNIT, f"Result=x\n{key}={text}\n").watch_s <= 120.0


def test_waiting_for_the_next_try_is_no_transition() -> None:
    assert not UnitState(UNIT, active="activating", sub="auto-restart").is_in_transition
    assert UnitState(UNIT, active="activating", sub="start").is_in_transition


async def test_a_unit_that_may_start_slowly_has_more_time() -> None:
    stage = stage_of()
    show = stage.transport.answer.systemd.show() + "TimeoutStartUSec=10min\nTimeoutStopUSec=1min 30s\n"  # type: ignore[attr-defined]
    stage.transport.instead["systemctl show"] = Completed(0, show, "")
    prepared = await stage.prepare(ActionRequest(ActionName.RESTART_UNIT, "h1", unit=UNIT))
    assert prepared.plan.steps[0].timeout_s == 700.0


@pytest.mark.parametrize("unit", ["kube:prod/deployment/vllm", "helm:prod/vllm"])
async def test_what_this_action_is_not_for_is_said(unit: str) -> None:
    stage = stage_of(unit=unit)
    action = ActionName.RESTART_UNIT if unit.startswith("helm") else ActionName.SCALE
    params = () if action is ActionName.RESTART_UNIT else (("replicas", "2"),)
    with pytest.raises(ActionError):
        await stage.prepare(ActionRequest(action, "h1", unit=unit, params=params))
    assert not any("restart" in argv for argv in stage.transport.ran)


async def test_what_is_restarted_with_it_and_what_it_said_last_are_told_first() -> None:
    stage = stage_of()
    show = stage.transport.answer.systemd.show() + (  # type: ignore[attr-defined]
        "RequiredBy=multi-user.target vllm-proxy.service\nBoundBy=\nConsistsOf=vllm-proxy.service vllm-log.service\n"
    )
    stage.transport.instead["systemctl show"] = Completed(0, show, "")
    journal = "".join(f"2026-11-21 vllm[1]: line {n} \x1b[31mred\n" for n in range(9))
    stage.transport.instead["journalctl"] = Completed(0, journal, "")
    plan = (await stage.prepare(ActionRequest(ActionName.RESTART_UNIT, "h1", unit=UNIT))).plan
    assert plan.warnings == (
        "systemd stops, and starts again where they ran, what depends on it: vllm-proxy.service, vllm-log.service",
    )
    assert plan.running_there[1:] == tuple(f"journal: 2026-11-21 vllm[1]: line {n} red" for n in range(4, 9))


async def test_a_journal_that_cannot_be_read_is_no_reason_not_to_plan() -> None:
    stage = stage_of()
    stage.transport.instead["journalctl"] = link_error()
    plan = (await stage.prepare(ActionRequest(ActionName.RESTART_UNIT, "h1", unit=UNIT))).plan
    assert len(plan.running_there) == 1


@pytest.mark.parametrize(
    "said",
    [
        "sudo: Command not found.\n",
        "sudo: sorry, you must have a tty to run sudo\n",
        'sudo: The "no new privileges" flag is set, which prevents sudo from running as root.\n',
        "",
    ],
)
async def test_a_sudo_that_no_password_would_help_asks_for_none(said: str) -> None:
    stage = Stage(FakeSystemd(), HostTarget("h1", units=(UNIT,)), asker=FakeAsker("secret"))
    stage.transport.instead["sudo -n -l"] = Completed(1, "", said)
    plan = (await stage.prepare(ActionRequest(ActionName.RESTART_UNIT, "h1", unit=UNIT))).plan
    assert not plan.steps[0].wants_password
    assert plan.warnings[0].startswith("sudo is likely to refuse it: ")
