"""The rules, pure: evaluated when a plan is made (shown as warnings) and again at the moment of execution (refused).

Why a drain may be of a host that is lost: a GPU host that fell over is just what one drains, and all that matters for
it is asked of the controller, again at the moment of execution. What must not be drained is half a fleet that only
looks dead because the way to it is down; so a host that is stale or lost *together with most of those reached the same
way* is refused. A restart runs on the host itself and needs it live, with fresh values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from leptontui.errors import GuardRefused, NotConfirmed
from leptontui.model.action import Plan, Standing
from leptontui.model.link import Link, LinkState
from leptontui.model.target import HostTarget
from leptontui.model.text import plain

FRESH_INTERVALS: Final = 3
"""A host whose last sweep is older than this many intervals is stale (`LinkState.STALE`)."""

MAX_PLAN_AGE_S: Final = 300.0
"""What was read in a plan holds for five minutes; jobs start and units fail meanwhile."""

MAX_ANSWER_AGE_S: Final = 30.0
"""Between the last question before a command and the command itself."""

COMMON_CAUSE_HOSTS: Final = 3
"""From so many hosts on, "more than half of them at once" is taken for the way to them rather than for the hosts."""

BLAST_SHARE: Final = 0.05
"""Share of a partition that may be out of service before a drain is warned of: humans' tools keep near 5 %."""

_DARK: Final = frozenset({LinkState.STALE, LinkState.LOST})


@dataclass(frozen=True, slots=True)
class Objection:
    """Why an action is not to be carried out.

    Attributes:
        rule: the rule's name.
        cause: what speaks against it, one line.
        mend: what the user can do, one line.
        set_in: where the rule is set; "" for what is built in.
        may_be_overridden: whether a typed reason sets it aside.
    """

    rule: str
    cause: str
    mend: str = ""
    set_in: str = ""
    may_be_overridden: bool = False

    def refusal(self) -> GuardRefused:
        """The error that says so."""
        return GuardRefused(self.rule, self.cause, self.mend, self.set_in)

    def standing(self) -> Standing:
        """The same for a plan, before anything is run."""
        return Standing(self.rule, self.cause, self.mend, self.set_in, self.may_be_overridden)


@dataclass(frozen=True, slots=True)
class Sight:
    """What is seen of a host at one moment.

    Attributes:
        host: its name.
        link: the link to it, None if there is none.
        age_s: age of its last sweep, None if there never was one.
        interval_s: how often it is swept.
        same_way: states of the links of all hosts reached the same way, its own included.
        way: that way for people, e.g. "bastion1" or "group train".
    """

    host: str
    link: Link | None
    age_s: float | None
    interval_s: float
    same_way: tuple[LinkState, ...] = ()
    way: str = ""


def armed(armed_until_unix_s: float | None, now_unix_s: float) -> Objection | None:
    """Nothing is done while read-only."""
    if armed_until_unix_s is None:
        return Objection("read-only", "this session is read-only", "arm it first")
    if now_unix_s >= armed_until_unix_s:
        return Objection("read-only", "arming has expired, this session is read-only again", "arm it again")
    return None


PLAN_UNKNOWN: Final = Objection(
    "plan-unknown", "this plan was not made in this session, or was run already", "plan it again"
)
"""Only a plan made here, and not run yet, is carried out."""


def plan_unchanged(made: Plan, shown: Plan) -> Objection | None:
    """Only a plan exactly as it was made is carried out."""
    if made != shown:
        return Objection("plan-changed", "this plan is not the one that was made", "plan it again")
    return None


def plan_young(made_unix_s: float, now_unix_s: float) -> Objection | None:
    """What was read in the plan must still hold. A clock that was set back does not make a plan young."""
    age_s = now_unix_s - made_unix_s
    if 0.0 <= age_s < MAX_PLAN_AGE_S:
        return None
    return Objection("plan-too-old", f"this plan was made {max(age_s, 0.0):.0f} s ago", "plan it again")


def answer_young(asked_unix_s: float, now_unix_s: float) -> Objection | None:
    """The state asked at the moment of execution must be of that moment."""
    age_s = now_unix_s - asked_unix_s
    if 0.0 <= age_s <= MAX_ANSWER_AGE_S:
        return None
    return Objection("answer-too-old", f"{age_s:.0f} s went by since the state was asked for", "plan it again")


def still_there(planned: HostTarget, now: HostTarget | None) -> Objection | None:
    """The host is still in the fleet, reached as it was when the plan was made."""
    if now == planned:
        return None
    what = "is gone from" if now is None else "has changed in"
    return Objection("not-in-fleet", f"{planned.name} {what} the inventory", "plan it again")


def alone(host: str, busy: frozenset[str] | set[str]) -> Objection | None:
    """One action at a time per host."""
    if host in busy:
        return Objection("busy", f"another action is under way on {host}", "wait until it has ended")
    return None


def live_and_fresh(sight: Sight) -> Objection | None:
    """The host answers, and its values are of now."""
    if sight.link is None or sight.link.state is not LinkState.LIVE:
        state = "not in the fleet" if sight.link is None else sight.link.state.value
        return Objection("not-live", f"{sight.host} is {state}", "wait until it is live")
    limit_s = FRESH_INTERVALS * sight.interval_s
    if sight.age_s is None or sight.age_s > limit_s:
        age = "never" if sight.age_s is None else f"{sight.age_s:.0f} s ago"
        return Objection("not-fresh", f"{sight.host} was last heard {age}, the limit is {limit_s:.0f} s")
    return None


def dark_share(states: Sequence[LinkState]) -> float:
    """Which share of hosts is stale or lost, 0 where too few are for a cause in common."""
    dark = sum(state in _DARK for state in states)
    return dark / len(states) if dark >= COMMON_CAUSE_HOSTS else 0.0


def no_common_cause(sight: Sight) -> Objection | None:
    """The host does not look dead together with most of those reached the same way."""
    if sight.link is None or sight.link.state not in _DARK:
        return None
    dark = sum(state in _DARK for state in sight.same_way)
    if dark_share(sight.same_way) <= 0.5:  # noqa: PLR2004 — most of them
        return None
    return Objection(
        "common-cause",
        f"{dark} of {len(sight.same_way)} hosts behind {plain(sight.way, 60)} are stale or lost: "
        f"the way to them is likelier down than {sight.host}",
        "mend the way, or drain by hand on the controller",
    )


def darkness(sight: Sight, now_unix_s: float) -> str:
    """What to know of a host that is not live before its drain; "" if it is live."""
    if sight.link is None or sight.link.state is LinkState.LIVE:
        return ""
    since_s = max(now_unix_s - sight.link.since_unix_s, 0.0)
    shown = "nothing of it was ever seen" if sight.age_s is None else f"what is shown of it is {sight.age_s:.0f} s old"
    return f"{sight.host} is {sight.link.state.value} for {since_s:.0f} s: {shown}"


def check_confirmation(plan: Plan, confirmation: str) -> None:
    """The plan's word was typed. Where none is asked for, the key that led here was enough.

    Raises:
        NotConfirmed: something else was typed.
    """
    if plan.confirmation and confirmation != plan.confirmation:
        raise NotConfirmed("what was typed is not the host's name", f"type {plan.confirmation} exactly, or leave it")
