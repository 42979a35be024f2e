"""Common causes: what is found, what is not, and what holds whatever the alerts are."""

import math
import random
from dataclasses import replace

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leptontui.alerts.attributes import attributes_of
from leptontui.alerts.causes import CauseMemory, collapse
from leptontui.alerts.chance import log10_tail
from leptontui.alerts.inhibition import inhibitions
from leptontui.model.alert import Acknowledgement, Alert, AlertState, Level, Subject
from leptontui.model.link import Link, LinkState
from leptontui.model.series import Entity
from leptontui.model.target import HostTarget

NOW = 100_000.0


def alert(host, rule="gpu-throttle", *, instance="", entity=None, since=None, predictive=False, labels=(), level=2):
    entity = entity or (Entity.GPU if instance else Entity.HOST)
    return Alert(
        id=f"{rule}/{host}/{instance}",
        rule=rule,
        level=Level(level),
        is_predictive=predictive,
        subject=Subject(entity, host, instance),
        labels=tuple(sorted(labels)),
        summary=f"{host} {instance} {rule}".replace("  ", " "),
        state=AlertState.FIRING,
        # Spread, so that nothing begins together unless a test says so.
        since_unix_s=NOW - 10_000.0 + 100.0 * (hash_of(f"{rule}{host}{instance}") % 97) if since is None else since,
    )


def hash_of(text):
    return sum(ord(char) * (n + 1) * 7919 for n, char in enumerate(text))


def unreachable(host, **more):
    return alert(host, "host-unreachable", **more)


def fleet_of(count=64, **attribute_of):
    """Hosts h0 … with attributes by what a function of the number says."""
    return {f"h{n}": {name: of(n) for name, of in attribute_of.items() if of(n)} for n in range(count)}


FLEET = fleet_of(
    64,
    group=lambda n: "train" if n < 50 else "infer",
    bastion=lambda n: "bastion2" if n < 42 else "bastion1",
    rack=lambda n: f"r{n // 8}",
    switch=lambda n: f"leaf-{n // 16}",
    driver=lambda n: "550.54" if n % 3 else "560.28",
)


def groups_of(alerts, attributes=FLEET, **more):
    return collapse(alerts, attributes, NOW, **more).groups


def test_forty_behind_a_bastion_are_one_group_and_not_the_group_train():
    found = groups_of([unreachable(f"h{n}") for n in range(40)])
    assert [(group.id, group.title, group.cause, len(group.alerts)) for group in found] == [
        (
            "cause:bastion:bastion2",
            "40 hosts unreachable: all behind bastion2 (40 of its 42 hosts)",
            "bastion: bastion2",
            40,
        )
    ]


def test_gpus_of_a_rack():
    alerts = [
        alert(f"h{n}", instance=f"G{gpu}", labels=[("trouble", "GPUs throttle")])
        for n in range(56, 64)
        for gpu in "0123"
    ]
    [group] = groups_of(alerts[:-1])
    assert group.title == "31 GPUs throttle: all in rack r7"
    assert group.level is Level.PAGE
    assert group.since_unix_s == min(alert.since_unix_s for alert in alerts[:-1])


def test_the_job_wins_over_the_rack_it_is_in():
    attributes = fleet_of(64, rack=lambda n: f"r{n // 16}", job=lambda n: "8812" if n < 6 else "99")
    [group] = groups_of([alert(f"h{n}") for n in range(6)], attributes)
    assert group.cause == "job: 8812"


def test_a_gpu_of_another_job_on_the_same_host_is_not_the_jobs():
    attributes = fleet_of(64, job=lambda n: "8812, 7" if n < 6 else "99")
    mine = [alert(f"h{n}", instance="G0", labels=[("job", "8812")]) for n in range(6)]
    other = alert("h0", instance="G1", labels=[("job", "7")])
    found = groups_of([*mine, other], attributes)
    assert {group.cause: len(group.alerts) for group in found} == {"job: 8812": 6, "": 1}


def test_a_driver_version():
    attributes = fleet_of(100, driver=lambda n: "570.1" if n % 10 == 0 else "550", rack=lambda n: f"r{n // 10}")
    [group] = groups_of([alert(f"h{n}", "xid") for n in range(0, 100, 10)], attributes)
    assert group.title == "10 hosts xid: all with driver 570.1"


def test_two_causes_at_once_and_one_alone():
    alerts = [alert(f"h{n}") for n in (*range(8, 16), *range(56, 64), 30)]
    found = groups_of(alerts)
    assert {group.cause: len(group.alerts) for group in found} == {"rack: r1": 8, "rack: r7": 8, "": 1}


