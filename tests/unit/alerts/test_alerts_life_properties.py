"""What holds of the life of alerts whatever the rules find, people do and the clock says."""

from collections import defaultdict
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from leptontui.alerts.care import acknowledge, acknowledgement, settled, unacknowledge, with_inhibitions, with_silences
from leptontui.alerts.life_state import LifeState
from leptontui.alerts.silences import make_silence
from leptontui.model.alert import AlertState, Matcher
from leptontui.model.alert_history import Happening
from leptontui.model.evaluation import Standing
from tests.unit.alerts.life_scene import HOT, SOON, XID, Life, finding, gpu

HOSTS = ("gpu-001", "gpu-002")
FINDINGS = [finding(rule, gpu(host, uuid)) for rule in (HOT, XID, SOON) for host in HOSTS for uuid in ("A", "B")]
STANDINGS = st.sampled_from(Standing)
AFTER = st.one_of(st.floats(0.0, 60.0), st.floats(-100_000.0, 100_000.0), st.just(2.0))


class Lives(RuleBasedStateMachine):
    """Drives a life at random, and follows it by its transitions alone."""

    def __init__(self) -> None:
        super().__init__()
        self.life = Life()
        self.followed: dict[str, AlertState] = {}
        self.taken = 0
        self.acknowledged: set[str] = set()

    @rule(met=st.lists(st.sampled_from(FINDINGS), unique=True), after=AFTER, others=STANDINGS)
    def look(self, met, after, others) -> None:
        self.life.look(*met, after=after, others=others)

    @rule(met=st.lists(st.sampled_from(FINDINGS), unique=True), times=st.integers(1, 12), others=STANDINGS)
    def look_on(self, met, times, others) -> None:
        for _ in range(times):
            self.life.look(*met, others=others)

    @rule(choice=st.integers(0, 11), is_back=st.booleans())
    def care(self, choice: int, is_back: bool) -> None:
        known = [*self.life.state.tracks, "unknown"][choice % (len(self.life.state.tracks) + 1)]
        now = self.life.now
        if is_back:
            self.life.take(unacknowledge(self.life.state, [known], "bea", now))
        else:
            self.life.take(acknowledge(self.life.state, {known: acknowledgement("anna", "", now)}, now))

    @rule(host=st.sampled_from(HOSTS), lasts_s=st.floats(60, 600), ends=st.booleans())
    def silence(self, host: str, lasts_s: float, ends: bool) -> None:
        now = self.life.now
        made = make_silence((Matcher("host", host),), now_unix_s=now, lasts_s=lasts_s, who="anna", why="")
        self.life.take(with_silences(self.life.state, [] if ends else [*self.life.state.silences, made], now))

    @rule(host=st.sampled_from(HOSTS))
    def act(self, host: str) -> None:
        self.life.state = settled(self.life.state, host)

    @rule(hidden=st.sets(st.integers(0, 11)))
    def hide(self, hidden: set[int]) -> None:
        known = [*self.life.state.tracks]
        by = {known[index]: "x" for index in hidden if index < len(known)}
        self.life.take(with_inhibitions(self.life.state, by, self.life.now))

    @rule()
    def restart(self) -> None:
        """Only what fires is kept, as the shelf keeps it."""
        state = self.life.state
        kept = {
            known: replace(track, is_restored=True, clear_s=0.0)
            for known, track in state.tracks.items()
            if track.alert.state is AlertState.FIRING
        }
        for known in state.tracks.keys() - kept.keys():
            self.followed.pop(known, None)
        self.life.state = LifeState(tracks=kept, silences=state.silences)

    @rule(host=st.sampled_from([*HOSTS, None]))
    def fleet(self, host: str | None) -> None:
        self.life.fleet = None if host is None else frozenset({host})

    @invariant()
    def transitions_tell_the_whole_life(self) -> None:
        for told in self.life.told[self.taken :]:
            known, state = told.alert.id, self.followed.get(told.alert.id)
            match told.happening:
                case Happening.PENDING:
                    assert state is None
                    self.followed[known] = AlertState.PENDING
                case Happening.FIRED:
                    assert state in {None, AlertState.PENDING}
                    self.followed[known] = AlertState.FIRING
                case Happening.LAPSED:
                    assert state is AlertState.PENDING
                    del self.followed[known]
                case Happening.RESOLVED:
                    assert state is AlertState.FIRING, "nothing is both, or ends twice"
                    assert told.alert.state is AlertState.RESOLVED
                    del self.followed[known]
                    self.acknowledged.discard(known)
                case Happening.ACKNOWLEDGED:
                    assert state is AlertState.FIRING
                    assert known not in self.acknowledged
                    self.acknowledged.add(known)
                case Happening.UNACKNOWLEDGED:
                    self.acknowledged.remove(known)
                case _:
                    assert state is AlertState.FIRING
        self.taken = len(self.life.told)
        assert {known: track.alert.state for known, track in self.life.state.tracks.items()} == self.followed
        firing = {known for known, track in self.life.state.tracks.items() if track.alert.acknowledgement}
        assert firing == self.acknowledged, "an acknowledgement lasts until its alert ends, also over a restart"

    @invariant()
    def every_alert_is_whole(self) -> None:
        places: defaultdict[tuple[str, object], int] = defaultdict(int)
        for known, track in self.life.state.tracks.items():
            alert = track.alert
            places[alert.rule, alert.subject] += 1
            assert alert.id == known
            assert alert.state is not AlertState.RESOLVED
            assert (alert.fired_unix_s is not None) == (alert.state is AlertState.FIRING)
            assert alert.labels == tuple(sorted(alert.labels))
            assert track.held_s >= 0
            assert track.clear_s >= 0
            if self.life.state.at_unix_s is not None:
                now = self.life.state.at_unix_s + 1e-3
                assert alert.since_unix_s <= (alert.fired_unix_s or now) <= now
                assert alert.seen_unix_s <= now
            holding = [
                one.id for one in self.life.state.silences if dict(alert.labels)["host"] == one.matchers[0].value
            ]
            assert alert.silenced_by in ["", *holding]
        assert all(count == 1 for count in places.values()), "one alert for one trouble at one place"


TestLives = Lives.TestCase
TestLives.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


@given(
    steps=st.lists(st.tuples(st.lists(st.sampled_from(FINDINGS), unique=True), AFTER, STANDINGS), max_size=20),
)
@settings(max_examples=50, deadline=None)
def test_the_same_evaluations_make_the_same_life(steps) -> None:
    one, other = Life(), Life()
    for met, after, others in steps:
        one.look(*met, after=after, others=others)
        other.look(*met, after=after, others=others)
    assert one.told == other.told
    assert one.state == other.state
