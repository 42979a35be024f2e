"""Silences: what they match as Alertmanager does, and which are refused, in words."""

import pytest

from leptontui.alerts.silences import LONGEST_PATTERN, check_matchers, make_silence, matches
from leptontui.errors import AlertError
from leptontui.model.alert import Matcher
from tests.unit.alerts.life_scene import T0

LABELS = (("group", "train"), ("host", "gpu-017"), ("rule", "gpu-hot"))


@pytest.mark.parametrize(
    ("matcher", "is_match"),
    [
        (Matcher("host", "gpu-017"), True),
        (Matcher("host", "gpu-01"), False),
        (Matcher("host", "gpu-01", is_regex=True), False),
        (Matcher("host", "gpu-01.", is_regex=True), True),
        (Matcher("host", "x|gpu-017", is_regex=True), True),
        (Matcher("host", "gpu-017|", is_regex=True, is_negated=True), False),
        (Matcher("host", "gpu-018", is_negated=True), True),
        (Matcher("rack", ""), True),
        (Matcher("rack", "", is_negated=True), False),
        (Matcher("rack", ".+", is_regex=True), False),
    ],
)
def test_matchers_match_whole_labels(matcher: Matcher, is_match: bool) -> None:
    assert matches((matcher,), LABELS) is is_match


def test_all_conditions_must_hold() -> None:
    assert matches((Matcher("host", "gpu-017"), Matcher("group", "train")), LABELS)
    assert not matches((Matcher("host", "gpu-017"), Matcher("group", "infer")), LABELS)


@pytest.mark.parametrize(
    ("matchers", "says"),
    [
        ((), "at least one condition"),
        ((Matcher("host", ".*", is_regex=True),), "every alert"),
        ((Matcher("rule", ".+", is_regex=True),), "every alert"),
        ((Matcher("host", "a", is_negated=True),), "every alert"),
        ((Matcher("nowhere", ""),), "every alert"),
        ((Matcher("host", "gpu-(", is_regex=True),), "not a regular expression"),
        ((Matcher("host", r"(a)\1", is_regex=True),), "not a regular expression"),
        ((Matcher("host", "(?=a)b", is_regex=True),), "not a regular expression"),
        ((Matcher("host", "a{1000}{1000}", is_regex=True),), "not a regular expression"),
        ((Matcher("host", "a)|(b", is_regex=True),), "not a regular expression"),
        ((Matcher(" ", "a"),), "no label"),
        ((Matcher("host", "a" * (LONGEST_PATTERN + 1)),), "longer than"),
        ((Matcher("host", "a"),) * 17, "too many"),
    ],
)
def test_a_silence_that_cannot_be_meant_is_refused_in_words(matchers: tuple[Matcher, ...], says: str) -> None:
    with pytest.raises(AlertError) as refused:
        check_matchers(matchers)
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


def test_one_narrow_condition_is_enough() -> None:
    check_matchers((Matcher("host", "gpu-017"), Matcher("rule", ".*", is_regex=True)))


def test_a_pattern_that_would_keep_others_busy_for_ever_is_quick() -> None:
    assert not matches((Matcher("host", "(a+)+b", is_regex=True),), (("host", "a" * 5000),))


@pytest.mark.parametrize("lasts_s", [0.0, -5.0, 59.0, 31 * 86_400.0, float("nan"), float("inf")])
def test_a_silence_lasts_a_minute_to_a_month(lasts_s: float) -> None:
    with pytest.raises(AlertError, match="lasts"):
        make_silence((Matcher("host", "a"),), now_unix_s=T0, lasts_s=lasts_s, who="anna", why="")


def test_a_silence_is_safe_to_show() -> None:
    made = make_silence((Matcher("host", "a"),), now_unix_s=T0, lasts_s=3600, who="an\x1b[31mna", why="a\nb\u202e")
    assert (made.who, made.why) == ("an na", "a b")
    assert made.until_unix_s == T0 + 3600
    assert made.id
