"""The book of hosts: what command line, file and sources make together, and what is kept when one of them fails."""

from pathlib import Path

import pytest

from leptontui.config.choose import Choice
from leptontui.config.found import Found, FoundHost
from leptontui.config.source import SourceSpec
from leptontui.errors import ConfigError
from leptontui.inventory.answer import Answer, NotAnswered
from leptontui.inventory.book import Book
from leptontui.model.target import HostTarget

INVENTORY = """
name = "fleet"
[[group]]
name = "login"
hosts = ["login1"]
[[source]]
kind = "slurm"
controller = "login1"
user = "oncall"
match = ["!cpu*"]
[[source]]
kind = "kubectl"
name = "kube"
"""


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "fleet.toml"
    path.write_text(INVENTORY)
    return path


@pytest.fixture
def book(file: Path) -> Book:
    return Book.open(Choice(inventory=file))


def said(*hosts: FoundHost, notes: tuple[str, ...] = ()) -> Answer:
    return Answer(Found(hosts, notes), is_asked=True)


def names(book: Book) -> list[str]:
    return [host.name for host in book.fleet().hosts]


NODES = said(
    FoundHost("gpu1", address="10.0.0.1", groups=("train", "all"), node_state="idle", gpus=8, where="slurm at login1"),
    FoundHost("login1", groups=("all",), node_state="down"),
    FoundHost("cpu1"),
)


def test_before_anything_was_asked(book):
    assert names(book) == ["login1"]
    assert not book.is_settled
    assert not book.is_whole
    assert book.notices() == {}


def test_what_a_source_says(book):
    slurm, kube = book.sources
    book.keep(slurm, NODES)
    assert names(book) == ["login1", "gpu1"], "cpu1 does not match"
    login, gpu = book.fleet().hosts
    assert (login.group, login.node_state, login.partitions) == ("login", "down", ("all",))
    assert (gpu.group, gpu.user, gpu.address, gpu.node_state) == ("train", "oncall", "10.0.0.1", "idle")
    assert (gpu.partitions, gpu.gpus, gpu.origin) == (("train", "all"), 8, "slurm at login1")
    assert (gpu.scheduler, gpu.controller) == ("slurm", "login1")
    assert book.fleet().controllers == {
        "login1": login,
        "this machine": HostTarget("this machine", is_local=True),  # where the other source's kubectl is run
    }
    assert not book.is_settled
    book.keep(kube, said(FoundHost("gpu1", node_state="ready", groups=("pool",)), FoundHost("k1")))
    assert book.is_whole
    gpu, k1 = book.fleet().hosts[1:]
    assert (gpu.node_state, gpu.partitions, k1.group) == ("idle", ("train", "all", "pool"), "kube")


def test_a_failed_source_keeps_what_it_said_last(book):
    slurm, kube = book.sources
    book.keep(slurm, NODES)
    book.fail(slurm, NotAnswered("scontrol exited with 1", "see why"))
    book.fail(kube, NotAnswered("kubectl was not found on this machine"))
    assert names(book) == ["login1", "gpu1"]
    assert book.is_settled
    assert not book.is_whole
    slurm_says, kube_says = book.notices().values()
    assert slurm_says.startswith("slurm at login1: scontrol exited with 1 — see why; keeping the 3 hosts of ")
    assert kube_says == "kubectl: kubectl was not found on this machine"
    book.keep(slurm, NODES)
    book.keep(kube, said(FoundHost("k1"), notes=("'-x' left out: not a host's name",)))
    assert list(book.notices().values()) == ["kubectl: '-x' left out: not a host's name"]
    assert book.is_whole


def test_a_source_that_suddenly_names_nobody_is_not_believed(book):
    slurm, _ = book.sources
    book.keep(slurm, NODES)
    book.keep(slurm, said())
    assert names(book) == ["login1", "gpu1"]
    assert "names no host any more" in "".join(book.notices().values())


def test_sources_are_asked_when_they_are_due(file):
    clock = Clock()
    book = Book(Choice(inventory=file), monotonic=clock)
    book.take(book.reading())
    slurm, kube = book.sources
    assert book.due() == [slurm, kube]
    book.keep(slurm, NODES)
    book.fail(kube, NotAnswered("x"))
    assert book.due() == []
    clock.now += 10.0
    assert book.due() == [kube], "a failed one sooner"
    book.fail(kube, NotAnswered("x"))
    clock.now += 19.0
    assert book.due() == []
    clock.now += 1.0
    assert book.due() == [kube], "but ever less often"
    clock.now += 30.0
    assert book.due() == [slurm, kube]


