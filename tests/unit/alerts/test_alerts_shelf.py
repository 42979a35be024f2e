"""The alerts' database: kept over restarts, shared between processes, bounded, and honest where it cannot be had."""

import sqlite3
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import pytest

from leptontui.alerts.care import acknowledgement
from leptontui.alerts.shelf import KEPT_DAYS, Changes, Shelf
from leptontui.alerts.shelf_tables import VERSION
from leptontui.alerts.silences import make_silence
from leptontui.errors import AlertError
from leptontui.model.alert import Alert, Matcher
from leptontui.model.alert_history import Happening, HistoryQuery, Transition
from leptontui.model.series import Eta
from tests.conftest import without_rights
from tests.unit.alerts.life_scene import SOON, T0, XID, Life, finding, gpu

SCOPE = "fleet.toml"


def fired(life: Life | None = None) -> tuple[Alert, ...]:
    life = life or Life()
    eta = Eta(90.0, None, T0 + 60, T0 + 600)
    life.look(finding(XID), replace(finding(SOON, gpu("gpu-002"), rack="r1"), eta=eta, evidence=("a", "b")))
    return life.state.alerts


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "alerts.sqlite"


@pytest.fixture
def shelf(path: Path) -> Shelf:
    made = Shelf(path, SCOPE)
    assert made.lease("me", "process 1", T0, 15) == ""
    return made


def told(alerts: tuple[Alert, ...], at: float = T0) -> tuple[Transition, ...]:
    return tuple(Transition(Happening.FIRED, at, alert) for alert in alerts)


def test_what_fires_is_there_after_a_restart(shelf: Shelf, path: Path) -> None:
    alerts = fired()
    given = acknowledgement("anna", "on it", T0)
    silence = make_silence((Matcher("rack", "r1"),), now_unix_s=T0, lasts_s=600, who="bea", why="moving it")
    assert shelf.record("me", Changes(told(alerts), alerts, {"notify": "{}"}))
    shelf.acknowledge({alerts[0].id: given})
    shelf.silence(silence)
    shelf.close()
    again = Shelf(path, SCOPE)
    assert set(again.alive()) == set(alerts), "with eta, evidence, labels and all times"
    assert again.shared(T0 + 1).acknowledged == {alerts[0].id: given}
    assert again.shared(T0 + 1).silences == (silence,)
    assert again.shared(T0 + 601).silences == ()
    assert again.kept("notify") == "{}"
    assert again.kept("nothing") == ""
    assert [one.happening for one in again.history(HistoryQuery())] == [Happening.FIRED] * 2


def test_the_file_is_the_users_alone(shelf: Shelf, path: Path) -> None:
    shelf.record("me", Changes(told(fired())))
    assert {found.name: found.stat().st_mode & 0o777 for found in path.parent.iterdir()} == {path.name: 0o600}
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_file_that_others_may_read_is_made_private(path: Path) -> None:
    path.parent.mkdir()
    path.touch(0o644)
    path.chmod(0o644)
    Shelf(path, SCOPE).close()
    assert path.stat().st_mode & 0o777 == 0o600


def test_fleets_do_not_see_each_others_alerts(shelf: Shelf, path: Path) -> None:
    alerts = fired()
    shelf.record("me", Changes(told(alerts), alerts, {"notify": "x"}))
    other = Shelf(path, "another.toml")
    assert other.lease("other", "process 2", T0, 15) == "", "each fleet has a lease of its own"
    assert other.alive() == ()
    assert other.history(HistoryQuery()) == ()
    assert len(other.history(HistoryQuery(), is_whole=True)) == 2
    assert other.kept("notify") == ""


def test_an_ended_alert_takes_its_acknowledgement_along(shelf: Shelf) -> None:
    alerts = fired()
    shelf.acknowledge({alert.id: acknowledgement("anna", "", T0) for alert in alerts})
    shelf.record("me", Changes(alive=alerts[1:], ended=frozenset({alerts[0].id})))
    assert set(shelf.shared(T0).acknowledged) == {alerts[1].id}
    assert shelf.alive() == alerts[1:]
    shelf.unacknowledge([alerts[1].id, "unknown"])
    assert shelf.shared(T0).acknowledged == {}


