"""What the host screen says of a forecast: what made it, how far to trust it, why it starts anew, what hours bring."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fleets import GIB, T0, chart_of, forecast_of, gpu_key
from stage import HOST, HOT, host_fleet
from test_host_screen import Shown

from leptontui.model.series import (
    Entity,
    Eta,
    ForecasterState,
    ForecasterStatus,
    ForecastReach,
    ForecastTrack,
    SeriesKey,
)
from leptontui.render.header import header

KEY = gpu_key(HOST, HOT, "temp_c")
TRACK = ForecastTrack(90, 1204, 0.79, 0.94, 0.83)


def forecast(**over):
    """GPU 6's forecast with some fields replaced."""
    snapshot = host_fleet()
    return replace(snapshot, forecasts={KEY: replace(snapshot.forecasts[KEY], **over)})


async def text_of(snapshot, size=(160, 50), *keys):
    shown = Shown(snapshot)
    async with shown.app.run_test(size=size) as pilot:
        await shown.show(pilot)
        for key in keys:
            await pilot.press(key)
            await pilot.pause()
        return shown.text


@pytest.mark.parametrize(
    ("over", "words"),
    [
        ({"track": TRACK}, "so far: 80 % band held 79 %, error ×0.83 of naive (1.2k scored)"),
        ({"track": TRACK}, "forecast: damped ETS 61 %, Theta 39 %"),
        ({"track": None}, "not scored yet"),
        ({"track": replace(TRACK, scored=12)}, "only 12 scored yet"),
        ({"track": replace(TRACK, relative_error=None)}, "80 % band held 79 % (1.2k scored)"),
        ({"fallback": "constant", "model": "constant"}, "forecast without a model: it is constant"),
        ({"fallback": "too short", "model": "last value"}, "forecast without a model: its past is too short"),
        ({"fallback": "binary", "model": "median 100 %"}, "forecast without a model: it has two values only"),
        ({"is_cut": True, "past_s": 180.0}, "level shift 3 min ago: starts anew"),
        ({"is_cut": True, "past_s": 40.0}, "level shift 40 s ago: starts anew"),
    ],
)
async def test_it_says_what_made_it_and_how_far_to_trust_it(over, words):
    assert words in await text_of(forecast(**over))


@pytest.mark.parametrize("over", [{"is_cut": False, "past_s": 180.0}, {"is_cut": True, "past_s": 7200.0}])
async def test_a_long_or_whole_past_is_not_remarked_on(over):
    assert "starts anew" not in await text_of(forecast(**over))


async def test_a_gap_is_told_from_a_level_shift():
    snapshot = forecast(is_cut=True, past_s=300.0)
    series = snapshot.charts[KEY]
    values = tuple(
        None if T0 - 400 < t <= T0 - 300 else value for t, value in zip(series.t_unix_s, series.values, strict=True)
    )
    text = await text_of(replace(snapshot, charts={KEY: replace(series, values=values)}))
    assert "gap 5 min ago: starts anew" in text


async def test_on_a_narrow_screen_the_trust_is_said_shorter_and_never_cut():
    text = await text_of(forecast(track=TRACK), (80, 40))
    assert "80 % held 79 %, error ×0.83" in text
    assert "forecast: damped ETS 61 %, Theta 39 %" in text
    assert "so far" not in text


async def test_what_forecasting_costs_and_where_no_model_was_used_is_counted():
    status = ForecasterStatus(
        ForecasterState.READY,
        made=9000,
        failed=3,
        ms_per_series=1.93,
        fallbacks=(("constant", 8210), ("too short", 40)),
    )
    snapshot = replace(forecast(track=TRACK), forecaster=status)
    text = await text_of(snapshot, (200, 50))
    assert "1.93 ms a series; no model: constant 8.2k, too short 40, failed 3" in text


async def test_the_header_says_how_much_of_the_fleet_is_forecast():
    reach = ForecastReach(series=1000, fresh=964, oldest_s=190.0, budget_share=0.1, spent_share=0.09)
    status = ForecasterStatus(ForecasterState.BUSY, reach=reach)
    shown = Shown(replace(host_fleet(), forecaster=status))
    async with shown.app.run_test(size=(200, 50)) as pilot:
        await shown.show(pilot)
        said = "".join(piece.text for piece in header(shown.screen.header_facts("x"), 200))
    assert "forecast 96 %, oldest 3 m" in said


def filling(hours_left: float | None = 3.2):
    """gpu-023 whose /scratch fills up within hours."""
    disk = SeriesKey(HOST, Entity.FILESYSTEM, "/scratch", "used_bytes")
    values = [(25_000 + 5 * minute) * GIB for minute in range(180)]
    eta = None if hours_left is None else Eta(26_600.0 * GIB, T0 + 3600 * hours_left, T0 + 9000, T0 + 13_000)
    outlook = replace(
        forecast_of(disk, lambda i: (25_900 + 4 * i) * GIB, spread=8 * GIB, eta=eta), step_s=60.0, track=TRACK
    )
    snapshot = host_fleet()
    series = chart_of(disk, values, step_s=60.0)
    return replace(snapshot, outlooks={disk: outlook}, long_charts={disk: series}), disk


async def test_a_disk_that_fills_up_is_charted_by_the_hour():
    snapshot, disk = filling()
    shown = Shown(snapshot)
    async with shown.app.run_test(size=(140, 50)) as pilot:
        await shown.show(pilot)
        while shown.screen.choice.key != disk:
            await pilot.press("m")
        await pilot.pause()
        assert "in 3.2 h (2.5–3.6)" in shown.text
        assert "forecast 2 h ahead: damped ETS" in shown.text


async def test_memory_is_charted_by_the_hour_only_where_the_limit_is_hours_away():
    snapshot, _ = filling()
    memory = SeriesKey(HOST, Entity.HOST, "", "memory_used_bytes")
    near = forecast_of(memory, lambda _: 900.0 * GIB, spread=GIB)
    far = replace(forecast_of(memory, lambda i: (900 + i) * GIB, spread=GIB), step_s=60.0)
    eta = Eta(1900.0 * GIB, T0 + 9000, T0 + 8000, None)
    history = chart_of(memory, [900.0 * GIB] * 100)
    shown = Shown(
        replace(
            snapshot,
            forecasts={memory: near},
            outlooks={memory: far},
            charts={memory: history},
            long_charts={memory: replace(history, step_s=60.0)},
        )
    )
    async with shown.app.run_test(size=(140, 50)) as pilot:
        await shown.show(pilot)
        while shown.screen.choice.key != memory:
            await pilot.press("m")
        await pilot.pause()
        assert "h ahead" not in shown.text
        await shown.show(pilot, replace(shown.snapshot, outlooks={memory: replace(far, eta=eta)}))
        assert "forecast 2 h ahead" in shown.text
        assert "in 2.5 h (2.2–later)" in shown.text


@pytest.mark.parametrize("size", [(120, 40)], ids=lambda size: f"{size[0]}x{size[1]}")
def test_a_filling_disk_looks_as_it_did(snap_compare, size):
    snapshot, disk = filling()
    shown = Shown(snapshot)

    async def before(pilot):
        await shown.show(pilot)
        while shown.screen.choice.key != disk:
            await pilot.press("m")
        await pilot.pause()

    assert snap_compare(shown.app, terminal_size=size, run_before=before)
