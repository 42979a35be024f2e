"""The life of an alert: pending, firing, held, blind, gone, latched, flapping, over a clock that may be set."""

from dataclasses import replace

import pytest

from leptontui.alerts.care import acknowledge, acknowledgement, settled, unacknowledge, with_inhibitions, with_silences
from leptontui.alerts.identity import alert_id
from leptontui.alerts.life import step
from leptontui.alerts.life_state import LifeState
from leptontui.alerts.silences import make_silence
from leptontui.model.alert import AlertState, Level, Matcher, Subject
from leptontui.model.eta_words import wait_words
from leptontui.model.evaluation import Evaluation, Standing
from leptontui.model.series import Entity, Eta
from tests.unit.alerts.life_scene import HOT, POLICIES, SOON, T0, XID, Life, finding, gpu

KEY = (HOT, gpu())


@pytest.fixture
def life() -> Life:
    return Life()


@pytest.fixture
def firing(life: Life) -> Life:
    assert life.looks(7, finding())[-1] == "fired"
    return life


def test_an_alert_is_the_same_for_ever_and_nothing_else_is() -> None:
    assert alert_id(HOT, gpu()) == "48318d5ac2e0d7be"
    subjects = [
        Subject(Entity.GPU, "a", "b"),
        Subject(Entity.GPU, "ab", ""),
        Subject(Entity.GPU, "", "ab"),
        Subject(Entity.HOST, "a", "b"),
    ]
    assert len({alert_id(rule, subject) for rule in ("r", "r1") for subject in subjects}) == 8


def test_it_fires_when_its_condition_has_held_for_as_long_as_the_rule_asks(life: Life) -> None:
    assert life.look(finding()) == ["pending"]
    assert life.looks(4, finding()) == []
    assert life.alert().state is AlertState.PENDING
    assert life.look(finding()) == ["fired"]
    alert = life.alert()
    assert (alert.state, alert.level, alert.action) == (AlertState.FIRING, Level.PAGE, "drain")
    assert alert.fired_unix_s == life.now
    assert alert.since_unix_s == T0 + 2
    assert (alert.label("rule"), alert.label("level"), alert.label("host")) == (HOT, "page", "gpu-001")


def test_a_break_begins_the_waiting_anew(life: Life) -> None:
    life.looks(4, finding())
    assert life.look() == ["lapsed"]
    assert not life.is_known()
    assert life.look(finding()) == ["pending"]
    assert life.looks(4, finding()) == []


def test_a_rule_without_waiting_fires_at_once(life: Life) -> None:
    assert life.look(finding(XID)) == ["fired"]


def test_hysteresis_holds_what_fires_and_does_not_fire_what_pends(firing: Life) -> None:
    assert firing.looks(3) == []
    for _ in range(50):
        assert firing.look(others=Standing.HELD) == []
    assert not firing.alert().is_over
    other = finding(subject=gpu(uuid="GPU-1"))
    firing.look(other, others=Standing.HELD)
    assert firing.look(others=Standing.HELD) == ["lapsed"]


def test_it_ends_only_when_it_has_been_over_for_as_long_as_the_rule_keeps_it(firing: Life) -> None:
    assert firing.looks(10) == []
    assert firing.alert().is_over
    assert firing.look(finding()) == []
    assert not firing.alert().is_over
    assert firing.looks(10) == []
    assert firing.look() == ["resolved"]
    ended = firing.told[-1].alert
    assert (ended.state, ended.resolved_unix_s) == (AlertState.RESOLVED, firing.now)
    assert not firing.is_known()


def test_what_is_not_seen_neither_fires_nor_ends_and_says_how_old_it_is(firing: Life) -> None:
    seen = firing.now
    firing.look(finding(), finding(subject=gpu(uuid="GPU-1")))
    seen = firing.now
    for _ in range(100):
        assert firing.look(others=Standing.UNSEEN) == []
    assert firing.alert().seen_unix_s == seen
    assert firing.alert(HOT, gpu(uuid="GPU-1")).state is AlertState.PENDING
    assert firing.look(finding(), others=Standing.UNSEEN) == []
    assert firing.alert().seen_unix_s == firing.now


def test_an_evaluation_that_says_nothing_of_an_alert_does_not_end_it(firing: Life) -> None:
    state, transitions = step(firing.state, Evaluation(0.0, ()), firing.policies, firing.now + 3600)
    assert transitions == ()
    assert state.alerts[0].state is AlertState.FIRING


def test_what_is_gone_ends_and_says_so(firing: Life) -> None:
    assert firing.look(standings={KEY: Standing.GONE}) == ["resolved"]
    assert firing.told[-1].why == "what it was about is gone"


