"""The life of alerts: one evaluation makes of the state before it the state after it. Pure and deterministic.

Pending until the condition has held for the rule's `for`; firing until it has been over for `keep_for`, with the
hysteresis that the evaluation's `Standing` carries. What is not seen neither fires nor ends. What ends and begins again
too often stays firing until it has been calm for a while, so that nobody is told of the same trouble again and again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from leptontui.alerts.identity import alert_id
from leptontui.alerts.life_state import LifeState, Track
from leptontui.alerts.silences import silence_of
from leptontui.model.alert import Alert, AlertState, Silence, Subject
from leptontui.model.alert_history import Happening, Transition
from leptontui.model.alert_policy import RulePolicy
from leptontui.model.eta_words import wait_words
from leptontui.model.evaluation import Evaluation, Finding, Standing

LONGEST_STEP_S: Final = 10.0
"""At most so much of the time between two steps counts as watched: the machine may have slept, the clock been set."""

FLAP_WINDOW_S: Final = 900.0
FLAP_CYCLES: Final = 3
"""What has begun and ended so often within the window does not end a further time before it is calm."""
CALM_S: Final = 300.0
"""A flapping alert ends when its condition has been over so long without a break."""

_GONE: Final = "what it was about is gone"
_CAME_TRUE: Final = "what it foretold has come"
_RULE_GONE: Final = "its rule is gone"
_HOST_GONE: Final = "its host left the fleet"
_UNWATCHED: Final = "it cleared while nobody watched"


@dataclass(slots=True)
class _Step:
    """One step under way: what the helpers below add to."""

    now: float
    elapsed_s: float
    transitions: list[Transition] = field(default_factory=list)
    ends: dict[str, tuple[float, ...]] = field(default_factory=dict)

    def tell(self, happening: Happening, alert: Alert, why: str = "", who: str = "") -> None:
        self.transitions.append(Transition(happening, self.now, alert, who, why))

    def end(self, track: Track, why: str) -> None:
        """The alert is over: what was pending lapses, what fired is resolved."""
        if track.alert.state is AlertState.PENDING:
            self.tell(Happening.LAPSED, track.alert, why)
            return
        alert = replace(track.alert, state=AlertState.RESOLVED, resolved_unix_s=self.now, is_flapping=False)
        self.ends[alert.id] = (*self.ends.get(alert.id, ()), self.now)
        self.tell(Happening.RESOLVED, alert, why)


def step(
    state: LifeState,
    evaluation: Evaluation,
    policies: Mapping[str, RulePolicy],
    now: float,
    *,
    is_of_fleet: Callable[[str], bool] = lambda _: True,
    longest_step_s: float = LONGEST_STEP_S,
) -> tuple[LifeState, tuple[Transition, ...]]:
    """Take one evaluation.

    Args:
        state: before it.
        evaluation: what the rules found, and how the alerts of `state` stand. One that is asked about and missing
            counts as not seen.
        policies: of every rule that is loaded, by name; alerts of other rules end.
        now: unix seconds. If it lies before the last step the clock was set back: all times are moved with it.
        is_of_fleet: whether a host is in the fleet; alerts about others end.
        longest_step_s: at most so much of the time since the last step counts as watched.

    Returns:
        the state after it, and what happened, in order.
    """
    state = _with_clock(state, now)
    before = now if state.at_unix_s is None else state.at_unix_s
    going_on = _Step(now, min(now - before, longest_step_s), ends=_recent(state.ends, now))
    found = {
        alert_id(finding.rule, finding.subject): finding
        for finding in evaluation.met
        if finding.rule in policies and _is_here(finding.subject, is_of_fleet)
    }
    tracks: dict[str, Track] = {}
    for known, track in state.tracks.items():
        alert = track.alert
        policy = policies.get(alert.rule)
        if policy is None or not _is_here(alert.subject, is_of_fleet):
            going_on.end(track, _RULE_GONE if policy is None else _HOST_GONE)
            continue
        if policy.is_predictive and (alert.rule, alert.subject) in evaluation.crossed:
            going_on.end(track, _CAME_TRUE)  # what is, is told by rules of its own
            continue
        finding = found.get(known)
        standing = evaluation.standings.get((alert.rule, alert.subject), Standing.UNSEEN)
        after = _next(track, Standing.MET if finding else standing, finding, policy, going_on)
        if after is not None:
            tracks[known] = after
    for new, finding in found.items():
        if new not in state.tracks:
            tracks[new] = _begun(new, finding, policies[finding.rule], going_on)
    silences = tuple(silence for silence in state.silences if silence.until_unix_s > now)
    silenced = {known: _silenced(track, silences, state.silences, going_on) for known, track in tracks.items()}
    return LifeState(now, silenced, going_on.ends, silences), tuple(going_on.transitions)


def _is_here(subject: Subject, is_of_fleet: Callable[[str], bool]) -> bool:
    return not subject.host or is_of_fleet(subject.host)


def _with_clock(state: LifeState, now: float) -> LifeState:
    """The state in the clock's terms: after it was set back every age stays what it was."""
    last = state.at_unix_s
    if last is None:  # restored: the clock may have been set back before this start
        last = max(
            (max(track.alert.seen_unix_s, track.alert.fired_unix_s or 0.0) for track in state.tracks.values()),
            default=now,
        )
    if now >= last:
        return state
    by_s = now - last
    return replace(
        state,
        at_unix_s=now,
        tracks={known: track.moved(by_s) for known, track in state.tracks.items()},
        ends={known: tuple(end + by_s for end in ends) for known, ends in state.ends.items()},
    )


def _recent(ends: Mapping[str, tuple[float, ...]], now: float) -> dict[str, tuple[float, ...]]:
    kept = {known: tuple(end for end in times if end > now - FLAP_WINDOW_S) for known, times in ends.items()}
    return {known: times for known, times in kept.items() if times}