def test_the_history_can_be_searched(shelf: Shelf) -> None:
    one, two = fired()
    shelf.record(
        "me", Changes((*told((one,)), Transition(Happening.ACKNOWLEDGED, T0 + 5, two, "anna", "100% my_fault")))
    )
    assert [it.alert.id for it in shelf.history(HistoryQuery())] == [two.id, one.id], "newest first"
    assert [it.alert.id for it in shelf.history(HistoryQuery(words=("GPU-001",)))] == [one.id]
    assert [it.alert.id for it in shelf.history(HistoryQuery(words=("rack=r1", "anna")))] == [two.id]
    assert [it.alert.id for it in shelf.history(HistoryQuery(words=("0% MY_",)))] == [two.id], "text, not a pattern"
    assert shelf.history(HistoryQuery(words=("%",), until_unix_s=T0 + 5)) == ()
    assert [it.alert.id for it in shelf.history(HistoryQuery(since_unix_s=T0 + 5))] == [two.id]
    assert len(shelf.history(HistoryQuery(limit=1))) == 1
    assert shelf.history(HistoryQuery(words=("' OR 1=1 --",))) == ()


def test_the_history_is_bounded(shelf: Shelf) -> None:
    one, two = fired()
    shelf.record("me", Changes((*told((one,)), *told((two,), T0 + KEPT_DAYS * 86_400))))
    shelf.prune(T0 + KEPT_DAYS * 86_400 + 1)
    assert [it.alert.id for it in shelf.history(HistoryQuery())] == [two.id]


