"""Evaluating rules: what is met, how alerts stand, what is said of them, and that no row or rule breaks the others."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leptontui.alerts.rules.book import load_rules
from leptontui.alerts.rules.evaluator import MOST_PER_RULE, Evaluator, standing
from leptontui.alerts.rules.rule import Rule
from leptontui.model.alert import Subject
from leptontui.model.eta_words import wait_words
from leptontui.model.evaluation import Evaluation, Finding, Standing
from leptontui.model.series import Entity
from tests.unit.alerts.rules_scene import NOW, Known, book_of, gpus, hosts, outlook, rule, rule_text


def evaluated(facts: Known, *rules: Rule, asked: tuple[Subject, ...] = ()) -> Evaluation:
    evaluator = Evaluator(rules)
    return evaluator.evaluate(facts, [(found.name, subject) for found in rules for subject in asked])


def gpu(n: int, host: str | None = None) -> Subject:
    return Subject(Entity.GPU, host or f"h{n}", f"GPU-{n}")


def only(found: Evaluation) -> Finding:
    assert len(found.met) == 1, found
    return found.met[0]


def test_what_holds_is_found_with_its_words() -> None:
    facts = Known({Entity.GPU: gpus(temp_c=[80.0, 91.5, None], name=["H100"] * 3)}, labels={"h1": (("rack", "r7"),)})
    found = only(evaluated(facts, rule(summary="{host} GPU {index}: {temp_c:.0f} °C", labels=None)))
    assert found.subject == gpu(1)
    assert found.summary == "h1 GPU 1: 92 °C"
    assert found.value == 91.5
    labels = dict(found.labels)
    assert labels["rack"] == "r7"
    assert (labels["host"], labels["gpu"], labels["model"], labels["group"]) == ("h1", "1", "H100", "train")


@pytest.mark.parametrize(
    ("when", "clear", "has_clear", "expected"),
    [
        (True, None, False, Standing.MET),
        (True, True, True, Standing.MET),
        (False, None, False, Standing.CLEAR),
        (None, None, False, Standing.UNSEEN),
        (False, True, True, Standing.CLEAR),
        (None, True, True, Standing.CLEAR),
        (False, False, True, Standing.HELD),
        (False, None, True, Standing.UNSEEN),
        (None, None, True, Standing.UNSEEN),
        (None, False, True, Standing.UNSEEN),
    ],
)
def test_how_an_alert_stands(*, when: bool | None, clear: bool | None, has_clear: bool, expected: Standing) -> None:
    assert standing(when=when, clear=clear, has_clear=has_clear) is expected


def test_a_null_neither_fires_nor_clears() -> None:
    facts = Known({Entity.GPU: gpus(temp_c=[None, 50.0])})
    found = evaluated(facts, rule(), asked=(gpu(0), gpu(1)))
    assert found.standings == {("it", gpu(0)): Standing.UNSEEN, ("it", gpu(1)): Standing.CLEAR}


def test_hysteresis_holds_an_alert() -> None:
    facts = Known({Entity.GPU: gpus(temp_c=[84.0])})
    assert evaluated(facts, rule(clear="temp_c < 80"), asked=(gpu(0),)).standings["it", gpu(0)] is Standing.HELD


def test_a_blind_host_neither_fires_nor_clears() -> None:
    facts = Known({Entity.GPU: gpus(temp_c=[99.0, 50.0], link=["lost", "stale"])})
    found = evaluated(facts, rule(), asked=(gpu(0), gpu(1)))
    assert not found.met
    assert set(found.standings.values()) == {Standing.UNSEEN}


def test_parts_of_a_blind_host_are_blind() -> None:
    units = pl.DataFrame({"host": ["a", "b"], "unit": ["x.service"] * 2, "active": ["failed"] * 2})
    facts = Known({Entity.UNIT: units, Entity.HOST: hosts("a", "b").with_columns(link=pl.Series(["live", "lost"]))})
    found = evaluated(facts, rule(entity="unit", when="active = 'failed'", summary="{unit}"))
    assert [item.subject.host for item in found.met] == ["a"]


def test_a_rule_about_the_link_sees_blind_hosts() -> None:
    facts = Known({Entity.HOST: pl.DataFrame({"host": ["a"], "link": ["lost"], "received_unix_s": [NOW - 90]})})
    found = only(
        evaluated(facts, rule(entity="host", when="link = 'lost' AND age_s > '1m'", summary="{age_s:duration}"))
    )
    assert found.summary == "1m30s"


def test_what_left_a_live_host_is_gone() -> None:
    facts = Known({Entity.GPU: gpus(temp_c=[1.0]), Entity.HOST: hosts("h0", "h9")})
    known = Known({**facts.frames, Entity.HOST: hosts("h0", "h9").with_columns(link=pl.Series(["live", "lost"]))})
    found = evaluated(known, rule(), asked=(gpu(5, "h0"), gpu(5, "h9"), gpu(5, "nowhere")))
    stands = [found.standings["it", subject] for subject in (gpu(5, "h0"), gpu(5, "h9"), gpu(5, "nowhere"))]
    assert stands == [Standing.GONE, Standing.UNSEEN, Standing.GONE]


def test_no_frame_and_empty_frames_are_well() -> None:
    for frames in ({}, {Entity.GPU: pl.DataFrame()}, {Entity.GPU: gpus(temp_c=[1.0]).clear()}):
        found = evaluated(Known(frames), *load_rules(None).rules, asked=())
        assert not found.met
        assert not found.troubles


def test_missing_columns_are_unknown() -> None:
    facts = Known({Entity.GPU: gpus(index=[0])})
    found = evaluated(facts, *load_rules(None).rules, rule(), asked=(gpu(0),))
    assert not found.met
    assert found.standings["it", gpu(0)] is Standing.UNSEEN
    assert not found.troubles


def test_a_column_of_the_wrong_type_breaks_only_its_rule() -> None:
    facts = Known({Entity.GPU: gpus(temp_c=["hot", "cold"], util_pct=[99.0, 1.0])})
    found = evaluated(facts, rule(), rule(name="busy", when="util_pct > 90"), asked=(gpu(0),))
    assert [item.rule for item in found.met] == ["busy"]
    assert found.troubles[0].startswith("rule it cannot be evaluated")
    assert ("it", gpu(0)) not in found.standings


def test_windows_are_asked_for_once_and_only_those_needed() -> None:
    windows = pl.DataFrame({"host": ["h0"], "instance": ["GPU-0"], "mean(temp_c, '5m')": [88.0]})
    facts = Known({Entity.GPU: gpus(temp_c=[1.0, 1.0])}, {Entity.GPU: windows})
    found = evaluated(facts, rule(when="mean(temp_c, '5m') > 85"), rule(name="b", when="mean(temp_c, '5m') > 87"))
    assert [item.column for item in facts.asked] == ["mean(temp_c, '5m')"]
    assert [item.rule for item in found.met] == ["it", "b"]
    assert found.met[0].value == 88.0


def test_growth_that_is_not_told_is_none() -> None:
    facts = Known({Entity.HOST: hosts("a")})
    ruled = rule(entity="host", when="increase(oom_kills, '10m') > 0")
    subject = Subject(Entity.HOST, "a")
    assert evaluated(facts, ruled, asked=(subject,)).standings["it", subject] is Standing.CLEAR


def test_a_forecast_fires_with_its_eta_as_an_interval() -> None:
    ahead = {(Entity.GPU, "temp_c"): outlook("h0", "GPU-0", 70.0, 100.0, band=10.0)}
    facts = Known({Entity.GPU: gpus(temp_c=[70.0, 70.0])}, outlooks=ahead)
    ruled = rule(
        when="forecast(temp_c, '15m', 0.5) >= 90 AND temp_c < 90", summary="{temp_c:.0f}: {threshold} in {eta}"
    )
    found = only(evaluated(facts, ruled, asked=(gpu(1),)))
    assert found.eta is not None
    assert found.eta.expected_unix_s == pytest.approx(NOW + 600.0)
    assert found.eta.earliest_unix_s == pytest.approx(NOW + 450.0)
    assert found.eta.latest_unix_s == pytest.approx(NOW + 900.0)
    assert found.summary == "70: 90 in 10 min (7–15)"
    assert found.summary.endswith(f" in {wait_words(found.eta, NOW)}")


@pytest.mark.parametrize(
    ("quantile", "value"), [(0.5, 100.0), (0.9, 110.0), (0.1, 90.0), (0.975, 115.0), (0.8, 106.567)]
)
def test_a_quantile_lies_between_the_lines(quantile: float, value: float) -> None:
    ahead = outlook("a", "", 70.0, 100.0, band=10.0)
    assert ahead.at(900.0, quantile)[0] == pytest.approx(value, abs=0.01)
    assert ahead.at(450.0, 0.5)[0] == pytest.approx(85.0)
    assert str(ahead.at(2000.0, 0.5)[0]) == "nan"


def test_a_forecast_moves_with_what_has_happened_since() -> None:
    ahead = {(Entity.GPU, "temp_c"): outlook("h0", "GPU-0", 70.0, 75.0)}
    ruled = rule(when="forecast(temp_c, '15m', 0.5) >= 90 AND temp_c < 90", summary="{threshold} in {eta}")
    assert not evaluated(Known({Entity.GPU: gpus(temp_c=[70.0])}, outlooks=ahead), ruled).met
    found = only(evaluated(Known({Entity.GPU: gpus(temp_c=[86.0])}, outlooks=ahead), ruled))
    assert found.eta is not None
    assert found.eta.expected_unix_s == pytest.approx(NOW + 720.0)


def test_a_prediction_that_has_come_is_crossed() -> None:
    ahead = {(Entity.GPU, "temp_c"): outlook("h0", "GPU-0", 95.0, 100.0)}
    facts = Known({Entity.GPU: gpus(temp_c=[95.0, None], link=["live", "live"])}, outlooks=ahead)
    found = evaluated(facts, rule(when="forecast(temp_c, '15m', 0.5) >= 90 AND temp_c < 90"))
    assert found.crossed == {("it", gpu(0))}
    assert not found.met


def test_eta_of_what_is_not_foreseen_is_never() -> None:
    ahead = {(Entity.GPU, "temp_c"): outlook("h0", "GPU-0", 70.0, 75.0)}
    facts = Known({Entity.GPU: gpus(temp_c=[70.0, 70.0])}, outlooks=ahead)
    found = evaluated(facts, rule(when="eta(temp_c, 90) < '10m'"), asked=(gpu(0), gpu(1)))
    assert found.standings == {("it", gpu(0)): Standing.CLEAR, ("it", gpu(1)): Standing.UNSEEN}


def test_more_than_can_be_told_is_counted() -> None:
    count = MOST_PER_RULE + 7
    found = evaluated(Known({Entity.GPU: gpus(temp_c=[99.0] * count)}), rule(), asked=(gpu(count - 1),))
    assert len(found.met) == MOST_PER_RULE
    assert found.overflow == {"it": 7}
    assert found.standings["it", gpu(count - 1)] is Standing.MET


def test_inventory_labels_can_be_asked_for() -> None:
    facts = Known({Entity.GPU: gpus(temp_c=[99.0, 99.0])}, labels={"h1": (("room", "b2"),)})
    assert only(evaluated(facts, rule(when="temp_c > 90 AND label_room = 'b2'"))).subject == gpu(1)


def test_evidence_comes_with_a_verdict() -> None:
    frame = gpus(verdict_action=["reboot"], verdict_evidence=[["Xid 79", "\x1b[31mred"]])
    found = only(evaluated(Known({Entity.GPU: frame}), rule(when="verdict_action = 'reboot'")))
    assert found.evidence == ("Xid 79", "red")


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60), st.text(max_size=60))
def test_what_a_host_says_reaches_nobody_unescaped(job: str, user: str) -> None:
    hostile = gpus(temp_c=[99.0], job=["\x1b]0;" + job + "\x07"], user=[user + "\u202e{temp_c}[red]"])
    told = rule_text(summary="{host} {job} {user}", labels=None) + '\nlabels = { who = "{user}" }'
    found = only(evaluated(Known({Entity.GPU: hostile}), *book_of(told).rules))
    for text in (found.summary, *(value for _, value in found.labels), *found.evidence):
        assert text.isprintable()
    assert "99.0" not in found.summary


def test_nobody_else_says_who_raised_it() -> None:
    told = rule_text() + '\nlabels = { rule = "other", level = "page", team = "gpu" }'
    labels = dict(only(evaluated(Known({Entity.GPU: gpus(temp_c=[99.0])}), *book_of(told).rules)).labels)
    assert "rule" not in labels
    assert "level" not in labels
    assert labels["team"] == "gpu"


@pytest.mark.parametrize(
    ("spec", "shown"),
    [
        ("", "80.0 GiB"),
        (":bytes", "80.0 GiB"),
        (":.0f", "85899345920"),
        (":,d", "85,899,345,920"),
        (":+.1f", "+85899345920.0"),
    ],
)
def test_numbers_are_written_as_asked(spec: str, shown: str) -> None:
    facts = Known({Entity.GPU: gpus(temp_c=[99.0], memory_total_bytes=[80 * 2**30])})
    assert only(evaluated(facts, rule(summary="{memory_total_bytes" + spec + "}"))).summary == shown


def test_what_is_not_known_is_said_so() -> None:
    assert (
        only(evaluated(Known({Entity.GPU: gpus(temp_c=[99.0])}), rule(summary="{user}: {power_w:.0f} W"))).summary
        == "?: ? W"
    )
