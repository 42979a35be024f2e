"""The commands that watch nothing: hosts, config check, metrics; and which inventory is used."""

import json
import subprocess
import sys
from pathlib import Path

import asyncssh
import pytest

from leptontui.cli import main
from leptontui.config.source import KIND_KEYS
from leptontui.model.catalogue import METRICS

WELL = '[[group]]\nname = "train"\nhosts = ["gpu[1-2]"]\nuser = "oncall"\nport = 2222\n'
CONFIG = "Host gpu1\n  HostName 10.0.0.1\n  ProxyJump anna@bastion:2200\nHost login1\nHost *\n  User nobody\n"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", "")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh/config").write_text(CONFIG)
    return tmp_path


def written(folder: Path, text: str) -> str:
    path = folder / "fleet.toml"
    path.write_text(text)
    return str(path)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "leptontui", *arguments], capture_output=True, text=True, timeout=60, check=False
    )


def test_hosts_tells_where_from_and_how(home: Path) -> None:
    path = written(home, WELL)
    done = run("hosts", "-i", path)
    assert (done.returncode, done.stderr) == (0, "")
    head, first, second, count = done.stdout.splitlines()
    assert head.split() == ["HOST", "GROUP", "REACHED", "AS", "FROM"]
    assert first.split()[:3] == ["gpu1", "train", "oncall@10.0.0.1:2222"]
    assert "via anna@bastion:2200 " in first
    assert first.endswith(f"{path}:3")
    assert second.split()[:3] == ["gpu2", "train", "oncall@gpu2:2222"]
    assert count == "2 hosts"


def test_a_key_that_needs_a_passphrase_is_listed_as_such(home: Path) -> None:
    key = home / "locked"
    asyncssh.generate_private_key("ssh-ed25519").write_private_key(key, passphrase="sesame")
    path = written(home, f'[[group]]\nname = "a"\nhosts = ["gpu9"]\nidentity = "{key}"\n')
    assert f"{key} (passphrase)" in run("hosts", "-i", path).stdout
    (host,) = json.loads(run("hosts", "--json", "-i", path).stdout)["hosts"]
    assert (host["identities"], host["locked_identities"]) == ([], [str(key)])


def test_without_an_inventory_hosts_says_which_there_could_be(home: Path) -> None:
    done = run("hosts")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "1 host")
    assert done.stderr.startswith("leptontui: Watching this machine only. ~/.ssh/config names gpu1, login1")
    assert run("hosts", "--json").stderr == ""


def test_hosts_as_json(home: Path) -> None:
    done = run("hosts", "--json", "--ssh-hosts", "*,!login*")
    document = json.loads(done.stdout)
    (host,) = document["hosts"]
    assert (document["schema"], document["notices"]) == (1, [])
    assert (host["name"], host["user"], host["address"], host["port"]) == ("gpu1", "nobody", "10.0.0.1", 22)
    assert host["jump"] == [{"name": "bastion", "address": "anna@bastion:2200"}]
    assert host["from"] == f"{home}/.ssh/config:1"
    assert host["is_reached"] is None
    assert document["sources"][0]["hosts"] == 1


def test_a_source_that_cannot_be_asked_is_told_and_changes_the_exit_code(home: Path) -> None:
    path = written(
        home, WELL + '[[source]]\nkind = "command"\ncommand = ["sh", "-c", "echo no database >&2; exit 4"]\n'
    )
    done = run("hosts", "-i", path)
    assert done.returncode == 3
    assert "command sh: sh exited with 4: no database" in done.stdout
    assert "gpu1" in done.stdout
    document = json.loads(run("hosts", "--json", "-i", path).stdout)
    assert "no database" in document["sources"][0]["fault"]


def test_a_broken_ssh_configuration_is_told_per_host(home: Path) -> None:
    (home / ".ssh/config").write_text("Host gpu1\n  Port many\n")
    done = run("hosts", "-i", written(home, '[[group]]\nhosts = ["gpu[1-2]"]\n'))
    assert done.returncode == 3
    assert "gpu1: SSH configuration:" in done.stdout
    assert "@gpu2:22" in done.stdout


def test_this_machine_is_listed_too() -> None:
    assert "this machine" in run("hosts").stdout


def test_the_users_own_inventory_is_used_where_nothing_is_named(home: Path) -> None:
    folder = home / ".config/leptontui"
    folder.mkdir(parents=True)
    written(folder, WELL)
    assert [host["name"] for host in json.loads(run("hosts", "--json").stdout)["hosts"]] == ["gpu1", "gpu2"]
    assert [host["name"] for host in json.loads(run("hosts", "--json", "-H", "x").stdout)["hosts"]] == ["x"]
    assert run("config", "check").stdout == f"{folder}/fleet.toml: well; 2 hosts\n"