def test_one_cause_of_two_rules_is_one_group():
    alerts = [
        alert(f"h{n}", rule, instance="G0", level=level)
        for n in range(8)
        for rule, level in (("gpu-throttle", 1), ("gpu-hot", 2))
    ]
    [group] = groups_of(alerts)
    assert group.title == "8 GPUs hot, 8 GPUs throttle: all in rack r0"
    assert group.level is Level.PAGE


def test_what_is_and_what_will_be_are_two():
    alerts = [alert(f"h{n}", "gpu-hot", predictive=n >= 4) for n in range(8)]
    attributes = fleet_of(640, rack=lambda n: f"r{n // 8}")
    found = groups_of(alerts, attributes)
    assert [group.id for group in found] == ["cause:rack:r0", "cause:rack:r0:predicted"]


@pytest.mark.parametrize("hosts", [(1, 20), (1, 20, 40), (3, 11, 19, 27, 35, 43, 51, 60), (1, 9, 17, 33, 57)])
def test_scattered_trouble_has_no_cause(hosts):
    found = groups_of([alert(f"h{n}") for n in hosts])
    assert [group.cause for group in found] == [""] * len(hosts)
    assert sorted(group.id for group in found) == sorted(alert(f"h{n}").id for n in hosts)
    assert all(group.title == group.alerts[0].summary for group in found)


def test_causes_found_by_chance_are_rare():
    """The rate of false causes among scattered alerts is what was asked for."""
    attributes = fleet_of(
        512,
        rack=lambda n: f"r{n // 16}",
        switch=lambda n: f"s{n // 32}",
        driver=lambda n: f"d{n % 3}",
        job=lambda n: f"j{hash_of(str(n)) % 60}",
        group=lambda n: f"g{n % 4}",
    )
    rng = random.Random(1)
    memory, wrong, rounds = CauseMemory(), 0, 400
    for _ in range(rounds):
        hosts = rng.sample(range(512), rng.randint(3, 60))
        told = collapse(
            [alert(f"h{n}") for n in hosts], attributes, NOW, memory=CauseMemory(population=memory.population)
        )
        memory = told.memory
        wrong += any(group.cause.startswith(("rack", "switch", "driver", "job", "group")) for group in told.groups)
    assert wrong <= 0.02 * rounds, wrong


def test_the_whole_fleet():
    attributes = fleet_of(10, bastion=lambda n: "b1", group=lambda n: "g")
    [group] = groups_of([unreachable(f"h{n}") for n in range(10)], attributes)
    assert (group.id, group.title) == ("cause:fleet:", "10 hosts unreachable: the whole fleet, all behind b1")
    [group] = groups_of([alert(f"h{n}", "clock-off") for n in range(6)], attributes)
    assert group.title == "6 hosts clock off: 6 of the fleet's 10 hosts"


def test_begun_in_one_moment():
    attributes = fleet_of(200)
    together = [alert(f"h{n}", "throttle", since=NOW + n * 0.5) for n in range(7)]
    found = groups_of([*together, alert("h100", "throttle"), alert("h150", "throttle")], attributes)
    assert sorted((group.title, len(group.alerts)) for group in found) == [
        ("7 hosts throttle: all within 3 s", 7),
        ("h100 throttle", 1),
        ("h150 throttle", 1),
    ]
    at_start = groups_of(together, attributes, watching_since_unix_s=NOW - 10)
    assert len(at_start) == 7, "everything begins when watching begins"


def test_alerts_of_one_host():
    gpus = [alert("h1", "gpu-hot", instance=f"G{n}") for n in range(8)]
    [group] = groups_of(gpus)
    assert (group.title, group.cause) == ("8 GPUs hot: all on h1", "host: h1")
    assert group.id in {one.id for one in gpus}
    xid = [alert("h1", "xid", instance="G0", since=NOW), alert("h1", "gpus-missing", since=NOW + 20, level=1)]
    [group] = groups_of(xid)
    assert group.title == "h1 G0 xid (+1 on h1)"
    apart = [alert("h1", "disk-full", since=NOW), alert("h1", "gpu-hot", instance="G0", since=NOW + 600)]
    assert len(groups_of(apart)) == 2
    slow = [alert("h1", "gpu-slow", instance="G0", since=NOW), alert("h1", "gpu-hot", instance="G0", since=NOW + 600)]
    assert [len(group.alerts) for group in groups_of(slow)] == [2], (
        "what one GPU says is one trouble, whenever it began"
    )
    slow.append(alert("h1", "gpu-ecc", instance="G1", since=NOW + 300))
    assert sorted(len(group.alerts) for group in groups_of(slow)) == [1, 2]


