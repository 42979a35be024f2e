"""`leptontui anomalies`: scores and alarms of recorded series, each value judged by what came before it.

The JSON document:

- `schema`: 1.
- `settings`: `rate_per_day` as asked for, `threshold` (the score from which on a value is an alarm), `merge_s` (alarms
  of a series closer than that are one), `warm_steps` (values a series has to show before it is judged).
- `series`: for each `series` and `metric`: `step_s`, `is_counter` (its rate was judged), `ts` (unix seconds), `score`
  (null while learning or where nothing was measured; one
  for each row of the file, in the order of time), `is_alarm`, and `alarms`: `start_ts`, `end_ts`, `peak_ts`,
  `score`, `reason`.
- `groups`: series that moved together: `start_ts`, `end_ts`, `score`, `members` (`series`, `metric`, `start_ts`).
- `realised`: `alarms`, `series_days`, `per_series_day`; with a column `label`, `unlabelled` has the same of what is not
  labelled: the realised rate of false alarms.

A score is -log10 of how often a day the series alone, while all is well, looks as odd: 0 is once a day, 1 once in ten
days.
"""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np

from leptontui.anomaly.past import Alarm, Judged, group_alarms, judge_past
from leptontui.anomaly.settings import DAY_S, Settings
from leptontui.errors import ConfigError
from leptontui.wiring.tidy import TidySeries, read_tidy

SCHEMA: Final = 1
RATE_LEAST: Final = 1e-6
RATE_MOST: Final = 1000.0
_SHOWN: Final = 40


@dataclass(frozen=True, slots=True)
class Realised:
    """Alarms that there were.

    Attributes:
        alarms: how many.
        series_days: days of series in which there could have been.
    """

    alarms: int
    series_days: float

    @property
    def per_series_day(self) -> float | None:
        """Alarms per series and day; None where nothing was judged."""
        return self.alarms / self.series_days if self.series_days > 0 else None


