"""`leptontui backtest` on small files, good and bad."""

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from leptontui.cli import main
from leptontui.wiring.recorded import card_bytes

N = 160


def rows(series="one", metric="cpu_pct", values=None, start=1_000_000, step=60):
    values = np.random.default_rng(1).uniform(10, 60, N) if values is None else values
    return pl.DataFrame(
        {
            "series": [series] * len(values),
            "metric": [metric] * len(values),
            "ts": [start + step * n for n in range(len(values))],
            "value": [float(value) for value in values],
        }
    )


@pytest.fixture
def write(tmp_path):
    def written(frame):
        path = tmp_path / "recorded.parquet"
        frame.write_parquet(path)
        return path

    return written


def told(capsys, *arguments):
    assert main(["backtest", *map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def refused(capsys, *arguments):
    assert main(["backtest", *map(str, arguments)]) == 3
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Traceback" not in captured.err
    return captured.err


def test_every_score_is_told(write, capsys) -> None:
    path = write(pl.concat([rows(), rows("two", values=np.full(N, 7.0)), rows(metric="memory", values=np.arange(N))]))
    document = told(capsys, path, "--horizons", "1,5", "--origins", "60")
    assert document["schema"] == 1
    assert document["horizons"] == [1, 5]
    assert set(document["metrics"]) == {"cpu_pct", "memory"}
    cpu = document["metrics"]["cpu_pct"]
    assert cpu["series"] == 2
    assert cpu["forecasts"] == 120
    assert cpu["fallbacks"] == {"constant": 60}
    assert cpu["ms_per_forecast"] > 0
    scores = cpu["horizons"]["5"]
    assert set(scores["relative_mae"]) == {"naive", "ewm", "seasonal_naive", "predict_linear_12", "predict_linear_60"}
    assert scores["relative_mae"]["naive"] < 0.95  # of noise about a level, the last value is a bad forecast
    assert scores["mase"] > 0
    assert scores["smape_pct"] > 0
    assert 50 < scores["coverage_pct"]["80"] <= scores["coverage_pct"]["95"] <= 100
    assert 0 < scores["width"]["80"] < scores["width"]["95"]
    # A slope of one: a line through the last values is right, the last value is not.
    slope = document["metrics"]["memory"]["horizons"]["5"]["relative_mae"]
    assert slope["naive"] < 0.5
    assert slope["predict_linear_12"] is None or slope["predict_linear_12"] >= 1.0  # None: neither errs
    assert document["together"]["5"]["ewm"] is not None


def test_a_table_for_people(write, capsys) -> None:
    assert main(["backtest", str(write(rows(metric="cpu\x1b[2J_pct"))), "--horizons", "3", "--origins", "10"]) == 0
    text = capsys.readouterr().out
    assert "\x1b" not in text
    assert "1 series at 60 s; 10 forecasts" in text
    assert "in 80 %" in text
    assert "without a model: none" in text


def test_every_forecast_is_written(write, tmp_path, capsys) -> None:
    values = np.r_[np.zeros(60), np.random.default_rng(2).uniform(0, 100, N - 60)]
    out = tmp_path / "forecasts.parquet"
    told(capsys, write(rows(values=values)), "--origins", "0", "--horizons", "1,15", "--out", out)
    assert out.stat().st_mode & 0o777 == 0o600
    made = pl.read_parquet(out)
    assert made.columns == ["series", "metric", "origin_ts", "h", "mean", "lo-80", "hi-80", "lo-95", "hi-95", "model"]
    assert made["origin_ts"].dtype == pl.Int64
    assert made["origin_ts"].unique().sort().to_list() == [1_000_000 + 60 * n for n in range(30, N - 1)]
    assert made["h"].unique().sort().to_list() == [1, 15]
    edges = made.select("lo-95", "lo-80", "mean", "hi-80", "hi-95").to_numpy()
    assert (np.diff(edges, axis=1) >= 0).all()
    assert edges.min() >= 0
    assert edges.max() <= 100


def test_what_comes_later_changes_no_forecast(write, tmp_path, capsys) -> None:
    values = np.random.default_rng(3).uniform(10, 60, N)
    made = []
    for later in (20.0, 90.0):
        changed = values.copy()
        changed[100:] = later
        out = tmp_path / f"{later:g}.parquet"
        told(capsys, write(pl.concat([rows(values=changed), rows("two")])), "--origins", "0", "--out", out)
        made.append(pl.read_parquet(out).filter(pl.col("origin_ts") < 1_000_000 + 60 * 100))
    assert len(made[0]) > 200
    assert made[0].equals(made[1])


def test_other_levels_and_one_metric(write, capsys) -> None:
    path = write(pl.concat([rows(), rows(metric="other")]))
    document = told(capsys, path, "--metric", "other", "--levels", "50,99", "--horizons", "1", "--origins", "10")
    assert set(document["metrics"]) == {"other"}
    assert set(document["metrics"]["other"]["horizons"]["1"]["coverage_pct"]) == {"50", "99"}


def test_other_columns_are_ignored_and_times_may_be_times(write, capsys) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    frame = pl.concat([rows("a"), rows("b")]).with_columns(
        host=pl.col("series"),
        entity=pl.lit("gpu"),
        instance=pl.lit(None, pl.String),
        ts=pl.Series([start + timedelta(seconds=60 * n) for n in range(N)] * 2),
        label=pl.lit(0),
    )
    document = told(capsys, write(frame), "--horizons", "1", "--origins", "8")
    assert document["metrics"]["cpu_pct"]["series"] == 2
    assert document["metrics"]["cpu_pct"]["step_s"] == [60.0]


def test_what_a_file_says_reaches_no_terminal_as_it_is(write, capsys) -> None:
    path = write(rows(metric="cpu\x1b[2J_pct"))
    assert "there is cpu _pct" in refused(capsys, path, "--metric", "disk")
    assert list(told(capsys, path, "--horizons", "1", "--origins", "5")["metrics"]) == ["cpu _pct"]


def test_gaps_and_missing_values_are_counted_not_scored(write, capsys) -> None:
    values = np.random.default_rng(4).uniform(10, 60, N)
    values[90:100] = np.nan
    frame = rows(values=values).with_row_index().filter(~pl.col("index").is_between(60, 75)).drop("index")
    document = told(capsys, write(frame), "--horizons", "1", "--origins", "0")
    metric = document["metrics"]["cpu_pct"]
    assert metric["fallbacks"]["too short"] > 0
    assert metric["horizons"]["1"]["scored"] < metric["forecasts"]


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("--horizons", "0", "--horizons 0: 0 is not between 1 and 1440"),
        ("--horizons", "1,five", "'five' is not a whole number"),
        ("--horizons", "", "'' is not a whole number"),
        ("--levels", "100", "100 is not between 1 and 99.9"),
        ("--levels", "nan", "nan is not between"),
        ("--origins", "-1", "-1 is not between"),
        ("--metric", "disk", "no metric disk — there is cpu_pct"),
    ],
)
def test_a_wrong_option_is_told(write, capsys, option, value, says) -> None:
    told_lines = refused(capsys, write(rows()), f"{option}={value}").replace("\nleptontui: there is", " — there is")
    assert says in told_lines