def test_a_rule_or_a_host_that_is_taken_away_ends_its_alerts_with_the_reason(firing: Life) -> None:
    firing.look(finding(), finding(XID, gpu("gpu-002")))
    firing.fleet = frozenset({"gpu-001"})
    assert firing.look(finding(), finding(XID, gpu("gpu-002"))) == ["resolved"]
    assert firing.told[-1].why == "its host left the fleet"
    firing.policies = {}
    assert firing.look(finding()) == ["resolved"]
    assert firing.told[-1].why == "its rule is gone"
    assert firing.state.tracks == {}


def test_a_latched_alert_stays_until_somebody_has_acknowledged_it(life: Life) -> None:
    life.look(finding(XID))
    assert life.looks(100) == []
    assert life.look(standings={(XID, gpu()): Standing.GONE}) == [], "nor does it go with its GPU"
    assert life.alert(XID).is_over
    known = alert_id(XID, gpu())
    assert life.take(acknowledge(life.state, {known: acknowledgement("anna", "seen", life.now)}, life.now)) == [
        "acknowledged"
    ]
    assert life.look() == ["resolved"]


def test_a_verified_action_ends_a_latched_alert_of_its_host_only(life: Life) -> None:
    life.look(finding(XID), finding(XID, gpu("gpu-002")))
    life.state = settled(life.state, "gpu-001")
    assert life.look(finding(XID), finding(XID, gpu("gpu-002"))) == [], "while its condition holds it stays"
    assert life.look() == ["resolved"]
    assert life.told[-1].alert.subject.host == "gpu-001"
    assert life.is_known(XID, gpu("gpu-002"))


def test_an_action_does_not_settle_what_comes_again(life: Life) -> None:
    life.policies = {**life.policies, XID: replace(life.policies[XID], keep_for_s=60)}
    life.look(finding(XID))
    life.state = settled(life.state, "gpu-001")
    life.looks(3)
    life.look(finding(XID))
    assert life.looks(60) == []


def test_an_acknowledgement_ends_with_its_alert(firing: Life) -> None:
    known = alert_id(HOT, gpu())
    given = {known: acknowledgement("anna", "on it \x1b[31m", firing.now)}
    assert firing.take(acknowledge(firing.state, given, firing.now)) == ["acknowledged"]
    assert firing.take(acknowledge(firing.state, given, firing.now)) == [], "once"
    firing.looks(5, finding())
    noted = firing.alert().acknowledgement
    assert noted is not None
    assert (noted.who, noted.why) == ("anna", "on it")
    assert not firing.alert().is_active
    assert firing.looks(11)[-1] == "resolved"
    assert firing.told[-1].alert.acknowledgement == noted, "the history knows who looked after it"
    firing.looks(7, finding())
    assert firing.alert().acknowledgement is None


def test_an_acknowledgement_can_be_taken_back(firing: Life) -> None:
    known = alert_id(HOT, gpu())
    firing.take(acknowledge(firing.state, {known: acknowledgement("anna", "", firing.now)}, firing.now))
    assert firing.take(unacknowledge(firing.state, [known, known, "unknown"], "bea", firing.now)) == ["unacknowledged"]
    assert firing.alert().is_active


def test_what_does_not_fire_is_not_acknowledged(life: Life) -> None:
    life.look(finding())
    known = alert_id(HOT, gpu())
    assert life.take(acknowledge(life.state, {known: acknowledgement("anna", "", life.now)}, life.now)) == []


def test_a_silence_holds_what_matches_until_it_runs_out(firing: Life) -> None:
    silence = make_silence(
        (Matcher("host", "gpu-0.*", is_regex=True),), now_unix_s=firing.now, lasts_s=60, who="anna", why="rack move"
    )
    assert firing.take(with_silences(firing.state, [silence], firing.now)) == ["silenced"]
    assert (firing.told[-1].who, firing.told[-1].why) == ("anna", "rack move")
    assert firing.alert().silenced_by == silence.id
    other = finding(XID, gpu("gpu-099"))
    assert firing.look(finding(), other) == ["fired", "silenced"]
    assert firing.looks(28, finding(), other) == []
    assert firing.look(finding(), other) == ["unsilenced", "unsilenced"]
    assert firing.told[-1].why == "its silence has run out"
    assert firing.state.silences == ()
    assert firing.alert().is_active


def test_a_silence_can_be_ended(firing: Life) -> None:
    silence = make_silence((Matcher("rule", HOT),), now_unix_s=firing.now, lasts_s=600, who="anna", why="")
    firing.take(with_silences(firing.state, [silence], firing.now))
    assert firing.take(with_silences(firing.state, [], firing.now)) == ["unsilenced"]
    assert firing.take(with_silences(firing.state, [], firing.now)) == []


def test_what_is_hidden_by_another_says_by_which(firing: Life) -> None:
    known = alert_id(HOT, gpu())
    assert firing.take(with_inhibitions(firing.state, {known: "other"}, firing.now)) == ["inhibited"]
    assert firing.take(with_inhibitions(firing.state, {known: "other"}, firing.now)) == []
    assert firing.alert().inhibited_by == "other"
    assert firing.take(with_inhibitions(firing.state, {}, firing.now)) == ["uninhibited"]


