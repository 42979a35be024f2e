"""Scenario files: every shipped rule has its own, and they are read and compared as they should be."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leptontui.alerts.rules.book import RuleBook, load_rules
from leptontui.alerts.rules.notation import NotationError, value_at, values_of
from leptontui.alerts.rules.scenario import Scenario, read_scenarios
from leptontui.alerts.rules.trial import run_scenario

SCENARIOS = Path(__file__).parents[2] / "scenarios"
GOOD = """
[[scenario]]
name = "hot"
rules = ["gpu-too-hot"]
step = "30s"
[[scenario.series]]
entity = "gpu"
host = "a"
instance = "GPU-1"
values = { temp_c = "70x3 95x9 70x5", temp_slowdown_c = 90 }
[[scenario.expect]]
at = "1m30s"
alerts = []
[[scenario.expect]]
at = "2m"
alerts = [{ rule = "gpu-too-hot", state = "pending" }]
[[scenario.expect]]
at = "4m30s"
alerts = [{ rule = "gpu-too-hot", state = "firing", host = "a", labels = { trouble = "GPUs too hot" } }]
[[scenario.expect]]
at = "8m"
alerts = [{ rule = "gpu-too-hot", state = "resolved" }]
"""


@pytest.fixture(scope="module")
def book() -> RuleBook:
    return load_rules(None)


def shipped_scenarios() -> list[Scenario]:
    found: list[Scenario] = []
    for file in sorted(SCENARIOS.glob("*.toml")):
        scenarios, problems = read_scenarios(file.read_text("utf-8"), file.name)
        assert not problems, [str(problem) for problem in problems]
        found += scenarios
    return found


@pytest.mark.parametrize("scenario", shipped_scenarios(), ids=lambda scenario: scenario.name)
def test_a_shipped_rule_does_as_its_scenario_says(scenario: Scenario, book: RuleBook) -> None:
    outcome = run_scenario(scenario, book.rules)
    assert not outcome.troubles
    assert not outcome.differences


def test_every_shipped_rule_fires_clears_and_keeps_quiet_in_a_scenario(book: RuleBook) -> None:
    fires, clears, quiet = set[str](), set[str](), set[str]()
    for scenario in shipped_scenarios():
        states = {(item.rule, item.state) for check in scenario.checks for item in check.alerts}
        fires |= {rule for rule, state in states if state == "firing"}
        clears |= {rule for rule, state in states if state == "resolved"}
        quiet |= set(scenario.rules) if not states else set()
    names = {rule.name for rule in book.rules}
    assert (names - fires, names - clears, names - quiet) == (set(), set(), set())


def run(text: str, book: RuleBook) -> list[str]:
    scenarios, problems = read_scenarios(text, "s.toml")
    assert not problems, [str(problem) for problem in problems]
    outcome = run_scenario(scenarios[0], book.rules)
    told = [f"{item.at_s:g}: -{missing}" for item in outcome.differences for missing in item.missing]
    told += [f"{item.at_s:g}: +{surplus}" for item in outcome.differences for surplus in item.surplus]
    return [*told, *outcome.troubles]


def test_what_comes_as_expected_is_well(book: RuleBook) -> None:
    assert run(GOOD, book) == []


def test_what_comes_otherwise_is_told(book: RuleBook) -> None:
    wrong = GOOD.replace('state = "pending" }', 'state = "firing" }').replace(
        "alerts = []", 'alerts = [{ rule = "x", state = "firing" }]'
    )
    assert run(wrong, book) == [
        "90: -x firing",
        "120: -gpu-too-hot firing",
        '120: +gpu-too-hot pending a GPU-1 "a GPU 1: 95 °C, slows itself down at 90 °C"',
    ] or any("gpu-too-hot pending" in line for line in run(wrong, book))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('gpu-too-hot"]', 'gpu-to-hot"]'), 'did you mean "gpu-too-hot"?'),
        (("temp_c =", "tmp_c ="), "gpu has no column tmp_c"),
    ],
)
def test_a_scenario_that_cannot_be_run_is_told(change: tuple[str, str], said: str, book: RuleBook) -> None:
    assert any(said in line for line in run(GOOD.replace(*change), book))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('"1m30s"', '"soon"'), "at: 'soon', expected a duration"),
        (('state = "pending"', 'state = "pendng"'), 'did you mean "pending"?'),
        (('entity = "gpu"', 'entity = "gpo"'), 'did you mean "gpu"?'),
        (('"70x3 95x9 70x5"', '"70x3 hot"'), '"hot" is no number'),
        (('name = "hot"', ""), "name: missing"),
        (("[[scenario.expect]]", "[[scenario.expected]]"), "unknown key"),
        (('step = "30s"', 'step = "0s"'), "step"),
        (('step = "30s"', "step = 5"), "step"),
    ],
)
def test_a_mistake_in_a_scenario_is_told_with_its_line(change: tuple[str, str], said: str) -> None:
    _, problems = read_scenarios(GOOD.replace(*change), "s.toml")
    assert any(said in str(problem) for problem in problems), [str(problem) for problem in problems]


@pytest.mark.parametrize(
    ("written", "values"),
    [
        ("1+1x4", (1, 2, 3, 4, 5)),
        ("20-5x2", (20, 15, 10)),
        ("3x2 _ _x2 1", (3, 3, 3, None, None, None, 1)),
        ("1.5e3", (1500,)),
        ("-2+0.5x2", (-2, -1.5, -1)),
        (7, (7,)),
        (True, (True,)),
        (["a", ["b", 2], "_"], ("a", "b", "b", None)),
        ([[1, 2], False], (1, 1, False)),
    ],
)
def test_series_are_read(written: object, values: tuple[object, ...]) -> None:
    assert values_of(written) == values


@pytest.mark.parametrize(
    "written",
    [
        "",
        "x",
        "1+1",
        "1x",
        "1+x3",
        "_3",
        "1x99999999",
        "0x20000 1x9",
        [],
        [[1, 0]],
        [[1, -2]],
        [{}],
        {},
        None,
        float("inf"),
        "1e999",
        [[1, 2, 3]],
        "nan",
    ],
)
def test_what_is_no_series_is_refused(written: object) -> None:
    with pytest.raises(NotationError):
        values_of(written)


@given(
    st.floats(-1e6, 1e6, allow_nan=False).map(lambda number: round(number, 3)), st.integers(0, 50), st.integers(-20, 20)
)
def test_a_series_has_as_many_values_as_it_says(first: float, more: int, by: int) -> None:
    sign = "-" if by < 0 else "+"
    values = values_of(f"{first:.3f}{sign}{abs(by)}x{more}")
    assert len(values) == more + 1
    assert value_at(values, 0) == pytest.approx(first, abs=1e-3)
    assert value_at(values, more + 100) == pytest.approx(first + more * by, abs=1e-3)


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="0123456789.+-x_ eab", max_size=30))
def test_any_text_is_a_series_or_refused(text: str) -> None:
    with contextlib.suppress(NotationError):
        assert values_of(text)


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=120))
def test_no_scenario_file_ends_in_a_traceback(text: str) -> None:
    read_scenarios(text, "s.toml")
    read_scenarios(GOOD + text, "s.toml")
