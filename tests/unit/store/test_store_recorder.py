"""Recordings: what the store holds comes back as tidy rows; parts are whole, private and bounded."""

import stat

import polars as pl
import pytest

from leptontui.engine.recording import RecordingTask
from leptontui.errors import LeptonError
from leptontui.store.recorder import PART_S, SETTLED_S, Recording, Slicer
from leptontui.store.store import Store
from leptontui.store.windows import SCHEMA
from leptontui.wire import Filesystem, GpuReading, Memory, Received, Sample, Sweep

T0 = 1_760_000_000.0


def say(store, at, host="a", temp=60.0, **sections):
    sweep = Sweep(
        1,
        0,
        at,
        at - T0 + 9e6,
        gpus=(GpuReading("G0", temp_c=temp),),
        filesystems=(Filesystem("/scratch", total_bytes=1000, used_bytes=400),),
        memory=Memory(total_bytes=1000, used_bytes=300),
        **sections,
    )
    store.append([Received(host, sweep, at, at - T0 + 9e6)])


def watched(seconds, hosts="ab"):
    """A store and a slicer that was there from the beginning."""
    store = Store(1.0)
    slicer = Slicer(store, T0)
    for second in range(seconds):
        for host in hosts:
            say(store, T0 + second, host, temp=60.0 + second // 10, samples=(Sample("vllm", "waiting", 3.0),))
    return store, slicer


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_what_the_store_holds_comes_back_as_tidy_rows(tmp_path):
    _, slicer = watched(200)
    recording = Recording(tmp_path / "r")
    recording.write(slicer.cut(T0 + 200))
    frame = pl.read_parquet(recording.parts / "*.parquet")
    assert frame.schema == SCHEMA
    temps = frame.filter(series="a/gpu/G0", metric="temp_c").sort("ts")
    assert temps["ts"].to_list() == [T0 + 10.0 * (n + 1) for n in range(18)], "a bucket is told by its end"
    assert temps["value"].to_list() == [60.0 + n for n in range(18)]
    assert set(frame["series"]) == {
        f"{host}{rest}" for host in "ab" for rest in ("", "/gpu/G0", "/filesystem//scratch", "/sample/vllm/waiting")
    }
    memory = frame.filter(series="b", metric="memory_used_bytes").row(0, named=True)
    assert (memory["host"], memory["entity"], memory["instance"], memory["value"]) == ("b", "host", "", 300.0)
    assert frame.filter(series="b/filesystem//scratch")["instance"].unique().to_list() == ["/scratch"]
    assert frame["value"].is_not_null().all()


def test_every_bucket_is_recorded_once_and_only_when_it_has_settled():
    store, slicer = watched(60)
    first = slicer.cut(T0 + 60)
    assert first.end_unix_s == T0 + 60 - SETTLED_S
    assert slicer.cut(T0 + 60) is None
    say(store, T0 + 70)
    second = slicer.cut(T0 + 70 + SETTLED_S)
    assert second.windows[0].end_unix_s[0] == first.end_unix_s + 10.0
    assert slicer.cut(T0 + 100, is_last=True).end_unix_s == T0 + 100
    assert not slicer.due(T0 + 100)
    assert slicer.due(T0 + 100 + PART_S + SETTLED_S)
    assert slicer.due(T0 - 7200), "the clock was set back"
    assert slicer.cut(T0 - 7200) is None
    assert not slicer.due(T0 - 7200 + SETTLED_S)


def test_hosts_that_were_forgotten_leave_no_rows_of_others(tmp_path):
    store, slicer = watched(60)
    store.forget({"a"})
    say(store, T0 + 60, "c")
    recording = Recording(tmp_path / "r")
    recording.write(slicer.cut(T0 + 200))
    frame = pl.read_parquet(recording.parts / "*.parquet")
    assert set(frame["host"]) == {"b", "c"}
    assert set(frame.filter(host="c")["ts"]) == {T0 + 70}


def test_parts_are_private_and_a_file_is_joined_from_them(tmp_path):
    store, slicer = watched(60)
    recording = Recording(tmp_path / "r.parquet")
    recording.write(slicer.cut(T0 + 60))
    say(store, T0 + 100)
    recording.write(slicer.cut(T0 + 100, is_last=True))
    parts = list(recording.parts.iterdir())
    assert len(parts) == 2
    assert {mode(part) for part in parts} == {0o600}
    assert mode(recording.parts) == 0o700
    separately = pl.concat(pl.read_parquet(part) for part in sorted(parts))
    said = recording.close()
    assert f"{len(separately):,} values" in said
    assert mode(recording.path) == 0o600
    assert pl.read_parquet(recording.path).equals(separately)
    assert [path.name for path in tmp_path.iterdir()] == ["r.parquet"]
    with pytest.raises(LeptonError, match="there already"):
        Recording(recording.path)


def test_a_file_that_somebody_made_meanwhile_is_left_as_it_is(tmp_path):
    _, slicer = watched(60)
    recording = Recording(tmp_path / "r.parquet")
    recording.write(slicer.cut(T0 + 60, is_last=True))
    recording.path.write_text("mine")
    assert "made by somebody else" in recording.close()
    assert recording.path.read_text() == "mine"
    assert len(list(recording.parts.iterdir())) == 1


def test_a_kill_leaves_the_parts_that_are_whole(tmp_path):
    _, slicer = watched(60)
    recording = Recording(tmp_path / "r.parquet")
    recording.write(slicer.cut(T0 + 60))
    (recording.parts / ".part-17.parquet.4711").write_bytes(b"PAR1 half a part")
    assert len(pl.read_parquet(recording.parts / "*.parquet"))


def test_a_folder_may_be_recorded_into_again(tmp_path):
    for _ in range(2):
        _, slicer = watched(60)
        recording = Recording(tmp_path / "r")
        recording.write(slicer.cut(T0 + 60))
        assert "recorded in" in recording.close()
    assert len(list((tmp_path / "r").glob("*.parquet"))) == 1


def test_the_oldest_parts_make_room(tmp_path):
    store, slicer = watched(30)
    recording = Recording(tmp_path / "r", most_bytes=1)
    for minute in range(1, 4):
        say(store, T0 + 60 * minute)
        recording.write(slicer.cut(T0 + 60 * minute + 30))
    (kept,) = recording.parts.glob("*.parquet")
    assert pl.read_parquet(kept)["ts"].min() > T0 + 170


def test_nothing_recorded_is_said_and_leaves_nothing(tmp_path):
    recording = Recording(tmp_path / "r.parquet")
    assert recording.write(Slicer(Store(1.0), T0).cut(T0 + 100)) == 0
    assert "nothing was recorded" in recording.close()
    assert not list(tmp_path.iterdir())


def test_where_nothing_can_be_written_that_is_said_at_once(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(LeptonError, match="nothing can be recorded"):
        Recording(tmp_path / "file" / "r")


async def test_a_part_that_cannot_be_written_is_told_and_recording_goes_on(tmp_path):
    store, _ = watched(1)
    said = {}
    recording = Recording(tmp_path / "r")
    now = [T0]
    task = RecordingTask(store, recording, lambda source, text: said.update({source: text}), lambda: now[0])
    say(store, T0 + 15)
    recording.parts.rename(tmp_path / "away")
    now[0] = T0 + 60
    await task.write()
    assert "has a hole" in said["recording"]
    (tmp_path / "away").rename(recording.parts)
    say(store, T0 + 75)
    now[0] = T0 + 120
    await task.write()
    assert said["recording"] is None
    assert pl.read_parquet(recording.parts / "*.parquet")["ts"].unique().to_list() == [T0 + 80]