def print_anomalies(path: Path, *, rate: str, metric: str | None, as_json: bool) -> int:
    """Judge the series of a file and print what is odd.

    Args:
        path: tidy parquet.
        rate: false alarms per series and day that are allowed.
        metric: only this metric; None for all.
        as_json: print one JSON document instead of a table.

    Returns:
        0.

    Raises:
        ConfigError: the file or the rate is wrong.
    """
    settings = Settings(rate_per_day=_rate(rate))
    series = read_tidy(path, metric, keeps_repeats=True)
    judged = judge_past([(one.at_unix_s, one.values) for one in series], settings)
    groups = group_alarms(judged, settings.merge_s)
    try:
        if as_json:
            print(json.dumps(document_of(series, judged, groups, settings), allow_nan=False), flush=True)
        else:
            print(text_of(series, judged, groups, settings), flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def document_of(
    series: Sequence[TidySeries], judged: Sequence[Judged], groups: Sequence[Sequence[Alarm]], settings: Settings
) -> dict[str, Any]:
    """The document that the module's docstring describes."""
    threshold = -math.log10(settings.rate_per_day)
    told = _realised(judged, [None] * len(series))
    found = {
        "schema": SCHEMA,
        "settings": {
            "rate_per_day": settings.rate_per_day,
            "threshold": threshold,
            "merge_s": settings.merge_s,
            "warm_steps": settings.warm_steps,
        },
        "series": [
            {
                "series": one.name,
                "metric": one.metric,
                "step_s": said.step_s,
                "is_counter": said.is_counter,
                "ts": _numbers(said.at_unix_s),
                "score": [None if math.isnan(score) else round(score, 4) for score in said.scores.tolist()],
                "is_alarm": (np.nan_to_num(said.scores, nan=-np.inf) >= threshold).tolist(),
                "alarms": [_alarm_document(alarm, said) for alarm in said.alarms],
            }
            for one, said in zip(series, judged, strict=True)
        ],
        "groups": [_group_document(group, series, judged) for group in groups if len(group) > 1],
        "realised": _realised_document(told),
    }
    if any(one.labels is not None for one in series):
        unlabelled = _realised(judged, [one.labels for one in series])
        found["realised"] = {**_realised_document(told), "unlabelled": _realised_document(unlabelled)}
    return found


def text_of(
    series: Sequence[TidySeries], judged: Sequence[Judged], groups: Sequence[Sequence[Alarm]], settings: Settings
) -> str:
    """The same for people: groups and single alarms, oddest first, and the rate that was realised."""
    told = _realised(judged, [None] * len(series))
    rate = told.per_series_day
    lines = [
        f"{len(series)} series, {told.series_days:.1f} series-days judged: {told.alarms} alarms, "
        + ("none could be" if rate is None else f"{rate:.3g} per series-day")
        + f"; {settings.rate_per_day:g} false ones allowed"
    ]
    if any(one.labels is not None for one in series):
        rate = _realised(judged, [one.labels for one in series]).per_series_day
        lines.append(
            "outside what is labelled: " + ("nothing judged" if rate is None else f"{rate:.3g} per series-day")
        )
    ordered = sorted(groups, key=lambda group: -max(alarm.score for alarm in group))
    if ordered:
        lines += ["", f"{'SCORE':>5}  {'BEGAN (UTC)':<19}  {'LASTED':>8}  WHAT"]
    for group in ordered[:_SHOWN]:
        worst = max(group, key=lambda alarm: alarm.score)
        one, said = series[worst.row], judged[worst.row]
        lasted = said.at_unix_s[worst.last] - said.at_unix_s[worst.first]
        more = f"; with {len(group) - 1} more series that moved together" if len(group) > 1 else ""
        lines.append(
            f"{worst.score:5.1f}  {_time_text(float(said.at_unix_s[worst.first])):<19}  {_span_text(lasted):>8}  "
            f"{one.name} {one.metric}: {worst.words}{more}"
        )
    if len(ordered) > _SHOWN:
        lines.append(f"and {len(ordered) - _SHOWN} more that are less odd; --json has all")
    return "\n".join(lines)


def _realised(judged: Sequence[Judged], labels: Sequence[np.ndarray[Any, np.dtype[np.bool_]] | None]) -> Realised:
    """Alarms and series-days; what is labelled is left out."""
    alarms, days = 0, 0.0
    for one, labelled in zip(judged, labels, strict=True):
        is_judged = ~np.isnan(one.scores)
        if labelled is not None:
            is_judged &= ~labelled
        alarms += sum(labelled is None or not labelled[alarm.first : alarm.last + 1].any() for alarm in one.alarms)
        days += float(np.count_nonzero(is_judged)) * one.step_s / DAY_S
    return Realised(alarms, days)


def _realised_document(told: Realised) -> dict[str, object]:
    rate = told.per_series_day
    return {
        "alarms": told.alarms,
        "series_days": round(told.series_days, 4),
        "per_series_day": None if rate is None else round(rate, 6),
    }


def _alarm_document(alarm: Alarm, said: Judged) -> dict[str, object]:
    at = said.at_unix_s
    return {
        "start_ts": _number(float(at[alarm.first])),
        "end_ts": _number(float(at[alarm.last])),
        "peak_ts": _number(float(at[alarm.peak])),
        "score": round(alarm.score, 4),
        "reason": alarm.words,
    }


def _group_document(
    group: Sequence[Alarm], series: Sequence[TidySeries], judged: Sequence[Judged]
) -> dict[str, object]:
    ordered = sorted(group, key=lambda alarm: -alarm.score)
    return {
        "start_ts": _number(min(float(judged[alarm.row].at_unix_s[alarm.first]) for alarm in group)),
        "end_ts": _number(max(float(judged[alarm.row].at_unix_s[alarm.last]) for alarm in group)),
        "score": round(ordered[0].score, 4),
        "members": [
            {
                "series": series[alarm.row].name,
                "metric": series[alarm.row].metric,
                "start_ts": _number(float(judged[alarm.row].at_unix_s[alarm.first])),
                "score": round(alarm.score, 4),
                "reason": alarm.words,
            }
            for alarm in ordered
        ],
    }


def _numbers(values: np.ndarray[Any, np.dtype[np.float64]]) -> list[int | float]:
    return [_number(value) for value in values.tolist()]


def _number(value: float) -> int | float:
    return int(value) if value.is_integer() else value


def _time_text(at_unix_s: float) -> str:
    try:
        return datetime.fromtimestamp(at_unix_s, UTC).strftime("%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError, OSError):
        return f"{at_unix_s:g} s"


def _span_text(seconds: float) -> str:
    if seconds < 60:  # noqa: PLR2004
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"  # noqa: PLR2004


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = math.nan
    if not RATE_LEAST <= rate <= RATE_MOST:
        raise ConfigError(
            [f"--rate {text}: expected false alarms per series and day, {RATE_LEAST:g} to {RATE_MOST:g}"],
            "0.1 allows one in ten days for each series",
        )
    return rate