def test_a_changed_file_keeps_the_answers_of_sources_that_stayed(book, file):
    slurm, kube = book.sources
    book.keep(slurm, NODES)
    book.keep(kube, said(FoundHost("k1")))
    assert not book.is_file_changed()
    file.write_text(INVENTORY.replace('"kube"', '"other"').replace('"login1"]', '"login1", "login2"]'))
    assert book.is_file_changed()
    book.take(book.reading())
    assert names(book) == ["login1", "login2", "gpu1"], "kubectl has another group now, so it is asked anew"
    assert [spec.kind for spec in book.due()] == ["kubectl"]
    book.keep(kube, said(FoundHost("late")))
    assert "late" not in names(book), "the answer to a source that is gone"


def test_a_broken_file_is_refused(book, file):
    file.write_text("[[group]]\nhosts = 1\nport = 0\n")
    with pytest.raises(ConfigError) as caught:
        book.reading()
    book.refuse(caught.value, None)
    assert names(book) == ["login1"]
    assert book.notices()["inventory"].startswith(f"the changed inventory is not used: {file}:2: group 1: hosts:")
    assert book.notices()["inventory"].endswith("(and 1 more)")
    assert not book.is_whole
    file.write_text(INVENTORY)
    book.take(book.reading())
    assert "inventory" not in book.notices()


def test_a_list_narrows_it_down(file):
    book = Book.open(Choice(inventory=file, hosts="root@gpu1,gpu9,login1"))
    assert names(book) == ["login1"], "not known yet whether there is a gpu1"
    slurm, kube = book.sources
    book.keep(slurm, NODES)
    book.keep(kube, said(FoundHost("k1")))
    assert [(host.name, host.user) for host in book.fleet().hosts] == [("login1", None), ("gpu1", "root")]
    assert book.notices() == {"hosts": "--hosts: not in the inventory: gpu9"}


def test_where_all_is_known_a_wrong_name_is_refused(tmp_path):
    file = tmp_path / "fleet.toml"
    file.write_text('[[group]]\nhosts = ["gpu1"]\n')
    with pytest.raises(ConfigError, match=r'gpv1: not in .*did you mean "gpu1"'):
        Book.open(Choice(inventory=file, hosts="gpv1"))


def test_files_are_read_at_once(tmp_path):
    (tmp_path / "hosts").write_text("gpu1\n")
    file = tmp_path / "fleet.toml"
    file.write_text('[[source]]\nkind = "ansible"\nfile = "hosts"\n[[source]]\nkind = "file_sd"\nfiles = ["x.json"]\n')
    book = Book.open(Choice(inventory=file))
    assert names(book) == ["gpu1"]
    assert book.is_settled
    assert ["x.json: cannot be read" in notice for notice in book.notices().values()] == [True]


def test_hosts_of_the_ssh_configuration(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh/config").write_text("Host gpu1 gpu2 gpu-test\nHost github.com\n  User git\n")
    book = Book.open(Choice(ssh_hosts="gpu*, !*-test"))
    assert names(book) == ["gpu1", "gpu2"]
    assert not book.is_fixed, "the file is watched"
    assert book.fleet().hosts[0].group == "ssh"
    for patterns in (" ,!", "infer*"):
        with pytest.raises(ConfigError, match="--ssh-hosts"):
            Book.open(Choice(ssh_hosts=patterns))
    (tmp_path / ".ssh/config").write_bytes(b"Host gpu1 # \xe9\n")
    assert names(Book.open(Choice(ssh_hosts="*"))) == ["gpu1"]
    (tmp_path / ".ssh/config").unlink()
    with pytest.raises(ConfigError, match="No such file"):
        Book.open(Choice(ssh_hosts="*"))


def test_a_fleet_of_nobody_is_refused(tmp_path):
    file = tmp_path / "fleet.toml"
    file.write_text('[[source]]\nkind = "file_sd"\nfiles = ["x.yml"]\n')
    with pytest.raises(ConfigError, match=r"x\.yml: cannot be read"):
        Book.open(Choice(inventory=file))
    (tmp_path / "x.yml").write_text("[]")
    with pytest.raises(ConfigError, match="its sources name no host"):
        Book.open(Choice(inventory=file))


def test_a_fixed_list():
    book = Book.open(Choice(hosts="gpu[1-2]", asks_password=True))
    assert book.is_fixed
    assert book.is_whole
    assert [(host.name, host.asks_password) for host in book.fleet().hosts] == [("gpu1", True), ("gpu2", True)]


def test_this_machine():
    (host,) = Book.open(Choice()).fleet().hosts
    assert host.is_local


def test_too_many_hosts_of_all_sources(book):
    for n, spec in enumerate(book.sources):
        book.keep(spec, said(*(FoundHost(f"n{n}-{k}") for k in range(6000))))
    with pytest.raises(ConfigError, match="12,001 hosts"):
        book.fleet()


def test_two_equal_specs_are_the_same_source():
    assert SourceSpec("kubectl", where="a:1") == SourceSpec("kubectl", where="a:9")
    assert hash(SourceSpec("kubectl", where="a:1")) == hash(SourceSpec("kubectl", where="a:9"))
