"""`leptontui backtest`: how good the forecasts would have been on recorded series.

Rolling origins, in the order of time over all series of a metric: at each, the portfolio is shown what was known then,
forecasts, and learns from what has come due, as the forecast worker does live.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from leptontui.errors import ConfigError
from leptontui.forecast.grid import MOST_STEPS
from leptontui.forecast.made import Made
from leptontui.forecast.past import Past
from leptontui.forecast.portfolio import MOST_POINTS, Portfolio
from leptontui.wiring.backtest_scores import BASELINES, Baselines, Scores, geometric_mean
from leptontui.wiring.backtest_text import backtest_text
from leptontui.wiring.files import private_opener
from leptontui.wiring.recorded import Recorded, card_bytes, read_recorded

SCHEMA: Final = 1
WARM_UP: Final = (30, 120)
"""The first origin lies a tenth of the series in, within these numbers of steps."""
NARROWEST_LEVEL, WIDEST_LEVEL = 1.0, 99.9


@dataclass(slots=True)
class _Tested:
    """One metric's outcome."""

    scores: dict[int, Scores]
    made: int = 0
    seconds: float = 0.0
    fallbacks: Counter[str] = field(default_factory=Counter)
    rows: dict[str, list[Any]] = field(default_factory=dict)


def backtest(
    recording: Path,
    *,
    horizons: str,
    levels: str,
    metric: str | None,
    out: Path | None,
    origins: str,
    is_heavy: bool,
    as_json: bool,
) -> int:
    """Forecast recorded series as live, and print how well that went.

    Args:
        recording: a tidy parquet file: series, metric, ts, value.
        horizons: steps ahead, separated by commas.
        levels: of the bands in per cent, separated by commas.
        metric: only this one.
        out: where to write every forecast.
        origins: forecasts for each series; "0" for one at every step.
        is_heavy: fit the costly models for every series, as live for what is on screen.
        as_json: print one JSON document instead of tables.

    Returns:
        0.

    Raises:
        ConfigError: the file or an option is wrong.
    """
    steps = tuple(int(one) for one in _numbers("--horizons", horizons, 1, MOST_STEPS, is_whole=True))
    bands = _numbers("--levels", levels, NARROWEST_LEVEL, WIDEST_LEVEL, is_whole=False)
    (count,) = _numbers("--origins", origins, 0, MOST_STEPS * 1000, is_whole=True)
    series, left_out = read_recorded(recording, metric)
    if out is not None and out.resolve() == recording.resolve():
        raise ConfigError([f"--out {out}: is the recording itself"])
    tested = {
        name: _test(found, steps, bands, int(count), is_heavy=is_heavy, is_kept=out is not None)
        for name, found in series.items()
    }
    if out is not None:
        _write(out, tested)
    document = {**_document(recording, steps, bands, series, tested), "series_left_out": left_out}
    print(json.dumps(document) if as_json else backtest_text(document), flush=True)
    return 0


def _numbers(option: str, text: str, least: float, most: float, *, is_whole: bool) -> tuple[float, ...]:
    found = set()
    for word in text.split(","):
        try:
            number = float(int(word)) if is_whole else float(word)
        except ValueError:
            raise ConfigError([f"{option} {text}: {word!r} is not a {'whole ' if is_whole else ''}number"]) from None
        if not least <= number <= most:
            raise ConfigError([f"{option} {text}: {word.strip()} is not between {least:g} and {most:g}"])
        found.add(number)
    return tuple(sorted(found))


