"""Inventories: what is read, and every kind of problem with its file and line."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leptontui.config.assemble import assemble
from leptontui.config.found import Found, FoundHost
from leptontui.config.group import GROUP_KEYS
from leptontui.config.inventory import MAX_FILE_BYTES, load_inventory, read_inventory
from leptontui.config.source import KIND_KEYS, SOURCE_KEYS
from leptontui.errors import ConfigError
from leptontui.model.target import Fleet, HostTarget
from tests.conftest import without_rights

BROKEN = sorted((Path(__file__).parent / "broken").glob("*.toml"))

WHOLE = """
name = "train fleet"
ssh_config = "ssh/config"

[[group]]
name = "train"
hosts = ["gpu[001-002]", "user@odd-one:2222"]
user = "oncall"
port = 22
identity = "keys/id"
known_hosts = "/etc/ssh/known"
jump = "bastion1,anna@bastion2:2200"
scheduler = "slurm"
controller = "slurmadm@login1:23"
units = ["vllm.service", "vllm.service", "nvidia-persistenced.service"]

[[group]]
name = "serve"
hosts = ["cpu1"]
ssh_config = "other"
"""


def written(path: Path, text: str) -> Path:
    file = path / "prod.toml"
    file.write_text(text)
    return file


def test_whole(tmp_path):
    fleet = load_inventory(written(tmp_path, WHOLE))
    assert fleet.name == "train fleet"
    assert [host.name for host in fleet.hosts] == ["gpu001", "gpu002", "odd-one", "cpu1"]
    train = HostTarget(
        name="gpu001",
        group="train",
        user="oncall",
        port=22,
        identity=str(tmp_path / "keys/id"),
        known_hosts="/etc/ssh/known",
        jump="bastion1,anna@bastion2:2200",
        ssh_config=str(tmp_path / "ssh/config"),
        scheduler="slurm",
        controller="login1",
        units=("vllm.service", "nvidia-persistenced.service"),
    )
    assert fleet.host("gpu001") == train
    odd = fleet.host("odd-one")
    assert odd is not None
    assert (odd.user, odd.port, odd.jump) == ("user", 2222, "bastion1,anna@bastion2:2200")
    assert fleet.host("cpu1") == HostTarget("cpu1", group="serve", ssh_config=str(tmp_path / "other"))
    login = fleet.controllers["login1"]
    assert (login.name, login.user, login.port, login.identity) == ("login1", "slurmadm", 23, train.identity)
    assert (login.jump, login.group) == (train.jump, "train")


def test_name_is_the_stem_and_group_is_fleet(tmp_path):
    fleet = load_inventory(written(tmp_path, '[[group]]\nhosts = ["a"]\n'))
    assert fleet == Fleet("prod", (HostTarget("a", group="fleet"),), {})


def test_home_is_expanded(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    fleet = load_inventory(written(tmp_path, '[[group]]\nhosts = ["a"]\nidentity = "~/.ssh/id"\n'))
    assert fleet.hosts[0].identity == str(tmp_path / "home/.ssh/id")


def test_a_watched_controller_is_the_same_target(tmp_path):
    text = """
[[group]]
name = "login"
hosts = ["login1"]
user = "root"
[[group]]
name = "train"
hosts = ["gpu1"]
user = "oncall"
scheduler = "slurm"
controller = "login1"
"""
    fleet = load_inventory(written(tmp_path, text))
    assert fleet.controllers["login1"] is fleet.host("login1")


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.stem)
def test_broken(path, monkeypatch):
    """Each file under broken/ has its problems beside it, as the user would read them."""
    monkeypatch.chdir(path.parent)
    with pytest.raises(ConfigError) as caught:
        load_inventory(Path(path.name))
    assert list(caught.value.problems) == path.with_suffix(".txt").read_text().splitlines()


def test_every_problem_is_told_at_once(tmp_path):
    text = 'nmae = "x"\n[[group]]\nhosts = ["-x"]\nport = 0\nunits = ["u"]\nscheduler = "slurm"\n'
    with pytest.raises(ConfigError) as caught:
        load_inventory(written(tmp_path, text))
    assert [int(problem.split(":")[1]) for problem in caught.value.problems] == [1, 3, 4, 5, 6]


def test_lines_are_not_fooled_by_strings_comments_and_nested_tables(tmp_path):
    text = '''name = """
