"""Who is who in the simulated fleet, and Slurm's bracket notation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leptontui.demo.layout import Role, folded, make_layout, unfolded


def test_roles_of_the_usual_fleet():
    layout = make_layout(24, 8)
    assert [len(layout.with_role(role)) for role in (Role.INFER, Role.TRAIN, Role.IDLE)] == [6, 14, 4]
    assert layout.hosts[0].name == "gpu-001"
    assert {host.name: host.role for host in layout.hosts}["gpu-017"] is Role.TRAIN


@pytest.mark.parametrize("hosts", [1, 2, 3, 5, 1000])
def test_every_size_has_a_training_job_and_unique_identities(hosts):
    layout = make_layout(hosts, 2)
    assert len(layout.hosts) == hosts
    assert layout.with_role(Role.TRAIN)
    uuids = [uuid for host in layout.hosts for uuid in host.gpu_uuids]
    assert len(set(uuids)) == 2 * hosts
    assert sum(len(members) for members in layout.groups.values()) == hosts
    assert all(layout.groups.values())


def test_identities_depend_on_the_seed_only():
    assert make_layout(2, 2, seed=3) == make_layout(2, 2, seed=3)
    assert make_layout(2, 2, seed=3).hosts[0].gpu_uuids != make_layout(2, 2, seed=4).hosts[0].gpu_uuids


def test_names_are_wide_enough_for_the_last_host():
    assert make_layout(1000, 1).hosts[0].name == "gpu-0001"


@pytest.mark.parametrize(("hosts", "gpus"), [(0, 8), (8, 0), (-1, 1)])
def test_an_empty_fleet_is_refused(hosts, gpus):
    with pytest.raises(ValueError, match="at least one"):
        make_layout(hosts, gpus)


@given(st.sets(st.integers(1, 999), min_size=1, max_size=40))
def test_folding_and_unfolding_give_the_same_names(numbers):
    names = [f"gpu-{number:03d}" for number in sorted(numbers)]
    assert unfolded(folded(names)) == names


@pytest.mark.parametrize(
    ("notation", "names"),
    [
        ("gpu-001", ["gpu-001"]),
        ("gpu-001,login1", ["gpu-001", "login1"]),
        ("gpu-[001-002,007],login1", ["gpu-001", "gpu-002", "gpu-007", "login1"]),
        ("gpu-[x]", ["gpu-[x]"]),
        ("", []),
    ],
)
def test_unfolding(notation, names):
    assert unfolded(notation) == names


@given(st.text(max_size=60))
def test_unfolding_never_fails(notation):
    assert len(unfolded(notation)) <= 10_000 * (1 + len(notation))


def test_four_hosts_share_a_rack():
    racks = make_layout(10, 1).racks
    assert {name: [host.index for host in hosts] for name, hosts in racks.items()} == {
        "r01": [0, 1, 2, 3],
        "r02": [4, 5, 6, 7],
        "r03": [8, 9],
    }
