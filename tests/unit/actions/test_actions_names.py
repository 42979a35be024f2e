"""Names and reasons: rejected, or exactly one argument that means what it says."""

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leptontui.actions.names import (
    MAX_REASON,
    UnitReference,
    checked_unit,
    is_reason_of,
    node_names,
    reason_of,
    user_label,
)
from leptontui.errors import ActionError
from leptontui.model.action import ActionName, ActionRequest
from leptontui.model.target import HostTarget
from tests.unit.actions.actions_scene import FakeSlurm, Scene

NASTY = st.text(
    st.one_of(st.sampled_from("ab0-_.@: =;|&$`'\"\\()[]{}*?!#~<>\n\r\t\0\x1b\x7f\u202e\u2028é🔥"), st.characters()),
    max_size=60,
)
ONE_NODE = re.compile(r"nodename=[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")


@given(NASTY)
def test_a_unit_is_refused_or_a_plain_name(unit: str) -> None:
    try:
        checked = checked_unit(unit, (unit,))
    except ActionError:
        return
    assert checked.text == unit
    assert re.fullmatch(r"[A-Za-z0-9_/][A-Za-z0-9:_.@+/\\-]*", checked.name)
    assert ".." not in checked.name.split("/")


@pytest.mark.parametrize("unit", ["vllm@0.service", "dev-sda\\x2d1.swap", "a.timer", "ollama"])
def test_a_unit_that_systemd_takes_is_taken(unit: str) -> None:
    assert checked_unit(unit, (unit,)) == UnitReference(unit, "systemd", unit)


@pytest.mark.parametrize(
    "unit",
    ["", "-a", "*", "a*", "a b", "a;b", "a/b", "a\nb", "$(a)", "[a]", ".hidden", "é", "a\n", "x" * 256],
)
def test_a_unit_that_could_be_read_otherwise_is_refused(unit: str) -> None:
    with pytest.raises(ActionError, match="not the name of a systemd unit"):
        checked_unit(unit, (unit,))


@pytest.mark.parametrize(
    ("host", "names"),
    [
        ("gpu-017", ("gpu-017",)),
        ("gpu-017.train.example", ("gpu-017.train.example", "gpu-017")),
        ("oncall@gpu-017:2222", ("gpu-017",)),
        ("10.0.0.17", ("10.0.0.17",)),
    ],
)
def test_what_slurm_may_call_a_host(host: str, names: tuple[str, ...]) -> None:
    assert node_names(host) == names


@pytest.mark.parametrize(
    "host",
    ["", "ALL", "all", "gpu[0-9]", "gpu1,gpu2", "-gpu", "gpu 1", "gpu;reboot", "gpu\n", "fe80::1", "gpu=1"],
)
def test_what_is_not_one_node_is_refused(host: str) -> None:
    with pytest.raises(ActionError, match="cannot be the name of one Slurm node"):
        node_names(host)


def test_a_word_that_means_all_nodes_is_not_tried_for_a_longer_name() -> None:
    assert node_names("all.train.example") == ("all.train.example",)


@given(NASTY, NASTY)
def test_a_reason_is_refused_or_one_printable_line_with_its_author(user: str, why: str) -> None:
    try:
        reason = reason_of(user, why)
    except ActionError:
        return
    assert reason.isprintable()
    assert len(reason) <= MAX_REASON
    assert '"' not in reason
    assert is_reason_of(user, reason)
    assert reason.startswith(f"{user_label(user)}: ")


def test_slurms_own_reason_is_kept_even_with_a_long_one_before_it() -> None:
    reason = reason_of("anna", "x" * 500, before="Not responding")
    assert reason.endswith("… (was: Not responding)")
    assert len(reason) == MAX_REASON


def test_a_user_whose_name_begins_alike_is_somebody_else() -> None:
    assert not is_reason_of("ann", "anna: fan")
    assert not is_reason_of("anna", "annabel: fan")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(host=NASTY, why=NASTY, user=NASTY)
async def test_a_drain_of_anything_is_refused_or_exactly_five_arguments(
    tmp_path: Path, host: str, why: str, user: str
) -> None:
    target = HostTarget(host, scheduler="slurm", controller="login1")
    scene = Scene(tmp_path / "audit.jsonl", target=target, user=user, fellows=0)

    class Anything(dict[str, list[str]]):
        def __missing__(self, name: str) -> list[str]:
            return self.setdefault(name, ["IDLE", ""])

        def __contains__(self, name: object) -> bool:
            return True

    scene.controller.answer = FakeSlurm(Anything())
    try:
        plan = await scene.desk.plan(ActionRequest(ActionName.DRAIN, host, reason=why))
    except ActionError:
        assert scene.changes == []
        return
    (step,) = plan.steps
    assert step.argv[:2] == ("scontrol", "update")
    assert ONE_NODE.fullmatch(step.argv[2])
    assert step.argv[3] == "state=DRAIN"
    assert step.argv[4].startswith(f"reason={user_label(user)}: ")
    assert len(step.argv) == 5


@pytest.mark.parametrize(
    ("text", "kind", "name"),
    [
        ("vllm.service", "systemd", "vllm.service"),
        ("user:vllm.service", "user", "vllm.service"),
        ("docker:vllm", "docker", "vllm"),
        ("podman:vllm_1.a-b", "podman", "vllm_1.a-b"),
        ("compose:/srv/vllm/api", "compose", "/srv/vllm/api"),
        ("kube:prod/deployment/vllm", "kube", "prod/deployment/vllm"),
        ("helm:prod/vllm", "helm", "prod/vllm"),
    ],
)
def test_what_an_action_may_be_about(text: str, kind: str, name: str) -> None:
    assert checked_unit(text, (text,)) == UnitReference(text, kind, name)


@pytest.mark.parametrize(
    "text",
    [
        "user:",
        "user:-a.service",
        "user:a;b.service",
        "docker:",
        "docker:-v",
        "docker:a b",
        "docker:../x",
        "podman:$(id)",
        "podman:vllm\n",
        "docker:vllｍ",
        "compose:srv/vllm/api",
        "compose:/srv/../etc/api",
        "compose:/srv/vllm/--help",
        "compose:/srv/vl lm/api",
        "kube:prod/pod",
        "helm:prod/-x",
    ],
)
def test_a_reference_that_could_be_read_otherwise_is_refused(text: str) -> None:
    with pytest.raises(ActionError, match="is not"):
        checked_unit(text, (text,))


@given(st.sampled_from(["user", "docker", "podman", "compose", "kube", "helm"]), NASTY)
def test_a_reference_is_refused_or_names_that_no_program_reads_as_options(kind: str, rest: str) -> None:
    text = f"{kind}:{rest}"
    try:
        reference = checked_unit(text, (text,))
    except ActionError:
        return
    parts = reference.name.split("/")
    assert reference.kind == kind
    assert re.fullmatch(r"[A-Za-z0-9:_.@+/\\-]+", reference.name)
    assert not any(part.startswith("-") for part in parts if kind != "compose")
    assert not parts[-1].startswith("-")
    assert ".." not in parts
