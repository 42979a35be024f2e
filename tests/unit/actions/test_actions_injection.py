"""Whatever stands in a name, a reason or a parameter: it is refused, or it is one whole argument of one command.

Every preparer is tried, with hosts that oblige: they know every name that they are asked for, so that a plan is made
wherever the preparer itself does not refuse. Looked at is every argument vector, that of a question or of a step.
"""

import asyncio
import json
import re
import shlex
import subprocess
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from leptontui.actions.custom import preparer_of
from leptontui.actions.gpu_smi import FIELDS
from leptontui.actions.names import MAX_REASON, node_names, unit_reference
from leptontui.actions.registry import PREPARE
from leptontui.actions.setting import Setting
from leptontui.config.custom_action import Check, CustomAction
from leptontui.errors import ActionError, LeptonError
from leptontui.model.action import ActionRequest, Danger
from leptontui.model.action_catalogue import SHIPPED
from leptontui.model.action_spec import ActionSpec, Parameter, ParameterKind, Where
from leptontui.model.target import Fleet, HostTarget
from leptontui.model.text import plain
from leptontui.transport.contract import Completed
from tests.unit.actions.setting_scene import Answering, said, setting_of

MARK = "zqxj"
"""In every value that is tried, so that it is found wherever it has gone."""

EVIL = (
    *("", " ", "  ", "\t", "\n", "\r\n", "\0", "\x1b[2J", "\x7f", "\u202e", "\u200b", "\u2028", "\ud800"),
    *(";", "&&", "||", "|", "&", ">", "<", ">>/etc/passwd", "#", "!", "~", "*", "?", "[a-z]", "{1..9}"),
    *("$(touch /tmp/x)", "`id`", "${IFS}", "$HOME", "'", '"', "\\", "\\'", "'; reboot; '", '"; reboot; "', "''"),
    *("-", "--", "-n", "--help", "--now", "-oProxyCommand=id", "--kubeconfig=/x", "=", "a=b", ",", ",ALL", "[1-9]"),
    *("/", "../", "../../etc/shadow", "%", "%n", "%s", "{host}", "{0}", "{host.__class__}", ":", "@", "user@", ":22"),
    *("ＡＬＬ", "ａ", "а", "‐", "‑", "－", "；", "＇", "．", "⁄", "１", "٣", "ſ", "K"),
)
values = st.builds(
    lambda before, after: "".join(before) + MARK + "".join(after),
    st.lists(st.one_of(st.sampled_from(EVIL), st.text(max_size=3)), max_size=3),
    st.lists(st.one_of(st.sampled_from(EVIL), st.text(max_size=3)), max_size=3),
)
many = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

BOOT = "0f1e2d3c-0000-4000-8000-000000000001"
SYSTEMD = "LoadState=loaded\nActiveState=active\nSubState=running\nMainPID=4242\nInvocationID=a1\nType=notify\n"
GPU = {
    "index": "3",
    "uuid": "GPU-00000003-aaaa-bbbb-cccc-dddddddddddd",
    "pci.bus_id": "00000000:1A:00.0",
    "name": "H100",
    "persistence_mode": "Enabled",
    "temperature.gpu": "40",
    "memory.used": "4",
    "ecc.errors.uncorrected.volatile.total": "0",
    "clocks.gr": "345",
    "clocks.max.gr": "1980",
}


