"""Alerts in words: intervals, how far to trust them, marks and counts."""

import time
from dataclasses import replace

import pytest
from alert_boards import FLAPPING, PENDING, SILENCE, SILENCED, XID, acknowledged, rich_board
from fleets import T0

from leptontui.model.alert import AlertBoard, Level, NotifierStatus, PredictionRecord
from leptontui.model.series import Eta
from leptontui.render.alert_counts import alert_counts
from leptontui.render.alert_words import (
    clock,
    eta_clock,
    eta_text,
    lasted,
    marks,
    notifier_pieces,
    precision_short,
    precision_text,
    sign_of,
)


@pytest.fixture(autouse=True)
def _utc(monkeypatch):
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def said(pieces):
    return "".join(piece.text for piece in pieces)


def eta(near, expected, far):
    at = [None if minutes is None else T0 + 60 * minutes for minutes in (near, expected, far)]
    return Eta(90.0, at[1], at[0], at[2])


@pytest.mark.parametrize(
    ("when", "words"),
    [
        (eta(7, 11, 19), "in 11 min (7–19)"),
        (eta(140, 200, 300), "in 3 h (2–5)"),
        (eta(7, 11, None), "in 11 min (7+)"),
        (eta(7, None, None), "in 7+ min"),
        (eta(7, None, 30), "in 7–30 min"),
        (eta(-5, 0.5, 4), "in <1 min (0–4)"),
        (eta(-9, -5, -1), "was expected by 03:11"),
    ],
)
def test_when_it_will_be_is_an_interval(when, words):
    assert eta_text(when, T0) == words


def test_when_it_will_be_as_times_of_day():
    assert eta_clock(eta(7, 11, 19), T0) == "03:23 (03:19–03:31)"
    assert eta_clock(eta(7, 11, None), T0) == "03:23 (03:19 or later)"
    assert eta_clock(eta(7, None, 19), T0) == "(03:19–03:31)"


def test_how_far_to_trust_predictions():
    assert (
        precision_text(PredictionRecord("r", 9, 2, 1))
        == "this rule's predictions were right 9 of 11 times, 1 came without warning"
    )
    assert precision_text(PredictionRecord("r", 1, 0)) == "this rule's predictions were right 1 of 1 time"
    for unknown in (None, PredictionRecord("r", missed=4)):
        assert precision_text(unknown) == "none of this rule's predictions has been judged yet"
        assert precision_short(unknown) == "not judged yet", "no figure is not a figure of zero"
    assert precision_short(PredictionRecord("r", 9, 2)) == "right 9 of 11"


def test_signs_differ_without_colour():
    signs = {sign_of(level, is_predictive=False)[0] for level in Level} | {sign_of(Level.PAGE, is_predictive=True)[0]}
    assert signs == {"✖", "▲", "·", "◆"}


def test_marks_say_who_looks_after_it():
    assert said(marks(acknowledged(XID), T0)) == "✓ anna"
    assert said(marks(SILENCED, T0, [SILENCE])) == "silenced until 05:02"
    assert said(marks(SILENCED, T0)) == "silenced"
    assert said(marks(PENDING, T0)) == "pending 40 s"
    assert marks(PENDING, T0, has_state=False) == ()
    assert said(marks(FLAPPING, T0)) == "flapping ×4"
    assert said(marks(replace(FLAPPING, is_flapping=False), T0)) == "back ×4"
    assert said(marks(replace(XID, is_over=True), T0)) == "over for now"
    assert marks(XID, T0) == ()


def test_notifiers():
    assert said(notifier_pieces(NotifierStatus("slack", 3, 1), T0)) == "slack 3 sent, 1 waiting"
    failing = NotifierStatus("slack", 3, 1, T0 - 90_000, "no\x1b[2J route")
    assert said(notifier_pieces(failing, T0)) == "✖ slack fails since Fri 13 Mar 02:12, 1 waiting: no route"


def test_days_are_named_where_a_time_of_day_is_not_enough():
    assert clock(T0 - 60, T0) == "03:11"
    assert clock(T0 + 30 * 3600, T0) == "Sun 15 Mar 09:12"


def test_what_has_ended_lasted_until_then():
    assert lasted(XID, T0) == "12 min"
    assert lasted(replace(XID, resolved_unix_s=T0 - 600), T0) == "2 min"


def test_counts_name_what_wants_somebody_then_what_is_looked_after():
    line = said(alert_counts(rich_board(), blind=0, is_short=False))
    assert line == ("✖ 13 pages   ◆ 2 predicted   ▲ 2 tickets   · 1 note   ✓ 1 acknowledged   1 silenced   1 pending")
    assert said(alert_counts(rich_board(), blind=2, is_short=True)) == "✖ 13   ◆ 2   ▲ 2   ◌ 2   ✓ 1"
    assert said(alert_counts(AlertBoard(pages=1, tickets=1), blind=0, is_short=False)) == "✖ 1 page   ▲ 1 ticket"


def test_nothing_is_said_to_be_well_while_we_are_blind():
    assert said(alert_counts(AlertBoard(), blind=0, is_short=False)) == "● no alert"
    assert said(alert_counts(AlertBoard(), blind=1, is_short=False)) == "◌ blind on 1 host"
