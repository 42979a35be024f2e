"""The user's own actions: what is read, what is told with its line, and what is never left to a shell."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leptontui.cli import main
from leptontui.config import actions
from leptontui.config.actions import action_files, load_actions
from leptontui.config.custom_action import Check, filled, names_in, pieces_of
from leptontui.model.action import Danger
from leptontui.model.action_spec import Parameter, ParameterKind, Where

BROKEN = Path(__file__).parent / "actions" / "broken.toml"

WELL = """
[[action]]
name = "diagnose"
verb = "Diagnose"
title = "Diagnose {host} at level {level}"
meaning = "Run NVIDIA's diagnosis."
command = ["dcgmi", "diag", "-r", "{level}", "--tag={host}", "{{plain}}"]
danger = "disruptive"
sudo = true
timeout_s = 1800
succeeds = [0, 3]
verify = ["dcgmi", "health", "-c"]
verify_says = "Healthy"
verify_wait_s = 30
undo = "custom/calm"
evidence = true
removes_capacity = true

[[action.parameter]]
name = "level"
meaning = "how thorough"
choices = ["1", "2", "3"]
default = 1

[[action]]
name = "calm"
meaning = "Tell the controller about a service."
command = ["tell", "{unit}", "{reason}", "{n}", "{tag}"]
where = "controller"

[[action.parameter]]
name = "n"
meaning = "how often"
range = [1, 5]