def test_config_check_of_what_is_well(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(home, WELL + '[[source]]\nkind = "slurm"\ncontroller = "login1"\n')
    assert main(["config", "check", path]) == 0
    assert capsys.readouterr().out == f"{path}: well; 2 hosts, and what slurm at login1 will say\n"


def test_config_check_tells_every_problem(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "hosts.ini").write_text("[train\ngpu1\n")
    path = written(home, WELL + 'prot = 1\n[[source]]\nkind = "ansible"\nfile = "hosts.ini"\n[[source]]\nkind = "x"\n')
    assert main(["config", "check", path]) == 3
    kinds = ", ".join(f'"{kind}"' for kind in KIND_KEYS)
    assert capsys.readouterr().err.splitlines() == [
        f'{path}:6: group 1: prot: unknown key; did you mean "port"?',
        f"{path}:11: source 2: kind: 'x', expected one of {kinds}",
        f"{home}/hosts.ini:1: host '[train', expected a range such as [01:64] or [a:d]",
        f"{path}: 2 problems",
        f"{home}/hosts.ini: 1 problem",
    ]


def test_config_check_counts_problems_by_file(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = home / ".config/leptontui"
    folder.mkdir(parents=True)
    (folder / "verdicts.toml").write_text('[[verdict]]\nxid = 79\naction = "dance"\n')
    path = written(home, WELL)
    assert main(["config", "check", path]) == 3
    told = capsys.readouterr()
    assert told.err.splitlines()[-1] == f"{folder}/verdicts.toml: 1 problem"
    assert f"{path}:" not in told.err
    assert told.out == ""


def test_config_check_looks_at_runbooks_too(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = home / ".config/leptontui/runbooks"
    folder.mkdir(parents=True)
    (folder / "swap.toml").write_text(
        '[[runbook]]\nname = "swap"\nmeaning = "Swap it."\n[[runbook.step]]\naction = "drian"\nreason = "swap"\n'
    )
    path = written(home, WELL)
    assert main(["config", "check", path]) == 3
    told = capsys.readouterr().err.splitlines()
    assert told[0].startswith(f"{folder}/swap.toml:5: runbook 1: step 1: action: ")
    assert "drain" in told[0]
    assert told[-1] == f"{folder}/swap.toml: 1 problem"


def test_config_check_as_json(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(home, "[[group]]\nhosts = 7\nusr = 1\n")
    assert main(["config", "check", path, "--json"]) == 3
    document = json.loads(capsys.readouterr().out)
    assert document["is_well"] is False
    assert document["problems"] == [
        {
            "file": path,
            "line": 2,
            "key": "group 1: hosts",
            "found": "a whole number 7",
            "expected": 'a list such as ["gpu[001-064]", "user@odd-one:2222"]',
            "suggestion": "",
        },
        {
            "file": path,
            "line": 3,
            "key": "group 1: usr",
            "found": "unknown key",
            "expected": "",
            "suggestion": 'did you mean "user"?',
        },
    ]


def test_config_check_without_an_inventory(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "check"]) == 3
    assert "no inventory to check" in capsys.readouterr().err
    assert main(["config", "check", "/nowhere.toml"]) == 3
    assert "/nowhere.toml: cannot be read: No such file" in capsys.readouterr().err


def test_metrics_are_the_catalogue(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["metrics", "--json"]) == 0
    metrics = json.loads(capsys.readouterr().out)["metrics"]
    assert [(metric["entity"], metric["name"]) for metric in metrics] == [(m.entity.value, m.name) for m in METRICS]
    assert all(metric["meaning"] and metric["source"] for metric in metrics)
    assert main(["metrics"]) == 0
    lines = capsys.readouterr().out.splitlines()
    (line,) = [line for line in lines if line.startswith("  temp_c ")]
    assert "sweep" in line
    assert "°C" in line


@pytest.mark.parametrize("arguments", [["--ssh-hosts", "*", "-H", "x"], ["-i", "x.toml", "--ssh-hosts", "*"]])
def test_only_one_way_of_naming_hosts(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["hosts", *arguments]) == 3
    assert "--ssh-hosts" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [["config"], ["config", "chekc"], ["hosts", "--interval"], ["metrics", "-H", "x"]]
)
def test_a_wrong_command_line(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert left.value.code == 3


@pytest.mark.parametrize("arguments", [["config", "check", "{path}"], ["metrics"]])
def test_nothing_heavy_is_loaded_to_tell(home: Path, arguments: list[str]) -> None:
    path = written(home, WELL)
    code = (
        "import sys; from leptontui.cli import main; main(sys.argv[1:]); print(*sorted(sys.modules), file=sys.stderr)"
    )
    filled = [argument.format(path=path) for argument in arguments]
    done = subprocess.run([sys.executable, "-c", code, *filled], capture_output=True, text=True, check=True)
    assert not {"asyncssh", "polars", "textual", "statsforecast", "numpy"} & set(done.stderr.split())


def test_check_waits_for_sources_and_says_what_failed(home: Path) -> None:
    path = written(home, '[[source]]\nkind = "command"\ncommand = ["sh", "-c", "exit 9"]\n')
    done = run("check", "-i", path, "--json", "--timeout", "10")
    assert done.returncode == 3
    assert "leptontui: command sh: sh exited with 9" in done.stderr
    assert json.loads(done.stdout)