@dataclass
class Obliging:
    """A host, controller and cluster that know every name.

    Attributes:
        state: of every Slurm node.
        reason: of every Slurm node.
    """

    state: str = "IDLE"
    reason: str = ""

    def __call__(self, argv: tuple[str, ...]) -> Completed:  # noqa: C901, PLR0911, PLR0912 — one return for each program
        match argv:
            case ("sudo", "-n", "-l", *_):
                return said("/usr/bin/x\n")
            case ("sudo", "-n", *rest):
                return self(tuple(rest))
            case ("env", _, *rest):
                return self(tuple(rest))
            case ("systemctl", "show", *_) | ("systemctl", "--user", "show", *_):
                return said(SYSTEMD)
            case ("docker" | "podman", "inspect", *_):
                state = {"Status": "running", "Running": True, "StartedAt": "2026-01-01T00:00:00Z"}
                name = argv[-1]
                return said(" ".join(map(json.dumps, ("0123456789ab" * 5, name, "image", 0, state))))
            case ("docker", "compose", *_):
                return said("0123456789ab\n")
            case ("scontrol", "show", "node", name):
                reason = f"   Reason={self.reason} [root@2026-11-21T18:00:00]\n" if self.reason else ""
                return said(f"NodeName={name} Arch=x86_64\n   State={self.state} Owner=N/A\n   Partitions=p \n{reason}")
            case ("scontrol", "show", "config"):
                return said("RebootProgram           = /usr/sbin/reboot\n")
            case ("sinfo", *_) if "-t" not in argv:
                return said("a|idle|p\nb|idle|p\nc|idle|p\n")
            case ("cat", "/proc/sys/kernel/random/boot_id", path):
                pid = path.split("/")[2]
                return said(f"{BOOT}\n{pid} (x) S 1 {' '.join('0' * 17)} 77 0 0\n")
            case ("nvidia-smi", *rest) if rest[0].startswith("--query-gpu="):
                return said(", ".join(GPU[name] for name in FIELDS) + "\n")
            case ("nvidia-smi", *rest) if rest[0].startswith("--query-compute-apps="):
                return said("4242, GPU-x, python, 10\n")
            case ("kubectl", *_):
                return self.kubectl(argv)
            case ("helm", *_):
                return self.helm(argv)
        return said()

    @staticmethod
    def kubectl(argv: tuple[str, ...]) -> Completed:
        words = [word for word in argv[1:] if not word.startswith("-")]
        if "current-context" in words:
            return said("prod\n")
        kind, _, name = (words[1] if len(words) > 1 else "").partition("/")
        name = name or (words[2] if len(words) > 2 else "x")
        namespace = next((word.partition("=")[2] for word in argv if word.startswith("--namespace=")), "")
        ready = [{"type": "Ready", "status": "True"}]
        body = {
            "apiVersion": "v1",
            "kind": kind,
            "metadata": {
                "name": name,
                "namespace": namespace,
                "uid": "u1",
                "generation": 3,
                "annotations": {"deployment.kubernetes.io/revision": "2"},
            },
            "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "x"}}},
            "status": {"conditions": ready, "replicas": 2, "readyReplicas": 2, "observedGeneration": 3},
            "items": [Obliging.replica_set(number) for number in (1, 2)] if "replicasets" in words else [],
        }
        return said(json.dumps(body))

    @staticmethod
    def replica_set(number: int) -> dict[str, object]:
        return {
            "metadata": {
                "name": f"x-{number}",
                "annotations": {"deployment.kubernetes.io/revision": str(number)},
                "ownerReferences": [{"kind": "Deployment", "name": "x", "uid": "u1", "controller": True}],
            }
        }

    @staticmethod
    def helm(argv: tuple[str, ...]) -> Completed:
        old = {"revision": 1, "status": "superseded", "chart": "c-1", "updated": "2026-01-01"}
        if "history" in argv:
            return said(json.dumps([old, {**old, "revision": 2, "status": "deployed"}]))
        return said(json.dumps({"name": "x", "version": 2, "info": {"status": "deployed"}}))


@dataclass
class Tried:
    """One try: the vectors that came of it, whether a plan was made, and what it tells."""

    vectors: list[tuple[str, ...]] = field(default_factory=list)
    is_planned: bool = False
    lines: tuple[str, ...] = ()


UNITS = {
    "restart": (
        *("{}.service", "user:{}.service", "docker:{}", "podman:{}", "compose:/srv/{}/api", "compose:/srv/x/{}"),
        *("kube:prod/deployment/{}", "kube:{}/deployment/x", "kube:prod/{}/x"),
    ),
    "scale": ("compose:/srv/x/{}", "compose:/srv/{}/api", "kube:prod/deployment/{}", "kube:{}/statefulset/x"),
    "roll-back": ("kube:prod/deployment/{}", "helm:prod/{}", "helm:{}/x"),
}
"""Forms of a unit reference, by the action; {} is what is tried."""
GOOD_PARAMS = {
    "gpu": "3",
    "pid": "4242",
    "mode": "on",
    "low": "1000",
    "high": "1500",
    "copies": "3",
    "replicas": "3",
    "standby": "gpu-018",
    "note": "fine",
}
OUT = Obliging("IDLE+DRAIN", "anna: Xid 79")
CUSTOM = CustomAction(
    ActionSpec(
        name="custom/burn-in",
        verb="Burn in",
        title="Burn in {host} with {note}",
        meaning="x",
        danger=Danger.DISRUPTIVE,
        where=Where.HOST,
        command="x",
        affects="x",
        verified_by="x",
        undone_by="x",
        parameters=(Parameter("note", "x", ParameterKind.PATTERN, pattern=r"(?s).*"),),
        takes_unit=True,
        takes_reason=True,
    ),
    ("/opt/burn-in", "{note}", "--note={note}", "{unit}", "--unit={unit}", "--host={host}", "{host}", "{reason}"),
    needs_root=True,
    check=Check(("/opt/burn-in", "status", "--note={note}")),
)
ACTIONS = {**SHIPPED, CUSTOM.spec.name: CUSTOM.spec}
PREPARERS = {**PREPARE, CUSTOM.spec.name: preparer_of(CUSTOM)}