def cycle(life: Life) -> list[str]:
    return [*life.looks(7, finding()), *life.looks(11)]


def test_what_comes_and_goes_stays_firing_until_it_is_calm(life: Life) -> None:
    for _ in range(3):
        assert cycle(life) == ["pending", "fired", "resolved"]
    assert cycle(life) == ["pending", "fired"], "the fourth time within a quarter of an hour it does not end"
    assert life.alert().is_flapping
    for _ in range(20):
        assert cycle(life) == [], "and nobody is told of it again"
    assert life.alert().flaps >= 20
    assert life.looks(138) == []
    happened = life.looks(5)
    assert happened == ["resolved"]
    assert "calm again" in life.told[-1].why
    assert not life.told[-1].alert.is_flapping


def test_what_comes_and_goes_slowly_does_not_flap(life: Life) -> None:
    for _ in range(10):
        assert cycle(life) == ["pending", "fired", "resolved"]
        life.looks(20, after=20.0)
    assert life.state.ends == {} or len(life.state.ends) == 1


@pytest.mark.parametrize("jump_s", [-86_400.0, -3.0, 3600.0, 86_400.0])
def test_a_clock_that_is_set_makes_nothing_fire_or_end(life: Life, jump_s: float) -> None:
    life.policies = {HOT: replace(life.policies[HOT], for_s=60.0, keep_for_s=60)}
    life.look(finding())
    life.look(finding(), after=jump_s)
    assert life.looks(5, finding()) == []
    assert life.alert().state is AlertState.PENDING
    assert life.looks(30, finding()) == ["fired"]
    assert life.look(after=2) == []
    assert life.look(after=jump_s) == []
    assert life.alert().is_over
    alert = life.alert()
    assert alert.since_unix_s <= (alert.fired_unix_s or 0) <= life.now
    assert alert.seen_unix_s <= life.now


def test_a_clock_set_back_keeps_every_age(firing: Life) -> None:
    age = firing.now - firing.alert().since_unix_s
    firing.look(finding(), after=-5000)
    assert firing.now - firing.alert().since_unix_s == pytest.approx(age)


def test_what_cleared_while_nobody_watched_says_so(firing: Life) -> None:
    restored = LifeState(
        tracks={known: replace(track, is_restored=True) for known, track in firing.state.tracks.items()}
    )
    again = Life(now=firing.now + 3600, state=restored)
    assert again.look(others=Standing.UNSEEN) == []
    assert again.look() == ["resolved"]
    assert again.told[-1].why == "it cleared while nobody watched"


def test_what_goes_on_after_a_restart_has_been_firing_all_the_time(firing: Life) -> None:
    restored = LifeState(
        tracks={known: replace(track, is_restored=True) for known, track in firing.state.tracks.items()}
    )
    again = Life(now=firing.now + 3600, state=restored)
    assert again.look(finding()) == []
    assert again.alert().since_unix_s == firing.alert().since_unix_s
    assert again.look() == [], "seen once it ends as any other"


def test_a_clock_set_back_between_two_runs_keeps_every_age(firing: Life) -> None:
    restored = LifeState(
        tracks={known: replace(track, is_restored=True) for known, track in firing.state.tracks.items()}
    )
    age = firing.now - firing.alert().since_unix_s
    again = Life(now=firing.now - 86_400, state=restored)
    assert again.look(finding()) == []
    assert again.now - again.alert().since_unix_s == pytest.approx(age)


def test_a_prediction_ends_when_it_has_come_true() -> None:
    key = (SOON, gpu())
    policies = {SOON: replace(POLICIES[SOON], keep_for_s=900.0)}
    state, _ = step(LifeState(), Evaluation(T0, (finding(SOON),)), policies, T0)
    assert [alert.state for alert in state.alerts] == [AlertState.FIRING]
    come = Evaluation(T0 + 2, (), {key: Standing.HELD}, crossed=frozenset({key}))
    state, transitions = step(state, come, policies, T0 + 2)
    assert [(found.happening.value, found.why) for found in transitions] == [("resolved", "what it foretold has come")]
    assert state.alerts == ()


@pytest.mark.parametrize("standing", [Standing.HELD, Standing.CLEAR])
def test_how_long_it_is_until_then_goes_on_in_the_summary_too(life: Life, standing: Standing) -> None:
    life.policies = {**POLICIES, SOON: replace(POLICIES[SOON], keep_for_s=600.0)}
    eta = Eta(90.0, T0 + 600.0, T0 + 450.0, T0 + 900.0)
    told = replace(finding(SOON), eta=eta, summary=f"full in {wait_words(eta, T0 + 2)}")
    life.look(told)
    assert life.alert(SOON).summary == "full in 10 min (7–15)"
    life.look(after=180.0, others=standing)
    assert life.alert(SOON).summary == f"full in {wait_words(eta, life.now)}" == "full in 7 min (4–12)"
