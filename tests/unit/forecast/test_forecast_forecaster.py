"""The forecaster: a worker that answers, dies, hangs and comes back; and a parent that stays light."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from dataclasses import replace

import pytest

from leptontui.errors import ForecastError
from leptontui.forecast import forecaster as module
from leptontui.forecast.forecaster import Forecaster
from leptontui.forecast.request import ForecastRequest
from leptontui.model.series import Entity, ForecasterState, Series, SeriesKey

LIMIT_S = 60.0


def request(values, *, threshold=None, steps=20, lower=0.0, upper=100.0, host="a"):
    key = SeriesKey(host, Entity.GPU, "G0", "util_pct")
    times = tuple(10.0 * (number + 1) for number in range(len(values)))
    return ForecastRequest.of(Series(key, times, tuple(values), 10.0), lower, upper, threshold, steps=steps)


def ramp(n=60, slope=1.0):
    return [20.0 + slope * number + (0.4 if number % 2 else -0.4) for number in range(n)]


async def until(forecaster, *states):
    async with asyncio.timeout(LIMIT_S):
        while forecaster.status.state not in states:  # noqa: ASYNC110 — a status is polled by its readers too
            await asyncio.sleep(0.01)


def has_ended(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.fixture
async def ready(monkeypatch):
    monkeypatch.setattr(module, "FIRST_PAUSE_S", 0.05)
    forecaster = Forecaster()
    forecaster.start()
    assert forecaster.status.state is ForecasterState.STARTING
    await until(forecaster, ForecasterState.READY)
    yield forecaster
    await forecaster.close()


async def test_a_batch_is_forecast_and_counted(ready):
    rising, constant = request(ramp(), threshold=85.0), request([7.0] * 30, host="b")
    silent, short = request([None] * 30, host="c"), request([1.0, 2.0], host="d")
    made = await ready.forecast([rising, silent, constant, short])
    assert [found.key for found in made] == [rising.key, constant.key, short.key]
    assert [found.fallback for found in made] == ["", "constant", "too short"]
    first = made[0].forecast()
    assert (first.origin_unix_s, first.step_s, len(first.mean)) == (600.0, 10.0, 20)
    assert first.eta.threshold == 85.0
    assert 600.0 < first.eta.earliest_unix_s < 800.0
    assert (first.past_s, first.is_cut, first.track) == (600.0, False, None)
    assert made[1].eta is None
    status = ready.status
    assert (status.state, status.made, status.failed, status.restarts) == (ForecasterState.READY, 3, 0, 0)
    assert dict(status.fallbacks) == {"constant": 1, "too short": 1, "nothing known": 1}
    assert status.ms_per_series > 0
    assert 0 < ready.seconds < 60
    assert await ready.forecast([]) == []


async def test_of_the_fleet_only_some_horizons_are_told(ready):
    whole, (some,) = (
        await ready.forecast([request(ramp())]),
        await ready.forecast([replace(request(ramp(), host="b"), told=(1, 20))]),
    )
    assert (some.at(1), some.at(20)) == (whole[0].at(1), whole[0].at(20))
    assert some.at(2) is None
    assert len(some.edges) == 10
    with pytest.raises(ValueError, match="only some"):
        some.forecast()


async def test_the_origin_is_the_last_bucket_whether_seen_or_not(ready):
    (made,) = await ready.forecast([request([*ramp(), None, None])])
    assert made.forecast().origin_unix_s == 620.0
    assert made.last == pytest.approx(79.4)


async def test_batches_wait_for_their_turn(ready):
    made = await asyncio.gather(*(ready.forecast([request(ramp(), host=name)]) for name in "abc"))
    assert [found[0].key.host for found in made] == ["a", "b", "c"]


async def test_a_killed_worker_is_started_again(ready):
    first = ready.pid
    os.kill(first, signal.SIGKILL)
    await until(ready, ForecasterState.DIED)
    assert "signal 9" in ready.status.reason
    with pytest.raises(ForecastError):
        await ready.forecast([request(ramp())])
    await until(ready, ForecasterState.READY)
    assert ready.pid != first
    assert ready.status.restarts == 1
    assert len(await ready.forecast([request(ramp())])) == 1


async def test_a_worker_killed_at_work_fails_the_batch(ready):
    os.kill(ready.pid, signal.SIGSTOP)
    batch = asyncio.create_task(ready.forecast([request(ramp())]))
    await until(ready, ForecasterState.BUSY)
    os.kill(ready.pid, signal.SIGKILL)
    with pytest.raises(ForecastError, match="died"):
        await batch
    assert ready.status.state is not ForecasterState.READY, "nobody may ask a worker that is lost"
    await until(ready, ForecasterState.READY)
    assert len(await ready.forecast([request(ramp())])) == 1


async def test_a_hung_worker_is_ended_and_started_again(ready):
    ready._time_limit_s = 0.1
    first = ready.pid
    os.kill(first, signal.SIGSTOP)
    with pytest.raises(ForecastError, match="hung"):
        await ready.forecast([request(ramp())])
    await until(ready, ForecasterState.DIED)
    assert "took longer" in ready.status.reason
    assert has_ended(first)
    ready._time_limit_s = LIMIT_S
    await until(ready, ForecasterState.READY)
    assert len(await ready.forecast([request(ramp())])) == 1


async def test_a_batch_given_up_does_not_spoil_the_next(ready):
    os.kill(ready.pid, signal.SIGSTOP)
    batch = asyncio.create_task(ready.forecast([request(ramp())]))
    await until(ready, ForecasterState.BUSY)
    batch.cancel()
    with pytest.raises(asyncio.CancelledError):
        await batch
    await until(ready, ForecasterState.DIED)
    await until(ready, ForecasterState.READY)
    (made,) = await ready.forecast([request(ramp(), host="next")])
    assert made.key.host == "next"


async def test_closing_leaves_no_process():
    forecaster = Forecaster()
    forecaster.start()
    await until(forecaster, ForecasterState.READY)
    pid = forecaster.pid
    await forecaster.close()
    assert has_ended(pid)
    assert forecaster.status.state is ForecasterState.OFF
    with pytest.raises(ForecastError):
        await forecaster.forecast([request(ramp())])
    await forecaster.close()


async def test_closing_while_starting_leaves_no_task():
    forecaster = Forecaster()
    forecaster.start()
    await asyncio.sleep(0)
    await forecaster.close()
    assert [task for task in asyncio.all_tasks() if "forecast" in task.get_name()] == []


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("raise SystemExit(3)", "status 3"),
        ("import sys; sys.stdout.write('what? ' * 9); sys.stdout.flush(); sys.stdin.read()", "answered"),
        ("import sys; sys.stdout.write('\\0\\0\\0\\1x'); sys.stdout.flush(); sys.stdin.read()", "no answer"),
    ],
)
async def test_a_worker_that_cannot_start_is_reported(script, reason):
    forecaster = Forecaster(command=[sys.executable, "-c", script])
    forecaster.start()
    await until(forecaster, ForecasterState.DIED)
    assert reason in forecaster.status.reason
    await forecaster.close()


async def test_a_missing_program_is_reported(tmp_path):
    forecaster = Forecaster(command=[str(tmp_path / "nothing")])
    forecaster.start()
    await until(forecaster, ForecasterState.DIED)
    assert "could not be started" in forecaster.status.reason
    await forecaster.close()


def test_the_worker_ends_with_its_parent():
    parent = textwrap.dedent(
        """
        import asyncio, os
        from leptontui.forecast.forecaster import Forecaster
        async def main():
            forecaster = Forecaster()
            forecaster.start()
            while forecaster.pid is None:
                await asyncio.sleep(0.01)
            print(forecaster.pid, flush=True)
            os._exit(0)
        asyncio.run(main())
        """
    )
    done = subprocess.run([sys.executable, "-c", parent], capture_output=True, text=True, timeout=LIMIT_S, check=True)
    pid = int(done.stdout)
    ended = subprocess.run(["tail", f"--pid={pid}", "-f", "/dev/null"], timeout=LIMIT_S, check=False)
    assert ended.returncode == 0


def test_the_parent_loads_nothing_heavy():
    script = (
        "import sys, leptontui.forecast.forecaster, leptontui.forecast.request\n"
        "heavy = {'numpy', 'pandas', 'scipy', 'statsforecast', 'statsmodels', 'polars', 'fugue'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=LIMIT_S, check=True)
    assert done.stdout.strip() == "[]"