def test_what_is_left_out_is_counted(write, capsys) -> None:
    far = rows("far", values=[1.0, 2.0, 3.0, 4.0]).with_columns(ts=pl.Series([0.0, 60.0, 120.0, 1e300]))
    frame = pl.concat([rows().cast({"ts": pl.Float64}), rows("short", values=[1.0, 2.0]).cast({"ts": pl.Float64}), far])
    found = told(capsys, write(frame), "--origins", 5)
    assert (found["metrics"]["cpu_pct"]["series"], found["series_left_out"]) == (1, 2)
    assert main(["backtest", str(write(frame)), "--origins", "5"]) == 0
    assert "2 series left out" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda frame: frame.drop("ts", "value"), "no column ts"),
        (lambda frame: frame.drop("series"), "no column series"),
        (lambda frame: frame.with_columns(value=pl.lit("much")), "column value is String, expected numbers"),
        (lambda frame: frame.with_columns(ts=pl.lit("today")), "column ts is String, expected seconds since 1970"),
        (lambda frame: frame.head(2), "no series of at least 3 values"),
        (lambda frame: frame.head(0), "has no values"),
        (lambda frame: frame.with_columns(ts=pl.lit(5)), "no series of at least 3 values"),
    ],
)
def test_a_wrong_file_is_told(write, capsys, change, says) -> None:
    assert says in refused(capsys, write(change(rows())))


def test_no_file_and_no_parquet_are_told(tmp_path, capsys) -> None:
    assert "no such file" in refused(capsys, tmp_path / "none.parquet")
    (tmp_path / "text.parquet").write_text("a,b\n1,2\n")
    assert "cannot be read as parquet" in refused(capsys, tmp_path / "text.parquet")
    assert "cannot be read as parquet" in refused(capsys, tmp_path)


def test_where_nothing_can_be_written_is_told(write, tmp_path, capsys) -> None:
    path = write(rows())
    assert "cannot be written" in refused(capsys, path, "--origins=5", "--out", tmp_path / "no" / "where.parquet")
    assert "is the recording itself" in refused(capsys, path, "--out", path)
    assert pl.read_parquet(path).columns == ["series", "metric", "ts", "value"]


def test_bounds_are_those_of_the_unit(write, tmp_path, capsys) -> None:
    gib = 2.0**30
    random = np.random.default_rng(5)
    memory = np.clip(np.cumsum(random.normal(0, 3, N)) + 40, 0, 47.9) * gib
    frames = [
        rows("a", "gpu_mem_bytes", memory),
        rows("b", "share_frac", random.uniform(0, 1, N)),
        rows("c", "cpu_pct", random.uniform(90, 104, N)),
        rows("d", "shares_pct", random.uniform(200, 400, N)),
        rows("e", "offset", random.normal(0, 1, N)),
    ]
    out = tmp_path / "forecasts.parquet"
    told(capsys, write(pl.concat(frames)), "--origins", "30", "--out", out)
    made = pl.read_parquet(out)

    def within(metric):
        part = made.filter(pl.col("metric") == metric)
        return float(part["lo-95"].min()), float(part["hi-95"].max())

    assert within("gpu_mem_bytes")[1] <= 48 * gib
    assert within("share_frac")[0] >= 0 <= within("share_frac")[1] <= 1
    assert within("cpu_pct")[1] == 100
    assert within("shares_pct")[1] > 200  # mostly beyond: these per cent are of one core
    assert within("offset")[0] < 0
    assert card_bytes("memory_bytes", 1.0) is None
    assert card_bytes("gpu_mem_bytes", 1e15) is None
