"""What forecasts learn: over real pipes, across a worker's death, and from one run of the program to the next."""

import asyncio
import io
import logging
import os
import random
import signal
import stat
from array import array

import msgspec
import pytest

from leptontui.forecast import forecaster as module
from leptontui.forecast.forecaster import Forecaster
from leptontui.forecast.kept import MAGIC, KeptLearning
from leptontui.forecast.protocol import PREFIX, Answer, Batch, Task, Told, framed
from leptontui.forecast.request import ForecastRequest
from leptontui.forecast.worker import serve
from leptontui.model.series import Entity, ForecasterState, SeriesKey

LIMIT_S = 60.0
STEP_S = 10.0


class Noise:
    """A series that wanders about 50: what comes is not known, how far off it will be is."""

    def __init__(self, seed):
        rng = random.Random(seed)
        level, self.values = 50.0, array("f")
        for _ in range(400):
            level += 0.2 * (50.0 - level) + rng.gauss(0.0, 1.0)
            self.values.append(level)

    def request(self, upto, host):
        key = SeriesKey(host, Entity.GPU, "G0", "util_pct")
        past = self.values[:upto].tobytes()
        return ForecastRequest(key, past, upto * STEP_S, STEP_S, 0.0, 100.0, None, steps=20)


async def until(forecaster, state):
    async with asyncio.timeout(LIMIT_S):
        while forecaster.status.state is not state:  # noqa: ASYNC110 — a status is polled by its readers too
            await asyncio.sleep(0.01)


async def started(**options):
    forecaster = Forecaster(**options)
    forecaster.start()
    await until(forecaster, ForecasterState.READY)
    return forecaster


async def lived(forecaster, steps=range(60, 200, 5)):
    """Forecast two series as they go on; returns what was said last."""
    kinds = [(Noise(1), "a"), (Noise(2), "b")]
    made = []
    for upto in steps:
        made = await forecaster.forecast([noise.request(upto, host) for noise, host in kinds])
    return made


@pytest.fixture
def eager(monkeypatch):
    """Everything that was learned is asked for and written at once."""
    monkeypatch.setattr(module, "FIRST_PAUSE_S", 0.05)
    monkeypatch.setattr(module, "LEARNED_EVERY_S", 0.0)
    monkeypatch.setattr(module, "WRITTEN_EVERY_S", 0.0)


async def test_every_forecast_is_scored_once_its_time_has_come():
    forecaster = await started()
    try:
        (first, _) = await lived(forecaster, steps=[60])
        assert first.track is None, "nothing has come of it yet"
        (last, _) = await lived(forecaster)
        assert last.track is not None
        assert last.track.scored >= 20
        assert last.track.steps in {15, 20}
        assert 0.5 < last.track.coverage80 <= 1.0
        assert last.track.coverage80 <= last.track.coverage95 <= 1.0
        assert 0.3 < last.track.relative_error < 1.2
    finally:
        await forecaster.close()


async def test_a_worker_that_dies_takes_nothing_learned_with_it(eager):
    forecaster = await started()
    try:
        before = (await lived(forecaster))[0].track
        os.kill(forecaster.pid, signal.SIGKILL)
        await until(forecaster, ForecasterState.DIED)
        await until(forecaster, ForecasterState.READY)
        (after, _) = await forecaster.forecast([Noise(1).request(200, "a"), Noise(2).request(200, "b")])
        assert after.track is not None
        assert after.track.scored >= 0.9 * before.scored
        assert forecaster.status.restarts == 1
    finally:
        await forecaster.close()


async def test_what_was_learned_is_kept_from_one_run_to_the_next(tmp_path):
    kept = KeptLearning(tmp_path / "state" / "forecasts.state")
    forecaster = await started(kept=kept)
    before = (await lived(forecaster))[0].track
    await forecaster.close()
    assert stat.S_IMODE(kept.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.path.parent.stat().st_mode) == 0o700
    again = await started(kept=kept)
    try:
        (made,) = await again.forecast([Noise(1).request(100, "other")])
        assert made.track is not None
        assert made.track.scored >= before.scored
        assert again.status.learned == ""
    finally:
        await again.close()
    assert [path.name for path in kept.path.parent.iterdir()] == ["forecasts.state"]


async def test_it_is_written_now_and_then_not_only_at_the_end(tmp_path, eager):
    kept = KeptLearning(tmp_path / "forecasts.state")
    forecaster = await started(kept=kept)
    try:
        await lived(forecaster, steps=[60])
        assert kept.read()
    finally:
        forecaster._kept = None
        await forecaster.close()


@pytest.mark.parametrize(
    "learned",
    [b"nonsense", b"\x92\xa1x\x80", b"\xc1" * 100, b"\x91" * 100_000],
    ids=["words", "another shape", "no msgpack", "nested too deeply"],  # pytest puts an id into the environment
)
async def test_learning_that_a_worker_does_not_understand_starts_anew_and_says_so(tmp_path, learned, caplog):
    kept = KeptLearning(tmp_path / "forecasts.state")
    kept.write(learned)
    forecaster = await started(kept=kept)
    try:
        assert "learn anew" in forecaster.status.learned
        assert "learn anew" in caplog.text
        assert len(await lived(forecaster, steps=[60])) == 2
    finally:
        await forecaster.close()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda written: written[:-1],
        lambda written: written[:60] + b"!" + written[61:],
        lambda written: b"",
        lambda written: b"leptontui forecasts 0\n" + written[len(MAGIC) :],
        lambda written: b"\0" * 200,
    ],
)
def test_a_damaged_or_old_file_is_not_used(tmp_path, spoil, caplog):
    caplog.set_level(logging.WARNING)
    kept = KeptLearning(tmp_path / "forecasts.state")
    kept.write(b"what was learned " * 10)
    assert kept.read() == b"what was learned " * 10
    kept.path.write_bytes(spoil(kept.path.read_bytes()))
    assert kept.read() == b""
    assert "learn anew" in caplog.text


def test_a_file_that_is_no_file_of_ours_is_neither_followed_nor_fatal(tmp_path, caplog):
    target = tmp_path / "precious"
    target.write_text("precious")
    link = tmp_path / "forecasts.state"
    link.symlink_to(target)
    kept = KeptLearning(link)
    assert kept.read() == b""
    kept.write(b"x")
    assert target.read_text() == "precious"
    folder = KeptLearning(tmp_path)
    assert folder.read() == b""
    folder.write(b"x")
    assert "not kept" in caplog.text
    nowhere = KeptLearning(tmp_path / "precious" / "x")
    nowhere.write(b"x")
    assert nowhere.read() == b""


def test_a_series_whose_forecast_breaks_ends_no_other(capfd):
    """What a host says may be as odd as it likes."""

    class Brittle:
        failed = 0

        def answer(self, task):
            if task.key == "odd":
                raise ZeroDivisionError("\x1b[31modd")
            return Told(b"", "", "", None, None, None, 0)

        def forget(self, before_unix_s):
            raise AssertionError

        def learned(self):
            return b""

    tasks = tuple(Task(key, key, b"", 0.0, 10.0, None, None, None, False, 1) for key in ("well", "odd", "well"))
    sent = io.BytesIO()
    serve(io.BytesIO(framed(Batch(7, tasks))), sent, Brittle())
    answer = msgspec.msgpack.decode(sent.getvalue()[PREFIX.size :], type=Answer)
    assert [told is not None for told in answer.told] == [True, False, True]
    assert answer.failed == 1
    said = capfd.readouterr().err
    assert "odd" in said
    assert "\x1b" not in said