def test_an_unreachable_host_hides_what_it_carries():
    alerts = [unreachable("h1"), alert("h1", instance="G0"), alert("h1", "disk-full"), alert("h2", instance="G0")]
    told = collapse(alerts, FLEET, NOW)
    assert told.inhibited_by == {alerts[1].id: alerts[0].id, alerts[2].id: alerts[0].id}
    first = next(group for group in told.groups if group.id == alerts[0].id)
    assert [(one.id, one.inhibited_by) for one in first.alerts] == [
        (alerts[0].id, ""),
        (alerts[2].id, alerts[0].id),
        (alerts[1].id, alerts[0].id),
    ]
    again = collapse([one for group in told.groups for one in group.alerts if one.id != alerts[0].id], FLEET, NOW)
    assert not again.inhibited_by
    assert not any(one.inhibited_by for group in again.groups for one in group.alerts), "it is reachable again"


def test_a_pending_one_hides_nothing_and_an_acknowledged_one_does():
    carried = alert("h1", instance="G0")
    assert not inhibitions([replace(unreachable("h1"), state=AlertState.PENDING), carried])
    seen = replace(unreachable("h1"), acknowledgement=Acknowledgement("anna", "", NOW))
    assert inhibitions([seen, carried]) == {carried.id: seen.id}


def test_a_watched_bastion_hides_that_hosts_behind_it_are_unreachable():
    attributes = {"b1": {}, "b2": {"bastion": "b1"}} | fleet_of(5, bastion=lambda n: "b2")
    alerts = [
        unreachable("b1"),
        unreachable("b2"),
        *(unreachable(f"h{n}") for n in range(5)),
        alert("h0", instance="G"),
    ]
    told = collapse(alerts, attributes, NOW)
    [group] = told.groups
    assert group.id == "host-unreachable/b1/"
    assert len(group.alerts) == 8
    assert sum(one.is_active for one in group.alerts) == 1
    assert told.inhibited_by["host-unreachable/h0/"] == "host-unreachable/b2/"


def test_bastions_behind_each_other_hide_nothing():
    attributes = {"a": {"bastion": "b"}, "b": {"bastion": "a"}}
    assert not inhibitions([unreachable("a"), unreachable("b")], attributes)


def test_a_group_keeps_its_id_until_the_last_of_it_is_gone():
    memory, ids = CauseMemory(), []
    for left in (40, 20, 3, 1):
        told = collapse([unreachable(f"h{n}") for n in range(left)], FLEET, NOW, memory=memory)
        memory = told.memory
        ids.append([group.id for group in told.groups])
    assert ids == [["cause:bastion:bastion2"]] * 4
    assert told.groups[0].title == "h0 host-unreachable (behind bastion2)"
    later = collapse([unreachable("h0")], FLEET, NOW + 3600, memory=memory)
    assert [group.id for group in later.groups] == ["host-unreachable/h0/"], "an hour later it is one host's trouble"


def test_a_cause_that_lives_is_not_left_for_one_that_is_hardly_better():
    attributes = fleet_of(64, rack=lambda n: f"r{n // 8}", job=lambda n: "j1" if n < 9 else "")
    first = collapse([alert(f"h{n}") for n in range(8)], attributes, NOW)
    assert [group.cause for group in first.groups] == ["rack: r0"]
    more = [alert(f"h{n}") for n in range(9)]
    assert [group.cause for group in collapse(more, attributes, NOW).groups] == ["job: j1"]
    again = collapse(more, attributes, NOW + 5, memory=first.memory)
    assert {group.cause for group in again.groups} == {"rack: r0", ""}


def test_a_host_group_keeps_its_id_while_alerts_come_and_go():
    first = [alert("h1", "gpu-hot", instance=f"G{n}", since=NOW + n) for n in range(4)]
    told = collapse(first, FLEET, NOW)
    id_ = told.groups[0].id
    rest = collapse(first[2:], FLEET, NOW, memory=told.memory)
    assert [group.id for group in rest.groups] == [id_]
    last = collapse(first[3:], FLEET, NOW, memory=rest.memory)
    assert [group.id for group in last.groups] == [id_]


ATTRIBUTES = st.fixed_dictionaries(
    {},
    optional={
        "rack": st.sampled_from(["r1", "r2"]),
        "bastion": st.sampled_from(["h0", "h1", "b", "h0, b"]),
        "job": st.sampled_from(["1", "2", "1, 2"]),
        "group": st.sampled_from(["g"]),
    },
)
FLEETS = st.fixed_dictionaries({f"h{n}": ATTRIBUTES for n in range(12)})


