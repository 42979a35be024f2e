"""Sources that are files: read as they lie on the disk, each problem with its file and line; changes are noticed."""

import os
from pathlib import Path

import pytest

from leptontui.config.source import SourceSpec
from leptontui.inventory.answer import Answer, NotAnswered
from leptontui.inventory.looking import is_changed
from leptontui.inventory.source_files import read_source_files


def ansible(path: Path, *groups: str) -> SourceSpec:
    return SourceSpec("ansible", files=(str(path),), groups=groups)


def read(spec: SourceSpec) -> Answer:
    answer = read_source_files(spec)
    assert answer is not None
    return answer


def refusal(spec: SourceSpec) -> list[str]:
    with pytest.raises(NotAnswered) as caught:
        read_source_files(spec)
    return [str(problem) for problem in caught.value.problems]


def test_a_directory_of_inventories_with_variables(tmp_path):
    (tmp_path / "a.ini").write_text("[train]\ngpu[1:2]\n")
    (tmp_path / "b.yml").write_text("serve:\n  hosts:\n    infer1:\n    gpu2:\n")
    (tmp_path / "notes.bak").write_text("[broken")
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars/all.yml").write_text("ansible_user: oncall\nother: !vault x\n")
    (tmp_path / "group_vars/train").mkdir()
    (tmp_path / "group_vars/train/a.yml").write_text("ansible_port: 2222\nansible_ssh_common_args: -J bastion\n")
    (tmp_path / "group_vars/train/secret.yml").write_text("$ANSIBLE_VAULT;1.1;AES256\n3132\n")
    (tmp_path / "group_vars/unheard_of.yml").write_text("]")
    (tmp_path / "host_vars").mkdir()
    (tmp_path / "host_vars/gpu2.yml").write_text("ansible_host: 10.0.0.2\nansible_port: 2300\n")
    answer = read(ansible(tmp_path))
    assert [(host.name, host.address, host.user, host.port, host.jump, host.groups) for host in answer.found.hosts] == [
        ("gpu1", None, "oncall", 2222, "bastion", ("train",)),
        ("gpu2", "10.0.0.2", "oncall", 2300, "bastion", ("train", "serve")),
        ("infer1", None, "oncall", None, None, ("serve",)),
    ]
    assert answer.found.notes == (f"{tmp_path}/group_vars/train/secret.yml left out: encrypted",)


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "hosts").write_text("a\nb\n"),
        lambda folder: (folder / "group_vars").mkdir(),
        lambda folder: (folder / "hosts").unlink(),
        lambda folder: _beside(folder).replace(folder / "hosts"),
    ],
    ids=["content", "variables that were not there", "gone", "another file in its place"],
)
def test_a_change_is_noticed(tmp_path, change):
    (tmp_path / "hosts").write_text("a\n")
    seen = dict(read(ansible(tmp_path / "hosts")).seen)
    assert not is_changed(seen)
    change(tmp_path)
    assert is_changed(seen)


def _beside(folder: Path) -> Path:
    """A file of the same size and times."""
    path, found = folder / "new", (folder / "hosts").stat()
    path.write_text("b\n")
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))
    return path


def test_a_script_and_a_plugin_have_to_be_asked(tmp_path):
    script, plugin = tmp_path / "dynamic", tmp_path / "aws_ec2.yml"
    script.write_text("#!/bin/sh\necho {}\n")
    assert refusal(ansible(script))  # not executable: taken for INI, as Ansible does
    script.chmod(0o755)
    plugin.write_text("plugin: aws_ec2\n")
    assert read_source_files(ansible(script)) is None
    assert read_source_files(ansible(plugin)) is None


def test_every_problem_of_every_file_is_told(tmp_path):
    (tmp_path / "a").write_text("[train]\ngpu[3:1]\ngpu1 x\n")
    (tmp_path / "b.yml").write_text("train:\n  hots:\n")
    (tmp_path / "c.json").write_text("{")
    assert refusal(ansible(tmp_path)) == [
        f"{tmp_path}/a:2: range '[3:1]' in 'gpu[3:1]', expected the smaller one first",
        f"{tmp_path}/a:3: 'x' after a host, expected name=value",
        f"{tmp_path}/b.yml:2: 'hots' in group 'train', expected hosts:, children: or vars:",
        f"{tmp_path}/c.json: not JSON, expected what ansible-inventory --list prints",
    ]


def test_a_name_of_a_file_writes_nothing_to_the_terminal(tmp_path):
    evil = "\x1b]0;owned\x07\u202e[red]"
    (tmp_path / f"a{evil}.ini").write_text("gpu1 ansible_host=10.0.0.1\n")
    (tmp_path / "group_vars/all").mkdir(parents=True)
    (tmp_path / f"group_vars/all/{evil}.yml").write_text("$ANSIBLE_VAULT;1.1;AES256\n3132\n")
    found = read(ansible(tmp_path)).found
    assert len(found.notes) == 1
    (host,) = found.hosts
    assert all(map(str.isprintable, (*found.notes, host.where)))
    (tmp_path / f"b{evil}.yml").write_text("a: [\n")
    (told,) = refusal(ansible(tmp_path))
    assert told.isprintable()
    assert "[red].yml:2: not YAML" in told


def test_a_missing_file(tmp_path):
    assert refusal(ansible(tmp_path / "none")) == [f"{tmp_path}/none: cannot be read: No such file or directory"]
    assert refusal(SourceSpec("file_sd", files=(f"{tmp_path}/*.json",))) == [
        f"{tmp_path}/*.json: no such file, expected JSON or YAML files of targets"
    ]
    assert refusal(SourceSpec("ssh_config", files=(f"{tmp_path}/config",))) == [
        f"{tmp_path}/config: cannot be read: No such file or directory"
    ]


def test_file_sd_with_a_pattern(tmp_path):
    (tmp_path / "a.json").write_text('[{"targets": ["gpu1:9400"], "labels": {"job": "dcgm"}}]')
    (tmp_path / "b.yml").write_text("- targets: ['gpu2:9400']\n")
    spec = SourceSpec("file_sd", files=(f"{tmp_path}/*.json", f"{tmp_path}/b.yml"))
    answer = read(spec)
    assert [(host.name, host.groups, host.where) for host in answer.found.hosts] == [
        ("gpu1", ("dcgm",), f"{tmp_path}/a.json"),
        ("gpu2", (), f"{tmp_path}/b.yml"),
    ]
    (tmp_path / "c.json").write_text("{}")
    assert is_changed(dict(answer.seen)), "a file that a pattern now matches"
    assert refusal(spec) == [
        f'{tmp_path}/c.json: not a list, expected [{{"targets": ["gpu1:9400"], "labels": {{"job": "dcgm"}}}}]'
    ]


def test_ssh_configuration_with_include(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".ssh/conf.d").mkdir(parents=True)
    (tmp_path / ".ssh/config").write_text("Include conf.d/*\nHost a\n")
    (tmp_path / ".ssh/conf.d/one").write_text("Host b\nInclude ~/.ssh/config\n")
    spec = SourceSpec("ssh_config", files=(f"{tmp_path}/.ssh/config",))
    answer = read(spec)
    assert [host.name for host in answer.found.hosts] == ["b", "a"]
    (tmp_path / ".ssh/conf.d/two").write_text("Host c\n")
    assert is_changed(dict(answer.seen))