[[group]]
port = 1
"""
# [[group]]
[[group]] # port = 2
hosts = [
  "a", # ]
  "port = 3",
]
"port" = 99999
'''
    with pytest.raises(ConfigError) as caught:
        load_inventory(written(tmp_path, text))
    lines = {int(problem.split(":")[1]): problem for problem in caught.value.problems}
    assert sorted(lines) == [1, 9, 11]
    assert "99999" in lines[11]
    assert "port = 3" in lines[9]


def test_windows_line_ends(tmp_path):
    file = tmp_path / "w.toml"
    file.write_bytes(b'[[group]]\r\nhosts = ["a"]\r\nport = 0\r\n')
    with pytest.raises(ConfigError, match=r"w\.toml:3: group 1: port"):
        load_inventory(file)


def test_groups_as_inline_tables(tmp_path):
    fleet = load_inventory(written(tmp_path, 'group = [{name = "g", hosts = ["a"]}]'))
    assert fleet.hosts[0] == HostTarget("a", group="g")
    with pytest.raises(ConfigError, match=r":1: group 1: port: 0"):
        load_inventory(written(tmp_path, 'group = [{name = "g", hosts = ["a"], port = 0}]'))


def test_many_duplicates_are_one_problem(tmp_path):
    text = '[[group]]\nname="a"\nhosts=["g[1-500]"]\n[[group]]\nname="b"\nhosts=["g[1-500]"]\n'
    with pytest.raises(ConfigError) as caught:
        load_inventory(written(tmp_path, text))
    assert len(caught.value.problems) == 1
    assert '"g1" and 499 more are in groups "a" and "b"' in caught.value.problems[0]


def test_too_many_over_all_groups(tmp_path):
    text = '[[group]]\nname="a"\nhosts=["a[1-9000]"]\n[[group]]\nname="b"\nhosts=["b[1-9000]"]\n'
    with pytest.raises(ConfigError, match="18,000 hosts"):
        load_inventory(written(tmp_path, text))


@pytest.mark.parametrize(
    ("prepare", "words"),
    [
        (lambda path: path.mkdir(), "is a directory"),
        (lambda path: None, "No such file"),
        (lambda path: path.write_bytes(b'name = "\xff"'), "not UTF-8"),
        (lambda path: path.write_bytes(b"#" * (MAX_FILE_BYTES + 1)), "larger than 4 MiB"),
        (lambda path: path.write_text("a = " + "[" * 100_000), "prod.toml"),
        (lambda path: path.write_text("a = " + "1" * 5_000), "cannot be read"),
        (lambda path: path.write_text('a = "\x1b[31m"'), "not TOML"),
    ],
)
def test_unreadable(tmp_path, prepare, words):
    file = tmp_path / "prod.toml"
    prepare(file)
    with pytest.raises(ConfigError, match=words) as caught:
        load_inventory(file)
    assert len(caught.value.problems) == 1
    assert caught.value.problems[0].startswith(str(file))


def test_not_permitted(open_folder):
    file = written(open_folder, "")
    file.chmod(0)
    with without_rights():
        assert file.exists()
        with pytest.raises(ConfigError, match="Permission denied"):
            load_inventory(file)


def test_problems_hold_no_control_characters(tmp_path):
    text = '"k\\u001b[31m" = 1\n[[group]]\nhosts = ["\\u001b[2J"]\nname = "\\u0007"\n'
    with pytest.raises(ConfigError) as caught:
        load_inventory(written(tmp_path, text))
    assert len(caught.value.problems) == 3
    assert all(problem.isprintable() for problem in caught.value.problems)


TABLES = ("group", "[[group]]", "[group]", "[[source]]", "[[group.service]]", "[[group.script]]", "[[source.script]]")
KINDS = [f'"{kind}"' for kind in KIND_KEYS]
_VALUE = st.one_of(
    st.sampled_from(
        [*KINDS, '"gpu[1-3]"', '["gpu[1-3]"]', '["a:0"]', '["a", "-b"]', '"~x/y"', "1", "true", "[]", "{}"]
    ),
    st.sampled_from(['""', "'''"]),
    st.text(max_size=12),
)
_KEY = st.one_of(st.sampled_from([*GROUP_KEYS, *SOURCE_KEYS, *TABLES, "nmae"]), st.text(max_size=6))
_TOML = st.lists(st.tuples(_KEY, _VALUE).map(" = ".join) | _KEY, max_size=12).map("\n".join)


@given(st.one_of(_TOML, st.text(max_size=200)))
def test_any_text_is_a_fleet_or_a_config_error(tmp_path_factory, text):
    file = tmp_path_factory.getbasetemp() / "any.toml"
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    problems: tuple[str, ...] = ()
    hosts: tuple[HostTarget, ...] = ()
    try:
        hosts = load_inventory(file).hosts
    except ConfigError as error:
        problems = error.problems
    assert bool(problems) is not bool(hosts)
    assert all("\n" not in problem for problem in problems)


KUBERNETES = """
[[group]]
name = "here"
hosts = ["gpu1"]
scheduler = "kubernetes"
kube_context = "arn:aws:eks:eu-1:42:cluster/prod"
kubeconfig = "kube/config"
units = ["vllm.service", "user:vllm.service", "docker:vllm", "compose:/srv/vllm/web",
         "kube:prod/deployment/vllm", "helm:prod/vllm"]
