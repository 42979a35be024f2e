"""What other inventories print, recorded or written by hand in the shapes of their versions, and what comes of it."""

import json
from pathlib import Path

import pytest

from leptontui.config.ansible import hosts_of_tree, jump_of
from leptontui.config.ansible_ini import parse_ansible_ini
from leptontui.config.ansible_range import expand_pattern
from leptontui.config.ansible_yaml import parse_ansible_list, parse_ansible_yaml
from leptontui.config.file_sd import host_of_target, parse_file_sd
from leptontui.config.found import FoundHost, NotUnderstood, sorted_out
from leptontui.config.kube_nodes import parse_kube_nodes
from leptontui.config.named_hosts import parse_named_hosts
from leptontui.config.slurm_nodes import is_slurm_empty, parse_slurm_json, parse_slurm_text
from leptontui.config.ssh_names import ssh_config_hosts
from leptontui.config.yaml_text import parse_yaml

SOURCES = Path(__file__).parent / "sources"


def text_of(name: str) -> str:
    return (SOURCES / name).read_text()


def told(hosts: list[FoundHost]) -> list[tuple]:
    return [(host.name, host.address, host.groups, host.node_state, host.gpus) for host in sorted_out(hosts).hosts]


RECORDED = [
    ("cpu1", "10.0.0.31", ("batch",), "unknown", None),
    ("gpu001", "10.0.0.11", ("train",), "unknown", 8),
    ("gpu002", "10.0.0.12", ("train",), "unknown+drain", 8),
    ("gpu003", "10.0.0.13", ("train", "serve"), "unknown+fail", 8),
    ("mixed1", "10.0.0.21", ("serve",), "down", 6),
]
"""A cluster whose reason for draining gpu002 is "Xid 79: off the bus State=IDLE Partitions=none"."""


def test_slurm_text_as_recorded():
    assert told(parse_slurm_text(text_of("slurm_22.05.txt"), "slurm")) == RECORDED


def test_slurm_json_as_recorded_says_the_same():
    assert told(parse_slurm_json(text_of("slurm_22.05.json"), "slurm")) == RECORDED


def test_slurm_json_of_21_08():
    assert told(parse_slurm_json(text_of("slurm_21.08.json"), "slurm")) == [
        ("gpu01", None, ("train",), "mixed", 16),
        ("gpu02", "10.1.0.2", ("train", "debug"), "idle+drain+maint", None),
    ]


def test_slurm_json_of_24_11():
    assert told(parse_slurm_json(text_of("slurm_24.11.json"), "slurm")) == [
        ("h100-001", "10.2.0.1", ("train", "all"), "idle", 8),
        ("h100-002", None, ("all",), "idle+drain+not_responding", 8),
        ("later1", None, (), "future", None),
    ]


@pytest.mark.parametrize("text", ["", "slurm_load_node error: Unable to contact slurm controller", "x=1\n\nNodeNam="])
def test_slurm_text_without_nodes(text):
    assert parse_slurm_text(text, "slurm") == []


def test_slurm_of_an_empty_cluster():
    assert is_slurm_empty("No nodes in the system\n")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"nodes": {}}', "{" * 100_000])
def test_slurm_json_that_is_none(text):
    with pytest.raises(NotUnderstood):
        parse_slurm_json(text, "slurm")


def test_kubernetes_nodes():
    assert told(parse_kube_nodes(text_of("kubectl_nodes.json"), "kubectl")) == [
        ("gke-gpu-pool-1", "10.128.0.7", ("h100", "worker"), "ready", 8),
        ("gpu-b.internal", "fd00::7", ("gpu",), "unknown+cordoned", 4),
        ("cp-1", None, ("control-plane", "etcd"), "not-ready", None),
    ]


@pytest.mark.parametrize("text", ["", "{}", '{"items": 1}', "null"])
def test_kubernetes_nodes_that_are_none(text):
    with pytest.raises(NotUnderstood):
        parse_kube_nodes(text, "kubectl")


FILE_SD = [
    {"targets": ["gpu1:9400", "http://gpu2:9400/metrics"], "labels": {"job": "dcgm", "cluster": "train"}},
    {"targets": ["[fd00::1]:9400", "10.0.0.7"]},
]