def _origins(recorded: Recorded, count: int) -> list[int]:
    """Where to forecast from: sampled values, evenly spaced, after a warm-up."""
    n = len(recorded.values)
    first = min(max(n // 10, WARM_UP[0]), WARM_UP[1])
    known = np.flatnonzero(np.isfinite(recorded.values[: n - 1]))
    known = known[known >= first]
    if count and len(known) > count:
        known = known[np.linspace(0, len(known) - 1, count).astype(int)]
    return [int(origin) for origin in known]


def _test(
    series: Sequence[Recorded],
    steps: Sequence[int],
    levels: Sequence[float],
    count: int,
    *,
    is_heavy: bool,
    is_kept: bool,
) -> _Tested:
    """Forecast all series of one metric, in the order of time."""
    _warm_up()
    portfolio = Portfolio(tuple(levels))
    tested = _Tested({step: Scores(levels) for step in steps}, fallbacks=portfolio.fallbacks)
    baselines = [Baselines(one) for one in series]
    turns = sorted(
        (one.start_unix_s + origin * one.step_s, index, origin)
        for index, one in enumerate(series)
        for origin in _origins(one, count)
    )
    most = 0.0
    for _, index, origin in turns:
        one = series[index]
        most = max(most, float(np.nanmax(one.values[max(0, origin - MOST_POINTS) : origin + 1])))
        past = _past(one, origin, most)
        started = time.process_time()
        made = portfolio.forecast(past, steps[-1], is_heavy=is_heavy)
        tested.seconds += time.process_time() - started
        tested.made += 1
        if made is None:
            continue
        if is_kept:
            _keep(tested.rows, one, origin, steps, levels, made)
        for step in steps:
            if origin + step < len(one.values) and np.isfinite(one.values[origin + step]):
                tested.scores[step].add(
                    one.series,
                    actual=float(one.values[origin + step]),
                    mean=float(made.mean[step - 1]),
                    edges=[(float(low[step - 1]), float(high[step - 1])) for low, high in made.edges.values()],
                    baselines=baselines[index].at(origin, step),
                    mean_move=baselines[index].mean_move(origin),
                )
    return tested


def _warm_up() -> None:
    """Load the libraries before anything is timed, as the worker does before it says that it is ready."""
    Portfolio().forecast(Past("", "", np.arange(40.0) % 7.0, 40.0, 1.0), 2)


def _past(one: Recorded, origin: int, most: float) -> Past:
    """What was known at an origin, and nothing else; `most` is the largest value that any series had by then."""
    lower, upper = one.bounds_at(origin)
    upper = card_bytes(one.metric, most) if upper is None else upper
    return Past(
        one.series,
        f"{one.metric}@{one.step_s:g}s",
        one.values[max(0, origin + 1 - MOST_POINTS) : origin + 1],
        one.start_unix_s + origin * one.step_s,
        one.step_s,
        lower,
        upper,
    )


def _keep(
    rows: dict[str, list[Any]],
    one: Recorded,
    origin: int,
    steps: Sequence[int],
    levels: Sequence[float],
    made: Made,
) -> None:
    for step in steps:
        row = {
            "series": one.series,
            "metric": one.metric,
            "origin_ts": float(one.ts[origin]),
            "h": step,
            "mean": float(made.mean[step - 1]),
        }
        for level in levels:
            low, high = made.edges[level]
            row[f"lo-{level:g}"] = float(low[step - 1])
            row[f"hi-{level:g}"] = float(high[step - 1])
        row["model"] = made.model
        for name, value in row.items():
            rows.setdefault(name, []).append(value)


def _write(out: Path, tested: dict[str, _Tested]) -> None:
    frames = [pl.DataFrame(one.rows) for one in tested.values() if one.rows]
    if not frames:
        raise ConfigError([f"--out {out}: no forecast was made"], "the series are too short or have no values")
    frame = pl.concat(frames)
    origin = pl.col("origin_ts")
    if frame["origin_ts"].is_finite().all() and (frame["origin_ts"] % 1.0 == 0.0).all():
        frame = frame.with_columns(origin.cast(pl.Int64))
    try:
        with open(out, "wb", opener=private_opener) as file:
            frame.write_parquet(file)
    except OSError as error:
        raise ConfigError([f"--out {out}: cannot be written: {error.strerror or error}"]) from None


def _document(
    recording: Path,
    steps: Sequence[int],
    levels: Sequence[float],
    series: dict[str, list[Recorded]],
    tested: dict[str, _Tested],
) -> dict[str, Any]:
    together = {}
    for step in steps:
        ratios: dict[str, list[float]] = {name: [] for name in BASELINES}
        for one in tested.values():
            for name, found in one.scores[step].ratios().items():
                ratios[name] += found
        together[str(step)] = {name: geometric_mean(found) for name, found in ratios.items()}
    made, seconds = sum(one.made for one in tested.values()), sum(one.seconds for one in tested.values())
    return {
        "schema": SCHEMA,
        "file": str(recording),
        "horizons": list(steps),
        "levels": list(levels),
        "metrics": {
            name: {
                "series": len(series[name]),
                "step_s": sorted({one.step_s for one in series[name]}),
                "forecasts": one.made,
                "fallbacks": dict(one.fallbacks),
                "ms_per_forecast": 1000.0 * one.seconds / one.made if one.made else None,
                "horizons": {str(step): scores.document() for step, scores in one.scores.items()},
            }
            for name, one in tested.items()
        },
        "together": together,
        "ms_per_forecast": 1000.0 * seconds / made if made else None,
    }
