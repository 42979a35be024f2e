"""Ranking findings: the worst is told, the others are counted and listed, however the frame is cut into chunks."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leptontui.health.ranking import Finding, held, ranked
from leptontui.model.health import Severity

FINDINGS = (
    Finding(Severity.CRITICAL, pl.col("x") > 5, pl.col("words")),
    Finding(Severity.WARNING, pl.col("x") > 3, pl.format("{} things", "x")),
)


def frame_of(*chunks: list[int]) -> pl.DataFrame:
    schema = {"x": pl.Int64, "words": pl.String}
    parts = [pl.DataFrame({"x": chunk, "words": [f"w{x}" for x in chunk]}, schema=schema) for chunk in chunks]
    return pl.concat(parts, rechunk=False)


def expected(x: int) -> tuple[int, str, list[str]]:
    if x > 5:
        return Severity.CRITICAL, f"w{x} +1", [f"✖ w{x}", f"▲ {x} things"]
    return (Severity.WARNING, f"{x} things", [f"▲ {x} things"]) if x > 3 else (Severity.WELL, "", [])


def test_a_chunk_without_findings_is_no_trouble() -> None:
    # polars 2.1 panics in `format` where a filter has left a chunk empty.
    assert ranked(held(frame_of([1], [1], [4, 6]), FINDINGS)).rows() == [expected(x) for x in (1, 1, 4, 6)]


@given(st.lists(st.lists(st.sampled_from([1, 4, 6]), max_size=3), min_size=1, max_size=4))
def test_chunks_make_no_difference(chunks: list[list[int]]) -> None:
    told = ranked(held(frame_of(*chunks), FINDINGS))
    assert told.rows() == [expected(x) for chunk in chunks for x in chunk]


@pytest.mark.parametrize("height", [0, 3])
def test_where_nothing_is_found_all_is_well(height: int) -> None:
    assert ranked(held(frame_of([1] * height), FINDINGS)).rows() == [(Severity.WELL, "", [])] * height
