"""Numbers, ages, models: short, never wrong by a rounding step."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leptontui.render import numbers


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (0.0, "0"), (0.824, "0.82"), (9.999, "10.0"), (98.13, "98.1"), (99.96, "100"), (1410.0, "1410")],
)
def test_three_digits(value, text):
    assert numbers.three(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0.0"), (98.13, "98.1"), (99.96, "100"), (100.0, "100"), (None, "–")]
)
def test_percent(value, text):
    assert numbers.percent(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (950, "950"), (999.7, "1k"), (1900, "1.9k"), (212e6, "212M"), (1.9e9, "1.9G"), (9.96e3, "10k")],
)
def test_decimal_prefixes(value, text):
    assert numbers.metric(value) == text


@pytest.mark.parametrize(("value", "text"), [(512, "512"), (1023.9, "1K"), (74 << 30, "74G"), (1.5 * 2**40, "1.5T")])
def test_binary_prefixes(value, text):
    assert numbers.binary(value) == text


@pytest.mark.parametrize(("value", "text"), [(88.2, "88 W"), (318_000.0, "318 kW"), (1.24e6, "1.2 MW"), (None, "–")])
def test_power(value, text):
    assert numbers.power(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "–"),
        (-3.0, "0.0 s"),
        (0.64, "0.6 s"),
        (9.97, "9 s"),
        (42.9, "42 s"),
        (130.0, "2 m"),
        (7300.0, "2 h"),
        (9e5, "10 d"),
    ],
)
def test_age_never_makes_something_older_or_younger_than_it_is(seconds, text):
    assert numbers.age(seconds) == text


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("NVIDIA H100 80GB HBM3", "H100"),
        ("NVIDIA A100-SXM4-80GB", "A100"),
        ("Tesla V100-SXM2-16GB", "V100"),
        ("NVIDIA GeForce RTX 4090", "RTX 4090"),
        ("NVIDIA RTX 6000 Ada Generation", "RTX 6000 Ada"),
        ("NVIDIA", "NVIDIA"),
        (None, ""),
    ],
)
def test_models_lose_what_all_of_them_have(name, short):
    assert numbers.short_model(name) == short


@given(st.floats(allow_nan=True, allow_infinity=True) | st.none())
def test_every_float_is_written(value):
    for write in (
        numbers.three,
        numbers.percent,
        numbers.whole,
        numbers.metric,
        numbers.binary,
        numbers.gib,
        numbers.power,
    ):
        text = write(value)
        assert text
        if value is None or not math.isfinite(value):
            assert text == numbers.NULL


@given(st.floats(min_value=0.0, max_value=9.9e14))
def test_prefixed_numbers_have_three_significant_digits_and_five_characters_at_most(value):
    text = numbers.metric(value)
    digits = text.rstrip("kMGTP").replace(".", "").lstrip("0")
    assert len(digits) <= 3
    assert len(text) <= 4