@st.composite
def some_alerts(draw):
    hosts = st.sampled_from([*(f"h{n}" for n in range(12)), "stranger", ""])
    rules = st.sampled_from(["host-unreachable", "gpu-hot", "disk-full"])
    made = []
    for host, rule, gpu, state, predictive, since in draw(
        st.lists(
            st.tuples(
                hosts,
                rules,
                st.sampled_from(["", "G0", "G1"]),
                st.sampled_from([AlertState.FIRING, AlertState.PENDING]),
                st.booleans(),
                st.floats(0, 200),
            ),
            max_size=40,
        )
    ):
        one = alert(host, rule, instance=gpu, predictive=predictive, since=NOW + since)
        made.append(replace(one, state=state))
    return list({one.id: one for one in made}.values())


@settings(max_examples=200, deadline=None)
@given(some_alerts(), some_alerts(), FLEETS, st.randoms(use_true_random=False))
def test_whatever_the_alerts_are(before, alerts, attributes, rng):
    memory = collapse(before, attributes, NOW).memory
    told = collapse(alerts, attributes, NOW + 5, memory=memory)
    placed = [one.id for group in told.groups for one in group.alerts]
    assert sorted(placed) == sorted(one.id for one in alerts), "each is in exactly one group"
    ids = [group.id for group in told.groups]
    assert len(ids) == len(set(ids))
    by_id = {one.id: one for one in alerts}
    for group in told.groups:
        assert group.alerts
        assert group.title.isprintable()
        assert group.since_unix_s == min(one.since_unix_s for one in group.alerts)
        assert group.level in {one.level for one in group.alerts}
        for one in group.alerts:
            assert one.inhibited_by == told.inhibited_by.get(one.id, "")
            assert replace(one, inhibited_by="") == by_id[one.id]
    for hidden, by in told.inhibited_by.items():
        assert by in by_id
        assert hidden != by
    shuffled = list(alerts)
    rng.shuffle(shuffled)
    other = list(attributes.items())
    rng.shuffle(other)
    assert collapse(shuffled, dict(other), NOW + 5, memory=memory).groups == told.groups
    settled = collapse(alerts, attributes, NOW + 10, memory=told.memory)
    assert settled.groups == told.groups, "nothing changed, nothing moves"


@given(st.integers(1, 60), st.data())
def test_the_tail_is_the_hypergeometric_one(total, data):
    marked, drawn = data.draw(st.integers(0, total)), data.draw(st.integers(0, total))
    hits = data.draw(st.integers(0, total))
    whole = math.comb(total, drawn)
    ways = sum(math.comb(marked, x) * math.comb(total - marked, drawn - x) for x in range(hits, min(marked, drawn) + 1))
    told = log10_tail(hits, drawn, marked, total)
    if ways == 0:
        assert told == -math.inf
    else:
        assert told == pytest.approx(math.log10(ways / whole), abs=1e-9)


def test_attributes_of_a_fleet():
    targets = {
        "a": HostTarget("a", group="train", jump="anna@b1:2200,b2", labels=(("rack", "r1"),), partitions=("p", "q")),
        "c": HostTarget("c", group="infer"),
        "d": HostTarget("d", jump="none", labels=(("group", "mine"),)),
    }
    links = {"c": Link("c", LinkState.LIVE, 0.0, address="oncall@10.0.0.7:22 via root@b9")}
    hosts = pl.DataFrame({"host": ["a", "c"], "driver_version": ["550", None]})
    gpus = pl.DataFrame({"host": ["a", "a", "c"], "name": ["H100", "H100", None], "job": ["7, 8", "8", None]})
    assert attributes_of(targets, links, hosts, gpus) == {
        "a": {
            "group": "train",
            "partition": "p, q",
            "driver": "550",
            "model": "H100",
            "job": "7, 8",
            "rack": "r1",
            "bastion": "b1, b2",
        },
        "c": {"group": "infer", "bastion": "b9"},
        "d": {"group": "mine"},
    }
    assert attributes_of(targets, {}, pl.DataFrame({"host": []}), pl.DataFrame({"host": []}))["d"] == {"group": "mine"}


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        ("GPUs throttle", "8 GPUs throttle"),
        ("stragglers", "8 stragglers"),
        ("GPU memories too hot", "8 GPU memories too hot"),
        ("too slow", "8 GPUs too slow"),
        ("", "8 GPUs strange"),
    ],
)
def test_how_trouble_is_counted(trouble, words):
    labels = [("trouble", trouble)] if trouble else []
    alerts = [alert(f"h{n}", "gpu-strange", instance="G0", labels=labels) for n in range(8)]
    [group] = groups_of(alerts)
    assert group.title == f"{words}: all in rack r0"
