"""Kubernetes without kubectl: names, budgets, fates of pods, and answers that are no answers."""

import contextlib
import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leptontui.actions.kube_budgets import covers, holdings, matches
from leptontui.actions.kube_names import checked_context, checked_release, checked_workload, kube_node_names
from leptontui.actions.kube_node import look_of, stand_of
from leptontui.actions.kube_objects import Budget, Node, Pod, Pods, Requirement, Selector
from leptontui.actions.kube_pods import (
    Choices,
    Fate,
    age_words,
    at_work,
    fate_of,
    gpus_of,
    grace_s,
    keeps_empty_dir,
    told,
)
from leptontui.actions.kube_preview import pod_lines, pods_allow
from leptontui.actions.kube_workload_objects import WorkloadObject
from leptontui.actions.kubectl import decoded, last_words
from leptontui.errors import ActionError
from leptontui.transport.contract import Completed
from tests.kube import stub_objects

HOSTILE = st.text(st.sampled_from("ab01-._/:;,= \n\t\"'`$(){}|&<>*?[]\\~!#%^+@АаνＡ\u202e\x00\x1b"), max_size=40)


def pod(name="vllm-0", **about) -> Pod:
    return msgspec.convert(stub_objects.pod(name, "gpu-017", **about), Pod)


def budget(name="vllm", allowed=0, *, policy=None, generation=1, **about) -> Budget:
    found = stub_objects.budget(name, allowed, **about)
    found["metadata"]["generation"] = generation
    if policy:
        found["spec"]["unhealthyPodEvictionPolicy"] = policy
    return msgspec.convert(found, Budget)


@given(HOSTILE)
def test_a_hostile_name_is_refused_or_is_just_a_name(text):
    for unit in (text, f"kube:{text}", f"kube:prod/deployment/{text}", f"kube:{text}/deployment/vllm"):
        try:
            workload = checked_workload(unit, (unit,))
        except ActionError:
            continue
        assert set(str(workload)) <= set("abcdefghijklmnopqrstuvwxyz0123456789-./")
        assert not workload.name.startswith("-")
        assert workload.ref.count("/") == 1
    for unit in (f"helm:{text}", f"helm:prod/{text}"):
        try:
            release = checked_release(unit, (unit,))
        except ActionError:
            continue
        assert set(str(release)) <= set("abcdefghijklmnopqrstuvwxyz0123456789-./")
    try:
        names = kube_node_names(text)
    except ActionError:
        return
    for name in names:
        assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-.")
        assert not name.startswith("-")


@given(HOSTILE)
def test_a_hostile_context_is_refused_or_cannot_be_an_option(text):
    try:
        assert not checked_context(text).startswith("-")
    except ActionError:
        return
    assert not set(text) & set(" \n\t\"'`$(){}|&<>*?[]\\;\x00\x1b\u202e")


@pytest.mark.parametrize("kind", ["pod", "job", "deployments", "Deployment", "node", "deploy"])
def test_only_workloads_that_roll_are_workloads(kind):
    with pytest.raises(ActionError):
        checked_workload(f"kube:prod/{kind}/x", (f"kube:prod/{kind}/x",))


def test_names_of_nodes():
    assert kube_node_names("gpu-017") == ("gpu-017",)
    assert kube_node_names("root@GPU-017.example.com:2222") == ("gpu-017.example.com", "gpu-017")
    assert kube_node_names("10.0.0.7") == ("10.0.0.7",)
    for bad in ("gpu_017", "a,b", "-l", "gpu-017/status", "gpu[1-2]", "x" * 260, ""):
        with pytest.raises(ActionError, match="Kubernetes node"):
            kube_node_names(bad)


def test_the_longest_names():
    label, longest = "a" * 63, ".".join(["a" * 63] * 3 + ["b" * 61])
    unit = f"kube:{label}/deployment/{longest}"
    assert checked_workload(unit, (unit,)).name == longest
    for unit in (f"kube:{label}a/deployment/x", f"kube:x/deployment/{longest}a", f"helm:x/{'a' * 54}"):
        with pytest.raises(ActionError):
            checked_workload(unit, (unit,)) if unit.startswith("kube") else checked_release(unit, (unit,))