def test_file_sd_in_json_and_yaml():
    expected = [
        ("gpu1", None, ("train", "dcgm"), "", None),
        ("gpu2", None, ("train", "dcgm"), "", None),
        ("fd00::1", None, (), "", None),
        ("10.0.0.7", None, (), "", None),
    ]
    in_yaml = "- targets: ['gpu1:9400', 'http://gpu2:9400/metrics']\n  labels: {job: dcgm, cluster: train}\n"
    in_yaml += "- targets:\n  - '[fd00::1]:9400'\n  - 10.0.0.7\n"
    assert told(parse_file_sd(json.dumps(FILE_SD), "x.json", is_json=True)) == expected
    assert told(parse_file_sd(in_yaml, "x.yml", is_json=False)) == expected
    assert parse_file_sd("", "x.yml", is_json=False) == []


@pytest.mark.parametrize(
    "document", [{}, [1], [{"targets": "gpu1"}], [{"targets": [1]}], [{"targets": [], "labels": 1}]]
)
def test_file_sd_that_is_none(document):
    with pytest.raises(NotUnderstood):
        parse_file_sd(json.dumps(document), "x.json", is_json=True)


def test_file_sd_with_a_syntax_error_names_the_line():
    with pytest.raises(NotUnderstood) as in_json:
        parse_file_sd('[\n{"targets": [}]', "x.json", is_json=True)
    with pytest.raises(NotUnderstood) as in_yaml:
        parse_file_sd("- targets:\n  - a\n - b\n", "x.yml", is_json=False)
    assert (in_json.value.line, in_yaml.value.line) == (2, 3)


@pytest.mark.parametrize(
    ("target", "host"),
    [("a", "a"), ("a:1", "a"), ("https://a/x", "a"), ("[::1]:9", "::1"), ("::1", "::1"), ("", ""), ("[", "")],
)
def test_host_of_a_scrape_target(target, host):
    assert host_of_target(target) == host


def test_named_hosts():
    text = json.dumps(
        {
            "hosts": [
                "a",
                {"name": "b", "user": "u", "port": 22, "group": "g", "groups": ["h"], "state": "ok", "gpus": 8},
            ]
        }
    )
    assert parse_named_hosts(text, "cmd") == [
        FoundHost("a"),
        FoundHost("b", user="u", port=22, groups=("g", "h"), node_state="ok", gpus=8),
    ]


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"host": []}, "not a list"),
        ([1], "entry 1"),
        ([{"nam": "x"}], 'did you mean "name"'),
        ([{"user": "x"}], "no name"),
        ([{"name": "x", "port": "22"}], "a whole number"),
        ([{"name": "x", "port": True}], "a whole number"),
        ([{"name": "x", "user": 1}], "a text"),
        ([{"name": "x", "groups": "g"}], "groups"),
        ([{"name": "x", "gpus": -1}], "gpus"),
    ],
)
def test_named_hosts_that_are_none(document, words):
    with pytest.raises(NotUnderstood) as caught:
        parse_named_hosts(json.dumps(document), "cmd")
    assert words in f"{caught.value.found}, {caught.value.expected}"


def test_ansible_ini():
    tree, wrong = parse_ansible_ini(text_of("hosts.ini"))
    assert not wrong
    hosts, notes = hosts_of_tree(tree, file="hosts.ini", folder=Path("/etc/ansible"))
    found = {host.name: host for host in hosts}
    assert list(found) == [
        "login1",
        *(f"gpu{n:03}" for n in (1, 2, 3)),
        *(f"gpu-{letter}.example.org" for letter in "abc"),
        "infer1",
        "infer2",
    ]
    assert notes == ["hosts.ini: laptop left out: not reached over SSH"]
    assert found["login1"] == FoundHost("login1", address="10.0.0.2", where="hosts.ini:2")
    assert found["gpu002"] == FoundHost(
        "gpu002", user="oncall", port=2222, jump="bastion2", groups=("train", "gpus"), where="hosts.ini:5"
    )
    assert found["gpu002"].where == "hosts.ini:5"
    assert found["gpu-b.example.org"].port == 22022
    assert (found["infer1"].user, found["infer1"].address) == ("infer", "10.0.0.9")
    assert found["infer1"].jump == "anna@bastion:2200"
    assert found["infer2"].identity == "/etc/ansible/keys/infer"


