"""What the commands on recordings say of a time does not depend on what came after it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from leptontui.cli import main

STEP_S, START_S, STEPS, CUT = 60, 1_700_000_040, 180, 120
CUT_S = START_S + STEP_S * CUT
RULES = """
[[rule]]
name = "high"
entity = "series"
when = "mean(load, '5m') > 60"
clear = "load < 55"
severity = "ticket"
summary = "{load:.1f}"

[[rule]]
name = "soon"
entity = "series"
when = "forecast(load, '10m', 0.8) > 62"
for = "2m"
severity = "note"
summary = "{load:.1f}, in ten minutes {forecast(load, '10m', 0.8):.1f}"
"""


def written(path: Path, after: str) -> Path:
    """Three series that are the same up to `CUT` whatever comes `after`."""
    random = np.random.default_rng(3)
    steps = np.arange(STEPS)
    series = [
        50 + 15 * np.sin(steps / 9) + random.normal(0, 1, STEPS),
        np.where(steps // 25 % 2, 70.0, 40.0) + random.normal(0, 2, STEPS),
        random.gamma(2.0, 12.0, STEPS),
    ]
    if after == "wild":
        for values in series:
            values[CUT:] = random.normal(900, 500, STEPS - CUT)
            values[CUT + 3] = 1e9
    elif after == "silent":
        for values in series:
            values[CUT:-1] = np.nan
    rows = [
        (f"s{n}", "load", START_S + STEP_S * step, float(value))
        for n, values in enumerate(series)
        for step, value in enumerate(values)
    ]
    frame = pl.DataFrame(rows, ["series", "metric", "ts", "value"], orient="row")
    file = path / f"{after}.parquet"
    frame.filter(pl.col("value").is_finite()).write_parquet(file)
    return file


def said(capsys: pytest.CaptureFixture[str], *words: object) -> dict[str, Any]:
    assert main([str(word) for word in words]) == 0
    document = json.loads(capsys.readouterr().out)
    assert isinstance(document, dict)
    return document


@pytest.mark.parametrize("after", ["wild", "silent"])
def test_a_backtest(after: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = []
    for name in ("usual", after):
        out = tmp_path / f"{name}-made.parquet"
        said(capsys, "backtest", written(tmp_path, name), "--origins", 0, "--horizons", "1,9", "--out", out, "--json")
        made = pl.read_parquet(out).filter(pl.col("origin_ts") < CUT_S)
        found.append(made.sort("series", "origin_ts", "h"))
    assert found[0].height > 3 * 50
    assert found[0].equals(found[1])


@pytest.mark.parametrize("after", ["wild", "silent"])
def test_anomalies(after: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = []
    for name in ("usual", after):
        series = said(capsys, "anomalies", written(tmp_path, name), "--rate", 24, "--json")["series"]
        found.append([(one["series"], one["score"][:CUT], one["is_alarm"][:CUT]) for one in series])
    assert any(score is not None for _, scores, _ in found[0] for score in scores)
    assert found[0] == found[1]


@pytest.mark.parametrize("after", ["wild", "silent"])
def test_a_replay(after: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text(RULES)
    found = []
    for name in ("usual", after):
        told = said(capsys, "alerts", "replay", written(tmp_path, name), "--rules", rules, "--json")["transitions"]
        found.append([one for one in told if one["ts"] <= CUT_S])
    assert {one["rule"] for one in found[0]} == {"high", "soon"}
    assert found[0] == found[1]
