"""Whatever another inventory prints: hosts that are fit to dial and to show, or a reason, and never anything else."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leptontui.config.ansible import hosts_of_tree, jump_of
from leptontui.config.ansible_ini import parse_ansible_ini
from leptontui.config.ansible_yaml import parse_ansible_list, parse_ansible_yaml
from leptontui.config.file_sd import parse_file_sd
from leptontui.config.found import FoundHost, NotUnderstood, sorted_out
from leptontui.config.kube_nodes import parse_kube_nodes
from leptontui.config.named_hosts import parse_named_hosts
from leptontui.config.slurm_nodes import parse_slurm_json, parse_slurm_text
from leptontui.config.ssh_names import ssh_config_hosts
from leptontui.inventory.commands import read_any

SOURCES = Path(__file__).parent / "sources"


def _tree_hosts(parse: Callable) -> Callable[[str], list[FoundHost]]:
    return lambda text: hosts_of_tree(parse(text), file="x", folder=Path("/"))[0]


def _ini(text: str) -> list[FoundHost]:
    tree, wrong = parse_ansible_ini(text)
    assert all(problem.line for problem in wrong)
    return hosts_of_tree(tree, file="x", folder=Path("/"))[0]


READERS: dict[str, Callable[[str], list[FoundHost]]] = {
    "slurm text": lambda text: parse_slurm_text(text, "x"),
    "slurm json": lambda text: parse_slurm_json(text, "x"),
    "kubectl": lambda text: parse_kube_nodes(text, "x"),
    "names": lambda text: parse_named_hosts(text, "x"),
    "file_sd json": lambda text: parse_file_sd(text, "x", is_json=True),
    "file_sd yaml": lambda text: parse_file_sd(text, "x", is_json=False),
    "ansible ini": _ini,
    "ansible yaml": _tree_hosts(parse_ansible_yaml),
    "ansible listing": _tree_hosts(parse_ansible_list),
    "ssh config": lambda text: ssh_config_hosts(Path("/c"), lambda path: text, lambda base, pattern: [Path("/d")]),
    "any": lambda text: read_any(text, "x"),
}

_WORDS = st.sampled_from(
    ["nodes", "items", "hosts", "name", "_meta", "hostvars", "all", "children", "vars", "targets", "labels", "metadata",
     "status", "addresses", "state", "partitions", "gres", "port", "ansible_port", "ansible_host", "gpu[1:3]", "a:22"]
)  # fmt: skip
_LEAF = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | _WORDS
_TREE = st.recursive(
    _LEAF, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_WORDS | st.text(max_size=4), inner, max_size=4)
)
_LINES = st.lists(
    st.sampled_from(
        ["[a]", "[a:children]", "[b:vars]", "gpu[1:3] ansible_port=22", "NodeName=a State=IDLE Gres=gpu:8", "Host a b*",
         "Include x", "- targets: [a]", "all:", "  hosts:", "    a:", "x=1", "User git", "a: &x [*x]", "&a b", "!t x"]
    )
    | st.text(max_size=20),
    max_size=8,
).map("\n".join)  # fmt: skip
_RECORDED = [path.read_text() for path in sorted(SOURCES.iterdir())]


@st.composite
def _damaged(draw: st.DrawFn) -> str:
    """A recorded text with a piece taken out and another put in."""
    text = draw(st.sampled_from(_RECORDED))
    start = draw(st.integers(0, len(text)))
    end = min(len(text), start + draw(st.integers(0, 40)))
    return text[:start] + draw(st.text(max_size=6)) + text[end:]


@pytest.mark.parametrize("name", list(READERS))
@given(text=st.one_of(_TREE.map(json.dumps), _LINES, st.text(max_size=100), _damaged()))
def test_hosts_fit_to_dial_or_a_reason(name: str, text: str) -> None:
    try:
        found = sorted_out(READERS[name](text))
    except NotUnderstood:
        return
    assert len({host.name for host in found.hosts}) == len(found.hosts)
    assert all(note.isprintable() for note in found.notes)
    for host in found.hosts:
        assert not host.name.startswith("-")
        assert host.name.isascii()
        assert host.name.isprintable()
        assert host.port is None or 0 < host.port < 65536
        assert all(group and group.isprintable() for group in host.groups)
        assert host.node_state.isprintable()
        assert host.user is None or not host.user.startswith("-")
        assert host.jump is None or not host.jump.startswith("-")


@given(
    st.text(max_size=60)
    | st.lists(st.sampled_from(["-J", "-o", "ProxyJump=x", "ProxyCommand=ssh -W %h:%p b", "'", "-p"])).map(" ".join)
)
def test_arguments_for_ssh_never_raise(args: str) -> None:
    jump = jump_of(args)
    assert jump is None or isinstance(jump, str)
