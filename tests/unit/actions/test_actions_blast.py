"""Blast radius, job protection and counts: pure."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leptontui.actions.blast import (
    Job,
    Part,
    Stakes,
    Traffic,
    blast_objections,
    job_objections,
    traffic_objections,
)
from leptontui.model.policy import BUILT_IN, Blast, Ceiling, JobShield, Limit, Policies, Policy

HOSTS = frozenset(f"gpu-{n:03d}" for n in range(20))


def part(out: int, kind: str = "fleet") -> Part:
    return Part(kind, "train", HOSTS, frozenset(sorted(HOSTS)[:out]))


def judged(blast: Blast, *parts: Part, going: str = "gpu-019") -> list[str]:
    stakes = Stakes(parts, going=frozenset({going}))
    return [found.rule for found in blast_objections(Policies((Policy("p", blast=blast),)), stakes)]


@pytest.mark.parametrize(("out", "refused"), [(0, False), (1, False), (2, True), (19, True)])
def test_the_host_itself_counts(out: int, refused: bool) -> None:
    assert judged(Blast(fleet=Limit(0.10)), part(out)) == (["blast-fleet"] if refused else [])


def test_a_host_that_is_out_already_adds_nothing() -> None:
    assert judged(Blast(fleet=Limit(0.10)), part(15), going="gpu-003") == []


def test_one_host_is_always_allowed() -> None:
    assert judged(Blast(fleet=Limit(0.001)), part(0)) == []
    assert Limit(0.001).of(5) == 1


def test_each_kind_of_part_has_its_own_limit() -> None:
    blast = Blast(fleet=Limit(0.5), group=Limit(count=2, set_in="p:3"), partition=Limit(0.10))
    assert judged(blast, part(2), part(2, "group"), part(1, "partition")) == ["blast-group"]


def test_a_refusal_says_how_many_which_and_where_it_is_set() -> None:
    policies = Policies((Policy("p", blast=Blast(group=Limit(count=2, set_in="p:3"), may_be_overridden=False)),))
    (found,) = blast_objections(policies, Stakes((part(2, "group"),), going=frozenset({"gpu-019"})))
    assert found.cause == (
        "3 of 20 hosts of group train would be out of service, at most 2 hosts may be (2); "
        "out already: gpu-000, gpu-001"
    )
    assert (found.set_in, found.may_be_overridden) == ("p:3", False)


def test_what_cannot_be_asked_is_not_taken_for_nothing() -> None:
    (found,) = blast_objections(Policies(), Stakes(room_unknown="slurmctld does not answer"))
    assert found.rule == "room-unknown"
    assert "slurmctld does not answer" in found.cause


@given(st.integers(1, 500), st.floats(0.001, 1.0))
def test_a_limit_never_lets_more_than_its_share_go(total: int, share: float) -> None:
    assert Limit(share).of(total) <= max(1, share * total + 1e-6)


@given(st.sets(st.integers(0, 39)), st.integers(0, 39))
def test_what_was_let_through_keeps_the_limit(out: set[int], going: int) -> None:
    members = frozenset(map(str, range(40)))
    stakes = Stakes((Part("fleet", "f", members, frozenset(map(str, out))),), going=frozenset({str(going)}))
    refused = list(blast_objections(Policies((Policy("p", blast=Blast(fleet=Limit(0.10))),)), stakes))
    if going not in out and not refused:
        assert len(out | {going}) <= 4


# Jobs


def shielded(shield: JobShield, jobs: tuple[Job, ...] | None, ended: tuple[str, ...] | None = None) -> list[str]:
    policies = Policies((Policy("p", shields=(shield,)),))
    stakes = Stakes(jobs=jobs, jobs_unknown="no answer")
    return [found.rule for found in job_objections(policies, stakes, ended)]


JOB = Job("8812", "anna", "prod-llm", 90_000.0)


@pytest.mark.parametrize(
    "shield",
    [JobShield(names=("prod-*",)), JobShield(users=("an*",)), JobShield(longer_than_s=86_400.0)],
)
def test_a_protected_job_stands_in_the_way(shield: JobShield) -> None:
    assert shielded(shield, (JOB,)) == ["protected-job"]
    assert shielded(shield, (Job("1", "bob", "test", 60.0),)) == []
    assert shielded(shield, ()) == []


def test_a_job_whose_age_is_not_known_is_protected_by_age() -> None:
    assert shielded(JobShield(longer_than_s=60.0), (Job("1", "bob", "x", None),)) == ["protected-job"]


def test_only_jobs_that_are_ended_count() -> None:
    shield = JobShield(users=("anna",))
    assert shielded(shield, (JOB,), ended=()) == []
    assert shielded(shield, (JOB,), ended=("1",)) == []
    assert shielded(shield, (JOB,), ended=("8812",)) == ["protected-job"]


def test_jobs_that_cannot_be_asked_for_are_not_taken_for_none() -> None:
    assert shielded(JobShield(users=("anna",)), None) == ["jobs-unknown"]
    assert shielded(JobShield(users=("anna",)), None, ended=()) == []


# Counts


def test_what_others_do_counts() -> None:
    policies = Policies((Policy("p", blast=Blast(concurrent=Ceiling(2, "p:1"), per_hour=Ceiling(5, "p:2"))),))

    def rules(traffic: Traffic, more: int = 1, at_once: int = 1) -> list[str]:
        return [found.rule for found in traffic_objections(policies, traffic, more=more, at_once=at_once)]

    assert rules(Traffic(1, 4)) == []
    assert rules(Traffic(2, 4)) == ["concurrent"]
    assert rules(Traffic(0, 5)) == ["per-hour"]
    assert rules(Traffic(0, 0), more=6, at_once=3) == ["concurrent", "per-hour"]


def test_what_is_built_in_may_be_overridden() -> None:
    found = [*traffic_objections(Policies(), Traffic(99, 999))]
    assert [one.may_be_overridden for one in found] == [True, True]
    assert BUILT_IN.may_be_overridden
