"""The large chart of the host screen: a caption with the value and the prediction, then history and forecast."""

from __future__ import annotations

from rich.style import Style
from textual.color import Color

from leptontui.model.series import Entity, Forecast, ForecasterState, ForecasterStatus, Series
from leptontui.render import numbers
from leptontui.render.canvas import Line
from leptontui.render.chart import Threshold, chart
from leptontui.render.chart_axes import ChartStyles, clock_text
from leptontui.render.chart_scale import Scale, scale_of
from leptontui.render.ink import Ink, Pen, spread
from leptontui.render.palette import Palette
from leptontui.ui.widgets.painted import Painted
from leptontui.view.host_charts import ChartChoice, Limit, limit_of

LEAST_HISTORY = 8
"""Values the forecaster wants before it says anything."""
_ROLES = {
    "util_pct": "series-1",
    "temp_c": "series-2",
    "memory_used_bytes": "series-3",
    "power_w": "series-4",
    "clock_sm_mhz": "series-5",
    "cpu_util_pct": "series-1",
}
_OTHER_ROLE = "series-6"


class HostChart(Painted):
    """One series, large."""

    def __init__(self) -> None:
        super().__init__(id="host-chart")
        self._choice: ChartChoice | None = None
        self._series: Series | None = None
        self._forecast: Forecast | None = None
        self._forecaster = ForecasterStatus()
        self._now_unix_s = 0.0
        self._position = ""
        self._is_fresh = True

    def show(
        self,
        choice: ChartChoice | None,
        series: Series | None,
        forecast: Forecast | None,
        forecaster: ForecasterStatus,
        *,
        now_unix_s: float,
        position: str,
        is_fresh: bool,
    ) -> None:
        """Chart a series.

        Args:
            choice: which; None if the host has nothing to chart.
            series: its history; None while it has not come.
            forecast: None if there is none.
            forecaster: says why there is none.
            now_unix_s: where the past ends.
            position: which of how many charts this is, e.g. "1/9".
            is_fresh: whether the host's values are.
        """
        self._choice, self._series, self._forecast, self._forecaster = choice, series, forecast, forecaster
        self._now_unix_s, self._position, self._is_fresh = now_unix_s, position, is_fresh
        self.repaint()

    def paint(self, width: int, palette: Palette) -> list[Line]:
        """The caption, then the chart in all the rows there are."""
        ink = Ink(palette, is_fresh=self._is_fresh)
        choice = self._choice
        if choice is None:
            return [ink.line().add(" nothing of this host has been charted yet", "dim").fit(width)]
        scale = _scale(choice, self._series, self._forecast)
        limit = limit_of(choice, self._forecast)
        threshold = None if limit is None else Threshold(limit.value, f"{limit.name} {amount(limit.value, scale)}")
        body = chart(
            self._series,
            self._forecast,
            width=width - 1,
            height=max(0, self.size.height - 1),
            scale=scale,
            now_unix_s=self._now_unix_s,
            styles=chart_styles(palette, _ROLES.get(choice.metric.name, _OTHER_ROLE), is_fresh=self._is_fresh),
            threshold=threshold,
        )
        return [self._caption(ink, choice, scale, limit, width), *body]

    def _caption(self, ink: Ink, choice: ChartChoice, scale: Scale, limit: Limit | None, width: int) -> Line:
        left = ink.line().add(f" {choice.title}", "text", is_bold=True)
        left.add("  ").add(amount(choice.value, scale), _ROLES.get(choice.metric.name, _OTHER_ROLE), is_bold=True)
        if choice.capacity and choice.value is not None:
            left.add(f"  {numbers.percent(100 * choice.value / choice.capacity)} %", "dim")
        left.add("   ").draw(_prediction(ink, self._forecast, limit, scale, self._now_unix_s).segments)
        if self._forecast is not None:
            words: tuple[str, ...] = (f"forecast: {self._forecast.model}", self._forecast.model)
        else:
            has_value = choice.value is not None
            words = (why_no_forecast(self._series, self._forecaster, is_fresh=self._is_fresh, has_value=has_value),)
        tail = f"   m {self._position} " if self._position else " "
        for text in (*words, ""):
            right = ink.line().add("   " if text else "").add(text, "dim").add(tail, "dim")
            if left.width + right.width <= width:
                break
        return spread(left, right, width)


