"""Conditions: what they may say, what becomes of it, and that nothing else gets through."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leptontui.alerts.rules.condition import Condition, compile_condition, compile_number
from leptontui.alerts.rules.durations import duration_text, parse_duration
from leptontui.alerts.rules.tokens import ConditionError, tokens
from leptontui.alerts.rules.vocabulary import AnySeries, Catalogued, Foreign
from leptontui.model.series import Entity

GPU = Catalogued(Entity.GPU)


def compiled(text: str, names: Catalogued | Foreign = GPU) -> Condition:
    return compile_condition(text, names)


def refused(text: str, names: Catalogued | Foreign = GPU) -> ConditionError:
    with pytest.raises(ConditionError) as caught:
        compile_condition(text, names)
    return caught.value


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("5m", 300), ("1h30m", 5400), ("2d", 172800), ("0s", 0), ("1.5h", 5400)]
)
def test_durations_are_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "5", "m", "5 m", "5x", "-5m", "30m1h", "5m5m", "400d", "9" * 60 + "s", "٥m", "1e3s"]
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    assert parse_duration(text) is None


@given(st.integers(0, 365 * 86400))
def test_a_duration_reads_back_as_it_was(seconds: int) -> None:
    assert parse_duration(duration_text(float(seconds))) == seconds


def test_names_and_numbers_become_sql() -> None:
    rows = pl.DataFrame({"temp_c": [80.0, 95.0, None], "temp_slowdown_c": [90.0, 90.0, 90.0]})
    found = compiled("temp_c >= temp_slowdown_c - 2.5")
    assert rows.select(found.expr).to_series().to_list() == [False, True, None]
    assert found.columns == {"temp_c", "temp_slowdown_c"}


def test_derived_calls_become_columns() -> None:
    found = compiled("mean(temp_c, '5m') > 85 AND max(util_pct,'15m')<5")
    assert [item.column for item in found.derived] == ["mean(temp_c, '5m')", "max(util_pct, '15m')"]
    assert set(found.expr.meta.root_names()) == {"mean(temp_c, '5m')", "max(util_pct, '15m')"}


def test_a_counter_is_asked_for_by_its_rate() -> None:
    assert compiled("rate(nvlink_crc_errors) > 100").columns == {"nvlink_crc_errors_per_s"}
    assert refused("nvlink_crc_errors > 100").expected == "rate(nvlink_crc_errors)"


def test_durations_are_seconds_where_they_are_compared() -> None:
    rows = pl.DataFrame({"eta(temp_c, 90)": [100.0, 700.0]})
    assert rows.select(compiled("eta(temp_c, 90) < '10m'").expr).to_series().to_list() == [True, False]
    assert compiled("user = '10m'").texts == ("10m",)


def test_what_a_forecast_is_compared_with_is_known() -> None:
    found = compiled("forecast(memory_used_bytes, '15m', 0.8) >= 0.97 * memory_total_bytes AND temp_c < 5").threshold
    assert found is not None
    assert (found.metric, found.sql, found.is_rising) == ("memory_used_bytes", '0.97e0 * "memory_total_bytes"', True)


@pytest.mark.parametrize(
    "text",
    [
        "read_csv('/etc/passwd') > 1",
        "read_parquet('x') IS NULL",
        "(SELECT 1) > 0",
        "temp_c > (SELECT max(x) FROM read_csv('/etc/passwd'))",
        "EXISTS (SELECT 1)",
        "temp_c IN (SELECT 1)",
        "count(*) > 1",
        "sum(temp_c) > 1",
        "mean(temp_c) > 1",
        "row_number() OVER (ORDER BY temp_c) > 1",
        "temp_c > 1; DROP TABLE x",
        "temp_c > 1 -- always",
        "temp_c > 1 /* always */",
        '"temp_c" > 1',
        "`temp_c` > 1",
        "self.temp_c > 1",
        "temp_c::int > 1",
        "CAST(temp_c AS INT) > 1",
        "name ~ '(a+)+$'",
        "temp_c > $1",
        "temp_c = @x",
        "* > 1",
        "COLUMNS('.*') > 1",
        "temp_c > 1 FROM x",
        "WITH a AS (SELECT 1) SELECT 1",
        "temp_c\u0000 > 1",
        "tеmp_c > 1",
    ],
)
def test_nothing_but_expressions_gets_through(text: str) -> None:
    refused(text)


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [
        ("temp > 80", 'did you mean "temp_c"?'),
        ("men(temp_c, '5m') > 80", 'did you mean "mean"?'),
        ("temp_c == 80", "SQL compares with a single ="),
        ("cpu_util_pct > 80", 'it is a column of entity = "host"'),
        ("state = 'gone' && temp_c > 1", "SQL writes AND"),
    ],
)
def test_a_slip_is_named(text: str, suggestion: str) -> None:
    assert suggestion in refused(text).suggestion


@pytest.mark.parametrize(
    "text",
    [
        "name > 3",
        "temp_c",
        "mean(temp_c, '5m')",
        "mean(name, '5m') > 1",
        "mean(temp_c, '5 minutes') > 1",
        "mean(temp_c, '7d') > 1",
        "mean(temp_c, '1s') > 1",
        "mean(temp_c, 5) > 1",
        "mean(temp_c + 1, '5m') > 1",
        "mean(mean(temp_c, '5m'), '5m') > 1",
        "forecast(temp_c, '15m', 2) > 1",
        "forecast(temp_c, '15m', 0.5, 1) > 1",
        "forecast(temp_c, '15m', user) > 1",
        "eta(temp_c, mean(temp_c, '5m')) < 5",
        "increase(temp_c, '10m') > 1",
        "increase(ecc_corrected, '5m') > 1",
        "rate(temp_c) > 1",
        "temp_c >",
        "(temp_c > 1",
        "temp_c > 1)",
        "",
        "temp_c > 'unclosed",
        "NOT " * 300 + "is_mig_enabled",
        "(" * 60 + "temp_c > 1" + ")" * 60,
        " AND ".join(["temp_c > 1"] * 300),
        "temp_c > 1" + " " * 3000,
    ],
)
def test_what_cannot_be_is_refused_in_words(text: str) -> None:
    assert refused(text).found


def test_all_brackets_allowed_are_parsed() -> None:
    assert compiled("(" * 20 + "temp_c > 1" + ")" * 20).columns == {"temp_c"}
    assert compiled(" AND ".join(["temp_c > 1"] * 100)).columns == {"temp_c"}


def test_foreign_series_have_their_own_names() -> None:
    names = Foreign(("mem_pct", "cpu"))
    assert compiled("forecast(mem_pct, '2h', 0.9) >= 90", names).derived[0].seconds == 7200
    assert 'did you mean "mem_pct"?' in refused("mem_pc > 3", names).suggestion
    assert compiled("anything > 3 AND mean(other, '5m') > 1", AnySeries()).columns == {"anything"}


def test_a_value_is_a_number() -> None:
    assert compile_number("100.0 * memory_used_bytes / memory_total_bytes", GPU).columns
    with pytest.raises(ConditionError, match="gives true or false"):
        compile_number("temp_c > 3", GPU)


_WORDS = st.sampled_from(
    [
        "temp_c",
        "util_pct",
        "name",
        "mean",
        "(",
        ")",
        ",",
        "'5m'",
        "0.5",
        ">",
        "<",
        "=",
        "and",
        "or",
        "not",
        "null",
        "is",
        "forecast",
        "eta",
        "rate",
        "increase",
        "case",
        "when",
        "then",
        "end",
        "in",
        "like",
        "between",
        "+",
        "-",
        "*",
        "/",
        "%",
        "&",
        "|",
        "read_csv",
        "select",
        "'a'",
        '"',
        "'",
        ";",
        "é",
        "\x1b",
        "coalesce",
        "is_mig_enabled",
        "-1e9",
    ]
)


@settings(max_examples=150, deadline=None)
@given(st.lists(_WORDS, max_size=25).map(" ".join) | st.text(max_size=60))
def test_any_text_compiles_or_is_refused(text: str) -> None:
    try:
        found = compile_condition(text, GPU)
    except ConditionError:
        return
    known = {*GPU.dtypes(), *(item.column for item in found.derived)}
    assert set(found.expr.meta.root_names()) <= known


@given(st.text(alphabet="abc_09.,'\" ()<>=+-*/%&|!;\n\u00e9", max_size=80))
def test_tokens_cover_the_text(text: str) -> None:
    try:
        found = tokens(text)
    except ConditionError:
        return
    rest = list(text)
    for token in found:
        rest[token.start : token.end] = " " * (token.end - token.start)
    assert "".join(rest).strip() == ""
