"""`leptontui anomalies`: documents, tables and mistakes."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from leptontui.cli import main

COUNT = 700
AT = 1_700_000_100 + 300 * np.arange(COUNT)


def values(seed, spike=True):
    found = 50 + 2 * np.random.default_rng(seed).standard_normal(COUNT)
    if spike:
        found[600:606] += 60
    return found


def frame(*, labelled=False):
    parts = [
        pl.DataFrame(
            {"series": [name] * COUNT, "metric": [kind] * COUNT, "ts": AT, "value": values(seed, spike=name != "calm")}
        )
        for seed, (name, kind) in enumerate([("one", "cpu"), ("two", "cpu"), ("calm", "mem")])
    ]
    whole = pl.concat(parts)
    is_window = (pl.col("ts") >= AT[595]) & (pl.col("ts") <= AT[620]) & (pl.col("series") == "one")
    return whole.with_columns(label=is_window.cast(pl.Int8)) if labelled else whole


@pytest.fixture
def path(tmp_path):
    found = tmp_path / "series.parquet"
    frame().write_parquet(found)
    return found


def document(capsys, *arguments):
    assert main(["anomalies", *map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_document_has_a_score_for_each_value_and_the_alarms(path, capsys):
    told = document(capsys, path)
    assert told["schema"] == 1
    assert told["settings"]["rate_per_day"] == 0.1
    assert told["settings"]["threshold"] == pytest.approx(1.0)
    assert [one["series"] for one in told["series"]] == ["one", "two", "calm"]
    for one in told["series"]:
        assert one["ts"] == AT.tolist()
        assert len(one["score"]) == len(one["is_alarm"]) == COUNT
        assert one["score"][:50] == [None] * 50
        assert [score is not None and score >= 1.0 for score in one["score"]] == one["is_alarm"]
    first, _, calm = told["series"]
    assert [alarm["start_ts"] for alarm in first["alarms"]] == [int(AT[600])]
    assert first["alarms"][0]["reason"]
    assert calm["alarms"] == []


def test_what_moved_together_is_a_group(path, capsys):
    (group,) = document(capsys, path)["groups"]
    assert {member["series"] for member in group["members"]} == {"one", "two"}
    assert group["start_ts"] == AT[600]


def test_the_realised_rate_leaves_out_what_is_labelled(tmp_path, capsys):
    path = tmp_path / "labelled.parquet"
    frame(labelled=True).write_parquet(path)
    realised = document(capsys, path)["realised"]
    assert realised["alarms"] == 2
    assert realised["series_days"] == pytest.approx(3 * 650 * 300 / 86400, abs=0.001)
    assert realised["unlabelled"]["alarms"] == 1
    assert realised["unlabelled"]["series_days"] < realised["series_days"]


def test_the_rate_and_the_metric_can_be_chosen(path, capsys):
    told = document(capsys, path, "--rate", "0.0001", "--metric", "mem")
    assert [one["series"] for one in told["series"]] == ["calm"]
    assert told["settings"]["threshold"] == pytest.approx(4.0)


def test_for_people_it_is_a_table(path, capsys):
    assert main(["anomalies", str(path)]) == 0
    said = capsys.readouterr().out
    assert "3 series" in said
    assert "with 1 more series that moved together" in said
    assert "2023-11-17 00:15:00" in said


def test_times_may_be_dates_and_rows_in_any_order(tmp_path, capsys):
    start = datetime(2024, 1, 1, tzinfo=UTC)
    rows = pl.DataFrame(
        {
            "series": "x",
            "metric": "m",
            "ts": [start + timedelta(minutes=5 * step) for step in range(60)],
            "value": [float(step % 3) if step != 20 else None for step in range(60)],
        }
    )
    path = tmp_path / "dates.parquet"
    rows.sample(fraction=1.0, shuffle=True, seed=1).write_parquet(path)
    (one,) = document(capsys, path)["series"]
    assert one["ts"][:2] == [start.timestamp(), start.timestamp() + 300]
    assert one["score"][20] is None


def test_every_row_has_a_score_also_those_of_the_same_time(tmp_path, capsys):
    path = tmp_path / "repeats.parquet"
    rows = frame().filter(pl.col("series") == "calm")
    pl.concat([rows, rows.slice(100, 3)]).write_parquet(path)
    (one,) = document(capsys, path)["series"]
    assert len(one["ts"]) == len(one["score"]) == COUNT + 3
    assert one["ts"] == sorted(one["ts"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(lambda rows: rows.drop("ts", "value"), "no column ts", id="columns"),
        pytest.param(lambda rows: rows.with_columns(value=pl.lit("much")), "column value is String", id="text"),
        pytest.param(lambda rows: rows.with_columns(ts=pl.lit("noon")), "column ts is String", id="time"),
        pytest.param(lambda rows: rows.head(0), "has no values", id="empty"),
        pytest.param(lambda rows: rows.with_columns(label=pl.lit("odd")), "column label is String", id="label"),
    ],
)
def test_a_file_that_is_not_tidy_is_explained(change, said, tmp_path, capsys):
    path = tmp_path / "wrong.parquet"
    change(frame()).write_parquet(path)
    assert main(["anomalies", str(path)]) == 3
    assert said in capsys.readouterr().err


def test_a_file_that_is_none_is_explained(tmp_path, capsys):
    assert main(["anomalies", str(tmp_path / "none.parquet")]) == 3
    assert "no such file" in capsys.readouterr().err
    (tmp_path / "text.parquet").write_text("series,metric\n")
    assert main(["anomalies", str(tmp_path / "text.parquet")]) == 3
    assert "cannot be read as parquet" in capsys.readouterr().err
    (tmp_path / "empty").mkdir()
    assert main(["anomalies", str(tmp_path / "empty")]) == 3
    assert "no parquet in this folder" in capsys.readouterr().err


def test_a_metric_that_is_not_there_is_told_with_those_that_are(path, capsys):
    assert main(["anomalies", str(path), "--metric", "disk"]) == 3
    said = capsys.readouterr().err
    assert "no metric disk" in said
    assert "cpu, mem" in said


@pytest.mark.parametrize("rate", ["0", "-1", "nan", "often", "1e9"])
def test_a_rate_that_makes_no_sense_is_refused(rate, path, capsys):
    assert main(["anomalies", str(path), f"--rate={rate}"]) == 3
    assert "--rate" in capsys.readouterr().err


def test_names_from_the_file_cannot_reach_the_terminal_unescaped(tmp_path, capsys):
    path = tmp_path / "hostile.parquet"
    frame().with_columns(series=pl.lit("\x1b[31mred\x07") + pl.col("series")).write_parquet(path)
    assert main(["anomalies", str(path)]) == 0
    assert "\x1b" not in capsys.readouterr().out
