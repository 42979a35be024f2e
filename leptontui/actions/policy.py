"""Whether the policies allow an action: whom they mean, what, where and when. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from leptontui.actions.guard import Objection
from leptontui.model.policy import Clause, Policies
from leptontui.model.target import UNIT_PREFIXES, HostTarget
from leptontui.model.text import plain


@dataclass(frozen=True, slots=True)
class Case:
    """What is to be judged.

    Attributes:
        action: its name.
        unit: what it is about on the host, "" for the host itself.
        targets: every host that it changes.
        user: who acts.
        unix_groups: that user's groups.
        now_unix_s: when.
        amounts_to: further actions that it carries out, by name.
    """

    action: str
    unit: str
    targets: tuple[HostTarget, ...]
    user: str
    unix_groups: frozenset[str]
    now_unix_s: float
    amounts_to: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Words:
    """What a clause's `actions`, `units` and `hosts` are compared with."""

    actions: tuple[str, ...]
    units: tuple[str, ...]
    hosts: tuple[str, ...]


def objections(policies: Policies, case: Case) -> Iterator[Objection]:
    """What the policies have against it, the gravest first."""
    if policies.problems:
        yield Objection(
            "policy-broken",
            f"what is allowed is not known, so nothing is run: {policies.problems[0]}",
            "mend the file; an administrator does for the system's",
        )
        return
    if policies.is_read_only:
        yield Objection(
            "policy-read-only",
            "the policy lets nothing be done",
            "ask whoever set it",
            policies.read_only_in,
        )
    for policy in policies.each:
        yield from _denials(policy.deny, case)
        if policy.allow:
            yield from _not_allowed(policy.source, policy.allow, case)


def may_act(policies: Policies) -> Objection | None:
    """What stands in the way of acting at all."""
    nobody = Case("", "", (), "", frozenset(), 0.0)
    bare = Policies(tuple(policies.each), policies.problems)
    return next(
        (found for found in objections(bare, nobody) if found.rule in {"policy-broken", "policy-read-only"}), None
    )


def _denials(clauses: tuple[Clause, ...], case: Case) -> Iterator[Objection]:
    for clause in clauses:
        hit = next(
            (
                target
                for target in case.targets
                if _fits(
                    clause, case, target, _Words((case.action, *case.amounts_to), _units_of(case), _all_names(target))
                )
            ),
            None,
        )
        if hit is None:
            continue
        why = f": {plain(clause.why, 200)}" if clause.why else ""
        yield Objection(
            "policy-deny",
            f"{plain(case.action, 60)} on {plain(hit.name, 80)} is denied{why}",
            "" if clause.may_be_overridden else "ask whoever set it",
            clause.set_in,
            may_be_overridden=clause.may_be_overridden,
        )


def _not_allowed(source: str, clauses: tuple[Clause, ...], case: Case) -> Iterator[Objection]:
    for target in case.targets:
        if not any(
            _fits(clause, case, target, _Words((case.action,), (case.unit,), _names(target))) for clause in clauses
        ):
            yield Objection(
                "policy-allow",
                f"{plain(case.action, 60)} on {plain(target.name, 80)} is nothing that {plain(case.user, 40)} "
                "is allowed now",
                "ask whoever sets the policy",
                source,
            )
            return


def _units_of(case: Case) -> tuple[str, ...]:
    """What a denial's `units` are compared with: "docker:vllm" is "vllm", too, so that no prefix leads around one."""
    kind, colon, name = case.unit.partition(":")
    return (case.unit, name) if colon and kind in UNIT_PREFIXES else (case.unit,)


def _fits(clause: Clause, case: Case, target: HostTarget, words: _Words) -> bool:
    return (
        _any(clause.actions, words.actions)
        and _any(clause.users, (case.user,))
        and _any(clause.unix_groups, case.unix_groups)
        and _any(clause.groups, (target.group, *target.partitions))
        and _any(tuple(pattern.lower() for pattern in clause.hosts), words.hosts)
        and _any(clause.units, words.units)
        and clause.hours.hold_at(case.now_unix_s)
    )


def _any(patterns: tuple[str, ...], words: tuple[str, ...] | frozenset[str]) -> bool:
    return not patterns or any(fnmatchcase(word, pattern) for pattern in patterns for word in words)


def _all_names(target: HostTarget) -> tuple[str, ...]:
    """What a denial may call a host: also what is dialled, so that another name in the inventory leads around none."""
    return (*_names(target), *((target.address.lower(),) if target.address else ()))


def _names(target: HostTarget) -> tuple[str, ...]:
    """What an allowance may call a host: names of hosts are the same in small letters and capitals."""
    name = target.name.lower()
    return name, _bare(name)


def _bare(name: str) -> str:
    """A host's name without user and port: patterns are written for names."""
    bare = name.rsplit("@", 1)[-1]
    host, colon, port = bare.rpartition(":")
    return host if colon and port.isdecimal() and ":" not in host else bare