def _begun(known: str, finding: Finding, policy: RulePolicy, going_on: _Step) -> Track:
    alert = _told(
        Alert(
            id=known,
            rule=finding.rule,
            level=policy.level,
            is_predictive=policy.is_predictive,
            subject=finding.subject,
            labels=(),
            summary="",
            state=AlertState.PENDING,
            since_unix_s=going_on.now,
            flaps=len(going_on.ends.get(known, ())),
        ),
        finding,
        policy,
        going_on.now,
    )
    if policy.for_s <= 0:
        return _fired(Track(alert), going_on)
    going_on.tell(Happening.PENDING, alert)
    return Track(alert)


def _next(
    track: Track, standing: Standing, finding: Finding | None, policy: RulePolicy, going_on: _Step
) -> Track | None:
    """The alert one evaluation later; None if it is over."""
    match standing:
        case Standing.UNSEEN:
            return track
        case Standing.MET if finding is not None:
            alert = _told(track.alert, finding, policy, going_on.now)
            return _met(replace(track, alert=alert, is_restored=False), policy, going_on)
        case Standing.MET | Standing.HELD if track.alert.state is AlertState.FIRING:
            # Met without a finding: more subjects met than an evaluation carries.
            alert = _seen(track.alert, going_on.now)
            return _met(replace(track, alert=alert, is_restored=False), policy, going_on)
        case Standing.MET:
            return track
        case Standing.GONE if not _must_stay(track, policy):
            going_on.end(track, _GONE)
            return None
        case _:
            return _over(track, policy, going_on)


def _met(track: Track, policy: RulePolicy, going_on: _Step) -> Track:
    alert = track.alert
    if alert.state is AlertState.PENDING:
        track = replace(track, held_s=track.held_s + going_on.elapsed_s)
        return _fired(track, going_on) if track.held_s >= policy.for_s else track
    if not alert.is_over:
        return replace(track, clear_s=0.0)
    # It came again before it had ended. What was settled by an action, was not.
    flaps = alert.flaps + 1 if alert.is_flapping else alert.flaps
    return replace(track, alert=replace(alert, is_over=False, flaps=flaps), clear_s=0.0, is_settled=False)


def _fired(track: Track, going_on: _Step) -> Track:
    alert = replace(track.alert, state=AlertState.FIRING, fired_unix_s=going_on.now)
    going_on.tell(Happening.FIRED, alert)
    return Track(alert)


def _over(track: Track, policy: RulePolicy, going_on: _Step) -> Track | None:
    """Its condition does not hold now."""
    alert = track.alert
    if alert.state is AlertState.PENDING:
        going_on.end(track, "")
        return None
    # The first evaluation that finds it over says only that it is over by now, not since when.
    clear_s = track.clear_s + going_on.elapsed_s if alert.is_over else 0.0
    alert = replace(_seen(alert, going_on.now), is_over=True)
    track = replace(track, alert=alert, clear_s=clear_s)
    if _must_stay(track, policy) or (clear_s < policy.keep_for_s and not track.is_restored):
        return track
    cycles = len(going_on.ends.get(alert.id, ()))
    is_flapping = alert.is_flapping or cycles >= FLAP_CYCLES
    if is_flapping and clear_s < CALM_S and not track.is_restored:
        return replace(track, alert=replace(alert, is_flapping=True, flaps=max(alert.flaps, cycles)))
    why = f"calm again after it had come and gone {alert.flaps} times" if is_flapping else ""
    going_on.end(track, _UNWATCHED if track.is_restored else why)
    return None


def _must_stay(track: Track, policy: RulePolicy) -> bool:
    """Whether it has to be looked at by somebody before it may end: an Xid does not go by scrolling away."""
    is_firing = track.alert.state is AlertState.FIRING
    return policy.is_latched and is_firing and track.alert.acknowledgement is None and not track.is_settled


def _told(alert: Alert, finding: Finding, policy: RulePolicy, now: float) -> Alert:
    """The alert as the rule tells it now."""
    labels = {**dict(finding.labels), "rule": finding.rule, "level": policy.level.word}
    return replace(
        alert,
        level=policy.level,
        is_predictive=policy.is_predictive,
        labels=tuple(sorted(labels.items())),
        summary=finding.summary,
        seen_unix_s=now,
        value=finding.value,
        evidence=finding.evidence,
        runbook=policy.runbook,
        action=policy.action,
        reaction=policy.reaction.value,
        eta=finding.eta,
    )


def _seen(alert: Alert, now: float) -> Alert:
    """The alert where the rule tells it no further: how long it is until then goes on, as it does beside it."""
    if alert.eta is None:
        return replace(alert, seen_unix_s=now)
    before, after = wait_words(alert.eta, alert.seen_unix_s), wait_words(alert.eta, now)
    return replace(alert, seen_unix_s=now, summary=alert.summary.replace(before, after))


def _silenced(track: Track, silences: tuple[Silence, ...], all_silences: tuple[Silence, ...], going_on: _Step) -> Track:
    alert = track.alert
    by = silence_of(alert, silences, going_on.now) if silences else ""
    if by == alert.silenced_by:
        return track
    changed = replace(alert, silenced_by=by)
    if alert.state is AlertState.FIRING:
        if by:
            silence = next(found for found in silences if found.id == by)
            going_on.tell(Happening.SILENCED, changed, silence.why, silence.who)
        else:
            ended = next((found for found in all_silences if found.id == alert.silenced_by), None)
            going_on.tell(
                Happening.UNSILENCED, changed, "its silence has run out" if ended else "its silence was ended"
            )
    return replace(track, alert=changed)
