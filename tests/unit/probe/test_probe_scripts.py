"""Commands of the inventory as real children: good ones, hanging, forking, flooding, failing; nothing stays behind."""

import contextlib
import json
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leptontui import wire
from leptontui.probe import children, running, scripts
from leptontui.probe.gaps import Unreadable
from leptontui.probe.running import Run, Stopped, program_of
from leptontui.probe.scripts import Output, Script, ScriptReader, parse_plain

WAIT_S = 30.0
LONG_S = 25.0


@pytest.fixture
def script(tmp_path):
    """Writes a shell script; returns its path."""

    def write(text, name="script"):
        path = tmp_path / name
        path.write_text("#!/bin/sh\n" + text)
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return str(path)

    return write


def is_running(pid):
    """Whether `pid` runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_until(condition):
    until = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < until, "it has not come to pass"
        time.sleep(0.01)


def pids_in(path):
    """The process ids that a script has written to `path`, once it has."""
    wait_until(lambda: Path(path).exists() and Path(path).read_text().endswith("\n"))
    return [int(word) for word in Path(path).read_text().split()]


def output(command, timeout_s=LONG_S):
    return Run(command, timeout_s).output()


# One run


def test_what_it_prints_is_given(script):
    assert output([script('echo "a $1"'), "two words; $(reboot)"]) == b"a two words; $(reboot)\n"
    assert output(["echo", "a"]) == b"a\n"


def test_it_has_nothing_to_read_the_lowest_priority_and_c_locale(script):
    said = output([script('cat; nice; echo "$LC_ALL"; pwd')]).split(b"\n")
    assert said[:3] == [b"19", b"C", b"/"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("echo a; echo oops >&2; exit 3", "exit status 3: oops"),
        ("exit 1", "exit status 1"),
        ("kill -TERM $$", "signal 15"),
    ],
)
def test_one_that_fails_says_how(script, text, why):
    with pytest.raises(Stopped) as stopped:
        output([script(text)])
    assert str(stopped.value) == why


def test_one_that_is_not_there_or_may_not_be_run(tmp_path, script):
    with pytest.raises(Stopped, match="is not on this host"):
        Run(["no-such-command-anywhere"], LONG_S)
    (tmp_path / "plain").write_text("echo")
    with pytest.raises(Stopped, match="may not be run by this user"):
        Run([str(tmp_path / "plain")], LONG_S)
    for command in ([], [""], ["echo", "a\0b"]):
        with pytest.raises(Stopped, match="empty or has a NUL"):
            program_of(command)
    odd = Path(script("", "odd"))
    odd.write_text("#!/no/such/interpreter\n")
    with pytest.raises(Stopped, match=r"exit status 12[67]"):
        output([str(odd)])


def test_one_that_hangs_is_killed_with_all_it_started(script, tmp_path):
    text = (
        f'sleep 1000 & sh -c "sleep 1000; true" & echo $$ $! > {tmp_path}/pids; trap "" TERM INT HUP; wait; sleep 1000'
    )
    run = Run([script(text)], LONG_S)
    pids = pids_in(tmp_path / "pids")
    assert all(is_running(pid) for pid in pids)
    run._until = 0.0
    with pytest.raises(Stopped, match="killed: it took longer than 25 s"):
        run.output()
    wait_until(lambda: not any(is_running(pid) for pid in pids))


def test_a_grandchild_in_a_group_of_its_own_is_killed_too(script, tmp_path):
    grandchild = (
        f"import os, time; os.setpgid(0, 0); print(os.getpid(), file=open('{tmp_path}/pids', 'w')); time.sleep(1000)"
    )
    run = Run([script(f'{sys.executable} -c "{grandchild}" & wait')], LONG_S)
    pids = pids_in(tmp_path / "pids")
    run._until = 0.0
    with pytest.raises(Stopped):
        run.output()
    wait_until(lambda: not any(is_running(pid) for pid in pids))


def test_one_that_ends_and_leaves_a_child_with_its_pipe_is_not_waited_for(script, tmp_path):
    text = f"sleep 1000 & echo $! > {tmp_path}/pids; echo a 1"
    assert output([script(text)]) == b"a 1\n"
    wait_until(lambda: not any(is_running(pid) for pid in pids_in(tmp_path / "pids")))


def test_one_that_closes_its_output_and_goes_on_is_waited_for(script):
    assert output([script("echo a 1; exec >&- 2>&-; sleep 0.2")]) == b"a 1\n"


def test_a_flood_is_cut_and_its_source_killed(script, tmp_path):
    with pytest.raises(Stopped, match="killed: it printed more than 64 KiB"):
        output([script(f"echo $$ > {tmp_path}/pids; yes 'a 1'")])
    wait_until(lambda: not any(is_running(pid) for pid in pids_in(tmp_path / "pids")))


def test_a_flood_of_complaints_takes_no_memory_and_the_last_one_counts(script):
    with pytest.raises(Stopped, match="exit status 2: the last"):
        output([script("head -c 3000000 /dev/zero >&2; echo >&2; echo the last >&2; exit 2")])


def test_no_zombie_stays(script):
    run = Run([script("exit 0")], LONG_S)
    run.output()
    assert not Path(f"/proc/{run._process.pid}").exists()


def test_it_ends_with_the_probe_however_that_ends(script, tmp_path):
    path = script(f"sleep 1000 & echo $$ $! > {tmp_path}/pids; wait")
    program = f"from leptontui.probe.running import Run\nRun(['{path}'], 900.0).output()"
    probe = subprocess.Popen([sys.executable, "-c", program])
    pids = pids_in(tmp_path / "pids")
    probe.send_signal(signal.SIGKILL)
    probe.wait(WAIT_S)
    wait_until(lambda: not any(is_running(pid) for pid in pids))


def test_a_run_can_be_killed_from_another_thread_and_later_does_nothing(script, tmp_path):
    run = Run([script(f"echo $$ > {tmp_path}/pids; sleep 1000")], LONG_S)
    pids_in(tmp_path / "pids")
    threading.Thread(target=run.kill).start()
    with pytest.raises(Stopped, match="signal 9"):
        run.output()
    run.kill()


# What it prints


@pytest.mark.parametrize(
    ("line", "parsed"),
    [
        ("queue 3", ("queue", 3.0, None)),
        ("queue 3.5e3 jobs", ("queue", 3500.0, "jobs")),
        ("scratch.free -1 GiB free", ("scratch.free", -1.0, "GiB free")),
        ("nfs/latency-ms nan ms", ("nfs/latency-ms", None, "ms")),
        ("temp 5 \x1b[31m", ("temp", 5.0, "[31m")),
        ("queue", None),
        ("queue x", None),
        ("queue 1_0", None),
        ("3 4", None),
        ("[bold] 4", None),
        ("a" * 200 + " 4", None),
    ],
)
def test_plain_lines(line, parsed):
    assert parse_plain(line) == parsed


@given(st.one_of(st.binary(max_size=300), st.text('a1.- \n#{}="TYPE', max_size=80).map(str.encode)))
def test_any_output_gives_strict_json(printed):
    result = Output(printed)
    assert result.example is None or result.example.isprintable()
    json.dumps([row for row in result.samples if row[2] is not None and abs(row[2]) < 1e300], allow_nan=False)


def rows_of(text, script, **more):
    one = Script({"name": "site", "command": [script(text)], "timeout_s": LONG_S, **more})
    return one, *one.run()


def test_lines_become_samples_with_their_units(script):
    _, rows, why = rows_of("printf '# comment\\n\\nqueue 3 jobs\\nscratch_free_bytes 5\\nodd line here\\n'", script)
    assert rows == [
        {"source": "site", "series": "queue", "value": 3.0, "kind": "gauge", "unit": "jobs"},
        {"source": "site", "series": "scratch_free_bytes", "value": 5.0, "kind": "gauge", "unit": "B"},
    ]
    assert why == "1 lines not understood, the first: odd line here"


def test_prometheus_text_becomes_samples_and_counters_rates(script, tmp_path):
    (tmp_path / "count").write_text("10")
    text = f"printf '# TYPE errors_total counter\\nerrors_total{{a=\"b\"}} %d\\nup 1\\n' $(cat {tmp_path}/count)"
    one, rows, why = rows_of(text, script)
    assert [(row["series"], row["kind"], row["value"]) for row in rows] == [
        ('errors_total{a="b"}', "counter", None),
        ("up", "gauge", 1.0),
    ]
    assert why is None
    (tmp_path / "count").write_text("20")
    rows, _ = one.run()
    assert rows[0]["value"] > 0
    assert rows[0]["unit"] == "/s"
    sweep = {"kind": "sweep", "v": wire.VERSION, "seq": 0, "t_unix_s": 0.0, "t_mono_s": 0.0}
    assert wire.decode(json.dumps(dict(sweep, samples=rows)).encode()).samples[0].kind == "counter"


def test_one_that_says_nothing_or_too_much_is_told(script):
    assert rows_of("true", script)[1:] == ([], "it printed nothing")
    _, rows, why = rows_of("i=0; while [ $i -lt 500 ]; do echo a$i 1; i=$((i+1)); done", script)
    assert len(rows) == scripts.MOST_SAMPLES
    assert "the rest was left out" in why


# The reader


def test_values_are_said_until_the_next_run_and_gaps_with_them(script):
    specs = [
        {"name": "good", "command": [script("echo a 1", "good")], "interval_s": 60, "timeout_s": LONG_S},
        {"name": "bad\x1b[m", "command": [script("exit 4", "bad")], "interval_s": 60, "timeout_s": LONG_S},
        {"name": "none", "command": ["no-such-command-anywhere"], "interval_s": 60},
    ]
    woken = threading.Event()
    reader = ScriptReader(specs, woken.set)
    for now in (0.0, 1.0, 2.0):
        reader.read(now)
        reader.join(WAIT_S)
    assert woken.is_set()
    assert [(row["source"], row["series"], row["value"]) for row in reader.read(30.0)] == [("good", "a", 1.0)]
    assert reader.gaps == {
        "script bad [m": "exit status 4",
        "script none": "no-such-command-anywhere is not on this host",
    }
    reader.close()


def test_a_script_runs_at_its_cadence_and_never_twice_at_a_time(script, tmp_path):
    path = script(f"echo x >> {tmp_path}/runs; while [ -e {tmp_path}/hold ]; do sleep 0.01; done; echo a 1")
    reader = ScriptReader([{"name": "s", "command": [path], "interval_s": 10, "timeout_s": LONG_S}])

    def runs():
        return (tmp_path / "runs").read_text().count("x")

    for now in (0.0, 1.0, 9.0, 10.0, 19.0):
        reader.read(now)
        reader.join(WAIT_S)
    assert runs() == 2
    (tmp_path / "hold").touch()
    for now in (20.0, 30.0, 40.0):
        reader.read(now)
    wait_until(lambda: runs() == 3)
    # What it said last stands while it runs.
    assert [row["value"] for row in reader.read(41.0)] == [1.0]
    (tmp_path / "hold").unlink()
    reader.join(WAIT_S)
    assert runs() == 3
    # It is late, so it runs at once, and once.
    for now in (42.0, 43.0):
        reader.read(now)
        reader.join(WAIT_S)
    assert runs() == 4
    reader.close()


def test_a_failed_run_takes_its_values_back(script, tmp_path):
    path = script(f"[ -e {tmp_path}/fail ] && exit 9; echo a 1")
    reader = ScriptReader([{"name": "s", "command": [path], "interval_s": 10, "timeout_s": LONG_S}])
    reader.read(0.0)
    reader.join(WAIT_S)
    assert len(reader.read(1.0)) == 1
    (tmp_path / "fail").touch()
    reader.read(10.0)
    reader.join(WAIT_S)
    assert reader.read(11.0) == []
    assert reader.gaps == {"script s": "exit status 9"}
    reader.close()


def test_what_runs_is_killed_when_the_probe_ends(script, tmp_path):
    reader = ScriptReader(
        [{"name": "s", "command": [script(f"echo $$ > {tmp_path}/pids; sleep 1000")], "timeout_s": 500}]
    )
    reader.read(0.0)
    pids = pids_in(tmp_path / "pids")
    reader.close()
    wait_until(lambda: not any(is_running(pid) for pid in pids))
    reader.join(WAIT_S)


def test_one_that_cannot_be_killed_is_said_and_the_others_go_on():
    is_over = threading.Event()

    class Stuck:
        def __init__(self, command, _timeout_s):
            self._command = command

        def output(self):
            if self._command == ["stuck"]:
                is_over.wait(WAIT_S)
            return b"a 1\n"

        def kill(self):
            pass

    specs = [{"name": name, "command": [name]} for name in ("stuck", "well")]
    reader = ScriptReader(specs, start=Stuck)
    try:
        reader.read(0.0)
        reader.read(1.0)
        for patrol in reader._patrols[:1]:
            patrol.limit_s = 0.0
        reader.join(WAIT_S)
        assert [row["source"] for row in reader.read(2.0)] == ["well"]
        assert reader.gaps == {"script stuck": "it cannot be killed"}
    finally:
        is_over.set()


def test_too_many_scripts_and_values_are_bounded():
    class Many:
        def __init__(self, *_):
            pass

        def output(self):
            return b"".join(b"a%d 1\n" % number for number in range(60))

    reader = ScriptReader([{"name": f"s{number}", "command": ["x"]} for number in range(100)], start=Many)
    reader.read(0.0)
    for now in range(1, 10):
        reader.read(float(now))
        reader.join(WAIT_S)
    assert len(reader.read(10.0)) == scripts.MOST_SAMPLES
    assert len(reader.gaps) == scripts.MOST_SCRIPTS - 1
    assert set(reader.gaps.values()) == {"more than 96 values of scripts on this host, the rest was left out"}


def test_no_scripts_cost_nothing_and_load_no_subprocess():
    assert ScriptReader(None).read(0.0) == []
    program = "import sys\nfrom leptontui.probe import scripts\nscripts.ScriptReader([]).read(0.0)\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "subprocess" not in done.stdout.split()


def test_the_session_of_a_leader_is_found():
    with subprocess.Popen(["sleep", "1000"], start_new_session=True) as child:
        try:
            assert running._session(child.pid) == [child.pid]
        finally:
            child.kill()
    with contextlib.suppress(ProcessLookupError):
        assert os.getsid(0) != child.pid


# The probe's own children


def test_a_command_of_the_system_is_found_and_its_output_given():
    assert children.output_of([children.which("echo"), "a"], LONG_S) == b"a\n"
    assert children.which("no-such-command-anywhere") is None
    assert not children._running


def test_a_command_that_fails_or_hangs_says_so_and_is_gone(script, tmp_path):
    with pytest.raises(Unreadable, match="script: no such unit"):
        children.output_of([script("echo no such unit >&2; exit 4")], LONG_S)
    with pytest.raises(Unreadable, match="script: exit status 4"):
        children.output_of([script("exit 4")], LONG_S)
    with pytest.raises(Unreadable, match=r"script has not answered for 0\.5 s"):
        children.output_of([script(f"sleep 1000 & echo $$ $! > {tmp_path}/pids; wait")], 0.5)
    wait_until(lambda: not any(is_running(pid) for pid in pids_in(tmp_path / "pids")))
    assert not children._running


def test_all_that_run_are_ended_at_once():
    started = [children.start([children.which("sleep"), "1000"]) for _ in range(3)]
    children.end_all()
    wait_until(lambda: all(child.poll() is not None for child in started))
    for child in started:
        children.end(child)