def test_ansible_ini_of_one_group_however_deep():
    tree, _ = parse_ansible_ini(text_of("hosts.ini"))
    hosts, _ = hosts_of_tree(tree, file="x", folder=Path("/"), groups=["gpus"])
    assert "login1" not in {host.name for host in hosts}
    assert len(hosts) == 8
    with pytest.raises(NotUnderstood, match="no group 'gpu'"):
        hosts_of_tree(tree, file="x", folder=Path("/"), groups=["gpu"])


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a\n[b:children]\nc\n", 3, "no group 'c'"),
        ("[train\n", 1, "a range such as"),
        ("\na b", 2, "after a host"),
        ("[a:hosts]\n", 1, ":children or :vars"),
        ("[a b]\n", 1, "[name]"),
        ("[a]\n[a:vars]\nuser\n", 3, "name=value"),
        ("[a]\n[b]\n[b:children]\na c\n", 4, "one group's name"),
        ("gpu[1:20001]\n", 1, "more than 10,000"),
        ("gpu[9:1]\n", 1, "smaller one first"),
        ("gpu[x]\n", 1, "a range such as"),
        ('a b="c\n', 1, "no closing quotation"),
        ("[gpus:vars]\nx=1\n", 1, "no group 'gpus'"),
    ],
)
def test_ansible_ini_problems_have_lines(text, line, words):
    _, wrong = parse_ansible_ini(text)
    assert [problem.line for problem in wrong] == [line]
    assert words in f"{wrong[0].found} {wrong[0].expected}"


def test_ansible_yaml():
    tree = parse_ansible_yaml(text_of("hosts.yml"))
    hosts, _ = hosts_of_tree(tree, file="hosts.yml", folder=Path("/"))
    found = sorted_out(hosts)
    assert [host.name for host in found.hosts] == ["login1", "gpu001", "gpu002", "gpu003", "infer1"]
    assert found.notes == ("'{{ not }} a host' left out: not a host's name",)
    by_name = {host.name: host for host in found.hosts}
    assert (by_name["gpu002"].user, by_name["gpu002"].port) == ("oncall", 2222)
    assert by_name["gpu002"].groups == ("train", "gpus")
    assert by_name["gpu002"].where == "hosts.yml:16"
    assert (by_name["infer1"].user, by_name["infer1"].address) == ("infer", "10.0.0.9")


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "a: 1",
        "a: {hots: {}}",
        "a: {hosts: x}",
        "a: {hosts: {b: 1}}",
        "a: {vars: 1}",
        "a: *x",
        "\t",
        "a: {hosts: {'g[1:2': }}",
    ],
)
def test_ansible_yaml_that_is_none(text):
    with pytest.raises(NotUnderstood):
        parse_ansible_yaml(text)


def test_groups_in_a_circle():
    tree = parse_ansible_yaml("a: {children: {b: {children: {a: }}}}")
    with pytest.raises(NotUnderstood, match="circle"):
        hosts_of_tree(tree, file="x", folder=Path("/"))


def test_ansible_listing():
    listing = {
        "_meta": {"hostvars": {"gpu1": {"ansible_host": "10.0.0.1"}, "gpu2": {}, "alone": {"ansible_port": 2200}}},
        "all": {"children": ["ungrouped", "train"]},
        "train": {"hosts": ["gpu1", "gpu2"], "vars": {"ansible_user": "oncall"}},
        "old": ["gpu2"],
    }
    hosts, _ = hosts_of_tree(parse_ansible_list(json.dumps(listing)), file="dyn", folder=Path("/"))
    assert [(host.name, host.address, host.user, host.port, host.groups) for host in hosts] == [
        ("gpu1", "10.0.0.1", "oncall", None, ("train",)),
        ("gpu2", None, "oncall", None, ("train", "old")),
        ("alone", None, None, 2200, ()),
    ]


@pytest.mark.parametrize("text", ["", "[]", '{"a": 1}', '{"a": {"hosts": "x"}}', '{"_meta": {"hostvars": {"a": 1}}}'])
def test_ansible_listing_that_is_none(text):
    with pytest.raises(NotUnderstood):
        parse_ansible_list(text)


@pytest.mark.parametrize(
    ("pattern", "names", "port"),
    [
        ("a", ["a"], None),
        ("a:22", ["a"], 22),
        ("::1", ["::1"], None),
        ("[::1]:22", ["::1"], 22),
        ("[a:c]x", ["ax", "bx", "cx"], None),
        ("n[08:10]", ["n08", "n09", "n10"], None),
        ("n[1:5:2]:9", ["n1", "n3", "n5"], 9),
        ("r[1:2]n[1:2]", ["r1n1", "r1n2", "r2n1", "r2n2"], None),
        ("n[:2]", ["n0", "n1", "n2"], None),
    ],
)
def test_ansible_ranges(pattern, names, port):
    assert expand_pattern(pattern) == (names, port)