[[action.parameter]]
name = "tag"
meaning = "a tag"
pattern = "[a-z]{1,8}"
"""


def written(folder: Path, text: str) -> Path:
    file = folder / "actions.toml"
    file.write_text(text)
    return file


def test_what_is_read(tmp_path: Path) -> None:
    found = load_actions([written(tmp_path, WELL)])
    assert found.problems == ()
    assert list(found.actions) == ["custom/diagnose", "custom/calm"]
    diagnose = found.actions["custom/diagnose"]
    assert diagnose.command == ("dcgmi", "diag", "-r", "{level}", "--tag={host}", "{{plain}}")
    assert diagnose.succeeds == (0, 3)
    assert diagnose.needs_root
    assert diagnose.check == Check(("dcgmi", "health", "-c"), (0,), "Healthy", wait_s=30.0)
    assert diagnose.source == "actions.toml:2"
    spec = diagnose.spec
    assert (spec.verb, spec.danger, spec.where, spec.timeout_s) == ("Diagnose", Danger.DISRUPTIVE, Where.HOST, 1800.0)
    assert spec.title.format(host="gpu-1", level="2") == "Diagnose gpu-1 at level 2"
    assert spec.undo == "custom/calm"
    assert spec.captures_evidence
    assert spec.removes_capacity
    assert spec.needs_live_link
    assert not spec.takes_unit
    assert spec.verified_by == "dcgmi health -c ends with 0 and says Healthy"
    assert spec.parameters == (
        Parameter("level", "how thorough", ParameterKind.CHOICE, choices=("1", "2", "3"), default="1"),
    )


def test_what_is_not_said_is_taken_for_the_worst(tmp_path: Path) -> None:
    calm = load_actions([written(tmp_path, WELL)]).actions["custom/calm"]
    assert calm.spec.danger is Danger.DESTRUCTIVE
    assert calm.check is None
    assert "never called verified" in calm.spec.verified_by
    assert calm.spec.takes_unit
    assert calm.spec.takes_reason
    assert calm.spec.schedulers == ("slurm", "kubernetes"), "only hosts with a controller"
    assert not calm.spec.needs_live_link


def test_every_problem_has_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(BROKEN.parent)
    found = load_actions([Path(BROKEN.name)])
    assert [str(problem) for problem in found.problems] == BROKEN.with_suffix(".txt").read_text().splitlines()
    assert list(found.actions) == ["custom/good"], "what is right is used"


SCRIPTS = [
    '"sh", "-c", "-e", "echo {reason}"',
    '"sh", "-c", "--", "echo {reason}"',
    '"bash", "-c", "-o", "pipefail", "echo {reason}"',
    '"bash", "-c", "-eo", "pipefail", "+x", "echo {reason}"',
    '"timeout", "5", "bash", "-xec", "{reason}"',
    '"/usr/bin/python3.11", "-Ic", "{reason}"',
    '"perl", "-eprint {reason}"',
    '"perl", "-w", "-Eprint {reason}"',
    '"ssh", "gw", "echo", "{reason}"',
]
ARGUMENTS = [
    '"sh", "-c", "echo \\"$1\\"", "sh", "{reason}"',
    '"bash", "-c", "-e", "echo $1", "x", "{reason}"',
    '"bash", "-o", "pipefail", "/usr/local/bin/x", "{reason}"',
    '"python3", "/usr/local/bin/x.py", "-rate={reason}", "--each={reason}"',
]


@pytest.mark.parametrize("command", SCRIPTS)
def test_no_value_is_read_as_a_script(tmp_path: Path, command: str) -> None:
    found = load_actions([written(tmp_path, f'[[action]]\nname="x"\nmeaning="y"\ncommand=[{command}]\n')])
    assert not found.actions
    assert "{reason} where a shell reads it" in "\n".join(map(str, found.problems))


@pytest.mark.parametrize("command", ARGUMENTS)
def test_a_value_may_be_the_argument_of_a_script(tmp_path: Path, command: str) -> None:
    found = load_actions([written(tmp_path, f'[[action]]\nname="x"\nmeaning="y"\ncommand=[{command}]\n')])
    assert not found.problems
    assert list(found.actions) == ["custom/x"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[action]\n", "actions.toml:1: not TOML"),
        ("[action]\nname = 'x'\n", "expected [[action]] with two brackets"),
        ("action = 3\n", "expected [[action]] with two brackets"),
        ("\x00", "not TOML"),
        (
            '[[action]]\nname="x"\nmeaning="y"\ncommand=["true"]\nparameter=3\n',
            "parameter: a whole number 3, expected one or more",
        ),
        ('[[action]]\nname="x"\nmeaning="y"\ncommand=["bash", "-lc", "x {host}"]\n', "where a shell reads it"),
        (
            '[[action]]\nname="x"\nmeaning="y"\ncommand=["env", "A=1", "/bin/sh", "-c", "x {host}"]\n',
            "where a shell reads",
        ),
        ('[[action]]\nname="x"\nmeaning="y"\ncommand=["perl", "-e", "print {host}"]\n', "where a shell reads it"),
        ('[[action]]\nname="x"\nmeaning="y"\ncommand=["a", "{host.__class__}"]\n', "{{ and }} for braces"),
        ('[[action]]\nname="x"\nmeaning="y"\ncommand=["a", "{host!r}"]\n', "{{ and }} for braces"),
        ('[[action]]\nname="x"\nmeaning="y"\ncommand=["a", "{host:>99999999}"]\n', "{{ and }} for braces"),
        ('[[action]]\nname="x"\nmeaning="y"\ncommand=["a", "{}"]\n', "{{ and }} for braces"),
        ('[[action]]\nname="x"\nmeaning="y"\ncommand=["a", "\\u001b[31m"]\n', "without control characters"),
        ('[[action]]\nname="x"\nmeaning="y"\ncommand=["-a"]\n', "expected a program first"),
        ('[[action]]\nname="x"\nmeaning="y"\ncommand=["a"]\nverify=["{host}"]\n', "a program that is named here"),
    ],
)
def test_what_cannot_be_used_is_told(tmp_path: Path, text: str, words: str) -> None:
    found = load_actions([written(tmp_path, text)])
    assert not found.actions
    assert words in "\n".join(map(str, found.problems))


def test_an_argument_of_a_script_may_hold_a_value(tmp_path: Path) -> None:
    text = '[[action]]\nname="x"\nmeaning="y"\ncommand=["sh", "-c", "rm -- \\"$1\\"", "sh", "{host}"]\n'
    assert load_actions([written(tmp_path, text)]).problems == ()


def test_the_systems_actions_cannot_be_named_anew(tmp_path: Path) -> None:
    system, own = tmp_path / "etc", tmp_path / "own"
    system.mkdir()
    own.mkdir()
    text = '[[action]]\nname="x"\nmeaning="y"\ncommand=["{}"]\n'
    found = load_actions([written(system, text.format("system")), written(own, text.format("own"))])
    assert found.actions["custom/x"].command == ("system",)
    assert "'x' a second time, expected another name; the first is at actions.toml:1" in str(found.problems[0])


def test_a_file_that_others_can_write_is_not_used(tmp_path: Path) -> None:
    file = written(tmp_path, WELL)
    file.chmod(0o666)
    found = load_actions([file])
    assert not found.actions
    assert f"is not used: the file may be written by everybody; chmod go-w {file}" in str(found.problems[0])


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_somebody_else_is_not_used(tmp_path: Path) -> None:
    file = written(tmp_path, WELL)
    os.chown(file, 12345, 12345)
    assert "belongs to another user (uid 12345)" in str(load_actions([file]).problems[0])


def test_files_are_looked_for_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    system = written(tmp_path, WELL)
    monkeypatch.setattr(actions, "SYSTEM", system)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    assert action_files() == (system,)
    (tmp_path / "config" / "leptontui").mkdir(parents=True)
    own = written(tmp_path / "config" / "leptontui", "")
    assert action_files() == (system, own)
    assert list(load_actions().actions) == ["custom/diagnose", "custom/calm"]


def test_a_file_that_is_gone_or_a_folder_is_told(tmp_path: Path) -> None:
    assert "No such file" in str(load_actions([tmp_path / "none.toml"]).problems[0])
    assert "is a directory" in str(load_actions([tmp_path]).problems[0])


def test_config_check_looks_at_it_alone_and_with_the_inventory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(actions, "SYSTEM", tmp_path / "none.toml")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    folder = tmp_path / "leptontui"
    folder.mkdir()
    file = written(folder, WELL)
    assert main(["config", "check", str(file)]) == 0
    assert capsys.readouterr().out == f"{file}: well; custom/diagnose, custom/calm\n"
    fleet = tmp_path / "fleet.toml"
    fleet.write_text('[[group]]\nname = "a"\nhosts = ["h1"]\n')
    assert main(["config", "check", str(fleet)]) == 0
    capsys.readouterr()
    written(folder, '[[action]]\nname = "x"\nmeaning = "y"\ncomand = ["true"]\n')
    (folder / "policy.toml").write_text("read_onyl = true\n")
    assert main(["config", "check", str(fleet)]) == 3
    told = capsys.readouterr().err.splitlines()
    assert f'{file}:4: action 1: comand: unknown key; did you mean "command"?' in told
    assert f'{folder}/policy.toml:1: read_onyl: unknown key; did you mean "read_only"?' in told
    assert f"{file}: 2 problems" in told


@given(st.text(max_size=60))
def test_no_file_raises(text: str) -> None:
    folder = Path(os.environ.get("TMPDIR", "/tmp"))
    file = folder / f"lepton-actions-{os.getpid()}.toml"
    try:
        file.write_text(f'[[action]]\nname = "x"\nmeaning = "y"\ncommand = ["a", {text!r}]\n', errors="replace")
        load_actions([file])
        file.write_text(text, errors="replace")
        load_actions([file])
    finally:
        file.unlink()


@given(st.text())
def test_what_is_put_in_is_not_read_again(value: str) -> None:
    assert filled("a{host}b{{x}}", {"host": value}) == f"a{value}b{{x}}"


@given(st.text(alphabet="ab{}:!.[]", max_size=12))
def test_words_have_plain_placeholders_or_none(word: str) -> None:
    try:
        pieces = pieces_of(word)
    except ValueError:
        return
    names = dict.fromkeys(names_in([word]), "")
    assert filled(word, names) == "".join(piece.text for piece in pieces)