def test_too_much_history_goes_by_age(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leptontui.alerts.shelf.MOST_TRANSITIONS", 3)
    one, _ = fired()
    for n in range(10):
        shelf.record("me", Changes(told((one,), T0 + n)))
    shelf.prune(T0 + 20)
    assert [it.at_unix_s - T0 for it in shelf.history(HistoryQuery())] == [9, 8, 7]


def test_only_one_instance_holds_the_lease_and_the_next_takes_over(shelf: Shelf, path: Path) -> None:
    other = Shelf(path, SCOPE)
    assert other.lease("you", "process 2", T0 + 5, 15) == "process 1"
    assert not other.record("you", Changes(told(fired()))), "what is written asks for the lease again"
    assert shelf.lease("me", "process 1", T0 + 10, 15) == ""
    assert other.lease("you", "process 2", T0 + 20, 15) == "process 1"
    assert other.lease("you", "process 2", T0 + 25, 15) == "", "it ran out"
    assert shelf.lease("me", "process 1", T0 + 26, 15) == "process 2"
    assert not shelf.record("me", Changes(told(fired())))
    other.release("you")
    assert shelf.lease("me", "process 1", T0 + 27, 15) == "", "given up, it is free at once"


def test_a_lease_from_before_the_clock_was_set_back_holds_nobody_up(shelf: Shelf, path: Path) -> None:
    assert Shelf(path, SCOPE).lease("you", "process 2", T0 - 86_400, 15) == ""


@pytest.mark.parametrize("content", [b"not a database at all" * 500, b"SQLite format 3\x00" + b"\xff" * 8000])
def test_a_damaged_file_is_moved_aside_and_a_new_one_made(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    shelf = Shelf(path, SCOPE)
    assert shelf.lease("me", "process 1", T0, 15) == ""
    assert Path(shelf.moved_aside).read_bytes() == content
    assert shelf.record("me", Changes(told(fired())))


def test_a_file_damaged_in_the_middle_is_found_when_it_is_opened(shelf: Shelf, path: Path) -> None:
    for n in range(30):
        shelf.record("me", Changes(told(fired(), T0 + n)))
    shelf.close()
    whole = bytearray(path.read_bytes())
    whole[8192 : len(whole) - 4096] = b"\x5a" * (len(whole) - 12288)
    path.write_bytes(whole)
    again = Shelf(path, SCOPE)
    assert again.moved_aside
    assert again.history(HistoryQuery()) == ()


def test_a_row_that_cannot_be_read_hides_no_other(shelf: Shelf, path: Path) -> None:
    alerts = fired()
    shelf.record("me", Changes(told(alerts), alerts))
    with sqlite3.connect(path) as raw:
        raw.execute("UPDATE alive SET body = '{\"id\": 5}' WHERE id = ?", (alerts[0].id,))
        raw.execute("UPDATE transitions SET happening = 'exploded' WHERE id = ?", (alerts[0].id,))
    raw.close()
    assert shelf.alive() == alerts[1:]
    assert [one.alert for one in shelf.history(HistoryQuery())] == [alerts[1]]


def test_a_later_versions_file_is_left_alone(shelf: Shelf, path: Path) -> None:
    shelf.close()
    with sqlite3.connect(path) as raw:
        raw.execute(f"PRAGMA user_version = {VERSION + 1}")
    raw.close()
    before = path.read_bytes()
    with pytest.raises(AlertError, match="later leptontui"):
        Shelf(path, SCOPE)
    assert path.read_bytes() == before


def test_a_full_disk_is_said_in_words_and_nothing_is_half_written(shelf: Shelf) -> None:
    alerts = fired()
    shelf.record("me", Changes(told(alerts), alerts))
    pages = shelf._database.execute("PRAGMA page_count").fetchone()[0]
    shelf._database.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(AlertError, match="the disk is full"):
        shelf.record("me", Changes(told(alerts * 200), ()))
    assert set(shelf.alive()) == set(alerts)
    shelf._database.execute("PRAGMA max_page_count = 100000")
    assert shelf.record("me", Changes(told(alerts * 200), ()))


def test_a_disk_that_takes_no_more_bytes_ends_in_words(path: Path) -> None:
    script = """
        import resource, sys
        from pathlib import Path
        from leptontui.alerts.shelf import Changes, Shelf
        from leptontui.errors import AlertError
        from tests.unit.alerts.test_alerts_shelf import SCOPE, T0, fired, told
        shelf = Shelf(Path(sys.argv[1]), SCOPE)
        shelf.lease("me", "process 1", T0, 15)
        resource.setrlimit(resource.RLIMIT_FSIZE, (Path(sys.argv[1]).stat().st_size,) * 2)
        try:
            shelf.record("me", Changes(told(fired() * 500)))
        except AlertError as error:
            print(error)
        print(len(shelf.history(__import__("leptontui.model.alert_history").model.alert_history.HistoryQuery())))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), str(path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "disk" in done.stdout.splitlines()[0]
    assert done.stdout.splitlines()[1] == "0"
    assert Shelf(path, SCOPE).moved_aside == "", "and the file is whole"


def test_a_directory_that_may_not_be_written_is_said_in_words(open_folder: Path) -> None:
    folder = open_folder / "state"
    folder.mkdir(mode=0o555)
    with without_rights():
        assert list(folder.iterdir()) == []
        with pytest.raises(AlertError, match="Permission denied"):
            Shelf(folder / "alerts.sqlite", SCOPE)


def test_a_directory_in_its_place_is_said_in_words(path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(AlertError, match=r"alerts\.sqlite"):
        Shelf(path, SCOPE)


def test_many_processes_write_at_once_and_one_records(path: Path) -> None:
    """Each tries to take the lease and records what it may, beside acknowledgements that all may make."""
    script = """
        import sys
        from pathlib import Path
        from leptontui.alerts.care import acknowledgement
        from leptontui.alerts.shelf import Changes, Shelf
        from tests.unit.alerts.test_alerts_shelf import SCOPE, T0, fired, told
        from leptontui.errors import AlertError

        def until_done(call):  # where the disk is slow another may hold it for longer than is waited
            while True:
                try:
                    return call()
                except AlertError as error:
                    if "let go" not in str(error):
                        raise

        me = sys.argv[2]
        shelf, mine = until_done(lambda: Shelf(Path(sys.argv[1]), SCOPE)), 0
        for n in range(40):
            until_done(lambda: shelf.lease(me, me, T0 + n, 1000))
            mine += until_done(lambda: shelf.record(me, Changes(told(fired()[:1], T0 + n))))
            until_done(lambda: shelf.acknowledge({f"{me}-{n}": acknowledgement(me, "", T0)}))
        print(mine)
    """
    command = [sys.executable, "-c", textwrap.dedent(script), str(path)]
    running = [subprocess.Popen([*command, f"p{n}"], stdout=subprocess.PIPE, text=True) for n in range(3)]
    said = [int(process.communicate(timeout=100)[0]) for process in running]
    assert sorted(said) == [0, 0, 40]
    shelf = Shelf(path, SCOPE)
    assert shelf.moved_aside == ""
    assert len(shelf.history(HistoryQuery())) == 40
    assert len(shelf.shared(T0).acknowledged) == 120


def test_in_memory_it_works_without_a_file() -> None:
    shelf = Shelf(None, SCOPE)
    shelf.lease("me", "process 1", T0, 15)
    assert shelf.record("me", Changes(told(fired())))
    assert len(shelf.history(HistoryQuery())) == 2
