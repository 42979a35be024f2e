"""Sources that are programs: how they are called, what becomes of their answers, and each way of failing in words."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from leptontui.config.hostlist import HostSpec
from leptontui.config.source import SourceSpec
from leptontui.errors import CommandTimeout, LinkError
from leptontui.inventory.answer import Answer, NotAnswered
from leptontui.inventory.asking import MAX_ANSWER_BYTES, ask
from leptontui.model.link import Fault, FaultKind
from leptontui.model.target import HostTarget
from leptontui.transport.contract import Completed
from leptontui.transport.local import LocalTransport

SOURCES = Path(__file__).parent.parent / "config" / "sources"
SLURM = SourceSpec("slurm", controller=HostSpec("login1", "anna"), options=HostTarget("", jump="bastion"))


class Scripted:
    """A transport that answers by a script."""

    def __init__(self, answer: Callable[[tuple[str, ...]], Completed]) -> None:
        self.address = "anna@login1:22"
        self.argvs: list[tuple[str, ...]] = []
        self.target: HostTarget | None = None
        self._answer = answer

    def to(self, target: HostTarget | None) -> "Scripted":
        self.target = target
        return self

    async def run(self, argv, *, timeout_s, stdin=b"", output_limit):
        assert output_limit == MAX_ANSWER_BYTES
        self.argvs.append(tuple(argv))
        return self._answer(tuple(argv))


def printed(text: str) -> Completed:
    return Completed(0, text, "")


async def failure(spec: SourceSpec, answer: Callable[[tuple[str, ...]], Completed]) -> NotAnswered:
    with pytest.raises(NotAnswered) as caught:
        await ask(spec, Scripted(answer).to)
    return caught.value


def here(target: HostTarget | None) -> LocalTransport:
    assert target is None
    return LocalTransport()


def names(answer: Answer) -> list[str]:
    return [host.name for host in answer.found.hosts]


async def test_slurm_is_asked_for_json_on_its_controller():
    transport = Scripted(lambda argv: printed((SOURCES / "slurm_24.11.json").read_text()))
    answer = await ask(SLURM, transport.to)
    assert names(answer) == ["h100-001", "h100-002"], "nodes that are only planned are left out"
    assert transport.argvs == [("scontrol", "show", "nodes", "--json")]
    assert transport.target is not None
    assert (transport.target.name, transport.target.user, transport.target.jump) == ("login1", "anna", "bastion")
    assert answer.is_asked


async def test_an_old_slurm_is_asked_for_text():
    def old(argv: tuple[str, ...]) -> Completed:
        if "--json" in argv:  # word for word Slurm 22.05
            return Completed(
                1, "", "scontrol: unrecognized option '--json'\nTry \"scontrol --help\" for more information\n"
            )
        return printed((SOURCES / "slurm_22.05.txt").read_text())

    transport = Scripted(old)
    assert names(await ask(SLURM, transport.to)) == ["cpu1", "gpu001", "gpu002", "gpu003", "mixed1"]
    assert transport.argvs[1] == ("scontrol", "--oneliner", "show", "nodes")


async def test_only_some_partitions():
    spec = SourceSpec("slurm", groups=("serve",))
    text = (SOURCES / "slurm_22.05.json").read_text()
    assert names(await ask(spec, Scripted(lambda argv: printed(text)).to)) == ["gpu003", "mixed1"]
    error = await failure(SourceSpec("slurm", groups=("sevre",)), lambda argv: printed(text))
    assert error.cause == "no partition sevre, expected one of batch, serve, train"


async def test_a_slurm_that_does_not_answer():
    words = "slurm_load_node error: Unable to contact slurm controller (connect failure)"
    error = await failure(SLURM, lambda argv: Completed(1, "", f"\n{words}\n"))
    assert error.cause == f"scontrol exited with 1: {words}"
    assert "controller" in error.mend


async def test_no_such_program():
    error = await failure(SLURM, lambda argv: Completed(127, "", "sh: scontrol: command not found"))
    assert error.cause == "scontrol was not found on anna@login1:22"


async def test_a_hanging_program():
    def hang(argv: tuple[str, ...]) -> Completed:
        raise CommandTimeout("no answer")

    assert "scontrol gave no answer within 20 s" in (await failure(SLURM, hang)).cause


async def test_a_controller_that_cannot_be_reached():
    def refuse(argv: tuple[str, ...]) -> Completed:
        raise LinkError(Fault(FaultKind.PERMISSION_DENIED, "permission denied", "ssh-add your key"))

    error = await failure(SLURM, refuse)
    assert (error.cause, error.mend) == ("anna@login1:22: permission denied", "ssh-add your key")


async def test_an_endless_answer():
    error = await failure(SLURM, lambda argv: printed("x" * MAX_ANSWER_BYTES))
    assert "more than 64 MiB" in error.cause


async def test_what_a_program_says_cannot_reach_the_terminal():
    error = await failure(SLURM, lambda argv: Completed(1, "", "\x1b]0;title\x07\x1b[31mred\x9b2J"))
    assert str(error).isprintable()
    assert "red" in error.cause


async def test_kubernetes_is_asked_with_its_own_options():
    spec = SourceSpec("kubectl", context="prod", selector="gpu=true", kubeconfig="/etc/kube")
    transport = Scripted(lambda argv: printed((SOURCES / "kubectl_nodes.json").read_text()))
    assert names(await ask(spec, transport.to)) == ["gke-gpu-pool-1", "gpu-b.internal", "cp-1"]
    assert transport.target is None, "here"
    (argv,) = transport.argvs
    assert argv[:3] == ("kubectl", "--kubeconfig=/etc/kube", "--context=prod")
    assert "--selector=gpu=true" in argv


async def test_a_command_of_the_users_own(tmp_path):
    script = tmp_path / "list"
    script.write_text('#!/bin/sh\necho \'["gpu1", {"name": "gpu2", "port": 2222, "groups": ["train"]}]\'\n')
    script.chmod(0o755)
    answer = await ask(SourceSpec("command", command=(str(script),)), here)
    assert [(host.name, host.port, host.groups, host.where) for host in answer.found.hosts] == [
        ("gpu1", None, (), "command list"),
        ("gpu2", 2222, ("train",), "command list"),
    ]


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("exit 3", "list exited with 3"),
        ("echo 'cannot reach the database' >&2; exit 1", "list exited with 1: cannot reach the database"),
        ("echo oops", "not understood: not JSON"),
        ("kill -9 $$", "list exited with -9"),
        ("sleep 60", "gave no answer within 1 s"),
    ],
)
async def test_a_command_that_fails(tmp_path, script, words):
    path = tmp_path / "list"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    with pytest.raises(NotAnswered) as caught:
        await ask(SourceSpec("command", command=(str(path),), timeout_s=1.0), here)
    assert words in caught.value.cause
    assert caught.value.mend


async def test_a_command_that_is_not_there():
    with pytest.raises(NotAnswered) as caught:
        await ask(SourceSpec("command", command=("/nowhere/list",)), here)
    assert caught.value.cause == "list was not found on this machine"


@pytest.mark.parametrize(
    "document",
    [
        [{"targets": ["gpu1:9400"]}],
        {"nodes": [{"name": "gpu1"}]},
        {"items": [{"metadata": {"name": "gpu1"}}]},
        {"_meta": {"hostvars": {"gpu1": {}}}},
        {"hosts": ["gpu1"]},
        ["gpu1"],
    ],
)
async def test_a_command_may_print_any_inventory(document):
    spec = SourceSpec("command", command=("list",))
    assert names(await ask(spec, Scripted(lambda argv: printed(json.dumps(document))).to)) == ["gpu1"]


async def test_clustershell_groups(tmp_path, monkeypatch):
    """ClusterShell's own program with a group source of the user's."""
    (tmp_path / "groups.conf").write_text("[Main]\ndefault: local\n[local]\nmap: [ $GROUP = gpu ] && echo gpu[1-3]\n")
    monkeypatch.setenv("CLUSTERSHELL_CFGDIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ClusterShell").mkdir()
    (tmp_path / "ClusterShell/__init__.py").write_text("raise SystemExit('a directory here was imported')")
    answer = await ask(SourceSpec("clustershell", groups=("@gpu",)), here)
    assert [(host.name, host.groups, host.where) for host in answer.found.hosts] == [
        (f"gpu{n}", ("gpu",), "clustershell @gpu") for n in (1, 2, 3)
    ]
    with pytest.raises(NotAnswered, match="nodeset exited with"):
        await ask(SourceSpec("clustershell", groups=("@nonsense",)), here)


async def test_a_dynamic_ansible_inventory(tmp_path, monkeypatch):
    """Through a stand-in for ansible-inventory that checks how it is called."""
    script = tmp_path / "dynamic"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    stand_in = tmp_path / "bin" / "ansible-inventory"
    stand_in.parent.mkdir()
    listing = json.dumps({"_meta": {"hostvars": {"gpu1": {"ansible_host": "10.0.0.1"}}}, "train": {"hosts": ["gpu1"]}})
    stand_in.write_text(
        f"#!{sys.executable}\nimport sys\nassert sys.argv[1:] == ['--inventory', {str(script)!r}, '--list']\n"
        f"print({listing!r})\n"
    )
    stand_in.chmod(0o755)
    spec = SourceSpec("ansible", files=(str(script),))
    monkeypatch.setenv("PATH", f"{stand_in.parent}:{os.environ['PATH']}")
    answer = await ask(spec, here)
    assert [(host.name, host.address, host.groups) for host in answer.found.hosts] == [("gpu1", "10.0.0.1", ("train",))]
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(NotAnswered, match="ansible-inventory was not found") as caught:
        await ask(spec, here)
    assert "install ansible-core" in caught.value.mend
