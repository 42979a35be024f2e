"""Labels of hosts: from groups, sources and `[[label]]` tables, and what other inventories say."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leptontui.config.ansible import hosts_of_tree
from leptontui.config.ansible_ini import parse_ansible_ini
from leptontui.config.assemble import assemble
from leptontui.config.file_sd import parse_file_sd
from leptontui.config.found import Found, NotUnderstood, sorted_out
from leptontui.config.inventory import load_inventory, read_inventory
from leptontui.config.kube_nodes import parse_kube_nodes
from leptontui.config.labels import LONGEST_VALUE, MOST_LABELS, RESERVED, LabelRule, foreign_labels
from leptontui.config.named_hosts import parse_named_hosts
from leptontui.config.slurm_nodes import parse_slurm_json, parse_slurm_text
from leptontui.engine.roster import Roster
from leptontui.model.target import HostTarget

INVENTORY = """
[[group]]
name = "train"
hosts = ["gpu[1-3]", "login1"]
labels = { rack = "r1", row = "a" }
[[label]]
hosts = ["gpu[1-2]"]
switch = "leaf-3"
[[label]]
hosts = "gpu*"
rack = "r7"
[[label]]
hosts = ["gpu3"]
rack = "r8"
"""


def written(path, text):
    file = path / "fleet.toml"
    file.write_text(text)
    return file


def test_labels_of_group_and_host(tmp_path):
    fleet = load_inventory(written(tmp_path, INVENTORY))
    assert {host.name: dict(host.labels) for host in fleet.hosts} == {
        "gpu1": {"rack": "r7", "row": "a", "switch": "leaf-3"},
        "gpu2": {"rack": "r7", "row": "a", "switch": "leaf-3"},
        "gpu3": {"rack": "r8", "row": "a"},
        "login1": {"rack": "r1", "row": "a"},
    }
    assert all(host.labels == tuple(sorted(host.labels)) for host in fleet.hosts)


def test_a_changed_label_leaves_the_link_alone(tmp_path):
    assert HostTarget("a", labels=(("rack", "r1"),)) == HostTarget("a")


def test_rack_and_switch_are_columns(tmp_path):
    frame = Roster(load_inventory(written(tmp_path, INVENTORY)), 0.0).frame
    assert frame["rack"].to_list() == ["r7", "r7", "r8", "r1"]
    assert frame["switch"].to_list() == ["leaf-3", "leaf-3", None, None]


def test_a_source_says_more_than_its_options_and_the_file_has_the_last_word(tmp_path):
    text = """
[[source]]
kind = "file_sd"
files = ["targets.json"]
labels = { rack = "options", pod = "p1" }
[[label]]
hosts = ["gpu2"]
rack = "mine"
"""
    inventory = read_inventory(written(tmp_path, text))
    told = [{"targets": ["gpu1:9400", "gpu2:9400"], "labels": {"rack": "told", "job": "dcgm", "__meta": "x"}}]
    found = sorted_out(parse_file_sd(json.dumps(told), "targets.json", is_json=True))
    fleet = assemble("f", inventory.groups, [(inventory.sources[0], found)], inventory.labels)
    assert [dict(host.labels) for host in fleet.hosts] == [
        {"rack": "told", "pod": "p1"},
        {"rack": "mine", "pod": "p1"},
    ]


def test_what_names_a_host_again_adds_its_labels(tmp_path):
    text = '[[group]]\nhosts = ["gpu1"]\nlabels = { rack = "r1" }\n[[source]]\nkind = "file_sd"\nfiles = ["x.json"]\n'
    inventory = read_inventory(written(tmp_path, text))
    told = [{"targets": ["gpu1"], "labels": {"rack": "r2", "switch": "s1"}}]
    found = Found(tuple(parse_file_sd(json.dumps(told), "x", is_json=True)))
    fleet = assemble("f", inventory.groups, [(inventory.sources[0], found)], inventory.labels)
    assert dict(fleet.hosts[0].labels) == {"rack": "r1", "switch": "s1"}


def test_hosts_of_sources_are_not_refused(tmp_path):
    text = '[[source]]\nkind = "slurm"\n[[label]]\nhosts = ["gpu1"]\nrack = "r1"\n'
    assert read_inventory(written(tmp_path, text)).labels == (LabelRule(frozenset({"gpu1"}), (), (("rack", "r1"),)),)


def test_ansible_variables():
    text = "[gpu]\na rack=r1\nb rack=r2 switch=s9\n[gpu:vars]\nswitch=s1\nansible_user=root\n"
    hosts, _ = hosts_of_tree(parse_ansible_ini(text)[0], file="hosts.ini", folder=Path())
    assert {host.name: dict(host.labels) for host in hosts} == {
        "a": {"rack": "r1", "switch": "s1"},
        "b": {"rack": "r2", "switch": "s9"},
    }


def test_slurm_features():
    text = "NodeName=a AvailableFeatures=h100,rack=r1,switch:leaf-3 ActiveFeatures=h100 State=IDLE\n"
    assert parse_slurm_text(text, "slurm")[0].labels == (("rack", "r1"), ("switch", "leaf-3"))
    for features in (["h100", "rack=r1"], "h100,rack=r1"):
        node = {"nodes": [{"name": "a", "features": features}]}
        assert parse_slurm_json(json.dumps(node), "slurm")[0].labels == (("rack", "r1"),)


def test_kubernetes_labels():
    labels = {"topology.kubernetes.io/zone": "eu-1a", "network.topology.nvidia.com/leaf": "leaf-3", "other": "x"}
    text = json.dumps({"items": [{"metadata": {"name": "a", "labels": labels}}]})
    assert parse_kube_nodes(text, "kubectl")[0].labels == (("switch", "leaf-3"), ("zone", "eu-1a"))


def test_labels_that_a_command_prints():
    found = parse_named_hosts('[{"name": "a", "labels": {"rack": "r1", "U": 12, "host": "evil"}}]', "command")
    assert found[0].labels == (("rack", "r1"), ("u", "12"))
    with pytest.raises(NotUnderstood, match="entry 1: labels"):
        parse_named_hosts('[{"name": "a", "labels": ["rack"]}]', "command")


@given(st.dictionaries(st.text(), st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text())))
def test_foreign_labels_are_fit_to_be_shown(told):
    labels = foreign_labels(told)
    names = [name for name, _ in labels]
    assert names == sorted(set(names))
    assert len(labels) <= MOST_LABELS
    for name, value in labels:
        assert name.isascii()
        assert name == name.lower()
        assert name not in RESERVED
        assert value.isprintable()
        assert 0 < len(value) <= LONGEST_VALUE