watch_units = ["kubelet.service"]
[[group]]
name = "there"
hosts = ["gpu2"]
scheduler = "kubernetes"
controller = "login1"
[[group]]
name = "slurm"
hosts = ["gpu3"]
scheduler = "slurm"
controller = "localhost"
[[group]]
name = "by ssh"
hosts = ["gpu4"]
scheduler = "slurm"
controller = "oncall@localhost"
"""


def test_kubectl_runs_on_this_machine_unless_a_controller_is_named(tmp_path):
    fleet = load_inventory(written(tmp_path, KUBERNETES))
    here, there, slurm, by_ssh = fleet.hosts
    assert (here.scheduler, here.controller) == ("kubernetes", "this machine")
    assert here.kube_context == "arn:aws:eks:eu-1:42:cluster/prod"
    assert here.kubeconfig == str(tmp_path / "kube" / "config")
    assert (there.controller, there.kube_context, there.kubeconfig) == ("login1", None, None)
    assert (slurm.controller, by_ssh.controller) == ("this machine", "localhost")
    assert fleet.controllers["this machine"].is_local
    assert not fleet.controllers["localhost"].is_local, "a login was named: by SSH"


def test_only_systemds_own_units_are_watched(tmp_path):
    here = load_inventory(written(tmp_path, KUBERNETES)).hosts[0]
    assert len(here.units) == 6
    assert here.watched_units == ("vllm.service", "kubelet.service")


def test_what_kubectl_finds_is_kubernetes_of_the_same_context(tmp_path):
    text = """
[[group]]
name = "train"
hosts = ["gpu1"]
user = "oncall"
[[group]]
name = "slurm"
hosts = ["gpu2"]
scheduler = "slurm"
controller = "login1"
[[source]]
kind = "kubectl"
context = "prod"
kubeconfig = "/etc/kube"
"""
    inventory = read_inventory(written(tmp_path, text))
    found = Found(tuple(FoundHost(name) for name in ("gpu1", "gpu2", "gpu3")))
    gpu1, gpu2, gpu3 = assemble("x", inventory.groups, [(inventory.sources[0], found)]).hosts
    for host in (gpu1, gpu3):
        assert (host.scheduler, host.controller, host.kube_context) == ("kubernetes", "this machine", "prod")
        assert host.kubeconfig == "/etc/kube"
    assert (gpu2.scheduler, gpu2.controller, gpu2.kube_context) == ("slurm", "login1", None)