def is_kube(action: str, unit: str) -> bool:
    return action == "cordon" or unit.startswith(("kube:", "helm:"))


def target_of(action: str, host: str, unit: str) -> HostTarget:
    scheduler = "kubernetes" if is_kube(action, unit) else "slurm"
    return HostTarget(host, group="g", units=(unit,) if unit else (), scheduler=scheduler, controller="login1")


def tried(
    action: str,
    *,
    host: str = "gpu-017",
    unit: str = "",
    reason: str = "Xid 79",
    params: dict[str, str] | None = None,
    target: HostTarget | None = None,
) -> Tried:
    """Prepare an action; what is refused is refused with a plain word, never with another error."""
    spec = ACTIONS[action]
    if spec.takes_unit and not unit:
        unit = {"scale": "compose:/srv/x/api", "roll-back": "kube:prod/deployment/x"}.get(action, "x.service")
    target = target or target_of(action, host, unit)
    kept = (parameter for parameter in spec.parameters if parameter.default is None)
    given = {parameter.name: GOOD_PARAMS[parameter.name] for parameter in kept if parameter.name in GOOD_PARAMS}
    given |= params or {}
    is_way_back = action in {"undrain", "gpu-reset"}
    obliging = OUT if is_way_back else Obliging()
    answers = {name: Answering(obliging, f"oncall@{name}") for name in (target.name, "login1", "gpu-018")}
    request = ActionRequest(action, target.name, unit, reason, tuple(given.items()))
    found, refusal = Tried(), ""
    try:
        setting = setting_of(request, answers, target=target, spec=spec)
        standby = replace(target, name="gpu-018")
        fleet = Fleet("fleet", (target, standby), {"login1": HostTarget("login1")})
        prepared = asyncio.run(prepare(replace(setting, fleet=fleet)))
    except LeptonError as error:
        refusal = str(error)
    else:
        found.is_planned = True
        steps = (*prepared.plan.steps, *prepared.take_back.values())
        found.vectors += [step.argv for step in steps]
        plan = prepared.plan
        found.lines = (plan.title, *plan.running_there, *plan.after_this, *plan.warnings)
    assert refusal.isprintable(), "what is refused is told in words that are fit for a screen"
    found.vectors += [vector for answer in answers.values() for vector in answer.ran]
    return found


async def prepare(setting: Setting):
    return await PREPARERS[setting.request.action](setting)


ALLOWED_BEFORE = re.compile(
    r"(?:|nodename=|reason=|--(?:note|unit|host|namespace|field-selector|from-literal)=(?:[a-zA-Z.]+=)?"
    r"|(?:deployment|statefulset|daemonset)/|/srv/|leptontui/reason=)\Z"
)
"""What may stand before a value in its argument: an option's or a key's name, written by the program."""


def check(found: Tried, whole: set[str]) -> None:
    """Every argument with the mark in it is one of `whole`, with nothing but a key before it, and no option.

    And what the plan tells is fit for a screen.
    """
    assert all(line.isprintable() for line in found.lines), found.lines
    for vector in found.vectors:
        for argument in vector:
            if MARK not in argument:
                continue
            endings = [text for text in whole if argument.endswith(text)]
            assert endings, (argument, whole, vector)
            before = argument.removesuffix(max(endings, key=len))
            assert ALLOWED_BEFORE.match(before), (argument, vector)
            assert before.startswith("--") or not argument.startswith("-"), vector
            assert argument.isprintable(), vector


@pytest.mark.parametrize("action", sorted(PREPARERS))
def test_the_obliging_hosts_let_a_plan_be_made(action: str) -> None:
    assert tried(action).is_planned, "else the properties below would look at refusals alone"


@pytest.mark.parametrize("action", sorted(PREPARERS))
@given(value=values)
@example(value=MARK)
@example(value=f"{MARK}.example.com")
@many
def test_a_host_is_refused_or_one_argument(action: str, value: str) -> None:
    """The inventory takes no such names (`config.hostlist`); this is what stands behind it."""
    found = tried(action, host=value)
    found.lines = tuple(map(plain, found.lines))
    whole = {value}
    try:
        whole |= set(node_names(value)) | set(node_names(value.lower()) if value.isascii() else ())
    except ActionError:
        needs_a_node = any(vector[0] in {"scontrol", "squeue"} and MARK in str(vector) for vector in found.vectors)
        assert not needs_a_node, "Slurm is never asked for what cannot be the name of one node"
    check(found, whole)
    if value == MARK:
        assert found.is_planned


