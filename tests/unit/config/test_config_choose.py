"""Choosing the fleet: a list, an inventory, both, or this machine."""

import socket
import subprocess
import sys

import pytest

from leptontui.config.choose import choose_fleet
from leptontui.errors import ConfigError
from leptontui.model.target import Fleet, HostTarget

INVENTORY = """
[[group]]
name = "train"
hosts = ["gpu[1-4]"]
user = "oncall"
scheduler = "slurm"
controller = "login1"
[[group]]
name = "serve"
hosts = ["cpu[1-2]"]
scheduler = "slurm"
controller = "login2"
"""


@pytest.fixture
def inventory(tmp_path):
    path = tmp_path / "prod.toml"
    path.write_text(INVENTORY)
    return path


def test_nothing_given_is_this_machine():
    name = socket.gethostname()
    assert choose_fleet(hosts=None, inventory=None) == Fleet(
        "this machine", (HostTarget(name, group="local", is_local=True),)
    )


def test_a_list():
    fleet = choose_fleet(hosts="gpu[1-2],root@x:2222", inventory=None)
    assert fleet == Fleet(
        "gpu[1-2],root@x:2222", (HostTarget("gpu1"), HostTarget("gpu2"), HostTarget("x", user="root", port=2222))
    )


def test_a_long_list_is_named_by_its_size():
    hosts = ",".join(f"machine{n}" for n in range(20))
    assert choose_fleet(hosts=hosts, inventory=None).name == "20 hosts"


def test_an_inventory(inventory):
    fleet = choose_fleet(hosts=None, inventory=inventory)
    assert len(fleet.hosts) == 6
    assert set(fleet.controllers) == {"login1", "login2"}


def test_a_list_restricts_an_inventory(inventory):
    fleet = choose_fleet(hosts="gpu3,root@gpu1:23", inventory=inventory)
    assert [(host.name, host.user, host.port) for host in fleet.hosts] == [
        ("gpu1", "root", 23),
        ("gpu3", "oncall", None),
    ]
    assert fleet.name == "prod"
    assert set(fleet.controllers) == {"login1"}


def test_a_name_that_is_not_in_the_inventory(inventory):
    with pytest.raises(ConfigError) as caught:
        choose_fleet(hosts="gpu1,gpv2,other", inventory=inventory)
    first, second = caught.value.problems
    assert first == f'--hosts: gpv2: not in {inventory}; did you mean "gpu2"?'
    assert second == f"--hosts: other: not in {inventory}"


def test_many_names_that_are_not_in_the_inventory(inventory):
    with pytest.raises(ConfigError) as caught:
        choose_fleet(hosts="x[1-500]", inventory=inventory)
    assert len(caught.value.problems) == 21
    assert "480 more" in caught.value.problems[-1]


def test_problems_of_list_and_inventory_are_told_together(inventory):
    inventory.write_text("nmae = 1")
    with pytest.raises(ConfigError) as caught:
        choose_fleet(hosts="-x", inventory=inventory)
    assert caught.value.problems[0].startswith("--hosts: '-x': host '-x', expected")
    assert any("unknown key" in problem for problem in caught.value.problems[1:])


@pytest.mark.parametrize("hosts", ["", " ", ",", "gpu[1-99999]"])
def test_no_or_too_many_hosts(hosts):
    with pytest.raises(ConfigError) as caught:
        choose_fleet(hosts=hosts, inventory=None)
    assert len(caught.value.problems) == 1


def test_importing_it_loads_nothing_heavy():
    """The command line imports it before the first paint."""
    code = "import sys, leptontui.config.choose; print([m for m in sys.argv[1:] if m in sys.modules])"
    heavy = ["ClusterShell", "polars", "asyncssh", "textual", "numpy", "msgspec"]
    done = subprocess.run([sys.executable, "-c", code, *heavy], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
