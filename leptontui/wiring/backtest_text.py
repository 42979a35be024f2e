"""A backtest's outcome as tables."""

from __future__ import annotations

from typing import Any, Final

_HEADINGS: Final = {
    "naive": "naive",
    "ewm": "EWM",
    "seasonal_naive": "seasonal",
    "predict_linear_12": "linear12",
    "predict_linear_60": "linear60",
}


def backtest_text(document: dict[str, Any]) -> str:
    """The tables: one for each metric, one for all together.

    Args:
        document: what `backtest --json` prints.
    """
    levels = [f"{level:g}" for level in document["levels"]]
    lines = [
        "Error relative to that of simple forecasts (below 1 is better; geometric mean over series), MASE, sMAPE in %,",
        "share of values inside each band in %, and its median width in mean steps from one value to the next.",
    ]
    for name, metric in document["metrics"].items():
        steps = ", ".join(f"{step:g} s" for step in metric["step_s"][:3]) + (" …" if len(metric["step_s"]) > 3 else "")  # noqa: PLR2004
        cost = metric["ms_per_forecast"]
        lines += [
            "",
            f"{name}: {metric['series']} series at {steps}; {metric['forecasts']} forecasts"
            + (f", {cost:.1f} ms of CPU time each" if cost is not None else ""),
            _heading(levels),
        ]
        lines += [_row(horizon, scores, levels) for horizon, scores in metric["horizons"].items()]
        fallbacks = ", ".join(f"{reason} {count}" for reason, count in sorted(metric["fallbacks"].items()))
        lines.append(f"  without a model: {fallbacks or 'none'}")
    if document["series_left_out"]:
        lines += ["", f"{document['series_left_out']} series left out: too few values, or times too far apart"]
    lines += ["", "all series together", "     h" + "".join(f"{heading:>10}" for heading in _HEADINGS.values())]
    for horizon, ratios in document["together"].items():
        lines.append(f"{horizon:>6}" + "".join(f"{_number(ratios[name], 2):>10}" for name in _HEADINGS))
    if document["ms_per_forecast"] is not None:
        lines.append(f"{document['ms_per_forecast']:.1f} ms of CPU time for each forecast of a series")
    return "\n".join(lines)


def _heading(levels: list[str]) -> str:
    names = "".join(f"{heading:>10}" for heading in _HEADINGS.values())
    bands = "".join(f"{'in ' + level + ' %':>9}{'width':>8}" for level in levels)
    return f"     h{names}{'MASE':>8}{'sMAPE':>8}{bands}"


def _row(horizon: str, scores: dict[str, Any], levels: list[str]) -> str:
    if not scores["scored"]:
        return f"{horizon:>6}  nothing came due"
    ratios = "".join(f"{_number(scores['relative_mae'][name], 2):>10}" for name in _HEADINGS)
    bands = "".join(
        f"{_number(scores['coverage_pct'][level], 1):>9}{_number(scores['width'][level], 1):>8}" for level in levels
    )
    return f"{horizon:>6}{ratios}{_number(scores['mase'], 2):>8}{_number(scores['smape_pct'], 1):>8}{bands}"


def _number(value: float | None, digits: int) -> str:
    return "—" if value is None else f"{value:.{digits}f}"
