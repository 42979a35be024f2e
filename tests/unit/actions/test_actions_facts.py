"""What is seen of a host and of those one fault cuts off together with it."""

import pytest

from leptontui.actions.facts import sight_of
from leptontui.actions.guard import no_common_cause
from leptontui.model.link import Link, LinkState
from leptontui.model.target import Fleet, HostTarget

T0 = 1_700_000_000.0


class Facts:
    """Hosts are live but those that are lost."""

    interval_s = 1.0

    def __init__(self, lost: set[str]) -> None:
        self.lost = lost

    def link_of(self, host: str) -> Link | None:
        return Link(host, LinkState.LOST if host in self.lost else LinkState.LIVE, T0)

    def age_s_of(self, host: str) -> float | None:
        return 0.5


def rack(number: int, count: int, label: str = "switch") -> list[HostTarget]:
    labels = ((label, f"tor-r{number:02d}"),)
    return [HostTarget(f"r{number}-{n}", group="train", labels=labels) for n in range(count)]


@pytest.mark.parametrize("label", ["switch", "rack"])
def test_a_rack_that_is_cut_off_is_one_cause_however_many_other_hosts_the_group_has(label: str) -> None:
    fleet = Fleet("f", (*rack(1, 4, label), *rack(2, 4, label), *rack(3, 16, label)))
    facts = Facts({"r2-0", "r2-1", "r2-2"})
    objection = no_common_cause(sight_of(fleet, facts, fleet.hosts[4]))
    assert objection is not None
    assert objection.rule == "common-cause"
    assert f"3 of 4 hosts behind {label} tor-r02 are stale or lost" in objection.cause


def test_few_hosts_of_a_rack_or_another_label_are_no_common_cause() -> None:
    fleet = Fleet("f", (*rack(1, 4), *rack(2, 8)))
    assert no_common_cause(sight_of(fleet, Facts({"r1-0", "r1-1"}), fleet.hosts[0])) is None
    assert no_common_cause(sight_of(fleet, Facts({"r2-0", "r2-1", "r2-2", "r2-3"}), fleet.hosts[4])) is None, "half"
    owned = Fleet("f", (*rack(1, 4, "owner"), *rack(2, 8, "owner")))
    assert no_common_cause(sight_of(owned, Facts({"r1-0", "r1-1", "r1-2"}), owned.hosts[0])) is None


def test_a_live_host_is_seen_with_its_group() -> None:
    fleet = Fleet("f", (*rack(1, 4), *rack(2, 4)))
    sight = sight_of(fleet, Facts({"r1-1", "r1-2", "r1-3"}), fleet.hosts[0])
    assert sight.way == "group train"
    assert len(sight.same_way) == 8