def _scale(choice: ChartChoice, series: Series | None, forecast: Forecast | None) -> Scale:
    values = [value for value in series.values if value is not None] if series is not None else []
    values += forecast.mean if forecast is not None else ()
    capacity = choice.capacity if choice.metric.entity is not Entity.HOST or choice.capacity else None
    return scale_of(choice.metric, peak=max(values, default=choice.value), capacity=capacity)


def amount(value: float | None, scale: Scale) -> str:
    """A value in the scale's unit with the unit: "87 °C", "74.2 GiB"."""
    if value is None:
        return numbers.NULL
    text = numbers.three(value / scale.divisor).removesuffix(".0")
    return f"{text} {scale.unit}".rstrip()


def _prediction(ink: Ink, forecast: Forecast | None, limit: Limit | None, scale: Scale, now_unix_s: float) -> Pen:
    """When the limit will be reached, always as an interval; nothing if none is foreseen."""
    pen = ink.line()
    eta = forecast.eta if forecast is not None else None
    if eta is None or limit is None:
        return pen
    earliest, what = minutes(eta.earliest_unix_s - now_unix_s), amount(limit.value, scale)
    if eta.expected_unix_s is None:
        words = f"◆ may reach {what} from {clock_text(eta.earliest_unix_s)}, in {earliest} min (80 % band)"
        return pen.add(words, "predicted")
    latest = minutes(eta.latest_unix_s - now_unix_s) if eta.latest_unix_s is not None else "later"
    expected = minutes(eta.expected_unix_s - now_unix_s)
    return pen.add(f"◆ {what} in {expected} min ({earliest}–{latest})", "predicted", is_bold=True)


def minutes(seconds: float) -> str:
    """Whole minutes from now, at least "0"."""
    return str(max(0, round(seconds / 60)))


def why_no_forecast(series: Series | None, forecaster: ForecasterStatus, *, is_fresh: bool, has_value: bool) -> str:
    """Why there is no forecast, in words."""
    if forecaster.state is ForecasterState.OFF:
        return f"forecasts: off{f' ({forecaster.reason})' if forecaster.reason else ''}"
    if forecaster.state is ForecasterState.DIED:
        return f"forecaster died{f' ({forecaster.reason})' if forecaster.reason else ''}, restarting"
    if not is_fresh or not has_value:
        return f"no forecast: {'it has no value now' if is_fresh else 'nothing fresh is known'}"
    known = [value for value in series.values if value is not None] if series is not None else []
    step_s = series.step_s if series is not None else 10.0
    if len(known) < LEAST_HISTORY:
        return f"no forecast: needs {LEAST_HISTORY * step_s:.0f} s of history, has {len(known) * step_s:.0f} s"
    if forecaster.state is ForecasterState.STARTING:
        return "forecasts: starting"
    return "forecast: under way"


def chart_styles(palette: Palette, series_role: str, *, is_fresh: bool) -> ChartStyles:
    """A chart's colours by the palette; what is not fresh is dim. Lines leave the background that lies there."""

    def line(role: str, *, is_bold: bool = False) -> Style:
        return Style(color=palette.colour(role), bold=is_bold)

    def grain(fill: str, towards: str) -> Style:
        """A fill whose shade is hardly lighter: cells that hold a line or an edge show the fill alone."""
        ground = Color.parse(palette.colour(fill))
        return Style(color=ground.blend(Color.parse(palette.colour(towards)), 0.2).hex6, bgcolor=ground.hex6)

    return ChartStyles(
        series=line(series_role if is_fresh else "dim"),
        forecast=line("forecast" if is_fresh else "dim", is_bold=True),
        band80=grain("band80", "forecast"),
        band95=grain("band95", "band80"),
        threshold=line("threshold"),
        eta=line("predicted", is_bold=True),
        axis=palette.style("rule"),
        label=line("dim"),
        now=line("dim"),
    )