def test_fates():
    assert fate_of(pod()) is Fate.MOVES
    assert fate_of(pod(owner="DaemonSet/x")) is Fate.DAEMON
    assert fate_of(pod(owner="")) is Fate.ENDS
    assert fate_of(pod(owner="", mirror=True)) is Fate.MIRROR
    assert fate_of(pod(owner="", phase="Failed")) is Fate.CLEARED
    assert keeps_empty_dir(pod(empty_dir=True))
    assert not keeps_empty_dir(pod(empty_dir=True, owner="DaemonSet/x"))
    assert not keeps_empty_dir(pod(empty_dir=True, phase="Succeeded"))
    owned_only = stub_objects.pod("x", "gpu-017")
    owned_only["metadata"]["ownerReferences"][0]["controller"] = None
    assert fate_of(msgspec.convert(owned_only, Pod)) is Fate.ENDS, "an owner that is no controller makes none again"


def test_budgets_as_the_api_server_reads_them():
    running = pod(app="vllm")
    assert holdings([running], [budget(allowed=1, app="vllm")])[0].held == ()
    assert holdings([running], [budget(allowed=0, app="vllm")])[0].held == ("prod/vllm-0",)
    assert holdings([running], [budget(allowed=1, generation=2, app="vllm")])[0].held, "not reckoned anew yet"
    assert holdings([running], [budget(app="other")]) == []
    assert holdings([running], [budget(namespace="else", app="vllm")]) == []
    assert holdings([pod(phase="Pending", app="vllm")], [budget(app="vllm")]) == [], "is evicted whatever it says"
    assert holdings([pod(owner="DaemonSet/x", app="vllm")], [budget(app="vllm")]) == []
    twice = holdings([running], [budget("a", 5, app="vllm"), budget("b", 5, app="vllm")])
    assert [found.held for found in twice] == [("prod/vllm-0",)] * 2, "evictions do not support two budgets"
    assert "more than one budget" in twice[0].why


def test_budgets_and_pods_that_are_not_ready():
    sick = pod(ready=False, app="vllm")
    assert holdings([sick], [budget(needs=2, has=1, app="vllm")])[0].held
    assert holdings([sick], [budget(needs=2, has=1, policy="AlwaysAllow", app="vllm")])[0].held == ()
    assert holdings([sick], [budget(needs=2, has=2, app="vllm")])[0].held == (), "enough others are healthy"
    assert holdings([sick], [budget(needs=0, has=0, app="vllm")])[0].held


def test_a_budget_that_holds_comes_first():
    found = holdings([pod("a", app="a"), pod("b", app="b")], [budget("a", 1, app="a"), budget("b", 0, app="b")])
    assert [one.name for one in found] == ["prod/b", "prod/a"]
    assert (found[0].is_short, found[1].is_short) == (True, False)


@pytest.mark.parametrize(
    ("operator", "values", "fits"),
    [
        ("In", ["x", "vllm"], True),
        ("In", ["x"], False),
        ("NotIn", ["x"], True),
        ("NotIn", ["vllm"], False),
        ("Exists", None, True),
        ("DoesNotExist", None, False),
        ("Gt", ["1"], False),
    ],
)
def test_selectors(operator, values, fits):
    selector = Selector(match_expressions=[Requirement("app", operator, values)])
    assert matches(selector, {"app": "vllm"}) is fits
    assert matches(Selector(), {}), "an empty one takes all of its namespace"
    assert not covers(Budget(), pod(app="vllm")), "none at all takes none"


def test_what_kubectl_would_not_begin_with():
    pods = [pod("a", empty_dir=True), pod("b", owner="")]
    assert pods_allow(pods, Choices()).rule == "emptydir-kept"
    assert pods_allow(pods, Choices(deletes_empty_dir=True)).rule == "unmanaged-pods"
    assert pods_allow(pods, Choices(deletes_empty_dir=True, forces=True)) is None
    assert Choices(deletes_empty_dir=True, forces=True, bypasses=True).flags == (
        "--ignore-daemonsets",
        "--delete-emptydir-data",
        "--force",
        "--disable-eviction",
    )


