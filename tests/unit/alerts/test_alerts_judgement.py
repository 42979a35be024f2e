"""Predictions are judged once each, by whether what they said came in its time."""

from dataclasses import dataclass, field

from leptontui.alerts.identity import alert_id
from leptontui.alerts.judgement import Judgements, judge
from leptontui.model.alert import PredictionRecord
from leptontui.model.evaluation import Evaluation
from tests.unit.alerts.life_scene import SOON, Life, finding, gpu

SUBJECT = gpu()


@dataclass
class Court:
    life: Life = field(default_factory=Life)
    judged: Judgements = field(default_factory=Judgements)

    def look(self, *, fires: bool, crossed: bool, after: float = 2.0) -> None:
        self.life.look(*([finding(SOON)] if fires else []), after=after)
        evaluation = Evaluation(self.life.now, (), crossed=frozenset({(SOON, SUBJECT)} if crossed else ()))
        self.judged = judge(self.judged, evaluation, self.life.state.alerts, self.life.policies, self.life.now)

    @property
    def record(self) -> PredictionRecord:
        return self.judged.records.get(SOON, PredictionRecord(SOON))


def test_a_prediction_that_comes_true_in_its_time_counts_once() -> None:
    court = Court()
    court.look(fires=True, crossed=False)
    court.look(fires=True, crossed=False, after=700)
    for _ in range(5):
        court.look(fires=True, crossed=True)
    court.look(fires=False, crossed=False, after=5000)
    court.look(fires=False, crossed=False)
    assert court.record == PredictionRecord(SOON, came_true=1)
    assert court.judged.open == {}


def test_a_prediction_whose_time_passes_did_not_come_true() -> None:
    court = Court()
    court.look(fires=True, crossed=False)
    court.look(fires=False, crossed=False, after=740)
    assert court.record == PredictionRecord(SOON)
    court.look(fires=False, crossed=False, after=20)
    assert court.record == PredictionRecord(SOON, did_not=1)
    assert court.record.precision == 0.0


def test_what_comes_while_its_alert_still_fires_after_its_time_was_not_missed() -> None:
    court = Court()
    court.look(fires=True, crossed=False)
    court.look(fires=True, crossed=False, after=740)
    court.look(fires=True, crossed=False, after=20)
    assert court.record == PredictionRecord(SOON, did_not=1)  # wrong once, and it says it again
    court.look(fires=False, crossed=True, after=300)  # the alert ends with what it predicted
    court.look(fires=False, crossed=True)
    assert court.record == PredictionRecord(SOON, came_true=1, did_not=1)


def test_what_comes_again_while_the_alert_that_foresaw_it_still_fires_is_not_missed() -> None:
    court = Court()
    court.look(fires=True, crossed=False)
    court.look(fires=True, crossed=True, after=300)
    court.look(fires=True, crossed=False, after=2000)  # around its threshold for long
    court.look(fires=True, crossed=False, after=2000)
    court.look(fires=True, crossed=True)
    assert court.record == PredictionRecord(SOON, came_true=1)


def test_an_alert_that_fires_for_ever_is_wrong_once_for_each_time_it_looks_ahead() -> None:
    court = Court()
    court.look(fires=True, crossed=False)
    for _ in range(3):
        court.look(fires=True, crossed=False, after=760)
    court.look(fires=False, crossed=False, after=760)
    court.look(fires=False, crossed=False, after=760)
    assert court.record == PredictionRecord(SOON, did_not=4)
    assert court.judged.open == {}


def test_it_may_come_true_after_its_alert_has_ended() -> None:
    court = Court()
    court.look(fires=True, crossed=False)
    court.look(fires=False, crossed=False)
    assert not court.life.is_known(SOON)
    court.look(fires=False, crossed=True, after=300)
    assert court.record == PredictionRecord(SOON, came_true=1)


def test_what_nobody_foresaw_is_missed_once_and_not_again_while_it_lasts() -> None:
    court = Court()
    court.look(fires=False, crossed=False)
    court.look(fires=False, crossed=True)
    court.look(fires=False, crossed=False, after=300)  # blind, or a moment below
    court.look(fires=False, crossed=True)
    assert court.record == PredictionRecord(SOON, missed=1)
    court.look(fires=False, crossed=False, after=700)
    court.look(fires=False, crossed=True)
    assert court.record == PredictionRecord(SOON, missed=2)


def test_what_was_so_when_we_began_to_watch_was_neither_missed_nor_foreseen() -> None:
    court = Court()
    court.look(fires=True, crossed=True)
    court.look(fires=True, crossed=True)
    assert court.record == PredictionRecord(SOON)
    assert alert_id(SOON, SUBJECT) not in court.judged.open
    assert court.record.precision is None