UNIT_FORMS = [(action, form) for action, forms in UNITS.items() for form in forms]


@pytest.mark.parametrize(("action", "form"), UNIT_FORMS)
@given(value=values)
@example(value=MARK)
@many
def test_a_unit_that_the_inventory_lists_is_refused_or_one_argument(action: str, form: str, value: str) -> None:
    unit = form.replace("{}", value)
    found = tried(action, unit=unit)
    try:
        name = unit_reference(unit).name
    except ActionError:
        assert not any(MARK in argument for vector in found.vectors for argument in vector), found.vectors
        return
    # A Compose service is named by its folder and its name, a workload by namespace, kind and name.
    parts = {name, *name.split("/"), name.rpartition("/")[0], name.partition("/")[2]} - {""}
    check(found, parts | {f"{part}=3" for part in parts if action == "scale"})  # compose's --scale SERVICE=3


@pytest.mark.parametrize(("action", "form"), UNIT_FORMS)
@given(value=values)
@many
def test_a_unit_that_the_inventory_does_not_list_is_refused(action: str, form: str, value: str) -> None:
    unit, listed = form.replace("{}", value), form.replace("{}", "x")
    assume(unit != listed)
    target = target_of(action, "gpu-017", listed)
    found = tried(action, unit=unit, target=target)
    assert not found.is_planned
    assert not any(MARK in argument for vector in found.vectors for argument in vector)


WITH_REASON = sorted(name for name, spec in ACTIONS.items() if spec.takes_reason)


@pytest.mark.parametrize("action", WITH_REASON)
@given(value=values)
@example(value=f"-{MARK}")
@example(value=f"{MARK} state=IDLE nodename=ALL")
@many
def test_a_reason_is_refused_or_one_argument_in_one_line(action: str, value: str) -> None:
    found = tried(action, reason=value)
    marked = [argument for vector in found.vectors for argument in vector if MARK in argument]
    for argument in marked:
        key, _, text = argument.partition("=") if "=" in argument.partition(":")[0] else ("", "", argument)
        assert key in {"", "reason", "leptontui/reason"}, argument
        assert text.startswith("anna: "), argument
        assert text.isprintable()
        assert '"' not in text
        assert len(text) <= MAX_REASON
    assert all(sum(MARK in argument for argument in vector) <= 1 for vector in found.vectors), (
        "it stands in a command once"
    )


PARAMETERS = [(name, parameter.name) for name, spec in ACTIONS.items() for parameter in spec.parameters]


@pytest.mark.parametrize(("action", "name"), PARAMETERS)
@given(value=values)
@many
def test_a_parameter_is_refused_or_one_argument(action: str, name: str, value: str) -> None:
    found = tried(action, params={name: value})
    check(found, {value})
    parameter = next(one for one in ACTIONS[action].parameters if one.name == name)
    if parameter.kind is not ParameterKind.PATTERN:
        assert not found.is_planned, "a number or a choice never has the mark in it"


@pytest.mark.parametrize(("action", "name"), [item for item in PARAMETERS if "/" not in item[0]])
@pytest.mark.parametrize(
    "value", ["٣", "３", "1_0", "+3", "-3", "0x3", "3 ", " 3", "3\n", "3\0", "³", "1e2", "1.0", "ALL", "On", "ｏｎ", ""]
)
def test_a_number_that_only_looks_like_one_is_refused(action: str, name: str, value: str) -> None:
    parameter = next(one for one in ACTIONS[action].parameters if one.name == name)
    is_fine = not parameter.complaint(value)
    assert tried(action, params={name: value}).is_planned is (is_fine and value in (*parameter.choices, ""))


@given(arguments=st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",))), max_size=4))
@example(arguments=[value.replace("\0", "") for value in EVIL if value != "\ud800"])
@settings(max_examples=25, deadline=None)
def test_what_a_vector_becomes_for_a_shell_is_the_same_vector(arguments: list[str]) -> None:
    """As the transport quotes it (`shlex.join`), for a real shell."""
    script = shlex.join(["printf", "%s\\0", "+", *arguments])
    done = subprocess.run(["/bin/sh", "-c", script], capture_output=True, check=True)
    assert done.stdout.decode() == "".join(f"{argument}\0" for argument in ["+", *arguments])