def test_pods_are_told_without_what_could_harm_a_terminal():
    hostile = stub_objects.pod("x\x1b]0;y\x07", "gpu-017", owner="Job/\u202eevil\nline", gpus=2)
    hostile["metadata"]["namespace"] = "a\x9b2Jb"
    lines = pod_lines([msgspec.convert(hostile, Pod)], (), 1_800_000_000.0, Choices())
    assert all(line.isprintable() for line in lines)
    assert "2 GPUs" in lines[0]
    many = pod_lines([pod(f"p-{n}") for n in range(30)], (), 1_800_000_000.0, None)
    assert many[-1] == "… and 10 more pods"


def test_counts_and_times():
    assert gpus_of(pod(gpus=8)) == 8
    strange = stub_objects.pod("x", "gpu-017")
    strange["spec"]["containers"][0]["resources"]["limits"] = {"nvidia.com/gpu": "99999999", "cpu": 1.5}
    assert gpus_of(msgspec.convert(strange, Pod)) == 0
    assert grace_s([]) == 30
    now = 1_800_000_000.0  # 2027-01-15T08:00:00Z
    assert age_words("2027-01-15T07:59:30Z", now) == "30 s"
    assert age_words("2027-01-15T04:48:00Z", now) == "3 h 12 min"
    assert age_words("2027-01-13T06:00:00Z", now) == "2 d 2 h"
    assert age_words("2030-01-13T06:00:00Z", now) == "0 s", "a clock that is ahead"
    assert age_words("yesterday", now) == age_words(None, now) == age_words("2027-01-15", now) == ""


KEYS = st.sampled_from(["items", "metadata", "spec", "status", "name", "labels", "conditions", "limits", "containers"])
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)
JSON = st.recursive(LEAVES, lambda part: st.lists(part, max_size=3) | st.dictionaries(KEYS, part), max_leaves=20)


@given(JSON, st.lists(KEYS, min_size=1, max_size=4))
def test_any_json_is_understood_or_refused_in_words(document, path):
    whole = {"items": [stub_objects.pod("x", "gpu-017")]}
    at = whole["items"][0]
    for key in path[:-1]:
        at = at.setdefault(key, {}) if isinstance(at.get(key, {}), dict) else at
    at[path[-1]] = document
    for kind, said in ((Node, document), (Budget, document), (WorkloadObject, document), (Pods, whole)):
        try:
            found = decoded(json.dumps(said), kind, "kubectl on login1")
        except ActionError:
            continue
        if isinstance(found, Node):
            look_of(found)
        if isinstance(found, Pods):
            assert all(told(one, 0.0).isprintable() for one in found.items or ())
            assert len(at_work(found.items or ())) <= len(found.items or ())


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '{"items": 1}', "\ud800", "[" * 100_000, '{"x":' * 100_000, '{"items": [{"spec": 7}]}'],
)
def test_what_is_no_answer(text):
    with pytest.raises(ActionError):
        decoded(text, Pods, "kubectl on login1")


def test_deep_nesting_beside_what_is_read():
    deep = '{"items": [], "junk": ' + "[" * 100_000 + "]" * 100_000 + "}"
    with contextlib.suppress(ActionError):  # refused or skipped, but not the end of the program
        assert decoded(deep, Pods, "kubectl").items == []


def test_a_node_that_is_not_ready_is_never_called_empty():
    node = look_of(msgspec.convert(stub_objects.node("gpu-017", ready=False, unschedulable=True), Node))
    stand = stand_of(node, [])
    assert (stand.is_out, stand.is_empty, stand.is_well) == (True, None, False)
    assert "safe" not in stand.said


def test_what_kubectl_says_itself_comes_before_its_library():
    log = 'E1121 19:06:24.681104   16507 memcache.go:265] "Unhandled Error" err="x"\n'
    assert last_words(Completed(1, "", f"{log}{log}The connection to the server x was refused")).startswith("The conn")
    assert last_words(Completed(1, "", "Warning: x\nerror: unable to drain node")) == "error: unable to drain node"
    assert last_words(Completed(3, "", log)) == "exit status 3, without a word"