@pytest.mark.parametrize("pattern", ["n[1:99999]", "a[1:999]b[1:999]", "n[a]", "n[b:a]", "[::1]x", "n[1:2:0]"])
def test_ansible_ranges_that_are_none(pattern):
    with pytest.raises(NotUnderstood):
        expand_pattern(pattern)


@pytest.mark.parametrize(
    ("args", "jump"),
    [
        ("", None),
        ("-J bastion", "bastion"),
        ("-Ja@b:2", "a@b:2"),
        ("-o ProxyJump=a,b", "a,b"),
        ("-o 'ProxyJump a'", "a"),
        ('-o ProxyCommand="ssh -W %h:%p -p 22 -l anna bastion"', "anna@bastion:22"),
        ('-o ProxyCommand="nc -X 5 %h %p"', None),
        ("-C 'unclosed", None),
    ],
)
def test_jump_hosts_in_arguments_for_ssh(args, jump):
    assert jump_of(args) == jump


def test_yaml_holds_plain_values_only():
    document = parse_yaml('a: !unsafe "{{ x }}"\nb: !vault |\n  $ANSIBLE\nc: !!str 1\nd: !x {e: [1]}\n')
    assert document == {"a": "{{ x }}", "b": None, "c": "1", "d": {"e": [1]}}
    with pytest.raises(NotUnderstood):
        parse_yaml("a: !!python/object/apply:os.system [echo]")


def test_a_yaml_bomb_is_refused():
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for n in range(9):
        bomb += f"a{n + 1}: &a{n + 1} [{', '.join([f'*a{n}'] * 10)}]\n"
    with pytest.raises(NotUnderstood, match="multiply"):
        parse_yaml(bomb)
    with pytest.raises(NotUnderstood, match=r"nested|not YAML"):
        parse_yaml("[" * 5_000 + "]" * 5_000)
    with pytest.raises(NotUnderstood):
        parse_yaml("&a [*a]")


SSH_CONFIG = """
Host gpu1 gpu2 !gpu3 gpu-*
  User oncall
Host "quoted name" login1  # the head
Include more/*.conf
Match host x
  User git
Host github.com gitlab
  User git
Host *
  User nobody
host=equals
"""


def test_hosts_of_an_ssh_configuration(monkeypatch):
    monkeypatch.setenv("HOME", "/home/anna")
    files = {
        Path("/c"): SSH_CONFIG,
        Path("/home/anna/.ssh/more/a.conf"): "Host inner\n",
        Path("/loop"): "Include /loop\nHost a",
    }
    asked = []

    def listed(base, pattern):
        asked.append((str(base), pattern))
        return [path for path in files if path.match(str(base / pattern))]

    hosts = ssh_config_hosts(Path("/c"), files.__getitem__, listed)
    assert [(host.name, host.where) for host in hosts] == [
        ("gpu1", "/c:2"),
        ("gpu2", "/c:2"),
        ("login1", "/c:4"),
        ("inner", "/home/anna/.ssh/more/a.conf:1"),
        ("equals", "/c:12"),
    ]
    assert asked == [("/home/anna/.ssh", "more/*.conf")]
    assert [host.name for host in ssh_config_hosts(Path("/loop"), files.__getitem__, listed)] == ["a"]


def test_what_cannot_be_dialled_is_left_out_with_a_reason():
    found = sorted_out(
        [
            FoundHost("-oProxyCommand=x"),
            FoundHost("ok", groups=("a", "\x1b[31mred", "a"), node_state="idle\x07"),
            FoundHost("ok", groups=("b",), gpus=8),
            FoundHost("badport", port=0),
            FoundHost("badjump", jump="a b"),
            FoundHost("baduser", user="-l"),
        ]
    )
    assert found.hosts == (FoundHost("ok", groups=("a", "red", "b"), node_state="idle", gpus=8),)
    assert len(found.notes) == 4
    assert found.notes[-1] == "1 more left out"
    with pytest.raises(NotUnderstood, match="more than 10,000"):
        sorted_out(FoundHost(f"n{n}") for n in range(10_001))
