"""What policies have against an action: whom they mean, what, where and when."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leptontui.actions.policy import Case, may_act, objections
from leptontui.model.action import ActionName
from leptontui.model.action_catalogue import SHIPPED
from leptontui.model.policy import Clause, Hours, Policies, Policy
from leptontui.model.target import HostTarget

HOST = HostTarget("oncall@gpu-017:2222", group="train", partitions=("h100",))
SATURDAY = datetime(2026, 11, 21, 12, 0, tzinfo=UTC).timestamp()


def case(**other: object) -> Case:
    values: dict[str, object] = {
        "action": "drain",
        "unit": "",
        "targets": (HOST,),
        "user": "anna",
        "unix_groups": frozenset({"oncall", "users"}),
        "now_unix_s": SATURDAY,
    }
    return Case(**(values | other))  # type: ignore[arg-type]


def rules(policies: Policies, judged: Case) -> list[str]:
    return [found.rule for found in objections(policies, judged)]


def denying(clause: Clause) -> Policies:
    return Policies((Policy("p", deny=(clause,)),))


def allowing(*clauses: Clause) -> Policies:
    return Policies((Policy("p", allow=clauses),))


FITTING = [
    {},
    {"actions": ("drain",)},
    {"actions": ("restart", "dr*")},
    {"users": ("anna",)},
    {"unix_groups": ("oncall",)},
    {"groups": ("train",)},
    {"groups": ("h100",)},
    {"hosts": ("gpu-0*",)},
    {"hosts": ("oncall@gpu-017:2222",)},
    {"actions": ("drain",), "users": ("anna",), "groups": ("train",)},
]
NOT_FITTING = [
    {"actions": ("restart",)},
    {"users": ("bob",)},
    {"unix_groups": ("admin",)},
    {"groups": ("serve",)},
    {"hosts": ("gpu-1*",)},
    {"units": ("vllm*",)},
    {"actions": ("drain",), "users": ("bob",)},
]


@pytest.mark.parametrize("fields", FITTING)
def test_a_clause_that_fits_denies_and_allows(fields: dict[str, tuple[str, ...]]) -> None:
    clause = Clause("p:3", **fields)  # type: ignore[arg-type]
    (found,) = objections(denying(clause), case())
    assert (found.rule, found.set_in, found.may_be_overridden) == ("policy-deny", "p:3", False)
    assert rules(allowing(clause), case()) == []


@pytest.mark.parametrize("fields", NOT_FITTING)
def test_a_clause_that_does_not_fit_does_neither(fields: dict[str, tuple[str, ...]]) -> None:
    clause = Clause("p:3", **fields)  # type: ignore[arg-type]
    assert rules(denying(clause), case()) == []
    assert rules(allowing(clause), case()) == ["policy-allow"]


@pytest.mark.parametrize("unit", ["vllm.service", "user:vllm.service", "docker:vllm", "kube:prod/deployment/vllm"])
def test_no_prefix_leads_around_a_denial_and_none_is_allowed_by_it(unit: str) -> None:
    of_unit = case(action="restart", unit=unit)
    clause = Clause("p:3", units=("vllm*", "prod/*/vllm"))
    assert rules(denying(clause), of_unit) == ["policy-deny"]
    assert rules(allowing(clause), of_unit) == ([] if unit == "vllm.service" else ["policy-allow"])
    assert rules(allowing(Clause("p:3", units=(unit,))), of_unit) == []


def test_a_denied_drain_denies_a_fail_over_and_an_allowed_one_does_not_allow_it() -> None:
    judged = case(action="fail-over", amounts_to=SHIPPED[ActionName.FAIL_OVER].amounts_to)
    assert rules(denying(Clause("p:3", actions=("drain",))), judged) == ["policy-deny"]
    assert rules(denying(Clause("p:3", actions=("reboot",))), judged) == []
    assert rules(allowing(Clause("p:3", actions=("drain", "undrain"))), judged) == ["policy-allow"]


def test_a_host_is_denied_by_its_address_and_in_any_letters() -> None:
    alias = case(targets=(HostTarget("Nickname", address="GPU-017.example"),))
    for pattern in ("gpu-017*", "NICK*", "nickname"):
        assert rules(denying(Clause("p:3", hosts=(pattern,))), alias) == ["policy-deny"]
    assert rules(allowing(Clause("p:3", hosts=("gpu-017*",))), alias) == ["policy-allow"]
    assert rules(allowing(Clause("p:3", hosts=("nick*",))), alias) == []


def test_a_denial_says_why_and_may_be_set_aside_only_where_it_says_so() -> None:
    (found,) = objections(denying(Clause("p:3", why="freeze", may_be_overridden=True)), case())
    assert (found.cause, found.may_be_overridden) == ("drain on oncall@gpu-017:2222 is denied: freeze", True)


def test_every_host_has_to_be_allowed_and_none_denied() -> None:
    both = case(targets=(HOST, HostTarget("gpu-099", group="serve")))
    assert rules(allowing(Clause("p:1", groups=("train",))), both) == ["policy-allow"]
    assert rules(allowing(Clause("p:1", groups=("train",)), Clause("p:2", groups=("serve",))), both) == []
    assert rules(denying(Clause("p:1", groups=("serve",))), both) == ["policy-deny"]


def test_both_files_have_to_allow() -> None:
    system = Policy("system", allow=(Clause("system:1", actions=("drain",)),))
    own = Policy("own", allow=(Clause("own:1", actions=("restart",)),))
    (found,) = objections(Policies((system, own)), case())
    assert (found.rule, found.set_in) == ("policy-allow", "own")
    assert rules(Policies((system, own)), case(action="restart")) == ["policy-allow"]


def test_a_broken_file_stops_everything_before_all_else() -> None:
    broken = Policies((Policy(read_only_in="p:1"),), ("p:1: not TOML",))
    (found,) = objections(broken, case())
    assert (found.rule, found.may_be_overridden) == ("policy-broken", False)
    assert "p:1: not TOML" in found.cause
    assert may_act(broken) is not None


def test_read_only_stops_everything() -> None:
    policies = Policies((Policy(read_only_in="p:1"),))
    (found,) = objections(policies, case())
    assert (found.rule, found.set_in, found.may_be_overridden) == ("policy-read-only", "p:1", False)
    assert may_act(policies) is not None
    assert may_act(allowing(Clause("p:1", users=("bob",)))) is None


@pytest.mark.parametrize(
    ("hours", "moment", "holds"),
    [
        (Hours(zone="UTC"), "2026-11-21T12:00", True),
        (Hours(days=frozenset({5}), zone="UTC"), "2026-11-21T12:00", True),
        (Hours(days=frozenset({6}), zone="UTC"), "2026-11-21T12:00", False),
        (Hours(from_minute=480, until_minute=720, zone="UTC"), "2026-11-21T11:59", True),
        (Hours(from_minute=480, until_minute=720, zone="UTC"), "2026-11-21T12:00", False),
        # Over midnight: Friday's window reaches into Saturday, Saturday's does not begin before 22:00.
        (Hours(frozenset({4}), 1320, 360, "UTC"), "2026-11-21T05:59", True),
        (Hours(frozenset({4}), 1320, 360, "UTC"), "2026-11-21T06:00", False),
        (Hours(frozenset({4}), 1320, 360, "UTC"), "2026-11-21T23:00", False),
        (Hours(frozenset({5}), 1320, 360, "UTC"), "2026-11-21T05:00", False),
        (Hours(frozenset({5}), 1320, 360, "UTC"), "2026-11-21T22:00", True),
        # 23:30 UTC is 00:30 of the next day in Berlin.
        (Hours(frozenset({6}), 0, 60, "Europe/Berlin"), "2026-11-21T23:30", True),
        (Hours(ends_unix_s=SATURDAY, zone="UTC"), "2026-11-21T12:00", False),
        (Hours(begins_unix_s=SATURDAY, zone="UTC"), "2026-11-21T12:00", True),
        (Hours(begins_unix_s=SATURDAY, zone="UTC"), "2026-11-21T11:59", False),
    ],
)
def test_when_a_clause_holds(hours: Hours, moment: str, holds: bool) -> None:
    assert hours.hold_at(datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp()) is holds


def test_the_users_time_zone_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    clause = Hours(from_minute=0, until_minute=60)
    before = [clause.hold_at(SATURDAY + 3600 * hour) for hour in range(24)]
    monkeypatch.setenv("TZ", "Pacific/Kiritimati")
    time.tzset()
    try:
        assert [clause.hold_at(SATURDAY + 3600 * hour) for hour in range(24)] == before
    finally:
        monkeypatch.delenv("TZ")
        time.tzset()


WORDS = st.sampled_from(
    [(), ("drain",), ("restart",), ("*",), ("anna",), ("bob",), ("train",), ("gpu-0*",), ("oncall",)]
)
CLAUSES = st.builds(
    Clause,
    st.just("p:1"),
    actions=WORDS,
    users=WORDS,
    unix_groups=WORDS,
    groups=WORDS,
    hosts=WORDS,
    hours=st.builds(Hours, days=st.frozensets(st.integers(0, 6)), zone=st.just("UTC")),
    may_be_overridden=st.booleans(),
)
POLICIES = st.builds(
    Policy,
    st.just("p"),
    read_only_in=st.sampled_from(["", "", "p:1"]),
    allow=st.lists(CLAUSES, max_size=2).map(tuple),
    deny=st.lists(CLAUSES, max_size=2).map(tuple),
)


@given(POLICIES, POLICIES)
def test_a_second_policy_never_lets_pass_what_the_first_refuses(first: Policy, second: Policy) -> None:
    alone = set(objections(Policies((first,)), case()))
    together = set(objections(Policies((first, second)), case()))
    assert alone <= together
