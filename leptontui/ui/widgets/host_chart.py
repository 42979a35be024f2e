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
from leptontui.render.forecast_words import anew_words, forecaster_words, model_words, track_words
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
_ROWS_FOR_TRUST = 10
"""With fewer rows the chart needs them all, and what made the forecast is said in the caption."""
_MOST_MINUTES = 90


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
        captions = [self._caption(ink, choice, scale, limit, width)]
        if self.size.height >= _ROWS_FOR_TRUST:
            captions.append(self._trust(ink, choice, width))
        body = chart(
            self._series,
            self._forecast,
            width=width - 1,
            height=max(0, self.size.height - len(captions)),
            scale=scale,
            now_unix_s=self._now_unix_s,
            styles=chart_styles(palette, _ROLES.get(choice.metric.name, _OTHER_ROLE), is_fresh=self._is_fresh),
            threshold=threshold,
        )
        return [*captions, *body]

    def _caption(self, ink: Ink, choice: ChartChoice, scale: Scale, limit: Limit | None, width: int) -> Line:
        left = ink.line().add(f" {choice.title}", "text", is_bold=True)
        left.add("  ").add(amount(choice.value, scale), _ROLES.get(choice.metric.name, _OTHER_ROLE), is_bold=True)
        if choice.capacity and choice.value is not None:
            left.add(f"  {numbers.percent(100 * choice.value / choice.capacity)} %", "dim")
        left.add("   ").draw(_prediction(ink, self._forecast, limit, scale, self._now_unix_s).segments)
        has_row = self.size.height >= _ROWS_FOR_TRUST
        words = () if has_row else self._made_by(choice)
        tail = f"   m {self._position} " if self._position else " "
        for text in (*words, ""):
            right = ink.line().add("   " if text else "").add(text, "dim").add(tail, "dim")
            if left.width + right.width <= width:
                break
        return spread(left, right, width)

    def _made_by(self, choice: ChartChoice) -> tuple[str, ...]:
        """What made the forecast, or why there is none; the longest way to say it first."""
        if self._forecast is not None:
            return (model_words(self._forecast), self._forecast.model)
        has_value = choice.value is not None
        return (why_no_forecast(self._series, self._forecaster, is_fresh=self._is_fresh, has_value=has_value),)

    def _trust(self, ink: Ink, choice: ChartChoice, width: int) -> Line:
        """What made the forecast, and how far it can be trusted; what there is no room for is left out."""
        forecast = self._forecast
        made_by = self._made_by(choice)[0]
        if forecast is None:
            return spread(ink.line().add(f" {made_by}", "dim"), ink.line(), width)
        anew, tracks = anew_words(forecast, self._series), track_words(forecast.track)
        cost = forecaster_words(self._forecaster)
        for middle, track in [(cost, tracks[0]), *(("", track) for track in tracks), ("", "")]:
            left = ink.line().add(f" {made_by}", "dim")
            left.add(f"   {anew}" if anew else "", "warning").add(f"   {middle}" if middle else "", "dim")
            right = ink.line().add(f"   {track} " if track else "", "text" if forecast.track else "dim")
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
    what, waits = amount(limit.value, scale), (eta.expected_unix_s or eta.earliest_unix_s) - now_unix_s
    if eta.expected_unix_s is None:
        when = f"in {wait(eta.earliest_unix_s - now_unix_s, waits)} {wait_unit(waits)}"
        words = f"◆ may reach {what} from {clock_text(eta.earliest_unix_s)}, {when} (80 % band)"
        return pen.add(words, "predicted")
    earliest, expected = (wait(at - now_unix_s, waits) for at in (eta.earliest_unix_s, eta.expected_unix_s))
    latest = wait(eta.latest_unix_s - now_unix_s, waits) if eta.latest_unix_s is not None else "later"
    return pen.add(f"◆ {what} in {expected} {wait_unit(waits)} ({earliest}–{latest})", "predicted", is_bold=True)


def wait_unit(seconds: float) -> str:
    """The unit that a wait is told in: "min" up to an hour and a half, then "h"."""
    return "min" if seconds <= _MOST_MINUTES * 60 else "h"


def wait(seconds: float, whole_s: float) -> str:
    """A wait in the unit of the whole one, at least "0": whole minutes, hours with a decimal."""
    if wait_unit(whole_s) == "min":
        return str(max(0, round(seconds / 60)))
    return f"{max(0.0, seconds / 3600):.1f}"


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
